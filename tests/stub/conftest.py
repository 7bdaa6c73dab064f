"""Two ways to the stub: an app called in process, and a real server in a thread.

Coroutines run in an event loop of their own thread, so that no plugin and no other loop of the test run
matters.
"""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Callable, Coroutine, Iterator
from pathlib import Path
from typing import Any
from urllib.parse import urlencode

import httpx
import pytest

from server_stub import create_app
from server_stub.server import Server, listen, local_url
from tests.stub.postgresql import run_postgresql
from tests.support import PATIENCE

pytest.register_assert_rewrite("tests.support.recordings")

ORIGIN = "http://127.0.0.1:4400"


class Client:
    """A browser without JavaScript or redirects: it keeps cookies and can fill in the forms."""

    def __init__(self, http: httpx.AsyncClient, run: Callable[[Coroutine[Any, Any, Any]], Any]) -> None:
        self.http = http
        self.run = run

    @property
    def cookies(self) -> httpx.Cookies:
        return self.http.cookies

    def request(self, method: str, path: str, **options: Any) -> httpx.Response:
        response = self.run(self.http.request(method, path, **options))
        assert isinstance(response, httpx.Response)
        return response

    def get(self, path: str, **options: Any) -> httpx.Response:
        return self.request("GET", path, **options)

    def post(self, path: str, **options: Any) -> httpx.Response:
        return self.request("POST", path, **options)

    def csrf(self) -> str:
        return str(self.get("/api/auth/csrf").json()["csrfToken"])

    def submit(self, path: str, **fields: str) -> httpx.Response:
        """Post a form with a good CSRF token and ask for JSON, unless the fields say otherwise."""
        fields = {"csrfToken": self.csrf(), "json": "true", **fields}
        headers = {"Content-Type": "application/x-www-form-urlencoded"}
        return self.post(path, content=urlencode(fields), headers=headers)

    def sign_in(self, username: str = "ada", password: str = "lovelace", **fields: str) -> httpx.Response:
        return self.submit("/api/auth/callback/credentials", username=username, password=password, **fields)

    def session(self) -> Any:
        return self.get("/api/auth/session").json()


@pytest.fixture(scope="session")
def run() -> Iterator[Callable[[Coroutine[Any, Any, Any]], Any]]:
    loop = asyncio.new_event_loop()
    thread = threading.Thread(target=loop.run_forever, daemon=True)
    thread.start()
    yield lambda coroutine: asyncio.run_coroutine_threadsafe(coroutine, loop).result(PATIENCE)
    loop.call_soon_threadsafe(loop.stop)
    thread.join()
    loop.close()


@pytest.fixture
def connect(run: Callable[[Coroutine[Any, Any, Any]], Any]) -> Callable[..., Client]:
    """A client of an ASGI app, in process."""

    def connect(app: Any, base_url: str = ORIGIN, address: str = "127.0.0.1") -> Client:
        transport = httpx.ASGITransport(app, client=(address, 50_000))
        return Client(httpx.AsyncClient(transport=transport, base_url=base_url), run)

    return connect


@pytest.fixture
def client(connect: Callable[..., Client], tmp_path: Path) -> Client:
    """A client of the default app."""
    return connect(create_app(tmp_path))


@pytest.fixture(scope="session")
def postgresql() -> Iterator[str]:
    """The URL of a PostgreSQL server."""
    with run_postgresql() as url:
        yield url


class LiveServer:
    def __init__(self, app: Any) -> None:
        self.listener = listen("127.0.0.1", 0)
        self.url = local_url(self.listener)
        started = threading.Event()
        self.server = Server(app, on_start=started.set)
        self.thread = threading.Thread(target=self.server.run, kwargs={"sockets": [self.listener]})
        self.thread.start()
        assert started.wait(PATIENCE)

    def stop(self) -> None:
        self.server.should_exit = True
        self.thread.join(PATIENCE)
        assert not self.thread.is_alive()


@pytest.fixture
def live_url(tmp_path: Path) -> Iterator[str]:
    """The URL of a real server with the development controls."""
    server = LiveServer(create_app(tmp_path, dev_controls=True))
    yield server.url
    server.stop()
