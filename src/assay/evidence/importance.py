"""Which features a model needs: how much worse it foretells rows it was not taught on when one of them is shuffled.

Each fold's model is asked about its own test rows, once as they are and then with the values of one feature put in
another order. The rise of the loss is the feature's importance, with an interval over blocks of time; how often it is
among the top ones over folds and shuffles is its stability. A feature that another one can stand in for looks less
important than it is: name them as one group to shuffle them together.
References: Breiman (2001), "Random forests"; Fisher, Rudin and Dominici (2019), "All models are wrong, but many are
useful".

>>> from assay.measures.losses import zero_one_losses
>>> rng = np.random.default_rng(7)
>>> features = rng.normal(size=(600, 2))
>>> actual = (features[:, 0] > 0).astype(float)
>>> fold = FittedFold(lambda rows: (rows[:, 0] > 0).astype(float), features, actual)
>>> found = permutation_importance([fold], ("momentum", "noise"), loss=zero_one_losses, terms=Shuffling(), rng=rng)
>>> [(one.name, round(one.rise.value, 1), one.stability) for one in found.features]
[('momentum', 0.5, 1.0), ('noise', 0.0, 0.0)]
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from assay.domain.errors import BadInputError
from assay.evidence.claim import check_counts
from assay.evidence.ratios import estimate_ratios
from assay.evidence.verdict import Estimate

Array = NDArray[np.float64]
Loss = Callable[[Array, Array], Array]
"""Outcomes and forecasts of shape (n,) to losses of shape (n,), such as those of ``measures.losses``."""


@dataclass(frozen=True, slots=True, eq=False)
class FittedFold:
    """A model as it was fitted before a test block, and the rows of that block, in order of time."""

    foretell: Callable[[Array], Array]
    """Rows of shape (n, n_features) to forecasts of shape (n,); must not change its input."""
    features: Array
    actual: Array
    """What happened, shape (n,)."""


@dataclass(frozen=True, slots=True)
class Shuffling:
    """How features are shuffled and intervals drawn."""

    repeats: int = 5
    """Shuffles of each feature in each fold."""
    block: int = 1
    """Rows that stay together: 1 shuffles single values; more keep a feature's likeness from row to row, as it is in
    time. At most a tenth of a fold, so that something is shuffled."""
    top: int = 5
    samples: int = 1000
    """Bootstrap samples behind the intervals."""
    bootstrap_block: int = 168
    """Rows in a bootstrap block."""
    level: float = 0.95

    def __post_init__(self) -> None:
        check_counts(self, "repeats", "block", "top", "samples", "bootstrap_block")


@dataclass(frozen=True, slots=True)
class FeatureImportance:
    """What one feature, or one group of them, is worth to the model."""

    name: str
    rise: Estimate
    """Mean rise of the loss when it is shuffled; about zero, or below, where the model does not need it."""
    stability: float
    """Share of the rankings (folds times repeats) in which it raised the loss and was among the top ones."""

    def to_dict(self) -> dict[str, object]:
        """Return it as plain values for JSON."""
        return {"name": self.name, "rise": self.rise.to_dict(), "stability": self.stability}


@dataclass(frozen=True, slots=True)
class ImportanceEvidence:
    """All features, the most important first; of equal ones the first given."""

    features: tuple[FeatureImportance, ...]
    top_size: int
    rankings: int
    """Folds times repeats."""
    rows: int
    """Test rows over all folds."""

    @property
    def top(self) -> tuple[FeatureImportance, ...]:
        """The most important ones."""
        return self.features[: self.top_size]

    def to_dict(self) -> dict[str, object]:
        """Return it as plain values for JSON."""
        features = [one.to_dict() for one in self.features]
        return {"features": features, "top": self.top_size, "rankings": self.rankings, "rows": self.rows}


def permutation_importance(
    folds: Sequence[FittedFold],
    columns: Sequence[str],
    *,
    loss: Loss,
    terms: Shuffling,
    rng: np.random.Generator,
    groups: Mapping[str, Sequence[str]] | None = None,
) -> ImportanceEvidence:
    """Shuffle each feature on rows that the models were not taught on, and see how much worse they foretell.

    Parameters
    ----------
    folds : sequence of FittedFold
        In order of time.
    columns : sequence of str
        Names of the features.
    loss : callable
        See :data:`Loss`.
    terms : Shuffling
    rng : numpy.random.Generator
        The same state gives the same numbers. All features of a repeat are shuffled alike, so that a feature's number
        does not depend on which others there are.
    groups : mapping of str to sequence of str, optional
        Columns to shuffle together, under one name; by default each column by itself.

    Raises
    ------
    BadInputError
        If there is no fold, a fold has fewer than two rows, or a group names no column or an unknown one.
    """
    chosen = _places(columns, groups)
    if not folds or any(len(fold.features) < 2 for fold in folds):
        raise BadInputError("folds of two rows at least are needed", value=len(folds), todo="split the rows first")
    rises = [_rises_of_fold(fold, list(chosen.values()), loss=loss, terms=terms, rng=rng) for fold in folds]
    # (n_groups, n) means over the repeats, and (n_groups, folds * repeats) means over the rows of a fold.
    by_row = np.concatenate([rise.mean(axis=1) for rise in rises], axis=1)
    by_ranking = np.concatenate([rise.mean(axis=2) for rise in rises], axis=1)
    n = by_row.shape[1]
    place = np.argsort(np.argsort(-by_ranking, axis=0, kind="stable"), axis=0, kind="stable")
    stability = ((place < terms.top) & (by_ranking > 0)).mean(axis=1)
    rises_of = estimate_ratios(
        by_row.T, np.ones(n), block=terms.bootstrap_block, samples=terms.samples, levels=[terms.level] * len(chosen),
        rng=rng,
    )  # fmt: skip
    features = [
        FeatureImportance(name, rise, float(often))
        for name, rise, often in zip(chosen, rises_of, stability, strict=True)
    ]
    ordered = sorted(features, key=lambda one: -one.rise.value)
    return ImportanceEvidence(tuple(ordered), terms.top, by_ranking.shape[1], n)


def shuffled_rows(n: int, *, block: int, rng: np.random.Generator) -> NDArray[np.intp]:
    """Return the rows 0 to n - 1 in another order, in which blocks stay together; they wrap around the end.

    Examples
    --------
    >>> rows = shuffled_rows(6, block=2, rng=np.random.default_rng(1))
    >>> sorted(rows.tolist()), ((rows[1::2] - rows[::2]) % 6).tolist()
    ([0, 1, 2, 3, 4, 5], [1, 1, 1])
    """
    if block == 1:
        return rng.permutation(n)
    # Cuts begin anywhere, so that no row is always the first of its block.
    rows = (np.arange(n) + rng.integers(n)) % n
    pieces = [rows[begin : begin + block] for begin in range(0, n, block)]
    return np.concatenate([pieces[i] for i in rng.permutation(len(pieces))])


def _rises_of_fold(
    fold: FittedFold, places: Sequence[NDArray[np.intp]], *, loss: Loss, terms: Shuffling, rng: np.random.Generator
) -> Array:
    """Return the rise of the loss, shape (n_groups, repeats, n)."""
    n = len(fold.features)
    usual = loss(fold.actual, fold.foretell(fold.features))
    block = min(terms.block, max(1, n // 10))
    result = np.empty((len(places), terms.repeats, n))
    changed = fold.features.copy()
    for repeat in range(terms.repeats):
        rows = shuffled_rows(n, block=block, rng=rng)
        for i, place in enumerate(places):
            changed[:, place] = fold.features[np.ix_(rows, place)]
            result[i, repeat] = loss(fold.actual, fold.foretell(changed)) - usual
            changed[:, place] = fold.features[:, place]
    return result


def _places(columns: Sequence[str], groups: Mapping[str, Sequence[str]] | None) -> dict[str, NDArray[np.intp]]:
    """Return which columns each group holds."""
    at = {name: i for i, name in enumerate(columns)}
    named = {name: (name,) for name in columns} if groups is None else groups
    unknown = [name for group in named.values() for name in group if name not in at]
    if unknown or not named or not all(named.values()):
        todo = f"the features are {', '.join(columns)}"
        raise BadInputError("a group must name features", value=unknown[0] if unknown else None, todo=todo)
    return {name: np.array([at[column] for column in group], dtype=np.intp) for name, group in named.items()}
