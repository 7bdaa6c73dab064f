"""What the auth endpoints do beyond the recorded exchanges, and where they differ from v4 on purpose."""

from __future__ import annotations

import json
import logging
import re
import time
from collections.abc import Callable
from datetime import datetime, timedelta, timezone
from pathlib import Path
from types import SimpleNamespace
from typing import Any
from urllib.parse import urlsplit

import httpx
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from nextauth_server import tokens
from starlette.applications import Starlette
from starlette.requests import Request

import server_stub.users
from server_stub import AuthApp, MagicLinks, OIDCProvider, User, create_app, hash_password
from server_stub.auth import DEVELOPMENT_SECRET
from server_stub.errors import Refused
from server_stub.exchange import MAX_BODY
from server_stub.origin import client_address, parse_origin, resolve_callback_url
from tests.stub.strangers import OF_A_PROXY, SECRET

ORIGIN = "http://127.0.0.1:4400"
SESSION_COOKIE = "next-auth.session-token"


# Sessions


def test_nobody_is_signed_in_at_first(client: Any) -> None:
    assert client.session() == {}


@pytest.mark.parametrize(
    ("username", "password", "user"),
    [
        (
            "ada",
            "lovelace",
            {
                "name": "Ada Lovelace",
                "email": "ada@example.com",
                "image": f"{ORIGIN}/api/auth/assets/ada.svg",
            },
        ),
        ("alan", "turing", {"name": "Alan Turing", "email": "alan@example.com", "image": None}),
    ],
)
def test_the_demo_users_can_sign_in(client: Any, username: str, password: str, user: Any) -> None:
    assert client.sign_in(username, password, callbackUrl="/after").json() == {"url": f"{ORIGIN}/after"}
    assert client.session()["user"] == user


def test_the_picture_of_a_user_is_served_by_the_stub_itself(client: Any) -> None:
    client.sign_in()
    response = client.get(client.session()["user"]["image"])
    assert (response.status_code, response.headers["content-type"]) == (200, "image/svg+xml")


def test_a_session_ends_thirty_days_after_the_last_query(client: Any) -> None:
    client.sign_in()
    expires = client.session()["expires"]
    assert expires.endswith("Z")
    assert len(expires) == len("2026-12-23T09:09:10.218Z")
    remaining = datetime.fromisoformat(expires[:-1] + "+00:00") - datetime.now(timezone.utc)
    assert timedelta(days=30, minutes=-1) < remaining <= timedelta(days=30)


def test_every_query_renews_the_cookie(client: Any) -> None:
    client.sign_in()
    first = client.cookies[SESSION_COOKIE]
    client.session()
    assert client.cookies[SESSION_COOKIE] != first


def test_an_expired_session_is_nobody_and_has_its_cookie_deleted_when_it_is_asked_for(
    client: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    client.sign_in()
    later = time.time() + 30 * 24 * 3600 + 60
    monkeypatch.setattr(tokens, "time", SimpleNamespace(time=lambda: later))
    response = client.get("/api/auth/session")
    assert response.json() == {}
    assert f"{SESSION_COOKIE}=; Max-Age=0" in response.headers["set-cookie"]


def test_a_token_of_a_v3_session_ends_with_its_cookie(
    connect: Callable[..., Any], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    client = connect(create_app(tmp_path, dialect="v3", session_max_age=3600))
    client.sign_in()
    cookie = f"{SESSION_COOKIE}={client.cookies[SESSION_COOKIE]}"
    now = time.time()
    for later, is_somebody in ((now + 3000, True), (now + 4000, False)):
        monkeypatch.setattr(tokens, "time", SimpleNamespace(time=lambda later=later: later))
        assert bool(client.get("/api/auth/session", headers={"Cookie": cookie}).json()) == is_somebody


def test_a_session_that_was_made_with_another_secret_is_nobody(
    connect: Callable[..., Any], client: Any, tmp_path: Path
) -> None:
    client.sign_in()
    other = connect(create_app(tmp_path, secret="another secret"))
    other.cookies.set(SESSION_COOKIE, client.cookies[SESSION_COOKIE])
    assert other.session() == {}


def test_a_session_that_shrinks_leaves_no_chunks_behind(connect: Callable[..., Any], tmp_path: Path) -> None:
    users = {"big": User("1", "B" * 5000, "big@example.com", hash_password("x"))}
    client = connect(create_app(tmp_path, users=users))
    client.sign_in("big", "x")
    assert {name for name in client.cookies if SESSION_COOKIE in name} == {
        f"{SESSION_COOKIE}.0",
        f"{SESSION_COOKIE}.1",
    }
    client.post("/api/auth/session", json={"csrfToken": client.csrf(), "data": {"name": "small"}})
    assert client.session()["user"]["name"] == "small"
    assert [name for name in client.cookies if SESSION_COOKIE in name] == [SESSION_COOKIE]


@pytest.mark.parametrize("data", [{"name": ""}, {"name": 5}, {"email": "x@example.com"}, "name", None, [1]])
def test_an_update_changes_nothing_but_the_name(client: Any, data: Any) -> None:
    client.sign_in()
    user = client.session()["user"]
    response = client.post("/api/auth/session", json={"csrfToken": client.csrf(), "data": data})
    assert response.json()["user"] == user


def test_a_jwt_callback_decides_what_a_session_holds(connect: Callable[..., Any]) -> None:
    app = Starlette()
    app.mount("/api/auth", AuthApp(jwt_callback=lambda claims, update: {**claims, "name": "Somebody"}))
    client = connect(app)
    client.sign_in()
    assert client.session()["user"]["name"] == "Somebody"


def test_signing_out_deletes_the_cookie(client: Any) -> None:
    client.sign_in()
    client.submit("/api/auth/signout")
    assert SESSION_COOKIE not in client.cookies
    assert client.session() == {}


# Passwords


@pytest.mark.parametrize(
    "fields", [{"username": "ada", "password": "wrong"}, {"username": "nobody", "password": "lovelace"}]
)
def test_a_wrong_password_and_an_unknown_user_get_the_same_answer_for_the_same_work(
    client: Any, monkeypatch: pytest.MonkeyPatch, fields: dict[str, str]
) -> None:
    hashed = []

    def counted(*arguments: Any) -> str:
        hashed.append(arguments)
        return hash_password(*arguments)

    monkeypatch.setattr(server_stub.users, "hash_password", counted)
    response = client.sign_in(**fields)
    assert response.status_code == 401
    url = f"{ORIGIN}/api/auth/error?error=CredentialsSignin&provider=credentials"
    assert response.json() == {"url": url}
    assert len(hashed) == 1
    assert SESSION_COOKIE not in client.cookies


@pytest.mark.parametrize(
    "credentials", [{}, {"username": "ada"}, {"username": ["ada"], "password": {}}, {"username": None}]
)
def test_incomplete_credentials_are_wrong_credentials(client: Any, credentials: dict[str, Any]) -> None:
    fields = {**credentials, "csrfToken": client.csrf(), "json": "true"}
    assert client.post("/api/auth/callback/credentials", json=fields).status_code == 401


def test_no_password_token_or_secret_is_logged(client: Any, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.DEBUG)
    client.sign_in(password="hunter2")
    client.sign_in()
    client.post("/api/auth/_log", json={"code": "OOPS", "message": "hunter2"})
    assert "OOPS" in caplog.text
    for private in ("hunter2", "lovelace", client.csrf(), client.cookies[SESSION_COOKIE], DEVELOPMENT_SECRET):
        assert private not in caplog.text


# Requests that are refused


@pytest.mark.parametrize("path", ["callback/credentials", "signin/credentials", "signout"])
@pytest.mark.parametrize("token", ["", "wrong", "é"])
def test_a_form_without_the_right_token_changes_no_session(client: Any, path: str, token: str) -> None:
    client.sign_in()
    client.get("/api/auth/csrf")
    response = client.submit(f"/api/auth/{path}", csrfToken=token, username="alan", password="turing")
    assert response.json()["url"].endswith("?csrf=true")
    assert not any(SESSION_COOKIE in cookie for cookie in response.headers.get_list("set-cookie"))
    assert client.session()["user"]["name"] == "Ada Lovelace"


@pytest.mark.parametrize(
    ("body", "content_type", "status"),
    [
        (b"{", "application/json", 400),
        (b"\xff", "application/json", 400),
        (b'{"callbackUrl": "\\ud800"}', "application/json", 400),
        (b"[" * 100_000, "application/json", 400),
        (b'{"callbackUrl": 5}', "application/json", 400),
        (b"callbackUrl=relative", "application/x-www-form-urlencoded", 400),
        (b"a" * (MAX_BODY + 1), "application/x-www-form-urlencoded", 413),
    ],
)
def test_what_cannot_be_understood_is_refused_without_a_cookie(
    client: Any, body: bytes, content_type: str, status: int
) -> None:
    headers = {"Content-Type": content_type}
    response = client.post("/api/auth/callback/credentials", content=body, headers=headers)
    assert response.status_code == status
    assert "set-cookie" not in response.headers


@pytest.mark.parametrize("dialect", ["v3", "v4", "v5"])
@pytest.mark.parametrize(
    ("path", "fields"),
    [
        ("signin/credentials", {"csrfToken": "bad"}),
        ("signin/email", {"email": "nobody"}),
        ("callback/credentials", {"csrfToken": "bad"}),
        ("callback/credentials", {"username": "ada", "password": "wrong"}),
        ("signout", {"csrfToken": "bad"}),
    ],
)
@pytest.mark.parametrize("json", ["true", "false"])
def test_a_refused_request_leaves_no_cookie(
    connect: Callable[..., Any], tmp_path: Path, dialect: str, path: str, fields: dict[str, str], json: str
) -> None:
    client = connect(create_app(tmp_path, dialect=dialect, magic_links=MagicLinks()))
    answer = client.submit(f"/api/auth/{path}", callbackUrl="/elsewhere", json=json, **fields)
    url = answer.headers["location"] if answer.is_redirect else answer.json()["url"]
    assert re.search(r"[?&](error=|csrf=true)", url)
    assert "set-cookie" not in answer.headers


@pytest.mark.parametrize(
    ("dialect", "session", "method", "path", "reason"),
    [
        ("v3", "database", "POST", "callback/credentials", "signs nobody in by a password"),
        ("v4", "jwt", "GET", "callback/email", "has no token"),
        ("v5", "jwt", "GET", "callback/email", "has no token"),
        ("v5", "jwt", "GET", "callback/credentials", "takes a POST"),
        ("v5", "jwt", "GET", "callback/company", "has not started"),
        ("v5", "jwt", "POST", "signin/company", "cannot be reached"),
        ("v5", "jwt", "POST", "signin/email", "e-mail address"),
        ("v5", "jwt", "POST", "signin/nosuch", "no such provider"),
        ("v5", "jwt", "POST", "callback/nosuch", "no such provider"),
        ("v5", "jwt", "POST", "csrf", "takes no POST"),
        ("v5", "jwt", "GET", "signin?callbackUrl=relative", "callbackUrl must be"),
    ],
)
def test_the_log_says_what_a_configuration_error_means(
    connect: Callable[..., Any],
    caplog: pytest.LogCaptureFixture,
    dialect: str,
    session: str,
    method: str,
    path: str,
    reason: str,
) -> None:
    app = Starlette()
    company = OIDCProvider("company", "Company", "http://127.0.0.1:1", "me")
    auth = AuthApp(dialect=dialect, session=session, magic_links=MagicLinks(), providers=[company])
    app.mount("/api/auth", auth)
    client = connect(app)
    fields = {"csrfToken": client.csrf(), "username": "ada", "password": "lovelace"}
    answer = client.request(method, f"/api/auth/{path}", data=fields if method == "POST" else None)
    assert answer.headers["location"].lower().endswith("/error?error=configuration")
    assert reason in caplog.text


@pytest.mark.parametrize("body", [b"[]", b"5", b"null", b'"text"', b""])
def test_json_that_is_no_object_has_no_fields(client: Any, body: bytes) -> None:
    headers = {"Content-Type": "application/json"}
    response = client.post("/api/auth/session", content=body, headers=headers)
    assert (response.status_code, response.json()) == (400, {})


def test_where_v4_answers_500_the_stub_answers_400(client: Any) -> None:
    assert client.get("/api/auth/callback/credentials").status_code == 400
    assert client.get("/api/auth/signin?callbackUrl=relative").status_code == 400


def test_a_foreign_callback_url_cookie_is_replaced(client: Any) -> None:
    client.cookies.set("next-auth.callback-url", "nonsense")
    response = client.get("/api/auth/session")
    assert response.status_code == 200
    assert "next-auth.callback-url=http%3A%2F%2F127.0.0.1%3A4400;" in response.headers["set-cookie"]


# Hosts and origins


@pytest.mark.parametrize(
    "host", ["localhost", "localhost:3000", "app.localhost:1", "127.0.0.2:80", "[::1]:3000", "LOCALHOST"]
)
def test_a_loopback_host_is_believed(client: Any, host: str) -> None:
    provider = client.get("/api/auth/providers", headers={"Host": host}).json()["credentials"]
    assert provider["signinUrl"] == f"http://{host.lower()}/api/auth/signin/credentials"


@pytest.mark.parametrize(
    "host",
    ["evil.example", "localhost.evil.example", "evil.example:3000", "10.0.0.1", "a@localhost", "", "é"],
)
def test_any_other_host_is_refused_without_a_cookie(client: Any, host: str) -> None:
    response = client.get("/api/auth/csrf", headers=[(b"host", host.encode())])
    assert response.status_code == 400
    assert "set-cookie" not in response.headers


def test_the_address_that_the_server_has_is_believed(connect: Callable[..., Any], tmp_path: Path) -> None:
    client = connect(create_app(tmp_path, secret=SECRET), base_url="http://192.0.2.7:3000")
    assert client.get("/api/auth/session").status_code == 200


def signin_url(client: Any, headers: Any) -> str:
    return str(client.get("/api/auth/providers", headers=headers).json()["credentials"]["signinUrl"])


def test_forwarded_headers_count_only_when_the_proxy_is_trusted(connect: Callable[..., Any], tmp_path: Path) -> None:
    client = connect(create_app(tmp_path, secret=SECRET))
    headers = {"X-Forwarded-Proto": "https", "X-Forwarded-Host": "evil.example"}
    assert signin_url(client, headers).startswith(ORIGIN)


@pytest.mark.parametrize(
    "headers",
    [
        [("X-Forwarded-Host", "evil.example, app.example.com"), ("X-Forwarded-Proto", "http, https")],
        [("X-Forwarded-Host", "evil.example"), ("X-Forwarded-Host", "app.example.com"), ("X-Forwarded-Proto", "https")],
        [
            *[("X-Forwarded-Host", "app.example.com"), ("X-Forwarded-Proto", "https"), ("X-Forwarded-Port", "1")],
            *[("Forwarded", "host=evil.example;proto=http"), ("X-Host", "evil.example"), ("X-Original-Host", "evil")],
        ],
    ],
)
def test_of_several_proxies_the_nearest_is_trusted(
    connect: Callable[..., Any], tmp_path: Path, headers: list[tuple[str, str]]
) -> None:
    links = MagicLinks()
    client = connect(create_app(tmp_path, secret=SECRET, trust_proxy=True, magic_links=links))
    assert signin_url(client, headers) == "https://app.example.com/api/auth/signin/credentials"
    csrf = client.get("/api/auth/csrf", headers=headers)
    (cookie,) = (cookie for cookie in csrf.headers.get_list("set-cookie") if "csrf-token" in cookie)
    client.post(
        "/api/auth/signin/email",
        data={"csrfToken": csrf.json()["csrfToken"], "email": "bob@example.com"},
        headers=[*headers, ("Cookie", cookie.partition(";")[0])],
    )
    assert [mail.link.partition("/api/")[0] for mail in links.inbox] == ["https://app.example.com"]


@pytest.mark.parametrize(
    "last", [" ", "a b", "user@app.example.com", "app.example.com/x", "app.example.com, ", "app.example.com#"]
)
def test_a_forwarded_host_that_is_none_is_refused_or_ignored(
    connect: Callable[..., Any], tmp_path: Path, last: str
) -> None:
    client = connect(create_app(tmp_path, secret=SECRET, trust_proxy=True))
    answer = client.get("/api/auth/providers", headers={"X-Forwarded-Host": f"evil.example, {last}"})
    assert answer.status_code == 400 or answer.json()["credentials"]["signinUrl"].startswith(ORIGIN)


@pytest.mark.parametrize("path", ["/api/auth/session", "/", "/dev", "/dev/inbox", "/dev/idp/jwks"])
@pytest.mark.parametrize("url", [None, "https://app.example.com"])
def test_a_request_has_one_host(connect: Callable[..., Any], tmp_path: Path, path: str, url: str | None) -> None:
    (tmp_path / "index.html").write_text("home")
    options = {"url": url, "secret": SECRET, "magic_links": MagicLinks(), "dev_idp": True, "dev_controls": True}
    client = connect(create_app(tmp_path, **options))
    assert client.get(path, headers=[("Host", "127.0.0.1")]).status_code == 200
    for hosts in (("127.0.0.1", "evil.example"), ("evil.example", "127.0.0.1"), ("127.0.0.1", "127.0.0.1")):
        assert client.get(path, headers=[("Host", host) for host in hosts]).status_code == 400


@pytest.mark.parametrize(
    ("peer", "forwarded", "trusted", "address"),
    [
        ("192.0.2.1", [], False, "192.0.2.1"),
        ("127.0.0.1", ["192.0.2.1"], False, "127.0.0.1"),
        ("127.0.0.1", ["192.0.2.1"], True, "192.0.2.1"),
        ("127.0.0.1", ["10.0.0.1, 192.0.2.1"], True, "192.0.2.1"),
        ("127.0.0.1", ["10.0.0.1", "192.0.2.1:1234"], True, "192.0.2.1"),
        ("127.0.0.1", [" "], True, "127.0.0.1"),
        ("::ffff:192.0.2.1", [], False, "192.0.2.1"),
        ("2001:db8:1:2:3::4", [], False, "2001:db8:1:2::/64"),
        ("::1", ["[2001:db8:1:2:3::5]:80"], True, "2001:db8:1:2::/64"),
        ("fe80::1%eth0", [], False, "fe80::/64"),
        (None, [], False, ""),
    ],
)
def test_where_a_request_comes_from(peer: str | None, forwarded: list[str], trusted: bool, address: str) -> None:
    headers = [(b"x-forwarded-for", one.encode()) for one in forwarded]
    scope = {"type": "http", "headers": headers, "client": peer and (peer, 1)}
    assert client_address(Request(scope), trusted) == address


def test_a_public_url_decides_the_origin_and_the_cookies(connect: Callable[..., Any], tmp_path: Path) -> None:
    client = connect(create_app(tmp_path, url="https://App.example.com/", secret=SECRET))
    response = client.get("/api/auth/csrf", headers={"Host": "internal"})
    assert "__Host-next-auth.csrf-token=" in response.headers["set-cookie"]
    assert "__Secure-next-auth.callback-url=https%3A%2F%2Fapp.example.com" in response.headers["set-cookie"]


GUESSABLE = ["x", "x" * 64, SECRET[:31]]


def test_a_public_url_needs_a_secret_of_its_own() -> None:
    with pytest.raises(ValueError, match="secret of its own"):
        AuthApp(url="https://app.example.com")
    with pytest.raises(ValueError, match="empty"):
        AuthApp(secret="")
    for secret in GUESSABLE:
        with pytest.raises(ValueError, match="secret that nobody can guess, such as python3"):
            AuthApp(url="https://app.example.com", secret=secret)
    AuthApp(url="https://localhost", secret="x")


# What a browser says of the page that sends a request: `Sec-Fetch-Site` and `Origin`.
OF_THIS_SITE: list[dict[str, str]] = [
    {},
    {"Origin": ORIGIN},
    {"Origin": ORIGIN, "Sec-Fetch-Site": "same-origin"},
    {"Origin": "null", "Sec-Fetch-Site": "same-origin"},  # of a page with `Referrer-Policy: no-referrer`
    {"Origin": "http://localhost:5173", "Sec-Fetch-Site": "same-origin"},  # through a proxy that changes the name
    {"Sec-Fetch-Site": "none"},
]
OF_ANOTHER_SITE = [
    {"Origin": "https://evil.example"},
    {"Origin": "https://evil.example", "Sec-Fetch-Site": "cross-site"},
    {"Origin": "http://127.0.0.1:5000"},
    {"Origin": "http://127.0.0.1:5000", "Sec-Fetch-Site": "same-site"},
    {"Origin": "https://127.0.0.1:4400"},
    {"Origin": "null"},
    {"Origin": ""},
    {"Origin": ORIGIN, "Sec-Fetch-Site": "cross-site"},
    {"Sec-Fetch-Site": "cross-site"},
    {"Sec-Fetch-Site": "same-site"},
    {"Sec-Fetch-Site": ""},
]


def post_from(client: Any, path: str, headers: dict[str, str]) -> Any:
    """Ada's password with a good CSRF token, which somebody at another port could set as a cookie here."""
    form = {"csrfToken": client.csrf(), "json": "true", "username": "ada", "password": "lovelace"}
    headers = {"X-Auth-Return-Redirect": "1", **headers}
    return client.post(f"/api/auth/{path}", data={**form, "email": "bob@example.com"}, headers=headers)


@pytest.mark.parametrize("dialect", ["v3", "v4", "v5"])
@pytest.mark.parametrize("headers", OF_ANOTHER_SITE)
def test_a_page_of_another_origin_signs_nobody_in(
    connect: Callable[..., Any], tmp_path: Path, dialect: str, headers: dict[str, str]
) -> None:
    links = MagicLinks()
    client = connect(create_app(tmp_path, dialect=dialect, magic_links=links, dev_idp=True))
    for path in ("callback/credentials", "signin/email", "signin/dev-idp", "session", "signout", "_log", "nosuch"):
        answer = post_from(client, path, headers)
        assert (answer.status_code, "set-cookie" in answer.headers) == (403, False)
        assert "on another origin than http://127.0.0.1:4400" in answer.text
    assert not client.session()
    assert not links.inbox
    assert client.get("/api/auth/session", headers=headers).status_code == 200


@pytest.mark.parametrize("headers", OF_THIS_SITE)
def test_a_page_of_this_origin_signs_in(client: Any, headers: dict[str, str]) -> None:
    assert post_from(client, "callback/credentials", headers).status_code == 200
    assert client.session()["user"]["name"] == "Ada Lovelace"


def test_two_origins_are_none(client: Any) -> None:
    for name, value in (("Origin", "https://evil.example"), ("Sec-Fetch-Site", "cross-site")):
        headers = [(name, ORIGIN if name == "Origin" else "same-origin"), (name, value)]
        assert client.post("/api/auth/signout", headers=headers).status_code == 403


@pytest.mark.parametrize("host", ["app.example.com", "app.example.com:443"])
def test_a_proxy_may_name_the_usual_port(connect: Callable[..., Any], tmp_path: Path, host: str) -> None:
    client = connect(create_app(tmp_path, secret=SECRET, trust_proxy=True))
    forwarded = {"X-Forwarded-Proto": "https", "X-Forwarded-Host": host}
    for origin, status in (("https://app.example.com", 200), ("http://app.example.com", 403)):
        headers = {**forwarded, "Origin": origin}
        assert client.post("/api/auth/_log", json={}, headers=headers).status_code == status


@pytest.mark.parametrize(
    ("client", "host", "status"),
    [
        (("127.0.0.1", 1), "localhost", 200),
        (("::1", 1), "[::1]:3000", 200),
        (("::ffff:127.0.0.1", 1), "localhost", 200),
        (None, "localhost", 200),
        (("192.0.2.1", 1), "localhost", 403),
        (("fe80::1%eth0", 1), "localhost", 403),
        (("testclient", 1), "localhost", 403),
        (("127.0.0.1", 1), "192.0.2.7", 403),
    ],
)
@pytest.mark.parametrize("secret", [DEVELOPMENT_SECRET, *GUESSABLE])
def test_with_a_published_or_guessable_secret_only_this_machine_is_answered(
    run: Callable[..., Any], secret: str, client: Any, host: str, status: int
) -> None:
    def ask(app: AuthApp) -> Any:
        async def called(scope: Any, receive: Any, send: Any) -> None:
            await app({**scope, "client": client, "server": ("192.0.2.7", 80)}, receive, send)

        transport = httpx.ASGITransport(called)
        return run(httpx.AsyncClient(transport=transport).get(f"http://{host}/session"))

    answer = ask(AuthApp(secret=secret))
    assert answer.status_code == status
    assert ("--secret" in answer.text, "set-cookie" in answer.headers) == ((status == 403), status == 200)
    assert ask(AuthApp(secret=SECRET)).status_code == 200


def test_without_a_secret_it_is_the_published_one() -> None:
    assert AuthApp().secret == DEVELOPMENT_SECRET


@pytest.mark.parametrize("secret", [DEVELOPMENT_SECRET, *GUESSABLE])
@pytest.mark.parametrize("header", OF_A_PROXY)
def test_with_such_a_secret_nobody_is_answered_who_comes_through_a_proxy(
    connect: Callable[..., Any], secret: str, header: str
) -> None:
    answer = connect(AuthApp(secret=secret)).get("/session", headers={header: "127.0.0.1"})
    assert (answer.status_code, "set-cookie" in answer.headers) == (403, False)


@pytest.mark.parametrize("secret", [DEVELOPMENT_SECRET, *GUESSABLE])
def test_with_such_a_secret_no_proxy_gives_the_server_another_name(connect: Callable[..., Any], secret: str) -> None:
    client = connect(AuthApp(secret=secret, trust_proxy=True))
    assert client.get("/session").status_code == 200
    assert client.get("/session", headers={"X-Forwarded-Host": "app.example.com"}).status_code == 403


@pytest.mark.parametrize("url", ["app.example.com", "ftp://a", "https://a/b", "https://u@a", "https://a b"])
def test_a_public_url_is_an_origin(url: str) -> None:
    with pytest.raises(ValueError, match="is not an origin"):
        parse_origin(url)


def test_the_endpoints_can_be_mounted_in_another_app(connect: Callable[..., Any]) -> None:
    app = Starlette()
    app.mount("/somewhere/else", AuthApp())
    provider = connect(app).get("/somewhere/else/providers").json()["credentials"]
    assert provider["callbackUrl"] == f"{ORIGIN}/somewhere/else/callback/credentials"


@pytest.mark.parametrize("path", ["/api/auth/session", "/dev/idp/jwks", "/socket", "/dev"])
def test_a_websocket_is_closed(run: Callable[..., Any], tmp_path: Path, path: str) -> None:
    sent = []

    async def send(message: Any) -> None:
        sent.append(message["type"])

    async def receive() -> Any:
        return {"type": "websocket.connect"}

    async def connect() -> None:
        mounted = Starlette()
        mounted.mount("/api/auth", AuthApp())
        scope = {"type": "websocket", "path": path, "headers": [(b"host", b"localhost")], "query_string": b""}
        for app in (mounted, create_app(tmp_path, dev_idp=True, dev_controls=True)):
            await app(dict(scope), receive, send)

    run(connect())
    assert sent == ["websocket.close"] * 2


# Redirects

awkward_urls = st.one_of(
    st.text(),
    st.builds(
        "".join,
        st.lists(
            st.sampled_from(
                [
                    *"/\\@:?#.\t\n\r ",
                    "http:",
                    "//",
                    ORIGIN,
                    "127.0.0.1:4400",
                    "evil.example",
                    "javascript:",
                    "é",
                ]
            ),
            max_size=6,
        ),
    ),
)


@given(awkward_urls)
def test_no_callback_url_leads_to_another_origin(url: str) -> None:
    try:
        resolved = resolve_callback_url(url, ORIGIN)
    except Refused:
        return
    # Browsers read a backslash as a slash and drop tabs and line ends, so look at it as they do.
    seen = resolved.replace("\\", "/")
    for dropped in "\t\r\n":
        seen = seen.replace(dropped, "")
    assert urlsplit(seen)[:2] == ("http", "127.0.0.1:4400")


@pytest.mark.parametrize(
    "url",
    [
        "http://127.0.0.1:4400@evil.example/",
        "http://127.0.0.1:4400.evil.example/",
        "http://evil.example\\@127.0.0.1:4400/",
        "https://127.0.0.1:4400/",
    ],
)
def test_a_look_alike_becomes_the_origin(url: str) -> None:
    assert resolve_callback_url(url, ORIGIN) == ORIGIN


def test_a_callback_url_cannot_add_a_header(client: Any) -> None:
    response = client.sign_in(callbackUrl="/x\r\nSet-Cookie: a=b", json="no")
    assert response.headers["location"] == f"{ORIGIN}/x%0D%0ASet-Cookie:%20a=b"


# Junk

actions = st.sampled_from(
    [
        *("session", "csrf", "providers", "signin", "signout", "error", "_log", "nosuch", ""),
        *("signin/credentials", "callback/credentials", "callback/x"),
        *("signin/email", "callback/email", "callback/email?token=x&email=a@b", "verify-request"),
        *("assets/style.css", "assets/../auth.py", "assets/%2e%2e%2fauth.py", "assets/a%00b"),
    ]
)
json_values = st.recursive(
    st.none() | st.booleans() | st.floats() | st.text(),
    lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner),
    max_leaves=5,
)
bodies = st.one_of(
    st.binary(),
    st.dictionaries(
        st.sampled_from(["csrfToken", "callbackUrl", "json", "username", "password", "data", "code", "email"]),
        json_values,
    ).map(lambda fields: json.dumps(fields).encode()),
)


@pytest.fixture(scope="session", params=["v3", "v4", "v5"])
def dialect(request: pytest.FixtureRequest) -> str:
    return str(request.param)


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    method=st.sampled_from(["GET", "POST", "PUT", "HEAD"]),
    action=actions,
    query=st.binary(max_size=40),
    body=bodies,
    content_type=st.sampled_from(["application/json", "application/x-www-form-urlencoded", "", "é"]),
    cookie=st.one_of(
        st.binary(max_size=60), st.binary(max_size=60).map(lambda junk: SESSION_COOKIE.encode() + b"=" + junk)
    ),
)
def test_junk_never_breaks_an_endpoint(
    connect: Callable[..., Any],
    dialect: str,
    method: str,
    action: str,
    query: bytes,
    body: bytes,
    content_type: str,
    cookie: bytes,
) -> None:
    app = Starlette()
    app.mount("/api/auth", AuthApp(dialect=dialect, magic_links=MagicLinks()))
    client = connect(app)
    response = client.request(
        method,
        f"/api/auth/{action}",
        params=[("callbackUrl", query), ("error", query)],
        content=body,
        headers=[(b"content-type", content_type.encode()), (b"cookie", cookie)],
    )
    assert response.status_code < 500
    assert "Traceback" not in response.text
    if response.status_code in (400, 413):
        assert "set-cookie" not in response.headers
