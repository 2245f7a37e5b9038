"""I: indicators. What is done of each row stands in README.md."""

# ruff: noqa: N802  # the ids of the rows are written as in the scope

from __future__ import annotations

from dataclasses import dataclass
from zoneinfo import ZoneInfo

import numpy as np
import polars as pl
import pytest
import talib
from numpy.typing import NDArray

from assay.domain.interval import Interval, parse_moment
from assay.features.aliases import parse_usual
from assay.features.drivers import run_batch
from assay.features.garch_path import garch_path
from assay.features.sets import TECHNICAL
from assay.features.texts import parse_step
from assay.features.zones import HOUR_US
from assay.pipelines.steps import bars_of
from tests.parity.conftest import BTC, Lake, select


@dataclass(frozen=True, slots=True, eq=False)
class Published:
    """The closed bars of BTC-USDT, and the columns that the lake gives for them; NaN where it gives none."""

    bars: pl.DataFrame
    columns: dict[str, NDArray[np.float64]]


@pytest.fixture(scope="module")
def published(lake: Lake) -> Published:
    rows = select(
        lake.home,
        "select * from silver.crypto_prices_cleaned "
        "join silver.technical_indicators using (venue, market, symbol, interval, open_time) "
        f"where {BTC} order by open_time",
    )
    frame = pl.DataFrame(rows, infer_schema_length=None)
    times = [pl.Series(name, map(parse_moment, frame[name])) for name in ("open_time", "close_time")]
    columns = {name: frame[name].cast(pl.Float64).fill_null(np.nan).to_numpy() for name in TECHNICAL.columns}
    return Published(frame.with_columns(times), columns)


def test_I01_trend_equals_talib_and_warms_up_as_long(published: Published) -> None:
    close = published.bars["close"].to_numpy()
    for n in (20, 50, 200):
        _assert_equal(published.columns[f"sma_{n}"], talib.SMA(close, n))
    for n in (12, 26):
        _assert_equal(published.columns[f"ema_{n}"], talib.EMA(close, n))
    for what, expected in zip(("macd", "macd_signal", "macd_histogram"), talib.MACD(close, 12, 26, 9), strict=True):
        _assert_equal(published.columns[f"{what}_12_26_9"], expected)
    prices = _prices(published)
    adx, plus, minus = _computed(published, "adx:14")
    _assert_equal(adx, talib.ADX(*prices, 14))
    _assert_equal(plus[14:], talib.PLUS_DI(*prices, 14)[14:])
    _assert_equal(minus[14:], talib.MINUS_DI(*prices, 14)[14:])
    _assert_equal(_computed(published, "sar:0.02:0.2")[0], talib.SAR(*prices[:2], 0.02, 0.2))


def test_I02_momentum_equals_talib_and_warms_up_as_long(published: Published) -> None:
    prices = _prices(published)
    close = prices[2]
    _assert_equal(published.columns["rsi_14"], talib.RSI(close, 14))
    _, slow_k, slow_d = _computed(published, "stochastic:14:3:3")
    for found, expected in zip((slow_k, slow_d), talib.STOCH(*prices, 14, 3, slowd_period=3), strict=True):
        _assert_equal(found, expected)
    _assert_equal(_computed(published, "williams_r:14")[0], talib.WILLR(*prices, 14))


def test_I02_price_momentum_of_three_hours_has_its_usual_name(published: Published) -> None:
    column = parse_usual("Price_momentum_3h", Interval.parse("1h"))
    found = run_batch(column.step, bars_of(published.bars))[0][:, 0]
    close, opened = published.bars["close"].to_numpy(), published.bars["open_time"].dt.epoch("us").to_numpy()
    expected = np.full(close.size, np.nan)
    expected[3:] = np.where(opened[3:] - opened[:-3] == 3 * HOUR_US, close[3:] / close[:-3] - 1.0, np.nan)
    _assert_equal(found, expected)


def test_I03_volatility_equals_talib_or_its_formula(published: Published) -> None:
    prices = _prices(published)
    for what, expected in zip(("upper", "middle", "lower"), talib.BBANDS(prices[2], 20, 2, 2), strict=True):
        _assert_equal(published.columns[f"bb_{what}_20_2"], expected)
    _assert_equal(_computed(published, "atr:14")[0], talib.ATR(*prices, 14))
    found = _computed(published, "parkinson:24")[0]
    ranges = np.log(prices[0] / prices[1]) ** 2 / (4.0 * np.log(2.0))
    expected = np.sqrt(np.convolve(ranges, np.ones(24) / 24)[23 : ranges.size])
    np.testing.assert_allclose(found[23:], expected, rtol=1e-9)


def test_I04_volume_equals_talib_or_its_formula(published: Published) -> None:
    prices = _prices(published)
    volume = published.bars["volume"].to_numpy()
    _assert_equal(_computed(published, "obv")[0], talib.OBV(prices[2], volume))
    typical = sum(prices) / 3.0
    _assert_equal(_computed(published, "vwap:20")[0], talib.SUM(typical * volume, 20) / talib.SUM(volume, 20))
    _assert_equal(_computed(published, "volume_ratio:20")[0], volume / talib.SMA(volume, 20))


def test_I05_garch_is_fitted_and_forecasts(published: Published) -> None:
    path = garch_path(bars_of(published.bars), every=100, on=400)
    assert path.fits
    ahead = path.forecast(24, level=0.9)
    assert (ahead.lower < ahead.mean).all()
    assert (np.diff(ahead.upper - ahead.lower) > 0.0).all()


def test_I06_levels_are_stamped_and_never_repainted(published: Published) -> None:
    bars = bars_of(published.bars)
    whole = np.array(_computed(published, "levels"))
    row = len(bars) * 2 // 3
    alone = run_batch(parse_step("levels"), bars.rows(0, row))[0].T
    np.testing.assert_array_equal(whole[:, :row], alone)
    known = ~np.isnan(whole[2])
    assert known.any()
    assert (whole[2][known] <= bars.close_time[known]).all()


def test_I07_lags_statistics_and_closed_bars_of_a_longer_interval(published: Published) -> None:
    bars = bars_of(published.bars)
    volume = published.bars["volume"].to_numpy()
    _assert_equal(_computed(published, "rolling_mean:24@volume")[0], talib.SMA(volume, 24))
    found = _computed(published, "rolling_max:5@high")[0]
    _assert_equal(found, talib.MAX(published.bars["high"].to_numpy(), 5))
    hours = _computed(published, "calendar:Asia/Kolkata")[0]
    local = [one.astimezone(ZoneInfo("Asia/Kolkata")).hour for one in published.bars["open_time"].to_list()]
    assert hours.tolist() == local
    higher = _computed(published, "ema:5@4h")[0]
    for row in range(40, 48):  # a value never knows of a bar after its own
        alone = run_batch(parse_step("ema:5@4h"), bars.rows(0, row))[0][:, 0]
        np.testing.assert_array_equal(alone, higher[:row])


@pytest.mark.parametrize(
    ("name", "column"),
    [
        ("RSI_14", "rsi_14"),
        ("MACD_signal", "macd_signal_12_26_9"),
        ("BB_width", "bb_width_20_2"),
        ("Volume_ma_ratio", "volume_ratio_20"),
        ("Price_momentum_3h", "price_momentum_3"),
    ],
)
def test_I08_usual_names_are_read(name: str, column: str) -> None:
    assert parse_usual(name, Interval.parse("1h")).output == column


def test_I08_fed_bar_by_bar_equals_the_table_bit_for_bit(published: Published) -> None:
    _assert_stream_equals_table(published, TECHNICAL.columns)


def test_R04_an_open_bar_is_previewed_and_changes_nothing(published: Published) -> None:
    bars = bars_of(published.bars)
    stream = TECHNICAL.stream()
    for row in range(len(bars) - 1):
        stream.update(bars.bar(row))
    before = stream.state.save()
    newest = bars.bar(len(bars) - 1)
    stream.preview(newest._replace(close=newest.open))
    foretold = stream.preview(newest)
    assert stream.state.save() == before
    np.testing.assert_array_equal(foretold, stream.update(newest))


def _prices(published: Published) -> tuple[NDArray[np.float64], NDArray[np.float64], NDArray[np.float64]]:
    high, low, close = (published.bars[name].to_numpy() for name in ("high", "low", "close"))
    return high, low, close


def _computed(published: Published, text: str) -> list[NDArray[np.float64]]:
    """Return the outputs of an indicator over the bars of the lake."""
    values, _ = run_batch(parse_step(text), bars_of(published.bars))
    return [values[:, column] for column in range(values.shape[1])]


def _assert_equal(found: NDArray[np.float64], expected: NDArray[np.float64]) -> None:
    np.testing.assert_allclose(found, expected, rtol=1e-9, atol=1e-9, equal_nan=True)


def _assert_stream_equals_table(published: Published, columns: tuple[str, ...]) -> None:
    """Feed the bars one by one, stopping once to save the state and go on from it."""
    bars = bars_of(published.bars)
    half = len(bars) // 2
    first = TECHNICAL.stream()
    rows = [first.update(bars.bar(i)) for i in range(half)]
    second = TECHNICAL.stream(type(first.state).restore(first.state.save()))
    rows += [second.update(bars.bar(i)) for i in range(half, len(bars))]
    streamed = np.array(rows)
    for name in columns:
        column = np.ascontiguousarray(streamed[:, TECHNICAL.columns.index(name)])
        np.testing.assert_array_equal(column, published.columns[name])
