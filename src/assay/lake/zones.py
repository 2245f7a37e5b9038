"""Zones: which open times of which series a refresh has to compute again, and from where it has to read.

New batches say which open times they speak about. What follows from a changed bar is the bar itself, the return of
the next one, and the outlier flags of the bars whose window it is in; the rest of history stays as it is, so that a
refresh costs the new data and not the years before it.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

import duckdb

from assay.domain.interval import EPOCH, Interval
from assay.lake.catalog import CATALOG, transaction
from assay.lake.manifest import has_table, insert_rows

WINDOW_BARS = 169
"""How many bars before a bar its columns may depend on: the 168 whose returns are the window of the outlier rule in
dbt/macros, and the one from whose close the first of those returns starts."""

_CLEANED = "silver.crypto_prices_cleaned"
_END_OF_TIME = datetime(9999, 12, 31, tzinfo=EPOCH.tzinfo)

Key = tuple[str, str, str, str]
Span = tuple[datetime, datetime]


@dataclass(frozen=True, slots=True)
class Zone:
    """Open times ``[from_time, until_time)`` of one series to compute again, reading from `read_from` on."""

    key: Key
    from_time: datetime
    until_time: datetime
    read_from: datetime


def plan_zones(
    connection: duckdb.DuckDBPyConnection, batch_ids: Sequence[str], *, everything: bool = False
) -> list[Zone]:
    """Return the zones that the batches touch, all of every series if `everything`, and write them to the catalogue.

    The table ``refresh.zones`` is what the dbt models and their tests read.
    """
    spans: dict[Key, list[Span]] = {}
    condition = "true" if everything else "list_contains(?, batch_id)"
    for venue, market, symbol, interval, first, last in connection.execute(
        f"select venue, market, symbol, interval, first_open_time, last_open_time "
        f"from {CATALOG}.bronze.batch_ranges where {condition} order by all",
        [] if everything else [list(batch_ids)],
    ).fetchall():
        spans.setdefault((venue, market, symbol, interval), []).append((first, last))
    if everything or not has_table(connection, _CLEANED):
        zones = [Zone(key, EPOCH, _END_OF_TIME, EPOCH) for key in sorted(spans)]
    else:
        zones = [zone for key in sorted(spans) for zone in _series_zones(connection, key, spans[key])]
    with transaction(connection):
        connection.execute(f"delete from {CATALOG}.refresh.zones")
        rows = [[*zone.key, zone.from_time, zone.until_time, zone.read_from] for zone in zones]
        insert_rows(connection, "refresh.zones", rows)
    return zones


def _series_zones(connection: duckdb.DuckDBPyConnection, key: Key, spans: Sequence[Span]) -> list[Zone]:
    bar = Interval.parse(key[3]).duration
    window = bar * WINDOW_BARS
    touched = [(first, _reach(connection, key, last, bar)) for first, last in _merge(spans, window)]
    return [Zone(key, start, end, _read_from(connection, key, start, window)) for start, end in _merge(touched)]


def _merge(spans: Sequence[Span], nearer_than: timedelta = timedelta()) -> list[Span]:
    """Return the spans, sorted, with those that overlap or lie nearer than that put together."""
    merged: list[Span] = []
    for first, last in sorted(spans):
        if merged and first <= merged[-1][1] + nearer_than:
            merged[-1] = merged[-1][0], max(merged[-1][1], last)
        else:
            merged.append((first, last))
    return merged


def _reach(connection: duckdb.DuckDBPyConnection, key: Key, last: datetime, bar: timedelta) -> datetime:
    """Return the end of what follows from a bar: the window's worth of bars after it."""
    after = _bars(connection, key, f"open_time > {_literal(last)}", "asc")
    return (after[-1] if after else last) + bar


def _read_from(connection: duckdb.DuckDBPyConnection, key: Key, start: datetime, window: timedelta) -> datetime:
    """Return the open time of the first bar that a bar at `start` depends on."""
    before = f"open_time < {_literal(start)}"
    # Nearly always the bars are right there; only when there are holes is more of history asked.
    bars = _bars(connection, key, f"{before} and open_time >= {_literal(start - 2 * window)}", "desc")
    if len(bars) < WINDOW_BARS:
        bars = _bars(connection, key, before, "desc")
    return bars[-1] if bars else start


def _bars(connection: duckdb.DuckDBPyConnection, key: Key, condition: str, order: str) -> list[datetime]:
    rows = connection.execute(
        f"select open_time from {CATALOG}.{_CLEANED} "
        f"where venue = ? and market = ? and symbol = ? and interval = ? and {condition} "
        f"order by open_time {order} limit {WINDOW_BARS}",
        list(key),
    ).fetchall()
    return [row[0] for row in rows]


def _literal(moment: datetime) -> str:
    # A literal, not a parameter: DuckLake leaves files unread only by constants it sees when it plans.
    return f"timestamptz '{moment.isoformat()}'"
