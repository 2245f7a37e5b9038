from __future__ import annotations

import itertools
import math
from collections.abc import Sequence
from datetime import UTC, datetime

import numpy as np
import pytest

from assay.domain.errors import BadInputError
from assay.domain.interval import Interval
from assay.domain.kline import Kline
from assay.features.bars import LATEST_TIME, VALUE_COLUMNS, Bar, Bars, close_times
from tests.unit.features.made_bars import HOUR, START, hourly, walk


def test_a_kline_becomes_a_bar_with_microseconds_and_nan_for_what_the_source_lacks() -> None:
    opened = datetime(2024, 2, 1, tzinfo=UTC)
    bar = Bar.of(Kline(Interval.parse("1M"), opened, 1.0, 4.0, 0.5, 2.0, 7.0, num_trades=9))
    assert bar.open_time == 1_706_745_600_000_000
    assert bar.close_time == 1_709_251_200_000_000  # 29 days later: 2024 is a leap year
    assert bar[2:7] == (1.0, 4.0, 0.5, 2.0, 7.0)
    assert math.isnan(bar.quote_volume)
    assert math.isnan(bar.taker_buy_volume)
    assert bar.num_trades == 9.0


def test_bars_gathered_one_by_one_are_the_same_bars() -> None:
    bars = walk(20)
    again = Bars.of(bars.bar(row) for row in range(20))
    assert [again.bar(row) for row in range(20)] == [bars.bar(row) for row in range(20)]
    assert len(Bars.of([])) == 0


@pytest.mark.parametrize("code", ["1m", "1h", "1d", "1w", "1M"])
def test_close_times_equal_those_of_the_interval(code: str) -> None:
    interval = Interval.parse(code)
    moments = interval.opens(datetime(2019, 12, 1, tzinfo=UTC), datetime(2021, 2, 1, tzinfo=UTC))
    opens = list(itertools.islice(moments, 500))
    stamps = np.array([int(moment.timestamp()) * 1_000_000 for moment in opens])
    expected = [int(interval.close_time(moment).timestamp()) * 1_000_000 for moment in opens]
    assert close_times(stamps, interval).tolist() == expected


def test_columns_left_out_are_nan() -> None:
    bars = walk(3)
    short = Bars(bars.open_time, bars.close_time, bars.open, bars.high, bars.low, bars.close, bars.volume)
    assert np.isnan([short.quote_volume, short.taker_buy_volume, short.num_trades, short.reference]).all()


def test_columns_cannot_be_changed_and_the_given_arrays_stay_writable() -> None:
    close = np.ones(3)
    bars = hourly(close)
    with pytest.raises(ValueError, match="read-only"):
        bars.close[0] = 2.0
    close[0] = 2.0


def test_rows_are_views() -> None:
    bars = walk(10)
    part = bars.rows(2, 5)
    assert len(part) == 3
    assert all(np.shares_memory(getattr(part, name), getattr(bars, name)) for name in VALUE_COLUMNS)
    assert part.bar(0) == bars.bar(2)


HOURS = (0, HOUR, 2 * HOUR)


def build(
    opened: Sequence[int] = HOURS, closed: Sequence[int] | None = None, *, close: Sequence[float] = (1.0, 2.0, 3.0)
) -> Bars:
    last = [time + HOUR for time in opened] if closed is None else closed
    price = np.array(close, dtype=np.float64)
    one = np.ones(3)
    return Bars(np.array(opened), np.array(last), one, one, one, price, volume=one)


@pytest.mark.parametrize(
    ("opened", "closed"),
    [
        ([0, 0, HOUR], None),
        ([0, 2 * HOUR, HOUR], None),
        ([0, HOUR, 2 * HOUR], [HOUR + 1, 2 * HOUR, 3 * HOUR]),
        ([0, HOUR, 2 * HOUR], [HOUR, 2 * HOUR, 2 * HOUR]),
        ([0, HOUR, LATEST_TIME], None),
        ([-LATEST_TIME, 0, HOUR], None),
    ],
    ids=["repeated", "backwards", "overlapping", "closes-as-it-opens", "too-late", "too-early"],
)
def test_bars_out_of_order_are_refused(opened: list[int], closed: list[int] | None) -> None:
    with pytest.raises(BadInputError, match="out of order, repeated or overlapping"):
        build(opened=opened, closed=closed)


def test_holes_are_allowed() -> None:
    assert len(build(opened=[0, 5 * HOUR, 6 * HOUR])) == 3


def test_columns_of_other_length_are_refused() -> None:
    with pytest.raises(BadInputError, match="differ in length: 'close'"):
        build(close=[1.0, 2.0])


def test_infinite_values_are_refused_and_nan_is_not() -> None:
    with pytest.raises(BadInputError, match="infinite value in bars: 'close'"):
        build(close=[1.0, -math.inf, 2.0])
    assert math.isnan(build(close=[1.0, math.nan, 2.0]).close[1])


def test_times_that_are_not_whole_numbers_are_refused() -> None:
    one = np.ones(1)
    with pytest.raises(BadInputError, match="whole microseconds"):
        Bars(np.array([float(START)]), np.array([START + HOUR]), one, one, one, one, one)
