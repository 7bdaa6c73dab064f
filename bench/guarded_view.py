"""What a guard costs that reads the cookie itself: a FastAPI view with it, beside the same view without it, and beside
one that depends on a function which does nothing: FastAPI's own part.

Requests with the cookies of v4, answered by uvicorn on one core. Each view has a server of its own, for a guard changes
how all answers of its process are sent; they take turns, and the medians are compared.

`python -m bench.guarded_view [--rounds 20] [--seconds 0.5]`
"""

from __future__ import annotations

import argparse
import asyncio
import os
import statistics
import subprocess
import sys
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from typing import Any
from urllib.parse import urlsplit

import fastapi
from nextauth_server import session_dependency

from bench.read_session import SECRET, cookie_for
from bench.session_requests import ROOT, Server, send
from server_stub.server import Server as Uvicorn
from server_stub.server import listen, local_url

VIEWS = ["bare", "depending", "guarded"]


def make_app(kind: str) -> fastapi.FastAPI:
    """An app with that view alone."""
    app = fastapi.FastAPI()

    async def nothing() -> None:
        pass

    on_nothing = fastapi.Depends(nothing)

    async def bare() -> dict[str, str]:
        return {"email": "ada@example.com"}

    async def depending(_: Any = on_nothing) -> dict[str, str]:
        return {"email": "ada@example.com"}

    app.get("/view")({"bare": bare, "depending": depending}.get(kind) or guarded_view())
    return app


def guarded_view() -> Any:
    signed_in = fastapi.Depends(session_dependency(secret=SECRET, base_url="https://example.org"))

    async def guarded(session: Any = signed_in) -> dict[str, str]:
        return {"email": session.user.email}

    return guarded


def serve(kind: str) -> None:
    listener = listen("127.0.0.1", 0)
    Uvicorn(make_app(kind), on_start=lambda: print(local_url(listener), flush=True)).run(sockets=[listener])


@contextmanager
def server(kind: str) -> Iterator[Server]:
    command = [sys.executable, "-m", "bench.guarded_view", "--serve", kind]
    with subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        url = process.stdout.readline().strip()
        try:
            yield Server(kind, url, urlsplit(url).netloc, process.pid)
        finally:
            process.terminate()


def compare(rounds: int, seconds: float) -> None:
    cores = sorted(os.sched_getaffinity(0))
    cookie = cookie_for("v4")
    found: dict[str, list[float]] = {view: [] for view in VIEWS}
    with ExitStack() as stack:
        os.sched_setaffinity(0, cores[:1])  # what is started from here on stays there
        servers = [stack.enter_context(server(view)) for view in VIEWS]
        os.sched_setaffinity(0, cores[1:] or cores)
        for number in range(rounds + 1):
            for asked in servers:
                request = f"GET /view HTTP/1.1\r\nHost: {asked.host}\r\nCookie: {cookie}\r\n\r\n".encode()
                rate = asyncio.run(send(asked, request, seconds=seconds))
                if number:  # the first is to warm up
                    found[asked.name].append(rate)
    for view, rates in found.items():
        print(f"{view}: {statistics.median(rates):,.0f} requests/s, from {min(rates):,.0f} to {max(rates):,.0f}")
    for view in VIEWS[1:]:
        ratios = [rate / bare for bare, rate in zip(found["bare"], found[view], strict=True)]
        spread = f"from {min(ratios):.2f} to {max(ratios):.2f}"
        print(f"{view} beside bare: {statistics.median(ratios):.2f} in {rounds} rounds, {spread}")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rounds", type=int, default=20)
    parser.add_argument("--seconds", type=float, default=0.5)
    parser.add_argument("--serve", choices=VIEWS, help="only answer, with this view, and print the address")
    options = parser.parse_args()
    if options.serve:
        serve(options.serve)
    else:
        compare(options.rounds, options.seconds)


if __name__ == "__main__":
    main()
