"""Moving sums, moments, highs and lows of many rows in one go: the work of ``windows.py``, bit for bit, in less time.

Each function does to its places and its numbers what pushing the rows one by one would do, with the same operations on
the same numbers in the same order. It saves what a row costs apart from them: a whole block has no slot to count, and
what it leaves behind is computed at once. The block that is under way before the rows, and the one that is after them,
are pushed row by row.

>>> import numpy as np
>>> from assay.features.windows import empty
>>> window, out = empty(3), np.empty(5)
>>> slot, run = sum_rows(window, 0, 3, (0.0, 0.0), np.array([1.0, 2.0, 3.0, 4.0, 5.0]), out)
>>> out.tolist(), slot, float(run)
([1.0, 3.0, 6.0, 9.0, 12.0], 2.0, 9.0)

As in ``windows.py``, bounds are checked here once a call: places that a kernel does not have give NaN, and nothing is
touched.
"""

from __future__ import annotations

import math

from assay.features.bars import FloatArray
from assay.features.windows import HIGHEST, LOWEST, push_max, push_min, push_moments, push_sum

Held = tuple[float, float]
"""The slot and the run of a moving value."""
Moments = tuple[float, float, float, float]
"""The slot, the two runs and the anchor of moving moments."""


def are_whole(*columns: FloatArray) -> bool:
    """Return whether none of the values in one, three or four columns is NaN."""
    missing = 0
    for row in range(columns[0].size):
        total = 0.0
        for column in columns:
            total += column[row]
        missing += 1 if math.isnan(total) else 0
    return missing == 0


def blank(values: FloatArray, rows: float) -> None:
    """Put NaN into the first `rows` of the values, or into all; a negative number is none."""
    for row in range(min(int(max(rows, 0.0)), values.size)):
        values[row] = math.nan


def sum_rows(  # noqa: PLR0917  # numba wants positions, here and below
    window: FloatArray, at: int, n: int, held: Held, values: FloatArray, out: FloatArray
) -> Held:
    """Take in the values, write into `out` what :func:`push_sum` says after each, and return the slot and the run."""
    slot, run = held
    begun = int(slot)
    if not _is_there(window, at, n, begun):
        blank(out, values.size)
        return held
    row = min((n - begun) % n, values.size)
    for i in range(row):
        slot, run, out[i] = push_sum(window, at, n, slot, run, values[i])
    places = window[at : at + n]
    while row + n <= values.size:
        block, found = values[row : row + n], out[row : row + n]
        total = 0.0
        for i in range(n - 1):
            total += block[i]
            found[i] = total + places[i + 1]
        total = 0.0
        i = n
        while i > 0:
            i -= 1
            total += block[i]
            places[i] = total
        found[n - 1] = total
        row += n
    for i in range(row, values.size):
        slot, run, out[i] = push_sum(window, at, n, slot, run, values[i])
    return slot, run


def max_rows(  # noqa: PLR0917
    window: FloatArray, at: int, n: int, held: Held, values: FloatArray, out: FloatArray
) -> Held:
    """Do what :func:`sum_rows` does with :func:`push_max`, of values without NaN."""
    slot, run = held
    begun = int(slot)
    if not _is_there(window, at, n, begun):
        blank(out, values.size)
        return held
    row = min((n - begun) % n, values.size)
    for i in range(row):
        slot, run, out[i] = push_max(window, at, n, slot, run, values[i])
    places = window[at : at + n]
    while row + n <= values.size:
        block, found = values[row : row + n], out[row : row + n]
        top = LOWEST
        for i in range(n - 1):
            top = max(top, block[i])
            found[i] = max(top, places[i + 1])
        top = LOWEST
        i = n
        while i > 0:
            i -= 1
            top = max(top, block[i])
            places[i] = top
        found[n - 1] = top
        row += n
    for i in range(row, values.size):
        slot, run, out[i] = push_max(window, at, n, slot, run, values[i])
    return slot, run


def min_rows(  # noqa: PLR0917
    window: FloatArray, at: int, n: int, held: Held, values: FloatArray, out: FloatArray
) -> Held:
    """Do what :func:`sum_rows` does with :func:`push_min`, of values without NaN."""
    slot, run = held
    begun = int(slot)
    if not _is_there(window, at, n, begun):
        blank(out, values.size)
        return held
    row = min((n - begun) % n, values.size)
    for i in range(row):
        slot, run, out[i] = push_min(window, at, n, slot, run, values[i])
    places = window[at : at + n]
    while row + n <= values.size:
        block, found = values[row : row + n], out[row : row + n]
        bottom = HIGHEST
        for i in range(n - 1):
            bottom = min(bottom, block[i])
            found[i] = min(bottom, places[i + 1])
        bottom = HIGHEST
        i = n
        while i > 0:
            i -= 1
            bottom = min(bottom, block[i])
            places[i] = bottom
        found[n - 1] = bottom
        row += n
    for i in range(row, values.size):
        slot, run, out[i] = push_min(window, at, n, slot, run, values[i])
    return slot, run


def moment_rows(  # noqa: PLR0917
    window: FloatArray,
    at: int,
    n: int,
    held: Moments,
    values: FloatArray,
    out: tuple[FloatArray, FloatArray, FloatArray],
) -> Moments:
    """Do what :func:`sum_rows` does with :func:`push_moments`; `out` takes the anchors and the two sums."""
    slot, first, second, anchor = held
    anchors, ones, twos = out
    begun = int(slot)
    if not _is_there(window, at, 2 * n, begun):
        blank(ones, values.size)
        blank(twos, values.size)
        return held
    row = min((n - begun) % n, values.size)
    for i in range(row):
        slot, first, second, anchor, ones[i], twos[i] = push_moments(
            window, at, n, (slot, first, second, anchor), values[i]
        )
        anchors[i] = anchor
    places = window[at : at + n], window[at + n : at + 2 * n]
    while row + n <= values.size:
        block = values[row : row + n]
        anchors[row : row + n] = block[0] if math.isnan(anchor) else anchor
        _moments_of_block(block, anchors[row], places, (ones[row : row + n], twos[row : row + n]))
        row += n
        anchor = values[row - 1]
        anchors[row - 1] = anchor
    for i in range(row, values.size):
        slot, first, second, anchor, ones[i], twos[i] = push_moments(
            window, at, n, (slot, first, second, anchor), values[i]
        )
        anchors[i] = anchor
    return slot, first, second, anchor


def _moments_of_block(
    block: FloatArray, anchor: float, places: tuple[FloatArray, FloatArray], out: tuple[FloatArray, FloatArray]
) -> None:
    """Write the sums of each row of a whole block into `out`, and what the block leaves behind into its places."""
    (sums, squares), (ones, twos) = places, out
    last = block.size - 1
    one, two = 0.0, 0.0
    for i in range(last):
        y = block[i] - anchor
        one += y
        two += y * y
        ones[i] = one + sums[i + 1]
        twos[i] = two + squares[i + 1]
    one, two = 0.0, 0.0
    i = last + 1
    while i > 0:
        i -= 1
        y = block[i] - block[last]
        one += y
        two += y * y
        sums[i] = one
        squares[i] = two
    ones[last], twos[last] = one, two


def _is_there(window: FloatArray, at: int, places: int, begun: int) -> bool:
    return at >= 0 and 0 <= begun < places and at + places <= window.size
