"""What background tasks promise, in every interpreter."""

import asyncio
import gc

from nextauth_client import tasks

from .helpers import raised_by, turns


async def fail():
    await asyncio.sleep(0)
    raise ValueError("on purpose")


async def answer():
    await asyncio.sleep(0)
    return 42


async def test_a_task_gives_its_result_to_whoever_awaits_it():
    told = []
    assert await tasks.start(answer(), told.append) == 42
    await turns()
    assert told == []


async def test_a_failure_that_nobody_awaits_is_told_once():
    told = []
    task = tasks.start(fail(), told.append)
    await turns()
    assert [str(error) for error in told] == ["on purpose"]
    assert task.done()


async def test_a_failure_that_somebody_awaits_is_theirs():
    told = []
    error = await raised_by(ValueError, tasks.start(fail(), told.append))
    assert str(error) == "on purpose"
    await turns()
    assert told == []


async def test_a_failure_that_two_await_is_theirs():
    told = []
    task = tasks.start(fail(), told.append)

    async def wait():
        return await raised_by(ValueError, task)

    both = [asyncio.create_task(wait()), asyncio.create_task(wait())]
    for waiting in both:
        assert str(await waiting) == "on purpose"
    await turns()
    assert told == []


async def test_a_cancelled_task_is_no_failure():
    told = []
    task = tasks.start(fail(), told.append)
    await asyncio.sleep(0)
    task.cancel()
    await raised_by(asyncio.CancelledError, task)
    await turns()
    assert told == []


async def test_a_task_that_is_cancelled_before_it_began_never_begins():
    begun = []

    async def begin():
        begun.append(True)

    task = tasks.start(begin(), begun.append)
    task.cancel()
    await turns()
    assert task.done()
    assert begun == []


async def test_a_task_that_nobody_holds_is_kept_alive_until_it_is_done():
    gate = asyncio.Event()
    done = []

    async def work():
        await gate.wait()
        done.append(True)

    tasks.start(work(), done.append)
    await turns()
    gc.collect()
    gate.set()
    await turns()
    assert done == [True]


async def test_what_is_done_or_cancelled_is_kept_no_longer():
    for _ in range(5):
        tasks.start(answer(), print)
        tasks.start(answer(), print).cancel()
    await turns()
    tasks.start(answer(), print)
    assert len(tasks._alive) == 1
    await turns()


async def test_the_current_task_is_known():
    seen = []

    async def work():
        seen.append(tasks.current())

    task = tasks.start(work(), print)
    await task
    assert seen == [task]
