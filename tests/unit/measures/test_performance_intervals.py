"""Intervals of an account's figures, against the figures themselves and a slow second way."""

from __future__ import annotations

import math

import numpy as np
import pytest

from assay.domain.errors import BadInputError
from assay.measures.bootstrap import block_indices, percentile_interval
from assay.measures.performance import ClosedTrades, performance
from assay.measures.performance_intervals import OF_BARS, OF_TRADES, Drawing, performance_intervals

HOUR_US = 3_600_000_000
NO_TRADES = ClosedTrades(np.empty(0), np.empty(0, dtype=np.int64))


def drawing(samples: int = 40, block: int = 12) -> Drawing:
    return Drawing(block, samples, np.random.default_rng(5))


def test_intervals_are_those_of_the_figures_of_each_sample() -> None:
    rng = np.random.default_rng(3)
    equity = 1_000 * np.exp(np.concatenate([[0.0], np.cumsum(rng.normal(0.0005, 0.01, 200))]))
    found = performance_intervals(equity, NO_TRADES, interval_us=HOUR_US, drawing=drawing())
    returns = equity[1:] / equity[:-1]
    samples = []
    for rows in block_indices(200, block=12, samples=40, rng=np.random.default_rng(5)):
        worth = np.concatenate([[1.0], np.cumprod(returns[rows])])
        samples.append(
            performance(
                worth, NO_TRADES, interval_us=HOUR_US, traded=0.0, fees=0.0, is_exposed=np.zeros(200, dtype=np.bool_)
            )
        )
    for name in OF_BARS:
        expected = percentile_interval(np.array([getattr(one, name) for one in samples]))
        assert (found[name].low, found[name].high) == pytest.approx((expected.low, expected.high), rel=1e-9), name
    assert all(math.isnan(found[name].low) for name in OF_TRADES)


def test_trades_that_all_won_leave_no_doubt_about_that_and_some_about_how_long() -> None:
    trades = ClosedTrades(np.full(30, 2.0), np.arange(1, 31) * HOUR_US)
    found = performance_intervals(np.linspace(100, 110, 90), trades, interval_us=HOUR_US, drawing=drawing())
    assert (found["win_rate"].low, found["win_rate"].high) == (1.0, 1.0)
    assert found["average_trade_us"].low < 15.5 * HOUR_US < found["average_trade_us"].high


def test_ruin_and_standing_still_have_no_ratio() -> None:
    ruined = performance_intervals(np.array([1.0, 0.5, 0.0]), NO_TRADES, interval_us=HOUR_US, drawing=drawing())
    assert all(math.isnan(one.low) for one in ruined.values())
    still = performance_intervals(np.full(50, 7.0), NO_TRADES, interval_us=HOUR_US, drawing=drawing())
    assert (still["total_return"].low, still["total_return"].high) == (0.0, 0.0)
    assert math.isnan(still["sharpe"].low)
    assert math.isnan(still["calmar"].high)


def test_an_account_without_a_bar_is_refused() -> None:
    with pytest.raises(BadInputError, match="without a bar"):
        performance_intervals(np.ones(1), NO_TRADES, interval_us=HOUR_US, drawing=drawing())
