"""The tabs of these tests: what one test leaves on its way does not meet the next."""

from __future__ import annotations

from tests.browser.backend import Backend
from tests.browser.site import Site
from tests.browser.tabs import Tabs, WarmPages, close, micropython_only


@micropython_only
def test_a_page_that_is_about_to_show_another_can_be_closed(tabs: Tabs) -> None:
    tabs.site.write("/onwards.html", '<meta http-equiv="refresh" content="0; url=/blank.html">')
    tabs.site.write("/blank.html", "")
    page = tabs.context.new_page()
    page.goto("/onwards.html")
    close(page)
    assert page.is_closed()


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
