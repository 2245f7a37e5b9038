"""Features, targets and predictions as hourly partitions outside the lake, for programs that train or watch elsewhere.

A row belongs to the hour in which its bar closed: the moment from which a forecast may use it, and the same in all
three, so that a day of one lies beside the same day of the others.
"""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterator
from datetime import datetime, timedelta

import duckdb
import polars as pl

from assay.domain.errors import NotBuiltError
from assay.domain.interval import Interval
from assay.features.labels import direction_label
from assay.lake import reads
from assay.lake.catalog import CATALOG, one_snapshot
from assay.lake.folders import folder_at
from assay.lake.hourly_export import Exported, HourlyTable, export_hours
from assay.lake.manifest import has_table
from assay.lake.prediction_tables import GRAIN, PREDICTIONS
from assay.pipelines import steps
from assay.pipelines.workspace import Workspace

_KEY = ("venue", "market", "symbol", "interval")
_BAR_KEY = (*_KEY, "open_time")
_LONGEST_BAR = timedelta(days=31)
_TARGETS = "exported_targets"
_MICROSECOND = timedelta(microseconds=1)
_TIMES = ("open_time", "close_time", "known_at", "available_at", "known_then", "available_then")
_LABELLED = pl.Schema(
    [
        *((name, pl.String()) for name in _KEY),
        *((name, pl.Datetime("us", "UTC")) for name in _TIMES),
        *((name, pl.Float64()) for name in ("close", "close_then")),
        ("horizon_hours", pl.Int32()),
        ("is_up", pl.Boolean()),
    ]
)
"""Columns of labelled bars, for a lake in which no bar has a label."""


def export_features(
    workspace: Workspace,
    to: str,
    *,
    since: datetime | None = None,
    on_written: Callable[[int], None] | None = None,
) -> list[Exported]:
    """Bring the partitions at `to` up to the lake; return what became of each of the three tables.

    Parameters
    ----------
    workspace : Workspace
    to : str
        A directory, or ``s3://bucket/prefix``.
    since : datetime, optional
        Bars that closed in this hour or later, and targets that became known then; earlier partitions are left as
        they are.
    on_written : callable, optional
        Told how many more hours are written.

    Raises
    ------
    NotBuiltError
        If the lake holds no features yet.
    SettingsError
        If `to` is in an object store and there are no keys for it.
    StorageError
        If a place refuses.
    """
    target = folder_at(to, workspace.home.places.s3)
    start = None if since is None else since.replace(minute=0, second=0, microsecond=0)
    with workspace.lake() as lake, one_snapshot(lake):
        if not has_table(lake, steps.TABLE):
            raise NotBuiltError("the lake holds no features yet", todo="run `assay build` first")
        horizon = workspace.settings.model.horizon_hours
        with _targets(lake, horizon, _before(start, horizon)):
            tables = _tables(lake, horizon, start)
            return [export_hours(lake, table, target, on_written=on_written) for table in tables]


def _tables(lake: duckdb.DuckDBPyConnection, horizon_hours: int, since: datetime | None) -> list[HourlyTable]:
    found = [
        *(
            HourlyTable(f"features/{one.feature_set.name}", _features(one, since), "close_time", _BAR_KEY, since)
            for one in steps.TABLES
            if has_table(lake, one.name)
        ),
        HourlyTable(
            f"targets/direction_{horizon_hours}h",
            f"from {_TARGETS}",
            "close_time",
            (*_KEY, "open_time"),
            _before(since, horizon_hours),
        ),
    ]
    if has_table(lake, PREDICTIONS):
        sql = f"select *, known_at as available_at from {CATALOG}.{PREDICTIONS}{_from('as_of', since)}"
        found.append(HourlyTable("predictions/price", sql, "as_of", GRAIN, since))
    return found


def _before(since: datetime | None, horizon_hours: int) -> datetime | None:
    """Return the moment whose target is known at `since`: targets of bars from there on may be new."""
    return None if since is None else since - timedelta(hours=horizon_hours)


def _features(table: steps.StepTable, since: datetime | None) -> str:
    outputs = ", ".join(f'made."{name}"' for name in table.feature_set.columns)
    return (
        f"select {', '.join(f'made.{name}' for name in _KEY)}, made.open_time, bar.close_time, {outputs}, "
        f"made.feature_set, bar.known_at, bar.available_at "
        f"from {CATALOG}.{table.name} as made join {CATALOG}.{reads.CLEANED} as bar "
        f"using ({', '.join(_KEY)}, open_time){_closed('bar', since)}"
    )


def _from(column: str, since: datetime | None) -> str:
    return f" where {column} >= timestamptz '{since.isoformat()}'" if since else ""


def _closed(bar: str, since: datetime | None) -> str:
    """Return the condition on closed bars; open times are bounded too, by which the catalogue leaves files unread."""
    if since is None:
        return f" where {bar}.is_closed"
    opened, closed = (since - _LONGEST_BAR).isoformat(), since.isoformat()
    return (
        f" where {bar}.is_closed and {bar}.open_time >= timestamptz '{opened}' "
        f"and {bar}.close_time >= timestamptz '{closed}'"
    )


@contextlib.contextmanager
def _targets(lake: duckdb.DuckDBPyConnection, horizon_hours: int, since: datetime | None) -> Iterator[None]:
    """Give the connection the labels of all series whose bars can have one, as a table."""
    columns = ", ".join((*_KEY, "open_time", "close_time", "close", "known_at", "available_at"))
    bars = lake.execute(
        f"select {columns} from {CATALOG}.{reads.CLEANED} as bar{_closed('bar', since)} "
        f"order by {', '.join(_KEY)}, open_time"
    ).pl()
    parts = [_labelled(part, horizon_hours) for part in bars.partition_by(*_KEY, maintain_order=True)]
    none = _labels(_LABELLED.to_frame())
    lake.register(_TARGETS, pl.concat([none, *(part for part in parts if part is not None)]))
    try:
        yield
    finally:
        lake.unregister(_TARGETS)


def _labelled(bars: pl.DataFrame, horizon_hours: int) -> pl.DataFrame | None:
    """Return the targets of one series; None if no bar of it ever closes at the horizon."""
    length, horizon = Interval.parse(str(bars["interval"][0])).duration, timedelta(hours=horizon_hours)
    if horizon % length:
        return None
    label = direction_label(
        bars["open_time"].dt.epoch("us").to_numpy(),
        bars["close"].to_numpy(),
        horizon_us=horizon // _MICROSECOND,
        interval_us=length // _MICROSECOND,
    )
    later = bars.select(
        (pl.col("open_time") - horizon).alias("open_time"),
        pl.col("close").alias("close_then"),
        pl.col("known_at").alias("known_then"),
        pl.col("available_at").alias("available_then"),
    )
    frame = bars.with_columns(
        pl.lit(horizon_hours, dtype=pl.Int32).alias("horizon_hours"),
        pl.Series("is_up", label.value == 1.0),
        pl.Series("is_defined", label.is_defined),
    )
    return _labels(frame.filter("is_defined").join(later, on="open_time", how="inner", maintain_order="left"))


def _labels(frame: pl.DataFrame) -> pl.DataFrame:
    """Return the columns of the targets."""
    horizon = pl.duration(hours=pl.col("horizon_hours"))
    return frame.select(
        *_KEY,
        "open_time",
        "close_time",
        "horizon_hours",
        (pl.col("close_time") + horizon).alias("until"),
        "close",
        pl.col("close_then").alias("close_until"),
        "is_up",
        pl.max_horizontal("known_at", "known_then").alias("known_at"),
        pl.max_horizontal("available_at", "available_then").alias("available_at"),
    )
