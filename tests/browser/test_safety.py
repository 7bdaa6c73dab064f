"""What must never happen, whatever the backend answers."""

from __future__ import annotations

import json
import re

import pytest

from tests.browser.snippets import FOLLOW, HTML, SHOW
from tests.support.backend import Backend
from tests.support.engines import expect
from tests.support.tabs import Tabs, contract, first_on_pyodide, micropython_only

KEPT = """
() => JSON.stringify([{ ...localStorage }, { ...sessionStorage }, document.cookie, location.href, document.referrer])
"""

SCRIPT = "javascript:document.title='navigated'"


def test_credentials_are_in_no_address_console_or_storage(tabs: Tabs, backend: Backend) -> None:
    demo = tabs.demo()
    demo.expect_problem("status of 401", "status of 500")
    secrets = ["turing", "a-wrong-password"]

    def submit(password: str) -> None:
        demo.page.get_by_label("Username").fill("alan")
        demo.page.get_by_label("Password").fill(password)
        demo.button("Sign in").click()

    submit("a-wrong-password")
    demo.shows(form_problem="Sign in failed. Check that what you typed is correct.")
    backend.fault("callback", "500-html", times=1)
    submit("turing")
    demo.shows(form_problem="The server has a problem. Try again in a moment.")
    submit("turing")
    demo.shows(who="Signed in as Alan Turing")
    kept = demo.page.evaluate(KEPT)
    session = next(cookie["value"] for cookie in tabs.context.cookies() if "session-token" in cookie["name"])
    # The session stays in its HttpOnly cookie.
    for secret in [*secrets, "alan@example.com", "Alan Turing", session]:
        assert secret not in kept
        assert not [line for line in demo.console if secret in line]
        assert not [request.url for request in demo.all_requests if secret in request.url]
        assert not [request.url for request in demo.all_requests if secret in request.headers.get("referer", "")]
    assert [request.method for request in demo.all_requests if "turing" in (request.post_data or "")] == ["POST"] * 2


ACT = """
Provider()

@on_click("go")
async def act(event):
    try:
        show("result", await {call})
    except NextAuthError as error:
        show("result", error.code)
"""

SIGN_IN = "sign_in('credentials', username='ada', password='lovelace', redirect={redirect})"


@first_on_pyodide
@pytest.mark.parametrize("redirect", [True, False])
def test_an_answer_that_names_a_script_is_refused(tabs: Tabs, redirect: bool) -> None:
    refuses(tabs, SIGN_IN.format(redirect=redirect), "callback/credentials", SCRIPT)


@micropython_only
@pytest.mark.parametrize("url", ["java\nscript:document.title='navigated'", "data:text/html,<title>navigated</title>"])
def test_no_answer_leads_to_an_unsafe_address(tabs: Tabs, url: str) -> None:
    refuses(tabs, SIGN_IN.format(redirect=True), "callback/credentials", url)


@micropython_only
def test_no_sign_out_leads_to_an_unsafe_address(tabs: Tabs) -> None:
    refuses(tabs, "sign_out()", "signout", SCRIPT)


def refuses(tabs: Tabs, call: str, endpoint: str, url: str) -> None:
    tab = tabs.python(SHOW + ACT.format(call=call) + FOLLOW, html=HTML)
    tab.shows(status="unauthenticated")
    tab.page.route(
        f"**/api/auth/{endpoint}",
        lambda route: route.fulfill(body=json.dumps({"url": url}), content_type="application/json"),
    )
    before, title = (tab.page.url, tab.navigations), tab.page.title()
    tab.element("go").click()
    tab.shows(result="UnsafeURL", status="unauthenticated")
    assert (tab.page.url, tab.navigations) == before
    assert tab.page.title() == title


@contract
def test_what_the_backend_says_is_shown_as_text(tabs: Tabs, backend: Backend) -> None:
    name = "<img id='injected' src='/x' onerror='document.title=1'> & <b>Ada</b>"
    backend.rename(name)
    backend.sign_in(tabs.context)
    tab = tabs.demo()
    tab.shows(who=f"Signed in as {name}")
    expect(tab.element("injected")).to_have_count(0)
    assert json.loads(tab.element("session").inner_text())["user"]["name"] == name


@pytest.mark.parametrize("status", [302, 307, 308])
@micropython_only
def test_a_password_follows_no_redirect(tabs: Tabs, backend: Backend, status: int) -> None:
    tab = tabs.python(SHOW + ACT.format(call=SIGN_IN.format(redirect=False)) + FOLLOW, html=HTML)
    tab.shows(status="unauthenticated")
    elsewhere = {"location": "http://elsewhere.localhost:9/collect"}
    # With the slash as well, at which a redirect makes the client ask its own backend once more.
    callback = re.compile("/callback/credentials/?$")
    tab.page.route(callback, lambda route: route.fulfill(status=status, headers=elsewhere))
    tab.element("go").click()
    tab.shows(result="UnexpectedAnswer", status="unauthenticated")
    tab.assert_stays_home()
