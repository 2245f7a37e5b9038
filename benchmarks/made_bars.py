"""Bars made for measuring: seeded random walks in the shape of Binance's files, as many as are asked for."""

from __future__ import annotations

from datetime import datetime, timedelta

import numpy as np
import polars as pl

SYMBOLS = tuple(f"S{number:02d}-USDT" for number in range(20))


def walk(count: int, *, seed: int, first: datetime, bar: timedelta) -> pl.DataFrame:
    """Return `count` bars without a hole, with the columns of a recording; prices and volumes have eight decimals."""
    rng = np.random.default_rng(seed)
    close = np.round(100.0 * np.exp(np.cumsum(rng.normal(0.0, 0.001, count))), 8)
    opened = np.concatenate([close[:1], close[:-1]])
    body_high, body_low = np.maximum(opened, close), np.minimum(opened, close)
    high = np.round(body_high * (1.0 + np.abs(rng.normal(0.0, 0.0005, count))) + 1e-8, 8)
    low = np.round(body_low * (1.0 - np.abs(rng.normal(0.0, 0.0005, count))) - 1e-8, 8)
    volume = np.round(rng.lognormal(3.0, 1.0, count), 8)
    quote = np.round(volume * (high + low) / 2.0, 8)
    step_us = bar // timedelta(microseconds=1)
    open_time = round(first.timestamp()) * 1_000_000 + np.arange(count) * step_us
    columns = {
        "open_time": open_time, "open": opened, "high": high, "low": low, "close": close, "volume": volume,
        "quote_volume": quote, "num_trades": rng.integers(1, 9_999, count), "taker_buy_volume": volume / 2.0,
        "taker_buy_quote_volume": quote / 2.0,
    }  # fmt: skip
    return pl.DataFrame(columns).with_columns(pl.col("open_time").cast(pl.Datetime("us", "UTC")))


def with_unfinished_copies(bars: pl.DataFrame, *, fraction: float, seed: int) -> pl.DataFrame:
    """Return the bars with a copy of some of them in front of each: the same bar, saved before it was finished."""
    rng = np.random.default_rng(seed)
    picked = np.sort(rng.choice(bars.height, int(bars.height * fraction), replace=False))
    amounts = ("volume", "quote_volume", "taker_buy_volume", "taker_buy_quote_volume")
    early = bars[picked].with_columns(
        *(pl.col(name) * 0.5 for name in amounts), close=pl.col("open"), num_trades=pl.col("num_trades") // 2
    )
    return pl.concat([early, bars]).sort("open_time", maintain_order=True)
