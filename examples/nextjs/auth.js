// Auth.js in Next.js. AUTH_SECRET makes the cookies: `openssl rand -hex 32`.
import NextAuth from "next-auth";
import Credentials from "next-auth/providers/credentials";

// Yours asks a database, for a hash of the password.
const people = { ada: { password: "lovelace", name: "Ada Lovelace", email: "ada@example.com" } };

const password = Credentials({
    name: "Password",
    credentials: { username: { label: "Username" }, password: { label: "Password", type: "password" } },
    authorize({ username, password }) {
        const person = Object.hasOwn(people, username) ? people[username] : undefined;
        return person?.password === password ? { name: person.name, email: person.email } : null;
    },
});

// trustHost: the page's address is the one that the browser, or the proxy in front, says. Where others could say it, set AUTH_URL.
export const { handlers } = NextAuth({ trustHost: true, providers: [password] });
