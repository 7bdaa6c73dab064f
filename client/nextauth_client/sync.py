"""When to ask the backend, what an answer means, and what the tabs tell each other: a pure state machine.

`Machine.receive(event, now)` takes an event and the wall clock (Unix seconds) and returns a list of effects to carry
out, in order. It does no I/O and has no clock of its own, so that every rule can be shown with virtual time.
docs/synchroniser.md has the rules by number and the tables of events, effects and messages; comments name the rules.
"""

from collections import namedtuple

from .errors import BackendUnreachable, revive
from .times import parse_iso

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any, Callable, Optional

    from .errors import NextAuthError

    Stamp = tuple[int, str]  # milliseconds (or more, see _next_stamp), and the tab that made it
    Data = Optional[dict[str, Any]]

# ── events ───────────────────────────────────────────────────────────────────────────────────────
# `given` is UNSET, None or session data that was true at Unix seconds `made_at`, which is 0 where nobody knows
# `landed`: a sign-in that left a page of this tab may have ended here
Start = namedtuple("Start", ("given", "made_at", "epoch", "landed"))
AskedEarly = namedtuple("AskedEarly", ("asked_at",))  # before Start: since then EARLY is in the air
Answered = namedtuple("Answered", ("question", "session", "error", "date"))  # error: NextAuthError or None
Refresh = namedtuple("Refresh", ("ticket",))  # an explicit get_session() or refresh()
StaleRead = namedtuple("StaleRead", ())  # something reads the session
Focus = namedtuple("Focus", ())  # focus gained or lost
Visibility = namedtuple("Visibility", ("visible",))
Network = namedtuple("Network", ("online",))
PageHide = namedtuple("PageHide", ())
PageShow = namedtuple("PageShow", ("epoch",))  # back from bfcache
Tick = namedtuple("Tick", ())  # the time of a Wake effect has come
ChangeStarted = namedtuple("ChangeStarted", ("change",))  # before each request of a sign-in, sign-out or update
ChangeEnded = namedtuple("ChangeEnded", ("change", "outcome", "session", "date"))  # outcome: one of the four below
Heard = namedtuple("Heard", ("message",))  # from another tab of ours: untrusted, any shape
EpochStored = namedtuple("EpochStored", ("epoch",))  # another page wrote the key; only sent where there is no channel
ForeignChange = namedtuple("ForeignChange", ())  # a JS client says "something changed"
LockGranted = namedtuple("LockGranted", ())
LockBusy = namedtuple("LockBusy", ())
Failed = namedtuple("Failed", ("error",))  # an action failed and nobody was waiting for it
Stop = namedtuple("Stop", ())

# How a change ended: the backend refused it or never got it; it may be done, and this page asks; the answer brought
# the session; this page goes away, and another asks.
NOTHING, CHANGED, ADOPT, LEAVING = "nothing", "changed", "adopt", "leaving"

# ── effects ──────────────────────────────────────────────────────────────────────────────────────
Ask = namedtuple("Ask", ("question",))  # GET /session, and report Answered(question, ...)
Abort = namedtuple("Abort", ("question",))  # give up a question; nothing is reported for it
Settle = namedtuple("Settle", ("tickets", "error"))  # callers' tickets are answered by the state, or by an error
Publish = namedtuple("Publish", ("message",))  # a dict of plain data, to the other tabs
StoreEpoch = namedtuple("StoreEpoch", ("epoch",))
TellOthers = namedtuple("TellOthers", ("trigger",))  # the JS clients' own message forms
TryLock = namedtuple("TryLock", ())  # report LockGranted or LockBusy; without locks or channel always LockGranted
ReleaseLock = namedtuple("ReleaseLock", ())
Wake = namedtuple("Wake", ("seconds",))  # report Tick in so many seconds; replaces the one before; None: never
Warn = namedtuple("Warn", ("text",))

UNSET = object()
STOPPED = "The Provider was stopped before the backend answered."
EARLY = 0  # the number of the question that was asked before Python ran
NEVER: "Stamp" = (0, "")

TICK = 5.0  # seconds; the longest a tab sleeps while it has a deadline, so that a laptop's sleep does not matter
SAME_MOMENT = 0.1  # how much earlier than this tab another may have heard the same trigger: rule 4
BURST = 1.0  # focus events within a second are one: rule 6
HEAD_START = 0.5  # what all tabs want at one moment, the tab that asked last asks first: rule 4
LOCK_RETRY = 0.2
STUCK_SPREAD = 2.0
LAG = 1.0  # tabs whose stamps differ by less see the same clock
LONGEST_BACKOFF = 30.0
DAY = 86400.0

# What a Machine remembers of the clock; None is never.
_TIMES = (
    "_came_at",
    "_corrected_at",
    "_something_changed",
    "_expected_until",
    "_lock_again",
    "_without_lock_at",
    "_retry_at",
    "_keep_alive_at",
    "_expires_at",
    "_over_at",
    "_wake",
)

# What a Machine that replaces another goes on with.
_HANDED_OVER = (
    "session",
    "loading",
    "error",
    "_came_at",
    "_clock",
    "_highest",
    "_ahead",
    "_lost_time",
    "_epoch",
    "_shown",
    "_failed",
    "_action_failed",
    "_expires_at",
    "_over_at",
    "_visible",
    "_online",
    "_landed",
)


def ended_between(session: "Data", since: float, now: float) -> bool:
    """Whether it expires after the one and not after the other: Unix seconds on the backend's clock."""
    expires = None if session is None else parse_iso(session.get("expires"))
    return expires is not None and since < expires <= now


class Question:
    """A `GET /session` in the air."""

    def __init__(
        self, number: int, stamp: "Stamp", asked: float, told: "Optional[float]", tickets: "list[int]"
    ) -> None:
        self.number = number
        self.stamp = stamp
        self.asked = asked
        self.told = told  # since when something was known to have changed, if it was asked for that
        self.tickets = tickets


class Options:
    """What a Provider was told, in seconds."""

    def __init__(
        self,
        client_max_age: float = 0,
        keep_alive: float = 0,
        timeout: float = 10,
        refetch_on_focus: bool = True,
    ) -> None:
        self.client_max_age = client_max_age
        self.keep_alive = keep_alive
        self.timeout = timeout
        self.refetch_on_focus = refetch_on_focus


class Machine:
    """One tab's view: who is signed in (`session`, `loading`, `error`, `refreshing`), and when to ask again."""

    def __init__(self, tab: str, options: Options, random: "Callable[[], float]") -> None:
        self.tab = tab
        self.options = options
        self._random = random
        self._effects: "list[Any]" = []
        self._clock = 0.0  # as last seen

        # What readers see.
        self.session: "Data" = None
        self.loading = True
        self.error: "Optional[NextAuthError]" = None
        self._came_at = 0.0

        # Order across tabs: rule 2.
        self._highest = 0  # of all stamps seen
        self._ahead = 0.0  # milliseconds by which stamps are ahead of the clock, since it was set back
        self._corrected_at: "Optional[float]" = None  # the tabs whose stamps are behind
        self._lost_time = False  # it was since the newest outcome; nobody knows how long ago that is
        self._epoch = NEVER  # the end of the newest change
        self._shown = NEVER  # the question whose answer is shown
        self._failed = NEVER  # the newest question that failed
        self._action_failed = NEVER  # what was asked before says nothing of that failure
        self._changes: "dict[Stamp, float]" = {}  # under way: start -> the time it is given up
        # Start, and when the last request left.
        self._own_changes: "dict[object, tuple[Stamp, Stamp, float]]" = {}

        # What is in the air, and what is wanted: rules 3 and 4.
        self._in_air: "list[Question]" = []
        self._numbers = 0
        self._tickets: "list[int]" = []
        self._must_ask = False  # a question of this tab's own, as for a ticket, that nobody awaits
        self._time_passed = False  # any answer that comes will do
        self._something_changed: "Optional[float]" = None  # since then; only a later question will do
        self._expected = NEVER  # another tab asks after this change ...
        self._expected_until: "Optional[float]" = None  # ... and has so long for it
        self._lock = "free"  # "free", "trying" or "held"
        self._lock_was_busy = False
        self._lock_again = 0.0
        self._without_lock_at: "Optional[float]" = None  # not None: waiting for the lock

        # Time: rules 1, 6 and 7.
        self._attempts = 0
        self._retry_at: "Optional[float]" = None
        self._keep_alive_at: "Optional[float]" = None
        self._expires_at: "Optional[float]" = None  # on this tab's clock
        self._over_at: "Optional[float]" = None
        self._wake: "Optional[float]" = None
        self._warned: "list[str]" = []  # of these options

        self._visible = True
        self._online = True
        self._present = False  # started, not in bfcache, not stopped
        self._landed = False  # and nobody has been told yet

    @property
    def asking(self) -> bool:
        """Whether a question is under way."""
        return bool(self._in_air)

    @property
    def refreshing(self) -> bool:
        """Whether a later question is under way."""
        return self.asking and not self.loading

    def take_over(self, other: "Machine") -> None:
        """What a Machine that this one replaces shows and has under way, before both of them go on."""
        for name in _HANDED_OVER:
            setattr(self, name, getattr(other, name))
        is_told = other._something_changed is not None or other._expected_until is not None
        wants = other._must_ask or other._time_passed or other._retry_at is not None
        for question in other._in_air:
            is_told = is_told or question.told is not None
            wants = True
        # The first question is Start's, unless the page brings the answer.
        self._must_ask = is_told or (wants and not other.loading)
        self._own_changes, other._own_changes = other._own_changes, {}
        for start, _, _ in self._own_changes.values():
            self._changes[start] = other._changes.pop(start, self._clock + DAY)
        self._changes.update(other._changes)

    # ── the one way in ───────────────────────────────────────────────────────────────────────────

    def receive(self, event: "Any", now: float) -> "list[Any]":
        """Take one event at wall clock `now` (Unix seconds); returns the effects to carry out, in order."""
        self._effects = []
        self._mind_the_clock(now)
        getattr(self, "_on_" + type(event).__name__)(event, now)
        if self._present:
            self._pass_time(now)
            self._ask_what_is_wanted(now)
            self._set_alarm(now)
        return self._effects

    # ── events ───────────────────────────────────────────────────────────────────────────────────

    def _on_AskedEarly(self, event: "Any", now: float) -> None:
        asked = min(event.asked_at, now)
        stamp = (int(asked * 1000), self.tab)
        self._see(stamp, now)
        self._in_air.append(Question(EARLY, stamp, asked, None, []))

    def _on_Start(self, event: "Any", now: float) -> None:
        self._present = True
        self._landed = self._landed or event.landed
        self._learn_epoch(event.epoch, now)
        if event.given is not UNSET:
            made_at = min(event.made_at, now)
            stamp = (int(made_at * 1000), self.tab)
            self._see(stamp, now)
            # Rule 10: unless a change has ended since it was made.
            if self._show(stamp, made_at, event.given, self._end_of(event.given, None, made_at, now), now):
                self._came_at = made_at
                self._must_ask = self._must_ask or made_at <= 0  # nobody knows how old it is
                if event.landed:
                    self._say_changed(now)
                    self._tell_of_landing(event.given)
                return
        self._forget_what_is_over(now)
        if self.loading:
            self._must_ask = not self._in_air
        else:  # as taken over
            self._plan(self._expires_at, 0.0, now)

    def _on_Answered(self, event: "Any", now: float) -> None:
        for question in self._in_air:
            if question.number == event.question:
                break
        else:
            return  # given up meanwhile
        self._in_air.remove(question)
        error = event.error
        # Python may start long after an early answer came.
        if error is None and question.number != EARLY and now - question.asked > self.options.timeout + LAG:
            error = BackendUnreachable("The answer of the backend came too late to be believed.")  # the laptop slept
        message = {"type": "answer", "stamp": list(question.stamp), "asked": question.asked, "told": question.told}
        if error is None:
            ends = self._end_of(event.session, event.date, question.asked, now)
            message["session"], message["ends"] = event.session, ends
            self._show(question.stamp, question.asked, event.session, ends, now)
            self._tell_of_landing(event.session)
        else:
            message["error"] = [error.code, error.message]
            self._fail(question.stamp, error, now)
        self._effects.append(Publish(message))
        self._settle(question, error)

    def _on_Refresh(self, event: "Any", now: float) -> None:
        self._tickets.append(event.ticket)

    def _on_StaleRead(self, event: "Any", now: float) -> None:
        maximum = self.options.client_max_age
        # Counted from when it came, or an answer that takes longer than the maximum would never be young enough.
        if maximum and self.session is not None and self._retry_at is None and now - self._came_at > maximum:
            self._time_passed = True

    def _on_Focus(self, event: "Any", now: float) -> None:
        if self.options.refetch_on_focus:
            self._catch_up(now)

    def _on_Visibility(self, event: "Any", now: float) -> None:
        self._visible = event.visible
        if self.options.refetch_on_focus:
            self._catch_up(now)

    def _catch_up(self, now: float) -> None:
        if self._lost_time or self._moment(now) - max(self._shown, self._failed)[0] >= BURST * 1000:
            self._time_passed = True

    def _on_Network(self, event: "Any", now: float) -> None:
        self._online = event.online
        if event.online and self._retry_at is not None:
            self._retry_at = now

    def _on_PageHide(self, event: "Any", now: float) -> None:
        self._abort(now)
        self._release_lock()
        self._present = False
        # The ends of other tabs' changes will not be heard.
        self._changes = {start: until for start, until in self._changes.items() if start[1] == self.tab}
        self._expected_until = None
        self._without_lock_at = None
        self._set_wake(None, now)

    def _on_PageShow(self, event: "Any", now: float) -> None:
        self._present = True
        self._learn_epoch(event.epoch, now)
        self._forget_what_is_over(now)
        self._must_ask = True

    def _forget_what_is_over(self, now: float) -> None:
        """For a page that goes on after nobody minded it: whoever it shows may be signed out, or past `expires`."""
        is_over = self._over_at is not None or (self._expires_at is not None and now >= self._expires_at)
        if self._shown < self._epoch or is_over:
            self.session = None
            self.loading = True
            self._keep_alive_at = self._expires_at = self._over_at = None

    def _on_Stop(self, event: "Any", now: float) -> None:
        for change, (start, sent, _) in list(self._own_changes.items()):
            # It will not be carried on. What was posted may be done, and another tab asks.
            self._on_ChangeEnded(ChangeEnded(change, NOTHING if sent == start else LEAVING, None, None), now)
        self._on_PageHide(event, now)
        self._settle_all(BackendUnreachable(STOPPED))

    def _on_Tick(self, event: "Any", now: float) -> None:
        self._wake = None  # it has rung; _pass_time does what is due

    def _on_ChangeStarted(self, event: "Any", now: float) -> None:
        known = self._own_changes.get(event.change)
        sent = self._next_stamp(now)
        start = sent if known is None else known[0]
        self._own_changes[event.change] = (start, sent, now)
        self._hold(start, now + DAY, now)  # ours always ends: its requests have time-outs
        self._effects.append(Publish({"type": "start", "stamp": list(start)}))

    def _on_ChangeEnded(self, event: "Any", now: float) -> None:
        start, sent, sent_at = self._own_changes.pop(event.change)
        self._changes.pop(start, None)
        outcome, overlapped = event.outcome, self._knows_of_later(sent)
        if outcome == ADOPT and overlapped and event.session is not None:
            outcome = CHANGED
        end = self._next_stamp(now)
        message: "dict[str, Any]" = {"type": "end", "stamp": list(end), "start": list(start), "outcome": outcome}
        if outcome == ADOPT:
            ends = self._end_of(event.session, event.date, sent_at, now)
            message["sent"], message["asked"] = list(sent), sent_at
            message["session"], message["ends"] = event.session, ends
        self._effects.append(Publish(message))
        if outcome == NOTHING:
            return
        self._effects.append(StoreEpoch(end[0]))
        self._move_epoch(end, now)
        if outcome == ADOPT:
            self._satisfy(sent_at)
            self._show(end, now, event.session, ends, now)
            self._settle_by_end(overlapped, now)
        elif outcome == CHANGED:
            self._must_ask = True
        else:
            # The page goes away before this is over; should it stay (a download, a refused unload), it asks.
            self._expect(end, now)
        signed_out = outcome == ADOPT and event.session is None
        self._effects.append(TellOthers("signout" if signed_out else "getSession"))  # rule 5

    def _on_Heard(self, event: "Any", now: float) -> None:
        message = event.message
        stamp = self._stamp_in(message, "stamp", now)
        if stamp is None:
            return
        kind = message.get("type")
        if kind == "answer":
            self._hear_answer(message, stamp, now)
        elif kind == "start":
            self._hold(stamp, now + self.options.timeout, now)
        elif kind == "end":
            self._hear_end(message, stamp, now)
        elif kind == "changed":
            self._something_changed = now

    def _on_EpochStored(self, event: "Any", now: float) -> None:
        if self._learn_epoch(event.epoch, now):
            self._something_changed = now

    def _on_ForeignChange(self, event: "Any", now: float) -> None:
        self._something_changed = now

    def _on_LockGranted(self, event: "Any", now: float) -> None:
        self._lock = "held"
        if self._lock_was_busy:
            # Another tab asked meanwhile, and its answer may still be on its way here: look twice.
            self._lock_was_busy = False
            self._lock_again = now + SAME_MOMENT
            self._release_lock()
        elif not self._present:
            self._release_lock()

    def _on_LockBusy(self, event: "Any", now: float) -> None:
        self._lock = "free"
        self._lock_was_busy = True
        self._lock_again = now + LOCK_RETRY * (0.5 + self._random())

    def _on_Failed(self, event: "Any", now: float) -> None:
        self.error = event.error
        self._action_failed = self._next_stamp(now)

    # ── what the other tabs say ──────────────────────────────────────────────────────────────────

    def _hear_answer(self, message: "dict[str, Any]", stamp: "Stamp", now: float) -> bool:
        """Takes what another tab was answered; whether it made sense."""
        asked: "Any" = message.get("asked")
        if not _is_number(asked):
            return False
        behind = self._ahead - (stamp[0] - asked * 1000) > LAG * 1000
        if behind and (self._corrected_at is None or asked > self._corrected_at):
            # From a page opened after the clock was set back, whose stamps are behind ours: now it will know.
            self._say_changed(now)
            self._something_changed = self._corrected_at = now
        asked = min(asked, now)
        error = message.get("error")
        if isinstance(error, list) and len(error) == 2 and all(isinstance(part, str) for part in error):
            taken = self._fail(stamp, revive(error[0], error[1]), now)
        elif "session" in message and _is_session(message["session"]):
            ends = message.get("ends")
            taken = self._show(stamp, asked, message["session"], ends if _is_number(ends) else None, now)
            if taken and message["session"] is not None:
                self._tell_of_landing(message["session"])
        else:
            return False
        if taken:
            told: "Any" = message.get("told")
            # Rule 4: it may have heard of the same change a moment before us, and asked then.
            self._satisfy(max(asked, min(told, asked) + SAME_MOMENT) if _is_number(told) else asked)
        return True

    def _hear_end(self, message: "dict[str, Any]", end: "Stamp", now: float) -> None:
        start = self._stamp_in(message, "start", now)
        if start is not None and all(
            start != own for own, _, _ in self._own_changes.values()
        ):  # ours end by themselves
            self._changes.pop(start, None)
        outcome = message.get("outcome")
        if outcome == NOTHING or end == self._epoch:  # heard twice
            return
        if end < max(self._epoch, self._shown):
            # From a tab that has not heard the stamps we have, after a clock was set back.
            self._something_changed = now
            return
        sent = self._stamp_in(message, "sent", now)
        overlapped = sent is None or self._knows_of_later(sent)
        self._move_epoch(end, now)
        adopts = outcome == ADOPT and not (overlapped and message.get("session"))
        if adopts and self._hear_answer(message, end, now):
            self._settle_by_end(overlapped, now)
        elif outcome == CHANGED:
            self._expect(end, now)
        else:
            self._something_changed = now

    # ── what an answer means ─────────────────────────────────────────────────────────────────────

    def _show(self, stamp: "Stamp", asked: float, session: "Data", ends: "Optional[float]", now: float) -> bool:
        """Take an answer, of whichever tab, unless a newer one is known: rules 1 and 2."""
        if stamp < self._epoch or stamp <= self._shown:
            return False
        self._answer_came(stamp)
        for question in list(self._in_air):
            if question.stamp < stamp:  # whatever it brings is older
                self._in_air.remove(question)
                self._effects.append(Abort(question.number))
                if asked >= question.asked:
                    self._settle(question)
                else:  # the clock was set back meanwhile, so that stamps and times disagree: it is asked once more
                    self._tickets += question.tickets
                    if question.told is not None:
                        self._something_changed = question.asked
                    else:
                        self._must_ask = True
        self._shown = stamp
        self.session = session
        self.loading = False
        self._came_at = now
        later = 0.0 if stamp[1] == self.tab else HEAD_START * (0.5 + 0.5 * self._random())
        self._plan(ends, later, now)
        if stamp > max(self._failed, self._action_failed):
            self.error = None
        if stamp > self._failed:
            self._attempts = 0
            self._retry_at = None
        return True

    def _plan(self, ends: "Optional[float]", later: float, now: float) -> None:
        """The times of the session that is shown: rules 6 and 7."""
        self._expires_at = None if ends is None else ends + later
        self._over_at = None
        self._keep_alive_at = None
        if self.options.keep_alive and self.session is not None:
            self._keep_alive_at = now + self.options.keep_alive + later
        if ends is not None:
            self._warn_of_long_options(ends - now)

    def _fail(self, stamp: "Stamp", error: "NextAuthError", now: float) -> bool:
        """Take an unknown: who is signed in stays as it is, and is asked again later."""
        if stamp < self._epoch or stamp <= self._shown:
            return False
        newest = stamp > self._failed
        if newest:
            self._answer_came(stamp)
            self._failed = stamp
            self.error = error
        if newest or self._retry_at is None:
            delay = min(LONGEST_BACKOFF, 2.0**self._attempts)
            self._attempts = min(self._attempts + 1, 5)
            self._retry_at = now + delay * (0.5 + 0.5 * self._random())
        return True

    def _answer_came(self, stamp: "Stamp") -> None:
        if stamp > self._failed:  # else the retry of what failed since is still wanted
            self._time_passed = self._lost_time = False
        if stamp >= self._expected:
            self._expected_until = None

    def _satisfy(self, asked: float) -> None:
        """What was asked then tells of every change until then."""
        if self._something_changed is not None and asked >= self._something_changed:
            self._something_changed = None

    def _end_of(self, session: "Data", date: "Optional[float]", asked: float, now: float) -> "Optional[float]":
        """Rule 7: when it expires, on this tab's clock; what is missing, unparsable or was past is believed.

        Without the backend's clock, what was not past when it was asked for may be over when it comes.
        """
        expires = None if session is None else parse_iso(session.get("expires"))
        if expires is None or expires <= (asked if date is None else date):
            return None
        return max(now, expires) if date is None else now + expires - date

    def _warn_of_long_options(self, lifetime: float) -> None:
        for name in ("client_max_age", "keep_alive"):
            value = getattr(self.options, name)
            # The answer took a moment to come, so that a session of 60 s is seen with a little less.
            if value and value > lifetime - 1.5 and name not in self._warned:
                self._warned.append(name)
                self._effects.append(
                    Warn(
                        f"{name}={value} is not lower than the session's own lifetime of {round(lifetime)} seconds: "
                        f"the session can end before it is looked at. Choose less than {round(lifetime)}."
                    )
                )

    # ── changes ──────────────────────────────────────────────────────────────────────────────────

    def _hold(self, start: "Stamp", until: float, now: float) -> None:
        """Rule 2: between a change's start and its end no question may be in the air, in any tab."""
        self._changes[start] = until
        # What is aborted is wanted since the change began, so that its own answer will do for it.
        self._abort(min(now, (start[0] - self._ahead) / 1000))

    def _move_epoch(self, end: "Stamp", now: float) -> None:
        """Rule 2: what was asked before a change ended says nothing any more."""
        self._epoch = end
        self._abort(now, end)

    def _knows_of_later(self, sent: "Stamp") -> bool:
        """Whether the backend may have said or done something else after that POST left.

        Nobody knows in which order, so it is asked once more. Until then *nobody* is believed, a session is not.
        """
        return max(self._shown, self._epoch) > sent

    def _settle_by_end(self, overlapped: bool, now: float) -> None:
        if overlapped:
            self._something_changed = now
        else:
            self._settle_all()

    def _abort(self, since: float, before: "Optional[Stamp]" = None) -> None:
        for question in list(self._in_air):
            if before is None or question.stamp < before:
                self._in_air.remove(question)
                self._effects.append(Abort(question.number))
                self._tickets += question.tickets
                self._something_changed = max(since, self._something_changed or since)

    def _expect(self, end: "Stamp", now: float) -> None:
        if self._shown < end:
            self._expected = end
            self._expected_until = now + self.options.timeout

    # ── time ─────────────────────────────────────────────────────────────────────────────────────

    def _pass_time(self, now: float) -> None:
        """Do what has become due."""
        for start, until in list(self._changes.items()):
            if now >= until:  # its tab was closed, or is stuck
                del self._changes[start]
                self._something_changed = now
        if self._expected_until is not None and now >= self._expected_until:
            self._expected_until = None
            self._something_changed = now
        if self._retry_at is not None and now >= self._retry_at and self._visible and self._online:
            self._retry_at = None
            self._time_passed = True
        if self._keep_alive_at is not None and now >= self._keep_alive_at and self._online:
            self._keep_alive_at = now + self.options.keep_alive
            self._time_passed = True
        if self._expires_at is not None and now >= self._expires_at:
            self._expires_at = None
            self._over_at = now + self.options.timeout
            self._time_passed = True
        if self._over_at is not None and now >= self._over_at:
            # The one unknown that changes who is signed in; no backend said it, so it is not published.
            self._over_at = self._keep_alive_at = None
            self.session = None

    def _mind_the_clock(self, now: float) -> None:
        """When the wall clock is set back, no deadline may move away with it."""
        back = self._clock - now
        self._clock = now
        if back > 0:
            self._ahead += back * 1000
            self._lost_time = True
            for name in _TIMES:
                time = getattr(self, name)
                if time is not None:
                    setattr(self, name, time - back)
            for start in self._changes:
                self._changes[start] -= back
            for change, (start, sent, sent_at) in self._own_changes.items():
                self._own_changes[change] = (start, sent, sent_at - back)
            for question in self._in_air:
                question.asked -= back
                if question.told is not None:
                    question.told -= back
        if self._highest > (now + DAY) * 1000:
            # Set back by more than a day: newer pages would take our stamps for nonsense, and the order is lost.
            self._highest = 0
            self._ahead = 0.0
            self._epoch = self._shown = self._failed = self._action_failed = self._expected = NEVER
            self._abort(now)
            self._must_ask = True

    def _set_alarm(self, now: float) -> None:
        times: "list[Optional[float]]" = list(self._changes.values())
        times += [self._expected_until, self._expires_at, self._over_at, self._without_lock_at]
        if self._without_lock_at is not None and self._lock == "free":
            times.append(self._lock_again)
        if self._online:
            times.append(self._keep_alive_at)
            if self._visible:
                times.append(self._retry_at)
        due = [time for time in times if time is not None]
        self._set_wake(min(due) if due else None, now)

    def _set_wake(self, at: "Optional[float]", now: float) -> None:
        if at is not None:
            at = min(max(at, now), now + TICK)
            if self._wake is not None and now <= self._wake <= at:
                return  # it rings early enough
        if at != self._wake:
            self._wake = at
            self._effects.append(Wake(None if at is None else at - now))

    # ── asking ───────────────────────────────────────────────────────────────────────────────────

    def _ask_what_is_wanted(self, now: float) -> None:
        """Rules 2, 3 and 4."""
        may_ask = not self._changes and len(self._in_air) < 2
        if may_ask and (self._tickets or self._must_ask):
            self._ask(now)
            may_ask = len(self._in_air) < 2
        if any(question.stamp > self._failed for question in self._in_air):
            self._time_passed = False  # it joins
        if not may_ask or self._expected_until is not None:
            self._without_lock_at = None
        elif self._time_passed or self._something_changed is not None:
            self._ask_for_all(now)
        else:
            self._without_lock_at = None
        if not self._in_air:
            self._release_lock()

    def _ask_for_all(self, now: float) -> None:
        """Ask if no other tab does: rule 4."""
        if self._without_lock_at is None:
            # Whoever holds it has its answer by then; if it is stuck, the first of us asks for the others.
            self._without_lock_at = now + self.options.timeout + 1 + STUCK_SPREAD * self._random()
            # What was heard earlier, and could not be asked then, another tab may have asked meanwhile.
            self._lock_was_busy = self._something_changed is not None and self._something_changed < now
            self._lock_again = now
        if self._lock == "held" or now >= self._without_lock_at:
            self._ask(now)
        elif self._lock == "free" and now >= self._lock_again:
            self._lock = "trying"
            self._effects.append(TryLock())

    def _ask(self, now: float) -> None:
        self._numbers += 1
        question = Question(self._numbers, self._next_stamp(now), now, self._something_changed, self._tickets)
        self._in_air.append(question)
        self._effects.append(Ask(self._numbers))
        self._tickets = []
        self._must_ask = self._time_passed = False
        self._something_changed = self._without_lock_at = self._retry_at = None

    def _release_lock(self) -> None:
        if self._lock == "held":
            self._lock = "free"
            self._effects.append(ReleaseLock())

    def _settle(self, question: Question, error: "Optional[NextAuthError]" = None) -> None:
        if question.tickets:
            self._effects.append(Settle(question.tickets, error))
            if error is None:
                self._effects.append(TellOthers("getSession"))  # rule 5

    def _settle_all(self, error: "Optional[NextAuthError]" = None) -> None:
        if self._tickets:
            self._effects.append(Settle(self._tickets, error))
            self._tickets = []

    def _tell_of_landing(self, session: "Data") -> None:
        """Rule 10: our other tabs learn of the sign-in from the answer, or from "changed"; the JS clients from this."""
        if self._landed and session is not None:
            self._effects.append(TellOthers("getSession"))
        self._landed = False

    def _say_changed(self, now: float) -> None:
        self._effects.append(Publish({"type": "changed", "stamp": list(self._next_stamp(now))}))

    # ── stamps ───────────────────────────────────────────────────────────────────────────────────

    def _moment(self, now: float) -> int:
        return int(now * 1000 + self._ahead)

    def _next_stamp(self, now: float) -> "Stamp":
        self._highest = max(self._moment(now), self._highest + 1)
        return (self._highest, self.tab)

    def _see(self, stamp: "Stamp", now: float) -> None:
        self._highest = max(self._highest, stamp[0])
        self._ahead = max(self._ahead, stamp[0] - now * 1000)

    def _stamp_in(self, message: "Any", name: str, now: float) -> "Optional[Stamp]":
        """The stamp in a message, which raises the next of ours; `None` if it is none, or a day ahead of the clock."""
        value = message.get(name) if isinstance(message, dict) else None
        if not isinstance(value, list) or len(value) != 2 or not isinstance(value[1], str):
            return None
        if not _is_number(value[0]) or not 0 < value[0] <= (now + DAY) * 1000:
            return None
        stamp = (int(value[0]), value[1])
        self._see(stamp, now)
        return stamp

    def _learn_epoch(self, value: "Any", now: float) -> bool:
        """Takes the number that is stored; whether it is news."""
        stamp = self._stamp_in({"stored": [value, ""]}, "stored", now)
        if stamp is None or stamp[0] <= self._epoch[0]:
            return False
        self._move_epoch(stamp, now)
        return True


def _is_number(value: "Any") -> bool:
    return isinstance(value, (int, float)) and not isinstance(value, bool) and value == value and abs(value) < 1e17


def _is_session(value: "Any") -> bool:
    return value is None or (isinstance(value, dict) and bool(value) and isinstance(value.get("user", {}), dict))
