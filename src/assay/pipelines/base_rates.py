"""What was more frequent before, of each series by itself: whom a model of many series has to beat.

One base rate over all of them would be too weak an opponent. Where one coin mostly rose and another one mostly fell,
who can tell the two apart is right more often than "up" for both, without knowing anything of the next hour.
"""

from __future__ import annotations

import numpy as np
import polars as pl
from numpy.typing import NDArray

from assay.pipelines.training_table import KEY

SERIES = KEY[:4]
"""Columns of a training table that say of which series a row is."""


def base_rates(taught: pl.DataFrame, labels: NDArray[np.float64], asked: pl.DataFrame) -> NDArray[np.float64]:
    """Return how often the series of each row went up among the rows that were taught.

    Parameters
    ----------
    taught, asked : polars.DataFrame
        Rows of a training table; their series are looked at, and nothing else.
    labels : ndarray of float64, shape (n_taught,)
        0 or 1, at least one.

    Returns
    -------
    ndarray of float64, shape (n_asked,)
        A share; of a series that was not taught the share over all.

    Examples
    --------
    >>> def rows(*symbols):
    ...     return pl.DataFrame({"venue": "v", "market": "spot", "symbol": symbols, "interval": "1h"})
    >>> base_rates(rows("A", "A", "B", "B"), np.array([1.0, 1.0, 1.0, 0.0]), rows("B", "A", "C")).tolist()
    [0.5, 1.0, 0.75]
    """
    shares = taught.select(SERIES).with_columns(pl.Series("share", labels)).group_by(SERIES).agg(pl.mean("share"))
    found = asked.select(SERIES).join(shares, on=SERIES, how="left", maintain_order="left")["share"]
    return found.fill_null(float(labels.mean())).to_numpy()
