"""Breadth: of the coins that are traded at a moment, the share of which a measure holds then.

Who is counted is decided at every bar by what was known at its close. A coin comes in when its first bars are there
and goes out when they end, or from the first list of instruments on that no longer has it trading, whatever bars a
venue goes on to send. Of a coin that is traded at several places the preferred one counts that has a value then: one
that begins later takes nothing from the past. Where a ticker came to mean another asset, its bars begin anew.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING

import numpy as np

from assay.domain.instrument import SeriesId
from assay.features.bars import Bars, FloatArray, IntArray
from assay.features.drivers import run_batch
from assay.features.indicators.ema import Ema
from assay.features.indicators.log_return import LogReturn
from assay.features.joining import last_known_rows
from assay.features.reference_names import ABOVE_EMA, ReferenceName
from assay.features.step import Step
from assay.lake import as_of as moments
from assay.lake.identities import asset_spans, stated_segments
from assay.lake.manifest import has_table
from assay.pipelines.reference_series import ReferenceColumn, SeriesReading

if TYPE_CHECKING:
    from numpy.typing import NDArray

_INSTRUMENTS = "silver.instruments"
_Lists = dict[tuple[str, str, str], list[tuple[int, int | None, bool]]]
"""By venue, market and symbol: from when to when it was listed, and whether it could be traded."""


def breadth(reading: SeriesReading, wanted: ReferenceName, bars: Bars) -> ReferenceColumn:
    """Return the share of the universe's coins of which the measure holds at the close of each of `bars`.

    NaN where none of them has a value.
    """
    holding, counted = np.zeros(len(bars)), np.zeros(len(bars))
    available = np.zeros(len(bars), dtype=np.int64)
    universe = reading.universe(wanted.of)
    lists = _lists_of(reading, [series for places in universe for series in places])
    for places in universe:
        holds, since = _of_a_coin(reading, wanted, bars, places=places, lists=lists)
        is_there = ~np.isnan(holds)
        counted += is_there
        holding += np.where(is_there, holds, 0.0)
        available = np.maximum(available, since)
    share = np.divide(holding, counted, out=np.full(len(bars), np.nan), where=counted > 0)
    return ReferenceColumn(share, available)


def _of_a_coin(
    reading: SeriesReading, wanted: ReferenceName, bars: Bars, *, places: Sequence[SeriesId], lists: _Lists
) -> tuple[FloatArray, IntArray]:
    """Return 1 or 0 where the coin has a value, by the first of its places that has one; and when that was there."""
    found, available = np.full(len(bars), np.nan), np.zeros(len(bars), dtype=np.int64)
    for series in places:
        lacking = np.isnan(found)
        if not lacking.any():
            break
        # An average is one from the series' first bar on.
        theirs, since = reading.bars(series, start=None, end=bars)
        rows = last_known_rows(bars, theirs.close_time, bars.open_time)
        taken = np.flatnonzero(lacking & (rows >= 0) & ~_is_delisted(lists.get(series.key[:3], []), bars))
        found[taken] = _holds(wanted, series, theirs)[rows[taken]]
        available[taken] = since[rows[taken]]
    return found, available


def _holds(wanted: ReferenceName, series: SeriesId, bars: Bars) -> FloatArray:
    """Return 1 where the measure holds of the series, 0 where it does not, NaN where it has no value yet."""
    step: Step = Ema(wanted.bars) if wanted.measure == ABOVE_EMA else LogReturn(wanted.bars)
    parts = [np.empty(0)]
    for part in _of_one_asset(series, bars):
        value = run_batch(step, part)[0][:, 0]
        holds = part.close > value if wanted.measure == ABOVE_EMA else value > 0.0
        parts.append(np.where(np.isnan(value), np.nan, holds.astype(np.float64)))
    return np.concatenate(parts)


def _of_one_asset(series: SeriesId, bars: Bars) -> Iterator[Bars]:
    """Yield the bars in parts, of each of which the ticker meant one asset."""
    for span in asset_spans(bars.open_time, bars.close_time, stated_segments(series.symbol.base)) if len(bars) else ():
        yield bars.rows(span.rows.start, span.rows.stop)


def _lists_of(reading: SeriesReading, universe: Sequence[SeriesId]) -> _Lists:
    """Return what lists of instruments said of each series, from when to when: moments in microseconds."""
    if not has_table(reading.lake, _INSTRUMENTS):
        return {}
    span = reading.span
    rows = reading.lake.execute(
        "select venue, market, symbol, epoch_us(valid_from), epoch_us(valid_to), coalesce(is_trading, true) "
        f"from {moments.relation(_INSTRUMENTS, span.as_of, span.available_at)} "
        "where symbol in (select unnest(?::varchar[]))",
        [sorted({str(series.symbol) for series in universe})],
    ).fetchall()
    found: _Lists = {}
    for venue, market, symbol, *state in rows:
        found.setdefault((venue, market, symbol), []).append(tuple(state))
    return found


def _is_delisted(states: Sequence[tuple[int, int | None, bool]], bars: Bars) -> NDArray[np.bool_]:
    """Return where lists that had come by the close say that a series is not traded, shape (n_bars,).

    Before the first list nothing says so, and its bars alone count.
    """
    closes = bars.close_time
    was_listed, is_trading = np.zeros((2, len(bars)), dtype=np.bool_)
    for since, until, trades in states:
        stands = (closes >= since) & (closes < until if until is not None else True)
        was_listed |= closes >= since
        is_trading |= stands & trades
    return np.asarray(was_listed & ~is_trading)
