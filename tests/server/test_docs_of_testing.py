"""The tests of docs/testing.md for apps with a login of their own pass, as they stand there, in folders of `new`."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from tests.support.documents import environment, files_of, pytest_passes, write
from tests.support.newcomer import new

pytestmark = pytest.mark.heavy("runs pytest in folders of `new`")


@pytest.mark.parametrize(("framework", "tests"), [("Flask", 3), ("FastAPI", 2)])
def test_an_app_is_tested_with_its_frameworks_own_client(framework: str, tests: int, tmp_path: Path) -> None:
    new(tmp_path / "mypage", f"--{framework.lower()}")
    write(files_of("testing.md", framework), tmp_path / "mypage")
    assert pytest_passes(tmp_path / "mypage") == tests
    assert not (tmp_path / "mypage" / "data" / "users.db").exists()  # the person's own


def test_an_app_of_django_is_tested_by_its_own_command(tmp_path: Path) -> None:
    new(tmp_path / "mypage", "--django")
    write(files_of("testing.md", "Django"), tmp_path / "mypage")
    command = [sys.executable, "-W", "error", "manage.py", "test"]
    done = subprocess.run(command, cwd=tmp_path / "mypage", env=environment(), capture_output=True, text=True)
    assert "Ran 2 tests" in done.stderr
    assert "\nOK\n" in done.stderr, done.stderr
    assert not (tmp_path / "mypage" / "data" / "users.db").exists()
