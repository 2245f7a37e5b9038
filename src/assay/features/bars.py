"""Bars as the Steps see them: one bar as a tuple, many as columns; times are microseconds since the epoch, in UTC.

>>> import numpy as np
>>> from assay.domain.interval import Interval
>>> opened = np.arange(3) * Interval.parse("1h").microseconds
>>> price = np.array([10.0, 11.0, 12.0])
>>> bars = Bars(opened, close_times(opened, Interval.parse("1h")), price, price, price, price, volume=np.ones(3))
>>> len(bars), bars.bar(2).close, bars.rows(1, 3).close.tolist()
(3, 12.0, [11.0, 12.0])
"""

from __future__ import annotations

import math
import operator
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import NamedTuple, TypeVar

import numpy as np
from numpy.typing import ArrayLike, NDArray

from assay.domain.errors import BadInputError
from assay.domain.interval import EPOCH, Interval
from assay.domain.kline import Kline

FloatArray = NDArray[np.float64]
IntArray = NDArray[np.int64]

VALUE_COLUMNS = (
    "open",
    "high",
    "low",
    "close",
    "volume",
    "quote_volume",
    "taker_buy_volume",
    "num_trades",
    "reference",
)
"""The measured columns of a bar, in the order of :class:`Bar` after its two times."""

LATEST_TIME = 2**53
"""Times beyond this many microseconds (the year 2255) would not be exact in a Step's float64 state."""

_Scalar = TypeVar("_Scalar", bound=np.generic)
_MICROSECOND = timedelta(microseconds=1)
_ABSENT = np.empty(0)
_columns: Callable[[Bars], tuple[FloatArray, ...]] = operator.attrgetter(*VALUE_COLUMNS)


class Bar(NamedTuple):
    """One bar: what a Step's kernel is given, and what a stream is fed.

    Prices in quote units per base unit, `volume` and `taker_buy_volume` in base units, `quote_volume` in quote units,
    times in microseconds. NaN means that the source does not publish the value. `reference` is a value of another
    series as known when this bar closed, such as the close of BTC-USDT; which one, whoever makes the bars says.
    """

    open_time: int
    close_time: int
    open: float
    high: float
    low: float
    close: float
    volume: float
    quote_volume: float = math.nan
    taker_buy_volume: float = math.nan
    num_trades: float = math.nan
    reference: float = math.nan

    @classmethod
    def of(cls, kline: Kline) -> Bar:
        """Return `kline` as a bar; a column it lacks becomes NaN."""
        extras = (kline.quote_volume, kline.taker_buy_volume, kline.num_trades)
        times = _microseconds(kline.open_time), _microseconds(kline.close_time)
        prices = (kline.open, kline.high, kline.low, kline.close, kline.volume)
        return cls(*times, *prices, *(math.nan if value is None else float(value) for value in extras))


@dataclass(frozen=True, slots=True, eq=False)
class Bars:
    """Many bars of one series in time order, as read-only columns of shape ``(n_bars,)``.

    Parameters
    ----------
    open_time, close_time : int64 array
        Microseconds since the epoch; strictly increasing, ``open_time < close_time <= next open_time``.
        A missing bar is simply not there.
    open, high, low, close, volume : float64 array
        As in :class:`Bar`. NaN is allowed and each Step says what it makes of it; infinity is not.
    quote_volume, taker_buy_volume, num_trades, reference : float64 array, optional
        All NaN when left out.

    Raises
    ------
    BadInputError
        If lengths differ, times are out of order or overlap, or a value is infinite.
    """

    open_time: IntArray
    close_time: IntArray
    open: FloatArray
    high: FloatArray
    low: FloatArray
    close: FloatArray
    volume: FloatArray
    quote_volume: FloatArray = field(default_factory=lambda: _ABSENT)
    taker_buy_volume: FloatArray = field(default_factory=lambda: _ABSENT)
    num_trades: FloatArray = field(default_factory=lambda: _ABSENT)
    reference: FloatArray = field(default_factory=lambda: _ABSENT)

    def __post_init__(self) -> None:
        for name in ("open_time", "close_time"):
            object.__setattr__(self, name, _times(name, getattr(self, name)))
        count = self.open_time.size
        absent = np.full(count, math.nan)
        for name in VALUE_COLUMNS:
            given = getattr(self, name)
            column = read_only(absent if given is _ABSENT else np.asarray(given, dtype=np.float64))
            if given is not _ABSENT and np.isinf(column).any():
                raise BadInputError("an infinite value in bars", value=name, todo="drop the bar, or make it NaN")
            object.__setattr__(self, name, column)
        sizes = {name: getattr(self, name).shape for name in ("close_time", *VALUE_COLUMNS)}
        wrong = [name for name, shape in sizes.items() if shape != (count,)]
        if wrong:
            raise BadInputError("bar columns differ in length", value=wrong[0], todo=f"give {count} values each")
        if not _is_ordered(self.open_time, self.close_time):
            todo = "sort by open_time and keep one row a bar; close_time is exclusive"
            raise BadInputError("bars out of order, repeated or overlapping", value="open_time", todo=todo)

    @classmethod
    def of(cls, bars: Iterable[Bar]) -> Bars:
        """Gather single bars into columns."""
        rows = list(bars)
        times = np.array([row[:2] for row in rows], dtype=np.int64).reshape(-1, 2).T
        values = np.array([row[2:] for row in rows], dtype=np.float64).reshape(-1, len(VALUE_COLUMNS)).T
        return cls(*times, *values)

    @property
    def columns(self) -> tuple[FloatArray, ...]:
        """The value columns in the order of :data:`VALUE_COLUMNS`."""
        return _columns(self)

    def __len__(self) -> int:
        return int(self.open_time.size)

    def rows(self, start: int, stop: int) -> Bars:
        """Return the rows ``[start, stop)`` as views; nothing is copied or checked again."""
        part = object.__new__(Bars)
        for name in ("open_time", "close_time", *VALUE_COLUMNS):
            object.__setattr__(part, name, getattr(self, name)[start:stop])
        return part

    def bar(self, row: int) -> Bar:
        """Return one row as a :class:`Bar`."""
        values = (float(column[row]) for column in self.columns)
        return Bar(int(self.open_time[row]), int(self.close_time[row]), *values)


def close_times(open_time: ArrayLike, interval: Interval) -> IntArray:
    """Return the exclusive ends of bars of `interval`, in microseconds, shape ``(n_bars,)``.

    Months are counted on the calendar.

    >>> february = np.array([1_706_745_600_000_000])
    >>> close_times(february, Interval.parse("1M")).astype("datetime64[us]").item().isoformat()
    '2024-03-01T00:00:00'
    """
    opened = np.asarray(open_time, dtype=np.int64)
    if not interval.is_calendar:
        return opened + interval.microseconds
    next_month = opened.astype("datetime64[us]").astype("datetime64[M]") + 1
    return next_month.astype("datetime64[us]").astype(np.int64)


def _microseconds(moment: datetime) -> int:
    return (moment - EPOCH) // _MICROSECOND


def _times(name: str, values: ArrayLike) -> IntArray:
    array = np.asarray(values)
    if array.size and array.dtype.kind not in "iu":
        raise BadInputError("bar times must be whole microseconds", value=f"{name}: {array.dtype}", todo="use int64")
    return read_only(array.astype(np.int64, copy=False))


def read_only(array: NDArray[_Scalar]) -> NDArray[_Scalar]:
    """Return `array` contiguous and aligned, and so that nobody can write through what is returned."""
    # Read-only views throughout: one type for numba, whether the columns come from NumPy or (read-only) from Arrow.
    view = np.require(array, requirements=["C", "A"]).view()
    view.flags.writeable = False
    return view


def _is_ordered(open_time: IntArray, close_time: IntArray) -> bool:
    if not open_time.size:
        return True
    within = open_time[0] > -LATEST_TIME and close_time[-1] < LATEST_TIME
    return bool(within and (open_time < close_time).all() and (close_time[:-1] <= open_time[1:]).all())
