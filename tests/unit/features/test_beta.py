"""Beta, correlation and relative strength against NumPy over each window, and by hand."""

from __future__ import annotations

import dataclasses
import math

import numpy as np
import pytest

from assay.features.bars import Bars, FloatArray
from assay.features.drivers import run_batch
from assay.features.indicators.beta import Beta
from assay.features.indicators.relative_strength import RelativeStrength
from tests.unit.features.made_bars import HOUR, hourly, needs_recordings, recorded_btc, walk


def beside(bars: Bars, seed: int = 9) -> Bars:
    """The bars with a reference of which they are a noisy multiple."""
    own = np.diff(np.log(bars.close), prepend=math.log(bars.close[0]))
    noise = np.random.default_rng(seed).normal(0.0, 0.004, len(bars))
    return dataclasses.replace(bars, reference=20_000.0 * np.exp(np.cumsum(0.5 * own + noise)))


def by_numpy(bars: Bars, n: int) -> FloatArray:
    """Beta and correlation of the last n returns between bars that follow one another."""
    follows = np.concatenate([[False], bars.open_time[1:] == bars.close_time[:-1]])
    x = np.diff(np.log(bars.reference), prepend=math.nan)[follows]
    y = np.diff(np.log(bars.close), prepend=math.nan)[follows]
    rows = np.full((len(bars), 2), math.nan)
    for number, row in enumerate(np.flatnonzero(follows)):
        if number + 1 >= n:
            part = slice(number + 1 - n, number + 1)
            (var_x, both), (_, var_y) = np.cov(x[part], y[part])
            rows[row] = both / var_x, both / math.sqrt(var_x * var_y)
    return rows


@pytest.mark.parametrize("n", [2, 7, 168])
def test_equals_numpy_over_each_window(n: int) -> None:
    bars = beside(walk(700))
    holed = bars.rows(0, 300), bars.rows(305, 700)
    opened, closed = (np.concatenate([getattr(part, name) for part in holed]) for name in ("open_time", "close_time"))
    columns = {name: np.concatenate([getattr(part, name) for part in holed]) for name in ("close", "reference")}
    price = columns["close"]
    gapped = Bars(opened, closed, price, price, price, price, price, reference=columns["reference"])
    for one in (bars, gapped):
        np.testing.assert_allclose(run_batch(Beta(n), one)[0], by_numpy(one, n), rtol=1e-7, atol=1e-7)


@needs_recordings
def test_equals_numpy_on_real_bars_with_gaps() -> None:
    bars = beside(recorded_btc().rows(7000, 9000))
    np.testing.assert_allclose(run_batch(Beta(24), bars)[0], by_numpy(bars, 24), rtol=1e-7, atol=1e-7)


def test_twice_the_reference_is_a_beta_of_two() -> None:
    bars = walk(100)
    doubled = dataclasses.replace(bars, reference=np.sqrt(bars.close))
    values, _ = run_batch(Beta(20), doubled)
    np.testing.assert_allclose(values[20:], np.tile([2.0, 1.0], (80, 1)), rtol=1e-9)


def test_a_reference_that_stands_still_gives_no_beta() -> None:
    bars = walk(50)
    still = dataclasses.replace(bars, reference=np.full(50, 7.0))
    np.testing.assert_array_equal(run_batch(Beta(10), still)[0][10:], np.zeros((40, 2)))


def test_relative_strength_by_hand() -> None:
    """The close goes 100, 110, 121 and the reference 50, 50, 55: 10 % more than it, and over both bars as well."""
    bars = dataclasses.replace(hourly([100.0, 110.0, 121.0]), reference=np.array([50.0, 50.0, 55.0]))
    one, two = (run_batch(RelativeStrength(n), bars)[0][:, 0] for n in (1, 2))
    np.testing.assert_allclose(one, [math.nan, math.log(1.1), 0.0], atol=1e-15)
    np.testing.assert_allclose(two, [math.nan, math.nan, math.log(1.21) - math.log(1.1)])


def test_relative_strength_waits_after_a_hole() -> None:
    bars = beside(hourly(walk(30).close, hours=[*range(10), *range(12, 32)]))
    assert bars.open_time[10] - bars.close_time[9] == 2 * HOUR
    values = run_batch(RelativeStrength(3), bars)[0][:, 0]
    np.testing.assert_array_equal(np.isnan(values), [True] * 3 + [False] * 7 + [True] * 3 + [False] * 17)
