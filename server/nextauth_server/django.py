"""For Django: a mixin for views that are classes, and a middleware that finds a request's session when it is read.

Views that are functions take `login_required`.
"""

import asyncio
import functools
from collections.abc import Callable
from typing import Any, ClassVar

from asgiref.sync import iscoroutinefunction
from django.conf import settings  # type: ignore[import-untyped]
from django.core.exceptions import SynchronousOnlyOperation  # type: ignore[import-untyped]
from django.utils.decorators import sync_and_async_middleware  # type: ignore[import-untyped]
from django.views import View  # type: ignore[import-untyped]
from nextauth_client.session import Session

from .answers import mark_answers_of_django
from .finding import Finder
from .guards import REFUSING, answer_refused, login_required, refusal_of
from .visits import DjangoVisit

_UNREAD = object()


class SessionRequiredMixin:
    """Before `View` among a class's bases: only signed-in people get in, as with `login_required`.

    `login_options` are its options, such as `{"when": "user.role=admin"}`; methods find `request.nextauth_session`.

    Raises `TypeError` for a class that names it after `View`, whose `as_view` asks no other.
    """

    login_options: ClassVar[dict[str, Any]] = {}

    def __init_subclass__(cls, **options: Any) -> None:
        super().__init_subclass__(**options)
        mro = cls.__mro__
        if View in mro[: mro.index(SessionRequiredMixin)]:
            bases = sorted(cls.__bases__, key=lambda base: not issubclass(base, SessionRequiredMixin))
            names = ", ".join([base.__name__ for base in bases])
            raise TypeError(f"A SessionRequiredMixin after View guards nothing: write class {cls.__name__}({names})")

    @classmethod
    def as_view(cls, **initial: Any) -> Callable[..., Any]:
        view: Callable[..., Any] = super().as_view(**initial)  # type: ignore[misc]
        guarded: Callable[..., Any] = login_required(**cls.login_options)(view)
        return guarded


@sync_and_async_middleware  # type: ignore[untyped-decorator]
def session_middleware(get_response: Callable[..., Any]) -> Callable[..., Any]:
    """Every request has a `nextauth_session`: a `Session`, or `None` for nobody. It is found out when it is read.

    An async view writes `await request.anextauth_session()`, unless the cookie is read (`secret`) or the session was
    found out before. Options are those of `login_required` but for `allowed_origins`, in the setting `NEXTAUTH_SERVER`:
    `{"secret": AUTH_SECRET}`. Who does not fulfil `when` counts as nobody.

    A session that cannot be known is 503, and a cookie that no header may hold 400, if the view lets the error pass.
    The answer of a view that has read it says that no cache may give it to somebody else. It refuses nothing: requests
    from other sites are for Django's `CsrfViewMiddleware`.
    """
    mark_answers_of_django()
    options = dict(getattr(settings, "NEXTAUTH_SERVER", {}))
    finder: Finder[Session] = Finder(options.pop("session_type", Session), options.pop("client", None), **options)

    def prepare(request: Any) -> Any:
        kind: Any = type(request)
        request.__class__ = _with_session(kind)
        request.nextauth = _Found(request, finder)
        return request

    def process_exception(request: Any, error: Exception) -> Any:
        if error is not request.nextauth.error or not isinstance(error, REFUSING):
            return None
        return answer_refused(DjangoVisit(request), refusal_of(error))

    def middleware(request: Any) -> Any:
        return get_response(prepare(request))

    async def middleware_async(request: Any) -> Any:
        return await get_response(prepare(request))

    chosen: Any = middleware_async if iscoroutinefunction(get_response) else middleware
    chosen.process_exception = process_exception
    return chosen  # type: ignore[no-any-return]


class _Found:
    """What is known of one request: its session, once it was read, or why it cannot be known."""

    def __init__(self, request: Any, finder: Finder[Session]) -> None:
        self._request = request
        self._finder = finder
        self.session: Any = _UNREAD
        self._whoever: Session | None = None
        self.error: Exception | None = None

    def read(self) -> Session | None:
        if self.session is _UNREAD:
            if self._finder.asks and _is_in_event_loop():
                raise SynchronousOnlyOperation(
                    "The backend would be asked for this session while the event loop waits: write "
                    "`await request.anextauth_session()` in an async view."
                )
            visit = DjangoVisit(self._request)
            try:
                self._keep(self._finder.find_sync(visit.request))
            except Exception as error:
                self.error = error
                raise
        session: Session | None = self.session
        return session

    def whoever(self) -> Session | None:
        """Who is signed in, whether `when` holds or not."""
        return self.read() or self._whoever

    async def read_async(self) -> Session | None:
        if self.session is _UNREAD:
            visit = DjangoVisit(self._request)
            try:
                self._keep(await self._finder.find(visit.request))
            except Exception as error:
                self.error = error
                raise
        session: Session | None = self.session
        return session

    def _keep(self, session: Session | None) -> None:
        self._whoever = session
        self.session = session if session is not None and self._finder.allows(session) else None


@functools.cache
def _with_session(kind: type) -> type:
    """A class of requests, with the session as an attribute that `login_required` may set as well.

    No object that stands for it later: `request.nextauth_session is None` has to be true for nobody.
    """

    def give(request: Any) -> Session | None:
        session: Session | None = request.nextauth.read()
        return session

    def take(request: Any, session: Session) -> None:
        request.nextauth.session = session

    async def anextauth_session(request: Any) -> Session | None:
        session: Session | None = await request.nextauth.read_async()
        return session

    added = {"nextauth_session": property(give, take), "anextauth_session": anextauth_session}
    return type(kind.__name__, (kind,), added)


def _is_in_event_loop() -> bool:
    try:
        asyncio.get_running_loop()
    except RuntimeError:
        return False
    return True
