"""The rules of docs/synchroniser.md, one sentence a test, over the machine alone, with explicit times."""

from __future__ import annotations

import json
from typing import Any

import pytest
from nextauth_client import events
from nextauth_client.driver import Driver
from nextauth_client.errors import BackendUnreachable, CSRFRefused, UnexpectedAnswer
from nextauth_client.events import (
    ADOPT,
    CHANGED,
    EARLY,
    NAVIGATED,
    NOTHING,
    UNSET,
    AbortQuery,
    Answered,
    Configured,
    CountdownRead,
    EpochStored,
    Failed,
    Focus,
    ForeignChange,
    Heard,
    LockBusy,
    LockGranted,
    MutationEnded,
    MutationStarted,
    Network,
    NotifyJSClients,
    PageHide,
    PageShow,
    Publish,
    QueriedEarly,
    Refresh,
    Refused,
    ReleaseLock,
    SendQuery,
    Settle,
    SignedOutElsewhere,
    SignsOut,
    StaleRead,
    Start,
    Stop,
    StoreEpoch,
    Tick,
    TryLock,
    Visibility,
    Wake,
    Warn,
)
from nextauth_client.options import Options
from nextauth_client.stamps import DAY
from nextauth_client.sync import HEAD_START, TICK, Machine
from nextauth_client.testing import iso

T0 = 1_790_000_000.0
MONTH = 30 * DAY
DOWN = BackendUnreachable("down")


def session(name: str, expires: Any = T0 + MONTH) -> dict[str, Any]:
    return {"user": {"name": name}, "expires": iso(expires) if isinstance(expires, float) else expires}


ADA, BOB = session("Ada"), session("Bob")


class Effects(list[Any]):
    def of(self, kind: Any) -> list[Any]:
        return [effect for effect in self if isinstance(effect, kind)]

    def asks(self) -> bool:
        return bool(self.of(SendQuery))

    def messages(self, kind: str) -> list[dict[str, Any]]:
        # As another tab gets it: out of JSON text.
        sent = [json.loads(json.dumps(effect.message)) for effect in self.of(Publish)]
        return [message for message in sent if message["type"] == kind]


class Tab:
    """`tab.at(3, Focus())` gives the event to a machine three seconds after the start, and returns the effects."""

    def __init__(self, name: str = "a", **options: Any) -> None:
        self.machine = Machine(name, Options(**options), lambda: 0.5)
        self.query = 0  # the newest
        self.gets_the_lock = True
        self.now = 0.0

    def at(self, seconds: float, event: Any) -> Effects:
        self.now = seconds
        effects = Effects(self.machine.receive(event, T0 + seconds))
        for effect in effects.of(SendQuery):
            self.query = effect.query
        # Where there are no locks they are always granted.
        for _ in effects.of(TryLock):
            effects += self.at(seconds, LockGranted() if self.gets_the_lock else LockBusy())
        return effects

    def opens(
        self, given: Any = UNSET, made_at: float = 0, fresh: bool = True, epoch: Any = None, landed: bool = False
    ) -> Effects:
        return self.at(0, Start(given, T0 + made_at, fresh, epoch, landed, True))

    def answers(self, seconds: float, answer: Any, query: int | None = None, date: float | None = None) -> Effects:
        number = self.query if query is None else query
        if isinstance(answer, Exception):
            return self.at(seconds, Answered(number, None, answer, None))
        return self.at(seconds, Answered(number, answer, None, date))

    def hears(self, seconds: float, messages: list[dict[str, Any]]) -> Effects:
        effects = Effects()
        for message in messages:
            effects += self.at(seconds, Heard(message))
        return effects

    @property
    def name(self) -> str | None:
        session = self.machine.view.session
        return None if session is None else str(session.get("user", {}).get("name"))

    @property
    def state(self) -> tuple[str | None, bool, str | None]:
        error = self.machine.view.error
        return self.name, self.machine.view.loading, None if error is None else error.code


class LockedTab(Tab):
    """One whose lock is granted or refused by the test."""

    def at(self, seconds: float, event: Any) -> Effects:
        effects = Effects(self.machine.receive(event, T0 + seconds))
        for effect in effects.of(SendQuery):
            self.query = effect.query
        return effects


def open_tab(answer: Any = ADA, name: str = "a", **options: Any) -> Tab:
    """A tab that asked when it was opened, and was answered after 0.1 s."""
    tab = Tab(name, **options)
    tab.opens()
    tab.answers(0.1, answer)
    return tab


def two_tabs(answer: Any = ADA, **options: Any) -> tuple[Tab, Tab]:
    return open_tab(answer, "a", **options), open_tab(answer, "b", **options)


def signs_out(tab: Tab, seconds: float, mutation: int = 1) -> tuple[Effects, Effects]:
    """The effects of its start, and half a second later of its end."""
    starts = tab.at(seconds, MutationStarted(mutation))
    tab.at(seconds, SignsOut(mutation))
    return starts, tab.at(seconds + 0.5, MutationEnded(mutation, ADOPT, None, None))


# ── rule 1: three outcomes ───────────────────────────────────────────────────────────────────────


def test_rule_1_a_session_and_nobody_are_both_answers() -> None:
    assert open_tab(ADA).state == ("Ada", False, None)
    assert open_tab(None).state == (None, False, None)


@pytest.mark.parametrize("unknown", [DOWN, UnexpectedAnswer("HTML")])
def test_rule_1_an_unknown_keeps_who_is_signed_in_and_shows_the_error(unknown: Exception) -> None:
    for answer, name in ((ADA, "Ada"), (None, None)):
        tab = open_tab(answer)
        tab.at(5, Focus())
        tab.answers(6, unknown)
        assert (tab.name, tab.machine.view.loading, tab.machine.view.error) == (name, False, unknown)


def test_rule_1_an_unknown_before_the_first_answer_leaves_it_loading() -> None:
    assert open_tab(DOWN).state == (None, True, "ClientFetchError")


def test_rule_1_an_answer_that_took_longer_than_the_timeout_is_unknown() -> None:
    tab = open_tab(timeout=10)
    tab.at(5, Refresh(1))
    late = tab.answers(3600, BOB)  # the laptop slept
    assert tab.state == ("Ada", False, "ClientFetchError")
    assert isinstance(late.of(Settle)[0].error, BackendUnreachable)
    assert tab.at(3601, Tick()).asks()


def test_rule_1_the_next_answer_takes_the_error_away() -> None:
    tab = open_tab(DOWN)
    tab.at(5, Tick())
    tab.answers(5.1, ADA)
    assert tab.state == ("Ada", False, None)


def test_rule_1_retries_after_1_2_4_up_to_30_seconds_jittered() -> None:
    tab, now, waits = open_tab(DOWN), 0.1, []
    for _ in range(8):
        failed_at = now
        while not tab.at(now, Tick()).asks():
            now += 0.01
        waits.append(round(now - failed_at, 1))
        tab.answers(now, DOWN)
    # The dice say a half throughout, so each is three quarters of the longest.
    assert waits == [0.8, 1.5, 3.0, 6.0, 12.0, 22.5, 22.5, 22.5]


def test_rule_1_the_waits_begin_anew_after_an_answer() -> None:
    tab = open_tab(DOWN)
    tab.at(1, Tick())
    tab.answers(1.1, DOWN)
    tab.at(5, Tick())
    tab.answers(5.1, ADA)
    tab.at(10, Focus())
    tab.answers(10.1, DOWN)
    assert tab.at(11, Tick()).asks()


@pytest.mark.parametrize("pause, resume", [(Visibility(False), Visibility(True)), (Network(False), Network(True))])
def test_rule_1_does_not_retry_while_hidden_or_offline(pause: Any, resume: Any) -> None:
    tab = open_tab(ADA, refetch_on_focus=False)
    tab.at(0.15, Refresh(1))
    tab.answers(0.18, DOWN)
    assert not tab.at(0.2, pause).asks()
    assert not tab.at(100, Tick()).asks()
    assert tab.at(101, resume).asks()


def test_rule_1_a_failure_that_comes_after_a_newer_one_still_leads_to_a_retry() -> None:
    tab = open_tab()
    tab.at(2, Focus())
    slow = tab.query
    tab.at(3, Refresh(1))
    tab.answers(3.1, DOWN)
    tab.at(4, Network(False))
    assert tab.at(4.5, Network(True)).asks()  # at once, and does not join the slow one, which is older than the failure
    tab.answers(11, DOWN, slow)
    tab.answers(12, DOWN)
    assert tab.at(20, Tick()).asks()


def test_rule_1_an_older_query_in_flight_does_not_swallow_a_retry() -> None:
    tab = open_tab()
    tab.at(2, Focus())
    slow = tab.query
    tab.at(3, ForeignChange(None))
    tab.answers(3.1, DOWN)
    assert tab.at(4.1, Tick()).asks()
    newer = tab.query
    tab.answers(5, ADA, slow)
    tab.answers(5.1, BOB, newer)
    assert tab.state == ("Bob", False, None)


def test_rule_1_an_older_session_is_shown_when_the_newer_query_failed() -> None:
    tab = Tab()
    tab.opens()
    first = tab.query
    tab.at(1, Refresh(1))
    tab.answers(1.1, DOWN)
    tab.answers(2, ADA, first)
    assert tab.state == ("Ada", False, "ClientFetchError")


# ── rule 2: the newest query wins ─────────────────────────────────────────────────────────────


def test_rule_2_answers_that_come_in_reverse_order_show_the_newest_query() -> None:
    tab = Tab()
    tab.opens()
    first = tab.query
    tab.at(1, Refresh(1))
    tab.answers(1.1, BOB)
    tab.answers(2, ADA, first)
    assert tab.name == "Bob"


def test_rule_2_a_mutation_aborts_the_query_in_flight_in_this_tab_and_the_others() -> None:
    one, two = Tab("a"), Tab("b")
    one.opens()
    two.opens()
    starts = one.at(1, MutationStarted(1))
    assert starts.of(AbortQuery) == [AbortQuery(one.query)]
    assert two.hears(1.02, starts.messages("start")).of(AbortQuery) == [AbortQuery(two.query)]


def test_rule_2_no_query_goes_out_between_start_and_end() -> None:
    one, two = two_tabs()
    started = one.at(5, MutationStarted(1)).messages("start")
    two.hears(5, started)
    for tab in (one, two):
        assert not tab.at(6, Focus()).asks()
        assert not tab.at(6, ForeignChange(None)).asks()
        assert not tab.at(6, Refresh(1)).asks()
        assert not tab.at(6, Tick()).asks()


def test_rule_2_a_late_answer_cannot_undo_a_sign_out() -> None:
    one, two = two_tabs()
    two.at(5, Focus())
    late = two.query
    _, ended = signs_out(one, 5.1)
    two.hears(5.6, ended.messages("end"))
    two.answers(9, ADA, late)
    assert two.state == (None, False, None)


def test_rule_2_an_answer_of_a_third_tab_from_before_the_end_is_dropped() -> None:
    one, two = two_tabs()
    third = open_tab(ADA, "c")
    third.at(5, Focus())
    late = third.answers(5.2, ADA).messages("answer")
    _, ended = signs_out(one, 5.1)
    two.hears(5.6, ended.messages("end"))
    two.hears(5.7, late)
    assert two.name is None


def test_rule_2_what_was_aborted_is_asked_once_after_a_mutation_that_failed() -> None:
    one, two = two_tabs()
    two.at(5, Focus())
    started = one.at(5.1, MutationStarted(1))
    two.hears(5.1, started.messages("start"))
    two.hears(6, one.at(6, MutationEnded(1, NOTHING, None, None)).messages("end"))
    assert two.at(6.1, Tick()).asks()
    assert not two.at(6.2, Tick()).asks()


def test_rule_2_a_mutation_that_failed_while_nothing_was_asked_costs_nothing() -> None:
    one, two = two_tabs()
    two.hears(5, one.at(5, MutationStarted(1)).messages("start"))
    ended = one.at(6, MutationEnded(1, NOTHING, None, None))
    assert not ended.asks()
    assert not ended.of(StoreEpoch)
    assert not two.hears(6, ended.messages("end")).asks()


def test_rule_2_whoever_hears_of_an_end_stores_it_too() -> None:
    """The one whose change it was may be a worker, which has no storage."""
    one, two = two_tabs()
    two.hears(5, one.at(5, MutationStarted(1)).messages("start"))
    ended = one.at(6, MutationEnded(1, ADOPT, None, None))
    assert two.hears(6, ended.messages("end")).of(StoreEpoch) == ended.of(StoreEpoch)


def test_rule_2_an_end_that_comes_after_a_later_one_is_not_stored() -> None:
    one, two = two_tabs()
    early = one.at(5, MutationStarted(1)).messages("start") + one.at(6, MutationEnded(1, CHANGED, None, None)).messages(
        "end"
    )
    two.at(7, MutationStarted(1))
    two.at(8, MutationEnded(1, CHANGED, None, None))
    assert not two.hears(9, early).of(StoreEpoch)


def test_rule_2_a_mutation_of_unknown_outcome_is_asked_for_by_the_tab_that_made_it() -> None:
    one, two = two_tabs()
    two.hears(5, one.at(5, MutationStarted(1)).messages("start"))
    ended = one.at(6, MutationEnded(1, CHANGED, None, None))
    assert len(ended.of(SendQuery)) == 1
    assert not two.hears(6, ended.messages("end")).asks()
    assert one.answers(6.1, BOB).messages("answer")
    two.hears(6.1, [])
    assert not two.at(6.2, Tick()).asks()


def test_rule_2_if_that_tab_goes_away_another_asks_after_the_timeout() -> None:
    one, two = two_tabs(timeout=10)
    two.hears(5, one.at(5, MutationStarted(1)).messages("start"))
    two.hears(6, one.at(6, MutationEnded(1, CHANGED, None, None)).messages("end"))
    assert not two.at(15.9, Tick()).asks()
    assert two.at(16, Tick()).asks()


def test_rule_2_a_mutation_whose_tab_is_gone_is_given_up_after_the_timeout_and_asked_for() -> None:
    one, two = two_tabs(timeout=10)
    two.hears(5, one.at(5, MutationStarted(1)).messages("start"))
    assert not two.at(14.9, Tick()).asks()
    assert two.at(15, Tick()).asks()


def test_rule_2_each_request_of_a_mutation_prolongs_it() -> None:
    one, two = two_tabs(timeout=10)
    two.hears(5, one.at(5, MutationStarted(1)).messages("start"))
    two.hears(14, one.at(14, MutationStarted(1)).messages("start"))
    assert not two.at(23, Refresh(1)).asks()
    assert two.at(24, Tick()).asks()


def test_rule_2_a_query_asked_after_the_hold_lapsed_is_aborted_by_the_end() -> None:
    one, two = two_tabs(timeout=10)
    two.hears(5, one.at(5, MutationStarted(1)).messages("start"))
    two.at(15, Tick())
    late = two.query
    ended = one.at(16, MutationEnded(1, ADOPT, None, None))
    heard = two.hears(16, ended.messages("end"))
    assert heard.of(AbortQuery) == [AbortQuery(late)]
    two.answers(17, ADA, late)
    assert two.name is None


def test_rule_2_tickets_that_waited_for_a_sign_out_are_answered_by_it() -> None:
    one, two = two_tabs()
    two.hears(5, one.at(5, MutationStarted(1)).messages("start"))
    two.at(5.1, Refresh(7))
    heard = two.hears(6, one.at(6, MutationEnded(1, ADOPT, None, None)).messages("end"))
    assert heard.of(Settle) == [Settle([7], None)]
    assert not heard.asks()


def test_rule_2_two_mutations_at_once_hold_until_both_have_ended() -> None:
    one, two = two_tabs()
    third = open_tab(ADA, "c")
    third.hears(5, one.at(5, MutationStarted(1)).messages("start"))
    third.hears(5, two.at(5, MutationStarted(1)).messages("start"))
    third.at(5.1, Refresh(1))
    assert not third.hears(6, one.at(6, MutationEnded(1, NOTHING, None, None)).messages("end")).asks()
    assert third.hears(7, two.at(7, MutationEnded(1, NOTHING, None, None)).messages("end")).asks()


def overlapping(answer: Any) -> tuple[Tab, Tab, Effects]:
    """`one` updates, and while its POST is away `two` signs in and is answered Bob."""
    one, two = two_tabs()
    two.hears(5, one.at(5, MutationStarted(1)).messages("start"))
    one.hears(5.1, two.at(5.1, MutationStarted(1)).messages("start"))
    one.hears(6, two.at(6, MutationEnded(1, CHANGED, None, None)).messages("end"))
    return one, two, one.at(7, MutationEnded(1, ADOPT, answer, None))


def test_rule_2_a_session_that_overlapping_mutations_bring_is_not_believed_but_asked_for() -> None:
    one, two, ended = overlapping(session("Eve"))
    assert ended.asks()
    two.hears(7, ended.messages("end"))
    assert (one.name, two.name) == ("Ada", "Ada")
    two.hears(7.2, one.answers(7.1, BOB).messages("answer"))
    assert (one.name, two.name) == ("Bob", "Bob")


def test_rule_2_nobody_is_believed_at_once_and_asked_for_too() -> None:
    one, two, ended = overlapping(None)
    assert ended.asks() or one.at(7.1, Tick()).asks()
    two.hears(7, ended.messages("end"))
    assert (one.name, two.name) == (None, None)
    two.hears(7.3, one.answers(7.2, BOB).messages("answer"))
    assert (one.name, two.name) == ("Bob", "Bob")


def test_rule_2_so_is_a_sign_out_during_which_a_new_tab_was_answered() -> None:
    one, new = two_tabs()
    one.at(5, MutationStarted(1))
    new.at(5.1, Refresh(1))  # it has not heard of the mutation
    one.hears(5.3, new.answers(5.2, ADA).messages("answer"))
    ended = one.at(6, MutationEnded(1, ADOPT, None, None))
    assert ended.asks()
    new.hears(6, ended.messages("end"))
    assert (one.name, new.name) == (None, None)


def test_rule_2_what_a_js_client_says_while_a_post_is_away_is_asked_for_after_its_end() -> None:
    one, two = two_tabs()
    two.hears(5, one.at(5, MutationStarted(1)).messages("start"))
    one.at(5.1, MutationStarted(1))
    for tab in (one, two):
        tab.at(5.15, ForeignChange(None))
    ended = one.at(5.2, MutationEnded(1, ADOPT, None, None))
    assert (ended.asks() or one.at(5.3, Tick()).asks()) is True
    two.hears(5.2, ended.messages("end"))
    assert two.at(5.3, Tick()).asks()


# ── rule 3: one owner of fetching ────────────────────────────────────────────────────────────────


def test_rule_3_time_that_has_passed_joins_the_query_in_flight() -> None:
    tab = open_tab(client_max_age=1, keep_alive=4)
    tab.at(5, Focus())
    for event in (Focus(), Visibility(True), StaleRead(), Tick()):
        assert not tab.at(10, event).asks()
    assert not tab.answers(10.1, ADA).asks()


@pytest.mark.parametrize("event", [Refresh(1), ForeignChange(None)])
def test_rule_3_a_call_or_a_mutation_never_joins_an_older_query(event: Any) -> None:
    tab = open_tab()
    tab.at(5, Focus())
    assert tab.at(5.1, event).asks()


def test_rule_3_a_message_heard_in_the_millisecond_of_a_query_is_asked_for() -> None:
    tab = open_tab()
    tab.at(5, Focus())
    assert tab.at(5, ForeignChange(None)).asks()


def test_rule_3_at_most_two_are_in_flight_and_later_ones_share_one_follow_up() -> None:
    tab = Tab()
    tab.opens()
    tab.at(1, Refresh(1))
    for ticket in (2, 3, 4):
        assert not tab.at(2, Refresh(ticket)).asks()
    follow_up = tab.answers(3, ADA, 1)
    assert len(follow_up.of(SendQuery)) == 1
    assert Settle([2, 3, 4], None) in tab.answers(4, ADA)


def test_rule_3_a_ticket_is_settled_by_its_own_query_or_its_failure() -> None:
    tab = open_tab()
    tab.at(5, Refresh(1))
    assert tab.answers(5.1, DOWN).of(Settle) == [Settle([1], DOWN)]
    tab.at(7, Refresh(2))
    assert tab.answers(7.1, BOB).of(Settle) == [Settle([2], None)]


def test_rule_3_a_newer_answer_of_whichever_tab_ends_older_queries_and_settles_their_tickets() -> None:
    one, two = two_tabs()
    for tab in (one, two):
        tab.at(5, Refresh(1))
    first = one.query
    one.at(5.1, Refresh(2))
    answered = one.answers(5.2, BOB)
    assert answered.of(AbortQuery) == [AbortQuery(first)]
    assert answered.of(Settle) == [Settle([1], None), Settle([2], None)]
    heard = two.hears(5.2, answered.messages("answer"))
    assert heard.of(AbortQuery) == [AbortQuery(two.query)]
    assert heard.of(Settle) == [Settle([1], None)]


def test_rule_3_time_that_passes_does_not_join_a_query_older_than_what_is_shown() -> None:
    tab = Tab(timeout=10)
    tab.opens()
    tab.at(1, Refresh(1))
    tab.answers(1.1, session("Ada", T0 + 5))  # the first still hangs
    assert tab.at(5, Tick()).asks()


def test_rule_3_calls_that_an_api_refused_cost_one_question_in_all_tabs() -> None:
    one, other = two_tabs()
    assert not one.at(5.1, Refused(T0 + 5)).asks()  # another tab may have asked, and its answer be on its way
    assert not one.at(5.15, Refused(T0 + 5)).asks()
    assert one.at(5.2, Tick()).asks()
    assert not one.at(5.25, Refused(T0 + 5.15)).asks()
    assert not other.at(5.25, Refused(T0 + 5)).asks()
    sent = one.answers(5.3, None).messages("answer")
    other.hears(5.31, sent)
    assert (one.name, other.name) == (None, None)
    for tab in (one, other):
        for seconds in (5.35, 5.5, 11):
            assert not tab.at(seconds, Tick()).asks()


def test_rule_3_a_call_that_left_before_the_newest_question_is_told_by_its_answer() -> None:
    one, other = two_tabs()
    one.at(5.1, Refused(T0 + 5))
    assert one.at(5.2, Tick()).asks()
    other.hears(5.31, one.answers(5.3, BOB).messages("answer"))
    for tab in (one, other):
        assert tab.machine.is_known_since(T0 + 5.15)
        assert not tab.at(5.4, Refused(T0 + 5.15)).of(TryLock)
        assert tab.machine.at_rest


def test_rule_3_a_call_that_left_after_the_newest_question_asks_again() -> None:
    tab = open_tab()
    tab.at(5.1, Refused(T0 + 5))
    assert tab.at(5.2, Tick()).asks()
    tab.answers(5.3, ADA)
    tab.at(5.5, Refused(T0 + 5.25))
    assert tab.machine.is_known_since(T0 + 5.25) is None
    assert tab.at(5.6, Tick()).asks()


def test_rule_3_a_refusal_that_the_page_shows_already_asks_nothing() -> None:
    tab = open_tab(None)
    assert tab.machine.is_known_since(T0 + 5)
    assert not tab.at(5.1, Refused(T0 + 5))
    assert not tab.at(5.3, Tick()).asks()


def test_rule_3_a_failed_question_tells_a_refused_call_that_nobody_knows() -> None:
    one, other = two_tabs()
    one.at(5.1, Refused(T0 + 5))
    one.at(5.2, Tick())
    other.hears(5.31, one.answers(5.3, DOWN).messages("answer"))
    for tab in (one, other):
        assert tab.machine.is_known_since(T0 + 5) is False
        assert tab.name == "Ada"


def test_rule_3_a_call_that_was_refused_before_a_mutation_ended_waits_for_who_is_signed_in_then() -> None:
    tab = open_tab()
    tab.at(5, MutationStarted(1))
    assert not tab.at(5.2, Refused(T0 + 5.1)).asks()
    assert tab.machine.is_known_since(T0) is True
    assert tab.at(5.4, MutationEnded(1, CHANGED, None, None)).asks()
    assert tab.machine.is_known_since(T0) is None
    tab.answers(5.5, BOB)
    assert tab.machine.is_known_since(T0 + 5.1)


# ── rule 4: tabs share answers ───────────────────────────────────────────────────────────────────


def test_rule_4_others_adopt_an_answer_with_no_request() -> None:
    one, two = two_tabs()
    one.at(5, Refresh(1))
    heard = two.hears(5.2, one.answers(5.1, BOB).messages("answer"))
    assert two.name == "Bob"
    assert not heard.asks()


def test_rule_4_others_adopt_a_failure_and_wait_their_own_time() -> None:
    one, two = two_tabs()
    one.at(5, Refresh(1))
    two.hears(5.2, one.answers(5.1, UnexpectedAnswer("HTML")).messages("answer"))
    assert two.state == ("Ada", False, "UnexpectedAnswer")
    assert two.at(6.5, Tick()).asks()


def test_rule_4_a_trigger_that_reaches_all_asks_only_under_the_lock() -> None:
    for event in (ForeignChange(None), Focus()):
        tab = LockedTab()
        tab.opens()
        tab.at(0.05, LockGranted())
        tab.answers(0.1, ADA)
        assert tab.at(5, event) == [TryLock()]
        assert tab.at(5.01, LockGranted()).asks()
        assert [type(effect) for effect in tab.answers(5.1, ADA) if not isinstance(effect, Wake)] == [
            Publish,
            ReleaseLock,
        ]


def test_rule_4_the_tab_that_finds_the_lock_taken_adopts_what_comes() -> None:
    one = open_tab()
    two = LockedTab("b")
    two.opens()
    two.answers(0.1, ADA)
    one.at(5, ForeignChange(None))
    two.at(5.03, ForeignChange(None))
    two.at(5.03, LockBusy())
    two.hears(5.2, one.answers(5.19, BOB).messages("answer"))
    assert two.name == "Bob"
    assert not two.at(6, Tick()).of(TryLock)


def test_rule_4_an_answer_asked_long_before_the_trigger_was_heard_does_not_satisfy() -> None:
    one = open_tab()
    one.at(5, ForeignChange(None))
    message = one.answers(5.5, ADA).messages("answer")
    busy = LockedTab("c")
    busy.opens()
    busy.answers(0.1, ADA)
    busy.at(5.2, ForeignChange(None))
    busy.at(5.2, LockBusy())
    busy.hears(5.5, message)
    busy.at(5.6, Tick())
    busy.at(5.6, LockGranted())
    busy.at(5.8, Tick())
    assert busy.at(5.8, LockGranted()).asks()


def test_rule_4_nor_does_one_that_was_asked_for_another_reason_just_before() -> None:
    one = open_tab()
    two = LockedTab("b")
    two.opens()
    two.answers(0.1, ADA)
    one.at(5, Focus())  # then a JS client signs out, and only then tells
    message = one.answers(5.04, ADA).messages("answer")
    two.at(5.05, ForeignChange(None))
    two.hears(5.06, message)
    assert two.at(5.07, LockGranted()).asks()


def test_rule_4_nor_does_one_that_was_asked_just_before_for_something_heard_long_before() -> None:
    one = open_tab()
    two = LockedTab("b")
    two.opens()
    two.answers(0.1, ADA)
    one.at(5, Refresh(1))
    begun = one.at(5.01, MutationStarted(1)).messages("start")  # the query is aborted, and asked again at the end
    two.hears(5.02, begun)
    ended = one.at(5.2, MutationEnded(1, NOTHING, None, None))
    assert ended.asks()
    two.hears(5.22, ended.messages("end"))
    two.at(5.25, ForeignChange(None))
    two.hears(5.26, one.answers(5.25, ADA).messages("answer"))
    assert two.at(5.27, LockGranted()).asks()


def test_rule_4_a_lock_that_comes_free_is_looked_at_twice_because_the_answer_may_be_on_its_way() -> None:
    tab = LockedTab()
    tab.opens()
    tab.answers(0.1, ADA)
    tab.at(5, ForeignChange(None))
    tab.at(5, LockBusy())
    assert tab.at(5.4, Tick()).of(TryLock)
    assert tab.at(5.4, LockGranted()).of(ReleaseLock)
    assert tab.at(5.5, Tick()).of(TryLock)
    assert tab.at(5.5, LockGranted()).asks()


@pytest.mark.parametrize("stuck", [LockBusy(), Tick()])
def test_rule_4_a_stuck_lock_costs_a_request_not_a_page(stuck: Any) -> None:
    tab = LockedTab(timeout=10)
    tab.opens()
    tab.answers(0.1, ADA)
    tab.at(5, ForeignChange(None))
    tab.at(5, stuck)
    assert not tab.at(16.9, Tick()).asks()
    assert tab.at(17, Tick()).asks()  # the spread of 2 s at random() = 0.5


def test_rule_4_what_could_not_be_asked_when_it_was_heard_is_looked_at_twice_too() -> None:
    tab = LockedTab()
    tab.opens()
    tab.at(0.1, Refresh(1))
    tab.at(0.2, ForeignChange(None))  # two are in flight
    tab.answers(0.3, ADA)
    assert tab.at(0.31, LockGranted()).of(ReleaseLock)
    tab.at(0.42, Tick())
    assert tab.at(0.42, LockGranted()).asks()


def test_rule_4_the_lock_is_released_when_nothing_is_wanted_any_more() -> None:
    one = open_tab()
    two = LockedTab("b")
    two.opens()
    two.answers(0.1, ADA)
    one.at(5, ForeignChange(None))
    two.at(5, ForeignChange(None))
    two.hears(5.1, one.answers(5.1, BOB).messages("answer"))
    granted = two.at(5.2, LockGranted())
    assert granted.of(ReleaseLock)
    assert not granted.asks()


def test_rule_4_the_lock_is_kept_until_the_last_query_is_answered() -> None:
    tab = LockedTab()
    tab.opens()
    tab.answers(0.1, ADA)
    tab.at(5, ForeignChange(None))
    tab.at(5, LockGranted())
    first = tab.query
    tab.at(5.1, ForeignChange(None))
    assert not tab.answers(5.2, ADA, first).of(ReleaseLock)
    assert tab.answers(5.3, ADA).of(ReleaseLock)


def test_rule_4_state_that_no_backend_answered_is_never_broadcast() -> None:
    tab = Tab()
    assert not tab.opens(ADA).of(Publish)
    expired = open_tab(session("Ada", T0 + 10))
    for now in range(1, 30):
        assert not expired.at(now, Tick()).of(Publish)
    assert expired.name is None


def starts_late(
    name: str, at: float, *, in_worker: bool = False, is_first: bool = True
) -> tuple[Tab, list[dict[str, Any]]]:
    """Another Python of a page that was navigated to at 0, and what it tells the others."""
    tab = Tab(name)
    tab.machine = Machine(name, Options(), lambda: 0.5, in_worker=in_worker)
    started = tab.at(at, Start(UNSET, T0, True, None, False, is_first))
    assert not started.asks()
    return tab, started.messages("hello")


@pytest.mark.parametrize("in_worker", [False, True])
def test_rule_4_another_python_of_a_page_takes_what_was_asked_for_it(in_worker: bool) -> None:
    one = open_tab(answer=ADA)
    other, hello = starts_late("b", 3, in_worker=in_worker)
    other.hears(3.05, one.hears(3.02, hello).messages("answer"))
    assert other.name == "Ada"
    assert not other.at(3.5, Tick()).asks()


def test_rule_4_a_python_takes_what_the_one_before_it_asked_however_soon_both_have_started() -> None:
    one = Tab()
    one.at(0.2, Start(UNSET, T0, True, None, False, True))
    other, hello = starts_late("b", 0.3, is_first=False)
    assert not other.at(0.5, Tick()).asks()
    other.hears(0.65, one.hears(0.6, hello).messages("asking"))
    assert not other.at(1.3, Tick()).asks()
    other.hears(2, one.answers(2, ADA).messages("answer"))
    assert other.name == "Ada"


def test_rule_4_a_python_asks_a_second_after_one_that_has_begun_before_it_and_says_nothing() -> None:
    other, _ = starts_late("b", 0.3, is_first=False)
    assert not other.at(1.25, Tick()).asks()
    assert other.at(1.3, Tick()).asks()


def test_rule_4_another_pages_python_is_told_nothing_and_asks() -> None:
    one = open_tab()
    other = Tab("b")
    hello = other.at(9, Start(UNSET, T0 + 5, True, None, False, True)).messages("hello")
    assert not one.hears(9.02, hello).of(Publish)
    assert other.at(9.1, Tick()).asks()


def test_rule_4_a_python_that_hears_nothing_asks() -> None:
    for in_worker, until in ((False, 3.1), (True, 3.25)):
        other, _ = starts_late("b", 3, in_worker=in_worker)
        assert not other.at(until - 0.05, Tick()).asks()
        assert other.at(until, Tick()).asks()


def test_rule_4_a_python_that_has_asked_meanwhile_and_failed_leaves_it_to_its_retry() -> None:
    other, _ = starts_late("b", 3)
    assert other.at(3.02, Refresh(1)).asks()
    other.answers(3.04, DOWN)
    assert not other.at(3.1, Tick()).asks()


def test_rule_4_a_worker_that_no_page_heard_waits_for_the_first_query_of_one() -> None:
    """Its hello came a moment before the page began."""
    page, worker = LockedTab(), LockedTab("b")
    worker.machine = Machine("b", Options(), lambda: 0.5, in_worker=True)
    worker.opens()
    opened = page.at(0.1, Start(UNSET, T0, True, None, False, True))
    assert opened.asks() and opened.of(TryLock)
    assert not page.at(0.11, LockGranted()).of(ReleaseLock)
    assert not worker.at(0.25, Tick()).asks()
    assert not worker.at(0.26, LockBusy()).asks()
    answered = page.answers(3, ADA)
    assert answered.of(ReleaseLock)
    assert not worker.hears(3.1, answered.messages("answer")).asks()
    assert worker.name == "Ada"
    assert not worker.at(4, Tick()).of(TryLock)


def test_rule_4_a_hidden_page_waits_for_what_it_is_told_too() -> None:
    other = Tab("b")
    other.at(3, Visibility(False))
    started = other.at(3, Start(UNSET, T0, True, None, False, True))
    assert started.messages("hello") and not started.of(TryLock) and not started.asks()
    assert other.at(3.1, Tick()).asks()


def test_rule_4_a_page_that_has_just_been_navigated_to_asks_at_once() -> None:
    assert Tab().at(0.5, Start(UNSET, T0, True, None, False, True)).asks()


def test_rule_4_a_page_that_a_sign_in_may_have_landed_on_asks_at_once() -> None:
    """Its navigation began before the sign-in was over."""
    assert Tab().at(3, Start(UNSET, T0, True, None, True, True)).asks()


def test_rule_4_a_worker_takes_nothing_that_was_asked_before_it_was_made() -> None:
    one = open_tab(answer=None)
    worker = Tab("b")
    worker.machine = Machine("b", Options(), lambda: 0.5, in_worker=True)
    hello = worker.at(5, Start(UNSET, T0 + 4, True, None, False, True)).messages("hello")
    assert not one.hears(5.02, hello).of(Publish)
    assert worker.at(5.25, Tick()).asks()


def test_rule_4_a_worker_that_waited_for_another_tabs_query_asks_if_that_left_before_it_was_made() -> None:
    """A sign-in may have brought its page, and the other tab have asked before that."""
    other, worker = LockedTab(), LockedTab("b")
    other.opens()
    worker.machine = Machine("b", Options(), lambda: 0.5, in_worker=True)
    worker.at(5, Start(UNSET, T0 + 4, True, None, False, True))
    assert worker.at(5.25, Tick()).of(TryLock)
    worker.at(5.26, LockBusy())
    worker.hears(5.4, other.answers(5.4, None).messages("answer"))
    assert worker.state == (None, True, None)
    worker.at(5.5, Tick())
    worker.at(5.51, LockGranted())
    worker.at(5.7, Tick())
    assert worker.at(5.71, LockGranted()).asks()


def test_rule_4_another_python_of_a_page_waits_for_the_query_in_flight() -> None:
    one = Tab()
    one.opens()
    other, hello = starts_late("b", 3)
    other.hears(3.05, one.hears(3.02, hello).messages("asking"))
    assert not other.at(3.1, Tick()).asks()
    other.hears(5, one.answers(5, ADA).messages("answer"))
    assert other.name == "Ada"
    assert not other.at(20, Tick()).asks()


def test_rule_4_whoever_asks_for_another_and_is_gone_is_waited_for_no_longer_than_a_timeout() -> None:
    one = Tab()
    one.opens()
    other, hello = starts_late("b", 3)
    other.hears(3.05, one.hears(3.02, hello).messages("asking"))
    assert not other.at(12, Tick()).asks()
    assert other.at(13.1, Tick()).asks()


def test_rule_4_of_two_that_start_together_the_first_asks() -> None:
    one, hello_of_one = starts_late("a", 3)
    other, hello_of_other = starts_late("b", 3.02, in_worker=True)
    assert not other.hears(3.03, hello_of_one).messages("asking")
    other.hears(3.05, one.hears(3.04, hello_of_other).messages("asking"))
    assert one.at(3.1, Tick()).asks()
    assert not other.at(3.3, Tick()).asks()
    other.hears(4, one.answers(4, ADA).messages("answer"))
    assert other.name == "Ada"


def test_rule_4_what_is_known_to_have_changed_is_told_nobody() -> None:
    one = LockedTab()
    one.opens()
    one.answers(0.5, ADA)
    one.at(2, ForeignChange(None))
    _, hello = starts_late("b", 3)
    assert not one.hears(3.02, hello).of(Publish)


def test_rule_4_another_python_of_a_page_hears_of_the_sign_out_that_was_before() -> None:
    one = open_tab(answer=ADA)
    signs_out(one, 2)
    other, hello = starts_late("b", 4)
    other.hears(4.05, one.hears(4.02, hello).messages("answer"))
    assert other.state == (None, False, None)
    assert not other.at(4.5, Tick()).asks()


# ── rule 5: other clients ────────────────────────────────────────────────────────────────────────


def test_rule_5_others_are_told_after_a_mutation_and_after_an_explicit_query() -> None:
    tab = open_tab()
    tab.at(5, Refresh(1))
    assert tab.answers(5.1, ADA).of(NotifyJSClients) == [NotifyJSClients("getSession")]
    assert signs_out(tab, 6)[1].of(NotifyJSClients) == [NotifyJSClients("signout")]
    tab.at(8, MutationStarted(2))
    assert tab.at(9, MutationEnded(2, CHANGED, None, None)).of(NotifyJSClients) == [NotifyJSClients("getSession")]


def test_rule_5_others_are_not_told_of_what_is_unknown_or_unchanged() -> None:
    tab = open_tab()
    tab.at(5, Refresh(1))
    assert not tab.answers(5.1, DOWN).of(NotifyJSClients)  # a v4 page would sign its person out
    tab.at(8, MutationStarted(2))
    assert not tab.at(9, MutationEnded(2, NOTHING, None, None)).of(NotifyJSClients)


def test_rule_5_a_js_message_never_leads_to_a_js_message() -> None:
    tab = open_tab()
    asked = tab.at(5, ForeignChange(None))
    answered = tab.answers(5.1, None)
    assert asked.asks()
    assert not asked.of(NotifyJSClients)
    assert not answered.of(NotifyJSClients)


# ── rule 6: freshness ────────────────────────────────────────────────────────────────────────────


def test_rule_6_a_burst_is_one_request() -> None:
    tab = open_tab()
    asked = Effects()
    for seconds, event in ((5, Focus()), (5, Visibility(True)), (5.2, Focus()), (5.9, Focus())):
        asked += tab.at(seconds, event)
        if seconds == 5.2:
            tab.answers(5.3, ADA)
    assert len(asked.of(SendQuery)) == 1


def test_rule_6_a_burst_before_a_backend_that_is_down_is_one_request_too() -> None:
    tab = open_tab()
    assert tab.at(5, Focus()).asks()
    tab.answers(5.01, DOWN)
    assert not tab.at(5.02, Visibility(True)).asks()


def test_rule_6_a_focus_after_the_clock_was_set_back_is_no_burst_whatever_the_time_was() -> None:
    tab = open_tab(None)
    assert tab.at(-60, Focus()).asks()
    tab.answers(-59.9, None)
    assert not tab.at(-59.5, Focus()).asks()


def test_rule_6_a_focus_a_second_later_asks_again() -> None:
    tab = open_tab()
    tab.at(5, Focus())
    tab.answers(5.1, ADA)
    assert tab.at(6, Focus()).asks()


def test_rule_6_keep_alive_goes_on_after_failures() -> None:
    tab = open_tab(keep_alive=60, timeout=10)
    assert tab.at(60.1, Tick()).asks()
    tab.at(60.2, Visibility(False))  # no retries
    tab.answers(61, DOWN)
    assert not tab.at(120, Tick()).asks()
    assert tab.at(120.2, Tick()).asks()


def test_rule_6_a_late_tick_fires_once() -> None:
    tab = open_tab(keep_alive=10)
    assert tab.at(65, Tick()).asks()
    tab.answers(65.1, ADA)
    assert not tab.at(66, Tick()).asks()


def test_rule_6_keep_alive_is_counted_from_the_answer_of_any_tab() -> None:
    one, two = two_tabs(keep_alive=60)
    one.at(50, Refresh(1))
    two.hears(50.2, one.answers(50.1, ADA).messages("answer"))
    assert not two.at(61, Tick()).asks()
    assert not two.at(110.2 + HEAD_START, Tick()).asks()  # the answer to what the other asks may be on its way
    assert two.at(110.3 + HEAD_START, Tick()).asks()


@pytest.mark.parametrize("wanted_by", ["keep_alive", "the session's end"])
def test_rule_4_what_all_tabs_want_at_one_moment_is_looked_at_twice_because_the_answer_may_be_on_its_way(
    wanted_by: str,
) -> None:
    one, two = two_tabs(keep_alive=60 if wanted_by == "keep_alive" else 0)
    one.at(50, Refresh(1))
    two.hears(
        50.1, one.answers(50.1, ADA if wanted_by == "keep_alive" else session("Ada", T0 + 110)).messages("answer")
    )
    assert one.at(110.2, Tick()).asks()
    answer = one.answers(110.6, session("Ada Byron")).messages("answer")
    assert not two.at(110.61, Tick()).asks()  # it has the lock, and has not heard the answer
    two.hears(110.65, answer)
    assert not two.at(111, Tick()).asks()
    assert two.name == "Ada Byron"


def test_rule_4_of_what_all_tabs_want_at_one_moment_the_tab_that_asked_last_asks_first() -> None:
    one, two = two_tabs(keep_alive=60)
    one.at(50, Refresh(1))
    answer = one.answers(50.1, ADA)
    two.hears(50.1, answer.messages("answer"))
    assert not two.at(110.1 + HEAD_START / 4, Tick()).asks()
    assert one.at(110.1 + HEAD_START / 4, Tick()).asks()
    two.hears(110.3, one.answers(110.3, ADA).messages("answer"))
    assert not two.at(110.3 + HEAD_START, Tick()).asks()


def test_rule_6_keep_alive_works_hidden_and_pauses_offline() -> None:
    tab = open_tab(keep_alive=60, refetch_on_focus=False)
    tab.at(1, Visibility(False))
    assert tab.at(61, Tick()).asks()
    tab.answers(61.1, ADA)
    tab.at(62, Network(False))
    assert not tab.at(200, Tick()).asks()
    assert tab.at(201, Network(True)).asks()


# ── rule 7: expiry ───────────────────────────────────────────────────────────────────────────────


def ends_at(tab: Tab) -> float | None:
    """When it shows nobody although the backend never answers; looked at in steps of half a second."""
    for half in range(int(tab.now * 2) + 1, 200):
        for query in tab.at(half / 2, Tick()).of(SendQuery):
            tab.answers(half / 2, DOWN, query.query)
        if tab.name is None:
            return half / 2
    return None


def test_rule_7_when_it_expires_the_backend_is_asked_and_what_it_says_counts() -> None:
    tab = open_tab(session("Ada", T0 + 20))
    assert not tab.at(19, Tick()).asks()
    assert tab.at(20, Tick()).asks()
    tab.answers(20.1, session("Ada", T0 + 40))
    assert not tab.at(35, Tick()).asks()
    assert tab.name == "Ada"


def test_rule_7_with_no_answer_within_the_timeout_it_is_over() -> None:
    assert ends_at(open_tab(session("Ada", T0 + 20), timeout=10)) == 30


def test_rule_7_after_a_sleep_the_backend_gets_its_time_to_answer() -> None:
    tab = open_tab(session("Ada", T0 + 20), timeout=10)
    assert tab.at(5000, Tick()).asks()
    assert tab.name == "Ada"
    tab.at(5010, Tick())
    assert tab.name is None


@pytest.mark.parametrize("hours", [-5, 5])
def test_rule_7_expires_is_read_on_the_backends_clock(hours: int) -> None:
    skew = hours * 3600.0
    tab = Tab(timeout=10)
    tab.opens()
    tab.answers(0, session("Ada", T0 + skew + 20), date=T0 + skew)
    assert ends_at(tab) == 30


def test_rule_7_without_the_backends_clock_a_session_that_ends_on_its_way_is_over() -> None:
    tab = Tab(timeout=10)
    tab.opens()
    tab.answers(6, session("Ada", T0 + 4.0))
    assert tab.name == "Ada"
    assert ends_at(tab) == 16


def test_rule_7_the_end_is_shared_with_the_answer() -> None:
    one, two = Tab("b", timeout=10), open_tab(None, "a", timeout=10)
    one.opens()
    two.hears(1, one.answers(1, session("Ada", T0 + 3620), date=T0 + 3600).messages("answer"))
    assert two.name == "Ada"
    assert 31 <= ends_at(two) <= 31 + HEAD_START


@pytest.mark.parametrize(
    "expires", [None, "", "soon", 5, {}, "2001-01-01T00:00:00.000Z", iso(T0 - 1), "9999-12-31T23:59:59.999Z"]
)
def test_rule_7_missing_unparsable_past_or_far_is_believed(expires: Any) -> None:
    tab = open_tab(session("Ada", expires))
    assert ends_at(tab) is None
    assert ends_at(open_tab({"user": {"name": "Ada"}})) is None


def test_rule_7_a_clock_that_is_set_back_does_not_prolong_the_session() -> None:
    tab = open_tab(session("Ada", T0 + 20), timeout=10)
    tab.at(10, Tick())
    tab.at(10 - 3600, Tick())
    assert tab.at(20 - 3600, Tick()).asks()
    tab.at(30 - 3600, Tick())
    assert tab.name is None


def test_rule_7_it_wakes_often_enough_for_a_laptop_that_sleeps() -> None:
    tab = Tab()
    tab.opens()
    wakes = tab.answers(0.1, session("Ada", T0 + DAY)).of(Wake)
    assert wakes == [Wake(TICK)]


def test_a_tab_without_a_deadline_sleeps() -> None:
    assert open_tab(None).at(1, Tick()) == []


# ── rule 8: sign-out ─────────────────────────────────────────────────────────────────────────────


def test_rule_8_all_tabs_show_a_sign_out_at_once_with_no_request() -> None:
    one, two = two_tabs()
    started, ended = signs_out(one, 5)
    two.hears(5, started.messages("start"))
    heard = two.hears(5.51, ended.messages("end"))
    assert (one.state, two.state) == ((None, False, None),) * 2
    assert not ended.asks()
    assert not heard.asks()


def test_rule_8_a_refused_sign_out_changes_nothing() -> None:
    one, two = two_tabs()
    two.hears(5, one.at(5, MutationStarted(1)).messages("start"))
    two.hears(6, one.at(6, MutationEnded(1, NOTHING, None, None)).messages("end"))
    refused = CSRFRefused("no")
    one.at(6, Failed(refused))
    assert (one.name, two.name) == ("Ada", "Ada")
    assert one.machine.view.error is refused


def test_rule_8_a_failed_action_stays_visible_until_something_asked_after_it_is_answered() -> None:
    tab = open_tab()
    tab.at(5, MutationStarted(1))
    tab.at(5.1, MutationEnded(1, CHANGED, None, None))
    failure = UnexpectedAnswer("no JSON")
    tab.at(5.1, Failed(failure))
    tab.answers(5.2, BOB)  # asked at the mutation's end
    assert (tab.name, tab.machine.view.error) == ("Bob", failure)
    tab.at(9, Refresh(1))
    tab.answers(9.1, BOB)
    assert tab.machine.view.error is None


# ── rule 9: what readers see ─────────────────────────────────────────────────────────────────────


def test_rule_9_loading_is_only_the_time_before_the_first_answer() -> None:
    tab = Tab()
    tab.opens()
    assert (tab.machine.view.loading, tab.machine.refreshing) == (True, False)
    tab.answers(0.1, ADA)
    tab.at(5, Focus())
    assert (tab.machine.view.loading, tab.machine.refreshing) == (False, True)
    tab.answers(5.1, ADA)
    assert (tab.machine.view.loading, tab.machine.refreshing) == (False, False)


# ── rule 10: coming and going ────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize("given, name", [(ADA, "Ada"), (None, None)])
def test_rule_10_given_state_is_shown_with_no_request(given: Any, name: str | None) -> None:
    tab = Tab()
    assert not tab.opens(given).asks()
    assert tab.state == (name, False, None)


def test_rule_10_given_state_older_than_the_stored_epoch_is_dropped_and_asked() -> None:
    tab = Tab()
    assert tab.opens(ADA, made_at=-60, epoch=int((T0 - 30) * 1000)).asks()
    assert tab.state == (None, True, None)


def test_rule_10_given_state_newer_than_the_stored_epoch_is_kept() -> None:
    tab = Tab()
    assert not tab.opens(ADA, made_at=-60, epoch=int((T0 - 90) * 1000)).asks()
    assert tab.name == "Ada"


def test_rule_10_given_state_is_as_old_as_it_is() -> None:
    tab = Tab(client_max_age=30)
    tab.opens(ADA, made_at=-60)
    assert tab.at(0.1, StaleRead()).asks()


def test_rule_10_a_query_asked_early_is_the_first_one() -> None:
    tab = Tab()
    tab.at(0, QueriedEarly(T0 - 2))
    assert not tab.opens().asks()
    assert tab.state == (None, True, None)
    effects = tab.answers(0.5, ADA, EARLY)
    assert tab.name == "Ada"
    [message] = effects.messages("answer")
    assert (message["asked"], message["stamp"]) == (T0 - 2, [int((T0 - 2) * 1000), "a"])


def test_rule_10_an_early_query_older_than_the_stored_epoch_is_given_up_and_asked_anew() -> None:
    tab = Tab()
    tab.at(0, QueriedEarly(T0 - 2))
    effects = tab.opens(epoch=int((T0 - 1) * 1000))
    assert effects.asks() and effects.of(AbortQuery) == [AbortQuery(EARLY)]
    tab.answers(0.5, ADA, EARLY)
    assert tab.state == (None, True, None)


def test_rule_10_an_early_query_is_given_up_when_a_mutation_starts() -> None:
    tab, other = Tab(), open_tab(name="b")
    tab.at(0.2, QueriedEarly(T0))
    tab.at(0.2, Start(UNSET, T0, True, None, False, True))
    effects = tab.hears(0.3, other.at(0.3, MutationStarted(1)).messages("start"))
    assert effects.of(AbortQuery) == [AbortQuery(EARLY)] and not effects.asks()


def test_rule_10_an_early_query_that_fails_is_asked_again_later() -> None:
    tab = Tab()
    tab.at(0, QueriedEarly(T0 - 2))
    tab.opens()
    tab.answers(0.5, BackendUnreachable("x"), EARLY)
    assert tab.state == (None, True, "ClientFetchError")
    assert tab.at(2, Tick()).asks()


def test_rule_10_an_answer_replaces_given_state_of_the_same_millisecond() -> None:
    tab = Tab()
    tab.opens(ADA)
    tab.at(0, Refresh(1))
    tab.answers(0, BOB)
    assert tab.name == "Bob"


def test_rule_10_leaving_the_page_aborts_releases_and_falls_silent() -> None:
    tab = LockedTab(keep_alive=10)
    tab.opens()
    tab.answers(0.1, ADA)
    tab.at(5, ForeignChange(None))
    tab.at(5, LockGranted())
    hidden = tab.at(5.1, PageHide())
    assert hidden.of(AbortQuery)
    assert hidden.of(ReleaseLock)
    assert hidden.of(Wake) == [Wake(None)]
    assert tab.at(60, Tick()) == []


def test_rule_10_what_came_with_a_page_of_unknown_age_is_shown_and_asked_for() -> None:
    tab = Tab()
    assert tab.opens(ADA, made_at=-T0, fresh=False).asks()
    assert tab.name == "Ada"
    tab = Tab()
    assert tab.opens(ADA, made_at=-T0, fresh=False, epoch=NOW - 5000).asks()
    assert tab.state == (None, True, None)


def test_rule_10_a_landing_that_learns_of_its_sign_in_from_another_tab_tells_the_js_clients() -> None:
    two, landed = open_tab(None, "b"), Tab("a")
    landed.opens(landed=True)
    two.at(1, Refresh(1))
    told = landed.hears(1.2, two.answers(1.1, ADA).messages("answer"))
    assert told.of(NotifyJSClients) == [NotifyJSClients("getSession")]


def test_rule_10_coming_back_shows_what_was_and_asks() -> None:
    tab = open_tab()
    tab.at(5, PageHide())
    assert tab.at(60, PageShow(None)).asks()
    assert tab.name == "Ada"


def test_rule_10_coming_back_after_a_mutation_elsewhere_shows_nobody_until_it_is_known() -> None:
    tab = open_tab()
    tab.at(5, PageHide())
    assert tab.at(60, PageShow(int((T0 + 30) * 1000))).asks()
    assert tab.state == (None, True, None)


def test_rule_10_coming_back_while_the_end_is_looked_into_shows_nobody_until_it_is_known() -> None:
    tab = open_tab(session("Ada", T0 + 60))
    assert tab.at(61, Tick()).asks()
    tab.at(62, PageHide())
    assert tab.at(600, PageShow(None)).asks()
    assert tab.state == (None, True, None)


def test_rule_10_a_call_that_was_waiting_is_answered_after_coming_back() -> None:
    tab = open_tab()
    tab.at(5, Refresh(1))
    tab.at(5.1, PageHide())
    tab.at(60, PageShow(None))
    assert tab.answers(60.1, ADA).of(Settle) == [Settle([1], None)]


def test_rule_10_a_lock_that_is_granted_after_leaving_is_let_go() -> None:
    tab = LockedTab()
    tab.opens()
    tab.answers(0.1, ADA)
    tab.at(5, ForeignChange(None))
    tab.at(5, PageHide())
    assert tab.at(5.1, LockGranted()) == [ReleaseLock()]


def test_rule_10_a_page_that_a_sign_in_landed_on_tells_the_others_and_one_of_them_asks() -> None:
    two = open_tab(None, "b")
    landed = Tab("a")
    announced = landed.opens(ADA, landed=True)
    assert not announced.asks()
    assert two.hears(1, announced.messages("changed")).asks()


@pytest.mark.parametrize("given", [UNSET, ADA])
def test_rule_10_a_page_that_a_sign_in_landed_on_tells_the_js_clients_once(given: Any) -> None:
    tab = Tab()
    effects = tab.opens(given=given, landed=True)
    if given is UNSET:
        assert effects.of(NotifyJSClients) == []
        effects = tab.answers(0.1, ADA)
    assert effects.of(NotifyJSClients) == [NotifyJSClients("getSession")]
    tab.at(9, Focus())
    assert tab.answers(9.1, BOB).of(NotifyJSClients) == []


def test_rule_10_a_page_that_one_comes_back_to_without_having_signed_in_tells_nobody() -> None:
    tab = Tab()
    tab.opens(landed=True)
    assert tab.answers(0.1, None).of(NotifyJSClients) == []


def test_rule_10_coming_back_after_the_session_has_ended_shows_nobody_until_it_is_known() -> None:
    tab = open_tab(session("Ada", T0 + 60))
    tab.at(10, PageHide())
    assert tab.at(100, PageShow(None)).asks()
    assert tab.state == (None, True, None)


def test_rule_10_coming_back_forgets_the_deadlines_of_a_session_that_is_dropped() -> None:
    tab = open_tab(session("Ada", T0 + 60), keep_alive=30)
    tab.at(10, PageHide())
    tab.at(20, PageShow(int((T0 + 15) * 1000)))
    assert tab.state == (None, True, None)
    tab.answers(20.1, None)
    assert [tab.at(seconds, Tick()).asks() for seconds in (35, 61, 80)] == [False, False, False]


def test_rule_10_stopping_ends_a_mutation_that_is_under_way() -> None:
    one, two = two_tabs()
    two.hears(5, one.at(5, MutationStarted(1)).messages("start"))
    assert not two.at(5, Refresh(1)).asks()
    stopped = one.at(5.1, Stop())
    assert stopped.messages("end")[0]["outcome"] == NOTHING
    assert two.hears(5.1, stopped.messages("end")).asks()


def test_rule_10_stopping_after_the_post_has_left_makes_another_tab_ask() -> None:
    one, two = two_tabs()
    two.hears(5, one.at(5, MutationStarted(1)).messages("start"))
    one.at(5.05, MutationStarted(1))
    stopped = one.at(5.1, Stop())
    assert stopped.of(StoreEpoch) and stopped.of(NotifyJSClients)
    assert two.hears(5.1, stopped.messages("end")).asks()


def configured(given: Any = UNSET, made_at: float = 0, fresh: bool = True, **options: Any) -> Configured:
    return Configured(Options(**options), given, T0 + made_at, fresh)


def test_rule_10_a_query_in_flight_outlives_new_options() -> None:
    tab = Tab()
    tab.opens()
    assert not tab.at(0.1, configured(keep_alive=60)).of(AbortQuery)
    tab.answers(0.2, ADA)
    assert tab.name == "Ada"
    assert tab.at(60.3, Tick()).asks()


def test_rule_10_a_session_that_comes_with_new_options_answers_the_first_query() -> None:
    tab = Tab()
    tab.opens()
    assert tab.at(0.1, configured(ADA)).of(AbortQuery) == [AbortQuery(tab.query)]
    assert tab.name == "Ada"
    assert not tab.machine.in_flight


def test_rule_10_but_not_what_the_page_was_told_while_it_queried() -> None:
    tab = Tab()
    tab.opens()
    tab.at(0.05, ForeignChange(None))
    told = tab.query
    tab.at(0.1, configured(ADA))
    assert tab.name == "Ada"
    assert tab.machine.in_flight == [told] or (tab.machine.in_flight == [] and not tab.machine.at_rest)


def test_rule_3_nor_does_it_answer_who_asked_before() -> None:
    tab = Tab()
    tab.opens()
    tab.at(0.05, Refresh(1))
    assert not tab.at(0.1, configured(ADA)).of(Settle)
    assert tab.answers(0.2, BOB).of(Settle) == [Settle([1], None)]
    assert tab.name == "Bob"


def test_rule_10_a_session_of_which_nobody_knows_how_old_it_is_leaves_the_first_query_in_flight() -> None:
    tab = Tab()
    tab.opens()
    assert not tab.at(0.1, configured(ADA, made_at=-1, fresh=False)).of(AbortQuery)
    assert tab.name == "Ada"
    tab.answers(0.2, BOB)
    assert tab.name == "Bob"


def test_rule_10_nor_does_it_send_another() -> None:
    tab = Tab()
    tab.opens()
    assert not tab.at(0.1, configured(ADA, made_at=-1, fresh=False)).asks()


def test_rule_10_a_session_in_the_page_does_not_undo_what_a_reader_was_shown_already() -> None:
    tab = open_tab(BOB)
    tab.at(5, configured(ADA, made_at=-1))
    assert tab.name == "Bob"


def test_rule_10_nor_does_it_outlive_a_mutation_that_ended_since() -> None:
    tab = Tab()
    tab.opens(epoch=(T0 + 1) * 1000)
    assert not tab.at(2, configured(ADA)).of(AbortQuery)
    assert tab.name is None


@pytest.mark.parametrize(
    ("option", "event"),
    [({"refetch_on_focus": False}, Focus()), ({"client_max_age": 100}, StaleRead())],
    ids=["refetch_on_focus", "client_max_age"],
)
def test_rule_6_new_options_hold_from_now_on(option: dict[str, Any], event: Any) -> None:
    old, new = open_tab(ADA, client_max_age=10), open_tab(ADA, client_max_age=10)
    new.at(5, configured(**option))
    assert old.at(20, event).asks()
    assert not new.at(20, event).asks()


def test_rule_7_new_options_do_not_prolong_a_session_whose_end_is_looked_into() -> None:
    tab = open_tab(session("Ada", T0 + 20))
    tab.at(21, Tick())
    tab.answers(21.1, DOWN)
    tab.at(22, configured())
    tab.at(31.5, Tick())
    assert tab.state == (None, False, "ClientFetchError")


def test_rule_6_new_options_that_are_too_long_for_the_session_are_warned_of() -> None:
    tab = open_tab(session("Ada", T0 + 20))
    assert [warning.text[:13] for warning in tab.at(5, configured(keep_alive=60)).of(Warn)] == ["keep_alive=60"]


OLD_ANSWER = Heard(
    {"type": "answer", "stamp": [int(T0 + 2) * 1000, "b"], "asked": T0 + 2, "told": None, "session": BOB, "ends": None}
)


@pytest.mark.parametrize(
    ("before", "after"),
    [
        pytest.param([], [(0.5, Focus()), (2, Focus())], id="when it was answered"),
        pytest.param([], [(9, StaleRead()), (12, StaleRead())], id="how old that is"),
        pytest.param([(-60, Tick())], [(-57, Focus())], id="how far the clock was set back"),
        pytest.param([(-60, Tick())], [(-59.9, Focus())], id="that it was"),
        pytest.param([(5, Tick())], [(-60, Tick()), (-57, Focus())], id="what the clock was"),
        pytest.param([(5, Failed(DOWN))], [(6, OLD_ANSWER)], id="the error, and since when"),
        pytest.param([(5, Visibility(False))], [(6, Refresh(1)), (6.1, DOWN), (9, Tick())], id="that it is hidden"),
        pytest.param([(5, Network(False))], [(6, Refresh(1)), (6.1, DOWN), (9, Tick())], id="that it is offline"),
    ],
)
def test_rule_10_a_machine_with_new_options_goes_on_as_it_would_without(
    before: list[tuple[float, Any]], after: list[tuple[float, Any]]
) -> None:
    alone, tab = (Tab(client_max_age=10, refetch_on_focus=True) for _ in range(2))
    for one in (alone, tab):
        one.opens()
        one.answers(0.1, ADA)
        for seconds, event in before:
            one.at(seconds, event)
    tab.at(tab.now, configured(client_max_age=10, refetch_on_focus=True))
    assert tab.state == alone.state
    for seconds, event in after:
        if isinstance(event, Exception):
            alone.answers(seconds, event)
            tab.answers(seconds, event)
        else:
            assert tab.at(seconds, event).asks() == alone.at(seconds, event).asks()
        assert tab.state == alone.state


def test_rule_10_a_redirect_that_does_not_leave_the_page_ends_after_the_timeout() -> None:
    tab = open_tab(None, timeout=10)
    tab.at(5, MutationStarted(1))
    assert not tab.at(6, MutationEnded(1, NAVIGATED, None, None)).asks()
    assert tab.at(16, Tick()).asks()


def test_rule_10_another_tab_asks_when_a_sign_in_leaves_its_page() -> None:
    one, two = two_tabs(None)
    two.hears(5, one.at(5, MutationStarted(1)).messages("start"))
    assert two.hears(6, one.at(6, MutationEnded(1, NAVIGATED, None, None)).messages("end")).asks()


def test_rule_10_stopping_aborts_releases_and_answers_every_call() -> None:
    tab = LockedTab()
    tab.opens()
    tab.answers(0.1, ADA)
    tab.at(5, ForeignChange(None))
    tab.at(5, LockGranted())
    tab.at(5.1, Refresh(1))
    tab.at(5.2, Refresh(2))
    stopped = tab.at(5.3, Stop())
    assert len(stopped.of(AbortQuery)) == 2
    assert stopped.of(ReleaseLock)
    [settled] = stopped.of(Settle)
    assert sorted(settled.tickets) == [1, 2]
    assert isinstance(settled.error, BackendUnreachable)


def test_rule_10_without_a_channel_the_stored_epoch_tells_of_a_change() -> None:
    tab = open_tab()
    epoch = int((T0 + 5) * 1000)
    assert tab.at(5, EpochStored(epoch)).asks()
    assert not tab.at(5.1, EpochStored(epoch)).asks()


# ── the order of things when clocks are wrong ────────────────────────────────────────────────────


def test_an_answer_after_the_clock_was_set_back_is_newer_than_one_before() -> None:
    one, two = two_tabs()
    one.at(10, Focus())
    two.hears(10.2, one.answers(10.1, ADA).messages("answer"))
    one.at(10.2 - 3600, Refresh(1))
    two.hears(10.4 - 3600, one.answers(10.3 - 3600, BOB).messages("answer"))
    assert (one.name, two.name) == ("Bob", "Bob")


def test_a_sign_out_in_a_page_opened_after_the_clock_was_set_back_is_not_lost() -> None:
    old = open_tab()
    new = Tab("b")
    new.at(-3600, Start(ADA, T0 - 3600, True, None, False, True))
    started, ended = signs_out(new, -3599)
    old.hears(-3599, started.messages("start"))
    old.hears(-3598, ended.messages("end"))
    old.answers(-3597, None)
    assert old.name is None


def test_such_a_page_is_told_and_asks_again_with_a_stamp_that_the_others_take() -> None:
    old, new = open_tab(), Tab("b")
    new.at(-3600, Start(UNSET, T0 - 3600, True, None, False, True))
    told = old.hears(-3599, new.answers(-3599, BOB).messages("answer")).messages("changed")
    assert len(told) == 1
    assert new.hears(-3598, told).asks()
    answer = new.answers(-3597, BOB).messages("answer")
    assert not old.hears(-3597, answer).messages("changed")
    assert old.name == "Bob"


def test_it_is_told_once_whatever_answers_of_it_were_on_their_way() -> None:
    old, new = open_tab(), Tab("b")
    new.at(-3600, Start(UNSET, T0 - 3600, True, None, False, True))
    new.at(-3599.5, Refresh(1))
    one = new.answers(-3599, BOB, 1).messages("answer")
    two = new.answers(-3599, BOB, 2).messages("answer")
    assert len(old.hears(-3599, one).messages("changed")) == 1
    assert not old.hears(-3598.9, two).messages("changed")
    new.at(-3598, Refresh(2))  # it has not heard
    assert len(old.hears(-3597, new.answers(-3597.1, BOB).messages("answer")).messages("changed")) == 1


def test_its_answers_do_not_pass_for_newer_ones_either() -> None:
    old = LockedTab()
    old.opens()
    old.answers(0.1, ADA)
    new = Tab("b")
    new.at(-3600, Start(UNSET, T0 - 3600, True, None, False, True))
    old.at(-3600, ForeignChange(None))
    old.hears(-3599, new.answers(-3599, BOB).messages("answer"))
    assert old.at(-3598, LockGranted()).asks()
    old.answers(-3597, BOB)
    assert old.name == "Bob"


def test_a_query_after_a_sign_in_is_not_lost_to_an_older_answer_whose_stamp_is_ahead() -> None:
    one, two = two_tabs()
    one.at(1, MutationStarted(1))
    two.at(15, Refresh(1))  # it has not heard
    older = two.answers(15.1, ADA).messages("answer")
    assert one.at(-45, MutationEnded(1, CHANGED, None, None)).asks()  # all that it knows is that the clock was set back
    assert one.hears(-44.9, [{**older[0], "asked": T0 - 46}]).asks()
    one.answers(-44.8, BOB)
    assert one.name == "Bob"


def test_when_the_clock_is_set_back_by_days_every_tab_asks_and_the_order_begins_anew() -> None:
    old = open_tab()
    assert old.at(-3 * DAY, Tick()).asks()
    old.answers(-3 * DAY + 1, BOB)
    new = Tab("b")
    new.at(-3 * DAY + 5, Start(UNSET, T0 - 3 * DAY + 5, True, int(T0 * 1000), False, True))
    old.hears(-3 * DAY + 6, new.answers(-3 * DAY + 6, None).messages("answer"))
    assert old.name is None


def test_an_answer_after_the_clock_was_set_back_still_shows_that_the_network_is_there() -> None:
    tab = open_tab(keep_alive=5)
    tab.at(1, Network(False))
    tab.at(-60, Refresh(1))
    tab.answers(-59.9, ADA)
    assert [now for now in range(-59, -50) if tab.at(now, Tick()).asks()] == [-54]


def test_a_worker_that_begins_after_the_clock_was_set_back_is_told_no_answer_of_before() -> None:
    one = open_tab()
    one.at(-60, Tick())
    worker = Tab("b")
    worker.machine = Machine("b", Options(), lambda: 0.5, in_worker=True)
    hello = worker.at(-50, Start(UNSET, T0 - 51, True, None, False, True)).messages("hello")
    assert hello and not one.hears(-49.9, hello).of(Publish)
    assert worker.at(-49.7, Tick()).asks()


def test_deadlines_do_not_move_away_when_the_clock_is_set_back() -> None:
    tab = open_tab(keep_alive=60)
    tab.at(30, Tick())
    tab.at(30 - DAY / 2, Tick())
    assert not tab.at(59 - DAY / 2, Tick()).asks()
    assert tab.at(61 - DAY / 2, Tick()).asks()


# ── bad input ────────────────────────────────────────────────────────────────────────────────────

NOW = T0 * 1000
ODD: list[Any] = [
    None,
    True,
    0,
    -1,
    1.5,
    1e300,
    float("nan"),
    float("inf"),
    10**30,
    "",
    "x",
    [],
    [1],
    {},
    [[]],
    {"a": 1},
]


@pytest.mark.parametrize("odd", ODD, ids=repr)
@pytest.mark.parametrize("kind", ["answer", "start", "end", "changed", "else"])
def test_messages_of_any_shape_raise_nothing_and_hold_up_nothing(odd: Any, kind: str) -> None:
    good = {
        "type": kind,
        "stamp": [NOW + 5000, "x"],
        "start": [NOW + 4000, "x"],
        "outcome": "adopt",
        "asked": T0 + 5,
        "told": True,
        "session": BOB,
        "ends": None,
    }
    tab = open_tab()
    tab.at(5, Heard(odd))
    for key in good:
        for message in ({**good, key: odd}, {name: value for name, value in good.items() if name != key}):
            tab = open_tab()
            tab.at(6, Heard(message))
            for now in (6, 10, 20, 30):
                for query in tab.at(now, Tick()).of(SendQuery):
                    tab.answers(now, None, query.query)
            assert not tab.machine.view.loading
            tab.at(40, Refresh(1))
            assert tab.answers(40.1, ADA).of(Settle) == [Settle([1], None)]
            assert tab.name == "Ada"


def test_another_tab_cannot_end_a_mutation_of_ours() -> None:
    tab = open_tab()
    [start] = tab.at(1, MutationStarted(1)).messages("start")
    forged = {"type": "end", "stamp": [NOW + 5000, "x"], "start": start["stamp"], "outcome": "nothing"}
    tab.at(2, Heard(forged))
    assert not tab.at(3, Refresh(1)).asks()
    assert tab.at(4, MutationEnded(1, NOTHING, None, None)).asks()


@pytest.mark.parametrize("odd", [None, "", "x", [], 5, {}, {"user": None}, {"user": "Ada"}], ids=repr)
def test_a_message_with_no_session_in_it_shows_nothing(odd: Any) -> None:
    for kind in ("answer", "end"):
        tab = open_tab()
        message = {"type": kind, "stamp": [NOW + 5000, "x"], "start": [NOW + 4000, "x"], "asked": T0 + 5}
        tab.at(6, Heard({**message, "outcome": "adopt", "session": odd}))
        assert tab.name == (None if odd is None else "Ada")


def test_a_stamp_a_day_ahead_is_ignored_and_one_less_far_ahead_is_overtaken() -> None:
    for ahead, name in ((2 * DAY, "Ada"), (DAY / 2, "Bob")):
        tab = open_tab()
        stamp = [(T0 + ahead) * 1000, "x"]
        tab.at(6, Heard({"type": "answer", "stamp": stamp, "asked": T0 + 6, "session": BOB}))
        assert tab.name == name
        tab.at(7, Refresh(1))
        tab.answers(7.1, None)
        assert tab.name is None


@pytest.mark.parametrize("epoch", [None, -1, 0, 1e300, float("nan"), "x", (T0 + 2 * DAY) * 1000], ids=repr)
def test_a_stored_epoch_of_any_shape_is_ignored(epoch: Any) -> None:
    tab = Tab()
    assert not tab.opens(ADA, epoch=epoch).asks()
    assert not tab.at(1, EpochStored(epoch)).asks()


def test_an_answer_that_was_given_up_is_ignored() -> None:
    tab = open_tab()
    assert tab.answers(5, BOB, query=99) == []
    assert tab.name == "Ada"


def test_given_state_from_the_future_does_not_outlast_an_answer() -> None:
    tab = Tab()
    tab.opens(ADA, made_at=5 * DAY)
    tab.at(1, Refresh(1))
    tab.answers(1.1, BOB)
    assert tab.name == "Bob"


# ── the seed's own words ─────────────────────────────────────────────────────────────────────────


def test_s24_reading_costs_no_request() -> None:
    tab = Tab()
    asked = tab.opens()
    for _ in range(100):
        asked += tab.at(0.05, StaleRead())
    assert len(asked.of(SendQuery)) == 1


def test_s25_a_session_that_is_given_saves_the_first_request() -> None:
    tab = Tab()
    assert not tab.opens(ADA).asks()
    assert not any(tab.at(now, Tick()).asks() for now in range(1, 600))


@pytest.mark.parametrize("session_after", [BOB, None])
def test_s26_signing_in_or_out_in_one_tab_changes_every_other(session_after: Any) -> None:
    tabs = [open_tab(ADA, name) for name in "abcd"]
    effects = tabs[0].at(5, MutationStarted(1))
    effects += tabs[0].at(6, MutationEnded(1, CHANGED, None, None))
    effects += tabs[0].answers(6.1, session_after)
    messages = [json.loads(json.dumps(effect.message)) for effect in effects.of(Publish)]
    for tab in tabs[1:]:
        assert not tab.hears(6.2, messages).asks()
        assert tab.machine.view.session == session_after


@pytest.mark.parametrize("event", [Focus(), Visibility(False), Visibility(True)])
def test_s27_gaining_or_losing_focus_asks(event: Any) -> None:
    assert open_tab().at(5, event).asks()
    assert not open_tab(refetch_on_focus=False).at(5, event).asks()


def test_s28_get_session_in_one_tab_updates_every_tab() -> None:
    one, two = two_tabs()
    one.at(5, Refresh(1))
    two.hears(5.2, one.answers(5.1, None).messages("answer"))
    assert two.name is None


@pytest.mark.parametrize("option", ["client_max_age", "keep_alive"])
def test_s29_the_options_are_seconds(option: str) -> None:
    tab = open_tab(**{option: 60})
    event = StaleRead() if option == "client_max_age" else Tick()
    assert not tab.at(59, event).asks()
    assert tab.at(61, event).asks()


def test_s30_the_options_cost_a_signed_out_page_nothing() -> None:
    tab = open_tab(None, client_max_age=1, keep_alive=1)
    for now in range(1, 100):
        assert not tab.at(now, Tick()).asks()
        assert not tab.at(now, StaleRead()).asks()


def test_s30_nor_one_whose_session_has_expired_beyond_the_retries() -> None:
    tab = open_tab(session("Ada", T0 + 20), keep_alive=5, timeout=10, refetch_on_focus=False)
    tab.at(1, Visibility(False))
    assert ends_at(tab) == 30
    for now in range(31, 200):
        assert not tab.at(now, Tick()).asks()


def test_s31_what_is_stored_is_a_number() -> None:
    tab = open_tab()
    [stored] = signs_out(tab, 5)[1].of(StoreEpoch)
    assert isinstance(stored.epoch, int)


def test_s32_by_default_a_read_never_asks() -> None:
    tab = open_tab()
    for now in range(1, 10_000, 100):
        assert not tab.at(now, StaleRead()).asks()


def test_s33_a_read_of_older_data_asks_once_and_shows_the_old_meanwhile() -> None:
    tab = open_tab(client_max_age=60)
    assert not tab.at(59, StaleRead()).asks()
    assert tab.at(61, StaleRead()).asks()
    assert tab.state == ("Ada", False, None)
    assert not tab.at(61.1, StaleRead()).asks()
    tab.answers(61.2, BOB)
    assert not tab.at(100, StaleRead()).asks()


def test_s33_an_answer_that_takes_longer_than_client_max_age_is_not_asked_for_again_at_once() -> None:
    tab = open_tab(client_max_age=1)
    assert tab.at(5, StaleRead()).asks()
    tab.answers(7, BOB)
    assert not tab.at(7, StaleRead()).asks()
    assert tab.at(8.1, StaleRead()).asks()


def test_s33_reads_do_not_ask_more_often_than_the_backoff_while_the_backend_is_down() -> None:
    tab = open_tab(client_max_age=60)
    tab.at(61, StaleRead())
    tab.answers(61.1, DOWN)
    for tenth in range(7):
        assert not tab.at(61.1 + tenth / 10, StaleRead()).asks()


def test_s34_keep_alive_asks_again_and_again_and_the_end_reaches_every_tab() -> None:
    one, two = two_tabs(keep_alive=60)
    now = 0.1
    for _ in range(3):
        now += 60
        assert one.at(now, Tick()).asks()
        two.hears(now, one.answers(now, ADA).messages("answer"))
        assert not two.at(now + 1, Tick()).asks()
    now += 60
    one.at(now, Tick())
    two.hears(now, one.answers(now, None).messages("answer"))
    assert (one.name, two.name) == (None, None)
    assert not one.at(now + 100, Tick()).asks()


@pytest.mark.parametrize("option", ["client_max_age", "keep_alive"])
@pytest.mark.parametrize(
    "value, warns", [(60, True), (3600, True), (2678400, True), (59, True), (50, False), (0, False)]
)
def test_s35_an_option_not_lower_than_the_lifetime_warns_once_with_both_numbers(
    option: str, value: int, warns: bool
) -> None:
    tab = Tab(**{option: value})
    tab.opens()
    warned = tab.answers(0.1, session("Ada", T0 + 60.1)).of(Warn)
    assert bool(warned) is warns
    if warns:
        assert f"{option}={value}" in warned[0].text
        assert "60 seconds" in warned[0].text
    tab.at(5, Focus())
    assert not tab.answers(5.1, session("Ada", T0 + 65.1)).of(Warn)


# ── what has an identity is known by it, at any load ─────────────────────────────────────────────


def test_rule_4_an_answer_about_the_same_message_does_however_late_another_tab_hears_it() -> None:
    one, two = two_tabs()
    two.gets_the_lock = False
    assert one.at(5, ForeignChange("getSession 17")).asks()
    two.at(9, ForeignChange("getSession 17"))  # four seconds later, on a busy machine
    heard = two.hears(9.5, one.answers(9.4, BOB).messages("answer"))
    assert not heard.asks()
    assert two.machine.at_rest and two.name == "Bob"


def test_rule_4_a_message_that_comes_after_the_answer_about_it_asks_nothing() -> None:
    one, two = two_tabs()
    one.at(5, ForeignChange("getSession 17"))
    two.hears(5.5, one.answers(5.4, BOB).messages("answer"))
    assert not two.at(9, ForeignChange("getSession 17")).asks()
    assert two.at(9.1, ForeignChange("getSession 18")).asks()


def test_rule_4_the_same_text_once_more_is_another_message() -> None:
    one, two = two_tabs()
    two.gets_the_lock = False
    for seconds in (5, 10):
        assert one.at(seconds, ForeignChange("getSession 17")).asks()
        two.at(seconds + 0.1, ForeignChange("getSession 17"))
        two.hears(seconds + 0.5, one.answers(seconds + 0.4, BOB).messages("answer"))
        assert two.machine.at_rest


def test_rule_4_an_answer_about_one_message_leaves_another_to_be_asked_for() -> None:
    one, two = two_tabs()
    two.gets_the_lock = False
    one.at(5, ForeignChange("getSession 17"))
    two.at(9, ForeignChange("getSession 17"))
    two.at(9, ForeignChange("signout 18"))
    two.hears(9.5, one.answers(9.4, BOB).messages("answer"))
    assert not two.machine.at_rest


def test_rule_4_without_an_identity_only_time_tells() -> None:
    one, two = two_tabs()
    two.gets_the_lock = False
    one.at(5, ForeignChange(None))
    two.at(9, ForeignChange(None))
    two.hears(9.1, one.answers(5.4, BOB).messages("answer"))
    assert not two.machine.at_rest


def test_rule_1_a_good_answer_proves_that_the_browser_is_wrong_to_say_offline() -> None:
    tab = Tab(keep_alive=60)
    tab.at(0, Network(False))
    tab.opens()
    tab.answers(0.1, ADA)
    assert tab.at(61, Tick()).asks()
    tab.answers(61.1, UnexpectedAnswer("502"))
    assert tab.at(63, Tick()).asks()


def test_rule_1_so_does_the_answer_that_another_tab_got() -> None:
    one, two = open_tab(ADA, "a", keep_alive=60), Tab("b", keep_alive=60)
    two.at(0, Network(False))
    two.opens(ADA)
    two.hears(5.2, answer_of(one, 5, 5.1))
    assert two.at(66, Tick()).of(TryLock)
    assert two.at(66.1, Tick()).asks()


def test_rule_1_an_answer_to_what_was_asked_while_online_proves_nothing() -> None:
    one, two = two_tabs(ADA, keep_alive=60)
    late = answer_of(one, 5, 5.1)
    two.at(5.2, Network(False))
    two.hears(5.3, late)
    assert not two.at(66, Tick()).of(TryLock)
    assert two.at(70, Network(True)).of(TryLock)
    assert two.at(70.1, Tick()).asks()


def answer_of(tab: Tab, asked: float, came: float) -> list[Any]:
    tab.at(asked, Refresh(1))
    return tab.answers(came, ADA).messages("answer")


def test_rule_1_what_the_browser_says_of_it_later_is_not_believed_either() -> None:
    tab = Tab(keep_alive=60)
    tab.at(0, Network(False))
    tab.opens()
    tab.answers(0.1, ADA)
    tab.at(5, Network(False))
    assert tab.at(61, Tick()).asks()


@pytest.mark.parametrize("given", [UNSET, ADA])
def test_rule_1_before_the_first_answer_it_retries_though_the_browser_says_offline(given: Any) -> None:
    tab = Tab(keep_alive=60, refetch_on_focus=False)
    tab.at(0, Network(False))
    tab.opens(given)
    if given is ADA:
        tab.at(0.05, Refresh(1))
    tab.answers(0.1, DOWN)
    assert tab.at(2, Tick()).asks()
    tab.answers(2.1, DOWN)
    assert not tab.at(2.5, Tick()).asks()
    tab.at(3, Visibility(False))
    assert not tab.at(10, Tick()).asks()
    assert tab.at(11, Visibility(True)).asks()
    tab.answers(11.1, ADA)
    assert tab.at(72, Tick()).asks()


def test_rule_1_and_so_does_a_bad_one_but_not_none() -> None:
    tab = Tab()
    tab.opens()
    tab.answers(0.1, ADA)
    tab.at(1, Network(False))
    tab.at(2, Refresh(1))
    tab.answers(2.1, DOWN)
    assert not tab.at(5, Tick()).asks()
    tab.at(6, Refresh(1))
    tab.answers(6.1, UnexpectedAnswer("502"))
    assert tab.at(9, Tick()).asks()


def test_a_page_that_says_loading_for_want_of_an_answer_says_why_on_the_console() -> None:
    tab = Tab()
    tab.opens()
    [warning] = tab.answers(0.1, UnexpectedAnswer("Check base_path.")).of(Warn)
    assert "Check base_path." in warning.text
    tab.at(2, Tick())
    tab.answers(2.1, ADA)
    tab.at(5, Refresh(1))
    assert not tab.answers(5.1, UnexpectedAnswer("Check base_path.")).of(Warn)


@pytest.mark.parametrize("session", [{"status": "ok"}, {"expires": "soon"}, {"user": "Ada"}, {}, [1], "Ada"])
def test_what_is_no_session_signs_nobody_in_by_another_tabs_word(session: Any) -> None:
    tab = open_tab(None)
    stamp = [int((T0 + 5) * 1000), "b"]
    tab.at(5.1, Heard({"type": "answer", "stamp": stamp, "asked": T0 + 5, "session": session, "ends": None}))
    assert tab.name is None and tab.machine.view.session is None


# ── rule 11: why nobody is signed in any more ────────────────────────────────────────────────────


def person(name: str, expires: Any = T0 + MONTH, **more: Any) -> dict[str, Any]:
    """A session by whose user one knows whose it is."""
    made = session(name, expires)
    made["user"].update(more)
    return made


def reasons(*tabs: Tab) -> list[str | None]:
    return [tab.machine.view.reason for tab in tabs]


def test_rule_11_a_sign_out_before_the_clock_was_set_back_by_days_says_nothing_of_what_ends_later() -> None:
    tab = open_tab()
    signs_out(tab, 5)
    tab.at(7, Refresh(1))
    tab.answers(7.1, BOB)
    back = -3 * DAY
    assert tab.at(back, Tick()).asks()
    tab.answers(back + 0.1, BOB)
    tab.at(back + 5, Refresh(2))
    tab.answers(back + 5.1, None)
    assert reasons(tab) == ["revoked"]


def test_rule_11_a_sign_out_is_signed_out_here_and_signed_out_elsewhere_in_the_other_tabs() -> None:
    one, two = two_tabs()
    assert reasons(one, two) == [None, None]
    starts, ends = signs_out(one, 5)
    two.hears(6, starts.messages("start") + ends.messages("end"))
    assert reasons(one, two) == ["signed_out", "signed_out_elsewhere"]


@pytest.mark.parametrize("outcome", [CHANGED, NAVIGATED])
@pytest.mark.parametrize("asks", ["one", "two"])
def test_rule_11_so_it_is_when_the_answer_to_the_sign_out_did_not_come(outcome: str, asks: str) -> None:
    one, two = two_tabs()
    two.hears(5, one.at(5, MutationStarted(1)).messages("start"))
    one.at(5, SignsOut(1))
    two.hears(6, one.at(6, MutationEnded(1, outcome, None, None)).messages("end"))
    first, second = (one, two) if asks == "one" else (two, one)
    first.at(20, Refresh(1))
    second.hears(20.2, first.answers(20.1, None).messages("answer"))
    assert reasons(one, two) == ["signed_out", "signed_out_elsewhere"]


def test_rule_11_a_sign_out_that_was_refused_is_no_reason_for_what_comes_after() -> None:
    tab = open_tab()
    tab.at(5, MutationStarted(1))
    tab.at(5, SignsOut(1))
    tab.at(6, MutationEnded(1, NOTHING, None, None))
    tab.at(20, Refresh(1))
    tab.answers(20.1, None)
    assert reasons(tab) == ["revoked"]


def test_rule_11_a_sign_out_after_which_somebody_is_signed_in_still_is_none_either() -> None:
    tab = open_tab()
    tab.at(5, MutationStarted(1))
    tab.at(5, SignsOut(1))
    tab.at(6, MutationEnded(1, CHANGED, None, None))
    tab.answers(6.1, ADA)
    tab.at(20, Refresh(1))
    tab.answers(20.1, None)
    assert reasons(tab) == ["revoked"]


def test_rule_11_nobody_who_is_answered_before_the_deadline_is_revoked_for_all_tabs() -> None:
    one, two = two_tabs()
    one.at(20, Refresh(1))
    two.hears(20.2, one.answers(20.1, None).messages("answer"))
    assert reasons(one, two) == ["revoked", "revoked"]


def test_rule_11_so_is_what_an_update_finds() -> None:
    one, two = two_tabs()
    two.hears(5, one.at(5, MutationStarted(1)).messages("start"))
    two.hears(6, one.at(6, MutationEnded(1, ADOPT, None, None)).messages("end"))
    assert reasons(one, two) == ["revoked", "revoked"]


# Without `Date`, and by the clock of a backend that is an hour ahead, whose header has whole seconds.
@pytest.mark.parametrize("ahead, date", [(0.0, None), (3600.0, T0 + 3600.0)])
@pytest.mark.parametrize("late", [-0.5, 0.2, 3000.0])
def test_rule_11_nobody_who_is_answered_at_the_deadline_is_expired_for_all_tabs(
    ahead: float, date: float | None, late: float
) -> None:
    tabs = Tab("a"), Tab("b")
    for tab in tabs:
        tab.opens()
        tab.answers(0, session("Ada", T0 + ahead + 60), date=date)
    one, two = tabs
    one.at(60 + late - 0.05, Refresh(1))
    two.hears(60 + late + 0.05, one.answers(60 + late, None).messages("answer"))
    assert reasons(one, two) == ["expired", "expired"]


def test_rule_11_so_is_who_is_signed_out_because_the_backend_cannot_be_asked() -> None:
    tab = open_tab(session("Ada", T0 + 30))
    tab.at(31, Tick())
    tab.at(42, Tick())
    assert tab.name is None
    assert reasons(tab) == ["expired"]


def test_rule_11_what_was_expired_stays_so_when_nobody_is_answered_later() -> None:
    tab = open_tab(session("Ada", T0 + 30))
    tab.at(31, Tick())
    tab.at(42, Tick())
    tab.answers(43, None)
    tab.at(100, Refresh(1))
    tab.answers(100.1, None)
    assert reasons(tab) == ["expired"]


@pytest.mark.parametrize("identity", ["signout 17", None])
def test_rule_11_a_sign_out_of_a_page_with_a_js_client_is_signed_out_elsewhere(identity: str | None) -> None:
    one, two = two_tabs()
    for tab in (one, two):
        tab.at(5, SignedOutElsewhere())
        tab.at(5, ForeignChange(identity))
    two.hears(5.2, one.answers(5.1, None).messages("answer"))
    assert reasons(one, two) == ["signed_out_elsewhere", "signed_out_elsewhere"]


def test_rule_11_a_js_client_of_another_backend_is_no_reason_for_what_comes_after() -> None:
    tab = open_tab()
    tab.at(5, SignedOutElsewhere())
    tab.at(5, ForeignChange(None))
    tab.answers(5.1, ADA)
    tab.at(20, Refresh(1))
    tab.answers(20.1, None)
    assert reasons(tab) == ["revoked"]


def test_rule_11_a_page_that_comes_back_knows_of_a_sign_out_by_the_stored_epoch() -> None:
    tab = open_tab()
    tab.at(5, PageHide())
    tab.at(60, PageShow(int((T0 + 30) * 1000)))
    assert (tab.name, tab.machine.view.loading, tab.machine.view.reason) == (None, True, None)
    tab.answers(60.1, None)
    assert reasons(tab) == ["signed_out_elsewhere"]


def test_rule_11_or_that_its_session_has_ended_meanwhile_or_that_another_person_has_come() -> None:
    for answer, reason in ((None, "expired"), (BOB, None), (person("Bob", email="bob@example.org"), "switched")):
        tab = open_tab(session("Ada", T0 + 30))
        tab.at(5, PageHide())
        tab.at(60, PageShow(None))
        tab.answers(60.1, answer)
        assert reasons(tab) == [reason]


def test_rule_11_who_was_signed_out_when_the_page_was_loaded_has_no_reason() -> None:
    one, two = two_tabs(None)
    new = Tab("c")
    new.opens()
    ends = signs_out(one, 5)[1].messages("end")
    two.hears(6, ends)
    new.hears(6, ends)
    assert new.state == (None, False, None)
    assert reasons(one, two, new) == [None, None, None]


def test_rule_11_a_new_tab_whose_answer_ends_the_others_session_leaves_the_reason_to_them() -> None:
    old, new = open_tab(), Tab("b")
    new.opens()
    old.hears(5.2, new.answers(5.1, None).messages("answer"))
    assert reasons(old, new) == ["revoked", None]


def test_rule_11_a_reason_ends_when_somebody_signs_in() -> None:
    one, two = two_tabs()
    two.hears(6, signs_out(one, 5)[1].messages("end"))
    one.at(10, Refresh(1))
    two.hears(10.2, one.answers(10.1, BOB).messages("answer"))
    assert reasons(one, two) == [None, None]


@pytest.mark.parametrize(
    "before, after, reason",
    [
        (person("Ada", id="1", email="a@x"), person("Ada", id="1", email="b@x"), None),
        (person("Ada", id="1", email="a@x"), person("Ada", id="2", email="a@x"), "switched"),
        (person("Ada", id=1), person("Ada", id="1"), "switched"),
        (person("Ada", email="a@x"), person("Ada L.", email="a@x"), None),
        (person("Ada", email="a@x"), person("Ada", email="b@x"), "switched"),
        (person("Ada", email="a@x"), person("Ada"), "switched"),
        (person("Ada", id="1", email="a@x"), person("Ada", email="a@x"), None),
        (person("Ada"), person("Bob"), None),
        ({"expires": iso(T0 + MONTH)}, {"expires": iso(T0 + 2 * MONTH)}, None),
    ],
)
def test_rule_11_another_person_is_told_by_id_or_else_by_email(before: Any, after: Any, reason: str | None) -> None:
    one, two = two_tabs(before)
    one.at(5, Refresh(1))
    two.hears(5.2, one.answers(5.1, after).messages("answer"))
    assert reasons(one, two) == [reason, reason]


def test_rule_11_switched_stays_while_that_person_is_signed_in() -> None:
    ada, bob = person("Ada", email="a@x"), person("Bob", email="b@x")
    tab = open_tab(ada)
    for seconds, answer in ((5, bob), (6, person("Bobby", email="b@x")), (7, None), (8, bob)):
        tab.at(seconds, Refresh(seconds))
        tab.answers(seconds + 0.1, answer)
        assert reasons(tab) == [{5: "switched", 6: "switched", 7: "revoked", 8: None}[seconds]]


@pytest.mark.parametrize(
    "told, reason",
    [
        ("signed_out", "signed_out_elsewhere"),
        ("idle", "idle"),
        ("expired", "expired"),
        (None, "revoked"),
        ("switched", None),
        ("<b>banned</b>", None),
        ("", None),
        (5, None),
        (["expired"], None),
        ({}, None),
        (True, None),
    ],
)
def test_rule_11_a_word_that_is_not_known_is_no_reason(told: Any, reason: str | None) -> None:
    tab = open_tab()
    message = {"type": "answer", "stamp": [int((T0 + 5) * 1000), "b"], "asked": T0 + 5, "session": None, "ends": None}
    tab.at(5.1, Heard({**message, "reason": told}))
    assert tab.state == (None, False, None)
    assert reasons(tab) == [reason]


def test_rule_11_no_word_of_a_message_is_shown_while_somebody_is_signed_in() -> None:
    tab = open_tab()
    message = {"type": "answer", "stamp": [int((T0 + 5) * 1000), "b"], "asked": T0 + 5, "session": BOB, "ends": None}
    tab.at(5.1, Heard({**message, "reason": "revoked"}))
    assert tab.name == "Bob"
    assert reasons(tab) == [None]


# ── rule 12: the seconds left ────────────────────────────────────────────────────────────────────


def counted(tab: Tab) -> tuple[int | None, int | None]:
    """What whoever counts was told, and what is left."""
    return tab.machine.view.expires_in, tab.machine.view.seconds_left(T0 + tab.now)


def a_session_of(seconds: float, ahead: float = 0.0, **options: Any) -> Tab:
    """A tab whose session has so many seconds left, on a backend's clock that is so far ahead of the tab's."""
    tab = Tab(**options)
    tab.opens()
    tab.answers(0, session("Ada", T0 + ahead + seconds), date=T0 + ahead)
    return tab


@pytest.mark.parametrize("ahead", [0.0, 7200.0, -7200.0])
def test_rule_12_the_seconds_left_are_whole_and_of_the_backends_clock(ahead: float) -> None:
    tab = a_session_of(100, ahead)
    for seconds, left in ((0.5, 99), (1.5, 98), (99.5, 0)):
        tab.at(seconds, Network(True))
        assert counted(tab)[1] == left


def test_rule_12_who_reads_them_is_told_of_the_next_and_no_more() -> None:
    tab = a_session_of(100)
    assert tab.at(0.4, CountdownRead()).of(Wake) == [Wake(pytest.approx(0.61))]
    assert tab.machine.view.is_counting
    told = counted(tab)[0]
    tab.at(0.9, Tick())
    assert counted(tab)[0] == told, "too early"
    effects = tab.at(1.02, Tick())
    assert counted(tab) == (98, 98)
    assert effects.of(Wake) == [Wake(TICK)], "that of the deadline"
    assert not tab.machine.view.is_counting


def test_rule_12_where_nobody_reads_them_nothing_is_told_and_nothing_wakes_but_the_deadlines() -> None:
    tab = a_session_of(100)
    told = counted(tab)[0]
    for seconds in range(5, 35, 5):
        assert tab.at(seconds, Tick()).of(Wake) == [Wake(TICK)]
        assert counted(tab)[0] == told
    tab.at(36, Refresh(1))
    tab.answers(36.1, session("Ada", T0 + 100), date=T0 + 36.1)
    assert counted(tab)[0] == told


def test_rule_12_a_session_without_a_known_end_has_none_left_and_wakes_nobody() -> None:
    for tab in (open_tab(session("Ada", "soon")), open_tab(None)):
        assert counted(tab) == (None, None)
        assert not tab.at(5, CountdownRead()).of(Wake)
        assert not tab.machine.view.is_counting


def test_rule_12_a_hidden_tab_counts_when_it_is_seen_again() -> None:
    tab = a_session_of(100, refetch_on_focus=False)
    tab.at(0.5, CountdownRead())
    tab.at(0.6, Visibility(False))
    for seconds in (5.6, 10.6, 15.6):
        tab.at(seconds, Tick())
        assert counted(tab)[0] == -1
    tab.at(17.5, Visibility(True))
    assert counted(tab) == (82, 82)


def test_rule_12_after_sleep_they_are_exact_and_never_below_zero() -> None:
    tab = a_session_of(100)
    tab.at(0.5, CountdownRead())
    tab.at(61.5, Tick())
    assert counted(tab) == (38, 38)
    tab.at(61.6, CountdownRead())
    tab.at(103, Tick())
    assert counted(tab) == (0, 0)


def test_rule_12_when_the_clock_is_set_back_they_go_on_from_where_they_were() -> None:
    tab = a_session_of(100)
    tab.at(20.5, CountdownRead())
    tab.at(-3600, Network(True))
    tab.at(-3599, Tick())
    assert counted(tab) == (78, 78)


def test_rule_12_a_renewed_session_is_told_at_once_and_counted_on() -> None:
    tab = a_session_of(100)
    tab.at(40.5, CountdownRead())
    tab.at(40.6, Refresh(1))
    tab.answers(40.7, session("Ada", T0 + 200), date=T0 + 40.7)
    assert counted(tab) == (159, 159)
    tab.at(41.02, Tick())
    assert counted(tab) == (158, 158)


def test_rule_12_the_end_of_a_session_is_told_too() -> None:
    tab = a_session_of(100)
    tab.at(0.4, CountdownRead())
    signs_out(tab, 0.5)
    assert counted(tab) == (None, None)
    assert not tab.machine.view.is_counting
    tab = a_session_of(10)
    tab.at(11, Tick())
    tab.at(11, CountdownRead())
    tab.at(22, Tick())
    assert (tab.name, counted(tab)) == (None, (None, None))


def test_rule_12_a_page_that_is_kept_past_the_end_counts_nothing() -> None:
    tab = a_session_of(10)
    tab.at(0.5, CountdownRead())
    assert tab.at(1, PageHide()).of(Wake) == [Wake(None)]
    tab.at(60, PageShow(None))
    assert counted(tab) == (None, None)


@pytest.mark.parametrize("expiring, at", [(60, 40.0), (90.5, 9.5), (0, 100.0)])
def test_rule_12_a_session_is_expiring_when_less_is_left_than_the_provider_says(expiring: float, at: float) -> None:
    tab = a_session_of(100, expiring=expiring)
    assert not tab.machine.view.expiring
    assert tab.at(at - 1, Tick()).of(Wake) == [Wake(pytest.approx(1))]
    assert not tab.machine.view.expiring
    tab.at(at, Tick())
    assert tab.machine.view.expiring
    tab.at(at + 0.1, Refresh(1))
    tab.answers(at + 0.2, session("Ada", T0 + 300), date=T0 + at + 0.2)
    assert not tab.machine.view.expiring


def test_rule_12_nobody_and_a_session_without_a_known_end_are_never_expiring() -> None:
    tab = a_session_of(30)
    assert tab.machine.view.expiring
    signs_out(tab, 5)
    assert not tab.machine.view.expiring
    assert not open_tab(session("Ada", "soon")).machine.view.expiring


def test_every_event_is_understood_and_every_effect_is_carried_out() -> None:
    words = {name for name, value in vars(events).items() if hasattr(value, "_fields")}
    understood = {name for name in words if hasattr(Machine, "_on_" + name)}
    carried_out = {name for name in words if hasattr(Driver, "_do_" + name)}
    assert understood | carried_out == words
    assert not understood & carried_out
