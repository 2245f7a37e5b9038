"""Counting what was found in a file: the numbers that a person compares with what they know of it."""

from __future__ import annotations

from datetime import timedelta

import polars as pl

from assay.domain.interval import Interval
from assay.lake.recordings.grid import bar_number
from assay.lake.recordings.recording import IDENTICAL_DUPLICATE, OFF_GRID, ImportReport, SeriesReport

_LAST_INSTANTS = (timedelta(seconds=1), timedelta(milliseconds=1), timedelta(microseconds=1))
"""How far before the exclusive end a venue may put an inclusive close time, by its clock's resolution.

Binance writes the last millisecond of the bar, and the last microsecond in archive files since 2025.
"""


def tally(klines: pl.DataFrame, interval: Interval, *, quarantined: int, others: int, notes: list[str]) -> ImportReport:
    """Return the counts of one file.

    Parameters
    ----------
    klines : polars.DataFrame
        Marked bars, at least one of them without defect.
    interval : Interval
        Their length.
    quarantined, others : int
        Rows that are no bar, and rows of symbols that were not asked for.
    notes : list of str
        What was recognised.
    """
    accepted = klines.filter(pl.col("defect").is_null())
    series = tuple(_series(bars, interval) for bars in accepted.partition_by("symbol", maintain_order=True))
    series = tuple(sorted(series, key=lambda one: one.symbol))
    defects = dict(klines["defect"].drop_nulls().value_counts().iter_rows())
    order, reversals = _order(klines)
    return ImportReport(
        rows_read=klines.height + quarantined,
        accepted=accepted.height,
        identical_duplicates=defects.get(IDENTICAL_DUPLICATE, 0),
        restated=accepted.height - accepted.select("symbol", "open_time").n_unique(),
        provisional=int(accepted["is_provisional"].sum()),
        off_grid=defects.get(OFF_GRID, 0),
        quarantined=quarantined,
        zero_volume=sum(one.zero_volume for one in series),
        missing_bars=sum(one.missing_bars for one in series),
        gaps=sum(one.gaps for one in series),
        longest_gap_bars=max(one.longest_gap_bars for one in series),
        close_time_mismatches=_close_time_mismatches(klines),
        order_reversals=reversals,
        other_symbols=others,
        first_open_time=min(one.first_open_time for one in series),
        last_open_time=max(one.last_open_time for one in series),
        series=series,
        notes=(*notes, *order),
    )


def _series(bars: pl.DataFrame, interval: Interval) -> SeriesReport:
    opened = bars["open_time"].unique().sort()
    missing = opened.to_frame().select(bar_number(pl.col("open_time"), interval).diff().drop_nulls() - 1).to_series()
    holes = missing.filter(missing > 0)
    return SeriesReport(
        symbol=bars["symbol"][0],
        accepted=bars.height,
        zero_volume=int((bars["volume"] == 0).sum()),
        missing_bars=int(holes.sum()),
        gaps=len(holes),
        longest_gap_bars=max(holes, default=0),
        first_open_time=opened[0],
        last_open_time=opened[-1],
    )


def _close_time_mismatches(klines: pl.DataFrame) -> int:
    """Count close times that are not the bar's end, which a file writes either inclusive or exclusive, not both."""
    early_by = (klines["close_time"] - klines["source_close_time"]).drop_nulls()
    inclusive = int(early_by.is_in(_LAST_INSTANTS).sum())
    exclusive = int((early_by == timedelta(0)).sum())
    return len(early_by) - max(inclusive, exclusive)


def _order(klines: pl.DataFrame) -> tuple[list[str], int]:
    steps = klines.select(pl.col("open_time").cast(pl.Int64).diff().over("symbol")).to_series()
    forward, backward = int((steps > 0).sum()), int((steps < 0).sum())
    notes = ["newest first"] if backward > forward else []
    reversals = min(forward, backward)
    if reversals:
        notes.append(f"the order in time reverses in {reversals:,} places")
    return notes, reversals
