"""Thousands of schedules, the same ones each time. `python -m tests.simulation.soak` plays others."""

from __future__ import annotations

import pytest
from hypothesis import HealthCheck, given, settings

from .schedules import play, schedules

SAME_EACH_TIME = settings(
    derandomize=True,
    database=None,
    deadline=None,
    print_blob=False,
    suppress_health_check=list(HealthCheck),
)


@settings(SAME_EACH_TIME, max_examples=300)
@given(schedules())
def test_every_invariant_holds_in_300_schedules(schedule: tuple[tuple[int, ...], list[int]]) -> None:
    play(*schedule)


@pytest.mark.heavy("takes half a minute")
@settings(SAME_EACH_TIME, max_examples=2000)
@given(schedules())
def test_every_invariant_holds_in_2000_schedules(schedule: tuple[tuple[int, ...], list[int]]) -> None:
    play(*schedule)
