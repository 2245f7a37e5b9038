"""The models of a notebook keep scikit-learn's conventions, and their files are checked before they are trusted."""

from __future__ import annotations

import pickle
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import polars as pl
import pytest
from numpy.typing import NDArray
from sklearn.base import clone, is_classifier
from sklearn.model_selection import GridSearchCV, cross_val_score
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler
from sklearn.utils.validation import check_is_fitted

import assay
from assay.domain.errors import BadInputError
from assay.models.artefact import Artefact, pack
from assay.models.estimator import NotFittedError
from assay.models.registry import new_direction, new_value
from assay.notebook.classifiers import CLASSIFIERS, DirectionClassifier
from assay.notebook.model_files import _LOADERS

NAMES = ["log_return_1", "rsi_14", "close_to_ema_12"]
MODELS: dict[str, Callable[[], DirectionClassifier]] = {
    "base_rate": assay.BaseRateClassifier,
    "logistic": lambda: assay.LogisticRegression(C=0.5),
    "random_forest": lambda: assay.RandomForestClassifier(n_estimators=8, max_depth=4),
    "lightgbm": lambda: assay.LightGBMClassifier(n_estimators=8),
    "xgboost": lambda: assay.XGBoostClassifier(n_estimators=8),
    "ensemble": lambda: assay.EnsembleModel(
        [assay.RandomForestClassifier(8, 4), assay.LogisticRegression(), assay.LightGBMClassifier(8)], [2, 1, 1]
    ),
}
every = pytest.mark.parametrize("name", MODELS)


@dataclass(frozen=True)
class Rows:
    X: pl.DataFrame
    y: NDArray[np.int64]


@pytest.fixture(scope="module", name="rows")
def _rows() -> Rows:
    rng = np.random.default_rng(7)
    drawn = rng.normal(size=(240, 3)) * [0.01, 15.0, 0.02] + [0.0, 50.0, 0.0]
    return Rows(pl.DataFrame(drawn, schema=NAMES), (100 * drawn[:, 0] + rng.normal(size=240) > 0).astype(np.int64))


@pytest.fixture(scope="module", name="fitted")
def _fitted(rows: Rows) -> dict[str, DirectionClassifier]:
    return {name: make().fit(rows.X, rows.y) for name, make in MODELS.items()}


@every
def test_conventions_of_a_classifier(name: str, rows: Rows, fitted: dict[str, DirectionClassifier]) -> None:
    model = fitted[name]
    assert is_classifier(model)
    check_is_fitted(model)
    probability, said = model.predict_proba(rows.X), model.predict(rows.X)
    assert probability.shape == (240, 2)
    np.testing.assert_allclose(probability.sum(axis=1), 1.0, rtol=1e-15)
    assert set(said) <= {0, 1}
    assert (said == (probability[:, 1] > 0.5)).all()
    assert model.score(rows.X, rows.y) == (said == rows.y).mean()
    assert (model.classes_.tolist(), model.n_features_in_, list(model.feature_names_in_)) == ([0, 1], 3, NAMES)
    assert model.predict(rows.X[:0]).shape == (0,)


@every
def test_copies_and_pickles(name: str, rows: Rows, fitted: dict[str, DirectionClassifier]) -> None:
    copy = clone(fitted[name])
    assert repr(copy) == repr(fitted[name])
    for asked in (copy.predict, copy.predict_proba):
        with pytest.raises(NotFittedError, match="call fit first"):
            asked(rows.X)
    with pytest.raises(NotFittedError):
        copy.save("nowhere.assay")
    wanted = fitted[name].predict_proba(rows.X).tobytes()
    assert copy.fit(rows.X, rows.y).predict_proba(rows.X).tobytes() == wanted
    assert pickle.loads(pickle.dumps(fitted[name])).predict_proba(rows.X).tobytes() == wanted
    assert copy.set_params(**copy.get_params(deep=False)).get_params(deep=False).keys() == copy.get_params(False).keys()
    with pytest.raises(ValueError, match="Invalid parameter"):
        copy.set_params(colour="red")


@every
def test_frames_of_polars_and_pandas_and_arrays_teach_the_same(
    name: str, rows: Rows, fitted: dict[str, DirectionClassifier]
) -> None:
    wanted = fitted[name].predict_proba(rows.X).tobytes()
    for X, y in ((rows.X.to_pandas(), pd.Series(rows.y)), (rows.X.to_numpy(), rows.y.tolist())):
        model = MODELS[name]().fit(X, y)
        assert model.predict_proba(X).tobytes() == wanted
        assert hasattr(model, "feature_names_in_") == isinstance(X, pd.DataFrame)
    assert fitted[name].predict_proba(rows.X.to_numpy()).tobytes() == wanted


@every
def test_saved_and_loaded_it_is_the_same(
    name: str, rows: Rows, fitted: dict[str, DirectionClassifier], tmp_path: Path
) -> None:
    path = fitted[name].save(tmp_path / "model.assay")
    again = type(fitted[name]).load(str(path), columns=rows.X.columns)
    assert again.predict_proba(rows.X).tobytes() == fitted[name].predict_proba(rows.X).tobytes()
    assert again.save(tmp_path / "again.assay").read_bytes() == path.read_bytes()
    assert list(again.feature_names_in_) == NAMES
    # It can be taught anew, and is what it was.
    assert again.fit(rows.X, rows.y).save(path).read_bytes() == (tmp_path / "again.assay").read_bytes()


@every
def test_other_columns_or_another_order_are_refused(
    name: str, rows: Rows, fitted: dict[str, DirectionClassifier], tmp_path: Path
) -> None:
    turned = rows.X.select(NAMES[::-1])
    path = fitted[name].save(tmp_path / "model.assay")
    for asked in (
        lambda: fitted[name].predict(turned),
        lambda: fitted[name].predict(turned.to_pandas()),
        lambda: type(fitted[name]).load(path, columns=turned.columns),
        lambda: type(fitted[name]).load(path).predict(turned),
    ):
        with pytest.raises(BadInputError, match="another order than the model's"):
            asked()
    with pytest.raises(BadInputError, match="without rsi_14; with rsi_21"):
        fitted[name].predict(rows.X.rename({"rsi_14": "rsi_21"}))


def test_every_estimator_that_can_vote_has_a_class_with_its_parameters() -> None:
    for name, kind in CLASSIFIERS.items():
        model = new_direction(name, NAMES)
        own = {there for there in model.parameters if there != "columns"}
        assert set(kind._names.values()) == own
        # What is usual here is what is usual there.
        assert {there: getattr(kind(), here) for here, there in kind._names.items()} == {
            there: model.parameters[there] for there in own
        }
        assert getattr(assay, _LOADERS[name]) is kind


def test_search_and_cross_validation_of_scikit_learn_take_them(rows: Rows) -> None:
    search = GridSearchCV(assay.RandomForestClassifier(5), {"max_depth": np.array([2, 3])}, cv=3).fit(rows.X, rows.y)
    assert search.best_params_["max_depth"] in (2, 3)
    assert cross_val_score(assay.LogisticRegression(), rows.X, rows.y, cv=3, scoring="neg_log_loss").mean() > -0.7
    piped = make_pipeline(StandardScaler(), assay.LogisticRegression()).fit(rows.X, rows.y)
    assert piped.score(rows.X, rows.y) > 0.6


def test_labels_of_any_two_kinds_are_taught_and_only_numbers_are_kept(rows: Rows, tmp_path: Path) -> None:
    usual = assay.LogisticRegression().fit(rows.X, rows.y).predict_proba(rows.X)
    words = np.where(rows.y == 1, "up", "down")
    model = assay.LogisticRegression().fit(rows.X, words)
    assert model.predict_proba(rows.X).tobytes() == usual.tobytes()
    assert set(model.predict(rows.X)) == {"down", "up"}
    with pytest.raises(BadInputError, match="labels 0 and 1"):
        model.save(tmp_path / "model.assay")
    true = assay.LogisticRegression().fit(rows.X, rows.y == 1)
    assert true.predict(rows.X).dtype == np.bool_
    assert assay.LogisticRegression.load(true.save(tmp_path / "model.assay")).predict(rows.X).dtype.kind == "i"


@pytest.mark.parametrize(
    ("what", "spoil"),
    [
        ("all training labels are the same", lambda X, y: (X, y * 0)),
        ("labels are not of two classes: '3 classes'", lambda X, y: (X, np.arange(len(y)) % 3)),
        ("a label is missing: 'row 3'", lambda X, y: (X, np.where(np.arange(len(y)) == 3, np.nan, y))),
        ("a label is missing: 'row 0'", lambda X, y: (X, [None, *y[1:].tolist()])),
        ("labels are no column", lambda X, y: (X, np.column_stack((y, y)))),
        ("labels cannot be compared", lambda X, y: (X, np.array(["a", *y[1:]], dtype=object))),
        ("labels and features differ in length", lambda X, y: (X, y[:-1])),
        ("a feature is NaN or infinite: 'rsi_14, row 5'",
         lambda X, y: (X.with_columns(rsi_14=pl.when(pl.int_range(len(y)) == 5).then(None).otherwise(0.5)), y)),
        ("features are not numbers", lambda X, y: (X.with_columns(rsi_14=pl.lit("a")), y)),
        ("features are no table", lambda X, y: (X["rsi_14"], y)),
        ("two features have one name", lambda X, y: (X.to_pandas().set_axis(["a", "b", "a"], axis=1), y)),
    ],
)  # fmt: skip
def test_rows_and_labels_that_cannot_be_used_are_refused(
    rows: Rows, what: str, spoil: Callable[[pl.DataFrame, NDArray[np.int64]], tuple[Any, Any]]
) -> None:
    X, y = spoil(rows.X, rows.y)
    with pytest.raises(BadInputError, match=what):
        assay.LogisticRegression().fit(X, y)


def test_parameters_and_weights_that_cannot_be_used_are_refused(rows: Rows) -> None:
    for model in (
        assay.RandomForestClassifier(n_estimators=0),
        assay.RandomForestClassifier(random_state=None),  # type: ignore[arg-type]
        assay.XGBoostClassifier(max_depth=1.5),  # type: ignore[arg-type]
        assay.LogisticRegression(C=float("nan")),
    ):
        with pytest.raises(BadInputError, match="out of range|is not a"):
            model.fit(rows.X, rows.y)
    with pytest.raises(BadInputError, match="weights"):
        assay.LogisticRegression().fit(rows.X, rows.y, sample_weight=-np.ones(240))
    with pytest.raises(BadInputError, match="weights are not numbers"):
        assay.LogisticRegression().fit(rows.X, rows.y, sample_weight=["a"] * 240)


def test_ensemble_is_the_weighted_mean_of_what_its_members_say(
    rows: Rows, fitted: dict[str, DirectionClassifier]
) -> None:
    members = [fitted["random_forest"], fitted["logistic"]]
    vote = assay.EnsembleModel(members, weights=[3, 1])
    wanted = (3 * members[0].predict_proba(rows.X)[:, 1] + members[1].predict_proba(rows.X)[:, 1]) / 4
    np.testing.assert_allclose(vote.predict_proba(rows.X)[:, 1], wanted, rtol=1e-15)
    check_is_fitted(vote)
    assert vote.members_ == members
    # To fit it teaches copies.
    other = 1 - rows.y
    before = members[0].predict_proba(rows.X).tobytes()
    assert vote.fit(rows.X, other).score(rows.X, other) > 0.5
    assert members[0].predict_proba(rows.X).tobytes() == before
    assert vote.members_[0].predict_proba(rows.X).tobytes() != before


def test_members_that_cannot_vote_together_are_refused(rows: Rows, fitted: dict[str, DirectionClassifier]) -> None:
    other = assay.LogisticRegression().fit(rows.X.rename({"rsi_14": "rsi_21"}), rows.y)
    for what, models, weights in (
        ("nobody to vote", [], None),
        ("two models of one kind", [assay.LogisticRegression(), assay.LogisticRegression(C=2)], None),
        ("not a model that can vote here: 'StandardScaler'", [StandardScaler()], None),
        ("not a model that can vote here: 'EnsembleModel'", [assay.EnsembleModel()], None),
        ("differ in number: '2 weights, 1 models'", [assay.LogisticRegression()], [1, 2]),
        ("weights of the members are not usable", [assay.LogisticRegression()], [0]),
    ):
        with pytest.raises(BadInputError, match=what):
            assay.EnsembleModel(models, weights).fit(rows.X, rows.y)
    with pytest.raises(BadInputError, match="taught other columns"):
        assay.EnsembleModel([fitted["random_forest"], other]).predict(rows.X)


@pytest.fixture
def kept(fitted: dict[str, DirectionClassifier], tmp_path: Path) -> Path:
    return fitted["ensemble"].save(tmp_path / "model.assay")


def test_file_that_is_not_what_was_saved_is_refused(kept: Path) -> None:
    whole = kept.read_bytes()
    spoiled = {
        "truncated": whole[:-1],
        "longer": whole + b"\0",
        "empty": b"",
        "pickle": pickle.dumps({"model": [1, 2]}),
        "html": b"<!doctype html>",
        "format": whole.replace(b"assay-model 1 ", b"assay-model 2 ", 1),
    }
    rng = np.random.default_rng(3)
    for at in (0, 14, 40, *rng.integers(80, len(whole), 20).tolist()):
        spoiled[f"byte {at}"] = whole[:at] + bytes([whole[at] ^ 1]) + whole[at + 1 :]
    for name, content in spoiled.items():
        kept.write_bytes(content)
        with pytest.raises(BadInputError, match="not a file of a model|damaged|another format"):
            assay.EnsembleModel.load(kept)
        assert name
    kept.write_bytes(whole)
    assay.EnsembleModel.load(kept)


def test_file_of_another_model_says_who_loads_it(kept: Path, rows: Rows, tmp_path: Path) -> None:
    with pytest.raises(BadInputError, match=r"another model, voting of a direction.*assay\.EnsembleModel\.load"):
        assay.RandomForestClassifier.load(kept)
    value = new_value("drift", NAMES).fit(rows.X.to_numpy(), rows.y.astype(float))
    kept.write_bytes(pack(Artefact("value", value, tuple(NAMES), "")))
    with pytest.raises(BadInputError, match="drift of a value.*no class here does"):
        assay.EnsembleModel.load(kept)
    for place in (tmp_path / "gone.assay", kept / "inside", tmp_path):
        with pytest.raises(BadInputError, match="no such file|a directory is no file"):
            assay.EnsembleModel.load(place)
    with pytest.raises(BadInputError, match="a directory has this name"):
        assay.LogisticRegression().fit(rows.X, rows.y).save(tmp_path)


def test_vote_of_every_kind_that_the_registry_makes_is_loaded(rows: Rows, kept: Path) -> None:
    made = new_direction("voting", NAMES, {"members": ",".join(CLASSIFIERS), "weights": "1,1,1,1,1",
                         "random_forest.trees": 3, "lightgbm.trees": 3, "xgboost.trees": 3})  # fmt: skip
    fitted = made.fit(rows.X.to_numpy(), rows.y.astype(float))
    kept.write_bytes(pack(Artefact("direction", fitted, tuple(NAMES), "direction/1#00ff")))
    again = assay.EnsembleModel.load(kept)
    assert [type(one) for one in again.members_] == list(CLASSIFIERS.values())
    assert again.predict_proba(rows.X)[:, 1].tobytes() == fitted.predict_proba(rows.X.to_numpy()).tobytes()
