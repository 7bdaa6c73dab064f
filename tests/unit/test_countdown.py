"""`state.expires_in`: who reads it is run again once a second while the page can be seen, and else nothing runs."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Any

import pytest
from nextauth_client import Provider, effect, on_session_change, use_session
from nextauth_client.events import CountdownRead, Tick
from nextauth_client.testing import Browser, Tab, run

LENGTH = 1000.0
QUARTER = 250  # seconds; of these a deadline is looked at in every fifth


def page_of(tab: Tab, length: float = LENGTH, **options: Any) -> Provider:
    """A page of a person whose session has so many seconds left; nobody's focus asks for more."""
    browser = tab.browser
    browser.backend.session_length = length
    browser.cookie = browser.backend.login()
    return Provider(host=tab, refetch_on_focus=False, **options)


def ticks(provider: Provider) -> list[float]:
    """Filled with the moments at which a timer has run."""
    times: list[float] = []
    host = provider.driver.host
    provider.driver.on_step = lambda event, effects: times.append(host.now()) if type(event) is Tick else None
    return times


def test_an_effect_is_run_once_a_second_with_the_seconds_left() -> None:
    async def page(browser: Browser) -> None:
        provider = page_of(browser.tab())
        await provider.ready()
        seen: list[int | None] = []
        effect(lambda: seen.append(use_session().expires_in))
        await asyncio.sleep(10)
        assert seen == list(range(1000, 989, -1))

    run(page)


def test_it_is_right_by_a_wrong_clock_and_after_sleep_and_at_the_end() -> None:
    async def page(browser: Browser) -> None:
        browser.backend.skew = 7200.0
        provider = page_of(browser.tab(), 100)
        await provider.ready()
        seen: list[int | None] = []
        effect(lambda: seen.append(use_session().expires_in))
        browser.suspend(50)
        await asyncio.sleep(0.5)
        assert seen[:2] == [100, 50]
        browser.cookie = None
        await asyncio.sleep(60)
        assert seen == [100, *range(50, -1, -1), None]

    run(page)


def test_what_reads_it_at_any_time_gets_what_is_left_then_and_starts_no_timer() -> None:
    async def page(browser: Browser) -> None:
        provider = page_of(browser.tab())
        state = await provider.ready()
        woken = ticks(provider)
        await asyncio.sleep(QUARTER)
        assert provider.use_session().expires_in == LENGTH - QUARTER
        assert state.expires_in == LENGTH - QUARTER
        await asyncio.sleep(QUARTER)
        assert len(woken) == pytest.approx(2 * QUARTER / 5, abs=1), "the deadline is looked at every 5 s"

    run(page)


def runs_no_timer(begin: Callable[[Provider, Tab], object]) -> None:
    """From then on, but for one that was set before."""

    async def page(browser: Browser) -> None:
        tab = browser.tab()
        provider = page_of(tab)
        await provider.ready()
        begin(provider, tab)
        await asyncio.sleep(1.1)
        woken = ticks(provider)
        await asyncio.sleep(QUARTER)
        assert len(woken) <= QUARTER / 5 + 1

    run(page)


def test_nobody_who_reads_it_no_timer() -> None:
    runs_no_timer(lambda provider, tab: effect(lambda: use_session().session))
    runs_no_timer(lambda provider, tab: on_session_change(lambda state, previous: print(state.expires_in)))


def test_no_timer_goes_on_for_an_effect_that_has_ended_or_reads_it_no_more() -> None:
    runs_no_timer(lambda provider, tab: effect(lambda: use_session().expires_in).dispose())

    def read_once(provider: Provider, tab: Tab) -> None:
        runs: list[int | None] = []
        effect(lambda: runs.append(use_session().expires_in if not runs else None))

    runs_no_timer(read_once)


def test_no_timer_runs_for_a_hidden_page_and_it_is_right_as_soon_as_it_is_seen() -> None:
    seen: list[int | None] = []

    def hide(provider: Provider, tab: Tab) -> None:
        effect(lambda: seen.append(use_session().expires_in))
        tab.hide()

    runs_no_timer(hide)
    assert seen == [1000]

    async def page(browser: Browser) -> None:
        tab = browser.tab()
        provider = page_of(tab)
        await provider.ready()
        hide(provider, tab)
        await asyncio.sleep(QUARTER)
        tab.show()
        assert seen[1:] == [1000, 750]
        await asyncio.sleep(1)
        assert seen[3:] == [749]

    run(page)


def test_a_thousand_effects_cost_one_timer() -> None:
    async def page(browser: Browser) -> None:
        provider = page_of(browser.tab())
        await provider.ready()
        runs: list[int | None] = []
        heard: list[type[Any]] = []
        provider.driver.on_step = lambda event, effects: heard.append(type(event))
        for _ in range(1000):
            effect(lambda: runs.append(use_session().expires_in))
        await asyncio.sleep(10)
        assert len(runs) == 11_000
        assert (heard.count(Tick), heard.count(CountdownRead)) == (10, 11)

    run(page)


def test_an_effect_that_reads_something_else_is_not_run_by_the_countdown() -> None:
    async def page(browser: Browser) -> None:
        provider = page_of(browser.tab())
        await provider.ready()
        names: list[str | None] = []
        changes: list[object] = []
        effect(lambda: use_session().expires_in)
        effect(lambda: names.append(use_session().session.user.name))  # type: ignore[union-attr]
        on_session_change(lambda state, previous: changes.append(state))
        await asyncio.sleep(10)
        assert names == ["jsmith"]
        assert changes == []

    run(page)


def test_an_async_effect_counts_as_well() -> None:
    async def page(browser: Browser) -> None:
        provider = page_of(browser.tab())
        await provider.ready()
        seen: list[int | None] = []

        @effect
        async def count() -> None:
            seen.append(use_session().expires_in)
            await asyncio.sleep(0)

        await asyncio.sleep(3)
        assert seen == [1000, 999, 998, 997]

    run(page)


def test_a_page_is_told_when_a_session_is_about_to_end() -> None:
    async def page(browser: Browser) -> None:
        provider = page_of(browser.tab(), expiring=100)
        await provider.ready()
        seen: list[bool] = []
        effect(lambda: seen.append(use_session().expiring))
        await asyncio.sleep(899)
        assert seen == [False]
        await asyncio.sleep(2)
        assert seen == [False, True]
        await provider.refresh()
        assert seen == [False, True, False]

    run(page)


@pytest.mark.parametrize("wrong, kind", [(-1, ValueError), ("60", TypeError), (True, TypeError), (None, TypeError)])
def test_expiring_is_a_number_of_seconds(wrong: Any, kind: type[Exception]) -> None:
    with pytest.raises(kind, match="expiring is a number of seconds"):
        Provider(expiring=wrong)
