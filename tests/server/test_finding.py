"""How guards find out who it is: by the cookie, by asking, or lately asked; and which conditions have to hold."""

import json
from collections.abc import Callable, Iterator
from contextlib import suppress
from typing import Annotated, Any

import fastapi
import pytest
from nextauth_client import Session
from nextauth_server import TokenSession, forget_sessions, session_dependency
from nextauth_server.tokens import V4Tokens

from .conftest import Backend, Scripted
from .frameworks import App, Run
from .test_guards import FUTURE, HTML, VIEWS

SECRET = "a secret"
ADA = {"user": {"name": "Ada", "role": "admin", "roles": ["editor"], "verified": True}, "expires": FUTURE}


def fastapi_view(run: Run, **options: Any) -> App:
    app = fastapi.FastAPI()

    @app.get("/")
    async def view(session: Annotated[Session, fastapi.Depends(session_dependency(**options))]) -> Any:
        return fastapi.Response(session.user.name)

    return App(run, app, is_async=True)


@pytest.fixture(params=[fastapi_view, *VIEWS], ids=lambda make: make.__name__)
def make(request: pytest.FixtureRequest, run: Run) -> Callable[..., App]:
    return lambda **options: request.param(run, **options)


def cookie_for(claims: dict[str, Any], secret: str = SECRET) -> str:
    return f"next-auth.session-token={V4Tokens().encode(claims, secret, 60)}"


# ── with the secret, without asking ──────────────────────────────────────────────────────────────


def test_with_the_secret_a_guard_asks_nobody(make: Callable[..., App], scripted: Scripted) -> None:
    app = make(secret=[SECRET, "older"])
    answer = app.get("/", cookie=cookie_for({"name": "Ada"}))
    assert (answer.status_code, answer.text) == (200, "Ada")
    assert "private" in answer.headers["cache-control"] and "Cookie" in answer.headers["vary"]
    assert app.get("/", cookie=cookie_for({"name": "Ada"}, "older")).status_code == 200
    assert app.get("/", cookie=cookie_for({"name": "Ada"}, "another")).status_code == 401
    assert app.get("/").status_code == 401
    refused = app.get("/", accept=HTML)
    assert (refused.status_code, refused.headers["location"][: len(scripted.url)]) == (302, scripted.url)
    assert app.get("/", cookie="a=\x01").status_code == 400
    assert scripted.seen == []


def test_on_https_a_guard_takes_no_cookie_that_can_be_set_without_it(
    make: Callable[..., App], monkeypatch: pytest.MonkeyPatch
) -> None:
    cookie = cookie_for({"name": "Ada"})
    app = make(secret=SECRET, base_url="https://example.org")
    assert app.get("/", cookie=cookie).status_code == 401
    assert app.get("/", cookie=f"__Secure-{cookie}").status_code == 200
    monkeypatch.setenv("NEXTAUTH_URL", "http://localhost:3000")  # where browsers see it, whatever is asked
    assert app.get("/", cookie=cookie).status_code == 200
    monkeypatch.setenv("NEXTAUTH_URL", "https://example.org")
    assert make(secret=SECRET, base_url="http://10.0.0.5").get("/", cookie=cookie).status_code == 401


def test_a_session_in_the_database_is_unknown_to_a_guard_with_the_secret(
    make: Callable[..., App], scripted: Scripted, caplog: pytest.LogCaptureFixture
) -> None:
    app = make(secret=SECRET)
    assert app.get("/", cookie=f"next-auth.session-token={'0' * 64}").status_code == 503
    assert "ask with `await get_session(request)`" in caplog.text


@pytest.mark.parametrize(
    ("options", "error"),
    [
        ({"secret": ""}, ValueError),
        ({"secret": []}, ValueError),
        ({"cookie_name": "sid"}, TypeError),
        ({"session_callback": dict}, TypeError),
        ({"secret": SECRET, "session_callback": "role"}, TypeError),
        ({"cache": -1}, ValueError),
        ({"cache": float("inf")}, ValueError),
        ({"cache": float("nan")}, ValueError),
        ({"cache": "60"}, ValueError),
        ({"when": "admin"}, ValueError),
        ({"when": "user.role=admin user.verified"}, ValueError),
        ({"when": ["user.role=admin", ""]}, ValueError),
        ({"when": [None]}, TypeError),
        ({"when": "claims.role=admin"}, ValueError),
        ({"when": ["user.verified", "!claims.banned"]}, ValueError),
        ({"when": "!claims~=banned"}, ValueError),
        ({"whom": "user.role=admin"}, TypeError),
    ],
)
def test_options_that_make_no_sense_are_refused_at_once(
    make: Callable[..., App], options: dict[str, Any], error: type[Exception], scripted: Scripted
) -> None:
    with pytest.raises(error):
        make(**options)


# ── conditions ───────────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize(
    ("when", "holds"),
    [
        ("user.role=admin", True),
        ("user.role=reader", False),
        ("user.roles~=editor", True),
        ("!user.verified", False),
        (["user.role=admin", "user.verified"], True),
        (["user.role=admin", "!user.verified"], False),
        ([], True),
        (lambda session: session.user.role == "admin", True),
        (lambda session: None, False),
        (["user.role=admin", lambda session: False], False),
    ],
)
def test_who_does_not_fulfil_the_condition_is_403(
    make: Callable[..., App], when: Any, holds: bool, scripted: Scripted
) -> None:
    scripted.answer(200, json.dumps(ADA))
    app = make(when=when)
    answer = app.get("/", cookie="a=b")
    assert answer.status_code == (200 if holds else 403)
    assert "private" in answer.headers["cache-control"] and "Cookie" in answer.headers["vary"]
    if not holds:
        assert "may not see this page" in answer.text
        assert app.get("/", cookie="a=b", accept=HTML).status_code == 403
    scripted.answer(200, "{}")
    assert app.get("/", cookie="a=c").status_code == 401


def test_conditions_may_speak_of_the_claims_where_the_cookie_is_read(
    make: Callable[..., App], scripted: Scripted
) -> None:
    app = make(secret=SECRET, when="claims.role=admin")
    assert app.get("/", cookie=cookie_for({"name": "Ada", "role": "admin"})).status_code == 200
    assert app.get("/", cookie=cookie_for({"name": "Ada", "role": "reader"})).status_code == 403
    assert app.get("/", cookie=cookie_for({"name": "Ada"})).status_code == 403


class WithRole(Session):
    role: str


@pytest.mark.parametrize("session_type", [Session, TokenSession, WithRole])
def test_a_negated_condition_speaks_of_the_claims_whatever_the_sessions_type(
    make: Callable[..., App], session_type: type[Session], scripted: Scripted
) -> None:
    app = make(secret=SECRET, when="!claims.banned", session_type=session_type)
    assert app.get("/", cookie=cookie_for({"name": "Ada"})).status_code == 200
    assert app.get("/", cookie=cookie_for({"name": "Ada", "banned": True})).status_code == 403


def test_what_a_callback_calls_claims_is_none(make: Callable[..., App], scripted: Scripted) -> None:
    app = make(
        secret=SECRET,
        session_callback=lambda session, claims: {**session, "claims": {"role": "admin"}},
        when="claims.role=admin",
        session_type=WithRole,
    )
    assert app.get("/", cookie=cookie_for({"name": "Ada"})).status_code == 403


def test_what_the_session_callback_adds_counts_as_the_backends(make: Callable[..., App], scripted: Scripted) -> None:
    def add_role(session: dict[str, Any], claims: dict[str, Any]) -> dict[str, Any]:
        return {**session, "user": {**session["user"], "role": claims.get("role")}}

    app = make(secret=SECRET, session_callback=add_role, when="user.role=admin", session_type=TokenSession)
    assert app.get("/", cookie=cookie_for({"name": "Ada", "role": "admin"})).status_code == 200
    assert app.get("/", cookie=cookie_for({"name": "Ada"})).status_code == 403


CALLBACKS_LET_NOBODY_IN = {
    "nobody": (None, 401),
    "an empty session": ({}, 401),
    "a session that is over": ({"user": {"name": "Ada"}, "expires": "2020-01-01T00:00:00.000Z"}, 401),
    "an end that cannot be read": ({"user": {"name": "Ada"}, "expires": "soon"}, 503),
    "an end that is no text": ({"user": {"name": "Ada"}, "expires": 32503680000}, 503),
    "neither who nor until when": ({"role": "admin"}, 503),
    "an empty user without an end": ({"user": {}}, 503),
    "a user that is a text": ({"user": "Ada", "expires": FUTURE}, 503),
}


@pytest.mark.parametrize(("said", "status"), CALLBACKS_LET_NOBODY_IN.values(), ids=CALLBACKS_LET_NOBODY_IN)
def test_a_session_callback_lets_nobody_in_whom_the_backend_would_not(
    make: Callable[..., App], said: Any, status: int, scripted: Scripted
) -> None:
    app = make(secret=SECRET, session_callback=lambda session, claims: said)
    assert app.get("/", cookie=cookie_for({"name": "Ada"})).status_code == status


@pytest.mark.parametrize("said", [False, True, "Ada", [("user", {"name": "Ada"})], Session(ADA)])
def test_a_session_callback_that_returns_no_dict_is_told_what_to_return(
    make: Callable[..., App], said: Any, scripted: Scripted, caplog: pytest.LogCaptureFixture
) -> None:
    app = make(secret=SECRET, session_callback=lambda session, claims: said)
    assert f"or None for nobody, and not {type(said).__name__}" in failure(app, caplog)


def failure(app: App, caplog: pytest.LogCaptureFixture) -> str:
    """What is said where an app has failed."""
    try:
        assert app.get("/", cookie=cookie_for({"name": "Ada"})).status_code == 500
    except TypeError as error:  # which httpx's transport for ASGI raises, as the app does
        return str(error)
    return caplog.text


def test_a_session_callback_that_would_have_to_be_awaited_lets_nobody_in(
    make: Callable[..., App], scripted: Scripted, caplog: pytest.LogCaptureFixture
) -> None:
    async def callback(session: Any, claims: Any) -> Any:
        return session

    with pytest.raises(TypeError, match="plain function"):
        make(secret=SECRET, session_callback=callback)
    pending: list[Any] = []

    def disguised(session: Any, claims: Any) -> Any:
        pending.append(callback(session, claims))
        return pending[-1]

    assert "or None for nobody, and not coroutine" in failure(make(secret=SECRET, session_callback=disguised), caplog)
    for coroutine in pending:
        coroutine.close()


async def later(session: Any) -> bool:
    return False


def test_a_condition_that_would_have_to_be_awaited_lets_nobody_in(make: Callable[..., App], scripted: Scripted) -> None:
    with pytest.raises(TypeError, match="plain function"):
        make(when=later)
    scripted.answer(200, json.dumps(ADA))
    pending: list[Any] = []

    def disguised(session: Any) -> Any:
        pending.append(later(session))
        return pending[-1]

    app = make(when=disguised)
    with suppress(TypeError):  # which httpx's transport for ASGI raises, as the app does
        assert app.get("/", cookie="a=b").status_code == 500
    assert pending
    for coroutine in pending:
        coroutine.close()


def test_a_view_of_fastapi_for_anyone_takes_who_does_not_fulfil_it_for_nobody(run: Run, scripted: Scripted) -> None:
    scripted.answer(200, json.dumps(ADA))
    app = fastapi.FastAPI()
    find = session_dependency(required=False, when="user.role=reader")

    @app.get("/")
    async def view(session: Annotated[Session | None, fastapi.Depends(find)]) -> Any:
        return session is None

    assert App(run, app, is_async=True).get("/", cookie="a=b").json() is True


# ── what the backend said lately ─────────────────────────────────────────────────────────────────


class Clock:
    def __init__(self) -> None:
        self.now = 0.0

    def monotonic(self) -> float:
        return self.now

    def time(self) -> float:
        return self.now


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> Iterator[Clock]:
    clock = Clock()
    monkeypatch.setattr("nextauth_server.finding.time", clock)
    yield clock
    forget_sessions()


def test_without_a_cache_each_request_asks(make: Callable[..., App], backend: Backend) -> None:
    app = make()
    for _ in range(2):
        assert app.get("/", cookie=backend.cookie).status_code == 200
    assert len(backend.seen) == 2


def test_with_a_cache_the_same_cookies_ask_once_in_its_seconds(
    make: Callable[..., App], backend: Backend, clock: Clock
) -> None:
    app = make(cache=10)
    for now in (0.0, 9.9):
        clock.now = now
        assert app.get("/", cookie=backend.cookie).text == "Ada Lovelace"
    assert len(backend.seen) == 1
    clock.now = 10.0
    assert app.get("/", cookie=backend.cookie).text == "Ada Lovelace"
    assert len(backend.seen) == 2


def test_a_cache_gives_nobody_the_session_of_other_cookies(
    make: Callable[..., App], backend: Backend, clock: Clock
) -> None:
    app = make(cache=10)
    assert app.get("/", cookie=backend.cookie).status_code == 200
    assert app.get("/", cookie=backend.cookie[:-1]).status_code == 401
    assert app.get("/").status_code == 401
    assert app.get("/", cookie=backend.cookie).status_code == 200


def test_nobody_is_kept_by_no_cache(make: Callable[..., App], scripted: Scripted, clock: Clock) -> None:
    app = make(cache=10)
    assert app.get("/", cookie="a=b").status_code == 401
    scripted.answer(200, json.dumps(ADA))
    assert app.get("/", cookie="a=b").status_code == 200
    scripted.answer(500)
    assert app.get("/", cookie="a=b").status_code == 200


def test_a_session_that_ends_meanwhile_is_not_given_out(
    make: Callable[..., App], scripted: Scripted, clock: Clock
) -> None:
    scripted.answer(200, '{"user": {"name": "Ada"}, "expires": "2999-01-01T00:00:00.000Z"}')
    app = make(cache=10)
    assert app.get("/", cookie="a=b").status_code == 200
    scripted.answer(200, "{}")
    assert app.get("/", cookie="a=b").status_code == 200
    clock.time = lambda: 10.0**11  # type: ignore[method-assign]
    assert app.get("/", cookie="a=b").status_code == 401


def test_a_sign_out_on_this_process_empties_every_cache(
    make: Callable[..., App], scripted: Scripted, clock: Clock
) -> None:
    scripted.answer(200, json.dumps(ADA))
    app = make(cache=10)
    assert app.get("/", cookie="a=b").status_code == 200
    scripted.answer(200, "{}")
    assert app.get("/", cookie="a=b").status_code == 200
    forget_sessions()
    assert app.get("/", cookie="a=b").status_code == 401


def test_an_answer_that_was_on_its_way_during_a_sign_out_is_not_kept(
    make: Callable[..., App], scripted: Scripted, clock: Clock, monkeypatch: pytest.MonkeyPatch
) -> None:
    scripted.answer(200, json.dumps(ADA))
    app = make(cache=10, when=lambda session: True)
    monkeypatch.setattr("nextauth_server.questions.parse_iso", lambda text: forget_sessions() or 10.0**12)
    assert app.get("/", cookie="a=b").status_code == 200
    scripted.answer(200, "{}")
    assert app.get("/", cookie="a=b").status_code == 401


def test_a_cache_keeps_only_so_many(run: Run, scripted: Scripted, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("nextauth_server.finding.MOST_KEPT", 3)
    scripted.answer(200, json.dumps(ADA))
    app = fastapi_view(run, cache=10)
    for number in (1, 2, 3, 4, 4, 3, 2, 1):
        assert app.get("/", cookie=f"a={number}").status_code == 200
    assert [headers["cookie"] for _, headers in scripted.seen] == ["a=1", "a=2", "a=3", "a=4", "a=1"]
