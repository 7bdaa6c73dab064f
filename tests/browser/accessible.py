"""Whether a page serves whoever comes: with a screen reader, on a phone."""

from __future__ import annotations

from playwright.sync_api import Page

from scripts.javascript_pages import SOURCES

AXE = SOURCES / "node_modules" / "axe-core" / "axe.min.js"

# A colour on its way to another is neither.
TRANSITIONS_END = """
    Promise.allSettled(
        document.getAnimations().filter(one => one instanceof CSSTransition).map(one => one.finished))
"""

# What is wider than its box, and cannot be scrolled by keyboard either.
CUT_OFF = """
    [...document.body.querySelectorAll("*")]
        .filter(one => one.checkVisibility() && one.scrollWidth > one.clientWidth + 1 && one.clientWidth > 1)
        .filter(one => getComputedStyle(one).display !== "inline" && one.tabIndex < 0)
        .map(one => one.outerHTML.slice(0, 80))
"""


def assert_nobody_is_shut_out(page: Page) -> None:
    """The same, and nothing is cut off."""
    assert_axe_finds_nothing(page)
    assert page.evaluate(CUT_OFF) == []


def assert_axe_finds_nothing(page: Page) -> None:
    """axe finds nothing, and the page is no wider than the window."""
    if not page.evaluate("'axe' in window"):
        page.evaluate(AXE.read_text())
    page.evaluate(TRANSITIONS_END)
    found = page.evaluate("axe.run()")
    bad = [(one["id"], node["target"], node["failureSummary"]) for one in found["violations"] for node in one["nodes"]]
    assert bad == [], bad
    assert page.evaluate("document.documentElement.scrollWidth - document.documentElement.clientWidth") == 0
