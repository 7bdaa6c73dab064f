"""A Provider takes over what the server put into the page, or what the page's early script has asked."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest
from nextauth_client import BackendUnreachable, Provider
from nextauth_client.host import Answer
from nextauth_client.session import Session
from nextauth_client.testing import HANG, UNREACHABLE, Browser, Tab, run
from nextauth_server import session_script

ADA = {"user": {"name": "ada"}, "expires": "2999-01-01T00:00:00.000Z"}


def embed(tab: Tab, session: dict[str, Any] | None) -> None:
    script = session_script(None if session is None else Session(session))
    tab.embedded = script[script.index(">") + 1 : script.rindex("<")]


def name(provider: Provider) -> str | None:
    state = provider.use_session()
    return "loading" if state.loading else state.session.user.name if state.session else None


# ── the embedded session ─────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize(("session", "who"), [(ADA, "ada"), (None, None)])
def test_an_embedded_session_is_known_at_once_and_asks_nobody(session: Any, who: str | None) -> None:
    async def page(browser: Browser) -> None:
        tab = browser.tab()
        embed(tab, session)
        provider = Provider(host=tab)
        assert name(provider) == who
        await asyncio.sleep(60)
        assert name(provider) == who
        assert browser.requests == []

    run(page)


@pytest.mark.parametrize("text", ["", "{", "[]", "5", '"ada"', '{"user": "ada"}', "<script>"])
def test_bad_content_is_ignored_with_a_warning(text: str, capsys: pytest.CaptureFixture[str]) -> None:
    async def page(browser: Browser) -> None:
        browser.cookie = browser.backend.login("grace")
        tab = browser.tab()
        tab.embedded = text
        provider = Provider(host=tab)
        assert provider.use_session().loading
        await provider.ready()
        assert name(provider) == "grace"

    from nextauth_client import console

    console._warned.clear()
    run(page)
    assert "#nextauth-session holds no session" in capsys.readouterr().err


def test_a_session_that_is_given_comes_before_the_embedded_one() -> None:
    async def page(browser: Browser) -> None:
        tab = browser.tab()
        embed(tab, ADA)
        assert name(Provider(session=None, host=tab)) is None

    run(page)


def test_an_embedded_session_older_than_the_newest_mutation_is_dropped() -> None:
    """Rule 10."""

    async def page(browser: Browser) -> None:
        tab = browser.tab()
        embed(tab, ADA)
        await asyncio.sleep(1)
        browser.storage["nextauth-client:1:https://example.org/api/auth"] = int(browser.now() * 1000)
        tab._name = "nextauth-client:1:https://example.org/api/auth"
        await asyncio.sleep(1)
        provider = Provider(host=tab)
        assert provider.use_session().loading
        await provider.ready()
        assert name(provider) is None
        assert browser.requests == ["GET /session"]

    run(page)


@pytest.mark.parametrize("trigger", ["signout", "getSession"])
@pytest.mark.parametrize("how", ["in the page", "to the Provider"])
def test_a_session_older_than_what_a_v3_or_v4_client_left_in_storage_is_dropped(how: str, trigger: str) -> None:
    async def page(browser: Browser) -> None:
        tab = browser.tab()
        if how == "in the page":
            embed(tab, ADA)
        await asyncio.sleep(1)
        browser.js_client_says(trigger)
        await asyncio.sleep(1)
        provider = Provider(host=tab) if how == "in the page" else Provider(host=tab, session=ADA)
        assert provider.use_session().loading
        await provider.ready()
        assert name(provider) is None
        assert browser.requests == ["GET /session"]

    run(page)


def test_a_session_younger_than_that_is_known_at_once() -> None:
    async def page(browser: Browser) -> None:
        browser.js_client_says()
        await asyncio.sleep(1)
        tab = browser.tab()
        embed(tab, ADA)
        assert name(Provider(host=tab)) == "ada"
        await asyncio.sleep(5)
        assert browser.requests == []

    run(page)


def test_a_page_that_a_sign_in_landed_on_with_its_session_tells_the_others() -> None:
    async def page(browser: Browser) -> None:
        other = browser.open_tab()
        await other.ready()
        tab = browser.tab()
        tab.note_departure()
        browser.cookie = browser.backend.login("ada")
        embed(tab, ADA)
        Provider(host=tab)
        await asyncio.sleep(1)
        assert name(other) == "ada"

    run(page)


def test_only_the_default_provider_takes_what_came_with_the_page() -> None:
    async def page(browser: Browser) -> None:
        tab = browser.tab()
        embed(tab, ADA)
        other = Provider(host=tab, default=False)
        assert other.use_session().loading

    run(page)


# ── the early query ───────────────────────────────────────────────────────────────────────────


def test_an_early_answer_is_known_at_once_and_asked_for_once() -> None:
    async def page(browser: Browser) -> None:
        browser.cookie = browser.backend.login("ada")
        tab = browser.tab()
        tab.query_early()
        await asyncio.sleep(5)
        provider = Provider(host=tab)
        assert name(provider) == "ada"
        await asyncio.sleep(60)
        assert browser.requests == ["GET /session"]

    run(page)


def test_an_early_query_in_flight_is_waited_for() -> None:
    async def page(browser: Browser) -> None:
        browser.latency = 4
        tab = browser.tab()
        tab.query_early()
        await asyncio.sleep(1)
        provider = Provider(host=tab)
        assert provider.use_session().loading
        await provider.ready()
        assert name(provider) is None
        await asyncio.sleep(60)
        assert browser.requests == ["GET /session"]

    run(page)


@pytest.mark.parametrize(
    "fault", [UNREACHABLE, HANG, Answer(500, "{}"), Answer(200, "<html>"), Answer(200, ""), Answer(200, "{}", True)]
)
def test_an_early_query_that_failed_changes_nothing(fault: Any) -> None:
    async def page(browser: Browser) -> None:
        browser.cookie = browser.backend.login("ada")
        browser.fault = fault
        tab = browser.tab()
        tab.query_early()
        await asyncio.sleep(15)
        browser.fault = None
        provider = Provider(host=tab)
        state = provider.use_session()
        assert (state.loading, state.error) == (True, None)
        await provider.ready()
        assert name(provider) == "ada"
        assert browser.requests == ["GET /session"] * 2

    run(page)


def test_an_early_query_that_fails_later_is_an_unknown_like_any_other() -> None:
    async def page(browser: Browser) -> None:
        browser.fault = HANG
        tab = browser.tab()
        tab.query_early()
        await asyncio.sleep(1)
        provider = Provider(host=tab)
        with pytest.raises(BackendUnreachable):
            await provider.ready()
        browser.fault = None
        await asyncio.sleep(2)
        assert name(provider) is None
        assert browser.requests == ["GET /session"] * 2

    run(page)


def test_a_session_that_ended_while_python_was_loading_is_asked_for_again() -> None:
    async def page(browser: Browser) -> None:
        browser.backend.session_length = 4
        browser.cookie = browser.backend.login("ada")
        tab = browser.tab()
        tab.query_early()
        await asyncio.sleep(10)
        provider = Provider(host=tab)
        assert provider.use_session().loading
        await provider.ready()
        assert name(provider) is None

    run(page)


def test_a_clock_set_back_while_python_was_loading_lengthens_no_session() -> None:
    async def page(browser: Browser) -> None:
        browser.backend.session_length = 60
        browser.cookie = browser.backend.login("ada")
        tab = browser.tab()
        tab.query_early()
        await asyncio.sleep(5)
        browser.set_clock(-3600)
        provider = Provider(host=tab)
        assert name(provider) == "ada"
        await asyncio.sleep(90)
        assert name(provider) is None

    run(page)


def test_an_early_answer_may_wait_longer_for_python_than_a_request_may_take() -> None:
    async def page(browser: Browser) -> None:
        browser.cookie = browser.backend.login("ada")
        tab = browser.tab()
        tab.query_early()
        await asyncio.sleep(120)
        assert name(Provider(host=tab)) == "ada"

    run(page)


def test_an_early_answer_expires_on_time() -> None:
    """The time that Python took to start is no part of the session's life."""

    async def page(browser: Browser) -> None:
        browser.backend.session_length = 60
        browser.backend.skew = 1000
        browser.cookie = browser.backend.login("ada")
        tab = browser.tab()
        tab.query_early()
        await asyncio.sleep(30)
        provider = Provider(host=tab)
        browser.cookie = None
        await asyncio.sleep(29)
        assert (name(provider), len(browser.requests)) == ("ada", 1)
        await asyncio.sleep(3)
        assert (name(provider), len(browser.requests)) == (None, 2)

    run(page)


@pytest.mark.parametrize("latency", [0.1, 5])
def test_an_early_query_older_than_the_newest_mutation_is_asked_again(latency: float) -> None:
    """Rule 10, for an answer that has come and for one that is in flight."""

    async def page(browser: Browser) -> None:
        browser.cookie = browser.backend.login("ada")
        other = browser.open_tab()
        await other.ready()
        tab = browser.tab()
        tab._name = "nextauth-client:1:https://example.org/api/auth"
        browser.latency = latency
        tab.query_early()
        await asyncio.sleep(0.3)
        browser.latency = 0.05
        await other.sign_out(redirect=False)
        provider = Provider(host=tab)
        assert provider.use_session().loading
        await provider.ready()
        assert name(provider) is None
        await asyncio.sleep(30)
        assert name(provider) is None

    run(page)


@pytest.mark.parametrize("version", [4, 5])
@pytest.mark.parametrize("latency", [0.1, 5])
def test_an_early_answer_is_asked_for_once_more_when_another_client_has_told_of_a_change(
    latency: float, version: int
) -> None:
    async def page(browser: Browser) -> None:
        browser.cookie = browser.backend.login("ada")
        tab = browser.tab()
        browser.latency = latency
        tab.query_early()
        await asyncio.sleep(0.3)
        browser.latency = 0.05
        browser.cookie = browser.backend.login("grace")
        browser.js_client_says(version=version)
        await asyncio.sleep(0.1)
        provider = Provider(host=tab)
        await asyncio.sleep(10)
        assert name(provider) == "grace"
        assert browser.requests == ["GET /session"] * 2

    run(page)


def test_other_tabs_adopt_an_early_answer() -> None:
    async def page(browser: Browser) -> None:
        other = browser.open_tab()
        await other.ready()
        browser.cookie = browser.backend.login("ada")
        tab = browser.tab()
        tab.query_early()
        await asyncio.sleep(1)
        Provider(host=tab)
        await asyncio.sleep(1)
        assert name(other) == "ada"
        assert browser.requests == ["GET /session"] * 2

    run(page)


def test_an_early_query_to_another_backend_is_not_this_ones() -> None:
    async def page(browser: Browser) -> None:
        tab = browser.tab()
        tab.query_early("/auth")
        await asyncio.sleep(1)
        provider = Provider(host=tab)
        assert provider.use_session().loading

    run(page)


def test_a_later_provider_asks_for_itself() -> None:
    async def page(browser: Browser) -> None:
        tab = browser.tab()
        tab.query_early()
        await asyncio.sleep(1)
        Provider(host=tab).stop()
        browser.tabs.append(tab)
        later = Provider(host=tab)
        assert later.use_session().loading

    run(page)
