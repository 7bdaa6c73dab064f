"""A window of its own for a sign-in that leaves the page, opened at the click. Loaded when it is asked for.

Python never holds what belongs to another origin's page. Its address is read by functions of JavaScript's own, called
by a promise, because the refusal can then be caught, on MicroPython too.
"""

import json

import js

from .errors import PopupFailed

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any, Optional

NAME = "nextauth-client-sign-in"
LOOKS = "popup,width=520,height=680"


class PopupWindow:
    """See `host.Popup`."""

    def __init__(self, window: "Any") -> None:
        self._window = window
        # Reads the one attribute of the one attribute, or throws where that is another origin's.
        self._read = js.JSON.stringify.bind(js.JSON, window, js.Array.of("location", "href"))

    def go(self, url: str) -> None:
        self._window.location.assign(url)

    async def address(self) -> "Optional[str]":
        try:
            read = json.loads(str(await js.Promise.resolve().then(self._read)))
            return str(read["location"]["href"])
        except Exception:  # it shows another origin's page, or none any more
            return None

    def is_closed(self) -> bool:
        return bool(self._window.closed)

    def close(self) -> None:
        self._window.close()


def open_popup() -> PopupWindow:
    """Open an empty window, which browsers allow while they handle a click. Raises `PopupFailed`."""
    window = js.window.open("about:blank", NAME, LOOKS) if hasattr(js, "document") else None
    if not hasattr(window, "closed"):
        raise PopupFailed(
            "The browser opened no window. Call sign_in(popup=True) at once in the handler of a click, and allow this "
            "site to open windows; without popup=True the page itself goes to sign in."
        )
    return PopupWindow(window)
