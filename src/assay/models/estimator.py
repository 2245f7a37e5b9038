"""The contracts of everything that foretells a direction or a value: two verbs, fit and predict.

An estimator holds its own preparation (scaling and the like), so that whoever fits it on training rows cannot have
looked at others. It is made with frozen parameters; `clone` gives a fresh one with the same parameters.

>>> import numpy as np
>>> direction(np.array([0.2, 0.5, 0.7])).tolist()
[0, 0, 1]
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Protocol, Self

import numpy as np
from numpy.typing import NDArray

from assay.domain.errors import BadInputError, TerminalError

LOGISTIC = "logistic"
"""Name of :class:`assay.models.logistic.Logistic`, for those who need no model and would not wait for its imports."""


class NotFittedError(TerminalError):
    """An estimator was asked before it was taught."""


class DirectionEstimator(Protocol):
    """Foretells the probability of "up"."""

    @property
    def name(self) -> str:
        """Short name, as it appears in tables and registries."""
        ...

    @property
    def parameters(self) -> Mapping[str, float | int | str]:
        """All that decides what `fit` makes of given rows."""
        ...

    def fit(
        self,
        features: NDArray[np.float64],
        labels: NDArray[np.float64],
        *,
        sample_weight: NDArray[np.float64] | None = None,
    ) -> Self:
        """Learn from rows of shape (n, n_features) and labels 0/1 of shape (n,); return itself."""
        ...

    def predict_proba(self, features: NDArray[np.float64]) -> NDArray[np.float64]:
        """Return the probability of 1, shape (n,), of rows of shape (n, n_features)."""
        ...

    def clone(self) -> Self:
        """Return an untaught estimator with the same parameters."""
        ...


class ValueEstimator(Protocol):
    """Foretells a number: by how much a price changes, in whatever unit it was taught."""

    @property
    def name(self) -> str:
        """Short name, as it appears in tables and registries."""
        ...

    @property
    def parameters(self) -> Mapping[str, float | int | str]:
        """All that decides what `fit` makes of given rows."""
        ...

    def fit(
        self,
        features: NDArray[np.float64],
        values: NDArray[np.float64],
        *,
        sample_weight: NDArray[np.float64] | None = None,
    ) -> Self:
        """Learn from rows of shape (n, n_features), the oldest first, and values of shape (n,); return itself.

        The time of a row, where an estimator needs it, is a feature like any other (the Step ``calendar``).
        """
        ...

    def predict(self, features: NDArray[np.float64]) -> NDArray[np.float64]:
        """Return the value foretold, shape (n,), of rows of shape (n, n_features)."""
        ...

    def clone(self) -> Self:
        """Return an untaught estimator with the same parameters."""
        ...


def direction(probability: NDArray[np.float64]) -> NDArray[np.int8]:
    """Return 1 where "up" is more likely than not; exactly one half is "not up", like a tie of prices.

    Examples
    --------
    >>> direction(np.array([0.51])).dtype
    dtype('int8')
    """
    return (probability > 0.5).astype(np.int8)


def sigmoid(log_odds: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return ``1 / (1 + exp(-x))``, the probability of these log-odds.

    Examples
    --------
    >>> sigmoid(np.array([-1000.0, 0.0, 1000.0])).tolist()
    [0.0, 0.5, 1.0]
    """
    # exp only of numbers <= 0, so that it cannot overflow.
    tail = np.exp(-np.abs(log_odds))
    probability: NDArray[np.float64] = np.where(log_odds >= 0, 1.0, tail) / (1.0 + tail)
    return probability


def check_features(features: NDArray[np.float64], columns: Sequence[str]) -> None:
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


def check_labels(labels: NDArray[np.float64], rows: int, sample_weight: NDArray[np.float64] | None = None) -> None:
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
    if labels.shape != (rows,) or not rows:
        raise BadInputError("labels and features differ in length", value=f"{labels.shape}, {rows} rows")
    wrong = np.flatnonzero((labels != 0) & (labels != 1))
    if wrong.size:
        value, todo = f"{labels[wrong[0]]}, row {wrong[0]}", "drop rows whose label is undefined"
        raise BadInputError("a label is neither 0 nor 1", value=value, todo=todo)
    check_weights(sample_weight, rows)


def check_values(values: NDArray[np.float64], rows: int, sample_weight: NDArray[np.float64] | None = None) -> None:
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
    if values.shape != (rows,) or not rows:
        raise BadInputError("values and features differ in length", value=f"{values.shape}, {rows} rows")
    wrong = np.flatnonzero(~np.isfinite(values))
    if wrong.size:
        value, todo = f"{values[wrong[0]]}, row {wrong[0]}", "drop rows whose value is undefined"
        raise BadInputError("a value to learn is NaN or infinite", value=value, todo=todo)
    check_weights(sample_weight, rows)


def check_weights(sample_weight: NDArray[np.float64] | None, rows: int) -> None:
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
