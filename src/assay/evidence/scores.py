"""The usual scores of a forecaster, each with an interval over blocks of time.

>>> import numpy as np
>>> rng = np.random.default_rng(7)
>>> happened = (rng.random(2000) < 0.6).astype(float)
>>> hours = np.arange(2000) * 3_600_000_000
>>> found = score_directions(happened, np.full(2000, 0.6), hours, Drawing(block=24, samples=200))
>>> sorted(found), round(found["brier"].value, 2), 0.6 in found["accuracy"].interval
(['accuracy', 'brier', 'f1', 'log_loss', 'precision', 'recall'], 0.24, True)
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from assay.domain.errors import NoDataError
from assay.evidence.claim import check_counts
from assay.evidence.observations import by_moment
from assay.evidence.ratios import estimate_ratios
from assay.evidence.verdict import Estimate
from assay.measures.bootstrap import ConfidenceInterval
from assay.measures.losses import absolute_losses, check_probabilities, log_losses, squared_losses

Floats = NDArray[np.float64]
Scores = Mapping[str, Estimate]
"""Estimates by the names of the scores; NaN where one is not defined."""


@dataclass(frozen=True, slots=True)
class Drawing:
    """How intervals are drawn."""

    block: int
    """Moments in a bootstrap block."""
    samples: int = 2000
    seed: int = 7
    level: float = 0.95

    def __post_init__(self) -> None:
        check_counts(self, "block", "samples")


def score_directions(
    actual: Floats, probability: Floats, forecast_at: NDArray[np.int64], drawing: Drawing
) -> dict[str, Estimate]:
    """Return accuracy, precision, recall and F1 of "up", log loss and Brier score.

    Parameters
    ----------
    actual : ndarray of float64, shape (n,)
        0 or 1.
    probability : ndarray of float64, shape (n,)
        Of 1; exactly one half says "not up".
    forecast_at : ndarray of int64, shape (n,)
        Microseconds, not decreasing. Rows of one moment, of several series, count as one observation.
    drawing : Drawing
        The same seed gives the same intervals.

    Returns
    -------
    dict of str to Estimate
        Log loss in nats. Precision, recall and F1 are NaN where nothing was called up, or nothing went up.

    Raises
    ------
    BadInputError
        If shapes differ, an outcome is neither 0 nor 1, or a probability is out of range.
    NoDataError
        If there is no row.
    """
    check_probabilities(actual, probability)
    _check_rows(actual)
    went_up, said_up = actual == 1, probability > 0.5
    true_up, ones = (went_up & said_up).astype(np.float64), np.ones(actual.size)
    of_all = [(went_up == said_up).astype(np.float64), log_losses(actual, probability)]
    of_all.append(squared_losses(actual, probability))
    names = ("accuracy", "log_loss", "brier")
    found = dict(zip(names, _ratios(of_all, ones, forecast_at, drawing), strict=True))
    said, went = said_up.astype(np.float64), went_up.astype(np.float64)
    for name, top, weight in (
        ("precision", true_up, said),
        ("recall", true_up, went),
        ("f1", 2 * true_up, said + went),
    ):
        found[name] = _ratios([top], weight, forecast_at, drawing)[0]
    fractions = ("accuracy", "precision", "recall", "f1", "brier")
    return found | {name: _within(found[name], 0.0, 1.0) for name in fractions} | {
        "log_loss": _within(found["log_loss"], 0.0, math.inf)
    }  # fmt: skip


def score_values(
    actual: Floats, predicted: Floats, forecast_at: NDArray[np.int64], drawing: Drawing
) -> dict[str, Estimate]:
    """Return MAE, RMSE and R² of values; otherwise as :func:`score_directions`.

    Returns
    -------
    dict of str to Estimate
        MAE and RMSE in the unit of the values. R² against the mean of the scored rows, as
        :class:`~assay.measures.value_scores.ValueScores` has it: NaN where the outcomes do not vary.
    """
    squared, absolute = squared_losses(actual, predicted), absolute_losses(actual, predicted)
    _check_rows(actual)
    mae, mse = _ratios([absolute, squared], np.ones(actual.size), forecast_at, drawing)
    away = (actual - actual.mean()) ** 2 if actual.min() < actual.max() else np.zeros(actual.size)
    (left,) = _ratios([squared], away, forecast_at, drawing)
    low, high = 1.0 - left.interval.high, 1.0 - left.interval.low
    return {
        "mae": _within(mae, 0.0, math.inf),
        "rmse": _root(_within(mse, 0.0, math.inf)),
        "r2": Estimate(1.0 - left.value, ConfidenceInterval(low, high, left.interval.level)),
    }


def scores_document(scores: Scores) -> dict[str, object]:
    """Return scores as plain values for JSON."""
    return {name: one.to_dict() for name, one in scores.items()}


def _ratios(
    tops: list[Floats], weight: Floats, forecast_at: NDArray[np.int64], drawing: Drawing
) -> tuple[Estimate, ...]:
    columns = np.stack([by_moment(top, forecast_at) for top in tops], axis=1)
    rng, levels = np.random.default_rng(drawing.seed), [drawing.level] * len(tops)
    weights = by_moment(weight, forecast_at)
    return estimate_ratios(columns, weights, block=drawing.block, samples=drawing.samples, levels=levels, rng=rng)


def _check_rows(actual: Floats) -> None:
    if not actual.size:
        raise NoDataError("there is no forecast to score", todo="train on a longer period")


def _within(one: Estimate, least: float, most: float) -> Estimate:
    """Return an estimate whose interval holds only what the score can be."""
    low, high = (
        end if math.isnan(end) else min(max(end, least), most) for end in (one.interval.low, one.interval.high)
    )
    return Estimate(one.value, ConfidenceInterval(low, high, one.interval.level))


def _root(one: Estimate) -> Estimate:
    value, low, high = (
        end if math.isnan(end) else math.sqrt(end) for end in (one.value, one.interval.low, one.interval.high)
    )
    return Estimate(value, ConfidenceInterval(low, high, one.interval.level))
