"""URLs as text: quoting, splitting, resolving, and which ones a page may go to.

Knows nothing of the protocol. Written out because MicroPython has no `urllib`; behaves as browsers do where they and
RFC 3986 differ (tabs and line ends are dropped, a backslash is a slash).
"""

from .errors import UnsafeURL

_PLAIN = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_.~"
_SCHEME = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+-."
_DIGITS = "0123456789"
_HEX = "0123456789ABCDEFabcdef"
_NO_HOST = "This address names no host, so the page stayed where it is."
_BLANK = "".join([chr(code) for code in range(33)])  # what browsers cut off at both ends
_NOT_IN_A_HOST = _BLANK + "<>[\\]^|\x7f"


def quote(text: str) -> str:
    """Percent-encode everything but unreserved characters, as `encodeURIComponent` does (UTF-8)."""
    out = []
    for byte in text.encode("utf-8", "replace"):
        char = chr(byte)
        out.append(char if char in _PLAIN else f"%{byte:02X}")
    return "".join(out)


def unquote(text: str) -> str:
    """Undo percent-encoding and `+`; what is not valid stays as it was written."""
    raw = text.replace("+", " ").encode("utf-8", "replace")
    out = bytearray()
    i = 0
    while i < len(raw):
        if raw[i] == 0x25 and i + 2 < len(raw) and chr(raw[i + 1]) in _HEX and chr(raw[i + 2]) in _HEX:
            out.append(int(raw[i + 1 : i + 3].decode(), 16))
            i += 3
        else:
            out.append(raw[i])
            i += 1
    try:
        return bytes(out).decode("utf-8")
    except ValueError:  # UnicodeError on CPython
        return text


def in_ascii(url: str) -> str:
    """The URL as a browser writes it: what is not ASCII, and blanks, percent-encoded (UTF-8)."""
    return "".join([char if "!" <= char <= "~" else quote(char) for char in url])


def urlencode(pairs: "list[tuple[str, str]]") -> str:
    """`a=1&b=2` from pairs, in their order."""
    return "&".join(quote(name) + "=" + quote(value) for name, value in pairs)


def parse_query(query: str) -> "list[tuple[str, str]]":
    """The pairs of a query string (without its `?`), in their order; a name without `=` has the value `""`."""
    pairs = []
    for part in query.split("&"):
        if part:
            name, _, value = part.partition("=")
            pairs.append((unquote(name), unquote(value)))
    return pairs


def split(url: str) -> "tuple[str, str, str, str]":
    """(origin, path, query, fragment) of an absolute URL; a text that is none gives an empty origin."""
    rest, _, fragment = url.partition("#")
    rest, _, query = rest.partition("?")
    scheme = scheme_of(rest)
    if not scheme or not rest[len(scheme) + 1 :].startswith("//"):
        return "", rest, query, fragment
    host, slash, path = rest[len(scheme) + 3 :].partition("/")
    return scheme + "://" + host.lower(), slash + path, query, fragment


def scheme_of(url: str) -> str:
    """The scheme in lower case, or `""` for a relative URL."""
    head, colon, _ = url.partition(":")
    if not colon or not head or not head[0].isalpha() or any(char not in _SCHEME for char in head):
        return ""
    return head.lower()


def query_of(url: str) -> "dict[str, str]":
    """The query of a URL as a dict; of a name that stands twice, the first value (as `searchParams.get`)."""
    found: dict[str, str] = {}
    for name, value in parse_query(split(url)[2]):
        if name not in found:
            found[name] = value
    return found


def without_query(url: str, drop: "tuple[str, ...]") -> str:
    """The URL without the query parameters named in `drop`; the others stay as they are written."""
    rest, hash_sign, fragment = url.partition("#")
    rest, mark, query = rest.partition("?")
    kept = "&".join(part for part in query.split("&") if unquote(part.partition("=")[0]) not in drop)
    return rest + (mark + kept if kept else "") + hash_sign + fragment


def resolve(url: str, base: str) -> str:
    """`url` as a page at the absolute URL `base` understands it.

    Raises `UnsafeURL` when the outcome is not http(s): `javascript:`, `data:`, `file:` … never leave this function.
    """
    url = "".join([char for char in url.strip(_BLANK) if char not in "\t\n\r"])
    named, own = scheme_of(url), scheme_of(base)
    scheme = named or own
    if scheme not in ("http", "https"):
        raise UnsafeURL(
            f"A page goes to http(s) addresses only, and this one begins with {scheme}: — nothing was done."
        )
    origin, path, query, _ = split(base)
    head, mark, tail = _cut(url)
    head = head.replace("\\", "/")
    if named:
        head = head[len(named) + 1 :]
    if scheme != own or head.startswith("//"):
        result = _absolute(scheme, head)
    elif not origin:
        raise UnsafeURL(_NO_HOST)
    elif head.startswith("/"):
        result = origin + _tidy(head)
    elif head:  # also `http:path` on an http page
        result = origin + _tidy((path[: path.rfind("/") + 1] or "/") + head)
    else:
        result = origin + (path or "/")
        if mark != "?" and query:
            result += "?" + query
    return result + mark + tail


def _absolute(scheme: str, rest: str) -> str:
    """`scheme://host/path` from what follows the scheme. Raises `UnsafeURL` where no browser would see a host."""
    authority, slash, path = rest.lstrip("/").partition("/")
    host = authority.rpartition("@")[2]
    if host.startswith("["):
        host, bracket, port = host[1:].partition("]")
        host = host if bracket else ""
    else:
        host, colon, port = host.partition(":")
        port = colon + port
    if (
        not host
        or any(char in _NOT_IN_A_HOST for char in host)
        or (port and (port[0] != ":" or any(char not in _DIGITS for char in port[1:]) or len(port) > 6))
    ):
        raise UnsafeURL(_NO_HOST)
    return scheme + "://" + authority + (_tidy(slash + path) if slash else "")


def _cut(url: str) -> "tuple[str, str, str]":
    """The part before the first `?` or `#`, that sign, and the rest."""
    for i, char in enumerate(url):
        if char in "?#":
            return url[:i], char, url[i + 1 :]
    return url, "", ""


def _tidy(path: str) -> str:
    """A path without `.` and `..` segments."""
    parts: list[str] = []
    segments = path.split("/")[1:]
    for i, segment in enumerate(segments):
        last = i == len(segments) - 1
        dots = segment.replace("%2e", ".").replace("%2E", ".")
        if dots == "..":
            if parts:
                parts.pop()
            if last:
                parts.append("")
        elif dots == ".":
            if last:
                parts.append("")
        else:
            parts.append(segment)
    return "/" + "/".join(parts)
