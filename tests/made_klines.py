"""Klines made for tests: a seeded random walk with holes, written the way Binance's files are."""

from __future__ import annotations

import gzip
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import numpy as np

START = datetime(2024, 1, 1, tzinfo=UTC)
HOUR = timedelta(hours=1)
HEADER = (
    "open_time,open,high,low,close,volume,close_time,"
    "quote_asset_volume,num_trades,taker_base_vol,taker_quote_vol,ignore"
)


@dataclass(frozen=True, slots=True)
class Row:
    """One line of a file; prices and volumes are what is printed."""

    open_time: datetime
    open: float
    high: float
    low: float
    close: float
    volume: float
    num_trades: int

    def line(self) -> str:
        opened = round(self.open_time.timestamp() * 1000)
        closes = opened + 3_599_999
        quote = self.volume * self.close
        return (
            f"{opened},{self.open:.2f},{self.high:.2f},{self.low:.2f},{self.close:.2f},{self.volume:.5f},{closes},"
            f"{quote:.8f},{self.num_trades},{self.volume / 2:.5f},{quote / 2:.8f},0"
        )

    def restated(self, factor: float) -> Row:
        """Return the same bar with another close and volume, as an exchange corrects it."""
        close = round(self.close * factor, 2)
        return replace(
            self,
            close=close,
            high=max(self.high, close),
            low=min(self.low, close),
            volume=round(self.volume * factor, 5),
            num_trades=self.num_trades + 1,
        )


def hourly(count: int, *, seed: int = 1, start: datetime = START, holes: tuple[tuple[int, int], ...] = ()) -> list[Row]:
    """Return `count` hours of a random walk without the hours in `holes`, given as [first, last) positions."""
    rng = np.random.default_rng(seed)
    close = np.round(30_000 * np.exp(np.cumsum(rng.normal(0, 0.006, count))), 2)
    opened = np.concatenate([[30_000.0], close[:-1]])
    high = np.round(np.maximum(opened, close) * (1 + np.abs(rng.normal(0, 0.002, count))), 2)
    low = np.round(np.minimum(opened, close) * (1 - np.abs(rng.normal(0, 0.002, count))), 2)
    high, low = np.maximum(high, np.maximum(opened, close)), np.minimum(low, np.minimum(opened, close))
    volume = np.round(rng.lognormal(3, 1, count), 5)
    missing = {position for first, last in holes for position in range(first, last)}
    columns = zip(opened, high, low, close, volume, rng.integers(1, 9_999, count), strict=True)
    rows = [
        Row(start + i * HOUR, float(o), float(h), float(lo), float(c), float(v), int(n))
        for i, (o, h, lo, c, v, n) in enumerate(columns)
    ]
    return [row for i, row in enumerate(rows) if i not in missing]


def write_csv(path: Path, rows: list[Row]) -> Path:
    """Write the rows as a file of twelve columns; compressed if the name says so."""
    path.parent.mkdir(parents=True, exist_ok=True)
    text = "\n".join([HEADER, *(row.line() for row in rows)]) + "\n"
    path.write_bytes(gzip.compress(text.encode(), mtime=0) if path.suffix == ".gz" else text.encode())
    return path
