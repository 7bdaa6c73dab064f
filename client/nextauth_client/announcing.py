"""What flows do, told to a driver's machine: that a mutation begins and ends; and what they wait for of its callers."""

import asyncio

from . import events
from .errors import BackendUnreachable
from .flows import Mutations
from .sync import STOPPED

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any, Optional

    from .callers import Loop


class Announced(Mutations):
    """To the machine that the driver has now; nobody hears of it any more when the driver has another.

    See `flows.Mutations`. `begin` raises `BackendUnreachable` when it has another, or has stopped.
    """

    def __init__(self, driver: "Loop") -> None:
        self._driver = driver
        self._machine = driver.machine

    def begin(self, mutation: object) -> None:
        self._receive(events.MutationStarted(id(mutation)))
        # Whoever heard of it may have stopped all, this action too.
        if self._driver.is_over(self._machine):
            raise BackendUnreachable(STOPPED)

    def signs_out(self, mutation: object) -> None:
        self._receive(events.SignsOut(id(mutation)))

    def has_signed_in(self) -> None:
        self._receive(events.SignedIn())

    def end(
        self,
        mutation: object,
        outcome: str,
        session: "Optional[dict[str, Any]]" = None,
        date: "Optional[float]" = None,
    ) -> None:
        self._receive(events.MutationEnded(id(mutation), outcome, session, date))

    def _receive(self, event: "Any") -> None:
        if self._driver.machine is self._machine:
            self._driver.receive(event)

    async def quiet(self) -> None:
        await self._driver.callers.quiet()

    async def is_signed_in(self) -> bool:
        return await self._driver.callers.get_session() is not None

    def newest(self) -> object:
        return self._machine.view.newest

    async def signed_in_since(self, newest: object, timeout: float) -> bool:
        try:
            await asyncio.wait_for(self._driver.callers.session_after(newest), timeout)
        except asyncio.TimeoutError:
            return False
        return True
