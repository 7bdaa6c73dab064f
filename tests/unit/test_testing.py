"""nextauth_client.testing: a real Provider in virtual time, as users' tests drive it."""

from __future__ import annotations

import asyncio
import threading
import time
from typing import Any

import nextauth_client
import pytest
from nextauth_client import (
    BackendUnreachable,
    CookiesBlocked,
    CSRFRefused,
    PopupBlocked,
    PopupTimedOut,
    Provider,
    SignInResult,
    UnexpectedAnswer,
    UnsafeURL,
    effect,
)
from nextauth_client.host import Answer
from nextauth_client.testing import HANG, TORN, UNREACHABLE, Browser, Window, iso, run


def name(provider: Provider) -> str | None:
    state = provider.use_session()
    return None if state.session is None else str(state.session.user.name)


async def sign_in(provider: Any, password: str = "pw") -> Any:
    return await provider.sign_in("credentials", username="jsmith", password=password, redirect=False)


def test_an_hour_passes_at_once() -> None:
    async def page(browser: Browser) -> float:
        before = browser.now()
        await asyncio.sleep(3600)
        return browser.now() - before

    started = time.monotonic()
    assert run(page) == 3600
    assert time.monotonic() - started < 3600


def test_what_the_page_raises_comes_out() -> None:
    async def page(browser: Browser) -> None:
        raise LookupError("on purpose")

    with pytest.raises(LookupError, match="on purpose"):
        run(page)


def test_it_runs_where_a_loop_runs_already() -> None:
    async def page(browser: Browser) -> int:
        return 5

    async def outer() -> int:
        return run(page)

    found: list[int] = []
    # A thread of its own, because another test may have left a loop in this one.
    thread = threading.Thread(target=lambda: found.append(asyncio.run(outer())))
    thread.start()
    thread.join()
    assert found == [5]


def test_waiting_for_what_never_comes_is_an_error_not_a_hang() -> None:
    async def page(browser: Browser) -> None:
        await asyncio.get_running_loop().create_future()

    with pytest.raises(RuntimeError, match="never come"):
        run(page)


def test_what_a_page_leaves_running_is_cancelled() -> None:
    ended: list[str] = []

    async def forever() -> None:
        try:
            await asyncio.sleep(10**6)
        finally:
            ended.append("yes")

    async def page(browser: Browser) -> None:
        task = asyncio.create_task(forever())
        await asyncio.sleep(1)
        assert not task.done()

    run(page)
    assert ended == ["yes"]


async def test_a_person_signs_in_and_out_and_the_other_tab_follows(auth_browser: Browser) -> None:
    one, two = auth_browser.open_tab(), auth_browser.open_tab()
    await one.ready()
    assert await sign_in(one)
    await asyncio.sleep(1)
    assert (name(one), name(two)) == ("jsmith", "jsmith")
    before = len(auth_browser.requests)
    result = await one.sign_out(redirect=False)
    assert result.url == "https://example.org/"
    await asyncio.sleep(1)
    assert (name(one), name(two)) == (None, None)
    assert auth_browser.requests[before:] == ["GET /csrf", "POST /signout"]
    assert auth_browser.cookie is None


def test_the_same_page_runs_the_same_way_twice() -> None:
    async def page(browser: Browser) -> list[str]:
        browser.cookie = browser.backend.login()
        tabs = [browser.open_tab(keep_alive=7) for _ in range(3)]
        await asyncio.sleep(20)
        await tabs[1].refresh()
        await tabs[2].sign_out(redirect=False)
        return browser.requests

    assert run(page) == run(page)


async def test_a_wrong_password_is_a_result(auth_browser: Browser) -> None:
    provider = auth_browser.open_tab()
    result = await sign_in(provider, "wrong")
    assert not result
    assert result.error == "CredentialsSignin"


def test_an_effect_follows_in_virtual_time() -> None:
    async def page(browser: Browser) -> list[str | None]:
        browser.cookie = browser.backend.login("Ada")
        provider = browser.open_tab()
        seen: list[str | None] = []

        @effect
        def show() -> None:
            session, loading = provider.use_session()
            if not loading:
                seen.append(None if session is None else session.user.name)

        await asyncio.sleep(1)
        browser.cookie = None
        browser.tabs[0].focus()
        await asyncio.sleep(1)
        return seen

    assert run(page) == ["Ada", None]


@pytest.mark.parametrize(
    "fault, error",
    [
        (UNREACHABLE, BackendUnreachable),
        (HANG, BackendUnreachable),
        (TORN, BackendUnreachable),
        (Answer(502, "<html>"), UnexpectedAnswer),
        (Answer(200, ""), UnexpectedAnswer),
    ],
    ids=["unreachable", "hang", "torn", "502", "empty"],
)
async def test_faults_are_shown_and_the_page_recovers(
    fault: Any, error: type[Exception], auth_browser: Browser
) -> None:
    auth_browser.cookie = auth_browser.backend.login()
    provider = auth_browser.open_tab(timeout=5)
    await provider.ready()
    auth_browser.fault = fault
    with pytest.raises(error):
        await provider.get_session()
    assert name(provider) == "jsmith"
    auth_browser.fault = None
    await asyncio.sleep(10)
    assert provider.use_session().error is None


def test_a_hang_ends_after_the_timeout() -> None:
    async def page(browser: Browser) -> float:
        browser.fault = HANG
        provider = browser.open_tab(timeout=5)
        before = browser.now()
        with pytest.raises(BackendUnreachable):
            await provider.ready()
        return browser.now() - before

    assert run(page) == pytest.approx(5)


async def test_offline_and_back(auth_browser: Browser) -> None:
    auth_browser.set_online(False)
    provider = auth_browser.open_tab()
    await asyncio.sleep(300)
    assert provider.use_session().loading
    auth_browser.set_online(True)
    await asyncio.sleep(1)
    assert not provider.use_session().loading

    auth_browser.set_online(False)
    auth_browser.cookie = auth_browser.backend.login()
    with pytest.raises(BackendUnreachable):
        await provider.refresh()
    asked = len(auth_browser.requests)
    await asyncio.sleep(300)
    assert len(auth_browser.requests) == asked
    auth_browser.set_online(True)
    await asyncio.sleep(1)
    assert name(provider) == "jsmith"


async def test_a_hanging_sign_out_raises_and_what_became_of_it_is_asked(auth_browser: Browser) -> None:
    auth_browser.cookie = auth_browser.backend.login()
    one, two = auth_browser.open_tab(timeout=5), auth_browser.open_tab(timeout=5)
    await one.ready()
    task = one.sign_out(redirect=False)
    await asyncio.sleep(0.03)  # its token is on the way
    auth_browser.fault = TORN
    with pytest.raises(BackendUnreachable):
        await task
    auth_browser.fault = None
    await asyncio.sleep(10)
    assert (name(one), name(two)) == (None, None)


async def test_a_sign_out_without_a_token_changes_nothing_and_asks_nothing(auth_browser: Browser) -> None:
    auth_browser.cookie = auth_browser.backend.login()
    provider = auth_browser.open_tab()
    await provider.ready()
    auth_browser.fault = Answer(500, "")
    before = len(auth_browser.requests)
    with pytest.raises(UnexpectedAnswer):
        await provider.sign_out(redirect=False)
    auth_browser.fault = None
    await asyncio.sleep(10)
    assert name(provider) == "jsmith"
    assert auth_browser.requests[before:] == ["GET /csrf"]


async def test_a_refused_token_is_fetched_anew_once(auth_browser: Browser) -> None:
    auth_browser.cookie = auth_browser.backend.login()
    provider = auth_browser.open_tab()
    await provider.ready()
    task = provider.sign_out(redirect=False)
    await asyncio.sleep(0.06)
    auth_browser.backend.csrf_token = "another"
    await task
    assert name(provider) is None


async def test_a_token_that_is_refused_twice_raises_and_nothing_has_changed(auth_browser: Browser) -> None:
    auth_browser.cookie = auth_browser.backend.login()
    provider = auth_browser.open_tab()
    await provider.ready()
    task = provider.sign_out(redirect=False)
    for _ in range(2):
        await asyncio.sleep(0.06)
        auth_browser.backend.csrf_token += "x"
        await asyncio.sleep(0.04)
    with pytest.raises(CSRFRefused):
        await task
    await asyncio.sleep(1)
    assert name(provider) == "jsmith"


async def test_where_cookies_are_blocked_nobody_signs_in_and_the_error_says_why(auth_browser: Browser) -> None:
    auth_browser.blocks_cookies = True
    provider = auth_browser.open_tab()
    with pytest.raises(CookiesBlocked):
        await provider.sign_in("credentials", username="jsmith", password="pw", redirect=False)
    with pytest.raises(CookiesBlocked):
        await provider.update_session({})
    auth_browser.blocks_cookies = False
    assert await provider.sign_in("credentials", username="jsmith", password="pw", redirect=False)
    auth_browser.blocks_cookies = True
    assert await provider.get_session() is None


async def test_an_update_reaches_both_tabs(auth_browser: Browser) -> None:
    auth_browser.cookie = auth_browser.backend.login()
    one, two = auth_browser.open_tab(), auth_browser.open_tab()
    await one.ready()
    session = await one.update_session({"theme": "dark"})
    assert session is not None
    assert session.theme == "dark"
    await asyncio.sleep(1)
    assert two.use_session().session.theme == "dark"


async def test_a_session_expires_on_the_backends_clock(auth_browser: Browser) -> None:
    auth_browser.backend.skew = -7200
    auth_browser.backend.session_length = 60
    auth_browser.cookie = auth_browser.backend.login()
    provider = auth_browser.open_tab()
    await provider.ready()
    auth_browser.fault = HANG
    await asyncio.sleep(50)
    assert name(provider) == "jsmith"
    await asyncio.sleep(30)
    assert name(provider) is None


async def test_a_revoked_login_is_gone_at_the_next_focus(auth_browser: Browser) -> None:
    auth_browser.cookie = auth_browser.backend.login()
    provider = auth_browser.open_tab()
    await asyncio.sleep(5)
    auth_browser.backend.revoked.add(auth_browser.cookie.login)
    auth_browser.tabs[0].blur()
    await asyncio.sleep(1)
    assert name(provider) is None


async def test_the_back_forward_cache_keeps_a_page_and_brings_it_up_to_date(auth_browser: Browser) -> None:
    auth_browser.cookie = auth_browser.backend.login()
    one, two = auth_browser.open_tab(), auth_browser.open_tab()
    await asyncio.sleep(1)
    auth_browser.tabs[1].leave()
    await one.sign_out(redirect=False)
    await asyncio.sleep(5)
    assert name(two) == "jsmith"  # nobody sees it
    auth_browser.tabs[1].come_back()
    assert two.use_session().loading
    await asyncio.sleep(1)
    assert name(two) is None


async def test_a_tab_that_crashes_with_the_lock_stops_nobody(auth_browser: Browser) -> None:
    providers = [auth_browser.open_tab() for _ in range(3)]
    await asyncio.sleep(1)
    auth_browser.cookie = auth_browser.backend.login()
    auth_browser.latency = 2
    auth_browser.js_client_says("getSession")
    await asyncio.sleep(0.5)
    [holder] = auth_browser.lock_holders.values()
    index = auth_browser.tabs.index(holder)  # type: ignore[arg-type]
    auth_browser.tabs[index].crash()
    await asyncio.sleep(10)
    assert [name(provider) for provider in providers if provider is not providers[index]] == ["jsmith"] * 2


@pytest.mark.parametrize("locks", [True, False])
@pytest.mark.parametrize("channels", [True, False])
def test_tabs_follow_each_other_with_whatever_the_browser_has(locks: bool, channels: bool) -> None:
    async def page(browser: Browser) -> None:
        one, two = browser.open_tab(), browser.open_tab()
        await one.ready()
        await sign_in(one)
        await asyncio.sleep(1)
        assert (name(one), name(two)) == ("jsmith", "jsmith")

    run(page, locks=locks, channels=channels)


async def test_sleep_and_clock_do_what_they_say(auth_browser: Browser) -> None:
    auth_browser.backend.session_length = 60
    auth_browser.cookie = auth_browser.backend.login()
    provider = auth_browser.open_tab()
    await provider.ready()
    auth_browser.suspend(3600)
    await asyncio.sleep(1)
    assert name(provider) is None
    before = auth_browser.now()
    auth_browser.set_clock(-100)
    assert auth_browser.now() == before - 100


async def test_stop_leaves_nothing(auth_browser: Browser) -> None:
    provider = auth_browser.open_tab(keep_alive=5)
    auth_browser.fault = HANG
    await asyncio.sleep(1)
    provider.stop()
    assert auth_browser.tabs == []
    assert not auth_browser.lock_holders
    asked = len(auth_browser.requests)
    await asyncio.sleep(100)
    assert len(auth_browser.requests) == asked


async def test_js_clients_are_told_and_heard(auth_browser: Browser) -> None:
    provider = auth_browser.open_tab()
    await provider.refresh()
    assert auth_browser.told_js_clients == ["getSession"]
    auth_browser.cookie = auth_browser.backend.login()
    auth_browser.js_client_says()
    await asyncio.sleep(1)
    assert name(provider) == "jsmith"
    assert auth_browser.told_js_clients == ["getSession"]


async def test_where_a_page_was_sent_can_be_read(auth_browser: Browser) -> None:
    tab = auth_browser.tab("https://example.org/shop?x=1")
    provider = Provider(host=tab, default=False)
    await provider.sign_in("github")
    assert tab.visited == ["https://accounts.example/authorize"]
    assert tab.take_departure()
    assert not tab.take_departure()
    await provider.sign_in()
    assert tab.visited[1].startswith("https://example.org/api/auth/signin?callbackUrl=https%3A%2F%2Fexample.org%2Fshop")
    with pytest.raises(UnsafeURL):
        await tab.navigate("javascript:alert(1)")


async def test_a_sign_in_in_a_window_is_played_by_the_test(auth_browser: Browser) -> None:
    tab = auth_browser.tab("https://example.org/shop")
    provider, other = Provider(host=tab, default=False), auth_browser.open_tab()
    signing_in = provider.sign_in("github", popup=True)
    [window] = tab.windows
    await asyncio.sleep(5)
    assert window.visited == ["https://accounts.example/authorize"]
    auth_browser.cookie = auth_browser.backend.login()
    window.shows("https://example.org/shop")
    assert await signing_in
    assert window.closed and tab.visited == []
    await asyncio.sleep(1)
    assert name(provider) == name(other) == "jsmith"

    signing_in = provider.sign_in("github", popup=True)
    await asyncio.sleep(5)
    tab.windows[1].shows("https://example.org/api/auth/error?error=AccessDenied")
    assert (await signing_in).error == "AccessDenied"

    tab.opens_windows = False
    with pytest.raises(PopupBlocked):
        await provider.sign_in("github", popup=True)


async def test_of_a_window_that_hides_the_page_hears_what_every_tab_hears(auth_browser: Browser) -> None:
    tab = auth_browser.tab()
    provider = Provider(host=tab, default=False)

    def begin() -> tuple[asyncio.Task[SignInResult], Window]:
        signing_in = provider.sign_in("github", popup=True)
        tab.windows[-1].hides = True
        return signing_in, tab.windows[-1]

    signing_in, window = begin()
    await asyncio.sleep(250)
    assert not signing_in.done() and not window.closed
    auth_browser.cookie = auth_browser.backend.login()
    landing = auth_browser.tab()
    landing.is_popup = True
    Provider(host=landing, default=False)
    assert (await signing_in).url == "https://example.org/"
    assert name(provider) == "jsmith"
    await asyncio.sleep(1)
    assert landing not in auth_browser.tabs, "it closed itself"

    # Somebody signs in as another, and a question of this page's in the meantime says nothing of it.
    await provider.sign_out(redirect=False)
    signing_in, _ = begin()
    await asyncio.sleep(5)
    await provider.get_session()
    await asyncio.sleep(5)
    assert not signing_in.done()
    with pytest.raises(PopupTimedOut):
        await signing_in


async def test_a_window_that_a_sign_in_has_opened_stays_until_somebody_has_signed_in(auth_browser: Browser) -> None:
    window = auth_browser.tab()
    window.is_popup = True
    provider = Provider(host=window, default=False)
    await asyncio.sleep(60)
    assert window in auth_browser.tabs
    await sign_in(provider)
    await asyncio.sleep(1)
    assert window not in auth_browser.tabs


async def test_a_page_that_does_not_exist_is_not_json(auth_browser: Browser) -> None:
    provider = auth_browser.open_tab(base_path="/api/auth/nowhere")
    with pytest.raises(UnexpectedAnswer):
        await provider.ready()


def test_iso_is_what_the_wire_has() -> None:
    assert iso(1_790_000_000.25) == "2026-09-21T14:13:20.250Z"


def test_an_effect_of_an_answer_that_fails_takes_no_other_with_it(capsys: pytest.CaptureFixture[str]) -> None:
    async def page(browser: Browser) -> None:
        tab = browser.tab()
        provider = Provider(host=tab, default=False)

        def publish(_message: Any) -> None:
            raise MemoryError("a large session")

        tab.publish = publish  # type: ignore[method-assign]
        await asyncio.wait_for(provider.get_session(), 60)

    run(page)
    assert "a large session" in capsys.readouterr().err


async def test_a_query_without_a_provider_is_one_request_that_every_tab_learns_from(auth_browser: Browser) -> None:
    other = auth_browser.open_tab()
    await asyncio.sleep(1)
    auth_browser.cookie = auth_browser.backend.login()
    asked = len(auth_browser.requests)
    session = await nextauth_client.get_session()
    assert session is not None
    await asyncio.sleep(1)
    assert name(other) == "jsmith"
    assert auth_browser.requests[asked:] == ["GET /session"]


async def test_a_late_answer_elsewhere_does_not_undo_a_sign_out_without_a_provider(auth_browser: Browser) -> None:
    auth_browser.cookie = auth_browser.backend.login()
    other = auth_browser.open_tab()
    await other.ready()
    auth_browser.latency = 3.0
    refreshing = asyncio.create_task(other.refresh())
    await asyncio.sleep(0.1)
    auth_browser.latency = 0.1
    await nextauth_client.sign_out(redirect=False)
    await refreshing
    await asyncio.sleep(10)
    assert auth_browser.cookie is None
    assert other.use_session().status == "unauthenticated"


def test_what_fails_without_a_provider_and_without_anybody_waiting_is_on_the_console(
    capsys: pytest.CaptureFixture[str],
) -> None:
    async def page(browser: Browser) -> None:
        browser.fault = UNREACHABLE
        nextauth_client.sign_out(redirect=False)
        await asyncio.sleep(60)
        assert browser.tabs == []

    run(page)
    assert "BackendUnreachable" in capsys.readouterr().err


async def test_a_token_is_asked_for_after_the_first_query_whose_answer_may_bring_another(auth_browser: Browser) -> None:
    auth_browser.latency = 2.0
    provider = auth_browser.open_tab()
    await provider.get_csrf_token()
    assert auth_browser.requests == ["GET /session", "GET /csrf"]
    assert not provider.use_session().loading


async def test_the_page_that_one_signs_in_on_is_asked_for_after_the_first_query(auth_browser: Browser) -> None:
    auth_browser.latency = 2.0
    tab = auth_browser.tab()
    provider = Provider(host=tab, default=False)
    leaving = provider.sign_in()
    await asyncio.sleep(1.5)
    assert tab.visited == []
    await leaving
    assert len(tab.visited) == 1
    assert not provider.use_session().loading


async def test_all_readers_who_require_a_session_leave_together(auth_browser: Browser) -> None:
    tab = auth_browser.tab("https://example.org/private")
    provider = Provider(host=tab, default=False)
    for _ in range(3):
        effect(lambda: provider.use_session(required=True))
    await asyncio.sleep(1)
    [visited] = tab.visited
    assert visited.startswith("https://example.org/api/auth/signin?error=SessionRequired&callbackUrl=")
    assert tab.take_departure()


async def test_an_action_without_a_provider_is_followed_by_the_other_tabs(auth_browser: Browser) -> None:
    other = auth_browser.open_tab()
    await asyncio.sleep(1)
    asked = len(auth_browser.requests)
    await sign_in(nextauth_client)
    await asyncio.sleep(1)
    assert name(other) == "jsmith"
    assert auth_browser.requests[asked:].count("GET /session") == 1
    await nextauth_client.sign_out(redirect=False)
    await asyncio.sleep(1)
    assert other.use_session().status == "unauthenticated"
    assert auth_browser.requests[asked:].count("GET /session") == 1


# ── a page's own code, which speaks to the module's functions ─────────────────────────────────────


async def test_the_modules_functions_can_be_tested_outside_a_browser(auth_browser: Browser) -> None:
    auth_browser.cookie = auth_browser.backend.login()
    session = await nextauth_client.get_session()
    assert session is not None and session.user.name == "jsmith"
    assert "github" in await nextauth_client.get_providers()
    assert await nextauth_client.get_csrf_token() == "token"
    assert nextauth_client.explain_error() == ""
    assert not any(tab.hears for tab in auth_browser.tabs)  # a query alone leaves nothing behind


async def test_the_modules_functions_speak_to_the_provider_that_runs(auth_browser: Browser) -> None:
    auth_browser.cookie = auth_browser.backend.login()
    tab = auth_browser.tab("https://example.org/?error=AccessDenied")
    with Provider(host=tab):
        session = await nextauth_client.get_session()
        assert session is not None and session.user.name == "jsmith"
        assert nextauth_client.explain_error() == nextauth_client.explain_error("AccessDenied") != ""


@pytest.mark.parametrize("time", ["first", "second"])
def test_a_page_may_leave_its_provider_running(time: str) -> None:
    async def page(browser: Browser) -> None:
        assert Provider.current() is None
        await Provider(host=browser.tab()).ready()

    run(page)
    assert Provider.current() is None


def test_what_followed_a_provider_that_was_stopped_follows_the_next() -> None:
    shown: list[str | None] = []

    async def page(browser: Browser) -> None:
        stopped = Provider(host=browser.tab())
        await stopped.ready()

        @effect
        def show() -> None:
            session, _ = nextauth_client.use_session()
            shown.append(None if session is None else session.user.name)

        stopped.stop()
        browser.cookie = browser.backend.login()
        await Provider(host=browser.tab()).ready()

    run(page)
    assert shown[-1] == "jsmith"


def test_outside_a_page_and_a_test_nobody_is_asked() -> None:
    with pytest.raises(nextauth_client.NotAvailableHere):
        nextauth_client.use_session()
    with pytest.raises(nextauth_client.NotAvailableHere):
        nextauth_client.explain_error()


@pytest.mark.parametrize("given", [{"status": "ok"}, {"user": "Ada"}, {"expires": "soon"}])
async def test_what_is_no_session_is_not_taken_for_one(given: Any, auth_browser: Browser) -> None:
    with pytest.raises(ValueError, match="has a user"):
        Provider(given, host=auth_browser.tab())
    assert Provider.current() is None
