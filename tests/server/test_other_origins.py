"""A page of another origin changes nothing with a person's cookie, and opens no WebSocket."""

import logging
from collections.abc import Callable
from typing import Annotated, Any

import fastapi
import flask
import pytest
from django.http import HttpResponse
from django.views import View
from nextauth_client import Session
from nextauth_server import login_required, session_dependency

from .conftest import Backend
from .frameworks import ORIGIN, App, Run, django_app, flask_app

HOST = ORIGIN.removeprefix("http://")


def fastapi_view(run: Run, **options: Any) -> App:
    api = fastapi.FastAPI()

    async def view(session: Annotated[Session, fastapi.Depends(session_dependency(**options))]) -> Any:
        return fastapi.responses.PlainTextResponse(session.user.name)

    api.add_api_route("/", view, methods=["GET", "HEAD", "POST", "PUT", "DELETE", "PROPFIND"])
    return App(run, api, is_async=True)


def fastapi_view_for_anyone(run: Run, **options: Any) -> App:
    api = fastapi.FastAPI()
    current = session_dependency(required=False, **options)

    async def view(session: Annotated[Session | None, fastapi.Depends(current)]) -> Any:
        return fastapi.responses.PlainTextResponse(session.user.name if session else "nobody")

    api.add_api_route("/", view, methods=["GET", "HEAD", "POST", "PUT", "DELETE", "PROPFIND"])
    return App(run, api, is_async=True)


def django_view(run: Run, **options: Any) -> App:
    @login_required(**options)
    def view(request: Any) -> HttpResponse:
        return HttpResponse(request.nextauth_session.user.name)

    return django_app(run, view, is_async=False)


def django_async_class(run: Run, **options: Any) -> App:
    class Page(View):
        http_method_names = ("get", "head", "post", "put", "delete", "propfind")

        async def get(self, request: Any) -> HttpResponse:
            return HttpResponse(request.nextauth_session.user.name)

        head = post = put = delete = propfind = get

    return django_app(run, login_required(**options)(Page.as_view()), is_async=True)


def flask_view(run: Run, **options: Any) -> App:
    @login_required(**options)
    def view() -> Any:
        return flask.g.nextauth_session.user.name

    return flask_app(run, view)


def flask_async_view(run: Run, **options: Any) -> App:
    @login_required(**options)
    async def view() -> Any:
        return flask.g.nextauth_session.user.name

    return flask_app(run, view)


VIEWS = [fastapi_view, fastapi_view_for_anyone, django_view, django_async_class, flask_view, flask_async_view]


@pytest.fixture(params=VIEWS, ids=lambda make: make.__name__)
def make(request: pytest.FixtureRequest, run: Run) -> Callable[..., App]:
    return lambda **options: request.param(run, **options)


FOREIGN = {
    "another site": {"sec_fetch_site": "cross-site", "origin": "https://evil.example"},
    "another site, that hides its name": {"sec_fetch_site": "cross-site", "origin": "null"},
    "a neighbour on the same site": {"sec_fetch_site": "same-site", "origin": "http://other.app.test"},
    "another port": {"sec_fetch_site": "same-site", "origin": f"{ORIGIN}:8000"},
    "a word that is not known": {"sec_fetch_site": "anything", "origin": ORIGIN},
    "an older browser": {"origin": "https://evil.example"},
    "an older browser, another port": {"origin": f"{ORIGIN}:8000"},
    "an older browser, another name that ends alike": {"origin": f"https://evil{HOST}"},
    "an older browser, another name that begins alike": {"origin": f"{ORIGIN}.evil.example"},
    "an older browser, no name": {"origin": "null"},
    "an older browser, no name, and a request to nowhere": {"origin": "null", "host": ""},
    "an older browser, an empty name": {"origin": "https://", "host": ""},
    "an older browser, a port alone": {"origin": "https://:443", "host": ":443"},
    "an older browser, what is no page of the web": {"origin": f"chrome-extension://{HOST}"},
    "an older browser, the port of another scheme": {"origin": f"http://{HOST}:443"},
    "an older browser, a forwarded host": {"origin": "https://evil.example", "x_forwarded_host": "evil.example"},
}
OWN = {
    "the page itself": {"sec_fetch_site": "same-origin", "origin": ORIGIN},
    "the page itself behind a proxy with another name": {"sec_fetch_site": "same-origin", "origin": "https://a.test"},
    "the person alone": {"sec_fetch_site": "none"},
    "an older browser": {"origin": ORIGIN},
    "an older browser behind a proxy that speaks https": {"origin": f"https://{HOST}"},
    "an older browser, in capitals": {"origin": ORIGIN.upper()},
    "an older browser behind a proxy that names the port": {"origin": f"https://{HOST}", "host": f"{HOST}:443"},
    "an older browser that names the port": {"origin": f"http://{HOST}:80"},
    "no browser": {},
}


@pytest.mark.parametrize("headers", FOREIGN.values(), ids=FOREIGN)
def test_a_page_of_another_origin_changes_nothing(
    headers: dict[str, str], make: Callable[..., App], backend: Backend, caplog: pytest.LogCaptureFixture
) -> None:
    app = make()
    for method in ("POST", "PUT", "DELETE", "PROPFIND"):
        answer = app.send(method, "/", cookie=backend.cookie, **headers)
        assert answer.status_code == 403
        assert (answer.headers["cache-control"], answer.headers["vary"]) == ("private, no-store", "Cookie")
    assert "page of another site" in answer.text
    assert "allowed_origins=" in caplog.text
    assert backend.seen == []


@pytest.mark.parametrize("headers", OWN.values(), ids=OWN)
def test_a_page_of_its_own_does(headers: dict[str, str], make: Callable[..., App], backend: Backend) -> None:
    app = make()
    for method in ("POST", "PROPFIND"):
        answer = app.send(method, "/", cookie=backend.cookie, **headers)
        assert (answer.status_code, answer.text) == (200, "Ada Lovelace")


@pytest.mark.parametrize("headers", [*FOREIGN.values(), *OWN.values()], ids=[*FOREIGN, *OWN])
def test_reading_and_following_a_link_change_nothing(
    headers: dict[str, str], make: Callable[..., App], backend: Backend
) -> None:
    for method in ("GET", "HEAD"):
        assert make().send(method, "/", cookie=backend.cookie, **headers).status_code == 200


@pytest.mark.parametrize("name", ["NEXTAUTH_URL", "AUTH_URL"])
def test_behind_a_proxy_that_names_another_host_the_address_that_browsers_see_is_its_own(
    name: str, make: Callable[..., App], backend: Backend, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("NEXTAUTH_URL")
    monkeypatch.setenv("NEXTAUTH_URL_INTERNAL", backend.url)
    monkeypatch.setenv(name, "https://App.example.org:443/auth")
    app = make()
    for origin, status in (
        ("https://app.example.org", 200),
        ("https://app.example.org:443", 200),
        ("http://app.example.org", 403),
        ("https://app.example.org:8443", 403),
        ("https://evil.example", 403),
        (backend.url, 403),
        ("null", 403),
    ):
        headers = {"cookie": backend.cookie, "host": "10.0.0.5:8000", "origin": origin}
        assert app.send("POST", "/", **headers).status_code == status, origin
    headers = {"cookie": backend.cookie, "host": "10.0.0.5:8000", "origin": "https://app.example.org"}
    assert app.send("POST", "/", sec_fetch_site="cross-site", **headers).status_code == 403


def test_a_page_without_https_is_none_of_a_host_that_browsers_see_over_https(
    make: Callable[..., App], backend: Backend, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("NEXTAUTH_URL_INTERNAL", backend.url)
    monkeypatch.setenv("NEXTAUTH_URL", "https://app.example.org")
    app = make()
    for origin, host, status in (
        ("http://app.example.org", "app.example.org", 403),
        ("http://app.example.org:80", "app.example.org", 403),
        ("https://app.example.org", "app.example.org", 200),
        ("https://app.example.org", "app.example.org:443", 200),
        ("http://localhost:5000", "localhost:5000", 200),
    ):
        headers = {"cookie": backend.cookie, "host": host, "origin": origin}
        assert app.send("POST", "/", **headers).status_code == status, origin
    monkeypatch.setenv("NEXTAUTH_URL", "http://app.example.org")  # a proxy ends https, of which nothing was said
    headers = {"cookie": backend.cookie, "host": "app.example.org", "origin": "https://app.example.org"}
    assert app.send("POST", "/", **headers).status_code == 200


def test_origins_may_be_allowed(make: Callable[..., App], backend: Backend) -> None:
    app = make(allowed_origins=["https://Admin.example.org", "http://localhost:8000"])
    for origin, status in (
        ("https://admin.example.org", 200),
        ("http://localhost:8000", 200),
        ("http://localhost:8001", 403),
        ("http://admin.example.org", 403),
        ("https://evil.example", 403),
        ("null", 403),
        (ORIGIN, 200),
    ):
        site = "same-origin" if origin == ORIGIN else "cross-site"
        for headers in ({"origin": origin}, {"origin": origin, "sec_fetch_site": site}):
            assert app.send("POST", "/", cookie=backend.cookie, **headers).status_code == status, origin


@pytest.mark.parametrize("guard", [session_dependency, login_required])
@pytest.mark.parametrize("origin", ["admin.example.org", "https://a.test/", "https://a.test:443", "*", "null", "a://b"])
def test_what_no_browser_calls_an_origin_is_refused_at_start(guard: Callable[..., Any], origin: str) -> None:
    with pytest.raises(ValueError, match="allowed_origins"):
        guard(allowed_origins=[origin])
    with pytest.raises(TypeError, match="a list of origins"):
        guard(allowed_origins="https://admin.example.org")


def test_the_log_holds_no_cookie_and_no_line_of_a_strangers_making(
    make: Callable[..., App], backend: Backend, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG, "nextauth_server")
    make().send("POST", "/", cookie=backend.cookie, origin="https://evil.example\x85" + "x" * 5000)
    [said] = [record.getMessage() for record in caplog.records if record.name == "nextauth_server"]
    assert len(said) < 400 and said.isprintable() and backend.cookie not in said


# WebSockets


def handshake(app: App, headers: dict[str, str], *, can_deny: bool = True) -> list[dict[str, Any]]:
    """What the app sends to who opens a WebSocket."""
    sent: list[dict[str, Any]] = []

    async def receive() -> dict[str, Any]:
        return {"type": "websocket.connect"}

    async def send(message: dict[str, Any]) -> None:
        sent.append(message)

    scope = {
        "type": "websocket",
        "path": "/ws",
        "query_string": b"",
        "headers": [(name.replace("_", "-").encode(), value.encode()) for name, value in headers.items()],
        "extensions": {"websocket.http.response": {}} if can_deny else {},
    }
    app.run(app.app(scope, receive, send))
    return sent


@pytest.fixture
def sockets(run: Run) -> Callable[..., App]:
    def make(**options: Any) -> App:
        api = fastapi.FastAPI()
        current = session_dependency(**options)

        @api.websocket("/ws")
        async def view(socket: fastapi.WebSocket, session: Annotated[Session | None, fastapi.Depends(current)]) -> None:
            await socket.accept()
            await socket.send_text(session.user.name if session else "nobody")

        return App(run, api, is_async=True)

    return make


@pytest.mark.parametrize("required", [True, False])
@pytest.mark.parametrize("headers", FOREIGN.values(), ids=FOREIGN)
def test_a_page_of_another_origin_opens_no_websocket(
    headers: dict[str, str], required: bool, sockets: Callable[..., App], backend: Backend
) -> None:
    app = sockets(required=required)
    headers = {"host": HOST, "cookie": backend.cookie, **headers}
    assert handshake(app, headers)[0]["status"] == 403
    [message] = handshake(app, headers, can_deny=False)
    assert (message["type"], message["code"]) == ("websocket.close", 1008)
    assert backend.seen == []


@pytest.mark.parametrize("headers", OWN.values(), ids=OWN)
def test_a_page_of_its_own_opens_one(headers: dict[str, str], sockets: Callable[..., App], backend: Backend) -> None:
    accepted, text = handshake(sockets(), {"host": HOST, "cookie": backend.cookie, **headers})
    assert (accepted["type"], text["text"]) == ("websocket.accept", "Ada Lovelace")


@pytest.mark.parametrize("origin", ["null", "https://", "https://evil.example"])
def test_a_handshake_without_a_host_is_of_no_page_of_its_own(
    origin: str, sockets: Callable[..., App], backend: Backend
) -> None:
    assert handshake(sockets(), {"cookie": backend.cookie, "origin": origin})[0]["status"] == 403


def test_an_allowed_origin_opens_one(sockets: Callable[..., App], backend: Backend) -> None:
    app = sockets(allowed_origins=["https://admin.example.org"])
    headers = {"host": HOST, "cookie": backend.cookie, "origin": "https://admin.example.org"}
    assert handshake(app, headers)[0]["type"] == "websocket.accept"


def test_nobody_opens_none(sockets: Callable[..., App], backend: Backend) -> None:
    assert handshake(sockets(), {"host": HOST})[0]["status"] == 401
    assert handshake(sockets(), {"host": HOST}, can_deny=False)[0]["type"] == "websocket.close"


def test_a_handshake_that_reaches_flask_is_one_too(run: Run, backend: Backend) -> None:
    app = flask.Flask("app")
    app.add_url_rule("/ws", "ws", login_required(lambda: flask.g.nextauth_session.user.name), websocket=True)
    for origin, status in (("https://evil.example", 403), (ORIGIN, 200)):
        headers = {"connection": "Upgrade", "upgrade": "websocket", "origin": origin, "cookie": backend.cookie}
        assert App(run, app, is_async=False).get("/ws", **headers).status_code == status
