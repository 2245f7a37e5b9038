"""Support and resistance against a slow, obvious version that sees whole lists, by hand, and cut at every row."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
import pytest
import talib

from assay.features.bars import Bars, FloatArray
from assay.features.drivers import run_batch
from assay.features.indicators.levels import Levels
from tests.unit.features.made_bars import HOUR, START, needs_recordings, recorded_btc, same_bits, walk

KEPT = 16


@dataclass
class Level:
    price: float
    touches: int
    since: int
    last: int


def slowly(step: Levels, bars: Bars) -> FloatArray:
    """Every row from the whole past: pivots looked up in the lists of highs and lows, levels kept as objects."""
    ranges = talib.ATR(bars.high, bars.low, bars.close, step.n)
    found: list[Level] = []
    rows = []
    for row in range(len(bars)):
        middle = row - step.wing
        if row >= step.warmup:
            for prices, sign in ((bars.high, 1.0), (bars.low, -1.0)):
                signed = sign * prices
                before, after = signed[middle - step.wing : middle], signed[middle + 1 : row + 1]
                if (signed[middle] > before).all() and (signed[middle] >= after).all():
                    remember(found, float(prices[middle]), step.width * ranges[row], int(bars.close_time[row]))
        rows.append(told(found, bars.close[row]) if row >= step.warmup else [math.nan] * 6)
    return np.array(rows)


def remember(found: list[Level], price: float, close_to: float, moment: int) -> None:
    near = [one for one in found if abs(one.price - price) <= close_to]
    if near:
        one = min(near, key=lambda level: abs(level.price - price))
        one.touches, one.last = one.touches + 1, moment
        return
    if len(found) == KEPT:
        found.remove(min(found, key=lambda level: level.last))
    found.append(Level(price, 1, moment, moment))


def told(found: list[Level], close: float) -> list[float]:
    below = max((one for one in found if one.price <= close), key=lambda one: one.price, default=None)
    above = min((one for one in found if one.price > close), key=lambda one: one.price, default=None)
    return [
        value
        for one in (below, above)
        for value in ((one.price, one.touches, one.since) if one else (math.nan, 0.0, math.nan))
    ]


@pytest.mark.parametrize("step", [Levels(), Levels(1, 2, 0.0), Levels(2, 20, 3.0)])
def test_equals_the_obvious_version_on_a_walk(step: Levels) -> None:
    bars = walk(1500)
    np.testing.assert_array_equal(run_batch(step, bars)[0], slowly(step, bars))


@needs_recordings
def test_equals_the_obvious_version_on_real_bars() -> None:
    bars = recorded_btc().rows(7000, 10_000)
    found, expected = run_batch(Levels(), bars)[0], slowly(Levels(), bars)
    np.testing.assert_array_equal(found, expected)
    assert np.nanmax(found[:, 1]) >= 4.0, "no level was touched often: the stretch shows too little"


def test_by_hand() -> None:
    """A top of 12 is known two bars later; one of 11.9 is close to it; the close then rises above both.

    True ranges are 2, or 3 where the price moved on by one, so half an average range is about one.
    """
    highs = [10.0, 11.0, 12.0, 11.0, 10.0, 11.0, 11.9, 11.0, 10.0, 13.5]
    high = np.array(highs)
    opened = START + np.arange(len(highs)) * HOUR
    bars = Bars(opened, opened + HOUR, high - 1.0, high, high - 2.0, high - 0.5, np.ones(len(highs)))
    values, _ = run_batch(Levels(2, 2, 0.5), bars)
    resistance, touches, since = values[:, 3], values[:, 4], values[:, 5]
    # Row 2 is the top; the second bar after it closes with row 4.
    np.testing.assert_array_equal(np.isnan(resistance), [True] * 4 + [False] * 5 + [True])
    np.testing.assert_array_equal(resistance[4:9], [12.0] * 5)
    np.testing.assert_array_equal(touches[4:9], [1.0, 1.0, 1.0, 1.0, 2.0])
    np.testing.assert_array_equal(since[4:9], [bars.close_time[4]] * 5)
    # The low of row 4 is a bottom of 8, known with row 6; the close of row 9 is above all of them, so 12 holds it now.
    np.testing.assert_array_equal(values[6:9, 0], [8.0] * 3)
    assert values[9, :3].tolist() == [12.0, 2.0, float(bars.close_time[4])]


def test_never_repainted() -> None:
    bars = walk(400, seed=4)
    whole, _ = run_batch(Levels(), bars)
    for row in range(len(bars)):
        assert same_bits(run_batch(Levels(), bars.rows(0, row))[0], whole[:row])
