"""tests/backends/next: Next.js sites with NextAuth.js v3, v4 and Auth.js v5 in them, for `make test-next`."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

from scripts.backends import BACKENDS
from scripts.node import install_node, npm_ci
from scripts.steps import ROOT, Stamp, run, say

NEXT = ROOT / "tests" / "backends" / "next"
SHARED = NEXT / "shared"
SITES = ["v3", "v4", "v5"]
PACKAGES = {"next-auth-v3": "next-auth", "next-auth-v4": "next-auth", "next-auth-v5": "next-auth", "next": "next"}


def install_next_sites() -> None:
    lock = [NEXT / name for name in ("package.json", "package-lock.json", ".npmrc")]
    installed = Stamp(NEXT / "node_modules" / ".stamp", *lock)
    if not installed.is_fresh():
        say("Next.js: installing into tests/backends/next")
        npm_ci(NEXT)
        installed.write()
    modules = sorted(BACKENDS.glob("*.mjs"))
    sources = [path for site in SITES for path in sorted((NEXT / site).rglob("*")) if _is_source(path)]
    built = Stamp(SHARED / ".stamp", *lock, *modules, *sources)
    if built.is_fresh():
        return
    shutil.rmtree(SHARED, ignore_errors=True)
    SHARED.mkdir()
    for module in modules:
        shutil.copy(module, SHARED)
    for site in SITES:
        say(f"Next.js: building the site of {site}")
        run(
            [install_node().node, NEXT / "node_modules" / "next" / "dist" / "bin" / "next", "build", site],
            cwd=NEXT,
            env={"NEXT_TELEMETRY_DISABLED": "1"},
            advice=f"Next.js could not build tests/backends/next/{site}: the lines above say why.",
        )
    built.write()


def installed_versions() -> list[str]:
    """The packages with the versions that are installed, such as "next 16.4.6"."""
    manifests = {folder: NEXT / "node_modules" / folder / "package.json" for folder in PACKAGES}
    return [f"{PACKAGES[folder]} {json.loads(file.read_text())['version']}" for folder, file in manifests.items()]


def _is_source(path: Path) -> bool:
    return path.is_file() and ".next" not in path.parts
