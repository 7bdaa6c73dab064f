"""The developer tools' panel: what a timeline tells, shown in a shadow tree of its own, with buttons.

Knows elements. What is shown there comes as text nodes alone, and no style or script of the page reaches it.
"""

import js

from .bridge import create_proxy, destroy, guarded, has, listen, method, outcome, to_js
from .console import report
from .elements import (
    IGNORE,
    active_beside,
    append,
    attribute,
    body,
    closest,
    create_element,
    create_text,
    document_element,
    is_connected,
    is_node,
    remove,
    replace_children,
    set_attribute,
    toggle_attribute,
)
from .errors import NextAuthError
from .faults import LEFT, SLOW, Faults
from .panel_style import STYLE
from .schedule import schedule
from .store import Subscription
from .timeline import Timeline, name_of, words

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any, Callable, Optional

    from .actions import Actions
    from .driver import Driver
    from .timeline import Entry

WHERE = "the developer tools"
MOST_LINES = 200  # of the timeline that are shown
FACTS = (  # name, title, whether it takes two columns
    ("state", "State", True),
    ("reason", "Reason", False),
    ("expires", "Ends in", False),
    ("idle", "Idle in", False),
    ("lock", "Lock held by", False),
    ("asked", "Last asked", True),
    ("came", "What came", True),
    ("error", "Error", True),
)
FAULTS = {
    "offline": "Offline: requests of this tab fail.",
    "slow": f"Slow: each request of this tab waits for {SLOW:g} s.",
    "expire": f"Expire: the session had {LEFT:g} s left, and this tab is answered nobody after that.",
}
NAMES = ("expire", "offline", "slow")  # the order of the buttons

_panels: "list[Panel]" = []  # that are open


def show(driver: "Driver", actions: "Actions") -> "Panel":
    """The panel of this driver, which may be open already."""
    for panel in _panels:
        if panel.driver is driver:
            return panel
    return Panel(driver, actions)


class Panel(Subscription):
    """Open until `dispose()`, or until the driver is stopped."""

    def __init__(self, driver: "Driver", actions: "Actions") -> None:
        self.driver = driver
        self._actions = actions
        self._undo: "list[Callable[[], object]]" = []
        self._timeline = Timeline(driver)
        self._faults = Faults(driver)
        self._said: "dict[int, str]" = {}  # what each text node shows
        self._texts: "dict[str, tuple[int, Any]]" = {}
        self._buttons: "dict[str, Any]" = {}
        self._rows: "list[tuple[str, str, str]]" = []
        self._filter = ""
        self._until: "Optional[int]" = None  # the number of entries where the timeline stands still
        self._shown: "list[Entry]" = []
        self._lines: "list[Any]" = []
        self._faults_shown: "list[str]" = []
        self._is_due = False  # to be painted
        self._timer: "Any" = None
        self._frame: "Any" = None
        self._on_paint: "Any" = None
        self._on_tick: "Any" = None
        self._focused_before = active_beside(document_element())
        self._build()
        self._begin()

    def dispose(self) -> None:
        """Close it, and undo what its buttons have turned on. Twice does no harm."""
        while self._undo:
            guarded(self._undo.pop(), WHERE)()

    # ── coming and going ─────────────────────────────────────────────────────────────────────────

    def _begin(self) -> None:
        undo = self._undo
        undo.append(lambda: _panels.remove(self))
        _panels.append(self)
        undo.append(self.driver.on_stop(self.dispose))
        undo.append(self._timeline.close)
        self._timeline.on_entry = self._heard
        undo.append(self._faults.end)
        undo.append(self._leave)
        for name, listener in (("click", self._clicked), ("input", self._typed), ("keydown", self._key_pressed)):
            undo.append(listen(self._root, name, listener, WHERE))
        undo.append(listen(js.document, "visibilitychange", lambda event: self._go_on(), WHERE))
        paint, tick = guarded(self._paint, WHERE), guarded(self._tick, WHERE)
        self._on_paint = create_proxy(lambda *_: paint())
        self._on_tick = create_proxy(lambda *_: tick())
        undo.append(self._stop_painting)
        place = body()
        append(place if is_node(place) else document_element(), self._host)
        self._paint()
        self._go_on()

    def take_focus(self) -> None:
        """If it is a person who has asked for it, by a click or a key, a moment ago."""
        if has(js.navigator, "userActivation") and js.navigator.userActivation.isActive:
            self._title.focus()

    def _leave(self) -> None:
        had_focus = is_node(self._root.activeElement)
        remove(self._host)
        before = self._focused_before
        if had_focus and is_node(before) and is_connected(before):
            before.focus()

    def _stop_painting(self) -> None:
        if self._timer is not None:
            js.clearInterval(self._timer)
            self._timer = None
        if self._is_due:
            js.cancelAnimationFrame(self._frame)
        for proxy in (self._on_paint, self._on_tick):
            destroy(proxy)
        self._on_paint = self._on_tick = None  # else Python and JavaScript hold each other for good

    def _go_on(self) -> None:
        """Count while somebody can see it."""
        is_visible = str(js.document.visibilityState) == "visible"
        if is_visible and self._timer is None:
            self._timer = js.setInterval(self._on_tick, 1000)
            self._tick()
        elif not is_visible and self._timer is not None:
            js.clearInterval(self._timer)
            self._timer = None

    # ── its elements ─────────────────────────────────────────────────────────────────────────────

    def _build(self) -> None:
        self._host = _make("nextauth-devtools", **{IGNORE: ""})
        self._root = self._host.attachShadow(to_js({"mode": "open"}))
        sheet = js.CSSStyleSheet.new()
        sheet.replaceSync(STYLE)
        self._root.adoptedStyleSheets.push(sheet)
        self._title = _make("h2", "Developer tools", id="title", tabindex="-1")
        close = self._button("close", "×", **{"aria-label": "Close the developer tools"})
        header = _make("header", "", self._title, _make("span", "", self._text("tab")), close)
        facts = _make("dl")
        for name, title, is_wide in FACTS:
            value = _make("dd", "", self._text(name), **{"data-fact": name})
            append(facts, _make("div", "", _make("dt", title), value, **{"class": "wide" if is_wide else "fact"}))
        self._on = _make("div", **{"class": "on", "hidden": ""})
        buttons = [self._button("refresh", "Refresh")]
        buttons += [self._button(name, name[0].upper() + name[1:], **{"aria-pressed": "false"}) for name in NAMES]
        buttons.append(self._button("sign-out", "Sign out"))
        self._table = _make("tbody")
        heads = [_make("th", name, scope="col") for name in ("Tab", "Knows", "Heard")]
        table = _make("table", "", _make("thead", "", _make("tr", "", *heads)), self._table, **{"aria-label": "Tabs"})
        self._search = _make(
            "input", type="search", placeholder="Filter: answered -tick", **{"aria-label": "Filter the timeline"}
        )
        tools = [
            self._search,
            self._button("pause", "Pause", **{"aria-pressed": "false"}),
            self._button("copy", "Copy as a test"),
            self._button("clear", "Clear"),
        ]
        self._list = _make("ol")
        scrolled = {
            "class": "events",
            "tabindex": "0",
            "role": "group",
            "aria-label": "Events and effects, newest first",
        }
        self._script = _make("textarea", **{"readonly": "", "hidden": "", "aria-label": "The timeline as a test"})
        parts = [
            facts,
            _make("div", "", *buttons, **{"class": "buttons", "role": "group", "aria-label": "Try it"}),
            self._on,
            _make("p", "", self._text("told"), role="status"),
            _make("h3", "Tabs"),
            table,
            _make("h3", "Timeline"),
            _make("div", "", *tools, **{"class": "buttons", "role": "group", "aria-label": "Timeline"}),
            _make("div", "", self._list, **scrolled),
            self._script,
        ]
        scrolls = _make(
            "div", "", *parts, **{"class": "body", "tabindex": "0", "role": "group", "aria-labelledby": "title"}
        )
        self._root.append(_make("section", "", header, scrolls, **{"class": "panel", "aria-labelledby": "title"}))

    def _text(self, name: str) -> "Any":
        node = create_text("")
        self._texts[name] = (len(self._texts), node)
        return node

    def _button(self, name: str, text: str, **attributes: str) -> "Any":
        button = self._buttons[name] = _make("button", text, type="button", **attributes)
        set_attribute(button, "data-do", name)
        return button

    def _say(self, name: str, text: str) -> None:
        number, node = self._texts[name]
        if self._said.get(number) != text:
            self._said[number] = text
            node.data = text

    # ── what happens ─────────────────────────────────────────────────────────────────────────────

    def _heard(self, entry: "Entry") -> None:
        kind = type(entry.event).__name__
        if kind == "Start":  # of another backend, whose host is another
            self._faults.end()
        elif kind == "SignedIn":
            self._faults.turn("expire", False)
        self._ask_to_paint()

    def _ask_to_paint(self) -> None:
        if not self._is_due and self._on_paint is not None:
            self._is_due = True
            self._frame = js.requestAnimationFrame(self._on_paint)

    def _tick(self) -> None:
        if not self._is_due:
            self._show_facts()

    def _paint(self) -> None:
        self._is_due = False
        self._show_facts()
        self._show_faults()
        self._show_tabs()
        self._show_timeline()

    def _show_facts(self) -> None:
        machine, timeline, now = self.driver.machine, self._timeline, self.driver.host.now()
        status = str(self.driver.store.value.status)
        if machine.view.session is not None:
            status += ": " + name_of(machine.view.session)
        asked, error = timeline.asked, machine.view.error
        self._say("tab", "nextauth_client, tab " + machine.tab[:4])
        self._say("state", status)
        self._say("reason", str(machine.view.reason or "–"))
        left = machine.view.seconds_left(now)
        self._say("expires", "–" if left is None else _duration(left))
        self._say("idle", self._idle_in(now))
        asked_ago = came = "–"
        if asked is not None:
            asked_ago = f"{_duration(int(now - asked.at))} ago: {asked.why}"
            came = "given up" if asked.came is None else f"{asked.came}, after {asked.took:.2f} s"
            if asked.number in machine.in_flight:
                came = "nothing yet"
        self._say("asked", asked_ago)
        self._say("came", came)
        self._say("lock", timeline.lock)
        self._say("error", "–" if error is None else f"{error.code}: {error.message}")

    def _idle_in(self, now: float) -> str:
        machine = self.driver.machine
        timeout = machine.options.idle_timeout
        if not timeout:
            return "off"
        if machine.view.session is None:
            return "–"
        left = machine.seconds_until_idle(now)
        if left is not None:
            return _duration(left)
        used_at = max(self._timeline.used_at, (self.driver.host.stored_use() or 0) / 1000)
        if used_at + timeout <= now:  # nobody knows here
            return "more than " + _duration(int(machine.options.idle_warning))
        return _duration(int(used_at + timeout - now))

    def _show_faults(self) -> None:
        on = [FAULTS[name] for name in NAMES if self._faults.is_on(name)]
        for name in NAMES:
            set_attribute(self._buttons[name], "aria-pressed", "true" if self._faults.is_on(name) else "false")
        if on != self._faults_shown:
            self._faults_shown = on
            ends = ["Closing the panel ends this."] if on else []
            replace_children(self._on, *[_make("p", text) for text in on + ends])
            toggle_attribute(self._on, "hidden", not on)

    def _show_tabs(self) -> None:
        machine, view = self.driver.machine, self.driver.machine.view
        knows = "loading" if view.loading else "nobody" if view.session is None else name_of(view.session)
        rows = [(machine.tab[:4] + " (this)", knows, "–")]
        for seen in sorted(self._timeline.tabs.values(), key=lambda seen: -seen.at):
            rows.append((seen.tab[:4], seen.knows, f"{seen.said}, {_time_of_day(seen.at)}"))
        if rows != self._rows:
            self._rows = rows
            made = [_make("tr", "", *[_make("td", text) for text in row]) for row in rows]
            replace_children(self._table, *made)

    def _show_timeline(self) -> None:
        """The lines that stay are left alone: somebody may read them."""
        entries = self._timeline.entries[: self._until]
        wanted = [entry for entry in entries[-2 * MOST_LINES :] if self._is_wanted(entry)][-MOST_LINES:]
        wanted.reverse()
        shown = self._shown
        fresh = 0
        while fresh < len(wanted) and not (shown and wanted[fresh] is shown[0]):
            fresh += 1
        if [id(entry) for entry in wanted[fresh:]] != [id(entry) for entry in shown[: len(wanted) - fresh]]:
            fresh, self._lines = len(wanted), []
            replace_children(self._list)
        made = [_line_of(entry) for entry in wanted[:fresh]]
        if made:
            self._list.prepend(*made)
        self._lines = made + self._lines
        while len(self._lines) > len(wanted):
            remove(self._lines.pop())
        self._shown = wanted

    def _is_wanted(self, entry: "Entry") -> bool:
        text = " ".join([words(part) for part in [entry.event] + entry.effects]).lower()
        for word in self._filter.lower().split():
            if word.startswith("-") and word != "-":
                if word[1:] in text:
                    return False
            elif word not in text:
                return False
        return True

    # ── what a person does ───────────────────────────────────────────────────────────────────────

    def _key_pressed(self, event: "Any") -> None:
        event.stopPropagation()  # the page may have keys of its own
        if str(event.key) == "Escape":
            self.dispose()

    def _typed(self, event: "Any") -> None:
        event.stopPropagation()
        self._filter = str(self._search.value)
        self._show_timeline()

    def _clicked(self, event: "Any") -> None:
        event.stopPropagation()
        button = closest(event.target, "[data-do]")
        name = attribute(button, "data-do") if is_node(button) else None
        if name == "close":
            self.dispose()
        elif name == "pause":
            self._pause()
        elif name == "clear":
            self._timeline.clear()
            self._until = None if self._until is None else 0
            self._show_timeline()
        elif name == "copy":
            self.driver.spawn(self._copy())
        elif name == "refresh":
            self._carry_out("Asked.", self.driver.get_session())
        elif name == "sign-out":
            self._carry_out("Signed out.", _awaited(self._actions.sign_out(redirect=False)))
        elif name is not None:
            self._turn(name)

    def _pause(self) -> None:
        is_paused = self._until is None
        self._until = len(self._timeline.entries) if is_paused else None
        set_attribute(self._buttons["pause"], "aria-pressed", "true" if is_paused else "false")
        self._say("told", "The timeline stands still." if is_paused else "The timeline goes on.")
        self._show_timeline()

    def _turn(self, name: str) -> None:
        on = not self._faults.is_on(name)
        self._timeline.note(name, on)
        self._faults.turn(name, on)
        self._show_faults()
        if name == "expire":
            self._carry_out("Asked.", self.driver.get_session())

    def _carry_out(self, done: str, coroutine: "Any") -> None:
        async def run() -> None:
            try:
                await coroutine
                said = done
            except NextAuthError as error:
                said = f"{error.code}: {error.message}"
            except Exception as error:
                report(error, WHERE)
                said = "That failed: the console says more."
            if self._undo:
                self._say("told", said)

        self._say("told", "…")
        self.driver.spawn(run())

    async def _copy(self) -> None:
        text, steps = schedule(self._timeline, self._until, has(js.navigator, "locks"), has(js, "BroadcastChannel"))
        said = f"Copied a test of {steps} steps, without names and session data."
        try:
            await _copy(text)
        except RuntimeError:
            said = "The browser lets nothing be copied here: take it from the field below."
            self._script.value = text
            toggle_attribute(self._script, "hidden", False)
            self._script.select()
        if self._undo:
            self._say("told", said)


async def _copy(text: str) -> None:
    """Raises `RuntimeError` where the browser has no clipboard, as at an address without https, or refuses."""
    if not has(js.navigator, "clipboard") or not has(js.navigator.clipboard, "writeText"):
        raise RuntimeError("no clipboard")
    await outcome(method(js.navigator.clipboard, "writeText", text))


async def _awaited(task: "Any") -> None:
    await task


def _make(tag: str, text: str = "", *parts: "Any", **attributes: str) -> "Any":
    element = create_element(tag)
    for name, value in attributes.items():
        set_attribute(element, name, value)
    if text:
        append(element, create_text(text))
    append(element, *parts)
    return element


def _line_of(entry: "Entry") -> "Any":
    effects = [_make("p", "→ " + words(effect)) for effect in entry.effects]
    return _make("li", "", _make("time", _time_of_day(entry.at, 12)), _make("span", words(entry.event)), *effects)


def _time_of_day(at: float, length: int = 8) -> str:
    """On the person's own clock: `14:05:12`, or with milliseconds by a `length` of 12."""
    text = str(js.Date.new(at * 1000).toTimeString())[:8]
    return text if length <= 8 else f"{text}.{int(at % 1 * 1000):03d}"


def _duration(seconds: int) -> str:
    """`59 s`, `4:05`, `3:04:05` or `29 days 3:04:05`."""
    if seconds < 60:
        return f"{max(0, seconds)} s"
    minutes, hours = seconds // 60 % 60, seconds // 3600 % 24
    text = f"{hours}:{minutes:02d}" if seconds >= 3600 else str(minutes)
    days = seconds // 86400
    return (f"{days} day{'s' if days > 1 else ''} " if days else "") + f"{text}:{seconds % 60:02d}"
