"""What is read of a request of each framework, and what is sent on."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from django.http import HttpRequest
from nextauth_client import NotAvailableHere
from nextauth_server import get_session, get_session_sync

from .conftest import Backend
from .frameworks import REQUESTS, App, Run


@pytest.fixture(params=REQUESTS, ids=lambda make: make.__name__)
def app(request: pytest.FixtureRequest, run: Run) -> App:
    make: Callable[[Run], App] = request.param
    return make(run)


def test_s8_the_requests_cookie_says_who_is_signed_in(app: App, backend: Backend) -> None:
    session, _, _ = app.get("/", cookie=backend.cookie).json()
    assert session["user"]["name"] == "Ada Lovelace"
    assert session["expires"].endswith("Z")


def test_s8_a_request_without_a_cookie_is_nobodys(app: App, backend: Backend) -> None:
    session, _, _ = app.get("/").json()
    assert session is None


def test_s9_the_csrf_token_is_that_of_the_requests_cookie(app: App, backend: Backend) -> None:
    _, token, _ = app.get("/", cookie=backend.cookie).json()
    [hashed] = [part for part in backend.cookie.split("; ") if part.startswith("next-auth.csrf-token=")]
    assert hashed.removeprefix("next-auth.csrf-token=").startswith(token)


def test_s10_the_providers_need_no_request(app: App, backend: Backend) -> None:
    _, _, providers = app.get("/").json()
    assert providers == ["credentials"]


def test_only_the_cookie_is_sent_on_and_the_requests_host_is_never_believed(app: App, backend: Backend) -> None:
    app.get(
        "/",
        cookie=backend.cookie,
        host="evil.example",
        x_forwarded_host="evil.example",
        x_forwarded_proto="https",
        authorization="Bearer secret",
        origin="https://evil.example",
        referer="https://evil.example/",
        accept_language="de",
    )
    own = {"host": backend.url.removeprefix("http://"), "accept": "application/json"}
    own |= {"cache-control": "no-store", "accept-encoding": "identity", "nextauth-asked-at": own["host"]}
    assert backend.seen == [
        ("/api/auth/session", {**own, "cookie": backend.cookie}),
        ("/api/auth/csrf", {**own, "cookie": backend.cookie}),
        ("/api/auth/providers", own),
    ]


def test_a_cookie_of_any_bytes_arrives_as_it_was(app: App, backend: Backend) -> None:
    app.get("/", cookie="a=\xe9; b=\xff")
    assert [headers.get("cookie") for _, headers in backend.seen] == ["a=\xe9; b=\xff", "a=\xe9; b=\xff", None]


def test_a_cookie_in_several_headers_counts_as_one(backend: Backend) -> None:
    parts = [(b"Cookie", part.encode()) for part in backend.cookie.split("; ")]
    session = get_session_sync({"type": "http", "headers": [(b"host", b"x"), *parts]})
    assert session is not None and session.user.name == "Ada Lovelace"
    assert backend.seen[0][1]["cookie"] == backend.cookie


def test_s8_a_django_request_that_a_test_made_by_hand_will_do(backend: Backend) -> None:
    request = HttpRequest()
    assert get_session_sync(request) is None
    request.META["HTTP_COOKIE"] = backend.cookie
    session = get_session_sync(request)
    assert session is not None and session.user.name == "Ada Lovelace"


@pytest.mark.parametrize("character", ["\n", "\r", "\0", "\x7f", "\u2028", "\U0001f600"])
def test_a_cookie_that_could_forge_a_header_is_refused(character: str, backend: Backend, run: Run) -> None:
    cookie = f"a=b{character}X-Admin: yes"
    for request in (cookie, {"REQUEST_METHOD": "GET", "HTTP_COOKIE": cookie}):
        with pytest.raises(ValueError, match="cookie"):
            get_session_sync(request)
        with pytest.raises(ValueError, match="cookie"):
            run(get_session(request))
    assert backend.seen == []


@pytest.mark.parametrize("thing", [b"a=b", 3, {"cookie": "a=b"}, object()])
def test_something_else_than_a_request_is_refused_by_name(thing: Any, backend: Backend) -> None:
    with pytest.raises(TypeError, match=f"{type(thing).__name__} is no request"):
        get_session_sync(thing)


def test_s8_a_forgotten_request_is_an_error_and_not_nobody(backend: Backend, run: Run) -> None:
    with pytest.raises(NotAvailableHere, match=r"get_session\(request\)"):
        run(get_session(None))
