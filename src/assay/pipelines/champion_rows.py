"""What champions foretell after a build: a row for each series and task whose newest bar its champion has not foretold.

Where there is nothing to foretell from, there is a row that says so. It comes once an hour at most, or once a bar, and
does not keep a forecast from being made of the same bar when what was missing has come.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING

import polars as pl

from assay.domain.errors import NoDataError
from assay.domain.instrument import SeriesId
from assay.domain.interval import Interval
from assay.lake import prediction_tables, reads
from assay.lake.prediction_tables import ABSTAINED, LIVE
from assay.pipelines import coin_bars
from assay.pipelines.champions import Champion, Standing, champion, chosen, standings
from assay.pipelines.serving import Asked, due_at, foretell, read_bars
from assay.pipelines.workspace import Workspace

if TYPE_CHECKING:
    import duckdb

_NO_BARS = pl.DataFrame(schema={"close_time": pl.Datetime("us", "UTC")})


@dataclass(frozen=True, slots=True)
class _Due:
    """A series, the moment to foretell it from, and who does."""

    series: SeriesId
    at: datetime
    by: tuple[Standing, ...]


def rows_due(workspace: Workspace, lake: duckdb.DuckDBPyConnection) -> list[dict[str, object]]:
    """Return new rows of ``gold.price_predictions``, in order of series and task; they are not written yet.

    A champion that cannot be asked gives rows that abstain, and keeps no other from being asked.
    """
    found = standings(workspace)
    loaded: dict[Standing, Champion] = {}
    rows = []
    for due in _due(workspace, lake, found):
        klines = _bars(lake, due.series)
        for one in due.by:
            if one not in loaded:
                loaded[one] = champion(workspace, one)
            asked = Asked(due.series, due.at, workspace.clock.now())
            rows.append(foretell(workspace, loaded[one], asked, lake=lake, klines=klines))
    return rows


def _due(workspace: Workspace, lake: duckdb.DuckDBPyConnection, found: Sequence[Standing]) -> Iterator[_Due]:
    """Yield the series of which champions have not foretold the bar of the moment."""
    said = prediction_tables.foretold_until(lake)
    newest = prediction_tables.newest_bars(lake, {(one.key.venue, one.key.interval) for one in found})
    newest |= _newest_of_coins(workspace, lake, found)
    for key, closed_until in newest.items():
        series = SeriesId.of(*key)
        at = due_at(workspace, series, closed_until, now=workspace.clock.now())
        by = [
            one
            for task in sorted({one.key.task for one in found})
            for one in [chosen(workspace, found, task, series)]
            if one
            # A bar that is late is told of once; one that could not be foretold may be whole by now.
            and at not in [said.get((key, task, one.version, kind)) for kind in _final(at, closed_until)]
        ]
        if by:
            yield _Due(series, at, tuple(by))


def _final(at: datetime, closed_until: datetime) -> tuple[str, ...]:
    return (LIVE,) if at == closed_until else (LIVE, ABSTAINED)


def _newest_of_coins(
    workspace: Workspace, lake: duckdb.DuckDBPyConnection, found: Sequence[Standing]
) -> dict[tuple[str, str, str, str], datetime]:
    """Return when the newest bar of each coin closed that has a champion; a coin has no bars in the table of bars."""
    now, newest = workspace.clock.now(), {}
    for interval in sorted({one.key.interval for one in found if one.key.venue == coin_bars.VENUE}):
        for series in coin_bars.coin_series(workspace, Interval.parse(interval)):
            closed = _bars(lake, series).filter(pl.col("close_time") <= now)
            if closed.height:
                newest[series.key] = closed["close_time"][-1]
    return newest


def _bars(lake: duckdb.DuckDBPyConnection, series: SeriesId) -> pl.DataFrame:
    try:
        return read_bars(lake, series, reads.EVERYTHING)
    except NoDataError:
        return _NO_BARS
