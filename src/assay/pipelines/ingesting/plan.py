"""From what a person asks for, and what the settings say, to what each venue is asked."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import datetime

from assay.domain.errors import BadInputError
from assay.domain.instrument import SeriesId
from assay.domain.interval import Interval
from assay.domain.spans import Spans
from assay.pipelines.ingesting.snapshots import Asked, SnapshotPlan, snapshots
from assay.pipelines.ingesting.sources import read_sources
from assay.pipelines.ingesting.wanted import (
    Pair,
    Wanted,
    enabled_sources,
    has_bars,
    intervals_of,
    pairs_of,
    reach_of,
    read_time,
    start_of,
    venue_settings,
)
from assay.settings import Settings
from assay.venues.datasets import KLINES
from assay.venues.registry import find_spec
from assay.venues.spec import VenueSpec


@dataclass(frozen=True, slots=True)
class SeriesPlan:
    """One series of klines to complete from `start` on.

    `is_named` says whether somebody named the pair itself. One that only came of an asset and a venue's quote may turn
    out not to be traded there, which is no failure. With `only`, nothing else of that range is asked for.
    """

    series: SeriesId
    start: datetime
    end: datetime | None
    is_named: bool
    only: Spans | None = None


@dataclass(frozen=True, slots=True)
class VenuePlan:
    """Everything one venue is asked; an `archive` of its history is used before it is asked for the rest."""

    spec: VenueSpec
    base_url: str
    series: tuple[SeriesPlan, ...] = ()
    snapshots: tuple[SnapshotPlan, ...] = ()
    archive: VenuePlan | None = None

    @property
    def is_undocumented(self) -> bool:
        """Whether the venue documents no such address: a sandbox or a proxy, with limits of its own."""
        return self.base_url not in (self.spec.base_url, *self.spec.other_base_urls)


@dataclass(frozen=True, slots=True)
class IngestPlan:
    """Everything that is asked."""

    venues: tuple[VenuePlan, ...]


def plan_ingest(settings: Settings, wanted: Wanted, now: datetime) -> IngestPlan:
    """Return what is asked of every venue.

    Raises
    ------
    BadInputError
        If a source, symbol, interval or time is none, or no venue that is asked can spell a symbol or has an interval.
    """
    sources = read_sources(wanted.sources) or enabled_sources(settings)
    if not sources:
        raise BadInputError("no venue is enabled", todo="name one, or set venues.binance.enabled and so on")
    pairs = pairs_of(settings, wanted, sources)
    intervals = intervals_of(settings, wanted, sources)
    starts = {interval: start_of(settings, wanted, interval, now) for interval in intervals}
    end = read_time(wanted.until, now) if wanted.until else None
    end = None if end is None or end >= now else end
    for start in starts.values():
        if start >= (end or now):
            todo = "give a beginning before the end, and before now"
            raise BadInputError(
                "a range without bars", value=f"{start.isoformat()} to {wanted.until or 'now'}", todo=todo
            )
    plans = []
    for name in dict.fromkeys(source.venue for source in sources):
        spec = find_spec(name)
        datasets = [source.dataset for source in sources if source.venue == name]
        within_reach = {one: max(start, reach_of(spec, one, now)) for one, start in starts.items()}
        series = tuple(_series(spec, pairs[name], within_reach, end)) if KLINES in datasets else ()
        states = tuple(snapshots(settings, wanted, Asked(spec, pairs[name], now, end), datasets))
        base_url = venue_settings(settings, name).base_url or spec.base_url
        plans.append(VenuePlan(spec, base_url, series, states))
    return IngestPlan(tuple(plans))


def _series(
    spec: VenueSpec, pairs: Iterable[Pair], starts: dict[Interval, datetime], end: datetime | None
) -> Iterator[SeriesPlan]:
    market = spec.feeding(KLINES).market
    for symbol, is_named in pairs:
        for interval, start in starts.items():
            if has_bars(spec, interval):
                yield SeriesPlan(SeriesId(spec.venue, market, symbol, interval), start, end, is_named)
