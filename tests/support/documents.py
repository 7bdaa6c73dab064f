"""The files that a page of the documentation shows, run as they stand there."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path

from scripts.steps import ROOT


def commands(file: str, heading: str) -> list[str]:
    """What a file of the checkout says to type below a heading, line by line, without the remarks beside it."""
    text = (ROOT / file).read_text(encoding="utf-8").partition(f"{heading}\n")[2]
    block = re.search(r"^```sh\n(.*?)^```$", text, re.MULTILINE | re.DOTALL)
    assert block is not None, f"{file} says nothing to type below {heading!r}"
    return [re.sub(r" +#.*", "", line) for line in block[1].splitlines()]


def code_of(page: str, section: str) -> str:
    """The first Python of a section."""
    text = (ROOT / "docs" / page).read_text(encoding="utf-8").partition(f"## {section}\n")[2]
    code = re.search(r"^```python\n(.*?)^```$", text, re.MULTILINE | re.DOTALL)
    assert code is not None, f"docs/{page} has no Python in {section!r}"
    return code[1]


def files_of(page: str, section: str) -> dict[str, str]:
    """The files of a section, by the name that their first line has; sections are `## title` or `**title**`."""
    text = (ROOT / "docs" / page).read_text(encoding="utf-8")
    found = re.search(
        rf"^(?:## {section}|\*\*{section}\*\*.*?)\n(.*?)(?=^## |^\*\*|\Z)", text, re.MULTILINE | re.DOTALL
    )
    assert found is not None, f"docs/{page} has no section {section!r}"
    blocks = re.findall(r"^```\w+\n(?:# |<!-- )(\S+)(?: -->)?\n(.*?)^```$", found[1], re.MULTILINE | re.DOTALL)
    assert blocks, f"docs/{page} shows no file in {section!r}"
    return dict(blocks)


def write(files: dict[str, str], folder: Path) -> None:
    for name, text in files.items():
        (folder / name).write_text(text, encoding="utf-8")


def environment() -> dict[str, str]:
    """In which Python has the checkout's own packages, whatever is installed."""
    return {**os.environ, "PYTHONPATH": os.pathsep.join(map(str, (ROOT / "client", ROOT / "server", ROOT)))}


def pytest_passes(folder: Path, *words: str) -> int:
    """How many tests of the folder pass; all have to."""
    command = [sys.executable, "-m", "pytest", "-q", "-W", "error", "-p", "no:cacheprovider", *words]
    done = subprocess.run(command, cwd=folder, env=environment(), capture_output=True, encoding="utf-8")
    passed = re.search(r"^(\d+) passed in", done.stdout, re.MULTILINE)
    assert done.returncode == 0 and passed is not None, done.stdout + done.stderr
    return int(passed[1])
