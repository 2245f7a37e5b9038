"""Decision trees of any library as five flat arrays, asked by one loop of our own, for many rows or one.

A model thus needs the library that grew it in training only; one row is answered in microseconds, and its answer is
bit for bit that of a batch and, for the same trees, that of the library.

>>> import numpy as np
>>> stump = FlatTree(feature=[0, -1, -1], number=[1.5, 10.0, 20.0], left=[1, -1, -1], right=[2, -1, -1])
>>> trees = FlatTrees.of([stump], n_features=1, how=Answer())
>>> trees.ask(np.array([[1.5], [1.6]])).tolist()
[10.0, 20.0]
"""

from __future__ import annotations

import functools
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, Literal, Self, cast

import numpy as np
from numpy.typing import ArrayLike, NDArray

from assay.models.learned import Learned, check_names, take, unusable

Rounding = Literal["exact", "rounded_features", "rounded"]
Link = Literal["sum", "mean", "logistic"]
_ROUNDINGS: tuple[Rounding, ...] = ("exact", "rounded_features", "rounded")
_LINKS: tuple[Link, ...] = ("sum", "mean", "logistic")
_NAMES = {"feature", "number", "left", "right", "roots", "start"}


@dataclass(frozen=True, slots=True)
class FlatTree:
    """One tree, with places counted from its root, which is 0.

    Attributes
    ----------
    feature : array of int, shape (n_nodes,)
        Column that is compared; -1 in a leaf.
    number : array of float, shape (n_nodes,)
        To the left go values at most this; of a leaf, what it says.
    left, right : array of int, shape (n_nodes,)
        Children, which come after their parent; -1 in a leaf.
    """

    feature: ArrayLike
    number: ArrayLike
    left: ArrayLike
    right: ArrayLike


@dataclass(frozen=True, slots=True)
class Answer:
    """How leaves become an answer.

    Attributes
    ----------
    rounding : str
        ``exact``: all in float64; ``rounded_features``: features become float32 before they are compared (as
        scikit-learn does); ``rounded``: sums and link are float32 too (as XGBoost does).
    link : str
        ``sum``, ``mean`` or ``logistic`` (of the sum).
    """

    rounding: Rounding = "exact"
    link: Link = "sum"


@dataclass(frozen=True, slots=True, eq=False)
class FlatTrees:
    """Trees one after the other in the same arrays; :class:`FlatTree` says what is in them.

    Attributes
    ----------
    feature, left, right : ndarray of int32, shape (n_nodes,)
        Children are places in these arrays.
    number : ndarray of float64, shape (n_nodes,)
    roots : ndarray of int32, shape (n_trees,)
        Where each tree begins.
    start : float
        What every sum starts from.
    how : Answer
    n_features : int
    """

    feature: NDArray[np.int32]
    number: NDArray[np.float64]
    left: NDArray[np.int32]
    right: NDArray[np.int32]
    roots: NDArray[np.int32]
    start: float
    how: Answer
    n_features: int

    def __post_init__(self) -> None:
        _check(self)
        # What was checked stays as it was checked.
        for array in (self.feature, self.number, self.left, self.right, self.roots):
            array.flags.writeable = False

    @classmethod
    def of(cls, trees: Sequence[FlatTree], *, n_features: int, how: Answer, start: float = 0.0) -> Self:
        """Put trees one after the other.

        Raises
        ------
        BadInputError
            If they are no trees over so many features.
        """
        sizes = [np.size(cast("Any", tree.number)) for tree in trees]
        roots = np.concatenate(([0], np.cumsum(sizes[:-1]))).astype(np.int32) if sizes else np.zeros(0, np.int32)

        def moved(name: str) -> NDArray[np.int32]:
            parts = [np.asarray(getattr(tree, name)) for tree in trees]
            places = [np.where(part < 0, -1, part + root) for part, root in zip(parts, roots, strict=True)]
            return np.concatenate(places).astype(np.int32) if places else np.zeros(0, np.int32)

        def joined(name: str, kind: type[np.generic]) -> NDArray[Any]:
            parts = [np.asarray(getattr(tree, name), dtype=kind) for tree in trees]
            return np.concatenate(parts) if parts else np.zeros(0, kind)

        feature, number = joined("feature", np.int32), joined("number", np.float64)
        return cls(feature, number, moved("left"), moved("right"), roots, float(start), how, n_features)

    @classmethod
    def from_learned(cls, learned: Learned, *, n_features: int, how: Answer) -> Self:
        """Return the trees that :attr:`learned` of others gave.

        Raises
        ------
        BadInputError
            If the arrays are no trees over so many features: nothing is asked of trees that were not checked.
        """
        check_names(learned, _NAMES)
        number = take(learned, "number", shape=(None,))
        shape = number.shape
        places = [take(learned, name, shape=shape, kind=np.int32) for name in ("feature", "left", "right")]
        roots = take(learned, "roots", shape=(None,), kind=np.int32)
        start = float(take(learned, "start", shape=(1,))[0])
        return cls(places[0], number, places[1], places[2], roots, start, how, n_features)

    @property
    def learned(self) -> Learned:
        """The arrays by name."""
        return {
            "feature": self.feature,
            "number": self.number,
            "left": self.left,
            "right": self.right,
            "roots": self.roots,
            "start": np.array([self.start]),
        }

    def ask(self, rows: NDArray[np.float64]) -> NDArray[np.float64]:
        """Return the answer to each row, shape (n,).

        Parameters
        ----------
        rows : ndarray of float64, shape (n, n_features)
            Without NaN; whoever calls has checked that, and the number of columns.
        """
        out = np.empty(len(rows))
        nodes = (self.feature, self.number, self.left, self.right, self.roots)
        how = (self.start, _ROUNDINGS.index(self.how.rounding), _LINKS.index(self.how.link))
        _loop()(np.ascontiguousarray(rows, dtype=np.float64), nodes, how, out)
        return out


@functools.cache
def _loop() -> Callable[..., None]:
    from assay.models.tree_kernel import ask_trees  # noqa: PLC0415  # numba: only where trees are asked

    return cast("Callable[..., None]", ask_trees)


def _check(trees: FlatTrees) -> None:
    """Refuse arrays on which the loop could go round in a circle or leave its tree."""
    size, roots = trees.number.size, trees.roots
    if not roots.size or roots[0] != 0 or np.any(np.diff(roots) <= 0) or roots[-1] >= size:
        raise unusable("trees that do not follow each other")
    if not (np.all(np.isfinite(trees.number)) and np.isfinite(trees.start)):
        raise unusable("a tree with NaN or infinite numbers")
    if np.any(trees.feature < -1) or np.any(trees.feature >= trees.n_features):
        raise unusable(f"a tree over other columns than the {trees.n_features} of the model")
    inner = np.flatnonzero(trees.feature >= 0)
    ends = np.append(roots[1:], size)[np.searchsorted(roots, inner, side="right") - 1]
    for children in (trees.left[inner], trees.right[inner]):
        if np.any(children <= inner) or np.any(children >= ends):
            raise unusable("a tree whose branches leave it")
