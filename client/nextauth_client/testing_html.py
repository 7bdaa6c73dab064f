"""HTML of a test's small page, read into nodes and written out of them. Knows no kinds of nodes, but a template's."""

from __future__ import annotations

from html import escape
from html.parser import HTMLParser

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable
    from typing import Any

TEXT = 3  # Node.nodeType
VOID = ("area", "base", "br", "col", "embed", "hr", "img", "input", "link", "meta", "source", "track", "wbr")


def read_into(top: Any, html: str, document: Any) -> None:
    """What the tags of `<html>`, `<head>` and `<body>` have to say goes to the document's own."""
    reader = _Reader(top, document)
    reader.feed(html)
    reader.close()


def written(node: Any) -> str:
    if node.nodeType == TEXT:
        return escape(str(node.data), quote=False)
    words = "".join([f' {name}="{escape(value)}"' for name, value in node.attributes.items()])
    inside = "".join([written(child) for child in _holder(node).childNodes])
    end = "" if node.localName in VOID else f"</{node.localName}>"
    return f"<{node.localName}{words}>{inside}{end}"


def _holder(element: Any) -> Any:
    """Of the nodes that stand between its tags."""
    return element.content if element.localName == "template" else element


class _Reader(HTMLParser):
    def __init__(self, top: Any, document: Any) -> None:
        super().__init__()
        self.document = document
        self.open: list[Any] = [top]
        self.tags: list[str] = []

    def handle_starttag(self, tag: str, attrs: Iterable[tuple[str, str | None]]) -> None:
        if tag in ("html", "body", "head"):
            for name, value in attrs:
                getattr(self.document, {"html": "documentElement"}.get(tag, tag)).setAttribute(name, value or "")
            return
        element = self.document.createElement(tag)
        element.attributes.update({name: value or "" for name, value in attrs})
        element.line = self.getpos()[0]
        self.open[-1].appendChild(element)
        if tag not in VOID:
            self.open.append(_holder(element))
            self.tags.append(tag)

    def handle_endtag(self, tag: str) -> None:
        while tag in self.tags:
            self.open.pop()
            if self.tags.pop() == tag:
                return

    def handle_data(self, data: str) -> None:
        self.open[-1].append(data)
