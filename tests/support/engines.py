"""The three browser engines, and what differs between them: how each is started, and how a browser is had from it that
gives real focus events or keeps pages that are left.

$ENGINE says which one the tests run in: "chromium" (unless it says otherwise), "firefox" or "webkit". Contexts, pages
and locators are Playwright's; those of WebKit have the same names (see `tests/support/webkit.py`).
"""

from __future__ import annotations

import contextlib
import json
import os
import re
import subprocess
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import playwright.sync_api
import pytest
from playwright.sync_api import Playwright
from selenium.common.exceptions import WebDriverException

from scripts import browsers
from tests.support import webkit
from tests.support.watch import WATCH

NAMES = ("chromium", "firefox", "webkit")
ENGINE = os.environ.get("ENGINE") or "chromium"
# Milliseconds. On a busy machine Pyodide takes more than Playwright's 5 seconds to start; on WebKitGTK, where it takes
# 6 on an idle one, more than 30.
PATIENCE = 60_000 if ENGINE == "webkit" else 30_000

# What pages have to run first where the browser cannot be told to.
FIRST = WATCH + webkit.LISTEN if ENGINE == "webkit" else ""
FLAGS = [
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
]

# How a person may have set a browser, and how each engine is.
NO_COOKIES = "no cookies"
NO_THIRD_PARTY_COOKIES = "no third-party cookies"
PRIVATE = "a private window"
CHROMIUM: dict[str, dict[str, Any]] = {
    NO_COOKIES: {"default_content_setting_values": {"cookies": 2}},
    NO_THIRD_PARTY_COOKIES: {"block_third_party_cookies": True, "cookie_controls_mode": 1},
}
FIREFOX: dict[str, dict[str, Any]] = {
    NO_COOKIES: {"network.cookie.cookieBehavior": 2},
    NO_THIRD_PARTY_COOKIES: {"network.cookie.cookieBehavior": 1},
    PRIVATE: {"browser.privatebrowsing.autostart": True},
}
WEBKIT = {
    NO_COOKIES: ["--cookies-policy=never"],
    NO_THIRD_PARTY_COOKIES: ["--cookies-policy=no-third-party"],
    PRIVATE: ["--private"],  # as each that WebDriver starts is
}

# What the page's tab cannot do just now, such as running JavaScript while it is on its way elsewhere.
PageError = (playwright.sync_api.Error, WebDriverException)


def expect(thing: Any) -> Any:
    """Playwright's `expect`, of whichever engine's page or locator."""
    if isinstance(thing, webkit.Page | webkit.Locator):
        return webkit.Expectations(thing)
    return playwright.sync_api.expect(thing)


CLOSE_TRIES = 30  # of a second each


def close(page: Any) -> None:
    """Close a page, whatever it is at.

    Chromium drops a close that meets a navigation, and then `Page.close`, and `BrowserContext.close` with such a page
    in it, wait for ever (microsoft/playwright#41900). A page that has crashed hears nothing: it is closed from outside.
    """
    for number in range(CLOSE_TRIES):
        try:
            with page.expect_event("close", timeout=1000):
                if number % 2 and ENGINE == "chromium":
                    _close_target(page)
                else:
                    page.close(run_before_unload=True)  # which does not wait
            return
        except playwright.sync_api.TimeoutError:
            pass
        except playwright.sync_api.Error:
            if page.is_closed():  # in the meantime
                return
    pytest.fail(f"the browser does not close {page.url}")


def _close_target(page: playwright.sync_api.Page) -> None:
    target = page.context.new_cdp_session(page).send("Target.getTargetInfo")["targetInfo"]["targetId"]
    browser = page.context.browser
    assert browser is not None
    browser.new_browser_cdp_session().send("Target.closeTarget", {"targetId": target})


@contextlib.contextmanager
def new_context(browser: playwright.sync_api.Browser, **options: Any) -> Iterator[playwright.sync_api.BrowserContext]:
    """Playwright's, whose end does not wait for ever."""
    context = browser.new_context(**options)
    context.set_default_timeout(PATIENCE)
    try:
        yield context
    finally:
        for page in context.pages:
            close(page)
        context.close()


class Engine:
    """One that is running. Each of the contexts begins with neither cookies nor storage."""

    name: str
    version: str
    tells_visibility = False  # a tab that another covers, under its driver
    opens_in_front = False  # a page, so that another loses the focus
    rejects_fetch_with_a_stack = True  # where nobody answers
    has_channels_without_cookies = True
    tells_workers_of_cookies = True  # that they are off, by what else is refused them then

    def __init__(self) -> None:
        # Contexts that do not close as they should. The browser's end ends them; closing one might wait for ever.
        self.given_up = contextlib.ExitStack()

    @contextlib.contextmanager
    def context(self, base_url: str, **options: Any) -> Iterator[Any]:
        raise NotImplementedError
        yield

    @contextlib.contextmanager
    def keeping_context(self, base_url: str) -> Iterator[Any]:
        """One whose pages, when they are left, stay in the back/forward cache."""
        with self.context(base_url) as context:
            yield context

    def placed_context(self, base_url: str, place: str) -> contextlib.AbstractContextManager[Any]:
        """One in a browser of its own, that is set so: see `PLACES`."""
        raise NotImplementedError

    @contextlib.contextmanager
    def focusing_context(self, base_url: str) -> Iterator[Any]:
        """One whose tabs get focus and lose it as a person's do."""
        with self.context(base_url) as context:
            yield context

    def stop(self) -> None:
        """End what this has started itself, and what was given up."""
        self.given_up.close()


class Firefox(Engine):
    """Debian's own, driven by Playwright. It keeps pages and gives focus by itself."""

    name = "firefox"
    opens_in_front = True
    has_channels_without_cookies = False

    def __init__(self, playwright: Playwright, launch_args: dict[str, Any]) -> None:
        super().__init__()
        self.playwright = playwright
        self.browser: Any = getattr(playwright, ENGINE).launch(**launch_args)
        self.launch_args = launch_args
        self.version = self.browser.version

    def stop(self) -> None:
        self.browser.close()
        super().stop()

    @contextlib.contextmanager
    def context(self, base_url: str, **options: Any) -> Iterator[Any]:
        with new_context(self.browser, base_url=base_url, **options) as context:
            context.add_init_script(WATCH)
            yield context

    @contextlib.contextmanager
    def placed_context(self, base_url: str, place: str) -> Iterator[Any]:
        with self.playwright.firefox.launch(**self.launch_args, firefox_user_prefs=FIREFOX[place]) as browser:
            context = browser.new_context(base_url=base_url)
            context.set_default_timeout(PATIENCE)
            yield context


class Chromium(Firefox):
    """Playwright switches its back/forward cache off, and pretends that every page has the focus."""

    name = "chromium"
    tells_visibility = True
    opens_in_front = False
    has_channels_without_cookies = True

    @contextlib.contextmanager
    def keeping_context(self, base_url: str) -> Iterator[Any]:
        switched_off = ["--disable-back-forward-cache"]  # by Playwright
        with (
            self.playwright.chromium.launch(**self.launch_args, ignore_default_args=switched_off) as browser,
            new_context(browser, base_url=base_url) as context,
        ):
            yield context

    @contextlib.contextmanager
    def placed_context(self, base_url: str, place: str) -> Iterator[Any]:
        if place == PRIVATE:  # as all contexts that Playwright makes are
            with self.context(base_url) as context:
                yield context
            return
        with tempfile.TemporaryDirectory(prefix="chromium-", ignore_cleanup_errors=True) as profile:
            preferences = Path(profile) / "Default" / "Preferences"
            preferences.parent.mkdir()
            preferences.write_text(json.dumps({"profile": CHROMIUM[place]}))
            launch = self.playwright.chromium.launch_persistent_context
            with launch(profile, **self.launch_args, base_url=base_url) as context:
                context.set_default_timeout(PATIENCE)
                yield context

    @contextlib.contextmanager
    def focusing_context(self, base_url: str) -> Iterator[Any]:
        """Playwright looks at one that was started without it."""
        with tempfile.TemporaryDirectory(prefix="chromium-", ignore_cleanup_errors=True) as profile:
            command = [
                self.launch_args["executable_path"],
                *self.launch_args["args"],
                "--headless",
                "--remote-debugging-port=0",
                f"--user-data-dir={profile}",
            ]
            with subprocess.Popen(command, stderr=subprocess.PIPE, text=True) as process:
                try:
                    assert process.stderr is not None
                    address = next(found[0] for line in process.stderr if (found := re.search(r"ws://\S+", line)))
                    browser = self.playwright.chromium.connect_over_cdp(address, no_defaults=True)
                    context = browser.contexts[0]
                    context.set_default_timeout(PATIENCE)
                    yield context
                    browser.close()
                finally:
                    process.terminate()
                    process.communicate()


class WebKit(Engine):
    """WebKitGTK. It keeps pages by itself."""

    name = "webkit"
    rejects_fetch_with_a_stack = False
    tells_workers_of_cookies = False

    def __init__(self) -> None:
        super().__init__()
        self._programs = found("webkit")
        self._browser = self._start()
        self.version = self._browser.version

    @contextlib.contextmanager
    def context(self, base_url: str, **options: Any) -> Iterator[Any]:
        with webkit.Context(self._browser, base_url) as context:
            yield context

    def _start(self, *arguments: str) -> webkit.Browser:
        return webkit.Browser(
            self._programs.driver, self._programs.browser, self._programs.display, PATIENCE, arguments=arguments
        )

    @contextlib.contextmanager
    def placed_context(self, base_url: str, place: str) -> Iterator[Any]:
        with contextlib.closing(self._start(*WEBKIT[place])) as browser, webkit.Context(browser, base_url) as context:
            yield context

    @contextlib.contextmanager
    def focusing_context(self, base_url: str) -> Iterator[Any]:
        with webkit.Context(self._browser, base_url, kind="tab") as context:
            yield context

    def stop(self) -> None:
        super().stop()  # WebDriver waits for nothing without end
        self._browser.close()


PLAYWRIGHTS: dict[str, type[Firefox]] = {"chromium": Chromium, "firefox": Firefox}


def found(name: str) -> Any:
    """Where this browser is; the test that needs it fails where it is missing."""
    find, advice = browsers.PLACES[name]
    return find() or pytest.fail(advice, pytrace=False)


def launch_args() -> dict[str, Any]:
    """What Playwright starts this engine with."""
    if ENGINE == "firefox":
        return {"channel": "moz-firefox", "executable_path": found("firefox")}
    return {"executable_path": found("chromium"), "args": [*FLAGS, *browsers.chromium_args()]}
