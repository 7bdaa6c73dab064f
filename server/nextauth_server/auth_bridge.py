"""`AuthBridge`: which of the bridges an app mounts."""

from collections.abc import Callable, Iterable, Mapping
from typing import TYPE_CHECKING, Any

from nextauth_client import protocol

from .bridge import Bridge, unchanged
from .requests import checked_address, origin_of

if TYPE_CHECKING:
    from starlette.types import Receive, Scope, Send

    from .bridge_django import DjangoBridge
    from .bridge_flask import FlaskBridge

FORTNIGHT = 14 * 24 * 60 * 60  # seconds, of a session of Starlette's

SessionCallback = Callable[[dict[str, Any], Any], Mapping[str, Any]]


class AuthBridge:
    """`/api/auth`, as pages ask NextAuth.js v4, over the accounts and the sessions that an app has already.

    Itself it is an ASGI app over functions of one's own; `AuthBridge.django` and `AuthBridge.flask_login` know theirs.

    Source: PROTOCOL.md (rows of v4).
    """

    def __init__(
        self,
        *,
        user_of: Callable[[Any], Any],
        sign_in: Callable[..., Any],
        sign_out: Callable[[Any], Any],
        secret: str,
        session_callback: SessionCallback | None = None,
        update: Callable[[Any, Any], Any] | None = None,
        may_try: Callable[[Any, Mapping[str, str]], Any] | None = None,
        expires_of: Callable[[Any], Any] | None = None,
        session_max_age: float = FORTNIGHT,
        sign_in_page: str | None = None,
        url: str | None = None,
        allowed_origins: Iterable[str] = (),
        name: str = "Password",
        providers: Any = None,
        provider_names: Mapping[str, str] = {},
        sign_in_with: Callable[..., Any] | None = None,
    ) -> None:
        """For Starlette and FastAPI: `app.mount("/api/auth", AuthBridge(user_of=…, sign_in=…, sign_out=…, secret=…))`.

        `user_of(request)` gives what a page may know of who is signed in, as a dict, or `None`. `sign_in(request,
        username, password)` says whether that is somebody, and keeps in the session who it is; the fields of the page's
        form reach it by the names of its parameters, and no others. `sign_out(request)` forgets it. Functions may be
        sync, and run in a thread then, or async. `secret` signs CSRF tokens.

        A session's end is kept in the session of Starlette's `SessionMiddleware`, whose `max_age` `session_max_age` is
        (seconds); `expires_of(request)` says it for sessions of another kind, as a datetime with a time zone.
        `sign_in_page` is the path or URL of the app's own. The others are those of `AuthBridge.django`.

        `providers` is Authlib's `OAuth()` of `authlib.integrations.starlette_client`, whose clients' names are the
        providers' ids; `provider_names` are those that people read (`{"github": "GitHub"}`). `sign_in_with(request,
        provider, userinfo)` says whether somebody may come in of whom a provider has said that (`{"sub": …, "email":
        …}`), and keeps in the session who it is; a parameter `token` gets the OAuth tokens. It needs
        `SessionMiddleware`, may be sync or async, and raises `SignInRefused` for an error of its own.

        Raises `ValueError` for an empty secret, for `providers` without `sign_in_with` or the reverse, and as that.
        """
        from .bridge_asgi import ASGIBridge

        if not secret:
            raise ValueError("secret is a text that nobody can guess, such as your SessionMiddleware's secret_key")
        _check_both(providers, sign_in_with)
        bridge = Bridge(
            secret=lambda: secret,
            sign_in_page=lambda: sign_in_page,
            name=name,
            session_callback=session_callback or unchanged,
            allowed_origins=_origins(allowed_origins),
        )
        self._app = ASGIBridge(
            bridge,
            user_of=user_of,
            sign_in=sign_in,
            sign_out=sign_out,
            update=update,
            may_try=may_try,
            expires_of=expires_of,
            session_max_age=session_max_age,
            url=_origin(url),
            oauth=providers,
            provider_names=provider_names,
            sign_in_with=sign_in_with,
        )

    async def __call__(self, scope: "Scope", receive: "Receive", send: "Send") -> None:
        await self._app(scope, receive, send)

    @staticmethod
    def django(
        *,
        form: Callable[..., Any] | None = None,
        describe_user: Callable[[Any], Mapping[str, Any]] | None = None,
        session_callback: SessionCallback | None = None,
        update: Callable[[Any, Any], None] | None = None,
        may_try: Callable[[Any, Mapping[str, str]], bool] | None = None,
        sign_in_page: str | None = None,
        url: str | None = None,
        allowed_origins: Iterable[str] = (),
        name: str = "Password",
    ) -> "DjangoBridge":
        """Over `django.contrib.auth`: `path("api/auth/", include(AuthBridge.django().urls))`.

        `form` is the app's own `AuthenticationForm`; it may raise `SignInRefused` where a `ValidationError` says too
        little. `describe_user(user)` gives what pages see as `session.user`, else a name and an e-mail address;
        `session_callback(session, user)` the whole session, as plain data. `update(request, data)` gets what a page's
        `update_session(data)` sends, which may be anything. `may_try(request, fields)` says whether one more password
        may be tried; with `False` the page's error is "TooManyRequests". `sign_in_page` is a path, URL or name of a
        pattern, else `settings.LOGIN_URL`; it gets `?next=`. `url` is the public address (`https://example.org`), where
        a proxy hides it from Django. `allowed_origins` are those of other pages that may sign in
        (`["https://www.example.org"]`), which CORS has to let ask, too.

        Raises `ValueError` for a `url` that is no address, and an origin that is none.
        """
        from django.conf import settings  # type: ignore[import-untyped]
        from django.shortcuts import resolve_url  # type: ignore[import-untyped]

        from . import bridge_django

        bridge = Bridge(
            secret=lambda: str(settings.SECRET_KEY),
            sign_in_page=lambda: resolve_url(sign_in_page or settings.LOGIN_URL),
            name=name,
            session_callback=session_callback or unchanged,
            allowed_origins=_origins(allowed_origins),
        )
        return bridge_django.DjangoBridge(
            bridge,
            form=form,
            describe=describe_user or bridge_django.describe_user,
            update=update,
            may_try=may_try,
            url=_origin(url),
        )

    @staticmethod
    def flask_login(
        login_manager: Any,
        *,
        authenticate: Callable[..., Any],
        describe_user: Callable[[Any], Mapping[str, Any]] | None = None,
        session_callback: SessionCallback | None = None,
        update: Callable[[Any], None] | None = None,
        may_try: Callable[[Mapping[str, str]], bool] | None = None,
        remember: bool = False,
        sign_in_page: str | None = None,
        url: str | None = None,
        allowed_origins: Iterable[str] = (),
        url_prefix: str = protocol.BASE_PATH,
        name: str = "Password",
        providers: Any = None,
        provider_names: Mapping[str, str] = {},
        sign_in_with: Callable[..., Any] | None = None,
    ) -> "FlaskBridge":
        """Over Flask-Login: `app.register_blueprint(AuthBridge.flask_login(manager, authenticate=check).blueprint)`.

        `authenticate(username, password)` gives the user or `None`; the fields of the page's form reach it by the names
        of its parameters, and no others. `remember` has Flask-Login remember people beyond their session.
        `update(data)` and `may_try(fields)` find `flask.request` and `current_user` where every view does.
        `sign_in_page` is a path or URL, else `login_manager.login_view`. The others are those of `AuthBridge.django`.

        `providers` is Authlib's `OAuth(app)` of `authlib.integrations.flask_client`, whose clients' names are the
        providers' ids; `provider_names` are those that people read (`{"github": "GitHub"}`). `sign_in_with(provider,
        userinfo)` gives the user of whom a provider has said that (`{"sub": …, "email": …}`), or `None` for nobody; a
        parameter `token` gets the OAuth tokens.

        Raises `ValueError` for `providers` without `sign_in_with` or the reverse, and as that.
        """
        from flask import current_app, url_for

        from . import bridge_flask

        _check_both(providers, sign_in_with)

        def secret() -> str:
            key = current_app.secret_key
            if not key:
                raise RuntimeError("The bridge needs the app's secret key, as Flask's session does: app.secret_key = …")
            return key if isinstance(key, str) else key.decode("latin-1")

        def page() -> str | None:
            if sign_in_page is not None:
                return sign_in_page
            view = login_manager.login_view
            if view is None or "/" in view or view.startswith("http"):
                return None if view is None else str(view)
            return url_for(view)

        bridge = Bridge(
            secret=secret,
            sign_in_page=page,
            name=name,
            session_callback=session_callback or unchanged,
            allowed_origins=_origins(allowed_origins),
        )
        return bridge_flask.FlaskBridge(
            bridge,
            authenticate=authenticate,
            describe=describe_user or bridge_flask.describe_user,
            update=update,
            may_try=may_try,
            remember=remember,
            url=_origin(url),
            url_prefix=url_prefix,
            oauth=providers,
            provider_names=provider_names,
            sign_in_with=sign_in_with,
        )


def _check_both(providers: Any, sign_in_with: Callable[..., Any] | None) -> None:
    if (providers is None) is not (sign_in_with is None):
        raise ValueError(
            "providers= is Authlib's OAuth(), and sign_in_with= the function that signs in whom one of them names: "
            "a bridge needs both, or neither"
        )


def _origin(url: str | None) -> str | None:
    """The origin of an app's public address. Raises `ValueError`: the path is where the framework has it mounted."""
    if url is None:
        return None
    address = checked_address("url", url)
    if address.path != "/":
        raise ValueError(
            "url has no path, such as https://example.org: the framework knows where the bridge is mounted"
        )
    return origin_of(address)


def _origins(origins: Iterable[str]) -> frozenset[str]:
    """Raises `TypeError` and `ValueError`: a browser names an origin without path and default port."""
    if isinstance(origins, str):
        raise TypeError("allowed_origins is a list of origins, such as ['https://www.example.org']")
    checked = frozenset(origins)
    for origin in checked:
        if origin != origin_of(checked_address("allowed_origins", origin)):
            raise ValueError(f"allowed_origins holds {origin!r}; an origin is written as https://www.example.org")
    return checked
