"""Marking bars that are true but must not pass for the bar of their time: off the grid, doubled, or unfinished."""

from __future__ import annotations

import polars as pl

from assay.domain.interval import utc
from assay.lake.recordings.grid import close_time, is_on_grid
from assay.lake.recordings.recording import (
    IDENTICAL_DUPLICATE,
    KLINE_SCHEMA,
    OFF_GRID,
    UTC_MICROSECONDS,
    RecordingSpec,
)

_CONTENT = (
    "symbol", "open_time", "source_close_time", "open", "high", "low", "close", "volume", "quote_volume",
    "taker_buy_volume", "taker_buy_quote_volume", "num_trades",
)  # fmt: skip


def mark(bars: pl.DataFrame, spec: RecordingSpec) -> pl.DataFrame:
    """Return `bars` with the columns of :data:`KLINE_SCHEMA`.

    A bar off the grid is ``off_grid``; else, if an earlier row of the file says the same in all columns, it is an
    ``identical_duplicate``. A bar is provisional if it ends after `recorded_at`, or, where that is not known, if it is
    the last of its series: whoever saved it may have saved it before its end.

    Parameters
    ----------
    bars : polars.DataFrame
        Valid rows in the order of the file.
    spec : RecordingSpec
        Market, interval, and when the file was recorded.
    """
    opened = pl.col("open_time")
    recorded_at = utc(spec.recorded_at) if spec.recorded_at else None
    is_repeated = pl.col("row_number") != pl.col("row_number").min().over(_CONTENT)
    marked = bars.with_columns(
        close_time=close_time(opened, spec.interval),
        recorded_at=pl.lit(recorded_at, dtype=UTC_MICROSECONDS),
        market=pl.lit(spec.market.value),
        interval=pl.lit(spec.interval.code),
        defect=pl.when(~is_on_grid(opened, spec.interval)).then(pl.lit(OFF_GRID))
        .when(is_repeated).then(pl.lit(IDENTICAL_DUPLICATE)),
    )  # fmt: skip
    if recorded_at is None:
        last = pl.when(pl.col("defect").is_null()).then(opened).max().over("symbol")
        is_provisional = (opened == last).fill_null(value=False)
    else:
        is_provisional = pl.col("close_time") > recorded_at
    marked = marked.with_columns(is_provisional=is_provisional)
    return marked.select(*KLINE_SCHEMA).cast(KLINE_SCHEMA)
