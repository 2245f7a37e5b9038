"""The page of one series: its chart, what is foretold of it, how complete it is, and its newest bars as a table."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.urls import reverse

from assay.domain.errors import NoDataError
from assay.domain.instrument import Resolution, SeriesId
from assay.domain.interval import Interval
from assay.selectors.bars import source_of
from assay.selectors.candles import CandleRequest, candles
from assay.selectors.coverage import SeriesHole, series_holes
from assay.selectors.kept import answer
from assay.selectors.pairs import Pair, pairs
from assay.selectors.predictions import PredictionHistory, SymbolPrediction, prediction_history, predictions
from assay.selectors.series import find
from assay.web import chart
from assay.web.configure import workspace
from assay.web.context import with_as_of
from assay.web.views.page import page, show
from assay.web.views.tickers import TITLES

_TABLE_ROWS = 20
_PAST_FORECASTS = 12
_HOLES_SHOWN = 5
_DAY = timedelta(days=1)


@dataclass(frozen=True, slots=True)
class BarRow:
    """One line of the table of bars: prices to the last step of the venue, `change_pct` from the close before.

    `missing` counts bars missing before it, or inside it if it is made of shorter ones.
    """

    open_time: datetime
    open: str
    high: str
    low: str
    close: str
    volume: float | None
    change_pct: float | None
    missing: int
    is_closed: bool


@dataclass(frozen=True, slots=True)
class Day:
    """The 24 hours up to `at` and what there is of a bar still open: the newest price, and what it did.

    `at` is when the newest bar closed, or when it opened if it is still open: its end is yet to come.
    """

    price: float
    at: datetime
    is_closed: bool
    low: float
    high: float
    volume: float | None
    change_pct: float | None


@dataclass(frozen=True, slots=True)
class Coverage:
    """How complete the stored bars of one interval are; `expected` counts those from the first to the last."""

    interval: str
    first_open_time: datetime
    last_open_time: datetime
    bars: int
    missing: int
    fraction: float


@page
def asset(request: HttpRequest, series: str) -> HttpResponse:
    """Show one series, named by ``venue:market:SYMBOL`` or in any other spelling."""
    as_of: datetime | None = request.as_of
    known = pairs(workspace(), as_of=as_of)
    if as_of is not None and not known:
        raise NoDataError("no series was known then", value=f"{as_of:%Y-%m-%d %H:%M} UTC", todo="ask of a later moment")
    resolution = find(series, _series_of(known), places=workspace().settings.preferred_places)
    pair = next(one for one in known if _place(one) == resolution.series.key[:3])
    name = ":".join(_place(pair))
    interval = _interval(request.GET.get("interval"), pair)
    groups = chart.indicator_groups()
    coverage = [_coverage(one) for one in pair.intervals]
    holes = _holes(pair, as_of) if any(one.missing for one in coverage) else ()
    context = {
        "pair": pair,
        "venue_title": TITLES.get(pair.venue, pair.venue),
        "series_name": name,
        "siblings": [one for one in known if (one.venue, one.market) == (pair.venue, pair.market)],
        "stand_in": _stand_in(resolution, series),
        "groups": groups,
        "longer_intervals": chart.LONGER_INTERVALS,
        "interval": interval,
        "interval_buttons": chart.interval_buttons(pair),
        "ranges": chart.RANGES,
        "modules": chart.MODULES,
        "klines_url": chart.KLINES_URL,
        "holes": holes[:_HOLES_SHOWN],
        "more_holes": len(holes) - _HOLES_SHOWN,
        "config": chart.chart_config(pair, groups, as_of),
        "day": _day(name, pair, as_of),
        "bars": _newest(name, interval, as_of),
        "coverage": coverage,
        "foretold": _foretold(pair, as_of),
        "past": _past(name, as_of),
    }
    return show(request, "asset", context)


def choose(request: HttpRequest) -> HttpResponse:
    """Go to the page of the pair that was chosen from a list; the address of a page cannot be a form's."""
    chosen = request.GET.get("series", "")
    if not chosen or "/" in chosen:
        return redirect(with_as_of(request, reverse("market")))
    return redirect(with_as_of(request, reverse("asset", args=[chosen])))


def _series_of(known: Sequence[Pair]) -> list[SeriesId]:
    return [SeriesId.of(*_place(pair), one.interval) for pair in known for one in pair.intervals]


def _place(pair: Pair) -> tuple[str, str, str]:
    return pair.venue, pair.market, pair.symbol


def _interval(asked: str | None, pair: Pair) -> str:
    """Return the interval of the table: the one asked for if it can be shown. Raises BadInputError if it is none."""
    if asked and source_of(chart.stored_intervals(pair), Interval.parse(asked)):
        return asked
    return chart.default_interval(pair)


def _stand_in(resolution: Resolution, asked: str) -> str:
    """Return what was asked for where it is shown by something else, else nothing."""
    return asked.rpartition(":")[2].upper() if resolution.is_stand_in else ""


def _newest(name: str, interval: str, as_of: datetime | None) -> list[BarRow]:
    """Return the newest bars, the newest first."""
    found = candles(workspace(), CandleRequest(name, interval=interval, limit=_TABLE_ROWS + 1, as_of=as_of))
    rows = found.frame.select(
        "open_time", "open", "high", "low", "close", "volume", "is_closed", "missing_bars"
    ).to_dicts()
    before = [None, *(row["close"] for row in rows)]
    decimals = chart.decimals_of(row["close"] for row in rows)
    bars = [
        BarRow(
            open_time=row["open_time"],
            open=chart.exact(row["open"], decimals),
            high=chart.exact(row["high"], decimals),
            low=chart.exact(row["low"], decimals),
            close=chart.exact(row["close"], decimals),
            volume=row["volume"],
            change_pct=(row["close"] / last - 1) * 100 if last else None,
            missing=row["missing_bars"],
            is_closed=row["is_closed"],
        )
        for row, last in zip(rows, before, strict=False)
    ]
    return bars[::-1][:_TABLE_ROWS]


def _day(name: str, pair: Pair, as_of: datetime | None) -> Day:
    """Return the last 24 hours, from the shortest bars there are."""
    shortest = min(chart.stored_intervals(pair), key=lambda one: one.duration)
    limit = max(2, int(_DAY / shortest.duration) + 1)  # and one more, that may be open
    frame = candles(workspace(), CandleRequest(name, interval=shortest.code, limit=limit, as_of=as_of)).frame
    closed, price = bool(frame["is_closed"][-1]), frame["close"][-1]
    at = frame["close_time" if closed else "open_time"][-1]
    day = frame.filter(frame["open_time"] >= min(at - _DAY, frame["open_time"][-1]))
    began = day["open"][0]
    volume = None if day["volume"].null_count() else float(day["volume"].sum())
    change = (price / began - 1) * 100 if began else None
    return Day(price, at, closed, min(day["low"]), max(day["high"]), volume, change)


def _coverage(one: Any) -> Coverage:  # noqa: ANN401  # a PairInterval
    expected = Interval.parse(one.interval).count(one.first_open_time, one.last_open_time) + 1
    missing = max(0, expected - one.bars)
    return Coverage(one.interval, one.first_open_time, one.last_open_time, one.bars, missing, one.bars / expected)


def _holes(pair: Pair, as_of: datetime | None) -> tuple[SeriesHole, ...]:
    """Return where bars of the pair are missing, and why as far as that is known; the latest first."""
    served = workspace()
    found = answer(served, "holes and causes", lambda reading: series_holes(reading, served), as_of=as_of)
    return tuple(one for one in found if (one.venue, one.market, one.symbol) == _place(pair))


def _foretold(pair: Pair, as_of: datetime | None) -> SymbolPrediction | None:
    found = predictions(workspace(), venue=pair.venue, as_of=as_of)
    return next((one for one in found if (one.venue, one.market, one.symbol) == _place(pair)), None)


def _past(name: str, as_of: datetime | None) -> PredictionHistory | None:
    """Return what was foretold lately and what came of it, if anything was."""
    try:
        return prediction_history(workspace(), name, limit=_PAST_FORECASTS, as_of=as_of)
    except NoDataError:
        return None
