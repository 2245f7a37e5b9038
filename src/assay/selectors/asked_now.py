"""What a champion says when it is asked now, where the table of predictions has nothing of it: of an hour, or at last.

It is asked about what could be known at that hour, and only if it has learned from nothing after it.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

import polars as pl

from assay.domain.errors import NoDataError
from assay.domain.instrument import SeriesId
from assay.lake.prediction_tables import ABSTAIN, ABSTAINED
from assay.lake.reads import Span
from assay.pipelines.champions import Champion, Standing, champion, chosen
from assay.pipelines.serving import COMPUTED, Asked, due_at, foretell, read_bars
from assay.pipelines.workspace import Workspace
from assay.selectors.kept import Reading


@dataclass(frozen=True, slots=True)
class Said:
    """A row as the table of predictions would have it; None if there is none, and then why."""

    row: dict[str, object] | None
    why_not: str = ""


_NOBODY = Said(None)


def said_at(
    workspace: Workspace, reading: Reading, found: Sequence[Standing], *, task: str, series: SeriesId, at: datetime
) -> Said:
    """Return what the champion of a task says of the bar of a series that closed at a moment.

    Parameters
    ----------
    workspace : Workspace
    reading : Reading
        Bars are seen from its point of view, and no later than when the next one closed.
    found : sequence of Standing
        Who is served.
    task : str
    series : SeriesId
    at : datetime
        The close of a bar.
    """
    standing = chosen(workspace, found, task, series)
    if standing is None:
        return _NOBODY
    now, model = reading.as_of or workspace.clock.now(), champion(workspace, standing)
    why_not = _why_not(model, at, now)
    if why_not:
        return Said(None, why_not)
    next_close = series.interval.close_time(at)
    available = min((one for one in (next_close, reading.available_at) if one), default=next_close)
    span = Span(as_of=reading.as_of, available_at=available)
    klines = _bars(reading, series, span)
    if klines is None or klines.filter(pl.col("close_time") == at).is_empty():
        return Said(None, "no bar closed then, or it was not there in time")
    asked = Asked(series, at, now, COMPUTED, span)
    return Said(foretell(workspace, model, asked, lake=reading.connection, klines=klines))


def _why_not(model: Champion, at: datetime, now: datetime) -> str:
    """Return why a champion is not asked about a moment; empty if it may be."""
    if at > now:
        return "that moment has not come"
    if model.paper is None:
        return f"the champion is not asked: {model.doubt}"
    if model.paper.seen_until > at:
        seen = f"{model.paper.seen_until:%Y-%m-%d %H:%M} UTC"
        return f"the champion {model.standing.version} was fitted on outcomes until {seen}: it has seen that hour"
    return ""


def _bars(reading: Reading, series: SeriesId, span: Span) -> pl.DataFrame | None:
    try:
        return read_bars(reading.connection, series, span)
    except NoDataError:
        return None


def said_last(
    workspace: Workspace, reading: Reading, found: Sequence[Standing], *, task: str, series: SeriesId
) -> Said:
    """Return what the champion of a task says of the newest bar of a series; as :func:`said_at`.

    Where that bar is late, or the champion has seen it, it abstains and says so.
    """
    standing = chosen(workspace, found, task, series)
    if standing is None:
        return _NOBODY
    span = Span(as_of=reading.as_of, available_at=reading.available_at)
    now = reading.available_at or reading.as_of or workspace.clock.now()
    klines = _bars(reading, series, span)
    klines = None if klines is None else klines.filter(pl.col("close_time") <= now)
    if klines is None or klines.is_empty():
        return _NOBODY
    model = champion(workspace, standing)
    at = due_at(workspace, series, klines["close_time"][-1], now=now)
    row = foretell(workspace, model, Asked(series, at, now, COMPUTED, span), lake=reading.connection, klines=klines)
    if model.paper and model.paper.seen_until > at:
        seen = f"{model.paper.seen_until:%Y-%m-%d %H:%M} UTC"
        nothing = dict.fromkeys(("probability_up", "value", "low", "high", "is_up", "expected_move", "confidence"))
        row |= nothing | {"signal": ABSTAIN, "kind": ABSTAINED, "reason": f"it was fitted on outcomes until {seen}"}
    return Said(row)
