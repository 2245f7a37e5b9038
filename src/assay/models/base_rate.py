"""The forecast to beat: "as in the past, more ups than downs" (or the reverse).

>>> import numpy as np
>>> rows = np.zeros((4, 1))
>>> BaseRate().fit(rows, np.array([1.0, 1.0, 1.0, 0.0])).predict_proba(rows[:2]).tolist()
[0.75, 0.75]
"""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
from numpy.typing import NDArray

from assay.models.estimator import NotFittedError, check_labels
from assay.models.learned import Learned, check_names, take, unusable


class BaseRate:
    """Predicts the share of ups in the training rows, whatever the features are; its direction is their majority."""

    name = "base_rate"

    def __init__(self) -> None:
        self._share: float | None = None

    @property
    def parameters(self) -> Mapping[str, float | int | str]:
        """There are none."""
        return {}

    def fit(
        self,
        features: NDArray[np.float64],
        labels: NDArray[np.float64],
        *,
        sample_weight: NDArray[np.float64] | None = None,
    ) -> BaseRate:
        """Count the ups.

        Parameters
        ----------
        features : ndarray of float64, shape (n, n_features)
            Only their number matters; NaN is allowed.
        labels : ndarray of float64, shape (n,)
            0 or 1.
        sample_weight : ndarray of float64, shape (n,), optional
            How much each row counts.

        Raises
        ------
        BadInputError
            If there is no row, or labels or weights are unusable.
        """
        check_labels(labels, len(features), sample_weight)
        self._share = float(np.average(labels, weights=sample_weight))
        return self

    def predict_proba(self, features: NDArray[np.float64]) -> NDArray[np.float64]:
        """Return the same probability for every row, shape (n,).

        Raises
        ------
        NotFittedError
            If it was not fitted.
        """
        return np.full(len(features), self._fitted())

    def clone(self) -> BaseRate:
        """Return an untaught one."""
        return BaseRate()

    @property
    def learned(self) -> Learned:
        """The share of ups."""
        return {"share": np.array([self._fitted()])}

    def taught(self, learned: Learned) -> BaseRate:
        """Return a fitted one with that share.

        Raises
        ------
        BadInputError
            If it is no share.
        """
        check_names(learned, {"share"})
        copy = BaseRate()
        copy._share = float(take(learned, "share", shape=(1,))[0])
        if not 0.0 <= copy._share <= 1.0:
            raise unusable("a share beyond 0 and 1")
        return copy

    def _fitted(self) -> float:
        if self._share is None:
            raise NotFittedError("the model was not fitted", value=self.name, todo="call fit first")
        return self._share
