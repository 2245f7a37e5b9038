"""F4: one backtest of half a million bars beside vectorbt's: two means, their crossings, fees, stops, targets, equity.

Both fill at the close at which is decided, as vectorbt does; here that is a choice of the account. That the equity of
the last bar is the same is checked first.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator

import numpy as np

from assay.backtest.engine import run as backtest
from assay.backtest.signals import Exits, Signals, crossed_above, crossed_below
from assay.features.bars import Bars
from assay.features.indicators.sma import Sma
from assay.features.sets import FeatureSet
from benchmarks.harness import Contender, Figure, race, timed
from benchmarks.lakes import Stage
from benchmarks.sixteen import Array, made
from benchmarks.vectorbt_peer import ACCOUNT, COSTS, STOP_LOSS, TAKE_PROFIT, Peer, loops_of, market_of

GOAL = 0.5
BARS, QUICK_BARS = 500_000, 20_000
FAST, SLOW = 20, 100
MEANS = FeatureSet("means", 1, (Sma(FAST), Sma(SLOW)))


def run(stage: Stage) -> Iterator[Figure]:
    """Measure a backtest from bars to the equity of each of them."""
    peer = Peer.found("F4")
    if peer is None:
        return
    bars = made(QUICK_BARS if stage.is_quick else BARS)
    mine, theirs = ours(bars), peer.crossings(bars, FAST, SLOW)
    np.testing.assert_allclose(mine()[-1], theirs()[-1], rtol=1e-12)
    contenders = Contender("run", timed(mine)), Contender(peer.name, timed(theirs), peer.version)
    times = race(contenders, rounds=5 if stage.is_quick else 9, warmup=1)
    work = f"a backtest of {len(bars):,} bars: two means, crossings, fees, stop-loss, take-profit, equity"
    yield Figure.of_ratio("F4", work, times, subject=contenders[0], peer=contenders[1], goal=GOAL)


def ours(bars: Bars) -> Callable[[], Array]:
    """Return the work: bars in, equity out."""
    loop = loops_of().advance
    market = market_of(bars)

    def work() -> Array:
        fast, slow = MEANS.run(bars).matrix.T
        signals = Signals(
            long_entry=crossed_above(fast, slow),
            long_exit=crossed_below(fast, slow),
            exits=Exits(stop_loss=STOP_LOSS, take_profit=TAKE_PROFIT),
        )
        return backtest(signals, market, account=ACCOUNT, costs=COSTS, loop=loop).equity

    return work
