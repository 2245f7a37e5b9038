"""Moving sums and moments against exact arithmetic, on series made to break them."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator
from fractions import Fraction

import numpy as np
import pytest

from assay.features.bars import Bars, FloatArray
from assay.features.drivers import run_batch
from assay.features.indicators.rolling_std import RollingStd
from assay.features.indicators.sma import Sma
from assay.features.step import Step
from assay.features.windows import (
    HIGHEST,
    LOWEST,
    empty,
    empty_range,
    push_lag,
    push_max,
    push_min,
    push_moments,
    push_range,
    push_sum,
    push_sums,
)
from tests.unit.features.made_bars import HOUR, START

EPSILON = 2.0**-53
MINUTE = HOUR // 60


def closing(close: FloatArray) -> Bars:
    opened = START + np.arange(close.size, dtype=np.int64) * MINUTE
    return Bars(opened, opened + MINUTE, close, close, close, close, volume=close)


def of(step: Step, close: FloatArray) -> FloatArray:
    values: FloatArray = run_batch(step, closing(close))[0][:, 0]
    return values


def jump() -> FloatArray:
    """Prices near 1, one value a thousand million times as high, and prices near 1 again."""
    close = 1.0 + np.random.default_rng(1).random(400)
    close[200] = 1e9
    return close


def jump_and_stand_still() -> FloatArray:
    return np.concatenate([1.0 + np.random.default_rng(2).random(200), np.full(200, 1e9 + 0.1)])


def tiny_moves_on_a_huge_price() -> FloatArray:
    return np.asarray(1e9 + np.random.default_rng(3).integers(-3, 4, 400) * 2.0**-20, dtype=np.float64)


def all_magnitudes() -> FloatArray:
    rng = np.random.default_rng(4)
    signs = np.where(rng.random(400) < 0.5, -1.0, 1.0)
    return np.asarray(signs * np.exp(rng.uniform(-27.0, 27.0, 400)), dtype=np.float64)


ADVERSARIAL = [jump, jump_and_stand_still, tiny_moves_on_a_huge_price, all_magnitudes]


def windows(close: FloatArray, n: int) -> Iterator[tuple[int, list[Fraction]]]:
    exact = [Fraction(value) for value in close.tolist()]
    for row in range(n - 1, len(exact)):
        yield row, exact[row - n + 1 : row + 1]


@pytest.mark.parametrize("series", ADVERSARIAL, ids=lambda series: series.__name__)
@pytest.mark.parametrize("n", [2, 7, 30])
def test_a_mean_has_only_the_error_of_adding_its_own_window(series: Callable[[], FloatArray], n: int) -> None:
    # Adding n numbers in any order errs by at most (n - 1) roundings of the sum of their magnitudes.
    close = series()
    means = of(Sma(n), close)
    for row, window in windows(close, n):
        bound = (n + 2) * EPSILON * float(sum(map(abs, window))) / n
        assert abs(float(Fraction(means[row]) - sum(window) / n)) <= bound, row


@pytest.mark.parametrize("series", ADVERSARIAL, ids=lambda series: series.__name__)
@pytest.mark.parametrize("n", [2, 7, 30])
def test_a_deviation_has_only_the_error_of_its_own_window(series: Callable[[], FloatArray], n: int) -> None:
    # The anchor is a value of the window, so the variance is at least range^2 / (2 n) and no sum exceeds n range^2: n
    # roundings of each leave a relative error of some n^2; the level of the price does not enter.
    close = series()
    deviations = of(RollingStd(n), close)
    for row, window in windows(close, n):
        mean = sum(window) / n
        exact = math.sqrt(sum((value - mean) ** 2 for value in window) / n)
        spread = float(max(window) - min(window))
        assert abs(deviations[row] - exact) <= 4.0 * n * n * EPSILON * spread, row


@pytest.mark.parametrize("level", [0.1, 1e-12, 123456.789, 1e12 + 0.1])
@pytest.mark.parametrize("n", [2, 3, 20])
def test_equal_values_deviate_by_exactly_nothing_whatever_was_before(level: float, n: int) -> None:
    close = np.concatenate([10.0 ** np.random.default_rng(n).uniform(-9, 9, 3 * n + 1), np.full(5 * n, level)])
    assert (of(RollingStd(n), close)[4 * n :] == 0.0).all()
    assert (of(RollingStd(n), np.full(3 * n, level))[n - 1 :] == 0.0).all()


@pytest.mark.parametrize("n", [1, 2, 3, 8])
def test_before_the_window_is_full_it_is_of_what_there_is(n: int) -> None:
    values = np.random.default_rng(n).normal(size=40).tolist()
    sums, tops, bottoms, lags = empty(n), empty(n, LOWEST), empty(n, HIGHEST), empty(n, math.nan)
    pair, ranges, moments = empty(2 * n), empty_range(n), empty(2 * n)
    slot, run, top, bottom = 0.0, 0.0, LOWEST, HIGHEST
    one_run, two_run, high_run, low_run = 0.0, 0.0, LOWEST, HIGHEST
    first, second, anchor = 0.0, 0.0, math.nan
    for row, value in enumerate(values):
        window = values[max(row - n + 1, 0) : row + 1]
        _, run, total = push_sum(sums, 0, n, slot, run, value)
        assert total == pytest.approx(math.fsum(window), abs=1e-14)
        _, one_run, two_run, once, twice = push_sums(pair, 0, n, (slot, one_run, two_run), (value, 2.0 * value))
        assert (once, twice) == (total, 2.0 * total)
        _, top, highest = push_max(tops, 0, n, slot, top, value)
        _, bottom, lowest = push_min(bottoms, 0, n, slot, bottom, value)
        assert (highest, lowest) == (max(window), min(window))
        _, high_run, low_run, highest, lowest = push_range(
            ranges, 0, n, (slot, high_run, low_run), (value + 1.0, value)
        )
        assert (highest, lowest) == (max(window) + 1.0, min(window))
        _, older = push_lag(lags, 0, n, slot, value)
        assert older == pytest.approx(values[row - n] if row >= n else math.nan, nan_ok=True, abs=0.0)
        slot, first, second, anchor, one, two = push_moments(moments, 0, n, (slot, first, second, anchor), value)
        assert one == pytest.approx(math.fsum(each - anchor for each in window), abs=1e-13)
        assert two == pytest.approx(math.fsum((each - anchor) ** 2 for each in window), abs=1e-13)
        assert anchor in window


@pytest.mark.parametrize(("at", "slot"), [(0, 5.0), (0, -1.0), (3, 0.0), (-1, 0.0)])
def test_places_that_are_not_there_give_nan_and_touch_nothing(at: int, slot: float) -> None:
    window = np.arange(7.0)
    assert math.isnan(push_sum(window, at, 5, slot, 0.0, 9.0)[2])
    assert math.isnan(push_max(window, at, 5, slot, 0.0, 9.0)[2])
    assert math.isnan(push_min(window, at, 5, slot, 0.0, 9.0)[2])
    assert math.isnan(push_sums(window, at, 5, (slot, 0.0, 0.0), (9.0, 9.0))[3])
    assert math.isnan(push_range(window, at, 5, (slot, 0.0, 0.0), (9.0, 9.0))[3])
    assert math.isnan(push_lag(window, at, 5, slot, 9.0)[1])
    assert math.isnan(push_moments(window, at, 5, (slot, 0.0, 0.0, 0.0), 9.0)[4])
    assert window.tolist() == [0, 1, 2, 3, 4, 5, 6]


@pytest.mark.soak
def test_after_ten_million_bars_the_error_is_that_of_one_window() -> None:
    # 10,000,000 bars of a walk with jumps of nine orders of magnitude; looked at all along, and to the end.
    count, n = 10_000_000, 30
    rng = np.random.default_rng(5)
    close = 100.0 + np.cumsum(rng.normal(0.0, 0.01, count))
    close[rng.integers(0, count, 1000)] *= 1e9
    means, deviations = of(Sma(n), close), of(RollingStd(n), close)
    rows = np.unique(np.concatenate([rng.integers(n, count, 20_000), np.arange(count - 2000, count)]))
    worst_mean = worst_deviation = 0.0
    for row in rows.tolist():
        window = close[row - n + 1 : row + 1].tolist()
        mean = math.fsum(window) / n
        exact = math.sqrt(math.fsum((value - mean) ** 2 for value in window) / n)
        worst_mean = max(worst_mean, abs(means[row] - mean) / (math.fsum(map(abs, window)) / n))
        worst_deviation = max(worst_deviation, abs(deviations[row] - exact) / (max(window) - min(window)))
    assert worst_mean <= (n + 2) * EPSILON
    assert worst_deviation <= 4.0 * n * n * EPSILON
