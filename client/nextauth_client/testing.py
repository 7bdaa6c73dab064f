"""A browser and a backend in virtual time: for tests, on CPython, of pages that show who is signed in.

pytest knows them as fixtures (docs/testing.md); elsewhere `run(page)` calls `async def page(browser)`. Nothing here
waits: time passes when nobody has anything to do, so `asyncio.sleep(3600)` returns at once.
"""

import asyncio
import json
import selectors
import threading

from . import api, events, runtime, testing_dom, testing_js
from .host import Answer
from .protocol import BASE_PATH
from .provider import Provider
from .testing_backend import (
    FOREVER,
    HANG,
    KEEP,
    SESSION_LENGTH,
    TORN,
    UNREACHABLE,
    ApiAnswer,
    ApiBody,
    Backend,
    Cookie,
    check_seconds,
    iso,
)
from .testing_tab import EarlyQuery, Sending, Tab, Window

TYPE_CHECKING = False
if TYPE_CHECKING:
    from types import ModuleType
    from typing import Any, Callable, Coroutine, Generator, Optional, TypeVar

    from .host import Request
    from .testing_backend import Fault
    from .testing_tab import Clock

    T = TypeVar("T")

__all__ = [
    "DEMO_PASSWORDS",
    "FOREVER",
    "HANG",
    "HOME",
    "KEEP",
    "SESSION_LENGTH",
    "START",
    "TORN",
    "UNREACHABLE",
    "Answer",
    "ApiAnswer",
    "ApiBody",
    "Backend",
    "Browser",
    "Cookie",
    "EarlyQuery",
    "Sending",
    "Tab",
    "VirtualLoop",
    "Window",
    "iso",
    "new_browser",
    "run",
    "run_in",
    "signed_in",
]

START = 1_790_000_000.0  # Unix seconds at which virtual time begins
HOME = "https://example.org/"  # the page


class Browser:
    """What the tabs of one browser share: cookie, storage, locks, channels, the network and the clock.

    `clock` is an event loop that can skip time. With `locks=False` there are no Web Locks, with
    `channels=False` no BroadcastChannel. Seconds everywhere.
    """

    def __init__(self, clock: "Clock", *, locks: bool = True, channels: bool = True) -> None:
        self.clock = clock
        self.locks = locks
        self.channels = channels
        self.tabs: "list[Tab]" = []
        self.cookie: "Optional[Cookie]" = None
        self.storage: "dict[str, int]" = {}
        self.lock_holders: "dict[str, object]" = {}
        self.latency = 0.05  # from a request to its answer
        self.fault: "Fault" = None
        self.online = True
        self.blocks_cookies = False  # so that every token is refused
        self.requests: "list[str]" = []  # all that were sent, such as "GET /session"
        self.told_js_clients: "list[str]" = []
        self._notices = 0  # by the JavaScript clients
        self._js_message: "Optional[tuple[str, float]]" = None  # the newest of theirs in storage, and when
        self._ahead = 0.0
        self.document = testing_dom.document  # the page's; `visible_text()` is what a person reads there
        self.backend = Backend(lambda: START + self.clock.time())

    def js_messages(self, since: float) -> "list[str]":
        """What the v3 and v4 clients have left in storage since then (Unix seconds): the newest."""
        said = self._js_message
        return [said[0]] if said is not None and said[1] > since else []

    def tab(self, url: str = HOME) -> "Tab":
        """A new tab: the `host=` of one Provider."""
        tab = Tab(self, url)
        self.tabs.append(tab)
        return tab

    def open_tab(self, url: str = HOME, **options: "Any") -> Provider:
        """A Provider in a new tab, beside the page's own; `tabs[-1]` is what a person can do there.

        The options are those of `Provider`.
        """
        return Provider(host=self.tab(url), default=False, **options)

    async def load(self, page: str) -> "ModuleType":
        """Run a page's Python, and give what that has defined: of a module, a `file.py`, or a `file.html`.

        The elements of that are the document's then, and its `<script type="py">` and `"mpy"` run, but for those in
        workers. A page may await outside of functions, and import `document`, `window`, `when` and `display` from
        `pyscript`. Each test that loads it has it anew, with the modules beside it. Raises what the page raises.
        """
        return await testing_js.load(page)

    def signed_in_as(self, name: str, *, expires_in: "Optional[float]" = None, **session: "Any") -> None:
        """Somebody has signed in before, without a page noticing.

        - `expires_in`: seconds that a session lasts from now on; each answer prolongs it by as much, as v4 does
        - all other keywords stand in the session: `role="admin"`, or `user={"name": "Ada", "role": "admin"}`
        """
        if not isinstance(name, str):
            raise TypeError(f"signed_in_as('Ada', role='admin') takes a name, and not {name!r}")
        if expires_in is not None:
            self.backend.session_length = check_seconds("expires_in", expires_in, least=0.001)
        self.cookie = self.backend.login(name, session)

    def goes_offline(self, *, for_seconds: float = FOREVER) -> None:
        check_seconds("for_seconds", for_seconds)
        self.set_online(False)
        if for_seconds != FOREVER:
            self.clock.call_later(for_seconds, self.set_online, True)

    def comes_online(self) -> None:
        self.set_online(True)

    def now(self) -> float:
        """The wall clock, Unix seconds."""
        return START + self.clock.time() + self._ahead

    def set_clock(self, seconds: float) -> None:
        """The wall clock is set ahead, or back when negative."""
        self._ahead += seconds

    def suspend(self, seconds: float) -> None:
        """The laptop sleeps: time passes, and whatever was due meanwhile happens late."""
        self.clock.skip(check_seconds("suspend(…)", seconds))

    def set_online(self, online: bool) -> None:
        self.online = online
        for tab in list(self.tabs):
            tab.emit(events.Network(online))

    def js_client_says(self, trigger: str = "getSession", *, version: int = 4) -> None:
        """A page with the JavaScript client tells all others that something changed, as v3, v4 or v5 do.

        v3 and v4 do so by a text that all tabs hear alike, v5 by a message that has nothing of its own.
        """
        self._notices += 1
        identity = f"{trigger} {self._notices}" if version < 5 else None
        if identity is not None:
            self._js_message = (identity, self.now())

        def hear(tab: "Tab") -> None:
            if trigger == "signout":
                tab.emit(events.SignedOutElsewhere())
            tab.emit(events.ForeignChange(identity))

        for tab in list(self.tabs):
            self.deliver(None, tab, hear)
            if tab.early is not None:
                tab.early.hear(identity)

    # ── what a harsher browser overrides ─────────────────────────────────────────────────────────

    def random(self) -> float:
        return 0.5

    def journey(self, tab: "Tab", request: "Request") -> "tuple[float, float, Fault]":
        """How long a request and its answer travel, and what happens to it."""
        fault = self.fault if self.online else UNREACHABLE
        there, back = self.latency / 2, self.latency / 2 + self.backend.delay
        return there, back, self.backend.trouble() if fault is None else fault

    def message_delays(self, sender: "Optional[Tab]", receiver: "Tab") -> "list[float]":
        """How long each copy of a message between tabs takes."""
        return [0.005]

    def lock_delay(self) -> float:
        return 0.001

    def timer_delay(self, tab: "Tab", seconds: float) -> float:
        return seconds

    # ── between tabs ─────────────────────────────────────────────────────────────────────────────

    def deliver(self, sender: "Optional[Tab]", receiver: "Tab", give: "Callable[[Tab], object]") -> None:
        for delay in self.message_delays(sender, receiver):
            self.clock.call_later(delay, lambda: give(receiver) if receiver.hears else None)


# ── virtual time ──────────────────────────────────────────────────────────────────────────────


class VirtualLoop(asyncio.SelectorEventLoop):
    """An event loop whose time passes only when nothing else is left to do, and then at once."""

    def __init__(self) -> None:
        self._virtual_now = 0.0
        super().__init__(_Jump(self))

    def time(self) -> float:
        return self._virtual_now

    def skip(self, seconds: float) -> None:
        self._virtual_now += seconds


class _Jump(selectors.DefaultSelector):
    """Where an event loop would wait, its time jumps."""

    def __init__(self, loop: VirtualLoop) -> None:
        super().__init__()
        self._loop = loop

    def select(self, timeout: "Optional[float]" = None) -> "list[tuple[selectors.SelectorKey, int]]":
        ready = super().select(0)
        if timeout is None and not ready:
            raise RuntimeError("Everything waits for something that will never come.")
        if timeout and not ready:
            self._loop.skip(timeout)
        return ready


def run(page: "Callable[[Browser], Coroutine[Any, Any, T]]", *, locks: bool = True, channels: bool = True) -> "T":
    """Run `async def page(browser)` to its end in virtual time; returns or raises what it does. See `run_in`."""
    browser = new_browser(locks=locks, channels=channels)
    return run_in(browser, lambda: page(browser))


def new_browser(*, locks: bool = True, channels: bool = True) -> Browser:
    """A browser whose time passes in `run_in`."""
    return Browser(VirtualLoop(), locks=locks, channels=channels)


def run_in(browser: Browser, page: "Callable[[], Coroutine[Any, Any, T]]") -> "T":
    """Run `async def page()` to its end in this browser of `new_browser`, once; returns or raises what it does.

    The module's functions, such as `use_session()`, speak to a tab of their own. It gets a thread of its own, so that
    it works where an event loop runs already. What it left running is cancelled, and its default Provider stopped.
    """
    outcome: "list[Any]" = []
    loop: "Any" = browser.clock

    def note(loop: "Any", context: "dict[str, Any]") -> None:
        if "handle" in context:  # a function of the test's, such as those of `backend.api`
            failed.append(context["exception"])
        else:
            loop.default_exception_handler(context)

    failed: "list[BaseException]" = []
    loop.set_exception_handler(note)

    def target() -> None:
        runtime.make_hosts_by(browser.tab)
        leave_page = testing_js.enter(HOME)
        try:
            outcome.append(loop.run_until_complete(page()))
        except BaseException as error:
            outcome.append(error)
        finally:
            loop.run_until_complete(_end_the_others())
            leave_page()
            runtime.make_hosts_by(None)
            loop.close()

    thread = threading.Thread(target=target)
    thread.start()
    thread.join()
    outcome[:0] = failed
    if isinstance(outcome[0], BaseException):
        raise outcome[0]
    found: "T" = outcome[0]
    return found


async def _end_the_others() -> None:
    api.reset()
    others = [task for task in asyncio.all_tasks() if task is not asyncio.current_task()]
    for task in others:
        task.cancel()
    await asyncio.gather(*others, return_exceptions=True)


# ── in a real browser ────────────────────────────────────────────────────────────────────────────

DEMO_PASSWORDS = {"ada": "lovelace", "alan": "turing"}  # of nextauth-server-stub


def signed_in(
    context: "Any", username: str, password: "Optional[str]" = None, *, url: str = "", base_path: str = BASE_PATH
) -> "Any":
    """Sign a browser context of Playwright in, by a cookie, without a page; with its async API, await it.

    - `password`: that of one of the development backend's own users is known
    - `url`: the backend's origin, unless the context has a `base_url`

    The backend may be any that takes passwords. Raises `ValueError` when it refuses, or is none.
    """
    password = DEMO_PASSWORDS.get(username) if password is None else password
    if password is None:
        raise ValueError(f"signed_in({username!r}) knows passwords of {', '.join(DEMO_PASSWORDS)} alone: password=...")
    steps = _sign_in(context.request, url + base_path, username, password)
    came = next(steps)

    async def wait() -> None:
        nonlocal came
        while came is not None:
            came = steps.send(await came)

    if hasattr(came, "__await__"):
        return wait()
    while came is not None:
        came = steps.send(came)
    return None


def _sign_in(request: "Any", base: str, username: str, password: str) -> "Generator[Any, Any, None]":
    """Yields what to wait for, where that has to be, and is sent what it gives; `None` at the end."""
    answer = yield request.get(base + "/csrf")
    text = yield answer.text()
    try:
        token = json.loads(text)["csrfToken"]
    except (ValueError, KeyError, TypeError):
        raise ValueError(f"No backend answers at {base}/csrf: start it, or say where it is (url=, base_path=).")
    form = {"csrfToken": token, "username": username, "password": password, "json": "true"}
    answer = yield request.post(base + "/callback/credentials", form=form)
    text = yield answer.text()
    is_refused = not answer.ok and "/callback/credentials" in answer.url  # else it has led to a page, or to none
    if is_refused or "error=" in text + answer.url:
        raise ValueError(f"The backend does not let {username!r} in with this password: {text[:200]}")
    yield None
