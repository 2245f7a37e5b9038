"""Zones: which open times of which series a refresh has to compute again, and from where it has to read.

New batches say which open times they speak about. What follows from a changed bar is the bar itself, the return of
the next one, and the outlier flags of the bars whose window it is in; the rest of history stays as it is, so that a
refresh costs the new data and not the years before it.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

import duckdb

from assay.domain.interval import EPOCH, Interval
from assay.lake.catalog import CATALOG, transaction
from assay.lake.manifest import AMONG, has_table, insert_rows

WINDOW_BARS = 169
"""How many bars before a bar its columns may depend on: the 168 whose returns are the window of the outlier rule in
dbt/macros, and the one from whose close the first of those returns starts."""

_CLEANED = "silver.crypto_prices_cleaned"
_END_OF_TIME = datetime(9999, 12, 31, tzinfo=EPOCH.tzinfo)

Key = tuple[str, str, str, str]
Span = tuple[datetime, datetime]
Place = tuple[Key, datetime]
_KEY = ("venue", "market", "symbol", "interval")
_ASKED = f"struct(number int, {', '.join(f'{name} varchar' for name in _KEY)}, moment timestamptz)"


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
    condition = "true" if everything else AMONG
    for venue, market, symbol, interval, first, last in connection.execute(
        f"select venue, market, symbol, interval, first_open_time, last_open_time "
        f"from {CATALOG}.bronze.batch_ranges where {condition} order by all",
        [] if everything else [",".join(batch_ids)],
    ).fetchall():
        spans.setdefault((venue, market, symbol, interval), []).append((first, last))
    if everything or not has_table(connection, _CLEANED):
        zones = [Zone(key, EPOCH, _END_OF_TIME, EPOCH) for key in sorted(spans)]
    else:
        zones = _touched_zones(connection, spans)
    with transaction(connection):
        connection.execute(f"delete from {CATALOG}.refresh.zones")
        rows = [[*zone.key, zone.from_time, zone.until_time, zone.read_from] for zone in zones]
        insert_rows(connection, "refresh.zones", rows)
    return zones


def _touched_zones(connection: duckdb.DuckDBPyConnection, spans: Mapping[Key, Sequence[Span]]) -> list[Zone]:
    changed = [(key, span) for key in sorted(spans) for span in _merge(spans[key], _window(key[3]))]
    # What follows from a bar: the window's worth of bars after it.
    ends = _farthest(connection, [(key, last) for key, (_, last) in changed], is_after=True)
    reached: dict[Key, list[Span]] = {}
    for (key, (first, _)), end in zip(changed, ends, strict=True):
        reached.setdefault(key, []).append((first, end + Interval.parse(key[3]).duration))
    touched = [(key, span) for key in reached for span in _merge(reached[key])]
    # What it follows from: as many bars before it.
    starts = _farthest(connection, [(key, first) for key, (first, _) in touched], is_after=False)
    return [Zone(key, *span, read_from) for (key, span), read_from in zip(touched, starts, strict=True)]


def _merge(spans: Sequence[Span], nearer_than: timedelta = timedelta()) -> list[Span]:
    """Return the spans, sorted, with those that overlap or lie nearer than that put together."""
    merged: list[Span] = []
    for first, last in sorted(spans):
        if merged and first <= merged[-1][1] + nearer_than:
            merged[-1] = merged[-1][0], max(merged[-1][1], last)
        else:
            merged.append((first, last))
    return merged


def _window(interval: str) -> timedelta:
    return Interval.parse(interval).duration * WINDOW_BARS


def _farthest(connection: duckdb.DuckDBPyConnection, places: Sequence[Place], *, is_after: bool) -> list[datetime]:
    """Return the open time of the farthest of the `WINDOW_BARS` bars after (before) each place, or the place's own.

    One statement asks for all series of an interval: each has its price, whatever it finds.
    """
    found = {number: moment for number, (_, moment) in enumerate(places)}
    for interval in sorted({key[3] for key, _ in places}):
        asked = {number: place for number, place in enumerate(places) if place[0][3] == interval}
        # Nearly always the bars are right there; only where there are holes is the rest of history asked.
        for reach in (2 * _window(interval), None):
            rows = _neighbours(connection, asked, reach, is_after=is_after)
            found |= {number: farthest for number, _, farthest in rows}
            are_whole = {number for number, count, _ in rows if count == WINDOW_BARS}
            asked = {number: place for number, place in asked.items() if number not in are_whole}
            if not asked:
                break
    return list(found.values())


def _neighbours(
    connection: duckdb.DuckDBPyConnection, places: Mapping[int, Place], reach: timedelta | None, *, is_after: bool
) -> list[tuple[int, int, datetime]]:
    """Return, for each place with bars beyond it, its number, how many they are, and the farthest of them."""
    moments = [moment for _, moment in places.values()]
    if is_after:
        beyond, nearest = ">", "min"
        span = min(moments), max(moments) + reach if reach else _END_OF_TIME
    else:
        beyond, nearest = "<", "max"
        span = min(moments) - reach if reach else EPOCH, max(moments)
    names = ("number", *_KEY, "moment")
    asked = [dict(zip(names, (number, *key, moment), strict=True)) for number, (key, moment) in places.items()]
    return connection.execute(
        f"with asked as (select unnest(?::{_ASKED}[], recursive := true)), beyond as ("
        f"  select asked.number, {nearest}(bar.open_time, {WINDOW_BARS}) as open_times"
        f"  from {CATALOG}.{_CLEANED} as bar"
        f"  join asked using ({', '.join(_KEY)})"
        f"  where bar.open_time {beyond} asked.moment"
        f"  and bar.open_time >= {_literal(span[0])} and bar.open_time <= {_literal(span[1])} group by asked.number)"
        f"select number, len(open_times), open_times[-1] from beyond",
        [asked],
    ).fetchall()


def _literal(moment: datetime) -> str:
    # A literal, not a parameter: DuckLake leaves files unread only by constants it sees when it plans.
    return f"timestamptz '{moment.isoformat()}'"
