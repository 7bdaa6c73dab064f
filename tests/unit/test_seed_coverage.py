"""docs/seed-coverage.md against the tests that there are."""

from __future__ import annotations

from pathlib import Path

from scripts.seed_coverage import PAGE, STATEMENTS, collected, render, results_in, statements_of


def test_the_page_lists_the_numbered_tests_as_they_are_and_all_passed() -> None:
    assert PAGE.read_text(encoding="utf-8") == render(dict.fromkeys(collected(), "passed")), "type `make docs`"


def test_every_statement_has_a_test() -> None:
    assert list(STATEMENTS) == list(range(1, 37))
    assert "no test" not in PAGE.read_text(encoding="utf-8")
    assert "no test" in render({})


def test_numbers_are_read_from_the_name_alone() -> None:
    assert statements_of("tests/unit/test_s1_x.py::test_s2_s31_a_name[test_s5_x]") == [2, 31]
    assert statements_of("tests/unit/test_sync.py::test_session") == []


def test_a_failure_and_a_test_that_was_skipped_are_no_success(tmp_path: Path) -> None:
    report = tmp_path / "report.xml"
    cases = {"test_s7_a[v3]": "<failure/>", "test_s7_a[v4]": "<skipped/>", "test_s7_b": "", "test_c": ""}
    elements = [f'<testcase classname="tests.unit.x" name="{name}">{what}</testcase>' for name, what in cases.items()]
    report.write_text(f"<testsuites><testsuite>{''.join(elements)}</testsuite></testsuites>")
    results = results_in(report)
    assert results == {
        "tests/unit/x.py::test_s7_a[v3]": "failed",
        "tests/unit/x.py::test_s7_a[v4]": "skipped",
        "tests/unit/x.py::test_s7_b": "passed",
    }
    page = render(results)
    assert "[s7_a](../tests/unit/x.py) | v3, v4 | 1 failed, 1 skipped |" in page
    assert "[s7_b](../tests/unit/x.py) | no backend | 1 passed |" in page
