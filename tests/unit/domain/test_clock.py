"""Time as an argument."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

from assay.domain.clock import FrozenClock, SystemClock


def test_frozen_clock_stands_still_until_it_is_set() -> None:
    noon = datetime(2024, 1, 1, 12, tzinfo=UTC)
    clock = FrozenClock(noon)
    assert clock.now() == clock.now() == noon
    clock.moment = noon + timedelta(hours=1)
    assert clock.now() == noon + timedelta(hours=1)


def test_system_clock_tells_the_time_in_utc() -> None:
    before = datetime.now(UTC)
    told = SystemClock().now()
    assert before <= told <= datetime.now(UTC)
    assert told.utcoffset() == timedelta(0)
