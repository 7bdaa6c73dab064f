"""A failed assertion in the portable checks shows its values, as in a test module."""

import pytest

pytest.register_assert_rewrite("tests.unit.portable")
