"""What `nextauth_client.testing` adds to pytest: the fixtures `auth_browser` and `auth_backend` (docs/testing.md).

A coroutine that is tested with one of them runs in virtual time, and needs no other plugin. pytest loads this module
wherever the package is installed, so it stands beside the package, and imports that for the first such test.
"""

from __future__ import annotations

import functools
import inspect
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    from nextauth_client.testing import Backend, Browser

__all__ = ["auth_backend", "auth_browser", "pytest_runtest_call"]


@pytest.fixture
def auth_browser(request: pytest.FixtureRequest) -> Iterator[Browser]:
    """A browser in virtual time: its tabs, what a person does there, and the network. For `async def` tests."""
    from nextauth_client import runtime
    from nextauth_client.testing import new_browser

    if not inspect.iscoroutinefunction(request.function):
        pytest.fail(
            f"auth_browser lives in virtual time, which passes where a test awaits: write `async def "
            f"{request.function.__name__}` (no other plugin is needed), or call nextauth_client.testing.run(page)",
            pytrace=False,
        )
    browser = new_browser()
    runtime.make_hosts_by(_refuse)
    yield browser
    runtime.make_hosts_by(None)
    browser.clock.close()  # type: ignore[attr-defined]


def _refuse() -> Any:
    raise RuntimeError("Only in the test itself does time pass: load the page there, or ask, and not in a fixture.")


@pytest.fixture
def auth_backend(auth_browser: Browser) -> Backend:
    """The backend that its pages ask: who can sign in, what sessions hold, and what goes wrong."""
    return auth_browser.backend


@pytest.hookimpl(tryfirst=True)
def pytest_runtest_call(item: pytest.Item) -> None:
    if isinstance(item, pytest.Function) and "auth_browser" in item.fixturenames:
        # Other plugins for coroutines have subclasses and hooks, which would run it in a loop of theirs.
        item.runtest = functools.partial(_run, item)  # type: ignore[method-assign]


def _run(item: pytest.Function) -> None:
    from nextauth_client.testing import run_in

    test = item.obj
    given = {name: item.funcargs[name] for name in inspect.signature(test).parameters if name in item.funcargs}
    browser: Any = item.funcargs["auth_browser"]
    run_in(browser, lambda: test(**given))
