"""Returns that exist: a return over a missing bar is not a number.

A plain difference of neighbouring rows silently turns a 33-hour outage into one hourly return. Here the times decide:
a return over `lag` bars is given only where those bars follow each other without a break.

>>> import numpy as np
>>> hour = 3_600_000_000
>>> opened = np.array([0, 1, 2, 5, 6]) * hour
>>> price = np.array([100.0, 110.0, 99.0, 120.0, 126.0])
>>> simple_returns(price, opened, interval_us=hour).round(4).tolist()
[nan, 0.1, -0.1, nan, 0.05]
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from assay.domain.errors import BadInputError


def follows(open_time: NDArray[np.int64], *, interval_us: int | NDArray[np.int64], lag: int = 1) -> NDArray[np.bool_]:
    """Say for each row whether it and the `lag` rows before it are consecutive bars.

    Parameters
    ----------
    open_time : ndarray of int64, shape (n_bars,)
        Open times in microseconds, strictly increasing.
    interval_us : int or ndarray of int64, shape (n_bars,)
        Length of a bar in microseconds; an array when bars differ in length (months).
    lag : int, default 1
        How many steps back must be unbroken.

    Returns
    -------
    ndarray of bool, shape (n_bars,)
        False in the first `lag` rows.

    Raises
    ------
    BadInputError
        If the times do not increase, or `lag` is less than one.

    Examples
    --------
    >>> follows(np.array([0, 10, 20, 40]), interval_us=10).tolist()
    [False, True, True, False]
    """
    if lag < 1:
        raise BadInputError("a lag must be at least one bar", value=lag)
    steps = np.diff(open_time)
    if np.any(steps <= 0):
        raise BadInputError("open times must increase", value=open_time[1:][steps <= 0][0], todo="sort and deduplicate")
    length = np.broadcast_to(np.asarray(interval_us, dtype=np.int64), open_time.shape)
    # Counting breaks, rather than comparing the two ends, is right for off-grid times too: 0:00, 0:30, 2:00 spans two
    # hours in two steps and yet no two of these bars are neighbours.
    breaks = np.zeros(open_time.size, dtype=np.int64)
    breaks[1:] = np.cumsum(steps != length[:-1])
    result = np.zeros(open_time.size, dtype=np.bool_)
    result[lag:] = breaks[lag:] == breaks[:-lag]
    return result


def log_returns(
    price: NDArray[np.float64],
    open_time: NDArray[np.int64],
    *,
    interval_us: int | NDArray[np.int64],
    lag: int = 1,
) -> NDArray[np.float64]:
    """Return ``log(price[t] / price[t - lag])``, or NaN where that return does not exist.

    Parameters
    ----------
    price : ndarray of float64, shape (n_bars,) or (n_bars, n_assets)
        Prices in quote units.
    open_time : ndarray of int64, shape (n_bars,)
        Open times in microseconds, strictly increasing.
    interval_us : int or ndarray of int64, shape (n_bars,)
        Length of a bar in microseconds.
    lag : int, default 1
        Bars from the earlier price to the later.

    Returns
    -------
    ndarray of float64, shape of `price`
        Causal: row t uses rows t and t - lag. NaN in the first `lag` rows, across a gap, and where either price is
        NaN, infinite or not positive.

    Raises
    ------
    BadInputError
        If the lengths differ, the times do not increase, or `lag` is less than one.

    Examples
    --------
    >>> log_returns(np.array([1.0, np.e, np.e]), np.array([0, 10, 20]), interval_us=10).tolist()
    [nan, 1.0, 0.0]
    """
    earlier, later = _pairs(price, open_time, interval_us, lag)
    result = np.full(price.shape, np.nan)
    result[lag:] = np.log(later / earlier)
    return result


def simple_returns(
    price: NDArray[np.float64],
    open_time: NDArray[np.int64],
    *,
    interval_us: int | NDArray[np.int64],
    lag: int = 1,
) -> NDArray[np.float64]:
    """Return ``price[t] / price[t - lag] - 1``, or NaN where that return does not exist.

    Parameters, shapes, the NaN rule and Raises are those of :func:`log_returns`.

    Examples
    --------
    >>> simple_returns(np.array([100.0, 150.0]), np.array([0, 10]), interval_us=10).tolist()
    [nan, 0.5]
    """
    earlier, later = _pairs(price, open_time, interval_us, lag)
    result = np.full(price.shape, np.nan)
    result[lag:] = later / earlier - 1.0
    return result


def _pairs(
    price: NDArray[np.float64], open_time: NDArray[np.int64], interval_us: int | NDArray[np.int64], lag: int
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Return the earlier and the later price of every return, NaN where the return does not exist."""
    if price.shape[0] != open_time.shape[0]:
        todo = "give one open time a row"
        raise BadInputError("prices and times differ in length", value=f"{price.shape[0]}, {len(open_time)}", todo=todo)
    exists = follows(open_time, interval_us=interval_us, lag=lag)
    usable = np.where(np.isfinite(price) & (price > 0), price, np.nan)
    usable_later = np.where(exists.reshape(-1, *[1] * (price.ndim - 1)), usable, np.nan)
    return usable[:-lag], usable_later[lag:]
