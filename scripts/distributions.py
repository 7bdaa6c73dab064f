"""The three distributions that are released together: what they are called, where they are, and how one is built."""

from __future__ import annotations

from pathlib import Path
from typing import NamedTuple

from scripts.environment import SERVER, STUB, VENV_PYTHON
from scripts.steps import ROOT, run


class Distribution(NamedTuple):
    name: str  # to pip
    folder: Path  # with its pyproject.toml
    package: str  # to `import`
    readme: Path  # that an index shows
    plugin: str | None = None  # a module of pytest's beside the package


DISTRIBUTIONS = (
    Distribution(
        "nextauth-client", ROOT, "nextauth_client", ROOT / "client" / "README.md", "pytest_nextauth_client.py"
    ),
    Distribution("nextauth-server", SERVER, "nextauth_server", SERVER / "README.md"),
    Distribution("nextauth-server-stub", STUB, "server_stub", STUB / "README.md"),
)


def build(source: Path, folder: Path, *kinds: str) -> None:
    """Build what lies in `source`, a "wheel" or "sdist" or both. The same sources always give the same bytes."""
    run(
        [VENV_PYTHON, "-m", "hatchling", "build", *[word for kind in kinds for word in ("-t", kind)], "-d", folder],
        cwd=source,
        # With the variable set, the date in what is built would be the caller's.
        env={"SOURCE_DATE_EPOCH": "1580601600"},
        advice=f"{source.name} could not be built: the lines above say why.",
    )
