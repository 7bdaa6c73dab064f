"""Thousands of schedules, the same ones each time. `python -m tests.simulation.soak` plays others."""

from __future__ import annotations

from hypothesis import HealthCheck, given, settings

from .schedules import play, schedules


@settings(
    max_examples=2000,
    derandomize=True,
    database=None,
    deadline=None,
    print_blob=False,
    suppress_health_check=list(HealthCheck),
)
@given(schedules())
def test_every_invariant_holds_in_2000_schedules(schedule: tuple[tuple[int, ...], list[int]]) -> None:
    play(*schedule)
