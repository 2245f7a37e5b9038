from __future__ import annotations

import numpy as np
import pytest
import talib
from hypothesis import given
from hypothesis import strategies as st

from assay.features.drivers import run_batch
from assay.features.indicators.rsi import Rsi
from tests.unit.features.made_bars import hourly, nan_until, needs_recordings, recorded_btc, walk

LENGTHS = (2, 14, 30)


def test_hand_worked() -> None:
    # n = 2, changes +2, -1, +3. After two: G = 2/2 = 1, L = 1/2, 100 * 1 / 1.5 = 66.67.
    # Then G = (1 + 3) / 2 = 2, L = (0.5 + 0) / 2 = 0.25, 100 * 2 / 2.25 = 88.89.
    values, _ = run_batch(Rsi(2), hourly([10.0, 12.0, 11.0, 14.0]))
    assert values[:, 0].tolist() == pytest.approx(nan_until(2, [200 / 3, 800 / 9]), nan_ok=True, rel=1e-14)


@pytest.mark.parametrize("n", LENGTHS)
def test_equal_to_talib_on_a_walk(n: int) -> None:
    bars = walk(5000, seed=n)
    np.testing.assert_allclose(run_batch(Rsi(n), bars)[0][:, 0], talib.RSI(bars.close, n), rtol=1e-9, atol=1e-9)


@needs_recordings
@pytest.mark.recorded
@pytest.mark.parametrize("n", LENGTHS)
def test_equal_to_talib_on_recorded_btc(n: int) -> None:
    bars = recorded_btc()
    np.testing.assert_allclose(run_batch(Rsi(n), bars)[0][:, 0], talib.RSI(bars.close, n), rtol=1e-9, atol=1e-9)


@pytest.mark.parametrize(
    ("closes", "expected"),
    [([5.0] * 20, 0.0), (list(range(1, 21)), 100.0), (list(range(20, 0, -1)), 0.0)],
    ids=["flat", "rising", "falling"],
)
def test_extreme_series_as_talib(closes: list[float], expected: float) -> None:
    bars = hourly(closes)
    values, _ = run_batch(Rsi(14), bars)
    assert values[14:, 0].tolist() == [expected] * 6
    assert values[14:, 0].tolist() == talib.RSI(bars.close, 14)[14:].tolist()


@given(st.lists(st.floats(1e-6, 1e6), min_size=4, max_size=40))
def test_never_outside_0_to_100(closes: list[float]) -> None:
    settled = run_batch(Rsi(2), hourly(closes))[0][2:, 0]
    assert ((settled >= 0.0) & (settled <= 100.0)).all()


def test_a_missing_bar_is_skipped() -> None:
    closes = walk(60).close
    holed, _ = run_batch(Rsi(5), hourly(closes, hours=[*range(30), *range(70, 100)]))
    np.testing.assert_array_equal(holed, run_batch(Rsi(5), hourly(closes))[0])
