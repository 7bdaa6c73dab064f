"""Sign-in at a provider goes as it was recorded from real servers of NextAuth.js v3 and v4 and Auth.js v5.

Their states, nonces and codes are random, and their cookies are sealed: each way is gone through from its start, with
values of the stub's own in the place of the recorded ones, and compared field by field.
"""

from __future__ import annotations

import copy
import time
from collections.abc import Callable, Mapping
from http.cookies import SimpleCookie
from typing import Any
from urllib.parse import parse_qsl, urlencode, urlsplit

import httpx
import pytest
from joserfc import jwt
from joserfc.jwk import ECKey
from starlette.applications import Starlette

from server_stub import oidc
from tests.stub.providers import query_of
from tests.stub.test_stub_transcripts import configured_like
from tests.support.recordings import IN_FLOWS, NOT_REPLAYED, ORIGINS, compare, matching, url_in

ISSUER = "http://127.0.0.1:4000"
RANDOM = {"state", "nonce", "code_challenge"}
# What a page may not choose, though v4 and v5 let it choose some of it, and v3 the rest.
PINNED = {"client_id", "redirect_uri", "response_type", "scope", "code_challenge_method"}

CLIENTS = {"v3": ("rp-post", "openid profile email"), "v4": ("rp-basic", "openid email profile")}
CLIENTS["v5"] = CLIENTS["v4"]

# Each way: the file and the scenario, and the numbers and exchanges of it.
WAYS: dict[tuple[str, str], dict[str, Any]] = {}
for id, (file, exchange) in IN_FLOWS.items():
    WAYS.setdefault((file, id.removeprefix(f"{file}-").rpartition("-")[0].partition("-")[2]), {})[id] = exchange

# What has to be gone before: the account is known then, or the sign-in under way.
BEFORE = {"oidc-full-flow-account-not-linked": "oidc-full-flow-oidc", "oidc-bogus-code": "oidc-signin-returnjson"}


class Recorded:
    """A stub that is to answer like a recorded server, and the browser that asks it."""

    def __init__(self, name: str, connect: Callable[..., Any]) -> None:
        self.name = name
        self.dialect = name.partition("-")[0]
        self.key = ECKey.generate_key("P-256", {"kid": "1"})
        self.person = ""
        self.asked: Mapping[str, str] = {}  # what the provider was asked last
        self.cookies: dict[str, str] = {}  # those that the stub set, in the place of the recorded ones
        client_id, scope = CLIENTS[self.dialect]
        auth = configured_like(
            name,
            issuer=ISSUER,
            client_id=client_id,
            client_secret="secret",
            scope=scope,
            authorization={"prompt": "consent"},
            transport=oidc.httpx.MockTransport(self.provider),
        )
        app = Starlette()
        app.mount("/auth" if "basepath" in name else "/api/auth", auth)
        self.client = connect(app, base_url=ORIGINS[name])

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
            **{"iss": ISSUER, "aud": CLIENTS[self.dialect][0], "sub": self.person, "nonce": self.asked["nonce"]},
            **{"iat": int(time.time()), "exp": int(time.time()) + 60},
            **{"name": f"Name of {self.person}", "email": f"{self.person}@idp.example"},
            **{"picture": f"{ISSUER}/pic/{self.person}.png"},
        }
        token = jwt.encode({"alg": "ES256", "kid": "1"}, claims, self.key)
        return oidc.httpx.Response(200, json={"access_token": "a", "token_type": "Bearer", "id_token": token})

    def go(self, scenario: str) -> None:
        """All of a recorded way, each answer compared with the recorded one."""
        if scenario in BEFORE:
            self.go(BEFORE[scenario])
        if scenario != "oidc-bogus-code":
            self.cookies = {}
        for id, exchange in WAYS[self.name, scenario].items():
            if matching(NOT_REPLAYED, id):
                # Who signed in there is all that counts.
                self.person = dict(parse_qsl(exchange["request"].get("body", ""))).get("login", self.person)
                continue
            answer = self.send(exchange["request"])
            compare(answer, self.expected(scenario, exchange, answer))

    def send(self, request: Any) -> httpx.Response:
        headers = dict(request.get("headers", {}))
        if "Cookie" in headers:
            theirs = dict(pair.split("=", 1) for pair in headers["Cookie"].split("; "))
            headers["Cookie"] = "; ".join(f"{name}={value}" for name, value in {**theirs, **self.cookies}.items())
        query = request.get("query", "")
        if "/callback/" in request["path"] and self.asked:
            query = urlencode({**dict(parse_qsl(query)), "state": self.asked["state"]})
        url = request["path"] + (f"?{query}" if query else "")
        answer = self.client.request(request["method"], url, headers=headers, content=request.get("body"))
        assert isinstance(answer, httpx.Response)
        self.client.cookies.clear()
        for header in answer.headers.get_list("set-cookie"):
            for name, morsel in SimpleCookie(header).items():
                self.cookies[name] = morsel.coded_value
        self.cookies = {name: value for name, value in self.cookies.items() if value}
        return answer

    def expected(self, scenario: str, exchange: Any, answer: httpx.Response) -> Any:
        """The recorded exchange, with the stub's own values, and what it does on purpose otherwise."""
        expected = copy.deepcopy(exchange)
        response = expected["response"]
        if exchange["request"]["path"].endswith("/oidcstate"):
            response["cookies"] = self.cookies_with_pkce(exchange)
        theirs = str((response.get("body") or {}).get("url") or response.get("headers", {}).get("location"))
        if theirs.startswith(f"{ISSUER}/"):
            url = url_in(answer)
            self.asked = query_of(url)
            assert urlsplit(url)._replace(query="") == urlsplit(theirs)._replace(query="")
            assert {**self.asked, **dict.fromkeys(RANDOM)} == self.parameters(scenario, query_of(theirs))
            assert not any(self.asked[name].startswith("HACK") for name in RANDOM)
            if "url" in (response.get("body") or {}):
                response["body"]["url"] = url
            if "location" in response.get("headers", {}):
                response["headers"]["location"] = answer.headers["location"]
                assert answer.headers["location"] == url
        return expected

    def parameters(self, scenario: str, theirs: Mapping[str, str]) -> dict[str, str | None]:
        """What the stub asks instead: always with `state`, PKCE and a nonce, and what is pinned is the server's own."""
        if scenario == "oidc-signin-extra-authorization-params":
            (plain,) = WAYS[self.name, "oidc-signin-returnjson"].values()
            usual = query_of(plain["response"]["body"]["url"])
            theirs = {**theirs, **{name: usual[name] for name in PINNED}}
        return {**theirs, "code_challenge_method": "S256", **dict.fromkeys(RANDOM)}

    def cookies_with_pkce(self, exchange: Any) -> list[Any]:
        """At `oidcstate`, asked with `state` alone by the real servers: those of `oidc`, which they asked with all."""
        oidc = {
            other["request"]["path"].partition("/auth/")[2]: other["response"].get("cookies", [])
            for other in WAYS[self.name, "oidc-full-flow-oidc"].values()
        }
        cookies = exchange["response"].get("cookies", [])
        if not exchange["request"].get("headers") or (self.dialect == "v5" and not cookies):
            return list(cookies)  # nothing was under way, or it goes on
        with_pkce = oidc[exchange["request"]["path"].partition("/auth/")[2].replace("oidcstate", "oidc")]
        signed_in = any("session-token" in cookie["name"] for cookie in cookies)
        return [cookie for cookie in with_pkce if signed_in or "session-token" not in cookie["name"]]


@pytest.mark.parametrize(("name", "scenario"), WAYS, ids=str)
def test_a_sign_in_at_a_provider_goes_as_recorded(name: str, scenario: str, connect: Callable[..., Any]) -> None:
    Recorded(name, connect).go(scenario)
