"""effect: run a function now, and again when what it read changes. Knows stores and tracked reads, no DOM.

An effect depends on the paths it read, as `session.Record` reports them: `session.user.name` by value, `if session`
by presence alone.
"""

import asyncio

from .console import report
from .session import SessionState
from .tasks import is_coroutine, start

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any, Callable, Generator, Optional

    from .records import Read, Track
    from .session import S
    from .store import Store

_running: "list[Effect]" = []  # whose reads are followed; the innermost is the last
_newest: "Optional[_Reads]" = None  # of the innermost, what it asked for last: most reads are of that
_owner: "Optional[tuple[Effect, list[Effect]]]" = None  # to whom a new effect belongs, and its run's others


class _Reads:
    """What an effect has read of one store in its last run, and in which states."""

    def __init__(self, effect: "Effect", store: "Store") -> None:
        self.store = store
        self.state: "Any" = None  # the newest that it was given
        self.seen: "dict[Read, Any]" = {}  # each read, and the state it was of
        self.seen_before = self.seen  # in the run before
        self.unsubscribe = store.subscribe(effect._follow_up)

    def have_changed(self) -> bool:
        value = self.store.value
        for read, state in self.seen.items():  # noqa: SIM110 - a generator costs more
            if state is not value and value.differs(state, read):
                return True
        return False


class Effect:
    """A function that follows what it reads. `dispose()` ends it, and the effects made inside it."""

    def __init__(self, function: "Callable[[], object]") -> None:
        self._function = function
        self._reads: "list[_Reads]" = []  # one of each store
        self._parent: "Optional[Effect]" = None
        self._children: "list[Effect]" = []  # each run has a list of its own
        self._body: "Optional[_Body]" = None
        self._task: "Optional[asyncio.Task[None]]" = None
        self._disposed = False
        self._outdated = False  # there was a change while it ran, or before what it has read
        self._overtaken = False  # and it was of what it had read by then; it may have read that again since
        if _owner is not None:
            self._parent, siblings = _owner
            siblings.append(self)
        self._run()

    def dispose(self) -> None:
        """Ends the effect; twice does no harm."""
        self._disposed = True
        self._forget()
        for reads in self._reads:
            reads.unsubscribe()
        self._reads = []

    def describe(self) -> str:
        """What the console calls it."""
        return "effect " + getattr(self._function, "__name__", repr(self._function))

    def came(self, result: "Any") -> None:
        """Called with what the newest run has returned, or in the end its coroutine, unless the effect was disposed."""

    def reads(self, store: "Store") -> _Reads:
        """The function is given the store's state now, and what it reads of it counts."""
        for reads in self._reads:
            if reads.store is store:
                break
        else:
            reads = _Reads(self, store)
            self._reads.append(reads)
        reads.state = store.value
        return reads

    def note(self, state: "Any", read: "Read") -> None:
        """The function has read this of a state. If that was given to an effect around it, only a new run of that one
        can give it a newer state, so that one follows.
        """
        effect: "Optional[Effect]" = self
        while effect is not None:
            for reads in effect._reads:
                if reads.state is state:
                    reads.seen[read] = state
                    if state is not reads.store.value:
                        self._outdated = True
                    return
            effect = effect._parent

    def _follow_up(self, _value: "Any" = None, _previous: "Any" = None) -> None:
        """Runs again if what it read has changed; the effect around it first, which may make it anew."""
        if self._parent is not None:
            self._parent._follow_up()
        if self._disposed:
            return
        is_running = self in _running
        if is_running:  # then it does so when its run is over
            self._outdated = True
        for reads in self._reads:
            if reads.have_changed():
                if is_running:
                    self._overtaken = True
                else:
                    self._run()
                return

    def _forget(self) -> None:
        """Ends what the last run left behind."""
        children, self._children = self._children, []
        _dispose(children)
        body, task = self._body, self._task
        self._body = self._task = None
        if task is not None:
            _cancel(task)
        if body is not None and not body.begun:
            body.coroutine.close()

    def _run(self) -> None:
        global _newest
        if self._children or self._task is not None:
            self._forget()
        for reads in self._reads:
            reads.seen_before, reads.seen = reads.seen, {}
        result: "Any" = None
        around, _newest = _newest, None
        _running.append(self)
        try:
            result = self.own(self._children, self._function)
            if (result is None or not is_coroutine(result)) and not self._disposed:
                self.came(result)
        except Exception as error:
            self._failed(error)
        finally:
            _running.pop()
            _newest = around
        if result is not None and is_coroutine(result):
            self._body = _Body(result, self)
            self._task = asyncio.create_task(self._follow(self._body))
            if hasattr(self._task, "add_done_callback"):  # whoever ends all tasks may do so before it has begun
                self._task.add_done_callback(lambda _task: result.close())
        self.settle()

    def own(self, children: "list[Effect]", function: "Callable[..., Any]", *args: "Any") -> "Any":
        """Calls the function for the run that has these children; what it makes for one that is over ends at once."""
        global _owner
        owner, _owner = _owner, (self, children)
        try:
            return function(*args)
        finally:
            _owner = owner
            if children is not self._children:
                _dispose(children)

    def settle(self) -> None:
        """Called when a run's tracked part is over: it may have ended the effect, or have changed what it read."""
        if self._disposed:
            self._forget()
        elif self._overtaken:
            self._outdated = self._overtaken = False
            self._run()
        elif self._outdated:
            self._outdated = False
            self._follow_up()

    async def _follow(self, body: "_Body") -> None:
        # A run that was cancelled may end as it likes, but not over a newer one.
        try:
            result = await body
            if body is self._body:
                self.came(result)
        except Exception as error:
            if body is self._body:
                self._failed(error)
            else:
                report(error, self.describe())

    def _failed(self, error: Exception) -> None:
        # What it saw in its last good run still wakes it: a later state may suit it better.
        for reads in self._reads:
            for read in reads.seen_before:
                if read not in reads.seen:
                    reads.seen[read] = reads.store.value
        report(error, self.describe())


class _Body:
    """Awaits a coroutine, counting only its reads before the first await: later ones may belong to another state."""

    def __init__(self, coroutine: "Any", effect: Effect) -> None:
        self.coroutine = coroutine
        self.begun = False
        self._effect = effect
        self._children = effect._children

    def __await__(self) -> "Generator[Any, Any, Any]":
        global _newest
        coroutine, effect, children = self.coroutine, self._effect, self._children
        self.begun = True
        try:
            around, _newest = _newest, None
            _running.append(effect)
            try:
                waiting = effect.own(children, coroutine.send, None)
            finally:
                _running.pop()
                _newest = around
                effect.settle()
            while True:
                try:
                    value = yield waiting
                except BaseException as error:
                    waiting = effect.own(children, coroutine.throw, error)
                else:
                    waiting = effect.own(children, coroutine.send, value)
        except StopIteration as end:
            return end.value

    __iter__ = __await__  # what MicroPython's await asks for


def _dispose(effects: "list[Effect]") -> None:
    while effects:
        effects.pop().dispose()


def _cancel(task: "asyncio.Task[None]") -> None:
    try:
        task.cancel()
    except RuntimeError:  # on MicroPython a task that runs cannot cancel itself

        async def later() -> None:
            task.cancel()

        start(later(), lambda error: report(error, "cancelling"))


def effect(function: "Callable[[], object]") -> Effect:
    """Run `function` now, and again whenever something it read of a session state has changed.

    Returns a handle with `.dispose()`; reads well as a decorator. The function takes no argument and may be async: then
    its reads before the first `await` count, and a new run cancels the one before. When it raises, the error is
    reported with its name, and it runs again at the next change.
    """
    return Effect(function)


def tracked(store: "Store", session_type: "type[S]") -> "SessionState[S]":
    """The store's present state; inside an effect every read of it is noted."""
    global _newest
    state: "SessionState[Any]" = store.value
    if not _running or _running[-1]._disposed:
        return state.view(session_type)
    _newest = _running[-1].reads(store)
    return state.shared_view(session_type, _make_track)


def _make_track(state: SessionState) -> "Track":
    def track(read: "Read") -> None:
        reads = _newest
        if reads is not None and reads.state is state:
            reads.seen[read] = state
        elif _running:  # else it is read later, by a handler that kept the state
            _running[-1].note(state, read)

    return track


def forget_cut_runs() -> None:
    """Let runs that were cut off where nobody can catch it read no more. Only for when no effect can be running."""
    global _newest, _owner
    _running.clear()
    _newest = _owner = None


def is_tracking() -> bool:
    """Whether an effect is running, so that a read now is followed."""
    return bool(_running)
