"""The three questions on a Python server, and guards for its views. CPython only; the one room that imports httpx.

Reads a request of any common framework without importing that framework, and forwards its cookie alone. Knows no page
and no `Provider`.
"""

import functools
import inspect
import json
import logging
import os
import ssl
import time
from collections.abc import Awaitable, Callable, Iterator, Mapping
from contextlib import aclosing, closing, contextmanager
from typing import TYPE_CHECKING, Any, Literal, TypeVar, overload
from urllib.parse import quote

try:
    import anyio  # httpx needs it too
    import httpx
except ImportError as error:
    raise ImportError("nextauth_client.server needs httpx: pip install 'nextauth-client[server]'") from error

from . import protocol
from .errors import BackendUnreachable, NextAuthError, NotAvailableHere, UnexpectedAnswer, explain_error
from .session import AuthProvider, Session

__all__ = [
    "get_csrf_token",
    "get_csrf_token_sync",
    "get_providers",
    "get_providers_sync",
    "get_session",
    "get_session_sync",
    "login_required",
    "session_dependency",
    "session_script",
]

logger = logging.getLogger("nextauth_client")

if TYPE_CHECKING:
    from typing_extensions import TypeVar as TypeVarWithDefault  # type checkers know it without an install

    S = TypeVarWithDefault("S", bound=Session, default=Session)
else:
    S = TypeVar("S")

View = TypeVar("View", bound=Callable[..., Any])
Request = object  # Starlette, FastAPI, Django, Flask, a WSGI environ, an ASGI scope, or the cookie as a string
AnyClient = httpx.Client | httpx.AsyncClient

# Where the backend is asked, and where a browser finds it: the first one that is set. The names are those of v4 and v5.
ASKED_AT = ("NEXTAUTH_URL_INTERNAL", "NEXTAUTH_URL", "AUTH_URL")
SEEN_AT = ("NEXTAUTH_URL", "AUTH_URL")
BASE_PATH = "/api/auth"
LARGEST = 1_200_000  # bytes of an answer, as in a page


# ── questions ────────────────────────────────────────────────────────────────────────────────────


async def get_session(
    request: Request,
    *,
    session_type: type[S] = Session,  # type: ignore[assignment]
    base_url: str | None = None,
    base_path: str | None = None,
    timeout: float = 10,
    client: httpx.AsyncClient | None = None,
    set_cookies: list[str] | None = None,
) -> S | None:
    """Ask the backend who sent `request` (S8): a `Session`, or `None` when it says that nobody is signed in.

    - `request`: a request of Starlette, FastAPI, Django or Flask, an ASGI scope, a WSGI environ, or the value of a
      `Cookie` header as a string. Its cookie is forwarded, and nothing else of it
    - `base_url`, `base_path`: where the backend is. By default the first of `NEXTAUTH_URL_INTERNAL`, `NEXTAUTH_URL`
      and `AUTH_URL` that is set, never the request's `Host`. A path in the URL is the base path, else it is `/api/auth`
    - `timeout`: seconds in which the answer has to be there
    - `client`: an `httpx.AsyncClient` of your own, to keep connections open; use it for nothing else
    - `set_cookies`: a list that receives the answer's `Set-Cookie` values. The session lives without them; pass them
      on when the backend's jwt callback rotates a token that the old cookie still holds

    Raises `BackendUnreachable` or `UnexpectedAnswer`, so that an unknown never becomes `None`; `RuntimeError` when
    nothing says where the backend is; `ValueError` for a cookie with a character that no header may hold.
    """
    outgoing = _request(protocol.session_request, _cookie_of(request), base_url, base_path, timeout)
    return _session(await _send(outgoing, client, set_cookies), session_type)


def get_session_sync(
    request: Request,
    *,
    session_type: type[S] = Session,  # type: ignore[assignment]
    base_url: str | None = None,
    base_path: str | None = None,
    timeout: float = 10,
    client: httpx.Client | None = None,
    set_cookies: list[str] | None = None,
) -> S | None:
    """`get_session` without `await`, for WSGI; `client` is an `httpx.Client`.

    `timeout` is for the connection, for the headers, and for each piece of the body, of which none is waited for once
    that time is over in all.
    """
    outgoing = _request(protocol.session_request, _cookie_of(request), base_url, base_path, timeout)
    return _session(_send_sync(outgoing, client, set_cookies), session_type)


async def get_csrf_token(
    request: Request,
    *,
    base_url: str | None = None,
    base_path: str | None = None,
    timeout: float = 10,
    client: httpx.AsyncClient | None = None,
    set_cookies: list[str] | None = None,
) -> str:
    """The CSRF token for a form in the answer to `request` (S9). Options and errors as for `get_session`.

    For a browser that has no token yet a new one is made: pass `set_cookies` on, or its first form is refused.
    """
    outgoing = _request(protocol.csrf_request, _cookie_of(request), base_url, base_path, timeout)
    return protocol.understand_csrf(await _send(outgoing, client, set_cookies))


def get_csrf_token_sync(
    request: Request,
    *,
    base_url: str | None = None,
    base_path: str | None = None,
    timeout: float = 10,
    client: httpx.Client | None = None,
    set_cookies: list[str] | None = None,
) -> str:
    """`get_csrf_token` without `await`, for WSGI; `client` is an `httpx.Client`."""
    outgoing = _request(protocol.csrf_request, _cookie_of(request), base_url, base_path, timeout)
    return protocol.understand_csrf(_send_sync(outgoing, client, set_cookies))


async def get_providers(
    *,
    base_url: str | None = None,
    base_path: str | None = None,
    timeout: float = 10,
    client: httpx.AsyncClient | None = None,
) -> dict[str, AuthProvider]:
    """The configured ways to sign in, by id and in the backend's order (S10).

    Needs no request. Options and errors as for `get_session`.
    """
    outgoing = _request(protocol.providers_request, "", base_url, base_path, timeout)
    return protocol.understand_providers(await _send(outgoing, client))


def get_providers_sync(
    *,
    base_url: str | None = None,
    base_path: str | None = None,
    timeout: float = 10,
    client: httpx.Client | None = None,
) -> dict[str, AuthProvider]:
    """`get_providers` without `await`, for WSGI; `client` is an `httpx.Client`."""
    outgoing = _request(protocol.providers_request, "", base_url, base_path, timeout)
    return protocol.understand_providers(_send_sync(outgoing, client))


# ── the request that came in ─────────────────────────────────────────────────────────────────────


class _BadCookie(ValueError):
    """A cookie that cannot be forwarded. Whoever made the request chose it, so guards answer 400."""


def _cookie_of(request: Request) -> str:
    cookie = _raw_cookie(request)
    if any(char > "\xff" or char == "\x7f" or (char < " " and char != "\t") for char in cookie):
        raise _BadCookie(
            "The cookie holds a line end or another character that no Cookie header may hold. "
            "Delete this site's cookies and try again."
        )
    return cookie


def _raw_cookie(request: Request) -> str:
    if request is None:
        raise NotAvailableHere("On a server hand over the request whose cookie counts: `await get_session(request)`.")
    if isinstance(request, str):
        return request
    if hasattr(request, "META"):  # Django
        return str(request.META.get("HTTP_COOKIE", ""))
    # Flask has an environ; Starlette and others have a scope.
    source = getattr(request, "environ", getattr(request, "scope", request))
    if isinstance(source, Mapping) and "REQUEST_METHOD" in source:
        return str(source.get("HTTP_COOKIE", ""))
    if isinstance(source, Mapping) and "type" in source and "headers" in source:
        # HTTP/2 may split the cookie into several headers.
        return "; ".join([value.decode("latin-1") for name, value in source["headers"] if name.lower() == b"cookie"])
    raise TypeError(
        f"A {type(request).__name__} is no request that is known here. Hand over a request of Starlette, FastAPI, "
        "Django or Flask, an ASGI scope, a WSGI environ, or the value of the Cookie header as a string."
    )


# ── the request that goes out ────────────────────────────────────────────────────────────────────


def _address(base_url: str | None, base_path: str | None, variables: tuple[str, ...]) -> httpx.URL:
    """The absolute URL before `/session`, as `get_session` describes it."""
    if base_path is not None and not base_path.startswith("/"):
        raise ValueError("base_path begins with a slash, such as '/api/auth'")
    if base_url is not None:
        url = _checked("base_url", base_url)
        path = url.path.rstrip("/") + base_path if base_path is not None else url.path
    else:
        name = next((name for name in variables if os.environ.get(name)), None)
        if name is None:
            raise RuntimeError(
                f"Nothing says where the backend is: set {' or '.join(variables)} to its address, such as "
                "https://example.org, or say base_url=. (A request's own Host header is not believed.)"
            )
        url = _checked(name, os.environ[name])
        path = base_path if base_path is not None else url.path
    return url.copy_with(path=path.rstrip("/") if path != "/" or base_path is not None else BASE_PATH)


def _checked(name: str, value: str) -> httpx.URL:
    try:
        url = httpx.URL(value)
    except httpx.InvalidURL:
        url = httpx.URL("")
    has_more = url.userinfo or "?" in value or "#" in value  # an empty query is one: paths would be added behind it
    if url.scheme not in ("http", "https") or not url.host or has_more:
        raise ValueError(f"{name} is an absolute http(s) address without user, query or fragment: https://example.org")
    return url


def _request(
    question: Callable[[str], protocol.Request],
    cookie: str,
    base_url: str | None,
    base_path: str | None,
    timeout: float,
) -> httpx.Request:
    wire = question(str(_address(base_url, base_path, ASKED_AT)))
    headers = [(name.encode(), value.encode()) for name, value in wire.headers.items()]
    if cookie:
        headers.append((b"Cookie", cookie.encode("latin-1")))
    # Not made by a client: it would add its own headers and, for a person without a cookie, those it was sent before.
    return httpx.Request(
        wire.method, wire.url, headers=headers, extensions={"timeout": httpx.Timeout(timeout).as_dict()}
    )


@functools.cache
def _tls() -> ssl.SSLContext:
    """Made once: it takes a hundred times as long as all else that a client needs."""
    return httpx.create_ssl_context()


async def _send(
    request: httpx.Request, client: httpx.AsyncClient | None, set_cookies: list[str] | None = None
) -> protocol.Answer:
    if client is None:
        # trust_env would add the password that a .netrc holds for the host.
        async with httpx.AsyncClient(verify=_tls(), trust_env=False) as client:
            return await _send(request, client, set_cookies)
    # httpx's own time-outs begin again with each piece, so that a backend that drips would be waited for without end.
    with _failures(request.url), anyio.fail_after(_timeout_of(request)):
        async with aclosing(await client.send(request, auth=None, follow_redirects=False, stream=True)) as response:
            body = bytearray()
            async for piece in response.aiter_bytes():
                _add(piece, body, request.url)
            return _answer(response, body, set_cookies)


def _send_sync(
    request: httpx.Request, client: httpx.Client | None, set_cookies: list[str] | None = None
) -> protocol.Answer:
    if client is None:
        with httpx.Client(verify=_tls(), trust_env=False) as client:
            return _send_sync(request, client, set_cookies)
    end = time.monotonic() + _timeout_of(request)
    with _failures(request.url):  # noqa: SIM117 - MicroPython has to compile this too
        with closing(client.send(request, auth=None, follow_redirects=False, stream=True)) as response:
            body = bytearray()
            for piece in response.iter_bytes():
                _add(piece, body, request.url)
                if time.monotonic() > end:
                    raise TimeoutError
            return _answer(response, body, set_cookies)


def _timeout_of(request: httpx.Request) -> float:
    timeout: float = request.extensions["timeout"]["read"]
    return timeout


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


def _answer(response: httpx.Response, body: bytearray, set_cookies: list[str] | None) -> protocol.Answer:
    if set_cookies is not None:
        set_cookies.extend(response.headers.get_list("set-cookie"))
    text = body.decode("utf-8", "replace")
    return protocol.Answer(response.status_code, text, 300 <= response.status_code < 400)


def _session(answer: protocol.Answer, session_type: type[S]) -> S | None:
    data = protocol.understand_session(answer)
    return None if data is None else session_type(data)


# ── guards ───────────────────────────────────────────────────────────────────────────────────────


@overload
def session_dependency(
    *,
    required: Literal[True] = True,
    session_type: type[S] = ...,
    base_url: str | None = None,
    base_path: str | None = None,
    timeout: float = 10,
    client: httpx.AsyncClient | None = None,
) -> Callable[..., Awaitable[S]]: ...


@overload
def session_dependency(
    *,
    required: Literal[False],
    session_type: type[S] = ...,
    base_url: str | None = None,
    base_path: str | None = None,
    timeout: float = 10,
    client: httpx.AsyncClient | None = None,
) -> Callable[..., Awaitable[S | None]]: ...


def session_dependency(
    *,
    required: bool = True,
    session_type: type[S] = Session,  # type: ignore[assignment]
    base_url: str | None = None,
    base_path: str | None = None,
    timeout: float = 10,
    client: httpx.AsyncClient | None = None,
) -> Callable[..., Awaitable[S | None]]:
    """A FastAPI dependency that gives the session: `Annotated[Session, Depends(session_dependency())]`.

    When nobody is signed in, a request that accepts HTML is sent to the sign-in page as `login_required` does it, and
    others get 401; with `required=False` the view gets `None`. When that is unknown (`BackendUnreachable`,
    `UnexpectedAnswer`) it is 503 either way, and 400 for a cookie that no header may hold. Other options as for
    `get_session`. FastAPI asks once a request for one dependency, so make it once and use it in every view.
    """
    from starlette.exceptions import HTTPException
    from starlette.requests import HTTPConnection

    async def session_of(connection: HTTPConnection) -> S | None:
        try:
            session = await get_session(
                connection,
                session_type=session_type,
                base_url=base_url,
                base_path=base_path,
                timeout=timeout,
                client=client,
            )
        except _BadCookie as error:
            raise HTTPException(400, str(error)) from error
        except NextAuthError as error:
            logger.warning("%s", error.message)
            raise HTTPException(503, explain_error(error.code)) from error
        if session is None and required:
            visit = _ASGIVisit(connection.scope, connection.headers.get("accept", ""))
            if _wants_html(visit):
                raise HTTPException(302, headers=_to_sign_in(visit, base_url, base_path))
            raise HTTPException(401, explain_error("SessionRequired"))
        return session

    return session_of


@overload
def login_required(view: View) -> View: ...


@overload
def login_required(
    *,
    session_type: type[Session] = Session,
    base_url: str | None = None,
    base_path: str | None = None,
    timeout: float = 10,
    client: AnyClient | None = None,
) -> Callable[[View], View]: ...


def login_required(
    view: Callable[..., Any] | None = None,
    *,
    session_type: type[Session] = Session,
    base_url: str | None = None,
    base_path: str | None = None,
    timeout: float = 10,
    client: AnyClient | None = None,
) -> Any:
    """Let only signed-in people into a Django or Flask view, sync or async: `@login_required`, or with options.

    The view finds the session as `request.nextauth_session` (Django) or `flask.g.nextauth_session`. Nobody signed in:
    a request that accepts HTML is sent to the backend's sign-in page, from which it comes back to the same path; others
    get 401 and JSON. Unknown (`BackendUnreachable`, `UnexpectedAnswer`): 503. A cookie that no header may hold: 400.

    The sign-in page and the way back lie at `NEXTAUTH_URL`, else `AUTH_URL`, else `base_url`, whatever the request's
    Host says. Options as for `get_session`; `client` is an `httpx.AsyncClient` for an async view.
    """
    where: dict[str, Any] = {"base_url": base_url, "base_path": base_path}
    ask = where | {"session_type": session_type, "timeout": timeout, "client": client}

    def guard(view: Callable[..., Any]) -> Callable[..., Any]:
        @functools.wraps(view)
        def guarded(*args: Any, **kwargs: Any) -> Any:
            visit = _visit_of(args)
            try:
                session = get_session_sync(visit.request, **ask)
            except (NextAuthError, _BadCookie) as error:
                return _unknown(visit, error)
            if session is None:
                return _sign_in_first(visit, **where)
            visit.keep(session)
            return view(*args, **kwargs)

        @functools.wraps(view)
        async def guarded_async(*args: Any, **kwargs: Any) -> Any:
            visit = _visit_of(args)
            try:
                session = await get_session(visit.request, **ask)
            except (NextAuthError, _BadCookie) as error:
                return _unknown(visit, error)
            if session is None:
                return _sign_in_first(visit, **where)
            visit.keep(session)
            return await view(*args, **kwargs)

        is_async = _is_async(view)
        kind = httpx.AsyncClient if is_async else httpx.Client
        if client is not None and not isinstance(client, kind):
            raise TypeError(f"client= is an httpx.{kind.__name__} for this view, not {type(client).__name__}")
        return guarded_async if is_async else guarded

    return guard if view is None else guard(view)


def _is_async(view: Callable[..., Any]) -> bool:
    # Before Python 3.12, asgiref marks Django's async class-based views this way.
    return inspect.iscoroutinefunction(view) or hasattr(view, "_is_coroutine")


# What a path may hold unescaped.
_PATH = "/!$&'()*+,;=:@"


class _ASGIVisit:
    """A request to a FastAPI view; the answer is an exception."""

    def __init__(self, scope: Mapping[str, Any], accept: str) -> None:
        path, root = scope["path"], scope.get("root_path", "")
        if not path.startswith(root):  # a proxy has taken it off
            path = root + path
        query = scope.get("query_string", b"").decode("latin-1")
        self.path = quote(path, safe=_PATH) + (f"?{query}" if query else "")
        self.accept = accept


class _DjangoVisit:
    """A request to a Django view, and how to answer it."""

    def __init__(self, request: Any) -> None:
        self.request = request
        self.path: str = request.get_full_path()
        self.accept: str = request.META.get("HTTP_ACCEPT", "")

    def keep(self, session: Session) -> None:
        self.request.nextauth_session = session

    def respond(self, status: int, text: str, headers: dict[str, str]) -> Any:
        from django.http import HttpResponse  # type: ignore[import-untyped]

        return HttpResponse(text, status=status, headers=headers)


class _FlaskVisit:
    """The request that a Flask view is called for, and how to answer it."""

    def __init__(self, flask: Any) -> None:
        self._flask = flask
        self.request: dict[str, Any] = flask.request.environ
        path = self.request.get("SCRIPT_NAME", "") + self.request.get("PATH_INFO", "")
        query = self.request.get("QUERY_STRING", "")
        self.path = quote(path.encode("latin-1"), safe=_PATH) + (f"?{query}" if query else "")
        self.accept: str = self.request.get("HTTP_ACCEPT", "")

    def keep(self, session: Session) -> None:
        self._flask.g.nextauth_session = session

    def respond(self, status: int, text: str, headers: dict[str, str]) -> Any:
        return self._flask.Response(text, status=status, headers=headers)


_Visit = _ASGIVisit | _DjangoVisit | _FlaskVisit


def _visit_of(args: tuple[Any, ...]) -> _DjangoVisit | _FlaskVisit:
    if args and hasattr(args[0], "META"):
        return _DjangoVisit(args[0])
    try:
        import flask
    except ImportError:
        flask = None  # type: ignore[assignment]
    if flask is None or not flask.has_request_context():
        raise TypeError(
            "login_required guards views of Django and Flask. "
            "In FastAPI use session_dependency(), elsewhere get_session(request)."
        )
    return _FlaskVisit(flask)


def _sign_in_first(visit: _DjangoVisit | _FlaskVisit, base_url: str | None, base_path: str | None) -> Any:
    if not _wants_html(visit):
        return _refusal(visit, 401, "SessionRequired", explain_error("SessionRequired"))
    return visit.respond(302, "", _to_sign_in(visit, base_url, base_path))


def _to_sign_in(visit: _Visit, base_url: str | None, base_path: str | None) -> dict[str, str]:
    """The headers that send a browser to the sign-in page, and from there back to the same path."""
    public = any(os.environ.get(name) for name in SEEN_AT)
    base = _address(None if public else base_url, base_path, SEEN_AT)
    # Joined as text: resolved as a URL, a path that begins with two slashes would name another host.
    callback_url = f"{base.scheme}://{base.netloc.decode()}{visit.path}"
    return {"Location": protocol.sign_in_page(str(base), callback_url), "Cache-Control": "no-store"}


def _unknown(visit: _DjangoVisit | _FlaskVisit, error: NextAuthError | _BadCookie) -> Any:
    if isinstance(error, _BadCookie):
        return _refusal(visit, 400, "BadCookie", str(error))
    logger.warning("%s", error.message)
    return _refusal(visit, 503, error.code, explain_error(error.code))


def _refusal(visit: _DjangoVisit | _FlaskVisit, status: int, code: str, message: str) -> Any:
    headers = {"Cache-Control": "no-store"}
    if _wants_html(visit):
        headers["Content-Type"] = "text/plain; charset=utf-8"
        return visit.respond(status, message, headers)
    headers["Content-Type"] = protocol.JSON_TYPE
    return visit.respond(status, json.dumps({"error": code, "message": message}), headers)


def _wants_html(visit: _Visit) -> bool:
    """Browsers name HTML when they open a page, and not when a script fetches something."""
    return "text/html" in visit.accept.lower()


# ── the session in the page ──────────────────────────────────────────────────────────────────────


class _HTML(str):
    """Text that templates of Jinja and Django do not escape again."""

    __slots__ = ()

    def __html__(self) -> str:
        return self


# Escaped in JSON, none of these can end the script element, begin a comment, or be read as an entity.
_ESCAPES = {"<": "\\u003c", ">": "\\u003e", "&": "\\u0026"}


def session_script(session: Session | None) -> str:
    """The element that gives the page's `Provider` its session with no request: put it into the page's `<head>`.

    `None` says that nobody is signed in. Templates of Jinja and Django do not escape the result again.
    """
    if session is not None and not isinstance(session, Session):
        raise TypeError("session_script takes what get_session gave: a Session, or None for nobody")
    # Not ASCII is escaped too, U+2028 and U+2029 among it.
    text = json.dumps(None if session is None else session.to_dict(), separators=(",", ":"))
    for char, escape in _ESCAPES.items():
        text = text.replace(char, escape)
    return _HTML(f'<script type="application/json" id="nextauth-session">{text}</script>')
