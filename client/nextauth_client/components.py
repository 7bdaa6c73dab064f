"""component: an element shows what a function returns, as text and nodes. Loaded when it is called.

Knows elements and effects, nothing of sessions.
"""

import js

from .bridge import has
from .elements import (
    ELEMENT,
    TEXT,
    active_beside,
    append,
    contains,
    create_text,
    describe,
    find_one,
    first_child,
    insert_before,
    is_node,
    is_same,
    next_sibling,
    node_of,
    node_type,
    parent_of,
    remove,
    replace_children,
)
from .reactive import Effect

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any, Callable, Optional

_targets = js.WeakSet.new()  # that show one


class Component(Effect):
    """An effect whose result is what the target shows. `dispose()` also takes that out of the page."""

    def __init__(self, function: "Callable[[], object]", target: "Any") -> None:
        self._name = getattr(function, "__name__", repr(function))
        self._parts: "Optional[list[Any]]" = None  # texts and nodes, as they were returned
        self._nodes: "list[Any]" = []  # the same as the nodes that stand in the page
        try:
            self._target = find_one(target)
            if _targets.has(self._target):
                raise ValueError(f"{describe(self._target)} shows a component already: dispose of that one first")
        except (TypeError, ValueError) as error:
            raise type(error)(f"component {self._name}: {error}")
        _targets.add(self._target)
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
            if is_node(part):
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
        node = node_of(part)
        if not is_node(node) or node_type(node) not in (ELEMENT, TEXT):
            raise TypeError(
                f"a component returns text, an element, a list of these, or None for nothing, not {type(part).__name__}"
            )
        if contains(node, self._target):
            raise ValueError("a component cannot return an element that holds its target")
        return node

    def _put(self, parts: "list[Any]") -> None:
        old = self._nodes if all(self._is_in_target(node) for node in self._nodes) else []
        if not old:
            replace_children(self._target)  # what the page's author wrote, or what somebody else did to it
        reusable = [node for part, node in zip(self._parts or [], old) if isinstance(part, str)]
        nodes, wanted = [], js.Set.new()
        for part in parts:
            node = part
            if isinstance(part, str):
                node = reusable.pop(0) if reusable else create_text("")
                if str(node.data) != part:
                    node.data = part
            nodes.append(node)
            wanted.add(node)
        for node in old:
            if not wanted.has(node):
                remove(node)
        # What is moved loses focus and caret: what stays where it is is not, nor what has the focus.
        place = first_child(self._target)
        active = active_beside(self._target)
        for node in nodes:
            if self._is_in_target(node) and contains(node, active):
                while not is_same(place, node):
                    before, place = place, next_sibling(place)
                    append(self._target, before)
            if is_node(place) and is_same(place, node):
                place = next_sibling(place)
            else:
                insert_before(self._target, node, place)
        self._parts, self._nodes = parts, nodes

    def _is_in_target(self, node: "Any") -> bool:
        return bool(is_same(self._target, parent_of(node)))

    def dispose(self) -> None:
        if not self._disposed:  # later the target may be another's
            _targets.delete(self._target)
        Effect.dispose(self)
        for node in self._nodes:
            if self._is_in_target(node):
                remove(node)
        self._nodes = []


def refuse_function(target: "Any") -> None:
    """Raises `TypeError` for a function, which the decorator without its parentheses is given."""
    if callable(target) and not has(target, "toString"):  # which all that is JavaScript's has
        name = getattr(target, "__name__", "f")
        raise TypeError(f'write @component("#id") over {name}, with the element that shows what it returns')


def _same(parts: "list[Any]", others: "list[Any]") -> bool:
    return len(parts) == len(others) and all(map(_is_same_part, parts, others))


def _is_same_part(part: "Any", other: "Any") -> bool:
    if isinstance(part, str) or isinstance(other, str):
        return bool(part == other)
    return bool(is_same(part, other))
