"""One observable value: read it, replace it, subscribe to it. Knows nothing of sessions, effects or the DOM."""

from .errors import report

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any, Callable, Iterator

    Listener = Callable[[Any, Any], object]


class _Subscription:
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
        self._subscriptions: "list[_Subscription]" = []
        self._rounds: "list[tuple[Any, Any, Iterator[_Subscription]]]" = []  # with who has not heard it yet
        self._running = False

    def subscribe(self, listener: "Listener") -> "Callable[[], None]":
        """Adds a listener; what is returned takes it away again (twice does no harm)."""
        subscription = _Subscription(listener)
        self._subscriptions.append(subscription)

        def unsubscribe() -> None:
            if subscription.active:
                subscription.active = False
                self._subscriptions.remove(subscription)

        return unsubscribe

    def replace(self, value: "Any") -> None:
        previous, self.value = self.value, value
        if value == previous:
            return
        self._rounds.append((value, previous, iter(list(self._subscriptions))))
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
                value, previous, subscriptions = self._rounds[0]
                for subscription in subscriptions:
                    if subscription.active:  # an earlier listener may have ended it
                        try:
                            subscription.listener(value, previous)
                        except Exception as error:
                            report(error, "a listener")
                self._rounds.pop(0)
        finally:
            self._running = False
