"""Volatility of a market that never closes: a year has 365 days of 24 hours.

>>> import numpy as np
>>> day = 86_400_000_000
>>> round(realised_volatility(np.array([0.01, -0.01, 0.01, -0.01]), interval_us=day), 6)
0.19105
"""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import NDArray

from assay.domain.errors import BadInputError

YEAR_US = 365 * 24 * 3_600 * 1_000_000
"""A year of continuous trading in microseconds; leap days are ignored, as is the convention."""


def bars_per_year(interval_us: int) -> float:
    """Return how many bars of that length a year holds.

    Examples
    --------
    >>> bars_per_year(3_600_000_000)
    8760.0

    Raises
    ------
    BadInputError
        If the length is not positive.
    """
    if interval_us <= 0:
        raise BadInputError("a bar must last longer than nothing", value=interval_us)
    return YEAR_US / interval_us


def realised_volatility(log_returns: NDArray[np.float64], *, interval_us: int) -> float:
    """Return the annualised root mean square of log returns.

    The mean is taken to be zero: over short bars it is far smaller than its own standard error.

    Parameters
    ----------
    log_returns : ndarray of float64, shape (n_bars,)
        Log returns of consecutive bars. NaN (a gap) counts as absent, not as zero.
    interval_us : int
        Length of a bar in microseconds.

    Returns
    -------
    float
        Fraction a year, >= 0; NaN if no return is there.

    References
    ----------
    Andersen, Bollerslev, Diebold, Labys (2003), "Modeling and forecasting realized volatility".

    Examples
    --------
    >>> realised_volatility(np.array([np.nan]), interval_us=1)
    nan
    """
    scale = bars_per_year(interval_us)
    there = log_returns[~np.isnan(log_returns)]
    return math.sqrt(float(np.mean(there**2)) * scale) if there.size else math.nan


def sample_volatility(log_returns: NDArray[np.float64], *, interval_us: int) -> float:
    """Return the annualised sample standard deviation (divisor n - 1) of log returns.

    Parameters and units are those of :func:`realised_volatility`; NaN if fewer than two returns are there.

    Examples
    --------
    >>> sample_volatility(np.array([0.1, 0.3]), interval_us=YEAR_US).__round__(6)
    0.141421
    """
    scale = bars_per_year(interval_us)
    there = log_returns[~np.isnan(log_returns)]
    return float(np.std(there, ddof=1)) * math.sqrt(scale) if there.size > 1 else math.nan


def rolling_volatility(log_returns: NDArray[np.float64], *, interval_us: int, window: int) -> NDArray[np.float64]:
    """Return :func:`sample_volatility` of the last `window` rows, at every row.

    Parameters
    ----------
    log_returns : ndarray of float64, shape (n_bars,)
        Log returns of consecutive bars.
    interval_us : int
        Length of a bar in microseconds.
    window : int
        Rows in a window, at least two.

    Returns
    -------
    ndarray of float64, shape (n_bars,)
        Fraction a year. Causal: row t uses rows t - window + 1 to t. NaN in the first ``window - 1`` rows and in
        every window that holds a NaN: a window with a hole is not a window of `window` returns.

    Raises
    ------
    BadInputError
        If `window` is less than two.

    Examples
    --------
    >>> rolling_volatility(np.array([0.1, 0.3, 0.3]), interval_us=YEAR_US, window=2).round(4).tolist()
    [nan, 0.1414, 0.0]
    """
    if window < 2:
        raise BadInputError("a window of volatility needs two rows", value=window)
    result = np.full(log_returns.shape, np.nan)
    if log_returns.size >= window:
        windows = np.lib.stride_tricks.sliding_window_view(log_returns, window)
        # A direct pass over each window: running sums are faster and lose the small numbers to the large ones.
        result[window - 1 :] = np.std(windows, axis=1, ddof=1) * math.sqrt(bars_per_year(interval_us))
    return result
