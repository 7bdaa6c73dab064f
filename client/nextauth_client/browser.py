"""The host contract in a page or worker: the page itself, its network and its clock; other tabs are in `tabs`."""

import sys
import time

import js

from . import events
from .bridge import (
    IS_MICROPYTHON,
    attempt,
    create_proxy,
    destroy,
    document_call,
    document_get,
    from_bytes,
    from_text,
    guarded,
    has,
    has_own_global,
    is_page,
    listen,
    method,
    outcome,
    to_bytes,
    to_js,
)
from .errors import BackendUnreachable, UnexpectedAnswer, UnsafeURL
from .host import Answer, Response
from .tabs import POPUP, Tabs, said_by_js_clients, storage, store, stored_number
from .times import is_count, parse_http_date
from .urls import resolve, scheme_of

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any, Callable, Optional

    from .host import Popup, Request

MOMENT = 0.5  # seconds; within them one use of the page is as good as many
LARGEST = 1_200_000  # bytes of an answer; MicroPython's whole heap has 8 MB
BEGUN = "nextauthPython"  # the global that names the interpreter which was first; a page has one of each
INTERPRETER = sys.implementation.name
DEPARTURE = "nextauth-client:departure"  # sessionStorage
PROBE = "nextauth-client=1"  # a cookie
WHERE = "a browser event"
USE = ("pointerdown", "pointermove", "keydown", "touchstart", "touchmove", "wheel")  # a page scrolls by itself, too


class BrowserHost:
    """See `host.Host`."""

    def __init__(self) -> None:
        self._emit: "Callable[[Any], object]" = _ignore
        self._recover: "Any" = None
        self._undo: "list[Callable[[], None]]" = []
        self._ignore_use: "list[Callable[[], None]]" = []
        self._tabs: "Any" = None  # a `Tabs`, from `open` on
        self._used_at = 0.0
        self._timer: "Any" = None
        self._on_timer: "Any" = None

    # ── the page ─────────────────────────────────────────────────────────────────────────────────

    def now(self) -> float:
        return time.time()

    def random(self) -> float:
        return float(js.Math.random())

    def origin(self) -> str:
        # Not the location's, which is `blob:` or `about:srcdoc` for workers and pages that yet belong to an origin.
        return str(js.globalThis.origin)

    def page_url(self) -> str:
        url = str(js.location.href) if is_page() else ""  # a worker's is its script's
        return url if scheme_of(url) in ("http", "https") else self.origin() + "/"

    def resolve(self, url: str) -> str:
        base = str(document_get("baseURI")) if is_page() else ""
        if scheme_of(base) not in ("http", "https"):
            base = self.page_url()
        has_base = scheme_of(base) in ("http", "https")  # a page without an origin has none
        given = js.Array.of(url, base) if has_base else js.Array.of(url)
        found = attempt(js.Reflect.construct.bind(None, js.URL, given))
        if not has(found, "href"):
            raise UnsafeURL("The browser does not take this for an address, so the page stayed where it is.")
        return resolve(str(found.href), str(found.href))

    def made_at(self) -> float:
        return time.time() - float(js.performance.now()) / 1000

    def is_fresh(self) -> bool:
        if has(js.performance, "getEntriesByType"):
            for navigation in js.performance.getEntriesByType("navigation"):
                delivery = str(navigation.deliveryType) if has(navigation, "deliveryType") else ""
                # Nothing is transferred for a page out of a cache. Where something was, the server has called the
                # cache's page unchanged.
                was_kept = not navigation.transferSize or delivery not in ("", "cache")
                was_prerendered = has(navigation, "activationStart") and float(navigation.activationStart) > 0
                if was_kept or was_prerendered or str(navigation.type) == "back_forward":
                    return False
        return not (is_page() and document_get("prerendering") is True)

    def begins_first(self) -> bool:
        if not has_own_global(BEGUN):
            js.Reflect.set(js.globalThis, BEGUN, INTERPRETER)
        return str(js.Reflect.get(js.globalThis, BEGUN)) == INTERPRETER

    def embedded_session(self) -> "Optional[tuple[str, Optional[float]]]":
        if not is_page():
            return None
        element = document_call("querySelector", 'script#nextauth-session[type="application/json"]')
        if not has(element, "textContent") or not _is_first("embedded"):
            return None
        at = element.getAttribute("data-at")
        return str(element.textContent), _seconds(str(at)) if isinstance(at, str) else None

    def early_query(self, url: str) -> "Optional[EarlyQuery]":
        if not has_own_global("nextauthEarly") or str(js.nextauthEarly.url) != url:
            return None
        early = EarlyQuery(js.nextauthEarly, url, self.origin())
        return early if not early.is_over() or _is_first("early") else None

    def blocks_cookies(self) -> bool:
        if not is_page():
            return False
        if storage("localStorage") is None:  # where a sandboxed page would throw on `document.cookie`, too
            return True
        # `navigator.cookieEnabled` is true in Chromium and WebKit where cookies are blocked for a site.
        _set_cookie(PROBE + "; Max-Age=9; SameSite=Lax")
        kept = PROBE in str(document_get("cookie"))
        _set_cookie(PROBE + "; Max-Age=0; SameSite=Lax")
        return not kept

    def can_navigate(self) -> bool:
        return is_page()

    async def navigate(self, url: str) -> None:
        url = self.resolve(url)
        same_document = "#" in url and url.split("#")[0] == self.page_url().split("#")[0]
        try:
            await outcome(method(js.location, "assign", url))
        except RuntimeError:
            raise UnsafeURL("The browser refused to go to this address, so the page stayed where it is.")
        if same_document:
            js.location.reload()

    def open_popup(self) -> "Popup":
        from .popup import open_popup

        return open_popup()

    async def fetch(self, request: Request, timeout: float) -> Answer:
        response, body = await self._receive(request, timeout)
        if body is None:
            raise UnexpectedAnswer(
                f"The answer from {request.address} is too large for a page: more than {LARGEST // 1000} kB. "
                "Let the backend put less into it."
            )
        return _answer(response, body.text(), response.headers.get("date"), request.url)

    async def call(self, request: Request, timeout: float) -> Response:
        response, body = await self._receive(request, timeout)
        headers = from_text(js.JSON.stringify(js.Object.fromEntries(response.headers)))
        return Response(int(response.status), request.url, headers, body)

    async def _receive(self, request: Request, timeout: float) -> "tuple[Any, Optional[Body]]":
        """The browser's response, and the whole body, or `None` when that is too large."""
        controller = js.AbortController.new()
        options = to_js(
            {
                "method": request.method,
                "headers": request.headers,
                "credentials": "include",
                # Chromium makes tabs wait for each other's cacheable requests of one URL, and a cache may hold what
                # another person was answered.
                "cache": "no-store",
                # The protocol knows none, and a followed 307 would carry the password to wherever it points.
                "redirect": "manual",
            }
        )
        if request.body is not None:
            options.body = request.body if isinstance(request.body, str) else to_bytes(request.body)
        options.signal = controller.signal
        timer = js.setTimeout(method(controller, "abort"), _delay(timeout))
        body = None
        try:
            response = await outcome(method(js.globalThis, "fetch", request.url, options))
            body = await _body_of(response)
        except Exception:
            late = bool(controller.signal.aborted)
            raise BackendUnreachable(_why_unreachable(request.address, self.origin(), late, round(timeout, 2)))
        finally:
            js.clearTimeout(timer)
            if body is None:  # cancelled, or more comes than a page can hold
                controller.abort()
        return response, body

    # ── events ───────────────────────────────────────────────────────────────────────────────────

    def open(self, name: str, emit: "Callable[[Any], object]", recover: "Callable[[], object]") -> None:
        self._emit = emit
        if IS_MICROPYTHON:
            self._recover = create_proxy(lambda *_: recover())
        ring = guarded(self._timer_rang, WHERE)
        self._on_timer = create_proxy(lambda *_: ring())
        self._tabs = Tabs(name, emit)
        self._tabs.open()
        page = js.window if has(js, "window") else js.globalThis
        self._listen(page, "online", lambda event: emit(events.Network(True)))
        self._listen(page, "offline", lambda event: emit(events.Network(False)))
        if not is_page():
            return  # a worker has no focus, no history and no storage events
        self._listen(page, "focus", lambda event: emit(events.Focus()))
        self._listen(page, "blur", lambda event: emit(events.Focus()))
        self._listen(page, "pagehide", lambda event: self._hide())
        self._listen(page, "pageshow", self._show)
        self._listen(page, "storage", self._tabs.storage_changed)
        self._listen(js.document, "visibilitychange", lambda event: emit(events.Visibility(_is_visible())))
        if not _is_visible():
            emit(events.Visibility(False))
        if js.navigator.onLine is False:
            emit(events.Network(False))

    def close(self) -> None:
        self._emit = _ignore
        self._recover = None
        self.wake(None)
        if self._tabs is not None:
            self._tabs.lock.close()
            self._tabs.close()
        self.follow_use(False)
        for undo in self._undo:
            undo()
        self._undo = []
        if self._on_timer is not None:
            destroy(self._on_timer)
            self._on_timer = None

    def _listen(self, target: "Any", name: str, listener: "Callable[[Any], object]") -> None:
        self._undo.append(listen(target, name, listener, WHERE))

    def follow_use(self, on: bool) -> None:
        for undo in self._ignore_use:
            undo()
        self._ignore_use = []
        if on and is_page():
            how = to_js({"capture": True, "passive": True})  # whatever the page does with them, and it waits for none
            self._ignore_use = [listen(js.window, name, self._used, WHERE, how) for name in USE]

    def _used(self, event: "Any") -> None:
        now = self.now()
        if event.isTrusted and not 0 <= now - self._used_at < MOMENT:  # a mouse says so a hundred times a second
            self._used_at = now
            self._emit(events.Used())

    def _hide(self) -> None:
        self._emit(events.PageHide())
        self._tabs.close()

    def _show(self, event: "Any") -> None:
        if event.persisted:
            self._tabs.open()
            self._emit(events.PageShow(self.stored_epoch()))

    def wake(self, seconds: "Optional[float]") -> None:
        if self._timer is not None:
            js.clearTimeout(self._timer)
            self._timer = None
        if seconds is not None:
            self._timer = js.setTimeout(self._on_timer, _delay(seconds))

    def _timer_rang(self) -> None:
        self._timer = None
        self._emit(events.Tick())

    def schedule_recovery(self) -> None:
        if self._recover is not None:
            js.queueMicrotask(self._recover)

    # ── other tabs ───────────────────────────────────────────────────────────────────────────────

    def publish(self, message: "dict[str, Any]") -> None:
        self._tabs.publish(message)

    def notify_js_clients(self, trigger: str) -> None:
        self._tabs.notify_js_clients(trigger)

    def try_lock(self) -> None:
        self._tabs.lock.request()

    def release_lock(self) -> None:
        self._tabs.lock.release()

    def stored_epoch(self) -> "Optional[int]":
        epoch: "Optional[int]" = self._tabs.stored_epoch()
        return epoch

    def store_epoch(self, epoch: int) -> None:
        self._tabs.store_epoch(epoch)

    def said_by_js_clients(self, since: float) -> "list[str]":
        said: "list[str]" = said_by_js_clients(since)
        return said

    def stored_use(self) -> "Optional[int]":
        used: "Optional[int]" = self._tabs.stored_use()
        return used

    def store_use(self, at: int) -> None:
        self._tabs.store_use(at)

    def note_departure(self) -> None:
        store(storage("sessionStorage"), DEPARTURE, str(int(time.time())))

    def take_departure(self) -> bool:
        found = storage("sessionStorage")
        if stored_number(found, DEPARTURE) is None:
            return stored_number(found, POPUP) is not None
        attempt(method(found, "removeItem", DEPARTURE))
        return True

    def close_popup(self) -> None:
        if stored_number(storage("sessionStorage"), POPUP) is not None:
            js.window.close()


class Body:
    """A `Uint8Array`, as JavaScript keeps it until somebody wants it."""

    def __init__(self, array: "Any") -> None:
        self._array = array

    def text(self) -> str:
        return str(js.TextDecoder.new().decode(self._array))

    def bytes(self) -> "bytes":
        return from_bytes(self._array)


class EarlyQuery:
    """See `host.EarlyQuery`; `nextauth-early.js` sent it."""

    def __init__(self, early: "Any", url: str, origin: str) -> None:
        self._early = early
        self._url = url
        self._unreachable = _why_unreachable(url, origin, False, 0)
        self.asked_at = int(str(early.asked)) / 1000

    def is_over(self) -> bool:
        return has(self._early, "over")

    def changes(self) -> "list[Optional[str]]":
        found: "list[Optional[str]]" = list(said_by_js_clients(self.asked_at))
        if has(self._early, "stale"):  # by a channel
            found.append(None)
        return found

    @property
    def answer(self) -> "Optional[Answer]":
        answer = self._early.answer if has(self._early, "answer") else None
        return None if answer is None else _answer(answer, self._early.text, answer.headers.get("date"), self._url)

    @property
    def came_at(self) -> float:
        return int(str(self._early.came)) / 1000

    def abort(self) -> None:
        self._early.abort()

    async def wait(self) -> Answer:
        await outcome(js.Reflect.get.bind(None, self._early, "done"))
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


async def _body_of(response: "Any") -> "Optional[Body]":
    """The whole body; `None` as soon as it is too large. MicroPython never comes back from an `await` of a text that
    is too large for its heap.
    """
    length = response.headers.get("content-length")
    # An `await` can take MicroPython a timer's 4 ms, and one is enough where the browser sees to it that no more comes.
    if str(response.type) == "basic" and is_count(length) and not response.headers.has("content-encoding"):
        if int(length) > LARGEST:
            return None
        return Body(js.Uint8Array.new(await outcome(method(response, "arrayBuffer"))))
    chunks: "list[Any]" = []
    size = 0
    if has(response.body, "getReader"):  # that of a redirect is nobody's
        reader = response.body.getReader()
        while not (piece := await outcome(method(reader, "read"))).done:
            size += piece.value.byteLength
            if size > LARGEST:
                return None
            chunks.append(piece.value)
    whole, at = js.Uint8Array.new(size), 0
    for chunk in chunks:
        whole.set(chunk, at)
        at += chunk.byteLength
    return Body(whole)


def _answer(response: "Any", text: "Any", date: "Any", asked: str) -> Answer:
    # The early script follows a redirect that only adds, or takes, a slash.
    elsewhere = bool(response.redirected) and str(response.url).rstrip("/") != asked.rstrip("/")
    return Answer(
        int(response.status),
        str(text),
        elsewhere or str(response.type) == "opaqueredirect",
        parse_http_date(date),
    )


def _set_cookie(text: str) -> None:
    js.Reflect.set(js.Document.prototype, "cookie", text, js.document)


def _is_visible() -> bool:
    return str(document_get("visibilityState")) == "visible"


def _delay(seconds: float) -> int:
    """Milliseconds as timers take them."""
    return max(0, min(int(seconds * 1000 + 0.999), 2**31 - 1))


def _seconds(text: str) -> "Optional[float]":
    whole, _, fraction = text.partition(".")
    return float(text) if whole and is_count(whole + fraction) else None


def _ignore(_event: "Any") -> None:
    """Nobody listens."""


def _why_unreachable(url: str, origin: str, late: bool, timeout: float) -> str:
    if late:
        return f"The backend did not answer within {round(timeout, 1):g} seconds. Try again; see whether {url} answers."
    if not url.startswith(origin + "/"):
        return (
            f"The backend at {url} could not be reached from {origin}. It may be down, or refuse another origin "
            "(CORS): serve page and backend from one origin, by a reverse proxy."
        )
    return f"The backend could not be reached at {url}. Check that it runs and that you are online."
