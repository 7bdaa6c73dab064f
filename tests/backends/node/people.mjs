// Who can sign in with a password, and what the backends say of a signed-in person.

const PEOPLE = {
    ada: { password: "lovelace", id: "1", name: "Ada Lovelace", email: "ada@example.com", image: "/static/icon.svg" },
    "zoë🐘": { password: "pässword & 🐘+漢字%41", id: "4", name: "Zoë 🐘", email: "zoë@example.com", image: null },
    alan: { password: "turing", id: "2", name: "Alan Turing", email: "alan@example.com", image: null },
};

// The option `authorize` of a credentials provider.
export function authorize({ username, password }) {
    if (username === "throw") throw new Error("Custom failure");
    if (username === "elsewhere") throw "/client.json"; // v3 takes it as the address to go to
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

// What an OAuth sign-in has brought, and `undefined` for others. v3 spells the names otherwise.
function tokensOf(account) {
    const access_token = account?.access_token ?? account?.accessToken;
    if (!access_token) return undefined;
    return { access_token, id_token: account.id_token ?? account.idToken, refresh_token: account.refresh_token ?? account.refreshToken };
}

// The signIn callback: everybody but Mallory may, and the tests learn which tokens there are.
export function note(user, account, issued) {
    if (user.name?.startsWith("mallory")) return false;
    const tokens = tokensOf(account);
    if (tokens) issued.push(tokens);
    return true;
}

// The jwt callback: keeps OAuth tokens in the session cookie, where no page sees them, and takes an update's name.
export function remember(token, { account, trigger, update }) {
    const issued = tokensOf(account);
    if (issued) token.issued = issued;
    if (trigger === "update" && update?.name) token.name = update.name;
    return token;
}
