"""Which origin this server has for a request, and which URLs may be redirected to."""

from __future__ import annotations

import ipaddress
import re
from functools import lru_cache
from urllib.parse import urlsplit

from starlette.requests import Request

from .errors import Refused

# What proxies, tunnels and content delivery networks add to a request.
_OF_A_PROXY = frozenset(
    {
        *("forwarded", "via", "x-real-ip", "x-client-ip", "x-cluster-client-ip", "x-original-host", "x-original-url"),
        *("x-original-forwarded-for", "x-envoy-external-address", "x-proxyuser-ip", "x-host", "true-client-ip"),
        *("cf-connecting-ip", "cf-connecting-ipv6", "cf-ray", "cf-visitor", "fastly-client-ip", "fly-client-ip"),
        *("client-ip", "x-azure-clientip", "x-appengine-user-ip", "x-nf-client-connection-ip", "x-vercel-id"),
        *("cdn-loop", "incap-client-ip", "x-remote-addr", "x-remote-ip"),
        *("x-amzn-trace-id", "x-arr-log-id", "x-cloud-trace-context"),
    }
)

_HOST = re.compile(r"(?P<name>[a-z0-9._-]+|\[[0-9a-f:.]+\])(?::\d{1,5})?", re.IGNORECASE)
_ORIGIN = re.compile(rf"https?://{_HOST.pattern}", re.IGNORECASE)
_WITH_PORT = re.compile(r"^(\[.*\]|[^:]*):\d+$")
_SCHEME = re.compile(r"[a-z][a-z0-9+.-]*:", re.IGNORECASE)


def is_loopback(host: str) -> bool:
    """Whether a host name or address always means the machine itself."""
    address = _ip_address(host)
    if address is not None:
        # ::ffff:127.0.0.1 is what a socket for both versions of IP calls 127.0.0.1.
        return (getattr(address, "ipv4_mapped", None) or address).is_loopback
    return host == "localhost" or host.endswith(".localhost")


def is_local(request: Request, origin: str) -> bool:
    """Whether a program on this machine sent a request, to a name that always means this machine.

    A request without an address came over no network: by a Unix socket, or from a test in the same process. A proxy
    on this machine lets others in, so what came through one is not local; a proxy that does not say so cannot be known.
    """
    client = request.scope.get("client")
    return _is_local(client[0] if client else None, origin) and not any(map(_is_of_a_proxy, request.headers))


def local_origin(request: Request) -> str:
    """The origin of a request that comes from this machine itself; any other is refused.

    For what must be nobody else's, whatever is configured.
    """
    origin = request_origin(request, None, False)
    if not is_local(request, origin):
        raise Refused(
            "This is for this machine alone: open it there, at http://localhost or http://127.0.0.1, without a proxy.",
            403,
        )
    return origin


def refuse_other_sites(request: Request, origin: str) -> None:
    """Refused if a page of another origin sends what changes something; browsers say whose page it is.

    A cookie alone does not prove it: who has another name below the same domain, or another port of this machine, can
    set cookies for this one. A proxy may give the server another name than the browser knows, so that what the browser
    itself found out counts first; over plain http it says only the origin. What is no browser says nothing.
    """
    if request.method in ("GET", "HEAD", "OPTIONS"):
        return
    sites = request.headers.getlist("sec-fetch-site")
    allowed = {"same-origin", "none"} if sites else {origin, _without_usual_port(origin)}
    if not allowed.issuperset(sites or request.headers.getlist("origin")):
        raise Refused(
            f"Error: the request comes from a page on another origin than {origin}. If the page is this server's own, "
            "behind a proxy, set its public address with --url.",
            403,
        )


def client_address(request: Request, trust_proxy: bool) -> str:
    """Where a request comes from, for counting: an address, or the network that one owner of IPv6 addresses has.

    The last of what proxies say is from the one that is trusted, the others from whoever asked it.
    """
    client = request.scope.get("client")
    host = client[0] if client else ""
    if trust_proxy:
        forwarded = _last(request, "x-forwarded-for")
        # With a port, as some proxies write it.
        host = _WITH_PORT.sub(r"\1", forwarded) or host
    address = _ip_address(host)
    if isinstance(address, ipaddress.IPv6Address):
        if address.ipv4_mapped is not None:
            return str(address.ipv4_mapped)
        return str(ipaddress.IPv6Network((int(address), 64), strict=False))
    return host if address is None else str(address)


def _is_of_a_proxy(header: str) -> bool:
    return header in _OF_A_PROXY or header.startswith("x-forwarded")


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
    page that makes its own name resolve to 127.0.0.1 (DNS rebinding) is refused. So is a request with two hosts, of
    which a proxy may believe the other one.
    """
    hosts = request.headers.getlist("host")
    if len(hosts) > 1:
        raise Refused("Error: the request has more than one Host header.")
    if url is not None:
        return url
    scheme, host = request.scope["scheme"], hosts[0] if hosts else ""
    if trust_proxy:
        scheme = _last(request, "x-forwarded-proto") or scheme
        host = _last(request, "x-forwarded-host") or host
    server = request.scope.get("server")
    return _check_origin(scheme, host, trust_proxy, server[0] if server else "")


@lru_cache(maxsize=256)
def _check_origin(scheme: str, host: str, any_name: bool, own_address: str) -> str:
    match = _HOST.fullmatch(host)
    if match is None or scheme not in ("http", "https"):
        raise Refused("Error: the Host header is missing or invalid.")
    name = match["name"].lower()
    if not (any_name or is_loopback(name) or _is_same_address(name, own_address)):
        raise Refused("Error: this server does not answer to this host name. Set it as the public URL with --url.")
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


def _without_usual_port(origin: str) -> str:
    """As browsers write an origin."""
    return origin.removesuffix(":443" if origin.startswith("https:") else ":80")


def _last(request: Request, header: str) -> str:
    """What the nearest proxy says. Those before it, and whoever asks, may have written the rest of the list."""
    return ",".join(request.headers.getlist(header)).rpartition(",")[2].strip()


def _is_same_address(one: str, other: str) -> bool:
    address = _ip_address(one)
    return address is not None and address == _ip_address(other)


def _ip_address(host: str) -> ipaddress.IPv4Address | ipaddress.IPv6Address | None:
    try:
        return ipaddress.ip_address(host.strip("[]"))
    except ValueError:
        return None
