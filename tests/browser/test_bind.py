"""bind: the data-auth attributes of a page follow the session and act on it."""

from __future__ import annotations

from urllib.parse import parse_qs, urlsplit

import pytest
from playwright.sync_api import Route

from tests.browser.following import Bystander
from tests.browser.snippets import GIVEN, HOSTILE, HTML, SHOW
from tests.support.backend import Backend
from tests.support.engines import expect
from tests.support.tabs import Held, Tab, Tabs, contract, contract_in_one, micropython_only

PAGE = """
<main id="app">
  <p id="in" data-auth-show="authenticated" hidden>Hello <b id="name" data-auth-text="user.name">somebody</b>
    <img id="picture" data-auth-src="user.image" alt=""></p>
  <p id="out" data-auth-show="unauthenticated" hidden>Not signed in</p>
  <p id="either" data-auth-show="authenticated unauthenticated" hidden>Known</p>
  <p id="loading" data-auth-show="loading" hidden>Loading</p>
  <p id="trouble" data-auth-show="error" hidden>Trouble</p>
  <p id="problem" data-auth-error hidden></p>
  <form id="form" method="post" data-auth-form="credentials">
    <input name="username" id="username"> <input name="password" id="password" type="password">
    <p id="form-problem" data-auth-error></p>
    <button id="enter">Sign in</button>
  </form>
  <button id="leave" data-auth-signout>Sign out</button>
  <section id="ways" data-auth-providers><template>
    <button class="way" data-auth-signin>With <i data-auth-text="provider.name"></i></button></template></section>
</main>
"""

BIND = SHOW + "Provider(timeout=3)\nhandle = bind()\n"

BOUND = (
    GIVEN
    + """
def visible(*names):
    return " ".join([name for name in names if document.getElementById(name).checkVisibility()])

PLACES = ("in", "out", "either", "loading", "trouble")
"""
)


def sees(tab: Tab, *names: str) -> None:
    for name in ("in", "out", "either", "loading", "trouble"):
        expect(tab.element(name)).to_be_visible(visible=name in names)


@contract
def test_a_page_with_attributes_alone_signs_in_and_out(tabs: Tabs, backend: Backend) -> None:
    backend.rename(HOSTILE)
    tab = tabs.python(BIND, html=PAGE)
    tab.expect_problem("status of 401")
    sees(tab, "out", "either")
    tab.element("username").fill("ada")
    tab.element("password").fill("wrong")
    tab.element("enter").click()
    tab.shows(form_problem="Sign in failed. Check that what you typed is correct.")
    expect(tab.element("form").get_by_role("alert")).to_be_visible()
    expect(tab.element("username")).to_have_value("ada")
    expect(tab.element("password")).to_have_value("wrong")
    expect(tab.element("enter")).to_be_enabled()
    tab.element("password").fill("lovelace")
    tab.element("enter").click()
    sees(tab, "in", "either")
    tab.shows(name=HOSTILE)
    expect(tab.page.locator("[aria-live=polite][role=status]")).to_have_text("You are signed in.")
    expect(tab.element("form_problem")).to_be_hidden()
    expect(tab.element("password")).to_have_value("")
    expect(tab.element("name").locator("*")).to_have_count(0)
    expect(tab.element("picture")).to_have_attribute("src", backend.base + "/assets/ada.svg")
    assert len(tab.requests("callback/credentials")) == 2


@micropython_only
def test_the_sign_out_button_signs_out_and_is_busy_meanwhile(tabs: Tabs, backend: Backend) -> None:
    backend.sign_in(tabs.context)
    tab = tabs.python(BIND, html=PAGE)
    tab.shows(name="Ada Lovelace")
    held = Held(tab.page, "**/api/auth/signout")
    with tab.page.expect_request("**/api/auth/signout"):
        tab.element("leave").click()
    expect(tab.element("leave")).to_be_disabled()
    expect(tab.element("leave")).to_have_attribute("aria-busy", "true")
    with tab.page.expect_navigation():
        held.go_on()
    sees(tab, "out", "either")


def test_a_second_click_in_the_same_moment_does_nothing(tabs: Tabs) -> None:
    tab = tabs.python(BIND, html=PAGE)
    sees(tab, "out", "either")
    tab.element("username").fill("ada")
    tab.element("password").fill("lovelace")
    tab.page.evaluate("for (let click = 0; click < 2; click++) document.getElementById('enter').click()")
    sees(tab, "in", "either")
    assert len(tab.requests("callback/credentials")) == 1
    with tab.page.expect_navigation():
        tab.page.evaluate("for (let click = 0; click < 2; click++) document.getElementById('leave').click()")
    sees(tab, "out", "either")
    assert len(tab.requests("signout")) == 1


def test_a_link_that_is_opened_elsewhere_stays_one_and_a_button_is_pressed_whatever_key_is_held(
    tabs: Tabs, backend: Backend
) -> None:
    backend.sign_in(tabs.context)
    html = '<a id="go" href="#there" data-auth-signin>In</a> <button id="leave" data-auth-signout>Out</button>'
    tab = tabs.python(BIND, html=html)
    press = """id => document.getElementById(id).dispatchEvent(
        new MouseEvent("click", { bubbles: true, cancelable: true, shiftKey: true }))"""
    assert tab.page.evaluate(press, "go"), "the browser does with it what it does with links"
    with tab.page.expect_request("**/api/auth/signout"), tab.page.expect_navigation():
        assert not tab.page.evaluate(press, "leave")
    assert tab.requests("signin") == []


@micropython_only
def test_a_sign_out_that_fails_is_said_and_frees_the_button(tabs: Tabs, backend: Backend) -> None:
    backend.sign_in(tabs.context)
    tab = tabs.python(BIND, html=PAGE)
    tab.expect_problem("Failed to load resource")
    tab.shows(name="Ada Lovelace")
    backend.fault("signout", "reset")
    tab.element("leave").click()
    tab.shows(problem="The server cannot be reached just now. Check your connection and try again.")
    expect(tab.element("problem")).to_have_attribute("role", "alert")
    sees(tab, "in", "either", "trouble")
    expect(tab.element("leave")).to_be_enabled()
    expect(tab.element("leave")).not_to_have_attribute("aria-busy", "true")


@micropython_only
def test_what_went_wrong_before_is_forgotten_when_a_later_query_is_answered(tabs: Tabs, backend: Backend) -> None:
    backend.sign_in(tabs.context)
    backend.fault("signout", "reset")
    python = """
answers = []
Provider()
bind()

@on_click("ask")
async def ask(event):
    await get_session()

@effect
def note():
    answers.append(use_session().refreshing)
    show("result", answers.count(False))
"""
    tab = tabs.python(SHOW + python, html=HTML + PAGE)
    tab.expect_problem("Failed to load resource")
    tab.shows(name="Ada Lovelace", result="1")
    tab.element("leave").click()
    tab.shows(result="2", problem="The server cannot be reached just now. Check your connection and try again.")
    tab.element("ask").click()
    tab.shows(result="3", problem="")
    sees(tab, "in", "either")


@micropython_only
def test_what_went_wrong_before_is_forgotten_when_the_state_changes(tabs: Tabs, backend: Backend) -> None:
    backend.fault("signout", "reset")
    python = """
bind()

@on_click("go")
async def go(event):
    becomes(None)
"""
    tab = tabs.python(SHOW + GIVEN + python, html=HTML + PAGE)
    tab.expect_problem("Failed to load resource")
    tab.page.route("**/api/auth/session", lambda route: route.abort())
    tab.element("leave").click()
    tab.shows(problem="The server cannot be reached just now. Check your connection and try again.")
    tab.element("go").click()
    tab.shows(problem="")
    sees(tab, "out", "either")


@micropython_only
def test_what_went_wrong_on_the_way_is_forgotten_once_somebody_is_signed_in(tabs: Tabs) -> None:
    python = """
becomes(None)
bind()

@on_click("go")
async def go(event):
    becomes(session("Eve"))
    becomes(None)
"""
    tab = tabs.python(SHOW + GIVEN + python, html=HTML + PAGE, path="?error=OAuthCallback")
    tab.shows(problem="The sign-in service did not let you in. Try again, or choose another way to sign in.")
    tab.element("go").click()
    tab.shows(problem="")
    sees(tab, "out", "either")


@micropython_only
def test_a_form_says_that_the_backend_is_down_and_keeps_what_was_typed(tabs: Tabs, backend: Backend) -> None:
    tab = tabs.python(BIND, html=PAGE)
    tab.expect_problem("Failed to load resource")
    sees(tab, "out", "either")
    backend.fault("callback", "reset")
    tab.element("username").fill("ada")
    tab.element("password").fill("lovelace")
    tab.element("password").press("Enter")
    tab.shows(form_problem="The server cannot be reached just now. Check your connection and try again.", problem="")
    expect(tab.element("password")).to_have_value("lovelace")
    sees(tab, "out", "either")


BESIDE = """
<form id="form" data-auth-form="credentials">
  <input name="username" value="ada"> <input name="password" id="password"></form>
<p id="problem" data-auth-error hidden></p> <button id="enter" form="form" name="remember" value="yes">In</button>
"""


def test_a_refusal_is_said_beside_the_form_too(tabs: Tabs, backend: Backend) -> None:
    tab = tabs.python(BIND, html=BESIDE)
    tab.expect_problem("status of 401")
    tab.element("password").fill("wrong")
    tab.element("enter").click()
    tab.shows(problem="Sign in failed. Check that what you typed is correct.")
    expect(tab.element("problem")).to_be_visible()
    expect(tab.element("password")).to_have_value("wrong")
    tab.element("password").fill("lovelace")
    with tab.page.expect_request("**/callback/credentials*") as posted:
        tab.element("enter").click()
    expect(tab.element("problem")).to_be_hidden()
    assert "remember=yes" in (posted.value.post_data or "")


@micropython_only
def test_the_button_that_was_pressed_is_busy_wherever_it_stands_and_gets_the_focus_back(tabs: Tabs) -> None:
    tab = tabs.python(BIND, html=BESIDE)
    tab.expect_problem("status of 401")
    held = Held(tab.page, "**/callback/credentials*")
    with tab.page.expect_request("**/callback/credentials*"):
        tab.element("enter").click()
    expect(tab.element("enter")).to_be_disabled()
    held.go_on()
    expect(tab.element("enter")).to_be_enabled()
    expect(tab.element("enter")).to_be_focused()


@micropython_only
def test_a_refusal_that_no_element_tells_is_on_the_console(tabs: Tabs) -> None:
    tab = tabs.python(BIND, html=BESIDE.replace("data-auth-error", ""))
    tab.expect_problem("status of 401")
    with Bystander(tabs) as bystander:
        tab.element("enter").click()
        [warning] = bystander.until(lambda: [line for line in tab.console if "no data-auth-error" in line])
    assert 'id="form"' in warning
    assert "CredentialsSignin" in warning


def test_each_configured_provider_gets_its_button(tabs: Tabs) -> None:
    tab = tabs.python(SHOW + "Provider(session=None)\nhandle = bind()\n", html=PAGE)
    expect(tab.page.locator("#ways .way").first).to_be_visible()
    answer = tab.page.evaluate("fetch('/api/auth/providers').then(answer => answer.json())")
    ways = [f"With {provider['name']}" for provider in answer.values()]
    expect(tab.page.locator("#ways .way")).to_have_text(ways)
    assert len(tab.requests("providers")) == 2
    offered = tab.page.locator("#ways .way").evaluate_all("ways => ways.map(way => way.dataset.authSignin)")
    needs_fields = ("credentials", "email")
    assert offered == ["" if one["type"] in needs_fields else one["id"] for one in answer.values()]


@micropython_only
def test_providers_that_cannot_be_had_are_asked_for_again_after_the_next_good_answer(
    tabs: Tabs, backend: Backend
) -> None:
    backend.fault("providers", "500-json")
    python = """
Provider(session=None)

@on_click("go")
async def go(event):
    bind()

@on_click("ask")
async def ask(event):
    await Provider.current().refresh()
"""
    tab = tabs.python(SHOW + python, html=HTML + PAGE)
    tab.expect_problem("Failed to load resource", "data-auth-providers", "UnexpectedAnswer", "Traceback", "File ")
    for number, button in enumerate(("go", "ask"), 1):
        with tab.page.expect_event("console", lambda message: "data-auth-providers shows failed" in message.text):
            tab.element(button).click()
        sees(tab, "out", "either")
        assert len(tab.requests("providers")) == number
    backend.heal("providers")
    tab.element("ask").click()
    expect(tab.page.locator("#ways .way").first).to_be_visible()
    assert len(tab.requests("providers")) == 3


@micropython_only
def test_a_button_goes_to_the_sign_in_page_with_the_callback_url_around_it(tabs: Tabs) -> None:
    html = '<div data-auth-callback-url="/there?a=1"><a id="go" href="#" data-auth-signin><b id="deep">In</b></a></div>'
    tab = tabs.python(SHOW + "Provider(session=None)\nbind()\n", html=html)
    with tab.page.expect_navigation(url="**/api/auth/signin?**"):
        tab.element("deep").click()
    assert "callbackUrl=" in tab.page.url
    assert "%2Fthere%3Fa%3D1" in tab.page.url


@micropython_only
def test_a_button_signs_in_with_the_provider_that_it_names(tabs: Tabs) -> None:
    html = '<button id="go" data-auth-signin="dev-idp" data-auth-callback-url="/there">In</button>'
    tab = tabs.python(BIND, html=html)
    with tab.page.expect_request("**/api/auth/signin/dev-idp*") as asked, tab.page.expect_navigation():
        tab.element("go").click()
    assert asked.value.method == "POST"
    assert "callbackUrl=" in (asked.value.post_data or "")
    assert "%2Fthere" in (asked.value.post_data or "")


@pytest.mark.parametrize(
    "html",
    [
        '<button id="go" data-auth-signin="nobody">In</button>',
        '<form id="go" data-auth-form="nobody"><button>In</button></form>',
    ],
)
@micropython_only
def test_a_provider_that_is_not_offered_is_warned_of_and_leads_to_the_sign_in_page(tabs: Tabs, html: str) -> None:
    tab = tabs.python(BIND, html=html)
    held = Held(tab.page, "**/api/auth/signin?callbackUrl=**")
    with Bystander(tabs) as bystander:
        tab.page.evaluate("document.querySelector('button').click()")
        [warning] = bystander.until(lambda: held and [line for line in tab.console if "does not offer" in line])
    assert 'id="go"' in warning
    assert "'nobody'" in warning
    with tab.page.expect_navigation(url="**/api/auth/signin?callbackUrl=**"):
        held.go_on()


@pytest.mark.parametrize("url", ["javascript:document.title=1", "data:text/html,x", "http://"])
@micropython_only
def test_a_callback_url_that_leads_nowhere_is_warned_of_and_not_followed(tabs: Tabs, url: str) -> None:
    tab = tabs.python(
        BIND, html=f'<p id="around" data-auth-callback-url="{url}"><a href="#" data-auth-signin>In</a></p>'
    )
    came_from = tab.page.url
    with tab.page.expect_navigation(url="**/api/auth/signin?**") as went:
        tab.page.get_by_text("In").click()
    assert parse_qs(urlsplit(went.value.url).query)["callbackUrl"] == [came_from]
    [warning] = [line for line in tab.console if "no http(s) address" in line]
    assert 'id="around"' in warning


@micropython_only
def test_a_button_for_what_needs_an_address_leads_to_the_page_that_asks_for_it(tabs: Tabs) -> None:
    tab = tabs.python(BIND, html='<button id="go" data-auth-signin="email" data-auth-callback-url="/there">In</button>')
    providers = {"email": {"id": "email", "name": "Email", "type": "email", "signinUrl": "x", "callbackUrl": "x"}}
    tab.page.route("**/api/auth/providers", lambda route: route.fulfill(json=providers))
    with tab.page.expect_navigation(url="**/api/auth/signin?callbackUrl=**there"):
        tab.element("go").click()
    [warning] = [line for line in tab.console if "needs email=" in line]
    assert 'id="go"' in warning


@micropython_only
def test_a_form_goes_where_its_callback_url_says(tabs: Tabs, backend: Backend) -> None:
    tabs.site.write("/there.html", "<title>There</title>")
    html = """
<form data-auth-form="credentials" data-auth-callback-url="/there.html"><input name="username" value="ada">
  <input name="password" value="lovelace"> <button>In</button></form>
"""
    tab = tabs.python(BIND, html=html)
    with tab.page.expect_navigation(url="**/there.html"):
        tab.button("In").click()
    assert tabs.context.request.get(backend.base + "/session").json()["user"]["name"] == "Ada Lovelace"


@pytest.mark.parametrize("callback", ["", 'data-auth-callback-url="/there.html"'])
@micropython_only
def test_a_form_that_signs_in_elsewhere_goes_there_once(tabs: Tabs, callback: str) -> None:
    tab = tabs.python(BIND, html=f'<form method="post" data-auth-form="dev-idp" {callback}><button>Out</button></form>')
    tab.page.evaluate("void (navigation.onnavigate = () => sessionStorage.setItem('left', `${sessionStorage.left}+`))")
    tab.button("Out").click()
    expect(tab.page.get_by_role("button", name="Allow")).to_be_visible()
    assert tab.page.evaluate("sessionStorage.left") == "undefined+"


@micropython_only
def test_a_form_without_an_address_says_that_no_mail_can_be_sent(tabs: Tabs) -> None:
    html = """
<form data-auth-form="email"><input name="email" value="nobody"> <p id="problem" data-auth-error></p>
  <button>In</button></form>
"""
    tab = tabs.python(BIND, html=html)
    providers = {"email": {"id": "email", "name": "Email", "type": "email", "signinUrl": "x", "callbackUrl": "x"}}
    tab.page.route("**/api/auth/providers", lambda route: route.fulfill(json=providers))
    tab.button("In").click()
    tab.shows(problem="The e-mail could not be sent. Check the address and try again.")
    expect(tab.button("In")).to_be_enabled()


@pytest.mark.parametrize(
    ("code", "sentence"), [("locked", "Too often."), ("other", "Sign in failed. Check that what you typed is correct.")]
)
@micropython_only
def test_the_code_of_a_v5_backend_chooses_the_sentence_where_there_is_one(tabs: Tabs, code: str, sentence: str) -> None:
    tab = tabs.python(SHOW + 'Provider()\nbind(messages={"locked": "Too often."})\n', html=PAGE)
    answer = {"url": f"{tab.backend.base}/signin?error=CredentialsSignin&code={code}"}
    tab.page.route("**/api/auth/callback/credentials*", lambda route: route.fulfill(json=answer))
    tab.element("enter").click()
    tab.shows(form_problem=sentence)


@contract_in_one
def test_every_state_shows_what_is_for_it(tabs: Tabs) -> None:
    python = """
from nextauth_client import BackendUnreachable
handle = bind("#app")
seen = [visible(*PLACES)]
for state in (
    SessionState(None), SessionState(loading=True), SessionState(loading=True, error=BackendUnreachable("x")),
    SessionState(session("Eve"), error=BackendUnreachable("x")), SessionState(session("Eve")),
):
    store.replace(state)
    seen.append(visible(*PLACES) + " " + document.getElementById("name").textContent)
handle.dispose()
handle.dispose()
seen.append(visible(*PLACES) + document.getElementById("name").textContent)
becomes(session("Zoe"))
show("result", "; ".join(seen))
show("status", document.getElementById("name").textContent + str(document.getElementById("ways").children.length))
"""
    tab = tabs.python(SHOW + BOUND + python, html=HTML + PAGE)
    tab.shows(
        result="in either; out either somebody; loading somebody; loading trouble somebody; "
        "in either trouble Eve; in either Eve; somebody",
        status="somebody1",
    )


def test_nodes_that_come_later_are_served_and_those_that_go_are_released(tabs: Tabs) -> None:
    python = """
import asyncio
handle = bind("#app")
app = document.getElementById("app")

async def settled():
    await js.Promise.resolve()

late = document.createElement("div")
late.innerHTML = '<i id="late" data-auth-text="user.email">…</i>' \
    '<p id="never" data-auth-show="unauthenticated" hidden>x</p>'
app.append(late)
await settled()
show("status", document.getElementById("late").textContent + " " + visible("late", "never"))
app.prepend(late)
await settled()
show("who", document.getElementById("late").textContent)
late.remove()
await settled()
becomes(session("Eve", email="eve@example.org"))
show("error", late.firstChild.textContent + str(late.lastChild.hasAttribute("hidden")))
becomes(dict(session("Eve"), user={"email": "eve@example.org"}))
app.append(late)
await settled()
show("result", document.getElementById("late").textContent)
"""
    tab = tabs.python(SHOW + BOUND + python, html=HTML + PAGE)
    tab.shows(status="a@example.org late", who="a@example.org", error="…True", result="eve@example.org")


@pytest.mark.parametrize("names", [("one", "two"), ("two", "one")])
@micropython_only
def test_a_node_that_moves_from_one_root_to_another_is_served_by_that(tabs: Tabs, names: tuple[str, str]) -> None:
    html = """
<div id="one">
  <p id="moved" data-auth-show="authenticated" hidden><i id="whose" data-auth-text="user.name">nobody</i></p></div>
<div id="two"></div>
"""
    python = """
def moved():
    return document.getElementById("whose").textContent + " " + visible("moved")

handles = [bind("#" + name) for name in NAMES]
seen = [moved()]
for name in ("two", "one", "two"):
    document.getElementById(name).append(document.getElementById("moved"))
    await js.Promise.resolve()
    seen.append(moved())
becomes(session("Eve"))
seen.append(moved())
handles[0].dispose()
handles[1].dispose()
seen.append([moved(), document.getElementById("moved").hidden])
show("result", seen)
"""
    tab = tabs.python(SHOW + BOUND + python.replace("NAMES", repr(names)), html=HTML + html)
    tab.shows(result="['Ada moved', 'Ada moved', 'Ada moved', 'Ada moved', 'Eve moved', ['nobody ', True]]")


@contract_in_one
def test_a_root_may_stand_in_a_shadow_tree(tabs: Tabs) -> None:
    python = """
shadow = document.getElementById("host").attachShadow(js.JSON.parse('{"mode": "open"}'))
shadow.innerHTML = '<div><p data-auth-show="authenticated" hidden><b data-auth-text="user.name">x</b></p>' \
    '<p data-auth-show="unauthenticated" hidden>out</p></div>'
root = shadow.firstChild
handle = bind(root)

def seen():
    return [element.textContent for element in root.querySelectorAll("p") if element.checkVisibility()]

before = seen()
becomes(None)
after, said = seen(), root.querySelector("[aria-live]").textContent
handle.dispose()
show("result", [before, after, said, seen(), int(shadow.adoptedStyleSheets.length)])
"""
    tab = tabs.python(SHOW + BOUND + python, html=HTML + '<div id="host"></div>')
    tab.shows(result="[['Ada'], ['out'], 'You are signed out.', [], 0]")


def test_a_text_that_somebody_has_replaced_follows_the_next_change(tabs: Tabs) -> None:
    python = """
handle = bind("#app")
name = document.getElementById("name")
name.innerHTML = "<font>Ada, translated</font>"
await js.Promise.resolve()
becomes(dict(session("Ada"), expires="2998-01-01T00:00:00.000Z"))
seen = [name.innerHTML]
for session_data in (session("Eve"), None, session("Zoe")):
    becomes(session_data)
    seen.append(name.innerHTML)
name.textContent = "another"
await js.Promise.resolve()
handle.dispose()
show("result", seen + [name.innerHTML])
"""
    tab = tabs.python(SHOW + BOUND + python, html=HTML + PAGE)
    tab.shows(result="['<font>Ada, translated</font>', 'Eve', 'somebody', 'Zoe', 'somebody']")


@micropython_only
def test_a_name_turns_no_text_beside_it(tabs: Tabs) -> None:
    html = '<p dir="ltr"><b id="name" data-auth-text="user.name">x</b> <i id="after">is</i> <i id="last">here</i></p>'
    tab = tabs.python(
        SHOW + GIVEN + 'bind()\nbecomes(session("Ada\u202e"))\nshow("result", "done")\n', html=HTML + html
    )
    tab.shows(result="done", name="Ada\u202e")
    left = "id => document.getElementById(id).getBoundingClientRect().left"
    assert tab.page.evaluate(left, "name") < tab.page.evaluate(left, "after") < tab.page.evaluate(left, "last")


def test_signing_in_and_out_is_announced_whatever_happens_to_the_page(tabs: Tabs) -> None:
    python = """
bind()

def said():
    return "|".join([element.textContent for element in document.querySelectorAll("[data-auth-announcer]")])

def becomes_loading():
    store.replace(SessionState(loading=True))

seen = [said()]
becomes_loading()  # as after the back/forward cache, when somebody signed out meanwhile
becomes(None)
seen.append(said())
becomes(session("Eve"))
seen.append(said())
document.body.replaceChildren(document.getElementById("result"))
becomes(None)
seen.append(said())
becomes_loading()
becomes(None)
show("result", seen)
"""
    tab = tabs.python(SHOW + BOUND + python, html=HTML + PAGE)
    tab.shows(result="['', 'You are signed out.', 'You are signed in.', 'You are signed out.']")


def test_an_attribute_that_changes_is_served_by_its_new_value(tabs: Tabs) -> None:
    html = """
<p id="text" data-auth-text="user.name">own</p> <p id="show" data-auth-show="authenticated" hidden>x</p>
<p id="plain">plain</p> <p id="trouble" data-auth-error hidden></p>
"""
    python = """
from nextauth_client import BackendUnreachable
handle = bind()

def node(name):
    return document.getElementById(name)

seen = []
async def after(change, *args):
    change(*args)
    await js.Promise.resolve()
    seen.append(" ".join([node("text").textContent, node("plain").textContent]) + " " + visible("show"))

await after(node("text").setAttribute, "data-auth-text", "user.email")
await after(node("show").setAttribute, "data-auth-show", "unauthenticated")
await after(node("plain").setAttribute, "data-auth-text", "user.name")
await after(becomes, session("Eve"))
await after(node("text").removeAttribute, "data-auth-text")
await after(becomes, None)
await after(node("show").removeAttribute, "data-auth-show")
node("trouble").removeAttribute("data-auth-error")
await js.Promise.resolve()
store.replace(SessionState(None, error=BackendUnreachable("x")))
seen.append(str(node("trouble").hasAttribute("role")) + str(node("trouble").textContent))
handle.dispose()
await after(node("plain").setAttribute, "data-auth-text", "user.email")
show("result", "; ".join(seen))
"""
    tab = tabs.python(SHOW + BOUND + python, html=HTML + html)
    tab.shows(
        result="a@example.org plain show; a@example.org plain ; a@example.org Ada ; a@example.org Eve ; own Eve ; "
        "own plain show; own plain ; False; own plain"
    )


def test_what_nobody_knows_is_warned_of_once_with_the_element(tabs: Tabs) -> None:
    html = """
<div id="bad">
  <p id="a" data-auth-show="authenticated signed-in" hidden>a</p> <p id="b" data-auth-text="user.nmae">own</p>
  <p id="c" data-auth-text="user">own</p> <p id="d" data-auth-text="user..name">own</p>
  <p id="e" data-auth-src="user.image">own</p> <form id="f" method="post" data-auth-form></form>
  <ul id="g" data-auth-providers></ul> <p id="h" data-auth-text="user.image">own</p> <p id="i" data-auth-show="">i</p>
</div>
"""
    python = """
bind("#bad")
becomes(session("Eve"))
becomes(session("Zoe"))
show("result", "".join([document.getElementById(name).textContent for name in "bcdeh"]) + visible("a", "i"))
"""
    tab = tabs.python(SHOW + BOUND + python, html=HTML + html)
    tab.shows(result="ownownownownowna")
    warnings = [line for line in tab.console if line.startswith("nextauth_client: <")]
    for name in "abcdefgi":
        assert len([line for line in warnings if f'id="{name}"' in line]) == 1, warnings
    assert len(warnings) == 8


def test_an_element_is_shown_while_a_condition_holds(tabs: Tabs) -> None:
    words = [
        "user.role=admin",
        "!user.role=admin",
        "user.roles~=editor",
        "user.ok",
        "unauthenticated user.ok",
        "user.role!=x",
    ]
    html = '<div id="rules">'
    for id, word in zip("abcdef", words, strict=True):
        html += f'<p id="{id}" data-auth-show="{word}" hidden>x</p>'
    python = """
def shown():
    return visible("a", "b", "c", "d", "e", "f").replace(" ", "") or "-"

handle = bind("#rules")
seen = [shown()]
for user in (
    {"role": "admin", "roles": ["editor"]},
    {"role": "editor", "ok": True},
    {"role": "user", "roles": "editor"},
    None,
):
    becomes(user and session("Eve", **user))
    seen.append(shown())
becomes(session("Eve", role="admin"))
document.getElementById("b").setAttribute("data-auth-show", "user.role=admin")
await js.Promise.resolve()
seen.append(shown())
handle.dispose()
left = [name for name in "abcdef" if document.getElementById(name).hasAttribute("data-auth-holds")]
show("result", " ".join(seen) + " left:" + "".join(left) + shown())
"""
    tab = tabs.python(SHOW + BOUND + python, html=HTML + html + "</div>")
    tab.shows(result="b ac bde b e ab left:-")
    warnings = [line for line in tab.console if line.startswith("nextauth_client: <")]
    assert len(warnings) == 1 and 'id="f"' in warnings[0] and "user.role=admin" in warnings[0]


@pytest.mark.parametrize(
    ("image", "source"),
    [
        ("javascript:document.title=1", None),
        ("java\nscript:document.title=1", None),
        ("data:text/html,<script>document.title=1</script>", None),
        ("", None),
        (None, None),
        (5, "/5"),
        ("/face.png", "/face.png"),
        ("x" * 100_000, "/" + "x" * 100_000),
        ('"><script>document.title=1</script>', '/"><script>document.title=1</script>'),
    ],
)
@micropython_only
def test_a_picture_has_an_http_address_or_none(tabs: Tabs, image: object, source: str | None) -> None:
    python = f"""
bind("#app")
becomes(session("Eve", image={image!r}))
picture = document.getElementById("picture")
show("result", picture.getAttribute("src") if picture.hasAttribute("src") else "none")
show("status", document.title)
"""
    tab = tabs.python(SHOW + BOUND + python, html=HTML + PAGE)
    tab.expect_problem("Failed to load resource")
    expected = "none" if source is None else tab.backend.url + source
    tab.page.wait_for_function("text => document.getElementById('result').textContent === text", arg=expected)
    tab.shows(status="A page under test")


@pytest.mark.parametrize("name", [HOSTILE, "x" * 100_000, None, "", 5, 1.5, True])
@micropython_only
def test_a_name_is_text_whatever_it_is(tabs: Tabs, name: object) -> None:
    python = f"bind('#app')\nbecomes(session({name!r}))\n"
    tab = tabs.python(SHOW + BOUND + python, html=HTML + PAGE)
    expected = "somebody" if name is None else "true" if name is True else str(name)
    tab.page.wait_for_function("text => document.getElementById('name').textContent === text", arg=expected)
    expect(tab.element("name").locator("*")).to_have_count(0)


@pytest.mark.parametrize(
    ("user", "shown"),
    [({}, "own"), ({"email": None}, "own"), ({"email": HOSTILE}, HOSTILE), ({"email": "\u202ea@b.example"}, None)],
)
@micropython_only
def test_an_e_mail_is_text_and_may_be_missing(tabs: Tabs, user: dict[str, object], shown: str | None) -> None:
    html = '<p id="mail" data-auth-text="user.email">own</p><p id="name" data-auth-text="user.name">own</p>'
    python = f"bind()\nbecomes({{'user': {user!r}, 'expires': '2999-01-01T00:00:00.000Z'}})\n"
    tab = tabs.python(SHOW + BOUND + python, html=html)
    expected = user["email"] if shown is None else shown
    tab.page.wait_for_function("text => document.getElementById('mail').textContent === text", arg=expected)
    expect(tab.element("mail").locator("*")).to_have_count(0)
    tab.shows(name="own")
    assert not [line for line in tab.console if "nextauth_client: <" in line], "what a user may lack is no mistake"


def test_a_root_is_served_once_and_has_to_be_there(tabs: Tabs) -> None:
    python = """
first = bind("#app")
lines = [raises(bind, root) for root in ("#app", None, "#form", "#nothing", "button", "#1", 5)]
for line in lines:
    js.console.log("said: " + line)
bind("#result").dispose()
first.dispose()
bind().dispose()
show("status", document.documentElement.hasAttribute("data-auth-state"))
"""
    tab = tabs.python(SHOW + BOUND + python, html=HTML + PAGE)
    tab.shows(status="False")
    said = [line[6:] for line in tab.console if line.startswith("said: ")]
    for line in said[:3]:
        assert line.startswith("RuntimeError: bind() serves <main id=")
    for line, words in zip(said[3:], ("no element", "elements match", "is not a CSS", "takes a CSS"), strict=True):
        assert words in line


@micropython_only
def test_messages_replace_the_sentences(tabs: Tabs) -> None:
    python = """
Provider(session=None)
bind(messages={"CredentialsSignin": "Das stimmt nicht.", "OAuthCallback": "Abgelehnt.", "authenticated": "Angemeldet."})
"""
    tab = tabs.python(SHOW + python, html=PAGE, path="?error=OAuthCallback")
    tab.expect_problem("status of 401")
    tab.shows(problem="Abgelehnt.")
    sees(tab, "out", "either", "trouble")
    tab.element("enter").click()
    tab.shows(form_problem="Das stimmt nicht.")
    tab.element("username").fill("ada")
    tab.element("password").fill("lovelace")
    tab.element("enter").click()
    sees(tab, "in", "either")
    expect(tab.page.locator("[aria-live=polite][role=status]")).to_have_text("Angemeldet.")


def test_stop_takes_everything_back(tabs: Tabs) -> None:
    html = """
<div id="kept"> <p data-auth-error hidden>What went <b>wrong</b></p> <p data-auth-error role="status">Nothing yet</p>
  <i data-auth-text="user.name"><b>some</b>body</i> <i data-auth-text="user.email"></i>
  <i data-auth-text="user.name"> x </i>
  <form data-auth-form="credentials"><p data-auth-error>x</p></form>
  <p data-auth-show="error" data-auth-error hidden>x</p> <p data-auth-error data-auth-show="error">x</p>
  <img data-auth-src="user.image" src="/face.png" alt="">
  <img data-auth-src="user.image" alt=""> <p data-auth-show="loading" hidden="until-found">x</p>
  <p data-auth-show="loading">x</p></div>
"""
    python = """
def written():
    return [document.getElementById(name).outerHTML for name in ("app", "kept")]

before = written()
html = document.documentElement
handle = bind()
becomes(session("Eve", image="/face.png"))
changed = written()
provider.stop()
if written() != before:
    js.console.error("not put back: " + written()[1])
show("status", [
    [now != then for now, then in zip(changed, before)], written() == before,
    html.hasAttribute("data-auth-state"), int(document.adoptedStyleSheets.length),
    int(document.querySelectorAll("[data-auth-announcer]").length),
])
"""
    tabs.context.route("**/face.png", lambda route: route.fulfill(body=""))
    tab = tabs.python(SHOW + BOUND + python, html=HTML + PAGE + html)
    tab.shows(status="[[True, True], True, False, 0, 0]")
    [warning] = [line for line in tab.console if "has elements in it" in line]
    assert '<i data-auth-text="user.name">' in warning
    tabs.context.unroute_all()


@micropython_only
def test_what_a_form_could_not_do_is_forgotten_once_somebody_is_signed_in(tabs: Tabs) -> None:
    python = """
becomes(None)
bind()

@on_click("go")
async def go(event):
    becomes(session("Eve"))
    becomes(None)
"""
    tab = tabs.python(SHOW + GIVEN + python, html=HTML + PAGE)
    tab.expect_problem("status of 401")
    tab.element("enter").click()
    tab.shows(form_problem="Sign in failed. Check that what you typed is correct.")
    tab.element("go").click()
    tab.shows(form_problem="")
    expect(tab.element("form_problem")).to_be_hidden()


@micropython_only
def test_a_binding_made_before_the_provider_goes_on_with_it(tabs: Tabs, backend: Backend) -> None:
    backend.sign_in(tabs.context)
    tab = tabs.python(SHOW + "handle = bind()\nProvider(session=None)\n", html=PAGE)
    sees(tab, "out", "either")
    tab = tabs.python(SHOW + "handle = bind()\nProvider(keep_alive=60)\n", html=PAGE)
    tab.shows(name="Ada Lovelace")


GUARD = """
Provider()
runs = []

@on_click("go")
@require_session
def go(event):
    runs.append(event.type)
    show("result", len(runs))
    return "done"

@require_session
async def later(value, *, more):
    return [value, more]
"""


def test_a_guard_waits_for_the_first_answer_and_then_runs(tabs: Tabs, backend: Backend) -> None:
    backend.sign_in(tabs.context)
    python = GUARD + "show('status', await later(1, more=2))\n"
    tab = tabs.python(SHOW + python, html=HTML)
    tab.shows(status="[1, 2]")
    tab.element("go").click()
    tab.shows(result="1")


def test_a_guard_sends_who_is_signed_out_to_sign_in(tabs: Tabs) -> None:
    tab = tabs.python(SHOW + GUARD, html=HTML)
    with tab.page.expect_navigation(url="**/api/auth/signin?error=SessionRequired&callbackUrl=**"):
        tab.element("go").click()


def test_providers_are_asked_for_once_however_often_the_state_changes_meanwhile(tabs: Tabs, backend: Backend) -> None:
    backend.latency("providers", 1)
    html = '<div data-auth-providers><template><button data-auth-text="provider.name"></button></template></div>'
    python = (
        SHOW
        + """
Provider()
bind()

@on_click("go")
async def ask(event):
    for _ in range(3):
        await get_session()
    show("result", "asked")
"""
    )
    tab = tabs.python(python, html=HTML + html)
    tab.element("go").click()
    tab.shows(result="asked")
    expect(tab.button("Development ID")).to_be_visible()
    assert len(tab.requests("providers")) == 1


# ── people's own HTML ────────────────────────────────────────────────────────────────────────────

IGNORED = """
<main id="app"><div id="comment" data-auth-ignore>
  <p id="shown" data-auth-show="unauthenticated">x</p> <b id="text" data-auth-text="user.email">own</b>
  <img data-auth-src="user.image" alt=""> <p data-auth-error>own</p> <button id="leave" data-auth-signout>Out</button>
  <form id="form" method="post" data-auth-form="credentials"><input name="username" value="alan"></form>
  <section data-auth-providers><template><button></button></template></section>
</div></main>
"""


def test_in_a_part_that_is_ignored_no_attribute_does_anything(tabs: Tabs) -> None:
    python = """
comment = document.getElementById("comment")
parent = comment.parentNode

def look():
    as_written = comment.outerHTML.replace(' data-auth-ignore=""', "") == written
    return " ".join([str(as_written), visible("shown"), document.getElementById("text").textContent])

written = comment.outerHTML.replace(' data-auth-ignore=""', "")
bind("#app")
seen = [look()]
for change in (
    lambda: comment.removeAttribute("data-auth-ignore"),
    lambda: comment.setAttribute("data-auth-ignore", ""),
    lambda: document.getElementById("text").setAttribute("data-auth-text", "user.name"),
    lambda: document.getElementById("text").setAttribute("data-auth-text", "user.email"),
    lambda: document.body.append(comment),
    lambda: parent.append(comment),
):
    change()
    await js.Promise.resolve()
    seen.append(look())
show("result", "; ".join(seen))
"""
    tab = tabs.python(SHOW + BOUND + python, html=HTML + IGNORED)
    ignored = "True shown own"
    tab.shows(result=f"{ignored}; False  a@example.org; {ignored}; False shown own; {ignored}; {ignored}; {ignored}")
    goes_on = """([id, type]) => document.getElementById(id).dispatchEvent(
        new Event(type, { bubbles: true, cancelable: true }))"""
    assert tab.page.evaluate(goes_on, ["leave", "click"])
    assert tab.page.evaluate(goes_on, ["form", "submit"])
    assert tab.requests("csrf") == []


@micropython_only
def test_a_field_of_an_ignored_part_is_none_of_a_form_elsewhere(tabs: Tabs) -> None:
    html = """
<form id="form" method="post" data-auth-form="credentials"><input name="username" value="ada">
  <input name="password" value="lovelace"> <p data-auth-ignore><input name="within" value="1"></p>
  <button id="enter">In</button></form>
<div data-auth-ignore><input form="form" name="username" value="alan"> <input form="form" name="more" value="1"></div>
"""
    tab = tabs.python(BIND, html=html)
    with tab.page.expect_request("**/callback/credentials*") as posted:
        tab.element("enter").click()
    fields = parse_qs(posted.value.post_data or "")
    assert fields["username"] == ["ada"]
    assert fields["password"] == ["lovelace"]
    assert "more" not in fields
    assert "within" not in fields


def test_no_text_goes_where_it_is_sent_or_run(tabs: Tabs) -> None:
    html = """
<form id="app"><input data-auth-text="user.email" value="own"> <textarea data-auth-text="user.email">own</textarea>
  <select><option data-auth-text="user.email">own</option></select> <output data-auth-text="user.email">own</output>
  <script type="text/plain" data-auth-text="user.email">own</script>
  <style data-auth-text="user.email">own</style></form>
"""
    python = """
app = document.getElementById("app")
written = app.innerHTML.replace(">own</output>", ">a@example.org</output>")
bind("#app")
show("result", app.innerHTML == written)
"""
    tab = tabs.python(SHOW + BOUND + python, html=HTML + html)
    tab.shows(result="True")
    for name in ("input", "textarea", "option", "script", "style"):
        assert len([line for line in tab.console if f"nextauth_client: <{name} " in line]) == 1, name


NAMES = (
    *("getAttribute", "hasAttribute", "setAttribute", "removeAttribute", "toggleAttribute", "closest", "matches"),
    *("contains", "querySelector", "querySelectorAll", "childNodes", "children", "textContent", "hidden", "id"),
    *("replaceChildren", "append", "localName", "nodeType", "elements", "dataset", "reset", "isSameNode", "parentNode"),
    *("cloneNode", "outerHTML", "getRootNode", "isConnected", "addEventListener", "removeEventListener", "remove"),
)


def test_a_name_in_the_page_hides_no_method_from_bind(tabs: Tabs) -> None:
    fields = "".join([f'<input type="hidden" name="{name}">' for name in NAMES])
    html = f"""
<div id="pictures"></div>
<form id="form" method="post" data-auth-form="credentials" data-auth-show="unauthenticated" hidden>{fields}
  <input name="username" id="username"> <input name="password" id="password"> <p id="problem" data-auth-error></p>
  <button id="enter">In</button></form>
<p>Hello <b id="name" data-auth-text="user.name">somebody</b></p>
"""
    names = ("createElement", "createTextNode", "activeElement", "adoptedStyleSheets", "body", "baseURI")
    pictures = "".join([f'<img name="{name}" alt="">' for name in names])
    python = f"""
document.getElementById("pictures").innerHTML = {pictures!r}  # PyScript does not start with such names
for _ in range(2):
    bind("#form").dispose()
Provider(timeout=3)
bind()
"""
    tab = tabs.python(SHOW + python, html=html)
    tab.expect_problem("status of 401")
    # Playwright itself stumbles over such a form.
    type_and_send = """([name, password]) => {
        document.getElementById("username").value = name;
        document.getElementById("password").value = password;
        document.getElementById("enter").click();
    }"""
    is_visible = "() => Element.prototype.checkVisibility.call(document.getElementById('form'))"
    tab.page.wait_for_function(is_visible)
    tab.page.evaluate(type_and_send, ["ada", "wrong"])
    tab.shows(problem="Sign in failed. Check that what you typed is correct.")
    tab.page.evaluate(type_and_send, ["ada", "lovelace"])
    tab.shows(name="Ada Lovelace")
    tab.page.wait_for_function(f"!({is_visible})()")
    assert tab.page.evaluate("document.getElementById('password').value") == ""


@micropython_only
def test_an_element_that_fails_takes_no_other_with_it(tabs: Tabs) -> None:
    python = """
from nextauth_client.bound import Texts
serve = Texts.serve

def fails_for_one(self, element, value, number):
    if element.id == "one":
        raise ValueError("on purpose")
    release = serve(self, element, value, number)

    def fails():
        release()
        raise ValueError("on purpose")

    return fails if element.id == "two" else release

Texts.serve = fails_for_one
handle = bind()
texts = [document.getElementById(name).textContent for name in ("one", "two", "three")]
handle.dispose()
show("result", texts + [document.getElementById(name).textContent for name in ("one", "two", "three")])
"""
    html = "".join([f'<b id="{name}" data-auth-text="user.name">own</b>' for name in ("one", "two", "three")])
    tab = tabs.python(SHOW + GIVEN + python, html=HTML + html)
    tab.expect_problem("bind", "on purpose", "Traceback", "File ")
    tab.shows(result="['own', 'Ada', 'Ada', 'own', 'own', 'own']")
    assert any('<b id="one"' in line for line in tab.console)


# ── where a form leads ───────────────────────────────────────────────────────────────────────────

FORM = """
<form method="post" data-auth-form="credentials"><input name="username" value="ada">
  <input name="password" id="password" type="password"> <p id="problem" data-auth-error></p>
  <button id="enter">In</button></form>
<b id="name" data-auth-text="user.name">somebody</b>
"""


@pytest.mark.parametrize("is_signed_in", [False, True])
@micropython_only
def test_a_form_that_is_answered_with_another_page_goes_there(tabs: Tabs, backend: Backend, is_signed_in: bool) -> None:
    tabs.site.write("/unpaid.html", "<title>Unpaid</title>")
    if is_signed_in:
        backend.sign_in(tabs.context, "alan")
    tab = tabs.python(BIND, html=FORM)
    tab.shows(name="Alan Turing" if is_signed_in else "somebody")
    tab.page.route("**/callback/credentials*", lambda route: route.fulfill(json={"url": "/unpaid.html"}))
    with tab.page.expect_navigation(url="**/unpaid.html"):
        tab.element("enter").click()


@micropython_only
def test_a_form_that_is_answered_with_the_home_page_stays_once_it_has_signed_in(tabs: Tabs, backend: Backend) -> None:
    tab = tabs.python(BIND, html=FORM)
    tab.shows(name="somebody")

    def lead_home(route: Route) -> None:
        backend.sign_in(tabs.context)
        route.fulfill(json={"url": backend.url})

    tab.page.route("**/callback/credentials*", lead_home)
    tab.element("password").fill("lovelace")
    tab.element("enter").click()
    tab.shows(name="Ada Lovelace")
    expect(tab.element("password")).to_have_value("")
    expect(tab.element("enter")).to_be_enabled()
    assert len(tab.navigations) == 1
    assert len(tab.requests("session")) == 2


@micropython_only
def test_a_form_after_which_nobody_is_signed_in_says_so_and_keeps_what_was_typed(tabs: Tabs) -> None:
    tab = tabs.python(BIND, html=FORM)
    url = tab.page.url
    tab.page.route("**/callback/credentials*", lambda route: route.fulfill(json={"url": url}))
    tab.element("password").fill("lovelace")
    tab.element("enter").click()
    tab.shows(problem="Signing in could not be completed. Try again.")
    expect(tab.element("password")).to_have_value("lovelace")
    expect(tab.element("enter")).to_be_enabled()


@micropython_only
def test_relative_addresses_are_relative_to_the_base_of_the_document(tabs: Tabs) -> None:
    html = """
<button id="go" data-auth-signin data-auth-callback-url="there.html">In</button>
<img id="picture" data-auth-src="user.image" alt="">
"""
    python = GIVEN + 'becomes(session("Ada", image="face.png"))\nbind()\n'
    tab = tabs.python(SHOW + python, html=html, head='<base href="/below/here.html">')
    tab.expect_problem("Failed to load resource")
    expect(tab.element("picture")).to_have_attribute("src", tab.backend.url + "/below/face.png")
    with tab.page.expect_navigation(url="**/api/auth/signin?**") as went:
        tab.element("go").click()
    assert parse_qs(urlsplit(went.value.url).query)["callbackUrl"] == [tab.backend.url + "/below/there.html"]


@pytest.mark.parametrize(
    ("method", "button", "warnings"),
    [
        ("", "", 1),
        ('method="get"', 'formmethod="post"', 1),
        ('method="POST"', "", 0),
        ('method="post"', 'formmethod="get"', 1),
        ('method="post"', 'formmethod="PoST"', 0),
    ],
)
@micropython_only
def test_a_form_that_would_put_a_password_into_an_address_is_warned_of(
    tabs: Tabs, method: str, button: str, warnings: int
) -> None:
    form = f'<form id="form" {method} data-auth-form="credentials"><input><button {button}>In</button></form>'
    tab = tabs.python(SHOW + GIVEN + "bind()\n", html=form)
    assert len([line for line in tab.console if 'id="form"' in line and 'method="post"' in line]) == warnings


@micropython_only
def test_bind_in_the_other_interpreter_of_the_page_is_noticed(tabs: Tabs) -> None:
    python = """
import asyncio
from pyscript import document
from nextauth_client import Provider, bind
Provider(session=None)
while not document.documentElement.hasAttribute("data-auth-state"):
    await asyncio.sleep(0.1)
try:
    bind()
    said = "nothing"
except RuntimeError as error:
    said = str(error)
document.getElementById("result").textContent = said
"""
    tabs.site.write_page("/other.html", python=python, html="", interpreter="pyodide")
    other = '<script type="py" src="/other.html.py" config="/other.html.json"></script>'
    tab = tabs.python(SHOW + GIVEN + "bind()\n", html=HTML + other)
    tab.contains(result="bind() serves <html")
