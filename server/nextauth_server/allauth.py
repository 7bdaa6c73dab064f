"""Signing in with django-allauth's providers, where `allauth.socialaccount` is one of Django's INSTALLED_APPS.

They are allauth's from the first step to the last: its apps, its state, its callback, its accounts.
"""

from collections.abc import Mapping
from typing import Any

from allauth.core.exceptions import ImmediateHttpResponse
from allauth.socialaccount.adapter import DefaultSocialAccountAdapter, get_adapter
from allauth.socialaccount.providers.base.constants import AuthProcess
from allauth.socialaccount.providers.oauth2.provider import OAuth2Provider
from django.core.exceptions import PermissionDenied  # type: ignore[import-untyped]
from django.http import HttpResponseRedirect  # type: ignore[import-untyped]
from django.urls import NoReverseMatch, reverse  # type: ignore[import-untyped]

from .bridge import NAME, SignInRefused, error_url
from .providers import Provider, log_failure, with_parameters

BASE = "nextauth_server.base"  # what a sign-in that a bridge began has in allauth's state


class SocialAccountAdapter(DefaultSocialAccountAdapter):  # type: ignore[misc]  # allauth has no types
    """Brings people whose sign-in failed back to the page: `SOCIALACCOUNT_ADAPTER`, or a base class of yours.

    Without it they see allauth's own page of the error. Who comes back to a sign-in that nobody knows of here (with a
    forged `state`, or too late) is led to the app's sign-in page, wherever it began. Its `pre_social_login` may raise
    Django's `PermissionDenied`, and the page's error is "AccessDenied".
    """

    def on_authentication_error(
        self,
        request: Any,
        provider: Any,
        error: Any = None,
        exception: Exception | None = None,
        extra_context: dict[str, Any] | None = None,
    ) -> None:
        context = extra_context or {}
        state = context.get("state") or {}
        base = (state.get("data") or {}).get(BASE)
        if isinstance(exception, PermissionDenied):
            code = "AccessDenied"
        elif exception is not None:
            code = "OAuthCallback"
        elif not state and "state_id" in context and isinstance(provider, OAuth2Provider):
            # In another browser, too long ago, or it is over. (Other providers' views know a good state by its id.)
            base, code = _base_of_bridge(), "OAuthCallback"
        else:
            code = "Callback"
        if base is None:
            super().on_authentication_error(
                request, provider, error=error, exception=exception, extra_context=extra_context
            )
            return
        if exception is not None and code != "AccessDenied":
            log_failure(provider.sub_id, exception)
        raise ImmediateHttpResponse(HttpResponseRedirect(error_url(base, code, state.get("next"))))


def _base_of_bridge() -> str | None:
    """Its path; `None` where Django cannot find it, below a pattern with a part of the request's or in a namespace."""
    try:
        return str(reverse(NAME, args=["error"])).removesuffix("/error")
    except NoReverseMatch:
        return None


def providers(request: Any) -> list[Provider]:
    """Those that allauth has an app for, in the database or in the settings."""
    return [Provider(one.sub_id, str(one.name), one.get_callback_url()) for one in _providers(request)]


def begin(request: Any, base: str, provider: str, callback_url: str, parameters: Mapping[str, str]) -> str:
    """The URL at the provider. Raises `SignInRefused`."""
    client = next(one for one in _providers(request) if one.sub_id == provider)
    try:
        answer = client.redirect(request, AuthProcess.LOGIN, next_url=callback_url, data={BASE: base})
        return with_parameters(answer.url, parameters)
    except Exception as problem:  # whatever a foreign server does is no fault of the app's
        log_failure(provider, problem)
        raise SignInRefused("OAuthSignin") from None


def _providers(request: Any) -> list[Any]:
    """Of OAuth 2 and OpenID Connect; an app that is `hidden` is for something else."""
    known = get_adapter(request).list_providers(request)
    return [one for one in known if isinstance(one, OAuth2Provider) and not one.app.settings.get("hidden")]
