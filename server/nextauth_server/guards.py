"""Guards for the views of FastAPI, Django and Flask: who is let in, and how the others are answered."""

import functools
import inspect
import json
import logging
from collections.abc import Awaitable, Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any, Literal, TypeVar, overload
from urllib.parse import quote

import httpx
from nextauth_client import protocol
from nextauth_client.errors import NextAuthError, explain_error
from nextauth_client.session import Session

from .answers import (
    DEPENDS_ON_COOKIE,
    FOR_NO_CACHE,
    mark_answers_of_django,
    mark_answers_of_flask,
    mark_answers_of_starlette,
    mark_private,
)
from .questions import S, get_session, get_session_sync
from .requests import ASKED_WHERE, SEEN_AT, BadCookie, address_of, checked_address, is_seen, origin_of

if TYPE_CHECKING:
    from starlette.requests import HTTPConnection

logger = logging.getLogger("nextauth_server")

View = TypeVar("View", bound=Callable[..., Any])
AnyClient = httpx.Client | httpx.AsyncClient


@overload
def session_dependency(
    *,
    required: Literal[True] = True,
    session_type: type[S] = ...,
    base_url: str | None = None,
    base_path: str | None = None,
    timeout: float = 10,
    client: httpx.AsyncClient | None = None,
    allowed_origins: Iterable[str] = (),
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
    allowed_origins: Iterable[str] = (),
) -> Callable[..., Awaitable[S | None]]: ...


def session_dependency(
    *,
    required: bool = True,
    session_type: type[S] = Session,  # type: ignore[assignment]
    base_url: str | None = None,
    base_path: str | None = None,
    timeout: float = 10,
    client: httpx.AsyncClient | None = None,
    allowed_origins: Iterable[str] = (),
) -> Callable[..., Awaitable[S | None]]:
    """A FastAPI dependency that gives the session: `Annotated[Session, Depends(session_dependency())]`.

    When nobody is signed in, a request that accepts HTML is sent to the sign-in page as `login_required` does it, and
    others get 401; with `required=False` the view gets `None`. When that is unknown (`BackendUnreachable`,
    `UnexpectedAnswer`) it is 503 either way, and 400 for a cookie that no header may hold. Other options as for
    `login_required`. FastAPI asks once a request for one dependency, so make it once and use it in every view.

    A request that changes something, or opens a WebSocket, from a page of another origin is refused with 403. Every
    answer of a view that uses it, and every error, says that no cache may give it to somebody else.
    """
    from starlette.exceptions import HTTPException, WebSocketException
    from starlette.requests import HTTPConnection

    allowed = _checked_origins(allowed_origins)
    _look_for_address(base_url, base_path)
    mark_answers_of_starlette()

    def refusal(visit: _ASGIVisit, refused: _Refused) -> Exception:
        if visit.is_websocket and "websocket.http.response" not in visit.request.scope.get("extensions", {}):
            return WebSocketException(1008, refused.message)  # the server knows no other answer to a handshake
        return HTTPException(refused.status, refused.message, refused.headers)

    async def session_of(connection: HTTPConnection) -> S | None:
        visit = _ASGIVisit(connection)
        connection.scope.setdefault(DEPENDS_ON_COOKIE, []).append(True)
        try:
            with _admission(visit, allowed):
                session = await get_session(
                    connection,
                    session_type=session_type,
                    base_url=base_url,
                    base_path=base_path,
                    timeout=timeout,
                    client=client,
                )
                if session is None and required:
                    raise _sign_in_first(visit, base_url, base_path)
        except _Refused as refused:
            raise refusal(visit, refused) from refused.__cause__
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
    allowed_origins: Iterable[str] = (),
) -> Callable[[View], View]: ...


def login_required(
    view: Callable[..., Any] | None = None,
    *,
    session_type: type[Session] = Session,
    base_url: str | None = None,
    base_path: str | None = None,
    timeout: float = 10,
    client: AnyClient | None = None,
    allowed_origins: Iterable[str] = (),
) -> Any:
    """Let only signed-in people into a Django or Flask view, sync or async: `@login_required`, or with options.

    The view finds the session as `request.nextauth_session` (Django) or `flask.g.nextauth_session`. Nobody signed in:
    a request that accepts HTML is sent to the backend's sign-in page, from which it comes back to the same path; others
    get 401 and JSON. Unknown (`BackendUnreachable`, `UnexpectedAnswer`): 503. A cookie that no header may hold: 400.
    Every answer, the view's own and its errors too, says that no cache may give it to somebody else.

    A request that changes something (any method but GET, HEAD, OPTIONS and TRACE), or opens a WebSocket, from a page of
    another origin is refused with 403, unless `allowed_origins` names it: `["https://admin.example.org"]`.

    The sign-in page and the way back lie at `NEXTAUTH_URL`, else `AUTH_URL`, else `base_url`, whatever the request's
    Host says. Options as for `get_session`; `client` is an `httpx.AsyncClient` for an async view.
    """
    where: dict[str, Any] = {"base_url": base_url, "base_path": base_path}
    ask = where | {"session_type": session_type, "timeout": timeout, "client": client}
    allowed = _checked_origins(allowed_origins)
    _look_for_address(**where)

    def admit(visit: _DjangoVisit | _FlaskVisit, session: Session | None) -> None:
        if session is None:
            raise _sign_in_first(visit, **where)
        visit.keep(session)

    def guard(view: Callable[..., Any]) -> Callable[..., Any]:
        @functools.wraps(view)
        def guarded(*args: Any, **kwargs: Any) -> Any:
            visit = _visit_of(args)
            try:
                with _admission(visit, allowed):
                    admit(visit, get_session_sync(visit.request, **ask))
            except _Refused as refused:
                return _answer_refused(visit, refused)
            return visit.answered(view(*args, **kwargs))

        @functools.wraps(view)
        async def guarded_async(*args: Any, **kwargs: Any) -> Any:
            visit = _visit_of(args)
            try:
                with _admission(visit, allowed):
                    admit(visit, await get_session(visit.request, **ask))
            except _Refused as refused:
                return _answer_refused(visit, refused)
            return visit.answered(await view(*args, **kwargs))

        is_async = _is_async(view)
        kind = httpx.AsyncClient if is_async else httpx.Client
        if client is not None and not isinstance(client, kind):
            raise TypeError(f"client= is an httpx.{kind.__name__} for this view, not {type(client).__name__}")
        return guarded_async if is_async else guarded

    return guard if view is None else guard(view)


def _is_async(view: Callable[..., Any]) -> bool:
    # Before Python 3.12, asgiref marks Django's async class-based views this way.
    return inspect.iscoroutinefunction(view) or hasattr(view, "_is_coroutine")


def _look_for_address(base_url: str | None, base_path: str | None) -> None:
    """Say when a guard is made what would be an error at the first request; the variables may be set until then."""
    try:
        address_of(base_url, base_path, ASKED_WHERE)
    except RuntimeError as error:
        _warn_once(str(error))


@functools.cache
def _warn_once(text: str) -> None:
    logger.warning("%s", text)


# ── requests to guarded views, and their answers ──────────────────────────────────────────────────


# What a path may hold unescaped.
_PATH = "/!$&'()*+,;=:@"


class _ASGIVisit:
    """A request to a FastAPI view; the answer is an exception."""

    def __init__(self, connection: "HTTPConnection") -> None:
        self.request = connection
        scope = connection.scope
        path, root = scope["path"], scope.get("root_path", "")
        if not path.startswith(root):  # a proxy has taken it off
            path = root + path
        query = scope.get("query_string", b"").decode("latin-1")
        self.path = quote(path, safe=_PATH) + (f"?{query}" if query else "")
        self.is_websocket = scope["type"] == "websocket"
        self.method: str = scope.get("method", "GET")

    def header(self, name: str) -> str:
        return ", ".join(self.request.headers.getlist(name))


class _EnvironVisit:
    """What Django and Flask share: a request whose headers are in a WSGI environ."""

    def __init__(self, environ: Mapping[str, Any]) -> None:
        self.environ = environ
        self.is_websocket = "websocket" in self.header("Upgrade").lower()
        self.method: str = environ.get("REQUEST_METHOD", "GET")

    def header(self, name: str) -> str:
        return str(self.environ.get("HTTP_" + name.upper().replace("-", "_"), ""))


class _DjangoVisit(_EnvironVisit):
    """A request to a Django view, and how to answer it."""

    def __init__(self, request: Any) -> None:
        super().__init__(request.META)
        request.META[DEPENDS_ON_COOKIE] = True
        mark_answers_of_django()
        self.request = request
        self.path: str = request.get_full_path()

    def keep(self, session: Session) -> None:
        self.request.nextauth_session = session

    def answered(self, response: Any) -> Any:
        if hasattr(response, "headers"):  # else Django says what is wrong with it
            mark_private(response.headers)
        return response  # the pages of errors are marked where they are made

    def respond(self, status: int, text: str, headers: dict[str, str]) -> Any:
        from django.http import HttpResponse  # type: ignore[import-untyped]

        return HttpResponse(text, status=status, headers=headers)


class _FlaskVisit(_EnvironVisit):
    """The request that a Flask view is called for, and how to answer it."""

    def __init__(self, flask: Any) -> None:
        self._flask = flask
        self.request: dict[str, Any] = flask.request.environ
        super().__init__(self.request)
        path = self.request.get("SCRIPT_NAME", "") + self.request.get("PATH_INFO", "")
        query = self.request.get("QUERY_STRING", "")
        self.path = quote(path.encode("latin-1"), safe=_PATH) + (f"?{query}" if query else "")
        self.request[DEPENDS_ON_COOKIE] = True
        mark_answers_of_flask()

    def keep(self, session: Session) -> None:
        self._flask.g.nextauth_session = session

    def answered(self, response: Any) -> Any:
        return response  # marked when the request ends, as are the pages of errors

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


class _Refused(Exception):
    """What a guarded view is not called for, and how its visitor is answered."""

    def __init__(self, status: int, code: str, message: str, headers: dict[str, str] | None = None) -> None:
        self.status = status
        self.code = code
        self.message = message
        self.headers = {**FOR_NO_CACHE, **(headers or {})}


@contextmanager
def _admission(visit: _Visit, allowed_origins: frozenset[str]) -> Iterator[None]:
    """Around asking who makes this request: raises `_Refused` where that is no use, or cannot be known."""
    if _is_foreign(visit, allowed_origins):
        raise _Refused(403, "CrossOrigin", FOREIGN)
    try:
        yield
    except BadCookie as error:
        raise _Refused(400, "BadCookie", str(error)) from error
    except NextAuthError as error:
        logger.warning("%s", error.message)
        raise _Refused(503, error.code, explain_error(error.code)) from error


def _sign_in_first(visit: _Visit, base_url: str | None, base_path: str | None) -> _Refused:
    """A browser that opens a page is sent to the sign-in page, and from there back to the same path."""
    if not _wants_html(visit):
        return _Refused(401, "SessionRequired", explain_error("SessionRequired"))
    base = address_of(None if is_seen() else base_url, base_path, SEEN_AT)
    # Joined as text: resolved as a URL, a path that begins with two slashes would name another host. One that begins
    # with none would go on with the host's name.
    callback_url = origin_of(base) + (visit.path if visit.path.startswith("/") else "/" + visit.path)
    return _Refused(302, "SessionRequired", "", {"Location": protocol.sign_in_page(str(base), callback_url)})


def _answer_refused(visit: _DjangoVisit | _FlaskVisit, refused: _Refused) -> Any:
    kind, text = "text/plain; charset=utf-8", refused.message
    if not _wants_html(visit):
        kind, text = protocol.JSON_TYPE, json.dumps({"error": refused.code, "message": text})
    return visit.respond(refused.status, text, {"Content-Type": kind, **refused.headers})


def _wants_html(visit: _Visit) -> bool:
    """Browsers name HTML when they open a page, and not when a script fetches something."""
    return "text/html" in visit.header("Accept").lower()


# ── requests from pages of another origin ─────────────────────────────────────────────────────────


SAFE_METHODS = ("GET", "HEAD", "OPTIONS", "TRACE")
DEFAULT_PORTS = {"http": ":80", "https": ":443"}
FOREIGN = "This came from a page of another site, and was refused. Open this site itself and try again."


def _checked_origins(origins: Iterable[str]) -> frozenset[str]:
    if isinstance(origins, str):
        raise TypeError("allowed_origins is a list of origins, such as ['https://admin.example.org']")
    checked = frozenset(origin.lower() for origin in origins)
    for origin in checked:
        url = checked_address("allowed_origins", origin)
        if origin != origin_of(url):  # a browser names it without path and default port
            raise ValueError(f"allowed_origins holds {origin!r}; an origin is written as https://admin.example.org")
    return checked


def _is_foreign(visit: _Visit, allowed_origins: frozenset[str]) -> bool:
    """Whether a page of another origin wants something changed, or a WebSocket: browsers send the cookie with that."""
    if visit.method.upper() in SAFE_METHODS and not visit.is_websocket:
        return False
    origin = visit.header("Origin").lower()
    if origin in allowed_origins:
        return False
    site = visit.header("Sec-Fetch-Site").lower()
    if site:
        foreign = site not in ("same-origin", "none")  # none: the person alone, by the address bar
    else:
        foreign = origin != "" and not _is_own(origin, visit.header("Host").lower())  # without Origin it is no browser
    if foreign:
        logger.warning(
            "A request from %.200r was refused; if it may come, name it in allowed_origins=.", origin or site
        )
    return foreign


def _is_own(origin: str, host: str) -> bool:
    """Whether pages of an `origin` are the app's own: it is where browsers see the backend, or has the request's Host.

    `null`, which a browser says for a page that hides its name, is nobody's own.
    """
    scheme, _, authority = origin.partition("://")
    if scheme not in DEFAULT_PORTS:
        return False
    port = DEFAULT_PORTS[scheme]
    authority = authority.removesuffix(port)
    # Of the request's scheme nothing is known behind a proxy, and where that names another Host, nothing of its name.
    return authority != "" and (authority == host.removesuffix(port) or f"{scheme}://{authority}" == _origin_seen())


def _origin_seen() -> str:
    """The origin at which browsers find the backend, and so the app, or nothing where no variable says it."""
    return origin_of(address_of(None, None, SEEN_AT)) if is_seen() else ""
