"""How complete each series is: what is missing between its first and its last bar, and why, as far as that is known."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Any

from assay.domain.duration import parse_duration
from assay.domain.instrument import SeriesId
from assay.domain.interval import CODES, Interval
from assay.domain.spans import NOTHING, Spans
from assay.lake import as_of as moments
from assay.lake import reads
from assay.lake.coverage_cache import read_coverage
from assay.lake.coverage_proof import SeriesCoverage
from assay.pipelines.workspace import Workspace
from assay.selectors.kept import Reading

MOST_HOLES = 500
_REVISIONS = "silver.kline_revisions"


class HoleCause(StrEnum):
    """Why bars are missing."""

    VENUE_HAS_NONE = "venue has none"
    """Asked for late enough and often enough: answers came, without the bars."""
    IN_DOUBT = "in doubt"
    """Asked for late enough, but not often enough to be sure."""
    SET_ASIDE = "set aside"
    """Bronze holds the bars and silver does not: they are in quarantine, or wait for the next build."""
    NOT_ANSWERED = "not answered"
    """No answer that came late enough covers them: not asked for yet, or not answered."""
    NOT_KNOWN = "not known"
    """Files, whose gaps prove nothing; or asked of a moment in the past, of which no record is kept."""


@dataclass(frozen=True, slots=True)
class SeriesHealth:
    """One series; the counts after `missing_bars` are None as of a moment.

    Attributes
    ----------
    venue, market, symbol, interval : str
    bars : int
        That are stored.
    first_open_time, last_open_time : datetime
        Of the first and the last of them.
    missing_bars : int
        Between those two.
    holes, provisional_bars, zero_volume_bars, outliers, restated_bars : int or None
        Runs of missing bars; bars that may still change, that nothing was traded in, that moved more than usual, that
        have changed since they were first received.
    """

    venue: str
    market: str
    symbol: str
    interval: str
    bars: int
    first_open_time: datetime
    last_open_time: datetime
    missing_bars: int
    holes: int | None = None
    provisional_bars: int | None = None
    zero_volume_bars: int | None = None
    outliers: int | None = None
    restated_bars: int | None = None

    @property
    def series(self) -> str:
        """``venue:market:SYMBOL``."""
        return f"{self.venue}:{self.market}:{self.symbol}"

    @property
    def coverage(self) -> float:
        """Bars over bars expected between the first and the last; a fraction."""
        return self.bars / (self.bars + self.missing_bars)


@dataclass(frozen=True, slots=True)
class SeriesHole:
    """A run of missing bars of one series: those that would open in ``[start, end)``."""

    venue: str
    market: str
    symbol: str
    interval: str
    start: datetime
    end: datetime
    bars: int
    cause: HoleCause


_Hole = tuple[str, str, str, str, datetime, datetime, int]
"""Venue, market, symbol, interval, start, end, bars."""

_NOW = """
select
    venue, market, symbol, interval, count(*), min(open_time), max(open_time),
    sum(missing_bars_before)::bigint, count(*) filter (where is_gap_before),
    count(*) filter (where not is_closed), count(*) filter (where volume = 0),
    count(*) filter (where is_outlier), count(*) filter (where revision > 1)
from {bars}
group by all order by all
"""
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


def series_holes(reading: Reading, workspace: Workspace) -> tuple[SeriesHole, ...]:
    """Return the latest holes, at most 500, with what the answers in bronze prove of them; as of a moment, without."""
    if not any(one.missing_bars for one in series_health(reading)):
        return ()
    holes = reading.part("holes", _holes)
    if reading.as_of is not None:
        return tuple(SeriesHole(*hole, HoleCause.NOT_KNOWN) for hole in holes)
    ingest = workspace.settings.ingest
    settle = parse_duration(ingest.settle)
    ledgers = {
        venue: read_coverage(workspace.home, venue, settle=settle, confirmations=ingest.confirmations)
        for venue in sorted({hole[0] for hole in holes})
    }
    return tuple(
        SeriesHole(*hole, _cause(ledgers[hole[0]].series(SeriesId.of(*hole[:4])), hole[4], hole[5])) for hole in holes
    )


def _cause(proven: SeriesCoverage, start: datetime, end: datetime) -> HoleCause:
    """Return what is proven of the whole hole; of one with parts of several kinds, the least certain."""
    hole = Spans.of([(start, end)])
    asked = proven.settled | proven.held | proven.confirmed_empty
    if not asked and not proven.in_vain:
        return HoleCause.NOT_KNOWN
    in_vain = NOTHING
    for spans in proven.in_vain.values():
        in_vain |= spans & hole
    left = hole - asked
    if left - in_vain:
        return HoleCause.NOT_ANSWERED
    if left:
        return HoleCause.IN_DOUBT
    return HoleCause.VENUE_HAS_NONE if not hole - proven.confirmed_empty else HoleCause.SET_ASIDE


def _series_health(reading: Reading) -> tuple[SeriesHealth, ...]:
    if not reading.has(reads.CLEANED):
        return ()
    if reading.as_of is None:
        rows = reading.connection.execute(_NOW.format(bars=reading.table(reads.CLEANED))).fetchall()
        return tuple(SeriesHealth(*row) for row in rows)
    rows = reading.connection.execute(_then(reading) + _SERIES_THEN).fetchall()
    return tuple(_health_then(row) for row in rows)


def _health_then(row: tuple[Any, ...]) -> SeriesHealth:
    venue, market, symbol, interval, bars, first, last = row
    missing = Interval.parse(interval).count(first, last) + 1 - bars
    return SeriesHealth(venue, market, symbol, interval, bars, first, last, missing)


def _holes(reading: Reading) -> tuple[_Hole, ...]:
    if reading.as_of is None:
        query = _HOLES_NOW.format(bars=reading.table(reads.CLEANED))
        return tuple(reading.connection.execute(query, [MOST_HOLES]).fetchall())
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
    return tuple(found[:MOST_HOLES])


def _then(reading: Reading) -> str:
    assert reading.as_of is not None
    observations = moments.relation(_REVISIONS, reading.as_of)
    bars = moments.relation(reads.CLEANED, None)
    return _THEN.format(bars=bars, observations=observations, known=moments.known_by(reading.as_of))
