"""The case for or against a model that foretells a value, such as the change of a price over the next hour.

As with directions (``direction``), model and baseline are scored on the same rows, and the verdict is on the paired
difference: of squared errors, in parts of the baseline's. "No skill" is the usual answer: over an hour "as it is now"
is hard to beat.

>>> import numpy as np
>>> rng = np.random.default_rng(7)
>>> actual = rng.normal(size=5000)
>>> claim = Claim("BTC-USDT 1h", "1 h", horizon_bars=1, folds=6)
>>> hours = 1_600_000_000_000_000 + np.arange(5000) * 3_600_000_000
>>> guess = ValueForecasts(hours, actual, predicted=rng.normal(0.0, 0.05, 5000), baseline=np.zeros(5000))
>>> print(judge_values(guess, claim, rng=rng, samples=200).sentence)
No skill: 1 h value, skill ... % [...] (squared errors against the baseline's) includes zero
(BTC-USDT 1h, 2020-09 to 2021-04, n = 5,000, 1 trial)
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from datetime import datetime

import numpy as np
from numpy.typing import NDArray

from assay.domain.errors import BadInputError
from assay.evidence.claim import Claim, period
from assay.evidence.observations import by_moment
from assay.evidence.ratios import estimate_ratios
from assay.evidence.verdict import MIN_BLOCKS, Estimate, Verdict, in_words, signed
from assay.measures.bootstrap import ConfidenceInterval
from assay.measures.diebold_mariano import DieboldMariano, diebold_mariano
from assay.measures.losses import absolute_losses, squared_losses
from assay.measures.value_scores import ValueScores, value_scores

SUSPECT_SKILL = 0.2
"""Nobody foretells a fifth of what a liquid market does over the next bars; a leak does."""


@dataclass(frozen=True, slots=True, eq=False)
class ValueForecasts:
    """What was said and what came of it; rows in order of time, all of shape (n,), values in one unit."""

    forecast_at: NDArray[np.int64]
    """Microseconds: when each forecast was made."""
    actual: NDArray[np.float64]
    predicted: NDArray[np.float64]
    baseline: NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class ValueScoreSet:
    """Scores of one forecaster; R² has no interval of its own, the skill says what it would."""

    scores: ValueScores
    mae: ConfidenceInterval
    rmse: ConfidenceInterval

    def to_dict(self) -> dict[str, object]:
        """Return it as plain values for JSON."""
        mae, rmse, r2 = self.scores.mae, self.scores.rmse, self.scores.r2
        numbers = {"mae": Estimate(mae, self.mae).to_dict(), "rmse": Estimate(rmse, self.rmse).to_dict()}
        return {**numbers, "r2": None if math.isnan(r2) else r2}


@dataclass(frozen=True, slots=True)
class ValueEvidence:
    """Everything that was found out, with the verdict and the sentence that may be quoted."""

    claim: Claim
    first_at: datetime
    last_at: datetime
    n: int
    model: ValueScoreSet
    baseline: ValueScoreSet
    skill: Estimate
    """Share of the baseline's squared errors that the model avoids; the interval is corrected for the trials. NaN
    where the baseline is always exactly right."""
    test: DieboldMariano | None
    """Of the squared errors; none with fewer moments than the horizon has bars."""
    verdict: Verdict
    sentence: str

    def to_dict(self) -> dict[str, object]:
        """Return it as plain values for JSON; what is not a number becomes ``None``, times ISO 8601."""
        return {
            "verdict": self.verdict.value,
            "sentence": self.sentence,
            **self.claim.to_dict((self.first_at, self.last_at), self.n),
            "model": self.model.to_dict(),
            "baseline": self.baseline.to_dict(),
            "skill": self.skill.to_dict(),
            "p_value": None if self.test is None else self.test.p_value,
        }


def judge_values(
    forecasts: ValueForecasts, claim: Claim, *, rng: np.random.Generator, samples: int = 2000
) -> ValueEvidence:
    """Score a model against its baseline and say what the result is worth.

    Parameters
    ----------
    forecasts : ValueForecasts
        Out-of-sample only. Rows of one moment, of several series, count as one observation.
    claim : Claim
        What was foretold, and how often it was tried.
    rng : numpy.random.Generator
        The same state gives the same evidence.
    samples : int, default 2000
        Bootstrap samples.

    Raises
    ------
    NoDataError
        If there is no forecast.
    BadInputError
        If shapes differ, times decrease or a value is not finite.
    """
    at, actual = forecasts.forecast_at, forecasts.actual
    if at.shape != actual.shape:
        raise BadInputError("forecasts and outcomes differ in length", value=f"{at.shape}, {actual.shape}")
    scored = [value_scores(actual, said) for said in (forecasts.predicted, forecasts.baseline)]
    squared, absolute = (
        [by_moment(loss(actual, said), at) for said in (forecasts.predicted, forecasts.baseline)]
        for loss in (squared_losses, absolute_losses)
    )
    n = squared[0].size
    tops = np.column_stack([*squared, *absolute])
    levels = [claim.level] * 4
    means = estimate_ratios(tops, np.ones(n), block=claim.block, samples=samples, levels=levels, rng=rng)
    model, baseline = (_score_set(one, means[i].interval, means[i + 2].interval) for i, one in enumerate(scored))
    gain = squared[1] - squared[0]
    (share,) = estimate_ratios(
        gain[:, None], squared[1], block=claim.block, samples=samples, levels=[claim.corrected_level], rng=rng
    )
    verdict = _decide(share, n / claim.block)
    over = period(at)
    return ValueEvidence(
        claim, *over, actual.size, model, baseline, share,
        test=diebold_mariano(gain, horizon=claim.horizon_bars) if n > max(1, claim.horizon_bars) else None,
        verdict=verdict, sentence=f"{_in_words(verdict, share, claim)} {claim.context(over, f'n = {actual.size:,}')}",
    )  # fmt: skip


def _score_set(scores: ValueScores, squared: ConfidenceInterval, mae: ConfidenceInterval) -> ValueScoreSet:
    """Return the scores with the interval of the mean square as one of its root."""
    low, high = (math.nan if math.isnan(end) else math.sqrt(max(end, 0.0)) for end in (squared.low, squared.high))
    return ValueScoreSet(scores, mae, ConfidenceInterval(low, high, squared.level))


def _decide(share: Estimate, blocks: float) -> Verdict:
    if math.isnan(share.value):
        return Verdict.NO_SKILL
    if blocks < MIN_BLOCKS:
        return Verdict.NOT_ENOUGH_DATA
    if share.interval.low > 0:
        return Verdict.SUSPECT if share.value > SUSPECT_SKILL else Verdict.SKILL
    return Verdict.WORSE if share.interval.high < 0 else Verdict.NO_SKILL


def _in_words(verdict: Verdict, share: Estimate, claim: Claim) -> str:
    if math.isnan(share.value):
        return "No skill: the baseline is always exactly right"
    percent, low, high = (signed(100 * one, 2) for one in (share.value, share.interval.low, share.interval.high))
    numbers = f"{claim.horizon} value, skill {percent} % [{low}, {high}] (squared errors against the baseline's)"
    return in_words(verdict, numbers, share, claim=claim, rival="baseline")
