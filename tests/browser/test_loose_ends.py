"""What browsers, storage and backends say that is not so, or not so strictly; and addresses relative to a `<base>`."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from urllib.parse import parse_qs

import pytest
from playwright.sync_api import Route, expect

from tests.browser.following import BROWSERS_OWN, OURS, Bystander, following, press, session_queries
from tests.browser.following import HTML as FOLLOWING_HTML
from tests.browser.snippets import FOLLOW, HTML, SHOW
from tests.support.backend import Backend
from tests.support.proxy import Proxy
from tests.support.tabs import Tab, Tabs, first_on_pyodide, micropython_only

# ── stored numbers ───────────────────────────────────────────────────────────────────────────────


@first_on_pyodide
@pytest.mark.parametrize("text", ["²", "٣", "-1", "1e3", "9" * 40, ""])
def test_what_is_stored_and_no_number_as_we_write_it_stops_nothing(tabs: Tabs, backend: Backend, text: str) -> None:
    backend.sign_in(tabs.context)
    store = "([base, text]) => localStorage.setItem(`nextauth-client:1:${base}:epoch`, text)"
    with Bystander(tabs) as bystander:
        bystander.page.evaluate(store, [backend.base, text])
    departure = f"import js\njs.sessionStorage.setItem('nextauth-client:departure', {text!r})\n"
    tab = tabs.python(departure + SHOW + "Provider(timeout=30)\n" + FOLLOW, html=HTML)
    tab.shows(status="authenticated", who="Ada Lovelace", error="none")


@first_on_pyodide
@pytest.mark.parametrize("number", ["9" * 400, "1e400", "-5", "null", "[]"])
@pytest.mark.parametrize("field", ["nextauth-client", "timestamp"])
def test_no_number_in_a_stored_message_stops_anything(tabs: Tabs, backend: Backend, field: str, number: str) -> None:
    backend.sign_in(tabs.context)
    text = f'{{"event": "session", "data": {{}}, "{field}": {number}}}'
    stored = f"import js\njs.localStorage.setItem('nextauth.message', {text!r})\n"
    python = (
        stored + SHOW + "Provider(timeout=30, session={'user': {'name': 'Given'}, 'expires': '2999-01-01'})\n" + FOLLOW
    )
    tab = tabs.python(python, html=HTML)
    tab.shows(status="authenticated")


@micropython_only
@pytest.mark.parametrize("length", ["2, 2", "abc", "9" * 400, ""])
def test_no_length_that_an_answer_says_stops_anything(tabs: Tabs, length: str) -> None:
    session = {"user": {"name": "Ada"}, "expires": "2999-01-01T00:00:00.000Z"}
    headers = {"content-length": length, "content-type": "application/json"}
    tabs.context.route("**/api/auth/session", lambda route: route.fulfill(body=json.dumps(session), headers=headers))
    tab = tabs.python(SHOW + "Provider(timeout=30)\n" + FOLLOW, html=HTML)
    tab.shows(status="authenticated", who="Ada")
    tabs.context.unroute_all()


# ── navigator.onLine ─────────────────────────────────────────────────────────────────────────────

OFFLINE = "Object.defineProperty(Navigator.prototype, 'onLine', { get: () => false });"


def test_a_browser_that_takes_itself_for_offline_is_followed_all_the_same(tabs: Tabs, backend: Backend) -> None:
    """A VPN does that: after a good answer it is known to be wrong."""
    backend.sign_in(tabs.context)
    tab = tabs.python(following("keep_alive=1"), html=FOLLOWING_HTML, before=OFFLINE)
    tab.expect_problem(BROWSERS_OWN)
    tab.shows(who="Ada Lovelace")
    backend.rename("Ada King")
    tab.shows(who="Ada King")
    backend.fault("session", "500-json")
    tab.shows(error="UnexpectedAnswer")
    backend.heal("session")
    tab.shows(error="none")


def test_a_failure_is_asked_about_again_by_a_browser_that_takes_itself_for_offline(
    tabs: Tabs, backend: Backend
) -> None:
    backend.sign_in(tabs.context)
    tab = tabs.python(following(), html=FOLLOWING_HTML, before=OFFLINE)
    tab.expect_problem(BROWSERS_OWN)
    tab.shows(who="Ada Lovelace")
    backend.fault("session", "reset")
    press(tab, "ask")
    tab.shows(error="ClientFetchError")
    with Bystander(tabs) as bystander:
        asked = len(session_queries(backend))
        bystander.until(lambda: len(session_queries(backend)) > asked)
    backend.heal("session")
    tab.shows(error="none")


@micropython_only
def test_a_first_question_that_fails_is_asked_again_by_a_browser_that_takes_itself_for_offline(
    tabs: Tabs, backend: Backend
) -> None:
    backend.sign_in(tabs.context)
    backend.fault("session", "reset")
    tab = tabs.python(following(), html=FOLLOWING_HTML, before=OFFLINE)
    tab.expect_problem(BROWSERS_OWN, OURS)
    tab.shows(status="loading", error="ClientFetchError")
    backend.heal("session")
    tab.shows(who="Ada Lovelace", error="none")


# ── an empty answer to a sign-out ────────────────────────────────────────────────────────────────

LEAVE = """
Provider(timeout=30)

@on_click("go")
async def leave(event):
    try:
        result = await sign_out({arguments})
        show("url", result.url)
        show("result", "done")
    except NextAuthError as error:
        show("result", error.code)
"""


@first_on_pyodide
@pytest.mark.parametrize("body", ["{}", "", "null"])
def test_a_sign_out_that_is_answered_by_nothing_is_done_when_nobody_is_signed_in(
    tabs: Tabs, backend: Backend, body: str
) -> None:
    backend.sign_in(tabs.context)
    tab = tabs.python(SHOW + LEAVE.format(arguments="redirect=False, callback_url='?bye'") + FOLLOW, html=HTML)
    tab.shows(who="Ada Lovelace")

    def answer(route: Route) -> None:
        response = route.fetch()
        route.fulfill(response=response, status=200, body=body)

    tab.page.route("**/signout", answer)
    tab.element("go").click()
    tab.shows(result="done", status="unauthenticated", error="none")
    expect(tab.element("url")).to_have_text(re.compile(r"\?bye$"))


def test_a_sign_out_that_is_answered_by_nothing_leads_to_its_callback_url(tabs: Tabs, backend: Backend) -> None:
    backend.sign_in(tabs.context)
    tab = tabs.python(SHOW + LEAVE.format(arguments="callback_url='?bye'") + FOLLOW, html=HTML)
    tab.shows(who="Ada Lovelace")
    tab.page.route("**/signout", lambda route: route.fulfill(response=route.fetch(), status=200, body="{}"))
    with tab.page.expect_navigation(url="**?bye", wait_until="commit"):
        tab.element("go").click()
    tab.shows(status="unauthenticated")


def test_a_sign_out_that_is_answered_by_nothing_and_did_nothing_is_a_failure(tabs: Tabs, backend: Backend) -> None:
    backend.sign_in(tabs.context)
    tab = tabs.python(SHOW + LEAVE.format(arguments="redirect=False") + FOLLOW, html=HTML)
    tab.shows(who="Ada Lovelace")
    tab.page.route("**/signout", lambda route: route.fulfill(body="{}", content_type="application/json"))
    tab.element("go").click()
    tab.shows(result="UnexpectedAnswer", who="Ada Lovelace", status="authenticated")


# ── relative addresses ───────────────────────────────────────────────────────────────────────────

ENTER = """
Provider(timeout=30)

@on_click("go")
async def enter(event):
    result = await sign_in("credentials", redirect=False, callback_url="done.html", username="ada", password="lovelace")
    show("url", result.url)
    show("result", "done")

@on_click("ask")
async def leave(event):
    result = await sign_out(redirect=False, callback_url="?bye")
    show("url", result.url)
    show("result", "left")
"""


def test_callback_urls_are_relative_to_the_documents_base_url(tabs: Tabs) -> None:
    tab = tabs.python(SHOW + ENTER + FOLLOW, html=HTML, head='<base href="/elsewhere/page.html">')
    tab.shows(status="unauthenticated")
    base = tab.backend.url + "/elsewhere/"
    tab.element("go").click()
    tab.shows(result="done", url=base + "done.html")
    [post] = tab.requests("callback/credentials")
    assert parse_qs(post.post_data or "")["callbackUrl"] == [base + "done.html"]
    tab.element("ask").click()
    tab.shows(result="left", url=base + "page.html?bye")


def test_attributes_are_relative_to_the_same(tabs: Tabs, backend: Backend) -> None:
    backend.sign_in(tabs.context)
    tabs.site.write("/elsewhere/done.html", "<p>Done</p>")
    html = HTML + '<button id="leave" data-auth-signout data-auth-callback-url="done.html">Leave</button>'
    tab = tabs.python(
        SHOW + "Provider(timeout=30)\nbind()\n" + FOLLOW, html=html, head='<base href="/elsewhere/page.html">'
    )
    tab.shows(who="Ada Lovelace")
    with tab.page.expect_navigation(url="**/elsewhere/done.html"):
        tab.element("leave").click()


# ── an address that differs in its fragment alone ────────────────────────────────────────────────


@pytest.fixture
def home(tabs: Tabs, backend: Backend) -> Iterator[Tab]:
    """A page that is the home page of its site."""
    with Proxy(backend) as proxy, Tabs(tabs.context, tabs.site, proxy, tabs.interpreter, None) as others:
        python = SHOW + LEAVE.format(arguments="callback_url=js.location.origin + '#bye'") + FOLLOW
        tabs.site.write_page("/home.html", python="import js\n" + python, html=HTML, interpreter=tabs.interpreter)
        proxy.pages["/"] = lambda: ({}, (tabs.site.folder / "home.html").read_text())
        proxy.sign_in(tabs.context)
        tab = others.tab()
        tab.page.goto(proxy.url + "/")
        yield tab


def test_a_callback_url_that_is_the_page_itself_loads_it_anew(home: Tab) -> None:
    home.shows(who="Ada Lovelace")
    home.page.evaluate("window.mark = true")
    home.element("go").click()
    home.page.wait_for_function("!window.mark && location.hash === '#bye'")
    home.shows(status="unauthenticated")
