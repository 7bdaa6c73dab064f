"""The README's matrix against the cases that there are."""

from __future__ import annotations

import os
import subprocess
from typing import Any

import pytest

from scripts.environment import VENV_PYTHON
from scripts.matrix import ENGINES, ROWS, collected, counts_in, pinned, problems_of, render, shown
from scripts.steps import ROOT
from tests.support.summary import CASE, ContractSummary


def run(interpreter: str, thread: str, passed: int, cases: int, **not_applicable: str) -> dict[str, Any]:
    row = {"version": "153.8.1", "interpreter": interpreter, "thread": thread, "passed": passed, "cases": cases}
    return {**row, "not applicable": not_applicable, "failed": [], "run again": []}


def test_a_run_is_read_as_it_was_written() -> None:
    runs = {
        "firefox": [run("micropython", "page", 98, 99), run("pyodide", "worker", 7, 7)],
        "webkit": [run("micropython", "page", 90, 90, a="no focus", b="no focus"), run("pyodide", "page", 80, 80)],
    }
    text = render(runs)
    assert "| | Firefox ESR 153.8 | WebKitGTK 153.8 |" in text
    assert "- WebKitGTK: no focus (2)" in text
    assert "90 of 90 (2 n/a)" in text
    assert counts_in(text) == {
        "micropython page": [(98, 99), (90, 90)],
        "pyodide page": [(0, 0), (80, 80)],
        "micropython worker": [(0, 0), (0, 0)],
        "pyodide worker": [(7, 7), (0, 0)],
    }


def test_a_run_that_is_not_whole_or_has_failed_is_not_for_the_matrix() -> None:
    whole = {"micropython page": 2}
    assert problems_of([run("micropython", "page", 2, 2)], whole) == []
    assert problems_of([run("micropython", "page", 1, 1)], whole) == ["micropython page: 1 of 2 cases ran"]
    assert problems_of([], whole) == ["micropython page: 0 of 2 cases ran"]
    failed = {**run("micropython", "page", 1, 2), "engine": "webkit", "failed": ["test_a"]}
    assert problems_of([failed], whole) == ["webkit: test_a failed"]
    tried_twice = {**run("micropython", "page", 2, 2), "engine": "webkit", "run again": ["test_a"]}
    assert problems_of([tried_twice], whole) == ["webkit: test_a passed at its second try"]


def report(outcome: Any, when: Any = "call") -> pytest.TestReport:
    properties = [(CASE, "micropython page")]
    return pytest.TestReport("test_a", ("a.py", 1, "a"), {}, outcome, None, when, user_properties=properties)


@pytest.mark.parametrize(
    ("outcomes", "passed"),
    [
        (["passed", "passed", "passed"], 1),
        (["passed", "failed", "passed"], 0),
        (["passed", "passed", "failed"], 0),
        (["passed", "rerun", "passed", "passed", "passed", "passed"], 1),
        (["passed", "rerun", "passed", "passed", "failed", "passed"], 0),
    ],
)
def test_of_a_case_that_is_run_again_the_last_try_counts(outcomes: list[str], passed: int) -> None:
    summary = ContractSummary(None, "webkit")  # type: ignore[arg-type]
    for outcome in outcomes:
        summary.pytest_runtest_logreport(report(outcome))
    [row] = summary.rows()
    assert (row["passed"], row["cases"]) == (passed, 1)
    assert row["run again"] == (["test_a"] if "rerun" in outcomes else [])


def test_an_engine_that_nobody_knows_is_refused_in_words() -> None:
    done = subprocess.run(
        [str(VENV_PYTHON), "-m", "pytest", "tests/browser/test_limits.py", "--collect-only", "-q"],
        cwd=ROOT,
        env={**os.environ, "ENGINE": "opera"},
        capture_output=True,
        text=True,
    )
    assert done.returncode != 0
    assert "ENGINE=opera is no browser of these tests: take chromium, firefox, webkit." in done.stderr


def test_the_readme_names_the_versions_that_are_pinned() -> None:
    assert f"With {pinned()}." in shown()


@pytest.mark.heavy("collects the browser tests three times")
def test_the_readme_shows_every_case_of_every_engine_and_that_it_passed() -> None:
    in_readme = counts_in(shown())
    for column, engine in enumerate(ENGINES):
        there_are = collected(engine)
        for row in ROWS:
            cases = there_are[row]
            assert in_readme[row][column] == (cases, cases), f"{engine}, {row}: type `make test`, then `make docs`"
