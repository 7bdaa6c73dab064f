"""How many sessions a second `read_session` reads out of a cookie, on one core: v3's, v4's and v5's.

`python -m bench.read_session [--rounds 7] [--seconds 0.5]`: the median, a second being one of processor time.
"""

from __future__ import annotations

import argparse
import statistics
import time

from nextauth_server import read_session
from nextauth_server.tokens import TokenFormat, V3Tokens, V4Tokens, V5Tokens

SECRET = "a secret of the benchmark"
CLAIMS = {"sub": "1", "name": "Ada Lovelace", "email": "ada@example.com", "picture": "https://example.org/ada.png"}
FORMATS: dict[str, tuple[TokenFormat, str]] = {
    "v3": (V3Tokens(), "next-auth.session-token"),
    "v4": (V4Tokens(), "next-auth.session-token"),
    "v5": (V5Tokens(), "authjs.session-token"),
}


def cookie_for(version: str) -> str:
    """As a browser sends it, with the two others that a backend sets."""
    tokens, name = FORMATS[version]
    prefix = name.partition(".")[0]
    others = f"{prefix}.csrf-token={'0' * 64}%7C{'1' * 64}; {prefix}.callback-url=https%3A%2F%2Fexample.org"
    return f"{others}; {name}={tokens.encode(CLAIMS, SECRET, 3600, name)}"


def per_second(cookie: str, seconds: float) -> float:
    count, start = 0, time.process_time()
    while (used := time.process_time() - start) < seconds:
        for _ in range(100):
            session = read_session(cookie, secret=SECRET)
            assert session is not None and session.user.name == "Ada Lovelace"
        count += 100
    return count / used


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rounds", type=int, default=7)
    parser.add_argument("--seconds", type=float, default=0.5, help="of each version in each round")
    options = parser.parse_args()
    cookies = {version: cookie_for(version) for version in FORMATS}
    found: dict[str, list[float]] = {version: [] for version in FORMATS}
    for _ in range(options.rounds):
        for version, cookie in cookies.items():
            found[version].append(per_second(cookie, options.seconds))
    for version, figures in found.items():
        print(f"{version}: {statistics.median(figures):,.0f} a second ({min(figures):,.0f} to {max(figures):,.0f})")


if __name__ == "__main__":
    main()
