"""In which order the modules that a page loads are packed best: `.venv/bin/python -m scripts.archive_order`, a minute.

Prints the bytes of the archive, now and then, and the order, for `ORDER` in client/nextauth_client/packing.py.
"""

from __future__ import annotations

import io
import math
import random
import sys
import tarfile
import time

from nextauth_client.packing import PACKAGE, make_archive, pack

SECONDS = 60


def main() -> int:
    chance = random.Random(1)
    with tarfile.open(fileobj=io.BytesIO(make_archive())) as archive:
        files = {member.name: archive.extractfile(member) for member in archive.getmembers()}
        modules = {name.removeprefix(f"{PACKAGE.name}/"): file.read().decode() for name, file in files.items() if file}
    best = order = list(modules)
    least = size = len(pack(modules))
    print(f"{least} bytes now")
    end = time.monotonic() + SECONDS
    while (left := end - time.monotonic()) > 0:
        tried = list(order)
        name = tried.pop(chance.randrange(len(tried)))
        tried.insert(chance.randrange(len(order)), name)
        found = len(pack({name: modules[name] for name in tried}))
        # A worse one may lead to a better one: simulated annealing, which begins with some 10 bytes more.
        if found <= size or chance.random() < math.exp((size - found) / (10 * left / SECONDS)):
            size, order = found, tried
            least, best = min((least, best), (size, order))
    print(f"{least} bytes in this order:", *[name.removesuffix(".py") for name in best])
    return 0


if __name__ == "__main__":
    sys.exit(main())
