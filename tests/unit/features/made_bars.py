"""Bars for tests: those of the contract, and the real hourly recording where it is present."""

from __future__ import annotations

import math
from collections.abc import Sequence
from pathlib import Path

import polars as pl
import pytest

from assay.features.bars import Bars
from assay.features.contract.broken import same_bits
from assay.features.contract.cases import HOUR, START, hourly, walk

__all__ = ["HOUR", "START", "hourly", "nan_until", "needs_recordings", "recorded_btc", "same_bits", "walk"]

RECORDED = Path(__file__).parents[3].parent / "shared" / "data" / "klines" / "binance_spot_1h_2017_2022"

needs_recordings = pytest.mark.skipif(
    not RECORDED.is_dir(), reason=f"no recordings beside the repository: {RECORDED.name}"
)


def recorded_btc() -> Bars:
    """BTCUSDT hourly, 2017-08-17 to 2022-06-30, with its 27 gaps."""
    table = pl.read_parquet(RECORDED / "BTCUSDT.parquet").sort("Open Time")
    opened = table["Open Time"].cast(pl.Int64).to_numpy() * 1000
    prices = [table[name].cast(pl.Float64).to_numpy() for name in ("Open", "High", "Low", "Close", "Volume")]
    return Bars(opened, opened + HOUR, prices[0], prices[1], prices[2], prices[3], volume=prices[4])


def nan_until(count: int, values: Sequence[float]) -> list[float]:
    """`count` NaN, then `values`."""
    return [math.nan] * count + list(values)
