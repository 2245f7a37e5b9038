"""The price one horizon later against the price now: its direction, its return, its difference.

>>> import numpy as np
>>> hour = 3_600_000_000
>>> opened, close = np.arange(4) * hour, np.array([1.0, 2.0, 2.0, 1.0])
>>> label = direction_label(opened, close, horizon_us=hour, interval_us=hour)
>>> label.value.tolist()
[1.0, 0.0, 0.0, nan]
>>> int(label.span_start[0] // hour), int(label.span_end[0] // hour)
(1, 2)
>>> return_label(opened, close, horizon_us=hour, interval_us=hour).value.tolist()
[1.0, 0.0, -0.5, nan]
>>> delta_label(opened, close, horizon_us=2 * hour, interval_us=hour).value.tolist()
[1.0, -1.0, nan, nan]
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from assay.domain.errors import BadInputError
from assay.features.labels.label import Label


@dataclass(frozen=True, slots=True, eq=False)
class _Ends:
    """Prices at both ends of each row's span; NaN at both where the answer is not known."""

    now: NDArray[np.float64]
    later: NDArray[np.float64]
    span_start: NDArray[np.int64]
    span_end: NDArray[np.int64]

    def label(self, value: NDArray[np.float64]) -> Label:
        return Label(value, self.span_start, self.span_end)


def direction_label(
    open_time: NDArray[np.int64],
    close: NDArray[np.float64],
    *,
    horizon_us: int,
    interval_us: int,
    is_closed: NDArray[np.bool_] | None = None,
) -> Label:
    """Say whether the price is higher one horizon after each bar's close.

    The row of a bar that closes at t gets 1 if the bar that closes exactly at t + horizon closes higher, and 0 if it
    closes lower or at the same price: a tie is "not up". If no bar closes exactly then (a gap, or it lies ahead), the
    label is undefined; the next bar after a gap is not taken instead.

    Parameters
    ----------
    open_time : ndarray of int64, shape (n_bars,)
        Open times in microseconds, strictly increasing.
    close : ndarray of float64, shape (n_bars,)
        Closing prices in quote units. A price that is NaN, infinite or not positive leaves its labels undefined.
    horizon_us : int
        How far ahead, in microseconds: a positive multiple of the bar length.
    interval_us : int
        Length of a bar in microseconds; bars that differ in length (months) have no such label.
    is_closed : ndarray of bool, shape (n_bars,), optional
        False for bars that may still change; a label with such a bar at either end is undefined.

    Returns
    -------
    Label
        Not causal by design: the value of a row uses the closes at the two ends of ``[span_start, span_end]`` and
        nothing else.

    Raises
    ------
    BadInputError
        If lengths differ, times do not increase, or no bar could ever close at the horizon.

    Examples
    --------
    >>> label = direction_label(np.array([0, 10, 30]), np.array([1.0, 2.0, 3.0]), horizon_us=10, interval_us=10)
    >>> label.value.tolist()
    [1.0, nan, nan]
    """
    ends = _ends(open_time, close, horizon_us=horizon_us, interval_us=interval_us, is_closed=is_closed)
    return ends.label(np.where(np.isnan(ends.later), np.nan, (ends.later > ends.now).astype(np.float64)))


def return_label(
    open_time: NDArray[np.int64],
    close: NDArray[np.float64],
    *,
    horizon_us: int,
    interval_us: int,
    is_closed: NDArray[np.bool_] | None = None,
) -> Label:
    """Return the simple return from each bar's close to the close one horizon later, a fraction: 0.01 is one percent.

    Arguments, gaps, spans and errors are those of :func:`direction_label`.
    """
    ends = _ends(open_time, close, horizon_us=horizon_us, interval_us=interval_us, is_closed=is_closed)
    return ends.label(ends.later / ends.now - 1.0)


def delta_label(
    open_time: NDArray[np.int64],
    close: NDArray[np.float64],
    *,
    horizon_us: int,
    interval_us: int,
    is_closed: NDArray[np.bool_] | None = None,
) -> Label:
    """Return by how much the price changes from each bar's close to the close one horizon later, in quote units.

    Arguments, gaps, spans and errors are those of :func:`direction_label`.
    """
    ends = _ends(open_time, close, horizon_us=horizon_us, interval_us=interval_us, is_closed=is_closed)
    return ends.label(ends.later - ends.now)


def check_bars(open_time: NDArray[np.int64], close: NDArray[np.float64], horizon_us: int, interval_us: int) -> None:
    """Raise BadInputError if these are not prices of bars in order, or no bar can close at the horizon."""
    if open_time.shape != close.shape or open_time.ndim != 1:
        raise BadInputError("prices and times differ in length", value=f"{close.shape}, {open_time.shape}")
    if interval_us <= 0 or horizon_us <= 0 or horizon_us % interval_us:
        todo = f"give a positive multiple of the bar length, {interval_us} microseconds"
        raise BadInputError("no bar closes at this horizon", value=horizon_us, todo=todo)
    if np.any(np.diff(open_time) <= 0):
        raise BadInputError("open times must increase", todo="sort and deduplicate the bars")


def _ends(
    open_time: NDArray[np.int64],
    close: NDArray[np.float64],
    *,
    horizon_us: int,
    interval_us: int,
    is_closed: NDArray[np.bool_] | None,
) -> _Ends:
    check_bars(open_time, close, horizon_us, interval_us)
    count = open_time.size
    # The bar that closes at t + horizon opens at open_time + horizon, since t = open_time + interval.
    target = np.minimum(np.searchsorted(open_time, open_time + horizon_us), max(count - 1, 0))
    usable = np.isfinite(close) & (close > 0)
    if is_closed is not None:
        usable &= is_closed
    defined = usable & usable[target] & (open_time[target] == open_time + horizon_us)
    closes_at = open_time + interval_us
    return _Ends(
        now=np.where(defined, close, np.nan),
        later=np.where(defined, close[target], np.nan),
        span_start=closes_at,
        span_end=closes_at + horizon_us,
    )
