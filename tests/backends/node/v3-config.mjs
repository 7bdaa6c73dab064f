// The options of next-auth v3. `Providers` is its own, from wherever it is installed.
import { memoryAdapterV3 } from "./memory-adapter-v3.mjs";
import { client, profile, scope } from "./oidc.mjs";
import { additions, authorize, fields, note, remember } from "./people.mjs";

export function config(site, Providers) {
    return {
        secret: "a secret of v3",
        adapter: memoryAdapterV3(),
        session: { jwt: site.options.strategy === "jwt", maxAge: site.options.maxAge },
        pages: site.options.pages,
        logger: site.logger,
        callbacks: {
            signIn: async (user, account) => note(user, account, site.issued),
            jwt: async (token, _user, account) => remember(token, { account }),
            session: async session => ({ ...session, ...additions }),
        },
        providers: [
            ...site.options.passwordIds.map(id =>
                Providers.Credentials({ id, name: "Password", credentials: fields, authorize: async given => authorize(given) }),
            ),
            Providers.Email({ server: site.options.smtp, from: "backend@example.com" }),
            {
                id: "oidc",
                name: "Identity provider",
                type: "oauth",
                version: "2.0",
                protection: ["pkce", "state"],
                scope,
                params: { grant_type: "authorization_code" },
                authorizationParams: { prompt: "consent" },
                authorizationUrl: `${site.options.issuer}/auth?response_type=code`,
                accessTokenUrl: `${site.options.issuer}/token`,
                requestTokenUrl: `${site.options.issuer}/auth`,
                profileUrl: `${site.options.issuer}/me`,
                clientId: client.id,
                clientSecret: client.secret,
                profile,
            },
        ],
    };
}
