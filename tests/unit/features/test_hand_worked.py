"""One example of every indicator, worked by hand with the working beside it, and what each makes of odd bars."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence

import numpy as np
import pytest

from assay.domain.errors import BadInputError
from assay.features.bars import Bars
from assay.features.drivers import run_batch
from assay.features.indicators.adx import Adx
from assay.features.indicators.atr import Atr
from assay.features.indicators.bollinger import Bollinger
from assay.features.indicators.cmf import Cmf
from assay.features.indicators.cumulative_return import CumulativeReturn
from assay.features.indicators.drawdown import Drawdown
from assay.features.indicators.garman_klass import GarmanKlass
from assay.features.indicators.keltner import Keltner
from assay.features.indicators.lag import Lag
from assay.features.indicators.macd import Macd
from assay.features.indicators.mfi import Mfi
from assay.features.indicators.momentum import Momentum
from assay.features.indicators.obv import Obv
from assay.features.indicators.parkinson import Parkinson
from assay.features.indicators.price_momentum import PriceMomentum
from assay.features.indicators.realised_volatility import RealisedVolatility
from assay.features.indicators.roc import Roc
from assay.features.indicators.rolling_max import RollingMax
from assay.features.indicators.rolling_mean import RollingMean
from assay.features.indicators.rolling_min import RollingMin
from assay.features.indicators.rolling_std import RollingStd
from assay.features.indicators.sar import Sar
from assay.features.indicators.session_vwap import SessionVwap
from assay.features.indicators.sma import Sma
from assay.features.indicators.stochastic import Stochastic
from assay.features.indicators.taker_pressure import TakerPressure
from assay.features.indicators.volume_ratio import VolumeRatio
from assay.features.indicators.vwap import Vwap
from assay.features.indicators.williams_r import WilliamsR
from assay.features.indicators.yang_zhang import YangZhang
from assay.features.indicators.zscore import Zscore
from assay.features.step import Step
from tests.unit.features.made_bars import HOUR, START

NAN = math.nan
E = math.e


def closing(*close: float) -> Bars:
    return bars_of([(price, price, price, price) for price in close])


def bars_of(
    prices: Sequence[tuple[float, float, float, float]],
    *,
    volume: Sequence[float] | None = None,
    bought: Sequence[float] | None = None,
    hours: Sequence[int] | None = None,
) -> Bars:
    """Hourly bars of open, high, low and close, at `hours` after midnight."""
    opened = START + np.array(range(len(prices)) if hours is None else hours, dtype=np.int64) * HOUR
    first, high, low, close = np.array(prices, dtype=np.float64).T
    amounts = np.ones(len(prices)) if volume is None else np.array(volume, dtype=np.float64)
    taken = amounts / 2 if bought is None else np.array(bought, dtype=np.float64)
    return Bars(opened, opened + HOUR, first, high, low, close, amounts, taker_buy_volume=taken)


def values_of(step: Step, bars: Bars) -> list[list[float]]:
    return [column.tolist() for column in run_batch(step, bars)[0].T]


# High, low and close of three or four bars; no Step below reads their open.
RANGES = [(9.0, 10.0, 8.0, 9.0), (9.0, 12.0, 9.0, 12.0), (12.0, 13.0, 10.0, 10.0)]

WORKED: list[tuple[Step, Bars, list[list[float]]]] = [
    # (1 + 2 + 3) / 3 = 2, (2 + 3 + 7) / 3 = 4.
    (Sma(3), closing(1, 2, 3, 7), [[NAN, NAN, 2, 4]]),
    (RollingMean(3), closing(1, 2, 3, 7), [[NAN, NAN, 2, 4]]),
    # The mean of 1 and 3 is 2, both are 1 from it; 3 and 3 are 0 from theirs.
    (RollingStd(2), closing(1, 3, 3), [[NAN, 1, 0]]),
    (RollingMax(2), closing(1, 3, 2, 1), [[NAN, 3, 3, 2]]),
    (RollingMin(2), closing(1, 3, 2, 1), [[NAN, 1, 2, 1]]),
    # (3 - 2) / 1 = 1; without a deviation 0.
    (Zscore(2), closing(1, 3, 3), [[NAN, 1, 0]]),
    (Lag(2), closing(1, 2, 4), [[NAN, NAN, 1]]),
    (Momentum(1), closing(10, 11, 15), [[NAN, 1, 4]]),
    # 11 / 10 is 10 % more, 8.8 / 11 is 20 % less.
    (Roc(1), closing(10, 11, 8.8), [[NAN, 10, -20]]),
    (PriceMomentum(1), closing(10, 11, 8.8), [[NAN, 0.1, -0.2]]),
    # 8 / 10 - 1 = -0.2; 12 is a new high; 9 / 12 - 1 = -0.25.
    (Drawdown(), closing(10, 8, 12, 9), [[0, -0.2, 0, -0.25]]),
    (CumulativeReturn(), closing(10, 8, 12, 9), [[0, -0.2, 0.2, -0.1]]),
    # Slow: (1 + 2 + 3) / 3 = 2, 4/2 + 2/2 = 3, 8/2 + 3/2 = 5.5. Fast begins one bar later than it might:
    # (2 + 3) / 2 = 2.5, then 2/3 4 + 1/3 2.5 = 3.5 and 2/3 8 + 1/3 3.5 = 6.5. Line: 0.5, 0.5, 1.
    # Signal: (0.5 + 0.5) / 2 = 0.5, then 2/3 1 + 1/3 0.5 = 5/6. The line's first value is not shown without a signal.
    (Macd(2, 3, 2), closing(1, 2, 3, 4, 8), [[NAN] * 3 + [0.5, 1], [NAN] * 3 + [0.5, 5 / 6], [NAN] * 3 + [0, 1 / 6]]),
    # Bar 1: up 2, down -1, so +DM = 2; true range 12 - 9 = 3; this is the n - 1 = 1 bar of the first sums.
    # Bar 2: up 1 and down 1, so neither; true range 13 - 8 = 5. Sums: 2/2 + 0 = 1, 0, 3/2 + 5 = 6.5. DX = 100.
    # Bar 3: down 3, so -DM = 3; true range 12 - 5 = 7. Sums: 0.5, 3, 3.25 + 7 = 10.25. DX = 100 2.5/3.5 = 500/7.
    #        The first ADX is (100 + 500/7) / 2 = 600/7.
    # Bar 4: neither; true range 12 - 6 = 6. Sums: 0.25, 1.5, 11.125. DX = 100 1.25/1.75 = 500/7; ADX = 550/7.
    (
        Adx(2),
        bars_of([(9, 10, 8, 9), (9, 12, 9, 11), (11, 13, 8, 9), (9, 12, 5, 6), (6, 12, 6, 10)]),
        [
            [NAN, NAN, NAN, 600 / 7, 550 / 7],
            [NAN, NAN, 100 / 6.5, 50 / 10.25, 25 / 11.125],
            [NAN, NAN, 0, 300 / 10.25, 150 / 11.125],
        ],
    ),
    # Bar 1 rises, so long, with the stop at the first low, 8; next 8 + 0.1 (12 - 8) = 8.4.
    # Bar 2 stays above 8.4; its high 14 is a new extreme: 8.4 + 0.2 (14 - 8.4) = 9.52, but not above the last low, 9.
    # Bar 3 falls to 8, the stop is hit: short, with the stop at the extreme, 14. Next 14 + 0.1 (8 - 14) = 13.4, but
    # not below the last two highs, 14 and 13: 14. Bar 4 stays below it.
    (
        Sar(0.1, 0.2),
        bars_of([(9, 10, 8, 9), (9, 12, 9, 11), (11, 14, 10, 12), (12, 13, 8, 9), (9, 12, 7, 8)]),
        [[NAN, 8, 8.4, 14, 14]],
    ),
    # Fast: (12 - 8) / (12 - 8) = 100 %, (10 - 9) / (13 - 9) = 25 %, (12 - 10) / (14 - 10) = 50 %.
    # %K: (100 + 25) / 2 = 62.5, (25 + 50) / 2 = 37.5. %D: (62.5 + 37.5) / 2 = 50.
    (
        Stochastic(2, 2, 2),
        bars_of([*RANGES, (10, 14, 12, 12)]),
        [[NAN, NAN, NAN, 50], [NAN, NAN, NAN, 37.5], [NAN, NAN, NAN, 50]],
    ),
    # The close is 0 below the high of 12; 3 below 13 in a range of 4.
    (WilliamsR(2), bars_of(RANGES), [[NAN, 0, -75]]),
    # Mean 2, deviation 1, reach 1.5: bands 3.5 and 0.5, width 3 / 2, position (3 - 0.5) / 3.
    (Bollinger(2, 1.5), closing(1, 3), [[NAN, 3.5], [NAN, 2], [NAN, 0.5], [NAN, 1.5], [NAN, 5 / 6]]),
    # True ranges 12 - 9 = 3, 13 - 10 = 3, 10 - 6 = 4: (3 + 3) / 2 = 3, then (3 + 4) / 2 = 3.5.
    (Atr(2), bars_of([*RANGES, (10, 10, 6, 8)]), [[NAN, NAN, 3, 3.5]]),
    # Typical prices 9, 11, 11, 8: (11 + 11) / 2 = 11, then 2/3 8 + 1/3 11 = 9; the ATR as above, bands of two.
    (Keltner(2, 2, 2.0), bars_of([*RANGES, (10, 10, 6, 8)]), [[NAN, NAN, 17, 16], [NAN, NAN, 11, 9], [NAN, NAN, 5, 2]]),
    # Returns 1 and 2: mean 1.5, (0.25 + 0.25) / 1 = 0.5.
    (RealisedVolatility(2), closing(1, E, E**3), [[NAN, NAN, 0.5**0.5], [NAN, NAN, (0.5 * 8760) ** 0.5]]),
    # ln(high / low) = 2: 4 / (4 ln 2).
    (Parkinson(1), bars_of([(1, E**2, 1, 1)]), [[math.log(2) ** -0.5], [(8760 / math.log(2)) ** 0.5]]),
    # 0.5 4 - (2 ln 2 - 1) 1 = 3 - 2 ln 2.
    (
        GarmanKlass(1),
        bars_of([(1, E**2, 1, E)]),
        [[(3 - 2 * math.log(2)) ** 0.5], [((3 - 2 * math.log(2)) * 8760) ** 0.5]],
    ),
    # In logarithms: jumps 1 and -1, variance 2; bodies 0 and 2, variance 2; Rogers-Satchell
    # 1 (1 - 0) + -1 (-1 - 0) = 2 and 2 (2 - 2) + 0 = 0, mean 1; k = 0.34 / (1.34 + 3 / 1) = 17/217.
    (
        YangZhang(2),
        bars_of([(1, 1, 1, 1), (E, E**2, 1, E), (1, E**2, 1, E**2)]),
        [[NAN, NAN, (3 + 17 / 217) ** 0.5], [NAN, NAN, ((3 + 17 / 217) * 8760) ** 0.5]],
    ),
    # The first counts as a rise: 1; rise + 2; unchanged; fall - 4.
    (Obv(), bars_of([(1, 1, 1, close) for close in (10, 11, 11, 9)], volume=[1, 2, 3, 4]), [[1, 3, 3, -1]]),
    # Typical prices 9 and 11: (9 1 + 11 3) / 4 = 10.5.
    (Vwap(2), bars_of(RANGES[:2], volume=[1, 3]), [[NAN, 10.5]]),
    # As above; the third bar opens at midnight and begins anew with its typical price 11.
    (SessionVwap(), bars_of(RANGES, volume=[1, 3, 5], hours=[22, 23, 24]), [[9, 10.5, 11]]),
    # Multipliers 0, 1 and -1: (0 1 + 1 3) / 4 = 0.75, (1 3 - 1 1) / 4 = 0.5.
    (Cmf(2), bars_of(RANGES, volume=[1, 3, 1]), [[NAN, 0.75, 0.5]]),
    # Typical prices 9, 11, 11, 8, 9 with flows 33 up, none, 16 down, 18 up: 33/33, 0/16, 18/34.
    (
        Mfi(2),
        bars_of([(price, price, price, price) for price in (9, 11, 11, 8, 9)], volume=[1, 3, 1, 2, 2]),
        [[NAN, NAN, 100, 0, 1800 / 34]],
    ),
    # 3 / ((1 + 3) / 2) = 1.5.
    (VolumeRatio(2), bars_of(RANGES[:2], volume=[1, 3]), [[NAN, 1.5]]),
    # Bought 1 + 2 of 4, so sold 1: 0.75, (3 - 1) / 4 = 0.5.
    (TakerPressure(2), bars_of(RANGES[:2], volume=[1, 3], bought=[1, 2]), [[NAN, 0.75], [NAN, 0.5]]),
]


@pytest.mark.parametrize(("step", "bars", "expected"), WORKED, ids=[step.outputs[0] for step, _, _ in WORKED])
def test_hand_worked(step: Step, bars: Bars, expected: list[list[float]]) -> None:
    for column, worked in zip(values_of(step, bars), expected, strict=True):
        assert column == pytest.approx(worked, nan_ok=True, rel=1e-12, abs=1e-12)


# Odd bars


@pytest.mark.parametrize(
    ("step", "expected"),
    [
        (Stochastic(3, 2, 2), [0, 0, 0]),
        (WilliamsR(3), [0]),
        (Cmf(3), [0]),
        (Mfi(3), [0]),
        (Atr(3), [0]),
        (Adx(3), [0, 0, 0]),
        (Bollinger(3), [7.7, 7.7, 7.7, 0, 0.5]),
        (RollingStd(3), [0]),
        (Zscore(3), [0]),
        (RealisedVolatility(3), [0, 0]),
        (Parkinson(3), [0, 0]),
        (GarmanKlass(3), [0, 0]),
        (YangZhang(3), [0, 0]),
        (Drawdown(), [0]),
    ],
    ids=lambda value: value.outputs[0] if not isinstance(value, list) else "",
)
def test_a_market_that_stands_still_has_exactly_no_range(step: Step, expected: list[float]) -> None:
    last = [column[-1] for column in values_of(step, closing(*[7.7] * 50))]
    assert last == expected


@pytest.mark.parametrize(
    ("step", "without"),
    [
        (Vwap(2), NAN),
        (SessionVwap(), NAN),
        (VolumeRatio(2), NAN),
        (TakerPressure(2), NAN),
        (Cmf(2), 0.0),
        (Mfi(2), 0.0),
        (Obv(), 0.0),
    ],
    ids=lambda value: value.outputs[0] if not isinstance(value, float) else "",
)
def test_bars_without_volume_and_what_follows_them(step: Step, without: float) -> None:
    ranges = [*RANGES, *RANGES]
    values = values_of(step, bars_of(ranges, volume=[0, 0, 0, 1, 3, 5]))
    assert [column[2] for column in values] == pytest.approx([without] * len(values), nan_ok=True)
    # Windows hold nothing of it afterwards.
    later = values_of(step, bars_of([RANGES[2], *RANGES], volume=[0, 1, 3, 5]))
    assert [column[5] for column in values] == pytest.approx([column[3] for column in later], rel=1e-12)


@pytest.mark.parametrize("make", [Roc, PriceMomentum])
@pytest.mark.parametrize("older", [0.0, -1.0])
def test_no_rate_of_change_from_a_price_that_is_not_positive(make: Callable[[int], Step], older: float) -> None:
    assert values_of(make(1), closing(1.0, older, 2.0, 3.0))[0][2:] == pytest.approx(
        [NAN, 50.0 if make is Roc else 0.5], nan_ok=True
    )
    assert values_of(make(1), closing(2.0, older))[0][1] < 0.0  # to such a price there is one


@pytest.mark.parametrize("bad", [0.0, -1.0])
def test_a_return_begins_at_the_first_positive_price(bad: float) -> None:
    assert values_of(CumulativeReturn(), closing(bad, 2.0, 3.0))[0] == pytest.approx([NAN, 0.0, 0.5], nan_ok=True)
    assert values_of(Drawdown(), closing(bad, 2.0, 1.0))[0] == pytest.approx([NAN, 0.0, -0.5], nan_ok=True)


def test_bollinger_has_no_relative_width_around_a_mean_that_is_not_positive() -> None:
    columns = values_of(Bollinger(2, 1.0), closing(-1.0, 1.0, -5.0))
    assert columns[3] == pytest.approx([NAN, NAN, NAN], nan_ok=True)
    assert columns[4][1:] == pytest.approx([1.0, 0.0])


@pytest.mark.parametrize("make", [RealisedVolatility, Parkinson, GarmanKlass, YangZhang])
@pytest.mark.parametrize("bad", [0.0, -1.0])
def test_a_bar_whose_price_has_no_logarithm_is_as_if_missing(make: Callable[[int], Step], bad: float) -> None:
    prices = [(5.0, 6.0, 4.0, 5.0 + hour % 3) for hour in range(12)]
    values = run_batch(make(2), bars_of([*prices[:5], (bad, bad, bad, bad), *prices[6:]]))[0]
    there = [hour for hour in range(12) if hour != 5]
    without = run_batch(make(2), bars_of([prices[hour] for hour in there], hours=there))[0]
    assert np.isnan(values[5]).all()
    np.testing.assert_array_equal(values[there], without)


def test_prices_that_contradict_one_another_do_not_end_a_run() -> None:
    # A close above the high makes the estimators' sums negative; the volatility is then 0.
    odd = bars_of([(1.0, 1.1, 1.0, 20.0)] * 5)
    assert values_of(GarmanKlass(2), odd)[0][-1] == 0.0
    assert values_of(YangZhang(2), odd)[0][-1] == 0.0


# Parameters


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: Macd(26, 12, 9), "fast length is not below its slow one.*26, 12"),
        (lambda: Macd(12, 12, 9), "fast length is not below"),
        (lambda: Sar(0.3, 0.2), "step is above its maximum"),
        (lambda: Sar(0.0, 0.2), "factor of sar"),
        (lambda: Bollinger(20, 0.0), "factor of bollinger"),
        (lambda: Keltner(20, 10, -1.0), "factor of keltner"),
        (lambda: RollingStd(1), "whole number of bars from 2"),
        (lambda: YangZhang(1), "whole number of bars from 2"),
        (lambda: SessionVwap(1440), "no start of a session.*from 0 to 1439"),
        (lambda: SessionVwap(-1), "no start of a session"),
    ],
)
def test_parameters_that_make_no_sense_are_refused(make: Callable[[], Step], message: str) -> None:
    with pytest.raises(BadInputError, match=message):
        make()
