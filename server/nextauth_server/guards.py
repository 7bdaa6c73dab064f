"""Guards for the views of FastAPI, Django and Flask: who is let in, and how the others are answered."""

import functools
import inspect
import json
import logging
import sys
from collections.abc import Awaitable, Callable, Iterable
from typing import TYPE_CHECKING, Any, Generic, Literal, TypeVar, overload

import httpx
from nextauth_client import protocol
from nextauth_client.errors import NextAuthError, explain_error
from nextauth_client.session import Session

from .answers import DEPENDS_ON_COOKIE, FOR_NO_CACHE, mark_answers_of_django, mark_answers_of_starlette
from .finding import AnyClient, Finder, Options, say_if_unknown
from .origins import FOREIGN, checked_origins, is_foreign
from .questions import S
from .requests import SEEN_AT, AsksItself, BadCookie, address_of, is_seen, origin_of
from .visits import ASGIVisit, DjangoVisit, FlaskVisit, Visit, visit_of, wants_html

if TYPE_CHECKING:
    from typing_extensions import Unpack

logger = logging.getLogger("nextauth_server")

View = TypeVar("View", bound=Callable[..., Any])

NOT_FOR_YOU = "You are signed in, but may not see this page."


@overload
def session_dependency(
    *,
    required: Literal[True] = True,
    session_type: type[S] = ...,
    client: httpx.AsyncClient | None = None,
    allowed_origins: Iterable[str] = (),
    **options: "Unpack[Options]",
) -> Callable[..., Awaitable[S]]: ...


@overload
def session_dependency(
    *,
    required: Literal[False],
    session_type: type[S] = ...,
    client: httpx.AsyncClient | None = None,
    allowed_origins: Iterable[str] = (),
    **options: "Unpack[Options]",
) -> Callable[..., Awaitable[S | None]]: ...


def session_dependency(
    *,
    required: bool = True,
    session_type: type[S] = Session,  # type: ignore[assignment]
    client: httpx.AsyncClient | None = None,
    allowed_origins: Iterable[str] = (),
    **options: "Unpack[Options]",
) -> Callable[..., Awaitable[S | None]]:
    """A FastAPI dependency that gives the session: `Annotated[Session, Depends(session_dependency())]`.

    When nobody is signed in, a request that accepts HTML is sent to the sign-in page as `login_required` does it, and
    others get 401, and 403 if `when` does not hold; with `required=False` the view gets `None` for both. When that is
    unknown (`BackendUnreachable`, `UnexpectedAnswer`) it is 503 either way, and 400 for a cookie that no header may
    hold. Other options as for `login_required`. FastAPI asks once a request for one dependency, so make it once and use
    it in every view.

    A request that changes something, or opens a WebSocket, from a page of another origin is refused with 403. Every
    answer of a view that uses it, and every error, says that no cache may give it to somebody else.
    """
    from starlette.exceptions import HTTPException, WebSocketException
    from starlette.requests import HTTPConnection

    guard = Guard(session_type, client, allowed_origins, **options)
    mark_answers_of_starlette()

    def refusal(visit: ASGIVisit, refused: Refused) -> Exception:
        if visit.is_websocket and "websocket.http.response" not in visit.request.scope.get("extensions", {}):
            return WebSocketException(1008, refused.message)  # the server knows no other answer to a handshake
        return HTTPException(refused.status, refused.message, refused.headers)

    async def session_of(connection: HTTPConnection) -> S | None:
        visit = ASGIVisit(connection)
        connection.scope.setdefault(DEPENDS_ON_COOKIE, []).append(True)
        try:
            guard.refuse_foreign(visit)
            session = await guard.finder.find(connection)
            return guard.checked(visit, session) if required else guard.allowed(session)
        except REFUSING as error:
            raise refusal(visit, refusal_of(error)) from error

    return session_of


@overload
def login_required(view: View) -> View: ...


@overload
def login_required(
    *,
    session_type: type[Session] = Session,
    client: AnyClient | None = None,
    allowed_origins: Iterable[str] = (),
    **options: "Unpack[Options]",
) -> Callable[[View], View]: ...


def login_required(
    view: Callable[..., Any] | None = None,
    *,
    session_type: type[Session] = Session,
    client: AnyClient | None = None,
    allowed_origins: Iterable[str] = (),
    **options: "Unpack[Options]",
) -> Any:
    """Let only signed-in people into a Django or Flask view, sync or async: `@login_required`, or with options.

    The view finds the session as `request.nextauth_session` (Django) or `flask.g.nextauth_session`. Nobody signed in:
    a request that accepts HTML is sent to the backend's sign-in page, from which it comes back to the same path; others
    get 401 and JSON. Unknown (`BackendUnreachable`, `UnexpectedAnswer`): 503. A cookie that no header may hold: 400.
    Every answer, the view's own and its errors too, says that no cache may give it to somebody else.

    A request that changes something (any method but GET, HEAD, OPTIONS and TRACE), or opens a WebSocket, from a page of
    another origin is refused with 403, unless `allowed_origins` names it: `["https://admin.example.org"]`.

    - `when`: what has to hold of the session, else the answer is 403: words such as "user.role=admin", as in a page's
      `data-auth-show`, a plain function of the session, or a list of which all have to hold
    - `secret`, `cookie_name`, `session_callback`: read the cookie as `read_session` does, and ask nobody; the session
      is a `TokenSession` then, unless `session_type` is another; conditions may say "claims.role=admin" too, which is a
      `ValueError` where the backend is asked
    - `cache`: seconds for which a session is good that the backend has given for the same cookies. So long somebody who
      is signed out elsewhere is let in; `forget_sessions()` ends it for this process
    - others as for `get_session`; `client` is an `httpx.AsyncClient` for an async view

    The sign-in page and the way back lie at `NEXTAUTH_URL`, else `AUTH_URL`, else `base_url`, whatever the request's
    Host says.
    """
    guard = Guard(session_type, client, allowed_origins, **options)
    if "django" in sys.modules:  # before the first request, which would not be marked as a whole
        mark_answers_of_django()

    def guarding(view: Callable[..., Any]) -> Callable[..., Any]:
        @functools.wraps(view)
        def guarded(*args: Any, **kwargs: Any) -> Any:
            visit = visit_of(args)
            refused = guard.admit(visit)
            return visit.answered(view(*args, **kwargs)) if refused is None else refused

        @functools.wraps(view)
        async def guarded_async(*args: Any, **kwargs: Any) -> Any:
            visit = visit_of(args)
            refused = await guard.admit_async(visit)
            return visit.answered(await view(*args, **kwargs)) if refused is None else refused

        is_async = _is_async(view)
        kind = httpx.AsyncClient if is_async else httpx.Client
        if client is not None and not isinstance(client, kind):
            raise TypeError(f"client= is an httpx.{kind.__name__} for this view, not {type(client).__name__}")
        return guarded_async if is_async else guarded

    return guarding if view is None else guarding(view)


def _is_async(view: Callable[..., Any]) -> bool:
    # Before Python 3.12, asgiref marks Django's async class-based views this way.
    return inspect.iscoroutinefunction(view) or hasattr(view, "_is_coroutine")


class Refused(Exception):
    """What a guarded view is not called for, and how its visitor is answered."""

    def __init__(self, status: int, code: str, message: str, headers: dict[str, str] | None = None) -> None:
        self.status = status
        self.code = code
        self.message = message
        self.headers = {**FOR_NO_CACHE, **(headers or {})}


class Guard(Generic[S]):
    """Who is let in, for the guards of all frameworks. Options as for `login_required`."""

    def __init__(
        self,
        session_type: type[S],
        client: AnyClient | None,
        allowed_origins: Iterable[str],
        **options: "Unpack[Options]",
    ) -> None:
        self.finder = Finder(session_type, client, **options)
        self._origins = checked_origins(allowed_origins)
        self._base_url, self._base_path = options.get("base_url"), options.get("base_path")
        say_if_unknown(self._base_url, self._base_path)

    def refuse_foreign(self, visit: Visit) -> None:
        """Raises `Refused` where a page of another origin wants something changed: before anybody is asked."""
        if is_foreign(visit, self._origins):
            raise Refused(403, "CrossOrigin", FOREIGN)

    def allowed(self, session: S | None) -> S | None:
        """The session, if there is one and `when` holds."""
        return session if session is not None and self.finder.allows(session) else None

    def checked(self, visit: Visit, session: S | None) -> S:
        """The session of somebody who may come in; raises `Refused` for anybody else."""
        if session is None:
            raise self._sign_in_first(visit)
        if not self.finder.allows(session):
            raise Refused(403, "AccessDenied", NOT_FOR_YOU)
        return session

    def admit(self, visit: DjangoVisit | FlaskVisit) -> Any:
        """Keep the session for the view, or give the answer for somebody who may not come in; else None."""
        try:
            self.refuse_foreign(visit)
            visit.keep(self.checked(visit, self.finder.find_sync(visit.request)))
        except REFUSING as error:
            return answer_refused(visit, refusal_of(error))
        return None

    async def admit_async(self, visit: DjangoVisit | FlaskVisit) -> Any:
        try:
            self.refuse_foreign(visit)
            visit.keep(self.checked(visit, await self.finder.find(visit.request)))
        except REFUSING as error:
            return answer_refused(visit, refusal_of(error))
        return None

    def _sign_in_first(self, visit: Visit) -> Refused:
        """A browser that opens a page is sent to the sign-in page, and from there back to the same path."""
        if not wants_html(visit):
            return Refused(401, "SessionRequired", explain_error("SessionRequired"))
        base = address_of(None if is_seen() else self._base_url, self._base_path, SEEN_AT)
        # Joined as text: resolved as a URL, a path that begins with two slashes would name another host. One that
        # begins with none would go on with the host's name.
        callback_url = origin_of(base) + (visit.path if visit.path.startswith("/") else "/" + visit.path)
        return Refused(302, "SessionRequired", "", {"Location": protocol.sign_in_page(str(base), callback_url)})


REFUSING = (Refused, BadCookie, NextAuthError)


def refusal_of(error: Refused | BadCookie | NextAuthError) -> Refused:
    """What is answered where one of `REFUSING` refuses, or leaves it open who it is."""
    if isinstance(error, Refused):
        return error
    if isinstance(error, BadCookie):
        return Refused(400, "BadCookie", str(error))
    logger.warning("%s", error.message)
    if isinstance(error, AsksItself):
        return Refused(508, error.code, error.message)
    return Refused(503, error.code, explain_error(error.code))


def answer_refused(visit: DjangoVisit | FlaskVisit, refused: Refused) -> Any:
    """For a person who opens a page in words, for a program as JSON."""
    kind, text = "text/plain; charset=utf-8", refused.message
    if not wants_html(visit):
        kind, text = protocol.JSON_TYPE, json.dumps({"error": refused.code, "message": text})
    return visit.respond(refused.status, text, {"Content-Type": kind, **refused.headers})
