"""Every module of the package has to run unchanged on PyScript's MicroPython."""

from __future__ import annotations

from pathlib import Path

import pytest
from nextauth_client.__main__ import NOT_FOR_PAGES

from tests.micropython import PACKAGE, MicroPythonError, run_in_micropython

MODULES = sorted(file.stem for file in PACKAGE.glob("*.py"))

# These need a page (a DOM, PyScript), and those that are not for pages CPython, so they are only compiled.
NEED_A_PAGE = {"browser", "dom", "popup", "devtools"}
IMPORTABLE = [name for name in MODULES if name not in NEED_A_PAGE | set(NOT_FOR_PAGES)]


def import_name(module: str) -> str:
    return PACKAGE.name if module == "__init__" else f"{PACKAGE.name}.{module}"


@pytest.mark.parametrize("module", MODULES)
def test_micropython_compiles(module: str) -> None:
    file = f"{module}.py"
    run_in_micropython(f"""
with open("/lib/{PACKAGE.name}/{file}") as source:
    compile(source.read(), "{file}", "exec")
""")


@pytest.mark.parametrize("module", IMPORTABLE)
def test_micropython_imports(module: str) -> None:
    assert run_in_micropython(f"import {import_name(module)}\nprint('imported')") == "imported\n"


@pytest.fixture
def package(tmp_path: Path) -> Path:
    """A package of one module, for what the runner itself does."""
    folder = tmp_path / "tiny_package"
    folder.mkdir()
    (folder / "__init__.py").write_text("")
    (folder / "greeting.py").write_text('WORDS = "Grüß dich"\n')
    return folder


def test_code_can_import_a_module_of_the_package_and_its_output_comes_back(package: Path) -> None:
    code = "import sys\nfrom tiny_package.greeting import WORDS\nprint(sys.implementation.name, WORDS)"
    assert run_in_micropython(code, package=package) == "micropython Grüß dich\n"


def test_code_can_await(package: Path) -> None:
    code = "import asyncio\nawait asyncio.sleep(0.01)\nprint('awake')"
    assert run_in_micropython(code, package=package) == "awake\n"


def test_a_failure_shows_micropythons_traceback(package: Path) -> None:
    (package / "broken.py").write_text("\ndef fail():\n    raise ValueError('on purpose')\nfail()\n")
    with pytest.raises(MicroPythonError) as caught:
        run_in_micropython("print('before')\nimport tiny_package.broken", package=package)
    assert 'broken.py", line 3, in fail\nValueError: on purpose' in str(caught.value)
    assert str(caught.value).startswith("before\n")


def test_what_micropython_lacks_is_refused(package: Path) -> None:
    (package / "typed.py").write_text("from typing import Any\n")
    with pytest.raises(MicroPythonError, match="no module named 'typing'"):
        run_in_micropython("import tiny_package.typed", package=package)


def test_code_that_does_not_end_is_stopped(package: Path) -> None:
    with pytest.raises(MicroPythonError, match="still running"):
        run_in_micropython("while True: pass", package=package, timeout=1)
