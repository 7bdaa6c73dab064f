"""The tests of docs/testing.md that need a browser pass, as they stand there, in folders of `new`."""

from __future__ import annotations

from pathlib import Path

import pytest

from scripts.vendor import VENDOR
from tests.support import engines
from tests.support.documents import files_of, pytest_passes, write
from tests.support.newcomer import new

# What Playwright knows by itself where it has installed a browser of its own.
CONFTEST = f"""
import pytest

@pytest.fixture(scope="session")
def browser_type_launch_args(browser_type_launch_args):
    return {{**browser_type_launch_args, **{engines.launch_args()!r}}}
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
