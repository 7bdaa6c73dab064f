"""What the HTTP server itself refuses, before there is a request for the app."""

from __future__ import annotations

import contextlib
import socket
from urllib.parse import urlsplit

import httpx
import pytest

from server_stub.server import MOST_OF_A_HEAD

CHUNK = b"x" * 10_000


def send(url: str, start: bytes, end: bytes = b"") -> bytes:
    """What is answered to a request that has a long text between its start and its end, until the server hangs up."""
    address = urlsplit(url)
    with socket.create_connection((address.hostname, address.port), timeout=10) as connection:
        answer = b""
        # It may have hung up before all of it is sent.
        with contextlib.suppress(ConnectionError):
            connection.sendall(start)
            for _ in range(2 * MOST_OF_A_HEAD // len(CHUNK)):
                connection.sendall(CHUNK)
            connection.sendall(end)
        with contextlib.suppress(ConnectionError):
            while part := connection.recv(10_000):
                answer += part
    return answer


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
    assert httpx.get(f"{live_url}/api/auth/session").json() == {}


def test_a_long_body_is_no_header(live_url: str) -> None:
    length = 2 * MOST_OF_A_HEAD // len(CHUNK) * len(CHUNK) + 2
    head = f"POST /api/auth/_log HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\nContent-Length: {length}\r\n\r\n"
    assert send(live_url, head.encode(), b"\r\n").startswith(b"HTTP/1.1 200 OK")
