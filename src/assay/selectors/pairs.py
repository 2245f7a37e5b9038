"""Which pairs there are bars of: where, at which intervals, from when to when, and how complete."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from itertools import groupby

from assay.domain.instrument import check_venue
from assay.domain.interval import Interval
from assay.domain.symbol import Symbol
from assay.lake import reads
from assay.pipelines.workspace import Workspace
from assay.selectors.coverage import series_health
from assay.selectors.health import SeriesHealth
from assay.selectors.kept import Reading, answer
from assay.selectors.series import check_venue_known


@dataclass(frozen=True, slots=True)
class PairInterval:
    """The bars of one interval: how many, and when the first and the last of them open."""

    interval: str
    first_open_time: datetime
    last_open_time: datetime
    bars: int


@dataclass(frozen=True, slots=True)
class Pair:
    """One pair at one place, with the intervals that are stored of it, shortest first."""

    venue: str
    market: str
    symbol: str
    base: str
    quote: str
    intervals: tuple[PairInterval, ...]

    @property
    def series(self) -> str:
        """``venue:market:SYMBOL``."""
        return f"{self.venue}:{self.market}:{self.symbol}"


def pairs(
    workspace: Workspace,
    *,
    venue: str | None = None,
    as_of: datetime | None = None,
    available_at: datetime | None = None,
) -> tuple[Pair, ...]:
    """Return the pairs of which the lake has bars, sorted by venue, market and symbol.

    Raises
    ------
    BadInputError
        If `venue` cannot name one.
    NoDataError
        If the lake has nothing of `venue`.
    NotBuiltError
        If nothing was ever built.
    """
    wanted = None if venue is None else check_venue(venue)
    found = answer(workspace, "pairs", all_pairs, as_of=as_of, available_at=available_at)
    if wanted is not None:
        check_venue_known(workspace, wanted)
    return tuple(one for one in found if wanted in (None, one.venue))


def all_pairs(reading: Reading) -> tuple[Pair, ...]:
    """Return all pairs; see :func:`pairs`."""
    reading.table(reads.CLEANED, "bars")
    by_place = groupby(series_health(reading), key=lambda one: (one.venue, one.market, one.symbol))
    return tuple(_pair(place, list(series)) for place, series in by_place)


def _pair(place: tuple[str, str, str], series: list[SeriesHealth]) -> Pair:
    venue, market, symbol = place
    read = Symbol.parse(symbol)
    intervals = [PairInterval(one.interval, one.first_open_time, one.last_open_time, one.bars) for one in series]
    intervals.sort(key=lambda one: Interval.parse(one.interval).duration)
    return Pair(venue, market, symbol, read.base, read.quote, tuple(intervals))
