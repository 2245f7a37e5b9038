from __future__ import annotations

import math

import numpy as np
import pytest

from assay.domain.errors import BadInputError
from assay.measures.performance import ClosedTrades, Performance, annual_return, performance, sortino
from assay.measures.position_size import volatility_target

DAY = 86_400_000_000
NO_TRADES = ClosedTrades(np.zeros(0), np.zeros(0, dtype=np.int64))


def figures(equity: list[float], trades: ClosedTrades = NO_TRADES) -> Performance:
    held = np.zeros(len(equity) - 1, dtype=np.bool_)
    return performance(np.array(equity), trades, interval_us=DAY, traded=0.0, fees=0.0, is_exposed=held)


def test_ratios_are_annualised_for_a_market_of_365_days() -> None:
    # Returns of +2 %, -1 %, +2 %, -1 %: mean 0.5 %, standard deviation (divisor 3) of 1.5 % * sqrt(4 / 3).
    found = figures([100.0, 102.0, 100.98, 102.9996, 101.969604])
    assert found.sharpe == pytest.approx(0.005 / (0.015 * math.sqrt(4 / 3)) * math.sqrt(365))
    # What fell short: twice 1 % in four days.
    assert found.sortino == pytest.approx(0.005 / math.sqrt(2 * 0.01**2 / 4) * math.sqrt(365))
    assert found.max_drawdown == pytest.approx(-0.01)
    assert found.annual_return == pytest.approx(1.01969604 ** (365 / 4) - 1)
    assert found.calmar == pytest.approx(found.annual_return / 0.01)


def test_account_that_did_nothing_has_no_ratio() -> None:
    found = figures([100.0, 100.0, 100.0])
    assert (found.total_return, found.max_drawdown, found.exposure, found.trades) == (0.0, 0.0, 0.0, 0)
    for figure in (found.sharpe, found.sortino, found.calmar, found.win_rate, found.average_trade_us):
        assert math.isnan(figure)


def test_account_that_lost_everything_is_down_by_all_of_it() -> None:
    found = figures([100.0, 50.0, -10.0])
    assert (found.annual_return, found.max_drawdown) == (-1.0, -1.0)
    assert found.total_return == pytest.approx(-1.1)
    assert math.isnan(found.sharpe)


def test_trade_that_earned_nothing_is_no_win() -> None:
    found = figures([100.0, 101.0], ClosedTrades(np.array([1.0, 0.0, -1.0, 2.0]), np.array([DAY, DAY, DAY, 5 * DAY])))
    assert (found.trades, found.win_rate, found.average_trade_us) == (4, 0.5, 2.0 * DAY)


def test_good_day_every_day_is_infinite_and_no_overflow() -> None:
    assert annual_return(10.0, 1e-6) == math.inf
    assert math.isnan(sortino(np.array([0.1, 0.2]), periods_per_year=365))


@pytest.mark.parametrize("equity", [[100.0], [0.0, 1.0], [100.0, math.nan]])
def test_worth_that_is_no_number_is_refused(equity: list[float]) -> None:
    with pytest.raises(BadInputError, match="an account's worth must be finite"):
        figures(equity)


def test_volatility_that_is_not_known_gives_no_size() -> None:
    sizes = volatility_target(np.array([math.nan, 0.0, -0.1, 0.5]), target=0.1)
    assert np.isnan(sizes[:3]).all()
    assert sizes[3] == 0.2
    with pytest.raises(BadInputError, match="above zero"):
        volatility_target(np.array([0.5]), target=0.0)
