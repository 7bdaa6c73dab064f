"""The sequences of requests behind an action."""

from __future__ import annotations

from tests.unit.both import in_both_interpreters

test_behaviour = in_both_interpreters("flows")
