"""What the developer tools do to a tab's requests until they are closed: offline, slow, and a session that ends.

Puts itself in the place of the host's `fetch` and `call` while something is turned on. Knows no page.
"""

import asyncio
import json
import time

from .errors import BackendUnreachable
from .events import Network
from .host import Answer
from .jsontext import parse_json

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

    from .driver import Driver
    from .host import Request, Response

SLOW = 3.0  # seconds that each request is held up
LEFT = 5.0  # seconds that a session has after `expire`
OFFLINE = "The developer tools keep this page offline."
LATE = "The developer tools keep this page slow, and no answer came in time."


class Faults:
    """`offline`, `slow` and `expire`, each off at first; `end()` turns off what is on."""

    def __init__(self, driver: "Driver") -> None:
        self._driver = driver
        self._host: "Any" = None  # whose functions are replaced
        self._fetch: "Any" = None
        self._call: "Any" = None
        self._ends_at = 0.0
        self._on: "list[str]" = []

    def is_on(self, name: str) -> bool:
        return name in self._on

    def turn(self, name: str, on: bool) -> None:
        if on == self.is_on(name):
            return
        if on:
            self._on.append(name)
        else:
            self._on.remove(name)
        if self._on and self._host is None:
            self._replace()
        elif not self._on:
            self._give_back()
        if name == "offline":
            self._driver.receive(Network(not on))
        elif name == "expire":
            self._ends_at = self._driver.host.now() + LEFT

    def end(self) -> None:
        for name in list(self._on):
            self.turn(name, False)

    def _replace(self) -> None:
        host = self._host = self._driver.host
        self._fetch, self._call = host.fetch, host.call
        host.fetch, host.call = self._fetch_faultily, self._call_faultily  # type: ignore[method-assign]

    def _give_back(self) -> None:
        if self._host is not None:
            del self._host.fetch, self._host.call  # its class has them
            self._host = None

    async def _fetch_faultily(self, request: "Request", timeout: float) -> Answer:
        fetch = self._fetch
        answer = await fetch(request, await self._hold_up(timeout))
        return self._shortened(request, answer) if self.is_on("expire") else answer

    async def _call_faultily(self, request: "Request", timeout: float) -> "Response":
        call = self._call
        response: "Response" = await call(request, await self._hold_up(timeout))
        return response

    async def _hold_up(self, timeout: float) -> float:
        """The seconds that are left for the request. Raises `BackendUnreachable`."""
        if self.is_on("slow"):
            await asyncio.sleep(min(SLOW, timeout))
            timeout -= SLOW
        if self.is_on("offline"):
            raise BackendUnreachable(OFFLINE)
        if timeout <= 0:
            raise BackendUnreachable(LATE)
        return timeout

    def _shortened(self, request: "Request", answer: Answer) -> Answer:
        """The session that is answered ends soon, and is over then."""
        asked = self._driver.wire.session_request(self._driver.base).url
        if request.url.rstrip("/") != asked.rstrip("/") or answer.status != 200:
            return answer
        now = self._driver.host.now()
        if now >= self._ends_at:
            return Answer(200, "{}", answer.redirected, answer.date)
        try:
            session = parse_json(answer.text)
        except ValueError:
            return answer
        if not isinstance(session, dict) or not session:
            return answer
        session["expires"] = _iso((now if answer.date is None else answer.date) + self._ends_at - now)
        return Answer(200, json.dumps(session), answer.redirected, answer.date)


def _iso(seconds: float) -> str:
    year, month, day, hour, minute, second = time.gmtime(int(seconds))[:6]
    return f"{year}-{month:02d}-{day:02d}T{hour:02d}:{minute:02d}:{second:02d}.{int(seconds % 1 * 1000):03d}Z"
