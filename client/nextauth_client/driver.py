"""The loop of one page towards one backend: events into the machine, effects out, the machine's state into the store.

Knows the tasks that are under way for it: queries and actions. Knows nothing of what a page shows, nor of which
Provider is the default.
"""

import asyncio

from . import events, reactive, tasks
from .announcing import Announced
from .callers import Callers
from .console import report, warn_once
from .errors import BackendUnreachable, NextAuthError, UnexpectedAnswer
from .flows import Flows
from .given import aged, early_answer, embedded
from .session import SessionState
from .store import Store
from .sync import STOPPED, Machine

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any, Callable, Coroutine, Optional, TypeVar

    from .flows import Wire
    from .host import EarlyQuery, Host
    from .options import Options

    T = TypeVar("T")


class Driver:
    """Follows who is signed in at the backend whose absolute URL is `base`, and acts there. Nothing runs until `start`.

    - `wire`: what is said to it, such as `protocol`
    - `store`: its `SessionState`, the same for all of the driver's life; that of a stopped driver brings its readers
    - `machine`: the synchroniser
    - `callers`: who waits for an answer
    - `on_step`: called with each event and its effects, once these are carried out
    """

    def __init__(
        self, host: "Host", wire: "Wire", base: str, options: "Options", store: "Optional[Store]" = None
    ) -> None:
        self.store = Store(SessionState(loading=True)) if store is None else store
        self.wire = wire
        self.on_step: "Callable[[Any, list[Any]], object]" = tasks.ignore
        self.stopped = False
        self._events: "list[Any]" = []
        self.callers = Callers(self)
        self._queries: "dict[int, asyncio.Task[None]]" = {}
        self._early: "Any" = None  # the `EarlyQuery` of `events.EARLY` among them
        self._actions: "list[asyncio.Task[Any]]" = []  # and queries for tokens and providers
        self._sign_out: "Optional[asyncio.Task[Any]]" = None  # of an idle person
        self._on_stop: "list[Callable[[], object]]" = []
        self._begun = self._ends_with_action = False
        self._connect(host, base, options)

    def _connect(self, host: "Host", base: str, options: "Options") -> None:
        self.host = host
        self.base = base
        tab = "".join([f"{int(host.random() * 65536):04x}" for _ in range(4)])
        self.machine = Machine(tab, options, host.random, in_worker=not host.can_navigate())
        self.flows = Flows(host, self.wire, base, options.timeout, Announced(self))

    # ── coming and going ─────────────────────────────────────────────────────────────────────────

    def start(self, given: "Any" = events.UNSET, *, takes_what_came: bool = False) -> None:
        """Begin, with a session that is known already (plain data, `None` or `UNSET`).

        `takes_what_came`: with the page, if there is nothing better.
        """
        self._open()
        rendered_at = answered = None
        if takes_what_came and given is events.UNSET:
            given, rendered_at = embedded(self.host, self.wire)
            if given is events.UNSET:
                answered = self._adopt_early()
        given, made_at, fresh = aged(self.host, given, rendered_at)
        self._look_up_use(self.machine.options)
        landed = self.host.take_departure()
        self.receive(events.Start(given, made_at, fresh, self.host.stored_epoch(), landed, self.host.begins_first()))
        if answered is not None:
            self.receive(answered)
        if landed:
            self.spawn(self._end_popup())

    def _adopt_early(self) -> "Optional[events.Answered]":
        """Go on with the query that the page sent before Python ran; its answer, if that is here already."""
        early = self.host.early_query(self.wire.session_request(self.base).url)
        if early is None:
            return None
        for identity in early.changes():
            self.receive(events.ForeignChange(identity))  # kept until `Start`
        answered = None
        if early.is_over():
            answered = early_answer(early, self.wire, self.host.now())
            if answered is None:
                return None  # it is asked again now
        self.receive(events.QueriedEarly(early.asked_at))
        if answered is None:
            self._early = early
            self._queries[events.EARLY] = self.spawn(self._query(events.EARLY, early))
        return answered

    async def _end_popup(self) -> None:
        """The other tabs, and so the page that opened this window, have been told when readers are."""
        await self.callers.session_after(None)
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
        given, made_at, fresh = aged(self.host, given)
        self._look_up_use(options)
        self.receive(events.Configured(options, given, made_at, fresh))

    def _look_up_use(self, options: "Options") -> None:
        if options.idle_timeout:
            self.receive(events.UseStored(self.host.stored_use()))

    def reconnect(self, host: "Host", base: str, options: "Options", given: "Any") -> None:
        """Go on at another backend. Readers stay, and callers get the new backend's answer."""
        tickets = self.callers.take_tickets()
        self._disconnect()
        self.stopped = False
        self._connect(host, base, options)
        self.start(given, takes_what_came=True)
        self.callers.ask_for(tickets)

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
        self.callers.look_again()
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
        counts = machine.idle if is_idle else machine.view
        if follow and not counts.is_counting:
            self.receive(events.IdleRead() if is_idle else events.CountdownRead())
        now = self.host.now()
        return counts.seconds_left(now)

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
        self.callers.settle(effect.tickets, effect.error)

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
            self.refuse_when_stopped()
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
            await self.callers.next_step()
        self.stop()

    def refuse_when_stopped(self) -> None:
        """Raises `RuntimeError`."""
        if self.stopped:
            raise RuntimeError("This Provider was stopped: make a new one.")

    def _failed(self, error: Exception) -> None:
        """An action failed and nobody awaits it."""
        if isinstance(error, BackendUnreachable) and error.message == STOPPED:
            return  # whoever stopped it has ended the action
        report(error, "an action")
        if isinstance(error, NextAuthError):
            self.receive(events.Failed(error))
