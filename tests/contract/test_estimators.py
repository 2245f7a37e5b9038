"""One list of checks for every estimator of the registry: directions and values."""

from __future__ import annotations

import hashlib
import json
import pickle
from dataclasses import dataclass
from typing import cast

import numpy as np
import pytest
from numpy.typing import NDArray

from assay.domain.errors import AssayError, BadInputError, NoDataError
from assay.models.artefact import Artefact, model_hash, pack, unpack
from assay.models.estimator import NotFittedError
from assay.models.registry import (
    TASKS,
    Model,
    StorableDirection,
    StorableValue,
    Task,
    known_estimators,
    new_estimator,
)

Floats = NDArray[np.float64]
COLUMNS = ("log_return_1", "rsi_14", "close_to_ema_12", "hour_utc", "weekday_utc")
ROWS = 480
SMALL: dict[str, dict[str, object]] = {
    "random_forest": {"trees": 30, "depth": 6},
    "lightgbm": {"trees": 30},
    "xgboost": {"trees": 30},
    "voting": {
        "weights": "1,2,1,0.5",
        "random_forest.trees": 30,
        "lightgbm.trees": 30,
        "xgboost.trees": 30,
        "logistic.inverse_penalty": 0.1,
    },
    "calibrated": {"of": "lightgbm", "method": "isotonic", "folds": 2, "lightgbm.trees": 10},
}
TREES = ("random_forest", "lightgbm", "xgboost")
UNMOVED = ("last_value", "seasonal_naive")
"""Baselines that look at no weight but 0."""


@dataclass(frozen=True)
class Case:
    task: Task
    name: str

    def new(self, **others: object) -> Model:
        return new_estimator(self.task, self.name, COLUMNS, {**SMALL.get(self.name, {}), **others})

    def say(self, model: Model, features: Floats) -> Floats:
        if self.task == "direction":
            return cast("StorableDirection", model).predict_proba(features)
        return cast("StorableValue", model).predict(features)

    def hash(self, model: Model) -> str:
        return model_hash(self.task, model, COLUMNS)

    def kept(self, model: Model) -> bytes:
        return pack(Artefact(self.task, model, COLUMNS, "direction:v1:0123456789abcdef"))


@dataclass(frozen=True)
class Rows:
    features: Floats
    labels: Floats
    values: Floats

    def of(self, case: Case) -> Floats:
        return self.labels if case.task == "direction" else self.values


CASES = [Case(task, name) for task in TASKS for name in known_estimators(task)]
TREE_CASES = [case for case in CASES if case.name in TREES]
every = pytest.mark.parametrize("case", CASES, ids=lambda case: f"{case.task}-{case.name}")
every_tree = pytest.mark.parametrize("case", TREE_CASES, ids=lambda case: f"{case.task}-{case.name}")
looking = pytest.mark.parametrize(
    "case", [case for case in CASES if case.name != "base_rate"], ids=lambda case: f"{case.task}-{case.name}"
)


@pytest.fixture(scope="module", name="rows")
def _rows() -> Rows:
    """Return hourly rows on very different scales that nobody can write to, with a weak effect of the first column."""
    rng = np.random.default_rng(7)
    drawn = rng.normal(size=(ROWS, 3)) * [0.01, 15, 0.02] + [0, 50, 0]
    hours = np.arange(ROWS)
    features = np.column_stack((drawn, hours % 24, hours // 24 % 7)).astype(np.float64)
    effect = 60 * drawn[:, 0] + rng.normal(size=ROWS)
    made = Rows(features, (effect > 0.2).astype(np.float64), effect * 0.004)
    for array in (made.features, made.labels, made.values):
        array.flags.writeable = False
    return made


@pytest.fixture(scope="module", name="fitted")
def _fitted(rows: Rows) -> dict[Case, Model]:
    """Return every estimator taught the rows; those whose library is missing fail here, with what to install."""
    return {case: case.new().fit(rows.features, rows.of(case)) for case in CASES}


def sealed(header: dict[str, object], arrays: bytes) -> bytes:
    """Return the file of a model whose header says that, under a hash that is right."""
    rest = json.dumps(header, sort_keys=True).encode() + b"\n" + arrays
    return b"assay-model 1 %s\n" % hashlib.sha256(rest).hexdigest().encode() + rest


@every
def test_answers_are_finite_numbers_one_a_row(case: Case, rows: Rows, fitted: dict[Case, Model]) -> None:
    said = case.say(fitted[case], rows.features)
    assert said.shape == (ROWS,)
    assert said.dtype == np.float64
    assert np.all(np.isfinite(said))
    if case.task == "direction":
        assert np.all((said >= 0) & (said <= 1))
    assert case.say(fitted[case], rows.features[:0]).shape == (0,)


@every
def test_row_alone_gets_the_bits_it_gets_in_company(case: Case, rows: Rows, fitted: dict[Case, Model]) -> None:
    together = case.say(fitted[case], rows.features)
    alone = [case.say(fitted[case], rows.features[row : row + 1]) for row in range(0, ROWS, 8)]
    assert np.concatenate(alone).tobytes() == together[::8].tobytes()
    # However the rows lie in memory, and whatever stands beside them.
    assert case.say(fitted[case], np.asfortranarray(rows.features)).tobytes() == together.tobytes()
    assert case.say(fitted[case], rows.features[::-3]).tobytes() == together[::-3].tobytes()


@every
def test_clone_learns_the_same_and_knows_nothing_before(case: Case, rows: Rows, fitted: dict[Case, Model]) -> None:
    copy = fitted[case].clone()
    assert (copy.name, copy.parameters) == (case.name, fitted[case].parameters)
    for asked in (lambda: case.say(copy, rows.features), lambda: copy.learned, lambda: case.kept(copy)):
        with pytest.raises(NotFittedError, match="call fit first"):
            asked()
    # What it was taught before is forgotten; the rows are read-only, so that they cannot have been changed.
    other = 1 - rows.of(case)
    again = copy.fit(rows.features, other).fit(rows.features, rows.of(case))
    assert case.hash(again) == case.hash(fitted[case])
    assert case.kept(again) == case.kept(fitted[case])


@every
def test_parameters_make_the_same_estimator_again(case: Case, fitted: dict[Case, Model]) -> None:
    made = new_estimator(case.task, case.name, COLUMNS, fitted[case].parameters)
    assert made.parameters == fitted[case].parameters
    with pytest.raises(BadInputError, match="unknown parameter"):
        case.new(colour="red")


@every_tree
def test_seed_decides_what_is_drawn(case: Case, rows: Rows, fitted: dict[Case, Model]) -> None:
    other = case.new(seed=8).fit(rows.features, rows.of(case))
    assert case.hash(other) != case.hash(fitted[case])


@every
def test_row_of_weight_zero_is_as_good_as_absent(case: Case, rows: Rows) -> None:
    weight = np.where(np.arange(ROWS) % 4 == 1, 0.0, 1.0)
    weighs = weight > 0
    weighted = case.new().fit(rows.features, rows.of(case), sample_weight=weight)
    without = case.new().fit(rows.features[weighs], rows.of(case)[weighs])
    np.testing.assert_allclose(
        case.say(weighted, rows.features), case.say(without, rows.features), rtol=1e-9, atol=1e-15
    )


@every
def test_what_weighs_more_counts_more(case: Case, rows: Rows, fitted: dict[Case, Model]) -> None:
    target = rows.of(case)
    high = target > np.median(rows.values) if case.task == "value" else target > 0
    heavy = case.new().fit(rows.features, target, sample_weight=np.where(high, 8.0, 1.0))
    lift = case.say(heavy, rows.features).mean() - case.say(fitted[case], rows.features).mean()
    assert lift == 0 if case.name in UNMOVED else lift > 0.1 * target.std()


@every
def test_kept_and_read_back_it_says_the_same_bits(case: Case, rows: Rows, fitted: dict[Case, Model]) -> None:
    artefact = unpack(case.kept(fitted[case]), columns=COLUMNS)
    assert (artefact.task, artefact.estimator.name, artefact.columns) == (case.task, case.name, COLUMNS)
    assert artefact.estimator.parameters == fitted[case].parameters
    assert artefact.feature_set == "direction:v1:0123456789abcdef"
    said = case.say(fitted[case], rows.features).tobytes()
    assert case.say(artefact.estimator, rows.features).tobytes() == said
    assert case.kept(artefact.estimator) == case.kept(fitted[case])
    pickled = pickle.loads(pickle.dumps(fitted[case]))
    assert case.say(pickled, rows.features).tobytes() == said


@every
def test_file_of_a_model_over_other_columns_is_refused(case: Case, fitted: dict[Case, Model]) -> None:
    kept = case.kept(fitted[case])
    with pytest.raises(BadInputError, match="another order than the model's: 'rsi_14 where log_return_1 belongs'"):
        unpack(kept, columns=(COLUMNS[1], COLUMNS[0], *COLUMNS[2:]))
    with pytest.raises(BadInputError, match=r"not those of the model: 'without rsi_14; with rsi_21'"):
        unpack(kept, columns=(COLUMNS[0], "rsi_21", *COLUMNS[2:]))


@every
def test_learning_that_is_not_its_own_is_refused(case: Case, fitted: dict[Case, Model]) -> None:
    learned = dict(fitted[case].learned)
    untaught = fitted[case].clone()
    name = next(iter(learned))
    for wrong in (
        {},
        learned | {"other": np.ones(3)},
        learned | {name: learned[name].astype(np.float32)},
        learned | {name: np.stack((learned[name], learned[name]))},
        {one: array * np.nan if array.dtype == np.float64 else array for one, array in learned.items()},
    ):
        with pytest.raises(BadInputError, match="what the model has learned cannot be used"):
            untaught.taught(wrong)


@every
def test_learning_of_another_estimator_is_refused(case: Case, fitted: dict[Case, Model]) -> None:
    untaught = fitted[case].clone()
    refused = 0
    for model in fitted.values():
        # Trees of every library are the same arrays, and so are single numbers: what they are of, the file's header
        # tells, and the hash of the answers proves it (below).
        if model.learned.keys() == fitted[case].learned.keys():
            continue
        refused += 1
        with pytest.raises(BadInputError, match="what the model has learned cannot be used"):
            untaught.taught(model.learned)
    assert refused > 5


@every
def test_file_that_calls_itself_another_estimator_is_refused(case: Case, fitted: dict[Case, Model]) -> None:
    """Its hash is right: whoever wrote it knew how."""
    _, _, rest = case.kept(fitted[case]).partition(b"\n")
    line, _, arrays = rest.partition(b"\n")
    header = json.loads(line)
    for other in CASES:
        if (other.task, other.name) == (case.task, case.name):
            continue
        named = {"task": other.task, "estimator": other.name, "parameters": dict(fitted[other].parameters)}
        # A model of the other name is what it says it is only if it answers what is written there.
        forged = header | named | {"model_hash": other.hash(fitted[other])}
        with pytest.raises(BadInputError, match=r"cannot be used|answers otherwise"):
            unpack(sealed(forged, arrays))


@every
def test_file_of_another_task_or_unknown_estimator_is_refused(case: Case, fitted: dict[Case, Model]) -> None:
    _, _, rest = case.kept(fitted[case]).partition(b"\n")
    line, _, arrays = rest.partition(b"\n")
    header = json.loads(line)
    for wrong, what in (
        ({"task": "signal"}, "damaged: 'task signal'"),
        ({"estimator": "oracle"}, "no estimator of a .* has this name"),
        ({"parameters": header["parameters"] | {"colour": "red"}}, "unknown parameter"),
        ({"columns": [*COLUMNS[:-1], COLUMNS[0]]}, "parameters are of a model with other columns|one name"),
        ({"model_hash": "0" * 16}, "answers otherwise than where it was made"),
    ):
        with pytest.raises(BadInputError, match=what):
            unpack(sealed(header | wrong, arrays))


@every
def test_column_that_never_changes_is_refused_or_does_no_harm(case: Case, rows: Rows) -> None:
    constant = rows.features.copy()
    constant[:, 1] = 50.0
    model = case.new()
    told = f"{case.name},{model.parameters.get('members', '')},{model.parameters.get('of', '')}"
    if set(told.split(",")) & set(TREES):
        with pytest.raises(BadInputError, match="one value in all training rows: 'rsi_14'"):
            model.fit(constant, rows.of(case))
    else:
        said = case.say(model.fit(constant, rows.of(case)), constant)
        assert np.all(np.isfinite(said))


@looking
def test_rows_that_cannot_be_used_are_refused_with_their_place(
    case: Case, rows: Rows, fitted: dict[Case, Model]
) -> None:
    holed = rows.features.copy()
    holed[3, 1] = np.nan
    for asked in (lambda: case.say(fitted[case], holed), lambda: case.new().fit(holed, rows.of(case))):
        with pytest.raises(BadInputError, match="NaN or infinite: 'rsi_14, row 3'"):
            asked()
    for asked in (
        lambda: case.say(fitted[case], rows.features[:, :4]),
        lambda: case.new().fit(rows.features[:, :4], rows.of(case)),
    ):
        with pytest.raises(BadInputError, match="give the columns log_return_1, rsi_14"):
            asked()


@every
def test_targets_and_weights_that_cannot_be_used_are_refused(case: Case, rows: Rows) -> None:
    target = rows.of(case).copy()
    target[17] = np.nan
    with pytest.raises(BadInputError, match="row 17"):
        case.new().fit(rows.features, target)
    with pytest.raises(BadInputError, match="differ in length"):
        case.new().fit(rows.features, target[:-1])
    for weight in (np.full(ROWS, -1.0), np.zeros(ROWS), np.ones(3), np.full(ROWS, np.inf)):
        with pytest.raises(BadInputError, match="weights"):
            case.new().fit(rows.features, rows.of(case), sample_weight=weight)


@looking
def test_one_class_only_teaches_no_direction(case: Case, rows: Rows) -> None:
    if case.task == "direction":
        with pytest.raises(BadInputError, match="all training labels are the same"):
            case.new().fit(rows.features, np.ones(ROWS))
    elif case.name in TREES:
        with pytest.raises(BadInputError, match="all values to learn are the same"):
            case.new().fit(rows.features, np.full(ROWS, 0.1))
    else:
        said = case.say(case.new().fit(rows.features, np.full(ROWS, 0.1)), rows.features)
        np.testing.assert_allclose(said, 0.0 if case.name == "last_value" else 0.1, rtol=1e-12)


@every_tree
def test_trees_refuse_constant_and_huge_columns_and_too_few_rows(case: Case, rows: Rows) -> None:
    constant = rows.features.copy()
    constant[:, 1] = 50.0
    with pytest.raises(BadInputError, match="one value in all training rows: 'rsi_14'"):
        case.new().fit(constant, rows.of(case))
    huge = rows.features.copy()
    huge[5, 2] = 1e39
    with pytest.raises(BadInputError, match="too large: 'close_to_ema_12"):
        case.new().fit(huge, rows.of(case))
    with pytest.raises(NoDataError, match="too few rows to learn from: '49'"):
        case.new().fit(rows.features[:49], rows.of(case)[:49])


@pytest.mark.parametrize(
    "case",
    [case for case in TREE_CASES if "min_leaf_rows" in case.new().parameters],
    ids=lambda case: f"{case.task}-{case.name}",
)
def test_leaves_of_more_than_half_of_the_rows_are_refused(case: Case, rows: Rows) -> None:
    half = case.new(min_leaf_rows=ROWS // 2, trees=1)
    half.fit(rows.features, rows.of(case))
    with pytest.raises(BadInputError, match="more than half of the rows.*'240 of 479 rows'; give at most 239"):
        half.clone().fit(rows.features[1:], rows.of(case)[1:])
    # A row of weight 0 is none.
    with pytest.raises(BadInputError, match="'240 of 479 rows'"):
        half.clone().fit(rows.features, rows.of(case), sample_weight=np.minimum(np.arange(ROWS), 1.0))


@every_tree
@pytest.mark.parametrize("bad", [{"trees": 0}, {"trees": 10_001}, {"trees": 1.5}, {"trees": True}, {"seed": -1}])
def test_parameters_out_of_range_are_refused(case: Case, bad: dict[str, object]) -> None:
    with pytest.raises(AssayError, match="out of range|is not a whole number"):
        case.new(**bad)
