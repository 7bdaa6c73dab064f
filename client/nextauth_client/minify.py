"""Python and JavaScript for a page, as short as they can be while tracebacks still name its lines and functions.

Text in, text out. Nothing that a page, or another module, can see has another name.
"""

import ast
import builtins
import collections
import io
import itertools
import re
import string
import tokenize

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Iterable, Iterator

SELF = "e"

# What JavaScript text consists of, as far as these scripts go: texts, regular expressions, comments, blanks, the rest.
# They hold no division and no text over several lines, and end each statement with a semicolon.
JS_TOKEN = re.compile(r"""(?://[^\n]*|\s)+|("(?:[^"\\]|\\.)*"|`[^`]*`|/(?:\[[^]]*]|\\.|[^/\\[])+/|[\w$]+|.)""")


def minify_script(source: str) -> str:
    """JavaScript without comments, and the blanks that it does not need."""
    code = ""
    for token in [found[1] for found in JS_TOKEN.finditer(source) if found[1]]:
        code += " " + token if re.match(r"[\w$]{2}", code[-1:] + token) else token
    return f"{code}\n"


def is_typing(node: ast.If) -> bool:
    """Whether nothing but type checkers reads what stands below it."""
    return isinstance(node.test, ast.Name) and node.test.id == "TYPE_CHECKING"


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
        if isinstance(node, ast.If) and is_typing(node):
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


def short_fields(codes: "Iterable[str]") -> "dict[str, str]":
    """What objects of ours keep for themselves, by one or two letters, the most frequent first: 2 % of the archive.

    `codes` are all modules that may know each other's objects. Methods stay, which tracebacks name.
    """
    used: "collections.Counter[str]" = collections.Counter()
    ours: "set[str]" = set()
    kept: "set[str]" = set()
    for code in codes:
        for node in ast.walk(ast.parse(code)):
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


def _with_short_fields(code: str, names: "dict[str, str]") -> str:
    """Also where a text names one, for `getattr`."""
    lines = [line.encode() for line in code.split("\n")]  # as `ast` counts columns
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


def minified(code: str, fields: "dict[str, str]") -> str:
    """What `shortened` gave, with short names for `fields`, and without blanks."""
    return _squeezed(_with_short_self(_with_short_fields(code, fields)))
