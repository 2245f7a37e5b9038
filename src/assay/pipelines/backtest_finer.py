"""The shorter bars of what is traded, where the lake has them: they decide what happened inside the bars of a strategy.

They are read as of the same moment as the bars themselves, closed ones only. Of several lengths the shortest that tells
all of a bar is taken, bar by bar (:func:`assay.backtest.finer.refine`).
"""

from __future__ import annotations

import dataclasses
import hashlib
from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import TYPE_CHECKING

import numpy as np
import polars as pl

from assay.backtest.finer import refine
from assay.backtest.layout import Floats
from assay.backtest.market import Market
from assay.domain.errors import BadInputError, NoDataError
from assay.domain.instrument import SeriesId
from assay.domain.interval import EPOCH, Interval
from assay.lake import reads
from assay.lake.reads import Span
from assay.pipelines.backtest_market import LakeMarket
from assay.pipelines.backtest_several import SeveralMarkets
from assay.pipelines.workspace import Workspace

if TYPE_CHECKING:
    import duckdb

AUTO, NONE = "auto", "none"
MOST_BARS = 1_000_000
"""Shorter bars that are read of a series at most: of 1m almost two years. Longer ones serve where they are more."""
_COLUMNS = ("open_time", "close_time", "open", "high", "low", "close", "volume")


def check_finer(finer: str) -> None:
    """Raise BadInputError if it is no answer to whether shorter bars are to be used."""
    if finer not in (AUTO, NONE):
        todo = f"use {AUTO} (where the lake has them) or {NONE}"
        raise BadInputError("no such choice of finer bars", value=finer, todo=todo)


def refined(workspace: Workspace, found: LakeMarket | SeveralMarkets) -> LakeMarket | SeveralMarkets:
    """Return what is traded with the shorter bars that the lake has of it.

    Parameters
    ----------
    workspace : Workspace
    found : LakeMarket or SeveralMarkets

    Returns
    -------
    LakeMarket or SeveralMarkets
        As it was where no shorter bars tell more; else with another `data_version`.
    """
    series = tuple(one.series for one in found.parts)
    market = refine(found.market, _shorter(workspace, series, found.market, found.span))
    if market.finer is None:
        return found
    digest = hashlib.sha256(market.finer.first.tobytes())
    for name in ("open_time", "open", "high", "low", "close", "volume"):
        digest.update(getattr(market.finer, name).tobytes())
    parts = [dataclasses.replace(one, data_version=_both(one.data_version, digest.hexdigest())) for one in found.parts]
    if isinstance(found, SeveralMarkets):
        return dataclasses.replace(found, market=market, parts=tuple(parts))
    return dataclasses.replace(parts[0], market=market)


def _both(bars: str, finer: str) -> str:
    return hashlib.sha256(f"{bars} {finer}".encode()).hexdigest()[:16]


def _shorter(workspace: Workspace, series: Sequence[SeriesId], market: Market, span: Span) -> list[Market]:
    """Return markets of shorter bars of the same symbols, the shortest first."""
    whole = dataclasses.replace(
        span, start=_moment(market.open_time[0]), end=_moment(market.close_time[-1]), only_closed=True
    )
    found: list[Market] = []
    with workspace.lake() as lake:
        known = set(reads.list_series(lake, as_of=span.as_of, available_at=span.available_at))
        for interval in _intervals(known, series, market):
            frames: list[pl.DataFrame | None] = []
            for one in series:
                shorter = dataclasses.replace(one, interval=interval)
                is_readable = shorter in known and 0 < reads.count_klines(lake, shorter, whole) <= MOST_BARS
                frames.append(_read(lake, shorter, whole) if is_readable else None)
            if any(frame is not None for frame in frames):
                found.append(_joined(market.symbols, frames))
    return found


def _intervals(known: set[SeriesId], series: Sequence[SeriesId], market: Market) -> list[Interval]:
    """Return the lengths of shorter bars that the lake has, the shortest first."""
    keys = {one.key[:3] for one in series}
    lengths = {one.interval for one in known if one.key[:3] in keys and not one.interval.is_calendar}
    shorter = [one for one in lengths if one.microseconds < market.interval_us]
    return sorted(shorter, key=lambda one: one.microseconds)


def _read(lake: duckdb.DuckDBPyConnection, series: SeriesId, span: Span) -> pl.DataFrame | None:
    try:
        return reads.read_klines(lake, series, span, _COLUMNS)
    except NoDataError:  # none of them was known at that moment
        return None


def _joined(symbols: tuple[str, ...], frames: Sequence[pl.DataFrame | None]) -> Market:
    """Return bars of several symbols on one grid; NaN where one has none."""
    times = [None if one is None else one["open_time"].dt.epoch("us").to_numpy() for one in frames]
    opens = np.unique(np.concatenate([one for one in times if one is not None]))
    closes = np.zeros(opens.size, dtype=np.int64)
    columns: dict[str, Floats] = {name: np.full((opens.size, len(symbols)), np.nan) for name in _COLUMNS[2:]}
    for place, (frame, opened) in enumerate(zip(frames, times, strict=True)):
        if frame is None or opened is None:
            continue
        rows = np.searchsorted(opens, opened)
        closes[rows] = frame["close_time"].dt.epoch("us").to_numpy()
        for name, column in columns.items():
            column[rows, place] = frame[name].cast(pl.Float64).to_numpy()
    return Market(
        symbols, opens, closes,
        columns["open"], columns["high"], columns["low"], columns["close"], columns["volume"],
    )  # fmt: skip


def _moment(microseconds: int) -> datetime:
    return EPOCH + timedelta(microseconds=int(microseconds))
