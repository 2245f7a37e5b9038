"""Bars that are made up: a random walk with holes, in which nothing can be foretold, to try computations on."""

from __future__ import annotations

import numpy as np
import polars as pl

from assay.domain.interval import EPOCH, Interval
from assay.features.bars import close_times

COUNT = 2_000
_HOLES = ((301, 304), (700, 701), (1_103, 1_151))
_START = 1_704_067_200_000_000
"""Monday, 2024-01-01T00:00Z."""


def made_bars(interval: Interval, *, seed: int = 0, count: int = COUNT) -> pl.DataFrame:
    """Return bars of a seeded random walk, with the columns of the lake and a reference beside them.

    Some bars are missing: three, one, and two days of hours. Prices are in quote units, times in UTC.

    >>> made_bars(Interval.parse("1h"), count=400).select("open_time", "close").height
    397
    """
    rng = np.random.default_rng(seed)
    places = np.arange(count)
    kept = ~np.any([(places >= first) & (places < last) for first, last in _HOLES], axis=0)
    if interval.is_calendar:
        months = np.datetime64("2000-01", "M") + places
        opened = months.astype("datetime64[us]").astype(np.int64)
    else:
        anchor = _START + (interval.anchor - EPOCH).days * 86_400_000_000 % interval.microseconds
        opened = anchor + places * interval.microseconds
    close = 100.0 * np.exp(np.cumsum(rng.normal(0.0, 0.008, count)))
    first = np.concatenate([[100.0], close[:-1]])
    volume = rng.lognormal(3.0, 0.6, count)
    columns = {
        "open": first,
        "high": np.maximum(first, close) * (1.0 + np.abs(rng.normal(0.0, 0.003, count))),
        "low": np.minimum(first, close) * (1.0 - np.abs(rng.normal(0.0, 0.003, count))),
        "close": close,
        "volume": volume,
        "quote_volume": volume * (first + close) / 2.0,
        "taker_buy_volume": volume * rng.uniform(0.3, 0.7, count),
        "num_trades": np.floor(volume * 10.0),
        "reference": 50.0 * np.exp(np.cumsum(rng.normal(0.0, 0.006, count))),
    }
    moment = pl.Datetime("us", "UTC")
    times = {"open_time": opened, "close_time": close_times(opened, interval)}
    frame = pl.DataFrame({name: pl.Series(at).cast(moment) for name, at in times.items()} | columns)
    return frame.filter(pl.Series(kept))
