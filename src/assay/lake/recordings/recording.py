"""What goes into the reading of a recording, and what comes out: plain values, so that every other file here is short.

>>> spec = RecordingSpec("binance", Market.SPOT, Interval.parse("1h"), Symbol.parse("BTC-USDT"))
>>> spec.columns, spec.recorded_at
({}, None)
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime

import polars as pl

from assay.domain.instrument import Market
from assay.domain.interval import Interval
from assay.domain.symbol import Symbol

UTC_MICROSECONDS = pl.Datetime("us", "UTC")

KLINE_SCHEMA = pl.Schema(
    {
        "market": pl.String(),
        "symbol": pl.String(),
        "interval": pl.String(),
        "row_number": pl.Int64(),
        "open_time": UTC_MICROSECONDS,
        "close_time": UTC_MICROSECONDS,
        "source_close_time": UTC_MICROSECONDS,
        "open": pl.Float64(),
        "high": pl.Float64(),
        "low": pl.Float64(),
        "close": pl.Float64(),
        "volume": pl.Float64(),
        "quote_volume": pl.Float64(),
        "taker_buy_volume": pl.Float64(),
        "taker_buy_quote_volume": pl.Float64(),
        "num_trades": pl.Int64(),
        "recorded_at": UTC_MICROSECONDS,
        "is_provisional": pl.Boolean(),
        "defect": pl.String(),
    }
)
"""Columns of :attr:`Recording.klines`, in their order."""

QUARANTINE_SCHEMA = pl.Schema(
    {
        "row_number": pl.Int64(),
        "cause": pl.String(),
        "raw": pl.String(),
    }
)
"""Columns of :attr:`Recording.quarantined`, in their order."""

OFF_GRID = "off_grid"
IDENTICAL_DUPLICATE = "identical_duplicate"


@dataclass(frozen=True, slots=True)
class RecordingSpec:
    """What a person says about a file that the file itself may not say.

    Parameters
    ----------
    venue : str
        Where the bars come from; any venue name.
    market : Market
        Spot or perpetual future.
    interval : Interval
        Length of the bars; a file with bars of another length is refused.
    symbol : Symbol, optional
        The one pair to take. None: all pairs of the symbol column, or the one that the file name begins with.
    columns : mapping of str to str, optional
        Column of a kline → column of the file, where the names do not say it; ``"1"`` is the first column of a file
        without a header.
    recorded_at : datetime, optional
        When the file was fetched, zone-aware; without it nobody knows whether its last bar was finished.
    """

    venue: str
    market: Market
    interval: Interval
    symbol: Symbol | None = None
    columns: Mapping[str, str] = field(default_factory=dict)
    recorded_at: datetime | None = None


@dataclass(frozen=True, slots=True)
class SeriesReport:
    """One symbol of a file; times are open times of accepted bars, UTC."""

    symbol: str
    accepted: int
    zero_volume: int
    missing_bars: int
    gaps: int
    longest_gap_bars: int
    first_open_time: datetime
    last_open_time: datetime


@dataclass(frozen=True, slots=True)
class ImportReport:
    """What was found in one file. Every row is counted once: see :attr:`is_balanced`.

    Parameters
    ----------
    rows_read : int
        Data rows, without header, notice lines, blank lines and rows of other symbols.
    accepted : int
        Rows that are bars on the grid, each content once.
    identical_duplicates : int
        Later rows that say the same as an earlier one.
    restated : int
        Accepted rows beyond the first of their open time, which say something else than the first.
    provisional : int
        Accepted rows that may have been recorded before their bar was finished.
    off_grid : int
        Rows that open at no bar's open time.
    quarantined : int
        Rows that cannot be a bar.
    zero_volume : int
        Accepted rows in which nothing was traded.
    missing_bars, gaps, longest_gap_bars : int
        Bars that lack between the first and the last bar of each series, the holes they form, and the longest hole.
    close_time_mismatches : int
        Valid rows whose own close time is not the end of the bar that their open time begins.
    order_reversals : int
        Steps against the file's prevailing order in time, within one symbol.
    other_symbols : int
        Rows of symbols that were not asked for.
    first_open_time, last_open_time : datetime
        Of accepted bars, UTC.
    series : tuple of SeriesReport
        One for each symbol, in alphabetical order.
    notes : tuple of str
        What was recognised and assumed, in sentences.
    """

    rows_read: int
    accepted: int
    identical_duplicates: int
    restated: int
    provisional: int
    off_grid: int
    quarantined: int
    zero_volume: int
    missing_bars: int
    gaps: int
    longest_gap_bars: int
    close_time_mismatches: int
    order_reversals: int
    other_symbols: int
    first_open_time: datetime
    last_open_time: datetime
    series: tuple[SeriesReport, ...]
    notes: tuple[str, ...]

    @property
    def is_balanced(self) -> bool:
        """Whether every row read went to exactly one place."""
        return self.rows_read == self.accepted + self.identical_duplicates + self.off_grid + self.quarantined


@dataclass(frozen=True, slots=True)
class Recording:
    """A file that was read.

    Parameters
    ----------
    body : bytes
        The file exactly as it is on the disk; it holds the exact decimal text.
    content_format : str
        ``csv``, ``csv.gz`` or ``parquet``.
    klines : polars.DataFrame
        All valid rows in the order of the file, columns as in :data:`KLINE_SCHEMA`. `row_number` counts lines of the
        text from 1 (CSV) or rows from 1 (Parquet). `close_time` is the exclusive end of the bar, `source_close_time`
        what the file says. `defect` is null for accepted rows, else ``off_grid`` or ``identical_duplicate``.
        A column that the file lacks is null; no number is NaN.
    quarantined : polars.DataFrame
        Rows that cannot be a bar, with the cause and the row's text, columns as in :data:`QUARANTINE_SCHEMA`.
    report : ImportReport
        The counts.
    """

    body: bytes
    content_format: str
    klines: pl.DataFrame
    quarantined: pl.DataFrame
    report: ImportReport
