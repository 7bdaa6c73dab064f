"""`AuthBridge`: which of the bridges an app mounts."""

from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any

from .bridge import Bridge, unchanged
from .requests import checked_address, origin_of

if TYPE_CHECKING:
    from .bridge_django import DjangoBridge

SessionCallback = Callable[[dict[str, Any], Any], Mapping[str, Any]]


class AuthBridge:
    """`/api/auth`, as pages ask NextAuth.js v4, over the accounts and the sessions that an app has already.

    Source: PROTOCOL.md (rows of v4).
    """

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
        name: str = "Password",
    ) -> "DjangoBridge":
        """Over `django.contrib.auth`: `path("api/auth/", include(AuthBridge.django().urls))`.

        `form` is the app's own `AuthenticationForm`; it may raise `SignInRefused` where a `ValidationError` says too
        little. `describe_user(user)` gives what pages see as `session.user`, else a name and an e-mail address;
        `session_callback(session, user)` the whole session, as plain data. `update(request, data)` gets what a page's
        `update_session(data)` sends, which may be anything. `may_try(request, fields)` says whether one more password
        may be tried; with `False` the page's error is "TooManyRequests". `sign_in_page` is a path, URL or name of a
        pattern, else `settings.LOGIN_URL`; it gets `?next=`. `url` is the public address (`https://example.org`), where
        a proxy hides it from Django.

        Raises `ValueError` for a `url` that is no address.
        """
        from django.conf import settings  # type: ignore[import-untyped]
        from django.shortcuts import resolve_url  # type: ignore[import-untyped]

        from . import bridge_django

        bridge = Bridge(
            secret=lambda: str(settings.SECRET_KEY),
            sign_in_page=lambda: resolve_url(sign_in_page or settings.LOGIN_URL),
            name=name,
            session_callback=session_callback or unchanged,
        )
        return bridge_django.DjangoBridge(
            bridge,
            form=form,
            describe=describe_user or bridge_django.describe_user,
            update=update,
            may_try=may_try,
            url=_origin(url),
        )


def _origin(url: str | None) -> str | None:
    """The origin of an app's public address. Raises `ValueError`."""
    return None if url is None else origin_of(checked_address("url", url))
