"""What an estimator has learned, as plain arrays: that is all of a model that is ever kept in a file.

An estimator is its class, its parameters and these arrays. Whoever reads them from outside checks each one before it
is used: :func:`take` does it, and loops over arrays never run on unchecked ones.

>>> import numpy as np
>>> take({"share": np.array([0.5])}, "share", shape=(1,)).tolist()
[0.5]
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Protocol, Self, runtime_checkable

import numpy as np
from numpy.typing import NDArray

from assay.domain.errors import BadInputError
from assay.models.estimator import DirectionEstimator, ValueEstimator

Learned = Mapping[str, NDArray[Any]]
"""Arrays of float64 or int32 by name."""
NOT_A_MODEL = "what the model has learned cannot be used"
_TODO = "train the model again, or take the file from where it was whole"


class Storable(Protocol):
    """An estimator whose learning can be taken out and put back."""

    @property
    def learned(self) -> Learned:
        """All that `fit` made; raises NotFittedError before."""
        ...

    def taught(self, learned: Learned) -> Self:
        """Return a fitted estimator with these parameters and that learning; raises BadInputError if it is none."""
        ...


class StorableDirection(DirectionEstimator, Storable, Protocol):
    """Foretells directions, and can be kept in a file."""


class StorableValue(ValueEstimator, Storable, Protocol):
    """Foretells values, and can be kept in a file."""


@runtime_checkable
class Particular(Protocol):
    """An estimator that does not take any finite numbers for features."""

    def allowed(self, rows: NDArray[np.float64]) -> NDArray[np.float64]:
        """Return rows like these, of the same shape, that it can be asked about."""
        ...


def take(
    learned: Learned, name: str, *, shape: tuple[int | None, ...], kind: type[np.generic] = np.float64
) -> NDArray[Any]:
    """Return a copy of one array that nobody can write to, after a look at its kind, shape and values.

    Parameters
    ----------
    learned : mapping of str to ndarray
    name : str
    shape : tuple of int or None
        None stands for any length from 1 on.
    kind : type, default numpy.float64

    Raises
    ------
    BadInputError
        If there is no such array, it is of another kind or shape, or a number in it is NaN or infinite.
    """
    found = learned.get(name)
    if found is None:
        raise unusable(f"{name} is missing")
    fits = found.ndim == len(shape) and all(
        one == other if other is not None else one > 0 for one, other in zip(found.shape, shape, strict=True)
    )
    if found.dtype != np.dtype(kind) or not fits:
        raise unusable(f"{name} is {found.dtype} of shape {found.shape}")
    if found.dtype.kind == "f" and not np.all(np.isfinite(found)):
        raise unusable(f"{name} holds NaN or infinite numbers")
    copy = np.array(found, order="C")
    copy.flags.writeable = False
    return copy


def check_names(learned: Learned, names: set[str]) -> None:
    """Refuse arrays that nobody asked for.

    Raises
    ------
    BadInputError
        If there is one.
    """
    foreign = sorted(set(learned) - names)
    if foreign:
        raise unusable(f"unknown array {foreign[0]}")


def prefixed(learned: Learned, prefix: str) -> dict[str, NDArray[Any]]:
    """Return the arrays under other names, so that several estimators fit into one mapping."""
    return {f"{prefix}.{name}": values for name, values in learned.items()}


def part_of(learned: Learned, prefix: str) -> dict[str, NDArray[Any]]:
    """Return the arrays whose names begin with `prefix` and a dot, without both."""
    start = f"{prefix}."
    return {name.removeprefix(start): values for name, values in learned.items() if name.startswith(start)}


def unusable(why: str) -> BadInputError:
    """Return the error of learning that does not fit its estimator."""
    return BadInputError(NOT_A_MODEL, value=why, todo=_TODO)
