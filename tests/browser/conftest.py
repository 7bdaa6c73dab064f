"""Fixtures of the browser tests.

- `interpreter`: "micropython" or "pyodide"; every test runs on both unless it is marked (`tabs.micropython_only`)
- `backend`: where to sign in, as it was when it started
- `tabs`: opens tabs in a browser that has seen nothing; at the end each must be without errors and without requests
  to other hosts
- `demo`: the demo page, opened
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from playwright.sync_api import Browser, BrowserContext, expect

from scripts.browsers import CHROMIUM_ADVICE, find_chromium
from tests.browser.backend import Backend, StubBackend
from tests.browser.site import Site
from tests.browser.tabs import WATCH, Tab, Tabs, WarmPages

INTERPRETERS = ["micropython", "pyodide"]
FLAGS = [
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
]
PATIENCE = 30_000  # milliseconds; on a busy machine Pyodide takes more than Playwright's 5 seconds


@pytest.fixture(scope="session")
def browser_type_launch_args(browser_type_launch_args: dict[str, Any]) -> dict[str, Any]:
    chromium = find_chromium()
    if chromium is None:
        pytest.fail(CHROMIUM_ADVICE, pytrace=False)
    expect.set_options(timeout=PATIENCE)
    root = ["--no-sandbox"] if os.geteuid() == 0 else []
    return {**browser_type_launch_args, "executable_path": chromium, "args": FLAGS + root}


@pytest.fixture(params=INTERPRETERS)
def interpreter(request: pytest.FixtureRequest) -> str:
    return str(request.param)


@pytest.fixture(scope="session")
def site(tmp_path_factory: pytest.TempPathFactory) -> Site:
    """What the backend serves; it holds the wheel of the present sources."""
    return Site(tmp_path_factory.mktemp("site"))


@pytest.fixture(scope="session")
def running_backend(site: Site) -> Iterator[Backend]:
    backend = StubBackend(site.folder)
    yield backend
    backend.stop()


@pytest.fixture
def backend(running_backend: Backend) -> Iterator[Backend]:
    yield running_backend
    running_backend.reset()


@pytest.fixture(scope="session")
def open_context(browser: Browser, running_backend: Backend) -> Callable[..., BrowserContext]:
    def open_context(**options: Any) -> BrowserContext:
        context = browser.new_context(base_url=running_backend.url, **options)
        context.set_default_timeout(PATIENCE)
        context.add_init_script(WATCH)
        return context

    return open_context


@pytest.fixture(scope="session")
def warm_pages(
    open_context: Callable[..., BrowserContext], site: Site, running_backend: Backend
) -> Iterator[WarmPages]:
    with open_context() as context:
        yield WarmPages(context, site, running_backend)


@pytest.fixture
def tabs(
    request: pytest.FixtureRequest,
    interpreter: str,
    open_context: Callable[..., BrowserContext],
    site: Site,
    backend: Backend,
) -> Iterator[Tabs]:
    if interpreter == "pyodide":
        warm = request.getfixturevalue("warm_pages")
        with Tabs(warm.context, site, backend, interpreter, warm) as tabs:
            yield tabs
    else:
        with open_context() as context, Tabs(context, site, backend, interpreter, None) as tabs:
            yield tabs


@pytest.fixture
def demo(tabs: Tabs) -> Tab:
    """The demo page, opened by somebody who is not signed in."""
    return tabs.demo()
