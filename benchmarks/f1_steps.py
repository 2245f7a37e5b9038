"""F1: sixteen indicators over up to five million bars, beside TA-Lib.

Both get contiguous float64 columns. Assay's side goes through the public drivers, with their checks, the saved state at
the end and the rules for NaN; the results agree to 1e-9 before anything is measured.
"""

from __future__ import annotations

import statistics
from collections.abc import Callable, Iterator

import numpy as np
import talib

from assay.features.bars import Bars
from assay.features.drivers import run_batch
from benchmarks.harness import Contender, Figure, race, timed
from benchmarks.lakes import Stage
from benchmarks.sixteen import PAIRS, SIXTEEN, Pair, agree, made, recorded

GOAL_FRESH, GOAL_REUSED, GOAL_OF_ONE = 0.75, 0.35, 1.05
LENGTHS, QUICK_LENGTHS = (10_000, 100_000, 1_000_000, 5_000_000), (10_000, 100_000)


def run(stage: Stage) -> Iterator[Figure]:
    """Measure each Step, and all of them: fresh and reused outputs, several lengths, made and recorded bars."""
    agree(made(100_000))
    bars = made(QUICK_LENGTHS[-1] if stage.is_quick else 1_000_000)
    for pair in PAIRS:
        yield _one(pair, bars)
    for length in QUICK_LENGTHS if stage.is_quick else LENGTHS:
        yield from _all(made(length), "made")
    real = recorded()
    if real is not None:
        agree(real)
        yield from _all(real, "recorded")


def _one(pair: Pair, bars: Bars) -> Figure:
    ours = Contender("run_batch", timed(lambda: run_batch(pair.step, bars)))
    theirs = Contender("TA-Lib", timed(lambda: pair.batch(bars)), talib.__version__)
    times = race([ours, theirs], rounds=_rounds(len(bars)), warmup=2)
    more = len(pair.step.outputs) - len(pair.columns)
    beside = f", {more} more than TA-Lib" if more else ""
    work = f"{pair.step.outputs[0]} of {len(bars):,} bars{beside}"
    return Figure.of_ratio("F1", work, times, subject=ours, peer=theirs, goal=GOAL_OF_ONE)


def _all(bars: Bars, kind: str) -> Iterator[Figure]:
    place = np.empty((len(SIXTEEN.columns), len(bars)))
    theirs = Contender("TA-Lib", timed(lambda: [pair.batch(bars) for pair in PAIRS]), talib.__version__)
    work: dict[str, tuple[Callable[[], object], float]] = {
        "fresh outputs": (lambda: SIXTEEN.run(bars), GOAL_FRESH),
        "reused outputs": (lambda: SIXTEEN.run(bars, out=place), GOAL_REUSED),
    }
    ours = {name: Contender(f"FeatureSet.run, {name}", timed(one)) for name, (one, _) in work.items()}
    times = race([*ours.values(), theirs], rounds=_rounds(len(bars)), warmup=1)
    for name, (_, goal) in work.items():
        each = statistics.median(times[ours[name].name]) / len(bars) / len(PAIRS) * 1e9
        text = f"16 indicators of {len(bars):,} {kind} bars, {name}: {each:.1f} ns a bar and indicator"
        yield Figure.of_ratio("F1", text, times, subject=ours[name], peer=theirs, goal=goal)


def _rounds(count: int) -> int:
    return 5 if count > 1_000_000 else 15
