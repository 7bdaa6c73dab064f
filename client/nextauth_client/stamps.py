"""A hybrid logical clock: the order of queries and mutations across tabs whose wall clocks may be set, or differ.

A stamp is a pair: milliseconds of the wall clock, or one more than the highest stamp seen when that is higher, and the
random id of the tab that made it. Sources: Kulkarni and others, "Logical Physical Clocks" (2014).
"""

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any, Optional

    Stamp = tuple[int, str]

NEVER: "Stamp" = (0, "")
DAY = 86400.0
JUST_AFTER = 0.01  # a second's end, which a timer may miss by milliseconds
LAG = 1.0  # seconds; tabs whose stamps differ by less see the same clock


def is_due(time: "Optional[float]", now: float) -> bool:
    """`None` is never."""
    return time is not None and now >= time


def set_back(holder: "Any", names: "tuple[str, ...]", seconds: float) -> None:
    """Move its moments of these names, of which `None` is never, with a wall clock that was set back."""
    for name in names:
        time = getattr(holder, name)
        if time is not None:
            setattr(holder, name, time - seconds)


class HybridClock:
    """Makes the stamps of one tab. `now` is the wall clock everywhere, in Unix seconds."""

    def __init__(self, tab: str) -> None:
        self.tab = tab
        self._wall = 0.0  # as last seen
        self._highest = 0  # of all stamps seen
        self._ahead = 0.0  # milliseconds by which stamps are ahead of the wall clock, since it was set back

    def advance(self, now: float) -> float:
        """Look at the wall clock; the seconds by which it was set back since it was looked at last, or 0."""
        back = max(0.0, self._wall - now)
        self._wall = now
        self._ahead += back * 1000
        return back

    def moment(self, now: float) -> int:
        """What a stamp would say now, if none was higher."""
        return int(now * 1000 + self._ahead)

    def next(self, now: float) -> "Stamp":
        """A stamp that is later than every one seen."""
        self._highest = max(self.moment(now), self._highest + 1)
        return (self._highest, self.tab)

    def stamp_of(self, time: float, now: float) -> "Stamp":
        """The stamp of something that this tab did at Unix seconds `time`."""
        stamp = (int(time * 1000), self.tab)
        self._see(stamp, now)
        return stamp

    def accepts(self, stamp: "Stamp", now: float) -> bool:
        """Take another tab's stamp, which raises the next of ours, unless it is a day ahead of the wall clock."""
        if not 0 < stamp[0] <= (now + DAY) * 1000:
            return False
        self._see(stamp, now)
        return True

    def _see(self, stamp: "Stamp", now: float) -> None:
        self._highest = max(self._highest, stamp[0])
        self._ahead = max(self._ahead, stamp[0] - now * 1000)

    def wall_time(self, stamp: "Stamp") -> float:
        """Unix seconds at which this tab would have made the stamp."""
        return (stamp[0] - self._ahead) / 1000

    def is_ahead_of(self, stamp: "Stamp", made_at: float) -> bool:
        """Whether the tab that made this stamp at Unix seconds `made_at` lags behind this one."""
        return self._ahead - (stamp[0] - made_at * 1000) > LAG * 1000

    def is_lost(self, now: float) -> bool:
        """Whether the wall clock was set back so far that newer pages would take our stamps for nonsense."""
        return self._highest > (now + DAY) * 1000

    def start_anew(self) -> None:
        self._highest = 0
        self._ahead = 0.0
