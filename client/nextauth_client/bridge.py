"""JavaScript from Python, on Pyodide and on MicroPython: proxies, listeners, and calls that may throw.

Uses the interpreter's own ffi, so that a page without PyScript works too. On MicroPython nobody can catch what a
JavaScript function throws at once, so whatever may throw (storage that is blocked, an address that is none) is called
by `attempt` or `outcome`. Knows nothing of sessions.
"""

import json
import sys

import js

from .console import report
from .jsontext import parse_json

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any, Callable

IS_MICROPYTHON = sys.implementation.name == "micropython"
if IS_MICROPYTHON:
    from jsffi import create_proxy
else:
    from pyodide.ffi import create_proxy

__all__ = ["create_proxy"]


def has(thing: "Any", name: str) -> bool:
    """Whether the JS value has such a member; `null` and `undefined` have none."""
    return hasattr(thing, name)


def has_own_global(name: str) -> bool:
    """Whether a browser or a script has set this global variable; an element's name is not the window's own."""
    return bool(js.Object.hasOwn(js.globalThis, name))


def is_page() -> bool:
    """A worker has no DOM; where it may share memory, PyScript gives it a `document` that stands for the page's."""
    return has(js, "document") and not has_own_global("WorkerGlobalScope")


def type_of(thing: "Any") -> str:
    """`"Object"`, `"HTMLAnchorElement"` …: a name in the page may be that of an element somebody wrote into it."""
    return str(js.Object.prototype.toString.call(thing))[8:-1]


def document_get(name: str) -> "Any":
    """An attribute of the document's own, whatever elements in it are called: one named `body` would hide it."""
    return js.Reflect.get(js.Document.prototype, name, js.document)


def document_call(name: str, *args: "Any") -> "Any":
    """A method of the document's own; see `document_get`."""
    return getattr(js.Document.prototype, name).call(js.document, *args)


def to_js(data: "Any") -> "Any":
    """Plain data as a JS value."""
    return js.JSON.parse(json.dumps(data))


def to_bytes(data: bytes) -> "Any":
    """Bytes as a `Uint8Array`."""
    if IS_MICROPYTHON:
        return js.Uint8Array.new(to_js(list(data)))
    array = js.Uint8Array.new(len(data))
    array.assign(data)
    return array


def from_bytes(array: "Any") -> bytes:
    """The other way round."""
    return bytes(array) if IS_MICROPYTHON else bytes(array.to_bytes())


def from_text(text: "Any") -> "Any":
    """The value of a JSON text that JavaScript gave, or `None`."""
    if not isinstance(text, str):
        return None
    try:
        return parse_json(text)
    except ValueError:
        return None


def milliseconds(seconds: float) -> int:
    """As timers take them."""
    return max(0, min(int(seconds * 1000 + 0.999), 2**31 - 1))


def method(thing: "Any", name: str, *args: "Any") -> "Any":
    """A JS function that calls the method with these arguments.

    Read by `Reflect`: what MicroPython reads as an attribute has that very `thing` for its `this` from then on, for
    whoever else holds the same function, and the page's own `fetch` failed once ours had been collected.
    """
    return js.Reflect.get(thing, name).bind(thing, *args)


def attempt(function: "Any") -> "Any":
    """What the JS function returns, called at once and without arguments; `None` where it throws."""
    target = _called(function)
    return target.result if has(target, "result") else None


async def outcome(function: "Any") -> "Any":
    """What the promise gives that the JS function returns. Raises `RuntimeError` when it throws or is rejected.

    Pyodide makes a future of its own of each promise that Python gets, and never goes on from `await` when the
    rejection has no `stack`, as that of WebKit's `fetch`. So Python gets only one that is never rejected.
    """
    settled = await js.Promise.allSettled(js.Object.values(_called(function)))
    if not settled.length:
        raise RuntimeError("JavaScript threw an error.")
    if str(settled.at(0).status) == "rejected":
        raise RuntimeError(str(js.String(settled.at(0).reason)))
    return settled.at(0).value


def _called(function: "Any") -> "Any":
    """An object whose `result` is what the JS function returns; it has none where that throws.

    `Object.assign` calls it as a getter. On MicroPython `Promise` calls that, so that what it throws rejects a promise;
    Pyodide would keep the promise, which nothing else ever settles, for good.
    """
    accessor = to_js({"enumerable": True})
    accessor.get = function
    source, target = js.Object.new(), js.Object.new()
    js.Object.defineProperty(source, "result", accessor)
    if IS_MICROPYTHON:
        js.Promise.new(js.Object.assign.bind(None, target, source)).catch(js.Boolean)
    else:
        try:
            js.Object.assign(target, source)
        except Exception:  # JavaScript's
            pass
    return target


def destroy(proxy: "Any") -> None:
    """MicroPython's proxies are collected."""
    if has(proxy, "destroy"):
        proxy.destroy()


def guarded(function: "Callable[..., object]", where: str) -> "Callable[..., None]":
    """The function, reporting what it raises: nothing may raise out of a listener."""

    def call(*args: "Any") -> None:
        try:
            function(*args)
        except Exception as error:
            report(error, where)

    return call


def listen(
    target: "Any", name: str, listener: "Callable[[Any], object]", where: str, how: "Any" = False
) -> "Callable[[], None]":
    """Have `listener(event)` called; what is returned ends that, and is called once. `how`: `addEventListener`'s."""
    call = guarded(listener, where)
    proxy = create_proxy(lambda event: call(event))
    prototype = js.EventTarget.prototype  # a form may have a field of the method's name
    prototype.addEventListener.call(target, name, proxy, how)

    def undo() -> None:
        prototype.removeEventListener.call(target, name, proxy, how)
        destroy(proxy)

    return undo
