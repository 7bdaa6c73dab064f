"""Fixtures of the tests of proxies: `make test-production`.

- `deployment`: each proxy in front of each backend, started once, at https://example.org
- `profile`: a browser that finds it there, and that has seen nothing
- `open_workbench`: a page with the client, which the proxy serves, in that browser
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import pytest
from playwright.sync_api import Browser, BrowserContext, expect

from scripts.proxies import PROXIES
from tests.backends.conftest import site as site
from tests.support import engines
from tests.support.deployment import BRIDGES, EXPRESS, HOST, Deployment, Ports
from tests.support.engines import PATIENCE, new_context
from tests.support.ports import free_port
from tests.support.site import Site
from tests.support.workbench import NO_OPTIONS, Workbench, write_page

OpenWorkbench = Callable[..., Workbench]


@pytest.fixture(scope="session")
def ports() -> Ports:
    return Ports(http=free_port(), https=free_port())


@pytest.fixture(scope="session")
def browser_type_launch_args(browser_type_launch_args: dict[str, Any], ports: Ports) -> dict[str, Any]:
    expect.set_options(timeout=PATIENCE)
    given = engines.launch_args()
    here = f"MAP {HOST}:443 127.0.0.1:{ports.https}, MAP {HOST}:80 127.0.0.1:{ports.http}"
    return {**browser_type_launch_args, **given, "args": [*given["args"], f"--host-resolver-rules={here}"]}


@pytest.fixture(scope="session", params=[f"{proxy}-{backend}" for proxy in PROXIES for backend in [*BRIDGES, EXPRESS]])
def running_deployment(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory, site: Site, ports: Ports
) -> Iterator[Deployment]:
    proxy, backend = request.param.split("-")
    deployment = Deployment(proxy, backend, tmp_path_factory.mktemp(request.param), site.folder, ports)
    yield deployment
    deployment.stop()


@pytest.fixture
def deployment(running_deployment: Deployment) -> Iterator[Deployment]:
    yield running_deployment
    running_deployment.forget_visitors()


@pytest.fixture
def profile(browser: Browser) -> Iterator[BrowserContext]:
    with new_context(browser, ignore_https_errors=True) as context:
        yield context


@pytest.fixture
def open_workbench(deployment: Deployment, site: Site, profile: BrowserContext) -> Iterator[OpenWorkbench]:
    opened: list[Workbench] = []

    def open_workbench(tail: str = "") -> Workbench:
        path = write_page(site, deployment.base_path, "micropython", NO_OPTIONS)
        opened.append(Workbench(profile.new_page(), deployment, path, deployment.url))
        return opened[-1].go(tail)

    yield open_workbench
    for workbench in opened:
        workbench.check()
