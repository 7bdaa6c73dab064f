"""pytest's fixtures of `nextauth_client.testing`, as pytest finds them in a project that has the package."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from scripts.steps import ROOT

FOLLOWS = """
import asyncio
import sys

import pytest
from nextauth_client import use_session


@pytest.fixture
def ada(auth_browser):
    auth_browser.signed_in_as("Ada")
    return auth_browser


async def test_it_follows(ada, tmp_path):
    assert tmp_path.is_dir()
    state = use_session()
    assert state.loading
    await asyncio.sleep(3600)
    assert use_session().session.user.name == "Ada"


class TestMethods:
    async def test_nobody_of_another_test_is_signed_in(self, auth_backend):
        use_session()
        await asyncio.sleep(1)
        assert use_session().status == "unauthenticated"
        import js, pyscript


def test_nothing_of_a_page_stays_in_python():
    assert not {"js", "pyscript", "pyodide", "pyodide.ffi"} & set(sys.modules)
"""
FAILS = """
import pytest
from nextauth_client import use_session


@pytest.fixture
def opened(auth_browser):
    use_session()


async def test_values(auth_browser):
    assert 1 + 1 == 3


def test_that_cannot_await(auth_browser):
    pass


async def test_with_a_page_in_a_fixture(opened):
    pass


async def test_of_others():
    pass
"""


def pytest_says(folder: Path, source: str, *words: str) -> tuple[int, str]:
    (folder / "test_page.py").write_text(source)
    command = [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", *words]
    environment = {**os.environ, "PYTHONPATH": str(ROOT / "client")}
    done = subprocess.run(command, cwd=folder, env=environment, capture_output=True, text=True)
    return done.returncode, done.stdout + done.stderr


@pytest.mark.heavy("runs pytest once a plugin of others")
@pytest.mark.parametrize(
    ("passed", "words"),
    [
        ("3 passed", ("-p", "no:anyio", "-W", "error")),
        ("3 passed", ("-p", "anyio")),
        ("5 passed", ("-o", "anyio_mode=auto")),  # on asyncio and on Trio, anyio means
    ],
    ids=["no anyio", "anyio", "anyio runs all"],
)
def test_a_coroutine_with_the_fixtures_runs_in_virtual_time(
    passed: str, words: tuple[str, ...], tmp_path: Path
) -> None:
    status, text = pytest_says(tmp_path, FOLLOWS, *words)
    assert (status, passed in text) == (0, True), text


def test_a_failure_says_where_it_is_and_what_to_do(tmp_path: Path) -> None:
    status, text = pytest_says(tmp_path, FAILS, "-p", "no:anyio")
    assert (status, "2 failed, 2 errors" in text) == (1, True), text
    assert "assert (1 + 1) == 3" in text and "test_page.py:12" in text
    assert "write `async def test_that_cannot_await`" in text and "nextauth_client.testing.run(page)" in text
    assert "Only in the test itself does time pass" in text
    assert "async def functions are not natively supported" in text, "none of its business"


def test_each_run_of_a_test_again_has_a_browser_of_its_own(tmp_path: Path) -> None:
    source = """
async def test_it(auth_browser):
    assert auth_browser.requests == []
    auth_browser.requests.append("GET /")
    assert seen.append(1) or len(seen) == 3

seen = []
"""
    status, text = pytest_says(tmp_path, source, "--reruns", "2")
    assert (status, "1 passed, 2 rerun" in text) == (0, True), text


def test_who_does_not_use_it_does_not_load_the_package(tmp_path: Path) -> None:
    source = """
import sys

def test_it():
    assert "pytest_nextauth_client" in sys.modules
    assert not [name for name in sys.modules if name.partition(".")[0] in ("nextauth_client", "js", "pyscript")]
"""
    status, text = pytest_says(tmp_path, source, "-p", "no:playwright")
    assert status == 0, text
