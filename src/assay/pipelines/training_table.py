"""A training table: the rows a model learns from, made of what was known at a moment, with a hash that proves them.

Whoever makes the same table again with the same moment gets the same rows and the same hash, whatever has been
restated, loaded late or built anew since.
"""

from __future__ import annotations

import dataclasses
import io
import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path

import numpy as np
import polars as pl
from numpy.typing import NDArray

from assay.domain.errors import BadInputError, NoDataError
from assay.domain.instrument import Resolution, SeriesId, resolve
from assay.features.bars import Bars, FloatArray
from assay.features.compile import use_cache_dir
from assay.features.labels import Label, direction_label
from assay.features.sets import DIRECTION, FeatureSet, find_set
from assay.lake import content, reads
from assay.lake.reads import Span
from assay.lake.storage import write_atomically
from assay.pipelines import steps
from assay.pipelines.workspace import Workspace

KEY = ("venue", "market", "symbol", "interval", "open_time")
_COLUMNS = (
    "open_time", "close_time", "open", "high", "low", "close", "volume", "quote_volume", "taker_buy_volume",
    "num_trades", "available_at",
)  # fmt: skip
_DIRECTION_LABEL = re.compile(r"direction(?:_([1-9][0-9]{0,3})h)?")
_MICROSECOND = timedelta(microseconds=1)
_FORMATS = (".parquet", ".csv")


@dataclass(frozen=True, slots=True)
class TableRequest:
    """Which rows, and from whose point of view.

    Attributes
    ----------
    symbols : tuple of str
        Any spelling, or ``venue:market:SYMBOL``.
    feature_set : str, default "direction"
        Name of a feature set.
    label : str, default "direction"
        ``direction_24h``: whether the price is higher 24 hours after the close. Without hours, ``model.horizon_hours``.
    interval : str, default "1h"
    span : Span
        Rows whose bars open in ``[start, end)``. Features are computed over all bars before, and nothing at or after
        `end` is looked at, for labels neither. Bars that may still change are never used.
    """

    symbols: tuple[str, ...]
    feature_set: str = DIRECTION.name
    label: str = "direction"
    interval: str = "1h"
    span: Span = reads.EVERYTHING


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
        venue, market, symbol, interval, open_time, close_time, a column for each feature, until (the moment that the
        label speaks of), is_up, and available_at: when a live system could first have learned from the row. In the
        order of series and time; no value is missing.
    content_hash : str
        16 hexadecimal digits of the frame's columns and values, to 12 significant digits.
    """

    resolutions: tuple[Resolution, ...]
    feature_set: str
    label: str
    span: Span
    frame: pl.DataFrame
    content_hash: str

    def about(self) -> dict[str, object]:
        """Return everything but the rows, as plain values for JSON."""
        moments = {name: getattr(self.span, name) for name in ("start", "end", "as_of", "available_at")}
        return {
            "content_hash": self.content_hash,
            "rows": self.frame.height,
            "series": [str(one.series) for one in self.resolutions],
            "stand_ins": [one.requested for one in self.resolutions if one.is_stand_in],
            "feature_set": self.feature_set,
            "label": self.label,
            **{name: None if moment is None else moment.isoformat() for name, moment in moments.items()},
        }


@dataclass(frozen=True, slots=True, eq=False)
class LabelledBars:
    """Closed bars of one series with the features at their close, matrix of shape (n_bars, n_features), and labels."""

    feature_set: FeatureSet
    bars: Bars
    matrix: FloatArray
    label: Label

    @property
    def is_complete(self) -> NDArray[np.bool_]:
        """Shape (n_bars,): whether every feature is there."""
        return np.asarray(np.isfinite(self.matrix).all(axis=1), dtype=np.bool_)


def label_bars(klines: pl.DataFrame, series: SeriesId, feature_set: FeatureSet, horizon: timedelta) -> LabelledBars:
    """Return the features and the direction labels of the closed bars of a series, in order of time.

    Raises
    ------
    BadInputError
        If the horizon is not a whole number of bars.
    """
    bar = series.interval
    if bar.is_calendar or horizon % bar.duration:
        todo = "choose another interval, or another model.horizon_hours"
        raise BadInputError("the horizon is not a whole number of bars", value=f"{horizon} of {bar}", todo=todo)
    bars = steps.bars_of(klines)
    label = direction_label(
        bars.open_time, bars.close, horizon_us=horizon // _MICROSECOND, interval_us=bar.duration // _MICROSECOND
    )
    return LabelledBars(feature_set, bars, np.ascontiguousarray(feature_set.run(bars).matrix), label)


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
    feature_set, horizon = find_set(request.feature_set), _horizon(workspace, request.label)
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
        bars = [(series, reads.read_klines(lake, series, whole, _COLUMNS)) for series in sorted(unique)]
        frames = [
            _rows(label_bars(klines, series, feature_set, horizon), klines, series, start=span.start)
            for series, klines in bars
        ]
    frame = pl.concat(frames)
    return TrainingTable(
        resolutions=tuple(unique[series] for series in sorted(unique)),
        feature_set=steps.identity(feature_set),
        label=f"direction_{horizon // timedelta(hours=1)}h",
        span=span,
        frame=frame,
        content_hash=content.frame_hash(frame, KEY),
    )


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


def _horizon(workspace: Workspace, label: str) -> timedelta:
    found = _DIRECTION_LABEL.fullmatch(label)
    if not found:
        raise BadInputError("unknown label", value=label, todo="write direction, or direction_24h for 24 hours")
    return timedelta(hours=int(found[1] or workspace.settings.model.horizon_hours))


def _rows(labelled: LabelledBars, klines: pl.DataFrame, series: SeriesId, *, start: datetime | None) -> pl.DataFrame:
    """Return the rows of one series that have all features and a label."""
    bars, label = labelled.bars, labelled.label
    rows = labelled.is_complete & label.is_defined
    if start is not None:
        rows &= (klines["open_time"] >= start).to_numpy()
    if not rows.any():
        horizon = timedelta(microseconds=int(label.span_end[0] - label.span_start[0]))
        todo = (
            f"a row needs {labelled.feature_set.warmup + 1} bars in a row up to its close, and one {horizon} after it; "
            "ask for a longer range, or a later moment"
        )
        raise NoDataError("no row to learn from", value=series, todo=todo)
    keys = zip(KEY, series.key, strict=False)
    # A feature may depend on any bar before it, and the label on one after it: the row is there when all of them are.
    available = np.maximum.accumulate(klines["available_at"].dt.epoch("us").to_numpy())
    target = np.minimum(np.searchsorted(bars.close_time, label.span_end), len(bars) - 1)
    moment = pl.Datetime("us", "UTC")
    columns = {
        **{name: pl.Series(name, [value]).new_from_index(0, len(bars)) for name, value in keys},
        "open_time": klines["open_time"],
        "close_time": klines["close_time"],
        **{name: pl.Series(labelled.matrix[:, at]) for at, name in enumerate(labelled.feature_set.columns)},
        "until": pl.Series(label.span_end).cast(moment),
        "is_up": pl.Series(label.value == 1.0),
        "available_at": pl.Series(available[target]).cast(moment),
    }
    return pl.DataFrame(columns).filter(pl.Series(rows))
