"""Junk for every endpoint of a whole site: no 500, no traceback, no cookie with a refusal, nobody signed in.

An app that raises fails these tests too: nothing stands between it and the client.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterator
from typing import Any
from urllib.parse import urlencode, urlsplit

import httpx
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from server_stub import Database, MagicLinks, OIDCProvider, create_app
from tests.stub.providers import FORM, decide, query_of, start
from tests.stub.test_stub_oidc import Provider

ORIGIN = "http://127.0.0.1:4400"

quick = settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])

paths = st.one_of(
    st.sampled_from(
        [
            *("signin/dev-idp", "callback/dev-idp", "signin/company", "callback/company", "signin/é", "callback/%00"),
            *("session", "csrf", "providers", "signin", "signout", "error", "verify-request", "_log", ""),
            *("signin/credentials", "callback/credentials", "signin/email", "callback/email", "assets/style.css"),
        ]
    ).map(lambda path: f"/api/auth/{path}"),
    st.sampled_from(
        [
            *("authorize", "token", "jwks", ".well-known/openid-configuration", "userinfo", "", "../idp/jwks", "%00"),
        ]
    ).map(lambda path: f"/dev/idp/{path}"),
    st.sampled_from(["/dev", "/dev/inbox", "/dev/fault", "/dev/user", "/dev/log", "/dev/x", "/", "/index.html"]),
)
texts = st.one_of(
    st.text(st.characters(codec="utf-8"), max_size=20),
    st.sampled_from(["S256", "plain", "code", "none", "openid", "server_stub", f"{ORIGIN}/api/auth/callback/dev-idp"]),
    st.sampled_from(["https://evil.example/", "//evil.example", "javascript:alert(1)", "\r\nSet-Cookie: a=b", "\0"]),
    st.sampled_from(["bob@example.com", "a\0b@example.com"]),
)
names = st.sampled_from(
    [
        *("code", "state", "iss", "error", "error_description", "callbackUrl", "csrfToken", "json", "email", "token"),
        *("client_id", "redirect_uri", "response_type", "scope", "nonce", "code_challenge", "code_challenge_method"),
        *("prompt", "login_hint", "response_mode", "request", "user", "decision", "name", "grant_type"),
        *("code_verifier", "username", "password", "data", "self", "client", "kind", "path"),
    ]
)
fields = st.lists(st.tuples(names, texts), max_size=8)


@pytest.fixture(
    scope="module",
    params=[
        ("v3", "database", "sqlite"),
        ("v4", "jwt", "sqlite"),
        ("v4", "database", "sqlite"),
        ("v5", "jwt", "sqlite"),
        ("v5", "database", "postgresql"),
    ],
    ids="-".join,
)
def app(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Any]:
    dialect, kept, system = request.param
    database = Database(request.getfixturevalue("postgresql") if system == "postgresql" else "sqlite://")
    yield create_app(
        tmp_path_factory.mktemp("pages"),
        dialect=dialect,
        session=kept,
        database=database,
        magic_links=MagicLinks(),
        # It is never there.
        providers=[OIDCProvider("company", "Company", "http://127.0.0.1:1", "me")],
        dev_idp=True,
        dev_controls=True,
    )
    database.close()


def is_refusal(answer: httpx.Response) -> bool:
    """By its status, or by where it leads."""
    url = re.search(
        rf"{ORIGIN}/api/auth/(error|signin|signout)\?[^\"]*", answer.headers.get("location", answer.text[:200])
    )
    return answer.status_code >= 400 or (url is not None and ("error=" in url[0] or "csrf=true" in url[0]))


def check(answer: httpx.Response) -> None:
    # v3 answers 500 to a password when sessions are in the database; the error page of a configuration is another.
    assert answer.status_code < 500 or "error=Configuration" in f"{answer.text} {answer.url}"
    assert "Traceback" not in answer.text
    cookies = answer.headers.get_list("set-cookie")
    if is_refusal(answer):
        assert [cookie for cookie in cookies if "=; Max-Age=0;" not in cookie] == []
    assert not any("session-token=" in cookie and "session-token=;" not in cookie for cookie in cookies)
    assert not any("\r" in value or "\n" in value for value in answer.headers.values())


@quick
@given(
    method=st.sampled_from(["GET", "POST", "PUT", "PATCH", "DELETE", "HEAD", "OPTIONS", "TRACE"]),
    path=paths,
    query=fields,
    body=st.one_of(fields, st.binary(max_size=60)),
    kind=st.sampled_from(["application/json", FORM["Content-Type"], "", "multipart/form-data"]),
    headers=st.dictionaries(
        st.sampled_from(["authorization", "origin", "x-auth-return-redirect", "cookie"]),
        st.one_of(st.binary(max_size=30), st.sampled_from([b"Basic !", b"Basic c2VydmVyX3N0dWI6", b"null"])),
    ),
)
def test_junk_breaks_nothing(
    connect: Callable[..., Any],
    app: Any,
    method: str,
    path: str,
    query: Any,
    body: Any,
    kind: str,
    headers: dict[str, bytes],
) -> None:
    content = body if isinstance(body, bytes) else urlencode(body)
    if kind == "application/json" and not isinstance(body, bytes):
        content = json.dumps(dict(body))
    sent = [*((name.encode(), value) for name, value in headers.items()), (b"content-type", kind.encode())]
    check(connect(app).request(method, f"{path}?{urlencode(query)}", content=content, headers=sent))


@quick
@given(provider=st.sampled_from(["dev-idp", "credentials", "email", "x", ""]), query=fields, body=fields)
def test_junk_with_a_good_csrf_token_breaks_nothing(
    connect: Callable[..., Any], app: Any, provider: str, query: Any, body: Any
) -> None:
    client = connect(app)
    for action in ("signin", "callback", "signout", "session"):
        content = urlencode([("csrfToken", client.csrf()), *body])
        check(client.post(f"/api/auth/{action}/{provider}?{urlencode(query)}", content=content, headers=FORM))


@quick
@given(
    changes=st.dictionaries(
        st.sampled_from(["code", "state", "iss", "error", "callbackUrl", "scope"]), texts, min_size=1
    )
)
def test_a_changed_way_back_signs_nobody_in_who_did_not_agree(
    connect: Callable[..., Any], app: Any, changes: dict[str, str]
) -> None:
    client = connect(app)
    back = decide(client, start(client), "refuse")
    query = {**query_of(back), "code": "x", "error": None, **changes}
    sent = urlencode({name: value for name, value in query.items() if value is not None})
    answer = client.get(f"/api/auth/callback/dev-idp?{sent}")
    check(answer)
    assert answer.status_code in (302, 400)
    assert not client.session()


@quick
@given(changes=st.dictionaries(names, texts, min_size=1), choice=st.dictionaries(names, texts))
def test_a_changed_authorization_request_sends_nobody_elsewhere(
    connect: Callable[..., Any], app: Any, changes: dict[str, str], choice: dict[str, str]
) -> None:
    client = connect(app)
    asked = {**query_of(start(client)), **changes}
    url = f"/dev/idp/authorize?{urlencode(asked)}"
    for answer in (client.get(url), client.post(url, content=urlencode(choice), headers=FORM)):
        check(answer)
        location = answer.headers.get("location")
        assert location is None or urlsplit(location)[:3] == ("http", "127.0.0.1:4400", "/api/auth/callback/dev-idp")


anything = st.one_of(
    texts,
    st.none(),
    st.booleans(),
    st.integers(),
    st.floats(),
    st.sampled_from([10**30, "http://[", "\ud800", "a\0b", "x" * 5000, -1, {}, [], [["a"]], {"a": {"b": []}}]),
)


said_by_a_provider = st.sampled_from(
    [
        *(("metadata", name) for name in ("issuer", "authorization_endpoint", "token_endpoint", "jwks_uri")),
        *(("metadata", name) for name in ("userinfo_endpoint", "id_token_signing_alg_values_supported")),
        *(("tokens", name) for name in ("access_token", "token_type", "expires_in", "expires_at", "refresh_token")),
        *(("tokens", name) for name in ("id_token", "scope", "error", "session_state")),
        *(("changes", name) for name in ("iss", "aud", "sub", "iat", "exp", "nbf", "nonce", "azp", "at_hash", "name")),
        *(("changes", name) for name in ("preferred_username", "email", "picture")),
        *(("userinfo", name) for name in ("sub", "name", "email", "picture")),
    ]
)


@settings(quick, max_examples=100)
@given(said=said_by_a_provider, value=anything)
def test_junk_of_a_provider_ends_on_the_error_page_or_in_a_session(
    connect: Callable[..., Any], said: tuple[str, str], value: Any
) -> None:
    # One thing at a time: the first that is refused would hide the others.
    where, name = said
    provider = Provider(connect, **({name: value} if where == "metadata" else {}))
    if where == "userinfo":  # which is asked when there is no name
        provider.metadata["userinfo_endpoint"] = "https://issuer.example/userinfo"
        provider.changes = {"name": None}
        provider.userinfo = {"sub": "7"}
    if where != "metadata":
        getattr(provider, where)[name] = value
    answer = provider.client.submit("/api/auth/signin/other")
    check(answer)
    asked = query_of(answer.json()["url"])
    if "error" in asked:
        return
    provider.nonce = asked["nonce"]
    answer = provider.client.get(f"/api/auth/callback/other?{urlencode({'code': 'c', 'state': asked['state']})}")
    assert answer.status_code == 302
    signed_in = answer.headers["location"] == ORIGIN
    assert signed_in or answer.headers["location"].startswith(f"{ORIGIN}/api/auth/error?error=")
    session = provider.client.get("/api/auth/session")
    assert session.status_code == 200
    assert bool(session.json()) == signed_in


@quick
@given(callback_url=texts)
def test_no_way_through_a_provider_ends_on_another_origin(
    connect: Callable[..., Any], app: Any, callback_url: str
) -> None:
    client = connect(app)
    content = urlencode({"csrfToken": client.csrf(), "callbackUrl": callback_url})
    answer = client.post("/api/auth/signin/dev-idp", content=content, headers=FORM)
    check(answer)
    if not answer.headers.get("location", "").startswith(f"{ORIGIN}/dev/idp/authorize?"):
        return  # it was refused
    back = decide(client, answer.headers["location"], user="ada")
    seen = client.get(back).headers["location"].replace("\\", "/")
    assert urlsplit(seen)[:2] == ("http", "127.0.0.1:4400")
