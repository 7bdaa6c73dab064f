"""The host contract in a page or worker, on Pyodide and on MicroPython.

The only room below `dom` that knows `js`. Uses the interpreter's own ffi, so that a page without PyScript works too.

A JavaScript function that throws at once cannot be caught on MicroPython, so whatever may throw (storage that is
blocked, an address that is none) is called by a promise, whose rejection can be.
"""

import json
import sys
import time

import js

from . import sync
from .errors import BackendUnreachable, UnexpectedAnswer, UnsafeURL, report
from .protocol import Answer, Request, parse_json
from .tasks import start
from .times import parse_http_date

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any, Callable, Optional

    from .host import Popup

if sys.implementation.name == "micropython":
    from jsffi import create_proxy
else:
    from pyodide.ffi import create_proxy

LARGEST = 1_200_000  # bytes of an answer; MicroPython's whole heap has 8 MB
EPOCH = ":epoch"  # localStorage: the channel's name and this
DEPARTURE = "nextauth-client:departure"  # sessionStorage
OURS = "nextauth-client"  # the field by which our tabs know, and ignore, what we tell the JS clients
JS_KEY = "nextauth.message"  # v3 and v4: a localStorage key
JS_CHANNEL = "next-auth"  # v5: a BroadcastChannel


def _has(thing: "Any", name: str) -> bool:
    return hasattr(thing, name)


def _method(thing: "Any", name: str, *args: "Any") -> "Any":
    """A JS function that calls the method with these arguments."""
    return getattr(thing, name).bind(thing, *args)


def _called_safely(function: "Any") -> "Any":
    """A promise of the JS function's result, which rejects where a plain call would throw."""
    return js.Promise.resolve().then(function)


def _quietly(function: "Any") -> None:
    _called_safely(function).catch(js.Boolean)  # any function that throws nothing


def _delay(seconds: float) -> int:
    return max(0, min(int(seconds * 1000 + 0.999), 2**31 - 1))


class BrowserHost:
    """See `host.Host`."""

    def __init__(self) -> None:
        self._name = ""
        self._report: "Callable[[Any], object]" = _nobody
        self._recover: "Any" = None
        self._undo: "list[Callable[[], None]]" = []
        self._channel: "Any" = None
        self._js_channel: "Any" = None
        self._channel_undo: "list[Callable[[], None]]" = []
        self._timer: "Any" = None
        self._on_timer: "Any" = None
        self._release: "Any" = None
        self._until_released: "Any" = None
        self._lock_asked = False
        self._lock_proxies: "list[Any]" = []
        self._heard_epoch: "Optional[int]" = None  # only looked at where there is no channel

    # ── the page ─────────────────────────────────────────────────────────────────────────────────

    def now(self) -> float:
        return time.time()

    def random(self) -> float:
        return float(js.Math.random())

    def origin(self) -> str:
        return str(js.location.origin)

    def page_url(self) -> str:
        return str(js.location.href)

    def made_at(self) -> float:
        if _has(js.performance, "getEntriesByType"):
            for navigation in js.performance.getEntriesByType("navigation"):
                if str(navigation.type) == "back_forward":
                    return 0.0
        return time.time() - float(js.performance.now()) / 1000

    def embedded_session(self) -> "Optional[str]":
        if not _has(js, "document"):
            return None
        element = js.document.getElementById("nextauth-session")
        return str(element.textContent) if _has(element, "textContent") and _is_first("embedded") else None

    def early_question(self, url: str) -> "Optional[EarlyQuestion]":
        if not _has(js, "nextauthEarly") or str(js.nextauthEarly.url) != url:
            return None
        early = EarlyQuestion(js.nextauthEarly, url, self.origin())
        return early if not early.is_over() or _is_first("early") else None

    async def navigate(self, url: str) -> None:
        same_document = "#" in url and url.split("#")[0] == self.page_url().split("#")[0]
        try:
            await _called_safely(_method(js.location, "assign", url))
        except Exception:
            raise UnsafeURL("The browser does not take this for an address, so the page stayed where it is.")
        if same_document:
            js.location.reload()

    def open_popup(self) -> "Popup":
        from .popup import open_popup

        return open_popup()

    async def fetch(self, request: Request, timeout: float) -> Answer:
        controller = js.AbortController.new()
        settings: "dict[str, Any]" = {
            "method": request.method,
            "headers": request.headers,
            "credentials": "include",
            # Chromium makes tabs wait for each other's cacheable requests of one URL.
            "cache": "no-store",
            # The protocol knows none, and a followed 307 would carry the password to wherever it points.
            "redirect": "manual",
        }
        if request.body is not None:
            settings["body"] = request.body
        options = js.JSON.parse(json.dumps(settings))
        options.signal = controller.signal
        timer = js.setTimeout(_method(controller, "abort"), _delay(timeout))
        done = False
        try:
            response = await js.fetch(request.url, options)
            body = await response.arrayBuffer()
            # Looked at first: with a text that is too large for its heap, MicroPython never comes back from `await`.
            text = None if body.byteLength > LARGEST else str(js.TextDecoder.new().decode(body))
            date = response.headers.get("date")
            done = True
        except Exception:
            late = bool(controller.signal.aborted)
            done = True
            raise BackendUnreachable(_why_unreachable(request.address, self.origin(), late, timeout))
        finally:
            js.clearTimeout(timer)
            if not done:  # cancelled
                controller.abort()
        if text is None:
            raise UnexpectedAnswer(
                f"The answer from {request.address} is too large for a page: more than {LARGEST // 1000} kB. "
                "Let the backend put less into it."
            )
        return _answer(response, text, date)

    # ── events ───────────────────────────────────────────────────────────────────────────────────

    def open(self, name: str, report: "Callable[[Any], object]", recover: "Callable[[], object]") -> None:
        self._name = name
        self._report = report
        if sys.implementation.name == "micropython":
            self._recover = create_proxy(lambda *_: recover())
        self._heard_epoch = self.stored_epoch()
        self._on_timer = create_proxy(lambda *_: self._guard(self._timer_rang))
        self._open_channels()
        page = js.window if _has(js, "window") else js.globalThis
        self._listen(page, "online", lambda event: self._tell(sync.Network(True)))
        self._listen(page, "offline", lambda event: self._tell(sync.Network(False)))
        if not _has(js, "document"):
            return  # a worker has no focus, no history and no storage events
        self._listen(page, "focus", lambda event: self._tell(sync.Focus()))
        self._listen(page, "blur", lambda event: self._tell(sync.Focus()))
        self._listen(page, "pagehide", lambda event: self._hide())
        self._listen(page, "pageshow", self._show)
        self._listen(page, "storage", self._storage_changed)
        self._listen(js.document, "visibilitychange", lambda event: self._tell(sync.Visibility(self._visible())))
        if not self._visible():
            self._tell(sync.Visibility(False))
        if js.navigator.onLine is False:
            self._tell(sync.Network(False))

    def close(self) -> None:
        self._report = _nobody
        self._recover = None
        self.wake(None)
        self.release_lock()
        self._close_channels()
        for undo in self._undo:
            undo()
        self._undo = []
        if not self._lock_asked:  # else the browser still calls one of them
            self._destroy_lock()
        if self._on_timer is not None:
            _destroy(self._on_timer)
            self._on_timer = None

    def _listen(self, target: "Any", name: str, listener: "Callable[[Any], object]") -> None:
        proxy = create_proxy(lambda event: self._guard(listener, event))
        target.addEventListener(name, proxy)

        def undo() -> None:
            target.removeEventListener(name, proxy)
            _destroy(proxy)

        self._undo.append(undo)

    def _guard(self, function: "Callable[..., object]", *args: "Any") -> None:
        """Nothing may raise out of a listener."""
        try:
            function(*args)
        except Exception as error:
            report(error, "a browser event")

    def _tell(self, event: "Any") -> None:
        self._report(event)

    def _visible(self) -> bool:
        return str(js.document.visibilityState) == "visible"

    def _hide(self) -> None:
        self._tell(sync.PageHide())
        self._close_channels()

    def _show(self, event: "Any") -> None:
        if event.persisted:
            self._open_channels()
            self._tell(sync.PageShow(self.stored_epoch()))

    def wake(self, seconds: "Optional[float]") -> None:
        if self._timer is not None:
            js.clearTimeout(self._timer)
            self._timer = None
        if seconds is not None:
            self._timer = js.setTimeout(self._on_timer, _delay(seconds))

    def _timer_rang(self) -> None:
        self._timer = None
        self._tell(sync.Tick())

    def look_after(self) -> None:
        if self._recover is not None:
            js.queueMicrotask(self._recover)

    # ── other tabs ───────────────────────────────────────────────────────────────────────────────

    def _open_channels(self) -> None:
        if self._channel is not None or not _has(js, "BroadcastChannel"):
            return
        self._channel = self._open_one(self._name, self._heard)
        self._js_channel = self._open_one(JS_CHANNEL, self._heard_js_client)

    def _open_one(self, name: str, listener: "Callable[[Any], object]") -> "Any":
        channel = js.BroadcastChannel.new(name)
        proxy = create_proxy(lambda event: self._guard(listener, event))
        channel.addEventListener("message", proxy)

        def undo() -> None:
            channel.removeEventListener("message", proxy)
            channel.close()
            _destroy(proxy)

        self._channel_undo.append(undo)
        return channel

    def _close_channels(self) -> None:
        for undo in self._channel_undo:
            undo()
        self._channel_undo = []
        self._channel = None
        self._js_channel = None

    def publish(self, message: "dict[str, Any]") -> None:
        # As text: integers of more than 32 bits do not survive MicroPython's bridge.
        if self._channel is not None:
            self._channel.postMessage(json.dumps(message))

    def _heard(self, event: "Any") -> None:
        message = _parsed(event.data)
        if message is not None:
            self._tell(sync.Heard(message))

    def tell_others(self, trigger: str) -> None:
        message: "dict[str, Any]" = {"event": "session", "data": {"trigger": trigger}}
        # The time makes each text another: two equal writes raise one event.
        message["timestamp"] = int(time.time())
        message[OURS] = int(time.time() * 1000)
        self._store(_storage("localStorage"), JS_KEY, json.dumps(message))
        if _has(js, "BroadcastChannel"):
            channel = self._js_channel or js.BroadcastChannel.new(JS_CHANNEL)
            channel.postMessage(js.JSON.parse(json.dumps(message)))
            if self._js_channel is None:
                channel.close()

    def _heard_js_client(self, event: "Any") -> None:
        data = event.data
        if str(js.Object.prototype.toString.call(data)) == "[object Object]" and not _has(data, OURS):
            self._tell(sync.ForeignChange())

    def _storage_changed(self, event: "Any") -> None:
        key = event.key
        if key == JS_KEY:
            message = _parsed(event.newValue)
            if isinstance(message, dict) and message.get("event") == "session":
                if OURS not in message:
                    self._tell(sync.ForeignChange())
                elif self._channel is None:
                    self._heard_without_channel()

    def _heard_without_channel(self) -> None:
        """One of our tabs has told the JS clients; at the end of a change it stored the epoch before."""
        epoch = self.stored_epoch()
        self._tell(sync.ForeignChange() if epoch == self._heard_epoch else sync.EpochStored(epoch))
        self._heard_epoch = epoch

    # ── locks and storage ────────────────────────────────────────────────────────────────────────

    def try_lock(self) -> None:
        locks = js.navigator.locks if _has(js.navigator, "locks") else None
        if locks is None or not _has(locks, "request") or self._channel is None:
            self._tell(sync.LockGranted())
            return

        if not self._lock_proxies:
            # Once: what refers to each other through JavaScript is never collected, and a proxy of MicroPython only so.
            functions = (self._lock_answered, self._lock_refused, self._hold_lock)
            self._lock_proxies = [create_proxy(function) for function in functions]
        self._lock_asked = True
        options = js.JSON.parse('{"ifAvailable": true}')
        locks.request(self._name, options, self._lock_proxies[0]).catch(self._lock_proxies[1])

    def _lock_answered(self, lock: "Any") -> "Any":
        try:
            if self._report is _nobody:  # closed meanwhile
                return None
            if not _has(lock, "name"):  # null: somebody else has it
                self._guard(self._tell, sync.LockBusy())
                return None
            # Kept: MicroPython may collect what a function returns before the browser has taken it.
            self._until_released = js.Promise.new(self._lock_proxies[2])
            self._guard(self._tell, sync.LockGranted())
            return self._until_released
        finally:
            self._lock_was_answered()

    def _lock_refused(self, _error: "Any") -> None:
        self._lock_was_answered()
        self._guard(self._tell, sync.LockGranted())  # no locks to be had here

    def _hold_lock(self, resolve: "Any", _reject: "Any") -> None:
        self._release = resolve

    def _lock_was_answered(self) -> None:
        self._lock_asked = False
        if self._report is _nobody:  # closed meanwhile, and one of the proxies is running now
            start(self._destroy_lock_proxies(), _nobody)

    async def _destroy_lock_proxies(self) -> None:
        self._destroy_lock()

    def _destroy_lock(self) -> None:
        for proxy in self._lock_proxies:
            _destroy(proxy)
        self._lock_proxies = []
        self._until_released = None

    def release_lock(self) -> None:
        if self._release is not None:
            self._release()
            self._release = None

    def stored_epoch(self) -> "Optional[int]":
        storage = _storage("localStorage")
        return None if storage is None else _number(storage.getItem(self._name + EPOCH))

    def store_epoch(self, epoch: int) -> None:
        self._heard_epoch = epoch
        self._store(_storage("localStorage"), self._name + EPOCH, str(epoch))

    def note_departure(self) -> None:
        self._store(_storage("sessionStorage"), DEPARTURE, str(int(time.time())))

    def take_departure(self) -> bool:
        storage = _storage("sessionStorage")
        if storage is None or _number(storage.getItem(DEPARTURE)) is None:
            return False
        storage.removeItem(DEPARTURE)
        return True

    def _store(self, storage: "Any", key: str, text: str) -> None:
        if storage is not None:
            _quietly(_method(storage, "setItem", key, text))  # it may be full


class EarlyQuestion:
    """See `host.Early`; `static/nextauth-early.js` asked it."""

    def __init__(self, early: "Any", url: str, origin: str) -> None:
        self._early = early
        self._unreachable = _why_unreachable(url, origin, False, 0)
        self.asked_at = int(str(early.asked)) / 1000

    def is_over(self) -> bool:
        return _has(self._early, "over")

    @property
    def answer(self) -> "Optional[Answer]":
        answer = self._early.answer if _has(self._early, "answer") else None
        return None if answer is None else _answer(answer, self._early.text, answer.headers.get("date"))

    @property
    def came_at(self) -> float:
        return int(str(self._early.came)) / 1000

    async def wait(self) -> Answer:
        try:
            await self._early.done
        finally:
            if not self.is_over():  # cancelled
                self._early.abort()
        if self.answer is None:
            raise BackendUnreachable(self._unreachable)
        return self.answer


_taken: "list[str]" = []


def _is_first(what: str) -> bool:
    """What came with the page is for the first Provider that can use it: a later one shall know what is true then."""
    if what in _taken:
        return False
    _taken.append(what)
    return True


def _answer(response: "Any", text: "Any", date: "Any") -> Answer:
    return Answer(
        int(response.status),
        str(text),
        bool(response.redirected) or str(response.type) == "opaqueredirect",
        parse_http_date(date),
    )


def _storage(name: str) -> "Any":
    """The page's storage; `None` where reading its very name throws: blocked cookies, a sandboxed frame, a worker."""
    if not _has(js, "document") or not js.navigator.cookieEnabled or str(js.origin) == "null":
        return None
    storage = getattr(js, name)
    return storage if _has(storage, "getItem") else None


def _parsed(text: "Any") -> "Any":
    if not isinstance(text, str):
        return None
    try:
        return parse_json(text)
    except ValueError:
        return None


def _number(text: "Any") -> "Optional[int]":
    return int(text) if isinstance(text, str) and text.isdigit() and len(text) < 18 else None


def _destroy(proxy: "Any") -> None:
    if _has(proxy, "destroy"):  # MicroPython's proxies are collected
        proxy.destroy()


def _nobody(event: "Any") -> None:
    """Nobody listens."""


def _why_unreachable(url: str, origin: str, late: bool, timeout: float) -> str:
    if late:
        return f"The backend did not answer within {timeout:g} seconds. Try again; see whether {url} answers."
    if not url.startswith(origin + "/"):
        return (
            f"The backend at {url} could not be reached from {origin}. It may be down, or refuse another origin "
            "(CORS): serve page and backend from one origin, by a reverse proxy."
        )
    return f"The backend could not be reached at {url}. Check that it runs and that you are online."
