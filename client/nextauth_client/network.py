"""The network of a page or worker: requests by the browser's `fetch`, and the query that was sent before Python ran.

Bodies stay in JavaScript until somebody wants them. Knows nothing of what a request means.
"""

import js

from .bridge import from_bytes, from_text, has, method, milliseconds, outcome, to_bytes, to_js
from .errors import BackendUnreachable, UnexpectedAnswer
from .host import Answer, Response
from .tabs import said_by_js_clients
from .times import is_count, parse_http_date

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any, Optional

    from .host import Request

LARGEST = 1_200_000  # bytes of an answer; MicroPython's whole heap has 8 MB


def origin() -> str:
    """See `host.Host.origin`; requests come from there."""
    # Not the location's, which is `blob:` or `about:srcdoc` for workers and pages that yet belong to an origin.
    return str(js.globalThis.origin)


async def fetch(request: "Request", timeout: float) -> Answer:
    """See `host.Host.fetch`."""
    response, body = await _receive(request, timeout)
    if body is None:
        raise UnexpectedAnswer(
            f"The answer from {request.address} is too large for a page: more than {LARGEST // 1000} kB. "
            "Let the backend put less into it."
        )
    return _answer(response, body.text(), request.url)


async def call(request: "Request", timeout: float) -> Response:
    """See `host.Host.call`."""
    response, body = await _receive(request, timeout)
    headers = from_text(js.JSON.stringify(js.Object.fromEntries(response.headers)))
    return Response(int(response.status), request.url, headers, body)


class EarlyQuery:
    """See `host.EarlyQuery`; `nextauth-early.js` sent it to `url`, and keeps it as the JS object `early`."""

    def __init__(self, early: "Any", url: str) -> None:
        self._early = early
        self._url = url
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
        early = self._early
        return _answer(early.answer, early.text, self._url) if has(early, "answer") else None

    @property
    def came_at(self) -> float:
        return int(str(self._early.came)) / 1000

    def abort(self) -> None:
        self._early.abort()

    async def wait(self) -> Answer:
        await outcome(js.Reflect.get.bind(None, self._early, "done"))
        if self.answer is None:
            raise _unreachable(self._url)
        return self.answer


class _Body:
    """A `Uint8Array`, as JavaScript keeps it. See `host.Body`."""

    def __init__(self, array: "Any") -> None:
        self._array = array

    def text(self) -> str:
        return str(js.TextDecoder.new().decode(self._array))

    def bytes(self) -> "bytes":
        return from_bytes(self._array)


async def _receive(request: "Request", timeout: float) -> "tuple[Any, Optional[_Body]]":
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
    timer = js.setTimeout(method(controller, "abort"), milliseconds(timeout))
    body = None
    try:
        response = await outcome(method(js.globalThis, "fetch", request.url, options))
        body = await _body_of(response)
    except Exception:
        if controller.signal.aborted:
            raise BackendUnreachable(
                f"The backend did not answer within {round(timeout, 1):g} seconds. "
                f"Try again; see whether {request.address} answers."
            )
        raise _unreachable(request.address)
    finally:
        js.clearTimeout(timer)
        if body is None:  # cancelled, or more comes than a page can hold
            controller.abort()
    return response, body


async def _body_of(response: "Any") -> "Optional[_Body]":
    """The whole body; `None` as soon as it is too large. MicroPython never comes back from an `await` of a text that
    is too large for its heap.
    """
    length = response.headers.get("content-length")
    # An `await` can take MicroPython a timer's 4 ms, and one is enough where the browser sees to it that no more comes.
    if str(response.type) == "basic" and is_count(length) and not response.headers.has("content-encoding"):
        if int(length) > LARGEST:
            return None
        return _Body(js.Uint8Array.new(await outcome(method(response, "arrayBuffer"))))
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
    return _Body(whole)


def _answer(response: "Any", text: "Any", asked: str) -> Answer:
    # The early script follows a redirect that only adds, or takes, a slash.
    elsewhere = bool(response.redirected) and str(response.url).rstrip("/") != asked.rstrip("/")
    return Answer(
        int(response.status),
        str(text),
        elsewhere or str(response.type) == "opaqueredirect",
        parse_http_date(response.headers.get("date")),
    )


def _unreachable(url: str) -> BackendUnreachable:
    if url.startswith(origin() + "/"):
        return BackendUnreachable(
            f"The backend could not be reached at {url}. Check that it runs and that you are online."
        )
    return BackendUnreachable(
        f"The backend at {url} could not be reached from {origin()}. It may be down, or refuse another origin (CORS): "
        "serve page and backend from one origin, by a reverse proxy."
    )
