// next-auth v4, without Next.js.
import { createRequire } from "node:module";

import { nextApi } from "./next-api.mjs";
import { openSite } from "./site.mjs";
import { config } from "./v4-config.mjs";

const BASE_PATH = "/api/auth";
const site = await openSite(BASE_PATH);
process.env.NEXTAUTH_URL = site.seenAt + BASE_PATH; // read while it is loaded

const require = createRequire(import.meta.url);
const NextAuth = require("next-auth-v4").default;
const Credentials = require("next-auth-v4/providers/credentials").default;
const Email = require("next-auth-v4/providers/email").default;

site.serve(nextApi(BASE_PATH, NextAuth(config(site, Credentials, Email))));
