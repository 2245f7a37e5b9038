"""The first page: what there is, what moved, how fresh it is, and whether anything is wrong."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from assay.domain.errors import NoDataError
from assay.pipelines.workspace import Workspace
from assay.selectors.coverage import series_health
from assay.selectors.data_page import RunNote, last_runs
from assay.selectors.freshness import SourceFreshness, freshness
from assay.selectors.health import SeriesHealth
from assay.selectors.kept import Reading, answer
from assay.selectors.market import TABLE, CoinRow, MarketOverview, overview
from assay.selectors.predictions import latest_predictions

_HEADLINES = 6
_MOVERS = 3


@dataclass(frozen=True, slots=True)
class VerdictCount:
    """How many series have a verdict; see :class:`~assay.evidence.verdict.Verdict`."""

    verdict: str
    series: int


@dataclass(frozen=True, slots=True)
class Dashboard:
    """What the first page shows.

    Attributes
    ----------
    symbols, series, bars : int
        Pairs at their places; the same by interval; stored bars.
    missing_bars : int
        Bars that are missing between the first and the last of their series.
    slot_at : datetime or None
        When the newest coin was asked for; None if there are no coins.
    headlines : tuple of CoinRow
        The six largest coins.
    best, worst : tuple of CoinRow
        The three that rose and fell most in 24 hours.
    freshness : tuple of SourceFreshness
    late : tuple of SourceFreshness
        Those that are late.
    verdicts : tuple of VerdictCount
        Most frequent first.
    predicted : int
        Series with a verdict.
    last_run : RunNote or None
    """

    symbols: int
    series: int
    bars: int
    missing_bars: int
    slot_at: datetime | None
    headlines: tuple[CoinRow, ...]
    best: tuple[CoinRow, ...]
    worst: tuple[CoinRow, ...]
    freshness: tuple[SourceFreshness, ...]
    late: tuple[SourceFreshness, ...]
    verdicts: tuple[VerdictCount, ...]
    predicted: int
    last_run: RunNote | None


def dashboard(workspace: Workspace, *, as_of: datetime | None = None) -> Dashboard:
    """Return the dashboard.

    Raises
    ------
    BadInputError
        If `as_of` has no time zone.
    NotBuiltError
        If nothing was ever built.
    """
    places = workspace.settings.preferred_places
    found = answer(workspace, "dashboard", lambda reading: _parts(reading, places), as_of=as_of)
    series, market, counts = found
    sources = freshness(workspace, as_of=as_of)
    runs = last_runs(workspace, 1, as_of=as_of)
    return Dashboard(
        symbols=len({(one.venue, one.market, one.symbol) for one in series}),
        series=len(series),
        bars=sum(one.bars for one in series),
        missing_bars=sum(one.missing_bars for one in series),
        slot_at=market.slot_at if market else None,
        headlines=market.coins[:_HEADLINES] if market else (),
        best=market.best[:_MOVERS] if market else (),
        worst=market.worst[:_MOVERS] if market else (),
        freshness=sources,
        late=tuple(one for one in sources if one.is_late),
        verdicts=counts,
        predicted=sum(one.series for one in counts),
        last_run=runs[0] if runs else None,
    )


_Parts = tuple[tuple[SeriesHealth, ...], MarketOverview | None, tuple[VerdictCount, ...]]


def _parts(reading: Reading, places: Sequence[str]) -> _Parts:
    series = series_health(reading)
    if not series and not reading.has(TABLE):
        reading.table(TABLE, "market")
    verdicts = Counter(one.brief.verdict for one in latest_predictions(reading) if one.brief.verdict)
    counts = tuple(VerdictCount(verdict, count) for verdict, count in verdicts.most_common())
    try:
        market = overview(reading, places)
    except NoDataError:  # bars may come from files, without anybody asking for coins
        market = None
    return series, market, counts
