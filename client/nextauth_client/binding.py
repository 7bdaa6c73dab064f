"""bind: the `data-auth-*` attributes of a page are served while its elements come and go. Loaded when it is called.

Knows which elements have which attribute, and when they hear of the session; what is done to them is in `bound`,
`provider_lists` and `controls`.
"""

import js

from .bound import (
    SERVED,
    STATE,
    Announcer,
    Attribute,
    Errors,
    Pictures,
    Shows,
    Texts,
    style_sheet,
)
from .bridge import create_proxy, destroy, guarded, has_own_global, to_js
from .console import report
from .controls import Controls, Forms
from .elements import (
    DOCUMENT,
    ELEMENT,
    IGNORE,
    IGNORED,
    adopted_sheets,
    attribute,
    contains,
    describe,
    document_element,
    find_one,
    has_attribute,
    matches,
    node_type,
    query_all,
    root_of,
    set_attribute,
    warn,
)
from .errors import explain_error, is_error_code
from .provider_lists import ProviderLists
from .store import Subscription

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any, Callable, Optional

    from .actions import Actions
    from .driver import Driver
    from .errors import NextAuthError
    from .session import SessionState

IDENTITY = (("status",), ("session", "user"))  # differs when somebody signs in or out; `expires` always does
ANNOUNCED = {"authenticated": "You are signed in.", "unauthenticated": "You are signed out."}

ROOTS = "nextauthBound"  # a global variable of the page

_bindings: "list[Binding]" = []  # of this interpreter


class Binding(Subscription):
    """Serves the attributes below a root until `dispose()`, which leaves the page as it was written."""

    def __init__(
        self, driver: "Driver", actions: "Actions", root: "Any", messages: "Optional[dict[str, str]]" = None
    ) -> None:
        try:
            self._root = document_element() if root is None else find_one(root)
        except ValueError as error:
            raise ValueError(f"bind: {error}")
        if messages is not None and not isinstance(messages, dict):
            raise TypeError("messages= takes a dict of sentences by code")
        for root in _roots():
            if contains(root, self._root) or contains(self._root, root):
                raise RuntimeError(
                    f"bind() serves {describe(root)} already, which {describe(self._root)} has to do with. Dispose of "
                    "that handle first, or give each its own part of the page; py and mpy scripts share the page."
                )
        self._store = driver.store
        self._messages = messages or {}
        state = driver.store.value
        self._problem = Problem(self._messages, driver.wire.error_in_page(driver.host.page_url()))
        self._last_status = str(state.at(("status",), True))  # the newest, but for "loading" after another
        self._shown_state = ""
        self._errors = Errors(self._sentence(state))
        self._texts = Texts(state)
        self._values = (self._texts, Pictures(state))
        self._shows = Shows(state)
        self._lists = ProviderLists(driver, actions)
        kinds: "tuple[Attribute, ...]" = (self._errors, self._shows) + self._values + (Forms(), self._lists)
        self._kinds = [_Served(kind) for kind in kinds]  # errors before shows, which take `hidden` away
        self._undo: "list[Callable[[], object]]" = []  # in the order in which it was done
        self._begin(driver, actions)

    def _begin(self, driver: "Driver", actions: "Actions") -> None:
        undo = self._undo
        if matches(self._root, IGNORED):
            warn(self._root, f"stands in a part with {IGNORE}, so bind() serves nothing in it.")
        scope = root_of(self._root)
        is_document = node_type(scope) == DOCUMENT
        undo.append(_adopt(scope))
        self._announcer = Announcer(None if is_document else self._root)
        undo.append(self._announcer.remove)
        if has_own_global("nextauthEarly"):
            js.nextauthEarly.stop()  # it puts back what the page's author wrote, and nothing is painted meanwhile
        undo.append(lambda: set_attribute(self._root, STATE, None))
        self._follow(self._store.value)  # the rules hold before any `hidden` is taken off
        undo.append(self._release_all)
        self._add_below(self._root)
        undo.append(Controls(self._root, driver, actions, self._errors, self._fail, self._messages).dispose)
        if has_attribute(document_element(), "data-auth-devtools"):
            try:
                from .panel import show

                undo.append(show(driver, actions).dispose)
            except ImportError:
                warn(document_element(), "asks for tools that this page does not load: see docs/devtools.md")
        undo.append(self._observe())
        undo.append(self._store.subscribe(self._heard))
        undo.append(driver.on_stop(self.dispose))
        undo.append(lambda: _bindings.remove(self))
        _bindings.append(self)
        undo.append(lambda: _roots().delete(self._root))
        _roots().add(self._root)

    def dispose(self) -> None:
        """Twice does no harm."""
        while self._undo:
            guarded(self._undo.pop(), "dispose")()

    # ── elements come and go ─────────────────────────────────────────────────────────────────────

    def _observe(self) -> "Callable[[], None]":
        changed = guarded(self._changed, "bind")
        proxy = create_proxy(lambda records, *_: changed(records))
        observer = js.MutationObserver.new(proxy)
        names = [IGNORE] + [kind.name for kind in self._kinds]
        observer.observe(self._root, to_js({"childList": True, "subtree": True, "attributeFilter": names}))

        def stop() -> None:
            observer.disconnect()
            destroy(proxy)

        return stop

    def _changed(self, records: "Any") -> None:
        for record in records:
            if str(record.type) == "attributes":
                self._attribute_changed(record.target, str(record.attributeName))
                continue
            self._texts.content_changed(record.target)
            for node in record.removedNodes:
                if node_type(node) == ELEMENT and not contains(self._root, node):
                    self._release_below(node)
            for node in record.addedNodes:
                if node_type(node) == ELEMENT and contains(self._root, node):
                    self._revise_below(node)

    def _attribute_changed(self, element: "Any", name: str) -> None:
        if name == IGNORE:
            self._revise_below(element)
        for kind in self._kinds:
            if kind.name == name:
                kind.release(element)
                if kind.is_for(element) and contains(self._root, element):
                    self._add(kind, element)

    def _revise_below(self, top: "Any") -> None:
        """It may have come to stand in a part that is ignored, or be no longer in one."""
        if matches(top, IGNORED):
            self._release_below(top)
        else:
            for ignored in query_all(top, f"[{IGNORE}]"):
                self._release_below(ignored)
            self._add_below(top)

    def _add_below(self, top: "Any") -> None:
        for kind in self._kinds:
            for element in kind.elements(top, SERVED):
                self._add(kind, element)

    def _add(self, kind: "_Served", element: "Any") -> None:
        if not kind.has(element):
            for other in _bindings:
                if other is not self:  # the element came from there, and that one has not heard of it yet
                    other._release(kind.name, element)
            try:
                kind.add(element)
            except Exception as error:  # it takes no other with it
                report(error, f"bind of {describe(element)}")

    def _release(self, name: str, element: "Any") -> None:
        for kind in self._kinds:
            if kind.name == name:
                kind.release(element)

    def _release_below(self, top: "Any") -> None:
        found = []
        for kind in self._kinds:
            found += [(kind.number_of(element), kind) for element in kind.elements(top) if kind.has(element)]
        _release_last_first(found)

    def _release_all(self) -> None:
        found = []
        for kind in self._kinds:
            found += [(number, kind) for number in kind.numbers()]
        _release_last_first(found)

    # ── the state ────────────────────────────────────────────────────────────────────────────────

    def _heard(self, state: "SessionState", previous: "SessionState") -> None:
        is_asking, was_asking = state.at(("refreshing",), True), previous.at(("refreshing",), True)
        answered = was_asking and not is_asking and state.at(("error",), True) is None
        changed = any(state.at(path, True) != previous.at(path, True) for path in IDENTITY)
        if answered or changed:
            self._lists.may_ask = True
        self._problem.heard(answered, changed)
        self._follow(state)

    def _follow(self, state: "SessionState") -> None:
        status = str(state.at(("status",), True))
        if status == "authenticated":
            self._problem.arrived()
        shown = status
        if state.at(("expiring",), True):
            shown += " expiring"
        if state.at(("idle_in",), True) is not None:
            shown += " idle"
        if self._problem.code(state):
            shown += " error"
        if shown != self._shown_state:
            self._shown_state = shown
            set_attribute(self._root, STATE, shown)
        for values in (self._shows,) + self._values:
            values.follow(state)
        self._errors.follow(self._sentence(state))
        if status != self._last_status and status in ANNOUNCED:
            if self._last_status in ANNOUNCED:  # the first answer belongs to the page's start
                self._errors.clear_forms()
                self._announcer.announce(self._messages.get(status, ANNOUNCED[status]))
            self._last_status = status
        self._lists.fill()

    def _sentence(self, state: "SessionState") -> str:
        return explain_error(self._problem.code(state), self._messages)

    def _fail(self, code: "Optional[str]") -> None:
        self._problem.fail(code)
        self._follow(self._store.value)


class _Served:
    """The elements that are served for one attribute."""

    _numbers = 0

    def __init__(self, kind: Attribute) -> None:
        self.name = kind.name
        self._kind = kind
        self._elements = js.Map.new()  # element -> its number, one of a kind, and later ones are larger
        self._releases: "dict[int, tuple[Any, Callable[[], object]]]" = {}

    def elements(self, top: "Any", further: str = "") -> "list[Any]":
        """Those at and below `top` that have the attribute, and match the `further` selector."""
        selector = f"[{self.name}]{further}"
        found = list(query_all(top, selector))
        return [top] + found if matches(top, selector) else found

    def is_for(self, element: "Any") -> bool:
        return bool(matches(element, f"[{self.name}]{SERVED}"))

    def has(self, element: "Any") -> bool:
        return bool(self._elements.has(element))

    def add(self, element: "Any") -> None:
        _Served._numbers += 1
        number = _Served._numbers
        release = self._kind.serve(element, (attribute(element, self.name) or "").strip(), number)
        self._elements.set(element, number)
        self._releases[number] = (element, release)

    def number_of(self, element: "Any") -> int:
        return int(self._elements.get(element))

    def numbers(self) -> "list[int]":
        return list(self._releases)

    def release(self, element: "Any") -> None:
        if self.has(element):
            self.release_number(self.number_of(element))

    def release_number(self, number: int) -> None:
        element, release = self._releases.pop(number)
        self._elements.delete(element)
        guarded(release, f"bind of {self.name}")()


def _release_last_first(found: "list[tuple[int, _Served]]") -> None:
    """What was done to an element last is undone first."""
    for number, kind in sorted(found, key=lambda pair: -pair[0]):
        kind.release_number(number)


def _roots() -> "Any":
    """What all interpreters of this page serve, as a JS set that they share."""
    if not has_own_global(ROOTS):
        js.Reflect.set(js.globalThis, ROOTS, js.Set.new())
    return getattr(js, ROOTS)


class Problem:
    """The code of what went wrong: for the button pressed last, lately, or on the way to this page (`arrived_with`)."""

    def __init__(self, messages: "dict[str, str]", arrived_with: "Optional[str]") -> None:
        known = is_error_code(arrived_with) or arrived_with in messages
        self._arrived_with = arrived_with if known else None
        self._failure: "Optional[str]" = None
        self._answers_left = 0  # the failure is forgotten after so many good ones

    def fail(self, code: "Optional[str]") -> None:
        self._failure = code
        self._answers_left = 2  # the first may be to the query that follows the failed action itself

    def arrived(self) -> None:
        """Somebody is signed in."""
        self._arrived_with = None

    def heard(self, answered: bool, changed: bool) -> None:
        """A query was answered well; somebody has signed in or out."""
        if answered:
            self._answers_left -= 1
        if changed or self._answers_left == 0:
            self._failure = None

    def code(self, state: "SessionState") -> "Optional[str]":
        if self._failure is not None:
            return self._failure
        error: "Optional[NextAuthError]" = state.at(("error",), True)
        return self._arrived_with if error is None else error.code


def _adopt(scope: "Any") -> "Callable[[], object]":
    """Have the style sheet hold in a document or shadow tree; what is returned ends that."""
    sheet = style_sheet()
    adopted_sheets(scope).push(sheet)

    def give_back() -> None:
        sheets = adopted_sheets(scope)
        sheets.splice(sheets.indexOf(sheet), 1)

    return give_back
