"""Losses and their means equal scikit-learn's scores; what cannot be scored is refused."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn.metrics import (
    brier_score_loss,
    log_loss,
    mean_absolute_error,
    r2_score,
    roc_auc_score,
    root_mean_squared_error,
)

from assay.domain.errors import BadInputError, NoDataError
from assay.measures.losses import absolute_losses, log_losses, skill, squared_losses, zero_one_losses
from assay.measures.probability_scores import probability_scores, roc_auc
from assay.measures.value_scores import value_scores

# Few different probabilities, so that ties are frequent.
said = st.lists(st.tuples(st.booleans(), st.integers(0, 8)), min_size=1, max_size=40)
values = st.lists(st.tuples(st.floats(-1e3, 1e3), st.floats(-1e3, 1e3)), min_size=2, max_size=40)


@settings(max_examples=30)
@given(said)
def test_probability_scores_equal_scikit_learn(rows: list[tuple[bool, int]]) -> None:
    actual, probability = (np.array(column, dtype=float) for column in zip(*rows, strict=True))
    probability /= 8
    scores = probability_scores(actual, probability)
    assert scores.brier == pytest.approx(brier_score_loss(actual, probability, pos_label=1), abs=1e-14)
    assert scores.log_loss == pytest.approx(log_loss(actual, probability, labels=[0, 1]), rel=1e-12, abs=1e-14)
    if len(set(actual)) == 2:
        assert scores.auc == pytest.approx(roc_auc_score(actual, probability), abs=1e-14)
    else:
        assert math.isnan(scores.auc)


@settings(max_examples=30)
@given(values)
def test_value_scores_equal_scikit_learn(rows: list[tuple[float, float]]) -> None:
    actual, predicted = np.array(rows).T
    scores = value_scores(actual, predicted)
    assert scores.mae == pytest.approx(mean_absolute_error(actual, predicted), rel=1e-12)
    assert scores.rmse == pytest.approx(root_mean_squared_error(actual, predicted), rel=1e-12)
    if np.ptp(actual) > 1e-6:
        assert scores.r2 == pytest.approx(r2_score(actual, predicted), rel=1e-9, abs=1e-9)


def test_rank_of_ups_over_downs_by_counting_every_pair() -> None:
    rng = np.random.default_rng(3)
    actual, probability = rng.integers(2, size=50).astype(float), rng.integers(5, size=50) / 4
    ups, downs = probability[actual == 1], probability[actual == 0]
    wins = sum(1.0 if up > down else 0.5 if up == down else 0.0 for up in ups for down in downs)
    assert roc_auc(actual, probability) == pytest.approx(wins / (ups.size * downs.size), abs=1e-14)


def test_one_less_the_mean_of_wrong_directions_is_the_accuracy() -> None:
    actual = np.array([1.0, 1.0, 0.0, 0.0])
    assert zero_one_losses(actual, np.array([0.7, 0.5, 0.5, 0.51])).tolist() == [0.0, 1.0, 0.0, 1.0]


def test_sure_forecast_that_fails_costs_much_but_not_everything() -> None:
    loss = log_losses(np.array([0.0]), np.array([1.0]))
    assert loss[0] == pytest.approx(-math.log(2.220446049250313e-16))


def test_outcomes_that_do_not_vary_have_no_r2() -> None:
    # The mean of three times 0.1 is not 0.1: a spread of rounding errors would give an R2 of minus 1e31.
    assert math.isnan(value_scores(np.full(3, 0.1), np.array([0.1, 0.1, 0.2])).r2)


def test_skill_is_the_share_of_the_loss_avoided() -> None:
    assert skill(0.0, 0.25) == 1.0
    assert skill(0.25, 0.25) == 0.0
    assert skill(0.5, 0.25) == -1.0
    assert math.isnan(skill(0.1, 0.0))


def test_nonsense_is_refused() -> None:
    two = np.array([0.0, 1.0])
    with pytest.raises(BadInputError, match="differ in shape"):
        squared_losses(two, two[:1])
    with pytest.raises(BadInputError, match=r"an outcome is not finite: 'nan, row 1'"):
        absolute_losses(np.array([0.0, np.nan]), two)
    with pytest.raises(BadInputError, match=r"a forecast is not finite: 'inf, row 0'"):
        squared_losses(two, np.array([np.inf, 0.0]))
    with pytest.raises(BadInputError, match="a direction is 0 or 1"):
        zero_one_losses(two * 2, two)
    with pytest.raises(BadInputError, match="a probability lies between 0 and 1"):
        log_losses(two, np.array([0.5, 1.1]))
    none = np.zeros(0)
    with pytest.raises(NoDataError, match="no forecast to score"):
        probability_scores(none, none)
    with pytest.raises(NoDataError, match="no forecast to score"):
        value_scores(none, none)
