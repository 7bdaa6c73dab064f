"""Cookies as NextAuth.js names, encodes and splits them."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timezone
from email.utils import format_datetime
from urllib.parse import quote, unquote

from .dialects import UNESCAPED, Dialect

# Browsers keep 4096 bytes a cookie; v4 counts 163 for the name and the attributes.
CHUNK_SIZE = 4096 - 163


@dataclass(frozen=True)
class Cookie:
    """A cookie to set; an empty value deletes it."""

    name: str
    value: str
    secure: bool
    expires: datetime | None = None
    max_age: int | None = None  # seconds

    def header(self) -> str:
        parts = [f"{self.name}={quote(self.value, safe=UNESCAPED)}"]
        if not self.value:
            parts.append("Max-Age=0")
        elif self.max_age is not None:
            parts.append(f"Max-Age={self.max_age}")
        parts.append("Path=/")
        if self.expires is not None:
            parts.append(f"Expires={format_datetime(self.expires, usegmt=True)}")
        parts.append("HttpOnly")
        if self.secure:
            parts.append("Secure")
        parts.append("SameSite=Lax")
        return "; ".join(parts)


@dataclass(frozen=True)
class CookieNames:
    prefix: str
    secure: bool

    @property
    def csrf_token(self) -> str:
        return f"{'__Host-' if self.secure else ''}{self.prefix}csrf-token"

    @property
    def callback_url(self) -> str:
        return f"{'__Secure-' if self.secure else ''}{self.prefix}callback-url"

    def flow(self, name: str) -> str:
        """The cookie of a sign-in at a provider that is under way: state, pkce.code_verifier or nonce."""
        return f"{'__Secure-' if self.secure else ''}{self.prefix}{name}"

    @property
    def session_token(self) -> str:
        return f"{'__Secure-' if self.secure else ''}{self.prefix}session-token"


def parse_cookies(header: str) -> dict[str, str]:
    """The cookies of a request; of two with one name the first counts, as in Node."""
    cookies: dict[str, str] = {}
    for pair in header.split(";"):
        name, equals, value = pair.partition("=")
        if equals:
            value = value.strip().strip('"')
            cookies.setdefault(name.strip(), unquote(value) if "%" in value else value)
    return cookies


# What follows the name of the session cookie.
_CHUNK = re.compile(r"(?:\.(\d{1,2}))?")


def number_of(chunk: re.Match[str] | None) -> int:
    return int(chunk[1] or 0) if chunk else 0


class SessionCookie:
    """The session token in the request's cookies, in one piece or in ``.0``, ``.1`` … when it is large."""

    def __init__(self, names: CookieNames, cookies: Mapping[str, str], dialect: Dialect) -> None:
        self.name = name = names.session_token
        self.secure = names.secure
        self.dialect = dialect
        found = [(key, _CHUNK.fullmatch(key, len(name))) for key in cookies if key.startswith(name)]
        self.present = [key for key, chunk in sorted(found, key=lambda pair: number_of(pair[1])) if chunk]
        self.value = "".join(cookies[name] for name in self.present)

    def clear(self) -> list[Cookie]:
        expires = datetime.now(timezone.utc) if self.dialect.deleted_cookies_expire else None
        names = self.present or [self.name] * self.dialect.always_deletes_cookie
        return [Cookie(name, "", self.secure, expires) for name in names]

    def replace(self, value: str, expires: datetime) -> list[Cookie]:
        """The cookies that store a new value, and delete the chunks of the old one that it does not need."""
        chunks = [value[start : start + CHUNK_SIZE] for start in range(0, len(value), CHUNK_SIZE)]
        if len(chunks) == 1 or not self.dialect.splits_cookies:
            named = {self.name: value}
        else:
            named = {f"{self.name}.{number}": chunk for number, chunk in enumerate(chunks)}
        stale = [Cookie(name, "", self.secure) for name in self.present if name not in named]
        return stale + [Cookie(name, chunk, self.secure, expires) for name, chunk in named.items()]
