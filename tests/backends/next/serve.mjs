// The Next.js site in a folder here, by Next.js' own server: it gets what lies under the base path, and the pages under
// test lie beside it, on the same origin. `shared` is a copy of ../node, so that it uses the packages installed here.
import { fileURLToPath } from "node:url";

import next from "next";

import { openSite, options } from "./shared/site.mjs";

export async function serve(folder) {
    const site = await openSite("/api/auth");
    process.env.NEXTAUTH_URL = process.env.AUTH_URL = site.origin + site.basePath;
    globalThis.site = site;
    const dir = fileURLToPath(new URL(folder, import.meta.url));
    const app = next({ dev: false, dir, hostname: options.host, port: site.server.address().port });
    const handle = app.getRequestHandler();
    await app.prepare();
    site.serve(handle);
}
