"""What happens by the clock alone: sessions that end, `client_max_age`, `keep_alive`, offline pages, wrong clocks."""

from __future__ import annotations

import re
import time

import pytest

from tests.browser.following import (
    BROWSERS_OWN,
    HTML,
    UNMOVED,
    Bystander,
    all_show,
    following,
    open_in_turn,
    press,
    session_queries,
)
from tests.support.backend import Backend
from tests.support.tabs import Tab, Tabs, contract, contract_in_one, first_on_pyodide, micropython_only

# #read reads the session as a page's own code would at any time.
READ = """
@button("read")
async def read():
    use_session()
"""
READ_HTML = HTML + '<button id="read">Read</button>'


def reading(options: str) -> str:
    return following(options) + READ


def shorten_session(backend: Backend, tab: Tab, seconds: float) -> None:
    """From now on sessions live so long, that of this tab too."""
    backend.session_length(seconds)
    press(tab, "ask")
    tab.shows(done="ask")


@contract
def test_a_session_ends_in_all_tabs_with_no_event_and_one_request(tabs: Tabs, backend: Backend) -> None:
    backend.sign_in(tabs.context)
    opened = open_in_turn(tabs, 2, following(UNMOVED), HTML, who="Ada Lovelace")
    shorten_session(backend, opened[0], 3)
    backend.revoke()  # a cookie may live a second longer, as in WebKit, and would be renewed
    all_show(opened, status="unauthenticated", who="nobody", error="none")
    with Bystander(tabs) as bystander:
        assert bystander.until_quiet(0.5) == 4
    last, end = session_queries(backend)[-2:]
    assert end["time"] - last["time"] > 2.9


@contract_in_one
def test_a_session_ends_though_the_backend_cannot_be_asked(tabs: Tabs, backend: Backend) -> None:
    backend.sign_in(tabs.context)
    tab = tabs.python(following("timeout=1"), html=HTML)
    tab.expect_problem(BROWSERS_OWN)
    tab.shows(who="Ada Lovelace")
    shorten_session(backend, tab, 2)
    backend.fault("session", "hang")
    tab.shows(status="unauthenticated", who="nobody", error="ClientFetchError")


@micropython_only
def test_keep_alive_keeps_a_session_that_would_end(tabs: Tabs, backend: Backend) -> None:
    backend.sign_in(tabs.context)
    tab = tabs.python(following("keep_alive=1"), html=HTML)
    tab.shows(who="Ada Lovelace")
    shorten_session(backend, tab, 6)  # many times as long as keep_alive: a busy machine comes late
    start = time.time()
    with Bystander(tabs) as bystander:
        bystander.until(lambda: session_queries(backend)[-1]["time"] > start + 7)
    tab.shows(status="authenticated", who="Ada Lovelace")


@micropython_only
def test_keep_alive_goes_on_after_a_failure(tabs: Tabs, backend: Backend) -> None:
    backend.sign_in(tabs.context)
    tab = tabs.python(following("keep_alive=1"), html=HTML)
    tab.expect_problem(BROWSERS_OWN)
    tab.shows(who="Ada Lovelace")
    backend.fault("session", "500-json", times=2)
    tab.shows(error="UnexpectedAnswer")
    backend.rename("Ada King")
    tab.shows(who="Ada King", error="none")
    backend.rename("Ada Byron")
    tab.shows(who="Ada Byron")


@micropython_only
def test_a_read_asks_when_what_it_reads_is_older_than_client_max_age(tabs: Tabs, backend: Backend) -> None:
    backend.sign_in(tabs.context)
    tab = tabs.python(reading(f"client_max_age=2, {UNMOVED}"), html=READ_HTML)
    tab.shows(who="Ada Lovelace")
    backend.rename("Ada King")
    with Bystander(tabs) as bystander:
        press(tab, "read")
        tab.shows(done="read")
        assert bystander.until_quiet(3) == 1  # it was younger; now, counted from its answer, it is not
        tab.shows(who="Ada Lovelace")
        press(tab, "read")
        tab.shows(who="Ada King")
        press(tab, "read")
        tab.shows(done="read read read")
        assert bystander.until_quiet(0.5) == 2


@micropython_only
def test_signed_out_pages_and_pages_without_options_ask_nothing_as_time_goes_by(tabs: Tabs, backend: Backend) -> None:
    out = tabs.python(reading("client_max_age=1, keep_alive=1"), html=READ_HTML)
    out.shows(status="unauthenticated")
    with Bystander(tabs) as bystander:
        assert bystander.until_quiet(2.5) == 1
        press(out, "read")
        out.shows(done="read")
        assert bystander.until_quiet(2.5) == 1
        out.page.close()
        backend.sign_in(tabs.context)
        signed_in = tabs.python(reading(""), html=READ_HTML)
        signed_in.shows(who="Ada Lovelace")
        bystander.until_quiet(1)
        press(signed_in, "read")
        signed_in.shows(done="read")
        assert bystander.until_quiet(2) == 2


@contract
@micropython_only
def test_a_page_that_is_offline_waits_and_asks_when_it_is_back(tabs: Tabs, backend: Backend) -> None:
    backend.sign_in(tabs.context)
    tab = tabs.python(following(f"keep_alive=1, {UNMOVED}"), html=HTML)
    tab.expect_problem(BROWSERS_OWN)
    tab.shows(who="Ada Lovelace")
    with Bystander(tabs) as bystander:
        tabs.context.set_offline(True)
        press(tab, "ask")
        tab.shows(error="ClientFetchError", who="Ada Lovelace")
        asked = len(tab.requests("session"))
        # Neither keep_alive nor a retry, though both are due.
        failed_at = time.monotonic()
        bystander.until(lambda: time.monotonic() > failed_at + 2.5)
        assert len(tab.requests("session")) == asked
        backend.rename("Ada King")
        tabs.context.set_offline(False)
        tab.shows(error="none", who="Ada King")


@micropython_only
@pytest.mark.parametrize("option", ["client_max_age", "keep_alive"])
def test_an_option_that_is_longer_than_the_session_lives_is_warned_of_once(
    tabs: Tabs, backend: Backend, option: str
) -> None:
    backend.session_length(90)
    backend.sign_in(tabs.context)
    tab = tabs.python(following(f"{option}=100"), html=HTML)
    tab.expect_problem("nextauth_client:")
    tab.shows(who="Ada Lovelace")
    press(tab, "ask")
    tab.shows(done="ask")
    [warning] = [line for line in tab.console if "nextauth_client:" in line]
    assert f"{option}=100" in warning
    [lifetime] = re.findall(r"lifetime of (\d+) seconds", warning)
    # The backend tells the time, from which the rest is reckoned, in whole seconds; an answer may be long on its way.
    assert 60 <= int(lifetime) <= 93


# The page's clock, which a test may set: seconds that it is ahead.
LYING_CLOCK = """
{
    const now = Date.now;
    window.ahead = %d;
    Date.now = () => now() + 1000 * window.ahead;
    Date = class extends Date {
        constructor(...given) { given.length ? super(...given) : super(Date.now()); }
    };
}
"""
HOURS = 5 * 3600


def lying_tab(tabs: Tabs, ahead: int, options: str = "") -> Tab:
    show_clock = "\nimport time\nshow('clock', int(time.time()))\n"
    html = HTML + '<p id="clock"></p>'
    tab = tabs.python(following(options) + show_clock, html=html, before=LYING_CLOCK % ahead)
    assert abs(int(tab.element("clock").inner_text()) - time.time() - ahead) < 60, "the page's clock does not lie"
    return tab


def focus(tab: Tab) -> None:
    tab.page.evaluate("dispatchEvent(new Event('focus'))")


def focus_until_it_asks(tab: Tab, bystander: Bystander, backend: Backend) -> None:
    """The first event may count as the same moment as an answer: how long ago that came is not known any more."""
    asked = len(session_queries(backend))

    def focus_and_look() -> bool:
        focus(tab)
        return len(session_queries(backend)) > asked

    bystander.until(focus_and_look)


@first_on_pyodide
@contract
@pytest.mark.parametrize("ahead", [HOURS, -HOURS])
def test_a_clock_that_is_hours_wrong_neither_ends_a_session_nor_stops_its_end(
    tabs: Tabs, backend: Backend, ahead: int
) -> None:
    backend.session_length(3600)
    backend.sign_in(tabs.context)
    tab = lying_tab(tabs, ahead)
    tab.shows(who="Ada Lovelace")
    with Bystander(tabs) as bystander:
        bystander.until_quiet(1)
        backend.rename("Ada King")
        focus(tab)
        tab.shows(who="Ada King")
    shorten_session(backend, tab, 3)
    tab.shows(status="authenticated")
    tab.shows(status="unauthenticated", error="none")


@contract
@micropython_only
@pytest.mark.parametrize("later", [HOURS, -HOURS])
def test_a_clock_that_is_set_anew_neither_signs_out_nor_stops_focus(tabs: Tabs, backend: Backend, later: int) -> None:
    backend.session_length(3600)
    backend.sign_in(tabs.context)
    tab = lying_tab(tabs, 0)
    tab.shows(who="Ada Lovelace")
    with Bystander(tabs) as bystander:
        tab.page.evaluate("seconds => { window.ahead = seconds }", later)
        for name in ("Ada King", "Ada Byron"):
            backend.rename(name)
            focus_until_it_asks(tab, bystander, backend)
            tab.shows(who=name, status="authenticated", error="none")
