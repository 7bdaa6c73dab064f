"""component and bind: what a page shows follows the session. Loaded when one of them is called.

Knows the DOM, effects and a Provider's store and actions; nothing of the wire. Whatever comes from a session is put
into the page as text, or as the http(s) address of a picture. On MicroPython nobody can catch what JavaScript throws at
once, so whatever may throw is asked about before.
"""

import asyncio
import json
import sys

import js

from .errors import NextAuthError, UnsafeURL, explain_error, is_error_code, report
from .protocol import parse_json
from .provider import Subscription
from .reactive import Effect
from .session import MISSING, User, look
from .urls import query_of, resolve

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any, Callable, Coroutine, Optional

    from .provider import Provider
    from .session import AuthProvider, SessionState

if sys.implementation.name == "micropython":
    from jsffi import create_proxy
else:
    from pyodide.ffi import create_proxy

ELEMENT, TEXT = 1, 3  # Node.nodeType


def is_page() -> bool:
    """A worker has no DOM."""
    return hasattr(js, "document")


def _is_node(value: "Any") -> bool:
    return hasattr(value, "nodeType")  # JavaScript's null is a thing of its own on Pyodide


def _node_of(value: "Any") -> "Any":
    """The DOM's own node of it; `pyscript.web` wraps one."""
    return value._dom_element if hasattr(value, "_dom_element") else value


def _is_selector(text: str) -> bool:
    """Whether querySelectorAll takes it. It throws at what it does not; a style sheet only leaves it out."""
    if "{" in text or "}" in text:  # which a style sheet forgives
        return False
    sheet = js.CSSStyleSheet.new()
    sheet.replaceSync(text + "{}")
    return int(sheet.cssRules.length) == 1 and hasattr(sheet.cssRules.item(0), "selectorText")


def find_one(target: "Any") -> "Any":
    """The one element that a selector names, or the element itself. Raises `ValueError` or `TypeError`."""
    if isinstance(target, str):
        if not _is_selector(target):
            raise ValueError(f"{target!r} is not a CSS selector")
        found = js.document.querySelectorAll(target)
        if int(found.length) != 1:
            count = f"{int(found.length)} elements match" if int(found.length) else "no element matches"
            raise ValueError(f"{count} {target!r}, and it takes a selector of exactly one that is there already")
        return found.item(0)
    node = _node_of(target)
    if not _is_node(node) or node.nodeType != ELEMENT:
        raise TypeError(f"it takes a CSS selector or an element, not {type(target).__name__}")
    return node


def describe(element: "Any") -> str:
    """The element's opening tag, for a message to the page's author."""
    tag = str(element.cloneNode(False).outerHTML).partition("</")[0]
    return tag if len(tag) <= 200 else tag[:200] + "…"


# ── component ────────────────────────────────────────────────────────────────────────────────────


_served = js.WeakSet.new()  # targets


class Component(Effect):
    """An effect whose result is what the target shows. `dispose()` also takes that out of the page."""

    def __init__(self, function: "Callable[[], object]", target: "Any") -> None:
        self._name = getattr(function, "__name__", repr(function))
        self._parts: "Optional[list[Any]]" = None  # texts and nodes, as they were returned
        self._nodes: "list[Any]" = []  # the same as the nodes that stand in the page
        try:
            self._target = find_one(target)
            if _served.has(self._target):
                raise ValueError(f"{describe(self._target)} shows a component already: dispose of that one first")
        except (TypeError, ValueError) as error:
            raise type(error)(f"component {self._name}: {error}")
        _served.add(self._target)
        self._target_name = repr(target) if isinstance(target, str) else describe(self._target)
        Effect.__init__(self, function)

    def describe(self) -> str:
        return f"component {self._name} in {self._target_name}"

    def came(self, result: "Any") -> None:
        parts: "list[Any]" = []
        nodes = js.Set.new()
        for part in result if isinstance(result, (list, tuple)) else (result,):
            part = self._understand(part)
            if part is not None:
                parts.append(part)
            if _is_node(part):
                if nodes.has(part):
                    raise ValueError("a component cannot return the same element twice")
                nodes.add(part)
        if self._parts is None or not _same(parts, self._parts):
            self._put(parts)

    def _understand(self, part: "Any") -> "Any":
        if part is None or isinstance(part, str):
            return part
        if isinstance(part, (int, float)) and not isinstance(part, bool):
            return str(part)
        node = _node_of(part)
        if not _is_node(node) or node.nodeType not in (ELEMENT, TEXT):
            raise TypeError(
                f"a component returns text, an element, a list of these, or None for nothing, not {type(part).__name__}"
            )
        if node.contains(self._target):
            raise ValueError("a component cannot return an element that holds its target")
        return node

    def _put(self, parts: "list[Any]") -> None:
        old = self._nodes if all(self._target.isSameNode(node.parentNode) for node in self._nodes) else []
        if not old:
            self._target.replaceChildren()  # what the page's author wrote, or what somebody else did to it
        reusable = [node for part, node in zip(self._parts or [], old) if isinstance(part, str)]
        nodes, wanted = [], js.Set.new()
        for part in parts:
            node = part
            if isinstance(part, str):
                node = reusable.pop(0) if reusable else js.document.createTextNode("")
                if str(node.data) != part:
                    node.data = part
            nodes.append(node)
            wanted.add(node)
        for node in old:
            if not wanted.has(node):
                node.remove()
        # What is moved loses focus and caret: what stays where it is is not, nor what has the focus.
        place = self._target.firstChild
        active = _active_beside(self._target)
        for node in nodes:
            if self._target.isSameNode(node.parentNode) and node.contains(active):
                while not place.isSameNode(node):
                    before, place = place, place.nextSibling
                    self._target.append(before)
            if _is_node(place) and place.isSameNode(node):
                place = place.nextSibling
            else:
                self._target.insertBefore(node, place)
        self._parts, self._nodes = parts, nodes

    def dispose(self) -> None:
        if not self._disposed:  # later the target may be another's
            _served.delete(self._target)
        Effect.dispose(self)
        for node in self._nodes:
            if self._target.isSameNode(node.parentNode):
                node.remove()
        self._nodes = []


def _active_beside(node: "Any") -> "Any":
    """What has the focus, in the document or shadow tree that the node stands in."""
    root = node.getRootNode()
    return root.activeElement if hasattr(root, "activeElement") else js.document.activeElement


def _same(parts: "list[Any]", others: "list[Any]") -> bool:
    if len(parts) != len(others):
        return False
    for part, other in zip(parts, others):
        if isinstance(part, str) or isinstance(other, str):
            if not isinstance(other, str) or part != other:
                return False
        elif not part.isSameNode(other):
            return False
    return True


# ── bind ─────────────────────────────────────────────────────────────────────────────────────────

STATUSES = ("authenticated", "unauthenticated", "loading")
STATE = "data-auth-state"  # on the root: the status, and "error" behind it when there is one
ACTIONS = "[data-auth-signin],[data-auth-signout]"
SUBMITS = "button:not([type=button]):not([type=reset]),input[type=submit],input[type=image]"
LEAVING = 10.0  # seconds that the browser may take to leave the page, before it is taken to stay (a download)

WHO = (("status",), ("session", "user"))  # what differs when somebody signs in or out; `expires` always does

ANNOUNCED = {"authenticated": "You are signed in.", "unauthenticated": "You are signed out."}

_bound: "list[Binding]" = []


def _style() -> str:
    """One attribute on the root shows and hides any number of elements."""
    rules = [
        "[data-auth-said]{position:absolute;width:1px;height:1px;overflow:hidden;clip-path:inset(50%)}",
        ":where([data-auth-text]){unicode-bidi:isolate}",  # a name may turn the direction, but only its own
    ]
    for status in STATUSES:
        for state in (status, status + " error"):
            root = f'[{STATE}="{state}"]'
            others = "[data-auth-show]" + "".join([f":not([data-auth-show~={word}])" for word in state.split()])
            rules.append(f"{root} {others},{root}{others}{{display:none!important}}")
    return "\n".join(rules)


class _Place:
    """Every element that shows the value at one path of the session; where there is none, its author's own."""

    def __init__(self, path: "tuple[str, ...]", first: "Any") -> None:
        self.path = path
        self.first = first
        self.value: "Optional[str]" = None
        self.elements: "dict[int, tuple[Any, Any]]" = {}  # number -> the node, and what its author wrote

    def show(self, value: "Optional[str]") -> None:
        if value != self.value:
            self.value = value
            for node, own in self.elements.values():
                self.put(node, own, value)

    def put(self, node: "Any", own: "Any", value: "Optional[str]") -> None:
        raise NotImplementedError


class _Texts(_Place):
    def __init__(self, path: "tuple[str, ...]", first: "Any") -> None:
        _Place.__init__(self, path, first)
        self.displaced: "dict[int, Any]" = {}  # number -> the element, whose text somebody has replaced

    def show(self, value: "Optional[str]") -> None:
        if value != self.value:
            self.put_back()
        if value is None or value == self.value:
            _Place.show(self, value)
            return
        self.value = value
        for node, _ in self.elements.values():
            node.data = value

    def put_back(self) -> None:
        """Only for a new value: who translates a page replaces texts, and would do so again."""
        for number, element in self.displaced.items():
            element.replaceChildren(self.elements[number][0])
        self.displaced = {}

    def put(self, node: "Any", own: str, value: "Optional[str]") -> None:
        node.data = own if value is None else value


class _Sources(_Place):
    def put(self, node: "Any", own: "Optional[str]", value: "Optional[str]") -> None:
        source = own if value is None else value
        _set_attribute(node, "src", source)


class Binding(Subscription):
    """Serves the `data-auth-*` attributes below a root until `dispose()`, which leaves the page as it was written."""

    def __init__(self, provider: "Provider", root: "Any", messages: "Optional[dict[str, str]]") -> None:
        try:
            self._root = js.document.documentElement if root is None else find_one(root)
        except ValueError as error:
            raise ValueError(f"bind: {error}")
        if messages is not None and not isinstance(messages, dict):
            raise TypeError("messages= takes a dict of sentences by code")
        for other in _bound:
            if other._root.contains(self._root) or self._root.contains(other._root):
                raise RuntimeError(
                    f"bind() serves {describe(other._root)} already, which {describe(self._root)} has to do with. "
                    "Dispose of that handle first, or give each its own part of the page."
                )
        self.provider = provider  # an implicit one may be replaced by the page's own
        self._messages = messages or {}
        self._places: "dict[tuple[str, tuple[str, ...]], _Place]" = {}
        self._errors: "dict[int, Any]" = {}
        self._form_errors: "dict[int, Any]" = {}  # each says what its form could not do
        self._lists: "dict[int, tuple[Any, list[Any]]]" = {}  # a container and the nodes put into it
        self._providers: "Optional[list[AuthProvider]]" = None
        self._may_ask = True  # for them
        self._asks = False  # and has no answer yet
        self._warned: "list[str]" = []
        self._shown = ""
        self._failure: "Optional[str]" = None  # the code of what the button pressed last could not do
        self._outdated_by = 0  # so many good answers
        self._came_with = query_of(str(js.location.href)).get("error")  # what went wrong on the way to this page
        self._known = str(provider._store.value.at(("status",), True))  # the newest, but for "loading" after another
        self._numbers = 0
        self._releases: "dict[int, Callable[[], None]]" = {}
        self._texts = js.Map.new()
        self._kinds = [
            ("data-auth-error", self._add_error, js.Map.new()),  # before the next, which takes `hidden` away
            ("data-auth-show", self._add_show, js.Map.new()),
            ("data-auth-text", self._add_text, self._texts),
            ("data-auth-src", self._add_source, js.Map.new()),
            ("data-auth-form", self._add_form, js.Map.new()),
            ("data-auth-providers", self._add_list, js.Map.new()),
        ]
        scope = self._root.getRootNode()
        self._scope = scope if hasattr(scope, "adoptedStyleSheets") else js.document
        self._sheet = js.CSSStyleSheet.new()
        self._sheet.replaceSync(_style())
        self._scope.adoptedStyleSheets.push(self._sheet)
        self._said = js.document.createElement("div")
        for name, value in (("role", "status"), ("aria-live", "polite"), ("data-auth-said", "")):
            self._said.setAttribute(name, value)
        self._add_said()
        if hasattr(js, "nextauthEarly"):
            js.nextauthEarly.stop()  # it puts back what the page's author wrote, and nothing is painted meanwhile
        self._follow(provider._store.value)  # the rules hold before any `hidden` is taken off
        self._add_below(self._root)
        self._leaving: "list[asyncio.Event]" = []  # set when the page is left
        self._times_left = 0
        self._click = self._listen(self._root, "click", self._clicked)
        self._submit = self._listen(self._root, "submit", self._submitted)
        self._pagehide = self._listen(js.window, "pagehide", self._left)
        self._mutated = create_proxy(lambda records, *_: self._guard(self._changed, records))
        self._observer = js.MutationObserver.new(self._mutated)
        watched = {"childList": True, "subtree": True, "attributeFilter": [kind[0] for kind in self._kinds]}
        self._observer.observe(self._root, js.JSON.parse(json.dumps(watched)))
        self._unsubscribe = provider._store.subscribe(self._heard)
        provider._bindings.append(self)
        _bound.append(self)

    def dispose(self) -> None:
        """Twice does no harm."""
        if self not in _bound:
            return
        _bound.remove(self)
        self.provider._bindings.remove(self)
        self._unsubscribe()
        self._observer.disconnect()
        self._root.removeEventListener("click", self._click)
        self._root.removeEventListener("submit", self._submit)
        js.window.removeEventListener("pagehide", self._pagehide)
        self._left(None)
        for proxy in (self._click, self._submit, self._pagehide, self._mutated):
            if hasattr(proxy, "destroy"):  # MicroPython's proxies are collected
                proxy.destroy()
        # No collector sees a circle through both languages.
        self._click = self._submit = self._pagehide = self._mutated = self._observer = None
        for number in sorted(self._releases, reverse=True):
            self._releases.pop(number)()
        self._said.remove()
        self._root.removeAttribute(STATE)
        sheets = self._scope.adoptedStyleSheets
        sheets.splice(sheets.indexOf(self._sheet), 1)

    def _add_said(self) -> None:
        (js.document.body if self._scope.nodeType == 9 else self._root).append(self._said)

    def _listen(self, target: "Any", name: str, listener: "Callable[[Any], object]") -> "Any":
        proxy = create_proxy(lambda event: self._guard(listener, event))
        target.addEventListener(name, proxy)
        return proxy

    def _guard(self, function: "Callable[[Any], object]", argument: "Any") -> None:
        try:
            function(argument)
        except Exception as error:
            report(error, "bind")

    def _warn(self, element: "Any", text: str) -> None:
        line = f"nextauth_client: {describe(element)} {text}"
        if line not in self._warned:
            self._warned.append(line)
            js.console.warn(line)

    # ── elements come and go ─────────────────────────────────────────────────────────────────────

    def _changed(self, records: "Any") -> None:
        for record in records:
            if str(record.type) == "attributes":
                self._attribute_changed(record.target, str(record.attributeName))
                continue
            self._content_changed(record.target)
            for node in record.removedNodes:
                if node.nodeType == ELEMENT and not self._root.contains(node):
                    self._release_below(node)
            for node in record.addedNodes:
                if node.nodeType == ELEMENT and self._root.contains(node):
                    self._add_below(node)

    def _attribute_changed(self, element: "Any", name: str) -> None:
        self._release_from(name, element)
        if element.hasAttribute(name) and self._root.contains(element):
            for kind in self._kinds:
                if kind[0] == name:
                    self._add(kind, element)

    def _content_changed(self, element: "Any") -> None:
        """Somebody else may have taken away the text that is served."""
        numbers = self._texts
        if numbers.has(element):
            number = int(numbers.get(element))
            for place in self._places.values():
                if not isinstance(place, _Texts) or number not in place.elements:
                    continue
                if not element.isSameNode(place.elements[number][0].parentNode):
                    place.displaced[number] = element

    def _elements(self, top: "Any", name: str) -> "list[Any]":
        found = list(top.querySelectorAll(f"[{name}]"))
        return [top] + found if top.hasAttribute(name) else found

    def _add_below(self, top: "Any") -> None:
        for kind in self._kinds:
            for element in self._elements(top, kind[0]):
                self._add(kind, element)

    def _release_below(self, top: "Any") -> None:
        for kind in reversed(self._kinds):
            for element in self._elements(top, kind[0]):
                self._release(kind, element)

    def _add(self, kind: "tuple[str, Any, Any]", element: "Any") -> None:
        name, add, numbers = kind
        if not numbers.has(element):
            for other in _bound:
                if other is not self:  # the element came from there, and that one has not heard of it yet
                    other._release_from(name, element)
            self._numbers += 1
            numbers.set(element, self._numbers)
            self._releases[self._numbers] = add(element, str(element.getAttribute(name)).strip(), self._numbers)

    def _release(self, kind: "tuple[str, Any, Any]", element: "Any") -> None:
        _, _, numbers = kind
        if numbers.has(element):
            release = self._releases.pop(int(numbers.get(element)), None)
            numbers.delete(element)
            if release is not None:
                release()

    def _release_from(self, name: str, element: "Any") -> None:
        for kind in self._kinds:
            if kind[0] == name:
                self._release(kind, element)

    def _add_show(self, element: "Any", value: str, number: int) -> "Callable[[], None]":
        words = value.split()
        unknown = [word for word in words if word != "error" and word not in STATUSES]
        if unknown or not words:
            self._warn(
                element, f"is shown for {' '.join(unknown)!r}, which never is: say {', '.join(STATUSES)} or error."
            )
        own = _attribute(element, "hidden")
        element.removeAttribute("hidden")
        return lambda: _set_attribute(element, "hidden", own)

    def _add_text(self, element: "Any", value: str, number: int) -> "Callable[[], None]":
        own, written = str(element.textContent), list(element.childNodes)
        if int(element.children.length):
            self._warn(element, "has elements in it, which its text replaces: give the text an element of its own.")
        if len(written) == 1 and written[0].nodeType == TEXT:
            return self._add_to(_Texts, element, written[0], own, value, number)
        node = js.document.createTextNode(own)
        element.replaceChildren(node)
        release = self._add_to(_Texts, element, node, own, value, number)

        def put_back() -> None:
            release()
            element.replaceChildren(*written)

        return put_back

    def _add_source(self, element: "Any", value: str, number: int) -> "Callable[[], None]":
        if str(element.localName) != "img":
            self._warn(element, "cannot have data-auth-src: only an <img> can.")
            return _nothing
        own = _attribute(element, "src") or None  # the early script leaves an empty one where there was none
        return self._add_to(_Sources, element, element, own, value, number)

    def _add_to(
        self, kind: "type[_Place]", element: "Any", node: "Any", own: "Any", value: str, number: int
    ) -> "Callable[[], None]":
        path = tuple(value.split("."))
        if "" in path:
            self._warn(element, f"reads {value!r}, which is no path: write one such as user.name.")
            return _nothing
        place = self._places.get((kind.__name__, path))
        if place is None:
            place = self._places[(kind.__name__, path)] = kind(path, element)
            place.value = self._value(place, self.provider._store.value.at(("session",), True))
        place.elements[number] = (node, own)
        if place.value is not None:
            place.put(node, own, place.value)

        def release() -> None:
            if isinstance(place, _Texts) and number in place.displaced:
                place.displaced.pop(number).replaceChildren(node)
            del place.elements[number]
            place.put(node, own, None)
            if not place.elements:
                del self._places[(kind.__name__, path)]

        return release

    def _add_error(self, element: "Any", value: str, number: int) -> "Callable[[], None]":
        own, written = {name: _attribute(element, name) for name in ("role", "hidden")}, list(element.childNodes)
        if own["role"] is None:
            element.setAttribute("role", "alert")
        if _is_node(element.closest("[data-auth-form]")):
            self._form_errors[number] = element
            _say(element, "")
        else:
            self._errors[number] = element
            _say(element, explain_error(self._problem(self.provider._store.value), self._messages))

        def release() -> None:
            self._errors.pop(number, None)
            self._form_errors.pop(number, None)
            element.replaceChildren(*written)
            for name, text in own.items():
                _set_attribute(element, name, text)

        return release

    def _add_form(self, element: "Any", value: str, number: int) -> "Callable[[], None]":
        if not value:
            self._warn(element, 'names no way to sign in: write data-auth-form="credentials".')
        if str(element.localName) != "form":
            self._warn(element, "is no form.")
        return _nothing

    # ── providers ────────────────────────────────────────────────────────────────────────────────

    def _add_list(self, element: "Any", value: str, number: int) -> "Callable[[], None]":
        if not _is_node(element.querySelector("template")):
            self._warn(element, "needs a <template> with a button in it.")
            return _nothing
        self._lists[number] = (element, [])
        self._fill_lists()

        def release() -> None:
            for node in self._lists.pop(number)[1]:
                node.remove()

        return release

    def _fill_lists(self) -> None:
        if self._providers is None:
            if self._may_ask and self._lists and not self._asks:
                self._may_ask = False
                self._asks = True
                self.provider._start(self._ask_providers())
            return
        for element, nodes in self._lists.values():
            if not nodes:
                for provider in self._providers:
                    nodes.extend(self._provider_nodes(element, provider))
                element.append(*nodes)

    async def _ask_providers(self) -> None:
        """A failure is said on the console only, for it tells nothing of the session; they are asked for again once the
        backend has given a good answer.
        """
        if self not in _bound:  # disposed of before the task began
            return
        try:
            self._providers = list((await self.provider.get_providers()).values())
        except NextAuthError as error:
            if self in _bound:
                report(error, "asking for what data-auth-providers shows")
            return
        finally:
            self._asks = False
        self._fill_lists()

    def _provider_nodes(self, element: "Any", provider: "AuthProvider") -> "list[Any]":
        """The template's content for one provider."""
        copy = element.querySelector("template").content.cloneNode(True)
        for place in copy.querySelectorAll("[data-auth-text]"):
            value = {"name": provider.name, "id": provider.id, "type": provider.type}
            path = str(place.getAttribute("data-auth-text"))
            if path.startswith("provider.") and path[9:] in value:
                place.textContent = value[path[9:]]
                place.removeAttribute("data-auth-text")
        button = copy.querySelector("[data-auth-signin]")
        if not _is_node(button):
            button = copy.querySelector("button,a")
        if not _is_node(button):
            self._warn(element, "has no button in its <template>.")
            return []
        # What needs fields first is filled in on the backend's own page.
        needs_fields = provider.type in ("credentials", "email")
        button.setAttribute("data-auth-signin", "" if needs_fields else provider.id)
        if not str(button.textContent).strip():
            button.append(provider.name)
        return list(copy.childNodes)

    # ── the state ────────────────────────────────────────────────────────────────────────────────

    def _heard(self, state: "SessionState", previous: "SessionState") -> None:
        is_asking, was_asking = state.at(("refreshing",), True), previous.at(("refreshing",), True)
        answered = was_asking and not is_asking and state.at(("error",), True) is None
        changed = any(state.at(path, True) != previous.at(path, True) for path in WHO)
        if answered or changed:
            self._may_ask = True
        if self._failure is not None:
            self._outdated_by -= 1 if answered else 0
            if changed or self._outdated_by == 0:
                self._failure = None
        self._follow(state)

    def _follow(self, state: "SessionState") -> None:
        session = state.at(("session",), True)
        status = str(state.at(("status",), True))
        if status == "authenticated":
            self._came_with = None
        problem = self._problem(state)
        shown = status + " error" if problem else status
        if shown != self._shown:
            self._shown = shown
            self._root.setAttribute(STATE, shown)
        for place in self._places.values():
            place.show(self._value(place, session))
        for element in self._errors.values():
            _say(element, explain_error(problem, self._messages))
        if status != self._known and status in ANNOUNCED:
            if self._known in ANNOUNCED:  # the first answer belongs to the page's start
                for element in self._form_errors.values():
                    _say(element, "")
                if not self._said.isConnected:  # somebody has replaced all of the page
                    self._add_said()
                self._said.textContent = self._messages.get(status, ANNOUNCED[status])
            self._known = status
        self._fill_lists()

    def _problem(self, state: "SessionState") -> "Optional[str]":
        """The code of what went wrong: lately, or on the way to this page."""
        error: "Optional[NextAuthError]" = state.at(("error",), True)
        if self._failure is not None:
            return self._failure
        if error is not None:
            return error.code
        code = self._came_with
        return code if is_error_code(code) or code in self._messages else None

    def _value(self, place: _Place, session: "Any") -> "Optional[str]":
        """What the place shows; `None` for what its author wrote."""
        if session is None:
            return None
        path = place.path
        value = look(session, path)
        if value is MISSING:
            if not (len(path) == 2 and path[0] == "user" and path[1] in User._optional):
                self._warn(place.first, f"reads {'.'.join(path)!r}, which this session does not have.")
            return None
        if value is None:
            return None
        if isinstance(value, bool):
            value = "true" if value else "false"
        if isinstance(value, (dict, list)):
            self._warn(place.first, f"reads {'.'.join(path)!r}, which is no single value.")
            return None
        if not isinstance(place, _Sources):
            return str(value)
        try:
            return resolve(str(value), str(js.document.baseURI)) if value != "" else None
        except UnsafeURL:
            self._warn(place.first, f"does not show {'.'.join(path)!r}: it is no http(s) address.")
            return None

    # ── actions ──────────────────────────────────────────────────────────────────────────────────

    def _clicked(self, event: "Any") -> None:
        if event.defaultPrevented or not hasattr(event.target, "closest"):
            return
        element = event.target.closest(ACTIONS)
        if not _is_node(element) or not self._root.contains(element):
            return
        if (event.ctrlKey or event.metaKey or event.shiftKey or event.altKey) and _is_node(element.closest("a[href]")):
            return  # the person opens it elsewhere
        event.preventDefault()
        if not _is_busy(element):
            self._begin(element, [element], lambda: self._act(element))

    def _submitted(self, event: "Any") -> None:
        form = event.target
        if event.defaultPrevented or not form.hasAttribute("data-auth-form"):
            return
        event.preventDefault()
        if not _is_busy(form):
            # Before its buttons are disabled: the one that was pressed may be a field too.
            fields = _fields_of(form, event.submitter if hasattr(event, "submitter") else None)
            self._begin(form, _submits_of(form), lambda: self._send(form, fields))

    def _begin(self, element: "Any", buttons: "list[Any]", action: "Callable[[], Coroutine[Any, Any, None]]") -> None:
        """The buttons are disabled at once, so that a second click which comes before the task begins does nothing."""
        free = _set_busy(element, buttons)

        async def run() -> None:
            try:
                await action()
            finally:
                free()

        self.provider._start(run())

    def _callback_url(self, element: "Any") -> "Optional[str]":
        source = element.closest("[data-auth-callback-url]")
        if not _is_node(source):
            return None
        url = str(source.getAttribute("data-auth-callback-url"))
        try:
            return resolve(url, str(js.location.href))
        except UnsafeURL:
            self._warn(source, "leads to no http(s) address, so the person comes back to this page.")
            return None

    async def _act(self, element: "Any") -> None:
        self._fail(None)
        times_left = self._times_left
        callback_url = self._callback_url(element)
        try:
            if element.hasAttribute("data-auth-signout"):
                await self.provider.sign_out(callback_url=callback_url)
            else:
                await self._sign_in_by(element, callback_url)
            await self._leave(times_left)
        except NextAuthError as error:
            if not self._errors:
                raise  # on the console, and the state's error until the next answer
            self._fail(error.code)

    async def _sign_in_by(self, element: "Any", callback_url: "Optional[str]") -> None:
        name = str(element.getAttribute("data-auth-signin")).strip()
        try:
            result = await self.provider.sign_in(name or None, callback_url=callback_url)
        except ValueError as error:  # there is no address to send an e-mail to
            self._warn(element, f"leads to the backend's own sign-in page, which has the field for it. {error}")
            await self.provider.sign_in(callback_url=callback_url)
        else:
            self._warn_of_unknown(element, name, result.url)

    async def _leave(self, times_left: int) -> None:
        """Wait until the page is left: it may come back, from the browser's cache, and its buttons are free then.

        `times_left` is from before the action, for the page may have been left, and have come back, during it.
        """
        if self._times_left != times_left:
            return
        left = asyncio.Event()
        self._leaving.append(left)
        try:
            await asyncio.wait_for(left.wait(), LEAVING)
        except asyncio.TimeoutError:
            pass
        finally:
            self._leaving.remove(left)

    def _left(self, _event: "Any") -> None:
        self._times_left += 1
        for left in self._leaving:
            left.set()

    def _fail(self, code: "Optional[str]") -> None:
        self._failure = code
        self._outdated_by = 2  # the first may be to the question that follows the failed action itself
        self._follow(self.provider._store.value)

    async def _send(self, form: "Any", fields: "dict[str, str]") -> None:
        problems = list(form.querySelectorAll("[data-auth-error]"))

        def tell(code: "Optional[str]") -> None:
            for problem in problems:
                _say(problem, explain_error(code, self._messages))
            if not problems:
                self._fail(code)
                if code and not self._errors:
                    self._warn(form, f"was refused ({code}), and no data-auth-error tells the person so.")

        tell(None)
        try:
            code = await self._sign_in_with(form, fields)
        except NextAuthError as error:
            if not problems and not self._errors:
                raise  # as above
            code = error.code
        tell(code)

    async def _sign_in_with(self, form: "Any", fields: "dict[str, str]") -> "Optional[str]":
        """The code of what the backend has against it, if anything."""
        name = str(form.getAttribute("data-auth-form")).strip()
        callback_url = self._callback_url(form)
        times_left = self._times_left
        try:
            result = await self.provider.sign_in(name or None, callback_url=callback_url, redirect=False, fields=fields)
        except ValueError:  # no address to send an e-mail to
            return "EmailSignin"
        if not result:
            return result.code if result.code in self._messages else result.error
        self._warn_of_unknown(form, name, result.url)
        js.HTMLFormElement.prototype.reset.call(form)  # a field may be called reset
        if result.url and (callback_url is not None or "/verify-request" in result.url):
            await self.provider._host.navigate(result.url)
            await self._leave(times_left)
        return None

    def _warn_of_unknown(self, element: "Any", name: str, url: "Optional[str]") -> None:
        if name and (url or "").startswith(self.provider._base + "/signin?"):
            self._warn(element, f"names {name!r}, which the backend does not offer: it shows its own sign-in page.")


def _nothing() -> None:
    """Nothing was done to the element."""


def _attribute(element: "Any", name: str) -> "Optional[str]":
    return str(element.getAttribute(name)) if element.hasAttribute(name) else None


def _set_attribute(element: "Any", name: str, value: "Optional[str]") -> None:
    if value is None:
        element.removeAttribute(name)
    else:
        element.setAttribute(name, value)


def _say(element: "Any", text: str) -> None:
    if str(element.textContent) != text:
        element.textContent = text
    element.hidden = not text


def _submits_of(form: "Any") -> "list[Any]":
    buttons = list(form.querySelectorAll(SUBMITS))
    if not form.id:
        return buttons
    elsewhere = js.document.querySelectorAll(SUBMITS)
    return buttons + [button for button in elsewhere if form.isSameNode(button.form) and not form.contains(button)]


def _fields_of(form: "Any", submitter: "Any") -> "dict[str, str]":
    entries = js.Object.fromEntries(js.FormData.new(form, submitter))
    fields = parse_json(str(js.JSON.stringify(entries)))
    return {name: value for name, value in fields.items() if isinstance(value, str)}  # a file is none


def _is_busy(element: "Any") -> bool:
    return bool(str(element.getAttribute("aria-busy")) == "true")


def _set_busy(element: "Any", buttons: "list[Any]") -> "Callable[[], None]":
    """Disables the buttons; what is returned frees them again."""
    element.setAttribute("aria-busy", "true")
    active = _active_beside(element)
    disabled = [button for button in buttons if hasattr(button, "disabled") and not button.disabled]  # a link cannot be
    focused = [button for button in disabled if button.isSameNode(active)]
    for button in disabled:
        button.disabled = True
        button.setAttribute("aria-busy", "true")

    def free() -> None:
        element.removeAttribute("aria-busy")
        for button in disabled:
            button.disabled = False
            button.removeAttribute("aria-busy")
        for button in focused:  # a disabled button loses the focus
            if js.document.body.isSameNode(js.document.activeElement):
                button.focus()

    return free
