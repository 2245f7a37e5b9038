"""A feature set of many series: all of them a bar further in one call, or all of their history on every processor.

>>> import numpy as np
>>> from assay.features.indicators.ema import Ema
>>> from assay.features.indicators.rsi import Rsi
>>> streams = ManyStreams(FeatureSet("momentum", 1, (Ema(12), Rsi(14))), 1000)
>>> times, values = np.tile([0, 60_000_000], (1000, 1)), np.full((1000, 9), 5.0)
>>> streams.update(times, values).shape
(1000, 2)
"""

from __future__ import annotations

from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from typing import TypeVar

import numpy as np

from assay.domain.errors import BadInputError
from assay.features.bars import VALUE_COLUMNS, Bars, FloatArray, IntArray
from assay.features.fused import ABSENT, Fused, check_bars
from assay.features.sets import FeatureRun, FeatureSet, SetState

__all__ = ["ABSENT", "ManyStreams", "run_many"]
Key = TypeVar("Key")


class ManyStreams:
    """A feature set of `count` series that are fed one closed bar each at a time.

    Parameters
    ----------
    feature_set : FeatureSet
        What to compute.
    count : int
        Number of series; they are known by their places.
    states : mapping of int to SetState, optional
        Where to go on, by place; the others begin.

    Raises
    ------
    BadInputError
        If there is no such place.
    StateError
        If another set or other code made a state.
    """

    def __init__(self, feature_set: FeatureSet, count: int, states: Mapping[int, SetState] | None = None) -> None:
        self.feature_set = feature_set
        self._fused = Fused(feature_set.steps)
        self._rows = np.repeat(self._fused.pack(feature_set.start().steps)[None], count, axis=0)
        for place, state in (states or {}).items():
            if not 0 <= place < count:
                raise BadInputError("no such place", value=place, todo=f"count from 0 to {count - 1}")
            self._rows[place] = self._fused.pack(feature_set.check(state).steps)

    def state(self, place: int) -> SetState:
        """Return the state of one series after its last bar."""
        return SetState(self._fused.unpack(self._rows[place]))

    def update(self, times: IntArray, values: FloatArray, *, out: FloatArray | None = None) -> FloatArray:
        """Take in a closed bar of each series and return the features at their closes.

        Parameters
        ----------
        times : int64 array, shape (count, 2)
            Open and close time of each bar in microseconds; an open time of :data:`ABSENT` says that there is none.
        values : float64 array, shape (count, 9)
            In the order of :data:`~assay.features.bars.VALUE_COLUMNS`.
        out : float64 array, shape (count, n_columns), optional
            Overwritten and returned.

        Returns
        -------
        float64 array, shape (count, n_columns)
            NaN where there was no bar.

        Raises
        ------
        BadInputError
            If a bar opens before the last one of its series closed, a value is infinite, or a shape is wrong; nothing
            is changed then.
        """
        return self._run(self._rows, times, values, out)

    def preview(self, times: IntArray, values: FloatArray, *, out: FloatArray | None = None) -> FloatArray:
        """Return what :meth:`update` would, for bars that are still open; the streams stay as they are."""
        return self._run(self._rows.copy(), times, values, out)

    def _run(self, rows: FloatArray, times: IntArray, values: FloatArray, out: FloatArray | None) -> FloatArray:
        count = len(rows)
        out = np.empty((count, self._fused.width)) if out is None else out
        bars = np.ascontiguousarray(times, np.int64), np.ascontiguousarray(values, np.float64)
        wanted = (count, 2), (count, len(VALUE_COLUMNS)), (count, self._fused.width)
        if (bars[0].shape, bars[1].shape, out.shape) != wanted or not (out.flags.c_contiguous and out.dtype == float):
            todo = f"give times of shape {wanted[0]}, values of {wanted[1]} and float64 outputs of {wanted[2]}"
            raise BadInputError(
                "arrays of another shape", value=f"{times.shape}, {values.shape}, {out.shape}", todo=todo
            )
        check_bars(self._fused.update(rows, *bars, out), *bars, rows)
        return out


def run_many(
    feature_set: FeatureSet,
    series: Mapping[Key, Bars],
    states: Mapping[Key, SetState] | None = None,
    *,
    threads: int = 2,
) -> dict[Key, FeatureRun]:
    """Run a feature set over many series, some at a time; the loops are compiled and hold no lock.

    Parameters
    ----------
    feature_set : FeatureSet
        What to compute.
    series : mapping of key to Bars
        As for :meth:`~assay.features.sets.FeatureSet.run`.
    states : mapping of key to SetState, optional
        Where to go on; the others begin.
    threads : int
        How many run at a time. The results do not depend on it.

    Returns
    -------
    dict of key to FeatureRun
        In the order of `series`.
    """
    before = states or {}
    with ThreadPoolExecutor(threads) as pool:
        runs = pool.map(lambda key: feature_set.run(series[key], before.get(key)), series)
        return dict(zip(series, runs, strict=True))
