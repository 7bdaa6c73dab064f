"""What a page needs of this package, for whoever installed only the wheel (docs/pages.md)."""

import argparse
import json
import sys
from pathlib import Path
from urllib.parse import quote

from .packing import PACKAGE, SCRIPTS, make_script, write_archives, write_client
from .starting import FRAMEWORKS, CannotStart, make_folder

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Optional

FILES_HELP = """Write the modules that run in a page into FOLDER, as one archive without comments and docstrings, and
print PyScript's configuration to load it."""
NEW_HELP = """Make FOLDER, with a page that signs in and the app that it signs in to, or without one of those below for
the development backend. It says how to start it."""
VENDOR = Path("static", "vendor")  # in a checkout


def main(arguments: "list[str]") -> int:
    parser = argparse.ArgumentParser(prog="python -m " + PACKAGE.name, description=__doc__)
    commands = parser.add_subparsers(dest="command", metavar="COMMAND", required=True)
    for name, (_, what) in SCRIPTS.items():
        commands.add_parser(
            name, help=f"print the script {what}", description=f"Print nextauth-{name}.js, the script {what}."
        )
    files = commands.add_parser("files", help="write the modules for a page into a folder", description=FILES_HELP)
    files.add_argument("folder", type=Path, metavar="FOLDER", help="is made where there is none")
    files.add_argument("--url", help="where pages find the folder, by default /FOLDER")
    files.add_argument(
        "--devtools", action="store_true", help="write the developer tools, too, as an archive of their own"
    )
    new = commands.add_parser("new", help="make a folder with a page of your own that runs", description=NEW_HELP)
    new.add_argument("folder", type=Path, metavar="FOLDER", help="its name, such as mypage")
    app = new.add_mutually_exclusive_group()
    for name, title in FRAMEWORKS.items():
        app.add_argument(
            "--" + name, dest="framework", action="store_const", const=name, help=f"with a {title} app, and its users"
        )
    loads = new.add_mutually_exclusive_group()
    loads.add_argument("--cdn", action="store_true", help="the page loads PyScript from a CDN, as without an option")
    loads.add_argument(
        "--runtimes", type=Path, metavar="FOLDER", help="copy PyScript and MicroPython, so that it works offline"
    )
    loads.add_argument(
        "--offline", action="store_true", help="the same, out of a checkout of this package: type it there"
    )
    options = parser.parse_args(arguments)
    if options.command in SCRIPTS:
        sys.stdout.buffer.write(make_script(options.command))
        return 0
    if options.command == "new":
        return _new(options.folder, options.framework, _vendor() if options.offline else options.runtimes)
    folder: Path = options.folder
    if folder.resolve().is_relative_to(PACKAGE):
        files.error(f"{folder} belongs to the package itself: name one beside your pages")
    served_at = "".join(["/" + quote(part) for part in folder.parts if part != folder.anchor])
    try:
        url = served_at if options.url is None else options.url.rstrip("/")
        config = write_archives(folder, url, options.devtools)
    except OSError as error:
        print(f"The archive could not be written: {error}. Name a folder that can be written.", file=sys.stderr)
        return 1
    print(json.dumps(config, indent=2))
    return 0


def _vendor() -> Path:
    """That of the checkout which the package runs from, or else of the one which this was typed in."""
    own = PACKAGE.parent.parent / VENDOR
    return own if own.is_dir() else VENDOR


def _new(folder: Path, framework: "Optional[str]", runtimes: "Optional[Path]") -> int:
    try:
        print(make_folder(folder, write_client=write_client, framework=framework, runtimes=runtimes))
    except CannotStart as error:
        print(error, file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
