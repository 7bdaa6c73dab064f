"""Who is signed in: in an encrypted cookie, or in the database with its token in a cookie.

Both are told what to do by the endpoints, and put the cookies to set into the exchange.
"""

from __future__ import annotations

import hmac
import re
import secrets
from collections.abc import Callable, Iterable, Mapping
from datetime import datetime, timedelta, timezone
from typing import Any, Protocol

from nextauth_server.tokens import Claims

from .accounts import Accounts
from .database import Adapter, Database, DatabaseSession
from .dialects import Dialect
from .errors import SentElsewhere
from .exchange import Exchange
from .users import User, picture_url

JWTCallback = Callable[[Claims, object], Claims]
SessionCallback = Callable[[dict[str, Any], Claims], dict[str, Any]]

# What a session tells of its user, and the claim that holds it.
USER_CLAIMS = {"name": "name", "email": "email", "image": "picture"}

# No other token is in the database, and not everything can be asked for there.
_TOKEN = re.compile(r"[0-9a-f-]{36,64}")


class Sessions(Protocol):
    secret: str
    max_age: float  # seconds
    session_callback: SessionCallback

    async def start(self, exchange: Exchange, user: User) -> None:
        """Sign the user in."""

    async def start_with_password(self, exchange: Exchange, user: User) -> None:
        """Sign a user in whom the database need not know; SentElsewhere if the dialect does not let one."""

    async def roll(self, exchange: Exchange, update: object = None) -> Mapping[str, object] | None:
        """Give the session a new lifetime, and return what a client may know of it; nothing for nobody."""

    async def user_id(self, exchange: Exchange) -> str | None:
        """The id of the user who is signed in."""

    async def end(self, exchange: Exchange) -> None:
        """Sign out."""

    async def revoke(self) -> None:
        """Accept no session that there is."""


class JWTSessions:
    def __init__(
        self,
        dialect: Dialect,
        secret: str,
        max_age: float,
        jwt_callback: JWTCallback,
        session_callback: SessionCallback,
    ) -> None:
        self.dialect = dialect
        self.secret = secret
        self.max_age = max_age
        self.jwt_callback = jwt_callback
        self.session_callback = session_callback

    async def start(self, exchange: Exchange, user: User) -> None:
        self.store(exchange, self.jwt_callback(claims_of(user, exchange), None))

    start_with_password = start

    async def roll(self, exchange: Exchange, update: object = None) -> Mapping[str, object] | None:
        if not exchange.session.value:
            return self.dialect.nobody
        claims = self.read(exchange)
        if claims is None:
            exchange.set_cookies += exchange.session.clear()
            return self.dialect.nobody
        claims = self.jwt_callback(claims, update)
        expires = self.store(exchange, claims)
        return self.session_callback(session_of(claims, expires, self.dialect), claims)

    async def user_id(self, exchange: Exchange) -> str | None:
        subject = (self.read(exchange) or {}).get("sub")
        return subject if isinstance(subject, str) else None

    async def end(self, exchange: Exchange) -> None:
        exchange.set_cookies += exchange.session.clear()

    async def revoke(self) -> None:
        self.secret = secrets.token_hex()

    def read(self, exchange: Exchange) -> Claims | None:
        return self.dialect.tokens.decode(exchange.session.value, self.secret, exchange.session.name)

    def store(self, exchange: Exchange, claims: Claims) -> datetime:
        expires = datetime.now(timezone.utc) + timedelta(seconds=self.max_age)
        token = self.dialect.tokens.encode(claims, self.secret, self.max_age, exchange.session.name)
        exchange.set_cookies += exchange.session.replace(token, expires)
        return expires


class DatabaseSessions:
    """``update_age`` is how many seconds a session must have lived before its row gets a new lifetime."""

    def __init__(
        self,
        dialect: Dialect,
        secret: str,
        max_age: float,
        update_age: float,
        database: Database,
        configured: Iterable[User],
        jwt_sessions: JWTSessions,
    ) -> None:
        self.dialect = dialect
        self.secret = secret
        self.max_age = max_age
        self.update_age = update_age
        self.database = database
        self.configured = configured
        self.jwt_sessions = jwt_sessions
        self.session_callback = jwt_sessions.session_callback

    async def start(self, exchange: Exchange, user: User) -> None:
        current = token_in(exchange)

        def start(adapter: Adapter) -> DatabaseSession:
            found = self.find(adapter, current)
            if found is not None and found.user_id == user.id:
                return found
            if found is not None:
                adapter.delete_session(found.token)
            expires = datetime.now(timezone.utc) + timedelta(seconds=self.max_age)
            session = DatabaseSession(self.dialect.new_session_token(), user.id, expires)
            adapter.create_session(session)
            return session

        session = await self.database.run(start)
        exchange.set_cookies += exchange.session.replace(session.token, session.expires)

    async def start_with_password(self, exchange: Exchange, user: User) -> None:
        """As the real ones: v3 refuses, v4 and v5 set a cookie that means nothing here."""
        if self.dialect.refuses_passwords_with_database:
            reason = "with sessions in the database, NextAuth.js v3 signs nobody in by a password"
            raise SentElsewhere(f"{exchange.base_url}/error?error=Configuration", 500, reason)
        await self.jwt_sessions.start(exchange, user)

    async def roll(self, exchange: Exchange, update: object = None) -> Mapping[str, object] | None:
        if not exchange.session.value:
            return self.dialect.nobody
        now = datetime.now(timezone.utc)
        expires = now + timedelta(seconds=self.max_age)
        token = token_in(exchange)

        def roll(adapter: Adapter) -> tuple[DatabaseSession | None, User | None]:
            session = self.find(adapter, token)
            if session is None:
                return None, None
            if session.expires <= expires - timedelta(seconds=self.update_age):
                adapter.update_session(session.token, expires)
            return session, Accounts(adapter, self.configured).with_id(session.user_id)

        session, user = await self.database.run(roll)
        if session is None or user is None:
            exchange.set_cookies += exchange.session.clear()
            return self.dialect.nobody
        exchange.set_cookies += exchange.session.replace(session.token, expires)
        claims = claims_of(user, exchange)
        # What was stored so far: a new lifetime is told with the next answer, as in v4.
        answer = session_of(claims, session.expires, self.dialect)
        if self.dialect.tells_access_token:
            key = self.secret.encode()
            answer["accessToken"] = hmac.new(key, session.token.encode(), "sha256").hexdigest()
        return self.session_callback(answer, claims)

    async def user_id(self, exchange: Exchange) -> str | None:
        token = token_in(exchange)
        session = await self.database.run(lambda adapter: self.find(adapter, token))
        return session.user_id if session else None

    async def end(self, exchange: Exchange) -> None:
        token = token_in(exchange)
        if token is not None:
            await self.database.run(lambda adapter: adapter.delete_session(token))
        exchange.set_cookies += exchange.session.clear()

    async def revoke(self) -> None:
        await self.database.run(lambda adapter: adapter.delete_sessions())

    def find(self, adapter: Adapter, token: str | None) -> DatabaseSession | None:
        """The session; None if there is none, or if it is over: then its row goes."""
        session = adapter.get_session(token) if token else None
        if session is not None and session.expires < datetime.now(timezone.utc):
            adapter.delete_session(session.token)
            return None
        return session


def token_in(exchange: Exchange) -> str | None:
    return exchange.session.value if _TOKEN.fullmatch(exchange.session.value) else None


def claims_of(user: User, exchange: Exchange) -> Claims:
    claims: Claims = {"email": user.email or None, "sub": user.id}
    if not user.name:
        return claims
    image = user.image and picture_url(user.image, f"{exchange.base_url}/")
    return {"name": user.name, **claims, "picture": image or None}


def session_of(claims: Claims, expires: datetime, dialect: Dialect) -> dict[str, Any]:
    """What a client may know, before the session callback."""
    user = {key: claims.get(claim) for key, claim in USER_CLAIMS.items() if claim in claims or dialect.nulls}
    return {"user": user, "expires": expires.isoformat(timespec="milliseconds").replace("+00:00", "Z")}
