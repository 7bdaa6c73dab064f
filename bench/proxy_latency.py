"""How many milliseconds `auth_proxy` adds to a `GET /session` of a local backend, at the median.

The backend is the development backend; each proxy runs in a process of its own, as an ASGI app on uvicorn and as a WSGI
app on werkzeug, with a client that keeps its connections and without. A request goes to the backend itself, and then
through each proxy, again and again, so that what else the machine does is spread evenly. What the server that runs the
proxy takes for an answer of its own is stated beside it: werkzeug's, which is for development, takes the most.

`python -m bench.proxy_latency [--rounds 400]`
"""

from __future__ import annotations

import argparse
import os
import secrets
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from typing import Any
from urllib.parse import urlsplit

import httpx

from bench.session_requests import ROOT, development_backend

WAYS = ("asgi, own client", "asgi", "wsgi, own client", "wsgi")


def serve(way: str, url: str) -> None:
    """Run a proxy, and print where."""
    from nextauth_server import auth_proxy
    from starlette.applications import Starlette
    from starlette.responses import Response
    from starlette.routing import Mount, Route
    from werkzeug.middleware.dispatcher import DispatcherMiddleware
    from werkzeug.serving import WSGIRequestHandler, make_server

    from server_stub.server import Server, listen, local_url

    keeps = way.endswith("own client")
    client: Any = None
    if way.startswith("asgi"):
        client = httpx.AsyncClient() if keeps else None
        proxy: Any = auth_proxy(url + "/api/auth", origin=url, client=client)
        listener = listen("127.0.0.1", 0)
        app = Starlette(routes=[Mount("/api/auth", proxy), Route("/bare", lambda _: Response("{}"))])
        Server(app, lambda: print(local_url(listener), flush=True)).run(sockets=[listener])
        return

    def bare(environ: Any, start_response: Any) -> list[bytes]:
        start_response("200 OK", [("Content-Length", "2")])
        return [b"{}"]

    class Quiet(WSGIRequestHandler):
        protocol_version = "HTTP/1.1"

        def log(self, type: str, message: str, *args: Any) -> None:
            pass

    client = httpx.Client() if keeps else None
    proxy = auth_proxy(url + "/api/auth", origin=url, client=client)
    server = make_server(
        "127.0.0.1",
        0,
        DispatcherMiddleware(bare, {"/api/auth": proxy}),
        threaded=True,
        request_handler=Quiet,
    )
    print(f"http://127.0.0.1:{server.server_port}", flush=True)
    server.serve_forever()


@contextmanager
def running(way: str, url: str) -> Iterator[str]:
    command = [sys.executable, "-m", "bench.proxy_latency", "--serve", way, "--url", url]
    paths = os.pathsep.join(str(ROOT / folder) for folder in ("client", "server"))
    environment = {**os.environ, "PYTHONPATH": paths}
    with subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, text=True, env=environment) as process:
        assert process.stdout is not None
        try:
            yield process.stdout.readline().strip()
        finally:
            process.terminate()


def measure(rounds: int) -> None:
    os.environ["NEXTAUTH_SECRET"] = secrets.token_urlsafe(32)  # with its own, the backend lets no proxy ask
    with ExitStack() as stack:
        backend = stack.enter_context(development_backend(stack.enter_context(tempfile.TemporaryDirectory())))
        url = f"http://127.0.0.1:{urlsplit(backend.url).port}"
        cookie = backend.sign_in().partition(b"Cookie: ")[2].partition(b"\r\n")[0].decode()
        addresses = {"backend": url, **{way: stack.enter_context(running(way, url)) for way in WAYS}}
        clients = {name: stack.enter_context(httpx.Client(base_url=at)) for name, at in addresses.items()}
        taken: dict[str, list[float]] = {name: [] for name in clients}
        alone: dict[str, list[float]] = {way: [] for way in WAYS}

        def ask(client: httpx.Client, path: str, found: list[float], expected: str) -> None:
            start = time.perf_counter()
            answer = client.get(path, headers={"Cookie": cookie})
            found.append((time.perf_counter() - start) * 1000)
            assert expected in answer.text, answer.text

        for _ in range(rounds):
            for name, client in clients.items():
                ask(client, "/api/auth/session", taken[name], "ada@example.com")
                if name in alone:
                    ask(client, "/bare", alone[name], "{}")
    direct = statistics.median(taken["backend"])
    print(f"backend: {direct:.2f} ms")
    for way in WAYS:
        median = statistics.median(taken[way])
        print(f"{way}: {median:.2f} ms, {median - direct:+.2f}; the server alone {statistics.median(alone[way]):.2f}")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rounds", type=int, default=400)
    parser.add_argument("--serve", help=argparse.SUPPRESS)
    parser.add_argument("--url", help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.serve:
        serve(options.serve, options.url)
    else:
        measure(options.rounds)


if __name__ == "__main__":
    main()
