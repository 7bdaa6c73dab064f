"""Whether a page serves whoever comes: with a screen reader, on a phone."""

from __future__ import annotations

from playwright.sync_api import Page

from scripts.javascript_pages import SOURCES

AXE = SOURCES / "node_modules" / "axe-core" / "axe.min.js"


def assert_nobody_is_shut_out(page: Page) -> None:
    """axe finds nothing, and nothing is cut off."""
    if not page.evaluate("'axe' in window"):
        page.evaluate(AXE.read_text())
    found = page.evaluate("axe.run()")
    bad = [(one["id"], node["target"], node["failureSummary"]) for one in found["violations"] for node in one["nodes"]]
    assert bad == [], bad
    assert page.evaluate("document.documentElement.scrollWidth - document.documentElement.clientWidth") == 0
