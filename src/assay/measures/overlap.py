"""How much labels share: labels whose spans overlap tell partly the same story, and weigh less for it.

A label made every hour and looking 24 hours ahead shares 23 of them with its neighbour: a thousand such rows are worth
about forty. Spans are half-open, ``[start, end)``, in microseconds: one that ends where another starts shares nothing.
Reference: López de Prado (2018), "Advances in Financial Machine Learning", chapter 4.

>>> import numpy as np
>>> average_uniqueness(np.array([0, 10, 40]), np.array([20, 30, 60])).tolist()
[0.75, 0.75, 1.0]
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from assay.domain.errors import BadInputError


def concurrency(
    start: NDArray[np.int64], end: NDArray[np.int64]
) -> tuple[NDArray[np.int64], NDArray[np.int64], NDArray[np.int64]]:
    """Return how many spans hold each moment, as the pieces of time in which that number does not change.

    Parameters
    ----------
    start, end : ndarray of int64, shape (n,)
        Spans ``[start, end)`` in microseconds, in any order; each ends after it starts.

    Returns
    -------
    piece_start, piece_end : ndarray of int64, shape (m,)
        Pieces in order of time, without holes from the first start to the last end; m < 2 n.
    count : ndarray of int64, shape (m,)
        Spans that hold the piece; 0 between two that are apart.

    Raises
    ------
    BadInputError
        If the arrays differ in length, or a span does not end after it starts.

    Examples
    --------
    >>> [part.tolist() for part in concurrency(np.array([0, 10, 40]), np.array([20, 30, 60]))]
    [[0, 10, 20, 30, 40], [10, 20, 30, 40, 60], [1, 2, 1, 0, 1]]
    """
    _check(start, end)
    edges = np.unique(np.concatenate([start, end]))
    # Spans begun by an edge less spans ended by it: those that hold the piece which begins there.
    begun = np.searchsorted(np.sort(start), edges, side="right")
    ended = np.searchsorted(np.sort(end), edges, side="right")
    return edges[:-1], edges[1:], (begun - ended)[:-1].astype(np.int64)


def average_uniqueness(start: NDArray[np.int64], end: NDArray[np.int64]) -> NDArray[np.float64]:
    """Return how much of each label is its own: the mean over its span of one over the spans that hold the moment.

    Parameters
    ----------
    start, end : ndarray of int64, shape (n,)
        Spans ``[start, end)`` in microseconds of the labels of *one* series, in any order. Give the rows that are
        learned from and no others: a label that is left out shares nothing.

    Returns
    -------
    ndarray of float64, shape (n,)
        In (0, 1]; 1 where nothing overlaps. Their sum is about the number of independent labels. Meant as sample
        weights; not causal by design, since a row's weight depends on rows that follow it in the same sample.

    Raises
    ------
    BadInputError
        As for :func:`concurrency`.
    """
    if not start.size:
        _check(start, end)
        return np.empty(0)
    piece_start, piece_end, count = concurrency(start, end)
    length = (piece_end - piece_start).astype(np.float64)
    share = np.divide(length, count, out=np.zeros_like(length), where=count > 0)
    # Every start and every end is an edge of a piece, so a span is a run of whole pieces.
    first, stop = np.searchsorted(piece_start, start), np.searchsorted(piece_end, end, side="right")
    bounds = np.stack([first, stop], axis=1).ravel()
    # Each span is added up by itself (a difference of running totals would lose digits over years): every second sum
    # of reduceat is that of a span; the value after the last piece lets a span end with it.
    sums = np.add.reduceat(np.append(share, 0.0), bounds)[::2]
    return np.asarray(sums / (end - start), dtype=np.float64)


def _check(start: NDArray[np.int64], end: NDArray[np.int64]) -> None:
    if start.shape != end.shape or start.ndim != 1:
        raise BadInputError("every label needs a start and an end", value=f"{start.shape}, {end.shape}")
    if np.any(end <= start):
        raise BadInputError("a label must end after it starts", todo="give spans as [start, end) in microseconds")
