"""A world of tabs, each with a real `Driver`, in one browser, before a scripted backend and a hostile network.

Every method marked `@step` is a plain call of a script; a `World` writes down the script that it was driven by, and
what happened in each step, so that a failing one can be read, and pasted into a regression test. The invariants are in
`invariants.py`.
"""

from __future__ import annotations

import asyncio
import contextlib
import functools
import json
import random
from collections.abc import Callable
from typing import Any, ClassVar, NamedTuple, TypeVar
from weakref import WeakKeyDictionary

from nextauth_client import console, events, options, protocol
from nextauth_client.actions import Actions
from nextauth_client.driver import Driver
from nextauth_client.errors import NextAuthError
from nextauth_client.events import NOTHING, UNSET
from nextauth_client.host import Answer, Request, Response
from nextauth_client.reactive import Effect, tracked
from nextauth_client.session import Session
from nextauth_client.testing import (
    HANG,
    KEEP,
    START,
    TORN,
    UNREACHABLE,
    ApiAnswer,
    Backend,
    Browser,
    Cookie,
    Sending,
    Tab,
)

from .invariants import IDLE_WARNING, LOGIN_ELSEWHERE, Watch
from .loop import Loop

BASE = "https://example.org/api/auth"
HOME = "https://example.org/"
API = "/api/orders"
CHANNEL = "nextauth-client:1:" + BASE
ELSEWHERE = "https://other.example/api/auth"
NAMED = "https://api.example.net"  # by the page's Provider, for its calls
ADDRESSES = [
    *(
        API,
        NAMED + API,
        "//api.example.net/orders",
        "https://evil.example/orders",
        "//evil.example/orders",
        "/\\evil.example",
    ),
    *("https://example.org@evil.example/", "https://example.org.evil.example/", "https://example.org:444/orders"),
    *("http://example.org/orders", "https://api.example.net:8443/", "https://\u0435xample.org/", "javascript:alert(1)"),
]

UNKNOWN_ANSWERS = [
    Answer(500, "{}"),
    Answer(502, "<html>Bad gateway</html>"),
    Answer(200, "<html>Log in to the Wi-Fi</html>"),
    Answer(200, ""),
    Answer(200, "[1, 2"),
    Answer(200, "[]"),
    Answer(200, '{"user": 5}'),
    Answer(200, "{}", redirected=True),
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
    {"type": "use", "stamp": [START * 1000, "x"]},
    {"type": "use", "stamp": [START * 1000, "x"], "at": "now", "anew": True},
    {"type": "use", "stamp": [START * 1000, "x"], "at": START + 2 * 86400, "anew": True},
    {"type": "use", "stamp": [START * 1000, "x"], "at": START - 86400, "anew": 1},
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
    idle_timeout: float = 0

    def __str__(self) -> str:
        named = [
            f"{name}={value!r}" for name, value in self._asdict().items() if value != Options._field_defaults[name]
        ]
        return ", ".join(named)


class WorldBackend(Backend):
    """Puts into each session which login it is, and which version of the profile."""

    def __init__(self, world: World) -> None:
        super().__init__(lambda: START + world.loop.now)
        self.world = world
        self.profile = 0
        self.refuses = False  # whoever is signed in
        self.api[API] = self._answer_call

    def _session(self, cookie: Cookie | None) -> tuple[Answer, Any]:
        if cookie is not None:
            self.extra["login"] = cookie.login
            self.extra["profile"] = self.profile
        return super()._session(cookie)

    def _answer_call(self, request: Request, session: Any) -> Answer:
        return ApiAnswer(401 if self.refuses or session is None else 200)

    def handle(self, request: Request, cookie: Cookie | None, *, has_token: bool = True) -> tuple[Answer, Any]:
        if not request.url.startswith(ELSEWHERE):
            return super().handle(request, cookie, has_token=has_token)
        # One person is signed in there, whatever happens here.
        return self._answer({"user": {"name": "Eve"}, "login": LOGIN_ELSEWHERE}), KEEP


class WorldBrowser(Browser):
    """A harsher browser: what happens on a journey is decided by the world's fault and its dice."""

    def __init__(self, world: World) -> None:
        self.world = world
        self._cookie: Cookie | None = None
        super().__init__(world.loop, locks=world.options.locks, channels=world.options.channels)
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

    def journey(self, tab: Tab, request: Request) -> tuple[float, float, Any]:
        dice = self.world.dice
        there, back = self.latency * (0.4 + 0.2 * dice.random()), self.latency * (0.4 + 0.2 * dice.random())
        fault: Any = self.fault
        back += self.world.next_answer_takes
        self.world.next_answer_takes = 0.0
        if not self.world.healed and dice.random() < 0.15:  # now and then something takes long
            there, back = there + dice.choice([0.0, 2.0]) * dice.random(), back + 2 * dice.random()
        if not self.online:
            return 0.001, 0.0, UNREACHABLE
        if isinstance(tab, WorldTab) and tab.page is not None and not (tab.page.alive or tab.page.leaves_for_elsewhere):
            return 0.001, 0.0, HANG  # it is gone, and only its task does not know
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


def is_query(sending: Sending) -> bool:
    """Whether it asks who is signed in, in either spelling of the path."""
    return sending.name.rstrip("/") == "GET /session"


class WorldTab(Tab):
    rings_at: float | None = None
    navigated_at = 0.0
    page: Page | None = None

    def made_at(self) -> float:
        return self.navigated_at

    def wake(self, seconds: float | None) -> None:
        self.rings_at = None if seconds is None else self.browser.clock.time() + seconds
        super().wake(seconds)

    def unthrottle(self) -> None:
        if self.rings_at is not None:
            self.wake(max(0.0, self.rings_at - self.browser.clock.time()))

    async def call(self, request: Request, timeout: float) -> Response:
        browser = self.browser
        assert isinstance(browser, WorldBrowser)
        browser.world.watch.calls(request)
        return await super().call(request, timeout)

    def send(self, request: Request, timeout: float, done: Callable[[Any], object]) -> Sending:
        return WorldSending(self, request, timeout, done)

    async def navigate(self, url: str) -> None:
        await super().navigate(url)
        if self.page is not None and self.page.leaves is not None:
            self.browser.clock.call_later(0.02, self.page.leaves)

    def notify_js_clients(self, trigger: str) -> None:
        browser = self.browser
        assert isinstance(browser, WorldBrowser)
        browser.world.heard_by_js_clients()

    @property
    def sends(self) -> bool:
        """Whether something is in flight."""
        return bool(self.sendings)

    @property
    def queries(self) -> list[Sending]:
        """That are in flight."""
        return [sending for sending in self.sendings if is_query(sending)]


class WorldSending(Sending):
    """Tells the watch what reaches the backend, and which cookies come back; an answer tells when it was asked for.

    That is when its query began, which is all that the machine knows, though a redirect made it ask twice.
    """

    _began: ClassVar[WeakKeyDictionary[Any, float]] = WeakKeyDictionary()

    def __init__(self, tab: Tab, request: Request, timeout: float, done: Callable[[Any], object]) -> None:
        super().__init__(tab, request, timeout, done)
        self.asked = tab.browser.clock.time()
        if is_query(self):
            self.asked = self._began.setdefault(asyncio.current_task() or self, self.asked)

    def _arrive(self) -> None:
        watch = self.tab.browser.world.watch  # type: ignore[attr-defined]
        if self.name == "POST /signout":
            watch.sign_out_reaches_the_backend(self)
        elif self.name == "POST /session":
            watch.update_reaches_the_backend(self.cookie, json.loads(self.request.body or "")["data"]["value"])
        super()._arrive()

    def _return(self, answer: Answer, cookie: Any) -> None:
        watch = self.tab.browser.world.watch  # type: ignore[attr-defined]
        watch.cookie_comes_back(self, cookie)
        if self.name.rstrip("/").endswith(" /session") and '"login"' in answer.text:
            asked = self.asked if is_query(self) else self.tab.browser.clock.time()
            text = answer.text[:-1] + f', "asked": {asked!r}}}'
            answer = Answer(answer.status, text, answer.redirected, answer.date)
        super()._return(answer, cookie)


class EarlyScript:
    """A page whose Python is not up yet: `nextauth-early.js` has asked, and gives up when a mutation begins or ends."""

    def __init__(self, world: World) -> None:
        self.world = world
        self.tab = WorldTab(world.browser, HOME)
        self.asked = world.loop.now
        self.heard_starts: set[tuple[int, str]] = set()
        world.browser.tabs.append(self.tab)
        self.tab.open(CHANNEL, self._hear, _nothing)
        world.watch.asks()
        self.tab.query_early()

    def _hear(self, event: Any) -> None:
        early = self.tab.early
        if type(event) is events.ForeignChange and early is not None:
            early.hear(event.identity)
        if type(event) is not events.Heard:
            return
        message = event.message
        if message["type"] == "changed" and early is not None:
            early.hear(None)
        if message["type"] in ("start", "end") and message.get("outcome") != NOTHING and early is not None:
            early.abort()
        if message["type"] == "start":
            self.heard_starts.add(tuple(message["stamp"]))


class Page:
    """One tab with a driver, and the readers of its store.

    It may go on with the query of an `EarlyScript`. One that nobody reads (`is_read`) carries one action where no
    Provider runs, and ends with it.
    """

    def __init__(
        self,
        world: World,
        given: Any,
        made_at: float,
        landed: bool,
        early: EarlyScript | None = None,
        is_read: bool = True,
        is_worker: bool = False,
        is_first: bool = True,
    ) -> None:
        self.world = world
        self.number = len(world.pages)
        self.is_read = is_read
        self.visible = True
        self.present = True
        self.alive = True
        self.leaves: Callable[[], object] | None = None  # called when the page navigates
        self.counts: list[Effect] = []
        self.callers = 0  # who wait for an answer
        self.leaves_for_elsewhere = False  # for another backend
        self.is_elsewhere = False
        self.tab = early.tab if early else WorldTab(world.browser, HOME)
        self.tab.page = self
        self.tab.is_worker = is_worker
        self.tab.is_first = is_first
        self.tab.navigated_at = made_at
        if landed:
            self.tab.note_departure()
        if early is None:
            world.browser.tabs.append(self.tab)
        self.driver = Driver(self.tab, protocol, BASE, self.options)
        self.driver.on_step = lambda event, effects: world.steps(self, event, effects)
        self.driver.on_stop(self._stopped)
        self.actions = Actions(self.driver)
        self.store = self.driver.store
        world.pages.append(self)
        world.watch.page_opens(self)
        if early is not None:
            world.watch.page_was_given(self, early.asked)
        if is_read:
            self.driver.start(given, takes_what_came=early is not None)
        else:
            self.driver.start_for_one_action()

    @property
    def machine(self) -> Any:
        return self.driver.machine

    @property
    def knows_of_idling(self) -> bool:
        """Whether it signs out for want of use, and can look up that another has to."""
        return self.is_read and not self.tab.is_worker

    @property
    def options(self) -> options.Options:
        world = self.world.options
        if not self.is_read:
            return options.Options(timeout=world.timeout, refetch_on_focus=False)
        return options.Options(
            world.client_max_age,
            world.keep_alive,
            world.timeout,
            world.refetch_on_focus,
            idle_timeout=0 if self.leaves_for_elsewhere else world.idle_timeout,
            idle_warning=IDLE_WARNING,
            api_origins=(NAMED,),
        )

    # ── what a person does ───────────────────────────────────────────────────────────────────────

    def count(self) -> None:
        """Something shows how long the session has left, and how long until nobody's use ends it."""
        watch = self.world.watch
        self.counts = [
            Effect(lambda: watch.is_counted(self, tracked(self.store, Session).expires_in)),
            Effect(lambda: watch.is_counted_idle(self, tracked(self.store, Session).idle_in)),
        ]

    def count_no_more(self) -> None:
        if self.counts:
            for effect in self.counts:
                effect.dispose()
            self.counts = []
            self.world.watch.is_counted_no_more(self)

    def refresh(self) -> None:
        self.callers += 1
        asked_at = self.world.loop.now
        mutating = self.machine.mutating

        async def call() -> None:
            try:
                session = await self.driver.callers.get_session()
            except NextAuthError:
                session = UNSET
            self.callers -= 1
            self.world.watch.answers_a_caller(self, asked_at, mutating, session)

        self.driver.spawn(call())

    def call(self, address: str = API) -> None:
        """What it may not send is refused at once, with a `ValueError`."""

        async def call() -> None:
            with contextlib.suppress(NextAuthError, ValueError):
                await self.actions.auth_fetch(address, token="user.name")
            self.callers -= 1

        self.callers += 1
        self.driver.spawn(call())

    def sign_in(self, password: str, leaves: Callable[[], object] | None = None) -> None:
        self.leaves = leaves
        self.actions.sign_in("credentials", redirect=leaves is not None, username="jsmith", password=password)

    def sign_out(self) -> None:
        self.actions.sign_out(redirect=False)

    def update(self, data: Any) -> None:
        self.actions.update_session(data)

    def reconnect(self) -> None:
        self.leaves_for_elsewhere = True
        self.alive = self.present = False
        self.tab = WorldTab(self.world.browser, HOME)
        self.tab.page = self
        self.world.browser.tabs.append(self.tab)
        self.driver.reconnect(self.tab, ELSEWHERE, self.options, UNSET)

    def _stopped(self) -> None:
        if not self.alive:
            return
        self.present = False
        self.world.watch.is_stopped(self)
        self._ends()

    def crash(self) -> None:
        self.driver.stopped = True  # whatever is left of its tasks
        self._ends()

    def _ends(self) -> None:
        self.alive = self.present = False
        self.tab.crash()
        self.world.watch.page_goes(self)


def _nothing() -> None:
    """Nothing cuts Python off here."""


Step = TypeVar("Step", bound=Callable[..., None])


def step(function: Step) -> Step:
    """A call of a script. One for a tab that is not there does nothing."""

    @functools.wraps(function)
    def call(world: World, *args: Any) -> None:
        world.script.append(f"world.{function.__name__}({', '.join(repr(arg) for arg in args)})")
        with world.loop.running():
            function(world, *args)
        world.loop.run_until(world.loop.now)  # the end of the turn

    return call  # type: ignore[return-value]


worlds: list[World] = []  # that have not come to an end


def end_worlds() -> None:
    """What a schedule leaves under way would go on in the next one's time."""
    while worlds:
        worlds.pop().end()
    console.report_to(None)


class World:
    """See the module. `tab` in a step is a number from 0, counted over the tabs that are open."""

    def __init__(self, **options: Any) -> None:
        self.options = Options(**options)
        # Each line a call, or what happened in it: when, in which page, the event, and its effects.
        self.script: list[str | tuple[float, int, Any, list[Any]]] = [f"world = World({self.options})"]
        self.dice = random.Random(self.options.seed)
        self.loop = Loop()
        console.report_to(self._reported)
        worlds.append(self)
        self.hostile = self.options.hostile
        self.healed = False
        self.next_answer_takes = 0.0
        self.pages: list[Page] = []
        self.early: list[EarlyScript] = []  # of pages to come
        self.rendered = 0  # pages to come, with the session in them
        self.has_js_page = False
        self.said = 0  # by pages with the JavaScript client
        self.watch = Watch(self)
        self.browser = WorldBrowser(self)
        self.backend: WorldBackend = self.browser.backend  # type: ignore[assignment]
        self.backend.session_length = self.options.session_length
        self.backend.skew = self.options.skew
        self.backend.sends_date = self.options.sends_date
        self.browser.latency = self.options.latency
        self.browser.cookie = self.backend.login() if self.options.signed_in else None
        self.js_tab = WorldTab(self.browser, HOME)
        if self.options.stuck_lock:
            self.browser.lock_holders[CHANNEL] = "somebody else"
        with self.loop.running():
            for _ in range(self.options.tabs):
                self._open(UNSET, self.browser.now(), False)

    def _reported(self, error: BaseException, where: str) -> None:
        """The client has put an error on its console. Only the backend's are expected."""
        if not isinstance(error, NextAuthError):
            self.loop.failure = self.loop.failure or error

    def end(self) -> None:
        for page in self.pages:
            page.driver.stopped = True  # it tells nobody any more
        self.loop.end()

    def steps(self, page: Page, event: Any, effects: list[Any]) -> None:
        """A page's driver has carried an event out."""
        self.script.append((self.loop.now, page.number, event, effects))
        page.is_elsewhere = page.is_elsewhere or (page.leaves_for_elsewhere and type(event) is events.Start)
        if not page.is_elsewhere:
            self.watch.steps(page, event, effects)

    def __str__(self) -> str:
        """The script, with what happened as comments; as Python it plays the same schedule."""
        lines = []
        for line in self.script:
            if isinstance(line, str):
                lines.append(line)
            else:
                time, page, event, effects = line
                said = ", ".join(str(effect) for effect in effects) or "nothing"
                lines.append(f"#   {time:9.3f} page {page}: {event} -> {said}")
        return "\n".join(lines)

    def page_of(self, tab: Tab) -> Page | None:
        for page in self.pages:
            if page.tab is tab:
                return page
        return None

    def _open(self, given: Any, made_at: float, landed: bool) -> None:
        Page(self, given, made_at, landed)

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
            session["asked"] = self.loop.now
        return session

    # ── time ─────────────────────────────────────────────────────────────────────────────────────

    @step
    def advance(self, seconds: float) -> None:
        end = self.loop.now + seconds
        while self.loop.now < end:
            self.loop.run_until(min(end, self.loop.now + 2.5))
            self.watch.glance()

    @step
    def sleep(self, seconds: float) -> None:
        """The laptop sleeps."""
        self.watch.disturbs()
        self.watch.wakes(self.loop.now + seconds)
        self.browser.suspend(seconds)
        self.loop.run_until(self.loop.now + 0.2)

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
            self._open(UNSET, self.browser.now(), False)

    @step
    def open_beside(self, tab: int, is_worker: bool) -> None:
        """Another Python of a tab's page: an interpreter that is slower to start, or a worker."""
        page = self._page(tab)
        if page is not None and self._has_room:
            self.watch.allows_one()
            age = max(0.0, self.browser.now() - page.tab.navigated_at)
            other = Page(self, UNSET, page.tab.navigated_at, False, is_worker=is_worker, is_first=is_worker)
            self.watch.changed_for(other, self.loop.now - age)

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
        early, navigated_at = EarlyScript(self), self.browser.now()
        self.early.append(early)

        def is_up() -> None:
            self.early.remove(early)
            Page(self, UNSET, navigated_at, False, early=early)

        self.loop.call_later(boots, is_up)

    @step
    def replace(self, tab: int) -> None:
        """The page makes a Provider of its own after one was started by what it read."""
        page = self._page(tab)
        if page is not None and page.is_read:
            self.watch.disturbs()
            page.driver.configure(page.options, UNSET)

    @step
    def replace_given(self, tab: int) -> None:
        """The page's own Provider has a session that the server has just put there."""
        page = self._page(tab)
        if page is not None and page.is_read:
            self.watch.disturbs()
            page.tab.navigated_at = self.browser.now()
            self.watch.page_was_given(page, self.loop.now)
            page.driver.configure(page.options, self._rendered())

    @step
    def reconnect(self, tab: int) -> None:
        """The page's own Provider, after one was started by what it read, is another backend's."""
        page = self._page(tab)
        if page is not None and page.is_read and page.visible:
            self.watch.disturbs()
            self.watch.page_goes(page)
            page.reconnect()

    def _land(self, age: float, given: bool, announce: bool) -> None:
        session, made_at = self._rendered() if given else UNSET, self.browser.now()
        truth_at = self.loop.now
        self.rendered += 1

        def open_page() -> None:
            self.rendered -= 1
            self.watch.allows_one()
            if given and announce:
                self.watch.allows()
            self._open(session, made_at, announce and given)
            if given:
                self.watch.page_was_given(self.pages[-1], truth_at)
            if given and announce:
                self.watch.is_used(self.pages[-1])  # a sign-in is a use

        self.loop.call_later(age, open_page)

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
            page.driver.stop()

    @step
    def leave(self, tab: int) -> None:
        """Into the back/forward cache."""
        page = self._page(tab)
        if page is not None and not page.tab.is_worker:
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
        self.watch.changed_for(page, self.loop.now)
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
    def use(self, tab: int) -> None:
        """A person moves the mouse there."""
        page = self._page(tab)
        if page is not None and page.visible and page.tab.follows_use:
            page.tab.use()
            self.watch.is_used(page)

    @step
    def read(self, tab: int) -> None:
        page = self._page(tab)
        if page is not None:
            self.watch.allows()
            page.driver.receive(events.StaleRead())

    @step
    def count(self, tab: int) -> None:
        page = self._page(tab)
        if page is not None and not page.counts:
            page.count()

    @step
    def count_no_more(self, tab: int) -> None:
        page = self._page(tab)
        if page is not None:
            page.count_no_more()

    @step
    def refresh(self, tab: int) -> None:
        page = self._page(tab)
        if page is not None:
            page.refresh()

    @step
    def nonsense(self, tab: int, which: int) -> None:
        page = self._page(tab)
        if page is not None:
            self.watch.allows()
            page.driver.receive(events.Heard(NONSENSE[which % len(NONSENSE)]))
            if which % 5 == 0:
                page.driver.receive(events.EpochStored(NONSENSE[which % 4]))

    @step
    def call(self, tab: int) -> None:
        """The page calls its own API."""
        page = self._page(tab)
        if page is not None and page.is_read:
            page.call()

    @step
    def call_anywhere(self, tab: int, which: int) -> None:
        """The page calls whatever address it was given."""
        page = self._page(tab)
        if page is not None and page.is_read:
            page.call(ADDRESSES[which % len(ADDRESSES)])

    @step
    def call_everywhere(self) -> None:
        for page in self.pages:
            if page.alive and page.present and page.is_read:
                page.call()

    @step
    def refuse_calls(self, refuses: bool) -> None:
        """The API answers 401, whoever is signed in."""
        self.backend.refuses = refuses

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
        if page is None or page.tab.is_worker:
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

        self.loop.call_later(1.0, comes_back)

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

    @step
    def sign_out_in_a_worker(self) -> None:
        """The same in a worker, which cannot store that it ended."""
        self._passing(Page.sign_out, is_worker=True)

    def _passing(self, change: Callable[[Page], None], is_worker: bool = False) -> None:
        if self._has_room:
            change(Page(self, None, self.browser.now(), False, is_read=False, is_worker=is_worker))

    @step
    def change_csrf(self) -> None:
        """Tokens that are on their way are refused from now on."""
        self.backend.csrf_token += "x"

    # ── pages with the JavaScript client ─────────────────────────────────────────────────────────

    def heard_by_js_clients(self) -> None:
        if self.has_js_page:
            self.loop.call_later(0.01, self._js_asks)

    def _js_asks(self) -> None:
        self.js_tab.send(protocol.session_request(BASE), 60.0, lambda outcome: None)

    @step
    def js_says(self) -> None:
        """A JavaScript page tells all others that something changed."""
        self._js_says()

    def _js_says(self, signs_out: bool = False) -> None:
        self.watch.js_client_says()
        said_at = self.loop.now
        self.said += 1
        identity = f"getSession {self.said}" if self.said % 2 else None  # as v4 does, and as v5

        def hear(page: Page) -> Callable[[Tab], None]:
            def heard(tab: Tab) -> None:
                self.watch.hears_js_client(page, said_at)
                if signs_out:
                    tab.emit(events.SignedOutElsewhere())
                tab.emit(events.ForeignChange(identity))

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

        self.loop.call_later(self.browser.latency, answered)

    @step
    def js_sign_out(self) -> None:
        self.has_js_page = True

        def answered() -> None:
            self.watch.js_client_signed_out()
            self.browser.cookie = None
            self._js_asks()
            self._js_says(signs_out=True)

        self.loop.call_later(self.browser.latency, answered)

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
                self.watch.changed_for(page, self.loop.now)
                page.driver.receive(events.ForeignChange(None))
        self._pass(timeout + 30 + 1 + grace)
        self.watch.everybody_knows("after a trigger")
        self.watch.ends()

    def _pass(self, seconds: float) -> None:
        end = self.loop.now + seconds
        while self.loop.now < end:
            self.loop.run_until(min(end, self.loop.now + 2.5))
            self.watch.glance()
