"""The loop of one page towards one backend: events into the machine, effects out, the machine's state into the store.

Knows the tasks that are under way for it: queries, actions, and callers who wait for an answer. Knows nothing of what a
page shows, nor of which Provider is the default.
"""

import asyncio

from . import events, reactive, tasks
from .console import report, warn_once
from .errors import BackendUnreachable, NextAuthError, UnexpectedAnswer
from .flows import Flows, Mutations
from .host import Answer
from .session import SessionState
from .store import Store
from .sync import STOPPED, Machine
from .view import ended_between

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any, Callable, Coroutine, Optional, TypeVar

    from .flows import Wire
    from .host import EarlyQuery, Host
    from .options import Options

    T = TypeVar("T")

KEPT = 60.0  # seconds; a page that says it is older than its navigation by more was kept somewhere


class Driver:
    """Follows who is signed in at the backend whose absolute URL is `base`, and acts there. Nothing runs until `start`.

    - `wire`: what is said to it, such as `protocol`
    - `store`: its `SessionState`, the same for all of the driver's life; that of a stopped driver brings its readers
    - `machine`: the synchroniser's view
    - `on_step`: called with each event and its effects, once these are carried out
    """

    def __init__(
        self, host: "Host", wire: "Wire", base: str, options: "Options", store: "Optional[Store]" = None
    ) -> None:
        self.store = Store(SessionState(loading=True)) if store is None else store
        self.wire = wire
        self.on_step: "Callable[[Any, list[Any]], object]" = _ignore
        self.stopped = False
        self._events: "list[Any]" = []
        self._tickets: "dict[int, _Ticket]" = {}
        self._ticket_numbers = 0
        self._this_turn: "Optional[_Ticket]" = None
        self._queries: "dict[int, asyncio.Task[None]]" = {}
        self._early: "Any" = None  # the `EarlyQuery` of `events.EARLY` among them
        self._actions: "list[asyncio.Task[Any]]" = []  # and queries for tokens and providers
        self._waiting: "list[asyncio.Event]" = []  # for the next step
        self._sign_out: "Optional[asyncio.Task[Any]]" = None  # of an idle person
        self._on_stop: "list[Callable[[], object]]" = []
        self._begun = self._ends_with_action = False
        self._connect(host, base, options)

    def _connect(self, host: "Host", base: str, options: "Options") -> None:
        self.host = host
        self.base = base
        tab = "".join([f"{int(host.random() * 65536):04x}" for _ in range(4)])
        self.machine = Machine(tab, options, host.random, in_worker=not host.can_navigate())
        self.flows = Flows(host, self.wire, base, options.timeout, _Announced(self, self.machine))

    # ── coming and going ─────────────────────────────────────────────────────────────────────────

    def start(self, given: "Any" = events.UNSET, *, takes_what_came: bool = False) -> None:
        """Begin, with a session that is known already (plain data, `None` or `UNSET`).

        `takes_what_came`: with the page, if there is nothing better.
        """
        rendered_at = None
        self._open()
        answered = None
        if takes_what_came and given is events.UNSET:
            given, rendered_at = self._embedded()
            if given is events.UNSET:
                answered = self._adopt_early()
        given, made_at, fresh = self._aged(given, rendered_at)
        self._look_up_use(self.machine.options)
        landed = self.host.take_departure()
        self.receive(events.Start(given, made_at, fresh, self.host.stored_epoch(), landed, self.host.begins_first()))
        if answered is not None:
            self.receive(answered)
        if landed:
            self.spawn(self._end_popup())
        for number in list(self._tickets):
            self.receive(events.Refresh(number))

    async def _end_popup(self) -> None:
        """The other tabs, and so the page that opened this window, have been told when readers are."""
        await self.session_after(None)
        self.host.close_popup()

    def start_for_one_action(self) -> None:
        """Begin without a query, since nobody reads; the end of the first action is the end of this driver."""
        self._ends_with_action = True
        self._open()
        self.receive(events.Start(None, self.host.now(), True, self.host.stored_epoch(), False, True))

    def _open(self) -> None:
        self._begun = True
        self.host.open("nextauth-client:1:" + self.base, self.receive, self._recover)

    def configure(self, options: "Options", given: "Any") -> None:
        """Go on by other options, and with a given session, after readers have started this driver."""
        self.flows.timeout = options.timeout
        given, made_at, fresh = self._aged(given, None)
        self._look_up_use(options)
        self.receive(events.Configured(options, given, made_at, fresh))

    def _look_up_use(self, options: "Options") -> None:
        if options.idle_timeout:
            self.receive(events.UseStored(self.host.stored_use()))

    def reconnect(self, host: "Host", base: str, options: "Options", given: "Any") -> None:
        """Go on at another backend. Readers stay, and callers get the new backend's answer."""
        tickets, self._tickets = self._tickets, {}
        self._disconnect()
        self._tickets = tickets
        self.stopped = False
        self._connect(host, base, options)
        self.start(given, takes_what_came=True)

    def stop(self) -> None:
        """Undo everything this driver did: listeners, timers, channel, requests. Twice does no harm."""
        if self.stopped:
            return
        self._disconnect()
        while self._on_stop:
            self._on_stop.pop()()

    def _disconnect(self) -> None:
        self.receive(events.Stop())
        self.stopped = True
        self._this_turn = None
        current = tasks.current()  # it may be one of them: an action's end is told to readers, one of which stops all
        for task in self._actions:
            if task is not current:
                task.cancel()
        self.host.close()

    def on_stop(self, function: "Callable[[], object]") -> "Callable[[], None]":
        """Have `function` called when this driver is stopped; what is returned takes that back."""
        self._on_stop.append(function)

        def take_back() -> None:
            if function in self._on_stop:
                self._on_stop.remove(function)

        return take_back

    # ── what came with the page ──────────────────────────────────────────────────────────────────

    def _aged(self, given: "Any", rendered_at: "Optional[float]") -> "tuple[Any, float, bool]":
        """What came with the page, when it was true, and whether nobody has to be asked.

        The server may have said when it rendered it; its clock may be another. A page that was fetched ahead, or comes
        out of a cache, is older than its navigation. It says nothing once a JS client has told of a change.
        """
        made_at, fresh = self.host.made_at(), self.host.is_fresh()
        if not fresh:
            made_at = rendered_at or 0.0
        elif rendered_at is not None:
            fresh = rendered_at > made_at - KEPT
            made_at = min(made_at, rendered_at)
        if given is not events.UNSET and self.host.said_by_js_clients(made_at):
            given = events.UNSET
        return given, made_at, fresh

    def _embedded(self) -> "tuple[Any, Optional[float]]":
        """The session that the server put into the page, if it did, and when it says that was."""
        embedded = self.host.embedded_session()
        if embedded is not None:
            text, rendered_at = embedded
            try:
                return self.wire.understand_session(Answer(200, text)), rendered_at
            except UnexpectedAnswer:
                warn_once(
                    "#nextauth-session holds no session, so the backend is asked. Write it with session_script()."
                )
        return events.UNSET, None

    def _adopt_early(self) -> "Optional[events.Answered]":
        """Go on with the query that the page sent before Python ran; its answer, if that is here already."""
        early = self.host.early_query(self.wire.session_request(self.base).url)
        if early is None:
            return None
        for identity in early.changes():
            self.receive(events.ForeignChange(identity))  # kept until `Start`
        answered = None
        if early.is_over():
            answer = early.answer
            try:
                session = None if answer is None else self.wire.understand_session(answer)
            except UnexpectedAnswer:
                answer = None
            if answer is None:
                return None  # it failed, and is asked again now
            date = None
            if answer.date is not None:
                # Since it came the backend's clock has gone on too, even if this page's was set back.
                date = answer.date + max(0.0, self.host.now() - early.came_at)
                if ended_between(session, answer.date, date):
                    return None  # while Python was loading
            answered = events.Answered(events.EARLY, session, None, date)
        self.receive(events.QueriedEarly(early.asked_at))
        if answered is None:
            self._early = early
            self._queries[events.EARLY] = self.spawn(self._query(events.EARLY, early))
        return answered

    # ── the loop ─────────────────────────────────────────────────────────────────────────────────

    def receive(self, event: "Any") -> None:
        """Give one of `events` to the machine. Nothing is raised, whatever a tab, a server or an effect does."""
        if self.stopped:
            return
        self._events.append(event)
        if len(self._events) > 1:
            return  # emitted while an effect was carried out: it waits until the others are
        self.host.schedule_recovery()
        self._carry_out()

    def catch_up(self) -> None:
        """Do what is due by the clock: on a computer that wakes, a page's own code may run before timers ring."""
        if self.machine.is_late(self.host.now()):
            self.receive(events.Tick())

    def _carry_out(self) -> None:
        while self._events:
            event = self._events[0]
            effects: "list[Any]" = []
            try:
                effects = self.machine.receive(event, self.host.now())
            except Exception as error:
                report(error, "following " + type(event).__name__)
            for effect in effects:
                try:  # one that fails takes no other with it
                    getattr(self, "_do_" + type(effect).__name__)(effect)
                except Exception as error:
                    report(error, "following " + type(event).__name__)
            self.on_step(event, effects)
            self._events.pop(0)
        machine, view = self.machine, self.machine.view
        while self._waiting:
            self._waiting.pop().set()
        self.store.replace(
            SessionState(
                view.session,
                loading=view.loading,
                error=view.error,
                refreshing=machine.refreshing,
                reason=view.reason,
                expires_in=view.expires_in,
                expiring=view.expiring,
                idle_in=view.idle_in,
                count=self._count,
            )
        )

    def _count(self, name: str, follow: bool) -> "Optional[int]":
        machine = self.machine
        is_idle = name == "idle_in"
        if follow and not (machine.is_counting_idle if is_idle else machine.view.is_counting):
            self.receive(events.IdleRead() if is_idle else events.CountdownRead())
        now = self.host.now()
        return machine.seconds_until_idle(now) if is_idle else machine.view.seconds_left(now)

    def _recover(self) -> None:
        """Go on after a reader, or a task of the page, that JavaScript has cut off: see `Host.schedule_recovery`."""
        tasks.resume()
        reactive.forget_cut_runs()
        if self._events:  # it was an effect of ours that was cut off
            self._events.pop(0)
            self._carry_out()
        if self.store.is_telling and not self.stopped:
            self.host.schedule_recovery()
            self.store.tell()

    def _do_SendQuery(self, effect: "Any") -> None:
        self._queries[effect.query] = self.spawn(self._query(effect.query))

    async def _query(self, number: int, early: "Optional[EarlyQuery]" = None) -> None:
        session, date, error = None, None, None
        machine = self.machine
        try:
            session, date = await self.flows.query_session(early)
        except NextAuthError as failure:
            error = failure
        except Exception as failure:
            report(failure, "asking for the session")
            error = UnexpectedAnswer("Asking for the session failed in this page: its console says more.")
        if machine is self.machine:
            self._queries.pop(number, None)
            self.receive(events.Answered(number, session, error, date))

    def _do_AbortQuery(self, effect: "Any") -> None:
        task = self._queries.pop(effect.query, None)
        if task is not None:
            task.cancel()
            if effect.query == events.EARLY:
                self._early.abort()  # which a task that has not begun yet would not

    def _do_Settle(self, effect: "Any") -> None:
        for number in effect.tickets:
            ticket = self._tickets.pop(number, None)
            if ticket is not None:
                ticket.session, ticket.error = self.machine.view.session, effect.error
                ticket.came.set()

    def _do_Publish(self, effect: "Any") -> None:
        self.host.publish(effect.message)

    def _do_StoreEpoch(self, effect: "Any") -> None:
        self.host.store_epoch(effect.epoch)

    def _do_NotifyJSClients(self, effect: "Any") -> None:
        self.host.notify_js_clients(effect.trigger)

    def _do_TryLock(self, effect: "Any") -> None:
        self.host.try_lock()

    def _do_ReleaseLock(self, effect: "Any") -> None:
        self.host.release_lock()

    def _do_FollowUse(self, effect: "Any") -> None:
        self.host.follow_use(effect.on)

    def _do_LookUpUse(self, effect: "Any") -> None:
        self.receive(events.UseStored(self.host.stored_use()))

    def _do_StoreUse(self, effect: "Any") -> None:
        self.host.store_use(effect.at)

    def _do_SignOut(self, effect: "Any") -> "asyncio.Task[None]":
        if self._sign_out is None or self._sign_out.done():
            self._sign_out = self.act(self._sign_out_idle())
        return self._sign_out

    async def end_idling(self) -> None:
        """Sign out now whoever has idled, if that can be done."""
        if self.machine.is_idle:
            action = self._do_SignOut(None)
            await action

    async def _sign_out_idle(self) -> None:
        try:
            await self.flows.sign_out(None, False)
        except NextAuthError as error:
            self.receive(events.Failed(error))  # it is tried again

    def _do_Wake(self, effect: "Any") -> None:
        self.host.wake(effect.seconds)

    def _do_Warn(self, effect: "Any") -> None:
        warn_once(effect.text)

    # ── callers who wait ─────────────────────────────────────────────────────────────────────────

    async def get_session(self) -> "Optional[dict[str, Any]]":
        """Ask the backend now. Calls of one turn of the event loop share a query: rule 3."""
        ticket = self._this_turn
        if ticket is None:
            ticket = self._new_ticket()
        await ticket.came.wait()
        if ticket.error is not None:
            raise ticket.error
        return ticket.session

    def _new_ticket(self) -> "_Ticket":
        self._refuse_when_stopped()
        self._ticket_numbers += 1
        ticket = self._tickets[self._ticket_numbers] = self._this_turn = _Ticket()
        self.spawn(self._end_turn())
        self.receive(events.Refresh(self._ticket_numbers))
        return ticket

    async def _end_turn(self) -> None:
        self._this_turn = None

    async def first_answer(self, patient: bool) -> None:
        """Wait for it; raises what kept it from coming, unless `patient`."""
        while self.store.value.loading:
            if self.stopped:
                raise BackendUnreachable(STOPPED)
            error = self.store.value.error
            if error is not None and not patient:
                raise error
            await self._next_step()

    async def session_after(self, newest: object) -> None:
        """Wait until a session is known from an answer, of whichever tab, that is newer. Raises when this stops."""
        while self.machine.view.newest == newest or self.store.value.session is None:
            if self.stopped:
                raise BackendUnreachable(STOPPED)
            await self._next_step()

    async def is_signed_in_since(self, left: float, timeout: float) -> bool:
        """What an API's 401 to a call that left then asks, of all tabs once; `False` where nobody knows in time."""

        async def known() -> bool:
            while self.machine.is_known_since(left) is None:
                await self._next_step()
            return bool(self.machine.is_known_since(left)) and self.machine.view.session is not None

        left = min(left, self.host.now())  # the clock may have been set back
        self.receive(events.Refused(left))
        try:
            return await asyncio.wait_for(known(), timeout)
        except asyncio.TimeoutError:
            return False

    async def quiet(self) -> None:
        """Wait until no query is in flight."""
        while self.machine.in_flight:
            await self._next_step()

    async def _next_step(self) -> None:
        """Wait until the machine has received something; the end of this driver is an event, too."""
        came = asyncio.Event()
        self._waiting.append(came)
        await came.wait()

    # ── tasks ────────────────────────────────────────────────────────────────────────────────────

    def spawn(self, coroutine: "Coroutine[Any, Any, T]", call: "Optional[str]" = None) -> "asyncio.Task[T]":
        """A task whose failure, when nobody awaits it, is on the console and every reader's `.error`.

        `call`: see `tasks.start`.
        """
        return tasks.start(coroutine, self._failed, call)

    def act(self, coroutine: "Coroutine[Any, Any, T]", call: "Optional[str]" = None) -> "asyncio.Task[T]":
        """The task of an action, which `stop()` ends. A driver that was not started begins, for this one."""
        begun = False
        machine = self.machine

        async def run() -> "T":
            nonlocal begun
            begun = True
            self._actions.append(task)
            try:
                if self.is_over(machine):
                    raise BackendUnreachable(STOPPED)
                return await coroutine
            except asyncio.CancelledError:
                if self.is_over(machine):
                    raise BackendUnreachable(STOPPED)
                raise
            finally:
                self._actions.remove(task)
                ended()

        def ended() -> None:
            coroutine.close()
            if self._ends_with_action:
                self.spawn(self._finish())

        if self.stopped:
            coroutine.close()
            self._refuse_when_stopped()
        if not self._begun:
            self.start_for_one_action()
        task = self.spawn(run(), call)
        if hasattr(task, "add_done_callback"):  # whoever cancels it may do so before it has begun
            task.add_done_callback(lambda _task: None if begun else ended())
        return task

    def is_over(self, machine: Machine) -> bool:
        """Whether an action that was begun with this machine has to end: it is another's backend now, or nobody's."""
        return self.stopped or self.machine is not machine

    async def _finish(self) -> None:
        while self.store.value.refreshing:  # the other tabs wait for what it queries after a mutation
            await self._next_step()
        self.stop()

    def _refuse_when_stopped(self) -> None:
        if self.stopped:
            raise RuntimeError("This Provider was stopped: make a new one.")

    def _failed(self, error: Exception) -> None:
        """An action failed and nobody awaits it."""
        if isinstance(error, BackendUnreachable) and error.message == STOPPED:
            return  # whoever stopped it has ended the action
        report(error, "an action")
        if isinstance(error, NextAuthError):
            self.receive(events.Failed(error))


class _Ticket:
    """A caller who waits for an answer."""

    def __init__(self) -> None:
        self.came = asyncio.Event()
        self.session: "Optional[dict[str, Any]]" = None
        self.error: "Optional[NextAuthError]" = None


class _Announced(Mutations):
    """Tells a machine when a mutation begins and ends, for as long as it is the driver's."""

    def __init__(self, driver: Driver, machine: Machine) -> None:
        self._driver = driver
        self._machine = machine

    def begin(self, mutation: object) -> None:
        self._receive(events.MutationStarted(id(mutation)))
        if self._driver.is_over(self._machine):  # whoever heard of it has stopped all, this action too
            raise BackendUnreachable(STOPPED)

    def signs_out(self, mutation: object) -> None:
        self._receive(events.SignsOut(id(mutation)))

    def has_signed_in(self) -> None:
        self._receive(events.SignedIn())

    def end(
        self,
        mutation: object,
        outcome: str,
        session: "Optional[dict[str, Any]]" = None,
        date: "Optional[float]" = None,
    ) -> None:
        self._receive(events.MutationEnded(id(mutation), outcome, session, date))

    def _receive(self, event: "Any") -> None:
        if self._driver.machine is self._machine:
            self._driver.receive(event)

    async def quiet(self) -> None:
        await self._driver.quiet()

    async def is_signed_in(self) -> bool:
        return await self._driver.get_session() is not None

    def newest(self) -> object:
        return self._machine.view.newest

    async def signed_in_since(self, newest: object, timeout: float) -> bool:
        try:
            await asyncio.wait_for(self._driver.session_after(newest), timeout)
        except asyncio.TimeoutError:
            return False
        return True


def _ignore(_event: "Any", _effects: "list[Any]") -> None:
    """Nobody watches the steps."""
