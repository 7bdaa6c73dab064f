"""Session cookies between a Python server and real backends: each reads what the other has made."""

from __future__ import annotations

from typing import Any

import httpx
import pytest
from nextauth_client.times import parse_iso
from nextauth_server import DatabaseSession, read_session
from nextauth_server.cookies import split
from nextauth_server.tokens import TokenFormat, V3Tokens, V4Tokens, V5Tokens

from tests.backends.conftest import EACH_VERSION, StartBackend, each_version
from tests.support.real_backends import Mailbox, RealBackend, version_of

FORMATS: dict[int, tuple[TokenFormat, str]] = {
    3: (V3Tokens(), "next-auth.session-token"),
    4: (V4Tokens(), "next-auth.session-token"),
    5: (V5Tokens(), "authjs.session-token"),
}
MAX_AGE = 30 * 24 * 3600


def secret_of(backend: RealBackend) -> str:
    return f"a secret of v{backend.version}"


def browser_at(backend: RealBackend) -> httpx.Client:
    """Browsers resolve `*.localhost` to this machine, other programs may not."""
    url = httpx.URL(backend.base)
    return httpx.Client(base_url=url.copy_with(host="127.0.0.1"), headers={"Host": url.netloc.decode()})


def signed_in(backend: RealBackend, username: str = "ada", password: str = "lovelace") -> str:
    """The cookies of somebody who has signed in."""
    with browser_at(backend) as browser:
        fields = {"csrfToken": browser.get("csrf").json()["csrfToken"], "username": username, "password": password}
        form = {"data": {**fields, "json": "true"}, "headers": {"X-Auth-Return-Redirect": "1"}}
        browser.post("callback/credentials", **form).raise_for_status()  # type: ignore[arg-type]
        return "; ".join([f"{cookie.name}={cookie.value}" for cookie in browser.cookies.jar])


def answer_to(cookie: str, backend: RealBackend) -> Any:
    """What the backend itself says of a cookie."""
    with browser_at(backend) as browser:
        return browser.get("session", headers={"Cookie": cookie}).raise_for_status().json()


@each_version
def test_a_cookie_that_a_real_backend_has_set_is_read(backend: RealBackend) -> None:
    cookie = signed_in(backend)
    session = read_session(cookie, secret=["another", secret_of(backend)])
    assert session is not None
    said = answer_to(cookie, backend)
    assert session.user.to_dict() == said["user"]
    assert session.claims["sub"] == "1"
    end, rolled = parse_iso(session.expires), parse_iso(said["expires"])
    assert end is not None and rolled is not None and 0 <= rolled - end < 60
    assert read_session(cookie, secret="another") is None


@each_version
def test_a_large_cookie_that_a_real_backend_has_set_in_pieces_is_read(backend: RealBackend) -> None:
    name = "Ada " * 1200
    cookie = signed_in(backend, name, "echo")
    assert backend.version == 3 or ".session-token.1=" in cookie
    session = read_session(cookie, secret=secret_of(backend))
    assert session is not None and session.user.name == name


@pytest.mark.parametrize(
    ("backend", "size"),
    # v3 knows no pieces.
    [(name, size) for name in EACH_VERSION for size in (0, 5000) if size == 0 or version_of(name) > 3],
    indirect=["backend"],
)
def test_a_real_backend_takes_a_cookie_that_was_made_here(backend: RealBackend, size: int) -> None:
    tokens, name = FORMATS[backend.version]
    claims = {"sub": "9", "name": "Grace Hopper", "email": "grace@example.com", "picture": None, "more": "x" * size}
    made = split(name, tokens.encode(claims, secret_of(backend), MAX_AGE, name))
    assert (len(made) > 1) == (size > 0)
    cookie = "; ".join([f"{name}={value}" for name, value in made.items()])
    said = answer_to(cookie, backend)
    assert said["user"]["name"] == "Grace Hopper"
    session = read_session(cookie, secret=secret_of(backend))
    assert session is not None and session.claims["more"] == claims["more"]
    forged = cookie[:-8] + ("AAAAAAAA" if cookie[-8:] != "AAAAAAAA" else "BBBBBBBB")
    assert not answer_to(forged, backend)
    assert read_session(forged, secret=secret_of(backend)) is None


@each_version
def test_what_is_over_is_over_here_and_there(backend: RealBackend) -> None:
    tokens, name = FORMATS[backend.version]
    cookie = f"{name}={tokens.encode({'sub': '1', 'name': 'Ada'}, secret_of(backend), -60, name)}"
    assert not answer_to(cookie, backend)
    assert read_session(cookie, secret=secret_of(backend)) is None


@pytest.mark.parametrize("name", EACH_VERSION)
def test_a_session_in_a_real_backends_database_has_to_be_asked_for(
    name: str, start_backend: StartBackend, mailbox: Mailbox
) -> None:
    backend = start_backend(name, strategy="database")
    address = f"read.{name}@example.com"
    with browser_at(backend) as browser:
        fields = {"csrfToken": browser.get("csrf").json()["csrfToken"], "email": address, "json": "true"}
        browser.post("signin/email", data=fields, headers={"X-Auth-Return-Redirect": "1"}).raise_for_status()
        link = httpx.URL(mailbox.link_to(address))
        browser.get(link.copy_with(host="127.0.0.1"))
        cookie = "; ".join([f"{cookie.name}={cookie.value}" for cookie in browser.cookies.jar])
    assert answer_to(cookie, backend)["user"]["email"] == address
    with pytest.raises(DatabaseSession):
        read_session(cookie, secret=secret_of(backend))
