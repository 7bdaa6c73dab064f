"""The words that machine, host and driver speak: events, which have happened, and effects, which are to be carried out.

Plain values. docs/synchroniser.md has the tables.
"""

from collections import namedtuple

# ── events ───────────────────────────────────────────────────────────────────────────────────────
# `given` is UNSET, None or session data that was true at Unix seconds `made_at`, which is 0 where nobody knows; what is
# not `fresh` is queried for besides
# `landed`: a sign-in that left a page of this tab may have ended here; `first`: no other Python of the page has begun
Start = namedtuple("Start", ("given", "made_at", "fresh", "epoch", "landed", "first"))
# A Provider's options and its given session, after readers have started the machine with the defaults.
Configured = namedtuple("Configured", ("options", "given", "made_at", "fresh"))
QueriedEarly = namedtuple("QueriedEarly", ("asked_at",))  # before Start: since then EARLY is in flight
Answered = namedtuple("Answered", ("query", "session", "error", "date"))  # error: NextAuthError or None
Refresh = namedtuple("Refresh", ("ticket",))  # an explicit get_session() or refresh()
StaleRead = namedtuple("StaleRead", ())  # something reads the session
Refused = namedtuple("Refused", ("left",))  # the page's own API answered 401 to what left at these Unix seconds
CountdownRead = namedtuple("CountdownRead", ())  # what has read the seconds left is to be told of the next
IdleRead = namedtuple("IdleRead", ())  # the same of the seconds until nobody's use signs out
Used = namedtuple("Used", ())  # somebody uses the page: pointer, key, touch, wheel, or a button that says so
# The newest use that any page has stored, Unix milliseconds; 0: a sign-out for idleness is still to be confirmed.
UseStored = namedtuple("UseStored", ("at",))
Focus = namedtuple("Focus", ())  # focus gained or lost
Visibility = namedtuple("Visibility", ("visible",))
Network = namedtuple("Network", ("online",))
PageHide = namedtuple("PageHide", ())
PageShow = namedtuple("PageShow", ("epoch",))  # back from bfcache
Tick = namedtuple("Tick", ())  # the time of a Wake effect has come
MutationStarted = namedtuple("MutationStarted", ("mutation",))  # before each request of a sign-in, sign-out, update
SignsOut = namedtuple("SignsOut", ("mutation",))  # it has started, and is a sign-out
SignedIn = namedtuple("SignedIn", ())  # before the end of a mutation: the backend has signed somebody in
MutationEnded = namedtuple(
    "MutationEnded", ("mutation", "outcome", "session", "date")
)  # outcome: one of the four below
Heard = namedtuple("Heard", ("message",))  # from another tab of ours: untrusted, any shape
EpochStored = namedtuple("EpochStored", ("epoch",))  # another page wrote the key; only sent where there is no channel
# A JS client says "something changed"; `identity` is a text that is the same in every tab that hears it, or None.
ForeignChange = namedtuple("ForeignChange", ("identity",))
SignedOutElsewhere = namedtuple("SignedOutElsewhere", ())  # before a ForeignChange: that is the change
LockGranted = namedtuple("LockGranted", ())
LockBusy = namedtuple("LockBusy", ())
Failed = namedtuple("Failed", ("error",))  # an action failed and nobody was waiting for it
Stop = namedtuple("Stop", ())

# How a mutation ended: the backend refused it or never got it; it may be done, and this page asks; the answer brought
# the session; this page navigates away, and another asks.
NOTHING, CHANGED, ADOPT, NAVIGATED = "nothing", "changed", "adopt", "leaving"

# ── effects ──────────────────────────────────────────────────────────────────────────────────────
SendQuery = namedtuple("SendQuery", ("query",))  # GET /session, and report Answered(query, ...)
AbortQuery = namedtuple("AbortQuery", ("query",))  # give up a query; nothing is reported for it
Settle = namedtuple("Settle", ("tickets", "error"))  # callers' tickets are answered by the state, or by an error
Publish = namedtuple("Publish", ("message",))  # a dict of plain data, to the other tabs
StoreEpoch = namedtuple("StoreEpoch", ("epoch",))
NotifyJSClients = namedtuple("NotifyJSClients", ("trigger",))  # the JS clients' own message forms
TryLock = namedtuple("TryLock", ())  # report LockGranted or LockBusy; without locks or channel always LockGranted
ReleaseLock = namedtuple("ReleaseLock", ())
FollowUse = namedtuple("FollowUse", ("on",))  # report Used from now on, or no more
LookUpUse = namedtuple("LookUpUse", ())  # report UseStored
StoreUse = namedtuple("StoreUse", ("at",))  # as UseStored has it
SignOut = namedtuple("SignOut", ())  # nobody has used any tab for too long
Wake = namedtuple("Wake", ("seconds",))  # report Tick in so many seconds; replaces the one before; None: never
Warn = namedtuple("Warn", ("text",))


class _Unset:
    def __repr__(self) -> str:
        return "UNSET"


UNSET = _Unset()  # for "nothing was given", where None has a meaning
EARLY = 0  # the number of the query that was sent before Python ran
