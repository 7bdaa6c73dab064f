"""A sign-in at a provider that is under way, in sealed cookies of the browser that started it."""

from __future__ import annotations

from datetime import datetime, timedelta, timezone

from nextauth_server.cookies import Cookie
from nextauth_server.tokens import V5Tokens

from .exchange import Exchange
from .oidc import Flow

LIFETIME = 15 * 60  # seconds that somebody may stay at a provider

_tokens = V5Tokens()


def remember(exchange: Exchange, flow: Flow, secret: str) -> list[Cookie]:
    expires = datetime.now(timezone.utc) + timedelta(seconds=LIFETIME)
    cookies = []
    for cookie in exchange.dialect.flow_cookies:
        name = exchange.names.flow(cookie.name)
        fields = {"provider": flow.provider, **{field: getattr(flow, field) for field in cookie.fields}}
        sealed = _tokens.encode(fields, secret, LIFETIME, _purpose(name))
        cookies.append(Cookie(name, sealed, exchange.names.secure, expires, LIFETIME if cookie.has_max_age else None))
    return cookies


def read(exchange: Exchange, secret: str) -> Flow | None:
    """What this browser started; None if it started nothing, or nothing that is whole and of late."""
    fields: dict[str, str] = {}
    for cookie in exchange.dialect.flow_cookies:
        name = exchange.names.flow(cookie.name)
        sealed = _tokens.decode(exchange.cookies.get(name, ""), secret, _purpose(name)) or {}
        for field in ("provider", *cookie.fields):
            text = sealed.get(field)
            if not isinstance(text, str) or fields.setdefault(field, text) != text:
                return None
    return Flow(**fields)


def _purpose(name: str) -> str:
    """What the key of a cookie is made for: none passes as another one, as a session, or as an Auth.js server's own."""
    return f"server_stub sign-in under way: {name}"


def forget(exchange: Exchange) -> list[Cookie]:
    expires = datetime.now(timezone.utc) if exchange.dialect.deleted_cookies_expire else None
    names = [exchange.names.flow(cookie.name) for cookie in exchange.dialect.flow_cookies]
    return [Cookie(name, "", exchange.names.secure, expires) for name in names if name in exchange.cookies]
