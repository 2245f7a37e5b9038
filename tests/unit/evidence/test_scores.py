"""Scores with intervals: against scikit-learn, and how often the intervals hold the truth."""

from __future__ import annotations

import json
import math

import numpy as np
import pytest
from sklearn import metrics

from assay.domain.errors import BadInputError, NoDataError
from assay.evidence.scores import Drawing, score_directions, score_values, scores_document

HOUR = 3_600_000_000
FEW = Drawing(block=24, samples=200)


def test_direction_scores_are_those_of_scikit_learn() -> None:
    rng = np.random.default_rng(1)
    actual, probability = rng.integers(2, size=600).astype(float), rng.random(600)
    found = score_directions(actual, probability, np.arange(600) * HOUR, FEW)
    said = probability > 0.5
    expected = {
        "accuracy": metrics.accuracy_score(actual, said),
        "precision": metrics.precision_score(actual, said),
        "recall": metrics.recall_score(actual, said),
        "f1": metrics.f1_score(actual, said),
        "log_loss": metrics.log_loss(actual, probability),
        "brier": metrics.brier_score_loss(actual, probability),
    }
    assert {name: one.value for name, one in found.items()} == pytest.approx(expected, rel=1e-12)
    assert all(one.interval.low < one.value < one.interval.high for one in found.values())


def test_value_scores_are_those_of_scikit_learn() -> None:
    rng = np.random.default_rng(2)
    actual = rng.normal(size=600)
    predicted = 0.3 * actual + 0.2 * rng.normal(size=600)
    found = score_values(actual, predicted, np.arange(600) * HOUR, FEW)
    expected = {
        "mae": metrics.mean_absolute_error(actual, predicted),
        "rmse": metrics.root_mean_squared_error(actual, predicted),
        "r2": metrics.r2_score(actual, predicted),
    }
    assert {name: one.value for name, one in found.items()} == pytest.approx(expected, rel=1e-12)
    assert all(one.interval.low < one.value < one.interval.high for one in found.values())


def test_intervals_hold_the_truth_about_as_often_as_they_say() -> None:
    # Right 55 times of 100, whole days alike: 100 series of 200 days. Expected 95; the standard deviation is 2.2.
    rng, held = np.random.default_rng(3), 0
    for _ in range(100):
        is_right = np.repeat(rng.random(200) < 0.55, 24)
        actual = rng.integers(2, size=4800).astype(float)
        probability = np.where(is_right, actual, 1.0 - actual) * 0.8 + 0.1
        found = score_directions(actual, probability, np.arange(4800) * HOUR, Drawing(block=168, samples=200))
        held += 0.55 in found["accuracy"].interval
    assert 86 <= held <= 100


def test_coins_of_one_moment_are_one_observation() -> None:
    rng = np.random.default_rng(4)
    actual, probability = rng.integers(2, size=500).astype(float), rng.random(500)
    at = np.arange(500) * HOUR
    alone = score_directions(actual, probability, at, FEW)
    together = score_directions(np.repeat(actual, 10), np.repeat(probability, 10), np.repeat(at, 10), FEW)
    for name, one in alone.items():
        assert together[name].value == pytest.approx(one.value)
        assert together[name].interval.low == pytest.approx(one.interval.low)


def test_what_is_not_defined_is_not_a_number_and_bounds_are_kept() -> None:
    at = np.arange(48) * HOUR
    never_up = score_directions(np.tile([1.0, 0.0], 24), np.full(48, 0.2), at, FEW)
    assert math.isnan(never_up["precision"].value)
    assert never_up["recall"].value == 0.0
    document = json.loads(json.dumps(scores_document(never_up), allow_nan=False))
    assert document["precision"]["value"] is None
    sure = score_directions(np.ones(48), np.r_[np.full(47, 0.9), 0.1], at, FEW)
    assert sure["accuracy"].interval.high <= 1.0
    assert math.isnan(score_values(np.ones(48), np.zeros(48), at, FEW)["r2"].value)


def test_nonsense_is_refused() -> None:
    nothing, at = np.zeros(0), np.zeros(0, dtype=np.int64)
    with pytest.raises(NoDataError, match="no forecast to score"):
        score_directions(nothing, nothing, at, FEW)
    with pytest.raises(NoDataError, match="no forecast to score"):
        score_values(nothing, nothing, at, FEW)
    with pytest.raises(BadInputError, match="probability lies between"):
        score_directions(np.ones(2), np.array([0.5, 1.5]), np.arange(2), FEW)
    with pytest.raises(BadInputError, match="block must be at least one"):
        Drawing(block=0)
