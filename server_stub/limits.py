"""How often something may be tried."""

from __future__ import annotations

import hashlib
import time
from collections import OrderedDict, deque

MOST_KEYS = 10_000  # the one that was used longest ago is forgotten


class RateLimit:
    """At most ``times`` in ``seconds`` for each key, such as a user's name."""

    def __init__(self, times: int, seconds: float) -> None:
        self.times = times
        self.seconds = seconds
        self._tried: OrderedDict[bytes, deque[float]] = OrderedDict()

    def allow(self, key: str) -> bool:
        """Count a try; False, and nothing is counted, if there were too many.

        To be asked before what takes time: those who try at once are many then, too.
        """
        tried = self._tried.setdefault(_short(key), deque())
        self._tried.move_to_end(_short(key))
        while len(self._tried) > MOST_KEYS:
            self._tried.popitem(last=False)
        now = time.monotonic()
        while tried and tried[0] <= now - self.seconds:
            tried.popleft()
        if len(tried) >= self.times:
            return False
        tried.append(now)
        return True

    def take_back(self, key: str) -> None:
        """Forget the last try, which was a good one."""
        tried = self._tried.get(_short(key))
        if tried:
            tried.pop()


def _short(key: str) -> bytes:
    """What is remembered of a key, which may be as long as somebody likes."""
    return hashlib.sha256(key.encode(errors="replace")).digest()
