"""Signing in at real backends in a window of its own, with an identity provider on another origin."""

from __future__ import annotations

import pytest
from playwright.sync_api import Page

from tests.backends.conftest import of_versions
from tests.backends.visits import allow, log_in, refuse
from tests.support.workbench import Workbench

with_interpreters = pytest.mark.parametrize("interpreter", ["micropython", "bare-pyodide"], indirect=True)


def open_window(workbench: Workbench) -> Page:
    with workbench.page.expect_popup() as opened:
        workbench.start_and_keep("sign_in", "oidc", popup=True)
    return opened.value


def test_s12_s20_a_provider_can_be_visited_in_a_window_and_the_page_stays(workbench: Workbench) -> None:
    address = workbench.page.url
    window = open_window(workbench)
    log_in(window, "grace")
    assert window.url.startswith(workbench.identity_provider)
    with window.expect_event("close"):
        allow(window)
    assert workbench.kept()["ok"]
    workbench.shows(status="authenticated", name="grace of elsewhere")
    assert workbench.page.url == address
    assert workbench.navigations == [address]


def test_a_refused_consent_in_a_window_is_a_result_with_an_error(workbench: Workbench) -> None:
    window = open_window(workbench)
    log_in(window, "grace")
    with window.expect_event("close"):
        refuse(window)
    result = workbench.kept()
    assert not result["ok"]
    assert workbench.call("explain_error", result["error"]) != workbench.call("explain_error", "nosuch")
    workbench.shows(status="unauthenticated")


@with_interpreters
@of_versions(4)
def test_the_identity_providers_page_cannot_lead_the_page_elsewhere(workbench: Workbench) -> None:
    window = open_window(workbench)
    window.get_by_role("button", name="Log in").wait_for()
    assert window.url.startswith(workbench.identity_provider)
    assert window.evaluate("window.opener === null")
    log_in(window, "grace")
    with window.expect_event("close"):
        allow(window)
    assert workbench.kept()["ok"]
    workbench.shows(status="authenticated", name="grace of elsewhere")


@of_versions(4)
@with_interpreters
def test_a_window_that_is_closed_at_another_origin_is_noticed(workbench: Workbench) -> None:
    window = open_window(workbench)
    window.get_by_role("button", name="Log in").wait_for()
    window.close()
    assert workbench.kept_error() == "PopupClosed"
