"""Moving sums, moments, highs and lows, written once: what every Step with a window calls.

All of them work alike. The bars come in blocks of n. A window that ends inside a block is the rest of the block before
it and the beginning of this one: the first lies ready as a suffix, the second is kept up with every bar. So a bar
costs two operations on average whatever n is, nothing is ever subtracted, and no error grows with the length of the
series: a sum has the error of adding n numbers, after ten bars as after ten million.

Moments are sums of the distances to an anchor and of their squares. The anchor is always a value of the window, the
last one of the block before, so that a window far from zero loses nothing by it: equal values have a variance of
exactly 0, and that of others has the error of the distances within the window, whatever the level of the price is.

A kernel gives each moving value `n` places of its `window` (moments take 2 n), from `at` on, and two numbers of its
state: the `slot` of the bar within its block, and what the block has come to so far. Before n bars were pushed the
result is of those there are, as long as the places begin as :func:`empty` made them.

Bounds are checked here once a call, and not by the compiler at each access, which would triple the time (``compile.py``
leaves these functions alone). A kernel that gives places it does not have gets NaN, and nothing is touched.

>>> import numpy as np
>>> window, slot, run, sums = empty(3), 0.0, 0.0, []
>>> for x in [1.0, 2.0, 3.0, 4.0, 5.0]:
...     slot, run, total = push_sum(window, 0, 3, slot, run, x)
...     sums.append(float(total))
>>> sums
[1.0, 3.0, 6.0, 9.0, 12.0]

>>> window, slot, first, second, anchor, variances = empty(4), 0.0, 0.0, 0.0, math.nan, []
>>> for x in [1e9, 1e9, 1e9 + 2.0]:
...     slot, first, second, anchor, one, two = push_moments(window, 0, 2, (slot, first, second, anchor), x)
...     variances.append(float(variance(one, two, 1 / 2)))
>>> variances
[0.0, 0.0, 1.0]

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


def empty_range(n: int) -> FloatArray:
    """Return the places of a moving range before the first bar, shape ``(2 n,)``."""
    return np.concatenate([empty(n, LOWEST), empty(n, HIGHEST)])


def push_sum(  # noqa: PLR0917  # numba wants positions, here and below
    window: FloatArray, at: int, n: int, slot: float, run: float, x: float
) -> tuple[float, float, float]:
    """Take in `x` and return the next slot, the next run and the sum of the last n values."""
    place = int(slot)
    if place < 0 or place >= n or at < 0 or at + n > window.size:
        return slot, run, math.nan
    window[at + place] = x
    run += x
    slot += 1.0
    if slot < n:
        return slot, run, run + window[at + place + 1]
    total = 0.0
    i = at + n
    while i > at:
        i -= 1
        total += window[i]
        window[i] = total
    return 0.0, 0.0, total


def push_sums(  # noqa: PLR0917
    window: FloatArray, at: int, n: int, held: tuple[float, float, float], pair: tuple[float, float]
) -> tuple[float, float, float, float, float]:
    """Take in a pair and return the next slot, the two next runs and both sums, as two of :func:`push_sum` would.

    `held` is the slot and the two runs; `window` holds 2 n places from `at` on.
    """
    slot, run_1, run_2 = held
    x_1, x_2 = pair
    place = int(slot)
    if place < 0 or place >= n or at < 0 or at + 2 * n > window.size:
        return slot, run_1, run_2, math.nan, math.nan
    window[at + place] = x_1
    window[at + n + place] = x_2
    run_1 += x_1
    run_2 += x_2
    slot += 1.0
    if slot < n:
        i = at + place + 1
        return slot, run_1, run_2, run_1 + window[i], run_2 + window[i + n]
    total_1 = 0.0
    total_2 = 0.0
    i = at + n
    while i > at:
        i -= 1
        total_1 += window[i]
        total_2 += window[i + n]
        window[i] = total_1
        window[i + n] = total_2
    return 0.0, 0.0, 0.0, total_1, total_2


def push_moments(  # noqa: PLR0917
    window: FloatArray, at: int, n: int, held: tuple[float, float, float, float], x: float
) -> tuple[float, float, float, float, float, float]:
    """Take in `x` and return the next slot, runs and anchor, and the two sums over the last n values.

    The sums are those of y = x - anchor and of its square, with the anchor returned; the mean is thus the anchor plus
    the first sum divided by n. `held` is the slot, the two runs and the anchor, which is NaN before the first value;
    `window` holds 2 n places from `at` on.
    """
    slot, first, second, anchor = held
    place = int(slot)
    if place < 0 or place >= n or at < 0 or at + 2 * n > window.size:
        return slot, first, second, anchor, math.nan, math.nan
    if math.isnan(anchor):
        anchor = x
    window[at + place] = x
    y = x - anchor
    first += y
    second += y * y
    slot += 1.0
    if slot < n:
        i = at + place + 1
        return slot, first, second, anchor, first + window[i], second + window[i + n]
    one = 0.0
    two = 0.0
    i = at + n
    while i > at:
        i -= 1
        y = window[i] - x
        one += y
        two += y * y
        window[i] = one
        window[i + n] = two
    return 0.0, 0.0, 0.0, x, one, two


def variance(one: float, two: float, weight: float) -> float:
    """Return the mean square distance from the mean, from the sums of :func:`push_moments` and ``weight = 1 / n``."""
    mean = one * weight
    return max(two * weight - mean * mean, 0.0)


def push_max(  # noqa: PLR0917
    window: FloatArray, at: int, n: int, slot: float, run: float, x: float
) -> tuple[float, float, float]:
    """Take in `x` and return the next slot, the next run and the highest of the last n values."""
    place = int(slot)
    if place < 0 or place >= n or at < 0 or at + n > window.size:
        return slot, run, math.nan
    window[at + place] = x
    run = max(run, x)
    slot += 1.0
    if slot < n:
        return slot, run, max(run, window[at + place + 1])
    top = LOWEST
    i = at + n
    while i > at:
        i -= 1
        top = max(top, window[i])
        window[i] = top
    return 0.0, LOWEST, top


def push_min(  # noqa: PLR0917
    window: FloatArray, at: int, n: int, slot: float, run: float, x: float
) -> tuple[float, float, float]:
    """Take in `x` and return the next slot, the next run and the lowest of the last n values."""
    place = int(slot)
    if place < 0 or place >= n or at < 0 or at + n > window.size:
        return slot, run, math.nan
    window[at + place] = x
    run = min(run, x)
    slot += 1.0
    if slot < n:
        return slot, run, min(run, window[at + place + 1])
    bottom = HIGHEST
    i = at + n
    while i > at:
        i -= 1
        bottom = min(bottom, window[i])
        window[i] = bottom
    return 0.0, HIGHEST, bottom


def push_range(  # noqa: PLR0917
    window: FloatArray, at: int, n: int, held: tuple[float, float, float], pair: tuple[float, float]
) -> tuple[float, float, float, float, float]:
    """Take in a high and a low and return the next slot, the two next runs, the highest high and the lowest low.

    `held` is the slot and the two runs, `pair` the high and the low; `window` holds 2 n places from `at` on, the
    highs' before the lows', as :func:`empty_range` makes them.
    """
    slot, top, bottom = held
    high, low = pair
    place = int(slot)
    if place < 0 or place >= n or at < 0 or at + 2 * n > window.size:
        return slot, top, bottom, math.nan, math.nan
    window[at + place] = high
    window[at + n + place] = low
    top = max(top, high)
    bottom = min(bottom, low)
    slot += 1.0
    if slot < n:
        i = at + place + 1
        return slot, top, bottom, max(top, window[i]), min(bottom, window[i + n])
    top = LOWEST
    bottom = HIGHEST
    i = at + n
    while i > at:
        i -= 1
        top = max(top, window[i])
        bottom = min(bottom, window[i + n])
        window[i] = top
        window[i + n] = bottom
    return 0.0, LOWEST, HIGHEST, top, bottom


def push_lag(window: FloatArray, at: int, n: int, slot: float, x: float) -> tuple[float, float]:  # noqa: PLR0917
    """Take in `x` and return the next slot and the value n bars before `x`."""
    place = int(slot)
    if place < 0 or place >= n or at < 0 or at + n > window.size:
        return slot, math.nan
    old = window[at + place]
    window[at + place] = x
    return (slot + 1.0 if slot + 1.0 < n else 0.0), old
