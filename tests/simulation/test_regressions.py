"""Schedules that once broke an invariant, as they were printed."""

from __future__ import annotations

from .world import World


def test_a_failure_that_comes_after_a_newer_one_does_not_lose_the_retry() -> None:
    world = World(seed=2, tabs=3, keep_alive=2, locks=False, channels=False, skew=-7200.0)
    world.fault("torn")
    world.sign_in_elsewhere(5, False)
    world.sign_in_elsewhere(4, True)
    world.advance(31.0)
    world.set_online(False)
    world.refresh(1)
    world.advance(0.3)
    world.finish()


def test_an_answer_of_a_page_opened_after_the_clock_was_set_back_satisfies_nobody() -> None:
    world = World(seed=4, tabs=4, client_max_age=1, hostile=True)
    world.set_clock(-60.0)
    world.crash(3)
    world.sign_in_elsewhere(0, False)
    world.stop(5)
    world.finish()


def test_a_slow_update_does_not_undo_a_sign_in_that_ended_before_it() -> None:
    world = World(seed=2, tabs=3, keep_alive=15, session_length=30.0, skew=7200.0, signed_in=False)
    world.sign_out(0)
    world.sleep(1.0)
    world.update(4, 2)
    world.sign_in_leaving(2, True)
    world.latency(3.0)
    world.sign_in(2)
    world.advance(1.0)
    world.finish()


def test_a_slow_update_does_not_undo_what_a_page_was_answered_that_came_back_meanwhile() -> None:
    world = World(seed=2, tabs=4, keep_alive=2, client_max_age=1, session_length=30.0, skew=7200.0)
    world.refresh(3)
    world.advance(1.0)
    world.sign_in(4)
    world.update(1, 3)
    world.close(4)
    world.sign_in(3)
    world.js_get_session()
    world.sign_in_leaving(4, True)
    world.js_sign_out()
    world.sign_in_elsewhere(1, True)
    world.sign_out(2)
    world.leave(1)
    world.update(4, 2)
    world.advance(2.0)
    world.come_back(2)
    world.finish()


def test_a_lock_first_tried_after_its_holder_was_answered_is_looked_at_twice() -> None:
    world = World(seed=6, tabs=4, timeout=3, keep_alive=15, client_max_age=1)
    world.refresh(2)
    world.js_get_session()
    world.finish()


def test_a_query_that_is_older_than_a_failure_does_not_swallow_its_retry() -> None:
    world = World(tabs=1, signed_in=False)
    world.advance(5.0)
    world.slow_answer(8.0)
    world.refresh(0)
    world.advance(1.0)
    world.fault("bad")
    world.js_sign_in()
    world.advance(0.6)
    world.fault(None)
    world.advance(12.0)
    world.finish()


def test_a_session_that_ends_while_its_answer_is_on_its_way_is_not_shown_for_ever() -> None:
    world = World(tabs=1, session_length=4.0, sends_date=False)
    world.advance(1.0)
    world.slow_answer(6.0)
    world.refresh(0)
    world.advance(60.0)
    world.finish()


def test_a_query_that_an_older_one_overtakes_after_the_clock_was_set_back_is_asked_once_more() -> None:
    world = World(seed=2, tabs=3, locks=False)
    world.sign_out(4)
    world.advance(0.1)
    world.change_csrf()
    world.advance(0.3)
    world.fault("slow")
    world.js_get_session()
    world.revoke()
    world.set_clock(-60.0)
    world.advance(0.3)
    world.finish()


def test_a_session_that_ended_while_python_was_loading_is_asked_for_again() -> None:
    world = World(tabs=1)
    world.advance(31.0)
    world.session_length(4.0)
    world.refresh(0)
    world.advance(1.0)
    world.close(0)
    world.open_early(12.0)
    world.finish()


def test_a_portal_that_answered_where_a_redirect_led_is_not_taken_for_the_backend_for_long() -> None:
    world = World(tabs=4, channels=False)
    world.fault("bad")
    world.open()
    world.sign_out(3)
    world.sleep(1.0)
    world.refresh(5)
    world.js_get_session()
    world.set_clock(-259200.0)
    world.js_get_session()
    world.advance(31.0)
    world.finish()


def test_a_provider_that_is_replaced_hands_over_what_it_was_told() -> None:
    world = World(seed=2, tabs=1)
    world.advance(12.0)
    world.js_sign_out()
    world.advance(0.12)
    world.replace(0)
    world.advance(5.0)
    world.finish()


def test_a_provider_that_is_replaced_hands_over_when_its_session_ends() -> None:
    world = World(seed=3, tabs=3, channels=False, session_length=30.0, skew=-7200.0)
    world.advance(31.0)
    world.replace(4)
    world.finish()


def test_a_provider_that_is_replaced_hands_over_the_order_of_a_clock_that_was_set_back() -> None:
    world = World(hostile=True)
    world.sign_in_passing()
    world.sleep(15.0)
    world.refresh(0)
    world.set_clock(-10000.0)
    world.replace(0)
    world.finish()


def test_a_tab_that_is_gone_sends_nothing_any_more() -> None:
    world = World(seed=3, tabs=1)
    world.crash(0)
    world.sign_out_passing()
    world.finish()


def test_an_early_query_that_is_given_up_at_once_is_aborted() -> None:
    world = World()
    world.sign_out(1)
    world.fault("hang")
    world.sleep(1.0)
    world.reconnect(4)
    world.replace_given(4)
    world.reconnect(3)
    world.open_early(3.0)
    world.advance(2.0)
    world.sleep(1.0)
    world.refresh(4)
    world.finish()


def test_another_python_of_a_page_is_told_of_no_session_that_is_over() -> None:
    world = World()
    world.session_length(20.0)
    world.set_online(False)
    world.advance(5.0)
    world.sleep(4000.0)
    world.open_beside(4, False)
    world.advance(5.0)
    world.finish()


def test_an_answer_that_took_two_requests_was_asked_for_with_the_first() -> None:
    world = World(tabs=3, keep_alive=2, locks=False)
    world.js_sign_in()
    world.sleep(100.0)
    world.sign_in(5)
    world.open_early(12)
    world.sign_in(0)
    world.advance(0.1)
    world.fault("bad")
    world.sleep(100.0)
    world.sign_in(3)
    world.advance(31.0)
    world.finish()


def test_a_call_that_was_refused_is_answered_though_the_clock_was_set_back_meanwhile() -> None:
    world = World(seed=1, signed_in=False)
    world.call_everywhere()
    world.set_clock(-10000.0)
    world.sign_in_leaving(0, False)
    world.finish()


def test_another_python_of_the_page_is_not_told_of_a_session_that_ended_while_the_backend_was_silent() -> None:
    world = World()
    world.session_length(4.0)
    world.fault("hang")
    world.advance(31.0)
    world.open_beside(4, False)
    world.finish()


def test_a_query_of_the_other_spelling_is_one_for_which_the_lock_is_held() -> None:
    world = World(keep_alive=2)
    world.reconnect(0)
    world.fault("bad")
    world.refresh(0)
    world.advance(12.0)
    world.finish()


def test_a_tab_that_wakes_with_a_clock_that_was_set_back_shows_nobody_who_has_idled_elsewhere() -> None:
    world = World(tabs=3, idle_timeout=20)
    world.replace_given(0)
    world.replace_given(2)
    world.set_clock(-259200.0)
    world.focus(0)
    world.sleep(4000.0)
    world.finish()
