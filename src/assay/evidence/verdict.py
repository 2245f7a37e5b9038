"""From numbers to words: what may be said about a direction model, and what may not.

"No skill" is an allowed verdict and the usual one. The test is on the paired difference to the baseline, never on the
accuracy alone: in a rising market "always up" is right more often than not. Nor is it on the difference alone: where
what was more frequent in the past turns out to be rarer, a model that knows nothing beats the baseline by being right
half of the time, so it has to beat a coin as well.

>>> from assay.measures.bootstrap import ConfidenceInterval
>>> chance = Estimate(0.512, ConfidenceInterval(0.498, 0.526, 0.95))
>>> decide(chance, Estimate(0.002, ConfidenceInterval(-0.011, 0.015, 0.95)), blocks=200)
<Verdict.NO_SKILL: 'no_skill'>
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

from assay.measures.bootstrap import ConfidenceInterval

SUSPECT_ACCURACY = 0.65
"""Nobody foretells the direction of a liquid market this often; a leak does."""

COIN = 0.5
"""How often someone is right who knows nothing, whatever the market does."""

MIN_BLOCKS = 10
"""Fewer independent stretches of time than this say nothing about the next one."""


class Verdict(StrEnum):
    """What the evidence allows to be said."""

    SKILL = "skill"
    NO_SKILL = "no_skill"
    WORSE = "worse"
    NOT_ENOUGH_DATA = "not_enough_data"
    SUSPECT = "suspect"


@dataclass(frozen=True, slots=True)
class Estimate:
    """A number and where it probably lies."""

    value: float
    interval: ConfidenceInterval


def decide(accuracy: Estimate, difference: Estimate, *, blocks: float) -> Verdict:
    """Return the verdict on a model.

    Parameters
    ----------
    accuracy : Estimate
        Fraction of right forecasts of the model.
    difference : Estimate
        Accuracy of the model less that of the baseline, on the same rows.
    blocks : float
        Rows over rows in a bootstrap block: how many nearly independent stretches there are.

    Returns
    -------
    Verdict
        SKILL needs an accuracy above that of a coin, over its whole interval, besides a difference above zero. SUSPECT
        needs both an implausible accuracy and a difference above zero: on a lopsided market the baseline,
        too, is right most of the time, and that is no leak.
    """
    if blocks < MIN_BLOCKS:
        return Verdict.NOT_ENOUGH_DATA
    if difference.interval.low > 0:
        if accuracy.value > SUSPECT_ACCURACY:
            return Verdict.SUSPECT
        return Verdict.SKILL if accuracy.interval.low > COIN else Verdict.NO_SKILL
    return Verdict.WORSE if difference.interval.high < 0 else Verdict.NO_SKILL


def comparison(accuracy: Estimate, baseline: Estimate, difference: Estimate, *, subject: str) -> str:
    """Return the numbers of a comparison in words, without a verdict.

    Parameters
    ----------
    accuracy, baseline, difference : Estimate
        Fractions.
    subject : str
        What was foretold, like ``24 h direction``.

    Examples
    --------
    >>> one = Estimate(0.5, ConfidenceInterval(0.48, 0.52, 0.95))
    >>> print(comparison(one, one, Estimate(0.0, ConfidenceInterval(-0.01, 0.01, 0.95)), subject="24 h direction"))
    24 h direction accuracy 50.0 % [48.0, 52.0] against 50.0 % for the base rate;
    the difference +0.0 points [-1.0, +1.0]
    """
    low, high = difference.interval.low, difference.interval.high
    return (
        f"{subject} accuracy {100 * accuracy.value:.1f} % "
        f"[{100 * accuracy.interval.low:.1f}, {100 * accuracy.interval.high:.1f}] "
        f"against {100 * baseline.value:.1f} % for the base rate; "
        f"the difference {_points(difference.value)} points [{_points(low)}, {_points(high)}]"
    )


def _points(fraction: float) -> str:
    # Adding 0.0 turns the negative zero of a rounded -0.04 into a plain one.
    return f"{round(100 * fraction, 1) + 0.0:+.1f}"
