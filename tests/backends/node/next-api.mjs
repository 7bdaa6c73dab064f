// The request and response of a Next.js API route, which next-auth v3 and v4 are written for, over node:http.
import { decode } from "node:querystring";

import { body } from "./site.mjs";

export function nextApi(basePath, handle) {
    return async (request, response) => {
        const url = new URL(request.url, "http://localhost");
        request.query = {
            ...Object.fromEntries(url.searchParams),
            nextauth: url.pathname.slice(basePath.length).split("/").filter(Boolean).map(decodeURIComponent),
        };
        request.cookies = cookiesOf(request.headers.cookie ?? "");
        Object.assign(response, methods(response));
        const text = (await body(request)).toString();
        const type = request.headers["content-type"] ?? "";
        try {
            request.body = type.startsWith("application/json") ? JSON.parse(text || "{}") : decode(text);
        } catch {
            return response.status(400).send("Invalid JSON");
        }
        await handle(request, response);
    };
}

function methods(response) {
    return {
        status(code) {
            response.statusCode = code;
            return response;
        },
        json(data) {
            response.setHeader("Content-Type", "application/json; charset=utf-8");
            response.end(JSON.stringify(data));
            return response;
        },
        send(data) {
            if (typeof data === "object" && data !== null) return response.json(data);
            response.end(data);
            return response;
        },
        redirect(status, url) {
            const given = typeof status === "string" ? [307, status] : [status, url];
            response.writeHead(given[0], { Location: given[1] }).end(given[1]);
            return response;
        },
    };
}

function cookiesOf(header) {
    const cookies = {};
    for (const pair of header.split(/; */)) {
        const [name, ...value] = pair.split("=");
        if (value.length && !(name in cookies)) cookies[name] = decoded(value.join("=").replace(/^"/, "").replace(/"$/, ""));
    }
    return cookies;
}

function decoded(text) {
    try {
        return decodeURIComponent(text);
    } catch {
        return text;
    }
}
