"""The contracts of everything that foretells a direction or a value: two verbs, fit and predict.

An estimator holds its own preparation (scaling and the like), so that whoever fits it on training rows cannot have
looked at others. It is made with frozen parameters; `clone` gives a fresh one with the same parameters.

>>> import numpy as np
>>> direction(np.array([0.2, 0.5, 0.7])).tolist()
[0, 0, 1]
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Protocol, Self, TypeVar, runtime_checkable

import numpy as np
from numpy.typing import NDArray

from assay.domain.errors import BadInputError, TerminalError

Floats = NDArray[np.float64]
State = TypeVar("State")

LOGISTIC = "logistic"
"""Name of :class:`assay.models.logistic.Logistic`, for those who need no model and would not wait for its imports."""


class NotFittedError(TerminalError):
    """An estimator was asked before it was taught."""


class Estimator(Protocol):
    """What an estimator has, whatever it foretells."""

    @property
    def name(self) -> str:
        """Short name, as it appears in tables and registries."""
        ...

    @property
    def parameters(self) -> Mapping[str, float | int | str]:
        """All that decides what `fit` makes of given rows."""
        ...

    def clone(self) -> Self:
        """Return an untaught estimator with the same parameters."""
        ...


@runtime_checkable
class DirectionEstimator(Estimator, Protocol):
    """Foretells the probability of "up".

    An estimator's own words on `fit` and `predict_proba` say only what is particular to it; the rest is said here.
    """

    def fit(self, features: Floats, labels: Floats, *, sample_weight: Floats | None = None) -> Self:
        """Learn from rows, and forget what was learned before; the same rows give the same bits.

        Parameters
        ----------
        features : ndarray of float64, shape (n, n_features)
            No NaN, the oldest first; left unchanged.
        labels : ndarray of float64, shape (n,)
            0 or 1.
        sample_weight : ndarray of float64, shape (n,), optional
            How much each row counts; a row of weight 0 is as good as absent.

        Returns
        -------
        Self
            The estimator itself.

        Raises
        ------
        BadInputError
            If rows, labels or weights are unusable; a NaN is answered with its column and row.
        """
        ...

    def predict_proba(self, features: Floats) -> Floats:
        """Return the probability of 1, shape (n,), of rows of shape (n, n_features) without NaN.

        A row's answer does not depend, to the last bit, on which rows are asked with it.

        Raises
        ------
        NotFittedError
            If it was not fitted.
        BadInputError
            If the rows are unusable.
        """
        ...


class ValueEstimator(Estimator, Protocol):
    """Foretells a number: by how much a price changes, in whatever unit it was taught.

    An estimator's own words on `fit` and `predict` say only what is particular to it; the rest is said here.
    """

    def fit(self, features: Floats, values: Floats, *, sample_weight: Floats | None = None) -> Self:
        """Learn from rows as :meth:`DirectionEstimator.fit`, and values of shape (n,) without NaN.

        The time of a row, where an estimator needs it, is a feature like any other (the Step ``calendar``).
        """
        ...

    def predict(self, features: Floats) -> Floats:
        """Return the value foretold, shape (n,); otherwise as :meth:`DirectionEstimator.predict_proba`."""
        ...


def direction(probability: Floats) -> NDArray[np.int8]:
    """Return 1 where "up" is more likely than not; exactly one half is "not up", like a tie of prices.

    Examples
    --------
    >>> direction(np.array([0.51])).dtype
    dtype('int8')
    """
    return (probability > 0.5).astype(np.int8)


def sigmoid(log_odds: Floats) -> Floats:
    """Return ``1 / (1 + exp(-x))``, the probability of these log-odds.

    Examples
    --------
    >>> sigmoid(np.array([-1000.0, 0.0, 1000.0])).tolist()
    [0.0, 0.5, 1.0]
    """
    # exp only of numbers <= 0, so that it cannot overflow.
    tail = np.exp(-np.abs(log_odds))
    probability: Floats = np.where(log_odds >= 0, 1.0, tail) / (1.0 + tail)
    return probability


def require_fitted(learned: State | None, name: str) -> State:
    """Return what the estimator `name` has learned.

    Raises
    ------
    NotFittedError
        If that is nothing yet.
    """
    if learned is None:
        raise NotFittedError("the model was not fitted", value=name, todo="call fit first")
    return learned


def check_features(features: Floats, columns: Sequence[str]) -> None:
    """Refuse rows that an estimator cannot use.

    Parameters
    ----------
    features : ndarray of float64, shape (n, n_features)
        Rows to be learned from or predicted.
    columns : sequence of str
        Their names; one each.

    Raises
    ------
    BadInputError
        If the number of columns differs or a value is NaN or infinite; it names the column.

    Examples
    --------
    >>> check_features(np.array([[1.0, np.nan]]), ("rsi_14", "ema_12"))
    Traceback (most recent call last):
    assay.domain.errors.BadInputError: a feature is NaN or infinite: 'ema_12, row 0'; drop warm-up rows and gaps first
    """
    if features.ndim != 2 or features.shape[1] != len(columns):
        todo = f"give the columns {', '.join(columns)}"
        raise BadInputError("the features are not those of the model", value=f"shape {features.shape}", todo=todo)
    wrong = ~np.isfinite(features)
    if np.any(wrong):
        row, column = np.argwhere(wrong)[0]
        value = f"{columns[column]}, row {row}"
        raise BadInputError("a feature is NaN or infinite", value=value, todo="drop warm-up rows and gaps first")


def check_columns(given: Sequence[str], expected: Sequence[str]) -> None:
    """Refuse columns that are not those a model was made for, in their order.

    Raises
    ------
    BadInputError
        It names what is missing, what is too much, or the first column that is at another's place.

    Examples
    --------
    >>> check_columns(("ema_12", "rsi_14"), ("rsi_14", "ema_12"))
    Traceback (most recent call last):
    assay.domain.errors.BadInputError: the columns are in another order than the model's: 'ema_12 where rsi_14 belongs';
    give rsi_14, ema_12
    """
    if tuple(given) == tuple(expected):
        return
    missing = [name for name in expected if name not in given]
    unknown = [name for name in given if name not in expected]
    todo = f"give {', '.join(expected)}"
    if missing or unknown or len(given) != len(expected):
        told = [f"without {', '.join(missing)}"] if missing else []
        told += [f"with {', '.join(unknown)}"] if unknown else []
        value = "; ".join(told) or f"{len(given)} columns for {len(expected)}"
        raise BadInputError("the columns are not those of the model", value=value, todo=todo)
    here, there = next((one, other) for one, other in zip(given, expected, strict=True) if one != other)
    what = "the columns are in another order than the model's"
    raise BadInputError(what, value=f"{here} where {there} belongs", todo=todo)


def check_any_column(columns: Sequence[str]) -> None:
    """Refuse to learn from no feature at all.

    Raises
    ------
    BadInputError
        If there is no column.
    """
    if not columns:
        raise BadInputError("there is no feature to learn from", todo="name at least one column")


def check_differ(targets: Floats, *, what: str) -> None:
    """Refuse labels or values that are all the same: there is nothing to tell apart.

    Parameters
    ----------
    targets : ndarray of float64, shape (n,), n at least 1
    what : str
        What they are called, as "training labels".

    Raises
    ------
    BadInputError
        If they are.
    """
    if np.all(targets == targets[0]):
        raise BadInputError(f"all {what} are the same", value=targets[0], todo="train on a longer period")


def check_labels(labels: Floats, rows: int, sample_weight: Floats | None = None) -> None:
    """Refuse labels that are not 0 or 1, are not `rows` in number, or weights that cannot weigh.

    Raises
    ------
    BadInputError
        In these cases.

    Examples
    --------
    >>> check_labels(np.array([0.0, np.nan]), 2)
    Traceback (most recent call last):
    assay.domain.errors.BadInputError: a label is neither 0 nor 1: 'nan, row 1'; drop rows whose label is undefined
    """
    _check_length(labels, rows, name="labels")
    _refuse_any((labels != 0) & (labels != 1), labels, what="a label is neither 0 nor 1", name="label")
    check_weights(sample_weight, rows)


def check_values(values: Floats, rows: int, sample_weight: Floats | None = None) -> None:
    """Refuse values that are NaN or infinite, are not `rows` in number, or weights that cannot weigh.

    Raises
    ------
    BadInputError
        In these cases.

    Examples
    --------
    >>> check_values(np.array([0.5, np.nan]), 2)
    Traceback (most recent call last):
    assay.domain.errors.BadInputError: a value to learn is NaN or infinite: 'nan, row 1'; drop rows whose value is
    undefined
    """
    _check_length(values, rows, name="values")
    _refuse_any(~np.isfinite(values), values, what="a value to learn is NaN or infinite", name="value")
    check_weights(sample_weight, rows)


def _check_length(targets: Floats, rows: int, *, name: str) -> None:
    if targets.shape != (rows,) or not rows:
        raise BadInputError(f"{name} and features differ in length", value=f"{targets.shape}, {rows} rows")


def _refuse_any(is_wrong: NDArray[np.bool_], targets: Floats, *, what: str, name: str) -> None:
    """Name the first row that is wrong."""
    wrong = np.flatnonzero(is_wrong)
    if wrong.size:
        value, todo = f"{targets[wrong[0]]}, row {wrong[0]}", f"drop rows whose {name} is undefined"
        raise BadInputError(what, value=value, todo=todo)


def check_weights(sample_weight: Floats | None, rows: int) -> None:
    """Refuse weights that are not one a row, are NaN, infinite or negative, or are all zero.

    Raises
    ------
    BadInputError
        In these cases.
    """
    if sample_weight is None:
        return
    fits = sample_weight.shape == (rows,) and bool(np.all(np.isfinite(sample_weight) & (sample_weight >= 0)))
    if not (fits and sample_weight.sum() > 0):
        raise BadInputError("weights must be finite, not negative and one a row", value=f"{sample_weight.shape}")
