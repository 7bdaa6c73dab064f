"""One origin of an app under test: its auth endpoints, and a folder of pages beside them. Knows no framework.

Whoever starts it gives the options as one JSON argument, reads the line that says where it listens, and closes stdin
to stop it. The options are those of `node/site.mjs` that mean something here.
"""

from __future__ import annotations

import json
import logging
import mimetypes
import os
import sys
from collections.abc import Callable, Iterable, Mapping
from threading import Thread
from typing import Any
from urllib.parse import quote

from werkzeug.exceptions import HTTPException, NotFound
from werkzeug.serving import make_server
from werkzeug.utils import send_from_directory
from werkzeug.wrappers import Response

App = Callable[[Any, Any], Iterable[bytes]]

OPTIONS: dict[str, Any] = {
    "host": "127.0.0.1",
    "folder": ".",
    "maxAge": 30 * 24 * 60 * 60,
    "strategy": "jwt",  # then a session gets a new lifetime with each request, as one in a JWT does
    "allow": "",
    "issuer": "",
    "pages": {},
    "trailingSlash": False,
    **json.loads(sys.argv[1]),
}
BASE_PATH = "/api/auth"
SIGN_IN_PAGE = "/accounts/login/"
# What Authlib knows of the identity provider; node/oidc.mjs has the same.
OIDC: dict[str, Any] = {
    "client_id": "backend",
    "client_secret": "a secret between a backend and the identity provider",
    "server_metadata_url": f"{OPTIONS['issuer']}/.well-known/openid-configuration",
    "client_kwargs": {
        "scope": "openid profile email",
        "code_challenge_method": "S256",
        "token_endpoint_auth_method": "client_secret_post",
    },
}
PAGE = """<!doctype html><html lang="en"><meta charset="utf-8"><title>Sign in</title><link rel="icon" href="data:,">
<p role="alert">%s</p>
<form method="post">%s<label>Username <input name="username"></label>
<label>Password <input name="password" type="password"></label> <button>Sign in with Password</button></form></html>"""

PEOPLE = {
    "ada": ("lovelace", "Ada Lovelace", "ada@example.com", "/static/icon.svg"),
    "alan": ("turing", "Alan Turing", "alan@example.com", None),
    "zoë🐘": ("pässword & 🐘+漢字%41", "Zoë 🐘", "zoë@example.com", None),
}
# As node/people.mjs has them.
ADDITIONS = {
    "team": {
        "name": "Grüße 👋",
        "roles": ["reader", {"of": "books", "since": 1843}],
        "deputy": None,
        "": "",
        "a.b": [[]],
    },
    "numbers": [0, -1, 0.5, 4294967296, 9007199254740991],
}

issued: list[dict[str, str]] = []  # the OAuth tokens of each sign-in, by name


def may_come(userinfo: Mapping[str, Any], token: Mapping[str, Any]) -> bool:
    """Everybody may but Mallory. The tests learn which tokens there are."""
    if userinfo["name"].startswith("mallory"):
        return False
    issued.append({name: token[name] for name in ("access_token", "id_token", "refresh_token") if name in token})
    return True


for kind, ending in (
    ("text/javascript", ".js"),
    ("text/javascript", ".mjs"),
    ("application/wasm", ".wasm"),
    ("text/plain", ".py"),
    ("application/zip", ".whl"),
):
    mimetypes.add_type(kind, ending)


def serve(app: App) -> None:
    """Until stdin is closed."""
    logging.getLogger("werkzeug").setLevel(logging.ERROR)
    server = make_server("127.0.0.1", 0, _site(app), threaded=True)
    Thread(target=server.serve_forever, daemon=True).start()
    say_where(server.server_port)
    sys.stdin.read()
    os._exit(0)  # a connection that a browser keeps open would be waited for


def say_where(port: int) -> None:
    url = f"http://{OPTIONS['host']}:{port}"
    print(json.dumps({"url": url, "base": url + BASE_PATH}), flush=True)


def _site(app: App) -> App:
    def site(environ: Any, start_response: Any) -> Iterable[bytes]:
        path: str = environ["PATH_INFO"].encode("latin-1").decode()
        is_auth = path.startswith(BASE_PATH + "/")
        answer: App
        if path in ("/__logs", "/__issued"):
            said = issued if path == "/__issued" else []
            answer = Response(json.dumps(said), content_type="application/json")
        elif is_auth and OPTIONS["allow"] and environ["REQUEST_METHOD"] == "OPTIONS":
            answer = Response(status=204)
        elif is_auth and OPTIONS["trailingSlash"] and not path.endswith("/"):
            query = environ.get("QUERY_STRING", "")
            answer = Response(status=308, headers={"Location": quote(path) + "/" + (f"?{query}" if query else "")})
        elif is_auth or path.startswith("/accounts/"):
            answer = app
        else:
            answer = _file(path, environ)

        def start(status: str, headers: list[tuple[str, str]], *more: Any) -> Any:
            return start_response(status, [*headers, *(_allowing() if is_auth else [])], *more)

        return answer(environ, start)

    return site


def _allowing() -> list[tuple[str, str]]:
    """What a reverse proxy would add, so that pages elsewhere may ask with cookies (CORS)."""
    if not OPTIONS["allow"]:
        return []
    return [
        ("Access-Control-Allow-Origin", OPTIONS["allow"]),
        ("Access-Control-Allow-Credentials", "true"),
        ("Access-Control-Allow-Headers", "Content-Type, X-Auth-Return-Redirect"),
    ]


def _file(path: str, environ: Any) -> App:
    try:
        return send_from_directory(OPTIONS["folder"], path.lstrip("/") or "index.html", environ)
    except NotFound:
        return Response(status=404)
    except HTTPException as error:
        return error
