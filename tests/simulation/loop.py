"""An asyncio event loop in virtual time, driven from outside, and quick: thousands of schedules run in one."""

from __future__ import annotations

import asyncio
import contextlib
import heapq
from collections import deque
from collections.abc import Callable, Coroutine, Iterator
from typing import Any


class Handle:
    __slots__ = ("_args", "_callback", "_cancelled")

    def __init__(self, callback: Callable[..., object], args: tuple[Any, ...]) -> None:
        self._callback = callback
        self._args = args
        self._cancelled = False

    def cancel(self) -> None:
        self._cancelled = True

    def cancelled(self) -> bool:
        return self._cancelled

    def run(self) -> None:
        if not self._cancelled:
            self._callback(*self._args)


class Loop(asyncio.AbstractEventLoop):
    """Time passes in `run_until` alone. What is raised in a callback comes out there, as does `failure`."""

    def __init__(self) -> None:
        self.now = 0.0
        self.failure: BaseException | None = None
        self._ready: deque[Handle] = deque()
        self._timers: list[tuple[float, int, Handle]] = []
        self._numbers = 0

    # ── what asyncio asks of a loop ──────────────────────────────────────────────────────────────

    def time(self) -> float:
        return self.now

    def call_soon(self, callback: Callable[..., object], *args: Any, context: Any = None) -> Any:
        handle = Handle(callback, args)
        self._ready.append(handle)
        return handle

    def call_later(self, delay: float, callback: Callable[..., object], *args: Any, context: Any = None) -> Any:
        return self.call_at(self.now + delay, callback, *args)

    def call_at(self, when: float, callback: Callable[..., object], *args: Any, context: Any = None) -> Any:
        handle = Handle(callback, args)
        self._numbers += 1
        heapq.heappush(self._timers, (when, self._numbers, handle))
        return handle

    def create_task(self, coro: Coroutine[Any, Any, Any], **options: Any) -> Any:
        return asyncio.Task(coro, loop=self)

    def create_future(self) -> asyncio.Future[Any]:
        return asyncio.Future(loop=self)

    def get_debug(self) -> bool:
        return False

    def is_running(self) -> bool:
        return True

    def is_closed(self) -> bool:
        return False

    def call_exception_handler(self, context: Any) -> None:
        """A page that has crashed leaves tasks behind, which nobody ends."""

    # ── from outside ─────────────────────────────────────────────────────────────────────────────

    @contextlib.contextmanager
    def running(self) -> Iterator[None]:
        """Tasks can be made inside."""
        before = asyncio._get_running_loop()
        asyncio._set_running_loop(self)
        try:
            yield
        finally:
            asyncio._set_running_loop(before)

    def end(self) -> None:
        """End what is left, as closing a browser does: nothing is done and nothing told any more."""
        for task in asyncio.all_tasks(self):
            task.cancel()
        self._timers.clear()
        with self.running():
            while self._ready:
                self._ready.popleft().run()

    def skip(self, seconds: float) -> None:
        """Time passes, and nothing that was due is done."""
        self.now += seconds

    def run_until(self, end: float) -> None:
        with self.running():
            timers = self._timers
            self._run_ready()
            while timers and timers[0][0] <= end:
                when, _, handle = heapq.heappop(timers)
                self.now = max(self.now, when)
                handle.run()
                self._run_ready()
            self.now = max(self.now, end)

    def _run_ready(self) -> None:
        ready = self._ready
        while ready:
            ready.popleft().run()
        if self.failure is not None:
            raise self.failure
