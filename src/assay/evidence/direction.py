"""The case for or against a direction model, from forecasts of rows it was not taught on.

Model and baseline are scored on the same rows, and one block bootstrap draws both together, so that the difference
between them has an interval of its own. Every further trial widens that interval (Bonferroni): the best of twenty
useless models would otherwise look skilled. So it does the one that is held against a coin: where the market has turned
the baseline is wrong more often than not, and the coin is all that is left to be beaten.

>>> import numpy as np
>>> rng = np.random.default_rng(7)
>>> actual = rng.integers(2, size=5000)
>>> claim = Claim("BTC-USDT 1h", "24 h", horizon_bars=24, folds=6)
>>> hours = 1_600_000_000_000_000 + np.arange(5000) * 3_600_000_000
>>> guess = Forecasts(hours, actual, predicted=rng.integers(2, size=5000), baseline=np.ones(5000, dtype=np.int8))
>>> judge_direction(guess, claim, rng=rng, samples=200).verdict
<Verdict.NO_SKILL: 'no_skill'>
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime

import numpy as np
from numpy.typing import NDArray

from assay.domain.errors import BadInputError, NoDataError
from assay.evidence.claim import Claim, period
from assay.evidence.observations import by_moment
from assay.evidence.verdict import Estimate, Verdict, comparison, decide, in_words
from assay.measures.bootstrap import percentile_interval, resampled_sums, spread_interval
from assay.measures.direction_scores import Confusion, confusion, direction_scores, score_arrays

__all__ = ["Claim", "DirectionEvidence", "Forecasts", "ScoreSet", "judge_direction"]


@dataclass(frozen=True, slots=True, eq=False)
class Forecasts:
    """What was said and what came of it; rows in order of time, all of shape (n,)."""

    forecast_at: NDArray[np.int64]
    """Microseconds: when each forecast was made."""
    actual: NDArray[np.int8] | NDArray[np.int64] | NDArray[np.float64]
    """1 for up, 0 for not up."""
    predicted: NDArray[np.int8] | NDArray[np.int64]
    baseline: NDArray[np.int8] | NDArray[np.int64]


@dataclass(frozen=True, slots=True)
class ScoreSet:
    """Scores of one forecaster; NaN where undefined (see ``measures.direction_scores``)."""

    accuracy: Estimate
    precision: Estimate
    recall: Estimate
    f1: Estimate
    counts: Confusion


@dataclass(frozen=True, slots=True)
class DirectionEvidence:
    """Everything that was found out, with the verdict and the sentence that may be quoted."""

    claim: Claim
    first_at: datetime
    """First forecast, UTC."""
    last_at: datetime
    """Last forecast, UTC."""
    n: int
    samples: int
    """Bootstrap samples behind the intervals."""
    model: ScoreSet
    baseline: ScoreSet
    difference: Estimate
    """Accuracy of the model less that of the baseline; the interval is corrected for the number of trials."""
    verdict: Verdict
    sentence: str

    def to_dict(self) -> dict[str, object]:
        """Return it as plain values for JSON; what is not a number becomes ``None``, times ISO 8601."""
        claim = self.claim
        return {
            "verdict": self.verdict.value,
            "sentence": self.sentence,
            **claim.to_dict((self.first_at, self.last_at), self.n),
            "bootstrap": {"samples": self.samples, "block_bars": claim.block},
            "model": _scores_dict(self.model),
            "baseline": _scores_dict(self.baseline),
            "accuracy_difference": self.difference.to_dict(),
        }


def judge_direction(
    forecasts: Forecasts, claim: Claim, *, rng: np.random.Generator, samples: int = 2000
) -> DirectionEvidence:
    """Score a model against its baseline and say what the result is worth.

    Parameters
    ----------
    forecasts : Forecasts
        Out-of-sample only; whether they are is the caller's word (the splits prove it). Rows of one moment, of several
        series, count as one observation.
    claim : Claim
        What was foretold, and how often it was tried.
    rng : numpy.random.Generator
        The same state gives the same evidence.
    samples : int, default 2000
        Bootstrap samples. The intervals that decide are made of the spread of these with Student's t, so that neither
        few blocks nor ends as far out as many trials want them make them too narrow.

    Returns
    -------
    DirectionEvidence

    Raises
    ------
    NoDataError
        If there is no forecast.
    BadInputError
        If the arrays differ in length, times decrease, or a direction is neither 0 nor 1.
    """
    _check(forecasts)
    n = forecasts.actual.size
    counts = [confusion(forecasts.actual, said) for said in (forecasts.predicted, forecasts.baseline)]
    outcomes = [_outcomes(forecasts.actual, said) for said in (forecasts.predicted, forecasts.baseline)]
    columns = _by_moment(np.concatenate([*outcomes, np.ones((1, n))]), forecasts)
    moments = len(columns)
    block = min(claim.block, moments)
    sums = resampled_sums(columns, block=block, samples=samples, rng=rng)
    resampled = [score_arrays(*sums[:, 3 * i : 3 * i + 3].T, total=sums[:, -1]) for i in range(2)]
    model, baseline = (_score_set(one, draws, claim.level) for one, draws in zip(counts, resampled, strict=True))
    values = model.accuracy.value, model.accuracy.value - baseline.accuracy.value
    draws = resampled[0]["accuracy"], resampled[0]["accuracy"] - resampled[1]["accuracy"]
    right, difference = (
        Estimate(value, spread_interval(value, drawn, blocks=moments / claim.block, level=claim.corrected_level))
        for value, drawn in zip(values, draws, strict=True)
    )
    verdict = decide(right, difference, blocks=moments / claim.block)
    over = period(forecasts.forecast_at)
    numbers = comparison(model.accuracy, baseline.accuracy, difference, subject=f"{claim.horizon} direction")
    said = in_words(verdict, numbers, difference, claim=claim, rival="base rate")
    return DirectionEvidence(
        claim, *over, n, samples, model=model, baseline=baseline, difference=difference, verdict=verdict,
        sentence=f"{said} {claim.context(over, _rows_in_words(n, moments))}",
    )  # fmt: skip


def _by_moment(rows: NDArray[np.float64], forecasts: Forecasts) -> NDArray[np.float64]:
    """Return columns of shape (n_moments, n_columns) of rows of shape (n_columns, n)."""
    return np.stack([by_moment(row, forecasts.forecast_at) for row in rows], axis=1)


def _rows_in_words(rows: int, moments: int) -> str:
    return f"n = {rows:,}" if moments == rows else f"n = {rows:,} at {moments:,} moments"


def _check(forecasts: Forecasts) -> None:
    shapes = {forecasts.forecast_at.shape, forecasts.actual.shape, forecasts.predicted.shape, forecasts.baseline.shape}
    if len(shapes) != 1 or forecasts.actual.ndim != 1:
        raise BadInputError("forecasts and outcomes differ in length", value=sorted(shapes))
    if not forecasts.actual.size:
        raise NoDataError("there is no forecast to judge", todo="train on a longer period")
    if np.any(np.diff(forecasts.forecast_at) < 0):
        raise BadInputError("forecasts must be in order of time", todo="blocks of shuffled rows mean nothing")


def _outcomes(
    actual: NDArray[np.int8] | NDArray[np.int64] | NDArray[np.float64],
    said: NDArray[np.int8] | NDArray[np.int64],
) -> NDArray[np.float64]:
    """Return indicators of true up, false up and false down, shape (3, n); all scores are ratios of their sums."""
    went_up, said_up = actual == 1, said == 1
    return np.stack([went_up & said_up, ~went_up & said_up, went_up & ~said_up]).astype(np.float64)


def _score_set(counts: Confusion, draws: Mapping[str, NDArray[np.float64]], level: float) -> ScoreSet:
    values = direction_scores(counts)
    return ScoreSet(
        accuracy=Estimate(values.accuracy, percentile_interval(draws["accuracy"], level=level)),
        precision=Estimate(values.precision, percentile_interval(draws["precision"], level=level)),
        recall=Estimate(values.recall, percentile_interval(draws["recall"], level=level)),
        f1=Estimate(values.f1, percentile_interval(draws["f1"], level=level)),
        counts=counts,
    )


def _scores_dict(scores: ScoreSet) -> dict[str, object]:
    names = ("accuracy", "precision", "recall", "f1")
    counts = scores.counts
    return {name: getattr(scores, name).to_dict() for name in names} | {
        "true_up": counts.true_up,
        "false_up": counts.false_up,
        "true_down": counts.true_down,
        "false_down": counts.false_down,
    }
