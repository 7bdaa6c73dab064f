"""What becomes of whoever waits for a Provider that is stopped, or replaced by another."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Coroutine, Iterator
from typing import Any

import nextauth_client
import pytest
from nextauth_client import BackendUnreachable, Provider, effect, use_session
from nextauth_client.testing import HANG, Browser, run


@pytest.fixture(autouse=True)
def no_default_provider() -> Iterator[None]:
    yield
    provider = Provider.current()
    if provider is not None:
        provider.stop()


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
        stopped, other = [Provider(host=browser.tab(), default=False) for _ in range(2)]
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


def replaced_provider(browser: Browser, monkeypatch: pytest.MonkeyPatch) -> Provider:
    """One that use_session() has started by itself."""
    monkeypatch.setattr("nextauth_client.provider._page_host", lambda caller: browser.tab())
    use_session()
    provider = Provider.current()
    assert provider is not None
    return provider


@pytest.mark.parametrize("call", [ready, guarded, get_session, get_csrf_token])
def test_whoever_waits_for_a_provider_that_is_replaced_is_answered_by_the_next(
    call: Call, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def page(browser: Browser) -> None:
        browser.cookie = browser.backend.login()
        waiting = asyncio.create_task(call(replaced_provider(browser, monkeypatch)))
        await asyncio.sleep(0)
        Provider(host=browser.tab())
        assert await waiting

    run(page)


def test_a_sign_in_during_which_its_provider_is_replaced_reaches_the_page(monkeypatch: pytest.MonkeyPatch) -> None:
    async def page(browser: Browser) -> None:
        replaced = replaced_provider(browser, monkeypatch)
        await replaced.ready()
        browser.latency = 0.4
        signing_in = asyncio.create_task(sign_in(replaced))
        while "POST /callback/credentials" not in browser.requests:
            await asyncio.sleep(0.05)
        provider = Provider(host=browser.tab())
        assert (await signing_in).ok
        await asyncio.sleep(2)
        assert provider.use_session().session.user.name == "jsmith"  # type: ignore[union-attr]

    run(page)


@pytest.mark.parametrize("turns", [1, 2, 100])
@pytest.mark.parametrize("call", [get_csrf_token, sign_in, sign_out])
def test_another_backends_provider_does_not_go_on_with_what_was_asked(
    call: Call, turns: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def page(browser: Browser) -> None:
        browser.fault = HANG
        waiting = asyncio.create_task(call(replaced_provider(browser, monkeypatch)))
        for _ in range(turns):
            await asyncio.sleep(0)
        Provider(base_path="/elsewhere/auth", host=browser.tab())
        with pytest.raises(BackendUnreachable, match="stopped"):
            await waiting

    run(page)


@pytest.mark.filterwarnings("error")  # of a coroutine that nobody has awaited
@pytest.mark.parametrize("turns", [0, 1, 100])
def test_a_sign_out_that_is_cancelled_where_no_provider_runs_leaves_nothing(
    turns: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def page(browser: Browser) -> None:
        monkeypatch.setattr("nextauth_client.provider._page_host", lambda caller: browser.tab())
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
