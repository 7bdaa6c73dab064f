"""Requests to guarded views of each framework, and how they are answered. Knows nothing of sessions' rules."""

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any
from urllib.parse import quote

from nextauth_client.session import Session

from .answers import DEPENDS_ON_COOKIE, mark_answers_of_django, mark_answers_of_flask, mark_private, refuse_late
from .requests import paths_of

if TYPE_CHECKING:
    from starlette.requests import HTTPConnection

# What a path may hold unescaped.
_PATH = "/!$&'()*+,;=:@"


class ASGIVisit:
    """A request to a FastAPI view; the answer is an exception."""

    def __init__(self, connection: "HTTPConnection") -> None:
        self.request = connection
        self.is_websocket = connection.scope["type"] == "websocket"
        self.method: str = connection.scope.get("method", "GET")

    @property
    def path(self) -> str:
        query = self.request.scope.get("query_string", b"").decode("latin-1")
        return quote("".join(paths_of(self.request.scope)), safe=_PATH) + (f"?{query}" if query else "")

    def header(self, name: str) -> str:
        return ", ".join(self.request.headers.getlist(name))


class EnvironVisit:
    """What Django and Flask share: a request whose headers are in a WSGI environ."""

    def __init__(self, environ: Mapping[str, Any]) -> None:
        self.environ = environ
        self.is_websocket = "websocket" in self.header("Upgrade").lower()
        self.method: str = environ.get("REQUEST_METHOD", "GET")

    def header(self, name: str) -> str:
        return str(self.environ.get("HTTP_" + name.upper().replace("-", "_"), ""))


class DjangoVisit(EnvironVisit):
    """A request to a Django view, and how to answer it."""

    def __init__(self, request: Any) -> None:
        super().__init__(request.META)
        refuse_late(request.META)
        request.META[DEPENDS_ON_COOKIE] = True
        vars(request)["_cache_update_cache"] = (
            False  # by Django's own cache, which may be inside of what marks the answer
        )
        mark_answers_of_django()
        self.request = request
        self.path: str = request.get_full_path()

    def keep(self, session: Session) -> None:
        self.request.nextauth_session = session

    def answered(self, response: Any) -> Any:
        if hasattr(response, "headers"):  # else Django says what is wrong with it
            mark_private(response.headers)
        return response  # the pages of errors are marked where they are made

    def respond(self, status: int, text: str, headers: dict[str, str]) -> Any:
        from django.http import HttpResponse  # type: ignore[import-untyped]

        return HttpResponse(text, status=status, headers=headers)


class FlaskVisit(EnvironVisit):
    """The request that a Flask view is called for, and how to answer it."""

    def __init__(self, flask: Any) -> None:
        self._flask = flask
        self.request: dict[str, Any] = flask.request.environ
        super().__init__(self.request)
        path = self.request.get("SCRIPT_NAME", "") + self.request.get("PATH_INFO", "")
        query = self.request.get("QUERY_STRING", "")
        self.path = quote(path.encode("latin-1"), safe=_PATH) + (f"?{query}" if query else "")
        refuse_late(self.request)
        self.request[DEPENDS_ON_COOKIE] = True
        mark_answers_of_flask()

    def keep(self, session: Session) -> None:
        self._flask.g.nextauth_session = session

    def answered(self, response: Any) -> Any:
        return response  # marked when the request ends, as are the pages of errors

    def respond(self, status: int, text: str, headers: dict[str, str]) -> Any:
        return self._flask.Response(text, status=status, headers=headers)


Visit = ASGIVisit | DjangoVisit | FlaskVisit


def visit_of(args: tuple[Any, ...]) -> DjangoVisit | FlaskVisit:
    if args and hasattr(args[0], "META"):
        return DjangoVisit(args[0])
    try:
        import flask
    except ImportError:
        flask = None  # type: ignore[assignment]
    if flask is None or not flask.has_request_context():
        raise TypeError(
            "login_required guards views of Django and Flask. "
            "In FastAPI use session_dependency(), elsewhere get_session(request)."
        )
    return FlaskVisit(flask)


def wants_html(visit: Visit) -> bool:
    """Browsers name HTML when they open a page, and not when a script fetches something."""
    return "text/html" in visit.header("Accept").lower()
