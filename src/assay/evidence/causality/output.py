"""What a computation returns, as numbers by key and moment, so that two results can be laid on each other."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import polars as pl
from numpy.typing import NDArray

from assay.domain.errors import BadInputError
from assay.evidence.causality import frames
from assay.evidence.causality.frames import FloatArray, IntArray
from assay.evidence.causality.subject import Subject
from assay.evidence.causality.table import Table, series_of, time_of, time_of_index

BoolArray = NDArray[np.bool_]
_KNOWN = ("known_at", "available_at")


@dataclass(frozen=True, slots=True, eq=False)
class Output:
    """A table of numbers; arrays have the shape (n_rows,).

    Attributes
    ----------
    columns : tuple of str
    values : float64 array, shape (n_rows, n_columns)
    time, series : int64 array
        The key of each row; equal ones are told apart by their order.
    known : int64 array
        From when on the row may be used, in microseconds.
    rows : int64 array, optional
        The row of the input that each row stands beside, where they do.
    """

    columns: tuple[str, ...]
    values: FloatArray
    time: IntArray
    series: IntArray
    known: IntArray
    rows: IntArray | None


def read_output(result: Any, given: Any, table: Table, kept: IntArray, subject: Subject) -> Output:  # noqa: ANN401, PLR0917
    """Read what a computation returned for the rows `kept` of a table, which it was `given`.

    Raises
    ------
    BadInputError
        If it is no table whose rows can be told apart.
    """
    frame = _framed(result, subject)
    names = frames.names_of(frame)
    is_same_index = frames.is_pandas(frame) and frame.index is getattr(given, "index", None)
    rows = kept if is_same_index and not table.time_name else _beside(frame, given, table, kept)
    if rows is None:
        time, series, time_name = _keyed(frame, table, subject)
    else:
        time, series, time_name = table.time[rows], table.series[rows], ""
    known_name = subject.known_at or next((name for name in _KNOWN if name in names), "")
    if known_name and known_name not in names:
        todo = f"its columns are {', '.join(names[:20])}"
        raise BadInputError("no such column in what was computed", value=known_name, todo=todo)
    if known_name:
        known = frames.microseconds_of(frames.column(frame, known_name))
    else:
        known = table.usable[rows] if rows is not None else _known(table, time, series)
    fixed = {known_name, time_name, table.time_name, *table.key, *_KNOWN, "open_time", "close_time"}
    chosen = [name for name in names if name not in fixed] or names
    matrix = np.empty((len(frame), len(chosen)))
    for number, name in enumerate(chosen):
        matrix[:, number] = frames.numbers_of(frames.column(frame, name))
    return Output(tuple(chosen), matrix, time, series, known, rows)


def _framed(result: Any, subject: Subject) -> Any:  # noqa: ANN401
    if isinstance(result, pl.LazyFrame):
        result = result.collect()
    if frames.is_polars(result) or frames.is_pandas(result):
        return result.to_frame() if isinstance(result, pl.Series) else _told_apart(result)
    array = np.asarray(result) if isinstance(result, np.ndarray | list | tuple) else None
    if array is None or array.ndim not in (1, 2) or array.dtype.kind not in "biuf":
        todo = "return a frame, a series, or an array of numbers with a row for each row of the input"
        raise BadInputError(f"{subject.name} returns no table", value=type(result).__name__, todo=todo)
    wide = array.reshape(len(array), -1).astype(np.float64)
    names = [subject.name] if array.ndim == 1 else [f"column_{number}" for number in range(wide.shape[1])]
    return pl.DataFrame({name: wide[:, number] for number, name in enumerate(names)})


def _told_apart(frame: Any) -> Any:  # noqa: ANN401
    """Return a frame of pandas with a number behind names that it has twice, so that each column is looked at."""
    names = frames.names_of(frame)
    if len(set(names)) == len(names):
        return frame
    taken: set[str] = set()
    for at, name in enumerate(names):
        number = 2
        while names[at] in taken:
            names[at], number = f"{name}_{number}", number + 1
        taken.add(names[at])
    return frame.set_axis(names, axis=1)


def _beside(frame: Any, given: Any, table: Table, kept: IntArray) -> IntArray | None:  # noqa: ANN401
    """Return the rows of the input that the rows stand beside; None if their own key has to be read."""
    if frames.is_pandas(frame):
        return _beside_index(frame, table, kept)
    name = table.time_name or frames.time_name(frame)
    if len(frame) != kept.size:
        return None
    if name not in frames.names_of(frame):
        return kept
    is_same = frames.is_polars(given) and all(
        frame[one].equals(given[one]) for one in (name, *table.key) if one in frame.columns and one in given.columns
    )
    return kept if is_same else None


def _beside_index(frame: Any, table: Table, kept: IntArray) -> IntArray | None:  # noqa: ANN401
    name = table.time_name
    if name and name in frames.names_of(frame):
        times = frames.microseconds_of(frames.column(frame, name))
        if len(table.names) == 1 and np.array_equal(times, table.time[kept]):
            return kept
        # Labels that were counted anew, as after dropna().reset_index(drop=True), say nothing of which rows these are.
        rows = _by_label(frame, kept)
        return rows if rows is not None and np.array_equal(times, table.time[rows]) else None
    found = time_of_index(frame)
    if found is not None:
        is_same = len(frame) == kept.size and np.array_equal(found, table.time[kept])
        return kept if is_same and (len(table.names) == 1 or frame.index.nlevels > 1) else None
    return _by_label(frame, kept)


def _by_label(frame: Any, kept: IntArray) -> IntArray | None:  # noqa: ANN401
    """Return the rows that the labels of an index count."""
    # groupby().rolling() puts the group before them.
    labels = np.asarray(frame.index.get_level_values(-1))
    is_twice = frame.index.nlevels > 1 and np.unique(labels).size < labels.size
    if is_twice or labels.dtype.kind not in "iu" or (labels.size and not 0 <= labels.min() <= labels.max() < kept.size):
        return kept if len(frame) == kept.size else None
    return np.asarray(kept[labels], dtype=np.int64)


def _keyed(frame: Any, table: Table, subject: Subject) -> tuple[IntArray, IntArray, str]:  # noqa: ANN401
    names = frames.names_of(frame)
    given = subject.time or table.time_name
    time, time_name, has_time = time_of(frame, given if given in names else "")
    if not has_time:
        todo = "return a row for each row given, or keep the column of their time"
        raise BadInputError(f"{subject.name} returns rows without a time", value=", ".join(names[:8]), todo=todo)
    series, labels = series_of(frame, table.key)
    numbers = {name: number for number, name in enumerate(table.names)}
    mapped = np.array([numbers.get(label, -1) for label in labels], dtype=np.int64)
    return time, mapped[series], time_name


def _known(table: Table, time: IntArray, series: IntArray) -> IntArray:
    """Return when the row of the input with the same key was usable; its own time where there is none."""
    order = np.lexsort((table.usable, table.time))
    ticks, last = table.time[order], table.usable[order]
    at = np.searchsorted(ticks, time, side="right") - 1
    found = (at >= 0) & (ticks[np.maximum(at, 0)] == time)
    known = np.where(found, last[np.maximum(at, 0)], time)
    for one in np.unique(series[series >= 0]) if len(table.names) > 1 else ():
        mine, theirs = np.flatnonzero(series == one), np.flatnonzero(table.series == one)
        theirs = theirs[np.argsort(table.time[theirs], kind="stable")]
        at = np.searchsorted(table.time[theirs], time[mine])
        at = np.minimum(at, theirs.size - 1)
        is_there = table.time[theirs][at] == time[mine]
        known[mine[is_there]] = table.usable[theirs][at[is_there]]
    return known


class Overlay:
    """One result as the measure, on whose rows others are laid.

    Parameters
    ----------
    whole : Output
        Computed on everything.
    tolerance : float
        As in :class:`Subject`.
    series : int
        How many series there are.
    """

    def __init__(self, whole: Output, tolerance: float, *, series: int) -> None:
        self.whole = whole
        self._series = series + 1
        self.tolerance = tolerance
        sizes = np.where(np.isfinite(whole.values), np.abs(whole.values), 0.0)
        counts = np.maximum((sizes > 0.0).sum(axis=0), 1)
        self.scale: FloatArray = sizes.sum(axis=0) / counts
        rows = whole.rows
        self._is_beside = rows is not None and np.array_equal(rows, np.arange(rows.size))
        self._ticks = np.unique(whole.time)
        self._keys = self._encode(whole)
        self._order = np.argsort(self._keys, kind="stable")
        self._rank = self._keys[self._order]

    def lay(self, other: Output) -> tuple[FloatArray, BoolArray, IntArray]:
        """Return another result in the rows and columns of the whole, which rows it has, and those of its own.

        Values are NaN where the other has no such row or column.
        """
        whole = self.whole
        # Rows that were counted anew may go beyond the whole.
        if self._is_beside and other.rows is not None and other.rows.max(initial=-1) < whole.time.size:
            at, own = other.rows, np.empty(0, dtype=np.int64)
            source: IntArray | slice = slice(None)
        else:
            keys = self._encode(other)
            place = np.searchsorted(self._rank, keys)
            is_there = (place < self._rank.size) & (keys >= 0)
            is_there[is_there] = self._rank[place[is_there]] == keys[is_there]
            at, source, own = self._order[place[is_there]], np.flatnonzero(is_there), np.flatnonzero(~is_there)
        present = np.zeros(whole.time.size, dtype=np.bool_)
        present[at] = True
        if other.columns == whole.columns and at.size == whole.time.size and not own.size and _is_rising(at):
            return other.values, present, own
        values = np.full(whole.values.shape, np.nan)
        for number, name in enumerate(whole.columns):
            if name in other.columns:
                values[at, number] = other.values[source, other.columns.index(name)]
        return values, present, own

    def differ(self, left: FloatArray, right: FloatArray, tolerance: float | None = None) -> BoolArray:
        """Return where two matrices with the columns of the whole differ."""
        allowed = self.tolerance if tolerance is None else tolerance
        with np.errstate(invalid="ignore", over="ignore"):
            is_same = (left == right) | (np.isnan(left) & np.isnan(right))
            if allowed > 0.0:
                size = np.maximum(np.maximum(np.abs(left), np.abs(right)), self.scale)
                is_same |= np.abs(left - right) <= allowed * size
        return np.asarray(~is_same, dtype=np.bool_)

    def _encode(self, one: Output) -> IntArray:
        """Return a number for each key; -1 for a time that the whole does not have."""
        at = np.searchsorted(self._ticks, one.time)
        is_known = at < self._ticks.size
        is_known[is_known] = self._ticks[at[is_known]] == one.time[is_known]
        keys = at * self._series + one.series + 1
        order = np.argsort(keys, kind="stable")
        sorted_keys = keys[order]
        starts = np.maximum.accumulate(np.where(np.diff(sorted_keys, prepend=-1) != 0, np.arange(keys.size), 0))
        occurrence = np.empty_like(keys)
        occurrence[order] = np.arange(keys.size) - starts
        return np.where(is_known, keys * 4096 + np.minimum(occurrence, 4095), -1)


def _is_rising(rows: IntArray) -> bool:
    return bool((np.diff(rows) > 0).all())
