"""Background tasks."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from typing import Any

import pytest
from nextauth_client import tasks

from tests.unit.both import in_both_interpreters, run
from tests.unit.portable.helpers import raised_by, turns
from tests.unit.portable.tasks import answer, fail

test_behaviour = in_both_interpreters("tasks")


async def by_wait(task: asyncio.Task[Any]) -> Any:
    await asyncio.wait([task])
    return task.result()


@pytest.mark.parametrize(
    "wait",
    [asyncio.gather, asyncio.shield, lambda task: asyncio.wait_for(task, 10), by_wait],
    ids=["gather", "shield", "wait_for", "wait"],
)
def test_a_failure_is_its_waiters_however_they_wait(wait: Callable[[asyncio.Task[Any]], Awaitable[Any]]) -> None:
    async def check() -> None:
        told: list[Exception] = []
        assert str(await raised_by(ValueError, wait(tasks.start(fail(), told.append)))) == "on purpose"
        await turns()
        assert told == []

    run(check())


@pytest.mark.parametrize(
    "wait",
    [asyncio.gather, asyncio.shield, lambda task: asyncio.wait_for(task, 10), by_wait],
    ids=["gather", "shield", "wait_for", "wait"],
)
def test_the_task_of_a_call_can_be_awaited_and_cancelled_but_not_taken_for_its_result(
    wait: Callable[[asyncio.Task[Any]], Awaitable[Any]],
) -> None:
    async def check() -> None:
        task = tasks.start(answer(), print, "sign_in")
        with pytest.raises(TypeError, match=r"write `if await sign_in\(\.\.\.\):`"):
            bool(task)
        assert await wait(task) in (42, [42])
        with pytest.raises(TypeError, match="always be true"):
            assert not task
        cancelled = tasks.start(answer(), print, "sign_in")
        await asyncio.sleep(0)
        cancelled.cancel()
        await raised_by(asyncio.CancelledError, cancelled)

    run(check())


def test_a_failure_of_such_a_task_that_nobody_awaits_is_told_too() -> None:
    async def check() -> list[str]:
        told: list[Exception] = []
        tasks.start(fail(), told.append, "sign_in")
        await turns()
        return [str(error) for error in told]

    assert run(check()) == ["on purpose"]


def test_asyncio_itself_says_nothing_about_a_failure_that_was_told() -> None:
    async def check() -> list[Any]:
        said: list[Any] = []
        asyncio.get_running_loop().set_exception_handler(lambda loop, context: said.append(context))
        tasks.start(fail(), lambda error: None)
        await turns()
        tasks._alive.clear()
        return said

    assert run(check()) == []
