"""The skeleton: any order of asking gives one market, and what is summed up in blocks is what its hours say."""

from __future__ import annotations

import numpy as np
import pytest

from assay.venues.sandbox.assets import DEFAULT_ASSETS
from assay.venues.sandbox.moves import HOURS
from assay.venues.sandbox.seasons import ANCHOR_DAY, LAST_DAY
from assay.venues.sandbox.skeleton import BLOCK_DAYS, Skeleton

BTC, DOGE = DEFAULT_ASSETS[0], DEFAULT_ASSETS[6]


def test_price_on_the_anchor_day_is_that_of_the_table() -> None:
    for asset in DEFAULT_ASSETS:
        assert Skeleton(9).hours(asset, ANCHOR_DAY, 1).level[0] == 0.0


def test_levels_do_not_depend_on_what_was_asked_before() -> None:
    far_first, near_first = Skeleton(3), Skeleton(3)
    days = [30_000, 20_000, 15_000, ANCHOR_DAY, 1, LAST_DAY]
    one = [far_first.hours(DOGE, day, 1).level for day in days]
    other = [near_first.hours(DOGE, day, 1).level for day in reversed(days)]
    assert all(np.array_equal(a, b) for a, b in zip(one, reversed(other), strict=True))


@pytest.mark.parametrize("edge", [0.0, 0.2])
def test_every_day_opens_where_the_day_before_closed(edge: float) -> None:
    skeleton = Skeleton(4, edge=edge)
    border = ANCHOR_DAY + 3 * BLOCK_DAYS
    for day in (5, 19_000, ANCHOR_DAY - BLOCK_DAYS, ANCHOR_DAY, 20_000, border, LAST_DAY):
        assert skeleton.hours(DOGE, day - 1, 1).level[-1] == skeleton.hours(DOGE, day, 1).level[0]


def test_prices_stay_printable_for_a_lifetime() -> None:
    # To 2100 a log price has variance V = volatility**2 * 12 years, some more for jumps, and falls by V / 2 in
    # the mean: for DOGE to -2.9 +- 2.4. A tick is a 9,210th of its price at the anchor: two deviations below are 4.
    levels = [Skeleton(seed).hours(DOGE, LAST_DAY, 1).level[0] for seed in range(4)]
    assert min(levels) > np.log(1 / 9_210)
    assert len(set(levels)) == 4


def test_extremes_are_those_of_all_hours() -> None:
    skeleton = Skeleton(6)
    first_day, days = 19_000, 900
    levels = np.concatenate([skeleton.hours(BTC, first_day + day, 1).level[:-1] for day in range(days)])
    # Day 19,200 begins a block: hour 4,800 here.
    blocks = [(4_800, end) for end in (4_800, 4_823, 4_824, 9_001, 10_943, 10_944)]
    for start, end in ((0, days * HOURS - 1), (17, 17), (1_000, 21_000), (5_000, 11_143), *blocks):
        found = skeleton.extremes(BTC, first_day * HOURS + start, first_day * HOURS + end)
        part = levels[start : end + 1]
        assert (found.high, found.low) == (part.max(), part.min())
        assert found.high_hour == first_day * HOURS + start + part.argmax()
        assert found.low_hour == first_day * HOURS + start + part.argmin()


def test_trades_are_counted_through_from_day_to_day() -> None:
    skeleton = Skeleton(6)
    border = ANCHOR_DAY - BLOCK_DAYS
    for day in (100, border - 1, border, ANCHOR_DAY - 1, ANCHOR_DAY, 20_100):
        first = skeleton.trades_before(BTC, day)
        last = skeleton.trades_before(BTC, day + 1) - 1
        assert last - first + 1 == skeleton.hours(BTC, day, 1).trades[0]
        assert skeleton.day_of_trade(BTC, first) == skeleton.day_of_trade(BTC, last) == day
    assert skeleton.trades_before(BTC, ANCHOR_DAY) == 0
