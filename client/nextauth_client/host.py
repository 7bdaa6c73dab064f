"""What the rest needs from the world, as a small contract. `browser` keeps it in a page, `testing` in virtual time.

Knows the values that go through it (`protocol`) and the events it reports (`sync`), nothing of who listens.
"""

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any, Callable, Optional, Protocol

    from .protocol import Answer, Request

    class Early(Protocol):
        """A `GET /session` that was sent before Python ran. Times in Unix seconds."""

        asked_at: float
        came_at: float  # meaningful with an answer
        answer: Optional[Answer]

        def is_over(self) -> bool:
            """Whether nothing more will come."""

        async def wait(self) -> Answer:
            """Its answer. Raises `BackendUnreachable`."""

    class Popup(Protocol):
        """A window that a sign-in goes on in."""

        def go(self, url: str) -> None:
            """Show this absolute http(s) URL."""

        async def address(self) -> Optional[str]:
            """What it shows; `None` while that is another origin's page."""

        def is_closed(self) -> bool:
            """Whether it is gone, or hides itself (`Cross-Origin-Opener-Policy`)."""

        def close(self) -> None:
            """Close it; twice does no harm."""

    class Host(Protocol):
        """The world of one Provider, or of one action without a Provider (then it is never opened)."""

        def now(self) -> float:
            """The wall clock, Unix seconds."""

        def random(self) -> float:
            """A number from 0 up to 1."""

        def origin(self) -> str:
            """The page's origin, such as `https://example.org`."""

        def page_url(self) -> str:
            """The page's absolute URL, with query and fragment."""

        def made_at(self) -> float:
            """When the page was asked for, Unix seconds: what a server put into it was true then.

            0 for a page that may have come out of a cache, by going back or forward.
            """

        def embedded_session(self) -> Optional[str]:
            """What `session_script` put into the page, unread; `None` if there is nothing, or if it was told before."""

        def early_question(self, url: str) -> Optional[Early]:
            """The question that the page's early script sent to this URL; `None` if none, or if it was told before."""

        async def fetch(self, request: Request, timeout: float) -> Answer:
            """Send a request with the page's cookies and without cache. Cancelling it aborts it.

            Raises `BackendUnreachable` when nothing comes back within `timeout` seconds, `UnexpectedAnswer` when what
            comes is too large for a page.
            """

        async def navigate(self, url: str) -> None:
            """Leave for an absolute http(s) URL, loading anew when only the fragment differs.

            Raises `UnsafeURL`.
            """

        def open_popup(self) -> Popup:
            """Open an empty window; works while a click is handled. Raises `PopupFailed`."""

        def open(self, name: str, report: Callable[[Any], object], recover: Callable[[], object]) -> None:
            """Listen to page, network and other tabs, and report events of `sync`; `name` is the channel's.

            After `PageHide` is reported no other tab is heard any more; before `PageShow` is, they are heard again.
            `recover` is for `look_after`.
            """

        def close(self) -> None:
            """Undo `open` wholly: nothing is listened to, kept or reported any more."""

        def wake(self, seconds: Optional[float]) -> None:
            """Report `Tick` in so many seconds instead of at the time set before; `None`: not at all."""

        def look_after(self) -> None:
            """Call `recover` as soon as what runs now has ended, by itself or not: on MicroPython nobody can catch what
            JavaScript throws at once, and it cuts off whatever Python was running. Elsewhere there is nothing to do.
            """

        def publish(self, message: dict[str, Any]) -> None:
            """Give plain data to the other tabs of this channel."""

        def try_lock(self) -> None:
            """Report `LockGranted` or `LockBusy`, now or later; without locks or channel always `LockGranted`."""

        def release_lock(self) -> None:
            """Let the lock go that was granted last."""

        def stored_epoch(self) -> Optional[int]:
            """The end of the newest change that any tab has stored."""

        def store_epoch(self, epoch: int) -> None:
            """Store it for pages that are not listening now."""

        def tell_others(self, trigger: str) -> None:
            """Send the JS clients' own messages (PROTOCOL.md, "Cross-tab messages"); `trigger` as they name it."""

        def note_departure(self) -> None:
            """Remember, for this tab alone, that a sign-in leaves the page."""

        def take_departure(self) -> bool:
            """Whether a sign-in had left from this tab, and forget it."""
