"""The host contract in a page or worker: the page itself, what came with it, its events and its clock.

Its network is in `network`, the other tabs in `tabs`.
"""

import time

import js

from . import events, network
from .bridge import (
    IS_MICROPYTHON,
    attempt,
    create_proxy,
    destroy,
    document_call,
    document_get,
    guarded,
    has,
    has_own_global,
    is_page,
    listen,
    method,
    milliseconds,
    outcome,
    to_js,
)
from .errors import UnsafeURL
from .tabs import POPUP, Tabs, said_by_js_clients, storage, store, stored_number
from .tasks import ignore
from .times import is_count
from .urls import resolve, scheme_of

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any, Callable, Optional

    from .host import Popup

MOMENT = 0.5  # seconds; within them one use of the page is as good as many
DEPARTURE = "nextauth-client:departure"  # sessionStorage
PROBE = "nextauth-client=1"  # a cookie
WHERE = "a browser event"
USE = ("pointerdown", "pointermove", "keydown", "touchstart", "touchmove", "wheel")  # a page scrolls by itself, too


class BrowserHost:
    """See `host.Host`."""

    def __init__(self) -> None:
        self._emit: "Callable[[Any], object]" = ignore
        self._recover: "Any" = None
        self._undo: "list[Callable[[], None]]" = []
        self._ignore_use: "list[Callable[[], None]]" = []
        self._tabs: "Tabs" = None  # type: ignore[assignment]  # until `open`, which is called before all that needs it
        self._used_at = 0.0
        self._timer: "Any" = None
        self._on_timer: "Any" = None

    # ── the page ─────────────────────────────────────────────────────────────────────────────────

    def now(self) -> float:
        return time.time()

    def random(self) -> float:
        return float(js.Math.random())

    origin = staticmethod(network.origin)

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
        return self._tabs.begins_first()

    def embedded_session(self) -> "Optional[tuple[str, Optional[float]]]":
        if not is_page():
            return None
        element = document_call("querySelector", 'script#nextauth-session[type="application/json"]')
        if not has(element, "textContent") or not _is_first("embedded"):
            return None
        at = element.getAttribute("data-at")
        return str(element.textContent), _seconds(str(at)) if isinstance(at, str) else None

    def early_query(self, url: str) -> "Optional[network.EarlyQuery]":
        if not has_own_global("nextauthEarly") or str(js.nextauthEarly.url) != url:
            return None
        early = network.EarlyQuery(js.nextauthEarly, url)
        return early if not early.is_over() or _is_first("early") else None

    async def blocks_cookies(self) -> bool:
        if not is_page():  # which sees no cookies; but where those are refused, locks are, too
            if has(js.navigator, "locks"):
                try:
                    await outcome(method(js.navigator.locks, "query"))
                except RuntimeError:
                    return True
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

    # ── its network ──────────────────────────────────────────────────────────────────────────────

    fetch = staticmethod(network.fetch)
    call = staticmethod(network.call)

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
        self._emit = ignore
        self._recover = None
        self.wake(None)
        if self._tabs:
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
            self._timer = js.setTimeout(self._on_timer, milliseconds(seconds))

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
        return self._tabs.stored_epoch()

    def store_epoch(self, epoch: int) -> None:
        self._tabs.store_epoch(epoch)

    said_by_js_clients = staticmethod(said_by_js_clients)

    def stored_use(self) -> "Optional[int]":
        return self._tabs.stored_use()

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


_taken: "list[str]" = []


def _is_first(what: str) -> bool:
    """What came with the page is for the first Provider that can use it: a later one shall know what is true then."""
    if what in _taken:
        return False
    _taken.append(what)
    return True


def _set_cookie(text: str) -> None:
    js.Reflect.set(js.Document.prototype, "cookie", text, js.document)


def _is_visible() -> bool:
    return str(document_get("visibilityState")) == "visible"


def _seconds(text: str) -> "Optional[float]":
    whole, _, fraction = text.partition(".")
    return float(text) if whole and is_count(whole + fraction) else None
