"""A backend of another host, mounted in real apps: what reaches it, and what of its answer reaches the browser."""

from __future__ import annotations

import asyncio
import gzip
import json
import re
import socket
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import suppress
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from io import BytesIO
from types import ModuleType
from typing import Any, NamedTuple
from urllib.parse import quote, unquote_to_bytes

import fastapi
import flask
import httpx
import pytest
from django.core.handlers.asgi import ASGIHandler
from django.core.handlers.wsgi import WSGIHandler
from django.test import RequestFactory
from django.test.utils import override_settings
from django.urls import path as django_path
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st
from nextauth_client import Session, UnexpectedAnswer, protocol
from nextauth_client.host import Answer
from nextauth_server import auth_proxy
from nextauth_server.finding import Finder
from nextauth_server.requests import LARGEST
from starlette.applications import Starlette
from starlette.routing import Mount
from werkzeug.middleware.dispatcher import DispatcherMiddleware
from werkzeug.serving import make_server
from werkzeug.test import run_wsgi_app

from server_stub.server import Server, listen, local_url
from tests.support import PATIENCE

from .frameworks import Run, in_a_thread

PAGE = "https://app.example"
PREFIX = "/api/auth"

Pairs = list[tuple[str, str]]


class Seen(NamedTuple):
    method: str
    target: str
    headers: Pairs
    body: bytes

    def all(self, name: str) -> list[str]:
        return [value for key, value in self.headers if key == name]


class Told:
    """A backend that notes what reaches it, and answers with these bytes; `{}` until it is told otherwise."""

    def __init__(self) -> None:
        self.seen: list[Seen] = []
        self.ports: set[int] = set()  # of the connections
        self.end = threading.Event()
        told = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def do_GET(self) -> None:
                body = self.rfile.read(int(self.headers.get("content-length", 0)))
                headers = [(name.lower(), value) for name, value in self.headers.items()]
                told.seen.append(Seen(self.command, self.path, headers, body))
                told.ports.add(self.client_address[1])
                with suppress(ConnectionError):
                    for piece in told.pieces:
                        if told.end.wait(told.pause):
                            return
                        self.wfile.write(piece)
                self.close_connection = told.closes

            do_POST = do_HEAD = do_PUT = do_GET

            def handle(self) -> None:
                with suppress(ConnectionError):
                    super().handle()

            def log_message(self, *_: object) -> None:
                pass

        self.answer()
        self.server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.origin = f"http://127.0.0.1:{self.server.server_port}"
        self.url = self.origin + PREFIX
        self.thread = threading.Thread(target=self.server.serve_forever, kwargs={"poll_interval": 0.01})
        self.thread.start()

    def answer(self, status: int = 200, body: bytes = b"{}", *headers: tuple[str, str]) -> None:
        head = "".join(f"{name}: {value}\r\n" for name, value in [*headers, ("Content-Length", str(len(body)))])
        self.say(f"HTTP/1.1 {status} Said\r\n{head}\r\n".encode("latin-1"), body, closes=False)

    def say(self, *pieces: bytes, pause: float = 0, closes: bool = True) -> None:
        """These bytes, each after a pause of so many seconds."""
        self.pieces, self.pause, self.closes = list(pieces), pause, closes

    def stop(self) -> None:
        self.end.set()
        self.server.shutdown()
        self.server.server_close()
        self.thread.join()


@pytest.fixture
def told() -> Iterator[Told]:
    backend = Told()
    yield backend
    backend.stop()


class Got(NamedTuple):
    status: int
    headers: Pairs
    body: bytes

    def all(self, name: str) -> list[str]:
        return [value.strip() for key, value in self.headers if key.lower() == name]

    def json(self) -> Any:
        return json.loads(self.body)


class Mounted:
    """An app with the proxy at `/api/auth`, asked with a path as it stands in the request's first line."""

    def __init__(self, app: Any, run: Run, is_async: bool, urls: ModuleType | None = None) -> None:
        self.app = app
        self.run = run
        self.is_async = is_async
        self.urls = urls

    def __call__(
        self,
        target: str = PREFIX + "/session",
        *,
        method: str = "GET",
        headers: Pairs | None = None,
        body: bytes = b"",
    ) -> Got:
        headers = [("host", "127.0.0.1:8000"), *(headers or [])]
        if body:
            headers.append(("content-length", str(len(body))))
        path, _, query = target.partition("?")
        with override_settings(ROOT_URLCONF=self.urls):
            if self.is_async:
                return self.run(self.ask(method, path, query, headers, body))
            return in_a_thread(self.ask_sync, method, path, query, headers, body)  # type: ignore[arg-type, return-value]

    async def ask(self, method: str, path: str, query: str, headers: Pairs, body: bytes) -> Got:
        scope = {
            "type": "http",
            "asgi": {"version": "3.0"},
            "http_version": "1.1",
            "method": method,
            "scheme": "http",
            "path": unquote_to_bytes(path).decode("utf-8", "replace"),
            "raw_path": path.encode(),
            "query_string": query.encode("latin-1"),
            "root_path": "",
            "headers": [(name.encode(), value.encode("latin-1")) for name, value in headers],
            "client": ("192.0.2.7", 1234),
            "server": ("127.0.0.1", 8000),
        }
        pieces = [body[:2], body[2:]]
        sent: list[dict[str, Any]] = []

        async def receive() -> dict[str, Any]:
            if not pieces:
                await asyncio.Event().wait()  # the browser stays
            return {"type": "http.request", "body": pieces.pop(0), "more_body": bool(pieces)}

        async def send(message: dict[str, Any]) -> None:
            sent.append(message)

        await self.app(scope, receive, send)
        start, *parts = sent
        assert parts and not parts[-1].get("more_body", False)
        answered = [(name.decode("latin-1"), value.decode("latin-1")) for name, value in start["headers"]]
        return Got(start["status"], answered, b"".join(part.get("body", b"") for part in parts))

    def ask_sync(self, method: str, path: str, query: str, headers: Pairs, body: bytes) -> Got:
        environ: dict[str, Any] = {
            "REQUEST_METHOD": method,
            "SCRIPT_NAME": "",
            "PATH_INFO": unquote_to_bytes(path).decode("latin-1"),
            "QUERY_STRING": query,
            "SERVER_NAME": "127.0.0.1",
            "SERVER_PORT": "8000",
            "SERVER_PROTOCOL": "HTTP/1.1",
            "REMOTE_ADDR": "192.0.2.7",
            "wsgi.version": (1, 0),
            "wsgi.url_scheme": "http",
            "wsgi.input": BytesIO(body),
            "wsgi.errors": BytesIO(),
            "wsgi.multithread": True,
            "wsgi.multiprocess": False,
            "wsgi.run_once": False,
        }
        for name, value in headers:
            key = name.upper().replace("-", "_")
            environ[key if key in ("CONTENT_TYPE", "CONTENT_LENGTH") else f"HTTP_{key}"] = value
        pieces, status, answered = run_wsgi_app(self.app, environ, buffered=True)
        return Got(int(status.split()[0]), list(answered), b"".join(pieces))


def in_starlette(run: Run, proxy: Any) -> Mounted:
    return Mounted(Starlette(routes=[Mount(PREFIX, proxy)]), run, is_async=True)


def in_fastapi(run: Run, proxy: Any) -> Mounted:
    app = fastapi.FastAPI()
    app.mount(PREFIX, proxy)
    return Mounted(app, run, is_async=True)


def in_flask(run: Run, proxy: Any) -> Mounted:
    app = flask.Flask("app")
    app.wsgi_app = DispatcherMiddleware(app.wsgi_app, {PREFIX: proxy})  # type: ignore[method-assign]
    return Mounted(app, run, is_async=False)


def in_django(run: Run, proxy: Any) -> Mounted:
    return Mounted(WSGIHandler(), run, is_async=False, urls=django_urls(proxy))


def in_django_async(run: Run, proxy: Any) -> Mounted:
    return Mounted(ASGIHandler(), run, is_async=True, urls=django_urls(proxy))


def django_urls(proxy: Any) -> ModuleType:
    urls = ModuleType("urls")
    urls.urlpatterns = [django_path("api/auth/<path:path>", proxy)]  # type: ignore[attr-defined]
    return urls


WAYS = [in_starlette, in_fastapi, in_flask, in_django, in_django_async]
MountProxy = Callable[..., Mounted]


@pytest.fixture(params=WAYS, ids=lambda way: way.__name__)
def mount(request: pytest.FixtureRequest, run: Run) -> MountProxy:
    """Mount a proxy, with these options, in an app of each framework."""

    def mount(url: str, **options: Any) -> Mounted:
        return request.param(run, auth_proxy(url, **{"origin": PAGE, **options}))

    return mount


# ── what reaches the backend ──────────────────────────────────────────────────────────────────────


def test_a_request_reaches_the_backend_with_its_query_cookie_and_body(told: Told, mount: MountProxy) -> None:
    app = mount(told.url)
    form = ("content-type", "application/x-www-form-urlencoded")
    got = app(
        PREFIX + "/callback/credentials?a=%2Fb&c=%C3%BC",
        method="POST",
        headers=[("cookie", "a=1; b=2"), form, ("x-auth-return-redirect", "1"), ("user-agent", "me")],
        body=b"username=ada",
    )
    assert got.status == 200
    [seen] = told.seen
    assert (seen.method, seen.target) == ("POST", "/api/auth/callback/credentials?a=%2Fb&c=%C3%BC")
    assert seen.body == b"username=ada"
    assert dict(seen.headers) == {
        "host": told.origin.removeprefix("http://"),
        "cookie": "a=1; b=2",
        "content-type": form[1],
        "content-length": "12",
        "x-auth-return-redirect": "1",
        "user-agent": "me",
        "x-forwarded-for": "192.0.2.7",
        "x-forwarded-host": "app.example",
        "x-forwarded-proto": "https",
        "via": "1.1 app.example (nextauth_server)",
    }


CLAIMS = {
    "x-forwarded-host": "evil.example",
    "x-forwarded-proto": "gopher",
    "x-forwarded-for": "10.0.0.1",
    "x-forwarded-port": "666",
    "forwarded": "host=evil.example",
    "x-original-url": "/admin",
    "x-rewrite-url": "/admin",
    "x-real-ip": "10.0.0.1",
    "true-client-ip": "10.0.0.1",
}


def test_after_a_post_guards_with_a_cache_ask_again_whatever_was_answered(told: Told, mount: MountProxy) -> None:
    session = b'{"user": {"name": "Ada"}, "expires": "2999-01-01T00:00:00.000Z"}'
    told.answer(200, session)
    finder = Finder(Session, cache=60, base_url=told.url)
    page = mount(told.url)
    for count in (1, 1):
        assert finder.find_sync("a=b") is not None
        assert len(told.seen) == count
    page()
    finder.find_sync("a=b")
    assert len(told.seen) == 2, "a question changes nothing"
    page(PREFIX + "/signout", method="POST", body=b"a=b")
    finder.find_sync("a=b")
    assert len(told.seen) == 4
    told.say(b"")
    assert page(PREFIX + "/signout", method="POST", body=b"a=b").status == 502
    told.answer(200, b"{}")
    assert finder.find_sync("a=b") is None


def test_what_a_client_says_of_hosts_and_proxies_does_not_reach_the_backend(told: Told, mount: MountProxy) -> None:
    mount(told.url)(headers=[*CLAIMS.items(), ("x_forwarded_server", "evil.example")])
    [seen] = told.seen
    said = " ".join(f"{name}: {value}" for name, value in seen.headers)
    assert not re.search("evil|gopher|10[.]0|666|admin", said), said


@pytest.mark.parametrize("host", ["evil.example", "app.example:1", "a b", "", "127.0.0.1@evil.example"])
def test_the_requests_host_is_never_believed(host: str, told: Told, run: Run) -> None:
    app = in_starlette(run, auth_proxy(told.url, origin=PAGE))
    app(headers=[("host", host)])
    [seen] = told.seen
    assert seen.all("host") == [told.origin.removeprefix("http://")]
    assert seen.all("x-forwarded-host") == ["app.example"]


def test_the_backend_can_be_sent_the_pages_host(told: Told, mount: MountProxy) -> None:
    mount(told.url, preserve_host=True)()
    assert told.seen[0].all("host") == ["app.example"]


def test_what_is_between_neighbours_alone_does_not_reach_the_backend(told: Told, mount: MountProxy) -> None:
    hops = [("connection", "close, X-Mine"), ("x-mine", "1"), ("te", "trailers"), ("keep-alive", "timeout=5")]
    hops += [("upgrade", "h2c"), ("http2-settings", "AAMAAABkAARAAAAAAAIAAAAA"), ("proxy-authorization", "Basic x")]
    mount(told.url)(headers=[*hops, ("x-yours", "2")])
    [seen] = told.seen
    assert {name for name, _ in seen.headers} == {
        *("host", "x-yours", "x-forwarded-for", "x-forwarded-host", "x-forwarded-proto", "via")
    }


def test_middleware_of_django_lets_people_sign_in(told: Told, run: Run) -> None:
    proxy = auth_proxy(told.url, origin=PAGE)
    with override_settings(MIDDLEWARE=["django.middleware.csrf.CsrfViewMiddleware"]):
        got = in_django(run, proxy)(PREFIX + "/callback/credentials", method="POST", body=b"csrfToken=theirs")
    assert (got.status, told.seen[0].body) == (200, b"csrfToken=theirs")
    # What LoginRequiredMiddleware reads; importing it takes a database.
    assert proxy.login_required is False


def test_cookies_that_http_2_has_split_are_one_header_again(told: Told, run: Run) -> None:
    in_starlette(run, auth_proxy(told.url, origin=PAGE))(headers=[("cookie", "a=1"), ("cookie", "b=2")])
    assert told.seen[0].all("cookie") == ["a=1; b=2"]


@pytest.mark.parametrize("method", ["PUT", "DELETE", "OPTIONS", "PATCH", "TRACE", "PROPFIND"])
def test_only_get_head_and_post_are_passed_on(method: str, told: Told, mount: MountProxy) -> None:
    got = mount(told.url)(method=method)
    assert (got.status, got.all("allow")) == (405, ["GET, HEAD, POST"])
    assert told.seen == []


def test_head_has_the_headers_and_no_body(told: Told, mount: MountProxy) -> None:
    told.say(b"HTTP/1.1 200 OK\r\nContent-Length: 5000000\r\nX-Mine: 1\r\n\r\n")
    got = mount(told.url)(method="HEAD")
    assert (got.status, got.all("x-mine"), got.body) == (200, ["1"], b"")
    assert told.seen[0].method == "HEAD"


@pytest.mark.parametrize("path", [PREFIX, f"/app{PREFIX}"], ids=["taken off", "left on"])
def test_behind_a_server_with_a_prefix_of_its_own(path: str, told: Told, run: Run) -> None:
    app = Starlette(routes=[Mount(PREFIX, auth_proxy(told.url, origin=PAGE))])

    async def below(scope: Any, receive: Any, send: Any) -> None:
        await app({**scope, "root_path": "/app"}, receive, send)

    told.answer(302, b"", ("Location", f"{told.url}/signin"))
    answer = Mounted(below, run, is_async=True)(f"{path}/session")
    assert told.seen[-1].target == f"{PREFIX}/session"
    assert answer.all("location") == [f"{PAGE}/app{PREFIX}/signin"]


def test_a_path_of_django_may_say_something_to_the_app(told: Told, run: Run) -> None:
    urls = ModuleType("urls")
    urls.urlpatterns = [django_path("<site>/auth/<path:path>", auth_proxy(told.url, origin=PAGE))]  # type: ignore[attr-defined]
    assert Mounted(WSGIHandler(), run, is_async=False, urls=urls)("/one/auth/session").status == 200
    assert told.seen[-1].target == f"{PREFIX}/session"


def test_the_body_of_a_get_is_not_passed_on(told: Told, mount: MountProxy) -> None:
    mount(told.url)(body=b"GET /admin HTTP/1.1\r\n\r\n")
    [seen] = told.seen
    assert (seen.body, seen.all("content-length"), seen.all("transfer-encoding")) == (b"", [], [])


def test_a_post_without_a_body_says_so(told: Told, mount: MountProxy) -> None:
    mount(told.url)(PREFIX + "/signout", method="POST")
    assert told.seen[0].all("content-length") == ["0"]


def test_a_body_that_is_too_large_never_reaches_the_backend(told: Told, mount: MountProxy) -> None:
    app = mount(told.url)
    assert app(method="POST", body=b"x" * LARGEST).status == 200
    got = app(method="POST", body=b"x" * (LARGEST + 1))
    assert (got.status, got.json()["error"]) == (413, "TooLarge")
    assert len(told.seen) == 1


@pytest.mark.parametrize(
    ("length", "status"), [("99", 400), ("-1", 411), ("x", 411), ("9" * 30, 413), ("9" * 5000, 413)], ids=range(5)
)
@pytest.mark.parametrize("way", [in_flask, in_django, in_django_async])
def test_a_request_that_lies_about_its_length_is_refused(
    way: Callable[..., Mounted], length: str, status: int, told: Told, run: Run
) -> None:
    app = way(run, auth_proxy(told.url, origin=PAGE))
    assert app(method="POST", headers=[("content-length", length)]).status == status
    assert told.seen == []


@pytest.mark.parametrize("way", [in_flask, in_django])
def test_a_body_of_which_a_wsgi_server_does_not_say_the_end_is_refused(
    way: Callable[..., Mounted], told: Told, run: Run
) -> None:
    app = way(run, auth_proxy(told.url, origin=PAGE))
    assert app(method="POST", headers=[("transfer-encoding", "chunked")]).status == 411
    assert told.seen == []


def test_a_body_in_chunks_reaches_the_backend_through_djangos_asgi(told: Told, run: Run) -> None:
    app = in_django_async(run, auth_proxy(told.url, origin=PAGE))
    headers = [("host", "app.example"), ("transfer-encoding", "chunked")]
    with override_settings(ROOT_URLCONF=app.urls):
        run(app.ask("POST", PREFIX + "/signout", "", headers, b"a=b"))
    assert told.seen[0].body == b"a=b"


@pytest.mark.parametrize("length", ["5", ""])
def test_a_request_that_breaks_off_in_django_is_refused(length: str, told: Told) -> None:
    class Broken(BytesIO):
        def read(self, size: int | None = -1) -> bytes:
            raise OSError("the connection was reset")

    request = RequestFactory().post(PREFIX + "/signout", **{"CONTENT_LENGTH": length})
    request._stream = Broken()
    assert auth_proxy(told.url, origin=PAGE)(request, "signout").status_code == 400
    assert told.seen == []


def test_a_request_that_ends_too_early_is_refused(told: Told, run: Run) -> None:
    sent: list[Any] = []

    async def receive() -> dict[str, Any]:
        return {"type": "http.disconnect"}

    async def send(message: Any) -> None:
        sent.append(message)

    scope = {"type": "http", "method": "POST", "path": "/signout", "headers": [], "client": None}
    run(auth_proxy(told.url, origin=PAGE)(scope, receive, send))
    assert sent[0]["status"] == 400
    assert told.seen == []


def test_a_request_that_takes_too_long_never_reaches_the_backend(told: Told, run: Run) -> None:
    sent: list[Any] = []

    async def receive() -> dict[str, Any]:
        await asyncio.sleep(0.05)
        return {"type": "http.request", "body": b"x", "more_body": True}

    async def send(message: Any) -> None:
        sent.append(message)

    scope = {"type": "http", "method": "POST", "path": "/signout", "headers": [], "client": None}
    run(auth_proxy(told.url, origin=PAGE, timeout=0.2)(scope, receive, send))
    assert sent[0]["status"] == 408
    assert told.seen == []


@pytest.mark.parametrize("value", ["a=1\r\nX-Mine: 1", "a=1\n", "a\x00", " \x7f"])
def test_a_header_that_no_server_should_have_let_in_is_not_passed_on(value: str, told: Told, mount: MountProxy) -> None:
    got = mount(told.url)(headers=[("cookie", value), ("x-other", value)])
    assert (got.status, told.seen) == (400, [])


def test_a_wsgi_header_that_is_no_bytes_is_refused(told: Told, run: Run) -> None:
    got = in_flask(run, auth_proxy(told.url, origin=PAGE))(headers=[("x-mine", "\u20ac")])
    assert (got.status, told.seen) == (400, [])


# ── its own paths alone ───────────────────────────────────────────────────────────────────────────

STRANGE = [
    "/..",
    "/../admin",
    "/%2e%2e/admin",
    "/.%2e/admin",
    "/a/../../admin",
    "/%2E%2E%2Fadmin",
    "/..%5Cadmin",
    "/a\\..\\admin",
    "/%252e%252e/admin",
    "/./session",
    "//evil.example/session",
    "/%2Fevil.example",
    "/%5C%5Cevil.example",
    "/session%00",
    "/session%0d%0aX-Mine:1",
    "/session%23",
    "/session%3Fa",
    "/session;a=b",
    "/session%20",
    "/@evil.example//",
    "/http://evil.example/",
    "/%FF",
    "/callback//oidc",
]


@pytest.mark.parametrize("tail", STRANGE)
def test_a_path_that_could_be_read_in_two_ways_is_no_path_of_the_backend(
    tail: str, told: Told, mount: MountProxy
) -> None:
    got = mount(told.url)(PREFIX + tail)
    assert 300 <= got.status < 500
    assert told.seen == []


@pytest.mark.parametrize(
    ("tail", "arrived"),
    [
        ("/session", "/session"),
        ("/session/", "/session/"),
        ("/callback/azure-ad", "/callback/azure-ad"),
        ("/callback/a%40b", "/callback/a@b"),
        ("/callback/z%C3%BC", "/callback/z%C3%BC"),
        ("/%73ession", "/session"),
        ("/callback/...", "/callback/..."),
        ("/signin?callbackUrl=//evil.example/../x", "/signin?callbackUrl=//evil.example/../x"),
        ("/signin?http://evil.example", "/signin?http://evil.example"),
    ],
)
def test_its_own_paths_arrive_in_their_one_spelling(tail: str, arrived: str, told: Told, mount: MountProxy) -> None:
    assert mount(told.url)(PREFIX + tail).status == 200
    assert told.seen[0].target == PREFIX + arrived


ODD = st.sampled_from([*"/\\.%;?#@: \t\r\n\x00abc", "..", "%2e", "%2f", "//", "http://", "é", "\ufffd", "evil.test"])


@settings(max_examples=500, deadline=None, suppress_health_check=list(HealthCheck))
@given(path=st.one_of(st.text(), st.lists(ODD, max_size=8).map("".join)), query=st.text(max_size=20))
@example(path="//evil.test/", query="")
@example(path="/\\evil.test", query="#")
@example(path="http://evil.test/api/auth/session", query="")
def test_whatever_the_path_nothing_but_the_backends_own_is_asked_for(path: str, query: str) -> None:
    asked: list[httpx.URL] = []

    def answer(request: httpx.Request) -> httpx.Response:
        asked.append(request.url)
        return httpx.Response(200, json={})

    async def ask() -> int:
        sent: list[Any] = []

        async def send(message: Any) -> None:
            sent.append(message)

        async def receive() -> Any:
            raise AssertionError("nobody reads the body of a GET")

        scope = {"type": "http", "method": "GET", "path": path, "headers": [], "query_string": quote(query).encode()}
        async with httpx.AsyncClient(transport=httpx.MockTransport(answer)) as client:
            proxy = auth_proxy("https://auth.example:8443/base", origin=PAGE, client=client)
            await proxy(scope, receive, send)
        return int(sent[0]["status"])

    status = asyncio.run(ask())
    assert bool(asked) == (status == 200)
    for url in asked:
        assert (url.scheme, url.netloc) == ("https", b"auth.example:8443")
        whole = url.raw_path.partition(b"?")[0]
        assert whole == b"/base" or re.fullmatch(rb"/base(/[\w~@:+!$&'()*,=.%-]+)*/?", whole), whole
        assert not re.search(rb"(?i)/\.{1,2}(/|$)|//|%2e|%2f|%5c|%25", whole), whole


@pytest.mark.parametrize("query", ["a#b", "a\x00", "\x7f", "a\r\nX: 1"])
def test_a_query_that_no_address_may_have_never_breaks_out_of_it(query: str, told: Told, run: Run) -> None:
    got = in_starlette(run, auth_proxy(told.url, origin=PAGE))(f"{PREFIX}/session?{query}")
    assert got.status in (200, 400)
    for seen in told.seen:
        assert re.fullmatch(r"/api/auth/session\?[!-~]*", seen.target)
        assert seen.all("x") == []


def test_a_query_with_a_byte_that_no_address_may_have_is_a_bad_request(told: Told, mount: MountProxy) -> None:
    got = mount(told.url)(f"{PREFIX}/session?x=\xff")
    assert (got.status, told.seen) == (400, [])


def test_a_proxy_that_leads_to_itself_says_so(told: Told, mount: MountProxy) -> None:
    got = mount(told.url)(headers=[("via", "1.1 other, 1.1 app.example (nextauth_server)")])
    assert (got.status, got.json()["error"]) == (508, "ProxyLoop")
    assert mount(told.url)(headers=[("via", "1.1 other.example (nextauth_server)")]).status == 200


def test_a_websocket_is_closed(told: Told, run: Run) -> None:
    sent: list[Any] = []

    async def send(message: Any) -> None:
        sent.append(message)

    run(auth_proxy(told.url, origin=PAGE)({"type": "websocket", "path": "/session", "headers": []}, None, send))  # type: ignore[arg-type]
    assert sent == [{"type": "websocket.close", "code": 1008}]


# ── what reaches the browser ──────────────────────────────────────────────────────────────────────


def test_an_answer_comes_as_the_backend_gave_it(told: Told, mount: MountProxy) -> None:
    told.answer(401, b'{"url":"x"}', ("Content-Type", "application/json"), ("X-Mine", "1"), ("X-Mine", "2"))
    got = mount(told.url)()
    assert (got.status, got.body) == (401, b'{"url":"x"}')
    assert got.all("content-type") == ["application/json"]
    assert ", ".join(got.all("x-mine")) == "1, 2"
    assert got.all("content-length") == ["11"]


def test_no_cache_may_give_an_answer_to_somebody_else(told: Told, mount: MountProxy) -> None:
    told.answer(200, b"{}", ("Cache-Control", "public, max-age=60"), ("Vary", "Accept"))
    got = mount(told.url)()
    assert got.all("cache-control") == ["private, max-age=60"]
    assert got.all("vary") == ["Accept, Cookie"]


def test_what_is_between_neighbours_or_about_another_host_does_not_reach_the_browser(
    told: Told, mount: MountProxy
) -> None:
    dropped = [("Connection", "X-Hop"), ("X-Hop", "1"), ("Keep-Alive", "timeout=5"), ("Proxy-Authenticate", "Basic")]
    dropped += [("Strict-Transport-Security", "max-age=1; includeSubDomains"), ("Alt-Svc", 'h3=":443"')]
    dropped += [("Access-Control-Allow-Origin", "https://evil.example"), ("Access-Control-Allow-Credentials", "true")]
    dropped += [("Server", "theirs"), ("Date", "Thu, 01 Jan 1970 00:00:00 GMT"), ("Service-Worker-Allowed", "/")]
    told.answer(200, b"{}", *dropped, ("X-Kept", "1"))
    got = mount(told.url)()
    names = {name.lower() for name, _ in got.headers}
    assert names == {"x-kept", "content-length", "cache-control", "vary"}


COOKIES = [
    ("a=1; Path=/; HttpOnly", "a=1; Path=/; HttpOnly"),
    ("a=2; Domain=.auth.example; Path=/api/auth; SameSite=Lax", "a=2; Path=/login; SameSite=Lax"),
    ("b=3; path=/api/auth/callback; domain=example", "b=3; path=/login/callback"),
    ("b=4; Path=/api/authority", "b=4; Path=/api/authority"),
    ("c=5; Expires=Wed, 21 Oct 2026 07:28:00 GMT; Secure", "c=5; Expires=Wed, 21 Oct 2026 07:28:00 GMT; Secure"),
    ("__Host-c=6|x%3D=; Path=/; Secure; Partitioned; Priority=High",) * 2,
    ("d=; Max-Age=0; DOMAIN = x", "d=; Max-Age=0"),
    ('e e="x, y"; Path=/', 'e e="x, y"; Path=/'),
]


def test_each_cookie_is_the_pages_own_and_keeps_to_itself(told: Told, run: Run) -> None:
    told.answer(200, b"{}", *(("Set-Cookie", given) for given, _ in COOKIES))
    proxy = auth_proxy(told.url, origin=PAGE)
    urls = ModuleType("urls")
    urls.urlpatterns = [django_path("login/<path:path>", proxy)]  # type: ignore[attr-defined]
    flask_app = DispatcherMiddleware(flask.Flask("app").wsgi_app, {"/login": proxy})
    for app in [
        Mounted(Starlette(routes=[Mount("/login", proxy)]), run, is_async=True),
        Mounted(flask_app, run, is_async=False),
        Mounted(WSGIHandler(), run, is_async=False, urls=urls),
        Mounted(ASGIHandler(), run, is_async=True, urls=urls),
    ]:
        got = app("/login/session")
        assert got.all("set-cookie") == [seen for _, seen in COOKIES]
    assert told.seen[0].target == "/api/auth/session"


LOCATIONS = [
    ("{backend}/api/auth/signin?error=x", PAGE + "/login/signin?error=x"),
    ("{backend}/api/auth", PAGE + "/login"),
    ("{backend}/api/auth?a=//b", PAGE + "/login?a=//b"),
    ("{backend}/", PAGE + "/"),
    ("{backend}", PAGE),
    ("{backend}/orders#5", PAGE + "/orders#5"),
    ("//{host}/api/auth/error", PAGE + "/login/error"),
    ("HTTP://{host}/api/auth/error", PAGE + "/login/error"),
    ("/api/auth/verify-request", "/login/verify-request"),
    ("/api/authority", "/api/authority"),
    ("/orders", "/orders"),
    ("signin", "signin"),
    ("?a=1", "?a=1"),
    ("https://idp.example/authorize?redirect_uri={backend}/api/auth/callback/oidc",) * 2,
    ("{backend}0/api/auth/session",) * 2,
    ("{backend}@evil.example/",) * 2,
    ("http://{host_name}.evil.example:{port}/api/auth",) * 2,
    ("https://{host}/api/auth/session",) * 2,
    ("https://app.example/orders",) * 2,
    ("\\\\evil.example",) * 2,
]


@pytest.mark.parametrize(("given", "seen"), LOCATIONS)
def test_a_redirect_to_the_backend_leads_to_the_page_and_any_other_where_it_led(
    given: str, seen: str, told: Told, run: Run
) -> None:
    names = {"backend": told.origin, "host": told.origin.removeprefix("http://")}
    names["host_name"], _, names["port"] = names["host"].partition(":")
    told.answer(302, b"", ("Location", given.format(**names)))
    app = Mounted(Starlette(routes=[Mount("/login", auth_proxy(told.url, origin=PAGE))]), run, is_async=True)
    got = app("/login/session")
    assert (got.status, got.all("location")) == (302, [seen.format(**names)])


def test_a_redirect_is_not_followed(told: Told, mount: MountProxy) -> None:
    told.answer(307, b"", ("Location", told.url + "/csrf"))
    got = mount(told.url)()
    assert (got.status, got.all("location"), len(told.seen)) == (307, [PAGE + "/api/auth/csrf"], 1)


def test_a_mounted_path_that_somebody_chose_sets_no_attribute_and_leads_nowhere_else(told: Told, run: Run) -> None:
    told.answer(302, b"", ("Location", "/api/auth/x"), ("Set-Cookie", "a=1; Path=/api/auth"))
    app = Mounted(Starlette(routes=[Mount("/{who}/auth", auth_proxy(told.url, origin=PAGE))]), run, is_async=True)
    got = app("/a;%20Domain=evil%0d%0aX:1/auth/x")
    assert got.all("set-cookie") == ["a=1; Path=/a%3B%20Domain=evil%0D%0AX:1/auth"]
    assert got.all("location") == ["/a%3B%20Domain=evil%0D%0AX:1/auth/x"]


def test_a_compressed_answer_stays_compressed(told: Told, mount: MountProxy) -> None:
    packed = gzip.compress(b'{"user": {"name": "Ada"}}')
    told.answer(200, packed, ("Content-Encoding", "gzip"))
    got = mount(told.url)(headers=[("accept-encoding", "gzip, br")])
    assert told.seen[0].all("accept-encoding") == ["gzip, br"]
    assert (got.body, got.all("content-encoding")) == (packed, ["gzip"])


def test_nobody_is_sent_what_is_compressed_who_has_not_asked_for_it(told: Told, mount: MountProxy) -> None:
    mount(told.url)()
    assert told.seen[0].all("accept-encoding") == []


def test_an_answer_in_chunks_is_the_whole_of_it(told: Told, mount: MountProxy) -> None:
    told.say(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n", b"2\r\n{}\r\n", b"0\r\n\r\n")
    got = mount(told.url)()
    assert (got.status, got.body, got.all("transfer-encoding")) == (200, b"{}", [])


class InTwoPieces:
    """An answer of which the second piece comes when the first has arrived."""

    def __init__(self) -> None:
        self.first_is_there = threading.Event()

    def __iter__(self) -> Iterator[bytes]:
        yield b"HTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\n"
        yield b"ab"
        assert self.first_is_there.wait(PATIENCE)
        yield b"cd"


def test_an_answer_is_passed_on_as_it_comes(told: Told) -> None:
    told.pieces = answer = InTwoPieces()  # type: ignore[assignment]
    proxy = auth_proxy(told.url, origin=PAGE)
    environ = {"REQUEST_METHOD": "GET", "PATH_INFO": "/session", "wsgi.input": BytesIO()}
    pieces = proxy(environ, lambda status, headers: None)
    found = iter(pieces)
    assert next(found) == b"ab"
    answer.first_is_there.set()  # type: ignore[attr-defined]
    assert b"".join(found) == b"cd"
    pieces.close()  # type: ignore[attr-defined]


def test_an_answer_is_passed_on_as_it_comes_by_asgi_too(told: Told, run: Run) -> None:
    told.pieces = answer = InTwoPieces()  # type: ignore[assignment]
    sent: list[bytes] = []

    async def send(message: dict[str, Any]) -> None:
        if message["type"] == "http.response.body":
            sent.append(message["body"])
            answer.first_is_there.set()  # type: ignore[attr-defined]

    async def receive() -> Any:
        raise AssertionError("nobody reads the body of a GET")

    scope = {"type": "http", "method": "GET", "path": "/session", "headers": [], "client": None}
    run(auth_proxy(told.url, origin=PAGE)(scope, receive, send))
    assert sent == [b"ab", b"cd", b""]


# ── a backend that does not answer as it should ───────────────────────────────────────────────────


def is_unknown(got: Got) -> bool:
    """Whether a page knows from the answer that it does not know who is signed in."""
    with pytest.raises(UnexpectedAnswer):
        protocol.understand_session(Answer(got.status, got.body.decode(), False))
    return True


def free_port() -> int:
    with socket.socket() as one:
        one.bind(("127.0.0.1", 0))
        return int(one.getsockname()[1])


def test_a_backend_that_is_down_is_502_and_unknown(mount: MountProxy) -> None:
    got = mount(f"http://127.0.0.1:{free_port()}/api/auth")()
    assert (got.status, got.json()["error"]) == (502, "BackendUnreachable")
    assert got.all("content-type") == ["application/json"]
    assert got.all("cache-control") == ["private, no-store"]
    assert is_unknown(got)


def test_a_backend_whose_name_is_unknown_is_502(mount: MountProxy) -> None:
    assert mount("http://nowhere.invalid/api/auth")().status == 502


@pytest.mark.heavy("waits for a backend that is slow")
@pytest.mark.parametrize(
    "pieces",
    [
        pytest.param([b""] * 1000, id="nothing"),
        pytest.param([b"HTTP/1.1 200 OK\r\nX-Long: ", *[b"x"] * 1000], id="its head drips"),
    ],
)
def test_a_backend_that_is_slow_is_504_in_time(pieces: list[bytes], told: Told, mount: MountProxy) -> None:
    told.say(*pieces, pause=0.05)
    start = time.monotonic()
    got = mount(told.url, timeout=0.4)()
    assert time.monotonic() - start < 5
    assert (got.status, got.json()["error"]) == (504, "BackendUnreachable")
    assert is_unknown(got)


@pytest.mark.parametrize(
    "answer",
    [
        b"",
        b"nonsense\r\n\r\n",
        b"HTTP/1.1 200 OK\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\n",
        b"HTTP/1.1 99 X\r\n\r\n",
        b"HTTP/1.1 101 Switching\r\nUpgrade: x\r\nConnection: upgrade\r\n\r\n",
        b"HTTP/1.1 302 Found\r\nLocation: http://a:b\r\nContent-Length: 0\r\n\r\n",
    ],
)
def test_an_answer_that_is_none_is_502(answer: bytes, told: Told, mount: MountProxy) -> None:
    told.say(answer)
    got = mount(told.url)()
    assert got.status == 502
    assert is_unknown(got)


def test_an_answer_that_says_it_is_too_large_is_502(told: Told, mount: MountProxy) -> None:
    told.say(f"HTTP/1.1 200 OK\r\nContent-Length: {LARGEST + 1}\r\n\r\n".encode())
    got = mount(told.url)()
    assert (got.status, got.json()["error"]) == (502, "UnexpectedAnswer")


def test_an_answer_whose_length_has_no_end_is_502(run: Run) -> None:
    headers = {"Content-Length": "9" * 5000}
    transport = httpx.MockTransport(lambda request: httpx.Response(200, headers=headers, stream=httpx.ByteStream(b"")))
    with httpx.Client(transport=transport) as client:
        got = in_flask(run, auth_proxy("http://a.test", origin=PAGE, client=client))()
    assert (got.status, got.json()["error"]) == (502, "UnexpectedAnswer")


BROKEN = {
    "ends too early": ([b"HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\n{}"], 0),
    "drips": ([b"HTTP/1.1 200 OK\r\nContent-Length: 9000\r\n\r\n{}", *[b"x"] * 1000], 0.05),
    "is too large": ([b"HTTP/1.1 200 OK\r\nConnection: close\r\n\r\n{}", *[b"x" * 100_000] * 13], 0),
}


@pytest.mark.heavy("waits for connections to end")
@pytest.mark.parametrize("server", ["uvicorn", "werkzeug"])
@pytest.mark.parametrize(("pieces", "pause"), BROKEN.values(), ids=BROKEN)
def test_a_body_that_breaks_off_is_broken_off_for_the_browser_too(
    pieces: list[bytes], pause: float, server: str, told: Told, caplog: pytest.LogCaptureFixture
) -> None:
    told.say(*pieces, pause=pause)
    proxy = auth_proxy(told.url, origin=PAGE, timeout=0.4)
    start = time.monotonic()
    with (on_uvicorn if server == "uvicorn" else on_werkzeug)(proxy) as url, pytest.raises(httpx.HTTPError):
        httpx.get(url + "/session", timeout=PATIENCE)
    assert time.monotonic() - start < 20, "the deadline is for all of it"
    assert len(told.seen) == 1


@pytest.mark.parametrize(("pieces", "pause"), BROKEN.values(), ids=BROKEN)
def test_django_has_all_of_an_answer_or_an_error(pieces: list[bytes], pause: float, told: Told, run: Run) -> None:
    told.say(*pieces, pause=pause)
    start = time.monotonic()
    got = in_django(run, auth_proxy(told.url, origin=PAGE, timeout=0.4))()
    assert time.monotonic() - start < 20, "the deadline is for all of it"
    assert got.status in (502, 504)
    assert is_unknown(got)


# ── setting it up ─────────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize(
    "url", ["/api/auth", "auth.example", "ftp://auth.example", "https://a:b@auth.example", "https://a?b"]
)
def test_an_address_that_is_none_is_refused(url: str) -> None:
    with pytest.raises(ValueError, match="url is an absolute"):
        auth_proxy(url, origin=PAGE)


def test_an_origin_has_no_path() -> None:
    with pytest.raises(ValueError, match="without a path"):
        auth_proxy("https://auth.example", origin=PAGE + "/app")


def test_where_browsers_see_the_page_has_to_be_known(told: Told, run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(RuntimeError, match="set NEXTAUTH_URL or AUTH_URL"):
        auth_proxy(told.url)
    monkeypatch.setenv("NEXTAUTH_URL", "https://seen.example/api/auth")
    in_starlette(run, auth_proxy(told.url))()
    assert told.seen[0].all("x-forwarded-host") == ["seen.example"]


def test_an_address_without_a_path_has_the_usual_base_path(told: Told, run: Run) -> None:
    in_starlette(run, auth_proxy(told.origin, origin=PAGE))()
    assert told.seen[0].target == "/api/auth/session"


def test_a_client_of_ones_own_keeps_connections_and_sends_nobodys_cookie(told: Told, run: Run) -> None:
    told.answer(200, b"{}", ("Set-Cookie", "session=ada; Path=/"))
    with httpx.Client() as client:
        app = in_flask(run, auth_proxy(told.url, origin=PAGE, client=client))
        for _ in range(3):
            app()
    assert len(told.ports) == 1
    assert [seen.all("cookie") for seen in told.seen] == [[], [], []]


def test_a_late_answer_gives_the_clients_connection_back(told: Told, run: Run) -> None:
    with httpx.Client(limits=httpx.Limits(max_connections=1)) as client:
        app = in_flask(run, auth_proxy(told.url, origin=PAGE, timeout=0.4, client=client))
        told.say(b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n", b"{}", pause=0.5)
        assert app().status == 504
        told.answer()
        end = time.monotonic() + PATIENCE
        while (got := app()).status != 200:
            assert time.monotonic() < end, got


@pytest.mark.parametrize("way", WAYS)
def test_a_client_of_the_wrong_kind_is_told_so(way: Callable[..., Mounted], told: Told, run: Run) -> None:
    client: Any = httpx.Client() if way in (in_starlette, in_fastapi) else httpx.AsyncClient()
    app = way(run, auth_proxy(told.url, origin=PAGE, client=client))
    if app.urls is not None:
        assert app().status == 500  # Django shows it in its log
    else:
        with pytest.raises(TypeError, match="client="):
            app()


# ── servers ───────────────────────────────────────────────────────────────────────────────────────


class on_uvicorn:
    def __init__(self, app: Any) -> None:
        self.app = app

    def __enter__(self) -> str:
        listener = listen("127.0.0.1", 0)
        started = threading.Event()

        async def app(scope: Any, receive: Any, send: Any) -> None:  # uvicorn looks for a coroutine function
            await self.app(scope, receive, send)

        self.server = Server(app, on_start=started.set)
        self.thread = threading.Thread(target=self.server.run, kwargs={"sockets": [listener]}, daemon=True)
        self.thread.start()
        assert started.wait(PATIENCE)
        return local_url(listener)

    def __exit__(self, *_: object) -> None:
        self.server.should_exit = self.server.force_exit = True
        self.thread.join(PATIENCE)


class on_werkzeug:
    def __init__(self, app: Any) -> None:
        self.server = make_server("127.0.0.1", 0, app, threaded=True)
        self.thread = threading.Thread(target=self.server.serve_forever, daemon=True)

    def __enter__(self) -> str:
        self.thread.start()
        return f"http://127.0.0.1:{self.server.server_port}"

    def __exit__(self, *_: object) -> None:
        self.server.shutdown()
        self.thread.join(PATIENCE)
        self.server.server_close()
