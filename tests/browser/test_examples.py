"""The pages in examples/, used as a person uses them."""

from __future__ import annotations

import re
from urllib.parse import quote

import pytest
from nextauth_client import explain_error

from scripts.examples import EXAMPLES, NAMES, has
from scripts.steps import ROOT
from tests.support.accessible import assert_serves_everybody, by_tab
from tests.support.backend import Backend
from tests.support.engines import expect
from tests.support.site import page
from tests.support.tabs import Tab, Tabs, contract, micropython_only, pyodide_only

REFUSED = "Sign in failed. Check that what you typed is correct."
# Whatever it was.
DID_NOT_WORK = "That did not work. Check what you typed and that cookies are allowed, or try again later."


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


def run_cell(tab: Tab, number: int) -> None:
    button = f"document.querySelectorAll('.mpy-editor-run-button')[{number}]"
    tab.until(f"{button} !== undefined")
    tab.page.evaluate(f"{button}.click()")


PAGES = [f"{name}/" for name in NAMES if has(name, "index.html")]


@pytest.mark.parametrize("name", ["", *PAGES])
@micropython_only
def test_an_example_has_a_title_an_icon_and_a_way_back(tabs: Tabs, name: str) -> None:
    tab = tabs.tab()
    tab.page.route("**/pyscript/core.js", lambda route: route.fulfill(body="", content_type="text/javascript"))
    tab.page.goto(f"/examples/{name}")
    expect(tab.page).to_have_title(re.compile(r"\w+ – nextauth_client$"))
    expect(tab.page.get_by_role("heading", level=1)).to_have_text(tab.page.title().partition(" – ")[0])
    for address in [
        *tab.page.locator("link").evaluate_all("all => all.map(one => one.href)"),
        *tab.page.locator("nav a").evaluate_all("all => all.map(one => one.href)"),
    ]:
        path = address.removeprefix(tabs.backend.url).lstrip("/")
        assert (ROOT / path).exists(), address
    assert tab.page.locator("header a[href='/']").count() == 2


# A notebook's cells hold their Python themselves.
@pytest.mark.parametrize("name", [name for name in PAGES if name != "notebook/"])
@micropython_only
def test_an_example_shows_the_python_that_runs_in_it(tabs: Tabs, name: str) -> None:
    tab = tabs.tab()
    tab.page.route("**/pyscript/core.js", lambda route: route.fulfill(body="", content_type="text/javascript"))
    tab.page.goto(f"/examples/{name}")
    script = tab.page.locator("script[type=mpy], script[type=py]").evaluate("script => new URL(script.src).pathname")
    code = tab.page.locator("pre[data-file]")
    expect(code.locator("span").first).to_be_visible()
    assert str(code.text_content()).rstrip() == (ROOT / script.lstrip("/")).read_text(encoding="utf-8").rstrip()


@micropython_only
def test_the_index_names_every_example(tabs: Tabs) -> None:
    tab = opened(tabs, "")
    links = tab.page.locator("main a").evaluate_all("all => all.map(one => one.getAttribute('href'))")
    assert sorted(links) == PAGES
    others = tab.page.locator("main dt").all_text_contents()
    assert sorted(others) == [name for name in NAMES if f"{name}/" not in PAGES]
    guide = (EXAMPLES / "README.md").read_text(encoding="utf-8")
    assert sorted(re.findall(r"^\| \[\w+\]\((\w+)/README.md\)", guide, re.MULTILINE)) == NAMES


def test_a_page_in_a_few_lines(tabs: Tabs, backend: Backend) -> None:
    source = (EXAMPLES / "hello" / "main.py").read_text(encoding="utf-8")
    tab = tabs.python(source, html='<p id="who">Loading</p>')
    tab.shows(who="Not signed in")
    backend.sign_in(tabs.context)
    tab = opened(tabs, "hello/")
    tab.shows(who="Signed in as Ada Lovelace")


@contract
@micropython_only
def test_attributes_alone(tabs: Tabs) -> None:
    tab = opened(tabs, "attributes/")
    expect(tab.button("Sign in")).to_be_visible()
    expect(tab.page.get_by_role("button", name="With ").first).to_be_visible()
    assert len(tab.requests("session")) == 1
    sign_in(tab)
    tab.contains(who="Signed in as Ada Lovelace")
    with tab.page.expect_navigation():
        tab.button("Sign out").click()
    expect(tab.button("Sign in")).to_be_visible()


@contract
@micropython_only
def test_a_worker_follows_what_the_page_does(tabs: Tabs) -> None:
    tab = opened(tabs, "worker/")
    tab.shows(who="Not signed in")
    tab.expect_problem("status of 401")
    tab.page.get_by_label("Username").fill("ada")
    tab.page.get_by_label("Password").fill("wrong")
    tab.button("Sign in").click()
    expect(tab.page.get_by_role("alert")).to_have_text(DID_NOT_WORK)
    sign_in(tab)
    tab.shows(who="Signed in as Ada Lovelace")
    expect(tab.button("Sign in")).to_be_hidden()
    with tab.page.expect_navigation():
        tab.button("Sign out").click()
    tab.shows(who="Not signed in")
    tab.button("With the development provider").click()
    tab.until("location.pathname.startsWith('/dev')")
    tab.page.get_by_role("button").first.click()
    tab.shows(who="Signed in as Ada Lovelace")


@contract
@micropython_only
def test_the_cells_of_a_notebook_follow_what_the_page_does(tabs: Tabs) -> None:
    tab = opened(tabs, "notebook/")

    def says(cell: int, text: str) -> None:
        tab.until(f"document.querySelectorAll('.mpy-editor-output')[{cell}].innerText.includes({text!r})")

    run_cell(tab, 0)
    says(0, "Not signed in")
    sign_in(tab)
    says(0, "Signed in as Ada Lovelace")
    run_cell(tab, 1)
    says(1, "ada@example.com")


@pytest.mark.parametrize("source", ["examples/attributes/index.html", "docs/pages.md"])
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


@contract
@micropython_only
def test_pyscript_web(tabs: Tabs, backend: Backend) -> None:
    backend.rename("<b>Ada</b>")
    tab = opened(tabs, "plain/")
    tab.contains(who="Not signed in")
    tab.button("Sign in").click()
    sign_in(tab)
    tab.contains(who="Signed in as <b>Ada</b>")
    tab.button("Sign out").click()
    tab.contains(who="Not signed in")


@micropython_only
def test_a_sign_in_page_leads_back_to_where_one_came_from(tabs: Tabs, backend: Backend) -> None:
    tab = opened(tabs, "sign_in/?callbackUrl=/examples/plain/")
    tab.shows(status="Choose how to sign in")
    tab.expect_problem("status of 401")
    tab.page.get_by_label("Username").fill("ada")
    tab.page.get_by_label("Password").fill("wrong")
    tab.button("Sign in").click()
    expect(tab.page.get_by_role("alert")).to_have_text(REFUSED)
    assert tab.page.get_by_label("Username").input_value() == "ada"
    sign_in(tab)
    expect(tab.page).to_have_url(backend.url + "/examples/plain/")
    tab.contains(who="Signed in as Ada Lovelace")
    tab.page.goto("/examples/sign_in/")
    tab.shows(status="Signed in as Ada Lovelace")


@micropython_only
def test_a_sign_in_page_offers_what_the_backend_has(tabs: Tabs, backend: Backend) -> None:
    tab = opened(tabs, "sign_in/?error=OAuthAccountNotLinked&callbackUrl=/examples/plain/")
    expect(tab.page.get_by_role("alert")).to_have_text(explain_error("OAuthAccountNotLinked"))
    tab.page.get_by_label("E-mail address").fill("bob@example.com")
    tab.button("Send me a link").click()
    tab.shows(status="A link is on its way to you.")
    with tab.page.expect_navigation():
        tab.page.get_by_role("button", name="With ").click()
    tab.page.get_by_role("button").first.click()
    expect(tab.page).to_have_url(backend.url + "/examples/plain/")
    tab.contains(who="Signed in as Ada Lovelace")


@pytest.mark.parametrize("evil", ["https://evil.example/", "//evil.example", "javascript:alert(1)", "/\\evil.example"])
@micropython_only
def test_a_sign_in_page_leads_nowhere_else(tabs: Tabs, backend: Backend, evil: str) -> None:
    tab = opened(tabs, f"sign_in/?callbackUrl={quote(evil)}")
    tab.shows(status="Choose how to sign in")
    sign_in(tab)
    if evil.startswith("javascript:"):
        expect(tab.page.get_by_role("alert")).to_contain_text("A page goes to http(s) addresses only")
        assert tab.requests("callback/credentials") == []
    else:
        expect(tab.page).to_have_url(backend.url + "/")


@micropython_only
def test_a_sign_in_page_says_that_the_backend_is_down(tabs: Tabs) -> None:
    tabs.context.route("**/api/auth/providers", lambda route: route.abort())
    tab = opened(tabs, "sign_in/")
    tab.expect_problem("net::ERR_FAILED")
    expect(tab.page.get_by_role("alert")).to_contain_text("The backend could not be reached")
    tabs.context.unroute_all()


def a_session_of(tabs: Tabs, user: dict[str, object]) -> None:
    """What the backend says from now on."""
    session = {"user": user, "expires": "2999-01-01T00:00:00.000Z"}
    tabs.context.route("**/api/auth/session", lambda route: route.fulfill(json=session))


# What a backend may say of somebody, and what they are called then.
NAMELESS: list[tuple[dict[str, object], str]] = [
    ({"email": "ada@example.com"}, "ada@example.com"),
    ({}, "somebody"),
    ({"name": 5}, "5"),
]


@pytest.mark.parametrize("name", ["plain/", "puepy/", "reaktiv/"])
@pyodide_only
def test_somebody_without_a_name_is_somebody(tabs: Tabs, name: str) -> None:
    tab = opened(tabs, name)
    tab.contains(who="Not signed in")
    for user, called in NAMELESS:
        a_session_of(tabs, user)
        opened(tabs, "hello/")  # asks, and tells the others
        tab.contains(who=f"Signed in as {called}")
    tabs.context.unroute_all()


@pyodide_only
def test_somebody_without_a_name_is_a_member(tabs: Tabs) -> None:
    a_session_of(tabs, {})
    tab = opened(tabs, "puepy/")
    tab.page.get_by_role("link", name="Members").click()
    tab.shows(members="For members: somebody")
    tabs.context.unroute_all()


GUIDE = between("docs/pages.md", "```python\n", "```")
# The first Python of the guide, of the front page and of the README.
SAMPLES = {
    "docs/pages.md": GUIDE,
    "examples/hello/main.py": (EXAMPLES / "hello" / "main.py").read_text(encoding="utf-8"),
    "README.md": between("README.md", 'config="/static/micropython.json">\n', "</script>"),
}


@pytest.mark.parametrize(("user", "called"), NAMELESS, ids=["an address", "nothing", "a number"])
@pytest.mark.parametrize("name", SAMPLES)
@micropython_only
def test_what_the_guide_shows_serves_somebody_without_a_name(
    tabs: Tabs, name: str, user: dict[str, object], called: str
) -> None:
    a_session_of(tabs, user)
    buttons = " ".join(f'<button id="{id}">{id}</button>' for id in ("order", "in", "out"))
    tab = tabs.python(SAMPLES[name], html=f'<p id="who">Loading</p> {buttons}')
    tab.shows(who=f"Signed in as {called}")


@micropython_only
def test_what_the_guide_shows_of_signing_in_runs(tabs: Tabs) -> None:
    sample = between("docs/signing-in.md", "```python\n", "```")
    start = '\nimport asyncio\ntask = asyncio.create_task(log_in("ada", "wrong"))\n'
    tab = tabs.python(sample + start, html='<button id="google">With Google</button> <p id="problem"></p>')
    tab.expect_problem("status of 401")
    tab.shows(problem=REFUSED)
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


@pytest.mark.parametrize("name", ["plain/", "puepy/"])
@pyodide_only
def test_a_name_turns_nothing_but_itself(tabs: Tabs, name: str) -> None:
    a_session_of(tabs, {"name": "\u202eAda"})
    tab = opened(tabs, name)
    tab.contains(who="Signed in as \u202eAda")
    expect(tab.element("who").locator("bdi, [dir=auto]")).to_have_text("\u202eAda")
    tabs.context.unroute_all()


@contract
@pyodide_only
def test_puepy_mirrors_the_session_and_guards_its_pages(tabs: Tabs, backend: Backend) -> None:
    tab = opened(tabs, "puepy/")
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
    other.goto("/examples/puepy/")
    other.get_by_role("button", name="Sign out").click()
    tab.shows(unauthorized="This page is for members.")
    other.close()


@contract
@pyodide_only
def test_reaktiv_has_the_session_as_signals(tabs: Tabs, backend: Backend) -> None:
    backend.sign_in(tabs.context)
    tab = opened(tabs, "reaktiv/")
    tab.shows(who="Signed in as Ada Lovelace")
    tab.element("shout").click()
    tab.shows(who="SIGNED IN AS ADA LOVELACE")
    tab.element("out").click()
    tab.shows(who="NOT SIGNED IN")


# What is there when Python has done its part for somebody who is not signed in.
READY = {
    "hello/": "Not signed in",
    "attributes/": "With Development ID",
    "plain/": "Not signed in",
    "sign_in/": "With Development ID",
    "worker/": "Username",
}


@pytest.mark.parametrize(
    ("interpreter", "name"),
    [
        *[("micropython", name) for name in (*READY, "notebook/")],
        ("pyodide", "puepy/"),
        ("pyodide", "reaktiv/"),
    ],
    indirect=["interpreter"],
)
def test_nobody_is_shut_out(tabs: Tabs, backend: Backend, name: str) -> None:
    tab = opened(tabs, name)
    if name == "notebook/":
        run_cell(tab, 0)
    expect(tab.page.get_by_text(READY.get(name, "Not signed in")).first).to_be_visible()
    expect(tab.page.locator("pre span").first).to_be_visible()
    assert_serves_everybody(tab.page)
    backend.sign_in(tabs.context)
    opened(tabs, "hello/")  # asks, and tells the others
    expect(tab.page.get_by_text("Ada Lovelace").first).to_be_visible()
    assert_serves_everybody(tab.page)


@pytest.mark.parametrize("name", ["attributes/", "sign_in/", "worker/"])
@micropython_only
def test_who_has_a_keyboard_alone_signs_in_and_is_told_what_went_wrong(tabs: Tabs, name: str) -> None:
    tab = opened(tabs, name)
    tab.expect_problem("status of 401")
    username, password, button = (
        tab.page.get_by_label("Username"),
        tab.page.get_by_label("Password"),
        tab.button("Sign in"),
    )
    expect(username).to_be_visible()
    tab.until("document.documentElement.dataset.authState !== 'loading'")
    by_tab(tab.page, username)
    tab.page.keyboard.type("ada")
    by_tab(tab.page, password)
    tab.page.keyboard.type("wrong")
    by_tab(tab.page, button)
    tab.page.keyboard.press("Enter")
    expect(tab.page.get_by_role("alert")).to_have_text(DID_NOT_WORK if name == "worker/" else REFUSED)
    expect(button).to_be_enabled()  # which a person is too slow to see
    assert_serves_everybody(tab.page)
    tab.page.keyboard.press("Shift+Tab")
    tab.page.keyboard.type("lovelace")
    tab.page.keyboard.press("Enter")
    expect(tab.page.get_by_text("Ada Lovelace")).to_be_visible()


@micropython_only
def test_who_has_a_keyboard_alone_gets_into_a_cell_runs_it_and_gets_out(tabs: Tabs) -> None:
    tab = opened(tabs, "notebook/")
    cell = tab.page.get_by_role("textbox", name="Python").first
    expect(cell).to_be_visible()
    focused = "one => one.getRootNode().activeElement === one"
    for _ in range(6):  # the page's links come first
        if not cell.evaluate(focused):
            tab.page.keyboard.press("Tab")
    assert cell.evaluate(focused)
    tab.page.keyboard.press("Control+Enter")
    expect(tab.page.get_by_role("log").first).to_contain_text("Not signed in")
    tab.page.keyboard.press("Escape")
    tab.page.keyboard.press("Tab")
    assert not cell.evaluate(focused)


@pytest.mark.parametrize("name", READY)
@micropython_only
def test_nothing_moves_when_python_starts(tabs: Tabs, name: str) -> None:
    height = "document.querySelector('.card').offsetHeight"
    tab = tabs.tab()
    tab.page.route("**/pyscript/core.js", lambda route: route.fulfill(body="", content_type="text/javascript"))
    tab.page.goto(f"/examples/{name}")
    if name == "attributes/":  # its form is there before Python
        expect(tab.page.get_by_label("Username")).to_be_visible()
    before = tab.page.evaluate(height)
    tab.page.unroute_all()
    tab.page.goto(f"/examples/{name}")
    expect(tab.page.get_by_text(READY[name]).first).to_be_visible()
    assert tab.page.evaluate(height) == before


@micropython_only
def test_nobody_is_shut_out_of_the_list(tabs: Tabs) -> None:
    assert_serves_everybody(opened(tabs, "").page)
