"""Rule 13, the idle time-out: who uses no tab for so long is signed out in all, and whoever uses one stays."""

from __future__ import annotations

import asyncio
import random
from typing import Any

import pytest
from nextauth_client import BackendUnreachable, Provider, console, effect, messages
from nextauth_client.events import FollowUse, Heard, Publish, StoreUse, Tick
from nextauth_client.options import Options
from nextauth_client.testing import HANG, TORN, UNREACHABLE, ApiAnswer, Browser, Tab, run

TIMEOUT = 900
WARNING = 60


def page_of(tab: Tab, **options: Any) -> Provider:
    """A page of a person who is signed in; nobody's focus asks for more."""
    tab.browser.cookie = tab.browser.cookie or tab.browser.backend.login()
    return Provider(
        host=tab,
        default=False,
        **{"refetch_on_focus": False, "idle_timeout": TIMEOUT, "idle_warning": WARNING, **options},
    )


def shows(provider: Provider) -> tuple[str, str | None]:
    state = provider.use_session()
    return state.status, state.reason


SIGNED_IN = ("authenticated", None)
IDLE = ("unauthenticated", "idle")


async def pages(browser: Browser, number: int, **options: Any) -> tuple[list[Tab], list[Provider]]:
    tabs = [browser.tab() for _ in range(number)]
    providers = [page_of(tab, **options) for tab in tabs]
    for provider in providers:
        await provider.ready()
    await asyncio.sleep(1)
    return tabs, providers


def heard_of(tab: Tab) -> list[dict[str, Any]]:
    """Filled with the messages about use that come to a tab."""
    heard: list[dict[str, Any]] = []
    listener = tab._listener
    assert listener is not None

    def hear(event: Any) -> None:
        if type(event) is Heard and event.message["type"] == "use":
            heard.append(event.message)
        listener(event)

    tab._listener = hear
    return heard


def test_rule_13_who_uses_no_tab_is_signed_out_in_all_by_one_of_them() -> None:
    async def page(browser: Browser) -> None:
        tabs, providers = await pages(browser, 3)
        tabs[1].use()
        await asyncio.sleep(TIMEOUT - 5)
        assert [shows(provider) for provider in providers] == [SIGNED_IN] * 3
        await asyncio.sleep(10)
        assert [shows(provider) for provider in providers] == [IDLE] * 3
        assert browser.requests.count("POST /signout") == 1
        assert browser.cookie is None

    run(page)


def test_rule_13_use_of_one_tab_keeps_all() -> None:
    async def page(browser: Browser) -> None:
        tabs, providers = await pages(browser, 3)
        tabs[2].hide()
        for _ in range(4):
            await asyncio.sleep(TIMEOUT - 2)
            tabs[0].use()
        assert [shows(provider) for provider in providers] == [SIGNED_IN] * 3
        await asyncio.sleep(TIMEOUT + 2)
        assert [shows(provider) for provider in providers] == [IDLE] * 3

    run(page)


@pytest.mark.parametrize("channels", [True, False])
def test_rule_13_the_last_use_of_many_counts_also_where_tabs_hear_nothing(channels: bool) -> None:
    async def page(browser: Browser) -> None:
        tabs, providers = await pages(browser, 2)
        tabs[0].use()
        await asyncio.sleep(4)
        tabs[0].use()  # is told a second later
        await asyncio.sleep(TIMEOUT - 2)
        assert [shows(provider) for provider in providers] == [SIGNED_IN] * 2
        await asyncio.sleep(4)
        assert [shows(provider) for provider in providers] == [IDLE] * 2

    run(page, channels=channels)


def test_rule_13_refetches_timers_focus_messages_and_calls_are_no_use() -> None:
    async def page(browser: Browser) -> None:
        tabs, providers = await pages(browser, 2, keep_alive=20, refetch_on_focus=True)
        for _ in range(9):
            await asyncio.sleep(TIMEOUT / 10)
            for tab in tabs:
                tab.focus()
                tab.hide()
                tab.show()
            await providers[0].refresh()
            await providers[1].update_session({})
            browser.js_client_says()
        await asyncio.sleep(TIMEOUT / 10 + 2)
        assert [shows(provider) for provider in providers] == [IDLE] * 2

    run(page)


def test_rule_13_a_laptop_that_slept_past_the_deadline_shows_nobody_whatever_wakes_it() -> None:
    async def page(browser: Browser) -> None:
        for wakes in (Tab.use, Tab.focus, Tab.show):
            tabs, [provider] = await pages(browser, 1)
            browser.suspend(TIMEOUT)
            wakes(tabs[0])
            assert shows(provider) == IDLE, "at once, before anything else runs"
            provider.stop()
            browser.cookie = None

    run(page)


def test_rule_13_use_is_told_and_stored_at_most_every_five_seconds() -> None:
    async def page(browser: Browser) -> None:
        tabs, _ = await pages(browser, 2)
        heard = heard_of(tabs[1])
        for _ in range(200):
            tabs[0].use()
            await asyncio.sleep(0.1)
        await asyncio.sleep(0.1)
        assert 4 <= len(heard) <= 5
        assert browser.storage["nextauth-client:1:https://example.org/api/auth:used"] == int(heard[-1]["at"] * 1000)

    run(page)


def test_rule_13_without_the_option_nothing_is_listened_to_told_or_stored() -> None:
    async def page(browser: Browser) -> None:
        tabs, providers = await pages(browser, 2, idle_timeout=0)
        steps: list[Any] = []
        providers[0].driver.on_step = lambda event, effects: steps.extend(effects)
        assert not tabs[0].follows_use
        tabs[0].emit(Heard(messages.use((int(browser.now() * 1000), "x"), browser.now(), True)))
        await providers[0].refresh()
        await providers[0].sign_out(redirect=False)
        await providers[0].sign_in("credentials", username="jsmith", password="pw", redirect=False)
        await asyncio.sleep(3600)
        assert not [one for one in steps if type(one) in (FollowUse, StoreUse)]
        assert not [one for one in steps if type(one) is Publish and one.message["type"] == "use"]
        assert not [name for name in browser.storage if name.endswith(":used")]
        assert providers[0].use_session().idle_in is None

    run(page)


def test_rule_13_a_tab_listens_while_somebody_is_signed_in_and_not_after_stop() -> None:
    async def page(browser: Browser) -> None:
        tabs, [provider] = await pages(browser, 1)
        assert tabs[0].follows_use
        await provider.sign_out(redirect=False)
        assert not tabs[0].follows_use
        await provider.sign_in("credentials", username="jsmith", password="pw", redirect=False)
        await asyncio.sleep(1)
        assert tabs[0].follows_use
        provider.stop()
        assert not tabs[0].follows_use

    run(page)


@pytest.mark.parametrize("fault", [UNREACHABLE, HANG, TORN])
def test_rule_13_nobody_is_shown_again_until_the_sign_out_has_got_through(fault: str) -> None:
    async def page(browser: Browser) -> None:
        failures: list[Any] = []
        console.report_to(lambda error, where: failures.append(error))
        _tabs, providers = await pages(browser, 2)
        await asyncio.sleep(TIMEOUT - 5)
        revive, browser.fault = browser.cookie, fault
        await asyncio.sleep(60)
        assert [shows(provider) for provider in providers] == [IDLE] * 2
        browser.cookie = revive  # whatever came of what the backend got
        seen = []
        for provider in providers:
            provider.driver.store.subscribe(lambda state, previous: seen.append(state.at(("session",), True)))
        browser.fault = None
        newcomer = page_of(browser.tab())
        await newcomer.ready()
        assert shows(newcomer) == IDLE, "a page that is loaded meanwhile knows of it"
        with_answer = await providers[0].get_session()
        assert with_answer is None
        await asyncio.sleep(40)
        assert browser.cookie is None, "the sign-out was tried again"
        assert not any(seen)
        await newcomer.sign_in("credentials", username="jsmith", password="pw", redirect=False)
        await asyncio.sleep(1)
        assert [shows(provider) for provider in [*providers, newcomer]] == [SIGNED_IN] * 3

    run(page)
    console.report_to(None)


def test_rule_13_a_backend_that_is_down_is_asked_by_one_tab_at_a_time() -> None:
    async def page(browser: Browser) -> None:
        browser.random = random.Random(1).random  # type: ignore[method-assign]
        tabs, _ = await pages(browser, 6)
        tabs[0].use()
        await asyncio.sleep(TIMEOUT - 5)
        browser.fault = UNREACHABLE
        await asyncio.sleep(60)
        browser.requests.clear()
        await asyncio.sleep(120)
        assert 8 <= browser.requests.count("GET /csrf") <= 24

    run(page)


def test_rule_13_a_sign_in_ends_it_and_a_wrong_password_does_not() -> None:
    async def page(browser: Browser) -> None:
        console.report_to(lambda error, where: None)
        _, [provider, other] = await pages(browser, 2)
        browser.backend.handle, handle = (  # type: ignore[method-assign]
            lambda request, cookie, **more: (
                (browser.backend._answer("", 500), cookie)
                if request.url.endswith("/signout")
                else handle(request, cookie, **more)
            ),
            browser.backend.handle,
        )
        await asyncio.sleep(TIMEOUT + 5)
        assert shows(provider) == IDLE
        assert browser.cookie is not None
        await provider.sign_in("credentials", username="jsmith", password="wrong", redirect=False)
        await asyncio.sleep(1)
        assert shows(provider) == shows(other) == IDLE
        await provider.update_session({"x": 1})
        await asyncio.sleep(1)
        assert shows(provider) == shows(other) == IDLE
        await provider.sign_in("credentials", username="jsmith", password="pw", redirect=False)
        await asyncio.sleep(1)
        assert shows(provider) == shows(other) == SIGNED_IN

    run(page)
    console.report_to(None)


@pytest.mark.parametrize("seconds", [-86400 * 3, -3600, -10])
def test_rule_13_a_clock_that_is_set_back_gives_no_more_time(seconds: float) -> None:
    async def page(browser: Browser) -> None:
        tabs, providers = await pages(browser, 2)
        tabs[0].use()
        await asyncio.sleep(TIMEOUT / 2)
        browser.set_clock(seconds)
        await asyncio.sleep(TIMEOUT / 2 + 6)
        assert [shows(provider) for provider in providers] == [IDLE] * 2

    run(page)


def test_rule_13_a_page_that_is_loaded_goes_on_from_the_newest_use() -> None:
    async def page(browser: Browser) -> None:
        tabs, [provider] = await pages(browser, 1)
        tabs[0].use()
        await asyncio.sleep(1)
        tabs[0].use()  # the click that leads away, not told yet
        tabs[0].leave()
        await asyncio.sleep(TIMEOUT - 100)
        follower = page_of(browser.tab())
        await follower.ready()
        await asyncio.sleep(98)
        assert shows(follower) == SIGNED_IN
        await asyncio.sleep(4)
        assert shows(follower) == IDLE
        later = page_of(browser.tab())
        browser.cookie = browser.backend.login()
        tabs[0].come_back()
        assert shows(provider)[0] != "authenticated"
        assert later is not None

    run(page)


def test_rule_13_a_page_that_comes_back_while_another_is_used_keeps_the_person() -> None:
    async def page(browser: Browser) -> None:
        tabs, providers = await pages(browser, 2)
        tabs[0].leave()
        for _ in range(3):
            await asyncio.sleep(TIMEOUT - 100)
            tabs[1].use()
        tabs[0].come_back()
        assert shows(providers[0]) == SIGNED_IN
        await asyncio.sleep(1)
        assert shows(providers[0]) == shows(providers[1]) == SIGNED_IN

    run(page)


def test_rule_13_a_worker_follows_what_pages_tell_and_alone_counts_from_its_first_answer() -> None:
    async def page(browser: Browser) -> None:
        tabs = [browser.tab(), browser.tab()]
        tabs[1].is_worker = True
        providers = [page_of(tab) for tab in tabs]
        await asyncio.sleep(TIMEOUT - 5)
        tabs[0].use()
        await asyncio.sleep(TIMEOUT - 5)
        assert [shows(provider) for provider in providers] == [SIGNED_IN] * 2
        providers[0].stop()
        await asyncio.sleep(10)
        assert shows(providers[1]) == IDLE
        assert browser.cookie is None

    run(page)


# ── the seconds left ─────────────────────────────────────────────────────────────────────────────


def test_idle_in_counts_the_last_seconds_down_for_who_reads_it_until_somebody_uses_the_page() -> None:
    async def page(browser: Browser) -> None:
        tabs, [provider] = await pages(browser, 1)
        tabs[0].use()
        seen: list[int | None] = []
        handle = effect(lambda: seen.append(provider.use_session().idle_in))
        await asyncio.sleep(TIMEOUT - WARNING - 1)
        assert seen == [None]
        await asyncio.sleep(6.5)
        assert seen == [None, 60, 59, 58, 57, 56, 55, 54][: len(seen)]
        assert len(seen) >= 6
        tabs[0].use()
        assert seen[-1] is None
        handle.dispose()
        await asyncio.sleep(TIMEOUT + 5)
        assert provider.use_session().idle_in is None

    run(page)


def test_idle_in_runs_nothing_while_the_page_is_hidden_and_no_timer_without_a_reader() -> None:
    async def page(browser: Browser) -> None:
        tabs, [provider] = await pages(browser, 1)
        ticks: list[float] = []
        provider.driver.on_step = lambda event, effects: ticks.append(browser.now()) if type(event) is Tick else None
        await asyncio.sleep(TIMEOUT - 20)
        state = provider.use_session()
        assert state.idle_in == pytest.approx(20, abs=2)
        ticks.clear()
        await asyncio.sleep(10)
        assert len(ticks) <= 3, "the deadline is looked at every 5 s"
        seen: list[int | None] = []
        tabs[0].hide()
        effect(lambda: seen.append(provider.use_session().idle_in))
        await asyncio.sleep(4)
        assert len(seen) == 1
        tabs[0].show()
        assert len(seen) == 2
        await asyncio.sleep(20)
        assert seen[-1] is None

    run(page)


# ── bad input ────────────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize(
    ("options", "kind", "says"),
    [
        ({"idle_timeout": "900"}, TypeError, "idle_timeout is a number of seconds"),
        ({"idle_timeout": True}, TypeError, "idle_timeout is a number of seconds"),
        ({"idle_timeout": -1}, ValueError, "idle_timeout is a number of seconds"),
        ({"idle_timeout": float("nan")}, ValueError, "idle_timeout is a number of seconds"),
        ({"idle_timeout": 5}, ValueError, "idle_timeout is 0 for off, or from 10 seconds up"),
        ({"idle_warning": None}, TypeError, "idle_warning is a number of seconds"),
        ({"idle_timeout": 900, "idle_warning": 900}, ValueError, "idle_warning=900 is not less than idle_timeout=900"),
    ],
)
def test_the_options_are_seconds(options: dict[str, Any], kind: type[Exception], says: str) -> None:
    with pytest.raises(kind, match=says):
        Options(**options)


def test_a_time_out_that_is_no_lower_than_the_sessions_lifetime_warns(capsys: pytest.CaptureFixture[str]) -> None:
    async def page(browser: Browser) -> None:
        browser.backend.session_length = 600
        await pages(browser, 1)

    run(page)
    assert "idle_timeout=900 is not lower than the session's own lifetime of 600 seconds" in "".join(
        capsys.readouterr()
    )


@pytest.mark.parametrize("expires", [None, "soon", 5])
def test_a_session_without_a_known_end_idles_like_others(expires: Any) -> None:
    async def page(browser: Browser) -> None:
        browser.backend.extra["expires"] = expires
        _, [provider] = await pages(browser, 1)
        assert shows(provider) == SIGNED_IN
        await asyncio.sleep(TIMEOUT + 2)
        assert shows(provider) == IDLE

    run(page)


def test_a_tab_that_floods_costs_no_message_no_storage_and_no_timer() -> None:
    async def page(browser: Browser) -> None:
        tabs, [provider] = await pages(browser, 1)
        found: list[Any] = []
        provider.driver.on_step = lambda event, effects: found.extend(effects)
        for number in range(1000):
            now = browser.now() - 0.001 * (1000 - number)
            tabs[0].emit(Heard(messages.use((int(browser.now() * 1000), "flood"), now, False)))
        assert found == []
        assert shows(provider) == SIGNED_IN

    run(page)


@pytest.mark.parametrize("at", ["now", None, True, float("nan"), 1e300, {}, -1, 0])
@pytest.mark.parametrize("anew", [False, True, "yes", None])
def test_a_malformed_message_or_one_of_the_future_changes_nothing(at: Any, anew: Any) -> None:
    async def page(browser: Browser) -> None:
        tabs, [provider] = await pages(browser, 1)
        for when in (at, browser.now() + 60):
            message = {"type": "use", "stamp": [int(browser.now() * 1000), "x"], "at": when, "anew": False}
            tabs[0].emit(Heard(message))
            tabs[0].emit(Heard({**message, "at": at, "anew": anew} if not isinstance(at, int) else message))
        await asyncio.sleep(TIMEOUT)
        assert shows(provider) == IDLE

    run(page)


@pytest.mark.parametrize("stored", [-5, 1, 10**16])
def test_what_else_is_stored_says_nothing(stored: int) -> None:
    async def page(browser: Browser) -> None:
        browser.storage["nextauth-client:1:https://example.org/api/auth:used"] = stored
        _, [provider] = await pages(browser, 1)
        assert shows(provider) == SIGNED_IN
        await asyncio.sleep(TIMEOUT)
        assert shows(provider) == IDLE

    run(page)


@pytest.mark.parametrize("how", ["a reader", "a handler"])
def test_a_page_that_only_signed_in_people_may_see_signs_out_before_it_leaves(how: str) -> None:
    async def page(browser: Browser) -> None:
        [tab], [provider] = await pages(browser, 1)
        left: list[str] = []
        navigate = tab.navigate

        async def note(url: str) -> None:
            left.append(f"{url.partition('?')[0]} {browser.cookie is None}")
            await navigate(url)

        tab.navigate = note  # type: ignore[method-assign]
        if how == "a reader":
            effect(lambda: provider.use_session(required=True).session)
            await asyncio.sleep(TIMEOUT + 5)
        else:
            await asyncio.sleep(TIMEOUT + 0.1)
            await provider.require_session(lambda: None)()
            await asyncio.sleep(5)
        assert left == ["https://example.org/api/auth/signin True"]

    run(page)


def test_a_sign_out_that_does_not_get_through_keeps_nobody_from_the_sign_in_page() -> None:
    async def page(browser: Browser) -> None:
        [tab], [provider] = await pages(browser, 1, timeout=3)
        effect(lambda: provider.use_session(required=True).session)
        await asyncio.sleep(TIMEOUT - 5)
        browser.fault = HANG
        await asyncio.sleep(20)
        assert [url.partition("?")[0] for url in tab.visited] == ["https://example.org/api/auth/signin"]

    run(page)


def test_a_flood_of_uses_that_say_that_somebody_came_anew_is_no_more_than_use() -> None:
    async def page(browser: Browser) -> None:
        [tab], [provider] = await pages(browser, 1)
        tab.use()
        listener = tab._listener
        assert listener is not None
        for number in range(50):
            message = messages.use((int((browser.now() - 100) * 1000) + number, "x"), browser.now() - 99, True)
            listener(Heard(message))
        await asyncio.sleep(TIMEOUT - 50)
        assert shows(provider) == SIGNED_IN

    run(page)


def test_a_call_while_nobody_is_shown_ends_the_session_first_or_is_not_sent() -> None:
    async def page(browser: Browser) -> None:
        browser.backend.api["/api/orders"] = lambda request, session: ApiAnswer(200 if session else 401, session)
        _, [provider] = await pages(browser, 1)
        browser.fault = UNREACHABLE
        await asyncio.sleep(TIMEOUT + 30)
        assert shows(provider) == IDLE
        browser.fault = None
        browser.journey = lambda tab, request: (0.01, 0.01, UNREACHABLE if "/auth/" in request.url else None)
        browser.requests.clear()
        with pytest.raises(BackendUnreachable, match="nothing was sent"):
            await provider.auth_fetch("/api/orders")
        assert not [name for name in browser.requests if "orders" in name]
        browser.journey = lambda tab, request: (0.01, 0.01, None)
        assert (await provider.auth_fetch("/api/orders")).status == 401
        assert browser.cookie is None

    run(page)


def test_who_wakes_a_computer_reads_nobody_before_any_timer_has_rung() -> None:
    async def page(browser: Browser) -> None:
        _, [provider] = await pages(browser, 1)
        assert shows(provider) == SIGNED_IN
        browser.suspend(3600)
        assert shows(provider) == IDLE

    run(page)
