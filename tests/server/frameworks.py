"""A small app in each framework, with one view, asked in process through the framework's own request handling."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from types import ModuleType
from typing import Any
from urllib.parse import unquote

import fastapi
import flask
import httpx
import nextauth_server
from django.core.handlers.asgi import ASGIHandler
from django.core.handlers.wsgi import WSGIHandler
from django.http import HttpResponse
from django.test.utils import override_settings
from django.urls import re_path
from starlette.applications import Starlette
from starlette.responses import Response
from starlette.routing import Route
from werkzeug.test import create_environ, run_wsgi_app

from tests.support import PATIENCE

ORIGIN = "http://app.test"

Run = Callable[[Any], Any]


def in_a_thread(function: Callable[..., httpx.Response], *args: Any) -> httpx.Response:
    """A view that starts an event loop needs a thread in which none is running."""
    with ThreadPoolExecutor(1) as thread:
        return thread.submit(function, *args).result(PATIENCE)


class App:
    """`get` and `send` ask an app, whether it speaks ASGI or WSGI."""

    def __init__(self, run: Run, app: Any, is_async: bool, urls: ModuleType | None = None) -> None:
        self.run = run
        self.app = app
        self.is_async = is_async
        self.urls = urls

    def get(self, path: str, **headers: str) -> httpx.Response:
        return self.send("GET", path, **headers)

    def send(self, method: str, path: str, **headers: str) -> httpx.Response:
        named = [(name.replace("_", "-"), value) for name, value in headers.items()]
        with override_settings(ROOT_URLCONF=self.urls):
            if self.is_async:
                return self.run(self.ask(method, path, named))
            return in_a_thread(self.ask_sync, method, path, named)

    async def ask(self, method: str, path: str, headers: list[tuple[str, str]]) -> httpx.Response:
        raw = [(name.encode(), value.encode("latin-1")) for name, value in headers]
        request = httpx.Request(method, ORIGIN + path, headers=raw)
        async with httpx.AsyncClient(transport=httpx.ASGITransport(self.app)) as client:
            return await client.send(request)

    def ask_sync(self, method: str, path: str, headers: list[tuple[str, str]]) -> httpx.Response:
        # httpx's own WSGI transport takes ASCII only, and werkzeug reads a path with two slashes as a URL.
        path, _, query = path.partition("?")
        environ = create_environ("/", ORIGIN, method=method, headers=headers)
        environ.update(PATH_INFO=unquote(path, "latin-1"), QUERY_STRING=query)
        body, status, answered = run_wsgi_app(self.app, environ)
        return httpx.Response(int(status.split()[0]), headers=list(answered), content=b"".join(body))


def django_app(run: Run, view: Any, is_async: bool) -> App:
    urls = ModuleType("urls")
    urls.urlpatterns = [re_path("", view)]  # type: ignore[attr-defined]
    return App(run, ASGIHandler() if is_async else WSGIHandler(), is_async, urls)


def flask_app(run: Run, view: Any) -> App:
    app = flask.Flask("app")
    methods = ["GET", "POST", "PUT", "DELETE", "PROPFIND"]
    app.add_url_rule("/", "view", view, methods=methods)
    app.add_url_rule("/<path:_>", "views", lambda _: app.ensure_sync(view)(), methods=methods)
    return App(run, app, is_async=False)


# Apps whose view answers with what the backend says of its request: session, CSRF token, names of the providers.


async def all_three(request: Any) -> str:
    session = await nextauth_server.get_session(request)
    token = await nextauth_server.get_csrf_token(request)
    providers = await nextauth_server.get_providers()
    return json.dumps([session and session.to_dict(), token, list(providers)])


def all_three_sync(request: Any) -> str:
    session = nextauth_server.get_session_sync(request)
    token = nextauth_server.get_csrf_token_sync(request)
    providers = nextauth_server.get_providers_sync()
    return json.dumps([session and session.to_dict(), token, list(providers)])


def starlette_request(run: Run) -> App:
    async def view(request: Any) -> Response:
        return Response(await all_three(request))

    return App(run, Starlette(routes=[Route("/", view)]), is_async=True)


def fastapi_request(run: Run) -> App:
    app = fastapi.FastAPI()

    @app.get("/")
    async def view(request: fastapi.Request) -> Response:
        return Response(await all_three(request))

    return App(run, app, is_async=True)


def asgi_scope(run: Run) -> App:
    async def app(scope: Any, receive: Any, send: Any) -> None:
        await Response(await all_three(scope))(scope, receive, send)

    return App(run, app, is_async=True)


def django_request_async(run: Run) -> App:
    async def view(request: Any) -> HttpResponse:
        return HttpResponse(await all_three(request))

    return django_app(run, view, is_async=True)


def django_request(run: Run) -> App:
    return django_app(run, lambda request: HttpResponse(all_three_sync(request)), is_async=False)


def flask_request(run: Run) -> App:
    return flask_app(run, lambda: all_three_sync(flask.request))


def flask_request_async(run: Run) -> App:
    async def view() -> str:
        return await all_three(flask.request)

    return flask_app(run, view)


def wsgi_environ(run: Run) -> App:
    def app(environ: Any, start_response: Any) -> list[bytes]:
        start_response("200 OK", [])
        return [all_three_sync(environ).encode()]

    return App(run, app, is_async=False)


def cookie_string(run: Run) -> App:
    def app(environ: Any, start_response: Any) -> list[bytes]:
        start_response("200 OK", [])
        return [asyncio.run(all_three(environ.get("HTTP_COOKIE", ""))).encode()]

    return App(run, app, is_async=False)


REQUESTS = [
    starlette_request,
    fastapi_request,
    asgi_scope,
    django_request_async,
    django_request,
    flask_request,
    flask_request_async,
    wsgi_environ,
    cookie_string,
]
