"""The bars of a series in memory, as they are stored and at any coarser interval.

A series is read once for each state of the lake; zooming, panning and indicators read memory. Coarser bars lie on the
grid of :class:`~assay.domain.interval.Interval`: weeks begin on Monday, months on the first, all in UTC. A missing bar
is never filled in: a coarse bar says how many it lacks.
"""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime, timedelta

import numpy as np
import polars as pl

from assay.domain.errors import NoDataError
from assay.domain.instrument import SeriesId
from assay.domain.interval import EPOCH, Interval
from assay.lake import as_of as moments
from assay.lake import reads
from assay.lake.catalog import CATALOG
from assay.selectors.kept import Reading

_REVISIONS = "silver.kline_revisions"
_DAY = timedelta(days=1)
_MICROSECOND = timedelta(microseconds=1)
_COLUMNS = (
    "open_time", "close_time", "open", "high", "low", "close", "volume", "quote_volume", "taker_buy_volume",
    "num_trades", "is_closed", "missing_bars_before as missing_bars", "is_outlier",
)  # fmt: skip
_SUMS = ("volume", "quote_volume", "taker_buy_volume", "num_trades")
_KEY = "venue = ? and market = ? and symbol = ? and interval = ?"


def series_bars(reading: Reading, series: SeriesId) -> pl.DataFrame:
    """Return all bars of a stored series in order of time.

    Returns
    -------
    polars.DataFrame
        open_time, close_time (UTC), open, high, low, close (quote units per base unit), volume, taker_buy_volume (base
        units), quote_volume (quote units), num_trades, is_closed, missing_bars (between the bar before and this one),
        is_outlier. A column that no source publishes is null.

    Raises
    ------
    NoDataError
        If it has none.
    """
    return reading.part(("bars", series), lambda one: _read(one, series), weigh=_weight)


def open_bar_known_at(reading: Reading, series: SeriesId) -> datetime | None:
    """Return when the newest stored bar that may still change was received last; None if all are closed."""
    return reading.part(("open bar", series), lambda one: _open_bar_known_at(one, series))


def _open_bar_known_at(reading: Reading, series: SeriesId) -> datetime | None:
    opened: datetime | None = series_bars(reading, series).filter(~pl.col("is_closed"))["open_time"].max()  # type: ignore[assignment]  # of a column of moments
    if opened is None:
        return None
    # A literal: DuckLake leaves files unread only by constants it sees when it plans.
    found = reading.connection.execute(
        f"select max(known_at) from {reading.table(_REVISIONS)} "
        f"where {_KEY} and open_time = timestamptz '{opened.isoformat()}'",
        list(series.key),
    ).fetchall()
    known_at: datetime | None = found[0][0]
    return known_at


def coarser_bars(reading: Reading, series: SeriesId, interval: Interval) -> pl.DataFrame:
    """Return the bars of a stored series at `interval`, which :func:`can_make` from it."""
    if interval == series.interval:
        return series_bars(reading, series)
    return reading.part(
        ("coarser bars", series, interval),
        lambda one: resample(series_bars(one, series), series.interval, interval),
        weigh=_weight,
    )


def can_make(stored: Interval, interval: Interval) -> bool:
    """Whether bars of `interval` are made of whole bars of `stored`.

    >>> can_make(Interval.parse("1h"), Interval.parse("1M")), can_make(Interval.parse("1w"), Interval.parse("1M"))
    (True, False)
    """
    if stored == interval:
        return True
    if stored.is_calendar:
        return False
    whole = _DAY if interval.is_calendar else interval.duration
    if interval.is_calendar or interval.anchor == stored.anchor:
        return whole % stored.duration == timedelta()
    return whole % stored.duration == timedelta() and (interval.anchor - stored.anchor) % stored.duration == timedelta()


def source_of(intervals: Iterable[Interval], interval: Interval) -> Interval | None:
    """Return the longest of the stored intervals of which bars of `interval` can be made, or None."""
    fitting = [one for one in intervals if can_make(one, interval)]
    return max(fitting, key=lambda one: one.duration, default=None)


def resample(bars: pl.DataFrame, stored: Interval, interval: Interval) -> pl.DataFrame:
    """Return coarser bars with the columns of `bars`.

    Open is that of the first bar, close that of the last, high and low are the extremes, volumes sums; a sum of which
    a part is not published is null. `is_closed`: all bars are closed, and they run to the end or others follow.
    `missing_bars`: how many stored bars are missing inside, before the last one there is; at the beginning of the
    series too. `is_outlier`: one of them is.

    Parameters
    ----------
    bars : polars.DataFrame
        In order of time, at least one.
    stored, interval : Interval
    """
    opened = _opens(bars["open_time"], interval)
    stamps = opened.to_physical().to_numpy()
    first = np.concatenate(([0], np.flatnonzero(np.diff(stamps)) + 1))
    last = np.concatenate((first[1:], [len(bars)])) - 1
    open_time = opened.gather(first)
    close_time = _closes(open_time, interval)
    ends = bars["close_time"].gather(last)
    count = last - first + 1
    follows = np.arange(first.size) < first.size - 1
    until = ends.zip_with(pl.Series(~follows), close_time)  # a later bar shows that the rest is missing too
    expected = (until - open_time).dt.total_microseconds().to_numpy() // stored.microseconds
    closed = np.logical_and.reduceat(bars["is_closed"].to_numpy(), first)
    columns = {
        "open_time": open_time,
        "close_time": close_time,
        "open": bars["open"].gather(first),
        "high": _reduced(np.fmax, bars["high"], first),
        "low": _reduced(np.fmin, bars["low"], first),
        "close": bars["close"].gather(last),
        **{name: _reduced(np.add, bars[name], first) for name in _SUMS},
        "is_closed": closed & (follows | (ends == close_time).to_numpy()),
        "missing_bars": expected - count,
        "is_outlier": np.logical_or.reduceat(bars["is_outlier"].to_numpy(), first),
    }
    return pl.DataFrame(columns).select(bars.columns)


def _opens(moments_: pl.Series, interval: Interval) -> pl.Series:
    """Return the open times of the bars that contain the moments."""
    if interval.is_calendar:
        return moments_.dt.truncate("1mo")
    anchor = (interval.anchor - EPOCH) // _MICROSECOND
    stamps = moments_.dt.epoch("us").to_numpy()
    opened = stamps - (stamps - anchor) % interval.microseconds
    return pl.Series(opened).cast(moments_.dtype)


def _closes(opened: pl.Series, interval: Interval) -> pl.Series:
    return opened.dt.offset_by("1mo" if interval.is_calendar else f"{interval.microseconds}us")


def _reduced(extreme: np.ufunc, values: pl.Series, first: np.ndarray[tuple[int], np.dtype[np.int64]]) -> pl.Series:
    """Return one value for each run of rows that begins at `first`; null if one of its rows is."""
    numbers = values.cast(pl.Float64).to_numpy()
    reduced = pl.Series(values.name, extreme.reduceat(numbers, first))
    if not values.null_count():
        return reduced
    absent = np.logical_or.reduceat(values.is_null().to_numpy(), first)
    return reduced.zip_with(pl.Series(~absent), pl.Series([None], dtype=pl.Float64).new_from_index(0, reduced.len()))


def _read(reading: Reading, series: SeriesId) -> pl.DataFrame:
    table = reading.table(reads.CLEANED, "bars")
    if not reading.is_now:  # the series first: no rule of the table looks beyond it
        known = (
            f"{CATALOG}.silver.kline_revisions where {_KEY} and {moments.seen_by(reading.as_of, reading.available_at)}"
        )
        table = f"({reads.cleaned_sql('seen')})"
        reading.connection.execute(f"create or replace temporary table seen as select * from {known}", list(series.key))
    frame = reading.connection.execute(
        f"select {', '.join(_COLUMNS)} from {table} where {_KEY} order by open_time", list(series.key)
    ).pl()
    if frame.is_empty():
        then = "run `assay ingest` and `assay build`" if reading.is_now else "ask of a later moment"
        raise NoDataError(
            "the lake has no bars of this series" + ("" if reading.is_now else " as of then"), value=series, todo=then
        )
    return frame.with_columns(pl.col("missing_bars").cast(pl.Int64))


def _weight(frame: pl.DataFrame) -> int:
    return int(frame.estimated_size())
