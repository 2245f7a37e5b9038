"""Steps that TA-Lib does not have, against their formulas written out window by window in plain NumPy."""

from __future__ import annotations

import math
from collections.abc import Callable

import numpy as np
import pytest

from assay.features.bars import Bars, FloatArray
from assay.features.drivers import run_batch
from assay.features.indicators.cumulative_return import CumulativeReturn
from assay.features.indicators.drawdown import Drawdown
from assay.features.indicators.garman_klass import GarmanKlass
from assay.features.indicators.lag import Lag
from assay.features.indicators.parkinson import Parkinson
from assay.features.indicators.realised_volatility import RealisedVolatility
from assay.features.indicators.session_vwap import SessionVwap
from assay.features.indicators.taker_pressure import TakerPressure
from assay.features.indicators.volume_ratio import VolumeRatio
from assay.features.indicators.yang_zhang import YangZhang
from assay.features.indicators.zscore import Zscore
from assay.features.step import Step
from assay.measures.volatility import rolling_volatility
from tests.unit.features.made_bars import HOUR, START, needs_recordings, recorded_btc
from tests.unit.features.made_market import market

Formula = Callable[[Bars], list[FloatArray]]
HOURS_A_YEAR = 365 * 24


def over_windows(of: Callable[[slice], float], count: int, n: int) -> FloatArray:
    """What `of` says of the last n rows; NaN where there are fewer."""
    return np.array([of(slice(row - n + 1, row + 1)) if row >= n - 1 else math.nan for row in range(count)])


def follows(bars: Bars) -> FloatArray:
    """1 where a bar opens when the one before closed, NaN elsewhere."""
    there = np.concatenate([[False], bars.open_time[1:] == bars.close_time[:-1]])
    return np.where(there, 1.0, math.nan)


def yearly(per_bar: FloatArray) -> list[FloatArray]:
    return [per_bar, per_bar * math.sqrt(HOURS_A_YEAR)]


def realised(n: int) -> Formula:
    def expected(bars: Bars) -> list[FloatArray]:
        returns = np.diff(np.log(bars.close), prepend=math.nan) * follows(bars)
        annual = rolling_volatility(returns, interval_us=HOUR, window=n)
        return [annual / math.sqrt(HOURS_A_YEAR), annual]

    return expected


def parkinson(n: int) -> Formula:
    def expected(bars: Bars) -> list[FloatArray]:
        squares = np.log(bars.high / bars.low) ** 2
        spread = over_windows(lambda rows: float(np.mean(squares[rows])) / (4.0 * math.log(2.0)), len(bars), n)
        return yearly(np.sqrt(spread))

    return expected


def garman_klass(n: int) -> Formula:
    def expected(bars: Bars) -> list[FloatArray]:
        up, down, close = (np.log(part / bars.open) for part in (bars.high, bars.low, bars.close))
        terms = 0.5 * (up - down) ** 2 - (2.0 * math.log(2.0) - 1.0) * close**2
        return yearly(np.sqrt(over_windows(lambda rows: float(np.mean(terms[rows])), len(bars), n)))

    return expected


def yang_zhang(n: int) -> Formula:
    def expected(bars: Bars) -> list[FloatArray]:
        before = np.concatenate([[math.nan], bars.close[:-1]])
        jump = np.log(bars.open / before) * follows(bars)
        up, down, close = (np.log(part / bars.open) for part in (bars.high, bars.low, bars.close))
        k = 0.34 / (1.34 + (n + 1) / (n - 1))

        def spread(rows: slice) -> float:
            rogers_satchell = np.mean(up[rows] * (up[rows] - close[rows]) + down[rows] * (down[rows] - close[rows]))
            both = np.var(jump[rows], ddof=1) + k * np.var(close[rows], ddof=1)
            return float(both + (1.0 - k) * rogers_satchell)

        return yearly(np.sqrt(over_windows(spread, len(bars), n)))

    return expected


def session(start: int) -> Formula:
    def expected(bars: Bars) -> list[FloatArray]:
        price = (bars.high + bars.low + bars.close) / 3.0
        days = (bars.open_time // 60_000_000 - start) // 1440
        rows = []
        for row, day in enumerate(days.tolist()):
            in_session = (days == day) & (np.arange(len(bars)) <= row)
            rows.append(math.fsum((price * bars.volume)[in_session]) / math.fsum(bars.volume[in_session]))
        return [np.array(rows)]

    return expected


def taker(n: int) -> Formula:
    def expected(bars: Bars) -> list[FloatArray]:
        bought, volume = bars.taker_buy_volume, bars.volume
        share = over_windows(lambda rows: math.fsum(bought[rows]) / math.fsum(volume[rows]), len(bars), n)
        signed = 2.0 * bought - volume
        return [share, over_windows(lambda rows: math.fsum(signed[rows]) / math.fsum(volume[rows]), len(bars), n)]

    return expected


def volume_ratio(n: int) -> Formula:
    return lambda bars: [bars.volume / over_windows(lambda rows: float(np.mean(bars.volume[rows])), len(bars), n)]


def zscore(n: int) -> Formula:
    def score(window: FloatArray) -> float:
        deviation = float(np.std(window))
        return float(window[-1] - np.mean(window)) / deviation if np.ptp(window) else 0.0

    return lambda bars: [over_windows(lambda rows: score(bars.close[rows]), len(bars), n)]


def lag(n: int) -> Formula:
    def expected(bars: Bars) -> list[FloatArray]:
        close = dict(zip(bars.open_time.tolist(), bars.close.tolist(), strict=True))
        whole = [all(opened - back * HOUR in close for back in range(n + 1)) for opened in close]
        older = [close.get(opened - n * HOUR, math.nan) for opened in close]
        return [np.where(whole, older, math.nan)]

    return expected


PAIRS: list[tuple[Step, Formula]] = [
    *((RealisedVolatility(n), realised(n)) for n in (2, 24)),
    *((Parkinson(n), parkinson(n)) for n in (1, 24)),
    *((GarmanKlass(n), garman_klass(n)) for n in (1, 24)),
    *((YangZhang(n), yang_zhang(n)) for n in (2, 24)),
    *((SessionVwap(start), session(start)) for start in (0, 570, 1439)),
    *((TakerPressure(n), taker(n)) for n in (1, 24)),
    *((VolumeRatio(n), volume_ratio(n)) for n in (2, 20)),
    *((Zscore(n), zscore(n)) for n in (2, 20)),
    *((Lag(n), lag(n)) for n in (1, 6)),
    (Drawdown(), lambda bars: [bars.close / np.maximum.accumulate(bars.close) - 1.0]),
    (CumulativeReturn(), lambda bars: [bars.close / bars.close[0] - 1.0]),
]
RECORDED = [(step, formula) for step, formula in PAIRS if not isinstance(step, TakerPressure)]
"""The recording does not say who took."""
IDS = [step.outputs[0] for step, _ in PAIRS]


def assert_equal(step: Step, bars: Bars, expected: list[FloatArray]) -> None:
    values, _ = run_batch(step, bars)
    assert np.isnan(values[: step.warmup]).all()
    for name, mine, other in zip(step.outputs, values.T, expected, strict=True):
        np.testing.assert_allclose(mine, other, rtol=1e-9, atol=1e-9, err_msg=name)  # NaN must meet NaN


@pytest.mark.parametrize(("step", "formula"), PAIRS, ids=IDS)
def test_equal_to_the_formula(step: Step, formula: Formula) -> None:
    for bars in (market(800, seed=step.warmup, holes=9), market(800, seed=step.warmup + 1, flat=True)):
        assert_equal(step, bars, formula(bars))


@needs_recordings
@pytest.mark.recorded
@pytest.mark.parametrize(("step", "formula"), RECORDED, ids=[step.outputs[0] for step, _ in RECORDED])
def test_equal_to_the_formula_on_recorded_btc(step: Step, formula: Formula) -> None:
    bars = recorded_btc().rows(7000, 9000)  # with holes of 11, 2 and 8 hours
    assert_equal(step, bars, formula(bars))


def test_a_year_is_counted_in_bars_of_the_bar_s_own_length() -> None:
    # Daily and hourly bars with the same prices: the same volatility per bar, 365 and 8760 of them a year.
    hourly = market(50)
    opened = START + 24 * (hourly.open_time - START)
    daily = Bars(opened, opened + 24 * HOUR, *hourly.columns)
    for step in (RealisedVolatility(5), Parkinson(5), GarmanKlass(5), YangZhang(5)):
        by_hour, by_day = run_batch(step, hourly)[0][10:], run_batch(step, daily)[0][10:]
        np.testing.assert_allclose(by_day[:, 0], by_hour[:, 0], rtol=1e-12)
        np.testing.assert_allclose(by_day[:, 1], by_day[:, 0] * math.sqrt(365), rtol=1e-12)
        np.testing.assert_allclose(by_hour[:, 1], by_hour[:, 0] * math.sqrt(HOURS_A_YEAR), rtol=1e-12)
