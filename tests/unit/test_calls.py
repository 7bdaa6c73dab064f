"""auth_fetch: what it sends and makes of answers, in both interpreters; and with Providers, in virtual time."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest
from nextauth_client import (
    BackendUnreachable,
    NotAvailableHere,
    Provider,
    Response,
    UnexpectedAnswer,
    auth_fetch,
)
from nextauth_client.host import Answer, Request
from nextauth_client.testing import HANG, UNREACHABLE, ApiAnswer, Browser, run

from tests.unit.both import in_both_interpreters

ORDERS = "/api/orders"
ELSEWHERE = "https://api.example.com"

test_calls = in_both_interpreters("calls")


def orders(request: Request, session: dict[str, Any] | None) -> Answer:
    """What belongs to the person who is signed in."""
    if session is None:
        return ApiAnswer(401, "<html>")
    return ApiAnswer(200, {"of": session["user"]["name"], "bearer": request.headers.get("authorization")})


def refuses(request: Request, session: dict[str, Any] | None) -> Answer:
    return ApiAnswer(401)


def calls(browser: Browser) -> int:
    return len([name for name in browser.requests if name.endswith(ORDERS)])


def questions(browser: Browser) -> int:
    return browser.requests.count("GET /session")


def signed_in(browser: Browser, api: Any = orders) -> None:
    browser.cookie = browser.backend.login()
    browser.backend.api[ORDERS] = api


async def following(browser: Browser, tabs: int, **options: Any) -> list[Provider]:
    """Providers of so many tabs that know who is signed in."""
    providers = [browser.open_tab(**options) for _ in range(tabs)]
    await asyncio.sleep(2)
    browser.requests.clear()
    return providers


def test_the_api_hears_who_is_signed_in() -> None:
    async def page(browser: Browser) -> None:
        signed_in(browser)
        browser.backend.extra["accessToken"] = "secret"
        Provider()
        answer = await auth_fetch("/api/orders?page=2", token=True)
        assert isinstance(answer, Response)
        assert (answer.status, answer.ok, answer.headers["Content-Type"]) == (200, True, "application/json")
        assert await answer.json() == {"of": "jsmith", "bearer": "Bearer secret"}
        assert answer.url == "https://example.org/api/orders?page=2"

    run(page)


def test_what_is_sent_comes_to_the_api() -> None:
    async def page(browser: Browser) -> None:
        def echo(request: Request, session: Any) -> Answer:
            return ApiAnswer(201, request.body, {"X-Kind": request.headers["content-type"]})  # type: ignore[arg-type]

        browser.backend.api[ORDERS] = echo
        answer = await auth_fetch(ORDERS, method="POST", data=b"\x00\xff")
        assert (await answer.bytes(), answer.headers["x-kind"]) == (b"\x00\xff", "application/octet-stream")

    run(page)


def test_a_path_that_no_api_has_is_answered_404() -> None:
    async def page(browser: Browser) -> None:
        assert (await auth_fetch("/api/nothing")).status == 404

    run(page)


def test_another_origin_has_to_be_named() -> None:
    async def page(browser: Browser) -> None:
        browser.backend.api[ELSEWHERE + ORDERS] = orders
        with pytest.raises(ValueError, match=r"not to https://api\.example\.com: nothing was sent"):
            await auth_fetch(ELSEWHERE + ORDERS)
        Provider(api_origins=[ELSEWHERE])
        with pytest.raises(ValueError, match="nothing was sent"):
            await auth_fetch("https://api.example.com.evil" + ORDERS)
        assert calls(browser) == 0
        assert (await auth_fetch(ELSEWHERE + ORDERS)).status == 401

    run(page)


def test_a_page_that_only_read_may_name_its_api_later() -> None:
    async def page(browser: Browser) -> None:
        browser.backend.api[ELSEWHERE + ORDERS] = orders
        await auth_fetch(ORDERS)
        Provider(api_origins=(ELSEWHERE,))
        assert (await auth_fetch(ELSEWHERE + ORDERS)).status == 401

    run(page)


def test_it_needs_no_provider() -> None:
    async def page(browser: Browser) -> None:
        signed_in(browser)
        browser.backend.extra["accessToken"] = "secret"
        assert (await (await auth_fetch(ORDERS)).json())["of"] == "jsmith"
        assert questions(browser) == 0
        assert (await (await auth_fetch(ORDERS, token=True)).json())["bearer"] == "Bearer secret"
        assert questions(browser) == 1
        browser.backend.api[ORDERS] = refuses
        assert (await auth_fetch(ORDERS)).status == 401
        assert (questions(browser), calls(browser)) == (1, 3)

    run(page)


def test_a_server_has_no_page_whose_api_it_could_call() -> None:
    with pytest.raises(NotAvailableHere, match="an HTTP client of your own"):
        asyncio.run(auth_fetch(ORDERS))


@pytest.mark.parametrize("tabs", [1, 5])
def test_fifty_calls_that_are_refused_cost_one_question_and_every_reader_follows(tabs: int) -> None:
    async def page(browser: Browser) -> None:
        signed_in(browser)
        providers = await following(browser, tabs)
        browser.cookie = None
        made = [provider.auth_fetch(ORDERS) for provider in providers for _ in range(50 // tabs)]
        answers = await asyncio.gather(*made)
        assert {answer.status for answer in answers} == {401}
        assert (questions(browser), calls(browser)) == (1, 50)
        for provider in providers:
            assert provider.use_session().status == "unauthenticated"

    run(page)


def test_calls_that_are_refused_though_somebody_is_signed_in_are_sent_once_more() -> None:
    async def page(browser: Browser) -> None:
        signed_in(browser, refuses)
        providers = await following(browser, 5)
        answers = await asyncio.gather(*[provider.auth_fetch(ORDERS) for provider in providers for _ in range(10)])
        assert {answer.status for answer in answers} == {401}
        assert (questions(browser), calls(browser)) == (1, 100)
        for provider in providers:
            assert provider.use_session().status == "authenticated"

    run(page)


@pytest.mark.parametrize(("method", "of"), [("GET", "alan"), ("HEAD", "alan"), ("POST", None), ("DELETE", None)])
def test_a_refused_call_goes_on_as_another_person_only_where_it_changes_nothing(method: str, of: str | None) -> None:
    async def page(browser: Browser) -> None:
        signed_in(browser)
        [provider] = await following(browser, 1)
        browser.backend.revoked.add(browser.cookie.login)  # type: ignore[union-attr]
        call = asyncio.create_task(provider.auth_fetch(ORDERS, method=method))
        await asyncio.sleep(0.06)
        browser.backend.users["alan"] = "pw"
        browser.cookie = browser.backend.login("alan")
        answer = await call
        assert (answer.status, calls(browser)) == ((200, 2) if of else (401, 1))
        if of:
            assert (await answer.json())["of"] == of
        session = provider.use_session().session
        assert session is not None and session.user.name == "alan"

    run(page)


def test_a_call_that_leaves_with_the_question_waits_for_no_other_answer() -> None:
    """A stamp is in whole milliseconds, and the clock is not."""

    async def page(browser: Browser) -> None:
        signed_in(browser, refuses)
        await asyncio.sleep(0.0005)
        browser.journey = lambda tab, request: (0.02, 0.03 if ORDERS in request.url else 0.2, browser.fault)
        provider = Provider()
        before = browser.now()
        assert (await provider.auth_fetch(ORDERS)).status == 401
        assert browser.now() - before < 1
        assert calls(browser) == 2

    run(page)


def test_nothing_is_sent_again_that_could_not_be_answered_in_time() -> None:
    async def page(browser: Browser) -> None:
        signed_in(browser, refuses)
        [provider] = await following(browser, 1)
        call = asyncio.create_task(provider.auth_fetch(ORDERS, method="POST"))
        await asyncio.sleep(0.06)
        browser.set_clock(30)
        assert (await call).status == 401
        assert calls(browser) == 1

    run(page)


def test_headers_are_a_mapping() -> None:
    async def page(browser: Browser) -> None:
        browser.backend.api[ORDERS] = lambda request, session: ApiAnswer(200, [], {"X-Kind": "orders"})
        answer = await auth_fetch(ORDERS)
        assert dict(answer.headers)["x-kind"] == "orders"
        assert dict(answer.headers.items()) == dict(answer.headers)

    run(page)


def test_a_refusal_is_the_answer_when_nobody_can_say_who_is_signed_in() -> None:
    async def page(browser: Browser) -> None:
        signed_in(browser, refuses)
        [provider] = await following(browser, 1)
        call = asyncio.create_task(provider.auth_fetch(ORDERS, timeout=30))
        await asyncio.sleep(0.06)
        browser.fault = Answer(500, "")
        assert (await call).status == 401
        assert provider.use_session().status == "authenticated"

    run(page)


@pytest.mark.parametrize("fault", [HANG, UNREACHABLE])
def test_what_does_not_come_back_raises(fault: str) -> None:
    async def page(browser: Browser) -> None:
        signed_in(browser)
        [provider] = await following(browser, 1)
        browser.fault = fault
        before = browser.now()
        with pytest.raises(BackendUnreachable):
            await provider.auth_fetch(ORDERS, timeout=3)
        assert browser.now() - before <= 3.1
        assert calls(browser) == 1

    run(page)


def test_a_call_with_a_token_waits_for_the_first_answer_no_longer_than_it_may_take() -> None:
    async def page(browser: Browser) -> None:
        signed_in(browser)
        browser.fault = HANG
        provider = Provider(default=False)
        before = browser.now()
        with pytest.raises(BackendUnreachable, match="in time"):
            await provider.auth_fetch(ORDERS, token=True, timeout=3)
        assert browser.now() - before <= 3.1
        assert calls(browser) == 0

    run(page)


def test_a_redirect_is_not_followed() -> None:
    async def page(browser: Browser) -> None:
        browser.backend.api[ORDERS] = lambda request, session: Answer(307, "", redirected=True)
        with pytest.raises(UnexpectedAnswer, match="is not followed"):
            await auth_fetch(ORDERS)

    run(page)


def test_a_busy_api_is_asked_again_after_the_time_it_names() -> None:
    async def page(browser: Browser) -> None:
        answers = [ApiAnswer(200, "done"), ApiAnswer(503, "", {"Retry-After": "5"})]
        browser.backend.api[ORDERS] = lambda request, session: answers.pop()
        before = browser.now()
        assert await (await auth_fetch(ORDERS)).text() == "done"
        assert 5 < browser.now() - before < 5.3

    run(page)


@pytest.mark.parametrize("after", ["9" * 400, "9" * 5000, "²", "-5", "soon"])
def test_a_busy_api_that_names_no_time_that_is_soon_is_not_asked_again(after: str) -> None:
    async def page(browser: Browser) -> None:
        browser.backend.api[ORDERS] = lambda request, session: ApiAnswer(503, "", {"Retry-After": after})
        assert (await auth_fetch(ORDERS)).status == 503
        assert len(browser.requests) == 1

    run(page)


def test_a_call_that_was_busy_and_then_refused_asks_who_is_signed_in() -> None:
    async def page(browser: Browser) -> None:
        signed_in(browser)
        provider = browser.open_tab()
        await provider.ready()
        answers = [ApiAnswer(401), ApiAnswer(503, "", {"Retry-After": "1"})]
        browser.backend.api[ORDERS] = lambda request, session: answers.pop()
        browser.cookie = None
        assert (await provider.auth_fetch(ORDERS)).status == 401
        assert provider.use_session().status == "unauthenticated"
        assert answers == []

    run(page)


def test_cancelling_ends_the_request() -> None:
    async def page(browser: Browser) -> None:
        signed_in(browser)
        tab = browser.tab()
        provider = Provider(host=tab, default=False)
        await provider.ready()
        for end in ("cancel", "stop"):
            browser.fault = HANG
            call = asyncio.create_task(provider.auth_fetch(ORDERS))
            await asyncio.sleep(0.1)
            assert tab.sendings
            if end == "cancel":
                call.cancel()
                with pytest.raises(asyncio.CancelledError):
                    await call
            else:
                provider.stop()
                with pytest.raises(BackendUnreachable, match="stopped"):
                    await call
            assert not tab.sendings

    run(page)


def test_stopping_ends_the_wait_for_who_is_signed_in() -> None:
    async def page(browser: Browser) -> None:
        signed_in(browser, refuses)
        [provider] = await following(browser, 1)
        call = asyncio.create_task(provider.auth_fetch(ORDERS))
        await asyncio.sleep(0.1)
        provider.stop()
        with pytest.raises(BackendUnreachable, match="stopped"):
            await call

    run(page)


def test_a_token_waits_for_the_first_answer() -> None:
    async def page(browser: Browser) -> None:
        signed_in(browser)
        browser.backend.extra["accessToken"] = "secret"
        provider = browser.open_tab()
        assert (await (await provider.auth_fetch(ORDERS, token=True)).json())["bearer"] == "Bearer secret"
        browser.fault = UNREACHABLE
        other = browser.open_tab(base_path="/other/api/auth")
        with pytest.raises(BackendUnreachable):
            await other.auth_fetch(ORDERS, token=True)

    run(page)
