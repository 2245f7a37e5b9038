"""Make recordings to try Assay with: a seeded random walk, with the defects that real files have.

Usage: python examples/make_sample.py FOLDER

Prices are a martingale, so "no skill" is the right verdict on them. Two years of hours of BTC-USDT come as a file of
Binance's twelve columns with an outage, bars off the grid, an hour saved before it was over and rows that cannot be
bars; half a year more comes as a second recording that overlaps the first.
"""

from __future__ import annotations

import gzip
import sys
from datetime import UTC, datetime, timedelta
from pathlib import Path

import numpy as np
import polars as pl

HOURS = 2 * 365 * 24
MORE_HOURS = 183 * 24
OVERLAP = 30 * 24
START_MS = 1_640_995_200_000  # 2022-01-01 00:00 UTC
HOUR_MS = 3_600_000
PLAN = """# Made by examples/make_sample.py: random prices, not a market.
root: .
imports:
  - {path: BTCUSDT-1h-2022-2023.csv.gz, venue: sample, symbol: BTC-USDT, interval: 1h}
  - {path: BTCUSDT-1h-2024.parquet, venue: sample, symbol: BTC-USDT, interval: 1h}
"""


def walk(count: int, seed: int) -> pl.DataFrame:
    """Return hourly bars with volatility that clusters; times in milliseconds."""
    rng = np.random.default_rng(seed)
    wave = np.convolve(rng.normal(0, 1, count + 200), np.exp(-np.arange(200) / 50), mode="valid")[:count]
    steps = rng.standard_t(5, count) * 0.004 * np.exp(0.05 * wave)
    close = np.round(40_000 * np.exp(np.cumsum(steps)), 2)
    opened = np.concatenate([[40_000.0], close[:-1]])
    spread = np.abs(rng.normal(0, 0.002, (2, count)))
    high = np.maximum(np.round(np.maximum(opened, close) * (1 + spread[0]), 2), np.maximum(opened, close))
    low = np.minimum(np.round(np.minimum(opened, close) * (1 - spread[1]), 2), np.minimum(opened, close))
    volume = np.round(rng.lognormal(6, 0.8, count), 5)
    quote = np.round(volume * (high + low + close) / 3, 2)
    moments = START_MS + HOUR_MS * np.arange(count)
    return pl.DataFrame(
        {
            "open_time": moments,
            "open": opened,
            "high": high,
            "low": low,
            "close": close,
            "volume": volume,
            "close_time": moments + HOUR_MS - 1,
            "quote_asset_volume": quote,
            "num_trades": rng.integers(100, 90_000, count),
            "taker_base_vol": np.round(volume / 2, 5),
            "taker_quote_vol": np.round(quote / 2, 2),
            "ignore": np.zeros(count, dtype=np.int64),
        }
    )


def damaged(bars: pl.DataFrame) -> str:
    """Return the bars as CSV text with an outage, bars off the grid, an unfinished copy and three impossible rows."""
    kept = pl.concat([bars[:900], bars[933:]])
    header, *lines = kept.write_csv().splitlines()
    shifted = bars[933:938].with_columns(pl.col("open_time") + 1_694_789).write_csv(include_header=False).splitlines()
    lines[900:905] = shifted
    unfinished = bars[5_000:5_001].with_columns(pl.col("volume", "quote_asset_volume") * 0.4)
    lines.insert(lines.index(_line(bars, 5_000)), unfinished.write_csv(include_header=False).strip())
    for position, text in ((2_000, "NaN"), (3_000, "-1"), (4_000, "12x")):
        fields = lines[position].split(",")
        lines.insert(position, ",".join([fields[0], text, *fields[2:]]))
    return "\n".join([header, *lines]) + "\n"


def _line(bars: pl.DataFrame, row: int) -> str:
    return bars[row : row + 1].write_csv(include_header=False).strip()


def main(folder: Path) -> None:
    """Write the two recordings and their plan."""
    folder.mkdir(parents=True, exist_ok=True)
    bars = walk(HOURS + MORE_HOURS, seed=7)
    (folder / "BTCUSDT-1h-2022-2023.csv.gz").write_bytes(gzip.compress(damaged(bars[:HOURS]).encode(), mtime=0))
    later = bars[HOURS - OVERLAP :].select("open_time", "open", "high", "low", "close", "volume")
    later.write_parquet(folder / "BTCUSDT-1h-2024.parquet")
    (folder / "recordings.yaml").write_text(PLAN)
    last = datetime.fromtimestamp(bars["open_time"][-1] / 1000, UTC) + timedelta(hours=1)
    print(f"made-up hours of BTC-USDT up to {last:%Y-%m-%d %H:%M} UTC, and a plan, written to {folder}")


if __name__ == "__main__":
    if len(sys.argv) != 2:
        sys.exit("usage: python examples/make_sample.py FOLDER")
    main(Path(sys.argv[1]))
