// Takes every mail but those to unknown@example.com. `GET /?to=ADDRESS` answers the oldest one to that address, when it
// has come, and removes it.
import { createServer } from "node:http";

import { SMTPServer } from "smtp-server";

import { body, json, listen, ready } from "./site.mjs";

const mails = []; // {to, text}
const waiting = []; // {to, response}

function deliver() {
    for (const [index, { to, response }] of [...waiting.entries()].reverse()) {
        const found = mails.findIndex(mail => mail.to === to);
        if (found < 0) continue;
        waiting.splice(index, 1);
        json(response, mails.splice(found, 1)[0]);
    }
}

const smtp = new SMTPServer({
    disabledCommands: ["STARTTLS", "AUTH"],
    onRcptTo: ({ address }, _session, accept) =>
        accept(address === "unknown@example.com" ? new Error("Nobody has this address.") : undefined),
    async onData(stream, session, accept) {
        const text = (await body(stream)).toString();
        for (const { address } of session.envelope.rcptTo) mails.push({ to: address, text });
        accept();
        deliver();
    },
});
await listen(smtp);

const http = await listen(
    createServer((request, response) => {
        const to = new URL(request.url, "http://localhost").searchParams.get("to");
        waiting.push({ to, response });
        deliver();
    }),
);

ready({ smtp: `smtp://127.0.0.1:${smtp.server.address().port}`, url: `http://127.0.0.1:${http.address().port}` });
