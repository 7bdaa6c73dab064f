"""`make example NAME=django`: the folder that `new --django` makes, with the checkout's code, made anew and started."""

from __future__ import annotations

import argparse
import os
import shlex
import shutil
import sys

from nextauth_client.__main__ import write_client
from nextauth_client.starting import FRAMEWORKS, make_folder, start_commands

from scripts.steps import ROOT, say
from scripts.vendor import VENDOR
from server_stub.server import CannotListen, listen

EXAMPLES = ROOT / "build" / "examples"


def main(arguments: list[str]) -> int:
    parser = argparse.ArgumentParser(prog="python -m scripts.example", description=__doc__)
    parser.add_argument("name", choices=FRAMEWORKS)
    parser.add_argument("--port", type=int, default=3000)
    options = parser.parse_args(arguments)
    try:
        listen("127.0.0.1", options.port).close()
    except CannotListen as problem:
        print(f"{problem} Here: make example NAME={options.name} PORT=8000", file=sys.stderr)
        return 1
    folder = EXAMPLES / options.name
    shutil.rmtree(folder, ignore_errors=True)
    EXAMPLES.mkdir(parents=True, exist_ok=True)
    make_folder(folder, write_client=write_client, framework=options.name, runtimes=VENDOR)
    say(f"Sign in as ada with the password lovelace on http://localhost:{options.port}")
    os.chdir(folder)
    os.environ["PYTHONPATH"] = os.pathsep.join([str(ROOT / "client"), str(ROOT / "server")])
    words = shlex.split(start_commands(folder)[-1])[1:]
    os.execv(sys.executable, [sys.executable, *words, "--port", str(options.port)])


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
