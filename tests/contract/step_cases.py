"""What the checks of a Step run on in tests: the product's cases, real bars, and those that Hypothesis looks for."""

from __future__ import annotations

import functools

import numpy as np
from hypothesis import strategies as st

from assay.features.bars import VALUE_COLUMNS
from assay.features.contract.cases import (
    HOURS,
    LONGEST,
    MOVES,
    SCALES,
    Case,
    case_of,
    instances,
    made_cases,
    short,
    with_columns,
)
from tests.unit.features.made_bars import recorded_btc

__all__ = ["LONGEST", "Case", "case_of", "cases", "instances", "made_cases", "recorded_case", "short", "with_columns"]


@functools.cache
def recorded_case() -> Case:
    """400 real hours of BTC-USDT, with their gaps."""
    bars = recorded_btc().rows(7400, 7800)  # 11, 2 and 8 hours pass before rows 70, 95 and 250
    assert np.flatnonzero(bars.open_time[1:] != bars.close_time[:-1]).tolist() == [69, 94, 249]
    return Case(bars, (1, 70, 71, 94, 300))


@st.composite
def cases(draw: st.DrawFn) -> Case:
    """Bars of any scale with moves, flat stretches, holes and NaN in any place, and some cuts."""
    moves = st.sampled_from(MOVES) | st.floats(-0.5, 0.5)
    steps = st.tuples(moves, st.sampled_from(HOURS), st.sampled_from([False] * 6 + [True]))
    rows = draw(st.lists(steps, max_size=LONGEST))
    cuts = draw(st.lists(st.integers(0, len(rows)), max_size=5))
    return case_of(rows, draw(st.sampled_from(SCALES)), cuts, draw(st.sets(st.sampled_from(VALUE_COLUMNS))))
