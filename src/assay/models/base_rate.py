"""The forecast to beat: "as in the past, more ups than downs" (or the reverse).

>>> import numpy as np
>>> rows = np.zeros((4, 1))
>>> BaseRate().fit(rows, np.array([1.0, 1.0, 1.0, 0.0])).predict_proba(rows[:2]).tolist()
[0.75, 0.75]
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Self

import numpy as np

from assay.models.estimator import Floats, check_labels, require_fitted
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

    def fit(self, features: Floats, labels: Floats, *, sample_weight: Floats | None = None) -> Self:
        """Count the ups; as :meth:`DirectionEstimator.fit`, but of the features only their number matters."""
        check_labels(labels, len(features), sample_weight)
        self._share = float(np.average(labels, weights=sample_weight))
        return self

    def predict_proba(self, features: Floats) -> Floats:
        """Return the same probability for every row; as :meth:`DirectionEstimator.predict_proba`, NaN allowed."""
        return np.full(len(features), require_fitted(self._share, self.name))

    def clone(self) -> Self:
        """Return an untaught one."""
        return type(self)()

    @property
    def learned(self) -> Learned:
        """The share of ups."""
        return {"share": np.array([require_fitted(self._share, self.name)])}

    def taught(self, learned: Learned) -> Self:
        """Return a fitted one with that share.

        Raises
        ------
        BadInputError
            If it is no share.
        """
        check_names(learned, {"share"})
        copy = self.clone()
        copy._share = float(take(learned, "share", shape=(1,))[0])
        if not 0.0 <= copy._share <= 1.0:
            raise unusable("a share beyond 0 and 1")
        return copy
