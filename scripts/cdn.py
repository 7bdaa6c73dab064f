"""What a page loads, laid out for a content delivery network: `<version>/`, and the lines to paste for it."""

from __future__ import annotations

import base64
import hashlib
from pathlib import Path

from nextauth_client.packing import ARCHIVE, KIND, SCRIPTS, make_archive, make_script


def write_cdn(folder: Path) -> None:
    """The archive and the scripts, into a folder that is made."""
    folder.mkdir(parents=True)
    (folder / ARCHIVE).write_bytes(make_archive())
    for name in SCRIPTS:
        (folder / f"nextauth-{name}.js").write_bytes(make_script(name))


def lines_to_paste(folder: Path, url: str) -> list[str]:
    """For pages that find the folder's files at `url`."""
    lines = [
        f'<script src="{url}/{script.name}" integrity="{integrity(script)}" crossorigin="anonymous"></script>'
        for script in sorted(folder.glob("*.js"))
    ]
    archive = f"{url}/{ARCHIVE}"
    return [
        *lines,
        f'"files": {{ "{archive}{KIND}": "./*" }}',
        f'fetch("{archive}", {{ integrity: "{integrity(folder / ARCHIVE)}" }})',
    ]


def integrity(file: Path) -> str:
    """The file's hash, as browsers compare it (Subresource Integrity)."""
    return "sha384-" + base64.b64encode(hashlib.sha384(file.read_bytes()).digest()).decode()
