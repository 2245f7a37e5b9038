"""At which moments the data is cut: evenly, and wherever a computation may do something else than usually.

A leak can be rare: only at a hole, only on Mondays, only in one series, only at the highest price. A cut right before
such a place shows it.
"""

from __future__ import annotations

import math
from collections.abc import Iterator

import numpy as np

from assay.evidence.causality.experiment import Experiment, spread
from assay.evidence.causality.frames import IntArray
from assay.evidence.causality.table import Table

_DAY = 86_400_000_000
_HOLES = 6
FEWEST, MOST = 24, 160
"""Evenly spread cuts: some more than the square root of the number of moments, within these."""


def even(experiment: Experiment, *, is_full: bool, rng: np.random.Generator) -> list[int]:
    """Return the numbers of the moments after which to cut, the last one excepted, in an order drawn by `rng`.

    Returns
    -------
    list of int
        All in full; else evenly spread ones, each moved a little, so that they do not keep step with the days.
    """
    last = experiment.moments.size - 1
    if last < 1:
        return []
    if is_full:
        found = set(range(last))
    else:
        number = min(max(FEWEST, int(1.5 * math.sqrt(last))), MOST, last)
        centres = (np.arange(number) + 0.5) * last / number
        found = set((centres + rng.uniform(-0.2, 0.2, number) * last / number).astype(int).tolist())
    return _shuffled(found, last, rng)


def special(experiment: Experiment, *, each: int, rng: np.random.Generator) -> list[int]:
    """Return the numbers of moments at special places, and right before: up to `each` of every kind of place."""
    found: set[int] = set()
    for table in experiment.tables:
        for places, most in _special(table, each):
            at = spread(set(np.searchsorted(experiment.moments, places).tolist()), most)
            found.update(at)
            found.update(one - 1 for one in at)
    return _shuffled(found, experiment.moments.size - 1, rng)


def _shuffled(found: set[int], last: int, rng: np.random.Generator) -> list[int]:
    order = sorted(one for one in found if 0 <= one < last)
    return [order[at] for at in rng.permutation(len(order))]


def _special(table: Table, each: int) -> Iterator[tuple[IntArray, int]]:
    """Yield the moments of rows at places of one kind after another, and how many of them to take."""
    known = table.known
    for one in range(len(table.names)):
        rows = np.flatnonzero(table.series == one)
        rows = rows[np.argsort(table.time[rows], kind="stable")]
        steps = np.diff(table.time[rows])
        holes = np.flatnonzero(steps > np.median(steps)) if steps.size else steps
        # The last row before a hole, and the ends of the series.
        yield known[rows[holes]], max(each, _HOLES)
        yield known[rows[[0, -1]]], 2
    late = np.flatnonzero(table.known > table.event)
    if late.size:
        yield known[late], each
    if table.has_time:
        days = table.time // _DAY
        for weekday in range(7):
            yield known[(days + 3) % 7 == weekday], each - 1
        order = np.argsort(table.time, kind="stable")
        yield known[order[np.flatnonzero(np.diff(days[order]) > 0)]], each
    for name in table.free[:12]:
        values = table.numbers(name)
        missing = np.isnan(values)
        if missing.any():
            yield known[missing], each
        if not missing.all():
            yield known[[int(np.nanargmax(values)), int(np.nanargmin(values))]], 2
