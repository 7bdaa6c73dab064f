"""What `bind` shows: each kind of attribute whose elements follow the session, their style sheet, and the announcer.

Knows elements and plain session data. Whatever comes from a session is put into the page as text, or as the http(s)
address of a picture, and all is left as its author wrote it when it is released.
"""

import js

from .conditions import Condition
from .elements import (
    IGNORED,
    TEXT,
    append,
    attribute,
    base_url,
    body,
    child_elements,
    child_nodes,
    closest,
    create_element,
    create_text,
    is_connected,
    is_node,
    is_same,
    node_type,
    parent_of,
    remove,
    replace_children,
    set_attribute,
    tag_of,
    text_of,
    toggle_attribute,
    warn,
)
from .errors import UnsafeURL
from .records import MISSING, look
from .session import may_lack
from .urls import resolve

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any, Callable, Optional

    from .records import Path
    from .session import SessionState

    Release = Callable[[], object]

STATE = "data-auth-state"  # on the root: the status, and "expiring", "idle" and "error" behind it when that is so
STATUSES = ("authenticated", "unauthenticated", "loading")
SOON_OVER = (" expiring", " idle", " expiring idle")
SHOWN_FOR = STATUSES + ("expiring", "idle", "error")
HOLDS = "data-auth-holds"  # on what a condition shows now
ANNOUNCER = "data-auth-announcer"
SERVED = f":not({IGNORED})"

COUNTED = (("expires_in",), ("idle_in",))
OF_STATE = (("reason",),) + COUNTED  # paths that lead into the state, not into its session

# What is in them is sent with a form, or run.
NO_TEXT = "input,textarea,select,option,optgroup,datalist,script,style,noscript,template,iframe,object,embed"


def style_sheet() -> "Any":
    """One attribute on the root shows and hides any number of elements."""
    rules = [
        f"[{ANNOUNCER}]{{position:absolute;width:1px;height:1px;overflow:hidden;clip-path:inset(50%)}}",
        ":where([data-auth-text]){unicode-bidi:isolate}",  # a name may turn the direction, but only its own
    ]
    for status in STATUSES + tuple([STATUSES[0] + soon for soon in SOON_OVER]):
        for state in (status, status + " error"):
            root = f'[{STATE}="{state}"]'
            others = f"[data-auth-show]:not([{HOLDS}]){SERVED}" + "".join(
                [f":not([data-auth-show~={word}])" for word in state.split()]
            )
            rules.append(f"{root} {others},{root}{others}{{display:none!important}}")
    sheet = js.CSSStyleSheet.new()
    sheet.replaceSync("\n".join(rules))
    return sheet


class Attribute:
    """One that `bind` serves."""

    name = ""

    def serve(self, element: "Any", value: str, number: int) -> "Release":
        """Begin with an element, which has this number from now on; what is returned ends that."""
        raise NotImplementedError


def nothing() -> None:
    """Nothing was done to the element."""


class Shows(Attribute):
    """Elements that are shown in some states, or when a condition holds: the style sheet hides them in the others."""

    name = "data-auth-show"

    def __init__(self, state: "SessionState") -> None:
        self._state = state
        self._conditional: "dict[int, tuple[Any, list[Condition]]]" = {}

    def follow(self, state: "SessionState") -> None:
        self._state = state
        for element, conditions in self._conditional.values():
            self._mark(element, conditions)

    def _mark(self, element: "Any", conditions: "list[Condition]") -> None:
        session = self._state.at(("session",), True)
        toggle_attribute(element, HOLDS, any(condition.holds(session) for condition in conditions))

    def serve(self, element: "Any", value: str, number: int) -> "Release":
        words = value.split()
        unknown, conditions = [], []
        for word in words:
            if word not in SHOWN_FOR:
                try:
                    conditions.append(Condition(word))
                except ValueError:
                    unknown.append(word)
        if unknown or not words:
            warn(
                element,
                f"is shown for {' '.join(unknown)!r}, which never is: say one of {', '.join(SHOWN_FOR)}, or a "
                "condition such as user.role=admin.",
            )
        if conditions:
            self._conditional[number] = (element, conditions)
            self._mark(element, conditions)
        own = attribute(element, "hidden")
        set_attribute(element, "hidden", None)

        def release() -> None:
            if self._conditional.pop(number, None):
                self._mark(element, [])
            set_attribute(element, "hidden", own)

        return release


# ── values of the session ────────────────────────────────────────────────────────────────────────


class _Place:
    """Every node that shows the value at one path of the session; where there is none, its author's own."""

    def __init__(self, path: "Path", first: "Any", value: "Optional[str]") -> None:
        self.path = path
        self.first = first  # of the elements
        self.value = value
        self.nodes: "dict[int, tuple[Any, Any]]" = {}  # number -> the node, and what its author wrote


class Values(Attribute):
    """Elements that show what stands at a path."""

    def __init__(self, state: "SessionState") -> None:
        self._state = state
        self._places: "dict[Path, _Place]" = {}

    def follow(self, state: "SessionState") -> None:
        self._state = state
        for place in self._places.values():
            value = self._value(place.path, place.first)
            if value != place.value:
                place.value = value
                self.changed(place)

    def changed(self, place: _Place) -> None:
        for node, own in place.nodes.values():
            self.put(node, own if place.value is None else place.value)

    def put(self, node: "Any", value: "Optional[str]") -> None:
        """Let the node show it; `None` is nothing."""
        raise NotImplementedError

    def understand(self, value: str, path: str, first: "Any") -> "Optional[str]":
        """What is shown of a value; `None` for what the author wrote."""
        return value

    def show(self, element: "Any", node: "Any", own: "Optional[str]", value: str, number: int) -> "Release":
        path = tuple(value.split("."))
        if "" in path:
            warn(element, f"reads {value!r}, which is no path: write one such as user.name.")
            return nothing
        place = self._places.get(path)
        if place is None:
            place = self._places[path] = _Place(path, element, self._value(path, element))
        place.nodes[number] = (node, own)
        if place.value is not None:
            self.put(node, place.value)

        def release() -> None:
            del place.nodes[number]
            self.put(node, own)
            if not place.nodes:
                del self._places[path]

        return release

    def _value(self, path: "Path", first: "Any") -> "Optional[str]":
        session = self._state.at(("session",), True)
        is_of_state = path in OF_STATE
        if session is None and not is_of_state:
            return None
        value = self._state.at(path, True) if is_of_state else look(session, path)
        if path in COUNTED and value is not None:
            value = self._state.seconds_left(path[0], True)
        name = ".".join(path)
        if value is MISSING and not may_lack(path):
            warn(first, f"reads {name!r}, which this session does not have.")
        if value is None or value is MISSING:
            return None
        if isinstance(value, bool):
            value = "true" if value else "false"
        if isinstance(value, (dict, list)):
            warn(first, f"reads {name!r}, which is no single value.")
            return None
        return self.understand(str(value), name, first)


class Texts(Values):
    """Elements whose text is a value. The text node is kept: a new text in it lays out nothing else anew."""

    name = "data-auth-text"

    def __init__(self, state: "SessionState") -> None:
        Values.__init__(self, state)
        self._displaced: "dict[int, Any]" = {}  # number -> the element, whose text somebody has replaced
        self._served: "dict[int, Any]" = {}  # number -> the text node
        self._numbers = js.Map.new()  # element -> number

    def put(self, node: "Any", value: "Optional[str]") -> None:
        node.data = value

    def changed(self, place: _Place) -> None:
        if self._displaced:
            for number in place.nodes:
                self._put_back(number)
        value = place.value
        for node, own in place.nodes.values():
            node.data = own if value is None else value

    def _put_back(self, number: int) -> None:
        """Only for a new value: who translates a page replaces texts, and would do so again."""
        element = self._displaced.pop(number, None)
        if element is not None:
            replace_children(element, self._served[number])

    def content_changed(self, element: "Any") -> None:
        """Somebody else may have taken away the text that is served."""
        if self._numbers.has(element):
            number = int(self._numbers.get(element))
            if not is_same(element, parent_of(self._served[number])):
                self._displaced[number] = element

    def serve(self, element: "Any", value: str, number: int) -> "Release":
        if is_node(closest(element, NO_TEXT)):
            warn(element, "shows no text, for what is in it would be sent or run: let a <span> or <output> show it.")
            return nothing
        own, written = str(text_of(element)), list(child_nodes(element))
        if int(child_elements(element).length):
            warn(element, "has elements in it, which its text replaces: give the text an element of its own.")
        is_text = len(written) == 1 and node_type(written[0]) == TEXT
        node = written[0] if is_text else create_text(own)
        if not is_text:
            replace_children(element, node)
        self._served[number] = node
        self._numbers.set(element, number)
        release = self.show(element, node, own, value, number)

        def put_back() -> None:
            self._put_back(number)
            release()
            del self._served[number]
            self._numbers.delete(element)
            if not is_text:
                replace_children(element, *written)

        return put_back


class Pictures(Values):
    """Pictures whose address is a value."""

    name = "data-auth-src"

    def put(self, node: "Any", value: "Optional[str]") -> None:
        set_attribute(node, "src", value)

    def understand(self, value: str, path: str, first: "Any") -> "Optional[str]":
        try:
            return resolve(value, base_url()) if value else None
        except UnsafeURL:
            warn(first, f"does not show {path!r}: it is no http(s) address.")
            return None

    def serve(self, element: "Any", value: str, number: int) -> "Release":
        if str(tag_of(element)) != "img":
            warn(element, "cannot have data-auth-src: only an <img> can.")
            return nothing
        own = attribute(element, "src") or None  # the early script leaves an empty one where there was none
        return self.show(element, element, own, value, number)


# ── errors and announcements ─────────────────────────────────────────────────────────────────────


class Errors(Attribute):
    """Elements that tell what went wrong: in a form what that could not do, elsewhere the newest error."""

    name = "data-auth-error"

    def __init__(self, text: str) -> None:
        self._text = text
        self._elsewhere: "dict[int, Any]" = {}
        self._in_forms: "dict[int, Any]" = {}

    def __bool__(self) -> bool:
        """Whether anything tells the newest error."""
        return bool(self._elsewhere)

    def follow(self, text: str) -> None:
        self._text = text
        for element in self._elsewhere.values():
            say(element, text)

    def clear_forms(self) -> None:
        for element in self._in_forms.values():
            say(element, "")

    def serve(self, element: "Any", value: str, number: int) -> "Release":
        own, written = [(name, attribute(element, name)) for name in ("role", "hidden")], list(child_nodes(element))
        if attribute(element, "role") is None:
            set_attribute(element, "role", "alert")
        if is_node(closest(element, "[data-auth-form]")):
            self._in_forms[number] = element
            say(element, "")
        else:
            self._elsewhere[number] = element
            say(element, self._text)

        def release() -> None:
            self._elsewhere.pop(number, None)
            self._in_forms.pop(number, None)
            replace_children(element, *written)
            for name, text in own:
                set_attribute(element, name, text)

        return release


def say(element: "Any", text: str) -> None:
    """Show the text; without one the element is hidden."""
    if str(text_of(element)) != text:
        replace_children(element, text)
    toggle_attribute(element, "hidden", not text)


class Announcer:
    """A live region, which screen readers speak: in `parent`, or in the page's body."""

    def __init__(self, parent: "Optional[Any]") -> None:
        self._parent = parent
        self._element = create_element("div")
        for name, value in (("role", "status"), ("aria-live", "polite"), (ANNOUNCER, "")):
            set_attribute(self._element, name, value)
        self._place()

    def _place(self) -> None:
        append(body() if self._parent is None else self._parent, self._element)

    def announce(self, text: str) -> None:
        if not is_connected(self._element):  # somebody has replaced all of the page
            self._place()
        replace_children(self._element, text)

    def remove(self) -> None:
        remove(self._element)
