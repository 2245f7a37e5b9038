"""Prices of coins as bars: of a source that publishes a price now and then, and no trades between.

A bar has the price that was known when it closed, and nothing else: who asks for a high or a volume is refused. What
was polled and what was fetched as history count alike, by when a live system would have had it (``available_at``).
"""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING

import numpy as np
import polars as pl

from assay.domain.errors import BadInputError, NoDataError
from assay.domain.instrument import SeriesId
from assay.domain.interval import Interval
from assay.features.declared import DeclaredSet
from assay.lake import as_of as moments
from assay.lake.manifest import has_table
from assay.lake.reads import Span
from assay.pipelines.workspace import Workspace
from assay.venues.coingecko.spec import IDS, SPEC

if TYPE_CHECKING:
    import duckdb

VENUE = SPEC.name
_POLLED, _HISTORY = "silver.coin_observations", "silver.coin_history_observations"
_DAY = timedelta(days=1)
_ABSENT = ("open", "high", "low", "volume", "quote_volume", "taker_buy_volume", "num_trades")
_READ = {"close", "open_time", "close_time"}


def coin_series(workspace: Workspace, interval: Interval) -> list[SeriesId]:
    """Return the coins of ``ingest.symbols`` whose id is certain, as series in dollars.

    Raises
    ------
    BadInputError
        If a day is no whole number of such bars.
    """
    if interval.is_calendar or _DAY % interval.duration:
        raise BadInputError("no bars of coins of this length", value=interval.code, todo="use one of 1m to 1d")
    known, usual = dict(IDS), {text.partition("-")[0].upper() for text in workspace.settings.ingest.symbols}
    return [SeriesId.of(VENUE, "spot", f"{base}-USD", interval.code) for base in sorted(usual & set(known) - {"USD"})]


def read_coin_bars(lake: duckdb.DuckDBPyConnection, series: SeriesId, span: Span) -> pl.DataFrame:
    """Return the prices of a coin as closed bars in order of time, with the columns of klines that training reads.

    Where no price came within a bar, there is no bar.

    Raises
    ------
    NoDataError
        If there is none.
    """
    frames = [_points(lake, table, series, span) for table in (_POLLED, _HISTORY) if has_table(lake, table)]
    points = pl.concat(frames) if frames else pl.DataFrame()
    if points.is_empty():
        todo = "ask for it first: assay ingest coingecko"
        raise NoDataError("no prices of the coin", value=series.symbol, todo=todo)
    length = series.interval.microseconds
    # What comes in the very moment of a close is known at that close.
    opened = (pl.col("moment") - 1) // length * length
    bars = (
        points.sort("moment", "event", maintain_order=True)
        .group_by(opened.alias("opened"), maintain_order=True)
        .agg(pl.col("price").last())
        .sort("opened")
    )
    as_moment = pl.Datetime("us", "UTC")
    return bars.select(
        pl.col("opened").cast(as_moment).alias("open_time"),
        (pl.col("opened") + length).cast(as_moment).alias("close_time"),
        pl.col("price").alias("close"),
        *(pl.lit(None, dtype=pl.Float64).alias(name) for name in _ABSENT),
        (pl.col("opened") + length).cast(as_moment).alias("available_at"),
    )


def check_reads_closes(chosen: DeclaredSet) -> None:
    """Refuse features that need more of a bar than its close.

    Raises
    ------
    BadInputError
        It names the first Step that does.
    """
    for step in chosen.feature_set.steps:
        more = sorted(set(step.inputs) - _READ)
        if more:
            todo = "a coin has closes alone: use the set direction, or one of your own that reads nothing else"
            raise BadInputError(f"{step.name} reads what prices of coins have not", value=", ".join(more), todo=todo)


def _points(lake: duckdb.DuckDBPyConnection, table: str, series: SeriesId, span: Span) -> pl.DataFrame:
    """Return when each price was known and of when it is, in microseconds, and the price."""
    relation = moments.relation(table, span.as_of, span.available_at)
    coin = dict(IDS)[series.symbol.base]
    frame = lake.execute(
        "select epoch_us(available_at) as moment, epoch_us(event_time) as event, price::double as price "
        f"from {relation} where coin_id = ? and quote = ? and price > 0 order by all",
        [coin, series.symbol.quote],
    ).pl()
    return frame.filter(pl.col("price").is_finite())


def count_snapshots(bars: list[pl.DataFrame]) -> int:
    """Return at how many moments there is a price of any coin."""
    return int(np.unique(np.concatenate([one["close_time"].dt.epoch("us").to_numpy() for one in bars])).size)
