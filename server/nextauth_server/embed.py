"""The session in a page of the server's own. Knows nothing of requests."""

import json
import math
import time
from typing import Any

from nextauth_client.session import Session

from .questions import ASKED_AT


class _HTML(str):
    """Text that templates of Jinja and Django do not escape again."""

    __slots__ = ()

    def __html__(self) -> str:
        return self


# Escaped in JSON, none of these can end the script element, begin a comment, or be read as an entity.
_ESCAPES = {"<": "\\u003c", ">": "\\u003e", "&": "\\u0026"}
_ENCODER = json.JSONEncoder(separators=(",", ":"), allow_nan=False)


def session_script(session: Session | None) -> str:
    """The element that gives the page's `Provider` its session with no request: put it into the page's `<head>`.

    `None` says that nobody is signed in. Templates of Jinja and Django do not escape the result again. It says when
    that was true (`data-at`, Unix seconds), so that a page which was kept or fetched ahead shows nobody who has left
    since: when the backend was asked, or now for `None` and for a session that `get_session` did not give.

    NaN and Infinity, which JSON cannot say, become `null`, as JavaScript writes them.
    """
    if session is not None and not isinstance(session, Session):
        raise TypeError("session_script takes what get_session gave: a Session, or None for nobody")
    # Not ASCII is escaped too, U+2028 and U+2029 among it.
    text = json_text(None if session is None else session.to_dict())
    for char, escape in _ESCAPES.items():
        text = text.replace(char, escape)
    at = time.time() if session is None else vars(session).get(ASKED_AT, time.time())
    return _HTML(f'<script type="application/json" id="nextauth-session" data-at="{at:.3f}">{text}</script>')


def json_text(data: Any) -> str:
    """As JavaScript writes it: NaN and Infinity, which JSON cannot say, become `null`."""
    try:
        return _ENCODER.encode(data)
    except ValueError:
        return _ENCODER.encode(_finite(data))


def _finite(value: Any) -> Any:
    if isinstance(value, dict):
        return {key: _finite(item) for key, item in value.items()}
    if isinstance(value, (list, tuple)):
        return [_finite(item) for item in value]
    return None if isinstance(value, float) and not math.isfinite(value) else value
