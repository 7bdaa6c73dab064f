"""Every module of the package has to run unchanged on PyScript's MicroPython."""

from __future__ import annotations

import ast
import builtins
import json
import shutil
from pathlib import Path

import pytest
from nextauth_client.minify import blank
from nextauth_client.packing import devtools_modules, page_modules

from tests.support.micropython import PACKAGE, MicroPythonError, run_in_micropython

LOADED = page_modules() + devtools_modules()
IMPORTABLE = [module.stem for module in LOADED]

# What no page loads may need CPython when it is imported, so it is only compiled.
COMPILED = sorted({file.stem for file in PACKAGE.glob("*.py")} - {*IMPORTABLE})

# What the modules of the page look up when they are imported; Node has no DOM.
DOM = """
import js
js.eval('''
const anything = { get: () => function () {}, getOwnPropertyDescriptor: () => ({ get() {}, configurable: true }) };
for (const name of ["Node", "Element", "HTMLElement", "HTMLFormElement", "Document", "DocumentFragment"]) {
    globalThis[name] = function () {};
    globalThis[name].prototype = new Proxy({}, anything);
}
globalThis.document = {};
''')
"""


def import_name(module: str) -> str:
    return PACKAGE.name if module == "__init__" else f"{PACKAGE.name}.{module}"


@pytest.mark.parametrize("module", COMPILED)
def test_micropython_compiles(module: str) -> None:
    file = f"{module}.py"
    run_in_micropython(f"""
with open("/lib/{PACKAGE.name}/{file}") as source:
    compile(source.read(), "{file}", "exec")
""")


def test_micropython_imports_every_module_of_a_page() -> None:
    """In one interpreter, which takes longer to start than all of them: the package imports most of them anyway."""
    imports = "".join([f"print('{module}')\nimport {import_name(module)}\n" for module in IMPORTABLE])
    assert run_in_micropython(DOM + imports).split() == IMPORTABLE


# ── that these notice what breaks ────────────────────────────────────────────────────────────────


@pytest.fixture
def copied(tmp_path: Path) -> Path:
    return Path(shutil.copytree(PACKAGE, tmp_path / PACKAGE.name, ignore=shutil.ignore_patterns("__pycache__")))


def test_an_import_runs_each_module_to_its_end(copied: Path) -> None:
    for module in IMPORTABLE:
        with (copied / f"{module}.py").open("a") as file:
            file.write(f"\nprint({module!r})\n")
    imports = "".join(f"import {import_name(module)}\n" for module in IMPORTABLE)
    assert sorted(run_in_micropython(DOM + imports, package=copied).split()) == sorted(IMPORTABLE)
    beside = [name for name in COMPILED if not name.startswith("testing")]
    assert beside == ["__main__", "minify", "packing", "starting"], "which no page imports"


@pytest.mark.parametrize(
    ("module", "broken"),
    [
        ("__init__", "from typing import Any"),
        ("popup", "len.missing"),
        ("binding", "def f(a, /): pass"),
        ("components", "match 1:\n  case 1: pass"),
    ],
)
def test_a_module_that_breaks_is_noticed(module: str, broken: str, copied: Path) -> None:
    with (copied / f"{module}.py").open("a") as file:
        file.write(f"\n{broken}\n")
    with pytest.raises(MicroPythonError):
        run_in_micropython(f"{DOM}import {import_name(module)}", package=copied)


# ── what no import reaches: names inside functions ───────────────────────────────────────────────

TYPES = (str, bytes, list, dict, set, tuple, int, float)
ASKED_FIRST = {"asyncio.get_running_loop", "traceback.print_exception"}  # whether there are task callbacks; `try`


def names_of_python(tree: ast.AST) -> set[str]:
    """Builtins, members of modules, and methods of built-in types that the code uses, for all one can see."""
    modules = {alias.name for node in ast.walk(tree) if isinstance(node, ast.Import) for alias in node.names}
    found = set()
    for node in ast.walk(tree):
        if isinstance(node, ast.Name) and hasattr(builtins, node.id) and isinstance(node.ctx, ast.Load):
            found.add(node.id)
        elif isinstance(node, ast.Attribute) and not node.attr.startswith("__"):
            if isinstance(node.value, ast.Name) and node.value.id in modules - {"js"}:
                found.add(f"{node.value.id}.{node.attr}")
            elif any(hasattr(kind, node.attr) for kind in TYPES):
                found.add(f"?.{node.attr}")
    return found


def missing_in_micropython(names: set[str]) -> list[str]:
    return list(
        json.loads(
            run_in_micropython(f"""
import builtins, json
types = ({", ".join(kind.__name__ for kind in TYPES)})
def has(name):
    owner, _, name = name.rpartition(".")
    if owner == "?":
        return any([hasattr(kind, name) for kind in types])
    try:
        return hasattr(__import__(owner or "builtins"), name)
    except ImportError:
        return False
print(json.dumps([name for name in {sorted(names)!r} if not has(name)]))
""")
        )
    )


def test_what_functions_use_exists_in_micropython() -> None:
    used = set().union(*(names_of_python(ast.parse(blank(module.read_text("utf-8")))) for module in LOADED))
    assert len(used) > 80
    assert set(missing_in_micropython(used)) == ASKED_FIRST


@pytest.mark.parametrize(
    ("code", "name"),
    [
        ("text.removeprefix('a')", "?.removeprefix"),
        ("import time\ntime.monotonic()", "time.monotonic"),
        ("import urllib\nurllib.parse", "urllib.parse"),
        ("raise ConnectionError()", "ConnectionError"),
    ],
)
def test_what_micropython_lacks_inside_a_function_is_noticed(code: str, name: str) -> None:
    assert missing_in_micropython(names_of_python(ast.parse(code))) == [name]


# ── the runner ───────────────────────────────────────────────────────────────────────────────────


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
