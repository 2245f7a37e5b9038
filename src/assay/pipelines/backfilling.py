"""Loading years of a series: the archive for closed months, the exchange for the rest, and the proof that all is there.

It can be stopped at any moment and run again: what is in bronze is not asked for again, since what is asked for is what
the coverage ledger lacks.

>>> from assay.settings import Settings
>>> from assay.domain.interval import parse_moment
>>> wanted = Backfill(("BTC",), interval="1m", since="2020-01")
>>> [venue] = plan_backfill(Settings(), wanted, parse_moment("2024-05-01")).venues
>>> str(venue.series[0].series), venue.series[0].start.isoformat(), venue.archive.spec.name
('binance:spot:BTC-USDT:1m', '2020-01-01T00:00:00+00:00', 'binance_archive')
"""

from __future__ import annotations

import contextlib
import re
from collections.abc import Iterator
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from assay.domain.errors import BadInputError
from assay.domain.instrument import Market
from assay.domain.symbol import Symbol
from assay.lake.coverage_proof import CoverageProof
from assay.lake.settling import settle_of
from assay.pipelines.ingesting import Access, IngestPlan, IngestResult, Progress, Wanted, ingest, plan_ingest, silent
from assay.pipelines.ingesting.plan import VenuePlan
from assay.pipelines.ingesting.wanted import venue_settings
from assay.pipelines.workspace import Workspace
from assay.settings import Settings
from assay.venues.datasets import KLINES
from assay.venues.registry import find_spec, venue_names
from assay.venues.spec import VenueSpec

_YEAR, _MONTH = re.compile(r"\d{4}"), re.compile(r"\d{4}-\d{2}")


@dataclass(frozen=True, slots=True)
class Backfill:
    """What a person wants loaded, in their words.

    Attributes
    ----------
    symbols : tuple of str
        In any spelling; an asset alone means the pair with the venue's own quote.
    interval : str
    since, until : str
        Moments, months such as ``2020-01``, years, or lengths of time before now, such as ``30d``.
    venue : str
        A venue, or one API of it.
    market : str
        ``spot`` or ``usdm``.
    use_archive : bool
        Whether the venue's archive of files is used.
    """

    symbols: tuple[str, ...]
    interval: str
    since: str
    until: str = ""
    venue: str = "binance"
    market: str = "spot"
    use_archive: bool = True


@dataclass(frozen=True, slots=True)
class BackfillResult:
    """What was loaded, and what is proven of each series now.

    Attributes
    ----------
    ingested : IngestResult
    settle : timedelta or None
        How long after its close a bar may still be on its way; None: as :func:`assay.lake.settling.settle_of` has it.
    """

    ingested: IngestResult
    settle: timedelta | None = None

    @property
    def proofs(self) -> tuple[CoverageProof, ...]:
        """One a series."""
        return tuple(proof for venue in self.ingested.venues for proof in venue.proofs)

    @property
    def unproven_bars(self) -> int:
        """Bars that are neither there nor confirmed not to be, but for those too young for an answer to tell."""
        return sum(self._unproven_of(proof) for proof in self.proofs)

    def _unproven_of(self, proof: CoverageProof) -> int:
        interval = proof.series.interval
        due = interval.floor(self.ingested.started_at - settle_of(interval, self.settle))
        holes = (hole for hole in proof.missing if not hole.is_held and hole.start < due)
        return sum(interval.count(hole.start, min(hole.end, due)) for hole in holes)

    @property
    def is_proven(self) -> bool:
        """Whether each bar of each series is there, or confirmed not to be, but for those that may yet come."""
        return not self.unproven_bars

    def to_dict(self) -> dict[str, object]:
        """Return it as plain values for JSON."""
        return {"is_proven": self.is_proven, **self.ingested.to_dict()}


def plan_backfill(settings: Settings, wanted: Backfill, now: datetime) -> IngestPlan:
    """Return what is asked of the venue and of its archive.

    Raises
    ------
    BadInputError
        If the venue has no such market, a symbol, interval or time is none, or the venue cannot have it.
    """
    if not wanted.symbols:
        raise BadInputError("nothing to load", todo="name a symbol, such as BTC or BTCUSDT")
    spec = history_api(wanted.venue, Market.parse(wanted.market))
    words = Wanted(
        (f"{spec.name}:{KLINES}",), wanted.symbols, (wanted.interval,), _moment(wanted.since), _moment(wanted.until)
    )
    plan = plan_ingest(settings, words, now)
    archive = _archive(settings, plan.venues[0]) if wanted.use_archive else None
    # What a person names has to be there.
    named = (
        replace(one, series=tuple(replace(series, is_named=True) for series in one.series), archive=archive)
        for one in plan.venues
    )
    return IngestPlan(tuple(named))


def backfill(
    workspace: Workspace, plan: IngestPlan, *, access: Access | None = None, progress: Progress = silent
) -> BackfillResult:
    """Load what bronze lacks of the series of `plan`; raises what :func:`assay.pipelines.ingesting.ingest` does."""
    ingested = ingest(workspace, plan, access=access, progress=progress)
    return BackfillResult(ingested, workspace.settings.ingest.settle_length)


def can_be_had(settings: Settings, venue: str, market: str, symbol: Symbol) -> bool:
    """Whether an API of the venue that is switched on has klines of the market and can spell the symbol."""
    for spec in _specs(venue):
        if spec.has_klines and market in spec.markets and venue_settings(settings, spec.name).enabled:
            with contextlib.suppress(BadInputError):
                return bool(spec.symbols.to_wire(symbol))
    return False


def history_api(venue: str, market: Market) -> VenueSpec:
    """Return the API to ask: the one of that name, or the first of that venue, that has klines of the market.

    Raises
    ------
    BadInputError
        If there is none.
    """
    found = [spec for spec in _specs(venue) if market in spec.markets and spec.has_klines]
    if found:
        return found[0]
    known = sorted({f"{spec.venue} ({one})" for spec in _specs("") if spec.has_klines for one in spec.markets})
    raise BadInputError("no such history", value=f"{venue} {market}", todo=f"there is {', '.join(known)}")


def _specs(venue: str) -> Iterator[VenueSpec]:
    specs = [find_spec(name) for name in venue_names()]
    yield from (spec for spec in specs if spec.name == venue)
    yield from (spec for spec in specs if spec.name != venue and venue in ("", spec.venue))


def _archive(settings: Settings, venue: VenuePlan) -> VenuePlan | None:
    """Return the archive of the venue, if it has one of the market and the settings do not forbid it.

    Beside a sandbox or a proxy the archive's own address would be another market: it has to be named as well.
    """
    market = venue.spec.feeding(KLINES).market
    for one in _specs(venue.spec.venue):
        is_archive = not one.has_klines and any(
            endpoint.dataset == KLINES and endpoint.market is market for endpoint in one.endpoints
        )
        chosen = venue_settings(settings, one.name)
        if is_archive and chosen.enabled and (chosen.base_url or not venue.is_undocumented):
            return VenuePlan(one, chosen.base_url or one.base_url)
    return None


def _moment(text: str) -> str:
    """Return what a person wrote of a time, with what they left out of a date."""
    text = text.strip()
    if _YEAR.fullmatch(text):
        return f"{text}-01-01"
    return f"{text}-01" if _MONTH.fullmatch(text) else text
