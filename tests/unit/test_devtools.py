"""The developer tools outside a browser: what a timeline tells, what the buttons do to requests, and the log."""

from __future__ import annotations

import asyncio
import logging
import re
import subprocess
import sys
from typing import Any

import pytest
from nextauth_client import BackendUnreachable, NotAvailableHere, Provider, console, devtools, events
from nextauth_client.faults import LEFT, SLOW, Faults
from nextauth_client.testing import Answer, ApiAnswer, Browser, run
from nextauth_client.timeline import LONGEST, MOST_TABS, Timeline, short, words

from tests.support.documents import code_of, environment

EVERY_SHAPE: list[Any] = [
    None,
    0,
    "answer",
    [],
    {},
    [[]],
    {"type": []},
    {"type": "answer", "stamp": [1, 2]},
    {"type": 7},
]


async def page_of(browser: Browser, **options: Any) -> Provider:
    """A page where somebody is signed in, at rest."""
    browser.cookie = browser.cookie or browser.backend.login("Ada")
    provider = Provider(host=browser.tab(), default=False, **options)
    await provider.ready()
    await asyncio.sleep(2)
    return provider


# ── the timeline ─────────────────────────────────────────────────────────────────────────────────


def why_it_asked(happens: Any, **options: Any) -> str:
    async def page(browser: Browser) -> str:
        provider = await page_of(browser, **options)
        timeline = Timeline(provider.driver)
        happens(browser, provider)
        await asyncio.sleep(20)
        assert timeline.asked is not None
        return timeline.asked.why

    return run(page)


def fails_once(browser: Browser, provider: Provider) -> None:
    browser.fault = Answer(500, "")
    browser.tabs[0].focus()
    asyncio.get_running_loop().call_later(0.2, lambda: setattr(browser, "fault", None))


def refuse(browser: Browser, provider: Provider) -> None:
    browser.backend.api["/api/x"] = lambda request, session: ApiAnswer(401)
    asyncio.get_running_loop().create_task(provider.auth_fetch("/api/x"))


@pytest.mark.parametrize(
    ("happens", "options", "why"),
    [
        (lambda browser, provider: browser.tabs[0].focus(), {}, "the page has got or lost the focus"),
        (lambda browser, provider: browser.js_client_says(), {}, "a JavaScript client has said that something changed"),
        (lambda browser, provider: None, {"keep_alive": 7}, "keep_alive"),
        (fails_once, {}, "a failed request is tried again"),
        (refuse, {}, "an API has answered 401"),
        (
            lambda browser, provider: provider.sign_in("credentials", username="jsmith", password="pw", redirect=False),
            {},
            "a sign-in, sign-out or update of this tab has ended",
        ),
    ],
)
def test_it_tells_why_the_backend_was_asked_last(happens: Any, options: dict[str, Any], why: str) -> None:
    assert why_it_asked(happens, **options) == why


def test_it_tells_of_an_end_and_what_came() -> None:
    async def page(browser: Browser) -> None:
        browser.backend.session_length = 10
        provider = await page_of(browser)
        timeline = Timeline(provider.driver)
        await asyncio.sleep(9)
        assert timeline.asked is not None
        assert timeline.asked.why == "the session has come to its end"
        assert timeline.asked.came == "nobody"
        assert timeline.asked.took == pytest.approx(0.05)

    run(page)


def test_it_tells_what_the_other_tabs_know() -> None:
    async def page(browser: Browser) -> None:
        one, two = await page_of(browser), await page_of(browser)
        timeline = Timeline(one.driver)
        assert timeline.tabs == {}
        await two.refresh()
        await asyncio.sleep(1)
        [seen] = timeline.tabs.values()
        assert (seen.tab, seen.said, seen.knows) == (two.driver.machine.tab, "answer", "Ada")
        await two.sign_out(redirect=False)
        await asyncio.sleep(1)
        [seen] = timeline.tabs.values()
        assert (seen.said, seen.knows) == ("end", "nobody")

    run(page)


def test_it_tells_who_holds_the_lock() -> None:
    async def page(browser: Browser) -> list[str]:
        browser.latency = 1
        provider = await page_of(browser)
        timeline = Timeline(provider.driver)
        held = [timeline.lock]
        browser.tabs[0].focus()
        for _ in range(2):
            await asyncio.sleep(0.8)
            held.append(timeline.lock)
        name = f"nextauth-client:1:{provider.driver.base}"
        browser.lock_holders[name] = "another"
        browser.tabs[0].focus()
        await asyncio.sleep(0.5)
        return [*held, timeline.lock]

    assert run(page) == ["nobody", "this tab", "nobody", "another tab"]


def test_what_a_tab_sends_neither_breaks_it_nor_grows_without_end(monkeypatch: pytest.MonkeyPatch) -> None:
    reported: list[BaseException] = []
    monkeypatch.setattr(console, "_reporter", lambda error, where: reported.append(error))

    async def page(browser: Browser) -> None:
        provider = await page_of(browser)
        timeline = Timeline(provider.driver)
        for message in EVERY_SHAPE:
            provider.driver.receive(events.Heard(message))
            assert words(timeline.entries[-1].event)
        now = browser.now()
        for number in range(2 * LONGEST):
            message = {"type": "answer", "stamp": [now * 1000 + number, f"tab {number}"], "asked": now, "session": None}
            provider.driver.receive(events.Heard(message))
        assert len(timeline.entries) == LONGEST
        assert len(timeline.tabs) == MOST_TABS
        assert f"tab {2 * LONGEST - 1}" in timeline.tabs, "the oldest go"

    run(page)
    assert reported == []


def test_an_error_of_its_own_is_reported_and_the_driver_goes_on(monkeypatch: pytest.MonkeyPatch) -> None:
    reported: list[str] = []
    monkeypatch.setattr(console, "_reporter", lambda error, where: reported.append(where))

    async def page(browser: Browser) -> None:
        provider = await page_of(browser)
        Timeline(provider.driver).on_entry = lambda entry: 1 / 0  # type: ignore[assignment]
        await provider.sign_out(redirect=False)
        assert provider.use_session().status == "unauthenticated"

    run(page)
    assert set(reported) == {"the developer tools"}


def test_nothing_is_called_for_an_event_once_it_is_closed() -> None:
    async def page(browser: Browser) -> None:
        provider = await page_of(browser)
        before = provider.driver.on_step
        timeline, other = Timeline(provider.driver), Timeline(provider.driver)
        timeline.close()  # in any order
        await provider.refresh()
        assert timeline.entries == []
        other.close()
        count = len(other.entries)
        await provider.refresh()
        assert len(other.entries) == count > 0
        assert provider.driver.on_step is before

    run(page)


def test_a_text_stays_on_one_line_and_is_short() -> None:
    assert short(" a\n b " * 40).startswith("a b a b")
    assert len(short("x" * 1000)) == 40


def test_an_event_is_shown_without_what_a_session_holds() -> None:
    session = {"user": {"name": "Ada", "email": "a@b"}, "accessToken": "secret"}
    shown = words(events.Answered(3, session, None, 1.5))
    assert shown == "Answered(query=3, session=Ada, error=None, date=1.500)"
    assert words(events.Answered(3, session, None, None), True) == (
        "Answered(query=3, session=somebody, error=None, date=None)"
    )
    assert words(events.ForeignChange("two\nlines")) == "ForeignChange(identity=twolines)"


# ── offline, slow, expire ────────────────────────────────────────────────────────────────────────


def test_offline_fails_each_request_and_coming_back_asks_at_once() -> None:
    async def page(browser: Browser) -> None:
        provider = await page_of(browser)
        faults = Faults(provider.driver)
        faults.turn("offline", True)
        sent = len(browser.requests)
        with pytest.raises(BackendUnreachable, match="developer tools"):
            await provider.refresh()
        with pytest.raises(BackendUnreachable, match="developer tools"):
            await provider.auth_fetch("/api/x")
        await asyncio.sleep(60)
        assert len(browser.requests) == sent, "nothing is tried while the page is offline"
        faults.turn("offline", False)
        await asyncio.sleep(1)
        assert browser.requests[sent:] == ["GET /session"]
        assert provider.use_session().error is None

    run(page)


@pytest.mark.parametrize(("timeout", "comes"), [(10, True), (2, False)])
def test_slow_holds_each_request_up_and_no_longer_than_it_may_take(timeout: float, comes: bool) -> None:
    async def page(browser: Browser) -> None:
        provider = await page_of(browser, timeout=timeout)
        faults = Faults(provider.driver)
        faults.turn("slow", True)
        began = browser.now()
        if comes:
            await provider.refresh()
        else:
            with pytest.raises(BackendUnreachable, match="slow"):
                await provider.refresh()
        assert browser.now() - began == pytest.approx(SLOW + browser.latency if comes else timeout, abs=0.01)

    run(page)


@pytest.mark.parametrize(("skew", "sends_date"), [(0.0, True), (7200.0, True), (0.0, False)])
def test_expire_ends_the_session_of_this_tab_soon_and_turning_it_off_brings_it_back(
    skew: float, sends_date: bool
) -> None:
    async def page(browser: Browser) -> None:
        browser.backend.skew, browser.backend.sends_date = skew, sends_date
        provider = await page_of(browser)
        faults = Faults(provider.driver)
        faults.turn("expire", True)
        await provider.refresh()
        left = provider.use_session().expires_in
        assert left is not None and LEFT - 2 <= left <= LEFT
        await asyncio.sleep(LEFT + 2)
        state = provider.use_session()
        assert (state.status, state.reason) == ("unauthenticated", "expired")
        faults.end()
        await provider.refresh()
        assert provider.use_session().status == "authenticated"

    run(page)


def test_what_is_turned_off_is_undone_wholly() -> None:
    async def page(browser: Browser) -> None:
        provider = await page_of(browser)
        host: Any = provider.driver.host
        faults = Faults(provider.driver)
        for name in ("offline", "slow", "expire"):
            faults.turn(name, True)
            faults.turn(name, True)
        assert {"fetch", "call"} <= set(vars(host))
        faults.end()
        assert not {"fetch", "call"} & set(vars(host))
        assert not any(faults.is_on(name) for name in ("offline", "slow", "expire"))

    run(page)


# ── by name ──────────────────────────────────────────────────────────────────────────────────────


def test_the_log_is_quiet_until_somebody_asks_for_it(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.DEBUG, "nextauth_client")

    async def page(browser: Browser) -> None:
        provider = await page_of(browser)
        await provider.refresh()
        assert caplog.records == []
        following = devtools.log(provider)
        await provider.refresh()
        following.dispose()
        count = len(caplog.records)
        await provider.refresh()
        assert len(caplog.records) == count

    run(page)
    assert {(record.name, record.levelname) for record in caplog.records} == {("nextauth_client", "DEBUG")}
    assert "Refresh(ticket=2) -> SendQuery(query=3)" in caplog.text


def test_it_opens_in_a_browsers_page_alone_and_says_so() -> None:
    with pytest.raises(NotAvailableHere, match=r"devtools.open\(\) belongs in a page, and this is none"):
        devtools.open()

    async def page(browser: Browser) -> None:
        with pytest.raises(AttributeError, match=r"not part of the small page .* test what needs it in a real one"):
            devtools.open()

    run(page)


PAGE = """
import asyncio
from nextauth_client import get_session
from nextauth_client.testing import run

async def page(browser):
    exec(LINES)
    await get_session()
    await asyncio.sleep(1)

run(page)
"""


def test_the_guides_lines_write_what_happens_by_logging() -> None:
    code = f"LINES = {code_of('devtools.md', 'Without a panel')!r}\n{PAGE}"
    done = subprocess.run([sys.executable, "-c", code], env=environment(), capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    assert re.search(r"^DEBUG:nextauth_client:.*Refresh\(ticket=1\) -> SendQuery", done.stderr, re.MULTILINE), (
        done.stderr
    )
