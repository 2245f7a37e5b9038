"""Does a model of directions know anything at all? Whether its ups come with ups more often than they would by chance.

To be better than the base rate is more: that comparison carries the luck of the base rate as well, which may be right
or wrong for months, and so needs many more rows. This one is against a forecaster that calls as many ups, at random.
It is no ground for a promotion: who knows something may still be right less often than "always up" in a rising market.

>>> import numpy as np
>>> rng = np.random.default_rng(7)
>>> happened, hours = (rng.random(5000) < 0.55).astype(float), np.arange(5000) * 3_600_000_000
>>> knowing = np.where(rng.random(5000) < 0.1, happened, rng.integers(2, size=5000))
>>> terms = Contest(horizon_bars=1)
>>> [judge_dependence(happened, said, hours, terms).is_found for said in (knowing, np.ones(5000))]
[True, False]
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from assay.evidence.selection import Contest, Selection, select
from assay.evidence.verdict import signed
from assay.measures.losses import check_probabilities


@dataclass(frozen=True, slots=True)
class DependenceEvidence:
    """Whether forecasts and outcomes have anything to do with each other.

    Attributes
    ----------
    selection : Selection
        Its gain is the share of right forecasts above that of as many ups at random.
    sentence : str
    """

    selection: Selection
    sentence: str

    @property
    def is_found(self) -> bool:
        """Whether it is more than luck and trials explain, at one in a hundred."""
        return self.selection.is_selected

    def to_dict(self) -> dict[str, object]:
        """Return it as plain values for JSON."""
        return {"is_found": self.is_found, **self.selection.to_dict(), "sentence": self.sentence}


def judge_dependence(
    actual: NDArray[np.float64], predicted: NDArray[np.float64], forecast_at: NDArray[np.int64], contest: Contest
) -> DependenceEvidence:
    """Say whether the forecasts know anything about the outcomes.

    Parameters
    ----------
    actual, predicted : ndarray of float64, shape (n,)
        Directions, 0 or 1, out of sample and in order of time.
    forecast_at : ndarray of int64, shape (n,)
        Microseconds. Rows of one moment, of several series, count as one observation.
    contest : Contest
        Horizon, trials and the error that is allowed.

    Returns
    -------
    DependenceEvidence
        Never found where one direction alone is forecast.

    Raises
    ------
    BadInputError
        If shapes differ, a direction is neither 0 nor 1, or times decrease.

    References
    ----------
    Pesaran and Timmermann (1992), "A simple nonparametric test of predictive performance": right forecasts less those
    expected of independent ones. Here with the two tests of :mod:`assay.evidence.selection`, which hold for forecasts
    that overlap, as Pesaran and Timmermann (2009), "Testing dependence among serially correlated multicategory
    variables", ask for.
    """
    check_probabilities(actual, predicted)
    n = max(actual.size, 1)
    gains = 2.0 * (predicted - predicted.sum() / n) * (actual - actual.sum() / n)
    found = select(gains, forecast_at, contest)
    return DependenceEvidence(found, _in_words(found))


def _in_words(found: Selection) -> str:
    rows = f"(n = {found.rows:,})"
    if not found.is_enough:
        return f"Not enough data to say whether it knows anything {rows}"
    points, low, high = (
        signed(100 * one, 1) for one in (found.gain.value, found.gain.interval.low, found.gain.interval.high)
    )
    numbers = f"right {points} points [{low}, {high}] more often than as many ups at random"
    what = "Knows something" if found.is_selected else "Nothing found that it knows"
    return f"{what}: {numbers}, p = {found.p_corrected:.2g} {rows}"
