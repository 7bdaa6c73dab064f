"""Runs Python code in the MicroPython that pages use, without a browser."""

from __future__ import annotations

import subprocess
from pathlib import Path

from scripts.node import find_node
from scripts.steps import ROOT
from scripts.vendor import VENDOR
from tests.support import PATIENCE

PACKAGE = ROOT / "client" / "nextauth_client"
RUNNER = Path(__file__).with_name("run.mjs")


class MicroPythonError(Exception):
    """The code raised, or did not end in time. The message is what it printed, and the traceback."""


def run_in_micropython(code: str, *, package: Path = PACKAGE, timeout: float = PATIENCE) -> str:
    """Run the code with the package importable, and return what it printed.

    Top-level `await` works. Each call is a new interpreter.
    """
    node = find_node()
    micropython = VENDOR / "micropython"
    assert node is not None and micropython.is_dir(), "Node.js or MicroPython is missing: type `make test`"
    try:
        done = subprocess.run(
            [node.node, RUNNER, micropython, package],
            input=code,
            capture_output=True,
            encoding="utf-8",
            timeout=timeout,
        )
    except subprocess.TimeoutExpired as expired:
        raise MicroPythonError(f"still running after {timeout} s: {expired.stdout!r}") from None
    if done.returncode != 0:
        raise MicroPythonError(done.stdout + done.stderr)
    return done.stdout
