"""The tables of the reconciliation, and the states from which it goes on; made with the first price of two sources."""

from __future__ import annotations

import contextlib
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime

import duckdb
import polars as pl

from assay.domain.interval import EPOCH
from assay.lake import definitions
from assay.lake.as_of import seen_by
from assay.lake.catalog import CATALOG, transaction
from assay.lake.manifest import has_table
from assay.lake.zones import Key

CONSENSUS = "gold.consensus_prices"
DEVIATIONS = "gold.source_deviations"
TRUST = "gold.source_trust"
_STATES = "refresh.reconciliation_states"
GROUP = ("market", "symbol", "interval")
_GROUP = "market varchar, symbol varchar, interval varchar"
_SOURCE = "venue varchar, source_market varchar, source_symbol varchar"
_TABLES = {
    CONSENSUS: f"""{_GROUP}, open_time timestamptz, close_time timestamptz, price double, sources integer,
        sources_used integer, spread_bps double, status varchar, known_at timestamptz, available_at timestamptz""",
    DEVIATIONS: f"""{_GROUP}, open_time timestamptz, {_SOURCE}, close double, deviation_bps double, z double,
        premium_bps double, weight double, is_flagged boolean, reason varchar""",
    TRUST: f"""{_GROUP}, date date, {_SOURCE}, trust double, completeness double, agreement double, closeness double,
        bars integer, flagged integer""",
    _STATES: f"{_GROUP}, made_of varchar, open_time timestamptz, state blob",
}
Group = tuple[str, str, str]
"""Market, symbol and interval."""


@dataclass(frozen=True, slots=True)
class Written:
    """What one group of sources gives after a moment: rows of the three tables, and states by open time."""

    group: Group
    made_of: str
    after: datetime
    consensus: pl.DataFrame
    deviations: pl.DataFrame
    trust: pl.DataFrame
    states: Sequence[tuple[datetime, bytes]]


def all_series(connection: duckdb.DuckDBPyConnection) -> list[Key]:
    """Return the key of every series that bronze holds bars of, in order."""
    return connection.execute(
        f"select distinct venue, market, symbol, interval from {CATALOG}.bronze.batch_ranges order by all"
    ).fetchall()


def is_made(connection: duckdb.DuckDBPyConnection) -> bool:
    """Return whether any two sources were ever reconciled."""
    return has_table(connection, CONSENSUS)


def made_of(connection: duckdb.DuckDBPyConnection) -> dict[Group, str]:
    """Return what each group was last made of: its sources and the program."""
    if not is_made(connection):
        return {}
    rows = connection.execute(f"select distinct market, symbol, interval, made_of from {CATALOG}.{_STATES}").fetchall()
    return {(market, symbol, interval): text for market, symbol, interval, text in rows}


def last_state(
    connection: duckdb.DuckDBPyConnection, group: Group, made_of: str, before: datetime
) -> tuple[datetime, bytes] | None:
    """Return the last state of a group before a moment, or None; states of other sources or code are not used."""
    if not is_made(connection):
        return None
    return connection.execute(
        f"select open_time, state from {CATALOG}.{_STATES} where (market, symbol, interval, made_of) = (?, ?, ?, ?) "
        "and open_time < ? order by open_time desc limit 1",
        [*group, made_of, before],
    ).fetchone()


def ends_of_years(connection: duckdb.DuckDBPyConnection, keys: Sequence[Key]) -> list[datetime | None]:
    """Return the end of each calendar year in which the series have closed bars, None for the last one.

    A year of all sources of a price fits into memory, however long their history is.
    """
    with _registered(connection, "reconciled_sources", _sources(keys)):
        years = connection.execute(
            f"select distinct year(bar.open_time) from {CATALOG}.silver.crypto_prices_cleaned as bar "
            "semi join reconciled_sources using (venue, market, symbol, interval) where bar.is_closed order by 1"
        ).fetchall()
    return [*(EPOCH.replace(year=year + 1) for (year,) in years[:-1]), None]


def bars_after(
    connection: duckdb.DuckDBPyConnection, keys: Sequence[Key], after: datetime, *, until: datetime | None = None
) -> pl.DataFrame:
    """Return the closed bars of the series after a moment, and before `until` if given, in order of time.

    `source` is the position in `keys`.
    """
    end = "" if until is None else f"and bar.open_time < timestamptz '{until.isoformat()}' "
    with _registered(connection, "reconciled_sources", _sources(keys)):
        return connection.execute(
            "select one.source, bar.open_time, bar.close_time, bar.open, bar.high, bar.low, bar.close, bar.volume, "
            f"bar.known_at, bar.available_at from {CATALOG}.silver.crypto_prices_cleaned as bar "
            "join reconciled_sources as one using (venue, market, symbol, interval) "
            # A constant, so that DuckLake leaves the files before it unread.
            f"where bar.is_closed and bar.open_time > timestamptz '{after.isoformat()}' {end}order by bar.open_time"
        ).pl()


def bars_seen(
    connection: duckdb.DuckDBPyConnection,
    keys: Sequence[Key],
    *,
    as_of: datetime | None,
    available_at: datetime | None,
) -> pl.DataFrame:
    """Return what :func:`bars_after` does of all bars, as they were known or available at a moment."""
    seen = (
        f"(select bar.* from {CATALOG}.silver.kline_revisions as bar "
        "semi join reconciled_sources as one using (venue, market, symbol, interval) "
        f"where {seen_by(as_of, available_at)})"
    )
    with _registered(connection, "reconciled_sources", _sources(keys)):
        return connection.execute(
            "select one.source, bar.open_time, bar.close_time, bar.open, bar.high, bar.low, bar.close, bar.volume, "
            f"bar.known_at, bar.available_at from ({definitions.current_klines(seen)}) as bar "
            "join reconciled_sources as one using (venue, market, symbol, interval) "
            "where bar.is_closed order by bar.open_time"
        ).pl()


def write(connection: duckdb.DuckDBPyConnection, written: Iterable[Written], *, everything: bool) -> int:
    """Put new rows in the place of what follows from each group's `after`, in one transaction; return how many bars.

    Parameters
    ----------
    written : iterable of Written
        Consumed inside the transaction; a group may come in several parts, in order of time.
    everything : bool
        Make the tables anew: groups that are not among `written` are gone.
    """
    count = 0
    with transaction(connection):
        for name, columns in _TABLES.items():
            if everything:
                connection.execute(f"drop table if exists {CATALOG}.{name}")
            connection.execute(f"create table if not exists {CATALOG}.{name} ({columns})")
        for one in written:
            _replace(connection, one)
            count += one.consensus.height
    return count


def _replace(connection: duckdb.DuckDBPyConnection, one: Written) -> None:
    for name in _TABLES:
        moment = "date::timestamptz" if name == TRUST else "open_time"
        stale = "and (made_of <> ? or open_time > ?)" if name == _STATES else f"and {moment} > ?"
        values = [*one.group, *([one.made_of] if name == _STATES else []), one.after]
        connection.execute(f"delete from {CATALOG}.{name} where (market, symbol, interval) = (?, ?, ?) {stale}", values)
    states = pl.DataFrame(
        [(*one.group, one.made_of, moment, state) for moment, state in one.states],
        schema={**dict.fromkeys(("market", "symbol", "interval", "made_of"), pl.String()),
                "open_time": pl.Datetime("us", "UTC"), "state": pl.Binary()},
        orient="row",
    )  # fmt: skip
    frames = {CONSENSUS: one.consensus, DEVIATIONS: one.deviations, TRUST: one.trust, _STATES: states}
    for name, frame in frames.items():
        if frame.height:
            with _registered(connection, "reconciled_rows", frame):
                connection.execute(f"insert into {CATALOG}.{name} by name select * from reconciled_rows")


def _sources(keys: Sequence[Key]) -> pl.DataFrame:
    return pl.DataFrame(
        [(number, *key) for number, key in enumerate(keys)],
        schema=["source", "venue", "market", "symbol", "interval"],
        orient="row",
    )


@contextlib.contextmanager
def _registered(connection: duckdb.DuckDBPyConnection, name: str, frame: pl.DataFrame) -> Iterator[None]:
    connection.register(name, frame)
    try:
        yield
    finally:
        connection.unregister(name)
