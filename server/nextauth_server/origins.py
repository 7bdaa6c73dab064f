"""Requests from pages of another origin, which browsers send a person's cookie with."""

import logging
from collections.abc import Callable, Iterable

from .requests import SEEN_AT, address_of, checked_address, is_seen, origin_of
from .visits import Visit

logger = logging.getLogger("nextauth_server")

SAFE_METHODS = ("GET", "HEAD", "OPTIONS", "TRACE")
DEFAULT_PORTS = {"http": ":80", "https": ":443"}
FOREIGN = "This came from a page of another site, and was refused. Open this site itself and try again."


def checked_origins(origins: Iterable[str]) -> frozenset[str]:
    if isinstance(origins, str):
        raise TypeError("allowed_origins is a list of origins, such as ['https://admin.example.org']")
    checked = frozenset(origin.lower() for origin in origins)
    for origin in checked:
        url = checked_address("allowed_origins", origin)
        if origin != origin_of(url):  # a browser names it without path and default port
            raise ValueError(f"allowed_origins holds {origin!r}; an origin is written as https://admin.example.org")
    return checked


def is_foreign(visit: Visit, allowed_origins: frozenset[str]) -> bool:
    """Whether a page of another origin wants something changed, or a WebSocket: browsers send the cookie with that."""
    if visit.method.upper() in SAFE_METHODS and not visit.is_websocket:
        return False
    origin = visit.header("Origin").lower()
    if origin in allowed_origins:
        return False
    site = visit.header("Sec-Fetch-Site")
    foreign = comes_from_elsewhere(site, origin, lambda: _is_own(origin, visit.header("Host").lower()))
    if foreign:
        logger.warning(
            "A request from %.200r was refused; if it may come, name it in allowed_origins=.", origin or site
        )
    return foreign


def comes_from_elsewhere(site: str, origin: str, is_own: Callable[[], bool]) -> bool:
    """By `Sec-Fetch-Site`, which the browser found out itself, else by `Origin`; without both it is no browser."""
    if site:
        return site.lower() not in ("same-origin", "none")  # none: the person alone, by the address bar
    return origin != "" and not is_own()


def _is_own(origin: str, host: str) -> bool:
    """Whether pages of an `origin` are the app's own: it is where browsers see the backend, or has the request's Host.

    `null`, which a browser says for a page that hides its name, is nobody's own.
    """
    scheme, _, authority = origin.partition("://")
    if scheme not in DEFAULT_PORTS:
        return False
    port = DEFAULT_PORTS[scheme]
    authority = authority.removesuffix(port)
    seen = _origin_seen()
    if seen == f"https://{authority}":  # whoever is on the way may have written a page of that host without https
        return scheme == "https"
    # Of the request's scheme nothing is known behind a proxy, and where that names another Host, nothing of its name.
    return authority != "" and (authority == host.removesuffix(port) or f"{scheme}://{authority}" == seen)


def _origin_seen() -> str:
    """The origin at which browsers find the backend, and so the app, or nothing where no variable says it."""
    return origin_of(address_of(None, None, SEEN_AT)) if is_seen() else ""
