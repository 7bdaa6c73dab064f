// One origin of a backend under test: its auth endpoints, a folder of pages beside them, and what it has logged.
// Knows no backend. Whoever starts it gives the options as one JSON argument, reads the line that says where it
// listens, and closes stdin to stop it.
import { createReadStream, statSync } from "node:fs";
import { createServer } from "node:http";
import { extname, join, resolve, sep } from "node:path";

export const options = {
    host: "127.0.0.1", // a name that browsers resolve to this machine
    folder: ".", // what is served beside the auth endpoints
    issuer: "", // of the identity provider
    smtp: "", // where mail goes, such as smtp://127.0.0.1:2525
    maxAge: 30 * 24 * 60 * 60, // seconds that a session lives
    strategy: "jwt", // or "database"
    passwordIds: ["credentials"], // of the providers that take a password
    pages: {}, // pages of the site's own, as NextAuth's option `pages` has them
    allow: "", // the origin of pages elsewhere that may ask with cookies (CORS), as a reverse proxy would let them
    seenAt: "", // the origin at which browsers find it, where another server has it under its own
    trailingSlash: false, // as Next.js has it: a slash at the end of each path, and a 308 for one without
    ...JSON.parse(process.argv[2] ?? "{}"),
};

const TYPES = {
    ".css": "text/css; charset=utf-8",
    ".html": "text/html; charset=utf-8",
    ".js": "text/javascript; charset=utf-8",
    ".json": "application/json",
    ".mjs": "text/javascript; charset=utf-8",
    ".py": "text/plain; charset=utf-8",
    ".svg": "image/svg+xml",
    ".wasm": "application/wasm",
    ".whl": "application/zip",
    ".zip": "application/zip",
};

export class Site {
    logged = []; // what the backend's logger was told
    issued = []; // {access_token, id_token, refresh_token} of each OAuth sign-in: no page may ever see one
    options = options;

    constructor(server, basePath) {
        this.server = server;
        this.basePath = basePath;
        this.origin = `http://${options.host}:${server.address().port}`;
        this.seenAt = options.seenAt || this.origin;
    }

    // For every backend's option `logger`.
    logger = {
        error: (...details) => this.logged.push(["error", ...details.map(inWords)]),
        warn: (...details) => this.logged.push(["warn", ...details.map(inWords)]),
        debug() {},
    };

    // `handle(request, response)` gets what lies under the base path.
    serve(handle) {
        this.server.on("request", (request, response) => {
            const path = new URL(request.url, this.origin).pathname;
            if (path === "/__logs") return json(response, this.logged);
            if (path === "/__issued") return json(response, this.issued);
            if (path === "/favicon.ico") return response.writeHead(204).end(); // the backends' own pages name no icon
            if (options.allow && letAsk(request, response)) return;
            if (path !== this.basePath && !path.startsWith(this.basePath + "/")) return file(path, request, response);
            if (options.trailingSlash && leadToSlash(request, response)) return;
            Promise.resolve(handle(request, response)).catch(error => {
                this.logger.error("handler", error);
                if (!response.headersSent) response.writeHead(500);
                response.end();
            });
        });
        ready({ url: this.origin, base: this.origin + this.basePath });
    }
}

export async function openSite(basePath) {
    return new Site(await listen(createServer()), basePath);
}

// On a free port of this machine.
export function listen(server) {
    return new Promise(resolve => server.listen(0, "127.0.0.1", () => resolve(server)));
}

export function ready(addresses) {
    process.stdin.resume().on("end", () => process.exit());
    console.log(JSON.stringify(addresses));
}

export function json(response, data) {
    response.setHeader("Content-Type", "application/json");
    response.end(JSON.stringify(data));
}

export async function body(request) {
    const chunks = [];
    for await (const chunk of request) chunks.push(chunk);
    return Buffer.concat(chunks);
}

// Whether that was all: a browser asks first whether it may ask.
function letAsk(request, response) {
    response.setHeader("Access-Control-Allow-Origin", options.allow);
    response.setHeader("Access-Control-Allow-Credentials", "true");
    response.setHeader("Access-Control-Allow-Headers", "Content-Type, X-Auth-Return-Redirect");
    if (request.method === "OPTIONS") response.writeHead(204).end();
    return request.method === "OPTIONS";
}

// Whether that was all; what has its slash goes on without.
function leadToSlash(request, response) {
    const [path, ...query] = request.url.split(/(?=\?)/);
    if (path.endsWith("/")) request.url = [path.slice(0, -1), ...query].join("");
    else response.writeHead(308, { Location: [path + "/", ...query].join("") }).end();
    return !path.endsWith("/");
}

function file(path, request, response) {
    const root = resolve(options.folder);
    const name = join(root, decodeURIComponent(path === "/" ? "/index.html" : path));
    const found = name.startsWith(root + sep) && statSync(name, { throwIfNoEntry: false });
    if (!found || !found.isFile()) return response.writeHead(404).end();
    const tag = `"${found.size}-${found.mtimeMs}"`;
    response.setHeader("Cache-Control", "no-cache");
    response.setHeader("ETag", tag);
    if (request.headers["if-none-match"] === tag) return response.writeHead(304).end();
    response.setHeader("Content-Type", TYPES[extname(name)] ?? "application/octet-stream");
    response.setHeader("Content-Length", found.size);
    createReadStream(name).pipe(response);
}

function inWords(detail) {
    if (detail instanceof Error) return [detail.name, detail.message, detail.cause?.err?.message].filter(Boolean).join(": ");
    return typeof detail === "string" ? detail : JSON.stringify(detail, (_, value) => (value instanceof Error ? inWords(value) : value));
}
