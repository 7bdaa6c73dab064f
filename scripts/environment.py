"""The checkout's virtual environment, `.venv`."""

from __future__ import annotations

import importlib.util
import json
import re
import sys
from collections.abc import Sequence
from pathlib import Path

from scripts.examples import EXAMPLES
from scripts.steps import ROOT, SetupError, Stamp, apt_install, run, say

VENV = ROOT / ".venv"
VENV_PYTHON = VENV / "bin" / "python"
CONSTRAINTS = ROOT / "constraints.txt"
PIP = ROOT / "scripts" / "pip.txt"
SERVER = ROOT / "server"
STUB = ROOT / "server_stub"


def pip(command: str, *arguments: str | Path) -> None:
    run(
        [VENV_PYTHON, "-m", "pip", "--disable-pip-version-check", command, "--quiet", *arguments],
        advice="pip failed, see above: when the package index can be reached, type the same command again.",
    )


def pip_install(*requirements: str) -> None:
    """Install into `.venv`, in the versions and with the hashes that constraints.txt pins, and nothing else."""
    pip("install", "--require-hashes", "--constraint", CONSTRAINTS, *requirements)


def install_runtime() -> None:
    """What the demo needs: the client, and what the backend depends on."""
    _install("runtime")


def install_dev() -> None:
    """What tests, style and types need."""
    _install("dev", "dev")


def install_app(framework: str) -> None:
    """What an app of the examples needs, and the demo."""
    _install(f"example-{framework}", frameworks=[framework])


def _install(name: str, *extras: str, frameworks: Sequence[str] = ()) -> None:
    _create()
    # An environment for development holds whatever the demo needs.
    if _installed(name).is_fresh() or _installed("dev").is_fresh():
        return
    say(f"Python packages: installing into .venv ({name})")
    # hatchling comes first: it reads what is needed, and builds in no environment of its own, unpinned.
    pip_install("hatchling")
    # The backend itself runs from the checkout, where no copy of it can be stale.
    pip_install(*_foreign(*_dependencies(ROOT, *extras)), *_of_servers(frameworks))
    # A folder has no hash, so it is installed by itself.
    for folder in (ROOT, SERVER):
        pip("install", "--no-index", "--no-deps", "--no-build-isolation", "--editable", folder)
    _installed(name).write()


def download_dependencies(folder: Path, *frameworks: str) -> None:
    """The wheels of all that it takes to build the distributions, and to run them and these examples, in the pinned
    versions, but not their own.
    """
    pinned = ["--only-binary=:all:", "--require-hashes", "--constraint", str(CONSTRAINTS)]
    pip("download", *pinned, "--dest", folder, "hatchling", *_of_servers(frameworks))


def listed_in(folder: Path) -> list[str]:
    """The requirements of an app, without comments."""
    lines = (folder / "requirements.txt").read_text(encoding="utf-8").splitlines()
    return [requirement for line in lines if (requirement := line.partition("#")[0].strip())]


def _of_servers(frameworks: Sequence[str]) -> list[str]:
    """What the two distributions for servers need, and the examples of these frameworks."""
    listed = [requirement for framework in frameworks for requirement in listed_in(EXAMPLES / framework)]
    return _foreign(*_dependencies(SERVER, *frameworks), *_dependencies(STUB), *listed)


def _foreign(*requirements: str) -> list[str]:
    return [requirement for requirement in requirements if not requirement.startswith("nextauth-")]


def _installed(name: str) -> Stamp:
    projects = [folder / "pyproject.toml" for folder in (ROOT, SERVER, STUB)]
    return Stamp(VENV / f".installed-{name}", *projects, CONSTRAINTS)


def _dependencies(folder: Path, *extras: str) -> list[str]:
    """What a distribution of the checkout needs, with some of its extras."""
    metadata = json.loads(
        run(
            [VENV_PYTHON, "-m", "hatchling", "metadata"],
            cwd=folder,
            advice=f"{folder.name}/pyproject.toml cannot be read, see above: correct it.",
        )
    )
    found = list(metadata.get("dependencies", []))
    for extra in extras:
        for requirement in metadata["optional-dependencies"][extra]:
            # An extra may name others of the same distribution: nextauth-client[test].
            own = re.fullmatch(rf"{metadata['name']}\[(.+)\]", requirement)
            found += _dependencies(folder, *own[1].split(",")) if own else [requirement]
    return found


def _create() -> None:
    stamp = Stamp(VENV / ".created", sys.version, sys.base_prefix, PIP)
    if stamp.is_fresh() and VENV_PYTHON.exists():
        return
    if VENV.is_symlink():
        raise SetupError(".venv is a link, and what it leads to may be used elsewhere: remove the link.")
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
    pip("install", "--require-hashes", "--requirement", PIP)
    stamp.write()
