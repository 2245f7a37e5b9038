"""Bars for tests: a seeded walk, given closes, and the real hourly recording where it is present."""

from __future__ import annotations

import math
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import polars as pl
import pytest
from numpy.typing import ArrayLike, NDArray

from assay.features.bars import Bars

HOUR = 3_600_000_000
START = 1_499_644_800 * 1_000_000
"""Monday, 2017-07-10T00:00Z, at which a bar of every interval opens."""
RECORDED = Path(__file__).parents[3].parent / "shared" / "data" / "klines" / "binance_spot_1h_2017_2022"

needs_recordings = pytest.mark.skipif(
    not RECORDED.is_dir(), reason=f"no recordings beside the repository: {RECORDED.name}"
)


def hourly(close: ArrayLike, *, hours: Sequence[int] | None = None) -> Bars:
    """Bars with these closes, at these hours (0, 1, 2, ... by default); a high and low of 1 % around the body."""
    closes = np.asarray(close, dtype=np.float64)
    opens = np.concatenate([closes[:1], closes[:-1]])
    opened = START + np.asarray(range(closes.size) if hours is None else hours, dtype=np.int64) * HOUR
    high, low = np.maximum(opens, closes) * 1.01, np.minimum(opens, closes) * 0.99
    volume = np.asarray(1.0 + np.arange(closes.size) % 7, dtype=np.float64)
    amounts = volume, volume * closes, volume / 2, volume * 10
    # Another series: neither the closes nor anything in step with them.
    reference = 50.0 + 3.0 * np.sin(0.37 * np.arange(closes.size))
    return Bars(opened, opened + HOUR, opens, high, low, closes, *amounts, reference)


def walk(count: int, *, seed: int = 1, scale: float = 100.0) -> Bars:
    """A seeded random walk without a hole."""
    moves = np.random.default_rng(seed).normal(0.0, 0.01, count)
    return hourly(scale * np.exp(np.cumsum(moves)))


def recorded_btc() -> Bars:
    """BTCUSDT hourly, 2017-08-17 to 2022-06-30, with its 27 gaps."""
    table = pl.read_parquet(RECORDED / "BTCUSDT.parquet").sort("Open Time")
    opened = table["Open Time"].cast(pl.Int64).to_numpy() * 1000
    prices = [table[name].cast(pl.Float64).to_numpy() for name in ("Open", "High", "Low", "Close", "Volume")]
    return Bars(opened, opened + HOUR, prices[0], prices[1], prices[2], prices[3], volume=prices[4])


def same_bits(left: NDArray[np.float64], right: NDArray[np.float64]) -> bool:
    """Whether two arrays hold the same numbers bit for bit; any NaN equals any NaN."""
    if left.shape != right.shape:
        return False
    both_nan = np.isnan(left) & np.isnan(right)
    return bool((both_nan | (left.view(np.uint64) == right.view(np.uint64))).all()) if left.size else True


def nan_until(count: int, values: Sequence[float]) -> list[float]:
    """`count` NaN, then `values`."""
    return [math.nan] * count + list(values)
