"""Interval arithmetic against the calendar of the standard library, for every code."""

from __future__ import annotations

import calendar
from datetime import UTC, datetime, timedelta, timezone

import pytest
from hypothesis import given
from hypothesis import strategies as st

from assay.domain.errors import BadInputError
from assay.domain.interval import CODES, EPOCH, Interval, parse_moment, utc

SECONDS = {
    "1s": 1, "1m": 60, "3m": 180, "5m": 300, "15m": 900, "30m": 1800, "1h": 3600, "2h": 7200, "4h": 14400,
    "6h": 21600, "8h": 28800, "12h": 43200, "1d": 86400, "3d": 259200,
}  # fmt: skip
intervals = st.sampled_from(CODES).map(Interval.parse)
zones = st.integers(-14 * 60, 14 * 60).map(lambda minutes: timezone(timedelta(minutes=minutes)))
moments = st.datetimes(datetime(1960, 1, 1), datetime(2100, 1, 1), timezones=st.just(UTC) | zones)


def calendar_floor(code: str, moment: datetime) -> datetime:
    """The oracle: whole seconds since the epoch, or the date's own weekday and month."""
    moment = moment.astimezone(UTC)
    midnight = datetime(moment.year, moment.month, moment.day, tzinfo=UTC)
    if code == "1M":
        return midnight.replace(day=1)
    if code == "1w":
        return midnight - timedelta(days=moment.weekday())
    seconds = calendar.timegm(moment.timetuple())
    return EPOCH + timedelta(seconds=seconds - seconds % SECONDS[code])


def calendar_next(code: str, opened: datetime) -> datetime:
    """The oracle: the length of this very month, or a fixed number of seconds."""
    if code == "1M":
        return opened + timedelta(days=calendar.monthrange(opened.year, opened.month)[1])
    return opened + timedelta(seconds=SECONDS.get(code, 7 * 86400))


def test_oracle_covers_every_code() -> None:
    assert {*SECONDS, "1w", "1M"} == set(CODES)


@given(intervals, moments)
def test_floor_agrees_with_the_calendar(interval: Interval, moment: datetime) -> None:
    assert interval.floor(moment) == calendar_floor(interval.code, moment)


@given(intervals, moments)
def test_close_time_agrees_with_the_calendar(interval: Interval, moment: datetime) -> None:
    opened = interval.floor(moment)
    assert interval.close_time(opened) == calendar_next(interval.code, opened)


@given(intervals, moments)
def test_ceil_agrees_with_the_calendar(interval: Interval, moment: datetime) -> None:
    opened = calendar_floor(interval.code, moment)
    assert interval.ceil(moment) == (opened if opened == moment else calendar_next(interval.code, opened))
    assert interval.ceil(opened) == opened


@given(intervals, moments)
def test_every_moment_lies_in_exactly_one_bar(interval: Interval, moment: datetime) -> None:
    opened = interval.floor(moment)
    closed = interval.close_time(opened)
    assert opened <= moment < closed
    assert interval.is_aligned(opened)
    assert interval.is_aligned(closed)
    assert interval.is_aligned(moment) == (moment == opened)


@given(intervals, moments, st.integers(0, 40))
def test_opens_and_count_agree_with_stepping_one_bar_at_a_time(interval: Interval, moment: datetime, bars: int) -> None:
    start = end = interval.floor(moment)
    stepped = []
    for _ in range(bars):
        stepped.append(end)
        end = interval.close_time(end)
    assert list(interval.opens(start, end)) == stepped
    assert interval.count(start, end) == bars
    assert interval.count(end, start) == 0


@given(intervals, moments)
def test_opens_begins_at_the_first_bar_that_opens_at_or_after_start(interval: Interval, moment: datetime) -> None:
    later = interval.close_time(interval.close_time(interval.floor(moment)))
    first = next(interval.opens(moment, later))
    assert first >= moment
    assert first in (interval.floor(moment), interval.close_time(interval.floor(moment)))


@pytest.mark.parametrize(
    ("code", "moment", "opened", "closed"),
    [
        ("1w", "2024-01-01T00:00:00Z", "2024-01-01T00:00:00Z", "2024-01-08T00:00:00Z"),  # a Monday opens its week
        ("1w", "2023-12-31T23:59:59Z", "2023-12-25T00:00:00Z", "2024-01-01T00:00:00Z"),  # the Sunday before closes one
        ("1w", "1969-12-31T12:00:00Z", "1969-12-29T00:00:00Z", "1970-01-05T00:00:00Z"),  # before the epoch
        ("1M", "2024-02-29T12:00:00Z", "2024-02-01T00:00:00Z", "2024-03-01T00:00:00Z"),  # a leap day
        ("1M", "2023-12-31T23:59:59Z", "2023-12-01T00:00:00Z", "2024-01-01T00:00:00Z"),  # over the year's end
        ("3d", "1970-01-04T00:00:00Z", "1970-01-04T00:00:00Z", "1970-01-07T00:00:00Z"),  # three days from the epoch
        ("1h", "2020-02-11T09:28:14.789Z", "2020-02-11T09:00:00Z", "2020-02-11T10:00:00Z"),
        ("1d", "2024-01-01T01:30:00+03:00", "2023-12-31T00:00:00Z", "2024-01-01T00:00:00Z"),  # still Sunday in UTC
    ],
)
def test_bar_around_a_moment(code: str, moment: str, opened: str, closed: str) -> None:
    interval = Interval.parse(code)
    assert interval.floor(parse_moment(moment)) == parse_moment(opened)
    assert interval.close_time(parse_moment(opened)) == parse_moment(closed)


@pytest.mark.parametrize("code", sorted(set(CODES) - {"1M"}))
def test_duration_is_the_length_of_a_bar(code: str) -> None:
    interval = Interval.parse(code)
    assert interval.duration == interval.close_time(interval.anchor) - interval.anchor
    assert interval.microseconds == interval.duration.total_seconds() * 1e6


def test_month_is_the_only_interval_whose_bars_differ_in_length() -> None:
    assert [code for code in CODES if Interval.parse(code).is_calendar] == ["1M"]
    assert Interval.parse("1M").duration == timedelta(days=30)


@pytest.mark.parametrize("code", ["", "7q", "60m", "1H", "1 h", "h1", "1y", "١h"])
def test_unknown_interval_is_refused_with_the_known_ones(code: str) -> None:
    with pytest.raises(BadInputError, match="unknown interval.*use one of 1s, 1m") as caught:
        Interval.parse(code)
    assert caught.value.value == code


def test_minute_and_month_differ_by_case() -> None:
    assert Interval.parse("1m").duration == timedelta(minutes=1)
    assert Interval.parse("1M").is_calendar


def test_time_without_a_zone_is_refused() -> None:
    with pytest.raises(BadInputError, match="a time without a zone: '2024-01-01T00:00:00'; append Z or an offset"):
        utc(datetime(2024, 1, 1))
    with pytest.raises(BadInputError, match="without a zone"):
        Interval.parse("1h").floor(datetime(2024, 1, 1))


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("2024-01-31", datetime(2024, 1, 31, tzinfo=UTC)),
        (" 2024-01-31T09:00:00Z ", datetime(2024, 1, 31, 9, tzinfo=UTC)),
        ("2024-01-31 09:00", datetime(2024, 1, 31, 9, tzinfo=UTC)),
        ("2024-01-31T09:00:00+03:00", datetime(2024, 1, 31, 6, tzinfo=UTC)),
    ],
)
def test_moment_a_person_typed_is_utc_unless_it_says_otherwise(text: str, expected: datetime) -> None:
    assert parse_moment(text) == expected
    assert parse_moment(text).utcoffset() == timedelta(0)


@pytest.mark.parametrize("text", ["", "yesterday", "2024-13-01", "31.01.2024", "2024-02-30"])
def test_what_is_no_date_is_refused(text: str) -> None:
    with pytest.raises(BadInputError, match="not a date or time"):
        parse_moment(text)
