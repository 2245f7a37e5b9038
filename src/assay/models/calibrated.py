"""Probabilities that mean what they say: of the rows called 0.6, six in ten go up.

The map from what an estimator says to how often that came true is learned on training rows only, and on none that the
estimator had been taught: inside the training rows it walks forward, as a test does outside.

>>> import numpy as np
>>> from assay.models.logistic import Logistic
>>> rng = np.random.default_rng(7)
>>> features = rng.normal(size=(2000, 1))
>>> labels = (rng.random(2000) < np.where(features[:, 0] > 0, 0.7, 0.3)).astype(float)
>>> parameters = CalibrationParameters("logistic", method="isotonic")
>>> model = Calibrated(("side",), Logistic(("side",)), parameters).fit(features, labels)
>>> model.predict_proba(np.array([[-1.5], [1.5]])).round(1).tolist()
[0.3, 0.7]
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Self

import numpy as np
from numpy.typing import NDArray

from assay.domain.errors import TerminalError
from assay.models.estimator import Floats, check_features, check_labels, require_fitted, sigmoid
from assay.models.learned import Learned, StorableDirection, part_of, prefixed, take, unusable
from assay.models.parameters import check_choice, check_number, nested, parameters_of
from assay.models.splits import walk_forward

_FEWEST_ROWS = 50
_SMALLEST = 1e-12
_STEPS = 100


@dataclass(frozen=True, slots=True)
class CalibrationParameters:
    """Of which estimator, and how.

    Raises
    ------
    BadInputError
        If one is out of range.
    """

    of: str = "logistic"
    """Name of the estimator inside."""
    method: str = "sigmoid"
    """``sigmoid``: two numbers, for hundreds of rows; ``isotonic``: any rising steps, for thousands."""
    folds: int = 4
    """Blocks of the training rows that are foretold, each from the rows before it."""
    purged_rows: int = 24
    """Last rows before each block that are not learned from: the horizon in bars, or labels overlap."""

    def __post_init__(self) -> None:
        check_choice("method", self.method, ("sigmoid", "isotonic"))
        check_number("folds", self.folds, least=1, most=100)
        check_number("purged_rows", self.purged_rows, least=1, most=1_000_000)


class Calibrated:
    """Foretells what the estimator inside says, put right.

    Parameters
    ----------
    columns : sequence of str
        Names of the features, in order.
    estimator : DirectionEstimator
        Left untouched.
    parameters : CalibrationParameters
        `of` is the estimator's name.

    References
    ----------
    Platt (1999), "Probabilistic outputs for support vector machines"; Lin, Lin and Weng (2007), "A note on Platt's
    probabilistic outputs"; Zadrozny and Elkan (2002), "Transforming classifier scores into accurate multiclass
    probability estimates".
    """

    name = "calibrated"

    def __init__(self, columns: Sequence[str], estimator: StorableDirection, parameters: CalibrationParameters) -> None:
        self.columns = tuple(columns)
        self._estimator = estimator
        self._parameters = parameters
        self._points: Floats | None = None

    @property
    def parameters(self) -> Mapping[str, float | int | str]:
        """All that decides what `fit` makes of given rows; those of the estimator begin with its name and a dot."""
        chosen = self._parameters
        return parameters_of(self.columns, chosen) | nested(self._estimator.parameters, chosen.of)

    def fit(self, features: Floats, labels: Floats, *, sample_weight: Floats | None = None) -> Self:
        """Learn the map from rows foretold in a walk forward, then teach the estimator all rows.

        As :meth:`DirectionEstimator.fit`; weights count in the map too.

        Raises
        ------
        NoDataError
            If a block would have too few rows.
        """
        check_features(features, self.columns)
        check_labels(labels, len(features), sample_weight)
        weight = np.ones(len(labels)) if sample_weight is None else sample_weight
        rows = np.flatnonzero(weight > 0)
        moment, chosen = np.arange(rows.size), self._parameters
        known = moment + chosen.purged_rows
        said: list[Floats] = []
        tested: list[NDArray[np.intp]] = []
        for fold in walk_forward(moment, known, folds=chosen.folds, min_rows=_FEWEST_ROWS):
            past, block = rows[fold.train], rows[fold.test]
            one = self._estimator.clone().fit(features[past], labels[past], sample_weight=weight[past])
            said.append(one.predict_proba(features[block]))
            tested.append(block)
        out = np.concatenate(tested)
        learn = _sigmoid if chosen.method == "sigmoid" else _isotonic
        points = learn(np.concatenate(said), labels[out], weight[out])
        self._estimator = self._estimator.clone().fit(features, labels, sample_weight=sample_weight)
        self._points = points
        return self

    def predict_proba(self, features: Floats) -> Floats:
        """Return what the estimator inside says, put right; as :meth:`DirectionEstimator.predict_proba`."""
        points = require_fitted(self._points, self.name)
        said = self._estimator.predict_proba(features)
        if self._parameters.method == "isotonic":
            mapped: Floats = np.interp(said, points[0], points[1])
            return mapped
        return sigmoid(points[0, 0] * _odds(said) + points[1, 0])

    def clone(self) -> Self:
        """Return an untaught one with the same parameters."""
        return type(self)(self.columns, self._estimator.clone(), self._parameters)

    @property
    def learned(self) -> Learned:
        """The arrays of the estimator, and the points of the map."""
        return {
            "points": require_fitted(self._points, self.name),
            **prefixed(self._estimator.learned, self._parameters.of),
        }

    def taught(self, learned: Learned) -> Self:
        """Return a fitted one with these parameters and that learning.

        Raises
        ------
        BadInputError
            If the map does not rise, or the estimator cannot use its part.
        """
        part = part_of(learned, self._parameters.of)
        if len(part) + 1 != len(learned):
            raise unusable("unknown arrays")
        is_isotonic = self._parameters.method == "isotonic"
        points = take(learned, "points", shape=(2, None) if is_isotonic else (2, 1))
        if is_isotonic:
            sound = np.all(np.diff(points[0]) > 0) and np.all(np.diff(points[1]) >= 0)
            if not (sound and points.min() >= 0 and points.max() <= 1):
                raise unusable("a map of probabilities that does not rise")
        copy = type(self)(self.columns, self._estimator.taught(part), self._parameters)
        copy._points = points
        return copy


def _odds(probability: Floats) -> Floats:
    near = np.clip(probability, _SMALLEST, 1.0 - _SMALLEST)
    result: Floats = np.log(near / (1.0 - near))
    return result


def _targets(labels: Floats, weight: Floats) -> Floats:
    """Return labels drawn a little to the middle, as Platt does, so that no map ends at 0 or 1."""
    ups, downs = float(weight @ labels), float(weight @ (1.0 - labels))
    return np.where(labels > 0, (ups + 1.0) / (ups + 2.0), 1.0 / (downs + 2.0))


def _sigmoid(said: Floats, labels: Floats, weight: Floats) -> Floats:
    """Return slope and intercept on the log-odds, shape (2, 1), by Newton's method; never a slope below 0.

    An estimator that was wrong more often than right has shown no skill, and is not turned round.
    """
    weight = weight / weight.mean()
    score, target = _odds(said), _targets(labels, weight)
    share = float(np.average(target, weights=weight))
    flat = np.array([[0.0], [math.log(share / (1.0 - share))]])
    if np.ptp(score) == 0.0:
        return flat
    # Centred, so that the two numbers hardly depend on each other and the steps do not overshoot.
    mean, spread = float(np.average(score, weights=weight)), float(np.std(score))
    design = np.column_stack(((score - mean) / spread, np.ones(score.size)))
    found = np.array([0.0, flat[1, 0]])
    for _ in range(_STEPS):
        likely = sigmoid(design @ found)
        slopes = design.T @ (weight * (likely - target))
        curve = (design.T * (weight * likely * (1.0 - likely))) @ design
        step = np.linalg.solve(curve, slopes)
        found = found - step * min(1.0, 2.0 / float(np.abs(step).max() + 1e-300))
        if np.abs(step).max() < 1e-10:
            break
    else:
        raise TerminalError("the calibration did not converge", todo="use the method isotonic")
    if found[0] <= 0.0:
        return flat
    return np.array([[found[0] / spread], [found[1] - found[0] * mean / spread]])


def _isotonic(said: Floats, labels: Floats, weight: Floats) -> Floats:
    """Return the corners of the rising line closest to the labels, shape (2, n_points)."""
    from sklearn.isotonic import IsotonicRegression  # noqa: PLC0415  # slow to load

    weight = weight / weight.mean()
    # As far from 0 and 1 as so many rows can tell: an outcome is never held impossible.
    nearest = 1.0 / (labels.size + 2.0)
    line = IsotonicRegression(y_min=nearest, y_max=1.0 - nearest).fit(said, labels, sample_weight=weight)
    return np.vstack((line.X_thresholds_, line.y_thresholds_))
