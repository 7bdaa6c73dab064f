"""The folder that the backend serves: the demo, the runtimes and the wheel as they are, and the tests' own pages."""

from __future__ import annotations

import json
import shutil
from pathlib import Path
from typing import Any

from scripts.examples import EXAMPLES
from scripts.next_sites import MADE
from scripts.steps import ROOT
from scripts.wheel import WHEELS, install_archive, install_wheel

PYSCRIPT = "/static/vendor/pyscript/core.js"
INTERPRETERS = {
    "micropython": "/static/vendor/micropython/micropython.mjs",
    "pyodide": "/static/vendor/pyodide/pyodide.mjs",
}
SCRIPT_TYPES = {"micropython": "mpy", "pyodide": "py"}


class Site:
    """A copy: a test's page is a plain file, so that the browser's cache works (Playwright's routes switch it off)."""

    def __init__(self, folder: Path, first: str = "") -> None:
        """`first` is JavaScript that each page has to run before all else."""
        self._first = f"<script>{first}</script>" if first else ""
        install_wheel()
        install_archive()
        self.folder = folder
        [wheel] = WHEELS.glob("*.whl")
        self.wheel = f"/static/wheels/{wheel.name}"
        self.files = json.loads((ROOT / "static" / "micropython.json").read_text())["files"]
        self.archive = next(iter(self.files)).partition("#")[0]
        shutil.copytree(ROOT / "static", folder / "static")
        shutil.copytree(EXAMPLES, folder / "examples", ignore=shutil.ignore_patterns(*MADE))
        for page in (ROOT / "index.html", EXAMPLES / "index.html", *EXAMPLES.glob("*/index.html")):
            self.write(str(page.relative_to(ROOT)), page.read_text(encoding="utf-8"))
        shutil.copy(ROOT / "favicon.ico", folder)  # for pages that name none: a browser complains of the 404
        index = (ROOT / "index.html").read_text()
        body = index.partition("<body>")[2].partition("</body>")[0]
        self.demo_html = f'<link rel="stylesheet" href="/static/demo.css">{body}'
        self.demo_python = (ROOT / "static" / "demo.py").read_text()

    def write(self, path: str, text: str) -> None:
        file = self.folder / path.lstrip("/")
        file.parent.mkdir(parents=True, exist_ok=True)
        if path.endswith(".html"):
            text = text.replace("<head>", f"<head>{self._first}", 1)
        file.write_text(text, encoding="utf-8")

    def write_page(
        self,
        path: str,
        *,
        python: str,
        html: str,
        interpreter: str,
        head: str = "",
        config: dict[str, Any] | None = None,
        pyscript: str = f'<script type="module" src="{PYSCRIPT}"></script>',
    ) -> None:
        """A PyScript page; `config` says how it gets the client, by default as `python -m nextauth_client files` says,
        and `pyscript` how PyScript is loaded.
        """
        self.write(f"{path}.py", python)
        config = {"interpreter": INTERPRETERS[interpreter], **(config or {"files": self.files})}
        self.write(f"{path}.json", json.dumps(config))
        script = f'<script type="{SCRIPT_TYPES[interpreter]}" src="{path}.py" config="{path}.json"></script>'
        self.write(path, page(head + pyscript, f"{html}\n{script}"))


def page(head: str, body: str) -> str:
    return f"""<!doctype html>
<html lang="en">
<head><meta charset="utf-8"><title>A page under test</title><link rel="icon" href="data:,">{head}</head>
<body>
{body}
</body>
</html>
"""
