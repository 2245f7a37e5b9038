"""Assay's estimators of directions, spoken to as scikit-learn's: fit, predict, predict_proba, score, clone, cv.

They are the estimators that ``assay train`` uses, with the parameters' names that their libraries gave them. What one
has learned is saved as a file without code, and looked through before it is trusted.

>>> import numpy as np
>>> rng = np.random.default_rng(7)
>>> X = rng.normal(size=(300, 2))
>>> model = LogisticRegression(C=0.5).fit(X, X[:, 0] > 0)
>>> model.score(X, X[:, 0] > 0) > 0.95, model.predict_proba(X[:3]).shape
(True, (3, 2))
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import KW_ONLY, dataclass
from os import PathLike
from pathlib import Path
from typing import Any, ClassVar, Self, cast

import numpy as np
from numpy.typing import NDArray
from sklearn.base import BaseEstimator, ClassifierMixin

from assay.domain.errors import BadInputError
from assay.models.estimator import check_columns, require_fitted
from assay.models.registry import StorableDirection, new_direction
from assay.notebook.model_files import read_model, write_model
from assay.notebook.rows import labels_of, matrix_of, weights_of

Floats = NDArray[np.float64]


class DirectionClassifier(ClassifierMixin, BaseEstimator):  # type: ignore[misc]  # scikit-learn ships no types
    """What all of them have in common.

    Attributes
    ----------
    classes_ : ndarray, shape (2,)
        The two labels, sorted; the second one is "up".
    n_features_in_ : int
    feature_names_in_ : ndarray of str
        Only if it was taught a frame whose columns have names.
    """

    _estimator: ClassVar[str] = ""
    _names: ClassVar[Mapping[str, str]] = {}
    """Parameters by their names here; how Assay calls them."""

    _taught: StorableDirection | None = None
    classes_: NDArray[Any]
    n_features_in_: int
    feature_names_in_: NDArray[np.object_]

    def fit(self, X: object, y: object, sample_weight: object = None) -> Self:
        """Learn from rows, the oldest first, and forget what was learned before.

        Parameters
        ----------
        X : DataFrame of polars or pandas, or array of shape (n, n_features)
            Finite numbers.
        y : array-like of shape (n,)
            Two different labels; the greater one is "up".
        sample_weight : array-like of float, shape (n,), optional
            How much each row counts, such as `weight` of training data.

        Raises
        ------
        BadInputError
            If rows, labels, weights or a parameter are unusable; a NaN is answered with its column and row.
        """
        matrix, names = matrix_of(X)
        classes, labels = labels_of(y)
        columns = names or tuple(f"x{place}" for place in range(matrix.shape[1]))
        model = self._new(columns).fit(matrix, labels, sample_weight=weights_of(sample_weight))
        self._know(model, columns, classes, are_named=names is not None)
        return self

    def predict_proba(self, X: object) -> Floats:
        """Return the probabilities of both classes, shape (n, 2), in the order of `classes_`.

        Raises
        ------
        NotFittedError
            If it was not fitted.
        BadInputError
            If the rows are unusable, or their columns are not those it was taught, in their order.
        """
        model = self._model()
        matrix, names = matrix_of(X)
        known = getattr(self, "feature_names_in_", None)
        if names is not None and known is not None:
            check_columns(names, tuple(map(str, known)))
        up = model.predict_proba(matrix)
        return np.column_stack((1.0 - up, up))

    def predict(self, X: object) -> NDArray[Any]:
        """Return the more probable class of each row, shape (n,); of exactly one half the first one."""
        up = self.predict_proba(X)[:, 1] > 0.5
        return self.classes_[up.astype(np.intp)]

    def save(self, path: str | PathLike[str]) -> Path:
        """Write the fitted model to a file: parameters, columns, arrays, and a hash of what it says. No code is in it.

        Raises
        ------
        NotFittedError
            If it was not fitted.
        BadInputError
            If it was taught labels other than 0 and 1.
        StorageError
            If the disk refuses.
        """
        return write_model(self._model(), self._columns(), self.classes_, Path(path))

    @classmethod
    def load(cls, path: str | PathLike[str], *, columns: Sequence[str] | None = None) -> Self:
        """Return the fitted model of a file, once it was looked through.

        Parameters
        ----------
        path : str or path
        columns : sequence of str, optional
            The features that you have; a model of others, or of another order, is refused.

        Raises
        ------
        BadInputError
            If there is no such file, it is no model, damaged, of another format, of another estimator, not for these
            columns, or answers otherwise than where it was saved.
        """
        found = read_model(Path(path), cls._estimator, columns=columns)
        estimator = cast("StorableDirection", found.estimator)
        model = cls._of(estimator)
        model._know_file(estimator, found.columns)
        return model

    def __sklearn_is_fitted__(self) -> bool:
        return self._is_taught()

    def _is_taught(self) -> bool:
        return self._taught is not None

    def __sklearn_tags__(self) -> Any:  # noqa: ANN401  # scikit-learn ships no types
        tags = super().__sklearn_tags__()
        tags.classifier_tags.multi_class = False
        return tags

    @classmethod
    def _of(cls, estimator: StorableDirection) -> Self:
        """Return an untaught one with the parameters of an estimator."""
        given = estimator.parameters
        return cls(**{here: given[there] for here, there in cls._names.items()})

    def _new(self, columns: tuple[str, ...]) -> StorableDirection:
        """Return the untaught estimator of Assay."""
        chosen = {there: _plain(getattr(self, here)) for here, there in self._names.items()}
        return new_direction(self._estimator, columns, chosen)

    def _model(self) -> StorableDirection:
        return require_fitted(self._taught, type(self).__name__)

    def _columns(self) -> tuple[str, ...]:
        names = getattr(self, "feature_names_in_", None)
        return tuple(map(str, names)) if names is not None else tuple(f"x{at}" for at in range(self.n_features_in_))

    def _know(
        self, model: StorableDirection, columns: tuple[str, ...], classes: NDArray[Any], *, are_named: bool
    ) -> None:
        self._taught, self.classes_, self.n_features_in_ = model, classes, len(columns)
        if are_named:
            self.feature_names_in_ = np.array(columns, dtype=object)
        elif hasattr(self, "feature_names_in_"):
            del self.feature_names_in_

    def _know_file(self, model: StorableDirection, columns: tuple[str, ...]) -> None:
        are_named = columns != tuple(f"x{place}" for place in range(len(columns)))
        self._know(model, columns, np.array([0, 1]), are_named=are_named)


def _plain(value: object) -> object:
    """Return a number of NumPy, as searches of scikit-learn give them, as Python's own."""
    return value.item() if isinstance(value, np.generic) else value


class BaseRateClassifier(DirectionClassifier):
    """Says of every row how often "up" was right in training: what any other model has to beat."""

    _estimator = "base_rate"

    def _new(self, columns: tuple[str, ...]) -> StorableDirection:
        if not columns:
            raise BadInputError("there is no feature to learn from", todo="give at least one column")
        return super()._new(columns)


@dataclass(eq=False, repr=False)
class LogisticRegression(DirectionClassifier):
    """Logistic regression on standardised features; the scaler is part of the model.

    Parameters
    ----------
    C : float, default 1.0
        Inverse of the penalty.
    tol : float, default 1e-10
    max_iter : int, default 100
    """

    C: float = 1.0
    _: KW_ONLY
    tol: float = 1e-10
    max_iter: int = 100

    _estimator = "logistic"
    _names: ClassVar[Mapping[str, str]] = {"C": "inverse_penalty", "tol": "tolerance", "max_iter": "max_iterations"}


@dataclass(eq=False, repr=False)
class RandomForestClassifier(DirectionClassifier):
    """Many deep trees, each on other rows and columns, grown by scikit-learn and asked without it.

    Parameters
    ----------
    n_estimators : int, default 200
    max_depth : int, default 15
        From 1 to 64.
    min_samples_leaf : int, default 5
    random_state : int, default 7
        The same rows and seed give the same bits.
    """

    n_estimators: int = 200
    max_depth: int = 15
    _: KW_ONLY
    min_samples_leaf: int = 5
    random_state: int = 7

    _estimator = "random_forest"
    _names: ClassVar[Mapping[str, str]] = {
        "n_estimators": "trees",
        "max_depth": "depth",
        "min_samples_leaf": "min_leaf_rows",
        "random_state": "seed",
    }


_BOOSTING = {"n_estimators": "trees", "learning_rate": "learning_rate", "subsample": "row_share",
             "colsample_bytree": "column_share", "reg_lambda": "l2", "random_state": "seed"}  # fmt: skip


@dataclass(eq=False, repr=False)
class LightGBMClassifier(DirectionClassifier):
    """Boosted trees, grown leaf by leaf by LightGBM (extra ``ml``), and asked without it.

    Parameters
    ----------
    n_estimators : int, default 200
    learning_rate : float, default 0.05
    num_leaves : int, default 15
    min_child_samples : int, default 20
    subsample, colsample_bytree : float, default 0.8
        Share of rows, and of columns, that each tree sees.
    reg_lambda : float, default 1.0
    random_state : int, default 7
    """

    n_estimators: int = 200
    learning_rate: float = 0.05
    _: KW_ONLY
    num_leaves: int = 15
    min_child_samples: int = 20
    subsample: float = 0.8
    colsample_bytree: float = 0.8
    reg_lambda: float = 1.0
    random_state: int = 7

    _estimator = "lightgbm"
    _names: ClassVar[Mapping[str, str]] = _BOOSTING | {"num_leaves": "leaves", "min_child_samples": "min_leaf_rows"}


@dataclass(eq=False, repr=False)
class XGBoostClassifier(DirectionClassifier):
    """Boosted trees, grown level by level by XGBoost (extra ``ml``), and asked without it.

    Parameters
    ----------
    n_estimators : int, default 200
    learning_rate : float, default 0.05
    max_depth : int, default 4
    min_child_weight : float, default 5.0
    subsample, colsample_bytree : float, default 0.8
        Share of rows, and of columns, that each tree sees.
    reg_lambda : float, default 1.0
    random_state : int, default 7
    """

    n_estimators: int = 200
    learning_rate: float = 0.05
    _: KW_ONLY
    max_depth: int = 4
    min_child_weight: float = 5.0
    subsample: float = 0.8
    colsample_bytree: float = 0.8
    reg_lambda: float = 1.0
    random_state: int = 7

    _estimator = "xgboost"
    _names: ClassVar[Mapping[str, str]] = _BOOSTING | {"max_depth": "depth", "min_child_weight": "min_leaf_weight"}


CLASSIFIERS: Mapping[str, type[DirectionClassifier]] = {
    one._estimator: one
    for one in (BaseRateClassifier, LogisticRegression, RandomForestClassifier, LightGBMClassifier, XGBoostClassifier)
}
"""By the names that Assay has for them."""
