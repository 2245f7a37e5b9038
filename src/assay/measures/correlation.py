"""Correlations of many series over moving windows, each window computed from its own rows alone.

Running sums would be faster still, and would lose the small numbers to the large ones: after a jump of one series all
later windows are wrong. Here the means are taken out of every window first, as :func:`numpy.corrcoef` does; what is
saved is the overhead of asking for one window at a time.

>>> rising, falling = np.arange(5.0), -np.arange(5.0)
>>> rolling_correlation(np.column_stack([rising, falling]), window=4)[-1].tolist()
[[1.0, -1.0], [-1.0, 1.0]]
"""

from __future__ import annotations

import numpy as np
from numpy.lib.stride_tricks import sliding_window_view
from numpy.typing import NDArray

from assay.domain.errors import BadInputError

_AT_A_TIME = 1 << 16
"""Numbers that are worked on at a time: few enough for the caches of a processor."""


def rolling_correlation(returns: NDArray[np.float64], *, window: int) -> NDArray[np.float64]:
    """Return Pearson's correlation of each pair of series, in every window of consecutive rows.

    Parameters
    ----------
    returns : ndarray of float64, shape (n_rows, n_series)
        One column a series, such as the log returns of an asset; rows in time order.
    window : int
        Rows in a window, at least two.

    Returns
    -------
    ndarray of float64, shape (n_rows - window + 1, n_series, n_series)
        Numbers from -1 to 1. Matrix k is causal: it uses rows k to k + window - 1, which is the row it is known at.
        Symmetric, with ones on the diagonal. NaN in row and column of a series that has a NaN or an infinity in the
        window, or the same value throughout: the others are not touched by it. No matrix if there are fewer rows.

    Raises
    ------
    BadInputError
        If `window` is less than two, or `returns` is no matrix.

    Examples
    --------
    >>> gap = np.array([[0.1, 0.2], [0.3, 0.1], [np.nan, 0.2], [0.1, 0.3], [0.2, 0.4]])
    >>> rolling_correlation(gap, window=2)[:, 0, 1].round(12).tolist()
    [-1.0, nan, nan, 1.0]
    """
    if window < 2:
        raise BadInputError("a window of correlations needs two rows", value=window, todo="give two or more")
    if returns.ndim != 2:
        raise BadInputError("not a matrix of returns", value=returns.shape, todo="give one column a series")
    count, series = max(len(returns) - window + 1, 0), returns.shape[1]
    result = np.empty((count, series, series))
    if not result.size:
        return result
    is_known = ~(_is_broken(returns, window) | _is_flat(returns, window))
    # A window's rows apart and its neighbours together: long runs of numbers in a row are what a processor likes.
    windows = sliding_window_view(returns, window, axis=0).transpose(2, 0, 1)
    step = max(_AT_A_TIME // (window * series), 1)
    for start in range(0, count, step):
        part = slice(start, start + step)
        _correlate(windows[:, part], is_known[part], result[part])
    diagonal = np.arange(series)
    result[:, diagonal, diagonal] = np.where(is_known, 1.0, np.nan)
    return result


def _correlate(windows: NDArray[np.float64], is_known: NDArray[np.bool_], out: NDArray[np.float64]) -> None:
    """Write the correlations of windows of shape ``(window, n, n_series)``, NaN where a series is not known.

    A series whose spread in a window is no positive float is found not to be known.
    """
    # An infinity, or squares too small or too large for a float: whatever comes of it is not known either.
    with np.errstate(invalid="ignore", over="ignore"):
        away = windows - windows.mean(axis=0)
        lengths = np.sqrt(np.einsum("wki,wki->ki", away, away))
        is_known &= (lengths > 0.0) & (lengths < np.inf)
        lengths[~is_known] = np.nan
        away /= lengths
        matrices = away.transpose(1, 2, 0)
        # A matrix by its own transpose: half of the products, and the same number on both sides of the diagonal.
        np.matmul(matrices, matrices.transpose(0, 2, 1), out=out)
    np.clip(out, -1.0, 1.0, out=out)


def _is_broken(returns: NDArray[np.float64], window: int) -> NDArray[np.bool_]:
    """Return which series have something else than numbers in which window, shape ``(n_windows, n_series)``."""
    is_broken: NDArray[np.bool_] = _count(~np.isfinite(returns), window) > 0
    return is_broken


def _is_flat(returns: NDArray[np.float64], window: int) -> NDArray[np.bool_]:
    """Return which series never move in which window; the mean of equal numbers is not always that number."""
    is_still: NDArray[np.bool_] = _count(returns[1:] != returns[:-1], window - 1) == 0
    return is_still


def _count(is_there: NDArray[np.bool_], window: int) -> NDArray[np.int64]:
    """Return how many rows of each window say yes."""
    counts = np.zeros((len(is_there) + 1, is_there.shape[1]), dtype=np.int64)
    np.cumsum(is_there, axis=0, out=counts[1:])
    result: NDArray[np.int64] = counts[window:] - counts[:-window]
    return result
