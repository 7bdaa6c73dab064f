"""Browser tabs under test: what they show, ask and complain about; and how one is opened with Python in it."""

from __future__ import annotations

import contextlib
import itertools
import json
import re
import time
from collections.abc import Callable
from types import TracebackType
from typing import Any
from urllib.parse import urlsplit

import pytest
from playwright.sync_api import BrowserContext, ConsoleMessage, Locator, Page, Request, Route

from tests.support.backend import Backend
from tests.support.engines import PATIENCE, Engine, PageError, close, expect
from tests.support.site import Site

# For tests of what does not depend on the interpreter.
micropython_only = pytest.mark.parametrize("interpreter", ["micropython"], indirect=True)
# For a test whose cases differ in what is not the interpreter's business: the first of them runs on Pyodide too, which
# takes seconds to start.
first_on_pyodide = pytest.mark.first_on_pyodide
# For tests that every engine runs.
contract = pytest.mark.contract
# The same for what is the engine's business whatever the interpreter: there one of them shows it, the quicker to start.
contract_in_one = pytest.mark.contract("micropython")
# For a case that one engine cannot show: not_on("webkit", "WebDriver has no …").
not_on = pytest.mark.not_on
pyodide_only = pytest.mark.parametrize("interpreter", ["pyodide"], indirect=True)

# The Python of a page whose Pyodide is used by many tests: see WarmPages.
RUNNER = """
import asyncio
import sys
import traceback

import js
from pyodide.code import eval_code_async
from pyodide.ffi import create_proxy


async def run(code):
    js.document.documentElement.removeAttribute("data-python")
    try:
        await eval_code_async(code, {"__name__": "__main__"})
    except Exception:
        traceback.print_exc()


def start(code):
    start.task = asyncio.ensure_future(run(code))


def stop():
    package = sys.modules.get("nextauth_client")
    if package and package.Provider.current():
        package.Provider.current().stop()
    for task in asyncio.all_tasks():
        task.cancel()
    for name in list(sys.modules):
        if name.split(".")[0] == "nextauth_client":
            del sys.modules[name]


js.globalThis.startPython = create_proxy(start)
js.globalThis.stopPython = create_proxy(stop)
"""

END = """
import js
js.document.documentElement.setAttribute("data-python", "done")
"""


def _squeezed(text: str) -> str:
    return " ".join(text.split())


class Tab:
    """One page and everything it has asked for and said since it was opened. `with` checks it at the end."""

    def __init__(self, page: Page, backend: Backend) -> None:
        self.page = page
        self.backend = backend
        self._requests: list[Request] = []
        self._console: list[str] = []
        self._problems: list[str] = []
        self._expected_problems: list[str] = []
        self._elsewhere: list[str] = []
        self._listeners: list[tuple[Any, Any]] = [
            ("request", lambda request: self._requests.append(request)),
            ("console", self._heard_console),
            ("pageerror", lambda error: self._problems.append(str(error))),
            ("crash", lambda page: self._problems.append(f"{page.url} has crashed")),
        ]
        for name, listener in self._listeners:
            page.on(name, listener)

    def _heard_console(self, message: ConsoleMessage) -> None:
        self._console.append(message.text)
        if message.type == "error":
            self._problems.append(message.text)

    def _caught_up(self, heard: list[Any]) -> list[Any]:
        """What the page has told until now; an engine that does not tell by itself is asked."""
        if catch_up := getattr(self.page, "catch_up", None):
            catch_up()
        return heard

    @property
    def all_requests(self) -> list[Request]:
        return self._caught_up(self._requests)

    @property
    def console(self) -> list[str]:
        return self._caught_up(self._console)

    @property
    def problems(self) -> list[str]:
        return self._caught_up(self._problems)

    def requests(self, endpoint: str) -> list[Request]:
        """What this tab has asked an auth endpoint, such as "session" or "callback/credentials"."""
        path = urlsplit(self.backend.base).path + "/" + endpoint
        return [request for request in self.all_requests if urlsplit(request.url).path == path]

    @property
    def navigations(self) -> list[str]:
        """The addresses of the documents that were asked for, the first included."""
        return [request.url for request in self.all_requests if request.is_navigation_request()]

    def element(self, name: str) -> Locator:
        """The one with this id; where Python cannot spell it, `_` stands for `-`."""
        return self.page.locator(f"#{name.replace('_', '-')}")

    def shows(self, **texts: str) -> None:
        """Wait until the element of each name (an id) has the text."""
        for name, text in texts.items():
            self._await_text(name, f"the text {text!r}", lambda seen, text=text: seen == _squeezed(text))

    def contains(self, **texts: str | re.Pattern[str]) -> None:
        """The same, for a part of the text, or a pattern."""
        for name, text in texts.items():
            pattern = re.compile(re.escape(_squeezed(text))) if isinstance(text, str) else text
            self._await_text(name, f"a text with {text!r}", lambda seen, pattern=pattern: bool(pattern.search(seen)))

    def _await_text(self, name: str, what: str, is_right: Callable[[str], bool]) -> None:
        # Not by Playwright's `expect`: on Firefox that waits for ever for a page that came back to have been loaded.
        id = name.replace("_", "-")
        seen: list[str | None] = [None]

        def looks_right() -> bool:
            seen[0] = self.page.evaluate("id => document.getElementById(id)?.textContent", id)
            return seen[0] is not None and is_right(_squeezed(seen[0]))

        try:
            self.wait(looks_right, f"#{id} has {what}")
        except AssertionError as error:
            raise AssertionError(f"{error}, but {seen[0]!r}; on {self.page.url}") from None

    def button(self, name: str) -> Locator:
        return self.page.get_by_role("button", name=name, exact=True)

    def expect_problem(self, *texts: str) -> None:
        """Lines with one of these texts may stand in the console as errors."""
        self._expected_problems += texts

    def assert_no_problem(self) -> None:
        unexpected = [line for line in self.problems if not any(text in line for text in self._expected_problems)]
        assert not unexpected, "errors on the page or its console:\n" + "\n".join(unexpected)

    def may_ask(self, url: str) -> None:
        """Requests to this origin are meant."""
        self._elsewhere.append(url + "/")

    def assert_stays_home(self) -> None:
        """No request has left the page's own host."""
        home = ("data:", "blob:", self.backend.url + "/", *self._elsewhere)
        left = [request.url for request in self.all_requests if not request.url.startswith(home)]
        assert not left, f"requests to other hosts: {left}"

    def check(self) -> None:
        self.assert_no_problem()
        self.assert_stays_home()

    def until(self, expression: str, seconds: float = PATIENCE / 1000) -> Any:
        """What this JavaScript gives as soon as that is true."""
        return self.wait(lambda: self.page.evaluate(expression), expression, seconds)

    def wait(self, look: Callable[[], Any], what: str, seconds: float = PATIENCE / 1000) -> Any:
        """What `look` gives as soon as that is true; the page may be on its way elsewhere meanwhile."""
        start = time.monotonic()
        while True:
            with contextlib.suppress(PageError):
                if found := look():
                    return found
            waited = time.monotonic() - start
            assert waited < seconds, f"still not so after {seconds} seconds: {what}"
            # Any engine, page or backend may make it so, and WebKit's driver tells of nothing by itself.
            time.sleep(min(0.02 + waited / 10, 0.1))

    def back(self) -> None:
        """Go back, and be on the page before. (`Page.go_back` waits for ever on Firefox, which has kept it.)"""
        left = self.page.url
        if back := getattr(self.page, "back", None):
            back()
        else:
            self.page.evaluate("setTimeout(() => history.back())")
        self.until(f"location.href !== {json.dumps(left)}")

    def forget(self) -> None:
        for name, listener in self._listeners:
            self.page.remove_listener(name, listener)


class Held:
    """Requests of a page, or of a context, that wait until the test lets the first of them go on."""

    def __init__(self, owner: Page | BrowserContext, url: str) -> None:
        self._owner = owner
        self._routes: list[Route] = []
        owner.route(url, lambda route: self._routes.append(route))

    def __len__(self) -> int:
        return len(self._routes)

    def go_on(self) -> None:
        """Let it go on, as soon as there is one."""
        page = self._owner.pages[0] if isinstance(self._owner, BrowserContext) else self._owner
        end = time.monotonic() + PATIENCE / 1000
        while not self._routes:
            assert time.monotonic() < end, "nothing was asked for"
            page.wait_for_timeout(20)  # in which Playwright tells what happens
        self._routes[0].continue_()


class WarmPages:
    """Pages with a booted Pyodide (it takes seconds) that one test after the other runs its Python in.

    They share a context, hence the browser's cache, which is emptied of cookies and storage after each test. A page
    that was left, is about to be, or where something was left behind, is closed.
    """

    PATH = "/warm.html"

    def __init__(self, engine: Engine, site: Site, backend: Backend) -> None:
        self._engine = engine
        self._url = backend.url
        site.write_page(self.PATH, python=RUNNER, html='<div id="page"></div>', interpreter="pyodide")
        site.write("/blank.html", "")
        self._begin()

    def _begin(self) -> None:
        self._opened = self._engine.context(self._url)
        self.context: BrowserContext = self._opened.__enter__()
        self._free: list[Page] = []
        self._blank = self.context.new_page()
        self._blank.goto("/blank.html")

    def stop(self) -> None:
        self._opened.__exit__(None, None, None)

    def take(self) -> Page:
        if self._free:
            return self._free.pop()
        page = self.context.new_page()
        page.goto(self.PATH)
        page.wait_for_function("typeof startPython === 'function'")
        page.evaluate(
            """() => {
                window.isLeaving = false;
                if (window.navigation)
                    navigation.addEventListener("navigate", event => {
                        if (!event.destination.sameDocument) window.isLeaving = true;
                    });
                else addEventListener("beforeunload", () => { window.isLeaving = true; });
                window.keptAtFirst = keptByPage().join();
            }"""
        )
        return page

    def start(self, page: Page, path: str, html: str, python: str) -> None:
        page.evaluate(
            """([path, html, python]) => {
                history.replaceState(null, "", path);
                document.getElementById("page").innerHTML = html;
                startPython(python);
            }""",
            [path, html, python],
        )

    def give_back(self, tab: Tab) -> None:
        page = tab.page
        if tab.navigations:  # one that does not end would hold up whatever is evaluated
            return
        try:
            if hasattr(page, "unroute_all"):
                page.unroute_all()
            # Cancelled tasks end in the turn after.
            clean = page.evaluate(
                """async path => {
                    stopPython();
                    await new Promise(resolve => setTimeout(resolve));
                    document.getElementById("page").innerHTML = "";
                    for (const name of Object.keys(document.documentElement.dataset))
                        delete document.documentElement.dataset[name];
                    history.replaceState(null, "", path);
                    sessionStorage.clear();
                    return !isLeaving && keptByPage().join() === keptAtFirst;
                }""",
                self.PATH,
            )
        except PageError:  # closed, or on its way elsewhere
            clean = False
        if clean:
            self._free.append(page)

    def clear(self) -> None:
        """Make the context as it was; where that cannot be done, this raises, and the next test has another one."""
        if self._blank.is_closed():  # with its browser, which was lost
            self._begin()
            return
        try:
            for page in list(self.context.pages):
                if page not in self._free and page is not self._blank:
                    close(page)
            self.context.set_offline(False)
            self.context.clear_cookies()
            self._blank.evaluate("localStorage.clear()")
        except BaseException:
            self._engine.given_up.push(self._opened)
            self._begin()
            raise


class Tabs:
    """Opens tabs of one browser context."""

    _numbers = itertools.count(1)

    def __init__(
        self, context: BrowserContext, site: Site, backend: Backend, interpreter: str, warm: WarmPages | None
    ) -> None:
        self.context = context
        self.site = site
        self.backend = backend
        self.interpreter = interpreter
        self._warm = warm
        self.opened: list[Tab] = []

    def tab(self, page: Page | None = None) -> Tab:
        """An empty tab."""
        tab = Tab(page or self.context.new_page(), self.backend)
        self.opened.append(tab)
        return tab

    def demo(self, query: str = "", *, boot: bool = False) -> Tab:
        """The demo page; `query` is added to its address. For `boot` see `python`."""
        path = f"/?interpreter={self.interpreter}{query}"
        if self._warm is None or boot:
            tab = self.tab()
            tab.page.goto(self.backend.url + path)
        else:
            tab = self.tab(self._warm.take())
            self._warm.start(tab.page, path, self.site.demo_html, self.site.demo_python)
        expect(tab.page.locator("html")).not_to_have_attribute("data-booting", "")
        return tab

    def python(
        self,
        python: str,
        *,
        html: str = "",
        head: str = "",
        before: str = "",
        path: str | None = None,
        boot: bool = False,
        wait: bool = True,
    ) -> Tab:
        """A page that runs this Python, with the client at hand (recipe B) and this HTML in its body and head.

        `path` may add query and fragment to the page's own path. With Pyodide the Python runs in a warm page, which a
        reload turns into a page of its own; `boot` says that it shall be one from the start, as one with a `head` or
        with JavaScript that runs `before` all else is. Returns when the Python has run to its end, unless `wait` is
        false.
        """
        python += END
        name = f"/page-{next(self._numbers)}.html"
        before = before and f"<script>{before}</script>"
        self.site.write_page(name, python=python, html=html, head=before + head, interpreter=self.interpreter)
        path = name + (path or "")
        if self._warm is None or boot or head or before:
            tab = self.tab()
            tab.page.goto(self.backend.url + path)
        else:
            tab = self.tab(self._warm.take())
            self._warm.start(tab.page, path, html, python)
        if wait:
            expect(tab.page.locator("html")).to_have_attribute("data-python", "done")
        return tab

    def close(self) -> None:
        """Close what is open, and sign out."""
        for tab in self.opened:
            close(tab.page)
        self.context.clear_cookies()

    def __enter__(self) -> Tabs:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        try:
            for tab in self.opened:
                tab.forget()
                if self._warm is not None and not tab.page.is_closed():
                    self._warm.give_back(tab)
        finally:
            if self._warm is not None:
                self._warm.clear()
        for tab in self.opened:
            tab.check()
