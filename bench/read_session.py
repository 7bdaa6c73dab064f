"""How many sessions a second `read_session` reads out of a cookie, on one core: v3's, v4's and v5's.

`python -m bench.read_session [--rounds 7] [--seconds 0.5]`: the median, a second being one of processor time.

`fastapi-nextauth-jwt` takes turns with `read_session`, each with requests of Starlette's, where it is there.
"""

from __future__ import annotations

import argparse
import statistics
import time
from collections.abc import Callable
from functools import partial
from typing import Any

from nextauth_server import read_session
from nextauth_server.reading import TokenSession
from nextauth_server.tokens import TokenFormat, V3Tokens, V4Tokens, V5Tokens

SECRET = "a secret of the benchmark"
CLAIMS = {"sub": "1", "name": "Ada Lovelace", "email": "ada@example.com", "picture": "https://example.org/ada.png"}
FORMATS: dict[str, tuple[TokenFormat, str]] = {
    "v3": (V3Tokens(), "__Secure-next-auth.session-token"),
    "v4": (V4Tokens(), "__Secure-next-auth.session-token"),
    "v5": (V5Tokens(), "__Secure-authjs.session-token"),
}


def cookie_for(version: str) -> str:
    """As a browser sends it over https, with the two others that a backend sets."""
    tokens, name = FORMATS[version]
    secure = name.partition(".")[0]
    host = secure.replace("__Secure-", "__Host-")
    others = f"{host}.csrf-token={'0' * 64}%7C{'1' * 64}; {secure}.callback-url=https%3A%2F%2Fexample.org"
    return f"{others}; {name}={tokens.encode(CLAIMS, SECRET, 3600, name)}"


def per_second(read: Callable[[], object], seconds: float) -> float:
    count, start = 0, time.process_time()
    while (used := time.process_time() - start) < seconds:
        for _ in range(100):
            assert read() is not None
        count += 100
    return count / used


def reading(request: Callable[[], object]) -> Callable[[], object]:
    def read() -> TokenSession | None:
        return read_session(request(), secret=SECRET)

    session = read()
    assert session is not None and session.user.name == "Ada Lovelace"
    return read


def readers_of_requests() -> dict[str, Callable[[], object]]:
    """Of v4's and v5's cookie, ours before theirs; none where theirs is not installed."""
    try:
        from fastapi_nextauth_jwt import NextAuthJWT, NextAuthJWTv4  # type: ignore[import-not-found]
    except ImportError:
        return {}
    from starlette.requests import Request

    def with_requests(version: str, make: Any) -> dict[str, Callable[[], object]]:
        headers = [(b"host", b"example.org"), (b"cookie", cookie_for(version).encode())]
        theirs = make(secret=SECRET, cookie_name=FORMATS[version][1], secure_cookie=True)

        def request() -> Request:  # which keeps the cookies that were read of it
            return Request({"type": "http", "method": "GET", "headers": headers})

        def read() -> Any:
            return theirs(request())

        assert read()["name"] == "Ada Lovelace"
        return {f"{version} of a request": reading(request), f"{version} by fastapi-nextauth-jwt": read}

    return with_requests("v4", NextAuthJWTv4) | with_requests("v5", NextAuthJWT)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rounds", type=int, default=7)
    parser.add_argument("--seconds", type=float, default=0.5, help="of each in each round")
    options = parser.parse_args()
    readers = {version: reading(partial(str, cookie_for(version))) for version in FORMATS}
    requests = readers_of_requests()
    found: dict[str, list[float]] = {name: [] for name in [*readers, *requests]}
    for _ in range(options.rounds):
        for name, read in {**readers, **requests}.items():
            found[name].append(per_second(read, options.seconds))
    for name, figures in found.items():
        print(f"{name}: {statistics.median(figures):,.0f} a second ({min(figures):,.0f} to {max(figures):,.0f})")
    names = list(requests)
    if not requests:
        print("nothing beside it, for that is not installed: pip install fastapi-nextauth-jwt")
    for ours, theirs in zip(names[::2], names[1::2], strict=True):
        ratios = [one / other for one, other in zip(found[ours], found[theirs], strict=True)]
        print(f"{ours} beside theirs: {statistics.median(ratios):.2f}, from {min(ratios):.2f} to {max(ratios):.2f}")


if __name__ == "__main__":
    main()
