"""The search for parameters: what it looks at, what it costs in trials, and that the same search finds the same."""

from __future__ import annotations

import dataclasses
import sys
from datetime import UTC, datetime
from pathlib import Path

import numpy as np
import polars as pl
import pytest

from assay.domain.errors import BadInputError, SettingsError, TerminalError
from assay.domain.model_key import ModelKey
from assay.lake.sealed import Author, LocalDocuments
from assay.lake.trial_ledger import count_trials, read_trials
from assay.lake.trials import Configuration
from assay.models.registry import new_direction, new_value
from assay.models.splits import walk_forward
from assay.pipelines.searching import SCORE, Question, Searched, folds_to_choose_on, search
from assay.pipelines.training_rows import Rows

HOUR = 3_600_000_000
COUNT = 1_400
KEY = ModelKey("direction_1h", "binance:spot:BTC-USDT:1h")
ADA = Author("ada", datetime(2026, 1, 1, tzinfo=UTC))
COLUMNS = ("known", *(f"noise_{number}" for number in range(5)))


def made_rows() -> Rows:
    """Return rows of which one feature knows a little; the others tempt a model that is hardly held back."""
    rng = np.random.default_rng(5)
    matrix = rng.normal(size=(COUNT, len(COLUMNS)))
    labels = (rng.random(COUNT) < np.where(matrix[:, 0] > 0, 0.6, 0.4)).astype(float)
    at = 1_600_000_000_000_000 + np.arange(COUNT) * HOUR
    return Rows(COLUMNS, matrix, labels, at, at + HOUR, np.where(labels > 0, 0.01, -0.01), pl.DataFrame())


def question(
    rows: Rows, *, budget: int = 6, seed: int = 7, model: str = "lightgbm", fixed: tuple[str, ...] = ()
) -> Question:
    given = {"trees": 10, "leaves": 4, "seed": seed} if model == "lightgbm" else {}
    estimator = new_direction(model, COLUMNS, given)
    parameters = {name: value for name, value in estimator.parameters.items() if name != "seed"}
    configuration = Configuration(KEY, model, parameters, "made/1#00", data_version="d1", seed=seed)
    folds = walk_forward(rows.at, rows.until, folds=4, embargo_us=HOUR)
    return Question(estimator, "direction", configuration, rows, folds, budget, ("trees", "leaves", *fixed))


@pytest.fixture(scope="module")
def rows() -> Rows:
    return made_rows()


@pytest.fixture(scope="module")
def kept(tmp_path_factory: pytest.TempPathFactory) -> LocalDocuments:
    return LocalDocuments(Path(tmp_path_factory.mktemp("ledger")))


@pytest.fixture(scope="module")
def found(rows: Rows, kept: LocalDocuments) -> Searched:
    return search(kept, question(rows), ADA)


def test_every_combination_is_a_trial_and_the_best_one_is_taken(found: Searched, kept: LocalDocuments) -> None:
    trials = read_trials(kept, KEY)
    assert count_trials(kept).of(KEY).trials == len(trials) == found.document["combinations"] == 6
    losses = {one.configuration.trial: one.scores[SCORE] for one in trials if one.scores}
    assert losses[found.configuration.trial] == min(losses.values()) == found.document["best_loss"]
    usual = question(made_rows()).configuration
    assert losses[usual.trial] == found.document["usual_loss"]
    assert {name: found.estimator.parameters[name] for name in ("trees", "leaves", "seed")} == {
        "trees": 10, "leaves": 4, "seed": 7,
    }  # fmt: skip
    assert dict(found.document["best"]).keys() == {  # type: ignore[call-overload]
        "learning_rate", "row_share", "column_share", "l2", "min_leaf_rows",
    }  # fmt: skip


def test_same_search_finds_the_same_and_counts_once(found: Searched, rows: Rows, kept: LocalDocuments) -> None:
    again = search(kept, question(rows), ADA)
    assert (again.configuration, again.document) == (found.configuration, found.document)
    assert count_trials(kept).of(KEY).trials == 6


def test_outcomes_of_later_folds_have_no_part_in_the_choice(found: Searched, rows: Rows, tmp_path: Path) -> None:
    asked = question(rows)
    first = asked.folds[folds_to_choose_on(len(asked.folds))].test_start
    later = rows.at >= first
    other = dataclasses.replace(
        rows, labels=np.where(later, 1.0 - rows.labels, rows.labels), matrix=np.where(later[:, None], 9.0, rows.matrix)
    )  # fmt: skip
    assert search(LocalDocuments(tmp_path), question(other), ADA).configuration == found.configuration


def test_what_was_tried_before_an_interrupt_is_kept(rows: Rows, tmp_path: Path) -> None:
    ledger = LocalDocuments(tmp_path)

    def interrupt(done: int) -> None:
        if done == 3:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        search(ledger, question(rows), ADA, told=interrupt)
    assert any(one.scores for one in read_trials(ledger, KEY))
    assert count_trials(ledger).of(KEY).trials == 3
    assert search(ledger, question(rows), ADA).document["combinations"] == 6


def test_parameters_that_somebody_gave_stay(rows: Rows, tmp_path: Path) -> None:
    given = ("learning_rate", "row_share", "column_share", "l2")
    made = search(LocalDocuments(tmp_path), question(rows, budget=3, fixed=given), ADA)
    assert set(made.document["best"]) == {"min_leaf_rows"}  # type: ignore[call-overload]
    assert made.estimator.parameters["learning_rate"] == 0.05
    with pytest.raises(BadInputError, match="no parameter to search"):
        search(LocalDocuments(tmp_path), question(rows, fixed=(*given, "min_leaf_rows")), ADA)


def test_combination_that_cannot_be_fitted_counts_and_is_passed_over(tmp_path: Path) -> None:
    # The first block has 280 rows: leaves of more than 140 of them are refused. All of those tried are taken down.
    ledger = LocalDocuments(tmp_path)
    asked = question(made_rows(), budget=8, fixed=("learning_rate", "row_share", "column_share", "l2"))
    made = search(ledger, asked, ADA)
    unscored = [one for one in read_trials(ledger, KEY) if not one.scores]
    assert unscored
    assert len(unscored) == made.document["not_fitted"]
    assert all(int(str(one.configuration.parameters["min_leaf_rows"])) > 140 for one in unscored)
    assert int(str(made.estimator.parameters["min_leaf_rows"])) <= 140


def test_nothing_to_search_and_no_budget_are_refused(rows: Rows, tmp_path: Path) -> None:
    ledger = LocalDocuments(tmp_path)
    with pytest.raises(BadInputError, match="no parameter to search: 'base_rate'; leave --search out"):
        search(ledger, question(rows, model="base_rate"), ADA)
    for budget in (-1, 0, 1, 10_001):
        with pytest.raises(BadInputError, match="not a number of combinations"):
            search(ledger, question(rows, budget=budget), ADA)
    assert count_trials(ledger).total.trials == 0


def test_nothing_that_can_be_fitted_is_an_error(rows: Rows, tmp_path: Path) -> None:
    flat = dataclasses.replace(rows, labels=np.ones(COUNT))
    with pytest.raises(TerminalError, match="no combination of parameters can be fitted"):
        search(LocalDocuments(tmp_path), question(flat, budget=2, model="logistic"), ADA)


def test_without_the_package_the_extra_is_named(rows: Rows, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "optuna", None)
    with pytest.raises(SettingsError, match=r"optuna.*pip install 'assay\[ml\]'"):
        search(LocalDocuments(tmp_path), question(rows), ADA)


def test_values_are_searched_by_squared_errors(rows: Rows, tmp_path: Path) -> None:
    estimator = new_value("ewma", COLUMNS)
    configuration = Configuration(KEY, "ewma", dict(estimator.parameters), "made/1#00", data_version="d1", seed=7)
    folds = walk_forward(rows.at, rows.until, folds=4, embargo_us=HOUR)
    values = dataclasses.replace(rows, labels=rows.forward_return)
    asked = Question(estimator, "value", configuration, values, folds, 4)
    made = search(LocalDocuments(tmp_path), asked, ADA)
    assert float(str(made.document["best_loss"])) <= float(str(made.document["usual_loss"]))
