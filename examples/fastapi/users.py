"""The users, in SQLite, with hashes of their passwords; and the key that signs their sessions."""

import hashlib
import hmac
import os
import secrets
import sqlite3
from contextlib import closing, suppress
from datetime import date
from pathlib import Path
from threading import Semaphore
from typing import NamedTuple

DATA = Path(__file__).resolve().parent / "data"
TABLE = """
CREATE TABLE IF NOT EXISTS users (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    username TEXT NOT NULL UNIQUE,
    name TEXT NOT NULL,
    salt BLOB NOT NULL,
    password BLOB NOT NULL,
    member_since TEXT NOT NULL
)
"""


class User(NamedTuple):
    id: int
    username: str
    name: str
    salt: bytes
    password: bytes
    member_since: str

    @property
    def key(self):
        """What a session keeps: another password makes it another's."""
        return f"{self.id}.{hashlib.sha256(self.salt).hexdigest()}"


# Checked where there is nobody of that name, so that it takes as long.
NOBODY = User(0, "", "", secrets.token_bytes(16), b"", "")
HASHING = Semaphore(2)  # at once: each takes 32 MB


def find(id):
    return _first("SELECT * FROM users WHERE id = ?", id)


def of_session(key):
    user = find(str(key).partition(".")[0])
    return user if user and user.key == key else None


def check(username, password):
    """The user with this password, or None."""
    user = _first("SELECT * FROM users WHERE username = ?", username) or NOBODY
    return user if hmac.compare_digest(_hash(password, user.salt), user.password) else None


def save(username, password, name=None):
    """Add a user, or give the one of that name another password."""
    salt = secrets.token_bytes(16)
    values = (username, name or username, salt, _hash(password, salt), date.today().isoformat())
    with closing(_connect()) as database, database:
        database.execute(
            "INSERT INTO users (username, name, salt, password, member_since) VALUES (?, ?, ?, ?, ?)"
            " ON CONFLICT (username) DO UPDATE SET salt = excluded.salt, password = excluded.password",
            values,
        )


def add_first():
    if _first("SELECT * FROM users LIMIT 1") is None:
        save("ada", "lovelace", "Ada Lovelace")


def secret_key():
    """Who knows it can sign in as anybody. It is made once, so that sessions outlive a restart."""
    DATA.mkdir(mode=0o700, exist_ok=True)
    file = DATA / "secret.txt"
    if file.exists() and not file.read_text():
        file.unlink()
    if not file.exists():
        own = DATA / secrets.token_hex(8)
        own.touch(mode=0o600)
        own.write_text(secrets.token_urlsafe(48))
        with suppress(FileExistsError):  # of processes that start together, the first one's counts
            os.link(own, file)
        own.unlink()
    return file.read_text()


def _hash(password, salt):
    with HASHING:
        return hashlib.scrypt(password.encode(), salt=salt, n=2**15, r=8, p=1, maxmem=2**26)


def _first(query, *values):
    with closing(_connect()) as database:
        row = database.execute(query, values).fetchone()
    return User(*row) if row else None


def _connect():
    DATA.mkdir(mode=0o700, exist_ok=True)
    database = sqlite3.connect(DATA / "users.db")
    database.execute(TABLE)
    return database
