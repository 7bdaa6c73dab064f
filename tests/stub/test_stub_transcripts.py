"""The stub answers what NextAuth.js 3.29.10 and 4.24.15 and Auth.js 5 (@auth/core 0.41.3) answered to the same bytes.

They were asked by themselves, in Next.js 12 and 16, in Express on another base path, and behind a proxy with https.

The recorded cookies are used as they are: the stub reads sessions and CSRF tokens that the real servers made.
Where it differs on purpose is in ``DIFFERENT`` below, and in the table of server_stub/README.md.
"""

from __future__ import annotations

import base64
import json
import re
from collections.abc import Callable, Mapping
from email.utils import parsedate_to_datetime
from http.cookies import SimpleCookie
from pathlib import Path
from types import SimpleNamespace
from typing import Any
from urllib.parse import parse_qsl, unquote

import httpx
import pytest
from starlette.applications import Starlette

from server_stub import AuthApp, CredentialsSignin, MagicLinks, OIDCProvider, User, hash_password, jwt
from server_stub.dialects import DIALECTS
from server_stub.users import authenticate

RECORDED_AT = 1795424950  # 2026-11-23T09:09:10Z
TRANSCRIPTS = Path(__file__).parent / "transcripts"
ORIGINS = {
    "v3": "http://127.0.0.1:4300",
    "v4": "http://127.0.0.1:4400",
    "v5": "http://127.0.0.1:4501",
    "v3-next12-typeorm-sqlite": "http://127.0.0.1:4330",
    "v4-next16-approuter": "http://127.0.0.1:4401",
    "v5-next16": "http://localhost:4301",
    "v5-express-basepath-auth": "http://127.0.0.1:4502",
    "v3-https": "http://127.0.0.1:4300",
    "v4-https": "http://127.0.0.1:4400",
    "v5-https": "http://127.0.0.1:4501",
}
USERS = {
    "jsmith": User("42", "J Smith", "jsmith@example.com", hash_password("pw")),
    "big": User("43", "B" * 5000, "big@example.com", hash_password("x")),
}


# What the stub answers instead, by file, scenario and number of the exchange: a status, and how its text or URL starts.
DIFFERENT = {
    # 400, where the real ones fail with 500 or answer nothing
    r"v[34].*-callback-credentials-get-0": (400, "Error: Callback for provider type credentials not supported"),
    r"v[34].*-callbackurl-variants-credentials-2": (400, "Error: callbackUrl must be an absolute URL"),
    # a URL or cookie that cannot be used as callbackUrl counts as none, where the real ones fail
    r"v.*-callbackurl-query-and-cookie-1": (200, "<!DOCTYPE html>"),
    r"v[34].*-callbackurl-bad-cookie-0": (200, "{}"),
    r"v5.*-callbackurl-bad-cookie-0": (200, "null"),
    # whom a mail can go to is checked, where v3 takes what it gets
    r"v3.*-email-signin-invalid-[1-4]": (200, "/api/auth/error?error=EmailSignin"),
    # the base path alone is a folder, as everywhere in Starlette
    r"v.*-unknown-action-2": (307, "{base}/"),
    # what Next.js or Express answers before NextAuth.js is asked, or in the place of what that answers
    r"v4-next16.*-(cors-[12]|wrong-methods-[0139])": (400, "Error: This action with HTTP"),
    r"v5-next16.*-(cors-[12]|wrong-methods-[0139])": (400, '"Bad request."'),
    r"v4-next16.*-session-update-post-3": (400, "{}"),
    r"v[34]-next.*-misc-trailing-slash-forwarded-0": (200, "{}"),
    r"v5-(next|express).*-misc-trailing-slash-forwarded-0": (200, "null"),
    # forwarded headers count only when the proxy is trusted, and then each request has its own
    r"v5(-express.*)?-67-misc-trailing-slash-forwarded-1": (200, '{"csrfToken":'),
    r"v[345]-https-02-https-then-http-0": (200, '{"csrfToken":'),
}


def difference(id: str) -> str | None:
    """The pattern of `DIFFERENT` that an exchange has."""
    return next((pattern for pattern in DIFFERENT if re.fullmatch(pattern, id)), None)


def recorded(*names: str) -> dict[str, Any]:
    """The name of the file and the exchange, by file, scenario and number."""
    return {
        f"{name}-{scenario['name']}-{number}": (name, exchange)
        for name in names
        for scenario in json.loads((TRANSCRIPTS / f"{name}.json").read_text())
        for number, exchange in enumerate(scenario["exchanges"])
    }


RECORDED = recorded(*ORIGINS)


def authorize(credentials: Mapping[str, Any]) -> User | str | None:
    """As the recorded servers did it."""
    username, password = str(credentials.get("username")), str(credentials.get("password"))
    if username == "throw":
        raise RuntimeError("Custom failure")
    if username == "locked":
        raise CredentialsSignin("locked_out")
    return "/custom-page" if username == "reject-url" else authenticate(USERS, username, password)


def configured_like(name: str) -> AuthApp:
    """The stub, set as the recorded server was."""
    dialect = name.partition("-")[0]
    return AuthApp(
        dialect=dialect,
        users=USERS,
        secret=f"test-secret-{dialect}",
        authorize=authorize,
        magic_links=MagicLinks(),
        providers=[OIDCProvider("oidc", "Local oidc", "https://issuer.example", "me")],
        # The v5 server believed the proxy's scheme, but not its host.
        url="https://127.0.0.1:4501" if name == "v5-https" else None,
        trust_proxy=name in ("v3-https", "v4-https"),
    )


@pytest.mark.parametrize("id", [id for id in RECORDED if difference(id) is None])
def test_it_answers_like_the_real_server(id: str, connect: Callable[..., Any], monkeypatch: pytest.MonkeyPatch) -> None:
    name, exchange = RECORDED[id]
    auth = configured_like(name)
    if exchange["request"]["path"].endswith("/callback/email") and signs_in(exchange):
        query = dict(parse_qsl(exchange["request"]["query"]))
        connect(auth).run(auth.expect_link(query["token"], query["email"]))
    replay(exchange, connect, monkeypatch, auth, origin=ORIGINS[name])


@pytest.mark.parametrize("id", [id for id in RECORDED if difference(id) is not None])
def test_where_it_differs_it_answers_as_its_documentation_says(
    id: str, connect: Callable[..., Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    name, exchange = RECORDED[id]
    response = send(exchange, connect, monkeypatch, configured_like(name), ORIGINS[name])
    status, beginning = DIFFERENT[difference(id) or ""]
    assert response.status_code == status
    is_url = response.is_redirect or '"url"' in response.text
    said = url_in(response).removeprefix(ORIGINS[name]) if is_url else response.text
    assert said.startswith(beginning.replace("{base}", exchange["request"]["path"]))
    assert "set-cookie" not in response.headers or status == 200


def test_every_difference_is_one_of_a_recorded_exchange() -> None:
    assert {difference(id) for id in RECORDED} == {None, *DIFFERENT}


def url_in(response: httpx.Response) -> str:
    return str(response.headers["location"] if response.is_redirect else response.json()["url"])


@pytest.mark.parametrize("dialect", ["v3", "v4", "v5"])
def test_sessions_end_as_they_do_there(
    dialect: str, connect: Callable[..., Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    """The recorded sessions lived two seconds."""
    auth = AuthApp(dialect=dialect, users=USERS, secret=f"test-secret-{dialect}", session_max_age=2)
    for exchange in exchanges_of(f"{dialect}-expiry"):
        replay(exchange, connect, monkeypatch, auth, at=parsedate_to_datetime(exchange["at"]).timestamp())


@pytest.mark.parametrize("dialect", ["v3", "v4", "v5"])
def test_sessions_in_the_database_go_as_they_do_there(
    dialect: str, connect: Callable[..., Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    """From the mail to the sign-out, with a session token of its own in the place of the recorded one."""
    auth = AuthApp(
        dialect=dialect, users=USERS, secret=f"test-secret-{dialect}", magic_links=MagicLinks(), session="database"
    )
    session = f"{auth.dialect.cookie_prefix}session-token"
    own = ""
    expires = set()
    for exchange in exchanges_of(f"{dialect}-db"):
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
    scenarios = json.loads((TRANSCRIPTS / f"{name}.json").read_text())
    return [exchange for scenario in scenarios for exchange in scenario["exchanges"]]


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
    monkeypatch.setattr(jwt, "time", SimpleNamespace(time=lambda: at))
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
    """The same, compared with the recorded answer field by field."""
    response = send(exchange, connect, monkeypatch, auth, origin or ORIGINS[auth.dialect.name], at)
    expected = exchange["response"]
    assert response.status_code == expected["status"]
    assert cookies_of(response) == expected_cookies(exchange)
    for name, value in expected.get("headers", {}).items():
        actual = response.headers.get(name)
        if name == "content-type":
            if not response.content or (value.startswith("text/html") and "body" in expected):
                continue  # nothing, or a short text that is no HTML
            actual, value = actual.partition(";")[0], value.partition(";")[0]
        assert actual == value, name
    for name in ("cache-control", "location"):
        if "html" not in response.headers.get("content-type", ""):
            assert (name in response.headers) == (name in expected.get("headers", {})), name
    if "body" in expected:
        assert body_of(response) == without_changing_fields(expected["body"])
    return response


def expected_cookies(exchange: Any) -> list[Any]:
    """The recorded cookies; of those of a refused request only the deletions: v3 and v4 set some even then."""
    expected = exchange["response"]
    cookies = [comparable(cookie) for cookie in expected.get("cookies", [])]
    body = expected.get("body")
    url = str(body.get("url") if isinstance(body, dict) else expected.get("headers", {}).get("location"))
    refused = expected["status"] >= 400 or re.search(r"[?&](error=|csrf=true)", url)
    refused = refused or exchange["request"]["path"].endswith("/error")
    return [cookie for cookie in cookies if not (refused and cookie[1])]


def cookies_of(response: httpx.Response) -> list[Any]:
    found = []
    for header in response.headers.get_list("set-cookie"):
        (cookie,) = SimpleCookie(header).values()
        attributes = {"Path": cookie["path"], "SameSite": cookie["samesite"]}
        attributes |= {"HttpOnly": True} if cookie["httponly"] else {}
        attributes |= {"Secure": True} if cookie["secure"] else {}
        attributes |= {"Max-Age": cookie["max-age"]} if cookie["max-age"] else {}
        attributes |= {"Expires": "…"} if cookie["expires"] else {}
        found.append(comparable({"name": cookie.key, "value": cookie.coded_value, "attributes": attributes}))
    return found


def comparable(cookie: Any) -> Any:
    kept = "callback-url" in cookie["name"]
    value = unquote(cookie["value"]) if kept else bool(cookie["value"])
    return cookie["name"], value, cookie["attributes"]


def body_of(response: httpx.Response) -> Any:
    if response.headers.get("content-type", "").startswith("application/json"):
        return without_changing_fields(response.json())
    return response.text


def without_changing_fields(body: Any) -> Any:
    if not isinstance(body, dict):
        return body
    if "credentials" in body:
        return body["credentials"]  # the others have names that people chose
    return {key: value for key, value in body.items() if key not in ("csrfToken", "expires", "accessToken")}


@pytest.mark.parametrize("dialect", ["v3", "v4", "v5"])
def test_a_token_has_the_header_and_the_claims_of_a_real_one(dialect: str) -> None:
    exchanges = exchanges_of(dialect)
    headers = [exchange["request"].get("headers", {}).get("Cookie", "") for exchange in exchanges]
    cookies = [SimpleCookie(header) for header in headers]
    name = f"{DIALECTS[dialect].cookie_prefix}session-token"
    # Some were garbled for the recording.
    tokens = {cookie[name].value for cookie in cookies if name in cookie and cookie[name].value.count(".") > 1}
    formats, secret = DIALECTS[dialect].tokens, f"test-secret-{dialect}"
    read = {token: formats.decode(token, secret, name) for token in tokens}
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
