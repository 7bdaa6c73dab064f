"""What came of the contract's cases, written into build/contract-ENGINE.json: a row for each interpreter and thread."""

from __future__ import annotations

import json
from collections import defaultdict
from typing import Any

import pytest

from scripts.steps import ROOT

CASE = "contract"  # the property of a test's reports that names its row


def row_of(item: pytest.Item) -> str | None:
    """Interpreter and thread of a case of the contract, which may be so on one interpreter alone."""
    mark = item.get_closest_marker("contract")
    if mark is None or not isinstance(item, pytest.Function):
        return None
    interpreter = item.callspec.params["interpreter"]
    return f"{interpreter} {thread_of(item.path.stem)}" if interpreter in (mark.args or (interpreter,)) else None


def thread_of(file: str) -> str:
    """Where the Python of a test file's pages runs."""
    return "worker" if file.startswith("test_workers") else "page"


class ContractSummary:
    """A plugin of pytest, where tests run and where the reports of several processes come together."""

    def __init__(self, config: pytest.Config, engine: str) -> None:
        self._config = config
        self.engine = engine
        self._version: str | None = None
        self._not_here: dict[str, list[str]] = {}  # row and reason of each
        self._outcomes: dict[str, dict[str, str]] = defaultdict(dict)
        self._run_again: dict[str, set[str]] = defaultdict(set)
        self._seconds: dict[str, float] = defaultdict(float)

    def runs(self, version: str) -> None:
        """The engine has started."""
        self._version = version
        if hasattr(self._config, "workeroutput"):
            self._config.workeroutput["engine version"] = version

    @pytest.hookimpl(optionalhook=True)
    def pytest_testnodedown(self, node: Any) -> None:
        output = getattr(node, "workeroutput", {})
        self._version = output.get("engine version") or self._version
        self._not_here.update(output.get("not here", {}))

    @pytest.hookimpl(tryfirst=True)
    def pytest_collection_modifyitems(self, config: pytest.Config, items: list[pytest.Item]) -> None:
        """Chromium runs all tests, the other engines the contract's; each but for what it cannot show."""
        kept: list[pytest.Item] = []
        others: list[pytest.Item] = []
        for item in items:
            row = row_of(item)
            reason = next((mark.args[1] for mark in item.iter_markers("not_on") if mark.args[0] == self.engine), None)
            if row is None:  # where it has the mark, that is for the other interpreter: `-m contract` shall know
                item.own_markers = [mark for mark in item.own_markers if mark.name != "contract"]
            else:
                item.user_properties.append((CASE, row))
                if reason is not None:
                    self._not_here[item.nodeid] = [row, reason]
            runs = reason is None and (row is not None or self.engine == "chromium")
            (kept if runs else others).append(item)
        config.hook.pytest_deselected(items=others)
        items[:] = kept
        if hasattr(config, "workeroutput"):
            config.workeroutput["not here"] = self._not_here

    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        if row := dict(report.user_properties).get(CASE):
            self._seconds[str(row)] += report.duration
            outcomes = self._outcomes[str(row)]
            if str(report.outcome) == "rerun":  # what the next try shows counts
                outcomes.pop(report.nodeid, None)
                self._run_again[str(row)].add(report.nodeid)
            elif outcomes.setdefault(report.nodeid, report.outcome) == "passed":  # set-up, call and teardown
                outcomes[report.nodeid] = report.outcome

    def rows(self) -> list[dict[str, Any]]:
        return [
            {
                "engine": self.engine,
                "version": self._version,
                "interpreter": row.split()[0],
                "thread": row.split()[1],
                "cases": len(outcomes),
                "passed": sum(outcome == "passed" for outcome in outcomes.values()),
                "not applicable": {case: why for case, (where, why) in sorted(self._not_here.items()) if where == row},
                "failed": sorted(case for case, outcome in outcomes.items() if outcome != "passed"),
                "run again": sorted(self._run_again[row]),
                "seconds": round(self._seconds[row]),
            }
            for row, outcomes in sorted(self._outcomes.items())
        ]

    def pytest_sessionfinish(self) -> None:
        # One process of several has seen its own part alone.
        if (rows := self.rows()) and not hasattr(self._config, "workerinput"):
            file = ROOT / "build" / f"contract-{self.engine}.json"
            file.parent.mkdir(exist_ok=True)
            file.write_text(json.dumps(rows, indent=2) + "\n", encoding="utf-8")
