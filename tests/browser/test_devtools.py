"""The developer tools: a panel that a page opens when it asks for it, and that leaves nothing behind."""

from __future__ import annotations

import itertools
import re
from typing import Any

import pytest
from playwright.sync_api import Locator

from tests.browser import test_leaks
from tests.browser.snippets import GIVEN, HOSTILE, SHOW
from tests.simulation.copied import play
from tests.simulation.world import end_worlds
from tests.support.accessible import assert_nobody_is_shut_out
from tests.support.engines import expect
from tests.support.tabs import END, Tab, Tabs, micropython_only

DEVTOOLS = "/static/client/nextauth_client-devtools.tar.gz.bin"
HTML = '<main><h1>A page</h1><p>Hello <b data-auth-text="user.name">you</b></p><button id="open">Tools</button></main>'
ON_CLICK = """
from nextauth_client import devtools

@when("click", "#open")
def on_open(event):
    devtools.open()
"""
BINDS = SHOW + GIVEN + "bind()\n"
OPENS = SHOW + ON_CLICK
SEES_EVENTS = """
names, step = [], provider.driver.on_step

def on_step(event, effects):
    names.append(type(event).__name__)
    step(event, effects)

provider.driver.on_step = on_step
js.seen = lambda: " ".join(names)
"""

_numbers = itertools.count(1)


def open_page(
    tabs: Tabs, python: str, *, attribute: bool = False, loads_tools: bool = True, before: str = "", query: str = ""
) -> Tab:
    """A page whose configuration names the tools' archive, too."""
    path = f"/devtools-{next(_numbers)}.html"
    files = {**tabs.site.files, **({DEVTOOLS + "#.tar.gz": "./*"} if loads_tools else {})}
    head = f"<script>{before}</script>" if before else ""
    tabs.site.write_page(
        path, python=python + END, html=HTML, interpreter=tabs.interpreter, config={"files": files}, head=head
    )
    if attribute:
        file = tabs.site.folder / path[1:]
        file.write_text(file.read_text().replace('<html lang="en">', '<html lang="en" data-auth-devtools>'))
    tab = tabs.tab()
    tab.page.goto(tabs.backend.url + path + query)
    expect(tab.page.locator("html")).to_have_attribute("data-python", "done")
    return tab


def panel_of(tab: Tab) -> Locator:
    return tab.page.get_by_role("region", name="Developer tools")


def fact(tab: Tab, name: str) -> Locator:
    return panel_of(tab).locator(f"[data-fact={name}]")


def open_tools(tab: Tab) -> None:
    """And wait for the page's first answer."""
    tab.element("open").click()
    expect(fact(tab, "state")).not_to_have_text("loading")


def press(tab: Tab, name: str) -> None:
    panel_of(tab).get_by_role("button", name=name, exact=True).click()


def is_gone(tab: Tab) -> None:
    expect(tab.page.locator("nextauth-devtools")).to_have_count(0)


# ── opening and closing ──────────────────────────────────────────────────────────────────────────


def test_the_attribute_opens_it_and_its_button_closes_it(tabs: Tabs) -> None:
    tab = open_page(tabs, BINDS, attribute=True)
    expect(fact(tab, "state")).to_have_text("authenticated: Ada")
    assert tab.page.evaluate("document.activeElement === document.body"), "a page that begins keeps its focus"
    press(tab, "Close the developer tools")
    is_gone(tab)


@micropython_only
def test_a_page_that_does_not_ask_for_it_runs_none_of_it(tabs: Tabs) -> None:
    python = """
import sys
names = [name for name in sys.modules if name.split(".")[-1] in ("panel", "timeline", "schedule", "faults", "devtools")]
show("names", names)
show("step", provider.driver.on_step.__name__)
"""
    tab = open_page(
        tabs, BINDS + "document.body.insertAdjacentHTML('beforeend', '<p id=names></p><p id=step></p>')" + python
    )
    tab.shows(names="[]", step="ignore")
    is_gone(tab)


@micropython_only
def test_a_page_that_asks_for_it_and_has_not_loaded_it_is_told_so_and_served(tabs: Tabs) -> None:
    tab = open_page(tabs, BINDS, attribute=True, loads_tools=False)
    assert [line for line in tab.console if "docs/devtools.md" in line and "data-auth-devtools" in line]
    expect(tab.page.locator("b")).to_have_text("Ada")


@micropython_only
def test_a_second_call_finds_it_open_and_stopping_the_provider_closes_it(tabs: Tabs) -> None:
    python = SHOW + GIVEN + "from nextauth_client import devtools\none, two = devtools.open(), devtools.open()\n"
    tab = open_page(tabs, python + "document.title = str(one is two)\njs.stop = lambda: provider.stop()")
    assert tab.page.title() == "True"
    expect(panel_of(tab)).to_have_count(1)
    tab.page.evaluate("stop()")
    is_gone(tab)


@micropython_only
def test_it_is_used_by_keyboard_alone_and_gives_the_focus_back(tabs: Tabs) -> None:
    tab = open_page(tabs, OPENS)
    keys = tab.page.keyboard
    tab.page.locator("#open").focus()
    keys.press("Enter")
    expect(panel_of(tab)).to_be_visible()
    reached = []
    for _ in range(12):
        keys.press("Tab")
        reached.append(
            tab.page.evaluate(
                """() => {
                    const one = document.querySelector("nextauth-devtools").shadowRoot.activeElement;
                    return one && (one.dataset.do || one.type || one.className);
                }"""
            )
        )
    buttons = ["refresh", "expire", "offline", "slow", "sign-out", "search", "pause", "copy", "clear"]
    assert [one for one in reached if one in (*buttons, "close", "events")] == ["close", *buttons, "events"]
    keys.press("Escape")
    is_gone(tab)
    expect(tab.page.locator("#open")).to_be_focused()


# ── what it shows ────────────────────────────────────────────────────────────────────────────────


@micropython_only
def test_it_tells_what_was_asked_why_and_what_other_tabs_know(tabs: Tabs) -> None:
    tab, other = open_page(tabs, OPENS), open_page(tabs, OPENS)
    open_tools(tab)
    open_tools(other)
    press(tab, "Refresh")
    expect(fact(tab, "asked")).to_contain_text("get_session() or refresh() was called")
    expect(fact(tab, "came")).to_contain_text("nobody, after")
    expect(fact(tab, "state")).to_have_text("unauthenticated")
    expect(panel_of(other).get_by_role("table", name="Tabs")).to_contain_text(re.compile(r"nobody\s*answer, \d\d:\d\d"))
    expect(panel_of(tab).get_by_role("status")).to_have_text("Asked.")


@micropython_only
def test_it_says_when_whoever_uses_no_tab_is_signed_out(tabs: Tabs) -> None:
    tab = open_page(tabs, BINDS, attribute=True)
    expect(fact(tab, "idle")).to_have_text("off")
    limited = BINDS.replace("Provider(", "Provider(idle_timeout=3600, ", 1)
    tab = open_page(tabs, limited, attribute=True)
    first = fact(tab, "idle").inner_text()
    assert re.fullmatch(r"1:00:00|59:\d\d", first), first
    tab.wait(lambda: fact(tab, "idle").inner_text() != first, "another number of seconds")


@micropython_only
def test_it_counts_down_with_one_timer_while_it_is_seen_and_wakes_nobody(tabs: Tabs) -> None:
    before = """
        const set = setInterval, clear = clearInterval;
        window.ticking = new Map();
        window.setInterval = (call, delay) => {
            const id = set(call, delay);
            ticking.set(id, delay);
            return id;
        };
        window.clearInterval = id => {
            ticking.delete(id);
            clear(id);
        };
        window.see = state => {
            Object.defineProperty(document, "visibilityState", { value: state, configurable: true });
            document.dispatchEvent(new Event("visibilitychange"));
        };
        window.timers = () => [...ticking.values()];
    """
    python = BINDS + SEES_EVENTS
    tab = open_page(tabs, python, attribute=True, before=before)
    first = fact(tab, "expires").inner_text()
    tab.wait(lambda: fact(tab, "expires").inner_text() != first, "another number of seconds")
    assert tab.page.evaluate("timers()") == [1000]
    assert "Read" not in tab.page.evaluate("seen()"), "nobody has asked to be told of the next second"
    tab.page.evaluate("see('hidden')")
    assert tab.page.evaluate("timers()") == []
    tab.page.evaluate("see('visible')")
    assert tab.page.evaluate("timers()") == [1000]
    press(tab, "Close the developer tools")
    assert tab.page.evaluate("timers()") == []


@micropython_only
def test_what_a_server_or_a_tab_says_is_text(tabs: Tabs) -> None:
    tab = open_page(
        tabs,
        SHOW + GIVEN + f"name = {HOSTILE!r}\n" + "provider.stop()\nprovider = Provider(session=session(name))\nbind()",
        attribute=True,
    )
    expect(fact(tab, "state")).to_contain_text("<img src=x")
    hostile = {"type": "answer", "stamp": [1, HOSTILE], "asked": HOSTILE, "session": {"user": {"name": HOSTILE}}}
    now = tab.page.evaluate("Date.now()")
    for message in (hostile, {**hostile, "asked": now / 1000, "stamp": [now + 1, HOSTILE]}, {"type": HOSTILE}, HOSTILE):
        tab.page.evaluate(
            """message => new BroadcastChannel("nextauth-client:1:" + location.origin + "/api/auth")
                .postMessage(JSON.stringify(message))""",
            message,
        )
    expect(panel_of(tab).locator("tbody tr")).to_have_count(2)
    found = tab.page.evaluate(
        "document.querySelector('nextauth-devtools').shadowRoot.querySelectorAll('img, script').length"
    )
    assert (found, tab.page.title()) == (0, "A page under test")


@micropython_only
def test_the_timeline_is_filtered_stands_still_and_is_cleared(tabs: Tabs) -> None:
    tab = open_page(tabs, OPENS)
    open_tools(tab)
    lines = panel_of(tab).locator("li")
    press(tab, "Clear")
    press(tab, "Refresh")
    expect(lines.filter(has_text="Answered(query=")).to_have_count(1)
    panel_of(tab).get_by_label("Filter the timeline").fill("answered")
    expect(lines).to_have_count(1)
    panel_of(tab).get_by_label("Filter the timeline").fill("-answered refresh(")
    expect(lines).to_have_count(1)
    expect(lines).to_contain_text("SendQuery(query=")
    press(tab, "Pause")
    press(tab, "Refresh")
    expect(panel_of(tab).get_by_role("status")).to_have_text("Asked.")
    expect(lines).to_have_count(1)
    press(tab, "Pause")
    expect(lines).to_have_count(2)
    press(tab, "Clear")
    expect(lines).to_have_count(0)


@micropython_only
def test_a_timeline_that_was_copied_is_played_by_the_simulation(tabs: Tabs) -> None:
    tab = open_page(tabs, OPENS)
    tabs.context.grant_permissions(["clipboard-read", "clipboard-write"])
    open_tools(tab)
    for button in ("Refresh", "Offline"):
        press(tab, button)
    expect(panel_of(tab).locator("li").filter(has_text="Network(online=False)")).to_have_count(1)
    press(tab, "Offline")
    expect(panel_of(tab).locator("li").filter(has_text="Network(online=True)")).to_have_count(1)
    press(tab, "Copy as a test")
    expect(panel_of(tab).get_by_role("status")).to_contain_text(re.compile(r"Copied a test of \d+ steps"))
    copied = tab.page.evaluate("navigator.clipboard.readText()")
    assert re.findall(r"world\.(set_online|refresh)\((\w+)\)", copied) == [
        ("refresh", "0"),
        ("set_online", "False"),
        ("set_online", "True"),
    ]
    try:
        play(copied)
    finally:
        end_worlds()


@micropython_only
def test_where_the_browser_lets_nothing_be_copied_the_text_is_shown(tabs: Tabs) -> None:
    before = "Object.defineProperty(navigator, 'clipboard', { value: undefined });"
    tab = open_page(tabs, OPENS, before=before)
    open_tools(tab)
    press(tab, "Copy as a test")
    text = panel_of(tab).get_by_label("The timeline as a test")
    expect(text).to_be_focused()
    assert text.input_value().startswith("def test_")


# ── what its buttons do ──────────────────────────────────────────────────────────────────────────


@micropython_only
def test_offline_and_slow_are_shown_as_active_and_undone_by_closing(tabs: Tabs) -> None:
    tab = open_page(tabs, OPENS)
    open_tools(tab)
    for name in ("Offline", "Slow"):
        press(tab, name)
        expect(panel_of(tab).get_by_role("button", name=name)).to_have_attribute("aria-pressed", "true")
    expect(panel_of(tab)).to_contain_text("Offline: requests of this tab fail.")
    expect(panel_of(tab)).to_contain_text("Closing the panel ends this.")
    press(tab, "Slow")
    asked = len(tab.requests("session"))
    press(tab, "Refresh")
    expect(panel_of(tab).get_by_role("status")).to_contain_text("The developer tools keep this page offline.")
    assert len(tab.requests("session")) == asked
    press(tab, "Close the developer tools")
    is_gone(tab)
    # Each look asks the page something, in which Playwright tells of requests.
    tab.wait(lambda: tab.page.title() and len(tab.requests("session")) > asked, "the page is online, and asks")


@micropython_only
def test_a_session_expires_and_a_person_is_signed_out_at_a_press(tabs: Tabs) -> None:
    tab = open_page(
        tabs,
        SHOW
        + "import asyncio\nawait sign_in('credentials', username='ada', password='lovelace', redirect=False)\n"
        + ON_CLICK,
    )
    open_tools(tab)
    expect(fact(tab, "state")).to_have_text("authenticated: Ada Lovelace")
    press(tab, "Expire")
    expect(fact(tab, "state")).to_have_text("unauthenticated")
    expect(fact(tab, "reason")).to_have_text("expired")
    press(tab, "Expire")
    expect(fact(tab, "state")).to_have_text("authenticated: Ada Lovelace")
    press(tab, "Sign out")
    expect(fact(tab, "reason")).to_have_text("signed_out")


# ── for everybody ────────────────────────────────────────────────────────────────────────────────


@micropython_only
@pytest.mark.parametrize(
    ("scheme", "width", "height"),
    [("light", 1200, 900), ("dark", 1200, 900), ("light", 320, 640), ("dark", 640, 400)],
    ids=["light", "dark", "phone", "dark, at 200 %"],
)
def test_nobody_is_shut_out_of_it(tabs: Tabs, scheme: Any, width: int, height: int) -> None:
    tab = open_page(tabs, OPENS)
    tab.page.set_viewport_size({"width": width, "height": height})
    tab.page.emulate_media(color_scheme=scheme, reduced_motion="reduce")
    open_tools(tab)
    for name in ("Refresh", "Offline"):
        press(tab, name)
    expect(panel_of(tab).locator("li").first).to_be_attached()
    assert_nobody_is_shut_out(tab.page)
    assert tab.page.evaluate("document.getAnimations().length") == 0
    box = panel_of(tab).bounding_box()
    assert box is not None
    assert box["x"] >= 0 and box["y"] >= 0 and box["x"] + box["width"] <= width and box["y"] + box["height"] <= height
    assert (
        tab.page.evaluate(
            """() => [...document.querySelector("nextauth-devtools").shadowRoot.querySelectorAll("*")]
            .filter(one => one.scrollWidth > one.clientWidth + 1 && one.clientWidth > 1 && one.tabIndex < 0)
            .filter(one => getComputedStyle(one).display !== "inline").map(one => one.outerHTML.slice(0, 80))"""
        )
        == []
    )


LOAD = f"""
import gzip, io, tarfile
from pyscript import fetch
packed = io.BytesIO(bytes(await (await fetch("{DEVTOOLS}")).bytearray()))
archive = tarfile.TarFile(fileobj=gzip.GzipFile(fileobj=packed))
for member in archive:
    with open(member.name, "wb") as file:
        file.write(archive.extractfile(member).read())
from nextauth_client import devtools

def mount_panel():
    devtools.open(provider).dispose()

"""


@micropython_only
def test_many_panels_leave_nothing_behind(tabs: Tabs) -> None:
    more = test_leaks.measured(tabs, "panel", LOAD)
    most = {**test_leaks.MOST, "python": test_leaks.MOST_OF_PYTHON[tabs.interpreter]}
    assert {name: count for name, count in more.items() if count > most[name]} == {}, more
