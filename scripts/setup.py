"""Install what `make demo`, `make wheel`, `make unit`, `make test`, `make test-next`, `make docs-site` or `make lint`
needs.

Each step runs once, and again when what it reads has changed.

`python3 -m scripts.setup demo` (or `wheel`, `unit`, `test`, `test-next`, `docs-site`, `lint`), in the checkout.
"""

from __future__ import annotations

import sys

if sys.version_info < (3, 10):  # noqa: UP036 - this is the one file that an older Python gets to read
    sys.exit("Python 3.10 or newer is needed: type, for example, `make demo PYTHON=python3.12`.")

from scripts.backends import install_backends
from scripts.browsers import install_chromium, install_firefox_and_webkit
from scripts.environment import install_dev, install_runtime
from scripts.javascript_pages import install_javascript_pages
from scripts.next_sites import install_next_sites
from scripts.node import install_node
from scripts.steps import SetupError
from scripts.vendor import install_vendor
from scripts.wheel import install_archive, install_wheel


def demo() -> None:
    install_runtime()
    install_vendor()
    install_archive()


def wheel() -> None:
    install_runtime()
    install_wheel()


def unit() -> None:
    install_dev()
    install_node()
    install_vendor()  # MicroPython, which the tests run under Node.js


def test() -> None:
    unit()
    install_wheel()
    install_archive()
    install_backends()
    install_javascript_pages()
    install_chromium()
    install_firefox_and_webkit()


def test_next() -> None:
    test()
    install_next_sites()


def docs_site() -> None:
    install_dev()
    install_vendor()  # what live examples run on
    install_archive()


def lint() -> None:
    install_dev()


TARGETS = {
    "demo": demo,
    "wheel": wheel,
    "unit": unit,
    "test": test,
    "test-next": test_next,
    "docs-site": docs_site,
    "lint": lint,
}


def main(arguments: list[str]) -> int:
    if len(arguments) != 1 or arguments[0] not in TARGETS:
        print(__doc__, file=sys.stderr)
        return 2
    try:
        TARGETS[arguments[0]]()
    except SetupError as error:
        print(error, file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
