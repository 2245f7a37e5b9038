"""Minutes: one day alone or among many, and what a bar must be."""

from __future__ import annotations

import numpy as np
import pytest

from assay.venues.sandbox.assets import DEFAULT_ASSETS, Asset
from assay.venues.sandbox.draws import exp
from assay.venues.sandbox.minutes import expand
from assay.venues.sandbox.skeleton import CHUNK_DAYS, Skeleton
from tests.unit.venues.sandbox.reading import same

CHUNK = 20_000 // CHUNK_DAYS * CHUNK_DAYS
ASSETS = {asset.base: asset for asset in DEFAULT_ASSETS}


@pytest.mark.parametrize("base", ["BTC", "DOGE", "DASH"])
def test_day_alone_is_the_day_among_others(base: str) -> None:
    skeleton = Skeleton(8, edge=0.1)
    many = expand(skeleton, ASSETS[base], first_day=CHUNK, count=CHUNK_DAYS)
    for day in (0, 1, 17, CHUNK_DAYS - 1):
        alone = expand(Skeleton(8, edge=0.1), ASSETS[base], first_day=CHUNK + day, count=1)
        rows = slice(day * 1_440, (day + 1) * 1_440)
        assert same(alone.bars, many.bars[rows])
        assert np.array_equal(alone.buy_pairs, many.buy_pairs[rows])
        assert np.array_equal(alone.ends, many.ends[rows])


@pytest.mark.parametrize("asset", DEFAULT_ASSETS, ids=lambda asset: asset.base)
def test_bars_are_possible_bars(asset: Asset) -> None:
    bars = expand(Skeleton(2), asset, first_day=CHUNK, count=CHUNK_DAYS).bars
    assert np.all(bars.low >= 1)
    assert np.all(bars.high >= np.maximum(bars.open, bars.close))
    assert np.all(bars.low <= np.minimum(bars.open, bars.close))
    assert np.array_equal(bars.open[1:], bars.close[:-1])
    assert np.all(bars.volume >= bars.num_trades)
    assert np.all((bars.volume > 0) == (bars.num_trades > 0))
    assert np.all((bars.taker_buy_volume >= 0) & (bars.taker_buy_volume <= bars.volume))
    assert np.all(bars.quote_volume >= bars.low * bars.volume)
    assert np.all(bars.quote_volume <= bars.high * bars.volume)
    assert np.all(bars.taker_buy_quote_volume <= bars.quote_volume)
    still = bars.num_trades < 2
    assert np.all(bars.high[still] == bars.low[still])


def test_thin_asset_has_minutes_without_a_trade_and_no_such_quarter_of_an_hour() -> None:
    bars = expand(Skeleton(2), ASSETS["DASH"], first_day=CHUNK, count=CHUNK_DAYS).bars
    empty = bars.num_trades == 0
    assert 0.02 < empty.mean() < 0.7
    assert not bars.volume[empty].any()
    assert bars.num_trades.reshape(-1, 15)[:, -1].min() >= 2


@pytest.mark.parametrize("base", ["BTC", "DASH"])
def test_quarters_of_hours_close_on_the_path_of_the_skeleton(base: str) -> None:
    skeleton, asset = Skeleton(2), ASSETS[base]
    bars = expand(skeleton, asset, first_day=CHUNK, count=2).bars
    levels = skeleton.hours(asset, CHUNK, 2).level[1:]
    expected = np.rint(exp(levels) * asset.price_ticks).astype(np.int64)
    assert np.array_equal(bars.close[59::60], expected)


def test_days_have_the_trades_that_the_skeleton_promised() -> None:
    skeleton = Skeleton(2)
    bars = expand(skeleton, ASSETS["ETH"], first_day=CHUNK, count=CHUNK_DAYS).bars
    promised = skeleton.hours(ASSETS["ETH"], CHUNK, CHUNK_DAYS).trades
    assert np.array_equal(bars.num_trades.reshape(-1, 1_440).sum(axis=1), promised)


def test_range_of_a_minute_is_that_of_a_brownian_motion() -> None:
    # Feller (1951): the mean range of a Brownian motion of deviation s is s * sqrt(8 / pi). High and low are drawn
    # apart here, which leaves the mean of their distance as it is; 32 days of minutes that never rest.
    skeleton, asset = Skeleton(2), ASSETS["BTC"]
    minutes = expand(skeleton, asset, first_day=CHUNK, count=CHUNK_DAYS).bars
    hours = skeleton.hours(asset, CHUNK, CHUNK_DAYS)
    calm = np.repeat((hours.own_jump == 0) & (hours.market_jump == 0), 60)
    deviation = np.repeat(np.sqrt(hours.variance / 60), 60) * minutes.open
    ratio = ((minutes.high - minutes.low) / deviation)[calm]
    assert ratio.mean() == pytest.approx(np.sqrt(8 / np.pi), rel=0.015)


def test_a_planted_edge_turns_whole_hours() -> None:
    plain, planted = (Skeleton(5, edge=edge) for edge in (0.0, 0.3))
    turned = planted.hours(ASSETS["BTC"], CHUNK, 4).direction < 0
    moves = [
        np.diff(np.log(expand(one, ASSETS["BTC"], first_day=CHUNK, count=4).bars.close.astype(float)), prepend=0)
        for one in (plain, planted)
    ]
    by_hour = [one.reshape(-1, 60)[1:] for one in moves]
    signs = np.sign(np.sum(by_hour[0] * by_hour[1], axis=1))
    assert np.array_equal(signs < 0, turned[1:])
    assert turned.sum() > 10
