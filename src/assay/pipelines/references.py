"""What a series is held against, joined to its bars as it was known when each of them closed.

The value at a bar depends on nothing that came after its close, so a bar that is streamed gets what a batch gives it.
:mod:`assay.features.reference_names` says what can be named.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

import numpy as np

from assay.domain.instrument import PREFERRED_PLACES
from assay.domain.interval import Interval
from assay.features.bars import Bars, IntArray
from assay.features.joining import last_known_rows
from assay.features.reference_names import BREADTH, SERIES, parse_reference
from assay.features.referenced import set_references
from assay.features.sets import FeatureSet
from assay.lake import reads
from assay.lake.reads import Span
from assay.pipelines import coin_references
from assay.pipelines.breadth import breadth
from assay.pipelines.reference_series import BEFORE, ReferenceColumn, SeriesReading, moment_of

if TYPE_CHECKING:
    import duckdb


def reference_column(
    lake: duckdb.DuckDBPyConnection,
    name: str,
    bars: Bars,
    *,
    interval: Interval,
    span: Span = reads.EVERYTHING,
    places: Sequence[str] = PREFERRED_PLACES,
) -> ReferenceColumn:
    """Return a reference at the close of each of `bars`, and when it was there.

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
    ReferenceColumn
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
    nothing = np.zeros(len(bars), dtype=np.int64)
    if not len(bars):
        return ReferenceColumn(np.empty(0), nothing)
    if wanted.kind not in {SERIES, BREADTH}:
        # Joined by when the answer came, which was before the close.
        return ReferenceColumn(coin_references.coin_values(lake, wanted, bars, seen), nothing)
    reading = SeriesReading(lake, interval, seen, tuple(places))
    return _close(reading, wanted.of, bars) if wanted.kind == SERIES else breadth(reading, wanted, bars)


def reference_columns(
    lake: duckdb.DuckDBPyConnection,
    feature_set: FeatureSet,
    bars: Bars,
    *,
    interval: Interval,
    span: Span = reads.EVERYTHING,
    places: Sequence[str] = PREFERRED_PLACES,
) -> dict[str, ReferenceColumn]:
    """Return each reference that Steps of the set are held against, by its name; as :func:`reference_column`."""
    return {
        name: reference_column(lake, name, bars, interval=interval, span=span, places=places)
        for name in set_references(feature_set)
    }


def available_with(own: IntArray, references: Mapping[str, ReferenceColumn]) -> IntArray:
    """Return when a live system had a row of features: all of its bars, and of its references, up to then.

    Parameters
    ----------
    own : int64 array, shape (n_bars,)
        When each bar was there, in microseconds.
    references : mapping of str to ReferenceColumn
    """
    latest = own
    for one in references.values():
        latest = np.maximum(latest, one.available)
    return np.maximum.accumulate(latest)


def _close(reading: SeriesReading, name: str, bars: Bars) -> ReferenceColumn:
    theirs, since = reading.bars(reading.resolved(name), start=moment_of(int(bars.open_time[0])) - BEFORE, end=bars)
    rows = last_known_rows(bars, theirs.close_time, bars.open_time)
    values, available = np.full(len(bars), np.nan), np.zeros(len(bars), dtype=np.int64)
    known = np.flatnonzero(rows >= 0)
    values[known], available[known] = theirs.close[rows[known]], since[rows[known]]
    return ReferenceColumn(values, available)
