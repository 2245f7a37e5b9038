"""Rows and labels as people have them in a notebook, made into what estimators take.

>>> matrix, names = matrix_of([[1, 2], [3, 4]])
>>> matrix.dtype, names, labels_of(["down", "up", "up"])[1].tolist()
(dtype('float64'), None, [0.0, 1.0, 1.0])
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from assay.domain.errors import BadInputError

Floats = NDArray[np.float64]


def matrix_of(X: object) -> tuple[Floats, tuple[str, ...] | None]:
    """Return rows as an array of shape (n, n_features), and the names of its columns if it is a frame.

    Raises
    ------
    BadInputError
        If it is no table, or something in it is no number.
    """
    names = getattr(X, "columns", None)
    try:
        matrix = np.ascontiguousarray(_array(X), dtype=np.float64)
    except (TypeError, ValueError) as error:
        what = "features are not numbers"
        raise BadInputError(what, value=error, todo="give a DataFrame or an array of numbers") from None
    if matrix.ndim != 2:
        todo = "give rows by columns; of one row, X[:1]"
        raise BadInputError("features are no table", value=f"shape {matrix.shape}", todo=todo)
    if names is None:
        return matrix, None
    texts = tuple(map(str, names))
    if len(set(texts)) != len(texts):
        raise BadInputError("two features have one name", value=", ".join(texts))
    return matrix, texts


def labels_of(y: object) -> tuple[NDArray[Any], Floats]:
    """Return the two classes, sorted, and labels of 0 and 1, shape (n,).

    Raises
    ------
    BadInputError
        If there are not two classes, one is missing (NaN, None), or it is no column.
    """
    labels = np.asarray(_array(y))
    if labels.ndim == 2 and labels.shape[1] == 1:
        labels = labels[:, 0]
    if labels.ndim != 1:
        raise BadInputError("labels are no column", value=f"shape {labels.shape}", todo="give one label a row")
    missing = np.flatnonzero(labels != labels) if labels.dtype.kind in "fO" else np.array([], dtype=np.intp)  # noqa: PLR0124  # NaN
    if labels.dtype.kind == "O":
        missing = np.union1d(missing, np.flatnonzero([one is None for one in labels])).astype(np.intp)
    if missing.size:
        raise BadInputError("a label is missing", value=f"row {missing[0]}", todo="drop rows whose label is undefined")
    try:
        classes, places = np.unique(labels, return_inverse=True)
    except TypeError as error:
        raise BadInputError("labels cannot be compared", value=error, todo="give labels of one kind") from None
    if classes.size == 1:
        value = f"{classes[0]} in {labels.size} rows"
        raise BadInputError("all training labels are the same", value=value, todo="train on a longer period")
    if classes.size != 2:
        todo = "a direction has two; load data with label='direction_24h', or make two of your own"
        raise BadInputError("labels are not of two classes", value=f"{classes.size} classes", todo=todo)
    return classes, places.astype(np.float64)


def weights_of(sample_weight: object) -> Floats | None:
    """Return weights of shape (n,), or None.

    Raises
    ------
    BadInputError
        If they are no numbers.
    """
    if sample_weight is None:
        return None
    try:
        return np.asarray(_array(sample_weight), dtype=np.float64)
    except (TypeError, ValueError) as error:
        raise BadInputError("weights are not numbers", value=error, todo="give one number a row") from None


def _array(given: object) -> Any:  # noqa: ANN401  # whatever NumPy takes
    return given.to_numpy() if hasattr(given, "to_numpy") else given
