"""What becomes of whoever waits for a Provider that is stopped, or replaced by another."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Coroutine
from typing import Any

import nextauth_client
import pytest
from nextauth_client import BackendUnreachable, Provider, effect, use_session
from nextauth_client.testing import HANG, Browser, run


def ready(provider: Provider) -> Coroutine[Any, Any, Any]:
    return provider.ready()


async def guarded(provider: Provider) -> Any:
    return await provider.require_session(lambda: "ran")()


def get_session(provider: Provider) -> Coroutine[Any, Any, Any]:
    return provider.get_session()


def get_csrf_token(provider: Provider) -> Coroutine[Any, Any, Any]:
    return provider.get_csrf_token()


async def sign_in(provider: Provider) -> Any:
    return await provider.sign_in("credentials", redirect=False, username="jsmith", password="pw")


async def sign_out(provider: Provider) -> Any:
    return await provider.sign_out(redirect=False)


Call = Callable[[Provider], Coroutine[Any, Any, Any]]


@pytest.mark.filterwarnings("error")  # of a coroutine that nobody has awaited
@pytest.mark.parametrize("turns", [1, 2, 3, 4, 100])
@pytest.mark.parametrize("call", [ready, guarded, get_session, get_csrf_token, sign_in, sign_out])
def test_stopping_ends_every_call(call: Call, turns: int) -> None:
    async def page(browser: Browser) -> None:
        browser.fault = HANG
        provider = Provider(host=browser.tab())
        waiting = asyncio.create_task(call(provider))
        for _ in range(turns):
            await asyncio.sleep(0)
        provider.stop()
        with pytest.raises(BackendUnreachable, match="stopped"):
            await waiting
        asked = len(browser.requests)
        await asyncio.sleep(100)
        assert len(browser.requests) == asked

    run(page)


@pytest.mark.parametrize("call", [ready, guarded, get_session, get_csrf_token, sign_in, sign_out])
def test_a_provider_that_was_stopped_answers_no_call(call: Call) -> None:
    async def page(browser: Browser) -> None:
        browser.fault = HANG
        provider = Provider(host=browser.tab())
        await asyncio.sleep(1)
        provider.stop()
        with pytest.raises((BackendUnreachable, RuntimeError), match="stopped"):
            await call(provider)

    run(page)


def test_stopping_in_the_middle_of_a_sign_out_makes_the_other_tabs_ask() -> None:
    async def page(browser: Browser) -> None:
        browser.cookie = browser.backend.login()
        stopped, other = [browser.open_tab() for _ in range(2)]
        await asyncio.sleep(1)
        browser.latency = 0.4
        leaving = asyncio.create_task(sign_out(stopped))
        while "POST /signout" not in browser.requests:
            await asyncio.sleep(0.05)
        stopped.stop()
        with pytest.raises(BackendUnreachable):
            await leaving
        asked = browser.requests.count("GET /session")
        await asyncio.sleep(5)
        assert browser.requests.count("GET /session") == asked + 1
        assert (other.use_session().session is None) == (browser.cookie is None)
        other.stop()

    run(page)


def test_a_reader_may_stop_the_provider_when_it_hears_of_a_sign_out() -> None:
    async def page(browser: Browser) -> None:
        browser.cookie = browser.backend.login()
        provider = Provider(host=browser.tab())
        await provider.ready()

        @effect
        def stop_when_signed_out() -> None:
            if provider.use_session().status == "unauthenticated":
                provider.stop()

        assert (await provider.sign_out(redirect=False)).url
        assert Provider.current() is None

    run(page)


def replaced_provider(browser: Browser) -> Provider:
    """One that use_session() has started by itself."""
    use_session()
    provider = Provider.current()
    assert provider is not None
    return provider


@pytest.mark.parametrize("call", [ready, guarded, get_session, get_csrf_token])
def test_whoever_waits_for_a_provider_that_is_replaced_is_answered_by_the_next(call: Call) -> None:
    async def page(browser: Browser) -> None:
        browser.cookie = browser.backend.login()
        waiting = asyncio.create_task(call(replaced_provider(browser)))
        await asyncio.sleep(0)
        Provider()
        assert await waiting

    run(page)


def test_a_sign_in_during_which_its_provider_is_replaced_reaches_the_page() -> None:
    async def page(browser: Browser) -> None:
        replaced = replaced_provider(browser)
        await replaced.ready()
        browser.latency = 0.4
        signing_in = asyncio.create_task(sign_in(replaced))
        while "POST /callback/credentials" not in browser.requests:
            await asyncio.sleep(0.05)
        provider = Provider()
        assert (await signing_in).ok
        await asyncio.sleep(2)
        assert provider.use_session().session.user.name == "jsmith"  # type: ignore[union-attr]

    run(page)


@pytest.mark.parametrize("turns", [1, 2, 100])
@pytest.mark.parametrize("call", [get_csrf_token, sign_in, sign_out])
def test_another_backends_provider_does_not_go_on_with_what_was_asked(call: Call, turns: int) -> None:
    async def page(browser: Browser) -> None:
        browser.fault = HANG
        waiting = asyncio.create_task(call(replaced_provider(browser)))
        for _ in range(turns):
            await asyncio.sleep(0)
        Provider(base_path="/elsewhere/auth")
        with pytest.raises(BackendUnreachable, match="stopped"):
            await waiting

    run(page)


@pytest.mark.filterwarnings("error")  # of a coroutine that nobody has awaited
@pytest.mark.parametrize("turns", [0, 1, 100])
def test_a_sign_out_that_is_cancelled_where_no_provider_runs_leaves_nothing(turns: int) -> None:
    async def page(browser: Browser) -> None:
        leaving = nextauth_client.sign_out(redirect=False)
        for _ in range(turns):
            await asyncio.sleep(0)
        leaving.cancel()
        with pytest.raises(asyncio.CancelledError):
            await leaving
        await asyncio.sleep(100)
        assert browser.tabs == []

    run(page)


@pytest.mark.parametrize("options", [{"refetch_on_focus": "no"}, {"refetch_on_focus": 0}, {"default": None}])
def test_a_flag_is_true_or_false(options: dict[str, Any]) -> None:
    async def page(browser: Browser) -> None:
        with pytest.raises(TypeError, match="True or False"):
            Provider(host=browser.tab(), **options)
        assert Provider.current() is None

    run(page)


# ── readers, and who is the default while they hear ──────────────────────────────────────────────


def test_a_reader_that_runs_while_the_next_provider_starts_hears_of_that_one() -> None:
    async def page(browser: Browser) -> None:
        first = Provider(host=browser.tab())
        await first.ready()
        effect(lambda: use_session().status)
        first.stop()
        tab = browser.tab()
        second = Provider(host=tab, base_path="/elsewhere/api/auth", keep_alive=5)
        assert Provider.current() is second
        await asyncio.sleep(1)
        assert Provider.current() is second
        assert [name for name in browser.requests if name.startswith("GET /session")]
        assert second.driver.base.endswith("/elsewhere/api/auth")
        assert second.driver.machine.options.keep_alive == 5

    run(page)


def test_a_provider_that_was_stopped_has_nothing_to_do_with_the_next() -> None:
    async def page(browser: Browser) -> None:
        stopped = Provider(host=browser.tab())
        await stopped.ready()
        stopped.stop()
        provider = Provider(host=browser.tab())
        await provider.ready()
        stopped.stop()
        with stopped:
            pass
        assert Provider.current() is provider
        assert (await provider.refresh()).status == "unauthenticated"
        with pytest.raises(RuntimeError, match="stopped"):
            await stopped.get_session()

    run(page)


def test_nor_has_one_that_readers_had_started() -> None:
    async def page(browser: Browser) -> None:
        replaced = replaced_provider(browser)
        provider = Provider(keep_alive=60)
        replaced.stop()
        assert Provider.current() is provider
        assert (await provider.refresh()).status == "unauthenticated"

    run(page)


def test_an_action_that_a_reader_stops_as_it_begins_sends_nothing() -> None:
    async def page(browser: Browser) -> None:
        browser.cookie = browser.backend.login()
        provider = Provider(host=browser.tab())
        await provider.ready()
        browser.latency = 2.0
        asking = asyncio.create_task(provider.refresh())
        await asyncio.sleep(0.1)
        asked = len(browser.requests)

        @effect
        def stop_when_its_query_is_aborted() -> None:
            if not use_session().refreshing:
                provider.stop()

        with pytest.raises(BackendUnreachable, match="stopped"):
            await sign_out(provider)
        with pytest.raises(BackendUnreachable, match="stopped"):
            await asking
        await asyncio.sleep(10)
        assert browser.requests[asked:] == []
        assert browser.cookie is not None

    run(page)


def test_a_caller_is_given_what_was_answered_whatever_readers_do_with_it() -> None:
    async def page(browser: Browser) -> None:
        browser.cookie = browser.backend.login()
        replaced = replaced_provider(browser)

        @effect
        def go_elsewhere_when_it_is_known() -> None:
            if use_session().status == "authenticated" and Provider.current() is replaced:
                Provider(base_path="/elsewhere/api/auth")

        session = await replaced.get_session()
        assert session is not None and session.user.name == "jsmith"

    run(page)


def test_a_caller_of_the_next_provider_is_not_told_of_the_end_of_the_one_before() -> None:
    async def page(browser: Browser) -> None:
        stopped = Provider(host=browser.tab())
        first = asyncio.create_task(stopped.get_session())
        await asyncio.sleep(0)
        stopped.stop()
        assert await Provider(host=browser.tab()).get_session() is None
        with pytest.raises(BackendUnreachable):
            await first

    run(page)


def test_a_provider_that_could_not_start_is_forgotten() -> None:
    async def page(browser: Browser) -> None:
        tab = browser.tab()

        def fails(*_: object) -> None:
            raise OSError("on purpose")

        tab.open = fails  # type: ignore[method-assign]
        with pytest.raises(OSError):
            Provider(host=tab)
        assert Provider.current() is None
        assert (await Provider(host=browser.tab()).ready()).status == "unauthenticated"

    run(page)
