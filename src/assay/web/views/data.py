"""The state of the data: what fails first, then how fresh and how whole everything is."""

from __future__ import annotations

from datetime import datetime

from django.http import HttpRequest, HttpResponse
from django.urls import reverse

from assay.domain.errors import NotBuiltError
from assay.selectors.data_page import DataHealth, data_health
from assay.selectors.health import SeriesHealth
from assay.selectors.quarantine import quarantined
from assay.selectors.reconciliation import reconciliation
from assay.web.assets import plotly_style_marks
from assay.web.configure import workspace
from assay.web.context import with_as_of
from assay.web.tables import Column, Sort, arrange, headers, matching, read_sort, search_of
from assay.web.views.page import page, show

_MOST_HOLES = 100
_LONGEST_BODY = 20_000
MAP_URL = "/api/v1/coverage"
MAP_RANGES = ((90, "90 days"), (365, "1 year"), (1_826, "5 years"))
COLUMNS: tuple[Column[SeriesHealth], ...] = (
    Column("series", "Series", lambda one: (one.series, one.interval)),
    Column("coverage", "Completeness", lambda one: one.coverage, is_number=True),
    Column("missing", "Missing", lambda one: one.missing_bars, is_number=True),
    Column("bars", "Bars", lambda one: one.bars, is_number=True, hide="w1"),
    Column("first", "First bar", lambda one: one.first_open_time, is_number=True, hide="w2", unit="UTC"),
    Column("last", "Last bar", lambda one: one.last_open_time, is_number=True, hide="w1", unit="UTC"),
    Column("open", "Open", lambda one: one.provisional_bars, is_number=True, hide="w3"),
    Column("outliers", "Outliers", lambda one: one.outliers, is_number=True, hide="w2"),
    Column("restated", "Restated", lambda one: one.restated_bars, is_number=True, hide="w3"),
)


@page
def data(request: HttpRequest) -> HttpResponse:
    """Show freshness, coverage, holes, defects, quarantine, tests and runs."""
    sort = read_sort(request.GET, COLUMNS, Sort("coverage"))
    health = data_health(workspace(), as_of=request.as_of)
    if not health.is_built and not health.runs and not health.quarantine:
        raise NotBuiltError("the lake has not been built", todo="run `assay build`")
    text = search_of(request.GET)
    series = matching(health.series, text, lambda one: (f"{one.series}:{one.interval}",))
    bars = sum(one.bars for one in health.series)
    context = {
        "health": health,
        "series": arrange(series, COLUMNS, sort),
        "headers": headers(COLUMNS, sort),
        "sort": sort,
        "q": text,
        "holes": health.holes[:_MOST_HOLES],
        "bars": bars,
        "fraction": bars / (bars + health.missing_bars) if bars else None,
        "wrong": (*health.tests.failed, *health.tests.warned) if health.tests else (),
        "late": sum(one.is_late for one in health.freshness),
        "newest_at": _newest(health),
        "defects": sum(health.defects.values()),
        "quarantined": sum(health.quarantined.values()),
        "lasting": sum(one.end is None for one in health.outages),
        "prices": reconciliation(workspace(), as_of=request.as_of).prices if health.is_built else (),
        "has_map": bars > 0,
        "map_url": with_as_of(request, MAP_URL),
        "map_asset_url": reverse("asset", args=["SERIES"]),
        "map_ranges": MAP_RANGES,
        "plotly_style_marks": plotly_style_marks(),
    }
    return show(request, "data", context)


@page
def batch(request: HttpRequest, batch_id: str) -> HttpResponse:
    """Show everything that was set aside of one batch, as it was received."""
    found = quarantined(workspace(), batch_id)
    body = found.body[:_LONGEST_BODY]
    context = {"detail": found, "rows": found.rows[:_MOST_HOLES], "body": body, "is_cut": len(body) < len(found.body)}
    return show(request, "batch", context)


def _newest(health: DataHealth) -> datetime | None:
    return max((source.answered_at for source in health.freshness), default=None)
