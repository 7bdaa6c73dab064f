"""Build the three distributions into dist/, and look through them before somebody uploads them.

`.venv/bin/python -m scripts.release [--cdn URL]`; `make release-check` installs what it needs and runs it.
"""

from __future__ import annotations

import argparse
import shutil
import sys
import tempfile
from pathlib import Path

from nextauth_client.packing import ARCHIVE

from scripts import artefacts, limits
from scripts.cdn import lines_to_paste, write_cdn
from scripts.distributions import DISTRIBUTIONS, build
from scripts.empty_environment import EmptyEnvironment
from scripts.environment import VENV_PYTHON, download_dependencies
from scripts.local_index import serving, write_index
from scripts.steps import ROOT, SetupError, run, say

DIST = ROOT / "dist"
CHANGELOG = ROOT / "CHANGELOG.md"


def check(cdn: str) -> None:
    """Raises `SetupError`, after it has said everything that is wrong."""
    shutil.rmtree(DIST, ignore_errors=True)
    for distribution in DISTRIBUTIONS:
        build(distribution.folder, DIST, "sdist", "wheel")
    files = sorted(DIST.iterdir())
    say(f"Built {', '.join(file.name for file in files)}")

    version = run([VENV_PYTHON, "-m", "hatchling", "version"], advice="The client says no version.").strip()
    changelog = CHANGELOG.read_text(encoding="utf-8")
    if problems := [*artefacts.changelog_problems(changelog, version), *_problems(version)]:
        raise SetupError("\n".join(problems))
    run([VENV_PYTHON, "-m", "twine", "check", "--strict", *files], advice="twine refuses what was built, see above.")
    say(f"Version {version}, changelog, metadata, licences, types, contents, sizes: as they should be")

    with tempfile.TemporaryDirectory() as folder:
        install_each(Path(folder), version)
    say("Installed, each by its name in an empty environment, and imported")

    pages = DIST / "cdn" / version
    write_cdn(pages)
    if problems := artefacts.too_large(pages / ARCHIVE, limits.ARCHIVE):
        raise SetupError("\n".join(problems))
    say(f"For pages, {pages.relative_to(DIST.parent)}/:")
    for line in lines_to_paste(pages, f"{cdn.rstrip('/')}/{version}"):
        say(f"  {line}")
    if artefacts.is_unreleased(changelog):
        say(f"Before you upload: CHANGELOG.md says that {version} is unreleased; write the day there.")


def _problems(version: str) -> list[str]:
    """What is wrong with what lies in dist/."""
    problems = []
    for distribution in DISTRIBUTIONS:
        stem = f"{distribution.name.replace('-', '_')}-*"
        [wheel], [sdist] = DIST.glob(f"{stem}.whl"), DIST.glob(f"{stem}.tar.gz")
        for file in (wheel, sdist):
            problems += artefacts.problems(artefacts.read(file), distribution, version)
        problems += artefacts.too_large(wheel, limits.WHEELS[distribution.name])
        if wheel_of(sdist) != wheel.read_bytes():
            problems.append(f"{sdist.name}: gives another wheel than the checkout: see its `targets.sdist`.")
    return problems


def wheel_of(sdist: Path) -> bytes:
    """The wheel that is built of an sdist alone, as pip does where there is no other."""
    with tempfile.TemporaryDirectory() as name:
        source, wheels = Path(name, "source"), Path(name, "wheels")
        for file, content in artefacts.read(sdist).files.items():
            (source / file).parent.mkdir(parents=True, exist_ok=True)
            (source / file).write_bytes(content)
        build(source, wheels, "wheel")
        [wheel] = wheels.iterdir()
        return wheel.read_bytes()


def install_each(folder: Path, version: str) -> None:
    """Each by its name, from an index in the folder that holds what was built and what that depends on."""
    index = folder / "index"
    download_dependencies(index)
    for wheel in DIST.glob("*.whl"):
        shutil.copy(wheel, index)
    write_index(index)
    with serving(index) as url:
        for distribution in DISTRIBUTIONS:
            environment = EmptyEnvironment(folder / distribution.name)
            environment.install(distribution.name, index=url)
            environment.execute(f"import {distribution.package}")
            code = f"import importlib.metadata as m; print(m.version({distribution.name!r}))"
            if (installed := environment.execute(code)) != version:
                raise SetupError(f"pip installed {distribution.name} {installed}, not {version}.")


def main(arguments: list[str]) -> int:
    parser = argparse.ArgumentParser(prog="python -m scripts.release", description=__doc__)
    parser.add_argument("--cdn", metavar="URL", default="https://cdn.example", help="where dist/cdn/ will be found")
    try:
        check(parser.parse_args(arguments).cdn)
    except SetupError as error:
        print(error, file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
