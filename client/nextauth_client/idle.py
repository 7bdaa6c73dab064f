"""How long nobody has used any tab, and who is told and asked of that: rule 13.

`effects` is where its effects go. Times are Unix seconds on this tab's clock. docs/synchroniser.md has the rule.
"""

from . import events, messages
from .stamps import JUST_AFTER, LAG, is_due, set_back

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any, Optional

    from .options import Options
    from .stamps import HybridClock

TELL = 5.0  # seconds between two messages that tell of use
LONGEST_RETRY = 15.0
LONG_AGO = 1  # is stored as the newest use when nobody is signed in


class Idle:
    """When somebody used a tab last, until when that keeps the person signed in, and what is to be done after that."""

    def __init__(self, options: "Options", clock: "HybridClock", effects: "list[Any]") -> None:
        self.options = options
        self._clock = clock
        self._effects = effects
        self.over_at: "Optional[float]" = None  # the deadline has passed, and the backend has not confirmed a sign-out
        self.is_own = False  # the newest use is this tab's
        self.count_at: "Optional[float]" = None  # when who reads `idle_in` is told of the next number
        self._left: "Optional[int]" = None  # as told
        self._used_at: "Optional[float]" = None  # while somebody is signed in
        self._is_first = False  # that is only when the person was shown, and another tab may know of more
        self._was_set_back = False
        self._is_untold = False
        self._told_at: "Optional[float]" = None
        self._sign_out_at: "Optional[float]" = None
        self._attempts = 0
        self._follows = False

    # ── use ──────────────────────────────────────────────────────────────────────────────────────

    @property
    def is_counting(self) -> bool:
        """Whether who reads `idle_in` will be told of the next."""
        return self.count_at is not None

    @property
    def is_counting_down(self) -> bool:
        """Whether somebody is signed in, and will be for so long."""
        return self._used_at is not None

    def begin(self, at: float, is_own: bool, is_first: bool = False) -> None:
        """Somebody has signed in; or is only shown, `is_first`, and what is stored counts if there is something."""
        self.end()
        if self.options.idle_timeout:
            self._used_at = at
            self.is_own = is_own
            self._is_first = is_first

    def begin_to_show(self, now: float, is_first: bool) -> None:
        """Somebody is shown, who has been signed in for longer perhaps."""
        if not self.is_counting_down:
            self.begin(now, False, is_first)
            if self.is_counting_down:
                self._effects.append(events.LookUpUse())

    def end_for_all(self) -> None:
        """The backend has said that nobody is signed in."""
        if self.over_at is not None or self.is_counting_down:
            self._effects.append(events.StoreUse(LONG_AGO))
        self.end()

    def end(self) -> None:
        """Nobody is signed in."""
        self._used_at = self._told_at = self._sign_out_at = None
        self.over_at = self.count_at = self._left = None
        self._is_untold = self.is_own = self._is_first = self._was_set_back = False
        self._attempts = 0

    def use(self, at: float, is_own: bool) -> None:
        if self._used_at is not None and at > self._used_at:
            self._used_at = at
            self.is_own = self._is_untold = is_own

    def tell_in_time(self, now: float, leaves: bool = False) -> None:
        """Tell the others of use here, but not too often; a page that `leaves` has no time to wait."""
        if self._is_untold and (leaves or self._told_at is None or now >= self._told_at + TELL):
            self._told_at, self._is_untold = now, False
            self.tell(now)

    def tell(self, now: float, anew: bool = False) -> None:
        """`anew`: somebody has signed in."""
        if self._used_at is not None:
            self._effects.append(events.Publish(messages.use(self._clock.next(now), self._used_at, anew)))
            self.store()

    def store(self) -> None:
        if self._used_at is not None:
            self._effects.append(events.StoreUse(int(self._used_at * 1000)))

    def follow_use(self, is_shown: bool) -> None:
        """Hear of use while somebody `is_shown` whom it keeps signed in."""
        follows = is_shown and self.is_counting_down
        if follows != self._follows:
            self._follows = follows
            self._effects.append(events.FollowUse(follows))

    def learn(self, stored: "Optional[int]", now: float) -> bool:
        """Take what is stored; whether that shows that the idle person's sign-out is over with.

        What is in the future was stored before the clock was set back, and says nothing.
        """
        at = (stored or 0) / 1000
        was_first, self._is_first = self._is_first, False
        was_set_back, self._was_set_back = self._was_set_back, False
        if was_set_back or not 0 < at <= now + LAG:
            return False
        if self.over_at is not None:
            return at > self.over_at
        if was_first and at + self.options.idle_timeout > now:
            self._used_at = min(at, now)
        else:
            self.use(at, False)
        return False

    # ── the deadline ─────────────────────────────────────────────────────────────────────────────

    @property
    def _deadline(self) -> "Optional[float]":
        return None if self._used_at is None else self._used_at + self.options.idle_timeout

    def is_due(self, now: float) -> bool:
        ends = self._deadline if self.over_at is None else self._sign_out_at
        return is_due(ends, now)

    def pass_over(self, now: float, later: float) -> None:
        """The deadline has passed: sign out in so many seconds."""
        self.end()
        self.over_at = now
        self._sign_out_at = now + later

    def try_again(self, now: float, random: float) -> None:
        """A sign-out begins; if nobody confirms it, the next one follows."""
        self._sign_out_at = now + min(LONGEST_RETRY, 2.0**self._attempts) * (0.5 + 0.5 * random)
        self._attempts = min(self._attempts + 1, 4)

    def hurry(self, now: float) -> None:
        """Somebody is back, or the network is."""
        if self._sign_out_at is not None:
            self._sign_out_at = min(self._sign_out_at, now)

    # ── the warning ──────────────────────────────────────────────────────────────────────────────

    def seconds_left(self, now: float) -> "Optional[int]":
        """Until whoever is signed in is signed out for want of use; `None` before the warning."""
        ends = self._deadline
        return None if ends is None or now < ends - self.options.idle_warning else max(0, int(ends - now))

    def follow(self, now: float) -> None:
        """Somebody reads the seconds left, and wants to know of the next."""
        left, ends = self.seconds_left(now), self._deadline
        self.count_at = None if left is None or ends is None else ends - left + JUST_AFTER

    def told(self, now: float, visible: bool) -> "Optional[int]":
        """The seconds left as readers are told: when the warning begins and ends, and when they asked for the next."""
        left = self.seconds_left(now)
        is_next = is_due(self.count_at, now) and visible
        if left is None or self._left is None or is_next or left > self._left:
            self._left = left
            self.count_at = None
        return self._left

    # ── time ─────────────────────────────────────────────────────────────────────────────────────

    def times(self, visible: bool, may_sign_out: bool) -> "list[Optional[float]]":
        """When something is due."""
        ends = self._deadline
        found = [ends, self._sign_out_at if may_sign_out else None, self.count_at if visible else None]
        if ends is not None and self._left is None:
            found.append(ends - self.options.idle_warning)
        if self._is_untold and self._told_at is not None:
            found.append(self._told_at + TELL)
        return found

    def set_back(self, seconds: float) -> None:
        """The clock was: no deadline moves away with it."""
        set_back(self, ("over_at", "count_at", "_used_at", "_told_at", "_sign_out_at"), seconds)
        if self.is_counting_down:  # what is stored is of the clock before, unless it says that all have idled
            self._was_set_back = True
            self._effects.append(events.LookUpUse())
