"""Klines for people: a frame for notebooks, and a CSV file as Binance would have written it."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import polars as pl

from assay.domain.instrument import Resolution, resolve
from assay.lake import reads
from assay.lake.identities import AssetSegment, met_between, stated_segments
from assay.lake.reads import Span
from assay.lake.storage import write_atomically
from assay.pipelines.workspace import Workspace

_INCLUSIVE_END = pl.duration(milliseconds=1)


@dataclass(frozen=True, slots=True)
class Klines:
    """Bars, and the series that the name was taken to mean.

    `assets` says which assets its ticker meant meanwhile, if more than one: the bars are then not of one series.
    """

    resolution: Resolution
    frame: pl.DataFrame
    assets: tuple[AssetSegment, ...] = ()


def klines(workspace: Workspace, symbol: str, interval: str = "1h", *, span: Span = reads.EVERYTHING) -> Klines:
    """Return the bars of a series in order of time.

    Parameters
    ----------
    workspace : Workspace
    symbol : str
        Any spelling, or ``venue:market:SYMBOL``.
    interval : str, default "1h"
    span : Span
        Which part, and from whose point of view.

    Returns
    -------
    Klines
        The frame has the columns of ``silver.crypto_prices_cleaned``; times are UTC.

    Raises
    ------
    BadInputError, NoDataError
        If no series answers, or it has no bars there.
    """
    with workspace.lake() as lake:
        # What a name meant then, and not what it means since another venue has the symbol too.
        then = reads.list_series(lake, as_of=span.as_of, available_at=span.available_at)
        available = then or reads.list_series(lake)
        resolution = resolve(symbol, available, places=workspace.settings.preferred_places, interval=interval)
        frame = reads.read_klines(lake, resolution.series, span)
        return Klines(resolution, frame, _assets(resolution.series.symbol.base, frame))


def _assets(base: str, frame: pl.DataFrame) -> tuple[AssetSegment, ...]:
    if not frame.height:
        return ()
    return met_between(stated_segments(base), frame["open_time"][0], frame["close_time"][-1])


def save_csv(found: Klines, folder: Path) -> Path:
    """Write the bars as ``BTCUSDT_1h.csv`` with Binance's twelve columns; return the path.

    Times are milliseconds, the close time is the last one inside the bar, ``ignore`` is 0, and a column that no
    recording has is empty. Importing the file gives the same bars again.

    Raises
    ------
    StorageError
        If the disk refuses.
    """
    series = found.resolution.series
    path = folder / f"{series.symbol.base}{series.symbol.quote}_{series.interval}.csv"
    table = found.frame.select(
        pl.col("open_time").dt.epoch("ms"),
        "open",
        "high",
        "low",
        "close",
        "volume",
        (pl.col("close_time") - _INCLUSIVE_END).dt.epoch("ms"),
        pl.col("quote_volume").alias("quote_asset_volume"),
        "num_trades",
        pl.col("taker_buy_volume").alias("taker_base_vol"),
        pl.col("taker_buy_quote_volume").alias("taker_quote_vol"),
        pl.lit(0).alias("ignore"),
    )
    write_atomically(path, table.write_csv().encode())
    return path
