"""The band of coarse bars against what single trades say: the sandbox's market is made of trades.

The truth is the same orders on every trade. A stop that the price jumps over from one trade to the next is filled where
the price then is, which no bar can tell. So it is held twice: where the price passes all prices between two trades, the
truth lies within the band; on the bare trades, within the band and the jumps at the fills.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
import pytest

from assay.backtest import layout as at
from assay.backtest.account import Account
from assay.backtest.engine import run, run_band
from assay.backtest.loop import advance
from assay.backtest.progress import Loop
from assay.backtest.result import Band
from assay.features.compile import compile_loop
from assay.measures.trading_costs import Costs
from tests.unit.backtest.ticks import Day, Placed, Truth, day_of, random_strategy

ACCOUNT, COSTS = Account(cash=10_000.0), Costs(maker_bps=2, taker_bps=5)
NEAR = 1e-6
"""Quote units of 10,000."""
ASSETS = (8, 12, 16, 20, 0, 4)


class Held(NamedTuple):
    """How one set of orders did."""

    band: Band
    truth: Truth
    is_out_of_both_paths: bool


def hold(day: Day, strategy: Placed, loop: Loop) -> Held:
    """Hold the band of some orders against the truth of the trades."""
    band = run_band(strategy, day.market, account=ACCOUNT, costs=COSTS, loop=loop)
    truth = day.passing_all_prices(strategy.orders, ACCOUNT, COSTS)
    bare = run(strategy, day.by_trades(), account=ACCOUNT, costs=COSTS, loop=loop)
    assert band.is_bound
    assert np.all((band.lowest - NEAR <= truth.equity) & (truth.equity <= band.highest + NEAR))
    ranges = band.followed.trades if band.followed else {}
    for row in truth.trades:
        low, high = ranges.get((int(row[at.T_SYMBOL]), row[at.T_SIDE], int(row[at.T_ENTRY_ROW])), (-np.inf, np.inf))
        assert low - NEAR <= row[at.T_PNL] <= high + NEAR
    if band.is_exact:
        np.testing.assert_allclose(truth.equity, band.pessimistic.equity, rtol=0, atol=NEAR)
    quantity, rows = np.abs(bare.fill_rows[:, at.F_QUANTITY]), bare.fill_rows[:, at.F_ROW].astype(int)
    jumped = float(np.sum(quantity * day.jumps[rows])) + NEAR
    assert band.lowest[-1] - jumped <= bare.equity[-1] <= band.highest[-1] + jumped
    both = sorted(one.equity[-1] for one in (band.pessimistic, band.optimistic))
    return Held(band, truth, not both[0] - NEAR <= truth.equity[-1] <= both[1] + NEAR)


def compiled() -> Loop:
    return compile_loop(advance, "backtest", {}, are_inlined=False)  # type: ignore[return-value]


@pytest.mark.usefixtures("shared_kernels")
def test_band_of_coarse_bars_contains_what_single_trades_say() -> None:
    loop, doubts, trades = compiled(), 0, 0
    for place, number in enumerate(ASSETS[:3]):
        day = day_of(number, day=20_000 + place, minutes=720, bar_minutes=(15, 30, 5)[place])
        for seed in range(8):
            strategy = random_strategy(np.random.default_rng(100 * number + seed), day.market)
            held = hold(day, strategy, loop)
            doubts += held.band.pessimistic.rows_in_doubt
            trades += len(held.truth.trades)
    assert doubts > 50
    assert trades > 100


@pytest.mark.soak
@pytest.mark.usefixtures("shared_kernels")
def test_band_contains_the_truth_of_hundreds_of_strategies() -> None:
    loop, count, outside = compiled(), 0, 0
    for number in ASSETS:
        for bar_minutes in (5, 15, 60):
            day = day_of(number, day=20_100 + bar_minutes, minutes=2_880, bar_minutes=bar_minutes)
            for seed in range(20):
                strategy = random_strategy(np.random.default_rng(1_000 * number + seed), day.market)
                outside += hold(day, strategy, loop).is_out_of_both_paths
                count += 1
    assert count == 360
    # That is why doubts are followed: the two paths alone do not contain it.
    assert outside > 0
