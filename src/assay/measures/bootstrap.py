"""How sure a number is when neighbouring rows are alike: the circular block bootstrap.

Forecasts 24 hours ahead, made every hour, share 23 of their 24 hours with the next. Resampling single rows would
treat them as independent and give intervals several times too narrow; resampling whole blocks keeps the likeness.
Blocks wrap around the end, so that every row is drawn equally often.
Reference: Politis and Romano (1992), "A circular block-resampling procedure for stationary data".

>>> import numpy as np
>>> went_right = np.tile([1.0, 1.0, 0.0, 1.0], 250)
>>> sums = resampled_sums(went_right[:, None], block=8, samples=1000, rng=np.random.default_rng(7))
>>> sums.shape, percentile_interval(sums[:, 0] / 1000)
((1000, 1), ConfidenceInterval(low=0.75, high=0.75, level=0.95))
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from assay.domain.errors import BadInputError
from assay.measures.distributions import student_t_critical

_CHUNK_CELLS = 2_000_000
"""Block starts drawn at a time; bounds memory to tens of MB whatever the number of samples."""


@dataclass(frozen=True, slots=True)
class ConfidenceInterval:
    """Where a number probably lies: ``[low, high]`` at probability `level`."""

    low: float
    high: float
    level: float

    def __contains__(self, value: float) -> bool:
        return self.low <= value <= self.high


def block_starts(n: int, *, block: int, samples: int, rng: np.random.Generator) -> Iterator[NDArray[np.int64]]:
    """Yield the first rows of the blocks of all samples, some samples at a time.

    Parameters
    ----------
    n : int
        Rows of the original.
    block : int
        Rows in a block, 1 to `n`; the last block of a sample is cut so that a sample has `n` rows.
    samples : int
        Samples to draw.
    rng : numpy.random.Generator
        The only source of randomness: the same state gives the same samples.

    Yields
    ------
    ndarray of int64, shape (n_some_samples, ceil(n / block))

    Raises
    ------
    BadInputError
        If there is no row, or `block` or `samples` is out of range.

    Examples
    --------
    >>> next(block_starts(10, block=4, samples=2, rng=np.random.default_rng(0))).shape
    (2, 3)
    """
    if n < 1:
        raise BadInputError("nothing to resample", value=n, todo="give at least one row")
    if not 1 <= block <= n:
        raise BadInputError("a block must have 1 to n rows", value=block, todo=f"n is {n}")
    if samples < 1:
        raise BadInputError("at least one sample must be drawn", value=samples)
    blocks = -(-n // block)
    chunk = max(1, _CHUNK_CELLS // blocks)
    for done in range(0, samples, chunk):
        yield rng.integers(n, size=(min(chunk, samples - done), blocks))


def block_indices(n: int, *, block: int, samples: int, rng: np.random.Generator) -> Iterator[NDArray[np.int64]]:
    """Yield the rows of one sample after the other; parameters and Raises as in :func:`block_starts`.

    Yields
    ------
    ndarray of int64, shape (n,)

    Examples
    --------
    >>> rows = next(block_indices(6, block=3, samples=1, rng=np.random.default_rng(1)))
    >>> (np.diff(rows.reshape(2, 3), axis=1) % 6 == 1).all()
    np.True_
    """
    offsets = np.arange(block)
    for starts in block_starts(n, block=block, samples=samples, rng=rng):
        for one in starts:
            yield (one[:, None] + offsets).ravel()[:n] % n


def resampled_sums(
    columns: NDArray[np.float64], *, block: int, samples: int, rng: np.random.Generator
) -> NDArray[np.float64]:
    """Return the column sums of every sample without ever building the samples.

    A block's sum is the difference of two running totals, so the cost is that of the blocks, not of the rows. All
    columns are drawn together, so that statistics of one sample are paired.

    Parameters
    ----------
    columns : ndarray of float64, shape (n, n_columns)
        What to sum. Counts (0/1) come out exact; other values carry the rounding of a running total.
    block, samples, rng
        As in :func:`block_starts`.

    Returns
    -------
    ndarray of float64, shape (samples, n_columns)

    Raises
    ------
    BadInputError
        As :func:`block_starts`, and if a value is not finite: one NaN would poison all the totals after it.

    Examples
    --------
    >>> resampled_sums(np.ones((5, 2)), block=2, samples=1, rng=np.random.default_rng(0)).tolist()
    [[5.0, 5.0]]
    """
    if not np.all(np.isfinite(columns)):
        raise BadInputError("values to resample must be finite", todo="drop or mask the rows without a value")
    n, width = columns.shape
    # Twice round, because a block may begin in the last rows and end in the first.
    totals = np.zeros((2 * n + 1, width))
    np.cumsum(np.concatenate((columns, columns)), axis=0, out=totals[1:])
    parts = []
    for starts in block_starts(n, block=block, samples=samples, rng=rng):
        lengths = np.full(starts.shape[1], block)
        lengths[-1] = n - block * (starts.shape[1] - 1)
        ends = starts + lengths
        parts.append(np.stack([(totals[ends, j] - totals[starts, j]).sum(axis=1) for j in range(width)], axis=1))
    return np.concatenate(parts)


def percentile_interval(statistics: NDArray[np.float64], *, level: float = 0.95) -> ConfidenceInterval:
    """Return the middle `level` of the resampled statistics.

    Parameters
    ----------
    statistics : ndarray of float64, shape (samples,)
        One value a sample. NaN (the statistic is undefined for that sample) is left out.
    level : float, default 0.95
        Probability between 0 and 1.

    Returns
    -------
    ConfidenceInterval
        Both ends NaN if every value is NaN.

    Raises
    ------
    BadInputError
        If `level` is not between 0 and 1.

    Examples
    --------
    >>> percentile_interval(np.arange(101.0), level=0.5)
    ConfidenceInterval(low=25.0, high=75.0, level=0.5)
    """
    if not 0 < level < 1:
        raise BadInputError("a confidence level lies between 0 and 1", value=level)
    there = statistics[~np.isnan(statistics)]
    if there.size == 0:
        return ConfidenceInterval(float("nan"), float("nan"), level)
    low, high = np.quantile(there, [(1 - level) / 2, (1 + level) / 2])
    return ConfidenceInterval(float(low), float(high), level)


def spread_interval(
    value: float, statistics: NDArray[np.float64], *, blocks: float, level: float = 0.95
) -> ConfidenceInterval:
    """Return the interval that the spread of the resampled statistics gives, with Student's t for its ends.

    Where an interval is corrected for hundreds of trials, its ends lie farther out than any number of samples reaches;
    the spread needs no more of them than before. And few blocks make it wider, as they should.

    Parameters
    ----------
    value : float
        The statistic of the original.
    statistics : ndarray of float64, shape (samples,)
        One value a sample. NaN (the statistic is undefined for that sample) is left out.
    blocks : float
        Nearly independent stretches in the original; less one they are the degrees of freedom, one at least.
    level : float, default 0.95
        Probability between 0 and 1.

    Returns
    -------
    ConfidenceInterval
        Both ends NaN if the value is NaN, or fewer than two statistics are numbers.

    Raises
    ------
    BadInputError
        If `level` is not between 0 and 1.

    Examples
    --------
    >>> interval = spread_interval(5.0, np.array([4.0, 5.0, 6.0]), blocks=1000)
    >>> round(interval.low, 2), round(interval.high, 2)
    (3.04, 6.96)
    """
    if not 0 < level < 1:
        raise BadInputError("a confidence level lies between 0 and 1", value=level)
    there = statistics[~np.isnan(statistics)]
    if there.size < 2 or np.isnan(value):
        return ConfidenceInterval(float("nan"), float("nan"), level)
    half = student_t_critical((1 - level) / 2, freedom=max(blocks - 1.0, 1.0)) * float(there.std(ddof=1))
    return ConfidenceInterval(value - half, value + half, level)


def bootstrap_interval(
    statistic: Callable[..., float],
    arrays: tuple[NDArray[np.float64], ...],
    *,
    block: int,
    rng: np.random.Generator,
    samples: int = 2000,
    level: float = 0.95,
) -> ConfidenceInterval:
    """Return the percentile interval of any statistic of paired arrays.

    For sums, means and ratios of sums :func:`resampled_sums` gives the same samples far faster.

    Parameters
    ----------
    statistic : callable
        Takes as many arrays as there are in `arrays` and returns a float.
    arrays : tuple of ndarray, each of shape (n, ...)
        Rows with the same number are drawn together.
    block, samples, rng
        As in :func:`block_starts`.
    level : float, default 0.95
        Probability that the interval should hold the true value.

    Raises
    ------
    BadInputError
        If the arrays differ in length, or as :func:`block_starts` and :func:`percentile_interval`.

    Examples
    --------
    >>> interval = bootstrap_interval(np.median, (np.arange(99.0),), block=3, rng=np.random.default_rng(7), samples=200)
    >>> 49.0 in interval
    True
    """
    lengths = {len(array) for array in arrays}
    if len(lengths) != 1:
        raise BadInputError("paired arrays must be of one length", value=sorted(lengths))
    drawn = block_indices(lengths.pop(), block=block, samples=samples, rng=rng)
    values = np.array([statistic(*(array[rows] for array in arrays)) for rows in drawn])
    return percentile_interval(values, level=level)
