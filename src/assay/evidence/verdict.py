"""From numbers to words: what may be said about a model, and what may not.

There are two verdicts: on skill (does it foretell better than its baseline?) and on an edge (is anything left when the
costs of trading on it are paid?).

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

import math
from dataclasses import dataclass
from enum import StrEnum

from assay.evidence.claim import Claim
from assay.measures.bootstrap import ConfidenceInterval

SUSPECT_ACCURACY = 0.65
"""Nobody foretells the direction of a liquid market this often; a leak does."""

COIN = 0.5
"""How often someone is right who knows nothing, whatever the market does."""

MIN_BLOCKS = 10
"""Fewer independent stretches of time than this say nothing about the next one."""


MIN_TRADES = 30
"""Fewer trades than this say nothing about the next one, however long they took."""


class Verdict(StrEnum):
    """What the evidence allows to be said about skill: whether it foretells better than its baseline."""

    SKILL = "skill"
    NO_SKILL = "no_skill"
    WORSE = "worse"
    NOT_ENOUGH_DATA = "not_enough_data"
    SUSPECT = "suspect"


class EdgeVerdict(StrEnum):
    """What the evidence allows to be said about an edge: whether anything is left when costs are paid.

    A verdict of its own, because skill is no money: a model may be right more often than its baseline, and lose by
    trading on it, when the moves that it foretells are smaller than what a trade costs.
    """

    EDGE = "edge"
    NO_EDGE = "no_edge"
    NOT_ENOUGH_DATA = "not_enough_data"


@dataclass(frozen=True, slots=True)
class Estimate:
    """A number and where it probably lies."""

    value: float
    interval: ConfidenceInterval

    def to_dict(self) -> dict[str, float | None]:
        """Return it as plain values for JSON; what is not a number becomes ``None``.

        Examples
        --------
        >>> Estimate(0.5, ConfidenceInterval(0.4, float("nan"), 0.95)).to_dict()
        {'value': 0.5, 'low': 0.4, 'high': None, 'level': 0.95}
        """
        low, high, level = self.interval.low, self.interval.high, self.interval.level
        numbers = {"value": self.value, "low": low, "high": high, "level": level}
        return {name: None if math.isnan(number) else number for name, number in numbers.items()}


def decide(accuracy: Estimate, difference: Estimate, *, blocks: float) -> Verdict:
    """Return the verdict on a model.

    Parameters
    ----------
    accuracy : Estimate
        Fraction of right forecasts of the model; the interval is corrected for the number of trials.
    difference : Estimate
        Accuracy of the model less that of the baseline, on the same rows; corrected as well.
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


def decide_edge(net: Estimate, *, trades: int, blocks: float) -> EdgeVerdict:
    """Return the verdict on what a trade earns.

    Parameters
    ----------
    net : Estimate
        Mean return of a trade less its costs; the interval is corrected for the number of trials.
    trades : int
        Trades that were made.
    blocks : float
        Rows over rows in a bootstrap block: how many nearly independent stretches there are.

    Returns
    -------
    EdgeVerdict
        EDGE needs a mean above zero over its whole interval. NO_EDGE holds what loses as well as what may be chance.

    Examples
    --------
    >>> decide_edge(Estimate(0.001, ConfidenceInterval(-0.001, 0.003, 0.95)), trades=500, blocks=90)
    <EdgeVerdict.NO_EDGE: 'no_edge'>
    """
    if blocks < MIN_BLOCKS or trades < MIN_TRADES:
        return EdgeVerdict.NOT_ENOUGH_DATA
    return EdgeVerdict.EDGE if net.interval.low > 0 else EdgeVerdict.NO_EDGE


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
    points, low, high = (
        signed(100 * one, 1) for one in (difference.value, difference.interval.low, difference.interval.high)
    )
    return (
        f"{subject} accuracy {100 * accuracy.value:.1f} % "
        f"[{100 * accuracy.interval.low:.1f}, {100 * accuracy.interval.high:.1f}] "
        f"against {100 * baseline.value:.1f} % for the base rate; "
        f"the difference {points} points [{low}, {high}]"
    )


def in_words(verdict: Verdict, numbers: str, difference: Estimate, *, claim: Claim, rival: str) -> str:
    """Return a verdict on skill as a sentence about these numbers, without its context.

    Parameters
    ----------
    verdict : Verdict
    numbers : str
        What was found, ending with what the interval of the difference is about.
    difference : Estimate
        What the model has over its baseline.
    claim : Claim
        How often it was tried.
    rival : str
        What the baseline is called, like ``base rate``.
    """
    corrected = ", corrected for the trials," if claim.trials > 1 else ""
    so_corrected = ", by an interval that is corrected alike" if claim.trials > 1 else ""
    match verdict:
        case Verdict.NO_SKILL if difference.interval.low > 0:
            return f"No skill: {numbers}{corrected} lies above zero, but a coin may be right as often{so_corrected}"
        case Verdict.NO_SKILL:
            return f"No skill: {numbers}{corrected} includes zero"
        case Verdict.SKILL:
            return f"Skill: {numbers}{corrected} lies above zero"
        case Verdict.WORSE:
            return f"Worse than the {rival}: {numbers}{corrected} lies below zero"
        case Verdict.SUSPECT:
            return f"Too good to be true, look for a leak: {numbers}"
        case Verdict.NOT_ENOUGH_DATA:
            return f"Not enough data: fewer than {MIN_BLOCKS} blocks of {claim.block} bars say nothing; {numbers}"


def signed(number: float, digits: int) -> str:
    """Return a number with its sign and so many digits after the point; zero is never negative.

    Examples
    --------
    >>> signed(12.345, 1), signed(-0.04, 1)
    ('+12.3', '+0.0')
    """
    # Adding 0.0 turns the negative zero of a rounded -0.04 into a plain one.
    return f"{round(number, digits) + 0.0:+.{digits}f}"
