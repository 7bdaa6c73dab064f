"""tests/support/javascript/build: a page of each JavaScript client, which tests put beside a Python page."""

from __future__ import annotations

import shutil
from pathlib import Path

from scripts.node import install_node, npm_ci
from scripts.steps import ROOT, Stamp, run, say

SOURCES = ROOT / "tests" / "support" / "javascript"
BUILD = SOURCES / "build"


def install_javascript_pages() -> None:
    sources = [path for path in sorted(SOURCES.iterdir()) if path.is_file()]
    stamp = Stamp(BUILD / ".stamp", *sources, Path(__file__).resolve())
    if stamp.is_fresh():
        return
    say("JavaScript clients: installing and bundling into tests/support/javascript/build")
    npm_ci(SOURCES)
    shutil.rmtree(BUILD, ignore_errors=True)
    run(
        [install_node().node, "build.mjs", BUILD],
        cwd=SOURCES,
        advice="The JavaScript clients' pages could not be bundled: the lines above say why.",
    )
    stamp.write()
