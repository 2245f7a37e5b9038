"""Joining to bars what was known when each of them closed."""

from __future__ import annotations

import numpy as np

from assay.features.bars import Bars, FloatArray, IntArray


def last_known(bars: Bars, moments: IntArray, values: FloatArray, since: IntArray) -> FloatArray:
    """Return, for each bar, the last of `values` whose moment is in ``(since, close_time]``; NaN if there is none.

    Moments ascend, in microseconds; of equal ones the last counts.

    >>> hours = np.arange(4) * 3_600_000_000
    >>> ones = np.ones(3)
    >>> bars = Bars(hours[:3], hours[1:], ones, ones, ones, ones, ones)
    >>> last_known(bars, hours[1:3] - 1, np.array([5.0, 6.0]), bars.open_time).tolist()
    [5.0, 6.0, nan]
    """
    at = np.searchsorted(moments, bars.close_time, side="right") - 1
    found = np.full(len(bars), np.nan)
    rows = np.flatnonzero(at >= 0)
    rows = rows[moments[at[rows]] > since[rows]]
    found[rows] = values[at[rows]]
    return found
