"""Volatility against closed forms and hand-worked numbers."""

from __future__ import annotations

import math

import numpy as np
import pytest

from assay.domain.errors import BadInputError
from assay.measures.volatility import bars_per_year, realised_volatility, rolling_volatility, sample_volatility

HOUR = 3_600_000_000


def test_year_of_hours_and_minutes_never_closes() -> None:
    assert bars_per_year(HOUR) == 24 * 365
    assert bars_per_year(HOUR // 60) == 60 * 24 * 365


def test_constant_move_of_one_percent_an_hour_is_known_in_closed_form() -> None:
    moves = np.array([0.01, -0.01] * 50)
    assert realised_volatility(moves, interval_us=HOUR) == pytest.approx(0.01 * math.sqrt(8760), rel=1e-12)


def test_sample_volatility_hand_worked() -> None:
    # mean 0.02; squared distances 0.0001, 0, 0.0001; over n - 1 = 2: 0.0001; root 0.01; a day: times sqrt(365)
    result = sample_volatility(np.array([0.01, 0.02, 0.03]), interval_us=24 * HOUR)
    assert result == pytest.approx(0.01 * math.sqrt(365), rel=1e-12)


def test_simulated_returns_give_back_their_volatility() -> None:
    # A year of hours with 60 % a year: the standard error of the estimate is 0.6 / sqrt(2 * 8760) = 0.0045.
    moves = np.random.default_rng(3).normal(0, 0.6 / math.sqrt(8760), 8760)
    assert realised_volatility(moves, interval_us=HOUR) == pytest.approx(0.6, abs=4 * 0.0045)
    assert sample_volatility(moves, interval_us=HOUR) == pytest.approx(0.6, abs=4 * 0.0045)


def test_gap_is_absent_and_not_a_quiet_hour() -> None:
    with_gap = np.array([np.nan, 0.01, np.nan, 0.03])
    without = np.array([0.01, 0.03])
    assert realised_volatility(with_gap, interval_us=HOUR) == realised_volatility(without, interval_us=HOUR)
    assert sample_volatility(with_gap, interval_us=HOUR) == sample_volatility(without, interval_us=HOUR)


def test_too_few_returns_have_no_volatility() -> None:
    assert math.isnan(realised_volatility(np.array([np.nan]), interval_us=HOUR))
    assert math.isnan(sample_volatility(np.array([0.01]), interval_us=HOUR))


def test_rolling_equals_each_window_taken_alone_and_a_gap_blanks_its_windows() -> None:
    moves = np.random.default_rng(4).normal(size=40)
    moves[20] = np.nan
    result = rolling_volatility(moves, interval_us=HOUR, window=6)
    for t in range(40):
        window = moves[max(0, t - 5) : t + 1]
        if t < 5 or np.isnan(window).any():
            assert np.isnan(result[t])
        else:
            assert result[t] == pytest.approx(sample_volatility(window, interval_us=HOUR), rel=1e-12)


def test_rolling_over_fewer_rows_than_a_window_is_all_nan() -> None:
    assert np.isnan(rolling_volatility(np.ones(3), interval_us=HOUR, window=4)).all()


def test_window_of_one_and_bar_of_no_length_are_refused() -> None:
    with pytest.raises(BadInputError, match="two rows"):
        rolling_volatility(np.ones(3), interval_us=HOUR, window=1)
    with pytest.raises(BadInputError, match="longer than nothing"):
        bars_per_year(0)
