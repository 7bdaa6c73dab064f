"""For Django's templates, where "nextauth_server" is in INSTALLED_APPS: `{% load nextauth %}{% nextauth_session %}`."""

from typing import Any

from django import template  # type: ignore[import-untyped]
from django.core.exceptions import ImproperlyConfigured  # type: ignore[import-untyped]
from nextauth_client.errors import NextAuthError

from ..embed import session_script
from ..requests import BadCookie

register = template.Library()


@register.simple_tag(takes_context=True)  # type: ignore[untyped-decorator]
def nextauth_session(context: Any) -> str:
    """The element that gives the page its session, as `session_script` does, for the request of the template.

    Needs `session_middleware` and the context processor `django.template.context_processors.request`. Where the
    session cannot be known it is nothing: then the page asks by itself. An async view reads
    `await request.anextauth_session()` before it renders, unless the cookie is read.
    """
    request = context.get("request")
    if not hasattr(request, "nextauth"):
        raise ImproperlyConfigured(
            "{% nextauth_session %} needs nextauth_server.django.session_middleware in MIDDLEWARE, and the template's "
            "request: render(request, …), with the context processor django.template.context_processors.request."
        )
    try:
        return session_script(request.nextauth.whoever())
    except (NextAuthError, BadCookie):
        return ""
