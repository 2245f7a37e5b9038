"""What each forecast cost: one loss a row, of which every score is a mean and every comparison a difference.

A comparison of two forecasters is a test on the difference of their losses, row by row; so the rows are kept, and the
means of them are taken where they are wanted.

>>> import numpy as np
>>> happened, said = np.array([1.0, 0.0, 1.0]), np.array([0.9, 0.2, 0.4])
>>> squared_losses(happened, said).round(2).tolist()
[0.01, 0.04, 0.36]
>>> skill(0.75, 1.0)
0.25
"""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import NDArray

from assay.domain.errors import BadInputError

_SURE = float(np.finfo(np.float64).eps)
"""Nearest to 0 and 1 that a probability counts as, as in scikit-learn: a sure forecast that fails costs 36, not all."""


def squared_losses(actual: NDArray[np.float64], predicted: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return squared errors; of probabilities this is the Brier score, row by row.

    Parameters
    ----------
    actual, predicted : ndarray of float64, shape (n,)
        Values, or 0/1 and probabilities. NaN and infinity are refused.

    Returns
    -------
    ndarray of float64, shape (n,)

    Raises
    ------
    BadInputError
        If the shapes differ or a value is not finite.
    """
    check_pairs(actual, predicted)
    result: NDArray[np.float64] = (actual - predicted) ** 2
    return result


def absolute_losses(actual: NDArray[np.float64], predicted: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return absolute errors; parameters and Raises as in :func:`squared_losses`.

    Examples
    --------
    >>> absolute_losses(np.array([1.0]), np.array([3.0])).tolist()
    [2.0]
    """
    check_pairs(actual, predicted)
    return np.abs(actual - predicted)


def zero_one_losses(actual: NDArray[np.float64], probability: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return 1 where the direction was wrong and 0 where it was right: one less their mean is the accuracy.

    Parameters
    ----------
    actual : ndarray of float64, shape (n,)
        0 or 1.
    probability : ndarray of float64, shape (n,)
        Of 1, from 0 to 1; directions as 0 and 1 do as well. Exactly one half says "not up".

    Raises
    ------
    BadInputError
        If the shapes differ, an outcome is neither 0 nor 1, or a probability is out of range.

    Examples
    --------
    >>> zero_one_losses(np.array([1.0, 1.0]), np.array([0.5, 0.6])).tolist()
    [1.0, 0.0]
    """
    check_probabilities(actual, probability)
    return np.asarray((probability > 0.5) != (actual == 1), dtype=np.float64)


def log_losses(actual: NDArray[np.float64], probability: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return minus the natural logarithm of the probability that was given to what happened.

    Parameters and Raises are those of :func:`zero_one_losses`. A probability nearer to 0 or 1 than 2.2e-16 counts as
    that near.

    Examples
    --------
    >>> log_losses(np.array([1.0, 0.0]), np.array([0.5, 1.0])).round(3).tolist()
    [0.693, 36.044]
    """
    check_probabilities(actual, probability)
    given = np.where(actual == 1, probability, 1.0 - probability)
    return np.asarray(-np.log(np.clip(given, _SURE, 1.0 - _SURE)), dtype=np.float64)


def skill(loss: float, baseline_loss: float) -> float:
    """Return the share of the baseline's mean loss that the model avoids: 1 is perfect, 0 no better, below 0 worse.

    NaN if the baseline loses nothing. With squared errors it is the out-of-sample R² of Campbell and Thompson (2008),
    "Predicting excess stock returns out of sample"; with Brier scores the Brier skill score.
    """
    return 1.0 - loss / baseline_loss if baseline_loss > 0 else math.nan


def check_pairs(actual: NDArray[np.float64], predicted: NDArray[np.float64]) -> None:
    """Refuse arrays that are not two finite columns of one length.

    Raises
    ------
    BadInputError
        In these cases, with the first row that is not finite.
    """
    if actual.shape != predicted.shape or actual.ndim != 1:
        raise BadInputError("outcomes and forecasts differ in shape", value=f"{actual.shape}, {predicted.shape}")
    for what, values in (("an outcome", actual), ("a forecast", predicted)):
        wrong = np.flatnonzero(~np.isfinite(values))
        if wrong.size:
            value, todo = f"{values[wrong[0]]}, row {wrong[0]}", "drop rows that are not known"
            raise BadInputError(f"{what} is not finite", value=value, todo=todo)


def check_probabilities(actual: NDArray[np.float64], probability: NDArray[np.float64]) -> None:
    """Refuse outcomes that are neither 0 nor 1, and forecasts that are no probabilities.

    Raises
    ------
    BadInputError
        In these cases.
    """
    check_pairs(actual, probability)
    wrong = (actual != 0) & (actual != 1)
    if np.any(wrong):
        raise BadInputError("a direction is 0 or 1", value=actual[wrong][0])
    outside = (probability < 0) | (probability > 1)
    if np.any(outside):
        raise BadInputError("a probability lies between 0 and 1", value=probability[outside][0])
