"""Real servers to ask: the development backend, which notes what arrives, and one that answers whatever it is told.

Coroutines run in a thread of their own, so that no other event loop of the test run matters.
"""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Callable, Coroutine, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any
from urllib.parse import urlencode

import django
import httpx
import pytest
from django.conf import settings

from server_stub import create_app
from server_stub.server import Server, listen, local_url
from tests.support import PATIENCE

VARIABLES = ("NEXTAUTH_URL_INTERNAL", "NEXTAUTH_URL", "AUTH_URL")

if not settings.configured:
    settings.configure(
        ALLOWED_HOSTS=["*"],
        DATABASES={"default": {"ENGINE": "django.db.backends.sqlite3", "NAME": ":memory:"}},
        INSTALLED_APPS=["django.contrib.auth", "django.contrib.contenttypes", "django.contrib.sessions"],
        MIDDLEWARE=[],
        PASSWORD_HASHERS=["django.contrib.auth.hashers.MD5PasswordHasher"],
        SECRET_KEY="not one",
        USE_TZ=True,
    )
    django.setup()


@pytest.fixture(scope="session")
def run() -> Iterator[Callable[[Coroutine[Any, Any, Any]], Any]]:
    with ThreadPoolExecutor(1) as thread:
        yield lambda coroutine: thread.submit(asyncio.run, coroutine).result(PATIENCE)


@pytest.fixture(autouse=True)
def no_address_is_known(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in VARIABLES:
        monkeypatch.delenv(name, raising=False)


class Backend:
    """The development backend on a port of its own. `seen`: the path and the headers of every request."""

    def __init__(self, folder: Path) -> None:
        self.seen: list[tuple[str, dict[str, str]]] = []
        self.app = create_app(folder)
        listener = listen("127.0.0.1", 0)
        self.url = local_url(listener)
        started = threading.Event()
        self.server = Server(self, on_start=started.set)
        self.thread = threading.Thread(target=self.server.run, kwargs={"sockets": [listener]}, daemon=True)
        self.thread.start()
        assert started.wait(PATIENCE)
        self.cookie = self.sign_in()

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        if scope["type"] == "http":
            headers = {name.decode(): value.decode("latin-1") for name, value in scope["headers"]}
            self.seen.append((scope["path"], headers))
        await self.app(scope, receive, send)

    def sign_in(self) -> str:
        """The cookies of a browser in which Ada is signed in."""
        with httpx.Client(base_url=self.url) as browser:
            fields = {"csrfToken": browser.get("/api/auth/csrf").json()["csrfToken"], "json": "true"}
            fields |= {"username": "ada", "password": "lovelace"}
            form = {"content": urlencode(fields), "headers": {"Content-Type": "application/x-www-form-urlencoded"}}
            assert browser.post("/api/auth/callback/credentials", **form).status_code == 200
            return "; ".join(f"{cookie.name}={cookie.value}" for cookie in browser.cookies.jar)

    def stop(self) -> None:
        self.server.should_exit = True
        self.server.force_exit = True  # a connection that a test left open would be waited for
        self.thread.join(PATIENCE)
        assert not self.thread.is_alive()


@pytest.fixture(scope="session")
def running_backend(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Backend]:
    backend = Backend(tmp_path_factory.mktemp("pages"))
    yield backend
    backend.stop()


@pytest.fixture
def backend(running_backend: Backend, monkeypatch: pytest.MonkeyPatch) -> Backend:
    """The backend, at the address that NEXTAUTH_URL holds."""
    running_backend.seen.clear()
    monkeypatch.setenv("NEXTAUTH_URL", running_backend.url)
    return running_backend


class Scripted:
    """A server that gives every request the same answer. `seen`: what arrived.

    With `hang` set it gives none at all; with `drip`, the body a byte at a time, each so many seconds after the one
    before; with `drip_head`, headers in that way, without end.
    """

    def __init__(self) -> None:
        self.status = 200
        self.headers: list[tuple[str, str]] = []
        self.body = b"{}"
        self.length: str | None = None  # which it says in place of the body's own
        self.hang = False
        self.leads_to: str | None = None  # where an address without a slash at its end redirects to
        self.drip = 0.0
        self.drip_head = 0.0
        self.end = threading.Event()
        self.seen: list[tuple[str, dict[str, str]]] = []
        self.ports: set[int] = set()  # of the connections
        script = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"  # connections are kept

            def do_GET(self) -> None:
                script.seen.append((self.path, {name.lower(): value for name, value in self.headers.items()}))
                script.ports.add(self.client_address[1])
                if script.leads_to is not None and not self.path.endswith("/"):
                    self.send_response(308)
                    self.send_header("Location", script.leads_to)
                    self.send_header("Content-Length", "0")
                    self.end_headers()
                    return
                if script.hang:
                    script.end.wait(10)
                    self.close_connection = True
                    return
                if script.drip_head:
                    with suppress(ConnectionError):
                        self.send_head_without_end()
                    return
                self.send_response(script.status)
                length = str(len(script.body)) if script.length is None else script.length
                self.close_connection = script.length is not None
                for name, value in [*script.headers, ("Content-Length", length)]:
                    self.send_header(name, value)
                with suppress(ConnectionError):  # whoever asked may have heard enough
                    self.send_body()

            def send_head_without_end(self) -> None:
                self.close_connection = True
                self.wfile.write(b"HTTP/1.1 200 OK\r\nX-Long: ")
                while not script.end.wait(script.drip_head):
                    self.wfile.write(b"x")

            def send_body(self) -> None:
                self.end_headers()
                if not script.drip:
                    self.wfile.write(script.body)
                    return
                for byte in script.body:
                    self.wfile.write(bytes([byte]))
                    script.end.wait(script.drip)

            def handle(self) -> None:
                with suppress(ConnectionError):  # between two requests, too
                    super().handle()

            def log_message(self, *_: object) -> None:
                pass

        self.server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self.server.server_port}"
        self.thread = threading.Thread(target=self.server.serve_forever, kwargs={"poll_interval": 0.01})
        self.thread.start()

    def answer(self, status: int, body: str = "", *headers: tuple[str, str]) -> None:
        self.status, self.body, self.headers = status, body.encode(), list(headers)

    def stop(self) -> None:
        self.end.set()
        self.server.shutdown()
        self.server.server_close()
        self.thread.join()


@pytest.fixture
def scripted(monkeypatch: pytest.MonkeyPatch) -> Iterator[Scripted]:
    """A server that answers `{}` until it is told otherwise, at the address that NEXTAUTH_URL holds."""
    server = Scripted()
    monkeypatch.setenv("NEXTAUTH_URL", server.url)
    yield server
    server.stop()
