"""A virtual environment with nothing in it, for what was just built."""

from __future__ import annotations

import os
import sys
import venv
from pathlib import Path

from scripts.environment import VENV_PYTHON
from scripts.steps import run


class EmptyEnvironment:
    """It has no pip of its own: the checkout's installs into it, from the one index that it is told and no other."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        venv.create(folder)
        self.programs = folder / ("Scripts" if sys.platform == "win32" else "bin")
        self.python = self.programs / "python"

    def install(self, *arguments: str, index: str) -> None:
        """Raises `SetupError` when pip finds no way."""
        pip = [str(VENV_PYTHON), "-m", "pip", "--python", str(self.python), "--isolated", "--disable-pip-version-check"]
        run(
            [*pip, "install", "--quiet", "--no-compile", "--index-url", index, *arguments],
            cwd=self.folder,
            env={"PIP_CONFIG_FILE": os.devnull},  # which may name other indexes
            advice=f"`pip install {' '.join(arguments)}` failed: the lines above say why.",
        )

    def execute(self, code: str) -> str:
        """What the code prints. Raises `SetupError` when it fails, or warns."""
        return run(
            [self.python, "-I", "-W", "error", "-c", code],
            cwd=self.folder,
            advice="What was installed does not run: the lines above say why.",
        ).strip()

    def packages(self) -> set[str]:
        code = "import importlib.metadata as m; print(*(d.name for d in m.distributions()))"
        return set(self.execute(code).split())
