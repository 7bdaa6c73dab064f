"""Fixtures of the tests against real backends, in a real browser.

- `backend`: each of NextAuth.js v3, v4 and Auth.js v5 (@auth/core alone, and in Express), and of the bridges, in
  Django, Flask and Starlette, started once
- `start_backend`: another one with options of its own, such as a short session
- `identity_provider`, `mailbox`: what the backends sign in with
- `workbench`: a page with the client on the backend's own origin, opened; MicroPython, unless a test says Pyodide
- `open_workbench`: one more, in the same browser profile or in another
"""

from __future__ import annotations

import json
import os
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from typing import Any
from urllib.parse import urljoin

import pytest
from playwright.sync_api import Browser, BrowserContext, Page

from scripts import backends, next_sites
from tests.browser.conftest import browser_type_launch_args as browser_type_launch_args
from tests.support.engines import close, new_context
from tests.support.real_backends import NOT_FOR_BRIDGES, Mailbox, Program, RealBackend, is_bridge, version_of
from tests.support.site import Site
from tests.support.workbench import NO_OPTIONS, QUIET, Options, Workbench, write_client, write_page

# `make test-next` says others.
BACKENDS = os.environ.get("BACKENDS", "v3 v4 v5-core v5-express bridge-django bridge-flask bridge-starlette").split()
# v5-express runs the code of v5-core, on a base path that is not the one of a page that says none.
EACH_VERSION = [name for name in BACKENDS if name != "v5-express"]

# What `make test-next` alone has built.
collect_ignore = [] if "v5-next" in BACKENDS else ["test_nextjs_example.py"]

BLANK = "about:blank"

StartBackend = Callable[..., RealBackend]
OpenWorkbench = Callable[..., Workbench]


@pytest.fixture(scope="session")
def site(tmp_path_factory: pytest.TempPathFactory) -> Site:
    """The folder that the backends serve, with the workbench in it."""
    site = Site(tmp_path_factory.mktemp("site"))
    write_client(site)
    return site


@pytest.fixture(scope="session")
def identity_provider() -> Iterator[str]:
    """The URL of one where everybody may log in."""
    with Program("identity-provider") as program:
        yield program.addresses["url"]


@pytest.fixture(scope="session")
def mailbox() -> Iterator[Mailbox]:
    with Program("mailbox") as program:
        yield Mailbox(program)


@pytest.fixture(scope="session")
def start_backend(site: Site, identity_provider: str, mailbox: Mailbox) -> Iterator[StartBackend]:
    """Start a backend by its name and with options of `node/site.mjs`; the same one for the same options."""
    running: dict[str, RealBackend] = {}
    with ExitStack() as stack:

        def start(name: str, **options: Any) -> RealBackend:
            key = f"{name} {json.dumps(options, sort_keys=True)}"
            if key not in running:
                host = f"{name}-{len(running)}.localhost" if options else f"{name}.localhost"
                usual = {"host": host, "folder": str(site.folder), "issuer": identity_provider, "smtp": mailbox.smtp}
                running[key] = RealBackend(name, stack.enter_context(Program(name, **{**usual, **options})))
            return running[key]

        yield start


@pytest.fixture(scope="session", params=BACKENDS)
def backend(request: pytest.FixtureRequest, start_backend: StartBackend) -> RealBackend:
    return start_backend(request.param)


def of_versions(*versions: int) -> pytest.MarkDecorator:
    """For a test of `backend` that concerns some versions only."""
    names = [name for name in BACKENDS if version_of(name) in versions]
    return pytest.mark.parametrize("backend", names, indirect=True)


# For one that shows nothing more on another base path.
each_version = pytest.mark.parametrize("backend", EACH_VERSION, indirect=True)


@pytest.fixture
def interpreter(request: pytest.FixtureRequest) -> str:
    return str(getattr(request, "param", "micropython"))


@pytest.fixture(scope="session")
def kept_profile(browser: Browser) -> Iterator[BrowserContext]:
    with new_context(browser) as context:
        yield context


@pytest.fixture(scope="session")
def kept_page(kept_profile: BrowserContext) -> Page:
    return kept_profile.new_page()


@pytest.fixture
def profile(kept_profile: BrowserContext, kept_page: Page) -> Iterator[BrowserContext]:
    """A browser profile without cookies and storage, with one blank page in it.

    That page and the cache are kept from test to test: a workbench opens in a fraction of the time then.
    """
    yield kept_profile
    for page in kept_profile.pages:
        if page.url != BLANK:
            page.goto(urljoin(page.url, QUIET))  # whatever the page has still to do cannot come in between
            page.evaluate("localStorage.clear(); sessionStorage.clear()")
        if page is not kept_page:
            close(page)
    kept_page.unroute_all()
    kept_page.goto(BLANK)
    kept_profile.clear_cookies()  # at last: an answer that is still on its way sets them again


@pytest.fixture
def other_profile(browser: Browser) -> Iterator[BrowserContext]:
    """The browser of somebody else, or on another machine."""
    with new_context(browser) as context:
        yield context


@pytest.fixture
def open_workbench(
    profile: BrowserContext, interpreter: str, identity_provider: str, site: Site
) -> Iterator[OpenWorkbench]:
    opened: list[Workbench] = []

    def open_workbench(
        backend: RealBackend,
        tail: str = "",
        *,
        context: BrowserContext = profile,
        page: Page | None = None,
        options: Options | None = NO_OPTIONS,
    ) -> Workbench:
        """In this test's profile or another one, or in a page at hand; `tail` is its query and fragment.

        `options` are its Provider's; `None` is a page without one.
        """
        if page is None:
            page = next((page for page in context.pages if page.url == BLANK), None) or context.new_page()
        path = write_page(site, backend.base_path, interpreter, options)
        workbench = Workbench(page, backend, path, identity_provider)
        opened.append(workbench)
        return workbench.go(tail)

    yield open_workbench
    for workbench in opened:
        workbench.forget()
    for workbench in opened:
        workbench.check()


@pytest.fixture
def workbench(backend: RealBackend, open_workbench: OpenWorkbench) -> Workbench:
    """The page, opened by somebody who is not signed in."""
    workbench = open_workbench(backend)
    workbench.shows(status="unauthenticated")
    return workbench


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    others = [item for item in items if _is_not_for_its_bridge(item)]
    if others:
        config.hook.pytest_deselected(items=others)
        items[:] = [item for item in items if item not in others]


def _is_not_for_its_bridge(item: pytest.Item) -> bool:
    given = item.callspec.params.values() if hasattr(item, "callspec") else []
    names = {item.path.stem, getattr(item, "originalname", item.name)}
    return any(isinstance(name, str) and is_bridge(name) for name in given) and not names.isdisjoint(NOT_FOR_BRIDGES)


_seconds: dict[str, float] = {}
_counts: dict[str, int] = {}


def pytest_runtest_logreport(report: pytest.TestReport) -> None:
    if "tests/backends/" not in report.nodeid:
        return
    for name in BACKENDS:
        if f"[{name}" in report.nodeid or f"-{name}]" in report.nodeid or f"-{name}-" in report.nodeid:
            _seconds[name] = _seconds.get(name, 0) + report.duration
            _counts[name] = _counts.get(name, 0) + (report.when == "call")


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    if not _counts:
        return
    terminalreporter.section("real backends")
    versions = next_sites.installed_versions() if BACKENDS[0].endswith("-next") else backends.installed_versions()
    terminalreporter.line(", ".join(versions))
    for name, count in _counts.items():
        terminalreporter.line(f"{name}: {count} tests in {_seconds[name]:.1f} s")
