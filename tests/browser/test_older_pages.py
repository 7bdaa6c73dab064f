"""Pages that the server rendered before they were opened: fetched ahead, rendered ahead, or kept in a cache."""

from __future__ import annotations

import contextlib
import json
import time
from collections.abc import Callable, Iterator, Mapping

import pytest

from tests.browser.following import HTML, following, press
from tests.support.backend import Backend
from tests.support.proxy import Proxy
from tests.support.site import Site, page
from tests.support.tabs import Tab, Tabs, contract_in_one, first_on_pyodide

ADA = {"user": {"name": "Ada Lovelace"}, "expires": "2999-01-01T00:00:00.000Z"}
PAGE = "/older.html"
LINK = f'<a id="link" href="{PAGE}">There</a>'
# What the page has shown, from the first on.
WATCH = """
window.shown = [];
new MutationObserver(() => {
    const who = document.getElementById("who")?.textContent;
    if (who && who !== shown.at(-1)) shown.push(who);
}).observe(document, { subtree: true, childList: true, characterData: true });
"""


@pytest.fixture
def proxy(backend: Backend) -> Iterator[Proxy]:
    with Proxy(backend) as proxy:
        yield proxy


@pytest.fixture
def older_tabs(tabs: Tabs, proxy: Proxy, site: Site, interpreter: str) -> Iterator[Tabs]:
    with Tabs(tabs.context, site, proxy, interpreter, None) as tabs:
        yield tabs


def serve(tabs: Tabs, proxy: Proxy, cache: str, timed: bool) -> None:
    """A page with the session that the server sees when it renders it; `timed`: and says when that is."""
    tabs.site.write_page("/template.html", python=following("timeout=30"), html=HTML, interpreter=tabs.interpreter)
    template = (tabs.site.folder / "template.html").read_text()

    def render() -> tuple[Mapping[str, str], str]:
        at = f' data-at="{time.time():.3f}"' if timed else ""
        script = f'<script type="application/json" id="nextauth-session"{at}>{json.dumps(ADA)}</script>'
        return {"cache-control": cache}, template.replace("<body>", f"<body><script>{WATCH}</script>{script}")

    proxy.pages[PAGE] = render


def follow_link(tab: Tab) -> str:
    """How the page came: "" is from the network."""
    with tab.page.expect_navigation(url=f"**{PAGE}", wait_until="commit"):
        tab.element("link").click()
    return str(
        tab.page.evaluate(
            """() => {
                const { deliveryType, transferSize } = performance.getEntriesByType("navigation")[0];
                return deliveryType || (transferSize ? "" : "cache");
            }"""
        )
    )


def sign_out_elsewhere(tabs: Tabs) -> None:
    other = tabs.python(following("timeout=30"), html=HTML)
    other.shows(status="authenticated")
    press(other, "sign-out")
    other.shows(status="unauthenticated")


def fetched_ahead(tabs: Tabs, proxy: Proxy, between: Callable[[], None], timed: bool) -> Tab:
    """Opened by a link, having been fetched before `between`."""
    serve(tabs, proxy, "private, no-store", timed)
    rules = (
        f'<script type="speculationrules">{{"prefetch": [{{"urls": ["{PAGE}"], "eagerness": "immediate"}}]}}</script>'
    )
    proxy.pages["/links.html"] = lambda: ({"cache-control": "no-store"}, page(rules, LINK))
    tab = tabs.tab()
    while (asked := proxy.asked.count(f"GET {PAGE}")) == 0:
        assert tab.navigations.count(proxy.url + "/links.html") < 10, "Chromium fetches nothing ahead"
        tab.page.goto(proxy.url + "/links.html")
        # Whether it does so, and when, is its own business; a page that is shown anew is another chance.
        with contextlib.suppress(AssertionError):
            tab.wait(lambda: f"GET {PAGE}" in proxy.asked, "fetched ahead", seconds=5)
    between()
    assert follow_link(tab) == "navigational-prefetch"
    assert proxy.asked.count(f"GET {PAGE}") == asked
    return tab


def kept_in_a_cache(tabs: Tabs, proxy: Proxy, between: Callable[[], None], timed: bool) -> Tab:
    """Opened by a link, having been kept by the browser's cache before `between`."""
    serve(tabs, proxy, "private, max-age=600", timed)
    proxy.pages["/links.html"] = lambda: ({"cache-control": "no-store"}, page("", LINK))
    tab = tabs.tab()
    tab.page.goto(proxy.url + "/links.html")
    follow_link(tab)
    tab.shows(who="Ada Lovelace")
    tab.page.goto(proxy.url + "/links.html")
    between()
    assert follow_link(tab) == "cache"
    assert proxy.asked.count(f"GET {PAGE}") == 1
    return tab


WAYS = [
    pytest.param(fetched_ahead, id="fetched ahead"),  # only Chromium knows speculation rules
    pytest.param(kept_in_a_cache, id="kept in a cache", marks=contract_in_one),
]
Way = Callable[[Tabs, Proxy, Callable[[], None], bool], Tab]


@first_on_pyodide
@pytest.mark.parametrize("timed", [True, False], ids=["timed", "untimed"])
@pytest.mark.parametrize("way", WAYS)
def test_after_a_sign_out_elsewhere_nobody_is_shown_by_an_older_page(
    older_tabs: Tabs, proxy: Proxy, way: Way, timed: bool
) -> None:
    proxy.sign_in(older_tabs.context)
    tab = way(older_tabs, proxy, lambda: sign_out_elsewhere(older_tabs), timed)
    tab.shows(status="unauthenticated", who="nobody")
    assert tab.page.evaluate("shown") == ["nobody"]


SIGN_OUT_OF_V4 = """
localStorage["nextauth.message"] =
    JSON.stringify({ event: "session", data: { trigger: "signout" }, timestamp: Math.floor(Date.now() / 1000) });
"""


@first_on_pyodide
@pytest.mark.parametrize("way", [fetched_ahead, kept_in_a_cache])
def test_nor_after_a_sign_out_by_a_v4_client(older_tabs: Tabs, proxy: Proxy, way: Way) -> None:
    """It stores no epoch, only a message."""
    proxy.sign_in(older_tabs.context)
    proxy.pages["/v4.html"] = lambda: ({"cache-control": "no-store"}, page("", ""))

    def sign_out() -> None:
        other = older_tabs.tab()
        other.page.goto(proxy.url + "/v4.html")
        older_tabs.context.clear_cookies()
        other.page.evaluate(SIGN_OUT_OF_V4)

    tab = way(older_tabs, proxy, sign_out, True)
    tab.shows(status="unauthenticated", who="nobody")
    assert tab.page.evaluate("shown") == ["nobody"]


@first_on_pyodide
@pytest.mark.parametrize("way", WAYS)
def test_an_older_page_is_shown_while_the_backend_is_asked(older_tabs: Tabs, proxy: Proxy, way: Way) -> None:
    """No tab of this browser knows of a mutation."""
    proxy.sign_in(older_tabs.context)
    tab = way(older_tabs, proxy, lambda: proxy.rename("Ada King"), True)
    tab.shows(who="Ada King")
    assert tab.page.evaluate("shown") == ["Ada Lovelace", "Ada King"]
    assert len(tab.requests("session")) >= 1


# Chromium renders nothing ahead for a page that is debugged, so that the test says that it did.
SAY = "Object.defineProperty({}.prototype, '{}', {{ get: () => {} }});"
AHEAD = {
    "still ahead": SAY.format("Document", "prerendering", "true"),
    "looked at since": SAY.format("PerformanceNavigationTiming", "activationStart", "5"),
}


@first_on_pyodide
@pytest.mark.parametrize("says", AHEAD.values(), ids=AHEAD)
def test_a_page_that_was_rendered_ahead_is_asked_about(tabs: Tabs, backend: Backend, says: str) -> None:
    backend.sign_in(tabs.context)
    backend.rename("Ada King")
    script = (
        f'<script type="application/json" id="nextauth-session" data-at="{time.time():.3f}">{json.dumps(ADA)}</script>'
    )
    tab = tabs.python(following("timeout=30"), html=HTML, head=script, before=says + WATCH)
    tab.shows(who="Ada King")
    assert tab.page.evaluate("shown") == ["Ada Lovelace", "Ada King"]
    assert len(tab.requests("session")) == 1
