"""What any number of tabs costs, with Locks and a channel: the figures of the README."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from nextauth_client.sync import TICK

from .world import World

TABS = [1, 2, 5, 10, 20]


def a_world(tabs: int, **options: object) -> World:
    """`tabs` tabs that have been open for a while."""
    world = World(tabs=tabs, **options)
    world.healed = True  # no request takes unusually long
    world.advance(10)
    return world


def requests(world: World, what: Callable[[], object], seconds: float = 5) -> list[str]:
    """What the tabs send while `what` happens and for some seconds after."""
    before = len(world.browser.requests)
    what()
    world.advance(seconds)
    return world.browser.requests[before:]


def names(world: World) -> set[object]:
    return {page.machine.view.session and page.machine.view.session["login"] for page in world.pages if page.alive}


@pytest.mark.parametrize("tabs", TABS)
def test_opening_tabs_costs_at_most_one_request_each(tabs: int) -> None:
    assert len(a_world(tabs).browser.requests) <= tabs


@pytest.mark.parametrize("tabs", TABS)
def test_one_focus_costs_one_request(tabs: int) -> None:
    world = a_world(tabs)

    def focus_moves() -> None:
        """Away from one tab and to another, each with all that a browser tells."""
        for tab in {0, 1} & set(range(tabs)):
            world.focus(tab)
            world.hide(tab)
            world.show(tab)

    assert requests(world, focus_moves) == ["GET /session"]


@pytest.mark.parametrize("tabs", TABS)
def test_one_keep_alive_period_costs_one_request(tabs: int) -> None:
    world = a_world(tabs, keep_alive=60)
    assert requests(world, lambda: None, 600) == ["GET /session"] * 10


@pytest.mark.parametrize("tabs", TABS)
def test_one_message_of_a_js_client_costs_one_request(tabs: int) -> None:
    world = a_world(tabs)
    assert requests(world, world.js_says) == ["GET /session"]


@pytest.mark.parametrize("tabs", TABS)
def test_a_page_that_a_sign_in_landed_on_with_its_session_costs_one_request(tabs: int) -> None:
    world = a_world(tabs + 1)
    asked = requests(world, lambda: world.sign_in_leaving(0, True))
    assert asked.count("GET /session") <= 2  # for the end of the mutation, and for the landing
    assert names(world) == {2}


@pytest.mark.parametrize("tabs", TABS)
def test_a_sign_out_costs_two_requests_and_all_tabs_show_it(tabs: int) -> None:
    world = a_world(tabs)
    assert requests(world, lambda: world.sign_out(0)) == ["GET /csrf", "POST /signout"]
    assert names(world) == {None}


@pytest.mark.parametrize("tabs", TABS)
def test_the_other_tabs_follow_a_sign_in_with_no_request_of_their_own(tabs: int) -> None:
    world = a_world(tabs, signed_in=False)
    assert requests(world, lambda: world.sign_in(0)) == [
        "GET /providers",
        "GET /csrf",
        "POST /callback/credentials",
        "GET /session",
    ]
    assert names(world) == {1}


@pytest.mark.parametrize("tabs", TABS)
def test_get_session_in_one_tab_reaches_all_with_one_request(tabs: int) -> None:
    world = a_world(tabs)
    world.rename()
    assert requests(world, lambda: world.refresh(0)) == ["GET /session"]
    assert {page.machine.view.session["profile"] for page in world.pages} == {1}


@pytest.mark.parametrize("tabs", TABS)
def test_a_session_that_expires_costs_one_request(tabs: int) -> None:
    world = a_world(tabs, session_length=60)
    world.revoke()
    assert requests(world, lambda: None, 120) == ["GET /session"]
    assert names(world) == {None}


@pytest.mark.parametrize("tabs", TABS)
def test_a_backend_that_is_down_is_asked_by_one_tab_at_a_time_and_less_and_less(tabs: int) -> None:
    world = a_world(tabs)
    world.fault("bad")
    asked = requests(world, lambda: world.focus(0), 60)
    assert 4 <= asked.count("GET /session") <= 9  # besides the other spelling of it, where a redirect may want that


@pytest.mark.parametrize("tabs", TABS)
def test_a_backend_that_hangs_is_asked_by_one_tab_at_a_time(tabs: int) -> None:
    world = a_world(tabs)
    world.fault("hang")
    asked = requests(world, world.js_says, 60)
    assert 3 <= len(asked) <= 6


@pytest.mark.parametrize("tabs", TABS)
def test_a_tab_that_is_gone_with_the_lock_costs_one_request_more(tabs: int) -> None:
    world = a_world(tabs + 1)
    world.latency(2)

    def gone() -> None:
        world.js_says()
        world.advance(0.5)
        [holder] = [page for page in world.pages if page.tab.queries]
        world.crash(world.pages.index(holder))

    assert requests(world, gone, 20) == ["GET /session"] * 2


@pytest.mark.parametrize("tabs", TABS)
def test_a_lock_that_is_never_let_go_costs_few_requests_and_some_seconds(tabs: int) -> None:
    world = a_world(tabs, stuck_lock=True)
    world.rename()
    asked = requests(world, world.js_says, 20)
    assert 1 <= len(asked) <= 4
    assert {page.machine.view.session["profile"] for page in world.pages} == {1}


@pytest.mark.parametrize("locks, channels", [(False, True), (True, False), (False, False)])
@pytest.mark.parametrize("tabs", TABS)
def test_without_locks_or_channel_a_message_costs_at_most_one_request_a_tab(
    tabs: int, locks: bool, channels: bool
) -> None:
    world = a_world(tabs, locks=locks, channels=channels)
    world.rename()
    assert 1 <= len(requests(world, world.js_says)) <= tabs
    assert {page.machine.view.session["profile"] for page in world.pages} == {1}


@pytest.mark.parametrize("locks", [True, False])
def test_without_a_channel_the_other_tabs_ask_once_each_after_a_sign_out(locks: bool) -> None:
    world = a_world(5, locks=locks, channels=False)
    asked = requests(world, lambda: world.sign_out(0))
    assert asked.count("GET /session") == 4
    assert names(world) == {None}


def test_a_sign_out_is_shown_by_all_as_soon_as_the_message_is_there() -> None:
    world = a_world(20)
    world.sign_out(0)
    while world.pages[0].machine.view.session is not None:
        world.advance(0.001)
    world.advance(0.03)
    assert names(world) == {None}


def test_an_expired_session_is_over_without_any_event() -> None:
    world = a_world(3, session_length=60)
    world.fault("hang")
    world.advance(60 + TICK + world.options.timeout)
    assert names(world) == {None}
