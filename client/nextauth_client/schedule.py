"""A timeline as a schedule of the simulation: Python that plays what one tab has seen (docs/synchroniser.md).

It holds nobody's name and no session's data. What this tab cannot know (why another tab asked, what a backend did) is
guessed from what came of it; what happened stands beside as comments, as the simulation writes them.
"""

from . import messages
from .stamps import DAY
from .timeline import Pressed, words

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any, Optional

    from .timeline import Entry, Timeline

MOST_PAGES = 6  # that the simulation opens
SETTLED = 2.0  # seconds; by then all pages of the simulation have been answered
LATENCY = 0.1  # seconds from a request to its answer, in the simulation
SLOW = 0.3  # more than that is told
OPTIONS = (("timeout", 10), ("keep_alive", 0), ("client_max_age", 0), ("refetch_on_focus", True), ("idle_timeout", 0))


def schedule(
    timeline: "Timeline", until: "Optional[int]" = None, locks: bool = True, channels: bool = True
) -> "tuple[str, int]":
    """A test for tests/simulation/test_regressions.py, of the first `until` entries; and how many steps it has.

    `locks`, `channels`: whether the browser has them.
    """
    entries = timeline.entries[:until]
    began_at, began_with, began_in = timeline.began_at, timeline.began_with, timeline.began_in
    starts = [number for number, entry in enumerate(entries) if type(entry.event).__name__ == "Start"]
    if starts:  # what was before belongs to another page, or backend
        entries = entries[starts[-1] + 1 :]
    writer = _Writer(entries, timeline.driver.machine, began_at, began_with)
    writer.read()
    steps = writer.lines()
    options = {name: getattr(timeline.driver.machine.options, name) for name, _ in OPTIONS}
    named = [f"tabs={writer.tabs}"]
    named += [f"{name}={options[name]!r}" for name, usual in OPTIONS if options[name] != usual]
    if not locks:
        named.append("locks=False")
    if not channels:
        named.append("channels=False")
    if began_with is None:
        named.append("signed_in=False")
    elif began_in is not None and began_in < DAY:
        named.append(f"session_length={float(began_in) + SETTLED}")
    lines = ["def test_what_the_developer_tools_have_seen() -> None:", f"    world = World({', '.join(named)})"]
    lines += ["    " + line for line in steps]
    return "\n".join(lines) + "\n    world.finish()\n", writer.count


class _Writer:
    """Finds the steps, and writes them in the order of their times."""

    def __init__(self, entries: "list[Entry]", machine: "Any", began_at: float, began_with: "Any") -> None:
        self._entries = entries
        self._own = machine.tab
        self._keep_alive = machine.options.keep_alive
        self._timeout = machine.options.timeout
        self._began_at = began_at
        self._session = began_with
        # (seconds since the beginning, 0 for what backend or network do, a number that keeps the order, a step or a
        # comment); a step is its name, the tab or `None`, and further arguments as text.
        self._found: "list[tuple[float, int, int, Any]]" = []
        self.count = 0
        self._others: "list[str]" = []  # tabs that were there from the beginning, as far as this one knows
        self._later: "list[str]" = []  # those that were opened meanwhile
        self._is_online = True
        self._is_counted = self._refuses = False
        self._fault: "Optional[str]" = None
        self._sent_at: "dict[int, float]" = {}  # own queries
        self._begun_at: "dict[int, float]" = {}  # and with what that began which led to them
        self._trigger_at = 0.0
        self._stamps: "list[Any]" = []  # of messages that count once
        self._asks: "list[str]" = []  # tabs that ask because of what they have done
        self._answered_at = 0.0
        self._wants = False  # to ask, if no other tab does
        self._signs_out_idle = self._signs_out_elsewhere = False

    # ── reading ──────────────────────────────────────────────────────────────────────────────────

    def read(self) -> None:
        for number, entry in enumerate(self._entries):
            at = entry.at - self._began_at
            name = type(entry.event).__name__
            if name not in ("LockGranted", "LockBusy", "Answered", "Tick"):
                self._trigger_at = at
            for effect in entry.effects:
                if type(effect).__name__ == "TryLock":
                    self._wants = True
                elif type(effect).__name__ == "SendQuery":
                    self._wants = False
                    self._sent_at[effect.query] = at
                    self._begun_at[effect.query] = self._trigger_at if at - self._trigger_at < 1 else at
                elif type(effect).__name__ == "SignOut":
                    self._signs_out_idle = True
            read = getattr(self, "_read_" + name, None)
            if read is not None:
                read(entry.event, entry, at, number)
            said = ", ".join([words(effect, True) for effect in entry.effects]) or "nothing"
            self._put(at, f"#   {at + SETTLED:9.3f} page 0: {words(entry.event, True)} -> {said}")
            self._session = entry.session

    def _put(self, at: float, line: "Any", when: int = 1) -> None:
        self._found.append((max(0.0, at), when, len(self._found), line))

    def _before(self, at: float, name: str, *more: str) -> None:
        """A step of nobody's, before those of the tabs at that time."""
        self._put(at, (name, None, more), 0)

    def _step(self, at: float, name: str, tab: "Optional[str]" = None, *more: str) -> None:
        self._put(at, (name, tab, more))

    def _own_step(self, at: float, name: str, *more: str) -> None:
        self._step(at, name, self._own, *more)

    def _read_Pressed(self, event: Pressed, entry: "Entry", at: float, number: int) -> None:
        if event.button == "slow":
            self._step(at, "latency", None, "3.0" if event.on else str(LATENCY))
        elif event.button == "expire":
            self._step(at, "session_length", None, "5.0" if event.on else str(30 * DAY))
            if not event.on:
                self._step(at, "sign_in_passing")

    def _read_Refresh(self, event: "Any", entry: "Entry", at: float, number: int) -> None:
        self._own_step(at, "refresh")

    def _read_StaleRead(self, event: "Any", entry: "Entry", at: float, number: int) -> None:
        self._own_step(at, "read")

    def _read_Refused(self, event: "Any", entry: "Entry", at: float, number: int) -> None:
        if not self._refuses:
            self._refuses = True
            self._step(at, "refuse_calls", None, "True")
        self._own_step(at, "call")

    def _read_CountdownRead(self, event: "Any", entry: "Entry", at: float, number: int) -> None:
        if not self._is_counted:
            self._is_counted = True
            self._own_step(at, "count")

    _read_IdleRead = _read_CountdownRead

    def _read_Used(self, event: "Any", entry: "Entry", at: float, number: int) -> None:
        self._own_step(at, "use")

    def _read_Focus(self, event: "Any", entry: "Entry", at: float, number: int) -> None:
        self._own_step(at, "focus")

    def _read_Visibility(self, event: "Any", entry: "Entry", at: float, number: int) -> None:
        self._own_step(at, "show" if event.visible else "hide")

    def _read_Network(self, event: "Any", entry: "Entry", at: float, number: int) -> None:
        self._is_online = event.online
        self._step(at, "set_online", None, repr(event.online))

    def _read_Configured(self, event: "Any", entry: "Entry", at: float, number: int) -> None:
        self._own_step(at, "replace")

    def _read_PageHide(self, event: "Any", entry: "Entry", at: float, number: int) -> None:
        self._own_step(at, "leave")

    def _read_PageShow(self, event: "Any", entry: "Entry", at: float, number: int) -> None:
        self._step(at, "come_back", None, "0")

    def _read_SignedOutElsewhere(self, event: "Any", entry: "Entry", at: float, number: int) -> None:
        self._signs_out_elsewhere = True

    def _read_ForeignChange(self, event: "Any", entry: "Entry", at: float, number: int) -> None:
        if self._signs_out_elsewhere:
            self._step(at - LATENCY, "js_sign_out")
        elif self._session is None and self._is_somebody_soon(number):
            self._step(at - LATENCY, "js_sign_in")
        else:
            self._step(at, "js_says")
        self._signs_out_elsewhere = False

    def _is_somebody_soon(self, number: int) -> bool:
        """Whether the next answer is somebody's."""
        for entry in self._entries[number:]:
            if type(entry.event).__name__ == "Answered" or self._answer_in(entry) is not None:
                return entry.session is not None
        return False

    def _answer_in(self, entry: "Entry") -> "Any":
        message = messages.read(entry.event.message) if type(entry.event).__name__ == "Heard" else None
        return message if type(message).__name__ == "Answer" else None

    # ── answers ──────────────────────────────────────────────────────────────────────────────────

    def _read_Answered(self, event: "Any", entry: "Entry", at: float, number: int) -> None:
        sent_at = self._sent_at.get(event.query)
        if sent_at is None:
            return
        began_at = self._begun_at[event.query]
        took = at - sent_at
        self._set_fault(began_at, self._fault_of(event.error, took))
        if event.error is None:
            if took > LATENCY + SLOW:
                self._before(began_at, "slow_answer", f"{took - LATENCY:.2f}")
            self._explain(entry, began_at)
        self._answered_at = at

    def _fault_of(self, error: "Any", took: float) -> "Optional[str]":
        if error is None or not self._is_online:
            return None
        if type(error).__name__ != "BackendUnreachable":
            return "'bad'"
        return "'hang'" if took > self._timeout - SLOW else "'unreachable'"

    def _set_fault(self, at: float, fault: "Optional[str]") -> None:
        if fault != self._fault:
            self._fault = fault
            self._before(at, "fault", str(fault))

    def _explain(self, entry: "Entry", at: float) -> None:
        """What the backend must have done, for that answer."""
        before, after = self._session, entry.session
        if before is not None and after is None and entry.reason == "revoked":
            self._before(at, "revoke")
        elif before is not None and after is not None and before.get("user") != after.get("user"):
            self._before(at, "rename")

    # ── mutations of this tab ────────────────────────────────────────────────────────────────────

    def _read_MutationStarted(self, event: "Any", entry: "Entry", at: float, number: int) -> None:
        if event.mutation in self._stamps:
            return  # its next request
        self._stamps.append(event.mutation)
        signed_in, end = False, None
        for later in self._entries[number:]:
            kind = type(later.event).__name__
            if kind == "SignsOut" and later.event.mutation == event.mutation:
                if not self._signs_out_idle:
                    self._own_step(at, "sign_out")
                self._signs_out_idle = False  # by itself
                return
            signed_in = signed_in or kind == "SignedIn"
            if kind == "MutationEnded" and later.event.mutation == event.mutation:
                end = later.event
                break
        if end is not None:
            self._own_step(at, *_kind_of(end, signed_in))

    # ── other tabs ───────────────────────────────────────────────────────────────────────────────

    def _read_Heard(self, event: "Any", entry: "Entry", at: float, number: int) -> None:
        message = messages.read(event.message)
        if message is None:
            self._own_step(at, "nonsense", "0")
            return
        kind, tab = type(message).__name__, message.stamp[1]
        if kind == "Hello" and tab not in self._tabs_so_far() and self._has_room():
            self._step(at, "open_beside", self._own, repr(message.in_worker))
            self._later.append(tab)
            return
        if tab not in self._tabs_so_far():
            if not self._has_room():
                return
            self._others.append(tab)
        if kind == "Use":
            self._step(at, "use", tab)
        elif kind == "Start":
            self._hear_start(message, at, number)
        elif kind == "End":
            if message.outcome == "changed":
                self._asks.append(tab)
        elif kind == "Answer":
            self._hear_answer(message, entry, at)

    def _tabs_so_far(self) -> "list[str]":
        return self._others + self._later

    def _has_room(self) -> bool:
        return 1 + len(self._tabs_so_far()) < MOST_PAGES

    def _hear_start(self, message: "Any", at: float, number: int) -> None:
        if message.stamp in self._stamps:
            return
        self._stamps.append(message.stamp)
        for later in self._entries[number:]:
            end: "Any" = messages.read(later.event.message) if type(later.event).__name__ == "Heard" else None
            if type(end).__name__ == "End" and end.start == message.stamp:
                self._step(at, *_kind_of_others(end, message.stamp[1]))
                return

    def _hear_answer(self, message: "Any", entry: "Entry", at: float) -> None:
        tab = message.stamp[1]
        if message.stamp in self._stamps:
            return  # said once more, to another Python
        self._stamps.append(message.stamp)
        asked = message.asked - self._began_at
        if not 0 < at - asked < 2 * self._timeout:  # another clock
            asked = at
        self._set_fault(asked, self._fault_of(message.error, 0.0))
        if message.error is None:
            self._explain(entry, asked)
        if tab in self._asks:
            self._asks.remove(tab)  # after what it has done
        elif message.told is None and not (self._wants or self._is_time(asked)):
            self._step(asked, "refresh", tab)  # or it got the focus, or has been opened
        self._wants = False
        self._answered_at = at

    def _is_time(self, at: float) -> bool:
        """Whether all tabs ask then, whatever happens."""
        return bool(self._keep_alive) and at - self._answered_at > self._keep_alive - 1

    @property
    def tabs(self) -> int:
        return 1 + len(self._others)

    # ── writing ──────────────────────────────────────────────────────────────────────────────────

    def lines(self) -> "list[str]":
        pages: "list[Optional[str]]" = [self._own]
        pages += self._others
        lines, now = [], -SETTLED
        for at, _, _, line in sorted(self._found, key=lambda found: found[:3]):
            if isinstance(line, str):
                lines.append(line)
                continue
            name, tab, more = line
            if tab is not None and tab not in pages:
                if None not in pages:
                    continue
                pages[pages.index(None)] = tab  # where a sign-in has led to
            if at - now >= 0.001:
                lines.append(f"world.advance({at - now:.3f})")
                now = at
            arguments = ([] if tab is None else [str(pages.index(tab))]) + list(more)
            lines.append(f"world.{name}({', '.join(arguments)})")
            self.count += 1
            if name == "open_beside":
                pages.append(self._later[len([page for page in pages if page in self._later])])
            elif name == "sign_in_leaving":
                pages.remove(tab)
                pages.append(None)
        return lines


def _kind_of(end: "Any", signed_in: bool) -> "tuple[str, ...]":
    """The step of a mutation of this tab that is no sign-out."""
    if signed_in:
        return ("sign_in_leaving", "False") if end.outcome == "leaving" else ("sign_in",)
    return ("update", "1") if end.outcome == "adopt" else ("sign_in_wrongly",)


def _kind_of_others(end: "Any", tab: str) -> "tuple[str, ...]":
    if end.outcome == "adopt":
        return ("sign_out", tab) if end.answer is None or end.answer.session is None else ("update", tab, "1")
    if end.outcome == "leaving":
        return ("sign_in_leaving", tab, "False")
    return ("sign_in", tab) if end.outcome == "changed" else ("sign_in_wrongly", tab)
