"""For Starlette: `request.user`, `requires("authenticated")`, and the session in templates.

FastAPI has `session_dependency` as well.
"""

import json
from collections.abc import Callable, Iterable
from typing import TYPE_CHECKING, Any

import httpx
from nextauth_client import protocol
from nextauth_client.session import Session
from starlette.authentication import AuthCredentials, AuthenticationBackend, AuthenticationError, BaseUser
from starlette.requests import HTTPConnection
from starlette.responses import Response

from .answers import DEPENDS_ON_COOKIE, mark_answers_of_starlette
from .embed import session_script
from .finding import Options
from .guards import REFUSING, Guard, Refused, refusal_of
from .reading import claims_of
from .requests import AsksItself
from .visits import ASGIVisit, wants_html

if TYPE_CHECKING:
    from typing_extensions import Unpack


class SessionUser(BaseUser):
    """`request.user` of somebody who is signed in; `session` is all that is known."""

    def __init__(self, session: Session) -> None:
        self.session = session

    @property
    def is_authenticated(self) -> bool:
        return True

    @property
    def display_name(self) -> str:
        """The name, else the e-mail address, else ""."""
        return str(self._said("name") or self._said("email") or "")

    @property
    def identity(self) -> str:
        """The user's id: the token's `sub`, else `user.id` as a session callback may add it, else the e-mail address.

        "" where the session has none of them.
        """
        return str(claims_of(self.session).get("sub") or self._said("id") or self._said("email") or "")

    def _said(self, key: str) -> Any:
        user = self.session.get("user")
        return None if user is None else user.get(key)


class SessionBackend(AuthenticationBackend):
    """For Starlette's `AuthenticationMiddleware`: who sent a request, with the scope "authenticated".

        backend = SessionBackend(secret=…)
        Middleware(AuthenticationMiddleware, backend=backend, on_error=backend.on_error)

    `scopes` gives more of them for a session: `lambda session: session.user.roles`. Other options as for
    `login_required`; who does not fulfil `when` counts as nobody, and so does a request that changes something from a
    page of another origin. Without `on_error` Starlette answers 400 where it should be 503.

    An `AuthBridge` or `auth_proxy` may be mounted behind it, also where the backend is asked there: its own question is
    nobody's, and is let through to them.

    Every answer behind the middleware says that no cache may give it to somebody else: mount what all may share in
    front of it.
    """

    def __init__(
        self,
        *,
        session_type: type[Session] = Session,
        client: httpx.AsyncClient | None = None,
        allowed_origins: Iterable[str] = (),
        scopes: Callable[[Any], Iterable[str]] | None = None,
        **options: "Unpack[Options]",
    ) -> None:
        self._guard: Guard[Session] = Guard(session_type, client, allowed_origins, **options)
        self._scopes = scopes
        mark_answers_of_starlette()

    async def authenticate(self, conn: HTTPConnection) -> tuple[AuthCredentials, BaseUser] | None:
        conn.scope.setdefault(DEPENDS_ON_COOKIE, []).append(True)
        visit = ASGIVisit(conn)
        try:
            self._guard.refuse_foreign(visit)
            session = self._guard.allowed(await self._guard.finder.find(conn))
        except AsksItself:
            return None
        except REFUSING as error:
            refused = refusal_of(error)
            if refused.status == 403:
                return None
            raise _Unknown(refused) from error
        if session is None:
            return None
        more = [] if self._scopes is None else self._scopes(session)
        return AuthCredentials(["authenticated", *more]), SessionUser(session)

    def on_error(self, conn: HTTPConnection, error: AuthenticationError) -> Response:
        """The answer where nobody can know who it is: 503, or 400 for a cookie that no header may hold."""
        if not isinstance(error, _Unknown):
            raise error
        refused = error.refused
        if wants_html(ASGIVisit(conn)):
            return Response(refused.message, refused.status, refused.headers, "text/plain")
        text = json.dumps({"error": refused.code, "message": refused.message})
        return Response(text, refused.status, refused.headers, protocol.JSON_TYPE)


def session_context(request: HTTPConnection) -> dict[str, str]:
    """A context processor: templates write `{{ nextauth_session }}` into `<head>`, the element with the page's session.

        templates = Jinja2Templates("templates", context_processors=[session_context])

    It is what `session_script` gives, for the user that `SessionBackend` has found; for anybody else it is nothing, and
    the page asks by itself: whom `when` keeps out may be signed in. Raises `RuntimeError` without that middleware.
    """
    if "user" not in request.scope:
        raise RuntimeError("session_context needs AuthenticationMiddleware with a SessionBackend.")
    user = request.user
    return {"nextauth_session": session_script(user.session) if isinstance(user, SessionUser) else ""}


class _Unknown(AuthenticationError):
    def __init__(self, refused: Refused) -> None:
        super().__init__(refused.message)
        self.refused = refused
