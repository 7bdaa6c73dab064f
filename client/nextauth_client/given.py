"""What a page knows before its first query: a session that was given, and what came with the page itself.

Says what that is and how old. Knows no machine, which decides whether it is shown and asked for (rule 10).
"""

from . import events
from .console import warn_once
from .errors import UnexpectedAnswer
from .host import Answer
from .view import ended_between

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any, Optional

    from .flows import Wire
    from .host import EarlyQuery, Host

KEPT = 60.0  # seconds; a page that says it is older than its navigation by more was kept somewhere


def aged(host: "Host", given: "Any", rendered_at: "Optional[float]" = None) -> "tuple[Any, float, bool]":
    """What is known, when it was true (Unix seconds), and whether nobody has to be asked: as `events.Start` has them.

    The server may have said when it rendered it; its clock may be another. A page that was fetched ahead, or comes
    out of a cache, is older than its navigation. It says nothing once a JS client has told of a change.
    """
    made_at, fresh = host.made_at(), host.is_fresh()
    if not fresh:
        made_at = rendered_at or 0.0
    elif rendered_at is not None:
        fresh = rendered_at > made_at - KEPT
        made_at = min(made_at, rendered_at)
    if given is not events.UNSET and host.said_by_js_clients(made_at):
        given = events.UNSET
    return given, made_at, fresh


def embedded(host: "Host", wire: "Wire") -> "tuple[Any, Optional[float]]":
    """The session that the server put into the page, or `UNSET`, and when it says that was (Unix seconds)."""
    found = host.embedded_session()
    if found is not None:
        text, rendered_at = found
        try:
            return wire.understand_session(Answer(200, text)), rendered_at
        except UnexpectedAnswer:
            warn_once("#nextauth-session holds no session, so the backend is asked. Write it with session_script().")
    return events.UNSET, None


def early_answer(early: "EarlyQuery", wire: "Wire", now: float) -> "Optional[events.Answered]":
    """What came of a query that was over before Python ran; `None` if that says nothing, or nothing any more."""
    answer = early.answer
    if answer is None:
        return None
    try:
        session = wire.understand_session(answer)
    except UnexpectedAnswer:
        return None
    date = answer.date
    if date is not None:
        # Since it came the backend's clock has gone on too, even if this page's was set back.
        then, date = date, date + max(0.0, now - early.came_at)
        if ended_between(session, then, date):
            return None  # while Python was loading
    return events.Answered(events.EARLY, session, None, date)
