// A database in memory, as adapters of v3 have it.
import { createHash, randomBytes } from "node:crypto";

const random = () => randomBytes(32).toString("hex");
const inSeconds = seconds => new Date(Date.now() + seconds * 1000);

export function memoryAdapterV3() {
    const [users, accounts, sessions, requests] = [new Map(), new Map(), new Map(), new Map()];
    let numbers = 0;
    return {
        async getAdapter({ session: { maxAge, updateAge }, secret, baseUrl }) {
            const requestKey = (identifier, token) =>
                `${identifier}:${createHash("sha256").update(token + secret).digest("hex")}`;
            return {
                async createUser(profile) {
                    const user = { ...profile, id: ++numbers };
                    users.set(user.id, user);
                    return user;
                },
                getUser: async id => users.get(id) ?? null,
                getUserByEmail: async email => [...users.values()].find(user => user.email === email) ?? null,
                getUserByProviderAccountId: async (provider, id) => users.get(accounts.get(`${provider}:${id}`)) ?? null,
                async updateUser(user) {
                    users.set(user.id, user);
                    return user;
                },
                async linkAccount(userId, provider, _type, id) {
                    accounts.set(`${provider}:${id}`, userId);
                },
                async createSession({ id }) {
                    const session = { userId: id, expires: inSeconds(maxAge), sessionToken: random(), accessToken: random() };
                    sessions.set(session.sessionToken, session);
                    return session;
                },
                async getSession(token) {
                    const session = sessions.get(token);
                    return session && session.expires > new Date() ? session : null;
                },
                async updateSession(session, force) {
                    const due = session.expires.getTime() - (maxAge - updateAge) * 1000;
                    if (force || due <= Date.now()) session.expires = inSeconds(maxAge);
                    return session;
                },
                async deleteSession(token) {
                    sessions.delete(token);
                },
                async createVerificationRequest(identifier, url, token, _secret, provider) {
                    requests.set(requestKey(identifier, token), { identifier, expires: inSeconds(provider.maxAge) });
                    await provider.sendVerificationRequest({ identifier, url, token, baseUrl, provider });
                },
                async getVerificationRequest(identifier, token) {
                    const request = requests.get(requestKey(identifier, token));
                    return request && request.expires > new Date() ? request : null;
                },
                async deleteVerificationRequest(identifier, token) {
                    requests.delete(requestKey(identifier, token));
                },
            };
        },
    };
}
