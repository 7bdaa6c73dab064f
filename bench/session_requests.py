"""How many `GET /session` with a JWT cookie a second the development backend answers, beside the real NextAuth.js v4.

Both run on one core and the load comes from another; they take turns, and the medians are compared. A second is one of
the server's processor time, so that others who use the machine do not count.

`python -m bench.session_requests [--rounds 40] [--seconds 0.4]` compares. `--memory 100000` sends that many requests to
the development backend and prints its memory after each tenth of them.
"""

from __future__ import annotations

import argparse
import asyncio
import os
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import urlsplit

import httpx

from tests.support.real_backends import Program

ROOT = Path(__file__).parents[1]
CONNECTIONS = 16


@dataclass(frozen=True)
class Server:
    name: str
    url: str
    host: str
    process_id: int

    def sign_in(self) -> bytes:
        """The bytes of a `GET /session` with a session's cookies."""
        address = urlsplit(self.url)
        with httpx.Client(base_url=f"http://127.0.0.1:{address.port}", headers={"Host": self.host}) as client:
            token = client.get("/api/auth/csrf").json()["csrfToken"]
            fields = {"csrfToken": token, "username": "ada", "password": "lovelace", "json": "true"}
            client.post("/api/auth/callback/credentials", data=fields).raise_for_status()
            assert client.get("/api/auth/session").json()["user"]["email"] == "ada@example.com"
            cookies = "; ".join(f"{cookie.name}={cookie.value}" for cookie in client.cookies.jar)
        return f"GET /api/auth/session HTTP/1.1\r\nHost: {self.host}\r\nCookie: {cookies}\r\n\r\n".encode()


@contextmanager
def development_backend(folder: str) -> Iterator[Server]:
    command = [sys.executable, "-m", "server_stub", folder, "--port", "0"]
    with subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        url = process.stdout.readline().strip()
        try:
            yield Server("development backend", url, urlsplit(url).netloc, process.pid)
        finally:
            process.terminate()


@contextmanager
def next_auth_v4(folder: str) -> Iterator[Server]:
    options = {"host": "127.0.0.1", "folder": folder, "issuer": "http://127.0.0.1:1", "smtp": "smtp://127.0.0.1:1"}
    with Program("v4", **options) as program:
        url = program.addresses["url"]
        yield Server("NextAuth.js v4", url, urlsplit(url).netloc, program.process_id)


async def send(server: Server, request: bytes, *, seconds: float = 1e9, requests: int = 2**62) -> float:
    """Ask again and again over kept-alive connections. How many answers came for a second of the server's core."""
    start = time.perf_counter()
    used = processor_time(server)
    answers = 0

    async def ask() -> None:
        nonlocal answers
        reader, writer = await asyncio.open_connection("127.0.0.1", urlsplit(server.url).port)
        while answers < requests and time.perf_counter() - start < seconds:
            answers += 1
            writer.write(request)
            head = await reader.readuntil(b"\r\n\r\n")
            assert head.startswith(b"HTTP/1.1 200 "), head
            lower = head.lower()
            if b"content-length: " in lower:
                length = int(lower.partition(b"content-length: ")[2].partition(b"\r\n")[0])
                body = await reader.readexactly(length)
            else:
                body = await reader.readuntil(b"0\r\n\r\n")
            assert b"ada@example.com" in body, body
        writer.close()
        await writer.wait_closed()

    await asyncio.gather(*(ask() for _ in range(CONNECTIONS)))
    return answers / (processor_time(server) - used)


def compare(rounds: int, seconds: float) -> None:
    cores = sorted(os.sched_getaffinity(0))
    with ExitStack() as stack:
        folder = stack.enter_context(tempfile.TemporaryDirectory())
        os.sched_setaffinity(0, cores[:1])  # what is started from here on stays there
        servers = [stack.enter_context(start(folder)) for start in (development_backend, next_auth_v4)]
        os.sched_setaffinity(0, cores[1:] or cores)
        requests = [server.sign_in() for server in servers]
        for server, request in zip(servers, requests, strict=True):
            asyncio.run(send(server, request, seconds=max(seconds, 3)))  # until it is warm
        rates: list[list[float]] = [[], []]
        for _ in range(rounds):
            for server, request, found in zip(servers, requests, rates, strict=True):
                found.append(asyncio.run(send(server, request, seconds=seconds)))
    for server, found in zip(servers, rates, strict=True):
        print(f"{server.name}: {statistics.median(found):,.0f} requests/s, from {min(found):,.0f} to {max(found):,.0f}")
    ratios = [ours / theirs for ours, theirs in zip(*rates, strict=True)]
    print(f"ratio: {statistics.median(ratios):.2f} in {rounds} rounds, from {min(ratios):.2f} to {max(ratios):.2f}")


def watch_memory(requests: int) -> None:
    with tempfile.TemporaryDirectory() as folder, development_backend(folder) as server:
        request = server.sign_in()
        print(f"{0:>9,} requests: {resident(server):,} KB")
        for number in range(1, 11):
            asyncio.run(send(server, request, requests=requests // 10))
            print(f"{number * requests // 10:>9,} requests: {resident(server):,} KB", flush=True)


def processor_time(server: Server) -> float:
    """The seconds of a core that the server has used so far: whatever else runs on the machine does not count."""
    # Of its threads, in nanoseconds; what the kernel says of the process is in hundredths of a second.
    threads = Path(f"/proc/{server.process_id}/task").glob("*/schedstat")
    return sum([int(thread.read_text().split()[0]) for thread in threads]) / 1e9


def resident(server: Server) -> int:
    status = Path(f"/proc/{server.process_id}/status").read_text()
    return int(status.partition("VmRSS:")[2].split()[0])


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rounds", type=int, default=40)
    parser.add_argument("--seconds", type=float, default=0.4)
    parser.add_argument("--memory", type=int, metavar="REQUESTS")
    options = parser.parse_args()
    if options.memory:
        watch_memory(options.memory)
    else:
        compare(options.rounds, options.seconds)


if __name__ == "__main__":
    main()
