"""The stub answers what real servers of NextAuth.js v3 and v4 and Auth.js v5 answered to the same bytes.

The recorded cookies are used as they are: the stub reads sessions and CSRF tokens that the real servers made.
Where it differs on purpose is in ``DIFFERENT`` of ``recordings.py``, and in the table of server_stub/README.md.
"""

from __future__ import annotations

import base64
import json
import re
from collections.abc import Callable, Mapping
from email.utils import parsedate_to_datetime
from http.cookies import SimpleCookie
from types import SimpleNamespace
from typing import Any
from urllib.parse import parse_qsl

import httpx
import pytest
from nextauth_server import tokens
from starlette.applications import Starlette

from server_stub import AuthApp, CredentialsSignin, MagicLinks, OIDCProvider, User, hash_password
from server_stub.dialects import DIALECTS
from server_stub.users import authenticate
from tests.support.recordings import (
    ALONE,
    DIFFERENT,
    EXPIRING,
    IN_DATABASE,
    ORIGINS,
    compare,
    files_of,
    matching,
    recorded,
    url_in,
)

RECORDED_AT = 1795424950  # 2026-11-23T09:09:10Z
USERS = {
    "jsmith": User("42", "J Smith", "jsmith@example.com", hash_password("pw")),
    "big": User("43", "B" * 5000, "big@example.com", hash_password("x")),
}


def authorize(credentials: Mapping[str, Any]) -> User | str | None:
    """As the recorded servers did it."""
    username, password = str(credentials.get("username")), str(credentials.get("password"))
    if username == "throw":
        raise RuntimeError("Custom failure")
    if username == "locked":
        raise CredentialsSignin("locked_out")
    return "/custom-page" if username == "reject-url" else authenticate(USERS, username, password)


def configured_like(name: str, **provider: Any) -> AuthApp:
    """The stub, set as the recorded server was; ``provider`` is more about its two OpenID providers."""
    dialect = name.partition("-")[0]
    auth = AuthApp(
        dialect=dialect,
        users=USERS,
        secret=f"test-secret-{dialect}",
        authorize=authorize,
        magic_links=MagicLinks(),
        providers=[
            OIDCProvider(**{"issuer": "https://issuer.example", "client_id": "me", **provider, "id": id, "name": name})
            for id, name in (("oidc", "Local oidc"), ("oidcstate", "Local oidcstate"))
        ],
        # The v5 server believed the proxy's scheme, but not its host.
        url="https://127.0.0.1:4501" if name == "v5-https" else None,
        trust_proxy=name in ("v3-https", "v4-https"),
    )
    # Some of the recorded requests came through a proxy, and the secret of the recorded servers is a short one.
    auth.can_be_forged = False
    return auth


@pytest.mark.parametrize("id", [id for id in ALONE if matching(DIFFERENT, id) is None])
def test_it_answers_like_the_real_server(id: str, connect: Callable[..., Any], monkeypatch: pytest.MonkeyPatch) -> None:
    name, exchange = ALONE[id]
    auth = configured_like(name)
    if exchange["request"]["path"].endswith("/callback/email") and signs_in(exchange):
        query = dict(parse_qsl(exchange["request"]["query"]))
        connect(auth).run(auth.expect_link(query["token"], query["email"]))
    replay(exchange, connect, monkeypatch, auth, origin=ORIGINS[name])


@pytest.mark.parametrize("id", [id for id in ALONE if matching(DIFFERENT, id) is not None])
def test_where_it_differs_it_answers_as_its_documentation_says(
    id: str, connect: Callable[..., Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    name, exchange = ALONE[id]
    response = send(exchange, connect, monkeypatch, configured_like(name), ORIGINS[name])
    _, status, beginning = DIFFERENT[matching(DIFFERENT, id) or ""]
    assert response.status_code == status
    is_url = response.is_redirect or '"url"' in response.text
    said = url_in(response).removeprefix(ORIGINS[name]) if is_url else response.text
    assert said.startswith(beginning.replace("{base}", exchange["request"]["path"]))
    assert "set-cookie" not in response.headers or status == 200


@pytest.mark.parametrize("name", files_of(EXPIRING))
def test_sessions_end_as_they_do_there(name: str, connect: Callable[..., Any], monkeypatch: pytest.MonkeyPatch) -> None:
    """The recorded sessions lived two seconds."""
    dialect = name.partition("-")[0]
    auth = AuthApp(dialect=dialect, users=USERS, secret=f"test-secret-{dialect}", session_max_age=2)
    for exchange in exchanges_of(name):
        replay(exchange, connect, monkeypatch, auth, at=parsedate_to_datetime(exchange["at"]).timestamp())


@pytest.mark.parametrize("name", files_of(IN_DATABASE))
def test_sessions_in_the_database_go_as_they_do_there(
    name: str, connect: Callable[..., Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    """From the mail to the sign-out, with a session token of its own in the place of the recorded one."""
    dialect = name.partition("-")[0]
    auth = AuthApp(
        dialect=dialect, users=USERS, secret=f"test-secret-{dialect}", magic_links=MagicLinks(), session="database"
    )
    session = f"{auth.dialect.cookie_prefix}session-token"
    own = ""
    expires = set()
    for exchange in exchanges_of(name):
        request = exchange["request"]
        request["headers"]["Cookie"] = re.sub(rf"(?<={session}=)[0-9a-f-]{{36,}}", own, request["headers"]["Cookie"])
        if request["path"].endswith("/callback/email"):
            query = dict(parse_qsl(request["query"]))
            connect(auth).run(auth.expect_link(query["token"], query["email"]))
        response = replay(exchange, connect, monkeypatch, auth)
        if "user" in response.text:
            # A session is not renewed before it is a day old.
            expires.add(response.json()["expires"])
            assert response.json().keys() == exchange["response"]["body"].keys()
        for header in response.headers.get_list("set-cookie"):
            own = own or (SimpleCookie(header)[session].value if header.startswith(session) else "")
    assert re.fullmatch(r"[0-9a-f]{64}" if dialect == "v3" else r"[0-9a-f-]{36}", own)
    assert len(expires) == 1


def exchanges_of(name: str) -> list[Any]:
    return [exchange for _, exchange in recorded([name]).values()]


def signs_in(exchange: Any) -> bool:
    return any("session-token" in cookie["name"] for cookie in exchange["response"].get("cookies", []))


def send(
    exchange: Any,
    connect: Callable[..., Any],
    monkeypatch: pytest.MonkeyPatch,
    auth: AuthApp,
    origin: str,
    at: float = RECORDED_AT,
) -> httpx.Response:
    """The stub's answer to a recorded request."""
    request = exchange["request"]
    app = Starlette()
    app.mount("/api/auth" if request["path"].startswith("/api") else "/auth", auth)
    monkeypatch.setattr(tokens, "time", SimpleNamespace(time=lambda: at))
    response = connect(app, base_url=origin).request(
        request["method"],
        request["path"] + ("?" + request["query"] if "query" in request else ""),
        headers=request.get("headers", {}),
        content=request.get("body"),
    )
    assert isinstance(response, httpx.Response)
    return response


def replay(
    exchange: Any,
    connect: Callable[..., Any],
    monkeypatch: pytest.MonkeyPatch,
    auth: AuthApp,
    origin: str | None = None,
    at: float = RECORDED_AT,
) -> httpx.Response:
    """The same, compared with the recorded answer."""
    response = send(exchange, connect, monkeypatch, auth, origin or ORIGINS[auth.dialect.name], at)
    compare(response, exchange)
    return response


@pytest.mark.parametrize("dialect", ["v3", "v4", "v5"])
def test_a_token_has_the_header_and_the_claims_of_a_real_one(dialect: str) -> None:
    exchanges = exchanges_of(dialect)
    headers = [exchange["request"].get("headers", {}).get("Cookie", "") for exchange in exchanges]
    cookies = [SimpleCookie(header) for header in headers]
    name = f"{DIALECTS[dialect].cookie_prefix}session-token"
    # Some were garbled for the recording.
    values = {cookie[name].value for cookie in cookies if name in cookie and cookie[name].value.count(".") > 1}
    formats, secret = DIALECTS[dialect].tokens, f"test-secret-{dialect}"
    read = {token: formats.decode(token, secret, name) for token in values}
    real = {token: claims for token, claims in read.items() if claims is not None}
    assert real
    for token, claims in real.items():
        own = formats.encode(claims, secret, 60, name)
        assert header_of(own) == header_of(token)
        assert (formats.decode(own, secret, name) or {}).keys() == claims.keys()
        assert formats.decode(own, "another secret", name) is None
    assert DIALECTS["v5"].tokens.decode(own, secret, "another-name") is None


def header_of(token: str) -> Any:
    header = token.partition(".")[0]
    return json.loads(base64.urlsafe_b64decode(header + "=" * (-len(header) % 4)))
