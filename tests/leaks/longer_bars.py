"""Longer bars and sessions merged back into hours, before they were over."""

from __future__ import annotations

import polars as pl

from assay.evidence.causality import Leak
from tests.leaks import bars
from tests.leaks.bars import Frame
from tests.leaks.cases import CASES


@CASES.leak(Leak.HIGHER_INTERVAL_BY_OPEN_TIME, "close_4h", lag=3)
def resampled_and_merged_by_open_time(hours: Frame) -> Frame:
    """Four-hour closes merged into the hours by the time at which the four hours begin."""
    four = hours["close"].resample("4h").last()
    return four.reindex(hours.index, method="ffill").to_frame("close_4h")


@CASES.twin()
def resampled_and_merged_when_over(hours: Frame) -> Frame:
    """The close of the last four hours that were over."""
    four = hours["close"].resample("4h").last().shift(1)
    return four.reindex(hours.index, method="ffill").to_frame("close_4h")


@CASES.leak(Leak.HIGHER_INTERVAL_BY_OPEN_TIME, "close_6h")
def right_labels_filled_backwards(hours: Frame) -> Frame:
    """`label="right"` with `bfill`: each hour gets the longer bar that it is a part of."""
    six = hours["close"].resample("6h", label="right", closed="right").last()
    return six.reindex(hours.index, method="bfill").to_frame("close_6h")


@CASES.twin(is_seldom=True)
def right_labels_filled_forwards(hours: Frame) -> Frame:
    """`label="right"` with `ffill`: each hour gets the longer bar that has ended."""
    six = hours["close"].resample("6h", label="right").last()
    return six.reindex(hours.index, method="ffill").to_frame("close_6h")


@CASES.leak(Leak.HIGHER_INTERVAL_BY_OPEN_TIME, "range_4h", frame=bars.panel)
def grouped_by_truncated_time(panel: pl.DataFrame) -> pl.DataFrame:
    """The range of the four hours that a bar lies in, its own later bars included."""
    group = ["symbol", pl.col("open_time").dt.truncate("4h")]
    spread = (pl.col("high").max() - pl.col("low").min()).over(group)
    return panel.select("symbol", "open_time", range_4h=spread)


@CASES.twin(frame=bars.panel)
def grouped_so_far(panel: pl.DataFrame) -> pl.DataFrame:
    """The range of the four hours so far."""
    group = ["symbol", pl.col("open_time").dt.truncate("4h")]
    return panel.select(
        "symbol", "open_time", range_4h=(pl.col("high").cum_max() - pl.col("low").cum_min()).over(group)
    )


@CASES.leak(Leak.SESSION_TOTAL, "vwap")
def vwap_of_the_whole_day(hours: Frame) -> Frame:
    """The session's VWAP to the end of the day, in each of its hours."""
    day = hours.index.floor("D")
    paid = (hours["close"] * hours["volume"]).groupby(day).transform("sum")
    return (paid / hours["volume"].groupby(day).transform("sum")).rename("vwap")


@CASES.twin()
def vwap_of_the_day_so_far(hours: Frame) -> Frame:
    """The session's VWAP so far."""
    day = hours.index.floor("D")
    paid = (hours["close"] * hours["volume"]).groupby(day).cumsum()
    return (paid / hours["volume"].groupby(day).cumsum()).rename("vwap")


@CASES.leak(Leak.SESSION_TOTAL, "share", frame=bars.panel, is_seldom=True)
def share_of_the_days_volume(panel: pl.DataFrame) -> pl.DataFrame:
    """An hour's share of the volume of its whole day."""
    total = pl.col("volume").sum().over("symbol", pl.col("open_time").dt.date())
    return panel.select("symbol", "open_time", share=pl.col("volume") / total)


@CASES.twin(frame=bars.panel, is_seldom=True)
def share_of_a_days_volume_so_far(panel: pl.DataFrame) -> pl.DataFrame:
    """An hour's share of the volume of the last 24 bars."""
    total = pl.col("volume").rolling_sum(24).over("symbol")
    return panel.select("symbol", "open_time", share=pl.col("volume") / total)


@CASES.leak(Leak.SESSION_TOTAL, "to_high", is_seldom=True)
def high_of_the_day_at_its_start(hours: Frame) -> Frame:
    """How far below the day's high, known since midnight."""
    return (hours["close"] / hours["high"].groupby(hours.index.floor("D")).transform("max") - 1).rename("to_high")


@CASES.twin(is_seldom=True)
def high_of_the_day_before(hours: Frame) -> Frame:
    """How far below the high of the day before."""
    high = hours["high"].resample("D").max().shift(1).reindex(hours.index, method="ffill")
    return (hours["close"] / high - 1).rename("to_high")
