"""The docs' site, as `make docs-site` builds it: it needs no other host, and its examples run in place.

They run on MicroPython, whatever the interpreter of a test.
"""

from __future__ import annotations

import re
from typing import Any

import pytest

from scripts.docs_site import build
from scripts.steps import ROOT
from tests.browser.accessible import assert_axe_finds_nothing
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


@pytest.mark.parametrize(
    ("path", "scheme", "width"),
    [
        ("", "light", DESKTOP),
        ("", "dark", PHONE),
        ("troubleshooting/", "dark", PHONE),
        ("reference/client/", "light", DESKTOP),
    ],
)
@micropython_only
def test_nobody_is_shut_out_of_a_page_of_the_docs(tabs: Tabs, docs: str, path: str, scheme: Any, width: int) -> None:
    tab = tabs.tab()
    tab.page.emulate_media(color_scheme=scheme, reduced_motion="reduce")
    tab.page.set_viewport_size({"width": width, "height": 800})
    tab.page.goto(docs + path)
    expect(tab.page.locator("html")).to_have_class(re.compile(r"\bjs\b"))
    if not path:
        run(tab.page)
        expect(frame(tab, 1).locator("#who")).to_have_text("Not signed in")
    assert_axe_finds_nothing(tab.page)  # of the theme's own, its menu is cut off while it is away
