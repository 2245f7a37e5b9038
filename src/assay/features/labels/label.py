"""Answers, each with the span of time it uses and no more.

>>> import numpy as np
>>> label = Label(np.array([1.0, np.nan, 0.0]), np.array([0, 10, 20]), np.array([20, 30, 40]))
>>> label.is_defined.tolist(), label.weights().tolist()
([True, False, True], [1.0, nan, 1.0])
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from assay.measures.overlap import average_uniqueness


@dataclass(frozen=True, slots=True, eq=False)
class Label:
    """Answers, and what each one needs to be known. Rows are bars of one series, in the order they were given."""

    value: NDArray[np.float64]
    """Shape (n_bars,); NaN where the answer is not known, which is never the same as 0."""
    span_start: NDArray[np.int64]
    """Shape (n_bars,), microseconds: the row's own close, the moment of the forecast."""
    span_end: NDArray[np.int64]
    """Shape (n_bars,), microseconds: the moment from which the answer can be known. Nothing of the market at or after
    it matters, and no bar that closes later."""

    @property
    def is_defined(self) -> NDArray[np.bool_]:
        """Shape (n_bars,): whether the answer is known."""
        return ~np.isnan(self.value)

    def weights(self, rows: NDArray[np.bool_] | None = None) -> NDArray[np.float64]:
        """Return the average uniqueness of the labels, to be used as sample weights.

        Parameters
        ----------
        rows : ndarray of bool, shape (n_bars,), optional
            The rows that are learned from; all that are defined when left out. A row that is not learned from takes no
            weight from others.

        Returns
        -------
        ndarray of float64, shape (n_bars,)
            In (0, 1]; NaN for rows that are left out or not defined. See
            :func:`assay.measures.overlap.average_uniqueness`.
        """
        used = self.is_defined if rows is None else rows & self.is_defined
        weight = np.full(self.value.shape, np.nan)
        weight[used] = average_uniqueness(self.span_start[used], self.span_end[used])
        return weight
