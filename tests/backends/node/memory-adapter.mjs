// A database in memory, as adapters of v4 and v5 have it.
import { randomUUID } from "node:crypto";

export function memoryAdapter() {
    const [users, accounts, sessions, tokens] = [new Map(), new Map(), new Map(), new Map()];
    const merge = (map, key, changes) => map.set(key, { ...map.get(key), ...changes }).get(key);
    const take = (map, key) => {
        const found = map.get(key) ?? null;
        map.delete(key);
        return found;
    };
    const accountKey = ({ provider, providerAccountId }) => `${provider}:${providerAccountId}`;
    const tokenKey = ({ identifier, token }) => `${identifier}:${token}`;
    return {
        createUser: async user => merge(users, (user = { ...user, id: randomUUID() }).id, user),
        getUser: async id => users.get(id) ?? null,
        getUserByEmail: async email => [...users.values()].find(user => user.email === email) ?? null,
        getUserByAccount: async account => users.get(accounts.get(accountKey(account))?.userId) ?? null,
        updateUser: async user => merge(users, user.id, user),
        linkAccount: async account => merge(accounts, accountKey(account), account),
        createSession: async session => merge(sessions, session.sessionToken, session),
        async getSessionAndUser(token) {
            const session = sessions.get(token);
            return session ? { session, user: users.get(session.userId) } : null;
        },
        updateSession: async session => merge(sessions, session.sessionToken, session),
        deleteSession: async token => take(sessions, token),
        createVerificationToken: async token => merge(tokens, tokenKey(token), token),
        useVerificationToken: async token => take(tokens, tokenKey(token)),
    };
}
