"""What the developer tools copy of a tab's timeline is played by the simulation: the tab sees the same."""

from __future__ import annotations

import re
from typing import Any

import pytest
from hypothesis import given, settings
from nextauth_client import events
from nextauth_client.schedule import schedule
from nextauth_client.testing import START
from nextauth_client.timeline import Timeline

from .copied import follow, play
from .schedules import STEPS, options_of, schedules, take
from .test_schedules import SAME_EACH_TIME
from .world import World, end_worlds


class Recorded:
    """A world whose first tab is followed from the time on when all pages have been answered."""

    def __init__(self, world: World) -> None:
        self.world = world
        self.seen = follow(world)
        with world.loop.running():
            world.advance(2.0)
        self.timeline = Timeline(world.pages[0].driver)
        self.seen[:-1] = []

    def copied(self) -> str:
        return schedule(self.timeline)[0]


STORIES: dict[str, list[tuple[Any, ...]]] = {
    "a sign-out here": [("sign_out", 0), ("advance", 3.0)],
    "a sign-out in another tab": [("sign_out", 1), ("advance", 3.0)],
    "a sign-out of a JavaScript client": [("js_sign_out",), ("advance", 3.0)],
    "a session that was revoked": [("revoke",), ("refresh", 0), ("advance", 3.0)],
    "one that was revoked, as another tab found": [("revoke",), ("refresh", 1), ("advance", 3.0)],
    "a sign-in after it": [("sign_out", 0), ("advance", 2.0), ("sign_in", 0), ("advance", 3.0)],
    "a sign-in in another tab": [("sign_out", 0), ("advance", 2.0), ("sign_in", 1), ("advance", 3.0)],
    "a slow answer": [("slow_answer", 4.0), ("refresh", 0), ("sign_out", 1), ("advance", 8.0)],
    "a network that is gone": [
        ("set_online", False),
        ("refresh", 0),
        ("advance", 4.0),
        ("set_online", True),
        ("advance", 4.0),
    ],
    "a backend that fails": [("fault", "bad"), ("refresh", 0), ("advance", 1.5), ("fault", None), ("advance", 9.0)],
    "an API that refuses": [("revoke",), ("call", 0), ("advance", 3.0)],
    "an update": [("update", 0, 3), ("advance", 3.0)],
    "a wrong password": [("sign_in_wrongly", 0), ("advance", 3.0)],
    "a worker that starts": [("open_beside", 0, True), ("advance", 3.0)],
    "a page in the cache": [("leave", 0), ("advance", 3.0), ("come_back", 0), ("advance", 3.0)],
}

# What the tab knows less of, or what else would have come to the same.
TOLD = {
    "a slow answer": ["refresh", "sign_out"],  # it was given up before it came
    "an API that refuses": ["revoke", "refuse_calls", "call"],
    "a backend that fails": ["fault", "refresh", "fault", "refresh"],  # another tab has tried again
    "a worker that starts": ["refresh", "open_beside"],  # which another tab told what that had asked itself
}


def steps_in(text: str) -> list[str]:
    return [name for name in re.findall(r"^    world\.(\w+)", text, re.MULTILINE) if name not in ("advance", "finish")]


@pytest.mark.parametrize("story", STORIES)
def test_a_copied_timeline_shows_the_same_once_more(story: str) -> None:
    recorded = Recorded(World(tabs=3))
    for name, *arguments in STORIES[story]:
        getattr(recorded.world, name)(*arguments)
    copied = recorded.copied()
    end_worlds()
    assert play(copied)[1] == recorded.seen, copied
    told = TOLD.get(story, [name for name, *_ in STORIES[story] if name != "advance"])
    assert steps_in(copied) == told, copied


def test_a_session_that_ends_is_copied_with_what_it_had_left() -> None:
    recorded = Recorded(World(tabs=2, session_length=20.0))
    recorded.world.advance(25.0)
    copied = recorded.copied()
    end_worlds()
    assert "session_length=20.0" in copied
    assert play(copied)[1] == recorded.seen == [("authenticated", None), ("unauthenticated", "expired")], copied


def test_use_of_the_page_and_the_end_for_want_of_it_are_copied() -> None:
    recorded = Recorded(World(tabs=1, idle_timeout=20))
    for seconds in (5.0, 30.0):
        recorded.world.use(0)
        recorded.world.advance(seconds)
    copied = recorded.copied()
    end_worlds()
    assert steps_in(copied) == ["use", "use"], "the sign-out follows by itself"
    assert play(copied)[1] == recorded.seen == [("authenticated", None), ("unauthenticated", "idle")], copied


def test_the_buttons_of_the_tools_are_copied_as_what_they_do() -> None:
    recorded = Recorded(World(tabs=2))
    for button, on in (("slow", True), ("slow", False), ("expire", True)):
        recorded.timeline.note(button, on)
    copied = recorded.copied()
    assert steps_in(copied) == ["latency", "latency", "session_length"]
    end_worlds()
    play(copied)


def test_what_is_copied_names_nobody_and_what_a_tab_says_stays_a_comment() -> None:
    recorded = Recorded(World(tabs=2))
    with recorded.world.loop.running():
        stamp = [START * 1000 + 5000, 'x"\n    raise SystemExit\n#']
        said = {"type": "answer", "stamp": stamp, "asked": START, "error": ["x\nraise SystemExit", "y"]}
        for message in (
            said,
            {**said, "type": "changed\nraise SystemExit"},
            {"type": "end", "stamp": stamp, "outcome": "\nx"},
        ):
            recorded.world.pages[0].driver.receive(events.Heard(message))
        recorded.world.pages[0].driver.receive(events.ForeignChange("\nraise SystemExit"))
        recorded.world.refresh(0)
        recorded.world.advance(1.0)
    copied = recorded.copied()
    assert "jsmith" not in copied
    assert all(line.strip()[:1] == "#" or "SystemExit" not in line for line in copied.splitlines()), copied
    end_worlds()
    play(copied)


@pytest.mark.heavy("plays many schedules twice")
@settings(SAME_EACH_TIME, max_examples=100)
@given(schedules())
def test_whatever_a_tab_has_seen_is_copied_as_a_schedule_that_plays(
    drawn: tuple[tuple[int, ...], list[int]],
) -> None:
    options, numbers = drawn
    recorded = Recorded(World(**options_of(options)))
    for number in numbers:
        if number % len(STEPS):
            take(recorded.world, number)
    copied = recorded.copied()
    end_worlds()
    play(copied)
