"""The rows that a model learns from, those that are kept from it, and what is asked of them before anything is fitted.

The newest part of the rows is kept: nothing that makes or chooses a model looks at it, so that a paired test can. Rows
of several series are in order of time, those of one moment side by side.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

import numpy as np
import polars as pl
from numpy.typing import NDArray

from assay.domain.errors import BadInputError, NoDataError
from assay.domain.instrument import SeriesId
from assay.domain.interval import EPOCH, Interval
from assay.features.declared import DeclaredSet
from assay.features.labels import LabelRule
from assay.lake import content, reads
from assay.lake.reads import Span
from assay.pipelines import feature_sets
from assay.pipelines.direction import of_present_asset
from assay.pipelines.training_table import KEY, TableRequest, label_bars, make_training_table, rows_of
from assay.pipelines.workspace import Workspace

KEPT_SHARE = 0.2
"""Part of the rows, the newest, that no training sees."""
COLUMNS = (*reads.STEP_COLUMNS, "available_at")


@dataclass(frozen=True, slots=True, eq=False)
class Rows:
    """Labelled rows of one series or several, in order of time.

    Attributes
    ----------
    columns : tuple of str
        Names of the features.
    matrix : ndarray of float64, shape (n, n_features)
    labels : ndarray of float64, shape (n,)
        Of a direction 1 where the price is higher one horizon later, else 0; of a value the return, a fraction.
    at, until : ndarray of int64, shape (n,)
        Microseconds: the moment of the forecast, and the one from which its outcome is known.
    forward_return : ndarray of float64, shape (n,)
        From the one to the other, a fraction.
    frame : polars.DataFrame
        The same rows as a training table has them.
    """

    columns: tuple[str, ...]
    matrix: NDArray[np.float64]
    labels: NDArray[np.float64]
    at: NDArray[np.int64]
    until: NDArray[np.int64]
    forward_return: NDArray[np.float64]
    frame: pl.DataFrame

    def where(self, chosen: NDArray[np.bool_]) -> Rows:
        """Return some of the rows."""
        parts = {name: getattr(self, name)[chosen] for name in _ARRAYS}
        return dataclasses.replace(self, frame=self.frame.filter(pl.Series(chosen)), **parts)

    @property
    def data_version(self) -> str:
        """16 hexadecimal digits of the rows."""
        return content.frame_hash(self.frame, KEY)

    @property
    def series(self) -> dict[str, int]:
        """How many rows each series has, in order of their names."""
        counted = self.frame.group_by(*KEY[:4]).len()
        return dict(sorted((":".join(key), count) for *key, count in counted.iter_rows()))


_ARRAYS = ("matrix", "labels", "at", "until", "forward_return")


def find_features(workspace: Workspace, name: str, interval: Interval) -> DeclaredSet:
    """Return a feature set over bars of an interval; Raises as :func:`assay.pipelines.feature_sets.find_set`."""
    chosen = feature_sets.find_set(workspace, name, interval)
    return feature_sets.held(feature_sets.check_bars(chosen, interval), "")


def read_rows(
    workspace: Workspace, series: SeriesId, rule: LabelRule, chosen: DeclaredSet
) -> tuple[Rows, pl.DataFrame]:
    """Return all rows of a series that have features and a label, and the closed bars that they were made of.

    Rows and bars are those of the asset that the ticker means now.

    Raises
    ------
    NoDataError
        If there is none.
    BadInputError
        If the horizon does not fit the bars, or code of a Step fails.
    """
    request = TableRequest(
        (f"{series.place}:{series.symbol}",), chosen.feature_set.name, rule.name, series.interval.code
    )
    table = make_training_table(workspace, request)
    with workspace.lake() as lake:
        klines = reads.read_klines(lake, series, Span(as_of=table.span.as_of), COLUMNS)
    klines = of_present_asset(klines, series)
    return _rows(of_present_asset(table.frame, series), klines, chosen=chosen, rule=rule), klines


def rows_of_bars(klines: pl.DataFrame, series: SeriesId, rule: LabelRule, chosen: DeclaredSet) -> Rows:
    """Return the rows of closed bars that are at hand, of features that are held against no other series.

    Raises
    ------
    NoDataError
        If there is none.
    """
    labelled = label_bars(klines, series, chosen.feature_set, rule)
    labelled = dataclasses.replace(labelled, names=chosen.names, matrix=labelled.matrix[:, chosen.places])
    available = klines["available_at"].dt.epoch("us").to_numpy()
    return _rows(rows_of(labelled, klines, series, start=None, available=available), klines, chosen=chosen, rule=rule)


def pooled(parts: Sequence[Rows]) -> Rows:
    """Return the rows of several series as one, in order of time; of one moment in the order given."""
    if len(parts) == 1:
        return parts[0]
    arrays = {name: np.concatenate([getattr(one, name) for one in parts]) for name in _ARRAYS}
    order = np.argsort(arrays["at"], kind="stable")
    frame = pl.concat([one.frame for one in parts])[order]
    return Rows(parts[0].columns, frame=frame, **{name: array[order] for name, array in arrays.items()})


def to_learn_from(rows: Rows) -> Rows:
    """Return the rows of which a model may know: all but the newest, and none whose outcome lies among those.

    Raises
    ------
    NoDataError
        If nothing is left.
    """
    cut = int(rows.labels.size * (1.0 - KEPT_SHARE))
    kept = rows.where(rows.until <= rows.at[min(cut, rows.labels.size - 1)])
    if not kept.labels.size:
        raise NoDataError("too few rows to learn from", value=rows.labels.size, todo="load a longer history")
    return kept


def check_rows(rows: Rows) -> None:
    """Refuse rows that teach nothing.

    Raises
    ------
    BadInputError
        If a number is missing, a feature never changes, or all answers are the same.
    """
    for name, column in zip(rows.columns, rows.matrix.T, strict=True):
        missing = int((~np.isfinite(column)).sum())
        if missing:
            todo = "leave it out of the feature set"
            raise BadInputError("a feature is NaN or infinite", value=f"{name}, in {missing:,} rows", todo=todo)
        if column.min() == column.max():
            todo = "leave it out of the feature set, or load a longer history"
            raise BadInputError("a feature never changes", value=f"{name} = {column[0]:g}", todo=todo)
    if not np.all(np.isfinite(rows.labels)):
        raise BadInputError("an answer is NaN or infinite", todo="look for it with assay quarantine list")
    if rows.labels.min() == rows.labels.max():
        todo = "load a period in which the price rises and falls"
        is_direction = rows.labels[0] in {0.0, 1.0} and rows.frame.schema.get("is_up") is not None
        value = ("up" if rows.labels[0] else "not up") if is_direction else f"{rows.labels[0]:g}"
        raise BadInputError("all answers are the same", value=value, todo=todo)


def closed_by(klines: pl.DataFrame, moment: int) -> pl.DataFrame:
    """Return the bars that had closed by a moment, in microseconds."""
    return klines.filter(pl.col("close_time").dt.epoch("us") <= moment)


def microseconds_of(moment: datetime) -> int:
    """Return microseconds since 1970 of a moment with a time zone."""
    return (moment - EPOCH) // timedelta(microseconds=1)


def moment_of(microseconds: int) -> datetime:
    """Return a moment in UTC."""
    return EPOCH + timedelta(microseconds=int(microseconds))


def _rows(frame: pl.DataFrame, klines: pl.DataFrame, *, chosen: DeclaredSet, rule: LabelRule) -> Rows:
    at, until = (frame[name].dt.epoch("us").to_numpy() for name in ("close_time", "until"))
    closed, close = klines["close_time"].dt.epoch("us").to_numpy(), klines["close"].cast(pl.Float64).to_numpy()
    now, then = (close[np.searchsorted(closed, moments)] for moments in (at, until))
    matrix = np.ascontiguousarray(frame.select(chosen.names).to_numpy(), dtype=np.float64)
    labels = frame[rule.column].cast(pl.Float64).to_numpy()
    return Rows(chosen.names, matrix, labels, at, until, then / now - 1.0, frame)
