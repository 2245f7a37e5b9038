"""Logistic regression on standardised features: the plainest model that can be wrong in an interesting way.

>>> import numpy as np
>>> rng = np.random.default_rng(7)
>>> features = rng.normal(size=(500, 2))
>>> labels = (features[:, 0] + rng.normal(size=500) > 0).astype(float)
>>> model = Logistic(("momentum", "noise")).fit(features, labels)
>>> bool(model.predict_proba(np.array([[2.0, 0.0]]))[0] > 0.9)
True
"""

from __future__ import annotations

import functools
import warnings
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar, Self

import numpy as np

from assay.domain.errors import TerminalError
from assay.models.estimator import (
    LOGISTIC,
    Floats,
    check_any_column,
    check_differ,
    check_features,
    check_labels,
    require_fitted,
    sigmoid,
)
from assay.models.learned import Learned, check_names, take, unusable
from assay.models.parameters import check_number, parameters_of
from assay.models.search_space import Range, Space

if TYPE_CHECKING:
    from threadpoolctl import ThreadpoolController  # type: ignore[import-untyped]


@dataclass(frozen=True, slots=True)
class LogisticParameters:
    """What decides the fit."""

    inverse_penalty: float = 1.0
    """C of scikit-learn: the smaller, the closer to zero the weights are drawn."""
    tolerance: float = 1e-10
    """On the gradient; tight, so that the answer does not depend on where the solver happened to stop."""
    max_iterations: int = 100

    space: ClassVar[Space] = {"inverse_penalty": Range(1e-4, 100.0, is_log=True)}

    def __post_init__(self) -> None:
        check_number("inverse_penalty", self.inverse_penalty, least=1e-12, most=1e12)
        check_number("tolerance", self.tolerance, least=0, most=1)
        check_number("max_iterations", self.max_iterations, least=1, most=1_000_000)


@dataclass(frozen=True, slots=True, eq=False)
class _Fitted:
    mean: Floats
    scale: Floats
    weights: Floats
    intercept: float


@functools.cache
def _thread_pools() -> ThreadpoolController:
    """Return the thread pools of this process; finding them takes as long as a small fit, so it is done once."""
    from threadpoolctl import ThreadpoolController  # noqa: PLC0415  # as scikit-learn below

    return ThreadpoolController()


class Logistic:
    """StandardScaler and LogisticRegression in one fit, so that the scaler sees training rows only.

    Parameters
    ----------
    columns : sequence of str
        Names of the features, in order.
    parameters : LogisticParameters, optional
        What decides the fit.

    References
    ----------
    scikit-learn, "Linear models: logistic regression" (solver newton-cholesky: quadratic convergence, and right for
    many more rows than columns).
    """

    name = LOGISTIC

    def __init__(self, columns: Sequence[str], parameters: LogisticParameters = LogisticParameters()) -> None:
        self.columns = tuple(columns)
        self._parameters = parameters
        self._fitted: _Fitted | None = None

    @property
    def parameters(self) -> Mapping[str, float | int | str]:
        """All that decides what `fit` makes of given rows."""
        return parameters_of(self.columns, self._parameters)

    def fit(self, features: Floats, labels: Floats, *, sample_weight: Floats | None = None) -> Self:
        """Standardise the columns and fit the weights, on one BLAS thread; weights of rows count in the scaling too.

        As :meth:`DirectionEstimator.fit`; both labels must be present.

        Raises
        ------
        TerminalError
            If the solver does not converge.
        """
        check_features(features, self.columns)
        check_labels(labels, len(features), sample_weight)
        check_any_column(self.columns)
        check_differ(labels, what="training labels")
        self._fitted = self._solve(features, labels, sample_weight)
        return self

    def _solve(self, features: Floats, labels: Floats, sample_weight: Floats | None) -> _Fitted:
        # Whoever asks a model that was taught before does without them, and without the second that they take.
        from sklearn.exceptions import ConvergenceWarning  # noqa: PLC0415
        from sklearn.linear_model import LogisticRegression  # noqa: PLC0415
        from sklearn.preprocessing import StandardScaler  # noqa: PLC0415

        chosen = self._parameters
        scaler = StandardScaler()
        regression = LogisticRegression(
            C=chosen.inverse_penalty,
            tol=chosen.tolerance,
            max_iter=chosen.max_iterations,
            solver="newton-cholesky",
        )
        with _thread_pools().limit(limits=1), warnings.catch_warnings():
            warnings.simplefilter("error", ConvergenceWarning)
            try:
                scaled = scaler.fit_transform(features, sample_weight=sample_weight)
                regression.fit(scaled, labels, sample_weight=sample_weight)
            except ConvergenceWarning as warning:
                todo = "allow more iterations or lower inverse_penalty"
                raise TerminalError("the logistic regression did not converge", value=warning, todo=todo) from warning
        return _Fitted(scaler.mean_, scaler.scale_, regression.coef_[0], float(regression.intercept_[0]))

    def predict_proba(self, features: Floats) -> Floats:
        """Return the probability of these log-odds; as :meth:`DirectionEstimator.predict_proba`."""
        fitted = require_fitted(self._fitted, self.name)
        check_features(features, self.columns)
        score = np.full(len(features), fitted.intercept)
        # Column by column in a fixed order: BLAS sums a batch in another order than a single row.
        for j, weight in enumerate(fitted.weights):
            score += weight * ((features[:, j] - fitted.mean[j]) / fitted.scale[j])
        return sigmoid(score)

    def clone(self) -> Self:
        """Return an untaught one with the same columns and parameters."""
        return type(self)(self.columns, self._parameters)

    @property
    def learned(self) -> Learned:
        """Mean and scale of the columns, their weights, and the intercept."""
        fitted = require_fitted(self._fitted, self.name)
        return {
            "mean": fitted.mean,
            "scale": fitted.scale,
            "weights": fitted.weights,
            "intercept": np.array([fitted.intercept]),
        }

    def taught(self, learned: Learned) -> Self:
        """Return a fitted one with these parameters and those weights.

        Raises
        ------
        BadInputError
            If they are not of these columns.
        """
        check_names(learned, {"mean", "scale", "weights", "intercept"})
        shape = (len(self.columns),)
        mean, scale, weights = (take(learned, name, shape=shape) for name in ("mean", "scale", "weights"))
        if np.any(scale <= 0):
            raise unusable("a column without a scale")
        copy = self.clone()
        intercept = float(take(learned, "intercept", shape=(1,))[0])
        copy._fitted = _Fitted(mean, scale, weights, intercept)
        return copy
