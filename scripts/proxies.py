"""Reverse proxies: Debian's nginx and Caddy, which `make test-production` tries."""

from __future__ import annotations

import os
import shutil

from scripts.steps import SetupError, apt_install

PROXIES = ["caddy", "nginx"]
SYSTEM = os.pathsep.join(["/usr/sbin", "/sbin"])  # where Debian has nginx, which is not on everybody's PATH


def find_proxy(name: str) -> str | None:
    """The path of the program."""
    return shutil.which(name) or shutil.which(name, path=SYSTEM)


def install_proxies(*names: str) -> None:
    """Make sure that they are there; SetupError, which says what to type, when there is no way to get one."""
    for name in names:
        if find_proxy(name) is None and not (apt_install(name) and find_proxy(name)):
            raise SetupError(f"{name} is missing: type `sudo apt install {' '.join(names)}`.")
