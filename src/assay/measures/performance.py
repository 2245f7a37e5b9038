"""What an account earned, how rough the way was, and what it cost: figures of a market that never closes.

A year has 365 days of 24 hours. Ratios are of the returns of single bars, annualised by the root of time.

>>> import numpy as np
>>> day = 86_400_000_000
>>> trades = ClosedTrades(np.array([10.0, -5.0]), np.array([day, 3 * day]))
>>> equity = np.array([100.0, 110.0, 105.0])
>>> found = performance(equity, trades, interval_us=day, traded=430.0, fees=1.0, is_exposed=np.array([True, False]))
>>> round(found.total_return, 3), round(found.max_drawdown, 4), found.win_rate, found.average_trade_us == 2 * day
(0.05, -0.0455, 0.5, True)
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from assay.domain.errors import BadInputError
from assay.measures.drawdown import max_drawdown
from assay.measures.sharpe import annualised, sharpe_ratio
from assay.measures.volatility import bars_per_year


@dataclass(frozen=True, slots=True, eq=False)
class ClosedTrades:
    """Of each trade, what it earned net of its costs, in quote units, and how long it lasted, in microseconds."""

    pnl: NDArray[np.float64]
    duration_us: NDArray[np.int64]


@dataclass(frozen=True, slots=True)
class Performance:
    """The figures of an account over a period; NaN where a figure does not exist."""

    total_return: float
    """As a fraction of what the account was worth before."""
    annual_return: float
    """The same a year, compounded; -1 for an account that ended with nothing."""
    sharpe: float
    """Annualised; NaN if nothing varied or the account was ruined."""
    sortino: float
    """Annualised mean over the root mean square of the losses."""
    calmar: float
    """Annual return over the depth of the worst drawdown; NaN without one."""
    max_drawdown: float
    """Fraction <= 0; -1 at the most."""
    trades: int
    win_rate: float
    """Part of the trades that earned more than they cost; NaN without a trade."""
    average_trade_us: float
    """Microseconds; NaN without a trade."""
    turnover: float
    """Quote units traded a year over the mean worth of the account."""
    fees: float
    """Quote units."""
    exposure: float
    """Part of the closes at which something was held."""


def performance(  # the period, what was traded in it, and how long its bars are
    equity: NDArray[np.float64],
    trades: ClosedTrades,
    *,
    interval_us: int,
    traded: float,
    fees: float,
    is_exposed: NDArray[np.bool_],
) -> Performance:
    """Return the figures of an account.

    Parameters
    ----------
    equity : ndarray of float64, shape (n_bars + 1,)
        What the account was worth before the first bar and at each close, in quote units.
    trades : ClosedTrades
    interval_us : int
        Length of a bar in microseconds.
    traded : float
        Sum of the absolute values of all fills, in quote units.
    fees : float
        Quote units.
    is_exposed : ndarray of bool, shape (n_bars,)
        Whether anything was held at a close.

    Raises
    ------
    BadInputError
        If a value is not finite or the account had nothing to begin with.
    """
    if equity.size < 2 or not np.all(np.isfinite(equity)) or equity[0] <= 0:
        todo = "give what it was worth before the first bar and at each close"
        raise BadInputError("an account's worth must be finite, and above zero at first", todo=todo)
    per_year = bars_per_year(interval_us)
    years = (equity.size - 1) / per_year
    growth = float(equity[-1] / equity[0])
    returns, depth = _returns(equity), depth_of(equity)
    annual = annual_return(growth, years)
    return Performance(
        total_return=growth - 1.0,
        annual_return=annual,
        sharpe=sharpe_of(equity, interval_us=interval_us),
        sortino=sortino(returns, periods_per_year=per_year) if returns.size > 1 else math.nan,
        calmar=annual / -depth if depth < 0 else math.nan,
        max_drawdown=depth,
        trades=int(trades.pnl.size),
        win_rate=float((trades.pnl > 0).mean()) if trades.pnl.size else math.nan,
        average_trade_us=float(trades.duration_us.mean()) if trades.pnl.size else math.nan,
        turnover=traded / years / float(equity.mean()) if equity.mean() > 0 else math.nan,
        fees=fees,
        exposure=float(is_exposed.mean()),
    )


def sharpe_of(equity: NDArray[np.float64], *, interval_us: int) -> float:
    """Return the annualised Sharpe ratio of an account; NaN if nothing varied, it was ruined, or there is one bar.

    Parameters
    ----------
    equity : ndarray of float64, shape (n_bars + 1,)
        As :func:`performance` takes it.
    interval_us : int
        Length of a bar in microseconds.
    """
    returns = _returns(equity)
    ratio = sharpe_ratio(returns) if returns.size > 1 else math.nan
    return annualised(ratio, periods_per_year=bars_per_year(interval_us))


def depth_of(equity: NDArray[np.float64]) -> float:
    """Return the deepest drawdown of an account, a fraction <= 0; -1 if it was ruined."""
    return max_drawdown(equity) if equity.min() > 0 else -1.0


def _returns(equity: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return the return of each bar; none of an account that was ruined."""
    return equity[1:] / equity[:-1] - 1.0 if equity.min() > 0 else np.zeros(0)


def annual_return(growth: float, years: float) -> float:
    """Return the yearly rate that compounds to `growth` (end over start); -1 if nothing is left.

    Over a fraction of a year this may be infinite: a good day, every day.

    Examples
    --------
    >>> round(annual_return(1.21, 2.0), 12)
    0.1
    """
    if growth <= 0:
        return -1.0
    exponent = math.log(growth) / years
    return math.expm1(exponent) if exponent < 700 else math.inf


def sortino(returns: NDArray[np.float64], *, periods_per_year: float, wanted: float = 0.0) -> float:
    """Return the annualised Sortino ratio: mean over the root mean square of what fell short.

    Parameters
    ----------
    returns : ndarray of float64, shape (n,)
        Simple returns of consecutive bars; all of them, gains as zeros, are in the divisor of the mean square.
    periods_per_year : float
    wanted : float, default 0.0
        Return of a period below which it fell short.

    Returns
    -------
    float
        NaN if nothing fell short.

    References
    ----------
    Sortino, van der Meer (1991), "Downside risk".

    Examples
    --------
    >>> round(sortino(np.array([0.02, -0.01, 0.03, -0.02]), periods_per_year=4), 6)
    0.894427
    """
    short = np.minimum(returns - wanted, 0.0)
    deviation = math.sqrt(float(np.mean(short**2)))
    return float(np.mean(returns) - wanted) / deviation * math.sqrt(periods_per_year) if deviation > 0 else math.nan
