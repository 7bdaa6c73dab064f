"""When to query the backend, what an answer means, and what the tabs tell each other: a pure state machine.

`Machine.receive(event, now)` takes an event and the wall clock (Unix seconds) and returns a list of effects to carry
out, in order. It does no I/O and has no clock of its own, so that every rule can be shown with virtual time.
docs/synchroniser.md has the rules by number and the tables of events, effects and messages; comments name the rules.
"""

from . import events, messages
from .errors import BackendUnreachable
from .idle import Idle
from .queries import SAME_MOMENT, STUCK_SPREAD, Queries
from .stamps import DAY, LAG, HybridClock, is_due, set_back
from .view import View, end_of

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any, Callable, Optional

    from .errors import NextAuthError
    from .options import Options
    from .stamps import Stamp

    Data = Optional[dict[str, Any]]

STOPPED = "The Provider was stopped before the backend answered."

TICK = 5.0  # seconds; the longest a tab sleeps while it has a deadline, so that a laptop's sleep does not matter
LATE = 1.0  # after its page was navigated to, a worker of the page may have asked
TOLD_SOON = 0.1  # that it has, it will have said by then, ...
TOLD_IN_WORKER = 0.25  # ... to a worker, which starts when its page is busy, by then ...
TOLD_SURELY = 1.0  # ... and another Python of the page that is known to have begun, however busy, by then
SAME_PAGE = 0.05  # when two Pythons think that their page was navigated to
BURST = 1.0  # focus events within a second are one: rule 6
HEAD_START = 0.5  # what all tabs want at one moment, the tab that queried last queries first: rule 4


class Machine:
    """One tab: `view` is who is signed in, `idle` who uses it, and what it receives decides when to ask again."""

    def __init__(self, tab: str, options: "Options", random: "Callable[[], float]", in_worker: bool = False) -> None:
        self.tab = tab
        self._in_worker = in_worker
        self.options = options
        self._random = random
        self._effects: "list[Any]" = []
        self._clock = HybridClock(tab)
        self.view = View()
        self._queries = Queries(self._clock, random, self._effects, in_worker)
        self._made_at = 0.0  # the page
        self._own_answer: "Any" = None  # the newest that this tab was given, as a message
        self._corrected_at: "Optional[float]" = None  # the tabs whose stamps are behind
        self._lost_time = False  # it was since the newest outcome; nobody knows how long ago that is

        # Rule 2.
        self._mutations: "dict[Stamp, float]" = {}  # under way: start -> the time it is given up
        # Start, and when the last request left.
        self._own_mutations: "dict[object, tuple[Stamp, Stamp, float]]" = {}
        self._signing_out: "list[object]" = []  # those of them that are sign-outs

        # Time: rules 6 and 13.
        self._keep_alive_at: "Optional[float]" = None
        self.idle = Idle(options, self._clock, self._effects)
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
        return bool(self._queries.in_flight) and not self.view.loading

    # ── what a driver, a panel or a test may look at ─────────────────────────────────────────────

    @property
    def in_flight(self) -> "list[int]":
        """The numbers of the queries that are."""
        return [query.number for query in self._queries.in_flight]

    @property
    def mutating(self) -> bool:
        """Whether a mutation, of whichever tab, is under way."""
        return bool(self._mutations)

    @property
    def is_idle(self) -> bool:
        """Whether nobody is shown since the idle deadline, and no sign-out has been confirmed since."""
        return self.idle.over_at is not None

    @property
    def at_rest(self) -> bool:
        """Whether it waits for nothing that has already happened."""
        return self._queries.at_rest and not (self.view.loading or self._mutations or self.is_idle)

    def is_known_since(self, left: float) -> "Optional[bool]":
        """Rule 3: for an API's 401 to what left at Unix seconds `left`, whether what is shown says why.

        `False` after a failure, `None` while an answer to what is asked since then may come.
        """
        since, view = self._clock.moment(left), self.view  # in whole milliseconds, as stamps are
        if view.shown >= view.epoch and ((view.session is None and not view.loading) or view.shown[0] >= since):
            return True
        return False if view.failed >= view.epoch and view.failed[0] >= since else None

    def is_late(self, now: float) -> bool:
        """Whether something is due for which the timer has not rung yet, as on a computer that wakes."""
        return self._wake is not None and now >= self._wake

    # ── the one way in ───────────────────────────────────────────────────────────────────────────

    def receive(self, event: "Any", now: float) -> "list[Any]":
        """Take one event at wall clock `now` (Unix seconds); returns the effects to carry out, in order."""
        self._effects.clear()
        self._follow_the_clock(now)
        getattr(self, "_on_" + type(event).__name__)(event, now)
        if self._present:
            self._pass_time(now)
            self._queries.ask(now, bool(self._mutations), self.view.failed, self.options.timeout)
            self.idle.follow_use(self.view.session is not None)
            self._set_alarm(now)
        return list(self._effects)

    # ── events ───────────────────────────────────────────────────────────────────────────────────

    def _on_QueriedEarly(self, event: "Any", now: float) -> None:
        self._queries.add_early(min(event.asked_at, now), now)

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
        if event.given is events.UNSET and not self._queries.in_flight and self._queries.invalidated_at is None:
            self._ask_or_be_told(event, now)
        else:
            self._queries.wanted = not self._queries.in_flight
        if self._queries.asks_at is None:
            self._queries.try_lock()  # a worker that nobody here has heard waits for it: rule 4

    def _ask_or_be_told(self, event: "Any", now: float) -> None:
        """Rule 4: another Python of this page may have asked already."""
        # Where a sign-in may have ended, what was asked on the way says nothing.
        is_late = now - self._made_at > LATE
        if event.fresh and not event.landed and (self._in_worker or is_late or not event.first):
            self._queries.hello = self._clock.next(now)
            self._effects.append(events.Publish(messages.hello(self._queries.hello, self._made_at, self._in_worker)))
            self._queries.asks_at = now + (
                TOLD_IN_WORKER if self._in_worker else TOLD_SOON if event.first else TOLD_SURELY
            )
            self._queries.stale = False  # by what came before, such as that it is hidden: it is about to ask
        else:
            self._queries.wanted = True

    def _show_given(self, event: "Any", now: float) -> bool:
        """Rule 10: unless a mutation has ended since it was made."""
        made_at = min(event.made_at, now)
        stamp = self._clock.stamp_of(made_at, now)
        if not self._show(stamp, made_at, event.given, end_of(event.given, None, made_at, now), now):
            return False
        self.view.came_at = made_at
        fresh = event.fresh and not self._in_worker  # which can look up no epoch
        self._queries.wanted = self._queries.wanted or not (fresh or self._queries.in_flight)
        return True

    def _on_Configured(self, event: "Any", now: float) -> None:
        was_loading = self.view.loading
        self.options = event.options
        self._warned = []
        self.idle.options = event.options
        if self.view.session is not None:
            self.idle.begin_to_show(now, not self._landed)
        if event.given is events.UNSET or not self._show_given(event, now):
            self._plan_by_options(0.0, now)
        elif was_loading and event.fresh:
            self._queries.abort_unasked()

    def _on_Answered(self, event: "Any", now: float) -> None:
        query = self._queries.take(event.query)
        if query is None:
            return
        error = event.error
        self._was_reached(query.asked, error)
        # Python may start long after an early answer came.
        if error is None and query.number != events.EARLY and now - query.asked > self.options.timeout + LAG:
            error = BackendUnreachable("The answer of the backend came too late to be believed.")  # the laptop slept
        if error is None:
            ends = end_of(event.session, event.date, query.asked, now)
            message = messages.answer(query, event.session, ends, self.view.why_nobody(event.session, now))
            if self._show(query.stamp, query.asked, event.session, ends, now):
                self._own_answer = message
            self._announce_landing(event.session)
        else:
            message = messages.failure(query, error)
            self._fail(query.stamp, error, now)
        self._effects.append(events.Publish(message))
        self._queries.settle(query, error)

    def _on_Refresh(self, event: "Any", now: float) -> None:
        self._queries.tickets.append(event.ticket)

    def _on_StaleRead(self, event: "Any", now: float) -> None:
        maximum = self.options.client_max_age
        # Counted from when it came, or an answer that takes longer than the maximum would never be young enough.
        if (
            maximum
            and self.view.session is not None
            and self._queries.retry_at is None
            and now - self.view.came_at > maximum
        ):
            self._queries.stale = True

    def _on_Refused(self, event: "Any", now: float) -> None:
        """However many calls of whichever tab were, they are all told by the first answer that is asked for now."""
        asked = [query for query in self._queries.in_flight if query.asked >= event.left]
        if not asked and self.is_known_since(event.left) is None:
            self._queries.invalidate_since(event.left)

    def _on_CountdownRead(self, event: "Any", now: float) -> None:
        self.view.count(now)

    def _on_IdleRead(self, event: "Any", now: float) -> None:
        self.idle.follow(now)

    def _on_Used(self, event: "Any", now: float) -> None:
        # What wakes a laptop too late is no use, unless another tab's kept the person meanwhile.
        if not self.idle.is_due(now):
            self.idle.use(now, True)

    def _on_UseStored(self, event: "Any", now: float) -> None:
        """Rule 13: it is looked up when a page comes, and before anything is done for want of use."""
        idle = self.idle
        if idle.learn(event.at, now):  # another tab's sign-out was confirmed, or somebody has signed in
            idle.end()
            self._queries.stale = True
        elif idle.over_at is None:
            if event.at == 0 or idle.is_due(now):
                self._sign_out_idle(now)
            else:
                idle.store()
        elif idle.is_due(now) and not self._mutations:
            idle.try_again(now, self._random())
            self._effects.append(events.SignOut())

    def _sign_out_idle(self, now: float) -> None:
        """Rule 13: nobody is shown from now on, and the tab that was used last signs out for all."""
        self.idle.pass_over(now, 0.0 if self.idle.is_own else HEAD_START + STUCK_SPREAD * self._random())
        self._effects.append(events.StoreUse(0))
        self.view.end()
        self.view.become(None, "idle")
        self.view.reason = "idle"

    def _on_Focus(self, event: "Any", now: float) -> None:
        self.idle.hurry(now)
        if self.options.refetch_on_focus:
            self._catch_up(now)

    def _on_Visibility(self, event: "Any", now: float) -> None:
        self._visible = event.visible
        self.idle.hurry(now)
        if self.options.refetch_on_focus:
            self._catch_up(now)

    def _catch_up(self, now: float) -> None:
        if self._lost_time or self._clock.moment(now) - max(self.view.shown, self.view.failed)[0] >= BURST * 1000:
            self._queries.stale = True

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
            self.idle.hurry(now)
            if self._queries.retry_at is not None:
                self._queries.retry_at = now

    def _on_PageHide(self, event: "Any", now: float) -> None:
        self.idle.tell_in_time(now, True)
        self._queries.abort(now)
        self._queries.hide()
        self._present = False
        # The ends of other tabs' mutations will not be heard.
        self._mutations = {start: until for start, until in self._mutations.items() if start[1] == self.tab}
        self._set_wake(None, now)

    def _on_PageShow(self, event: "Any", now: float) -> None:
        self._present = True
        self._learn_epoch(event.epoch, now)
        self._forget_what_is_over(now)
        self._queries.wanted = True

    def _forget_what_is_over(self, now: float) -> None:
        """For a page that goes on after nobody minded it: whoever it shows may be signed out, or past `expires`."""
        if self.view.shown < self.view.epoch or self.view.is_over(now):
            self.view.forget()

    def _on_Stop(self, event: "Any", now: float) -> None:
        for mutation, (start, sent, _) in list(self._own_mutations.items()):
            # It will not be carried on. What was posted may be done, and another tab asks.
            outcome = events.NOTHING if sent == start else events.NAVIGATED
            self._on_MutationEnded(events.MutationEnded(mutation, outcome, None, None), now)
        self._on_PageHide(event, now)
        self._queries.settle_all(BackendUnreachable(STOPPED))

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
        self.idle.begin(now, True)
        self.idle.tell(now, True)

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
            self.view.signed_out = end
        ends = reason = None
        message = messages.end(end, start, outcome)
        if outcome == events.ADOPT:
            ends = end_of(event.session, event.date, sent_at, now)
            reason = self.view.why_nobody(event.session, now)
            message = messages.end_with_answer(end, start, outcome, sent, sent_at, event.session, ends, reason)
        self._effects.append(events.Publish(message))
        if outcome == events.NOTHING:
            return
        self._effects.append(events.StoreEpoch(end[0]))
        self._move_epoch(end, now)
        if outcome == events.ADOPT:
            self._queries.clear_invalidation(sent_at)
            if self._show(end, now, event.session, ends, now):
                answered = messages.Answer(end, sent_at, None, [], event.session, ends, None, None)
                self._own_answer = messages.answer(answered, event.session, ends, reason)
            self._settle_by_end(overlapped, now)
        elif outcome == events.CHANGED:
            self._queries.wanted = True
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
            self._queries.invalidate(now)

    def _on_ForeignChange(self, event: "Any", now: float) -> None:
        self._queries.invalidate(now, event.identity)

    def _on_SignedOutElsewhere(self, event: "Any", now: float) -> None:
        self.view.signed_out_elsewhere = self._clock.next(now)

    def _on_LockGranted(self, event: "Any", now: float) -> None:
        self._queries.lock_granted(now, self._present)

    def _on_LockBusy(self, event: "Any", now: float) -> None:
        self._queries.lock_busy(now)

    def _on_Failed(self, event: "Any", now: float) -> None:
        self.view.error = event.error
        self.view.action_failed = self._clock.next(now)

    # ── what the other tabs say ──────────────────────────────────────────────────────────────────

    def _hear_Start(self, message: "Any", now: float) -> None:
        self._pause_queries(message.stamp, now + self.options.timeout, now)
        if self.is_idle:  # it may be the sign-out, and if that fails one tab at a time tries again
            self.idle.try_again(now, self._random())

    def _hear_Use(self, message: "Any", now: float) -> None:
        if message.at > now + LAG:
            return  # nobody knows when that was: a clock was set back
        at = min(message.at, now)
        if not message.anew or (self.idle.is_counting_down and not self.is_idle):
            self.idle.use(at, False)
        elif self.idle.over_at is None or at > self.idle.over_at:
            self._queries.stale = self._queries.stale or self.is_idle
            self.idle.begin(at, False)

    def _hear_Changed(self, message: "Any", now: float) -> None:
        self._queries.invalidate(now, f"{message.stamp[0]} {message.stamp[1]}")

    def _hear_Hello(self, message: "Any", now: float) -> None:
        """Rule 4: tell another Python of this page what was asked since that was navigated to."""
        if not (self._in_worker or message.in_worker or abs(message.since - self._made_at) < SAME_PAGE):
            return
        asking = [query.stamp for query in self._queries.in_flight if query.asked >= message.since]
        if self._queries.asks_at is not None and self._queries.hello < message.stamp:
            asking.append(self._queries.hello)  # soon, and before that one
        if asking:
            self._effects.append(events.Publish(messages.asking(asking[0])))
            return
        answer = self._own_answer
        is_newest = (
            answer is not None and answer["stamp"] == list(self.view.shown) and self._queries.invalidated_at is None
        )
        is_shown = is_newest and answer["session"] == self.view.session  # not one that is over since
        if is_shown and not self.view.is_over(now) and answer["asked"] >= message.since:
            self._effects.append(events.Publish(answer))

    def _hear_Asking(self, message: "Any", now: float) -> None:
        if self._queries.asks_at is not None:
            self._delegate(message.stamp, now)

    def _hear_Answer(self, message: "Any", now: float) -> None:
        """Take what another tab was answered, unless that had asked before this page was navigated to: rule 2."""
        asked = message.asked
        is_behind = self._clock.is_ahead_of(message.stamp, asked)
        if is_behind and (self._corrected_at is None or asked > self._corrected_at):
            # From a page opened after the clock was set back, whose stamps are behind ours: now it will know.
            self._publish_changed(now)
            self._corrected_at = now
            self._queries.invalidate(now)
        if message.stamp[0] < self._clock.moment(self._made_at):
            return
        asked = min(asked, now)
        self._was_reached(asked, message.error)
        if message.error is not None:
            taken = self._fail(message.stamp, message.error, now)
        else:
            taken = self._show(message.stamp, asked, message.session, message.ends, now, message.reason)
            if taken and message.session is not None:
                self._announce_landing(message.session)
        if taken:
            self._queries.note_answered(message.about)
            # Rule 4: it may have heard of the same mutation a moment before us, and asked then.
            told = message.told
            self._queries.clear_invalidation(asked if told is None else max(asked, min(told, asked) + SAME_MOMENT))

    def _hear_End(self, message: "Any", now: float) -> None:
        end, outcome = message.stamp, message.outcome
        if self._accepted(message.start, now) and all(
            message.start != own for own, _, _ in self._own_mutations.values()
        ):  # ours end by themselves
            self._mutations.pop(message.start, None)
        if outcome == events.NOTHING or end == self.view.epoch:  # heard twice
            return
        if end < self.view.newest:
            # From a tab that has not heard the stamps we have, after a clock was set back.
            self._queries.invalidate(now)
            return
        overlapped = not self._accepted(message.sent, now) or self._knows_of_later(message.sent)
        self.view.signed_out_elsewhere = end  # or another change, but then somebody is signed in
        self._effects.append(events.StoreEpoch(end[0]))  # whose change it was may be a worker, which cannot
        self._move_epoch(end, now)
        answer = message.answer if outcome == events.ADOPT else None
        if answer is not None and not (overlapped and answer.session):
            self._hear_Answer(answer, now)
            self._settle_by_end(overlapped, now)
        elif outcome == events.CHANGED:
            self._delegate(end, now)
        else:
            self._queries.invalidate(now)

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
        """Take an answer, of whichever tab, unless a newer one is known: rules 1 and 2. `told`: as for `why_nobody`."""
        if not self.view.takes(stamp):
            return False
        self._answer_came(stamp)
        self._queries.outdate(stamp, asked)
        if session is None:
            self.idle.end_for_all()
        elif self.is_idle:
            session = ends = None
        else:
            self.idle.begin_to_show(now, not self._landed)
        later = 0.0 if stamp[1] == self.tab else HEAD_START * (0.5 + 0.5 * self._random())
        self.view.show(stamp, session, self.view.why_nobody(session, now, told), ends, later, now)
        self._plan_by_options(later, now)
        if stamp > self.view.failed:
            self._queries.stop_retrying()
        return True

    def _plan_by_options(self, later: float, now: float) -> None:
        """Rule 6, for the session that is shown."""
        self._keep_alive_at = None
        if self.options.keep_alive and self.view.session is not None:
            self._keep_alive_at = now + self.options.keep_alive + later
        lifetime = self.view.lifetime(now)
        if lifetime is not None:
            self._warn_of_long_options(lifetime)

    def _fail(self, stamp: "Stamp", error: "NextAuthError", now: float) -> bool:
        """Take an unknown: who is signed in stays as it is, and is asked again later."""
        if not self.view.takes(stamp):
            return False
        newest = stamp > self.view.failed
        if newest:
            self._answer_came(stamp)
            self.view.failed = stamp
            self.view.error = error
            if self.view.loading:  # nobody may ever look at `.error`, and the page says "Loading" for ever
                self._effects.append(
                    events.Warn("Nobody knows yet who is signed in, and it is asked again. " + error.message)
                )
        if newest or self._queries.retry_at is None:
            self._queries.retry_later(now)
        return True

    def _answer_came(self, stamp: "Stamp") -> None:
        if stamp > self.view.failed:  # else the retry of what failed since is still wanted
            self._queries.stale = self._lost_time = False
        self._queries.end_delegation(stamp)

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
        self._queries.abort(min(now, self._clock.wall_time(start)))

    def _move_epoch(self, end: "Stamp", now: float) -> None:
        """Rule 2: what was asked before a mutation ended says nothing any more."""
        self.view.epoch = end
        self._queries.abort(now, end)

    def _knows_of_later(self, sent: "Stamp") -> bool:
        """Whether the backend may have said or done something else after that POST left.

        Nobody knows in which order, so it is asked once more. Until then *nobody* is believed, a session is not.
        """
        return self.view.newest > sent

    def _settle_by_end(self, overlapped: bool, now: float) -> None:
        if overlapped:
            self._queries.invalidate(now)
        else:
            self._queries.settle_all()

    def _delegate(self, end: "Stamp", now: float) -> None:
        if self.view.shown < end:
            self._queries.delegate(end, now + self.options.timeout)

    # ── time ─────────────────────────────────────────────────────────────────────────────────────

    def _pass_time(self, now: float) -> None:
        """Do what has become due."""
        for start, until in list(self._mutations.items()):
            if now >= until:  # its tab was closed, or is stuck
                del self._mutations[start]
                self._queries.invalidate(now)
        queries, view = self._queries, self.view
        queries.pass_time(now, view.loading)
        if is_due(queries.retry_at, now) and self._may_retry():
            queries.retry_at = None
            queries.stale = True
        is_due_for_all = view.pass_time(now, self.options.timeout, self._visible, self.options.expiring)
        if view.session is None:
            self._keep_alive_at = None
        if is_due(self._keep_alive_at, now) and self._online:
            self._keep_alive_at = now + self.options.keep_alive
            is_due_for_all = True
        if is_due_for_all:
            queries.stale = True
            queries.after_others = view.shown[1] != self.tab  # which has the head start
        self.idle.tell_in_time(now)
        if self.idle.is_due(now) and not (self.is_idle and self._mutations):
            self._effects.append(events.LookUpUse())
        view.idle_in = self.idle.told(now, self._visible)

    def _may_retry(self) -> bool:
        # A browser that takes itself for offline may be wrong; until there was an answer only asking shows that.
        return self._visible and (self._online or not self._was_answered)

    def _follow_the_clock(self, now: float) -> None:
        """When the wall clock is set back, no deadline may move away with it."""
        back = self._clock.advance(now)
        if back > 0:
            self._lost_time = True
            set_back(self, ("_made_at", "_corrected_at", "_keep_alive_at", "_offline_since", "_wake"), back)
            self._own_answer = None  # nobody knows how old that is
            for part in (self.view, self._queries, self.idle):
                part.set_back(back)
            for start in self._mutations:
                self._mutations[start] -= back
            for mutation, (start, sent, sent_at) in self._own_mutations.items():
                self._own_mutations[mutation] = (start, sent, sent_at - back)
        if self._clock.is_lost(now):
            self._clock.start_anew()
            self.view.start_anew()
            self._queries.start_anew(now)

    def _set_alarm(self, now: float) -> None:
        times: "list[Optional[float]]" = list(self._mutations.values())
        times += self._queries.times() + self.view.times(self._visible, self.options.expiring)
        if self._online:
            times.append(self._keep_alive_at)
        if self._may_retry():
            times.append(self._queries.retry_at)
        times += self.idle.times(self._visible, not self._mutations)
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
        if stamp is None or not self._clock.accepts(stamp, now) or stamp[0] <= self.view.epoch[0]:
            return False
        self.view.signed_out_elsewhere = stamp  # as in `_hear_End`
        self._move_epoch(stamp, now)
        return True
