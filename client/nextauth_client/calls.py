"""`auth_fetch`: a request to the page's own API, as the person who is signed in.

Checks where it goes and what it carries, and says what a refusal leads to. Knows no wire, and no more of who is signed
in than the driver tells.
"""

import asyncio
from json import dumps

from .errors import BackendUnreachable, UnexpectedAnswer, UnsafeURL
from .events import UNSET
from .host import Request, is_header
from .jsontext import check_plain
from .options import Options
from .session import is_another
from .times import is_count, parse_http_date
from .urls import split, urlencode

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any, Mapping, Optional, Union

    from .driver import Driver
    from .host import Host, Response

    Body = Union[str, bytes, Mapping[str, Any], None]
    Token = Union[bool, str]

LEAST = 0.5  # seconds that a second try needs
METHODS = "GET HEAD POST PUT PATCH DELETE OPTIONS"


class Call:
    """One call, checked. Raises `ValueError` or `TypeError` for what cannot be sent, or not there."""

    def __init__(
        self,
        host: "Host",
        options: "Options",
        url: str,
        method: str,
        json: "Any",
        data: "Body",
        headers: "Optional[Mapping[str, str]]",
        token: "Token",
        timeout: "Optional[float]",
    ) -> None:
        self._host = host
        self._token = "accessToken" if token is True else token
        self._timeout = options.timeout if timeout is None else Options(timeout=timeout).timeout
        self._until = host.now() + self._timeout
        method = method.upper()
        if method not in METHODS.split():
            raise ValueError("method= is one of " + METHODS)
        self._is_read = method in ("GET", "HEAD")
        kind, body = _body(json, data)
        if body is not None and self._is_read:
            raise ValueError(f"{method} carries neither json= nor data=: write method='POST'")
        sent = {} if kind is None else {"content-type": kind}
        for name, value in dict(headers or {}).items():
            if not is_header(name, value):
                raise ValueError(f"headers= holds texts that a header can be, and {name!r} is none")
            sent[name.lower()] = value
        self._request = Request(method, _address(host, options.api_origins, url), sent, body)

    def authorize(self, session: "Optional[dict[str, Any]]") -> None:
        """Have it carry the token out of the session; nothing where nobody is signed in."""
        value: "Any" = session
        for name in str(self._token).split("."):
            value = value.get(name) if isinstance(value, dict) else None
        if session is not None and not is_header("token", value):
            raise ValueError(
                f"The session has no {self._token} that a header can carry: let the backend's session callback put it "
                "there, or say where: token='user.token'."
            )
        self._request.headers.pop("authorization", None)
        if session is not None:
            self._request.headers["authorization"] = "Bearer " + value

    async def send(self, driver: "Optional[Driver]" = None) -> "Response":
        """The answer; `driver` says who is signed in.

        Raises `BackendUnreachable`, and `UnexpectedAnswer` for a redirect.
        """
        if driver is not None and self._token:
            try:
                await asyncio.wait_for(driver.callers.first_answer(False), self._timeout)
            except asyncio.TimeoutError:
                raise BackendUnreachable("The backend did not answer in time.")
        who = None if driver is None else driver.machine.view.session
        left = self._host.now()
        answer = await self._once(driver)
        again = self._is_read and answer.status in (429, 503) and await self._may_retry(answer)
        if again:
            left = self._host.now()
            answer = await self._once(driver)
        if answer.status != 401 or driver is None or not await driver.callers.is_signed_in_since(left, self._rest()):
            return answer
        # What one person has begun to change, another shall not end.
        is_anothers = not self._is_read and who is not None and is_another(who, driver.machine.view.session or who)
        return answer if again or is_anothers or self._rest() < LEAST else await self._once(driver)

    async def _once(self, driver: "Optional[Driver]") -> "Response":
        if driver is not None:
            driver.catch_up()
            await driver.end_idling()
            if driver.machine.is_idle:
                raise BackendUnreachable("Nobody has used this page for too long: nothing was sent.")
            if self._token:
                self.authorize(driver.machine.view.session)
        answer = await self._host.call(self._request, self._rest())
        if answer.status:
            return answer
        raise UnexpectedAnswer(
            f"{self._request.address} answered with a redirect, which is not followed: call the address behind it."
        )

    def _rest(self) -> float:
        """Seconds that are left; the clock may have been set back."""
        return max(0.001, min(self._timeout, self._until - self._host.now()))

    async def _may_retry(self, answer: "Response") -> bool:
        """Wait for as long as a server asks that is busy, if that is soon enough."""
        after, now = answer.headers.get("retry-after", ""), self._host.now()
        at = now + int(after) if is_count(after) else parse_http_date(after)
        if at is None or at >= self._until:
            return False
        pause = max(0.0, at - now)
        await asyncio.sleep(pause)
        return True


def _address(host: "Host", origins: "tuple[str, ...]", url: str) -> str:
    """Absolute, as what sends it understands it."""
    try:
        address = host.resolve(url)
    except UnsafeURL:
        address = ""
    origin = split(address)[0]
    if not origin or origin not in (host.origin(),) + origins:
        raise ValueError(
            f"auth_fetch() goes to {host.origin()} and to what Provider(api_origins=(…,)) names, not to "
            f"{origin or 'what is no http(s) address'}: nothing was sent."
        )
    return address


def _body(json: "Any", data: "Body") -> "tuple[Optional[str], Union[str, bytes, None]]":
    """Its content type, and what is sent."""
    if json is not UNSET:
        if data is not None:
            raise ValueError("json= and data= are two bodies: give one of them")
        check_plain(json)
        return "application/json", dumps(json)
    if data is None:
        return None, None
    if isinstance(data, str):
        return "text/plain;charset=UTF-8", data
    if isinstance(data, (bytes, bytearray)):
        return "application/octet-stream", bytes(data)
    pairs = []
    for name, value in data.items():
        for one in value if isinstance(value, (list, tuple)) else (value,):
            if isinstance(one, bool) or not isinstance(one, (str, int, float)):
                raise TypeError(f"a form holds texts and numbers, and {name!r} is {type(one).__name__}: see json=")
            pairs.append((name, str(one)))
    return "application/x-www-form-urlencoded", urlencode(pairs)
