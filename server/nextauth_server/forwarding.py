"""What a proxy says of a request to the backend behind it, and of the backend's answer to the browser.

Knows no framework and sends nothing.
"""

import re
import sys
from collections.abc import Iterable
from http import HTTPStatus
from typing import NamedTuple
from urllib.parse import quote

import httpx

from .requests import LARGEST, origin_of

METHODS = ("GET", "HEAD", "POST")
DEFAULT_PORTS = {"http": 80, "https": 443}

# What two neighbours on the way say to each other, and no more than they (RFC 9110, 7.6.1).
HOP_BY_HOP = frozenset(
    {
        *("connection", "keep-alive", "proxy-authenticate", "proxy-authorization", "proxy-authentication-info"),
        *("proxy-connection", "te", "trailer", "transfer-encoding", "upgrade", "http2-settings"),
    }
)
# What a client must not say for a proxy: whom it comes from, and which host or path is meant.
CLAIMS = frozenset(
    {
        *("forwarded", "via", "x-real-ip", "x-client-ip", "x-cluster-client-ip", "true-client-ip", "client-ip"),
        *("cf-connecting-ip", "cf-connecting-ipv6", "cf-visitor", "fastly-client-ip", "fly-client-ip", "x-remote-addr"),
        *("x-remote-ip", "x-envoy-external-address", "x-host", "x-url-scheme", "x-scheme", "front-end-https"),
        *("x-rewrite-url", "x-http-host-override"),
    }
)
CLAIMING = ("x-forwarded-", "x-original-")
# Said anew for the backend.
ANEW = frozenset({"host", "content-length", "expect"})
# Said by the server that runs the app, or about all of a host, whose policy is the page's own business.
OF_THE_HOST = frozenset(
    {
        *("date", "server", "alt-svc", "strict-transport-security", "nel", "report-to", "reporting-endpoints"),
        "service-worker-allowed",
    }
)
FOR_OTHER_ORIGINS = "access-control-"  # nobody needs them on one origin, and they would let others in

_SEGMENT = re.compile(r"[^\x00-\x20\x7f/\\%;?#\ufffd]+")
_PLAIN = "~@:+!$&'()*,="  # as they are in a segment

Headers = list[tuple[str, str]]


class Refused(Exception):
    """A request that is not passed on, or that has no answer. `code` is for programs, `message` for people."""

    def __init__(self, status: HTTPStatus, code: str, message: str, headers: Headers | None = None) -> None:
        super().__init__(message)
        self.status = status
        self.code = code
        self.message = message
        self.headers = headers or []


class Incoming(NamedTuple):
    """A request as it came in, without its body. `path` is decoded, and begins behind the `prefix` that was mounted."""

    method: str
    prefix: str
    path: str
    query: str
    headers: Headers
    address: str


class Route:
    """From the `backend`, a URL with its base path, to the `origin` at which browsers see it, and back."""

    def __init__(self, backend: httpx.URL, origin: httpx.URL, preserve_host: bool) -> None:
        self.backend = backend
        self.base = backend.raw_path.decode("ascii")
        self.origin = origin_of(origin)
        self.host = origin.netloc.decode()
        self.scheme = origin.scheme
        self.sent_host = self.host if preserve_host else backend.netloc.decode()
        self.via = f"1.1 {self.host} (nextauth_server)"
        port = backend.port or DEFAULT_PORTS[backend.scheme]
        self.names = (origin_of(backend), f"{backend.scheme}://{_bracketed(backend.host)}:{port}")

    def request(self, incoming: Incoming, body: bytes) -> httpx.Request:
        """The request that the backend gets. Raises `Refused`."""
        headers = self.passed_on(incoming)
        if incoming.method == "POST":
            headers.append(("content-length", str(len(body))))
        target = self.base + _canonical(incoming.path) + (f"?{incoming.query}" if incoming.query else "")
        try:
            url = self.backend.copy_with(raw_path=target.encode("latin-1"))
            raw = [(name.encode("latin-1"), value.encode("latin-1")) for name, value in headers]
        except (httpx.InvalidURL, UnicodeError) as error:
            raise Refused(HTTPStatus.BAD_REQUEST, "BadRequest", "The request cannot be passed on.") from error
        # Not made by a client, which would add headers and cookies of its own.
        return httpx.Request(incoming.method, url, headers=raw, content=body if incoming.method == "POST" else None)

    def check(self, incoming: Incoming) -> None:
        """Raises `Refused` for what is never passed on, whatever its body."""
        if incoming.method not in METHODS:
            allow = [("allow", ", ".join(METHODS))]
            raise Refused(HTTPStatus.METHOD_NOT_ALLOWED, "BadMethod", "This takes GET, HEAD and POST alone.", allow)
        _canonical(incoming.path)
        if any(name == "via" and self.via in value for name, value in incoming.headers):
            raise Refused(
                HTTPStatus.LOOP_DETECTED,
                "ProxyLoop",
                "auth_proxy passes requests on to itself: its URL is the backend's own, not the page's.",
            )

    def passed_on(self, incoming: Incoming) -> Headers:
        kept = [
            (name, value)
            for name, value in end_to_end(incoming.headers, CLAIMS | ANEW)
            # An underscore is a hyphen to many servers: x_forwarded_host.
            if not name.startswith(CLAIMING) and "_" not in name and name != "cookie"
        ]
        cookies = [value for name, value in incoming.headers if name == "cookie"]  # HTTP/2 may split them
        return [
            ("host", self.sent_host),
            *kept,
            *([("cookie", "; ".join(cookies))] if cookies else []),
            ("x-forwarded-for", incoming.address),
            ("x-forwarded-host", self.host),
            ("x-forwarded-proto", self.scheme),
            ("via", self.via),
        ]

    def passed_back(self, incoming: Incoming, answered: Iterable[tuple[str, str]]) -> Headers:
        """The headers that the browser gets."""
        prefix = quote("/" + incoming.prefix.strip("/"), safe="/" + _PLAIN) if incoming.prefix.strip("/") else ""
        headers = []
        for name, value in end_to_end(answered, OF_THE_HOST):
            if name.startswith(FOR_OTHER_ORIGINS):
                continue
            if name in ("location", "content-location"):
                value = self.seen_location(value, prefix)
            elif name == "set-cookie":
                value = self.seen_cookie(value, prefix)
            headers.append((name, value))
        return headers

    def seen_location(self, location: str, prefix: str) -> str:
        """An address of the backend's own as the browser has to ask for it; any other as it is."""
        absolute = f"{self.backend.scheme}:{location}" if location.startswith("//") else location
        for name in self.names:
            rest = absolute[len(name) :]
            if absolute.lower().startswith(name) and rest[:1] in ("", "/", "?", "#"):
                return self.origin + self.seen_path(rest, prefix)
        return self.seen_path(location, prefix)

    def seen_cookie(self, cookie: str, prefix: str) -> str:
        """For the page's host alone, whatever domain it was for, and for the paths under which that has the backend."""
        pair, *attributes = [part.strip() for part in cookie.split(";")]
        kept = [pair]
        for attribute in attributes:
            name, _, value = attribute.partition("=")
            if name.strip().lower() == "domain":
                continue
            if name.strip().lower() == "path":
                attribute = f"{name}={self.seen_path(value.strip(), prefix) or '/'}"
            kept.append(attribute)
        return "; ".join(kept)

    def seen_path(self, path: str, prefix: str) -> str:
        rest = path[len(self.base) :]
        return prefix + rest if path.startswith(self.base) and rest[:1] in ("", "/", "?", "#") else path


def end_to_end(headers: Iterable[tuple[str, str]], without: Iterable[str]) -> Headers:
    """The headers, in lower case, but for those of this connection alone and some more."""
    listed = [(name.lower(), value) for name, value in headers]
    named = {word.strip().lower() for name, value in listed if name == "connection" for word in value.split(",")}
    dropped = HOP_BY_HOP | named | set(without)
    return [(name, value) for name, value in listed if name not in dropped]


def check_size(size: int) -> None:
    if size > LARGEST:
        text = f"This takes no more than {LARGEST // 1000} kB."
        raise Refused(HTTPStatus.REQUEST_ENTITY_TOO_LARGE, "TooLarge", text)


def length_of(text: str) -> int | None:
    """What a Content-Length says; None for what is no number. No size has more than 20 digits."""
    if not text.isdecimal():
        return None
    return int(text) if len(text) <= 20 else sys.maxsize


def _canonical(path: str) -> str:
    """The path in its one spelling. What a backend could read in another way than this server is no path of it."""
    first, *segments = path.split("/")
    if segments and segments[-1] == "":  # one slash may stand at the end
        segments.pop()
        end = "/"
    else:
        end = ""
    if first or any(segment in (".", "..") or not _SEGMENT.fullmatch(segment) for segment in segments):
        raise Refused(HTTPStatus.NOT_FOUND, "NotFound", "The backend has no such address.")
    return "".join(f"/{quote(segment, safe=_PLAIN)}" for segment in segments) + end


def _bracketed(host: str) -> str:
    return f"[{host}]" if ":" in host else host
