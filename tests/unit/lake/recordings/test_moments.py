from __future__ import annotations

from datetime import UTC, date, datetime, timedelta, timezone

import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st

from assay.lake.recordings.moments import END_OF_MOMENTS, FIRST_MOMENT, read_moments

NINE = datetime(2019, 10, 17, 9, tzinfo=UTC)
moments = st.datetimes(datetime(2009, 1, 3), datetime(2200, 12, 31)).map(lambda one: one.replace(tzinfo=UTC))
offsets = st.integers(-14 * 60, 14 * 60).map(lambda minutes: timezone(timedelta(minutes=minutes)))


def read_one(value: object, dtype: pl.DataType | None = None) -> datetime | None:
    found = read_moments(pl.Series("open_time", [value], dtype=dtype)).moments[0]
    assert found is None or isinstance(found, datetime)
    return found


@pytest.mark.parametrize(
    "text",
    [
        "2019-10-17 09-AM",
        "2019-10-17 09:00 AM",
        "2019-10-17 9 am",
        "2019-10-17 09:00:00",
        "2019-10-17 09:00:00.000",
        "2019-10-17T09:00:00Z",
        "2019-10-17T09:00:00.000000Z",
        "2019-10-17T09:00Z",
        "2019-10-17 09:00:00 UTC",
        "2019-10-17 12:00:00+03:00",
        "2019-10-17 12:00:00+0300",
        "2019-10-17 12:00:00.000+03",
        "2019-10-17 03:30:00-05:30",
        "2019/10/17 09:00",
        "20191017T09:00:00",
        "1571302800",
        "1571302800000",
        "1571302800000000",
        "1571302800000000000",
        "1571302800.0",
        "1571302800000.0",
        "1.5713028e12",
    ],
)
def test_spelling_means_nine_o_clock_utc(text: str) -> None:
    assert read_one(text) == NINE


@pytest.mark.parametrize(
    "text",
    [
        "",
        "abc",
        "open_time",
        "17/10/2019",
        "10/17/2019 09:00",
        "2019-13-01",
        "2019-02-30",
        "2019-10-17 24:00",
        "2019-10-17 09:60",
        "2019-10-17 09:00:61",
        "2019-10-17 13-PM",
        "2019-10-17 00-AM",
        "2019-10-17 09:00+15:00",
        "2019-10-17 09:00+03:75",
        "2019-10-17 09:00 and more",
        "09:00",
        "0",
        "-1571302800",
        "1",
        "nan",
        "inf",
        "99999999999999999999999",
        "1970-01-01",
        "2009-01-02",
        "2201-01-01",
        "9999-12-31",
    ],
)
def test_text_that_is_no_sane_moment_becomes_null(text: str) -> None:
    assert read_one(text) is None


@pytest.mark.parametrize(
    ("text", "hour"), [("12-AM", 0), ("01-AM", 1), ("11-AM", 11), ("12-PM", 12), ("01-PM", 13), ("11-PM", 23)]
)
def test_twelve_hour_clock(text: str, hour: int) -> None:
    assert read_one(f"2019-10-17 {text}") == NINE.replace(hour=hour)


@given(moments, offsets, st.sampled_from(["auto", "milliseconds", "microseconds"]), st.sampled_from("T "))
def test_iso_text_with_offset_is_what_python_reads(
    moment: datetime, offset: timezone, timespec: str, separator: str
) -> None:
    try:
        text = moment.astimezone(offset).isoformat(sep=separator, timespec=timespec)
    except OverflowError:  # pragma: no cover - year 1 or 9999
        return
    expected = datetime.fromisoformat(text).astimezone(UTC)
    assert read_one(text) == (expected if FIRST_MOMENT <= expected < END_OF_MOMENTS else None)


@given(moments)
def test_epoch_numbers_of_every_unit_are_one_moment(moment: datetime) -> None:
    microseconds = (moment - datetime(1970, 1, 1, tzinfo=UTC)) // timedelta(microseconds=1)
    column = [microseconds, microseconds * 1000]
    for values in (pl.Series(column), pl.Series(map(str, column))):
        assert read_moments(values).moments.to_list() == [moment, moment]
    whole = moment.replace(microsecond=0)
    assert read_moments(pl.Series([microseconds // 10**6, microseconds // 10**6 * 1000])).moments.to_list() == [
        whole,
        whole,
    ]


def test_units_may_change_within_a_column() -> None:
    read = read_moments(pl.Series("open_time", ["1735686000000", "1735689600000000"]))
    assert read.moments.to_list() == [datetime(2024, 12, 31, 23, tzinfo=UTC), datetime(2025, 1, 1, tzinfo=UTC)]
    assert sorted(read.notes) == [
        "open_time is a number of ms since 1970 (1 rows)",
        "open_time is a number of µs since 1970 (1 rows)",
    ]


def test_spellings_may_be_mixed_within_a_column() -> None:
    texts = ["1571302800", "2019-10-17 09:00:00.000", "1571302800000.0", "2019-10-17 09-AM", None, "nonsense"]
    assert read_moments(pl.Series(texts)).moments.to_list() == [NINE, NINE, NINE, NINE, None, None]


def test_digits_below_a_microsecond_are_cut() -> None:
    expected = NINE - timedelta(microseconds=1)
    assert read_one("2019-10-17 08:59:59.999999999") == expected
    assert read_one("1571302799999999999") == expected


def test_text_without_a_zone_is_said_to_be_read_as_utc() -> None:
    read = read_moments(pl.Series("open_time", ["2019-10-17 09:00", "2019-10-17", "2019-10-17 09:00Z"]))
    assert read.notes == ("open_time carries no zone: read as UTC (2 rows)",)


def test_offsets_are_said() -> None:
    read = read_moments(pl.Series("open_time", ["2020-10-25 02:00:00+03:00", "2020-10-25 02:00:00+02:00"] * 2))
    # The same wall clock an hour apart: the night in which summer time ends.
    assert read.moments.to_list()[:2] == [datetime(2020, 10, 24, 23, tzinfo=UTC), datetime(2020, 10, 25, tzinfo=UTC)]
    assert "+03:00 (2 rows)" in read.notes[0]
    assert "+02:00 (2 rows)" in read.notes[0]


@pytest.mark.parametrize("unit", ["ms", "us", "ns"])
@pytest.mark.parametrize("zone", [None, "UTC", "Europe/Kyiv"])
def test_datetimes_of_any_unit_and_zone(unit: str, zone: str | None) -> None:
    column = pl.Series("open_time", [NINE]).dt.convert_time_zone(zone or "UTC")
    column = column if zone else column.dt.replace_time_zone(None)
    read = read_moments(column.cast(pl.Datetime(unit, zone)))  # type: ignore[arg-type]
    assert read.moments.to_list() == [NINE]
    assert bool(read.notes) == (zone != "UTC")


def test_dates_are_midnight_utc() -> None:
    assert read_moments(pl.Series([date(2019, 10, 17)])).moments.to_list() == [datetime(2019, 10, 17, tzinfo=UTC)]


def test_float_epochs_are_read() -> None:
    assert read_one(1_571_302_800.0) == NINE
    assert read_one(1_571_302_800_000.0) == NINE
    assert read_one(float("nan")) is None
