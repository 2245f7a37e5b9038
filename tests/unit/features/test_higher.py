from __future__ import annotations

import dataclasses
import math

import numpy as np
import pytest

from assay.domain.errors import BadInputError
from assay.domain.interval import Interval
from assay.features.bars import Bar, Bars, FloatArray
from assay.features.drivers import Stream, run_batch
from assay.features.higher import Higher, check_interval
from assay.features.indicators.ema import Ema
from assay.features.indicators.log_return import LogReturn
from assay.features.over import Over
from assay.features.step import Step
from tests.unit.features.made_bars import HOUR, START, hourly, needs_recordings, recorded_btc, same_bits, walk


def by_hand(step: Step, interval: str, bars: Bars) -> FloatArray:
    """Make the higher bars one by one, run the Step over them, and look up the last that closed by each close."""
    width = Interval.parse(interval).microseconds
    monday = 4 * 24 * HOUR
    places = (bars.open_time - monday) // width
    made, known_at = [], []
    for place in np.unique(places):
        rows = np.flatnonzero(places == place)
        part = [bars.bar(int(row)) for row in rows]
        begin = int(place) * width + monday
        ends = begin + width
        made.append(
            Bar(
                begin, ends, part[0].open, max(bar.high for bar in part), min(bar.low for bar in part), part[-1].close,
                sum(bar.volume for bar in part),
            )
        )  # fmt: skip
        later = np.flatnonzero(bars.close_time >= ends)
        known_at.append(int(bars.close_time[later[0]]) if later.size else math.inf)
    values, _ = run_batch(step, Bars.of(made))
    last = np.searchsorted(known_at, bars.close_time, side="right") - 1
    return np.where(last[:, None] >= 0, values[last], math.nan)


@pytest.mark.parametrize("interval", ["2h", "4h", "1d", "1w"])
@pytest.mark.parametrize("step", [Ema(2), LogReturn(1)], ids=["skips", "breaks"])
def test_higher_is_the_step_of_bars_put_together_by_hand(step: Step, interval: str) -> None:
    rng = np.random.default_rng(3)
    hours = np.cumsum(rng.choice([1, 1, 1, 1, 1, 2, 5, 40], 900)).tolist()
    bars = hourly(walk(900).close, hours=hours)
    values, _ = run_batch(Higher(step, interval), bars)
    assert same_bits(values, by_hand(step, interval, bars))
    assert np.isfinite(values).any()


def test_the_bar_that_ends_the_higher_bar_sees_it_and_the_one_before_does_not() -> None:
    """Closes 1, 2, 3, ...: four-hour bars close at 4, 8, 12; EMA 2 is 6 after two, then 2/3 * 12 + 1/3 * 6 = 10."""
    values, _ = run_batch(Higher(Ema(2), "4h"), hourly(np.arange(1.0, 13.0)))
    np.testing.assert_allclose(values[:, 0], [math.nan] * 7 + [6.0] * 4 + [10.0], rtol=1e-12)


def test_a_higher_bar_without_its_last_bars_ends_with_the_first_bar_after() -> None:
    """Hours 6 and 7 are missing: the second bar closes at 6, known when the bar of hour 8 has closed."""
    values, _ = run_batch(Higher(Ema(2), "4h"), hourly([*np.arange(1.0, 7.0).tolist(), 9.0], hours=[*range(6), 8]))
    np.testing.assert_allclose(values[:, 0], [math.nan] * 6 + [5.0], rtol=1e-12)


def test_a_bar_across_the_end_or_longer_than_the_interval_is_nan_and_missing() -> None:
    stream = Stream(Higher(Ema(2), "4h"))
    for row in range(8):
        stream.update(hourly(np.arange(1.0, 9.0)).bar(row))
    before = stream.state.values
    price = 5.0, 5.0, 5.0, 5.0, 1.0
    assert math.isnan(stream.update(Bar(START + 11 * HOUR, START + 13 * HOUR, *price))[0])
    assert math.isnan(stream.update(Bar(START + 16 * HOUR, START + 40 * HOUR, *price))[0])
    assert same_bits(np.array(stream.state.values), np.array(before))


def test_a_preview_of_the_last_hour_shows_the_higher_bar_as_if_it_closed_so() -> None:
    bars = hourly(np.arange(1.0, 13.0))
    stream = Stream(Higher(Ema(2), "4h"))
    for row in range(7):
        stream.update(bars.bar(row))
    assert stream.preview(bars.bar(7)._replace(close=20.0)) == pytest.approx((12.0,))
    assert stream.update(bars.bar(7)) == pytest.approx((6.0,))


def test_only_the_warmup_depends_on_the_base() -> None:
    minutes, hours = Higher(Ema(2), "4h", "1m"), Higher(Ema(2), "4h")
    assert (hours.warmup, minutes.warmup) == (7, 479)
    assert minutes == hours


@pytest.mark.parametrize(
    ("interval", "base"), [("1M", "1h"), ("1h", "1h"), ("30m", "1h"), ("4h", "3m1"), ("8h", "6h"), ("3d", "1w")]
)
def test_intervals_that_do_not_fit_are_refused(interval: str, base: str) -> None:
    with pytest.raises(BadInputError):
        Higher(Ema(2), interval, base)


@pytest.mark.parametrize(
    ("step", "interval", "longer"),
    [
        (Higher(Ema(2), "4h"), "1d", "4h"),
        (Higher(Ema(2), "4h"), "1M", "4h"),
        (Higher(Ema(2), "1d"), "1w", "1d"),
        (Higher(Ema(2), "1w"), "3d", "1w"),
        (Over(Ema(2), Higher(Ema(3), "4h")), "6h", "4h"),
        (Higher(Higher(Ema(2), "1h", "1m"), "4h"), "1h", "1h"),
    ],
    ids=["days", "months", "weeks", "across", "source", "within"],
)
def test_bars_that_do_not_make_the_longer_ones_are_refused(step: Step, interval: str, longer: str) -> None:
    with pytest.raises(BadInputError, match=f"bars of .* do not make bars of {longer}: .*; ask for bars of {longer}"):
        check_interval(step, Interval.parse(interval))


def test_bars_that_make_the_longer_ones_or_are_as_long_are_taken() -> None:
    for interval in ("1m", "15m", "1h", "4h"):
        check_interval(Over(Ema(2), Higher(Ema(3), "4h")), Interval.parse(interval))
    check_interval(Ema(2), Interval.parse("1M"))
    whole = hourly(np.arange(1.0, 13.0))
    assert same_bits(run_batch(Higher(Ema(2), "1h", "1m"), whole)[0], run_batch(Ema(2), whole)[0])


@needs_recordings
@pytest.mark.recorded
def test_on_real_bars_with_gaps_only_higher_bars_that_have_closed_are_seen() -> None:
    """Cut off after every row, the last value stays; and a value changes only where a higher bar ends."""
    bars = recorded_btc()
    hole = int(np.flatnonzero(bars.open_time[1:] != bars.close_time[:-1])[0])
    bars = bars.rows(max(0, hole - 150), hole + 150)
    step, width = Higher(Ema(3), "4h"), 4 * HOUR
    values = run_batch(step, bars)[0][:, 0]
    cut = [run_batch(step, bars.rows(0, row + 1))[0][-1, 0] for row in range(len(bars))]
    assert same_bits(np.array(cut), values)
    ends = bars.close_time % width == 0
    begins_late = np.concatenate([[False], bars.open_time[1:] // width != bars.open_time[:-1] // width])
    changes = np.concatenate([[False], values[1:] != values[:-1]]) & np.isfinite(values)
    assert not (changes & ~ends & ~begins_late).any()
    assert (changes & ends).sum() > 50
    # What a bar does before its higher bar has closed is not seen: the closes of all but the last bar of each.
    moved = dataclasses.replace(bars, close=np.where(ends, bars.close, bars.close * 1.01))
    first_gap = int(np.flatnonzero(bars.open_time[1:] != bars.close_time[:-1])[0])
    assert same_bits(run_batch(step, moved)[0][: first_gap + 1, 0], values[: first_gap + 1])
