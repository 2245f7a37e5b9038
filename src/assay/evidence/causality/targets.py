"""The columns of a training table held against its target: none may be the target, or tell it.

A model that is right 99.75 % of the time on noise has been given the answer. Here each column alone is asked: how
well does it tell the target, on rows that were not used to learn how?

>>> rng = np.random.default_rng(0)
>>> noise = rng.normal(size=4000)
>>> told_by(noise, (noise > 0.01).astype(float)).kind
<Leak.TARGET_NEAR_COPY: 'target_near_copy'>
>>> told_by(noise, (rng.normal(size=4000) > 0).astype(float)) is None
True
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from assay.evidence.causality.findings import Leak
from assay.evidence.causality.frames import FloatArray, IntArray

TELLS = 0.985
"""Part of the target, beyond what its most frequent value or its mean tells, from which a column is a near copy."""
_BINS = 200
_FEWEST = 100
_RANKS = 0.995


@dataclass(frozen=True, slots=True)
class Told:
    """What a column tells of the target.

    Attributes
    ----------
    kind : Leak
    share : float
        From 0, nothing, to 1: accuracy beyond that of the most frequent value, or explained variance of ranks.
    accuracy : float
        Part of the rows whose target the column alone gives right; NaN where the target is no class.
    """

    kind: Leak
    share: float
    accuracy: float


def told_by(column: FloatArray, target: FloatArray) -> Told | None:
    """Return what a column tells of the target, if it is more than a column can; shapes (n_rows,), NaN left out.

    A column that equals the target, but for a factor and an offset, is a copy. One whose ranks are the target's, or
    by whose value (in up to 200 steps, learned on every other stretch of rows and tried on the rest) the target can
    be told nearly always, is a near copy.
    """
    rows = np.flatnonzero(np.isfinite(column) & np.isfinite(target))
    if rows.size < _FEWEST:
        return None
    values, answers = column[rows], target[rows]
    if np.unique(answers).size < 2 or np.unique(values).size < 2:
        return None
    is_class = np.unique(answers).size <= 10
    if _is_linear(values, answers):
        return Told(Leak.TARGET_COPY, 1.0, 1.0 if is_class else np.nan)
    if is_class:
        accuracy, base = _accuracy(values, answers)
        share = (accuracy - base) / max(1.0 - base, 1e-12)
        return Told(Leak.TARGET_NEAR_COPY, share, accuracy) if share >= TELLS and base < 1.0 else None
    ranks, of_answers = _ranks(values), _ranks(answers)
    related = abs(float(np.corrcoef(ranks, of_answers)[0, 1]))
    share = max(related**2, _explained(values, of_answers))
    return Told(Leak.TARGET_NEAR_COPY, share, np.nan) if related >= _RANKS or share >= TELLS else None


def _is_linear(values: FloatArray, answers: FloatArray) -> bool:
    spread = values.std()
    if spread == 0.0 or answers.std() == 0.0:
        return False
    slope = float(((values - values.mean()) * (answers - answers.mean())).mean() / spread**2)
    fitted = answers.mean() + slope * (values - values.mean())
    return bool(np.abs(fitted - answers).max() <= 1e-9 * max(np.abs(answers).max(), answers.std()))


def _halves(count: int) -> tuple[IntArray, IntArray]:
    """Return every other stretch of rows, and the rest: neighbours are too alike to test on each other."""
    stretch = np.arange(count) * 20 // count
    return np.flatnonzero(stretch % 2 == 0), np.flatnonzero(stretch % 2 == 1)


def _bins(values: FloatArray, learned: IntArray) -> IntArray:
    edges = np.unique(np.quantile(values[learned], np.linspace(0, 1, _BINS + 1)[1:-1]))
    # A sign is told by where 0 is, which no quantile need hit.
    edges = np.unique(np.append(edges, [np.nextafter(0.0, 1.0), 0.0]))
    return np.searchsorted(edges, values, side="right")


def _accuracy(values: FloatArray, answers: FloatArray) -> tuple[float, float]:
    """Return how often the column, and how often the most frequent answer alone, is right on rows not learned from."""
    learned, tried = _halves(values.size)
    classes, numbers = np.unique(answers, return_inverse=True)
    bins = _bins(values, learned)
    counts = np.zeros((int(bins.max()) + 1, classes.size))
    np.add.at(counts, (bins[learned], numbers[learned]), 1.0)
    usual = int(counts.sum(axis=0).argmax())
    guess = np.where(counts.sum(axis=1) > 0, counts.argmax(axis=1), usual)
    base = float((np.bincount(numbers[tried], minlength=classes.size) / tried.size).max())
    return float((guess[bins[tried]] == numbers[tried]).mean()), base


def _explained(values: FloatArray, answers: FloatArray) -> float:
    learned, tried = _halves(values.size)
    bins = _bins(values, learned)
    size = int(bins.max()) + 1
    counts = np.bincount(bins[learned], minlength=size)
    sums = np.bincount(bins[learned], weights=answers[learned], minlength=size)
    means = np.where(counts > 0, sums / np.maximum(counts, 1), answers[learned].mean())
    left = answers[tried] - means[bins[tried]]
    return 1.0 - float((left**2).mean() / max(answers[tried].var(), 1e-300))


def _ranks(values: FloatArray) -> FloatArray:
    _, inverse, counts = np.unique(values, return_inverse=True, return_counts=True)
    ends = np.cumsum(counts)
    return np.asarray((ends - (counts - 1) / 2.0)[inverse], dtype=np.float64)
