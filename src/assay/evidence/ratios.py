"""Means over some of the rows, with intervals over blocks of all rows.

What a trade earned is the mean over the rows with a trade; how a model did in wild markets is one over the rows of
wild markets. Both are a sum over a sum, and in each bootstrap sample both sums are drawn together: so rows keep their
neighbours, and how many rows there are is uncertain too.

>>> import numpy as np
>>> earned, is_trade = np.tile([3.0, 0.0, -1.0, 0.0], 100), np.tile([1.0, 0.0, 1.0, 0.0], 100)
>>> one = estimate_ratios(earned[:, None], is_trade, block=8, samples=100, levels=[0.95], rng=np.random.default_rng(7))
>>> one[0].value
1.0
"""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from assay.domain.errors import BadInputError
from assay.evidence.observations import block_means
from assay.evidence.verdict import Estimate
from assay.measures.bootstrap import ConfidenceInterval, resampled_sums, spread_interval


def estimate_ratios(
    tops: NDArray[np.float64],
    weights: NDArray[np.float64],
    *,
    block: int,
    samples: int,
    levels: Sequence[float],
    rng: np.random.Generator,
) -> tuple[Estimate, ...]:
    """Return the sum of each column over the sum of the weights, and where it probably lies.

    Parameters
    ----------
    tops : ndarray of float64, shape (n, n_columns)
        What is summed, in order of time; zero where the weight is.
    weights : ndarray of float64, shape (n,)
        How much each row counts, not negative; 0 leaves it out.
    block : int
        Rows in a bootstrap block; all rows are one block if there are no more.
    samples : int
        Bootstrap samples; the columns are drawn together.
    levels : sequence of float, length n_columns
        Probability of each interval.
    rng : numpy.random.Generator

    Returns
    -------
    tuple of Estimate, length n_columns
        All NaN where the weights sum to zero; without ends where there is but one block.

    Raises
    ------
    BadInputError
        If there is no row, shapes differ, a value is not finite or a weight is negative.

    References
    ----------
    Kish (1965), "Survey sampling": blocks in which much of the weight lies count for more, so that the degrees of
    freedom are those of ``sum(w)² / sum(w²)`` equal blocks.
    """
    n = weights.size
    if tops.shape != (n, len(levels)) or block < 1 or not n:
        raise BadInputError("sums and weights must be of the same rows", value=f"{tops.shape}, {weights.shape}")
    if not np.all(weights >= 0):
        raise BadInputError("a weight is not negative", value=weights[~(weights >= 0)][0])
    total = float(weights.sum())
    if total == 0:
        return tuple(Estimate(math.nan, ConfidenceInterval(math.nan, math.nan, level)) for level in levels)
    length = min(block, n)
    sums = resampled_sums(np.column_stack([tops, weights]), block=length, samples=samples, rng=rng)
    # A trace of rounding in a running total is no weight.
    is_there = sums[:, -1] > 1e-9 * total
    of_blocks = block_means(weights, block=length)
    blocks = float(of_blocks.sum() ** 2 / (of_blocks**2).sum())
    found = []
    for column, level in enumerate(levels):
        value = float(tops[:, column].sum()) / total
        drawn = np.divide(sums[:, column], sums[:, -1], out=np.full(len(sums), np.nan), where=is_there)
        if blocks < 2:
            drawn = np.full(1, np.nan)
        found.append(Estimate(value, spread_interval(value, drawn, blocks=blocks, level=level)))
    return tuple(found)
