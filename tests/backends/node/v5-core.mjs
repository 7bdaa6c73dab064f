// Auth.js v5 as @auth/core alone: web requests and responses over node:http.
import { Auth } from "@auth/core";

import { body, openSite } from "./site.mjs";
import { config } from "./v5-config.mjs";

const site = await openSite("/api/auth");
const settings = config(site);

site.serve(async (request, response) => {
    const { method, rawHeaders, url } = request;
    const headers = new Headers();
    for (let i = 0; i < rawHeaders.length; i += 2) headers.append(rawHeaders[i], rawHeaders[i + 1]);
    const sent = await body(request);
    const answer = await Auth(new Request(site.origin + url, { method, headers, body: sent.length ? sent : undefined }), settings);
    for (const [name, value] of answer.headers) if (name !== "set-cookie") response.setHeader(name, value);
    response.setHeader("Set-Cookie", answer.headers.getSetCookie());
    response.writeHead(answer.status).end(Buffer.from(await answer.arrayBuffer()));
});
