"""An API of an app's own, in FastAPI with the client's guard: on a port of its own, and below /app/ of a proxy's."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import AsyncIterator
from types import TracebackType
from typing import Any

import uvicorn
from fastapi import Depends, FastAPI, Request, Response
from fastapi.middleware.cors import CORSMiddleware
from fastapi.responses import HTMLResponse, RedirectResponse, StreamingResponse
from nextauth_server import session_dependency

from tests.support.backend import Backend

PIECE = b"x" * 65536


class Api:
    """Its requests are in `seen`, as method, path, cookie and authorization; `aborted` is set when one was given up.

    `allows` are origins whose pages may call it. A context manager, like `Proxy`.
    """

    def __init__(self, backend: Backend, allows: list[str]) -> None:
        self.seen: list[tuple[str, str, str | None, str | None]] = []
        self.aborted = threading.Event()
        self.may_refuse = threading.Event()  # set when calls have left that are to be refused in one moment
        self.sent = 0  # of what is large, bytes
        self._busy = 1
        config = uvicorn.Config(self._app(backend, allows), port=0, log_level="error", lifespan="off")
        self._server = uvicorn.Server(config)
        self._thread = threading.Thread(target=self._server.run, daemon=True)

    def __enter__(self) -> Api:
        self._thread.start()
        while not self._server.started:
            self._thread.join(0.01)
        port = self._server.servers[0].sockets[0].getsockname()[1]
        self.url = f"http://127.0.0.1:{port}"
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._server.should_exit = True
        self._server.force_exit = True
        self._thread.join()

    def moved(self, path: str) -> tuple[None, str]:
        """For `Proxy`: what is below /app/ is here."""
        return None, self.url + path if path.startswith("/app/") else path

    def _app(self, backend: Backend, allows: list[str]) -> Any:
        app = FastAPI()
        guarded = Depends(session_dependency(base_url=backend.url, allowed_origins=allows))

        app.add_middleware(
            CORSMiddleware, allow_origins=allows, allow_credentials=True, allow_methods=["*"], allow_headers=["*"]
        )
        methods = ["GET", "HEAD", "POST", "PUT", "PATCH", "DELETE"]

        async def orders(request: Any, session: Any = guarded) -> Any:
            headers, body = request.headers, await request.body()
            return {
                "of": session.user.name,
                "method": request.method,
                "kind": headers.get("content-type"),
                "body": list(body),
                "bearer": headers.get("authorization"),
            }

        async def refuses() -> Any:
            return HTMLResponse("<h1>No</h1>", 401)

        async def refuses_together() -> Any:
            while not self.may_refuse.is_set():
                await asyncio.sleep(0.01)
            return Response(status_code=401)

        async def moved(to: str) -> Any:
            return RedirectResponse(to, 307)

        async def busy() -> Any:
            self._busy -= 1
            return Response("busy", 503, {"Retry-After": "0"}) if self._busy >= 0 else Response("done")

        async def empty() -> Any:
            return Response(status_code=204)

        async def pieces(count: int) -> AsyncIterator[bytes]:
            for _ in range(count):
                self.sent += len(PIECE)
                yield PIECE
                await asyncio.sleep(0.001)  # in which it hears that nobody wants more

        async def large(count: int) -> Any:
            return StreamingResponse(pieces(count))

        async def slow(request: Any) -> Any:
            while not await request.is_disconnected():
                await asyncio.sleep(0.02)
            self.aborted.set()

        articles = [{"article": "Apples"}]

        async def shop(request: Any, session: Any = guarded) -> Any:
            if request.method == "POST":
                articles.append(await request.json())
            return articles

        for view in (orders, shop, refuses, refuses_together, moved, busy, empty, large, slow):
            if "request" in view.__annotations__:
                view.__annotations__["request"] = Request
            app.add_api_route(f"/app/{view.__name__}", view, methods=methods, response_model=None)
        return self._noting(app)

    def _noting(self, app: FastAPI) -> Any:
        async def note(scope: Any, receive: Any, send: Any) -> None:
            if scope["method"] != "OPTIONS":
                headers = {name.decode(): value.decode() for name, value in scope["headers"]}
                seen = (scope["method"], scope["path"], headers.get("cookie"), headers.get("authorization"))
                self.seen.append(seen)
            await app(scope, receive, send)

        return note
