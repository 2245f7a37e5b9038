"""Which rows of long curves to draw, so that no peak and no trough of them is lost.

>>> import numpy as np
>>> equity = np.array([1.0, 1.1, 0.4, 1.2, 1.3, 1.2, 2.9, 1.4])
>>> thinned(equity[:, np.newaxis], most=6).tolist()
[0, 2, 3, 5, 6, 7]
"""

from __future__ import annotations

import itertools

import numpy as np
from numpy.typing import NDArray


def thinned(curves: NDArray[np.float64], *, most: int) -> NDArray[np.intp]:
    """Return at most so many rows, in order: first, last, and where each curve is lowest and highest in each part.

    The rows are cut into parts of equal length; a lowest or highest value of a part stays in its own row, so that a
    curve through the rows that are left goes as far up and down as the whole one, within a part of where it did.

    Parameters
    ----------
    curves : ndarray of float64, shape (n, k)
        A column a curve. NaN is neither low nor high.
    most : int
        At least ``2 * k + 2``.

    Returns
    -------
    ndarray of intp, shape (m,)
        Ascending; all of them if there are no more than `most`.

    Raises
    ------
    ValueError
        If `most` is too small for one part.
    """
    count, width = curves.shape
    if most < 2 * width + 2:
        raise ValueError(f"{most} rows cannot keep the extremes of {width} curves")
    if count <= most:
        return np.arange(count)
    edges = np.linspace(0, count, (most - 2) // (2 * width) + 1).astype(np.intp)
    kept = {0, count - 1}
    for start, end in itertools.pairwise(edges):
        for curve in curves[start:end].T:
            known = np.flatnonzero(~np.isnan(curve))
            if known.size:
                kept.add(int(start + known[curve[known].argmin()]))
                kept.add(int(start + known[curve[known].argmax()]))
    return np.array(sorted(kept), dtype=np.intp)
