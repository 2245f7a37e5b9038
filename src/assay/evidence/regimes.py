"""When a model is right: its scores in calm and wild markets, in rising and falling ones.

A regime is only of use if it can be told at the time. A row's volatility is held against those of the rows before it,
never against the terciles of the whole history, which nobody knew; a trend is that of the bars that have closed.

>>> import numpy as np
>>> trends(np.array([0.02, -0.01, np.nan, 0.0])).tolist()
[1, 0, -1, 0]
"""

from __future__ import annotations

import bisect
import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from assay.domain.errors import BadInputError
from assay.evidence.ratios import estimate_ratios
from assay.evidence.verdict import MIN_BLOCKS, Estimate

UNKNOWN = -1
"""Regime of a row of which it could not be told at the time."""
VOLATILITY = ("calm", "usual", "wild")
TREND = ("falling", "rising")


@dataclass(frozen=True, slots=True)
class RegimeScore:
    """How model and baseline did in one regime."""

    name: str
    rows: int
    share: float
    """Of all rows, those whose regime is unknown included."""
    model: Estimate
    """Mean loss; NaN where the regime has no row."""
    baseline: Estimate
    gain: Estimate
    """Baseline less model, drawn together; above zero the model was better. Corrected for the number of regimes."""
    is_enough: bool
    """Whether the rows are as many as ten blocks hold; fewer say nothing about the regime."""

    def to_dict(self) -> dict[str, object]:
        """Return it as plain values for JSON."""
        numbers = {name: getattr(self, name).to_dict() for name in ("model", "baseline", "gain")}
        return {"name": self.name, "rows": self.rows, "share": self.share, "is_enough": self.is_enough} | numbers


def volatility_terciles(volatility: NDArray[np.float64], *, history: int = 1000) -> NDArray[np.int8]:
    """Return for each row whether its volatility is in the lowest, middle or highest third of those before it.

    Parameters
    ----------
    volatility : ndarray of float64, shape (n,)
        Of the bars closed by each row, in order of time, of one series; any unit. NaN is unknown, and forgotten.
    history : int, default 1000
        Known values that must have come before.

    Returns
    -------
    ndarray of int8, shape (n,)
        0, 1, 2 as in :data:`VOLATILITY`, or :data:`UNKNOWN`. Causal: row t uses rows 0 to t. A value that ties with
        others counts as in the middle of them.

    Raises
    ------
    BadInputError
        If `history` is less than two, or the values are no column.

    Examples
    --------
    >>> volatility_terciles(np.array([1.0, 2.0, 3.0, 9.0, 0.5, 2.4]), history=3).tolist()
    [-1, -1, -1, 2, 0, 1]
    """
    if history < 2 or volatility.ndim != 1:
        raise BadInputError("a history of two rows is needed at least", value=history)
    result = np.full(volatility.size, UNKNOWN, dtype=np.int8)
    before: list[float] = []
    for row, value in enumerate(volatility.tolist()):
        if math.isnan(value):
            continue
        low, high = bisect.bisect_left(before, value), bisect.bisect_right(before, value)
        if len(before) >= history:
            # Thrice the midrank against once and twice the number, in whole numbers: no rounding at the bounds.
            rank = 3 * (low + high)
            result[row] = int(rank >= 2 * len(before)) + int(rank >= 4 * len(before))
        before.insert(high, value)
    return result


def trends(trailing_return: NDArray[np.float64]) -> NDArray[np.int8]:
    """Return 1 where the price rose over the bars that have closed, 0 where not, :data:`UNKNOWN` at NaN.

    Parameters
    ----------
    trailing_return : ndarray of float64, shape (n,)
        Return up to each row's moment, over whatever window is meant. Causal as that is.
    """
    return np.where(np.isnan(trailing_return), UNKNOWN, trailing_return > 0).astype(np.int8)


def judge_regimes(
    losses: tuple[NDArray[np.float64], NDArray[np.float64]],
    regime: NDArray[np.int8],
    names: Sequence[str],
    *,
    block: int,
    rng: np.random.Generator,
    samples: int = 2000,
) -> tuple[RegimeScore, ...]:
    """Score a model and its baseline in each regime.

    Parameters
    ----------
    losses : pair of ndarray of float64, shape (n,)
        Of the model and of the baseline, on the same rows, out of sample, in order of time.
    regime : ndarray of int8, shape (n,)
        Position in `names`, or :data:`UNKNOWN`.
    names : sequence of str
        Such as :data:`VOLATILITY`.
    block : int
        Rows in a bootstrap block. Blocks are drawn from all rows, so that a regime's rows keep their neighbours.
    rng : numpy.random.Generator
        The same state gives the same numbers.
    samples : int, default 2000

    Returns
    -------
    tuple of RegimeScore
        In the order of `names`; intervals at 0.95, those of the gains together.

    Raises
    ------
    BadInputError
        If shapes differ, there is no row, a loss is not finite or a regime has no name.
    """
    model, baseline = losses
    if model.shape != baseline.shape or model.shape != regime.shape or model.ndim != 1 or not model.size:
        value = f"{model.shape}, {baseline.shape}, {regime.shape}"
        raise BadInputError("losses and regimes must be of the same rows", value=value)
    if regime.min() < UNKNOWN or regime.max() >= len(names):
        raise BadInputError("a regime has no name", value=int(regime.max()), todo=", ".join(names))
    n, levels = model.size, (0.95, 0.95, 1 - 0.05 / len(names))
    found = []
    for number, name in enumerate(names):
        inside = (regime == number).astype(np.float64)
        tops = np.stack([model, baseline, baseline - model], axis=1) * inside[:, None]
        one, other, gain = estimate_ratios(tops, inside, block=block, samples=samples, levels=levels, rng=rng)
        rows = int(inside.sum())
        is_enough = rows >= MIN_BLOCKS * block
        found.append(RegimeScore(name, rows, rows / n, one, other, gain, is_enough))
    return tuple(found)
