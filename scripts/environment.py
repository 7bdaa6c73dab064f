"""The checkout's virtual environment, `.venv`."""

from __future__ import annotations

import importlib.util
import json
import sys
from pathlib import Path

from scripts.steps import ROOT, SetupError, Stamp, apt_install, run, say

VENV = ROOT / ".venv"
VENV_PYTHON = VENV / "bin" / "python"
CONSTRAINTS = ROOT / "constraints.txt"
STUB = ROOT / "server_stub"


def pip(command: str, *arguments: str | Path) -> None:
    run(
        [VENV_PYTHON, "-m", "pip", "--disable-pip-version-check", command, "--quiet", *arguments],
        advice="pip failed, see above: when the package index can be reached, type the same command again.",
    )


def pip_install(*arguments: str) -> None:
    """Install into `.venv`, in the versions that constraints.txt pins."""
    pip("install", "--constraint", CONSTRAINTS, *arguments)


def install_runtime() -> None:
    """What the demo needs: the client, and what the backend depends on."""
    _install("runtime", "--editable", ".")


def install_dev() -> None:
    """What tests, style and types need."""
    _install("dev", "--editable", ".[dev]")


def _install(name: str, *requirements: str) -> None:
    _create()
    # An environment for development holds whatever the demo needs.
    if _installed(name).is_fresh() or _installed("dev").is_fresh():
        return
    say(f"Python packages: installing into .venv ({name})")
    # hatchling comes first: once it is there, nothing is built in an environment of its own, unpinned.
    pip_install("hatchling")
    pip_install("--no-build-isolation", *requirements, *_stub_dependencies())
    _installed(name).write()


def _installed(name: str) -> Stamp:
    return Stamp(VENV / f".installed-{name}", ROOT / "pyproject.toml", STUB / "pyproject.toml", CONSTRAINTS)


def _stub_dependencies() -> list[str]:
    """What the backend needs. The backend itself runs from the checkout, where no copy of it can be stale."""
    dependencies = run(
        [VENV_PYTHON, "-m", "hatchling", "metadata", "dependencies"],
        cwd=STUB,
        advice="server_stub/pyproject.toml cannot be read, see above: correct it.",
    )
    return list(json.loads(dependencies))


def _create() -> None:
    stamp = Stamp(VENV / ".created", sys.version, sys.base_prefix)
    if stamp.is_fresh() and VENV_PYTHON.exists():
        return
    if importlib.util.find_spec("ensurepip") is None:
        # Debian and Ubuntu keep it in a package of its own.
        package = f"python{sys.version_info.major}.{sys.version_info.minor}-venv"
        if not apt_install(package):
            raise SetupError(f"Python cannot make virtual environments: type `sudo apt install {package}`.")
    say(f"Virtual environment: creating .venv with Python {sys.version.split()[0]}")
    run(
        [sys.executable, "-m", "venv", "--clear", VENV],
        advice="`python3 -m venv .venv` failed: choose another Python with `make PYTHON=/path/to/python3 …`.",
    )
    stamp.write()
