"""Bars as exact integers, and the one rule by which short bars make long ones.

A minute without a trade is a bar too, flat at the last price, as on Binance. In this market the first trade after a
pause is always made at the last price: the open of the first minute of an hour and the first trade in that hour are
then the same number, and bars made of minutes equal bars made of trades.

>>> half_past = DAY_US + 30 * MINUTE_US
>>> [str(to_datetime(us)) for us in opens(Interval.parse("1h"), half_past, half_past + 90 * MINUTE_US).tolist()]
['1970-01-02 01:00:00+00:00', '1970-01-02 02:00:00+00:00']
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, fields
from datetime import datetime, timedelta

import numpy as np

from assay.domain.interval import EPOCH, Interval, utc
from assay.venues.sandbox.draws import Integers

SECOND_US = 1_000_000
MINUTE_US = 60 * SECOND_US
DAY_US = 1_440 * MINUTE_US
_MICROSECOND = timedelta(microseconds=1)


def to_us(moment: datetime) -> int:
    """Return microseconds since 1970-01-01.

    Raises
    ------
    BadInputError
        If `moment` carries no time zone.

    Examples
    --------
    >>> to_us(EPOCH + timedelta(days=1)) == DAY_US
    True
    """
    return (utc(moment) - EPOCH) // _MICROSECOND


def to_datetime(us: int) -> datetime:
    """Return the moment `us` microseconds after 1970-01-01, in UTC.

    >>> to_datetime(DAY_US).isoformat()
    '1970-01-02T00:00:00+00:00'
    """
    return EPOCH + us * _MICROSECOND


@dataclass(frozen=True, slots=True)
class Bars:
    """Bars of one series; every array is int64 of shape (n_bars,).

    Times are microseconds since 1970-01-01, `close_time` is exclusive; prices are in ticks, volumes in lots, quote
    volumes in ticks times lots.
    """

    open_time: Integers
    close_time: Integers
    open: Integers
    high: Integers
    low: Integers
    close: Integers
    volume: Integers
    quote_volume: Integers
    num_trades: Integers
    taker_buy_volume: Integers
    taker_buy_quote_volume: Integers

    def __len__(self) -> int:
        return self.open_time.size

    def __getitem__(self, rows: slice) -> Bars:
        return Bars(*(getattr(self, name)[rows] for name in COLUMNS))


COLUMNS = tuple(field.name for field in fields(Bars))
NO_BARS = Bars(*(np.empty(0, dtype=np.int64) for _ in COLUMNS))


def join(parts: Sequence[Bars]) -> Bars:
    """Return the bars of all `parts`, one after the other.

    >>> len(join([NO_BARS, NO_BARS]))
    0
    """
    if not parts:
        return NO_BARS
    return Bars(*(np.concatenate([getattr(part, name) for part in parts]) for name in COLUMNS))


def opens(interval: Interval, start_us: int, end_us: int) -> Integers:
    """Return the open times in ``[start_us, end_us)`` and, last, the first one that is not before `end_us`.

    Parameters
    ----------
    interval : Interval
        Any, months included.
    start_us, end_us : int
        Microseconds since 1970-01-01.

    Returns
    -------
    ndarray of int64
        One more than there are bars; `start_us` must lie before `end_us`.
    """
    if interval.is_calendar:
        moments = interval.opens(to_datetime(start_us), to_datetime(end_us))
        after = interval.close_time(interval.floor(to_datetime(end_us - 1)))
        return np.array([*map(to_us, moments), to_us(after)], dtype=np.int64)
    step, anchor = interval.microseconds, to_us(interval.anchor)
    first = anchor + -((anchor - start_us) // step) * step
    count = max(0, -((first - end_us) // step))
    return first + np.arange(count + 1, dtype=np.int64) * step


def gather(bars: Bars, edges: Integers) -> Bars:
    """Return one bar for every ``[edges[i], edges[i + 1])`` in which at least one of `bars` opens.

    Open is that of the first, close that of the last, high and low are the extremes, the rest are sums: all exact.
    Gathering the results of parts again gives what gathering all at once would.

    Parameters
    ----------
    bars : Bars
        In order of time; all open in ``[edges[0], edges[-1])``.
    edges : ndarray of int64, shape (n + 1,)
        Open times of the wanted bars, and the end of the last.
    """
    if not len(bars):
        return NO_BARS
    # Of the edges, only those near the bars.
    low, high = np.searchsorted(edges, bars.open_time[[0, -1]], side="right").tolist()
    edges = edges[low - 1 : high + 1]
    first = np.searchsorted(bars.open_time, edges[:-1])
    last = np.append(first[1:], len(bars))
    some = np.flatnonzero(last > first)
    first, last = first[some], last[some]
    total = {
        name: np.add.reduceat(getattr(bars, name), first)
        for name in ("volume", "quote_volume", "num_trades", "taker_buy_volume", "taker_buy_quote_volume")
    }
    return Bars(
        open_time=edges[some],
        close_time=edges[some + 1],
        open=bars.open[first],
        high=np.maximum.reduceat(bars.high, first),
        low=np.minimum.reduceat(bars.low, first),
        close=bars.close[last - 1],
        **total,
    )
