"""Effects, and what they follow."""

from __future__ import annotations

import asyncio
import gc

import pytest
from nextauth_client import effect

from tests.unit.both import in_both_interpreters, run

test_behaviour = in_both_interpreters("reactive")


@pytest.mark.filterwarnings("error")
def test_an_async_effect_that_is_cancelled_before_it_has_begun_leaves_no_warning() -> None:
    ran = []

    async def page() -> None:
        @effect
        async def never_begun() -> None:
            ran.append(True)

        for task in asyncio.all_tasks() - {asyncio.current_task()}:
            task.cancel()

    run(page())
    gc.collect()
    assert ran == []
