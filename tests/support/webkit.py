"""WebKitGTK, driven by selenium under Xvfb, behind the names that Playwright has for the same things.

What tests of every engine use is here and no more: `Context`, `Page`, `Locator` and `Expectations` do what Playwright's
do. WebDriver tells neither requests nor the console: `LISTEN`, which has to come first in each page, notes them.
"""

from __future__ import annotations

import contextlib
import fnmatch
import json
import os
import re
import signal
import subprocess
import time
from collections import defaultdict
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any
from urllib.parse import urljoin

import httpx
from selenium import webdriver
from selenium.common.exceptions import InvalidSessionIdException, JavascriptException, WebDriverException
from selenium.webdriver.common.keys import Keys
from selenium.webdriver.remote.client_config import ClientConfig
from selenium.webdriver.remote.remote_connection import RemoteConnection
from selenium.webdriver.remote.webelement import WebElement
from selenium.webdriver.webkitgtk.options import Options
from selenium.webdriver.webkitgtk.service import Service
from urllib3.exceptions import HTTPError

LOOK_AGAIN = 0.03  # seconds

# What a page asks for and says, until `Page.catch_up` takes it; what is left over when the page goes, waits in the
# tab's storage. `testsOffline(true)` is as near as one gets to a network that is gone: what is asked fails as it fails
# where nobody listens, for WebDriver has no such command here.
LISTEN = """
(() => {
  const heard = (window.testsHeard = [["request", "GET", location.href.split("#")[0], true]]);
  let offline = false;
  const ask = window.fetch;
  window.fetch = function (resource, options) {
    const request = resource instanceof Request ? resource : null;
    const url = new URL(request ? request.url : resource, location.href).href;
    heard.push(["request", (options?.method ?? request?.method ?? "GET").toUpperCase(), url, false]);
    return offline ? ask.call(this, "http://127.0.0.1:1/") : ask.apply(this, arguments);
  };
  new PerformanceObserver(list => {
    for (const one of list.getEntries())
      if (one.initiatorType !== "fetch") heard.push(["request", "GET", one.name, false]);
  }).observe({ type: "resource", buffered: true });
  for (const type of ["debug", "log", "info", "warn", "error"]) {
    const own = console[type];
    console[type] = (...words) => {
      heard.push(["console", type === "warn" ? "warning" : type, words.map(String).join(" ")]);
      own.apply(console, words);
    };
  }
  addEventListener("error", event => event.message && heard.push(["pageerror", event.message]));
  addEventListener("unhandledrejection", event => heard.push(["pageerror", String(event.reason)]));
  // A page under test may have none, or spoil it.
  const { getItem, setItem, removeItem } = Storage.prototype;
  const inTab = (method, ...given) => {
    try { return method.call(sessionStorage, "tests:heard", ...given); } catch { return null; }
  };
  const TAKE = () => {
    const kept = inTab(getItem);
    inTab(removeItem);
    return JSON.parse(kept ?? "[]");
  };
  addEventListener("pagehide", () => {
    inTab(setItem, JSON.stringify([...TAKE(), ...heard.splice(0)]));
  });
  window.testsTake = () => [...TAKE(), ...heard.splice(0)];
  Object.defineProperty(navigator, "onLine", { get: () => !offline, configurable: true });
  window.testsOffline = value => {
    if (value === offline) return;
    offline = value;
    dispatchEvent(new Event(value ? "offline" : "online"));
  };
})();
"""

# Runs what Playwright's `evaluate` would: an expression, or a function of one argument; else statements. As JSON, for
# WebDriver forgets the order of an object's fields.
EVALUATE = """
const [given, done] = arguments;
(async () => {
  const value = (
    %s
  );
  return await (typeof value === "function" ? value(given) : value);
})().then(
  value => done([true, JSON.stringify(value) ?? "null"]),
  error => done([false, String(error) + "\\n" + (error?.stack ?? "")]),
);
"""
STATEMENTS = "(() => { %s })()"

# The elements that a locator's steps lead to.
FIND = """
const steps = arguments[0];
const visible = one => one.checkVisibility({ visibilityProperty: true }) && one.getClientRects().length > 0;
const squeeze = text => (text ?? "").replace(/\\s+/g, " ").trim();
const ROLES = {
  alert: "[role=alert]", button: "button, input[type=submit], input[type=button], [role=button]",
  heading: "h1, h2, h3, h4, h5, h6", link: "a[href]", progressbar: "progress, [role=progressbar]",
  region: "section[aria-label], section[aria-labelledby], [role=region]", status: "[role=status]",
};
const labelledBy = one => (one.getAttribute("aria-labelledby") ?? "").split(" ")
  .map(id => document.getElementById(id)?.textContent).join(" ");
const named = one => squeeze(one.ariaLabel ?? labelledBy(one))
  || squeeze(one.tagName === "INPUT" ? one.value : one.textContent);
const labels = one => [one.ariaLabel, ...[...(one.labels ?? [])].map(label => label.textContent)].map(squeeze);
const matches = (text, wanted, exact) =>
  exact ? text === wanted : text.toLowerCase().includes(wanted.toLowerCase());
const unique = list => [...new Set(list)];
const inside = (roots, css) => unique(roots.flatMap(root => [...root.querySelectorAll(css)]));
const take = {
  css: (roots, css) => inside(roots, css),
  label: (roots, text, exact) => inside(roots, "input, select, textarea, [aria-label]")
    .filter(one => labels(one).some(label => matches(label, text, exact))),
  text: (roots, text, exact) => inside(roots, "*").filter(one => !/^(HEAD|SCRIPT|STYLE|TEMPLATE)$/.test(one.tagName)
    && matches(squeeze(one.textContent), text, exact)
    && ![...one.children].some(child => matches(squeeze(child.textContent), text, exact))),
  role: (roots, role, name, exact) =>
    inside(roots, ROLES[role]).filter(one => visible(one) && (name === null || matches(named(one), name, exact))),
  visible: roots => roots.filter(visible),
  nth: (roots, number) => roots.slice(number, number + 1),
  and: (roots, others) => { const among = walk(others); return roots.filter(one => among.includes(one)); },
};
const walk = steps => steps.reduce((roots, [kind, ...given]) => take[kind](roots, ...given), [document]);
const found = walk(steps);
"""


class Failure(WebDriverException):
    """The page's own JavaScript failed."""


class BrowserLost(Exception):
    """The browser answers no more. It is no finding about a page: `make test` runs such a test again, in another."""


class Driver(webdriver.Remote):
    """selenium's, which does not wait for ever: neither for a browser that hangs, nor for a page that does."""

    def __init__(self, service: Service, options: Options, patience: float) -> None:
        """`patience`: seconds within which each command is answered."""
        self.is_lost = False
        self._service = service
        service.start()
        config = ClientConfig(
            service.service_url,
            timeout=patience,  # type: ignore[arg-type]  # which may be a part of a second
            init_args_for_pool_manager={"init_args_for_pool_manager": {"retries": False}},
        )
        try:
            super().__init__(RemoteConnection(client_config=config), options=options)
        except BaseException:
            self._kill()
            raise

    def execute(self, driver_command: Any, params: dict[str, Any] | None = None) -> dict[str, Any]:
        if self.is_lost:
            raise BrowserLost(f"{driver_command}: it has not answered before")
        try:
            return dict(super().execute(driver_command, params))
        except (HTTPError, OSError) as error:
            self.is_lost = True
            raise BrowserLost(f"{driver_command}: {error}") from error
        except InvalidSessionIdException as error:
            self.is_lost = True
            raise BrowserLost(f"{driver_command}: {error.msg}") from error

    def end(self) -> None:
        """End the browser, its driver and whatever they have started, whether they want to or not."""
        with contextlib.suppress(BrowserLost, WebDriverException):
            self.quit()
        self._kill()

    def _kill(self) -> None:
        with contextlib.suppress(ProcessLookupError):
            os.killpg(self._service.process.pid, signal.SIGKILL)
        self._service.process.wait()


@dataclass
class Request:
    """What a page has asked for."""

    method: str
    url: str
    navigation: bool

    def is_navigation_request(self) -> bool:
        return self.navigation


@dataclass
class ConsoleMessage:
    type: str
    text: str


class Display:
    """An X server that nobody sees, for one browser; it ends with that, too."""

    def __init__(self, program: str) -> None:
        command = [program, "-displayfd", "1", "-screen", "0", "1280x1024x24", "-nolisten", "tcp", "-terminate"]
        self._process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True)
        assert self._process.stdout is not None
        self.name = f":{self._process.stdout.readline().strip()}"

    def stop(self) -> None:
        self._process.terminate()
        self._process.communicate(timeout=10)


class Browser:
    """One WebKitGTK, which forgets everything when it ends; after one that was lost comes another. Its windows and its
    cookies are those of `contexts`.
    """

    def __init__(
        self, driver: str, minibrowser: str, display: str, patience: int, arguments: Sequence[str] = ()
    ) -> None:
        self.patience = patience
        self._program = driver
        self._display_program = display
        self._options = Options()
        self._options.binary_location = minibrowser
        for argument in ("--automation", *arguments):
            self._options.add_argument(argument)
        self._options.set_capability("browserName", "MiniBrowser")
        self._start()
        self.version = str(self.driver.capabilities["browserVersion"])

    def _start(self) -> None:
        self._display = Display(self._display_program)
        environment = {
            "DISPLAY": self._display.name,
            # Where a sandbox of its own cannot be had, as in most containers, it does without.
            "WEBKIT_FORCE_SANDBOX": "0",
            # The last of its compilers takes half of the time in which Pyodide starts, and no page lives to gain by it.
            "JSC_useOMGJIT": "0",
            "JSC_useBBQTierUpChecks": "0",  # which ask for it
            # With compilers beside what they compile, Pyodide did not start in two of eight runs: docs/engines.md.
            "JSC_useConcurrentJIT": "0",
        }
        service = Service(self._program, env=environment, popen_kw={"start_new_session": True})
        try:
            # A page's own time-outs come first.
            self._driver = Driver(service, self._options, self.patience / 1000 + 15)
        except BaseException:
            self._display.stop()
            raise
        self._driver.set_script_timeout(self.patience / 1000)
        self._driver.set_page_load_timeout(self.patience / 1000)
        self.first = self.current = self._driver.current_window_handle

    @property
    def driver(self) -> Driver:
        if self._driver.is_lost:
            self.close()
            self._start()
        return self._driver

    def look_at(self, handle: str) -> Any:
        driver = self.driver
        if self.current != handle:
            self.current = ""
            driver.switch_to.window(handle)
            self.current = handle
        return driver

    def close(self) -> None:
        self._driver.end()
        self._display.stop()


# A service worker that stayed would serve the pages of later tests.
CLEAR = """
localStorage.clear();
sessionStorage.clear();
const workers = navigator.serviceWorker?.getRegistrations() ?? Promise.resolve([]);
workers.then(all => Promise.all(all.map(one => one.unregister()))).then(arguments[0]);
"""


class Context:
    """The browser's windows, cookies and storage of one origin. The contexts of one browser share the latter two, and
    must not be used at a time.
    """

    def __init__(self, browser: Browser, base_url: str, kind: str = "window") -> None:
        self.browser = browser
        self.base_url = base_url
        # "window": looking at another one moves no focus, for there is no window manager. "tab": it does; but its
        # visibilityState never changes.
        self.kind = kind
        self.pages: list[Page] = []
        self.request = Requests(self)

    def __enter__(self) -> Context:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def set_default_timeout(self, timeout: float) -> None:
        pass

    def new_page(self) -> Page:
        driver = self.browser.look_at(self.browser.first)
        driver.switch_to.new_window(self.kind)
        self.browser.current = driver.current_window_handle
        page = Page(self, self.browser.current)
        self.pages.append(page)
        return page

    def at_home(self) -> Any:
        """The driver, looking at a page of the site, where alone cookies and storage can be reached."""
        driver = self.browser.look_at(self.browser.first)
        if not driver.current_url.startswith(self.base_url):
            driver.get(self.base_url + "/blank.html")
        return driver

    def cookies(self) -> list[dict[str, Any]]:
        return list(self.at_home().get_cookies())

    def clear_cookies(self, name: str | None = None) -> None:
        for cookie in self.cookies():
            if name in (None, cookie["name"]):
                self.set_cookie(cookie["name"], None)

    def set_cookie(self, name: str, value: str | None, **more: Any) -> None:
        """Set or delete a cookie, and see it done, for WebKit does so when it finds the time."""
        driver = self.at_home()
        if value is None:
            driver.delete_cookie(name)
        else:
            driver.add_cookie({"name": name, "value": value, **more})
        end = time.monotonic() + self.browser.patience / 1000
        while (driver.get_cookie(name) or {}).get("value") != value:
            assert time.monotonic() < end, f"the cookie {name} is not {value}"
            self.pause()

    def pause(self) -> None:
        """Between two looks: WebDriver answers what it is asked, and tells nothing by itself."""
        time.sleep(LOOK_AGAIN)

    def set_offline(self, offline: bool) -> None:
        for page in self.pages:
            page.evaluate("value => window.testsOffline?.(value)", offline)

    def close(self) -> None:
        for page in list(self.pages):
            page.close()
        self.clear_cookies()
        self.at_home().execute_async_script(CLEAR)


class Requests:
    """Requests with the browser's cookies, without a page."""

    def __init__(self, context: Context) -> None:
        self._context = context

    def get(self, url: str) -> Answer:
        return self._ask("GET", url)

    def post(self, url: str, form: dict[str, str]) -> Answer:
        return self._ask("POST", url, data=form)

    def _ask(self, method: str, url: str, **more: Any) -> Answer:
        driver = self._context.at_home()
        known = {cookie["name"]: cookie["value"] for cookie in driver.get_cookies()}
        headers = {"Cookie": "; ".join(f"{name}={value}" for name, value in known.items())} if known else {}
        response = httpx.request(method, urljoin(self._context.base_url, url), headers=headers, **more)
        for cookie in response.cookies.jar:
            more = {"path": cookie.path, "httpOnly": cookie.has_nonstandard_attr("HttpOnly")}
            if cookie.expires:
                more["expiry"] = cookie.expires
            self._context.set_cookie(cookie.name, None if cookie.is_expired() else cookie.value, **more)
        return Answer(response)


class Answer:
    def __init__(self, response: httpx.Response) -> None:
        self.ok = response.is_success
        self.url = str(response.url)
        self.json = response.json
        self.text: Callable[[], str] = lambda: response.text


class Finder:
    """What a page and a locator have in common: ways to elements inside."""

    page: Page
    steps: list[list[Any]]

    def _step(self, *step: Any) -> Locator:
        return Locator(self.page, [*self.steps, list(step)])

    def locator(self, css: str) -> Locator:
        return self._step("css", css)

    def get_by_label(self, text: str, exact: bool = False) -> Locator:
        return self._step("label", text, exact)

    def get_by_text(self, text: str, exact: bool = False) -> Locator:
        return self._step("text", text, exact)

    def get_by_role(self, role: str, name: str | None = None, exact: bool = False) -> Locator:
        return self._step("role", role, name, exact)


class Page(Finder):
    def __init__(self, context: Context, handle: str) -> None:
        self.context = context
        self.handle = handle
        self.page = self
        self.steps = []
        self.keyboard = Keyboard(self)
        self._listeners: dict[str, list[Callable[[Any], object]]] = defaultdict(list)
        self._closed = False

    def driver(self) -> Any:
        """The driver, looking at this page."""
        return self.context.browser.look_at(self.handle)

    @property
    def patience(self) -> float:
        return self.context.browser.patience / 1000

    # ── what it is and where it goes ──

    @property
    def url(self) -> str:
        return str(self.driver().current_url)

    def title(self) -> str:
        return str(self.driver().title)

    def goto(self, url: str, wait_until: str = "load") -> None:
        self.catch_up()
        self.driver().get(urljoin(self.context.base_url, url))

    def reload(self) -> None:
        self.catch_up()
        self.driver().refresh()

    def back(self) -> None:
        """Go back. By the driver, because a script that runs while a page comes out of the cache is never answered."""
        self.catch_up()
        self.driver().back()

    def bring_to_front(self) -> None:
        self.context.browser.current = ""
        self.driver()

    def is_closed(self) -> bool:
        if not self._closed and self.handle not in self.context.browser.driver.window_handles:
            self._forget()
        return self._closed

    def close(self, run_before_unload: bool = False) -> None:
        if not self.is_closed():
            with contextlib.suppress(WebDriverException):
                self.driver().close()
            self._forget()

    def _forget(self) -> None:
        self._closed = True
        if self.context.browser.current == self.handle:
            self.context.browser.current = ""
        if self in self.context.pages:
            self.context.pages.remove(self)

    # ── JavaScript ──

    def evaluate(self, expression: str, argument: Any = None) -> Any:
        driver = self.driver()
        try:
            works, value = driver.execute_async_script(EVALUATE % expression, argument)
        except JavascriptException as error:
            if "unload" in str(error):  # the page went while it ran
                raise
            works, value = driver.execute_async_script(EVALUATE % (STATEMENTS % expression), argument)
        if not works:
            raise Failure(value)
        self.catch_up()
        return json.loads(value)

    def wait_for_function(self, expression: str, timeout: float | None = None) -> Any:
        return self.until(lambda: self.evaluate(expression), expression, timeout)

    def until(self, look: Callable[[], Any], what: str, timeout: float | None = None) -> Any:
        """What `look` gives as soon as that is true; the page may be on its way elsewhere meanwhile."""
        end = time.monotonic() + (self.patience if timeout is None else timeout / 1000)
        last: object = None
        while True:
            try:
                if last := look():
                    self.catch_up()
                    return last
            except WebDriverException as error:
                last = f"{type(error).__name__}: {error.msg}"
            if time.monotonic() > end:
                raise AssertionError(f"still not so: {what}; last: {last}")
            time.sleep(LOOK_AGAIN)  # as `Context.pause`

    # ── what it asks for and says ──

    def on(self, name: str, listener: Callable[[Any], object]) -> None:
        self.catch_up()
        self._listeners[name].append(listener)

    def remove_listener(self, name: str, listener: Callable[[Any], object]) -> None:
        self.catch_up()
        self._listeners[name].remove(listener)

    def catch_up(self) -> None:
        """Tell the listeners what the page has noted since the last time."""
        if self._closed:
            return
        take = "return window.testsTake ? testsTake() : JSON.parse(sessionStorage.getItem('tests:heard') ?? '[]')"
        try:
            heard = self.driver().execute_script(take)
        except WebDriverException:  # on its way, or of another origin
            return
        for name, *rest in heard:
            event: Any = rest[0]
            if name == "request":
                event = Request(*rest)
            elif name == "console":
                event = ConsoleMessage(*rest)
            for listener in self._listeners[name]:
                listener(event)

    # ── what happens while something else is done ──

    @contextlib.contextmanager
    def expect_navigation(self, url: str = "**", wait_until: str = "load") -> Iterator[None]:
        self.evaluate("window.testsLeft = false")
        yield
        here = "window.testsLeft !== false && document.readyState === 'complete'"
        pattern = url.replace("**", "*")
        self.until(lambda: self.evaluate(here) and fnmatch.fnmatch(self.url, pattern), f"a navigation to {url}")

    @contextlib.contextmanager
    def expect_popup(self) -> Iterator[Opened]:
        driver = self.driver()
        before, opened = set(driver.window_handles), Opened()
        yield opened
        new = self.until(lambda: set(driver.window_handles) - before, "a window opens")
        opened.value = Page(self.context, new.pop())
        self.context.pages.append(opened.value)

    @contextlib.contextmanager
    def expect_event(self, name: str, timeout: float | None = None) -> Iterator[None]:
        assert name == "close", "nothing else is told"
        yield
        self.until(self.is_closed, "the window closes", timeout)


@dataclass
class Opened:
    """The window that a click opens, afterwards."""

    value: Any = None


class Keyboard:
    """Keys for whatever has the focus."""

    def __init__(self, page: Page) -> None:
        self._page = page

    def type(self, text: str) -> None:
        self._page.driver().switch_to.active_element.send_keys(text)

    def press(self, key: str) -> None:
        self.type(getattr(Keys, re.sub("(?<!^)(?=[A-Z])", "_", key).upper()))


class Locator(Finder):
    def __init__(self, page: Page, steps: list[list[Any]]) -> None:
        self.page = page
        self.steps = steps

    @property
    def first(self) -> Locator:
        return self._step("nth", 0)

    def filter(self, visible: bool) -> Locator:
        assert visible
        return self._step("visible")

    def and_(self, other: Locator) -> Locator:
        return self._step("and", other.steps)

    def look(self, script: str, *arguments: Any) -> Any:
        """What the script returns, which has the elements as `found`."""
        return self.page.driver().execute_script(FIND + script, self.steps, *arguments)

    def count(self) -> int:
        return int(self.look("return found.length"))

    def inner_text(self) -> str:
        return str(self._the("one.innerText"))

    def get_attribute(self, name: str) -> str | None:
        value: str | None = self._the("one.getAttribute(given)", name)
        return value

    def evaluate_all(self, function: str) -> Any:
        return self.look(f"return ({function})(found)")

    def _the(self, expression: str, *arguments: Any) -> Any:
        """What the expression says of the only element, `one`, as soon as there is one."""
        script = f"const [one] = found, given = arguments[1]; return found.length === 1 ? [{expression}] : null"
        return self.page.until(lambda: self.look(script, *arguments), f"one element: {self.steps}")[0]

    def _element(self) -> WebElement:
        """The only element, once it can be seen and used."""
        ready = "const [one] = found; return found.length === 1 && visible(one) && !one.disabled ? one : null"
        element: WebElement = self.page.until(lambda: self.look(ready), f"one element to use: {self.steps}")
        return element

    def _do(self, act: Callable[[WebElement], object]) -> None:
        """Act on it; again when the page put another one in its place between the look and the act."""

        def tried() -> bool:
            act(self._element())
            return True

        self.page.catch_up()
        self.page.until(tried, f"used: {self.steps}")

    def click(self) -> None:
        self._do(lambda element: element.click())

    def fill(self, text: str) -> None:
        def type_it(element: WebElement) -> None:
            element.clear()
            if text:
                element.send_keys(text)

        self._do(type_it)

    def press(self, key: str) -> None:
        self._do(lambda element: element.send_keys(getattr(Keys, key.upper())))

    def focus(self) -> None:
        self._do(lambda element: self.page.driver().execute_script("arguments[0].focus()", element))

    def set_checked(self, checked: bool) -> None:
        self._do(lambda element: None if element.is_selected() == checked else element.click())

    def check(self) -> None:
        self.set_checked(True)


Text = str | re.Pattern[str]


def _squeezed(text: str) -> str:
    return " ".join(text.split())


class Expectations:
    """What Playwright's `expect` offers, of a page or a locator."""

    def __init__(self, thing: Page | Locator) -> None:
        self._thing = thing

    def _until(
        self, look: Callable[[], Any], is_right: Callable[[Any], bool], what: str, timeout: float | None
    ) -> None:
        seen: list[Any] = []

        def looks_right() -> bool:
            seen[:] = [look()]
            return is_right(seen[0])

        page = self._thing.page
        try:
            page.until(looks_right, what, timeout)
        except AssertionError as error:
            where = "" if isinstance(self._thing, Page) else f" {self._thing.steps}"
            raise AssertionError(f"{page.url}{where}: expected {what}; seen {seen}") from error

    def _is(self, expression: str, wanted: bool, what: str, timeout: float | None = None) -> None:
        assert isinstance(self._thing, Locator)
        script = f"const [one] = found; return !!({expression})"
        self._until(lambda: self._thing.look(script), lambda seen: seen == wanted, what, timeout)  # type: ignore[union-attr]

    def _texts(self) -> list[str]:
        return [_squeezed(text) for text in self._thing.look("return found.map(one => one.textContent)")]  # type: ignore[union-attr]

    def to_have_text(self, text: Text | list[str], timeout: float | None = None) -> None:
        if isinstance(text, list):
            wanted = [_squeezed(one) for one in text]
            self._until(self._texts, lambda seen: seen == wanted, f"texts {wanted}", timeout)
        elif isinstance(text, str):
            self._until(self._texts, lambda seen: seen == [_squeezed(text)], f"text {text!r}", timeout)
        else:
            self._until(
                self._texts, lambda seen: len(seen) == 1 and bool(text.search(seen[0])), f"text {text}", timeout
            )

    def to_contain_text(self, text: Text, timeout: float | None = None) -> None:
        pattern = re.compile(re.escape(_squeezed(text))) if isinstance(text, str) else text
        self._until(self._texts, lambda seen: len(seen) == 1 and bool(pattern.search(seen[0])), f"in {text!r}", timeout)

    def to_be_visible(self, visible: bool = True, timeout: float | None = None) -> None:
        self._is("one && visible(one)", visible, "visible" if visible else "hidden", timeout)

    def to_be_hidden(self, timeout: float | None = None) -> None:
        self.to_be_visible(False, timeout)

    def to_be_enabled(self, timeout: float | None = None) -> None:
        self._is("one && !one.disabled", True, "enabled", timeout)

    def to_be_disabled(self, timeout: float | None = None) -> None:
        self._is("one && one.disabled", True, "disabled", timeout)

    def to_be_focused(self, timeout: float | None = None) -> None:
        self._is("one && one === document.activeElement", True, "focused", timeout)

    def to_have_count(self, count: int) -> None:
        assert isinstance(self._thing, Locator)
        self._until(self._thing.count, lambda seen: seen == count, f"{count} of them", None)

    def to_have_value(self, value: str) -> None:
        look = "const [one] = found; return one ? one.value : null"
        self._until(lambda: self._thing.look(look), lambda seen: seen == value, f"value {value!r}", None)  # type: ignore[union-attr]

    def _attribute(self, name: str) -> Any:
        return self._thing.look("const [one] = found; return one ? one.getAttribute(arguments[1]) : null", name)  # type: ignore[union-attr]

    def to_have_attribute(self, name: str, value: Text) -> None:
        is_right = _matcher(value)
        self._until(lambda: self._attribute(name), is_right, f"{name}={value}", None)

    def not_to_have_attribute(self, name: str, value: Text) -> None:
        is_wrong = _matcher(value)
        self._until(lambda: self._attribute(name), lambda seen: not is_wrong(seen), f"not {name}={value}", None)

    def to_have_url(self, url: Text, timeout: float | None = None) -> None:
        assert isinstance(self._thing, Page)
        page = self._thing
        self._until(lambda: page.url, _matcher(url), f"the address {url}", timeout)


def _matcher(wanted: Text) -> Callable[[Any], bool]:
    if isinstance(wanted, str):
        return lambda seen: seen == wanted
    return lambda seen: isinstance(seen, str) and wanted.search(seen) is not None
