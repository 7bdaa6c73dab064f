"""A page as type checkers see it: mypy and pyright read this, nobody runs it."""

from __future__ import annotations

import asyncio
from typing import Literal

from nextauth_client import (
    Provider,
    Response,
    Session,
    SessionState,
    SignInResult,
    SignOutResult,
    auth_fetch,
    get_session,
    on_session_change,
    require_session,
    sign_in,
    sign_out,
    update_session,
    use_session,
)
from nextauth_client.testing import ApiAnswer, Backend, Browser, run
from typing_extensions import assert_type


class MySession(Session):
    role: str


def reads(provider: Provider) -> None:
    assert_type(use_session(), SessionState[Session])
    assert_type(use_session(MySession), SessionState[MySession])

    session, loading = use_session(MySession)
    assert_type(session, MySession | None)
    assert_type(loading, bool)

    state = provider.use_session(MySession)
    if state.session:
        assert_type(state.session.role, str)
        assert_type(state.session.user.name, str | None)
    assert_type(state.status, Literal["loading", "authenticated", "unauthenticated"])
    assert_type(
        state.reason, Literal["signed_out", "signed_out_elsewhere", "expired", "revoked", "idle", "switched"] | None
    )
    assert_type(state.expires_in, int | None)
    assert_type(state.idle_in, int | None)
    assert_type(state.expiring, bool)
    session, loading = state
    assert_type(session, MySession | None)

    plain, _ = provider.use_session()
    assert_type(plain, Session | None)


async def acts(provider: Provider, method: str | None, fields: dict[str, str]) -> None:
    assert_type(await get_session(session_type=MySession), MySession | None)
    assert_type(sign_in(), asyncio.Task[SignInResult])
    assert_type(await sign_in("google", callback_url="/done", authorization_params={"prompt": "login"}), SignInResult)
    assert_type(
        await provider.sign_in("credentials", redirect=False, username="ada", password="lovelace"), SignInResult
    )
    assert_type(
        await sign_in("email", redirect=False, fields={"email": "ada@example.org", "remember": True}), SignInResult
    )
    assert_type(await sign_in(method), SignInResult)
    assert_type(await sign_in("credentials", redirect=False, fields=fields), SignInResult)
    assert_type(await sign_out(redirect=False), SignOutResult)
    assert_type(await update_session({"role": "admin"}), Session | None)


async def calls_its_api(provider: Provider) -> None:
    answer = await auth_fetch("/api/orders", method="POST", json={"article": 5}, token=True)
    assert_type(answer, Response)
    assert_type(await answer.bytes(), bytes)
    assert_type(answer.headers["etag"], str)
    assert_type(await provider.auth_fetch("/x", data={"a": [1]}, token="user.token", timeout=3), Response)


@require_session
def order(article: int, *, express: bool = False) -> str:
    return f"{article} {express}"


@require_session
async def order_later(article: int) -> str:
    await asyncio.sleep(1)
    return str(article)


@require_session(when=lambda session: session.user.name == "Ada")
async def order_as_ada(article: int) -> str:
    return str(article)


@on_session_change
def changed(state: SessionState, previous: SessionState) -> None:
    assert_type(state.session, Session | None)


async def guarded(provider: Provider) -> None:
    assert_type(order(5, express=True), asyncio.Task[str | None])
    assert_type(await order_later(5), str | None)
    assert_type(order_as_ada(5), asyncio.Task[str | None])
    assert_type(await provider.require_session(when=bool)(order)(5), str | None)
    assert_type(await provider.require_session(order)(5), str | None)
    changed.dispose()


async def test_of_it(auth_browser: Browser, auth_backend: Backend) -> None:
    auth_browser.signed_in_as("Ada", expires_in=5, role="admin")
    auth_backend.answers(500, for_seconds=3)
    auth_backend.api["/api/orders"] = lambda request, session: ApiAnswer(200 if session else 401, ["apples"])
    auth_browser.goes_offline(for_seconds=60)
    assert_type(auth_browser.open_tab(keep_alive=60), Provider)
    assert_type(auth_browser.document.visible_text(), str)
    assert_type((await auth_browser.load("shop.py")).__name__, str)


async def page(browser: Browser) -> int:
    return len(browser.tabs)


assert_type(run(page), int)
