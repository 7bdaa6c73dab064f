"""What a Provider is told, checked: seconds, flags, addresses, a session; and keywords that nobody knows."""

from .errors import UnsafeURL
from .events import UNSET
from .session import Session, is_session
from .urls import resolve, split

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any, Callable, Optional

    class JavaScriptSpelling:
        """What type checkers expect there, and no value is: the call refuses these keywords, too."""


# What somebody who knows the JavaScript client may write, and the Python word.
_JAVASCRIPT = {
    "callbackUrl": "callback_url",
    "redirectTo": "callback_url",
    "authorizationParams": "authorization_params",
    "clientMaxAge": "client_max_age",
    "keepAlive": "keep_alive",
    "baseUrl": "base_url",
    "basePath": "base_path",
    "refetchOnWindowFocus": "refetch_on_focus",
    "refetchInterval": "keep_alive",
}


class Options:
    """When to query, in seconds; 0 is off. Raises `TypeError` or `ValueError` for a value that makes no sense."""

    def __init__(
        self,
        client_max_age: float = 0,
        keep_alive: float = 0,
        timeout: float = 10,
        refetch_on_focus: bool = True,
        expiring: float = 60,
        idle_timeout: float = 0,
        idle_warning: float = 60,
        api_origins: "tuple[str, ...]" = (),
    ) -> None:
        self.client_max_age = _seconds("client_max_age", client_max_age)
        self.keep_alive = _seconds("keep_alive", keep_alive, smallest=0.1)
        self.timeout = _seconds("timeout", timeout, least=0.001)
        self.refetch_on_focus = flag("refetch_on_focus", refetch_on_focus)
        self.api_origins = api_origins
        self.expiring = _seconds("expiring", expiring)
        self.idle_timeout = _seconds("idle_timeout", idle_timeout, smallest=10)
        self.idle_warning = _seconds("idle_warning", idle_warning)
        if 0 < idle_timeout <= idle_warning:
            raise ValueError(
                f"idle_warning={idle_warning:g} is not less than idle_timeout={idle_timeout:g}: say how many seconds "
                "before the end the warning begins."
            )


def _seconds(name: str, value: "Any", least: float = 0.0, smallest: float = 0.0) -> float:
    if isinstance(value, bool) or not isinstance(value, (int, float)):
        raise TypeError(f"{name} is a number of seconds, not {value!r}")
    if not (least <= value < 1e9):  # NaN is neither
        raise ValueError(f"{name} is a number of seconds from {least:g} up, not {value!r}")
    if 0 < value < smallest:
        raise ValueError(f"{name} is 0 for off, or from {smallest:g} seconds up, not {value!r}")
    return value


def flag(name: str, value: "Any") -> bool:
    if not isinstance(value, bool):
        raise TypeError(f"{name} is True or False, not {value!r}")
    return value


def base_address(origin: str, base_url: "Optional[str]", base_path: str) -> str:
    """The absolute URL before `/session`, with no slash at its end. Raises `ValueError`."""
    if not isinstance(base_path, str) or (base_path and not base_path.startswith("/")):
        raise ValueError("base_path begins with a slash, such as '/api/auth'")
    if base_url is None and origin == "null":
        raise ValueError(
            "This page has no origin of its own (it is sandboxed, or a file: or data: page). Open it by http, or "
            "say Provider(base_url='https://example.org') and let that allow others."
        )
    if base_url is None:
        return origin + base_path.rstrip("/")
    try:
        address = resolve(base_url, base_url) if isinstance(base_url, str) else ""
    except UnsafeURL:
        address = ""
    if not address or "?" in address or "#" in address:
        raise ValueError("base_url is an absolute http(s) address without query, such as 'https://example.org'")
    return address.rstrip("/") + base_path.rstrip("/")


def origins(named: "Any", resolve: "Callable[[str], str]") -> "tuple[str, ...]":
    """As addresses that `resolve` makes begin. Raises `TypeError` or `ValueError`."""
    if not isinstance(named, (tuple, list)):
        raise TypeError("api_origins is a tuple of origins, such as ('https://api.example.org',)")
    found = []
    for one in named:
        try:
            origin, *rest = split(resolve(one) if isinstance(one, str) else "")
        except UnsafeURL:
            origin = ""
        if not origin or "@" in origin or "".join(rest) not in ("", "/"):
            raise ValueError(f"api_origins holds origins, such as 'https://api.example.org', and {one!r} is none")
        found.append(origin)
    return tuple(found)


def plain_session(session: "Any") -> "Any":
    """The given session as plain data, `None` or `UNSET`. Raises `TypeError`."""
    if session is UNSET or session is None:
        return session
    data = session.to_dict() if isinstance(session, Session) else session
    if not isinstance(data, dict):
        raise TypeError("session= takes a Session, a dict as the backend sends it, or None for nobody")
    if data and not is_session(data):
        raise ValueError("session= is a session as the backend sends it: it has a user, or an expires that can be read")
    return data or None


def refuse_javascript(names: "dict[str, Any]") -> None:
    """Raises `TypeError` for a JavaScript spelling among keyword names, with the Python word."""
    for name in names:
        if name in _JAVASCRIPT:
            raise TypeError(f"{name}= is the JavaScript spelling: write {_JAVASCRIPT[name]}=")


def refuse_unknown(names: "dict[str, Any]", known: "tuple[str, ...]") -> None:
    """Raises `TypeError` for any keyword in `names`, with the one of those the call knows that may have been meant."""
    refuse_javascript(names)
    for name in names:
        meant = similar(name, known)
        raise TypeError(f"unexpected keyword argument {name}=" + (f". Did you mean {meant}=?" if meant else ""))


def similar(name: str, known: "tuple[str, ...]") -> "Optional[str]":
    """The one of the known names that differs by no more than a slip of the pen, or `None`."""
    written = name.lower().replace("_", "")
    slips, option = min([(_slips(written, option.replace("_", "")), option) for option in known])
    return option if slips <= (1 if len(option) < 5 else 2) else None


def _slips(one: str, other: str) -> int:
    """Levenshtein's distance: how many characters were left out, added or replaced."""
    row = list(range(len(other) + 1))
    for i, written in enumerate(one):
        above, row = row, [i + 1]
        for j, meant in enumerate(other):
            row.append(min(above[j] + (written != meant), above[j + 1] + 1, row[j] + 1))
    return row[-1]
