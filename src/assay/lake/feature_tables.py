"""Tables of Step outputs, and the saved states from which the next refresh goes on.

States are kept at the end of every month, at the last bar of a series and at two of the few hundred before it. A change
inside history goes back to the last state before it, so it costs at most a month more than what changed and what
follows from it; a change among the newest bars costs little more than itself.
"""

from __future__ import annotations

import contextlib
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

import duckdb
import polars as pl

from assay.domain.interval import EPOCH
from assay.lake.catalog import CATALOG, transaction
from assay.lake.manifest import has_table
from assay.lake.zones import Key, Zone

_KEY = ("venue", "market", "symbol", "interval")
_KEY_DDL = "venue varchar, market varchar, symbol varchar, interval varchar, open_time timestamptz"
_CHUNK_ROWS = 1_000_000
_BAR_COLUMNS = (
    "open_time", "close_time", "open", "high", "low", "close", "volume", "quote_volume", "taker_buy_volume",
    "num_trades",
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class FeatureTable:
    """A table of Step outputs.

    Attributes
    ----------
    name : str
        ``schema.table``.
    outputs : sequence of str
        The output columns, float64.
    feature_set : str
        Name and hash of what computes them; stamped on every row.
    """

    name: str
    outputs: Sequence[str]
    feature_set: str


@dataclass(frozen=True, slots=True)
class Resumption:
    """Where the computation of one series goes on.

    Attributes
    ----------
    key : tuple of str
        Venue, market, symbol and interval.
    after : datetime
        The open time of the last bar that `state` has seen; the epoch if none.
    state : bytes, optional
        The saved state of the feature set, or None to begin at the first bar.
    """

    key: Key
    after: datetime
    state: bytes | None


@dataclass(frozen=True, slots=True)
class Computed:
    """The outputs of one series from its resumption on, and the states to keep.

    `rows` has a row per closed bar after the resumption: open_time and one column per output, null while warming up.
    """

    key: Key
    rows: pl.DataFrame
    states: Mapping[datetime, bytes]


def resumptions(connection: duckdb.DuckDBPyConnection, zones: Sequence[Zone], feature_set: str) -> list[Resumption]:
    """Return, for each series in the zones, the last saved state before its first zone.

    Parameters
    ----------
    feature_set : str
        Name and hash; states of another one are not used.
    """
    first: dict[Key, datetime] = {}
    for zone in zones:
        first[zone.key] = min(zone.from_time, first.get(zone.key, zone.from_time))
    found: dict[Key, tuple[datetime, bytes]] = {}
    starts = pl.DataFrame([(*key, start) for key, start in first.items()], schema=[*_KEY, "start"], orient="row")
    with _registered(connection, "starts", starts):
        for venue, market, symbol, interval, after, state in connection.execute(
            f"select {', '.join(f'kept.{name}' for name in _KEY)}, max(kept.open_time), "
            "arg_max(kept.state, kept.open_time) "
            f"from {CATALOG}.refresh.feature_states as kept join starts on {_same_key('starts', 'kept')} "
            "where kept.feature_set = ? and kept.open_time < starts.start group by all",
            [feature_set],
        ).fetchall():
            found[venue, market, symbol, interval] = after, state
    return [Resumption(key, *found.get(key, (EPOCH, None))) for key in sorted(first)]


def bars_after(connection: duckdb.DuckDBPyConnection, wanted: Sequence[Resumption]) -> dict[Key, pl.DataFrame]:
    """Return the closed bars of each series after its resumption, in order of time."""
    columns = ", ".join(f"bar.{name}" for name in (*_KEY, *_BAR_COLUMNS))
    with _registered(connection, "resume", _key_frame(wanted)):
        frame = connection.execute(
            f"select {columns} from {CATALOG}.silver.crypto_prices_cleaned as bar "
            f"join resume on {_same_key('resume', 'bar')} "
            f"where bar.open_time > resume.after and bar.is_closed and {_after_constant(wanted, 'bar')} "
            f"order by {', '.join(f'bar.{name}' for name in _KEY)}, bar.open_time"
        ).pl()
    parts = frame.partition_by(*_KEY, as_dict=True, maintain_order=True, include_key=False)
    return {(str(key[0]), str(key[1]), str(key[2]), str(key[3])): part for key, part in parts.items()}


def write_features(
    connection: duckdb.DuckDBPyConnection,
    table: FeatureTable,
    wanted: Sequence[Resumption],
    computed: Iterable[Computed],
    *,
    everything: bool,
) -> int:
    """Replace what follows from each resumption by the new rows, in one transaction; return how many rows.

    Parameters
    ----------
    table : FeatureTable
        Made if absent.
    wanted : sequence of Resumption
        What is replaced: everything after each of them.
    computed : iterable of Computed
        One for each of `wanted`; consumed inside the transaction.
    everything : bool
        Make the table anew, as when the outputs have changed.
    """
    written = 0
    with transaction(connection), _registered(connection, "resume", _key_frame(wanted)):
        if everything and has_table(connection, table.name):
            connection.execute(f"drop table {CATALOG}.{table.name}")
        values = ", ".join(f'"{name}" double' for name in table.outputs)
        columns = f"{_KEY_DDL}, {values}, feature_set varchar"
        connection.execute(f"create table if not exists {CATALOG}.{table.name} ({columns})")
        for name in (table.name, "refresh.feature_states"):
            connection.execute(
                f"delete from {CATALOG}.{name} as kept where {_after_constant(wanted, 'kept')} and exists ("
                f"  select 1 from resume where {_same_key('resume', 'kept')} and kept.open_time > resume.after)"
            )
        for chunk in _chunks(computed):
            written += _append(connection, table, chunk)
    return written


def _chunks(computed: Iterable[Computed]) -> Iterator[list[Computed]]:
    """Gather series until a million rows are together: one file each would be as many files as series."""
    chunk: list[Computed] = []
    for one in computed:
        chunk.append(one)
        if sum(each.rows.height for each in chunk) >= _CHUNK_ROWS:
            yield chunk
            chunk = []
    if chunk:
        yield chunk


def _append(connection: duckdb.DuckDBPyConnection, table: FeatureTable, chunk: list[Computed]) -> int:
    rows = pl.concat([one.rows.select(*_literals(one.key), "open_time", *table.outputs) for one in chunk])
    kept = [
        (*one.key, table.feature_set, moment, state) for one in chunk for moment, state in sorted(one.states.items())
    ]
    states = pl.DataFrame(kept, schema=[*_KEY, "feature_set", "open_time", "state"], orient="row")
    with _registered(connection, "computed_rows", rows), _registered(connection, "computed_states", states):
        # Months first, as in the SQL tables: a refresh reads and replaces the last days of every series.
        order = f"order by date_trunc('month', open_time), {', '.join(_KEY)}, open_time"
        insert = f"insert into {CATALOG}.{table.name} select *, ? from computed_rows {order}"
        connection.execute(insert, [table.feature_set])
        if kept:
            connection.execute(f"insert into {CATALOG}.refresh.feature_states from computed_states")
    return rows.height


def _literals(key: Key) -> list[pl.Expr]:
    return [pl.lit(value).alias(name) for name, value in zip(_KEY, key, strict=True)]


def _key_frame(wanted: Sequence[Resumption]) -> pl.DataFrame:
    return pl.DataFrame([(*one.key, one.after) for one in wanted], schema=[*_KEY, "after"], orient="row")


def _same_key(one: str, other: str) -> str:
    return " and ".join(f"{one}.{name} = {other}.{name}" for name in _KEY)


def _after_constant(wanted: Sequence[Resumption], row: str) -> str:
    # A constant bound, so that DuckLake leaves the files before it unread.
    if not wanted:
        return "false"
    return f"{row}.open_time > timestamptz '{min(one.after for one in wanted).isoformat()}'"


@contextlib.contextmanager
def _registered(connection: duckdb.DuckDBPyConnection, name: str, frame: pl.DataFrame) -> Iterator[None]:
    connection.register(name, frame)
    try:
        yield
    finally:
        connection.unregister(name)
