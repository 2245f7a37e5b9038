"""How far ahead one value reads: which later moments change it, which columns of them, and how far back it looks."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from assay.evidence.causality.experiment import END, START, Experiment, Span, spread

_SINGLES = 6


@dataclass(frozen=True, slots=True)
class Reach:
    """What one leaking value reads of the future; moments are numbers of ``experiment.moments``.

    Attributes
    ----------
    row, column : int
        Of the whole.
    place : int
        The moment at which the row is known.
    near, far : int
        The first and the last later moment that the value depends on.
    singles : mapping of int to bool
        For some of the moments in between, whether the value changes when this one alone does.
    back : int
        The first moment of the past that the value depends on; `place` + 1 if on none.
    columns : tuple of str
        What is read of the future.
    by_value : bool
        False where it is not what later rows hold that matters, but that they are there.
    is_late : bool
        Whether what is read had happened before the row was known, and only came later.
    is_close : bool
        Whether `singles`, `back` and `columns` were measured.
    is_missing : bool
        Whether the row of the input lacks a value that is read of later rows, or is not there at all.
    """

    row: int
    column: int
    place: int
    near: int
    far: int
    singles: dict[int, bool]
    back: int
    columns: tuple[str, ...]
    by_value: bool
    is_late: bool
    is_missing: bool
    is_close: bool


def measure(experiment: Experiment, row: int, column: int, *, is_close: bool = True) -> Reach:
    """Find out what the value of `row` in `column` reads of later moments; how far back it looks if `is_close`."""
    place, last = int(experiment.place[row]), experiment.moments.size - 1
    feels = _feeler(experiment, row, column)
    by_value = feels(place, last, None)
    if by_value:
        far = _last_felt(place, last, lambda after: feels(after, last, None))
        near = _first_felt(place, far, lambda until: feels(place, until, None))
        middle = spread(range(near + 1, far), _SINGLES)
        singles = {at: feels(at - 1, at, None) for at in middle if is_close} | {near: True, far: True}
        names = experiment.columns_free() if is_close else ()
        columns = tuple(name for name in names if feels(place, last, (name,)))
    else:
        is_there = _presence(experiment, row, column)
        far = _first_felt(place, last, is_there)
        near, singles, columns = min(place + 1, last), {}, ()
    back = place + 1
    if by_value and is_close:
        back = _first_past(place, lambda until: feels(-1, until, None))
        back = place if back > place and feels(place - 1, place, None) else back
    is_late = experiment.has_late and (
        _is_late(experiment, row, column) if by_value else _came_late(experiment, row, column)
    )
    is_missing = _is_missing(experiment, row, columns)
    return Reach(row, column, place, near, far, singles, back, columns, by_value, is_late, is_missing, is_close)


def bars_ahead(experiment: Experiment, row: int, moment: int) -> int:
    """Return how many bars of the row's series (of the frame, where it has none) come until a moment, from its own."""
    start, end = int(experiment.whole.known[row]), int(experiment.moments[moment])
    return bars_between(experiment, row, start, end) or moment - int(experiment.place[row])


def bars_between(experiment: Experiment, row: int, start: int, end: int) -> int:
    """Return how many bars of the row's series came in ``(start, end]``, microseconds."""
    table, series = experiment.table, experiment.whole.series[row]
    mine = table.known[table.series == series]
    known = np.unique(mine if mine.size else table.known)
    return int(((known > start) & (known <= end)).sum())


def _feeler(experiment: Experiment, row: int, column: int) -> Callable[[int, int, tuple[str, ...] | None], bool]:
    """Return a function that says whether the value differs when the moments ``(after, until]`` hold other values."""
    asked: dict[tuple[int, int, tuple[str, ...] | None], bool] = {}
    at = np.array([row])
    directions = [True, False]

    def feels(after: int, until: int, columns: tuple[str, ...] | None) -> bool:
        if until <= after:
            return False
        key = after, until, columns
        if key not in asked:
            moments = experiment.moments
            start = START if after < 0 else int(moments[after])
            end = END if until >= moments.size - 1 else int(moments[until])
            asked[key] = False
            for up in directions:
                seen = experiment.remembered(Span(start, end, up=up, columns=columns))
                if seen is None:
                    continue
                is_gone = not seen.present[row]
                if is_gone or (column >= 0 and experiment.differ(seen, at)[0, column]):
                    asked[key] = True
                    # What has worked once is tried first.
                    directions.sort(key=lambda one, found=up: one is not found)  # type: ignore[misc]
                    break
        return asked[key]

    return feels


def _presence(experiment: Experiment, row: int, column: int) -> Callable[[int], bool]:
    """Return a function that says whether the value is what it is in the end once the data goes to a moment."""
    at = np.array([row])

    def is_there(until: int) -> bool:
        seen = experiment.until(int(experiment.moments[until]))
        if seen is None or not seen.present[row]:
            return False
        return column < 0 or not experiment.differ(seen, at)[0, column]

    return is_there


def _last_felt(place: int, last: int, feels_after: Callable[[int], bool]) -> int:
    """Return the last moment that matters: changes after it do nothing, and one of those from it on does something."""
    if feels_after(last - 1):
        return last
    # The value feels changes after `low` and none after `high`.
    low, high, step = place, last - 1, 1
    while low + step < high and feels_after(low + step):
        low, step = low + step, step * 2
    high = min(high, low + step)
    while high - low > 1:
        middle = (low + high) // 2
        low, high = (middle, high) if feels_after(middle) else (low, middle)
    return high


def _first_felt(place: int, last: int, feels_until: Callable[[int], bool]) -> int:
    """Return the first moment after `place` up to which there has to be something for the value to feel it."""
    low, step = place, 1
    high = min(place + 1, last)
    while high < last and not feels_until(high):
        low, step = high, step * 2
        high = min(last, high + step)
    while high - low > 1:
        middle = (low + high) // 2
        low, high = (low, middle) if feels_until(middle) else (middle, high)
    return high


def _first_past(place: int, feels_until: Callable[[int], bool]) -> int:
    """Return the first moment before `place` that the value feels; the one after it if it feels none."""
    if place < 1 or not feels_until(place - 1):
        return place + 1
    if feels_until(0):
        return 0
    low, high, step = 0, place - 1, 1
    # It feels changes up to `high`, and none up to `low`.
    while high - step > low and feels_until(high - step):
        high, step = high - step, step * 2
    low = max(low, high - step)
    while high - low > 1:
        middle = (low + high) // 2
        low, high = (low, middle) if feels_until(middle) else (middle, high)
    return high


def _is_late(experiment: Experiment, row: int, column: int) -> bool:
    """Whether the value changes with rows that had happened when it was known and came later, and with no others."""
    then, at = int(experiment.whole.known[row]), np.array([row])

    def feels(happened: tuple[int, int]) -> bool:
        for up in (True, False):
            seen = experiment.remembered(Span(then, up=up, happened=happened))
            if seen is not None and (not seen.present[row] or (column >= 0 and experiment.differ(seen, at)[0, column])):
                return True
        return False

    return feels((START, then)) and not feels((then, END))


def _came_late(experiment: Experiment, row: int, column: int) -> bool:
    """Whether the value is what it is in the end once there is what had happened, come or not."""
    seen = experiment.until(int(experiment.whole.known[row]), by_event=True)
    return seen is not None and bool(seen.present[row]) and not experiment.differ(seen, np.array([row]))[0, column]


def _is_missing(experiment: Experiment, row: int, columns: tuple[str, ...]) -> bool:
    table, whole = experiment.table, experiment.whole
    mine = np.flatnonzero(
        (table.time == whole.time[row]) & ((table.series == whole.series[row]) | (len(table.names) == 1))
    )
    if not mine.size:
        return whole.series[row] >= 0 or len(table.names) == 1
    names = [name for name in columns or table.free if name in table.free]
    return any(bool(np.isnan(table.numbers(name)[mine]).all()) for name in names)
