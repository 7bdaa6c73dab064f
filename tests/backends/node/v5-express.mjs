// Auth.js v5 in an Express server, on the base path that its documentation uses.
import { ExpressAuth } from "@auth/express";
import express from "express";

import { openSite } from "./site.mjs";
import { config } from "./v5-config.mjs";

const site = await openSite("/auth");
const app = express();
app.set("trust proxy", "loopback");
app.use(`${site.basePath}/*`, ExpressAuth(config(site)));

site.serve(app);
