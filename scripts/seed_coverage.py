"""docs/seed-coverage.md: every statement of the reference, the tests that show it, and how they went.

A test says in its name what it shows: `test_s7_…` S7, `test_s2_s31_…` S2 and S31.

`.venv/bin/python -m scripts.seed_coverage` runs those tests and writes the page anew.
"""

from __future__ import annotations

import re
import subprocess
import sys
import tempfile
import xml.etree.ElementTree as ElementTree
from collections import Counter
from collections.abc import Iterable, Mapping
from pathlib import Path

from scripts.backends import pinned_versions
from scripts.environment import VENV_PYTHON
from scripts.steps import ROOT, say

PAGE = ROOT / "docs" / "seed-coverage.md"
TESTS = ROOT / "tests"

STATEMENTS = {
    1: "A session has a user (name, email, image), `accessToken` where the backend gives one, and `expires`",
    2: "No token of a session or of an identity provider can be read in the page",
    3: "What the backend's session callback adds arrives unchanged, at any depth",
    4: "`use_session()` is a pair; `loading` is true only before the first answer",
    5: "`use_session()` works without a Provider",
    6: "`use_session()` on a server is an error that says what to call",
    7: "`get_session()` asks the session endpoint, and gives a session or `None`",
    8: "`get_session(request)` on a server forwards the request's cookie",
    9: "`get_csrf_token()` in a page and on a server",
    10: "`get_providers()` in both, without an argument",
    11: "`sign_in()` leads to the backend's page, which knows the way back",
    12: "`sign_in(provider)` starts that provider's flow",
    13: '`sign_in("email", email=…)` sends the address',
    14: "`callback_url=` is where it ends, by default the present page",
    15: "A foreign `callback_url` ends where the backend says",
    16: "`redirect=False` counts for credentials and e-mail, not for OAuth",
    17: "The result has `error`, `status`, `ok`, `url`; no `url` with an error",
    18: "Authorization parameters are forwarded, but for the server's own",
    19: "CSRF tokens cost the caller no work",
    20: "After a sign-in the person is where they started",
    21: "`sign_out()` ends the session and reloads the page",
    22: "`sign_out(callback_url=…)` ends there",
    23: "`sign_out(redirect=False)` stays, and everybody is told",
    24: "All hooks of a Provider share one session and one request",
    25: "A session that is given saves the first request",
    26: "Signing in or out reaches every tab",
    27: "Focus, gained or lost, brings the page up to date",
    28: "`get_session()` in one tab updates every tab",
    29: "`client_max_age` and `keep_alive` are seconds",
    30: "Those options cost a signed-out page no request",
    31: "No session is in any storage of the browser",
    32: "By default a read never asks again",
    33: "With `client_max_age`, a read of older data asks again",
    34: "`keep_alive` asks again and again, and the end reaches every tab",
    35: "An option that is not lower than the session's lifetime is warned of, with both numbers",
    36: "Any base URL and path, and NextAuth.js v3, v4 and Auth.js v5",
}

LEVELS = {
    "backends": "real backend",
    "browser": "stub backend",
    "server": "server frameworks",
    "stub": "stub backend, no page",
    "simulation": "virtual time",
    "unit": "no backend",
}
BACKENDS = ("v3", "v4", "v5-core", "v5-express")
BROWSERS = {"chromium": "Chromium", "firefox": "Firefox", "webkit": "WebKit"}

INTRODUCTION = """# The reference, statement by statement

Each statement of the NextAuth.js v3 client's reference in a few words, the tests that carry its number in their names,
where they run, and how they went. `make docs` runs them and writes this page from pytest's report; a test holds it
against the tests. {run}

A page runs on MicroPython unless Pyodide is named. Real backends: {versions}.

| Number | Statement, and its tests | Where | Result |
|---|---|---|---|
"""


def statements_of(node_id: str) -> list[int]:
    """The numbers in the name of a test, such as "tests/unit/test_x.py::test_s2_s31_a_name[v3]"."""
    name = node_id.partition("::")[2]
    found = re.match(r"test((?:_s\d+)+)_", name)
    return [int(number) for number in re.findall(r"\d+", found[1])] if found else []


def files() -> list[str]:
    """The test files in which a number occurs, relative to the checkout."""
    found = [file for file in TESTS.rglob("test_*.py") if re.search(r"^ *def test_s\d+_", file.read_text(), re.M)]
    return [str(file.relative_to(ROOT)) for file in sorted(found)]


def collected() -> list[str]:
    """The numbered tests by their ids, with parameters, as pytest finds them."""
    listed = _pytest("--collect-only", "-q", "-p", "no:cacheprovider", *files(), output=subprocess.PIPE).stdout
    return [line for line in listed.splitlines() if statements_of(line)]


def results_in(junit: Path) -> dict[str, str]:
    """How the numbered tests in a report of pytest went: "passed", "failed" or "skipped", by id."""
    results = {}
    for case in ElementTree.parse(junit).getroot().iter("testcase"):
        file = str(case.get("classname")).replace(".", "/") + ".py"
        kinds = {child.tag for child in case}
        outcome = "failed" if kinds & {"failure", "error"} else "skipped" if "skipped" in kinds else "passed"
        results[f"{file}::{case.get('name')}"] = outcome
    return {node_id: outcome for node_id, outcome in results.items() if statements_of(node_id)}


def day_of(reports: Iterable[str | Path]) -> str:
    """The day of the first test in these reports, such as "2026-11-25"."""
    suites = [suite for report in reports for suite in ElementTree.parse(report).getroot().iter("testsuite")]
    return min(str(suite.get("timestamp")) for suite in suites).partition("T")[0]


def describe(results: Mapping[str, str], day: str) -> str:
    """The run that these results are of, in a sentence."""
    return f"The run of {day}: {_counted(results.values())}."


def _counted(outcomes: Iterable[str]) -> str:
    count = Counter(outcomes)
    return ", ".join(f"{count[outcome]} {outcome}" for outcome in sorted(count))


def render(results: Mapping[str, str], day: str) -> str:
    """The page; `results` is "passed", "failed", "skipped" or "not run" by a test's id, `day` that of the run."""
    lines = []
    for number, statement in STATEMENTS.items():
        lines.append(f"| **S{number}** | **{statement}** | | |")
        tests: dict[str, list[str]] = {}
        for node_id in sorted(results):
            if number in statements_of(node_id):
                tests.setdefault(node_id.partition("[")[0], []).append(node_id)
        for test, node_ids in tests.items():
            file, _, name = test.partition("::")
            result = _counted(results[node_id] for node_id in node_ids)
            link = f"[{name.removeprefix('test_')}](../{file})"
            lines.append(f"| | {link} | {_where(file, node_ids)} | {result} |")
        if not tests:
            lines.append("| | no test | | |")
    introduction = INTRODUCTION.format(run=describe(results, day), versions=", ".join(pinned_versions()))
    return introduction + "\n".join(lines) + "\n"


def _where(file: str, node_ids: Iterable[str]) -> str:
    parameters = [node_id.partition("[")[2] for node_id in node_ids]

    def named(words: Iterable[str]) -> list[str]:
        return [word for word in words if any(re.search(rf"\b{word}\b", given) for given in parameters)]

    folder = file.split("/")[1]
    where = [", ".join(named(BACKENDS)) or LEVELS.get(folder, folder)]
    where += [BROWSERS[name] for name in named(BROWSERS)]
    interpreters = named(("micropython", "pyodide"))
    if interpreters != ["micropython"]:
        where += [
            name.replace("micro", "Micro").replace("pyo", "Pyo").replace("python", "Python") for name in interpreters
        ]
    return " · ".join(where)


def _pytest(*arguments: str | Path, output: int | None = None) -> subprocess.CompletedProcess[str]:
    command = [str(word) for word in (VENV_PYTHON, "-m", "pytest", *arguments)]
    return subprocess.run(command, cwd=ROOT, stdout=output, text=True)


def main(reports: list[str]) -> int:
    """Write the page from these reports (`pytest --junitxml`), or run the tests if there are none."""
    node_ids = collected()
    found: dict[str, str] = {}
    status = 0
    with tempfile.TemporaryDirectory() as folder:
        if not reports:
            say("The tests with a statement's number: several minutes")
            reports = [f"{folder}/report.xml"]
            status = _pytest("-q", f"--junitxml={reports[0]}", *node_ids).returncode
        for report in reports:
            found |= results_in(Path(report))
        day = day_of(reports)
    results = {node_id: found.get(node_id, "not run") for node_id in node_ids}
    PAGE.write_text(render(results, day), encoding="utf-8")
    say(f"{PAGE.relative_to(ROOT)}: {_counted(results.values())}")
    return status


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
