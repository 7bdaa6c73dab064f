"""static/wheels and static/client: the client as the wheel, and as the archives that the checkout's pages load."""

from __future__ import annotations

import shutil
from pathlib import Path

from scripts.distributions import build
from scripts.environment import VENV_PYTHON
from scripts.steps import ROOT, Stamp, run, say

WHEELS = ROOT / "static" / "wheels"
ARCHIVE = ROOT / "static" / "client"


def install_wheel() -> None:
    inputs = [
        ROOT / "client",
        ROOT / "examples" / "page",  # which is a link there
        *[ROOT / name for name in ("pyproject.toml", "LICENSE")],
    ]
    stamp = Stamp(WHEELS / ".stamp", *inputs)
    if stamp.is_fresh():
        return
    wheel = build_wheel(ROOT, WHEELS)
    say(f"Wheel: built static/wheels/{wheel.name} ({wheel.stat().st_size // 1024} KB)")
    stamp.write()


def install_archive() -> None:
    package = ROOT / "client" / "nextauth_client"
    stamp = Stamp(ARCHIVE / ".stamp", package)
    if stamp.is_fresh():
        return
    shutil.rmtree(ARCHIVE, ignore_errors=True)
    run(
        [VENV_PYTHON, "-m", package.name, "files", ARCHIVE, "--devtools"],
        env={"PYTHONPATH": str(package.parent)},
        advice="The client could not be packed for pages: the lines above say why.",
    )
    [archive] = ARCHIVE.glob(f"{package.name}.*")
    say(f"Client: packed {archive.relative_to(ROOT)} ({archive.stat().st_size // 1024} KB)")
    stamp.write()


def build_wheel(checkout: Path, folder: Path) -> Path:
    """Build the client's wheel into an emptied folder."""
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)
    build(checkout, folder, "wheel")
    [wheel] = folder.glob("*.whl")
    return wheel
