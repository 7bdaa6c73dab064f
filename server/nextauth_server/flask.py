"""For Flask: a guard for all views of a blueprint or an app, and the session in templates.

Single views take `login_required`.
"""

from collections.abc import Callable, Iterable
from typing import TYPE_CHECKING, Any

import flask
from nextauth_client.errors import NextAuthError
from nextauth_client.session import Session

from .embed import session_script
from .finding import AnyClient, Finder, Options
from .guards import Guard
from .requests import BadCookie
from .visits import FlaskVisit, visit_of

if TYPE_CHECKING:
    from typing_extensions import Unpack


def require_login(
    *,
    session_type: type[Session] = Session,
    client: AnyClient | None = None,
    allowed_origins: Iterable[str] = (),
    **options: "Unpack[Options]",
) -> Callable[[], Any]:
    """Only signed-in people get into any view: `blueprint.before_request(require_login())`.

    Views find `flask.g.nextauth_session`. Answers and options as with `login_required`. On a whole app it guards static
    files and `/favicon.ico`, too, but no view of an `AuthBridge`, where people sign in.
    """
    guard = Guard(session_type, client, allowed_origins, **options)

    def admit() -> Any:
        view = flask.current_app.view_functions.get(flask.request.endpoint or "")
        if getattr(view, "login_required", True) is False:
            return None
        visit = visit_of(())
        assert isinstance(visit, FlaskVisit)
        return guard.admit(visit)

    return admit


def add_session_to_templates(
    app: flask.Flask,
    *,
    session_type: type[Session] = Session,
    client: AnyClient | None = None,
    **options: "Unpack[Options]",
) -> None:
    """Templates write `{{ nextauth_session() }}` into `<head>`: the element that gives the page its session.

    It is what `session_script` gives, for whoever sent the request, and nothing where that cannot be known: then the
    page asks by itself. The answer says that no cache may give it to somebody else. Options are those of
    `login_required` that say how the session is found: `secret`, `cache`, `base_url` and the like.
    """
    finder = Finder(session_type, client, **options)

    def nextauth_session() -> str:
        visit = FlaskVisit(flask)
        try:
            return session_script(finder.find_sync(visit.request))
        except (NextAuthError, BadCookie):
            return ""

    app.add_template_global(nextauth_session)
