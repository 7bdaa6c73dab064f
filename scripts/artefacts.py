"""What has to be true of a wheel, of an sdist and of the changelog before they are released.

Each check gives sentences: what is wrong, and what to do. None is good.
"""

from __future__ import annotations

import email
import re
import tarfile
import zipfile
from collections.abc import Iterator
from email.message import Message
from pathlib import Path
from typing import NamedTuple

from scripts.distributions import Distribution
from scripts.steps import ROOT

STRAY = re.compile(
    r"(?:^|/)(tests?|test_[^/]*|conftest\.py|__pycache__|\.(?!gitignore$)[^/]*"
    r"|data|node_modules|secrets?(?:\.[^/]*)?|[^/]*\.(?:db|sqlite3|pem|key))(?:/|$)"
)
# Where the checkout and the home of who builds are; what is as short as /app stands in documentation, too.
PRIVATE_PLACES = [f"{place}/".encode() for place in (ROOT, Path.home()) if len(place.parts) > 2]
NEWEST = re.compile(r"^## (\S+)(?: \((.+)\))?$", re.M)  # of the changelog: version, day
FIELDS = ["Summary", "Description-Content-Type", "Requires-Python", "License-Expression", "Author", "Project-URL"]


class Artefact(NamedTuple):
    """A wheel or an sdist; `files` are without the folder that all of an sdist's are in."""

    name: str
    files: dict[str, bytes]

    @property
    def is_wheel(self) -> bool:
        return self.name.endswith(".whl")

    @property
    def metadata(self) -> Message:
        [text] = [self.files[name] for name in self.files if re.fullmatch(r"[^/]+\.dist-info/METADATA|PKG-INFO", name)]
        return email.message_from_bytes(text)


def read(path: Path) -> Artefact:
    if path.suffix == ".whl":
        with zipfile.ZipFile(path) as wheel:
            return Artefact(path.name, {name: wheel.read(name) for name in wheel.namelist()})
    with tarfile.open(path) as sdist:
        files = {member.name.partition("/")[2]: sdist.extractfile(member) for member in sdist.getmembers()}
        return Artefact(path.name, {name: file.read() for name, file in files.items() if file is not None})


def problems(artefact: Artefact, distribution: Distribution, version: str) -> list[str]:
    found = [*_wrong_metadata(artefact, distribution, version), *_missing(artefact), *_foreign(artefact, distribution)]
    return [f"{artefact.name}: {problem}" for problem in found]


def _wrong_metadata(artefact: Artefact, distribution: Distribution, version: str) -> Iterator[str]:
    metadata = artefact.metadata
    where = f"{distribution.folder.name}/pyproject.toml"
    if metadata["Name"] != distribution.name:
        yield f"is called {metadata['Name']}, not {distribution.name}: correct the name in {where}."
    if metadata["Version"] != version:
        yield f"has version {metadata['Version']}, the client {version}: let {where} read the client's."
    for field in FIELDS:
        if not metadata[field]:
            yield f"says no {field}: add it to {where}."
    if "Typing :: Typed" not in metadata.get_all("Classifier", []):
        yield f"lacks the classifier Typing :: Typed: add it to {where}."
    for needed in metadata.get_all("Requires-Dist", []):
        if needed.startswith("nextauth-") and "extra ==" not in needed and not needed.endswith(f"=={version}"):
            yield f"needs {needed}, which may be of another release: write `=={version}` into {where}."
    readme = distribution.readme.read_text(encoding="utf-8")
    text = metadata.get_payload(decode=True)
    if not isinstance(text, bytes) or text.decode().strip() != readme.strip():
        name = distribution.readme.relative_to(distribution.folder)
        yield f'does not describe itself by its README: write `readme = "{name}"` into {where}.'


def _missing(artefact: Artefact) -> Iterator[str]:
    licence = (ROOT / "LICENSE").read_bytes()
    if licence not in [text for name, text in artefact.files.items() if name.rpartition("/")[2] == "LICENSE"]:
        yield "brings no licence: put a copy of LICENSE beside its pyproject.toml, and name it in `license-files`."
    if not [name for name in artefact.files if name.rpartition("/")[2] == "py.typed"]:
        yield "has no py.typed, so that type checkers overlook its types: put it beside the package's __init__.py."


def _foreign(artefact: Artefact, distribution: Distribution) -> Iterator[str]:
    for name, content in artefact.files.items():
        top = name.partition("/")[0]
        if (
            artefact.is_wheel
            and top not in (distribution.package, distribution.plugin)
            and not top.endswith(".dist-info")
        ):
            yield f"brings {name}, not of {distribution.package}: take it out of pyproject.toml's `targets.wheel`."
        elif STRAY.search(name):
            yield f"brings {name}, which nobody needs who installs it: take it out of pyproject.toml's `targets`."
        for place in PRIVATE_PLACES:
            if place in content:
                yield f"names {place.decode()} in {name}, a place on this machine: write it without."


def too_large(file: Path, limit: int) -> list[str]:
    size = file.stat().st_size
    if size <= limit:
        return []
    return [f"{file.name}: has {size} bytes, and {limit} are allowed: make it smaller, or raise scripts/limits.py."]


def changelog_problems(changelog: str, version: str) -> list[str]:
    newest = NEWEST.search(changelog)
    if newest is None or newest[1] != version:
        begins = newest[1] if newest else "no version"
        return [f"CHANGELOG.md: begins with {begins}, not with {version}: write a heading `## {version} (the day)`."]
    if not re.fullmatch(r"unreleased|\d{4}-\d\d-\d\d", newest[2] or ""):
        return [f"CHANGELOG.md: says no day of {version}: write `## {version} (2030-12-31)`, with the day."]
    return []


def is_unreleased(changelog: str) -> bool:
    newest = NEWEST.search(changelog)
    return newest is not None and newest[2] == "unreleased"
