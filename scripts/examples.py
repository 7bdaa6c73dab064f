"""The folders of examples/ that `make example` starts: each that has a README. Its other files say what it needs."""

from __future__ import annotations

from scripts.steps import ROOT

EXAMPLES = ROOT / "examples"
NAMES = sorted(readme.parent.name for readme in EXAMPLES.glob("*/README.md"))


def has(name: str, file: str) -> bool:
    """Whether that example has the file: `requirements.txt` if it is an app of Python, `package.json` if of Node.js."""
    return (EXAMPLES / name / file).is_file()
