"""The docs' site: what its pages have to hold, and that each snippet of Python in them is Python.

That they run is in tests/unit/test_snippets.py.
"""

from __future__ import annotations

import ast
import importlib
import importlib.util
import inspect
import re
import subprocess
import sys
from collections.abc import Iterator, Mapping
from pathlib import Path
from types import ModuleType

import nextauth_client
import nextauth_server
import pytest
from nextauth_client import errors

from scripts.site_hooks import spaced
from scripts.steps import ROOT
from tests.support.real_backends import NOT_FOR_BRIDGES

DOCS = ROOT / "docs"
PAGES = sorted(DOCS.rglob("*.md"))
PACKAGES = (ROOT / "client" / "nextauth_client", ROOT / "server" / "nextauth_server", ROOT / "server_stub")
NOT_SAID = {"times", "tokens"}  # what is raised to be caught by the module that called
KINDS = {"NextAuthError", *(kind.__name__ for kind in errors.KINDS)}
SAYING = {"warn", "warn_once", "Warn", "warning", "error", "fail", "lacking"}


def plain(text: str) -> str:
    """Without what only marks it up."""
    return re.sub(r"\s+", " ", text.replace("`", "").replace("\\", ""))


TROUBLES = plain((DOCS / "troubleshooting.md").read_text(encoding="utf-8"))


# ── what goes wrong ──────────────────────────────────────────────────────────────────────────────


def literals(node: ast.AST, named: Mapping[str, ast.AST]) -> Iterator[str]:
    """The longest piece of each text that an expression can be: what stands between its placeholders. `named` are the
    module's constants.
    """
    if isinstance(node, ast.Name) and node.id in named:
        yield from literals(named[node.id], {})
    elif isinstance(node, ast.Constant) and isinstance(node.value, str):
        yield max(re.split(r"%(?:\.\d+)?[sr]", node.value), key=len)
    elif isinstance(node, ast.JoinedStr):
        yield max((part.value for part in node.values if isinstance(part, ast.Constant)), key=len, default="")
    elif isinstance(node, ast.BinOp | ast.IfExp):
        for child in ast.iter_child_nodes(node):
            yield from literals(child, named)


def said(source: str) -> set[str]:
    """Texts that are raised or warned of; an `AssertionError` is for whoever works on this code."""
    found: set[str] = set()
    tree = ast.parse(source)
    named = {
        target.id: node.value
        for node in tree.body
        if isinstance(node, ast.Assign)
        for target in node.targets
        if isinstance(target, ast.Name)
    }
    for node in ast.walk(tree):
        if isinstance(node, ast.Raise) and isinstance(node.exc, ast.Call):
            calls = [node.exc] if ast.unparse(node.exc.func) != "AssertionError" else []
        elif isinstance(node, ast.Call):
            calls = [node] if ast.unparse(node.func).rpartition(".")[2] in KINDS | SAYING else []
        else:
            continue
        for call in calls:
            for argument in call.args:
                found.update(text.strip(" .:,;") for text in literals(argument, named) if len(text.split()) > 2)
    return found


MODULES = [file for package in PACKAGES for file in sorted(package.rglob("*.py")) if file.stem not in NOT_SAID]
MODULES.append(ROOT / "client" / "pytest_nextauth_client.py")
SAID = [(f"{file.parent.name}.{file.stem}", text) for file in MODULES for text in sorted(said(file.read_text()))]


def test_texts_are_found_however_they_are_said() -> None:
    source = """
LATE = "It answered, but too late."

def check(x, element):
    raise BackendUnreachable(LATE)
    raise ValueError(f"the first {x} is not what was wanted")
    raise AssertionError("nobody comes by here")
    warn(element, "is the wrong element")
    warn_once("said for " + x + " a second time")
    logger.warning("No answer of %s that can be read", x)
    return BackendUnreachable("It did not answer." if x else "It was not asked.")
"""
    assert said(source) == {
        "is not what was wanted",
        "is the wrong element",
        "a second time",
        "that can be read",
        "It did not answer",
        "It was not asked",
        "It answered, but too late",
    }


@pytest.mark.parametrize(("module", "text"), SAID, ids=[f"{module}-{text[:40]}" for module, text in SAID])
def test_what_is_raised_or_warned_of_has_an_entry(module: str, text: str) -> None:
    assert plain(text) in TROUBLES, f"docs/troubleshooting.md has no entry for what {module} says"


@pytest.mark.parametrize("package", [nextauth_client, nextauth_server], ids=["client", "server"])
def test_every_public_error_has_an_entry(package: object) -> None:
    public = [getattr(package, name) for name in vars(package)["__all__"]]
    kinds = [one for one in public if isinstance(one, type) and issubclass(one, Exception)]
    assert kinds
    for kind in kinds:
        assert f"| {kind.__name__}" in TROUBLES
        if isinstance(code := getattr(kind, "code", None), str):
            assert f"| {code} |" in TROUBLES


def test_every_code_has_its_sentence() -> None:
    source = (PACKAGES[0] / "errors.py").read_text()
    [table] = [
        node.value
        for node in ast.walk(ast.parse(source))
        if isinstance(node, ast.Assign) and ast.unparse(node.targets[0]) == "_SENTENCES"
    ]
    codes = ast.literal_eval(table)
    assert len(codes) > 20
    for code in codes:
        assert f"| {code} | {errors.explain_error(code)} |" in TROUBLES
    assert f"| {errors.explain_error('a code that nobody knows')} |" in TROUBLES


def test_what_the_scripts_warn_of_has_an_entry() -> None:
    found = [
        text
        for script in PACKAGES[0].glob("*.js")
        for text in re.findall(r'console\.\w+\("([^"]+)"', script.read_text())
    ]
    assert found
    for text in found:
        assert plain(text) in TROUBLES


# ── the reference ────────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize("name", ["client", "server"])
def test_the_reference_has_every_public_name_once(name: str) -> None:
    package = importlib.import_module(f"nextauth_{name}")
    page = (DOCS / "reference" / f"{name}.md").read_text()
    # `api.` where a module has the name, too.
    named = re.findall(rf"^::: nextauth_{name}\.(?:api\.)?(\w+)$", page, re.M)
    assert sorted(named) == sorted(package.__all__)
    others = {
        "client": {"testing": ["run", "Browser", "Backend", "ApiAnswer", "signed_in"], "devtools": ["open", "log"]},
        "server": {"testing": ["signed_in"]},
    }
    for module, names in others[name].items():
        assert re.findall(rf"^::: nextauth_{name}\.{module}\.(\w+)$", page, re.M) == names


OF_A_FORM = {"username", "password"}  # what a sign-in's `**fields` stand for


@pytest.mark.parametrize("page", ["from-v3", "from-v4-v5"])
def test_who_moves_here_finds_what_the_tables_name(page: str) -> None:
    rows = re.findall(r"^\|.*\| (.*) \|$", (DOCS / f"{page}.md").read_text(encoding="utf-8"), re.M)
    calls = [
        call for row in rows for code in re.findall(r"`([^`]+)`", row) for call in re.findall(r"(\w+)\((.*)\)", code)
    ]
    assert len(calls) > 12
    for name, arguments in calls:
        found = getattr(nextauth_client, name, None) or getattr(nextauth_server, name, None)
        assert callable(found), f"{name}() is no function of ours"
        taken = inspect.signature(found).parameters
        named = set(re.findall(r"(\w+)=", arguments))
        assert named <= {*taken, *OF_A_FORM}, f"{name}({arguments})"


# ── snippets ─────────────────────────────────────────────────────────────────────────────────────


def snippets(page: str, language: str) -> list[str]:
    found = re.findall(rf"^( *)```{language}\n(.*?)^\1```$", page, re.M | re.S)
    return [re.sub(rf"^{indent}", "", code, flags=re.M) for indent, code in found]


PYTHON = [
    pytest.param(code, id=f"{page.relative_to(DOCS)}-{number}")
    for page in PAGES
    for number, code in enumerate(snippets(page.read_text(encoding="utf-8"), "python"))
]


@pytest.mark.parametrize("code", PYTHON)
def test_a_snippet_is_python_that_pages_can_run(code: str) -> None:
    tree = compile(code, "a snippet", "exec", ast.PyCF_ALLOW_TOP_LEVEL_AWAIT | ast.PyCF_ONLY_AST)
    for node in ast.walk(tree):
        if isinstance(node, ast.ImportFrom) and node.module and node.module.partition(".")[0].startswith("nextauth_"):
            module = importlib.import_module(node.module)
            missing = [name.name for name in node.names if not has(module, name.name)]
            assert not missing, f"{node.module} has no {missing}"


def has(module: ModuleType, name: str) -> bool:
    return hasattr(module, name) or importlib.util.find_spec(f"{module.__name__}.{name}") is not None


# ── links ────────────────────────────────────────────────────────────────────────────────────────


def unfenced(page: Path) -> str:
    return re.sub(r"^( *)```.*?^\1```$", "", page.read_text(encoding="utf-8"), flags=re.M | re.S)


def anchors(page: Path) -> set[str]:
    """As GitHub and the site make them of headings."""
    titles = [re.sub(r"\[(.*?)\]\(.*?\)", r"\1", title) for title in re.findall(r"^#+ (.*)$", unfenced(page), re.M)]
    return {re.sub(r"[^\w\- ]", "", title.lower()).replace(" ", "-") for title in titles}


LINKS = [
    (page, link)
    for page in [*PAGES, *ROOT.glob("*.md")]
    for link in re.findall(r"\]\(([^)\s]+)\)", unfenced(page))
    if not re.match(r"https?:", link)
]


def test_each_link_leads_somewhere_in_the_checkout_too() -> None:
    """Strict mode sees to it on the site."""
    assert len(LINKS) > 100
    wrong = []
    for page, link in LINKS:
        path, _, anchor = link.partition("#")
        target = (page.parent / path).resolve() if path else page
        if not target.exists() or (anchor and anchor not in anchors(target)):
            wrong.append(f"{page.relative_to(ROOT)}: {link}")
    assert wrong == []


# ── words ────────────────────────────────────────────────────────────────────────────────────────


def test_the_docs_have_no_misspelt_words() -> None:
    done = subprocess.run(
        [sys.executable, "-m", "codespell_lib", "--builtin", "clear,rare", *PAGES, *ROOT.glob("*.md")],
        cwd=ROOT,
        capture_output=True,
        text=True,
    )
    assert done.returncode == 0, done.stdout


def test_lists_are_written_anew_as_the_site_reads_them() -> None:
    assert spaced("A list:\n- one\n  goes on\n  - nested\n- two\n\nText") == (
        "A list:\n\n- one\n    goes on\n    - nested\n- two\n\nText"
    )
    assert spaced("- one:\n\n  ```python\n  if x:\n      y\n  ```\n\nText") == (
        "- one:\n\n    ```python\n    if x:\n        y\n    ```\n\nText"
    )
    assert spaced("```\n- a\n  b\n```") == "```\n- a\n  b\n```"


def test_every_page_is_in_the_menu() -> None:
    """Strict mode says it, too, but only once the site is built."""
    menu = (ROOT / "mkdocs.yml").read_text().partition("\nnav:\n")[2]
    listed = set(re.findall(r"^\s+- (?:.*: )?(\S+\.md)$", menu, re.M))
    assert {str(page.relative_to(DOCS)) for page in PAGES} <= listed


def test_what_is_looked_for_is_there() -> None:
    assert len(SAID) > 100
    assert len(PYTHON) > 40


# ── what a bridge is not asked ───────────────────────────────────────────────────────────────────


def test_the_page_on_bridges_has_each_test_that_is_not_for_them_with_its_reason() -> None:
    _, _, section = (DOCS / "login.md").read_text(encoding="utf-8").partition("### Tests that are not for a bridge\n")
    assert dict(re.findall(r"^\| `(\w+)` \| (.*) \|$", section, re.MULTILINE)) == NOT_FOR_BRIDGES


@pytest.mark.parametrize("name", NOT_FOR_BRIDGES)
def test_what_is_not_for_a_bridge_is_a_test_or_a_file_of_them(name: str) -> None:
    files = sorted((ROOT / "tests" / "backends").glob("test_*.py"))
    assert name in {file.stem for file in files} or any(f"\ndef {name}(" in file.read_text() for file in files)
