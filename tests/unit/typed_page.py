"""A page as a type checker sees it: mypy reads this, nobody runs it."""

from __future__ import annotations

from nextauth_client import Provider, Session, SessionState, SignInResult, get_session, sign_in, use_session
from typing_extensions import assert_type


class MySession(Session):
    role: str


async def page(provider: Provider) -> None:
    assert_type(use_session(), SessionState[Session])
    assert_type(use_session(MySession), SessionState[MySession])
    state = provider.use_session(MySession)
    if state.session:
        assert_type(state.session.role, str)
        assert_type(state.session.user.name, str | None)
    assert_type(await get_session(session_type=MySession), MySession | None)
    assert_type(await sign_in("google"), SignInResult)
