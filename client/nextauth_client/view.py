"""Who is signed in as one tab shows it, why, until when, and how new that is: the bookkeeping of rules 2, 7, 11 and 12.

No effects, and no clock of its own. Times are Unix seconds on this tab's clock. docs/synchroniser.md has the rules.
"""

from .session import is_another
from .stamps import JUST_AFTER, LAG, NEVER, is_due, set_back
from .times import parse_iso

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any, Optional

    from .errors import NextAuthError
    from .session import Reason
    from .stamps import Stamp

    Data = Optional[dict[str, Any]]

UNTOLD = -1  # is no number of seconds left, and equal to itself from answer to answer: nobody counts


def ended_between(session: "Data", since: float, now: float) -> bool:
    """Whether it expires after the one and not after the other: Unix seconds on the backend's clock."""
    expires = None if session is None else parse_iso(session.get("expires"))
    return expires is not None and since < expires <= now


def end_of(session: "Data", date: "Optional[float]", asked: float, now: float) -> "Optional[float]":
    """Rule 7: when it expires, on this tab's clock; what is missing, unparsable or was past is believed.

    Without the backend's clock, what was not past when it was asked for may be over when it comes.
    """
    expires = None if session is None else parse_iso(session.get("expires"))
    if expires is None or expires <= (asked if date is None else date):
        return None
    return max(now, expires) if date is None else now + expires - date


class View:
    """What readers see, and the stamps of what that rests on."""

    def __init__(self) -> None:
        self.session: "Data" = None
        self.loading = True
        self.error: "Optional[NextAuthError]" = None
        self.reason: "Optional[Reason]" = None
        self.expires_in: "Optional[int]" = None  # as whoever counts was told; UNTOLD while nobody has ever
        self.idle_in: "Optional[int]" = None  # the same
        self.expiring = False
        self._was: "Data" = None  # who was shown last, also while it is asked once more: rule 11
        self.came_at = 0.0

        # Order across tabs: rule 2.
        self.epoch = NEVER  # the end of the newest mutation
        self.shown = NEVER  # the query whose answer is shown
        self.failed = NEVER  # the newest query that failed
        self.action_failed = NEVER  # what was asked before says nothing of that failure
        self.signed_out = NEVER  # the end of this tab's newest sign-out ...
        self.signed_out_elsewhere = NEVER  # ... and when another page may have signed out

        # The end of who is shown.
        self._ends: "Optional[float]" = None
        self._expires_at: "Optional[float]" = None  # when that is looked at
        self._over_at: "Optional[float]" = None
        self._count_at: "Optional[float]" = None  # when who reads `expires_in` is told of the next: rule 12
        self._has_counted = False

    # ── how new it is ────────────────────────────────────────────────────────────────────────────

    @property
    def newest(self) -> "Stamp":
        """The query whose answer is shown, or the end of a mutation after it."""
        return max(self.shown, self.epoch)

    def takes(self, stamp: "Stamp") -> bool:
        """Whether what was asked then is newer than all that is known: rule 2."""
        return stamp >= self.epoch and stamp > self.shown

    def start_anew(self) -> None:
        self.epoch = self.shown = self.failed = self.action_failed = NEVER
        self.signed_out = self.signed_out_elsewhere = NEVER

    # ── who, and why ─────────────────────────────────────────────────────────────────────────────

    def show(
        self, stamp: "Stamp", session: "Data", why: "Any", ends: "Optional[float]", later: float, now: float
    ) -> None:
        """Take an answer. Its end is looked at so many seconds later, for another tab may do so first."""
        self.become(session, why)
        self.shown = stamp
        self.loading = False
        self.came_at = now
        self._ends = ends
        left = self.seconds_left(now)
        self.expires_in = left if left is None or self._has_counted else UNTOLD
        if self._count_at is not None:
            self._count_at = self._next_second(now)
        self._expires_at = None if ends is None else ends + later
        self._over_at = None
        if stamp > max(self.failed, self.action_failed):
            self.error = None

    def become(self, session: "Data", why: "Any") -> None:
        """Rule 11: who is signed in from now on, and `why` if that is nobody."""
        was, self._was = self._was, session
        if session is None:
            if was is not None:
                self.reason = why or None
        elif was is None:
            self.reason = None
        elif is_another(was, session):
            self.reason = "switched"
        self.session = session

    def why_nobody(self, session: "Data", now: float, told: "Optional[str]" = None) -> "Optional[str]":
        """Rule 11: why nobody is signed in, if `session` is what is answered. `told`: what another tab says of that."""
        if session is not None:
            return None
        if self.shown < self.signed_out:
            return "signed_out"
        if self._was is None:
            return self.reason
        if told is not None:
            return told
        if self._ends is not None and now >= self._ends - LAG:  # `Date` has whole seconds
            return "expired"
        return "signed_out_elsewhere" if self.shown < self.signed_out_elsewhere else "revoked"

    def forget(self) -> None:
        """Nobody knows who it is now."""
        self.session = self.reason = None
        self.loading = True
        self.end()

    # ── until when ───────────────────────────────────────────────────────────────────────────────

    def end(self) -> None:
        """Nobody's end is looked at any more."""
        self._expires_at = self._over_at = self._count_at = self.expires_in = None

    def is_over(self, now: float) -> bool:
        """Whether who is shown has expired, as far as this tab can tell."""
        return self._over_at is not None or is_due(self._expires_at, now)

    def seconds_left(self, now: float) -> "Optional[int]":
        """Of the session that is shown, on the backend's clock; `None` if there is none, or its end is not known."""
        return None if self.session is None or self._ends is None else max(0, int(self._ends - now))

    def lifetime(self, now: float) -> "Optional[float]":
        """Seconds until the end that is still to come; `None` if there is none, or it is not known."""
        return None if self._expires_at is None or self._ends is None else self._ends - now

    @property
    def is_counting(self) -> bool:
        """Whether who reads `expires_in` will be told of the next."""
        return self._count_at is not None

    def count(self, now: float) -> None:
        """Somebody reads `expires_in`, and wants to know of the next."""
        self._has_counted = True
        self._count_at = self._next_second(now)

    def _next_second(self, now: float) -> "Optional[float]":
        left = self.seconds_left(now)
        return None if left is None or self._ends is None else self._ends - left + JUST_AFTER

    def pass_time(self, now: float, timeout: float, visible: bool, expiring: float) -> bool:
        """Do what has become due; whether that is to ask the backend."""
        ends = is_due(self._expires_at, now)
        if ends:
            self._expires_at = None
            self._over_at = now + timeout
        elif is_due(self._over_at, now):
            # The one unknown that changes who is signed in; no backend said it, so it is not published.
            self.become(None, "expired")
            self.end()
        if is_due(self._count_at, now) and visible:
            self._count_at = None  # until somebody reads it
            self.expires_in = self.seconds_left(now)
        self.expiring = is_due(self._expiring_at(expiring), now)
        return ends

    def _expiring_at(self, expiring: float) -> "Optional[float]":
        return None if self.session is None or self._ends is None else self._ends - expiring

    # ── time ─────────────────────────────────────────────────────────────────────────────────────

    def times(self, visible: bool, expiring: float) -> "list[Optional[float]]":
        """When something is due."""
        found = [self._expires_at, self._over_at]
        if visible:
            found.append(self._count_at)
        if not self.expiring:
            found.append(self._expiring_at(expiring))
        return found

    def set_back(self, seconds: float) -> None:
        """The clock was: no deadline moves away with it."""
        set_back(self, ("came_at", "_ends", "_expires_at", "_over_at", "_count_at"), seconds)
