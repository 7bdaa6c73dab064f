"""Sign-in at a provider goes as NextAuth.js 3.29.10 and 4.24.15 and Auth.js 5 (@auth/core 0.41.3) were recorded.

Their states, nonces and codes are random, and their cookies are sealed: a flow is gone through with values of its
own, and compared with the recorded one field by field.
"""

from __future__ import annotations

import json
import time
from collections.abc import Callable
from http.cookies import SimpleCookie
from typing import Any
from urllib.parse import parse_qsl, urlencode, urlsplit

import httpx
import pytest
from joserfc import jwt
from joserfc.jwk import ECKey
from starlette.applications import Starlette

from server_stub import AuthApp, OIDCProvider, oidc
from tests.stub.providers import query_of
from tests.stub.test_stub_transcripts import ORIGINS, TRANSCRIPTS, body_of, cookies_of, expected_cookies

ISSUER = "http://127.0.0.1:4000"
RANDOM = {"state", "nonce", "code_challenge"}
# What a page may not choose, though v4 and v5 let it choose some of it, and v3 the rest.
PINNED = {"client_id", "redirect_uri", "response_type", "scope", "code_challenge_method"}

CLIENTS = {"v3": ("rp-post", "openid profile email"), "v4": ("rp-basic", "openid email profile")}
CLIENTS["v5"] = CLIENTS["v4"]


class Recorded:
    """The recorded exchanges of a dialect, and a stub that is to answer like it."""

    def __init__(self, dialect: str, connect: Callable[..., Any]) -> None:
        self.dialect = dialect
        self.key = ECKey.generate_key("P-256", {"kid": "1"})
        self.nonce = ""
        client_id, scope = CLIENTS[dialect]
        transport = oidc.httpx.MockTransport(self.provider)
        provider = OIDCProvider(
            "oidc", "Local oidc", ISSUER, client_id, "secret", scope, {"prompt": "consent"}, transport=transport
        )
        app = Starlette()
        app.mount("/api/auth", AuthApp(dialect=dialect, secret=f"test-secret-{dialect}", providers=[provider]))
        self.client = connect(app, base_url=ORIGINS[dialect])
        scenarios = json.loads((TRANSCRIPTS / f"{dialect}-oidc.json").read_text())
        self.scenarios = {scenario["name"].partition("-")[2]: scenario["exchanges"] for scenario in scenarios}

    def provider(self, request: Any) -> Any:
        """As much of the identity provider as the stub asks."""
        answers: dict[str, Any] = {
            "/.well-known/openid-configuration": {
                "issuer": ISSUER,
                "authorization_endpoint": f"{ISSUER}/auth",
                "token_endpoint": f"{ISSUER}/token",
                "jwks_uri": f"{ISSUER}/jwks",
                "id_token_signing_alg_values_supported": ["ES256"],
            },
            "/jwks": {"keys": [self.key.as_dict(private=False)]},
        }
        if request.url.path in answers:
            return oidc.httpx.Response(200, json=answers[request.url.path])
        if "code=bogus" in request.content.decode():
            return oidc.httpx.Response(400, json={"error": "invalid_grant"})
        claims = {
            **{"iss": ISSUER, "aud": CLIENTS[self.dialect][0], "sub": "alice", "nonce": self.nonce},
            **{"iat": int(time.time()), "exp": int(time.time()) + 60},
            **{"name": "Name of alice", "email": "alice@idp.example", "picture": f"{ISSUER}/pic/alice.png"},
        }
        token = jwt.encode({"alg": "ES256", "kid": "1"}, claims, self.key)
        return oidc.httpx.Response(200, json={"access_token": "a", "token_type": "Bearer", "id_token": token})

    def send(self, request: Any, *, query: str | None = None, cookies: str | None = None) -> httpx.Response:
        """The recorded request, perhaps with another query and other cookies."""
        headers = {**request.get("headers", {}), **({} if cookies is None else {"Cookie": cookies})}
        query = request.get("query", "") if query is None else query
        url = request["path"] + (f"?{query}" if query else "")
        answer = self.client.request(request["method"], url, headers=headers, content=request.get("body"))
        assert isinstance(answer, httpx.Response)
        self.client.cookies.clear()
        return answer

    def start(self, exchange: Any) -> tuple[httpx.Response, dict[str, str]]:
        """The answer, and the cookies that a browser has then."""
        answer = self.send(exchange["request"])
        cookies = SimpleCookie(exchange["request"]["headers"]["Cookie"])
        for header in answer.headers.get_list("set-cookie"):
            cookies.load(header)
        self.nonce = query_of(url_of(answer))["nonce"]
        return answer, {name: morsel.coded_value for name, morsel in cookies.items()}

    def come_back(self, started: Any, exchange: Any) -> httpx.Response:
        """Start as recorded; then send the recorded callback, with the state and the cookies of this flow."""
        answer, cookies = self.start(started)
        state = query_of(url_of(answer))["state"]
        query = dict(parse_qsl(exchange["request"]["query"]))
        return self.send(
            exchange["request"],
            query=urlencode({**query, "state": state}),
            cookies="; ".join(f"{name}={value}" for name, value in cookies.items()),
        )


@pytest.fixture(params=["v3", "v4", "v5"])
def recorded(request: pytest.FixtureRequest, connect: Callable[..., Any]) -> Recorded:
    return Recorded(request.param, connect)


def url_of(answer: Any) -> str:
    return str(answer.json()["url"] if "json" in answer.headers.get("content-type", "") else answer.headers["location"])


def recorded_url(response: Any) -> str:
    return str(response["body"]["url"] if response.get("body") else response["headers"]["location"])


def assert_same(answer: httpx.Response, exchange: Any) -> None:
    """Everything but the URL to go to."""
    expected = exchange["response"]
    assert answer.status_code == expected["status"]
    assert cookies_of(answer) == expected_cookies(exchange)
    for name in ("cache-control", "location"):
        assert (name in answer.headers) == (name in expected.get("headers", {})), name


@pytest.mark.parametrize("scenario", ["oidc-signin-returnjson", "oidc-signin-plain"])
def test_the_way_to_the_provider(recorded: Recorded, scenario: str) -> None:
    (exchange,) = recorded.scenarios[scenario]
    answer, _ = recorded.start(exchange)
    assert_same(answer, exchange)
    url, expected = url_of(answer), recorded_url(exchange["response"])
    assert urlsplit(url)._replace(query="") == urlsplit(expected)._replace(query="")
    asked, wanted = query_of(url), query_of(expected)
    # v3 has no nonce of its own.
    assert asked.keys() == wanted.keys() | {"nonce"}
    assert {key: value for key, value in asked.items() if key not in RANDOM} == {
        key: value for key, value in wanted.items() if key not in RANDOM
    }


def test_authorization_parameters_go_along_but_for_those_that_are_the_servers(recorded: Recorded) -> None:
    (exchange,) = recorded.scenarios["oidc-signin-extra-authorization-params"]
    (plain,) = recorded.scenarios["oidc-signin-returnjson"]
    answer, _ = recorded.start(exchange)
    assert_same(answer, exchange)
    asked, usual = query_of(url_of(answer)), query_of(recorded_url(plain["response"]))
    free = {
        key: value
        for key, value in query_of(recorded_url(exchange["response"])).items()
        if key not in PINNED and key not in RANDOM
    }
    assert {key: asked[key] for key in free} == free
    assert {key: asked[key] for key in PINNED} == {key: usual[key] for key in PINNED}
    assert not any(asked[key].startswith("HACK") for key in RANDOM)


def test_without_a_csrf_token_there_is_no_way(recorded: Recorded) -> None:
    for exchange in recorded.scenarios["oidc-signin-bad-csrf"]:
        answer = recorded.send(exchange["request"])
        assert_same(answer, exchange)
        assert url_of(answer) == recorded_url(exchange["response"])


def test_the_way_back_and_the_session(recorded: Recorded) -> None:
    started, back, session = recorded.scenarios["oidc-full-flow-oidc"]
    answer = recorded.come_back(started, back)
    assert_same(answer, back)
    assert answer.headers["location"] == back["response"]["headers"]["location"]
    tokens = [SimpleCookie(header) for header in answer.headers.get_list("set-cookie")]
    cookie = next(f"{name}={token[name].coded_value}" for token in tokens for name in token if "session" in name)
    known = "; ".join(pair for pair in session["request"]["headers"]["Cookie"].split("; ") if "session" not in pair)
    answer = recorded.send(session["request"], cookies=f"{known}; {cookie}")
    assert_same(answer, session)
    assert {**body_of(answer), "expires": "…"} == {**session["response"]["body"], "expires": "…"}


def test_without_the_cookies_there_is_no_way_back(recorded: Recorded) -> None:
    (exchange,) = recorded.scenarios["oidc-callback-without-cookies-oidc"]
    answer = recorded.send(exchange["request"])
    assert_same(answer, exchange)
    assert answer.headers["location"] == exchange["response"]["headers"]["location"]


def test_a_person_who_refuses(recorded: Recorded) -> None:
    started, back = recorded.scenarios["oidc-user-abort"]
    answer = recorded.come_back(started, back)
    assert_same(answer, back)
    assert answer.headers["location"] == back["response"]["headers"]["location"]


def test_a_code_that_the_provider_did_not_give(recorded: Recorded) -> None:
    (exchange,) = recorded.scenarios["oidc-bogus-code"]
    answer = recorded.come_back(recorded.scenarios["oidc-user-abort"][0], exchange)
    assert_same(answer, exchange)
    assert answer.headers["location"] == exchange["response"]["headers"]["location"]
