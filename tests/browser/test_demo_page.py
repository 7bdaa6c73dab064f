"""The demo page, used as a person uses it."""

from __future__ import annotations

import ast
import re
from typing import Literal

import nextauth_client
import pytest
from playwright.sync_api import Locator, Page

from scripts.steps import ROOT
from tests.support.accessible import assert_nobody_is_shut_out
from tests.support.backend import Backend
from tests.support.engines import expect
from tests.support.tabs import Held, Tab, Tabs, contract, contract_in_one, first_on_pyodide, micropython_only

REFUSED = "Sign in failed. Check that what you typed is correct."
STATUS_401 = "the server responded with a status of 401"  # how the protocol answers a wrong password

# The page's own Python arrives when the test says so.
HOLD_PYTHON = """
    const fetchNow = window.fetch;
    window.fetch = async (...args) => {
        if (String(args[0]).endsWith("/demo.py"))
            await (window.held ??= new Promise(resolve => window.letPythonRun = resolve));
        return fetchNow(...args);
    };
"""


# Before each paint: the words that can be read, code left out, and the forms and pictures that can be seen.
FRAMES = """
    window.frames_ = [];
    const sees = node => node.checkVisibility() && !node.closest("pre, script, style");
    const look = () => {
        const words = [], texts = document.createTreeWalker(document, NodeFilter.SHOW_TEXT);
        while (texts.nextNode()) if (sees(texts.currentNode.parentElement)) words.push(texts.currentNode.data.trim());
        const frame = {
            words: words.filter(Boolean),
            forms: [...document.forms].filter(sees).length,
            pictures: [...document.querySelectorAll("main img[src]")].filter(sees).map(image => image.src),
            booting: document.documentElement.hasAttribute("data-booting"),
        };
        if (JSON.stringify(frame) !== window.last_) frames_.push(frame);
        window.last_ = JSON.stringify(frame);
        requestAnimationFrame(look);
    };
    requestAnimationFrame(look);
"""


def sign_in(tab: Tab, username: str = "ada", password: str = "lovelace", *, redirect: bool = False) -> None:
    tab.page.get_by_label("Username").fill(username)
    tab.page.get_by_label("Password").fill(password)
    tab.page.get_by_label("Reload the page after signing in").set_checked(redirect)
    tab.button("Sign in").click()


@contract
def test_a_first_visitor_is_told_that_nobody_is_signed_in(demo: Tab) -> None:
    demo.shows(who="Not signed in", status="unauthenticated")
    expect(demo.button("Sign in")).to_be_visible()
    expect(demo.button("Sign out")).to_be_hidden()
    assert len(demo.requests("session")) == 1


def test_the_page_asks_nobody_but_its_own_host(tabs: Tabs) -> None:
    """Every tab of these tests is checked for this at its end; here by itself, from the boot to a sign-out."""
    demo = tabs.demo(boot=True)
    demo.shows(who="Not signed in")
    assert len(demo.requests("session")) == 1
    sign_in(demo)
    demo.button("Sign out").click()
    demo.shows(who="Not signed in")
    demo.assert_stays_home()
    for part in ("/vendor/pyscript/core.js", f"/vendor/{tabs.interpreter}/", "/static/client/", "/api/auth/signout"):
        assert any(part in request.url for request in demo.all_requests)


def test_progress_is_shown_while_python_starts_and_gone_afterwards(tabs: Tabs) -> None:
    tab = tabs.tab()
    tab.page.add_init_script(HOLD_PYTHON)
    tab.page.goto(f"/?interpreter={tabs.interpreter}", wait_until="commit")
    expect(tab.page.get_by_role("progressbar", name="Python is starting")).to_be_visible()
    expect(tab.element("boot-text")).to_contain_text(re.compile(tabs.interpreter, re.IGNORECASE))
    expect(tab.element("sign-in")).to_be_hidden()
    tab.shows(who="Loading")
    tab.page.wait_for_function("typeof letPythonRun === 'function'")
    tab.page.evaluate("letPythonRun()")
    tab.shows(who="Not signed in")
    expect(tab.element("boot")).to_be_hidden()


@contract
def test_signing_in_shows_the_name_without_a_reload(demo: Tab) -> None:
    expect(
        demo.page.locator("[data-auth-providers] button").first
    ).to_be_visible()  # for which it has asked the providers
    arrived, endpoints = demo.navigations, ("providers", "csrf", "callback/credentials")
    before = [len(demo.requests(name)) for name in endpoints]
    sign_in(demo)
    demo.shows(who="Signed in as Ada Lovelace", status="authenticated", email="ada@example.com")
    expect(demo.element("sign-in")).to_be_hidden()
    expect(demo.element("password")).to_have_value("")
    assert demo.navigations == arrived
    assert [len(demo.requests(name)) - count for name, count in zip(endpoints, before, strict=True)] == [1, 1, 1]


@first_on_pyodide
@pytest.mark.parametrize("file", ["boot.js", "pyscript/core.js"])
def test_python_starts_however_late_a_file_of_its_start_comes(tabs: Tabs, file: str) -> None:
    tab = tabs.tab()
    held = Held(tab.page, f"**/{file}")
    tab.page.goto(f"/?interpreter={tabs.interpreter}", wait_until="commit")
    tab.page.wait_for_function("performance.now() > 1500")  # the early script waits for a second
    held.go_on()
    expect(tab.page.locator("html")).not_to_have_attribute("data-booting", "")
    loaded = " ".join(request.url for request in tab.all_requests)
    other = {"micropython": "/vendor/pyodide/", "pyodide": "/vendor/micropython/"}[tabs.interpreter]
    assert f"/vendor/{tabs.interpreter}/" in loaded and other not in loaded


def test_a_reload_keeps_who_is_signed_in(tabs: Tabs, backend: Backend) -> None:
    backend.sign_in(tabs.context)
    tab = tabs.demo(boot=True)
    tab.shows(who="Signed in as Ada Lovelace")
    tab.page.reload()
    tab.shows(who="Signed in as Ada Lovelace")
    assert len(tab.requests("session")) == 2


@first_on_pyodide
@pytest.mark.parametrize("latency", [0, 0.5])
def test_a_signed_in_person_is_never_taken_for_nobody(tabs: Tabs, backend: Backend, latency: float) -> None:
    backend.sign_in(tabs.context)
    backend.latency("session", latency)
    tab = tabs.tab()
    tab.page.add_init_script(FRAMES)
    tab.page.goto(f"/?interpreter={tabs.interpreter}")
    tab.shows(who="Signed in as Ada Lovelace")
    tab.page.wait_for_function("!frames_.at(-1).booting")
    frames = tab.page.evaluate("frames_")
    for frame in frames:
        words = " ".join(frame["words"])
        assert not re.search("stranger|Not signed in|unauthenticated", words), words
        assert not frame["forms"], words
        assert set(frame["pictures"]) <= {f"{backend.base}/assets/ada.svg"}
    assert len(tab.requests("session")) == 1


@micropython_only
def test_who_is_signed_in_is_shown_before_python_runs(tabs: Tabs, backend: Backend) -> None:
    backend.sign_in(tabs.context)
    tab = tabs.tab()
    held = Held(tab.page, "**/vendor/pyscript/core.js")
    tab.page.goto(f"/?interpreter={tabs.interpreter}", wait_until="commit")
    expect(tab.page.get_by_text("Welcome back.", exact=True)).to_be_visible()
    tab.shows(who="Loading")
    held.go_on()
    tab.shows(who="Signed in as Ada Lovelace")
    assert len(tab.requests("session")) == 1


@first_on_pyodide
@contract
@pytest.mark.parametrize(("username", "password"), [("ada", "wrong"), ("nobody", "lovelace")])
def test_a_refused_sign_in_is_explained_beside_the_form_and_can_be_corrected(
    demo: Tab, username: str, password: str
) -> None:
    demo.expect_problem(STATUS_401)
    arrived = demo.navigations
    sign_in(demo, username, password)
    expect(demo.element("sign-in").get_by_role("alert")).to_have_text(REFUSED)
    expect(demo.page.get_by_label("Username")).to_have_value(username)
    expect(demo.page.get_by_label("Password")).to_be_focused()
    demo.shows(status="unauthenticated")
    assert demo.navigations == arrived
    sign_in(demo)
    demo.shows(who="Signed in as Ada Lovelace", form_problem="")
    expect(demo.element("form-problem")).to_be_hidden()


def test_a_full_redirect_ends_on_the_page_one_came_from(tabs: Tabs) -> None:
    tab = tabs.demo("&color=dark%20blue#part")
    came_from, arrived = tab.page.url, tab.navigations
    sign_in(tab, redirect=True)
    tab.shows(who="Signed in as Ada Lovelace")
    assert tab.page.url == came_from
    assert tab.navigations == [*arrived, came_from.partition("#")[0]]


@micropython_only
def test_a_full_redirect_with_a_wrong_password_ends_on_the_backends_page(demo: Tab) -> None:
    demo.expect_problem(STATUS_401)
    sign_in(demo, password="wrong", redirect=True)
    expect(demo.page).to_have_url(re.compile(r"/api/auth/signin\?error=CredentialsSignin"))
    expect(demo.page.get_by_role("alert")).to_contain_text("Sign in failed")


def test_signing_out_shows_it_without_a_reload(tabs: Tabs, backend: Backend) -> None:
    backend.sign_in(tabs.context)
    tab = tabs.demo()
    tab.shows(who="Signed in as Ada Lovelace")
    arrived = tab.navigations
    tab.button("Sign out").click()
    tab.shows(who="Not signed in", status="unauthenticated", session="")
    expect(tab.button("Sign in")).to_be_visible()
    assert tab.navigations == arrived
    assert len(tab.requests("session")) == 1, "the sign-out's answer says enough"
    assert tabs.context.request.get(backend.base + "/session").json() == {}


@micropython_only
def test_a_sign_out_that_works_takes_away_what_was_said_of_one_that_did_not(tabs: Tabs, backend: Backend) -> None:
    backend.sign_in(tabs.context)
    tab = tabs.demo()
    tab.expect_problem("Failed to load resource")
    backend.fault("signout", "reset")
    tab.button("Sign out").click()
    tab.shows(problem="The server cannot be reached just now. Check your connection and try again.")
    backend.heal("signout")
    tab.button("Sign out").click()
    tab.shows(status="unauthenticated", problem="")
    expect(tab.element("problem")).to_be_hidden()


@micropython_only
def test_the_form_can_be_used_by_keyboard_and_screen_reader(demo: Tab) -> None:
    expect(demo.button("Sign in")).to_be_visible()
    card = demo.page.get_by_role("region", name="Session")
    expect(card.get_by_role("textbox", name="Username")).to_have_attribute("autocomplete", "username")
    expect(card.get_by_label("Password")).to_have_attribute("autocomplete", "current-password")
    card.get_by_label("Username").fill("ada")
    demo.page.keyboard.press("Tab")
    demo.page.keyboard.type("lovelace")
    demo.page.keyboard.press("Enter")
    demo.shows(who="Signed in as Ada Lovelace")
    expect(demo.page.locator("html")).to_have_attribute("lang", "en")
    live = demo.page.locator("[aria-live], [role=status], [role=alert], output").filter(has_text="signed in")
    expect(live).to_have_text(["You are signed in."])  # said once


@micropython_only
def test_the_password_form_never_submits_by_get(tabs: Tabs) -> None:
    """Not even when Python never comes, and a browser submits the form by itself: the backend's own page asks then."""
    tab = tabs.tab()
    tab.expect_problem("net::ERR_FAILED", "Failed to fetch dynamically imported module")
    tab.page.route("**/vendor/pyscript/core.js", lambda route: route.abort())
    tab.page.goto("/")
    tab.page.evaluate("document.getElementById('username').value = 'ada'")
    tab.page.evaluate("document.getElementById('password').value = 'lovelace'")
    tab.page.evaluate("document.getElementById('sign-in').requestSubmit()")
    expect(tab.page).to_have_url(re.compile("/api/auth/signin[?]csrf=true$"))
    assert [request.method for request in tab.requests("callback/credentials")] == ["POST"]
    assert "lovelace" not in "".join(request.url for request in tab.all_requests)


# ── the showcase ─────────────────────────────────────────────────────────────────────────────────


def test_each_function_shows_what_it_gives(demo: Tab, tabs: Tabs) -> None:
    sign_in(demo)
    demo.shows(greeting="Hello Ada Lovelace")
    expect(demo.element("changes").locator("li").first).to_have_text("unauthenticated → authenticated")
    names = ("get-session", "get-providers", "auth-fetch", "get-csrf-token", "require-session", "update-session")
    for name in names:
        demo.element(f"run-{name}").click()
    demo.shows(
        got_get_session="Ada Lovelace", got_require_session="Welcome in.", got_get_csrf_token="a token of 64 characters"
    )
    demo.contains(got_get_providers="Credentials", got_update_session="now ends 20")
    demo.shows(got_auth_fetch="answered 200: 0 faults")
    demo.page.get_by_label("Error code").select_option("Verification")
    demo.contains(explained="no longer valid")


def shown(tab: Tab, attribute: str) -> dict[str, str]:
    """The code that the page shows, by what it says that it is."""
    blocks = tab.page.locator(f"pre[{attribute}]")
    expect(blocks.locator("span:first-child")).to_have_count(blocks.count())
    return {str(one.get_attribute(attribute)): str(one.text_content()).rstrip("\n") for one in blocks.all()}


def functions_of(file: str) -> dict[str, str]:
    """The text of each function, with what decorates it."""
    source = (ROOT / file).read_text(encoding="utf-8")
    functions = [node for node in ast.parse(source).body if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef)]
    starts = {node.name: min([node.lineno, *(one.lineno for one in node.decorator_list)]) for node in functions}
    lines = source.splitlines()
    return {node.name: "\n".join(lines[starts[node.name] - 1 : node.end_lineno]) for node in functions}


@micropython_only
def test_the_python_that_is_shown_is_what_runs(demo: Tab) -> None:
    functions = functions_of("static/demo.py")
    code = shown(demo, "data-python")
    assert len(code) > 8
    for names, text in code.items():
        assert text == "\n\n".join(functions[name] for name in names.split())
    for file, text in shown(demo, "data-file").items():
        assert text == (ROOT / file.lstrip("/")).read_text(encoding="utf-8").rstrip()


@micropython_only
def test_the_html_that_is_shown_is_what_stands_beside_it(demo: Tab) -> None:
    """As the page's author wrote it: nothing that the session has made of it."""
    written = demo.page.request.get("/").text()
    parsed = """([html, id]) => {
        const body = new DOMParser().parseFromString(html, "text/html");
        return body.getElementById(id).innerHTML.replace(/\\s+/g, " ").trim();
    }"""
    code = shown(demo, "data-html")
    assert len(code) > 8
    for name, text in code.items():
        shown_again = f"<div id={name}>{text}</div>"
        assert demo.page.evaluate(parsed, [shown_again, name]) == demo.page.evaluate(parsed, [written, name])
        assert demo.page.locator(f".pair:has(pre[data-html={name}]) > div > #{name}").count() == 1


@micropython_only
def test_each_function_and_attribute_stands_beside_what_it_does(demo: Tab) -> None:
    code = "\n".join(text for kind in ("python", "html", "file") for text in shown(demo, f"data-{kind}").values())
    functions = [name for name in nextauth_client.__all__ if name.islower()]
    assert "sign_in" in functions
    assert [name for name in [*functions, "Provider"] if not re.search(rf"@{name}\b|\b{name}\(", code)] == []
    guide = (ROOT / "docs" / "pages.md").read_text(encoding="utf-8").partition("## By attributes")[2]
    attributes = set(re.findall(r"^\| `.*?(data-auth-[a-z-]+)", guide, re.MULTILINE))
    assert len(attributes) == 10
    assert [name for name in attributes if name not in code] == []


@micropython_only
def test_code_that_cannot_be_loaded_is_said_to_be_missing(tabs: Tabs) -> None:
    tab = tabs.tab()
    tab.page.add_init_script(
        "const fetchNow = fetch; window.fetch = (...args) =>"
        " String(args[0]).endsWith('/bind.py') ? Promise.reject(new TypeError('on purpose')) : fetchNow(...args);"
    )
    tab.page.goto("/")
    expect(tab.page.locator("pre[data-file='/static/bind.py']")).to_have_text("This code could not be loaded.")
    tab.shows(who="Not signed in")


def allow(page: Page) -> None:
    page.get_by_label("Alan Turing").check()
    page.get_by_role("button", name="Allow").click()


@first_on_pyodide
@contract
@pytest.mark.parametrize("button", ["Sign in with Development ID", "Sign in with a provider"])
def test_one_leaves_for_a_provider_and_comes_back(tabs: Tabs, button: str) -> None:
    tab = tabs.demo()
    tab.shows(who="Not signed in")
    address = tab.page.url
    tab.button(button).click()
    allow(tab.page)
    tab.shows(who="Signed in as Alan Turing")
    assert tab.page.url == address


@contract_in_one
def test_one_signs_in_in_a_window_and_out_without_leaving(demo: Tab) -> None:
    arrived = demo.navigations
    with demo.page.expect_popup() as opened:
        demo.button("Sign in with a pop-up").click()
    opened.value.close()
    demo.contains(got_sign_in_popup="window was closed")
    expect(demo.button("Sign in with a pop-up")).to_be_enabled()
    with demo.page.expect_popup() as opened:
        demo.button("Sign in with a pop-up").click()
    allow(opened.value)
    demo.shows(who="Signed in as Alan Turing", got_sign_in_popup="Welcome.")
    demo.button("Sign out here").click()
    demo.shows(who="Not signed in", got_sign_out="Goodbye.")
    assert demo.navigations == arrived


@micropython_only
def test_whoever_was_refused_elsewhere_is_told_here(tabs: Tabs) -> None:
    tab = tabs.demo()
    tab.page.get_by_role("link", name="Come back with an error").click()
    tab.shows(last_error="You are not allowed to sign in here.")


def test_the_attributes_work_on_the_page(demo: Tab) -> None:
    part = demo.element("attributes")
    expect(part.get_by_text("Welcome, stranger.", exact=True)).to_be_visible()
    part.get_by_label("Login").fill("alan")
    part.get_by_label("Secret").fill("turing")
    demo.button("Sign in by this form").click()
    expect(part.get_by_text("Welcome back.", exact=True)).to_be_visible()
    expect(part.locator("b", has_text="Alan Turing")).to_be_visible()
    condition = demo.element("live-condition")
    expect(condition.get_by_text("You are not Ada.", exact=True)).to_be_visible()
    expect(condition.get_by_text("Good to see you, Ada.", exact=True)).to_be_hidden()
    expect(demo.element("live-end").locator("b").first).to_have_text(re.compile(r"^2591\d\d\d$"))
    demo.shows(who="Signed in as Alan Turing")
    with demo.page.expect_navigation():
        demo.button("Sign out and reload").click()


def test_what_is_happening_now_is_shown(tabs: Tabs, backend: Backend) -> None:
    backend.session_length(3500)  # a busy machine takes its time to start Python
    backend.sign_in(tabs.context)
    tab = tabs.demo(boot=True)
    tab.contains(left=re.compile(r"^5\d minutes$"))
    tab.contains(asked=re.compile(r"^\d+ s ago$"))
    tab.shows(refreshing="no", error="none", tabs="1")
    with tabs.context.expect_page() as opened:
        tab.page.get_by_role("link", name="Open a second tab").click()
    second = tabs.tab(opened.value)
    tab.shows(tabs="2")
    second.page.close()
    tab.shows(tabs="1")


@micropython_only
def test_a_browser_without_locks_counts_no_tabs(tabs: Tabs) -> None:
    tab = tabs.tab()
    tab.page.add_init_script("Object.defineProperty(navigator, 'locks', { value: undefined })")
    tab.page.goto("/")
    tab.shows(who="Not signed in")
    tab.contains(asked=re.compile("[1-9] s ago$"))
    tab.shows(tabs="–")


@pytest.mark.parametrize(
    ("user", "called"),
    [
        ({"name": 5, "email": 6, "image": "javascript:document.title=1"}, "5"),
        ({"name": "\u202eAda", "image": 7}, "\u202eAda"),
        ({}, "somebody"),
    ],
    ids=["numbers", "another direction", "nothing"],
)
@micropython_only
def test_whatever_a_backend_says_of_a_person_is_shown(tabs: Tabs, user: dict[str, object], called: str) -> None:
    session = {"user": user, "expires": "2999-01-01T00:00:00.000Z"}
    tabs.context.route("**/api/auth/session", lambda route: route.fulfill(json=session))
    tab = tabs.demo()
    tab.expect_problem("status of 404")  # the picture's
    tab.shows(
        who=f"Signed in as {called}",
        email=str(user.get("email", "")),
        initial=called[0].upper(),
        status="authenticated",
    )
    expect(tab.element("who").locator("bdi")).to_have_text(called)
    tab.page.wait_for_function("() => nextauthEarly.over && !document.documentElement.hasAttribute('data-booting')")
    image = tab.page.evaluate("document.getElementById('picture').getAttribute('src')")
    assert image in (("/7", f"{tabs.backend.url}/7") if user.get("image") == 7 else (None, "")), image
    tabs.context.unroute_all()


def test_a_session_of_thirty_days_ends_in_thirty_days(demo: Tab) -> None:
    sign_in(demo)
    demo.shows(left="30 days")


def test_the_page_says_which_python_runs_it(demo: Tab) -> None:
    demo.contains(runtime=re.compile(rf"^Running on {demo.page.url.partition('=')[2]} \d", re.IGNORECASE))


def switch(tab: Tab, name: str) -> Locator:
    return tab.page.get_by_role("switch", name=name, exact=True)


def test_what_is_broken_is_shown_beside_the_switch_and_can_be_mended_there(demo: Tab) -> None:
    demo.expect_problem("Failed to load resource")
    sign_in(demo)
    demo.shows(status="authenticated")
    unreachable, failing = switch(demo, "Backend out of reach"), switch(demo, "Backend answers 500")
    failing.click()
    demo.contains(report="Backend answers 500: on. The request failed (UnexpectedAnswer), so who is signed in stays")
    demo.shows(
        error="UnexpectedAnswer", status="authenticated", problem="The server has a problem. Try again in a moment."
    )
    expect(failing).to_be_checked()
    demo.contains(state_failing=re.compile("^on for [1-9] s$"))
    unreachable.click()
    demo.contains(report="Backend out of reach: on. The request failed (ClientFetchError)")
    demo.shows(error="ClientFetchError", state_failing="off")
    expect(failing).not_to_be_checked()
    unreachable.click()
    demo.contains(report=re.compile(r"^Backend out of reach: off. The answer took .*s: for you, nothing has changed.$"))
    demo.shows(error="none", state_unreachable="off")
    expect(demo.element("problem")).to_be_hidden()


@micropython_only
def test_the_controls_say_what_has_come_of_them(demo: Tab) -> None:
    switch(demo, "Everybody is Grace Hopper").click()
    demo.contains(report="Grace Hopper: on. ")
    demo.contains(report="nobody is signed in. Sign in to see more.")
    sign_in(demo)
    demo.shows(who="Signed in as Grace Hopper")
    demo.button("Turn everything off").click()
    demo.contains(report="Everything is off. ")
    demo.contains(report=": you are Ada Lovelace.")
    demo.shows(who="Signed in as Ada Lovelace", state_renamed="off")
    demo.button("Turn everything off").click()
    demo.contains(report=re.compile("^Nothing was on. .* for you, nothing has changed.$"))
    demo.button("End every session").click()
    demo.contains(report="Every session has been ended. ")
    demo.contains(report=": you are signed out.")
    demo.shows(status="unauthenticated")


@micropython_only
def test_a_slow_backend_is_seen_at_work(demo: Tab) -> None:
    switch(demo, "Backend takes 3 s").click()
    demo.shows(refreshing="yes", report="Backend takes 3 s: on. Asking who is signed in …")
    demo.contains(report=re.compile(r"The answer took [34567]\.\d s: "))
    demo.shows(refreshing="no")
    switch(demo, "Backend takes 3 s").click()
    demo.contains(report=re.compile(r"off\. The answer took \d+ ms: "))


@micropython_only
def test_what_was_pressed_last_is_what_is_reported(demo: Tab) -> None:
    switch(demo, "Backend takes 3 s").click()
    demo.shows(report="Backend takes 3 s: on. Asking who is signed in …")
    demo.button("Turn everything off").click()
    demo.contains(report=re.compile("^Everything is off. The answer took"))
    demo.shows(refreshing="no")
    demo.contains(report=re.compile("^Everything is off. The answer took"))


@micropython_only
def test_what_was_broken_elsewhere_is_shown_when_the_controls_are_turned_to(demo: Tab, backend: Backend) -> None:
    demo.shows(state_failing="off")
    backend.fault("session", "500-html")
    demo.button("End every session").focus()
    expect(switch(demo, "Backend answers 500")).to_be_checked()
    backend.heal("session")
    demo.element("break").hover()
    expect(switch(demo, "Backend answers 500")).not_to_be_checked()


@micropython_only
def test_a_page_that_is_opened_later_shows_what_is_broken(tabs: Tabs, backend: Backend) -> None:
    backend.session_length(10)
    demo = tabs.demo()
    demo.contains(state_short=re.compile(r"^on for \d+ s$"))
    expect(switch(demo, "Sessions last 10 s")).to_be_checked()


@micropython_only
def test_a_control_that_does_nothing_says_so(demo: Tab) -> None:
    demo.expect_problem("Failed to load resource")
    demo.shows(state_failing="off")
    demo.page.route("**/dev/fault", lambda route: route.fulfill(status=403, json={"message": "not from here"}))
    switch(demo, "Backend answers 500").click()
    demo.shows(report="Nothing has changed: not from here")
    demo.page.route("**/dev/fault", lambda route: route.abort())
    switch(demo, "Backend answers 500").click()
    demo.shows(report="Nothing has changed: the backend cannot be reached.", state_failing="off")
    demo.page.unroute_all()


@micropython_only
def test_a_session_that_expires_is_seen_to(demo: Tab) -> None:
    demo.expect_problem("idle_timeout=900 is not lower than the session's own lifetime")
    sign_in(demo)
    demo.shows(status="authenticated")
    switch(demo, "Sessions last 10 s").click()
    demo.contains(report=re.compile(r": your session ends in \d+ s\.$"))
    demo.contains(left=re.compile(r"^\d s$"))
    demo.shows(status="unauthenticated", left="–")
    switch(demo, "Sessions last 10 s").click()
    demo.shows(state_short="off")
    sign_in(demo)
    demo.shows(left="30 days")


@micropython_only
def test_who_is_idle_is_asked_and_stays_or_is_signed_out(demo: Tab) -> None:
    sign_in(demo)
    demo.shows(status="authenticated")
    # As after the computer's sleep: a later clock, and timers as they were.
    demo.page.evaluate(
        "{ let now = Date.now; globalThis.sleep = s => { const at = now; now = () => at() + 1000 * s } ;"
        " Date.now = () => now() }"
    )
    demo.page.evaluate("sleep(860)")
    card = demo.element("live-idle")
    expect(card).to_contain_text(re.compile(r"Still there\? \d+ seconds"))
    expect(card.locator("b")).to_be_visible()
    card.get_by_role("button", name="Stay").evaluate("button => button.click()")  # a pointer on its way ends it, too
    expect(card.locator("b")).to_be_hidden()
    demo.page.evaluate("sleep(900)")
    demo.shows(status="unauthenticated")
    expect(card).to_contain_text("Nobody is here.")
    expect(demo.element("live-end")).to_contain_text("Reason: idle")


@micropython_only
def test_without_development_controls_it_says_how_to_get_them(tabs: Tabs) -> None:
    tabs.context.route("**/dev/state", lambda route: route.fulfill(status=404, body="Not Found"))
    demo = tabs.demo()
    demo.expect_problem("status of 404")
    demo.contains(without_controls="start it with --dev-controls")
    expect(switch(demo, "Backend answers 500")).to_be_hidden()
    tabs.context.unroute_all()


@micropython_only
def test_every_link_leads_somewhere(demo: Tab) -> None:
    # Sign-in and sign-out are buttons, too.
    links = demo.page.locator("a[href]")
    addresses = {str(one.evaluate("link => link.pathname")) for one in links.all()}
    assert {"/dev", "/dev/inbox", "/examples/", "/docs/pages.md", "/README.md"} <= addresses
    for address in addresses:
        if address.startswith(("/api/", "/dev")):
            assert demo.page.request.get(address).ok, address
        else:
            assert (ROOT / address.lstrip("/")).exists(), address


@pytest.mark.parametrize("path", ["/favicon.ico", "/static/icon.svg"])
@micropython_only
def test_there_is_an_icon_for_every_page(tabs: Tabs, path: str) -> None:
    answer = tabs.context.request.get(path)
    assert answer.ok
    assert answer.headers["content-type"].startswith("image/")
    assert answer.body()


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("width", [320, 375, 640, 1280, 1920])  # 640 is 1280 at 200 %
@micropython_only
def test_nobody_is_shut_out(tabs: Tabs, scheme: Literal["light", "dark"], width: int) -> None:
    """Phone and desktop, light and dark, signed out, refused, signed in and broken: axe finds nothing, nothing is cut
    off.
    """
    tab = tabs.tab()
    tab.expect_problem("Failed to load resource")
    tab.page.emulate_media(color_scheme=scheme)
    tab.page.set_viewport_size({"width": width, "height": 800})
    tab.page.goto("/")
    expect(tab.page.locator("[data-auth-providers] button").first).to_be_visible()
    tab.shows(who="Not signed in", state_failing="off")
    shown(tab, "data-python")
    shown(tab, "data-html")
    assert_nobody_is_shut_out(tab.page)
    sign_in(tab, password="wrong")
    tab.shows(form_problem=REFUSED)
    assert_nobody_is_shut_out(tab.page)
    sign_in(tab)
    tab.shows(who="Signed in as Ada Lovelace")
    assert_nobody_is_shut_out(tab.page)
    switch(tab, "Backend out of reach").click()
    tab.contains(error="ClientFetchError", report="so who is signed in stays")
    assert_nobody_is_shut_out(tab.page)


@micropython_only
def test_everything_can_be_reached_and_used_by_keyboard(demo: Tab) -> None:
    sign_in(demo)
    demo.shows(who="Signed in as Ada Lovelace", state_renamed="off")
    want = "a, button, input, select"
    demo.page.evaluate("document.activeElement.blur()")
    reached = set()
    for _ in range(80):
        demo.page.keyboard.press("Tab")
        reached.add(demo.page.evaluate(f"[...document.querySelectorAll('{want}')].indexOf(document.activeElement)"))
    visible = f"[...document.querySelectorAll('{want}')].flatMap((one, i) => one.checkVisibility() ? [i] : [])"
    assert set(demo.page.evaluate(visible)) <= reached
    switch(demo, "Everybody is Grace Hopper").focus()
    demo.page.keyboard.press("Space")
    demo.shows(who="Signed in as Grace Hopper")
    expect(switch(demo, "Everybody is Grace Hopper")).to_be_focused()


def test_the_developer_tools_are_loaded_when_somebody_asks_for_them(demo: Tab) -> None:
    tools = "/static/client/nextauth_client-devtools.tar.gz.bin"
    demo.shows(who="Not signed in")
    assert not [request for request in demo.all_requests if request.url.endswith(tools)]
    demo.button("Developer tools").click()
    panel = demo.page.get_by_role("region", name="Developer tools")
    expect(panel.locator("[data-fact=state]")).to_have_text("unauthenticated")
    assert len([request for request in demo.all_requests if request.url.endswith(tools)]) == 1
    panel.get_by_role("button", name="Close the developer tools").click()
    expect(demo.button("Developer tools")).to_be_focused()
