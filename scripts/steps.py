"""What set-up steps are made with: commands whose failure says what to do, and stamps to run a step once."""

from __future__ import annotations

import hashlib
import os
import shlex
import shutil
import subprocess
from collections.abc import Mapping, Sequence
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent


class SetupError(Exception):
    """A step cannot go on. The message is one sentence that says what to type."""


def say(line: str) -> None:
    print(line, flush=True)


def run(command: Sequence[str | Path], *, advice: str, cwd: Path = ROOT, env: Mapping[str, str] | None = None) -> str:
    """Run a command quietly and return its output.

    When it fails, show what it printed and raise SetupError with the advice.
    """
    try:
        done = subprocess.run(
            [str(word) for word in command],
            cwd=cwd,
            env={**os.environ, **(env or {})},
            stdin=subprocess.DEVNULL,
            capture_output=True,
            encoding="utf-8",
            errors="replace",
        )
    except OSError as error:
        raise SetupError(f"{advice} ({error})") from error
    if done.returncode != 0:
        say(f"$ {shlex.join(str(word) for word in command)}\n{done.stdout}{done.stderr}".rstrip())
        raise SetupError(advice)
    return done.stdout


def apt_install(package: str) -> bool:
    """Install a Debian package, if this is Debian and we are root. Says whether it did."""
    if shutil.which("apt-get") is None or os.geteuid() != 0:
        return False
    say(f"{package}: installing Debian's package")
    quiet = {"DEBIAN_FRONTEND": "noninteractive"}
    try:
        run(["apt-get", "update"], advice="", env=quiet)
        run(["apt-get", "install", "--yes", "--no-install-recommends", package], advice="", env=quiet)
    except SetupError:
        return False
    return True


class Stamp:
    """A small file that says what a step's result was made from: files, folders and plain words.

    It lies in the folder that the step makes, so that who removes the folder removes the stamp.
    """

    def __init__(self, path: Path, *inputs: Path | str) -> None:
        self._path = path
        self._inputs = inputs

    def is_fresh(self) -> bool:
        try:
            return self._path.read_text() == self._digest()
        except FileNotFoundError:
            return False

    def write(self) -> None:
        self._path.write_text(self._digest())

    def _digest(self) -> str:
        digest = hashlib.sha256()
        for given in self._inputs:
            for part in _source_files(given) if isinstance(given, Path) else [given]:
                digest.update(f"{part}\n".encode())
                if isinstance(part, Path):
                    digest.update(hashlib.sha256(part.read_bytes()).digest())
        return digest.hexdigest()


def _source_files(path: Path) -> list[Path]:
    if path.is_file():
        return [path]
    return sorted(file for file in path.rglob("*") if file.is_file() and "__pycache__" not in file.parts)
