"""What a group of features adds: the same model fitted again without it, on the same folds, row against row.

Shuffling asks what a fitted model uses; leaving out asks what it could not do without. The answer to "does order flow
add anything?" is the difference of the losses with its interval, corrected for the number of groups that were asked
about.

>>> import numpy as np
>>> rng = np.random.default_rng(7)
>>> complete = rng.random(4000)
>>> losses = {"order flow": complete + rng.normal(0.05, 0.2, 4000), "calendar": complete + rng.normal(0.0, 0.2, 4000)}
>>> [(one.name, one.answer.value) for one in ablation(complete, losses, block=24, rng=rng)]
[('order flow', 'adds'), ('calendar', 'nothing_found')]
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum

import numpy as np
from numpy.typing import NDArray

from assay.domain.errors import BadInputError, NoDataError
from assay.evidence.ratios import estimate_ratios
from assay.evidence.verdict import MIN_BLOCKS, Estimate


class Answer(StrEnum):
    """Whether a group of features adds anything."""

    ADDS = "adds"
    NOTHING_FOUND = "nothing_found"
    """The interval includes zero; a small contribution may still be there."""
    HARMS = "harms"
    NOT_ENOUGH_DATA = "not_enough_data"


@dataclass(frozen=True, slots=True)
class GroupEffect:
    """What one group of features is worth."""

    name: str
    rise: Estimate
    """Mean loss without the group less mean loss with it; above zero the group helps."""
    answer: Answer

    def to_dict(self) -> dict[str, object]:
        """Return it as plain values for JSON."""
        return {"name": self.name, "rise": self.rise.to_dict(), "answer": self.answer.value}


def ablation(
    complete: NDArray[np.float64],
    without: Mapping[str, NDArray[np.float64]],
    *,
    block: int,
    rng: np.random.Generator,
    samples: int = 2000,
    level: float = 0.95,
) -> tuple[GroupEffect, ...]:
    """Compare the losses of a model with those of the same model without each group of features.

    Parameters
    ----------
    complete : ndarray of float64, shape (n,)
        Losses with all features, out of sample, in order of time.
    without : mapping of str to ndarray of float64, shape (n,)
        Losses on the same rows without that group.
    block : int
        Rows in a bootstrap block.
    rng : numpy.random.Generator
        The same state gives the same numbers.
    samples : int, default 2000
        Bootstrap samples; all groups are drawn together.
    level : float, default 0.95
        Probability that *all* intervals together hold (Bonferroni).

    Returns
    -------
    tuple of GroupEffect
        In the order given.

    Raises
    ------
    BadInputError
        If there is no group, the shapes differ or a loss is not finite.
    NoDataError
        If there is no row.
    """
    if not without or any(losses.shape != complete.shape for losses in without.values()) or complete.ndim != 1:
        raise BadInputError("losses with and without a group must be of the same rows", value=complete.shape)
    if block < 1:
        raise BadInputError("a block must have one row at least", value=block)
    n = complete.size
    if not n:
        raise NoDataError("there is no forecast to compare", todo="train on a longer period")
    rises = np.stack([losses - complete for losses in without.values()], axis=1)
    each = 1 - (1 - level) / len(without)
    found = estimate_ratios(rises, np.ones(n), block=block, samples=samples, levels=[each] * len(without), rng=rng)
    return tuple(GroupEffect(name, rise, _answer(rise, n / block)) for name, rise in zip(without, found, strict=True))


def losses_without(
    groups: Mapping[str, Sequence[str]],
    columns: Sequence[str],
    losses_of: Callable[[tuple[int, ...]], NDArray[np.float64]],
) -> dict[str, NDArray[np.float64]]:
    """Return the losses without each group, from a function that fits and scores on the columns it is given.

    Parameters
    ----------
    groups : mapping of str to sequence of str
        The columns of each group; what is in no group stays always.
    columns : sequence of str
        Names of all features.
    losses_of : callable
        Positions of the columns that are left, in order, to losses of shape (n,).

    Raises
    ------
    BadInputError
        If a group names no column or an unknown one, or leaves none.

    Examples
    --------
    >>> losses_without({"flow": ["b"]}, ("a", "b", "c"), lambda kept: np.array(kept, dtype=float))["flow"].tolist()
    [0.0, 2.0]
    """
    result = {}
    for name, group in groups.items():
        kept = tuple(i for i, column in enumerate(columns) if column not in group)
        unknown = [column for column in group if column not in columns]
        if unknown or not group or not kept:
            value = unknown[0] if unknown else name
            raise BadInputError("a group must name some of the features, not all", value=value, todo=", ".join(columns))
        result[name] = losses_of(kept)
    return result


def _answer(rise: Estimate, blocks: float) -> Answer:
    if blocks < MIN_BLOCKS:
        return Answer.NOT_ENOUGH_DATA
    if rise.interval.low > 0:
        return Answer.ADDS
    return Answer.HARMS if rise.interval.high < 0 else Answer.NOTHING_FOUND
