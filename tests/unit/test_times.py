"""Moments on the wire, against `datetime`."""

from __future__ import annotations

from datetime import datetime, timedelta, timezone
from email.utils import format_datetime
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st
from nextauth_client.times import parse_http_date, parse_iso

from tests.unit.both import in_both_interpreters

test_behaviour = in_both_interpreters("times")

quick = settings(deadline=None, database=None, max_examples=200)
offsets = st.integers(-14 * 60, 14 * 60).map(lambda minutes: timezone(timedelta(minutes=minutes)))
moments = st.datetimes(datetime(1971, 1, 1), datetime(9999, 12, 30), timezones=st.just(timezone.utc) | offsets)


@quick
@given(moments)
def test_every_moment_that_python_writes_is_understood(moment: datetime) -> None:
    seconds = parse_iso(moment.isoformat())
    assert seconds is not None
    assert abs(seconds - moment.timestamp()) < 1e-4


@quick
@given(moments)
def test_every_moment_that_javascript_writes_is_understood(moment: datetime) -> None:
    moment = moment.astimezone(timezone.utc)
    written = moment.isoformat(timespec="milliseconds").replace("+00:00", "Z")
    seconds = parse_iso(written)
    assert seconds is not None
    assert abs(seconds - moment.timestamp()) <= 1.01e-3


@quick
@given(moments)
def test_every_date_header_is_understood(moment: datetime) -> None:
    moment = moment.astimezone(timezone.utc).replace(microsecond=0)
    assert parse_http_date(format_datetime(moment, usegmt=True)) == moment.timestamp()


@quick
@given(st.text() | st.from_regex(r"\A[0-9+-]*T[0-9:.Z+-]*\Z") | st.lists(st.text()) | st.binary() | st.floats())
def test_nothing_that_a_backend_sends_raises(value: Any) -> None:
    for parse in (parse_iso, parse_http_date):
        assert isinstance(parse(value), float | None)
