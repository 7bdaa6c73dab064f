"""Running an app with uvicorn: the socket, the start message, and an end that waits for nobody."""

from __future__ import annotations

import asyncio
import contextlib
import errno
import os
import socket
from collections.abc import Callable
from typing import Any, Literal

import uvicorn
from starlette.types import ASGIApp, Receive, Scope, Send
from uvicorn.protocols.http.httptools_impl import STATUS_LINE, HttpToolsProtocol

# ASGI extensions, functions both: to cut the connection, and to let this request's body be as long and slow as it is.
CLOSE_CONNECTION = "server_stub.close_connection"
TAKE_ANY_BODY = "server_stub.take_any_body"

# Bytes. Who sends a body that the app finds too large may go on for a while, and so can read why.
MOST_OF_A_HEAD = 2**16  # or of anything else that is no body, in one go
MOST_OF_A_REQUEST = 2**23
PIECE = 2**14  # they are counted by so many

MOST_PIPELINED = 32  # requests that were sent before the answers to others

# How long a client may take: for a request's line and headers, for its body, to read some of the answer, for nothing.
HEAD_SECONDS = 10
BODY_SECONDS = 30
UNREAD_SECONDS = 60
IDLE_SECONDS = 60

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
            http=LimitedProtocol,
            ws="none",
            log_level="warning",
            access_log=False,
            server_header=False,
            # Whether X-Forwarded-* counts is the app's decision.
            proxy_headers=False,
            timeout_keep_alive=IDLE_SECONDS,
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
        for answer in list(self.server_state.tasks):  # a mail server may take its time
            answer.cancel()


class LimitedProtocol(HttpToolsProtocol):
    """HTTP/1.1 that offers the app the two extensions, and in which nothing is without end unless the app wants it so.

    A client may send what it likes, as slowly as it likes. So there is a limit for what is no body (a request's line,
    headers, trailers, the sizes of its chunks), for all of a request, for how many are sent before their answers, and
    for the seconds that each of it takes, the reading of an answer too.
    """

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.reading: Literal["nothing", "head", "body"] = "nothing"
        self.steps = 0  # how often that changed
        self.timed_step = 0  # the one that the deadline is for
        self.deadline: asyncio.TimerHandle | None = None
        self.unread: asyncio.TimerHandle | None = None  # by when some of the answer has to be read
        self.waiting = 0  # bytes since there was last something that the app can have
        self.received = 0  # bytes of this request
        self.takes_any_body = False
        app = self.app

        async def closable(scope: Scope, receive: Receive, send: Send) -> None:
            scope["extensions"] = {
                **scope.get("extensions", {}),
                CLOSE_CONNECTION: self.transport.abort,
                TAKE_ANY_BODY: lambda: self.take_any_body(scope),
            }
            # It is cancelled when the server stops: nobody waits for its answer any more.
            with contextlib.suppress(asyncio.CancelledError):
                await app(scope, receive, send)

        self.app = closable

    def take_any_body(self, scope: Scope) -> None:
        """For the request of this scope, unless that is not the one which is being read."""
        if scope is self.scope and self.reading == "body":
            self.takes_any_body = True
            self.set_deadline()

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        super().connection_made(transport)
        self.deadline = self.loop.call_later(IDLE_SECONDS, self.too_late)

    def connection_lost(self, exc: Exception | None) -> None:
        for timer in (self.deadline, self.unread):
            if timer is not None:
                timer.cancel()
        super().connection_lost(exc)

    def data_received(self, data: bytes) -> None:
        for start in range(0, len(data), PIECE):
            if self.transport.is_closing():
                return
            self.piece_received(data[start : start + PIECE])

    def piece_received(self, data: bytes) -> None:
        if self.reading == "nothing":
            # Line ends may come before a request: they keep nobody waiting for longer than it does.
            self.go_on_to("head")
        self.waiting += len(data)
        self.received += len(data)
        super().data_received(data)
        if self.waiting > MOST_OF_A_HEAD:
            self.refuse(400, f"The {'headers are' if self.reading == 'head' else 'request is'} too large.")
        elif self.received > MOST_OF_A_REQUEST and not self.takes_any_body:
            self.refuse(413, "The request is too large.")
        elif len(self.pipeline) > MOST_PIPELINED:
            self.refuse(400, "Too many requests were sent without waiting for the answers.")
        elif self.steps != self.timed_step:
            self.set_deadline()

    def go_on_to(self, part: Literal["nothing", "head", "body"]) -> None:
        self.reading = part
        self.steps += 1
        self.waiting = 0
        if part != "body":
            self.received = 0
            self.takes_any_body = False

    def on_message_begin(self) -> None:
        if self.reading == "nothing":  # another one began in the same piece
            self.go_on_to("head")
        super().on_message_begin()

    def on_header(self, name: bytes, value: bytes) -> None:
        # Later ones are trailers, which nobody reads here; uvicorn would put them among the headers.
        if self.reading == "head":
            super().on_header(name, value)

    def on_headers_complete(self) -> None:
        self.go_on_to("body")
        super().on_headers_complete()

    def on_body(self, body: bytes) -> None:
        self.waiting = 0
        super().on_body(body)

    def on_message_complete(self) -> None:
        self.go_on_to("nothing")
        super().on_message_complete()

    def on_response_complete(self) -> None:
        super().on_response_complete()
        if self.transport.is_closing():
            self.expect_reader()

    def timeout_keep_alive_handler(self) -> None:
        super().timeout_keep_alive_handler()
        self.expect_reader()

    def pause_writing(self) -> None:
        super().pause_writing()
        self.expect_reader()

    def resume_writing(self) -> None:
        super().resume_writing()
        if self.unread is not None and not self.transport.is_closing():
            self.unread.cancel()
            self.unread = None

    def expect_reader(self) -> None:
        """A connection ends only when all of its answer was read."""
        self.unread = self.unread or self.loop.call_later(UNREAD_SECONDS, self.transport.abort)

    def set_deadline(self) -> None:
        if self.deadline is not None:
            self.deadline.cancel()
        self.deadline = None
        self.timed_step = self.steps
        if self.reading != "nothing" and not self.takes_any_body:
            self.deadline = self.loop.call_later(
                HEAD_SECONDS if self.reading == "head" else BODY_SECONDS, self.too_late
            )

    def too_late(self) -> None:
        answers = self.cycle is not None and not self.cycle.response_complete
        if self.flow.read_paused or (self.reading == "head" and answers):
            self.set_deadline()  # it is the app that takes its time
        elif self.reading == "nothing":
            self.transport.close()
        else:
            self.refuse(408, "The request took too long.")

    def refuse(self, status: int, message: str) -> None:
        """Hang up, with an answer if it cannot be taken for another request's."""
        if self.transport.is_closing():
            return
        answers = self.cycle is not None and not self.cycle.response_complete
        if answers and (self.reading == "head" or self.cycle.response_started or self.pipeline):
            self.transport.abort()
            return
        head = f"Content-Type: text/plain\r\nContent-Length: {len(message)}\r\nConnection: close\r\n\r\n"
        self.transport.write(STATUS_LINE[status] + head.encode() + message.encode())
        self.transport.close()
        self.expect_reader()
