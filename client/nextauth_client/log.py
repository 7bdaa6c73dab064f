"""Each event and its effects as a line: under `logging` on CPython, on the console in a browser.

Quiet until somebody asks for it.
"""

import sys

from .store import Subscription
from .timeline import Timeline, words

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Callable

    from .driver import Driver
    from .timeline import Entry

NAME = "nextauth_client"


def follow(driver: "Driver") -> Subscription:
    """Write what the driver receives and does from now on, with people's names and nothing else of a session."""
    timeline = Timeline(driver)
    write = _writer()

    def say(entry: "Entry") -> None:
        effects = ", ".join([words(effect) for effect in entry.effects]) or "nothing"
        write(f"tab {driver.machine.tab[:4]}: {words(entry.event)} -> {effects}")

    timeline.on_entry = say
    return Subscription(timeline.close)


def _writer() -> "Callable[[str], object]":
    if sys.platform in ("emscripten", "webassembly"):
        import js

        return lambda line: js.console.debug(NAME + ": " + line)
    import logging

    logger = logging.getLogger(NAME)
    return lambda line: logger.debug("%s", line)
