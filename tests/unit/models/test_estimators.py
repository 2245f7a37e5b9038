"""One list of checks for every direction estimator, and the oracles of each."""

from __future__ import annotations

import numpy as np
import pytest
from numpy.typing import NDArray
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler
from threadpoolctl import threadpool_limits  # type: ignore[import-untyped]

from assay.domain.errors import BadInputError, TerminalError
from assay.models.base_rate import BaseRate
from assay.models.estimator import DirectionEstimator, NotFittedError, direction
from assay.models.logistic import Logistic, LogisticParameters

COLUMNS = ("log_return_1", "rsi_14", "close_to_ema_12")
ESTIMATORS: list[DirectionEstimator] = [BaseRate(), Logistic(COLUMNS)]
every_estimator = pytest.mark.parametrize("estimator", ESTIMATORS, ids=lambda one: one.name)
Rows = tuple[NDArray[np.float64], NDArray[np.float64]]


@pytest.fixture(name="rows")
def _rows() -> Rows:
    """Return 400 rows on very different scales, with a weak dependence of the label on the first column."""
    rng = np.random.default_rng(7)
    features = rng.normal(size=(400, 3)) * [0.01, 15, 0.02] + [0, 50, 0]
    labels = (60 * features[:, 0] + rng.normal(size=400) > 0.2).astype(float)
    return features, labels


@every_estimator
def test_probabilities_are_probabilities_one_a_row(estimator: DirectionEstimator, rows: Rows) -> None:
    result = estimator.clone().fit(*rows).predict_proba(rows[0][:50])
    assert result.shape == (50,)
    assert result.dtype == np.float64
    assert np.all((result >= 0) & (result <= 1))


@every_estimator
def test_same_rows_give_the_same_bits(estimator: DirectionEstimator, rows: Rows) -> None:
    results = [estimator.clone().fit(*rows).predict_proba(rows[0]).tobytes() for _ in range(2)]
    assert results[0] == results[1]


@every_estimator
def test_row_alone_gets_the_bits_it_gets_in_company(estimator: DirectionEstimator, rows: Rows) -> None:
    fitted = estimator.clone().fit(*rows)
    alone = np.concatenate([fitted.predict_proba(rows[0][i : i + 1]) for i in range(60)])
    assert alone.tobytes() == fitted.predict_proba(rows[0])[:60].tobytes()


@every_estimator
def test_clone_has_the_parameters_and_none_of_the_learning(estimator: DirectionEstimator, rows: Rows) -> None:
    fitted = estimator.clone().fit(*rows)
    copy = fitted.clone()
    assert (copy.name, copy.parameters) == (fitted.name, fitted.parameters)
    with pytest.raises(NotFittedError, match="call fit first"):
        copy.predict_proba(rows[0])


@every_estimator
def test_fit_leaves_its_input_alone_and_forgets_the_last_fit(estimator: DirectionEstimator, rows: Rows) -> None:
    features, labels = rows[0].copy(), rows[1].copy()
    twice = estimator.clone().fit(features, 1 - labels).fit(features, labels)
    np.testing.assert_array_equal(features, rows[0])
    np.testing.assert_array_equal(labels, rows[1])
    once = estimator.clone().fit(*rows)
    assert twice.predict_proba(features).tobytes() == once.predict_proba(features).tobytes()


@every_estimator
def test_weight_of_two_equals_the_row_twice_and_zero_equals_absence(estimator: DirectionEstimator, rows: Rows) -> None:
    features, labels = rows
    weight = np.where(np.arange(400) < 100, 2.0, np.where(np.arange(400) < 300, 1.0, 0.0))
    repeated = np.concatenate((np.arange(300), np.arange(100)))
    weighted = estimator.clone().fit(features, labels, sample_weight=weight).predict_proba(features)
    plain = estimator.clone().fit(features[repeated], labels[repeated]).predict_proba(features)
    np.testing.assert_allclose(weighted, plain, rtol=1e-9)


@every_estimator
@pytest.mark.parametrize("label", [np.nan, 2.0])
def test_undefined_label_is_refused_with_its_row(estimator: DirectionEstimator, rows: Rows, label: float) -> None:
    labels = rows[1].copy()
    labels[17] = label
    with pytest.raises(BadInputError, match="row 17"):
        estimator.clone().fit(rows[0], labels)


@every_estimator
def test_wrong_lengths_and_weights_are_refused(estimator: DirectionEstimator, rows: Rows) -> None:
    features, labels = rows
    with pytest.raises(BadInputError, match="differ in length"):
        estimator.clone().fit(features, labels[:-1])
    for weight in (np.full(400, -1.0), np.zeros(400), np.ones(3), np.full(400, np.nan)):
        with pytest.raises(BadInputError, match="weights"):
            estimator.clone().fit(features, labels, sample_weight=weight)


def test_base_rate_is_the_share_of_ups_and_a_tie_is_not_up() -> None:
    fitted = BaseRate().fit(np.zeros((4, 1)), np.array([1.0, 0.0, 1.0, 0.0]))
    assert fitted.predict_proba(np.zeros((1, 1))).tolist() == [0.5]
    assert direction(np.array([0.5])).tolist() == [0]


def test_logistic_equals_scikit_learn_with_another_solver(rows: Rows) -> None:
    theirs = make_pipeline(StandardScaler(), LogisticRegression(C=0.3, tol=1e-10, max_iter=1000))
    expected = theirs.fit(*rows).predict_proba(rows[0])[:, 1]
    ours = Logistic(COLUMNS, LogisticParameters(inverse_penalty=0.3)).fit(*rows).predict_proba(rows[0])
    np.testing.assert_allclose(ours, expected, rtol=1e-5)


def test_logistic_equals_newtons_method_written_out(rows: Rows) -> None:
    # Minimise sum(log-loss) + |w|^2 / 2 (C = 1, intercept free): w <- w - H^-1 g, from zero, until it stands still.
    features, labels = rows
    design = np.column_stack(((features - features.mean(0)) / features.std(0), np.ones(400)))
    penalty = np.diag([1.0, 1.0, 1.0, 0.0])
    weights = np.zeros(4)
    for _ in range(30):
        likely = 1 / (1 + np.exp(-design @ weights))
        gradient = design.T @ (likely - labels) + penalty @ weights
        hessian = (design.T * (likely * (1 - likely))) @ design + penalty
        weights -= np.linalg.solve(hessian, gradient)
    ours = Logistic(COLUMNS).fit(*rows).predict_proba(features)
    np.testing.assert_allclose(ours, 1 / (1 + np.exp(-design @ weights)), rtol=1e-9)


def test_logistic_gives_the_same_bits_on_any_number_of_threads() -> None:
    # Wide and long enough for a BLAS to share the work out, which sums in another order: one bit apart without a limit.
    rng = np.random.default_rng(1)
    features = rng.normal(size=(20_000, 60))
    labels = (features[:, 0] + rng.normal(size=20_000) > 0).astype(float)
    results = []
    for threads in (1, 2):
        with threadpool_limits(limits=threads):
            fitted = Logistic([f"feature_{i}" for i in range(60)]).fit(features, labels)
        results.append(fitted.predict_proba(features).tobytes())
    assert results[0] == results[1]


def test_logistic_does_not_mind_the_unit_of_a_feature(rows: Rows) -> None:
    plain = Logistic(COLUMNS).fit(*rows).predict_proba(rows[0])
    scaled = rows[0] * [1e4, 1e-3, 100.0]
    np.testing.assert_allclose(Logistic(COLUMNS).fit(scaled, rows[1]).predict_proba(scaled), plain, rtol=1e-9)


@pytest.mark.parametrize("bad", [np.nan, np.inf])
def test_unusable_feature_is_named_in_fit_and_in_prediction(rows: Rows, bad: float) -> None:
    features = rows[0].copy()
    features[3, 1] = bad
    with pytest.raises(BadInputError, match="rsi_14, row 3"):
        Logistic(COLUMNS).fit(features, rows[1])
    with pytest.raises(BadInputError, match="rsi_14, row 3"):
        Logistic(COLUMNS).fit(*rows).predict_proba(features)


def test_other_number_of_columns_is_refused(rows: Rows) -> None:
    with pytest.raises(BadInputError, match="give the columns log_return_1, rsi_14, close_to_ema_12"):
        Logistic(COLUMNS).fit(rows[0][:, :2], rows[1])


def test_labels_of_one_kind_are_refused(rows: Rows) -> None:
    with pytest.raises(BadInputError, match="all training labels are the same"):
        Logistic(COLUMNS).fit(rows[0], np.ones(400))


def test_solver_that_runs_out_of_iterations_says_so(rows: Rows) -> None:
    with pytest.raises(TerminalError, match="did not converge"):
        Logistic(COLUMNS, LogisticParameters(max_iterations=1)).fit(*rows)


def test_extreme_rows_stay_probabilities_without_a_warning(rows: Rows) -> None:
    fitted = Logistic(COLUMNS).fit(*rows)
    result = fitted.predict_proba(np.array([[1e6, 50.0, 0.0], [-1e6, 50.0, 0.0]]))
    assert result.tolist() == [1.0, 0.0]
