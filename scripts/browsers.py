"""The browsers that the tests drive: where they are, and how to get one that is not there.

`python -m scripts.browsers chromium` prints where Chromium is.
`python -m scripts.browsers missing` says what to type for each browser that is not there.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

from scripts.environment import VENV_PYTHON
from scripts.steps import SetupError, apt_install, run, say

COMMANDS = ["chromium", "chromium-browser", "google-chrome", "google-chrome-stable"]
MAC_APPS = [
    "/Applications/Chromium.app/Contents/MacOS/Chromium",
    "/Applications/Google Chrome.app/Contents/MacOS/Google Chrome",
]
ASK_PLAYWRIGHT = """
from playwright.sync_api import sync_playwright
with sync_playwright() as playwright:
    print(playwright.chromium.executable_path)
"""
CHROMIUM_ADVICE = (
    "Chromium is missing: type `sudo apt install chromium` "
    "or `.venv/bin/python -m playwright install chromium`, or set CHROMIUM to its path."
)


def find_chromium() -> str | None:
    """The path of a Chromium: $CHROMIUM, else the machine's own, else Playwright's."""
    chosen = os.environ.get("CHROMIUM")
    if chosen:
        if shutil.which(chosen) is None:
            raise SetupError(f"CHROMIUM is set to {chosen}, which is no program: correct it, or unset it.")
        return chosen
    for command in [*COMMANDS, *MAC_APPS]:
        found = shutil.which(command)
        if found:
            return found
    return _playwright_chromium()


def install_chromium() -> None:
    """Make sure that there is a Chromium; SetupError when there is no way to get one."""
    if find_chromium():
        return
    if apt_install("chromium") and find_chromium():
        return
    say("Chromium: installing Playwright's")
    run([VENV_PYTHON, "-m", "playwright", "install", "chromium"], advice=CHROMIUM_ADVICE)


def missing_browsers() -> list[str]:
    """What to type for each browser that tests would have to skip."""
    return [] if find_chromium() else [CHROMIUM_ADVICE]


def _playwright_chromium() -> str | None:
    """Playwright's own. Its folder is named differently by release and machine, so Playwright is asked."""
    try:
        done = subprocess.run([VENV_PYTHON, "-c", ASK_PLAYWRIGHT], capture_output=True, text=True)
    except FileNotFoundError:
        return None
    path = done.stdout.strip()
    return path if path and Path(path).exists() else None


def main(arguments: list[str]) -> int:
    try:
        if arguments == ["chromium"]:
            path = find_chromium()
            print(path or CHROMIUM_ADVICE, file=sys.stdout if path else sys.stderr)
            return 0 if path else 1
        if arguments == ["missing"]:
            lines = missing_browsers()
            print(*lines, sep="\n", end="\n" if lines else "")
            return 1 if lines else 0
    except SetupError as error:
        print(error, file=sys.stderr)
        return 1
    print(__doc__, file=sys.stderr)
    return 2


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
