from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from assay.domain.interval import Interval
from assay.features.bars import Bars, close_times
from assay.features.drivers import run_batch
from assay.features.indicators.log_return import LogReturn
from tests.unit.features.made_bars import HOUR, hourly, needs_recordings, recorded_btc


def test_hand_worked() -> None:
    values, _ = run_batch(LogReturn(2), hourly([1.0, 2.0, 4.0, 1.0]))
    assert values[:, 0].tolist() == pytest.approx([math.nan, math.nan, math.log(4), math.log(0.5)], nan_ok=True)


def test_no_return_over_a_missing_bar() -> None:
    # Hour 3 is missing: two bars ago is known again from hour 6 on, where it is hour 4.
    values, _ = run_batch(LogReturn(2), hourly([1.0, 2.0, 4.0, 16.0, 32.0, 48.0], hours=[0, 1, 2, 4, 5, 6]))
    expected = [math.nan, math.nan, math.log(4), math.nan, math.nan, math.log(3)]
    assert values[:, 0].tolist() == pytest.approx(expected, nan_ok=True)


def test_months_of_different_length_follow_one_another() -> None:
    opened = np.array(["2024-01", "2024-02", "2024-03", "2024-05"], dtype="datetime64[M]").astype("datetime64[us]")
    times = opened.astype(np.int64)
    price = np.array([1.0, 2.0, 8.0, 16.0])
    bars = Bars(times, close_times(times, Interval.parse("1M")), price, price, price, price, volume=price)
    values, _ = run_batch(LogReturn(1), bars)
    assert values[:, 0].tolist() == pytest.approx([math.nan, math.log(2), math.log(4), math.nan], nan_ok=True)


def test_an_off_grid_bar_breaks_the_run() -> None:
    opened = np.array([0, HOUR, 2 * HOUR + 60_000_000, 3 * HOUR + 60_000_000])
    price = np.array([1.0, 2.0, 4.0, 8.0])
    bars = Bars(opened, opened + HOUR, price, price, price, price, volume=price)
    assert run_batch(LogReturn(1), bars)[0][:, 0].tolist() == pytest.approx(
        [math.nan, math.log(2), math.nan, math.log(2)], nan_ok=True
    )


@pytest.mark.parametrize("close", [0.0, -1.0])
def test_a_price_that_is_not_positive_has_no_logarithm(close: float) -> None:
    values, _ = run_batch(LogReturn(1), hourly([1.0, close, 1.0, 2.0]))
    assert values[:, 0].tolist() == pytest.approx([math.nan, math.nan, math.nan, math.log(2)], nan_ok=True)


def by_looking_it_up(bars: Bars, n: int) -> list[float]:
    """Brute force: the close n bars before is that of the bar n hours before, and every bar between is there."""
    close = dict(zip(bars.open_time.tolist(), bars.close.tolist(), strict=True))
    rows = []
    for opened, now in close.items():
        is_whole = all(opened - lag * HOUR in close for lag in range(n + 1))
        rows.append(math.log(now / close[opened - n * HOUR]) if is_whole else math.nan)
    return rows


@given(
    st.lists(st.tuples(st.floats(0.1, 10.0), st.sampled_from([1, 1, 1, 1, 2, 5])), max_size=50),
    st.integers(1, 6),
)
def test_equal_to_brute_force(rows: list[tuple[float, int]], n: int) -> None:
    hours = np.cumsum([skip for _, skip in rows], dtype=np.int64).tolist()
    bars = hourly([close for close, _ in rows], hours=hours)
    values = run_batch(LogReturn(n), bars)[0][:, 0]
    np.testing.assert_allclose(values, by_looking_it_up(bars, n), rtol=0.0, atol=1e-15)


@needs_recordings
@pytest.mark.recorded
@pytest.mark.parametrize("n", [1, 6, 24])
def test_equal_to_brute_force_on_recorded_btc(n: int) -> None:
    bars = recorded_btc()
    values = run_batch(LogReturn(n), bars)[0][:, 0]
    np.testing.assert_allclose(values, by_looking_it_up(bars, n), rtol=0.0, atol=1e-15)
    # n rows at the start; then n after each of the 27 holes, less where the next hole comes sooner.
    assert n == 24 or np.isnan(values).sum() == n * 28
