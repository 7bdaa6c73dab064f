"""Templates of each framework put the session into the page's head."""

import json
import re
from typing import Any

import flask
import httpx
import jinja2
import pytest
from django.core.exceptions import ImproperlyConfigured
from django.http import HttpResponse
from django.template import Context, Engine, RequestContext
from django.test import RequestFactory
from django.test.utils import override_settings
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
PAGE = ENGINE.from_string("{% load nextauth %}<head>{% nextauth_session %}</head>")
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
