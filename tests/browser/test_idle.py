"""The idle time-out: who uses no tab for so long is signed out in all of them, at the backend too."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from typing import Any
from urllib.parse import urlsplit

import pytest

from tests.browser.following import BROWSERS_OWN, OURS, Bystander, open_in_turn, press
from tests.browser.snippets import SHOW
from tests.support.backend import Backend
from tests.support.engines import expect
from tests.support.tabs import Tab, Tabs, micropython_only

TIMEOUT = 900


@pytest.fixture(autouse=True)
def clocks_are_right_again(tabs: Tabs) -> Iterator[None]:
    yield
    for page in tabs.context.pages:
        page.evaluate("() => { Date.now = globalThis.clock ?? Date.now }")


HTML = """
<p id="who"></p> <p id="reason"></p> <p id="left"></p> <p id="painted"></p> <p id="asked"></p>
<p id="warning" data-auth-show="idle" hidden>Signed out in <b id="bound" data-auth-text="idle_in">a few</b> s
  <button id="stay" data-auth-stay>Stay</button></p>
<p id="in" data-auth-show="authenticated" hidden>Signed in</p>
<button id="ask">Ask</button> <button id="enter">Enter</button>
"""

# `sleep(seconds)`, of JavaScript, is what a page finds when its computer wakes: a later clock, and timers as they were.
PYTHON = (
    SHOW
    + """
import js

js.eval("globalThis.clock ??= Date.now; let ahead = 0; Date.now = () => clock() + ahead; "
    "globalThis.sleep = seconds => { ahead += 1000 * seconds }")

Provider(%s)

@effect
def follow():
    state = use_session()
    show("who", state.session.user.name if state.session else "nobody")
    show("reason", state.reason)

@effect
def left():
    show("left", use_session().idle_in)

@on_click("ask")
async def ask(event):
    await get_session()
    show("asked", "yes")

@on_click("enter")
async def enter(event):
    await sign_in("credentials", redirect=False, username="ada", password="lovelace")

bind()
"""
)
OPTIONS = f"refetch_on_focus=False, idle_timeout={TIMEOUT}"

UNUSED = """
for (const name of ["pointerdown", "pointermove", "keydown", "touchstart", "touchmove", "wheel", "scroll"])
    window.dispatchEvent(new Event(name));
window.scrollTo(0, 50);
"""


def pages(tabs: Tabs, backend: Backend, number: int, options: str = OPTIONS) -> list[Tab]:
    backend.sign_in(tabs.context)
    opened = open_in_turn(tabs, number, PYTHON % options, HTML, who="Ada Lovelace", reason="None", left="None")
    return list(opened)


def sleep(opened: list[Tab], seconds: float) -> None:
    for tab in opened:
        tab.page.evaluate("seconds => sleep(seconds)", seconds)


def sign_outs(backend: Backend) -> list[dict[str, Any]]:
    path = urlsplit(backend.base).path + "/signout"
    return [entry for entry in backend.log() if entry["method"] == "POST" and entry["path"] == path]


def all_idle(opened: list[Tab]) -> None:
    for tab in opened:
        tab.shows(who="nobody", reason="idle", left="None")
        expect(tab.element("in")).to_be_hidden()
        expect(tab.element("warning")).to_be_hidden()


def has_cookie(tabs: Tabs) -> bool:
    return any("session" in cookie["name"] for cookie in tabs.context.cookies())


def test_who_uses_no_tab_is_signed_out_in_all_and_at_the_backend(tabs: Tabs, backend: Backend) -> None:
    opened = pages(tabs, backend, 2)
    sleep(opened, TIMEOUT)
    all_idle(opened)
    with Bystander(tabs) as bystander:
        bystander.until(lambda: not has_cookie(tabs))
    assert sign_outs(backend)
    press(opened[0], "ask")
    all_idle(opened)
    press(opened[1], "enter")
    for tab in opened:
        tab.shows(who="Ada Lovelace", reason="None")


def uses() -> list[Callable[[Tab], object]]:
    return [
        lambda tab: tab.page.mouse.move(9, 9),
        lambda tab: tab.page.keyboard.press("Shift"),
        lambda tab: tab.page.mouse.wheel(0, 5),
        lambda tab: tab.page.mouse.click(5, 5),
    ]


def test_a_pointer_a_key_and_a_wheel_in_one_tab_keep_all(tabs: Tabs, backend: Backend) -> None:
    opened = one, other = pages(tabs, backend, 2)
    for use in uses():
        sleep(opened, TIMEOUT - 40)
        for tab in opened:
            expect(tab.element("warning")).to_be_visible()
            tab.contains(left=re.compile("^[1-4]?[0-9]$"))
        use(one)
        for tab in opened:
            expect(tab.element("warning")).to_be_hidden()
            tab.shows(left="None")
    other.shows(who="Ada Lovelace")
    assert not sign_outs(backend)


@micropython_only
def test_what_scripts_do_and_what_is_asked_again_is_no_use(tabs: Tabs, backend: Backend) -> None:
    opened = pages(tabs, backend, 2)
    sleep(opened, TIMEOUT - 40)
    for tab in opened:
        expect(tab.element("warning")).to_be_visible()
        tab.page.evaluate(UNUSED)
        press(tab, "ask")
        tab.shows(asked="yes")  # an answer that took 40 s would not be believed
    sleep(opened, 40)
    all_idle(opened)


def test_the_warning_counts_down_and_a_button_that_stays_ends_it(tabs: Tabs, backend: Backend) -> None:
    [tab] = opened = pages(tabs, backend, 1)
    sleep(opened, TIMEOUT - 30)
    expect(tab.element("warning")).to_be_visible()
    assert tab.page.evaluate("document.documentElement.dataset.authState") == "authenticated idle"
    first = int(tab.until("document.getElementById('bound').textContent"))
    tab.until(f"Number(document.getElementById('bound').textContent) <= {first - 2}")
    tab.until(f"Number(document.getElementById('left').textContent) <= {first - 2}")
    press(tab, "stay")  # a click with neither pointer nor key, as a screen reader makes it
    expect(tab.element("warning")).to_be_hidden()
    tab.shows(left="None", who="Ada Lovelace", bound="a few")


def test_a_page_that_wakes_past_the_deadline_shows_nobody_before_it_does_anything_else(
    tabs: Tabs, backend: Backend
) -> None:
    [tab] = pages(tabs, backend, 1)
    # The person's own movement is what the page hears of first.
    tab.page.evaluate(f"""() => {{
        addEventListener("keydown", () => {{
            document.getElementById("painted").textContent = document.getElementById("who").textContent;
        }});
        sleep({TIMEOUT + 3600});
    }}""")
    tab.page.keyboard.press("Shift")
    tab.shows(painted="nobody", who="nobody", reason="idle")


def test_nobody_is_shown_while_the_backend_cannot_be_told_nor_after_a_reload(tabs: Tabs, backend: Backend) -> None:
    opened = pages(tabs, backend, 2)
    for tab in opened:
        tab.expect_problem(BROWSERS_OWN, OURS)  # the clock may overtake the first query after the reload
    backend.fault("csrf", "reset", times=1000)
    sleep(opened, TIMEOUT)
    all_idle(opened)
    assert has_cookie(tabs)
    for tab in opened:
        press(tab, "ask")
    all_idle(opened)
    opened[0].page.reload()
    opened[0].shows(who="nobody", reason="idle")
    sleep(opened[:1], TIMEOUT)  # it is the same computer's clock
    backend.heal("csrf")
    with Bystander(tabs) as bystander:
        bystander.until(lambda: not has_cookie(tabs))
    all_idle(opened)
    press(opened[0], "enter")
    for tab in opened:
        tab.shows(who="Ada Lovelace", reason="None")


@micropython_only
def test_a_hidden_tab_counts_down(focusing_tabs: Tabs, backend: Backend) -> None:
    hidden, front = opened = pages(focusing_tabs, backend, 2)
    hidden.page.bring_to_front()
    front.page.bring_to_front()
    hidden.until("document.visibilityState === 'hidden'")
    sleep(opened[:1], TIMEOUT)
    all_idle(opened)


@micropython_only
def test_use_is_told_at_most_every_five_seconds_and_without_the_option_never(tabs: Tabs, backend: Backend) -> None:
    count = """name => {
        globalThis.heard = 0;
        new BroadcastChannel(name).onmessage = ({ data }) => { if (JSON.parse(data).type == "use") heard++ };
    }"""
    for options, most in (("refetch_on_focus=False", 0), (OPTIONS, 2)):
        tab = pages(tabs, backend, 1, options)[0]
        with Bystander(tabs) as bystander:
            bystander.page.evaluate(count, "nextauth-client:1:" + backend.base)
            tab.page.evaluate("globalThis.moves = 0; addEventListener('mousemove', () => moves++)")
            for number in range(100):
                tab.page.mouse.move(number, number)
            tab.until("moves >= 100")
            if most:
                bystander.until(lambda: bystander.page.evaluate("heard") >= 1)
            bystander.until_quiet(1)
            assert bystander.page.evaluate("heard") <= most
