"""A small page for tests on CPython: as much of a document as `component`, `bind` and a page's own Python ask of one.

Knows nodes and forms, no layout, no script and no network. What it lacks says so.
"""

from __future__ import annotations

from .testing_css import Array, lacking, parse_selector
from .testing_events import Event, EventTarget, changed, forget
from .testing_html import read_into, written
from .urls import resolve

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator
    from typing import Any

ELEMENT, TEXT, DOCUMENT, FRAGMENT = 1, 3, 9, 11
UNSEEN = ("script", "style", "title")


class Node(EventTarget):
    nodeType = 0
    parentNode: Any = None

    def __init__(self) -> None:
        super().__init__()
        self._children: list[Any] = []

    childNodes = property(lambda self: Array(self._children))
    children = property(lambda self: Array([node for node in self._children if node.nodeType == ELEMENT]))
    firstChild = property(lambda self: self._children[0] if self._children else None)
    isConnected = property(lambda self: self.getRootNode() is document)

    @property
    def baseURI(self) -> str:
        return document.URL

    @property
    def nextSibling(self) -> Any:
        siblings = [] if self.parentNode is None else self.parentNode._children
        return Array(siblings).item(siblings.index(self) + 1) if siblings else None

    @property
    def textContent(self) -> str:
        return "".join([node.textContent for node in self._children])

    @textContent.setter
    def textContent(self, text: Any) -> None:
        self.replaceChildren(*([] if text is None or text == "" else [str(text)]))

    def getRootNode(self) -> Any:
        root: Any = self
        while root.parentNode is not None:
            root = root.parentNode
        return root

    def isSameNode(self, other: Any) -> bool:
        return self is other

    def contains(self, other: Any) -> bool:
        while other is not None and other is not self:
            other = other.parentNode
        return other is self

    def descendants(self) -> Iterator[Any]:
        for node in list(self._children):
            yield node
            yield from node.descendants()

    def insertBefore(self, node: Any, place: Any) -> Any:
        if node.nodeType == FRAGMENT:
            for child in list(node._children):
                self.insertBefore(child, place)
            return node
        if node.contains(self):
            raise ValueError("HierarchyRequestError: a node cannot be put into itself")
        if place is not node:
            node.remove()
        index = len(self._children) if place is None else self._children.index(place)
        self._children.insert(index, node)
        node.parentNode = self
        changed("childList", self, added=[node])
        return node

    def appendChild(self, node: Any) -> Any:
        return self.insertBefore(node, None)

    def append(self, *nodes: Any) -> None:
        for node in nodes:
            self.insertBefore(node if isinstance(node, Node) else create_text(node), None)

    def replaceChildren(self, *nodes: Any) -> None:
        for node in list(self._children):
            node.remove()
        self.append(*nodes)

    def removeChild(self, node: Any) -> None:
        node.remove()

    def remove(self) -> None:
        parent, self.parentNode = self.parentNode, None
        if parent is not None:
            parent._children.remove(self)
            if document._active is not None and self.contains(document._active):
                document._active = None
            changed("childList", parent, removed=[self])

    def cloneNode(self, deep: bool = False) -> Any:
        """A copy, with what is in it when `deep`; without what was typed."""
        copy: Any = create_element(self.localName) if isinstance(self, Element) else type(self)()
        if isinstance(self, Element):
            copy.attributes.update(self.attributes)
        if isinstance(self, Text):
            copy.data = self.data
        if isinstance(self, HTMLTemplateElement) and deep:
            copy.content = self.content.cloneNode(True)
        for node in self._children if deep else ():
            copy.append(node.cloneNode(True))
        return copy

    def querySelectorAll(self, selector: str) -> Array:
        matches = parse_selector(selector)
        return Array([node for node in self.descendants() if node.nodeType == ELEMENT and matches(node)])

    def querySelector(self, selector: str) -> Any:
        return self.querySelectorAll(selector).item(0)


class Text(Node):
    nodeType = TEXT

    data: Any = ""

    @property
    def textContent(self) -> str:
        return str(self.data)

    @textContent.setter
    def textContent(self, text: Any) -> None:
        self.data = text


def create_text(data: Any) -> Text:
    text = Text()
    text.data = str(data)
    return text


class DocumentFragment(Node):
    nodeType = FRAGMENT


def _reflected(name: str) -> Any:
    return property(lambda self: self.getAttribute(name) or "", lambda self, value: self.setAttribute(name, value))


def _flag(name: str) -> Any:
    return property(
        lambda self: self.hasAttribute(name), lambda self, value: self.toggleAttribute(name, bool(value)) and None
    )


class Element(Node):
    nodeType = ELEMENT

    def __init__(self, tag: str) -> None:
        super().__init__()
        self.localName = tag.lower()
        self.attributes = {}

    localName = ""
    attributes: dict[str, str] = {}
    line = 1  # of the HTML that it stands in
    tagName = property(lambda self: self.localName.upper())
    id, className, title, src = map(_reflected, ("id", "class", "title", "src"))
    hidden, checked = _flag("hidden"), _flag("checked")

    @property
    def href(self) -> str:
        return resolve(self.attributes["href"], document.URL) if "href" in self.attributes else ""

    @href.setter
    def href(self, value: Any) -> None:
        self.setAttribute("href", value)

    def getAttribute(self, name: str) -> str | None:
        return self.attributes.get(name)

    def hasAttribute(self, name: str) -> bool:
        return name in self.attributes

    def setAttribute(self, name: str, value: Any) -> None:
        self.attributes[name] = str(value)
        changed("attributes", self, name)

    def removeAttribute(self, name: str) -> None:
        if self.attributes.pop(name, None) is not None:
            changed("attributes", self, name)

    def toggleAttribute(self, name: str, force: bool | None = None) -> bool:
        wanted = name not in self.attributes if force is None else bool(force)
        if wanted and name not in self.attributes:
            self.setAttribute(name, "")
        elif not wanted:
            self.removeAttribute(name)
        return wanted

    def matches(self, selector: str) -> bool:
        return parse_selector(selector)(self)

    def closest(self, selector: str) -> Any:
        matches = parse_selector(selector)
        place: Any = self
        while place is not None and place.nodeType == ELEMENT:
            if matches(place):
                return place
            place = place.parentNode
        return None

    @property
    def innerHTML(self) -> str:
        return "".join([written(node) for node in self._children])

    @innerHTML.setter
    def innerHTML(self, html: str) -> None:
        self.replaceChildren()
        read_into(self, html, document)

    @property
    def outerHTML(self) -> str:
        return written(self)

    def click(self) -> None:
        """As a person does, whether it is shown or not; what is disabled does nothing."""
        if self.attributes.get("disabled") is None and self.dispatchEvent(Event("click")):
            self._act()

    def _act(self) -> None:
        kind = self.attributes.get("type", "submit" if self.localName == "button" else "")
        if kind == "checkbox":
            self.checked = not self.checked
        form = self.closest("form")
        if kind in ("submit", "image") and form is not None:
            form.requestSubmit(self)

    def focus(self) -> None:
        document._active = self

    def is_visible(self) -> bool:
        """Whether neither `hidden` nor a rule that the page has adopted hides it, or what is around it."""
        place: Any = self
        while place is not None and place.nodeType == ELEMENT:
            if place.hidden or any(sheet.hides(place) for sheet in document.adoptedStyleSheets):
                return False
            place = place.parentNode
        return place is document


class FormControl(Element):
    disabled = _flag("disabled")
    name, type = _reflected("name"), _reflected("type")
    _typed: str | None = None

    @property
    def value(self) -> str:
        written = self.textContent if self.localName == "textarea" else self.attributes.get("value", "")
        return written if self._typed is None else self._typed

    @value.setter
    def value(self, value: Any) -> None:
        self._typed = str(value)


class HTMLFormElement(Element):
    elements = property(lambda self: Array([one for one in self.descendants() if isinstance(one, FormControl)]))

    def requestSubmit(self, submitter: Any = None) -> None:
        """Where no listener prevents it, a browser goes to another page; this one stays."""
        self.dispatchEvent(Event("submit", submitter=submitter))

    def reset(self) -> None:
        for control in self.elements:
            control._typed = None


class HTMLTemplateElement(Element):
    content: Any = None

    def __init__(self, tag: str) -> None:
        super().__init__(tag)
        self.content = DocumentFragment()


def create_element(tag: str) -> Element:
    tag = tag.lower()
    if tag in ("button", "input", "textarea"):
        return FormControl(tag)
    if tag == "select":
        raise NotImplementedError(lacking("<select>"))
    return {"form": HTMLFormElement, "template": HTMLTemplateElement}.get(tag, Element)(tag)


class Document(Node):
    nodeType = DOCUMENT
    URL = ""
    documentElement = head = body = adoptedStyleSheets = None  # type: Any

    def __init__(self) -> None:
        super().__init__()
        self._active: Any = None
        self.begin("")

    def begin(self, url: str, html: str = "") -> None:
        """Another page, at this address; whoever listened to the one before hears nothing any more."""
        forget()
        for node in self._children:
            node.parentNode = None
        self._children, self._listeners, self._active = [], [], None
        self.adoptedStyleSheets = Array()
        self.URL = url
        self.documentElement = self.appendChild(create_element("html"))
        self.head = self.documentElement.appendChild(create_element("head"))
        self.body = self.documentElement.appendChild(create_element("body"))
        read_into(self.body, html, self)

    activeElement = property(lambda self: self.body if self._active is None else self._active)

    def createElement(self, tag: str) -> Element:
        return create_element(tag)

    def createTextNode(self, data: Any) -> Text:
        return create_text(data)

    def getElementById(self, name: str) -> Any:
        found = (node for node in self.descendants() if node.nodeType == ELEMENT and node.id == name)
        return next(found, None)

    def visible_text(self) -> str:
        """What a person can read, each text once, with single blanks."""
        texts = [
            node.textContent
            for node in self.body.descendants()
            if node.nodeType == TEXT and node.parentNode.localName not in UNSEEN and node.parentNode.is_visible()
        ]
        return " ".join(" ".join(texts).split())


document: Document = Document()
