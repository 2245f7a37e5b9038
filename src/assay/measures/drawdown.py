"""How far below its past peak a value stands, and for how long.

>>> import numpy as np
>>> equity = np.array([100.0, 120.0, 90.0, 114.0, 126.0])
>>> drawdown(equity).round(3).tolist()
[0.0, 0.0, -0.25, -0.05, 0.0]
>>> worst_drawdown(equity)
Drawdown(depth=-0.25, peak=1, trough=2, recovery=4)
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from assay.domain.errors import BadInputError


@dataclass(frozen=True, slots=True)
class Drawdown:
    """One fall from a peak; positions are row numbers."""

    depth: float
    """Fraction of the peak, <= 0."""
    peak: int
    """Last row at the peak."""
    trough: int
    """First row at the lowest value."""
    recovery: int | None
    """First later row at or above the peak; ``None`` if that has not happened yet."""


def drawdown(equity: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return the distance of each value from the highest one so far.

    Parameters
    ----------
    equity : ndarray of float64, shape (n_bars,)
        Prices or account values, > 0.

    Returns
    -------
    ndarray of float64, shape (n_bars,)
        Fraction <= 0. Causal. NaN where `equity` is NaN; a NaN does not touch the peak.

    Raises
    ------
    BadInputError
        If a value is zero, negative or infinite: a fraction of it means nothing.

    Examples
    --------
    >>> drawdown(np.array([10.0, np.nan, 5.0])).tolist()
    [0.0, nan, -0.5]
    """
    wrong = (equity <= 0) | np.isinf(equity)
    if np.any(wrong):
        raise BadInputError("a drawdown needs positive, finite values", value=equity[wrong][0])
    return equity / np.fmax.accumulate(equity) - 1.0


def max_drawdown(equity: NDArray[np.float64]) -> float:
    """Return the deepest drawdown, a fraction <= 0; NaN if there is no value at all.

    Examples
    --------
    >>> max_drawdown(np.array([100.0, 50.0, 80.0]))
    -0.5
    """
    return float(np.fmin.reduce(drawdown(equity), initial=np.nan))


def worst_drawdown(equity: NDArray[np.float64]) -> Drawdown | None:
    """Return where the deepest drawdown began, bottomed and ended; the first of equals.

    ``None`` if `equity` holds no value. A series that never falls has depth 0 and begins, bottoms and ends at once.

    Examples
    --------
    >>> worst_drawdown(np.array([100.0, 50.0, 80.0]))
    Drawdown(depth=-0.5, peak=0, trough=1, recovery=None)
    """
    depths = drawdown(equity)
    if np.all(np.isnan(depths)):
        return None
    trough = int(np.nanargmin(depths))
    highest = np.fmax.accumulate(equity)[trough]
    peak = int(np.flatnonzero(equity[: trough + 1] == highest)[-1])
    back = np.flatnonzero(equity[trough:] >= highest)
    return Drawdown(float(depths[trough]), peak, trough, trough + int(back[0]) if back.size else None)


def worst_drawdowns(equity: NDArray[np.float64], *, most: int) -> tuple[Drawdown, ...]:
    """Return the deepest falls from a peak, the deepest first; none of them overlaps another.

    Parameters
    ----------
    equity : ndarray of float64, shape (n_bars,)
        > 0, without NaN.
    most : int

    Examples
    --------
    >>> worst_drawdowns(np.array([10.0, 9.0, 11.0, 5.0, 8.0]), most=2)[1]
    Drawdown(depth=-0.09999999999999998, peak=0, trough=1, recovery=2)
    """
    below = drawdown(equity) < 0
    edges = np.flatnonzero(np.diff(np.concatenate(([False], below, [False])).astype(np.int8)))
    found = []
    for start, end in zip(edges[::2].tolist(), edges[1::2].tolist(), strict=True):
        trough = start + int(np.argmin(equity[start:end]))
        depth = float(equity[trough] / equity[start - 1] - 1.0)
        found.append(Drawdown(depth, start - 1, trough, end if end < equity.size else None))
    return tuple(sorted(found, key=lambda one: one.depth)[:most])


def longest_drawdown(equity: NDArray[np.float64]) -> int:
    """Return the largest number of consecutive rows below a past peak.

    A NaN row neither ends the stretch nor counts.

    Examples
    --------
    >>> longest_drawdown(np.array([100.0, 90.0, 95.0, 100.0, 99.0]))
    2
    """
    depths = drawdown(equity)
    below = depths[~np.isnan(depths)] < 0
    edges = np.flatnonzero(np.diff(np.concatenate(([False], below, [False])).astype(np.int8)))
    return int(np.max(edges[1::2] - edges[::2], initial=0))
