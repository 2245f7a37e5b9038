"""Estimators made of trees: what all of them share, whichever library grows the trees.

A grower (``random_forest.py``, ``lightgbm.py``, ``xgboost.py``) holds parameters and turns rows into
:class:`~assay.models.flat_trees.FlatTrees`; the two classes here make a direction or a value estimator of it.

>>> import numpy as np
>>> from assay.models.random_forest import RandomForest
>>> rng = np.random.default_rng(7)
>>> features = rng.normal(size=(300, 2))
>>> labels = (features[:, 0] + rng.normal(size=300) > 0).astype(float)
>>> model = DirectionTrees(("momentum", "noise"), RandomForest(trees=20)).fit(features, labels)
>>> bool(model.predict_proba(np.array([[2.0, 0.0]]))[0] > 0.8)
True
"""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from importlib import import_module
from types import ModuleType
from typing import ClassVar, Protocol, Self

import numpy as np

from assay.domain.errors import BadInputError, NoDataError, SettingsError
from assay.models.estimator import (
    Floats,
    check_any_column,
    check_differ,
    check_features,
    check_labels,
    check_values,
    require_fitted,
)
from assay.models.flat_trees import Answer, FlatTrees
from assay.models.learned import Learned, part_of, prefixed, take, unusable
from assay.models.parameters import parameters_of

FEWEST_ROWS = 50
_LARGEST = float(np.finfo(np.float32).max)


@dataclass(frozen=True, slots=True, eq=False)
class Lesson:
    """Checked rows to learn from.

    Attributes
    ----------
    features : ndarray of float64, shape (n, n_features)
    targets : ndarray of float64, shape (n,)
        Labels 0 or 1, or values with mean 0 and deviation 1.
    weight : ndarray of float64, shape (n,)
        Above 0, 1 on the average.
    is_direction : bool
    """

    features: Floats
    targets: Floats
    weight: Floats
    is_direction: bool


class Grower(Protocol):
    """Frozen parameters that make trees of rows; its fields are int, float or str."""

    @property
    def name(self) -> str:
        """Short name of the estimators made of these trees."""
        ...

    def answer(self, *, is_direction: bool) -> Answer:
        """Return how its leaves become an answer."""
        ...

    def grow(self, lesson: Lesson) -> FlatTrees:
        """Return the trees; the same lesson gives the same bits.

        Raises
        ------
        BadInputError
            If the parameters allow no tree to split so few rows.
        SettingsError
            If the library that grows these trees is not installed.
        """
        ...


class _Trees:
    """Columns, a grower, and its trees once they are grown: what a direction and a value estimator have in common.

    Parameters
    ----------
    columns : sequence of str
        Names of the features, in order.
    grower : Grower
    """

    _is_direction: ClassVar[bool]

    def __init__(self, columns: Sequence[str], grower: Grower) -> None:
        self.columns = tuple(columns)
        self._grower = grower
        self._trees: FlatTrees | None = None

    @property
    def name(self) -> str:
        """That of the grower."""
        return self._grower.name

    @property
    def parameters(self) -> Mapping[str, float | int | str]:
        """All that decides what `fit` makes of given rows."""
        return parameters_of(self.columns, self._grower)

    def clone(self) -> Self:
        """Return an untaught one with the same columns and parameters."""
        return type(self)(self.columns, self._grower)

    def _lesson(self, features: Floats, targets: Floats, sample_weight: Floats | None) -> Lesson:
        """Return the rows that weigh anything, when all are checked."""
        check_features(features, self.columns)
        check_targets = check_labels if self._is_direction else check_values
        check_targets(targets, len(features), sample_weight)
        if sample_weight is None:
            lesson = Lesson(features, targets, np.ones(len(features)), self._is_direction)
        else:
            weighs = sample_weight > 0
            weight = sample_weight[weighs]
            lesson = Lesson(features[weighs], targets[weighs], weight / weight.mean(), self._is_direction)
        check_lesson(lesson, self.columns)
        return lesson

    def _grown(self) -> FlatTrees:
        return require_fitted(self._trees, self.name)

    def _ask(self, features: Floats) -> Floats:
        trees = self._grown()
        check_features(features, self.columns)
        return trees.ask(features)

    def _read(self, learned: Learned) -> FlatTrees:
        how = self._grower.answer(is_direction=self._is_direction)
        return FlatTrees.from_learned(learned, n_features=len(self.columns), how=how)


class DirectionTrees(_Trees):
    """Foretells the probability of "up" with trees; made with the columns and a grower."""

    _is_direction = True

    def fit(self, features: Floats, labels: Floats, *, sample_weight: Floats | None = None) -> Self:
        """Grow the trees on one thread; as :meth:`DirectionEstimator.fit`, with both labels present.

        Raises
        ------
        BadInputError, NoDataError, SettingsError
            As :func:`check_lesson` and the grower.
        """
        self._trees = self._grower.grow(self._lesson(features, labels, sample_weight))
        return self

    def predict_proba(self, features: Floats) -> Floats:
        """Return what the trees say; as :meth:`DirectionEstimator.predict_proba`."""
        return self._ask(features)

    @property
    def learned(self) -> Learned:
        """The trees, as arrays."""
        return self._grown().learned

    def taught(self, learned: Learned) -> Self:
        """Return a fitted one with these parameters and those trees.

        Raises
        ------
        BadInputError
            If they are no trees over these columns that say probabilities.
        """
        copy, trees = self.clone(), self._read(learned)
        leaves = trees.number[trees.feature < 0]
        if trees.how.link != "logistic" and (leaves.min() < 0 or leaves.max() > 1):
            raise unusable("a leaf that says no probability")
        copy._trees = trees
        return copy


class ValueTrees(_Trees):
    """Foretells a value with trees, as DirectionTrees; its unit does not matter, values are standardised inside."""

    _is_direction = False
    _mean, _spread = 0.0, 1.0

    def fit(self, features: Floats, values: Floats, *, sample_weight: Floats | None = None) -> Self:
        """Grow the trees on one thread; as :meth:`ValueEstimator.fit`, with values that are not all the same.

        Raises
        ------
        BadInputError, NoDataError, SettingsError
            As :func:`check_lesson` and the grower, or if the values cannot be standardised.
        """
        lesson = self._lesson(features, values, sample_weight)
        with np.errstate(over="ignore", invalid="ignore", under="ignore"):
            mean = float(np.average(lesson.targets, weights=lesson.weight))
            spread = float(np.sqrt(np.average((lesson.targets - mean) ** 2, weights=lesson.weight)))
        if not 0.0 < spread < np.inf:
            what = "the values to learn are too large or too close to each other"
            raise BadInputError(what, value=f"deviation {spread:g}", todo="give them in another unit")
        standard = dataclasses.replace(lesson, targets=(lesson.targets - mean) / spread)
        self._trees, self._mean, self._spread = self._grower.grow(standard), mean, spread
        return self

    def predict(self, features: Floats) -> Floats:
        """Return what the trees say, in the unit of the values; as :meth:`ValueEstimator.predict`."""
        return self._mean + self._spread * self._ask(features)

    @property
    def learned(self) -> Learned:
        """The trees, and the mean and spread of the values, as arrays."""
        trees = self._grown().learned
        return prefixed(trees, "trees") | {"mean": np.array([self._mean]), "spread": np.array([self._spread])}

    def taught(self, learned: Learned) -> Self:
        """Return a fitted one with these parameters and those trees.

        Raises
        ------
        BadInputError
            If they are no trees over these columns.
        """
        copy, trees = self.clone(), part_of(learned, "trees")
        if len(trees) + 2 != len(learned):
            raise unusable("unknown arrays")
        copy._mean = float(take(learned, "mean", shape=(1,))[0])
        copy._spread = float(take(learned, "spread", shape=(1,))[0])
        copy._trees = self._read(trees)
        return copy


def library(module: str) -> ModuleType:
    """Return a library that grows trees.

    Raises
    ------
    SettingsError
        If it is not installed, or cannot be loaded on this machine.
    """
    try:
        return import_module(module)
    except (ImportError, OSError) as error:
        what, todo = "this estimator needs a package that is not installed", "run `pip install 'assay[ml]'`"
        raise SettingsError(what, value=module, todo=todo) from error


def check_lesson(lesson: Lesson, columns: Sequence[str]) -> None:
    """Refuse rows from which no tree can be grown.

    Raises
    ------
    NoDataError
        If there are too few.
    BadInputError
        If a column has one value only, or one too large for float32, in which libraries compare; or if all labels or
        values are the same.
    """
    check_any_column(columns)
    if len(lesson.features) < FEWEST_ROWS:
        todo = f"give at least {FEWEST_ROWS} of a weight above 0"
        raise NoDataError("too few rows to learn from", value=len(lesson.features), todo=todo)
    low, high = lesson.features.min(axis=0), lesson.features.max(axis=0)
    for column, least, most in zip(columns, low, high, strict=True):
        if least == most:
            todo = "leave it out, or train on a longer period"
            raise BadInputError("a feature has one value in all training rows", value=column, todo=todo)
        if max(-least, most) > _LARGEST:
            raise BadInputError("a feature is too large", value=f"{column}: {max(-least, most):g}", todo="scale it")
    check_differ(lesson.targets, what="training labels" if lesson.is_direction else "values to learn")


def check_leaf_rows(min_leaf_rows: int, rows: int) -> None:
    """Refuse leaves so large that no tree over so many rows could have two of them.

    Raises
    ------
    BadInputError
        If `min_leaf_rows` is more than half of the rows: every tree would be one leaf, and the features mean nothing.

    Examples
    --------
    >>> check_leaf_rows(60, rows=100)
    Traceback (most recent call last):
    assay.domain.errors.BadInputError: min_leaf_rows is more than half of the rows, so that no tree could split them:
    '60 of 100 rows'; give at most 50, or train on a longer period
    """
    if 2 * min_leaf_rows > rows:
        what = "min_leaf_rows is more than half of the rows, so that no tree could split them"
        todo = f"give at most {rows // 2}, or train on a longer period"
        raise BadInputError(what, value=f"{min_leaf_rows} of {rows} rows", todo=todo)
