"""Cookies as NextAuth.js and Auth.js name, encode and split them. Knows no framework and no secret.

Source: `lib/cookies.js` of v4, `lib/utils/cookie.js` of `@auth/core`.
"""

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime
from email.utils import format_datetime
from urllib.parse import quote, unquote

UNESCAPED = "!'()*~"  # what JavaScript's encodeURIComponent leaves alone, beside what `quote` does

# Browsers keep 4096 bytes a cookie; v4 counts 163 for the name and the attributes.
CHUNK_SIZE = 4096 - 163

# Where a session may be, in the order in which they are looked at: v5's, then that of v3 and v4. Nobody can set one
# with a prefix from a page without https, so a backend that browsers see over https uses these alone.
SESSION_TOKEN = "session-token"
SESSION_COOKIES = [
    f"{prefix}{name}.{SESSION_TOKEN}" for prefix in ("__Secure-", "__Host-", "") for name in ("authjs", "next-auth")
]


@dataclass(frozen=True)
class Cookie:
    """A cookie to set; an empty value deletes it."""

    name: str
    value: str
    secure: bool
    expires: datetime | None = None
    max_age: int | None = None  # seconds

    def header(self) -> str:
        """The value of a `Set-Cookie` header."""
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
    """What a backend calls its cookies; `prefix` is "next-auth." or "authjs.", `secure` whether browsers use https."""

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


def parse_cookies(header: str, about: str = "") -> dict[str, str]:
    """The cookies of a request; of two with one name the first counts, as in Node.

    With `about`, those alone whose name or value holds this text.
    """
    cookies: dict[str, str] = {}
    for pair in header.split(";"):
        if about in pair:
            name, equals, value = pair.partition("=")
            if equals:
                value = value.strip().strip('"')
                cookies.setdefault(name.strip(), unquote(value) if "%" in value else value)
    return cookies


# What follows the name of a cookie that is in pieces.
_CHUNK = re.compile(r"(?:\.(\d{1,2}))?", re.ASCII)


def chunks_of(name: str, cookies: Mapping[str, str]) -> list[str]:
    """The names under which a cookie is there, in the order of its pieces: its own, or `.0`, `.1` … if it is large."""
    keys = [key for key in cookies if key.startswith(name)]
    if keys == [name]:  # as nearly always
        return keys
    found = [(_CHUNK.fullmatch(key, len(name)), key) for key in keys]
    numbered = [(int(chunk[1] or 0), key) for chunk, key in found if chunk]
    return [key for _, key in sorted(numbered, key=lambda pair: pair[0])]


def present(names: Iterable[str], cookies: Mapping[str, str]) -> list[str]:
    """Those of the names that are there, or pieces of them."""
    there = {name for key in cookies for name in (key, key.rpartition(".")[0])}
    return [name for name in names if name in there]


def joined(name: str, cookies: Mapping[str, str]) -> str:
    """A cookie's value, whether it is in one piece or in several; "" where there is none."""
    return "".join([cookies[key] for key in chunks_of(name, cookies)])


def split(name: str, value: str) -> dict[str, str]:
    """The cookies that hold a value, by name: one, or as many as it takes."""
    chunks = [value[start : start + CHUNK_SIZE] for start in range(0, len(value), CHUNK_SIZE)]
    return {name: value} if len(chunks) == 1 else {f"{name}.{number}": chunk for number, chunk in enumerate(chunks)}
