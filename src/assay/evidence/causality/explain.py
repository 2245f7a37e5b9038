"""From sightings to a finding: which rows to look at closely, what they read, and how to say it."""

from __future__ import annotations

import dataclasses
import math
import re
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

import numpy as np

from assay.evidence.causality.experiment import Experiment, Seen, Span, spread
from assay.evidence.causality.findings import Evidence, Finding, Leak
from assay.evidence.causality.frames import IntArray
from assay.evidence.causality.probes import ROWS, Sightings
from assay.evidence.causality.reach import Reach, bars_ahead, measure
from assay.evidence.causality.shapes import Shape, name_shape, where_only
from assay.evidence.causality.words import TODO, listed

_MEASURED = 5
_CLOSE = (1, 3)
"""Which of them are looked at most closely: not the first, which has little before it."""
_AROUND = 40
_TARGET_NAME = re.compile(r"(y|is_up|label|target|direction)(_.*)?|.*_(label|target)", re.IGNORECASE)
"""How columns of the input are called that hold the answer."""
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_GENERIC = (Leak.FUTURE_VALUE, Leak.FULL_SAMPLE_STATISTIC, Leak.CENTRED_WINDOW, Leak.UNEXPLAINED)


@dataclass(frozen=True, slots=True)
class Sighting:
    """One row that leaked, by which probe, after which moment."""

    probe: str
    cut: int
    row: int


def explain(experiment: Experiment, sightings: Sightings, column: int) -> Finding:
    """Return the finding on a column that was seen to leak."""
    chosen = _choose(experiment, sightings, column)
    reaches = [
        measure(experiment, one.row, column, is_close=at in _CLOSE or len(chosen) == 1) for at, one in enumerate(chosen)
    ]
    shape = _through_what(
        experiment, name_shape(experiment, reaches, _extents(experiment, sightings, column)), chosen, column
    )
    shape = _of_the_target(experiment, shape, reaches)
    leaking, at_risk = _rows(experiment, sightings, column, reaches)
    ahead = [bars_ahead(experiment, one.row, one.far) for one in reaches]
    # The row that shows it best reads as far ahead as most of them do.
    usual = max(set(ahead), key=ahead.count)
    best = min(range(len(ahead)), key=lambda at: (not reaches[at].is_close, ahead[at] != usual))
    one, reach = chosen[best], reaches[best]
    lags = sorted(bars_ahead(experiment, reach.row, at) for at, felt in reach.singles.items() if felt)
    evidence = _evidence(experiment, one, column, reach)
    before, after = _values(experiment, one, column)
    return Finding(
        shape.kind,
        experiment.whole.columns[column],
        shape.cause + where_only(experiment, leaking, at_risk),
        TODO[shape.kind],
        row=one.row,
        lag=max(ahead),
        time=time_of_row(experiment, one.row),
        series=series_of_row(experiment, one.row),
        before=before,
        after=after,
        evidence=dataclasses.replace(
            evidence, lags=tuple(lags), reads=reach.columns, leaking=int(leaking.size), checked=int(at_risk.size)
        ),
    )


def explain_rows(experiment: Experiment, sightings: Sightings) -> Finding:
    """Return the finding on rows that come and go with the future."""
    whole = experiment.whole
    found = list(sightings.of(ROWS))
    probe, cut, rows = max(found, key=lambda one: one[2].size)
    kind, cause, todo = _why_rows(experiment, found, rows)
    row = int(rows[-1]) if rows.size else None
    return Finding(
        kind,
        "",
        cause,
        todo,
        row=row,
        time=None if row is None else time_of_row(experiment, row),
        series="" if row is None else series_of_row(experiment, row),
        evidence=Evidence(probe, cut=int(experiment.moments[cut]), leaking=int(rows.size), checked=len(whole.time)),
    )


def _why_rows(experiment: Experiment, found: list[tuple[str, int, IntArray]], rows: IntArray) -> tuple[Leak, str, str]:
    """Return the kind, what it is and what to do, of rows that come and go."""
    whole, names, key = experiment.whole, experiment.table.names, experiment.table.key
    chosen = Leak.ROWS_CHOSEN_BY_THE_FUTURE
    if len(names) > 1 and (whole.series < 0).all() and np.unique(whole.time).size < whole.time.size:
        columns = listed(list(key)) or "the series"
        cause = f"whose rows they are is not told: {columns} is not returned, and rows of one time are mixed up"
        return chosen, cause, f"return a row for each row given, in their order, or keep the key column {columns}"
    if _are_the_last(experiment):
        kept = f"only the last {whole.time.size:,} of {len(experiment.table):,} rows are returned"
        cause = f"{kept}, and other ones where the data ends earlier"
        return chosen, cause, "return a row for each row given, and take the last of them afterwards"
    if len(names) > 1 and _is_by_series(experiment, found):
        gone: set[int] = set()
        for _, cut, some in found:
            for one in np.unique(whole.series[some]).tolist():
                mine = np.flatnonzero((whole.series == one) & (experiment.place <= cut))
                if one >= 0 and mine.size and np.isin(mine, some).all():
                    gone.add(one)
        shown = listed([names[one] for one in sorted(gone)]) if gone else "some"
        cause = f"which series there are depends on what came later: {shown} would not have been chosen then"
        return Leak.UNIVERSE_WITH_HINDSIGHT, cause, TODO[Leak.UNIVERSE_WITH_HINDSIGHT]
    count = f"{rows.size:,} of them at one cut" if rows.size else "with less data there are others"
    return chosen, f"rows are kept or dropped by what came after them: {count}", TODO[chosen]


def _are_the_last(experiment: Experiment) -> bool:
    """Whether the rows are those of the last moments of the input, of every series, as of ``.tail(n)``."""
    given, returned = np.unique(experiment.table.time), np.unique(experiment.whole.time)
    count = len(experiment.table.names)
    is_of_all = count == 1 or np.unique(experiment.whole.series).size == count
    return is_of_all and returned.size < given.size and np.array_equal(given[-returned.size :], returned)


def time_of_row(experiment: Experiment, row: int) -> datetime | None:
    """Return the time of a row of the whole, in UTC."""
    if not experiment.table.has_time:
        return None
    return _EPOCH + timedelta(microseconds=int(experiment.whole.time[row]))


def series_of_row(experiment: Experiment, row: int) -> str:
    """Return the name of a row's series."""
    one = int(experiment.whole.series[row])
    return experiment.table.names[one] if one >= 0 else ""


def _is_by_series(experiment: Experiment, found: list[tuple[str, int, IntArray]]) -> bool:
    """Whether it is always whole series that come or go."""
    whole = experiment.whole
    for _, cut, rows in found:
        known = experiment.place <= cut
        for one in np.unique(whole.series[rows]):
            if not np.isin(np.flatnonzero(known & (whole.series == one)), rows).all():
                return False
    if any(rows.size for _, _, rows in found):
        return True
    # Rows only ever appear: whole series of the input are missing in the result.
    return np.unique(whole.series).size < len(experiment.table.names)


def _choose(experiment: Experiment, sightings: Sightings, column: int) -> list[Sighting]:
    """Return some rows to measure, from cuts far apart: of each the last that leaked."""
    found = [(probe, cut, rows) for probe, cut, rows in sightings.of(column) if rows.size]
    last = experiment.moments.size - 1
    # Near the end everything reads to the end.
    middle = [one for one in found if one[1] < 0.9 * last] or found
    middle.sort(key=lambda one: (one[1], one[0] != "truncation"))
    by_cut = {cut: (probe, cut, rows) for probe, cut, rows in reversed(middle)}
    picked = [by_cut[cut] for cut in spread(by_cut, _MEASURED)]
    place = experiment.place
    return [Sighting(probe, cut, int(rows[np.argmax(place[rows])])) for probe, cut, rows in picked]


def _extents(experiment: Experiment, sightings: Sightings, column: int) -> list[tuple[int, int]]:
    """Return the first and last moment of the rows that leaked, of each cut."""
    place = experiment.place
    found = [place[rows] for probe, _, rows in sightings.of(column) if rows.size and probe == "truncation"]
    return [(int(at.min()), int(at.max())) for at in found]


def _rows(experiment: Experiment, sightings: Sightings, column: int, reaches: list[Reach]) -> tuple[IntArray, IntArray]:
    """Return the rows that leaked, and those that would have been seen to leak if all rows did."""
    least = min(one.far - one.place for one in reaches)
    place = experiment.place
    cuts = np.array(sorted(sightings.cuts), dtype=np.int64)
    following = np.searchsorted(cuts, place)
    nearest = cuts[np.minimum(following, cuts.size - 1)] if cuts.size else place + least
    at_risk = np.flatnonzero((following < cuts.size) & (nearest - place < max(least, 1)))
    leaking = [rows for _, _, rows in sightings.of(column)]
    seen = np.unique(np.concatenate(leaking)) if leaking else np.empty(0, dtype=np.int64)
    return seen, np.union1d(at_risk, seen)


def _through_what(experiment: Experiment, shape: Shape, chosen: list[Sighting], column: int) -> Shape:
    """Return the shape as it is, or as that of something that is kept beside the frame."""
    if shape.kind not in _GENERIC:
        return shape
    one = chosen[0]
    moment = int(experiment.moments[one.cut])
    globals_ = [name for name, (place, _) in experiment.captured.items() if isinstance(place.owner, dict)]
    if globals_:
        seen = experiment.until(moment, with_captured=False)
        if seen is not None and not experiment.differ(seen, np.array([one.row]))[0, column]:
            cause = f"{shape.cause}; through {listed(globals_)}, which is not given but kept outside the function"
            return Shape(Leak.HIDDEN_STATE, cause)
    if experiment.is_stateful:
        experiment.state.restore()
        experiment.again()
        names = listed(experiment.state.changes()) or "something"
        seen = experiment.until(moment, is_fresh=False)
        if seen is not None and not experiment.differ(seen, np.array([one.row]))[0, column]:
            return Shape(Leak.HIDDEN_STATE, f"{shape.cause}; {names} is computed once, over all the data, and kept")
    return shape


def _of_the_target(experiment: Experiment, shape: Shape, reaches: list[Reach]) -> Shape:
    """Return what it means when it is the target that is read from the future."""
    read = {name for one in reaches for name in one.columns}  # of those looked at closely
    target = read.pop() if len(read) == 1 else ""
    if not target or not (target == experiment.subject.target or _TARGET_NAME.fullmatch(target)):
        return shape
    if shape.kind in {Leak.FULL_SAMPLE_STATISTIC, Leak.UNEXPLAINED, Leak.CENTRED_WINDOW}:
        return Shape(Leak.TARGET_ENCODING, f"the target {target!r} of later rows goes into the value")
    return shape


def _values(experiment: Experiment, one: Sighting, column: int) -> tuple[float | None, float | None]:
    seen = _see(experiment, one)
    after = float(experiment.whole.values[one.row, column])
    before = float(seen.values[one.row, column]) if seen is not None and seen.present[one.row] else math.nan
    return (None if math.isnan(before) else before), (None if math.isnan(after) else after)


def _see(experiment: Experiment, one: Sighting) -> Seen | None:
    moment = int(experiment.moments[one.cut])
    return experiment.until(moment) if one.probe == "truncation" else experiment.changed(Span(moment))


def _evidence(experiment: Experiment, one: Sighting, column: int, reach: Reach) -> Evidence:
    """Return the rows around, with the future and without."""
    whole, place = experiment.whole, experiment.place
    mine = np.flatnonzero(whole.series == whole.series[one.row])
    mine = mine[np.argsort(place[mine], kind="stable")]
    at = int(np.flatnonzero(mine == one.row)[0])
    wide = min(_AROUND, max(8, 2 * (reach.far - reach.place)))
    rows = mine[max(0, at - wide) : at + wide + 1]
    seen = _see(experiment, one)
    is_known = place[rows] <= one.cut
    without = np.full(rows.size, np.nan)
    if seen is not None:
        without = np.where(is_known & seen.present[rows], seen.values[rows, column], np.nan)
    return Evidence(
        one.probe,
        cut=int(experiment.moments[one.cut]),
        times=tuple(whole.known[rows].tolist()),
        with_future=tuple(whole.values[rows, column].tolist()),
        without=tuple(without.tolist()),
    )
