"""Each invariant can fail: a machine that is broken on purpose, and the script that shows it."""

from __future__ import annotations

import re
import textwrap
from collections.abc import Callable
from typing import Any

import pytest
from nextauth_client import sync
from nextauth_client.store import Store
from nextauth_client.sync import Machine, Settle

from scripts.steps import ROOT

from . import invariants
from .invariants import Broken
from .world import World

Patch = Callable[[pytest.MonkeyPatch], None]


def replaces(name: str, make: Callable[[Any], Any]) -> Patch:
    """Replaces a method of the machine by what `make` makes of it."""

    def patch(monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(Machine, name, make(getattr(Machine, name)))

    return patch


def does_nothing(original: Any) -> Any:
    return lambda *args: None


def shows_whatever_comes(original: Any) -> Any:
    def show(self: Machine, stamp: Any, *args: Any) -> Any:
        self._shown = self._epoch = sync.NEVER
        in_air, self._in_air = self._in_air, []
        taken = original(self, stamp, *args)
        self._in_air = in_air
        return taken

    return show


def is_signed_out_by_a_failure(original: Any) -> Any:
    def fail(self: Machine, *args: Any) -> Any:
        self.session = None
        return original(self, *args)

    return fail


def loses_the_retry(original: Any) -> Any:
    def fail(self: Machine, *args: Any) -> Any:
        taken = original(self, *args)
        self._retry_at = None
        return taken

    return fail


def asks_three_times(original: Any) -> Any:
    def ask(self: Machine, now: float) -> None:
        original(self, now)
        original(self, now)
        original(self, now)

    return ask


def keeps_the_lock(original: Any) -> Any:
    def release(self: Machine) -> None:
        self._lock = "free"

    return release


def settles_twice(original: Any) -> Any:
    def answered(self: Machine, event: Any, now: float) -> None:
        original(self, event, now)
        self._effects += [effect for effect in self._effects if isinstance(effect, Settle)]

    return answered


def joins_an_older_question(original: Any) -> Any:
    def refresh(self: Machine, event: Any, now: float) -> None:
        original(self, event, now)
        if self._in_air:
            self._in_air[0].tickets += self._tickets
            self._tickets = []

    return refresh


def wakes_at_once(original: Any) -> Any:
    def alarm(self: Machine, now: float) -> None:
        self._effects.append(sync.Wake(0.0))

    return alarm


def gives_an_hour_more(original: Any) -> Any:
    return lambda *args: original(*args) + 3600


def aborts_nothing(original: Any) -> Any:
    def receive(self: Machine, event: Any, now: float) -> list[Any]:
        return [effect for effect in original(self, event, now) if not isinstance(effect, sync.Abort)]

    return receive


def tells_listeners_everything(monkeypatch: pytest.MonkeyPatch) -> None:
    def replace(self: Store, value: Any) -> None:
        previous, self.value = self.value, value
        for subscription in self._subscriptions:
            subscription.listener(value, previous)

    monkeypatch.setattr(Store, "replace", replace)


SABOTAGE: list[tuple[str, Patch, str]] = [
    (
        invariants.SIGN_OUT_IS_FINAL,
        replaces("_hear_end", does_nothing),
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
        invariants.FOLLOWS,
        replaces("_ask_for_all", does_nothing),
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
        replaces("_satisfy", does_nothing),
        """
        world = World(tabs=6)
        world.advance(5.0)
        world.js_get_session()
        world.advance(5.0)
        """,
    ),
    (
        invariants.EXPIRES,
        replaces("_end_of", gives_an_hour_more),
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
        replaces("_release_lock", keeps_the_lock),
        """
        world = World()
        world.js_get_session()
        world.advance(5.0)
        """,
    ),
    (
        invariants.TWO_QUESTIONS,
        replaces("_ask", asks_three_times),
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
        replaces("_on_Refresh", joins_an_older_question),
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
]


def play(script: str) -> None:
    exec(textwrap.dedent(script), {"World": World})


@pytest.mark.parametrize(("invariant", "sabotage", "script"), SABOTAGE, ids=[name for name, _, _ in SABOTAGE])
def test_an_invariant_fails_when_the_machine_is_broken(
    invariant: str, sabotage: Patch, script: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    play(script)
    sabotage(monkeypatch)
    with pytest.raises(Broken, match=re.escape(invariant)) as caught:
        play(script)
    # What it prints is a script that fails the same way.
    printed = str(caught.value).partition("\n\n")[2]
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
