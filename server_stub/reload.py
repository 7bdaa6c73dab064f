"""An app that is built again when its configuration changes (``--reload``).

Pages need nothing like it: they are read from the folder each time.
"""

from __future__ import annotations

import sys
from collections.abc import Callable
from pathlib import Path

from starlette.types import ASGIApp, Receive, Scope, Send


class ReloadingApp:
    """Looks at the file with each request, so that a saved change counts at once and nothing runs meanwhile."""

    def __init__(self, build: Callable[[], ASGIApp], file: Path) -> None:
        self.build = build
        self.file = file
        self.app = build()
        self.stamp = self.look()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        stamp = self.look()
        if stamp != self.stamp:
            self.stamp = stamp
            try:
                self.app = self.build()
            except ValueError as problem:
                # Half a file may have been saved: what worked goes on.
                print(f"Not reloaded: {problem}", file=sys.stderr, flush=True)
        await self.app(scope, receive, send)

    def look(self) -> tuple[int, int] | None:
        """What changes when the file does; None while it is not there."""
        try:
            status = self.file.stat()
        except OSError:
            return None
        return status.st_mtime_ns, status.st_size
