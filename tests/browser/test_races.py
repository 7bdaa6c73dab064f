"""Answers that come late or in the wrong order: what is shown is right, and so is the backend's cookie."""

from __future__ import annotations

from tests.browser.following import HTML, UNMOVED, Bystander, following, press, session_queries
from tests.support.backend import Backend
from tests.support.tabs import Tab, Tabs, contract

PAGE = following(UNMOVED)
SLOW = 1.0  # seconds; a sign-out takes a small part of it
COOKIE = "next-auth.session-token"


def hold_answers_back(backend: Backend, seconds: float = SLOW) -> None:
    """From now on: the answer and its cookie are made at once and arrive late."""
    backend.latency("session", seconds, "after")


def ask_slowly(tabs: Tabs, *asking: Tab, by: str = "ask") -> None:
    """Each of the tabs asks, and the backend has begun to answer; later queries are answered at once."""
    before = len(session_queries(tabs.backend))
    hold_answers_back(tabs.backend)
    with Bystander(tabs) as bystander:
        for tab in asking:
            if by == "focus":
                # What was answered less than a second ago is not asked again.
                bystander.until_quiet(1)
                tab.page.evaluate("dispatchEvent(new Event('focus'))")
            else:
                press(tab, by)
        bystander.until(lambda: len(session_queries(tabs.backend)) == before + len(asking))
    hold_answers_back(tabs.backend, 0)


def let_slow_answers_come(tabs: Tabs, tab: Tab) -> None:
    """Wait as long as any answer that was held back before can take."""
    hold_answers_back(tabs.backend)
    tab.page.evaluate("fetch('/api/auth/session', { credentials: 'omit', cache: 'no-store' })")
    hold_answers_back(tabs.backend, 0)


def assert_signed_out(tabs: Tabs, *opened: Tab) -> None:
    """In the pages, in the cookie jar and for the backend."""
    let_slow_answers_come(tabs, opened[0])
    for tab in opened:
        tab.shows(status="unauthenticated", who="nobody", error="none")
    assert COOKIE not in [cookie["name"] for cookie in tabs.context.cookies()]
    assert tabs.context.request.get(tabs.backend.base + "/session").json() == {}


@contract
def test_a_slow_answer_cannot_undo_a_sign_out(tabs: Tabs, backend: Backend) -> None:
    backend.sign_in(tabs.context)
    tab = tabs.python(PAGE, html=HTML)
    tab.shows(who="Ada Lovelace")
    ask_slowly(tabs, tab)
    press(tab, "sign-out")
    tab.shows(status="unauthenticated", done="ask sign-out")
    assert_signed_out(tabs, tab)


def test_a_slow_answer_to_a_focus_event_cannot_undo_a_sign_out(tabs: Tabs, backend: Backend) -> None:
    backend.sign_in(tabs.context)
    tab = tabs.python(following(), html=HTML)
    tab.shows(who="Ada Lovelace")
    ask_slowly(tabs, tab, by="focus")
    press(tab, "sign-out")
    tab.shows(status="unauthenticated", done="sign-out")
    assert_signed_out(tabs, tab)


def test_slow_answers_in_other_tabs_cannot_undo_a_sign_out(tabs: Tabs, backend: Backend) -> None:
    backend.sign_in(tabs.context)
    one, two, three = opened = [tabs.python(PAGE, html=HTML) for _ in range(3)]
    for tab in opened:
        tab.shows(who="Ada Lovelace")
    ask_slowly(tabs, two, three)
    press(one, "sign-out")
    for tab in opened:
        tab.shows(status="unauthenticated")
    assert_signed_out(tabs, *opened)
    two.shows(done="ask")
    three.shows(done="ask")


def test_a_query_during_a_sign_out_waits_for_its_end(tabs: Tabs, backend: Backend) -> None:
    backend.sign_in(tabs.context)
    one, two = opened = [tabs.python(PAGE, html=HTML) for _ in range(2)]
    for tab in opened:
        tab.shows(who="Ada Lovelace")
    asked = len(session_queries(backend))
    backend.latency("signout", SLOW)
    hold_answers_back(backend)
    press(one, "sign-out")
    with Bystander(tabs) as bystander:
        bystander.until(lambda: any(entry["path"].endswith("/signout") for entry in backend.log()))
    press(two, "ask")
    one.shows(done="sign-out")
    two.shows(status="unauthenticated", done="ask")
    assert len(session_queries(backend)) == asked
    assert_signed_out(tabs, *opened)


def test_a_slow_answer_of_nobody_cannot_undo_a_sign_in(tabs: Tabs, backend: Backend) -> None:
    one, two = opened = [tabs.python(PAGE, html=HTML) for _ in range(2)]
    for tab in opened:
        tab.shows(status="unauthenticated")
    ask_slowly(tabs, one, two)
    press(one, "sign-in")
    for tab in opened:
        tab.shows(status="authenticated", who="Ada Lovelace")
    let_slow_answers_come(tabs, one)
    for tab in opened:
        tab.shows(status="authenticated", who="Ada Lovelace", error="none")
    two.shows(done="ask")
    assert tabs.context.request.get(backend.base + "/session").json()["user"]["name"] == "Ada Lovelace"


def test_of_two_answers_that_come_in_reverse_the_newer_query_counts(tabs: Tabs, backend: Backend) -> None:
    backend.sign_in(tabs.context)
    one, _ = opened = [tabs.python(PAGE, html=HTML) for _ in range(2)]
    for tab in opened:
        tab.shows(who="Ada Lovelace")
    ask_slowly(tabs, one)
    backend.rename("Ada King")
    press(one, "ask")
    for tab in opened:
        tab.shows(who="Ada King")
    one.shows(done="ask ask")
    let_slow_answers_come(tabs, one)
    for tab in opened:
        tab.shows(who="Ada King", error="none")


def test_a_query_does_not_wait_for_the_answer_to_another_tabs(tabs: Tabs, backend: Backend) -> None:
    # Chromium lets only one of them use its cache, and the others wait.
    opened = [tabs.python(following("timeout=1000"), html=HTML) for _ in range(2)]
    for tab in opened:
        tab.shows(status="unauthenticated")
    asked = len(session_queries(backend))
    backend.fault("session", "hang")
    for tab in opened:
        press(tab, "ask")
    with Bystander(tabs) as bystander:
        bystander.until(lambda: len(session_queries(backend)) == asked + 2)
