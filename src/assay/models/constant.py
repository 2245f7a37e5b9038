"""Baselines of a value that say the same of every row: which number that is, a rule says.

>>> import numpy as np
>>> from assay.models.drift import Drift
>>> rows = np.zeros((3, 1))
>>> ConstantValue(("rsi_14",), Drift()).fit(rows, np.array([1.0, 2.0, 6.0])).predict(rows[:1]).tolist()
[3.0]
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Protocol, Self

import numpy as np

from assay.models.estimator import Floats, check_features, check_values, require_fitted
from assay.models.learned import Learned, check_names, take
from assay.models.parameters import parameters_of


class Rule(Protocol):
    """Frozen parameters that make one number of the values of the past; its fields are int, float or str."""

    @property
    def name(self) -> str:
        """Short name of the baseline."""
        ...

    def level(self, values: Floats, weight: Floats) -> float:
        """Return the number for values of shape (n,), the oldest first, with weights above 0 of shape (n,)."""
        ...


class ConstantValue:
    """Foretells one number, whatever the features are; it stands still until it is fitted again.

    Parameters
    ----------
    columns : sequence of str
        Names of the features, in order.
    rule : Rule
    """

    def __init__(self, columns: Sequence[str], rule: Rule) -> None:
        self.columns = tuple(columns)
        self._rule = rule
        self._level: float | None = None

    @property
    def name(self) -> str:
        """That of the rule."""
        return self._rule.name

    @property
    def parameters(self) -> Mapping[str, float | int | str]:
        """All that decides what `fit` makes of given rows."""
        return parameters_of(self.columns, self._rule)

    def fit(self, features: Floats, values: Floats, *, sample_weight: Floats | None = None) -> Self:
        """Find the number, by the rule; features are only checked. As :meth:`ValueEstimator.fit`."""
        check_features(features, self.columns)
        check_values(values, len(features), sample_weight)
        weight = np.ones(len(values)) if sample_weight is None else sample_weight
        weighs = weight > 0
        self._level = self._rule.level(values[weighs], weight[weighs])
        return self

    def predict(self, features: Floats) -> Floats:
        """Return the same number for every row; as :meth:`ValueEstimator.predict`."""
        level = require_fitted(self._level, self.name)
        check_features(features, self.columns)
        return np.full(len(features), level)

    def clone(self) -> Self:
        """Return an untaught one with the same columns and parameters."""
        return type(self)(self.columns, self._rule)

    @property
    def learned(self) -> Learned:
        """The number."""
        return {"level": np.array([require_fitted(self._level, self.name)])}

    def taught(self, learned: Learned) -> Self:
        """Return a fitted one that says that number.

        Raises
        ------
        BadInputError
            If it is none.
        """
        check_names(learned, {"level"})
        copy = self.clone()
        copy._level = float(take(learned, "level", shape=(1,))[0])
        return copy
