"""Users, accounts, sessions and verification tokens, in the tables of the v4 adapters.

It knows SQL and nothing of cookies, providers or rules. SQLAlchemy speaks to SQLite and PostgreSQL alike: nothing
here is for one of them alone. Times are UTC.
"""

from __future__ import annotations

import threading
import uuid
import weakref
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime, timezone
from pathlib import Path
from typing import Any, TypeVar
from urllib.parse import urlsplit

from sqlalchemy import (
    URL,
    Column,
    Connection,
    DateTime,
    Engine,
    ForeignKey,
    Integer,
    MetaData,
    RowMapping,
    String,
    Table,
    Text,
    UniqueConstraint,
    create_engine,
    delete,
    insert,
    make_url,
    select,
    update,
)
from sqlalchemy.exc import ArgumentError, SQLAlchemyError
from sqlalchemy.pool import StaticPool

from .pools import Pool
from .users import User

T = TypeVar("T")

CLOSE_SECONDS = 5.0  # that a transaction may take to end, when all is closed

DatabaseError = SQLAlchemyError

IN_MEMORY = "sqlite://"

_metadata = MetaData()

_users = Table(
    "users",
    _metadata,
    Column("id", String, primary_key=True),
    Column("name", String),
    Column("email", String, unique=True),
    Column("emailVerified", DateTime),
    Column("image", String),
)

_accounts = Table(
    "accounts",
    _metadata,
    Column("id", String, primary_key=True),
    Column("userId", ForeignKey(_users.c.id, ondelete="CASCADE"), nullable=False, index=True),
    Column("type", String, nullable=False),
    Column("provider", String, nullable=False),
    Column("providerAccountId", String, nullable=False),
    Column("refresh_token", Text),
    Column("access_token", Text),
    Column("expires_at", Integer),
    Column("token_type", String),
    Column("scope", String),
    Column("id_token", Text),
    Column("session_state", String),
    UniqueConstraint("provider", "providerAccountId"),
)

_sessions = Table(
    "sessions",
    _metadata,
    Column("id", String, primary_key=True),
    Column("sessionToken", String, nullable=False, unique=True),
    Column("userId", ForeignKey(_users.c.id, ondelete="CASCADE"), nullable=False, index=True),
    Column("expires", DateTime, nullable=False),
)

_verification_tokens = Table(
    "verification_tokens",
    _metadata,
    Column("identifier", String, primary_key=True),
    Column("token", String, primary_key=True),
    Column("expires", DateTime, nullable=False),
)


@dataclass(frozen=True)
class Account:
    """A user at a provider. ``tokens`` is what the provider gave, by the names of OAuth."""

    provider: str
    provider_account_id: str
    tokens: Mapping[str, Any]
    type: str = "oauth"


@dataclass(frozen=True)
class DatabaseSession:
    token: str
    user_id: str
    expires: datetime


class Database:
    """``await database.run(work)`` calls ``work(adapter)`` in a thread of its own, in one transaction.

    ``files`` are where it is kept on this machine, which nobody else must read.
    """

    def __init__(self, url: str = IN_MEMORY) -> None:
        """ValueError if the URL is none, or its driver is not installed."""
        try:
            parsed = make_url(url)
            if parsed.drivername in ("postgres", "postgresql"):
                parsed = parsed.set(drivername="postgresql+psycopg")
            in_memory = parsed.get_backend_name() == "sqlite" and parsed.database in (None, "", ":memory:")
            # A database in memory lives as long as its one connection.
            options = {"poolclass": StaticPool, "connect_args": {"check_same_thread": False}} if in_memory else {}
            # Without parameters in its messages: there are tokens among them.
            self._engine = create_engine(parsed, hide_parameters=True, **options)
        except (ArgumentError, ModuleNotFoundError, ValueError) as problem:
            # What is no port may be half a password.
            reason = "its port is no number" if isinstance(problem, ValueError) else problem
            raise ValueError(
                f"the database URL cannot be used ({reason}): write sqlite:///stub.db, or "
                'postgresql://user:password@host/name and `pip install "psycopg[binary]"`'
            ) from None
        self.files = [] if in_memory else _files(parsed)
        # One transaction at a time: two first sign-ins of one person must not make two users.
        self._lock = threading.Lock()
        # Its connections end with it, whether or not somebody closes it.
        self.close = weakref.finalize(self, _close, self._engine, self._lock)
        self._pool = Pool("database", 1)
        self._has_tables = False

    async def run(self, work: Callable[[Adapter], T]) -> T:
        return await self._pool.run(self.transact, work)

    def transact(self, work: Callable[[Adapter], T]) -> T:
        with self._lock:
            self.create_tables()
            with self._engine.begin() as connection:
                return work(Adapter(connection))

    def create_tables(self) -> None:
        if not self._has_tables:
            _metadata.create_all(self._engine)
            self._has_tables = True


def _close(engine: Engine, lock: threading.Lock) -> None:
    """Not while a transaction is under way: the whole process ends when SQLite's connection is closed below one."""
    if lock.acquire(timeout=CLOSE_SECONDS):
        try:
            engine.dispose()
        finally:
            lock.release()


def _files(url: URL) -> list[Path]:
    """Where SQLite keeps a database; nothing for a server's."""
    if url.get_backend_name() != "sqlite":
        return []
    name = url.database or ""
    file = Path(urlsplit(name).path if "uri" in url.query else name).absolute()
    return [file, *(file.with_name(file.name + suffix) for suffix in ("-journal", "-wal", "-shm"))]


class Adapter:
    """The methods of a v4 adapter, inside one transaction."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    def create_user(self, user: User, *, email_verified: bool = False) -> User:
        values = {"id": user.id, "name": user.name or None, "email": user.email or None, "image": user.image}
        self._connection.execute(insert(_users).values(**values, emailVerified=_now() if email_verified else None))
        return user

    def get_user(self, id: str) -> User | None:
        return self._user(_users.c.id == id)

    def get_user_by_email(self, email: str) -> User | None:
        return self._user(_users.c.email == email)

    def get_user_by_account(self, account: Account) -> User | None:
        return self._user(
            _users.c.id == _accounts.c.userId,
            _accounts.c.provider == account.provider,
            _accounts.c.providerAccountId == account.provider_account_id,
        )

    def verify_email(self, user: User) -> None:
        self._connection.execute(update(_users).where(_users.c.id == user.id).values(emailVerified=_now()))

    def is_verified(self, user: User) -> bool:
        row = self._first(select(_users.c.emailVerified).where(_users.c.id == user.id))
        return row is not None and row["emailVerified"] is not None

    def unlink_accounts(self, user: User) -> None:
        self._connection.execute(delete(_accounts).where(_accounts.c.userId == user.id))

    def link_account(self, account: Account, user: User) -> None:
        kept = {"refresh_token", "access_token", "expires_at", "token_type", "scope", "id_token", "session_state"}
        self._connection.execute(
            insert(_accounts).values(
                **{name: value for name, value in account.tokens.items() if name in kept},
                id=str(uuid.uuid4()),
                userId=user.id,
                type=account.type,
                provider=account.provider,
                providerAccountId=account.provider_account_id,
            )
        )

    def create_session(self, session: DatabaseSession) -> None:
        self._connection.execute(
            insert(_sessions).values(
                id=str(uuid.uuid4()),
                sessionToken=session.token,
                userId=session.user_id,
                expires=_to_column(session.expires),
            )
        )

    def get_session(self, token: str) -> DatabaseSession | None:
        row = self._first(select(_sessions).where(_sessions.c.sessionToken == token))
        if row is None:
            return None
        return DatabaseSession(token, row["userId"], row["expires"].replace(tzinfo=timezone.utc))

    def update_session(self, token: str, expires: datetime) -> None:
        found = _sessions.c.sessionToken == token
        self._connection.execute(update(_sessions).where(found).values(expires=_to_column(expires)))

    def delete_session(self, token: str) -> None:
        self._connection.execute(delete(_sessions).where(_sessions.c.sessionToken == token))

    def delete_sessions(self, user: User | None = None) -> None:
        """Those of a user, or all of them."""
        whose = () if user is None else (_sessions.c.userId == user.id,)
        self._connection.execute(delete(_sessions).where(*whose))

    def create_verification_token(self, identifier: str, token: str, expires: datetime) -> None:
        # Those that nobody used go, so that they do not pile up.
        self._connection.execute(delete(_verification_tokens).where(_verification_tokens.c.expires < _now()))
        values = {"identifier": identifier, "token": token, "expires": _to_column(expires)}
        self._connection.execute(insert(_verification_tokens).values(**values))

    def use_verification_token(self, identifier: str, token: str) -> datetime | None:
        """When it expires, or None if there is none. It is of no use afterwards."""
        found = (_verification_tokens.c.identifier == identifier, _verification_tokens.c.token == token)
        row = self._first(select(_verification_tokens).where(*found))
        if row is None:
            return None
        self._connection.execute(delete(_verification_tokens).where(*found))
        expires: datetime = row["expires"].replace(tzinfo=timezone.utc)
        return expires

    def _user(self, *where: Any) -> User | None:
        row = self._first(select(_users).where(*where))
        if row is None:
            return None
        return User(row["id"], row["name"] or "", row["email"] or "", "", row["image"])

    def _first(self, query: Any) -> RowMapping | None:
        return self._connection.execute(query).mappings().first()


def _now() -> datetime:
    return _to_column(datetime.now(timezone.utc))


def _to_column(moment: datetime) -> datetime:
    """Without a time zone: SQLite has none."""
    return moment.astimezone(timezone.utc).replace(tzinfo=None)
