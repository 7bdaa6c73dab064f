"""What an endpoint needs to know of one request, read and checked once (v4 calls it ``init``)."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import parse_qsl

from nextauth_server.cookies import Cookie, CookieNames, parse_cookies
from starlette.requests import Request
from starlette.responses import Response

from .cookies import SessionCookie
from .csrf import check_csrf
from .dialects import Dialect
from .errors import Refused

MAX_BODY = 2**20  # bytes, the limit of Next.js

RedirectCallback = Callable[[str, str], str]


@dataclass
class Exchange:
    """A request that was understood, and the cookies to set with its answer."""

    dialect: Dialect
    as_json: bool  # whether a script asks, to which no redirect is sent
    origin: str
    address: str  # where it comes from
    base_path: str
    query: Mapping[str, str]
    body: Mapping[str, Any]
    provider: str
    csrf_token: str
    csrf_verified: bool
    callback_url: str
    names: CookieNames
    cookies: Mapping[str, str]
    session: SessionCookie
    set_cookies: list[Cookie] = field(default_factory=list)

    @property
    def base_url(self) -> str:
        return self.origin + self.base_path

    def redirect(self, url: str) -> Response:
        """The end of what went well: send a form to ``url``, or tell it to a script that asked for JSON."""
        return self.dialect.redirect(url, as_json=self.as_json)


def read_exchange(
    request: Request,
    body: Mapping[str, Any],
    *,
    dialect: Dialect,
    origin: str,
    address: str,
    provider: str,
    secret: str,
    redirect_callback: RedirectCallback,
) -> Exchange:
    secure = origin.startswith("https:")
    names = CookieNames(dialect.cookie_prefix, secure)
    cookies = parse_cookies(request.headers.get("cookie", ""))
    csrf = check_csrf(cookies.get(names.csrf_token), body.get("csrfToken"), secret)

    remembered = cookies.get(names.callback_url)
    callback_url = body.get("callbackUrl")
    if callback_url is None:
        callback_url = request.query_params.get("callbackUrl")
    try:
        callback_url = _callback_url(callback_url, remembered, origin, redirect_callback)
    except Refused as problem:
        raise dialect.bad_callback_url(origin + request.scope.get("root_path", ""), problem) from None

    exchange = Exchange(
        dialect=dialect,
        as_json=dialect.wants_json(request.headers, body),
        origin=origin,
        address=address,
        base_path=request.scope.get("root_path", ""),
        query=request.query_params,
        body=body,
        provider=provider,
        csrf_token=csrf.token,
        csrf_verified=csrf.verified,
        callback_url=callback_url,
        names=names,
        cookies=cookies,
        session=SessionCookie(names, cookies, dialect),
    )
    if csrf.cookie is not None:
        exchange.set_cookies.append(Cookie(names.csrf_token, csrf.cookie, secure))
    if callback_url != remembered:
        exchange.set_cookies.append(Cookie(names.callback_url, callback_url, secure))
    return exchange


def _callback_url(asked: object, remembered: str | None, origin: str, resolve: RedirectCallback) -> str:
    if asked:
        if not isinstance(asked, str):
            raise Refused("Error: callbackUrl must be a string.")
        return resolve(asked, origin)
    try:
        return resolve(remembered or origin, origin)
    except Refused:
        # Cookies ignore ports: another program on this host may have written it. v4 answers 500 here.
        return origin


async def read_body(request: Request) -> Mapping[str, Any]:
    return parse_body(await read_content(request), request.headers.get("content-type", ""))


async def read_content(request: Request) -> bytes:
    """The body, refused as soon as it is too large."""
    content = bytearray()
    async for chunk in request.stream():
        content += chunk
        if len(content) > MAX_BODY:
            raise Refused("Body exceeded 1mb limit", 413)
    return bytes(content)


def parse_form(content: bytes) -> list[tuple[str, str]]:
    return parse_qsl(content.decode(errors="replace"), keep_blank_values=True)


def parse_body(content: bytes, content_type: str) -> Mapping[str, Any]:
    """The fields of a form or a JSON object; none for anything else, which v4 does not read either."""
    media_type = content_type.partition(";")[0].strip().lower()
    if media_type == "application/x-www-form-urlencoded":
        # Reversed, so that the first of several fields with one name counts.
        return dict(reversed(parse_form(content)))
    if media_type == "application/json" and content:
        try:
            fields = json.loads(content)
            # JSON can spell half of a surrogate pair, which no answer or cookie could carry.
            json.dumps(fields, ensure_ascii=False).encode()
        except (ValueError, RecursionError):
            raise Refused("Invalid JSON") from None
        return fields if isinstance(fields, dict) else {}
    return {}
