"""What tabs tell each other: written here, and read here, so that a wrong shape ends here.

JSON objects; docs/synchroniser.md has the table. A message that is read is plausible in shape, and no more: it may come
from any script of the origin.
"""

from collections import namedtuple

from .errors import revive
from .session import is_session

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any, Optional

    from .errors import NextAuthError
    from .stamps import Stamp

    Data = Optional[dict[str, Any]]

# Times in Unix seconds. `told`: since when the sender knew that something changed, or None; `about`: the identities of
# what had told it so. `error` is None, or else there is no session. `reason`: why there is none, for who hears it; ""
# is a word that is not known here, and None says nothing.
Answer = namedtuple("Answer", ("stamp", "asked", "told", "about", "session", "ends", "error", "reason"))
Start = namedtuple("Start", ("stamp",))
# `answer` comes with the outcome "adopt", with the stamp of the end; `sent` is the stamp of the POST.
End = namedtuple("End", ("stamp", "start", "outcome", "sent", "answer"))
Changed = namedtuple("Changed", ("stamp",))
# From a Python that starts: `since` is when its page was navigated to, or it as a worker made (`in_worker`).
Hello = namedtuple("Hello", ("stamp", "since", "in_worker"))
# Somebody used a tab at Unix seconds `at`; `anew`: by signing in.
Use = namedtuple("Use", ("stamp", "at", "anew"))
Asking = namedtuple("Asking", ("stamp",))  # the answer to that: of the query in flight

# What the reason of the tab that tells it is in those that hear it.
ELSEWHERE = {word: word for word in ("signed_out_elsewhere", "expired", "revoked", "idle")}
ELSEWHERE["signed_out"] = "signed_out_elsewhere"
MOST = 16  # identities in a message, and that a tab remembers


def answer(query: "Any", session: "Data", ends: "Optional[float]", reason: "Optional[str]" = None) -> "Any":
    """`query` has `stamp`, `asked`, `told` and `about`; `reason` is why nobody is signed in, in this tab."""
    return _answer(query, {"session": session, "ends": ends, "reason": reason})


def failure(query: "Any", error: "NextAuthError") -> "Any":
    return _answer(query, {"error": [error.code, error.message]})


def _answer(query: "Any", outcome: "dict[str, Any]") -> "Any":
    message = {"type": "answer", "asked": query.asked, "told": query.told, "about": query.about}
    message["stamp"] = list(query.stamp)
    message.update(outcome)
    return message


def start(stamp: "Stamp") -> "Any":
    return {"type": "start", "stamp": list(stamp)}


def end(stamp: "Stamp", start: "Stamp", outcome: str) -> "Any":
    return {"type": "end", "stamp": list(stamp), "start": list(start), "outcome": outcome}


def end_with_answer(
    stamp: "Stamp",
    start: "Stamp",
    outcome: str,
    sent: "Stamp",
    asked: float,
    session: "Data",
    ends: "Optional[float]",
    reason: "Optional[str]",
) -> "Any":
    message = end(stamp, start, outcome)
    message.update({"sent": list(sent), "asked": asked, "session": session, "ends": ends, "reason": reason})
    return message


def changed(stamp: "Stamp") -> "Any":
    return {"type": "changed", "stamp": list(stamp)}


def hello(stamp: "Stamp", since: float, in_worker: bool) -> "Any":
    return {"type": "hello", "stamp": list(stamp), "since": since, "in_worker": in_worker}


def asking(stamp: "Stamp") -> "Any":
    return {"type": "asking", "stamp": list(stamp)}


def use(stamp: "Stamp", at: float, anew: bool) -> "Any":
    return {"type": "use", "stamp": list(stamp), "at": at, "anew": anew}


def read(message: "Any") -> "Any":
    """One of these, or `None` for anything else."""
    stamp = read_stamp(message.get("stamp")) if isinstance(message, dict) else None
    if stamp is None:
        return None
    kind = message.get("type")
    if kind == "answer":
        return _read_answer(message, stamp)
    if kind == "start":
        return Start(stamp)
    if kind == "end":
        sent, began = read_stamp(message.get("sent")), read_stamp(message.get("start"))
        return End(stamp, began, message.get("outcome"), sent, _read_answer(message, stamp))
    if kind == "hello":
        since = message.get("since")
        return Hello(stamp, since, message.get("in_worker") is True) if _is_number(since) else None
    if kind == "use":
        at = message.get("at")
        return Use(stamp, at, message.get("anew") is True) if _is_number(at) else None
    if kind == "asking":
        return Asking(stamp)
    return Changed(stamp) if kind == "changed" else None


def read_stamp(value: "Any") -> "Optional[Stamp]":
    if not isinstance(value, list) or len(value) != 2 or not isinstance(value[1], str) or not _is_number(value[0]):
        return None
    return (int(value[0]), value[1])


def _read_answer(message: "dict[str, Any]", stamp: "Stamp") -> "Optional[Answer]":
    asked, told, ends, error = [message.get(name) for name in ("asked", "told", "ends", "error")]
    if not _is_number(asked):
        return None
    told = told if _is_number(told) else None
    about = message.get("about")
    about = [text for text in about if isinstance(text, str)][:MOST] if isinstance(about, list) else []
    if isinstance(error, list) and len(error) == 2 and all(isinstance(part, str) for part in error):
        return Answer(stamp, asked, told, about, None, None, revive(error[0], error[1]), None)
    if "session" not in message or not (message["session"] is None or is_session(message["session"])):
        return None
    reason = message.get("reason")
    reason = None if reason is None else ELSEWHERE.get(reason, "") if isinstance(reason, str) else ""
    return Answer(stamp, asked, told, about, message["session"], ends if _is_number(ends) else None, None, reason)


def _is_number(value: "Any") -> bool:
    return isinstance(value, (int, float)) and not isinstance(value, bool) and value == value and abs(value) < 1e17
