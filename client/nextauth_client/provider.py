"""Provider: one backend's session for this page, composed of store, machine, flows and host; and the module functions.

The default Provider is what the functions of `nextauth_client` speak to.
"""

import asyncio
import functools
import sys

from . import errors, flows, protocol, reactive, sync, tasks
from .errors import (
    BackendUnreachable,
    NextAuthError,
    NotAvailableHere,
    PopupFailed,
    UnexpectedAnswer,
    UnsafeURL,
    report,
)
from .session import Session, SessionState
from .store import Store
from .urls import resolve

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any, Callable, Coroutine, NoReturn, Optional, TypeVar, Union

    from .host import Early, Host, Popup
    from .session import AuthProvider, S, SignInResult, SignOutResult

    Number = Union[int, float]
    T = TypeVar("T")
    Function = Callable[..., Any]
    Given = Union[Session, dict[str, Any], None]

UNSET = sync.UNSET


class Provider:
    """Keeps "who is signed in?" for this page and follows the backend, the other tabs and the clock.

    - `session`: a session that is known already, or `None` for "nobody is signed in"; saves the first request (S25), as
      do a session that the server put into the page and the early script (docs/pages.md), which need no option
    - `client_max_age`, `keep_alive`: seconds, 0 is off (S29, S32–S34); they cost a signed-out page nothing (S30)
    - `base_url`: the backend's origin, by default the page's own; `base_path`: where its endpoints are
    - `refetch_on_focus`: ask again when the page gains or loses focus (S27)
    - `timeout`: seconds a request may take
    - `default`: the module's functions speak to this Provider
    - `host`: the world, for tests

    Starts at once. Raises `TypeError` or `ValueError` for an option that makes no sense, `RuntimeError` when another
    default Provider runs, `NotAvailableHere` outside a browser.
    """

    _default: "Optional[Provider]" = None
    _implicit = False  # started by use_session() on its own

    def __init__(
        self,
        session: "Given" = UNSET,  # type: ignore[assignment]
        *,
        client_max_age: "Number" = 0,
        keep_alive: "Number" = 0,
        base_url: "Optional[str]" = None,
        base_path: str = "/api/auth",
        refetch_on_focus: bool = True,
        timeout: "Number" = 10,
        default: bool = True,
        host: "Optional[Host]" = None,
        **unknown: "NoReturn",
    ) -> None:
        flows.refuse_unknown(unknown)
        options = sync.Options(
            _seconds("client_max_age", client_max_age),
            _seconds("keep_alive", keep_alive, smallest=0.1),
            _seconds("timeout", timeout, least=0.001),
            _flag("refetch_on_focus", refetch_on_focus),
        )
        given = _plain_session(session)
        replaced = Provider._default if _flag("default", default) else None
        if replaced is not None and not replaced._implicit:
            raise RuntimeError(
                "A default Provider is running already. Stop it first (`Provider.current().stop()`), "
                "or say Provider(default=False)."
            )
        self._host: "Host" = host if host is not None else _page_host("Provider")
        self._base = base_address(self._host, base_url, base_path)
        self._client_max_age = options.client_max_age
        self._stopped = False
        self._events: "list[Any]" = []
        self._tickets: "dict[int, _Ticket]" = {}
        self._ticket_numbers = 0
        self._this_turn: "Optional[_Ticket]" = None
        self._questions: "dict[int, asyncio.Task[None]]" = {}
        self._requests: "list[asyncio.Task[Any]]" = []  # of actions, and of questions about tokens and providers
        self._waiting: "list[asyncio.Event]" = []  # for the first answer
        self._quiet: "list[asyncio.Event]" = []  # for the end of the questions in the air
        self._successor: "Optional[Provider]" = None  # replaced this one
        self._leaving: "Optional[asyncio.Task[SignInResult]]" = None  # for the sign-in page
        self._announced = _Announced(self)
        self._flows = flows.Flows(self._host, self._base, options.timeout, self._announced)
        tab = "".join([f"{int(self._host.random() * 65536):04x}" for _ in range(4)])
        self._bindings: "list[Any]" = []  # of bind()
        self._machine = sync.Machine(tab, options, self._host.random)
        made_at = self._made_at()
        if replaced is None:
            self._store = Store(SessionState(loading=True))
        else:
            self._store = replaced._store
            self._take_over(replaced)
        if default:
            Provider._default = self
        self._host.open("nextauth-client:1:" + self._base, self._receive, self._recover)
        answered = None
        if default and given is UNSET and self._machine.loading:
            given = self._embedded()
            if given is UNSET:
                answered = self._adopt_early()
        self._receive(sync.Start(given, made_at, self._host.stored_epoch(), self._has_landed()))
        if answered is not None:
            self._receive(answered)
        for number in list(self._tickets):
            self._receive(sync.Refresh(number))

    def _take_over(self, replaced: "Provider") -> None:
        """Its readers and whoever waits for it stay, and are told from now on by this one."""
        self._bindings, replaced._bindings = replaced._bindings, []
        for binding in self._bindings:
            binding.provider = self
        self._tickets, replaced._tickets = replaced._tickets, {}
        self._ticket_numbers = replaced._ticket_numbers
        if replaced._base == self._base:
            self._requests, replaced._requests = replaced._requests, []
            self._machine.take_over(replaced._machine)
            replaced._announced.provider = self
        replaced._store = Store(replaced._store.value)
        replaced._successor = self
        replaced.stop()

    def _latest(self) -> "Provider":
        provider = self
        while provider._successor is not None:
            provider = provider._successor
        return provider

    def _adopt_early(self) -> "Optional[sync.Answered]":
        """Go on with the question that the page asked before Python ran; its answer, if that is here already."""
        early = self._host.early_question(self._base + "/session")
        if early is None:
            return None
        answered = None
        if early.is_over():
            answer = early.answer
            try:
                session = None if answer is None else protocol.understand_session(answer)
            except UnexpectedAnswer:
                answer = None
            if answer is None:
                return None  # it failed, and is asked again now
            date = None
            if answer.date is not None:
                # Since it came the backend's clock has gone on too, even if this page's was set back.
                date = answer.date + max(0.0, self._host.now() - early.came_at)
                if sync.ended_between(session, answer.date, date):
                    return None  # while Python was loading
            answered = sync.Answered(sync.EARLY, session, None, date)
        self._receive(sync.AskedEarly(early.asked_at))
        if answered is None:
            self._questions[sync.EARLY] = self._start(self._ask(sync.EARLY, early))
        return answered

    def _embedded(self) -> "Given":
        """The session that the server put into the page, if it did."""
        text = self._host.embedded_session()
        if text is not None:
            try:
                return protocol.understand_session(protocol.Answer(200, text))
            except UnexpectedAnswer:
                _warn_once(
                    "#nextauth-session holds no session, so the backend is asked. Write it with session_script()."
                )
        return UNSET  # type: ignore[return-value]

    def _made_at(self) -> float:
        """When what the page was given was true, Unix seconds."""
        return self._host.made_at()

    def _has_landed(self) -> bool:
        """Whether a sign-in that left a page of this tab may have ended here."""
        return self._host.take_departure()

    @staticmethod
    def current() -> "Optional[Provider]":
        """The default Provider, or `None`."""
        return Provider._default

    # ── state ────────────────────────────────────────────────────────────────────────────────────

    def use_session(self, session_type: "type[S]" = Session, *, required: bool = False) -> "SessionState[S]":  # type: ignore[assignment]
        """See `use_session`."""
        if self._client_max_age:
            self._receive(sync.StaleRead())
        if not reactive.is_tracking() and self._store.value.loading:
            _warn_once(
                "use_session() was read while loading: the value will not change. "
                "Read it in @effect, or after `await ready()`."
            )
        state = reactive.tracked(self._store, session_type)
        if required and state.status == "unauthenticated":
            self._require_sign_in()
        return state

    def _require_sign_in(self) -> None:
        if self._leaving is None or self._leaving.done():  # all readers of one state leave together
            page = protocol.sign_in_page(self._base, self._host.page_url(), "SessionRequired")
            self._leaving = self._start(self._flows.leave_for(page))

    def on_session_change(self, function: "Callable[[SessionState, SessionState], object]") -> "Subscription":
        """See `on_session_change`."""
        name = "on_session_change " + getattr(function, "__name__", repr(function))

        async def finish(coroutine: "Any") -> None:
            try:
                await coroutine
            except Exception as error:
                report(error, name)

        def changed(state: SessionState, previous: SessionState) -> None:
            if _without_expires(state) == _without_expires(previous):
                return
            try:
                result: "Any" = function(state.view(Session), previous.view(Session))
            except Exception as error:
                report(error, name)
                return
            if tasks.is_coroutine(result):
                task = self._start(finish(result))
                if hasattr(task, "add_done_callback"):  # whoever ends all tasks may do so before it has begun
                    task.add_done_callback(lambda _task: result.close())

        return Subscription(self._store.subscribe(changed))

    def bind(self, root: "Any" = None, *, messages: "Optional[dict[str, str]]" = None) -> "Subscription":
        """See `bind`."""
        made: "Subscription" = _dom("bind").Binding(self, root, messages)
        return made

    def require_session(self, function: "Function") -> "Function":
        """See `require_session`."""
        return _guard(lambda: self, function)

    # These follow what is read inside them, of whichever Provider.
    effect = staticmethod(reactive.effect)

    @staticmethod
    def component(target: "Any") -> "Callable[[Callable[[], object]], reactive.Effect]":
        """See `component`."""
        return component(target)

    @staticmethod
    def explain_error(code: "Any" = UNSET, messages: "Optional[dict[str, str]]" = None) -> str:
        """See `explain_error`."""
        return explain_error(code, messages)

    async def _first_answer(self, patient: bool) -> "Provider":
        """Wait for it; raises what kept it from coming, unless `patient`. Gives the Provider that has it."""
        while True:
            provider = self._latest()
            state = provider._store.value
            if not state.loading:
                return provider
            if provider._stopped:
                raise BackendUnreachable(sync.STOPPED)
            if state.error is not None and not patient:
                raise state.error
            await provider._next_state()

    async def _next_state(self) -> None:
        """Wait for a change, or for the end of this Provider."""
        came = asyncio.Event()
        self._waiting.append(came)
        unsubscribe = self._store.subscribe(lambda state, previous: came.set())
        try:
            await came.wait()
        finally:
            unsubscribe()
            self._waiting.remove(came)

    async def ready(self) -> SessionState:
        """Wait for the first answer and return the state.

        Raises what kept it from coming; the Provider goes on asking meanwhile.
        """
        provider = await self._first_answer(False)
        return reactive.tracked(provider._store, Session)

    # ── questions ────────────────────────────────────────────────────────────────────────────────

    async def get_session(self, request: "Any" = None, *, session_type: "type[S]" = Session) -> "Optional[S]":  # type: ignore[assignment]
        """See `get_session`."""
        _refuse_request(request, "get_session")
        ticket = self._this_turn
        if ticket is None:
            ticket = self._new_ticket()
        await ticket.came.wait()
        if ticket.error is not None:
            raise ticket.error
        data = self._latest()._machine.session
        return None if data is None else session_type(data)

    async def refresh(self) -> SessionState:
        """Ask the backend now, and return the state. Raises as `get_session`."""
        await self.get_session()
        return reactive.tracked(self._latest()._store, Session)

    def _new_ticket(self) -> "_Ticket":
        """Calls of one turn of the event loop share a question: rule 3."""
        if self._stopped:
            raise RuntimeError("This Provider was stopped: make a new one.")
        self._ticket_numbers += 1
        ticket = self._tickets[self._ticket_numbers] = self._this_turn = _Ticket()
        self._start(self._end_turn())
        self._receive(sync.Refresh(self._ticket_numbers))
        return ticket

    async def _end_turn(self) -> None:
        self._this_turn = None

    async def get_csrf_token(self, request: "Any" = None) -> str:
        """See `get_csrf_token`."""
        _refuse_request(request, "get_csrf_token")
        return await self._request(self._flows.get_csrf_token())

    async def get_providers(self) -> "dict[str, AuthProvider]":
        """See `get_providers`."""
        return await self._request(self._flows.get_providers())

    # ── actions ──────────────────────────────────────────────────────────────────────────────────

    def sign_in(
        self,
        provider: "Optional[str]" = None,
        *,
        callback_url: "Optional[str]" = None,
        redirect: bool = True,
        popup: bool = False,
        authorization_params: "Any" = None,
        fields: "Optional[dict[str, Any]]" = None,
        **more_fields: "Any",
    ) -> "asyncio.Task[SignInResult]":
        """See `sign_in`."""
        free, form = _checked(provider, authorization_params, fields, more_fields)
        # Now, while the click is handled. Where none opens, the awaited task says so, as with any other failure.
        window: "Union[Popup, PopupFailed, None]" = None
        if popup:
            try:
                window = self._host.open_popup()
            except PopupFailed as failure:
                window = failure
        return self._request(_sign_in(self._flows, provider, callback_url, redirect, free, form, window))

    def sign_out(
        self, *, callback_url: "Optional[str]" = None, redirect: bool = True, **unknown: "NoReturn"
    ) -> "asyncio.Task[SignOutResult]":
        """See `sign_out`."""
        flows.refuse_unknown(unknown)
        return self._request(self._flows.sign_out(callback_url, redirect))

    def update_session(self, data: "Any" = None) -> "asyncio.Task[Optional[Session]]":
        """See `update_session`."""
        protocol.check_plain(data)
        return self._request(_update(self._flows, data))

    # ── coming and going ─────────────────────────────────────────────────────────────────────────

    def stop(self) -> None:
        """Undo everything this Provider did: listeners, timers, channel, requests. Twice does no harm."""
        if self._stopped:
            return
        self._receive(sync.Stop())
        self._stopped = True
        current = tasks.current()  # it may be one of them: an action's end is told to readers, one of which stops all
        for task in self._requests:
            if task is not current:
                task.cancel()
        for came in self._waiting:
            came.set()
        for binding in list(self._bindings):
            binding.dispose()
        self._host.close()
        if Provider._default is self:
            Provider._default = None

    def __enter__(self) -> "Provider":
        return self

    def __exit__(self, *_: object) -> None:
        self.stop()

    async def __aenter__(self) -> "Provider":
        return self

    async def __aexit__(self, *_: object) -> None:
        self.stop()

    # ── carrying events in and effects out ───────────────────────────────────────────────────────

    def _receive(self, event: "Any") -> None:
        if self._stopped:
            return
        self._events.append(event)
        if len(self._events) > 1:
            return  # reported while an effect was carried out: it waits until the others are
        self._host.look_after()
        machine = self._machine
        while self._events:
            event = self._events[0]
            # Whatever a tab or a server sent, no listener raises; and one effect that fails takes no other with it.
            try:
                effects = machine.receive(event, self._host.now())
            except Exception as error:
                report(error, "following " + type(event).__name__)
                effects = []
            for effect in effects:
                try:
                    getattr(self, "_do_" + type(effect).__name__)(effect)
                except Exception as error:
                    report(error, "following " + type(event).__name__)
            self._events.pop(0)
        while self._quiet and not machine.asking:
            self._quiet.pop().set()
        self._store.replace(
            SessionState(machine.session, loading=machine.loading, error=machine.error, refreshing=machine.refreshing)
        )

    def _recover(self) -> None:
        """Go on after a reader, or a task of the page, that JavaScript has cut off: see `Host.look_after`."""
        tasks.resume()
        reactive.forget_cut_runs()
        if self._store.is_telling and not self._stopped:
            self._host.look_after()
            self._store.tell()

    def _do_Ask(self, effect: "Any") -> None:
        self._questions[effect.question] = self._start(self._ask(effect.question))

    async def _ask(self, question: int, early: "Optional[Early]" = None) -> None:
        session, date, error = None, None, None
        try:
            session, date = await self._flows.ask_session(early)
        except NextAuthError as failure:
            error = failure
        except Exception as failure:
            report(failure, "asking for the session")
            error = UnexpectedAnswer("Asking for the session failed in this page: its console says more.")
        self._questions.pop(question, None)
        self._receive(sync.Answered(question, session, error, date))

    def _do_Abort(self, effect: "Any") -> None:
        task = self._questions.pop(effect.question, None)
        if task is not None:
            task.cancel()

    def _do_Settle(self, effect: "Any") -> None:
        for number in effect.tickets:
            ticket = self._tickets.pop(number, None)
            if ticket is not None:
                ticket.error = effect.error
                ticket.came.set()

    def _do_Publish(self, effect: "Any") -> None:
        self._host.publish(effect.message)

    def _do_StoreEpoch(self, effect: "Any") -> None:
        self._host.store_epoch(effect.epoch)

    def _do_TellOthers(self, effect: "Any") -> None:
        self._host.tell_others(effect.trigger)

    def _do_TryLock(self, effect: "Any") -> None:
        self._host.try_lock()

    def _do_ReleaseLock(self, effect: "Any") -> None:
        self._host.release_lock()

    def _do_Wake(self, effect: "Any") -> None:
        self._host.wake(effect.seconds)

    def _do_Warn(self, effect: "Any") -> None:
        _warn_once(effect.text)

    def _start(self, coroutine: "Coroutine[Any, Any, T]") -> "asyncio.Task[T]":
        return tasks.start(coroutine, self._failed)

    def _request(self, coroutine: "Coroutine[Any, Any, T]") -> "asyncio.Task[T]":
        """Start what `stop()` shall end."""
        begun = False

        async def run() -> "T":
            nonlocal begun
            begun = True
            self._carrier()._requests.append(task)
            try:
                if self._carrier()._stopped:
                    raise BackendUnreachable(sync.STOPPED)
                return await coroutine
            except asyncio.CancelledError:
                if self._carrier()._stopped:
                    raise BackendUnreachable(sync.STOPPED)
                raise
            finally:
                self._carrier()._requests.remove(task)
                ended()

        def ended() -> None:
            coroutine.close()
            self._request_ended()

        if self._stopped:
            coroutine.close()
            raise RuntimeError("This Provider was stopped: make a new one.")
        task = self._start(run())
        if hasattr(task, "add_done_callback"):  # whoever cancels it may do so before it has begun
            task.add_done_callback(lambda _task: None if begun else ended())
        return task

    def _carrier(self) -> "Provider":
        """Who goes on with what this one has asked: another backend's Provider does not."""
        provider = self
        while provider._successor is not None and provider._successor._base == self._base:
            provider = provider._successor
        return provider

    def _request_ended(self) -> None:
        """Called when an action, or a question about tokens or providers, is over."""

    def _failed(self, error: Exception) -> None:
        """An action failed and nobody awaits it: on the console, and for every reader."""
        if isinstance(error, BackendUnreachable) and error.message == sync.STOPPED:
            return  # whoever stopped it has ended the action
        report(error, "an action")
        if isinstance(error, NextAuthError):
            self._latest()._receive(sync.Failed(error))


class _Passing(Provider):
    """Carries one question or action where no Provider runs, by the rules that hold between tabs, and ends with it."""

    def __init__(self, host: "Host") -> None:
        Provider.__init__(self, None, refetch_on_focus=False, default=False, host=host)

    def _made_at(self) -> float:
        return self._host.now()  # nobody reads what it was given, so there is nothing to ask for

    def _has_landed(self) -> bool:
        return False  # that is for a Provider that shows something

    def _request_ended(self) -> None:
        self._start(self._see_out())

    async def _see_out(self) -> None:
        while self._store.value.refreshing:  # the others wait for what it asks after a change
            await self._next_state()
        self.stop()


class Subscription:
    """A handle whose `dispose()` ends what it stands for; twice does no harm."""

    def __init__(self, end: "Callable[[], None]") -> None:
        self._end = end

    def dispose(self) -> None:
        self._end()


class _Ticket:
    """Somebody who waits for an answer."""

    def __init__(self) -> None:
        self.came = asyncio.Event()
        self.error: "Optional[NextAuthError]" = None


class _Announced(flows.Changes):
    """Tells the machine when a change begins and ends."""

    def __init__(self, provider: Provider) -> None:
        self.provider = provider

    def begin(self, change: object) -> None:
        self.provider._receive(sync.ChangeStarted(id(change)))

    def end(
        self,
        change: object,
        outcome: str,
        session: "Optional[dict[str, Any]]" = None,
        date: "Optional[float]" = None,
    ) -> None:
        self.provider._receive(sync.ChangeEnded(id(change), outcome, session, date))

    async def quiet(self) -> None:
        while self.provider._machine.asking:
            quiet = asyncio.Event()
            self.provider._quiet.append(quiet)
            await quiet.wait()

    async def is_signed_in(self) -> bool:
        return await self.provider._latest().get_session() is not None


# ── the module's functions ───────────────────────────────────────────────────────────────────────


def use_session(session_type: "type[S]" = Session, *, required: bool = False) -> "SessionState[S]":  # type: ignore[assignment]
    """Who is signed in (S4): `session, loading = use_session()`, or `.status`, `.error`, `.refreshing` of the result.

    Inside an `effect` or `component` the read is followed; elsewhere it is a snapshot. With no Provider one is started
    with the defaults (S5). `required=True` sends a signed-out person to the sign-in page. Raises
    `NotAvailableHere` on a server (S6).
    """
    provider = Provider._default or _provider("use_session")
    return provider.use_session(session_type, required=required)


async def get_session(request: "Any" = None, *, session_type: "type[S]" = Session) -> "Optional[S]":  # type: ignore[assignment]
    """Ask the backend who is signed in (S7): a `Session`, or `None` when it says nobody. Updates every tab (S28).

    A server hands over the request that it answers (S8); `nextauth_client.server` has more options there. Raises
    `BackendUnreachable` or `UnexpectedAnswer`; an unknown never becomes `None`.
    """
    server = _server()
    if server is not None:
        found: "Optional[S]" = await server.get_session(request, session_type=session_type)
        return found
    _refuse_request(request, "get_session")
    if Provider._default is not None:
        return await Provider._default.get_session(session_type=session_type)
    with _Passing(_page_host("get_session")) as passing:
        return await passing.get_session(session_type=session_type)


async def get_csrf_token(request: "Any" = None) -> str:
    """The CSRF token for a POST of your own (S9); a server hands over the request that it answers.

    Raises `BackendUnreachable` or `UnexpectedAnswer`.
    """
    if Provider._default is not None:
        return await Provider._default.get_csrf_token(request)
    server = _server()
    if server is not None:
        return str(await server.get_csrf_token(request))
    _refuse_request(request, "get_csrf_token")
    return await _bare_flows("get_csrf_token").get_csrf_token()


async def get_providers() -> "dict[str, AuthProvider]":
    """The configured ways to sign in, by id and in the backend's order (S10). Raises as `get_csrf_token`."""
    if Provider._default is not None:
        return await Provider._default.get_providers()
    server = _server()
    if server is not None:
        found: "dict[str, AuthProvider]" = await server.get_providers()
        return found
    return await _bare_flows("get_providers").get_providers()


def sign_in(
    provider: "Optional[str]" = None,
    *,
    callback_url: "Optional[str]" = None,
    redirect: bool = True,
    popup: bool = False,
    authorization_params: "Any" = None,
    fields: "Optional[dict[str, Any]]" = None,
    **more_fields: "Any",
) -> "asyncio.Task[SignInResult]":
    """Sign in with the provider of that id, or go to the backend's sign-in page (S11–S20). Starts at once.

    - `callback_url`: where the person ends, by default here (S14)
    - `redirect=False`: stay, and await the result; for credentials and e-mail (S16)
    - `popup=True`: what would leave the page goes on in a window of its own, and this page stays; call it at once in
      the handler of a click, or the browser opens none. Credentials and e-mail do not need it
    - `authorization_params`: mapping or query string for the provider's authorization endpoint (S18)
    - all other keywords are form fields, such as `username=` or `email=`; `fields=` takes those whose names are taken

    The awaited `SignInResult` is truthy when the backend accepted it; what it accepts without signing anybody in (a
    mail that has been sent, v4 with passwords and database sessions) the session tells. Raises `BackendUnreachable`,
    `UnexpectedAnswer`, `CSRFRefused`, `UnsafeURL` or `PopupFailed` when awaited; else they are logged and shown as
    `.error`.
    """
    return _acting("sign_in").sign_in(
        provider,
        callback_url=callback_url,
        redirect=redirect,
        popup=popup,
        authorization_params=authorization_params,
        fields=fields,
        **more_fields,
    )


def sign_out(
    *, callback_url: "Optional[str]" = None, redirect: bool = True, **unknown: "NoReturn"
) -> "asyncio.Task[SignOutResult]":
    """End the session, then reload the page or go to `callback_url` (S21, S22). Starts at once.

    With `redirect=False` the page stays, every reader is told, and the awaited result's `url` is the validated URL
    (S23). Raises as `sign_in`; then nothing has changed.
    """
    flows.refuse_unknown(unknown)
    return _acting("sign_out").sign_out(callback_url=callback_url, redirect=redirect)


def update_session(data: "Any" = None) -> "asyncio.Task[Optional[Session]]":
    """Give `data` to the backend's jwt callback and take the session it answers (v4 and v5 backends). Starts at once.

    `data` is what JSON can say; other things raise `TypeError` or `ValueError` at the call. Raises as `sign_in` when
    awaited; a v3 backend has no such endpoint (`UnexpectedAnswer`).
    """
    return _acting("update_session").update_session(data)


def on_session_change(function: "Callable[[SessionState, SessionState], object]") -> Subscription:
    """Call `function(state, previous)` when the state changes, but not for `expires` alone. Also a decorator.

    Returns a handle with `.dispose()`.
    """
    return _provider("on_session_change").on_session_change(function)


def component(target: "Any") -> "Callable[[Callable[[], object]], reactive.Effect]":
    """Decorator: the element `target` shows what the function returns, and follows what it read, as an `effect` does.

    - `target`: an element, or a selector that exactly one element in the page matches
    - the function returns text (always shown as text), an element, a list of these, or `None` for nothing; it may be
      async. The same output again touches nothing, and an element that stays keeps its focus and contents

    What is decorated becomes a handle with `.dispose()`, which takes the output out of the page. Raises `ValueError` or
    `TypeError` for the target, `NotAvailableHere` outside a page; later errors are reported with function and target.
    """
    room = _dom("component")

    def decorate(function: "Callable[[], object]") -> "reactive.Effect":
        made: "reactive.Effect" = room.Component(function, target)
        return made

    return decorate


def bind(root: "Any" = None, *, messages: "Optional[dict[str, str]]" = None) -> Subscription:
    """Serve the `data-auth-*` attributes (docs/pages.md) in the whole page, or below `root`, now and later.

    - `root`: an element, or a selector of exactly one
    - `messages`: sentences by error code, and by "authenticated" and "unauthenticated", instead of the English ones

    Returns a handle with `.dispose()`; `Provider.stop()` disposes of it too. Raises `RuntimeError` where another `bind`
    serves the same elements, `ValueError` or `TypeError` for the root, `NotAvailableHere` outside a page.
    """
    _dom("bind")
    return _provider("bind").bind(root, messages=messages)


def explain_error(code: "Any" = UNSET, messages: "Optional[dict[str, str]]" = None) -> str:
    """A sentence for people about an error `code`, as results, `.error.code` and `?error=` in a URL carry it.

    - `code`: without one, that which a failed redirect has put into this page's URL
    - `messages`: sentences by code that replace or add to ours (for translation); its key `"default"` serves codes
      nobody knows

    `None` or an empty code gives an empty text: nothing went wrong. On a server, without a code, raises
    `NotAvailableHere`.
    """
    if code is UNSET:
        code = protocol.error_in_page(_page_host("explain_error").page_url())
    return errors.explain_error(code, messages)


def require_session(function: "Function") -> "Function":
    """Decorator for handlers and pages: the function runs only when somebody is signed in.

    Somebody who is not is sent to sign in (`error=SessionRequired`), and the result is `None`. Before the first answer
    the call waits for it. A call starts at once and returns an `asyncio.Task`; the function may be async. It hides and
    guides only: the server decides what a person may see.
    """
    return _guard(lambda: _provider("require_session"), function)


# ── what they share ──────────────────────────────────────────────────────────────────────────────


def _guard(provider: "Callable[[], Provider]", function: "Function") -> "Function":
    async def run(asked: Provider, args: "tuple[Any, ...]", kwargs: "dict[str, Any]") -> "Any":
        asked = await asked._first_answer(True)
        if asked._store.value.status != "authenticated":
            asked._require_sign_in()
            return None
        result = function(*args, **kwargs)
        return await result if tasks.is_coroutine(result) or hasattr(result, "add_done_callback") else result

    @functools.wraps(function)
    def guarded(_first: "Any" = UNSET, *rest: "Any", **kwargs: "Any") -> "asyncio.Task[Any]":
        # PyScript gives the event, on MicroPython, only to a function with a parameter of its own.
        args = rest if _first is UNSET else (_first,) + rest
        asked = provider()
        return asked._start(run(asked, args, kwargs))

    return guarded


def _dom(caller: str) -> "Any":
    """The room that drives a page, loaded when it is needed. Raises `NotAvailableHere`, for `caller`, in no page."""
    _page_host(caller)
    from . import dom

    if not dom.is_page():
        raise NotAvailableHere(f"{caller}() belongs in a page, and a worker has no elements: call it in the page.")
    return dom


def _provider(caller: str) -> Provider:
    """The default Provider; with none, one with the defaults that a later one may replace (S5)."""
    if Provider._default is None:
        Provider(host=_page_host(caller))._implicit = True
    provider = Provider._default
    assert provider is not None
    return provider


def _checked(
    provider: "Any", authorization_params: "Any", fields: "Optional[dict[str, Any]]", more_fields: "dict[str, Any]"
) -> "tuple[list[tuple[str, str]], dict[str, Any]]":
    """The authorization parameters that are not the server's, and the form; wrong arguments raise here, at the call."""
    flows.refuse_javascript(more_fields)
    if provider is not None and not isinstance(provider, str):
        raise TypeError("sign_in(provider) takes the provider's id, such as 'google', or nothing for the sign-in page")
    pinned, free = protocol.pinned_and_free(authorization_params)
    if pinned:
        _warn_once("authorization_params: " + ", ".join(sorted(pinned)) + " are the server's own and were dropped.")
    form = dict(fields or {})
    form.update(more_fields)
    return free, form


async def _sign_in(
    steps: flows.Flows,
    provider: "Optional[str]",
    callback_url: "Optional[str]",
    redirect: bool,
    free: "list[tuple[str, str]]",
    form: "dict[str, Any]",
    window: "Union[Popup, PopupFailed, None]",
) -> "SignInResult":
    if isinstance(window, PopupFailed):
        await asyncio.sleep(0)  # who awaits this does so from the next turn on
        raise window
    return await steps.sign_in(provider, callback_url, redirect, free, form, window)


async def _update(steps: flows.Flows, data: "Any") -> "Optional[Session]":
    session = await steps.update_session(data)
    return None if session is None else Session(session)


_bare: "list[flows.Flows]" = []  # one for the page, because its requests take turns


def _bare_flows(caller: str) -> flows.Flows:
    """Who asks for tokens and providers where no Provider runs."""
    if not _bare:
        host = _page_host(caller)
        _bare.append(flows.Flows(host, base_address(host, None, "/api/auth"), 10, flows.Changes()))
    return _bare[0]


def _acting(caller: str) -> Provider:
    """Who carries out an action: actions need no Provider and start none that stays."""
    return Provider._default or _Passing(_page_host(caller))


# What to do on a server instead of a call that belongs in a page (S6).
_INSTEAD = {
    "Provider": "ask with `await get_session(request)`, and give the answer to the page with `session_script`",
    "sign_in": "send the person to the backend's sign-in page, as `nextauth_client.server.login_required` does",
    "sign_out": "link to the backend's own page for it, such as /api/auth/signout",
    "update_session": "there is nothing to call: let the page do it",
    "explain_error": "give it the code: `explain_error(code)`",
    "component": "there is no page to show anything in: render with your templates",
    "bind": "there is no page to serve: write the attributes, and let the page call it",
    "require_session": "use `nextauth_client.server.login_required`",
}


def _page_host(caller: str) -> "Host":
    """The page's host. Raises `NotAvailableHere`, for `caller`, where there is no page."""
    # Not found out by importing `js`: a server may have a module of its own with that name.
    if sys.platform not in ("emscripten", "webassembly"):
        instead = _INSTEAD.get(caller, "ask with `await get_session(request)`")
        raise NotAvailableHere(f"{caller}() belongs in a page, and this is none. On a server {instead}.")
    from .browser import BrowserHost

    return BrowserHost()


def _server() -> "Any":
    """The room that answers questions where there is no page; `None` in a page."""
    try:
        _page_host("get_session")
    except NotAvailableHere:
        from . import server

        return server
    return None


def base_address(host: "Host", base_url: "Optional[str]", base_path: str) -> str:
    """The absolute URL before `/session`, with no slash at its end. Raises `ValueError`."""
    if not isinstance(base_path, str) or (base_path and not base_path.startswith("/")):
        raise ValueError("base_path begins with a slash, such as '/api/auth'")
    if base_url is None:
        return host.origin() + base_path.rstrip("/")
    try:
        address = resolve(base_url, base_url) if isinstance(base_url, str) else ""
    except UnsafeURL:
        address = ""
    if not address or "?" in address or "#" in address:
        raise ValueError("base_url is an absolute http(s) address without query, such as 'https://example.org'")
    return address.rstrip("/") + base_path.rstrip("/")


def _seconds(name: str, value: "Any", least: float = 0.0, smallest: float = 0.0) -> float:
    if isinstance(value, bool) or not isinstance(value, (int, float)):
        raise TypeError(f"{name} is a number of seconds, not {value!r}")
    if not (least <= value < 1e9):  # NaN is neither
        raise ValueError(f"{name} is a number of seconds from {least:g} up, not {value!r}")
    if 0 < value < smallest:
        raise ValueError(f"{name} is 0 for off, or from {smallest:g} seconds up, not {value!r}")
    return value


def _flag(name: str, value: "Any") -> bool:
    if not isinstance(value, bool):
        raise TypeError(f"{name} is True or False, not {value!r}")
    return value


def _plain_session(session: "Any") -> "Any":
    if session is UNSET or session is None:
        return session
    data = session.to_dict() if isinstance(session, Session) else session
    if not isinstance(data, dict):
        raise TypeError("session= takes a Session, a dict as the backend sends it, or None for nobody")
    return data or None


def _without_expires(state: SessionState) -> "tuple[Any, ...]":
    session = state.at(("session",), True)
    if isinstance(session, dict):
        session = {key: value for key, value in session.items() if key != "expires"}
    return session, state.status, state.error


def _refuse_request(request: "Any", name: str) -> None:
    if request is not None:
        raise NotAvailableHere(
            f"{name}(request) reads a request's cookie, which only a server has: "
            f"use nextauth_client.server there, and {name}() in a page."
        )


_warned: "list[str]" = []


def _warn_once(text: str) -> None:
    if text not in _warned:
        _warned.append(text)
        print("nextauth_client:", text, file=sys.stderr)
