"""What a Python server sends to the backend: a request with the cookie of the one that came in, and nothing else of it.

Reads a request of any common framework without importing that framework.
"""

import functools
import math
import os
import ssl
import time
from collections.abc import Callable, Iterator, Mapping
from concurrent.futures import Future, wait
from contextlib import aclosing, closing, contextmanager
from contextvars import copy_context
from threading import Thread
from typing import Any, TypeVar

import anyio  # httpx needs it too
import httpx
from nextauth_client import protocol
from nextauth_client.errors import BackendUnreachable, NextAuthError, NotAvailableHere, UnexpectedAnswer
from nextauth_client.host import Answer
from nextauth_client.host import Request as Outgoing

T = TypeVar("T")
Request = object  # Starlette, FastAPI, Django, Flask, a WSGI environ, an ASGI scope, or the cookie as a string

# Where the backend is asked, and where a browser finds it: the first one that is set. The names are those of v4 and v5.
ASKED_WHERE = ("NEXTAUTH_URL_INTERNAL", "NEXTAUTH_URL", "AUTH_URL")
SEEN_AT = ("NEXTAUTH_URL", "AUTH_URL")
LARGEST = 1_200_000  # bytes of an answer, as in a page
# A header of questions, by which they are known again. (With `Via`, a backend would take this for a proxy.)
ASKED_AT_HOST = "nextauth-asked-at"

_IN_HEADERS = bytes([ord("\t"), *range(0x20, 0x7F), *range(0x80, 0x100)])  # what a header may hold


# ── the request that came in ──────────────────────────────────────────────────────────────────────


class BadCookie(ValueError):
    """A cookie that cannot be forwarded. Whoever made the request chose it, so guards answer 400."""


class AsksItself(NextAuthError):
    """A question that came back to whoever asked it: to ask again would never end."""

    code = "AsksItself"


def cookie_of(request: Request) -> str:
    cookie = _header_of(request, "cookie", "; ").strip(" \t")  # no part of a header's value
    try:
        is_bad = cookie.encode("latin-1").translate(None, _IN_HEADERS) != b""
    except UnicodeEncodeError:
        is_bad = True
    if is_bad:
        raise BadCookie(
            "The cookie holds a line end or another character that no Cookie header may hold. "
            "Delete this site's cookies and try again."
        )
    return cookie


def _header_of(request: Request, name: str, separator: str) -> str:
    if request is None:
        raise NotAvailableHere("On a server hand over the request whose cookie counts: `await get_session(request)`.")
    if isinstance(request, str):
        return request if name == "cookie" else ""
    key = "HTTP_" + name.upper().replace("-", "_")
    if hasattr(request, "META"):  # Django
        return str(request.META.get(key, ""))
    # Flask has an environ; Starlette and others have a scope.
    source = getattr(request, "environ", getattr(request, "scope", request))
    if isinstance(source, Mapping) and "REQUEST_METHOD" in source:
        return str(source.get(key, ""))
    if isinstance(source, Mapping) and "type" in source and "headers" in source:
        # HTTP/2 may split the cookie into several headers.
        found = [value.decode("latin-1") for known, value in source["headers"] if known.lower() == name.encode()]
        return separator.join(found)
    raise TypeError(
        f"A {type(request).__name__} is no request that is known here. Hand over a request of Starlette, FastAPI, "
        "Django or Flask, an ASGI scope, a WSGI environ, or the value of the Cookie header as a string."
    )


def paths_of(scope: Mapping[str, Any]) -> tuple[str, str]:
    """Where an ASGI app is mounted, and the path that goes on behind it.

    A proxy may have taken off the prefix that the server alone knows of (`uvicorn --root-path` puts it back).
    """
    path: str = scope["path"]
    root: str = scope.get("root_path", "").rstrip("/")
    of_server: str = scope.get("app_root_path", root).rstrip("/")  # Starlette's, for what was there before any mount
    for mounted in (root, root.removeprefix(of_server)):
        if path.startswith(mounted) and path[len(mounted) :][:1] in ("", "/"):
            return root, path[len(mounted) :]
    return root, path


# ── the request that goes out ─────────────────────────────────────────────────────────────────────


def address_of(base_url: str | None, base_path: str | None, variables: tuple[str, ...]) -> httpx.URL:
    """The absolute URL before `/session`, as `get_session` describes it."""
    if base_path is not None and not base_path.startswith("/"):
        raise ValueError("base_path begins with a slash, such as '/api/auth'")
    if base_url is not None:
        url = checked_address("base_url", base_url)
        path = url.path.rstrip("/") + base_path if base_path is not None else url.path
    else:
        name = next((name for name in variables if os.environ.get(name)), None)
        if name is None:
            raise RuntimeError(
                f"Nothing says where the backend is: set {' or '.join(variables)} to its address, such as "
                "https://example.org, or say base_url=. (A request's own Host header is not believed.)"
            )
        url = checked_address(name, os.environ[name])
        path = base_path if base_path is not None else url.path
    return url.copy_with(path=path.rstrip("/") if path != "/" or base_path is not None else protocol.BASE_PATH)


def is_seen() -> bool:
    """Whether a variable says where browsers find the backend."""
    return any(os.environ.get(name) for name in SEEN_AT)


def is_seen_over_https(base_url: str | None = None) -> bool:
    """Whether browsers find the backend by https, as far as a variable, else `base_url`, says it."""
    address = next((os.environ[name] for name in SEEN_AT if os.environ.get(name)), base_url or "")
    return address.lower().startswith("https:")


def origin_of(url: httpx.URL) -> str:
    """Scheme, host and a port that is not the scheme's own, as browsers write them."""
    return f"{url.scheme}://{url.netloc.decode()}"


def checked_address(name: str, value: str) -> httpx.URL:
    try:
        url = httpx.URL(value)
    except httpx.InvalidURL:
        url = httpx.URL("")
    has_more = url.userinfo or "?" in value or "#" in value  # an empty query is one: paths would be added behind it
    if url.scheme not in ("http", "https") or not url.host or has_more:
        raise ValueError(f"{name} is an absolute http(s) address without user, query or fragment: https://example.org")
    return url


def request_to_send(
    request_at: Callable[[str], Outgoing],
    request: Request,
    base_url: str | None,
    base_path: str | None,
) -> httpx.Request:
    """The question about whoever sent `request`. Raises `AsksItself` where that is this very question."""
    cookie = cookie_of(request)
    address = address_of(base_url, base_path, ASKED_WHERE)
    host = address.netloc.decode()
    if _header_of(request, ASKED_AT_HOST, ", ") == host:
        raise AsksItself(
            "The question who is signed in came back to what asked it. Mount the bridge, or auth_proxy, outside of "
            "what the guard guards; or let NEXTAUTH_URL_INTERNAL lead past this app, or say secret=."
        )
    wire = request_at(str(address))
    headers = [(name.encode(), value.encode()) for name, value in wire.headers.items()]
    headers.append((ASKED_AT_HOST.encode(), host.encode()))
    # What a cache keeps may be another person's; what comes compressed has no size before it is unpacked.
    headers += [(b"Cache-Control", b"no-store"), (b"Accept-Encoding", b"identity")]
    if cookie:
        headers.append((b"Cookie", cookie.encode("latin-1")))
    # Not made by a client: it would add its own headers and, for a person without a cookie, those it was sent before.
    return httpx.Request(wire.method, wire.url, headers=headers)


@functools.cache
def tls() -> ssl.SSLContext:
    """Made once: it takes a hundred times as long as all else that a client needs."""
    return httpx.create_ssl_context()


async def send(
    request: httpx.Request, timeout: float, client: httpx.AsyncClient | None, set_cookies: list[str] | None = None
) -> Answer:
    if client is None:
        # trust_env would add the password that a .netrc holds for the host.
        async with httpx.AsyncClient(verify=tls(), trust_env=False) as client:
            return await send(request, timeout, client, set_cookies)
    request.extensions = {"timeout": httpx.Timeout(timeout).as_dict()}
    # httpx's own time-outs begin again with each piece, so that a backend that drips would be waited for without end.
    with _failures(request.url), anyio.fail_after(timeout):
        response, body = await _exchange(request, client)
        slashed = _with_other_slash(request, response)
        if slashed is not None:
            response, body = await _exchange(slashed, client)
    return _answer(response, body, set_cookies)


async def _exchange(request: httpx.Request, client: httpx.AsyncClient) -> tuple[httpx.Response, bytearray]:
    async with aclosing(await client.send(request, auth=None, follow_redirects=False, stream=True)) as response:
        _refuse_compressed(response)
        body = bytearray()
        async for piece in response.aiter_bytes():
            _add(piece, body, request.url)
    return response, body


def _with_other_slash(request: httpx.Request, response: httpx.Response) -> httpx.Request | None:
    """The same to the address that the answer leads to, if that adds a slash at the end of the path, or takes it.

    So does a backend with `trailingSlash: true` in Next.js. No other redirect is followed, for the cookie is the
    backend's alone.
    """
    if not 300 <= response.status_code < 400 or "location" not in response.headers:
        return None
    asked = request.url
    try:
        target = asked.join(response.headers["location"])
    except httpx.InvalidURL:
        return None
    if target == asked or target.copy_with(path=asked.path) != asked or target.path.strip("/") != asked.path.strip("/"):
        return None
    return httpx.Request(request.method, target, headers=request.headers, extensions=request.extensions)


def send_sync(
    request: httpx.Request, timeout: float, client: httpx.Client | None, set_cookies: list[str] | None = None
) -> Answer:
    end = time.monotonic() + timeout
    left = SecondsLeft(end)
    request.extensions = {"timeout": {**httpx.Timeout(timeout).as_dict(), "read": left, "write": left}}
    first = request

    def exchange(client: httpx.Client, request: httpx.Request = request) -> tuple[httpx.Response, bytearray]:
        with closing(client.send(request, auth=None, follow_redirects=False, stream=True)) as response:
            _refuse_compressed(response)
            body = bytearray()
            for piece in response.iter_bytes():
                _add(piece, body, request.url)
                if time.monotonic() > end:
                    raise TimeoutError
        slashed = _with_other_slash(request, response)
        return (response, body) if slashed is None or request is not first else exchange(client, slashed)

    def exchange_alone() -> tuple[httpx.Response, bytearray]:
        with httpx.Client(verify=tls(), trust_env=False) as client:
            return exchange(client)

    with _failures(request.url):
        response, body = within(timeout, exchange_alone if client is None else functools.partial(exchange, client))
    return _answer(response, body, set_cookies)


class SecondsLeft:
    """The time-out of a socket that is asked for it before each piece, and so waits for all of them until `end`.

    Python's sockets want whole seconds of what is no float, gevent's a float.
    """

    def __init__(self, end: float) -> None:
        self.end = end

    def __float__(self) -> float:
        left = self.end - time.monotonic()
        if left <= 0:
            raise TimeoutError
        return left

    def __index__(self) -> int:
        return math.ceil(float(self))


def within(seconds: float, work: Callable[[], T]) -> T:
    """What `work` gives, or `TimeoutError` on time, whatever it is at: a name server, too, may take its time."""
    future: Future[T] = Future()

    def run() -> None:
        try:
            future.set_result(work())
        except BaseException as error:
            future.set_exception(error)

    Thread(target=copy_context().run, args=[run], name="nextauth_server", daemon=True).start()
    if not wait([future], seconds).done:
        raise TimeoutError
    return future.result()


def _refuse_compressed(response: httpx.Response) -> None:
    encoding = response.headers.get("content-encoding", "identity")
    if encoding.lower() != "identity":
        raise UnexpectedAnswer(
            f"The answer from {response.request.url} came compressed ({encoding[:20]!r}), though it was asked for as "
            "it is. Let what stands in front of the backend respect Accept-Encoding: identity."
        )


def _add(piece: bytes, body: bytearray, url: httpx.URL) -> None:
    if len(body) + len(piece) > LARGEST:
        raise UnexpectedAnswer(
            f"The answer from {url} is too large: more than {LARGEST // 1000} kB. Let the backend put less into it."
        )
    body += piece


@contextmanager
def _failures(url: httpx.URL) -> Iterator[None]:
    try:
        yield
    except (httpx.TimeoutException, TimeoutError) as error:
        raise BackendUnreachable(
            f"No answer from {url} in time. Is the backend running, or timeout= too short?"
        ) from error
    except httpx.HTTPError as error:
        reason = str(error) or type(error).__name__
        raise BackendUnreachable(f"No answer from {url} ({reason}). Is the backend running at this address?") from error


def _answer(response: httpx.Response, body: bytearray, set_cookies: list[str] | None) -> Answer:
    if set_cookies is not None:
        set_cookies.extend(response.headers.get_list("set-cookie"))
    text = body.decode("utf-8", "replace")
    return Answer(response.status_code, text, 300 <= response.status_code < 400)
