"""Rules about the tree that no tool checks by itself."""

from __future__ import annotations

import ast
import json
import os
import re
import subprocess
import sys
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import NamedTuple

import nextauth_client
import pytest
from pathspec import GitIgnoreSpec

from scripts.steps import ROOT

PACKAGE = ROOT / "client" / "nextauth_client"
MODULES = sorted(file.stem for file in PACKAGE.glob("*.py"))

# A module imports only from modules above it here.
ORDER = [
    *("errors", "urls", "times", "tasks"),
    *("session", "protocol", "store", "reactive", "sync"),
    *("host", "browser", "server"),
    *("flows", "provider"),
    *("dom", "popup", "devtools", "testing"),
    *("__init__", "__main__"),
]

# These load when they are asked for, so a function may import them from anywhere.
ON_DEMAND = {"server", "dom", "popup", "devtools", "testing"}

BROWSER_MODULES = {"js", "jsffi", "pyodide", "pyodide_js", "pyscript"}
MAY_IMPORT_THE_BROWSER = {"browser", "dom", "popup", "devtools"}
MAY_IMPORT_HTTPX = {"server"}

LARGEST_FILE = 600 * 1000


class Import(NamedTuple):
    module: str
    in_function: bool


def imports_of(source: str, modules: Sequence[str] = MODULES) -> Iterator[Import]:
    """Every import in a module's source. Modules of this package are written `.store`."""

    def visit(node: ast.AST, in_function: bool) -> Iterator[Import]:
        if isinstance(node, ast.Import):
            for name in node.names:
                yield Import(relative(name.name), in_function)
        elif isinstance(node, ast.ImportFrom):
            if node.module is None or node.module == PACKAGE.name:  # from . import store
                for name in node.names:
                    yield Import(f".{name.name if name.name in modules else '__init__'}", in_function)
            else:
                yield Import(f".{node.module}" if node.level else relative(node.module), in_function)
        for child in ast.iter_child_nodes(node):
            yield from visit(child, in_function or isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef))

    def relative(name: str) -> str:
        package, _, module = name.partition(".")
        return f".{module or '__init__'}" if package == PACKAGE.name else name

    return visit(ast.parse(source), False)


# Read while the tests are collected: a browser that an earlier test has driven disturbs CPython 3.11's parser.
IMPORTS = {module: list(imports_of((PACKAGE / f"{module}.py").read_text())) for module in MODULES}


def test_imports_are_found_wherever_they_stand() -> None:
    source = """
import json, nextauth_client.store
from . import session, sign_in
from .errors import NextAuthError
from nextauth_client.sync import Machine
try:
    import js
except ImportError:
    async def later():
        from .popup import open_popup
"""
    assert list(imports_of(source, ["session"])) == [
        ("json", False),
        (".store", False),
        (".session", False),
        (".__init__", False),
        (".errors", False),
        (".sync", False),
        ("js", False),
        (".popup", True),
    ]


@pytest.mark.parametrize("module", MODULES)
def test_a_module_imports_only_from_modules_above_it(module: str) -> None:
    assert module in ORDER, f"{module}.py is new: give it its place in ORDER, and in docs/architecture.md"
    above = {f".{name}" for name in ORDER[: ORDER.index(module)]}
    for imported, in_function in IMPORTS[module]:
        if imported.startswith(".") and not (in_function and imported[1:] in ON_DEMAND):
            assert imported in above, f"{module}.py may not import {imported}"


@pytest.mark.parametrize("module", MODULES)
def test_only_the_rooms_for_it_import_the_browser_or_httpx(module: str) -> None:
    roots = {imported.partition(".")[0] for imported, _ in IMPORTS[module]}
    if module not in MAY_IMPORT_THE_BROWSER:
        assert not roots & BROWSER_MODULES
    if module not in MAY_IMPORT_HTTPX:
        assert "httpx" not in roots


def wheels_named_in(texts: dict[str, str]) -> dict[str, set[str]]:
    """The versions of the client's wheel that each text names."""
    found = {name: set(re.findall(r"nextauth_client-(.+?)-py3-none-any\.whl", text)) for name, text in texts.items()}
    return {name: versions for name, versions in found.items() if versions}


def tracked_files() -> list[Path]:
    """What is, or would be, committed; the tree may be a copy that git knows nothing of."""
    ignored = GitIgnoreSpec.from_lines([*(ROOT / ".gitignore").read_text().splitlines(), ".git"])
    found = []
    for folder, folders, names in os.walk(ROOT):
        here = Path(folder).relative_to(ROOT)
        folders[:] = [name for name in folders if not ignored.match_file(f"{(here / name).as_posix()}/")]
        found += [ROOT / here / name for name in names if not ignored.match_file((here / name).as_posix())]
    return found


def test_pages_and_readme_name_the_wheel_of_this_version() -> None:
    pages = [ROOT / "index.html", ROOT / "README.md", *(ROOT / "static").glob("*.*"), *(ROOT / "examples").iterdir()]
    texts = {path.name: path.read_text(errors="ignore") for path in pages if path.is_file()}
    for name, versions in wheels_named_in(texts).items():
        assert versions == {nextauth_client.__version__}, f"{name} names another version's wheel"


def test_a_page_that_names_another_versions_wheel_is_found() -> None:
    texts = {"a": "/x/nextauth_client-0.0.9-py3-none-any.whl", "b": "nothing"}
    assert wheels_named_in(texts) == {"a": {"0.0.9"}}


@pytest.mark.parametrize(
    "name", ["package-lock.json", "package.json", "constraints.txt", "scripts/micropip.txt", "scripts/libraries.txt"]
)
def test_what_pins_versions_names_no_address(name: str) -> None:
    assert not re.findall(r"https?://\S+", (ROOT / name).read_text())


def test_package_json_pins_exact_versions() -> None:
    versions = re.findall(r'": "([\^~<>=]\S*|\*|latest)"', (ROOT / "package.json").read_text())
    assert versions == []


def test_the_early_script_is_one_file() -> None:
    """Pages of the checkout load it from static/, and who installed the wheel asks the package for it."""
    command = [sys.executable, "-m", "nextauth_client", "early"]
    printed = subprocess.run(command, cwd=ROOT / "client", capture_output=True, check=True).stdout
    assert printed == (ROOT / "static" / "nextauth-early.js").read_bytes()
    assert (ROOT / "static" / "nextauth-early.js").resolve() == PACKAGE / "nextauth-early.js"


def test_the_modules_that_run_in_a_page_can_be_copied_beside_it(tmp_path: Path) -> None:
    command = [sys.executable, "-m", "nextauth_client", "files", "static/client"]
    environment = {**os.environ, "PYTHONPATH": str(ROOT / "client")}
    for _ in range(2):  # the second time over the first
        copied = subprocess.run(command, cwd=tmp_path, env=environment, capture_output=True, text=True, check=True)
    files = json.loads(copied.stdout)["files"]
    assert {f"/static/client/{name}" for name in os.listdir(tmp_path / "static" / "client")} == set(files)
    assert files["/static/client/sync.py"] == "./nextauth_client/sync.py"
    assert "/static/client/server.py" not in files
    (tmp_path / "taken").write_text("a file")
    refused = subprocess.run([*command[:-1], "taken"], cwd=tmp_path, env=environment, capture_output=True, text=True)
    assert refused.returncode == 1
    assert "Name a folder that can be written." in refused.stderr


def test_no_committed_file_is_large() -> None:
    large = {str(path.relative_to(ROOT)) for path in tracked_files() if path.stat().st_size > LARGEST_FILE}
    assert large == set()


def test_what_make_installs_is_never_committed() -> None:
    made = (".venv/", "node_modules/", "static/vendor/", "static/wheels/")
    names = [path.relative_to(ROOT).as_posix() for path in tracked_files()]
    assert [name for name in names if name.startswith(made)] == []
