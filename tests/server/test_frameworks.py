"""What one framework alone has: Django a mixin and a middleware, Flask a guard before views, Starlette a user."""

from typing import Any

import flask
import httpx
import pytest
from django.http import HttpResponse
from django.test.utils import override_settings
from django.views import View
from django.views.generic import TemplateView
from nextauth_client import BackendUnreachable, Session
from nextauth_server import login_required, session_script
from nextauth_server.django import SessionRequiredMixin
from nextauth_server.flask import require_login
from nextauth_server.starlette import SessionBackend
from nextauth_server.tokens import V4Tokens
from starlette.applications import Starlette
from starlette.authentication import AuthenticationError, requires
from starlette.middleware import Middleware
from starlette.middleware.authentication import AuthenticationMiddleware
from starlette.responses import JSONResponse
from starlette.routing import Route

from .conftest import Backend, Scripted
from .frameworks import App, Run, django_app
from .test_finding import CALLBACKS_LET_NOBODY_IN
from .test_guards import HTML

SECRET = "a secret"
ADMIN = {"sub": "1", "name": "Ada", "role": "admin"}
HANDLERS = pytest.mark.parametrize("is_async", [False, True], ids=["WSGI", "ASGI"])


def cookie_for(claims: dict[str, Any]) -> str:
    return f"next-auth.session-token={V4Tokens().encode(claims, SECRET, 60)}"


def is_private(answer: httpx.Response) -> bool:
    return "private" in answer.headers.get("cache-control", "") and "Cookie" in answer.headers.get("vary", "")


# ── Django: the mixin ────────────────────────────────────────────────────────────────────────────


class Account(SessionRequiredMixin, View):
    def get(self, request: Any) -> HttpResponse:
        return HttpResponse(request.nextauth_session.user.name)

    post = get


class AsyncAccount(SessionRequiredMixin, View):
    async def get(self, request: Any) -> HttpResponse:
        return HttpResponse(request.nextauth_session.user.name)

    post = get


class AdminsAccount(SessionRequiredMixin, View):
    login_options = {"secret": SECRET, "when": "claims.role=admin"}  # noqa: RUF012

    def get(self, request: Any) -> HttpResponse:
        return HttpResponse(request.nextauth_session.user.name)


@pytest.mark.parametrize("view", [Account, AsyncAccount])
def test_djangos_mixin_lets_signed_in_people_alone_into_a_class(view: Any, run: Run, backend: Backend) -> None:
    app = django_app(run, view.as_view(), is_async=view is AsyncAccount)
    answer = app.get("/", cookie=backend.cookie)
    assert answer.text == "Ada Lovelace" and is_private(answer)
    assert app.get("/").status_code == 401
    assert app.get("/", accept=HTML).status_code == 302
    assert app.send("POST", "/", cookie=backend.cookie, origin="https://evil.example").status_code == 403
    assert app.send("PUT", "/", cookie=backend.cookie).status_code == 405


def test_djangos_mixin_has_the_options_of_the_decorator(run: Run, scripted: Scripted) -> None:
    app = django_app(run, AdminsAccount.as_view(), is_async=False)
    assert app.get("/", cookie=cookie_for(ADMIN)).text == "Ada"
    assert app.get("/", cookie=cookie_for({**ADMIN, "role": "reader"})).status_code == 403
    assert scripted.seen == []


class AdminsOnly(SessionRequiredMixin):
    pass


@pytest.mark.parametrize("mixin", [SessionRequiredMixin, AdminsOnly])
@pytest.mark.parametrize("view", [View, TemplateView])
def test_djangos_mixin_after_the_view_is_refused_for_it_would_guard_nothing(mixin: type, view: type) -> None:
    with pytest.raises(TypeError, match=rf"write class Orders\({mixin.__name__}, {view.__name__}, Named\)"):
        type("Orders", (view, mixin, type("Named", (), {})), {})


def test_djangos_mixin_guards_below_a_class_that_has_it_already(run: Run, backend: Backend) -> None:
    class Shown(View):
        pass

    class Orders(Shown, Account):
        pass

    app = django_app(run, Orders.as_view(), is_async=False)
    assert app.get("/").status_code == 401
    assert app.get("/", cookie=backend.cookie).status_code == 200


# ── Django: the middleware ───────────────────────────────────────────────────────────────────────

MIDDLEWARE = ["nextauth_server.django.session_middleware"]


def site(run: Run, view: Any, is_async: bool, **options: Any) -> App:
    with override_settings(MIDDLEWARE=MIDDLEWARE, NEXTAUTH_SERVER=options):
        return django_app(run, view, is_async)


def reads(request: Any) -> HttpResponse:
    if request.path == "/open":
        return HttpResponse("open")
    session = request.nextauth_session
    assert session is request.nextauth_session
    return HttpResponse("nobody" if session is None else session.user.name + session_script(session)[:7])


async def reads_async(request: Any) -> HttpResponse:
    if request.path == "/open":
        return HttpResponse("open")
    session = await request.anextauth_session()
    assert session is request.nextauth_session  # once it is known, an attribute is enough
    return HttpResponse("nobody" if session is None else session.user.name + session_script(session)[:7])


@HANDLERS
@pytest.mark.parametrize("view", [reads, reads_async])
def test_djangos_middleware_finds_the_session_when_it_is_read(
    view: Any, is_async: bool, run: Run, backend: Backend
) -> None:
    app = site(run, view, is_async)
    assert app.get("/open", cookie=backend.cookie).text == "open"
    assert backend.seen == []
    answer = app.get("/", cookie=backend.cookie)
    assert answer.text == "Ada Lovelace<script" and is_private(answer)
    assert len(backend.seen) == 1
    answer = app.get("/")
    assert answer.text == "nobody" and is_private(answer)
    assert not is_private(app.get("/open", cookie=backend.cookie))


@HANDLERS
def test_djangos_middleware_with_the_secret_needs_no_await(is_async: bool, run: Run, scripted: Scripted) -> None:
    async def view(request: Any) -> HttpResponse:
        return HttpResponse("nobody" if request.nextauth_session is None else request.nextauth_session.claims["sub"])

    app = site(run, view, is_async, secret=SECRET, when="claims.role=admin")
    assert app.get("/", cookie=cookie_for(ADMIN)).text == "1"
    assert app.get("/", cookie=cookie_for({**ADMIN, "role": "reader"})).text == "nobody"
    assert app.get("/").text == "nobody"
    assert scripted.seen == []


@HANDLERS
@pytest.mark.parametrize(("said", "status"), CALLBACKS_LET_NOBODY_IN.values(), ids=CALLBACKS_LET_NOBODY_IN)
def test_djangos_middleware_gives_nobody_whom_a_session_callback_does_not_let_in(
    said: Any, status: int, is_async: bool, run: Run, scripted: Scripted
) -> None:
    view = reads_async if is_async else reads
    app = site(run, view, is_async, secret=SECRET, session_callback=lambda session, claims: said)
    answer = app.get("/", cookie=cookie_for(ADMIN))
    assert answer.text == "nobody" if status == 401 else answer.status_code == status


def test_an_async_view_that_would_block_is_told_to_await(run: Run, backend: Backend) -> None:
    said: list[str] = []

    async def view(request: Any) -> HttpResponse:
        try:
            request.nextauth_session  # noqa: B018
        except Exception as error:
            said.append(str(error))
        return HttpResponse("")

    site(run, view, is_async=True).get("/", cookie=backend.cookie)
    assert "await request.anextauth_session()" in said[0]
    assert backend.seen == []


@HANDLERS
@pytest.mark.parametrize("view", [reads, reads_async])
def test_a_session_that_cannot_be_known_is_503_and_never_nobody(
    view: Any, is_async: bool, run: Run, scripted: Scripted
) -> None:
    scripted.answer(500)
    app = site(run, view, is_async)
    answer = app.get("/", cookie="a=b")
    assert (answer.status_code, answer.json()["error"]) == (503, "UnexpectedAnswer")
    assert is_private(answer)
    assert app.get("/", cookie="a=b", accept=HTML).headers["content-type"] == "text/plain; charset=utf-8"
    assert app.get("/", cookie="a=\x01").status_code == 400
    assert app.get("/open", cookie="a=b").text == "open"


def test_an_error_of_the_views_own_is_not_taken_for_the_middlewares(run: Run, backend: Backend) -> None:
    def view(request: Any) -> HttpResponse:
        raise BackendUnreachable("another backend, of the view's own")

    assert site(run, view, is_async=False).get("/", cookie=backend.cookie).status_code == 500


@HANDLERS
def test_a_guard_below_djangos_middleware_asks_once(is_async: bool, run: Run, backend: Backend) -> None:
    async def view_async(request: Any) -> HttpResponse:
        return HttpResponse(request.nextauth_session.user.name)

    def view(request: Any) -> HttpResponse:
        return HttpResponse(request.nextauth_session.user.name)

    app = site(run, login_required(view_async if is_async else view), is_async)
    assert app.get("/", cookie=backend.cookie).text == "Ada Lovelace"
    assert app.get("/").status_code == 401
    assert [headers.get("cookie") for _, headers in backend.seen] == [backend.cookie, None]


def test_an_option_that_the_middleware_does_not_know_is_refused(run: Run) -> None:
    with pytest.raises(TypeError):
        site(run, reads, is_async=False, secrets=SECRET)


# ── Flask: before all views ──────────────────────────────────────────────────────────────────────


def blueprint_app(run: Run, **options: Any) -> App:
    app = flask.Flask("app")
    guarded = flask.Blueprint("guarded", "app")
    guarded.before_request(require_login(**options))
    guarded.add_url_rule("/", "view", lambda: flask.g.nextauth_session.user.name, methods=["GET", "POST"])
    app.register_blueprint(guarded, url_prefix="/account")
    app.add_url_rule("/open", "open", lambda: "open")
    return App(run, app, is_async=False)


def test_flasks_guard_lets_signed_in_people_alone_into_a_blueprint(run: Run, backend: Backend) -> None:
    app = blueprint_app(run)
    answer = app.get("/account/", cookie=backend.cookie)
    assert answer.text == "Ada Lovelace" and is_private(answer)
    assert app.get("/account/").status_code == 401
    refused = app.get("/account/", accept=HTML)
    assert refused.status_code == 302 and refused.headers["location"].endswith("%2Faccount%2F")
    assert app.send("POST", "/account/", cookie=backend.cookie, origin="https://evil.example").status_code == 403
    answer = app.get("/open", cookie=backend.cookie)
    assert answer.text == "open" and not is_private(answer)


def test_flasks_guard_has_the_options_of_the_decorator(run: Run, scripted: Scripted) -> None:
    app = blueprint_app(run, secret=SECRET, when="claims.role=admin")
    assert app.get("/account/", cookie=cookie_for(ADMIN)).text == "Ada"
    assert app.get("/account/", cookie=cookie_for({**ADMIN, "role": "reader"})).status_code == 403
    assert scripted.seen == []


# ── Starlette: request.user ──────────────────────────────────────────────────────────────────────


async def whoami(request: Any) -> JSONResponse:
    user = request.user
    return JSONResponse([user.is_authenticated, user.display_name, user.is_authenticated and user.identity])


@requires("authenticated")
async def members(request: Any) -> JSONResponse:
    return JSONResponse(request.user.session.user.name)


@requires(["authenticated", "admin"])
def admins(request: Any) -> JSONResponse:
    return JSONResponse(request.user.session.user.name)


def starlette_app(run: Run, **options: Any) -> App:
    backend = SessionBackend(**options)
    middleware = [Middleware(AuthenticationMiddleware, backend=backend, on_error=backend.on_error)]
    routes = [
        Route("/", whoami, methods=["GET", "POST"]),
        Route("/members", members, methods=["GET", "POST"]),
        Route("/admins", admins),
    ]
    return App(run, Starlette(routes=routes, middleware=middleware), is_async=True)


def test_starlettes_user_is_who_the_backend_says(run: Run, backend: Backend) -> None:
    app = starlette_app(run)
    answer = app.get("/", cookie=backend.cookie)
    assert answer.json() == [True, "Ada Lovelace", "ada@example.com"] and is_private(answer)
    assert app.get("/").json() == [False, "", False]
    assert app.get("/members", cookie=backend.cookie).json() == "Ada Lovelace"
    refused = app.get("/members")
    assert refused.status_code == 403 and is_private(refused)


def test_starlettes_user_is_who_the_cookie_says_with_scopes_of_ones_own(run: Run, scripted: Scripted) -> None:
    app = starlette_app(run, secret=SECRET, scopes=lambda session: [session.claims["role"]], when="claims.role")
    assert app.get("/", cookie=cookie_for(ADMIN)).json() == [True, "Ada", "1"]
    assert app.get("/admins", cookie=cookie_for(ADMIN)).json() == "Ada"
    assert app.get("/admins", cookie=cookie_for({**ADMIN, "role": "reader"})).status_code == 403
    assert app.get("/members", cookie=cookie_for({**ADMIN, "role": "reader"})).status_code == 200
    assert app.get("/members", cookie=cookie_for({**ADMIN, "role": ""})).status_code == 403
    assert scripted.seen == []


@pytest.mark.parametrize(("said", "status"), CALLBACKS_LET_NOBODY_IN.values(), ids=CALLBACKS_LET_NOBODY_IN)
def test_starlettes_user_is_nobody_whom_a_session_callback_does_not_let_in(
    said: Any, status: int, run: Run, scripted: Scripted
) -> None:
    app = starlette_app(run, secret=SECRET, session_callback=lambda session, claims: said)
    answer = app.get("/", cookie=cookie_for(ADMIN))
    assert answer.json()[0] is False if status == 401 else answer.status_code == status
    assert app.get("/members", cookie=cookie_for(ADMIN)).status_code == (403 if status == 401 else status)


def test_starlettes_user_has_the_tokens_id_whatever_the_sessions_type(run: Run, scripted: Scripted) -> None:
    class MySession(Session):
        role: str

    app = starlette_app(run, secret=SECRET, session_type=MySession)
    assert app.get("/", cookie=cookie_for(ADMIN)).json() == [True, "Ada", "1"]


def test_starlettes_user_is_nobody_for_a_form_of_another_site(run: Run, scripted: Scripted) -> None:
    app = starlette_app(run, secret=SECRET)
    evil = {"cookie": cookie_for(ADMIN), "origin": "https://evil.example"}
    assert app.send("POST", "/", **evil).json()[0] is False
    assert app.send("POST", "/members", **evil).status_code == 403
    assert app.send("POST", "/members", cookie=cookie_for(ADMIN)).status_code == 200


def test_starlette_answers_503_where_nobody_can_know(run: Run, scripted: Scripted) -> None:
    scripted.answer(500)
    app = starlette_app(run)
    answer = app.get("/", cookie="a=b")
    assert (answer.status_code, answer.json()["error"]) == (503, "UnexpectedAnswer")
    assert is_private(answer)
    assert app.get("/", cookie="a=b", accept=HTML).headers["content-type"].startswith("text/plain")
    assert app.get("/", cookie="a=\x01").status_code == 400


def test_what_is_not_the_sessions_error_is_not_answered_as_one(run: Run, backend: Backend) -> None:
    with pytest.raises(AuthenticationError):
        SessionBackend().on_error(None, AuthenticationError("another"))  # type: ignore[arg-type]
