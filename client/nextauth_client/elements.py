"""Nodes and elements of the page: found, described, read and changed. Knows nothing of sessions.

A field called `getAttribute` hides that method of its form, and a picture called `body` that of the document. So the
functions here are the prototypes' own: `contains(node, other)` is what `node.contains(other)` means. On MicroPython
nobody can catch what JavaScript throws at once, so whatever may throw is asked about before.
"""

import js

from .bridge import has

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any, Optional

ELEMENT, TEXT, DOCUMENT = 1, 3, 9  # Node.nodeType

_member = js.Reflect.get  # `thing.name` has its `this` already on MicroPython
_call = _member(js.Function.prototype, "call")

IGNORE = "data-auth-ignore"  # no attribute does anything at or below an element with this one: people's own HTML
IGNORED = f"[{IGNORE}],[{IGNORE}] *"


def _method(interface: "Any", name: str) -> "Any":
    return _call.bind(_member(interface.prototype, name))


def _getter(interface: "Any", name: str) -> "Any":
    return _call.bind(_member(js.Object.getOwnPropertyDescriptor(interface.prototype, name), "get"))


def _of_document(name: str) -> "Any":
    return _member(js.Document.prototype, name).bind(js.document)


node_type = _getter(js.Node, "nodeType")
parent_of = _getter(js.Node, "parentNode")
first_child = _getter(js.Node, "firstChild")
next_sibling = _getter(js.Node, "nextSibling")
child_nodes = _getter(js.Node, "childNodes")
text_of = _getter(js.Node, "textContent")
is_connected = _getter(js.Node, "isConnected")
contains = _method(js.Node, "contains")
is_same = _method(js.Node, "isSameNode")
root_of = _method(js.Node, "getRootNode")
clone = _method(js.Node, "cloneNode")
insert_before = _method(js.Node, "insertBefore")

child_elements = _getter(js.Element, "children")
tag_of = _getter(js.Element, "localName")
outer_html = _getter(js.Element, "outerHTML")
has_attribute = _method(js.Element, "hasAttribute")
toggle_attribute = _method(js.Element, "toggleAttribute")
matches = _method(js.Element, "matches")
closest = _method(js.Element, "closest")
query = _method(js.Element, "querySelector")
query_all = _method(js.Element, "querySelectorAll")
append = _method(js.Element, "append")
replace_children = _method(js.Element, "replaceChildren")
reset_form = _method(js.HTMLFormElement, "reset")
form_controls = _getter(js.HTMLFormElement, "elements")

_get_attribute = _method(js.Element, "getAttribute")
_set_attribute = _method(js.Element, "setAttribute")
_remove_attribute = _method(js.Element, "removeAttribute")
_remove_element = _method(js.Element, "remove")
_base_uri = _getter(js.Node, "baseURI")
_active_element = _getter(js.Document, "activeElement")
_document_element = _getter(js.Document, "documentElement")
_body = _getter(js.Document, "body")
_adopted_sheets = _getter(js.Document, "adoptedStyleSheets")

create_element = _of_document("createElement")
create_text = _of_document("createTextNode")
query_document = _of_document("querySelectorAll")


def attribute(element: "Any", name: str) -> "Optional[str]":
    return str(_get_attribute(element, name)) if has_attribute(element, name) else None


def set_attribute(element: "Any", name: str, value: "Optional[str]") -> None:
    """`None` takes it away."""
    if value is None:
        _remove_attribute(element, name)
    else:
        _set_attribute(element, name, value)


def remove(node: "Any") -> None:
    if node_type(node) == ELEMENT:
        _remove_element(node)
    else:
        node.remove()


def document_element() -> "Any":
    return _document_element(js.document)


def body() -> "Any":
    return _body(js.document)


def adopted_sheets(scope: "Any") -> "Any":
    """Those of a document or shadow tree; for an element that stands in neither, those of the page."""
    if node_type(scope) == DOCUMENT:
        return _adopted_sheets(scope)
    return scope.adoptedStyleSheets if _is_shadow_root(scope) else _adopted_sheets(js.document)


def _is_shadow_root(node: "Any") -> bool:
    return node_type(node) not in (ELEMENT, DOCUMENT) and has(node, "host")


def base_url() -> str:
    """What the page's relative addresses are relative to."""
    return str(_base_uri(js.document))


def same_address(url: str, other: str) -> bool:
    """Whether both lead to one document, however they are written."""
    return _href(url).partition("#")[0] == _href(other).partition("#")[0]


def _href(url: str) -> str:
    link = create_element("a")
    link.href = url
    return str(link.href)  # as the browser writes it


def active_beside(node: "Any") -> "Any":
    """What has the focus, in the document or shadow tree that the node stands in."""
    root = root_of(node)
    return root.activeElement if _is_shadow_root(root) else _active_element(js.document)


def is_node(value: "Any") -> bool:
    return has(value, "nodeType")  # JavaScript's null is a thing of its own on Pyodide


def node_of(value: "Any") -> "Any":
    """The DOM's own node of it; `pyscript.web` wraps one."""
    return value._dom_element if has(value, "_dom_element") else value


def find_one(target: "Any") -> "Any":
    """The one element that a selector names, or the element itself. Raises `ValueError` or `TypeError`."""
    if isinstance(target, str):
        if not is_selector(target):
            raise ValueError(f"{target!r} is not a CSS selector")
        found = query_document(target)
        if int(found.length) > 1:  # people's own HTML may have an id of ours
            found = query_document(f":is({target}):not({IGNORED})")
        if int(found.length) != 1:
            count = f"{int(found.length)} elements match" if int(found.length) else "no element matches"
            raise ValueError(f"{count} {target!r}, and it takes a selector of exactly one that is there already")
        return found.item(0)
    node = node_of(target)
    if not is_node(node) or node_type(node) != ELEMENT:
        raise TypeError(f"it takes a CSS selector or an element, not {type(target).__name__}")
    return node


def is_selector(text: str) -> bool:
    """Whether querySelectorAll takes it. It throws at what it does not; a style sheet only leaves it out."""
    if "{" in text or "}" in text:  # which a style sheet forgives
        return False
    sheet = js.CSSStyleSheet.new()
    sheet.replaceSync(text + "{}")
    return int(sheet.cssRules.length) == 1 and has(sheet.cssRules.item(0), "selectorText")


def describe(element: "Any") -> str:
    """The element's opening tag, for a message to the page's author."""
    tag = str(outer_html(clone(element, False))).partition("</")[0]
    return tag if len(tag) <= 200 else tag[:200] + "…"


_warned: "list[str]" = []


def warn(element: "Any", text: str) -> None:
    """Tell the page's author something about an element, the first time that it is said."""
    line = f"nextauth_client: {describe(element)} {text}"
    if line not in _warned:
        _warned.append(line)
        js.console.warn(line)
