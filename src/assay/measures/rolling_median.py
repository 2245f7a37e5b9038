"""Medians over the last values seen, kept sorted: a value comes in, the oldest goes out, the middle is read.

Plain functions over arrays, so that a kernel that is compiled can call them. One row of the arrays is one window.
NaN is never put in; a window with nothing in it has no median.

>>> windows = new_windows(1, 3)
>>> for value in (5.0, 1.0, 9.0, 2.0):
...     push(windows, 0, value, 3)
>>> middle(windows, 0)
2.0
"""

from __future__ import annotations

import math
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray


class Windows(NamedTuple):
    """Several windows.

    Attributes
    ----------
    ring, ordered : ndarray of float64, shape (n_windows, width)
        The values in the order of arrival, around a ring, and the same sorted.
    filled, head : ndarray of int64, shape (n_windows,)
        How many values a window holds, and where its next one goes.
    """

    ring: NDArray[np.float64]
    ordered: NDArray[np.float64]
    filled: NDArray[np.int64]
    head: NDArray[np.int64]


def new_windows(n_windows: int, width: int) -> Windows:
    """Return empty windows of at most `width` values each."""
    shape = n_windows, width
    zeros = np.zeros(n_windows, dtype=np.int64)
    return Windows(np.zeros(shape), np.zeros(shape), zeros, zeros.copy())


def push(windows: Windows, row: int, value: float, length: int) -> None:
    """Put `value` into the window `row`, and its oldest out if it holds `length` already; NaN is left out."""
    if math.isnan(value):
        return
    ring, ordered, filled, head = windows
    count = filled[row]
    if count == length:
        oldest = ring[row, head[row]]
        at = 0
        while ordered[row, at] != oldest:
            at += 1
        while at < count - 1:
            ordered[row, at] = ordered[row, at + 1]
            at += 1
        count -= 1
    at = count
    while at > 0 and ordered[row, at - 1] > value:
        ordered[row, at] = ordered[row, at - 1]
        at -= 1
    ordered[row, at] = value
    filled[row] = count + 1
    ring[row, head[row]] = value
    head[row] = (head[row] + 1) % length


def middle(windows: Windows, row: int) -> float:
    """Return the median of the window `row`, NaN if it is empty; the mean of the two middle ones of an even number."""
    count = windows.filled[row]
    if count == 0:
        return math.nan
    half = count // 2
    if count % 2 == 1:
        return float(windows.ordered[row, half])
    return float((windows.ordered[row, half - 1] + windows.ordered[row, half]) / 2.0)
