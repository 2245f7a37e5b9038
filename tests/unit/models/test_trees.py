"""Flat trees against the libraries that grew them, and against trees written down by hand."""

from __future__ import annotations

import sys
from types import ModuleType
from typing import Any

import lightgbm
import numpy as np
import pytest
import sklearn.ensemble
import xgboost
from numpy.typing import NDArray

from assay.domain.errors import BadInputError, SettingsError
from assay.models.flat_trees import Answer, FlatTree, FlatTrees
from assay.models.lightgbm import LightGbm
from assay.models.random_forest import RandomForest
from assay.models.registry import new_direction, new_value
from assay.models.trees import DirectionTrees, ValueTrees
from assay.models.xgboost import Xgboost

Floats = NDArray[np.float64]
COLUMNS = ("log_return_1", "rsi_14", "close_to_ema_12", "volume")
LESSON = 600


@pytest.fixture(scope="module", name="lesson")
def _lesson() -> tuple[Floats, Floats, Floats, Floats]:
    """Return features of very different sizes, labels, values and weights."""
    rng = np.random.default_rng(11)
    features = rng.normal(size=(LESSON, 4)) * [0.01, 15, 0.02, 1e9] + [0, 50, 0, 3e9]
    effect = 60 * features[:, 0] + np.sin(features[:, 1] / 5) + rng.normal(size=LESSON)
    return features, (effect > 0).astype(float), effect * 50 + 1000, rng.uniform(0.2, 1.0, LESSON)


def near_thresholds(learned: dict[str, NDArray[Any]], features: Floats) -> Floats:
    """Return, for nodes of the trees, rows just below, at and just above the number that is compared."""
    inner = np.flatnonzero(learned["feature"] >= 0)[:1500]
    rows = np.repeat(features[np.arange(inner.size) % len(features)], 5, axis=0)
    column, number = np.repeat(learned["feature"][inner], 5), learned["number"][inner]
    single = number.astype(np.float32)
    around = (
        np.nextafter(number, -np.inf), number, np.nextafter(number, np.inf),
        np.nextafter(single, np.float32(-np.inf)).astype(float), np.nextafter(single, np.float32(np.inf)).astype(float),
    )  # fmt: skip
    rows[np.arange(len(rows)), column] = np.column_stack(around).ravel()
    return np.concatenate((features, rows))


def test_forest_says_the_bits_of_scikit_learn(
    lesson: tuple[Floats, Floats, Floats, Floats], monkeypatch: pytest.MonkeyPatch
) -> None:
    features, labels, values, weight = lesson
    theirs = made_by(monkeypatch, "RandomForestClassifier")
    ours = DirectionTrees(COLUMNS, RandomForest()).fit(features, labels, sample_weight=weight)
    rows = near_thresholds(dict(ours.learned), features)
    assert ours.predict_proba(rows).tobytes() == theirs[0].predict_proba(rows)[:, 1].tobytes()
    assert (len(theirs[0].estimators_), max(one.get_depth() for one in theirs[0].estimators_)) == (200, 15)

    theirs = made_by(monkeypatch, "RandomForestRegressor")
    model = ValueTrees(COLUMNS, RandomForest(trees=50)).fit(features, values, sample_weight=weight)
    mean, spread = model.learned["mean"][0], model.learned["spread"][0]
    assert model.predict(rows).tobytes() == (mean + spread * theirs[0].predict(rows)).tobytes()
    assert np.corrcoef(model.predict(features), values)[0, 1] > 0.7


def made_by(monkeypatch: pytest.MonkeyPatch, name: str) -> list[Any]:
    """Return the list to which every forest that is made from now on is added."""
    kind, made = getattr(sklearn.ensemble, name), []

    def make(**settings: object) -> object:
        made.append(kind(**settings))
        return made[-1]

    monkeypatch.setattr(sklearn.ensemble, name, make)
    return made


def trained_by(monkeypatch: pytest.MonkeyPatch, package: ModuleType) -> list[Any]:
    """Return the list to which every booster that is trained from now on is added."""
    train, made = package.train, []

    def keep(*args: object, **settings: object) -> object:
        made.append(train(*args, **settings))
        return made[-1]

    monkeypatch.setattr(package, "train", keep)
    return made


def test_lightgbm_says_the_bits_of_the_library(
    lesson: tuple[Floats, Floats, Floats, Floats], monkeypatch: pytest.MonkeyPatch
) -> None:
    features, labels, values, weight = lesson
    theirs = trained_by(monkeypatch, lightgbm)
    ours = DirectionTrees(COLUMNS, LightGbm()).fit(features, labels, sample_weight=weight)
    rows = near_thresholds(dict(ours.learned), features)
    assert ours.predict_proba(rows).tobytes() == theirs[0].predict(rows, num_threads=1).tobytes()
    model = ValueTrees(COLUMNS, LightGbm(trees=50)).fit(features, values)
    mean, spread = model.learned["mean"][0], model.learned["spread"][0]
    assert model.predict(rows).tobytes() == (mean + spread * theirs[1].predict(rows, num_threads=1)).tobytes()
    assert np.corrcoef(model.predict(features), values)[0, 1] > 0.7


def test_xgboost_says_the_bits_of_the_library(
    lesson: tuple[Floats, Floats, Floats, Floats], monkeypatch: pytest.MonkeyPatch
) -> None:
    features, labels, values, weight = lesson
    theirs = trained_by(monkeypatch, xgboost)
    ours = DirectionTrees(COLUMNS, Xgboost()).fit(features, labels, sample_weight=weight)
    rows = near_thresholds(dict(ours.learned), features)
    start = np.full(len(rows), ours.learned["start"][0])
    said = theirs[0].predict(xgboost.DMatrix(rows, base_margin=start, nthread=1))
    assert ours.predict_proba(rows).tobytes() == said.astype(np.float64).tobytes()
    model = ValueTrees(COLUMNS, Xgboost(trees=50)).fit(features, values)
    mean, spread = model.learned["mean"][0], model.learned["spread"][0]
    start = np.full(len(rows), model.learned["trees.start"][0])
    said = theirs[1].predict(xgboost.DMatrix(rows, base_margin=start, nthread=1)).astype(np.float64)
    assert model.predict(rows).tobytes() == (mean + spread * said).tobytes()
    assert np.corrcoef(model.predict(features), values)[0, 1] > 0.7


@pytest.mark.parametrize("grower", [RandomForest(trees=20), LightGbm(trees=20), Xgboost(trees=20)])
def test_unit_of_the_values_does_not_matter(
    lesson: tuple[Floats, Floats, Floats, Floats], grower: RandomForest | LightGbm | Xgboost
) -> None:
    # A power of two changes no digit; without standardising, XGBoost would not split on values as small as these.
    features, _, values, _ = lesson
    plain = ValueTrees(COLUMNS, grower).fit(features, values).predict(features)
    small = ValueTrees(COLUMNS, grower).fit(features, values * 2.0**-30).predict(features)
    assert small.tobytes() == (plain * 2.0**-30).tobytes()


def test_hand_written_trees_are_added_averaged_and_squashed() -> None:
    # A leaf alone, and a tree that asks column 1 and then, on the right, column 0.
    leaf = FlatTree([-1], [0.5], [-1], [-1])
    tree = FlatTree([1, -1, 0, -1, -1], [0.0, 1.0, 10.0, 2.0, 3.0], [1, -1, 3, -1, -1], [2, -1, 4, -1, -1])
    rows = np.array([[99.0, 0.0], [10.0, 0.1], [10.1, 0.1]])
    sums = np.array([1.5, 2.5, 3.5])
    added = FlatTrees.of([leaf, tree], n_features=2, how=Answer("exact", "sum"))
    assert added.ask(rows).tolist() == sums.tolist()
    averaged = FlatTrees.of([leaf, tree], n_features=2, how=Answer("exact", "mean"))
    assert averaged.ask(rows).tolist() == (sums / 2).tolist()
    squashed = FlatTrees.of([leaf, tree], n_features=2, how=Answer("exact", "logistic"), start=-2.5).ask(rows)
    np.testing.assert_allclose(squashed, 1 / (1 + np.exp(-(sums - 2.5))), rtol=1e-15)


def test_rounding_decides_where_a_row_goes() -> None:
    # 0.1 as a float32 is a little more than 0.1.
    tree = FlatTree([0, -1, -1], [0.1, 1.0, 2.0], [1, -1, -1], [2, -1, -1])
    hows = (Answer("exact"), Answer("rounded_features"), Answer("rounded"))
    said = [FlatTrees.of([tree], n_features=1, how=how).ask(np.array([[0.1]]))[0] for how in hows]
    assert said == [1.0, 2.0, 2.0]


def test_log_odds_of_any_size_are_probabilities_without_a_warning() -> None:
    for how in (Answer("exact", "logistic"), Answer("rounded", "logistic")):
        for odds, expected in ((1e5, 1.0), (-1e5, 0.0)):
            trees = FlatTrees.of([FlatTree([-1], [odds], [-1], [-1])], n_features=1, how=how)
            assert trees.ask(np.zeros((1, 1))).tolist() == [expected]


SOUND = {
    "feature": np.array([0, -1, -1, -1], dtype=np.int32),
    "number": np.array([0.0, 1.0, 2.0, 3.0]),
    "left": np.array([1, -1, -1, -1], dtype=np.int32),
    "right": np.array([2, -1, -1, -1], dtype=np.int32),
    "roots": np.array([0, 3], dtype=np.int32),
    "start": np.array([0.0]),
}


@pytest.mark.parametrize(
    ("name", "values"),
    [
        ("left", [0, -1, -1, -1]),  # round and round
        ("left", [-1, -1, -1, -1]),  # before the first
        ("right", [3, -1, -1, -1]),  # into the next tree
        ("right", [4, -1, -1, -1]),  # beyond the last
        ("feature", [1, -1, -1, -1]),  # a column that is not there
        ("feature", [-2, -1, -1, -1]),
        ("feature", [0, -1, -1, 0]),  # a leaf that asks on
        ("roots", [1, 3]),
        ("roots", [0, 4]),
        ("roots", [0, 0]),
        ("number", [0.0, 1.0, np.inf, 3.0]),
        ("number", [0.0, 1.0, 2.0]),
        ("start", [np.nan]),
    ],
)
def test_arrays_that_are_no_trees_are_refused_before_they_are_asked(name: str, values: list[float]) -> None:
    FlatTrees.from_learned(SOUND, n_features=1, how=Answer())
    with pytest.raises(BadInputError, match="what the model has learned cannot be used"):
        FlatTrees.from_learned(SOUND | {name: np.array(values, dtype=SOUND[name].dtype)}, n_features=1, how=Answer())


def test_trees_that_were_checked_stay_as_they_were() -> None:
    given = {name: values.copy() for name, values in SOUND.items()}
    trees = FlatTrees.from_learned(given, n_features=1, how=Answer())
    given["left"][0] = -5
    assert trees.ask(np.zeros((1, 1))).tolist() == [4.0]
    with pytest.raises(ValueError, match="read-only"):
        trees.left[0] = -5


def test_forest_whose_leaves_are_no_probabilities_is_refused() -> None:
    with pytest.raises(BadInputError, match="no probability"):
        DirectionTrees(("rsi_14",), RandomForest()).taught(SOUND)


@pytest.mark.parametrize("name", ["lightgbm", "xgboost"])
def test_missing_library_is_said_with_what_to_install(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, name, None)
    rng = np.random.default_rng(3)
    features, values = rng.normal(size=(60, 1)), rng.normal(size=60)
    with pytest.raises(SettingsError, match=rf"'{name}'; run `pip install 'assay\[ml\]'`"):
        new_value(name, ("rsi_14",)).fit(features, values)
    with pytest.raises(SettingsError, match="is not installed"):
        new_direction(name, ("rsi_14",)).fit(features, (values > 0).astype(float))
