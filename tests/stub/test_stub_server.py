"""What the HTTP server itself refuses: everything that a client may send without end, or never."""

from __future__ import annotations

import contextlib
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import urlsplit

import httpx
import psutil
import pytest

from server_stub import create_app, server
from server_stub.dev_controls import State
from server_stub.server import MOST_OF_A_HEAD, MOST_OF_A_REQUEST, MOST_PIPELINED
from tests.stub.conftest import LiveServer
from tests.support import PATIENCE

ROOT = Path(__file__).parents[2]

CHUNK = b"x" * 10_000
MEGABYTE = 2**20

GET = b"GET /api/auth/session HTTP/1.1\r\nHost: localhost\r\n"
HOME = b"GET / HTTP/1.1\r\nHost: localhost\r\n"
POST = b"POST /api/auth/_log HTTP/1.1\r\nHost: localhost\r\n"
CHUNKED = POST + b"Transfer-Encoding: chunked\r\n\r\n"


def connect(url: str) -> socket.socket:
    address = urlsplit(url)
    return socket.create_connection((address.hostname, address.port), timeout=PATIENCE)


def read_all(connection: socket.socket) -> bytes:
    """What comes until the server hangs up."""
    answer = b""
    with contextlib.suppress(ConnectionError):
        while part := connection.recv(10_000):
            answer += part
    return answer


def send(url: str, start: bytes, end: bytes = b"", *, again: bytes = CHUNK, size: int = 2 * MOST_OF_A_HEAD) -> bytes:
    """What is answered to a request that has a long text between its start and its end, until the server hangs up."""
    with connect(url) as connection:
        # It may have hung up before all of it is sent.
        with contextlib.suppress(ConnectionError):
            connection.sendall(start)
            for _ in range(size // len(again)):
                connection.sendall(again)
            connection.sendall(end)
        return read_all(connection)


def is_well(url: str) -> bool:
    return bool(httpx.get(f"{url}/api/auth/session", timeout=PATIENCE).json() == {})


@pytest.mark.parametrize(
    "start",
    [
        b"GET /api/auth/session HTTP/1.1\r\nHost: localhost\r\nCookie: a=",
        b"GET /",
        b"GET /api/auth/session HTTP/1.1\r\nHost: localhost\r\n\r\nGET / HTTP/1.1\r\nCookie: a=",
    ],
)
def test_headers_without_end_are_not_collected(live_url: str, start: bytes) -> None:
    answer = send(live_url, start)
    assert answer == b"" or b"HTTP/1.1 400 Bad Request" in answer
    assert is_well(live_url)


def test_a_long_body_is_no_header(live_url: str) -> None:
    length = 2 * MOST_OF_A_HEAD // len(CHUNK) * len(CHUNK) + 2
    head = f"POST /api/auth/_log HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\nContent-Length: {length}\r\n\r\n"
    assert send(live_url, head.encode(), b"\r\n").startswith(b"HTTP/1.1 200 OK")


@pytest.fixture
def process(tmp_path: Path) -> Iterator[tuple[str, psutil.Process]]:
    """A server by itself, whose memory is nobody else's: its URL and its process."""
    command = [sys.executable, "-m", "server_stub", str(tmp_path), "--port", "0"]
    with subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, text=True) as running:
        assert running.stdout is not None
        url = running.stdout.readline().strip()
        assert is_well(url)
        yield url, psutil.Process(running.pid)
        running.terminate()


@pytest.mark.parametrize(
    ("start", "again"),
    [
        (CHUNKED + b"0\r\n", b"a: b\r\n" * 10_000),
        (CHUNKED + b"0\r\na: ", CHUNK),
        (CHUNKED + b"1;", CHUNK),
        (CHUNKED, (b"1;" + b"x" * 10_000 + b"\r\nx\r\n")),
        (CHUNKED, b"2710\r\n" + CHUNK + b"\r\n"),
        (POST + b"Content-Length: 100000000\r\n\r\n", CHUNK),
        (GET + b"Content-Length: 100000000\r\n\r\n", CHUNK),
        (GET + b"a: ", CHUNK),
        (b"", b"\r\n" * 10_000),
        (b"", (GET + b"\r\n") * 200),
        (b"", (GET + b"Upgrade: websocket\r\nConnection: Upgrade\r\n\r\n") * 100),
    ],
    ids=[
        *("trailers", "a trailer", "a chunk extension", "chunk extensions", "chunks", "a body", "a body of a GET"),
        *("a header", "line ends", "requests", "upgrades"),
    ],
)
def test_whatever_comes_without_end_takes_no_more_memory_and_is_ended(
    process: tuple[str, psutil.Process], start: bytes, again: bytes
) -> None:
    url, running = process
    before = most = running.memory_info().rss
    sent = 0
    with connect(url) as connection, contextlib.suppress(ConnectionError, TimeoutError):
        connection.settimeout(5)
        connection.sendall(start)
        while sent < 60 * MEGABYTE:
            connection.sendall(again)
            sent += len(again)
            most = max(most, running.memory_info().rss)
    most = max(most, running.memory_info().rss)
    # The kernel's buffers take some of what the server does not read.
    assert sent < MOST_OF_A_REQUEST + 12 * MEGABYTE
    assert most - before < 40 * MEGABYTE
    assert is_well(url)


def test_who_sends_too_large_a_body_can_read_why(live_url: str) -> None:
    head = POST + b"Connection: close\r\nContent-Length: 2000000\r\n\r\n"
    assert send(live_url, head, size=2_000_000).startswith(b"HTTP/1.1 413 ")


def test_a_trailer_is_no_header(live_url: str) -> None:
    body = b"0\r\nHost: evil.example\r\nX-Forwarded-For: 10.0.0.1\r\nx-test-tab: trailer\r\n\r\n"
    with connect(live_url) as connection:
        # At once: the app would have read the headers else.
        connection.sendall(CHUNKED + body + GET + b"Connection: close\r\n\r\n")
        answers = read_all(connection)
    assert answers.count(b"HTTP/1.1 ") == 2
    assert [entry["tab"] for entry in httpx.get(f"{live_url}/dev/log", timeout=PATIENCE).json()] == [None, None]


@pytest.fixture
def impatient(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[str]:
    """The URL of a server that waits for a second, and answers `GET /session` after two."""
    for name in ("HEAD_SECONDS", "BODY_SECONDS", "UNREAD_SECONDS", "IDLE_SECONDS"):
        monkeypatch.setattr(server, name, 1)
    (tmp_path / "large").write_bytes(bytes(50 * MEGABYTE))
    state = State()
    state.latencies["session", "before"] = 2
    running = LiveServer(create_app(tmp_path, dev_controls=state))
    yield running.url
    running.stop()


TIMED_OUT = b"HTTP/1.1 408 Request Timeout\r\n"
NOT_FOUND = b"HTTP/1.1 404 Not Found\r\n"
HALVES = {
    "nothing": (b"", b""),
    "a line end": (b"\r\n", TIMED_OUT),
    "a line": (b"GET /api/auth", TIMED_OUT),
    "headers": (GET, TIMED_OUT),
    "a body": (POST + b"Content-Length: 5\r\n\r\nx", TIMED_OUT),
    "chunks": (CHUNKED + b"1\r\nx\r\n", TIMED_OUT),
    "trailers": (CHUNKED + b"0\r\na: b\r\n", TIMED_OUT),
    "an idle connection": (HOME + b"\r\n", NOT_FOUND),
    "a line end after a request": (HOME + b"\r\n\r\n", NOT_FOUND),
    "a second request": (HOME + b"\r\n" + HOME, NOT_FOUND),
}


def answers_to(url: str, requests: list[bytes]) -> list[bytes]:
    """All that a server says to each, until it ends the connection. At the same time, because each takes its time."""
    with contextlib.ExitStack() as stack:
        connections = []
        for request in requests:
            connection = stack.enter_context(connect(url))
            connection.sendall(request)
            connections.append(connection)
        return [read_all(connection) for connection in connections]


def test_half_a_request_does_not_stay_open(impatient: str) -> None:
    said = answers_to(impatient, [sent for sent, _ in HALVES.values()])
    for name, (_, answer), found in zip(HALVES, HALVES.values(), said, strict=True):
        assert found.startswith(answer), name


def test_a_request_that_drips_has_the_same_deadline(impatient: str) -> None:
    started = time.monotonic()
    with connect(impatient) as connection, contextlib.suppress(ConnectionError):
        connection.settimeout(0.02)
        connection.sendall(GET)
        while time.monotonic() < started + PATIENCE:
            connection.sendall(b"a: b\r\n")
            with contextlib.suppress(TimeoutError):
                if not connection.recv(1000):
                    break
    assert time.monotonic() < started + PATIENCE


@pytest.mark.heavy("waits for three seconds")
def test_an_answer_may_take_longer_than_a_request(impatient: str) -> None:
    for found in answers_to(impatient, [GET + b"\r\n" + more for more in (b"", b"\r\n", b"GET / HTTP/1.1\r\n")]):
        assert found.startswith(b"HTTP/1.1 200 OK\r\n")


@pytest.mark.parametrize("end", [b"", b"Connection: close\r\n"])
def test_an_answer_that_nobody_reads_does_not_stay_open(impatient: str, end: bytes) -> None:
    with connect(impatient) as connection:
        connection.sendall(b"GET /large HTTP/1.1\r\nHost: localhost\r\n" + end + b"\r\n")
        connection.recv(1)
        address = connection.getsockname()
        own = psutil.Process()
        deadline = time.monotonic() + PATIENCE
        while any(one.raddr == address and one.status == "ESTABLISHED" for one in own.net_connections("tcp")):
            assert time.monotonic() < deadline
            time.sleep(0.02)  # nobody tells when the system has ended it


def test_requests_sent_together_are_answered_one_after_the_other(live_url: str) -> None:
    with connect(live_url) as connection:
        connection.sendall((GET + b"\r\n") * MOST_PIPELINED + GET + b"Connection: close\r\n\r\n")
        answers = read_all(connection)
    assert answers.count(b"HTTP/1.1 200 OK") == MOST_PIPELINED + 1
