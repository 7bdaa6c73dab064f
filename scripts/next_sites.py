"""Next.js sites for `make test-next`: NextAuth.js v3, v4 and Auth.js v5 in tests/backends/next, and examples/nextjs."""

from __future__ import annotations

import json
import os
import shutil
from pathlib import Path

from scripts.backends import BACKENDS
from scripts.node import install_node, npm_ci
from scripts.steps import ROOT, Stamp, run, say

NEXT = ROOT / "tests" / "backends" / "next"
SHARED = NEXT / "shared"
SITES = ["v3", "v4", "v5"]
LOCK = [NEXT / name for name in ("package.json", "package-lock.json", ".npmrc")]
EXAMPLE = ROOT / "examples" / "nextjs"
BUILT_EXAMPLE = ROOT / "build" / "nextjs"  # as deep in the checkout, so that it finds static/ as the example does
MADE = {".next", "node_modules", "static"}  # in the folder of an example or a site, by who starts or builds it there
PACKAGES = {"next-auth-v3": "next-auth", "next-auth-v4": "next-auth", "next-auth-v5": "next-auth", "next": "next"}


def install_next_sites() -> None:
    installed = Stamp(NEXT / "node_modules" / ".stamp", *LOCK)
    if not installed.is_fresh():
        say("Next.js: installing into tests/backends/next")
        npm_ci(NEXT)
        installed.write()
    _build_sites()
    _build_example()


def installed_versions() -> list[str]:
    """The packages with the versions that are installed, such as "next 16.4.6"."""
    manifests = {folder: NEXT / "node_modules" / folder / "package.json" for folder in PACKAGES}
    return [f"{PACKAGES[folder]} {json.loads(file.read_text())['version']}" for folder, file in manifests.items()]


def _build_sites() -> None:
    modules = sorted(BACKENDS.glob("*.mjs"))
    sources = [path for site in SITES for path in sorted((NEXT / site).rglob("*")) if _is_source(path)]
    built = Stamp(SHARED / ".stamp", *LOCK, *modules, *sources)
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


def _build_example() -> None:
    """By its own `prestart`, with the packages of tests/backends/next instead of an installation of its own."""
    sources = [path for path in sorted(EXAMPLE.rglob("*")) if _is_source(path)]
    built = Stamp(BUILT_EXAMPLE / ".stamp", *LOCK, *sources, ROOT / "static")
    if built.is_fresh():
        return
    say("Next.js: building examples/nextjs")
    shutil.rmtree(BUILT_EXAMPLE, ignore_errors=True)
    shutil.copytree(EXAMPLE, BUILT_EXAMPLE, ignore=shutil.ignore_patterns(*MADE))
    modules = BUILT_EXAMPLE / "node_modules"
    modules.mkdir()
    links = {"next-auth": "next-auth-v5", **{name: name for name in ("next", "react", "react-dom", ".bin")}}
    for name, folder in links.items():
        (modules / name).symlink_to(NEXT / "node_modules" / folder)
    node = install_node()
    run(
        [node.npm, "run", "prestart"],
        cwd=BUILT_EXAMPLE,
        env={"NEXT_TELEMETRY_DISABLED": "1", "PATH": os.pathsep.join([str(node.node.parent), os.environ["PATH"]])},
        advice="Next.js could not build examples/nextjs: the lines above say why.",
    )
    built.write()


def _is_source(path: Path) -> bool:
    return path.is_file() and MADE.isdisjoint(path.relative_to(ROOT).parts)
