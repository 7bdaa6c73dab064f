"""Signing out at real backends."""

from __future__ import annotations

from tests.backends.conftest import OpenWorkbench
from tests.support.workbench import Workbench


def assert_signed_out_at_the_backend(workbench: Workbench) -> None:
    assert workbench.call("get_session") is None
    names = [cookie["name"] for cookie in workbench.page.context.cookies()]
    cookie = workbench.backend.session_cookie
    assert cookie is None or not [name for name in names if cookie in name]


def test_s23_without_redirect_the_page_stays_and_shows_it(workbench: Workbench) -> None:
    workbench.sign_in()
    asked = len(workbench.requests("session"))
    assert workbench.call("sign_out", redirect=False) == {"url": workbench.url}
    workbench.shows(status="unauthenticated", name="", error="")
    assert workbench.navigations == [workbench.url]
    assert len(workbench.requests("session")) == asked, "the confirmation is the answer"
    assert_signed_out_at_the_backend(workbench)


def test_s23_the_result_has_the_validated_url(workbench: Workbench) -> None:
    workbench.sign_in()
    result = workbench.call("sign_out", redirect=False, callback_url="https://elsewhere.example/path")
    assert result["url"].rstrip("/") == workbench.backend.url


def test_s21_signing_out_reloads_the_page(workbench: Workbench) -> None:
    workbench.go("?a=1#part")
    workbench.sign_in()
    workbench.start("sign_out")
    workbench.shows(status="unauthenticated", name="")
    workbench.is_at(workbench.url + "?a=1#part")
    assert len(workbench.navigations) == 3, "opened twice, and reloaded"
    assert_signed_out_at_the_backend(workbench)


def test_s22_a_callback_url_decides_where_a_sign_out_ends(workbench: Workbench) -> None:
    workbench.sign_in()
    workbench.start("sign_out", callback_url="?bye#part")
    workbench.is_at(workbench.url + "?bye#part")
    workbench.shows(status="unauthenticated")


def test_s23_somebody_who_is_signed_out_can_sign_out(workbench: Workbench) -> None:
    assert workbench.call("sign_out", redirect=False) == {"url": workbench.url}
    workbench.shows(status="unauthenticated", error="")


def test_s26_another_tab_follows_a_sign_in_and_a_sign_out(workbench: Workbench, open_workbench: OpenWorkbench) -> None:
    other = open_workbench(workbench.backend)
    other.shows(status="unauthenticated")
    asked = len(other.requests("session"))
    workbench.sign_in()
    other.shows(status="authenticated", name="Ada Lovelace")
    workbench.call("sign_out", redirect=False)
    other.shows(status="unauthenticated", name="")
    assert len(other.requests("session")) == asked, "tabs share answers"
