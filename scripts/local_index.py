"""A folder of wheels as an index that pip and micropip install from by name, and any folder as a site of its own."""

from __future__ import annotations

import hashlib
import html
import re
import threading
from collections import defaultdict
from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path


class _Handler(SimpleHTTPRequestHandler):
    def end_headers(self) -> None:
        self.send_header("Access-Control-Allow-Origin", "*")
        self.send_header("Cache-Control", "no-cache")
        super().end_headers()

    def log_message(self, format: str, *args: object) -> None:
        """Say nothing of each request."""


@contextmanager
def serving(folder: Path) -> Iterator[str]:
    """The folder's files on a free port of this machine, for pages of any origin. Gives the address."""
    with ThreadingHTTPServer(("127.0.0.1", 0), partial(_Handler, directory=folder)) as server:
        thread = threading.Thread(target=server.serve_forever, args=(0.05,), daemon=True)
        thread.start()
        try:
            yield f"http://127.0.0.1:{server.server_port}"
        finally:
            server.shutdown()
            thread.join()


def write_index(folder: Path) -> None:
    """Beside the wheels of a folder, the pages that make it an index.

    Source: https://packaging.python.org/en/latest/specifications/simple-repository-api/ (PEP 503).
    """
    wheels = defaultdict(list)
    for wheel in sorted(folder.glob("*.whl")):
        wheels[normalized(wheel.name.partition("-")[0])].append(wheel)
    for name, files in wheels.items():
        (folder / name).mkdir(exist_ok=True)
        _write_page(folder / name, {file.name: f"../{file.name}#sha256={_sha256(file)}" for file in files})
    _write_page(folder, {name: f"{name}/" for name in wheels})


def normalized(name: str) -> str:
    """A distribution's name as an index spells it."""
    return re.sub(r"[-_.]+", "-", name).lower()


def _sha256(file: Path) -> str:
    return hashlib.sha256(file.read_bytes()).hexdigest()


def _write_page(folder: Path, links: dict[str, str]) -> None:
    anchors = [f'<a href="{html.escape(to)}">{html.escape(text)}</a>' for text, to in links.items()]
    (folder / "index.html").write_text("\n".join(["<!doctype html>", "<title>Wheels</title>", *anchors, ""]))
