"""Every hole with its cause: between bars, before the first and after the last, as far as the venue was ever asked."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from assay.domain.errors import BadInputError
from assay.domain.instrument import SeriesId, check_venue
from assay.domain.interval import Interval, utc
from assay.domain.spans import NOTHING, Span, Spans
from assay.domain.symbol import Symbol
from assay.lake import reads
from assay.lake.coverage_causes import HoleCause, Remedy, asked_in_vain
from assay.lake.settling import settle_of
from assay.pipelines.workspace import Workspace
from assay.selectors.coverage import SeriesHole, holes_of, known_of, missing_spans
from assay.selectors.coverage_causes import asked_series, ingest_rules
from assay.selectors.kept import Reading, answer

MOST_HOLES = 100_000
"""How many holes are told, the latest of those between bars."""
_OPEN = """
select venue, market, symbol, interval, open_time, close_time from {bars} where not is_closed and close_time <= ?
"""
# Of the observations that were known then: a bar is open until one of them is closed.
_OPEN_THEN = """
select venue, market, symbol, interval, open_time, max(close_time)
from {observations}
where is_provisional and close_time <= ?
group by all
except
select venue, market, symbol, interval, open_time, close_time from {observations} where not is_provisional
"""
_REVISIONS = "silver.kline_revisions"


@dataclass(frozen=True, slots=True)
class CauseCount:
    """How many holes and missing bars have a cause."""

    cause: HoleCause
    holes: int
    bars: int


@dataclass(frozen=True, slots=True)
class Gaps:
    """Holes, the latest first.

    Attributes
    ----------
    as_of : datetime or None
        As they were known then.
    gaps : tuple of SeriesHole
    causes : tuple of CauseCount
        Of all of them, those of most bars first.
    healable_bars : int
        Missing bars that the venue may still be asked for.
    """

    as_of: datetime | None
    gaps: tuple[SeriesHole, ...]
    causes: tuple[CauseCount, ...]
    healable_bars: int


@dataclass(frozen=True, slots=True)
class GapFilter:
    """Which holes are wanted; what is empty does not matter.

    Attributes
    ----------
    symbols : tuple of str
        In any spelling; an asset alone means all its pairs.
    venue, interval, cause : str
    since : datetime or None
        Holes that end later only.
    """

    symbols: tuple[str, ...] = ()
    venue: str = ""
    interval: str = ""
    cause: str = ""
    since: datetime | None = None


def find_gaps(workspace: Workspace, wanted: GapFilter | None = None, *, as_of: datetime | None = None) -> Gaps:
    """Return the holes of all series, or of those that are wanted.

    Raises
    ------
    BadInputError
        If what is wanted is no symbol, venue, interval, cause or moment.
    NotBuiltError
        If nothing was ever built.
    """
    wanted = wanted or GapFilter()
    is_wanted = _Wanted(wanted)
    found = answer(workspace, "gaps", lambda reading: all_gaps(reading, workspace), as_of=as_of)
    return counted([one for one in found if is_wanted(one)], as_of)


def counted(gaps: Sequence[SeriesHole], as_of: datetime | None = None) -> Gaps:
    """Return holes with what they come to."""
    holes, bars = Counter(one.cause for one in gaps), Counter[HoleCause]()
    for one in gaps:
        bars[one.cause] += one.bars
    causes = tuple(CauseCount(cause, holes[cause], count) for cause, count in bars.most_common())
    return Gaps(as_of, tuple(gaps), causes, sum(one.bars for one in gaps if one.remedy is Remedy.ASK))


def healable(gaps: Gaps) -> dict[SeriesId, Spans]:
    """Return the bars of each series that the venue may still be asked for."""
    spans: dict[SeriesId, list[tuple[datetime, datetime]]] = {}
    for one in gaps.gaps:
        if one.remedy is Remedy.ASK:
            series = SeriesId.of(one.venue, one.market, one.symbol, one.interval)
            spans.setdefault(series, []).append((one.start, one.end))
    return {series: Spans.of(found) for series, found in sorted(spans.items())}


@dataclass(frozen=True, slots=True)
class HealedSeries:
    """How many missing bars of a series were asked for again, and how many of them bronze holds now."""

    series: SeriesId
    asked: int
    healed: int


@dataclass(frozen=True, slots=True)
class Healed:
    """What asking again has brought.

    Attributes
    ----------
    series : tuple of HealedSeries
        Those that were asked for.
    later_bars : int
        Missing bars that were too many for one run.
    left : Gaps
        What is missing now; what is healed waits in it for a build.
    """

    series: tuple[HealedSeries, ...]
    later_bars: int
    left: Gaps

    @property
    def asked_bars(self) -> int:
        """Asked for again."""
        return sum(one.asked for one in self.series)

    @property
    def healed_bars(self) -> int:
        """Those of them that came."""
        return sum(one.healed for one in self.series)


def healed(asked: Mapping[SeriesId, Spans], left: Gaps, *, later_bars: int = 0) -> Healed:
    """Return what became of the bars that were asked for again, by what is missing now."""
    lacking: dict[SeriesId, list[Span]] = {}
    for one in left.gaps:
        if one.remedy is not Remedy.BUILD:
            series = SeriesId.of(one.venue, one.market, one.symbol, one.interval)
            lacking.setdefault(series, []).append((one.start, one.end))
    found = [
        HealedSeries(series, _bars(series, spans), _bars(series, spans - Spans.of(lacking.get(series, ()))))
        for series, spans in asked.items()
    ]
    return Healed(tuple(found), later_bars, left)


def _bars(series: SeriesId, spans: Spans) -> int:
    return sum(series.interval.count(*span) for span in spans)


class _Wanted:
    """Tells the holes that a person wants."""

    def __init__(self, wanted: GapFilter) -> None:
        self._pairs = [_pair(text) for text in wanted.symbols]
        self._venue = check_venue(wanted.venue) if wanted.venue else ""
        self._interval = Interval.parse(wanted.interval).code if wanted.interval else ""
        self._since = None if wanted.since is None else utc(wanted.since)
        known = [one.value for one in HoleCause]
        self._cause = wanted.cause.strip().lower().replace(" ", "_").replace("-", "_")
        if self._cause and self._cause not in known:
            raise BadInputError("unknown cause", value=wanted.cause, todo=f"there is {', '.join(known)}")

    def __call__(self, one: SeriesHole) -> bool:
        symbol = Symbol.parse(one.symbol)
        return (
            (not self._pairs or any(pair in ((symbol.base, ""), (symbol.base, symbol.quote)) for pair in self._pairs))
            and self._venue in ("", one.venue)
            and self._interval in ("", one.interval)
            and self._cause in ("", one.cause.value)
            and (self._since is None or one.end > self._since)
        )


def _pair(text: str) -> tuple[str, str]:
    try:
        symbol = Symbol.from_spelling(text)
    except BadInputError:
        base = text.strip().upper()
        Symbol(base, "USD")  # says what is wrong with it
        return base, ""
    return symbol.base, symbol.quote


def all_gaps(reading: Reading, workspace: Workspace) -> tuple[SeriesHole, ...]:
    """Return every hole, the latest first."""
    return reading.part("holes and their causes", lambda one: _gaps(one, workspace))


def _gaps(reading: Reading, workspace: Workspace) -> tuple[SeriesHole, ...]:
    missing = missing_spans(reading, MOST_HOLES)
    for series, spans in _outside(reading, workspace):
        missing[series] = missing.get(series, NOTHING) | spans
    return tuple(sorted(holes_of(reading, workspace, missing), key=_place, reverse=True))


def _place(one: SeriesHole) -> tuple[datetime, str, str, str, str, datetime]:
    return one.end, one.venue, one.market, one.symbol, one.interval, one.start


def _outside(reading: Reading, workspace: Workspace) -> Iterator[tuple[SeriesId, Spans]]:
    """Yield the bars of each series that are missing, and not between bars of the tables.

    The venue was asked for more than they hold; and a bar that was last seen open has closed long ago.
    """
    still_open = _still_open(reading, workspace)
    for coverage in asked_series(reading, workspace):
        series = coverage.series
        edges = (coverage.held | coverage.confirmed_empty | asked_in_vain(coverage)).edges
        if not edges:
            continue
        first, last = known_of(reading, series)
        holes = Spans.of([(edges[0], edges[-1])]) - coverage.held
        if first and last:
            holes -= Spans.of([(first, last)])
            holes |= Spans.of(still_open.get(series.key, ()))
        if holes:
            yield series, holes


def _still_open(reading: Reading, workspace: Workspace) -> dict[tuple[str, str, str, str], list[Span]]:
    """Return the bars that the tables have as open, of those that nothing can change any more."""
    if not reading.has(reads.CLEANED):
        return {}
    now, settle = reading.as_of or workspace.clock.now(), ingest_rules(workspace).settle_length
    query = (
        _OPEN.format(bars=reading.table(reads.CLEANED))
        if reading.is_now
        else _OPEN_THEN.format(observations=reading.table(_REVISIONS))
    )
    rows = reading.connection.execute(query, [now]).fetchall()
    found: dict[tuple[str, str, str, str], list[Span]] = {}
    for venue, market, symbol, interval, opened, closed in rows:
        if closed <= now - settle_of(Interval.parse(interval), settle):
            found.setdefault((venue, market, symbol, interval), []).append((opened, closed))
    return found
