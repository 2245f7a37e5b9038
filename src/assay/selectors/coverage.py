"""How complete each series is: what is missing between its first and its last bar, and why, as far as that is known."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from assay.domain.instrument import SeriesId
from assay.domain.interval import CODES, Interval
from assay.domain.spans import Spans
from assay.lake import as_of as moments
from assay.lake import reads
from assay.lake.coverage_causes import HoleCause, HolePart, Remedy
from assay.pipelines.workspace import Workspace
from assay.selectors.coverage_causes import parts_of
from assay.selectors.health import SeriesHealth, count_series
from assay.selectors.kept import Reading

MOST_HOLES = 500
_REVISIONS = "silver.kline_revisions"


@dataclass(frozen=True, slots=True)
class SeriesHole:
    """A run of missing bars of one series, those that would open in ``[start, end)``, why, and what tells it.

    `remedy` says what may still bring them: ``ask``, ``build`` or ``nothing``.
    """

    venue: str
    market: str
    symbol: str
    interval: str
    start: datetime
    end: datetime
    bars: int
    cause: HoleCause
    evidence: str = ""
    remedy: Remedy = Remedy.NOTHING


_Hole = tuple[str, str, str, str, datetime, datetime, int]
"""Venue, market, symbol, interval, start, end, bars."""

_HOLES_NOW = """
select
    venue, market, symbol, interval,
    case
        when interval = '1M' then open_time - to_months(missing_bars_before::integer)
        else make_timestamptz(
            epoch_us(open_time) - missing_bars_before * (epoch_us(close_time) - epoch_us(open_time))
        )
    end,
    open_time, missing_bars_before
from {bars}
where is_gap_before
order by open_time desc, venue, market, symbol, interval
limit ?
"""
# A bar was there as soon as one observation of it was known. Of most bars the current revision was known then; only of
# the others the observations are looked through.
_THEN = """
with later as (
    select venue, market, symbol, interval, open_time from {bars} where not {known}
),

older as (
    select distinct venue, market, symbol, interval, open_time
    from {observations}
    semi join later using (venue, market, symbol, interval, open_time)
),

bars as (
    select venue, market, symbol, interval, open_time from {bars} where {known}
    union all
    from older
)
"""
_SERIES_THEN = """
select venue, market, symbol, interval, count(*), min(open_time), max(open_time) from bars group by all order by all
"""
_HOLES_THEN = """
select venue, market, symbol, interval, previous, open_time
from (
    select *, lag(open_time) over (partition by venue, market, symbol, interval order by open_time) as previous
    from bars
    where concat_ws(':', venue, market, symbol, interval) in (select unnest(?))
)
where epoch_us(open_time) - epoch_us(previous) > {shortest}
"""


_FEBRUARY = timedelta(days=28) // timedelta(microseconds=1)
_LENGTHS = {one: _FEBRUARY if one.is_calendar else one.microseconds for one in map(Interval.parse, CODES)}
_CASES = " ".join(f"when '{one}' then {length}" for one, length in _LENGTHS.items())
_SHORTEST = f"case interval {_CASES} end"


def series_health(reading: Reading) -> tuple[SeriesHealth, ...]:
    """Return the state of every series, sorted; none before there are bars."""
    return reading.part("series health", _series_health)


def series_holes(reading: Reading, workspace: Workspace, *, most: int = MOST_HOLES) -> tuple[SeriesHole, ...]:
    """Return the latest holes between bars, at most `most`, each in parts of one cause."""
    found = holes_of(reading, workspace, missing_spans(reading, most))
    return tuple(sorted(found, key=lambda one: (one.end, one.venue, one.symbol, one.interval), reverse=True))


def missing_spans(reading: Reading, most: int = MOST_HOLES) -> dict[SeriesId, Spans]:
    """Return where bars are missing between the bars of each series: the latest holes, at most `most`."""
    if not any(one.missing_bars for one in series_health(reading)):
        return {}
    found: dict[SeriesId, list[tuple[datetime, datetime]]] = {}
    for *key, start, end, _ in reading.part(("holes", most), lambda one: _holes(one, most)):
        found.setdefault(SeriesId.of(*key), []).append((start, end))
    return {series: Spans.of(spans) for series, spans in found.items()}


def holes_of(reading: Reading, workspace: Workspace, missing: Mapping[SeriesId, Spans]) -> Iterator[SeriesHole]:
    """Yield the missing bars of these series in parts of one cause each."""
    for series, spans in missing.items():
        for part in hole_parts(reading, workspace, series, spans):
            yield SeriesHole(*series.key, *(getattr(part, name) for name in HolePart.__slots__))


def hole_parts(reading: Reading, workspace: Workspace, series: SeriesId, holes: Spans) -> list[HolePart]:
    """Return holes of a series in parts of one cause; by `available_at`, the record of answers does not tell any."""
    if reading.available_at is None:
        return parts_of(reading, workspace, series, holes, known=known_of(reading, series))
    told, count = "causes are told by what had been received (as_of) only", series.interval.count
    return [HolePart(*hole, count(*hole), HoleCause.UNKNOWN, told) for hole in holes]


def hole_causes(
    reading: Reading, workspace: Workspace, series: SeriesId, holes: Sequence[tuple[datetime, datetime]]
) -> dict[tuple[datetime, datetime], HoleCause]:
    """Return the cause of each hole ``[start, end)`` of a series; of one with parts of several, the least certain."""
    parts = iter(hole_parts(reading, workspace, series, Spans.of(holes)))
    found: dict[tuple[datetime, datetime], HoleCause] = {}
    part = next(parts, None)
    for hole in sorted(holes):
        causes = []
        while part is not None and part.start < hole[1]:
            causes.append(part.cause)
            part = next(parts, None)
        found[hole] = max(causes, key=[*HoleCause].index, default=HoleCause.UNKNOWN)
    return found


def known_of(reading: Reading, series: SeriesId) -> tuple[datetime | None, datetime | None]:
    """Return when the first bar of a series that tables hold opens, and when the last closes."""
    by_key = reading.part("edges of series", _edges)
    return by_key.get(series.key, (None, None))


def _edges(reading: Reading) -> dict[tuple[str, str, str, str], tuple[datetime | None, datetime | None]]:
    return {
        (one.venue, one.market, one.symbol, one.interval): (
            one.first_open_time,
            Interval.parse(one.interval).close_time(one.last_open_time),
        )
        for one in series_health(reading)
    }


def _series_health(reading: Reading) -> tuple[SeriesHealth, ...]:
    if not reading.has(reads.CLEANED):
        return ()
    if reading.is_now:
        return count_series(reading.connection, reading.table(reads.CLEANED))
    rows = reading.connection.execute(_then(reading) + _SERIES_THEN).fetchall()
    return tuple(_health_then(row) for row in rows)


def _health_then(row: tuple[Any, ...]) -> SeriesHealth:
    venue, market, symbol, interval, bars, first, last = row
    missing = Interval.parse(interval).count(first, last) + 1 - bars
    return SeriesHealth(venue, market, symbol, interval, bars, first, last, missing)


def _holes(reading: Reading, most: int) -> tuple[_Hole, ...]:
    if reading.is_now:
        query = _HOLES_NOW.format(bars=reading.table(reads.CLEANED))
        return tuple(reading.connection.execute(query, [most]).fetchall())
    series = {
        f"{one.series}:{one.interval}": Interval.parse(one.interval)
        for one in series_health(reading)
        if one.missing_bars
    }
    query = _then(reading) + _HOLES_THEN.format(shortest=_SHORTEST)
    rows = reading.connection.execute(query, [list(series)]).fetchall()
    found = []
    for *key, previous, opened in rows:
        interval = series[":".join(key)]
        start = interval.close_time(previous)
        if start < opened:
            found.append((*key, start, opened, interval.count(start, opened)))
    found.sort(key=lambda hole: (hole[5], hole[:4]), reverse=True)
    return tuple(found[:most])


def _then(reading: Reading) -> str:
    observations = reading.table(_REVISIONS)
    bars = moments.relation(reads.CLEANED, None)
    # The two moments of a revision may be of two observations; by both clocks one has to meet them.
    is_one = reading.as_of is None or reading.available_at is None
    known = moments.seen_by(reading.as_of, reading.available_at) if is_one else "false"
    return _THEN.format(bars=bars, observations=observations, known=known)
