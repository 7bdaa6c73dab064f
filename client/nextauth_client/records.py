"""Nested plain data that reads as attributes and notes what was read of it, by path. Knows nothing of sessions.

`track` is told each read, which is how `reactive` knows what an effect depends on.
"""

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any, Callable, Iterator, Optional

    Path = tuple[str, ...]
    # A path that was read, and whether its whole value was or only that there is one.
    Read = tuple[Path, bool]
    Track = Callable[[Read], None]

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
