"""Audit: how long the proof takes beside computing once, for indicators and for functions of one's own.

An indicator is proven by its stream, bar by bar; a function is computed again on cut and on changed data.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator

import numpy as np
import polars as pl

from assay.domain.interval import Interval
from assay.evidence.causality import audit
from assay.features.bars import VALUE_COLUMNS, Bars
from assay.features.indicators.ema import Ema
from assay.features.indicators.rsi import Rsi
from assay.features.sets import TECHNICAL, FeatureSet
from assay.pipelines.auditing import prove_by_stream
from assay.pipelines.made_bars import made_bars
from benchmarks.harness import Contender, Figure, race, timed
from benchmarks.lakes import Stage

MILLION, QUICK = 1_000_000, 20_000
ROWS, QUICK_ROWS = 10_000, 1_000
FUNCTIONS: dict[str, Callable[[pl.DataFrame], pl.DataFrame]] = {
    "a rolling mean (Polars)": lambda bars: bars.select("open_time", mean=pl.col("close").rolling_mean(20)),
    "a running total (Polars)": lambda bars: bars.select("open_time", total=pl.col("volume").cum_sum()),
    "a shift of the wrong sign (Polars)": lambda bars: bars.select("open_time", ahead=pl.col("close").shift(-1)),
}


def run(stage: Stage) -> Iterator[Figure]:
    """Measure the proof of indicators over a million bars, and audits of functions, each beside computing it once."""
    frame = made_bars(Interval.parse("1m"), count=QUICK if stage.is_quick else MILLION)
    bars = _bars(frame)
    for chosen in (FeatureSet("ema", 1, (Ema(12),)), FeatureSet("rsi", 1, (Rsi(14),)), TECHNICAL):
        assert prove_by_stream(chosen, bars.rows(0, 2_000)).is_causal
        work = f"{chosen.name}, {len(bars):,} bars: every row proven, beside computing it once"
        yield _beside(
            work, timed(lambda one=chosen: prove_by_stream(one, bars)), timed(lambda one=chosen: one.run(bars))
        )
    few = made_bars(Interval.parse("1h"), count=QUICK_ROWS if stage.is_quick else ROWS)
    for name, function in FUNCTIONS.items():
        found = audit(function, few)
        seen = "nothing found" if found.is_causal else found.findings[0].kind
        work = f"{name} of {few.height:,} bars audited ({seen}), beside computing it once"
        yield _beside(work, timed(lambda one=function: audit(one, few)), timed(lambda one=function: one(few)))


def _beside(work: str, proof: Callable[[], float], once: Callable[[], float]) -> Figure:
    ours, theirs = Contender("audit", proof), Contender("computing once", once)
    times = race([ours, theirs], rounds=3, warmup=0)
    return Figure.of_ratio("audit", work, times, subject=ours, peer=theirs, goal=None)


def _bars(frame: pl.DataFrame) -> Bars:
    times = [frame[name].dt.epoch("us").to_numpy() for name in ("open_time", "close_time")]
    return Bars(*times, **{name: np.ascontiguousarray(frame[name].to_numpy()) for name in VALUE_COLUMNS})
