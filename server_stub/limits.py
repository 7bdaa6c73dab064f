"""How often something may be tried, such that it slows who tries in vain and nobody else."""

from __future__ import annotations

import asyncio
import hashlib
import time
from collections import Counter, OrderedDict, deque
from typing import TypeVar

MOST_KEYS = 10_000  # the one that was used longest ago is forgotten

PAUSE = 1  # seconds between two tries of those that are one too many
MOST_PAUSES = 10  # that one waits for
MOST_WAITING = 20  # from one address, for whatever names

T = TypeVar("T")


class RateLimit:
    """At most ``times`` in ``seconds`` for each key, such as a user's name."""

    def __init__(self, times: int, seconds: float) -> None:
        self.times = times
        self.seconds = seconds
        self._tried: OrderedDict[bytes, deque[float]] = OrderedDict()

    def has_room(self, key: str) -> bool:
        tried = self._tried.get(_short(key))
        if tried is None:
            return True
        while tried and tried[0] <= time.monotonic() - self.seconds:
            tried.popleft()
        return len(tried) < self.times

    def count(self, key: str) -> None:
        """To be asked before what takes time: those who try at once are many then, too."""
        tried = self._tried.setdefault(_short(key), deque(maxlen=self.times))
        self._tried.move_to_end(_short(key))
        tried.append(time.monotonic())
        while len(self._tried) > MOST_KEYS:
            self._tried.popitem(last=False)

    def take_back(self, key: str) -> None:
        """Forget the last try, which was a good one."""
        tried = self._tried.get(_short(key))
        if tried:
            tried.pop()


class TooManyTries(Exception):
    """It may not be tried now."""


class Tries:
    """How often something may be tried for a name from an address: ``of_pair`` times in ``seconds`` for both together,
    ``of_name`` for a name from all addresses, ``of_address`` from an address for all names.

    What is beyond it is refused, or with ``waits`` it waits for its turn: each pair of a name and an address has turns
    of its own, one a ``PAUSE``, for which ``MOST_PAUSES`` may wait at once, and ``MOST_WAITING`` of one address for all
    names. So who guesses slows others, and keeps out none, but of the same pair or address while so many wait.

    What was beyond it counts for nothing: nobody is held up for longer by somebody who goes on, and no name is
    forgotten because of many others. Who tried well before, by the same name from the same address, is not held up by
    what others do elsewhere: only by tries for the same pair.
    """

    def __init__(self, *, of_pair: int, of_name: int, of_address: int, seconds: float, waits: bool = False) -> None:
        self.waits = waits
        self._of_pair = RateLimit(of_pair, seconds)
        self._of_known_pair = RateLimit(of_pair, seconds)
        self._of_name = RateLimit(of_name, seconds)
        self._of_address = RateLimit(of_address, seconds)
        self._known: OrderedDict[bytes, None] = OrderedDict()  # the pairs that tried well
        self._waiting: Counter[str] = Counter()  # for a turn, by address
        self._turns: OrderedDict[bytes, float] = OrderedDict()  # when the last that waits for a pair has its turn

    async def begin(self, name: str, address: str) -> bool:
        """Count a try. TooManyTries if there were too many; False if it was one of them, and had to wait."""
        limits = self._limits(name, address)
        if all(limit.has_room(key) for limit, key in limits):
            for limit, key in limits:
                limit.count(key)
            return True
        if not self.waits:
            raise TooManyTries
        await self._wait_for_turn(_pair(name, address), address)
        return False

    def succeeded(self, name: str, address: str, *, counted: bool = True) -> None:
        """From now on this name is known at this address; and the last try does not count, if it was ``counted``."""
        if counted:
            for limit, key in self._limits(name, address):
                limit.take_back(key)
        _remember(self._known, _pair(name, address), None)

    def _limits(self, name: str, address: str) -> list[tuple[RateLimit, str]]:
        pair = f"{address} {name}"
        if _pair(name, address) in self._known:
            return [(self._of_known_pair, pair)]
        # A form may have no name: then it is nobody's whose tries could be counted together.
        named = [(self._of_name, name)] if name else []
        return [(self._of_address, address), (self._of_pair, pair), *named]

    async def _wait_for_turn(self, pair: bytes, address: str) -> None:
        now = time.monotonic()
        turn = max(self._turns.get(pair, now), now) + PAUSE
        if turn > now + MOST_PAUSES * PAUSE or self._waiting[address] >= MOST_WAITING:
            raise TooManyTries
        _remember(self._turns, pair, turn)
        self._waiting[address] += 1
        try:
            await asyncio.sleep(turn - now)
        finally:
            self._waiting[address] -= 1
            self._waiting += Counter()  # keeps those above zero alone


def _remember(memory: OrderedDict[bytes, T], key: bytes, value: T) -> None:
    memory[key] = value
    memory.move_to_end(key)
    while len(memory) > MOST_KEYS:
        memory.popitem(last=False)


def _pair(name: str, address: str) -> bytes:
    return _short(f"{address} {name}")


def _short(key: str) -> bytes:
    """What is remembered of a key, which may be as long as somebody likes."""
    return hashlib.sha256(key.encode(errors="replace")).digest()
