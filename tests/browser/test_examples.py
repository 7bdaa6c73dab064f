"""The pages in examples/, used as a person uses them."""

from __future__ import annotations

import html
import re

import pytest
from playwright.sync_api import expect

from scripts.steps import ROOT
from tests.browser.accessible import assert_nobody_is_shut_out
from tests.browser.backend import Backend
from tests.browser.site import page
from tests.browser.tabs import Tab, Tabs, micropython_only, pyodide_only


def between(file: str, start: str, end: str) -> str:
    return (ROOT / file).read_text(encoding="utf-8").partition(start)[2].partition(end)[0]


def opened(tabs: Tabs, name: str) -> Tab:
    tab = tabs.tab()
    tab.page.goto(f"/examples/{name}")
    return tab


def sign_in(tab: Tab) -> None:
    tab.page.get_by_label("Username").fill("ada")
    tab.page.get_by_label("Password").fill("lovelace")
    tab.button("Sign in").click()


@micropython_only
def test_attributes_alone(tabs: Tabs) -> None:
    tab = opened(tabs, "attributes.html")
    expect(tab.button("Sign in")).to_be_visible()
    expect(tab.page.get_by_role("button", name="With ").first).to_be_visible()
    assert len(tab.requests("session")) == 1
    sign_in(tab)
    tab.contains(who="Signed in as Ada Lovelace")
    with tab.page.expect_navigation():
        tab.button("Sign out").click()
    expect(tab.button("Sign in")).to_be_visible()


@pytest.mark.parametrize("source", ["examples/attributes.html", "docs/pages.md"])
@micropython_only
def test_a_form_that_is_sent_before_python_runs_leads_to_the_backends_page(tabs: Tabs, source: str) -> None:
    """The early script has shown it while PyScript is on its way, which it is here for ever."""
    body = between(source, "<body>", "</body>")
    if source == "docs/pages.md":
        body = between(source, "```html\n<script", "```").partition("</script>\n")[2]
    early = '<script src="/static/nextauth-early.js"></script>'
    core = '<script type="module" src="/static/vendor/pyscript/core.js"></script>'
    tabs.site.write("/sent-early.html", page(early + core, body))
    tab = tabs.tab()
    tab.page.route("**/vendor/pyscript/core.js", lambda route: None)
    tab.page.goto("/sent-early.html", wait_until="commit")
    sign_in(tab)
    expect(tab.page).to_have_url(re.compile("/api/auth/signin[?]csrf=true$"))
    assert [request.method for request in tab.requests("callback/credentials")] == ["POST"]
    assert "lovelace" not in "".join(request.url for request in tab.all_requests)
    tab.page.unroute_all()
    sign_in(tab)
    expect(tab.page).to_have_url(tabs.backend.url + "/")
    assert tabs.context.request.get(tabs.backend.base + "/session").json()["user"]["name"] == "Ada Lovelace"


@micropython_only
def test_pyscript_web(tabs: Tabs, backend: Backend) -> None:
    backend.rename("<b>Ada</b>")
    tab = opened(tabs, "plain.html")
    tab.contains(who="Not signed in")
    tab.button("Sign in").click()
    sign_in(tab)
    tab.contains(who="Signed in as <b>Ada</b>")
    tab.button("Sign out").click()
    tab.contains(who="Not signed in")


def a_session_of(tabs: Tabs, user: dict[str, object]) -> None:
    """What the backend says from now on."""
    session = {"user": user, "expires": "2999-01-01T00:00:00.000Z"}
    tabs.context.route("**/api/auth/session", lambda route: route.fulfill(json=session))


# What a backend may say of somebody, and what they are called then.
NAMELESS = pytest.mark.parametrize(
    ("user", "called"),
    [({"email": "ada@example.com"}, "ada@example.com"), ({}, "somebody"), ({"name": 5}, "5")],
    ids=["an address", "nothing", "a number"],
)


@NAMELESS
@pytest.mark.parametrize("name", ["plain.html", "with_puepy.html", "with_reaktiv.html"])
@pyodide_only
def test_somebody_without_a_name_is_somebody(tabs: Tabs, name: str, user: dict[str, object], called: str) -> None:
    a_session_of(tabs, user)
    tab = opened(tabs, name)
    tab.contains(who=f"Signed in as {called}")
    tabs.context.unroute_all()


@pyodide_only
def test_somebody_without_a_name_is_a_member(tabs: Tabs) -> None:
    a_session_of(tabs, {})
    tab = opened(tabs, "with_puepy.html")
    tab.page.get_by_role("link", name="Members").click()
    tab.shows(members="For members: somebody")
    tabs.context.unroute_all()


GUIDE = between("docs/pages.md", "```python\n", "```")
# The first Python of the guide, of the front page and of the README.
SAMPLES = {
    "docs/pages.md": GUIDE,
    "index.html": html.unescape(between("index.html", 'aria-label="Example"><code>', "</code>")),
    "README.md": between("README.md", 'config="/static/micropython.json">\n', "</script>"),
}


@NAMELESS
@pytest.mark.parametrize("name", SAMPLES)
@micropython_only
def test_what_the_guide_shows_serves_somebody_without_a_name(
    tabs: Tabs, name: str, user: dict[str, object], called: str
) -> None:
    a_session_of(tabs, user)
    buttons = " ".join(f'<button id="{id}">{id}</button>' for id in ("order", "in", "out"))
    tab = tabs.python(SAMPLES[name], html=f'<p id="who"></p> {buttons}')
    tab.shows(who=f"Signed in as {called}")


@micropython_only
def test_what_the_guide_shows_of_signing_in_runs(tabs: Tabs) -> None:
    sample = between("docs/pages.md", "## Signing in and out\n\n```python\n", "```")
    start = '\nimport asyncio\ntask = asyncio.create_task(log_in("ada", "wrong"))\n'
    tab = tabs.python(sample + start, html='<button id="google">With Google</button> <p id="problem"></p>')
    tab.expect_problem("status of 401")
    tab.shows(problem="Sign in failed. Check that what you typed is correct.")
    with tab.page.expect_popup() as opened:
        tab.element("google").click()
    expect(opened.value).to_have_url(re.compile("/api/auth/signin"))


@micropython_only
def test_a_name_that_the_guide_puts_into_an_element_is_text_and_turns_nothing(tabs: Tabs) -> None:
    a_session_of(tabs, {"name": "<img src=x>\u202eAda"})
    element = between("docs/pages.md", "Give the text as `textContent`:\n\n```python\n", "```")
    tab = tabs.python(GUIDE + element, html='<p id="who"></p> <p id="member"></p> <button id="order">Order</button>')
    tab.shows(member="Member: <img src=x>\u202eAda.")
    expect(tab.element("member").locator("[dir=auto]")).to_have_text("<img src=x>\u202eAda")
    expect(tab.element("member").locator("img")).to_have_count(0)
    tabs.context.unroute_all()


@pytest.mark.parametrize("name", ["plain.html", "with_puepy.html"])
@pyodide_only
def test_a_name_turns_nothing_but_itself(tabs: Tabs, name: str) -> None:
    a_session_of(tabs, {"name": "\u202eAda"})
    tab = opened(tabs, name)
    tab.contains(who="Signed in as \u202eAda")
    expect(tab.element("who").locator("bdi, [dir=auto]")).to_have_text("\u202eAda")
    tabs.context.unroute_all()


@pyodide_only
def test_puepy_mirrors_the_session_and_guards_its_pages(tabs: Tabs, backend: Backend) -> None:
    tab = opened(tabs, "with_puepy.html")
    tab.shows(who="Not signed in")
    tab.page.get_by_role("link", name="Members").click()
    tab.shows(unauthorized="This page is for members.")
    tab.button("Sign in").click()
    sign_in(tab)
    tab.shows(members="For members: Ada Lovelace")
    tab.page.get_by_role("link", name="Home").click()
    tab.shows(who="Signed in as Ada Lovelace")
    tab.page.get_by_role("link", name="Members").click()
    other = tabs.context.new_page()  # signs out elsewhere
    other.goto("/examples/with_puepy.html")
    other.get_by_role("button", name="Sign out").click()
    tab.shows(unauthorized="This page is for members.")
    other.close()


@pyodide_only
def test_reaktiv_has_the_session_as_signals(tabs: Tabs, backend: Backend) -> None:
    backend.sign_in(tabs.context)
    tab = opened(tabs, "with_reaktiv.html")
    tab.shows(who="Signed in as Ada Lovelace")
    tab.element("shout").click()
    tab.shows(who="SIGNED IN AS ADA LOVELACE")
    tab.element("out").click()
    tab.shows(who="NOT SIGNED IN")


@pytest.mark.parametrize(
    ("interpreter", "name"),
    [
        ("micropython", "attributes.html"),
        ("micropython", "plain.html"),
        ("pyodide", "with_puepy.html"),
        ("pyodide", "with_reaktiv.html"),
    ],
    indirect=["interpreter"],
)
def test_nobody_is_shut_out(tabs: Tabs, backend: Backend, name: str) -> None:
    for shown in ("^Not signed in|^Sign in$", "Ada Lovelace"):
        tab = opened(tabs, name)
        tab.page.set_viewport_size({"width": 320, "height": 800})
        expect(tab.page.get_by_text(re.compile(shown)).first).to_be_visible()
        assert_nobody_is_shut_out(tab.page)
        backend.sign_in(tabs.context)
