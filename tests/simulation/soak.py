"""Play new schedules for as long as one likes: `python -m tests.simulation.soak --minutes 10`.

Stops at the first that breaks an invariant, and prints it as a script that can be pasted into test_regressions.py.
"""

from __future__ import annotations

import argparse
import random
import sys
import time

from hypothesis import HealthCheck, given, seed, settings

from .invariants import Broken
from .schedules import play, schedules

AT_ONCE = 500


def soak(minutes: float) -> int:
    """Returns how many schedules were played. Raises `Broken`."""
    end = time.monotonic() + 60 * minutes
    played = 0
    while time.monotonic() < end:
        number = random.randrange(2**32)

        @seed(number)
        @settings(
            max_examples=AT_ONCE,
            database=None,
            deadline=None,
            print_blob=False,
            suppress_health_check=list(HealthCheck),
        )
        @given(schedules(longest=100))
        def some(schedule: tuple[tuple[int, ...], list[int]]) -> None:
            play(*schedule)

        some()
        played += AT_ONCE
        print(f"{played} schedules", flush=True)
    return played


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--minutes", type=float, default=10)
    try:
        soak(parser.parse_args().minutes)
    except Broken as broken:
        print(broken, file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
