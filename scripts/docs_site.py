"""build/site: the docs as a site that needs no other host, with examples that run in its pages.

`.venv/bin/python -m scripts.docs_site build` builds it, and fails at a link that leads nowhere; `serve --port 3000`
shows it, and anew when a page changes. `make docs-site` and `make docs-serve` first install what that needs.
"""

from __future__ import annotations

import argparse
import os
import subprocess
import sys
from pathlib import Path

from scripts.environment import VENV_PYTHON
from scripts.steps import ROOT, SetupError, run, say

SITE = ROOT / "build" / "site"


MKDOCS: list[str | Path] = [VENV_PYTHON, "-m", "mkdocs"]
# The hooks are this checkout's; and the theme has news of its own for whoever builds a site.
ENVIRONMENT = {"PYTHONPATH": str(ROOT), "NO_MKDOCS_2_WARNING": "1"}


def build(folder: Path = SITE) -> Path:
    """Build the site into a folder, which is emptied. Raises `SetupError`."""
    run(
        [*MKDOCS, "build", "--quiet", "--strict", "--site-dir", folder],
        env=ENVIRONMENT,
        advice="The docs' site could not be built: the lines above say which page, and why.",
    )
    return folder


def serve(port: int) -> int:
    """Show the site until it is stopped; MkDocs says where."""
    command = [*MKDOCS, "serve", "--strict", "--dev-addr", f"127.0.0.1:{port}"]
    return subprocess.run(command, cwd=ROOT, env={**os.environ, **ENVIRONMENT}).returncode


def main(arguments: list[str]) -> int:
    parser = argparse.ArgumentParser(prog="python -m scripts.docs_site", description=__doc__)
    parser.add_argument("command", choices=["build", "serve"])
    parser.add_argument("--port", type=int, default=3000)
    options = parser.parse_args(arguments)
    try:
        if options.command == "serve":
            return serve(options.port)
        say(f"Docs: built {build().relative_to(ROOT)}")
    except SetupError as error:
        print(error, file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
