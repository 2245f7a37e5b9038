"""Calendar and sessions against Python's own calendar, in zones of every kind; offsets at the second they change."""

from __future__ import annotations

import math
from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import numpy as np
import pytest

from assay.domain.errors import BadInputError
from assay.features.bars import Bars
from assay.features.drivers import run_batch
from assay.features.indicators.calendar import Calendar
from assay.features.indicators.session import Session
from assay.features.zones import HOUR_US, offset_at, offsets

ZONES = (
    "UTC", "America/New_York", "Europe/Berlin", "Asia/Kolkata", "Australia/Lord_Howe", "Africa/Casablanca",
    "Pacific/Apia", "Asia/Kathmandu",
)  # fmt: skip


def bars_at(opened: list[datetime]) -> Bars:
    times = np.array([int(one.timestamp()) * 1_000_000 for one in opened], dtype=np.int64)
    price = np.ones(times.size)
    return Bars(times, times + 60_000_000, price, price, price, price, price)


def moments(count: int = 1200) -> list[datetime]:
    """Moments from 2010 to 2037 at odd distances, the ends of February among them."""
    first = datetime(2010, 1, 1, tzinfo=UTC)
    found = {first + number * timedelta(days=8, hours=13, minutes=37) for number in range(count)}
    found |= {
        datetime(year, 2, 28, 12, tzinfo=UTC) + timedelta(days=day) for year in range(2010, 2038) for day in (0, 1, 2)
    }
    return sorted(found)


@pytest.mark.parametrize("zone", ZONES)
def test_says_what_pythons_calendar_says(zone: str) -> None:
    opened = moments()
    values, _ = run_batch(Calendar(zone), bars_at(opened))
    local = [one.astimezone(ZoneInfo(zone)) for one in opened]
    hours = np.array([one.hour + one.minute / 60.0 for one in local])
    weekday = np.array([one.weekday() for one in local])
    expected = [
        [float(one.hour) for one in local],
        np.sin(2 * np.pi * hours / 24),
        np.cos(2 * np.pi * hours / 24),
        weekday,
        np.sin(2 * np.pi * (weekday + hours / 24) / 7),
        np.cos(2 * np.pi * (weekday + hours / 24) / 7),
        weekday >= 5,
        [one.day for one in local],
        [one.month for one in local],
        [math.sin(2 * math.pi * (one.month - 1) / 12) for one in local],
        [math.cos(2 * math.pi * (one.month - 1) / 12) for one in local],
    ]
    np.testing.assert_allclose(values.T, np.array(expected, dtype=np.float64), rtol=0, atol=1e-12)


@pytest.mark.parametrize("zone", ZONES)
def test_sessions_open_and_close_by_the_zones_clock(zone: str) -> None:
    opened = moments()
    values, _ = run_batch(Session(zone, 555, 930), bars_at(opened))
    for moment, (is_open, passed) in zip(opened, values.tolist(), strict=True):
        local = moment.astimezone(ZoneInfo(zone))
        minute = local.hour * 60 + local.minute + local.second / 60
        expected = local.weekday() < 5 and 555 <= minute < 930
        assert is_open == float(expected), local
        assert passed == pytest.approx((minute - 555) / 375 if expected else 0.0)


@pytest.mark.parametrize(
    ("zone", "second", "before", "after"),
    [
        ("America/New_York", datetime(2024, 3, 10, 7, tzinfo=UTC), -5.0, -4.0),
        ("Europe/Berlin", datetime(2024, 10, 27, 1, tzinfo=UTC), 2.0, 1.0),
        ("Australia/Lord_Howe", datetime(2024, 4, 6, 15, tzinfo=UTC), 11.0, 10.5),
        ("Pacific/Apia", datetime(2011, 12, 30, 10, tzinfo=UTC), -10.0, 14.0),
    ],
)
def test_an_offset_changes_at_its_second(zone: str, second: datetime, before: float, after: float) -> None:
    table, moment = offsets(zone), second.timestamp() * 1e6
    assert offset_at(table, moment - 1_000_000) == before * HOUR_US
    assert offset_at(table, moment) == after * HOUR_US


@pytest.mark.parametrize("zone", ["Atlantis/Center", "", "../etc/passwd", 5])
def test_an_unknown_zone_is_refused(zone: str) -> None:
    with pytest.raises(BadInputError, match="unknown time zone"):
        Calendar(zone)


@pytest.mark.parametrize(("opens", "closes"), [(600, 600), (700, 600), (-1, 600), (0, 1441), (9.5, 600)])
def test_times_that_are_no_session_are_refused(opens: int, closes: int) -> None:
    with pytest.raises(BadInputError, match="not a session"):
        Session("UTC", opens, closes)
