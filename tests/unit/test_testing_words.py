"""What goes wrong in a test with `auth_browser` and `auth_backend`, said in words."""

from __future__ import annotations

import asyncio
import contextlib
import re
from collections.abc import Callable
from typing import Any

import pytest
from nextauth_client import BackendUnreachable, Provider, UnexpectedAnswer, auth_fetch, sign_in, use_session
from nextauth_client.host import Request
from nextauth_client.testing import ApiAnswer, Backend, Browser, run


def name() -> str | None:
    session = use_session().session
    return None if session is None else session.user.name


async def test_signed_in_as_ada(auth_browser: Browser) -> None:
    auth_browser.signed_in_as("Ada", role="admin")
    state = await Provider().ready()
    assert state.session is not None
    assert (state.session.user.name, state.session.role) == ("Ada", "admin")


async def test_a_session_that_expires_in_5_seconds(auth_browser: Browser) -> None:
    auth_browser.signed_in_as("Ada", expires_in=5)
    await Provider().ready()
    await asyncio.sleep(4)
    assert name() == "Ada"
    await asyncio.sleep(2)
    assert name() is None
    assert use_session().reason == "expired"


async def test_500_for_3_seconds(auth_browser: Browser, auth_backend: Backend) -> None:
    auth_browser.signed_in_as("Ada")
    provider = Provider()
    await provider.ready()
    auth_backend.answers(500, for_seconds=3)
    for _ in range(2):
        with pytest.raises(UnexpectedAnswer):
            await provider.refresh()
        assert name() == "Ada"
        await asyncio.sleep(1)
    await asyncio.sleep(1)
    assert (await provider.refresh()).error is None


@pytest.mark.parametrize("words", ["is_unreachable", "hangs"])
async def test_nothing_comes_for_30_seconds(words: str, auth_browser: Browser, auth_backend: Backend) -> None:
    getattr(auth_backend, words)(for_seconds=30)
    provider = Provider(timeout=5)
    with pytest.raises(BackendUnreachable):
        await provider.ready()
    await asyncio.sleep(60)
    assert use_session().status == "unauthenticated"


async def test_bad_json_until_it_is_well_again(auth_browser: Browser, auth_backend: Backend) -> None:
    auth_browser.signed_in_as("Ada")
    auth_backend.sends_bad_json()
    provider = Provider()
    with pytest.raises(UnexpectedAnswer):
        await provider.ready()
    await asyncio.sleep(60)
    assert use_session().loading
    auth_backend.is_well_again()
    assert (await provider.refresh()).status == "authenticated"


async def test_a_slow_backend(auth_browser: Browser, auth_backend: Backend) -> None:
    auth_backend.is_slow(2)
    provider = Provider()
    await asyncio.sleep(1.9)
    assert use_session().loading
    await asyncio.sleep(0.2)
    assert use_session().status == "unauthenticated"
    auth_backend.is_slow(20)
    with pytest.raises(BackendUnreachable, match="in time"):
        await provider.refresh()
    auth_backend.is_well_again()
    started = auth_browser.now()
    await provider.refresh()
    assert auth_browser.now() - started < 1


async def test_offline_for_a_minute(auth_browser: Browser) -> None:
    auth_browser.goes_offline(for_seconds=60)
    Provider()
    await asyncio.sleep(59)
    assert use_session().loading
    await asyncio.sleep(2)
    assert use_session().status == "unauthenticated"


async def test_offline_until_it_comes_online(auth_browser: Browser) -> None:
    auth_browser.goes_offline()
    Provider()
    await asyncio.sleep(3600)
    assert use_session().loading
    auth_browser.comes_online()
    await asyncio.sleep(1)
    assert use_session().status == "unauthenticated"


async def test_somebody_who_is_banned(auth_browser: Browser, auth_backend: Backend) -> None:
    auth_browser.signed_in_as("Ada")
    provider = Provider()
    await provider.ready()
    auth_backend.ends_all_sessions()
    await provider.refresh()
    assert (name(), use_session().reason) == (None, "revoked")
    auth_browser.signed_in_as("Ada")
    await provider.refresh()
    assert name() == "Ada"


async def test_other_tabs_follow(auth_browser: Browser) -> None:
    other = auth_browser.open_tab(refetch_on_focus=False)
    assert await sign_in("credentials", redirect=False, username="jsmith", password="pw")
    await asyncio.sleep(1)
    assert other.use_session().status == "authenticated"
    assert Provider.current() is not other


# ── what cannot be meant ─────────────────────────────────────────────────────────────────────────

SECONDS = "a number of seconds from 0 up"


@pytest.mark.parametrize(
    ("says", "word"),
    [
        ("a number from 200 to 599, such as 500, not '500'", lambda browser: browser.backend.answers("500")),
        ("not 42", lambda browser: browser.backend.answers(42)),
        ("not True", lambda browser: browser.backend.answers(True)),
        ("not 600", lambda browser: ApiAnswer(600)),
        ("not '200'", lambda browser: ApiAnswer("200", ["apples"])),
        (SECONDS, lambda browser: browser.backend.answers(500, for_seconds=-1)),
        (SECONDS, lambda browser: browser.backend.hangs(for_seconds="3")),
        (SECONDS, lambda browser: browser.backend.is_unreachable(for_seconds=float("nan"))),
        (SECONDS, lambda browser: browser.backend.sends_bad_json(for_seconds=None)),
        (SECONDS, lambda browser: browser.backend.is_slow(-2)),
        (SECONDS, lambda browser: browser.backend.is_slow(True)),
        (SECONDS, lambda browser: browser.goes_offline(for_seconds=-1)),
        (SECONDS, lambda browser: browser.suspend(-3600)),
        ("expires_in takes a number of seconds", lambda browser: browser.signed_in_as("Ada", expires_in=-1)),
        ("not 0", lambda browser: browser.signed_in_as("Ada", expires_in=0)),
        ("not '5'", lambda browser: browser.signed_in_as("Ada", expires_in="5")),
    ],
)
async def test_a_value_that_makes_no_sense_is_refused_where_it_is_written(
    says: str, word: Callable[[Any], object], auth_browser: Browser
) -> None:
    with pytest.raises(ValueError, match=re.escape(says)):
        word(auth_browser)


async def test_who_is_signed_in_is_a_name(auth_browser: Browser) -> None:
    with pytest.raises(TypeError, match=re.escape("signed_in_as('Ada', role='admin') takes a name")):
        auth_browser.signed_in_as({"name": "Ada"})  # type: ignore[arg-type]
    assert auth_browser.cookie is None


async def test_what_was_refused_changes_nothing(auth_browser: Browser) -> None:
    with pytest.raises(ValueError, match="for_seconds"):
        auth_browser.goes_offline(for_seconds=-1)
    with pytest.raises(ValueError, match="for_seconds"):
        auth_browser.backend.answers(500, for_seconds=-1)
    assert (await Provider().ready()).error is None


async def test_a_body_may_be_what_json_can_say(auth_browser: Browser, auth_backend: Backend) -> None:
    auth_backend.answers(200, {"user": {"name": "Ada"}, "expires": "2999-01-01T00:00:00.000Z"})
    await Provider().ready()
    assert name() == "Ada"


def asks(answer: Any) -> Any:
    """A page that asks its API, and goes on without an answer."""

    async def page(browser: Browser) -> str:
        browser.backend.api["/api/orders"] = answer
        with contextlib.suppress(BackendUnreachable):
            await auth_fetch("/api/orders")
        return "the test passes"

    return run(page)


def test_what_a_test_asserts_in_its_api_fails_it() -> None:
    def answer(request: Request, session: Any) -> ApiAnswer:
        assert request.method == "POST"
        return ApiAnswer(200)

    with pytest.raises(AssertionError):
        asks(answer)


@pytest.mark.parametrize("returned", [None, ["apples"], (200, "apples")])
def test_an_api_that_returns_no_answer_fails_the_test(returned: Any) -> None:
    with pytest.raises(TypeError, match=re.escape("api['/api/orders'] is a function that returns an ApiAnswer")):
        asks(lambda request, session: returned)


def test_an_api_that_is_no_function_fails_the_test() -> None:
    with pytest.raises(TypeError, match="'ApiAnswer' object is not callable"):
        asks(ApiAnswer(200))


def test_a_path_without_its_slash_fails_the_test() -> None:
    async def page(browser: Browser) -> int:
        browser.backend.api["api/orders"] = lambda request, session: ApiAnswer(200)
        return (await auth_fetch("/api/orders")).status

    with pytest.raises(ValueError, match=re.escape("write api['/api/orders']")):
        run(page)
