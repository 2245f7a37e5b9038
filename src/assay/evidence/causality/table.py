"""The data that a computation is given: whose rows they are, and when each of them was there.

>>> import polars as pl
>>> hours = pl.datetime_range(pl.datetime(2026, 1, 1), pl.datetime(2026, 1, 1, 2), "1h", eager=True)
>>> table = Table.of(pl.DataFrame({"open_time": hours, "close": [1.0, 2.0, 3.0]}))
>>> (table.known - table.time).tolist()
[3600000000, 3600000000, 3600000000]
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import polars as pl

from assay.domain.errors import BadInputError
from assay.evidence.causality import frames
from assay.evidence.causality.frames import FloatArray, IntArray

SERIES = ("venue", "market", "symbol", "interval")
_AVAILABLE, _CLOSES, _OPENS = "available_at", "close_time", "open_time"


@dataclass(frozen=True, slots=True, eq=False)
class Table:
    """A frame with the key and the moment of each row; arrays have the shape (n_rows,).

    Attributes
    ----------
    frame : DataFrame
        Of Polars or pandas.
    time_name : str
        Column of the time; empty where it is the index or there is none.
    key : tuple of str
        Columns that tell series apart.
    time : int64 array
        Microseconds, or the number of the row where nothing tells the time.
    has_time : bool
        Whether something does.
    series : int64 array
        Which of `names` the row belongs to.
    names : tuple of str
    event : int64 array
        When what the row tells had happened: the close of a bar, in microseconds.
    known : int64 array
        When the row came, in microseconds.
    usable : int64 array
        When it and all rows before it in its series had come for the first time.
    """

    frame: Any
    time_name: str
    key: tuple[str, ...]
    time: IntArray
    has_time: bool
    series: IntArray
    names: tuple[str, ...]
    event: IntArray
    known: IntArray
    usable: IntArray

    def __len__(self) -> int:
        return int(self.time.size)

    @classmethod
    def of(cls, frame: Any, *, key: Sequence[str] = (), time: str = "") -> Table:  # noqa: ANN401  # either library
        """Read a frame.

        Raises
        ------
        BadInputError
            If it is none, has no row, or lacks a column that was named.
        """
        if not (frames.is_polars(frame) or frames.is_pandas(frame)):
            todo = "give a frame of Polars or pandas"
            raise BadInputError("no frame to audit on", value=type(frame).__name__, todo=todo)
        if len(frame) == 0:
            raise BadInputError("a frame without rows", todo="give bars to audit on")
        names = frames.names_of(frame)
        missing = [name for name in (*key, time) if name and name not in names]
        if missing:
            todo = f"its columns are {', '.join(names[:20])}"
            raise BadInputError("no such column in the frame", value=missing[0], todo=todo)
        keys = tuple(key) or tuple(name for name in SERIES if name in names)
        series, labels = series_of(frame, keys)
        moments, time_name, has_time = time_of(frame, time)
        event = _event(frame, moments, series, time_name=time_name)
        known = frames.microseconds_of(frames.column(frame, _AVAILABLE)) if _AVAILABLE in names else event
        usable = _usable(moments, series, known)
        return cls(frame, time_name, keys, moments, has_time, series, labels, event, known, usable)

    def numbers(self, name: str) -> FloatArray:
        """Return a column of the frame as numbers."""
        return frames.numbers_of(frames.column(self.frame, name))

    @property
    def free(self) -> list[str]:
        """Columns that are neither keys nor times: those whose values may be changed."""
        fixed = {self.time_name, *self.key, _AVAILABLE, _CLOSES, _OPENS}
        names = [name for name in frames.names_of(self.frame) if name not in fixed]
        return [name for name in names if not frames.is_moments(frames.column(self.frame, name))]


def series_of(frame: Any, key: Sequence[str]) -> tuple[IntArray, tuple[str, ...]]:  # noqa: ANN401
    """Return the number of each row's series, and their names."""
    there = [name for name in key if name in frames.names_of(frame)]
    columns = [frames.texts_of(frames.column(frame, name)) for name in there]
    if not columns:
        level = _index_texts(frame)
        columns = [level] if level else []
    if not columns:
        return np.zeros(len(frame), dtype=np.int64), ("",)
    joined = pl.Series(columns[0] if len(columns) == 1 else [":".join(parts) for parts in zip(*columns, strict=True)])
    names = joined.unique().sort().to_list()
    numbers = joined.replace_strict(names, list(range(len(names))), return_dtype=pl.Int64)
    return np.asarray(numbers.to_numpy(), dtype=np.int64), tuple(names)


def time_of(frame: Any, name: str = "") -> tuple[IntArray, str, bool]:  # noqa: ANN401
    """Return the times of the rows, the column they are from, and whether there are any."""
    of_index = None if name else time_of_index(frame)
    if of_index is not None:
        return of_index, "", True
    name = name or frames.time_name(frame)
    if name:
        return frames.microseconds_of(frames.column(frame, name)), name, True
    return np.arange(len(frame), dtype=np.int64), "", False


def time_of_index(frame: Any) -> IntArray | None:  # noqa: ANN401
    """Return the times that the index of a frame of pandas holds; None if it holds none."""
    index = getattr(frame, "index", None)
    for number in range(getattr(index, "nlevels", 0)):
        level = index if index.nlevels == 1 else index.get_level_values(number)  # type: ignore[union-attr]
        if frames.is_moments(level):
            return frames.microseconds_of(level)
    return None


def _index_texts(frame: Any) -> list[str]:  # noqa: ANN401
    """Return the level of an index that holds names, as that of symbol and time does."""
    index = getattr(frame, "index", None)
    levels = range(getattr(index, "nlevels", 1))
    if index is None or len(levels) < 2:
        return []
    named = [index.get_level_values(number) for number in levels]
    texts = [level for level in named if not frames.is_moments(level)]
    return [str(one) for one in texts[0]] if texts else []


def _event(frame: Any, time: IntArray, series: IntArray, *, time_name: str) -> IntArray:  # noqa: ANN401
    if _CLOSES in frames.names_of(frame):
        return frames.microseconds_of(frames.column(frame, _CLOSES))
    event = time.copy()
    if time_name == _OPENS or (not time_name and _OPENS in getattr(getattr(frame, "index", None), "names", ())):
        for one in np.unique(series):
            # The length of a bar is the step that is most frequent: holes are longer, and nothing is shorter.
            event[series == one] += _usual(np.diff(np.unique(time[series == one])))
    return event


def _usual(steps: IntArray) -> int:
    if not steps.size:
        return 0
    values, counts = np.unique(steps, return_counts=True)
    return int(values[counts.argmax()])


def _usable(time: IntArray, series: IntArray, known: IntArray) -> IntArray:
    """Return when each row and those before it had come; of several revisions of a row the first counts."""
    order = np.lexsort((known, time, series))
    usable = np.empty_like(known)
    starts = np.flatnonzero(np.diff(series[order], prepend=-1))
    for first, last in zip(starts, [*starts[1:], order.size], strict=True):
        rows = order[first:last]
        is_first = np.diff(time[rows], prepend=time[rows[0]] - 1) > 0
        group = np.cumsum(is_first) - 1
        usable[rows] = np.maximum.accumulate(known[rows][is_first])[group]
    return usable
