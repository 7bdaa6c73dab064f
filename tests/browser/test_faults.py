"""Ten ways in which asking can fail: nobody is signed out by one, it is shown, and it passes by itself."""

from __future__ import annotations

from collections.abc import Collection, Iterator
from contextlib import contextmanager
from typing import Any

import pytest

from tests.browser.following import BROWSERS_OWN, HTML, OURS, Bystander, following, press, session_queries
from tests.support.backend import Backend
from tests.support.tabs import Tabs, contract, micropython_only, pyodide_only

PAGE = following()
# Only where nothing comes: on a busy machine a good answer may take a second.
SHORT_OF_PATIENCE = following("timeout=1")

# What the page shows as its error.
FAULTS = {
    "500-json": "UnexpectedAnswer",
    "500-html": "UnexpectedAnswer",
    "3 s of 500": "UnexpectedAnswer",
    "reset": "ClientFetchError",
    "hang": "ClientFetchError",
    "malformed": "UnexpectedAnswer",
    "html-200": "UnexpectedAnswer",
    "empty": "UnexpectedAnswer",
    "redirect": "UnexpectedAnswer",
    "offline": "ClientFetchError",
}

# Where the engine has a part, and the interpreter itself: the network, a time-out, the parser. On Pyodide those alone.
IN_EVERY_ENGINE = ("reset", "hang", "malformed", "redirect", "offline")


def cases(kinds: Collection[str]) -> list[Any]:
    of_the_engine = [kind for kind in kinds if kind in IN_EVERY_ENGINE]
    return [
        *(pytest.param("micropython", kind, marks=contract if kind in of_the_engine else ()) for kind in kinds),
        *(pytest.param("pyodide", kind, marks=contract) for kind in of_the_engine),
    ]


@contextmanager
def fault(kind: str, tabs: Tabs) -> Iterator[None]:
    if kind == "offline":
        tabs.context.set_offline(True)
    else:
        tabs.backend.fault("session", "500-json" if kind == "3 s of 500" else kind)
    yield
    if kind == "3 s of 500":
        await_failures_over(3, tabs)
    tabs.backend.heal("session")
    tabs.context.set_offline(False)


def await_failures_over(seconds: float, tabs: Tabs) -> None:
    """Until queries have failed for so long."""

    def failed_long_enough() -> bool:
        failures = [entry["time"] for entry in session_queries(tabs.backend) if entry["status"] == 500]
        return failures[-1] > failures[0] + seconds

    with Bystander(tabs) as bystander:
        bystander.until(failed_long_enough)


@pytest.mark.parametrize(("interpreter", "kind"), cases(FAULTS), indirect=["interpreter"])
def test_a_fault_while_signed_in_is_shown_and_signs_nobody_out(tabs: Tabs, backend: Backend, kind: str) -> None:
    backend.sign_in(tabs.context)
    tab = tabs.python(SHORT_OF_PATIENCE if kind == "hang" else PAGE, html=HTML)
    tab.expect_problem(BROWSERS_OWN)
    tab.shows(status="authenticated", who="Ada Lovelace", error="none")
    with fault(kind, tabs):
        press(tab, "ask")
        tab.shows(error=FAULTS[kind], done=f"ask:{FAULTS[kind]}")
        tab.shows(status="authenticated", who="Ada Lovelace")
        backend.rename("Ada King")
    tab.shows(status="authenticated", who="Ada King", error="none")


@pytest.mark.parametrize(
    ("interpreter", "kind"), cases([kind for kind in FAULTS if kind != "offline"]), indirect=["interpreter"]
)
def test_a_fault_at_load_leaves_open_who_is_signed_in_until_it_has_passed(
    tabs: Tabs, backend: Backend, kind: str
) -> None:
    backend.sign_in(tabs.context)
    with fault(kind, tabs):
        tab = tabs.python(SHORT_OF_PATIENCE if kind == "hang" else PAGE, html=HTML)
        tab.expect_problem(BROWSERS_OWN, OURS)
        tab.shows(status="loading", who="nobody", error=FAULTS[kind])
    tab.shows(status="authenticated", who="Ada Lovelace", error="none")
    assert sum(OURS in line for line in tab.problems) == 1


@contract
@pyodide_only  # on a page that has booted already
def test_a_page_that_starts_offline_asks_when_the_network_is_there(tabs: Tabs, backend: Backend) -> None:
    backend.sign_in(tabs.context)
    with fault("offline", tabs):
        tab = tabs.python(PAGE, html=HTML)
        tab.expect_problem(BROWSERS_OWN, OURS)
        tab.shows(status="loading", who="nobody", error="ClientFetchError")
    tab.shows(status="authenticated", who="Ada Lovelace", error="none")
    assert len(session_queries(backend)) == 1


@contract
@micropython_only
def test_a_fault_that_one_tab_meets_is_shown_and_passes_in_all(tabs: Tabs, backend: Backend) -> None:
    backend.sign_in(tabs.context)
    opened = [tabs.python(PAGE, html=HTML) for _ in range(3)]
    for tab in opened:
        tab.expect_problem(BROWSERS_OWN)
        tab.shows(who="Ada Lovelace")
    with fault("500-json", tabs):
        press(opened[0], "ask")
        for tab in opened:
            tab.shows(error="UnexpectedAnswer", status="authenticated", who="Ada Lovelace")
        backend.rename("Ada King")
    for tab in opened:
        tab.shows(error="none", who="Ada King")
