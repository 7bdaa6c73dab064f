"""The values that a page reads."""

from __future__ import annotations

import copy
import json
import pickle
from collections.abc import Callable
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from nextauth_client import Session

from tests.unit.both import in_both_interpreters

test_behaviour = in_both_interpreters("session")

keys = st.text(max_size=5)
values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(keys, inner, max_size=3),
    max_leaves=10,
)


class MySession(Session):
    role: str


def tracked_session() -> Session:
    """A session that an effect reads: what follows its reads can be neither pickled nor copied."""
    return MySession({"user": {"name": "Ada"}, "role": "admin"}, ("session",), lambda read: None)


@pytest.mark.parametrize(
    "copied",
    [copy.copy, copy.deepcopy, lambda session: pickle.loads(pickle.dumps(session))],
    ids=["copy", "deepcopy", "pickle"],
)
def test_a_copy_is_an_equal_session_that_follows_nothing(copied: Callable[[Session], Session]) -> None:
    session = tracked_session()
    other = copied(session)
    assert type(other) is MySession
    assert other == session
    assert other.user.name == "Ada"
    assert other._self[2] is None


def test_a_session_that_is_not_made_yet_has_no_attributes() -> None:
    half_made = Session.__new__(Session)
    assert not hasattr(half_made, "user")
    assert not hasattr(half_made, "__deepcopy__")


@settings(deadline=None, database=None)
@given(st.dictionaries(keys, values, max_size=4))
def test_whatever_the_backend_says_comes_out_again(data: dict[str, Any]) -> None:
    session = Session(data)
    assert session.to_dict() == data
    assert session == data
    assert json.loads(json.dumps(session.to_dict())) == data
    assert dict(session) == data
    assert {**session} == data
    repr(session)
