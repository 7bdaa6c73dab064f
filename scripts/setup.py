"""Install what a target of make needs: `demo`, `wheel`, `unit`, `test`, `test-next`, `test-production`, `lint` …

Each step runs once, and again when what it reads has changed.

`python3 -m scripts.setup demo` (or another of them), in the checkout.
"""

from __future__ import annotations

import sys

if sys.version_info < (3, 10):  # noqa: UP036 - this is the one file that an older Python gets to read
    sys.exit("Python 3.10 or newer is needed: type, for example, `make demo PYTHON=python3.12`.")

from collections.abc import Callable
from functools import partial

from scripts.backends import install_backends
from scripts.browsers import install_chromium, install_firefox_and_webkit
from scripts.environment import install_app, install_dev, install_runtime
from scripts.examples import EXAMPLES, NAMES, has
from scripts.javascript_pages import install_javascript_pages
from scripts.next_sites import install_next_sites
from scripts.node import install_node, npm_install
from scripts.proxies import PROXIES, install_proxies
from scripts.steps import SetupError
from scripts.vendor import install_vendor
from scripts.wheel import install_archive, install_wheel


def demo() -> None:
    install_runtime()
    install_vendor()
    install_archive()


def example(name: str) -> None:
    if has(name, "requirements.txt"):
        install_app(name)
    else:
        install_runtime()
    install_vendor()
    install_archive()
    if has(name, "package.json"):
        npm_install(EXAMPLES / name)
    if has(name, "Caddyfile"):
        install_proxies("caddy")


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


def test_production() -> None:
    unit()
    install_wheel()
    install_archive()
    install_backends()
    install_javascript_pages()  # axe
    install_chromium()
    install_proxies(*PROXIES)


def release_check() -> None:
    install_dev()


def docs_site() -> None:
    install_dev()
    install_vendor()  # what live examples run on
    install_archive()


def lint() -> None:
    install_dev()


TARGETS: dict[str, Callable[[], None]] = {
    "demo": demo,
    **{f"example-{name}": partial(example, name) for name in NAMES},
    "wheel": wheel,
    "unit": unit,
    "test": test,
    "test-next": test_next,
    "test-production": test_production,
    "release-check": release_check,
    "docs-site": docs_site,
    "lint": lint,
}


def main(arguments: list[str]) -> int:
    kind, _, name = " ".join(arguments).partition("-")
    if kind == "example" and name not in NAMES:
        print(f"There is no example {name!r}. There are: {', '.join(NAMES)}.", file=sys.stderr)
        return 2
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
