"""Mistakes that type checkers have to find: each line that mypy or pyright finds right fails `make lint`."""

from __future__ import annotations

from nextauth_client import Provider, Session, auth_fetch, require_session, sign_in, sign_out, use_session


class MySession(Session):
    role: str


def read() -> None:
    print(use_session().sesion)  # type: ignore[attr-defined]
    print(use_session().session.user)  # type: ignore[union-attr]
    print(use_session().status == "signed in")  # type: ignore[comparison-overlap]
    print(use_session().reason == "timeout")  # type: ignore[comparison-overlap]

    session, loading = use_session(MySession)
    print(session.role)  # type: ignore[union-attr]
    print(loading.upper())  # type: ignore[attr-defined]
    session, loading, _ = use_session(MySession)  # type: ignore[misc]


def misspell(provider: Provider) -> None:
    sign_in("google", redirct=False)  # type: ignore[call-overload]
    sign_in(calback_url="/x")  # type: ignore[call-overload]
    sign_in("google", pop_up=True)  # type: ignore[call-overload]
    provider.sign_in("google", redirct=False)  # type: ignore[call-overload]
    sign_out(redirct=False)  # type: ignore[arg-type]
    provider.sign_out(calback_url="/x")  # type: ignore[arg-type]
    Provider(keepalive=60)  # type: ignore[arg-type]


async def call_wrongly() -> None:
    await auth_fetch("/x", data=5)  # type: ignore[arg-type]
    await auth_fetch("/x", body="")  # type: ignore[call-arg]
    print((await auth_fetch("/x")).text.upper())  # type: ignore[attr-defined]


def write_as_in_javascript(provider: Provider) -> None:
    sign_in("google", callbackUrl="/x")  # type: ignore[call-overload]
    sign_in("google", redirectTo="/x")  # type: ignore[call-overload]
    sign_in("google", {"callbackUrl": "/x"})  # type: ignore[call-overload]
    sign_in("google", authorizationParams="prompt=login")  # type: ignore[call-overload]
    sign_in(callbackUrl="/x")  # type: ignore[call-overload]
    provider.sign_in("google", callbackUrl="/x")  # type: ignore[call-overload]
    sign_out(callbackUrl="/x")  # type: ignore[arg-type]
    provider.sign_out(callbackUrl="/x")  # type: ignore[arg-type]
    Provider(clientMaxAge=60)  # type: ignore[arg-type]


@require_session
def order(article: int) -> str:
    return str(article)


async def call(provider: Provider) -> None:
    order("5")  # type: ignore[arg-type]
    order(5, express=True)  # type: ignore[call-arg]
    provider.require_session(order)("5")  # type: ignore[arg-type]
    order(5).upper()  # type: ignore[attr-defined]
    (await order(5)).upper()  # type: ignore[union-attr]
