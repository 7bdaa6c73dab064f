"""No cache gives somebody an answer that another person's cookie got."""

from __future__ import annotations

import sqlite3
import subprocess
import sys
from collections.abc import Callable
from contextlib import closing
from pathlib import Path
from typing import Annotated, Any

import fastapi
import flask
import pytest
from django import db
from django.core.exceptions import BadRequest, PermissionDenied, SuspiciousOperation
from django.http import Http404, HttpResponse, StreamingHttpResponse
from django.template import engines
from django.template.response import SimpleTemplateResponse
from django.test.utils import override_settings
from django.utils.decorators import sync_and_async_middleware
from django.views.decorators.cache import cache_page
from fastapi.responses import FileResponse, PlainTextResponse, RedirectResponse, StreamingResponse
from nextauth_client import Session
from nextauth_server import login_required, session_dependency
from starlette.middleware.base import BaseHTTPMiddleware

from scripts.steps import ROOT

from .conftest import Backend, Scripted
from .frameworks import App, Run, django_app, flask_app

HTML = "text/html"
TEMPLATES = [{"BACKEND": "django.template.backends.django.DjangoTemplates"}]


def headers_of(answer: Any) -> tuple[str, str]:
    return answer.headers["cache-control"], answer.headers["vary"]


# FastAPI

Depends = Annotated[Session, fastapi.Depends(session_dependency())]


def data(session: Depends) -> Any:
    return session.user.name


async def own_response(session: Depends) -> Any:
    return PlainTextResponse(session.user.name)


async def redirect(session: Depends) -> Any:
    return RedirectResponse("/elsewhere")


async def streamed(session: Depends) -> Any:
    return StreamingResponse(iter(["Ada ", "Lovelace"]))


async def file(session: Depends) -> Any:
    return FileResponse(__file__)


async def not_found(session: Depends) -> Any:
    raise fastapi.HTTPException(404)


async def found_by_a_handler(session: Depends) -> Any:
    raise LookupError


async def invalid(session: Depends, number: int) -> Any:
    return number


FASTAPI_VIEWS = [data, own_response, redirect, streamed, file, not_found, found_by_a_handler, invalid]


async def nothing_here(request: Any, error: Exception) -> Any:
    return PlainTextResponse("Nothing here", 404)


def plainly(app: fastapi.FastAPI, view: Any) -> Any:
    app.add_api_route("/", view)
    return app


def in_a_router(app: fastapi.FastAPI, view: Any) -> Any:
    router = fastapi.APIRouter()
    router.add_api_route("/", view)
    app.include_router(router)
    return app


def mounted(app: fastapi.FastAPI, view: Any) -> Any:
    outer = fastapi.FastAPI()
    outer.mount("", plainly(app, view))
    return outer


def behind_a_middleware(app: fastapi.FastAPI, view: Any) -> Any:
    async def passed_on(request: Any, call_next: Any) -> Any:
        return await call_next(request)

    app.add_middleware(BaseHTTPMiddleware, dispatch=passed_on)
    return plainly(app, view)


WAYS = [plainly, in_a_router, mounted, behind_a_middleware]


@pytest.mark.parametrize("way", WAYS, ids=lambda way: way.__name__)
@pytest.mark.parametrize("view", FASTAPI_VIEWS, ids=lambda view: view.__name__)
def test_every_answer_of_fastapi_is_one_persons(way: Any, view: Any, run: Run, backend: Backend) -> None:
    api = fastapi.FastAPI(exception_handlers={LookupError: nothing_here})
    app = App(run, way(api, view), is_async=True)
    answer = app.get("/", cookie=backend.cookie)
    assert answer.status_code in (200, 307, 404, 422)
    assert headers_of(answer) == ("private", "Cookie")
    for accept in (HTML, "*/*"):
        answer = app.get("/", accept=accept)
        assert answer.status_code in (302, 401)
        assert headers_of(answer) == ("private, no-store", "Cookie")


def test_an_answer_that_could_have_been_one_persons_is_kept_for_nobody(run: Run, scripted: Scripted) -> None:
    api = fastapi.FastAPI()

    @api.get("/")
    async def anyone(session: Annotated[Session | None, fastapi.Depends(session_dependency(required=False))]) -> Any:
        return session

    app = App(run, api, is_async=True)
    assert headers_of(app.get("/")) == ("private", "Cookie")
    scripted.answer(500)
    for cookie, status in (("a=b", 503), ("a=\x01", 400)):
        answer = app.get("/", cookie=cookie)
        assert (answer.status_code, *headers_of(answer)) == (status, "private, no-store", "Cookie")


def test_a_view_that_asks_for_nobody_is_left_alone(run: Run, backend: Backend) -> None:
    api = fastapi.FastAPI()
    api.add_api_route("/", lambda: "everybody's")
    answer = App(run, api, is_async=True).get("/", cookie=backend.cookie)
    assert "vary" not in answer.headers and "cache-control" not in answer.headers


AUTHORS_OWN = [
    ({"Cache-Control": "no-store"}, ("private, no-store", "Cookie")),
    ({"Cache-Control": "max-age=60, must-revalidate"}, ("private, max-age=60, must-revalidate", "Cookie")),
    ({"Cache-Control": "public, max-age=60"}, ("private, max-age=60", "Cookie")),
    ({"Cache-Control": "S-MaxAge=60 , Public"}, ("private", "Cookie")),
    ({"Cache-Control": 'private="Set-Cookie, X-Name", no-cache="X, Y"'}, ('private, no-cache="X, Y"', "Cookie")),
    ({"Vary": "Accept-Encoding"}, ("private", "Accept-Encoding, Cookie")),
    ({"Vary": "cookie"}, ("private", "cookie")),
    ({"Vary": "*"}, ("private", "*")),
    ({"Cache-Control": "", "Vary": ""}, ("private", "Cookie")),
]


def fastapi_view(run: Run, headers: dict[str, str]) -> App:
    api = fastapi.FastAPI()

    @api.get("/")
    async def view(session: Depends) -> Any:
        return PlainTextResponse("Ada", headers=headers)

    return App(run, api, is_async=True)


def fastapi_view_with_data(run: Run, headers: dict[str, str]) -> App:
    api = fastapi.FastAPI()

    @api.get("/")
    async def view(session: Depends, response: fastapi.Response) -> Any:
        response.headers.update(headers)
        return "Ada"

    return App(run, api, is_async=True)


def django_view(run: Run, headers: dict[str, str]) -> App:
    return django_app(run, login_required(lambda request: HttpResponse("Ada", headers=headers)), is_async=False)


def django_async_view(run: Run, headers: dict[str, str]) -> App:
    @login_required
    async def view(request: Any) -> HttpResponse:
        return HttpResponse("Ada", headers=headers)

    return django_app(run, view, is_async=True)


def flask_view(run: Run, headers: dict[str, str]) -> App:
    return flask_app(run, login_required(lambda: ("Ada", headers)))


def flask_async_view(run: Run, headers: dict[str, str]) -> App:
    @login_required
    async def view() -> Any:
        return flask.Response("Ada", headers=headers)

    return flask_app(run, view)


ONE_OF_EACH = [fastapi_view, fastapi_view_with_data, django_view, django_async_view, flask_view, flask_async_view]


@pytest.mark.parametrize("make", ONE_OF_EACH, ids=lambda make: make.__name__)
@pytest.mark.parametrize(("own", "sent"), AUTHORS_OWN, ids=lambda value: str(value))
def test_what_the_author_forbids_stays_and_what_others_could_keep_does_not(
    make: Callable[..., App], own: dict[str, str], sent: tuple[str, str], run: Run, backend: Backend
) -> None:
    assert headers_of(make(run, own).get("/", cookie=backend.cookie)) == sent


def test_several_headers_of_a_name_count_together(run: Run, backend: Backend) -> None:
    @login_required
    def view() -> Any:
        response = flask.Response("Ada")
        for name, values in {"Vary": ["Accept", "Origin"], "Cache-Control": ["max-age=5", "no-transform"]}.items():
            for value in values:
                response.headers.add(name, value)
        return response

    answer = flask_app(run, view).get("/", cookie=backend.cookie)
    assert headers_of(answer) == ("private, max-age=5, no-transform", "Accept, Origin, Cookie")


FOR_SHARED_CACHES = {
    "CDN-Cache-Control": "public, max-age=60",
    "cloudflare-cdn-cache-control": "max-age=60",
    "Surrogate-Control": "max-age=60",
    "X-Accel-Expires": "60",
}


@pytest.mark.parametrize("make", ONE_OF_EACH, ids=lambda make: make.__name__)
def test_what_speaks_to_shared_caches_alone_is_taken_out(make: Callable[..., App], run: Run, backend: Backend) -> None:
    answer = make(run, {**FOR_SHARED_CACHES, "X-Own": "stays"}).get("/", cookie=backend.cookie)
    assert answer.text.strip('"') == "Ada" and answer.headers["x-own"] == "stays"
    assert not {name.lower() for name in FOR_SHARED_CACHES} & set(answer.headers)


# Errors


ERRORS = {Http404: 404, PermissionDenied: 403, SuspiciousOperation: 400, BadRequest: 400, LookupError: 500}


def raising(error: type[Exception], is_async: bool) -> Any:
    def view(*_: Any) -> Any:
        raise error("no")

    async def view_async(*_: Any) -> Any:
        raise error("no")

    return view_async if is_async else view


@pytest.mark.parametrize("debug", [True, False], ids=["debug", "deployed"])
@pytest.mark.parametrize("is_async", [True, False], ids=["async", "sync"])
@pytest.mark.parametrize(("error", "status"), ERRORS.items(), ids=lambda value: getattr(value, "__name__", None))
def test_an_error_that_leaves_a_view_of_django_is_one_persons(
    error: type[Exception], status: int, is_async: bool, debug: bool, run: Run, backend: Backend
) -> None:
    with override_settings(DEBUG=debug, TEMPLATES=TEMPLATES):
        app = django_app(run, login_required(raising(error, is_async)), is_async)
        answer = app.get("/", cookie=backend.cookie)
    assert (answer.status_code, *headers_of(answer)) == (status, "private", "Cookie")


@pytest.mark.parametrize("is_async", [True, False], ids=["async", "sync"])
def test_an_error_of_a_view_of_django_that_asks_for_nobody_is_left_alone(
    is_async: bool, run: Run, backend: Backend
) -> None:
    def anyone(request: Any, *_: Any) -> Any:
        if request.path == "/guarded":
            return login_required(raising(Http404, False))(request)
        raise Http404

    async def anyone_async(request: Any, *_: Any) -> Any:
        if request.path == "/guarded":
            return await login_required(raising(Http404, True))(request)
        raise Http404

    app = django_app(run, anyone_async if is_async else anyone, is_async)
    assert headers_of(app.get("/guarded", cookie=backend.cookie)) == ("private", "Cookie")
    answer = app.get("/", cookie=backend.cookie)
    assert answer.status_code == 404
    assert "vary" not in answer.headers and "cache-control" not in answer.headers


@sync_and_async_middleware
def answers_errors(get_response: Any) -> Any:
    get_response.process_exception = lambda request, error: HttpResponse(f"Sorry: {type(error).__name__}", status=404)
    return get_response


@pytest.mark.parametrize("is_async", [True, False], ids=["async", "sync"])
def test_what_a_middleware_of_django_makes_of_an_error_is_one_persons(
    is_async: bool, run: Run, backend: Backend
) -> None:
    with override_settings(MIDDLEWARE=[f"{__name__}.answers_errors"]):
        app = django_app(run, login_required(raising(LookupError, is_async)), is_async)
    answer = app.get("/", cookie=backend.cookie)
    assert answer.text == "Sorry: LookupError"
    assert headers_of(answer) == ("private", "Cookie")


@pytest.mark.parametrize("error", [Http404, PermissionDenied, LookupError])
def test_an_error_still_rolls_back_what_its_request_wrote(
    error: type[Exception], run: Run, backend: Backend, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "notes.sqlite3"
    database = {"ENGINE": "django.db.backends.sqlite3", "NAME": str(path), "ATOMIC_REQUESTS": True}
    monkeypatch.setattr(db.connections, "settings", db.connections.configure_settings({"default": database}))

    def view(request: Any) -> Any:
        with db.connections["default"].cursor() as cursor:
            cursor.execute("INSERT INTO note VALUES (%s)", [request.path])
        if request.path == "/error":
            raise error
        return HttpResponse("written")

    app = django_app(run, login_required(view), is_async=False)
    with closing(sqlite3.connect(path)) as notes:
        notes.execute("CREATE TABLE note (text)")
        assert headers_of(app.get("/error", cookie=backend.cookie)) == ("private", "Cookie")
        assert app.get("/", cookie=backend.cookie).text == "written"
        assert notes.execute("SELECT * FROM note").fetchall() == [("/",)]


@pytest.mark.parametrize("is_async", [True, False], ids=["async", "sync"])
def test_an_error_of_flask_is_one_persons(is_async: bool, run: Run, backend: Backend) -> None:
    answer = flask_app(run, login_required(raising(LookupError, is_async))).get("/", cookie=backend.cookie)
    assert (answer.status_code, *headers_of(answer)) == (500, "private", "Cookie")


async def sorry(request: Any, error: Exception) -> Any:
    return PlainTextResponse("Sorry", 500)


class Copied:
    """A middleware that passes a scope of its own on."""

    def __init__(self, app: Any) -> None:
        self.app = app

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        await self.app({**scope}, receive, send)


def behind_a_copy(app: fastapi.FastAPI, view: Any) -> Any:
    app.add_middleware(Copied)
    return plainly(app, view)


@pytest.mark.parametrize(
    "options", [{}, {"exception_handlers": {Exception: sorry}}, {"debug": True}], ids=["plain", "handler", "debug"]
)
@pytest.mark.parametrize("way", [*WAYS, behind_a_copy], ids=lambda way: way.__name__)
def test_an_error_that_nothing_handles_in_fastapi_is_one_persons(
    way: Any, options: dict[str, Any], run: Run, backend: Backend
) -> None:
    app = way(fastapi.FastAPI(**options), found_by_a_handler)

    async def served(scope: Any, receive: Any, send: Any) -> None:
        with pytest.raises(LookupError):  # Starlette answers, and lets the server know
            await app(scope, receive, send)

    answer = App(run, served, is_async=True).get("/", cookie=backend.cookie)
    assert (answer.status_code, *headers_of(answer)) == (500, "private", "Cookie")


# Django and Flask


def django_streamed(run: Run) -> App:
    return django_app(run, login_required(lambda request: StreamingHttpResponse([b"Ada"])), is_async=False)


def django_template(run: Run) -> App:
    return django_app(
        run,
        login_required(lambda request: SimpleTemplateResponse(engines["django"].from_string("Ada"))),
        is_async=False,
    )


def flask_streamed(run: Run) -> App:
    return flask_app(run, login_required(lambda: flask.Response(iter(["Ada"]))))


def flask_aborted(run: Run) -> App:
    return flask_app(run, login_required(lambda: flask.abort(404)))


@pytest.mark.parametrize(
    "make", [django_streamed, django_template, flask_streamed, flask_aborted], ids=lambda make: make.__name__
)
def test_answers_that_are_made_late_are_one_persons_too(make: Callable[[Run], App], run: Run, backend: Backend) -> None:
    with override_settings(TEMPLATES=TEMPLATES):
        answer = make(run).get("/", cookie=backend.cookie)
    assert headers_of(answer) == ("private", "Cookie")


def test_what_is_no_answer_is_reported_as_without_the_guard(run: Run, backend: Backend) -> None:
    app = django_app(run, login_required(lambda request: None), is_async=False)
    answer = app.get("/", cookie=backend.cookie)
    assert (answer.status_code, *headers_of(answer)) == (500, "private", "Cookie")


CACHE = {"default": {"BACKEND": "django.core.cache.backends.locmem.LocMemCache"}}
CACHE_MIDDLEWARE = ["django.middleware.cache.UpdateCacheMiddleware", "django.middleware.cache.FetchFromCacheMiddleware"]


def greeting(request: Any) -> HttpResponse:
    return HttpResponse(request.nextauth_session.user.name, headers={"Cache-Control": "no-store"})


async def greeting_async(request: Any) -> HttpResponse:
    return HttpResponse(request.nextauth_session.user.name)


@pytest.mark.parametrize("accept", [HTML, "*/*"])
@pytest.mark.parametrize("view", [greeting, greeting_async])
def test_with_djangos_cache_an_anonymous_visitor_does_not_get_adas_page(
    view: Any, accept: str, run: Run, backend: Backend
) -> None:
    with override_settings(CACHES={"default": {**CACHE["default"], "LOCATION": view.__name__ + accept}}):
        with override_settings(MIDDLEWARE=CACHE_MIDDLEWARE):
            app = django_app(run, login_required(view), is_async=view is greeting_async)
        assert app.get("/", accept=accept, cookie=backend.cookie).text == "Ada Lovelace"
        assert app.get("/", accept=accept).status_code in (302, 401)
        assert app.get("/", accept=accept, cookie=backend.cookie).text == "Ada Lovelace"


def test_with_djangos_cache_for_one_page_neither(run: Run, backend: Backend) -> None:
    with override_settings(CACHES={"default": {**CACHE["default"], "LOCATION": "page"}}):
        app = django_app(run, cache_page(60)(login_required(greeting)), is_async=False)
        assert app.get("/", cookie=backend.cookie).text == "Ada Lovelace"
        assert app.get("/").status_code == 401
        assert app.get("/", cookie=backend.cookie).text == "Ada Lovelace"


# ── what an app does with every answer ───────────────────────────────────────────────────────────


def public(response: Any) -> Any:
    response.headers["Cache-Control"] = "public, max-age=60"
    response.headers["CDN-Cache-Control"] = "max-age=60"
    return response


def test_an_after_request_of_the_whole_app_makes_no_guarded_answer_of_flask_public(run: Run, backend: Backend) -> None:
    app = flask.Flask("app")
    app.after_request(public)
    app.add_url_rule("/guarded", "guarded", login_required(lambda: flask.g.nextauth_session.user.name))
    app.add_url_rule("/open", "open", lambda: "hello")
    asked = App(run, app, is_async=False)
    for cookie, status in ((backend.cookie, 200), ("", 401)):
        answer = asked.get("/guarded", cookie=cookie)
        assert (answer.status_code, answer.headers["cache-control"]) == (status, "private, max-age=60")
        assert "Cookie" in answer.headers["vary"] and "cdn-cache-control" not in answer.headers
    assert asked.get("/open").headers["cache-control"] == "public, max-age=60"


def test_an_after_request_that_fails_leaves_a_guarded_answer_private(run: Run, backend: Backend) -> None:
    app = flask.Flask("app")

    @app.after_request
    def fail(response: Any) -> Any:
        raise ValueError("in after_request")

    app.add_url_rule("/", "view", login_required(lambda: "guarded"))
    answer = App(run, app, is_async=False).get("/", cookie=backend.cookie)
    assert answer.status_code == 500
    assert headers_of(answer) == ("private", "Cookie")


def hello(request: Any) -> HttpResponse:
    return HttpResponse("hello")


async def hello_async(request: Any) -> HttpResponse:
    return HttpResponse("hello")


def makes_public(get_response: Any) -> Any:
    return lambda request: public(get_response(request))


@pytest.mark.parametrize("is_async", [False, True])
def test_an_outer_middleware_makes_no_guarded_answer_of_django_public(
    is_async: bool, run: Run, backend: Backend
) -> None:
    with override_settings(MIDDLEWARE=[f"{__name__}.makes_public"]):
        app = django_app(run, login_required(greeting_async if is_async else greeting), is_async)
        for cookie, status in ((backend.cookie, 200), ("", 401)):
            answer = app.get("/", cookie=cookie)
            assert (answer.status_code, answer.headers["cache-control"]) == (status, "private, max-age=60")
            assert "Cookie" in answer.headers["vary"] and "cdn-cache-control" not in answer.headers
        plain = django_app(run, hello_async if is_async else hello, is_async)
        assert plain.get("/").headers["cache-control"] == "public, max-age=60"


FIRST_REQUEST = """
import sys, types
import django
from django.conf import settings
from django.http import HttpResponse
from django.urls import path

def makes_public(get_response):
    def middleware(request):
        response = get_response(request)
        response.headers["Cache-Control"] = "public"
        return response
    return middleware

site = types.ModuleType("site_of_the_test")
site.makes_public = makes_public
sys.modules[site.__name__] = site
settings.configure(
    ALLOWED_HOSTS=["*"], SECRET_KEY="not one", ROOT_URLCONF=site.__name__, MIDDLEWARE=["site_of_the_test.makes_public"]
)
django.setup()

from nextauth_server import login_required

site.urlpatterns = [path("", login_required(secret="a secret")(lambda request: HttpResponse("")))]

from django.test import Client

print(Client().get("/").headers["Cache-Control"])
"""


def test_the_first_answer_of_a_process_is_private_too() -> None:
    paths = [str(ROOT / "client"), str(ROOT / "server")]
    code = f"import sys; sys.path[:0] = {paths!r}\n{FIRST_REQUEST}"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True)
    assert done.stdout == "private\n", done.stderr
