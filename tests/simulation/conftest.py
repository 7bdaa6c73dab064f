"""Each test's worlds end with it."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from .world import end_worlds


@pytest.fixture(autouse=True)
def worlds_end() -> Iterator[None]:
    yield
    end_worlds()
