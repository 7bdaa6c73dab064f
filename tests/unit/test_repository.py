"""Rules about the tree that no tool checks by itself."""

from __future__ import annotations

import ast
import os
import re
import subprocess
import sys
from collections.abc import Iterator, Sequence
from pathlib import Path

import nextauth_client
import pytest
from nextauth_client.packing import SCRIPTS, make_script
from pathspec import GitIgnoreSpec

from scripts.steps import ROOT

PACKAGE = ROOT / "client" / "nextauth_client"
SERVER = ROOT / "server" / "nextauth_server"

# A module imports only from modules of its package above it here, wherever the import stands.
CLIENT_ORDER = [
    *("errors", "console", "urls", "times", "tasks", "jsontext"),
    *("records", "conditions", "session", "store", "reactive"),
    *("events", "options", "stamps", "messages", "idle", "view", "queries", "sync", "host", "protocol", "flows"),
    *("bridge", "tabs", "popup", "network", "browser"),
    *("runtime", "given", "callers", "announcing", "driver", "calls", "actions"),
    *("timeline", "schedule", "faults", "log"),
    *("elements", "components"),
    *("panel_style", "panel_facts", "panel_lines", "panel"),
    *("bound", "controls", "provider_lists", "binding"),
    *("provider", "api", "devtools", "__init__"),
    *("testing_css", "testing_events", "testing_html", "testing_dom", "testing_js"),
    *("testing_backend", "testing_tab", "testing"),
    *("starting", "minify", "packing", "__main__"),
]
SERVER_ORDER = [
    *("requests", "questions", "cookies", "tokens", "reading"),
    *("answers", "visits", "origins", "finding", "guards"),
    *("embed", "django", "flask", "starlette"),
    *("forwarding", "proxy"),
    *("providers", "bridge", "allauth", "bridge_django", "bridge_flask", "bridge_asgi", "auth_bridge"),
    *("__init__", "testing"),
]

MODULES = sorted(file for package in (PACKAGE, SERVER) for file in package.glob("*.py"))
of_each_module = pytest.mark.parametrize("module", MODULES, ids=lambda file: f"{file.parent.name}.{file.stem}")

BROWSER_MODULES = {"js", "jsffi", "pyodide", "pyodide_js", "pyscript"}
MAY_IMPORT_THE_BROWSER = {
    "bridge",
    "tabs",
    "popup",
    "network",
    "browser",
    "elements",
    "components",
    "bound",
    "controls",
    "log",
    "panel",
    "panel_lines",
    "binding",
}

# Names of others that begin with an underscore, for want of a public one.
ELSEWHERE = {
    "tasks": {"_log_traceback", "_top_level_task", "_schedule_run_iter"},  # of asyncio's, here and on MicroPython
    "elements": {"_dom_element"},  # of pyscript.web's elements
    "providers": {"_registry"},  # of Authlib's OAuth, which has no list of its clients
    "bridge_flask": {"_get_current_object"},  # of Werkzeug's proxies, whose documentation has it
}

LARGEST_FILE = 600 * 1000


def imports_of(source: str, package: str, modules: Sequence[str]) -> Iterator[str]:
    """Every import in a module's source. Modules of its own package are written `.store`."""

    def relative(name: str) -> str:
        first, _, module = name.partition(".")
        return f".{module or '__init__'}" if first == package else name

    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.Import):
            for name in node.names:
                yield relative(name.name)
        elif isinstance(node, ast.ImportFrom):
            if node.module is None or node.module == package:  # from . import store
                for name in node.names:
                    yield f".{name.name if name.name in modules else '__init__'}"
            else:
                yield f".{node.module}" if node.level else relative(node.module)


def imports_in(module: Path) -> list[str]:
    return [*imports_of(module.read_text(), module.parent.name, [file.stem for file in module.parent.glob("*.py")])]


# Read while the tests are collected: a browser that an earlier test has driven disturbs CPython 3.11's parser.
IMPORTS = {module: imports_in(module) for module in MODULES}


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
    assert sorted(imports_of(source, "nextauth_client", ["session"])) == [
        ".__init__",
        ".errors",
        ".popup",
        ".session",
        ".store",
        ".sync",
        "js",
        "json",
    ]


@of_each_module
def test_a_module_imports_only_from_modules_above_it(module: Path) -> None:
    order = CLIENT_ORDER if module.parent == PACKAGE else SERVER_ORDER
    assert module.stem in order, f"{module.name} is new: give it its place here, and in docs/architecture.md"
    above = {f".{name}" for name in order[: order.index(module.stem)]}
    for imported in IMPORTS[module]:
        if imported.startswith("."):
            assert imported in above, f"{module.name} may not import {imported}"


@pytest.mark.parametrize(("first", "order"), [("words", CLIENT_ORDER), ("asking", SERVER_ORDER)])
def test_the_picture_of_the_modules_is_in_that_order(first: str, order: list[str]) -> None:
    text = (ROOT / "docs" / "architecture.md").read_text(encoding="utf-8")
    picture = re.search(rf"```\n({first} .*?)```", text, re.DOTALL)
    assert picture is not None
    rows = [line.split()[1:] for line in picture[1].splitlines() if line and line[0].isalpha()]
    assert [word for row in rows for word in row if word in order] == order


def private_names(source: str) -> tuple[set[str], set[str]]:
    """Names with an underscore that a module defines, and those that it reads of some object."""
    defined, read = set(), set()
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef):
            defined.add(node.name)
        elif isinstance(node, ast.Name) and isinstance(node.ctx, ast.Store):
            defined.add(node.id)
        elif isinstance(node, ast.Attribute):
            is_own = isinstance(node.value, ast.Name) and node.value.id == "self"
            (defined if is_own and isinstance(node.ctx, ast.Store) else read).add(node.attr)
        elif isinstance(node, ast.ImportFrom):
            read.update(name.name for name in node.names)
    return defined, {name for name in read - defined if name.startswith("_") and not name.endswith("__")}


@of_each_module
def test_a_module_reads_no_private_name_of_another(module: Path) -> None:
    _, foreign = private_names(module.read_text())
    assert foreign - ELSEWHERE.get(module.stem, set()) - inherited(module) == set()


def inherited(module: Path) -> set[str]:
    """What a module may use of the classes that its own derive from."""
    names: set[str] = set()
    for node in ast.walk(ast.parse(module.read_text())):
        if isinstance(node, ast.ClassDef):
            for base in (base.id for base in node.bases if isinstance(base, ast.Name)):
                for imported in IMPORTS[module]:
                    source = module.parent / f"{imported.removeprefix('.')}.py"
                    if imported.startswith(".") and source.exists() and f"class {base}" in source.read_text():
                        names |= private_names(source.read_text())[0]
    return names


def test_a_private_name_of_another_is_noticed() -> None:
    source = "class A:\n    def __init__(self, b):\n        self._own = b._theirs\n        b._own.__len__()\n"
    assert private_names(source)[1] == {"_theirs"}


@of_each_module
def test_only_the_modules_for_it_import_the_browser_or_httpx(module: Path) -> None:
    roots = {imported.partition(".")[0] for imported in IMPORTS[module]}
    if module.parent != PACKAGE or module.stem not in MAY_IMPORT_THE_BROWSER:
        assert not roots & BROWSER_MODULES
    if module.parent == PACKAGE:
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


def versions_said_in(text: str) -> list[str]:
    """The versions that Python code or a pyproject.toml says to be its own."""
    return re.findall(r"""^(?:__version__|version)\s*=\s*["'](\d.*?)["']""", text, re.M)


def test_the_version_stands_in_one_file() -> None:
    """Who releases changes it there; all distributions read it."""
    sources = [path for path in tracked_files() if path.suffix in (".py", ".toml")]
    said = {path: versions_said_in(path.read_text(encoding="utf-8")) for path in sources}
    assert {path: versions for path, versions in said.items() if versions} == {
        PACKAGE / "__init__.py": [nextauth_client.__version__]
    }


def test_a_version_is_found_however_it_is_said() -> None:
    assert versions_said_in('name = "x"\nversion = "1.2"\n__version__=\'3\'\nminversion = "9.0"') == ["1.2", "3"]


@pytest.mark.parametrize("folder", ["client", "server", "server_stub"])
def test_what_an_index_shows_of_a_distribution_leads_to_no_file_of_the_checkout(folder: str) -> None:
    assert not re.search(r"\]\((?!https:)", (ROOT / folder / "README.md").read_text(encoding="utf-8"))


def test_a_page_that_names_another_versions_wheel_is_found() -> None:
    texts = {"a": "/x/nextauth_client-0.0.9-py3-none-any.whl", "b": "nothing"}
    assert wheels_named_in(texts) == {"a": {"0.0.9"}}


PINS = ["constraints.txt", "scripts/libraries.txt", "scripts/micropip.txt", "scripts/pip.txt"]


@pytest.mark.parametrize("name", ["package-lock.json", "package.json", *PINS])
def test_what_pins_versions_names_no_address(name: str) -> None:
    assert not re.findall(r"https?://\S+", (ROOT / name).read_text())


@pytest.mark.parametrize("name", PINS)
def test_every_python_package_is_pinned_with_its_hashes(name: str) -> None:
    text = (ROOT / name).read_text().replace(" \\\n", "")
    pins = [line for line in text.splitlines() if line and not line.startswith("#")]
    pin = re.compile(r"[a-z0-9-]+==[0-9a-z.]+(; [^-]+)?( +--hash=sha256:[0-9a-f]{64})+")
    assert [line for line in pins if not pin.fullmatch(line)] == []
    for line in pins:
        hashes = re.findall(r"--hash=(\S+)", line)
        assert hashes == sorted(set(hashes)), line


def test_package_json_pins_exact_versions() -> None:
    versions = re.findall(r'": "([\^~<>=]\S*|\*|latest)"', (ROOT / "package.json").read_text())
    assert versions == []


@pytest.mark.parametrize("name", SCRIPTS)
def test_each_script_is_one_file(name: str) -> None:
    """Pages of the checkout load it from static/, and who installed the wheel asks the package for it."""
    command = [sys.executable, "-m", "nextauth_client", name]
    printed = subprocess.run(command, cwd=ROOT / "client", capture_output=True, check=True).stdout
    file = f"nextauth-{name}.js"
    assert printed == make_script(name)
    assert (ROOT / "static" / file).resolve() == PACKAGE / file


def test_no_committed_file_is_large() -> None:
    large = {str(path.relative_to(ROOT)) for path in tracked_files() if path.stat().st_size > LARGEST_FILE}
    assert large == set()


def test_what_make_installs_is_never_committed() -> None:
    made = (".venv/", "node_modules/", "static/vendor/", "static/wheels/", "static/client/")
    names = [path.relative_to(ROOT).as_posix() for path in tracked_files()]
    assert [name for name in names if name.startswith(made)] == []
