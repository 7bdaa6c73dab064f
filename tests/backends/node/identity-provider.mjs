// An OpenID provider where everybody may log in under any name, and then allows or refuses.
import { createServer } from "node:http";

import { Provider } from "oidc-provider";

import { client, scope } from "./oidc.mjs";
import { body, listen, ready } from "./site.mjs";

const server = await listen(createServer());
const issuer = `http://127.0.0.1:${server.address().port}`;

const provider = new Provider(issuer, {
    clients: [
        {
            client_id: client.id,
            client_secret: client.secret,
            token_endpoint_auth_method: client.authentication,
            redirect_uris: ["http://backend.localhost/callback"],
            grant_types: ["authorization_code", "refresh_token"],
        },
    ],
    cookies: { keys: ["a secret of the identity provider"] },
    pkce: { required: () => false },
    issueRefreshToken: () => true, // whether or not the scope asks for one
    scopes: scope.split(" "),
    claims: { openid: ["sub"], profile: ["name", "picture"], email: ["email"] },
    conformIdTokenClaims: false,
    features: { devInteractions: { enabled: false } },
    interactions: { url: (_, { uid }) => `/interaction/${uid}` },
    ttl: { Session: 3600, Interaction: 600, Grant: 3600, AccessToken: 600, IdToken: 600 },
    findAccount: (_, id) => ({
        accountId: id,
        claims: async () => ({ sub: id, name: `${id} of elsewhere`, email: `${id}@elsewhere.example` }),
    }),
});
// The backends' ports are not known before they run.
const paths = String.raw`(/api)?/auth/callback/oidc|/accounts/oidc/oidc/login/callback/`; // the latter is allauth's
const redirectUris = new RegExp(String.raw`^http://[\w-]+\.localhost:\d+(${paths})$`);
provider.Client.prototype.redirectUriAllowed = uri => redirectUris.test(uri);
for (const name of ["server_error", "authorization.error", "grant.error"])
    provider.on(name, (_, error) => console.error(name, error.message, error.error_description ?? ""));

server.on("request", async (request, response) => {
    const [, place, , step] = new URL(request.url, issuer).pathname.split("/");
    if (place !== "interaction") return provider.callback()(request, response);
    const details = await provider.interactionDetails(request, response);
    if (!step) return response.setHeader("Content-Type", "text/html; charset=utf-8").end(page(details));
    const form = new URLSearchParams((await body(request)).toString());
    await provider.interactionFinished(request, response, await outcome(step, details, form));
});

async function outcome(step, { prompt, params, session }, form) {
    if (step === "refuse") return { error: "access_denied", error_description: "They said no." };
    if (step === "login") return { login: { accountId: form.get("name") } };
    const grant = new provider.Grant({ accountId: session.accountId, clientId: params.client_id });
    grant.addOIDCScope(prompt.details.missingOIDCScope?.join(" ") ?? params.scope);
    if (prompt.details.missingOIDCClaims) grant.addOIDCClaims(prompt.details.missingOIDCClaims);
    return { consent: { grantId: await grant.save() } };
}

// Shows the parameters that have arrived, too.
function page({ uid, prompt, params }) {
    const form = (step, content) => `<form method="post" action="/interaction/${uid}/${step}">${content}</form>`;
    const login = `<label>Name <input name="name" value="${escaped(params.login_hint ?? "")}"></label> <button>Log in</button>`;
    return `<!doctype html><title>Identity provider</title><link rel="icon" href="data:,">
        ${prompt.name === "login" ? form("login", login) : form("allow", "<button>Allow</button>")}
        ${form("refuse", "<button>Refuse</button>")}
        <output id="parameters">${escaped(JSON.stringify(params))}</output>`;
}

function escaped(text) {
    return text.replace(/[&<>"]/g, character => `&#${character.charCodeAt(0)};`);
}

ready({ url: issuer });
