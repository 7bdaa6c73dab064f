"""A React page with the backend's own JavaScript client, and a Python page, on one site."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import pytest
from playwright.sync_api import BrowserContext

from scripts.javascript_pages import BUILD
from tests.backends.conftest import EACH_VERSION, OpenWorkbench, StartBackend
from tests.support.real_backends import RealBackend
from tests.support.site import Site, page
from tests.support.tabs import Tab

SIGNED_IN, SIGNED_OUT = "Signed in as Ada Lovelace", "Not signed in"


@pytest.fixture(params=EACH_VERSION)
def site_of_both(request: pytest.FixtureRequest, start_backend: StartBackend) -> RealBackend:
    return start_backend(request.param)


@pytest.fixture
def open_react(site_of_both: RealBackend, profile: BrowserContext, site: Site) -> Iterator[Callable[[], Tab]]:
    opened: list[Tab] = []

    def open_react() -> Tab:
        version = f"v{site_of_both.version}"
        site.write(f"/{version}.js", (BUILD / f"{version}.js").read_text(encoding="utf-8"))
        site.write(f"/{version}.html", page("", f'<main></main><script src="/{version}.js"></script>'))
        tab = Tab(profile.new_page(), site_of_both)
        opened.append(tab)
        tab.page.goto(f"{site_of_both.url}/{version}.html")
        tab.shows(who=SIGNED_OUT)
        return tab

    yield open_react
    for tab in opened:
        tab.forget()
        tab.check()


def test_s36_a_react_page_and_a_python_page_follow_each_other(
    site_of_both: RealBackend, open_react: Callable[[], Tab], open_workbench: OpenWorkbench
) -> None:
    react = open_react()
    python = open_workbench(site_of_both)
    python.shows(status="unauthenticated")

    python.sign_in()
    react.shows(who=SIGNED_IN)
    react.page.evaluate("client.signOut({ redirect: false })")
    python.shows(status="unauthenticated")
    react.shows(who=SIGNED_OUT)

    # Without a redirect the JavaScript client tells nobody; after one, its page does when it loads.
    ada = site_of_both.users["ada"]
    react.page.evaluate(
        "given => { client.signIn('credentials', given); }", {"username": ada.username, "password": ada.password}
    )
    react.shows(who=SIGNED_IN)
    python.shows(status="authenticated", name="Ada Lovelace")
    python.call("sign_out", redirect=False)
    react.shows(who=SIGNED_OUT)
    python.shows(status="unauthenticated")


def test_a_react_page_and_a_python_page_do_not_keep_each_other_busy(
    site_of_both: RealBackend, open_react: Callable[[], Tab], open_workbench: OpenWorkbench
) -> None:
    react = open_react()
    python = open_workbench(site_of_both)
    python.sign_in()
    react.shows(who=SIGNED_IN)
    before = len(react.requests("session")), len(python.requests("session"))
    # Each is answered while the other page listens; were there a loop, it would have turned meanwhile.
    for _ in range(3):
        python.call("get_session")
        react.page.evaluate("client.getSession()")
    for query in react.requests("session"):
        query.response()  # else the React page may believe it after the sign-out, and set the cookie again
    python.call("sign_out", redirect=False)
    react.shows(who=SIGNED_OUT)
    asked = len(react.requests("session")) - before[0], len(python.requests("session")) - before[1]
    # Its own three, one for each message of the other page and for the sign-out; v5's client hears its own page too.
    assert asked[0] <= 3 + 3 + 1 + 3
    assert asked[1] <= 3 + 3
