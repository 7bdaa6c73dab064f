"""What the docs' site (mkdocs.yml) takes from outside docs/: other pages, files that are linked to, what examples run.

Markdown is written as GitHub shows it. What Python-Markdown reads otherwise is rewritten here, so that each file is one
text for both.
"""

from __future__ import annotations

import posixpath
import re
from collections.abc import Iterator
from typing import Any

from mkdocs.structure.files import File, Files
from mkdocs.structure.pages import Page

from scripts.steps import ROOT
from scripts.vendor import VENDOR
from scripts.wheel import ARCHIVE

# Pages of the site that stand elsewhere in the checkout.
PAGES = {
    "SECURITY.md": "security.md",
    "CONTRIBUTING.md": "contributing.md",
    "CHANGELOG.md": "changelog.md",
    "examples/README.md": "examples.md",
    "server_stub/README.md": "development-backend.md",
}
AT_HOME = {"README.md": "index.md", **PAGES}
PATHS = {page: path for path, page in PAGES.items()}  # the other way round
SCRIPTS = ("nextauth-early.js", "nextauth-page.js")
UNUSED = ("codemirror", "xterm", "zip")  # of PyScript: its editor and terminal, and what unpacks wheels

FENCE = re.compile(r" *(```+|~~~+)")
LINK = re.compile(r"(\]\()([^)#\s:]+)(#[^)\s]*)?(\))")
ITEM = re.compile(r" {0,3}(?:[-*]|\d+\.) ")


def on_files(files: Files, config: Any) -> Files:
    for path, page in PAGES.items():
        files.append(File.generated(config, page, content=(ROOT / path).read_text(encoding="utf-8")))
    for target, source in _served().items():
        files.append(File.generated(config, target, abs_src_path=str(source)))
    linked: set[str] = set()
    for file in list(files.documentation_pages()):
        linked.update(target for target in _targets(file.content_string, _path_of(file)) if _is_source(target))
    for path in sorted(linked):
        files.append(File.generated(config, _shown_as(path), content=(ROOT / path).read_text(encoding="utf-8")))
    return files


def on_page_markdown(markdown: str, page: Page, config: Any, files: Files) -> str:
    path = _path_of(page.file)
    lines = [line if fenced else _linked(line, path, page.file.src_uri) for line, fenced in _lines(markdown)]
    return spaced("\n".join(lines))


def on_post_page(output: str, page: Page, config: Any) -> str:
    return _accessible(output)


def on_post_template(output: str, template_name: str, config: Any) -> str:
    return _accessible(output) if template_name == "404.html" else output


def _accessible(output: str) -> str:
    """For screen readers, as axe asks: the search has a name, and menus inside of the menu are no landmarks.

    For who has no mouse, menus open by their checkboxes (site.css) and not by the labels of these, too.
    """
    output = output.replace(' role="dialog">', ' role="dialog" aria-label="Search">', 1)
    output = re.sub(r'(<label class="md-nav__link[^>]*) tabindex="0?"', r"\1", output)
    return re.sub(
        r'(<nav class="md-nav" data-md-level="\d+") aria-labelledby="\w+" aria-expanded="\w+"',
        r'\1 role="none"',
        output,
    )


def spaced(markdown: str) -> str:
    """Lists as Python-Markdown wants them: an empty line before them, and four blanks for what is in an item."""
    found: list[str] = []
    depth = 0  # the blanks that the list item around the line asks for
    for line, fenced in _lines(markdown):
        blanks = len(line) - len(line.lstrip(" "))
        if not fenced and line.strip() and not blanks:
            is_item = ITEM.match(line)
            if is_item and found and found[-1].strip() and not depth:
                found.append("")
            depth = 4 if is_item or (depth and found[-1].strip()) else 0
        missing = 4 - blanks if not fenced and blanks in (2, 3) else 2 if fenced and blanks >= 2 else 0
        found.append(" " * missing + line if depth and line.strip() else line)
    return "\n".join(found)


def _served() -> dict[str, Any]:
    """Files of the checkout that live examples and pages load, by where the site has them."""
    [archive] = ARCHIVE.glob("nextauth_client.*")
    found = {"site/icon.svg": ROOT / "static" / "icon.svg", f"site/{archive.name}": archive}
    found |= {f"site/{name}": ROOT / "client" / "nextauth_client" / name for name in SCRIPTS}
    for file in (VENDOR / "micropython").iterdir():
        found[f"site/micropython/{file.name}"] = file
    for file in (VENDOR / "pyscript").glob("*.js"):
        if not file.name.startswith(UNUSED):
            found[f"site/pyscript/{file.name}"] = file
    return found


def _path_of(file: File) -> str:
    """Where a page stands in the checkout."""
    return PATHS.get(file.src_uri, f"docs/{file.src_uri}")


def _lines(markdown: str) -> Iterator[tuple[str, bool]]:
    """Each line, and whether it belongs to a block of code."""
    fence = ""
    for line in markdown.split("\n"):
        mark = FENCE.match(line)
        yield line, bool(fence or mark)
        if mark and not fence:
            fence = mark[1]
        elif mark and mark[1].startswith(fence) and line.strip() == mark[1]:
            fence = ""


def _targets(markdown: str, path: str) -> Iterator[str]:
    for line, fenced in _lines(markdown):
        for link in LINK.finditer("" if fenced else line):
            yield _resolved(link[2], path)


def _resolved(target: str, path: str) -> str:
    return posixpath.normpath(posixpath.join(posixpath.dirname(path), target))


def _is_source(path: str) -> bool:
    return path not in AT_HOME and not path.startswith("docs/") and (ROOT / path).is_file()


def _shown_as(path: str) -> str:
    return f"source/{path}.txt"  # or a page among the examples would run


def _linked(line: str, path: str, page: str) -> str:
    """The line, its links leading to where the site has what they lead to in the checkout."""

    def moved(link: re.Match[str]) -> str:
        target = _resolved(link[2], path)
        if target in AT_HOME:
            target = AT_HOME[target]
        elif target.startswith("docs/"):
            target = target.removeprefix("docs/")
        elif _is_source(target):
            target = _shown_as(target)
        else:
            return link[0]  # MkDocs says what is wrong with it
        return f"{link[1]}{posixpath.relpath(target, posixpath.dirname(page) or '.')}{link[3] or ''}{link[4]}"

    return LINK.sub(moved, line)
