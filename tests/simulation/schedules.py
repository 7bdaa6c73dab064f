"""Schedules out of numbers, so that hypothesis finds and shrinks them fast: each number is one step."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from hypothesis import strategies as st

from .world import World, end_worlds

WAITS = [0.01, 0.05, 0.1, 0.3, 1.0, 2.0, 5.0, 12.0, 31.0]
AGES = [0.0, 0.5, 5.0, 100.0]
BOOTS = [0.05, 0.4, 3.0, 0.15, 12.0]
JUMPS = [-3 * 86400.0, -10000.0, -60.0, -5.0, -1.0, 1.0, 60.0, 10000.0, 2 * 86400.0]
FAULTS = [None, "mixed", "slow", "hang", "torn", "bad", "unreachable"]

# Name, and what its arguments are drawn from: "tab", or a list of values. Those more often needed stand here twice.
STEPS: list[tuple[str, list[Any]]] = [
    ("advance", [WAITS]),
    ("advance", [WAITS]),
    ("advance", [WAITS]),
    ("advance", [WAITS]),
    ("focus", ["tab"]),
    ("focus", ["tab"]),
    ("refresh", ["tab"]),
    ("call_anywhere", ["tab", range(13)]),
    ("refresh", ["tab"]),
    ("sign_out", ["tab"]),
    ("sign_out", ["tab"]),
    ("sign_in", ["tab"]),
    ("sign_in", ["tab"]),
    ("update", ["tab", [1, 2, 3]]),
    ("sign_in_wrongly", ["tab"]),
    ("sign_in_leaving", ["tab", [False, True]]),
    ("sign_in_elsewhere", ["tab", [False, True]]),
    ("sign_in_passing", []),
    ("sign_out_passing", []),
    ("sign_out_in_a_worker", []),
    ("change_csrf", []),
    ("js_sign_out", []),
    ("js_sign_in", []),
    ("js_get_session", []),
    ("js_get_session", []),
    ("fault", [FAULTS]),
    ("fault", [FAULTS]),
    ("slow_answer", [[0.5, 2.0, 8.0]]),
    ("slow_answer", [[0.5, 2.0, 8.0]]),
    ("latency", [[0.1, 0.01, 0.5, 3.0]]),
    ("set_online", [[True, False]]),
    ("hide", ["tab"]),
    ("show", ["tab"]),
    ("read", ["tab"]),
    ("use", ["tab"]),
    ("use", ["tab"]),
    ("use", ["tab"]),
    ("count", ["tab"]),
    ("count", ["tab"]),
    ("count_no_more", ["tab"]),
    ("open", []),
    ("open_beside", ["tab", [False, True]]),
    ("open_given", [AGES]),
    ("open_early", [BOOTS]),
    ("open_early", [BOOTS]),
    ("replace", ["tab"]),
    ("replace_given", ["tab"]),
    ("reconnect", ["tab"]),
    ("close", ["tab"]),
    ("crash", ["tab"]),
    ("stop", ["tab"]),
    ("leave", ["tab"]),
    ("come_back", ["tab"]),
    ("revoke", []),
    ("rename", []),
    ("session_length", [[2592000.0, 4.0, 20.0, 60.0]]),
    ("odd_expires", [list(range(8))]),
    ("set_clock", [JUMPS]),
    ("sleep", [[1.0, 15.0, 100.0, 4000.0]]),
    ("call", ["tab"]),
    ("call_everywhere", []),
    ("refuse_calls", [[True, False]]),
    ("nonsense", ["tab", list(range(28))]),
]

# How worlds differ, most alike first.
OPTIONS: list[tuple[str, list[Any]]] = [
    ("seed", list(range(7))),
    ("tabs", [2, 1, 3, 4, 6]),
    ("locks", [True, True, False]),
    ("channels", [True, True, True, False]),
    ("hostile", [False, False, True]),
    ("stuck_lock", [False, False, False, False, False, True]),
    ("timeout", [10, 3]),
    ("keep_alive", [0, 0, 2, 15]),
    ("idle_timeout", [0, 20, 0, 40]),
    ("client_max_age", [0, 1, 30]),
    ("refetch_on_focus", [True, True, True, False]),
    ("session_length", [2592000.0, 2592000.0, 30.0]),
    ("skew", [0.0, 0.0, 0.0, 7200.0, -7200.0]),
    ("signed_in", [True, True, False]),
    ("sends_date", [True, True, True, False]),
]


def options_of(indexes: Sequence[int]) -> dict[str, Any]:
    options = {name: values[index] for (name, values), index in zip(OPTIONS, indexes, strict=True)}
    if not options["sends_date"]:
        options["skew"] = 0.0  # nobody can know of it
    return options


def take(world: World, number: int) -> None:
    """Do the step that a number stands for."""
    number, index = divmod(number, len(STEPS))
    name, kinds = STEPS[index]
    arguments = []
    for kind in kinds:
        values = range(6) if kind == "tab" else kind
        number, index = divmod(number, len(values))
        arguments.append(values[index])
    getattr(world, name)(*arguments)


def play(options: Sequence[int], numbers: list[int]) -> World:
    world = World(**options_of(options))
    try:
        for number in numbers:
            if number:  # 0, to which hypothesis shrinks what is not needed, is no step
                take(world, number)
        world.finish()
    finally:
        end_worlds()
    return world


def schedules(longest: int = 40) -> st.SearchStrategy[tuple[tuple[int, ...], list[int]]]:
    # Each index by itself, and the length first: a big number, and a list's end, are drawn small far too often.
    options = st.tuples(*(st.integers(0, len(values) - 1) for _, values in OPTIONS))
    numbers = st.integers(0, len(STEPS) * 60 - 1)
    steps = st.integers(8, longest).flatmap(lambda length: st.lists(numbers, min_size=length, max_size=length))
    return st.tuples(options, steps)
