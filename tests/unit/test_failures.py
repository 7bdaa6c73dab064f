"""What `make test` says at its end of the tests that failed."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from tests.support import failures


def test_a_failure_is_told_by_the_first_thing_that_went_wrong(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ENGINE", "webkit")
    report = (
        "def test():\n>       assert 1 == 2\nE       assert 1 == 2\nE        +  where 1\n\ntests/x.py:3: AssertionError"
    )
    assert failures.line_of("tests/x.py::test", report) == "FAILED [webkit] tests/x.py::test: assert 1 == 2 +  where 1"


def test_a_failure_without_an_error_is_told_by_its_last_line(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("ENGINE", raising=False)
    assert failures.line_of("tests/x.py::test", "worker 'gw0' crashed\n") == (
        "FAILED tests/x.py::test: worker 'gw0' crashed"
    )
    assert failures.line_of("tests/x.py::test", "").endswith("no reason was given")


FILES = {
    "test_call.py": "def test_it(): assert False, 'one'\ndef test_other(): pass\n",
    "test_teardown.py": (
        "import pytest\n@pytest.fixture\ndef f():\n    yield\n    raise OSError('two')\ndef test_it(f): pass\n"
    ),
    "test_second_try.py": (
        "tries = []\ndef test_it():\n    tries.append(1)\n    assert len(tries) == 2, 'slow'\n"
        "def test_never(): assert False, 'three'\n"
    ),
    "test_import.py": "import nothing_of_the_kind\n",
    "conftest.py": (
        "from pathlib import Path\nfrom tests.support import failures\n"
        "def pytest_configure(config):\n"
        "    if not hasattr(config, 'workerinput'):\n"
        "        failures.FILE = Path('failed.txt').absolute()\n"
        "        config.pluginmanager.register(failures.FailureList())\n"
    ),
    "pytest.ini": "[pytest]\n",
}


@pytest.mark.heavy("runs pytest")
@pytest.mark.parametrize("processes", ["0", "2"])
def test_every_kind_of_failure_is_written_down(tmp_path: Path, processes: str) -> None:
    for name, text in FILES.items():
        (tmp_path / name).write_text(text)
    command = [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", "--continue-on-collection-errors"]
    command += ["--reruns", "1"]
    root = str(Path(failures.__file__).parents[2])
    done = subprocess.run(
        [*command, "-n", processes], cwd=tmp_path, env={"PYTHONPATH": root}, capture_output=True, text=True
    )
    assert sorted((tmp_path / "failed.txt").read_text().splitlines()) == [
        "FAILED test_call.py::test_it: AssertionError: one assert False",
        "FAILED test_import.py: ModuleNotFoundError: No module named 'nothing_of_the_kind'",
        "FAILED test_second_try.py::test_never: AssertionError: three assert False",
        "FAILED test_teardown.py::test_it: OSError: two",
        "RERUN test_call.py::test_it: AssertionError: one assert False",
        "RERUN test_second_try.py::test_it: AssertionError: slow assert 1 == 2 +  where 1 = len([1])",
        "RERUN test_second_try.py::test_never: AssertionError: three assert False",
        "RERUN test_teardown.py::test_it: OSError: two",
    ], done.stdout
