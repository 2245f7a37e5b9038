"""F2: one new bar of one series into sixteen indicators, beside TA-Lib's streams, which hold their state as well."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Protocol, cast

import numpy as np
import talib

from assay.features.bars import Bar, Bars
from benchmarks.harness import Contender, Figure, race, timed
from benchmarks.lakes import Stage
from benchmarks.sixteen import PAIRS, SIXTEEN, made, values_of

GOAL = 0.25
HISTORY, BARS, QUICK_BARS = 500, 5_000, 500


class Streaming(Protocol):
    """One of TA-Lib's streams."""

    update: Callable[..., float | tuple[float, ...]]


def run(stage: Stage) -> Iterator[Figure]:
    """Measure the updates of a row of bars; both sides have seen the same bars before."""
    count = QUICK_BARS if stage.is_quick else BARS
    bars = made(HISTORY + count)
    rows = [bars.bar(row) for row in range(HISTORY, len(bars))]
    ours = Contender("SetStream.update", _ours(bars, rows))
    theirs = Contender("TA-Lib streams", _theirs(bars, rows), talib.__version__)
    times = race([ours, theirs], rounds=15, warmup=2)
    work = f"one bar into 16 indicators, {count:,} times"
    yield Figure.of_ratio("F2", work, times, subject=ours, peer=theirs, goal=GOAL)


def peers(bars: Bars) -> list[Streaming]:
    """Return TA-Lib's streams after `bars`."""
    return [cast("Streaming", pair.opened(bars)) for pair in PAIRS]


def _ours(bars: Bars, rows: list[Bar]) -> Callable[[], float]:
    state = SIXTEEN.run(bars.rows(0, HISTORY)).state

    def measure() -> float:
        stream = SIXTEEN.stream(state)
        return timed(lambda: [stream.update(bar) for bar in rows])()

    _agree(bars, rows)
    return measure


def _theirs(bars: Bars, rows: list[Bar]) -> Callable[[], float]:
    # What each takes of a bar is picked out beforehand; only the updates are measured.
    taken = [[values_of(bar, pair.inputs) for pair in PAIRS] for bar in rows]

    def measure() -> float:
        updates = [one.update for one in peers(bars.rows(0, HISTORY))]
        return timed(lambda: [[update(*one) for update, one in zip(updates, row, strict=True)] for row in taken])()

    return measure


def _agree(bars: Bars, rows: list[Bar]) -> None:
    """Assert that both say the same of the first hundred bars, but for what a start forgets."""
    whole, streams = SIXTEEN.run(bars).matrix, peers(bars.rows(0, HISTORY))
    for number, bar in enumerate(rows[:100]):
        column = 0
        for pair, one in zip(PAIRS, streams, strict=True):
            found = np.atleast_1d(one.update(*values_of(bar, pair.inputs)))
            expected = whole[HISTORY + number, [column + place for place in pair.columns]]
            np.testing.assert_allclose(found, expected, rtol=1e-6, atol=1e-6, err_msg=pair.step.outputs[0])
            column += len(pair.step.outputs)
