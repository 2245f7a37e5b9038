from __future__ import annotations

from datetime import UTC, datetime, timedelta

import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st

from assay.domain.errors import BadInputError
from assay.domain.interval import CODES, Interval
from assay.lake.recordings.grid import bar_number, check_interval, close_time, is_on_grid

OPENED = pl.col("open_time")
intervals = st.sampled_from(CODES).map(Interval.parse)
moments = st.datetimes(datetime(2009, 1, 3), datetime(2200, 1, 1)).map(lambda one: one.replace(tzinfo=UTC))


def column(*opened: datetime) -> pl.DataFrame:
    return pl.DataFrame({"open_time": opened}, schema={"open_time": pl.Datetime("us", "UTC")})


@given(intervals, moments)
def test_columns_follow_the_rules_of_the_domain(interval: Interval, moment: datetime) -> None:
    opened = interval.floor(moment)
    found = column(opened, moment).select(
        is_on_grid(OPENED, interval).alias("grid"), close_time(OPENED, interval).alias("close")
    )
    assert found["grid"].to_list() == [True, interval.is_aligned(moment)]
    assert found["close"][0] == interval.close_time(opened)


@given(intervals, moments, st.integers(0, 50))
def test_bar_numbers_differ_by_the_bars_between(interval: Interval, moment: datetime, bars: int) -> None:
    first = interval.floor(moment)
    last = first
    for _ in range(bars):
        last = interval.close_time(last)
    numbers = column(first, last).select(bar_number(OPENED, interval)).to_series()
    assert numbers[1] - numbers[0] == bars == interval.count(first, last)


def series(code: str, count: int, *, every: int = 1, symbol: str = "BTC-USDT") -> pl.DataFrame:
    interval = Interval.parse(code)
    moment = interval.floor(datetime(2024, 1, 1, tzinfo=UTC))
    opened = []
    for _ in range(count):
        opened.append(moment)
        for _ in range(every):
            moment = interval.close_time(moment)
    return column(*opened).with_columns(symbol=pl.lit(symbol))


@pytest.mark.parametrize("code", CODES)
def test_own_interval_is_accepted(code: str) -> None:
    check_interval(series(code, 14), Interval.parse(code))


@pytest.mark.parametrize(
    ("code", "every", "asked", "told"),
    [
        ("1d", 1, "1h", "bars are 1d apart, not 1h"),
        ("1m", 1, "1h", "bars are 1m apart, not 1h"),
        ("1m", 1, "1M", "bars are 1m apart, not 1M"),
        ("1M", 1, "1d", "bars are 1M apart, not 1d"),
        ("1w", 1, "1d", "bars are 1w apart, not 1d"),
        ("1h", 5, "1h", "bars are 5:00:00 apart, not 1h"),
    ],
)
def test_other_interval_is_refused_by_name(code: str, every: int, asked: str, told: str) -> None:
    with pytest.raises(BadInputError, match=told):
        check_interval(series(code, 14, every=every), Interval.parse(asked))


def test_two_steps_are_too_few_to_judge_and_three_are_enough() -> None:
    check_interval(series("1d", 3), Interval.parse("1h"))
    with pytest.raises(BadInputError, match="1d apart"):
        check_interval(series("1d", 4), Interval.parse("1h"))


def test_one_wrong_series_among_many_is_named() -> None:
    bars = pl.concat([series("1h", 9), series("1d", 9, symbol="ETH-USDT")])
    with pytest.raises(BadInputError, match="1d apart, not 1h: 'ETH-USDT'"):
        check_interval(bars, Interval.parse("1h"))


def test_repeated_and_shuffled_rows_do_not_change_the_verdict() -> None:
    bars = pl.concat([series("1h", 20)] * 3).sample(fraction=1, shuffle=True, seed=3)
    check_interval(bars, Interval.parse("1h"))


def test_asked_interval_wins_a_tie() -> None:
    # Steps 1h, 2h, 1h, 2h: as often the one as the other.
    hours = [0, 1, 3, 4, 6]
    bars = column(*(datetime(2024, 1, 1, tzinfo=UTC) + timedelta(hours=one) for one in hours))
    check_interval(bars.with_columns(symbol=pl.lit("BTC-USDT")), Interval.parse("1h"))
