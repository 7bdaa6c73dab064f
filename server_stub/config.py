"""The configuration file: who can sign in, and at which OpenID providers, in TOML.

[users.grace]
name = "Grace Hopper"
email = "grace@example.com"
password = "cobol"

[[providers]]
type = "oidc"
id = "company"
name = "Company"
issuer = "https://login.example.com"
client_id = "our-app"
client_secret = "…"
"""

from __future__ import annotations

import importlib
import os
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from .oidc import DEFAULT_SCOPE, OIDCProvider
from .users import DEMO_USERS, User, check_users, hash_password, is_password_hash

tomllib = importlib.import_module("tomllib" if sys.version_info >= (3, 11) else "tomli")

USER_KEYS = {"email", "id", "image", "name", "password", "password_hash"}
PROVIDER_TEXTS = {"client_id", "client_secret", "id", "issuer", "name", "scope", "token_endpoint_auth_method", "type"}
SECRET_METHODS = {"client_secret_basic", "client_secret_post", "none"}


@dataclass(frozen=True)
class Config:
    users: Mapping[str, User]
    providers: tuple[OIDCProvider, ...] = ()


def read_config(path: Path | None) -> Config:
    """The configuration in a file; ValueError, with the file's name, if it cannot be used."""
    if path is None:
        return Config(DEMO_USERS)
    try:
        return parse_config(path.read_text(encoding="utf-8"))
    except OSError as problem:
        raise ValueError(f"{path}: {problem.strerror}") from None
    except ValueError as problem:
        raise ValueError(f"{path}: {problem}") from None


def parse_config(text: str, environment: Mapping[str, str] = os.environ) -> Config:
    tables: Mapping[str, Any] = tomllib.loads(text)
    _only("the file", tables, {"providers", "users"})
    users = _table("users", tables.get("users", {}))
    providers = tables.get("providers", [])
    if not isinstance(providers, list):
        raise ValueError("providers must be written as [[providers]]")
    read = {name: _user(name, number, fields) for number, (name, fields) in enumerate(users.items(), 1)}
    check_users(read)
    return Config(
        read or DEMO_USERS,
        tuple(_provider(number, fields, environment) for number, fields in enumerate(providers, 1)),
    )


def secret_variable(id: str) -> str:
    """The environment variable with a provider's client secret: STUB_COMPANY_CLIENT_SECRET."""
    return f"STUB_{id.replace('-', '_').upper()}_CLIENT_SECRET"


def _provider(number: int, fields: object, environment: Mapping[str, str]) -> OIDCProvider:
    table = _table(f"[[providers]] number {number}", fields)
    where = f"providers.{table.get('id', number)}"
    _only(where, table, {*PROVIDER_TEXTS, "authorization"})
    texts = {key: _text(f"{where}.{key}", value) for key, value in table.items() if key != "authorization"}
    missing = {"client_id", "id", "issuer", "type"} - texts.keys()
    if missing:
        raise ValueError(f"{where} needs {', '.join(sorted(missing))}")
    if texts["type"] != "oidc":
        raise ValueError(f'{where}.type must be "oidc": there is no other type')
    if not texts["issuer"].startswith(("https://", "http://")):
        raise ValueError(f"{where}.issuer must be a URL like https://login.example.com")
    secret = environment.get(secret_variable(texts["id"])) or texts.get("client_secret", "")
    method = texts.get("token_endpoint_auth_method", "client_secret_basic" if secret else "none")
    if method not in SECRET_METHODS:
        raise ValueError(f"{where}.token_endpoint_auth_method must be one of {', '.join(sorted(SECRET_METHODS))}")
    if not secret and method != "none":
        raise ValueError(f"{where} needs a client_secret, or {secret_variable(texts['id'])} in the environment")
    more = _table(f"{where}.authorization", table.get("authorization", {}))
    return OIDCProvider(
        id=texts["id"],
        name=texts.get("name", texts["id"]),
        issuer=texts["issuer"],
        client_id=texts["client_id"],
        client_secret=secret,
        scope=texts.get("scope", DEFAULT_SCOPE),
        token_endpoint_auth_method=method,
        authorization={key: _text(f"{where}.authorization.{key}", value) for key, value in more.items()},
    )


def _user(username: str, number: int, fields: object) -> User:
    where = f"users.{username}"
    table = _table(where, fields)
    _only(where, table, USER_KEYS)
    texts = {key: _text(f"{where}.{key}", value) for key, value in table.items()}
    if ("password" in texts) == ("password_hash" in texts):
        raise ValueError(f"{where} needs either a password or a password_hash")
    if "email" not in texts:
        raise ValueError(f"{where} needs an email")
    if "password_hash" in texts and not is_password_hash(texts["password_hash"]):
        raise ValueError(f"{where}.password_hash is not a hash that server_stub.hash_password made")
    return User(
        id=texts.get("id", str(number)),
        name=texts.get("name", username),
        email=texts["email"],
        image=texts.get("image"),
        password_hash=texts.get("password_hash") or hash_password(texts["password"]),
    )


def _table(where: str, value: object) -> Mapping[str, Any]:
    if not isinstance(value, dict):
        raise ValueError(f"{where} must be a table")
    return value


def _text(where: str, value: object) -> str:
    if not isinstance(value, str) or not value:
        raise ValueError(f"{where} must be a text that is not empty")
    return value


def _only(where: str, table: Mapping[str, Any], known: set[str]) -> None:
    unknown = table.keys() - known
    if unknown:
        raise ValueError(f"{where} has {', '.join(sorted(known))}, not {', '.join(sorted(unknown))}")
