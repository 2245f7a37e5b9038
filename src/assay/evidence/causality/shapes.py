"""From where the future was seen to how it got in: the shape of the evidence names the kind of leak.

A constant distance is a shift; as far ahead as back is a centred window; always to the last row is a statistic over
everything; always to the end of the same day or of the same longer bar says so; only where a value is missing is a
fill.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np

from assay.evidence.causality.experiment import Experiment
from assay.evidence.causality.findings import Leak
from assay.evidence.causality.frames import IntArray
from assay.evidence.causality.reach import Reach, bars_ahead
from assay.evidence.causality.words import bars, listed

_MINUTE = 60_000_000
_DAY = 1440 * _MINUTE
_PERIODS = {
    5 * _MINUTE: "5 minutes", 15 * _MINUTE: "15 minutes", 30 * _MINUTE: "30 minutes", 60 * _MINUTE: "hour",
    120 * _MINUTE: "2 hours", 180 * _MINUTE: "3 hours", 240 * _MINUTE: "4 hours", 360 * _MINUTE: "6 hours",
    480 * _MINUTE: "8 hours", 720 * _MINUTE: "12 hours", _DAY: "day", 7 * _DAY: "week",
}  # fmt: skip
_FAR = 50
_MONDAY = 4 * _DAY
"""A Monday, some days after the epoch: weeks begin on it."""


@dataclass(frozen=True, slots=True)
class Shape:
    """What kind of leak it is, and the cause in words."""

    kind: Leak
    cause: str


def name_shape(experiment: Experiment, reaches: Sequence[Reach], extents: Sequence[tuple[int, int]]) -> Shape:
    """Return the kind of leak that some measured values of one column show.

    Parameters
    ----------
    extents : sequence of (int, int)
        The first and the last moment whose rows leaked, for each cut that showed the column to leak.
    """
    ahead = [bars_ahead(experiment, one.row, one.far) for one in reaches]
    nearest = [bars_ahead(experiment, one.row, one.near) for one in reaches]
    for judge in (_late, _one_row, _missing, _to_the_end):
        found = judge(experiment, reaches, (nearest, ahead))
        if found:
            return found
    steady = _constant(experiment, reaches, (nearest, ahead))
    if steady and len(set(ahead)) == 1:
        return steady
    # Most rows of a longer bar may by chance be as far from its end: a distance that is not always the same is weaker.
    found = _to_a_boundary(experiment, reaches, extents) or steady or _nearly_to_the_end(experiment, reaches, ahead)
    if found:
        return found
    if all(a == b for a, b in zip(nearest, ahead, strict=True)):
        cause = f"the value of one later row is read, {bars(min(ahead))} to {bars(max(ahead))} ahead"
        return Shape(Leak.FUTURE_VALUE, cause)
    reason = "changes with" if any(one.by_value for one in reaches) else "depends on whether there are"
    return Shape(Leak.UNEXPLAINED, f"the value {reason} rows up to {bars(max(ahead))} ahead, in no usual pattern")


_Judge = Callable[[Experiment, Sequence[Reach], tuple[list[int], list[int]]], Shape | None]


def _late(experiment: Experiment, reaches: Sequence[Reach], _: tuple[list[int], list[int]]) -> Shape | None:
    late = [one for one in reaches if one.is_late]
    if 2 * len(late) < len(reaches):
        return None
    one = late[0]
    delay = (int(experiment.moments[one.far]) - int(experiment.moments[one.place])) / _MINUTE
    cause = (
        f"a row that had happened but was not there yet is used: it came {delay:,.0f} minutes after the row was known"
    )
    return Shape(Leak.EVENT_TIME_JOIN, cause)


def _one_row(experiment: Experiment, reaches: Sequence[Reach], found: tuple[list[int], list[int]]) -> Shape | None:
    """One row near the end that is read wherever one looks from."""
    far = {one.far for one in reaches}
    last = experiment.moments.size - 1
    is_one = len(far) == 1 and all(one.near == one.far for one in reaches) and any(one.by_value for one in reaches)
    if not is_one or len({one.place for one in reaches}) < 2 or max(found[1]) < _FAR or last - min(far) > last // 20:
        return None
    return Shape(Leak.LAST_ROW_DEFAULT, "the last row of the table that has a value is read")


def _missing(experiment: Experiment, reaches: Sequence[Reach], found: tuple[list[int], list[int]]) -> Shape | None:
    if not all(one.is_missing for one in reaches) or not any(one.by_value for one in reaches):
        return None
    if all(one.far >= experiment.moments.size - 1 for one in reaches) and len(reaches) > 1:
        return None
    return Shape(Leak.FILL, f"where a value is missing, one up to {bars(max(found[1]))} later is put in its place")


def _to_the_end(experiment: Experiment, reaches: Sequence[Reach], found: tuple[list[int], list[int]]) -> Shape | None:
    ends = [one for one in reaches if one.far >= _last_moment(experiment, one)]
    if 2 * len(ends) <= len(reaches) or (len(ends) == 1 and max(found[1]) < _FAR):
        return None
    if not any(one.by_value for one in ends):
        cause = "the value depends on how many rows there are in all, or on which row is the last"
        return Shape(Leak.FULL_SAMPLE_STATISTIC, cause)
    return Shape(Leak.FULL_SAMPLE_STATISTIC, "every later row counts, to the end: something is taken over all the data")


def _nearly_to_the_end(experiment: Experiment, reaches: Sequence[Reach], ahead: list[int]) -> Shape | None:
    """Judge the last rows of an hour of the day, or those that move a quantile enough: a little before the end."""
    last = [_last_moment(experiment, one) for one in reaches]
    near = [
        4 * (end - one.far) <= end - one.place or (not one.by_value and one.far - one.place > _FAR)
        for end, one in zip(last, reaches, strict=True)
    ]
    if 2 * sum(near) <= len(near) or max(ahead) <= _FAR:
        return None
    cause = "rows nearly to the end of the data count: something is taken over all of it, or all of a group"
    return Shape(Leak.FULL_SAMPLE_STATISTIC, cause)


def _last_moment(experiment: Experiment, one: Reach) -> int:
    """Return the number of the moment at which the last row of the value's series came."""
    table, series = experiment.table, experiment.whole.series[one.row]
    mine = table.known[table.series == series]
    end = int(mine.max()) if mine.size else int(table.known.max())
    return int(np.searchsorted(experiment.moments, end))


def _constant(_: Experiment, reaches: Sequence[Reach], found: tuple[list[int], list[int]]) -> Shape | None:
    nearest, ahead = found
    usual = max(set(ahead), key=ahead.count)
    steady = [at for at, one in enumerate(ahead) if one == usual]
    if len(steady) < max(1, (3 * len(ahead) + 3) // 4):
        return None
    near = nearest[steady[0]]
    if near == usual:
        return Shape(Leak.FUTURE_VALUE, f"the value of {bars(usual)} later is read, as shift(-{usual}) does")
    close = [reaches[at] for at in steady if reaches[at].is_close]
    backs = [one.place - one.back for one in close]
    wide = [one.far - one.place for one in close]
    if close and all(abs(back - far) <= 1 for back, far in zip(backs, wide, strict=True)):
        cause = f"a window of {bars(2 * usual + 1)} is centred on the row: it reads {bars(usual)} ahead"
        return Shape(Leak.CENTRED_WINDOW, cause)
    return Shape(Leak.FUTURE_VALUE, f"a window over the next {bars(usual)} is read")


def _to_a_boundary(
    experiment: Experiment, reaches: Sequence[Reach], extents: Sequence[tuple[int, int]]
) -> Shape | None:
    if not experiment.table.has_time or len(reaches) < 2:
        return None
    times = [(_time_at(experiment, first), _time_at(experiment, last)) for first, last in extents]
    for period, name in _PERIODS.items():
        for is_right in (False, True):
            fits = [_ends_with(experiment, one, period, is_right=is_right) for one in reaches]
            within = [_bucket(first - is_right, period) == _bucket(last - is_right, period) for first, last in times]
            is_all = 10 * sum(within) >= 9 * len(within)
            if sum(fits) >= max(2, (4 * len(fits) + 4) // 5) and is_all:
                return _boundary(experiment, reaches, period, name)
    return None


def _boundary(experiment: Experiment, reaches: Sequence[Reach], period: int, name: str) -> Shape:
    close = [one for one in reaches if one.is_close]
    inner = [felt for one in close for at, felt in one.singles.items() if one.near < at < one.far]
    starts = [_bucket(_time_at(experiment, one.back), period) for one in close if one.back <= one.place]
    own = [_bucket(_time_at(experiment, one.place), period) for one in close if one.back <= one.place]
    within = sum(a == b for a, b in zip(starts, own, strict=True))
    is_total = bool(inner) and sum(inner) * 2 > len(inner) and within * 2 > len(own)
    if period >= _DAY and is_total:
        return Shape(Leak.SESSION_TOTAL, f"a total over the whole {name} is read before the {name} is over")
    cause = f"what is known at the end of the {name} is read from its beginning on: a longer bar, by its open time"
    return Shape(Leak.HIGHER_INTERVAL_BY_OPEN_TIME, cause)


def _ends_with(experiment: Experiment, one: Reach, period: int, *, is_right: bool) -> bool:
    """Whether the last moment that is read is the last of the period that the row is in."""
    if one.far + 1 >= experiment.moments.size:
        return False
    own, far, after = (_time_at(experiment, at) for at in (one.place, one.far, one.far + 1))
    if is_right:  # a bar that opens at the end of the period still counts
        own, far, after = own - 1, far - 1, after - 1
    return _bucket(own, period) == _bucket(far, period) != _bucket(after, period)


def _time_at(experiment: Experiment, moment: int) -> int:
    """Return when that began which became known at a moment: the open time of a bar."""
    table = experiment.table
    known = int(experiment.moments[min(moment, experiment.moments.size - 1)])
    rows = np.flatnonzero(table.known == known)
    return int(table.time[rows].max()) if rows.size else known


def _bucket(time: int, period: int) -> int:
    return (time - _MONDAY) // period


def where_only(experiment: Experiment, leaking: IntArray, at_risk: IntArray) -> str:
    """Return in words where alone a column leaks, if it does not everywhere.

    Parameters
    ----------
    leaking, at_risk : int64 array
        Rows that leaked, and those that would have been seen to.
    """
    table, whole = experiment.table, experiment.whole
    calm = np.setdiff1d(at_risk, leaking)
    if not leaking.size or calm.size < max(3, at_risk.size // 50):
        return ""
    said = []
    series = np.unique(whole.series[leaking])
    if series.size < np.unique(whole.series[at_risk]).size and series.min() >= 0:
        said.append(f"for {listed([table.names[one] for one in series.tolist()])}")
    weekdays = np.unique(_weekdays(whole.time[leaking])) if table.has_time else series
    if (
        table.has_time
        and weekdays.size == 1
        and leaking.size > 1
        and np.unique(_weekdays(whole.time[at_risk])).size > 3
    ):
        said.append(f"on {_DAYS[int(weekdays[0])]}s")
    before = _before_a_hole(experiment)
    if before[leaking].all() and not before[calm].all():
        said.append("right before a hole")
    if not said and leaking.size <= 3:
        said.append(f"in {leaking.size} of {at_risk.size:,} rows looked at")
    return f"; only {', '.join(said)}" if said else ""


_DAYS = ("Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday")


def _weekdays(time: IntArray) -> IntArray:
    return np.asarray((time // _DAY + 3) % 7, dtype=np.int64)


def _before_a_hole(experiment: Experiment) -> np.ndarray[tuple[int], np.dtype[np.bool_]]:
    """Return for each row of the whole whether the next row of its series comes later than usual."""
    whole = experiment.whole
    found = np.zeros(whole.time.size, dtype=np.bool_)
    for one in np.unique(whole.series):
        rows = np.flatnonzero(whole.series == one)
        rows = rows[np.argsort(whole.time[rows], kind="stable")]
        steps = np.diff(whole.time[rows])
        if steps.size:
            found[rows[:-1]] = steps > np.median(steps)
    return found
