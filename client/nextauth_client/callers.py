"""Callers who wait: for an answer of their own, for the first, for a newer one, or until nothing is in flight.

Each looks at what is known after every step of the driver. When to ask is the machine's, which settles tickets.
"""

import asyncio

from . import events
from .errors import BackendUnreachable
from .sync import STOPPED

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any, Coroutine, Iterable, Optional, Protocol

    from .errors import NextAuthError
    from .host import Host
    from .store import Store
    from .sync import Machine

    class Loop(Protocol):
        """What is needed of a driver, which is one."""

        callers: "Callers"
        host: Host
        machine: Machine  # another, at another backend
        store: Store
        stopped: bool

        def receive(self, event: Any) -> None: ...

        def spawn(self, coroutine: Coroutine[Any, Any, Any]) -> object: ...

        def is_over(self, machine: Machine) -> bool:
            """Whether what was begun with this machine has to end."""

        def refuse_when_stopped(self) -> None:
            """Raises `RuntimeError`."""


class Callers:
    """Those of one driver. Whoever waits while it goes on at another backend gets that one's answer."""

    def __init__(self, driver: "Loop") -> None:
        self._driver = driver
        self._tickets: "dict[int, _Ticket]" = {}
        self._numbers = 0
        self._this_turn: "Optional[_Ticket]" = None
        self._waiting: "list[asyncio.Event]" = []  # for the next step

    # ── an answer of their own ───────────────────────────────────────────────────────────────────

    async def get_session(self) -> "Optional[dict[str, Any]]":
        """Ask the backend now. Calls of one turn of the event loop share a query: rule 3.

        Raises what came instead of an answer, and `RuntimeError` when the driver has been stopped.
        """
        self._driver.refuse_when_stopped()
        ticket = self._this_turn or self._new_ticket()
        await ticket.came.wait()
        if ticket.error is not None:
            raise ticket.error
        return ticket.session

    def _new_ticket(self) -> "_Ticket":
        self._numbers += 1
        ticket = self._tickets[self._numbers] = self._this_turn = _Ticket()
        self._driver.spawn(self._end_turn())
        self._driver.receive(events.Refresh(self._numbers))
        return ticket

    async def _end_turn(self) -> None:
        self._this_turn = None

    def settle(self, numbers: "Iterable[int]", error: "Optional[NextAuthError]") -> None:
        """These tickets are answered by the machine's session, or by `error`."""
        for number in numbers:
            ticket = self._tickets.pop(number, None)
            if ticket is not None:
                ticket.session, ticket.error = self._driver.machine.view.session, error
                ticket.came.set()

    def take_tickets(self) -> "dict[int, _Ticket]":
        """Take them away, so that the end of this machine settles none; they are for `ask_for`."""
        tickets, self._tickets = self._tickets, {}
        self._this_turn = None
        return tickets

    def ask_for(self, tickets: "dict[int, _Ticket]") -> None:
        """Have the machine settle them that there is now."""
        self._tickets.update(tickets)
        for number in list(tickets):
            self._driver.receive(events.Refresh(number))

    # ── what any tab is answered ─────────────────────────────────────────────────────────────────

    async def first_answer(self, patient: bool) -> None:
        """Wait for it; raises what kept it from coming, unless `patient`."""
        driver = self._driver
        while driver.store.value.loading:
            if driver.stopped:
                raise BackendUnreachable(STOPPED)
            error = driver.store.value.error
            if error is not None and not patient:
                raise error
            await self.next_step()

    async def session_after(self, newest: object) -> None:
        """Wait until a session is known from an answer that is newer. Raises when this stops.

        Where there was one, it is another tab's, or somebody else's: this tab may ask at any time.
        """
        driver = self._driver
        user = self._user()
        while (
            driver.machine.view.newest == newest
            or driver.store.value.session is None
            or (newest and user == self._user() and driver.machine.view.newest[1] == driver.machine.tab)
        ):
            if driver.stopped:
                raise BackendUnreachable(STOPPED)
            await self.next_step()

    def _user(self) -> "Any":
        session = self._driver.machine.view.session
        return None if session is None else session.get("user")

    async def is_signed_in_since(self, left: float, timeout: float) -> bool:
        """What an API's 401 to a call that left then asks, of all tabs once; `False` where nobody knows in time."""
        driver = self._driver

        async def known() -> bool:
            while driver.machine.is_known_since(left) is None:
                await self.next_step()
            return bool(driver.machine.is_known_since(left)) and driver.machine.view.session is not None

        left = min(left, driver.host.now())  # the clock may have been set back
        driver.receive(events.Refused(left))
        try:
            return await asyncio.wait_for(known(), timeout)
        except asyncio.TimeoutError:
            return False

    async def quiet(self) -> None:
        """Wait until no query is in flight."""
        while self._driver.machine.in_flight:
            await self.next_step()

    async def next_step(self) -> None:
        """Wait until the machine has received something; the end of the driver is an event, too."""
        came = asyncio.Event()
        self._waiting.append(came)
        await came.wait()

    def look_again(self) -> None:
        """The machine has received something."""
        while self._waiting:
            self._waiting.pop().set()


class _Ticket:
    """A caller who waits for an answer."""

    def __init__(self) -> None:
        self.came = asyncio.Event()
        self.session: "Optional[dict[str, Any]]" = None
        self.error: "Optional[NextAuthError]" = None
