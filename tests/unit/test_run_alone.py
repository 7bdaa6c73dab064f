"""A file of tests needs no other file to have run before it."""

from __future__ import annotations

import subprocess
import sys

import pytest

from scripts.steps import ROOT

HELPERS = {"helpers", "__init__"}


PORTABLE = sorted(path.name for path in (ROOT / "tests" / "unit" / "portable").glob("*.py") if path.stem not in HELPERS)


@pytest.mark.heavy("starts pytest once a file")
@pytest.mark.parametrize("file", PORTABLE)
def test_a_file_of_portable_checks_runs_by_itself(file: str) -> None:
    """Without the `test_….py` that asks for its checks, when its name stands on the command line."""
    command = [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", f"tests/unit/portable/{file}"]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True)
    assert done.returncode == 0, done.stdout
