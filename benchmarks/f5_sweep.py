"""F5: a thousand backtests beside vectorbt's thousand columns: a pair of means each, with fees, stops and targets.

Both compute each mean once and every crossing of a pair; the last equity of all pairs is checked first.
"""

from __future__ import annotations

import functools
from collections.abc import Callable, Iterator

import numpy as np

from assay.backtest.signals import Exits, Signals, crossed_above, crossed_below
from assay.backtest.sweeping import Setting, sweep
from assay.features.bars import Bars
from assay.features.indicators.sma import Sma
from assay.features.sets import FeatureSet
from benchmarks.harness import Contender, Figure, race, timed
from benchmarks.lakes import Stage
from benchmarks.sixteen import Array, made
from benchmarks.vectorbt_peer import ACCOUNT, COSTS, STOP_LOSS, TAKE_PROFIT, Peer, loops_of, market_of

GOAL = 0.03
BARS, QUICK_BARS = 50_000, 5_000
FASTS, SLOWS = range(5, 45), range(50, 300, 10)
QUICK_SLOWS = range(50, 100, 10)


def run(stage: Stage) -> Iterator[Figure]:
    """Measure a sweep from bars to the last equity of each pair."""
    peer = Peer.found("F5")
    if peer is None:
        return
    bars = made(QUICK_BARS if stage.is_quick else BARS)
    pairs = [(fast, slow) for fast in FASTS for slow in (QUICK_SLOWS if stage.is_quick else SLOWS)]
    mine, theirs = ours(bars, pairs), peer.sweep(bars, pairs)
    np.testing.assert_allclose(mine(), theirs(), rtol=1e-12)
    contenders = Contender("sweep", timed(mine)), Contender(peer.name, timed(theirs), peer.version)
    times = race(contenders, rounds=5, warmup=0)
    work = f"{len(pairs):,} backtests of {len(bars):,} bars: pairs of means, crossings, fees, stop-loss, take-profit"
    yield Figure.of_ratio("F5", work, times, subject=contenders[0], peer=contenders[1], goal=GOAL)


def ours(bars: Bars, pairs: list[tuple[int, int]]) -> Callable[[], Array]:
    """Return the work: bars in, the last equity of each pair out."""
    lengths = sorted({length for pair in pairs for length in pair})
    means = FeatureSet("means", 1, tuple(Sma(length) for length in lengths))
    exits = Exits(stop_loss=STOP_LOSS, take_profit=TAKE_PROFIT)
    setting = Setting(market_of(bars), ACCOUNT, COSTS, loops_of())

    def work() -> Array:
        columns = dict(zip(lengths, np.ascontiguousarray(means.run(bars).matrix.T), strict=True))

        def signals(fast: int, slow: int) -> Signals:
            return Signals(
                long_entry=crossed_above(columns[fast], columns[slow]),
                long_exit=crossed_below(columns[fast], columns[slow]),
                exits=exits,
            )

        made_later = [functools.partial(signals, *pair) for pair in pairs]
        return np.array(sweep(made_later, setting, lambda outcome: outcome.final_equity))

    return work
