"""The cookie of a session, as each generation sets and deletes it."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime, timezone

from nextauth_server.cookies import Cookie, CookieNames, chunks_of, split

from .dialects import Dialect


class SessionCookie:
    """The session token in the request's cookies, in one piece or in ``.0``, ``.1`` … when it is large."""

    def __init__(self, names: CookieNames, cookies: Mapping[str, str], dialect: Dialect) -> None:
        self.name = names.session_token
        self.secure = names.secure
        self.dialect = dialect
        self.present = chunks_of(self.name, cookies)
        self.value = "".join(cookies[name] for name in self.present)

    def clear(self) -> list[Cookie]:
        expires = datetime.now(timezone.utc) if self.dialect.deleted_cookies_expire else None
        names = self.present or [self.name] * self.dialect.always_deletes_cookie
        return [Cookie(name, "", self.secure, expires) for name in names]

    def replace(self, value: str, expires: datetime) -> list[Cookie]:
        """The cookies that store a new value, and delete the chunks of the old one that it does not need."""
        named = split(self.name, value) if self.dialect.splits_cookies else {self.name: value}
        stale = [Cookie(name, "", self.secure) for name in self.present if name not in named]
        return stale + [Cookie(name, chunk, self.secure, expires) for name, chunk in named.items()]
