"""The values a page reads: Session and its User, SessionState, and the results of the actions.

Read-only, compared by value, and able to note what was read of them, as `records` does. Knows no wire, no store and no
browser.
"""

from .records import Record, look, presence
from .times import parse_iso

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any, Callable, Generic, Iterator, Literal, Optional

    from typing_extensions import Self, TypeVar  # every type checker knows it; it has `default=` on Python 3.10 too

    from .errors import NextAuthError
    from .records import Path, Read, Track

    S = TypeVar("S", bound="Session", default="Session")
    T = TypeVar("T", bound="Session")

    Reason = Literal["signed_out", "signed_out_elsewhere", "expired", "revoked", "idle", "switched"]

    class _Pair(tuple[Optional[S], bool], Generic[S]):
        """What type checkers take a state for, since it unpacks as one. It is none, and has no length."""

        def __new__(
            cls,
            session: Optional[dict[str, Any]] = None,
            *,
            loading: bool = False,
            error: Optional[NextAuthError] = None,
            refreshing: bool = False,
            reason: Optional[Reason] = None,
            expires_in: Optional[int] = None,
            expiring: bool = False,
            idle_in: Optional[int] = None,
            count: Optional[Callable[[str, bool], Optional[int]]] = None,
        ) -> Self: ...
else:
    S = None
    _Pair = {S: object}  # a class statement may name `_Pair[S]` where there is no typing


class User(Record):
    """`session.user`: `name`, `email` and `image` read `None` when the backend leaves them out.

    Source: the reference's session.
    """

    name: "Optional[str]"
    email: "Optional[str]"
    image: "Optional[str]"

    _optional = ("name", "email", "image")


def is_session(data: object) -> bool:
    """Whether plain data is a session: with a `user` object, or at least with an `expires` that can be read.

    Another API's `{"status": "ok"}`, at a wrong base path, signs nobody in.
    """
    if not isinstance(data, dict) or not isinstance(data.get("user", {}), dict):
        return False
    return "user" in data or parse_iso(data.get("expires")) is not None


def is_another(one: "dict[str, Any]", other: "dict[str, Any]") -> bool:
    """Whether two sessions are of two people: by the user's `id` where both have one, else by `email`."""
    users = [session.get("user", {}) for session in (one, other)]
    ids = [user.get("id") for user in users]
    if None in ids:
        ids = [user.get("email") for user in users]
    return bool(ids[0] != ids[1])


def may_lack(path: "Path") -> bool:
    """Whether a session may have nothing at this path without any fault of the page's."""
    return len(path) == 2 and path[0] == "user" and path[1] in User._optional


class Session(Record):
    """Who is signed in, as the backend's session callback made it: `user`, `expires` (ISO 8601 UTC), and more.

    Name your own additions in a subclass, `class MySession(Session): role: str`, and read with
    `use_session(MySession)`: that helps editors and type checkers and changes nothing at run time.

    Source: the reference's session.
    """

    user: User
    expires: str

    _kinds = {"user": User}


class SessionState(_Pair[S]):
    """What is known about the session at one moment. Unpacks as a pair: `session, loading = state`.

    Type checkers know it by the type of its sessions: `use_session(MySession)` is a `SessionState[MySession]`.

    - `session`: a `Session`, or `None`
    - `loading`: bool, true until the backend has said for the first time who is signed in
    - `status`: `"loading"`, `"authenticated"` or `"unauthenticated"`
    - `error`: the `NextAuthError` of the newest query or action when that failed, else `None`
    - `refreshing`: bool, a later query is in flight
    - `reason`: why nobody is signed in any more (`"signed_out"` in this tab, `"signed_out_elsewhere"`, `"expired"`,
      `"revoked"` by the backend, `"idle"`), `"switched"` when another person has taken over, else `None`
    - `expires_in`: whole seconds that the session has left on the backend's clock, or `None` where nobody knows
    - `expiring`: bool, these are fewer than the Provider's `expiring`
    - `idle_in`: whole seconds until the person is signed out unless somebody uses the page or another tab, or `None`
      while these are more than the Provider's `idle_warning`

    `count`, of a driver, gives `expires_in` or `idle_in` as it is now; if told so it counts down from then on.

    Source: the reference's useSession.
    """

    def __init__(
        self,
        session: "Optional[dict[str, Any]]" = None,
        *,
        loading: bool = False,
        error: "Optional[NextAuthError]" = None,
        refreshing: bool = False,
        reason: "Optional[Reason]" = None,
        expires_in: "Optional[int]" = None,
        expiring: bool = False,
        idle_in: "Optional[int]" = None,
        count: "Optional[Callable[[str, bool], Optional[int]]]" = None,
    ) -> None:
        self._data: "dict[str, Any]" = {
            "session": session,
            "loading": loading,
            "status": "loading" if loading else "unauthenticated" if session is None else "authenticated",
            "error": error,
            "refreshing": refreshing,
            "reason": reason,
            "expires_in": expires_in,
            "expiring": expiring,
            "idle_in": idle_in,
        }
        self._count = count
        self._track: "Optional[Track]" = None
        self._type: "type[Any]" = Session
        self._session: "Optional[S]" = None
        self._views: "dict[type[Any], SessionState[Any]]" = {}
        self._other: "Optional[SessionState[Any]]" = None
        self._differences: "dict[Read, bool]" = {}

    def view(self, session_type: "type[T]", track: "Optional[Track]" = None) -> "SessionState[T]":
        """This state with sessions of `session_type`, every read of which is told to `track`."""
        made: "SessionState[Any]" = _View(self._data, session_type, track, self._count)
        return made

    def shared_view(
        self, session_type: "type[T]", make_track: "Callable[[SessionState[Any]], Track]"
    ) -> "SessionState[T]":
        """One view for all readers, whose `track` finds out who reads."""
        view = self._views.get(session_type)
        if view is None:
            view = self._views[session_type] = self.view(session_type, make_track(self))
        return view

    def at(self, path: "Path", whole: bool) -> "Any":
        """What a reader of `path` has seen: its value (`whole`), or only its presence."""
        value = look(self._data, path)
        return value if whole else presence(value)

    def differs(self, other: "SessionState[Any]", read: "Read") -> bool:
        """Whether who has read this sees something else here; many readers ask the same."""
        if self._other is not other:
            self._other = other
            self._differences = {}
            other._other = None  # or each state would keep all that were before it
            other._differences = {}
        found = self._differences.get(read)
        if found is None:
            found = self._differences[read] = self.at(read[0], read[1]) != other.at(read[0], read[1])
        return found

    def _read(self, name: str) -> "Any":
        if self._track:
            self._track(((name,), True))
        return self._data[name]

    @property
    def session(self) -> "Optional[S]":
        track = self._track
        if track:
            track(_SESSION_FOUND)
        if self._session is None:
            data = self._data["session"]
            if data is not None:
                self._session = self._type(data, _SESSION, track)
        return self._session

    @property
    def loading(self) -> bool:
        return bool(self._read("loading"))

    @property
    def status(self) -> "Literal['loading', 'authenticated', 'unauthenticated']":
        status: "Literal['loading', 'authenticated', 'unauthenticated']" = self._read("status")
        return status

    @property
    def error(self) -> "Optional[NextAuthError]":
        error: "Optional[NextAuthError]" = self._read("error")
        return error

    @property
    def refreshing(self) -> bool:
        return bool(self._read("refreshing"))

    @property
    def reason(self) -> "Optional[Reason]":
        reason: "Optional[Reason]" = self._read("reason")
        return reason

    @property
    def expires_in(self) -> "Optional[int]":
        return self._read_seconds("expires_in")

    @property
    def idle_in(self) -> "Optional[int]":
        return self._read_seconds("idle_in")

    def _read_seconds(self, name: str) -> "Optional[int]":
        told: "Optional[int]" = self._read(name)
        return told if told is None else self.seconds_left(name, bool(self._track))

    def seconds_left(self, name: str, follow: bool) -> "Optional[int]":
        """`expires_in` or `idle_in` as it is now; with `follow` the store's state changes with it, until nobody asks so
        any more.
        """
        return self._data[name] if self._count is None else self._count(name, follow)

    @property
    def expiring(self) -> bool:
        return bool(self._read("expiring"))

    def __iter__(self) -> "Iterator[Any]":
        return iter((self.session, self.loading))

    if not TYPE_CHECKING:  # type checkers shall notice by themselves

        def __getattr__(self, name):
            if name.startswith("_"):
                raise AttributeError(name)
            raise AttributeError(f"the SessionState has no {name!r}; it has: {', '.join(sorted(self._data))}")

    def __eq__(self, other: object) -> bool:
        return isinstance(other, SessionState) and self._whole() == other._whole()

    __hash__ = None  # type: ignore[assignment]

    def _whole(self) -> "dict[str, Any]":
        if self._track:
            for name in self._data:
                self._track(((name,), True))
        return self._data

    def __repr__(self) -> str:
        shown = [f"{name}={self._read(name)!r}" for name in ("status", "session", "error")]
        return f"SessionState({', '.join(shown)})"


_SESSION = ("session",)
_SESSION_FOUND = (_SESSION, False)


class _View(SessionState):
    def __init__(
        self, data: "dict[str, Any]", session_type: "type[Any]", track: "Optional[Track]", count: "Any"
    ) -> None:
        self._count = count
        self._data = data
        self._type = session_type
        self._track = track
        self._session = None


class _Value:
    """Equal to another of its kind that has the same in it."""

    def __eq__(self, other: object) -> bool:
        return type(other) is type(self) and self.__dict__ == other.__dict__

    __hash__ = None  # type: ignore[assignment]


class SignInResult(_Value):
    """What the backend answered to `sign_in`. Truthy when `ok`.

    - `error`: an error code (`explain_error` turns it into a sentence), or `None`
    - `status`: the HTTP status, a hint only
    - `ok`: bool, decided by the returned URL: v3, v4 and v5 use the status differently
    - `url`: where the person was to go, absolute; `None` when there was an error
    - `code`: the reason a v5 backend's `CredentialsSignin` names, or `None`
    - `page`: which page goes on: `"signin"` of the backend's own, `"provider"` (the browser goes to that one's),
      `"verify-request"` (a mail has been sent), or `None`

    Source: the reference's signIn.
    """

    def __init__(
        self,
        error: "Optional[str]" = None,
        status: int = 200,
        ok: bool = True,
        url: "Optional[str]" = None,
        code: "Optional[str]" = None,
        page: "Optional[str]" = None,
    ) -> None:
        self.error = error
        self.status = status
        self.ok = ok
        self.url = url
        self.code = code
        self.page = page

    def __bool__(self) -> bool:
        return self.ok

    def __repr__(self) -> str:
        return (
            f"SignInResult(error={self.error!r}, status={self.status!r}, ok={self.ok!r}, "
            f"url={self.url!r}, code={self.code!r}" + (f", page={self.page!r})" if self.page else ")")
        )


class SignOutResult(_Value):
    """What the backend answered to `sign_out`: `url`, absolute, where the person was to go.

    Source: the reference's signOut.
    """

    def __init__(self, url: str) -> None:
        self.url = url

    def __repr__(self) -> str:
        return f"SignOutResult(url={self.url!r})"


class AuthProvider(_Value):
    """One way to sign in that the backend offers: `id`, `name`, `type`, `signin_url`, `callback_url`, all texts.

    `type` is `"credentials"`, `"email"`, `"oauth"`, `"oidc"` or another that the backend names. `needs_form`: bool,
    whether a person has to fill in something first.

    Source: the reference's getProviders.
    """

    def __init__(
        self, id: str, name: str, type: str, signin_url: str, callback_url: str, needs_form: bool = False
    ) -> None:
        self.id = id
        self.name = name
        self.type = type
        self.signin_url = signin_url
        self.callback_url = callback_url
        self.needs_form = needs_form

    def __repr__(self) -> str:
        return f"AuthProvider(id={self.id!r}, name={self.name!r}, type={self.type!r})"
