"""A tab in a test: what a person does there, the host of its Provider, and requests on their way."""

import asyncio
import json

from . import events
from .errors import BackendUnreachable, PopupBlocked, UnsafeURL
from .host import Answer, Response
from .protocol import session_request
from .stamps import DAY
from .testing_backend import HANG, KEEP, TORN, UNREACHABLE, ApiAnswer, ApiBody
from .urls import in_ascii, resolve, scheme_of, split

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any, Callable, Optional, Protocol, Union

    from .host import Request
    from .testing_backend import Backend, Cookie, Fault

    class Clock(Protocol):
        """What `Browser` needs of an event loop."""

        def time(self) -> float: ...
        def call_later(self, delay: float, callback: Callable[..., object], *args: Any) -> asyncio.Handle: ...
        def skip(self, seconds: float) -> None: ...

    class Shared(Protocol):
        """What a tab needs of its browser."""

        clock: Clock
        backend: Backend
        locks: bool
        channels: bool
        online: bool
        blocks_cookies: bool
        tabs: "list[Tab]"
        cookie: Optional[Cookie]
        storage: dict[str, int]
        lock_holders: dict[str, object]
        requests: list[str]
        told_js_clients: list[str]

        def now(self) -> float: ...
        def random(self) -> float: ...
        def journey(self, tab: "Tab", request: Request) -> tuple[float, float, Fault]: ...
        def lock_delay(self) -> float: ...
        def timer_delay(self, tab: "Tab", seconds: float) -> float: ...
        def deliver(self, sender: "Tab", receiver: "Tab", give: "Callable[[Tab], object]") -> None: ...
        def js_messages(self, since: float) -> list[str]: ...


class Tab:
    """One page, as the host of one Provider. See `host.Host` for what is not described here."""

    def __init__(self, browser: "Shared", url: str) -> None:
        self.browser = browser
        self.url = url
        self.visited: "list[str]" = []  # where the page was sent; it stays nevertheless
        self.windows: "list[Window]" = []  # that `sign_in(popup=True)` opened
        self.opens_windows = True
        self.is_popup = False  # which a sign-in has opened
        self.is_worker = False  # which has no page that could go elsewhere
        self.hears = False  # has an open channel
        self.follows_use = False  # listens to pointer, keys, touch and wheel
        self.sendings: "list[Sending]" = []  # in flight
        self._opened_at = browser.now()
        self._name = ""
        self._listener: "Optional[Callable[[Any], object]]" = None
        self._timer: "Optional[asyncio.Handle]" = None
        self._departed = False
        self.embedded: "Optional[str]" = None  # what a server put into the page as #nextauth-session ...
        self.rendered_at: "Optional[float]" = None  # ... and when it says that was, Unix seconds
        self.fresh = True  # False: the page comes out of a cache, or was fetched ahead
        self.is_first = True  # of the Pythons of its page
        self.early: "Optional[EarlyQuery]" = None  # what the page's early script has sent

    def emit(self, event: "Any") -> None:
        if self._listener is not None:
            self._listener(event)

    # ── what a person does ───────────────────────────────────────────────────────────────────────

    def focus(self) -> None:
        self.emit(events.Focus())

    def blur(self) -> None:
        self.emit(events.Focus())

    def hide(self) -> None:
        self.emit(events.Visibility(False))

    def show(self) -> None:
        self.emit(events.Visibility(True))

    def use(self) -> None:
        """Move the mouse, press a key: any use of the page."""
        if self.follows_use:
            self.emit(events.Used())

    def leave(self) -> None:
        """Go to another page; the browser keeps this one in its back/forward cache."""
        self.emit(events.PageHide())
        self.hears = False

    def come_back(self) -> None:
        self.hears = True
        self.emit(events.PageShow(self.stored_epoch()))

    def query_early(self, base_path: str = "/api/auth") -> None:
        """The page's early script asks who is signed in, before a Provider starts."""
        self.early = EarlyQuery(self, self.origin() + base_path)

    def crash(self) -> None:
        """The tab is gone, without a word; what it had asked is given up."""
        for sending in list(self.sendings):
            sending.abort()
        self.close()

    # ── the host ─────────────────────────────────────────────────────────────────────────────────

    def now(self) -> float:
        return self.browser.now()

    def random(self) -> float:
        return self.browser.random()

    def origin(self) -> str:
        return split(self.url)[0]

    def page_url(self) -> str:
        return self.url

    def resolve(self, url: str) -> str:
        return in_ascii(resolve(url, self.url))

    def made_at(self) -> float:
        return self._opened_at

    def is_fresh(self) -> bool:
        return self.fresh

    def begins_first(self) -> bool:
        return self.is_first

    def embedded_session(self) -> "Optional[tuple[str, Optional[float]]]":
        embedded, self.embedded = self.embedded, None
        return None if embedded is None else (embedded, self.rendered_at)

    def early_query(self, url: str) -> "Optional[EarlyQuery]":
        early = self.early
        if early is None or early.url != url:
            return None
        if early.is_over():
            self.early = None
        return early

    async def fetch(self, request: "Request", timeout: float) -> Answer:
        came: "asyncio.Future[Union[Answer, BackendUnreachable]]" = asyncio.get_running_loop().create_future()
        sending = self.send(request, timeout, came.set_result)
        try:
            outcome = await came
        except asyncio.CancelledError:
            sending.abort()
            raise
        if isinstance(outcome, BackendUnreachable):
            raise outcome
        return outcome

    async def call(self, request: "Request", timeout: float) -> Response:
        answer = await self.fetch(request, timeout)
        own = answer if isinstance(answer, ApiAnswer) else ApiAnswer(answer.status, answer.text)
        return Response(0 if answer.redirected else own.status, request.url, own.headers, ApiBody(own.body))

    def send(self, request: "Request", timeout: float, done: "Callable[[Any], object]") -> "Sending":
        """`fetch` without a coroutine: calls `done` with an `Answer` or a `BackendUnreachable`."""
        return Sending(self, request, timeout, done)

    async def blocks_cookies(self) -> bool:
        return self.browser.blocks_cookies

    def can_navigate(self) -> bool:
        return not self.is_worker

    async def navigate(self, url: str) -> None:
        if scheme_of(url) not in ("http", "https"):
            raise UnsafeURL("Not an http(s) address: " + url)
        self.visited.append(url)

    def open_popup(self) -> "Window":
        if not self.opens_windows:
            raise PopupBlocked("The browser opened no window.")
        self.windows.append(Window())
        return self.windows[-1]

    def open(self, name: str, emit: "Callable[[Any], object]", recover: "Callable[[], object]") -> None:
        self._name = name
        self._listener = emit
        self.hears = True
        if not self.browser.online:
            emit(events.Network(False))

    def close(self) -> None:
        self._listener = None
        self.hears = False
        self.follows_use = False
        self.wake(None)
        self.release_lock()
        if self in self.browser.tabs:
            self.browser.tabs.remove(self)

    def wake(self, seconds: "Optional[float]") -> None:
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None
        if seconds is not None:
            delay = self.browser.timer_delay(self, seconds)
            self._timer = self.browser.clock.call_later(delay, self.emit, events.Tick())

    def schedule_recovery(self) -> None:
        """Nothing cuts Python off here."""

    def publish(self, message: "dict[str, Any]") -> None:
        if not self.browser.channels or not self.hears:
            return
        text = json.dumps(message)
        for tab in self._others():
            self.browser.deliver(self, tab, lambda tab: tab.emit(events.Heard(json.loads(text))))

    def _others(self) -> "list[Tab]":
        return [tab for tab in self.browser.tabs if tab is not self and tab.hears and tab._name == self._name]

    def try_lock(self) -> None:
        if not self.browser.locks or not self.browser.channels:
            self.emit(events.LockGranted())
        else:
            self.browser.clock.call_later(self.browser.lock_delay(), self._lock_or_not)

    def _lock_or_not(self) -> None:
        if self._listener is None:
            return
        holders = self.browser.lock_holders
        if self._name in holders:
            self.emit(events.LockBusy())
        else:
            holders[self._name] = self
            self.emit(events.LockGranted())

    def release_lock(self) -> None:
        for name, holder in list(self.browser.lock_holders.items()):
            if holder is self:
                del self.browser.lock_holders[name]

    def stored_epoch(self) -> "Optional[int]":
        return None if self.is_worker else self.browser.storage.get(self._name)

    def store_epoch(self, epoch: int) -> None:
        stored = self.stored_epoch()
        if self.is_worker or (stored is not None and epoch < stored <= (self.now() + DAY) * 1000):
            return
        self.browser.storage[self._name] = epoch
        if not self.browser.channels:
            for tab in self._others():
                self.browser.deliver(self, tab, lambda tab: tab.emit(events.EpochStored(epoch)))

    def follow_use(self, on: bool) -> None:
        self.follows_use = on and not self.is_worker

    def stored_use(self) -> "Optional[int]":
        return None if self.is_worker else self.browser.storage.get(self._name + ":used")

    def store_use(self, at: int) -> None:
        if not self.is_worker:
            self.browser.storage[self._name + ":used"] = at

    def notify_js_clients(self, trigger: str) -> None:
        self.browser.told_js_clients.append(trigger)

    def said_by_js_clients(self, since: float) -> "list[str]":
        return self.browser.js_messages(since)

    def note_departure(self) -> None:
        self._departed = True

    def take_departure(self) -> bool:
        departed, self._departed = self._departed, False
        return departed or self.is_popup

    def close_popup(self) -> None:
        if self.is_popup:
            self.crash()


class Window:
    """A window of its own for a sign-in. See `host.Popup`; the methods in front are what a person does."""

    def __init__(self) -> None:
        self.visited: "list[str]" = []  # where it was sent
        self.shown: "Optional[str]" = "about:blank"
        self.closed = False
        self.hides = False  # by the page's Cross-Origin-Opener-Policy

    def shows(self, address: str) -> None:
        """It has come to a page of this origin; `address` is absolute."""
        self.shown = address

    def close(self) -> None:
        self.closed = True

    def go(self, url: str) -> None:
        self.visited.append(url)
        self.shown = None  # another origin's page

    async def address(self) -> "Optional[str]":
        return self.shown

    def is_closed(self) -> bool:
        return self.closed or (self.hides and self.shown is None)

    async def may_hide(self) -> bool:
        return self.hides


class Sending:
    """A request on its way, of a `Tab`, in whose `sendings` it is meanwhile."""

    def __init__(self, tab: Tab, request: "Request", timeout: float, done: "Callable[[Any], object]") -> None:
        self.tab = tab
        self.request = request
        self.done = done
        self.cookie = tab.browser.cookie
        before, auth, path = split(request.url)[1].partition("/api/auth")
        self.name = request.method + " " + (path if auth else before)
        tab.browser.requests.append(self.name)
        there, self._back, self.fault = tab.browser.journey(tab, request)
        tab.sendings.append(self)
        call_later = tab.browser.clock.call_later
        self._deadline = call_later(timeout, self._end, BackendUnreachable("The backend did not answer in time."))
        self._next = call_later(there, self._arrive)

    def _arrive(self) -> None:
        if self.fault == UNREACHABLE:
            self._end(BackendUnreachable("The backend could not be reached."))
        elif self.fault != HANG:
            answer, cookie = self.fault, KEEP
            if not isinstance(answer, Answer):
                browser = self.tab.browser
                known = None if browser.blocks_cookies else self.cookie
                answer, cookie = browser.backend.handle(self.request, known, has_token=not browser.blocks_cookies)
            self._next = self.tab.browser.clock.call_later(self._back, self._return, answer, cookie)

    def _return(self, answer: Answer, cookie: "Any") -> None:
        if cookie is not KEEP and not self.tab.browser.blocks_cookies:
            self.tab.browser.cookie = cookie
        if self.fault != TORN:
            self._end(answer)

    def _end(self, outcome: "Any") -> None:
        self.abort()
        self.done(outcome)

    def abort(self) -> None:
        """Give it up: neither its answer nor its cookie arrives any more."""
        self._deadline.cancel()
        self._next.cancel()
        if self in self.tab.sendings:
            self.tab.sendings.remove(self)


class EarlyQuery:
    """See `host.EarlyQuery`."""

    def __init__(self, tab: Tab, base: str) -> None:
        request = session_request(base)
        self.url = request.url
        self.asked_at = tab.browser.now()
        self.came_at = 0.0
        self.answer: "Optional[Answer]" = None
        self._browser = tab.browser
        self._changes: "list[Optional[str]]" = []
        self._over = asyncio.Event()
        self._sending = tab.send(request, 10, self._came)

    def _came(self, outcome: "Union[Answer, BackendUnreachable]") -> None:
        if isinstance(outcome, Answer):
            self.answer = outcome
            self.came_at = self._browser.now()
        self._over.set()

    def is_over(self) -> bool:
        return self._over.is_set()

    def hear(self, identity: "Optional[str]") -> None:
        """Something changed, of which another tab or a JavaScript client tells."""
        self._changes.append(identity)

    def changes(self) -> "list[Optional[str]]":
        return self._changes

    def abort(self) -> None:
        self._sending.abort()
        self._over.set()

    async def wait(self) -> Answer:
        await self._over.wait()
        if self.answer is None:
            raise BackendUnreachable("The backend could not be reached.")
        return self.answer
