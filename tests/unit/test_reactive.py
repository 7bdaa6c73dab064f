"""Effects, and what they follow."""

from __future__ import annotations

import asyncio
import gc

import pytest
from nextauth_client import Provider, effect, messages
from nextauth_client.events import Heard
from nextauth_client.queries import Query
from nextauth_client.session import SessionState
from nextauth_client.testing import Browser
from nextauth_client.testing import run as run_page

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


def test_an_async_listener_that_is_cancelled_before_it_has_begun_leaves_no_warning(
    recwarn: pytest.WarningsRecorder,
) -> None:
    ran = []

    async def page(browser: Browser) -> None:
        tab = browser.tab()
        with Provider(None, host=tab) as provider:

            @provider.on_session_change
            async def never_begun(state: SessionState, previous: SessionState) -> None:
                ran.append(state.status)

            stamp = (int(browser.now() * 1000) + 1, "another tab")
            query = Query(1, stamp, browser.now(), None, [])
            tab.emit(Heard(messages.answer(query, {"user": {"name": "Ada"}}, None)))
            for task in asyncio.all_tasks() - {asyncio.current_task()}:
                task.cancel()
            await asyncio.sleep(1)
            never_begun.dispose()

    run_page(page)
    gc.collect()
    assert ran == []
    assert [str(warning.message) for warning in recwarn] == []
