"""Who can sign in, and how a password is checked."""

from __future__ import annotations

import hashlib
import hmac
import os
import re
from collections.abc import Mapping
from dataclasses import dataclass
from urllib.parse import urljoin

from .origin import is_web_url


@dataclass(frozen=True)
class User:
    """Someone who can sign in. A relative ``image`` is relative to the base path."""

    id: str
    name: str
    email: str
    password_hash: str = ""  # nobody knows a password for this one
    image: str | None = None


def check_users(users: Mapping[str, User]) -> None:
    """ValueError if two users are the same one by their id or address, or a picture has no URL."""
    taken: dict[tuple[str, str], str] = {}
    for name, user in users.items():
        for kind, value in (("id", user.id), ("address", user.email.lower())):
            other = taken.setdefault((kind, value), name)
            if value and other != name:
                raise ValueError(f"the users {other} and {name} have the same {kind} {value}: change one of them")
        if user.image and not is_web_url(picture_url(user.image, "http://localhost/")):
            raise ValueError(f"the image of the user {name} must be a path, or a URL on http or https")


def picture_url(image: str, base_url: str) -> str:
    """The URL of a picture that may be relative to the base path; empty if it cannot be read."""
    try:
        return urljoin(base_url, image)
    except ValueError:
        return ""


def hash_password(password: str, salt: bytes | None = None) -> str:
    """``salt$digest`` in hex, by scrypt; a random salt unless one is given."""
    salt = os.urandom(16) if salt is None else salt
    digest = hashlib.scrypt(password.encode(), salt=salt, n=2**14, r=8, p=1, dklen=32)
    return f"{salt.hex()}${digest.hex()}"


def is_password_hash(text: str) -> bool:
    return re.fullmatch(r"([0-9a-f]{2})+\$[0-9a-f]{64}", text) is not None


def password_matches(password: str, password_hash: str) -> bool:
    salt = bytes.fromhex(password_hash.partition("$")[0])
    return hmac.compare_digest(hash_password(password, salt), password_hash)


def authenticate(users: Mapping[str, User], username: str, password: str) -> User | None:
    """The user, or None. An unknown name costs the same time as a wrong password."""
    user = users.get(username)
    matches = password_matches(password, user.password_hash if user else _NOBODY)
    return user if matches else None


# The hash of a random password that nobody knows: work for the unknown names.
_NOBODY = "a8291512b7295db2acf5b822026b7b44$ef5fafb70f392fe24320a6405eedf2d449c3ed3e4190548512f01576111c1fef"

DEMO_USERS: Mapping[str, User] = {
    "ada": User(
        id="1",
        name="Ada Lovelace",
        email="ada@example.com",
        image="assets/ada.svg",
        password_hash="ef0a31dd8a6ab7ed068a85cc1c703f23$abc0d3f9279502a1d627cb25054ab76925330839d59ca9c153335a07b6f58b59",
    ),
    # No picture: pages have to cope with `image: null`.
    "alan": User(
        id="2",
        name="Alan Turing",
        email="alan@example.com",
        password_hash="58f2429f0571f5f20e789aa9933c0c73$32a42b3247fec1aa75e76db36afffc424cf4d1022d4add9aa887c84f02d9b908",
    ),
}

DEMO_PASSWORDS = "ada / lovelace, alan / turing"
