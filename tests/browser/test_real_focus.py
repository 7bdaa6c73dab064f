"""Focus and visibility as a person causes them, by changing tabs: events of the browser's own."""

from __future__ import annotations

import pytest

from tests.browser.following import BROWSERS_OWN, HTML, Bystander, all_show, following, press, session_queries
from tests.support.backend import Backend
from tests.support.engines import Engine
from tests.support.tabs import Tab, Tabs, contract, first_on_pyodide

NOTE_EVENTS = """
() => {
    window.seen = [];
    for (const name of ["focus", "blur"]) addEventListener(name, () => seen.push(name));
    document.addEventListener("visibilitychange", () => seen.push(document.visibilityState));
}
"""


def events_of(engine: Engine, *names: str) -> list[str]:
    """What a tab is told; where nobody tells visibility, focus has to be enough."""
    return [name for name in names if name in ("focus", "blur") or engine.tells_visibility]


def until_seen(bystander: Bystander, tab: Tab, *names: str) -> None:
    bystander.until(lambda: set(names) <= set(tab.page.evaluate("seen")))


@contract
def test_a_tab_that_comes_to_the_front_asks_once_for_all(focusing_tabs: Tabs, backend: Backend, engine: Engine) -> None:
    comes, goes = events_of(engine, "focus", "visible"), events_of(engine, "blur", "hidden")
    backend.sign_in(focusing_tabs.context)
    one, other = opened = [focusing_tabs.python(following(), html=HTML) for _ in range(2)]
    with Bystander(focusing_tabs) as bystander:
        all_show(opened, who="Ada Lovelace")
        # Whatever is asked of one of WebKit's tabs brings it to the front.
        for tab in (other, one):
            tab.page.bring_to_front()
            tab.page.evaluate(NOTE_EVENTS)
        # Changing tabs right after an answer costs nothing.
        asked = bystander.until_quiet(1.5)
        backend.rename("Ada King")
        other.page.bring_to_front()
        until_seen(bystander, other, *comes)
        other.shows(who="Ada King")
        assert bystander.until_quiet(0.5) == asked + 1
        until_seen(bystander, one, *goes)
        one.shows(who="Ada King")


def test_without_refetch_on_focus_nothing_is_asked(focusing_tabs: Tabs, backend: Backend, engine: Engine) -> None:
    comes, goes = events_of(engine, "focus", "visible"), events_of(engine, "blur", "hidden")
    backend.sign_in(focusing_tabs.context)
    one, other = opened = [focusing_tabs.python(following("refetch_on_focus=False"), html=HTML) for _ in range(2)]
    with Bystander(focusing_tabs) as bystander:
        all_show(opened, who="Ada Lovelace")
        for tab in (other, one):
            tab.page.bring_to_front()
            tab.page.evaluate(NOTE_EVENTS)
        bystander.until_quiet(1.5)
        other.page.bring_to_front()
        until_seen(bystander, other, *comes)
        one.page.bring_to_front()
        until_seen(bystander, one, *comes, *goes)
        assert len(session_queries(backend)) == 2


@first_on_pyodide
@pytest.mark.parametrize("hidden", ["later", "from the start"])
def test_a_hidden_tab_asks_again_after_a_failure_when_it_is_seen(
    focusing_tabs: Tabs, backend: Backend, hidden: str
) -> None:
    backend.sign_in(focusing_tabs.context)
    tab = focusing_tabs.python(following(), html=HTML)
    tab.expect_problem(BROWSERS_OWN, "Nobody knows yet")
    tab.shows(who="Ada Lovelace")
    with Bystander(focusing_tabs) as bystander:
        bystander.page.bring_to_front()
        tab.page.wait_for_function("document.visibilityState === 'hidden'")
        asked = bystander.until_quiet(1.5)
        backend.fault("session", "500-json")
        if hidden == "later":
            press(tab, "ask")
        else:
            tab.page.reload()
        tab.shows(error="UnexpectedAnswer")
        # Seen, it would ask again within a second, and within two more.
        assert bystander.until_quiet(2.5) == asked + 1
        backend.heal("session")
        backend.rename("Ada King")
        tab.page.bring_to_front()
        tab.shows(who="Ada King", error="none")
