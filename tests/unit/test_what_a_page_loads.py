"""`python -m nextauth_client`: the archive of modules and the scripts, and how large what a page loads may be."""

from __future__ import annotations

import ast
import gzip
import io
import json
import mimetypes
import os
import re
import shutil
import subprocess
import symtable
import sys
import tarfile
import tokenize
import zlib
from contextlib import redirect_stderr, redirect_stdout
from pathlib import Path
from types import CodeType
from typing import Any

import pytest
from nextauth_client import __main__ as command
from nextauth_client import minify, packing

from scripts import limits
from scripts.steps import ROOT
from tests.support.micropython import run_in_micropython

PACKAGE = ROOT / "client" / "nextauth_client"


def run(*words: str, folder: Path) -> subprocess.CompletedProcess[str]:
    """What `python -m nextauth_client` does there, in this process: one of its own would make the archives anew."""
    before, out, err = Path.cwd(), io.StringIO(), io.StringIO()
    os.chdir(folder)
    try:
        with redirect_stdout(out), redirect_stderr(err):
            code = command.main(list(words))
    except SystemExit as ended:
        code = int(ended.code or 0)
    finally:
        os.chdir(before)
    return subprocess.CompletedProcess(words, code, out.getvalue(), err.getvalue())


def unpacked(archive: bytes) -> dict[str, str]:
    with tarfile.open(fileobj=io.BytesIO(archive)) as opened:
        files = {member.name: opened.extractfile(member) for member in opened.getmembers()}
        return {name: file.read().decode() for name, file in files.items() if file is not None}


# Read while the tests are collected: a browser that an earlier test has driven disturbs CPython 3.11's parser.
ARCHIVE = packing.make_archive()
DEVTOOLS = packing.make_devtools_archive()
TOOLS = unpacked(DEVTOOLS)
FILES = unpacked(ARCHIVE)
ALL_FILES = {**FILES, **TOOLS}


# ── sizes ────────────────────────────────────────────────────────────────────────────────────────


# Where Python is built with zlib-ng, which is quicker, the same level squeezes less.
LESS = 1.03 if hasattr(zlib, "ZLIBNG_VERSION") or "ng" in zlib.ZLIB_RUNTIME_VERSION else 1


def test_the_archive_is_small() -> None:
    assert len(ARCHIVE) <= limits.ARCHIVE * LESS


def test_the_developer_tools_are_small() -> None:
    assert len(DEVTOOLS) <= limits.DEVTOOLS * LESS


def test_the_early_script_is_small() -> None:
    assert len(gzip.compress(packing.make_script("early"), 9)) <= limits.EARLY


def test_the_early_script_puts_text_where_bind_does() -> None:
    [elements] = re.findall(r'^NO_TEXT = (".*")$', (PACKAGE / "bound.py").read_text(), re.MULTILINE)
    assert f"const noText = {elements};" in packing.EARLY.read_text()


def test_the_script_of_a_page_whose_python_is_in_a_worker_is_small() -> None:
    assert len(gzip.compress(packing.make_script("page"), 9)) <= limits.PAGE


@pytest.mark.heavy("esbuild, which `make unit` does not install")
@pytest.mark.parametrize("name", packing.SCRIPTS)
def test_a_script_for_pages_lacks_comments_and_blanks_alone(name: str) -> None:
    written, source = packing.make_script(name), packing.SCRIPTS[name][0].read_bytes()
    assert len(written) < 0.9 * len(source)
    assert minified(written) == minified(source)


def minified(script: bytes) -> bytes:
    esbuild = ROOT / "tests" / "support" / "javascript" / "node_modules" / ".bin" / "esbuild"
    return subprocess.run([esbuild, "--minify-whitespace"], input=script, capture_output=True, check=True).stdout


# ── the archive ──────────────────────────────────────────────────────────────────────────────────


def test_it_holds_what_a_page_imports_and_nothing_else() -> None:
    names = {Path(name).stem for name in FILES}
    assert {"__init__", "provider", "sync", "browser"} <= names
    assert {"binding", "components", "popup"} <= names, "they load when they are asked for"
    assert "__main__" not in names
    assert not [name for name in names if name.startswith("testing")]
    assert not [name for name in ALL_FILES if Path(name).parent != Path("nextauth_client")]


def test_the_developer_tools_are_in_none_but_their_own() -> None:
    names = {Path(name).stem for name in TOOLS}
    assert {"devtools", "panel", "timeline"} <= names
    assert not set(TOOLS) & set(FILES)


def test_every_import_in_it_finds_its_module() -> None:
    """All but those that only type checkers see; of what is packed apart, only the panel's, where that is missed."""
    for name, code in ALL_FILES.items():
        for module in packing.imports_of(ast.parse(code)):
            apart = name in TOOLS or (Path(name).stem, module) == ("binding", "panel")
            assert f"nextauth_client/{module}.py" in (ALL_FILES if apart else FILES), name


@pytest.mark.parametrize(
    ("source", "modules"),
    [
        ("from . import errors, sync", ["errors", "sync"]),
        ("from .errors import report", ["errors"]),
        ("def later():\n    from .popup import open_popup", ["popup"]),
        ("try:\n    from . import store\nexcept ImportError:\n    pass", ["store"]),
        ("if TYPE_CHECKING:\n    from .host import Host", []),
        ("import json\nfrom os import path", []),
        ("from . import __version__", []),
    ],
)
def test_imports_are_found(source: str, modules: list[str]) -> None:
    assert list(packing.imports_of(ast.parse(source))) == modules


class WithoutTyping(ast.NodeTransformer):
    """Takes away what never runs, and annotations."""

    def __init__(self, packed: str) -> None:
        self.names_it = "TYPE_CHECKING" in packed

    def visit_If(self, node: ast.If) -> ast.AST:
        if ast.unparse(node.test) == "TYPE_CHECKING":
            node.body = [nothing(node.lineno + 1)]
            if not node.orelse and not self.names_it:
                return node.body[0]
        return self.generic_visit(node)

    def visit_Assign(self, node: ast.Assign) -> ast.AST:
        is_for_types = ast.unparse(node) == "TYPE_CHECKING = False" and not self.names_it
        return nothing(node.lineno) if is_for_types else self.generic_visit(node)

    def visit_AnnAssign(self, node: ast.AnnAssign) -> ast.AST:
        if node.value is None:
            return nothing(node.lineno)
        return self.generic_visit(ast.copy_location(ast.Assign([node.target], node.value), node))

    def visit_FunctionDef(self, node: Any) -> ast.AST:
        node.returns = None
        return self.generic_visit(node)

    visit_AsyncFunctionDef = visit_FunctionDef

    def visit_arg(self, node: ast.arg) -> ast.AST:
        node.annotation = None
        node.arg = SHORT.get(node.arg, node.arg)
        return node


SHORT = {"self": minify.SELF}
FIELDS = packing.fields()


class WithShortNames(WithoutTyping):
    """Calls objects, and what they keep for themselves, as the archive does."""

    def visit_Name(self, node: ast.Name) -> ast.AST:
        node.id = SHORT.get(node.id, node.id)
        return node

    def visit_Attribute(self, node: ast.Attribute) -> ast.AST:
        node.attr = FIELDS.get(node.attr, node.attr)
        return self.generic_visit(node)

    def visit_Constant(self, node: ast.Constant) -> ast.AST:
        node.value = FIELDS.get(node.value, node.value) if isinstance(node.value, str) else node.value
        return node


def nothing(line: int) -> ast.Expr:
    return ast.Expr(ast.Constant("", lineno=line, col_offset=0), lineno=line, col_offset=0)


def without_texts(tree: ast.AST) -> Any:
    """Without statements that are a text, where others stand beside them."""
    for node in ast.walk(tree):
        for part in ("body", "orelse", "finalbody"):
            block = getattr(node, part, None)
            if isinstance(block, list):
                code = [one for one in block if not (isinstance(one, ast.Expr) and isinstance(one.value, ast.Constant))]
                setattr(node, part, code or block[:1])
    return tree


def code_of(code: CodeType) -> list[object]:
    """What runs, and on which lines; `-OO` leaves docstrings out. Variables may have other names, parameters not."""
    inner = [code_of(constant) for constant in code.co_consts if isinstance(constant, CodeType)]
    lines = [line for _, _, line in code.co_lines()]
    parameters = code.co_varnames[: code.co_argcount + code.co_kwonlyargcount]
    variables = [len(names) for names in (code.co_varnames, code.co_cellvars, code.co_freevars)]
    # Several that functions share are counted in the order of their names.
    runs = code.co_code if max(variables[1:]) < 2 else len(code.co_code)
    return [code.co_name, runs, code.co_names, parameters, variables, lines, inner]


@pytest.mark.parametrize("name", sorted(ALL_FILES))
def test_its_code_is_the_packages_line_by_line(name: str) -> None:
    source = (PACKAGE / Path(name).name).read_text(encoding="utf-8")
    packed = ALL_FILES[name]
    original = WithShortNames(packed).visit(ast.parse(source))
    compiled = [compile(without_texts(tree), name, "exec", optimize=2) for tree in (ast.parse(packed), original)]
    assert code_of(compiled[0]) == code_of(compiled[1])


def test_a_text_that_is_a_fields_name_is_for_what_moves_with_the_clock_alone() -> None:
    """Any other, such as a key of the wire, would be another in the archive."""
    for module in ALL_FILES:
        tree = ast.parse((PACKAGE.parent / module).read_text(encoding="utf-8"))
        calls = [node for node in ast.walk(tree) if isinstance(node, ast.Call)]
        moved = [node for call in calls if ast.unparse(call.func) == "set_back" for node in ast.walk(call)]
        constants = [node for node in ast.walk(tree) if isinstance(node, ast.Constant) and node.value in FIELDS]
        assert not [node.value for node in constants if node not in moved]


@pytest.mark.parametrize("name", sorted(ALL_FILES))
def test_it_has_neither_comments_nor_docstrings(name: str) -> None:
    packed = ALL_FILES[name]
    nodes = ast.walk(ast.parse(packed))
    documented = [node for node in nodes if isinstance(node, ast.Module | ast.ClassDef | ast.FunctionDef)]
    assert not [node for node in documented if ast.get_docstring(node)]
    tokens = list(tokenize.generate_tokens(io.StringIO(packed).readline))
    assert not [token for token in tokens if token.type == tokenize.COMMENT]
    assert not [line for line in packed.split("\n") if line != line.rstrip()]


@pytest.mark.parametrize(
    ("source", "blanked"),
    [
        ("x = 1  # one\n# two\ny = 2\n", "x = 1\n\ny = 2\n"),
        ('"""One.\n\nTwo.\n"""\nx = 1\n', "\n\n\n\nx = 1\n"),
        ('def f():\n    """One.\n    Two.\n    """\n', 'def f():\n    ""\n\n\n'),
        ('class A:\n    """Ä."""\n\n    x = "# no comment"\n', 'class A:\n\n\n    x = "# no comment"\n'),
        ('if a:\n    """One."""\nelse:\n    """Two."""\n', 'if a:\n    ""\nelse:\n    ""\n'),
        ('x = """\n# text  \n"""\n', 'x = """\n# text  \n"""\n'),
        ('f(\n    "one"\n    # why\n    "two"\n)\n', 'f(\n    "one"\n\n    "two"\n)\n'),
        ('x = 1\n"""of x"""\n', "x = 1\n\n"),
        ('def f():\n    # why\n    """One."""  # two\n', 'def f():\n\n    """One."""\n'),
        ('x = "a\u2028b"  # one\ny = 2\n', 'x = "a\u2028b"\ny = 2\n'),
        ("if TYPE_CHECKING:\n    import a\n\n    @b\n    def c(): ...\nd\n", "\n\n\n\n\nd\n"),
        ("a\nTYPE_CHECKING = False\nif TYPE_CHECKING:\n    b\n", "a\n\n\n\n"),
        ("a\nTYPE_CHECKING = False\nif not TYPE_CHECKING:\n    b\n",) * 2,
        ("class A:\n    if TYPE_CHECKING:\n        b: int\n", 'class A:\n    if TYPE_CHECKING:\n        ""\n'),
        ('def f(a: "A", *, b: "B" = 1, **c: "Any") -> "list[A]":\n    x\n', "def f(a, *, b = 1, **c):\n    x\n"),
        ('def ä(ö: "Ä", ü: int) -> None:\n    x\n', "def ä(ö, ü):\n    x\n"),
        ('def f(\n    a: "A",\n) -> "B":  # why\n    x\n', "def f(\n    a,\n):\n    x\n"),
        ('class A:\n    b: "B"\n    c: "C" = 1\n', "class A:\n\n    c = 1\n"),
        ('self.a: "A" = {"b": 1}\n', 'self.a = {"b": 1}\n'),
        ("if TYPE_CHECKING:\n    import a\nelse:\n    a = 1\n", 'if TYPE_CHECKING:\n    ""\nelse:\n    a = 1\n'),
    ],
)
def test_what_is_blanked(source: str, blanked: str) -> None:
    assert minify.blank(source) == blanked


@pytest.mark.parametrize(
    ("source", "short"),
    [
        (
            "def f(one):\n    two = one\n    return two + g(two=two)\n",
            "def f(one):\n    a = one\n    return a + g(two=a)\n",
        ),
        ("two = 1\ndef f():\n    two = 2\n",) * 2,  # a variable of the module, too
        ("def f():\n    a = two = three = 1\n", "def f():\n    a = b = c = 1\n"),
        ("def f():\n    two = a.two.b(a)\n", "def f():\n    b = a.two.b(a)\n"),
        ("def f():\n    len = 1\n",) * 2,
        ("def f():\n    from x import one\n    one = 1\n",) * 2,
        ("def f():\n    try: pass\n    except E as one: one = 1\n",) * 2,
        ("def f():\n    one = 1\n    return f'{one}'\n",) * 2,
        ("def f():\n    global one\n    one = 1\n",) * 2,
        ("def f():\n    one = 1\n    def g(one): return one\n",) * 2,
        (
            "def f():\n    one = 1\n    def g(): return one\n    return g\n",
            "def f():\n    a = 1\n    def g(): return a\n    return g\n",
        ),
        ("def f():\n    one = 1\n    def g():\n        nonlocal one\n        one = 2\n",) * 2,
        ("def f():\n    class A:\n        one = 1\n    one = 2\n",) * 2,
        ("def f(x):\n    return [one for one in x if one]\n", "def f(x):\n    return [a for a in x if a]\n"),
        ("class A:\n    one = 1\n    def f(self):\n        one = self.one\n",) * 2,
        ("def f():\n    ä = 'Ä'; one = ä\n", "def f():\n    ä = 'Ä'; a = ä\n"),
        ("one = 1\nif one:\n    two = 2\n",) * 2,
        ("def f(one=lambda two: two):\n    two = 1\n",) * 2,
    ],
)
def test_which_names_are_shortened(source: str, short: str) -> None:
    assert minify.shortened(source) == short


def test_each_field_has_a_short_name_of_its_own_that_nothing_else_has() -> None:
    short = list(FIELDS.values())
    assert len(short) == len(set(short)) > 100
    trees = [ast.parse((PACKAGE.parent / module).read_text(encoding="utf-8")) for module in ALL_FILES]
    nodes = [node for tree in trees for node in ast.walk(tree)]
    attributes = {node.attr for node in nodes if isinstance(node, ast.Attribute)}
    methods = {node.name for node in nodes if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef)}
    assert not attributes & set(short)
    assert not methods & set(FIELDS)  # which tracebacks name
    assert all(name.startswith("_") for name in FIELDS)
    texts = [node.value for node in nodes if isinstance(node, ast.Constant) and isinstance(node.value, str)]
    code = "\n".join(ALL_FILES.values())
    assert not re.search(r"\bself\b", code)
    assert [text for text in texts if re.search(r"(?<![\w.])self\b", text) and '"""' not in text and text in code] == []


@pytest.mark.parametrize("module", sorted(ALL_FILES))
def test_every_name_in_it_is_of_the_kind_that_it_was(module: str) -> None:
    """What is a variable, a parameter, of the module or of a function around stays that, in each scope."""
    source = minify.blank((PACKAGE.parent / module).read_text(encoding="utf-8"))
    assert scopes(symtable.symtable(ALL_FILES[module], module, "exec")) == scopes(
        symtable.symtable(source, module, "exec")
    )


def scopes(table: symtable.SymbolTable) -> Any:
    kinds = [
        (
            *(symbol.is_parameter(), symbol.is_local(), symbol.is_global(), symbol.is_free()),
            *(symbol.is_assigned(), symbol.is_referenced(), symbol.is_imported()),
        )
        for symbol in table.get_symbols()
    ]
    return table.get_type(), table.get_name(), sorted(kinds), [scopes(child) for child in table.get_children()]


RUN_AGAINST_IT = [
    "portable",
    "test_sync.py",
    "test_coming_and_going.py",
    "test_countdown.py",
    "test_calls.py",
    "test_idle.py",
]


@pytest.mark.heavy("runs tests of the sources once more")
def test_what_it_holds_does_what_the_source_does(tmp_path: Path) -> None:
    """Its tests, but for those that need a browser."""
    for name, text in FILES.items():
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_text(text)
    for file in (*PACKAGE.glob("testing*.py"), *[PACKAGE / f"{name}.py" for name in ("minify", "packing", "__main__")]):
        shutil.copy(file, tmp_path / PACKAGE.name)
    shutil.copy(PACKAGE.with_name("pytest_nextauth_client.py"), tmp_path)
    tests = [str(ROOT / "tests" / "unit" / name) for name in RUN_AGAINST_IT]
    words = [
        sys.executable,
        "-m",
        "pytest",
        "-q",
        "-p",
        "no:cacheprovider",
        "-o",
        f"pythonpath={tmp_path} {ROOT}",
        *tests,
    ]
    done = subprocess.run(words, cwd=ROOT, capture_output=True, text=True)
    assert done.returncode == 0, done.stdout
    where = [sys.executable, "-c", "import nextauth_client; print(nextauth_client.__file__)"]
    assert str(tmp_path) in subprocess.run(where, cwd=tmp_path, capture_output=True, text=True).stdout


def test_a_traceback_names_the_line_of_the_source(tmp_path: Path) -> None:
    folder = tmp_path / "nextauth_client"
    folder.mkdir()
    for name, code in FILES.items():
        (folder / Path(name).name).write_text(code, encoding="utf-8")
    code = "import sys\nfrom nextauth_client.urls import resolve\ntry:\n    resolve('javascript:1', 'http://a/')\n"
    code += "except Exception as error:\n    sys.print_exception(error, sys.stdout)\n"
    traceback = run_in_micropython(code, package=folder)
    assert 'nextauth_client/urls.py", line ' in traceback
    assert traceback == run_in_micropython(code)


def test_the_same_sources_give_the_same_archive_in_a_process_of_its_own(tmp_path: Path) -> None:
    words = (sys.executable, "-m", "nextauth_client", "files", "client")
    subprocess.run(words, cwd=tmp_path, env={**os.environ, "PYTHONPATH": str(ROOT / "client")}, check=True)
    assert (tmp_path / "client" / packing.ARCHIVE).read_bytes() == ARCHIVE


# ── the command ──────────────────────────────────────────────────────────────────────────────────


def test_it_is_written_and_pyscripts_configuration_is_printed(tmp_path: Path) -> None:
    for _ in range(2):  # the second time over the first
        done = run("files", "static/client", folder=tmp_path)
    [(address, target)] = json.loads(done.stdout)["files"].items()
    [archive] = (tmp_path / "static" / "client").iterdir()
    assert (address.partition("#")[0], target) == (f"/static/client/{archive.name}", "./*")
    assert archive.read_bytes() == ARCHIVE


def test_the_developer_tools_are_written_beside_it_when_they_are_asked_for(tmp_path: Path) -> None:
    found = json.loads(run("files", "static/client", "--devtools", folder=tmp_path).stdout)["files"]
    assert [address.partition("#") for address in found] == [
        (f"/static/client/{name}", "#", ".tar.gz") for name in (packing.ARCHIVE, packing.DEVTOOLS)
    ]
    assert (tmp_path / "static" / "client" / packing.ARCHIVE).read_bytes() == ARCHIVE
    assert (tmp_path / "static" / "client" / packing.DEVTOOLS).read_bytes() == DEVTOOLS


def test_pyscript_is_told_what_it_is_and_no_server_says_that_it_is_encoded() -> None:
    """Flask and Django send `.tar.gz` so that the browser unpacks it on the way, and PyScript finds no archive."""
    assert mimetypes.guess_type(packing.ARCHIVE) == ("application/octet-stream", None)
    assert packing.KIND.endswith(".tar.gz")  # PyScript looks at the end of the address


@pytest.mark.parametrize("page", ["static/micropython.json", "static/pyodide.json", "examples/puepy/pyscript.json"])
def test_the_checkouts_pages_load_it_as_it_is_printed(page: str, tmp_path: Path) -> None:
    printed = json.loads(run("files", "static/client", folder=tmp_path).stdout)["files"]
    files = json.loads((ROOT / page).read_text())["files"]
    assert {**files, **printed} == files


@pytest.mark.parametrize(
    ("words", "address"),
    [
        (["."], "/"),
        (["a b/c#d"], "/a%20b/c%23d/"),
        (["client", "--url", "https://files.example/x/"], "https://files.example/x/"),
        (["client", "--url", "."], "./"),
    ],
)
def test_where_pages_find_it(words: list[str], address: str, tmp_path: Path) -> None:
    [found] = json.loads(run("files", *words, folder=tmp_path).stdout)["files"]
    assert found == f"{address}{packing.ARCHIVE}{packing.KIND}"


@pytest.mark.parametrize(
    "words", [["files", "--help"], ["files", "-h"], ["--help"], ["early", "--help"], ["page", "-h"]]
)
def test_help_is_shown_and_nothing_is_made(words: list[str], tmp_path: Path) -> None:
    done = run(*words, folder=tmp_path)
    assert done.returncode == 0
    assert "usage: python -m nextauth_client" in done.stdout
    assert os.listdir(tmp_path) == []


@pytest.mark.parametrize(
    "words", [["files", "--verbose"], ["files"], ["files", "a", "b"], ["early", "x"], ["page", "x"], ["fies", "a"], []]
)
def test_what_it_does_not_know_is_refused_with_the_usage_and_nothing_is_made(words: list[str], tmp_path: Path) -> None:
    done = run(*words, folder=tmp_path)
    assert (done.returncode, done.stdout) == (2, "")
    assert "usage: python -m nextauth_client" in done.stderr
    assert os.listdir(tmp_path) == []


@pytest.mark.parametrize("folder", ["taken", "taken/below", "a" * 300])
def test_a_folder_that_cannot_be_made_is_refused_in_words(folder: str, tmp_path: Path) -> None:
    (tmp_path / "taken").write_text("a file")
    done = run("files", folder, folder=tmp_path)
    assert (done.returncode, done.stdout) == (1, "")
    assert done.stderr.startswith("The archive could not be written: ")
    assert done.stderr.endswith(" Name a folder that can be written.\n")
    assert os.listdir(tmp_path) == ["taken"]


def test_a_folder_inside_the_package_is_refused(tmp_path: Path) -> None:
    for folder in (PACKAGE, PACKAGE / "pages", tmp_path / "link" / "pages"):
        (tmp_path / "link").unlink(missing_ok=True)
        (tmp_path / "link").symlink_to(PACKAGE)
        done = run("files", str(folder), folder=tmp_path)
        assert done.returncode == 2
        assert "belongs to the package itself" in done.stderr
        assert not (PACKAGE / "pages").exists()
    assert not (PACKAGE / packing.ARCHIVE).exists()


def test_a_folder_that_may_not_be_written_is_refused_in_words(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """Root may write everywhere, so the refusal is the system's only here."""

    def refuse(path: Path, data: bytes) -> int:
        raise PermissionError(13, "Permission denied", str(path))

    monkeypatch.setattr(Path, "write_bytes", refuse)
    assert command.main(["files", str(tmp_path / "client")]) == 1
    assert "Permission denied" in capsys.readouterr().err
