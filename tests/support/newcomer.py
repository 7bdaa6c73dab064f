"""Somebody who has Python, an empty home and what the documentation says to type, and an index to install from."""

from __future__ import annotations

import contextlib
import os
import subprocess
import sys
from collections.abc import Iterator, Sequence
from pathlib import Path

from scripts.distributions import DISTRIBUTIONS, build
from scripts.environment import download_dependencies
from scripts.local_index import serving, write_index
from tests.support.documents import environment
from tests.support.ports import free_port, until_it_listens

READY = "all is installed"


def new(folder: Path, *words: str | Path) -> None:
    """What `python -m nextauth_client new` writes, of the checkout's packages."""
    command = [sys.executable, "-m", "nextauth_client", "new", folder, *words]
    subprocess.run(command, env=environment(), check=True, stdout=subprocess.DEVNULL)


@contextlib.contextmanager
def index(folder: Path, *frameworks: str) -> Iterator[str]:
    """The address of an index that has the three, what they depend on, what examples of frameworks do, and no more."""
    download_dependencies(folder, *frameworks)
    for distribution in DISTRIBUTIONS:
        build(distribution.folder, folder, "wheel")
    write_index(folder)
    with serving(folder) as url:
        yield url


@contextlib.contextmanager
def typed(lines: Sequence[str], home: Path, index: str, *, cwd: Path | None = None) -> Iterator[str]:
    """What the last of the lines has started, at a port of its own; the home's log.txt has what it prints.

    Nothing is known there but this Python and the index: no package, and no variable of whoever runs the tests.
    """
    port = free_port()
    log = home / "log.txt"
    script = ["set -e", *lines[:-1], f"echo {READY}", f"exec {lines[-1]} --port {port} > {log} 2>&1"]
    own = {
        "HOME": str(home),
        "PATH": os.pathsep.join([str(Path(sys.executable).parent), os.defpath]),
        "PIP_CONFIG_FILE": os.devnull,  # which may name other indexes
        "PIP_DISABLE_PIP_VERSION_CHECK": "1",
        "PIP_INDEX_URL": index,
    }
    with subprocess.Popen(
        ["sh", "-c", "\n".join(script)],
        cwd=cwd or home,
        env=own,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    ) as process:
        assert process.stdout is not None
        said = []
        for line in process.stdout:
            said.append(line)
            if line.strip() == READY:
                break
        else:
            raise AssertionError(f"$ {' && '.join(lines[:-1])}\n{''.join(said)}")
        try:
            until_it_listens(process, port)
            yield f"http://localhost:{port}"
        except TimeoutError as error:
            raise AssertionError(f"it did not start:\n{log.read_text()}") from error
        finally:
            process.terminate()
