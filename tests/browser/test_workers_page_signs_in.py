"""A page signs in and out for its worker, which has all the Python: `nextauth-page.js`."""

from __future__ import annotations

import re
from typing import Literal
from urllib.parse import parse_qs

import pytest
from nextauth_client.packing import make_script
from playwright.sync_api import Route

from tests.browser.following import HTML, UNMOVED, Bystander, following, press, session_queries
from tests.browser.snippets import FOLLOW
from tests.browser.test_back_and_forward import comes_back, leave
from tests.browser.workers import ISOLATED, KINDS, Worker, open_worker
from tests.support.backend import Backend
from tests.support.engines import expect
from tests.support.site import page
from tests.support.tabs import Tab, Tabs, contract, contract_in_one, first_on_pyodide, micropython_only

SCRIPT = '<script src="/static/nextauth-page.js"></script>'
FORM = """
<p id="in" data-auth-show="authenticated" hidden>In <button data-auth-signout id="leave">Sign out</button></p>
<form data-auth-show="unauthenticated" hidden method="post" data-auth-form="credentials">
  <input name="username" id="username"> <input name="password" id="password" type="password">
  <p id="problem" data-auth-error hidden>That did not work.</p>
  <button id="enter">Sign in</button>
  <button type="button" data-auth-signin="dev-idp" id="elsewhere">Elsewhere</button>
  <button type="button" data-auth-signin id="own">On its own page</button>
</form>
"""


STORED_EPOCH = "Object.entries(localStorage).find(([key]) => key.endsWith(':epoch'))?.[1] ?? null"


def stored_epoch(tab: Tab) -> int | None:
    stored = tab.page.evaluate(STORED_EPOCH)
    return None if stored is None else int(stored)


def page_with_worker(tabs: Tabs, kind: str = "by PyScript", *, html: str = FORM, head: str = SCRIPT) -> Worker:
    worker = open_worker(tabs, kind, "Provider(timeout=30)\n" + FOLLOW, html=html, head=head)
    worker.tab.until("document.getElementById('status').textContent.includes('authenticated')")
    return worker


def sign_in(tab: Tab, password: str = "lovelace") -> None:
    tab.element("username").fill("ada")
    tab.element("password").fill(password)
    tab.element("enter").click()


@contract
@pytest.mark.parametrize(
    ("kind", "headers"),
    [(kind, ISOLATED if kind == "by PyScript" else {}) for kind in KINDS],
    ids=["by PyScript, isolated", *KINDS[1:]],
)
def test_a_form_and_a_button_of_the_page_sign_its_worker_in_and_out(
    tabs_with_headers: Tabs, backend: Backend, kind: str, headers: dict[str, str]
) -> None:
    worker = page_with_worker(tabs_with_headers, kind)
    assert worker.is_isolated == bool(headers)
    tab = worker.tab
    expect(tab.element("enter")).to_be_visible()
    expect(tab.element("leave")).to_be_hidden()
    tab.expect_problem("status of 401")
    sign_in(tab, "wrong")
    expect(tab.element("problem")).to_be_visible()
    tab.shows(status="unauthenticated")
    sign_in(tab)
    tab.shows(status="authenticated", who="Ada Lovelace")
    expect(tab.element("leave")).to_be_visible()
    expect(tab.element("enter")).to_be_hidden()
    tab.page.evaluate("window.mark = 'the same page'")
    tab.element("leave").click()
    tab.until("window.mark !== 'the same page'")
    assert tabs_with_headers.context.request.get(backend.base + "/session").json() in (None, {})


@first_on_pyodide
@contract
@pytest.mark.parametrize("button", ["elsewhere", "own"])
def test_a_button_of_the_page_leads_to_where_its_worker_is_signed_in(tabs: Tabs, backend: Backend, button: str) -> None:
    worker = page_with_worker(tabs)
    url = worker.tab.page.url
    tab = worker.tab
    tab.element(button).click()
    if button == "own":
        tab.until("location.pathname.endsWith('/signin')")
        tab.page.get_by_label("Username").fill("ada")
        tab.page.get_by_label("Password").fill("lovelace")
        tab.page.get_by_label("Password").press("Enter")
    else:
        tab.until("location.pathname.startsWith('/dev')")
        tab.page.get_by_role("button").first.click()
    tab.until(f"location.href === '{url}'")
    tab.shows(ready="yes", status="authenticated")


@micropython_only
def test_other_tabs_follow_the_page_and_ask_once(tabs: Tabs, backend: Backend) -> None:
    other = tabs.python(following(UNMOVED), html=HTML)
    worker = page_with_worker(tabs)
    asked = len(session_queries(backend))
    sign_in(worker.tab)
    worker.tab.shows(who="Ada Lovelace")
    other.shows(who="Ada Lovelace")
    assert len(session_queries(backend)) == asked + 1
    worker.tab.element("leave").click()
    other.shows(status="unauthenticated", error="none")


@contract_in_one
@micropython_only
def test_a_worker_follows_the_sign_out_of_a_v4_client_in_another_tab(tabs: Tabs, backend: Backend) -> None:
    """A worker hears of no `storage` event: its page tells it."""
    backend.sign_in(tabs.context)
    tab = page_with_worker(tabs).tab
    tab.shows(who="Ada Lovelace")
    tabs.context.clear_cookies()
    with Bystander(tabs) as bystander:
        bystander.send_as_v4("signout")
        tab.shows(status="unauthenticated", who="nobody")


@contract
@micropython_only
def test_a_page_stores_for_its_worker_that_something_has_changed(tabs: Tabs, backend: Backend) -> None:
    worker = page_with_worker(tabs)
    assert stored_epoch(worker.tab) is None
    worker.sign_in()
    worker.tab.until(f"{STORED_EPOCH} !== null")
    first = stored_epoch(worker.tab)
    worker.sign_out()
    worker.tab.until(f"{STORED_EPOCH} > {first}")


@contract
@micropython_only
def test_a_worker_of_a_page_that_comes_back_asks_who_is_signed_in_now(keeping_tabs: Tabs, backend: Backend) -> None:
    keeping_tabs.site.write("/blank.html", "")
    backend.sign_in(keeping_tabs.context)
    tab = page_with_worker(keeping_tabs, "by hand").tab
    tab.shows(who="Ada Lovelace")
    expect(tab.element("leave")).to_be_visible()
    leave(tab)
    backend.revoke()
    assert comes_back(tab)
    tab.shows(status="unauthenticated", who="nobody")
    # Not by `expect`: see `Tab._await_text`.
    tab.until("document.getElementById('enter').checkVisibility()")
    assert not tab.page.evaluate("document.getElementById('leave').checkVisibility()")


@micropython_only
@pytest.mark.parametrize("key", ["Control", "Meta", "Shift"])
def test_a_link_that_is_to_open_elsewhere_is_left_to_the_browser(
    tabs: Tabs, key: Literal["Control", "Meta", "Shift"]
) -> None:
    tabs.site.write("/blank.html", "")
    tab = page_with_worker(tabs, html=FORM + '<a href="/blank.html" data-auth-signin="dev-idp" id="link">In</a>').tab
    tab.page.evaluate("() => { onclick = event => { window.left = !event.defaultPrevented; event.preventDefault(); } }")
    tab.element("link").click(modifiers=[key])
    tab.until("window.left === true")


@micropython_only
def test_queries_of_all_tabs_are_given_up_before_the_page_signs_out(tabs: Tabs, backend: Backend) -> None:
    """Rule 2: a JWT backend sets the cookie again with each answer."""
    backend.sign_in(tabs.context)
    other = tabs.python(following(UNMOVED), html=HTML)
    tab = page_with_worker(tabs).tab
    for one in (other, tab):
        one.shows(who="Ada Lovelace")
    happened = []
    other.page.on("requestfailed", lambda request: happened.append("given up"))
    tab.page.on("request", lambda request: happened.append(request.method))
    backend.latency("session", 4, "after")
    backend.latency("csrf", 0.5)
    with other.page.expect_request("**/session"):
        press(other, "ask")
    tab.element("leave").click()
    other.shows(status="unauthenticated", error="none")
    backend.latency("session", 0, "after")
    assert [one for one in happened if one != "GET"][:2] == ["given up", "POST"]


@micropython_only
def test_who_cannot_sign_in_time_and_again_is_told_so_until_it_works(tabs: Tabs) -> None:
    tab = page_with_worker(tabs).tab
    tab.expect_problem("status of 401", "ERR_FAILED")
    sign_in(tab, "wrong")
    expect(tab.element("problem")).to_be_visible()
    tab.page.route("**/callback/credentials", lambda route: route.abort())
    for _ in range(2):
        with tab.page.expect_event("requestfailed"):
            sign_in(tab)
        tab.until("!document.getElementById('enter').disabled")
        expect(tab.element("problem")).to_be_visible()
    tab.page.unroute_all()
    sign_in(tab)
    tab.shows(who="Ada Lovelace")
    expect(tab.element("problem")).to_be_hidden()


@micropython_only
def test_who_cannot_sign_out_is_told_so(tabs: Tabs, backend: Backend) -> None:
    backend.sign_in(tabs.context)
    html = FORM.replace("Sign out</button>", 'Sign out</button> <b data-auth-error id="stays" hidden>Not yet.</b>')
    tab = page_with_worker(tabs, html=html).tab
    tab.expect_problem("ERR_FAILED")
    tab.page.route("**/api/auth/signout", lambda route: route.abort())
    tab.element("leave").click()
    expect(tab.element("stays")).to_be_visible()
    tab.shows(who="Ada Lovelace")


@micropython_only
def test_a_page_that_may_store_nothing_shows_and_hides_too(tabs: Tabs, backend: Backend) -> None:
    blocked = (
        "<script>Object.defineProperty(window, 'localStorage', { get() { throw new Error('blocked'); } })</script>"
    )
    worker = page_with_worker(tabs, "by hand", head=blocked + SCRIPT)
    for _ in range(2):
        worker.sign_in()
        expect(worker.tab.element("leave")).to_be_visible()
        worker.sign_out()
        expect(worker.tab.element("enter")).to_be_visible()
        expect(worker.tab.element("leave")).to_be_hidden()


@micropython_only
def test_a_form_that_leads_to_another_page_is_followed(tabs: Tabs) -> None:
    """The `signIn` callback of v4 and v5 may answer an address."""
    tabs.site.write("/unpaid.html", "<title>Unpaid</title>")
    tab = page_with_worker(tabs).tab
    tab.page.route("**/callback/credentials*", lambda route: route.fulfill(json={"url": "/unpaid.html"}))
    with tab.page.expect_navigation(url="**/unpaid.html"):
        sign_in(tab)


@micropython_only
def test_a_sign_out_that_is_answered_with_no_address_loads_the_page_anew(tabs: Tabs, backend: Backend) -> None:
    backend.sign_in(tabs.context)
    tab = page_with_worker(tabs).tab
    tab.page.route("**/api/auth/signout", lambda route: route.fulfill(json={}))
    with tab.page.expect_navigation():
        tab.element("leave").click()


@micropython_only
def test_a_page_without_an_address_of_its_own_signs_in_with_an_http_callback_url(tabs: Tabs) -> None:
    inner = page(SCRIPT, FORM).replace("&", "&amp;").replace('"', "&quot;")
    tabs.site.write("/outer.html", page("", f'<iframe srcdoc="{inner}"></iframe>'))
    tab = tabs.tab()
    tab.page.goto("/outer.html")
    frame = tab.page.frame_locator("iframe")
    frame.locator("form").evaluate("form => { form.hidden = false; }")
    frame.locator("#username").fill("ada")
    frame.locator("#password").fill("lovelace")
    with tab.page.expect_request("**/callback/credentials*") as posted:
        frame.locator("#enter").click()
    assert parse_qs(posted.value.post_data or "")["callbackUrl"] == [f"{tabs.backend.url}/"]
    tab.page.close()


OTHERS = """
<div data-auth-ignore>
  <button data-auth-signout id="their-out">x</button>
  <p data-auth-show="authenticated" hidden id="their-show">x</p>
  <input name="username" form="form" value="mallory">
  <img name="querySelectorAll"><img name="currentScript"><form name="body"></form>
</div>
"""


@micropython_only
def test_other_peoples_html_does_nothing(tabs: Tabs, backend: Backend) -> None:
    html = OTHERS + FORM.replace("<form", '<form id="form"').replace("<input", '<input name="closest"><input', 1)
    worker = page_with_worker(tabs, "by hand", html=html)  # PyScript does not start among such names
    tab = worker.tab
    sign_in(tab)
    tab.shows(who="Ada Lovelace")  # by the form's own field
    expect(tab.element("problem")).to_be_hidden()
    expect(tab.element("leave")).to_be_visible()
    expect(tab.element("their-show")).to_be_hidden()
    tab.element("their-out").click()
    assert "Ada Lovelace" in worker.call("get_session()")


@micropython_only
def test_a_sign_out_that_leads_to_a_fragment_loads_the_page_anew(tabs: Tabs, backend: Backend) -> None:
    backend.sign_in(tabs.context)
    html = FORM.replace("data-auth-signout", 'data-auth-signout data-auth-callback-url="#bye"')
    tab = page_with_worker(tabs, html=html).tab
    tab.page.evaluate("window.mark = 'the same page'")
    tab.element("leave").click()
    tab.until("window.mark !== 'the same page' && location.hash === '#bye'")
    tab.shows(status="unauthenticated")


@micropython_only
@pytest.mark.parametrize("name", ["hidden", "toggleAttribute", "dataset", "disabled"])
def test_a_form_shows_and_hides_whatever_its_fields_are_called(tabs: Tabs, backend: Backend, name: str) -> None:
    tab = page_with_worker(tabs, html=FORM.replace("<input", f'<input name="{name}" type="hidden"><input', 1)).tab
    expect(tab.element("enter")).to_be_visible()
    sign_in(tab)
    expect(tab.element("leave")).to_be_visible()
    expect(tab.element("enter")).to_be_hidden()


@micropython_only
@pytest.mark.parametrize("to", ["/elsewhere", "/api/auth/signout", "https://elsewhere.example/"])
def test_a_password_goes_nowhere_else_by_a_redirect(tabs: Tabs, backend: Backend, to: str) -> None:
    tab = page_with_worker(tabs).tab
    sent: list[str] = []
    tab.page.on(
        "request", lambda request: sent.append(request.url) if "lovelace" in (request.post_data or "") else None
    )
    tab.page.route(
        "**/callback/credentials", lambda route: route.fulfill(status=307, headers={"location": to}, body="")
    )
    tab.expect_problem("ERR_FAILED")
    sign_in(tab)
    expect(tab.element("problem")).to_be_visible()
    assert sent == [f"{backend.base}/callback/credentials"]


@micropython_only
def test_a_backend_that_adds_a_slash_is_asked_and_sent_to_there(tabs: Tabs, backend: Backend) -> None:
    """Next.js with `trailingSlash`."""
    tab = page_with_worker(tabs).tab
    redirected: list[str] = []

    def answer(route: Route) -> None:
        url = route.request.url
        if url.endswith("/"):
            route.fulfill(response=route.fetch(url=url[:-1]))
        else:
            redirected.append(route.request.method)
            route.fulfill(status=308, headers={"location": url + "/"}, body="")

    tab.page.route(re.compile("/api/auth/(csrf|callback/credentials)"), answer)
    sign_in(tab)
    expect(tab.element("leave")).to_be_visible()
    assert redirected == ["GET"]


@micropython_only
def test_a_base_with_a_slash_at_its_end_is_the_same_backend(tabs: Tabs, backend: Backend) -> None:
    tab = page_with_worker(tabs, head=SCRIPT.replace("<script", '<script data-base="/api/auth/"')).tab
    sign_in(tab)
    tab.shows(who="Ada Lovelace")
    expect(tab.element("leave")).to_be_visible()


@micropython_only
@pytest.mark.parametrize(
    "missing", ["delete window.BroadcastChannel", "BroadcastChannel = class { constructor() { throw 1 } }"]
)
def test_a_browser_without_channels_signs_in_and_loads_the_page_anew(
    tabs: Tabs, backend: Backend, missing: str
) -> None:
    """Nobody could tell its worker."""
    tabs.site.write("/alone.html", page(f"<script>{missing}</script>" + SCRIPT, FORM.replace(" hidden", "")))
    tab = tabs.tab()
    tab.page.goto("/alone.html")
    with tab.page.expect_navigation(url="**/alone.html"):
        sign_in(tab)
    tab.until("fetch('/api/auth/session').then(response => response.json()).then(session => session?.user?.name)")


@micropython_only
def test_it_works_as_the_package_prints_it(tabs: Tabs, backend: Backend) -> None:
    tabs.site.write("/printed.js", make_script("page").decode())
    tab = page_with_worker(tabs, head='<script src="/printed.js"></script>').tab
    sign_in(tab)
    tab.shows(who="Ada Lovelace")
    expect(tab.element("leave")).to_be_visible()


@contract
@micropython_only
def test_a_query_of_the_worker_is_given_up_before_the_page_signs_out(tabs: Tabs, backend: Backend) -> None:
    """Rule 2: a JWT backend sets the cookie again with each answer."""
    backend.sign_in(tabs.context)
    worker = page_with_worker(tabs)
    worker.tab.shows(who="Ada Lovelace")
    backend.latency("session", 4, "after")
    asked = len(session_queries(backend))
    worker.tab.page.evaluate("tell('asked', 'get_session()')")
    worker.tab.wait(lambda: len(session_queries(backend)) > asked, "it asks")
    worker.tab.element("leave").click()
    worker.tab.until("document.getElementById('status')?.textContent === 'unauthenticated'")
    log = backend.log()
    [left] = [entry for entry in log if entry["path"].endswith("/signout") and entry["method"] == "POST"]
    [given_up] = [one for one in session_queries(backend)[asked:] if one["time"] < left["time"]]
    assert not given_up["completed"]
    backend.latency("session", 0, "after")
    assert tabs.context.request.get(backend.base + "/session").json() in (None, {})
