"""The README's matrix: how many cases of the contract passed in each engine, with each interpreter, in page and worker.

`.venv/bin/python -m scripts.matrix` writes it from what `make test` has left in build/contract-ENGINE.json.
"""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
from collections import Counter
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from scripts.environment import VENV_PYTHON
from scripts.steps import ROOT, say
from tests.support.summary import thread_of

README = ROOT / "README.md"
BEGIN, END = "<!-- matrix: from here -->\n", "<!-- to here -->\n"
ENGINES = {"chromium": "Chromium", "firefox": "Firefox ESR", "webkit": "WebKitGTK"}
ROWS = {
    "micropython page": "MicroPython, in the page",
    "pyodide page": "Pyodide, in the page",
    "micropython worker": "MicroPython, in a worker",
    "pyodide worker": "Pyodide, in a worker",
}
# Every row of one engine, as tests/support/summary.py writes it.
Runs = Mapping[str, Sequence[Mapping[str, Any]]]


def render(runs: Runs) -> str:
    """The table, and below it what does not apply; `runs` is by engine."""
    names = [f"{ENGINES[engine]} {'.'.join(str(rows[0]['version']).split('.')[:2])}" for engine, rows in runs.items()]
    lines = ["| | " + " | ".join(names) + " |", "|---" * (len(names) + 1) + "|"]
    for row, title in ROWS.items():
        lines.append(f"| {title} | " + " | ".join(_cell(rows, row) for rows in runs.values()) + " |")
    lines.append(f"\nWith {pinned()}.")
    reasons = Counter(
        f"{ENGINES[engine]}: {why}"
        for engine, rows in runs.items()
        for found in rows
        for why in found["not applicable"].values()
    )
    if reasons:
        lines.append("\nNot applicable:\n")
        lines += [f"- {reason} ({count})" for reason, count in reasons.items()]
    return "\n".join(lines)


def pinned() -> str:
    """The versions of what the pages under test load."""
    found = json.loads((ROOT / "package.json").read_text(encoding="utf-8"))["dependencies"]
    names = {
        "PyScript": "@pyscript/core",
        "Pyodide": "pyodide",
        "MicroPython": "@micropython/micropython-webassembly-pyscript",
    }
    return ", ".join(f"{name} {found[package]}" for name, package in names.items())


def _cell(rows: Sequence[Mapping[str, Any]], name: str) -> str:
    for row in rows:
        if f"{row['interpreter']} {row['thread']}" == name:
            missing = f" ({len(row['not applicable'])} n/a)" if row["not applicable"] else ""
            return f"{row['passed']} of {row['cases']}{missing}"
    return "0 of 0"


def collected(engine: str) -> dict[str, int]:
    """How many cases of the contract this engine has to show, by row."""
    listing = ["--collect-only", "-q", "-m", "contract", "-p", "no:cacheprovider"]
    listed = subprocess.run(
        [str(VENV_PYTHON), "-m", "pytest", "tests/browser", *listing],
        cwd=ROOT,
        env={**os.environ, "ENGINE": engine},
        stdout=subprocess.PIPE,
        text=True,
    ).stdout
    counts = dict.fromkeys(ROWS, 0)
    for line in listed.splitlines():
        if found := re.search(r"/(test_\w+)\.py::.*\[.*?(micropython|pyodide)\b", line):
            counts[f"{found[2]} {thread_of(found[1])}"] += 1
    return counts


def problems_of(rows: Sequence[Mapping[str, Any]], cases: Mapping[str, int]) -> list[str]:
    """What keeps an engine's rows out of the matrix: failures, of a first try too, and rows that lack cases."""
    ran = {f"{row['interpreter']} {row['thread']}": row["cases"] for row in rows}
    failed = [f"{row['engine']}: {case} failed" for row in rows for case in row["failed"]]
    short = [f"{row}: {ran.get(row, 0)} of {count} cases ran" for row, count in cases.items() if ran.get(row) != count]
    again = [
        f"{row['engine']}: {case} passed at its second try"
        for row in rows
        for case in row.get("run again", ["a run of older tests"])
    ]
    return failed + again + short


def shown() -> str:
    """The matrix as the README has it."""
    return README.read_text(encoding="utf-8").partition(BEGIN)[2].partition(END)[0]


def counts_in(matrix: str) -> dict[str, list[tuple[int, int]]]:
    """Passed, and of how many, by row: one pair an engine."""
    return {
        row: [(int(passed), int(cases)) for passed, cases in re.findall(r"(\d+) of (\d+)", line)]
        for row, title in ROWS.items()
        for line in matrix.splitlines()
        if line.startswith(f"| {title} |")
    }


def read_runs(folder: Path = ROOT / "build") -> dict[str, list[dict[str, Any]]]:
    """What the engines' last runs have left there. FileNotFoundError for an engine that did not run."""
    return {engine: json.loads((folder / f"contract-{engine}.json").read_text(encoding="utf-8")) for engine in ENGINES}


def main() -> int:
    try:
        runs = read_runs()
    except FileNotFoundError as error:
        print(f"{error.filename} is missing: type `make test`, which writes it.", file=sys.stderr)
        return 1
    if wrong := [problem for engine, rows in runs.items() for problem in problems_of(rows, collected(engine))]:
        print("Not all of it has run, and passed: type `make test`.", *wrong, sep="\n", file=sys.stderr)
        return 1
    before, _, rest = README.read_text(encoding="utf-8").partition(BEGIN)
    README.write_text(f"{before}{BEGIN}{render(runs)}\n{END}{rest.partition(END)[2]}", encoding="utf-8")
    say("README.md: the matrix is that of the last runs")
    return 0


if __name__ == "__main__":
    sys.exit(main())
