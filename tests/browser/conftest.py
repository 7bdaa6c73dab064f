"""Fixtures of the browser tests, the same for every engine (see `tests/support/engines.py`).

- `interpreter`: "micropython" or "pyodide"; every test runs on both unless it is marked (`tabs.micropython_only`)
- `backend`: where to sign in, as it was when it started
- `tabs`: opens tabs in a browser that has seen nothing; at the end each must be without errors and without requests
  to other hosts
- `keeping_tabs`: the same in a browser that keeps pages which are left
- `focusing_tabs`: the same in a browser whose tabs get focus and lose it
- `demo`: the demo page, opened

Chromium runs all tests, the other engines those that are marked `contract`.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from typing import Any

import pytest
from playwright.sync_api import expect

from tests.support import engines
from tests.support.backend import Backend, StubBackend
from tests.support.engines import ENGINE, PATIENCE, Engine
from tests.support.proxy import Proxy
from tests.support.site import Site
from tests.support.summary import ContractSummary
from tests.support.tabs import Tab, Tabs, WarmPages

INTERPRETERS = ["micropython", "pyodide"]


def pytest_configure(config: pytest.Config) -> None:
    config.addinivalue_line(
        "markers", "contract(interpreter): what every browser engine has to show, with this interpreter or each"
    )
    config.addinivalue_line("markers", "first_on_pyodide: all cases on MicroPython, the first of them on Pyodide too")
    config.addinivalue_line("markers", "not_on(engine, reason): a case that this engine cannot show, and why")
    if ENGINE not in engines.NAMES:
        raise pytest.UsageError(f"ENGINE={ENGINE} is no browser of these tests: take {', '.join(engines.NAMES)}.")
    config.option.browser = [ENGINE]  # pytest-playwright's own option
    config.pluginmanager.register(ContractSummary(config, ENGINE), "contract-summary")


@pytest.hookimpl(tryfirst=True)
def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Of a test that is marked `first_on_pyodide`, what comes after the first on Pyodide is left out."""
    first: dict[Any, pytest.Item] = {}
    left_out = {
        item
        for item in items
        if isinstance(item, pytest.Function)
        and item.get_closest_marker("first_on_pyodide")
        and item.callspec.params["interpreter"] == "pyodide"
        and first.setdefault(item.function, item) is not item
    }
    config.hook.pytest_deselected(items=list(left_out))
    items[:] = [item for item in items if item not in left_out]


@pytest.fixture(scope="session")
def browser_type_launch_args(browser_type_launch_args: dict[str, Any]) -> dict[str, Any]:
    expect.set_options(timeout=PATIENCE)
    return {**browser_type_launch_args, **engines.launch_args()}


@pytest.fixture(scope="session")
def engine(request: pytest.FixtureRequest) -> Iterator[Engine]:
    if ENGINE == "webkit":
        engine: Engine = engines.WebKit()
    else:
        # Not pytest-playwright's own `browser`: that ends with the last test that asks for it by name.
        engine = engines.PLAYWRIGHTS[ENGINE](*map(request.getfixturevalue, ("playwright", "browser_type_launch_args")))
    request.config.pluginmanager.getplugin("contract-summary").runs(engine.version)
    yield engine
    engine.stop()


@pytest.fixture(params=INTERPRETERS)
def interpreter(request: pytest.FixtureRequest) -> str:
    return str(request.param)


@pytest.fixture(scope="session")
def site(tmp_path_factory: pytest.TempPathFactory) -> Site:
    """What the backend serves; it holds the wheel of the present sources."""
    return Site(tmp_path_factory.mktemp("site"), first=engines.FIRST)


@pytest.fixture(scope="session")
def running_backend(site: Site) -> Iterator[Backend]:
    backend = StubBackend(site.folder)
    yield backend
    backend.stop()


@pytest.fixture
def backend(running_backend: Backend) -> Iterator[Backend]:
    yield running_backend
    running_backend.reset()


OpenContext = Callable[..., AbstractContextManager[Any]]


@pytest.fixture(scope="session")
def open_context(engine: Engine, running_backend: Backend) -> OpenContext:
    @contextmanager
    def open_context(**options: Any) -> Iterator[Any]:
        with engine.context(running_backend.url, **options) as context:
            yield context

    return open_context


@pytest.fixture(scope="session")
def warm_pages(engine: Engine, site: Site, running_backend: Backend) -> Iterator[WarmPages]:
    warm = WarmPages(engine, site, running_backend)
    yield warm
    warm.stop()


@pytest.fixture
def tabs(
    request: pytest.FixtureRequest, interpreter: str, open_context: OpenContext, site: Site, backend: Backend
) -> Iterator[Tabs]:
    if interpreter == "pyodide":
        warm = request.getfixturevalue("warm_pages")
        with Tabs(warm.context, site, backend, interpreter, warm) as tabs:
            yield tabs
    else:
        with open_context() as context, Tabs(context, site, backend, interpreter, None) as tabs:
            yield tabs


@pytest.fixture
def headers() -> dict[str, str]:
    return {}


@pytest.fixture
def tabs_with_headers(tabs: Tabs, backend: Backend, headers: dict[str, str]) -> Iterator[Tabs]:
    """Tabs whose pages are served with these headers."""
    with Proxy(backend, headers=headers) as proxy, Tabs(tabs.context, tabs.site, proxy, tabs.interpreter, None) as tabs:
        yield tabs


@pytest.fixture(scope="module")
def keeping_context(engine: Engine, running_backend: Backend) -> Iterator[Any]:
    with engine.keeping_context(running_backend.url) as context:
        yield context


@pytest.fixture
def keeping_tabs(keeping_context: Any, site: Site, backend: Backend, interpreter: str) -> Iterator[Tabs]:
    with Tabs(keeping_context, site, backend, interpreter, None) as tabs:
        yield tabs
    tabs.close()


@pytest.fixture(scope="module")
def focusing_context(engine: Engine, running_backend: Backend) -> Iterator[Any]:
    with engine.focusing_context(running_backend.url) as context:
        yield context


@pytest.fixture
def focusing_tabs(focusing_context: Any, site: Site, backend: Backend, interpreter: str) -> Iterator[Tabs]:
    with Tabs(focusing_context, site, backend, interpreter, None) as tabs:
        yield tabs
    tabs.close()


@pytest.fixture
def demo(tabs: Tabs) -> Tab:
    """The demo page, opened by somebody who is not signed in."""
    return tabs.demo()
