"""Scores of up/down forecasts, from the four counts that hold all there is to know.

Zero division: a score whose denominator is zero is NaN. A forecast that never says "up" has no precision; calling it
0 or 1 would be an invention.

>>> import numpy as np
>>> happened, said = np.array([1, 0, 1, 1, 0]), np.array([1, 1, 0, 1, 0])
>>> counts = confusion(happened, said)
>>> counts
Confusion(true_up=2, false_up=1, true_down=1, false_down=1)
>>> round(direction_scores(counts).accuracy, 3)
0.6
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

from assay.domain.errors import BadInputError


@dataclass(frozen=True, slots=True)
class Confusion:
    """Counts of forecasts by what was said and what happened; "up" is the positive class."""

    true_up: int
    false_up: int
    """Said up, went down."""
    true_down: int
    false_down: int
    """Said down, went up."""

    @property
    def total(self) -> int:
        """Number of forecasts."""
        return self.true_up + self.false_up + self.true_down + self.false_down


@dataclass(frozen=True, slots=True)
class DirectionScores:
    """Fractions in [0, 1]; NaN where the denominator is zero."""

    accuracy: float
    precision: float
    recall: float
    f1: float


def confusion(actual: ArrayLike, predicted: ArrayLike) -> Confusion:
    """Count the four outcomes.

    Parameters
    ----------
    actual, predicted : array_like of any numeric or bool dtype, shape (n,)
        1 for up, 0 for not up. NaN is refused: an unknown outcome can be neither right nor wrong.

    Raises
    ------
    BadInputError
        If the lengths differ or a value is neither 0 nor 1.

    Examples
    --------
    >>> confusion([1.0], [0]).false_down
    1
    """
    happened, said = np.asarray(actual), np.asarray(predicted)
    if happened.shape != said.shape:
        raise BadInputError("outcomes and forecasts differ in shape", value=f"{happened.shape}, {said.shape}")
    for values in (happened, said):
        wrong = (values != 0) & (values != 1)
        if np.any(wrong):
            raise BadInputError("a direction is 0 or 1", value=values[wrong][0])
    went_up, said_up = happened == 1, said == 1
    true_up = int(np.count_nonzero(went_up & said_up))
    false_up = int(np.count_nonzero(said_up)) - true_up
    false_down = int(np.count_nonzero(went_up)) - true_up
    return Confusion(true_up, false_up, happened.size - true_up - false_up - false_down, false_down)


def direction_scores(counts: Confusion) -> DirectionScores:
    """Return accuracy, precision, recall and F1 of the class "up".

    Examples
    --------
    >>> direction_scores(Confusion(true_up=0, false_up=0, true_down=3, false_down=1))
    DirectionScores(accuracy=0.75, precision=nan, recall=0.0, f1=0.0)
    """
    right = counts.true_up + counts.true_down
    return DirectionScores(
        accuracy=_ratio(right, counts.total),
        precision=_ratio(counts.true_up, counts.true_up + counts.false_up),
        recall=_ratio(counts.true_up, counts.true_up + counts.false_down),
        f1=_ratio(2 * counts.true_up, 2 * counts.true_up + counts.false_up + counts.false_down),
    )


def score_arrays(
    true_up: NDArray[np.float64],
    false_up: NDArray[np.float64],
    false_down: NDArray[np.float64],
    *,
    total: int | NDArray[np.float64],
) -> dict[str, NDArray[np.float64]]:
    """Return the scores of many resamples at once, from their counts.

    Parameters
    ----------
    true_up, false_up, false_down : ndarray of float64, shape (n_samples,)
        Counts of each resample.
    total : int or ndarray of float64, shape (n_samples,)
        Forecasts in a resample.

    Returns
    -------
    dict of str to ndarray of float64, shape (n_samples,)
        ``accuracy``, ``precision``, ``recall`` and ``f1``; NaN where the denominator is zero.

    Examples
    --------
    >>> {name: values.tolist() for name, values in score_arrays(*np.array([[2.0], [1.0], [1.0]]), total=5).items()}
    {'accuracy': [0.6], 'precision': [0.6666666666666666], 'recall': [0.6666666666666666], 'f1': [0.6666666666666666]}
    """
    pairs = {
        "accuracy": (
            total - false_up - false_down,
            np.broadcast_to(np.asarray(total, dtype=np.float64), true_up.shape),
        ),
        "precision": (true_up, true_up + false_up),
        "recall": (true_up, true_up + false_down),
        "f1": (2 * true_up, 2 * true_up + false_up + false_down),
    }
    return {
        name: np.divide(top, bottom, out=np.full_like(true_up, np.nan), where=bottom > 0)
        for name, (top, bottom) in pairs.items()
    }


def _ratio(top: int, bottom: int) -> float:
    return top / bottom if bottom else float("nan")
