"""What a tab asks: the queries in flight, what the next is wanted for, and whose turn it is to send it: rules 3 and 4,
and what of rules 1 and 2 is theirs: when one is tried again, and given up.

`effects` is where its effects go. Times are Unix seconds on this tab's clock. docs/synchroniser.md has the rules.
"""

from . import events, messages
from .stamps import NEVER, is_due, set_back

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any, Callable, Optional

    from .errors import NextAuthError
    from .stamps import HybridClock, Stamp

SAME_MOMENT = 0.1  # how much earlier than this tab another may have heard the same trigger: rule 4
LOCK_RETRY = 0.2
STUCK_SPREAD = 2.0
LONGEST_BACKOFF = 30.0


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


class Queries:
    """One tab's."""

    def __init__(
        self, clock: "HybridClock", random: "Callable[[], float]", effects: "list[Any]", in_worker: bool
    ) -> None:
        self._in_worker = in_worker
        self._clock = clock
        self._random = random
        self._effects = effects
        self.in_flight: "list[Query]" = []
        self._numbers = 0

        # What is wanted.
        self.tickets: "list[int]" = []
        self.wanted = False  # a query of this tab's own, as for a ticket, that nobody awaits
        self.stale = False  # any answer that comes will do
        self.after_others = False  # who asks for the same at this moment, and whose answer may be on its way
        self.invalidated_at: "Optional[float]" = None  # since then; only a later query will do ...
        self._invalidated_by: "list[str]" = []  # ... or one about all of these, ...
        self._invalidated_besides = False  # ... unless something without an identity invalidated it, too
        self._heard_of: "list[str]" = []  # the newest identities that were heard here ...
        self._answered: "list[str]" = []  # ... and those that will be, which another tab's query was about
        self._attempts = 0
        self.retry_at: "Optional[float]" = None

        # Whose turn it is.
        self.hello = NEVER  # when another Python of the page was asked whether it has asked
        self.asks_at: "Optional[float]" = None  # if none has
        self._delegated = NEVER  # another tab asks after this mutation ...
        self.delegated_until: "Optional[float]" = None  # ... and has so long for it
        self._lock = "free"  # "free", "trying" or "held"
        self._lock_was_busy = False
        self._lock_again = 0.0
        self._without_lock_at: "Optional[float]" = None  # not None: waiting for the lock

    @property
    def at_rest(self) -> bool:
        """Whether nothing is in flight or wanted."""
        return not (
            self.in_flight
            or self.tickets
            or self.wanted
            or self.stale
            or self.invalidated_at is not None
            or self.delegated_until is not None
            or self.retry_at is not None
        )

    # ── what is wanted ───────────────────────────────────────────────────────────────────────────

    def invalidate(self, at: float, identity: "Optional[str]" = None) -> None:
        """Something changed. What has an identity, other tabs hear of as the same, at whatever time: rule 4."""
        if identity is None:
            self._invalidated_besides = True
        else:
            self._heard_of = (self._heard_of + [identity])[-messages.MOST :]
            if identity in self._answered:
                self._answered.remove(identity)
                return  # an answer that was asked for on its account has come before it
            self._invalidated_by.append(identity)
        self.invalidated_at = at

    def invalidate_since(self, since: float) -> None:
        """The same, unless something later is known to have changed."""
        self.invalidate(max(since, self.invalidated_at or since))

    def note_answered(self, about: "list[str]") -> None:
        """A query was sent on account of these, after they were heard of, there or here."""
        self._answered = (self._answered + [one for one in about if one not in self._heard_of])[-messages.MOST :]
        if self._invalidated_by and not self._invalidated_besides:
            self._invalidated_by = [identity for identity in self._invalidated_by if identity not in about]
            if not self._invalidated_by:
                self._validate()

    def clear_invalidation(self, asked: float) -> None:
        """What was asked then tells of every mutation until then."""
        if self.invalidated_at is not None and asked >= self.invalidated_at:
            self._validate()

    def _validate(self) -> None:
        self.invalidated_at = None
        self._invalidated_by = []
        self._invalidated_besides = False

    def retry_later(self, now: float) -> None:
        delay = min(LONGEST_BACKOFF, 2.0**self._attempts)
        self._attempts = min(self._attempts + 1, 5)
        self.retry_at = now + delay * (0.5 + 0.5 * self._random())

    def stop_retrying(self) -> None:
        self._attempts = 0
        self.retry_at = None

    # ── whose turn it is: rule 4 ─────────────────────────────────────────────────────────────────

    def delegate(self, end: "Stamp", until: float) -> None:
        """Another tab asks on account of what ended then."""
        self._delegated = end
        self.delegated_until = until

    def end_delegation(self, stamp: "Stamp") -> None:
        """An answer came to what was asked then."""
        if stamp >= self._delegated:
            self.delegated_until = None

    def try_lock(self) -> None:
        self._lock = "trying"
        self._effects.append(events.TryLock())

    def lock_granted(self, now: float, may_keep: bool) -> None:
        self._lock = "held"
        if self._lock_was_busy:
            # Another tab asked meanwhile, and its answer may still be on its way here: look twice.
            self._lock_was_busy = False
            self._lock_again = now + SAME_MOMENT
            self.release_lock()
        elif not may_keep:
            self.release_lock()

    def lock_busy(self, now: float) -> None:
        self._lock = "free"
        self._lock_was_busy = True
        self._lock_again = now + LOCK_RETRY * (0.5 + self._random())

    def release_lock(self) -> None:
        if self._lock == "held":
            self._lock = "free"
            self._effects.append(events.ReleaseLock())

    def hide(self) -> None:
        """The page hears of nothing for a while."""
        self.release_lock()
        self.delegated_until = self._without_lock_at = None

    # ── asking ───────────────────────────────────────────────────────────────────────────────────

    def ask(self, now: float, paused: bool, failed: "Stamp", timeout: float) -> None:
        """Send what is wanted, unless another tab does. `failed`: the newest query that did: rules 2, 3 and 4."""
        may_ask = not paused and len(self.in_flight) < 2
        if may_ask and (self.tickets or self.wanted):
            self._send(now)
            may_ask = len(self.in_flight) < 2
        if any(query.stamp > failed for query in self.in_flight):
            self.stale = False  # it joins
        if may_ask and self.delegated_until is None and (self.stale or self.invalidated_at is not None):
            self._ask_for_all(now, timeout)
        else:
            self._without_lock_at = None
            self.after_others = False
        if not self.in_flight:
            self.release_lock()

    def _ask_for_all(self, now: float, timeout: float) -> None:
        """Ask if no other tab does."""
        if self._without_lock_at is None:
            # Whoever holds it has its answer by then; if it is stuck, the first of us asks for the others.
            self._without_lock_at = now + timeout + 1 + STUCK_SPREAD * self._random()
            # What was heard earlier, and could not be asked then, another tab may have asked meanwhile.
            self._lock_was_busy = self.after_others or (self.invalidated_at is not None and self.invalidated_at < now)
            self._lock_again = now
        if self._lock == "held" or now >= self._without_lock_at:
            self._send(now)
        elif self._lock == "free" and now >= self._lock_again:
            self.try_lock()

    def _send(self, now: float) -> None:
        self._numbers += 1
        query = Query(self._numbers, self._clock.next(now), now, self.invalidated_at, self.tickets)
        self.in_flight.append(query)
        self._effects.append(events.SendQuery(self._numbers))
        query.about = self._invalidated_by[-messages.MOST :]
        self.note_answered(query.about)
        self.tickets = []
        self.wanted = self.stale = False
        self._without_lock_at = self.retry_at = self.asks_at = None
        self._validate()

    # ── in flight ────────────────────────────────────────────────────────────────────────────────

    def add_early(self, asked: float, now: float) -> None:
        """The page asked before Python was there."""
        stamp = self._clock.stamp_of(asked, now)
        self.in_flight.append(Query(events.EARLY, stamp, asked, None, []))

    def take(self, number: int) -> "Optional[Query]":
        """The query that is answered; `None` if it was given up meanwhile."""
        for query in self.in_flight:
            if query.number == number:
                self.in_flight.remove(query)
                return query
        return None

    def abort(self, since: float, before: "Optional[Stamp]" = None) -> None:
        """Give up those that were asked `before`, or all: something changed then."""
        for query in list(self.in_flight):
            if before is None or query.stamp < before:
                self._drop(query)
                self.tickets += query.tickets
                self.invalidate_since(since)

    def abort_unasked(self) -> None:
        """The first was sent before anything was known, and nobody waits for it."""
        for query in list(self.in_flight):
            if not query.tickets and query.told is None:
                self._drop(query)

    def outdate(self, stamp: "Stamp", asked: float) -> None:
        """What was asked then is answered: whatever an older query brings is older."""
        for query in list(self.in_flight):
            if query.stamp < stamp:
                self._drop(query)
                if asked >= query.asked:
                    self.settle(query)
                else:  # the clock was set back meanwhile, so that stamps and times disagree: it is asked once more
                    self.tickets += query.tickets
                    if query.told is not None:
                        self.invalidate(query.asked)
                    else:
                        self.wanted = True

    def start_anew(self, now: float) -> None:
        """The stamps do: those of before say nothing."""
        self._delegated = NEVER
        self.abort(now)
        self.wanted = True

    def _drop(self, query: Query) -> None:
        self.in_flight.remove(query)
        self._effects.append(events.AbortQuery(query.number))

    def settle(self, query: Query, error: "Optional[NextAuthError]" = None) -> None:
        if query.tickets:
            self._effects.append(events.Settle(query.tickets, error))
            if error is None:
                self._effects.append(events.NotifyJSClients("getSession"))  # rule 5

    def settle_all(self, error: "Optional[NextAuthError]" = None) -> None:
        """Who waits for a query that is not sent."""
        if self.tickets:
            self._effects.append(events.Settle(self.tickets, error))
            self.tickets = []

    # ── time ─────────────────────────────────────────────────────────────────────────────────────

    def pass_time(self, now: float, loading: bool) -> None:
        """Do what has become due, but for a retry. `loading`: nothing is known yet."""
        if is_due(self.delegated_until, now):
            self.delegated_until = None
            self.invalidate(now)
        if is_due(self.asks_at, now):
            self.asks_at = None
            if loading and not self.in_flight:
                # Of two workers that start together one asks. A page waits for no other page's query.
                self.stale = self._in_worker or self.delegated_until is not None
                self.wanted = not self.stale

    def times(self) -> "list[Optional[float]]":
        """When something is due, but for a retry."""
        is_trying = self._without_lock_at is not None and self._lock == "free"
        return [self.asks_at, self.delegated_until, self._without_lock_at, self._lock_again if is_trying else None]

    def set_back(self, seconds: float) -> None:
        """The clock was: no deadline moves away with it."""
        set_back(
            self,
            ("invalidated_at", "retry_at", "asks_at", "delegated_until", "_lock_again", "_without_lock_at"),
            seconds,
        )
        for query in self.in_flight:
            set_back(query, ("asked", "told"), seconds)
