from __future__ import annotations

import math

import numpy as np
import pytest
import talib

from assay.features.bars import Bars
from assay.features.drivers import run_batch
from assay.features.indicators.close_to_ema import CloseToEma
from assay.features.indicators.ema import Ema
from tests.unit.features.made_bars import hourly, nan_until, needs_recordings, recorded_btc, same_bits, walk

LENGTHS = (5, 12, 26, 200)


def test_hand_worked() -> None:
    # n = 3: k = 2 / 4 = 0.5. First value (1 + 2 + 3) / 3 = 2; then 0.5 * 4 + 0.5 * 2 = 3; then 0.5 * 8 + 0.5 * 3 = 5.5.
    values, _ = run_batch(Ema(3), hourly([1.0, 2.0, 3.0, 4.0, 8.0]))
    assert values[:, 0].tolist() == pytest.approx(nan_until(2, [2.0, 3.0, 5.5]), nan_ok=True, rel=1e-15)


def test_close_to_ema_hand_worked() -> None:
    # The averages above are 2, 3, 5.5: 3 / 2 - 1 = 0.5; 4 / 3 - 1 = 1/3; 8 / 5.5 - 1 = 5/11.
    values, _ = run_batch(CloseToEma(3), hourly([1.0, 2.0, 3.0, 4.0, 8.0]))
    assert values[:, 0].tolist() == pytest.approx(nan_until(2, [0.5, 1 / 3, 5 / 11]), nan_ok=True, rel=1e-14)


def assert_equal_to_talib(bars: Bars, n: int) -> None:
    values, _ = run_batch(Ema(n), bars)
    expected = talib.EMA(bars.close, n)
    assert np.isnan(expected[: n - 1]).all()
    np.testing.assert_allclose(values[:, 0], expected, rtol=1e-9, atol=0.0)  # NaN must meet NaN
    ratio, _ = run_batch(CloseToEma(n), bars)
    np.testing.assert_allclose(ratio[:, 0], bars.close / expected - 1.0, rtol=0.0, atol=1e-9)


@pytest.mark.parametrize("n", LENGTHS)
def test_equal_to_talib_on_a_walk(n: int) -> None:
    assert_equal_to_talib(walk(5000, seed=n), n)


@needs_recordings
@pytest.mark.recorded
@pytest.mark.parametrize("n", LENGTHS)
def test_equal_to_talib_on_recorded_btc(n: int) -> None:
    assert_equal_to_talib(recorded_btc(), n)


def test_a_missing_bar_is_skipped() -> None:
    closes = walk(60).close
    whole, _ = run_batch(Ema(5), hourly(closes))
    holed, _ = run_batch(Ema(5), hourly(closes, hours=[*range(30), *range(70, 100)]))
    assert same_bits(whole, holed)


def test_a_bar_without_close_is_nan_and_the_average_goes_on() -> None:
    # As hand-worked above, with a bar of NaN before the last but one.
    values, _ = run_batch(Ema(3), hourly([1.0, 2.0, 3.0, math.nan, 4.0]))
    assert values[:, 0].tolist() == pytest.approx([*nan_until(2, [2.0]), math.nan, 3.0], nan_ok=True)
