"""What the checks of a Step run on: instances of every Step with long and short windows, and bars of every kind.

The bars are the same for all, made once from fixed seeds; ``make soak`` has Hypothesis look for others.
"""

from __future__ import annotations

import dataclasses
import functools
import math
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass

import numpy as np
from hypothesis import strategies as st

from assay.domain.errors import BadInputError
from assay.features.bars import VALUE_COLUMNS, Bars, FloatArray
from assay.features.step import Step
from tests.unit.features.made_bars import hourly, recorded_btc

MOVES = (0.0, 0.0, 0.01, -0.01, 0.3, -0.3)
HOURS = (1, 1, 1, 1, 1, 2, 25)
SCALES = (1e-10, 1.0, 30_000.0, 1e10)
LONGEST = 60


@dataclass(frozen=True)
class Case:
    """Bars, and row numbers at which to cut them, in rising order and possibly repeated."""

    bars: Bars
    cuts: tuple[int, ...]


def with_columns(bars: Bars, columns: Mapping[str, FloatArray]) -> Bars:
    """Return the bars with some columns replaced."""
    there = {name: getattr(bars, name) for name in ("open_time", "close_time", *VALUE_COLUMNS)}
    return Bars(**(there | dict(columns)))


def short(make: Callable[..., Step], n: int) -> Step:
    """Return a Step whose lengths are small: n and the numbers after it, in the order that the usual ones have."""
    usual = {field.name: getattr(make(), field.name) for field in dataclasses.fields(make)}  # type: ignore[arg-type]
    lengths = sorted({value for value in usual.values() if type(value) is int and value > n})
    for first in range(n, n + 10):
        small = {length: first + place for place, length in enumerate(lengths)}
        try:
            return make(**{name: small.get(value, value) for name, value in usual.items()})
        except (BadInputError, TypeError):  # an unhashable value is no length
            continue
    return make()


def instances(makers: Iterable[Callable[..., Step]], lengths: Iterable[int]) -> list[Step]:
    """Return each Step as it is usually, and with each of the short lengths; none twice."""
    sizes = list(lengths)
    return list(dict.fromkeys(step for make in makers for step in (make(), *(short(make, n) for n in sizes))))


def case_of(rows: list[tuple[float, int, bool]], scale: float, cuts: list[int], blank: Iterable[str]) -> Case:
    """Return bars with these moves, hours since the bar before, and NaN in the columns `blank` where told."""
    close = scale * np.exp(np.cumsum([move for move, _, _ in rows]))
    bars = hourly(close, hours=np.cumsum([hours for _, hours, _ in rows], dtype=np.int64).tolist())
    is_nan = np.array([is_nan for _, _, is_nan in rows], dtype=bool)
    holed = {name: np.where(is_nan, math.nan, getattr(bars, name)) for name in blank}
    return Case(with_columns(bars, holed), tuple(sorted(cuts)))


@functools.cache
def made_cases() -> tuple[Case, ...]:
    """Moves, flat stretches, holes and NaN at every scale, with cuts; one bar; and no bars at all."""
    made = []
    for seed, blank in enumerate(
        (VALUE_COLUMNS, ("high", "close", "volume"), ("open", "low", "quote_volume"), ("close", "reference"))
    ):
        rng = np.random.default_rng(seed)
        moves = np.where(rng.random(LONGEST) < 0.5, rng.choice(MOVES, LONGEST), rng.uniform(-0.5, 0.5, LONGEST))
        # The first case has neither a hole nor a NaN in its first half, so that long windows fill.
        calm = np.arange(LONGEST) < (LONGEST // 2 if seed == 0 else 0)
        hours = np.where(calm, 1, rng.choice(HOURS, LONGEST))
        is_nan = ~calm & (rng.random(LONGEST) < 1 / 7)
        rows = list(zip(moves.tolist(), hours.tolist(), is_nan.tolist(), strict=True))
        cuts = rng.integers(0, LONGEST + 1, 4).tolist()
        made.append(case_of(rows, SCALES[seed], [*cuts, cuts[0]], blank))
    return (*made, case_of([(0.0, 1, False)], 1.0, [1], ()), case_of([], 1.0, [0], ()))


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
