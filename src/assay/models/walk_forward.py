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
from dataclasses import dataclass, fields, replace
from typing import Any, TypeVar, cast

import numpy as np
from numpy.typing import NDArray

from assay.domain.errors import BadInputError
from assay.models.estimator import DirectionEstimator, ValueEstimator, direction
from assay.models.splits import Fold

Model = DirectionEstimator | ValueEstimator


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


@dataclass(frozen=True, slots=True, eq=False)
class ValuesOutOfSample:
    """The same of values, in the unit in which they were taught; arrays of shape (n_tested,)."""

    row: NDArray[np.intp]
    fold: NDArray[np.int64]
    predicted: NDArray[np.float64]
    baseline: NDArray[np.float64]
    fitted: tuple[ValueEstimator, ...] = ()


Walked = TypeVar("Walked", bound=OutOfSample | ValuesOutOfSample)


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
    said, fitted = _walked((estimator, baseline), _Taught(features, labels, sample_weight), folds)
    return OutOfSample(
        *_places(folds),
        probability=said[0],
        predicted=direction(said[0]),
        baseline_probability=said[1],
        baseline=direction(said[1]),
        fitted=cast("tuple[DirectionEstimator, ...]", fitted),
    )


def values_out_of_sample(
    estimator: ValueEstimator,
    baseline: ValueEstimator,
    *,
    features: NDArray[np.float64],
    values: NDArray[np.float64],
    folds: Sequence[Fold],
    sample_weight: NDArray[np.float64] | None = None,
) -> ValuesOutOfSample:
    """Do as :func:`out_of_sample` with estimators of values, `values` of shape (n,) without NaN."""
    said, fitted = _walked((estimator, baseline), _Taught(features, values, sample_weight), folds)
    return ValuesOutOfSample(
        *_places(folds), predicted=said[0], baseline=said[1], fitted=cast("tuple[ValueEstimator, ...]", fitted)
    )


def foretold(
    estimator: Model, *, features: NDArray[np.float64], targets: NDArray[np.float64], folds: Sequence[Fold]
) -> NDArray[np.float64]:
    """Return what an estimator alone says of the test rows, fitted before each block; shape (n_tested,).

    `targets` of shape (n,) are 0 and 1 for directions, else values. Raises as :func:`out_of_sample`.
    """
    said, _ = _walked((estimator,), _Taught(features, targets, None), folds)
    return said[0]


def foretell(model: Model, features: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return what a fitted model says of rows, shape (n,): probabilities of "up", or values."""
    return model.predict_proba(features) if isinstance(model, DirectionEstimator) else model.predict(features)


def from_fold(tested: Walked, first: int) -> Walked:
    """Return what was said of the test blocks from number `first` on, which becomes number 0."""
    if not first:
        return tested
    later = tested.fold >= first
    parts: dict[str, Any] = {one.name: getattr(tested, one.name) for one in fields(tested)}
    chosen = {name: values[first:] if name == "fitted" else values[later] for name, values in parts.items()}
    return replace(tested, **chosen | {"fold": chosen["fold"] - first})


@dataclass(frozen=True, slots=True, eq=False)
class _Taught:
    features: NDArray[np.float64]
    targets: NDArray[np.float64]
    weight: NDArray[np.float64] | None


def _walked(
    models: Sequence[Model], taught: _Taught, folds: Sequence[Fold]
) -> tuple[list[NDArray[np.float64]], tuple[Model, ...]]:
    """Return what each model says of all test rows, and the first model as it was fitted before each block."""
    if not folds:
        raise BadInputError("there is no fold to test on", todo="split the rows first")
    blocks: list[list[NDArray[np.float64]]] = [[] for _ in models]
    fitted: list[Model] = []
    for fold in folds:
        weight = None if taught.weight is None else taught.weight[fold.train]
        rows, targets = taught.features[fold.train], taught.targets[fold.train]
        for number, model in enumerate(models):
            made = model.clone().fit(rows, targets, sample_weight=weight)
            blocks[number].append(foretell(made, taught.features[fold.test]))
            if number == 0:
                fitted.append(made)
    return [np.concatenate(parts) for parts in blocks], tuple(fitted)


def _places(folds: Sequence[Fold]) -> tuple[NDArray[np.intp], NDArray[np.int64]]:
    """Return the position of each tested row, and the number of its block."""
    row = np.concatenate([fold.test for fold in folds])
    return row, np.repeat(np.arange(len(folds)), [fold.test.size for fold in folds])
