"""docs/seed-coverage.md against the tests that there are."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from scripts.seed_coverage import PAGE, STATEMENTS, collected, day_of, render, results_in, statements_of


@pytest.mark.heavy("collects the tests of every browser and backend")
def test_the_page_lists_the_numbered_tests_as_they_are_and_a_run_in_which_all_passed() -> None:
    text = PAGE.read_text(encoding="utf-8")
    [(day, passed)] = re.findall(r"The run of (\d{4}-\d\d-\d\d): (\d+) passed\.", text)
    node_ids = collected()
    assert int(passed) == len(node_ids)
    assert text == render(dict.fromkeys(node_ids, "passed"), day), "type `make docs`"


def test_every_statement_has_a_test() -> None:
    assert list(STATEMENTS) == list(range(1, 37))
    assert "no test" not in PAGE.read_text(encoding="utf-8")
    assert "no test" in render({}, "2026-01-02")


def test_numbers_are_read_from_the_name_alone() -> None:
    assert statements_of("tests/unit/test_s1_x.py::test_s2_s31_a_name[test_s5_x]") == [2, 31]
    assert statements_of("tests/unit/test_sync.py::test_session") == []


def test_a_failure_and_a_test_that_was_skipped_are_no_success(tmp_path: Path) -> None:
    report = tmp_path / "report.xml"
    cases = {"test_s7_a[v3]": "<failure/>", "test_s7_a[v4]": "<skipped/>", "test_s7_b": "", "test_c": ""}
    elements = [f'<testcase classname="tests.unit.x" name="{name}">{what}</testcase>' for name, what in cases.items()]
    suite = f'<testsuite timestamp="2026-01-02T23:59:59.000000+00:00">{"".join(elements)}</testsuite>'
    report.write_text(f"<testsuites>{suite}</testsuites>")
    results = results_in(report)
    assert results == {
        "tests/unit/x.py::test_s7_a[v3]": "failed",
        "tests/unit/x.py::test_s7_a[v4]": "skipped",
        "tests/unit/x.py::test_s7_b": "passed",
    }
    assert day_of([report]) == "2026-01-02"
    page = render(results, day_of([report]))
    assert "The run of 2026-01-02: 1 failed, 1 passed, 1 skipped." in page
    assert "[s7_a](../tests/unit/x.py) | v3, v4 | 1 failed, 1 skipped |" in page
    assert "[s7_b](../tests/unit/x.py) | no backend | 1 passed |" in page
