"""What the rest needs from the world, as a small contract. `browser` keeps it in a page, `testing` in virtual time.

Knows the events it emits (`events`), nothing of who listens nor of what a request means.
"""

from .errors import UnexpectedAnswer
from .jsontext import parse_json
from .urls import quote

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any, Callable, Iterable, Iterator, Optional, Protocol, Union


class Request:
    """One request: `method`, absolute `url`, `headers`, and `body` (text, bytes or `None`)."""

    def __init__(
        self,
        method: str,
        url: str,
        headers: "Optional[dict[str, str]]" = None,
        body: "Union[str, bytes, None]" = None,
    ) -> None:
        self.method = method
        self.url = url
        self.headers = headers or {}
        self.body = body

    def __repr__(self) -> str:
        return f"Request({self.method} {self.address})"  # never the body: it may hold a password

    def with_other_slash(self) -> "Request":
        """The same to the same path with a slash at its end, or without the one it has."""
        path, mark, query = self.url.partition("?")
        other = path[:-1] if path.endswith("/") else path + "/"
        return Request(self.method, other + mark + query, self.headers, self.body)

    @property
    def address(self) -> str:
        """The URL for people's eyes: without its query, which may hold a token or an e-mail address."""
        return _address(self.url)


def _address(url: str) -> str:
    return url.partition("#")[0].partition("?")[0]


class Answer:
    """What came back: `status`, `text`, whether `redirected`, and `date` (Unix seconds on the backend's clock)."""

    def __init__(self, status: int, text: str, redirected: bool = False, date: "Optional[float]" = None) -> None:
        self.status = status
        self.text = text
        self.redirected = redirected
        self.date = date


class Headers:
    """Of an answer; a name is found however it is written."""

    def __init__(self, values: "dict[str, str]") -> None:
        self._values = {name.lower(): value for name, value in values.items()}

    def get(self, name: str, default: "Any" = None) -> "Any":
        return self._values.get(name.lower(), default)

    def __getitem__(self, name: str) -> str:
        return self._values[name.lower()]

    def __contains__(self, name: str) -> bool:
        return name.lower() in self._values

    def __iter__(self) -> "Iterator[str]":
        return iter(self._values)

    def keys(self) -> "Iterable[str]":
        return self._values.keys()

    def items(self) -> "Iterable[tuple[str, str]]":
        return self._values.items()

    def __repr__(self) -> str:
        return f"Headers({self._values!r})"


def is_header(name: "Any", value: "Any") -> bool:
    """Whether both are texts that a browser takes for a header's."""
    return (
        isinstance(name, str)
        and isinstance(value, str)
        and "" != name == quote(name)
        and all(" " <= char <= "~" for char in value)
    )


class Response:
    """What an API answered to `auth_fetch`.

    - `status`: such as 200; `ok`: whether it is from 200 to 299
    - `headers`: `headers["Content-Type"]`, `headers.get("etag")`, however the name is written
    - `url`: absolute
    - `await text()`, `await json()`, `await bytes()`: the body, as often as you like. Raise `UnexpectedAnswer` when it
      is larger than a page can hold, or no JSON
    """

    def __init__(self, status: int, url: str, headers: "dict[str, str]", body: "Optional[Body]") -> None:
        self.status = status
        self.ok = 200 <= status < 300
        self.url = url
        self.headers = Headers(headers)
        self._address = _address(url)
        self._body = body  # `None`: too large

    def __repr__(self) -> str:
        return f"Response({self.status} {self._address})"

    async def text(self) -> str:
        """The body, read as UTF-8."""
        return self._whole.text()

    async def bytes(self) -> "bytes":
        """The body as it came."""
        return self._whole.bytes()

    async def json(self) -> "Any":
        """The value that it holds as JSON."""
        text = self._whole.text()
        try:
            return parse_json(text)
        except ValueError:
            what = "no JSON" if text.strip() else "empty, which is no JSON"
            raise UnexpectedAnswer(f"The answer from {self._address} is {what} (status {self.status}).")

    @property
    def _whole(self) -> "Body":
        if self._body is None:
            raise UnexpectedAnswer(
                f"The answer from {self._address} is too large for a page. Let the API answer in parts, or less."
            )
        return self._body


if TYPE_CHECKING:

    class Body(Protocol):
        """What came, as the page keeps it."""

        def text(self) -> str: ...

        def bytes(self) -> bytes: ...

    class EarlyQuery(Protocol):
        """A query that was sent before Python ran. Times in Unix seconds."""

        @property
        def asked_at(self) -> float: ...

        @property
        def came_at(self) -> float:
            """Meaningful with an answer."""

        @property
        def answer(self) -> Optional[Answer]: ...

        def is_over(self) -> bool:
            """Whether nothing more will come."""

        def changes(self) -> list[Optional[str]]:
            """What was heard to have changed since it was sent, as `events.ForeignChange` has it."""

        async def wait(self) -> Answer:
            """Its answer. Raises `BackendUnreachable`."""

        def abort(self) -> None:
            """Give it up; twice does no harm."""

    class Popup(Protocol):
        """A window that a sign-in goes on in."""

        def go(self, url: str) -> None:
            """Show this absolute http(s) URL."""

        async def address(self) -> Optional[str]:
            """What it shows; `None` while that is another origin's page."""

        def is_closed(self) -> bool:
            """Whether it is gone, or hides."""

        async def may_hide(self) -> bool:
            """Whether a window that looks closed may not be: by the page's `Cross-Origin-Opener-Policy`."""

        def close(self) -> None:
            """Close it; twice does no harm."""

    class Host(Protocol):
        """The world of one driver: of a Provider, or of an action without one."""

        def now(self) -> float:
            """The wall clock, Unix seconds."""

        def random(self) -> float:
            """A number from 0 up to 1."""

        def origin(self) -> str:
            """The page's origin, such as `https://example.org`; `"null"` where it has none (sandboxed, `data:`)."""

        def page_url(self) -> str:
            """The page's absolute http(s) URL, with query and fragment; its origin's home where it has another."""

        def resolve(self, url: str) -> str:
            """`url` as the page understands it, against the document's base URL: absolute, http(s), ASCII.

            Raises `UnsafeURL`.
            """

        def made_at(self) -> float:
            """When the page was navigated to, or the worker made, Unix seconds."""

        def is_fresh(self) -> bool:
            """Whether it was fetched then: not ahead of it, nor out of a cache, nor by going back or forward."""

        def begins_first(self) -> bool:
            """Whether no other Python of this page has begun, which could tell this one; and note that this has."""

        def embedded_session(self) -> Optional[tuple[str, Optional[float]]]:
            """What `session_script` put into the page, unread, and when it says that was true (Unix seconds).

            `None` if there is nothing, or if it was told before.
            """

        def early_query(self, url: str) -> Optional[EarlyQuery]:
            """The query that the page's early script sent to this URL; `None` if none, or if it was told before."""

        async def fetch(self, request: Request, timeout: float) -> Answer:
            """Send a request with the page's cookies and without cache. Cancelling it aborts it.

            Raises `BackendUnreachable` when nothing comes back within `timeout` seconds, `UnexpectedAnswer` when what
            comes is too large for a page.
            """

        async def call(self, request: Request, timeout: float) -> Response:
            """Send a request to an API as `fetch` does; status 0 stands for a redirect, which is not followed.

            The whole body comes within `timeout`, too. Raises `BackendUnreachable`.
            """

        async def blocks_cookies(self) -> bool:
            """Whether the browser is seen to keep no cookies for this page; a worker sees it where locks are, too."""

        def can_navigate(self) -> bool:
            """Whether there is a page that can go elsewhere; a worker has none."""

        async def navigate(self, url: str) -> None:
            """Leave for an absolute http(s) URL, loading anew when only the fragment differs.

            Raises `UnsafeURL`.
            """

        def open_popup(self) -> Popup:
            """Open an empty window; works while a click is handled. Raises `PopupBlocked`."""

        def open(self, name: str, emit: Callable[[Any], object], recover: Callable[[], object]) -> None:
            """Listen to page, network and other tabs, and emit `events`; `name` is the channel's.

            After `PageHide` is emitted no other tab is heard any more; before `PageShow` is, they are heard again.
            `recover` is for `schedule_recovery`.
            """

        def close(self) -> None:
            """Undo `open` wholly: nothing is listened to, kept or emitted any more."""

        def wake(self, seconds: Optional[float]) -> None:
            """Emit `Tick` in so many seconds instead of at the time set before; `None`: not at all."""

        def schedule_recovery(self) -> None:
            """Call `recover` as soon as what runs now has ended, by itself or not: on MicroPython nobody can catch what
            JavaScript throws at once, and it cuts off whatever Python was running. Elsewhere there is nothing to do.
            """

        def publish(self, message: dict[str, Any]) -> None:
            """Give plain data to the other tabs of this channel."""

        def try_lock(self) -> None:
            """Emit `LockGranted` or `LockBusy`, now or later; without locks or channel always `LockGranted`."""

        def release_lock(self) -> None:
            """Let the lock go that was granted last."""

        def stored_epoch(self) -> Optional[int]:
            """The end of the newest mutation that any tab has stored; `None` in a worker, which has no storage."""

        def store_epoch(self, epoch: int) -> None:
            """Store it for pages that are not listening now, unless a later one is stored; a worker cannot."""

        def follow_use(self, on: bool) -> None:
            """Emit `Used` when a person uses the page, from now on or no more; a worker sees nobody."""

        def stored_use(self) -> Optional[int]:
            """What `store_use` stored last in any tab; `None` in a worker."""

        def store_use(self, at: int) -> None:
            """Store when somebody used a page (Unix milliseconds, or 0: see `UseStored`); a worker cannot."""

        def notify_js_clients(self, trigger: str) -> None:
            """Send the JS clients' own messages (PROTOCOL.md, "Cross-tab messages"); `trigger` as they name it."""

        def said_by_js_clients(self, since: float) -> list[str]:
            """What JS clients have left in storage for tabs that come later, if it is younger: Unix seconds."""

        def note_departure(self) -> None:
            """Remember, for this tab alone, that a sign-in leaves the page."""

        def take_departure(self) -> bool:
            """Whether a sign-in had left from this tab, or had opened it as its window, and forget the former."""

        def close_popup(self) -> None:
            """Close this window, if a sign-in has opened it."""
