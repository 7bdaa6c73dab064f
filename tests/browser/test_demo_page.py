"""The demo page, used as a person uses it."""

from __future__ import annotations

import re
from typing import Literal

import nextauth_client
import pytest
from playwright.sync_api import Page, expect

from scripts.steps import ROOT
from tests.browser.accessible import assert_nobody_is_shut_out
from tests.browser.backend import Backend
from tests.browser.tabs import Tab, Tabs, micropython_only

REFUSED = "Sign in failed. Check that what you typed is correct."
STATUS_401 = "the server responded with a status of 401"  # how the protocol answers a wrong password

# The page's own Python arrives when the test says so.
HOLD_PYTHON = """
    const fetchNow = window.fetch;
    window.fetch = async (...args) => {
        if (String(args[0]).endsWith("/demo.py")) await new Promise(resolve => window.letPythonRun = resolve);
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
    tab.page.get_by_label("with a full redirect").set_checked(redirect)
    tab.button("Sign in").click()


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
    for part in ("/vendor/pyscript/core.js", f"/vendor/{tabs.interpreter}/", ".whl", "/api/auth/signout"):
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


def test_signing_in_shows_the_name_without_a_reload(demo: Tab) -> None:
    expect(demo.page.locator("#ways button").first).to_be_visible()  # for which it has asked the providers
    arrived, endpoints = demo.navigations, ("providers", "csrf", "callback/credentials")
    before = [len(demo.requests(name)) for name in endpoints]
    sign_in(demo)
    demo.shows(who="Signed in as Ada Lovelace", status="authenticated", email="ada@example.com")
    expect(demo.element("sign-in")).to_be_hidden()
    expect(demo.element("password")).to_have_value("")
    assert demo.navigations == arrived
    assert [len(demo.requests(name)) - count for name, count in zip(endpoints, before, strict=True)] == [1, 1, 1]


def test_a_reload_keeps_who_is_signed_in(tabs: Tabs, backend: Backend) -> None:
    backend.sign_in(tabs.context)
    tab = tabs.demo(boot=True)
    tab.shows(who="Signed in as Ada Lovelace")
    tab.page.reload()
    tab.shows(who="Signed in as Ada Lovelace")
    assert len(tab.requests("session")) == 2


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
    assert any(frame["booting"] and "Welcome back." in frame["words"] for frame in frames), "before Python runs"
    assert len(tab.requests("session")) == 1


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
    tab.expect_problem("net::ERR_FAILED")
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
    for name in ("get-session", "get-providers", "get-csrf-token", "require-session", "update-session"):
        demo.element(f"run-{name}").click()
    demo.shows(got_get_session="Ada Lovelace", got_require_session="Welcome in.", got_get_csrf_token="64 characters")
    demo.contains(got_get_providers="Credentials", got_update_session="ends 20")
    demo.page.get_by_label("Error code").select_option("Verification")
    demo.contains(explained="no longer valid")


def test_each_function_and_attribute_stands_beside_what_it_does() -> None:
    code = "".join(re.findall(r"<pre.*?</pre>", (ROOT / "index.html").read_text(encoding="utf-8"), re.DOTALL))
    functions = [name for name in nextauth_client.__all__ if name.islower()]
    assert "sign_in" in functions
    assert [name for name in [*functions, "Provider"] if not re.search(rf"@{name}\b|\b{name}\(", code)] == []
    guide = (ROOT / "docs" / "pages.md").read_text(encoding="utf-8").partition("## By attributes")[2]
    attributes = set(re.findall(r"^\| `.*?(data-auth-[a-z-]+)", guide, re.MULTILINE))
    assert len(attributes) == 9
    assert [name for name in attributes if name not in code] == []


def allow(page: Page) -> None:
    page.get_by_label("Alan Turing").check()
    page.get_by_role("button", name="Allow").click()


@pytest.mark.parametrize("button", ["To one provider", "To the provider"])
def test_one_leaves_for_a_provider_and_comes_back(tabs: Tabs, button: str) -> None:
    tab = tabs.demo()
    tab.shows(who="Not signed in")
    address = tab.page.url
    tab.button(button).click()
    allow(tab.page)
    tab.shows(who="Signed in as Alan Turing")
    assert tab.page.url == address


def test_one_signs_in_in_a_window_and_out_without_leaving(demo: Tab) -> None:
    arrived = demo.navigations
    with demo.page.expect_popup() as opened:
        demo.button("In a window").click()
    opened.value.close()
    demo.contains(got_sign_in_popup="window was closed")
    expect(demo.button("In a window")).to_be_enabled()
    with demo.page.expect_popup() as opened:
        demo.button("In a window").click()
    allow(opened.value)
    demo.shows(who="Signed in as Alan Turing", got_sign_in_popup="Welcome.")
    demo.button("Leave, and stay here").click()
    demo.shows(who="Not signed in", got_sign_out="Goodbye.")
    assert demo.navigations == arrived


@micropython_only
def test_whoever_was_refused_elsewhere_is_told_here(tabs: Tabs) -> None:
    tab = tabs.demo()
    tab.page.get_by_role("link", name="Come back refused").click()
    tab.shows(last_error="You are not allowed to sign in here.")


def test_the_attributes_work_on_the_page(demo: Tab) -> None:
    part = demo.element("attributes")
    expect(part.get_by_text("Welcome, stranger.", exact=True)).to_be_visible()
    part.get_by_label("Login").fill("alan")
    part.get_by_label("Secret").fill("turing")
    demo.button("Enter").click()
    expect(part.get_by_text("Welcome back.", exact=True)).to_be_visible()
    expect(part.locator("b", has_text="Alan Turing")).to_be_visible()
    demo.shows(who="Signed in as Alan Turing")
    with demo.page.expect_navigation():
        demo.button("Leave").click()


def test_what_is_happening_now_is_shown(tabs: Tabs, backend: Backend) -> None:
    backend.session_length(100)
    backend.sign_in(tabs.context)
    tab = tabs.demo(boot=True)
    tab.contains(left=re.compile(r"^9\d s$"))
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


@micropython_only
def test_it_can_be_broken_and_healed_where_the_backend_lets_it(demo: Tab) -> None:
    demo.expect_problem("Failed to load resource")
    sign_in(demo)
    demo.page.get_by_text("Break something").click()
    demo.button("Backend answers 500").click()
    demo.shows(error="UnexpectedAnswer", status="authenticated")
    expect(demo.element("problem")).to_contain_text("makes no sense")
    demo.button("Heal everything").click()
    demo.shows(error="none", controls="Heal everything: done.")
    demo.button("Backend out of reach").click()
    demo.shows(error="ClientFetchError", status="authenticated")
    demo.button("Heal everything").click()
    demo.button("Change the name").click()
    demo.shows(who="Signed in as Ada, Countess of Lovelace")
    demo.button("Revoke on the server").click()
    demo.shows(status="unauthenticated")


@micropython_only
def test_a_session_that_expires_is_seen_to(demo: Tab) -> None:
    sign_in(demo)
    demo.page.get_by_text("Break something").click()
    demo.button("Let it expire in 10 s").click()
    demo.contains(left=re.compile(r"^\d s$"))
    demo.shows(status="unauthenticated", left="–")


@micropython_only
def test_without_development_controls_it_says_how_to_get_them(tabs: Tabs) -> None:
    demo = tabs.demo()
    demo.expect_problem("status of 404")
    demo.page.route("**/dev/log", lambda route: route.fulfill(status=404))
    demo.page.get_by_text("Break something").click()
    demo.shows(controls="Start the backend with --dev-controls.")
    expect(demo.button("Heal everything")).to_be_hidden()


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("width", [320, 1200])
@micropython_only
def test_nobody_is_shut_out(tabs: Tabs, scheme: Literal["light", "dark"], width: int) -> None:
    """Phone and desktop, light and dark, signed out, refused and signed in: axe finds nothing, nothing is cut off."""
    tab = tabs.tab()
    tab.expect_problem("status of 401")
    tab.page.emulate_media(color_scheme=scheme)
    tab.page.set_viewport_size({"width": width, "height": 800})
    tab.page.goto("/")
    expect(tab.page.locator("#ways button").first).to_be_visible()
    tab.page.get_by_text("Break something").click()
    expect(tab.button("Heal everything")).to_be_visible()
    tab.shows(who="Not signed in")
    assert_nobody_is_shut_out(tab.page)
    sign_in(tab, password="wrong")
    tab.shows(form_problem=REFUSED)
    assert_nobody_is_shut_out(tab.page)
    sign_in(tab)
    tab.shows(who="Signed in as Ada Lovelace")
    assert_nobody_is_shut_out(tab.page)


@micropython_only
def test_everything_can_be_reached_by_keyboard(demo: Tab) -> None:
    sign_in(demo)
    demo.shows(who="Signed in as Ada Lovelace")
    demo.page.get_by_text("Break something").focus()
    demo.page.keyboard.press("Enter")
    expect(demo.button("Heal everything")).to_be_visible()
    want = "a, button, input, select, summary, pre[tabindex]"
    demo.page.evaluate("document.activeElement.blur()")
    reached = set()
    for _ in range(120):
        demo.page.keyboard.press("Tab")
        reached.add(demo.page.evaluate(f"[...document.querySelectorAll('{want}')].indexOf(document.activeElement)"))
    visible = f"[...document.querySelectorAll('{want}')].flatMap((one, i) => one.checkVisibility() ? [i] : [])"
    assert set(demo.page.evaluate(visible)) <= reached
