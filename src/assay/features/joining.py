"""Joining to bars what was known when each of them closed."""

from __future__ import annotations

import numpy as np

from assay.features.bars import Bars, FloatArray, IntArray


def last_known_rows(bars: Bars, moments: IntArray, since: IntArray) -> IntArray:
    """Return, for each bar, the last place in `moments` that is in ``(since, close_time]``; -1 if there is none.

    Moments ascend, in microseconds; of equal ones the last counts.
    """
    at = np.searchsorted(moments, bars.close_time, side="right") - 1
    found = np.full(len(bars), -1, dtype=np.int64)
    rows = np.flatnonzero(at >= 0)
    rows = rows[moments[at[rows]] > since[rows]]
    found[rows] = at[rows]
    return found


def last_known(bars: Bars, moments: IntArray, values: FloatArray, since: IntArray) -> FloatArray:
    """Return, for each bar, the last of `values` whose moment is in ``(since, close_time]``; NaN if there is none.

    As :func:`last_known_rows`.

    >>> hours = np.arange(4) * 3_600_000_000
    >>> ones = np.ones(3)
    >>> bars = Bars(hours[:3], hours[1:], ones, ones, ones, ones, ones)
    >>> last_known(bars, hours[1:3] - 1, np.array([5.0, 6.0]), bars.open_time).tolist()
    [5.0, 6.0, nan]
    """
    rows = last_known_rows(bars, moments, since)
    found = np.full(len(bars), np.nan)
    known = np.flatnonzero(rows >= 0)
    found[known] = values[rows[known]]
    return found
