"""Serving a folder of pages, with the content types that Python in the browser needs."""

from __future__ import annotations

import os
from collections.abc import Iterable
from pathlib import Path

from starlette.exceptions import HTTPException
from starlette.responses import Response
from starlette.staticfiles import StaticFiles
from starlette.types import Scope

# Spelt out, because what Python's `mimetypes` says depends on the machine.
CONTENT_TYPES = {
    ".css": "text/css; charset=utf-8",
    ".html": "text/html; charset=utf-8",
    ".ico": "image/x-icon",
    ".jpg": "image/jpeg",
    ".js": "text/javascript; charset=utf-8",
    ".json": "application/json",
    ".map": "application/json",
    ".md": "text/plain; charset=utf-8",  # which each browser shows, and none offers to save
    ".mjs": "text/javascript; charset=utf-8",
    ".png": "image/png",
    ".py": "text/x-python; charset=utf-8",
    ".svg": "image/svg+xml",
    ".toml": "application/toml",
    ".txt": "text/plain; charset=utf-8",
    ".wasm": "application/wasm",
    ".webp": "image/webp",
    ".whl": "application/zip",
    ".woff2": "font/woff2",
    ".zip": "application/zip",
}


class StaticFolder(StaticFiles):
    """A folder, without its dotfiles: ``.git``, ``.env`` and ``.venv`` stay private, symlinks included.

    So do the ``private`` files, whether or not they are there yet.
    """

    def __init__(self, directory: str | os.PathLike[str], private: Iterable[Path] = ()) -> None:
        super().__init__(directory=directory, html=True)
        self.root = Path(directory).resolve()
        self.private = [path.absolute() for path in private]

    def get_path(self, scope: Scope) -> str:
        path = super().get_path(scope)
        if _is_hidden(path) or "\0" in path:
            raise HTTPException(404)
        return path

    def lookup_path(self, path: str) -> tuple[str, os.stat_result | None]:
        full_path, stat_result = super().lookup_path(path)
        if stat_result is not None and (
            _is_hidden(os.path.relpath(full_path, self.root)) or self.is_private(stat_result)
        ):
            return "", None
        return full_path, stat_result

    def is_private(self, found: os.stat_result) -> bool:
        # The file itself is compared: it may have other names, and capitals need not matter.
        return any(path.exists() and os.path.samestat(found, path.stat()) for path in self.private)

    def file_response(
        self,
        full_path: str | os.PathLike[str],
        stat_result: os.stat_result,
        scope: Scope,
        status_code: int = 200,
    ) -> Response:
        response = super().file_response(full_path, stat_result, scope, status_code)
        content_type = CONTENT_TYPES.get(os.path.splitext(full_path)[1].lower())
        if content_type is not None and response.status_code != 304:
            response.headers["Content-Type"] = content_type
        # Ask each time, with the ETag: a wheel that was built again keeps its URL.
        response.headers["Cache-Control"] = "no-cache"
        return response


def _is_hidden(path: str) -> bool:
    return any(part.startswith(".") and part != "." for part in path.split(os.sep))
