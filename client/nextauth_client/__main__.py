"""What a page needs of this package, for whoever installed only the wheel (docs/pages.md)."""

import argparse
import ast
import builtins
import collections
import functools
import io
import itertools
import json
import re
import string
import sys
import tarfile
import tokenize
import zlib
from pathlib import Path
from urllib.parse import quote

from .starting import FRAMEWORKS, CannotStart, make_folder

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Iterable, Iterator, Optional

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
    "session times records host jsontext urls options conditions calls protocol network browser bridge errors flows "
    "popup tabs elements __init__ controls binding bound components runtime actions provider_lists provider reactive "
    "store tasks console api driver given announcing callers stamps view sync idle queries events messages"
)
APART = "conditions"  # here a block of the compression begins, with a code of its own: 0.3 %

SELF = "e"

SCRIPTS = {  # that a command of this name prints
    "early": (EARLY, "that shows who is signed in while Python is loading"),
    "blocked": (BLOCKED, "with which PyScript starts where a browser blocks cookies, too"),
    "page": (PAGE, "with which a page signs in and out whose Python is all in a worker"),
}
# What JavaScript text consists of, as far as these scripts go: texts, regular expressions, comments, blanks, the rest.
# They hold no division and no text over several lines, and end each statement with a semicolon.
JS_TOKEN = re.compile(r"""(?://[^\n]*|\s)+|("(?:[^"\\]|\\.)*"|`[^`]*`|/(?:\[[^]]*]|\\.|[^/\\[])+/|[\w$]+|.)""")
FILES_HELP = """Write the modules that run in a page into FOLDER, as one archive without comments and docstrings, and
print PyScript's configuration to load it."""
NEW_HELP = """Make FOLDER, with a page that signs in and the app that it signs in to, or without one of those below for
the development backend. It says how to start it."""
VENDOR = Path("static", "vendor")  # in a checkout


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
            waiting += _imports(ast.parse((PACKAGE / f"{name}.py").read_text(encoding="utf-8")))
    ranks = {name: rank for rank, name in enumerate(ORDER.split())}
    return [PACKAGE / f"{name}.py" for name in sorted(found, key=lambda name: (ranks.get(name, len(ranks)), name))]


def _imports(node: ast.AST) -> "Iterator[str]":
    """The modules of this package that the code imports when it runs."""
    if isinstance(node, ast.ImportFrom) and node.level == 1:
        names = [alias.name for alias in node.names] if node.module is None else [node.module]
        yield from [name for name in names if (PACKAGE / f"{name}.py").is_file()]
    for child in ast.iter_child_nodes(node):
        if not (isinstance(child, ast.If) and _is_typing(child)):
            yield from _imports(child)


def _is_typing(node: ast.If) -> bool:
    """Whether nothing but type checkers reads what stands below it."""
    return isinstance(node.test, ast.Name) and node.test.id == "TYPE_CHECKING"


# ── the scripts ──────────────────────────────────────────────────────────────────────────────────


def make_script(name: str) -> bytes:
    """One of `SCRIPTS` for a page: without the comments, and the blanks that JavaScript does not need."""
    source = SCRIPTS[name][0].read_text(encoding="utf-8")
    code = ""
    for token in [found[1] for found in JS_TOKEN.finditer(source) if found[1]]:
        code += " " + token if re.match(r"[\w$]{2}", code[-1:] + token) else token
    return f"{code}\n".encode()


# ── the archive ──────────────────────────────────────────────────────────────────────────────────


def blank(source: str) -> str:
    """The code that runs, without comments, docstrings and typing, each line where it was, as tracebacks name it."""
    source = _without_annotations(source)
    lines = source.split("\n")
    tree = ast.parse(source)
    blocks = [getattr(node, part, None) for node in ast.walk(tree) for part in ("body", "orelse", "finalbody")]
    alone = {block[0].lineno for block in blocks if isinstance(block, list) and len(block) == 1}
    begins = True  # a statement
    for token in tokenize.generate_tokens(io.StringIO(source).readline):
        (row, start), (last_row, end) = token.start, token.end
        if token.type == tokenize.COMMENT:
            lines[row - 1] = lines[row - 1][:start].rstrip()
        elif token.type == tokenize.STRING and begins and not lines[last_row - 1][end:].strip():
            kept = lines[row - 1][:start] + '""' if row in alone else ""
            lines[row - 1 : last_row] = [kept] + [""] * (last_row - row)
        if token.type not in (tokenize.COMMENT, tokenize.NL):
            begins = token.type in (tokenize.NEWLINE, tokenize.INDENT, tokenize.DEDENT)
    reads = 0  # of TYPE_CHECKING by what stays
    for node in ast.walk(tree):
        if isinstance(node, ast.If) and _is_typing(node):
            first, last = node.lineno, node.body[-1].end_lineno or 0
            if node.orelse or first in alone:
                lines[first:last] = [" " * node.body[0].col_offset + '""'] + [""] * (last - first - 1)
            else:
                lines[first - 1 : last] = [""] * (last - first + 1)
                reads -= 1
        reads += isinstance(node, ast.Name) and node.id == "TYPE_CHECKING" and isinstance(node.ctx, ast.Load)
    code = "\n".join(lines)
    return code if reads else code.replace("\nTYPE_CHECKING = False\n", "\n\n")


def _without_annotations(source: str) -> str:
    lines = [line.encode() for line in source.split("\n")]  # as `ast` counts columns
    cuts: "list[tuple[int, int, int, bytes]]" = []
    for node in ast.walk(ast.parse(source)):
        kept = b""
        if isinstance(node, ast.arg) and node.annotation:
            annotation, start = node.annotation, node.col_offset + len(node.arg.encode())
        elif isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef)) and node.returns:
            annotation = node.returns
            start = lines[annotation.lineno - 1].rindex(b" ->", 0, annotation.col_offset)
        elif isinstance(node, ast.AnnAssign):
            annotation, start = node.annotation, node.target.end_col_offset or 0
            if node.value is None:
                kept, start = b'""', node.col_offset
        else:
            continue
        if annotation.end_lineno == annotation.lineno:
            cuts.append((annotation.lineno - 1, start, annotation.end_col_offset or 0, kept))
    for row, start, end, kept in sorted(cuts, reverse=True):
        lines[row] = lines[row][:start] + kept + lines[row][end:]
    return b"\n".join(lines).decode()


def shortened(code: str) -> str:
    """Each function's own variables by one letter: 4 % of the archive. Parameters stay, and all that others see."""
    lines = [line.encode() for line in code.split("\n")]  # as `ast` counts columns
    tree = ast.parse(code)
    functions = list(_outermost_functions(tree))
    inside = {id(node) for function in functions for node in ast.walk(function) if node is not function}
    outside = [node for node in ast.walk(tree) if id(node) not in inside]
    everywhere = set(_names(outside)).union(*map(_bound, outside))
    cuts: "list[tuple[int, int, str, str]]" = []
    for function in functions:
        nodes = list(ast.walk(function))
        names = sorted(
            (node for node in nodes if isinstance(node, ast.Name)), key=lambda node: (node.lineno, node.col_offset)
        )
        kept = everywhere.union(dir(builtins), *map(_bound, nodes))
        for node in nodes:  # a text's positions are wrong before Python 3.12; what a class holds are attributes
            if isinstance(node, (ast.JoinedStr, ast.ClassDef)):
                kept.update(_names(ast.walk(node)))
        own = dict.fromkeys(node.id for node in names if isinstance(node.ctx, ast.Store) and node.id not in kept)
        taken = kept.union(node.id for node in names)
        free = [letter for letter in string.ascii_letters if letter != SELF and letter not in taken]
        letters = dict(zip([name for name in own if len(name) > 1], free))
        cuts += [(node.lineno - 1, node.col_offset, node.id, letters[node.id]) for node in names if node.id in letters]
    for row, start, name, letter in sorted(cuts, reverse=True):
        lines[row] = lines[row][:start] + letter.encode() + lines[row][start + len(name) :]
    return b"\n".join(lines).decode()


@functools.cache
def _short_fields() -> "dict[str, str]":
    """What objects of ours keep for themselves, by one or two letters, the most frequent first: 2 % of the archive.

    Methods stay, which tracebacks name.
    """
    used: "collections.Counter[str]" = collections.Counter()
    ours: "set[str]" = set()
    kept: "set[str]" = set()
    for module in page_modules() + devtools_modules():
        for node in ast.walk(ast.parse(_code(module))):
            if isinstance(node, ast.Attribute):
                used[node.attr] += 1
                if isinstance(node.ctx, ast.Store) and isinstance(node.value, ast.Name) and node.value.id == "self":
                    ours.add(node.attr)
            elif isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef)):
                kept.add(node.name)
            elif isinstance(node, ast.Name):  # a class's own
                kept.add(node.id)
            elif isinstance(node, ast.JoinedStr):  # its positions are wrong before Python 3.12
                kept.update(inner.attr for inner in ast.walk(node) if isinstance(inner, ast.Attribute))
    letters = ["_" + letter for letter in string.ascii_letters]
    free = [name for name in letters + [one + two[1] for one in letters for two in letters] if name not in used]
    fields = [name for name, _ in used.most_common() if name in ours and name[0] == "_" and name not in kept]
    return dict(zip(fields, free))


def _with_short_fields(code: str) -> str:
    """Also where a text names one, for `getattr`."""
    lines = [line.encode() for line in code.split("\n")]  # as `ast` counts columns
    names = _short_fields()
    cuts: "set[tuple[int, int, str]]" = set()
    for node in ast.walk(ast.parse(code)):
        row, end = getattr(node, "end_lineno", 0), getattr(node, "end_col_offset", 0)
        if isinstance(node, ast.Attribute) and node.attr in names:
            cuts.add((row, end, node.attr))
        elif isinstance(node, ast.Constant) and node.value in names:
            cuts.add((row, end - 1, str(node.value)))
    for row, end, name in sorted(cuts, reverse=True):
        lines[row - 1] = lines[row - 1][: end - len(name)] + names[name].encode() + lines[row - 1][end:]
    return b"\n".join(lines).decode()


def _with_short_self(code: str) -> str:
    """By one letter, which `shortened` leaves: 1 % of the archive. No text has that word."""
    return re.sub(r"(?<![\w.])self\b", SELF, code)


def _outermost_functions(node: ast.AST) -> "Iterator[ast.AST]":
    for child in ast.iter_child_nodes(node):
        if isinstance(child, (ast.FunctionDef, ast.AsyncFunctionDef)):
            yield child
        else:
            yield from _outermost_functions(child)


def _names(nodes: "Iterable[ast.AST]") -> "Iterator[str]":
    for node in nodes:
        if isinstance(node, ast.Name):
            yield node.id


def _bound(node: ast.AST) -> "list[str]":
    """The names that a node binds, or declares, in another way than as `ast.Name`."""
    if isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef, ast.ClassDef)):
        return [node.name]
    if isinstance(node, ast.alias):
        return [(node.asname or node.name).split(".")[0]]
    if isinstance(node, ast.ExceptHandler):
        return [node.name] if node.name else []
    if isinstance(node, ast.arg):
        return [node.arg]
    return node.names if isinstance(node, (ast.Global, ast.Nonlocal)) else []


def _squeezed(code: str) -> str:
    """Without the blanks beside operators, indented by one a level, not four, and not at all in brackets: 5 % of the
    archive.

    A text over several lines would lose blanks, too, and none is.
    """
    lines = code.split("\n")
    tokens = list(tokenize.generate_tokens(io.StringIO(code).readline))
    depth, in_brackets = 0, set()
    for token in tokens:
        if token.type == tokenize.OP:
            depth += (token.string in "([{") - (token.string in ")]}")
        elif token.type == tokenize.NL and depth:
            in_brackets.add(token.end[0])  # the line after it
    for token, following in reversed(list(itertools.pairwise(tokens))):
        (row, end), (next_row, start) = token.end, following.start
        if row == next_row and tokenize.OP in (token.type, following.type) and lines[row - 1][end:start].isspace():
            lines[row - 1] = lines[row - 1][:end] + lines[row - 1][start:]
    bare = [line.lstrip(" ") for line in lines]
    indents = [0 if row in in_brackets else (len(line) - len(bare[row])) // 4 for row, line in enumerate(lines)]
    return "\n".join([" " * indent + line for indent, line in zip(indents, bare)])


def make_archive() -> bytes:
    """The same sources always give the same bytes."""
    return _archive_of(page_modules())


def make_devtools_archive() -> bytes:
    """The developer tools, to be unpacked beside the other."""
    return _archive_of(devtools_modules())


def devtools_modules() -> "list[Path]":
    return [PACKAGE / f"{name}.py" for name in DEVTOOLS_MODULES]


def _archive_of(modules: "list[Path]") -> bytes:
    return pack({module.name: _for_a_page(module) for module in modules})


@functools.cache
def _for_a_page(module: Path) -> str:
    return _squeezed(_with_short_self(_with_short_fields(_code(module))))


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


# ── the command line ─────────────────────────────────────────────────────────────────────────────


def main(arguments: "list[str]") -> int:
    parser = argparse.ArgumentParser(prog="python -m " + PACKAGE.name, description=__doc__)
    commands = parser.add_subparsers(dest="command", metavar="COMMAND", required=True)
    for name, (_, what) in SCRIPTS.items():
        commands.add_parser(
            name, help=f"print the script {what}", description=f"Print nextauth-{name}.js, the script {what}."
        )
    files = commands.add_parser("files", help="write the modules for a page into a folder", description=FILES_HELP)
    files.add_argument("folder", type=Path, metavar="FOLDER", help="is made where there is none")
    files.add_argument("--url", help="where pages find the folder, by default /FOLDER")
    files.add_argument(
        "--devtools", action="store_true", help="write the developer tools, too, as an archive of their own"
    )
    new = commands.add_parser("new", help="make a folder with a page of your own that runs", description=NEW_HELP)
    new.add_argument("folder", type=Path, metavar="FOLDER", help="its name, such as mypage")
    app = new.add_mutually_exclusive_group()
    for name, title in FRAMEWORKS.items():
        app.add_argument(
            "--" + name, dest="framework", action="store_const", const=name, help=f"with a {title} app, and its users"
        )
    loads = new.add_mutually_exclusive_group()
    loads.add_argument("--cdn", action="store_true", help="the page loads PyScript from a CDN, as without an option")
    loads.add_argument(
        "--runtimes", type=Path, metavar="FOLDER", help="copy PyScript and MicroPython, so that it works offline"
    )
    loads.add_argument(
        "--offline", action="store_true", help="the same, out of a checkout of this package: type it there"
    )
    options = parser.parse_args(arguments)
    if options.command in SCRIPTS:
        sys.stdout.buffer.write(make_script(options.command))
        return 0
    if options.command == "new":
        return _new(options.folder, options.framework, _vendor() if options.offline else options.runtimes)
    folder: Path = options.folder
    if folder.resolve().is_relative_to(PACKAGE):
        files.error(f"{folder} belongs to the package itself: name one beside your pages")
    served_at = "".join(["/" + quote(part) for part in folder.parts if part != folder.anchor])
    try:
        url = served_at if options.url is None else options.url.rstrip("/")
        config = write_archives(folder, url, options.devtools)
    except OSError as error:
        print(f"The archive could not be written: {error}. Name a folder that can be written.", file=sys.stderr)
        return 1
    print(json.dumps(config, indent=2))
    return 0


def _vendor() -> Path:
    """That of the checkout which the package runs from, or else of the one which this was typed in."""
    own = PACKAGE.parent.parent / VENDOR
    return own if own.is_dir() else VENDOR


def _new(folder: Path, framework: "Optional[str]", runtimes: "Optional[Path]") -> int:
    try:
        print(make_folder(folder, write_client=write_client, framework=framework, runtimes=runtimes))
    except CannotStart as error:
        print(error, file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
