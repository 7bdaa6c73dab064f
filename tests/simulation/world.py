"""A world of tabs, each with a real `sync.Machine`, in one browser, before a scripted backend and a hostile network.

Every method marked `@step` is a plain call of a script; a `World` writes down the script that it was driven by, so that
a failing one can be pasted into a regression test. The invariants are in `invariants.py`.
"""

from __future__ import annotations

import functools
import heapq
import json
import random
from collections.abc import Callable
from typing import Any, NamedTuple, TypeVar

from nextauth_client import protocol, sync
from nextauth_client.errors import CSRFRefused, NextAuthError, UnexpectedAnswer
from nextauth_client.session import SessionState
from nextauth_client.store import Store
from nextauth_client.sync import ADOPT, CHANGED, LEAVING, NOTHING, UNSET
from nextauth_client.testing import (
    HANG,
    START,
    TORN,
    UNREACHABLE,
    Backend,
    Browser,
    Cookie,
    Sending,
    Tab,
)

from .invariants import Watch

BASE = "https://example.org/api/auth"
HOME = "https://example.org/"
CHANNEL = "nextauth-client:1:" + BASE
TICK = sync.TICK

UNKNOWN_ANSWERS = [
    protocol.Answer(500, "{}"),
    protocol.Answer(502, "<html>Bad gateway</html>"),
    protocol.Answer(200, "<html>Log in to the Wi-Fi</html>"),
    protocol.Answer(200, ""),
    protocol.Answer(200, "[1, 2"),
    protocol.Answer(200, "[]"),
    protocol.Answer(200, '{"user": 5}'),
    protocol.Answer(200, "{}", redirected=True),
]

NONSENSE: list[Any] = [
    None,
    0,
    "answer",
    [],
    {},
    {"type": "answer"},
    {"type": "answer", "stamp": None},
    {"type": "answer", "stamp": [1, 2], "asked": 0, "session": None},
    {"type": "answer", "stamp": [10**40, "x"], "asked": 0, "session": None},
    {"type": "answer", "stamp": [True, "x"], "asked": 0, "session": None},
    {"type": "answer", "stamp": [1e300, "x"], "asked": 0, "session": None},
    {"type": "answer", "stamp": [START * 1000, "x"], "asked": "now", "session": None},
    {"type": "answer", "stamp": [START * 1000, "x"], "asked": START, "session": {}},
    {"type": "answer", "stamp": [START * 1000, "x"], "asked": START, "session": [1]},
    {"type": "answer", "stamp": [START * 1000, "x"], "asked": START, "session": {"user": "Ada"}},
    {"type": "answer", "stamp": [START * 1000, "x"], "asked": START, "error": "no"},
    {"type": "answer", "stamp": [START * 1000, "x"], "asked": START, "error": [1, 2]},
    {"type": "answer", "stamp": [(START + 2 * 86400) * 1000, "x"], "asked": START, "session": None},
    {"type": "start"},
    {"type": "start", "stamp": "x"},
    {"type": "end", "start": {}, "stamp": []},
    {"type": "end", "start": [1, "x"], "stamp": [0, "x"], "outcome": "adopt"},
    {"type": 7, "stamp": [1, "x"]},
    {"type": "dance", "stamp": [1, "x"]},
]

ODD_EXPIRES: list[Any] = [None, "soon", 5, "2001-01-01T00:00:00.000Z", "9999-12-31T23:59:59.999Z", {}, ""]


class Options(NamedTuple):
    """How a world is made; the defaults are a kind one."""

    seed: int = 0
    tabs: int = 2
    timeout: float = 10
    keep_alive: float = 0
    client_max_age: float = 0
    refetch_on_focus: bool = True
    locks: bool = True
    channels: bool = True
    hostile: bool = False  # messages between tabs are lost, doubled and overtaken
    stuck_lock: bool = False  # somebody else holds it for ever
    session_length: float = 30 * 86400
    skew: float = 0  # the backend's clock against the browser's
    sends_date: bool = True
    signed_in: bool = True
    latency: float = 0.1

    def __str__(self) -> str:
        named = [
            f"{name}={value!r}" for name, value in self._asdict().items() if value != Options._field_defaults[name]
        ]
        return ", ".join(named)


class Timer:
    __slots__ = ("callback",)

    def __init__(self, callback: Callable[[], object] | None) -> None:
        self.callback = callback

    def cancel(self) -> None:
        self.callback = None


class VirtualClock:
    """What `Browser` needs of an event loop, without one."""

    def __init__(self) -> None:
        self.now = 0.0
        self._due: list[tuple[float, int, Timer]] = []
        self._numbers = 0

    def time(self) -> float:
        return self.now

    def call_later(self, delay: float, callback: Callable[..., object], *args: Any) -> Timer:
        timer = Timer(functools.partial(callback, *args) if args else callback)
        self._numbers += 1
        heapq.heappush(self._due, (self.now + delay, self._numbers, timer))
        return timer

    def skip(self, seconds: float) -> None:
        self.now += seconds

    def run_until(self, end: float) -> None:
        due = self._due
        while due and due[0][0] <= end:
            time, _, timer = heapq.heappop(due)
            self.now = max(self.now, time)
            if timer.callback is not None:
                timer.callback()
        self.now = max(self.now, end)


class WorldBackend(Backend):
    """Puts into each session which login it is, and which version of the profile."""

    def __init__(self, world: World) -> None:
        super().__init__(lambda: START + world.clock.now)
        self.world = world
        self.profile = 0

    def _session(self, cookie: Cookie | None) -> tuple[protocol.Answer, Any]:
        if cookie is not None:
            self.extra["login"] = cookie.login
            self.extra["profile"] = self.profile
        return super()._session(cookie)


class WorldBrowser(Browser):
    """A harsher browser: what happens on a journey is decided by the world's fault and its dice."""

    def __init__(self, world: World) -> None:
        self.world = world
        self._cookie: Cookie | None = None
        super().__init__(world.clock, locks=world.options.locks, channels=world.options.channels)
        self.backend = WorldBackend(world)

    @property
    def cookie(self) -> Cookie | None:
        return self._cookie

    @cookie.setter
    def cookie(self, cookie: Cookie | None) -> None:
        self._cookie = cookie
        if hasattr(self, "backend"):
            self.world.watch.note_truth()

    def random(self) -> float:
        return self.world.dice.random()

    def journey(self, tab: Tab, request: protocol.Request) -> tuple[float, float, Any]:
        dice = self.world.dice
        there, back = self.latency * (0.4 + 0.2 * dice.random()), self.latency * (0.4 + 0.2 * dice.random())
        fault: Any = self.fault
        back += self.world.next_answer_takes
        self.world.next_answer_takes = 0.0
        if not self.world.healed and dice.random() < 0.15:  # now and then something takes long
            there, back = there + dice.choice([0.0, 2.0]) * dice.random(), back + 2 * dice.random()
        if not self.online:
            return 0.001, 0.0, UNREACHABLE
        if fault == "slow":
            there, back, fault = 3 * dice.random(), 3 * dice.random(), None
        elif fault == "mixed":
            fault = dice.choice([None, None, None, UNREACHABLE, HANG, TORN, "bad", "slow"])
            if fault == "slow":
                there, back, fault = 12 * dice.random(), 6 * dice.random(), None
        if fault == "bad":
            fault = dice.choice(UNKNOWN_ANSWERS)
        return there, back, fault

    def message_delays(self, sender: Tab | None, receiver: Tab) -> list[float]:
        dice = self.world.dice
        if not self.world.hostile:
            # In order between two tabs, as channels are.
            earliest = getattr(receiver, "last_message", 0.0)
            arrives = max(earliest, self.clock.time() + 0.03 * dice.random())
            receiver.last_message = arrives  # type: ignore[attr-defined]
            return [arrives - self.clock.time()]
        return [dice.random() * dice.choice([0.03, 0.03, 2.0]) for _ in range(dice.choice([0, 1, 1, 1, 1, 2]))]

    def lock_delay(self) -> float:
        return 0.003 * self.world.dice.random()

    def timer_delay(self, tab: Tab, seconds: float) -> float:
        page = self.world.page_of(tab)
        if page is not None and not page.visible:
            return max(seconds, 60 * self.world.dice.random())  # throttled
        return seconds


class WorldTab(Tab):
    rings_at: float | None = None

    def wake(self, seconds: float | None) -> None:
        self.rings_at = None if seconds is None else self.browser.clock.time() + seconds
        super().wake(seconds)

    def unthrottle(self) -> None:
        if self.rings_at is not None:
            self.wake(max(0.0, self.rings_at - self.browser.clock.time()))

    def send(self, request: protocol.Request, timeout: float, done: Callable[[Any], object]) -> Sending:
        return WorldSending(self, request, timeout, done)

    def tell_others(self, trigger: str) -> None:
        browser = self.browser
        assert isinstance(browser, WorldBrowser)
        browser.world.heard_by_js_clients()


class WorldSending(Sending):
    """Tells the watch what reaches the backend, and which cookies come back."""

    def _arrive(self) -> None:
        watch = self.tab.browser.world.watch  # type: ignore[attr-defined]
        if self.request.url.endswith("/signout"):
            watch.sign_out_reaches_the_backend(self)
        elif self.request.method == "POST" and self.request.url.endswith("/session"):
            watch.update_reaches_the_backend(self.cookie, json.loads(self.request.body or "")["data"]["value"])
        super()._arrive()

    def _return(self, answer: protocol.Answer, cookie: Any) -> None:
        watch = self.tab.browser.world.watch  # type: ignore[attr-defined]
        watch.cookie_comes_back(self, cookie)
        super()._return(answer, cookie)


class EarlyScript:
    """A page whose Python is not up yet: `nextauth-early.js` has asked, and gives up when a change begins or ends."""

    def __init__(self, world: World) -> None:
        self.world = world
        self.tab = WorldTab(world.browser, HOME)
        self.asked_at = world.browser.now()
        self.asked = world.clock.now
        self.came_at = 0.0
        self.answer: protocol.Answer | None = None
        self.heard_starts: set[tuple[int, str]] = set()
        self._then: Callable[[Any], object] | None = None
        world.browser.tabs.append(self.tab)
        self.tab.open(CHANNEL, self._hear, _nothing)
        world.watch.asks()
        self.sending: Sending | None = self.tab.send(protocol.session_request(BASE), 10, self._came)

    def _hear(self, event: Any) -> None:
        if type(event) is not sync.Heard:
            return
        message = event.message
        if message["type"] in ("start", "end") and message.get("outcome") != NOTHING and self.sending is not None:
            self.sending.abort()
            self.sending = None
        if message["type"] == "start":
            self.heard_starts.add(tuple(message["stamp"]))

    def _came(self, outcome: Any) -> None:
        self.sending = None
        if self._then is not None:
            self._then(outcome)
        elif isinstance(outcome, protocol.Answer):
            self.answer, self.came_at = outcome, self.world.browser.now()

    def goes_on_with(self, then: Callable[[Any], object]) -> Sending:
        """The page's Python is up while the question is in the air."""
        assert self.sending is not None
        self._then = then
        return self.sending


class Page:
    """One tab with a machine, and the store that its readers see; carries effects out as `Provider` does.

    It may go on with the question of an `EarlyScript`, or be a Provider that has replaced the one of `replaced`. One
    that nobody reads (`is_read`) carries one change where no Provider runs, and ends with it.
    """

    def __init__(
        self,
        world: World,
        given: Any,
        made_at: float,
        announce: bool,
        early: EarlyScript | None = None,
        replaced: Page | None = None,
        is_read: bool = True,
    ) -> None:
        self.world = world
        self.number = replaced.number if replaced else len(world.pages)
        self.is_read = is_read
        options = sync.Options(
            world.options.client_max_age if is_read else 0,
            world.options.keep_alive if is_read else 0,
            world.options.timeout,
            world.options.refetch_on_focus and is_read,
        )
        self.generation: int = replaced.generation + 1 if replaced else 0
        self.machine = sync.Machine(f"tab{self.number}-{self.generation}", options, world.dice.random)
        self.visible = True
        self.present = True
        self.alive = True
        self.questions: dict[int, Sending] = {}
        self.successor: Page | None = None
        self._events: list[Any] = []
        self._changing = False
        self._changes_to_come: list[tuple[Any, Any]] = []
        self._tabs: list[WorldTab] = []  # of those that it has replaced; their changes go on
        if replaced is None:
            self.store = Store(SessionState(loading=True))
            world.pages.append(self)
            world.watch.page_opens(self)
        else:
            self.store = replaced.store
            self._take_over(replaced)
        self.tab = early.tab if early else WorldTab(world.browser, HOME)
        if early is None:
            world.browser.tabs.append(self.tab)
        self.tab.open(CHANNEL, self.receive, _nothing)
        answered = None if early is None else self._adopt(early)
        self.receive(sync.Start(given, made_at, self.tab.stored_epoch(), announce))
        if answered is not None:
            self.receive(answered)
        for ticket in world.watch.tickets_of(self):
            self.receive(sync.Refresh(ticket))

    def _take_over(self, replaced: Page) -> None:
        """As `Provider` does with a Provider that it replaces."""
        self.world.pages[self.number] = self
        self.visible, self.present = replaced.visible, replaced.present
        self._changing, self._changes_to_come = replaced._changing, replaced._changes_to_come
        self._tabs = [*replaced._tabs, replaced.tab]
        self.machine.take_over(replaced.machine)
        replaced.store = Store(replaced.store.value)
        replaced.successor = self
        replaced.receive(sync.Stop())
        replaced.tab.close()
        self.world.watch.page_is_replaced(replaced, self)

    def _adopt(self, early: EarlyScript) -> sync.Answered | None:
        """As `Provider` does with the question that the page asked before Python ran."""
        self.world.watch.page_was_given(self, early.asked)
        if early.sending is not None:
            self.receive(sync.AskedEarly(early.asked_at))
            then = functools.partial(self._came, sync.EARLY, early.asked)
            self.questions[sync.EARLY] = early.goes_on_with(then)
            return None
        try:
            session = None if early.answer is None else protocol.understand_session(early.answer)
        except UnexpectedAnswer:
            early.answer = None
        date = None if early.answer is None else early.answer.date
        if date is not None:
            date += max(0.0, self.tab.now() - early.came_at)
            if sync.ended_between(session, early.answer.date, date):  # type: ignore[union-attr, arg-type]
                early.answer = None
        if early.answer is None:
            self.world.watch.allows_one()  # it is of no use, and is asked again
            self.world.watch.changed_for(self, self.world.clock.now)
            return None
        self.receive(sync.AskedEarly(early.asked_at))
        if session is not None:
            session["asked"] = early.asked
        return sync.Answered(sync.EARLY, session, None, date)

    def latest(self) -> Page:
        """This one, or the one that has replaced it in the end."""
        return self.successor.latest() if self.successor is not None else self

    def receive(self, event: Any) -> None:
        self._events.append(event)
        if len(self._events) > 1:
            return
        while self._events:
            event = self._events[0]
            now = self.tab.now()
            self.world.watch.before(self, event)
            for effect in self.machine.receive(event, now):
                getattr(self, "_do_" + type(effect).__name__)(effect)
            self.world.watch.after(self, event)
            self._events.pop(0)
        machine = self.machine
        self.store.replace(
            SessionState(machine.session, loading=machine.loading, error=machine.error, refreshing=machine.refreshing)
        )
        self.world.watch.told(self)

    def send(self, request: protocol.Request, done: Callable[[Any], object]) -> Sending:
        return self.tab.send(request, self.world.options.timeout, done)

    def _do_Ask(self, effect: sync.Ask) -> None:
        self.world.watch.asks()
        asked = self.world.clock.now
        sending = self.send(protocol.session_request(BASE), lambda outcome: self._came(effect.question, asked, outcome))
        self.questions[effect.question] = sending

    def _came(self, question: int, asked: float, outcome: Any) -> None:
        del self.questions[question]
        session, error, date = None, None, None
        try:
            if isinstance(outcome, NextAuthError):
                raise outcome
            session, date = protocol.understand_session(outcome), outcome.date
            if session is not None:
                session["asked"] = asked
        except NextAuthError as failure:
            error = failure
        self.receive(sync.Answered(question, session, error, date))

    def _do_Abort(self, effect: sync.Abort) -> None:
        sending = self.questions.pop(effect.question, None)
        if sending is not None:
            sending.abort()
        self.world.watch.gives_up(self._events[0])

    def _do_Settle(self, effect: sync.Settle) -> None:
        if self.successor is not None:
            return  # the tickets are its own now
        for ticket in effect.tickets:
            self.world.watch.settles(self, ticket, effect.error)

    def _do_Publish(self, effect: sync.Publish) -> None:
        self.world.watch.publishes(self, effect.message)
        self.tab.publish(effect.message)

    def _do_StoreEpoch(self, effect: sync.StoreEpoch) -> None:
        self.tab.store_epoch(effect.epoch)

    def _do_TellOthers(self, effect: sync.TellOthers) -> None:
        self.tab.tell_others(effect.trigger)

    def _do_TryLock(self, effect: sync.TryLock) -> None:
        self.tab.try_lock()

    def _do_ReleaseLock(self, effect: sync.ReleaseLock) -> None:
        self.tab.release_lock()

    def _do_Wake(self, effect: sync.Wake) -> None:
        self.tab.wake(effect.seconds)

    def _do_Warn(self, effect: sync.Warn) -> None:
        pass

    # ── what a person does ───────────────────────────────────────────────────────────────────────

    def change(
        self,
        post: Callable[[str], protocol.Request],
        understand: Callable[[protocol.Answer], tuple[str, Any, float | None]],
    ) -> None:
        """A sign-in, sign-out or update, in the steps of `flows`, one at a time."""
        if self._changing:
            self._changes_to_come.append((post, understand))
            return
        self._changing = True
        number = self.world.watch.change_begins(self)
        self.receive(sync.ChangeStarted(number))

        def ends(outcome: str, session: Any = None, date: float | None = None) -> None:
            if outcome != ADOPT:
                session, date = None, None
            elif session is not None:
                session["asked"] = self.world.clock.now
            page = self.latest()
            page.receive(sync.ChangeEnded(number, outcome, session, date))
            page._changing = False
            if page._changes_to_come:
                page.change(*page._changes_to_come.pop(0))
            elif not page.is_read:
                page.see_out()

        def fails(outcome: str, error: NextAuthError) -> None:
            ends(outcome)
            self.latest().receive(sync.Failed(error))

        def got_token(answer: Any) -> None:
            page = self.latest()
            if not page.alive:
                return
            try:
                if isinstance(answer, NextAuthError):
                    raise answer
                token = protocol.understand_csrf(answer)
            except NextAuthError as error:
                fails(NOTHING, error)
                return
            page.receive(sync.ChangeStarted(number))
            self.send(post(token), answered)

        def answered(answer: Any) -> None:
            if not self.latest().alive:
                return
            try:
                if isinstance(answer, NextAuthError):
                    raise answer
                ends(*understand(answer))
            except CSRFRefused as error:
                fails(NOTHING, error)
            except NextAuthError as error:
                fails(CHANGED, error)

        self.send(protocol.csrf_request(BASE), got_token)

    def see_out(self) -> None:
        """Nobody reads this page: it ends as soon as the others have the answer that they wait for."""
        if self.alive and self.machine.refreshing:
            self.world.clock.call_later(0.01, self.see_out)
        elif self.alive:
            self.receive(sync.Stop())
            self.world.watch.is_stopped(self)
            self.crash()

    def sign_in(self, password: str, leaves: Callable[[], object] | None = None) -> None:
        provider = protocol.AuthProvider("credentials", "Password", "credentials", "", "")

        def understand(answer: protocol.Answer) -> tuple[str, Any, float | None]:
            _, result = protocol.understand_sign_in(answer, HOME, HOME)
            if result.error == "MissingCSRF":
                raise CSRFRefused("refused")
            if result.ok and leaves is not None:
                self.world.clock.call_later(0.02, leaves)
                return LEAVING, None, None
            return CHANGED if result.ok else NOTHING, None, None

        fields = {"username": "jsmith", "password": password}
        self.change(lambda token: protocol.sign_in_request(BASE, provider, token, HOME, fields, []), understand)

    def sign_out(self) -> None:
        def understand(answer: protocol.Answer) -> tuple[str, Any, float | None]:
            error, _ = protocol.understand_sign_out(answer, HOME, HOME)
            if error == "MissingCSRF":
                raise CSRFRefused("refused")
            if error is not None:
                raise UnexpectedAnswer("refused")
            return ADOPT, None, answer.date

        self.change(lambda token: protocol.sign_out_request(BASE, token, HOME), understand)

    def update(self, data: Any) -> None:
        def understand(answer: protocol.Answer) -> tuple[str, Any, float | None]:
            if answer.status == 400:
                raise CSRFRefused("refused")
            return ADOPT, protocol.understand_session(answer), answer.date

        self.change(lambda token: protocol.update_request(BASE, token, data), understand)

    def crash(self) -> None:
        self.alive = self.present = False
        for tab in [*self._tabs, self.tab]:
            tab.crash()
        self.world.watch.page_goes(self)


def _nothing() -> None:
    """Nothing cuts Python off here."""


Step = TypeVar("Step", bound=Callable[..., None])


def step(function: Step) -> Step:
    """A call of a script. One for a tab that is not there does nothing."""

    @functools.wraps(function)
    def call(world: World, *args: Any) -> None:
        world.script.append(f"world.{function.__name__}({', '.join(repr(arg) for arg in args)})")
        function(world, *args)

    return call  # type: ignore[return-value]


class World:
    """See the module. `tab` in a step is a number from 0, counted over the tabs that are open."""

    def __init__(self, **options: Any) -> None:
        self.options = Options(**options)
        self.script = [f"world = World({self.options})"]
        self.dice = random.Random(self.options.seed)
        self.clock = VirtualClock()
        self.hostile = self.options.hostile
        self.healed = False
        self.next_answer_takes = 0.0
        self.pages: list[Page] = []
        self.early: list[EarlyScript] = []  # of pages to come
        self.rendered = 0  # pages to come, with the session in them
        self.has_js_page = False
        self.watch = Watch(self)
        self.browser = WorldBrowser(self)
        self.backend: WorldBackend = self.browser.backend  # type: ignore[assignment]
        self.backend.session_length = self.options.session_length
        self.backend.skew = self.options.skew
        self.backend.sends_date = self.options.sends_date
        self.browser.latency = self.options.latency
        self.browser.cookie = self.backend.login() if self.options.signed_in else None
        self._js_tab = WorldTab(self.browser, HOME)
        if self.options.stuck_lock:
            self.browser.lock_holders[CHANNEL] = "somebody else"
        for _ in range(self.options.tabs):
            self._open(UNSET, 0.0, False)

    def page_of(self, tab: Tab) -> Page | None:
        for page in self.pages:
            if page.tab is tab:
                return page
        return None

    def _open(self, given: Any, made_at: float, announce: bool) -> None:
        Page(self, given, made_at, announce)

    @property
    def _has_room(self) -> bool:
        return len([page for page in self.pages if page.alive]) + len(self.early) < 6

    def _page(self, number: int, present: bool = True) -> Page | None:
        pages = [page for page in self.pages if page.alive and page.present == present]
        return pages[number % len(pages)] if pages else None

    def _rendered(self) -> Any:
        """The session as the server puts it into a page."""
        answer, _ = self.backend.handle(protocol.session_request(BASE), self.browser.cookie)
        session = protocol.understand_session(answer)
        if session is not None:
            session["asked"] = self.clock.now
        return session

    # ── time ─────────────────────────────────────────────────────────────────────────────────────

    @step
    def advance(self, seconds: float) -> None:
        end = self.clock.now + seconds
        while self.clock.now < end:
            self.clock.run_until(min(end, self.clock.now + 2.5))
            self.watch.glance()

    @step
    def sleep(self, seconds: float) -> None:
        """The laptop sleeps."""
        self.watch.disturbs()
        self.watch.wakes(self.clock.now + seconds)
        self.browser.suspend(seconds)
        self.clock.run_until(self.clock.now + 0.2)

    @step
    def set_clock(self, seconds: float) -> None:
        """Not while a page is on its way: nobody notices then, and what it brings is taken for newer."""
        if self.early or self.rendered:
            return
        self.watch.disturbs()
        self.watch.clock_jumps(seconds)
        self.browser.set_clock(seconds)

    # ── tabs ─────────────────────────────────────────────────────────────────────────────────────

    @step
    def open(self) -> None:
        if self._has_room:
            self.watch.allows_one()
            self._open(UNSET, 0.0, False)

    @step
    def open_given(self, age: float) -> None:
        """A page with `session=` in it, rendered so many seconds ago."""
        if self._has_room:
            self._land(age, True, False)

    @step
    def open_early(self, boots: float) -> None:
        """A page with the early script in it, whose Python is up after so many seconds."""
        if not self._has_room:
            return
        self.watch.allows_one()
        early = EarlyScript(self)
        self.early.append(early)

        def is_up() -> None:
            self.early.remove(early)
            Page(self, UNSET, 0.0, False, early=early)

        self.clock.call_later(boots, is_up)

    @step
    def replace(self, tab: int) -> None:
        """The page makes a Provider of its own after one was started by what it read."""
        page = self._page(tab)
        if page is not None and page.is_read:
            self.watch.disturbs()
            Page(self, UNSET, 0.0, False, replaced=page)

    def _land(self, age: float, given: bool, announce: bool) -> None:
        session, made_at = (self._rendered(), self.browser.now()) if given else (UNSET, 0.0)
        truth_at = self.clock.now
        self.rendered += 1

        def open_page() -> None:
            self.rendered -= 1
            self.watch.allows_one()
            if given and announce:
                self.watch.allows()
            self._open(session, made_at, announce and given)
            if given:
                self.watch.page_was_given(self.pages[-1], truth_at)

        self.clock.call_later(age, open_page)

    @step
    def crash(self, tab: int) -> None:
        page = self._page(tab)
        if page is not None:
            self.watch.disturbs()
            page.crash()

    @step
    def close(self, tab: int) -> None:
        page = self._page(tab)
        if page is not None:
            self.watch.disturbs()
            page.present = False
            page.tab.leave()
            page.crash()

    @step
    def stop(self, tab: int) -> None:
        page = self._page(tab)
        if page is not None:
            self.watch.disturbs()
            page.present = False
            page.receive(sync.Stop())
            self.watch.is_stopped(page)
            page.crash()

    @step
    def leave(self, tab: int) -> None:
        """Into the back/forward cache."""
        page = self._page(tab)
        if page is not None:
            self.watch.disturbs()
            page.present = False
            page.tab.leave()

    @step
    def come_back(self, tab: int) -> None:
        page = self._page(tab, present=False)
        if page is not None:
            self._come_back(page)

    def _come_back(self, page: Page) -> None:
        self.watch.allows_one()
        page.present = True
        self.watch.changed_for(page, self.clock.now)
        page.tab.come_back()

    @step
    def focus(self, tab: int) -> None:
        page = self._page(tab)
        if page is not None:
            self.watch.may_catch_up(page)
            page.tab.focus()

    @step
    def hide(self, tab: int) -> None:
        page = self._page(tab)
        if page is not None and page.visible:
            page.visible = False
            self.watch.may_catch_up(page)
            page.tab.hide()

    @step
    def show(self, tab: int) -> None:
        page = self._page(tab)
        if page is not None and not page.visible:
            self._show(page)

    def _show(self, page: Page) -> None:
        page.visible = True
        self.watch.may_catch_up(page)
        self.watch.is_shown(page)
        page.tab.unthrottle()
        page.tab.show()

    @step
    def read(self, tab: int) -> None:
        page = self._page(tab)
        if page is not None:
            self.watch.allows()
            page.receive(sync.StaleRead())

    @step
    def refresh(self, tab: int) -> None:
        page = self._page(tab)
        if page is not None:
            page.receive(sync.Refresh(self.watch.takes_ticket(page)))

    @step
    def nonsense(self, tab: int, which: int) -> None:
        page = self._page(tab)
        if page is not None:
            self.watch.allows()
            page.receive(sync.Heard(NONSENSE[which % len(NONSENSE)]))
            if which % 5 == 0:
                page.receive(sync.EpochStored(NONSENSE[which % 4]))

    # ── actions ──────────────────────────────────────────────────────────────────────────────────

    @step
    def sign_in(self, tab: int) -> None:
        page = self._page(tab)
        if page is not None:
            page.sign_in("pw")

    @step
    def sign_in_wrongly(self, tab: int) -> None:
        page = self._page(tab)
        if page is not None:
            page.sign_in("wrong")

    @step
    def sign_in_leaving(self, tab: int, given: bool) -> None:
        """A sign-in with a redirect, after which the page is loaded anew, with or without `session=` in it."""
        page = self._page(tab)
        if page is None:
            return

        def leaves() -> None:
            if page.alive and page.present:
                self.watch.disturbs()
                page.present = False
                page.tab.leave()
                page.crash()
                self._land(0.1, given, True)

        page.sign_in("pw", leaves)

    @step
    def sign_in_elsewhere(self, tab: int, given: bool) -> None:
        """A sign-in with OAuth: the page leaves, and comes back later with another cookie."""
        page = self._page(tab)
        if page is None:
            return
        self.watch.disturbs()
        page.present = False
        page.tab.leave()
        page.crash()

        def comes_back() -> None:
            self.browser.cookie = self.backend.login()
            self._land(0.05, given, True)

        self.clock.call_later(1.0, comes_back)

    @step
    def sign_out(self, tab: int) -> None:
        page = self._page(tab)
        if page is not None:
            page.sign_out()

    @step
    def update(self, tab: int, value: int) -> None:
        page = self._page(tab)
        if page is not None:
            page.update({"value": value})

    @step
    def sign_in_passing(self) -> None:
        """A page without a Provider signs in; nobody reads there."""
        self._passing(lambda page: page.sign_in("pw"))

    @step
    def sign_out_passing(self) -> None:
        self._passing(Page.sign_out)

    def _passing(self, change: Callable[[Page], None]) -> None:
        if self._has_room:
            change(Page(self, None, self.browser.now(), False, is_read=False))

    @step
    def change_csrf(self) -> None:
        """Tokens that are on their way are refused from now on."""
        self.backend.csrf_token += "x"

    # ── pages with the JavaScript client ─────────────────────────────────────────────────────────

    def heard_by_js_clients(self) -> None:
        if self.has_js_page:
            self.clock.call_later(0.01, self._js_asks)

    def _js_asks(self) -> None:
        self._js_tab.send(protocol.session_request(BASE), 60.0, lambda outcome: None)

    @step
    def js_says(self) -> None:
        """A JavaScript page tells all others that something changed."""
        self._js_says()

    def _js_says(self) -> None:
        self.watch.js_client_says()
        said_at = self.clock.now

        def hear(page: Page) -> Callable[[Tab], None]:
            def heard(tab: Tab) -> None:
                self.watch.hears_js_client(page, said_at)
                tab.report(sync.ForeignChange())

            return heard

        for page in self.pages:
            if page.alive and page.present:
                self.browser.deliver(None, page.tab, hear(page))

    @step
    def js_get_session(self) -> None:
        """A JavaScript page asks, and tells the others, whether or not something changed."""
        self.has_js_page = True
        self._js_asks()
        self._js_says()

    @step
    def js_sign_in(self) -> None:
        self.has_js_page = True

        def answered() -> None:
            self.browser.cookie = self.backend.login()
            self._js_asks()
            self._js_says()

        self.clock.call_later(self.browser.latency, answered)

    @step
    def js_sign_out(self) -> None:
        self.has_js_page = True

        def answered() -> None:
            self.browser.cookie = None
            self._js_asks()
            self._js_says()

        self.clock.call_later(self.browser.latency, answered)

    # ── backend and network ──────────────────────────────────────────────────────────────────────

    @step
    def revoke(self) -> None:
        if self.browser.cookie is not None:
            self.backend.revoked.add(self.browser.cookie.login)
            self.watch.note_truth()

    @step
    def rename(self) -> None:
        self.backend.profile += 1
        self.watch.note_truth()

    @step
    def session_length(self, seconds: float) -> None:
        self.backend.session_length = seconds

    @step
    def odd_expires(self, which: int) -> None:
        """From now on the sessions carry an `expires` that is odd; 0 ends that."""
        if which % (len(ODD_EXPIRES) + 1) == 0:
            self.backend.extra.pop("expires", None)
        else:
            self.backend.extra["expires"] = ODD_EXPIRES[which % (len(ODD_EXPIRES) + 1) - 1]

    @step
    def latency(self, seconds: float) -> None:
        self.browser.latency = seconds
        self.watch.answers_take(seconds)

    @step
    def slow_answer(self, seconds: float) -> None:
        """The answer to the next request, of whichever page, takes so much longer to come back."""
        self.next_answer_takes = seconds

    @step
    def fault(self, name: str | None) -> None:
        """`None`, `"unreachable"`, `"hang"`, `"torn"`, `"bad"` (answers that say nothing), `"slow"` or `"mixed"`."""
        self.browser.fault = name

    @step
    def set_online(self, online: bool) -> None:
        if online != self.browser.online:
            self.watch.allows()
            self.browser.set_online(online)

    # ── the end ──────────────────────────────────────────────────────────────────────────────────

    @step
    def finish(self) -> None:
        """The network heals; soon every tab shows what the backend says."""
        timeout = self.options.timeout
        self.healed = True
        self.next_answer_takes = 0.0
        self.hostile = False
        self.browser.fault = None
        self.browser.latency = 0.1
        self.browser.set_online(True)
        grace = timeout if self.options.stuck_lock else 0.0
        self._pass(timeout + 30 + 1 + grace)
        self.watch.everybody_knows("after the network healed")
        self.watch.allows()
        for page in self.pages:
            if page.alive:
                if not page.present:
                    self._come_back(page)
                if not page.visible:
                    self._show(page)
                self.watch.changed_for(page, self.clock.now)
                page.receive(sync.ForeignChange())
        self._pass(timeout + 30 + 1 + grace)
        self.watch.everybody_knows("after a trigger")
        self.watch.ends()

    def _pass(self, seconds: float) -> None:
        end = self.clock.now + seconds
        while self.clock.now < end:
            self.clock.run_until(min(end, self.clock.now + 2.5))
            self.watch.glance()
