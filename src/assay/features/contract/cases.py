"""What the checks run on: instances of a Step with long and short windows, and bars of every kind, from fixed seeds."""

from __future__ import annotations

import dataclasses
import functools
import math
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike

from assay.domain.errors import BadInputError
from assay.features.bars import VALUE_COLUMNS, Bars, FloatArray
from assay.features.step import Step

HOUR = 3_600_000_000
START = 1_499_644_800 * 1_000_000
"""Monday, 2017-07-10T00:00Z, at which a bar of every interval opens."""
MOVES = (0.0, 0.0, 0.01, -0.01, 0.3, -0.3)
HOURS = (1, 1, 1, 1, 1, 2, 25)
SCALES = (1e-10, 1.0, 30_000.0, 1e10)
LONGEST = 60


@dataclass(frozen=True, slots=True, eq=False)
class Case:
    """Bars, and row numbers at which to cut them, in rising order and possibly repeated."""

    bars: Bars
    cuts: tuple[int, ...]


def hourly(close: ArrayLike, *, hours: Sequence[int] | None = None) -> Bars:
    """Return bars with these closes, at these hours (0, 1, 2, ... by default), 1 % of shadow around each body."""
    closes = np.asarray(close, dtype=np.float64)
    opens = np.concatenate([closes[:1], closes[:-1]])
    opened = START + np.asarray(range(closes.size) if hours is None else hours, dtype=np.int64) * HOUR
    high, low = np.maximum(opens, closes) * 1.01, np.minimum(opens, closes) * 0.99
    volume = np.asarray(1.0 + np.arange(closes.size) % 7, dtype=np.float64)
    amounts = volume, volume * closes, volume / 2, volume * 10
    # Another series: neither the closes nor anything in step with them.
    reference = 50.0 + 3.0 * np.sin(0.37 * np.arange(closes.size))
    return Bars(opened, opened + HOUR, opens, high, low, closes, *amounts, reference)


def walk(count: int, *, seed: int = 1, scale: float = 100.0) -> Bars:
    """Return a random walk without a hole."""
    moves = np.random.default_rng(seed).normal(0.0, 0.01, count)
    return hourly(scale * np.exp(np.cumsum(moves)))


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
    """Return moves, flat stretches, holes and NaN at every scale, with cuts; one bar; and no bars at all."""
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


def random_cases(rng: np.random.Generator, count: int, *, longest: int = LONGEST) -> Iterator[Case]:
    """Yield bars of any scale and up to `longest` rows with moves, holes and NaN in any place, and some cuts."""
    for _ in range(count):
        size = int(rng.integers(1, longest + 1))
        moves = np.where(rng.random(size) < 0.5, rng.choice(MOVES, size), rng.uniform(-0.3, 0.3, size))
        # As much up as down: a walk of a thousand such steps leaves no number that a float can hold.
        moves -= moves.mean()
        hours = np.where(rng.random(size) < rng.random(), rng.choice(HOURS, size), 1)
        is_nan = rng.random(size) < rng.choice([0.0, 0.05, 0.2])
        blank = [name for name in VALUE_COLUMNS if rng.random() < 0.5]
        cuts = rng.integers(0, size + 1, int(rng.integers(0, 6))).tolist()
        rows = list(zip(moves.tolist(), hours.tolist(), is_nan.tolist(), strict=True))
        yield case_of(rows, float(rng.choice(SCALES)), cuts, blank)
