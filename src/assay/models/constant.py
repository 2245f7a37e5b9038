"""Baselines of a value that say the same of every row: which number that is, a rule says.

>>> import numpy as np
>>> from assay.models.drift import Drift
>>> rows = np.zeros((3, 1))
>>> ConstantValue(("rsi_14",), Drift()).fit(rows, np.array([1.0, 2.0, 6.0])).predict(rows[:1]).tolist()
[3.0]
"""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping, Sequence
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from assay.models.estimator import NotFittedError, check_features, check_values
from assay.models.learned import Learned, check_names, take


class Rule(Protocol):
    """Frozen parameters that make one number of the values of the past; its fields are int, float or str."""

    @property
    def name(self) -> str:
        """Short name of the baseline."""
        ...

    def level(self, values: NDArray[np.float64], weight: NDArray[np.float64]) -> float:
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
        fields: Any = self._rule
        return {"columns": ",".join(self.columns), **dataclasses.asdict(fields)}

    def fit(
        self,
        features: NDArray[np.float64],
        values: NDArray[np.float64],
        *,
        sample_weight: NDArray[np.float64] | None = None,
    ) -> ConstantValue:
        """Find the number.

        Parameters
        ----------
        features : ndarray of float64, shape (n, n_features)
            No NaN; only checked.
        values : ndarray of float64, shape (n,)
            No NaN, the oldest first.
        sample_weight : ndarray of float64, shape (n,), optional
            How much each row counts; a row of weight 0 is as good as absent.

        Raises
        ------
        BadInputError
            If rows, values or weights are unusable.
        """
        check_features(features, self.columns)
        check_values(values, len(features), sample_weight)
        weight = np.ones(len(values)) if sample_weight is None else sample_weight
        weighs = weight > 0
        self._level = self._rule.level(values[weighs], weight[weighs])
        return self

    def predict(self, features: NDArray[np.float64]) -> NDArray[np.float64]:
        """Return the same number for every row, shape (n,).

        Raises
        ------
        NotFittedError
            If it was not fitted.
        BadInputError
            If the rows are unusable.
        """
        level = self._fitted()
        check_features(features, self.columns)
        return np.full(len(features), level)

    def clone(self) -> ConstantValue:
        """Return an untaught one with the same columns and parameters."""
        return ConstantValue(self.columns, self._rule)

    @property
    def learned(self) -> Learned:
        """The number."""
        return {"level": np.array([self._fitted()])}

    def taught(self, learned: Learned) -> ConstantValue:
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

    def _fitted(self) -> float:
        if self._level is None:
            raise NotFittedError("the model was not fitted", value=self.name, todo="call fit first")
        return self._level
