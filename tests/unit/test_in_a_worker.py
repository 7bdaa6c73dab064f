"""A worker has no page that could go elsewhere: what would need one says so before anything is sent."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Any

import pytest
from nextauth_client import (
    NotAvailableHere,
    Provider,
    get_session,
    require_session,
    runtime,
    sign_in,
    sign_out,
    update_session,
    use_session,
)
from nextauth_client.testing import Browser, run


def in_worker(work: Callable[[Browser], Any], *, with_provider: bool = True) -> Any:
    async def page(browser: Browser) -> Any:
        def make_tab() -> Any:
            tab = browser.tab()
            tab.is_worker = True
            return tab

        runtime.make_hosts_by(make_tab)
        if with_provider:
            await Provider().ready()
        return await work(browser)

    return run(page)


@require_session
def guarded() -> str:
    return "ran"


@pytest.mark.parametrize("with_provider", [True, False])
@pytest.mark.parametrize("signed_in", [True, False])
@pytest.mark.parametrize(
    ("call", "instead"),
    [
        (lambda: sign_in(), "`<button data-auth-signin>` there"),
        (lambda: sign_in("google", popup=True), "`<button data-auth-signin>` there"),
        (
            lambda: sign_in("credentials", username="jsmith", password="pw"),
            "write `await sign_in('credentials', redirect=False, ...)`",
        ),
        (lambda: sign_out(), "write `await sign_out(redirect=False)`"),
        (lambda: sign_out(callback_url="/bye"), "write `await sign_out(redirect=False)`"),
        (lambda: use_session(required=True), "ask `if use_session().session:`"),
        (lambda: guarded(), "ask `if use_session().session:`"),
    ],
)
def test_what_would_leave_the_page_is_refused_at_once(
    call: Callable[[], Any], instead: str, signed_in: bool, with_provider: bool
) -> None:
    async def work(browser: Browser) -> None:
        if signed_in:
            browser.cookie = browser.backend.login()
        before = [request for request in browser.requests if request != "GET /session"]
        with pytest.raises(NotAvailableHere) as refusal:
            call()
        assert instead in refusal.value.message
        assert "worker" in refusal.value.message
        await asyncio.sleep(1)
        assert [request for request in browser.requests if request != "GET /session"] == before

    in_worker(work, with_provider=with_provider)


@pytest.mark.parametrize("with_provider", [True, False])
def test_what_turns_out_to_need_another_page_posts_nothing(with_provider: bool) -> None:
    async def work(browser: Browser) -> None:
        with pytest.raises(NotAvailableHere, match="'github' leads to another page"):
            await sign_in("github", redirect=False)
        assert not [request for request in browser.requests if request.startswith("POST")]

    in_worker(work, with_provider=with_provider)


@pytest.mark.parametrize("with_provider", [True, False])
def test_what_needs_none_works(with_provider: bool) -> None:
    async def work(browser: Browser) -> None:
        assert await sign_in("credentials", redirect=False, username="jsmith", password="pw")
        session = await get_session()
        assert session is not None
        assert session.user.name == "jsmith"
        assert await update_session({"role": "admin"})
        await sign_out(redirect=False)
        assert await get_session() is None

    in_worker(work, with_provider=with_provider)


def test_a_session_that_a_worker_was_given_is_shown_and_asked_for() -> None:
    """Nobody can say there how old it is, nor look up whether a mutation has ended since."""

    async def work(browser: Browser) -> None:
        provider = Provider(session={"user": {"name": "Ada"}, "expires": "2999-01-01T00:00:00.000Z"})
        assert provider.use_session().session is not None
        await asyncio.sleep(1)
        assert provider.use_session().session is None
        assert browser.requests == ["GET /session"]

    in_worker(work, with_provider=False)


def test_what_a_worker_changes_is_stored_by_a_page_that_hears_of_it() -> None:
    """For pages that come back: they do not show who was signed in before."""

    async def work(browser: Browser) -> None:
        browser.cookie = browser.backend.login()
        kept, page = browser.tab(), browser.tab()
        left = Provider(host=kept, default=False)
        listening = Provider(host=page, default=False)
        await left.ready()
        await listening.ready()
        kept.leave()
        await sign_out(redirect=False)
        await asyncio.sleep(1)
        browser.fault = "hang"
        kept.come_back()
        assert left.use_session().loading

    in_worker(work)
