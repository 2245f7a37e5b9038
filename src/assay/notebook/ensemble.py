"""Several models that vote: the weighted mean of their probabilities.

>>> import numpy as np
>>> from assay.notebook.classifiers import BaseRateClassifier, LogisticRegression
>>> rng = np.random.default_rng(7)
>>> X = rng.normal(size=(300, 2))
>>> y = (X[:, 0] > 0).astype(int)
>>> voting = EnsembleModel([LogisticRegression(), BaseRateClassifier()], weights=[3, 1]).fit(X, y)
>>> one, other = (member.predict_proba(X[:1])[0, 1] for member in voting.members_)
>>> bool(np.isclose(voting.predict_proba(X[:1])[0, 1], (3 * one + other) / 4))
True
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Self, cast

import numpy as np
from sklearn.base import clone

from assay.domain.errors import BadInputError
from assay.models.learned import part_of
from assay.models.parameters import nested, nested_in
from assay.models.registry import StorableDirection, new_direction
from assay.models.voting import Voting
from assay.notebook.classifiers import CLASSIFIERS, DirectionClassifier


class EnsembleModel(DirectionClassifier):
    """Soft voting over models of this package, each of another kind.

    Parameters
    ----------
    models : sequence of DirectionClassifier
        Those that vote. Where all of them are fitted on the same columns, the ensemble answers without being fitted;
        `fit` teaches copies, and leaves them as they are.
    weights : sequence of float, optional
        One each, above 0; equal if left out.

    Attributes
    ----------
    members_ : list of DirectionClassifier
        Those that were taught.
    """

    _estimator = "voting"
    _members: Sequence[DirectionClassifier] = ()

    def __init__(self, models: Sequence[DirectionClassifier] = (), weights: Sequence[float] | None = None) -> None:
        self.models = models
        self.weights = weights

    @property
    def members_(self) -> list[DirectionClassifier]:
        """The fitted members, in the order of `models`."""
        self._model()
        return list(self._members or self.models)

    def fit(self, X: object, y: object, sample_weight: object = None) -> Self:
        """Teach a copy of each model; as :meth:`DirectionClassifier.fit`."""
        super().fit(X, y, sample_weight)
        self._members = self._taken_out(cast("Voting", self._taught))
        return self

    def _new(self, columns: tuple[str, ...]) -> StorableDirection:
        members = {one._estimator: one._new(columns) for one in self._checked()}
        parameters: dict[str, object] = {"members": ",".join(members), "weights": self._weights()}
        for name, member in members.items():
            parameters |= nested(member.parameters, name)
        return new_direction("voting", columns, parameters)

    def _checked(self) -> list[DirectionClassifier]:
        """Return the models, if they can vote together."""
        if not self.models:
            raise BadInputError("there is nobody to vote", todo="give some models, such as [RandomForestClassifier()]")
        models = [one for one in self.models if _can_vote(one)]
        if len(models) != len(self.models):
            value = next(type(one).__name__ for one in self.models if not _can_vote(one))
            todo = f"use {', '.join(kind.__name__ for kind in CLASSIFIERS.values())}"
            raise BadInputError("not a model that can vote here", value=value, todo=todo)
        kinds = [one._estimator for one in models]
        twice = next((kind for kind in kinds if kinds.count(kind) > 1), "")
        if twice:
            raise BadInputError("two models of one kind vote", value=twice, todo="give one of them a greater weight")
        return models

    def _weights(self) -> str:
        weights = [1.0] * len(self.models) if self.weights is None else list(self.weights)
        if len(weights) != len(self.models):
            value = f"{len(weights)} weights, {len(self.models)} models"
            raise BadInputError("weights and models differ in number", value=value, todo="give one weight a model")
        return ",".join(str(float(one)) for one in weights)

    def _model(self) -> StorableDirection:
        if not self._is_taught() and self._are_fitted():
            self._adopt()
        return super()._model()

    def __sklearn_is_fitted__(self) -> bool:
        return self._is_taught() or self._are_fitted()

    def _are_fitted(self) -> bool:
        return bool(self.models) and all(_can_vote(one) and one._is_taught() for one in self.models)

    def _adopt(self) -> None:
        """Let models that were fitted before vote as they are."""
        models = self._checked()
        first = models[0]
        for one in models[1:]:
            if one._columns() != first._columns() or not np.array_equal(one.classes_, first.classes_):
                value = f"{type(one).__name__} and {type(first).__name__}"
                raise BadInputError("the models were taught other columns or labels", value=value, todo="fit them anew")
        weights = [float(one) for one in self._weights().split(",")]
        voting = Voting(first._columns(), {one._estimator: one._model() for one in models}, weights=weights)
        self._know(voting, first._columns(), first.classes_, are_named=hasattr(first, "feature_names_in_"))

    def _taken_out(self, voting: Voting) -> list[DirectionClassifier]:
        """Return the members of a taught vote as models of their own."""
        found, columns = [], self._columns()
        for one in self.models:
            member = clone(one)
            taught = member._new(columns).taught(part_of(voting.learned, one._estimator))
            member._know(taught, columns, self.classes_, are_named=hasattr(self, "feature_names_in_"))
            found.append(member)
        return found

    @classmethod
    def _of(cls, estimator: StorableDirection) -> Self:
        given = estimator.parameters
        names = str(given["members"]).split(",")
        models = []
        for name in names:
            if name not in CLASSIFIERS:
                raise BadInputError("a member of the vote has no class here", value=name, todo="ask it with `assay`")
            columns = str(given["columns"]).split(",")
            models.append(CLASSIFIERS[name]._of(new_direction(name, columns, nested_in(given, name))))
        return cls(models, [float(one) for one in str(given["weights"]).split(",")])

    def _know_file(self, model: StorableDirection, columns: tuple[str, ...]) -> None:
        super()._know_file(model, columns)
        self._members = self._taken_out(cast("Voting", model))


def _can_vote(model: object) -> bool:
    return isinstance(model, DirectionClassifier) and not isinstance(model, EnsembleModel)
