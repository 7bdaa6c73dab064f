"""The guards and bridges of a server as a type checker sees them: mypy reads this, nobody runs it."""

from collections.abc import Awaitable, Callable, Iterable
from typing import Any

from nextauth_client import Session
from nextauth_server import (
    AuthBridge,
    TokenSession,
    auth_proxy,
    get_session,
    get_session_sync,
    login_required,
    read_session,
    session_dependency,
    session_script,
)
from typing_extensions import assert_type


class MySession(Session):
    role: str


assert_type(session_dependency(), Callable[..., Awaitable[Session]])
assert_type(session_dependency(required=False), Callable[..., Awaitable[Session | None]])
assert_type(session_dependency(session_type=MySession), Callable[..., Awaitable[MySession]])
assert_type(
    session_dependency(required=False, session_type=MySession, allowed_origins=["https://a.example"]),
    Callable[..., Awaitable[MySession | None]],
)


@login_required
def account(request: object, number: int, *, word: str = "") -> str:
    return word * number


@login_required(session_type=MySession, allowed_origins=["https://a.example"])
async def later(number: int) -> bytes:
    return b"x" * number


async def views() -> None:
    assert_type(account(object(), 5, word="x"), str)
    assert_type(await later(5), bytes)
    account("x", "y")  # type: ignore[arg-type]
    await later(word="x")  # type: ignore[call-arg]


async def questions(request: object) -> None:
    assert_type(await get_session(request), Session | None)
    assert_type(await get_session(request, session_type=MySession), MySession | None)
    assert_type(get_session_sync(request, session_type=MySession), MySession | None)
    assert_type(session_script(await get_session(request)), str)
    assert_type(auth_proxy("https://a.example")({}, print), Iterable[bytes])
    auth_proxy("https://a.example", preserve_hosts=True)  # type: ignore[call-arg]
    session_dependency(session_type=dict)  # type: ignore[type-var]
    session_dependency(allowed_origin=["https://a.example"])  # type: ignore[call-overload]


def read(request: object) -> None:
    assert_type(read_session(request), TokenSession | None)
    assert_type(read_session(request, secret=["a", "b"], session_type=MySession), MySession | None)
    session_dependency(secret="a", when=["user.role=admin", lambda session: True], cache=5)
    session_dependency(when=5)  # type: ignore[call-overload]
    read_session(request, secret=5)  # type: ignore[arg-type]


def user_of(request: object) -> dict[str, str] | None:
    return None


async def sign_in(request: object, username: str, password: str) -> bool:
    return False


def bridges(login_manager: object) -> None:
    AuthBridge(user_of=user_of, sign_in=sign_in, sign_out=user_of, secret="a secret")
    django = AuthBridge.django(session_callback=lambda session, user: {**session, "role": user.role})
    assert_type(django.urls, list[Any])
    assert_type(AuthBridge.flask_login(login_manager, authenticate=sign_in, remember=True).url, str | None)
    AuthBridge(user_of=user_of, sign_in=sign_in, sign_out=user_of)  # type: ignore[call-arg]
    AuthBridge.django(update=lambda request: None)  # type: ignore[arg-type, misc]
