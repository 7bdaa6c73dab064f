"""In which order the modules that a page loads are packed best: `.venv/bin/python -m scripts.archive_order`, a minute.

Prints the bytes of the archive, now and then, and the order, for `ORDER` in client/nextauth_client/__main__.py.
"""

from __future__ import annotations

import io
import random
import sys
import tarfile
import time

from nextauth_client.__main__ import PACKAGE, make_archive, pack

SECONDS = 60


def main() -> int:
    chance = random.Random(1)
    with tarfile.open(fileobj=io.BytesIO(make_archive())) as archive:
        files = {member.name: archive.extractfile(member) for member in archive.getmembers()}
        modules = {name.removeprefix(f"{PACKAGE.name}/"): file.read().decode() for name, file in files.items() if file}
    best = list(modules)
    least = len(pack(modules))
    print(f"{least} bytes now")
    end = time.monotonic() + SECONDS
    while time.monotonic() < end:
        tried = list(best)
        name = tried.pop(chance.randrange(len(tried)))
        tried.insert(chance.randrange(len(best)), name)
        if (found := len(pack({name: modules[name] for name in tried}))) < least:
            least, best = found, tried
    print(f"{least} bytes in this order:", *[name.removesuffix(".py") for name in best])
    return 0


if __name__ == "__main__":
    sys.exit(main())
