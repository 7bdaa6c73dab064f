"""Background tasks: kept alive until done, and a failure that nobody awaits is told to somebody."""

import asyncio
import sys

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any, Callable, Coroutine, Optional, TypeVar

    T = TypeVar("T")

if sys.implementation.name == "micropython":
    _Call = None  # its tasks cannot be subclassed
else:
    _webloop: "Any" = sys.modules.get("pyodide.webloop")  # whose tasks have `.then`, too
    _Task: "Any" = asyncio.Task if _webloop is None else _webloop.PyodideTask

    class _Call(_Task):  # type: ignore[no-redef, misc]
        """The task of a call that somebody may forget to await: then its truth, which would be true, raises."""

        def __bool__(self) -> bool:
            call = self.get_name()
            raise TypeError(
                f"{call}(...) gives a task, which would always be true: write `if await {call}(...):`. "
                "To see whether there is a task, compare with None."
            )


_alive: "list[asyncio.Task[Any]]" = []  # the event loop itself keeps only weak references


def start(
    coroutine: "Coroutine[Any, Any, T]", unobserved: "Callable[[Exception], object]", call: "Optional[str]" = None
) -> "asyncio.Task[T]":
    """Run `coroutine` as a task. When it raises and nobody is awaiting it, `unobserved(error)` is called, once.

    `call`: the name of the function that gives this task to a page; its truth raises `TypeError`, but on MicroPython.
    """

    async def run() -> "T":
        try:
            return await coroutine
        except Exception as error:
            # MicroPython says in the task's `state` whether somebody waits; elsewhere that is known when it is done.
            if getattr(task, "state", None) is True:
                unobserved(error)
            raise

    def done(_task: "asyncio.Task[T]") -> None:
        coroutine.close()  # for the task that was cancelled before it began
        # Whoever awaits the task is woken in this turn of the loop, or by `wait` and `wait_for` in the next.
        asyncio.get_running_loop().call_soon(look_back, 2)

    def look_back(turns: int) -> None:
        if turns:
            asyncio.get_running_loop().call_soon(look_back, turns - 1)
        elif getattr(task, "_log_traceback", False):
            error = task.exception()
            if isinstance(error, Exception):
                unobserved(error)

    task: "asyncio.Task[T]"
    if call is None or _Call is None:
        task = asyncio.create_task(run())
    else:
        task = _Call(run(), loop=asyncio.get_running_loop(), name=call)
    _alive[:] = [other for other in _alive if not other.done()]
    _alive.append(task)
    if hasattr(task, "add_done_callback"):
        task.add_done_callback(done)
    return task


def is_coroutine(value: "Any") -> bool:
    """What an async function gives; a form of the DOM may have a field called send."""
    return hasattr(value, "send") and hasattr(value, "throw")


def resume() -> None:
    """Go on with the other tasks after one that JavaScript has cut off, which on MicroPython ends the turn of all.

    Only for when no task can be running.
    """
    loop: "Any" = getattr(asyncio, "core", None)  # of MicroPython
    if loop is not None and loop.cur_task is not loop._top_level_task:
        loop.cur_task = loop._top_level_task
        loop._schedule_run_iter(0)


def current() -> "Optional[asyncio.Task[Any]]":
    """The task that is running; `None` in a callback."""
    try:
        return asyncio.current_task()
    except RuntimeError:
        return None


def ignore(*_: object) -> None:
    """For a listener where nobody listens."""
