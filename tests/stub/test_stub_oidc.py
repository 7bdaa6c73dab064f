"""Signing in at the built-in identity provider: the flow, its cookies, and everything that must be refused."""

from __future__ import annotations

import asyncio
import gzip
import logging
import time
from collections.abc import Callable
from dataclasses import replace
from http.cookies import SimpleCookie
from pathlib import Path
from types import SimpleNamespace
from typing import Any
from urllib.parse import urlencode, urlsplit

import pytest
from fastapi import FastAPI
from joserfc import jwt as jose
from joserfc.jwk import ECKey, OctKey
from nextauth_server import tokens
from starlette.applications import Starlette

from server_stub import AuthApp, Database, DevIdentityProvider, OIDCProvider, create_app, identity_provider, oidc
from server_stub.auth import DEVELOPMENT_SECRET
from server_stub.dialects import DIALECTS
from server_stub.exchange import MAX_BODY
from server_stub.users import DEMO_USERS
from tests.stub.providers import FORM, RETURN_JSON, decide, query_of, sign_in, start
from tests.stub.strangers import OF_A_PROXY, SECRET

ORIGIN = "http://127.0.0.1:4400"
CALLBACK = f"{ORIGIN}/api/auth/callback/dev-idp"


@pytest.fixture
def client(connect: Callable[..., Any], tmp_path: Path) -> Any:
    return connect(create_app(tmp_path, dev_idp=True, dev_controls=True))


def cookie_names(response: Any) -> list[str]:
    headers = response.headers.get_list("set-cookie")
    return [name for header in headers for name in SimpleCookie(header)]


# What a person does


def test_a_person_picks_a_demo_user_and_is_signed_in(client: Any) -> None:
    url = start(client, callbackUrl="/after#part")
    page = client.get(url)
    assert page.status_code == 200
    assert "Ada Lovelace" in page.text
    assert "default-src 'none'" in page.headers["content-security-policy"]
    answer = client.get(decide(client, url, user="ada"))
    assert (answer.status_code, answer.headers["location"]) == (302, f"{ORIGIN}/after#part")
    assert client.session()["user"] == {
        "name": "Ada Lovelace",
        "email": "ada@example.com",
        "image": f"{ORIGIN}/api/auth/assets/ada.svg",
    }


def test_a_person_types_another_user(client: Any) -> None:
    assert sign_in(client, name="Grace Hopper", email="Grace@Example.com").headers["location"] == f"{ORIGIN}/after"
    assert client.session()["user"] == {"name": "Grace Hopper", "email": "grace@example.com", "image": None}


def test_a_demo_user_is_the_same_user_with_a_password_and_without(connect: Callable[..., Any]) -> None:
    idp = DevIdentityProvider(DEMO_USERS)

    def with_id(session: dict[str, Any], claims: dict[str, Any]) -> dict[str, Any]:
        return {**session, "id": claims["sub"]}

    app = Starlette()
    app.mount("/dev/idp", idp)
    app.mount("/api/auth", AuthApp(providers=[idp.provider], session_callback=with_id))
    for _ in range(2):
        client = connect(app)
        sign_in(client, user="alan")
        assert client.session()["id"] == "2"
    client = connect(app)
    client.sign_in("alan", "turing")
    assert client.session()["id"] == "2"


@pytest.mark.parametrize(
    ("dialect", "url"),
    [
        ("v3", f"{ORIGIN}/api/auth/error?error=Callback"),
        ("v4", f"{ORIGIN}/api/auth/error?error=Callback"),
        ("v5", f"{ORIGIN}/api/auth/signin?error=OAuthCallbackError"),
    ],
)
def test_a_person_refuses(connect: Callable[..., Any], tmp_path: Path, dialect: str, url: str) -> None:
    client = connect(create_app(tmp_path, dialect=dialect, dev_idp=True))
    back = decide(client, start(client), "refuse", user="ada")
    assert query_of(back)["error"] == "access_denied"
    answer = client.get(back)
    assert (answer.status_code, answer.headers["location"]) == (302, url)
    assert not client.session()
    assert client.get(client.get(url).headers.get("location", url)).text.count('role="alert"') == 1


def test_nobody_picked_asks_again(client: Any) -> None:
    url = start(client)
    for choice in ({}, {"email": "bob"}, {"user": "nobody"}):
        answer = client.post(url, content=urlencode({**choice, "decision": "allow"}), headers=FORM)
        assert answer.status_code == 400
        assert 'role="alert"' in answer.text


def test_the_page_suggests_whom_the_site_asks_for(client: Any) -> None:
    page = client.get(start(client, query="?login_hint=alan%40example.com")).text
    assert 'value="alan" checked' in page
    page = client.get(start(client, query="?login_hint=%3Cbob%3E")).text
    assert 'value="&lt;bob&gt;"' in page


def test_the_sign_in_page_has_a_button_for_it(client: Any) -> None:
    page = client.get("/api/auth/signin").text
    assert 'action="/api/auth/signin/dev-idp"' in page
    assert "Sign in with Development ID" in page


@pytest.mark.parametrize(("dialect", "type"), [("v3", "oauth"), ("v4", "oauth"), ("v5", "oidc")])
def test_providers_name_it(connect: Callable[..., Any], tmp_path: Path, dialect: str, type: str) -> None:
    client = connect(create_app(tmp_path, dialect=dialect, dev_idp=True))
    assert client.get("/api/auth/providers").json()["dev-idp"] == {
        "id": "dev-idp",
        "name": "Development ID",
        "type": type,
        "signinUrl": f"{ORIGIN}/api/auth/signin/dev-idp",
        "callbackUrl": CALLBACK,
    }


def test_requests_to_it_are_in_the_log_and_not_for_the_controls(client: Any) -> None:
    sign_in(client, user="ada")
    assert "/dev/idp/authorize" in [entry["path"] for entry in client.get("/dev/log").json()]


def test_no_secret_of_a_sign_in_is_logged(client: Any, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.DEBUG)
    url = start(client)
    back = decide(client, url, user="ada")
    client.get(back)
    client.get(back)
    # The test's own client logs the URLs that a browser has.
    logged = "\n".join(record.getMessage() for record in caplog.records if record.name != "httpx")
    assert "Authenticate server_stub" in logged
    private = [*map(query_of(url).get, ("state", "nonce")), query_of(back)["code"], *client.cookies.values()]
    for text in (*private, "code_verifier", "access_token", "id_token"):
        assert text not in logged


def test_it_all_mounts_in_a_fastapi_app_of_ones_own(connect: Callable[..., Any]) -> None:
    app = FastAPI()
    idp = DevIdentityProvider(DEMO_USERS, base_path="/auth")
    app.mount("/dev/idp", idp)
    app.mount("/auth", AuthApp(providers=[idp.provider], session="database"))
    client = connect(app)
    content = urlencode({"csrfToken": client.get("/auth/csrf").json()["csrfToken"], "callbackUrl": "/inside"})
    answer = client.post("/auth/signin/dev-idp", content=content, headers=FORM)
    back = decide(client, answer.headers["location"], user="ada")
    assert back.startswith(f"{ORIGIN}/auth/callback/dev-idp?")
    assert client.get(back).headers["location"] == f"{ORIGIN}/inside"
    user = client.get("/auth/session").json()["user"]
    assert (user["name"], user["image"]) == ("Ada Lovelace", f"{ORIGIN}/auth/assets/ada.svg")


# Authorization parameters


def test_s18_authorization_parameters_arrive_but_for_the_servers_own(client: Any) -> None:
    free = {"login_hint": "bob", "prompt": "login", "custom": "a b&c", "self": "x", "url": "y", "client": "z"}
    pinned = {
        "redirect_uri": "https://evil.example/cb",
        "scope": "openid",
        "state": "HACK",
        "client_id": "HACK",
        "response_type": "token",
        "response_mode": "fragment",
        "request": "HACK",
        "request_uri": "https://evil.example/",
        "nonce": "HACK",
        "code_challenge": "HACK",
        "code_challenge_method": "plain",
    }
    url = start(client, query="?" + urlencode({**free, **pinned}))
    arrived = query_of(url)
    assert {name: arrived.get(name) for name in free} == free
    assert [name for name, value in pinned.items() if arrived.get(name) == value] == []
    assert (arrived["redirect_uri"], arrived["scope"]) == (CALLBACK, "openid profile email")
    assert arrived["code_challenge_method"] == "S256"
    client.get(decide(client, url, user="ada"))
    assert client.session()["user"]["name"] == "Ada Lovelace"


# Login CSRF and tampering


@pytest.mark.parametrize("dialect", ["v3", "v4", "v5"])
def test_another_browser_cannot_be_signed_in_with_ones_own_code(
    connect: Callable[..., Any], tmp_path: Path, dialect: str
) -> None:
    app = create_app(tmp_path, dialect=dialect, dev_idp=True)
    attacker, victim = connect(app), connect(app)
    back = decide(attacker, start(attacker), user="ada")
    error = "Configuration" if dialect == "v5" else "OAuthCallback"
    assert victim.get(back).headers["location"] == f"{ORIGIN}/api/auth/error?error={error}"
    # Nor while the victim signs in itself.
    start(victim)
    assert "error=" in victim.get(back).headers["location"]
    assert not victim.session()


@pytest.mark.parametrize("name", ["next-auth.state", "next-auth.pkce.code_verifier", "next-auth.nonce"])
def test_each_cookie_of_the_flow_is_needed_whole_and_of_the_same_sign_in(client: Any, name: str) -> None:
    back = decide(client, start(client), user="ada")
    kept = {cookie.name: cookie.value or "" for cookie in client.cookies.jar}
    start(client)
    others = {cookie.name: cookie.value or "" for cookie in client.cookies.jar}
    client.cookies.clear()
    for bad in ("", kept[name][:-4] + "AAAA", others[name]):
        header = "; ".join(f"{key}={value}" for key, value in {**kept, name: bad}.items())
        answer = client.get(back, headers={"Cookie": header})
        assert answer.headers["location"] == f"{ORIGIN}/api/auth/error?error=OAuthCallback"
        assert not any("session-token" in cookie for cookie in cookie_names(answer))


def test_a_cookie_of_the_flow_is_no_session(client: Any) -> None:
    start(client)
    for name in ("state", "pkce.code_verifier", "nonce"):
        value = client.cookies[f"next-auth.{name}"]
        assert client.get("/api/auth/session", headers={"Cookie": f"next-auth.session-token={value}"}).json() == {}


@pytest.mark.parametrize("purpose", ["{}", "server_stub sign-in under way: {}"])
def test_what_another_server_with_the_same_secret_sealed_is_no_flow(client: Any, purpose: str) -> None:
    names = [f"next-auth.{name}" for name in ("state", "pkce.code_verifier", "nonce")]
    sealed = {
        name: tokens.V5Tokens().encode({"value": "x", "provider": 5}, DEVELOPMENT_SECRET, 60, purpose.format(name))
        for name in names
    }
    header = "; ".join(f"{name}={value}" for name, value in sealed.items())
    answer = client.get("/api/auth/callback/dev-idp?code=x&state=x", headers={"Cookie": header})
    assert answer.headers["location"] == f"{ORIGIN}/api/auth/error?error=OAuthCallback"


def test_a_flow_cannot_be_finished_after_a_quarter_of_an_hour(client: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    start_time = time.time()
    back = decide(client, start(client), user="ada")
    monkeypatch.setattr("nextauth_server.tokens.time", SimpleNamespace(time=lambda: start_time + 16 * 60))
    assert client.get(back).headers["location"].endswith("error=OAuthCallback")


def test_a_code_works_once(client: Any) -> None:
    url = start(client)
    kept = {cookie.name: cookie.value or "" for cookie in client.cookies.jar}
    back = decide(client, url, user="ada")
    assert client.get(back).headers["location"] == ORIGIN
    client.submit("/api/auth/signout")
    client.cookies.clear()
    header = "; ".join(f"{key}={value}" for key, value in kept.items())
    assert client.get(back, headers={"Cookie": header}).headers["location"].endswith("error=OAuthCallback")


def test_a_code_is_good_for_a_minute(client: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(identity_provider, "CODE_LIFETIME", -1)
    assert sign_in(client, user="ada").headers["location"].endswith("error=OAuthCallback")


def test_another_issuers_answer_is_refused(client: Any) -> None:
    back = decide(client, start(client), user="ada")
    assert client.get(f"{back}&iss=https%3A%2F%2Fevil.example").headers["location"].endswith("error=OAuthCallback")
    back = decide(client, start(client), user="ada")
    assert client.get(f"{back}&iss={ORIGIN}/dev/idp").headers["location"] == ORIGIN


def test_a_bad_csrf_token_starts_nothing(client: Any) -> None:
    answer = client.submit("/api/auth/signin/dev-idp", csrfToken="bad")
    assert answer.json() == {"url": f"{ORIGIN}/api/auth/signin?csrf=true"}
    assert not any("state" in name for name in cookie_names(answer))


@pytest.mark.parametrize("callback_url", ["https://evil.example/", "javascript:alert(1)"])
def test_a_sign_in_never_ends_elsewhere(client: Any, callback_url: str) -> None:
    assert sign_in(client, callback_url=callback_url, user="ada").headers["location"] == ORIGIN


def test_on_https_the_cookies_of_the_flow_are_secure(connect: Callable[..., Any]) -> None:
    idp = DevIdentityProvider(DEMO_USERS)
    app = Starlette()
    app.mount("/dev/idp", idp)
    app.mount("/api/auth", AuthApp(providers=[idp.provider]))
    client = connect(app, base_url="https://localhost")
    assert sign_in(client, user="ada").headers["location"] == "https://localhost/after"
    client = connect(app, base_url="https://localhost")
    answer = client.submit("/api/auth/signin/dev-idp")
    cookies = [header for header in answer.headers.get_list("set-cookie") if "-next-auth." in header]
    assert [header.partition("=")[0] for header in cookies] == [
        f"__Secure-next-auth.{name}" for name in ("state", "pkce.code_verifier", "nonce")
    ]
    assert all("; HttpOnly; Secure; SameSite=Lax" in header for header in cookies)


@pytest.mark.parametrize("dialect", ["v3", "v4", "v5"])
def test_the_page_never_sees_a_token(connect: Callable[..., Any], tmp_path: Path, dialect: str) -> None:
    client = connect(create_app(tmp_path, dialect=dialect, dev_idp=True))
    sign_in(client, user="ada")
    assert client.session().keys() == {"user", "expires"}


# The identity provider itself


def authorize(client: Any, **changes: str | None) -> Any:
    asked = query_of(start(client))
    asked = {name: value for name, value in {**asked, **changes}.items() if value is not None}
    return client.get("/dev/idp/authorize?" + urlencode(asked))


@pytest.mark.parametrize(
    "changes",
    [
        {"redirect_uri": "https://evil.example/api/auth/callback/dev-idp"},
        {"redirect_uri": f"{CALLBACK}/../../../evil"},
        {"redirect_uri": f"{CALLBACK}?x"},
        {"redirect_uri": None},
        {"client_id": "another"},
        {"client_id": None},
    ],
)
def test_it_sends_nobody_to_a_place_that_is_not_the_clients(client: Any, changes: Any) -> None:
    answer = authorize(client, **changes)
    assert answer.status_code == 400
    assert "location" not in answer.headers


@pytest.mark.parametrize(
    "changes",
    [
        {"code_challenge": None},
        {"code_challenge_method": "plain"},
        {"code_challenge_method": None},
        {"nonce": None},
        {"response_type": "token"},
        {"prompt": "none"},
    ],
)
def test_it_tells_the_client_what_is_wrong(client: Any, changes: Any) -> None:
    answer = authorize(client, **changes)
    assert answer.status_code == 303
    assert answer.headers["location"].startswith(f"{CALLBACK}?error=")
    assert query_of(answer.headers["location"])["state"]


def test_another_site_cannot_decide_for_a_person(client: Any) -> None:
    content = urlencode({"user": "ada", "decision": "allow"})
    for headers in ({"Origin": "https://evil.example"}, {"Sec-Fetch-Site": "cross-site"}):
        answer = client.post(start(client), content=content, headers={**FORM, **headers})
        assert (answer.status_code, "location" in answer.headers) == (403, False)


@pytest.mark.parametrize("path", ["authorize", ".well-known/openid-configuration", "jwks"])
def test_it_is_for_this_machine_alone(client: Any, path: str) -> None:
    assert client.get(f"/dev/idp/{path}", headers={"Host": "evil.example"}).status_code == 400
    for header in OF_A_PROXY:
        assert client.get(f"/dev/idp/{path}", headers={header: "192.0.2.1"}).status_code == 403


def test_it_does_not_answer_at_the_machines_address_in_the_network(connect: Callable[..., Any], tmp_path: Path) -> None:
    client = connect(create_app(tmp_path, secret=SECRET, dev_idp=True), base_url="http://192.0.2.1:4400")
    assert client.get("/dev/idp/jwks").status_code == 403
    answer = client.submit("/api/auth/signin/dev-idp")
    assert answer.json() == {"url": "http://192.0.2.1:4400/api/auth/error?error=OAuthSignin"}


def test_without_it_nothing_of_it_is_there(connect: Callable[..., Any], tmp_path: Path) -> None:
    client = connect(create_app(tmp_path))
    assert client.get("/dev/idp/jwks").status_code == 404
    assert list(client.get("/api/auth/providers").json()) == ["credentials"]


def test_a_token_needs_the_clients_secret(client: Any) -> None:
    code = query_of(decide(client, start(client), user="ada"))["code"]
    fields = {"grant_type": "authorization_code", "code": code, "redirect_uri": CALLBACK, "code_verifier": "x" * 43}
    for credentials in (None, ("server_stub", "wrong"), ("another", "x")):
        answer = client.post("/dev/idp/token", content=urlencode(fields), headers=FORM, auth=credentials)
        assert (answer.status_code, answer.json()["error"]) == (401, "invalid_client")


@pytest.mark.parametrize("path", ["authorize", "token"])
def test_a_body_that_is_too_large_is_not_read_to_its_end(client: Any, path: str) -> None:
    assert client.post(f"/dev/idp/{path}", content="x" * (MAX_BODY + 1), headers=FORM).status_code == 413


def test_codes_do_not_pile_up(client: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(identity_provider, "MOST_CODES", 1)
    first, second = (decide(client, start(client), user="ada") for _ in range(2))
    assert client.get(second).headers["location"] == ORIGIN
    assert client.get(first).headers["location"].endswith("error=OAuthCallback")


# What a provider says is not believed without proof


class Provider:
    """A provider that signs whatever a test wants, at https://issuer.example."""

    def __init__(self, connect: Callable[..., Any], **metadata: Any) -> None:
        self.key = ECKey.generate_key("P-256", {"kid": "1", "use": "sig", "alg": "ES256"})
        self.signed_with: Any = self.key
        self.algorithm = "ES256"
        self.changes: dict[str, Any] = {}
        self.userinfo: dict[str, Any] = {}
        self.tokens: dict[str, Any] = {}
        self.metadata = {
            "issuer": "https://issuer.example",
            "authorization_endpoint": "https://issuer.example/authorize",
            "token_endpoint": "https://issuer.example/token",
            "jwks_uri": "https://issuer.example/jwks",
            "id_token_signing_alg_values_supported": ["ES256", "HS256", "none"],
            **metadata,
        }
        provider = OIDCProvider(
            "other", "Other", "https://issuer.example", "me", "s3", transport=oidc.httpx.MockTransport(self.answer)
        )
        app = Starlette()
        app.mount("/api/auth", AuthApp(providers=[provider]))
        self.client = connect(app)
        self.nonce = ""

    def answer(self, request: Any) -> Any:
        path = request.url.path
        if path == "/.well-known/openid-configuration":
            return oidc.httpx.Response(200, json=self.metadata)
        if path == "/jwks":
            return oidc.httpx.Response(200, json={"keys": [self.key.as_dict(private=False)]})
        if path == "/userinfo":
            return oidc.httpx.Response(200, json=self.userinfo)
        now = int(time.time())
        claims = {
            "iss": "https://issuer.example",
            "aud": "me",
            "sub": "7",
            "iat": now,
            "exp": now + 60,
            "nonce": self.nonce,
            "name": "Grace",
            "email": "grace@example.com",
            **self.changes,
        }
        claims = {name: value for name, value in claims.items() if value is not None}
        header = {"alg": self.algorithm, "kid": "1"}
        token = jose.encode(header, claims, self.signed_with, algorithms=[self.algorithm])
        tokens = {"access_token": "secret", "token_type": "Bearer", "id_token": token, **self.tokens}
        return oidc.httpx.Response(200, json=tokens)

    def sign_in(self) -> str:
        """Where the browser is sent in the end."""
        asked = query_of(start(self.client, "other"))
        self.nonce = asked["nonce"]
        back = urlencode({"code": "c", "state": asked["state"]})
        return str(self.client.get(f"/api/auth/callback/other?{back}").headers["location"])


def test_a_good_id_token_signs_in(connect: Callable[..., Any]) -> None:
    provider = Provider(connect)
    assert provider.sign_in() == ORIGIN
    assert provider.client.session()["user"] == {"name": "Grace", "email": "grace@example.com", "image": None}


def test_an_address_of_a_provider_is_in_lower_case(connect: Callable[..., Any]) -> None:
    provider = Provider(connect)
    provider.changes = {"email": "Grace@Example.COM"}
    provider.sign_in()
    assert provider.client.session()["user"]["email"] == "grace@example.com"


@pytest.mark.parametrize(
    ("dialect", "status", "location"),
    [("v3", 400, None), ("v4", 400, None), ("v5", 302, f"{ORIGIN}/api/auth/error?error=Configuration")],
)
def test_a_provider_cannot_post_its_answer(
    connect: Callable[..., Any], tmp_path: Path, dialect: str, status: int, location: str | None
) -> None:
    client = connect(create_app(tmp_path, dialect=dialect, dev_idp=True))
    back = urlsplit(decide(client, start(client), user="ada"))
    answer = client.post(back.path, content=back.query, headers=FORM)
    assert (answer.status_code, answer.headers.get("location")) == (status, location)
    assert not client.session()


@pytest.mark.parametrize(
    "changes",
    [
        {"iss": "https://evil.example"},
        {"aud": "another"},
        {"nonce": "another"},
        {"nonce": None},
        {"exp": 1},
        {"sub": None},
        {"iat": None},
        {"azp": "another"},
        {"at_hash": "wrong"},
    ],
)
def test_an_id_token_for_something_else_does_not(connect: Callable[..., Any], changes: dict[str, Any]) -> None:
    provider = Provider(connect)
    provider.changes = changes
    assert provider.sign_in() == f"{ORIGIN}/api/auth/error?error=OAuthCallback"
    assert provider.client.session() == {}


def test_an_id_token_of_another_key_does_not(connect: Callable[..., Any]) -> None:
    provider = Provider(connect)
    provider.signed_with = ECKey.generate_key("P-256", {"kid": "1"})
    assert provider.sign_in().endswith("error=OAuthCallback")


def test_an_id_token_that_is_signed_with_a_shared_secret_does_not(connect: Callable[..., Any]) -> None:
    provider = Provider(connect)
    provider.key = OctKey.import_key("s3cret-s3cret-s3cret-s3cret-s3cret", {"kid": "1"})  # type: ignore[assignment]
    provider.signed_with, provider.algorithm = provider.key, "HS256"
    assert provider.sign_in().endswith("error=OAuthCallback")


def test_claims_that_are_missing_are_asked_for(connect: Callable[..., Any]) -> None:
    provider = Provider(connect, userinfo_endpoint="https://issuer.example/userinfo")
    provider.changes = {"name": None, "email": None}
    provider.userinfo = {"sub": "7", "name": "Grace H.", "email": "Grace@Example.com", "picture": "https://a/b.png"}
    assert provider.sign_in() == ORIGIN
    user = {"name": "Grace H.", "email": "grace@example.com", "image": "https://a/b.png"}
    assert provider.client.session()["user"] == user


def test_claims_of_somebody_else_are_refused(connect: Callable[..., Any]) -> None:
    provider = Provider(connect, userinfo_endpoint="https://issuer.example/userinfo")
    provider.changes = {"name": None}
    provider.userinfo = {"sub": "8", "name": "Eve"}
    assert provider.sign_in().endswith("error=OAuthCallback")


@pytest.mark.parametrize("claim", [5, None, ["a"], "a\0b", "x" * 5000])
def test_claims_of_a_strange_kind_do_no_harm(connect: Callable[..., Any], claim: Any) -> None:
    provider = Provider(connect)
    provider.changes = {"name": claim, "picture": claim}
    assert provider.sign_in() == ORIGIN
    assert provider.client.session()["user"]["email"] == "grace@example.com"


@pytest.mark.parametrize("sub", ["", "a\0b", 7, ["a"], "\ud800"])
def test_an_account_needs_a_name_that_can_be_kept(connect: Callable[..., Any], sub: Any) -> None:
    provider = Provider(connect)
    provider.changes = {"sub": sub}
    assert provider.sign_in() == f"{ORIGIN}/api/auth/error?error=OAuthCallback"
    assert provider.client.session() == {}


@pytest.mark.parametrize(
    "tokens",
    [
        *({"expires_in": value} for value in (10**30, -(10**30), "soon", [1], 1e300)),
        *(
            {name: value}
            for name in ("refresh_token", "scope", "session_state")
            for value in (5, ["a"], "a\0b", "\ud800")
        ),
    ],
)
def test_tokens_that_cannot_be_kept_sign_nobody_in(connect: Callable[..., Any], tokens: dict[str, Any]) -> None:
    provider = Provider(connect)
    provider.tokens = tokens
    assert provider.sign_in() == f"{ORIGIN}/api/auth/error?error=OAuthCallback"
    assert provider.client.session() == {}


def test_tokens_of_the_usual_kind_are_kept(connect: Callable[..., Any]) -> None:
    provider = Provider(connect)
    provider.tokens = {"expires_in": 3600, "refresh_token": "r", "scope": None, "other": {"a": 1}}
    assert provider.sign_in() == ORIGIN


@pytest.mark.parametrize("picture", ["http://[", "http://a:port/", "javascript:alert(1)", "/picture.png", "http:///a"])
def test_a_picture_is_a_url_that_a_page_can_show(connect: Callable[..., Any], picture: str) -> None:
    provider = Provider(connect)
    provider.changes = {"picture": picture}
    assert provider.sign_in() == ORIGIN
    assert provider.client.session()["user"]["image"] is None


@pytest.mark.parametrize("endpoint", ["http://[", "javascript:alert(1)", "", 5, None])
def test_a_browser_is_sent_to_a_url_of_the_web(connect: Callable[..., Any], endpoint: Any) -> None:
    provider = Provider(connect, authorization_endpoint=endpoint)
    answer = provider.client.submit("/api/auth/signin/other")
    assert answer.json() == {"url": f"{ORIGIN}/api/auth/error?error=OAuthSignin"}


@pytest.mark.parametrize("metadata", [{"issuer": "https://evil.example"}, {"issuer": None}])
def test_metadata_of_another_issuer_is_refused(connect: Callable[..., Any], metadata: Any) -> None:
    provider = Provider(connect, **metadata)
    answer = provider.client.submit("/api/auth/signin/other")
    assert answer.json() == {"url": f"{ORIGIN}/api/auth/error?error=OAuthSignin"}


@pytest.mark.parametrize(("dialect", "error"), [("v3", "OAuthSignin"), ("v4", "OAuthSignin"), ("v5", "Configuration")])
def test_a_provider_that_is_not_there_is_an_error(
    connect: Callable[..., Any], dialect: str, error: str, caplog: pytest.LogCaptureFixture
) -> None:
    app = Starlette()
    provider = OIDCProvider("other", "Other", "http://127.0.0.1:1", "me", "hunter2")
    app.mount("/api/auth", AuthApp(dialect=dialect, providers=[provider]))
    client = connect(app)
    fields = {"csrfToken": client.csrf(), "json": "true"}
    answer = client.post("/api/auth/signin/other", content=urlencode(fields), headers={**FORM, **RETURN_JSON})
    assert answer.json() == {"url": f"{ORIGIN}/api/auth/error?error={error}"}
    assert "Signing in with other failed" in caplog.text
    assert "hunter2" not in caplog.text + repr(provider)


DISCOVERY = "/.well-known/openid-configuration"


@pytest.fixture(params=[DISCOVERY, "/token", "/jwks", "/userinfo"])
def provider(request: pytest.FixtureRequest, connect: Callable[..., Any]) -> Any:
    """A provider of which a test can set how it answers at one `path`, by `sent` (the usual body)."""

    class Strange(Provider):
        path = request.param
        sent: Any = None
        headers: Any = None

        def answer(self, request: Any) -> Any:
            answer = super().answer(request)
            assert request.headers["accept-encoding"] == "identity"
            if request.url.path != self.path or not self.sent:
                return answer
            return oidc.httpx.Response(200, content=self.sent(answer.content), headers=self.headers)

        def get_ready(self) -> None:
            """The step before the one that asks at the path."""
            self.asked = {} if self.path == DISCOVERY else query_of(start(self.client, "other"))
            self.nonce = self.asked.get("nonce", "")

        def finish(self) -> str:
            """The step that asks at the path: where the browser is sent."""
            if self.path == DISCOVERY:
                return str(self.client.submit("/api/auth/signin/other").json()["url"])
            back = urlencode({"code": "c", "state": self.asked["state"]})
            return str(self.client.get(f"/api/auth/callback/other?{back}").headers["location"])

    provider = Strange(connect, userinfo_endpoint="https://issuer.example/userinfo")
    provider.changes = {"email": None}
    provider.userinfo = {"sub": "7", "email": "grace@elsewhere.example"}
    return provider


def failed(provider: Any) -> str:
    return f"{ORIGIN}/api/auth/error?error={'OAuthSignin' if provider.path == DISCOVERY else 'OAuthCallback'}"


async def in_pieces(body: bytes) -> Any:
    yield body[:1]
    yield body[1:]


async def drop_by_drop(body: bytes) -> Any:
    for _ in range(100):
        yield b" "
        await asyncio.sleep(0.02)
    yield body


async def padded(body: bytes) -> Any:
    for _ in range(17):
        yield b" " * 2**16
    yield body


async def compressed(body: bytes) -> Any:
    yield gzip.compress(body)


def test_a_provider_may_answer_in_pieces(provider: Any) -> None:
    provider.get_ready()
    provider.sent, provider.headers = in_pieces, {"Content-Encoding": "identity"}
    assert "error" not in provider.finish()


def test_a_provider_that_always_sends_a_bit_more_is_not_waited_for(
    provider: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    provider.get_ready()
    monkeypatch.setattr(oidc, "DEADLINE", 0.1)
    provider.sent = drop_by_drop
    assert provider.finish() == failed(provider)


def test_what_a_provider_answers_has_a_limit(provider: Any) -> None:
    provider.get_ready()
    provider.sent = padded
    assert provider.finish() == failed(provider)


def test_what_a_provider_compresses_is_not_read(provider: Any) -> None:
    provider.get_ready()
    provider.sent, provider.headers = compressed, {"Content-Encoding": "gzip"}
    assert provider.finish() == failed(provider)


@pytest.mark.parametrize("id", ["", "credentials", "email", "A", "a/b", "é"])
def test_a_provider_needs_an_id_of_its_own(id: str) -> None:
    with pytest.raises(ValueError, match="id of its own"):
        AuthApp(providers=[OIDCProvider(id, "X", "https://issuer.example", "me")])


def test_two_providers_of_one_id_are_refused() -> None:
    one = OIDCProvider("one", "One", "https://issuer.example", "me")
    with pytest.raises(ValueError, match="id of its own"):
        AuthApp(providers=[one, replace(one, name="Two")])


# The sign-in callback


def test_the_sign_in_callback_is_asked(connect: Callable[..., Any]) -> None:
    idp = DevIdentityProvider(DEMO_USERS)
    asked = []

    def not_bob(user: Any, provider: str) -> bool:
        asked.append((user.email, provider))
        return user.email != "bob@example.com"

    app = Starlette()
    app.mount("/dev/idp", idp)
    app.mount("/api/auth", AuthApp(providers=[idp.provider], sign_in_callback=not_bob, database=Database()))
    client = connect(app)
    refused = sign_in(client, email="bob@example.com")
    assert refused.headers["location"] == f"{ORIGIN}/api/auth/error?error=AccessDenied"
    assert client.session() == {}
    sign_in(client, user="ada")
    assert client.session()["user"]["name"] == "Ada Lovelace"
    assert asked == [("bob@example.com", "dev-idp"), ("ada@example.com", "dev-idp")]


def test_every_dialect_knows_the_flow() -> None:
    for dialect in DIALECTS.values():
        fields = [field for cookie in dialect.flow_cookies for field in cookie.fields]
        assert sorted(fields) == ["code_verifier", "nonce", "state"]
