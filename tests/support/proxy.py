"""What stands in front of a backend: it answers some requests itself, and adds headers to the others' answers."""

from __future__ import annotations

import contextlib
import threading
from collections.abc import Callable, Generator, Mapping
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from types import TracebackType
from typing import Any

import httpx

from tests.support.backend import Backend

BETWEEN_HOPS = {"connection", "content-encoding", "content-length", "transfer-encoding", "date", "server"}


class Proxy:
    """In front of `backend`, on a free port of this machine: `url` and `base` are as a page sees them.

    - `headers`: added to each answer; or what gives those of a path
    - `pages`: what gives the headers and the HTML of a path
    - `streams`: what gives an answer in JSON, piece by piece, until the browser has enough
    - `moved`: where a 308 leads from a path and query, and what is asked of the backend for it, or `None` for both
    - `asked`: the requests, such as "GET /api/auth/session"

    All else is the backend's.
    """

    def __init__(
        self,
        backend: Backend,
        *,
        headers: Mapping[str, str] | Callable[[str], Mapping[str, str]] | None = None,
        moved: Callable[[str], tuple[str | None, str]] = lambda path: (None, path),
    ) -> None:
        self.backend = backend
        self.headers = headers if callable(headers) else lambda path: headers or {}
        self.moved = moved
        self.pages: dict[str, Callable[[], tuple[Mapping[str, str], str]]] = {}
        self.streams: dict[str, Callable[[], Generator[bytes, None, None]]] = {}
        self.asked: list[str] = []
        self._client = httpx.Client(base_url=backend.url, timeout=60)
        self._server = ThreadingHTTPServer(("127.0.0.1", 0), self._handler())
        self._server.daemon_threads = True
        self.url = f"http://127.0.0.1:{self._server.server_port}"
        self.base = self.url + backend.base.removeprefix(backend.url)
        threading.Thread(target=self._server.serve_forever, daemon=True).start()

    def __getattr__(self, name: str) -> Any:
        return getattr(self.backend, name)

    def __enter__(self) -> Proxy:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._server.shutdown()
        self._server.server_close()
        self._client.close()

    def _handler(self) -> type[BaseHTTPRequestHandler]:
        proxy = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"
            disable_nagle_algorithm = True

            def do_GET(self) -> None:
                body = self.rfile.read(int(self.headers.get("content-length", 0)))
                proxy.asked.append(f"{self.command} {self.path}")
                path = self.path.partition("?")[0]
                if path in proxy.pages:
                    headers, html = proxy.pages[path]()
                    self.answer(200, [("content-type", "text/html; charset=utf-8"), *headers.items()], html.encode())
                    return
                if path in proxy.streams:
                    self.send_response(200)
                    self.send_header("content-type", "application/json")
                    self.send_header("connection", "close")
                    self.end_headers()
                    with contextlib.closing(proxy.streams[path]()) as pieces:
                        for piece in pieces:
                            self.wfile.write(piece)
                    return
                target, inner = proxy.moved(self.path)
                if target is not None:
                    self.answer(308, [("location", target)], b"")
                    return
                given = [(name, value) for name, value in self.headers.items() if name.lower() not in BETWEEN_HOPS]
                found = proxy._client.request(self.command, inner, headers=given, content=body)
                kept = [(name, value) for name, value in found.headers.multi_items() if name not in BETWEEN_HOPS]
                self.answer(found.status_code, kept, found.content)

            do_POST = do_PUT = do_PATCH = do_DELETE = do_OPTIONS = do_HEAD = do_GET

            def answer(self, status: int, headers: list[tuple[str, str]], body: bytes) -> None:
                self.send_response(status)
                for name, value in [*headers, *proxy.headers(self.path).items(), ("content-length", str(len(body)))]:
                    self.send_header(name, value)
                self.end_headers()
                if status != 304 and self.command != "HEAD":
                    self.wfile.write(body)

            def handle(self) -> None:
                try:
                    super().handle()
                except (ConnectionError, httpx.TransportError):  # the browser, or the test, has given it up
                    self.close_connection = True

            def log_message(self, *_: Any) -> None:
                """Nothing is said."""

        return Handler


def with_slashes(path: str) -> tuple[str | None, str]:
    """`trailingSlash: true` as Next.js has it, for a backend's own paths: `Proxy.moved`."""
    rest, mark, query = path.partition("?")
    if not rest.startswith("/api/auth"):
        return None, path
    return (None, rest[:-1] + mark + query) if rest.endswith("/") else (rest + "/" + mark + query, path)
