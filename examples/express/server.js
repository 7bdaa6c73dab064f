// Auth.js on Express, behind Caddy. AUTH_SECRET makes the cookies: `openssl rand -hex 32`.
import { ExpressAuth } from "@auth/express";
import Credentials from "@auth/express/providers/credentials";
import express from "express";

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

const app = express();
app.set("trust proxy", "loopback"); // a proxy on this machine, and nobody else, says that browsers are on https
app.use("/api/auth/*", ExpressAuth({ trustHost: true, providers: [password] }));
app.listen(process.env.PORT ?? 3000, "127.0.0.1");
