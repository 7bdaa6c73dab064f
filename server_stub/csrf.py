"""Double-submit CSRF protection: the cookie holds ``token|sha256(token + secret)``, a POST the token."""

from __future__ import annotations

import hashlib
import hmac
import secrets
from dataclasses import dataclass


@dataclass(frozen=True)
class CSRF:
    token: str
    verified: bool = False  # the POST repeated the token of a cookie that this server made
    cookie: str | None = None  # a new cookie value to set, None while the old one is good


def check_csrf(cookie: str | None, submitted: object, secret: str) -> CSRF:
    """Keep the token of a good cookie, or make a new one. ``submitted`` is what the POST's body holds."""
    if cookie is not None:
        token, _, signature = cookie.partition("|")
        if _equal(signature, _sign(token, secret)):
            return CSRF(token, verified=isinstance(submitted, str) and _equal(submitted, token))
    token = secrets.token_hex(32)
    return CSRF(token, cookie=f"{token}|{_sign(token, secret)}")


def _sign(token: str, secret: str) -> str:
    return hashlib.sha256(f"{token}{secret}".encode()).hexdigest()


def _equal(one: str, other: str) -> bool:
    return hmac.compare_digest(one.encode(), other.encode())
