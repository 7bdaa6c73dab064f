"""While nobody knows who is signed in, a page says "Loading": its console says why, in one sentence."""

from __future__ import annotations

from tests.browser.snippets import FOLLOW, HTML, SHOW
from tests.support.backend import Backend
from tests.support.tabs import Tab, Tabs

# What the browser says of its own accord.
BROWSERS_OWN = ("Failed to load resource", "blocked by CORS policy")
OURS = "nextauth_client: Nobody knows yet who is signed in, and it is asked again. "


def what_it_says(tab: Tab, url: str) -> list[str]:
    """The client's own lines on the console, once it has asked more than once."""
    tab.expect_problem(*BROWSERS_OWN, OURS)
    for _ in range(2):
        with tab.page.expect_request(url):
            pass
    tab.shows(who="nobody", status="loading")
    return [line for line in tab.console if line.startswith("nextauth_client")]


def test_a_wrong_base_path_is_said_once(tabs: Tabs, backend: Backend) -> None:
    tab = tabs.python(SHOW + 'Provider(base_path="/api/wrong")\n' + FOLLOW, html=HTML)
    assert what_it_says(tab, backend.url + "/api/wrong/session") == [
        OURS + "The backend answered the session request with status 404 and a body that is not JSON. "
        "Check base_url and base_path, and the backend's log."
    ]


def test_a_redirect_is_said_once_and_that_no_slash_at_the_end_helps(tabs: Tabs, backend: Backend) -> None:
    backend.fault("session", "redirect")
    tab = tabs.python(SHOW + "Provider()\n" + FOLLOW, html=HTML)
    assert what_it_says(tab, backend.base + "/session") == [
        OURS
        + "The backend answered the session request with a redirect, with and without a slash at the end of its path. "
        "Check base_url and base_path, and the backend's log."
    ]


def test_a_backend_that_refuses_the_pages_origin_is_said_once(tabs: Tabs, backend: Backend) -> None:
    elsewhere = backend.url.replace("127.0.0.1", "localhost")
    assert elsewhere != backend.url
    python = SHOW + f'Provider(base_url="{elsewhere}")\n' + FOLLOW
    tabs.site.write_page("/cors.html", python=python, html=HTML, interpreter=tabs.interpreter)
    tab = Tab(tabs.context.new_page(), backend)  # none of `tabs`, which are to ask their own origin alone
    tab.page.goto("/cors.html")
    assert what_it_says(tab, elsewhere + "/api/auth/session") == [
        OURS + f"The backend at {elsewhere}/api/auth/session could not be reached from {backend.url}. It may be down, "
        "or refuse another origin (CORS): serve page and backend from one origin, by a reverse proxy."
    ]
    tab.assert_no_problem()
    tab.page.close()
