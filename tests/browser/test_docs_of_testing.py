"""The tests of docs/testing.md that need a browser pass, as they stand there, in folders of `new`."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from scripts.vendor import VENDOR
from tests.support import engines
from tests.support.documents import environment, files_of, pytest_passes, write
from tests.support.newcomer import new

# What Playwright knows by itself where it has installed a browser of its own.
CONFTEST = f"""
import pytest

@pytest.fixture(scope="session")
def browser_type_launch_args(browser_type_launch_args):
    return {{**browser_type_launch_args, **{engines.launch_args()!r}}}
"""

# The same for a test that starts one itself.
MANAGE = f"""
import runpy, sys
from playwright.sync_api import BrowserType

launch = BrowserType.launch
BrowserType.launch = lambda self: launch(self, **{engines.launch_args()!r})
sys.argv = ["manage.py", "test"]
runpy.run_path("manage.py", run_name="__main__")
"""


def test_a_page_is_tested_in_a_browser_with_the_development_backend(tmp_path: Path) -> None:
    new(tmp_path / "mypage", "--runtimes", VENDOR)
    files = {**files_of("testing.md", "A page in a real browser"), "conftest.py": CONFTEST}
    write(files, tmp_path / "mypage")
    assert pytest_passes(tmp_path / "mypage", "test_in_a_browser.py") == 1


@pytest.mark.parametrize("framework", ["Flask", "FastAPI"])
def test_an_app_is_tested_in_a_browser_with_a_session_of_its_framework(framework: str, tmp_path: Path) -> None:
    new(tmp_path / "mypage", f"--{framework.lower()}", "--runtimes", VENDOR)
    files = {**files_of("testing.md", f"{framework} in a real browser"), "conftest.py": CONFTEST}
    write(files, tmp_path / "mypage")
    assert pytest_passes(tmp_path / "mypage", "test_app_in_a_browser.py") == 1


def test_an_app_of_django_is_tested_in_a_browser_by_its_own_command(tmp_path: Path) -> None:
    new(tmp_path / "mypage", "--django", "--runtimes", VENDOR)
    write(files_of("testing.md", "Django in a real browser"), tmp_path / "mypage")
    command = [sys.executable, "-c", MANAGE]
    done = subprocess.run(command, cwd=tmp_path / "mypage", env=environment(), capture_output=True, text=True)
    assert "Ran 1 test" in done.stderr, done.stderr
    assert "\nOK\n" in done.stderr, done.stderr
