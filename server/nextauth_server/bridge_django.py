"""The bridge to `django.contrib.auth`: its users, its sessions, its forms and its signals."""

from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from datetime import datetime
from typing import Any

from .bridge import (
    NAME,
    BadRequest,
    Bridge,
    Reply,
    SignedIn,
    SignInRefused,
    Visit,
    check_length,
    note_end,
    noted_end,
    origin_of,
    parse_fields,
)
from .finding import forget_sessions
from .forwarding import length_of
from .providers import Begun, Provider


def describe_user(user: Any) -> Mapping[str, Any]:
    """What a page may know of a Django user: a name and an e-mail address."""
    return {"name": user.get_full_name() or user.get_username(), "email": getattr(user, "email", None) or None}


class DjangoBridge:
    """The endpoints as patterns: `path("api/auth/", include(AuthBridge.django().urls))`."""

    def __init__(
        self,
        bridge: Bridge,
        *,
        form: Callable[..., Any] | None,
        describe: Callable[[Any], Mapping[str, Any]],
        update: Callable[[Any, Any], None] | None,
        may_try: Callable[[Any, Mapping[str, str]], bool] | None,
        url: str | None,
    ) -> None:
        self.bridge = bridge
        self.form = form
        self.describe = describe
        self.update = update
        self.may_try = may_try
        self.url = url
        _hear_of_logins()

    @property
    def urls(self) -> list[Any]:
        from django.urls import path  # type: ignore[import-untyped]

        return [path("<path:action>", self.view, name=NAME)]

    @property
    def view(self) -> Callable[..., Any]:
        """The view of all endpoints. It checks CSRF tokens of its own, and the origin, so Django's check stays off."""

        def auth_bridge(request: Any, action: str, **captured: Any) -> Any:  # by the patterns around it
            return _response(self._reply(request, action))

        auth_bridge.csrf_exempt = True  # type: ignore[attr-defined]
        auth_bridge.login_required = False  # type: ignore[attr-defined]  # LoginRequiredMiddleware of Django 5.1
        return auth_bridge

    def _reply(self, request: Any, action: str) -> Reply:
        if not hasattr(request, "user") or not hasattr(request, "session"):
            from django.core.exceptions import ImproperlyConfigured  # type: ignore[import-untyped]

            raise ImproperlyConfigured(
                "The bridge needs django.contrib.sessions' SessionMiddleware and django.contrib.auth's "
                "AuthenticationMiddleware: add both to MIDDLEWARE."
            )
        try:
            fields = _fields(request) if request.method == "POST" else {}
        except BadRequest as error:
            return error.reply()
        origin = self.url or origin_of(request.scheme, request.get_host())
        visit = Visit(
            method=request.method,
            base=origin + request.path.removesuffix(action).rstrip("/"),
            action=action,
            query=request.GET.dict(),
            header=lambda name: request.META.get("HTTP_" + name.upper().replace("-", "_")),
            cookies=request.COOKIES,
            fields=fields,
        )
        return self.bridge.answer(visit, _Accounts(self, request, visit.base))


def _hear_of_logins() -> None:
    """However people log in and out in this process; a receiver that is connected already is not connected again."""
    from django.contrib.auth.signals import user_logged_in, user_logged_out  # type: ignore[import-untyped]

    user_logged_in.connect(_forget)
    user_logged_out.connect(_forget)  # sent just before the session ends


def _forget(**_: Any) -> None:
    forget_sessions()


def _fields(request: Any) -> Mapping[str, Any]:
    from django.http import RawPostDataException, UnreadablePostError  # type: ignore[import-untyped]

    said = request.META.get("CONTENT_LENGTH") or ""
    length = length_of(said)
    if length is None and said:
        raise BadRequest(411, "Error: a form here says how long it is (Content-Length)")
    check_length(length or 0)
    try:
        body = request.body
    except (RawPostDataException, UnreadablePostError):  # a middleware has read it as a form's parts; or it broke off
        body = None
    if body is None or len(body) < (length or 0):
        raise BadRequest(400, "Error: the form cannot be read")
    return parse_fields(request.META.get("CONTENT_TYPE", ""), body)


class _Accounts:
    """`django.contrib.auth`, for one request."""

    def __init__(self, bridge: DjangoBridge, request: Any, base: str) -> None:
        self.bridge = bridge
        self.request = request
        self.base = base

    def who(self) -> SignedIn | None:
        with _rows_end(self.request.session) as ends:
            user = self.request.user
            # Some of Django's backends let in whom somebody has deactivated; here they are nobody.
            if not user.is_authenticated or not user.is_active:
                return None
        return SignedIn(self.bridge.describe(user), user, _end_of(self.request.session, ends))

    def sign_in(self, fields: Mapping[str, str]) -> bool:
        """By the app's own form, which knows its fields, lengths and normal forms, and calls `authenticate`."""
        from django.contrib.auth import login  # type: ignore[import-untyped]
        from django.contrib.auth.forms import AuthenticationForm  # type: ignore[import-untyped]
        from django.utils import timezone  # type: ignore[import-untyped]

        if self.bridge.may_try is not None and not self.bridge.may_try(self.request, fields):
            raise SignInRefused("TooManyRequests")
        form = (self.bridge.form or AuthenticationForm)(self.request, data=fields)
        user = form.get_user() if form.is_valid() else None
        if user is None:  # for whom `login` would take whoever is signed in
            return False
        login(self.request, user)
        session = self.request.session
        if not _is_in_database(session):
            note_end(session, session.get_expiry_age(), timezone.now())
        return True

    def sign_out(self) -> None:
        from django.contrib.auth import logout

        logout(self.request)

    def update(self, data: Any) -> None:
        if self.bridge.update is not None:
            self.bridge.update(self.request, data)

    def providers(self) -> list[Provider]:
        from django.apps import apps  # type: ignore[import-untyped]

        if not apps.is_installed("allauth.socialaccount"):
            return []
        from . import allauth

        return allauth.providers(self.request)

    def begin(self, provider: str, redirect_uri: str, callback_url: str, parameters: Mapping[str, str]) -> str:
        from . import allauth

        return allauth.begin(self.request, self.base, provider, callback_url, parameters)

    # Allauth's own view ends it, where the provider sends the person.

    def end(self, provider: str, state: str) -> Begun | None:
        return None

    def finish(self, begun: Begun, redirect_uri: str, code: str) -> bool:
        return False


@contextmanager
def _rows_end(session: Any) -> Iterator[list[datetime]]:
    """Where the end of a session in the database will be, if that is read meanwhile: its row has it, too.

    Without it a question would take a query more than a view that reads who is signed in.
    """
    from django.contrib.sessions.backends.db import SessionStore  # type: ignore[import-untyped]
    from django.utils import timezone

    ends: list[datetime] = []
    if type(session) is not SessionStore:  # a store of the app's own knows how a session is read, and which is none
        yield ends
        return

    def load() -> Any:
        now = timezone.now()
        for row in session.model.objects.filter(session_key=session.session_key, expire_date__gt=now):
            ends.append(row.expire_date)
            return session.decode(row.session_data)
        return SessionStore.load(session)

    session.load = load
    try:
        yield ends
    finally:
        del session.load


def _end_of(session: Any, rows_end: list[datetime]) -> datetime:
    """When the session ends, if nobody uses it any more.

    Django renews it when it is saved, which a question does not; `get_expiry_date` alone counts from now.
    """
    from django.conf import settings  # type: ignore[import-untyped]
    from django.utils import timezone

    is_fixed = isinstance(session.get("_session_expiry"), str)  # by the app: set_expiry(a moment, or a timedelta)
    if settings.SESSION_SAVE_EVERY_REQUEST or session.modified or is_fixed:
        return _aware(session.get_expiry_date())
    if _is_in_database(session):
        rows = session.model.objects.filter(session_key=session.session_key)
        for end in rows_end or rows.values_list("expire_date", flat=True):
            return _aware(end)
    return noted_end(session, session.get_expiry_age(), timezone.now())


def _is_in_database(session: Any) -> bool:
    """Where it is written when it ends."""
    return hasattr(session, "get_model_class")


def _aware(moment: datetime) -> datetime:
    from django.utils import timezone

    if timezone.is_naive(moment):  # in the zone of the settings, whichever a request has activated
        moment = timezone.make_aware(moment, timezone.get_default_timezone())
    return moment


def _response(reply: Reply) -> Any:
    from django.http import HttpResponse

    response = HttpResponse(reply.body, status=reply.status, headers=reply.headers)
    for name, value, is_secure in reply.cookies:
        response.set_cookie(name, value, secure=is_secure, httponly=True, samesite="Lax")
    return response
