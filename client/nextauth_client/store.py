"""One observable value: read it, replace it, subscribe to it; and the handle that ends a subscription.

Knows nothing of sessions, effects or the DOM.
"""

from .console import report

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any, Callable, Iterator

    Listener = Callable[[Any, Any], object]


class Subscription:
    """A handle whose `dispose()` ends what it stands for; twice does no harm."""

    def __init__(self, end: "Callable[[], None]") -> None:
        self._end = end

    def dispose(self) -> None:
        self._end()


class _Subscriber:
    def __init__(self, listener: "Listener") -> None:
        self.listener = listener
        self.active = True


class Store:
    """Holds `value` and tells each listener `(value, previous)` when it changes; an equal value is no change.

    A listener that raises stops nobody. One that replaces the value is heard after the present round, and one that is
    added hears of later changes only, so that no listener ever sees an older value after a newer one.
    """

    def __init__(self, value: "Any") -> None:
        self.value = value
        self.subscribers: "list[_Subscriber]" = []
        self._rounds: "list[tuple[Any, Any, Iterator[_Subscriber]]]" = []  # with who has not heard it yet
        self._running = False

    def subscribe(self, listener: "Listener") -> "Callable[[], None]":
        """Adds a listener; what is returned takes it away again (twice does no harm)."""
        subscriber = _Subscriber(listener)
        self.subscribers.append(subscriber)

        def unsubscribe() -> None:
            if subscriber.active:
                subscriber.active = False
                self.subscribers.remove(subscriber)

        return unsubscribe

    def replace(self, value: "Any") -> None:
        previous, self.value = self.value, value
        if value == previous:
            return
        self._rounds.append((value, previous, iter(list(self.subscribers))))
        if not self._running:
            self.tell()

    @property
    def is_telling(self) -> bool:
        """Whether some listeners have still to hear of a change."""
        return bool(self._rounds)

    def tell(self) -> None:
        """Let them hear it: `replace` does, unless a listener was cut off where nobody can catch it."""
        self._running = True
        try:
            while self._rounds:
                value, previous, subscribers = self._rounds[0]
                for subscriber in subscribers:
                    if subscriber.active:  # an earlier listener may have ended it
                        try:
                            subscriber.listener(value, previous)
                        except Exception as error:
                            report(error, "a listener")
                self._rounds.pop(0)
        finally:
            self._running = False
