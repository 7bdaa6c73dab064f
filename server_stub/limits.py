"""How often something may be tried."""

from __future__ import annotations

import time
from collections import OrderedDict, deque

MOST_KEYS = 10_000  # the one that was used longest ago is forgotten


class RateLimit:
    """At most ``times`` in ``seconds`` for each key, such as a user's name."""

    def __init__(self, times: int, seconds: float) -> None:
        self.times = times
        self.seconds = seconds
        self._tried: OrderedDict[str, deque[float]] = OrderedDict()

    def exceeded(self, key: str) -> bool:
        tried = self._tried.get(key)
        now = time.monotonic()
        while tried and tried[0] <= now - self.seconds:
            tried.popleft()
        return tried is not None and len(tried) >= self.times

    def count(self, key: str) -> None:
        tried = self._tried.setdefault(key, deque(maxlen=self.times))
        tried.append(time.monotonic())
        self._tried.move_to_end(key)
        while len(self._tried) > MOST_KEYS:
            self._tried.popitem(last=False)
