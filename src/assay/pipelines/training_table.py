"""A training table: the rows a model learns from, made of what was known at a moment, with a hash that proves them.

Whoever makes the same table again with the same moment gets the same rows and the same hash, whatever has been
restated, loaded late or built anew since.
"""

from __future__ import annotations

import dataclasses
import io
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import polars as pl
from numpy.typing import NDArray

from assay.domain.errors import BadInputError, NoDataError
from assay.domain.instrument import Resolution, SeriesId, resolve
from assay.domain.interval import Interval
from assay.features.bars import Bars, FloatArray, IntArray
from assay.features.compile import use_cache_dir
from assay.features.declared import DeclaredSet
from assay.features.labels import Label, LabelRule, parse_label
from assay.features.labels.names import DIRECTION as DIRECTION_LABEL
from assay.features.own import running
from assay.features.referenced import run_referenced
from assay.features.sets import DIRECTION, FeatureSet
from assay.lake import content, reads
from assay.lake.identities import in_words, met_between, parts_of_one_asset, stated_segments
from assay.lake.reads import Span
from assay.lake.storage import write_atomically
from assay.pipelines import steps
from assay.pipelines.feature_sets import check_bars, find_set, held
from assay.pipelines.references import available_with, reference_columns
from assay.pipelines.workspace import Workspace

if TYPE_CHECKING:
    import duckdb

KEY = ("venue", "market", "symbol", "interval", "open_time")
_COLUMNS = (*reads.STEP_COLUMNS, "available_at")
_FORMATS = (".parquet", ".csv")


@dataclass(frozen=True, slots=True)
class TableRequest:
    """Which rows, and from whose point of view.

    Attributes
    ----------
    symbols : tuple of str
        Any spelling, or ``venue:market:SYMBOL``.
    feature_set : str, default "direction"
        Name of a feature set, shipped or of a file in ``features.sets``.
    label : str, default "direction"
        ``direction_24h``: whether the price is higher 24 hours after the close; ``return_24h``, ``delta_1h``,
        ``triple_barrier_24h_2_2``. Without a horizon, ``model.horizon_hours``.
    interval : str, default "1h"
    span : Span
        Rows whose bars open in ``[start, end)``. Features are computed over all bars before, and nothing at or after
        `end` is looked at, for labels neither. Bars that may still change are never used.
    reference : str
        What Steps that read a reference, such as beta, are held against where they do not say so themselves.
    """

    symbols: tuple[str, ...]
    feature_set: str = DIRECTION.name
    label: str = "direction"
    interval: str = "1h"
    span: Span = reads.EVERYTHING
    reference: str = ""


@dataclass(frozen=True, slots=True, eq=False)
class TrainingTable:
    """Rows to learn from.

    Attributes
    ----------
    resolutions : tuple of Resolution
        The series, and whether they stand in for what was asked.
    feature_set : str
        Name, version and hash of the computation.
    label : str
        With its horizon.
    span : Span
        What was asked; `as_of` is set also where it was not: asking with it gives this table again.
    frame : polars.DataFrame
        venue, market, symbol, interval, open_time, close_time, a column for each feature, until (the end of the
        label's span: the moment from which the answer is known), the label (is_up, return, delta or triple_barrier),
        weight (how much of the label's span is its own among the rows of its series), and available_at: when a live
        system could first have learned from the row. In the order of series and time; no value is missing.
    content_hash : str
        16 hexadecimal digits of the frame's columns and values, to 12 significant digits.
    split : tuple of str
        Of each series whose ticker meant several assets meanwhile, which: its rows are of all of them, and each row
        knows bars of one only.
    """

    resolutions: tuple[Resolution, ...]
    feature_set: str
    label: str
    span: Span
    frame: pl.DataFrame
    content_hash: str
    split: tuple[str, ...] = ()

    def about(self) -> dict[str, object]:
        """Return everything but the rows, as plain values for JSON."""
        moments = {name: getattr(self.span, name) for name in ("start", "end", "as_of", "available_at")}
        return {
            "content_hash": self.content_hash,
            "rows": self.frame.height,
            "series": [str(one.series) for one in self.resolutions],
            "stand_ins": [one.requested for one in self.resolutions if one.is_stand_in],
            "split": list(self.split),
            "feature_set": self.feature_set,
            "label": self.label,
            **{name: None if moment is None else moment.isoformat() for name, moment in moments.items()},
        }


@dataclass(frozen=True, slots=True, eq=False)
class LabelledBars:
    """Closed bars of one series with the features at their close, matrix of shape (n_bars, n_features), and labels.

    `names` are those of the columns of the matrix.
    """

    feature_set: FeatureSet
    names: tuple[str, ...]
    bars: Bars
    matrix: FloatArray
    rule: LabelRule
    label: Label

    @property
    def is_complete(self) -> NDArray[np.bool_]:
        """Shape (n_bars,): whether every feature is there."""
        return np.asarray(np.isfinite(self.matrix).all(axis=1), dtype=np.bool_)


def label_bars(
    klines: pl.DataFrame,
    series: SeriesId,
    feature_set: FeatureSet,
    rule: LabelRule,
    *,
    references: Mapping[str, FloatArray] | None = None,
) -> LabelledBars:
    """Return the features and the labels of the closed bars of a series, in order of time.

    `references` holds the values of what Steps of the set are held against, at the close of each bar.

    Raises
    ------
    BadInputError
        If the horizon is not a whole number of bars.
    """
    rule.check(series.interval)
    bars = steps.bars_of(klines)
    label = rule.of(bars, series.interval)
    matrix = run_referenced(feature_set, bars, references or {})
    return LabelledBars(feature_set, feature_set.columns, bars, np.ascontiguousarray(matrix), rule, label)


def make_training_table(workspace: Workspace, request: TableRequest) -> TrainingTable:
    """Return the table that `request` names.

    Raises
    ------
    BadInputError
        If a name is none, or the horizon does not fit the interval.
    NoDataError
        If no series answers to a symbol, or no row is left of one.
    """
    if not request.symbols:
        raise BadInputError("no series to learn from", todo="name a symbol, such as BTC-USDT")
    chosen, rule = _set_of(workspace, request), label_named(workspace, request.label)
    feature_set = chosen.feature_set
    use_cache_dir(workspace.home.cache / "numba")
    with workspace.lake() as lake:
        span = request.span if request.span.as_of else dataclasses.replace(request.span, as_of=reads.known_until(lake))
        span = dataclasses.replace(span, only_closed=True)
        then = reads.list_series(lake, as_of=span.as_of, available_at=span.available_at)
        available = then or reads.list_series(lake)
        places = workspace.settings.preferred_places
        found = [resolve(one, available, places=places, interval=request.interval) for one in request.symbols]
        unique = {one.series: one for one in found}
        # The first bars of a range need those before it.
        whole = dataclasses.replace(span, start=None)
        making = _Making(lake, chosen, rule, span, places)
        frames, split = [], []
        for series in sorted(unique):
            klines = reads.read_klines(lake, series, whole, _COLUMNS)
            segments = stated_segments(series.symbol.base)
            frames.append(making.rows_of_each_asset(series, parts_of_one_asset(klines, segments)))
            met = met_between(segments, frames[-1]["open_time"][0], frames[-1]["close_time"][-1])
            split += [in_words(met)] if met else []
    frame = pl.concat(frames)
    return TrainingTable(
        resolutions=tuple(unique[series] for series in sorted(unique)),
        feature_set=steps.identity(feature_set),
        label=rule.name,
        span=span,
        frame=frame,
        content_hash=content.frame_hash(frame, KEY),
        split=tuple(split),
    )


@dataclass(frozen=True, slots=True)
class _Making:
    """What all series of a table have in common."""

    lake: duckdb.DuckDBPyConnection
    chosen: DeclaredSet
    rule: LabelRule
    span: Span
    places: Sequence[str]

    def rows_of_each_asset(self, series: SeriesId, parts: Sequence[pl.DataFrame]) -> pl.DataFrame:
        """Return the rows of a series from its bars in parts, one for each asset that its ticker meant.

        So no feature and no label knows bars of another asset that had the ticker before or after. Of an asset that has
        too few bars there are no rows, as long as there are any.
        """
        found, refusal = [], None
        for part in parts:
            try:
                found.append(self._rows(series, part))
            except NoDataError as error:
                refusal = error
        if refusal and not found:
            raise refusal
        return pl.concat(found)

    def _rows(self, series: SeriesId, klines: pl.DataFrame) -> pl.DataFrame:
        chosen, feature_set = self.chosen, self.chosen.feature_set
        references = reference_columns(
            self.lake, feature_set, steps.bars_of(klines), interval=series.interval, span=self.span, places=self.places
        )
        values = {name: one.values for name, one in references.items()}
        with running(*feature_set.steps):
            labelled = label_bars(klines, series, feature_set, self.rule, references=values)
        labelled = dataclasses.replace(labelled, names=chosen.names, matrix=labelled.matrix[:, chosen.places])
        # A feature may depend on any bar before it, of the series and of what it is held against.
        since = available_with(klines["available_at"].dt.epoch("us").to_numpy(), references)
        return rows_of(labelled, klines, series, start=self.span.start, available=since)


def _set_of(workspace: Workspace, request: TableRequest) -> DeclaredSet:
    interval = Interval.parse(request.interval)
    return held(check_bars(find_set(workspace, request.feature_set, interval), interval), request.reference)


def save_training_table(made: TrainingTable, path: Path) -> None:
    """Write the rows as Parquet, with :meth:`TrainingTable.about` in its metadata, or as CSV, by the name of the file.

    Raises
    ------
    BadInputError
        If the name ends in neither.
    StorageError
        If the disk refuses.
    """
    save_rows(made.frame, made.about(), path)


def save_rows(frame: pl.DataFrame, about: Mapping[str, object], path: Path) -> None:
    """Write rows as Parquet, with what is said about them in its metadata, or as CSV, by the name of the file.

    Raises
    ------
    BadInputError
        If the name ends in neither.
    StorageError
        If the disk refuses.
    """
    check_format(path)
    body = io.BytesIO()
    if path.suffix == ".csv":
        frame.write_csv(body, datetime_format="%Y-%m-%dT%H:%M:%S%.6fZ")
    else:
        metadata = {f"assay.{name}": str(value) for name, value in about.items() if value is not None}
        frame.write_parquet(body, metadata=metadata)
    write_atomically(path, body.getvalue())


def check_format(path: Path) -> None:
    """Raise BadInputError if no table can be written under this name."""
    if path.suffix not in _FORMATS:
        raise BadInputError("unknown kind of file", value=path, todo=f"end its name in {' or '.join(_FORMATS)}")


def label_named(workspace: Workspace, label: str) -> LabelRule:
    """Return the rule of a label by name; without a horizon, that of the settings."""
    return parse_label(label, usual_horizon=timedelta(hours=workspace.settings.model.horizon_hours))


def rows_of(
    labelled: LabelledBars,
    klines: pl.DataFrame,
    series: SeriesId,
    *,
    start: datetime | None,
    available: IntArray,
) -> pl.DataFrame:
    """Return the rows of one series that have all features and a label, as :class:`TrainingTable` says.

    Raises
    ------
    NoDataError
        If there is no row, or a feature is nowhere there although there are bars enough.
    """
    bars, rule, label = labelled.bars, labelled.rule, labelled.label
    _check_features(labelled)
    rows = labelled.is_complete & label.is_defined
    if start is not None:
        rows &= (klines["open_time"] >= start).to_numpy()
    if not rows.any():
        todo = (
            f"a row needs {labelled.feature_set.warmup + 1} bars in a row up to its close, and one {rule.horizon} "
            "after it; ask for a longer range, or a later moment"
        )
        raise NoDataError("no row to learn from", value=series, todo=todo)
    keys = zip(KEY, series.key, strict=False)
    # The label depends on a bar after it: the row is there when that is.
    target = np.minimum(np.searchsorted(bars.close_time, label.span_end), len(bars) - 1)
    moment = pl.Datetime("us", "UTC")
    columns = {
        **{name: pl.Series(name, [value]).new_from_index(0, len(bars)) for name, value in keys},
        "open_time": klines["open_time"],
        "close_time": klines["close_time"],
        **{name: pl.Series(labelled.matrix[:, at]) for at, name in enumerate(labelled.names)},
        "until": pl.Series(label.span_end).cast(moment),
        rule.column: pl.Series(label.value == 1.0 if rule.kind == DIRECTION_LABEL else label.value),
        "weight": pl.Series(label.weights(rows)),
        "available_at": pl.Series(available[target]).cast(moment),
    }
    return pl.DataFrame(columns).filter(pl.Series(rows))


def _check_features(labelled: LabelledBars) -> None:
    """Refuse a feature that no bar has while others are there: a longer history would not bring it."""
    is_there = [bool(np.isfinite(column).any()) for column in labelled.matrix.T]
    if any(is_there) and not all(is_there) and len(labelled.bars) > labelled.feature_set.warmup:
        missing = [name for name, there in zip(labelled.names, is_there, strict=True) if not there]
        todo = "leave it out of the feature set: the source of these bars does not publish what it is made of"
        raise NoDataError("a feature is nowhere there", value=", ".join(missing), todo=todo)
