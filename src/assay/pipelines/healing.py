"""Asking again for missing bars, and for nothing else: the same way as ingesting, over exactly these holes.

It can be stopped at any moment and run again: what came is in bronze, and what is in bronze is not asked for.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime

from assay.domain.errors import BadInputError
from assay.domain.instrument import SeriesId
from assay.domain.spans import Span, Spans
from assay.pipelines.backfilling import history_api
from assay.pipelines.demoing import in_its_time, read_plan
from assay.pipelines.ingesting import Access, IngestPlan, IngestResult, Progress, VenuePlan, ingest, silent
from assay.pipelines.ingesting.plan import SeriesPlan
from assay.pipelines.ingesting.wanted import reach_of, venue_settings
from assay.pipelines.simulating import access_inside, inside, simulated
from assay.pipelines.workspace import Workspace
from assay.settings import Settings
from assay.venues.datasets import KLINES
from assay.venues.spec import VenueSpec

MOST_QUESTIONS = 1_000
"""How many pages one run asks for, if nothing else is said; the rest is left for the next run."""


@dataclass(frozen=True, slots=True)
class HealPlan:
    """What is asked again.

    Attributes
    ----------
    plan : IngestPlan
        Of each series its holes, and nothing else.
    asked : mapping of SeriesId to Spans
        Those holes.
    left_bars : int
        Missing bars beyond the bound: they are for the next run.
    """

    plan: IngestPlan
    asked: Mapping[SeriesId, Spans]
    left_bars: int


def api_of(series: SeriesId) -> VenueSpec:
    """Return the API that tells the history of a series.

    Raises
    ------
    BadInputError
        If there is none that has such bars of this symbol.
    """
    spec = history_api(series.venue, series.market)
    spec.symbols.to_wire(series.symbol)
    if not any(interval == series.interval for interval, _ in spec.intervals):
        raise BadInputError("the venue has no such bars", value=series, todo="ask for an interval that it has")
    return spec


def plan_healing(
    settings: Settings, holes: Mapping[SeriesId, Spans], now: datetime, *, most_questions: int = MOST_QUESTIONS
) -> HealPlan:
    """Return what to ask, the latest holes of each series first, within the bound.

    Raises
    ------
    BadInputError
        If the bound is less than 1.
    """
    if most_questions < 1:
        raise BadInputError("nothing can be asked", value=most_questions, todo="allow 1 question or more")
    questions, left = most_questions, 0
    asked: dict[SeriesId, Spans] = {}
    by_api: dict[str, list[SeriesPlan]] = {}
    specs: dict[str, VenueSpec] = {}
    for series, wanted in holes.items():
        try:
            spec = api_of(series)
        except BadInputError:
            continue
        chosen = _pages(spec, series, reversed([*wanted]), now=now, most=questions)
        questions -= chosen.questions
        left += chosen.left_bars
        if chosen.spans:
            asked[series], specs[spec.name] = chosen.spans, spec
            edges = chosen.spans.edges
            one = SeriesPlan(series, edges[0], edges[-1], is_named=True, only=chosen.spans)
            by_api.setdefault(spec.name, []).append(one)
    venues = tuple(
        VenuePlan(spec, venue_settings(settings, name).base_url or spec.base_url, tuple(by_api[name]))
        for name, spec in specs.items()
    )
    return HealPlan(IngestPlan(venues), asked, left)


def heal(
    workspace: Workspace, plan: HealPlan, *, access: Access | None = None, progress: Progress = silent
) -> IngestResult:
    """Ask for the holes of `plan`; a demo home asks the simulated market that it holds.

    Raises
    ------
    AssayError
        As :func:`assay.pipelines.ingesting.ingest` does.
    """
    demo = read_plan(workspace.home)
    if demo is None or access is not None:
        return ingest(workspace, plan.plan, access=access, progress=progress)
    told = in_its_time(workspace)
    living = Workspace(demo.settings(told.settings), told.home, told.clock, told.say)
    exchange = simulated(demo.seed, living.clock)
    way = access_inside(exchange, living.settings, living.clock)
    return ingest(living, inside(exchange, plan.plan), access=way, progress=progress)


@dataclass(frozen=True, slots=True)
class _Pages:
    spans: Spans
    questions: int
    left_bars: int


def _pages(spec: VenueSpec, series: SeriesId, holes: Iterable[Span], *, now: datetime, most: int) -> _Pages:
    """Return those of the holes that so many questions can ask for, and what is left."""
    page = spec.feeding(KLINES).page_limit or 1
    count = series.interval.count
    chosen, questions, left = [], 0, 0
    seen: datetime | None = None
    for start, end in holes:
        # Holes nearer than a page are asked for together.
        is_near = seen is not None and count(start, seen) <= page
        cost = 0 if is_near else -(-count(start, end) // page)
        if end <= reach_of(spec, series.interval, now) or questions + cost > most:
            left += count(start, end)
            continue
        seen = seen if is_near else end
        questions += cost
        chosen.append((start, end))
    return _Pages(Spans.of(chosen), questions, left)
