"""The rows that a key of models is about: those of a series, or of all series of a source together.

Of a source they are the series of the symbols in ``ingest.symbols``. CoinGecko has no trades to make bars of; its rows
come from the prices that were known when each bar closed (:mod:`assay.pipelines.coin_bars`).
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import polars as pl

from assay.domain.errors import NoDataError
from assay.domain.instrument import SeriesId
from assay.domain.interval import Interval
from assay.domain.model_key import ModelKey
from assay.features.declared import DeclaredSet
from assay.lake import reads
from assay.lake.reads import Span
from assay.pipelines import coin_bars
from assay.pipelines.tasks import Task
from assay.pipelines.training_rows import KEPT_SHARE, Rows, pooled, read_rows, rows_of_bars
from assay.pipelines.workspace import Workspace

_FEWEST_IN_FOLD = 100


@dataclass(frozen=True, slots=True)
class NotTrained:
    """A series without a model, or that is not in one, and why."""

    series: SeriesId
    reason: str


@dataclass(frozen=True, slots=True, eq=False)
class SourceRows:
    """What there is to learn from.

    Attributes
    ----------
    rows : Rows
    bars : mapping of SeriesId to polars.DataFrame
        The closed bars that they were made of.
    left_out : tuple of NotTrained
        Series of the source that have no row, or whose price stands still.
    """

    rows: Rows
    bars: Mapping[SeriesId, pl.DataFrame]
    left_out: tuple[NotTrained, ...] = ()


def known_sources(workspace: Workspace, available: Sequence[SeriesId]) -> set[str]:
    """Return the names that mean all series of a venue: those of the bars, and those that are built in."""
    return {one.venue for one in available} | set(type(workspace.settings.venues).model_fields)


def series_of_source(workspace: Workspace, venue: str, interval: Interval) -> list[SeriesId]:
    """Return the series of a source that are of the assets in ``ingest.symbols``, in order of their names.

    Raises
    ------
    NoDataError
        If there is none.
    """
    if venue == coin_bars.VENUE:
        return coin_bars.coin_series(workspace, interval)
    usual = {text.partition("-")[0].upper() for text in workspace.settings.ingest.symbols}
    with workspace.lake() as lake:
        found = [one for one in reads.list_series(lake) if (one.venue, one.interval) == (venue, interval)]
    chosen = sorted(one for one in found if one.symbol.base in usual)
    if not chosen:
        todo = "import or ingest some, or name a symbol"
        raise NoDataError(f"no bars of {interval.code} of this source", value=venue, todo=todo)
    return chosen


def rows_of_key(workspace: Workspace, key: ModelKey, task: Task, chosen: DeclaredSet) -> SourceRows:
    """Return all labelled rows of today of a series, or of a source.

    Raises
    ------
    NoDataError
        If there is none.
    BadInputError
        If the horizon does not fit the bars, the features cannot be computed of them, or code of a Step fails.
    """
    if not key.is_pooled:
        series = SeriesId.parse(key.source)
        if series.venue != coin_bars.VENUE:
            rows, klines = read_rows(workspace, series, task.label, chosen)
            return SourceRows(rows, {series: klines})
        return _coins(workspace, [series], task, chosen)
    wanted = series_of_source(workspace, key.venue, Interval.parse(key.interval))
    if key.venue == coin_bars.VENUE:
        return _coins(workspace, wanted, task, chosen)
    parts: list[Rows] = []
    bars: dict[SeriesId, pl.DataFrame] = {}
    left_out: list[NotTrained] = []
    for series in wanted:
        workspace.say(f"reading {series}")
        try:
            rows, klines = read_rows(workspace, series, task.label, chosen)
            _check_moves(rows)
        except NoDataError as error:
            left_out.append(NotTrained(series, str(error)))
            continue
        parts.append(rows)
        bars[series] = klines
    if not parts:
        raise NoDataError("no series can be learned from", value=wanted[0], todo=left_out[0].reason)
    return SourceRows(pooled(parts), bars, tuple(left_out))


def _coins(workspace: Workspace, wanted: Sequence[SeriesId], task: Task, chosen: DeclaredSet) -> SourceRows:
    coin_bars.check_reads_closes(chosen)
    task.label.check(wanted[0].interval)
    bars: dict[SeriesId, pl.DataFrame] = {}
    parts: list[Rows] = []
    left_out: list[NotTrained] = []
    with workspace.lake() as lake:
        for series in wanted:
            try:
                bars[series] = coin_bars.read_coin_bars(lake, series, Span())
            except NoDataError as error:
                left_out.append(NotTrained(series, str(error)))
    for series, klines in bars.items():
        try:
            rows = rows_of_bars(klines, series, task.label, chosen)
            _check_moves(rows)
            parts.append(rows)
        except NoDataError as error:
            left_out.append(NotTrained(series, str(error)))
    used = {one: klines for one, klines in bars.items() if one not in {each.series for each in left_out}}
    _check_enough(workspace, wanted[0].interval, task, chosen=chosen, bars=bars, parts=parts)
    return SourceRows(pooled(parts), used, tuple(left_out))


def _check_moves(rows: Rows) -> None:
    """Refuse a series whose outcome is always the same: among others it would look like one that can be foretold."""
    if rows.labels.min() == rows.labels.max():
        raise NoDataError("all answers are the same", value=f"{rows.labels[0]:g}", todo="the price stands still")


def _check_enough(
    workspace: Workspace,
    interval: Interval,
    task: Task,
    *,
    chosen: DeclaredSet,
    bars: Mapping[SeriesId, pl.DataFrame],
    parts: Sequence[Rows],
) -> None:
    """Refuse so few prices that no split of them leaves enough to learn from and to test on."""
    there = coin_bars.count_snapshots(list(bars.values())) if bars else 0
    wanted = (workspace.settings.model.folds + 1) * _FEWEST_IN_FOLD / (1.0 - KEPT_SHARE)
    of_horizon = 3 * task.horizon_bars(interval)  # of the label, of the purge and of the embargo
    needed = chosen.feature_set.warmup + 1 + of_horizon + math.ceil(wanted / max(1, len(bars)))
    if not parts or sum(one.labels.size for one in parts) < wanted:
        todo = (
            f"at least {needed:,} in a row, one every {interval.code}, are needed of each; "
            "`assay ingest coingecko:coin_history` fetches those of the past"
        )
        raise NoDataError("not enough data", value=f"{there:,} snapshots of {len(bars)} coins", todo=todo)
