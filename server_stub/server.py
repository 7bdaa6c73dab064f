"""Running an app with uvicorn: the socket, the start message, and an end that waits for nobody."""

from __future__ import annotations

import asyncio
import errno
import os
import socket
from collections.abc import Callable
from typing import Any

import uvicorn
from starlette.types import ASGIApp, Receive, Scope, Send
from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol

CLOSE_CONNECTION = "server_stub.close_connection"  # an ASGI extension: a function that cuts the connection

MOST_OF_A_HEAD = 2**16  # bytes of a request's line and headers that are waited with for their end

GRACE = 0.5  # seconds that unfinished answers get when the server stops


class CannotListen(Exception):
    """The address cannot be used; the message says why, and what to do."""


def listen(host: str, port: int) -> socket.socket:
    """A listening socket; port 0 takes any free one."""
    try:
        family, kind, protocol, _, address = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)[0]
        # With the protocol named: asyncio turns Nagle's algorithm, 40 ms an answer, off for TCP alone.
        listener = socket.socket(family, kind, protocol)
        try:
            if os.name == "posix":  # elsewhere this option would let two servers share the port
                listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            listener.bind(address)
            listener.listen(2048)
        except OSError:
            listener.close()
            raise
        return listener
    except socket.gaierror:
        reason = f"The host {host} is not known on this machine; choose another with --host."
    except OSError as problem:
        if problem.errno == errno.EADDRINUSE:
            other = "choose another with --port (0 takes any free one), or make demo PORT=8000."
            reason = f"Port {port} is already in use; {other}"
        elif problem.errno == errno.EACCES:
            reason = f"Port {port} needs special rights; choose one from 1024 on with --port."
        else:
            reason = f"Cannot listen on {host}, port {port}: {problem.strerror}."
    raise CannotListen(reason)


def local_url(listener: socket.socket) -> str:
    host, port = listener.getsockname()[:2]
    return f"http://[{host}]:{port}" if ":" in host else f"http://{host}:{port}"


class Server(uvicorn.Server):
    """uvicorn, quiet, calling ``on_start`` once it answers, and stopping although clients hold on."""

    def __init__(self, app: ASGIApp, on_start: Callable[[], None] = lambda: None) -> None:
        config = uvicorn.Config(
            app,
            http=ClosableProtocol,
            ws="none",
            log_level="warning",
            access_log=False,
            server_header=False,
            # Whether X-Forwarded-* counts is the app's decision.
            proxy_headers=False,
            timeout_keep_alive=60,
        )
        super().__init__(config)
        self.on_start = on_start

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        await super().startup(sockets)
        self.on_start()

    async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
        asyncio.get_running_loop().call_later(GRACE, self.cut_connections)
        await super().shutdown(sockets)

    def cut_connections(self) -> None:
        for connection in list(self.server_state.connections):
            connection.transport.abort()


class ClosableProtocol(HttpToolsProtocol):
    """HTTP/1.1 that offers the app the ``CLOSE_CONNECTION`` extension, and does not collect headers without end."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.in_head = False
        self.waiting = 0
        app = self.app

        async def closable(scope: Scope, receive: Receive, send: Send) -> None:
            scope["extensions"] = {**scope.get("extensions", {}), CLOSE_CONNECTION: self.transport.abort}
            await app(scope, receive, send)

        self.app = closable

    def data_received(self, data: bytes) -> None:
        super().data_received(data)
        self.waiting = self.waiting + len(data) if self.in_head else 0
        if self.waiting > MOST_OF_A_HEAD and not self.transport.is_closing():
            self.send_400_response("The headers are too large.")

    def on_message_begin(self) -> None:
        self.in_head = True
        super().on_message_begin()

    def on_headers_complete(self) -> None:
        self.in_head = False
        super().on_headers_complete()
