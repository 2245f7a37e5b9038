"""Bars that somebody asks to see and that the lake lacks: fetched from the venue that has them, and built.

Where they come from is told by the rule by which a name finds a series in the lake: a named place, or the first of the
preferred places that is switched on and can spell the symbol; dollars may be stood in for.
"""

from __future__ import annotations

from collections.abc import Iterator

from assay.domain.errors import NoDataError
from assay.domain.instrument import USD_STAND_INS
from assay.domain.symbol import Symbol
from assay.pipelines.backfilling import Backfill, BackfillResult, backfill, can_be_had, plan_backfill
from assay.pipelines.building import build
from assay.pipelines.ingesting import Access, Outcome, Progress, silent
from assay.pipelines.workspace import Workspace


def fetch_klines(
    workspace: Workspace,
    symbol: str,
    interval: str,
    *,
    span: tuple[str, str] = ("", ""),
    access: Access | None = None,
    progress: Progress = silent,
) -> BackfillResult:
    """Bring what is missing of a series into the lake; what is there is not asked for again.

    Parameters
    ----------
    workspace : Workspace
    symbol : str
        Any spelling, or ``venue:market:SYMBOL``.
    interval : str
    span : (str, str)
        From when on, and before when; empty: since ``ingest.since``, and up to now.
    access : Access, optional
        How venues are reached.
    progress : callable
        Told of every question.

    Raises
    ------
    BadInputError
        If a name or a time is none.
    NoDataError
        If no venue that is switched on has such a series, or it did not give all of its bars.
    """
    since, until = span
    place, _, spelling = symbol.rpartition(":")
    wanted = Symbol.from_spelling(spelling)
    for venue, market, found in _candidates(workspace, place, wanted):
        if can_be_had(workspace.settings, venue, market, found):
            break
    else:
        todo = "switch on a venue that trades it (venues.*.enabled), or name one, like binance:spot:BTC-USDT"
        raise NoDataError("no venue that is switched on can be asked for it", value=symbol, todo=todo)
    words = Backfill((str(found),), interval, since or workspace.settings.ingest.since, until, venue, market)
    plan = plan_backfill(workspace.settings, words, workspace.clock.now())
    result = backfill(workspace, plan, access=access, progress=progress)
    lacking = [failure for report in result.ingested.venues for failure in report.failures]
    if result.ingested.outcome is not Outcome.COMPLETE and lacking and not result.is_proven:
        raise NoDataError(f"{venue} did not give all of its bars", value=symbol, todo=lacking[0].brief)
    if result.ingested.new_batches:
        build(workspace)
    return result


def _candidates(workspace: Workspace, place: str, wanted: Symbol) -> Iterator[tuple[str, str, Symbol]]:
    """Yield venue, market and symbol in the order in which they are preferred."""
    quotes = (wanted.quote, *USD_STAND_INS) if wanted.quote == "USD" else (wanted.quote,)
    places = (place,) if place else workspace.settings.preferred_places
    for quote in quotes:
        for one in places:
            venue, _, market = one.partition(":")
            yield venue, market or "spot", Symbol(wanted.base, quote)
