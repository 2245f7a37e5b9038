"""Where the figures of an account probably lie: its bars drawn again in blocks, and its trades.

A figure of one history is one draw. Blocks of bars keep what neighbouring bars have in common, such as a calm week or
a position that is held for a day; trades are drawn in blocks of as many as fall into such a stretch of time.

>>> import numpy as np
>>> rng = np.random.default_rng(7)
>>> equity = 100 * np.exp(np.concatenate([[0], np.cumsum(rng.normal(0.001, 0.01, 500))]))
>>> trades = ClosedTrades(np.array([1.0, -1.0, 2.0]), np.array([60, 60, 120]))
>>> drawing = Drawing(block=24, samples=200, rng=rng)
>>> found = performance_intervals(equity, trades, interval_us=3_600_000_000, drawing=drawing)
>>> equity[-1] / equity[0] - 1 in found["total_return"], sorted(found)[:3]
(True, ['annual_return', 'average_trade_us', 'calmar'])
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from assay.domain.errors import BadInputError
from assay.measures.bootstrap import ConfidenceInterval, block_indices, percentile_interval
from assay.measures.performance import ClosedTrades, annual_return, sortino
from assay.measures.volatility import bars_per_year

OF_BARS = ("total_return", "annual_return", "sharpe", "sortino", "calmar", "max_drawdown")
OF_TRADES = ("win_rate", "average_trade_us")
_MOST_CELLS, _FEWEST_SAMPLES = 20_000_000, 200


@dataclass(frozen=True, slots=True, eq=False)
class Drawing:
    """How samples are drawn: rows in a block, how many samples, and from which randomness."""

    block: int
    samples: int
    rng: np.random.Generator
    level: float = 0.95


def performance_intervals(
    equity: NDArray[np.float64], trades: ClosedTrades, *, interval_us: int, drawing: Drawing
) -> dict[str, ConfidenceInterval]:
    """Return an interval of each figure that is an estimate; what was traded and paid is a fact and has none.

    Parameters
    ----------
    equity : ndarray of float64, shape (n_bars + 1,)
        What the account was worth before the first bar and at each close, in quote units.
    trades : ClosedTrades
    interval_us : int
        Length of a bar in microseconds.
    drawing : Drawing
        A block longer than the history is cut to it. Of very long histories fewer samples are drawn, 200 at least.

    Returns
    -------
    dict of str to ConfidenceInterval
        By the names of :class:`~assay.measures.performance.Performance`: :data:`OF_BARS`, :data:`OF_TRADES`. Both
        ends NaN where the figure does not exist, and for all of an account that was ruined.

    Raises
    ------
    BadInputError
        If there is no bar.
    """
    if equity.size < 2:
        raise BadInputError("intervals of an account without a bar", todo="give its worth before and after each bar")
    nothing = ConfidenceInterval(math.nan, math.nan, drawing.level)
    bars = equity.size - 1
    found = dict.fromkeys((*OF_BARS, *OF_TRADES), nothing)
    if (equity > 0).all():
        samples = min(drawing.samples, max(_FEWEST_SAMPLES, _MOST_CELLS // bars))
        drawn = block_indices(bars, block=min(drawing.block, bars), samples=samples, rng=drawing.rng)
        logs, per_year = np.diff(np.log(equity)), bars_per_year(interval_us)
        figures = np.array([_figures(logs[rows], per_year) for rows in drawn])
        found |= _intervals(OF_BARS, figures, drawing.level)
    if trades.pnl.size:
        count = trades.pnl.size
        block = min(max(1, round(count * drawing.block / bars)), count)
        drawn = block_indices(count, block=block, samples=drawing.samples, rng=drawing.rng)
        wins, lasted = (trades.pnl > 0).astype(np.float64), trades.duration_us.astype(np.float64)
        found |= _intervals(OF_TRADES, np.array([(wins[r].mean(), lasted[r].mean()) for r in drawn]), drawing.level)
    return found


def _intervals(names: tuple[str, ...], figures: NDArray[np.float64], level: float) -> dict[str, ConfidenceInterval]:
    return {name: percentile_interval(figures[:, at], level=level) for at, name in enumerate(names)}


def _figures(logs: NDArray[np.float64], per_year: float) -> tuple[float, ...]:
    """Return the figures :data:`OF_BARS` of one sample of log returns."""
    path = np.cumsum(logs)
    # The top that has been reached before, the beginning included.
    depth = math.expm1(float(np.min(path - np.maximum(np.maximum.accumulate(path), 0.0), initial=0.0)))
    growth = float(path[-1])
    annual = annual_return(math.exp(growth), logs.size / per_year)
    returns = np.expm1(logs)
    deviation = float(returns.std(ddof=1)) if returns.size > 1 else 0.0
    sharpe = float(returns.mean()) / deviation * math.sqrt(per_year) if deviation > 0 else math.nan
    calmar = annual / -depth if depth < 0 and math.isfinite(annual) else math.nan
    return math.expm1(growth), annual, sharpe, sortino(returns, periods_per_year=per_year), calmar, depth
