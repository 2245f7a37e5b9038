"""Small files written for a test, and read."""

from __future__ import annotations

import gzip
from datetime import datetime
from pathlib import Path

import polars as pl

from assay.domain.instrument import Market
from assay.domain.interval import Interval
from assay.domain.symbol import Symbol
from assay.lake.recordings import Recording, RecordingSpec, read_recording

HEADER = "open_time,open,high,low,close,volume"
HOUR_MS = 3_600_000
START_MS = 1_704_067_200_000  # 2024-01-01 00:00 UTC


def spec(
    symbol: str | None = "BTC-USDT",
    interval: str = "1h",
    *,
    recorded_at: datetime | None = None,
    columns: dict[str, str] | None = None,
) -> RecordingSpec:
    pair = Symbol.parse(symbol) if symbol else None
    return RecordingSpec("binance", Market.SPOT, Interval.parse(interval), pair, columns or {}, recorded_at)


def row(hour: float, *values: object, volume: object = 5) -> str:
    """One line: the hour counted from 2024-01-01 00:00, and four prices (10, 12, 9, 11 unless said otherwise)."""
    prices = values or (10, 12, 9, 11)
    return ",".join(map(str, (int(START_MS + hour * HOUR_MS), *prices, volume)))


def csv_of(*lines: str) -> str:
    return "\n".join([HEADER, *lines]) + "\n"


def read_text(
    folder: Path, text: str | bytes, chosen: RecordingSpec | None = None, *, name: str = "bars.csv"
) -> Recording:
    path = folder / name
    body = text.encode() if isinstance(text, str) else text
    path.write_bytes(gzip.compress(body, mtime=0) if name.endswith(".gz") else body)
    return read_recording(path, chosen or spec())


def read_table(
    folder: Path, table: pl.DataFrame, chosen: RecordingSpec | None = None, *, name: str = "bars.parquet"
) -> Recording:
    path = folder / name
    table.write_parquet(path)
    return read_recording(path, chosen or spec())
