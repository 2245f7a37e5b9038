"""Lengths of time as people write them, and slots."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from assay.domain.duration import parse_duration, slot_of
from assay.domain.errors import BadInputError

MOMENTS = st.datetimes(datetime(1971, 1, 1), datetime(2100, 1, 1), timezones=st.just(UTC))
LENGTHS = st.integers(1, 10**6).map(lambda seconds: timedelta(seconds=seconds))


@pytest.mark.parametrize(
    ("text", "length"),
    [
        ("30s", timedelta(seconds=30)),
        ("15m", timedelta(minutes=15)),
        (" 2h ", timedelta(hours=2)),
        ("90d", timedelta(days=90)),
        ("1w", timedelta(days=7)),
    ],
)
def test_length_is_read(text: str, length: timedelta) -> None:
    assert parse_duration(text) == length


@pytest.mark.parametrize("text", ["", "15", "m", "0m", "-1h", "1.5h", "1M", "1y", "15 m", "9999999d", "٣d"])
def test_anything_else_is_refused(text: str) -> None:
    with pytest.raises(BadInputError, match="not a length of time"):
        parse_duration(text)


@given(moment=MOMENTS, every=LENGTHS)
def test_slot_holds_its_moment_and_slots_follow_each_other(moment: datetime, every: timedelta) -> None:
    slot = slot_of(moment, every)
    assert slot <= moment < slot + every
    assert slot_of(slot, every) == slot
    assert slot_of(slot + every, every) == slot + every
