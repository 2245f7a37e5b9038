"""F3: one new bar of each of a thousand series into sixteen indicators in one call, beside TA-Lib's streams."""

from __future__ import annotations

import statistics
from collections.abc import Callable, Iterator

import numpy as np
import talib

from assay.features.bars import VALUE_COLUMNS, Bars
from assay.features.many import ManyStreams
from benchmarks.f2_stream import HISTORY, peers
from benchmarks.harness import Contender, Figure, race, timed
from benchmarks.lakes import Stage
from benchmarks.sixteen import PAIRS, SIXTEEN, made, values_of

GOAL = 0.06
SERIES, BARS, QUICK_BARS = 1_000, 20, 3


def run(stage: Stage) -> Iterator[Figure]:
    """Measure the updates of a few bars of all series; TA-Lib's time is that of one series, a thousand times over."""
    count = QUICK_BARS if stage.is_quick else BARS
    bars = made(HISTORY + count)
    ours = Contender("ManyStreams.update", _ours(bars))
    theirs = Contender("TA-Lib streams", _theirs(bars), talib.__version__)
    times = race([ours, theirs], rounds=9, warmup=1)
    each = statistics.median(times[ours.name]) / count / SERIES * 1e9
    work = f"a bar of each of {SERIES:,} series into 16 indicators: {each:,.0f} ns a series"
    yield Figure.of_ratio("F3", work, times, subject=ours, peer=theirs, goal=GOAL)


def _ours(bars: Bars) -> Callable[[], float]:
    state = SIXTEEN.run(bars.rows(0, HISTORY)).state
    rows = range(HISTORY, len(bars))
    times = [np.tile([bars.open_time[row], bars.close_time[row]], (SERIES, 1)) for row in rows]
    values = [np.tile([getattr(bars, name)[row] for name in VALUE_COLUMNS], (SERIES, 1)) for row in rows]

    def measure() -> float:
        streams = ManyStreams(SIXTEEN, SERIES, dict.fromkeys(range(SERIES), state))
        return timed(lambda: [streams.update(*one) for one in zip(times, values, strict=True)])()

    return measure


def _theirs(bars: Bars) -> Callable[[], float]:
    rows = range(HISTORY, len(bars))
    taken = [[values_of(bars.bar(row), pair.inputs) for pair in PAIRS] for row in rows]
    before = bars.rows(0, HISTORY)

    def measure() -> float:
        # A thousand streams of each kind would only add misses of the cache; a few are measured and multiplied.
        few = [[one.update for one in peers(before)] for _ in range(SERIES // 20)]
        seconds = timed(
            lambda: [
                [update(*one) for update, one in zip(updates, row, strict=True)] for row in taken for updates in few
            ]
        )()
        return seconds * SERIES / len(few)

    return measure
