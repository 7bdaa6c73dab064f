"""What holds for every test: a busy machine makes none fail, and what failed is written down."""

from __future__ import annotations

import pytest
from hypothesis import HealthCheck, settings

from tests.support.failures import FailureList

# Hypothesis times each example and the making of examples, and on a busy machine either may take any time.
settings.register_profile("any machine", deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.load_profile("any machine")


def pytest_configure(config: pytest.Config) -> None:
    if not hasattr(config, "workerinput"):  # all that the processes report comes together in the first
        config.pluginmanager.register(FailureList(), "failure-list")
