"""Who sent a request, out of its cookie alone: the backend is not asked."""

import inspect
import os
import re
import time
from collections.abc import Callable, Sequence
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any, TypeVar

from nextauth_client.errors import NextAuthError
from nextauth_client.session import Session

from .cookies import SESSION_COOKIES, SESSION_TOKEN, joined, parse_cookies, present
from .questions import ASKED_AT, is_over
from .requests import BadCookie, Request, cookie_of, is_seen_over_https
from .tokens import Claims, read_token

# Those of v4 and v5; the numbered ones are v5's, for secrets that are being replaced.
SECRETS = ("NEXTAUTH_SECRET", "AUTH_SECRET", "AUTH_SECRET_1", "AUTH_SECRET_2", "AUTH_SECRET_3")
CLAIMS = "_nextauth_claims"  # a session's attribute
EPOCH = datetime(1970, 1, 1)  # UTC, and naive: a zone takes twice as long to write

SessionCallback = Callable[[dict[str, Any], Claims], dict[str, Any] | None]

# What the adapters of v3 (64 hex digits) and of v4 and v5 (a UUID) call a session in the database.
_IN_DATABASE = re.compile(r"[0-9a-f]{64}|[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}")


class DatabaseSession(NextAuthError):
    """The cookie names a session that is in the backend's database, so only the backend knows whose it is.

    Told by what the adapters call one: a UUID, or 64 hex digits. By the names that a `generateSessionToken` of the
    backend's own gives, nobody can tell; such a session is read as `None`.
    """

    code = "DatabaseSession"


class TokenSession(Session):
    """A session that a cookie itself holds: `user` (`name`, `email`, `image`), `expires`, and `claims`."""

    @property
    def claims(self) -> Claims:
        """All that the backend's jwt callback has put into the token: `sub` is the user's id.

        Neither `to_dict()` nor `session_script` tells it: a token may hold what a page must not know.
        """
        return claims_of(self)


def claims_of(session: Session) -> Claims:
    """The claims of a session that was read out of a cookie, whatever its type; of any other none."""
    claims: Claims = vars(session).get(CLAIMS, {})
    return claims


if TYPE_CHECKING:
    from typing_extensions import TypeVar as TypeVarWithDefault  # type checkers know it without an install

    TS = TypeVarWithDefault("TS", bound=Session, default=TokenSession)
else:
    TS = TypeVar("TS", bound=Session)


def read_session(
    request: Request,
    *,
    secret: str | Sequence[str] | None = None,
    cookie_name: str | None = None,
    session_callback: SessionCallback | None = None,
    session_type: type[TS] = TokenSession,  # type: ignore[assignment]
) -> TS | None:
    """Who sent `request`, as the session cookie of v3, v4 or v5 says; `None` for nobody. Nothing is sent.

    - `request`: as for `get_session`
    - `secret`: the backend's `secret`, or several while it is being replaced. By default `NEXTAUTH_SECRET` and
      `AUTH_SECRET` (and v5's `AUTH_SECRET_1` to `_3`)
    - `cookie_name`: the session cookie's, if the backend has been told another one; with its `__Secure-`, if it has it.
      By default the usual ones: where `NEXTAUTH_URL`, or else `AUTH_URL`, begins with https, none without `__Secure-`
      or `__Host-`, which can be set without https as well
    - `session_callback`: what the backend's own does, in Python: is given the session (`user` and `expires`) and the
      claims, and returns the session, or `None` for somebody who may not come in. A server that wants to know no more
      than the claims needs none

    `None` for a request without the cookie, and for one that is expired, damaged or made with another secret. So is a
    token that names nobody, with no `sub`, `email` or `name`. A session that has been ended elsewhere is good here
    until it expires: where that matters, ask with `get_session`. What the callback returns is held to the rules of an
    answer to `get_session`.

    Raises `DatabaseSession` where the cookie names a session in the backend's database, which has to be asked then;
    `UnexpectedAnswer` where the callback's session says neither who it is nor when it ends, or has an `expires` that
    cannot be read; `TypeError` where it returns anything else; `RuntimeError` when nothing says the secret.

    Source: `getToken` of `next-auth/jwt`, and `session` of its callbacks.
    """
    secrets = secrets_of(secret)
    check_callback(session_callback)
    try:
        cookie = cookie_of(request)
    except BadCookie:  # nothing that a backend has set
        return None
    return read_cookie(cookie, secrets, cookie_name, session_callback, session_type)


def read_cookie(
    cookie: str,
    secrets: Sequence[str],
    cookie_name: str | None,
    session_callback: SessionCallback | None,
    session_type: type[TS],
    base_url: str | None = None,
) -> TS | None:
    """The same for the value of a `Cookie` header, as `cookie_of` gives it.

    `base_url` is where browsers see the backend, if no variable says it.
    """
    cookies = parse_cookies(cookie, SESSION_TOKEN if cookie_name is None else cookie_name)
    is_elsewhere = False
    for name in present([cookie_name] if cookie_name is not None else SESSION_COOKIES, cookies):
        # Asked only where it matters: the environment takes a fifth of the time that all the rest takes.
        if cookie_name is None and not name.startswith("__") and is_seen_over_https(base_url):
            continue
        token = joined(name, cookies)
        if not token:
            continue
        claims = read_token(token, secrets, name)
        data = None if claims is None else _session_of(claims)
        if claims is not None and data is not None:
            if session_callback is not None:
                data = _by_callback(session_callback, data, claims)
            if data is None:
                return None
            session = session_type(data)
            vars(session).update({CLAIMS: claims, ASKED_AT: time.time()})
            return session
        is_elsewhere = is_elsewhere or _IN_DATABASE.fullmatch(token) is not None
    if is_elsewhere:
        raise DatabaseSession(
            "This cookie holds no session but names one in the backend's database, so only the backend knows whose it "
            "is: ask with `await get_session(request)`."
        )
    return None


def secrets_of(secret: str | Sequence[str] | None) -> Sequence[str]:
    """The secrets to try. Raises `RuntimeError` where nothing says one, `ValueError` for one that is empty."""
    if secret is None:
        found = [os.environ[name] for name in SECRETS if os.environ.get(name)]
        if not found:
            raise RuntimeError("Nothing says the backend's secret: set NEXTAUTH_SECRET or AUTH_SECRET, or say secret=.")
        return found
    given = [secret] if isinstance(secret, str) else list(secret)
    if not given or not all(given):
        raise ValueError("secret= is the backend's secret, or a list of several; an empty one would let anybody in.")
    return given


def check_callback(callback: SessionCallback | None) -> None:
    """Raises `TypeError` for what is no plain function."""
    if callback is not None and (not callable(callback) or inspect.iscoroutinefunction(callback)):
        raise TypeError("session_callback= is a plain function of the session and the claims, which nobody awaits")


def _by_callback(callback: SessionCallback, data: dict[str, Any], claims: Claims) -> dict[str, Any] | None:
    """The session that the callback makes of it; None for nobody."""
    said = callback(data, claims)
    if said is not None and not isinstance(said, dict):
        raise TypeError(
            f"session_callback= returns the session as a dict, or None for nobody, and not {type(said).__name__}"
        )
    return None if not said or is_over(said) else said


def _session_of(claims: Claims) -> dict[str, Any] | None:
    """What the backend answers for a token, if no callback adds to it; None for one that is over or names nobody.

    Before 4.24.5, v4 sealed the cookies of a sign-in under way with the session's key: they name nobody.
    """
    name, email = claims.get("name"), claims.get("email")
    if not (claims.get("sub") or email or name) or claims["exp"] <= time.time():
        return None
    try:
        expires = EPOCH + timedelta(seconds=claims["exp"])
    except (ValueError, OverflowError):
        return None
    user = {"name": name, "email": email, "image": claims.get("picture")}
    return {"user": user, "expires": expires.isoformat("T", "milliseconds") + "Z"}
