"""Each invariant can fail: a machine or a driver that is broken on purpose, and the script that shows it."""

from __future__ import annotations

import re
import textwrap
from collections.abc import Callable
from typing import Any

import pytest
from nextauth_client import calls, events, messages, sync
from nextauth_client.driver import Driver
from nextauth_client.events import Settle
from nextauth_client.idle import Idle
from nextauth_client.queries import Queries
from nextauth_client.stamps import NEVER
from nextauth_client.store import Store
from nextauth_client.sync import Machine
from nextauth_client.view import View

from scripts.steps import ROOT

from . import invariants
from .invariants import Broken
from .world import World

Patch = Callable[[pytest.MonkeyPatch], None]


def replaces(name: str, make: Callable[[Any], Any], kind: Any = Machine) -> Patch:
    """Replaces a method of the machine, or of another class or module, by what `make` makes of it."""

    def patch(monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(kind, name, make(getattr(kind, name)))

    return patch


def takes_all_for_the_own_origin(original: Any) -> Any:
    return lambda address: ("https://example.org", *original(address)[1:])


def does_nothing(original: Any) -> Any:
    return lambda *args: None


def shows_whatever_comes(original: Any) -> Any:
    def show(self: Machine, stamp: Any, *args: Any) -> Any:
        self.view.shown = self.view.epoch = NEVER
        in_flight, self._queries.in_flight = self._queries.in_flight, []
        taken = original(self, stamp, *args)
        self._queries.in_flight = in_flight
        return taken

    return show


def is_signed_out_by_a_failure(original: Any) -> Any:
    def fail(self: Machine, *args: Any) -> Any:
        self.view.session = None
        return original(self, *args)

    return fail


def loses_the_retry(original: Any) -> Any:
    def fail(self: Machine, *args: Any) -> Any:
        taken = original(self, *args)
        self._queries.retry_at = None
        return taken

    return fail


def asks_three_times(original: Any) -> Any:
    def send(self: Queries, now: float) -> None:
        original(self, now)
        original(self, now)
        original(self, now)

    return send


def keeps_the_lock(original: Any) -> Any:
    def release(self: Queries) -> None:
        self._lock = "free"

    return release


def settles_twice(original: Any) -> Any:
    def answered(self: Machine, event: Any, now: float) -> None:
        original(self, event, now)
        self._effects += [effect for effect in self._effects if isinstance(effect, Settle)]

    return answered


def joins_an_older_query(original: Any) -> Any:
    def refresh(self: Machine, event: Any, now: float) -> None:
        original(self, event, now)
        queries = self._queries
        if queries.in_flight:
            queries.in_flight[0].tickets += queries.tickets
            queries.tickets = []

    return refresh


def asks_for_each_call(original: Any) -> Any:
    def refused(self: Machine, event: Any, now: float) -> None:
        self._queries.wanted = True

    return refused


def wakes_at_once(original: Any) -> Any:
    def alarm(self: Machine, now: float) -> None:
        self._effects.append(events.Wake(0.0))

    return alarm


def gives_an_hour_more(original: Any) -> Any:
    return lambda *args: original(*args) + 3600


def aborts_nothing(original: Any) -> Any:
    def receive(self: Machine, event: Any, now: float) -> list[Any]:
        return [effect for effect in original(self, event, now) if not isinstance(effect, events.AbortQuery)]

    return receive


def tells_listeners_everything(monkeypatch: pytest.MonkeyPatch) -> None:
    def replace(self: Store, value: Any) -> None:
        previous, self.value = self.value, value
        for subscriber in self.subscribers:
            subscriber.listener(value, previous)

    monkeypatch.setattr(Store, "replace", replace)


def hears_of_ends_and_stores_none(monkeypatch: pytest.MonkeyPatch) -> None:
    hear = Machine._hear_End

    def _hear_End(self: Machine, message: Any, now: float) -> None:
        hear(self, message, now)
        self._effects[:] = [effect for effect in self._effects if type(effect) is not events.StoreEpoch]

    monkeypatch.setattr(Machine, "_hear_End", _hear_End)


def keeps_the_reason(original: Any) -> Any:
    def become(self: View, session: Any, why: Any) -> None:
        reason = self.reason
        original(self, session, why)
        self.reason = self.reason or reason

    return become


def counts_for_nobody(original: Any) -> Any:
    def pass_time(self: Machine, now: float) -> None:
        original(self, now)
        if not self.view.is_counting:
            self.view.count(now)

    return pass_time


def counts_idling_for_nobody(original: Any) -> Any:
    def told(self: Idle, now: float, visible: bool) -> Any:
        left = original(self, now, visible)
        self.follow(now)
        return left

    return told


def begins_an_hour_later(original: Any) -> Any:
    return lambda self, at, *args: original(self, at + 3600, *args)


def takes_it_for_signed_out(monkeypatch: pytest.MonkeyPatch) -> None:
    learn = Idle.learn
    monkeypatch.setattr(Idle, "learn", lambda self, *args: self.over_at is not None or learn(self, *args))
    monkeypatch.setattr(Driver, "_do_StoreUse", lambda *args: None)


def takes_anothers_sign_out_for_its_own(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(messages.ELSEWHERE, "signed_out", "signed_out")


SABOTAGE: list[tuple[str, Patch, str]] = [
    (
        invariants.SIGN_OUT_IS_FINAL,
        replaces("_hear_End", does_nothing),
        """
        world = World()
        world.advance(5.0)
        world.sign_out(0)
        world.advance(5.0)
        """,
    ),
    (
        invariants.CHANGE_IS_FINAL,
        replaces("_show", shows_whatever_comes),
        """
        world = World(seed=2, tabs=6, timeout=3, client_max_age=1, hostile=True)
        world.sign_in(1)
        world.advance(31.0)
        """,
    ),
    (
        invariants.UNKNOWN_CHANGES_NOBODY,
        replaces("_fail", is_signed_out_by_a_failure),
        """
        world = World()
        world.advance(5.0)
        world.fault("bad")
        world.focus(0)
        world.advance(5.0)
        """,
    ),
    (
        invariants.KEPT_IS_FRESH,
        replaces("_learn_epoch", does_nothing),
        """
        world = World()
        world.advance(5.0)
        world.leave(0)
        world.sign_out(0)
        world.advance(5.0)
        world.come_back(0)
        """,
    ),
    (
        invariants.KEPT_IS_FRESH,
        hears_of_ends_and_stores_none,
        """
        world = World()
        world.advance(5.0)
        world.leave(0)
        world.sign_out_in_a_worker()
        world.advance(5.0)
        world.come_back(0)
        """,
    ),
    (
        invariants.FOLLOWS,
        replaces("_ask_for_all", does_nothing, Queries),
        """
        world = World()
        world.advance(5.0)
        world.js_sign_out()
        world.finish()
        """,
    ),
    (
        invariants.RESTS_RIGHT,
        replaces("_on_ForeignChange", does_nothing),
        """
        world = World()
        world.advance(5.0)
        world.js_sign_in()
        world.advance(5.0)
        """,
    ),
    (
        invariants.FRUGAL,
        replaces("clear_invalidation", does_nothing, Queries),
        """
        world = World(tabs=6)
        world.advance(5.0)
        world.js_get_session()
        world.advance(5.0)
        world.js_get_session()
        world.advance(5.0)
        """,
    ),
    (
        invariants.ONE_QUESTION,
        replaces("_on_Refused", asks_for_each_call),
        """
        world = World(tabs=3)
        world.advance(5.0)
        world.revoke()
        world.call_everywhere()
        world.call(1)
        world.advance(5.0)
        """,
    ),
    (
        invariants.EXPIRES,
        replaces("end_of", gives_an_hour_more, sync),
        """
        world = World(session_length=30.0)
        world.advance(5.0)
        world.fault("hang")
        world.advance(90.0)
        """,
    ),
    (
        invariants.LOADING_ENDS,
        replaces("_fail", loses_the_retry),
        """
        world = World(tabs=0)
        world.fault("hang")
        world.open()
        world.advance(12.0)
        world.finish()
        """,
    ),
    (
        invariants.REAL_CHANGES,
        tells_listeners_everything,
        """
        world = World()
        world.advance(5.0)
        """,
    ),
    (
        invariants.NEVER_OLDER,
        replaces("_show", shows_whatever_comes),
        """
        world = World()
        world.advance(5.0)
        world.slow_answer(2.0)
        world.refresh(0)
        world.advance(0.1)
        world.refresh(0)
        world.advance(5.0)
        """,
    ),
    (
        invariants.LOCK_IS_RELEASED,
        replaces("release_lock", keeps_the_lock, Queries),
        """
        world = World()
        world.js_get_session()
        world.advance(5.0)
        """,
    ),
    (
        invariants.TWO_QUERIES,
        replaces("_send", asks_three_times, Queries),
        """
        world = World()
        world.advance(5.0)
        """,
    ),
    (
        invariants.COOKIE_STAYS_GONE,
        replaces("receive", aborts_nothing),
        """
        world = World()
        world.advance(5.0)
        world.slow_answer(2.0)
        world.refresh(0)
        world.sign_out(1)
        world.advance(5.0)
        """,
    ),
    (
        invariants.SETTLED_ONCE,
        replaces("_on_Answered", settles_twice),
        """
        world = World()
        world.refresh(1)
        world.advance(5.0)
        """,
    ),
    (
        invariants.SETTLED_FRESHLY,
        replaces("_on_Refresh", joins_an_older_query),
        """
        world = World()
        world.advance(5.0)
        world.slow_answer(2.0)
        world.refresh(0)
        world.advance(0.3)
        world.revoke()
        world.advance(0.1)
        world.refresh(0)
        world.advance(5.0)
        """,
    ),
    (
        invariants.NO_SPIN,
        replaces("_set_alarm", wakes_at_once),
        """
        world = World()
        world.advance(5.0)
        """,
    ),
    (
        invariants.REASON_OF_THE_LAST,
        replaces("become", keeps_the_reason, View),
        """
        world = World()
        world.advance(5.0)
        world.sign_out(0)
        world.advance(5.0)
        world.sign_in(1)
        world.advance(5.0)
        """,
    ),
    (
        invariants.ENDS_HAVE_REASONS,
        replaces("why_nobody", does_nothing, View),
        """
        world = World()
        world.advance(5.0)
        world.revoke()
        world.refresh(0)
        world.advance(5.0)
        """,
    ),
    (
        invariants.OWN_SIGN_OUT,
        takes_anothers_sign_out_for_its_own,
        """
        world = World()
        world.advance(5.0)
        world.sign_out(0)
        world.advance(5.0)
        """,
    ),
    (
        invariants.OWN_SIGN_OUT,
        replaces("_on_SignsOut", does_nothing),
        """
        world = World()
        world.advance(5.0)
        world.sign_out(0)
        world.advance(5.0)
        """,
    ),
    (
        invariants.NO_TIMER,
        replaces("_pass_time", counts_for_nobody),
        """
        world = World()
        world.advance(15.0)
        """,
    ),
    (
        invariants.COUNTS_RIGHT,
        replaces("_next_second", does_nothing, View),
        """
        world = World()
        world.advance(5.0)
        world.count(0)
        world.advance(5.0)
        """,
    ),
    (
        invariants.NO_TIMER,
        replaces("told", counts_idling_for_nobody, Idle),
        """
        world = World(idle_timeout=20)
        world.advance(19.0)
        """,
    ),
    (
        invariants.COUNTS_RIGHT,
        replaces("follow", does_nothing, Idle),
        """
        world = World(idle_timeout=20)
        world.advance(5.0)
        world.count(0)
        world.advance(14.0)
        """,
    ),
    (
        invariants.IDLE_ENDS,
        replaces("begin", begins_an_hour_later, Idle),
        """
        world = World(idle_timeout=20)
        world.advance(31.0)
        """,
    ),
    (
        invariants.IDLE_ENDS,
        replaces("set_back", does_nothing, Idle),
        """
        world = World(idle_timeout=20)
        world.advance(5.0)
        world.set_clock(-60.0)
        world.advance(31.0)
        """,
    ),
    (
        invariants.NAMED_ORIGINS,
        replaces("split", takes_all_for_the_own_origin, calls),
        """
        world = World()
        world.advance(5.0)
        world.call_anywhere(0, 3)
        world.advance(1.0)
        """,
    ),
    (
        invariants.USE_KEEPS,
        replaces("tell", does_nothing, Idle),
        """
        world = World(idle_timeout=20)
        world.advance(15.0)
        world.use(0)
        world.advance(12.0)
        """,
    ),
    (
        invariants.IDLE_STAYS_OUT,
        takes_it_for_signed_out,
        """
        world = World(idle_timeout=20)
        world.advance(12.0)
        world.advance(12.0)
        """,
    ),
    (
        invariants.GOES_ON_ELSEWHERE,
        replaces("_disconnect", does_nothing, Driver),
        """
        world = World()
        world.advance(5.0)
        world.reconnect(0)
        world.refresh(0)
        world.advance(5.0)
        """,
    ),
]

# The same of the loop that carries the machine's effects out.
DRIVER_SABOTAGE: list[tuple[str, Patch, str]] = [
    (
        invariants.SETTLED_ONCE,
        replaces("_do_Settle", does_nothing, Driver),
        """
        world = World()
        world.advance(5.0)
        world.refresh(0)
        world.finish()
        """,
    ),
    (
        invariants.COOKIE_STAYS_GONE,
        replaces("_do_AbortQuery", does_nothing, Driver),
        """
        world = World()
        world.advance(5.0)
        world.slow_answer(2.0)
        world.refresh(0)
        world.sign_out(1)
        world.advance(5.0)
        """,
    ),
    (
        invariants.LOCK_IS_RELEASED,
        replaces("_do_ReleaseLock", does_nothing, Driver),
        """
        world = World()
        world.advance(5.0)
        world.js_get_session()
        world.advance(5.0)
        """,
    ),
    (
        invariants.EXPIRES,
        replaces("_do_Wake", does_nothing, Driver),
        """
        world = World(session_length=30.0)
        world.advance(60.0)
        """,
    ),
]


def play(script: str) -> None:
    exec(textwrap.dedent(script), {"World": World})


@pytest.mark.parametrize(
    ("invariant", "sabotage", "script"),
    SABOTAGE + DRIVER_SABOTAGE,
    ids=[name for name, _, _ in SABOTAGE] + [f"{name}, by the driver" for name, _, _ in DRIVER_SABOTAGE],
)
def test_an_invariant_fails_when_the_machine_or_its_driver_is_broken(
    invariant: str, sabotage: Patch, script: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    play(script)
    sabotage(monkeypatch)
    with pytest.raises(Broken, match=re.escape(invariant)) as caught:
        play(script)
    # What it prints is a script that fails the same way, and says what happened when, where, and what came of it.
    printed = str(caught.value).partition("\n\n")[2]
    assert re.search(r"^#  +\d+\.\d{3} page \d: Start\(.*\) -> ", printed, re.MULTILINE)
    with pytest.raises(Broken, match=re.escape(invariant)):
        play(printed)


def test_every_invariant_is_shown_to_fail() -> None:
    named = {
        value for name, value in vars(invariants).items() if isinstance(value, str) and " " in value and name.isupper()
    }
    assert named == {name for name, _, _ in SABOTAGE}


def test_the_documentation_lists_every_invariant() -> None:
    text = " ".join((ROOT / "docs" / "synchroniser.md").read_text().split())
    assert [name for name, _, _ in SABOTAGE if name not in text] == []
