"""What a page's author is told about a misspelt keyword, and a forgotten `await`."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Any

import nextauth_client
import pytest
from nextauth_client import Provider, console, require_session, sign_in, sign_out, update_session
from nextauth_client.testing import Browser, run


@pytest.fixture(autouse=True)
def nothing_was_said_before(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(console, "_warned", [])


def in_page(function: Callable[[], Any], *, with_provider: bool = True) -> Any:
    """What it returns or raises, called in a page where somebody is signed in."""

    async def page(browser: Browser) -> Any:
        browser.cookie = browser.backend.login()
        if with_provider:
            await Provider().ready()
        result = function()
        return await result if asyncio.iscoroutine(result) else result

    return run(page)


@pytest.mark.parametrize("with_provider", [True, False])
@pytest.mark.parametrize(
    ("call", "words"),
    [
        (lambda: sign_out(redirct=False), "redirct=. Did you mean redirect=?"),
        (lambda: sign_out(calback_url="/"), "calback_url=. Did you mean callback_url=?"),
        (lambda: sign_out(callbackUrl="/"), "write callback_url="),
        (lambda: sign_out(nosuch="/"), "unexpected keyword argument nosuch="),
        (lambda: Provider(keepalive=60, default=False), "keepalive=. Did you mean keep_alive=?"),
        (lambda: Provider(client_maxage=60, default=False), "Did you mean client_max_age=?"),
        (lambda: Provider(refetchInterval=60, default=False), "write keep_alive="),
        (lambda: sign_in("google", callbackUrl="/"), "write callback_url="),
        (lambda: sign_in("google", redirectTo="/"), "write callback_url="),
    ],
)
def test_an_option_that_is_none_is_refused_with_the_one_that_was_meant(
    call: Callable[[], Any], words: str, with_provider: bool
) -> None:
    with pytest.raises(TypeError) as refusal:
        in_page(call, with_provider=with_provider)
    assert str(refusal.value).endswith(words)


def test_a_form_field_that_looks_like_an_option_is_sent_and_warned_of_once(capsys: pytest.CaptureFixture[str]) -> None:
    async def call() -> None:
        for _ in range(2):
            await sign_in("credentials", redirect=False, username="jsmith", password="pw", calback_url="/x")
        await sign_in("credentials", redirect=False, fields={"username": "jsmith", "password": "pw", "redirct": "x"})

    in_page(call)
    assert capsys.readouterr().err == (
        "nextauth_client: sign_in(): calback_url= looks like callback_url=, and is sent as a form field. "
        "If it is one, write fields={'calback_url': ...}.\n"
    )


@pytest.mark.parametrize("with_provider", [True, False])
@pytest.mark.parametrize(
    "call",
    [
        lambda: sign_in("credentials", redirect=False, username="jsmith", password="wrong"),
        lambda: sign_out(redirect=False),
        lambda: update_session({}),
    ],
    ids=["sign_in", "sign_out", "update_session"],
)
def test_a_forgotten_await_is_no_success(call: Callable[[], Any], with_provider: bool) -> None:
    async def page() -> None:
        task = call()
        with pytest.raises(TypeError, match=rf"write `if await {task.get_name()}\(\.\.\.\):`"):
            bool(task)
        assert hasattr(nextauth_client, task.get_name())
        await task

    in_page(page, with_provider=with_provider)


def test_nor_is_a_guarded_call() -> None:
    @require_session
    def order() -> bool:
        return False

    async def page() -> None:
        task = order()
        with pytest.raises(TypeError, match=r"write `if await order\(\.\.\.\):`"):
            bool(task)
        assert await task is False

    in_page(page)


@pytest.mark.parametrize(
    "call",
    [
        lambda: sign_in(3),  # type: ignore[call-overload]
        lambda: sign_in("google", callbackUrl="/"),  # type: ignore[call-overload]
        lambda: sign_in("google", authorization_params=3),  # type: ignore[call-overload]
        lambda: update_session(object()),
    ],
)
def test_what_is_refused_at_once_leaves_nothing_behind_where_no_provider_runs(call: Callable[[], Any]) -> None:
    async def page(browser: Browser) -> None:
        with pytest.raises(TypeError):
            call()
        assert not [tab for tab in browser.tabs if tab.hears]

    run(page)


def test_what_a_warning_says_to_write_can_be_written(capsys: pytest.CaptureFixture[str]) -> None:
    async def page(browser: Browser) -> None:
        Provider()
        nextauth_client.use_session()
        said = capsys.readouterr().err
        assert "`await Provider.current().ready()`" in said
        state = await Provider.current().ready()  # type: ignore[union-attr]
        assert state.status == "unauthenticated"

    run(page)
