"""What a page loads of this package: the modules as archives, and the scripts. Source: docs/pages.md."""

import ast
import functools
import io
import tarfile
import zlib
from pathlib import Path

from .minify import blank, is_typing, minified, minify_script, short_fields, shortened

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Iterator

PACKAGE = Path(__file__).resolve().parent
EARLY = PACKAGE / "nextauth-early.js"
BLOCKED = PACKAGE / "nextauth-blocked.js"
PAGE = PACKAGE / "nextauth-page.js"
# MicroPython unpacks it by itself; for a zip PyScript loads 160 KB of JavaScript. Flask and Django have the browser
# unpack what is called .gz, hence .bin for them; and PyScript looks at the address's end.
ARCHIVE = PACKAGE.name + ".tar.gz.bin"
KIND = "#.tar.gz"
# The developer tools, which only a page that asks for them loads, out of an archive of their own.
DEVTOOLS = PACKAGE.name + "-devtools.tar.gz.bin"
DEVTOOLS_MODULES = (
    "timeline",
    "schedule",
    "faults",
    "log",
    "panel_style",
    "panel_facts",
    "panel_lines",
    "panel",
    "devtools",
)

# In which they are packed, so that what compresses well together is near: 3 % of the archive. Other modules come last;
# `python -m scripts.archive_order` looks for a better order.
ORDER = (
    "session times records host urls jsontext conditions options calls protocol network browser bridge errors "
    "flows popup tabs elements __init__ controls binding bound components runtime actions provider_lists provider "
    "reactive tasks store api announcing driver console given events callers stamps view sync messages queries "
    "idle"
)
APART = "conditions"  # here a block of the compression begins, with a code of its own: 0.3 %

SCRIPTS = {  # that a command of this name prints
    "early": (EARLY, "that shows who is signed in while Python is loading"),
    "blocked": (BLOCKED, "with which PyScript starts where a browser blocks cookies, too"),
    "page": (PAGE, "with which a page signs in and out whose Python is all in a worker"),
}


# ── which modules ────────────────────────────────────────────────────────────────────────────────


def page_modules() -> "list[Path]":
    """The modules that a page loads, at once or when it calls for them: what `__init__` imports, and what that does.

    But for the developer tools.
    """
    found: "set[str]" = set()
    waiting = ["__init__"]
    while waiting:
        name = waiting.pop()
        if name not in found and name not in DEVTOOLS_MODULES:
            found.add(name)
            waiting += imports_of(ast.parse((PACKAGE / f"{name}.py").read_text(encoding="utf-8")))
    ranks = {name: rank for rank, name in enumerate(ORDER.split())}
    return [PACKAGE / f"{name}.py" for name in sorted(found, key=lambda name: (ranks.get(name, len(ranks)), name))]


def imports_of(node: ast.AST) -> "Iterator[str]":
    """The modules of this package that the code imports when it runs."""
    if isinstance(node, ast.ImportFrom) and node.level == 1:
        names = [alias.name for alias in node.names] if node.module is None else [node.module]
        yield from [name for name in names if (PACKAGE / f"{name}.py").is_file()]
    for child in ast.iter_child_nodes(node):
        if not (isinstance(child, ast.If) and is_typing(child)):
            yield from imports_of(child)


def devtools_modules() -> "list[Path]":
    return [PACKAGE / f"{name}.py" for name in DEVTOOLS_MODULES]


# ── files ────────────────────────────────────────────────────────────────────────────────────────


def make_script(name: str) -> bytes:
    """One of `SCRIPTS` for a page."""
    return minify_script(SCRIPTS[name][0].read_text(encoding="utf-8")).encode()


def make_archive() -> bytes:
    """The same sources always give the same bytes, on one Python with one zlib."""
    return _archive_of(page_modules())


def make_devtools_archive() -> bytes:
    """The developer tools, to be unpacked beside the other."""
    return _archive_of(devtools_modules())


def _archive_of(modules: "list[Path]") -> bytes:
    return pack({module.name: _for_a_page(module) for module in modules})


@functools.cache
def _for_a_page(module: Path) -> str:
    return minified(_code(module), fields())


@functools.cache
def fields() -> "dict[str, str]":
    """How those of all modules are called in a page."""
    return short_fields([_code(module) for module in page_modules() + devtools_modules()])


@functools.cache
def _code(module: Path) -> str:
    return shortened(blank(module.read_text(encoding="utf-8")))


def pack(modules: "dict[str, str]") -> bytes:
    """An archive of these files of the package, in this order."""
    packed = io.BytesIO()
    before: "dict[str, int]" = {}
    with tarfile.open(fileobj=packed, mode="w", format=tarfile.USTAR_FORMAT) as archive:
        for name, text in modules.items():
            code = text.encode()
            code += b"\n" * (-len(code) % tarfile.BLOCKSIZE)  # so that sizes are round, and alike: 0.3 %
            before[name] = packed.tell()
            member = tarfile.TarInfo(f"{PACKAGE.name}/{name}")
            member.size = len(code)
            archive.addfile(member, io.BytesIO(code))
    content, cut = packed.getvalue(), before.get(APART + ".py", 0)
    squeeze = zlib.compressobj(9, zlib.DEFLATED, 16 + zlib.MAX_WBITS, 9)  # as gzip, which notes no time then
    first = squeeze.compress(content[:cut]) + (squeeze.flush(zlib.Z_BLOCK) if cut else b"")
    return first + squeeze.compress(content[cut:]) + squeeze.flush()


def write_archives(folder: Path, url: str, devtools: bool) -> "dict[str, dict[str, str]]":
    """Returns PyScript's configuration to load them from the folder, which pages find at `url`. Raises `OSError`."""
    archives = {ARCHIVE: make_archive()}
    if devtools:
        archives[DEVTOOLS] = make_devtools_archive()
    folder.mkdir(parents=True, exist_ok=True)
    for name, archive in archives.items():
        (folder / name).write_bytes(archive)
    return {"files": {f"{url}/{name}{KIND}": "./*" for name in archives}}


def write_client(pages: Path) -> "dict[str, dict[str, str]]":
    """The archive and the scripts, for pages that are served at the root. As `write_archives`."""
    for name, (file, _) in SCRIPTS.items():
        (pages / file.name).write_bytes(make_script(name))
    return write_archives(pages, "", devtools=False)
