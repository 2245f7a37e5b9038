"""Baselines of a value, votes, calibrated probabilities and the list of estimators, each against a worked example."""

from __future__ import annotations

import dataclasses
import sys
from itertools import pairwise
from pathlib import Path
from subprocess import run
from typing import cast

import numpy as np
import pytest
from numpy.typing import NDArray
from scipy.optimize import minimize
from sklearn.isotonic import IsotonicRegression

from assay.domain.errors import BadInputError, NoDataError
from assay.models.artefact import model_hash
from assay.models.calibrated import Calibrated, CalibrationParameters
from assay.models.logistic import Logistic
from assay.models.registry import TASKS, Task, known_estimators, new_direction, new_estimator, new_value
from assay.models.splits import walk_forward
from assay.models.voting import Member

ROOT = Path(__file__).parents[3]
CLOCK = ("hour_utc", "weekday_utc")
Floats = NDArray[np.float64]


def clock_rows(hours: NDArray[np.int64]) -> Floats:
    return np.column_stack((hours % 24, hours // 24 % 7)).astype(float)


@pytest.mark.parametrize(
    ("name", "expected"),
    # Drift: (1 * 2 + 2 * 4 + 1 * 12) / 4. EWMA that halves each row: (1/4 * 2 + 2 * 1/2 * 4 + 12) / (1/4 + 1 + 1).
    [("last_value", 0.0), ("drift", 5.5), ("ewma", 16.5 / 2.25)],
)
def test_constant_baselines_are_what_their_names_say(name: str, expected: float) -> None:
    parameters = {"half_life": 1} if name == "ewma" else None
    model = new_value(name, ("rsi_14",), parameters)
    model.fit(np.zeros((3, 1)), np.array([2.0, 4.0, 12.0]), sample_weight=np.array([1.0, 2.0, 1.0]))
    np.testing.assert_allclose(model.predict(np.zeros((2, 1))), expected, rtol=1e-15)


def test_ewma_of_a_short_memory_over_many_rows_is_the_last_value() -> None:
    values = np.arange(100_000.0)
    model = new_value("ewma", ("rsi_14",), {"half_life": 0.02}).fit(np.zeros((values.size, 1)), values)
    assert model.predict(np.zeros((1, 1)))[0] == pytest.approx(99_999.0, abs=1e-9)


def test_seasonal_naive_repeats_the_last_day_or_the_last_week() -> None:
    hours = np.arange(24 * 16)
    values, rows = hours.astype(float), clock_rows(hours)
    day = new_value("seasonal_naive", CLOCK).fit(rows, values)
    np.testing.assert_array_equal(day.predict(clock_rows(hours[-24:] + 24)), values[-24:])
    week = new_value("seasonal_naive", CLOCK, {"season": "week"}).fit(rows, values)
    np.testing.assert_array_equal(week.predict(clock_rows(hours[-168:] + 168)), values[-168:])
    # An hour that was never met: no change.
    short = new_value("seasonal_naive", CLOCK).fit(rows[:5], values[:5] + 1)
    assert short.predict(clock_rows(np.array([4, 5]))).tolist() == [5.0, 0.0]


def test_seasonal_naive_needs_to_know_the_time() -> None:
    with pytest.raises(BadInputError, match="needs a column of the time: 'hour_utc'; add the indicator calendar"):
        new_value("seasonal_naive", ("rsi_14",))
    with pytest.raises(BadInputError, match="'weekday_utc'"):
        new_value("seasonal_naive", ("hour_utc",), {"season": "week"})
    with pytest.raises(BadInputError, match="unknown season: 'year'; use one of day, week"):
        new_value("seasonal_naive", CLOCK, {"season": "year"})
    model = new_value("seasonal_naive", ("hour_utc",))
    for wrong in (24.0, -1.0, 0.5):
        with pytest.raises(BadInputError, match=f"a time that is none: 'hour_utc {wrong:g}, row 1'"):
            model.fit(np.array([[0.0], [wrong]]), np.zeros(2))
    berlin = new_value("seasonal_naive", ("hour_europe_berlin",), {"hour": "hour_europe_berlin"})
    assert berlin.fit(np.array([[3.0]]), np.array([7.0])).predict(np.array([[3.0]])).tolist() == [7.0]


@pytest.fixture(scope="module", name="coins")
def _coins() -> tuple[Floats, Floats]:
    """Return 1500 rows whose first column moves the odds, and how the coin fell."""
    rng = np.random.default_rng(3)
    features = rng.normal(size=(1500, 2))
    return features, (rng.random(1500) < 1 / (1 + np.exp(-features[:, 0]))).astype(float)


def test_vote_is_the_weighted_mean_of_its_members(coins: tuple[Floats, Floats]) -> None:
    features, labels = coins
    parameters = {"members": "logistic,base_rate", "weights": "3,1", "logistic.inverse_penalty": 0.01}
    vote = new_direction("voting", ("a", "b"), parameters).fit(features, labels)
    logistic = new_direction("logistic", ("a", "b"), {"inverse_penalty": 0.01}).fit(features, labels)
    expected = (3 * logistic.predict_proba(features) + labels.mean()) / 4
    np.testing.assert_allclose(vote.predict_proba(features), expected, rtol=1e-14)
    # Only the ratio of weights matters.
    other = new_direction("voting", ("a", "b"), parameters | {"weights": "6,2"}).fit(features, labels)
    assert model_hash("direction", other, ("a", "b")) == model_hash("direction", vote, ("a", "b"))


@pytest.mark.parametrize(
    ("parameters", "says"),
    [
        ({"members": "logistic,voting"}, "no part of another estimator: 'voting'"),
        ({"members": "logistic,logistic"}, "a member votes twice"),
        ({"members": ""}, "no estimator of a direction has this name: ''"),
        ({"members": "logistic", "weights": "0"}, "weights of the members are not usable"),
        ({"members": "logistic", "weights": "nan"}, "weights of the members are not usable"),
        ({"members": "logistic", "weights": "1,1"}, "weights of the members are not usable"),
        ({"members": "logistic", "weights": "one"}, "weights of a vote are numbers"),
        ({"members": "logistic", "lightgbm.trees": 3}, "unknown parameter of voting: 'lightgbm.trees'"),
        ({"members": "logistic", "logistic.trees": 3}, "unknown parameter of logistic: 'trees'"),
    ],
)
def test_votes_that_cannot_be_held_are_refused(parameters: dict[str, object], says: str) -> None:
    with pytest.raises(BadInputError, match=says):
        new_direction("voting", ("rsi_14",), parameters)


class Shy(Logistic):
    """Says log-odds half as large as it should."""

    def predict_proba(self, features: Floats) -> Floats:
        said = super().predict_proba(features)
        odds = np.log(said / (1 - said)) / 2
        shy: Floats = 1 / (1 + np.exp(-odds))
        return shy

    def clone(self) -> Shy:
        return Shy(self.columns)


def foretold(coins: tuple[Floats, Floats], parameters: CalibrationParameters) -> tuple[Floats, Floats]:
    """Return what the shy model says of rows it has not learned from, written out, and what came."""
    features, labels = coins
    moment = np.arange(labels.size)
    folds = walk_forward(moment, moment + parameters.purged_rows, folds=parameters.folds)
    said = [Shy(("a", "b")).fit(features[f.train], labels[f.train]).predict_proba(features[f.test]) for f in folds]
    assert all(fold.train[-1] == fold.test[0] - parameters.purged_rows for fold in folds)
    return np.concatenate(said), labels[folds[0].test[0] :]


def test_sigmoid_puts_a_shy_model_right_as_another_solver_does(coins: tuple[Floats, Floats]) -> None:
    parameters = CalibrationParameters("logistic")
    model = Calibrated(("a", "b"), cast("Member", Shy(("a", "b"))), parameters).fit(*coins)
    slope, intercept = model.learned["points"].ravel()
    assert 1.5 < slope < 2.5
    said, came = foretold(coins, parameters)
    odds, ups = np.log(said / (1 - said)), came.sum()
    target = np.where(came > 0, (ups + 1) / (ups + 2), 1 / (came.size - ups + 2))

    def loss(line: Floats) -> float:
        score = line[0] * odds + line[1]
        return float(np.sum(np.logaddexp(0, score) - target * score))

    expected = minimize(loss, [1.0, 0.0], method="Nelder-Mead", options={"xatol": 1e-9, "fatol": 1e-12}).x
    np.testing.assert_allclose([slope, intercept], expected, atol=1e-6)


def test_isotonic_is_that_of_scikit_learn_but_never_certain(coins: tuple[Floats, Floats]) -> None:
    parameters = CalibrationParameters("logistic", method="isotonic")
    model = Calibrated(("a", "b"), cast("Member", Shy(("a", "b"))), parameters).fit(*coins)
    nearest = 1 / (1200 + 2)
    theirs = IsotonicRegression(y_min=nearest, y_max=1 - nearest, out_of_bounds="clip")
    theirs.fit(*foretold(coins, parameters))
    inside, said = Shy(("a", "b")).fit(*coins).predict_proba(coins[0]), model.predict_proba(coins[0])
    np.testing.assert_allclose(said, theirs.predict(inside), rtol=1e-12)
    order = np.argsort(inside)
    assert all(one <= other for one, other in pairwise(said[order]))
    assert said.min() == nearest


def test_model_that_is_wrong_more_often_than_right_becomes_the_base_rate(coins: tuple[Floats, Floats]) -> None:
    # Each block falls the other way round than the one before, so that what was learned is wrong.
    features, labels = coins
    turned = np.where(np.arange(1500) // 300 % 2 == 0, labels, 1 - labels)
    parameters = CalibrationParameters("logistic", folds=1, purged_rows=1)
    model = Calibrated(("a", "b"), Logistic(("a", "b")), parameters)
    said = model.fit(features[:600], turned[:600]).predict_proba(features)
    ups = turned[300:600].sum()
    share = (ups * (ups + 1) / (ups + 2) + (300 - ups) / (302 - ups)) / 300  # Platt's targets
    np.testing.assert_allclose(said, share, rtol=1e-12)


def test_calibration_with_too_few_rows_is_refused(coins: tuple[Floats, Floats]) -> None:
    with pytest.raises(NoDataError, match="too few labelled rows"):
        new_direction("calibrated", ("a", "b")).fit(coins[0][:200], coins[1][:200])
    with pytest.raises(BadInputError, match="no part of another estimator: 'calibrated'"):
        new_direction("calibrated", ("a", "b"), {"of": "calibrated"})
    with pytest.raises(BadInputError, match="unknown method: 'beta'; use one of sigmoid, isotonic"):
        new_direction("calibrated", ("a", "b"), {"method": "beta"})
    with pytest.raises(BadInputError, match="unknown parameter of calibrated: 'lightgbm.trees'"):
        new_direction("calibrated", ("a", "b"), {"lightgbm.trees": 5})


def test_unknown_names_and_columns_of_one_name_are_refused() -> None:
    with pytest.raises(BadInputError, match="use one of base_rate, calibrated, lightgbm, logistic, random_forest"):
        new_direction("prophet", ("rsi_14",))
    with pytest.raises(BadInputError, match="two features have one name"):
        new_direction("logistic", ("rsi_14", "rsi_14"))
    with pytest.raises(BadInputError, match="of a model with other columns"):
        new_direction("logistic", ("rsi_14",), {"columns": "rsi_21"})


@pytest.mark.parametrize("name", ["logistic", "random_forest", "lightgbm", "xgboost"])
def test_nothing_is_learned_from_no_columns(name: str) -> None:
    with pytest.raises(BadInputError, match="no feature to learn from"):
        new_direction(name, ()).fit(np.zeros((60, 0)), np.arange(60.0) % 2)


@pytest.mark.parametrize(("name", "scale"), [("xgboost", 1e300), ("lightgbm", 1e300), ("random_forest", 1e-320)])
def test_values_beyond_what_can_be_standardised_are_refused(name: str, scale: float) -> None:
    rng = np.random.default_rng(4)
    with pytest.raises(BadInputError, match="too large or too close to each other"):
        new_value(name, ("rsi_14",)).fit(rng.normal(size=(60, 1)), rng.normal(size=60) * scale)


def test_list_of_estimators_loads_no_library() -> None:
    code = (
        "import sys; from assay.models.registry import *; new_value('lightgbm', ('a',)); new_value('ewma', ('a',)); "
        "new_direction('random_forest', ('a',)); new_direction('xgboost', ('a',)); "
        "print([name for name in ('numba', 'sklearn', 'scipy', 'lightgbm', 'xgboost') if name in sys.modules])"
    )
    done = run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout == "[]\n"


@pytest.mark.parametrize("task", TASKS)
def test_reference_page_names_every_estimator_and_parameter(task: Task) -> None:
    page = (ROOT / "docs" / "reference" / "estimators.md").read_text(encoding="utf-8")
    lines = {line.split("`")[1]: line for line in page.splitlines() if line.startswith("| `")}
    for name in known_estimators(task):
        columns = CLOCK if name == "seasonal_naive" else ("rsi_14",)
        line = lines[name]
        assert task in line
        own = [one for one in new_estimator(task, name, columns).parameters if one != "columns" and "." not in one]
        assert [one for one in own if f"`{one}`" not in line] == []


def test_frozen_parameters_cannot_be_changed_after_the_checks() -> None:
    with pytest.raises(dataclasses.FrozenInstanceError):
        CalibrationParameters().folds = 0  # type: ignore[misc]
