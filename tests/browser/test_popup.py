"""sign_in(popup=True): the sign-in goes on in a window of its own, and the page stays."""

from __future__ import annotations

from playwright.sync_api import Page, expect

from tests.browser.backend import Backend
from tests.browser.snippets import FOLLOW, HTML, SHOW
from tests.browser.tabs import Tab, Tabs, micropython_only

# The window opens while the click is handled, so that the handler is no coroutine.
POPUP = """
import asyncio
Provider()
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


def page_with_popup(tabs: Tabs, arguments: str = "'dev-idp'") -> Tab:
    tab = tabs.python(SHOW + POPUP.format(arguments=arguments) + FOLLOW, html=HTML)
    tab.shows(status="unauthenticated")
    return tab


def press_go(tab: Tab) -> Page:
    """The window that a click opens."""
    with tab.page.expect_popup() as opened:
        tab.element("go").click()
    return opened.value


def decide(window: Page, decision: str) -> None:
    with window.expect_event("close"):
        window.get_by_role("button", name=decision).click()


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


def test_a_refusal_in_the_window_is_a_result(tabs: Tabs) -> None:
    tab = page_with_popup(tabs)
    window = press_go(tab)
    decide(window, "Refuse")
    tab.shows(result="Callback", status="unauthenticated")


def test_a_window_that_is_closed_is_a_failure_after_which_one_can_try_again(tabs: Tabs) -> None:
    tab = page_with_popup(tabs)
    window = press_go(tab)
    expect(window.get_by_role("button", name="Allow")).to_be_visible()
    window.close()
    tab.shows(result="PopupFailed", status="unauthenticated")
    decide(press_go(tab), "Allow")
    tab.shows(result="ok", status="authenticated")


def test_where_the_browser_opens_no_window_the_call_says_so(tabs: Tabs) -> None:
    tab = page_with_popup(tabs)
    tab.page.evaluate("window.open = () => null")
    tab.element("go").click()
    tab.shows(result="PopupFailed", status="unauthenticated")


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
