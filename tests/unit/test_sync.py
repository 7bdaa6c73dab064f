"""The rules of docs/synchroniser.md, one sentence a test, over the machine alone, with explicit times."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import pytest
from nextauth_client.errors import BackendUnreachable, CSRFRefused, UnexpectedAnswer
from nextauth_client.sync import (
    ADOPT,
    CHANGED,
    DAY,
    EARLY,
    HEAD_START,
    LEAVING,
    NOTHING,
    TICK,
    UNSET,
    Abort,
    Answered,
    Ask,
    AskedEarly,
    ChangeEnded,
    ChangeStarted,
    EpochStored,
    Failed,
    Focus,
    ForeignChange,
    Heard,
    LockBusy,
    LockGranted,
    Machine,
    Network,
    Options,
    PageHide,
    PageShow,
    Publish,
    Refresh,
    ReleaseLock,
    Settle,
    StaleRead,
    Start,
    Stop,
    StoreEpoch,
    TellOthers,
    Tick,
    TryLock,
    Visibility,
    Wake,
    Warn,
)
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
        return bool(self.of(Ask))

    def messages(self, kind: str) -> list[dict[str, Any]]:
        # As another tab gets it: out of JSON text.
        sent = [json.loads(json.dumps(effect.message)) for effect in self.of(Publish)]
        return [message for message in sent if message["type"] == kind]


class Tab:
    """`tab.at(3, Focus())` gives the event to a machine three seconds after the start, and returns the effects."""

    def __init__(self, name: str = "a", **options: Any) -> None:
        self.machine = Machine(name, Options(**options), lambda: 0.5)
        self.question = 0  # the newest
        self.now = 0.0

    def at(self, seconds: float, event: Any) -> Effects:
        self.now = seconds
        effects = Effects(self.machine.receive(event, T0 + seconds))
        for effect in effects.of(Ask):
            self.question = effect.question
        # Where there are no locks they are always granted.
        for _ in effects.of(TryLock):
            effects += self.at(seconds, LockGranted())
        return effects

    def opens(self, given: Any = UNSET, made_at: float = 0, epoch: Any = None, landed: bool = False) -> Effects:
        return self.at(0, Start(given, T0 + made_at, epoch, landed))

    def answers(self, seconds: float, answer: Any, question: int | None = None, date: float | None = None) -> Effects:
        number = self.question if question is None else question
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
        session = self.machine.session
        return None if session is None else str(session.get("user", {}).get("name"))

    @property
    def state(self) -> tuple[str | None, bool, str | None]:
        error = self.machine.error
        return self.name, self.machine.loading, None if error is None else error.code


class LockedTab(Tab):
    """One whose lock is granted or refused by the test."""

    def at(self, seconds: float, event: Any) -> Effects:
        effects = Effects(self.machine.receive(event, T0 + seconds))
        for effect in effects.of(Ask):
            self.question = effect.question
        return effects


def open_tab(answer: Any = ADA, name: str = "a", **options: Any) -> Tab:
    """A tab that asked when it was opened, and was answered after 0.1 s."""
    tab = Tab(name, **options)
    tab.opens()
    tab.answers(0.1, answer)
    return tab


def two_tabs(answer: Any = ADA, **options: Any) -> tuple[Tab, Tab]:
    return open_tab(answer, "a", **options), open_tab(answer, "b", **options)


def signs_out(tab: Tab, seconds: float, change: int = 1) -> tuple[Effects, Effects]:
    """The effects of its start, and half a second later of its end."""
    starts = tab.at(seconds, ChangeStarted(change))
    return starts, tab.at(seconds + 0.5, ChangeEnded(change, ADOPT, None, None))


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
        assert (tab.name, tab.machine.loading, tab.machine.error) == (name, False, unknown)


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
    tab = open_tab(DOWN, refetch_on_focus=False)
    assert not tab.at(0.2, pause).asks()
    assert not tab.at(100, Tick()).asks()
    assert tab.at(101, resume).asks()


def test_rule_1_a_failure_that_comes_after_a_newer_one_still_leads_to_a_retry() -> None:
    tab = open_tab()
    tab.at(2, Focus())
    slow = tab.question
    tab.at(3, Refresh(1))
    tab.answers(3.1, DOWN)
    tab.at(4, Network(False))
    assert tab.at(4.5, Network(True)).asks()  # at once, and does not join the slow one, which is older than the failure
    tab.answers(11, DOWN, slow)
    tab.answers(12, DOWN)
    assert tab.at(20, Tick()).asks()


def test_rule_1_an_older_question_in_the_air_does_not_swallow_a_retry() -> None:
    tab = open_tab()
    tab.at(2, Focus())
    slow = tab.question
    tab.at(3, ForeignChange())
    tab.answers(3.1, DOWN)
    assert tab.at(4.1, Tick()).asks()
    newer = tab.question
    tab.answers(5, ADA, slow)
    tab.answers(5.1, BOB, newer)
    assert tab.state == ("Bob", False, None)


def test_rule_1_an_older_session_is_shown_when_the_newer_question_failed() -> None:
    tab = Tab()
    tab.opens()
    first = tab.question
    tab.at(1, Refresh(1))
    tab.answers(1.1, DOWN)
    tab.answers(2, ADA, first)
    assert tab.state == ("Ada", False, "ClientFetchError")


# ── rule 2: the newest question wins ─────────────────────────────────────────────────────────────


def test_rule_2_answers_that_come_in_reverse_order_show_the_newest_question() -> None:
    tab = Tab()
    tab.opens()
    first = tab.question
    tab.at(1, Refresh(1))
    tab.answers(1.1, BOB)
    tab.answers(2, ADA, first)
    assert tab.name == "Bob"


def test_rule_2_a_change_aborts_the_question_in_the_air_in_this_tab_and_the_others() -> None:
    one, two = Tab("a"), Tab("b")
    one.opens()
    two.opens()
    starts = one.at(1, ChangeStarted(1))
    assert starts.of(Abort) == [Abort(one.question)]
    assert two.hears(1.02, starts.messages("start")).of(Abort) == [Abort(two.question)]


def test_rule_2_no_question_goes_out_between_start_and_end() -> None:
    one, two = two_tabs()
    started = one.at(5, ChangeStarted(1)).messages("start")
    two.hears(5, started)
    for tab in (one, two):
        assert not tab.at(6, Focus()).asks()
        assert not tab.at(6, ForeignChange()).asks()
        assert not tab.at(6, Refresh(1)).asks()
        assert not tab.at(6, Tick()).asks()


def test_rule_2_a_late_answer_cannot_undo_a_sign_out() -> None:
    one, two = two_tabs()
    two.at(5, Focus())
    late = two.question
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


def test_rule_2_what_was_aborted_is_asked_once_after_a_change_that_failed() -> None:
    one, two = two_tabs()
    two.at(5, Focus())
    started = one.at(5.1, ChangeStarted(1))
    two.hears(5.1, started.messages("start"))
    two.hears(6, one.at(6, ChangeEnded(1, NOTHING, None, None)).messages("end"))
    assert two.at(6.1, Tick()).asks()
    assert not two.at(6.2, Tick()).asks()


def test_rule_2_a_change_that_failed_while_nothing_was_asked_costs_nothing() -> None:
    one, two = two_tabs()
    two.hears(5, one.at(5, ChangeStarted(1)).messages("start"))
    ended = one.at(6, ChangeEnded(1, NOTHING, None, None))
    assert not ended.asks()
    assert not ended.of(StoreEpoch)
    assert not two.hears(6, ended.messages("end")).asks()


def test_rule_2_a_change_of_unknown_outcome_is_asked_for_by_the_tab_that_made_it() -> None:
    one, two = two_tabs()
    two.hears(5, one.at(5, ChangeStarted(1)).messages("start"))
    ended = one.at(6, ChangeEnded(1, CHANGED, None, None))
    assert len(ended.of(Ask)) == 1
    assert not two.hears(6, ended.messages("end")).asks()
    assert one.answers(6.1, BOB).messages("answer")
    two.hears(6.1, [])
    assert not two.at(6.2, Tick()).asks()


def test_rule_2_if_that_tab_goes_away_another_asks_after_the_timeout() -> None:
    one, two = two_tabs(timeout=10)
    two.hears(5, one.at(5, ChangeStarted(1)).messages("start"))
    two.hears(6, one.at(6, ChangeEnded(1, CHANGED, None, None)).messages("end"))
    assert not two.at(15.9, Tick()).asks()
    assert two.at(16, Tick()).asks()


def test_rule_2_a_change_whose_tab_is_gone_is_given_up_after_the_timeout_and_asked_for() -> None:
    one, two = two_tabs(timeout=10)
    two.hears(5, one.at(5, ChangeStarted(1)).messages("start"))
    assert not two.at(14.9, Tick()).asks()
    assert two.at(15, Tick()).asks()


def test_rule_2_each_request_of_a_change_prolongs_it() -> None:
    one, two = two_tabs(timeout=10)
    two.hears(5, one.at(5, ChangeStarted(1)).messages("start"))
    two.hears(14, one.at(14, ChangeStarted(1)).messages("start"))
    assert not two.at(23, Refresh(1)).asks()
    assert two.at(24, Tick()).asks()


def test_rule_2_a_question_asked_after_the_hold_lapsed_is_aborted_by_the_end() -> None:
    one, two = two_tabs(timeout=10)
    two.hears(5, one.at(5, ChangeStarted(1)).messages("start"))
    two.at(15, Tick())
    late = two.question
    ended = one.at(16, ChangeEnded(1, ADOPT, None, None))
    heard = two.hears(16, ended.messages("end"))
    assert heard.of(Abort) == [Abort(late)]
    two.answers(17, ADA, late)
    assert two.name is None


def test_rule_2_tickets_that_waited_for_a_sign_out_are_answered_by_it() -> None:
    one, two = two_tabs()
    two.hears(5, one.at(5, ChangeStarted(1)).messages("start"))
    two.at(5.1, Refresh(7))
    heard = two.hears(6, one.at(6, ChangeEnded(1, ADOPT, None, None)).messages("end"))
    assert heard.of(Settle) == [Settle([7], None)]
    assert not heard.asks()


def test_rule_2_two_changes_at_once_hold_until_both_have_ended() -> None:
    one, two = two_tabs()
    third = open_tab(ADA, "c")
    third.hears(5, one.at(5, ChangeStarted(1)).messages("start"))
    third.hears(5, two.at(5, ChangeStarted(1)).messages("start"))
    third.at(5.1, Refresh(1))
    assert not third.hears(6, one.at(6, ChangeEnded(1, NOTHING, None, None)).messages("end")).asks()
    assert third.hears(7, two.at(7, ChangeEnded(1, NOTHING, None, None)).messages("end")).asks()


def overlapping(answer: Any) -> tuple[Tab, Tab, Effects]:
    """`one` updates, and while its POST is away `two` signs in and is answered Bob."""
    one, two = two_tabs()
    two.hears(5, one.at(5, ChangeStarted(1)).messages("start"))
    one.hears(5.1, two.at(5.1, ChangeStarted(1)).messages("start"))
    one.hears(6, two.at(6, ChangeEnded(1, CHANGED, None, None)).messages("end"))
    return one, two, one.at(7, ChangeEnded(1, ADOPT, answer, None))


def test_rule_2_a_session_that_overlapping_changes_bring_is_not_believed_but_asked_for() -> None:
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
    one.at(5, ChangeStarted(1))
    new.at(5.1, Refresh(1))  # it has not heard of the change
    one.hears(5.3, new.answers(5.2, ADA).messages("answer"))
    ended = one.at(6, ChangeEnded(1, ADOPT, None, None))
    assert ended.asks()
    new.hears(6, ended.messages("end"))
    assert (one.name, new.name) == (None, None)


def test_rule_2_what_a_js_client_says_while_a_post_is_away_is_asked_for_after_its_end() -> None:
    one, two = two_tabs()
    two.hears(5, one.at(5, ChangeStarted(1)).messages("start"))
    one.at(5.1, ChangeStarted(1))
    for tab in (one, two):
        tab.at(5.15, ForeignChange())
    ended = one.at(5.2, ChangeEnded(1, ADOPT, None, None))
    assert (ended.asks() or one.at(5.3, Tick()).asks()) is True
    two.hears(5.2, ended.messages("end"))
    assert two.at(5.3, Tick()).asks()


# ── rule 3: one owner of fetching ────────────────────────────────────────────────────────────────


def test_rule_3_time_that_has_passed_joins_the_question_in_the_air() -> None:
    tab = open_tab(client_max_age=1, keep_alive=4)
    tab.at(5, Focus())
    for event in (Focus(), Visibility(True), StaleRead(), Tick()):
        assert not tab.at(10, event).asks()
    assert not tab.answers(10.1, ADA).asks()


@pytest.mark.parametrize("event", [Refresh(1), ForeignChange()])
def test_rule_3_a_call_or_a_change_never_joins_an_older_question(event: Any) -> None:
    tab = open_tab()
    tab.at(5, Focus())
    assert tab.at(5.1, event).asks()


def test_rule_3_a_message_heard_in_the_millisecond_of_a_question_is_asked_for() -> None:
    tab = open_tab()
    tab.at(5, Focus())
    assert tab.at(5, ForeignChange()).asks()


def test_rule_3_at_most_two_are_in_the_air_and_later_ones_share_one_follow_up() -> None:
    tab = Tab()
    tab.opens()
    tab.at(1, Refresh(1))
    for ticket in (2, 3, 4):
        assert not tab.at(2, Refresh(ticket)).asks()
    follow_up = tab.answers(3, ADA, 1)
    assert len(follow_up.of(Ask)) == 1
    assert Settle([2, 3, 4], None) in tab.answers(4, ADA)


def test_rule_3_a_ticket_is_settled_by_its_own_question_or_its_failure() -> None:
    tab = open_tab()
    tab.at(5, Refresh(1))
    assert tab.answers(5.1, DOWN).of(Settle) == [Settle([1], DOWN)]
    tab.at(7, Refresh(2))
    assert tab.answers(7.1, BOB).of(Settle) == [Settle([2], None)]


def test_rule_3_a_newer_answer_of_whichever_tab_ends_older_questions_and_settles_their_tickets() -> None:
    one, two = two_tabs()
    for tab in (one, two):
        tab.at(5, Refresh(1))
    first = one.question
    one.at(5.1, Refresh(2))
    answered = one.answers(5.2, BOB)
    assert answered.of(Abort) == [Abort(first)]
    assert answered.of(Settle) == [Settle([1], None), Settle([2], None)]
    heard = two.hears(5.2, answered.messages("answer"))
    assert heard.of(Abort) == [Abort(two.question)]
    assert heard.of(Settle) == [Settle([1], None)]


def test_rule_3_time_that_passes_does_not_join_a_question_older_than_what_is_shown() -> None:
    tab = Tab(timeout=10)
    tab.opens()
    tab.at(1, Refresh(1))
    tab.answers(1.1, session("Ada", T0 + 5))  # the first still hangs
    assert tab.at(5, Tick()).asks()


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
    for event in (ForeignChange(), Focus()):
        tab = LockedTab()
        tab.opens()
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
    one.at(5, ForeignChange())
    two.at(5.03, ForeignChange())
    two.at(5.03, LockBusy())
    two.hears(5.2, one.answers(5.19, BOB).messages("answer"))
    assert two.name == "Bob"
    assert not two.at(6, Tick()).of(TryLock)


def test_rule_4_an_answer_asked_long_before_the_trigger_was_heard_does_not_satisfy() -> None:
    one = open_tab()
    one.at(5, ForeignChange())
    message = one.answers(5.5, ADA).messages("answer")
    busy = LockedTab("c")
    busy.opens()
    busy.answers(0.1, ADA)
    busy.at(5.2, ForeignChange())
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
    two.at(5.05, ForeignChange())
    two.hears(5.06, message)
    assert two.at(5.07, LockGranted()).asks()


def test_rule_4_nor_does_one_that_was_asked_just_before_for_something_heard_long_before() -> None:
    one = open_tab()
    two = LockedTab("b")
    two.opens()
    two.answers(0.1, ADA)
    one.at(5, Refresh(1))
    begun = one.at(5.01, ChangeStarted(1)).messages("start")  # the question is aborted, and asked again at the end
    two.hears(5.02, begun)
    ended = one.at(5.2, ChangeEnded(1, NOTHING, None, None))
    assert ended.asks()
    two.hears(5.22, ended.messages("end"))
    two.at(5.25, ForeignChange())
    two.hears(5.26, one.answers(5.25, ADA).messages("answer"))
    assert two.at(5.27, LockGranted()).asks()


def test_rule_4_a_lock_that_comes_free_is_looked_at_twice_because_the_answer_may_be_on_its_way() -> None:
    tab = LockedTab()
    tab.opens()
    tab.answers(0.1, ADA)
    tab.at(5, ForeignChange())
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
    tab.at(5, ForeignChange())
    tab.at(5, stuck)
    assert not tab.at(16.9, Tick()).asks()
    assert tab.at(17, Tick()).asks()  # the spread of 2 s at random() = 0.5


def test_rule_4_what_could_not_be_asked_when_it_was_heard_is_looked_at_twice_too() -> None:
    tab = LockedTab()
    tab.opens()
    tab.at(0.1, Refresh(1))
    tab.at(0.2, ForeignChange())  # two are in the air
    tab.answers(0.3, ADA)
    assert tab.at(0.31, LockGranted()).of(ReleaseLock)
    tab.at(0.42, Tick())
    assert tab.at(0.42, LockGranted()).asks()


def test_rule_4_the_lock_is_released_when_nothing_is_wanted_any_more() -> None:
    one = open_tab()
    two = LockedTab("b")
    two.opens()
    two.answers(0.1, ADA)
    one.at(5, ForeignChange())
    two.at(5, ForeignChange())
    two.hears(5.1, one.answers(5.1, BOB).messages("answer"))
    granted = two.at(5.2, LockGranted())
    assert granted.of(ReleaseLock)
    assert not granted.asks()


def test_rule_4_the_lock_is_kept_until_the_last_question_is_answered() -> None:
    tab = LockedTab()
    tab.opens()
    tab.answers(0.1, ADA)
    tab.at(5, ForeignChange())
    tab.at(5, LockGranted())
    first = tab.question
    tab.at(5.1, ForeignChange())
    assert not tab.answers(5.2, ADA, first).of(ReleaseLock)
    assert tab.answers(5.3, ADA).of(ReleaseLock)


def test_rule_4_state_that_no_backend_answered_is_never_broadcast() -> None:
    tab = Tab()
    assert not tab.opens(ADA).of(Publish)
    expired = open_tab(session("Ada", T0 + 10))
    for now in range(1, 30):
        assert not expired.at(now, Tick()).of(Publish)
    assert expired.name is None


# ── rule 5: other clients ────────────────────────────────────────────────────────────────────────


def test_rule_5_others_are_told_after_a_change_and_after_an_explicit_question() -> None:
    tab = open_tab()
    tab.at(5, Refresh(1))
    assert tab.answers(5.1, ADA).of(TellOthers) == [TellOthers("getSession")]
    assert signs_out(tab, 6)[1].of(TellOthers) == [TellOthers("signout")]
    tab.at(8, ChangeStarted(2))
    assert tab.at(9, ChangeEnded(2, CHANGED, None, None)).of(TellOthers) == [TellOthers("getSession")]


def test_rule_5_others_are_not_told_of_what_is_unknown_or_unchanged() -> None:
    tab = open_tab()
    tab.at(5, Refresh(1))
    assert not tab.answers(5.1, DOWN).of(TellOthers)  # a v4 page would sign its person out
    tab.at(8, ChangeStarted(2))
    assert not tab.at(9, ChangeEnded(2, NOTHING, None, None)).of(TellOthers)


def test_rule_5_a_js_message_never_leads_to_a_js_message() -> None:
    tab = open_tab()
    asked = tab.at(5, ForeignChange())
    answered = tab.answers(5.1, None)
    assert asked.asks()
    assert not asked.of(TellOthers)
    assert not answered.of(TellOthers)


# ── rule 6: freshness ────────────────────────────────────────────────────────────────────────────


def test_rule_6_a_burst_is_one_request() -> None:
    tab = open_tab()
    asked = Effects()
    for seconds, event in ((5, Focus()), (5, Visibility(True)), (5.2, Focus()), (5.9, Focus())):
        asked += tab.at(seconds, event)
        if seconds == 5.2:
            tab.answers(5.3, ADA)
    assert len(asked.of(Ask)) == 1


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
    assert two.at(110.2 + HEAD_START, Tick()).asks()


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
        for question in tab.at(half / 2, Tick()).of(Ask):
            tab.answers(half / 2, DOWN, question.question)
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
    two.hears(5, one.at(5, ChangeStarted(1)).messages("start"))
    two.hears(6, one.at(6, ChangeEnded(1, NOTHING, None, None)).messages("end"))
    refused = CSRFRefused("no")
    one.at(6, Failed(refused))
    assert (one.name, two.name) == ("Ada", "Ada")
    assert one.machine.error is refused


def test_rule_8_a_failed_action_stays_visible_until_something_asked_after_it_is_answered() -> None:
    tab = open_tab()
    tab.at(5, ChangeStarted(1))
    tab.at(5.1, ChangeEnded(1, CHANGED, None, None))
    failure = UnexpectedAnswer("no JSON")
    tab.at(5.1, Failed(failure))
    tab.answers(5.2, BOB)  # asked at the change's end
    assert (tab.name, tab.machine.error) == ("Bob", failure)
    tab.at(9, Refresh(1))
    tab.answers(9.1, BOB)
    assert tab.machine.error is None


# ── rule 9: what readers see ─────────────────────────────────────────────────────────────────────


def test_rule_9_loading_is_only_the_time_before_the_first_answer() -> None:
    tab = Tab()
    tab.opens()
    assert (tab.machine.loading, tab.machine.refreshing) == (True, False)
    tab.answers(0.1, ADA)
    tab.at(5, Focus())
    assert (tab.machine.loading, tab.machine.refreshing) == (False, True)
    tab.answers(5.1, ADA)
    assert (tab.machine.loading, tab.machine.refreshing) == (False, False)


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


def test_rule_10_a_question_asked_early_is_the_first_one() -> None:
    tab = Tab()
    tab.at(0, AskedEarly(T0 - 2))
    assert not tab.opens().asks()
    assert tab.state == (None, True, None)
    effects = tab.answers(0.5, ADA, EARLY)
    assert tab.name == "Ada"
    [message] = effects.messages("answer")
    assert (message["asked"], message["stamp"]) == (T0 - 2, [int((T0 - 2) * 1000), "a"])


def test_rule_10_an_early_question_older_than_the_stored_epoch_is_given_up_and_asked_anew() -> None:
    tab = Tab()
    tab.at(0, AskedEarly(T0 - 2))
    effects = tab.opens(epoch=int((T0 - 1) * 1000))
    assert effects.asks() and effects.of(Abort) == [Abort(EARLY)]
    tab.answers(0.5, ADA, EARLY)
    assert tab.state == (None, True, None)


def test_rule_10_an_early_question_is_given_up_when_a_change_starts() -> None:
    tab, other = Tab(), open_tab(name="b")
    tab.at(0.2, AskedEarly(T0))
    tab.at(0.2, Start(UNSET, T0, None, False))
    effects = tab.hears(0.3, other.at(0.3, ChangeStarted(1)).messages("start"))
    assert effects.of(Abort) == [Abort(EARLY)] and not effects.asks()


def test_rule_10_an_early_question_that_fails_is_asked_again_later() -> None:
    tab = Tab()
    tab.at(0, AskedEarly(T0 - 2))
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
    tab.at(5, ForeignChange())
    tab.at(5, LockGranted())
    hidden = tab.at(5.1, PageHide())
    assert hidden.of(Abort)
    assert hidden.of(ReleaseLock)
    assert hidden.of(Wake) == [Wake(None)]
    assert tab.at(60, Tick()) == []


def test_rule_10_what_came_with_a_page_of_unknown_age_is_shown_and_asked_for() -> None:
    tab = Tab()
    assert tab.opens(ADA, made_at=-T0).asks()
    assert tab.name == "Ada"
    tab = Tab()
    assert tab.opens(ADA, made_at=-T0, epoch=NOW - 5000).asks()
    assert tab.state == (None, True, None)


def test_rule_10_a_landing_that_learns_of_its_sign_in_from_another_tab_tells_the_js_clients() -> None:
    two, landed = open_tab(None, "b"), Tab("a")
    landed.opens(landed=True)
    two.at(1, Refresh(1))
    told = landed.hears(1.2, two.answers(1.1, ADA).messages("answer"))
    assert told.of(TellOthers) == [TellOthers("getSession")]


def test_rule_10_coming_back_shows_what_was_and_asks() -> None:
    tab = open_tab()
    tab.at(5, PageHide())
    assert tab.at(60, PageShow(None)).asks()
    assert tab.name == "Ada"


def test_rule_10_coming_back_after_a_change_elsewhere_shows_nobody_until_it_is_known() -> None:
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
    tab.at(5, ForeignChange())
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
        assert effects.of(TellOthers) == []
        effects = tab.answers(0.1, ADA)
    assert effects.of(TellOthers) == [TellOthers("getSession")]
    tab.at(9, Focus())
    assert tab.answers(9.1, BOB).of(TellOthers) == []


def test_rule_10_a_page_that_one_comes_back_to_without_having_signed_in_tells_nobody() -> None:
    tab = Tab()
    tab.opens(landed=True)
    assert tab.answers(0.1, None).of(TellOthers) == []


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


def test_rule_10_stopping_ends_a_change_that_is_under_way() -> None:
    one, two = two_tabs()
    two.hears(5, one.at(5, ChangeStarted(1)).messages("start"))
    assert not two.at(5, Refresh(1)).asks()
    stopped = one.at(5.1, Stop())
    assert stopped.messages("end")[0]["outcome"] == NOTHING
    assert two.hears(5.1, stopped.messages("end")).asks()


def test_rule_10_stopping_after_the_post_has_left_makes_another_tab_ask() -> None:
    one, two = two_tabs()
    two.hears(5, one.at(5, ChangeStarted(1)).messages("start"))
    one.at(5.05, ChangeStarted(1))
    stopped = one.at(5.1, Stop())
    assert stopped.of(StoreEpoch) and stopped.of(TellOthers)
    assert two.hears(5.1, stopped.messages("end")).asks()


def test_rule_2_a_change_under_way_is_ended_by_the_machine_that_replaces_its_own() -> None:
    replaced, two = two_tabs()
    two.hears(5, replaced.at(5, ChangeStarted(1)).messages("start"))
    tab = Tab("c")
    tab.machine.take_over(replaced.machine)
    assert replaced.at(5.1, Stop()).of(Publish) == []
    assert not tab.at(5.1, Start(UNSET, T0 + 5.1, None, False)).asks()
    ended = tab.at(5.5, ChangeEnded(1, CHANGED, None, None))
    assert ended.asks()
    two.hears(5.5, ended.messages("end"))
    two.hears(5.6, tab.answers(5.6, BOB).messages("answer"))
    assert (tab.name, two.name) == ("Bob", "Bob")


def test_rule_10_a_replaced_provider_hands_over_the_question_that_it_had_in_the_air() -> None:
    replaced = open_tab()
    assert replaced.at(5, ForeignChange()).asks()
    tab = Tab("c")
    tab.machine.take_over(replaced.machine)
    assert tab.at(5.1, Start(UNSET, 0, None, False)).asks()


def test_rule_10_a_session_in_the_page_answers_the_first_question_of_a_replaced_provider() -> None:
    replaced = Tab()
    assert replaced.opens().asks()
    tab = Tab("c")
    tab.machine.take_over(replaced.machine)
    assert not tab.at(0.1, Start(ADA, T0, None, False)).asks()
    assert tab.name == "Ada"


def test_rule_10_but_not_what_a_replaced_provider_was_told_while_it_asked() -> None:
    replaced = Tab()
    replaced.opens()
    replaced.at(0.05, ForeignChange())
    tab = Tab("c")
    tab.machine.take_over(replaced.machine)
    assert tab.at(0.1, Start(ADA, T0, None, False)).asks()


def test_rule_10_a_replaced_provider_hands_over_the_change_that_another_tab_has_begun() -> None:
    replaced, two = two_tabs()
    replaced.hears(5, two.at(5, ChangeStarted(1)).messages("start"))
    tab = Tab("c")
    tab.machine.take_over(replaced.machine)
    tab.at(5.1, Start(UNSET, 0, None, False))
    assert not tab.at(5.2, Refresh(1)).asks()
    assert tab.hears(5.5, two.at(5.5, ChangeEnded(1, NOTHING, None, None)).messages("end")).asks()


def test_rule_10_a_replaced_provider_hands_over_what_it_shows_and_when_that_ends() -> None:
    replaced = Tab()
    replaced.opens()
    replaced.answers(0.1, session("Ada", T0 - 7180), date=T0 - 7199.9)  # the backend's clock is two hours behind
    tab = Tab("c")
    tab.machine.take_over(replaced.machine)
    assert not tab.at(5, Start(UNSET, 0, None, False)).asks()
    assert tab.name == "Ada"
    assert tab.at(20, Tick()).asks()


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
def test_rule_10_a_machine_goes_on_as_the_one_that_it_replaces_would(
    before: list[tuple[float, Any]], after: list[tuple[float, Any]]
) -> None:
    alone, replaced, successor = (Tab(client_max_age=10, refetch_on_focus=True) for _ in range(3))
    for tab in (alone, replaced):
        tab.opens()
        tab.answers(0.1, ADA)
        for seconds, event in before:
            tab.at(seconds, event)
    successor.machine.take_over(replaced.machine)
    successor.at(replaced.now, Start(UNSET, 0, None, False))
    assert successor.state == alone.state
    for seconds, event in after:
        if isinstance(event, Exception):
            alone.answers(seconds, event)
            successor.answers(seconds, event)
        else:
            assert successor.at(seconds, event).asks() == alone.at(seconds, event).asks()
        assert successor.state == alone.state


def test_rule_10_an_answer_asked_before_the_end_that_a_replaced_provider_knew_is_not_shown() -> None:
    replaced, tab = open_tab(), Tab("c")
    replaced.at(5, ChangeStarted(1))
    replaced.at(5.1, ChangeEnded(1, CHANGED, None, None))
    tab.machine.take_over(replaced.machine)
    assert tab.at(5.2, Start(UNSET, 0, None, False)).asks()
    tab.at(5.3, OLD_ANSWER)
    assert tab.state == (None, True, None)


def test_rule_10_a_replaced_provider_hands_over_that_a_sign_in_has_landed() -> None:
    replaced, tab = Tab(), Tab("c")
    replaced.opens(landed=True)
    tab.machine.take_over(replaced.machine)
    tab.at(0.1, Start(UNSET, 0, None, False))
    assert tab.answers(0.2, ADA).of(TellOthers)


def test_rule_10_a_failure_that_is_handed_over_outlives_an_answer_asked_before_it() -> None:
    replaced, tab = open_tab(), Tab("c")
    replaced.at(5, Refresh(1))
    replaced.answers(5.1, DOWN)
    tab.machine.take_over(replaced.machine)
    tab.at(5.2, Start(UNSET, 0, None, False))
    tab.at(5.3, OLD_ANSWER)
    assert tab.state == ("Bob", False, "ClientFetchError")


def test_rule_10_a_session_in_the_page_does_not_undo_what_a_replaced_provider_was_answered() -> None:
    replaced = open_tab(BOB)
    tab = Tab("c")
    tab.machine.take_over(replaced.machine)
    tab.at(5, Start(ADA, T0 - 1, None, False))
    assert tab.name == "Bob"


def test_rule_10_a_redirect_that_does_not_leave_the_page_ends_after_the_timeout() -> None:
    tab = open_tab(None, timeout=10)
    tab.at(5, ChangeStarted(1))
    assert not tab.at(6, ChangeEnded(1, LEAVING, None, None)).asks()
    assert tab.at(16, Tick()).asks()


def test_rule_10_another_tab_asks_when_a_sign_in_leaves_its_page() -> None:
    one, two = two_tabs(None)
    two.hears(5, one.at(5, ChangeStarted(1)).messages("start"))
    assert two.hears(6, one.at(6, ChangeEnded(1, LEAVING, None, None)).messages("end")).asks()


def test_rule_10_stopping_aborts_releases_and_answers_every_call() -> None:
    tab = LockedTab()
    tab.opens()
    tab.answers(0.1, ADA)
    tab.at(5, ForeignChange())
    tab.at(5, LockGranted())
    tab.at(5.1, Refresh(1))
    tab.at(5.2, Refresh(2))
    stopped = tab.at(5.3, Stop())
    assert len(stopped.of(Abort)) == 2
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
    new.at(-3600, Start(ADA, T0 - 3600, None, False))
    started, ended = signs_out(new, -3599)
    old.hears(-3599, started.messages("start"))
    old.hears(-3598, ended.messages("end"))
    old.answers(-3597, None)
    assert old.name is None


def test_such_a_page_is_told_and_asks_again_with_a_stamp_that_the_others_take() -> None:
    old, new = open_tab(), Tab("b")
    new.at(-3600, Start(UNSET, 0, None, False))
    told = old.hears(-3599, new.answers(-3599, BOB).messages("answer")).messages("changed")
    assert len(told) == 1
    assert new.hears(-3598, told).asks()
    answer = new.answers(-3597, BOB).messages("answer")
    assert not old.hears(-3597, answer).messages("changed")
    assert old.name == "Bob"


def test_it_is_told_once_whatever_answers_of_it_were_on_their_way() -> None:
    old, new = open_tab(), Tab("b")
    new.at(-3600, Start(UNSET, 0, None, False))
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
    new.at(-3600, Start(UNSET, 0, None, False))
    old.at(-3600, ForeignChange())
    old.hears(-3599, new.answers(-3599, BOB).messages("answer"))
    assert old.at(-3598, LockGranted()).asks()
    old.answers(-3597, BOB)
    assert old.name == "Bob"


def test_a_question_after_a_sign_in_is_not_lost_to_an_older_answer_whose_stamp_is_ahead() -> None:
    one, two = two_tabs()
    one.at(1, ChangeStarted(1))
    two.at(15, Refresh(1))  # it has not heard
    older = two.answers(15.1, ADA).messages("answer")
    assert one.at(-45, ChangeEnded(1, CHANGED, None, None)).asks()  # all that it knows is that the clock was set back
    assert one.hears(-44.9, [{**older[0], "asked": T0 - 46}]).asks()
    one.answers(-44.8, BOB)
    assert one.name == "Bob"


def test_when_the_clock_is_set_back_by_days_every_tab_asks_and_the_order_begins_anew() -> None:
    old = open_tab()
    assert old.at(-3 * DAY, Tick()).asks()
    old.answers(-3 * DAY + 1, BOB)
    new = Tab("b")
    new.at(-3 * DAY + 5, Start(UNSET, 0, int(T0 * 1000), False))
    old.hears(-3 * DAY + 6, new.answers(-3 * DAY + 6, None).messages("answer"))
    assert old.name is None


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
                for question in tab.at(now, Tick()).of(Ask):
                    tab.answers(now, None, question.question)
            assert not tab.machine.loading
            tab.at(40, Refresh(1))
            assert tab.answers(40.1, ADA).of(Settle) == [Settle([1], None)]
            assert tab.name == "Ada"


def test_another_tab_cannot_end_a_change_of_ours() -> None:
    tab = open_tab()
    [start] = tab.at(1, ChangeStarted(1)).messages("start")
    forged = {"type": "end", "stamp": [NOW + 5000, "x"], "start": start["stamp"], "outcome": "nothing"}
    tab.at(2, Heard(forged))
    assert not tab.at(3, Refresh(1)).asks()
    assert tab.at(4, ChangeEnded(1, NOTHING, None, None)).asks()


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
    assert tab.answers(5, BOB, question=99) == []
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
    assert len(asked.of(Ask)) == 1


def test_s25_a_session_that_is_given_saves_the_first_request() -> None:
    tab = Tab()
    assert not tab.opens(ADA).asks()
    assert not any(tab.at(now, Tick()).asks() for now in range(1, 600))


@pytest.mark.parametrize("session_after", [BOB, None])
def test_s26_signing_in_or_out_in_one_tab_changes_every_other(session_after: Any) -> None:
    tabs = [open_tab(ADA, name) for name in "abcd"]
    effects = tabs[0].at(5, ChangeStarted(1))
    effects += tabs[0].at(6, ChangeEnded(1, CHANGED, None, None))
    effects += tabs[0].answers(6.1, session_after)
    messages = [json.loads(json.dumps(effect.message)) for effect in effects.of(Publish)]
    for tab in tabs[1:]:
        assert not tab.hears(6.2, messages).asks()
        assert tab.machine.session == session_after


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


def test_every_event_of_the_module_is_understood() -> None:
    import nextauth_client.sync as sync

    events: list[Callable[..., Any]] = [
        value for name, value in vars(sync).items() if hasattr(Machine, "_on_" + name) and isinstance(value, type)
    ]
    assert len(events) == 20
