"""Places that withhold what a page has elsewhere: cookies, storage, locks and channels."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import pytest

from tests.browser.snippets import FOLLOW, HTML, SHOW
from tests.browser.test_examples import run_cell, sign_in
from tests.browser.test_snippets import shown
from tests.browser.test_where_python_runs import FOR_ANYBODY, HEAR, IN_PAGE, script, write_client
from tests.support.backend import Backend
from tests.support.engines import NO_COOKIES, NO_THIRD_PARTY_COOKIES, PRIVATE, Engine, expect
from tests.support.proxy import Proxy
from tests.support.site import Site, page
from tests.support.tabs import Tab, Tabs, close, contract, contract_in_one, micropython_only

BLOCKED = '<script src="/static/nextauth-blocked.js"></script>'
SIGN_IN = """
import asyncio
Provider()

async def enter():
    try:
        result = await sign_in("credentials", redirect=False, username="ada", password="lovelace")
        show("result", result.error or "ok")
    except NextAuthError as error:
        show("result", error.code)
        show("url", explain_error(error.code))

@when("click", "#go")
def go(event):
    asyncio.create_task(enter())
"""

TabsIn = Callable[[str], Tabs]


@pytest.fixture
def tabs_in(engine: Engine, site: Site, backend: Backend, interpreter: str) -> Iterator[TabsIn]:
    """The tabs of a browser that is set so."""
    with ExitStack() as stack:

        def tabs_in(place: str) -> Tabs:
            context = stack.enter_context(engine.placed_context(backend.url, place))
            return stack.enter_context(Tabs(context, site, backend, interpreter, None))

        yield tabs_in


def one_signs_in_and_another_tab_follows(tabs: Tabs, head: str = "") -> Tab:
    tab, other = (tabs.python(SHOW + SIGN_IN + FOLLOW, html=HTML, head=head) for _ in range(2))
    for one in (tab, other):
        one.shows(status="unauthenticated")
    tab.element("go").click()
    tab.shows(result="ok", who="Ada Lovelace")
    other.shows(who="Ada Lovelace")
    return tab


# ── cookies ──────────────────────────────────────────────────────────────────────────────────────


@contract
def test_where_cookies_are_off_python_runs_and_a_sign_in_says_what_is_wrong(tabs_in: TabsIn) -> None:
    tab = tabs_in(NO_COOKIES).python(SHOW + SIGN_IN + FOLLOW, html=HTML, head=BLOCKED)
    tab.shows(status="unauthenticated", error="none")
    tab.element("go").click()
    tab.shows(result="CookiesBlocked", status="unauthenticated")
    tab.contains(url="Your browser blocks cookies")


@contract
@micropython_only
def test_where_cookies_are_off_an_example_shows_its_form_and_a_sign_in_says_what_is_wrong(tabs_in: TabsIn) -> None:
    tabs = tabs_in(NO_COOKIES)
    tab = tabs.tab()
    tab.page.goto(tabs.backend.url + "/examples/attributes/")
    expect(tab.button("Sign in")).to_be_visible()
    tab.until("document.documentElement.dataset.authState")  # Python is there, else the form goes to the backend
    tab.page.get_by_label("Username").fill("ada")
    tab.page.get_by_label("Password").fill("lovelace")
    tab.button("Sign in").click()
    expect(tab.page.locator("[data-auth-error]")).to_contain_text("Your browser blocks cookies")


@contract
@micropython_only
@pytest.mark.parametrize("path", ["/examples/worker/", "/examples/notebook/", "/guide.html"])
def test_where_cookies_are_off_a_page_with_its_python_in_a_worker_says_what_is_wrong(
    tabs_in: TabsIn, engine: Engine, path: str
) -> None:
    tabs = tabs_in(NO_COOKIES)
    tabs.site.write("/worker.py", "from nextauth_client import Provider\nProvider()")
    tabs.site.write("/guide.html", page(BLOCKED, shown("pages.md", "worker.py")))
    tab = tabs.tab()
    tab.page.goto(tabs.backend.url + path)
    if not engine.has_channels_without_cookies:
        said = tab.page.locator("[data-auth-error], #who").filter(visible=True)
        expect(said.first).to_contain_text("Your browser blocks cookies")
        return
    if "notebook" in path:
        run_cell(tab, 0)
    expect(tab.button("Sign in")).to_be_visible()
    sign_in(tab)
    expect(tab.page.get_by_role("alert")).to_contain_text("that cookies are allowed")


@contract_in_one
def test_in_a_private_window_one_signs_in_and_the_other_tab_follows(tabs_in: TabsIn) -> None:
    one_signs_in_and_another_tab_follows(tabs_in(PRIVATE))


# ── a frame of another site ──────────────────────────────────────────────────────────────────────

# What the frame shows, the page around it shows.
IN_FRAME = """
import js, json
from nextauth_client import *
from pyscript import when

def show(name, value):
    js.parent.postMessage(json.dumps(["tests", name, str(value)]), "*")
"""
AT_ONCE = "\nentering = asyncio.create_task(enter())\n"


@contract
def test_in_a_frame_of_another_site_whose_cookies_are_blocked_nobody_is_signed_in_and_a_sign_in_says_so(
    tabs_in: TabsIn,
) -> None:
    tabs = tabs_in(NO_THIRD_PARTY_COOKIES)
    url = tabs.backend.url.replace("127.0.0.1", "localhost")
    python = IN_FRAME + SIGN_IN + FOLLOW + AT_ONCE
    tabs.site.write_page("/frame.html", python=python, html=HTML, head=BLOCKED, interpreter=tabs.interpreter)
    tabs.site.write("/around.html", page("", HTML + HEAR + f'<iframe src="{url}/frame.html"></iframe>'))
    tab = tabs.tab()
    tab.page.goto(tabs.backend.url + "/around.html")
    tab.shows(status="unauthenticated", error="none", result="CookiesBlocked")
    tab.contains(url="Your browser blocks cookies")
    tab.forget()  # of two hosts
    tabs.opened.remove(tab)


# ── plain http ───────────────────────────────────────────────────────────────────────────────────


@contract_in_one
def test_at_plain_http_on_another_host_name_tabs_follow_without_locks(
    engine: Engine, site: Site, backend: Backend, interpreter: str
) -> None:
    """Which all browsers take `localhost` and 127.0.0.1 for no example of; this is the latter's name in IPv6."""
    elsewhere = Elsewhere(backend, "[::ffff:7f00:1]")
    with engine.context(elsewhere.url) as context, Tabs(context, site, elsewhere, interpreter, None) as tabs:
        tab = one_signs_in_and_another_tab_follows(tabs)
        assert not tab.page.evaluate("isSecureContext || Boolean(navigator.locks)")


class Elsewhere:
    """The backend under another host's name."""

    def __init__(self, backend: Backend, host: str) -> None:
        self.backend = backend
        self.url = backend.url.replace("127.0.0.1", host)
        self.base = backend.base.replace("127.0.0.1", host)

    def __getattr__(self, name: str) -> Any:
        return getattr(self.backend, name)


# ── channels and storage ─────────────────────────────────────────────────────────────────────────


@contract
def test_without_channels_pyscript_starts_and_tabs_follow_by_storage(tabs: Tabs) -> None:
    """A tab that is not told asks by itself; the JS clients' key in storage tells it."""
    head = f"<script>delete window.BroadcastChannel</script>{BLOCKED}"
    one_signs_in_and_another_tab_follows(tabs, head=head)


FULL = """
<script>
    for (const name of ["setItem", "removeItem", "getItem"])
        Storage.prototype[name] = () => { throw new DOMException("No room.", "QuotaExceededError"); };
</script>
"""


@contract
def test_storage_that_throws_stops_nothing(tabs: Tabs) -> None:
    one_signs_in_and_another_tab_follows(tabs, head=FULL)


# ── files ────────────────────────────────────────────────────────────────────────────────────────


@contract_in_one
def test_a_page_that_was_opened_as_a_file_is_told_to_be_opened_by_http(
    tabs: Tabs, backend: Backend, tmp_path: Path
) -> None:
    """PyScript does not start there, for browsers refuse modules of files; an interpreter from elsewhere does."""
    with Proxy(backend, headers=FOR_ANYBODY) as proxy:
        others = Tabs(tabs.context, tabs.site, proxy, tabs.interpreter, None)
        write_client(others)
        show_problem = """
try:
    Provider()
except ValueError as error:
    show("result", error)
"""
        html = page("", f'{HTML}<script type="module">{script(others, IN_PAGE + show_problem)}</script>')
        (tmp_path / "page.html").write_text(html)
        tab = tabs.tab()
        tab.page.goto((tmp_path / "page.html").as_uri())
        tab.contains(result="Open it by http")
        tab.forget()
        tabs.opened.remove(tab)
        close(tab.page)
