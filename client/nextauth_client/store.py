"""One observable value: read it, replace it, subscribe to it. Knows nothing of sessions, effects or the DOM."""

from .errors import report

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any, Callable

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
        self._rounds: "list[tuple[Any, Any, list[_Subscription]]]" = []
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
        self._rounds.append((value, previous, list(self._subscriptions)))
        if self._running:
            return
        self._running = True
        try:
            while self._rounds:
                current, before, subscriptions = self._rounds.pop(0)
                for subscription in subscriptions:
                    if subscription.active:  # an earlier listener may have ended it
                        try:
                            subscription.listener(current, before)
                        except Exception as error:
                            report(error, "a listener")
        finally:
            self._running = False
