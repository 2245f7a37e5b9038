"""Every verdict from the numbers that call for it."""

from __future__ import annotations

import pytest

from assay.evidence.verdict import Estimate, Verdict, comparison, decide
from assay.measures.bootstrap import ConfidenceInterval


def around(value: float, half: float) -> Estimate:
    return Estimate(value, ConfidenceInterval(value - half, value + half, 0.95))


@pytest.mark.parametrize(
    ("accuracy", "difference", "blocks", "expected"),
    [
        (0.53, around(0.02, 0.01), 200, Verdict.SKILL),
        (0.53, around(0.02, 0.03), 200, Verdict.NO_SKILL),
        (0.53, around(0.02, 0.02), 200, Verdict.NO_SKILL),  # the end of the interval is zero itself
        (0.50, around(0.0, 0.0), 200, Verdict.NO_SKILL),  # the model says just what the baseline says
        (0.48, around(-0.02, 0.01), 200, Verdict.WORSE),
        (0.99, around(0.49, 0.01), 200, Verdict.SUSPECT),
        (0.99, around(0.0, 0.01), 200, Verdict.NO_SKILL),  # a market that only rose: the baseline is as good
        (0.66, around(-0.1, 0.01), 200, Verdict.WORSE),
        (0.99, around(0.49, 0.01), 9.9, Verdict.NOT_ENOUGH_DATA),
        (0.53, around(0.02, 0.01), 10, Verdict.SKILL),
        (0.497, around(0.03, 0.02), 200, Verdict.NO_SKILL),  # the past misled the baseline; a coin is right as often
        (0.509, around(0.03, 0.02), 200, Verdict.NO_SKILL),
        (0.511, around(0.03, 0.02), 200, Verdict.SKILL),
    ],
)
def test_verdict_follows_the_paired_interval(
    accuracy: float, difference: Estimate, blocks: float, expected: Verdict
) -> None:
    assert decide(around(accuracy, 0.01), difference, blocks=blocks) is expected


def test_rounded_zero_has_no_minus_sign() -> None:
    text = comparison(around(0.5, 0.01), around(0.5, 0.01), around(-0.0001, 0.0002), subject="24 h direction")
    assert text.endswith("the difference +0.0 points [+0.0, +0.0]")
