"""The questions of a Python server to real backends, with the cookies of a browser that is signed in."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Coroutine
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import httpx
import nextauth_server
import pytest
from nextauth_client import UnexpectedAnswer
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse
from starlette.routing import Route

from tests.support.real_backends import RealBackend
from tests.support.workbench import Workbench


def by_address(request: httpx.Request) -> httpx.Request:
    """Browsers resolve `*.localhost` to this machine, other programs may not."""
    request.url = request.url.copy_with(host="127.0.0.1")  # the Host header has been made already
    return request


class ByAddress(httpx.HTTPTransport):
    def handle_request(self, request: httpx.Request) -> httpx.Response:
        return super().handle_request(by_address(request))


class ByAddressAsync(httpx.AsyncHTTPTransport):
    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        return await super().handle_async_request(by_address(request))


def asked(cookie: str, backend: RealBackend) -> list[Any]:
    """What the three questions give for a cookie: session, CSRF token, names of the providers."""
    with httpx.Client(transport=ByAddress()) as client:
        to: dict[str, Any] = {"base_url": backend.url, "base_path": backend.base_path, "client": client}
        session = nextauth_server.get_session_sync(cookie, **to)
        token = nextauth_server.get_csrf_token_sync(cookie, **to)
        return [session and session.to_dict(), token, list(nextauth_server.get_providers_sync(**to))]


def asked_in_a_view(cookie: str, backend: RealBackend) -> list[Any]:
    """The same, by an async view that hands over the request of its framework."""

    async def view(request: Request) -> JSONResponse:
        async with httpx.AsyncClient(transport=ByAddressAsync()) as client:
            to: dict[str, Any] = {"base_url": backend.url, "base_path": backend.base_path, "client": client}
            session = await nextauth_server.get_session(request, **to)
            token = await nextauth_server.get_csrf_token(request, **to)
            return JSONResponse([session and session.to_dict(), token, list(await nextauth_server.get_providers(**to))])

    async def visit() -> list[Any]:
        transport = httpx.ASGITransport(Starlette(routes=[Route("/", view)]))
        async with httpx.AsyncClient(transport=transport, base_url="http://app.test") as browser:
            return list((await browser.get("/", headers={"Cookie": cookie})).json())

    return in_a_thread(visit)


def in_a_thread(coroutine: Callable[[], Coroutine[Any, Any, list[Any]]]) -> list[Any]:
    """Playwright has an event loop running in this one."""
    with ThreadPoolExecutor(1) as thread:
        return thread.submit(lambda: asyncio.run(coroutine())).result(30)


def test_s8_s9_s10_a_server_learns_of_a_real_backend_what_its_page_knows(workbench: Workbench) -> None:
    backend = workbench.backend
    workbench.sign_in()
    cookies = workbench.page.context.cookies(backend.url)
    cookie = "; ".join(f"{cookie['name']}={cookie['value']}" for cookie in cookies)
    names = [name for name, _ in workbench.call("get_providers")]
    for ask in (asked, asked_in_a_view):
        session, token, providers = ask(cookie, backend)
        assert (token, providers) == (workbench.call("get_csrf_token"), names)
        assert session["expires"].endswith("Z")
        shown = workbench.session()
        assert {**session, "expires": ""} == {**shown, "expires": ""}


def test_s8_s9_s10_without_a_cookie_nobody_is_signed_in_at_a_real_backend(backend: RealBackend) -> None:
    for ask in (asked, asked_in_a_view):
        session, token, providers = ask("", backend)
        assert session is None
        assert len(token) == 64
        assert providers == backend.providers


def test_a_real_backend_that_fails_is_unexpected_on_a_server(backend: RealBackend) -> None:
    with httpx.Client(transport=ByAddress()) as client, pytest.raises(UnexpectedAnswer):
        nextauth_server.get_session_sync(
            "", base_url=backend.url, base_path=backend.base_path + "/nothing", client=client
        )
