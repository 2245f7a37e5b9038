"""The sixteen indicators that F1, F2 and F3 compute, as Steps and as one would ask TA-Lib for them.

Some Steps have columns that TA-Lib has no function for, such as the width of Bollinger's bands: they come on top.
"""

from __future__ import annotations

import sys
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path

import numpy as np
import polars as pl
import talib
from numpy.typing import NDArray
from talib import stream

from assay.features.bars import Bar, Bars
from assay.features.indicators.adx import Adx
from assay.features.indicators.atr import Atr
from assay.features.indicators.bollinger import Bollinger
from assay.features.indicators.cmf import Cmf
from assay.features.indicators.ema import Ema
from assay.features.indicators.keltner import Keltner
from assay.features.indicators.macd import Macd
from assay.features.indicators.obv import Obv
from assay.features.indicators.rolling_std import RollingStd
from assay.features.indicators.rsi import Rsi
from assay.features.indicators.sar import Sar
from assay.features.indicators.sma import Sma
from assay.features.indicators.stochastic import Stochastic
from assay.features.indicators.vwap import Vwap
from assay.features.indicators.williams_r import WilliamsR
from assay.features.sets import FeatureSet
from assay.features.step import Step
from benchmarks.made_bars import walk

Array = NDArray[np.float64]
RECORDED = Path(__file__).parents[1].parent / "shared/data/klines/binance_spot_1m/KITEUSDT_2025-11_2026-02.parquet"
"""Real minutes, where they are there: they do not ship with the project."""
_MINUTE = timedelta(minutes=1)


@dataclass(frozen=True, slots=True)
class Pair:
    """A Step, and TA-Lib's function for the columns that both have."""

    step: Step
    columns: tuple[int, ...]
    """Which of the Step's outputs are TA-Lib's, in TA-Lib's order."""
    batch: Callable[[Bars], tuple[Array, ...]]
    opened: Callable[[Bars], object]
    """TA-Lib's stream after these bars."""
    inputs: tuple[str, ...]
    """What its ``update`` takes of a bar; ``typical`` is the mean of high, low and close."""


def _typical(bars: Bars) -> Array:
    return (bars.high + bars.low + bars.close) / 3.0


def _one(found: Array) -> tuple[Array, ...]:
    return (found,)


_SIMPLE = talib.MA_Type.SMA  # type: ignore[attr-defined]  # its stubs leave it out
_HLC, _C = ("high", "low", "close"), ("close",)
PAIRS = (
    Pair(Sma(20), (0,), lambda b: _one(talib.SMA(b.close, 20)), lambda b: stream.SMA(b.close, 20), _C),
    Pair(Ema(12), (0,), lambda b: _one(talib.EMA(b.close, 12)), lambda b: stream.EMA(b.close, 12), _C),
    Pair(Ema(26), (0,), lambda b: _one(talib.EMA(b.close, 26)), lambda b: stream.EMA(b.close, 26), _C),
    Pair(
        Macd(12, 26, 9), (0, 1, 2), lambda b: talib.MACD(b.close, 12, 26, 9),
        lambda b: stream.MACD(b.close, 12, 26, 9), _C,
    ),
    Pair(Rsi(14), (0,), lambda b: _one(talib.RSI(b.close, 14)), lambda b: stream.RSI(b.close, 14), _C),
    Pair(
        Stochastic(14, 3, 3), (1, 2), lambda b: talib.STOCH(b.high, b.low, b.close, 14, 3, _SIMPLE, 3, _SIMPLE),
        lambda b: stream.STOCH(b.high, b.low, b.close, 14, 3, 0, 3, 0), _HLC,
    ),
    Pair(
        WilliamsR(14), (0,), lambda b: _one(talib.WILLR(b.high, b.low, b.close, 14)),
        lambda b: stream.WILLR(b.high, b.low, b.close, 14), _HLC,
    ),
    Pair(
        Atr(14), (0,), lambda b: _one(talib.ATR(b.high, b.low, b.close, 14)),
        lambda b: stream.ATR(b.high, b.low, b.close, 14), _HLC,
    ),
    Pair(
        Adx(14), (0,), lambda b: _one(talib.ADX(b.high, b.low, b.close, 14)),
        lambda b: stream.ADX(b.high, b.low, b.close, 14), _HLC,
    ),
    Pair(
        Bollinger(20, 2.0), (0, 1, 2), lambda b: talib.BBANDS(b.close, 20, 2, 2),
        lambda b: stream.BBANDS(b.close, 20, 2, 2), _C,
    ),
    Pair(
        Keltner(20, 10, 2.0), (0, 1, 2), lambda b: talib.KC(b.high, b.low, b.close, 20, 10, 2.0),
        lambda b: stream.KC(b.high, b.low, b.close, 20, 10, 2.0), _HLC,
    ),
    Pair(
        Sar(0.02, 0.2), (0,), lambda b: _one(talib.SAR(b.high, b.low, 0.02, 0.2)),
        lambda b: stream.SAR(b.high, b.low, 0.02, 0.2), ("high", "low"),
    ),
    Pair(Obv(), (0,), lambda b: _one(talib.OBV(b.close, b.volume)), lambda b: stream.OBV(b.close, b.volume),
         ("close", "volume")),
    Pair(
        Vwap(20), (0,), lambda b: _one(talib.VWMA(_typical(b), b.volume, 20)),
        lambda b: stream.VWMA(_typical(b), b.volume, 20), ("typical", "volume"),
    ),
    Pair(
        Cmf(20), (0,), lambda b: _one(talib.CMF(b.high, b.low, b.close, b.volume, 20)),
        lambda b: stream.CMF(b.high, b.low, b.close, b.volume, 20), (*_HLC, "volume"),
    ),
    Pair(
        RollingStd(30), (0,), lambda b: _one(talib.STDDEV(b.close, 30)), lambda b: stream.STDDEV(b.close, 30), _C
    ),
)  # fmt: skip
SIXTEEN = FeatureSet("sixteen", 1, tuple(pair.step for pair in PAIRS))


def made(count: int) -> Bars:
    """A seeded walk of minutes."""
    frame = walk(count, seed=1, first=datetime(2015, 1, 1, tzinfo=UTC), bar=_MINUTE)
    return _bars(frame["open_time"], frame)


def recorded() -> Bars | None:
    """Real minutes, or None with a word to standard error."""
    if not RECORDED.is_file():
        print(f"no recording {RECORDED.name}: left out", file=sys.stderr)
        return None
    frame = pl.read_parquet(RECORDED).unique("date").sort("date")
    return _bars(frame["date"], frame)


def agree(bars: Bars) -> None:
    """Raise AssertionError unless Steps and TA-Lib say the same of `bars`."""
    matrix, row = SIXTEEN.run(bars).matrix, 0
    for pair in PAIRS:
        for column, expected in zip(pair.columns, pair.batch(bars), strict=True):
            size = float(np.nanmean(np.abs(expected)))
            found = matrix[:, row + column]
            np.testing.assert_allclose(found, expected, rtol=1e-9, atol=1e-9 * size, err_msg=pair.step.outputs[column])
        row += len(pair.step.outputs)


def values_of(bar: Bar, inputs: tuple[str, ...]) -> tuple[float, ...]:
    """Return what TA-Lib's stream takes of a bar."""
    typical = (bar.high + bar.low + bar.close) / 3.0
    return tuple(typical if name == "typical" else getattr(bar, name) for name in inputs)


def _bars(opened: pl.Series, frame: pl.DataFrame) -> Bars:
    open_time = opened.dt.epoch("us").to_numpy()
    columns = {name: frame[name].cast(pl.Float64).to_numpy() for name in ("open", "high", "low", "close", "volume")}
    return Bars(open_time, open_time + _MINUTE // timedelta(microseconds=1), **columns)
