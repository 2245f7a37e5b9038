"""What was foretold of each series, and what such forecasts are worth: tables that are only ever appended to.

A forecast is written once and never changed, whatever becomes known later: what was said is judged as it was said.
Rows carry the moment at which Assay made them, so both tables can be read as of any moment.

All tasks and models are in one table. A model of the registry has its version there; the logistic regression that is
fitted anew with each build has none.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime

import duckdb
import polars as pl

from assay.lake.catalog import CATALOG, transaction
from assay.lake.manifest import has_table
from assay.lake.reads import CLEANED, STEP_COLUMNS
from assay.lake.zones import Key

PREDICTIONS = "gold.price_predictions"
EVIDENCE = "gold.direction_evidence"
_BEFORE = "gold.direction_predictions"
"""What the table of predictions was called while there were directions only."""
WALK_FORWARD, LIVE, ABSTAINED = "walk_forward", "live", "abstained"
KINDS = (WALK_FORWARD, LIVE, ABSTAINED)
ABSTAIN = "ABSTAIN"

_TIME = pl.Datetime("us", "UTC")
_KEY = {"venue": pl.String, "market": pl.String, "symbol": pl.String, "interval": pl.String}
_CONFIGURATION = {"model": pl.String, "feature_set": pl.String, "horizon_hours": pl.Int32}
PREDICTION_SCHEMA: dict[str, pl.DataType | type[pl.DataType]] = {
    **_KEY,
    "task": pl.String,
    "model": pl.String,
    "model_version": pl.String,
    "feature_set": pl.String,
    "horizon_hours": pl.Float64,
    "as_of": _TIME,
    "until": _TIME,
    "close": pl.Float64,
    "probability_up": pl.Float64,
    "base_rate_up": pl.Float64,
    "value": pl.Float64,
    "low": pl.Float64,
    "high": pl.Float64,
    "is_up": pl.Boolean,
    "expected_move": pl.Float64,
    "confidence": pl.Float64,
    "cost": pl.Float64,
    "signal": pl.String,
    "reason": pl.String,
    "kind": pl.String,
    "data_version": pl.String,
    "fitted_until": _TIME,
    "fitted_rows": pl.Int64,
    "known_at": _TIME,
}
"""Columns of :data:`PREDICTIONS`."""
_SCORES = (
    "accuracy", "accuracy_low", "accuracy_high", "base_rate_accuracy", "base_rate_low", "base_rate_high",
    "difference", "difference_low", "difference_high",
)  # fmt: skip
EVIDENCE_SCHEMA: dict[str, pl.DataType | type[pl.DataType]] = {
    **_KEY,
    **_CONFIGURATION,
    "first_as_of": _TIME,
    "last_as_of": _TIME,
    "rows": pl.Int64,
    "folds": pl.Int32,
    **dict.fromkeys(_SCORES, pl.Float64),
    "verdict": pl.String,
    "sentence": pl.String,
    "trials": pl.Int32,
    "known_at": _TIME,
}
"""Columns of :data:`EVIDENCE`."""
_SQL_TYPES: dict[pl.DataType | type[pl.DataType], str] = {
    pl.String: "varchar", pl.Int32: "integer", pl.Int64: "bigint", pl.Float64: "double", pl.Boolean: "boolean",
    _TIME: "timestamptz",
}  # fmt: skip
GRAIN = (*_KEY, "task", "model", "model_version", "feature_set", "as_of", "kind")
"""Columns that no two rows of :data:`PREDICTIONS` share."""
_TAKEN_OVER = {
    "task": "'direction_' || horizon_hours || 'h'",
    "model_version": "''",
    "reason": "''",
    "data_version": "''",
}
"""What is said of columns that :data:`_BEFORE` did not have; others are null."""


@dataclass(frozen=True, slots=True)
class Configuration:
    """What foretells: the model, its feature set with hash, and how far ahead it looks."""

    model: str
    feature_set: str
    horizon_hours: int

    @property
    def task(self) -> str:
        """What it foretells, as tables and models name it."""
        return f"direction_{self.horizon_hours}h"


@dataclass(frozen=True, slots=True)
class SeriesState:
    """How far the forecasts of one series have come.

    Attributes
    ----------
    key : tuple of str
        Venue, market, symbol and interval.
    closed_until : datetime
        Close of the newest closed bar.
    bars_known_at : datetime
        When the newest observation of any of its closed bars was received.
    evaluated_at : datetime or None
        When this configuration was last evaluated on it.
    verdict : str or None
        Of that evaluation.
    is_scored : bool
        Whether that evaluation had enough data for scores.
    live_until : datetime or None
        The newest moment of which there is a live prediction.
    """

    key: Key
    closed_until: datetime
    bars_known_at: datetime
    evaluated_at: datetime | None
    verdict: str | None
    is_scored: bool
    live_until: datetime | None


@dataclass(frozen=True, slots=True)
class Foretold:
    """New rows of the two tables, with the columns of the two schemas; either may be empty."""

    predictions: pl.DataFrame
    evidence: pl.DataFrame


def prepare(connection: duckdb.DuckDBPyConnection) -> None:
    """Make the two tables, where absent; the first takes the rows of the table whose place it takes, all or none."""
    is_old = has_table(connection, _BEFORE)
    if has_table(connection, PREDICTIONS) and has_table(connection, EVIDENCE) and not is_old:
        return
    with transaction(connection):
        connection.execute(f"create schema if not exists {CATALOG}.gold")
        for name, schema in ((PREDICTIONS, PREDICTION_SCHEMA), (EVIDENCE, EVIDENCE_SCHEMA)):
            columns = ", ".join(f'"{column}" {_SQL_TYPES[kind]}' for column, kind in schema.items())
            connection.execute(f"create table if not exists {CATALOG}.{name} ({columns})")
        if is_old:
            rows = connection.execute(_as_it_is_now(_BEFORE)).pl()
            for kind in (WALK_FORWARD, LIVE):
                _append_new(connection, rows.filter(pl.col("kind") == kind))
            connection.execute(f"drop table {CATALOG}.{_BEFORE}")


def _as_it_is_now(name: str) -> str:
    """Return the SELECT of a table of predictions with the columns of today."""
    if name == PREDICTIONS:
        return f"select * from {CATALOG}.{name}"
    told = ", ".join(f"{sql} as {column}" for column, sql in _TAKEN_OVER.items())
    return f"select *, {told} from {CATALOG}.{name}"


def states(
    connection: duckdb.DuckDBPyConnection, configuration: Configuration, *, interval: str = "1h"
) -> list[SeriesState]:
    """Return how far the forecasts of every series of that interval have come, sorted; :func:`prepare` first."""
    if not has_table(connection, CLEANED):
        return []
    chosen = [configuration.model, configuration.feature_set, configuration.horizon_hours]
    is_chosen = "(model, feature_set, horizon_hours) = (?, ?, ?)"
    is_asked = "model_version = '' and (model, feature_set, task) = (?, ?, ?)"
    asked = [configuration.model, configuration.feature_set, configuration.task]
    rows = connection.execute(
        f"""
        with bars as (
            select venue, market, symbol, interval, max(close_time) as closed_until, max(known_at) as known_at
            from {CATALOG}.{CLEANED} where interval = ? and is_closed group by all
        ),
        evaluations as (
            select venue, market, symbol, interval, max(known_at) filter (where {is_chosen}) as known_at,
                arg_max(verdict, known_at) filter (where {is_chosen}) as verdict,
                -- A struct, because arg_max passes over nulls.
                arg_max({{'value': accuracy}}, known_at) filter (where {is_chosen}) as scored
            from {CATALOG}.{EVIDENCE} group by all
        ),
        live as (
            select venue, market, symbol, interval, max(as_of) as live_until
            from {CATALOG}.{PREDICTIONS} where kind = '{LIVE}' and {is_asked} group by all
        )
        select bars.venue, bars.market, bars.symbol, bars.interval, bars.closed_until, bars.known_at,
            evaluations.known_at, evaluations.verdict, evaluations.scored.value is not null, live.live_until
        from bars left join evaluations using (venue, market, symbol, interval)
        left join live using (venue, market, symbol, interval)
        order by all
        """,
        [interval, *chosen, *chosen, *chosen, *asked],
    ).fetchall()
    return [SeriesState(row[:4], *row[4:]) for row in rows]


def newest_bars(connection: duckdb.DuckDBPyConnection, places: Iterable[tuple[str, str]]) -> dict[Key, datetime]:
    """Return when the newest closed bar of each series closed, of venues and intervals; sorted by series."""
    if not has_table(connection, CLEANED):
        return {}
    found: dict[Key, datetime] = {}
    for venue, interval in sorted(set(places)):
        rows = connection.execute(
            f"select venue, market, symbol, interval, max(close_time) from {CATALOG}.{CLEANED} "
            "where venue = ? and interval = ? and is_closed group by all order by all",
            [venue, interval],
        ).fetchall()
        found |= {row[:4]: row[4] for row in rows}
    return found


def foretold_until(connection: duckdb.DuckDBPyConnection) -> dict[tuple[Key, str, str, str], datetime]:
    """Return the newest moment that a model of the registry spoke of: by series, task, version and kind."""
    rows = connection.execute(
        f"select {', '.join(_KEY)}, task, model_version, kind, max(as_of) from {CATALOG}.{PREDICTIONS} "
        "where model_version <> '' group by all"
    ).fetchall()
    return {(row[:4], *row[4:7]): row[7] for row in rows}


def count_trials(connection: duckdb.DuckDBPyConnection, configuration: Configuration, keys: Iterable[Key]) -> int:
    """Return how many pairs of a series and a configuration were ever evaluated, those about to be included.

    Whoever looks for a series that can be foretold has as many chances to be misled.
    """
    columns = ", ".join((*_KEY, *_CONFIGURATION))
    tried = set(connection.execute(f"select distinct {columns} from {CATALOG}.{EVIDENCE}").fetchall())
    chosen = configuration.model, configuration.feature_set, configuration.horizon_hours
    return len(tried | {(*key, *chosen) for key in keys})


def closed_bars(connection: duckdb.DuckDBPyConnection, keys: Sequence[Key]) -> dict[Key, pl.DataFrame]:
    """Return all closed bars of each series, in order of time, read at once."""
    columns = ", ".join(f"bar.{name}" for name in (*_KEY, *STEP_COLUMNS))
    wanted = pl.DataFrame(keys, schema=[*_KEY], orient="row")
    connection.register("wanted", wanted)
    try:
        frame = connection.execute(
            f"select {columns} from {CATALOG}.{CLEANED} as bar semi join wanted using ({', '.join(_KEY)}) "
            f"where bar.is_closed order by {', '.join(f'bar.{name}' for name in _KEY)}, bar.open_time"
        ).pl()
    finally:
        connection.unregister("wanted")
    parts = frame.partition_by(*_KEY, as_dict=True, maintain_order=True, include_key=False)
    return {(str(key[0]), str(key[1]), str(key[2]), str(key[3])): part for key, part in parts.items()}


def latest_evidence(connection: duckdb.DuckDBPyConnection) -> list[dict[str, object]]:
    """Return the newest evaluation of every series as a row of :data:`EVIDENCE`, sorted by series."""
    if not has_table(connection, EVIDENCE):
        return []
    found = connection.execute(
        f"select * from {CATALOG}.{EVIDENCE} "
        f"qualify row_number() over (partition by {', '.join(_KEY)} order by known_at desc, trials desc) = 1 "
        f"order by {', '.join(_KEY)}"
    ).pl()
    return found.to_dicts()


def newest(connection: duckdb.DuckDBPyConnection) -> datetime | None:
    """Return when the newest prediction was made; None if there is none."""
    found = connection.execute(f"select max(known_at) from {CATALOG}.{PREDICTIONS}").fetchall()[0][0]
    return found if isinstance(found, datetime) else None


def append(connection: duckdb.DuckDBPyConnection, foretold: Iterable[Foretold]) -> dict[str, int]:
    """Append what is new, in one transaction; return how many rows of each kind of prediction, and of evidence.

    A prediction that is there already, by its grain, is left as it was first made.

    Parameters
    ----------
    foretold : iterable of Foretold
        Consumed inside the transaction.
    """
    added = {**dict.fromkeys(KINDS, 0), "evidence": 0}
    with transaction(connection):
        for part in foretold:
            for kind in KINDS:  # a file each, so that who reads the live ones opens no other
                rows = part.predictions.filter(pl.col("kind") == kind)
                added[kind] += _append_new(connection, rows)
            if not part.evidence.is_empty():
                added["evidence"] += _insert(connection, EVIDENCE, part.evidence.select(*EVIDENCE_SCHEMA))
    return added


def take_over(connection: duckdb.DuckDBPyConnection, other: duckdb.DuckDBPyConnection) -> dict[str, int]:
    """Append what another lake holds and this one does not, in one transaction; return how many rows of each table."""
    grains = {PREDICTIONS: GRAIN, EVIDENCE: (*_KEY, *_CONFIGURATION, "known_at")}
    schemas = {PREDICTIONS: PREDICTION_SCHEMA, EVIDENCE: EVIDENCE_SCHEMA}
    taken = dict.fromkeys(grains, 0)
    with transaction(connection):
        for name, grain in grains.items():
            for source in (name, _BEFORE) if name == PREDICTIONS else (name,):
                if has_table(other, source):
                    there = connection.execute(f"select {', '.join(grain)} from {CATALOG}.{name}").pl()
                    select = _as_it_is_now(source) if name == PREDICTIONS else f"select * from {CATALOG}.{source}"
                    rows = _typed(other.execute(f"{select} order by all").pl(), schemas[name])
                    taken[name] += _insert(connection, name, rows.join(there, on=grain, how="anti"))
    return taken


def _append_new(connection: duckdb.DuckDBPyConnection, rows: pl.DataFrame) -> int:
    if rows.is_empty():
        return 0
    new = _typed(rows, PREDICTION_SCHEMA)
    there = connection.execute(
        f"select {', '.join(GRAIN)} from {CATALOG}.{PREDICTIONS} where kind = ? and as_of between ? and ?",
        [new["kind"][0], new["as_of"].min(), new["as_of"].max()],
    ).pl()
    if there.height:
        new = new.join(there.cast({name: PREDICTION_SCHEMA[name] for name in GRAIN}), on=GRAIN, how="anti")
    return _insert(connection, PREDICTIONS, new.sort(*_KEY, "as_of")) if new.height else 0


def _typed(rows: pl.DataFrame, schema: dict[str, pl.DataType | type[pl.DataType]]) -> pl.DataFrame:
    """Return rows with all columns of a table, null where they have none."""
    lacking = [pl.lit(None, dtype=kind).alias(name) for name, kind in schema.items() if name not in rows.columns]
    return rows.with_columns(lacking).select(pl.col(name).cast(kind) for name, kind in schema.items())


def _insert(connection: duckdb.DuckDBPyConnection, name: str, rows: pl.DataFrame) -> int:
    connection.register("new_rows", rows)
    try:
        connection.execute(f"insert into {CATALOG}.{name} by name select * from new_rows")
    finally:
        connection.unregister("new_rows")
    return rows.height
