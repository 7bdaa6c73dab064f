"""What a driver has received and done lately, for people: in words, with what can be told from it.

Knows why the backend was asked last and what came, who holds the lock, and what other tabs have said. No page.
"""

from collections import namedtuple

from . import messages
from .console import report
from .events import UNSET
from .messages import MOST
from .tasks import ignore

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any, Callable, Optional

    from .driver import Driver
    from .errors import NextAuthError

LONGEST = 500  # entries; the oldest go first
MOST_TABS = 2 * MOST
LONGEST_TEXT = 40  # characters, of what a server or a tab has said

# When (Unix seconds), the event and its effects; and after it who was signed in, and the reason.
Entry = namedtuple("Entry", ("at", "event", "effects", "session", "reason"))
# A button of the developer tools, in the place of an event: its name, and whether it was turned on.
Pressed = namedtuple("Pressed", ("button", "on"))

WHY = {
    "Start": "the page has been opened",
    "Configured": "the page's own Provider has started",
    "Refresh": "get_session() or refresh() was called",
    "StaleRead": "what was read is older than client_max_age",
    "Refused": "an API has answered 401",
    "Focus": "the page has got or lost the focus",
    "Visibility": "the page has been shown or hidden",
    "Network": "the browser is online again",
    "PageShow": "the page is back out of the browser's cache",
    "ForeignChange": "a JavaScript client has said that something changed",
    "EpochStored": "another tab has signed in or out, or updated",
    "MutationEnded": "a sign-in, sign-out or update of this tab has ended",
    "UseStored": "somebody has come back after a sign-out for want of use",
}
HEARD = {
    "end": "another tab has signed in or out, or updated",
    "changed": "somebody has signed in in another tab",
    "hello": "another Python of this page has started",
    "asking": "another tab was asking, and has not answered",
    "use": "somebody has come back in another tab",
}
FINDS_OUT = ("LockGranted", "LockBusy", "Answered")  # they go on with what another event began


class Asked:
    """A query: when it was sent (Unix seconds), why, and what came of it, after how many seconds."""

    def __init__(self, number: int, at: float, why: str) -> None:
        self.number = number
        self.at = at
        self.why = why
        self.came: "Optional[str]" = None
        self.took = 0.0


class Seen:
    """Another tab: its id, when it was heard last (Unix seconds), with what, and whom it knows to be signed in."""

    def __init__(self, tab: str) -> None:
        self.tab = tab
        self.at = 0.0
        self.said = ""
        self.knows = "not told yet"


class Timeline:
    """Follows a driver until `close()`.

    - `entries`: oldest first
    - `asked`: the newest query that this tab sent, or `None`
    - `lock`: "nobody", "this tab" or "another tab", as far as this tab knows
    - `tabs`: by id, those that were heard
    - `used_at`: the newest use of any tab that was heard of (Unix seconds), or 0
    - `began_at`, `began_with`, `began_in`: when it began, who was signed in, and how many seconds they had left
    - `on_entry`: called with each new entry
    """

    def __init__(self, driver: "Driver") -> None:
        self.driver = driver
        self.on_entry: "Callable[[Entry], object]" = ignore
        self.asked: "Optional[Asked]" = None
        self.lock = "nobody"
        self.tabs: "dict[str, Seen]" = {}
        self.used_at = 0.0
        self._why = ""
        self._is_trying = False  # to get the lock, for what is to be asked
        self.clear()
        for steps in _followed:
            if steps.driver is driver:
                break
        else:
            steps = _Steps(driver)
        steps.timelines.append(self)
        self._steps = steps

    def clear(self) -> None:
        """Begin anew; what is known of the last query and the tabs stays."""
        now, machine = self.driver.host.now(), self.driver.machine
        self.entries: "list[Entry]" = []
        self.began_at = now
        self.began_with = machine.view.session
        self.began_in = machine.view.seconds_left(now)

    def close(self) -> None:
        """Twice does no harm."""
        self._steps.forget(self)

    def note(self, button: str, on: bool) -> None:
        """A button of the developer tools was pressed."""
        self._add(Pressed(button, on), [])

    # ── what happens ─────────────────────────────────────────────────────────────────────────────

    def hear(self, event: "Any", effects: "list[Any]") -> None:
        try:
            self._follow(event, effects)
        except Exception as error:  # the driver goes on, whatever a tab has said
            report(error, "the developer tools")

    def _follow(self, event: "Any", effects: "list[Any]") -> None:
        now = self.driver.host.now()
        name = type(event).__name__
        self._follow_lock(name, effects)
        if name == "Heard":
            self._hear(messages.read(event.message), now)
        elif name in ("Used", "SignedIn"):
            self.used_at = now
        self._follow_queries(event, name, effects, now)
        self._add(event, effects)

    def _add(self, event: "Any", effects: "list[Any]") -> None:
        machine = self.driver.machine
        entry = Entry(self.driver.host.now(), event, effects, machine.view.session, machine.view.reason)
        self.entries.append(entry)
        if len(self.entries) > LONGEST:
            gone = self.entries.pop(0)
            self.began_at, self.began_with, self.began_in = self.entries[0].at, gone.session, None
        self.on_entry(entry)

    def _follow_lock(self, name: str, effects: "list[Any]") -> None:
        if name == "LockGranted":
            self.lock = "this tab"
        elif name == "LockBusy":
            self.lock = "another tab"
        if "ReleaseLock" in [type(effect).__name__ for effect in effects]:
            self.lock = "nobody"

    def _follow_queries(self, event: "Any", name: str, effects: "list[Any]", now: float) -> None:
        asked = self.asked
        if name == "Answered" and asked is not None and event.query == asked.number and asked.came is None:
            asked.came = outcome(event.session, event.error)
            asked.took = now - asked.at
        wants = [effect for effect in effects if type(effect).__name__ in ("TryLock", "SendQuery")]
        if not wants:
            return
        if name not in FINDS_OUT and not (name == "Tick" and self._is_trying):
            self._why = self._why_asked(event, name, now)
        sent = [effect for effect in wants if type(effect).__name__ == "SendQuery"]
        self._is_trying = not sent
        if sent:
            self.asked = Asked(sent[0].query, now, self._why or "what was asked before has to be asked again")

    def _why_asked(self, event: "Any", name: str, now: float) -> str:
        if name == "Heard":
            kind = event.message.get("type") if isinstance(event.message, dict) else None
            return (
                HEARD.get(kind, "what another tab has told") if isinstance(kind, str) else "what another tab has told"
            )
        if name == "Tick":
            machine = self.driver.machine
            if machine.view.error is not None:
                return "a failed request is tried again"
            if machine.view.session is not None and machine.view.seconds_left(now) == 0:
                return "the session has come to its end"
            return "keep_alive" if machine.options.keep_alive else "nobody else has answered in time"
        return WHY.get(name, name)

    def _hear(self, message: "Any", now: float) -> None:
        if message is None:
            return  # no message of ours
        tab = message.stamp[1]
        seen = self.tabs.pop(tab, None)
        if seen is None:
            seen = Seen(tab)
            if len(self.tabs) >= MOST_TABS:
                del self.tabs[min(self.tabs.values(), key=lambda other: other.at).tab]
        self.tabs[tab] = seen
        seen.at = now
        seen.said = type(message).__name__.lower()
        if seen.said == "use":
            self.used_at = max(self.used_at, min(message.at, now))
        answer = message if seen.said == "answer" else message.answer if seen.said == "end" else None
        if answer is not None:
            seen.knows = outcome(answer.session, answer.error)
            if self.lock == "another tab":
                self.lock = "nobody"  # whoever was answered lets it go
        elif seen.said == "end" and message.outcome == "changed":
            seen.knows = "is asking"


class _Steps:
    """A driver's steps, told to the timelines that follow it, in whatever order they end."""

    def __init__(self, driver: "Driver") -> None:
        self.driver = driver
        self.timelines: "list[Timeline]" = []
        self._before = driver.on_step
        driver.on_step = self._tell
        _followed.append(self)

    def _tell(self, event: "Any", effects: "list[Any]") -> None:
        self._before(event, effects)
        for timeline in list(self.timelines):
            timeline.hear(event, effects)

    def forget(self, timeline: Timeline) -> None:
        if timeline in self.timelines:
            self.timelines.remove(timeline)
            if not self.timelines:
                self.driver.on_step = self._before
                _followed.remove(self)


_followed: "list[_Steps]" = []


# ── in words ─────────────────────────────────────────────────────────────────────────────────────


def name_of(session: "Any") -> str:
    """Of whom it is, as short as can be: a backend puts anything there."""
    user = session.get("user") if isinstance(session, dict) else None
    for key in ("name", "email", "id"):
        value = user.get(key) if isinstance(user, dict) else None
        if isinstance(value, (str, int)) and value:
            return short(str(value))
    return "somebody"


def short(text: str) -> str:
    """On one line, and cut off."""
    text = " ".join(text.split())
    return text if len(text) <= LONGEST_TEXT else text[: LONGEST_TEXT - 1] + "…"


def outcome(session: "Any", error: "Optional[NextAuthError]") -> str:
    if error is not None:
        return short(str(error.code))
    return "nobody" if session is None else name_of(session)


class _Word:
    """Stands in the place of a value, in the text that shows what it is in."""

    def __init__(self, text: str) -> None:
        self._text = text

    def __repr__(self) -> str:
        return self._text


def words(happened: "Any", is_private: bool = False) -> str:
    """An event or effect as Python shows it, without what a session holds; `is_private`: without anybody's name."""
    if not isinstance(happened, tuple):
        return "?"
    make: "Any" = type(happened)
    return repr(make(*[_Word(_word(value, is_private)) for value in happened]))


def _word(value: "Any", is_private: bool) -> str:
    if value is None or value is UNSET or isinstance(value, (bool, int)):
        return repr(value)
    if isinstance(value, float):
        return f"{value:.3f}"
    if isinstance(value, dict):
        return _word_of_message(value, is_private) if "type" in value else _person(value, is_private)
    if isinstance(value, (list, tuple)):
        return f"{len(value)} of them" if len(value) != 1 else _word(value[0], is_private)
    if isinstance(value, str):
        return _plain(value)
    return _plain(str(getattr(value, "code", "…")))


def _person(session: "Any", is_private: bool) -> str:
    return "somebody" if is_private else name_of(session)


def _word_of_message(message: "dict[str, Any]", is_private: bool) -> str:
    read = messages.read(message)
    if read is None:
        return "what is no message"
    kind = type(read).__name__.lower()
    answer = read if kind == "answer" else read.answer if kind == "end" else None
    said = f"{kind} of {_plain(read.stamp[1])[:4]}"
    if kind == "end":
        said += ": " + _plain(str(read.outcome))
    if answer is not None:
        is_nobody = answer.session is None
        said += ": " + (_plain(str(answer.error.code)) if answer.error else "nobody" if is_nobody else "")
        if not is_nobody:
            said += _person(answer.session, is_private)
    return said


def _plain(text: str) -> str:
    """What is said between tabs may come from any script of the origin, and is copied into Python."""
    kept = "".join([char for char in text if " " <= char <= "~"])
    return short(kept)
