"""The lines of the developer tools' panel: a timeline's newest entries, filtered, or as they were when it was paused.

Knows elements.
"""

import js

from .elements import append, create_element, create_text, remove, replace_children, set_attribute
from .timeline import words

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any, Optional

    from .timeline import Entry, Timeline

MOST_LINES = 200  # that are shown


class Lines:
    """`place` is the list; `until` the number of entries where it stands still, or `None`."""

    def __init__(self, timeline: "Timeline") -> None:
        self.place = make("ol")
        self.until: "Optional[int]" = None
        self._timeline = timeline
        self._filter: "list[str]" = []
        self._shown: "list[Entry]" = []
        self._lines: "list[Any]" = []

    def pause(self, on: bool) -> None:
        self.until = len(self._timeline.entries) if on else None
        self.show()

    def clear(self) -> None:
        self._timeline.clear()
        self.until = None if self.until is None else 0
        self.show()

    def filter(self, text: str) -> None:
        """By words that an entry has to have, or, behind a minus, must not."""
        self._filter = text.lower().split()
        self.show()

    def show(self) -> None:
        """The lines that stay are left alone: somebody may read them."""
        entries = self._timeline.entries[: self.until]
        wanted = [entry for entry in entries[-2 * MOST_LINES :] if self._is_wanted(entry)][-MOST_LINES:]
        wanted.reverse()
        shown = self._shown
        fresh = 0
        while fresh < len(wanted) and not (shown and wanted[fresh] is shown[0]):
            fresh += 1
        if [id(entry) for entry in wanted[fresh:]] != [id(entry) for entry in shown[: len(wanted) - fresh]]:
            fresh, self._lines = len(wanted), []
            replace_children(self.place)
        made = [_line_of(entry) for entry in wanted[:fresh]]
        if made:
            self.place.prepend(*made)
        self._lines = made + self._lines
        while len(self._lines) > len(wanted):
            remove(self._lines.pop())
        self._shown = wanted

    def _is_wanted(self, entry: "Entry") -> bool:
        text = " ".join([words(part) for part in [entry.event] + entry.effects]).lower()
        for word in self._filter:
            if word.startswith("-") and word != "-":
                if word[1:] in text:
                    return False
            elif word not in text:
                return False
        return True


def _line_of(entry: "Entry") -> "Any":
    effects = [make("p", "→ " + words(effect)) for effect in entry.effects]
    return make("li", "", make("time", time_of_day(entry.at, 12)), make("span", words(entry.event)), *effects)


def make(tag: str, text: str = "", *parts: "Any", **attributes: str) -> "Any":
    element = create_element(tag)
    for name, value in attributes.items():
        set_attribute(element, name, value)
    if text:
        append(element, create_text(text))
    append(element, *parts)
    return element


def time_of_day(at: float, length: int = 8) -> str:
    """On the person's own clock: `14:05:12`, or with milliseconds by a `length` of 12."""
    text = str(js.Date.new(at * 1000).toTimeString())[:8]
    return text if length <= 8 else f"{text}.{int(at % 1 * 1000):03d}"
