"""The three questions on a Python server, about whoever sent a request. Knows no `Provider`."""

import functools
import logging
import time
from collections.abc import Callable, Coroutine, Generator
from typing import TYPE_CHECKING, Any, TypeVar

import httpx
from nextauth_client import protocol
from nextauth_client.errors import UnexpectedAnswer
from nextauth_client.host import Answer
from nextauth_client.session import AuthProvider, Session, is_session
from nextauth_client.times import parse_iso

from .requests import Request, cookie_of, request_to_send, send, send_sync

logger = logging.getLogger("nextauth_server")

if TYPE_CHECKING:
    from typing_extensions import TypeVar as TypeVarWithDefault  # type checkers know it without an install

    S = TypeVarWithDefault("S", bound=Session, default=Session)
else:
    S = TypeVar("S")

ASKED_AT = "_nextauth_asked_at"  # a session's attribute: when the backend was asked for it, Unix seconds


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
    """Ask the backend who sent `request`: a `Session`, or `None` when it says that nobody is signed in.

    - `request`: a request of Starlette, FastAPI, Django or Flask, an ASGI scope, a WSGI environ, or the value of a
      `Cookie` header as a string. Its cookie is forwarded, and nothing else of it
    - `base_url`, `base_path`: where the backend is. By default the first of `NEXTAUTH_URL_INTERNAL`, `NEXTAUTH_URL`
      and `AUTH_URL` that is set, never the request's `Host`. A path in the URL is the base path, else it is `/api/auth`
    - `timeout`: seconds in which all of the answer has to be there
    - `client`: an `httpx.AsyncClient` of your own, to keep connections open; use it for nothing else
    - `set_cookies`: a list that receives the answer's `Set-Cookie` values. The session lives without them; pass them
      on when the backend's jwt callback rotates a token that the old cookie still holds

    Whatever the backend answers, a request without a cookie is nobody's, and so is a session whose `expires` is past.

    Raises `BackendUnreachable` or `UnexpectedAnswer`, so that an unknown never becomes `None`; `RuntimeError` when
    nothing says where the backend is; `ValueError` for a cookie with a character that no header may hold.

    Source: the reference's getSession.
    """
    cookie = cookie_of(request)
    outgoing = request_to_send(protocol.session_request, request, base_url, base_path)
    asked_at = time.time()
    answer = await send(outgoing, timeout, client, set_cookies)
    return _session(answer, cookie, asked_at, session_type)


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
    """`get_session` without `await`, for WSGI; `client` is an `httpx.Client`, which is used in another thread."""
    cookie = cookie_of(request)
    outgoing = request_to_send(protocol.session_request, request, base_url, base_path)
    asked_at = time.time()
    answer = send_sync(outgoing, timeout, client, set_cookies)
    return _session(answer, cookie, asked_at, session_type)


async def get_csrf_token(
    request: Request,
    *,
    base_url: str | None = None,
    base_path: str | None = None,
    timeout: float = 10,
    client: httpx.AsyncClient | None = None,
    set_cookies: list[str] | None = None,
) -> str:
    """The CSRF token for a form in the answer to `request`. Options and errors as for `get_session`.

    For a browser that has no token yet a new one is made: pass `set_cookies` on, or its first form is refused.

    Source: the reference's getCsrfToken.
    """
    outgoing = request_to_send(protocol.csrf_request, request, base_url, base_path)
    return protocol.understand_csrf(await send(outgoing, timeout, client, set_cookies))


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
    outgoing = request_to_send(protocol.csrf_request, request, base_url, base_path)
    return protocol.understand_csrf(send_sync(outgoing, timeout, client, set_cookies))


async def get_providers(
    *,
    base_url: str | None = None,
    base_path: str | None = None,
    timeout: float = 10,
    client: httpx.AsyncClient | None = None,
) -> dict[str, AuthProvider]:
    """The configured ways to sign in, by id and in the backend's order.

    Needs no request. Options and errors as for `get_session`. Source: the reference's getProviders.
    """
    outgoing = request_to_send(protocol.providers_request, "", base_url, base_path)
    return protocol.understand_providers(await send(outgoing, timeout, client))


def get_providers_sync(
    *,
    base_url: str | None = None,
    base_path: str | None = None,
    timeout: float = 10,
    client: httpx.Client | None = None,
) -> dict[str, AuthProvider]:
    """`get_providers` without `await`, for WSGI; `client` is an `httpx.Client`."""
    outgoing = request_to_send(protocol.providers_request, "", base_url, base_path)
    return protocol.understand_providers(send_sync(outgoing, timeout, client))


# ── what an answer means ──────────────────────────────────────────────────────────────────────────


def _session(answer: Answer, cookie: str, asked_at: float, session_type: type[S]) -> S | None:
    """The session that an answer lets in; a session that it must not let in is nobody's."""
    data = protocol.understand_session(answer)
    if data is None:
        return None
    over = is_over(data)
    if not _has_value(cookie):
        logger.warning("A session came for a request without a cookie, and was refused: does a cache keep answers?")
        return None
    if over:
        logger.warning("A session came that is over, and was refused: does a cache keep answers, or is a clock wrong?")
        return None
    session = session_type(data)
    vars(session)[ASKED_AT] = asked_at  # beside what the backend said: nobody who reads the session sees it
    return session


def is_over(data: dict[str, Any]) -> bool:
    """Whether a session, as plain data, is past its end. `UnexpectedAnswer` where it says neither that nor whose."""
    end = data.get("expires")
    expires = parse_iso(end)
    if end is not None and expires is None:
        raise UnexpectedAnswer(
            "The session has an `expires` that cannot be read, so nobody knows whether it is over. Let the session "
            "callback leave it as it was: 2030-01-01T00:00:00.000Z."
        )
    if not is_session(data) or (expires is None and not data["user"]):
        raise UnexpectedAnswer(
            "The session says neither who it is nor when it ends. Let the session callback leave one of them."
        )
    return expires is not None and expires <= time.time()


def _has_value(cookie: str) -> bool:
    """Whether a cookie names something and says what it is: `a=b`, and neither `a=` nor `=`."""
    pairs = [pair.partition("=") for pair in cookie.split(";")]
    return any(name.strip() and value.strip() for name, _, value in pairs)


# ── forgotten awaits ─────────────────────────────────────────────────────────────────────────────


class _Asked(Coroutine[Any, Any, Any]):
    """A question's coroutine. Its truth, which would be true whoever is signed in, raises `TypeError`."""

    def __init__(self, coroutine: Coroutine[Any, Any, Any], name: str) -> None:
        self._coroutine = coroutine
        self._name = name

    def __bool__(self) -> bool:
        self._coroutine.close()
        raise TypeError(
            f"{self._name}(...) has to be awaited: write `await {self._name}(...)`, "
            f"or `{self._name}_sync(...)` in a view that is not async."
        )

    def __await__(self) -> Generator[Any, Any, Any]:
        return self._coroutine.__await__()

    def send(self, value: Any) -> Any:
        return self._coroutine.send(value)

    def throw(self, *error: Any) -> Any:
        return self._coroutine.throw(*error)

    def close(self) -> None:
        self._coroutine.close()


def _to_be_awaited(question: Callable[..., Coroutine[Any, Any, Any]]) -> Callable[..., Coroutine[Any, Any, Any]]:
    @functools.wraps(question)
    def ask(*args: Any, **options: Any) -> Coroutine[Any, Any, Any]:
        return _Asked(question(*args, **options), question.__name__)

    return ask


if not TYPE_CHECKING:  # type checkers notice by themselves, and keep the signatures
    get_session, get_csrf_token, get_providers = map(_to_be_awaited, (get_session, get_csrf_token, get_providers))
