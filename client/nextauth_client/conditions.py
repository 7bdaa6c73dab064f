"""Conditions on a session, as words: `user.role=admin`, `user.roles~=editor`, `user.verified`, `!user.verified`."""

from .records import MISSING, look

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any


class Condition:
    """One word: a path with a dot or a value in it. Raises `ValueError` for any other.

    - `path=value`: the value there is that, as text (`true` and `false`); `path~=value`: a list there holds it
    - `path`: what is there counts as true in Python
    - `!` before one: otherwise
    """

    def __init__(self, word: str) -> None:
        self._is_negated = word.startswith("!")
        path, self._sign, self._value = word[self._is_negated :].partition("=")
        self._is_list = path.endswith("~")
        self._path = tuple(path[: len(path) - self._is_list].split("."))
        # `user.role=`, `user.role~`; a word alone is a state that nobody knows; `user.role!=admin`
        is_whole = bool(self._value) if self._sign or self._is_list else len(self._path) > 1
        if not is_whole or "" in self._path or any(sign in part for part in self._path for sign in "!~"):
            raise ValueError(f"{word!r} is no condition such as user.role=admin")

    def holds(self, session: "Any") -> bool:
        """Whether it does for this session, as plain data; where nobody is signed in none does."""
        if session is None:
            return False
        found = look(session, self._path)
        if self._is_list:
            is_so = isinstance(found, list) and self._value in [_text(one) for one in found]
        elif self._sign:
            is_so = _text(found) == self._value
        else:
            is_so = found is not MISSING and bool(found)
        return is_so != self._is_negated


def _text(value: "Any") -> "Any":
    """None for what is no single value."""
    if isinstance(value, bool):
        return "true" if value else "false"
    return str(value) if isinstance(value, (str, int, float)) else None
