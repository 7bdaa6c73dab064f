// The options of next-auth v4. `Credentials` and `Email` are its own, from wherever it is installed.
import { memoryAdapter } from "./memory-adapter.mjs";
import { client, profile, scope } from "./oidc.mjs";
import { additions, authorize, fields, note, remember } from "./people.mjs";

export function config(site, Credentials, Email) {
    return {
        secret: "a secret of v4",
        adapter: memoryAdapter(),
        session: { strategy: site.options.strategy, maxAge: site.options.maxAge },
        pages: site.options.pages,
        logger: site.logger,
        callbacks: {
            signIn: ({ user, account }) => note(user, account, site.issued),
            jwt: ({ token, account, trigger, session }) => remember(token, { account, trigger, update: session }),
            session: ({ session }) => ({ ...session, ...additions }),
        },
        providers: [
            ...site.options.passwordIds.map(id =>
                Credentials({ id, name: "Password", credentials: fields, authorize: async given => authorize(given) }),
            ),
            Email({ server: site.options.smtp, from: "backend@example.com" }),
            {
                id: "oidc",
                name: "Identity provider",
                type: "oauth",
                idToken: true,
                checks: ["pkce", "state", "nonce"],
                wellKnown: `${site.options.issuer}/.well-known/openid-configuration`,
                authorization: { params: { scope, prompt: "consent" } },
                clientId: client.id,
                clientSecret: client.secret,
                client: { token_endpoint_auth_method: client.authentication },
                profile,
            },
        ],
    };
}
