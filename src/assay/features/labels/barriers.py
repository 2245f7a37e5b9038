"""The triple barrier: which is reached first, a price above, a price below, or the end of the time.

The two prices lie a multiple of the volatility away from the close, so that "far" means the same in calm and in wild
weeks. Reference: López de Prado (2018), "Advances in Financial Machine Learning", chapter 3.

>>> from assay.features.bars import Bars
>>> hour, flat = 3_600_000_000, np.array([100.0, 100.0, 100.0, 100.0])
>>> opened = np.arange(4) * hour
>>> bars = Bars(opened, opened + hour, flat, np.array([100.0, 101.0, 104.0, 100.0]), flat, flat, volume=flat)
>>> rule = Barriers(horizon_us=2 * hour, interval_us=hour, upper=1.5, lower=1.5)
>>> made = triple_barrier_label(bars, np.full(4, 0.02), rule)
>>> made.label.value.tolist(), ((made.label.span_end - made.label.span_start) // hour).tolist()
([1.0, 1.0, nan, nan], [2, 1, 2, 2])
"""

from __future__ import annotations

import functools
from collections.abc import Callable
from dataclasses import dataclass
from typing import cast

import numpy as np
from numpy.typing import NDArray

from assay.domain.errors import BadInputError
from assay.features.bars import Bars, FloatArray, IntArray
from assay.features.compile import compile_loop
from assay.features.labels.horizons import check_bars
from assay.features.labels.label import Label

_Prices = tuple[FloatArray, FloatArray, FloatArray]
_Found = tuple[FloatArray, IntArray, NDArray[np.bool_]]
_Times = tuple[IntArray, NDArray[np.bool_]]
_Scan = Callable[[_Times, _Prices, tuple[FloatArray, FloatArray], tuple[int, int]], _Found]


@dataclass(frozen=True, slots=True)
class Barriers:
    """How far away the barriers lie.

    Attributes
    ----------
    horizon_us : int
        Microseconds until the vertical barrier; a positive multiple of the bar length.
    interval_us : int
        Length of a bar in microseconds.
    upper, lower : float
        Multiples of the volatility, on a logarithmic scale: the upper barrier of a close c is
        ``c * exp(upper * volatility)``, the lower one ``c * exp(-lower * volatility)``. 0: there is no such barrier.

    Raises
    ------
    BadInputError
        If a multiple is negative or not a number, or there is neither of the two.
    """

    horizon_us: int
    interval_us: int
    upper: float
    lower: float

    def __post_init__(self) -> None:
        if not (0 <= self.upper < np.inf and 0 <= self.lower < np.inf) or self.upper == self.lower == 0:
            todo = "give multiples of the volatility that are not negative, at least one above 0"
            raise BadInputError("no such barriers", value=f"{self.upper}, {self.lower}", todo=todo)


@dataclass(frozen=True, slots=True, eq=False)
class TripleBarrier:
    """Labels, and the barriers behind them.

    Attributes
    ----------
    label : Label
        1 where the upper barrier was reached first, -1 for the lower one, 0 for neither within the horizon. Its span
        ends with the bar that reached the barrier: from then on the answer is known, whatever the horizon.
    upper, lower : float64 array, shape (n_bars,)
        Prices in quote units; infinite and 0 where there is no such barrier, NaN where the volatility is not known.
    is_ambiguous : bool array, shape (n_bars,)
        Whether one bar reached both and did not open beyond either, so that nobody can tell which came first. Such a
        label is -1: a holder is taken to have lost.
    """

    label: Label
    upper: FloatArray
    lower: FloatArray
    is_ambiguous: NDArray[np.bool_]


def triple_barrier_label(
    bars: Bars, volatility: FloatArray, rule: Barriers, *, is_closed: NDArray[np.bool_] | None = None
) -> TripleBarrier:
    """Say which barrier is reached first after each bar's close.

    Highs and lows count, not closes alone: whoever holds a stop is stopped out inside a bar. A bar that opens beyond a
    barrier has reached that one first. The path must be there: where a bar is missing, may still change, or has a NaN
    among open, high and low before a barrier is reached, the label is undefined, and so it is where the data end.

    Parameters
    ----------
    bars : Bars
        Of one series.
    volatility : float64 array, shape (n_bars,)
        Standard deviation of the logarithmic return over whatever time a multiple is meant for, as known at each
        bar's close: this function cannot see whether it is. Where it is NaN or not positive, the label is undefined.
    rule : Barriers
    is_closed : ndarray of bool, shape (n_bars,), optional
        False for bars that may still change.

    Returns
    -------
    TripleBarrier
        Not causal by design: a row uses bars that close in ``(span_start, span_end]`` and what was known at
        ``span_start``. Undefined rows carry the span up to the horizon.

    Raises
    ------
    BadInputError
        If the bars are not of the length that the rule says, the horizon is no multiple of it, or lengths differ.
    """
    check_bars(bars.open_time, bars.close, rule.horizon_us, rule.interval_us)
    if volatility.shape != bars.close.shape:
        raise BadInputError("a volatility is needed for each bar", value=f"{volatility.shape}, {bars.close.shape}")
    if np.any(bars.close_time - bars.open_time != rule.interval_us):
        todo = "bars that differ in length (months) have no such label"
        raise BadInputError("bars of another length than the barriers are for", value=rule.interval_us, todo=todo)
    there = np.isfinite(bars.open) & np.isfinite(bars.high) & np.isfinite(bars.low)
    known = np.isfinite(bars.close) & (bars.close > 0) & np.isfinite(volatility) & (volatility > 0)
    if is_closed is not None:
        there, known = there & is_closed, known & is_closed
    distance = np.where(known, volatility, np.nan)
    upper = _barrier(bars.close, rule.upper * distance, otherwise=np.inf)
    lower = _barrier(bars.close, -rule.lower * distance, otherwise=0.0)
    value, end, is_ambiguous = _compiled()(
        (bars.open_time, there),
        (bars.open, bars.high, bars.low),
        (upper, lower),
        (rule.interval_us, rule.horizon_us),
    )
    # A label that is not known, and one that neither barrier decides, reach to the horizon.
    ends = np.where(end < 0, bars.close_time + rule.horizon_us, bars.close_time[end])
    return TripleBarrier(Label(value, bars.close_time, ends), upper, lower, is_ambiguous)


def first_touch(
    times: _Times,
    prices: _Prices,
    barriers: tuple[FloatArray, FloatArray],
    lengths: tuple[int, int],
) -> _Found:
    """Return label, row of the bar that decided it (-1: none did) and ambiguity; compiled before it is run.

    `times` are open times and which bars can be used, `prices` open, high and low, `lengths` those of a bar and of the
    horizon in microseconds.
    """
    open_time, there = times
    opened, high, low = prices
    upper, lower = barriers
    count = open_time.size
    value = np.full(count, np.nan)
    end = np.full(count, -1, dtype=np.int64)
    is_ambiguous = np.zeros(count, dtype=np.bool_)
    interval, horizon = lengths
    steps = horizon // interval
    for row in range(count):
        above, below = upper[row], lower[row]
        if np.isnan(above) or np.isnan(below):
            continue
        for step in range(1, steps + 1):
            at = row + step
            if at >= count or not there[at] or open_time[at] - open_time[row] != step * interval:
                break
            if opened[at] >= above or opened[at] <= below:
                value[row] = 1.0 if opened[at] >= above else -1.0
            elif low[at] <= below:
                value[row] = -1.0
                is_ambiguous[row] = high[at] >= above
            elif high[at] >= above:
                value[row] = 1.0
            elif step == steps:
                value[row] = 0.0
            else:
                continue
            end[row] = at
            break
    return value, end, is_ambiguous


def _barrier(close: FloatArray, distance: FloatArray, *, otherwise: float) -> FloatArray:
    """Return the price that lies `distance` from each close; `otherwise` where the distance is no distance."""
    with np.errstate(over="ignore"):  # a barrier beyond all prices is one that is never reached
        price = close * np.exp(distance)
    return np.where(distance == 0.0, otherwise, price)


@functools.cache
def _compiled() -> _Scan:
    return cast("_Scan", compile_loop(first_touch, "first_touch", {}))
