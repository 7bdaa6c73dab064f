"""The users, in SQLite, with hashes of their passwords; and the key that signs their sessions."""

import hashlib
import os
import secrets
import sqlite3
from contextlib import closing, suppress
from datetime import date
from pathlib import Path

from flask_login import UserMixin
from werkzeug.security import check_password_hash, generate_password_hash

DATA = Path(__file__).resolve().parent / "data"
TABLE = """
CREATE TABLE IF NOT EXISTS users (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    username TEXT NOT NULL UNIQUE,
    name TEXT NOT NULL,
    password TEXT NOT NULL,
    member_since TEXT NOT NULL
)
"""
# Checked where there is nobody of that name, so that it takes as long.
NOBODYS = generate_password_hash(secrets.token_urlsafe())


class User(UserMixin):
    def __init__(self, row):
        self.id, self.username, self.name, self.password, self.member_since = row

    def get_id(self):
        """What a session keeps: another password makes it another's."""
        return f"{self.id}.{hashlib.sha256(self.password.encode()).hexdigest()}"


def find(id):
    return _first("SELECT * FROM users WHERE id = ?", id)


def of_session(key):
    user = find(key.partition(".")[0])
    return user if user and user.get_id() == key else None


def check(username, password):
    """The user with this password, or None."""
    user = _first("SELECT * FROM users WHERE username = ?", username)
    is_right = check_password_hash(user.password if user else NOBODYS, password)
    return user if is_right else None


def save(username, password, name=None):
    """Add a user, or give the one of that name another password."""
    values = (username, name or username, generate_password_hash(password), date.today().isoformat())
    with closing(_connect()) as database, database:
        database.execute(
            "INSERT INTO users (username, name, password, member_since) VALUES (?, ?, ?, ?)"
            " ON CONFLICT (username) DO UPDATE SET password = excluded.password",
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


def _first(query, *values):
    with closing(_connect()) as database:
        row = database.execute(query, values).fetchone()
    return User(row) if row else None


def _connect():
    DATA.mkdir(mode=0o700, exist_ok=True)
    database = sqlite3.connect(DATA / "users.db")
    database.execute(TABLE)
    return database
