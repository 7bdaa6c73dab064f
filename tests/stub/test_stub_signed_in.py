"""`nextauth_client.testing.signed_in`: a browser context is signed in at the stub, without a page."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from pathlib import Path
from typing import Any

import httpx
import pytest
from nextauth_client.testing import signed_in

from server_stub import create_app
from tests.stub.conftest import ORIGIN, Client


class Answer:
    """As Playwright has it; `later` makes coroutines of its methods, as those of the async API are."""

    def __init__(self, response: httpx.Response, later: Callable[[Any], Any]) -> None:
        self.ok = response.is_success
        self.url = str(response.url)
        self.text = lambda: later(response.text)


class Context:
    """What `signed_in` uses of a context."""

    def __init__(self, client: Client, *, is_async: bool = False) -> None:
        self.client = client
        self.request = self
        self.is_async = is_async

    def later(self, value: Any) -> Any:
        async def wait() -> Any:
            return value

        return wait() if self.is_async else value

    def get(self, url: str) -> Any:
        return self.later(Answer(self.client.get(url, follow_redirects=True), self.later))

    def post(self, url: str, form: dict[str, str]) -> Any:
        return self.later(Answer(self.client.post(url, data=form, follow_redirects=True), self.later))

    def name(self) -> str | None:
        session = self.client.get("/api/auth/session").json() or {}
        return session.get("user", {}).get("name")


@pytest.fixture(params=["v3", "v4", "v5"])
def client(request: pytest.FixtureRequest, connect: Callable[..., Client], tmp_path: Path) -> Client:
    return connect(create_app(tmp_path, dialect=request.param))


def test_a_user_of_the_stubs_is_signed_in_without_a_password(client: Client) -> None:
    context = Context(client)
    assert context.name() is None
    assert signed_in(context, "ada") is None
    assert context.name() == "Ada Lovelace"


def test_with_the_async_api_it_is_awaited(client: Client) -> None:
    asyncio.run(signed_in(Context(client, is_async=True), "alan", "turing", url=ORIGIN))
    assert Context(client).name() == "Alan Turing"


def test_a_wrong_password_is_an_error(client: Client) -> None:
    context = Context(client)
    with pytest.raises(ValueError, match="The backend does not let 'ada' in with this password"):
        signed_in(context, "ada", "wrong")
    assert context.name() is None


def test_for_other_people_a_password_is_asked_for(client: Client) -> None:
    with pytest.raises(ValueError, match=r"signed_in\('grace'\) knows passwords of ada, alan alone: password="):
        signed_in(Context(client), "grace")


def test_where_no_backend_is_the_error_says_so(client: Client) -> None:
    with pytest.raises(ValueError, match=r"No backend answers at /elsewhere/csrf: start it, or say where it is \(url="):
        signed_in(Context(client), "ada", base_path="/elsewhere")
