"""The rows that a model of one series learns from, those that are kept from it, and the audit of both.

The newest part of the rows is kept: nothing that makes or chooses a model looks at it, so that a paired test can.
"""

from __future__ import annotations

import dataclasses
from dataclasses import dataclass
from datetime import datetime, timedelta

import numpy as np
import polars as pl
from numpy.typing import NDArray

from assay.domain.errors import BadInputError, NoDataError, TerminalError
from assay.domain.instrument import SeriesId
from assay.domain.interval import EPOCH
from assay.domain.model_key import ModelKey
from assay.evidence.causality import Certificate
from assay.evidence.promotion import read_certificate
from assay.features.declared import DeclaredSet
from assay.features.labels import LabelRule, parse_label
from assay.features.labels.names import DIRECTION
from assay.features.own import running
from assay.lake import content, reads
from assay.lake.model_store import read_versions
from assay.lake.reads import Span
from assay.lake.sealed import Documents
from assay.pipelines import feature_sets
from assay.pipelines.auditing import audit_training, audited_bars, features_of
from assay.pipelines.direction import of_present_asset
from assay.pipelines.training_table import KEY, TableRequest, make_training_table
from assay.pipelines.workspace import Workspace

KEPT_SHARE = 0.2
"""Part of the rows, the newest, that no training sees."""
_COLUMNS = (
    "open_time", "close_time", "open", "high", "low", "close", "volume", "quote_volume", "taker_buy_volume",
    "num_trades", "available_at",
)  # fmt: skip


class RefusedError(TerminalError):
    """A model is not made, because nobody could trust it."""


@dataclass(frozen=True, slots=True, eq=False)
class Rows:
    """Labelled rows of one series, in order of time.

    Attributes
    ----------
    columns : tuple of str
        Names of the features.
    matrix : ndarray of float64, shape (n, n_features)
    labels : ndarray of float64, shape (n,)
        1 where the price is higher one horizon later, else 0.
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
        parts = {
            name: getattr(self, name)[chosen] for name in ("matrix", "labels", "at", "until", "forward_return")
        }  # fmt: skip
        return dataclasses.replace(self, frame=self.frame.filter(pl.Series(chosen)), **parts)

    @property
    def data_version(self) -> str:
        """16 hexadecimal digits of the rows."""
        return content.frame_hash(self.frame, KEY)


def direction_task(workspace: Workspace, task: str) -> LabelRule:
    """Return the rule of a task such as ``direction_24h``.

    Raises
    ------
    BadInputError
        If it is no task of direction.
    """
    todo = "write direction_24h or direction_1h"
    try:
        rule = parse_label(task, usual_horizon=timedelta(hours=workspace.settings.model.horizon_hours))
    except BadInputError as error:
        raise BadInputError("unknown task", value=task, todo=todo) from error
    if rule.kind != DIRECTION:
        raise BadInputError("models are trained for directions only", value=task, todo=todo)
    return rule


def find_features(workspace: Workspace, name: str, series: SeriesId) -> DeclaredSet:
    """Return a feature set over the bars of a series; Raises as :func:`assay.pipelines.feature_sets.find_set`."""
    chosen = feature_sets.find_set(workspace, name, series.interval)
    return feature_sets.held(feature_sets.check_bars(chosen, series.interval), "")


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
        klines = reads.read_klines(lake, series, Span(as_of=table.span.as_of), _COLUMNS)
    frame, klines = of_present_asset(table.frame, series), of_present_asset(klines, series)
    at, until = (frame[name].dt.epoch("us").to_numpy() for name in ("close_time", "until"))
    closed, close = klines["close_time"].dt.epoch("us").to_numpy(), klines["close"].cast(pl.Float64).to_numpy()
    now, then = (close[np.searchsorted(closed, moments)] for moments in (at, until))
    matrix = frame.select(chosen.names).to_numpy()
    rows = Rows(
        chosen.names, np.ascontiguousarray(matrix, dtype=np.float64), frame[rule.column].cast(pl.Float64).to_numpy(),
        at, until, then / now - 1.0, frame,
    )  # fmt: skip
    return rows, klines


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
        If a feature never changes, or all answers are the same.
    """
    for name, column in zip(rows.columns, rows.matrix.T, strict=True):
        if column.min() == column.max():
            todo = "leave it out of the feature set, or load a longer history"
            raise BadInputError("a feature never changes", value=f"{name} = {column[0]:g}", todo=todo)
    if rows.labels.min() == rows.labels.max():
        todo = "load a period in which the price rises and falls"
        raise BadInputError("all answers are the same", value="up" if rows.labels[0] else "not up", todo=todo)


def certify(
    documents: Documents, key: ModelKey, chosen: DeclaredSet, *, rule: LabelRule, klines: pl.DataFrame
) -> Certificate:
    """Return a certificate of the features and the label of a task on these bars.

    That of a model of the same key on the same bars, if it holds for the code of today; else there is an audit.

    Raises
    ------
    RefusedError
        If the future is seen, or that it is not cannot be proven.
    DamagedError
        If the paper of such a model is damaged.
    """
    now, bars = features_of(chosen.feature_set), audited_bars(klines)
    for version in read_versions(documents, key):
        if version.paper.certificate is None or version.paper.feature_set != now.identity:
            continue
        kept = read_certificate(version.paper.certificate)
        if kept.data_version == bars and not kept.why_stale(code=now.code, config=now.config):
            return kept
    series = SeriesId.parse(key.source)
    with running(*chosen.feature_set.steps):
        found = audit_training(chosen.feature_set, rule, klines, series.interval)
    if found.certificate is None:
        first = found.findings[0]
        about = f"{first.column}: {first.cause}" if first.column else first.cause
        audit = f"assay audit {chosen.feature_set.name} --label {rule.name} --symbol {series.place}:{series.symbol}"
        todo = f"{first.todo}; `{audit}` shows it"
        raise RefusedError(f"not trained, {found.subject} {found.verdict}: {about}", value=key.source, todo=todo)
    return found.certificate


def closed_by(klines: pl.DataFrame, moment: int) -> pl.DataFrame:
    """Return the bars that had closed by a moment, in microseconds."""
    return klines.filter(pl.col("close_time").dt.epoch("us") <= moment)


def moment_of(microseconds: int) -> datetime:
    """Return a moment in UTC."""
    return EPOCH + timedelta(microseconds=int(microseconds))
