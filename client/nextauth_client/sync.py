"""When to query the backend, what an answer means, and what the tabs tell each other: a pure state machine.

`Machine.receive(event, now)` takes an event and the wall clock (Unix seconds) and returns a list of effects to carry
out, in order. It does no I/O and has no clock of its own, so that every rule can be shown with virtual time.
docs/synchroniser.md has the rules by number and the tables of events, effects and messages; comments name the rules.
"""

from . import events, messages
from .errors import BackendUnreachable
from .idle import JUST_AFTER, Idle
from .session import is_another
from .stamps import DAY, LAG, NEVER, HybridClock
from .times import parse_iso

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any, Callable, Optional

    from .errors import NextAuthError
    from .options import Options
    from .session import Reason
    from .stamps import Stamp

    Data = Optional[dict[str, Any]]

STOPPED = "The Provider was stopped before the backend answered."

TICK = 5.0  # seconds; the longest a tab sleeps while it has a deadline, so that a laptop's sleep does not matter
SAME_MOMENT = 0.1  # how much earlier than this tab another may have heard the same trigger: rule 4
LATE = 1.0  # after its page was navigated to, another Python of the page may have asked
TOLD_SOON = 0.1  # that it has, it will have said by then ...
TOLD_IN_WORKER = 0.25  # ... but to a worker, which starts when its page is busy
SAME_PAGE = 0.05  # when two Pythons think that their page was navigated to
BURST = 1.0  # focus events within a second are one: rule 6
HEAD_START = 0.5  # what all tabs want at one moment, the tab that queried last queries first: rule 4
LOCK_RETRY = 0.2
UNTOLD = -1  # is no number of seconds left, and equal to itself from answer to answer: nobody counts
STUCK_SPREAD = 2.0
LONG_AGO = 1  # is stored as the newest use when nobody is signed in
LONGEST_BACKOFF = 30.0

# What a Machine remembers of the wall clock; None is never.
_TIMES = (
    "_made_at",
    "_came_at",
    "_corrected_at",
    "_asks_at",
    "_invalidated_at",
    "_delegated_until",
    "_lock_again",
    "_without_lock_at",
    "_retry_at",
    "_keep_alive_at",
    "_ends",
    "_expires_at",
    "_over_at",
    "_count_at",
    "_wake",
)


def ended_between(session: "Data", since: float, now: float) -> bool:
    """Whether it expires after the one and not after the other: Unix seconds on the backend's clock."""
    expires = None if session is None else parse_iso(session.get("expires"))
    return expires is not None and since < expires <= now


class Query:
    """A `GET /session` in flight."""

    def __init__(
        self, number: int, stamp: "Stamp", asked: float, told: "Optional[float]", tickets: "list[int]"
    ) -> None:
        self.number = number
        self.stamp = stamp
        self.asked = asked
        self.told = told  # since when something was known to have changed, if it was asked for that
        self.about: "list[str]" = []  # the identities of what told so
        self.tickets = tickets


class Machine:
    """One tab's view: who is signed in (`session`, `loading`, `error`, `refreshing`), and when to ask again."""

    def __init__(self, tab: str, options: "Options", random: "Callable[[], float]", in_worker: bool = False) -> None:
        self.tab = tab
        self._in_worker = in_worker
        self.options = options
        self._random = random
        self._effects: "list[Any]" = []

        # What readers see.
        self.session: "Data" = None
        self.loading = True
        self.error: "Optional[NextAuthError]" = None
        self.reason: "Optional[Reason]" = None
        self.expires_in: "Optional[int]" = None  # as whoever counts was told; UNTOLD while nobody has ever
        self.expiring = False
        self.idle_in: "Optional[int]" = None  # the same
        self._was: "Data" = None  # who was shown last, also while it is asked once more: rule 11
        self._came_at = 0.0
        self._made_at = 0.0  # the page
        self._own_answer: "Any" = None  # the newest that this tab was given, as a message

        # Order across tabs: rule 2.
        self._clock = HybridClock(tab)
        self._corrected_at: "Optional[float]" = None  # the tabs whose stamps are behind
        self._lost_time = False  # it was since the newest outcome; nobody knows how long ago that is
        self.epoch = NEVER  # the end of the newest mutation
        self._shown = NEVER  # the query whose answer is shown
        self._signed_out = NEVER  # the end of this tab's newest sign-out ...
        self._signed_out_elsewhere = NEVER  # ... and when another page may have signed out
        self._failed = NEVER  # the newest query that failed
        self._action_failed = NEVER  # what was asked before says nothing of that failure
        self._mutations: "dict[Stamp, float]" = {}  # under way: start -> the time it is given up
        # Start, and when the last request left.
        self._own_mutations: "dict[object, tuple[Stamp, Stamp, float]]" = {}

        self._signing_out: "list[object]" = []  # those of them that are sign-outs

        # What is in flight, and what is wanted: rules 3 and 4.
        self._in_flight: "list[Query]" = []
        self._numbers = 0
        self._tickets: "list[int]" = []
        self._hello = NEVER  # when another Python of the page was asked whether it has done so
        self._asks_at: "Optional[float]" = None  # if none has
        self._query_wanted = False  # a query of this tab's own, as for a ticket, that nobody awaits
        self._stale = False  # any answer that comes will do
        self._invalidated_at: "Optional[float]" = None  # since then; only a later query will do ...
        self._invalidated_by: "list[str]" = []  # ... or one about all of these, ...
        self._invalidated_besides = False  # ... unless something without an identity invalidated it, too
        self._heard_of: "list[str]" = []  # the newest identities that were heard here ...
        self._answered: "list[str]" = []  # ... and those that will be, which another tab's query was about
        self._delegated = NEVER  # another tab asks after this mutation ...
        self._delegated_until: "Optional[float]" = None  # ... and has so long for it
        self._lock = "free"  # "free", "trying" or "held"
        self._lock_was_busy = False
        self._lock_again = 0.0
        self._without_lock_at: "Optional[float]" = None  # not None: waiting for the lock

        # Time: rules 1, 6 and 7.
        self._attempts = 0
        self._retry_at: "Optional[float]" = None
        self._keep_alive_at: "Optional[float]" = None
        self._ends: "Optional[float]" = None  # when who was shown last expires, on this tab's clock
        self._expires_at: "Optional[float]" = None  # when that is looked at
        self._over_at: "Optional[float]" = None
        self._count_at: "Optional[float]" = None  # when who reads `expires_in` is told of the next: rule 12
        self._has_counted = False
        self._idle = Idle(options)  # rule 13
        self._follows_use = False
        self._wake: "Optional[float]" = None
        self._warned: "list[str]" = []  # of these options

        self._visible = True
        self._online = True
        self._was_answered = False  # it, or another tab
        self._knows_better = False  # it was told that it is offline, and there was an answer
        self._offline_since = 0.0
        self._present = False  # started, not in bfcache, not stopped
        self._landed = False  # and nobody has been told yet

    @property
    def refreshing(self) -> bool:
        """Whether a later query is in flight."""
        return bool(self._in_flight) and not self.loading

    # ── what a driver, a panel or a test may look at ─────────────────────────────────────────────

    @property
    def in_flight(self) -> "list[int]":
        """The numbers of the queries that are."""
        return [query.number for query in self._in_flight]

    @property
    def mutating(self) -> bool:
        """Whether a mutation, of whichever tab, is under way."""
        return bool(self._mutations)

    @property
    def newest(self) -> "Stamp":
        """The query whose answer is shown, or the end of a mutation after it."""
        return max(self._shown, self.epoch)

    @property
    def is_counting(self) -> bool:
        """Whether who reads `expires_in` will be told of the next."""
        return self._count_at is not None

    @property
    def is_counting_idle(self) -> bool:
        """The same of `idle_in`."""
        return self._idle.count_at is not None

    @property
    def is_idle(self) -> bool:
        """Whether nobody is shown since the idle deadline, and no sign-out has been confirmed since."""
        return self._idle.over_at is not None

    @property
    def at_rest(self) -> bool:
        """Whether it waits for nothing that has already happened."""
        return not (
            self.loading
            or self._in_flight
            or self._mutations
            or self._tickets
            or self._query_wanted
            or self._stale
            or self._invalidated_at is not None
            or self._delegated_until is not None
            or self._retry_at is not None
            or self.is_idle
        )

    def is_known_since(self, left: float) -> "Optional[bool]":
        """Rule 3: for an API's 401 to what left at Unix seconds `left`, whether what is shown says why.

        `False` after a failure, `None` while an answer to what is asked since then may come.
        """
        since = self._clock.moment(left)  # in whole milliseconds, as stamps are
        if self._shown >= self.epoch and ((self.session is None and not self.loading) or self._shown[0] >= since):
            return True
        return False if self._failed >= self.epoch and self._failed[0] >= since else None

    def is_late(self, now: float) -> bool:
        """Whether something is due for which the timer has not rung yet, as on a computer that wakes."""
        return self._wake is not None and now >= self._wake

    def seconds_left(self, now: float) -> "Optional[int]":
        """Of the session that is shown, on the backend's clock; `None` if there is none, or its end is not known."""
        return None if self.session is None or self._ends is None else max(0, int(self._ends - now))

    def seconds_until_idle(self, now: float) -> "Optional[int]":
        """Until whoever is signed in is signed out for want of use; `None` before the warning."""
        return self._idle.seconds_left(now)

    # ── the one way in ───────────────────────────────────────────────────────────────────────────

    def receive(self, event: "Any", now: float) -> "list[Any]":
        """Take one event at wall clock `now` (Unix seconds); returns the effects to carry out, in order."""
        self._effects = []
        self._follow_the_clock(now)
        getattr(self, "_on_" + type(event).__name__)(event, now)
        if self._present:
            self._pass_time(now)
            self._query_what_is_wanted(now)
            self._follow_use()
            self._set_alarm(now)
        return self._effects

    # ── events ───────────────────────────────────────────────────────────────────────────────────

    def _on_QueriedEarly(self, event: "Any", now: float) -> None:
        asked = min(event.asked_at, now)
        stamp = self._clock.stamp_of(asked, now)
        self._in_flight.append(Query(events.EARLY, stamp, asked, None, []))

    def _on_Start(self, event: "Any", now: float) -> None:
        self._present = True
        self._landed = event.landed
        self._made_at = min(event.made_at, now)
        self._learn_epoch(event.epoch, now)
        if event.given is not events.UNSET and self._show_given(event, now):
            if event.landed:
                self._publish_changed(now)
                self._announce_landing(event.given)
            return
        if event.given is events.UNSET and not self._in_flight and self._invalidated_at is None:
            self._ask_or_be_told(event, now)
        else:
            self._query_wanted = not self._in_flight

    def _ask_or_be_told(self, event: "Any", now: float) -> None:
        """Rule 4: another Python of this page may have asked already."""
        # Where a sign-in may have ended, what was asked on the way says nothing.
        if event.fresh and not event.landed and (self._in_worker or now - self._made_at > LATE):
            self._hello = self._clock.next(now)
            self._effects.append(events.Publish(messages.hello(self._hello, self._made_at, self._in_worker)))
            self._asks_at = now + (TOLD_IN_WORKER if self._in_worker else TOLD_SOON)
            self._stale = False  # by what came before, such as that it is hidden: it is about to ask
        else:
            self._query_wanted = True

    def _show_given(self, event: "Any", now: float) -> bool:
        """Rule 10: unless a mutation has ended since it was made."""
        made_at = min(event.made_at, now)
        stamp = self._clock.stamp_of(made_at, now)
        if not self._show(stamp, made_at, event.given, self._end_of(event.given, None, made_at, now), now):
            return False
        self._came_at = made_at
        fresh = event.fresh and not self._in_worker  # which can look up no epoch
        self._query_wanted = self._query_wanted or not (fresh or self._in_flight)
        return True

    def _on_Configured(self, event: "Any", now: float) -> None:
        was_loading = self.loading
        self.options = event.options
        self._warned = []
        self._idle.options = event.options
        if self.session is not None:
            self._begin_idling(now)
        if event.given is events.UNSET or not self._show_given(event, now):
            self._plan_by_options(0.0, now)
        elif was_loading and event.fresh:
            self._abort_first_query()

    def _abort_first_query(self) -> None:
        """It was sent before anything was known, and nobody waits for it."""
        for query in list(self._in_flight):
            if not query.tickets and query.told is None:
                self._in_flight.remove(query)
                self._effects.append(events.AbortQuery(query.number))

    def _on_Answered(self, event: "Any", now: float) -> None:
        for query in self._in_flight:
            if query.number == event.query:
                break
        else:
            return  # given up meanwhile
        self._in_flight.remove(query)
        error = event.error
        self._was_reached(query.asked, error)
        # Python may start long after an early answer came.
        if error is None and query.number != events.EARLY and now - query.asked > self.options.timeout + LAG:
            error = BackendUnreachable("The answer of the backend came too late to be believed.")  # the laptop slept
        if error is None:
            ends = self._end_of(event.session, event.date, query.asked, now)
            message = messages.answer(query, event.session, ends, self._why_nobody(event.session, now))
            if self._show(query.stamp, query.asked, event.session, ends, now):
                self._own_answer = message
            self._announce_landing(event.session)
        else:
            message = messages.failure(query, error)
            self._fail(query.stamp, error, now)
        self._effects.append(events.Publish(message))
        self._settle(query, error)

    def _on_Refresh(self, event: "Any", now: float) -> None:
        self._tickets.append(event.ticket)

    def _on_StaleRead(self, event: "Any", now: float) -> None:
        maximum = self.options.client_max_age
        # Counted from when it came, or an answer that takes longer than the maximum would never be young enough.
        if maximum and self.session is not None and self._retry_at is None and now - self._came_at > maximum:
            self._stale = True

    def _on_Refused(self, event: "Any", now: float) -> None:
        """However many calls of whichever tab were, they are all told by the first answer that is asked for now."""
        asked = [query for query in self._in_flight if query.asked >= event.left]
        if not asked and self.is_known_since(event.left) is None:
            self._invalidate(max(event.left, self._invalidated_at or event.left))

    def _on_CountdownRead(self, event: "Any", now: float) -> None:
        self._has_counted = True
        self._count_at = self._next_second(now)

    def _next_second(self, now: float) -> "Optional[float]":
        left = self.seconds_left(now)
        return None if left is None or self._ends is None else self._ends - left + JUST_AFTER

    def _on_IdleRead(self, event: "Any", now: float) -> None:
        self._idle.follow(now)

    def _on_Used(self, event: "Any", now: float) -> None:
        # What wakes a laptop too late is no use, unless another tab's kept the person meanwhile.
        if not self._idle.is_due(now):
            self._idle.use(now, True)

    def _on_UseStored(self, event: "Any", now: float) -> None:
        """Rule 13: it is looked up when a page comes, and before anything is done for want of use."""
        idle = self._idle
        if idle.learn(event.at, now):  # another tab's sign-out was confirmed, or somebody has signed in
            idle.end()
            self._stale = True
        elif idle.over_at is None:
            if event.at == 0 or idle.is_due(now):
                self._sign_out_idle(now)
            else:
                self._store_use()
        elif idle.is_due(now) and not self._mutations:
            idle.try_again(now, self._random())
            self._effects.append(events.SignOut())

    def _sign_out_idle(self, now: float) -> None:
        """Rule 13: nobody is shown from now on, and the tab that was used last signs out for all."""
        self._idle.pass_over(now, 0.0 if self._idle.is_own else HEAD_START + STUCK_SPREAD * self._random())
        self._effects.append(events.StoreUse(0))
        self._over_at = self._expires_at = self._keep_alive_at = self._count_at = self.expires_in = None
        self._become(None, "idle")
        self.reason = "idle"

    def _begin_idling(self, now: float) -> None:
        idle = self._idle
        if idle.is_counting_down:
            return
        idle.begin(now, False, not self._landed)
        if idle.is_counting_down:
            self._effects.append(events.LookUpUse())

    def _end_idling(self, now: float) -> None:
        """The backend has said that nobody is signed in."""
        if self.is_idle or self._idle.is_counting_down:
            self._effects.append(events.StoreUse(LONG_AGO))
        self._idle.end()

    def _tell_use(self, now: float, anew: bool = False) -> None:
        used_at = self._idle.used_at
        if used_at is not None:
            self._effects.append(events.Publish(messages.use(self._clock.next(now), used_at, anew)))
            self._store_use()

    def _store_use(self) -> None:
        used_at = self._idle.used_at
        if used_at is not None:
            self._effects.append(events.StoreUse(int(used_at * 1000)))

    def _on_Focus(self, event: "Any", now: float) -> None:
        self._idle.hurry(now)
        if self.options.refetch_on_focus:
            self._catch_up(now)

    def _on_Visibility(self, event: "Any", now: float) -> None:
        self._visible = event.visible
        self._idle.hurry(now)
        if self.options.refetch_on_focus:
            self._catch_up(now)

    def _catch_up(self, now: float) -> None:
        if self._lost_time or self._clock.moment(now) - max(self._shown, self._failed)[0] >= BURST * 1000:
            self._stale = True

    def _was_reached(self, asked: float, error: "Optional[Exception]") -> None:
        """What came of a query of this or another tab: any answer shows that the network is there."""
        if isinstance(error, BackendUnreachable):
            return
        self._was_answered = True
        if not self._online and asked >= self._offline_since:
            self._online = self._knows_better = True  # the browser does not: it knows nothing of a VPN

    def _on_Network(self, event: "Any", now: float) -> None:
        self._online = event.online or self._knows_better
        self._offline_since = now
        if event.online:
            self._idle.hurry(now)
        if event.online and self._retry_at is not None:
            self._retry_at = now

    def _on_PageHide(self, event: "Any", now: float) -> None:
        if self._idle.tells(now, True):
            self._tell_use(now)
        self._abort(now)
        self._release_lock()
        self._present = False
        # The ends of other tabs' mutations will not be heard.
        self._mutations = {start: until for start, until in self._mutations.items() if start[1] == self.tab}
        self._delegated_until = None
        self._without_lock_at = None
        self._set_wake(None, now)

    def _on_PageShow(self, event: "Any", now: float) -> None:
        self._present = True
        self._learn_epoch(event.epoch, now)
        self._forget_what_is_over(now)
        self._query_wanted = True

    def _forget_what_is_over(self, now: float) -> None:
        """For a page that goes on after nobody minded it: whoever it shows may be signed out, or past `expires`."""
        is_over = self._over_at is not None or (self._expires_at is not None and now >= self._expires_at)
        if self._shown < self.epoch or is_over:
            self.session = self.reason = None
            self.loading = True
            self._keep_alive_at = self._expires_at = self._over_at = self._count_at = self.expires_in = None

    def _on_Stop(self, event: "Any", now: float) -> None:
        for mutation, (start, sent, _) in list(self._own_mutations.items()):
            # It will not be carried on. What was posted may be done, and another tab asks.
            outcome = events.NOTHING if sent == start else events.NAVIGATED
            self._on_MutationEnded(events.MutationEnded(mutation, outcome, None, None), now)
        self._on_PageHide(event, now)
        self._settle_all(BackendUnreachable(STOPPED))

    def _on_Tick(self, event: "Any", now: float) -> None:
        self._wake = None  # it has rung; _pass_time does what is due

    def _on_MutationStarted(self, event: "Any", now: float) -> None:
        known = self._own_mutations.get(event.mutation)
        sent = self._clock.next(now)
        start = sent if known is None else known[0]
        self._own_mutations[event.mutation] = (start, sent, now)
        self._pause_queries(start, now + DAY, now)  # ours always ends: its requests have time-outs
        self._effects.append(events.Publish(messages.start(start)))

    def _on_SignsOut(self, event: "Any", now: float) -> None:
        self._signing_out.append(event.mutation)

    def _on_SignedIn(self, event: "Any", now: float) -> None:
        self._idle.begin(now, True)
        self._tell_use(now, True)

    def _on_MutationEnded(self, event: "Any", now: float) -> None:
        start, sent, sent_at = self._own_mutations.pop(event.mutation)
        signs_out = event.mutation in self._signing_out
        if signs_out:
            self._signing_out.remove(event.mutation)
        self._mutations.pop(start, None)
        outcome, overlapped = event.outcome, self._knows_of_later(sent)
        if outcome == events.ADOPT and overlapped and event.session is not None:
            outcome = events.CHANGED
        end = self._clock.next(now)
        if signs_out and outcome != events.NOTHING and not self.is_idle:
            self._signed_out = end
        ends = reason = None
        message = messages.end(end, start, outcome)
        if outcome == events.ADOPT:
            ends = self._end_of(event.session, event.date, sent_at, now)
            reason = self._why_nobody(event.session, now)
            message = messages.end_with_answer(end, start, outcome, sent, sent_at, event.session, ends, reason)
        self._effects.append(events.Publish(message))
        if outcome == events.NOTHING:
            return
        self._effects.append(events.StoreEpoch(end[0]))
        self._move_epoch(end, now)
        if outcome == events.ADOPT:
            self._clear_invalidation(sent_at)
            if self._show(end, now, event.session, ends, now):
                answered = messages.Answer(end, sent_at, None, [], event.session, ends, None, None)
                self._own_answer = messages.answer(answered, event.session, ends, reason)
            self._settle_by_end(overlapped, now)
        elif outcome == events.CHANGED:
            self._query_wanted = True
        else:
            # The page goes away before this is over; should it stay (a download, a refused unload), it asks.
            self._delegate(end, now)
        is_nobody = outcome == events.ADOPT and event.session is None
        self._effects.append(events.NotifyJSClients("signout" if is_nobody else "getSession"))  # rule 5

    def _on_Heard(self, event: "Any", now: float) -> None:
        message = messages.read(event.message)
        if message is not None and self._clock.accepts(message.stamp, now):
            getattr(self, "_hear_" + type(message).__name__)(message, now)

    def _on_EpochStored(self, event: "Any", now: float) -> None:
        if self._learn_epoch(event.epoch, now):
            self._invalidate(now)

    def _on_ForeignChange(self, event: "Any", now: float) -> None:
        self._invalidate(now, event.identity)

    def _on_SignedOutElsewhere(self, event: "Any", now: float) -> None:
        self._signed_out_elsewhere = self._clock.next(now)

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
        self._action_failed = self._clock.next(now)

    # ── what the other tabs say ──────────────────────────────────────────────────────────────────

    def _hear_Start(self, message: "Any", now: float) -> None:
        self._pause_queries(message.stamp, now + self.options.timeout, now)
        if self.is_idle:  # it may be the sign-out, and if that fails one tab at a time tries again
            self._idle.try_again(now, self._random())

    def _hear_Use(self, message: "Any", now: float) -> None:
        if message.at > now + LAG:
            return  # nobody knows when that was: a clock was set back
        at = min(message.at, now)
        if not message.anew or (self._idle.is_counting_down and not self.is_idle):
            self._idle.use(at, False)
        elif self._idle.over_at is None or at > self._idle.over_at:
            self._stale = self._stale or self.is_idle
            self._idle.begin(at, False)

    def _hear_Changed(self, message: "Any", now: float) -> None:
        self._invalidate(now, f"{message.stamp[0]} {message.stamp[1]}")

    def _hear_Hello(self, message: "Any", now: float) -> None:
        """Rule 4: tell another Python of this page what was asked since that was navigated to."""
        if not (self._in_worker or message.in_worker or abs(message.since - self._made_at) < SAME_PAGE):
            return
        asking = [query.stamp for query in self._in_flight if query.asked >= message.since]
        if self._asks_at is not None and self._hello < message.stamp:
            asking.append(self._hello)  # soon, and before that one
        if asking:
            self._effects.append(events.Publish(messages.asking(asking[0])))
            return
        answer = self._own_answer
        is_newest = answer is not None and answer["stamp"] == list(self._shown) and self._invalidated_at is None
        is_over = self._over_at is not None or (self._expires_at is not None and now >= self._expires_at)
        is_shown = is_newest and answer["session"] == self.session  # not one that is over since
        if is_shown and not is_over and answer["asked"] >= message.since:
            self._effects.append(events.Publish(answer))

    def _hear_Asking(self, message: "Any", now: float) -> None:
        if self._asks_at is not None:
            self._delegate(message.stamp, now)

    def _hear_Answer(self, message: "Any", now: float) -> None:
        """Take what another tab was answered."""
        asked = message.asked
        is_behind = self._clock.is_ahead_of(message.stamp, asked)
        if is_behind and (self._corrected_at is None or asked > self._corrected_at):
            # From a page opened after the clock was set back, whose stamps are behind ours: now it will know.
            self._publish_changed(now)
            self._corrected_at = now
            self._invalidate(now)
        asked = min(asked, now)
        self._was_reached(asked, message.error)
        if message.error is not None:
            taken = self._fail(message.stamp, message.error, now)
        else:
            taken = self._show(message.stamp, asked, message.session, message.ends, now, message.reason)
            if taken and message.session is not None:
                self._announce_landing(message.session)
        if taken:
            self._note_answered(message.about)
            # Rule 4: it may have heard of the same mutation a moment before us, and asked then.
            told = message.told
            self._clear_invalidation(asked if told is None else max(asked, min(told, asked) + SAME_MOMENT))

    def _hear_End(self, message: "Any", now: float) -> None:
        end, outcome = message.stamp, message.outcome
        if self._accepted(message.start, now) and all(
            message.start != own for own, _, _ in self._own_mutations.values()
        ):  # ours end by themselves
            self._mutations.pop(message.start, None)
        if outcome == events.NOTHING or end == self.epoch:  # heard twice
            return
        if end < self.newest:
            # From a tab that has not heard the stamps we have, after a clock was set back.
            self._invalidate(now)
            return
        overlapped = not self._accepted(message.sent, now) or self._knows_of_later(message.sent)
        self._signed_out_elsewhere = end  # or another change, but then somebody is signed in
        self._effects.append(events.StoreEpoch(end[0]))  # whose change it was may be a worker, which cannot
        self._move_epoch(end, now)
        answer = message.answer if outcome == events.ADOPT else None
        if answer is not None and not (overlapped and answer.session):
            self._hear_Answer(answer, now)
            self._settle_by_end(overlapped, now)
        elif outcome == events.CHANGED:
            self._delegate(end, now)
        else:
            self._invalidate(now)

    def _accepted(self, stamp: "Optional[Stamp]", now: float) -> bool:
        return stamp is not None and self._clock.accepts(stamp, now)

    # ── what an answer means ─────────────────────────────────────────────────────────────────────

    def _show(
        self,
        stamp: "Stamp",
        asked: float,
        session: "Data",
        ends: "Optional[float]",
        now: float,
        told: "Optional[str]" = None,
    ) -> bool:
        """Take an answer, of whichever tab, unless a newer one is known: rules 1 and 2. `told`: see `_why_nobody`."""
        if stamp < self.epoch or stamp <= self._shown:
            return False
        self._answer_came(stamp)
        for query in list(self._in_flight):
            if query.stamp < stamp:  # whatever it brings is older
                self._in_flight.remove(query)
                self._effects.append(events.AbortQuery(query.number))
                if asked >= query.asked:
                    self._settle(query)
                else:  # the clock was set back meanwhile, so that stamps and times disagree: it is asked once more
                    self._tickets += query.tickets
                    if query.told is not None:
                        self._invalidate(query.asked)
                    else:
                        self._query_wanted = True
        if session is None:
            self._end_idling(now)
        elif self.is_idle:
            session = ends = None
        else:
            self._begin_idling(now)
        self._become(session, self._why_nobody(session, now, told))
        self._shown = stamp
        self.loading = False
        self._came_at = now
        self._ends = ends
        left = self.seconds_left(now)
        self.expires_in = left if left is None or self._has_counted else UNTOLD
        if self._count_at is not None:
            self._count_at = self._next_second(now)
        later = 0.0 if stamp[1] == self.tab else HEAD_START * (0.5 + 0.5 * self._random())
        self._expires_at = None if ends is None else ends + later
        self._over_at = None
        self._plan_by_options(later, now)
        if stamp > max(self._failed, self._action_failed):
            self.error = None
        if stamp > self._failed:
            self._attempts = 0
            self._retry_at = None
        return True

    def _become(self, session: "Data", why: "Any") -> None:
        """Rule 11: who is signed in from now on, and `why` if that is nobody."""
        was, self._was = self._was, session
        if session is None:
            if was is not None:
                self.reason = why or None
        elif was is None:
            self.reason = None
        elif is_another(was, session):
            self.reason = "switched"
        self.session = session

    def _why_nobody(self, session: "Data", now: float, told: "Optional[str]" = None) -> "Optional[str]":
        """Rule 11: why nobody is signed in, if `session` is what is answered. `told`: what another tab says of that."""
        if session is not None:
            return None
        if self._shown < self._signed_out:
            return "signed_out"
        if self._was is None:
            return self.reason
        if told is not None:
            return told
        if self._ends is not None and now >= self._ends - LAG:  # `Date` has whole seconds
            return "expired"
        return "signed_out_elsewhere" if self._shown < self._signed_out_elsewhere else "revoked"

    def _plan_by_options(self, later: float, now: float) -> None:
        """Rule 6, for the session that is shown."""
        self._keep_alive_at = None
        if self.options.keep_alive and self.session is not None:
            self._keep_alive_at = now + self.options.keep_alive + later
        if self._expires_at is not None:
            self._warn_of_long_options(self._expires_at - later - now)

    def _fail(self, stamp: "Stamp", error: "NextAuthError", now: float) -> bool:
        """Take an unknown: who is signed in stays as it is, and is asked again later."""
        if stamp < self.epoch or stamp <= self._shown:
            return False
        newest = stamp > self._failed
        if newest:
            self._answer_came(stamp)
            self._failed = stamp
            self.error = error
            if self.loading:  # nobody may ever look at `.error`, and the page says "Loading" for ever
                self._effects.append(
                    events.Warn("Nobody knows yet who is signed in, and it is asked again. " + error.message)
                )
        if newest or self._retry_at is None:
            delay = min(LONGEST_BACKOFF, 2.0**self._attempts)
            self._attempts = min(self._attempts + 1, 5)
            self._retry_at = now + delay * (0.5 + 0.5 * self._random())
        return True

    def _answer_came(self, stamp: "Stamp") -> None:
        if stamp > self._failed:  # else the retry of what failed since is still wanted
            self._stale = self._lost_time = False
        if stamp >= self._delegated:
            self._delegated_until = None

    def _invalidate(self, at: float, identity: "Optional[str]" = None) -> None:
        """Something changed. What has an identity, other tabs hear of as the same, at whatever time: rule 4."""
        if identity is None:
            self._invalidated_besides = True
        else:
            self._heard_of = (self._heard_of + [identity])[-messages.MOST :]
            if identity in self._answered:
                self._answered.remove(identity)
                return  # an answer that was asked for on its account has come before it
            self._invalidated_by.append(identity)
        self._invalidated_at = at

    def _note_answered(self, about: "list[str]") -> None:
        """A query was sent on account of these, after they were heard of, there or here."""
        self._answered = (self._answered + [one for one in about if one not in self._heard_of])[-messages.MOST :]
        if self._invalidated_by and not self._invalidated_besides:
            self._invalidated_by = [identity for identity in self._invalidated_by if identity not in about]
            if not self._invalidated_by:
                self._validate()

    def _clear_invalidation(self, asked: float) -> None:
        """What was asked then tells of every mutation until then."""
        if self._invalidated_at is not None and asked >= self._invalidated_at:
            self._validate()

    def _validate(self) -> None:
        self._invalidated_at = None
        self._invalidated_by = []
        self._invalidated_besides = False

    def _end_of(self, session: "Data", date: "Optional[float]", asked: float, now: float) -> "Optional[float]":
        """Rule 7: when it expires, on this tab's clock; what is missing, unparsable or was past is believed.

        Without the backend's clock, what was not past when it was asked for may be over when it comes.
        """
        expires = None if session is None else parse_iso(session.get("expires"))
        if expires is None or expires <= (asked if date is None else date):
            return None
        return max(now, expires) if date is None else now + expires - date

    def _warn_of_long_options(self, lifetime: float) -> None:
        for name in ("client_max_age", "keep_alive", "idle_timeout"):
            value = getattr(self.options, name)
            # The answer took a moment to come, so that a session of 60 s is seen with a little less; and of one that is
            # over already, the lifetime is not known.
            if value and 0 < lifetime < value + 1.5 and name not in self._warned:
                self._warned.append(name)
                self._effects.append(
                    events.Warn(
                        f"{name}={value} is not lower than the session's own lifetime of {round(lifetime)} seconds: "
                        f"the session can end before that. Choose less than {round(lifetime)}."
                    )
                )

    # ── mutations ────────────────────────────────────────────────────────────────────────────────

    def _pause_queries(self, start: "Stamp", until: float, now: float) -> None:
        """Rule 2: between a mutation's start and its end no query may be in flight, in any tab."""
        self._mutations[start] = until
        # What is aborted is wanted since the mutation began, so that its own answer will do for it.
        self._abort(min(now, self._clock.wall_time(start)))

    def _move_epoch(self, end: "Stamp", now: float) -> None:
        """Rule 2: what was asked before a mutation ended says nothing any more."""
        self.epoch = end
        self._abort(now, end)

    def _knows_of_later(self, sent: "Stamp") -> bool:
        """Whether the backend may have said or done something else after that POST left.

        Nobody knows in which order, so it is asked once more. Until then *nobody* is believed, a session is not.
        """
        return self.newest > sent

    def _settle_by_end(self, overlapped: bool, now: float) -> None:
        if overlapped:
            self._invalidate(now)
        else:
            self._settle_all()

    def _abort(self, since: float, before: "Optional[Stamp]" = None) -> None:
        for query in list(self._in_flight):
            if before is None or query.stamp < before:
                self._in_flight.remove(query)
                self._effects.append(events.AbortQuery(query.number))
                self._tickets += query.tickets
                self._invalidate(max(since, self._invalidated_at or since))

    def _delegate(self, end: "Stamp", now: float) -> None:
        if self._shown < end:
            self._delegated = end
            self._delegated_until = now + self.options.timeout

    # ── time ─────────────────────────────────────────────────────────────────────────────────────

    def _pass_time(self, now: float) -> None:
        """Do what has become due."""
        for start, until in list(self._mutations.items()):
            if now >= until:  # its tab was closed, or is stuck
                del self._mutations[start]
                self._invalidate(now)
        if self._delegated_until is not None and now >= self._delegated_until:
            self._delegated_until = None
            self._invalidate(now)
        if self._asks_at is not None and now >= self._asks_at:
            self._asks_at = None
            if self.loading and not self._in_flight:
                # Of two workers that start together one asks. A page waits for no other page's query.
                self._stale = self._in_worker or self._delegated_until is not None
                self._query_wanted = not self._stale
        if self._retry_at is not None and now >= self._retry_at and self._may_retry():
            self._retry_at = None
            self._stale = True
        if self._keep_alive_at is not None and now >= self._keep_alive_at and self._online:
            self._keep_alive_at = now + self.options.keep_alive
            self._stale = True
        if self._expires_at is not None and now >= self._expires_at:
            self._expires_at = None
            self._over_at = now + self.options.timeout
            self._stale = True
        if self._over_at is not None and now >= self._over_at:
            # The one unknown that changes who is signed in; no backend said it, so it is not published.
            self._over_at = self._keep_alive_at = None
            self._become(None, "expired")
            self.expires_in = self._count_at = None
        if self._count_at is not None and now >= self._count_at and self._visible:
            self._count_at = None  # until somebody reads it
            self.expires_in = self.seconds_left(now)
        if self._idle.tells(now):
            self._tell_use(now)
        if self._idle.is_due(now) and not (self.is_idle and self._mutations):
            self._effects.append(events.LookUpUse())
        self.idle_in = self._idle.told(now, self._visible)
        expiring_at = self._expiring_at()
        self.expiring = expiring_at is not None and now >= expiring_at

    def _follow_use(self) -> None:
        follows = self._idle.is_counting_down and self.session is not None
        if follows != self._follows_use:
            self._follows_use = follows
            self._effects.append(events.FollowUse(follows))

    def _expiring_at(self) -> "Optional[float]":
        return None if self.session is None or self._ends is None else self._ends - self.options.expiring

    def _may_retry(self) -> bool:
        # A browser that takes itself for offline may be wrong; until there was an answer only asking shows that.
        return self._visible and (self._online or not self._was_answered)

    def _follow_the_clock(self, now: float) -> None:
        """When the wall clock is set back, no deadline may move away with it."""
        back = self._clock.advance(now)
        if back > 0:
            self._lost_time = True
            for name in _TIMES:
                time = getattr(self, name)
                if time is not None:
                    setattr(self, name, time - back)
            self._idle.set_back(back)
            self._store_use()  # what is stored there now would give so much more time
            for start in self._mutations:
                self._mutations[start] -= back
            for mutation, (start, sent, sent_at) in self._own_mutations.items():
                self._own_mutations[mutation] = (start, sent, sent_at - back)
            for query in self._in_flight:
                query.asked -= back
                if query.told is not None:
                    query.told -= back
        if self._clock.is_lost(now):
            self._clock.start_anew()
            self.epoch = self._shown = self._failed = self._action_failed = self._delegated = NEVER
            self._abort(now)
            self._query_wanted = True

    def _set_alarm(self, now: float) -> None:
        times: "list[Optional[float]]" = list(self._mutations.values())
        times += [self._asks_at, self._delegated_until, self._expires_at, self._over_at, self._without_lock_at]
        if self._without_lock_at is not None and self._lock == "free":
            times.append(self._lock_again)
        if self._online:
            times.append(self._keep_alive_at)
        if self._visible:
            times.append(self._count_at)
        if not self.expiring:
            times.append(self._expiring_at())
        if self._may_retry():
            times.append(self._retry_at)
        times += self._idle.times(self._visible, not self._mutations)
        due = [time for time in times if time is not None]
        self._set_wake(min(due) if due else None, now)

    def _set_wake(self, at: "Optional[float]", now: float) -> None:
        if at is not None:
            at = min(max(at, now), now + TICK)
            if self._wake is not None and now <= self._wake <= at:
                return  # it rings early enough
        if at != self._wake:
            self._wake = at
            self._effects.append(events.Wake(None if at is None else at - now))

    # ── asking ───────────────────────────────────────────────────────────────────────────────────

    def _query_what_is_wanted(self, now: float) -> None:
        """Rules 2, 3 and 4."""
        may_query = not self._mutations and len(self._in_flight) < 2
        if may_query and (self._tickets or self._query_wanted):
            self._query(now)
            may_query = len(self._in_flight) < 2
        if any(query.stamp > self._failed for query in self._in_flight):
            self._stale = False  # it joins
        if not may_query or self._delegated_until is not None:
            self._without_lock_at = None
        elif self._stale or self._invalidated_at is not None:
            self._query_for_all(now)
        else:
            self._without_lock_at = None
        if not self._in_flight:
            self._release_lock()

    def _query_for_all(self, now: float) -> None:
        """Ask if no other tab does: rule 4."""
        if self._without_lock_at is None:
            # Whoever holds it has its answer by then; if it is stuck, the first of us asks for the others.
            self._without_lock_at = now + self.options.timeout + 1 + STUCK_SPREAD * self._random()
            # What was heard earlier, and could not be asked then, another tab may have asked meanwhile.
            self._lock_was_busy = self._invalidated_at is not None and self._invalidated_at < now
            self._lock_again = now
        if self._lock == "held" or now >= self._without_lock_at:
            self._query(now)
        elif self._lock == "free" and now >= self._lock_again:
            self._lock = "trying"
            self._effects.append(events.TryLock())

    def _query(self, now: float) -> None:
        self._numbers += 1
        query = Query(self._numbers, self._clock.next(now), now, self._invalidated_at, self._tickets)
        self._in_flight.append(query)
        self._effects.append(events.SendQuery(self._numbers))
        query.about = self._invalidated_by[-messages.MOST :]
        self._note_answered(query.about)
        self._tickets = []
        self._query_wanted = self._stale = False
        self._without_lock_at = self._retry_at = self._asks_at = None
        self._validate()

    def _release_lock(self) -> None:
        if self._lock == "held":
            self._lock = "free"
            self._effects.append(events.ReleaseLock())

    def _settle(self, query: Query, error: "Optional[NextAuthError]" = None) -> None:
        if query.tickets:
            self._effects.append(events.Settle(query.tickets, error))
            if error is None:
                self._effects.append(events.NotifyJSClients("getSession"))  # rule 5

    def _settle_all(self, error: "Optional[NextAuthError]" = None) -> None:
        if self._tickets:
            self._effects.append(events.Settle(self._tickets, error))
            self._tickets = []

    def _announce_landing(self, session: "Data") -> None:
        """Rule 10: our other tabs learn of the sign-in from the answer, or from "changed"; the JS clients from this."""
        if self._landed and session is not None:
            self._effects.append(events.NotifyJSClients("getSession"))
        self._landed = False

    def _publish_changed(self, now: float) -> None:
        self._effects.append(events.Publish(messages.changed(self._clock.next(now))))

    def _learn_epoch(self, value: "Any", now: float) -> bool:
        """Takes the number that is stored; whether it is news."""
        stamp = messages.read_stamp([value, ""])
        if stamp is None or not self._clock.accepts(stamp, now) or stamp[0] <= self.epoch[0]:
            return False
        self._signed_out_elsewhere = stamp  # as in `_hear_End`
        self._move_epoch(stamp, now)
        return True
