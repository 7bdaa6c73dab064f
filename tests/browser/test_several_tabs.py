"""Tabs of one browser tell each other."""

from __future__ import annotations

from tests.browser.following import session_queries
from tests.support.backend import Backend
from tests.support.engines import expect
from tests.support.tabs import Tab, Tabs, contract, pyodide_only

pytestmark = contract


def sign_in(tab: Tab) -> None:
    tab.page.get_by_label("Username").fill("ada")
    tab.page.get_by_label("Password").fill("lovelace")
    tab.button("Sign in").click()


def two_demos(tabs: Tabs, who: str) -> tuple[Tab, Tab]:
    """Two tabs that know who it is, and have nothing on its way any more."""
    one, other = tabs.demo(), tabs.demo()
    for tab in (one, other):
        tab.shows(who=who, refreshing="no", state_failing="off")
        expect(tab.page.locator("[data-auth-providers] button").first).to_be_visible()
    return one, other


def test_a_sign_in_shows_in_another_tab_that_asks_nothing_itself(tabs: Tabs) -> None:
    one, other = two_demos(tabs, "Not signed in")
    asked = len(other.all_requests)
    sign_in(one)
    one.shows(who="Signed in as Ada Lovelace")
    other.shows(who="Signed in as Ada Lovelace", status="authenticated")
    assert other.requests("session")[1:] == []
    assert [request.url for request in other.all_requests[asked:] if "/api/auth/assets" not in request.url] == []


def test_a_sign_out_shows_in_another_tab_with_no_request_at_all(tabs: Tabs, backend: Backend) -> None:
    backend.sign_in(tabs.context)
    one, other = two_demos(tabs, "Signed in as Ada Lovelace")
    asked = len(session_queries(backend))
    one.button("Sign out").click()
    one.shows(who="Not signed in")
    other.shows(who="Not signed in", status="unauthenticated")
    assert len(session_queries(backend)) == asked


def test_a_sign_in_in_each_tab_in_turn_reaches_the_other(tabs: Tabs) -> None:
    one, other = tabs.demo(), tabs.demo()
    one.shows(who="Not signed in")
    other.shows(who="Not signed in")
    sign_in(one)
    other.shows(who="Signed in as Ada Lovelace")
    other.button("Sign out").click()
    one.shows(who="Not signed in")
    sign_in(one)
    other.shows(who="Signed in as Ada Lovelace")
    assert len(other.requests("session")) <= 1, "what the other tab was told when it was opened may be enough"


@pyodide_only
def test_a_page_on_pyodide_and_one_on_micropython_follow_each_other(tabs: Tabs) -> None:
    one, other = tabs.demo(), tabs.tab()
    other.page.goto("/?interpreter=micropython")
    other.shows(who="Not signed in")
    sign_in(one)
    other.shows(who="Signed in as Ada Lovelace")
    other.button("Sign out").click()
    one.shows(who="Not signed in")
    assert len(one.requests("session")) <= 2
    assert len(other.requests("session")) <= 1, "what the other tab was told when it was opened may be enough"
