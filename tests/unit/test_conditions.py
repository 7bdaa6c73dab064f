"""Conditions on a session: as words, in both interpreters; and as functions of `require_session`, in virtual time."""

from __future__ import annotations

from typing import Any

import pytest
from nextauth_client import Provider, Session, require_session
from nextauth_client.testing import Browser, run

from tests.unit.both import in_both_interpreters

test_conditions = in_both_interpreters("conditions")


def is_admin(session: Session) -> bool:
    return bool(session["role"] == "admin")


def called_by(extra: dict[str, Any] | None, when: Any) -> tuple[Any, list[str]]:
    """What a guarded function gives to somebody with this in the session, and where the page is sent."""

    async def page(browser: Browser) -> tuple[Any, list[str]]:
        if extra is not None:
            browser.cookie = browser.backend.login()
            browser.backend.extra.update(extra)
        provider = Provider(host=(tab := browser.tab()))
        ours = require_session(when=when)(lambda article: f"ordered {article}")

        async def order(article: int) -> str:
            return f"ordered {article}"

        result = await ours(5)
        assert await provider.require_session(when=when)(order)(5) == result
        await provider.get_session()
        return result, tab.visited

    return run(page)


def test_a_guarded_function_runs_for_whom_the_condition_is_true() -> None:
    assert called_by({"role": "admin"}, is_admin) == ("ordered 5", [])
    assert called_by({"role": "admin"}, None) == ("ordered 5", [])


def test_it_does_not_run_for_others_who_stay_where_they_are() -> None:
    assert called_by({"role": "editor"}, is_admin) == (None, [])
    assert called_by({"role": "admin"}, lambda session: session.user.name == "Ada") == (None, [])


def test_who_is_not_signed_in_is_sent_to_sign_in_whatever_the_condition() -> None:
    result, visited = called_by(None, lambda session: True)
    assert result is None
    assert "/api/auth/signin" in visited[0]


def test_a_condition_that_raises_lets_nobody_in() -> None:
    with pytest.raises(KeyError):
        called_by({}, is_admin)


def test_a_condition_that_would_have_to_be_awaited_lets_nobody_in() -> None:
    """What it gives is true, whatever comes of it."""

    async def never(session: Session) -> bool:
        return False

    async def page(browser: Browser) -> None:
        browser.cookie = browser.backend.login()
        provider = browser.open_tab()
        await provider.ready()
        guarded = provider.require_session(when=never)(lambda: "in")
        with pytest.raises(TypeError, match="a plain function"):
            await guarded()

    run(page)


@pytest.mark.parametrize(
    ("when", "runs"),
    [("user.role=admin", True), ("user.role=editor user.role=admin", True), ("!user.role=admin", False)],
)
def test_a_condition_may_be_in_the_words_of_attributes(when: str, runs: bool) -> None:
    assert called_by({"user": {"name": "Ada", "role": "admin"}}, when) == ("ordered 5" if runs else None, [])


def test_words_that_are_no_condition_are_refused_where_they_are_written() -> None:
    async def page(browser: Browser) -> None:
        with pytest.raises(ValueError, match=r"'user\.\.role=admin' is no condition such as user\.role=admin"):
            require_session(when="user..role=admin")

    run(page)
