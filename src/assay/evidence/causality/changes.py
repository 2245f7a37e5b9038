"""The same data with other values: plausible ones, upwards or downwards, so that whoever reads them notices.

Prices stay prices: positive, with the highest on top. Open and close move apart, so that a computation that looks only
at their ratio notices as well.
"""

from __future__ import annotations

from collections.abc import Collection
from typing import Any

import numpy as np
import polars as pl
from numpy.typing import NDArray

from assay.evidence.causality import frames
from assay.evidence.causality.frames import FloatArray
from assay.evidence.causality.table import Table

_PRICES = ("open", "high", "low", "close")
_SCARCE = 1e-300


class Changes:
    """Other values for each free column of a table, in two directions.

    Parameters
    ----------
    table : Table
    rng : numpy.random.Generator
        Draws how far each value moves, once for all.
    """

    def __init__(self, table: Table, rng: np.random.Generator) -> None:
        self._table = table
        self.columns = tuple(table.free)
        self._others: dict[bool, dict[str, Any]] = {up: {} for up in (False, True)}
        size = {up: self._candle(rng, up=up) for up in (False, True)}
        for name in self.columns:
            for up in (False, True):
                found = size[up].get(name)
                column = frames.column(table.frame, name)
                other = _other(column, rng, up=up) if found is None else found
                self._others[up][name] = _like(column, other)
        self._floats = {up: self._matrices(up=up) for up in (False, True)}

    def _matrices(self, *, up: bool) -> Any:  # noqa: ANN401
        """Return a frame of pandas and its other values as matrices, if all its columns are float64."""
        frame, others = self._table.frame, self._others[up]
        if not frames.is_pandas(frame) or frames.is_series(frame) or not (frame.dtypes == np.float64).all():
            return None
        names = frames.names_of(frame)
        columns = [others[name] if name in others else frame[name] for name in names]
        return frame.to_numpy(), np.column_stack([one.to_numpy() for one in columns]) if names else frame.to_numpy()

    def frame(self, rows: NDArray[np.bool_], *, up: bool, columns: Collection[str] | None = None) -> Any:  # noqa: ANN401
        """Return the frame with the values of `rows` changed, of all columns or of some."""
        chosen = [name for name in self.columns if columns is None or name in columns]
        frame, others = self._table.frame, self._others[up]
        if frames.is_polars(frame):
            mask = pl.Series(rows)
            return frame.with_columns(others[name].zip_with(mask, frame[name]) for name in chosen)
        if frames.is_series(frame):
            return frame.where(~rows, others[chosen[0]]) if chosen else frame.copy()
        if self._floats[up] is not None:
            # All columns are numbers: one matrix is much faster than column after column.
            mask = rows[:, None] & np.array([name in chosen for name in frames.names_of(frame)])
            there, others_ = self._floats[up]
            return frame.__class__(np.where(mask, others_, there), index=frame.index, columns=frame.columns)
        made = frame.copy()
        for label in frame.columns:
            if str(label) in chosen:
                made[label] = _where(rows, others[str(label)], frame[label])
        return made

    def _candle(self, rng: np.random.Generator, *, up: bool) -> dict[str, FloatArray]:
        """Return prices of changed bars, where the table has bars."""
        named = {name.lower(): name for name in self.columns}
        if not all(name in named for name in _PRICES):
            return {}
        open_, high, low, close = (self._table.numbers(named[name]) for name in _PRICES)
        count = len(self._table)
        factor = 1.5 + rng.random(count)
        new_close = close * (factor if up else 1.0 / factor)
        # Against the close, so that the body changes its direction as often as its size.
        new_open = open_ * np.exp(rng.uniform(-0.4, 0.4, count))
        top = np.maximum(np.maximum(new_open, new_close), high * (factor if up else 1.0 / factor))
        bottom = np.minimum(np.minimum(new_open, new_close), low * (factor if up else 1.0 / factor))
        prices = (new_open, top * (1.0 + rng.random(count) / 10), bottom * (1.0 - rng.random(count) / 10), new_close)
        return {named[name]: values for name, values in zip(_PRICES, prices, strict=True)}


def _other(column: Any, rng: np.random.Generator, *, up: bool) -> Any:  # noqa: ANN401  # of either library
    """Return other values of one column: numbers as an array, all else as a list."""
    dtype = column.dtype
    is_flag = str(dtype).lower().startswith("bool")
    if is_flag or not _is_numeric(column):
        values = column.to_list() if frames.is_polars(column) else column.tolist()
        distinct = sorted({one for one in values if _is_there(one)}, key=str)
        following = {one: distinct[(number + 1) % len(distinct)] for number, one in enumerate(distinct)}
        return [(not one if is_flag else following[one]) if _is_there(one) else one for one in values]
    values = frames.numbers_of(column)
    there = np.abs(values[np.isfinite(values) & (np.abs(values) > _SCARCE)])
    scale = float(np.median(there)) if there.size else 1.0
    moved = scale * (1.0 + rng.random(values.size))
    if np.nanmin(values, initial=0.0) < 0.0:
        return values + moved if up else values - moved
    factor = 1.5 + rng.random(values.size)
    found = values * factor + (values == 0.0) * moved if up else values / factor
    return np.floor(found) + up if "int" in str(dtype).lower() else found


def _is_numeric(column: Any) -> bool:  # noqa: ANN401
    if isinstance(column, pl.Series):
        return column.dtype.is_numeric()
    return getattr(column.dtype, "kind", "O") in "iuf"


def _is_there(value: object) -> bool:
    return value is not None and value == value  # noqa: PLR0124  # NaN is not itself


def _like(column: Any, values: Any) -> Any:  # noqa: ANN401
    """Return values as a column of the same kind; what was missing stays so."""
    if isinstance(column, pl.Series):
        if not isinstance(values, np.ndarray):
            return pl.Series(column.name, values, dtype=column.dtype)
        made = pl.Series(column.name, values)
        made = made.fill_nan(0.0) if column.dtype.is_integer() else made
        made = made.cast(column.dtype, strict=False)
        return pl.select(pl.when(column.is_not_null()).then(made)).to_series().alias(column.name)
    made = column.copy()
    if isinstance(values, np.ndarray):
        return made.__class__(values, index=column.index).where(column.notna(), column).astype(column.dtype)
    return made.__class__(values, index=column.index, dtype=column.dtype)


def _where(rows: NDArray[np.bool_], others: Any, column: Any) -> Any:  # noqa: ANN401
    """Return a column of pandas with some values replaced."""
    if isinstance(column.dtype, np.dtype) and column.dtype.kind in "iufb":
        return np.where(rows, others.to_numpy(), column.to_numpy())
    return column.where(~rows, others)
