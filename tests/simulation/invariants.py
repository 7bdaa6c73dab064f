"""What must hold in every world, by name. docs/synchroniser.md lists the same names.

`Watch` is told what happens by the world, and has it raise `Broken` the moment that something is wrong. It judges by
what a page shows and what reaches the backend; it asks the machine only what it waits for.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

from nextauth_client import events
from nextauth_client.events import ADOPT, NOTHING, UNSET
from nextauth_client.idle import TELL
from nextauth_client.queries import SAME_MOMENT
from nextauth_client.stamps import DAY
from nextauth_client.sync import BURST, TICK
from nextauth_client.testing import KEEP, START, Cookie
from nextauth_client.times import parse_iso

if TYPE_CHECKING:
    from nextauth_client.host import Request
    from nextauth_client.session import SessionState
    from nextauth_client.testing import Sending

    from .world import Page, World

    Who = tuple[int, int, Any] | None

SPIN = 60  # ticks in a second
MOMENT = 0.005  # stamps are in milliseconds, and each is greater than the last; within a few there is no order
SLOW = 0.05  # with faster answers than messages between tabs are, several ask before they hear of the first
HEARD = 0.03  # the longest that a message between tabs takes in a kind world
BACKOFF = 0.45  # the shortest there is, nearly

SIGN_OUT_IS_FINAL = "a tab that knows of a sign-out never again shows an answer asked before it"
CHANGE_IS_FINAL = "a tab that knows of a mutation takes no answer asked before its end"
KEPT_IS_FRESH = "a page that comes, or comes back, shows nothing asked before a mutation whose end is stored"
UNKNOWN_CHANGES_NOBODY = "an unknown never changes who is signed in, except at `expires`"
FOLLOWS = "every visible tab with a trigger shows the backend's answer within timeout + 30 s of the network's healing"
RESTS_RIGHT = "a tab that wants nothing shows what the backend said after its last trigger"
FRUGAL = "at most one request per trigger (per tab without Locks or channel), one per end of a mutation, plus backoff"
NAMED_ORIGINS = "no call's token or cookie goes to an origin that was not named"
ONE_QUESTION = "n calls that come back 401 in T tabs cost one question"
EXPIRES = "nobody is shown signed in past `expires` plus one tick plus timeout"
LOADING_ENDS = "loading ends when the backend answers"
REAL_CHANGES = "listeners see only real changes"
NEVER_OLDER = "listeners never see an answer asked before the one that they saw"
LOCK_IS_RELEASED = "the lock is held only while a query is in flight"
TWO_QUERIES = "a tab has at most two queries in flight"
COOKIE_STAYS_GONE = "a confirmed sign-out that all tabs heard of leaves the cookie gone"
SETTLED_ONCE = "a ticket is settled exactly once"
SETTLED_FRESHLY = "a ticket is settled by what the backend said after it was taken, or by an error"
NO_SPIN = "no tab spins"
GOES_ON_ELSEWHERE = "a driver that goes on at another backend shows, and gives callers, that one's answers alone"
REASON_OF_THE_LAST = "a reason is never shown while somebody is signed in, but `switched`"
ENDS_HAVE_REASONS = "nobody stops being signed in without a reason"
OWN_SIGN_OUT = "`signed_out` is shown by the tab that signed out, and by no other"
NO_TIMER = "no timer runs without a reader or a deadline"
COUNTS_RIGHT = "who reads `expires_in` or `idle_in` knows it to the second while the page is visible"
IDLE_ENDS = "nobody is shown past the idle deadline plus one tick"
USE_KEEPS = "use in any tab within the deadline keeps everybody"
IDLE_STAYS_OUT = "who has idled is not shown again until the sign-out has got through, or somebody has signed in"

ORIGINS = ("https://example.org", "https://api.example.net")  # to which calls may go
IDLE_WARNING = 8
IDLE_RETRY = 15.0  # the longest between two sign-outs for want of use
LOGIN_ELSEWHERE = 0  # of the one who is signed in there


class Broken(AssertionError):
    """An invariant does not hold."""


def who(session: Any) -> Who:
    return None if session is None else (session["login"], session["profile"], session.get("value"))


class Seen:
    """What is known about a page."""

    def __init__(self, page: Page) -> None:
        self.page = page
        self.seen_asked = 0.0  # when the newest query was asked whose answer a listener saw
        self.signed_out = 0.0  # when the newest sign-out that it knows of ended
        self.changed_at = 0.0  # the last trigger that says "something changed"
        self.time_passed_at: float | None = None  # the last that says "time has passed"
        self.tickets: dict[int, float] = {}
        self.heard_starts: set[tuple[int, str]] = set()
        self.awake_since = 0.0
        self.failures = [-1.0, -1.0]
        self.second, self.ticks = -1, 0
        self.session: Any = None  # before the event, as the next four
        self.loading = True
        self.newest: tuple[int, str] = (0, "")
        self.epoch = 0
        self.knows_of = 0.0  # when the newest mutation that it knows of ended
        self.own_start: tuple[int, str] | None = None
        self.signing_out: object = None  # its mutation that is one
        self.has_signed_out = False
        self.was_shown: Any = None  # the session that listeners saw before
        self.expiring = False
        self.idle_in: int | None = None  # before the event
        self.idle: list[float] = []  # when timers rang for nothing, one after the other
        self.left: int | None = None  # of the session, as a reader saw it ...
        self.idle_left: int | None = None  # the same until the idle deadline
        self.is_idle = False  # it waits for a sign-out for want of use ...
        self.idle_since = 0.0  # ... since then
        self.shown_at = 0.0  # since when it has shown whom it shows
        self.counts = False  # ... who is there
        self.counted_at = -9.0  # or was, then
        self.disturbed = 0  # how often the world was, when it started
        self.opened_at = page.world.loop.now
        self.published_error = False
        self.given_up = False  # nobody waits for the answer that comes
        self.given = False
        self.sent_at = 0.0  # when the last request of its own mutation left
        self.in_flight: list[int] = []
        self.given_early = False  # there was an early script ...
        self.early = False  # ... with whose query it goes on


class Watch:
    def __init__(self, world: World) -> None:
        self.world = world
        self.pages: dict[int, Seen] = {}
        self.truths: list[tuple[float, Who, float]] = []  # since when, who, and when that expires
        self.asked = 0
        self.allowed = len(range(world.options.tabs))
        self._numbers = 0
        self._last_keep_alive = 0.0
        self._asked_at = -1.0  # when the newest query was sent, in a kind world
        self._told_at = -1.0  # when the newest answer was published
        self._refused_since = -1.0  # when a call left that was refused, and for which nobody has asked yet
        self._spared = 0  # refused calls that another one's question was for ...
        self._spared_at = -9.0  # ... and when the newest was
        self._ends: dict[
            tuple[Any, ...], tuple[float, bool, float]
        ] = {}  # of mutations: when, whether one signs out, when its request left
        self._gone: set[int] = set()  # logins that are signed out for good
        self._announced: dict[tuple[Any, ...], float] = {}
        self._ended_at = 0.0  # when the newest mutation did ...
        self._stored_at = 0.0  # ... and the newest that a page has made or heard of, and so has stored
        self._disturbed = 0
        self._failures = [-1.0, -1.0]
        self._clock_set_back = 0
        self._longest_sleep = 0.0
        self._clock_set_ahead_at = -1.0
        self._mutations: dict[int, float] = {}
        self._used_at = -1e9  # when a page was used that showed somebody
        self._idled: set[int] = set()  # logins that ended for want of use
        self._signed_out_by_js: set[int] = set()

    def broken(self, invariant: str, detail: str = "") -> None:
        broken = Broken(f"{invariant}\n{detail} at {self.world.loop.now:.3f}\n\n{self.world}\n")
        self.world.loop.failure = self.world.loop.failure or broken
        raise broken

    # ── the truth ────────────────────────────────────────────────────────────────────────────────

    def note_truth(self) -> None:
        backend, cookie = self.world.browser.backend, self.world.browser.cookie
        now = self.world.loop.now
        if cookie is None or not backend.accepts(cookie):
            self.truths.append((now, None, float("inf")))
        else:
            profile = backend.profile  # type: ignore[attr-defined]
            expires = cookie.expires - backend.skew - START
            self.truths.append((now, (cookie.login, profile, cookie.data.get("value")), expires))

    def truths_since(self, time: float) -> set[Who]:
        found: set[Who] = set()
        end = self.world.loop.now
        for since, name, expires in reversed(self.truths):
            if expires > time:
                found.add(name)
            if expires <= end:
                found.add(None)
            if since < time:
                break
            end = since
        return found

    # ── the budget of requests ───────────────────────────────────────────────────────────────────

    @property
    def _tolerance(self) -> float:
        """Seconds within which the order of two moments may be unknown to the tabs."""
        return self.world.options.timeout + self._longest_sleep if self._clock_set_back else MOMENT

    @property
    def shares(self) -> bool:
        world = self.world
        options = world.options
        return (
            options.locks
            and options.channels
            and not options.hostile
            and not options.stuck_lock
            and not self._clock_set_back
            and world.browser.latency >= SLOW
            and world.browser.online
        )

    def allows_one(self) -> None:
        self.allowed += 1

    def allows(self) -> None:
        """A trigger that may reach all tabs."""
        if self.shares:
            self.allowed += 1
        else:
            # Each tab, and where messages come twice each twice.
            self.allowed += max(6, len(self.world.pages)) * (2 if self.world.options.hostile else 1)

    def answers_take(self, seconds: float) -> None:
        """From now on; what all tabs want already, several may ask then."""
        if seconds < SLOW:
            self.allows()

    def asks(self) -> None:
        self.asked += 1
        self._asked_at = self.world.loop.now
        self._refused_since = -1.0
        if self._asked_at - self._spared_at < 1 and self._asked_at - self._told_at < HEARD:
            self.allowed += 1  # it has not heard that answer yet

    def _is_refused(self, page: Page, left_at: float) -> None:
        """A call that left then: what is asked from then on will do, and what was asked already is on its way."""
        now = self.world.loop.now
        if page.machine.is_known_since(left_at):
            self._spared += 1
            return
        left = min(now, left_at - page.tab.now() + now)  # the clock may have been set meanwhile
        self._tells(self.pages[page.number], left)
        if not self.shares:
            self.allows_one()
        elif self._asked_at >= left or self._refused_since >= 0:
            self._spared += 1
            self._spared_at = now
        else:
            self.allows_one()
            self._refused_since = left

    def calls(self, request: Request) -> None:
        url = urlsplit(request.url)
        if f"{url.scheme}://{url.netloc}" not in ORIGINS:
            self.broken(NAMED_ORIGINS, repr(request))

    def _is_frugal(self) -> None:
        extra = self.asked - self.allowed
        if extra > 0:
            self.broken(ONE_QUESTION if extra <= self._spared else FRUGAL, f"{extra} requests more than are allowed")

    def _gives_up(self, event: Any) -> None:
        """A query is; unless a newer answer has come it is asked again."""
        if type(event) is not events.Answered and self._kind_of(event) != "answer":
            self.allowed += 1

    def _kind_of(self, event: Any) -> Any:
        """The type of the message that is heard."""
        return event.message.get("type") if type(event) is events.Heard and isinstance(event.message, dict) else None

    # ── what happens ─────────────────────────────────────────────────────────────────────────────

    def page_opens(self, page: Page) -> None:
        seen = self.pages[page.number] = Seen(page)
        seen.changed_at = self.world.loop.now

        def listener(state: SessionState, previous: SessionState) -> None:
            if state == previous:
                self.broken(REAL_CHANGES, f"page {page.number}: {state}")
            self._has_its_reason(page, seen, state)
            if page.is_elsewhere:
                self._is_of_elsewhere(page, state.session, state.loading)
            elif state.session is not None:
                if state.session.asked < seen.seen_asked - self._tolerance:
                    self.broken(NEVER_OLDER, f"page {page.number}: {state}")
                seen.seen_asked = state.session.asked

        page.store.subscribe(listener)

    def _has_its_reason(self, page: Page, seen: Seen, state: SessionState) -> None:
        was, seen.was_shown = seen.was_shown, state.session
        if state.session is not None:
            stays_out = state.session["login"] in self._idled - self._signed_out_by_js
            if was is None and stays_out and page.knows_of_idling:
                self.broken(IDLE_STAYS_OUT, f"page {page.number}: {state.session}")
            if state.reason not in (None, "switched"):
                self.broken(REASON_OF_THE_LAST, f"page {page.number}: {state.reason}")
        elif not state.loading and was is not None and state.reason in (None, "switched"):
            self.broken(ENDS_HAVE_REASONS, f"page {page.number}: {state.reason}")
        elif state.reason == "signed_out" and not seen.has_signed_out:
            self.broken(OWN_SIGN_OUT, f"page {page.number}")

    def page_was_given(self, page: Page, truth_at: float) -> None:
        seen = self.pages[page.number]
        seen.given = True
        seen.given_early = seen.page.tab.early is not None
        seen.changed_at = truth_at

    def page_goes(self, page: Page) -> None:
        self.allows()
        self.allows()

    def is_counted(self, page: Page, left: int | None) -> None:
        seen = self.pages[page.number]
        seen.counts, seen.left = True, left

    def is_counted_idle(self, page: Page, left: int | None) -> None:
        self.pages[page.number].idle_left = left

    def is_used(self, page: Page) -> None:
        if page.machine.view.session is not None and not page.is_elsewhere:  # else it came too late
            self._used_at = self.world.loop.now

    def is_counted_no_more(self, page: Page) -> None:
        seen = self.pages[page.number]
        seen.counts, seen.counted_at = False, self.world.loop.now

    def is_stopped(self, page: Page) -> None:
        if self.pages[page.number].tickets:
            self.broken(SETTLED_ONCE, f"page {page.number} was stopped with tickets left")
        if page.machine.in_flight:
            self.broken(LOCK_IS_RELEASED, f"page {page.number} was stopped with a query in flight")

    def disturbs(self) -> None:
        self._disturbed += 1
        self.allows()

    def wakes(self, time: float) -> None:
        self._longest_sleep = max(self._longest_sleep, time - self.world.loop.now)
        for seen in self.pages.values():
            seen.awake_since = time

    def is_shown(self, page: Page) -> None:
        self.pages[page.number].awake_since = self.world.loop.now

    def clock_jumps(self, seconds: float) -> None:
        for seen in self.pages.values():
            seen.awake_since = self.world.loop.now  # what rings next looks at the clock
        self.allowed += 12
        if seconds < 0:
            self._clock_set_back += 1
        else:
            self._clock_set_ahead_at = self.world.loop.now

    def changed_for(self, page: Page, time: float) -> None:
        self.pages[page.number].changed_at = time

    def js_client_says(self) -> None:
        self.allows()
        if any(seen.tickets for seen in self.pages.values()):
            self.allowed += (
                1  # a tab may have asked for itself a moment before it heard, and does not take the others' answer
            )

    def js_client_signed_out(self) -> None:
        """What brings the cookie back after that, no tab can know, whenever it finds that nobody has used it."""
        cookie = self.world.browser.cookie
        if cookie is not None:
            self._signed_out_by_js.add(cookie.login)

    def hears_js_client(self, page: Page, said_at: float) -> None:
        """Whatever changed did so before it was said."""
        self._tells(self.pages[page.number], said_at + 1e-6)

    def _tells(self, seen: Seen, time: float) -> None:
        """Two mutations told within a moment may pass for one; it is a long moment once the clock was set back."""
        if time > seen.changed_at + max(2 * SAME_MOMENT, self._tolerance):
            seen.changed_at = time

    def may_catch_up(self, page: Page) -> None:
        self.allows_one()
        if self.world.options.refetch_on_focus:
            self.pages[page.number].time_passed_at = self.world.loop.now

    def _takes_ticket(self, page: Page, ticket: int) -> None:
        self.pages[page.number].tickets[ticket] = self.world.loop.now
        if not page.machine.mutating:  # else the end of the mutation may bring the answer, as old as its request
            self.changed_for(page, self.world.loop.now)
        self.allows_one()

    def _settles(self, page: Page, event: Any, ticket: int, error: Any) -> None:
        taken = self.pages[page.number].tickets.pop(ticket, None)
        if taken is None:
            self.broken(SETTLED_ONCE, f"page {page.number} settles ticket {ticket} again")
        elif error is None and not self._clock_set_back and not self._is_end(event) and not page.machine.is_idle:
            if who(page.machine.view.session) in self.truths_since(taken):
                return
            self.broken(SETTLED_FRESHLY, f"page {page.number}: {page.machine.view.session}")

    def answers_a_caller(self, page: Page, asked_at: float, mutating: bool, session: Any) -> None:
        """What `get_session()` gives, or `UNSET` when it raises; a mutation then under way may bring what is older."""
        if session is UNSET:
            return
        if page.is_elsewhere:
            return self._is_of_elsewhere(page, session, False)
        if mutating or self._clock_set_back or self._mutated_since(asked_at) or page.machine.view.reason == "idle":
            return
        if who(session) not in self.truths_since(asked_at):
            self.broken(SETTLED_FRESHLY, f"page {page.number} gives its caller {session}")

    def _is_of_elsewhere(self, page: Page, session: Any, loading: bool) -> None:
        if session["login"] != LOGIN_ELSEWHERE if session is not None else not loading:
            self.broken(GOES_ON_ELSEWHERE, f"page {page.number}: {session}")

    def _mutated_since(self, time: float) -> bool:
        return self._ended_at >= time

    def _is_end(self, event: Any) -> bool:
        """A mutation that was under way brings the answer for tickets that were taken meanwhile."""
        return type(event) is events.MutationEnded or self._kind_of(event) == "end"

    def _publishes(self, page: Page, message: dict[str, Any]) -> None:
        seen, now = self.pages[page.number], self.world.loop.now
        seen.published_error = "error" in message
        if message["type"] == "start":
            if seen.own_start != tuple(message["stamp"]):
                seen.own_start = tuple(message["stamp"])
                seen.disturbed = self._disturbed
            seen.sent_at = now
        elif message["type"] == "answer":
            self._told_at = now
        elif message["type"] == "changed":
            self._announced[tuple(message["stamp"])] = now
        elif message["type"] == "end":
            self.allows()
            if message["outcome"] != NOTHING:
                signs_out = message["outcome"] == ADOPT and message["session"] is None
                self._ends[tuple(message["stamp"])] = now, signs_out, seen.sent_at
                self._ended_at = now
                if not page.tab.is_worker:
                    self._stored_at = now
                if signs_out:
                    seen.signed_out = now

    def update_reaches_the_backend(self, cookie: Cookie | None, value: Any) -> None:
        """Its answer is true for those who get it, before its cookie has come back."""
        backend, now = self.world.backend, self.world.loop.now
        if cookie is not None and backend.accepts(cookie):
            self.truths.append((now, (cookie.login, backend.profile, value), float("inf")))
            self.note_truth()

    def sign_out_reaches_the_backend(self, sending: Sending) -> None:
        page = self.world.page_of(sending.tab)
        if page is None or sending.cookie is None:
            return
        start = self.pages[page.number].own_start
        assert start is not None
        clean = self._all_heard(start, page) and not self.world.js_tab.sends and not self.world.options.hostile
        sending.clean = clean  # type: ignore[attr-defined]

    def _all_heard(self, start: tuple[int, str], acting: Page) -> bool:
        heard = [
            self.pages[page.number].heard_starts
            for page in self.world.pages
            if page.alive and page.present and page is not acting
        ]
        heard += [early.heard_starts for early in self.world.early]
        return all(start in starts for starts in heard)

    def cookie_comes_back(self, sending: Sending, cookie: Any) -> None:
        if cookie is KEEP:
            return
        if isinstance(cookie, Cookie):
            if cookie.login in self._gone:
                if sending.request.method == "GET":
                    self.broken(COOKIE_STAYS_GONE, f"a late query brings login {cookie.login} back")
                self._gone.remove(cookie.login)  # an update that was under way in another tab
        elif sending.request.url.endswith("/signout") and sending.cookie is not None:
            self._idled.discard(sending.cookie.login)  # what brings the cookie back after that, no tab can know
            page = self.world.page_of(sending.tab)
            if page is None or sending.fault is not None:
                return
            clean = sending.clean  # type: ignore[attr-defined]
            start = self.pages[page.number].own_start
            assert start is not None
            undisturbed = self.pages[page.number].disturbed == self._disturbed and not self.world.js_tab.sends
            if clean and undisturbed and self._all_heard(start, page) and page.present:
                self._gone.add(sending.cookie.login)

    # ── around each event ────────────────────────────────────────────────────────────────────────

    def steps(self, page: Page, event: Any, effects: list[Any]) -> None:
        """A driver has carried an event out."""
        seen = self.pages[page.number]
        if type(event) is events.Refused:
            self._is_refused(page, event.left)
        if type(event) is events.Refresh:
            self._takes_ticket(page, event.ticket)
        seen.published_error = False
        for effect in effects:
            kind = type(effect)
            if kind is events.SendQuery:
                self.asks()
            elif kind is events.AbortQuery:
                self._gives_up(event)
            elif kind is events.Publish:
                self._publishes(page, effect.message)
            elif kind is events.Settle:
                for ticket in effect.tickets:
                    self._settles(page, event, ticket, effect.error)
        self._judges(page, seen, event)
        self._rings_for_something(page, seen, event, effects)
        machine = page.machine
        seen.session, seen.loading = machine.view.session, machine.view.loading
        seen.newest, seen.epoch = machine.view.newest, machine.view.epoch[0]
        seen.in_flight = machine.in_flight
        seen.idle_in = machine.view.idle_in

    def _rings_for_something(self, page: Page, seen: Seen, event: Any, effects: list[Any]) -> None:
        """A timer may ring for what is wanted no more, and then for the next such thing; but not for ever."""
        machine, now = page.machine, self.world.loop.now
        is_idle = type(event) is events.Tick and machine.at_rest and all(type(one) is events.Wake for one in effects)
        is_idle = is_idle and machine.view.session is seen.session and machine.view.expiring == seen.expiring
        is_idle = is_idle and (machine.view.idle_in is None) == (seen.idle_in is None)
        seen.idle, seen.expiring = [*seen.idle[-3:], now] if is_idle else [], machine.view.expiring
        is_read = seen.counts or now - max(seen.counted_at, seen.awake_since) < TICK
        if len(seen.idle) == 4 and now - seen.idle[0] < TICK - 0.01 and not is_read:
            self.broken(NO_TIMER, f"page {page.number}")

    def _judges(self, page: Page, seen: Seen, event: Any) -> None:
        machine = page.machine
        kind = type(event)
        now = self.world.loop.now
        brings_answer = kind in (events.Start, events.Configured)  # or may do so
        answer: Any = None
        if kind is events.QueriedEarly:
            seen.early = True
        if kind is events.Answered and event.query in seen.in_flight:
            brings_answer, answer = event.error is None, event.session
            if seen.published_error:  # it may also have come too late
                brings_answer = False
                failures = self._failures if self.shares else seen.failures
                if now - failures.pop(0) >= BACKOFF:
                    self.allows()
                    self.allows()  # one may ask again before it has heard of the other's
                failures.append(now)
            elif machine.view.loading and not self._clock_set_back:
                self.broken(LOADING_ENDS, f"page {page.number}")
            elif event.session is not None and self._expires_soon(event.session):
                self.allows()  # once more then
        elif kind is events.SignedIn and machine.options.idle_timeout:
            self._used_at = now
        elif kind is events.SignsOut:
            seen.signing_out, seen.has_signed_out = event.mutation, True
        elif kind is events.MutationEnded:
            brings_answer, answer = event.outcome == ADOPT, event.session
            signs_out = brings_answer and event.mutation == seen.signing_out
            seen.signing_out = None
            if signs_out and seen.session is not None and machine.view.reason != "signed_out":
                self.broken(OWN_SIGN_OUT, f"page {page.number}: {machine.view.reason}")
            if event.outcome != NOTHING:
                # An answer that comes with the end is as old as its request.
                seen.changed_at = max(seen.changed_at, seen.sent_at if event.outcome == ADOPT else now)
                seen.knows_of = now
        elif kind is events.EpochStored and isinstance(event.epoch, int):
            if seen.epoch < event.epoch <= (page.tab.now() + DAY) * 1000:
                seen.changed_at = now
        elif kind in (events.Start, events.PageShow):
            if kind is events.Start and seen.given_early and not seen.early:
                # What the early script was answered is of no use, and is asked for again, or a worker has done so.
                self.allows_one()
                self.changed_for(page, max(seen.changed_at, self._stored_at))
            kept = machine.view.session
            if kept is not None and kept["asked"] < self._stored_at - MOMENT and not self._clock_set_back:
                self.broken(KEPT_IS_FRESH, f"page {page.number}: {kept}")
        elif kind is events.Heard and isinstance(event.message, dict):
            message = event.message
            answer = message.get("session")
            brings_answer = "session" in message
            name = message.get("type")
            if name == "start" and isinstance(message.get("stamp"), list):
                seen.heard_starts.add(tuple(message["stamp"]))
            elif name == "changed" and "stamp" in message:
                self._tells(seen, self._announced[tuple(message["stamp"])])
            elif name == "end" and "outcome" in message and page.present:
                stamp = tuple(message["stamp"])
                if stamp in self._ends:
                    ended, signs_out, sent = self._ends[stamp]
                    self._tells(seen, sent if message["outcome"] == ADOPT else ended)
                    if not page.tab.is_worker:
                        self._stored_at = max(self._stored_at, ended)
                    if stamp > seen.newest:
                        seen.knows_of = max(seen.knows_of, ended)
                        if signs_out:
                            seen.signed_out = max(seen.signed_out, ended)
        elif kind is events.Tick:
            second = int(now)
            seen.ticks = seen.ticks + 1 if second == seen.second else 0
            seen.second = second
            if seen.ticks > SPIN:
                self.broken(NO_SPIN, f"page {page.number}")

        shown = machine.view.session
        self._idles(page, seen)
        if seen.loading and not machine.view.loading and not brings_answer:
            self.broken(UNKNOWN_CHANGES_NOBODY, f"page {page.number} is signed out before any answer")
        if shown is not seen.session:
            if shown is not None and shown["asked"] < seen.knows_of - self._tolerance:
                self.broken(CHANGE_IS_FINAL, f"page {page.number}: {shown}")
            self._who_may_have_changed(page, seen, brings_answer, answer)
        if shown is not None and shown["asked"] < seen.signed_out - self._tolerance:
            self.broken(SIGN_OUT_IS_FINAL, f"page {page.number}: {shown}")
        if len(machine.in_flight) > 2:
            self.broken(TWO_QUERIES, f"page {page.number}")
        for holder in self.world.browser.lock_holders.values():
            if holder is page.tab and not machine.in_flight:
                self.broken(LOCK_IS_RELEASED, f"page {page.number} after {event}")

    def _idles(self, page: Page, seen: Seen) -> None:
        machine, now, options = page.machine, self.world.loop.now, self.world.options
        shown = machine.view.session
        if shown is not None and seen.session is None:
            seen.shown_at = now
        if machine.is_idle != seen.is_idle:
            seen.is_idle, seen.idle_since = machine.is_idle, now
            self.allows()
            if seen.is_idle and seen.session is not None:
                if page.knows_of_idling:
                    self._idled.add(seen.session["login"])
                clock_was_set = self._clock_set_back or self._clock_set_ahead_at >= 0
                hears = options.channels and not options.hostile
                hears_or_looks_up = hears or not any(one.tab.is_worker for one in self.world.pages)
                unused = now - self._used_at
                # Whoever looks it up finds what the tabs have stored that were told of nobody meanwhile.
                was_gone = not hears and None in self.truths_since(self._used_at)
                if (
                    not clock_was_set
                    and hears_or_looks_up
                    and not was_gone
                    and unused < options.idle_timeout - TELL - 0.1
                ):
                    self.broken(USE_KEEPS, f"page {page.number}, {unused:.1f} s after")

    def _outstays(self, seen: Seen) -> bool:
        """Whether it shows somebody for whom it is too late."""
        timeout, now = self.world.options.idle_timeout, self.world.loop.now
        hears = self.world.options.channels and not self.world.options.hostile
        # Who hears nothing of a sign-out and a sign-in in between goes by those who did.
        shown_at = seen.shown_at if hears else max(other.shown_at for other in self.pages.values())
        latest = max(max(self._used_at, shown_at) + timeout, seen.awake_since) + TICK + 0.1
        return (
            bool(timeout) and seen.page.is_read and now > latest + (TICK + self._longest_sleep) * self._clock_set_back
        )

    def _who_may_have_changed(self, page: Page, seen: Seen, brings_answer: bool, answer: Any) -> None:
        machine = page.machine
        if machine.view.session is None and not machine.view.loading and (not brings_answer or answer is not None):
            expired = seen.session is not None and self._expiry(seen) <= self.world.loop.now + 0.001
            by_clock = self._clock_set_ahead_at >= 0 or seen.given or self._clock_set_back
            if not expired and not by_clock and machine.view.reason != "idle":
                self.broken(UNKNOWN_CHANGES_NOBODY, f"page {page.number}: signed out")
        elif machine.view.session is not None and not brings_answer:
            self.broken(UNKNOWN_CHANGES_NOBODY, f"page {page.number}: {machine.view.session}")

    def _expires_soon(self, session: Any) -> bool:
        expires = parse_iso(session["expires"])
        return expires is not None and expires < START + self.world.backend.skew + self.world.loop.now + 10000

    def _expiry(self, seen: Seen) -> float:
        expires = parse_iso(seen.session.get("expires"))
        return float("inf") if expires is None else expires - self.world.backend.skew - START

    # ── now and then ─────────────────────────────────────────────────────────────────────────────

    def glance(self) -> None:
        world = self.world
        now = world.loop.now
        keep_alive = world.options.keep_alive
        while keep_alive and self._last_keep_alive + keep_alive <= now:
            self._last_keep_alive += keep_alive
            self.allows()
        self._is_frugal()
        for seen in self.pages.values():
            page = seen.page
            machine = page.machine
            shown = machine.view.session
            if len(page.tab.queries) > 2:
                self.broken(TWO_QUERIES, f"page {page.number} sends {len(page.tab.queries)}")
            if page.present and page.is_read and machine.at_rest:
                self._shows_the_truth(seen, RESTS_RIGHT, "at rest")
            if seen.counts and page.alive and page.present and page.visible and now > seen.awake_since + 1.5:
                clock = page.tab.now()
                self._knows(seen, seen.left, machine.view.seconds_left(clock))
                # The moment when it begins to warn, glance and timer may come in any order.
                known, left = seen.idle_left, machine.idle.seconds_left(clock)
                self._knows(seen, IDLE_WARNING if known is None else known, IDLE_WARNING if left is None else left)
            if shown is None or not page.alive or not page.present or not page.visible or page.is_elsewhere:
                continue
            if self._outstays(seen):
                self.broken(IDLE_ENDS, f"page {page.number}: {shown}")
            if seen.given or "expires" in world.backend.extra:
                continue
            if not world.options.sends_date and (self._clock_set_ahead_at >= 0 or self._clock_set_back):
                continue  # nobody knows the backend's clock then: rule 7
            seen.session = shown
            # The answer may have been on its way for up to `timeout`, and the `Date` header has whole seconds.
            latest = max(self._expiry(seen), seen.awake_since) + TICK + 2 * world.options.timeout + 1.1
            if shown["asked"] < self._expiry(seen) and now > latest + TICK * self._clock_set_back:
                self.broken(EXPIRES, f"page {page.number}: {shown}")

    def _knows(self, seen: Seen, known: int | None, left: int | None) -> None:
        if (left is None) != (known is None) or abs((left or 0) - (known or 0)) > 1:
            self.broken(COUNTS_RIGHT, f"page {seen.page.number} knows of {known} s, and {left} are left")

    def everybody_knows(self, when: str) -> None:
        for seen in self.pages.values():
            page = seen.page
            if page.is_elsewhere:
                self._is_of_elsewhere(page, page.machine.view.session, False)
            if not page.alive or not page.present or not page.visible or not page.is_read:
                continue
            if self.world.loop.now - seen.opened_at < self.world.options.timeout:
                continue
            if seen.is_idle and self.world.loop.now - seen.idle_since < IDLE_RETRY + self.world.options.timeout:
                continue  # the backend is about to be told
            if page.machine.view.loading:
                self.broken(LOADING_ENDS, f"page {page.number}, {when}")
            self._shows_the_truth(seen, FOLLOWS, when)

    def _shows_the_truth(self, seen: Seen, invariant: str, when: str) -> None:
        since = seen.changed_at
        if seen.time_passed_at is not None:
            # It may have joined a query, or come in a burst.
            since = max(since, seen.time_passed_at - self.world.options.timeout - BURST)
        if self._clock_set_back:
            since -= self._tolerance
        elif self.world.options.hostile or self.world.options.stuck_lock:
            # Two mutations passed for one, and the answer for the second is late, or lost.
            since -= 2 * SAME_MOMENT
        shown = who(seen.page.machine.view.session)
        if shown not in self.truths_since(since):
            self.broken(invariant, f"page {seen.page.number}, {when}, shows {shown}")

    def ends(self) -> None:
        self._is_frugal()
        for seen in self.pages.values():
            if seen.page.alive and seen.tickets:
                self.broken(SETTLED_ONCE, f"page {seen.page.number} never settles {seen.tickets}")
            if (seen.page.alive or seen.page.is_elsewhere) and seen.page.callers:
                self.broken(SETTLED_ONCE, f"page {seen.page.number} never answers {seen.page.callers} callers")
        for holder in self.world.browser.lock_holders.values():
            if holder not in [seen.page.tab for seen in self.pages.values() if seen.page.tab.queries] + [
                "somebody else"
            ]:
                self.broken(LOCK_IS_RELEASED, "at the end")
