"""Session tokens as the three generations write them, keyed by HKDF from the secret.

- v4: JWE, ``dir`` and ``A256GCM``
- v3: signed only, JWS with ``HS512``: whoever has the cookie can read it
- v5: JWE, ``dir`` and ``A256CBC-HS512``, with a ``kid``; the key depends on the cookie's name too

A real backend of the same generation with the same secret reads these tokens, and the other way round.

Source: `encode` and `decode` of NextAuth.js v3 and v4 (`next-auth/jwt`) and Auth.js v5 (`@auth/core/jwt`).
"""

import json
import os
import time
import uuid
from binascii import a2b_base64, b2a_base64
from collections.abc import Callable, Sequence
from functools import lru_cache
from typing import Any, Protocol

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF
from joserfc import jwe, jws
from joserfc.errors import JoseError
from joserfc.jwe import JWERegistry
from joserfc.jwk import OctKey, thumbprint
from joserfc.util import urlsafe_b64decode, urlsafe_b64encode

Claims = dict[str, Any]

CLOCK_TOLERANCE = 15  # seconds, as v4 and v5
GCM_IV, GCM_TAG = 12, 16  # bytes
LONGEST_HEADER = 1024  # characters of a token; theirs have less than 200


class TokenFormat(Protocol):
    """How a session token is written. ``name`` is the name of the session cookie."""

    def encode(self, claims: Claims, secret: str, max_age: float, name: str = "") -> str:
        """A token that holds the claims and is good for ``max_age`` seconds."""

    def decode(self, token: str, secret: str, name: str = "") -> Claims | None:
        """The claims, or None for a token that is expired, damaged or made with another secret."""


def registry_of(algorithms: tuple[str, ...], headers: tuple[str, ...]) -> JWERegistry:
    """What a token may be made with, and the header fields that it may have: no other is looked at."""
    registry = JWERegistry(algorithms=algorithms)
    registry.header_registry = {name: registry.header_registry[name] for name in headers}
    return registry


# What the headers say: algorithm and encryption.
V3 = ("HS512", "")
V4 = ("dir", "A256GCM")
V5 = ("dir", "A256CBC-HS512")


def _said_by(token: str) -> tuple[str, str]:
    """The algorithm and the encryption that a token names; two empty texts for what has no header of a token's.

    All else that a header may ask of a library (`crit`, `zip`, `b64`, `jwk`) is in none that a backend has made.
    """
    header = token.partition(".")[0]
    return _said_in(header) if len(header) <= LONGEST_HEADER else ("", "")


@lru_cache(maxsize=64)
def _said_in(header: str) -> tuple[str, str]:
    try:
        said = json.loads(urlsafe_b64decode(header.encode()))
    except (ValueError, RecursionError):
        return "", ""
    if not isinstance(said, dict) or not said.keys() <= {"alg", "enc", "kid", "typ"}:
        return "", ""
    if not all(isinstance(value, str) for value in said.values()):
        return "", ""
    return said.get("alg", ""), said.get("enc", "")


class V4Tokens:
    """Its header is always the same, and the key is the secret's: the cipher is asked without joserfc's way there.

    Reading a session takes half the time so.
    """

    registry = registry_of(("dir", "A256GCM"), ("alg", "enc"))
    header = urlsafe_b64encode(b'{"alg":"dir","enc":"A256GCM"}')
    start = header + b".."  # there is no encrypted key

    def encode(self, claims: Claims, secret: str, max_age: float, name: str = "") -> str:
        iv = os.urandom(GCM_IV)
        plaintext = _dump(claims, max_age, jti=True).encode()
        sealed = self.cipher(secret).encrypt(iv, plaintext, self.header)
        parts = (iv, sealed[:-GCM_TAG], sealed[-GCM_TAG:])
        return b".".join([self.header, b"", *map(urlsafe_b64encode, parts)]).decode()

    def decode(self, token: str, secret: str, name: str = "") -> Claims | None:
        return _load(self.decrypt, token, secret, tolerance=CLOCK_TOLERANCE)

    def decrypt(self, token: str, secret: str) -> bytes | None:
        """What is in a token. ValueError, JoseError or InvalidTag if it is damaged, or of another key."""
        encoded = token.encode()
        if not encoded.startswith(self.start):
            if _said_by(token) != V4:
                return None
            return jwe.decrypt_compact(token, self.key(secret), registry=self.registry).plaintext
        iv, ciphertext, tag = map(_decode, encoded[len(self.start) :].split(b"."))
        if (len(iv), len(tag)) != (GCM_IV, GCM_TAG):
            raise ValueError("not the lengths that A256GCM has")
        return self.cipher(secret).decrypt(iv, ciphertext + tag, self.header)

    @staticmethod
    @lru_cache(maxsize=64)
    def cipher(secret: str) -> AESGCM:
        return AESGCM(V4Tokens.key(secret).raw_value)

    @staticmethod
    def key(secret: str) -> OctKey:
        return _derive(secret, "", "NextAuth.js Generated Encryption Key", 32)


class V3Tokens:
    def encode(self, claims: Claims, secret: str, max_age: float, name: str = "") -> str:
        return jws.serialize_compact({"alg": "HS512"}, _dump(claims, max_age), self.key(secret), ["HS512"])

    def decode(self, token: str, secret: str, name: str = "") -> Claims | None:
        if _said_by(token) != V3:
            return None
        return _load(self.verify, token, secret, tolerance=0)

    def verify(self, token: str, secret: str) -> bytes:
        return jws.deserialize_compact(token.encode(), self.key(secret), ["HS512"]).payload

    def key(self, secret: str) -> OctKey:
        return _derive(secret, "", "NextAuth.js Generated Signing Key", 64)


class V5Tokens:
    registry = registry_of(("dir", "A256CBC-HS512"), ("alg", "enc", "kid"))

    def encode(self, claims: Claims, secret: str, max_age: float, name: str = "") -> str:
        key = self.key(secret, name)
        fields: dict[str, str] = {"k": str(key.as_dict(private=True)["k"]), "kty": "oct"}
        # v5 takes the hash that is as long as the key.
        header = {"alg": "dir", "enc": "A256CBC-HS512", "kid": thumbprint(fields, "sha512")}
        return jwe.encrypt_compact(header, _dump(claims, max_age, jti=True), key, registry=self.registry)

    def decode(self, token: str, secret: str, name: str = "") -> Claims | None:
        if _said_by(token) != V5:
            return None
        return _load(self.decrypt, token, secret, name, tolerance=CLOCK_TOLERANCE)

    def decrypt(self, token: str, secret: str, name: str) -> bytes | None:
        return jwe.decrypt_compact(token, self.key(secret, name), registry=self.registry).plaintext

    def key(self, secret: str, name: str) -> OctKey:
        return _derive(secret, name, f"Auth.js Generated Encryption Key ({name})", 64)


FORMATS: dict[tuple[str, str], TokenFormat] = {V3: V3Tokens(), V4: V4Tokens(), V5: V5Tokens()}


def read_token(token: str, secrets: Sequence[str], name: str) -> Claims | None:
    """The claims of a token of any generation, made with one of these secrets for the cookie of that name.

    None for a token that is expired, damaged, made with another secret, or in no such format. Takes no other
    algorithm, whatever the token says of itself.
    """
    tokens = FORMATS.get(_said_by(token))
    if tokens is None:
        return None
    for secret in secrets:
        claims = tokens.decode(token, secret, name)
        if claims is not None:
            return claims
    return None


_FROM_URL = bytes.maketrans(b"-_+/=", b"+/!!!")  # "!" is of neither alphabet


def _decode(part: bytes) -> bytes:
    """Base64 as URLs have it, in its one spelling; ValueError for any other."""
    padded = part.translate(_FROM_URL) + b"=" * (-len(part) % 4)
    data = a2b_base64(padded)
    if b2a_base64(data, newline=False) != padded:
        raise ValueError("not the one spelling of what it says")
    return data


@lru_cache(maxsize=64)
def _derive(secret: str, salt: str, purpose: str, length: int) -> OctKey:
    hkdf = HKDF(SHA256(), length=length, salt=salt.encode(), info=purpose.encode())
    key: OctKey = OctKey.import_key(hkdf.derive(secret.encode()))
    return key


def _dump(claims: Claims, max_age: float, jti: bool = False) -> str:
    now = int(time.time())
    claims = {**claims, "iat": now, "exp": int(now + max_age)}
    return json.dumps({**claims, "jti": str(uuid.uuid4())} if jti else claims)


def _load(read: Callable[..., bytes | None], *token: str, tolerance: float) -> Claims | None:
    try:
        claims = json.loads((read(*token) or b"").decode())
    except (JoseError, InvalidTag, ValueError, OverflowError, RecursionError):
        return None
    if not isinstance(claims, dict):
        return None
    expires = claims.get("exp")
    # Not NaN either, which no comparison is true of.
    if not isinstance(expires, (int, float)) or not expires + tolerance >= time.time():
        return None
    return claims
