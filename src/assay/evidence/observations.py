"""What counts as one observation: the rows of one moment, and the moments of one block of time.

Twenty coins that fall together on one afternoon are one afternoon. A test that took them for twenty independent
answers would find skill in it; so their gains are added up moment by moment before anything is tested. And moments of
one block are alike; the means of blocks nearly are not.

>>> import numpy as np
>>> by_moment(np.array([1.0, 0.0, 4.0, 1.0]), np.array([10, 10, 20, 30])).tolist()
[0.75, 3.0, 0.75]
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from assay.domain.errors import BadInputError


def by_moment(values: NDArray[np.float64], at: NDArray[np.int64]) -> NDArray[np.float64]:
    """Return one value a moment, so that their mean is the mean of all rows.

    Parameters
    ----------
    values : ndarray of float64, shape (n,)
    at : ndarray of int64, shape (n,)
        Microseconds of each row, not decreasing.

    Returns
    -------
    ndarray of float64, shape (n_moments,)
        The sum over the rows of a moment, over the mean number of rows a moment: one with more rows weighs more. The
        values themselves, to the last bit, where every row has a moment of its own.

    Raises
    ------
    BadInputError
        If the shapes differ, or times decrease.
    """
    if values.shape != at.shape or values.ndim != 1:
        raise BadInputError("every row needs a moment", value=f"{values.shape}, {at.shape}")
    if np.any(np.diff(at) < 0):
        raise BadInputError("rows must be in order of time", todo="sort them by the moment of their forecasts")
    if not values.size:
        return values
    first = np.flatnonzero(np.concatenate(([True], np.diff(at) > 0)))
    if first.size == values.size:
        return values
    result: NDArray[np.float64] = np.add.reduceat(values, first) * (first.size / values.size)
    return result


def block_means(values: NDArray[np.float64], *, block: int) -> NDArray[np.float64]:
    """Return the means of consecutive blocks of nearly one length, at least `block` rows each, that leave nothing over.

    Parameters
    ----------
    values : ndarray of float64, shape (n,)
        In order of time.
    block : int
        From 1 to n.

    Returns
    -------
    ndarray of float64, shape (n // block,)

    Raises
    ------
    BadInputError
        If `block` is out of range.

    Examples
    --------
    >>> block_means(np.arange(7.0), block=3).tolist()
    [1.0, 4.5]
    """
    if not 1 <= block <= values.size:
        raise BadInputError("a block must have 1 to n rows", value=block, todo=f"n is {values.size}")
    count = values.size // block
    edges = np.arange(count + 1) * values.size // count
    result: NDArray[np.float64] = np.add.reduceat(values, edges[:-1]) / np.diff(edges)
    return result
