"""The loop that lets a model and its baseline foretell each block from what came before it.

>>> import numpy as np
>>> from assay.models.base_rate import BaseRate
>>> from assay.models.splits import walk_forward
>>> start = np.arange(12)
>>> folds = walk_forward(start, start + 1, folds=2, min_rows=1)
>>> labels = np.array([1.0, 1.0, 1.0, 0.0, 0.0, 0.0, 0.0, 0.0, 1.0, 1.0, 1.0, 1.0])
>>> tested = out_of_sample(BaseRate(), BaseRate(), features=np.zeros((12, 0)), labels=labels, folds=folds)
>>> tested.predicted.tolist()
[1, 1, 1, 1, 0, 0, 0, 0]
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from assay.domain.errors import BadInputError
from assay.models.estimator import DirectionEstimator, direction
from assay.models.splits import Fold


@dataclass(frozen=True, slots=True, eq=False)
class OutOfSample:
    """What was said about rows that were not learned from; every array has shape (n_tested,), in order of time."""

    row: NDArray[np.intp]
    """Position in the rows that were given."""
    fold: NDArray[np.int64]
    """Number of the test block, from 0."""
    probability: NDArray[np.float64]
    predicted: NDArray[np.int8]
    baseline_probability: NDArray[np.float64]
    baseline: NDArray[np.int8]
    fitted: tuple[DirectionEstimator, ...] = ()
    """The model as it was fitted before each test block."""


def out_of_sample(
    estimator: DirectionEstimator,
    baseline: DirectionEstimator,
    *,
    features: NDArray[np.float64],
    labels: NDArray[np.float64],
    folds: Sequence[Fold],
    sample_weight: NDArray[np.float64] | None = None,
) -> OutOfSample:
    """Fit fresh clones on each fold's training rows and collect what they say about its test rows.

    Parameters
    ----------
    estimator, baseline : DirectionEstimator
        Left untouched.
    features : ndarray of float64, shape (n, n_features)
        Labelled rows without NaN.
    labels : ndarray of float64, shape (n,)
        0 or 1.
    folds : sequence of Fold
        From :func:`assay.models.splits.walk_forward` over the same rows.
    sample_weight : ndarray of float64, shape (n,), optional
        Used in fitting only.

    Returns
    -------
    OutOfSample
        The same input gives the same bits.

    Raises
    ------
    BadInputError
        If there is no fold, or rows are unusable.
    """
    if not folds:
        raise BadInputError("there is no fold to test on", todo="split the rows first")
    said: list[list[NDArray[np.float64]]] = [[], []]
    models: list[DirectionEstimator] = []
    for fold in folds:
        weight = None if sample_weight is None else sample_weight[fold.train]
        for blocks, one in zip(said, (estimator, baseline), strict=True):
            fitted = one.clone().fit(features[fold.train], labels[fold.train], sample_weight=weight)
            blocks.append(fitted.predict_proba(features[fold.test]))
            if one is estimator:
                models.append(fitted)
    probability, baseline_probability = (np.concatenate(blocks) for blocks in said)
    return OutOfSample(
        row=np.concatenate([fold.test for fold in folds]),
        fold=np.repeat(np.arange(len(folds)), [fold.test.size for fold in folds]),
        probability=probability,
        predicted=direction(probability),
        baseline_probability=baseline_probability,
        baseline=direction(baseline_probability),
        fitted=tuple(models),
    )
