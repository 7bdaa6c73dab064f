"""Why a session of a real backend has ended, how long it has left, and the idle time-out."""

from __future__ import annotations

from playwright.sync_api import BrowserContext

from tests.backends.conftest import OpenWorkbench, each_version
from tests.backends.test_following import LIFETIME, MINUTE, pass_time
from tests.backends.test_following import timeless as timeless
from tests.support.real_backends import RealBackend
from tests.support.workbench import Workbench


@each_version
def test_every_end_has_its_reason_in_both_tabs(workbench: Workbench, open_workbench: OpenWorkbench) -> None:
    workbench.sign_in()
    other = open_workbench(workbench.backend)
    workbench.shows(name="Ada Lovelace", reason="")
    other.shows(name="Ada Lovelace", reason="")
    other.sign_in("alan")
    for tab in (workbench, other):
        tab.shows(name="Alan Turing", reason="switched")
    workbench.call("sign_out", redirect=False)
    workbench.shows(status="unauthenticated", reason="signed_out")
    other.shows(status="unauthenticated", reason="signed_out_elsewhere")
    other.sign_in()
    for tab in (workbench, other):
        tab.shows(name="Ada Lovelace", reason="")
    workbench.page.context.clear_cookies()  # what the backend does not know any more
    assert other.call("get_session") is None
    for tab in (workbench, other):
        tab.shows(status="unauthenticated", reason="revoked")


@each_version
def test_the_seconds_left_are_those_of_the_backend(workbench: Workbench) -> None:
    assert workbench.call("read_state", "expires_in") is None
    workbench.sign_in()
    # Its clock is read from a header of whole seconds, and those in which this test waits count.
    assert LIFETIME - 120 <= workbench.call("read_state", "expires_in") <= LIFETIME + 1
    assert workbench.call("read_state", "expiring") is False


@each_version
def test_who_uses_no_tab_is_signed_out_at_the_backend_once_for_all(
    backend: RealBackend, open_workbench: OpenWorkbench, timeless: BrowserContext
) -> None:
    options = {"idle_timeout": 15 * MINUTE, "idle_warning": MINUTE}
    tabs = [open_workbench(backend, context=timeless, options=options) for _ in range(2)]
    tabs[0].shows(status="unauthenticated")
    tabs[0].sign_in()
    for tab in tabs:
        tab.shows(status="authenticated", reason="")
        assert tab.call("read_state", "idle_in") is None
    pass_time(tabs[0], 14 * MINUTE + 30)
    for tab in tabs:
        assert 0 < tab.call("read_state", "idle_in") <= 30
    tabs[1].page.mouse.move(10, 10)
    tabs[1].page.keyboard.press("Shift")
    pass_time(tabs[0], MINUTE)
    for tab in tabs:
        tab.shows(status="authenticated", name="Ada Lovelace")
        assert tab.call("read_state", "idle_in") is None
    pass_time(tabs[0], 15 * MINUTE)
    for tab in tabs:
        tab.shows(status="unauthenticated", name="", reason="idle")
    assert tabs[0].call("get_session") is None
    assert sum(request.method == "POST" for tab in tabs for request in tab.requests("signout")) == 1
