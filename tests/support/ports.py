"""Ports for programs that a test starts, and the moment from which one listens at its own."""

from __future__ import annotations

import socket
import subprocess
import time
from typing import Any

from tests.support import PATIENCE


def free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as found:
        return int(found.getsockname()[1])


def until_it_listens(process: subprocess.Popen[Any], port: int) -> None:
    """Wait for it. Raises `TimeoutError` when it has ended, or takes too long."""
    end = time.monotonic() + PATIENCE
    while process.poll() is None and time.monotonic() < end:
        try:
            return socket.create_connection(("127.0.0.1", port), timeout=1).close()
        except OSError:
            time.sleep(0.05)  # nobody tells when another program listens
    raise TimeoutError(f"nothing listens at {port}")
