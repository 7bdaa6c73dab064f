"""The browsers that the tests drive: where they are, and how to get one that is not there.

`python -m scripts.browsers chromium` (or `firefox`, `webkit`) prints where it is.
`python -m scripts.browsers missing` says what to type for each browser that is not there.
"""

from __future__ import annotations

import glob
import os
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import NamedTuple

from scripts.environment import VENV_PYTHON
from scripts.steps import SetupError, apt_install, run, say

CHROMIUM_COMMANDS = ["chromium", "chromium-browser", "google-chrome", "google-chrome-stable"]
FIREFOX_COMMANDS = ["firefox-esr", "firefox"]
MAC_APPS = [
    "/Applications/Chromium.app/Contents/MacOS/Chromium",
    "/Applications/Google Chrome.app/Contents/MacOS/Google Chrome",
]
MINIBROWSERS = ["/usr/lib/*/webkit2gtk-4.1/MiniBrowser", "/usr/libexec/webkit2gtk-4.1/MiniBrowser"]
ASK_PLAYWRIGHT = """
from playwright.sync_api import sync_playwright
with sync_playwright() as playwright:
    print(playwright.chromium.executable_path)
"""
CHROMIUM_ADVICE = (
    "Chromium is missing: type `sudo apt install chromium` "
    "or `.venv/bin/python -m playwright install chromium`, or set CHROMIUM to its path."
)
FIREFOX_ADVICE = "Firefox is missing: type `sudo apt install firefox-esr`, or set FIREFOX to its path."
WEBKIT_ADVICE = (
    "WebKit is missing: type `sudo apt install webkit2gtk-driver xvfb`, or set WEBKIT to the path of its MiniBrowser."
)
# Chromium records where sampled allocations were made, reads past the end of the stack that Pyodide runs on, and so the
# page crashes: docs/upstream/chromium-crashes.md. The last --enable-features counts: Playwright's own is said again.
NO_SAMPLING = (
    "--enable-features=CDPScreenshotNewSurface,"
    "HeapProfilerReporting:stable-probability/0/nonstable-probability/0,"
    "GwpAsanMalloc:ProcessSamplingProbability/0,GwpAsanPartitionAlloc:ProcessSamplingProbability/0"
)


class WebKit(NamedTuple):
    """What WebKitGTK is driven with: its small browser, the driver of that, and an X server that nobody sees."""

    browser: str
    driver: str
    display: str


def find_chromium() -> str | None:
    """The path of a Chromium: $CHROMIUM, else the machine's own, else Playwright's."""
    return _chosen("CHROMIUM") or _first([*CHROMIUM_COMMANDS, *MAC_APPS]) or _playwright_chromium()


def chromium_args() -> list[str]:
    """What every Chromium is started with here."""
    return [NO_SAMPLING, *(["--no-sandbox"] if os.geteuid() == 0 else [])]


def find_firefox() -> str | None:
    """The path of a Firefox: $FIREFOX, else the machine's own."""
    return _chosen("FIREFOX") or _first(FIREFOX_COMMANDS)


def find_webkit() -> WebKit | None:
    """WebKitGTK: its MiniBrowser is $WEBKIT, else the machine's own."""
    browser = _chosen("WEBKIT") or _first([path for pattern in MINIBROWSERS for path in sorted(glob.glob(pattern))])
    driver, display = shutil.which("WebKitWebDriver"), shutil.which("Xvfb")
    return WebKit(browser, driver, display) if browser and driver and display else None


def install_chromium() -> None:
    """Make sure that there is a Chromium; SetupError when there is no way to get one."""
    if find_chromium():
        return
    if apt_install("chromium") and find_chromium():
        return
    say("Chromium: installing Playwright's")
    run([VENV_PYTHON, "-m", "playwright", "install", "chromium"], advice=CHROMIUM_ADVICE)


def install_firefox_and_webkit() -> None:
    """Get them where that is possible; `missing_browsers` names what it is not."""
    if not find_firefox():
        apt_install("firefox-esr")
    if not find_webkit():
        apt_install("webkit2gtk-driver")
        apt_install("xvfb")


def missing_browsers() -> list[str]:
    """What to type for each browser that tests would have to do without."""
    return [advice for find, advice in PLACES.values() if not find()]


def _chosen(variable: str) -> str | None:
    """The program that this environment variable names, if it is set."""
    chosen = os.environ.get(variable)
    if chosen and shutil.which(chosen) is None:
        raise SetupError(f"{variable} is set to {chosen}, which is no program: correct it, or unset it.")
    return chosen or None


def _first(commands: list[str]) -> str | None:
    return next((found for command in commands if (found := shutil.which(command))), None)


def _playwright_chromium() -> str | None:
    """Playwright's own. Its folder is named differently by release and machine, so Playwright is asked."""
    try:
        done = subprocess.run([VENV_PYTHON, "-c", ASK_PLAYWRIGHT], capture_output=True, text=True)
    except FileNotFoundError:
        return None
    path = done.stdout.strip()
    return path if path and Path(path).exists() else None


PLACES: dict[str, tuple[Callable[[], str | WebKit | None], str]] = {
    "chromium": (find_chromium, CHROMIUM_ADVICE),
    "firefox": (find_firefox, FIREFOX_ADVICE),
    "webkit": (find_webkit, WEBKIT_ADVICE),
}


def main(arguments: list[str]) -> int:
    try:
        if len(arguments) == 1 and arguments[0] in PLACES:
            find, advice = PLACES[arguments[0]]
            found = find()
            path = found.browser if isinstance(found, WebKit) else found
            print(path or advice, file=sys.stdout if path else sys.stderr)
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
