"""`read_session`: who sent a request, out of its cookie alone."""

from __future__ import annotations

import json
import sys
import time
from collections.abc import Callable
from types import SimpleNamespace
from typing import Any

import httpx
import pytest
from django.http import HttpRequest
from flask import Request as FlaskRequest
from hypothesis import given
from hypothesis import strategies as st
from nextauth_client import Session, UnexpectedAnswer
from nextauth_client.times import parse_iso
from nextauth_server import DatabaseSession, TokenSession, read_session, session_script
from nextauth_server.cookies import CHUNK_SIZE, SESSION_COOKIES, split
from nextauth_server.reading import SECRETS
from nextauth_server.tokens import V3Tokens, V4Tokens, V5Tokens
from starlette.requests import Request as StarletteRequest
from werkzeug.test import create_environ

from bench import read_session as read_session_benchmark
from server_stub.auth import DEVELOPMENT_SECRET
from tests.support.recordings import recorded

from .conftest import Backend

ADA = {"sub": "1", "name": "Ada Lovelace", "email": "ada@example.com", "picture": "/ada.svg", "role": "admin"}
SECRET = "a secret"
RECORDED_AT = 1795424950  # 2026-11-23T09:09:10Z
USED = {"v3": (V3Tokens(), "next-auth"), "v4": (V4Tokens(), "next-auth"), "v5": (V5Tokens(), "authjs")}

each_version = pytest.mark.parametrize("version", USED)


def cookie_for(
    version: str, claims: dict[str, Any] = ADA, *, secret: str = SECRET, prefix: str = "", max_age: float = 60
) -> str:
    """As a browser sends what a backend of this version has set."""
    tokens, name = USED[version]
    name = f"{prefix}{name}.session-token"
    return header_of(split(name, tokens.encode(claims, secret, max_age, name)))


def header_of(cookies: dict[str, str]) -> str:
    return "; ".join([f"{name}={value}" for name, value in cookies.items()])


@pytest.fixture(autouse=True)
def no_secret_is_known(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in SECRETS:
        monkeypatch.delenv(name, raising=False)


# ── who it is ────────────────────────────────────────────────────────────────────────────────────


@each_version
@pytest.mark.parametrize("prefix", ["", "__Secure-", "__Host-"])
def test_the_cookie_says_who_is_signed_in(version: str, prefix: str) -> None:
    cookie = f"other=1; {cookie_for(version, prefix=prefix)}; theme=dark"
    session = read_session(cookie, secret=SECRET)
    assert isinstance(session, Session)
    assert session.user.to_dict() == {"name": "Ada Lovelace", "email": "ada@example.com", "image": "/ada.svg"}
    assert 58 <= (parse_iso(session.expires) or 0) - time.time() <= 60
    assert session.claims["sub"] == "1"
    assert session.claims["role"] == "admin"


@each_version
def test_a_session_that_is_too_large_for_one_cookie_is_put_together(version: str) -> None:
    claims = {**ADA, "groups": ["x" * 100] * 300}
    cookie = cookie_for(version, claims)
    assert cookie.count(".session-token.") > 9  # so that .10 comes after .9, not after .1
    session = read_session("; ".join(reversed(cookie.split("; "))), secret=SECRET)
    assert session is not None
    assert session.claims["groups"] == claims["groups"]
    pieces = cookie.split("; ")
    assert read_session("; ".join(pieces[:3] + pieces[4:]), secret=SECRET) is None
    assert read_session("; ".join(pieces[:-1]), secret=SECRET) is None


@each_version
def test_a_hundred_chunks_are_read_and_no_more(version: str) -> None:
    [name] = {piece.partition("=")[0] for piece in cookie_for(version).split("; ")}
    token = USED[version][0].encode({**ADA, "groups": "x" * 2000}, SECRET, 60, name)
    size = -(-len(token) // 100)
    chunks = [token[start : start + size] for start in range(0, len(token), size)]
    assert 90 < len(chunks) <= 100
    cookies = {f"{name}.{number}": chunk for number, chunk in enumerate(chunks)}
    assert read_session(header_of(cookies), secret=SECRET) is not None
    assert read_session(header_of({**cookies, f"{name}.100": "x", f"{name}.x": "x", f"{name}x": "x"}), secret=SECRET)


def django_request(cookie: str) -> Any:
    request = HttpRequest()
    request.META["HTTP_COOKIE"] = cookie
    return request


def starlette_request(cookie: str) -> Any:
    headers = [(b"cookie", piece.encode("latin-1")) for piece in cookie.split("; ")]
    return StarletteRequest({"type": "http", "headers": headers})


@pytest.mark.parametrize(
    "request_with",
    [
        django_request,
        starlette_request,
        lambda cookie: starlette_request(cookie).scope,
        lambda cookie: create_environ(headers={"Cookie": cookie}),
        lambda cookie: FlaskRequest(create_environ(headers={"Cookie": cookie})),
    ],
    ids=["Django", "Starlette", "ASGI", "WSGI", "Flask"],
)
def test_the_framework_does_not_matter(request_with: Callable[[str], Any]) -> None:
    session = read_session(request_with(cookie_for("v4", {**ADA, "groups": "x" * 2 * CHUNK_SIZE})), secret=SECRET)
    assert session is not None and session.user.name == "Ada Lovelace"
    assert read_session(request_with(""), secret=SECRET) is None


@each_version
def test_while_a_secret_is_replaced_both_count(version: str) -> None:
    cookie = cookie_for(version, secret="old")
    assert read_session(cookie, secret=["new", "old"]) is not None
    assert read_session(cookie, secret=("old",)) is not None
    assert read_session(cookie, secret="new") is None


@pytest.mark.parametrize("name", ["NEXTAUTH_SECRET", "AUTH_SECRET", "AUTH_SECRET_1", "AUTH_SECRET_3"])
def test_the_secret_may_stand_where_the_backend_looks_for_it(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AUTH_SECRET", "another")
    monkeypatch.setenv(name, SECRET)
    assert read_session(cookie_for("v5")) is not None
    assert read_session(cookie_for("v5"), secret="yet another") is None


def test_without_a_secret_it_says_what_to_set() -> None:
    with pytest.raises(RuntimeError, match="set NEXTAUTH_SECRET or AUTH_SECRET, or say secret="):
        read_session("")


@pytest.mark.parametrize("secret", ["", [], ["", "a"], ("a", "")])
def test_an_empty_secret_is_refused(secret: Any) -> None:
    with pytest.raises(ValueError, match="empty"):
        read_session("", secret=secret)


def test_an_empty_variable_is_none(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AUTH_SECRET", "")
    with pytest.raises(RuntimeError):
        read_session("")


def test_a_backend_may_call_its_cookie_otherwise() -> None:
    token = V5Tokens().encode(ADA, SECRET, 60, "sid")
    assert read_session(f"sid={token}", secret=SECRET, cookie_name="sid") is not None
    assert read_session(f"sid={token}", secret=SECRET) is None
    assert read_session(cookie_for("v5"), secret=SECRET, cookie_name="sid") is None


def test_the_cookie_that_only_https_can_set_comes_first() -> None:
    planted, own = cookie_for("v4", {"sub": "evil"}), cookie_for("v4", prefix="__Secure-")
    for cookie in (f"{planted}; {own}", f"{own}; {planted}"):
        session = read_session(cookie, secret=SECRET)
        assert session is not None and session.claims["sub"] == "1"


@pytest.mark.parametrize("name", ["NEXTAUTH_URL", "AUTH_URL"])
@each_version
def test_on_https_no_cookie_counts_that_can_be_set_without_it(
    version: str, name: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv(name, "HTTPS://example.org/auth")
    assert read_session(cookie_for(version), secret=SECRET) is None
    assert read_session(f"authjs.session-token={'0' * 64}", secret=SECRET) is None
    for prefix in ("__Secure-", "__Host-"):
        assert read_session(cookie_for(version, prefix=prefix), secret=SECRET) is not None
    own = f"{USED[version][1]}.session-token"
    assert read_session(cookie_for(version), secret=SECRET, cookie_name=own) is not None


@each_version
def test_on_http_and_where_no_address_is_set_both_count(version: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("NEXTAUTH_URL_INTERNAL", "https://10.0.0.5")
    for address in ("", "http://localhost:3000"):
        monkeypatch.setenv("NEXTAUTH_URL", address)
        for prefix in ("", "__Secure-"):
            assert read_session(cookie_for(version, prefix=prefix), secret=SECRET) is not None


def test_a_cookie_of_an_older_backend_does_not_hide_the_other() -> None:
    session = read_session(f"authjs.session-token=gone; {cookie_for('v4')}", secret=SECRET)
    assert session is not None


def test_a_session_callback_adds_what_the_backends_adds() -> None:
    class WithRole(TokenSession):
        role: str

    def add_role(session: dict[str, Any], claims: dict[str, Any]) -> dict[str, Any]:
        return {**session, "role": claims["role"]}

    session = read_session(cookie_for("v4"), secret=SECRET, session_callback=add_role, session_type=WithRole)
    assert session is not None
    assert (session.role, session.user.name) == ("admin", "Ada Lovelace")


def test_a_session_callback_may_say_that_it_is_nobody() -> None:
    def is_banned(session: dict[str, Any], claims: dict[str, Any]) -> dict[str, Any] | None:
        return None if claims["sub"] == "1" else session

    cookies = f"{cookie_for('v5')}; {cookie_for('v4', {**ADA, 'sub': '2'})}"
    assert read_session(cookies, secret=SECRET, session_callback=is_banned) is None
    assert read_session(cookie_for("v4", {"sub": "2"}), secret=SECRET, session_callback=is_banned) is not None


def test_a_session_callback_is_held_to_what_a_backend_may_answer() -> None:
    with pytest.raises(UnexpectedAnswer, match="neither who it is nor when it ends"):
        read_session(cookie_for("v4"), secret=SECRET, session_callback=lambda session, claims: {"role": "admin"})
    with pytest.raises(UnexpectedAnswer, match="`expires` that cannot be read"):
        read_session(cookie_for("v4"), secret=SECRET, session_callback=lambda session, claims: {"expires": "soon"})


def test_a_session_callback_that_is_no_plain_function_is_refused() -> None:
    async def callback(session: Any, claims: Any) -> Any:
        return session

    for wrong in (callback, "role"):
        with pytest.raises(TypeError, match="a plain function of the session and the claims"):
            read_session("", secret=SECRET, session_callback=wrong)  # type: ignore[arg-type]


def test_the_claims_do_not_reach_the_page() -> None:
    session = read_session(cookie_for("v4", {**ADA, "accessToken": "at-1"}), secret=SECRET)
    assert session is not None
    assert "at-1" not in session_script(session) + json.dumps(session.to_dict()) + repr(session)


def test_fields_that_the_token_lacks_are_none() -> None:
    session = read_session(cookie_for("v4", {"sub": "1"}), secret=SECRET)
    assert session is not None
    assert session.user.to_dict() == {"name": None, "email": None, "image": None}


@pytest.mark.parametrize("version", ["v3", "v4", "v5", "v3-https", "v4-https", "v5-https"])
def test_cookies_that_real_backends_were_sent_are_read(version: str, monkeypatch: pytest.MonkeyPatch) -> None:
    for module in ("tokens", "reading"):
        monkeypatch.setattr(f"nextauth_server.{module}.time", SimpleNamespace(time=lambda: RECORDED_AT))
    cookies = {exchange["request"].get("headers", {}).get("Cookie", "") for _, exchange in recorded([version]).values()}
    sessions = [read_session(cookie, secret=f"test-secret-{version[:2]}") for cookie in cookies]
    assert "jsmith@example.com" in [session.user.email for session in sessions if session is not None]
    assert not any(read_session(cookie, secret="another") for cookie in cookies)


# ── who it is not ────────────────────────────────────────────────────────────────────────────────


@each_version
@pytest.mark.parametrize("max_age", [-3600, -1, 0])
def test_a_session_that_is_over_is_nobodys(version: str, max_age: float) -> None:
    assert read_session(cookie_for(version, max_age=max_age), secret=SECRET) is None


@each_version
def test_a_token_that_names_nobody_is_nobodys(version: str) -> None:
    """Such as the `state` of a sign-in under way, which older backends seal with the same key."""
    for claims in ({}, {"state": "x"}, {"code_verifier": "x"}, {"sub": "", "name": None}):
        assert read_session(cookie_for(version, claims), secret=SECRET) is None


@pytest.mark.parametrize("max_age", [1e12, 1e300])
def test_a_session_that_ends_when_no_calendar_goes_is_nobodys(max_age: float) -> None:
    assert read_session(cookie_for("v4", max_age=max_age), secret=SECRET) is None


@pytest.mark.parametrize("cookie", ["", "a=b", "next-auth.session-token", "authjs.session-token=", ";;;=;", "a=\x00"])
def test_who_has_no_such_cookie_is_nobody(cookie: str) -> None:
    assert read_session(cookie, secret=SECRET) is None


@pytest.mark.parametrize("token", ["0b4f6c7e-93a2-4f21-8a44-d3c1f8a2b7e5", "0123456789abcdef" * 4])
def test_a_session_in_the_database_has_to_be_asked_for(token: str) -> None:
    for name in SESSION_COOKIES:
        with pytest.raises(DatabaseSession, match=r"ask with `await get_session\(request\)`"):
            read_session(f"{name}={token}", secret=SECRET)


def test_a_session_in_the_database_that_the_backend_names_in_its_own_way_is_nobodys() -> None:
    assert read_session("authjs.session-token=ada-7f3c", secret=SECRET) is None


def test_a_v5_cookie_under_another_name_is_nobodys() -> None:
    token = cookie_for("v5").partition("=")[2]
    for name in SESSION_COOKIES:
        found = read_session(f"{name}={token}", secret=SECRET)
        assert (found is not None) == (name == "authjs.session-token")


@given(data=st.data(), version=st.sampled_from([*USED]))
def test_a_cookie_that_was_forged_cut_or_patched_is_nobodys(data: st.DataObject, version: str) -> None:
    name, _, token = cookie_for(version).partition("=")
    start = data.draw(st.integers(0, len(token) - 1))
    end = data.draw(st.integers(start, len(token)))
    text = st.text(st.characters(exclude_characters=';%"', exclude_categories=["Z", "C"]), max_size=5)
    forged = token[:start] + data.draw(text) + token[end:]
    assert forged == token or read_session(f"{name}={forged}", secret=SECRET) is None


@given(
    pieces=st.lists(
        st.tuples(st.sampled_from([*SESSION_COOKIES, "a"]), st.sampled_from(["", ".0", ".1", ".99", ".100", ".-1"])),
        max_size=100,
    ),
    values=st.lists(st.text(), min_size=1),
)
def test_any_junk_in_any_chunks_is_nobodys(pieces: list[tuple[str, str]], values: list[str]) -> None:
    cookie = "; ".join([f"{name}{end}={values[index % len(values)]}" for index, (name, end) in enumerate(pieces)])
    assert read_session(cookie, secret=SECRET) is None


def test_the_pieces_of_two_peoples_cookies_make_nobody() -> None:
    ada, alan = [cookie_for("v4", {"sub": sub, "groups": "x" * 2 * CHUNK_SIZE}).split("; ") for sub in ("1", "2")]
    assert len(ada) == len(alan) > 2
    for place in range(len(ada)):
        assert read_session("; ".join([*ada[:place], alan[place], *ada[place + 1 :]]), secret=SECRET) is None


@pytest.mark.parametrize(
    "cookie",
    [
        "authjs.session-token=" + "x" * 10**6,
        "next-auth.session-token=" + "eyJ" * 333_333,
        "next-auth.session-token=eyJhbGciOiJkaXIiLCJlbmMiOiJBMjU2R0NNIn0..AAAAAAAAAAAAAAAA." + "A" * 10**6 + ".AAAA",
        "a=b;" * 250_000,
        ";" * 10**6,
        "next-auth.session-token.0=x; " * 30_000,
        "; ".join([f"next-auth.session-token.{number}=x" for number in range(30_000)]),
    ],
    ids=["long", "like a token", "long and whole", "many", "empty", "the same", "many chunks"],
)
def test_a_megabyte_of_cookies_is_read_in_bounded_time(cookie: str) -> None:
    start = time.process_time()
    assert read_session(cookie, secret=SECRET) is None
    assert time.process_time() - start < 2


def test_a_copy_of_a_cookie_is_good_after_its_owner_has_signed_out_for_it_is_the_session(backend: Backend) -> None:
    cookie = backend.sign_in()
    with httpx.Client(base_url=backend.url, headers={"Cookie": cookie}) as browser:
        token = browser.get("/api/auth/csrf").json()["csrfToken"]
        signed_out = browser.post("/api/auth/signout", data={"csrfToken": token, "json": "true"})
        assert "next-auth.session-token=;" in signed_out.headers["set-cookie"].replace('""', "")
    session = read_session(cookie, secret=DEVELOPMENT_SECRET)
    assert session is not None and session.user.name == "Ada Lovelace"


def test_the_benchmark_says_what_to_install_for_the_comparison(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setitem(sys.modules, "fastapi_nextauth_jwt", None)
    monkeypatch.setattr(sys, "argv", ["read_session", "--rounds", "1", "--seconds", "0.001"])
    read_session_benchmark.main()
    *figures, last = capsys.readouterr().out.splitlines()
    assert [line.partition(":")[0] for line in figures] == list(USED)
    assert "pip install fastapi-nextauth-jwt" in last
