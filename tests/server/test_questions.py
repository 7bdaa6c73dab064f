"""Where the backend is asked, what its answers mean, and the client it is asked with."""

from __future__ import annotations

import json
import logging
import socket
import threading
import time
import tracemalloc
import zlib
from collections.abc import Callable
from typing import Any

import httpx
import nextauth_client
import nextauth_server
import pytest
from nextauth_client import BackendUnreachable, Session, UnexpectedAnswer

from .conftest import Backend, Scripted
from .frameworks import Run

ADA = {"user": {"name": "Ada Lovelace"}, "expires": "2030-01-01T00:00:00.000Z", "role": "admin"}

FUTURE = ADA["expires"]
PAST = "2020-01-01T00:00:00.000Z"

BUSY = 20  # seconds that a busy machine may take for a tenth of one; httpx alone waits longer for such a backend
Ask = Callable[..., Any]


@pytest.fixture(params=["async", "sync"])
def ways(request: pytest.FixtureRequest, run: Run) -> dict[str, Ask]:
    """The three questions by name, in both forms."""
    names = ["get_session", "get_csrf_token", "get_providers"]
    if request.param == "sync":
        return {name: getattr(nextauth_server, f"{name}_sync") for name in names}

    def called(name: str) -> Ask:
        return lambda *args, **options: run(getattr(nextauth_server, name)(*args, **options))

    return {name: called(name) for name in names}


@pytest.fixture
def get_session(ways: dict[str, Ask]) -> Ask:
    return ways["get_session"]


# What an answer means


def test_s7_it_asks_the_session_endpoint_and_gives_what_the_backend_said(get_session: Ask, scripted: Scripted) -> None:
    scripted.answer(200, json.dumps({**ADA, "deep": {"er": [1, {"x": "ü🦊"}]}}))
    session = get_session("a=b")
    assert [path for path, _ in scripted.seen] == ["/api/auth/session"]
    assert isinstance(session, Session)
    assert session.user.name == "Ada Lovelace" and session.user.image is None
    assert session.role == "admin"
    assert session.deep.er[1].x == "ü🦊"


@pytest.mark.parametrize("nobody", ["{}", "null"])
def test_s7_nobody_is_none(nobody: str, get_session: Ask, scripted: Scripted) -> None:
    scripted.answer(200, nobody)
    assert get_session("a=b") is None


def test_a_session_type_of_ones_own(get_session: Ask, scripted: Scripted) -> None:
    class MySession(Session):
        role: str

    scripted.answer(200, json.dumps(ADA))
    assert type(get_session("a=b", session_type=MySession)) is MySession


BAD_ANSWERS = {
    "a redirect to HTML": (302, "<html>sign in</html>", ("Location", "/login")),
    "a redirect to itself": (307, "", ("Location", "/api/auth/session")),
    "a redirect with a session in it": (302, json.dumps(ADA), ("Location", "/")),
    "500 with JSON": (500, '{"message": "There is a problem with the server configuration."}'),
    "500 with nobody": (500, "{}"),
    "503 with HTML": (503, "<h1>down</h1>"),
    "200 with HTML": (200, "<!doctype html>"),
    "an empty body": (200, ""),
    "JSON cut short": (200, '{"user": {"name": "A'),
    "JSON nested without end": (200, "[" * 100_000),
    "no UTF-8": (200, "\udcff"),
    "a list": (200, "[]"),
    "a user that is none": (200, '{"user": "Ada"}'),
    "what another API says": (200, '{"status": "ok"}'),
    "an end that cannot be read": (200, '{"expires": "soon"}'),
    "an end without an offset": (200, '{"user": {}, "expires": "2020-01-01T00:00:00"}'),
    "an end in Unix seconds": (200, '{"user": {"name": "Ada"}, "expires": 1577836800}'),
    "an end as headers write it": (200, '{"user": {"name": "Ada"}, "expires": "Wed, 01 Jan 2020 00:00:00 GMT"}'),
    "an end before all time": (200, '{"user": {"name": "Ada"}, "expires": "1969-01-01T00:00:00Z"}'),
    "an end that is empty": (200, '{"user": {"name": "Ada"}, "expires": ""}'),
    "an end that is false": (200, '{"user": {"name": "Ada"}, "expires": false}'),
    "an empty user without an end": (200, '{"user": {}}'),
    "an empty user and null": (200, '{"user": {}, "expires": null}'),
}


@pytest.mark.parametrize("bad", BAD_ANSWERS.values(), ids=BAD_ANSWERS)
def test_what_cannot_be_understood_is_never_nobody(bad: Any, get_session: Ask, scripted: Scripted) -> None:
    status, body, *headers = bad
    scripted.answer(status, "", *headers)
    scripted.body = body.encode("utf-8", "surrogateescape")
    with pytest.raises(UnexpectedAnswer, match="with a redirect" if headers else None):
        get_session("a=b")
    assert len(scripted.seen) == 1, "a redirect was followed"


@pytest.mark.parametrize("spelt", ["/api/auth/session/", "session/", "{origin}/api/auth/session/"])
def test_a_backend_that_wants_a_slash_at_the_end_is_asked_there(
    spelt: str, get_session: Ask, scripted: Scripted
) -> None:
    scripted.leads_to = spelt.format(origin=scripted.url)
    scripted.answer(200, json.dumps(ADA))
    session = get_session("a=b")
    assert session is not None and session.user.name == ADA["user"]["name"]
    assert [path for path, _ in scripted.seen] == ["/api/auth/session", "/api/auth/session/"]
    assert [headers["cookie"] for _, headers in scripted.seen] == ["a=b", "a=b"]


@pytest.mark.parametrize(
    "elsewhere", ["/api/auth/session/?a=b", "/api/auth/sessions/", "//other.example/api/auth/session/"]
)
def test_no_other_redirect_gets_the_cookie(elsewhere: str, get_session: Ask, scripted: Scripted) -> None:
    scripted.leads_to = elsewhere
    with pytest.raises(UnexpectedAnswer, match="redirect"):
        get_session("a=b")
    assert len(scripted.seen) == 1


@pytest.mark.parametrize("cookie", ["", " ", ";", "; \t", "=", "a=", "=b", "a", "a= ; =b"])
def test_whatever_the_backend_answers_a_request_without_a_cookie_is_nobodys(
    cookie: str, get_session: Ask, scripted: Scripted, caplog: pytest.LogCaptureFixture
) -> None:
    scripted.answer(200, json.dumps(ADA))
    assert get_session(cookie) is None
    assert len(scripted.seen) == 1
    assert "does a cache keep answers?" in caplog.text


def test_what_is_no_session_is_unknown_without_a_cookie_too(get_session: Ask, scripted: Scripted) -> None:
    scripted.answer(200, '{"status": "ok"}')
    with pytest.raises(UnexpectedAnswer, match="neither a user nor a time at which it expires"):
        get_session("")


@pytest.mark.parametrize("data", [{"expires": PAST}, {"expires": PAST, "user": {"name": "Ada"}}], ids=["", "user"])
def test_a_session_that_is_over_lets_nobody_in(
    data: Any, get_session: Ask, scripted: Scripted, caplog: pytest.LogCaptureFixture
) -> None:
    scripted.answer(200, json.dumps(data))
    assert get_session("a=b") is None
    assert "came that is over" in caplog.text


@pytest.mark.parametrize(
    "data",
    [
        {"expires": FUTURE},
        {"user": {}, "expires": FUTURE},
        {"user": {"name": "Ada"}},
        {"user": {"name": "Ada"}, "expires": None},
    ],
    ids=json.dumps,
)
def test_s3_a_session_may_lack_what_the_backends_callback_leaves_out(
    data: Any, get_session: Ask, scripted: Scripted
) -> None:
    scripted.answer(200, json.dumps(data))
    assert get_session("a=b") == data


def test_no_cache_on_the_way_is_to_answer(ways: dict[str, Ask], scripted: Scripted) -> None:
    scripted.answer(200, json.dumps({**ADA, "csrfToken": "t"}))
    ways["get_session"]("a=b")
    ways["get_csrf_token"]("a=b")
    assert [headers["cache-control"] for _, headers in scripted.seen] == ["no-store"] * 2


@pytest.mark.parametrize("question", ["get_csrf_token", "get_providers"])
def test_the_other_questions_raise_alike(question: str, ways: dict[str, Ask], scripted: Scripted) -> None:
    scripted.answer(500, "{}")
    with pytest.raises(UnexpectedAnswer):
        ways[question](*["a=b"] * (question == "get_csrf_token"))


def test_a_backend_that_does_not_answer_in_time_is_unreachable(ways: dict[str, Ask], scripted: Scripted) -> None:
    scripted.hang = True
    for name, args in [("get_session", ["a=b"]), ("get_csrf_token", ["a=b"]), ("get_providers", [])]:
        with pytest.raises(BackendUnreachable, match="in time"):
            ways[name](*args, timeout=0.05)


# What a backend says of the length of its answer, whose body has another.
LIES = {"more": "999", "less": "9", "negative": "-1", "a word": "x", "two": "1, 2", "endless": "9" * 5000}


@pytest.mark.parametrize("length", LIES.values(), ids=LIES)
def test_a_backend_that_lies_about_its_length_says_nothing_of_who_it_is(
    length: str, get_session: Ask, scripted: Scripted
) -> None:
    scripted.answer(200, json.dumps(ADA))
    scripted.length = length
    with pytest.raises((BackendUnreachable, UnexpectedAnswer), match=r"Is the backend running|Check base_url"):
        get_session("a=b")


def test_a_backend_whose_answer_drips_is_unreachable_when_the_time_is_over(
    ways: dict[str, Ask], scripted: Scripted
) -> None:
    scripted.answer(200, " " * 100 + "{}")
    scripted.drip = 0.02
    for name, args in [("get_session", ["a=b"]), ("get_csrf_token", ["a=b"]), ("get_providers", [])]:
        with pytest.raises(BackendUnreachable, match="in time"):
            ways[name](*args, timeout=0.2)


def test_a_backend_whose_headers_drip_is_unreachable_when_the_time_is_over(
    ways: dict[str, Ask], scripted: Scripted
) -> None:
    scripted.drip_head = 0.02
    for name, args in [("get_session", ["a=b"]), ("get_csrf_token", ["a=b"]), ("get_providers", [])]:
        started = time.monotonic()
        with pytest.raises(BackendUnreachable, match="in time"):
            ways[name](*args, timeout=0.2)
        assert time.monotonic() - started < BUSY
    assert_no_thread_goes_on()


def test_headers_that_drip_on_a_connection_that_was_kept_are_not_waited_for(scripted: Scripted) -> None:
    scripted.answer(200, json.dumps(ADA))
    with httpx.Client() as client:
        assert nextauth_server.get_session_sync("a=b", client=client) == ADA
        scripted.drip_head = 0.02
        started = time.monotonic()
        with pytest.raises(BackendUnreachable, match="in time"):
            nextauth_server.get_session_sync("a=b", timeout=0.2, client=client)
        assert time.monotonic() - started < BUSY
        assert_no_thread_goes_on()
        scripted.drip_head = 0
        assert nextauth_server.get_session_sync("a=b", client=client) == ADA
    assert len(scripted.ports) == 2, "the connection was not kept"


def test_a_name_server_that_takes_its_time_is_not_waited_for(monkeypatch: pytest.MonkeyPatch) -> None:
    answered = threading.Event()

    def slow(*_: object, **__: object) -> Any:
        answered.wait(60)
        raise socket.gaierror

    monkeypatch.setattr(socket, "getaddrinfo", slow)
    started = time.monotonic()
    with pytest.raises(BackendUnreachable, match="in time"):
        nextauth_server.get_session_sync("a=b", base_url="http://slow.test", timeout=0.1)
    assert time.monotonic() - started < BUSY
    answered.set()
    assert_no_thread_goes_on()


def assert_no_thread_goes_on() -> None:
    for thread in threading.enumerate():
        if thread.name == "nextauth_server":
            thread.join(10)
            assert not thread.is_alive()


def test_what_is_raised_while_asking_reaches_whoever_asked() -> None:
    def broken(request: httpx.Request) -> httpx.Response:
        raise ZeroDivisionError("mine")

    with httpx.Client(transport=httpx.MockTransport(broken)) as client, pytest.raises(ZeroDivisionError, match="mine"):
        nextauth_server.get_session_sync("a=b", base_url="http://backend.test", client=client)


@pytest.mark.heavy("packs large answers")
@pytest.mark.parametrize("encoding", ["gzip", "deflate", "GZIP", "br", "gzip, gzip"])
def test_an_answer_that_comes_compressed_is_refused_before_it_is_unpacked(
    encoding: str, get_session: Ask, scripted: Scripted
) -> None:
    scripted.answer(200, "", ("Content-Encoding", encoding))
    scripted.body = zlib.compress(b" " * 50_000_000, wbits=31)
    tracemalloc.start()
    with pytest.raises(UnexpectedAnswer, match="came compressed"):
        get_session("a=b")
    _, most = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert most < 5_000_000
    assert scripted.seen[0][1]["accept-encoding"] == "identity"


def test_an_answer_that_is_too_large_is_unexpected(get_session: Ask, scripted: Scripted) -> None:
    scripted.answer(200, json.dumps({**ADA, "much": "x" * 1_190_000}))
    assert len(get_session("a=b").much) == 1_190_000
    scripted.answer(200, json.dumps({**ADA, "much": "x" * 1_200_000}))
    with pytest.raises(UnexpectedAnswer, match=r"too large: more than 1200 kB\. Let the backend put less into it"):
        get_session("a=b")


def test_an_answer_that_is_too_large_is_not_read_to_its_end() -> None:
    pieces = iter([b" " * 100_000] * 1000)
    transport = httpx.MockTransport(lambda request: httpx.Response(200, content=pieces))
    with httpx.Client(transport=transport) as client, pytest.raises(UnexpectedAnswer, match="too large"):
        nextauth_server.get_session_sync("a=b", base_url="http://backend.test", client=client)
    assert len(list(pieces)) > 900


def test_a_backend_that_is_not_there_is_unreachable(get_session: Ask, scripted: Scripted) -> None:
    scripted.stop()
    with pytest.raises(BackendUnreachable, match=scripted.url):
        get_session("a=b")


def test_an_answer_that_is_not_http_is_unreachable() -> None:
    def broken(request: httpx.Request) -> httpx.Response:
        raise httpx.RemoteProtocolError("illegal status line")

    with (
        httpx.Client(transport=httpx.MockTransport(broken)) as client,
        pytest.raises(BackendUnreachable, match="illegal status line"),
    ):
        nextauth_server.get_session_sync("a=b", base_url="http://backend.test", client=client)


def test_neither_errors_nor_logs_show_the_cookie(
    get_session: Ask, scripted: Scripted, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG, "nextauth_server")
    scripted.answer(500, "secret")
    with pytest.raises(UnexpectedAnswer) as unexpected:
        get_session("a=secret")
    scripted.stop()
    with pytest.raises(BackendUnreachable) as unreachable:
        get_session("a=secret")
    shown = [str(error.value) + repr(error.value) for error in (unexpected, unreachable)]
    assert "secret" not in "".join(shown) + caplog.text


# Where it is asked


@pytest.fixture
def asked() -> Callable[..., str]:
    """The URL that is asked, with these environment variables and options."""

    def asked(variables: dict[str, str] | None = None, **options: Any) -> str:
        urls = []

        def note(request: httpx.Request) -> httpx.Response:
            urls.append(str(request.url))
            return httpx.Response(200, text="null")

        with pytest.MonkeyPatch.context() as patch, httpx.Client(transport=httpx.MockTransport(note)) as client:
            for name, value in (variables or {}).items():
                patch.setenv(name, value)
            nextauth_server.get_session_sync("a=b", client=client, **options)
        return urls[0]

    return asked


@pytest.mark.parametrize(
    ("variables", "options", "url"),
    [
        ({"NEXTAUTH_URL": "https://a.test"}, {}, "https://a.test/api/auth/session"),
        ({"NEXTAUTH_URL": "https://a.test/"}, {}, "https://a.test/api/auth/session"),
        ({"AUTH_URL": "https://a.test/auth"}, {}, "https://a.test/auth/session"),
        ({"NEXTAUTH_URL": "https://a.test:8443/x/api/auth/"}, {}, "https://a.test:8443/x/api/auth/session"),
        ({"NEXTAUTH_URL": "https://a.test", "AUTH_URL": "https://b.test"}, {}, "https://a.test/api/auth/session"),
        (
            {"NEXTAUTH_URL_INTERNAL": "http://10.0.0.1:3000", "NEXTAUTH_URL": "https://a.test/auth"},
            {},
            "http://10.0.0.1:3000/api/auth/session",
        ),
        ({"NEXTAUTH_URL": "", "AUTH_URL": "https://b.test"}, {}, "https://b.test/api/auth/session"),
        ({"AUTH_URL": "https://a.test"}, {"base_path": "/auth"}, "https://a.test/auth/session"),
        ({"AUTH_URL": "https://a.test/api/auth"}, {"base_path": "/auth/"}, "https://a.test/auth/session"),
        ({"AUTH_URL": "https://a.test/api/auth"}, {"base_path": "/"}, "https://a.test/session"),
        ({"NEXTAUTH_URL": "https://a.test"}, {"base_url": "http://b.test"}, "http://b.test/api/auth/session"),
        ({}, {"base_url": "http://b.test/auth"}, "http://b.test/auth/session"),
        ({}, {"base_url": "http://b.test/x/", "base_path": "/api/auth"}, "http://b.test/x/api/auth/session"),
        ({}, {"base_url": "http://[::1]:3000"}, "http://[::1]:3000/api/auth/session"),
    ],
)
def test_the_address_is_the_argument_or_the_first_variable_that_is_set(
    variables: dict[str, str], options: dict[str, Any], url: str, asked: Callable[..., str]
) -> None:
    assert asked(variables, **options) == url


def test_with_no_address_the_error_names_the_variables(ways: dict[str, Ask]) -> None:
    with pytest.raises(RuntimeError, match="set NEXTAUTH_URL_INTERNAL or NEXTAUTH_URL or AUTH_URL"):
        ways["get_session"]({"REQUEST_METHOD": "GET", "HTTP_HOST": "believe.me"})


@pytest.mark.parametrize(
    "address",
    [
        "example.org",
        "localhost:3000",
        "//example.org",
        "ftp://example.org",
        "javascript:alert(1)",
        "https://",
        "https://user:password@example.org",
        "https://example.org?x=1",
        "https://example.org?",
        "https://example.org/?#",
        "https://example.org/#x",
        "https://example.org/#",
        "https://example.org\r\nX: y",
    ],
)
def test_an_address_that_is_none_is_refused(address: str, asked: Callable[..., str]) -> None:
    with pytest.raises(ValueError, match="base_url is an absolute"):
        asked(base_url=address)
    with pytest.raises(ValueError, match="AUTH_URL is an absolute"):
        asked({"AUTH_URL": address})


def test_a_base_path_without_a_slash_is_refused(asked: Callable[..., str]) -> None:
    with pytest.raises(ValueError, match="begins with a slash"):
        asked(base_url="http://b.test", base_path="auth")


# The client


def test_a_proxy_or_a_netrc_of_the_machine_adds_nothing(
    get_session: Ask, scripted: Scripted, monkeypatch: pytest.MonkeyPatch, tmp_path: Any
) -> None:
    (tmp_path / "netrc").write_text("default login me password secret")
    monkeypatch.setenv("NETRC", str(tmp_path / "netrc"))
    monkeypatch.setenv("HTTP_PROXY", "http://127.0.0.1:1")
    assert get_session("a=b") is None
    assert "authorization" not in scripted.seen[0][1]


def test_a_client_of_ones_own_keeps_no_cookie_for_the_next_person(run: Run, scripted: Scripted) -> None:
    scripted.answer(200, json.dumps(ADA), ("Set-Cookie", "next-auth.session-token=adas; Path=/; HttpOnly"))

    def settings() -> Any:
        return {"headers": {"Authorization": "Bearer own"}, "auth": ("me", "secret"), "follow_redirects": True}

    async def two_people() -> None:
        async with httpx.AsyncClient(**settings()) as client:
            for cookie in ("next-auth.session-token=old", ""):
                await nextauth_server.get_session(cookie, client=client)

    run(two_people())
    with httpx.Client(**settings()) as client:
        for cookie in ("next-auth.session-token=old", ""):
            nextauth_server.get_session_sync(cookie, client=client)
    assert [headers.get("cookie") for _, headers in scripted.seen] == ["next-auth.session-token=old", None] * 2
    assert not any("authorization" in headers for _, headers in scripted.seen)


def test_a_client_of_ones_own_follows_no_redirect(scripted: Scripted) -> None:
    scripted.answer(302, "", ("Location", "/elsewhere"))
    with httpx.Client(follow_redirects=True) as client, pytest.raises(UnexpectedAnswer):
        nextauth_server.get_session_sync("a=b", client=client)
    assert len(scripted.seen) == 1


# Cookies that the backend sets


def test_what_the_backend_sets_can_be_passed_on(ways: dict[str, Ask], scripted: Scripted) -> None:
    both = [("Set-Cookie", "a=1; Path=/; Expires=Thu, 01 Jan 2032 00:00:00 GMT"), ("Set-Cookie", "b=2; HttpOnly")]
    scripted.answer(200, json.dumps({**ADA, "csrfToken": "t"}), *both)
    for name in ("get_session", "get_csrf_token"):
        set_cookies: list[str] = []
        ways[name]("a=b", set_cookies=set_cookies)
        assert set_cookies == [value for _, value in both]


def test_s9_a_first_csrf_token_works_with_the_cookie_that_came_with_it(ways: dict[str, Ask], backend: Backend) -> None:
    set_cookies: list[str] = []
    token = ways["get_csrf_token"]("", set_cookies=set_cookies)
    form = {"csrfToken": token, "json": "true", "username": "ada", "password": "lovelace"}
    cookie = "; ".join(value.partition(";")[0] for value in set_cookies)
    url = f"{backend.url}/api/auth/callback/credentials"
    answer = httpx.post(url, data=form, headers={"Cookie": cookie})
    assert answer.status_code == 200 and "csrf=true" not in answer.json()["url"]


def test_a_session_lives_on_although_its_rolled_cookie_was_not_passed_on(get_session: Ask, backend: Backend) -> None:
    set_cookies: list[str] = []
    assert get_session(backend.cookie, set_cookies=set_cookies) is not None
    assert set_cookies[0].startswith("next-auth.session-token=")
    assert get_session(backend.cookie).user.name == "Ada Lovelace"


# The same names without `.server`


def test_s8_s9_s10_the_packages_own_functions_ask_here_too(run: Run, backend: Backend) -> None:
    request = {"REQUEST_METHOD": "GET", "HTTP_COOKIE": backend.cookie}

    class MySession(Session):
        pass

    session = run(nextauth_client.get_session(request, session_type=MySession))
    assert type(session) is MySession and session.user.name == "Ada Lovelace"
    assert len(run(nextauth_client.get_csrf_token(request))) == 64
    assert run(nextauth_client.get_providers())["credentials"].name == "Credentials"
