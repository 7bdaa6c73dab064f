// next-auth v3, without Next.js.
import { createRequire } from "node:module";

import { nextApi } from "./next-api.mjs";
import { openSite } from "./site.mjs";
import { config } from "./v3-config.mjs";

const BASE_PATH = "/api/auth";
const site = await openSite(BASE_PATH);
process.env.NEXTAUTH_URL = site.origin + BASE_PATH; // read while it is loaded

const require = createRequire(import.meta.url);
const NextAuth = require("next-auth-v3").default;
const Providers = require("next-auth-v3/providers").default;

const handle = nextApi(BASE_PATH, NextAuth(config(site, Providers)));

// v3 answers in a promise that nobody awaits: what goes wrong there reaches the process alone.
const answering = new Set();
process.on("unhandledRejection", error => {
    site.logger.error("unhandledRejection", error);
    for (const response of answering) if (!response.headersSent) response.writeHead(500).end();
});
site.serve((request, response) => {
    answering.add(response);
    response.on("close", () => answering.delete(response));
    return handle(request, response);
});
