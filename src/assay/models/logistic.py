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
from dataclasses import asdict, dataclass

import numpy as np
from numpy.typing import NDArray
from sklearn.exceptions import ConvergenceWarning
from sklearn.linear_model import LogisticRegression
from sklearn.preprocessing import StandardScaler
from threadpoolctl import ThreadpoolController  # type: ignore[import-untyped]

from assay.domain.errors import BadInputError, TerminalError
from assay.models.estimator import LOGISTIC, NotFittedError, check_features, check_labels, sigmoid
from assay.models.learned import Learned, check_names, take, unusable
from assay.models.parameters import check_number


@dataclass(frozen=True, slots=True)
class LogisticParameters:
    """What decides the fit."""

    inverse_penalty: float = 1.0
    """C of scikit-learn: the smaller, the closer to zero the weights are drawn."""
    tolerance: float = 1e-10
    """On the gradient; tight, so that the answer does not depend on where the solver happened to stop."""
    max_iterations: int = 100

    def __post_init__(self) -> None:
        check_number("inverse_penalty", self.inverse_penalty, least=1e-12, most=1e12)
        check_number("tolerance", self.tolerance, least=0, most=1)
        check_number("max_iterations", self.max_iterations, least=1, most=1_000_000)


@dataclass(frozen=True, slots=True, eq=False)
class _Fitted:
    mean: NDArray[np.float64]
    scale: NDArray[np.float64]
    weights: NDArray[np.float64]
    intercept: float


@functools.cache
def _thread_pools() -> ThreadpoolController:
    """Return the thread pools of this process; finding them takes as long as a small fit, so it is done once."""
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
        return {"columns": ",".join(self.columns), **asdict(self._parameters)}

    def fit(
        self,
        features: NDArray[np.float64],
        labels: NDArray[np.float64],
        *,
        sample_weight: NDArray[np.float64] | None = None,
    ) -> Logistic:
        """Standardise the columns and fit the weights, on one BLAS thread: the same rows give the same bits.

        Parameters
        ----------
        features : ndarray of float64, shape (n, n_features)
            No NaN.
        labels : ndarray of float64, shape (n,)
            0 or 1, both present.
        sample_weight : ndarray of float64, shape (n,), optional
            How much each row counts, in the scaling too.

        Raises
        ------
        BadInputError
            If rows, labels or weights are unusable; a NaN is answered with its column.
        TerminalError
            If the solver does not converge.
        """
        check_features(features, self.columns)
        check_labels(labels, len(features), sample_weight)
        if not self.columns:
            raise BadInputError("there is no feature to learn from", todo="name at least one column")
        if np.all(labels == labels[0]):
            todo = "train on a longer period"
            raise BadInputError("all training labels are the same", value=labels[0], todo=todo)
        self._fitted = self._solve(features, labels, sample_weight)
        return self

    def _solve(
        self, features: NDArray[np.float64], labels: NDArray[np.float64], sample_weight: NDArray[np.float64] | None
    ) -> _Fitted:
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

    def predict_proba(self, features: NDArray[np.float64]) -> NDArray[np.float64]:
        """Return the probability of 1, shape (n,), of rows of shape (n, n_features) without NaN.

        A row's answer does not depend, to the last bit, on which rows are asked with it.

        Raises
        ------
        NotFittedError
            If it was not fitted.
        BadInputError
            If the rows are unusable.
        """
        fitted = self._taught()
        check_features(features, self.columns)
        score = np.full(len(features), fitted.intercept)
        # Column by column in a fixed order: BLAS sums a batch in another order than a single row.
        for j, weight in enumerate(fitted.weights):
            score += weight * ((features[:, j] - fitted.mean[j]) / fitted.scale[j])
        return sigmoid(score)

    def clone(self) -> Logistic:
        """Return an untaught one with the same columns and parameters."""
        return Logistic(self.columns, self._parameters)

    @property
    def learned(self) -> Learned:
        """Mean and scale of the columns, their weights, and the intercept."""
        fitted = self._taught()
        return {
            "mean": fitted.mean,
            "scale": fitted.scale,
            "weights": fitted.weights,
            "intercept": np.array([fitted.intercept]),
        }

    def taught(self, learned: Learned) -> Logistic:
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

    def _taught(self) -> _Fitted:
        if self._fitted is None:
            raise NotFittedError("the model was not fitted", value=self.name, todo="call fit first")
        return self._fitted
