"""Templates of each framework put the session into the page's head."""

import json
import re
from typing import Any

import flask
import httpx
import jinja2
import pytest
from django.core.cache import caches
from django.core.exceptions import ImproperlyConfigured
from django.http import HttpResponse
from django.template import Context, Engine, RequestContext
from django.template.backends.django import DjangoTemplates
from django.template.response import TemplateResponse
from django.test import RequestFactory
from django.test.utils import override_settings
from django.views.decorators.cache import cache_page
from nextauth_server import finding
from nextauth_server.flask import add_session_to_templates
from nextauth_server.starlette import SessionBackend, session_context
from starlette.applications import Starlette
from starlette.middleware import Middleware
from starlette.middleware.authentication import AuthenticationMiddleware
from starlette.requests import Request
from starlette.routing import Route
from starlette.templating import Jinja2Templates

from .conftest import Backend, Scripted
from .frameworks import App, Run, django_app
from .test_frameworks import ADMIN, SECRET, cookie_for, is_private

HEAD = re.compile(r"<head>(?:<script[^>]* id=\"nextauth-session\"[^>]*>(.*?)</script>)?</head>")
ENGINE = Engine(libraries={"nextauth": "nextauth_server.templatetags.nextauth"})
OPTIONS = {
    "libraries": {"nextauth": "nextauth_server.templatetags.nextauth"},
    "context_processors": ["django.template.context_processors.request"],
}
LATER = DjangoTemplates({"NAME": "django", "DIRS": [], "APP_DIRS": False, "OPTIONS": OPTIONS}).from_string(
    "{% load nextauth %}<head>{% nextauth_session %}</head>"
)
PAGE = ENGINE.from_string("{% load nextauth %}<head>{% nextauth_session %}</head>")
CACHE = "django.middleware.cache."
NOTHING = "no session in it"


def session_in(answer: httpx.Response) -> Any:
    assert answer.status_code == 200, answer.text
    found = HEAD.fullmatch(answer.text)
    assert found is not None, answer.text
    return NOTHING if found[1] is None else json.loads(found[1])


def of_django(run: Run, **options: Any) -> App:
    def view(request: Any) -> HttpResponse:
        return HttpResponse(PAGE.render(RequestContext(request, {"request": request})))

    with override_settings(MIDDLEWARE=["nextauth_server.django.session_middleware"], NEXTAUTH_SERVER=options):
        return django_app(run, view, is_async=False)


def of_flask(run: Run, **options: Any) -> App:
    app = flask.Flask(__name__)
    add_session_to_templates(app, **options)
    app.add_url_rule("/", view_func=lambda: flask.render_template_string("<head>{{ nextauth_session() }}</head>"))
    return App(run, app, is_async=False)


def of_starlette(run: Run, **options: Any) -> App:
    loader = jinja2.DictLoader({"page.html": "<head>{{ nextauth_session }}</head>"})
    environment = jinja2.Environment(loader=loader, autoescape=True)
    templates = Jinja2Templates(env=environment, context_processors=[session_context])

    async def view(request: Request) -> Any:
        return templates.TemplateResponse(request, "page.html")

    backend = SessionBackend(**options)
    middleware = [Middleware(AuthenticationMiddleware, backend=backend, on_error=backend.on_error)]
    return App(run, Starlette(routes=[Route("/", view)], middleware=middleware), is_async=True)


FRAMEWORKS = pytest.mark.parametrize("framework", [of_django, of_flask, of_starlette])


@FRAMEWORKS
def test_a_template_puts_in_who_the_backend_says_is_signed_in(framework: Any, run: Run, backend: Backend) -> None:
    answer = framework(run).get("/", cookie=backend.cookie)
    assert session_in(answer)["user"]["name"] == "Ada Lovelace"
    assert is_private(answer)


@FRAMEWORKS
def test_a_template_puts_in_who_the_cookie_says_is_signed_in(framework: Any, run: Run, scripted: Scripted) -> None:
    answer = framework(run, secret=SECRET).get("/", cookie=cookie_for(ADMIN))
    assert session_in(answer)["user"]["name"] == "Ada"
    assert "admin" not in answer.text  # a claim
    assert is_private(answer)
    assert scripted.seen == []


@FRAMEWORKS
def test_of_nobody_a_template_says_so_or_lets_the_page_ask(framework: Any, run: Run, backend: Backend) -> None:
    answer = framework(run).get("/")
    assert session_in(answer) == (NOTHING if framework is of_starlette else None)
    assert is_private(answer)


@FRAMEWORKS
def test_who_is_kept_out_is_not_said_to_be_nobody(framework: Any, run: Run, scripted: Scripted) -> None:
    app = framework(run, secret=SECRET, when="claims.role=editor")
    session = session_in(app.get("/", cookie=cookie_for(ADMIN)))
    assert session == NOTHING or session["user"]["name"] == "Ada"


@pytest.mark.parametrize("framework", [of_django, of_flask])
def test_where_the_backend_is_down_the_page_is_served_and_asks(framework: Any, run: Run) -> None:
    answer = framework(run, base_url="http://127.0.0.1:9", timeout=1).get("/", cookie="next-auth.session-token=x")
    assert session_in(answer) == NOTHING


def test_a_name_cannot_end_the_script(run: Run) -> None:
    answer = of_flask(run, secret=SECRET).get("/", cookie=cookie_for({"name": "</script><b>"}))
    assert session_in(answer)["user"]["name"] == "</script><b>"
    assert answer.text.count("</script>") == 1


def test_what_is_missing_is_named(run: Run) -> None:
    for context in (Context({}), Context({"request": RequestFactory().get("/")})):
        with pytest.raises(ImproperlyConfigured, match="session_middleware in MIDDLEWARE"):
            PAGE.render(context)
    with pytest.raises(RuntimeError, match="SessionBackend"):
        session_context(Request({"type": "http", "headers": []}))


def test_a_cookie_that_no_header_may_hold_is_nobodys_to_a_template(run: Run, backend: Backend) -> None:
    assert session_in(of_flask(run, base_url=backend.url).get("/", cookie="next-auth.session-token=\x01")) == NOTHING


@pytest.mark.parametrize("framework", [of_django, of_flask, of_starlette])
def test_what_would_be_an_error_at_the_first_request_is_said_at_once(
    framework: Any, run: Run, caplog: pytest.LogCaptureFixture
) -> None:
    finding._warn_once.cache_clear()
    framework(run)
    assert "NEXTAUTH_URL" in caplog.text


# ── caches and streams ───────────────────────────────────────────────────────────────────────────


def views_of_django() -> dict[str, Any]:
    def reads(request: Any) -> HttpResponse:
        session = request.nextauth_session
        return HttpResponse(session.user.name if session else "nobody")

    async def reads_async(request: Any) -> HttpResponse:
        session = await request.anextauth_session()
        return HttpResponse(session.user.name if session else "nobody")

    def template(request: Any) -> TemplateResponse:
        return TemplateResponse(request, LATER)

    return {"reads": reads, "reads_async": reads_async, "template": template}


@pytest.mark.parametrize(
    ("view", "cached"),
    [
        *(("reads", "by the middleware"), ("reads_async", "by the middleware"), ("template", "by the middleware")),
        *(("reads", "by cache_page"), ("template", "by cache_page")),  # which wraps no async view
    ],
)
def test_djangos_cache_keeps_nothing_that_was_read_by_the_session(
    view: str, cached: str, run: Run, backend: Backend
) -> None:
    middleware = ["nextauth_server.django.session_middleware"]
    function = views_of_django()[view]
    if cached == "by the middleware":
        middleware = [f"{CACHE}UpdateCacheMiddleware", *middleware, f"{CACHE}FetchFromCacheMiddleware"]
    else:
        function = cache_page(60)(function)
    caches["default"].clear()
    with override_settings(MIDDLEWARE=middleware, TEMPLATES=[]):
        app = django_app(run, function, is_async=view == "reads_async")
    assert "Ada" in app.get("/", cookie=backend.cookie).text
    assert "Ada" not in app.get("/").text


def test_a_session_that_is_read_while_the_answer_is_sent_is_refused(run: Run, backend: Backend) -> None:
    """Its headers let any cache keep it."""
    app = flask.Flask(__name__)
    add_session_to_templates(app)
    source = "<head>{{ nextauth_session() }}</head>"
    app.add_url_rule("/", view_func=lambda: flask.stream_with_context(flask.stream_template_string(source)))
    with pytest.raises(RuntimeError, match="before you begin to stream"):
        App(run, app, is_async=False).get("/", cookie=backend.cookie)
