"""What `python -m nextauth_client new` writes: a page of one's own that runs, and the app beside it.

The page is in this package, the apps are in nextauth_server; what runs in the page comes from `write_client`.
"""

import json
import re
import shlex
import shutil
import sys
import tempfile
from importlib.util import find_spec
from pathlib import Path

from . import __version__

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Callable, Optional

PACKAGE = Path(__file__).resolve().parent
PAGE = PACKAGE / "page"
FRAMEWORKS = {"fastapi": "FastAPI", "django": "Django", "flask": "Flask"}

# What a page loads, in the versions that the tests run with.
PYSCRIPT = "@pyscript/core"
MICROPYTHON = "@micropython/micropython-webassembly-pyscript"
VERSIONS = {PYSCRIPT: "0.7.31", MICROPYTHON: "1.28.0-6"}
CDN = "https://cdn.jsdelivr.net/npm/"

# A folder of runtimes: its name, the one that npm gives it below node_modules, and the files that the page loads.
RUNTIMES = {
    "pyscript": (f"{PYSCRIPT}/dist", "core.js", ["*.js", "*.css"]),
    "micropython": (MICROPYTHON, "micropython.mjs", ["micropython.mjs", "micropython.wasm"]),
}
CORE = "/runtimes/pyscript/core.js"
INTERPRETER = "/runtimes/micropython/micropython.mjs"
# What only a page with an app has.
MARKED = re.compile(r" *<!-- app: from here -->\n(.*?) *<!-- to here -->\n", re.DOTALL)
ACCOUNT = "account.py"
# What is released together with this, as a line of requirements.
OURS = re.compile("nextauth-.*")


class CannotStart(Exception):
    """The folder cannot be made. The message says why, and what to type instead."""


def make_folder(
    folder: Path,
    *,
    write_client: "Callable[[Path], dict[str, dict[str, str]]]",
    framework: "Optional[str]" = None,
    runtimes: "Optional[Path]" = None,
) -> str:
    """Make a folder that runs, and return how to start it, for people.

    `write_client(pages)` puts the package into the folder of pages, and returns PyScript's configuration to load it.
    `framework` is one of `FRAMEWORKS`; without one the page is for the development backend. `runtimes` is a folder
    that holds PyScript and MicroPython (see `find_runtimes`), which are copied; without it the page loads them from
    a CDN. Raises `CannotStart`, and nothing is written then.
    """
    _check(folder)
    app = _app(framework) if framework else None
    sources = find_runtimes(runtimes) if runtimes else None
    try:
        with tempfile.TemporaryDirectory(prefix=".nextauth-", dir=folder.resolve().parent) as beside:
            made = Path(beside) / "made"
            made.mkdir()
            _write(made, app, write_client, sources)
            if folder.exists():  # and empty
                for child in sorted(made.iterdir()):
                    child.rename(folder / child.name)
            else:
                made.rename(folder)
    except OSError as error:
        raise CannotStart(f"{folder} could not be written: {error}. Name a folder that can be written.") from error
    return _how_to_start(folder, sources is not None)


def find_runtimes(folder: Path) -> "dict[str, Path]":
    """Where PyScript and MicroPython are in a folder: in `pyscript` and `micropython`, or as npm installs them.

    Raises `CannotStart`.
    """
    found = {}
    for name, (package, needed, _) in RUNTIMES.items():
        places = [place for place in (folder / name, folder / package) if (place / needed).is_file()]
        if not places:
            raise CannotStart(
                f"{folder} holds no {needed} in {name} or {package}. Type `{_npm_install()}`, and name the folder "
                "node_modules that it makes: --runtimes node_modules"
            )
        found[name] = places[0]
    return found


def start_commands(folder: Path) -> "list[str]":
    """What its README says to type in a folder that `make_folder` has made: the last one starts it."""
    readme = (folder / "README.md").read_text(encoding="utf-8")
    return readme.partition("```sh\n")[2].partition("```")[0].splitlines()


def _check(folder: Path) -> None:
    name = folder.name
    if not name.isprintable() or "\\" in name:
        raise CannotStart(f"{name!r} is no name for a folder: type, for example, mypage")
    try:
        if not folder.resolve().parent.is_dir():
            raise CannotStart(f"There is no folder {folder.parent} to make {name} in: make that first.")
        if folder.resolve().is_relative_to(PACKAGE):
            raise CannotStart(f"{folder} belongs to the package itself: name one of your own")
        if folder.exists() and not folder.is_dir():
            raise CannotStart(f"{folder} is a file already: choose another name")
        if folder.exists() and any(folder.iterdir()):
            raise CannotStart(f"{folder} is not empty, and nothing in it is written over: choose another name")
    except OSError as error:
        raise CannotStart(f"{folder} could not be made: {error}. Type, for example, mypage") from error


def _app(framework: str) -> Path:
    """The folder with an app's files. Raises `CannotStart`."""
    found = find_spec("nextauth_server")
    app = Path(found.origin).parent / "examples" / framework if found and found.origin else None
    if app is None or not app.is_dir():
        raise CannotStart(
            f"The {FRAMEWORKS[framework]} app is in nextauth_server, of this version: type "
            f'`python -m pip install --upgrade "nextauth-server[{framework}]"`, and the same command again'
        )
    return app


def _write(
    made: Path,
    app: "Optional[Path]",
    write_client: "Callable[[Path], dict[str, dict[str, str]]]",
    runtimes: "Optional[dict[str, Path]]",
) -> None:
    is_made = shutil.ignore_patterns("__pycache__", "data")
    shutil.copytree(PAGE, made, dirs_exist_ok=True, ignore=is_made)
    if app:
        shutil.copytree(app, made, dirs_exist_ok=True, ignore=is_made)
    pages = made / "pages"
    if not app:
        (pages / ACCOUNT).unlink()
    config: "dict[str, object]" = {"interpreter": INTERPRETER}
    config.update(write_client(pages))
    page = MARKED.sub(r"\1" if app else "", (pages / "index.html").read_text(encoding="utf-8"))
    if runtimes:
        for runtime, source in runtimes.items():
            (pages / "runtimes" / runtime).mkdir(parents=True)
            for pattern in RUNTIMES[runtime][2]:
                for file in source.glob(pattern):
                    shutil.copyfile(file, pages / "runtimes" / runtime / file.name)
    else:
        page = page.replace(CORE, _at_cdn(PYSCRIPT, "dist/core.js"))
        config["interpreter"] = _at_cdn(MICROPYTHON, "micropython.mjs")
    (pages / "index.html").write_text(page, encoding="utf-8")
    requirements = made / "requirements.txt"
    needed = requirements.read_text(encoding="utf-8") if app else "nextauth-server-stub\n"
    requirements.write_text(OURS.sub(rf"\g<0>{compatible(__version__)}", needed), encoding="utf-8")
    (pages / "pyscript.json").write_text(json.dumps(config, indent=2) + "\n", encoding="utf-8")


def compatible(version: str) -> str:
    """A requirement's versions that break nothing which works with this one (semver.org)."""
    major, minor = map(int, version.split(".")[:2])
    return f">={version},<{major + 1}" if major else f">={version},<0.{minor + 1}"


def _at_cdn(package: str, file: str) -> str:
    return f"{CDN}{package}@{VERSIONS[package]}/{file}"


def _npm_install() -> str:
    return "npm install " + " ".join([f"{package}@{version}" for package, version in VERSIONS.items()])


def change_to(folder: str) -> str:
    """What a shell takes for going there; Windows' know no single quotes."""
    if folder.startswith("-"):  # which is an option to `cd`
        folder = f"./{folder}"
    return f'cd "{folder}"' if sys.platform == "win32" else f"cd {shlex.quote(folder)}"


def _how_to_start(folder: Path, is_offline: bool) -> str:
    lines = [change_to(str(folder))] + start_commands(folder)
    if is_offline:
        loads = (
            "It holds PyScript and MicroPython, and works offline. With --cdn the page loads them from a CDN instead."
        )
    else:
        loads = (
            "The page loads PyScript and MicroPython from a CDN. For one that works offline, type here, instead,\n"
            f"`{_npm_install()}`, and this command once more, with another name and --runtimes node_modules."
        )
    typed = "\n".join(["    " + line for line in lines])
    sign_in = "Then open http://localhost:3000 and sign in as ada with the password lovelace."
    return f"{folder} is made. Start it:\n\n{typed}\n\n{sign_in}\n{loads}"
