"""What `scripts/backends.py` and `scripts/next_sites.py` install."""

from __future__ import annotations

import json
import re
from pathlib import Path

import pytest

from scripts.backends import BACKENDS, installed_versions, pinned_versions
from scripts.next_sites import EXAMPLE, NEXT

both = pytest.mark.parametrize("folder", [BACKENDS, NEXT], ids=["node", "next"])


@both
def test_the_lock_file_names_no_address(folder: Path) -> None:
    names = ["package.json", "package-lock.json", ".npmrc"]
    found = [name for name in names if re.search(r"https?://", (folder / name).read_text())]
    assert found == [], "npm writes `funding` entries into the lock file, which nothing needs: remove them"


@both
def test_the_lock_file_has_every_package_that_it_asks_for(folder: Path) -> None:
    packages = json.loads((folder / "package-lock.json").read_text())["packages"]
    locked = {path.rpartition("node_modules/")[2] for path in packages}
    asked = {name for entry in packages.values() for name in entry.get("optionalDependencies", {})}
    advice = "`npm ci` refuses it: `npm install --package-lock-only`, once more after a registry was out of reach"
    assert sorted(asked - locked) == [], advice


@both
def test_versions_are_pinned(folder: Path) -> None:
    pinned = json.loads((folder / "package.json").read_text())["dependencies"].values()
    wanted = [version.rpartition("@")[2] for version in pinned]
    assert [version for version in wanted if not re.fullmatch(r"\d+\.\d+\.\d+(-beta\.\d+)?", version)] == []


def test_the_pinned_versions_are_installed() -> None:
    assert installed_versions() == pinned_versions()


def test_the_example_of_next_js_asks_for_the_versions_that_the_tests_run() -> None:
    wanted = json.loads((EXAMPLE / "package.json").read_text())["dependencies"]
    tested = json.loads((NEXT / "package.json").read_text())["dependencies"]
    tested["next-auth"] = tested["next-auth-v5"].removeprefix("npm:next-auth@")
    assert wanted == {name: tested[name] for name in wanted}
