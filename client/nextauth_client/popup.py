"""A window of its own for a sign-in that leaves the page, opened at the click. Loaded when it is asked for.

Python never holds what belongs to another origin's page. Its address is read by functions of JavaScript's own, called
by a promise, because the refusal can then be caught.
"""

import json

import js

from .bridge import attempt, has, method, outcome, to_js
from .errors import PopupBlocked
from .tabs import POPUP, store

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any, Optional

LOOKS = "popup,width=520,height=680"
HIDING = ("same-origin", "noopener-allow-popups")


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
            read = json.loads(str(await outcome(self._read)))
            return str(read["location"]["href"])
        except Exception:  # it shows another origin's page, or none any more
            return None

    def is_closed(self) -> bool:
        return bool(self._window.closed)

    async def may_hide(self) -> bool:
        """Only the page's headers tell; the browser has them with the page."""
        for verb in ("HEAD", "GET"):  # FastAPI's routes know no HEAD
            options = to_js({"method": verb, "cache": "force-cache"})
            try:
                answer = await outcome(method(js.globalThis, "fetch", js.location.href, options))
            except RuntimeError:
                return False
            if answer.ok:
                break
        return str(answer.headers.get("cross-origin-opener-policy")).split(";")[0].strip() in HIDING

    def close(self) -> None:
        # A window that closes while it loads modules hangs WebKit, and this page with it (docs/upstream).
        attempt(js.Reflect.get(js.globalThis, "stop").bind(self._window))
        self._window.close()


def open_popup() -> PopupWindow:
    """Open an empty window, which browsers allow while they handle a click. Raises `PopupBlocked`."""
    # In a new one each time: by a name one could be given a frame of the page, or a window that somebody else keeps.
    window = js.window.open("about:blank", "_blank", LOOKS)
    if not has(window, "closed"):
        raise PopupBlocked(
            "The browser opened no window. Call sign_in(popup=True) at once in the handler of a click, and allow this "
            "site to open windows, or leave popup=True out."
        )
    # What is shown there later, another origin's page too, must not lead this page elsewhere.
    js.Object.assign(window, to_js({"opener": None}))
    # By which the page that the sign-in ends on knows that it shall tell the others, and close the window.
    store(attempt(js.Reflect.get.bind(None, window, "sessionStorage")), POPUP, "1")
    return PopupWindow(window)
