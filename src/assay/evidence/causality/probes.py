"""The probes: the future taken away, the future changed, and single moments changed in step with each other.

A cut after moment c shows every row that reads past c. Few cuts thus show, for all rows, who reads far ahead; that a
row reads the very next bar only shows where the cut is right behind it. The comb shows the rest: it changes every
so-many-th moment, far enough apart that what an earlier tooth does has worn off before the next one comes. A row right
before a tooth has no reason to change then. What the comb suspects is shown by changing that row's future alone, so
that a long memory is never taken for a look ahead.
"""

from __future__ import annotations

import itertools
import math
from collections import defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field

import numpy as np

from assay.evidence.causality.experiment import END, START, Experiment, Seen, Span, spread
from assay.evidence.causality.frames import IntArray
from assay.evidence.causality.output import BoolArray

_CHANGED_CUTS = 10
_LOOSE = 1e-7
"""Sums that run on keep what passed through them in the last digits: the comb looks past that."""
_LONGEST_MEMORY = 1500
_MOST_CALLS = 1200
_MOST_ROWS = 150_000_000
"""Rows that the comb computes at most, all calls together."""
_TRIES = 6
_ENOUGH = 16
ROWS = -1
"""Stands for the presence of rows in the place of a column."""


@dataclass(slots=True)
class Sightings:
    """Where a column was seen to leak: the rows, by the moment after which the future was taken away or changed.

    Attributes
    ----------
    rows : mapping of (column, probe) to list of (moment number, rows)
    cuts : list of int
        The moments that were tried.
    """

    rows: dict[tuple[int, str], list[tuple[int, IntArray]]] = field(default_factory=lambda: defaultdict(list))
    cuts: list[int] = field(default_factory=list)

    def columns(self) -> list[int]:
        """Return the columns that leak, in order; :data:`ROWS` first."""
        return sorted({column for column, _ in self.rows})

    def of_rows(self) -> bool:
        """Whether rows were seen to come and go."""
        return any(column == ROWS for column, _ in self.rows)

    def of(self, column: int) -> Iterator[tuple[str, int, IntArray]]:
        """Yield each sighting of a column: by which probe, after which moment, and the rows."""
        for (one, probe), found in self.rows.items():
            if one == column:
                for moment, rows in found:
                    yield probe, moment, rows


def by_cuts(experiment: Experiment, cuts: Sequence[int], skipped: BoolArray, sightings: Sightings) -> None:
    """Take the future away after each moment, and change it after some; note what differs before.

    Parameters
    ----------
    cuts : sequence of int
        Numbers of moments, in the order in which to try them.
    skipped : bool array, shape (n_columns,)
        Columns that cannot be compared.
    sightings : Sightings
        To add to.
    """
    changed = set(spread(range(len(cuts)), _CHANGED_CUTS))
    start = len(sightings.cuts)
    for number, cut in enumerate(cuts):
        moment = int(experiment.moments[cut])
        seen = experiment.until(moment)
        is_made_up = False
        if seen is not None:
            sightings.cuts.append(cut)
            is_made_up = _note(experiment, cut, seen, "truncation", skipped, sightings)
        if number in changed or is_made_up:
            other = experiment.changed(Span(moment, up=number % 2 == 0))
            if other is not None:
                _note(experiment, cut, other, "perturbation", skipped, sightings)
        if len(sightings.cuts) - start >= _ENOUGH and _is_settled(sightings, skipped):
            return


def _note(  # noqa: PLR0917
    experiment: Experiment, cut: int, seen: Seen, probe: str, skipped: BoolArray, sightings: Sightings
) -> bool:
    """Note what differs; return whether rows are gone that the input does not have."""
    rows = np.flatnonzero(experiment.place <= cut)
    cells = experiment.differ(seen, rows) & ~skipped
    for column in np.flatnonzero(cells.any(axis=0)).tolist():
        sightings.rows[column, probe].append((cut, rows[cells[:, column]]))
    # Rows without their label are not there yet: that is no choice.
    is_waiting = bool(experiment.subject.target) and probe == "truncation"
    gone = rows[~seen.present[rows]]
    # What was made up for a hole is there when the hole has ended. What it says is another matter.
    is_made_up = experiment.is_made_up[gone]
    gone = gone[~is_made_up]
    own = seen.own[experiment.place_of(seen.own) <= cut]
    if (gone.size and not is_waiting) or own.size:
        sightings.rows[ROWS, probe].append((cut, gone))
    return bool(is_made_up.any())


def _is_settled(sightings: Sightings, skipped: BoolArray) -> bool:
    """Whether every column leaks at most of the cuts: more of them would say nothing new."""
    tried = len(sightings.cuts)
    for column in np.flatnonzero(~skipped).tolist():
        if len(sightings.rows.get((column, "truncation"), ())) < 0.9 * tried:
            return False
    return True


def memory_of(experiment: Experiment, rng: np.random.Generator) -> IntArray:
    """Return for how many moments a change is felt in each column, as measured at some; a very large number if long."""
    count = experiment.moments.size
    felt = np.ones(len(experiment.whole.columns), dtype=np.int64)
    place = experiment.place
    for number, at in enumerate(spread(range(count // 8, max(count // 2, 1)), _TRIES)):
        moment = at + int(rng.integers(0, 2))
        moment = min(moment, count - 1)
        before = int(experiment.moments[moment - 1]) if moment else START
        seen = experiment.changed(Span(before, int(experiment.moments[moment]), up=number % 2 == 0))
        if seen is None:
            continue
        cells = experiment.differ(seen, tolerance=_LOOSE) & _is_ever_known(experiment)
        for column in np.flatnonzero(cells.any(axis=0)).tolist():
            felt[column] = max(felt[column], int(place[cells[:, column]].max()) - moment + 1)
    return felt


def by_comb(
    experiment: Experiment, memory: IntArray, columns: BoolArray, sightings: Sightings, *, reach: int
) -> dict[int, int]:
    """Change every so-many-th moment and note the rows right before one that differ without another reason.

    Parameters
    ----------
    memory : int64 array, shape (n_columns,)
        For how many moments a change is felt.
    columns : bool array, shape (n_columns,)
        Which columns to look at.
    sightings : Sightings
        To add to.
    reach : int
        How many moments ahead a row is to be caught reading.

    Returns
    -------
    mapping of int to int
        For each column that was covered at every row, how many moments ahead.
    """
    count = experiment.moments.size
    fits = columns & (memory <= _LONGEST_MEMORY)
    if not fits.any():
        return {}
    longest = int(memory[fits].max())
    longest += longest // 4 + 2
    period = longest + reach + 1
    most = min(_MOST_CALLS, _MOST_ROWS // len(experiment.table))
    if period > count or 2 * period > most:
        # Fewer bars ahead, or none at all if what is remembered alone takes too many calls.
        period = min(count, most // 2)
        if period <= longest:
            return {}
    place, failed = experiment.place, np.zeros_like(fits)
    is_known = _is_ever_known(experiment)[:, 0]
    for first in range(period):
        since = (place - first) % period
        is_calm = ((since > longest) | (place < first)) & is_known
        # Upwards and downwards where one of them may change nothing, else in turns.
        is_both = bool((experiment.is_coarse & fits & ~failed).any())
        for up in (True, False) if is_both else (first % 2 == 0,):
            seen = experiment.changed(Span(START, up=up, every=period, first=first))
            if seen is None:
                failed[:] = True
                break
            cells = experiment.differ(seen, tolerance=_LOOSE) & is_calm[:, None] & (fits & ~failed)
            for column in np.flatnonzero(cells.any(axis=0)).tolist():
                rows = np.flatnonzero(cells[:, column])
                if not _confirmed(experiment, rows, column, up=up, sightings=sightings):
                    failed[column] = True
    ahead = period - longest - 1
    return dict.fromkeys(np.flatnonzero(fits & ~failed).tolist(), ahead)


def _is_ever_known(experiment: Experiment) -> BoolArray:
    """Return, of shape (n_rows, 1), which rows have a moment from when on they are known: others cannot look ahead."""
    return np.asarray(experiment.whole.known[:, None] != END, dtype=np.bool_)


def _confirmed(experiment: Experiment, rows: IntArray, column: int, *, up: bool, sightings: Sightings) -> bool:
    """Note which of some rows change when nothing but their future does; whether any does."""
    is_any = False
    if len(sightings.rows[column, "comb"]) >= _ENOUGH:
        return True
    for row in spread(rows.tolist(), _TRIES):
        moment = int(experiment.whole.known[row])
        seen = experiment.changed(Span(moment, up=up))
        if seen is not None and experiment.differ(seen, np.array([row]))[0, column]:
            sightings.rows[column, "comb"].append((int(experiment.place[row]), np.array([row])))
            is_any = True
    if not sightings.rows[column, "comb"]:
        del sightings.rows[column, "comb"]
    return is_any


def spacing(cuts: Sequence[int], count: int) -> int:
    """Return the widest stretch of moments without a cut in it.

    >>> spacing([3, 9], 12)
    6
    """
    edges = [0, *sorted(cuts), max(count - 2, 0)]
    return max(1, *(math.ceil(b - a) for a, b in itertools.pairwise(edges)))
