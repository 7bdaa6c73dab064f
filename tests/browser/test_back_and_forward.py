"""Pages that are left and come back, tabs that close at a bad moment, and sign-ins that lead through other pages."""

from __future__ import annotations

import pytest

from tests.browser.following import (
    HTML,
    UNMOVED,
    Bystander,
    all_show,
    following,
    open_in_turn,
    press,
    session_queries,
)
from tests.browser.snippets import FOLLOW, SHOW
from tests.support.backend import Backend
from tests.support.engines import close, expect
from tests.support.tabs import Held, Tab, Tabs, contract, contract_in_one, micropython_only

# ── back/forward cache ───────────────────────────────────────────────────────────────────────────


def leave(tab: Tab) -> None:
    tab.page.evaluate("() => { window.mark = 'the same page'; onpageshow = event => window.kept = event.persisted }")
    tab.page.goto(tab.backend.url + "/blank.html")


def comes_back(tab: Tab) -> bool:
    """Go back; whether the browser has kept the page as it was. If not, it will not do so for this tab any more."""
    tab.back()
    entry = "performance.getEntriesByType('navigation')[0]"
    if reasons := tab.page.evaluate(f"{entry}.notRestoredReasons?.reasons.map(one => one.reason)"):
        print("not kept:", *reasons)
        return False
    tab.until("window.kept === true && window.mark === 'the same page'")
    return True


TRIES = 5


@contract
def test_a_page_that_comes_back_is_refreshed_and_follows_the_others(keeping_tabs: Tabs, backend: Backend) -> None:
    backend.sign_in(keeping_tabs.context)
    other = keeping_tabs.python(following(UNMOVED), html=HTML)
    with Bystander(keeping_tabs) as bystander:
        for number in range(TRIES):
            one = keeping_tabs.python(following(UNMOVED), html=HTML)
            opened = [one, other]
            all_show(opened, who="Ada Lovelace" if number == 0 else f"Ada the {number - 1}.")
            leave(one)
            backend.rename(f"Ada the {number}.")
            asked = len(session_queries(backend))
            kept = comes_back(one)
            all_show(opened, who=f"Ada the {number}.")
            if kept:
                break
            close(one.page)
        assert kept
        assert bystander.until_quiet(0.5) == asked + 1
        backend.rename("Ada Byron")
        press(other, "ask")
        all_show(opened, who="Ada Byron")
        press(one, "sign-out")
        all_show(opened, status="unauthenticated")
        press(other, "sign-in")
        all_show(opened, status="authenticated")
        assert bystander.until_quiet(0.5) == asked + 3


@contract
def test_a_page_that_comes_back_after_a_sign_out_does_not_show_who_it_was(keeping_tabs: Tabs, backend: Backend) -> None:
    other = keeping_tabs.python(following("timeout=30"), html=HTML)
    for _ in range(TRIES):
        one = keeping_tabs.python(following("timeout=30"), html=HTML)
        all_show([one, other], status="unauthenticated")
        press(other, "sign-in")
        all_show([one, other], status="authenticated")
        leave(one)
        press(other, "sign-out")
        other.shows(status="unauthenticated")
        backend.fault("session", "hang", times=1)
        if comes_back(one):
            one.shows(status="loading", who="nobody")
            press(other, "ask")
            one.shows(status="unauthenticated", who="nobody", error="none")
            return
        backend.heal("session")
        close(one.page)
    pytest.fail(f"the browser has not kept the page in {TRIES} tries")


# Whatever ends in these pages is not ended by the time-out.
PATIENT = """
Provider(timeout=1000)
bind()
"""


@contract_in_one
def test_a_button_that_left_the_page_is_free_at_once_when_that_comes_back(keeping_tabs: Tabs, backend: Backend) -> None:
    keeping_tabs.site.write("/blank.html", "")
    html = '<button id="out" data-auth-signout data-auth-callback-url="/blank.html">Sign out</button>'
    for _ in range(TRIES):
        backend.sign_in(keeping_tabs.context)
        one = keeping_tabs.python(SHOW + PATIENT + FOLLOW, html=HTML + html)
        one.shows(who="Ada Lovelace")
        one.page.evaluate(
            "() => { window.mark = 'the same page'; onpageshow = event => window.kept = event.persisted }"
        )
        with one.page.expect_navigation(url="**/blank.html"):
            one.element("out").click()
        if comes_back(one):
            one.page.wait_for_function("!document.getElementById('out').disabled")
            one.shows(status="unauthenticated")
            return
        close(one.page)
    pytest.fail(f"the browser has not kept the page in {TRIES} tries")


def test_a_button_is_free_at_once_when_the_page_is_left_before_its_action_is_over(tabs: Tabs, backend: Backend) -> None:
    backend.sign_in(tabs.context)
    tabs.site.write("/download.zip", "")  # for which the page stays
    html = '<button id="out" data-auth-signout data-auth-callback-url="/download.zip">Sign out</button>'
    tab = tabs.python(SHOW + PATIENT + FOLLOW, html=HTML + html)
    tab.shows(who="Ada Lovelace")
    held = Held(tab.page, "**/api/auth/signout")
    with tab.page.expect_request("**/api/auth/signout"):
        tab.element("out").click()
    expect(tab.element("out")).to_be_disabled()
    tab.page.evaluate("dispatchEvent(new Event('pagehide'))")
    with tab.page.expect_response("**/download.zip"):
        held.go_on()
    expect(tab.element("out")).to_be_enabled()


@contract
@micropython_only
def test_a_page_that_finishes_loading_does_not_come_back(tabs: Tabs) -> None:
    tab = tabs.python(following(UNMOVED), html=HTML)
    tab.shows(status="unauthenticated")
    tab.page.evaluate("dispatchEvent(new PageTransitionEvent('pageshow', { persisted: false }))")
    with Bystander(tabs) as bystander:
        assert bystander.until_quiet(0.5) == 1


# ── tabs that close ──────────────────────────────────────────────────────────────────────────────


@contract_in_one
def test_a_tab_that_closes_while_it_asks_for_all_does_not_hold_up_the_others(tabs: Tabs, backend: Backend) -> None:
    backend.sign_in(tabs.context)
    one, *others = opened = [tabs.python(following("timeout=30"), html=HTML) for _ in range(3)]
    with Bystander(tabs) as bystander:
        all_show(opened, who="Ada Lovelace")
        asked = bystander.until_quiet(1)
        backend.fault("session", "hang", times=1)
        one.page.evaluate("dispatchEvent(new Event('focus'))")
        bystander.until(lambda: len(session_queries(backend)) == asked + 1)
        backend.rename("Ada King")
        for tab in others:
            Bystander.listen(tab)
        bystander.everywhere("focus")
        held = "navigator.locks.query().then(locks => locks.held.length)"
        assert bystander.page.evaluate(held) == 1
        one.page.close()
        all_show(others, who="Ada King")
        assert bystander.until_quiet(0.5) == asked + 2


# ── sign-ins that lead through other pages ───────────────────────────────────────────────────────

LANDING = "/landing.html"
LEAVE = f"""
@button("leave")
async def leave_for_sign_in():
    await sign_in(callback_url="{LANDING}")
"""
LEAVE_HTML = HTML + '<button id="leave">Sign in</button>'


def sign_in_elsewhere(tabs: Tabs, tab: Tab, landing: str) -> None:
    """By the backend's own page, from which one lands on a page with this Python."""
    tabs.site.write_page(LANDING, python=landing, html=HTML, interpreter=tabs.interpreter)
    press(tab, "leave")
    tab.page.get_by_label("Username").fill("ada")
    tab.page.get_by_label("Password").fill("lovelace")
    tab.page.get_by_role("button", name="Sign in", exact=True).click()
    expect(tab.page).to_have_url(tabs.backend.url + LANDING)


@contract_in_one
def test_the_page_one_lands_on_after_a_sign_in_brings_the_other_tabs_along(tabs: Tabs, backend: Backend) -> None:
    opened = open_in_turn(tabs, 3, following(UNMOVED) + LEAVE, LEAVE_HTML, status="unauthenticated")
    sign_in_elsewhere(tabs, opened[0], following(UNMOVED))
    all_show(opened, status="authenticated", who="Ada Lovelace")
    with Bystander(tabs) as bystander:
        assert bystander.until_quiet(0.5) == 3 + 1


def test_a_page_that_is_given_the_session_after_a_sign_in_brings_the_other_tabs_along(
    tabs: Tabs, backend: Backend
) -> None:
    opened = open_in_turn(tabs, 3, following() + LEAVE, LEAVE_HTML, status="unauthenticated")
    given = """session={"user": {"name": "Ada Lovelace"}, "expires": "2999-01-01T00:00:00.000Z"}"""
    sign_in_elsewhere(tabs, opened[0], following(given))
    all_show(opened, status="authenticated", who="Ada Lovelace")
    with Bystander(tabs) as bystander:
        assert bystander.until_quiet(0.5) == 3 + 1
        # Only once: the next page of this tab announces nothing.
        opened[0].page.reload()
        opened[0].shows(who="Ada Lovelace")
        press(opened[0], "ask")
        opened[0].shows(done="ask")
        assert bystander.until_quiet(0.5) == 3 + 2


def test_a_sign_in_with_a_password_that_loads_a_page_brings_the_other_tabs_along(tabs: Tabs, backend: Backend) -> None:
    python = """
@button("leave")
async def leave_with_password():
    await sign_in("credentials", username="ada", password="lovelace")
"""
    opened = [tabs.python(following(UNMOVED) + python, html=LEAVE_HTML) for _ in range(3)]
    all_show(opened, status="unauthenticated")
    press(opened[0], "leave")
    all_show(opened, status="authenticated", who="Ada Lovelace")
    with Bystander(tabs) as bystander:
        assert bystander.until_quiet(0.5) <= 3 + 2


# ── redirects that do not leave the page ─────────────────────────────────────────────────────────

STAY = """
@button("in")
async def enter_elsewhere():
    await sign_in("credentials", callback_url="/download.zip", username="ada", password="lovelace")

@button("out")
async def leave_elsewhere():
    await sign_out(callback_url="/download.zip")
"""
STAY_HTML = HTML + '<button id="in">Sign in</button> <button id="out">Sign out</button>'


def test_a_redirect_that_does_not_leave_the_page_ends_the_action(tabs: Tabs, backend: Backend) -> None:
    tabs.site.write("/download.zip", "")
    one, other = opened = [tabs.python(following("timeout=3") + STAY, html=STAY_HTML) for _ in range(2)]
    all_show(opened, status="unauthenticated")
    press(one, "in")
    one.shows(done="in")
    all_show(opened, status="authenticated", who="Ada Lovelace")
    press(one, "out")
    one.shows(done="in out")
    all_show(opened, status="unauthenticated", who="nobody")
    press(one, "in")
    one.shows(done="in out in")
    all_show(opened, status="authenticated", who="Ada Lovelace")
    assert [url for url in one.navigations if url.endswith("/download.zip")] != []
    assert other.requests("csrf") == []
