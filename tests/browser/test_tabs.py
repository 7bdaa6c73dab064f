"""The tabs of these tests: what one test leaves on its way does not meet the next."""

from __future__ import annotations

from contextlib import suppress

import pytest
from playwright.sync_api import Error

from tests.browser.conftest import OpenContext
from tests.browser.snippets import HTML, SHOW
from tests.support import tabs as support
from tests.support.backend import Backend
from tests.support.engines import close
from tests.support.site import Site
from tests.support.tabs import Tabs, WarmPages, contract_in_one, micropython_only, pyodide_only


@contract_in_one
def test_a_tab_knows_what_its_page_asks_and_says_and_where_it_goes(tabs: Tabs) -> None:
    python = """
js.console.log("said")
js.console.error("on purpose")
await js.fetch("/api/auth/csrf")
await js.fetch("/api/auth/csrf", js.JSON.parse('{"method": "POST"}'))
show("result", "asked")
"""
    tab = tabs.python("import js\n" + SHOW + python, html=HTML)
    tab.expect_problem("on purpose", "Failed to load resource")
    tab.shows(result="asked")
    assert [request.method for request in tab.requests("csrf")] == ["GET", "POST"]
    assert "said" in tab.console
    assert "on purpose" in tab.problems
    went = len(tab.navigations)
    tab.page.reload()
    tab.shows(result="asked")
    assert tab.navigations[went:] == [tab.page.url]
    assert len(tab.requests("csrf")) == 4
    assert tab.console.count("said") == 2


@contract_in_one
def test_what_a_page_says_as_an_error_fails_its_test(tabs: Tabs) -> None:
    tab = tabs.python("import js\njs.console.error('on purpose')")
    with pytest.raises(AssertionError, match="on purpose"):
        tab.check()
    tab.expect_problem("on purpose")


@micropython_only
def test_a_page_that_is_about_to_show_another_can_be_closed(tabs: Tabs) -> None:
    tabs.site.write("/onwards.html", '<meta http-equiv="refresh" content="0; url=/blank.html">')
    tabs.site.write("/blank.html", "")
    page = tabs.context.new_page()
    page.goto("/onwards.html")
    close(page)
    assert page.is_closed()


@pyodide_only
def test_a_page_that_has_crashed_fails_its_test_and_is_closed(tabs: Tabs) -> None:
    with Tabs(tabs.context, tabs.site, tabs.backend, "pyodide", None) as others:
        crashed = others.tab()
        crashed.expect_problem("has crashed")
        with crashed.page.expect_event("crash"), suppress(Error):
            crashed.page.goto("chrome://crash")
        assert crashed.problems == ["about:blank has crashed"]
        close(crashed.page)
        assert crashed.page.is_closed()


@micropython_only
def test_a_context_ends_while_a_page_in_it_is_on_its_way(tabs: Tabs, open_context: OpenContext) -> None:
    tabs.site.write("/blank.html", "")
    for _ in range(20):
        with open_context() as context:
            page = context.new_page()
            page.goto("/blank.html")
            page.evaluate("setTimeout(() => location.reload())")


def test_a_warm_page_that_is_being_left_is_not_used_again(warm_pages: WarmPages, site: Site, backend: Backend) -> None:
    with Tabs(warm_pages.context, site, backend, "pyodide", warm_pages) as tabs:
        page = tabs.python("").page
        backend.fault("session", "hang")
        with page.expect_request("**/session"):
            page.evaluate("url => location.assign(url)", backend.base + "/session")
    assert page.is_closed()


def test_a_warm_page_that_begins_to_be_left_at_the_end_is_not_used_again(
    warm_pages: WarmPages, site: Site, backend: Backend
) -> None:
    with Tabs(warm_pages.context, site, backend, "pyodide", warm_pages) as tabs:
        page = tabs.python("").page
        backend.fault("session", "hang")
        page.evaluate("url => { window.stopPython = () => location.assign(url) }", backend.base + "/session")
    assert page.is_closed()


def test_a_warm_page_is_online_again_after_a_test_that_failed_offline(
    warm_pages: WarmPages, site: Site, backend: Backend
) -> None:
    with Tabs(warm_pages.context, site, backend, "pyodide", warm_pages) as tabs:
        page = tabs.python("").page
        tabs.context.set_offline(True)
    assert page.evaluate("navigator.onLine")


def test_what_cannot_be_cleared_away_fails_one_test_and_no_other(
    warm_pages: WarmPages, site: Site, backend: Backend, monkeypatch: pytest.MonkeyPatch
) -> None:
    def does_not_close(page: object) -> None:
        pytest.fail("the browser does not close it")

    with Tabs(warm_pages.context, site, backend, "pyodide", warm_pages) as tabs:
        left_behind = tabs.context.new_page()
        monkeypatch.setattr(support, "close", does_not_close)
        with pytest.raises(pytest.fail.Exception, match="does not close"):
            warm_pages.clear()
        monkeypatch.undo()
    assert not left_behind.is_closed()
    with Tabs(warm_pages.context, site, backend, "pyodide", warm_pages) as tabs:
        tabs.python("document = 1")
        assert left_behind not in tabs.context.pages
