"""Which origin this server has for a request, and which URLs may be redirected to."""

from __future__ import annotations

import ipaddress
import re
from functools import lru_cache
from urllib.parse import urlsplit

from starlette.requests import Request
from starlette.types import Scope

from .errors import Refused

FORWARDED = {"forwarded", "x-forwarded-for", "x-forwarded-host"}  # what a proxy adds

_HOST = re.compile(r"(?P<name>[a-z0-9._-]+|\[[0-9a-f:.]+\])(?::\d{1,5})?", re.IGNORECASE)
_ORIGIN = re.compile(rf"https?://{_HOST.pattern}", re.IGNORECASE)
_SCHEME = re.compile(r"[a-z][a-z0-9+.-]*:", re.IGNORECASE)


def is_loopback(host: str) -> bool:
    """Whether a host name or address always means the machine itself."""
    address = _ip_address(host)
    if address is not None:
        # ::ffff:127.0.0.1 is what a socket for both versions of IP calls 127.0.0.1.
        return (getattr(address, "ipv4_mapped", None) or address).is_loopback
    return host == "localhost" or host.endswith(".localhost")


def is_local(scope: Scope, origin: str) -> bool:
    """Whether a program on this machine sent a request, to a name that always means this machine.

    A request without an address came over no network: by a Unix socket, or from a test in the same process.
    """
    client = scope.get("client")
    return _is_local(client[0] if client else None, origin)


def local_origin(request: Request) -> str:
    """The origin of a request that comes from this machine itself; any other is refused.

    For what must be nobody else's, whatever is configured. A proxy on this machine lets others in: those that say so
    are refused too.
    """
    origin = request_origin(request, None, False)
    if not is_local(request.scope, origin) or FORWARDED & set(request.headers):
        raise Refused(
            "This answers on this machine alone: open it there, by http://localhost or http://127.0.0.1.", 403
        )
    return origin


@lru_cache(maxsize=256)
def _is_local(client: str | None, origin: str) -> bool:
    return is_loopback(parse_origin(origin)[1]) and (client is None or is_loopback(client))


def is_web_url(text: str) -> bool:
    """Whether a text is a URL on http or https that can be read."""
    try:
        parts = urlsplit(text)
        port = parts.port  # which is not read before it is asked for
        return parts.scheme in ("http", "https") and bool(parts.hostname) and port != 0
    except ValueError:
        return False


def parse_origin(url: str) -> tuple[str, str]:
    """The origin of ``https://app.example.com/`` and its host name; ValueError if the URL has more to it."""
    origin = url.rstrip("/").lower()
    match = _ORIGIN.fullmatch(origin)
    if match is None:
        raise ValueError(f"{url!r} is not an origin like https://app.example.com")
    return origin, match["name"]


def request_origin(request: Request, url: str | None, trust_proxy: bool) -> str:
    """The origin to build URLs with.

    It comes from ``url`` when one is configured, from the proxy's headers when they are trusted, else from
    the Host header. That header is whatever the client likes, so only a name for this machine is believed: a
    page that makes its own name resolve to 127.0.0.1 (DNS rebinding) is refused.
    """
    if url is not None:
        return url
    scheme, host = request.scope["scheme"], request.headers.get("host", "")
    if trust_proxy:
        scheme = _first(request, "x-forwarded-proto") or scheme
        host = _first(request, "x-forwarded-host") or host
    server = request.scope.get("server")
    return _check_origin(scheme, host, trust_proxy, server[0] if server else "")


@lru_cache(maxsize=256)
def _check_origin(scheme: str, host: str, any_name: bool, own_address: str) -> str:
    match = _HOST.fullmatch(host)
    if match is None or scheme not in ("http", "https"):
        raise Refused("Error: the Host header is not understood.")
    name = match["name"].lower()
    if not (any_name or is_loopback(name) or _is_same_address(name, own_address)):
        raise Refused("Error: this host name is not known here; configure it as the public URL (--url).")
    return f"{scheme}://{host.lower()}"


def resolve_callback_url(url: str, origin: str) -> str:
    """v4's default redirect rule: same-origin URLs stay, paths get the origin, the rest becomes the origin.

    Comparing with the literal origin leaves nothing for two URL parsers to disagree about.
    """
    if url.startswith("/"):
        return origin + url
    if url == origin or url.startswith((f"{origin}/", f"{origin}?", f"{origin}#")):
        return url
    if not _SCHEME.match(url):
        raise Refused("Error: callbackUrl must be an absolute URL or a path that starts with a slash.")
    return origin


def _first(request: Request, header: str) -> str:
    return request.headers.get(header, "").partition(",")[0].strip()


def _is_same_address(one: str, other: str) -> bool:
    address = _ip_address(one)
    return address is not None and address == _ip_address(other)


def _ip_address(host: str) -> ipaddress.IPv4Address | ipaddress.IPv6Address | None:
    try:
        return ipaddress.ip_address(host.strip("[]"))
    except ValueError:
        return None
