// The client that every backend is to the identity provider.

export const client = {
    id: "backend",
    secret: "a secret between a backend and the identity provider",
    authentication: "client_secret_post", // the one way that v3 knows
};
export const scope = "openid profile email";

export function profile({ sub, name, email, picture }) {
    return { id: sub, name, email, image: picture ?? null };
}
