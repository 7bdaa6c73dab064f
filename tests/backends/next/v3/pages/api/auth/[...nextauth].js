import NextAuth from "next-auth-v3";
import Providers from "next-auth-v3/providers";

import { config } from "../../../../shared/v3-config.mjs";

let handle; // made at the first request: there is no site while Next.js builds this

export default function auth(request, response) {
    handle ??= NextAuth(config(globalThis.site, Providers));
    return handle(request, response);
}
