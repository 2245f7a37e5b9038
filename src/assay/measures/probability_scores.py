"""Scores of forecasts that are probabilities: how far off, how surprised, and how well the ups rank above the downs.

Accuracy and its kind, of forecasts that are directions, are in ``direction_scores``.

>>> import numpy as np
>>> scores = probability_scores(np.array([1.0, 0.0, 1.0, 0.0]), np.array([0.8, 0.6, 0.7, 0.2]))
>>> round(scores.brier, 4), round(scores.log_loss, 4), scores.auc
(0.1325, 0.4298, 1.0)
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from assay.domain.errors import NoDataError
from assay.measures.losses import check_probabilities, log_losses, squared_losses


@dataclass(frozen=True, slots=True)
class ProbabilityScores:
    """Scores of one forecaster over rows that all count the same."""

    brier: float
    """Mean squared error of the probability: 0 is perfect, 0.25 is what saying one half always gives."""
    log_loss: float
    """Mean of minus the logarithm of the probability of what happened; saying one half gives 0.693."""
    auc: float
    """Probability that an up was given a higher probability than a down; NaN where there is only one of them."""


def probability_scores(actual: NDArray[np.float64], probability: NDArray[np.float64]) -> ProbabilityScores:
    """Score probabilities against what happened.

    Parameters
    ----------
    actual : ndarray of float64, shape (n,)
        0 or 1.
    probability : ndarray of float64, shape (n,)
        Of 1, from 0 to 1.

    Raises
    ------
    BadInputError
        If the shapes differ, an outcome is neither 0 nor 1, or a probability is out of range.
    NoDataError
        If there is no row.

    References
    ----------
    Brier (1950), "Verification of forecasts expressed in terms of probability"; Good (1952), "Rational decisions".
    """
    losses = log_losses(actual, probability)
    if not losses.size:
        raise NoDataError("there is no forecast to score", todo="train on a longer period")
    return ProbabilityScores(
        brier=float(squared_losses(actual, probability).mean()),
        log_loss=float(losses.mean()),
        auc=roc_auc(actual, probability),
    )


def roc_auc(actual: NDArray[np.float64], probability: NDArray[np.float64]) -> float:
    """Return the area under the receiver operating characteristic, from ranks; ties count half.

    Parameters and Raises (but for no row, which gives NaN) are those of :func:`probability_scores`.

    References
    ----------
    Hanley and McNeil (1982), "The meaning and use of the area under a ROC curve": it is the Mann-Whitney statistic.

    Examples
    --------
    >>> roc_auc(np.array([0.0, 1.0, 1.0]), np.array([0.5, 0.5, 0.9]))
    0.75
    """
    check_probabilities(actual, probability)
    _, place, count = np.unique(probability, return_inverse=True, return_counts=True)
    # The mean of the ranks, from 1, that rows with the same probability share.
    rank = (np.cumsum(count) - (count - 1) / 2.0)[place]
    ups = int(np.count_nonzero(actual == 1))
    downs = actual.size - ups
    if not ups or not downs:
        return math.nan
    return float((rank[actual == 1].sum() - ups * (ups + 1) / 2.0) / (ups * downs))
