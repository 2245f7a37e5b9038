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
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from assay.domain.errors import BadInputError, NoDataError, SettingsError
from assay.models.estimator import NotFittedError, check_features, check_labels, check_values
from assay.models.flat_trees import Answer, FlatTrees
from assay.models.learned import Learned, part_of, prefixed, take, unusable

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

    features: NDArray[np.float64]
    targets: NDArray[np.float64]
    weight: NDArray[np.float64]
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
        """Return the trees; the same lesson gives the same bits."""
        ...


class DirectionTrees:
    """Foretells the probability of "up" with trees.

    Parameters
    ----------
    columns : sequence of str
        Names of the features, in order.
    grower : Grower
    """

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
        return _parameters(self.columns, self._grower)

    def fit(
        self,
        features: NDArray[np.float64],
        labels: NDArray[np.float64],
        *,
        sample_weight: NDArray[np.float64] | None = None,
    ) -> DirectionTrees:
        """Grow the trees on one thread: the same rows give the same bits.

        Parameters
        ----------
        features : ndarray of float64, shape (n, n_features)
            No NaN, no column with one value only.
        labels : ndarray of float64, shape (n,)
            0 or 1, both present.
        sample_weight : ndarray of float64, shape (n,), optional
            How much each row counts; a row of weight 0 is as good as absent.

        Raises
        ------
        BadInputError
            If rows, labels or weights are unusable.
        NoDataError
            If there are fewer than 50 rows.
        SettingsError
            If the library that grows these trees is not installed.
        """
        check_features(features, self.columns)
        check_labels(labels, len(features), sample_weight)
        lesson = _lesson(features, labels, sample_weight, is_direction=True)
        check_lesson(lesson, self.columns)
        if np.all(lesson.targets == lesson.targets[0]):
            todo = "train on a longer period"
            raise BadInputError("all training labels are the same", value=lesson.targets[0], todo=todo)
        self._trees = self._grower.grow(lesson)
        return self

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
        trees = _fitted(self._trees, self.name)
        check_features(features, self.columns)
        return trees.ask(features)

    def clone(self) -> DirectionTrees:
        """Return an untaught one with the same columns and parameters."""
        return DirectionTrees(self.columns, self._grower)

    @property
    def learned(self) -> Learned:
        """The trees, as arrays."""
        return _fitted(self._trees, self.name).learned

    def taught(self, learned: Learned) -> DirectionTrees:
        """Return a fitted one with these parameters and those trees.

        Raises
        ------
        BadInputError
            If they are no trees over these columns that say probabilities.
        """
        copy = self.clone()
        how = self._grower.answer(is_direction=True)
        trees = FlatTrees.from_learned(learned, n_features=len(self.columns), how=how)
        leaves = trees.number[trees.feature < 0]
        if how.link != "logistic" and (leaves.min() < 0 or leaves.max() > 1):
            raise unusable("a leaf that says no probability")
        copy._trees = trees
        return copy


class ValueTrees:
    """Foretells a value with trees; the unit of the values does not matter, they are standardised inside.

    Parameters
    ----------
    columns : sequence of str
        Names of the features, in order.
    grower : Grower
    """

    def __init__(self, columns: Sequence[str], grower: Grower) -> None:
        self.columns = tuple(columns)
        self._grower = grower
        self._trees: FlatTrees | None = None
        self._mean, self._spread = 0.0, 1.0

    @property
    def name(self) -> str:
        """That of the grower."""
        return self._grower.name

    @property
    def parameters(self) -> Mapping[str, float | int | str]:
        """All that decides what `fit` makes of given rows."""
        return _parameters(self.columns, self._grower)

    def fit(
        self,
        features: NDArray[np.float64],
        values: NDArray[np.float64],
        *,
        sample_weight: NDArray[np.float64] | None = None,
    ) -> ValueTrees:
        """Grow the trees on one thread: the same rows give the same bits.

        Parameters
        ----------
        features : ndarray of float64, shape (n, n_features)
            No NaN, no column with one value only.
        values : ndarray of float64, shape (n,)
            No NaN, not all the same.
        sample_weight : ndarray of float64, shape (n,), optional
            How much each row counts; a row of weight 0 is as good as absent.

        Raises
        ------
        BadInputError
            If rows, values or weights are unusable.
        NoDataError
            If there are fewer than 50 rows.
        SettingsError
            If the library that grows these trees is not installed.
        """
        check_features(features, self.columns)
        check_values(values, len(features), sample_weight)
        lesson = _lesson(features, values, sample_weight, is_direction=False)
        check_lesson(lesson, self.columns)
        if np.all(lesson.targets == lesson.targets[0]):
            todo = "train on a longer period"
            raise BadInputError("all values to learn are the same", value=lesson.targets[0], todo=todo)
        with np.errstate(over="ignore", invalid="ignore", under="ignore"):
            mean = float(np.average(lesson.targets, weights=lesson.weight))
            spread = float(np.sqrt(np.average((lesson.targets - mean) ** 2, weights=lesson.weight)))
        if not 0.0 < spread < np.inf:
            what = "the values to learn are too large or too close to each other"
            raise BadInputError(what, value=f"deviation {spread:g}", todo="give them in another unit")
        standard = dataclasses.replace(lesson, targets=(lesson.targets - mean) / spread)
        self._trees, self._mean, self._spread = self._grower.grow(standard), mean, spread
        return self

    def predict(self, features: NDArray[np.float64]) -> NDArray[np.float64]:
        """Return the value foretold, shape (n,), of rows of shape (n, n_features) without NaN.

        A row's answer does not depend, to the last bit, on which rows are asked with it.

        Raises
        ------
        NotFittedError
            If it was not fitted.
        BadInputError
            If the rows are unusable.
        """
        trees = _fitted(self._trees, self.name)
        check_features(features, self.columns)
        return self._mean + self._spread * trees.ask(features)

    def clone(self) -> ValueTrees:
        """Return an untaught one with the same columns and parameters."""
        return ValueTrees(self.columns, self._grower)

    @property
    def learned(self) -> Learned:
        """The trees, and the mean and spread of the values, as arrays."""
        trees = _fitted(self._trees, self.name).learned
        return prefixed(trees, "trees") | {"mean": np.array([self._mean]), "spread": np.array([self._spread])}

    def taught(self, learned: Learned) -> ValueTrees:
        """Return a fitted one with these parameters and those trees.

        Raises
        ------
        BadInputError
            If they are no trees over these columns.
        """
        copy = self.clone()
        how, trees = self._grower.answer(is_direction=False), part_of(learned, "trees")
        if len(trees) + 2 != len(learned):
            raise unusable("unknown arrays")
        copy._mean = float(take(learned, "mean", shape=(1,))[0])
        copy._spread = float(take(learned, "spread", shape=(1,))[0])
        copy._trees = FlatTrees.from_learned(trees, n_features=len(self.columns), how=how)
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
        If a column has one value only, or one too large for float32, in which libraries compare.
    """
    if not columns:
        raise BadInputError("there is no feature to learn from", todo="name at least one column")
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


def _lesson(
    features: NDArray[np.float64],
    targets: NDArray[np.float64],
    sample_weight: NDArray[np.float64] | None,
    *,
    is_direction: bool,
) -> Lesson:
    if sample_weight is None:
        return Lesson(features, targets, np.ones(len(features)), is_direction)
    weighs = sample_weight > 0
    weight = sample_weight[weighs]
    return Lesson(features[weighs], targets[weighs], weight / weight.mean(), is_direction)


def _parameters(columns: tuple[str, ...], grower: Grower) -> Mapping[str, float | int | str]:
    fields: Any = grower
    return {"columns": ",".join(columns), **dataclasses.asdict(fields)}


def _fitted(trees: FlatTrees | None, name: str) -> FlatTrees:
    if trees is None:
        raise NotFittedError("the model was not fitted", value=name, todo="call fit first")
    return trees
