"""Which series a reference means, and their bars as they were known: what closes and breadths are made of."""

from __future__ import annotations

import dataclasses
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import TYPE_CHECKING

import numpy as np

from assay.domain.errors import NoDataError
from assay.domain.instrument import SeriesId, resolve
from assay.domain.interval import EPOCH, Interval
from assay.features.bars import Bars, IntArray
from assay.lake import reads
from assay.lake.reads import Span
from assay.pipelines.steps import bars_of

if TYPE_CHECKING:
    import duckdb

BEFORE = timedelta(days=32)
"""More than the longest bar: so far before the first bar, the bar of a reference may open that closes within it."""
_COLUMNS = (*reads.STEP_COLUMNS, "available_at")


@dataclass(frozen=True, slots=True, eq=False)
class ReferenceColumn:
    """A reference at the close of each bar.

    Attributes
    ----------
    values : float64 array, shape (n_bars,)
        NaN where there is none.
    available : int64 array, shape (n_bars,)
        When a live system had all that the value is made of, in microseconds; 0 where nothing was needed.
    """

    values: np.ndarray[tuple[int], np.dtype[np.float64]]
    available: IntArray


@dataclass(frozen=True, slots=True)
class SeriesReading:
    """From where, for bars of which interval, and from whose point of view."""

    lake: duckdb.DuckDBPyConnection
    interval: Interval
    span: Span
    places: tuple[str, ...]

    def resolved(self, name: str) -> SeriesId:
        """Return the series called `name`, at this interval or at the longest shorter one there is.

        Raises
        ------
        NoDataError
            If there is none, or only one that stands in for it.
        """
        known = self._known()
        shorter = [one for one in known if one.interval.duration <= self.interval.duration]
        if not shorter and known:
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

    def universe(self, text: str) -> list[tuple[SeriesId, ...]]:
        """Return, for each symbol that `text` names, its series at the places that are meant, the preferred first."""
        members: dict[str, tuple[SeriesId, ...]] = {}
        for member in text.split(","):
            place, _, spelling = member.rpartition(":")
            if spelling.startswith("*-"):
                members |= self._quoted_in(spelling[2:].upper(), place, member)
                continue
            found = self.resolved(member)
            elsewhere = [] if place else self._same(found)
            members[str(found.symbol)] = self._in_order([found, *elsewhere])
        return [members[symbol] for symbol in sorted(members)]

    def bars(self, series: SeriesId, *, start: datetime | None, end: Bars) -> tuple[Bars, IntArray]:
        """Return the bars of a series that closed by the last close of `end`, and when all up to each were there."""
        last = moment_of(int(end.close_time[-1]))
        span = dataclasses.replace(self.span, start=start, end=last)
        try:
            klines = reads.read_klines(self.lake, series, span, _COLUMNS)
        except NoDataError:
            # It is known, and had no bar yet: nothing to hold against.
            none, moments = np.empty(0), np.empty(0, dtype=np.int64)
            return Bars(moments, moments, none, none, none, none, none), moments
        return bars_of(klines), np.maximum.accumulate(klines["available_at"].dt.epoch("us").to_numpy())

    def _known(self) -> list[SeriesId]:
        """Return what there was then; what there is now where nothing was, so that names still mean something."""
        then = reads.list_series(self.lake, as_of=self.span.as_of, available_at=self.span.available_at)
        return then or reads.list_series(self.lake)

    def _quoted_in(self, quote: str, place: str, member: str) -> dict[str, tuple[SeriesId, ...]]:
        fitting = [
            one
            for one in self._known()
            if one.interval == self.interval and one.symbol.quote == quote and place in {"", one.place}
        ]
        if not fitting:
            todo = f"name a quote that bars of {self.interval} are in, or load them"
            raise NoDataError("nobody is in this universe", value=member, todo=todo)
        symbols = {one.symbol for one in fitting}
        return {str(symbol): self._in_order([one for one in fitting if one.symbol == symbol]) for symbol in symbols}

    def _same(self, found: SeriesId) -> list[SeriesId]:
        return [one for one in self._known() if (one.symbol, one.interval) == (found.symbol, found.interval)]

    def _in_order(self, series: list[SeriesId]) -> tuple[SeriesId, ...]:
        rank = {name: position for position, name in enumerate(self.places)}
        return tuple(sorted(set(series), key=lambda one: (rank.get(one.place, len(rank)), one.place)))


def moment_of(microseconds: int) -> datetime:
    """Return the moment so long after the epoch."""
    return EPOCH + timedelta(microseconds=microseconds)
