"""Whether a page serves whoever comes: with a screen reader, on a phone, to whom moving things are a trouble."""

from __future__ import annotations

from playwright.sync_api import Locator, Page

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

# What moves although the person has asked that nothing does.
MOVING = """
    (function within(root) {
        return [...root.querySelectorAll("*")].flatMap(one => [
            ...["", "::before", "::after"].filter(part => {
                const { transitionDuration, animationName, scrollBehavior } = getComputedStyle(one, part || null);
                return /[1-9]/.test(transitionDuration) || animationName !== "none" || scrollBehavior !== "auto";
            }).map(part => one.outerHTML.slice(0, 80) + part),
            ...(one.shadowRoot ? within(one.shadowRoot) : []),
        ]);
    })(document)
"""

# Phones, a laptop's window at 200 %, and that window at 100 %.
SIZES = ((320, "light"), (640, "dark"), (1280, "light"))


def assert_serves_everybody(page: Page) -> None:
    """Nobody is shut out in any size, whether it is light or dark, and nothing moves for those who do not want that."""
    page.emulate_media(reduced_motion="reduce")
    assert page.evaluate(MOVING) == []
    for width, scheme in SIZES:
        page.set_viewport_size({"width": width, "height": 800})
        page.emulate_media(color_scheme=scheme)  # type: ignore[arg-type]
        assert_nobody_is_shut_out(page)


def by_tab(page: Page, wanted: Locator) -> None:
    """Go there by the keyboard alone, on a way that can be seen."""
    for _ in range(30):
        page.keyboard.press("Tab")
        if wanted.evaluate("one => one === document.activeElement"):
            assert wanted.evaluate("one => getComputedStyle(one).outlineStyle") == "solid"
            return
    raise AssertionError(f"{wanted} is not reached by Tab")


# How many pixels the page is wider than the window.
TOO_WIDE = "document.documentElement.scrollWidth - document.documentElement.clientWidth"


def assert_nobody_is_shut_out(page: Page) -> None:
    """Nothing is wrong with the page, and nothing cut off."""
    assert wrong_with(page) == []
    assert page.evaluate(CUT_OFF) == []


def wrong_with(page: Page) -> list[object]:
    """What axe finds, whether the page is wider than the window, and what moves for who asked that nothing does."""
    for frame in page.frames:  # axe looks into those that have it, too
        if not frame.evaluate("'axe' in window"):
            frame.evaluate(AXE.read_text())
    page.evaluate(TRANSITIONS_END)
    violations = page.evaluate("axe.run({ resultTypes: ['violations'] })")["violations"]
    wrong: list[object] = [
        (one["id"], node["target"], node["failureSummary"]) for one in violations for node in one["nodes"]
    ]
    if pixels := page.evaluate(TOO_WIDE):
        wrong.append(f"{pixels} pixels wider than the window")
    page.emulate_media(reduced_motion="reduce")
    wrong += [f"moves: {one}" for one in page.evaluate(MOVING)]
    page.emulate_media(reduced_motion="no-preference")
    return wrong
