"""Browser tabs under test: what they show, ask and complain about; and how one is opened with Python in it."""

from __future__ import annotations

import itertools
import re
from types import TracebackType
from typing import Any
from urllib.parse import urlsplit

import pytest
from playwright.sync_api import BrowserContext, ConsoleMessage, Error, Locator, Page, Request, TimeoutError, expect

from tests.browser.backend import Backend
from tests.browser.site import Site

# For tests of what does not depend on the interpreter.
micropython_only = pytest.mark.parametrize("interpreter", ["micropython"], indirect=True)
pyodide_only = pytest.mark.parametrize("interpreter", ["pyodide"], indirect=True)

# Counts what a Provider leaves on the page: listeners on the page and its channels, and channels that are open.
WATCH = """
(() => {
  const kept = [];
  const Channel = BroadcastChannel;
  const watched = target => target === window || target === document || target instanceof Channel;
  const name = target => target.constructor.name;
  const { addEventListener, removeEventListener } = EventTarget.prototype;
  const find = (target, type, listener) =>
    kept.findIndex(one => one.target === target && one.type === type && one.listener === listener);
  EventTarget.prototype.addEventListener = function (type, listener, options) {
    const target = this ?? window;
    if (watched(target) && find(target, type, listener) < 0) kept.push({ target, type, listener });
    return addEventListener.call(target, type, listener, options);
  };
  EventTarget.prototype.removeEventListener = function (type, listener, options) {
    const target = this ?? window;
    const index = find(target, type, listener);
    if (index >= 0) kept.splice(index, 1);
    return removeEventListener.call(target, type, listener, options);
  };
  const { close } = BroadcastChannel.prototype;
  BroadcastChannel = class extends BroadcastChannel {
    constructor(channel) {
      super(channel);
      kept.push({ target: this, type: "open", listener: null });
    }
    close() {
      kept.splice(find(this, "open", null), 1);
      close.call(this);
    }
  };
  window.keptByPage = () => kept.map(({ target, type }) => `${name(target)} ${type}`).sort();
})();
"""

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


class Tab:
    """One page and everything it has asked for and said since it was opened. `with` checks it at the end."""

    def __init__(self, page: Page, backend: Backend) -> None:
        self.page = page
        self.backend = backend
        self.all_requests: list[Request] = []
        self.console: list[str] = []
        self.problems: list[str] = []
        self._expected: list[str] = []
        self._listeners: list[tuple[Any, Any]] = [
            ("request", lambda request: self.all_requests.append(request)),
            ("console", self._heard_console),
            ("pageerror", lambda error: self.problems.append(str(error))),
        ]
        for name, listener in self._listeners:
            page.on(name, listener)

    def _heard_console(self, message: ConsoleMessage) -> None:
        self.console.append(message.text)
        if message.type == "error":
            self.problems.append(message.text)

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
            expect(self.element(name)).to_have_text(text)

    def contains(self, **texts: str | re.Pattern[str]) -> None:
        """The same, for a part of the text, or a pattern."""
        for name, text in texts.items():
            expect(self.element(name)).to_contain_text(text)

    def button(self, name: str) -> Locator:
        return self.page.get_by_role("button", name=name, exact=True)

    def expect_problem(self, *texts: str) -> None:
        """Lines with one of these texts may stand in the console as errors."""
        self._expected += texts

    def assert_no_problem(self) -> None:
        unexpected = [line for line in self.problems if not any(text in line for text in self._expected)]
        assert not unexpected, "errors on the page or its console:\n" + "\n".join(unexpected)

    def assert_stays_home(self) -> None:
        """No request has left the page's own host."""
        home = ("data:", "blob:", self.backend.url + "/")
        left = [request.url for request in self.all_requests if not request.url.startswith(home)]
        assert not left, f"requests to other hosts: {left}"

    def check(self) -> None:
        self.assert_no_problem()
        self.assert_stays_home()

    def forget(self) -> None:
        for name, listener in self._listeners:
            self.page.remove_listener(name, listener)


class WarmPages:
    """Pages with a booted Pyodide (it takes seconds) that one test after the other runs its Python in.

    They share a context, hence the browser's cache, which is emptied of cookies and storage after each test. A page
    that was left, is about to be, or where something was left behind, is closed.
    """

    PATH = "/warm.html"

    def __init__(self, context: BrowserContext, site: Site, backend: Backend) -> None:
        self.context = context
        self._free: list[Page] = []
        self._backend = backend
        site.write_page(self.PATH, python=RUNNER, html='<div id="page"></div>', interpreter="pyodide")
        site.write("/blank.html", "")
        self._blank = context.new_page()
        self._blank.goto("/blank.html")

    def take(self) -> Page:
        if self._free:
            return self._free.pop()
        page = self.context.new_page()
        page.goto(self.PATH)
        page.wait_for_function("typeof startPython === 'function'")
        page.evaluate(
            """() => {
                window.keptAtFirst = keptByPage().join();
                window.isLeaving = false;
                navigation.addEventListener("navigate", event => {
                    if (!event.destination.sameDocument) window.isLeaving = true;
                });
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
        except Error:  # closed, or on its way elsewhere
            clean = False
        if clean:
            self._free.append(page)

    def clear(self) -> None:
        for page in self.context.pages:
            if page not in self._free and page is not self._blank:
                close(page)
        self.context.set_offline(False)
        self.context.clear_cookies()
        self._blank.evaluate("localStorage.clear()")


CLOSE_TRIES = 30  # of a second each


def close(page: Page) -> None:
    """Close a page that may be on its way elsewhere: Chromium drops a close that meets a navigation, and `Page.close`
    would wait for it for ever (microsoft/playwright#41900).
    """
    for _ in range(CLOSE_TRIES):
        try:
            with page.expect_event("close", timeout=1000):
                page.close(run_before_unload=True)  # which does not wait
            return
        except TimeoutError:
            pass
    pytest.fail(f"the browser does not close {page.url}")


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
        self.site.write_page(name, python=python, html=html, head=head, interpreter=self.interpreter)
        path = name + (path or "")
        if self._warm is None or boot or head or before:
            tab = self.tab()
            if before:
                tab.page.add_init_script(before)
            tab.page.goto(self.backend.url + path)
        else:
            tab = self.tab(self._warm.take())
            self._warm.start(tab.page, path, html, python)
        if wait:
            expect(tab.page.locator("html")).to_have_attribute("data-python", "done")
        return tab

    def __enter__(self) -> Tabs:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        for tab in self.opened:
            tab.forget()
            if self._warm is not None and not tab.page.is_closed():
                self._warm.give_back(tab)
        if self._warm is not None:
            self._warm.clear()
        for tab in self.opened:
            tab.check()
