"""Threads for work that takes its time, a few for each kind, so that one kind that is stuck holds up no other."""

from __future__ import annotations

import asyncio
import threading
import weakref
from collections.abc import Callable
from concurrent.futures import Future
from queue import SimpleQueue
from typing import Any, TypeVar

T = TypeVar("T")

Job = Callable[[], None]


class Busy(Exception):
    """So much of this kind of work waits already that more would only wait longer."""


class Pool:
    """``await pool.run(work, …)`` calls ``work(…)`` in one of its threads, when one is free.

    Busy if ``most`` others are under way or wait. The program ends without waiting for its threads, unlike for those of
    `concurrent.futures`: what they do may never end.
    """

    def __init__(self, name: str, threads: int, most: int | None = None) -> None:
        self.name = name
        self.most = most
        self.under_way = 0
        self._jobs: SimpleQueue[Job | None] = SimpleQueue()
        self._to_start = threads
        weakref.finalize(self, _stop, self._jobs, threads).atexit = False

    async def run(self, work: Callable[..., T], *arguments: object) -> T:
        if self.most is not None and self.under_way >= self.most:
            raise Busy
        if self._to_start:
            self._to_start -= 1
            threading.Thread(target=_work, args=(self._jobs,), name=f"server_stub {self.name}", daemon=True).start()
        future: Future[T] = Future()
        self._jobs.put(lambda: _do(future, work, arguments))
        self.under_way += 1
        try:
            return await asyncio.wrap_future(future)
        finally:
            self.under_way -= 1


def _do(future: Future[Any], work: Callable[..., Any], arguments: tuple[object, ...]) -> None:
    if future.set_running_or_notify_cancel():
        try:
            result = work(*arguments)
        except BaseException as problem:
            future.set_exception(problem)
        else:
            future.set_result(result)


def _work(jobs: SimpleQueue[Job | None]) -> None:
    while (job := jobs.get()) is not None:
        job()
        del job  # which holds what was asked


def _stop(jobs: SimpleQueue[Job | None], threads: int) -> None:
    for _ in range(threads):
        jobs.put(None)
