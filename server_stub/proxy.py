"""An app of any framework behind this server's port: what is not for the backend goes on to it, and its answer back.

So a browser finds both on one origin, as it does where they are deployed. For development: no cache, no balancing, and
no connection is kept.
"""

from __future__ import annotations

import importlib
import importlib.util
import re
from collections.abc import AsyncIterator
from contextlib import aclosing
from html import escape
from typing import Any
from urllib.parse import quote

import anyio
from nextauth_server.forwarding import CLAIMING, CLAIMS, Headers, end_to_end
from starlette.requests import Request
from starlette.responses import HTMLResponse, PlainTextResponse, Response
from starlette.types import Receive, Scope, Send

from .origin import is_loopback, parse_origin
from .pages import SECURITY_HEADERS, page
from .server import CLOSE_CONNECTION, TAKE_ANY_BODY

# httpx2 where there is one, else httpx, which is all that Python 3.10 has.
httpx: Any = importlib.import_module("httpx2" if importlib.util.find_spec("httpx2") else "httpx")

CONNECTING = 5  # seconds
ANSWERING = 600  # seconds until an answer begins, and between its parts: somebody may be debugging the app

OWN = CLAIMS | {"expect"}  # which uvicorn answers itself
VIA = "1.1 server_stub"
VISIBLE = "".join(map(chr, range(0x21, 0x7F)))

_DOMAIN = re.compile(r";\s*domain=([^;]*)", re.IGNORECASE)

RawHeaders = list[tuple[bytes, bytes]]


class Proxy:
    """Passes requests on to ``upstream``, an origin such as ``http://localhost:5000``; ValueError if it is none.

    The app sees the Host that the browser asked for, and ``X-Forwarded-For``, ``-Host`` and ``-Proto``. Where it names
    itself in an answer, in ``Location`` or in the domain of a cookie, it is called as the browser calls it.
    """

    def __init__(self, upstream: str, base_path: str) -> None:
        self.upstream, self.host = parse_origin(upstream)
        if not self.upstream.startswith("http://"):
            raise ValueError(f"{upstream!r} is not on http: --proxy takes an address such as http://localhost:5000")
        self.base_path = base_path
        port = self.upstream.removeprefix("http://").removeprefix(self.host)
        names = ["localhost", "127.0.0.1", "[::1]"] if is_loopback(self.host.strip("[]")) else []
        self.names = tuple(f"http://{name}{port}" for name in [self.host, *names])

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        request = Request(scope)
        if "websocket" in request.headers.get("upgrade", "").lower():
            await self.refuse(501, f"WebSockets are not passed on. Open them at {self.upstream} itself.")(
                scope, receive, send
            )
            return
        if VIA in request.headers.get("via", ""):
            await self.refuse(508, "This server passes requests on to itself: --proxy names the app behind it.")(
                scope, receive, send
            )
            return
        exchange = _Exchange(self, request, receive, send)
        async with anyio.create_task_group() as tasks:
            # Nobody waits for the answer when the browser has gone.
            tasks.start_soon(exchange.until_the_browser_leaves, tasks.cancel_scope)
            await exchange.run()
            tasks.cancel_scope.cancel()

    def refuse(self, status: int, text: str) -> Response:
        return PlainTextResponse(text, status, {"Cache-Control": "no-store"})

    def unreachable(self, request: Request, problem: Exception) -> Response:
        """What the browser is shown when the app does not answer: what to start."""
        if isinstance(problem, httpx.ConnectError | httpx.ConnectTimeout):
            port = self.names[0].rpartition(":")[2]
            text = (
                f"Nothing answers at {self.upstream}, where --proxy leads. Start your app there, and reload this page."
            )
            commands = [
                f"flask run --port {port}",
                f"python manage.py runserver {port}",
                f"uvicorn app:app --port {port}",
            ]
        else:
            text = f"The app at {self.upstream} gave no answer that can be passed on ({type(problem).__name__})."
            text += " What it says where it was started tells more."
            commands = []
        if "text/html" not in request.headers.get("accept", ""):
            return self.refuse(502, text)
        items = "".join(f"<li><code>{escape(command)}</code></li>" for command in commands)
        content = f"<p>{escape(text)}</p>" + (f"<ul>{items}</ul>" if items else "")
        return HTMLResponse(page("No answer from the app", self.base_path, content), 502, SECURITY_HEADERS)

    def passed_on(self, request: Request) -> RawHeaders:
        """The headers that the app gets."""
        own = [
            ("via", VIA),
            ("x-forwarded-for", request.client.host if request.client else "127.0.0.1"),
            ("x-forwarded-host", request.headers.get("host", "")),
            ("x-forwarded-proto", request.scope["scheme"]),
        ]
        kept = [
            (name, value)
            for name, value in end_to_end(_text(request.headers.raw), OWN)
            # An underscore is a hyphen to many servers: x_forwarded_host.
            if not name.startswith(CLAIMING) and "_" not in name
        ]
        return _raw([*kept, *own])

    def passed_back(self, request: Request, headers: RawHeaders) -> RawHeaders:
        """The headers that the browser gets; uvicorn adds the date."""
        host = request.headers.get("host", "")
        origin = f"{request.scope['scheme']}://{host}"
        answered = []
        for name, value in end_to_end(_text(headers), {"date"}):
            if name in ("location", "content-location"):
                value = self.called_as_here(value, origin)
            elif name == "set-cookie":
                value = _DOMAIN.sub(lambda match: self.kept_domain(match, host), value)
            answered.append((name, value))
        return _raw(answered)

    def called_as_here(self, url: str, origin: str) -> str:
        for name in self.names:
            if url.lower().startswith(name) and url[len(name) : len(name) + 1] in ("", "/", "?", "#"):
                return origin + url[len(name) :]
        return url

    def kept_domain(self, match: re.Match[str], host: str) -> str:
        """Nothing for the app's own name, which the browser does not know it by: the cookie is for this host then."""
        domain = match[1].strip().lstrip(".").lower()
        is_own = domain == self.host and domain != host.rpartition(":")[0].lower()
        return "" if is_own else match[0]


class _Exchange:
    """One request, as it goes to the app, and its answer."""

    def __init__(self, proxy: Proxy, request: Request, receive: Receive, send: Send) -> None:
        self.proxy = proxy
        self.request = request
        self.receive = receive
        self.send = send
        self.sent = anyio.Event()
        self.started = False

    async def until_the_browser_leaves(self, scope: anyio.CancelScope) -> None:
        await self.sent.wait()
        while (await self.receive())["type"] != "http.disconnect":
            pass
        scope.cancel()

    async def run(self) -> None:
        # How much somebody may upload, and how slowly, is the app's own business.
        self.request.scope.get("extensions", {}).get(TAKE_ANY_BODY, _do_nothing)()
        try:
            # Not made by the client, which would add headers of its own.
            request = httpx.Request(
                self.request.method,
                self.url(),
                headers=self.proxy.passed_on(self.request),
                content=self.body() if self.has_body() else None,
                extensions={"timeout": httpx.Timeout(ANSWERING, connect=CONNECTING).as_dict()},
            )
            async with (
                httpx.AsyncClient(trust_env=False, limits=httpx.Limits(max_keepalive_connections=0)) as client,
                aclosing(await client.send(request, stream=True)) as answer,
            ):
                await self.pass_back(answer)
        except (httpx.HTTPError, httpx.InvalidURL) as problem:
            if self.started:
                self.cut_off()
                return
            response = self.proxy.unreachable(self.request, problem)
            await response(self.request.scope, self.receive, self.send)

    def url(self) -> Any:
        scope = self.request.scope
        target: bytes = scope["raw_path"]  # as the browser wrote it
        if scope["query_string"]:
            target += b"?" + scope["query_string"]
        # A byte that no URL may have, some servers let through: it stays, in the spelling for URLs.
        return httpx.URL(self.proxy.upstream).copy_with(raw_path=quote(target, safe=VISIBLE).encode())

    def has_body(self) -> bool:
        has = {"content-length", "transfer-encoding"} & set(self.request.headers)
        if not has:
            self.sent.set()
        return bool(has)

    async def body(self) -> AsyncIterator[bytes]:
        more = True
        while more:
            message = await self.receive()
            if message["type"] == "http.disconnect":
                raise httpx.ReadError("the browser has left")
            more = message.get("more_body", False)
            yield message.get("body", b"")
        self.sent.set()

    async def pass_back(self, answer: Any) -> None:
        headers = self.proxy.passed_back(self.request, answer.headers.raw)
        self.started = True
        await self.send({"type": "http.response.start", "status": answer.status_code, "headers": headers})
        async for piece in answer.aiter_raw():
            await self.send({"type": "http.response.body", "body": piece, "more_body": True})
        await self.send({"type": "http.response.body", "body": b""})

    def cut_off(self) -> None:
        """The app has broken off: so does this answer, that nobody takes it for whole."""
        close = self.request.scope.get("extensions", {}).get(CLOSE_CONNECTION)
        if close is None:
            raise ConnectionError(f"The app at {self.proxy.upstream} broke off its answer.")
        close()


def _do_nothing() -> None:
    """There is no limit to lift: another server runs this app."""


def _text(headers: RawHeaders) -> Headers:
    return [(name.decode("latin-1"), value.decode("latin-1")) for name, value in headers]


def _raw(headers: Headers) -> RawHeaders:
    return [(name.encode("latin-1"), value.encode("latin-1")) for name, value in headers]
