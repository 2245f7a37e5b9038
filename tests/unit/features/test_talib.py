"""Every Step that TA-Lib has too gives its numbers to 1e-9 and its NaN, on made and on real bars with holes."""

from __future__ import annotations

import itertools
from collections.abc import Callable, Sequence

import numpy as np
import pytest
import talib

from assay.features.bars import Bars, FloatArray
from assay.features.drivers import run_batch
from assay.features.indicators.adx import Adx
from assay.features.indicators.atr import Atr
from assay.features.indicators.bollinger import Bollinger
from assay.features.indicators.cmf import Cmf
from assay.features.indicators.keltner import Keltner
from assay.features.indicators.macd import Macd
from assay.features.indicators.mfi import Mfi
from assay.features.indicators.momentum import Momentum
from assay.features.indicators.obv import Obv
from assay.features.indicators.price_momentum import PriceMomentum
from assay.features.indicators.roc import Roc
from assay.features.indicators.rolling_max import RollingMax
from assay.features.indicators.rolling_mean import RollingMean
from assay.features.indicators.rolling_min import RollingMin
from assay.features.indicators.rolling_std import RollingStd
from assay.features.indicators.sar import Sar
from assay.features.indicators.sma import Sma
from assay.features.indicators.stochastic import Stochastic
from assay.features.indicators.vwap import Vwap
from assay.features.indicators.williams_r import WilliamsR
from assay.features.step import Step
from tests.unit.features.made_bars import needs_recordings, recorded_btc
from tests.unit.features.made_market import market

SIMPLE = talib.MA_Type.SMA  # type: ignore[attr-defined]
Oracle = Callable[[Bars], Sequence[FloatArray]]


def stoch(n: int, k: int, d: int) -> Oracle:
    def expected(bars: Bars) -> Sequence[FloatArray]:
        fast, _ = talib.STOCHF(bars.high, bars.low, bars.close, n, 1, SIMPLE)
        slow = talib.STOCH(bars.high, bars.low, bars.close, n, k, SIMPLE, d, SIMPLE)
        return np.where(np.isnan(slow[1]), np.nan, fast), *slow

    return expected


def adx(n: int) -> Oracle:
    return lambda b: [of(b.high, b.low, b.close, n) for of in (talib.ADX, talib.PLUS_DI, talib.MINUS_DI)]


def bands(n: int, factor: float) -> Oracle:
    def expected(bars: Bars) -> Sequence[FloatArray]:
        upper, middle, lower = talib.BBANDS(bars.close, n, factor, factor)
        span = upper - lower
        # What TA-Lib's sums leave of a spread that is zero is no width to take a position in.
        is_flat = span < 1e-6 * middle
        position = np.where(is_flat, 0.5, (bars.close - lower) / np.where(is_flat, 1.0, span))
        return upper, middle, lower, span / middle, position

    return expected


def typical(bars: Bars) -> FloatArray:
    return talib.TYPPRICE(bars.high, bars.low, bars.close)


SKIPPING: list[tuple[Step, Oracle]] = [
    *((Sma(n), lambda b, n=n: [talib.SMA(b.close, n)]) for n in (2, 20, 50, 200)),
    (RollingMean(7), lambda b: [talib.SMA(b.close, 7)]),
    *((RollingStd(n), lambda b, n=n: [talib.STDDEV(b.close, n)]) for n in (2, 30)),
    *((RollingMax(n), lambda b, n=n: [talib.MAX(b.close, n)]) for n in (2, 14, 55)),
    *((RollingMin(n), lambda b, n=n: [talib.MIN(b.close, n)]) for n in (2, 14, 55)),
    *((Macd(*n), lambda b, n=n: talib.MACD(b.close, *n)) for n in ((12, 26, 9), (3, 10, 16), (2, 3, 1))),
    *((Adx(n), adx(n)) for n in (2, 14, 30)),
    *((Sar(*n), lambda b, n=n: [talib.SAR(b.high, b.low, *n)]) for n in ((0.02, 0.2), (0.05, 0.05), (0.1, 0.9))),
    *((Stochastic(*n), stoch(*n)) for n in ((14, 3, 3), (5, 1, 4), (1, 2, 1))),
    *((WilliamsR(n), lambda b, n=n: [talib.WILLR(b.high, b.low, b.close, n)]) for n in (2, 14, 55)),
    *((Bollinger(*n), bands(*n)) for n in ((20, 2.0), (5, 2.5), (50, 1))),
    *((Atr(n), lambda b, n=n: [talib.ATR(b.high, b.low, b.close, n)]) for n in (1, 2, 14)),
    *(
        (Keltner(*n), lambda b, n=n: talib.KC(b.high, b.low, b.close, *n))
        for n in ((20, 10, 2.0), (5, 10, 1.5), (11, 10, 1.0), (10, 10, 3.0))
    ),
    (Obv(), lambda b: [talib.OBV(b.close, b.volume)]),
    *((Vwap(n), lambda b, n=n: [talib.VWMA(typical(b), b.volume, n)]) for n in (2, 20)),
    *((Cmf(n), lambda b, n=n: [talib.CMF(b.high, b.low, b.close, b.volume, n)]) for n in (2, 20)),
    *((Mfi(n), lambda b, n=n: [talib.MFI(b.high, b.low, b.close, b.volume, n)]) for n in (2, 14)),
]
"""A missing bar is skipped, so TA-Lib is asked about the bars there are."""

BROKEN: list[tuple[Step, Oracle]] = [
    *((Roc(n), lambda b, n=n: [talib.ROC(b.close, n)]) for n in (1, 10)),
    *((Momentum(n), lambda b, n=n: [talib.MOM(b.close, n)]) for n in (1, 10)),
    *((PriceMomentum(n), lambda b, n=n: [talib.ROCP(b.close, n)]) for n in (1, 3, 24)),
]
"""NaN over a hole, so TA-Lib is asked about each unbroken stretch by itself."""


def named(pairs: list[tuple[Step, Oracle]]) -> list[str]:
    return [step.outputs[0] for step, _ in pairs]


def assert_equal(step: Step, bars: Bars, expected: Sequence[FloatArray]) -> None:
    values, _ = run_batch(step, bars)
    assert values.shape[1] == len(expected)
    for name, unit, mine, theirs in zip(step.outputs, step.docs.units, values.T, expected, strict=True):
        # Of prices and of what is a difference of prices, the price is what 1e-9 is relative to.
        scale = bars.close if unit.startswith("quote") else np.ones(len(bars))
        if unit.startswith("base"):
            scale = np.cumsum(bars.volume)
        if "0 to 100" in unit or "percent" in unit:
            scale = 100.0 * scale
        assert np.isnan(mine).tolist() == np.isnan(theirs).tolist(), name
        assert np.nanmax(np.abs(mine - theirs) / scale) < 1e-9, name


def stretches(bars: Bars) -> list[Bars]:
    edges = [0, *(np.flatnonzero(bars.open_time[1:] != bars.close_time[:-1]) + 1).tolist(), len(bars)]
    return [bars.rows(start, stop) for start, stop in itertools.pairwise(edges)]


def by_stretch(oracle: Oracle, bars: Bars) -> Sequence[FloatArray]:
    """TA-Lib started anew after each hole; too few bars for it are NaN."""
    return [np.concatenate(parts) for parts in zip(*(oracle(part) for part in stretches(bars)), strict=True)]


@pytest.mark.parametrize(("step", "oracle"), SKIPPING, ids=named(SKIPPING))
def test_equal_to_talib(step: Step, oracle: Oracle) -> None:
    for bars in (market(3000, seed=step.warmup, holes=9), market(3000, seed=step.warmup + 1, flat=True)):
        assert_equal(step, bars, oracle(bars))


@pytest.mark.parametrize(("step", "oracle"), BROKEN, ids=named(BROKEN))
def test_equal_to_talib_between_holes(step: Step, oracle: Oracle) -> None:
    bars = market(3000, seed=step.warmup, holes=9)
    expected = by_stretch(oracle, bars)
    assert_equal(step, bars, expected)
    assert np.isnan(expected[0]).sum() > 5 * step.warmup


@needs_recordings
@pytest.mark.recorded
@pytest.mark.parametrize(("step", "oracle"), SKIPPING, ids=named(SKIPPING))
def test_equal_to_talib_on_recorded_btc(step: Step, oracle: Oracle) -> None:
    bars = recorded_btc()
    assert_equal(step, bars, oracle(bars))


@needs_recordings
@pytest.mark.recorded
@pytest.mark.parametrize(("step", "oracle"), BROKEN, ids=named(BROKEN))
def test_equal_to_talib_between_the_holes_of_recorded_btc(step: Step, oracle: Oracle) -> None:
    bars = recorded_btc()
    assert_equal(step, bars, by_stretch(oracle, bars))
