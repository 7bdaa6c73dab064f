"""How a guard finds out who sent a request, and whether that is somebody it lets in. Knows no framework.

It reads the cookie with the backend's secret, or asks the backend, and keeps for some seconds what that said.
"""

import functools
import inspect
import logging
import math
import re
import threading
import time
import weakref
from collections import OrderedDict
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any, Generic, TypedDict

import httpx
from nextauth_client.conditions import Condition
from nextauth_client.session import Session
from nextauth_client.times import parse_iso

from .questions import S, get_session, get_session_sync
from .reading import SessionCallback, TokenSession, check_callback, claims_of, read_cookie, secrets_of
from .requests import ASKED_WHERE, Request, address_of, cookie_of

if TYPE_CHECKING:
    from typing import TypeAlias

logger = logging.getLogger("nextauth_server")

AnyClient = httpx.Client | httpx.AsyncClient
Rule = str | Callable[[Any], object]
When: "TypeAlias" = Rule | Sequence[Rule]

MOST_KEPT = 1000  # sessions, of a guard's cache


class Options(TypedDict, total=False):
    """What every guard takes; `guards.login_required` describes it."""

    secret: str | Sequence[str] | None
    cookie_name: str | None
    session_callback: SessionCallback | None
    when: When | None
    cache: float
    base_url: str | None
    base_path: str | None
    timeout: float


class Finder(Generic[S]):
    """Gives the session of whoever sent a request. Raises what `read_session` and `get_session` raise.

    Raises `TypeError` or `ValueError` at once for options that make no sense.
    """

    def __init__(
        self,
        session_type: type[S],
        client: AnyClient | None = None,
        *,
        secret: str | Sequence[str] | None = None,
        cookie_name: str | None = None,
        session_callback: SessionCallback | None = None,
        when: When | None = None,
        cache: float = 0,
        base_url: str | None = None,
        base_path: str | None = None,
        timeout: float = 10,
    ) -> None:
        self._secrets = None if secret is None else secrets_of(secret)
        if self._secrets is None and (cookie_name is not None or session_callback is not None):
            raise TypeError("cookie_name= and session_callback= belong to secret=, with which the backend is not asked")
        check_callback(session_callback)
        self._type = session_type
        self._read: dict[str, Any] = {
            "cookie_name": cookie_name,
            "session_callback": session_callback,
            "base_url": base_url,
        }
        self._ask: dict[str, Any] = {"base_url": base_url, "base_path": base_path, "timeout": timeout, "client": client}
        if self._secrets is None:
            say_if_unknown(base_url, base_path)
        self._rules = [_rule(one, has_claims=self._secrets is not None) for one in _listed(when)]
        self._kept: _Kept[S] = _Kept(cache)

    @property
    def asks(self) -> bool:
        """Whether the backend is asked."""
        return self._secrets is None

    def allows(self, session: S) -> bool:
        """Whether `when` holds, all of it."""
        return all(rule(session) for rule in self._rules)

    async def find(self, request: Request) -> S | None:
        if self._secrets is not None:
            return self._read_session(request, self._secrets)
        cookie = cookie_of(request)
        session, count = self._kept.get(cookie)
        if session is None:
            session = await get_session(request, session_type=self._type, **self._ask)
            self._kept.put(cookie, session, count)
        return session

    def find_sync(self, request: Request) -> S | None:
        if self._secrets is not None:
            return self._read_session(request, self._secrets)
        cookie = cookie_of(request)
        session, count = self._kept.get(cookie)
        if session is None:
            session = get_session_sync(request, session_type=self._type, **self._ask)
            self._kept.put(cookie, session, count)
        return session

    def _read_session(self, request: Request, secrets: Sequence[str]) -> S | None:
        cookie = cookie_of(request)  # one that no header may hold is refused in the same way, whoever finds out
        kind: Any = TokenSession if self._type is Session else self._type
        found: S | None = read_cookie(cookie, secrets, session_type=kind, **self._read)
        return found


def say_if_unknown(base_url: str | None, base_path: str | None) -> None:
    """Say now what would be an error at the first request; the variables may be set until then."""
    try:
        address_of(base_url, base_path, ASKED_WHERE)
    except RuntimeError as error:
        _warn_once(str(error))


@functools.cache
def _warn_once(text: str) -> None:
    logger.warning("%s", text)


# ── conditions ───────────────────────────────────────────────────────────────────────────────────


def _listed(when: When | None) -> Sequence[Rule]:
    if when is None:
        return []
    return [when] if isinstance(when, str) or callable(when) else when


def _rule(rule: Any, has_claims: bool) -> Callable[[Session], bool]:
    if isinstance(rule, str):
        try:
            [word] = rule.split()
            condition = Condition(word)
        except ValueError:
            advice = "write user.role=admin, user.roles~=editor or user.verified; several as a list"
            raise ValueError(f"when= holds {rule!r}: {advice}") from None
        if not has_claims and re.match("!?claims[.~=]", word):  # of none each negation would be true
            raise ValueError(f"when= holds {rule!r}: only a guard with secret= knows the cookie's claims")
        return lambda session: condition.holds(_data_of(session))
    if not callable(rule) or inspect.iscoroutinefunction(rule):
        raise TypeError("when= is a condition in words, a plain function of the session, or a list of them")

    def holds(session: Session) -> bool:
        said = rule(session)
        if inspect.isawaitable(said):  # true, whatever comes of it
            raise TypeError("when= is a plain function: what this one gives would have to be awaited")
        return bool(said)

    return holds


def _data_of(session: Session) -> dict[str, Any]:
    return {**session.to_dict(), "claims": claims_of(session)}


# ── what the backend said lately ─────────────────────────────────────────────────────────────────


_all_kept: "weakref.WeakSet[_Kept[Any]]" = weakref.WeakSet()


def forget_sessions() -> None:
    """Ask the backend again for everybody: empties what guards with `cache=` keep in this process.

    For whoever signs somebody in or out in it, or changes a session. What is being asked just now is not kept either.
    """
    for kept in list(_all_kept):
        kept.clear()


class _Kept(Generic[S]):
    """Sessions by the cookie that they were given for, each for some seconds. Of nobody nothing is kept."""

    def __init__(self, seconds: float) -> None:
        if not (isinstance(seconds, int | float) and 0 <= seconds < math.inf):
            raise ValueError("cache= is a number of seconds, or 0")
        self._seconds = seconds
        self._found: OrderedDict[str, tuple[float, S]] = OrderedDict()
        self._count = 0  # how often it was emptied
        self._lock = threading.Lock()
        _all_kept.add(self)

    def get(self, cookie: str) -> tuple[S | None, int]:
        """The session, or None, and what `put` has to be told."""
        with self._lock:
            until, session = self._found.get(cookie, (0.0, None))
            if session is None or until <= time.monotonic() or _is_over(session):
                return None, self._count
            return session, self._count

    def put(self, cookie: str, session: S | None, count: int) -> None:
        if not self._seconds or session is None:
            return
        with self._lock:
            if count != self._count:  # somebody was signed out since it was asked
                return
            self._found[cookie] = (time.monotonic() + self._seconds, session)
            self._found.move_to_end(cookie)
            if len(self._found) > MOST_KEPT:
                self._found.popitem(last=False)

    def clear(self) -> None:
        with self._lock:
            self._found.clear()
            self._count += 1


def _is_over(session: Session) -> bool:
    expires = parse_iso(session.get("expires"))
    return expires is not None and expires <= time.time()
