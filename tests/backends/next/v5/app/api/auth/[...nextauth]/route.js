import NextAuth from "next-auth-v5";

import { config } from "../../../../../shared/v5-config.mjs";

let made; // at the first request: there is no site while Next.js builds this

function handlers() {
    made ??= NextAuth(config(globalThis.site)).handlers;
    return made;
}

export const GET = request => handlers().GET(request);
export const POST = request => handlers().POST(request);
