"""Bars on which mistakes are planted: four coins with holes, late rows, one listed late and one delisted, all seeded.

BTC trades all the time, ETH misses some hours, NEW is listed after a third of the time, and OLD is gone after two
thirds. Some rows came hours after their bar had closed.
"""

from __future__ import annotations

import functools
from datetime import UTC, datetime, timedelta
from typing import Any, TypeAlias

import numpy as np
import polars as pl
from numpy.typing import NDArray

Frame: TypeAlias = Any
"""A frame, a series or an index of pandas, which has no types."""

START = datetime(2024, 1, 1, tzinfo=UTC)  # a Monday
HOUR = timedelta(hours=1)
HOURS = 24 * 28
HOLES = ((150, 157), (401, 402), (560, 562))
"""Hours that ETH lacks, as [first, last)."""
LATE = (90, 251, 252, 430, 600)
"""Hours of BTC whose bars were there five hours late, of ETH those before."""
MISSED_BY = timedelta(hours=5)


def walk(count: int, seed: int) -> dict[str, NDArray[np.float64]]:
    """Return prices and volumes of a random walk with calm and wild hours; nothing in it can be foretold."""
    rng = np.random.default_rng(seed)
    change = rng.normal(0, 0.006, count) * np.exp(rng.normal(0, 0.4, count))
    close = 100 * np.exp(np.cumsum(change))
    opened = np.concatenate([[100.0], close[:-1]])
    high = np.maximum(opened, close) * (1 + np.abs(rng.normal(0, 0.002, count)))
    low = np.minimum(opened, close) * (1 - np.abs(rng.normal(0, 0.002, count)))
    return {"open": opened, "high": high, "low": low, "close": close, "volume": rng.lognormal(3, 0.6, count)}


@functools.cache
def panel() -> pl.DataFrame:
    """Return hourly bars of all four coins in order of time: symbol, open_time, close_time, available_at, prices."""
    there = np.arange(HOURS)
    frames = []
    for seed, symbol in enumerate(("BTC", "ETH", "NEW", "OLD")):
        first, last = {"NEW": (HOURS // 3, HOURS), "OLD": (0, 2 * HOURS // 3)}.get(symbol, (0, HOURS))
        kept = (there >= first) & (there < last)
        if symbol == "ETH":
            for begin, end in HOLES:
                kept &= (there < begin) | (there >= end)
        hours = there[kept]
        late = {"BTC": LATE, "ETH": tuple(hour - 1 for hour in LATE)}.get(symbol, ())
        opened = pl.Series([START + hour * HOUR for hour in hours.tolist()], dtype=pl.Datetime("us", "UTC"))
        arrived = [timedelta(seconds=2) + (MISSED_BY if hour in late else timedelta(0)) for hour in hours.tolist()]
        prices = {name: values[kept] for name, values in walk(HOURS, 40 + seed).items()}
        frames.append(
            pl.DataFrame(
                {
                    "symbol": [symbol] * len(hours),
                    "open_time": opened,
                    "close_time": opened + HOUR,
                    "available_at": opened + HOUR + pl.Series(arrived, dtype=pl.Duration("us")),
                    **prices,
                }
            )
        )
    return pl.concat(frames).sort("open_time", "symbol")


@functools.cache
def _hours(count: int, *, with_holes: bool) -> Frame:
    import pandas as pd

    frame = pd.DataFrame(walk(count, 7), index=pd.date_range(START, periods=count, freq="h", name="open_time"))
    if with_holes:
        hour = np.arange(count)
        frame = frame[~np.any([(hour >= begin) & (hour < end) for begin, end in HOLES], axis=0)]
    return frame


def hours() -> Frame:
    """Return hourly bars of one coin as pandas has them: the open time is the index."""
    return _hours(HOURS, with_holes=False).copy()


def hours_with_supply() -> Frame:
    """Return what is known of a coin once a day, at midnight, as a column of an hourly frame."""
    frame, row = hours()[["close"]], np.arange(HOURS)
    return frame.assign(supply=np.where(row % 24 == 0, 1e6 + row**1.5, np.nan))


def hours_with_target() -> Frame:
    """Return closes and whether the next one is higher, as a column of the frame."""
    frame = hours()[["close"]]
    return frame.assign(is_up=(frame["close"].shift(-1) > frame["close"]).astype(float))


def hours_with_holes() -> Frame:
    """Return the same without some hours."""
    return _hours(HOURS, with_holes=True).copy()


def ten_thousand() -> Frame:
    """Return 10,000 hours."""
    return _hours(10_000, with_holes=False).copy()


@functools.cache
def sentiment() -> pl.DataFrame:
    """Return a number for each day that is about the day (`event_time`) and was published half a day after its end."""
    days = HOURS // 24
    event = pl.Series([START + timedelta(days=day) for day in range(days)], dtype=pl.Datetime("us", "UTC"))
    score = np.random.default_rng(5).normal(50, 10, days)
    return pl.DataFrame({"event_time": event, "available_at": event + timedelta(hours=36), "score": score})


@functools.cache
def restated() -> pl.DataFrame:
    """Return hourly bars of one coin of which every ninth was corrected a day later: both rows are there."""
    one = panel().filter(pl.col("symbol") == "BTC").drop("symbol")
    one = one.with_columns(available_at=pl.col("close_time") + timedelta(seconds=2), revision=pl.lit(0))
    corrected = one.gather_every(9, 4).with_columns(
        close=pl.col("close") * 1.003, available_at=pl.col("available_at") + timedelta(days=1), revision=pl.lit(1)
    )
    return pl.concat([one, corrected]).sort("open_time", "revision")
