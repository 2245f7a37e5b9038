"""Tables of Step outputs, and the saved states from which the next refresh goes on.

States are kept at the end of every month, at the last bar of a series and at two of the few hundred before it. A change
inside history goes back to the last state before it, so it costs at most a month more than what changed and what
follows from it; a change among the newest bars costs little more than itself.
"""

from __future__ import annotations

import contextlib
import itertools
from collections.abc import Iterable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from datetime import datetime, timedelta

import duckdb
import polars as pl

from assay.domain.interval import EPOCH
from assay.lake.catalog import CATALOG, transaction
from assay.lake.manifest import has_table
from assay.lake.reads import STEP_COLUMNS
from assay.lake.zones import Key, Zone

_KEY = ("venue", "market", "symbol", "interval")
_KEY_DDL = "venue varchar, market varchar, symbol varchar, interval varchar, open_time timestamptz"
_CHUNK_ROWS = 500_000
_HOUR_US = 3_600_000_000


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
        Name, version and hash of what computes them, ``name/version#hash``; stamped on every row.
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
    """The outputs of a span of one series from its resumption on, and the states to keep.

    `rows` has a row per closed bar of the span: open_time and one column per output, null while warming up.
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


def ends_of_spans(
    connection: duckdb.DuckDBPyConnection, wanted: Sequence[Resumption], most_rows: int
) -> list[datetime | None]:
    """Cut time where about `most_rows` closed bars of all series together lie between two cuts.

    However long the history is, one span of it fits into memory. The newest span is a full one: its last bars are
    those that a later refresh goes on from.

    Returns
    -------
    list of datetime or None
        The exclusive end of each span, whole hours, rising; the last is None, for the end of all series.
    """
    with _registered(connection, "resume", _key_frame(wanted)):
        hours = connection.execute(
            f"select epoch_us(bar.open_time) // {_HOUR_US}, count(*) {_FROM_BARS} where {_are_after(wanted)} "
            "group by 1 order by 1 desc"
        ).fetchall()
    ends: list[datetime | None] = [None]
    rows = 0
    for hour, count in hours:
        if rows and rows + count > most_rows:
            ends.append(EPOCH + (hour + 1) * timedelta(hours=1))
            rows = 0
        rows += count
    return ends[::-1]


def bars_after(
    connection: duckdb.DuckDBPyConnection, wanted: Sequence[Resumption], *, until: datetime | None = None
) -> dict[Key, pl.DataFrame]:
    """Return the closed bars of each series after its resumption, and before `until` if given, in order of time."""
    columns = ", ".join(f"bar.{name}" for name in STEP_COLUMNS)
    end = "true" if until is None else f"bar.open_time < timestamptz '{until.isoformat()}'"
    with _registered(connection, "resume", _key_frame(wanted)):
        frame = connection.execute(
            f"select resume.series, {columns} {_FROM_BARS} where {_are_after(wanted)} and {end} "
            "order by resume.series, bar.open_time"
        ).pl()
    parts = frame.partition_by("series", as_dict=True, maintain_order=True, include_key=False)
    return {wanted[int(number)].key: part for (number,), part in parts.items()}


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
        Consumed inside the transaction, in another thread: it reads by a connection of its own. A series may come in
        several parts, in order of time.
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
        # States of the same set by other code go as well; those of another set are another table's.
        own = "split_part(kept.feature_set, '/', 1) = ?"
        for name, condition in ((table.name, "true"), ("refresh.feature_states", own)):
            connection.execute(
                f"delete from {CATALOG}.{name} as kept where {_after_constant(wanted, 'kept')} and exists ("
                f"  select 1 from resume where {_same_key('resume', 'kept')} and kept.open_time > resume.after)"
                f" and {condition}",
                [] if condition == "true" else [table.feature_set.partition("/")[0]],
            )
        with _ahead(_chunks(computed)) as chunks:
            for chunk in chunks:
                written += _append(connection, table, chunk)
    return written


@contextlib.contextmanager
def _ahead(chunks: Iterator[list[Computed]]) -> Iterator[Iterator[list[Computed]]]:
    """Let the next chunk be computed, in a thread, while one is written."""
    with ThreadPoolExecutor(1) as pool:

        def one_ahead() -> Iterator[list[Computed]]:
            following = pool.submit(next, chunks, None)
            while (chunk := following.result()) is not None:
                following = pool.submit(next, chunks, None)
                yield chunk

        yield one_ahead()


def _chunks(computed: Iterable[Computed]) -> Iterator[list[Computed]]:
    """Gather series until many rows are together: one file each would be as many files as series."""
    chunk: list[Computed] = []
    for one in computed:
        chunk.append(one)
        if sum(each.rows.height for each in chunk) >= _CHUNK_ROWS:
            yield chunk
            chunk = []
    if chunk:
        yield chunk


def _append(connection: duckdb.DuckDBPyConnection, table: FeatureTable, chunk: list[Computed]) -> int:
    rows = _in_order([one.rows.select(*_literals(one.key), "open_time", *table.outputs) for one in chunk])
    kept = [
        (*one.key, table.feature_set, moment, state) for one in chunk for moment, state in sorted(one.states.items())
    ]
    states = pl.DataFrame(kept, schema=[*_KEY, "feature_set", "open_time", "state"], orient="row")
    with _registered(connection, "computed_rows", rows), _registered(connection, "computed_states", states):
        insert = f"insert into {CATALOG}.{table.name} select *, ? from computed_rows"
        connection.execute(insert, [table.feature_set])
        if kept:
            connection.execute(f"insert into {CATALOG}.refresh.feature_states from computed_states")
    return rows.height


def _in_order(frames: Sequence[pl.DataFrame]) -> pl.DataFrame:
    """Return the rows by month, series and time, given series each of which is in order of time.

    Months first, as in the SQL tables: a refresh reads and replaces the last days of every series. Only slices are put
    in order; to sort the rows of a wide table takes as long as to write them.
    """
    slices: list[tuple[datetime, Key, pl.DataFrame]] = []
    for frame in frames:
        month = frame["open_time"].dt.truncate("1mo")
        starts = (month != month.shift(1)).fill_null(value=True).arg_true().to_list()
        for start, end in itertools.pairwise([*starts, frame.height]):
            part = frame.slice(start, end - start)
            slices.append((month[start], part.select(_KEY).row(0), part))
    slices.sort(key=lambda one: one[:2])
    return pl.concat([part for *_, part in slices] or frames, rechunk=True)


def _literals(key: Key) -> list[pl.Expr]:
    return [pl.lit(value).alias(name) for name, value in zip(_KEY, key, strict=True)]


def _key_frame(wanted: Sequence[Resumption]) -> pl.DataFrame:
    rows = [(*one.key, one.after, number) for number, one in enumerate(wanted)]
    return pl.DataFrame(rows, schema=[*_KEY, "after", "series"], orient="row")


def _same_key(one: str, other: str) -> str:
    return " and ".join(f"{one}.{name} = {other}.{name}" for name in _KEY)


_FROM_BARS = f"from {CATALOG}.silver.crypto_prices_cleaned as bar join resume on {_same_key('resume', 'bar')}"


def _are_after(wanted: Sequence[Resumption]) -> str:
    return f"bar.open_time > resume.after and bar.is_closed and {_after_constant(wanted, 'bar')}"


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
