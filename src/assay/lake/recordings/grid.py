"""Interval arithmetic on whole columns: the same rules as in domain/interval.py, for millions of bars."""

from __future__ import annotations

from datetime import timedelta

import polars as pl

from assay.domain.errors import BadInputError
from assay.domain.interval import CODES, EPOCH, Interval

_MICROSECOND = timedelta(microseconds=1)
_MIN_STEPS = 3
"""Fewer steps than this say nothing about a file's interval."""


def is_on_grid(open_time: pl.Expr, interval: Interval) -> pl.Expr:
    """Return whether a bar opens exactly at `open_time` (UTC, microseconds)."""
    if interval.is_calendar:
        return open_time.dt.truncate("1mo") == open_time
    return (open_time.cast(pl.Int64) - _anchor(interval)) % interval.microseconds == 0


def close_time(open_time: pl.Expr, interval: Interval) -> pl.Expr:
    """Return the exclusive end of the bar that opens at `open_time`."""
    if interval.is_calendar:
        return open_time.dt.offset_by("1mo")
    return open_time + pl.lit(interval.duration, dtype=pl.Duration("us"))


def bar_number(open_time: pl.Expr, interval: Interval) -> pl.Expr:
    """Return the ordinal number of the bar that opens at `open_time`: consecutive bars differ by one."""
    if interval.is_calendar:
        return open_time.dt.year().cast(pl.Int64) * 12 + open_time.dt.month()
    return (open_time.cast(pl.Int64) - _anchor(interval)) // interval.microseconds


def _anchor(interval: Interval) -> int:
    return (interval.anchor - EPOCH) // _MICROSECOND


def check_interval(bars: pl.DataFrame, interval: Interval) -> None:
    """Refuse bars that are of another length than `interval`.

    The length of a series' bars is the commonest step between its distinct open times; of equally common ones the
    asked one, else the shortest. Series with fewer than three steps are not judged.

    Parameters
    ----------
    bars : polars.DataFrame
        `symbol` and `open_time`.
    interval : Interval
        What the bars should be.

    Raises
    ------
    BadInputError
        It says how far apart the bars are.
    """
    if interval.is_calendar:  # months differ in length: count them, and tell a month's length from any other
        day = timedelta(days=1) // _MICROSECOND
        is_month = pl.col("step").is_between(28 * day, 31 * day)
        step = pl.when(is_month).then(interval.microseconds).otherwise(pl.col("step"))
    else:
        step = pl.col("step")
    steps = (
        bars.select("symbol", "open_time").unique().sort("symbol", "open_time")
        .with_columns(pl.col("open_time").cast(pl.Int64).diff().over("symbol").alias("step")).drop_nulls()
        .with_columns(step.alias("step"))
    )  # fmt: skip
    usual = (
        steps.group_by("symbol", "step").len()
        .filter(pl.col("len").sum().over("symbol") >= _MIN_STEPS)
        # A few corrections picked out of history lie any distance apart; a file of other bars, nearly always the same.
        .filter(2 * pl.col("len") > pl.col("len").sum().over("symbol"))
        .with_columns(is_asked=pl.col("step") == interval.microseconds)
        .sort("symbol", "len", "is_asked", "step", descending=[False, True, True, False])
        .unique("symbol", keep="first", maintain_order=True)
        .filter(~pl.col("is_asked"))
    )  # fmt: skip
    if not usual.is_empty():
        symbol, found = usual.row(0)[:2]
        what = f"bars are {_name(found * _MICROSECOND)} apart, not {interval.code}"
        raise BadInputError(what, value=symbol, todo="pass the --interval that the file has")


def _name(step: timedelta) -> str:
    """Return the code of an interval, or the length in its largest whole unit."""
    months = "1M" if timedelta(days=28) <= step <= timedelta(days=31) else None
    fixed = (one for one in CODES if not one.endswith("M") and Interval(one).duration == step)
    return months or next(fixed, None) or str(step)
