"""The tests that failed, in build/failed.txt: `make test` runs pytest several times, and ends with this list.

One that failed at first, and was run again, is there as well.
"""

from __future__ import annotations

import os

import pytest

from scripts.steps import ROOT

FILE = ROOT / "build" / "failed.txt"


class FailureList:
    """A plugin of pytest: a line for each failure, added to those of earlier runs."""

    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        if report.failed or str(report.outcome) == "rerun":
            self._add(report.nodeid, report)

    def pytest_collectreport(self, report: pytest.CollectReport) -> None:
        if report.failed:
            self._add(report.nodeid, report)

    def _add(self, test: str, report: pytest.TestReport | pytest.CollectReport) -> None:
        FILE.parent.mkdir(exist_ok=True)
        with FILE.open("a", encoding="utf-8") as file:
            print(line_of(test, report.longreprtext, str(report.outcome)), file=file)


def line_of(test: str, report: str, outcome: str = "failed") -> str:
    """What came of it, the engine, the test, and the first lines of its report that say what went wrong."""
    errors = [line[1:].strip() for line in report.splitlines() if line.startswith("E ")]
    reason = " ".join(errors[:3] or report.strip().splitlines()[-1:] or ["no reason was given"])
    engine = os.environ.get("ENGINE")
    return f"{outcome.upper()} {f'[{engine}] ' if engine else ''}{test}: {reason[:300]}"
