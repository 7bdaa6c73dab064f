"""The tests of docs/testing.md that need a browser pass, as they stand there."""

from __future__ import annotations

from pathlib import Path

from tests.support import engines
from tests.support.documents import code_of, files_of, pytest_passes, write
from tests.support.site import Site

# What Playwright knows by itself where it has installed a browser of its own.
CONFTEST = f"""
import pytest

@pytest.fixture(scope="session")
def browser_type_launch_args(browser_type_launch_args):
    return {{**browser_type_launch_args, **{engines.launch_args()!r}}}
"""


def test_a_page_is_tested_in_a_browser_with_the_development_backend(site: Site) -> None:
    page = files_of("testing.md", "A page without a browser")
    write({name: page[name] for name in ("shop.py", "shop.html")}, site.folder)
    write({**files_of("testing.md", "A page in a real browser"), "conftest.py": CONFTEST}, site.folder)
    assert pytest_passes(site.folder, "test_in_a_browser.py") == 1


def test_an_app_is_tested_in_a_browser_with_a_session_of_its_framework(tmp_path: Path) -> None:
    files = {**files_of("testing.md", "Flask"), **files_of("testing.md", "In a real browser")}
    write({**files, "app.py": code_of("login.md", "Flask"), "conftest.py": CONFTEST}, tmp_path)
    assert pytest_passes(tmp_path, "test_in_a_browser.py") == 1
