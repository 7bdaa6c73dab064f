"""A browser and a backend in virtual time: for tests, on CPython, of pages that show who is signed in.

    async def test_the_other_tab_follows(auth_browser):
        one, two = auth_browser.open_tab(), auth_browser.open_tab()
        await one.sign_in("credentials", username="jsmith", password="pw", redirect=False)
        await asyncio.sleep(1)
        assert two.use_session().session.user.name == "jsmith"

pytest knows the fixture; elsewhere `run(page)` calls `async def page(browser)`. Nothing here waits: time passes when
nobody has anything to do, so `asyncio.sleep(3600)` returns at once. docs/testing.md has the words for what goes wrong.
"""

import asyncio
import json
import selectors
import threading
import time
from collections import namedtuple

from . import api, events, runtime, testing_dom, testing_js
from .errors import BackendUnreachable, PopupBlocked, UnsafeURL
from .host import Answer, Request, Response
from .protocol import BASE_PATH, session_request
from .provider import Provider
from .stamps import DAY
from .urls import in_ascii, parse_query, resolve, scheme_of, split

TYPE_CHECKING = False
if TYPE_CHECKING:
    from types import ModuleType
    from typing import Any, Callable, Coroutine, Generator, Mapping, Optional, Protocol, TypeVar, Union

    T = TypeVar("T")

    class Handle(Protocol):
        def cancel(self) -> object: ...

    class Clock(Protocol):
        """What `Browser` needs of an event loop."""

        def time(self) -> float: ...
        def call_later(self, delay: float, callback: Callable[..., object], *args: Any) -> Handle: ...
        def skip(self, seconds: float) -> None: ...

    Fault = Union[str, Answer, None]
    Answers = Callable[[Request, Optional[dict[str, Any]]], Answer]

START = 1_790_000_000.0  # Unix seconds at which virtual time begins

# What may happen to a request; an `Answer` may stand here too, instead of the backend's own.
UNREACHABLE = "unreachable"  # refused at once
HANG = "hang"  # nothing comes back
TORN = "torn"  # the backend's cookies arrive, its answer does not

FOREVER = float("inf")
HOME = "https://example.org/"  # the page

SESSION_LENGTH = 30 * 86400.0

# A session cookie, as the backend signs it: it knows nothing else of who is signed in.
Cookie = namedtuple("Cookie", ("name", "login", "data", "expires"))
KEEP = object()  # an answer without Set-Cookie


class ApiAnswer(Answer):
    """What the page's own API answers; `body` is text, bytes, or else what JSON can say."""

    def __init__(self, status: int = 200, body: "Any" = "", headers: "Optional[Mapping[str, str]]" = None) -> None:
        if type(status) is not int or not 200 <= status < 600:
            raise ValueError(f"A status is a number from 200 to 599, such as 500, not {status!r}")
        self.headers = dict(headers or {})
        if not isinstance(body, (str, bytes)):
            body = json.dumps(body)
            self.headers.setdefault("content-type", "application/json")
        self.body = body.encode() if isinstance(body, str) else body
        super().__init__(status, self.body.decode("utf-8", "replace"))


def _seconds(name: str, value: "Any", least: float = 0.0) -> float:
    if isinstance(value, bool) or not isinstance(value, (int, float)) or not value >= least:  # nor NaN
        raise ValueError(f"{name} takes a number of seconds from {least:g} up, not {value!r}")
    return value


class ApiBody:
    """See `host.Body`."""

    def __init__(self, body: bytes) -> None:
        self._body = body

    def text(self) -> str:
        return self._body.decode("utf-8", "replace").removeprefix("\ufeff")

    def bytes(self) -> "bytes":
        return self._body


class Backend:
    """A v4 backend with JWT sessions: every answered `GET /session` sets the cookie again, and so prolongs it.

    `api` has what the page's own API answers, by path, or by the address where that is elsewhere (`auth_fetch`); the
    session is that of the cookie which comes with the request, as plain data, or `None`:

        browser.backend.api["/api/orders"] = lambda request, session: ApiAnswer(200 if session else 401, ["apples"])

    Change what it does by its attributes: `users` (name and password), `session_length` in seconds, `extra` (what a
    session callback adds), `revoked` (numbers of logins), `skew` (its clock against the browser's), `sends_date`.
    """

    def __init__(self, now: "Callable[[], float]") -> None:
        self._now = now
        self.users = {"jsmith": "pw"}
        self.session_length = SESSION_LENGTH
        self.extra: "dict[str, Any]" = {}
        self.revoked: "set[int]" = set()
        self.skew = 0.0
        self.sends_date = True
        self.csrf_token = "token"
        self.api: "dict[str, Answers]" = {}
        self.delay = 0.0  # seconds, besides the network's
        self._logins = 0
        self._trouble: "tuple[Fault, float]" = (None, 0.0)  # and when it ends, of the browser's time

    def now(self) -> float:
        return self._now() + self.skew

    def answers(self, status: int, body: "Any" = "", *, for_seconds: float = FOREVER) -> None:
        """Every request with this, such as 500 or 503, instead of doing anything. See `ApiAnswer`."""
        self._is_in_trouble(ApiAnswer(status, body), for_seconds)

    def sends_bad_json(self, *, for_seconds: float = FOREVER) -> None:
        """As of a proxy that answers with a page of its own."""
        self._is_in_trouble(Answer(200, "<!doctype html><title>Welcome</title>"), for_seconds)

    def is_unreachable(self, *, for_seconds: float = FOREVER) -> None:
        """Every request is refused at once."""
        self._is_in_trouble(UNREACHABLE, for_seconds)

    def hangs(self, *, for_seconds: float = FOREVER) -> None:
        """What arrives meanwhile is never answered."""
        self._is_in_trouble(HANG, for_seconds)

    def is_slow(self, seconds: float) -> None:
        """It takes so long for every answer."""
        self.delay = _seconds("is_slow(…)", seconds)

    def is_well_again(self) -> None:
        self._trouble = (None, 0.0)
        self.delay = 0.0

    def ends_all_sessions(self) -> None:
        """Browsers keep cookies that nobody accepts any more."""
        self.revoked.update(range(1, self._logins + 1))

    def _is_in_trouble(self, fault: "Fault", seconds: float) -> None:
        self._trouble = (fault, self._now() + _seconds("for_seconds", seconds))

    def trouble(self) -> "Fault":
        """What happens to a request that is sent now."""
        fault, end = self._trouble
        return fault if self._now() < end else None

    def login(self, name: str = "jsmith", session: "Optional[dict[str, Any]]" = None) -> Cookie:
        """The cookie of a new sign-in; `browser.cookie = backend.login()` is a person who comes back signed in."""
        self._logins += 1
        return Cookie(name, self._logins, session or {}, self.now() + self.session_length)

    def accepts(self, cookie: "Optional[Cookie]") -> bool:
        return cookie is not None and cookie.expires > self.now() and cookie.login not in self.revoked

    def handle(self, request: "Request", cookie: "Optional[Cookie]", *, has_token: bool = True) -> "tuple[Answer, Any]":
        """The answer, and the new cookie: a `Cookie`, `None` to take it away, or `KEEP`.

        `has_token`: whether the token's own cookie comes with it.
        """
        token = self.csrf_token if has_token else None
        origin, path, _, _ = split(request.url)
        own_api = self.api.get(request.address) or self.api.get(path)
        if own_api is not None or "/api/auth" not in path:
            session = json.loads(self._session(cookie)[0].text) or None
            if path[1:] in self.api:
                raise ValueError(f"api[{path[1:]!r}]: a path begins with a slash, so write api[{path!r}]")
            answer = ApiAnswer(404, "No such page") if own_api is None else own_api(request, session)
            if not isinstance(answer, Answer):
                raise TypeError(f"api[{path!r}] is a function that returns an ApiAnswer: it returned {answer!r}")
            return answer, KEEP
        path = path.partition("/api/auth")[2]
        body = request.body if isinstance(request.body, str) else ""
        if request.method == "GET":
            if path == "/session":
                return self._session(cookie)
            if path == "/csrf":
                return self._answer({"csrfToken": self.csrf_token}), KEEP
            if path == "/providers":
                return self._answer(_providers(origin + "/api/auth")), KEEP
            return self._answer("No such page", 404), KEEP
        if path == "/session":
            return self._update(json.loads(body or "null"), cookie, token)
        form = dict(parse_query(body))
        if form.get("csrfToken") != token:
            page = "/signout" if path == "/signout" else "/signin"
            return self._answer({"url": origin + "/api/auth" + page + "?csrf=true"}), KEEP
        if path == "/signout":
            return self._answer({"url": form["callbackUrl"]}), None
        if path == "/callback/credentials":
            name = form.get("username", "")
            if name in self.users and self.users[name] == form.get("password"):
                return self._answer({"url": form["callbackUrl"]}), self.login(name)
            return self._answer({"url": origin + "/api/auth/error?error=CredentialsSignin"}, 401), KEEP
        return self._answer({"url": "https://accounts.example/authorize"}), KEEP

    def _session(self, cookie: "Optional[Cookie]") -> "tuple[Answer, Any]":
        if cookie is None:
            return self._answer({}), KEEP
        if not self.accepts(cookie):
            return self._answer({}), None
        rolled = Cookie(cookie.name, cookie.login, cookie.data, self.now() + self.session_length)
        session: "dict[str, Any]" = {"user": {"name": cookie.name, "email": cookie.name + "@example.org"}}
        session["expires"] = iso(rolled.expires)
        session.update(self.extra)
        session.update(cookie.data)
        return self._answer(session), rolled

    def _update(self, body: "Any", cookie: "Optional[Cookie]", token: "Optional[str]") -> "tuple[Answer, Any]":
        if body["csrfToken"] != token:
            return self._answer({}, 400), KEEP
        if cookie is not None and isinstance(body["data"], dict):
            data = dict(cookie.data)
            data.update(body["data"])
            cookie = Cookie(cookie.name, cookie.login, data, cookie.expires)
        return self._session(cookie)

    def _answer(self, data: "Any", status: int = 200) -> Answer:
        return Answer(status, json.dumps(data), False, float(int(self.now())) if self.sends_date else None)


def _providers(base: str) -> "dict[str, dict[str, str]]":
    found = {}
    for name, title, kind in (("credentials", "Password", "credentials"), ("github", "GitHub", "oauth")):
        found[name] = {
            "id": name,
            "name": title,
            "type": kind,
            "signinUrl": base + "/signin/" + name,
            "callbackUrl": base + "/callback/" + name,
        }
    return found


def iso(seconds: float) -> str:
    """Unix seconds as the wire writes them: `2026-12-23T13:41:00.000Z`."""
    return time.strftime("%Y-%m-%dT%H:%M:%S", time.gmtime(seconds)) + f".{int(seconds % 1 * 1000):03d}Z"


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
            self.backend.session_length = _seconds("expires_in", expires_in, least=0.001)
        self.cookie = self.backend.login(name, session)

    def goes_offline(self, *, for_seconds: float = FOREVER) -> None:
        _seconds("for_seconds", for_seconds)
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
        self.clock.skip(_seconds("suspend(…)", seconds))

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

    def let_go(self, tab: "Tab") -> None:
        for name, holder in list(self.lock_holders.items()):
            if holder is tab:
                del self.lock_holders[name]


class Tab:
    """One page, as the host of one Provider. See `host.Host` for what is not described here."""

    def __init__(self, browser: Browser, url: str) -> None:
        self.browser = browser
        self.url = url
        self.visited: "list[str]" = []  # where the page was sent; it stays nevertheless
        self.windows: "list[Window]" = []  # that `sign_in(popup=True)` opened
        self.opens_windows = True
        self.is_popup = False  # which a sign-in has opened
        self.is_worker = False  # which has no page that could go elsewhere
        self.hears = False  # has an open channel
        self.follows_use = False  # listens to pointer, keys, touch and wheel
        self._opened_at = browser.now()
        self._name = ""
        self._listener: "Optional[Callable[[Any], object]]" = None
        self._timer: "Optional[Handle]" = None
        self._sendings: "list[Sending]" = []
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
        for sending in list(self._sendings):
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

    def blocks_cookies(self) -> bool:
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
        self.browser.let_go(self)
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
        self.browser.let_go(self)

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


class Sending:
    """A request on its way."""

    def __init__(self, tab: Tab, request: "Request", timeout: float, done: "Callable[[Any], object]") -> None:
        self.tab = tab
        self.request = request
        self.done = done
        self.cookie = tab.browser.cookie
        before, auth, path = split(request.url)[1].partition("/api/auth")
        self.name = request.method + " " + (path if auth else before)
        tab.browser.requests.append(self.name)
        there, self._back, self.fault = tab.browser.journey(tab, request)
        tab._sendings.append(self)
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
        if self in self.tab._sendings:
            self.tab._sendings.remove(self)


# ── virtual time ─────────────────────────────────────────────────────────────────────────────────


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
