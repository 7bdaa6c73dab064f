"""The portable checks run by themselves too: `pytest tests/unit/portable/tasks.py`, in CPython alone.

A failed assertion in them shows its values, as in a test module.
"""

from __future__ import annotations

import inspect

import pytest

pytest.register_assert_rewrite("tests.unit.portable")

from tests.unit.both import run  # noqa: E402 - it must come after the line above


@pytest.hookimpl(tryfirst=True)
def pytest_pyfunc_call(pyfuncitem: pytest.Function) -> bool | None:
    """Run a check that is a coroutine: pytest itself cannot, and they know nothing of pytest."""
    if not inspect.iscoroutinefunction(pyfuncitem.obj):
        return None
    run(pyfuncitem.obj())
    return True
