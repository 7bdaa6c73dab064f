"""An OpenID provider on a port of its own, which does what a test tells it; a person's browser is the test."""

from __future__ import annotations

import base64
import hashlib
import json
import secrets
import threading
import time
from contextlib import suppress
from functools import cache
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qsl, urlencode, urlsplit

from joserfc import jwt
from joserfc.jwk import RSAKey

CLIENT = {"client_id": "app", "client_secret": "between the two"}


@cache
def key_of_all() -> RSAKey:
    """Making one takes a while."""
    return RSAKey.generate_key(2048, {"kid": "1"})


class IdentityProvider:
    """Everybody may sign in. `asked` is the path of each request; `answers` replaces what a path answers with bytes."""

    def __init__(self) -> None:
        self.key = key_of_all()
        self.codes: dict[str, tuple[dict[str, str], dict[str, Any]]] = {}
        self.claims: dict[str, Any] = {}  # that ID tokens have besides, or otherwise
        self.is_openid = True
        self.answers: dict[str, bytes] = {}
        self.hangs = False
        self.asked: list[str] = []
        self.ended = threading.Event()
        provider = self

        class Handler(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                self.answer(self.path, {})

            def do_POST(self) -> None:
                body = self.rfile.read(int(self.headers["Content-Length"])).decode()
                self.answer(self.path, dict(parse_qsl(body)))

            def answer(self, path: str, fields: dict[str, str]) -> None:
                provider.asked.append(path)
                if provider.hangs:
                    provider.ended.wait(60)
                status, data = provider.answer(path, fields, self.headers["Authorization"])
                with suppress(ConnectionError):  # whoever asked may not wait any more
                    self.send_response(status)
                    self.send_header("Content-Type", "application/json")
                    self.send_header("Content-Length", str(len(data)))
                    self.end_headers()
                    self.wfile.write(data)

            def log_message(self, *_: object) -> None:
                pass

        self.server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self.server.server_port}"
        self.thread = threading.Thread(target=self.server.serve_forever, kwargs={"poll_interval": 0.01})
        self.thread.start()

    @property
    def registration(self) -> dict[str, Any]:
        """What Authlib's `register` needs to know."""
        return {
            **CLIENT,
            "server_metadata_url": f"{self.url}/.well-known/openid-configuration",
            "client_kwargs": {"scope": "openid email", "code_challenge_method": "S256"},
        }

    def allow(self, url: str, sub: str = "ada") -> str:
        """Somebody signs in at the URL that they were sent to. The query that they come back with."""
        asked = dict(parse_qsl(urlsplit(url).query))
        assert url.startswith(f"{self.url}/authorize?") and asked["client_id"] == CLIENT["client_id"]
        code = secrets.token_hex(8)
        self.codes[code] = (asked, {"sub": sub, "email": f"{sub}@elsewhere.example", "name": sub.title()})
        return urlencode({"code": code, "state": asked["state"]})

    def refuse(self, url: str, error: str = "access_denied") -> str:
        return urlencode({"error": error, "state": dict(parse_qsl(urlsplit(url).query))["state"]})

    def answer(self, path: str, fields: dict[str, str], authorization: str | None) -> tuple[int, bytes]:
        if path.startswith("/refused"):
            return 401, b"{}"
        if path in self.answers:
            return 200, self.answers[path]
        status, data = 200, self._answer(path, fields, authorization)
        if data is None:
            status, data = 400, {"error": "invalid_grant"}
        return status, json.dumps(data).encode()

    def _answer(self, path: str, fields: dict[str, str], authorization: str | None) -> Any:
        if path == "/.well-known/openid-configuration":
            return {
                "issuer": self.url,
                "authorization_endpoint": f"{self.url}/authorize",
                "token_endpoint": f"{self.url}/token",
                "userinfo_endpoint": f"{self.url}/userinfo",
                "jwks_uri": f"{self.url}/keys",
            }
        if path == "/keys":
            return {"keys": [self.key.as_dict(private=False)]}
        if path == "/userinfo":
            sub = (authorization or "").removeprefix("Bearer of ")
            return {"sub": sub, "email": f"{sub}@elsewhere.example", "name": sub.title()}
        assert path == "/token", path
        asked, person = self.codes.pop(fields.get("code", ""), ({}, {}))  # each once
        digest = hashlib.sha256(fields.get("code_verifier", "").encode()).digest()
        is_same = base64.urlsafe_b64encode(digest).rstrip(b"=").decode() == asked.get("code_challenge")
        if not is_same or fields.get("redirect_uri") != asked["redirect_uri"]:
            return None
        token = {"access_token": f"of {person['sub']}", "token_type": "Bearer"}
        return {**token, **({"id_token": self.id_token(asked, person)} if self.is_openid else {})}

    def id_token(self, asked: dict[str, str], person: dict[str, Any]) -> str:
        now = int(time.time())
        about: dict[str, Any] = {"iss": self.url, "aud": CLIENT["client_id"], "iat": now, "exp": now + 60}
        if "nonce" in asked:
            about["nonce"] = asked["nonce"]
        return jwt.encode({"alg": "RS256", "kid": "1"}, {**about, **person, **self.claims}, self.key)

    def stop(self) -> None:
        self.ended.set()
        self.server.shutdown()
        self.server.server_close()
        self.thread.join()
