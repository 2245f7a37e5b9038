"""Is it a market? A martingale without an edge, an edge of the stated size with one, and the habits of real prices.

The seeds are fixed, so a test either always passes or never does. Bounds are 3.5 to 4 standard errors of what a
martingale would show; where a wrong model could pass by lack of power, the test shows that it would not.
"""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

import numpy as np
import pytest
from numpy.typing import NDArray

from assay.domain.symbol import Symbol
from assay.venues.sandbox.assets import DEFAULT_ASSETS
from assay.venues.sandbox.bars import to_datetime
from assay.venues.sandbox.market import Market
from assay.venues.sandbox.seasons import ANCHOR_DAY
from assay.venues.sandbox.skeleton import Skeleton
from tests.unit.venues.sandbox.reading import BTC, DASH, DAY, DOGE, ETH, HOUR, MINUTE, at, hourly_returns, z_of_share

MARKET = Market(1)
START, END = at(2024, 1, 1), at(2026, 1, 1)
LIQUID = tuple(Symbol.parse(f"{base}-USDT") for base in ("BTC", "ETH", "SOL", "XRP", "TRX", "LTC"))


def z_of_mean(values: NDArray[np.float64]) -> float:
    return float(values.mean() / values.std() * np.sqrt(values.size))


def test_price_is_a_martingale_and_log_price_is_not() -> None:
    # Two thirds of a million hours of wild assets that share no risk. The price must not drift; its logarithm must,
    # by half its variance, which proves that the same test would see a drift of that size.
    moves = []
    for seed in range(12):
        skeleton = Skeleton(seed)
        for asset in DEFAULT_ASSETS[:9]:
            wild = replace(asset, volatility=1.5, market_share=0.0)
            moves.append(np.diff(skeleton.hours(wild, ANCHOR_DAY, 256).level))
    hours = np.concatenate(moves)
    assert hours.size > 600_000
    assert abs(z_of_mean(np.expm1(hours))) < 3.5
    assert z_of_mean(hours) < -5


@pytest.mark.parametrize("horizon", [1, 24, 14 * 24], ids=["hour", "day", "fortnight"])
def test_mean_of_a_future_price_is_the_price_of_today(horizon: int) -> None:
    growth = []
    for seed in range(150):
        market = Market(seed, assets=DEFAULT_ASSETS[6:7])
        first = market.klines(DOGE, HOUR, start=at(2024, 3, 1), end=at(2024, 3, 1, 1)).open[0]
        later = at(2024, 3, 1) + horizon * timedelta(hours=1)
        last = market.klines(DOGE, HOUR, start=later, end=later + timedelta(hours=1)).open[0]
        growth.append(last / first - 1)
    assert np.std(growth) > 0.001 * horizon**0.5
    assert abs(z_of_mean(np.array(growth))) < 3.5


@pytest.mark.parametrize("symbol", LIQUID, ids=str)
def test_direction_is_a_coin_flip_and_tells_nothing_of_the_next_one(symbol: Symbol) -> None:
    returns = hourly_returns(MARKET, symbol, START, END)
    up = returns[returns != 0] > 0
    assert abs(z_of_share(up, 0.5)) < 3.5
    for lag in (1, 2, 24):
        assert abs(z_of_share(up[lag:] == up[:-lag], 0.5)) < 3.5


def test_past_returns_do_not_correlate_with_the_next_of_any_asset() -> None:
    # Scaled by a day's volatility, so that a standard error of 1 / sqrt(n) is right; 36 pairs, lags of 1 and 3 hours.
    returns = np.array([hourly_returns(MARKET, symbol, START, END) for symbol in LIQUID])
    days = returns[:, : returns.shape[1] // 24 * 24].reshape(len(LIQUID), -1, 24)
    scaled = (days / days.std(axis=2, keepdims=True)).reshape(len(LIQUID), -1)
    for lag in (1, 3):
        cross = scaled[:, lag:] @ scaled[:, :-lag].T / (scaled.shape[1] - lag)
        assert np.abs(cross).max() < 4 / np.sqrt(scaled.shape[1])


@pytest.mark.parametrize("minutes", [1, 15])
def test_minutes_of_busy_assets_tell_nothing_of_the_next_ones(minutes: int) -> None:
    close = MARKET.klines(BTC, MINUTE, start=at(2024, 5, 1), end=at(2024, 8, 1)).close[minutes - 1 :: minutes]
    steps = np.diff(close)
    up = steps[steps != 0] > 0
    assert abs(z_of_share(up[1:] == up[:-1], 0.5)) < 3.5
    assert abs(z_of_share(up, 0.5)) < 3.5


def test_quarters_of_hours_of_a_thin_asset_do_not_follow_the_market() -> None:
    # Stale prices would: the thin asset would do in the next quarter what the others did in this one.
    thin, busy = (
        MARKET.klines(one, MINUTE, start=at(2024, 5, 1), end=at(2024, 8, 1)).close[14::15] for one in (DASH, BTC)
    )
    later, earlier = np.diff(thin)[1:], np.diff(busy)[:-1]
    moved = (later != 0) & (earlier != 0)
    assert abs(z_of_share((later > 0)[moved] == (earlier > 0)[moved], 0.5)) < 3.5


def test_returns_have_fat_tails_and_days_too() -> None:
    hours = hourly_returns(MARKET, ETH, START, END)
    days = np.diff(np.log(MARKET.klines(ETH, DAY, start=at(2018, 1, 1), end=END).close.astype(float)))
    for returns in (hours, days):
        z = (returns - returns.mean()) / returns.std()
        assert (z**4).mean() > 4


def test_volatility_comes_in_clusters() -> None:
    size = np.abs(np.diff(np.log(MARKET.klines(ETH, DAY, start=at(2018, 1, 1), end=END).close.astype(float))))
    for lag in (1, 3, 5):
        # 2,921 days: without clusters a correlation of 0.075 would be four standard errors.
        assert np.corrcoef(size[lag:], size[:-lag])[0, 1] > 0.075


def test_prices_jump_now_and_then() -> None:
    steps = np.diff(np.log(MARKET.klines(BTC, MINUTE, start=START, end=END).close.astype(float)))
    usual = np.median(np.abs(steps[steps != 0]))
    jumps = steps[np.abs(steps) > 40 * usual]
    assert 3 <= jumps.size <= 60
    assert 0 < (jumps > 0).sum() < jumps.size


def test_assets_move_together() -> None:
    symbols = [listing.symbol for listing in MARKET.listings if listing.is_trading(START) and listing.is_trading(END)]
    returns = np.array([hourly_returns(MARKET, symbol, START, at(2024, 4, 1)) for symbol in symbols])
    correlations = np.corrcoef(returns)[np.triu_indices(len(symbols), 1)]
    assert correlations.min() > 0.3
    assert correlations.max() < 0.95


def test_yearly_volatility_is_what_the_table_says() -> None:
    # Over 13 years around the anchor; states of volatility make this a loose estimate.
    for asset in DEFAULT_ASSETS[:3]:
        yearly = [
            (np.diff(Skeleton(seed).hours(asset, ANCHOR_DAY, 256).level) ** 2).sum() / 256 * 365.25
            for seed in range(30)
        ]
        assert np.sqrt(np.mean(yearly)) == pytest.approx(asset.volatility, rel=0.15)


def test_hours_and_weekends_have_their_own_volume_and_volatility() -> None:
    bars = MARKET.klines(BTC, HOUR, start=at(2024, 1, 1), end=at(2024, 12, 30))
    moments = [to_datetime(time) for time in bars.open_time.tolist()]
    hour, weekday = np.array([one.hour for one in moments]), np.array([one.weekday() for one in moments])
    spread = (bars.high - bars.low) / bars.open
    for values, by_hour, by_day in ((bars.volume, 1.8, 1.3), (spread, 1.3, 1.15)):
        assert values[hour == 15].mean() > by_hour * values[hour == 4].mean()
        assert values[weekday < 5].mean() > by_day * values[weekday >= 5].mean()


@pytest.mark.parametrize("edge", [0.05, 0.15])
def test_planted_edge_has_the_stated_size(edge: float) -> None:
    market = Market(1, edge=edge)
    for symbol in (BTC, DOGE, DASH):
        returns = hourly_returns(market, symbol, START, END)
        up = returns[returns != 0] > 0
        agrees = up[1:] == up[:-1]
        assert abs(z_of_share(agrees, 0.5 + edge)) < 3.5
        assert z_of_share(agrees, 0.5) > 3.5
        # The edge is in the hour before alone: two hours on, 2 e e is left of it.
        assert abs(z_of_share(up[2:] == up[:-2], 0.5 + 2 * edge * edge)) < 3.5
