"""Frames of either library as arrays: which columns there are, their times, their numbers, and rows taken out.

Polars and pandas frames stay what they are: a function that takes the one never sees the other.

>>> import polars as pl
>>> frame = pl.DataFrame({"symbol": ["A", "B"], "close": [1.0, None]})
>>> numbers_of(column(frame, "close")).tolist(), take(frame, np.array([1])).rows()
([1.0, nan], [('B', None)])
"""

from __future__ import annotations

from typing import Any

import numpy as np
import polars as pl
from numpy.typing import NDArray

from assay.domain.errors import BadInputError

FloatArray = NDArray[np.float64]
IntArray = NDArray[np.int64]
_TIME_NAMES = ("open_time", "time", "timestamp", "datetime", "date", "event_time", "close_time")
_HASH_BITS = np.uint64(12)
"""A hash without its last bits is exact as a float."""


def is_polars(one: object) -> bool:
    """Whether it is a frame or a series of Polars."""
    return isinstance(one, pl.DataFrame | pl.Series)


def is_pandas(one: object) -> bool:
    """Whether it is a frame or a series of pandas, which is not imported for the question."""
    return type(one).__module__.partition(".")[0] == "pandas" and type(one).__name__ in {"DataFrame", "Series"}


def is_series(one: object) -> bool:
    """Whether it is a single column."""
    return type(one).__name__ == "Series"


def names_of(frame: Any) -> list[str]:  # noqa: ANN401  # of either library
    """Return the names of the columns; a series has one."""
    if is_series(frame):
        return [str(frame.name or "value")]
    return list(frame.columns) if is_polars(frame) else [str(name) for name in frame.columns.tolist()]


def column(frame: Any, name: str) -> Any:  # noqa: ANN401  # of either library
    """Return one column by its name."""
    if is_series(frame):
        return frame
    if is_polars(frame):
        return frame[name]
    found = frame[name] if name in frame.columns else None
    return found if is_series(found) else frame.iloc[:, names_of(frame).index(name)]


def without(frame: Any, name: str) -> Any:  # noqa: ANN401  # of either library
    """Return a frame without a column, if it has it."""
    has_it = (is_polars(frame) or is_pandas(frame)) and not is_series(frame) and name in names_of(frame)
    if not has_it:
        return frame
    return frame.drop(name) if is_polars(frame) else frame.drop(columns=name)


def take(frame: Any, rows: IntArray) -> Any:  # noqa: ANN401  # of either library
    """Return some rows, in rising order, as a frame of its own that a function may write into."""
    count = rows.size
    is_head = count == 0 or (rows[0] == 0 and rows[-1] == count - 1)
    if is_polars(frame):
        return frame[:count] if is_head else frame[rows]
    part = frame.iloc[:count].copy() if is_head else frame.iloc[rows].copy()
    # Rows that were only counted are counted anew, as they would be had the others never been there.
    return part.reset_index(drop=True) if type(frame.index).__name__ == "RangeIndex" and not is_head else part


def time_name(frame: Any) -> str:  # noqa: ANN401  # of either library
    """Return the name of the column of times; empty if there is none."""
    names = names_of(frame)
    known = [name for name in _TIME_NAMES if name in names]
    return known[0] if known else next((name for name in names if is_moments(column(frame, name))), "")


def is_moments(values: Any) -> bool:  # noqa: ANN401  # of either library
    """Whether a column or an index holds moments."""
    kind = getattr(values, "dtype", None)
    if isinstance(values, pl.Series):
        return kind in (pl.Datetime, pl.Date)
    return getattr(kind, "kind", "") == "M"


def microseconds_of(values: Any) -> IntArray:  # noqa: ANN401  # of either library
    """Return moments as microseconds since the epoch, and whole numbers as they are; none becomes the latest of all."""
    missing = np.iinfo(np.int64).max
    if isinstance(values, pl.Series):
        is_exact = isinstance(values.dtype, pl.Datetime) and values.dtype.time_unit == "us"
        if values.dtype.is_temporal():
            physical = (values if is_exact else values.cast(pl.Datetime("us"))).to_physical()
        elif values.dtype.is_numeric() or not len(values):
            physical = values.cast(pl.Int64)
        else:
            raise _no_times(values.name, values.dtype)
        return np.asarray((physical.fill_null(missing) if values.null_count() else physical).to_numpy(), dtype=np.int64)
    if is_moments(values):
        index = getattr(values, "dt", values)  # of a column, or an index by itself
        if index is not values:
            import pandas  # noqa: PLC0415  # only for those who use it

            index = pandas.DatetimeIndex(values)
        found = np.array(index.as_unit("us").asi8, dtype=np.int64)
        found[found == np.iinfo(np.int64).min] = missing
        return found
    array = np.asarray(values)
    if array.dtype.kind in "M":
        return array.astype("datetime64[us]").astype(np.int64)
    if array.dtype.kind not in "biuf" and array.size:
        raise _no_times(getattr(values, "name", ""), getattr(values, "dtype", array.dtype))
    return array.astype(np.int64)


def _no_times(name: object, kind: object) -> BadInputError:
    todo = "give moments, or microseconds as whole numbers"
    return BadInputError("a column of times that holds none", value=f"{name}: {kind}" if name else str(kind), todo=todo)


def numbers_of(values: Any) -> FloatArray:  # noqa: ANN401  # of either library, or an array
    """Return a column as float64: none is NaN, a moment its microseconds, a text a number of its own."""
    if isinstance(values, pl.Series):
        return _of_polars(values)
    if is_pandas(values):
        return _of_pandas(values)
    array = np.asarray(values)
    if array.dtype.kind in "OUS":
        return _of_polars(pl.Series(array.astype(str)))
    return array.astype(np.float64)


def texts_of(values: Any) -> list[str]:  # noqa: ANN401  # of either library
    """Return a column of names as texts."""
    return [str(one) for one in (values.to_list() if is_polars(values) else values.tolist())]


def _of_polars(values: pl.Series) -> FloatArray:
    kind = values.dtype
    if kind.is_numeric() or kind == pl.Boolean:
        return np.asarray((values if kind == pl.Float64 else values.cast(pl.Float64)).to_numpy(), dtype=np.float64)
    if kind in (pl.Datetime, pl.Date):
        found = microseconds_of(values).astype(np.float64)
        return np.where(values.is_null().to_numpy(), np.nan, found)
    if kind.is_temporal():
        return np.asarray(values.to_physical().cast(pl.Float64).to_numpy(), dtype=np.float64)
    if kind.is_nested() or kind in (pl.Binary, pl.Object):
        # Lists and the like have no text of their own.
        texts = [None if one is None else repr(one) for one in values.to_list()]
        values = pl.Series(values.name, texts, dtype=pl.String)
    hashed = (values.cast(pl.String).hash(0).to_numpy() >> _HASH_BITS).astype(np.float64)
    return np.where(values.is_null().to_numpy(), np.nan, hashed)


def _of_pandas(values: Any) -> FloatArray:  # noqa: ANN401
    kind = values.dtype
    if str(kind).startswith("datetime64"):
        found = microseconds_of(values).astype(np.float64)
        return np.where(values.isna().to_numpy(), np.nan, found)
    if getattr(kind, "kind", "O") in "biuf":
        return np.asarray(values.to_numpy(dtype=np.float64, na_value=np.nan), dtype=np.float64)
    if getattr(kind, "kind", "O") == "m":
        return np.asarray(values.dt.total_seconds().to_numpy(), dtype=np.float64)
    missing = values.isna().to_numpy()
    try:  # numbers in a column of objects
        return np.asarray(values.to_numpy(dtype=np.float64, na_value=np.nan), dtype=np.float64)
    except (TypeError, ValueError):
        hashed = _of_polars(pl.Series([None if gone else str(one) for gone, one in zip(missing, values, strict=True)]))
        return np.where(missing, np.nan, hashed)
