"""Starlette with functions of its own, and the bridge; it serves the folder of pages, too."""

from __future__ import annotations

import os
import sys
import warnings
from collections.abc import Mapping
from datetime import datetime, timedelta, timezone
from threading import Thread
from typing import Any

from authlib.deprecate import AuthlibDeprecationWarning
from markupsafe import escape
from nextauth_server import AuthBridge, SignInRefused
from starlette.applications import Starlette
from starlette.datastructures import MutableHeaders
from starlette.middleware import Middleware
from starlette.middleware.cors import CORSMiddleware
from starlette.middleware.sessions import SessionMiddleware
from starlette.requests import Request
from starlette.responses import HTMLResponse, JSONResponse, RedirectResponse, Response
from starlette.routing import Mount, Route
from starlette.staticfiles import StaticFiles

from server_stub.server import Server, listen
from tests.backends.python.site import (
    ADDITIONS,
    BASE_PATH,
    OIDC,
    OPTIONS,
    PAGE,
    PEOPLE,
    SIGN_IN_PAGE,
    issued,
    may_come,
    say_where,
)

with warnings.catch_warnings():  # of httpx, which is all that Python 3.10 has
    warnings.simplefilter("ignore", AuthlibDeprecationWarning)
    from authlib.integrations.starlette_client import OAuth

SECRET = "of a test"
ALLOWED = [OPTIONS["allow"]] if OPTIONS["allow"] else []
LIFETIME = timedelta(seconds=OPTIONS["maxAge"])


def user_of(request: Request) -> dict[str, Any] | None:
    username = request.session.get("user")
    if username is None:
        return None
    request.session["seen"] = datetime.now().timestamp()  # which renews it
    _, name, email, image = PEOPLE.get(username, ("", username, "echo@example.com", None))
    said = request.session
    return {"name": said.get("name") or name, "email": said.get("email") or email, "image": image}


async def sign_in(request: Request, username: str, password: str) -> bool:
    if username == "throw":
        raise SignInRefused("Custom failure")
    if username == "mallory":
        raise SignInRefused("AccessDenied")
    if password != "echo" and (username not in PEOPLE or PEOPLE[username][0] != password):
        return False
    request.session.clear()
    request.session["user"] = username
    return True


def sign_in_with(request: Request, provider: str, userinfo: Mapping[str, Any], token: Mapping[str, Any]) -> bool:
    if not may_come(userinfo, token):
        return False
    request.session.clear()
    request.session.update(user=f"{provider} {userinfo['sub']}", name=userinfo["name"], email=userinfo["email"])
    return True


async def sign_out(request: Request) -> None:
    request.session.clear()


def rename(request: Request, data: Any) -> None:
    request.session["name"] = data["name"]


async def sign_in_page(request: Request) -> Response:
    if request.method == "POST":
        from nextauth_server.bridge import parse_fields

        fields = parse_fields(request.headers["content-type"], await request.body())
        if await sign_in(request, **fields):
            return RedirectResponse(request.query_params["next"], 303)
    return HTMLResponse(PAGE % (escape(request.query_params.get("error", "")), ""))


async def nothing(request: Request) -> Response:
    return JSONResponse([])


async def tokens(request: Request) -> Response:
    return JSONResponse(issued)


class Around:
    """A slash at the end of each path, where it is asked for, and nothing kept without asking."""

    def __init__(self, app: Any) -> None:
        self.app = app

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        async def mark(message: Any) -> None:
            if message["type"] == "http.response.start":
                MutableHeaders(scope=message).setdefault("Cache-Control", "no-cache")
            await send(message)

        path = scope.get("path", "")
        if OPTIONS["trailingSlash"] and path.startswith(BASE_PATH) and not path.endswith("/"):
            await RedirectResponse(path + "/", 308)(scope, receive, send)
        else:
            await self.app(scope, receive, mark)


oauth = OAuth()
oauth.register("oidc", **OIDC)
bridge = AuthBridge(
    user_of=user_of,
    sign_in=sign_in,
    sign_out=sign_out,
    secret=SECRET,
    session_callback=lambda session, user: {**session, **ADDITIONS},
    update=rename,
    expires_of=lambda request: datetime.now(timezone.utc).replace(microsecond=0) + LIFETIME,
    sign_in_page=OPTIONS["pages"].get("signIn", SIGN_IN_PAGE),
    providers=oauth,
    provider_names={"oidc": "Identity provider"},
    sign_in_with=sign_in_with,
    allowed_origins=ALLOWED,
)
app = Starlette(
    routes=[
        Mount(BASE_PATH, bridge),
        Route(SIGN_IN_PAGE, sign_in_page, methods=["GET", "POST"]),
        Route("/__logs", nothing),
        Route("/__issued", tokens),
        Mount("/", StaticFiles(directory=OPTIONS["folder"], html=True, follow_symlink=True)),
    ],
    middleware=[
        Middleware(Around),
        Middleware(
            CORSMiddleware,
            allow_origins=ALLOWED,
            allow_credentials=True,
            allow_methods=["GET", "POST"],
            allow_headers=["X-Auth-Return-Redirect"],
        ),
        Middleware(SessionMiddleware, secret_key=SECRET, max_age=OPTIONS["maxAge"]),
    ],
)


def run() -> None:
    listener = listen("127.0.0.1", 0)
    Thread(target=Server(app).run, kwargs={"sockets": [listener]}, daemon=True).start()
    say_where(listener.getsockname()[1])
    sys.stdin.read()
    os._exit(0)
