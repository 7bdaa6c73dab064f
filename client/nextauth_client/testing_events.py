"""Who hears what happens in a test's small page: listeners of events, observers of changes. Knows no kinds of nodes."""

from __future__ import annotations

import asyncio
from types import SimpleNamespace

from .testing_css import lacking

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import Any


class EventTarget:
    def __init__(self) -> None:
        self._listeners: list[tuple[str, Any]] = []

    def __getattr__(self, name: str) -> Any:
        raise AttributeError(lacking(f"{type(self).__name__}.{name}"))

    def __setattr__(self, name: str, value: Any) -> None:
        """An attribute that does nothing here would have a test pass, or fail, for no reason."""
        if not name.startswith("_") and not hasattr(type(self), name):
            self.__getattr__(name)
        super().__setattr__(name, value)

    def addEventListener(self, kind: str, listener: Any, how: Any = False) -> None:
        if (kind, listener) not in self._listeners:
            self._listeners.append((kind, listener))

    def removeEventListener(self, kind: str, listener: Any, how: Any = False) -> None:
        self._listeners = [one for one in self._listeners if one != (kind, listener)]

    def dispatchEvent(self, event: Event) -> bool:
        event.target = event.target or self
        place: Any = self
        while place is not None:
            event.currentTarget = place
            for kind, listener in list(place._listeners):
                if kind == event.type:
                    listener(event)
            place = getattr(place, "parentNode", None) if event.bubbles else None
        return not event.defaultPrevented


class Event:
    def __init__(self, kind: str, bubbles: bool = True, submitter: Any = None) -> None:
        self.type = kind
        self.bubbles = bubbles
        self.submitter = submitter
        self.target: Any = None
        self.currentTarget: Any = None
        self.defaultPrevented = False
        self.ctrlKey = self.metaKey = self.shiftKey = self.altKey = False

    def preventDefault(self) -> None:
        self.defaultPrevented = True


class MutationObserver:
    """Of all below a root, and of the attributes that a filter names."""

    def __init__(self, callback: Callable[..., object]) -> None:
        self._callback = callback
        self._records: list[Any] = []

    def observe(self, root: Any, options: Any) -> None:
        _observers.append((self, root, options.attributeFilter))

    def disconnect(self) -> None:
        _observers[:] = [one for one in _observers if one[0] is not self]
        self._records = []

    def note(self, record: Any) -> None:
        if not self._records:
            asyncio.get_running_loop().call_soon(self._tell)
        self._records.append(record)

    def _tell(self) -> None:
        records, self._records = self._records, []
        if records:
            self._callback(records)


_observers: list[tuple[MutationObserver, Any, list[str]]] = []


def changed(kind: str, target: Any, name: str = "", added: Any = (), removed: Any = ()) -> None:
    record = SimpleNamespace(type=kind, target=target, attributeName=name, addedNodes=added, removedNodes=removed)
    for observer, root, names in list(_observers):
        if (not name or name in names) and root.contains(target):
            observer.note(record)


window = EventTarget()


def forget() -> None:
    """Whoever listened to the window, or observed anything, hears nothing any more."""
    _observers.clear()
    window._listeners = []
