"""The values a page reads: Session and its User, SessionState, and the results of the actions.

Read-only, compared by value, and able to note what was read of them (`track`), which is how `reactive` knows what an
effect depends on. Knows no wire, no store and no browser.
"""

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any, Callable, Generic, Iterator, Optional

    from typing_extensions import TypeVar  # every type checker knows it; it has `default=` on Python 3.10 too

    from .errors import NextAuthError

    Path = tuple[str, ...]
    # A path that was read, and whether its whole value was or only that there is one.
    Read = tuple[Path, bool]
    Track = Callable[[Read], None]
    S = TypeVar("S", bound="Session", default="Session")
    T = TypeVar("T", bound="Session")
else:
    S = None
    Generic = {S: object}  # a class statement may name `Generic[S]` where there is no typing

MISSING = object()


def look(data: "Any", path: "Path") -> "Any":
    """What stands at `path` in nested plain dicts, or `MISSING`."""
    for key in path:
        if not isinstance(data, dict) or key not in data:
            return MISSING
        data = data[key]
    return data


def presence(value: "Any") -> str:
    """All that a reader learns of a value by asking only whether it is there, and of a record by asking for it."""
    if value is None or value is MISSING:
        return "absent" if value is MISSING else "nothing"
    return "record" if isinstance(value, dict) else "other"


class Record:
    """A read-only mapping that also reads as attributes, at any depth: `r.a.b`, `r["a"]["b"]`, `r.get("a")`.

    Keys keep the backend's spelling. A key named like a method (`get`, `keys`, `items` …) needs `[...]`. Lists are
    given as copies. A missing name raises `AttributeError` or `KeyError`, as usual. `to_dict()` gives plain data.
    """

    # Data, path, track, and what was read already but for lists. In one, because setting it costs.
    _self: "tuple[dict[str, Any], Path, Optional[Track], dict[str, tuple[Any, Read]]]" = ({}, (), None, {})

    def __init__(self, data: "dict[str, Any]", path: "Path" = (), track: "Optional[Track]" = None) -> None:
        object.__setattr__(self, "_self", (data, path, track, {}))

    def __setattr__(self, name: str, value: object) -> None:
        raise AttributeError(
            "a session is read-only: change it with `await update_session(...)`, or copy it with `.to_dict()`"
        )

    def __delattr__(self, name: str) -> None:
        self.__setattr__(name, None)

    # A user may lack these (PROTOCOL.md, row "Missing user fields"); only `User` fills them.
    _optional: "tuple[str, ...]" = ()

    # The class of a record in this one, by key.
    _kinds: "dict[str, type[Record]]" = {}

    def _read(self, key: str) -> "Any":
        """What stands at a key, or `MISSING`."""
        data, path, track, known = self._self
        if key in known:
            value, read = known[key]
        else:
            value = data.get(key, MISSING)
            path += (key,)
            is_record = isinstance(value, dict)
            if is_record:
                value = self._kinds.get(key, Record)(value, path, track)
            read = (path, not is_record)
            if value is not MISSING and not isinstance(value, list):
                known[key] = (value, read)
        if track:
            track(read)
        return [plain_to_record(item) for item in value] if isinstance(value, list) else value

    def _whole(self) -> "dict[str, Any]":
        data, path, track, _ = self._self
        if track:
            track((path, True))
        return data

    def __getattr__(self, name: str) -> "Any":
        _, _, track, known = self._self
        found = known.get(name)
        if found is not None:  # as `_read` does it; many effects read the same, so a call less counts
            value, read = found
            if track:
                track(read)
            return value
        if name.startswith("__"):
            raise AttributeError(name)
        value = self._read(name)
        if value is MISSING:
            if name in self._optional:
                return None
            names = ", ".join(sorted(self._self[0]))
            raise AttributeError(f"the {type(self).__name__} has no {name!r}; it has: {names}")
        return value

    def __getitem__(self, key: str) -> "Any":
        value = self._read(key)
        if value is MISSING:
            if key in self._optional:
                return None
            raise KeyError(key)
        return value

    def get(self, key: str, default: "Any" = None) -> "Any":
        value = self._read(key)
        return default if value is MISSING else value

    def __contains__(self, key: object) -> bool:
        data, path, track, _ = self._self
        if track and isinstance(key, str):
            track((path + (key,), False))
        return key in data

    def __iter__(self) -> "Iterator[str]":
        return iter(list(self._whole()))

    def __len__(self) -> int:
        return len(self._whole())

    def __bool__(self) -> bool:
        return True

    def keys(self) -> "list[str]":
        return list(self._whole())

    def values(self) -> "list[Any]":
        return [self[key] for key in self.keys()]

    def items(self) -> "list[tuple[str, Any]]":
        return [(key, self[key]) for key in self.keys()]

    def __eq__(self, other: object) -> bool:
        if isinstance(other, Record):
            other = other.to_dict()
        return self._whole() == other

    __hash__ = None  # type: ignore[assignment]

    def __repr__(self) -> str:
        return f"{type(self).__name__}({self._whole()!r})"

    def __reduce__(self) -> "tuple[Any, ...]":
        return type(self), (self.to_dict(),)  # a copy, or what a pickle brings back, follows nothing

    def to_dict(self) -> "dict[str, Any]":
        """A deep copy as plain dicts and lists, which the caller may change."""
        copied = copy_plain(self._whole())
        assert isinstance(copied, dict)
        return copied


def plain_to_record(value: "Any") -> "Any":
    if isinstance(value, dict):
        return Record(value)
    if isinstance(value, list):
        return [plain_to_record(item) for item in value]
    return value


def copy_plain(value: "Any") -> "Any":
    if isinstance(value, dict):
        return {key: copy_plain(item) for key, item in value.items()}
    if isinstance(value, list):
        return [copy_plain(item) for item in value]
    return value


class User(Record):
    """`session.user`: `name`, `email` and `image` read `None` when the backend leaves them out (S1)."""

    name: "Optional[str]"
    email: "Optional[str]"
    image: "Optional[str]"

    _optional = ("name", "email", "image")


class Session(Record):
    """Who is signed in, as the backend's session callback made it (S1, S3): `user`, `expires` (ISO 8601 UTC), and more.

    Name your own additions in a subclass, `class MySession(Session): role: str`, and read with
    `use_session(MySession)`: that helps editors and type checkers and changes nothing at run time.
    """

    user: User
    expires: str

    _kinds = {"user": User}


class SessionState(Generic[S]):
    """What is known about the session at one moment. Unpacks as the seed's pair: `session, loading = state` (S4).

    Type checkers know it by the type of its sessions: `use_session(MySession)` is a `SessionState[MySession]`.

    - `session`: a `Session`, or `None`
    - `loading`: bool, true until the backend has said for the first time who is signed in
    - `status`: `"loading"`, `"authenticated"` or `"unauthenticated"`
    - `error`: the `NextAuthError` of the newest question or action when that failed, else `None`
    - `refreshing`: bool, a later question is under way
    """

    def __init__(
        self,
        session: "Optional[dict[str, Any]]" = None,
        *,
        loading: bool = False,
        error: "Optional[NextAuthError]" = None,
        refreshing: bool = False,
    ) -> None:
        self._data: "dict[str, Any]" = {
            "session": session,
            "loading": loading,
            "status": "loading" if loading else "unauthenticated" if session is None else "authenticated",
            "error": error,
            "refreshing": refreshing,
        }
        self._track: "Optional[Track]" = None
        self._type: "type[Any]" = Session
        self._session: "Optional[S]" = None
        self._views: "dict[type[Any], SessionState[Any]]" = {}
        self._other: "Optional[SessionState[Any]]" = None
        self._differences: "dict[Read, bool]" = {}

    def view(self, session_type: "type[T]", track: "Optional[Track]" = None) -> "SessionState[T]":
        """This state with sessions of `session_type`, every read of which is told to `track`."""
        made: "SessionState[Any]" = _View(self._data, session_type, track)
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
    def status(self) -> str:
        return str(self._read("status"))

    @property
    def error(self) -> "Optional[NextAuthError]":
        error: "Optional[NextAuthError]" = self._read("error")
        return error

    @property
    def refreshing(self) -> bool:
        return bool(self._read("refreshing"))

    def __iter__(self) -> "Iterator[Any]":
        return iter((self.session, self.loading))

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
    def __init__(self, data: "dict[str, Any]", session_type: "type[Any]", track: "Optional[Track]") -> None:
        self._data = data
        self._type = session_type
        self._track = track
        self._session = None


class SignInResult:
    """What the backend answered to `sign_in` (S17). Truthy when `ok`.

    - `error`: an error code (`explain_error` turns it into a sentence), or `None`
    - `status`: the HTTP status, a hint only
    - `ok`: bool, decided by the returned URL: v3, v4 and v5 use the status differently
    - `url`: where the person was to go, absolute; `None` when there was an error
    - `code`: the reason a v5 backend's `CredentialsSignin` names, or `None`
    """

    def __init__(
        self,
        error: "Optional[str]" = None,
        status: int = 200,
        ok: bool = True,
        url: "Optional[str]" = None,
        code: "Optional[str]" = None,
    ) -> None:
        self.error = error
        self.status = status
        self.ok = ok
        self.url = url
        self.code = code

    def __bool__(self) -> bool:
        return self.ok

    def __eq__(self, other: object) -> bool:
        return isinstance(other, SignInResult) and repr(self) == repr(other)

    __hash__ = None  # type: ignore[assignment]

    def __repr__(self) -> str:
        return (
            f"SignInResult(error={self.error!r}, status={self.status!r}, ok={self.ok!r}, "
            f"url={self.url!r}, code={self.code!r})"
        )


class SignOutResult:
    """What the backend answered to `sign_out` (S23): `url`, absolute, where the person was to go."""

    def __init__(self, url: str) -> None:
        self.url = url

    def __eq__(self, other: object) -> bool:
        return isinstance(other, SignOutResult) and self.url == other.url

    __hash__ = None  # type: ignore[assignment]

    def __repr__(self) -> str:
        return f"SignOutResult(url={self.url!r})"


class AuthProvider:
    """One way to sign in that the backend offers (S10): `id`, `name`, `type`, `signin_url`, `callback_url`, all texts.

    `type` is `"credentials"`, `"email"`, `"oauth"`, `"oidc"` or another that the backend names.
    """

    def __init__(self, id: str, name: str, type: str, signin_url: str, callback_url: str) -> None:
        self.id = id
        self.name = name
        self.type = type
        self.signin_url = signin_url
        self.callback_url = callback_url

    def __eq__(self, other: object) -> bool:
        return isinstance(other, AuthProvider) and self.__dict__ == other.__dict__

    __hash__ = None  # type: ignore[assignment]

    def __repr__(self) -> str:
        return f"AuthProvider(id={self.id!r}, name={self.name!r}, type={self.type!r})"
