"""What the tabs of one origin share: a channel, a lock, and the stored epoch; and how the JS clients hear of changes.

Where cookies are blocked, in a sandboxed frame or in a worker some of these are missing: then what was to be said or
stored is not, and the lock is always granted.
"""

import json
import time

import js

from . import events
from .bridge import (
    IS_MICROPYTHON,
    attempt,
    create_proxy,
    destroy,
    from_text,
    guarded,
    has,
    has_own_global,
    listen,
    method,
    to_js,
    type_of,
)
from .stamps import DAY
from .tasks import ignore, start
from .times import is_count

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any, Callable, Optional

    Emit = Callable[[Any], object]

EPOCH = ":epoch"  # localStorage: the channel's name and this
USED = ":used"  # the same
OURS = "nextauth-client"  # the field by which our tabs know, and ignore, what we tell the JS clients
POPUP = "nextauth-client:popup"  # sessionStorage of the window that a sign-in has opened
JS_KEY = "nextauth.message"  # v3 and v4: a localStorage key
JS_CHANNEL = "next-auth"  # v5: a BroadcastChannel
SIGN_OUT = {"trigger": "signout"}  # the `data` of their messages then
WHERE = "another tab's event"


class Tabs:
    """The other tabs, for one Provider: `name` is that of channel, lock and key; `emit` takes `events`."""

    def __init__(self, name: str, emit: "Emit") -> None:
        self._name = name
        self._emit = emit
        self._channel: "Any" = None
        self._js_channel: "Any" = None
        self._undo: "list[Callable[[], None]]" = []
        self._heard_epoch = self.stored_epoch()  # only looked at where there is no channel
        self.lock = Lock(name, emit)

    def open(self) -> None:
        """Hear the other tabs, now or again."""
        if self._channel is None:
            self._channel = self._open_channel(self._name, self._heard)
            self._js_channel = self._open_channel(JS_CHANNEL, self._heard_js_client)
            self.lock.shared = self._channel is not None

    def close(self) -> None:
        """Hear and say nothing more."""
        for undo in self._undo:
            undo()
        self._undo = []
        self._channel = self._js_channel = None
        self.lock.shared = False

    def begins_first(self) -> bool:
        """See `host.Host`. A global by the channel's name says whether it was MicroPython; a page has one of each."""
        kind = str(IS_MICROPYTHON)
        if not has_own_global(self._name):
            js.Reflect.set(js.globalThis, self._name, kind)
        return self._channel is None or str(js.Reflect.get(js.globalThis, self._name)) == kind

    def _open_channel(self, name: str, listener: "Callable[[Any], object]") -> "Any":
        channel = _new_channel(name)
        if channel is not None:
            self._undo.append(listen(channel, "message", listener, WHERE))
            self._undo.append(channel.close)
        return channel

    # ── ours ─────────────────────────────────────────────────────────────────────────────────────

    def publish(self, message: "dict[str, Any]") -> None:
        # As text: integers of more than 32 bits do not survive MicroPython's bridge.
        if self._channel is not None:
            self._channel.postMessage(json.dumps(message))

    def _heard(self, event: "Any") -> None:
        message = from_text(event.data)
        if message is not None:
            self._emit(events.Heard(message))

    def stored_epoch(self) -> "Optional[int]":
        return stored_number(storage("localStorage"), self._name + EPOCH)

    def store_epoch(self, epoch: int) -> None:
        """Unless a later one is stored: a tab that was frozen hears of mutations long after others have."""
        stored = self.stored_epoch()
        if stored is None or not epoch < stored <= (time.time() + DAY) * 1000:
            self._heard_epoch = epoch
            store(storage("localStorage"), self._name + EPOCH, str(epoch))

    def stored_use(self) -> "Optional[int]":
        return stored_number(storage("localStorage"), self._name + USED)

    def store_use(self, at: int) -> None:
        store(storage("localStorage"), self._name + USED, str(at))

    # ── pages with a JS client ───────────────────────────────────────────────────────────────────

    def notify_js_clients(self, trigger: str) -> None:
        message: "dict[str, Any]" = {"event": "session", "data": {"trigger": trigger}}
        # The time makes each text another: two equal writes raise one event.
        message["timestamp"] = int(time.time())
        message[OURS] = int(time.time() * 1000)
        store(storage("localStorage"), JS_KEY, json.dumps(message))
        channel = self._js_channel or _new_channel(JS_CHANNEL)
        if channel is not None:
            channel.postMessage(to_js(message))
            if self._js_channel is None:
                channel.close()

    def _heard_js_client(self, event: "Any") -> None:
        data = event.data
        if type_of(data) == "Object" and not has(data, OURS):
            if has(data, "data") and has(data.data, "trigger") and data.data.trigger == SIGN_OUT["trigger"]:
                self._emit(events.SignedOutElsewhere())
            self._emit(events.ForeignChange(None))

    def storage_changed(self, event: "Any") -> None:
        """A `storage` event of the page's."""
        if event.key != JS_KEY:
            return
        message = _read(event.newValue)
        if message is not None:
            if OURS not in message:
                if message.get("data") == SIGN_OUT:
                    self._emit(events.SignedOutElsewhere())
                self._emit(events.ForeignChange(str(event.newValue)))
            elif self._channel is None:
                self._heard_without_channel()

    def _heard_without_channel(self) -> None:
        """One of our tabs has told the JS clients; at the end of a mutation it stored the epoch before."""
        epoch = self.stored_epoch()
        self._emit(events.ForeignChange(None) if epoch == self._heard_epoch else events.EpochStored(epoch))
        self._heard_epoch = epoch


class Lock:
    """A Web Lock that one tab holds while it queries. Emits `LockGranted` or `LockBusy`.

    Always granted while it is not `shared`, for then no answer could be either.
    """

    def __init__(self, name: str, emit: "Emit") -> None:
        self.shared = False
        self._name = name
        self._emit = emit
        self._closed = False
        self._requested = False
        self._release: "Any" = None
        self._until_released: "Any" = None
        self._proxies: "list[Any]" = []

    def request(self) -> None:
        locks = js.navigator.locks if has(js.navigator, "locks") else None
        if locks is None or not has(locks, "request") or not self.shared:
            self._emit(events.LockGranted())
            return
        if not self._proxies:
            # Once: what refers to each other through JavaScript is never collected, and a proxy of MicroPython only so.
            functions = (self._answered, self._refused, self._hold)
            self._proxies = [create_proxy(function) for function in functions]
        self._requested = True
        locks.request(self._name, to_js({"ifAvailable": True}), self._proxies[0]).catch(self._proxies[1])

    def _answered(self, lock: "Any") -> "Any":
        try:
            if self._closed:
                return None
            if not has(lock, "name"):  # null: somebody else has it
                self._tell(events.LockBusy())
                return None
            # Kept: MicroPython may collect what a function returns before the browser has taken it.
            self._until_released = js.Promise.new(self._proxies[2])
            self._tell(events.LockGranted())
            return self._until_released
        finally:
            self._was_answered()

    def _refused(self, _error: "Any") -> None:
        self._was_answered()
        if not self._closed:
            self._tell(events.LockGranted())  # no locks to be had here

    def _tell(self, event: "Any") -> None:
        guarded(self._emit, WHERE)(event)

    def _hold(self, resolve: "Any", _reject: "Any") -> None:
        self._release = resolve

    def release(self) -> None:
        if self._release is not None:
            self._release()
            self._release = None

    def close(self) -> None:
        self._closed = True
        self.release()
        if not self._requested:  # else the browser still calls one of them
            self._destroy_proxies()

    def _was_answered(self) -> None:
        self._requested = False
        if self._closed:  # and one of the proxies is running now
            start(self._destroy_proxies_soon(), ignore)

    async def _destroy_proxies_soon(self) -> None:
        self._destroy_proxies()

    def _destroy_proxies(self) -> None:
        for proxy in self._proxies:
            destroy(proxy)
        self._proxies = []
        self._until_released = None


def _read(text: "Any") -> "Optional[dict[str, Any]]":
    message = from_text(text)
    return message if isinstance(message, dict) and message.get("event") == "session" else None


def said_by_js_clients(since: float) -> "list[str]":
    """The newest message of the v3 and v4 clients, or of ours to them, if it may be younger: Unix seconds."""
    found = storage("localStorage")
    text = None if found is None else attempt(method(found, "getItem", JS_KEY))
    message = _read(text) or {}
    ours, theirs = message.get(OURS), message.get("timestamp")  # milliseconds, whole seconds
    at = ours if isinstance(ours, int) else (theirs + 1) * 1000 if isinstance(theirs, int) else 0
    return [str(text)] if at > int(since * 1000) else []


def storage(name: str) -> "Any":
    """`localStorage` or `sessionStorage`; `None` where there is none: blocked cookies, a sandboxed frame, a worker."""
    if not has(js, "document"):
        return None
    found = attempt(js.Reflect.get.bind(None, js.globalThis, name))
    return found if has(found, "getItem") else None


def store(storage: "Any", key: str, text: str) -> None:
    if storage is not None:
        attempt(method(storage, "setItem", key, text))  # it may be full


def stored_number(storage: "Any", key: str) -> "Optional[int]":
    """What is stored there, if it is a number as we write it."""
    text = None if storage is None else attempt(method(storage, "getItem", key))
    return int(text) if is_count(text) else None


def _new_channel(name: str) -> "Any":
    """`None` where there are none, and where cookies are blocked: Firefox makes no channel then."""
    if not has(js, "BroadcastChannel"):
        return None
    channel = attempt(js.Reflect.construct.bind(None, js.BroadcastChannel, js.Array.of(name)))
    return channel if has(channel, "name") else None  # what nextauth-blocked.js puts there has none
