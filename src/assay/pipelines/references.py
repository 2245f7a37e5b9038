"""What a series is held against, joined to its bars as it was known when each of them closed.

The value at a bar depends on nothing that came after its close, so a bar that is streamed gets what a batch gives it.
:mod:`assay.features.reference_names` says what can be named.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import TYPE_CHECKING

import numpy as np

from assay.domain.errors import NoDataError
from assay.domain.instrument import PREFERRED_PLACES, SeriesId, resolve
from assay.domain.interval import EPOCH, Interval
from assay.features.bars import Bars, FloatArray
from assay.features.drivers import run_batch
from assay.features.indicators.ema import Ema
from assay.features.indicators.log_return import LogReturn
from assay.features.joining import last_known
from assay.features.reference_names import ABOVE_EMA, BREADTH, SERIES, ReferenceName, parse_reference
from assay.lake import reads
from assay.lake.reads import Span
from assay.pipelines import coin_references
from assay.pipelines.steps import bars_of

if TYPE_CHECKING:
    import duckdb

_BEFORE = timedelta(days=32)
"""More than the longest bar: so far before the first bar, the bar of a reference may open that closes within it."""
_COLUMNS = (
    "open_time", "close_time", "open", "high", "low", "close", "volume", "quote_volume", "taker_buy_volume",
    "num_trades",
)  # fmt: skip


def reference_values(
    lake: duckdb.DuckDBPyConnection,
    name: str,
    bars: Bars,
    *,
    interval: Interval,
    span: Span = reads.EVERYTHING,
    places: Sequence[str] = PREFERRED_PLACES,
) -> FloatArray:
    """Return the values of a reference at the close of each of `bars`.

    Parameters
    ----------
    lake : connection
        To the lake.
    name : str
        Of the reference: :func:`~assay.features.reference_names.parse_reference`.
    bars : Bars
        Closed bars of the series that is held against it.
    interval : Interval
        Of these bars. A series is read at this interval, or at the longest shorter one there is.
    span : Span
        Only `as_of` and `available_at` count: from whose point of view.
    places : sequence of str
        ``venue:market`` in order of preference.

    Returns
    -------
    float64 array, shape (n_bars,)
        The last value at or before the close, from within the bar: NaN where a series has no bar that closed after
        this one opened, and where what is polled of a coin is older than
        :data:`~assay.pipelines.coin_references.OLDEST`.

    Raises
    ------
    BadInputError
        If that is no name of a reference.
    NoDataError
        If the lake has nothing of it at all.
    """
    wanted = parse_reference(name)
    seen = dataclasses.replace(span, start=None, end=None, only_closed=True)
    if not len(bars):
        return np.empty(0)
    if wanted.kind not in {SERIES, BREADTH}:
        return coin_references.coin_values(lake, wanted, bars, seen)
    reading = _Reading(lake, interval, seen, tuple(places))
    return reading.close(wanted.of, bars) if wanted.kind == SERIES else reading.breadth(wanted, bars)


@dataclasses.dataclass(frozen=True, slots=True)
class _Reading:
    """From where, at which interval, and from whose point of view."""

    lake: duckdb.DuckDBPyConnection
    interval: Interval
    span: Span
    places: tuple[str, ...]

    def close(self, name: str, bars: Bars) -> FloatArray:
        """Return the closes of the series called `name`."""
        series = self._resolved(name)
        theirs = self._bars(series, start=_moment(int(bars.open_time[0])) - _BEFORE, end=bars)
        return last_known(bars, theirs.close_time, theirs.close, bars.open_time)

    def breadth(self, wanted: ReferenceName, bars: Bars) -> FloatArray:
        """Return the share of the universe's series of which the measure holds, of those that have it then."""
        holding, counted = np.zeros(len(bars)), np.zeros(len(bars))
        for series in self._universe(wanted.of):
            # An average is one from the series' first bar on.
            theirs = self._bars(series, start=None, end=bars)
            step = Ema(wanted.bars) if wanted.measure == ABOVE_EMA else LogReturn(wanted.bars)
            value = run_batch(step, theirs)[0][:, 0]
            holds = theirs.close > value if wanted.measure == ABOVE_EMA else value > 0.0
            then = last_known(
                bars, theirs.close_time, np.where(np.isnan(value), np.nan, holds.astype(np.float64)), bars.open_time
            )
            is_there = ~np.isnan(then)
            counted += is_there
            holding += np.where(is_there, then, 0.0)
        share: FloatArray = np.divide(holding, counted, out=np.full(len(bars), np.nan), where=counted > 0)
        return share

    def _series(self) -> list[SeriesId]:
        """Return what there was then; what there is now where nothing was, so that names still mean something."""
        then = reads.list_series(self.lake, as_of=self.span.as_of, available_at=self.span.available_at)
        return then or reads.list_series(self.lake)

    def _resolved(self, name: str) -> SeriesId:
        shorter = [one for one in self._series() if one.interval.duration <= self.interval.duration]
        if not shorter and self._series():
            todo = f"load its bars of {self.interval}, or shorter ones"
            raise NoDataError("no bars of a reference short enough", value=name, todo=todo)
        exact = [one for one in shorter if one.interval == self.interval]
        try:
            found = resolve(name, exact, places=self.places)
        except NoDataError:
            found = resolve(name, shorter, places=self.places)
            others = [one for one in shorter if (one.place, one.symbol) == (found.series.place, found.series.symbol)]
            longest = max(others, key=lambda one: one.interval.duration)
            found = dataclasses.replace(found, series=longest)
        if found.is_stand_in:
            todo = f"write {found.series.symbol}, if that is meant"
            raise NoDataError("no series for the reference", value=name, todo=todo)
        return found.series

    def _universe(self, text: str) -> list[SeriesId]:
        """Return the series that `text` names, one of each symbol."""
        members: list[SeriesId] = []
        for member in text.split(","):
            place, _, spelling = member.rpartition(":")
            if not spelling.startswith("*-"):
                members.append(self._resolved(member))
                continue
            quote = spelling[2:].upper()
            fitting = [
                one
                for one in self._series()
                if one.interval == self.interval and one.symbol.quote == quote and place in {"", one.place}
            ]
            if not fitting:
                todo = f"name a quote that bars of {self.interval} are in, or load them"
                raise NoDataError("nobody is in this universe", value=member, todo=todo)
            symbols = sorted({one.symbol for one in fitting}, key=str)
            members += [resolve(str(one), fitting, places=self.places).series for one in symbols]
        return sorted(set(members), key=str)

    def _bars(self, series: SeriesId, *, start: datetime | None, end: Bars) -> Bars:
        last = _moment(int(end.close_time[-1]))
        span = dataclasses.replace(self.span, start=start, end=last)
        try:
            return bars_of(reads.read_klines(self.lake, series, span, _COLUMNS))
        except NoDataError:
            # It is known, and had no bar yet: nothing to hold against.
            none = np.empty(0)
            return Bars(none.astype(np.int64), none.astype(np.int64), none, none, none, none, none)


def _moment(microseconds: int) -> datetime:
    return EPOCH + timedelta(microseconds=microseconds)
