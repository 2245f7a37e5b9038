"""Direction scores equal scikit-learn's, undefined ones included."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from sklearn.metrics import accuracy_score, confusion_matrix, f1_score, precision_score, recall_score

from assay.domain.errors import BadInputError
from assay.measures.direction_scores import Confusion, confusion, direction_scores, score_arrays

pairs = st.lists(st.tuples(st.integers(0, 1), st.integers(0, 1)), min_size=1, max_size=60)


@given(pairs)
def test_scores_equal_scikit_learn(rows: list[tuple[int, int]]) -> None:
    actual, predicted = np.array(rows).T
    counts = confusion(actual, predicted)
    expected = confusion_matrix(actual, predicted, labels=[0, 1])
    assert [[counts.true_down, counts.false_up], [counts.false_down, counts.true_up]] == expected.tolist()
    scores = direction_scores(counts)
    assert scores.accuracy == pytest.approx(accuracy_score(actual, predicted), abs=1e-15)
    for value, theirs in ((scores.precision, precision_score), (scores.recall, recall_score), (scores.f1, f1_score)):
        assert value == pytest.approx(theirs(actual, predicted, zero_division=np.nan), abs=1e-15, nan_ok=True)


@given(st.lists(pairs, min_size=1, max_size=5))
def test_scores_of_many_resamples_equal_those_of_each(samples: list[list[tuple[int, int]]]) -> None:
    total = min(len(rows) for rows in samples)
    counted = [confusion(*np.array(rows[:total]).T) for rows in samples]
    columns = np.array([[c.true_up, c.false_up, c.false_down] for c in counted], dtype=float).T
    arrays = score_arrays(*columns, total=total)
    for i, counts in enumerate(counted):
        one = direction_scores(counts)
        found = [arrays[name][i] for name in ("accuracy", "precision", "recall", "f1")]
        assert found == pytest.approx([one.accuracy, one.precision, one.recall, one.f1], abs=1e-15, nan_ok=True)


def test_forecast_that_never_says_up_has_no_precision() -> None:
    scores = direction_scores(confusion([1, 0, 0], [0, 0, 0]))
    assert math.isnan(scores.precision)
    assert scores.recall == 0.0


def test_no_forecast_has_no_score() -> None:
    scores = direction_scores(confusion([], []))
    assert all(math.isnan(value) for value in (scores.accuracy, scores.precision, scores.recall, scores.f1))


def test_total_adds_up() -> None:
    assert Confusion(1, 2, 3, 4).total == 10


@pytest.mark.parametrize("bad", [np.nan, 2.0, -1.0, 0.5])
def test_value_that_is_no_direction_is_refused(bad: float) -> None:
    with pytest.raises(BadInputError, match="a direction is 0 or 1"):
        confusion([1.0, bad], [1.0, 0.0])
    with pytest.raises(BadInputError, match="a direction is 0 or 1"):
        confusion([1.0, 0.0], [1.0, bad])


def test_different_lengths_are_refused() -> None:
    with pytest.raises(BadInputError, match="differ in shape"):
        confusion([1], [1, 0])
