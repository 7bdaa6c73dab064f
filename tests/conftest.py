"""What holds for every test: a busy machine makes none fail."""

from __future__ import annotations

from hypothesis import HealthCheck, settings

# Hypothesis times each example and the making of examples, and on a busy machine either may take any time.
settings.register_profile("any machine", deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.load_profile("any machine")
