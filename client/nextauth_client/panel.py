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
from .panel_facts import FACTS, facts
from .panel_lines import Lines, make, time_of_day
from .panel_style import STYLE
from .schedule import schedule
from .store import Subscription
from .timeline import Timeline, name_of

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any, Callable

    from .actions import Actions
    from .driver import Driver
    from .timeline import Entry

WHERE = "the developer tools"
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
        self._shown: "dict[int, str]" = {}  # what each text node shows
        self._texts: "dict[str, tuple[int, Any]]" = {}
        self._buttons: "dict[str, Any]" = {}
        self._rows: "list[tuple[str, str, str]]" = []
        self._lines = Lines(self._timeline)
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
        self._host = make("nextauth-devtools", **{IGNORE: ""})
        self._root = self._host.attachShadow(to_js({"mode": "open"}))
        sheet = js.CSSStyleSheet.new()
        sheet.replaceSync(STYLE)
        self._root.adoptedStyleSheets.push(sheet)
        self._title = make("h2", "Developer tools", id="title", tabindex="-1")
        close = self._button("close", "×", **{"aria-label": "Close the developer tools"})
        header = make("header", "", self._title, make("span", "", self._text("tab")), close)
        known = make("dl")
        for name, title, is_wide in FACTS:
            value = make("dd", "", self._text(name), **{"data-fact": name})
            append(known, make("div", "", make("dt", title), value, **{"class": "wide" if is_wide else "fact"}))
        self._on = make("div", **{"class": "on", "hidden": ""})
        buttons = [self._button("refresh", "Refresh")]
        buttons += [self._button(name, name[0].upper() + name[1:], **{"aria-pressed": "false"}) for name in NAMES]
        buttons.append(self._button("sign-out", "Sign out"))
        self._table = make("tbody")
        heads = [make("th", name, scope="col") for name in ("Tab", "Knows", "Heard")]
        table = make("table", "", make("thead", "", make("tr", "", *heads)), self._table, **{"aria-label": "Tabs"})
        self._search = make(
            "input", type="search", placeholder="Filter: answered -tick", **{"aria-label": "Filter the timeline"}
        )
        tools = [
            self._search,
            self._button("pause", "Pause", **{"aria-pressed": "false"}),
            self._button("copy", "Copy as a test"),
            self._button("clear", "Clear"),
        ]
        scrolled = {
            "class": "events",
            "tabindex": "0",
            "role": "group",
            "aria-label": "Events and effects, newest first",
        }
        self._script = make("textarea", **{"readonly": "", "hidden": "", "aria-label": "The timeline as a test"})
        parts = [
            known,
            make("div", "", *buttons, **{"class": "buttons", "role": "group", "aria-label": "Try it"}),
            self._on,
            make("p", "", self._text("told"), role="status"),
            make("h3", "Tabs"),
            table,
            make("h3", "Timeline"),
            make("div", "", *tools, **{"class": "buttons", "role": "group", "aria-label": "Timeline"}),
            make("div", "", self._lines.place, **scrolled),
            self._script,
        ]
        scrolls = make(
            "div", "", *parts, **{"class": "body", "tabindex": "0", "role": "group", "aria-labelledby": "title"}
        )
        self._root.append(make("section", "", header, scrolls, **{"class": "panel", "aria-labelledby": "title"}))

    def _text(self, name: str) -> "Any":
        node = create_text("")
        self._texts[name] = (len(self._texts), node)
        return node

    def _button(self, name: str, text: str, **attributes: str) -> "Any":
        button = self._buttons[name] = make("button", text, type="button", **attributes)
        set_attribute(button, "data-do", name)
        return button

    def _say(self, name: str, text: str) -> None:
        number, node = self._texts[name]
        if self._shown.get(number) != text:
            self._shown[number] = text
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
        self._lines.show()

    def _show_facts(self) -> None:
        self._say("tab", "nextauth_client, tab " + self.driver.machine.tab[:4])
        for name, text in facts(self.driver, self._timeline).items():
            self._say(name, text)

    def _show_faults(self) -> None:
        on = [FAULTS[name] for name in NAMES if self._faults.is_on(name)]
        for name in NAMES:
            set_attribute(self._buttons[name], "aria-pressed", "true" if self._faults.is_on(name) else "false")
        if on != self._faults_shown:
            self._faults_shown = on
            ends = ["Closing the panel ends this."] if on else []
            replace_children(self._on, *[make("p", text) for text in on + ends])
            toggle_attribute(self._on, "hidden", not on)

    def _show_tabs(self) -> None:
        machine, view = self.driver.machine, self.driver.machine.view
        knows = "loading" if view.loading else "nobody" if view.session is None else name_of(view.session)
        rows = [(machine.tab[:4] + " (this)", knows, "–")]
        for seen in sorted(self._timeline.tabs.values(), key=lambda seen: -seen.at):
            rows.append((seen.tab[:4], seen.knows, f"{seen.said}, {time_of_day(seen.at)}"))
        if rows != self._rows:
            self._rows = rows
            made = [make("tr", "", *[make("td", text) for text in row]) for row in rows]
            replace_children(self._table, *made)

    # ── what a person does ───────────────────────────────────────────────────────────────────────

    def _key_pressed(self, event: "Any") -> None:
        event.stopPropagation()  # the page may have keys of its own
        if str(event.key) == "Escape":
            self.dispose()

    def _typed(self, event: "Any") -> None:
        event.stopPropagation()
        self._lines.filter(str(self._search.value))

    def _clicked(self, event: "Any") -> None:
        event.stopPropagation()
        button = closest(event.target, "[data-do]")
        name = attribute(button, "data-do") if is_node(button) else None
        if name == "close":
            self.dispose()
        elif name == "pause":
            self._pause()
        elif name == "clear":
            self._lines.clear()
        elif name == "copy":
            self.driver.spawn(self._copy())
        elif name == "refresh":
            self._carry_out("Asked.", self.driver.callers.get_session())
        elif name == "sign-out":
            self._carry_out("Signed out.", _awaited(self._actions.sign_out(redirect=False)))
        elif name is not None:
            self._turn(name)

    def _pause(self) -> None:
        is_paused = self._lines.until is None
        self._lines.pause(is_paused)
        set_attribute(self._buttons["pause"], "aria-pressed", "true" if is_paused else "false")
        self._say("told", "The timeline stands still." if is_paused else "The timeline goes on.")

    def _turn(self, name: str) -> None:
        on = not self._faults.is_on(name)
        self._timeline.note(name, on)
        self._faults.turn(name, on)
        self._show_faults()
        if name == "expire":
            self._carry_out("Asked.", self.driver.callers.get_session())

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
        has_locks, has_channels = has(js.navigator, "locks"), has(js, "BroadcastChannel")
        text, steps = schedule(self._timeline, self._lines.until, has_locks, has_channels)
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
