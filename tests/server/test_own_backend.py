"""A guard whose backend is the app that it guards: its own question meets it again."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import fastapi
import flask
import httpx
import pytest
from django.core.handlers.wsgi import WSGIHandler
from django.http import HttpResponse
from nextauth_server import auth_proxy, get_session, login_required, session_dependency
from nextauth_server.flask import require_login
from nextauth_server.starlette import SessionBackend
from starlette.applications import Starlette
from starlette.middleware import Middleware
from starlette.middleware.authentication import AuthenticationMiddleware
from starlette.requests import Request
from starlette.responses import PlainTextResponse
from starlette.routing import Mount, Route

from . import test_bridge_asgi, test_bridge_flask
from .conftest import Backend, Scripted
from .frameworks import ORIGIN, App, Run, django_app

ENOUGH = 5  # questions of one guard about one request: it would go on asking


class Asked:
    """What a guard has asked of the app itself, with a client of its own."""

    def __init__(self) -> None:
        self.paths: list[str] = []

    def note(self, request: httpx.Request) -> None:
        self.paths.append(request.url.path)
        assert len(self.paths) < ENOUGH

    async def note_async(self, request: httpx.Request) -> None:
        self.note(request)

    def client(self, app: Any) -> httpx.Client:
        return httpx.Client(transport=httpx.WSGITransport(app=app), event_hooks={"request": [self.note]})

    def async_client(self, app: Any) -> httpx.AsyncClient:
        transport = httpx.ASGITransport(app)
        return httpx.AsyncClient(transport=transport, event_hooks={"request": [self.note_async]})


@pytest.fixture
def asked(monkeypatch: pytest.MonkeyPatch) -> Asked:
    monkeypatch.setenv("NEXTAUTH_URL", ORIGIN)
    return Asked()


# ── people can sign in ───────────────────────────────────────────────────────────────────────────


async def user(request: Request) -> PlainTextResponse:
    return PlainTextResponse(request.user.display_name)


def test_starlettes_middleware_knows_whom_the_bridge_behind_it_signs_in(run: Run, asked: Asked) -> None:
    site = test_bridge_asgi.Site(run)
    backend = SessionBackend(client=asked.async_client(site.app))
    site.app.add_middleware(AuthenticationMiddleware, backend=backend, on_error=backend.on_error)
    site.app.routes.append(Route("/user", user))
    browser = site.visitor()
    assert browser.send("GET", "/user").text == ""
    assert asked.paths == ["/api/auth/session"]
    asked.paths.clear()
    token = browser.token()
    asked.paths.clear()
    assert browser.post("callback/credentials", token=token, username="ada", password="lovelace").status == 200
    asked.paths.clear()
    assert browser.send("GET", "/user").text == "Ada"
    assert asked.paths == ["/api/auth/session"]


def test_starlettes_middleware_asks_through_the_proxy_behind_it(run: Run, asked: Asked, scripted: Scripted) -> None:
    scripted.answer(200, '{"user": {"name": "Ada Lovelace"}}')
    app = Starlette(routes=[Mount("/api/auth", auth_proxy(scripted.url, origin=ORIGIN)), Route("/user", user)])
    guard = SessionBackend(client=asked.async_client(app), base_url=ORIGIN)
    app.user_middleware.append(Middleware(AuthenticationMiddleware, backend=guard, on_error=guard.on_error))
    page = App(run, app, is_async=True)
    assert page.get("/user", cookie="a=b").text == "Ada Lovelace"
    assert (len(asked.paths), len(scripted.seen)) == (1, 1)


def test_who_claims_to_be_a_question_is_nobody_to_starlettes_middleware(run: Run, asked: Asked) -> None:
    guard = SessionBackend()
    app = Starlette(routes=[Route("/user", user)], middleware=[Middleware(AuthenticationMiddleware, backend=guard)])
    claim = {"nextauth-asked-at": "app.test", "cookie": "a=b"}
    assert App(run, app, is_async=True).get("/user", **claim).text == ""


def test_flasks_guard_of_a_whole_app_lets_people_sign_in(asked: Asked) -> None:
    site = test_bridge_flask.Site()
    site.app.before_request(require_login(client=asked.client(site.app)))
    browser = site.visitor()
    assert browser.send("GET", "/name").status == 401
    assert asked.paths == ["/api/auth/session"]
    assert browser.sign_in().status == 200
    assert browser.send("GET", "/name").text == "Ada"
    assert asked.paths == ["/api/auth/session"] * 2
    asked.paths.clear()
    for no_view_of_the_bridge in ("/api/auth", "/api/authority", "/nowhere"):
        assert site.visitor().send("GET", no_view_of_the_bridge).status == 401


# ── or it is said what is wrong ──────────────────────────────────────────────────────────────────


def in_flask(run: Run, asked: Asked) -> App:
    app = flask.Flask("app")
    app.before_request(require_login(client=asked.client(app)))
    app.add_url_rule("/<path:_>", "session", lambda _: "{}")
    return App(run, app, is_async=False)


def in_django(run: Run, asked: Asked) -> App:
    guard = login_required(client=asked.client(WSGIHandler()))
    return django_app(run, guard(lambda request: HttpResponse("{}")), is_async=False)


def in_fastapi(run: Run, asked: Asked) -> App:
    app = fastapi.FastAPI()
    guard = fastapi.Depends(session_dependency(client=asked.async_client(app), required=False))
    app.add_api_route("/{_:path}", lambda _: {}, dependencies=[guard])
    return App(run, app, is_async=True)


@pytest.mark.parametrize("make", [in_flask, in_django, in_fastapi])
def test_a_question_that_meets_its_guard_is_refused_and_not_asked_again(
    make: Callable[[Run, Asked], App], run: Run, asked: Asked, caplog: pytest.LogCaptureFixture
) -> None:
    app = make(run, asked)
    assert app.get("/page", cookie="a=b").status_code == 503, "nobody knows who that is"
    assert asked.paths == ["/api/auth/session"]
    assert "outside of what the guard guards" in caplog.text
    answer = app.get("/page", **{"cookie": "a=b", "nextauth-asked-at": "app.test"})
    assert (answer.status_code, "secret=" in answer.text) == (508, True)
    assert len(asked.paths) == 1


def test_a_question_of_another_backends_is_asked_as_any_other(run: Run, backend: Backend) -> None:
    headers = [(b"Nextauth-Asked-At", b"app.test"), (b"cookie", backend.cookie.encode())]
    session = run(get_session({"type": "http", "headers": headers}))
    assert session.user.name == "Ada Lovelace"
