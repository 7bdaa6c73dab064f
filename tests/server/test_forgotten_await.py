"""A question that nobody awaits says so, instead of letting everybody in."""

import asyncio

import pytest
from nextauth_server import get_csrf_token, get_providers, get_session

from .conftest import Backend


def test_its_truth_raises_and_names_what_to_write() -> None:
    for question, asked in (
        ("get_session", get_session("a=b")),
        ("get_csrf_token", get_csrf_token("a=b")),
        ("get_providers", get_providers()),
    ):
        with pytest.raises(TypeError, match=rf"`await {question}\(\.\.\.\)`, or `{question}_sync\(\.\.\.\)`"):
            bool(asked)


def test_awaited_it_is_a_coroutine_like_any_other(backend: Backend) -> None:
    to = {"base_url": backend.url}

    async def ask() -> list[object]:
        task = asyncio.create_task(get_session(backend.cookie, **to))
        several = await asyncio.gather(get_session(backend.cookie, **to), get_session("a=b", **to))
        return [await task, *several, await asyncio.wait_for(get_session(backend.cookie, **to), 30)]

    names = [session and session.user.name for session in asyncio.run(ask())]  # type: ignore[attr-defined]
    assert names == ["Ada Lovelace", "Ada Lovelace", None, "Ada Lovelace"]
