"""Scores of forecasts that are values, such as the change of a price over the next hour.

>>> import numpy as np
>>> scores = value_scores(np.array([1.0, 2.0, 3.0, 6.0]), np.array([1.0, 2.0, 4.0, 5.0]))
>>> scores.mae, round(scores.rmse, 4), round(scores.r2, 4)
(0.5, 0.7071, 0.8571)
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from assay.domain.errors import NoDataError
from assay.measures.losses import absolute_losses, skill, squared_losses


@dataclass(frozen=True, slots=True)
class ValueScores:
    """Scores of one forecaster over rows that all count the same."""

    mae: float
    """Mean absolute error, in the unit of what is foretold."""
    rmse: float
    """Root of the mean squared error, in the same unit."""
    r2: float
    """One less the squared errors over those of the mean of the *scored* rows; below 0 where that mean, which nobody
    knew beforehand, is the better forecast; NaN where the outcomes do not vary."""


def value_scores(actual: NDArray[np.float64], predicted: NDArray[np.float64]) -> ValueScores:
    """Score values against what happened.

    Parameters
    ----------
    actual, predicted : ndarray of float64, shape (n,)
        In one unit. NaN and infinity are refused.

    Raises
    ------
    BadInputError
        If the shapes differ or a value is not finite.
    NoDataError
        If there is no row.
    """
    squared = squared_losses(actual, predicted)
    if not squared.size:
        raise NoDataError("there is no forecast to score", todo="train on a longer period")
    # The mean of equal numbers is not always that number: what does not vary is told by its ends.
    varies = bool(actual.min() < actual.max())
    spread = float(((actual - actual.mean()) ** 2).mean()) if varies else 0.0
    return ValueScores(
        mae=float(absolute_losses(actual, predicted).mean()),
        rmse=math.sqrt(float(squared.mean())),
        r2=skill(float(squared.mean()), spread),
    )
