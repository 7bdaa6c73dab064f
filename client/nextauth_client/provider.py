"""Provider: one backend's session for this page, as its author sees it; and which Provider is the default."""

import asyncio
import functools

from . import protocol, reactive, runtime, tasks
from .actions import Actions
from .console import report, warn_once
from .driver import Driver
from .errors import explain_error
from .events import UNSET, StaleRead
from .options import Options, base_address, flag, origins, plain_session, refuse_unknown
from .session import Session, SessionState
from .store import Store, Subscription

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any, Awaitable, Callable, NoReturn, Optional, Protocol, Sequence, TypeVar, Union, overload

    from typing_extensions import ParamSpec

    from .host import Host
    from .session import S

    Number = Union[int, float]
    T = TypeVar("T")
    P = ParamSpec("P")
    Function = Callable[..., Any]
    Guarded = Callable[P, asyncio.Task[Optional[T]]]
    When = Union[str, Callable[[Session], object]]

    class Guard(Protocol):
        """`@require_session(when=...)`."""

        @overload
        def __call__(self, function: Callable[P, Awaitable[T]]) -> Guarded[P, T]: ...

        @overload
        def __call__(self, function: Callable[P, T]) -> Guarded[P, T]: ...

    Given = Union[Session, dict[str, Any], None]

IN_A_WORKER = "ask `if use_session().session:`, and sign in from the page"
OPTIONS = (
    "session",
    "client_max_age",
    "keep_alive",
    "base_url",
    "base_path",
    "refetch_on_focus",
    "timeout",
    "api_origins",
    "expiring",
    "idle_timeout",
    "idle_warning",
    "default",
    "host",
)


class Provider(Actions):
    """Keeps "who is signed in?" for this page and follows the backend, the other tabs and the clock.

    - `session`: a session that is known already, or `None` for "nobody is signed in"; saves the first request, as do a
      session that the server put into the page and the early script (docs/pages.md), which need no option
    - `client_max_age`, `keep_alive`: seconds, 0 is off; they cost a signed-out page nothing
    - `base_url`: the backend's origin, by default the page's own; `base_path`: where its endpoints are
    - `refetch_on_focus`: ask again when the page gains or loses focus
    - `timeout`: seconds a request may take
    - `api_origins`: where else than at its own origin the page's API is, for `auth_fetch`: ("https://api.example.org",)
    - `expiring`: seconds; `state.expiring` and `data-auth-show="expiring"` when a session has less left
    - `idle_timeout`: seconds in which nobody uses this page or another tab of it, after which all are signed out; 0 is
      off, 10 the least. `idle_warning`: from so many seconds before that on, there is `state.idle_in`
    - `default`: the module's functions speak to this Provider
    - `host`: the world, for tests

    Starts at once. Raises `TypeError` or `ValueError` for an option that makes no sense, `RuntimeError` when another
    default Provider runs, `NotAvailableHere` outside a browser. Source: the reference's Provider.
    """

    _is_implicit = False  # started by what the page read or bound

    def __init__(
        self,
        session: "Given" = UNSET,  # type: ignore[assignment]
        *,
        client_max_age: "Number" = 0,
        keep_alive: "Number" = 0,
        base_url: "Optional[str]" = None,
        base_path: str = protocol.BASE_PATH,
        refetch_on_focus: bool = True,
        timeout: "Number" = 10,
        api_origins: "Sequence[str]" = (),
        expiring: "Number" = 60,
        idle_timeout: "Number" = 0,
        idle_warning: "Number" = 60,
        default: bool = True,
        host: "Optional[Host]" = None,
        **unknown: "NoReturn",
    ) -> None:
        refuse_unknown(unknown, OPTIONS)
        options = Options(client_max_age, keep_alive, timeout, refetch_on_focus, expiring, idle_timeout, idle_warning)
        given = plain_session(session)
        if flag("default", default) and _default is not None and not _default._is_implicit:
            raise RuntimeError(
                "A default Provider is running already. Stop it first (`Provider.current().stop()`), "
                "or say Provider(default=False)."
            )
        world = host if host is not None else runtime.page_host("Provider")
        options.api_origins = origins(api_origins, world.resolve)
        base = world.resolve(base_address(world.origin(), base_url, base_path)).rstrip("/")
        if not default:
            Actions.__init__(self, Driver(world, protocol, base, options))
            self._driver.start(given)
        elif _default is None:
            Actions.__init__(self, Driver(world, protocol, base, options, _store))
            _take_its_place(self, lambda driver: driver.start(given, takes_what_came=True))
        else:  # started by readers, who stay
            Actions.__init__(self, _default._driver)
            if self._driver.base == base and host is None:
                _take_its_place(self, lambda driver: driver.configure(options, given))
            else:
                _take_its_place(self, lambda driver: driver.reconnect(world, base, options, given))

    @staticmethod
    def current() -> "Optional[Provider]":
        """The default Provider, or `None`."""
        return _default

    # ── state ────────────────────────────────────────────────────────────────────────────────────

    def use_session(self, session_type: "type[S]" = Session, *, required: bool = False) -> "SessionState[S]":  # type: ignore[assignment]
        """See `use_session`."""
        driver = self._driver
        if required:
            runtime.require_page(driver.host, "use_session(required=True)", IN_A_WORKER)
        driver.catch_up()
        if driver.machine.options.client_max_age:
            driver.receive(StaleRead())
        if not reactive.is_tracking() and driver.store.value.loading:
            warn_once(
                "use_session() was read while loading: the value will not change. "
                "Read it in @effect, or after `await Provider.current().ready()`."
            )
        state = reactive.tracked(driver.store, session_type)
        if required and state.status == "unauthenticated":
            self.require_sign_in()
        return state

    def on_session_change(self, function: "Callable[[SessionState, SessionState], object]") -> Subscription:
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
                task = self._driver.spawn(finish(result))
                if hasattr(task, "add_done_callback"):  # whoever ends all tasks may do so before it has begun
                    task.add_done_callback(lambda _task: result.close())

        return Subscription(self._driver.store.subscribe(changed))

    def bind(self, root: "Any" = None, *, messages: "Optional[dict[str, str]]" = None) -> Subscription:
        """See `bind`."""
        runtime.require_elements("bind")
        from .binding import Binding

        made: Subscription = Binding(self._driver, self, root, messages)
        return made

    if TYPE_CHECKING:

        @overload
        def require_session(self, function: Callable[P, Awaitable[T]]) -> Guarded[P, T]: ...

        @overload
        def require_session(self, function: Callable[P, T]) -> Guarded[P, T]: ...

        @overload
        def require_session(self, *, when: Optional[When] = None) -> Guard: ...

    def require_session(self, function: "Optional[Function]" = None, *, when: "Optional[When]" = None) -> "Any":
        """See `require_session`."""
        return guarded(lambda: self, function, when)

    # These follow what is read inside them, of whichever Provider.
    effect = staticmethod(reactive.effect)

    @staticmethod
    def component(target: "Any") -> "Callable[[Callable[[], object]], reactive.Effect]":
        """See `component`."""
        return component(target)

    def explain_error(self, code: "Any" = UNSET, messages: "Optional[dict[str, str]]" = None) -> str:
        """See `explain_error`."""
        if code is UNSET:
            code = self._driver.wire.error_in_page(self._driver.host.page_url())
        return explain_error(code, messages)

    async def refresh(self) -> SessionState:
        """Ask the backend now, and return the state. Raises as `get_session`."""
        await self._driver.callers.get_session()
        return reactive.tracked(self._driver.store, Session)

    async def ready(self) -> SessionState:
        """Wait for the first answer and return the state.

        Raises what kept it from coming; the Provider goes on asking meanwhile.
        """
        await self._driver.callers.first_answer(False)
        return reactive.tracked(self._driver.store, Session)

    # ── coming and going ─────────────────────────────────────────────────────────────────────────

    def stop(self) -> None:
        """Undo everything this Provider did: listeners, timers, channel, requests. Twice does no harm.

        What follows the session goes on with the next default Provider.
        """
        global _default
        if self._is_implicit and _default is not self:
            return  # its driver is the page's own Provider's
        self._driver.stop()
        if _default is self:
            _default = None

    def __enter__(self) -> "Provider":
        return self

    def __exit__(self, *_: object) -> None:
        self.stop()

    async def __aenter__(self) -> "Provider":
        return self

    async def __aexit__(self, *_: object) -> None:
        self.stop()


_default: "Optional[Provider]" = None
_store: "Optional[Store]" = None  # of the default Provider, running or stopped: its readers go on with the next


def _take_its_place(provider: Provider, go_on: "Callable[[Driver], object]") -> None:
    """Be the default from now on: the readers who hear of it as it starts ask for it. An error leaves all as it was."""
    global _default, _store
    replaced, _default = _default, provider
    try:
        go_on(provider._driver)
    except Exception:
        _default = replaced
        raise
    _store = provider._driver.store


def forget_default() -> None:
    """Stop the default Provider, and let the next one start as if there had been none."""
    global _store
    if _default is not None:
        _default.stop()
    _store = None


def default_provider(caller: str) -> Provider:
    """The default Provider; with none, one with the defaults that a later one may replace.

    Raises `NotAvailableHere`, for `caller`, outside a browser.
    """
    if _default is None:
        provider = Provider(host=runtime.page_host(caller))
        provider._is_implicit = True
        return provider
    return _default


def component(target: "Any") -> "Callable[[Callable[[], object]], reactive.Effect]":
    """See `api.component`."""
    runtime.require_elements("component")
    from .components import Component, refuse_function

    refuse_function(target)

    def decorate(function: "Callable[[], object]") -> "reactive.Effect":
        made: "reactive.Effect" = Component(function, target)
        return made

    return decorate


def guarded(provider: "Callable[[], Provider]", function: "Optional[Function]", when: "Optional[When]") -> "Function":
    """See `api.require_session`; `provider()` is asked at each call."""
    rule = _rule(when) if isinstance(when, str) else when
    if function is None:
        return lambda function: guarded(provider, function, rule)

    async def run(asked: Provider, args: "tuple[Any, ...]", kwargs: "dict[str, Any]") -> "Any":
        driver = asked._driver
        await driver.callers.first_answer(True)
        if driver.store.value.status != "authenticated":
            asked.require_sign_in()
            return None
        holds = rule is None or rule(driver.store.value.view(Session).session)
        if tasks.is_coroutine(holds):  # true, whatever comes of it
            holds.close()  # type: ignore[attr-defined]
            raise TypeError("when= is a plain function")
        if not holds:
            return None
        result = function(*args, **kwargs)
        return await result if tasks.is_coroutine(result) or hasattr(result, "add_done_callback") else result

    @functools.wraps(function)
    def call(_first: "Any" = UNSET, *rest: "Any", **kwargs: "Any") -> "asyncio.Task[Any]":
        # PyScript gives the event, on MicroPython, only to a function with a parameter of its own.
        args = rest if _first is UNSET else (_first,) + rest
        asked = provider()
        runtime.require_page(asked._driver.host, "require_session", IN_A_WORKER)
        return asked._driver.spawn(run(asked, args, kwargs), getattr(function, "__name__", "the function"))

    return call


def _rule(words: str) -> "Callable[[Session], object]":
    from .conditions import Condition

    conditions = [Condition(word) for word in words.split()]
    return lambda session: any(condition.holds(session.to_dict()) for condition in conditions)


def _without_expires(state: SessionState) -> "tuple[Any, ...]":
    session = state.at(("session",), True)
    if isinstance(session, dict):
        session = {key: value for key, value in session.items() if key != "expires"}
    return session, state.status, state.error
