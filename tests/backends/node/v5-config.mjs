// The options of Auth.js v5, however it is run.
import { CredentialsSignin } from "@auth/core/errors";
import Credentials from "@auth/core/providers/credentials";
import Nodemailer from "@auth/core/providers/nodemailer";

import { memoryAdapter } from "./memory-adapter.mjs";
import { client, profile, scope } from "./oidc.mjs";
import { additions, authorize, fields, note, remember } from "./people.mjs";

class LockedOut extends CredentialsSignin {
    code = "locked_out";
}

async function authorizeOrLock(given) {
    if (given.username === "locked") throw new LockedOut();
    return authorize(given);
}

export function config(site) {
    return {
        secret: "a secret of v5",
        trustHost: true,
        basePath: site.basePath,
        adapter: memoryAdapter(),
        session: { strategy: site.options.strategy, maxAge: site.options.maxAge },
        pages: site.options.pages,
        logger: site.logger,
        callbacks: {
            signIn: ({ user, account }) => note(user, account, site.issued),
            jwt: ({ token, account, trigger, session }) => remember(token, { account, trigger, update: session }),
            session: ({ session }) => ({ user: session.user, expires: session.expires, ...additions }),
        },
        providers: [
            ...site.options.passwordIds.map(id => Credentials({ id, name: "Password", credentials: fields, authorize: authorizeOrLock })),
            Nodemailer({ id: "email", name: "Email", server: site.options.smtp, from: "backend@example.com" }),
            {
                id: "oidc",
                name: "Identity provider",
                type: "oidc",
                style: { logo: "/static/icon.svg" }, // else its page fetches one from another host
                checks: ["pkce", "state", "nonce"],
                issuer: site.options.issuer,
                authorization: { params: { scope, prompt: "consent" } },
                clientId: client.id,
                clientSecret: client.secret,
                client: { token_endpoint_auth_method: client.authentication },
                profile,
            },
        ],
    };
}
