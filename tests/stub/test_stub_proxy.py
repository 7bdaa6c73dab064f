"""An app of one's own behind the stub's port: real Flask and Django apps, and one that answers whatever it is told."""

from __future__ import annotations

import socket
import threading
import time
from collections.abc import Callable, Iterator
from types import ModuleType
from typing import Any
from urllib.parse import urlencode, urlsplit

import anyio
import django
import flask
import httpx
import pytest
import werkzeug.serving
from django.conf import settings
from django.core.handlers.wsgi import WSGIHandler
from django.http import HttpResponse, HttpResponseRedirect, JsonResponse
from django.test.utils import override_settings
from django.urls import path
from nextauth_server import login_required
from starlette.requests import Request
from werkzeug.wrappers import Response
from werkzeug.wsgi import get_input_stream

from server_stub import create_app, server
from server_stub.proxy import Proxy
from tests.stub.conftest import LiveServer
from tests.support import PATIENCE

if not settings.configured:
    settings.configure(ALLOWED_HOSTS=["*"], MIDDLEWARE=[], DATABASES={})
    django.setup()


class Behind:
    """A WSGI app on a port of its own, as `flask run` serves it."""

    def __init__(self, app: Any) -> None:
        self.server = werkzeug.serving.make_server("127.0.0.1", 0, app, threaded=True, request_handler=Silent)
        self.url = f"http://127.0.0.1:{self.server.server_port}"
        self.thread = threading.Thread(target=self.server.serve_forever)
        self.thread.start()

    def stop(self) -> None:
        self.server.shutdown()
        self.thread.join()
        self.server.server_close()


class Silent(werkzeug.serving.WSGIRequestHandler):
    def log(self, *_: Any) -> None:
        pass


@pytest.fixture
def put_stub_before() -> Iterator[Callable[[Any], str]]:
    """Serve the stub in front of a running server, until both are stopped in the end; gives the stub's URL."""
    running: list[Any] = []

    def put_stub_before(behind: Any) -> str:
        stub = LiveServer(create_app(proxy=behind.url))
        running.extend([stub, behind])
        return stub.url

    yield put_stub_before
    for one in running:
        one.stop()


@pytest.fixture
def serve(put_stub_before: Callable[[Any], str]) -> Callable[[Any], str]:
    """Serve a WSGI app behind the stub; gives the stub's URL."""
    return lambda app: put_stub_before(Behind(app))


@pytest.fixture
def visitor() -> Iterator[httpx.Client]:
    with httpx.Client(follow_redirects=False) as visitor:
        yield visitor


def flask_app() -> Any:
    app = flask.Flask("app")

    @app.get("/account")
    @login_required
    def account() -> Any:
        return {"name": flask.g.nextauth_session.user.name, "host": flask.request.host}

    @app.get("/old")
    def old() -> Any:
        return flask.redirect(flask.url_for("account", _external=True))

    @app.post("/account")
    @login_required
    def change() -> Any:
        return f"{flask.g.nextauth_session.user.name} said {flask.request.form['word']}"

    return app


def django_app() -> Any:
    @login_required
    def account(request: Any) -> Any:
        if request.method == "POST":
            return HttpResponse(f"{request.nextauth_session.user.name} said {request.POST['word']}")
        return JsonResponse({"name": request.nextauth_session.user.name, "host": request.get_host()})

    urls = ModuleType("urls")
    urls.urlpatterns = [  # type: ignore[attr-defined]
        path("account", account),
        path("old", lambda request: HttpResponseRedirect(request.build_absolute_uri("/account"))),
    ]
    handler = WSGIHandler()

    def app(environ: Any, start_response: Any) -> Any:
        with override_settings(ROOT_URLCONF=urls):
            return handler(environ, start_response)

    return app


@pytest.mark.parametrize("make", [flask_app, django_app])
def test_one_signs_in_and_comes_back_to_the_apps_own_page(
    make: Callable[[], Any], serve: Callable[[Any], str], visitor: httpx.Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    url = serve(make())
    monkeypatch.setenv("NEXTAUTH_URL", url)
    asked = visitor.get(f"{url}/account?x=%2F", headers={"Accept": "text/html"})
    assert asked.status_code == 302
    form = visitor.get(asked.headers["location"])
    assert form.status_code == 200 and "Sign in" in form.text
    fields = {"csrfToken": visitor.get(f"{url}/api/auth/csrf").json()["csrfToken"]}
    fields |= {"callbackUrl": f"{url}/account?x=%2F", "username": "ada", "password": "lovelace"}
    back = visitor.post(
        f"{url}/api/auth/callback/credentials",
        content=urlencode(fields),
        headers={"Content-Type": "application/x-www-form-urlencoded"},
    )
    assert (back.status_code, back.headers["location"]) == (302, f"{url}/account?x=%2F")
    own_page = visitor.get(back.headers["location"], headers={"Accept": "text/html"})
    assert own_page.json() == {"name": "Ada Lovelace", "host": urlsplit(url).netloc}
    assert visitor.get(f"{url}/old").headers["location"] == f"{url}/account"
    for headers in ({"Origin": url}, {"Origin": url, "Sec-Fetch-Site": "same-origin"}):
        assert visitor.post(f"{url}/account", data={"word": "ü"}, headers=headers).text == "Ada Lovelace said ü"
    assert visitor.post(f"{url}/account", data={"word": "x"}, headers={"Origin": "http://evil.test"}).status_code == 403


# What is passed on, and back


class Told:
    """A WSGI app that answers what it is told. `seen`: the environs, and the bodies."""

    def __init__(self) -> None:
        self.seen: list[dict[str, Any]] = []
        self.bodies: list[bytes] = []
        self.status = "200 OK"
        self.headers: list[tuple[str, str]] = []
        self.body: Any = [b"fine"]

    def __call__(self, environ: dict[str, Any], start_response: Any) -> Any:
        self.seen.append(environ)
        self.bodies.append(get_input_stream(environ).read())
        start_response(self.status, self.headers)
        return self.body


@pytest.fixture
def told() -> Told:
    return Told()


@pytest.fixture
def url(told: Told, serve: Callable[[Any], str]) -> str:
    return serve(told)


def test_a_request_arrives_as_it_was_sent(url: str, told: Told, visitor: httpx.Client) -> None:
    headers = {"X-Own": "a, b", "Cookie": "a=1; b=2", "Accept-Encoding": "br", "User-Agent": "me"}
    answer = visitor.request("PROPFIND", f"{url}/a%2Fb//c;d/%C3%BC?x=%2F&y=1&x=", content=b"\x00\xff", headers=headers)
    assert answer.text == "fine"
    [seen] = told.seen
    assert (seen["REQUEST_METHOD"], seen["REQUEST_URI"]) == ("PROPFIND", "/a%2Fb//c;d/%C3%BC?x=%2F&y=1&x=")
    assert (seen["HTTP_X_OWN"], seen["HTTP_COOKIE"]) == ("a, b", "a=1; b=2")
    assert (seen["HTTP_ACCEPT_ENCODING"], seen["HTTP_USER_AGENT"]) == ("br", "me")
    assert told.bodies == [b"\x00\xff"]


def test_the_app_learns_who_asked_for_what_and_nothing_that_a_stranger_says_of_it(
    url: str, told: Told, visitor: httpx.Client
) -> None:
    forged = {"X-Forwarded-For": "6.6.6.6", "X-Forwarded-Host": "evil.test", "X-Forwarded-Proto": "gopher"}
    forged |= {"X-Forwarded-Prefix": "//evil.test", "X-Real-IP": "6.6.6.6", "X-Original-URL": "/evil"}
    visitor.get(url, headers={**forged, "Forwarded": "for=6.6.6.6", "Connection": "X-Secret", "X-Secret": "1"})
    [seen] = told.seen
    host = urlsplit(url).netloc
    assert (seen["HTTP_HOST"], seen["HTTP_X_FORWARDED_HOST"]) == (host, host)
    assert (seen["HTTP_X_FORWARDED_FOR"], seen["HTTP_X_FORWARDED_PROTO"]) == ("127.0.0.1", "http")
    assert not {"HTTP_FORWARDED", "HTTP_X_SECRET", "HTTP_TE", "HTTP_UPGRADE"} & set(seen)
    assert not {"HTTP_X_FORWARDED_PREFIX", "HTTP_X_REAL_IP", "HTTP_X_ORIGINAL_URL"} & set(seen)


def test_a_header_that_an_app_would_take_for_the_proxys_is_not_passed_on() -> None:
    headers = [(b"host", b"a.test"), (b"x_forwarded_for", b"6.6.6.6"), (b"x-own", b"1")]
    scope = {"type": "http", "scheme": "http", "headers": headers, "client": None}
    names = [name for name, _ in Proxy("http://localhost:5000", "/api/auth").passed_on(Request(scope))]
    assert b"x_forwarded_for" not in names
    assert b"x-own" in names


def test_an_answer_arrives_as_it_was_sent(url: str, told: Told, visitor: httpx.Client) -> None:
    told.status = "418 I'm a teapot"
    told.headers = [("Set-Cookie", "a=1; Path=/"), ("Set-Cookie", "b=2"), ("X-Own", "\xe9"), ("Content-Encoding", "x")]
    answer = visitor.get(url)
    assert (answer.status_code, answer.read()) == (418, b"fine")
    assert answer.headers.get_list("set-cookie") == ["a=1; Path=/", "b=2"]
    assert (answer.headers["x-own"], answer.headers["content-encoding"]) == ("\xe9", "x")
    assert len(answer.headers.get_list("date")) == 1


@pytest.mark.parametrize("method", ["HEAD", "GET"])
def test_an_answer_without_a_body_is_one(method: str, url: str, told: Told, visitor: httpx.Client) -> None:
    told.status, told.body = ("200 OK", []) if method == "HEAD" else ("304 Not Modified", [])
    told.headers = [("ETag", '"x"')]
    answer = visitor.request(method, url)
    assert (answer.status_code, answer.content, answer.headers["etag"]) == (int(told.status[:3]), b"", '"x"')


def test_a_body_in_pieces_goes_through_in_pieces(url: str, told: Told, visitor: httpx.Client) -> None:
    visitor.post(url, content=iter([b"one ", b"two"]))
    assert told.bodies == [b"one two"]
    more = threading.Event()

    def slowly() -> Iterator[bytes]:
        yield b"first"
        assert more.wait(10)
        yield b"second"

    told.body = slowly()
    with visitor.stream("GET", url) as answer:
        pieces = answer.iter_raw()
        assert next(pieces) == b"first"
        more.set()
        assert b"".join(pieces) == b"second"


def test_an_upload_may_be_larger_and_slower_than_what_the_backend_takes(
    url: str, told: Told, visitor: httpx.Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(server, "BODY_SECONDS", 0.1)
    end = time.monotonic() + 0.5

    def upload() -> Iterator[bytes]:
        sent = 0
        while sent <= server.MOST_OF_A_REQUEST or time.monotonic() < end:
            yield bytes(10_000)
            sent += 10_000

    assert visitor.post(f"{url}/upload", content=upload()).status_code == 200
    assert len(told.bodies[0]) > server.MOST_OF_A_REQUEST
    # The backend's own endpoints, and the next request on this connection, have their limits.
    assert visitor.post(f"{url}/api/auth/signout", content=bytes(2**21)).status_code == 413


def test_the_app_is_called_as_the_browser_calls_it(url: str, told: Told, visitor: httpx.Client) -> None:
    visitor.get(url)
    port = told.seen[0]["SERVER_PORT"]
    own = urlsplit(url).netloc
    for location, arrives in (
        (f"http://127.0.0.1:{port}/x?y=1", f"http://{own}/x?y=1"),
        (f"HTTP://LocalHost:{port}", f"http://{own}"),
        (f"http://localhost:{port}#z", f"http://{own}#z"),
        (f"http://localhost:{port}0/x", f"http://localhost:{port}0/x"),
        (f"http://127.0.0.1:{port}@evil.test/", f"http://127.0.0.1:{port}@evil.test/"),
        ("https://example.org/x", "https://example.org/x"),
        ("/x", "/x"),
    ):
        told.status, told.headers = "302 Found", [("Location", location)]
        assert visitor.get(url).headers["location"] == arrives


@pytest.mark.parametrize(
    ("cookie", "arrives"),
    [
        ("a=1; Domain=app; Path=/", "a=1; Path=/"),
        ("a=1; Path=/; domain=.APP", "a=1; Path=/"),
        ("a=1; Domain=other; Path=/", "a=1; Domain=other; Path=/"),
        ("a=domain; Secure", "a=domain; Secure"),
    ],
)
def test_a_cookie_for_the_apps_own_name_is_for_the_browsers(cookie: str, arrives: str) -> None:
    request = Request({"type": "http", "scheme": "http", "headers": [(b"host", b"localhost:3000")]})
    answered = Proxy("http://app:5000", "/api/auth").passed_back(request, [(b"Set-Cookie", cookie.encode())])
    assert answered == [(b"set-cookie", arrives.encode())]


def test_a_query_with_a_byte_that_no_url_may_have_arrives(put_stub_before: Callable[[Any], str]) -> None:
    behind = Behind(lambda environ, start_response: Response(environ["QUERY_STRING"])(environ, start_response))
    put_stub_before(behind)
    scope = {"type": "http", "method": "GET", "scheme": "http", "path": "/", "raw_path": b"/", "root_path": ""}
    body = b""

    async def send(message: Any) -> None:
        nonlocal body
        body += message.get("body", b"")

    async def receive() -> Any:
        await anyio.sleep_forever()

    async def ask() -> None:
        with anyio.fail_after(PATIENCE):
            asked = {**scope, "query_string": b"a=\xff&b=%C3%BC", "headers": [(b"host", b"localhost:3000")]}
            await Proxy(behind.url, "/api/auth")(asked, receive, send)

    anyio.run(ask)
    assert body == b"a=%FF&b=%C3%BC"


# What cannot be passed on


def free_port() -> int:
    with socket.socket() as found:
        found.bind(("127.0.0.1", 0))
        return int(found.getsockname()[1])


@pytest.fixture
def without_app() -> Iterator[tuple[str, int]]:
    port = free_port()
    stub = LiveServer(create_app(proxy=f"http://localhost:{port}"))
    yield stub.url, port
    stub.stop()


def test_an_app_that_is_not_there_is_named_with_what_to_start(
    without_app: tuple[str, int], visitor: httpx.Client
) -> None:
    url, port = without_app
    answer = visitor.get(f"{url}/x", headers={"Accept": "text/html"})
    assert (answer.status_code, answer.headers["content-type"]) == (502, "text/html; charset=utf-8")
    for text in (f"http://localhost:{port}", f"flask run --port {port}", f"manage.py runserver {port}"):
        assert text in answer.text
    answer = visitor.post(f"{url}/x", content=b"x")
    assert (answer.status_code, answer.headers["content-type"]) == (502, "text/plain; charset=utf-8")
    assert "Start your app there" in answer.text
    assert visitor.get(f"{url}/api/auth/session").json() == {}


class Raw:
    """A server that says what it is told to every request, and hangs up."""

    def __init__(self, said: bytes) -> None:
        self.socket = socket.create_server(("127.0.0.1", 0))
        self.url = f"http://127.0.0.1:{self.socket.getsockname()[1]}"
        self.said = said
        self.thread = threading.Thread(target=self.serve)
        self.thread.start()

    def serve(self) -> None:
        while True:
            try:
                connection, _ = self.socket.accept()
            except OSError:
                return
            with connection:
                connection.recv(65536)
                connection.sendall(self.said)

    def stop(self) -> None:
        self.socket.shutdown(socket.SHUT_RDWR)
        self.socket.close()
        self.thread.join()


@pytest.fixture
def serve_raw(put_stub_before: Callable[[Any], str]) -> Callable[[bytes], str]:
    """Serve these very bytes behind the stub; gives the stub's URL."""
    return lambda said: put_stub_before(Raw(said))


@pytest.mark.parametrize("said", [b"", b"oops", b"HTTP/1.1 200 OK\r\nX: " + b"x" * 200_000])
def test_what_is_no_answer_is_502(said: bytes, serve_raw: Callable[[bytes], str], visitor: httpx.Client) -> None:
    answer = visitor.get(serve_raw(said), headers={"Accept": "text/html"})
    assert answer.status_code == 502
    assert "gave no answer that can be passed on" in answer.text and "flask run" not in answer.text


def test_an_answer_that_breaks_off_is_not_taken_for_whole(
    serve_raw: Callable[[bytes], str], visitor: httpx.Client
) -> None:
    url = serve_raw(b"HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\nhalf")
    with pytest.raises(httpx.RemoteProtocolError):
        visitor.get(url)


def test_an_answer_that_nobody_waits_for_is_given_up(told: Told, url: str) -> None:
    gone, told_so = threading.Event(), threading.Event()

    class Slow:
        def __iter__(self) -> Iterator[bytes]:
            try:
                while not gone.wait(0.01):
                    yield b"x" * 10_000
            finally:
                told_so.set()

        def close(self) -> None:
            told_so.set()

    told.body = Slow()
    address = urlsplit(url)
    with socket.create_connection((address.hostname, address.port)) as connection:
        connection.sendall(f"GET / HTTP/1.1\r\nHost: {address.netloc}\r\n\r\n".encode())
        assert connection.recv(100)
    assert told_so.wait(10)
    gone.set()


def test_a_websocket_is_refused_with_where_to_open_it(url: str, told: Told, visitor: httpx.Client) -> None:
    headers = {"Connection": "Upgrade", "Upgrade": "websocket", "Sec-WebSocket-Key": "x", "Sec-WebSocket-Version": "13"}
    answer = visitor.get(url, headers=headers)
    assert answer.status_code == 501
    assert "WebSockets are not passed on. Open them at http://127.0.0.1:" in answer.text
    assert told.seen == []


def test_it_does_not_pass_on_to_itself_without_end(visitor: httpx.Client) -> None:
    apps: list[Any] = []

    async def app(scope: Any, receive: Any, send: Any) -> None:
        await apps[0](scope, receive, send)

    stub = LiveServer(app)
    apps.append(create_app(proxy=stub.url))
    answer = visitor.get(stub.url)
    assert answer.status_code == 508
    assert "--proxy names the app behind it" in answer.text
    stub.stop()


def test_a_page_of_another_site_whose_name_leads_here_gets_nothing(url: str, told: Told, visitor: httpx.Client) -> None:
    assert visitor.get(url, headers={"Host": "evil.example"}).status_code == 400
    assert told.seen == []


@pytest.mark.parametrize(
    "upstream",
    ["localhost:5000", "https://localhost:5000", "http://localhost:5000/app", "http://me@localhost", "ftp://x"],
)
def test_an_address_that_is_none_is_refused_at_start(upstream: str) -> None:
    with pytest.raises(ValueError, match="is not"):
        create_app(proxy=upstream)
