"""A backend of another host under the page's own origin: `auth_proxy`, for ASGI, WSGI and Django.

What is said both ways is `forwarding`'s.
"""

import json
import logging
import os
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Container, Iterable, Iterator, Mapping
from contextlib import AsyncExitStack, ExitStack, aclosing, asynccontextmanager, closing, contextmanager, suppress
from http import HTTPStatus
from http.cookies import CookieError, Morsel
from typing import Any, TypeAlias, overload
from urllib.parse import quote

import anyio
import httpx
from nextauth_client import protocol
from nextauth_client.errors import explain_error

from .answers import FOR_NO_CACHE, mark_private
from .finding import forget_sessions
from .forwarding import Headers, Incoming, Refused, Route, check_size, length_of
from .requests import LARGEST, SEEN_AT, SecondsLeft, address_of, checked_address, paths_of, tls, within

PRINTABLE = "".join(map(chr, range(0x20, 0x7F)))

logger = logging.getLogger("nextauth_server")

Scope: TypeAlias = Any
Receive: TypeAlias = Callable[[], Awaitable[Any]]
Send: TypeAlias = Callable[[Any], Awaitable[None]]
Environ: TypeAlias = dict[str, Any]
DjangoRequest: TypeAlias = Any


def auth_proxy(
    url: str,
    *,
    origin: str | None = None,
    preserve_host: bool = False,
    timeout: float = 30,
    client: httpx.AsyncClient | httpx.Client | None = None,
) -> "AuthProxy":
    """Mount the backend at `url` under the page's own origin, where its cookies are the page's own.

        app.mount("/api/auth", auth_proxy("https://auth.example.org/api/auth"))                    # FastAPI, Starlette
        DispatcherMiddleware(app.wsgi_app, {"/api/auth": auth_proxy("https://auth.example.org/api/auth")})  # Flask
        path("api/auth/<path:path>", auth_proxy("https://auth.example.org/api/auth"))                       # Django

    - `url`: the backend's address with its base path; without one that is `/api/auth`
    - `origin`: where browsers see the page, such as `https://example.org`. By default that of the first of
      `NEXTAUTH_URL` and `AUTH_URL` that is set, never the request's `Host`
    - `preserve_host`: the backend is sent the page's `Host`, and not its own, as some need it (Auth.js in Express)
    - `timeout`: seconds for a request and all of its answer
    - `client`: an `httpx.AsyncClient` (ASGI) or `httpx.Client` (WSGI, Django) of your own, to keep connections open;
      use it for nothing else

    A backend that cannot be reached, or not understood, is 502, one that is not in time 504, with JSON that says
    nothing of who is signed in. A request and an answer may have 1.2 MB.

    Raises `ValueError` for an address that is none, `RuntimeError` when nothing says where browsers see the page.
    """
    backend = address_of(str(checked_address("url", url)), None, ())
    if origin is None:
        name = next((name for name in SEEN_AT if os.environ.get(name)), None)
        if name is None:
            raise RuntimeError(
                f"Nothing says where browsers see the page: set {' or '.join(SEEN_AT)} to its address, such as "
                "https://example.org, or say origin=. (A request's own Host header is not believed.)"
            )
        seen = checked_address(name, os.environ[name])
    else:
        seen = checked_address("origin", origin)
        if seen.path != "/":
            raise ValueError(f"origin is an address without a path, such as https://example.org; not {origin!r}")
    return AuthProxy(Route(backend, seen, preserve_host), timeout, client)


class AuthProxy:
    """What `auth_proxy` gives: called as an ASGI app, as a WSGI app, or as a view of Django."""

    csrf_exempt = True  # for Django: the backend checks a token of its own
    login_required = False  # for Django's LoginRequiredMiddleware: here people sign in

    def __init__(self, route: Route, timeout: float, client: httpx.AsyncClient | httpx.Client | None) -> None:
        self._route = route
        self._timeout = timeout
        self._client = client

    @overload
    def __call__(self, scope: Scope, receive: Receive, send: Send, /) -> Awaitable[None]: ...

    @overload
    def __call__(self, environ: Environ, start_response: Callable[..., Any], /) -> Iterable[bytes]: ...

    @overload
    def __call__(self, request: DjangoRequest, /, path: str = ..., **captured: Any) -> Any: ...

    def __call__(self, asked: Any, /, *more: Any, path: str | None = None, **captured: Any) -> Any:
        if hasattr(asked, "META"):
            return self._django(asked, more[0] if path is None and more else path)
        if isinstance(asked, dict) and "wsgi.input" in asked:
            return self._wsgi(asked, *more)
        return self._asgi(asked, *more)

    # ── ASGI ──────────────────────────────────────────────────────────────────────────────────────

    async def _asgi(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "websocket":
            await send({"type": "websocket.close", "code": 1008})
            return
        incoming = _incoming_of_scope(scope)
        started = False
        try:
            self._route.check(incoming)
            end = anyio.current_time() + self._timeout
            request = self._route.request(incoming, await _body_of_asgi(incoming, receive, self._timeout))
            with anyio.fail_after(end - anyio.current_time()):
                request.extensions = {"timeout": httpx.Timeout(self._timeout).as_dict()}
                async with AsyncExitStack() as stack:
                    client = await stack.enter_async_context(self._async_client())
                    with _forgetting(incoming):
                        response = await client.send(request, auth=None, follow_redirects=False, stream=True)
                    await stack.enter_async_context(aclosing(response))
                    await send(_asgi_start(response.status_code, self._answered(incoming, response)))
                    started = True
                    size = 0
                    assert isinstance(response.stream, httpx.AsyncByteStream)
                    async for piece in response.stream:  # as it came; aiter_raw cannot read what a test has made
                        size += len(piece)
                        _check_answer(size)
                        await send({"type": "http.response.body", "body": piece, "more_body": True})
                await send({"type": "http.response.body", "body": b""})
        except (httpx.HTTPError, TimeoutError, Refused) as error:
            refused = self._why(error)
            if started:
                raise ConnectionError(f"{refused.message} It was half-way passed on.") from error
            status, headers, body = _told(refused, incoming.method)
            await send(_asgi_start(status, headers))
            await send({"type": "http.response.body", "body": body})

    @asynccontextmanager
    async def _async_client(self) -> AsyncIterator[httpx.AsyncClient]:
        if isinstance(self._client, httpx.Client):
            raise TypeError("auth_proxy(client=…) is an httpx.AsyncClient where the app is one for ASGI.")
        if self._client is not None:
            yield self._client
            return
        async with httpx.AsyncClient(verify=tls(), trust_env=False) as client:
            yield client

    # ── WSGI and Django ───────────────────────────────────────────────────────────────────────────

    def _wsgi(self, environ: Environ, start_response: Callable[..., Any]) -> Iterable[bytes]:
        script_name = _decoded(environ.get("SCRIPT_NAME", ""))
        incoming = _incoming_of_environ(environ, script_name, _decoded(environ.get("PATH_INFO", "")))
        try:
            answer = self._open(incoming, lambda: _body_of_wsgi(environ))
        except (httpx.HTTPError, TimeoutError, Refused) as error:
            status, headers, body = _told(self._why(error), incoming.method)
            start_response(_status_line(status), headers)
            return [body]
        start_response(_status_line(answer.status), answer.headers)
        return answer

    def _django(self, request: DjangoRequest, path: str | None) -> Any:
        from django.http import HttpResponse  # type: ignore[import-untyped]

        whole: str = request.path
        # Behind what the URL pattern has captured, or all of it.
        inner = whole if path is None else "/" + path
        incoming = _incoming_of_environ(request.META, whole.removesuffix(inner), inner)
        try:
            with closing(self._open(incoming, lambda: _body_of_django(request))) as answer:
                status, headers, body = answer.status, answer.headers, b"".join(answer)
        except (httpx.HTTPError, TimeoutError, Refused) as error:
            status, headers, body = _told(self._why(error), incoming.method)
        response = HttpResponse(body, status=status)
        del response.headers["Content-Type"]
        for number, (name, value) in enumerate(headers):
            if name == "set-cookie":
                dict.__setitem__(response.cookies, f"set-cookie-{number}", _AsWritten(value))
            else:
                before = response.headers.get(name)
                response.headers[name] = value if before is None else f"{before}, {value}"
        return response

    def _open(self, incoming: Incoming, body: Callable[[], bytes]) -> "_Answer":
        self._route.check(incoming)
        end = time.monotonic() + self._timeout
        sent = body() if incoming.method == "POST" else b""
        check_size(len(sent))
        request = self._route.request(incoming, sent)
        left = SecondsLeft(end)  # for whatever is read, the body too, until the server has all of it
        request.extensions = {"timeout": {**httpx.Timeout(self._timeout).as_dict(), "read": left, "write": left}}
        if isinstance(self._client, httpx.AsyncClient):
            raise TypeError("auth_proxy(client=…) is an httpx.Client where the app is one for WSGI, or Django's.")
        with ExitStack() as stack:
            client = self._client or stack.enter_context(httpx.Client(verify=tls(), trust_env=False))

            def send() -> httpx.Response:
                response = client.send(request, auth=None, follow_redirects=False, stream=True)
                if time.monotonic() > end:  # nobody waits for it, nor would close it
                    response.close()
                    raise TimeoutError
                return response

            with _forgetting(incoming):
                response = stack.enter_context(closing(within(max(end - time.monotonic(), 0), send)))
            headers = self._answered(incoming, response)
            return _Answer(response, headers, stack.pop_all())

    # ── answers ───────────────────────────────────────────────────────────────────────────────────

    def _answered(self, incoming: Incoming, response: httpx.Response) -> Headers:
        if response.status_code < 200:  # another protocol, which nobody has asked for
            raise Refused(HTTPStatus.BAD_GATEWAY, "UnexpectedAnswer", explain_error("UnexpectedAnswer"))
        if incoming.method != "HEAD":
            _check_answer(length_of(response.headers.get("content-length", "")) or 0)
        answered = [(name.decode("latin-1"), value.decode("latin-1")) for name, value in response.headers.raw]
        headers = httpx.Headers(_raw(self._route.passed_back(incoming, answered)), encoding="latin-1")
        mark_private(headers)
        return headers.multi_items()

    def _why(self, error: Exception) -> Refused:
        """What is answered for it."""
        if isinstance(error, Refused):
            return error
        where = f"{self._route.backend.scheme}://{self._route.backend.netloc.decode()}"
        logger.warning("No answer from %s for auth_proxy: %s", where, str(error) or type(error).__name__)
        if isinstance(error, httpx.LocalProtocolError):
            return Refused(HTTPStatus.BAD_REQUEST, "BadRequest", "The request cannot be passed on.")
        in_time = not isinstance(error, httpx.TimeoutException | TimeoutError)
        status = HTTPStatus.BAD_GATEWAY if in_time else HTTPStatus.GATEWAY_TIMEOUT
        return Refused(status, "BackendUnreachable", explain_error("BackendUnreachable"))


@contextmanager
def _forgetting(incoming: Incoming) -> Iterator[None]:
    """Around what may end or change a session: guards with `cache=` ask again, also where no answer tells of it."""
    try:
        yield
    finally:
        if incoming.method == "POST":
            forget_sessions()


class _Answer:
    """The backend's answer to a WSGI server, which closes it, whether or not it has read it."""

    def __init__(self, response: httpx.Response, headers: Headers, opened: ExitStack) -> None:
        self.status = response.status_code
        self.headers = headers
        self._response = response
        self._opened = opened

    def __iter__(self) -> Iterator[bytes]:
        assert isinstance(self._response.stream, httpx.SyncByteStream)
        size = 0
        with self._opened:
            for piece in self._response.stream:
                size += len(piece)
                _check_answer(size)
                yield piece

    def close(self) -> None:
        self._opened.close()


def _check_answer(size: int) -> None:
    if size > LARGEST:
        logger.warning("An answer for auth_proxy was larger than %s kB, and was refused.", LARGEST // 1000)
        raise Refused(HTTPStatus.BAD_GATEWAY, "UnexpectedAnswer", explain_error("UnexpectedAnswer"))


def _told(refused: Refused, method: str) -> tuple[int, Headers, bytes]:
    """A refusal as JSON, which pages take for an unknown, as they do every answer that is not 200."""
    body = json.dumps({"error": refused.code, "message": refused.message}).encode()
    own = [("content-type", protocol.JSON_TYPE), ("content-length", str(len(body)))]
    private = [(name.lower(), value) for name, value in FOR_NO_CACHE.items()]
    return int(refused.status), [*own, *private, *refused.headers], b"" if method == "HEAD" else body


def _asgi_start(status: int, headers: Headers) -> dict[str, Any]:
    return {"type": "http.response.start", "status": status, "headers": _raw(headers)}


def _raw(headers: Headers) -> list[tuple[bytes, bytes]]:
    return [(name.encode("latin-1"), value.encode("latin-1")) for name, value in headers]


def _status_line(status: int) -> str:
    try:
        return f"{status} {HTTPStatus(status).phrase}"
    except ValueError:
        return f"{status} Unknown"


class _AsWritten(Morsel[str]):
    """A cookie as the backend wrote it: Django's own would leave out whatever attribute is new to it."""

    def __init__(self, text: str) -> None:
        super().__init__()
        name, _, value = text.partition(";")[0].partition("=")
        with suppress(CookieError):
            self.set(name, value, value)  # for middleware and tests that look
        self._text = quote(text, safe=PRINTABLE, encoding="latin-1")

    def OutputString(self, attrs: Container[str] | None = None) -> str:
        return self._text


# ── the request that came in ──────────────────────────────────────────────────────────────────────


def _incoming_of_scope(scope: Scope) -> Incoming:
    prefix, path = paths_of(scope)
    return Incoming(
        method=scope["method"],
        prefix=prefix,
        path=path,
        query=scope.get("query_string", b"").decode("latin-1"),
        headers=[(name.decode("latin-1").lower(), value.decode("latin-1")) for name, value in scope["headers"]],
        address=scope["client"][0] if scope.get("client") else "unknown",
    )


def _incoming_of_environ(environ: Mapping[str, Any], prefix: str, path: str) -> Incoming:
    headers = [
        (name[5:].replace("_", "-").lower(), value)
        for name, value in environ.items()
        if name.startswith("HTTP_") and isinstance(value, str)
    ]
    if environ.get("CONTENT_TYPE"):
        headers.append(("content-type", environ["CONTENT_TYPE"]))
    address = environ.get("REMOTE_ADDR") or "unknown"
    return Incoming(environ["REQUEST_METHOD"], prefix, path, environ.get("QUERY_STRING", ""), headers, address)


def _decoded(part: str) -> str:
    """A part of a path, of which WSGI has the bytes."""
    return part.encode("latin-1").decode("utf-8", "replace")


async def _body_of_asgi(incoming: Incoming, receive: Receive, seconds: float) -> bytes:
    """All of it, so that the backend never waits for a slow client, and is told the one length that it has."""
    body = bytearray()
    more = incoming.method == "POST"
    with anyio.move_on_after(seconds):
        while more:
            message = await receive()
            if message["type"] == "http.disconnect":
                raise Refused(HTTPStatus.BAD_REQUEST, "BadRequest", "The request has no end.")
            body += message.get("body", b"")
            check_size(len(body))
            more = message.get("more_body", False)
    if more:
        raise Refused(HTTPStatus.REQUEST_TIMEOUT, "BadRequest", "The request took too long.")
    return bytes(body)


def _body_of_django(request: DjangoRequest) -> bytes:
    """All of it: of a body that breaks off Django gives what there is."""
    from django.http import UnreadablePostError

    said = request.META.get("CONTENT_LENGTH") or ""
    length = length_of(said)
    check_size(length or 0)
    # By ASGI a body in chunks has come with its end; by WSGI Django reads none of it.
    in_chunks = hasattr(request, "environ") and "HTTP_TRANSFER_ENCODING" in request.META
    if length is None and (said or in_chunks):
        raise Refused(HTTPStatus.LENGTH_REQUIRED, "BadRequest", "The request has no length.")
    body: bytes | None
    try:
        body = request.read(LARGEST + 1)
    except UnreadablePostError:
        body = None
    if body is None or len(body) < (length or 0):
        raise Refused(HTTPStatus.BAD_REQUEST, "BadRequest", "The request has no end.")
    return body


def _body_of_wsgi(environ: Environ) -> bytes:
    said = environ.get("CONTENT_LENGTH") or ""
    length = length_of(said)
    if length is not None:
        check_size(length)
        body: bytes = environ["wsgi.input"].read(length)
        if len(body) < length:
            raise Refused(HTTPStatus.BAD_REQUEST, "BadRequest", "The request has no end.")
        return body
    if environ.get("wsgi.input_terminated"):
        body = environ["wsgi.input"].read(LARGEST + 1)
        return body
    if said or environ.get("HTTP_TRANSFER_ENCODING"):
        raise Refused(HTTPStatus.LENGTH_REQUIRED, "BadRequest", "The request has no length.")
    return b""
