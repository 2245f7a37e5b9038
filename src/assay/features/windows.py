"""Moving sums, highs and lows, written once: what every Step with a window calls.

All three work alike. The bars come in blocks of n. A window that ends inside a block is the rest of the block before
it and the beginning of this one: the first lies ready as a suffix, the second is kept up with every bar. So a bar
costs two operations on average whatever n is, nothing is ever subtracted, and no error grows with the length of the
series: a sum has the error of adding n numbers, after ten bars as after ten million.

A kernel gives each moving value `n` places of its `window`, from `at` on, and two numbers of its state: the `slot` of
the bar within its block, and what the block has come to so far. Before n bars were pushed the result is of those there
are, as long as the places begin as :func:`empty` made them.

>>> import numpy as np
>>> window, slot, run, sums = empty(3), 0.0, 0.0, []
>>> for x in [1.0, 2.0, 3.0, 4.0, 5.0]:
...     slot, run, total = push_sum(window, 0, 3, slot, run, x)
...     sums.append(float(total))
>>> sums
[1.0, 3.0, 6.0, 9.0, 12.0]

Reference: M. van Herk, A fast algorithm for local minimum and maximum filters (1992); J. Gil and M. Werman, Computing
2-D min, median, and max filters (1993).
"""

from __future__ import annotations

import math

import numpy as np

from assay.features.bars import FloatArray

LOWEST, HIGHEST = -math.inf, math.inf
"""What a moving high, and a moving low, begin with."""


def empty(n: int, beginning: float = 0.0) -> FloatArray:
    """Return the places of a moving value before the first bar, shape ``(n,)``.

    `beginning` is 0 for a sum, :data:`LOWEST` for a high, :data:`HIGHEST` for a low and NaN for a lag.
    """
    return np.full(n, beginning)


def push_sum(  # noqa: PLR0917  # numba wants positions, here and below
    window: FloatArray, at: int, n: int, slot: float, run: float, x: float
) -> tuple[float, float, float]:
    """Take in `x` and return the next slot, the next run and the sum of the last n values."""
    place = int(slot)
    window[at + place] = x
    run += x
    if place + 1 < n:
        return slot + 1.0, run, run + window[at + place + 1]
    total = 0.0
    for i in range(at + n - 1, at - 1, -1):
        total += window[i]
        window[i] = total
    return 0.0, 0.0, total


def push_max(  # noqa: PLR0917
    window: FloatArray, at: int, n: int, slot: float, run: float, x: float
) -> tuple[float, float, float]:
    """Take in `x` and return the next slot, the next run and the highest of the last n values."""
    place = int(slot)
    window[at + place] = x
    run = max(run, x)
    if place + 1 < n:
        return slot + 1.0, run, max(run, window[at + place + 1])
    top = LOWEST
    for i in range(at + n - 1, at - 1, -1):
        top = max(top, window[i])
        window[i] = top
    return 0.0, LOWEST, top


def push_min(  # noqa: PLR0917
    window: FloatArray, at: int, n: int, slot: float, run: float, x: float
) -> tuple[float, float, float]:
    """Take in `x` and return the next slot, the next run and the lowest of the last n values."""
    place = int(slot)
    window[at + place] = x
    run = min(run, x)
    if place + 1 < n:
        return slot + 1.0, run, min(run, window[at + place + 1])
    bottom = HIGHEST
    for i in range(at + n - 1, at - 1, -1):
        bottom = min(bottom, window[i])
        window[i] = bottom
    return 0.0, HIGHEST, bottom


def push_lag(window: FloatArray, at: int, n: int, slot: float, x: float) -> tuple[float, float]:  # noqa: PLR0917
    """Take in `x` and return the next slot and the value n bars before `x`."""
    place = at + int(slot)
    old = window[place]
    window[place] = x
    return (slot + 1.0 if slot + 1.0 < n else 0.0), old
