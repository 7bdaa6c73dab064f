"""Focus and visibility as a person causes them, by changing tabs: events of the browser's own.

Playwright pretends that every page has the focus. A Chromium that was started without it, and is only looked at, does
not.
"""

from __future__ import annotations

import re
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import BrowserContext, Playwright

from tests.browser.backend import Backend
from tests.browser.following import BROWSERS_OWN, HTML, Bystander, all_show, following, press, session_questions
from tests.browser.site import Site
from tests.browser.tabs import Tab, Tabs, close

NOTE_EVENTS = """
() => {
    window.seen = [];
    for (const name of ["focus", "blur"]) addEventListener(name, () => seen.push(name));
    document.addEventListener("visibilitychange", () => seen.push(document.visibilityState));
}
"""


@pytest.fixture(scope="module")
def plain_context(
    playwright: Playwright, browser_type_launch_args: dict[str, Any], tmp_path_factory: pytest.TempPathFactory
) -> Iterator[BrowserContext]:
    command = [
        browser_type_launch_args["executable_path"],
        *browser_type_launch_args["args"],
        "--headless",
        "--remote-debugging-port=0",
        f"--user-data-dir={tmp_path_factory.mktemp('profile')}",
    ]
    with subprocess.Popen(command, stderr=subprocess.PIPE, text=True) as process:
        try:
            assert process.stderr is not None
            address = next(found[0] for line in process.stderr if (found := re.search(r"ws://\S+", line)))
            browser = playwright.chromium.connect_over_cdp(address, no_defaults=True)
            yield browser.contexts[0]
            browser.close()
        finally:
            process.terminate()
            process.communicate()


@pytest.fixture
def plain_tabs(
    plain_context: BrowserContext, site: Site, backend: Backend, interpreter: str, tmp_path: Path
) -> Iterator[Tabs]:
    with Tabs(plain_context, site, backend, interpreter, None) as tabs:
        yield tabs
    for tab in tabs.opened:
        close(tab.page)
    plain_context.clear_cookies()


def until_seen(bystander: Bystander, tab: Tab, *names: str) -> None:
    bystander.until(lambda: set(names) <= set(tab.page.evaluate("seen")))


def test_a_tab_that_comes_to_the_front_asks_once_for_all(plain_tabs: Tabs, backend: Backend) -> None:
    backend.sign_in(plain_tabs.context)
    one, other = opened = [plain_tabs.python(following(), html=HTML) for _ in range(2)]
    with Bystander(plain_tabs) as bystander:
        all_show(opened, who="Ada Lovelace")
        one.page.bring_to_front()
        for tab in opened:
            tab.page.evaluate(NOTE_EVENTS)
        # Changing tabs right after an answer costs nothing.
        asked = bystander.until_quiet(1.5)
        backend.rename("Ada King")
        other.page.bring_to_front()
        until_seen(bystander, other, "focus", "visible")
        until_seen(bystander, one, "blur", "hidden")
        all_show(opened, who="Ada King")
        assert bystander.until_quiet(0.5) == asked + 1


def test_without_refetch_on_focus_nothing_is_asked(plain_tabs: Tabs, backend: Backend) -> None:
    backend.sign_in(plain_tabs.context)
    one, other = opened = [plain_tabs.python(following("refetch_on_focus=False"), html=HTML) for _ in range(2)]
    with Bystander(plain_tabs) as bystander:
        all_show(opened, who="Ada Lovelace")
        one.page.bring_to_front()
        for tab in opened:
            tab.page.evaluate(NOTE_EVENTS)
        bystander.until_quiet(1.5)
        other.page.bring_to_front()
        until_seen(bystander, other, "focus", "visible")
        one.page.bring_to_front()
        until_seen(bystander, one, "focus", "visible", "blur", "hidden")
        assert len(session_questions(backend)) == 2


@pytest.mark.parametrize("hidden", ["later", "from the start"])
def test_a_hidden_tab_asks_again_after_a_failure_when_it_is_seen(
    plain_tabs: Tabs, backend: Backend, hidden: str
) -> None:
    backend.sign_in(plain_tabs.context)
    tab = plain_tabs.python(following(), html=HTML)
    tab.expect_problem(BROWSERS_OWN)
    tab.shows(who="Ada Lovelace")
    with Bystander(plain_tabs) as bystander:
        bystander.page.bring_to_front()
        tab.page.wait_for_function("document.visibilityState === 'hidden'")
        asked = bystander.until_quiet(1.5)
        backend.fault("session", "500-json")
        if hidden == "later":
            press(tab, "ask")
        else:
            tab.page.reload()
        tab.shows(error="UnexpectedAnswer")
        # Seen, it would ask again within a second, and within two more.
        assert bystander.until_quiet(2.5) == asked + 1
        backend.heal("session")
        backend.rename("Ada King")
        tab.page.bring_to_front()
        tab.shows(who="Ada King", error="none")
