"""The docs' site, as `make docs-site` builds it: it needs no other host, and its examples run in place.

They run on MicroPython, whatever the interpreter of a test.
"""

from __future__ import annotations

import re
from typing import Any

import pytest

from scripts.docs_site import build
from scripts.steps import ROOT
from tests.support.accessible import TOO_WIDE, wrong_with
from tests.support.engines import expect
from tests.support.site import Site
from tests.support.tabs import Tab, Tabs, micropython_only

DOCS = ROOT / "docs"
LIVE = sorted(
    f"{page.stem}/" if page.stem != "index" else ""
    for page in DOCS.glob("*.md")
    if '<div class="live"' in page.read_text(encoding="utf-8")
)


@pytest.fixture(scope="session")
def docs(site: Site) -> str:
    """The path at which the development backend serves the site."""
    build(site.folder / "docs-site")
    return "/docs-site/"


def opened(tabs: Tabs, path: str) -> Tab:
    tab = tabs.tab()
    tab.page.goto(path)
    expect(tab.page.locator("main")).to_be_visible()
    return tab


def frame(tab: Tab, number: int) -> Any:
    return tab.page.frame_locator(f'iframe[title="Tab {number}"]')


def run(example: Any) -> None:
    """Returns when the Python of both tabs has run to its end."""
    example.get_by_role("button", name="Run").click()
    for number in (1, 2):
        inside = example.frame_locator(f'iframe[title="Tab {number}"]')
        expect(inside.locator("html")).to_have_attribute("data-ran", "")


def console(tab: Tab, number: int) -> Any:
    return tab.page.get_by_role("log", name=f"Console of tab {number}")


@micropython_only
def test_signing_in_in_one_tab_of_an_example_shows_in_the_other(tabs: Tabs, docs: str) -> None:
    tab = opened(tabs, docs)
    run(tab.page)
    for number in (1, 2):
        expect(frame(tab, number).locator("#who")).to_have_text("Not signed in")
    frame(tab, 1).get_by_role("button", name="Sign in").click()
    for number in (1, 2):
        expect(frame(tab, number).locator("#who")).to_have_text("Signed in as Ada Lovelace")
    frame(tab, 2).get_by_role("button", name="Sign out").click()
    for number in (1, 2):
        expect(frame(tab, number).locator("#who")).to_have_text("Not signed in")
    assert tab.requests("session") == []  # the backend that is asked is in the page


@micropython_only
def test_an_example_is_edited_run_and_reset_by_keyboard(tabs: Tabs, docs: str) -> None:
    tab = opened(tabs, docs)
    editor = tab.page.get_by_label("Its Python")
    written = editor.input_value()
    editor.focus()
    tab.page.keyboard.press("ControlOrMeta+A")
    tab.page.keyboard.type(
        "from pyscript import document\ndocument.querySelector('#who').textContent = 'Edited'\n1 / 0\n"
    )
    tab.expect_problem("ZeroDivisionError", "divide by zero")
    tab.page.keyboard.press("ControlOrMeta+Enter")
    for number in (1, 2):
        expect(frame(tab, number).locator("#who")).to_have_text("Edited")
        expect(console(tab, number)).to_contain_text("ZeroDivisionError")
    tab.page.keyboard.press("Tab")
    expect(tab.button("Run")).to_be_focused()
    tab.page.keyboard.press("Tab")
    tab.page.keyboard.press("Enter")  # on Reset
    expect(editor).to_have_value(written)
    expect(tab.page.locator("iframe")).to_have_count(0)


@micropython_only
def test_an_examples_backend_that_is_down_signs_nobody_out(tabs: Tabs, docs: str) -> None:
    tab = opened(tabs, f"{docs}never-signs-you-out/")
    tab.expect_problem("BackendUnreachable", "Nobody knows yet")
    run(tab.page)
    frame(tab, 1).get_by_role("button", name="Sign in").click()
    expect(frame(tab, 2).locator("#who")).to_have_text("Signed in as Ada Lovelace")
    tab.page.get_by_label("The backend is down").check()
    frame(tab, 1).get_by_role("button", name="Ask").click()
    for number in (1, 2):
        expect(frame(tab, number).locator("#trouble")).to_contain_text("Not heard of the backend")
        expect(frame(tab, number).locator("#who")).to_have_text("Signed in as Ada Lovelace")
    tab.page.get_by_label("The backend is down").uncheck()
    for number in (1, 2):
        expect(frame(tab, number).locator("#trouble")).to_have_text("")


@micropython_only
def test_an_example_signs_in_in_a_window_of_its_own(tabs: Tabs, docs: str) -> None:
    tab = opened(tabs, f"{docs}popups/")
    run(tab.page)
    expect(frame(tab, 1).locator("#who")).to_have_text("Not signed in")
    frame(tab, 1).get_by_label("A draft that stays").fill("a thought")
    with tab.page.expect_popup() as popup:
        frame(tab, 1).get_by_role("button", name="Sign in in a window").click()
    popup.value.get_by_role("button", name="Alan Turing").click()
    for number in (1, 2):
        expect(frame(tab, number).locator("#who")).to_have_text("Signed in as Alan Turing")
    expect(frame(tab, 1).get_by_label("A draft that stays")).to_have_value("a thought")


@micropython_only
def test_an_example_that_leaves_for_the_backends_page_comes_back(tabs: Tabs, docs: str) -> None:
    tab = opened(tabs, f"{docs}roles/")
    run(tab.page)
    frame(tab, 1).get_by_role("button", name=re.compile("Sign in as Ada")).click()
    frame(tab, 1).get_by_role("button", name="Alan Turing").click()
    for number in (1, 2):
        expect(frame(tab, number).get_by_text("Others who are signed in")).to_be_visible()
        expect(frame(tab, number).get_by_text("The admin's part")).to_be_hidden()


@pytest.mark.parametrize("path", LIVE)
@micropython_only
def test_each_example_of_a_page_runs_without_complaint(tabs: Tabs, docs: str, path: str) -> None:
    tab = opened(tabs, docs + path)
    examples = tab.page.get_by_role("group", name="Live example")
    assert examples.count() == (DOCS / f"{path.rstrip('/') or 'index'}.md").read_text().count('<div class="live"')
    for number in range(examples.count()):
        example = examples.nth(number)
        run(example)
        for tab_number in (1, 2):
            expect(example.get_by_role("log", name=f"Console of tab {tab_number}")).to_be_hidden()


def test_no_page_names_anything_to_load_from_another_host(site: Site, docs: str) -> None:
    """That those which the tests open load nothing from one is seen when a test ends."""
    folder = site.folder / docs.strip("/")
    pages = [*folder.rglob("*.html")]
    assert len(pages) > len(list(DOCS.rglob("*.md")))
    for page in pages:
        found = re.findall(r"<(?:script|link|img|iframe|source)\b[^>]*>", page.read_text(encoding="utf-8"))
        assert not [tag for tag in found if re.search(r"""(?:src|href|srcset)=["']?(?:https?:)?//""", tag)], page
    for sheet in folder.rglob("*.css"):
        assert not re.findall(r"""(?:url\(|@import )["']?(?:https?:)?//[^)]*""", sheet.read_text(encoding="utf-8")), (
            sheet
        )


DESKTOP, PHONE = 1280, 390
NARROW = [320, 640]  # as narrow as phones are, and a window of 1,280 pixels at 200 %
# The name of what has the focus, and whether one sees that; of a checkbox or a radio button, by its label.
FOCUS = """
    document.activeElement === document.body ? null :
        document.activeElement.getAttribute("aria-label") ?? document.activeElement.textContent.trim()
"""
FOCUS_IS_SEEN = """
    (({ activeElement: one }) => {
        const parts = one.matches(".md-option") ? [one.nextElementSibling]
            : one.matches(".md-toggle") ? [...one.labels] : [one];
        return parts.some(part => {
            const { left, right, top, bottom, width } = part.getBoundingClientRect();
            return part.checkVisibility({ visibilityProperty: true, opacityProperty: true })
                && getComputedStyle(part).outlineStyle !== "none"
                && width && left < innerWidth && right > 0 && top < innerHeight && bottom > 0;
        });
    })(document)
"""


def set_to(tab: Tab, scheme: Any, width: int) -> None:
    """Returns when the theme has heard of it."""
    tab.page.emulate_media(color_scheme=scheme)
    tab.page.set_viewport_size({"width": width, "height": 800})
    theme = {"light": "default", "dark": "slate"}[scheme]
    expect(tab.page.locator("body")).to_have_attribute("data-md-color-scheme", theme)


@micropython_only
def test_nobody_is_shut_out_of_any_page_of_the_docs(tabs: Tabs, site: Site, docs: str) -> None:
    """In light on a desktop and in dark on a phone, with what the live examples show."""
    folder = site.folder / docs.strip("/")
    paths = sorted(str(page.parent.relative_to(folder)) for page in folder.rglob("index.html"))
    assert len(paths) > 30
    tab, wrong = tabs.tab(), []
    for path in paths:
        tab.page.goto(f"{docs}{path}/")
        expect(tab.page.locator("html")).to_have_class(re.compile(r"\bjs\b"))
        for example in tab.page.get_by_role("group", name="Live example").all():
            run(example)
        for scheme, width in [("light", DESKTOP), ("dark", PHONE)]:
            set_to(tab, scheme, width)
            wrong += [(path, scheme, one) for one in wrong_with(tab.page)]
        for width in NARROW:
            tab.page.set_viewport_size({"width": width, "height": 800})
            wrong += [(path, width, pixels)] if (pixels := tab.page.evaluate(TOO_WIDE)) else []
    assert wrong == [], wrong


def test_the_page_of_what_is_not_there_has_what_the_others_have(site: Site, docs: str) -> None:
    """It can be opened at the root of a host alone, where a test's site is not."""
    page, other = ((site.folder / docs.strip("/") / name).read_text() for name in ("404.html", "index.html"))
    assert 'role="dialog" aria-label="Search"' in page and 'role="dialog" aria-label="Search"' in other


@pytest.mark.parametrize("width", [PHONE, 640, DESKTOP])
@micropython_only
def test_who_has_no_mouse_sees_where_they_are(tabs: Tabs, docs: str, width: int) -> None:
    tab = opened(tabs, f"{docs}popups/")
    set_to(tab, "light", width)
    tab.page.emulate_media(reduced_motion="reduce")  # what fades in cannot be seen at once
    names: list[str] = []
    while len(names) < 100:
        tab.page.keyboard.press("Tab")
        if (name := tab.page.evaluate(FOCUS)) is None:
            break
        names.append(name)
        tab.until(FOCUS_IS_SEEN)  # the search opens in a moment
    assert "Skip to content" in names[:2] and "Run" in names and names[-1].startswith("Next")
    assert ("Menu" in names) == (width != DESKTOP)


@micropython_only
def test_the_menu_of_a_narrow_window_is_used_by_keyboard(tabs: Tabs, docs: str) -> None:
    tab = opened(tabs, f"{docs}popups/")
    set_to(tab, "light", PHONE)
    menu = tab.button("Menu")
    menu.focus()
    tab.page.keyboard.press("Space")
    section = tab.page.get_by_role("checkbox", name="How to")
    expect(section).to_be_focused()
    tab.page.keyboard.press("Escape")
    expect(menu).to_be_focused()
    expect(menu).to_have_attribute("aria-expanded", "false")
    tab.page.keyboard.press("Enter")
    expect(section).to_be_focused()
    tab.page.keyboard.press("Enter")  # back to all sections
    tab.page.keyboard.press("Tab")
    expect(tab.page.get_by_role("checkbox", name="Something is wrong")).to_be_focused()
    tab.page.keyboard.press("Space")
    tab.page.keyboard.press("Tab")
    assert wrong_with(tab.page) == []
    tab.page.keyboard.press("Enter")
    expect(tab.page).to_have_url(re.compile("/troubleshooting/"))


@micropython_only
def test_one_searches_by_keyboard(tabs: Tabs, docs: str) -> None:
    tab = opened(tabs, docs)
    tab.page.keyboard.press("/")
    expect(tab.page.get_by_role("textbox", name="Search")).to_be_focused()
    tab.page.keyboard.type("bfcache")
    result = tab.page.locator(".md-search-result__link").first
    expect(result).to_contain_text("Glossary")
    assert wrong_with(tab.page) == []
    tab.page.keyboard.press("ArrowDown")
    expect(result).to_be_focused()
    tab.page.keyboard.press("Enter")
    expect(tab.page).to_have_url(re.compile("/glossary/"))
    tab.page.keyboard.press("/")
    tab.page.keyboard.press("Escape")
    expect(tab.page.get_by_role("dialog", name="Search")).not_to_contain_text("bfcache")


@micropython_only
def test_one_uses_an_example_by_keyboard(tabs: Tabs, docs: str) -> None:
    tab = opened(tabs, docs)
    tab.page.get_by_label("The page (HTML)").focus()
    for _ in ("its Python", "Run"):  # Tab leaves an editor
        tab.page.keyboard.press("Tab")
    expect(tab.button("Run")).to_be_focused()
    tab.page.keyboard.press("Enter")
    expect(frame(tab, 1).locator("html")).to_have_attribute("data-ran", "")
    expect(frame(tab, 1).locator("#who")).to_have_text("Not signed in")
    for _ in ("Reset", "The backend is down", "Sign in"):
        tab.page.keyboard.press("Tab")
    expect(frame(tab, 1).get_by_role("button", name="Sign in")).to_be_focused()
    tab.page.keyboard.press("Enter")
    expect(frame(tab, 2).locator("#who")).to_have_text("Signed in as Ada Lovelace")
