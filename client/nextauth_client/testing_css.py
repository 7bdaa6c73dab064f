"""CSS, as far as a test's small page knows it: selectors, and rules that hide.

Knows elements by their names, attributes and parents.
"""

from __future__ import annotations

import re
from types import SimpleNamespace

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import Any

    Matches = Callable[[Any], bool]

ELEMENT = 1  # Node.nodeType
PART = re.compile(
    r"""\s*(?P<mark>[,>)])\s*|(?P<inside>\s+)|:(?P<pseudo>[a-z-]+)(?P<open>\(?)|#(?P<id>[\w-]+)|\.(?P<word>[\w-]+)"""
    r"""|\[(?P<name>[\w-]+)(?:(?P<how>~?)=(?P<quote>["']?)(?P<value>[^"'\]]*?)(?P=quote)(?P<fold>\s+i)?)?\]|(?P<tag>\*|\w[\w-]*)"""
)


def lacking(what: str) -> str:
    return (
        f"{what} is not part of the small page that tests have outside a browser: test what needs it in a real one "
        "(docs/testing.md)."
    )


def parse_selector(text: str) -> Matches:
    """Tags, ids, classes, attributes, `:is`, `:where`, `:not`, descendants and children. Raises `ValueError`."""
    if text not in _parsed:
        _parsed[text] = _Parser(text.strip()).alternatives("end")
    return _parsed[text]


_parsed: dict[str, Matches] = {}


class _Parser:
    def __init__(self, text: str) -> None:
        self.text = text
        self.position = 0

    def alternatives(self, closing: str) -> Matches:
        """What stands before the bracket, or the end."""
        found: list[Matches] = []
        around: Matches | None = None
        tests: list[Matches] = []
        is_child = False
        while True:
            part = PART.match(self.text, self.position)
            mark = "end" if part is None else part["mark"] or part["inside"]
            self.position = len(self.text) + 1 if part is None else part.end()
            if part is not None and not mark:
                tests.append(self._simple(part))
                continue
            is_over = mark in (")", "end")
            rest = PART.sub("", self.text) if mark == "end" else ""
            if re.search(r"[+~^$*|]", rest):
                raise NotImplementedError(lacking(self.text))
            if not tests or (is_over and mark != closing) or rest:
                raise ValueError(f"{self.text!r} is not a CSS selector")
            matches = _all(tests, around, is_child)
            around, tests, is_child = matches, [], mark == ">"
            if is_over or mark == ",":
                found.append(matches)
                around = None
            if is_over:
                return lambda element: any(one(element) for one in found)

    def _simple(self, part: re.Match[str]) -> Matches:
        name, value, tag = part["name"], part["value"], part["tag"]
        if part["pseudo"]:
            return self._pseudo(part["pseudo"], part["open"])
        if tag:
            return lambda element: tag in ("*", element.localName)
        if not name:
            name, how, value = ("id", "", part["id"]) if part["id"] else ("class", "~", part["word"])
        else:
            how = part["how"]
        if value is None:
            return lambda element: name in element.attributes
        fold = str.lower if part["fold"] else str

        def matches(element: Any) -> bool:
            own = fold(element.attributes.get(name, "\0"))
            return fold(value) in own.split() if how else fold(value) == own

        return matches

    def _pseudo(self, name: str, opening: str) -> Matches:
        if name not in ("is", "where", "not") or not opening:
            raise NotImplementedError(lacking(":" + name))
        inner = self.alternatives(")")
        return (lambda element: not inner(element)) if name == "not" else inner


def _all(tests: list[Matches], around: Matches | None, is_child: bool) -> Matches:
    def matches(element: Any) -> bool:
        if not all(test(element) for test in tests):
            return False
        place = element.parentNode
        while around is not None and place is not None and place.nodeType == ELEMENT:
            if around(place):
                return True
            place = None if is_child else place.parentNode
        return around is None

    return matches


class Array(list):  # type: ignore[type-arg]
    """A list as JavaScript has it."""

    length = property(len)
    push = list.append
    indexOf = list.index

    def item(self, index: int) -> Any:
        return self[index] if 0 <= index < len(self) else None

    def splice(self, start: int, count: int) -> None:
        del self[start : start + count]


class CSSStyleSheet:
    """Of its rules only which elements they hide."""

    def __init__(self) -> None:
        self.cssRules = Array()

    def replaceSync(self, text: str) -> None:
        self.cssRules = Array()
        for selector, style in re.findall(r"([^{}]+){([^{}]*)}", text):
            try:
                matches = parse_selector(selector)
            except ValueError:  # a browser leaves the rule out, too
                continue
            self.cssRules.push(SimpleNamespace(selectorText=selector, matches=matches, hides="display:none" in style))

    def hides(self, element: Any) -> bool:
        return any(rule.hides and rule.matches(element) for rule in self.cssRules)
