"""What must hold in every world, by name. docs/synchroniser.md lists the same names.

`Watch` is told what happens by the world, and raises `Broken` the moment that something is wrong. It judges by what a
page shows and what reaches the backend; into the machine it looks only to know what it waits for.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from nextauth_client import sync
from nextauth_client.sync import ADOPT, NOTHING
from nextauth_client.testing import KEEP, START, Cookie
from nextauth_client.times import parse_iso

if TYPE_CHECKING:
    from nextauth_client.session import SessionState
    from nextauth_client.testing import Sending

    from .world import Page, World

    Who = tuple[int, int, Any] | None

SPIN = 60  # ticks in a second
MOMENT = 0.005  # stamps are in milliseconds, and each is greater than the last; within a few there is no order
SLOW = 0.05  # with faster answers than messages between tabs are, several ask before they hear of the first
BACKOFF = 0.45  # the shortest there is, nearly

SIGN_OUT_IS_FINAL = "a tab that knows of a sign-out never again shows an answer asked before it"
CHANGE_IS_FINAL = "a tab that knows of a change takes no answer asked before its end"
KEPT_IS_FRESH = "a page that comes, or comes back, shows nothing asked before a change whose end is stored"
UNKNOWN_CHANGES_NOBODY = "an unknown never changes who is signed in, except at `expires`"
FOLLOWS = "every visible tab with a trigger shows the backend's answer within timeout + 30 s of the network's healing"
RESTS_RIGHT = "a tab that wants nothing shows what the backend said after its last trigger"
FRUGAL = "at most one request per trigger (per tab without Locks or channel), one per end of a change, plus backoff"
EXPIRES = "nobody is shown signed in past `expires` plus one tick plus timeout"
LOADING_ENDS = "loading ends when the backend answers"
REAL_CHANGES = "listeners see only real changes"
NEVER_OLDER = "listeners never see an answer asked before the one that they saw"
LOCK_IS_RELEASED = "the lock is held only while a question is in the air"
TWO_QUESTIONS = "a tab has at most two questions in the air"
COOKIE_STAYS_GONE = "a confirmed sign-out that all tabs heard of leaves the cookie gone"
SETTLED_ONCE = "a ticket is settled exactly once"
SETTLED_FRESHLY = "a ticket is settled by what the backend said after it was taken, or by an error"
NO_SPIN = "no tab spins"


class Broken(AssertionError):
    """An invariant does not hold."""


def who(session: Any) -> Who:
    return None if session is None else (session["login"], session["profile"], session.get("value"))


class Seen:
    """What is known about a page."""

    def __init__(self, page: Page) -> None:
        self.page = page
        self.seen_asked = 0.0  # when the newest question was asked whose answer a listener saw
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
        self.knows_of = 0.0  # when the newest change that it knows of ended
        self.own_start: tuple[int, str] | None = None
        self.disturbed = 0  # how often the world was, when it started
        self.opened_at = page.world.clock.now
        self.published_error = False
        self.given_up = False  # nobody waits for the answer that comes
        self.given = False
        self.sent_at = 0.0  # when the last request of its own change left
        self.complaint: tuple[str, str] | None = None


class Watch:
    def __init__(self, world: World) -> None:
        self.world = world
        self.pages: dict[int, Seen] = {}
        self.truths: list[tuple[float, Who, float]] = []  # since when, who, and when that expires
        self.asked = 0
        self.allowed = len(range(world.options.tabs))
        self._numbers = 0
        self._last_keep_alive = 0.0
        self._ends: dict[
            tuple[Any, ...], tuple[float, bool, float]
        ] = {}  # of changes: when, whether one signs out, when its request left
        self._gone: set[int] = set()  # logins that are signed out for good
        self._announced: dict[tuple[Any, ...], float] = {}
        self._ended_at = 0.0  # when the newest change did
        self._disturbed = 0
        self._failures = [-1.0, -1.0]
        self._clock_set_back = 0
        self._longest_sleep = 0.0
        self._clock_set_ahead_at = -1.0
        self._changes: dict[int, float] = {}

    def broken(self, invariant: str, detail: str = "") -> None:
        script = "\n".join(self.world.script)
        raise Broken(f"{invariant}\n{detail} at {self.world.clock.now:.3f}\n\n{script}\n")

    # ── the truth ────────────────────────────────────────────────────────────────────────────────

    def note_truth(self) -> None:
        backend, cookie = self.world.browser.backend, self.world.browser.cookie
        now = self.world.clock.now
        if cookie is None or not backend.accepts(cookie):
            self.truths.append((now, None, float("inf")))
        else:
            profile = backend.profile  # type: ignore[attr-defined]
            expires = cookie.expires - backend.skew - START
            self.truths.append((now, (cookie.login, profile, cookie.data.get("value")), expires))

    def truths_since(self, time: float) -> set[Who]:
        found: set[Who] = set()
        end = self.world.clock.now
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

    def gives_up(self, event: Any) -> None:
        """A question is; unless a newer answer has come it is asked again."""
        if type(event) is not sync.Answered and self._kind_of(event) != "answer":
            self.allowed += 1

    def _kind_of(self, event: Any) -> Any:
        """The type of the message that is heard."""
        return event.message.get("type") if type(event) is sync.Heard and isinstance(event.message, dict) else None

    # ── what happens ─────────────────────────────────────────────────────────────────────────────

    def page_opens(self, page: Page) -> None:
        seen = self.pages[page.number] = Seen(page)
        seen.changed_at = self.world.clock.now

        def listener(state: SessionState, previous: SessionState) -> None:
            # A store lets no listener stop it, so that this is said later.
            if state == previous:
                seen.complaint = REAL_CHANGES, f"page {page.number}: {state}"
            if state.session is not None:
                if state.session.asked < seen.seen_asked - self._tolerance:
                    seen.complaint = NEVER_OLDER, f"page {page.number}: {state}"
                seen.seen_asked = state.session.asked

        page.store.subscribe(listener)

    def page_was_given(self, page: Page, truth_at: float) -> None:
        seen = self.pages[page.number]
        seen.given = True
        seen.changed_at = truth_at

    def page_is_replaced(self, page: Page, successor: Page) -> None:
        """What the page's readers know they still do."""
        if page.questions:
            self.broken(LOCK_IS_RELEASED, f"page {page.number} was replaced with a question in the air")
        self.pages[page.number].page = successor

    def tickets_of(self, page: Page) -> list[int]:
        return list(self.pages[page.number].tickets)

    def page_goes(self, page: Page) -> None:
        self.allows()
        self.allows()

    def is_stopped(self, page: Page) -> None:
        if self.pages[page.number].tickets:
            self.broken(SETTLED_ONCE, f"page {page.number} was stopped with tickets left")
        if page.questions:
            self.broken(LOCK_IS_RELEASED, f"page {page.number} was stopped with a question in the air")

    def disturbs(self) -> None:
        self._disturbed += 1
        self.allows()

    def wakes(self, time: float) -> None:
        self._longest_sleep = max(self._longest_sleep, time - self.world.clock.now)
        for seen in self.pages.values():
            seen.awake_since = time

    def is_shown(self, page: Page) -> None:
        self.pages[page.number].awake_since = self.world.clock.now

    def clock_jumps(self, seconds: float) -> None:
        self.allowed += 12
        if seconds < 0:
            self._clock_set_back += 1
        else:
            self._clock_set_ahead_at = self.world.clock.now

    def changed_for(self, page: Page, time: float) -> None:
        self.pages[page.number].changed_at = time

    def js_client_says(self) -> None:
        self.allows()
        if any(seen.tickets for seen in self.pages.values()):
            self.allowed += (
                1  # a tab may have asked for itself a moment before it heard, and does not take the others' answer
            )

    def hears_js_client(self, page: Page, said_at: float) -> None:
        """Whatever changed did so before it was said."""
        self._tells(self.pages[page.number], said_at + 1e-6)

    def _tells(self, seen: Seen, time: float) -> None:
        """Two changes told within a moment may pass for one; it is a long moment once the clock was set back."""
        if time > seen.changed_at + max(2 * sync.SAME_MOMENT, self._tolerance):
            seen.changed_at = time

    def may_catch_up(self, page: Page) -> None:
        self.allows_one()
        if self.world.options.refetch_on_focus:
            self.pages[page.number].time_passed_at = self.world.clock.now

    def takes_ticket(self, page: Page) -> int:
        self._numbers += 1
        self.pages[page.number].tickets[self._numbers] = self.world.clock.now
        if not page.machine._changes:  # else the end of the change may bring the answer, as old as its request
            self.changed_for(page, self.world.clock.now)
        self.allows_one()
        return self._numbers

    def settles(self, page: Page, ticket: int, error: Any) -> None:
        taken = self.pages[page.number].tickets.pop(ticket, None)
        if taken is None:
            self.broken(SETTLED_ONCE, f"page {page.number} settles ticket {ticket} again")
        elif error is None and not self._clock_set_back and not self._is_end(page._events[0]):
            if who(page.machine.session) in self.truths_since(taken):
                return
            self.broken(SETTLED_FRESHLY, f"page {page.number}: {page.machine.session}")

    def _is_end(self, event: Any) -> bool:
        """A change that was under way brings the answer for tickets that were taken meanwhile."""
        return type(event) is sync.ChangeEnded or self._kind_of(event) == "end"

    def change_begins(self, page: Page) -> int:
        self._numbers += 1
        return self._numbers

    def publishes(self, page: Page, message: dict[str, Any]) -> None:
        seen, now = self.pages[page.number], self.world.clock.now
        seen.published_error = "error" in message
        if message["type"] == "start":
            if seen.own_start != tuple(message["stamp"]):
                seen.own_start = tuple(message["stamp"])
                seen.disturbed = self._disturbed
            seen.sent_at = now
        elif message["type"] == "changed":
            self._announced[tuple(message["stamp"])] = now
        elif message["type"] == "end":
            self.allows()
            if message["outcome"] != NOTHING:
                signs_out = message["outcome"] == ADOPT and message["session"] is None
                self._ends[tuple(message["stamp"])] = now, signs_out, seen.sent_at
                self._ended_at = now
                if signs_out:
                    seen.signed_out = now

    def update_reaches_the_backend(self, cookie: Cookie | None, value: Any) -> None:
        """Its answer is true for those who get it, before its cookie has come back."""
        backend, now = self.world.backend, self.world.clock.now
        if cookie is not None and backend.accepts(cookie):
            self.truths.append((now, (cookie.login, backend.profile, value), float("inf")))
            self.note_truth()

    def sign_out_reaches_the_backend(self, sending: Sending) -> None:
        page = self.world.page_of(sending.tab)
        if page is None or sending.cookie is None:
            return
        start = self.pages[page.number].own_start
        assert start is not None
        clean = self._all_heard(start, page) and not self.world._js_tab._sendings and not self.world.options.hostile
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
                    self.broken(COOKIE_STAYS_GONE, f"a late question brings login {cookie.login} back")
                self._gone.remove(cookie.login)  # an update that was under way in another tab
        elif sending.request.url.endswith("/signout") and sending.cookie is not None:
            page = self.world.page_of(sending.tab)
            if page is None or sending.fault is not None:
                return
            clean = sending.clean  # type: ignore[attr-defined]
            start = self.pages[page.number].own_start
            assert start is not None
            undisturbed = self.pages[page.number].disturbed == self._disturbed and not self.world._js_tab._sendings
            if clean and undisturbed and self._all_heard(start, page) and page.present:
                self._gone.add(sending.cookie.login)

    # ── around each event ────────────────────────────────────────────────────────────────────────

    def before(self, page: Page, event: Any) -> None:
        seen = self.pages[page.number]
        seen.session = page.machine.session
        seen.loading = page.machine.loading
        seen.published_error = False
        seen.newest = max(page.machine._shown, page.machine._epoch)
        seen.epoch = page.machine._epoch[0]
        seen.given_up = type(event) is sync.Answered and event.question not in [q.number for q in page.machine._in_air]

    def after(self, page: Page, event: Any) -> None:
        seen = self.pages[page.number]
        machine = page.machine
        kind = type(event)
        now = self.world.clock.now
        brings_answer = kind is sync.Start  # or may do so
        answer: Any = None
        if kind is sync.Answered and not seen.given_up:
            brings_answer, answer = event.error is None, event.session
            if seen.published_error:  # it may also have come too late
                brings_answer = False
                failures = self._failures if self.shares else seen.failures
                if now - failures.pop(0) >= BACKOFF:
                    self.allows()
                    self.allows()  # one may ask again before it has heard of the other's
                failures.append(now)
            elif machine.loading and not self._clock_set_back:
                self.broken(LOADING_ENDS, f"page {page.number}")
            elif event.session is not None and self._expires_soon(event.session):
                self.allows()  # once more then
        elif kind is sync.ChangeEnded:
            brings_answer, answer = event.outcome == ADOPT, event.session
            if event.outcome != NOTHING:
                # An answer that comes with the end is as old as its request.
                seen.changed_at = max(seen.changed_at, seen.sent_at if event.outcome == ADOPT else now)
                seen.knows_of = now
        elif kind is sync.EpochStored and isinstance(event.epoch, int):
            if seen.epoch < event.epoch <= (page.tab.now() + sync.DAY) * 1000:
                seen.changed_at = now
        elif kind is sync.Start or kind is sync.PageShow:
            kept = machine.session
            if kept is not None and kept["asked"] < self._ended_at - MOMENT and not self._clock_set_back:
                self.broken(KEPT_IS_FRESH, f"page {page.number}: {kept}")
        elif kind is sync.Heard and isinstance(event.message, dict):
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
                    if stamp > seen.newest:
                        seen.knows_of = max(seen.knows_of, ended)
                        if signs_out:
                            seen.signed_out = max(seen.signed_out, ended)
        elif kind is sync.Tick:
            second = int(now)
            seen.ticks = seen.ticks + 1 if second == seen.second else 0
            seen.second = second
            if seen.ticks > SPIN:
                self.broken(NO_SPIN, f"page {page.number}")

        shown = machine.session
        if seen.loading and not machine.loading and not brings_answer:
            self.broken(UNKNOWN_CHANGES_NOBODY, f"page {page.number} is signed out before any answer")
        if shown is not seen.session:
            if shown is not None and shown["asked"] < seen.knows_of - self._tolerance:
                self.broken(CHANGE_IS_FINAL, f"page {page.number}: {shown}")
            self._who_may_have_changed(page, seen, brings_answer, answer)
        if shown is not None and shown["asked"] < seen.signed_out - self._tolerance:
            self.broken(SIGN_OUT_IS_FINAL, f"page {page.number}: {shown}")
        if len(page.questions) > 2:
            self.broken(TWO_QUESTIONS, f"page {page.number}")
        for holder in self.world.browser.lock_holders.values():
            if holder is page.tab and not page.questions:
                self.broken(LOCK_IS_RELEASED, f"page {page.number} after {event}")

    def _who_may_have_changed(self, page: Page, seen: Seen, brings_answer: bool, answer: Any) -> None:
        machine = page.machine
        if machine.session is None and not machine.loading and (not brings_answer or answer is not None):
            expired = seen.session is not None and self._expiry(seen) <= self.world.clock.now + 0.001
            by_clock = self._clock_set_ahead_at >= 0 or seen.given or self._clock_set_back
            if not expired and not by_clock:
                self.broken(UNKNOWN_CHANGES_NOBODY, f"page {page.number}: signed out")
        elif machine.session is not None and not brings_answer:
            self.broken(UNKNOWN_CHANGES_NOBODY, f"page {page.number}: {machine.session}")

    def _expires_soon(self, session: Any) -> bool:
        expires = parse_iso(session["expires"])
        return expires is not None and expires < START + self.world.backend.skew + self.world.clock.now + 10000

    def _expiry(self, seen: Seen) -> float:
        expires = parse_iso(seen.session.get("expires"))
        return float("inf") if expires is None else expires - self.world.backend.skew - START

    def told(self, page: Page) -> None:
        complaint = self.pages[page.number].complaint
        if complaint is not None:
            self.broken(*complaint)

    # ── now and then ─────────────────────────────────────────────────────────────────────────────

    def glance(self) -> None:
        world = self.world
        now = world.clock.now
        keep_alive = world.options.keep_alive
        while keep_alive and self._last_keep_alive + keep_alive <= now:
            self._last_keep_alive += keep_alive
            self.allows()
        if self.asked > self.allowed:
            self.broken(FRUGAL, f"{self.asked} requests, {self.allowed} allowed")
        for seen in self.pages.values():
            page = seen.page
            machine = page.machine
            shown = machine.session
            wants = (
                machine._something_changed is not None
                or machine._time_passed
                or machine._must_ask
                or machine._tickets
                or machine._changes
                or machine._expected_until is not None
            )
            if (
                page.present
                and page.is_read
                and not wants
                and not page.questions
                and machine._retry_at is None
                and not machine.loading
            ):
                self._shows_the_truth(seen, RESTS_RIGHT, "at rest")
            if shown is None or not page.alive or not page.present or not page.visible:
                continue
            if seen.given or "expires" in world.backend.extra:
                continue
            if not world.options.sends_date and (self._clock_set_ahead_at >= 0 or self._clock_set_back):
                continue  # nobody knows the backend's clock then: rule 7
            seen.session = shown
            # The answer may have been on its way for up to `timeout`, and the `Date` header has whole seconds.
            latest = max(self._expiry(seen), seen.awake_since) + sync.TICK + 2 * world.options.timeout + 1.1
            if shown["asked"] < self._expiry(seen) and now > latest + sync.TICK * self._clock_set_back:
                self.broken(EXPIRES, f"page {page.number}: {shown}")

    def everybody_knows(self, when: str) -> None:
        for seen in self.pages.values():
            page = seen.page
            if not page.alive or not page.present or not page.visible or not page.is_read:
                continue
            if self.world.clock.now - seen.opened_at < self.world.options.timeout:
                continue
            if page.machine.loading:
                self.broken(LOADING_ENDS, f"page {page.number}, {when}")
            self._shows_the_truth(seen, FOLLOWS, when)

    def _shows_the_truth(self, seen: Seen, invariant: str, when: str) -> None:
        since = seen.changed_at
        if seen.time_passed_at is not None:
            # It may have joined a question, or come in a burst.
            since = max(since, seen.time_passed_at - self.world.options.timeout - sync.BURST)
        if self._clock_set_back:
            since -= self._tolerance
        elif self.world.options.hostile or self.world.options.stuck_lock:
            # Two changes passed for one, and the answer for the second is late, or lost.
            since -= 2 * sync.SAME_MOMENT
        shown = who(seen.page.machine.session)
        if shown not in self.truths_since(since):
            self.broken(invariant, f"page {seen.page.number}, {when}, shows {shown}")

    def ends(self) -> None:
        if self.asked > self.allowed:
            self.broken(FRUGAL, f"{self.asked} requests, {self.allowed} allowed")
        for seen in self.pages.values():
            if seen.page.alive and seen.tickets:
                self.broken(SETTLED_ONCE, f"page {seen.page.number} never settles {seen.tickets}")
        for holder in self.world.browser.lock_holders.values():
            if holder not in [seen.page.tab for seen in self.pages.values() if seen.page.questions] + ["somebody else"]:
                self.broken(LOCK_IS_RELEASED, "at the end")
