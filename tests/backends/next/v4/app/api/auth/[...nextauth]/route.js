import NextAuth from "next-auth-v4";
import Credentials from "next-auth-v4/providers/credentials";
import Email from "next-auth-v4/providers/email";

import { config } from "../../../../../shared/v4-config.mjs";

let handle; // made at the first request: there is no site while Next.js builds this

function auth(request, context) {
    handle ??= NextAuth(config(globalThis.site, Credentials, Email));
    return handle(request, context);
}

export { auth as GET, auth as POST };
