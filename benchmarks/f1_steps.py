"""F1, first part: the Steps that exist over a million bars, beside TA-Lib, with fresh outputs.

Both get contiguous float64 columns and return new arrays. Assay's side goes through the public batch driver, with its
checks, its saved state at the end and its rules for NaN; the results agree to 1e-9 before anything is measured.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta

import numpy as np
import talib
from numpy.typing import NDArray

from assay.features.bars import Bars
from assay.features.drivers import run_batch
from assay.features.ema import Ema
from assay.features.rsi import Rsi
from assay.features.sets import TECHNICAL
from assay.features.step import Step
from benchmarks.harness import Contender, Figure, race, timed
from benchmarks.lakes import Stage
from benchmarks.made_bars import walk

GOAL_OF_ALL, GOAL_OF_ONE = 0.75, 1.05
_ROUNDS = 51
Array = NDArray[np.float64]


def run(_stage: Stage) -> Iterator[Figure]:
    """Measure each Step, and the feature set of silver.technical_indicators."""
    bars = _bars(1_000_000)
    close = bars.close
    pairs: list[tuple[Step, Callable[[], Array]]] = [
        (Ema(12), lambda: talib.EMA(close, 12)),
        (Rsi(14), lambda: talib.RSI(close, 14)),
    ]
    for step, peer in pairs:
        yield _one(step, peer, bars)
    ours = Contender("FeatureSet.run", timed(lambda: TECHNICAL.run(bars)))
    theirs = Contender(
        "TA-Lib", timed(lambda: (talib.EMA(close, 12), talib.EMA(close, 26), talib.RSI(close, 14))), talib.__version__
    )
    work = f"{', '.join(TECHNICAL.columns)} of {len(bars):,} bars"
    times = race([ours, theirs], rounds=_ROUNDS, warmup=2)
    yield Figure.of_ratio("F1a", work, times, subject=ours, peer=theirs, goal=GOAL_OF_ALL)


def _one(step: Step, peer: Callable[[], Array], bars: Bars) -> Figure:
    name = step.outputs[0]
    np.testing.assert_allclose(run_batch(step, bars)[0][:, 0], peer(), rtol=1e-9, atol=1e-9)
    ours = Contender("run_batch", timed(lambda: run_batch(step, bars)))
    theirs = Contender("TA-Lib", timed(peer), talib.__version__)
    times = race([ours, theirs], rounds=_ROUNDS, warmup=2)
    work = f"{name} of {len(bars):,} bars"
    return Figure.of_ratio("F1a", work, times, subject=ours, peer=theirs, goal=GOAL_OF_ONE)


def _bars(count: int) -> Bars:
    minute = timedelta(minutes=1)
    made = walk(count, seed=1, first=datetime(2023, 1, 1, tzinfo=UTC), bar=minute)
    open_time = made["open_time"].dt.epoch("us").to_numpy()
    columns = {name: made[name].to_numpy() for name in ("open", "high", "low", "close", "volume")}
    return Bars(open_time, open_time + minute // timedelta(microseconds=1), **columns)
