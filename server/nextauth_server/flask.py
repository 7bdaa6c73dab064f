"""For Flask: a guard for all views of a blueprint or an app. Single views take `login_required`."""

from collections.abc import Callable, Iterable
from typing import TYPE_CHECKING, Any

from nextauth_client.session import Session

from .finding import AnyClient, Options
from .guards import Guard
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
    files and `/favicon.ico`, too.
    """
    guard = Guard(session_type, client, allowed_origins, **options)

    def admit() -> Any:
        visit = visit_of(())
        assert isinstance(visit, FlaskVisit)
        return guard.admit(visit)

    return admit
