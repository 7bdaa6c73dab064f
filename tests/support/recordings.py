"""What real NextAuth.js 3.29.10 and 4.24.15 and Auth.js 5 (@auth/core 0.41.3) servers answered; where the stub differs.

Each file of ``transcripts`` is one server: alone, in Next.js 12 or 16, in Express on another base path, behind a proxy
with https, with sessions in a database, or with sessions of two seconds. An exchange has an id, such as
``v4-39-oidc-signin-returnjson-0``: the file, the scenario and the number in it.
"""

from __future__ import annotations

import json
import re
import time
from collections.abc import Iterable
from email.utils import parsedate_to_datetime
from http.cookies import Morsel, SimpleCookie
from typing import Any
from urllib.parse import unquote

import httpx

from scripts.steps import ROOT
from tests.support import PATIENCE

LIFETIMES = [2, 15 * 60, 30 * 24 * 3600]  # seconds, of what the recorded cookies keep

TRANSCRIPTS = ROOT / "tests" / "stub" / "transcripts"

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

# What the stub answers instead: which rows of the table in server_stub/README.md say so, a status, and how its text or
# URL starts.
DIFFERENT = {
    r"v[34].*-callback-credentials-get-0": (
        "`callbackUrl=rel` in a body, `GET /callback/credentials`",
        400,
        "Error: Callback for provider type credentials not supported",
    ),
    r"v[34].*-callbackurl-variants-credentials-2": (
        "`callbackUrl=rel` in a body, `GET /callback/credentials`",
        400,
        "Error: callbackUrl must be an absolute URL",
    ),
    r"v.*-callbackurl-query-and-cookie-1": (
        "`callbackUrl=javascript:…` in a query, a callback-url cookie that is no URL",
        200,
        "<!DOCTYPE html>",
    ),
    r"v[34].*-callbackurl-bad-cookie-0": (
        "`callbackUrl=javascript:…` in a query, a callback-url cookie that is no URL",
        200,
        "{}",
    ),
    r"v5.*-callbackurl-bad-cookie-0": (
        "`callbackUrl=javascript:…` in a query, a callback-url cookie that is no URL",
        200,
        "null",
    ),
    r"v3.*-email-signin-invalid-[1-4]": (
        "An address with two `@`, without one, or with quotes",
        200,
        "/api/auth/error?error=EmailSignin",
    ),
    r"v.*-unknown-action-2": ("The base path alone", 307, "{base}/"),
    r"v4-next16.*-(cors-[12]|wrong-methods-[0139])": (
        "PUT, PATCH, DELETE and OPTIONS in Next.js 16's app router",
        400,
        "Error: This action with HTTP",
    ),
    r"v5-next16.*-(cors-[12]|wrong-methods-[0139])": (
        "PUT, PATCH, DELETE and OPTIONS in Next.js 16's app router",
        400,
        '"Bad request."',
    ),
    r"v4-next16.*-session-update-post-3": ("`update()` with a bad CSRF token in that router, v4", 400, "{}"),
    r"v[34]-next.*-misc-trailing-slash-forwarded-0": ("A slash after the action", 200, "{}"),
    r"v5-(next|express).*-misc-trailing-slash-forwarded-0": ("A slash after the action", 200, "null"),
    r"v5(-express.*)?-67-misc-trailing-slash-forwarded-1": (
        "`X-Forwarded-Proto` and `X-Forwarded-Host` without `--trust-proxy`",
        200,
        '{"csrfToken":',
    ),
    r"v[345]-https-02-https-then-http-0": (
        "A second request by http to a server that was asked by https",
        200,
        '{"csrfToken":',
    ),
}

# Not replayed, with the reason, which server_stub/README.md gives too.
NOT_REPLAYED = {
    r"v[345].*-oidc-full-flow-(oidc|oidcstate|account-not-linked)-[1-7]|v[345].*-oidc-user-abort-[1-4]": (
        "the identity provider's own pages: another server's, which no client of `/api/auth` asks"
    ),
}

# A sign-in at a provider: its states, nonces and codes are random, so that the whole way has to be gone.
_FLOW = r"v.*-oidc-.*|v[345]-https-01-https-cookies-4"


def recorded(names: Iterable[str]) -> dict[str, tuple[str, Any]]:
    """The name of the file and the exchange, by id."""
    return {
        f"{name}-{scenario['name']}-{number}": (name, exchange)
        for name in names
        for scenario in json.loads((TRANSCRIPTS / f"{name}.json").read_text())
        for number, exchange in enumerate(scenario["exchanges"])
    }


def matching(patterns: Iterable[str], id: str) -> str | None:
    """The pattern that an exchange has."""
    return next((pattern for pattern in patterns if re.fullmatch(pattern, id)), None)


RECORDED = recorded(sorted(file.stem for file in TRANSCRIPTS.glob("*.json")))

IN_FLOWS = {id: found for id, found in RECORDED.items() if re.fullmatch(_FLOW, id)}
EXPIRING = {id: found for id, found in RECORDED.items() if found[0].endswith("-expiry")}
IN_DATABASE = {id: found for id, found in RECORDED.items() if found[0].endswith("-db")}
ALONE = {id: found for id, found in RECORDED.items() if id not in {**IN_FLOWS, **EXPIRING, **IN_DATABASE}}


def files_of(exchanges: dict[str, tuple[str, Any]]) -> list[str]:
    return sorted({name for name, _ in exchanges.values()})


def compare(response: httpx.Response, exchange: Any) -> None:
    """The stub's answer with the recorded one, field by field."""
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
        assert body_of(response) == without_changing_values(expected["body"])


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
        attributes |= {"Expires": from_now_on(cookie)} if cookie["expires"] else {}
        found.append(comparable({"name": cookie.key, "value": cookie.coded_value, "attributes": attributes}))
    return found


def from_now_on(cookie: Morsel[str]) -> str:
    """When a cookie ends, as the recordings tell it: how many seconds after it was set, which was just now."""
    seconds = parsedate_to_datetime(cookie["expires"]).timestamp() - time.time()
    lifetimes = LIFETIMES if cookie.coded_value else [0]
    found = [lifetime for lifetime in lifetimes if lifetime - PATIENCE < seconds <= lifetime]
    return f"+{found[0] if found else seconds} s"


def comparable(cookie: Any) -> Any:
    kept = "callback-url" in cookie["name"]
    value = unquote(cookie["value"]) if kept else bool(cookie["value"])
    return cookie["name"], value, cookie["attributes"]


def body_of(response: httpx.Response) -> Any:
    if response.headers.get("content-type", "").startswith("application/json"):
        return without_changing_values(response.json())
    return response.text


def without_changing_values(body: Any) -> Any:
    """Of what is another value each time, its form: `0000-00-00T00:00:00.000Z`."""
    if not isinstance(body, dict):
        return body
    changing = {"csrfToken", "expires", "accessToken"}
    return {key: re.sub("[0-9a-f]", "0", value) if key in changing else value for key, value in body.items()}


def url_in(response: httpx.Response) -> str:
    return str(response.headers["location"] if response.is_redirect else response.json()["url"])
