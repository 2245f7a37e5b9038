"""Returns against closed forms, a brute-force second implementation, and the cases where none exists."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from assay.domain.errors import BadInputError
from assay.measures.returns import follows, log_returns, simple_returns

HOUR = 3_600_000_000


def test_log_returns_of_exponential_growth_are_its_rate() -> None:
    bars = np.arange(50)
    result = log_returns(100 * np.exp(0.01 * bars), bars * HOUR, interval_us=HOUR, lag=3)
    assert np.isnan(result[:3]).all()
    np.testing.assert_allclose(result[3:], 0.03, rtol=1e-12)


def test_simple_return_is_exp_of_log_return_less_one() -> None:
    price = np.random.default_rng(1).uniform(1, 2, 30)
    times = np.arange(30) * HOUR
    expected = np.expm1(log_returns(price, times, interval_us=HOUR))
    np.testing.assert_allclose(simple_returns(price, times, interval_us=HOUR), expected, rtol=1e-9)


@given(
    steps=st.lists(st.sampled_from([HOUR // 2, HOUR, HOUR, HOUR, 3 * HOUR]), min_size=0, max_size=40),
    lag=st.integers(1, 5),
)
def test_return_exists_exactly_where_every_step_back_is_one_bar(steps: list[int], lag: int) -> None:
    times = np.cumsum([0, *steps])
    price = np.arange(1.0, times.size + 1)
    result = log_returns(price, times, interval_us=HOUR, lag=lag)
    for t in range(times.size):
        whole = t >= lag and all(steps[s] == HOUR for s in range(t - lag, t))
        if whole:
            assert result[t] == pytest.approx(math.log(price[t] / price[t - lag]), rel=1e-12)
        else:
            assert np.isnan(result[t])


def test_off_grid_bars_that_add_up_to_the_lag_give_no_return() -> None:
    # 0:00, 0:30, 2:00: two steps and two hours, but no bar follows another.
    assert not follows(np.array([0, HOUR // 2, 2 * HOUR]), interval_us=HOUR, lag=2).any()


def test_months_of_different_length_follow_each_other() -> None:
    day = 24 * HOUR
    opened = np.array([0, 31, 59, 121]) * day  # January, February, March, May of 1970: April is missing
    lengths = np.array([31, 28, 31, 31]) * day
    assert follows(opened, interval_us=lengths).tolist() == [False, True, True, False]


@pytest.mark.parametrize("bad", [0.0, -1.0, np.nan, np.inf])
def test_unusable_price_takes_its_two_returns_and_no_more(bad: float) -> None:
    price = np.array([1.0, 2.0, bad, 2.0, 4.0])
    result = simple_returns(price, np.arange(5) * HOUR, interval_us=HOUR)
    assert np.isnan(result).tolist() == [True, False, True, True, False]


def test_columns_of_a_panel_are_treated_one_by_one() -> None:
    price = np.array([[1.0, 10.0], [2.0, np.nan], [4.0, 40.0]])
    times = np.arange(3) * HOUR
    result = simple_returns(price, times, interval_us=HOUR)
    for j in range(2):
        np.testing.assert_array_equal(result[:, j], simple_returns(price[:, j], times, interval_us=HOUR))
    assert result[2, 0] == 1.0


def test_future_prices_do_not_change_past_returns() -> None:
    price = np.random.default_rng(2).uniform(1, 2, 30)
    times = np.arange(30) * HOUR
    whole = log_returns(price, times, interval_us=HOUR, lag=4)
    np.testing.assert_array_equal(whole[:20], log_returns(price[:20], times[:20], interval_us=HOUR, lag=4))


def test_lag_longer_than_the_series_gives_only_nan() -> None:
    assert np.isnan(log_returns(np.ones(3), np.arange(3) * HOUR, interval_us=HOUR, lag=9)).all()


def test_repeated_time_different_lengths_and_zero_lag_are_refused() -> None:
    with pytest.raises(BadInputError, match="must increase"):
        follows(np.array([0, 0]), interval_us=HOUR)
    with pytest.raises(BadInputError, match="differ in length"):
        log_returns(np.ones(3), np.arange(2), interval_us=1)
    with pytest.raises(BadInputError, match="at least one bar"):
        follows(np.arange(3), interval_us=1, lag=0)
