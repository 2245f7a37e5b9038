"""Soft voting: the weighted mean of what several models hold likely.

>>> import numpy as np
>>> from assay.models.base_rate import BaseRate
>>> vote = Voting((), {"base_rate": BaseRate()}, weights=(1.0,))
>>> vote.fit(np.zeros((4, 0)), np.array([1.0, 1.0, 1.0, 0.0])).predict_proba(np.zeros((1, 0))).tolist()
[0.75]
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Self

import numpy as np

from assay.domain.errors import BadInputError
from assay.models.estimator import Floats, check_features
from assay.models.learned import Learned, StorableDirection, check_names, part_of, prefixed
from assay.models.parameters import nested

Member = StorableDirection
"""An estimator that can vote."""


class Voting:
    """Foretells the weighted mean of its members' probabilities.

    Parameters
    ----------
    columns : sequence of str
        Names of the features, in order; the same for all members.
    members : mapping of str to DirectionEstimator
        By their names; left untouched.
    weights : sequence of float
        One a member, above 0; only their ratios matter.

    Raises
    ------
    BadInputError
        If there is no member, or weights are no weights.
    """

    name = "voting"

    def __init__(self, columns: Sequence[str], members: Mapping[str, Member], *, weights: Sequence[float]) -> None:
        self.columns = tuple(columns)
        self._members = dict(members)
        self._weights = tuple(float(weight) for weight in weights)
        if not self._members:
            raise BadInputError("nobody to vote", todo="name at least one member")
        fits = len(self._weights) == len(self._members) and all(0 < weight < np.inf for weight in self._weights)
        if not fits:
            value, todo = ",".join(f"{one:g}" for one in self._weights), "give each member a weight above 0"
            raise BadInputError("the weights of the members are not usable", value=value, todo=todo)

    @property
    def parameters(self) -> Mapping[str, float | int | str]:
        """All that decides what `fit` makes of given rows; those of a member begin with its name and a dot."""
        values: dict[str, float | int | str] = {
            "columns": ",".join(self.columns),
            "members": ",".join(self._members),
            "weights": ",".join(repr(weight) for weight in self._weights),
        }
        for name, member in self._members.items():
            values |= nested(member.parameters, name)
        return values

    def fit(self, features: Floats, labels: Floats, *, sample_weight: Floats | None = None) -> Self:
        """Teach every member the same rows; as :meth:`DirectionEstimator.fit`, and raises what they raise."""
        check_features(features, self.columns)
        taught = {
            name: member.clone().fit(features, labels, sample_weight=sample_weight)
            for name, member in self._members.items()
        }
        self._members = taught
        return self

    def predict_proba(self, features: Floats) -> Floats:
        """Return the weighted mean of what the members say; as :meth:`DirectionEstimator.predict_proba`."""
        said = [member.predict_proba(features) for member in self._members.values()]
        check_features(features, self.columns)
        mean = np.zeros(len(features))
        for probability, weight in zip(said, self._weights, strict=True):
            mean += weight * probability
        # Rounding may leave a mean of ones a bit above 1.
        result: Floats = np.minimum(mean / sum(self._weights), 1.0)
        return result

    def clone(self) -> Self:
        """Return an untaught one with untaught members."""
        members = {name: member.clone() for name, member in self._members.items()}
        return type(self)(self.columns, members, weights=self._weights)

    @property
    def learned(self) -> Learned:
        """The arrays of all members; their names begin with the member's."""
        arrays: dict[str, Floats] = {}
        for name, member in self._members.items():
            arrays |= prefixed(member.learned, name)
        return arrays

    def taught(self, learned: Learned) -> Self:
        """Return a fitted one with these parameters and that learning.

        Raises
        ------
        BadInputError
            If a member cannot use its part.
        """
        parts = {name: part_of(learned, name) for name in self._members}
        check_names(learned, {full for name, part in parts.items() for full in prefixed(part, name)})
        members = {name: member.taught(parts[name]) for name, member in self._members.items()}
        return type(self)(self.columns, members, weights=self._weights)
