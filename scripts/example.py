"""`make example NAME=worker`: starts a folder of examples/, with the checkout's code and a backend to sign in to.

A page alone is served by the development backend, in place. An app of Python and its page are made anew, as
`new --flask` makes them. What runs on Node.js starts as its README says.
"""

from __future__ import annotations

import argparse
import os
import re
import secrets
import shlex
import shutil
import sys
from pathlib import Path
from typing import NamedTuple

from nextauth_client.packing import write_client
from nextauth_client.starting import FRAMEWORKS, make_folder, start_commands

from scripts.examples import EXAMPLES, NAMES, has
from scripts.node import install_node
from scripts.steps import ROOT, say
from scripts.vendor import VENDOR
from server_stub.server import CannotListen, listen

MADE = ROOT / "build" / "examples"


class Start(NamedTuple):
    """A program, and the folder that it starts in."""

    folder: Path
    command: list[str]


def main(arguments: list[str]) -> int:
    parser = argparse.ArgumentParser(prog="python -m scripts.example", description=__doc__)
    parser.add_argument("name", choices=NAMES)
    parser.add_argument("--port", type=int, default=3000)
    options = parser.parse_args(arguments)
    try:
        listen("127.0.0.1", options.port).close()
    except CannotListen as problem:
        print(f"{problem} Here: make example NAME={options.name} PORT=8000", file=sys.stderr)
        return 1
    folder, command = prepared(options.name, options.port)
    say(f"Sign in as ada with the password lovelace on {address(options.name, options.port)}")
    os.chdir(folder)
    os.environ["PYTHONPATH"] = os.pathsep.join(str(ROOT / part) for part in ("client", "server", ""))
    os.execv(command[0], command)


def prepared(name: str, port: int) -> Start:
    """What starts it, made ready."""
    if has(name, "package.json"):
        node, npm = install_node()
        os.environ["PATH"] = os.pathsep.join([str(node.parent), os.environ["PATH"]])
        os.environ.update(PORT=str(port), AUTH_SECRET=secrets.token_hex(32))
        return Start(EXAMPLES / name, [str(npm), "start"])
    if has(name, "index.html"):
        return Start(ROOT, [sys.executable, "-m", "server_stub", "--port", str(port), "--dev-controls"])
    folder = MADE / name
    shutil.rmtree(folder, ignore_errors=True)
    MADE.mkdir(parents=True, exist_ok=True)
    framework = name if name in FRAMEWORKS else None
    make_folder(folder, write_client=write_client, framework=framework, runtimes=VENDOR)
    return Start(folder, [sys.executable, *shlex.split(start_commands(folder)[-1])[1:], "--port", str(port)])


def address(name: str, port: int) -> str:
    """Where its page is, as its README has it."""
    [found] = re.findall(
        r"<(https?://localhost:\d+[^>]*)>", (EXAMPLES / name / "README.md").read_text(encoding="utf-8")
    )
    return str(found).replace(":3000", f":{port}")


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
