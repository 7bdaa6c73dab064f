"""What goes wrong in a test with `auth_browser` and `auth_backend`, said in words."""

from __future__ import annotations

import asyncio

import pytest
from nextauth_client import BackendUnreachable, Provider, UnexpectedAnswer, sign_in, use_session
from nextauth_client.testing import Backend, Browser


def name() -> str | None:
    session = use_session().session
    return None if session is None else session.user.name


async def test_signed_in_as_ada(auth_browser: Browser) -> None:
    auth_browser.signed_in_as("Ada", role="admin")
    state = await Provider().ready()
    assert state.session is not None
    assert (state.session.user.name, state.session.role) == ("Ada", "admin")


async def test_a_session_that_expires_in_5_seconds(auth_browser: Browser) -> None:
    auth_browser.signed_in_as("Ada", expires_in=5)
    await Provider().ready()
    await asyncio.sleep(4)
    assert name() == "Ada"
    await asyncio.sleep(2)
    assert name() is None
    assert use_session().reason == "expired"


async def test_500_for_3_seconds(auth_browser: Browser, auth_backend: Backend) -> None:
    auth_browser.signed_in_as("Ada")
    provider = Provider()
    await provider.ready()
    auth_backend.answers(500, for_seconds=3)
    for _ in range(2):
        with pytest.raises(UnexpectedAnswer):
            await provider.refresh()
        assert name() == "Ada"
        await asyncio.sleep(1)
    await asyncio.sleep(1)
    assert (await provider.refresh()).error is None


@pytest.mark.parametrize("words", ["is_unreachable", "hangs"])
async def test_nothing_comes_for_30_seconds(words: str, auth_browser: Browser, auth_backend: Backend) -> None:
    getattr(auth_backend, words)(for_seconds=30)
    provider = Provider(timeout=5)
    with pytest.raises(BackendUnreachable):
        await provider.ready()
    await asyncio.sleep(60)
    assert use_session().status == "unauthenticated"


async def test_bad_json_until_it_is_well_again(auth_browser: Browser, auth_backend: Backend) -> None:
    auth_browser.signed_in_as("Ada")
    auth_backend.sends_bad_json()
    provider = Provider()
    with pytest.raises(UnexpectedAnswer):
        await provider.ready()
    await asyncio.sleep(60)
    assert use_session().loading
    auth_backend.is_well_again()
    assert (await provider.refresh()).status == "authenticated"


async def test_a_slow_backend(auth_browser: Browser, auth_backend: Backend) -> None:
    auth_backend.is_slow(2)
    provider = Provider()
    await asyncio.sleep(1.9)
    assert use_session().loading
    await asyncio.sleep(0.2)
    assert use_session().status == "unauthenticated"
    auth_backend.is_slow(20)
    with pytest.raises(BackendUnreachable, match="in time"):
        await provider.refresh()
    auth_backend.is_well_again()
    started = auth_browser.now()
    await provider.refresh()
    assert auth_browser.now() - started < 1


async def test_offline_for_a_minute(auth_browser: Browser) -> None:
    auth_browser.goes_offline(for_seconds=60)
    Provider()
    await asyncio.sleep(59)
    assert use_session().loading
    await asyncio.sleep(2)
    assert use_session().status == "unauthenticated"


async def test_offline_until_it_comes_online(auth_browser: Browser) -> None:
    auth_browser.goes_offline()
    Provider()
    await asyncio.sleep(3600)
    assert use_session().loading
    auth_browser.comes_online()
    await asyncio.sleep(1)
    assert use_session().status == "unauthenticated"


async def test_somebody_who_is_banned(auth_browser: Browser, auth_backend: Backend) -> None:
    auth_browser.signed_in_as("Ada")
    provider = Provider()
    await provider.ready()
    auth_backend.ends_all_sessions()
    await provider.refresh()
    assert (name(), use_session().reason) == (None, "revoked")
    auth_browser.signed_in_as("Ada")
    await provider.refresh()
    assert name() == "Ada"


async def test_other_tabs_follow(auth_browser: Browser) -> None:
    other = auth_browser.open_tab(refetch_on_focus=False)
    assert await sign_in("credentials", redirect=False, username="jsmith", password="pw")
    await asyncio.sleep(1)
    assert other.use_session().status == "authenticated"
    assert Provider.current() is not other
