"""Routes for whoever runs the server: is it alive, can it answer, what state are the data in."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime
from typing import Annotated

from fastapi import APIRouter, Depends, Query, Request, Response
from fastapi.responses import PlainTextResponse

from assay import __version__
from assay.api import metrics
from assay.api.asked import LONGEST, PREFIX, AsOf, SeenFrom, Served, moment_of
from assay.api.problems import Problem
from assay.api.readiness import explained
from assay.api.shapes.operations import Alive, CauseCount, CoverageDays, Gaps, Hole, Ready, Status
from assay.domain.errors import AssayError
from assay.selectors.coverage_gaps import GapFilter, find_gaps
from assay.selectors.coverage_map import MOST_DAYS, coverage_map
from assay.selectors.data_page import data_health
from assay.selectors.health import SeriesHealth

router = APIRouter(prefix=PREFIX, tags=["operations"])
_MOST_GAPS = 10_000
_NOT_KEPT = {"cache-control": "no-store"}
"""What these say depends on the time, or on this process."""


async def gap_filter(
    *,
    symbol: Annotated[str, Query(description="A symbol, or an asset: all its pairs.", max_length=LONGEST)] = "",
    venue: Annotated[str, Query(description="Only of this venue.", max_length=LONGEST)] = "",
    interval: Annotated[str, Query(description="Only bars of this length.", max_length=LONGEST)] = "",
    cause: Annotated[str, Query(description="Only holes of this cause.", max_length=LONGEST)] = "",
    since: Annotated[str, Query(description="Only holes that end after this moment.", max_length=LONGEST)] = "",
) -> GapFilter:
    """Return which gaps are asked for."""
    after = moment_of(since, "since") if since else None
    return GapFilter((symbol,) if symbol else (), venue, interval, cause, after)


@router.get("/status", summary="State of the data", response_model=Status)
def status(workspace: Served, as_of: AsOf, response: Response) -> Status:
    """Return how fresh, how complete and how sound the data are; a lake that was never built has a state too."""
    response.headers.update(_NOT_KEPT)
    return Status.model_validate(data_health(workspace, as_of=as_of))


@router.get("/coverage", summary="How complete each series is, day by day", response_model=CoverageDays)
def coverage(
    workspace: Served,
    seen: SeenFrom,
    days: Annotated[int, Query(description="How many days up to the newest bar.", ge=1, le=MOST_DAYS)] = 90,
) -> CoverageDays:
    """Return how many bars are there and how many are missing on each UTC day, for every series."""
    return CoverageDays.model_validate(
        coverage_map(workspace, days=days, as_of=seen.as_of, available_at=seen.available_at)
    )


@router.get("/gaps", summary="Every hole with its cause", response_model=Gaps)
def gaps(
    workspace: Served,
    as_of: AsOf,
    *,
    wanted: Annotated[GapFilter, Depends(gap_filter)],
    limit: Annotated[int, Query(description="How many are told, the latest.", ge=1, le=_MOST_GAPS)] = 500,
    response: Response,
) -> Gaps:
    """Return which bars are missing, why, what that is told by, and whether they may still be had."""
    response.headers.update(_NOT_KEPT)
    found = find_gaps(workspace, wanted, as_of=as_of)
    shown = [Hole.model_validate(one) for one in found.gaps[:limit]]
    causes = [CauseCount.model_validate(one) for one in found.causes]
    return Gaps(gaps=shown, gap_count=len(found.gaps), causes=causes, healable_bars=found.healable_bars)


@router.get("/health/live", summary="Is the process alive?", response_model=Alive)
async def live(response: Response) -> Alive:
    """Answer as long as the process can answer anything; says nothing about the lake."""
    response.headers.update(_NOT_KEPT)
    return Alive(status="ok", version=__version__)


@router.get("/health/ready", summary="Can questions about the lake be answered?", response_model=Ready)
def ready(workspace: Served, response: Response) -> Ready | Response:
    """Answer 200 once the lake is there and built; 503 with the reason before."""
    unready = explained(workspace)
    if unready is not None:
        return unready.response()
    response.headers.update(_NOT_KEPT)
    return Ready(status="ok", version=__version__, data_version=workspace.data_version().number)


@router.get("/metrics", summary="Figures for Prometheus", response_class=PlainTextResponse)
def prometheus(request: Request, workspace: Served) -> Response:
    """Return requests by route and status, how long they took, and the version, age and gaps of the data."""
    figures: metrics.Metrics = request.app.state.metrics
    unready: Problem | None = explained(workspace)
    try:
        health = data_health(workspace)
        version = workspace.data_version().number
    except AssayError:
        figures.set_lake(0, is_ready=False, missing_bars=0)
    else:
        figures.set_lake(version, is_ready=unready is None, missing_bars=health.missing_bars)
        answers = ((one.venue, one.dataset, one.age.total_seconds()) for one in health.freshness)
        figures.set_ages(answers, _newest_bars(health.series, workspace.clock.now()))
    return Response(figures.text(), headers=_NOT_KEPT, media_type=metrics.CONTENT_TYPE)


def _newest_bars(series: Iterable[SeriesHealth], now: datetime) -> list[tuple[str, str, float]]:
    """Return how long ago the newest bar opened, in seconds, by venue and interval."""
    newest: dict[tuple[str, str], datetime] = {}
    for one in series:
        key = one.venue, one.interval
        newest[key] = max(newest.get(key, one.last_open_time), one.last_open_time)
    return [(*key, (now - opened).total_seconds()) for key, opened in sorted(newest.items())]
