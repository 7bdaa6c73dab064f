// Who can sign in with a password, and what the backends say of a signed-in person.

const PEOPLE = {
    ada: { password: "lovelace", id: "1", name: "Ada Lovelace", email: "ada@example.com", image: "/static/icon.svg" },
    alan: { password: "turing", id: "2", name: "Alan Turing", email: "alan@example.com", image: null },
};

// The option `authorize` of a credentials provider.
export function authorize({ username, password }) {
    if (username === "throw") throw new Error("Custom failure");
    // Anybody, under the name that was typed: shows what has arrived.
    if (password === "echo") return { id: "3", name: username, email: "echo@example.com" };
    const { password: right, ...person } = PEOPLE[username] ?? {};
    return right && right === password ? person : null;
}

export const fields = { username: { label: "Username", type: "text" }, password: { label: "Password", type: "password" } };

// What the session callbacks add: a page must get it unchanged.
export const additions = {
    team: { name: "Grüße 👋", roles: ["reader", { of: "books", since: 1843 }], deputy: null, "": "", "a.b": [[]] },
    numbers: [0, -1, 0.5, 4294967296, 9007199254740991],
};

// The jwt callback: keeps an OAuth token in the session cookie, where no page sees it, and takes an update's name.
export function remember(token, { account, trigger, update }, issued) {
    if (account?.access_token) issued.push(account.access_token);
    if (account?.access_token) token.accessToken = account.access_token;
    if (trigger === "update" && update?.name) token.name = update.name;
    return token;
}
