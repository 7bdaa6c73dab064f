"""Backends that are down or talk nonsense: it is said, nothing is lost, and nobody is signed out by it."""

from __future__ import annotations

import pytest
from playwright.sync_api import Route

from tests.browser.following import BROWSERS_OWN, OURS
from tests.browser.snippets import FOLLOW, HTML, SHOW
from tests.support.backend import Backend
from tests.support.engines import expect
from tests.support.tabs import Tab, Tabs, first_on_pyodide, micropython_only

UNREACHABLE = "The server cannot be reached just now. Check your connection and try again."
NONSENSE = "The server has a problem. Try again in a moment."


@micropython_only
@pytest.mark.parametrize(("kind", "sentence"), [("reset", UNREACHABLE), ("html-200", NONSENSE)])
def test_the_demo_says_that_the_backend_is_down_and_follows_when_it_is_well(
    tabs: Tabs, backend: Backend, kind: str, sentence: str
) -> None:
    backend.fault("session", kind)
    tab = tabs.demo()
    tab.expect_problem(BROWSERS_OWN, OURS)
    tab.shows(problem=sentence, status="loading", who="Loading")
    expect(tab.page.get_by_role("alert").filter(visible=True)).to_have_text(sentence)
    backend.heal("session")
    tab.shows(who="Not signed in", problem="")
    expect(tab.element("problem")).to_be_hidden()


@first_on_pyodide
@pytest.mark.parametrize("endpoint", ["providers", "csrf", "callback"])
def test_a_backend_that_is_down_at_sign_in_is_explained_beside_the_form(
    demo: Tab, backend: Backend, endpoint: str
) -> None:
    demo.expect_problem(BROWSERS_OWN)
    demo.shows(who="Not signed in")
    expect(demo.page.locator("[data-auth-providers] button").first).to_be_visible()  # has asked for providers, too
    backend.fault(endpoint, "reset")
    demo.page.get_by_label("Username").fill("ada")
    demo.page.get_by_label("Password").fill("lovelace")
    demo.button("Sign in").click()
    expect(demo.element("sign-in").get_by_role("alert")).to_have_text(UNREACHABLE)
    expect(demo.page.get_by_label("Username")).to_have_value("ada")
    demo.shows(status="unauthenticated")
    backend.heal(endpoint)
    demo.button("Sign in").click()
    demo.shows(who="Signed in as Ada Lovelace")


ACT = """
Provider(timeout=1)

@on_click("go")
async def act(event):
    try:
        await {call}
    except BackendUnreachable as error:
        show("result", str(error))
"""


@micropython_only
@pytest.mark.parametrize(
    ("call", "endpoint"),
    [
        ("sign_in('credentials', username='ada', password='lovelace', redirect=False)", "providers"),
        ("sign_in('credentials', username='ada', password='lovelace', redirect=False)", "csrf"),
        ("sign_in('credentials', username='ada', password='lovelace', redirect=False)", "callback"),
        ("sign_in('dev-idp')", "signin"),
        ("sign_out(redirect=False)", "signout"),
        ("update_session({})", "session"),
    ],
)
def test_a_backend_that_never_answers_an_action_is_an_error_in_time(
    tabs: Tabs, backend: Backend, call: str, endpoint: str
) -> None:
    backend.sign_in(tabs.context)
    tab = tabs.python(SHOW + ACT.format(call=call) + FOLLOW, html=HTML)
    tab.shows(who="Ada Lovelace")
    backend.fault(endpoint, "hang")
    tab.element("go").click()
    tab.contains(result="did not answer within 1 seconds. Try again")
    tab.shows(status="authenticated", who="Ada Lovelace")
    # Nothing is left waiting: the next one is done.
    backend.heal(endpoint)
    tab.element("go").click()
    if endpoint == "signout":
        tab.shows(status="unauthenticated")


@micropython_only
@pytest.mark.parametrize("kind", ["reset", "html-200"])
def test_a_sign_out_that_fails_is_said_and_signs_nobody_out(tabs: Tabs, backend: Backend, kind: str) -> None:
    backend.sign_in(tabs.context)
    tab = tabs.demo()
    tab.expect_problem(BROWSERS_OWN)
    tab.shows(who="Signed in as Ada Lovelace")
    backend.fault("signout", kind)
    tab.button("Sign out").click()
    tab.shows(problem=UNREACHABLE if kind == "reset" else NONSENSE, who="Signed in as Ada Lovelace")
    backend.heal("signout")
    tab.button("Sign out").click()
    tab.shows(who="Not signed in")


def lose_csrf_cookie(tab: Tab, tabs: Tabs, times: int) -> None:
    """So many times the cookie is gone when the browser sends the form."""
    left = [times]

    def send(route: Route) -> None:
        if left[0]:
            left[0] -= 1
            tabs.context.clear_cookies(name="next-auth.csrf-token")
        route.continue_()

    tab.page.route("**/api/auth/callback/credentials", send)
    tab.page.route("**/api/auth/signout", send)


SIGN_IN_AND_OUT = """
Provider()

@on_click("go")
async def go(event):
    try:
        show("result", bool(await sign_in("credentials", redirect=False, username="ada", password="lovelace")))
    except CSRFRefused as error:
        show("result", error.code)

@on_click("ask")
async def leave(event):
    try:
        await sign_out(redirect=False)
        show("result", "out")
    except CSRFRefused as error:
        show("result", error.code)
"""


def test_s19_a_lost_csrf_cookie_is_replaced_by_a_fresh_token(tabs: Tabs) -> None:
    tab = tabs.python(SHOW + SIGN_IN_AND_OUT + FOLLOW, html=HTML)
    lose_csrf_cookie(tab, tabs, times=1)
    tab.element("go").click()
    tab.shows(result="True", who="Ada Lovelace")
    assert len(tab.requests("csrf")) == len(tab.requests("callback/credentials")) == 2


def test_a_csrf_token_that_is_refused_twice_is_an_error_and_nothing_has_changed(tabs: Tabs) -> None:
    tab = tabs.python(SHOW + SIGN_IN_AND_OUT + FOLLOW, html=HTML)
    lose_csrf_cookie(tab, tabs, times=2)
    tab.element("go").click()
    tab.shows(result="MissingCSRF", who="nobody", status="unauthenticated")
    assert len(tab.requests("callback/credentials")) == 2
    assert tab.page.evaluate("document.cookie") == "", "what tried whether cookies are kept is gone"


@micropython_only
def test_a_sign_out_whose_csrf_token_is_refused_twice_signs_nobody_out(tabs: Tabs, backend: Backend) -> None:
    backend.sign_in(tabs.context)
    tab = tabs.python(SHOW + SIGN_IN_AND_OUT + FOLLOW, html=HTML)
    tab.shows(who="Ada Lovelace")
    lose_csrf_cookie(tab, tabs, times=2)
    tab.element("ask").click()
    tab.shows(result="MissingCSRF", who="Ada Lovelace")
    tab.element("ask").click()
    tab.shows(result="out", who="nobody")


@micropython_only
def test_the_demo_explains_a_refused_csrf_token(tabs: Tabs, demo: Tab) -> None:
    lose_csrf_cookie(demo, tabs, times=2)
    demo.page.get_by_label("Username").fill("ada")
    demo.page.get_by_label("Password").fill("lovelace")
    demo.button("Sign in").click()
    expect(demo.element("sign-in").get_by_role("alert")).to_contain_text("Allow cookies for this site")
