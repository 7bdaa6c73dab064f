"""sign_in(popup=True): the sign-in goes on in a window of its own, and the page stays."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from playwright.sync_api import Page, Route

from tests.browser.following import UNMOVED, Bystander, session_queries
from tests.browser.snippets import FOLLOW, HTML, SHOW
from tests.support.backend import Backend
from tests.support.engines import expect
from tests.support.proxy import Proxy
from tests.support.tabs import Tab, Tabs, contract, contract_in_one, first_on_pyodide, micropython_only

# The window opens while the click is handled, so that the handler is no coroutine.
POPUP = """
import asyncio
Provider({unmoved})
tasks = []

async def follow_up(task):
    try:
        result = await task
        show("result", "ok" if result else result.error)
    except NextAuthError as error:
        show("result", error.code)

@when("click", "#go")
def enter(event):
    tasks.append(asyncio.create_task(follow_up(sign_in({arguments}, popup=True))))
"""


def page_with_popup(tabs: Tabs, arguments: str = "'dev-idp'", status: str = "unauthenticated") -> Tab:
    tab = tabs.python(SHOW + POPUP.format(arguments=arguments, unmoved=UNMOVED) + FOLLOW, html=HTML)
    tab.shows(status=status)
    return tab


def press_go(tab: Tab) -> Page:
    """The window that a click opens."""
    with tab.page.expect_popup() as opened:
        tab.element("go").click()
    return opened.value


def decide(window: Page, decision: str) -> None:
    with window.expect_event("close"):
        window.get_by_role("button", name=decision).click()


@contract
def test_one_signs_in_in_a_window_and_every_tab_follows(tabs: Tabs) -> None:
    tab, other = page_with_popup(tabs), page_with_popup(tabs)
    address = tab.page.url
    window = press_go(tab)
    expect(window.get_by_label("Alan Turing")).to_be_visible()
    window.get_by_label("Alan Turing").check()
    decide(window, "Allow")
    tab.shows(result="ok", who="Alan Turing")
    other.shows(who="Alan Turing")
    assert tab.page.url == address
    assert tab.navigations[1:] == other.requests("session")[1:] == []


@contract_in_one
def test_a_refusal_in_the_window_is_a_result(tabs: Tabs) -> None:
    tab = page_with_popup(tabs)
    window = press_go(tab)
    decide(window, "Refuse")
    tab.shows(result="Callback", status="unauthenticated")


@contract_in_one
def test_a_window_that_is_closed_is_a_failure_after_which_one_can_try_again(tabs: Tabs) -> None:
    tab = page_with_popup(tabs)
    window = press_go(tab)
    expect(window.get_by_role("button", name="Allow")).to_be_visible()
    window.close()
    tab.shows(result="PopupClosed", status="unauthenticated")
    decide(press_go(tab), "Allow")
    tab.shows(result="ok", status="authenticated")


@contract_in_one
def test_where_the_browser_opens_no_window_the_call_says_so(tabs: Tabs) -> None:
    tab = page_with_popup(tabs)
    tab.page.evaluate("[window.open, window.opens] = [() => null, window.open]")
    tab.element("go").click()
    tab.shows(result="PopupBlocked", status="unauthenticated")
    tab.page.evaluate("window.open = opens")  # another test may get this page


@micropython_only
def test_the_backends_own_page_opens_in_a_window_too(tabs: Tabs, backend: Backend) -> None:
    tab = page_with_popup(tabs, "None")
    window = press_go(tab)
    window.get_by_label("Username").fill("ada")
    window.get_by_label("Password").fill("lovelace")
    with window.expect_event("close"):
        window.get_by_role("button", name="Sign in", exact=True).click()
    tab.shows(result="ok", who="Ada Lovelace")


@micropython_only
def test_credentials_need_no_window_and_leave_none(tabs: Tabs) -> None:
    tab = page_with_popup(tabs, "'credentials', redirect=False, username='ada', password='lovelace'")
    window = press_go(tab)
    tab.shows(result="ok", who="Ada Lovelace")
    assert window.is_closed()


def test_the_page_in_the_window_cannot_lead_its_opener_elsewhere(tabs: Tabs) -> None:
    tab = page_with_popup(tabs)
    window = press_go(tab)
    expect(window.get_by_role("button", name="Allow")).to_be_visible()
    assert window.evaluate("window.opener === null")
    decide(window, "Allow")
    tab.shows(result="ok", status="authenticated")


# ── where it ends ────────────────────────────────────────────────────────────────────────────────


@first_on_pyodide
@pytest.mark.parametrize(
    "callback_url",
    [
        "/blank.html?q=it's",
        "/blank.html?q=a b&r=<é>|`{}",
        "/./x/../blank.html?q=1#part",
        "HTTP://127.0.0.1:{port}/blank.html",
    ],
)
def test_it_ends_where_it_was_to_end_however_that_is_written(tabs: Tabs, callback_url: str) -> None:
    tabs.site.write("/blank.html", "")
    callback_url = callback_url.replace("{port}", tabs.backend.url.rpartition(":")[2])
    tab = page_with_popup(tabs, f"'dev-idp', callback_url={callback_url!r}")
    decide(press_go(tab), "Allow")
    tab.shows(result="ok", status="authenticated")


def test_it_ends_where_the_server_leads_on_to(tabs: Tabs, backend: Backend) -> None:
    def moved(path: str) -> tuple[str | None, str]:
        return ("/docs/" if path == "/docs" else None), path

    with Proxy(backend, moved=moved) as proxy, Tabs(tabs.context, tabs.site, proxy, tabs.interpreter, None) as others:
        proxy.pages["/docs/"] = lambda: ({}, "<p>Done</p>")
        tab = page_with_popup(others, "'dev-idp', callback_url='/docs'")
        decide(press_go(tab), "Allow")
        tab.shows(result="ok", status="authenticated")


def test_a_page_of_the_sites_own_to_sign_in_on_is_not_the_end(tabs: Tabs, backend: Backend) -> None:
    def moved(path: str) -> tuple[str | None, str]:
        return ("/enter.html" if path.startswith("/api/auth/signin?") else None), path

    with Proxy(backend, moved=moved) as proxy, Tabs(tabs.context, tabs.site, proxy, tabs.interpreter, None) as others:
        proxy.pages["/enter.html"] = lambda: ({}, '<a href="/step.html">On</a>')
        proxy.pages["/step.html"] = lambda: ({}, '<a href="/welcome.html">Enter</a>')
        proxy.pages["/welcome.html"] = lambda: ({}, "<p>Welcome</p>")
        tab = page_with_popup(others, "None, callback_url='/never.html'")
        window = press_go(tab)
        with Bystander(others) as bystander:
            for number, link in ((2, "On"), (3, "Enter")):
                bystander.until(lambda number=number: len(tab.requests("session")) >= number)
                if link == "Enter":
                    proxy.sign_in(others.context)
                    with window.expect_event("close"):
                        window.get_by_text(link).click()
                else:
                    window.get_by_text(link).click()
        tab.shows(result="ok", status="authenticated")


# ── a page that the window hides from ────────────────────────────────────────────────────────────


@pytest.fixture
def hiding_tabs(tabs: Tabs, backend: Backend) -> Iterator[Tabs]:
    """As Django has it by default, and as PyScript's isolated workers need it; the identity provider says nothing."""

    def headers(path: str) -> dict[str, str]:
        return {"cross-origin-opener-policy": "same-origin"} if path.startswith("/page-") else {}

    with (
        Proxy(backend, headers=headers) as proxy,
        Tabs(tabs.context, tabs.site, proxy, tabs.interpreter, None) as others,
    ):
        yield others


def looks_whether_it_hides(tab: Tab) -> bool:
    return any(request.method == "HEAD" for request in tab.all_requests)


@contract
def test_a_window_that_hides_tells_the_page_and_closes_itself(hiding_tabs: Tabs) -> None:
    tab = page_with_popup(hiding_tabs)
    window = press_go(tab)
    expect(window.get_by_role("button", name="Allow")).to_be_visible()
    decide(window, "Allow")
    tab.shows(result="ok", status="authenticated")
    assert tab.navigations[1:] == []
    assert looks_whether_it_hides(tab)  # it did, so that the window could not be looked at


@micropython_only
def test_a_window_that_hides_and_is_closed_by_hand_is_given_up_after_five_minutes(hiding_tabs: Tabs) -> None:
    """Nobody can tell the page that it is closed."""
    hiding_tabs.context.clock.install()
    tab = page_with_popup(hiding_tabs)
    window = press_go(tab)
    expect(window.get_by_role("button", name="Allow")).to_be_visible()
    with Bystander(hiding_tabs) as bystander:
        bystander.until(lambda: looks_whether_it_hides(tab))
    window.close()
    tab.page.clock.fast_forward("04:30")
    tab.shows(result="", status="unauthenticated")
    tab.page.clock.fast_forward("00:31")
    tab.shows(result="PopupTimedOut", status="unauthenticated")


@micropython_only
def test_a_window_may_hide_from_a_page_whose_server_knows_no_head(hiding_tabs: Tabs) -> None:
    """As FastAPI's routes."""
    tab = page_with_popup(hiding_tabs)
    tab.expect_problem("status of 405")

    def answer(route: Route) -> None:
        if route.request.method == "HEAD":
            route.fulfill(status=405)
        else:
            route.continue_()

    tab.page.route("**/page-*", answer)
    window = press_go(tab)
    expect(window.get_by_role("button", name="Allow")).to_be_visible()
    with Bystander(hiding_tabs) as bystander:
        bystander.until(lambda: looks_whether_it_hides(tab))
    decide(window, "Allow")
    tab.shows(result="ok", status="authenticated")


@micropython_only
def test_a_page_with_somebody_signed_in_waits_for_a_window_that_hides(hiding_tabs: Tabs, backend: Backend) -> None:
    """As one that links another account: that it has asked once more meanwhile says nothing of the window."""
    backend.sign_in(hiding_tabs.context)
    tab = page_with_popup(hiding_tabs, status="authenticated")
    window = press_go(tab)
    expect(window.get_by_role("button", name="Allow")).to_be_visible()
    with Bystander(hiding_tabs) as bystander:
        bystander.until(lambda: looks_whether_it_hides(tab))
        asked = len(session_queries(backend))
        bystander.send_as_v5()
        bystander.until(lambda: len(session_queries(backend)) > asked)
        assert bystander.until_quiet(0.5) == asked + 1
    tab.shows(result="", status="authenticated")
    decide(window, "Allow")
    tab.shows(result="ok", status="authenticated")
