"""Permutation importance: against the closed form of a linear model, and what it must not be fooled by."""

from __future__ import annotations

import json

import numpy as np
import pytest
from numpy.typing import NDArray

from assay.domain.errors import BadInputError
from assay.evidence.importance import FittedFold, ImportanceEvidence, Shuffling, permutation_importance, shuffled_rows
from assay.measures.losses import squared_losses

WEIGHTS = np.array([2.0, -1.0, 0.5, 0.0])
NAMES = ("momentum", "volume", "spread", "noise")
Array = NDArray[np.float64]


def linear(rows: Array) -> Array:
    return np.asarray(rows @ WEIGHTS)


def folds(seed: int, *, sizes: tuple[int, ...] = (1500, 1500, 1500)) -> list[FittedFold]:
    rng = np.random.default_rng(seed)
    made = []
    for size in sizes:
        features = rng.normal(size=(size, 4))
        made.append(FittedFold(linear, features, linear(features) + rng.normal(size=size)))
    return made


def measured(seed: int = 1, **terms: int) -> ImportanceEvidence:
    return permutation_importance(
        folds(seed), NAMES, loss=squared_losses, terms=Shuffling(**terms), rng=np.random.default_rng(seed)
    )


def test_rise_is_twice_the_squared_weight_of_a_linear_model() -> None:
    # (w x - w x')² with two independent x of variance one is 2 w² in the mean: 8, 2, 0.5 and 0.
    found = measured()
    assert [one.name for one in found.features] == list(NAMES)
    for one, weight in zip(found.features, WEIGHTS, strict=True):
        assert one.rise.value == pytest.approx(2 * weight**2, rel=0.1)
        assert one.rise.interval.low <= one.rise.value <= one.rise.interval.high
    assert [one.stability for one in found.features] == [1.0, 1.0, 1.0, 0.0]
    assert (found.rankings, found.rows) == (15, 4500)


def test_features_that_are_alike_as_to_rank_share_the_top() -> None:
    # Only one place, and two features of the same weight: each has it in some of the shuffles.
    rng = np.random.default_rng(2)
    made = []
    for _ in range(4):
        features = rng.normal(size=(300, 2))
        made.append(FittedFold(lambda rows: rows.sum(axis=1), features, features.sum(axis=1) + rng.normal(size=300)))
    found = permutation_importance(made, ("a", "b"), loss=squared_losses, terms=Shuffling(top=1), rng=rng)
    assert 0 < found.features[1].stability < 1
    assert sum(one.stability for one in found.features) == pytest.approx(1.0)
    assert len(found.top) == 1


def test_number_of_a_feature_does_not_depend_on_which_others_there_are() -> None:
    first = measured(3).features[0]
    few = permutation_importance(
        folds(3), NAMES, loss=squared_losses, terms=Shuffling(), rng=np.random.default_rng(3),
        groups={"momentum": ["momentum"]},
    )  # fmt: skip
    assert few.features[0].rise.value == first.rise.value


def test_twins_hide_each_other_and_their_group_does_not() -> None:
    # The model reads the mean of two columns that are the same: without one of them half of the answer is left.
    rng = np.random.default_rng(4)
    signal = rng.normal(size=3000)
    features = np.column_stack([signal, signal, rng.normal(size=3000)])
    fold = FittedFold(lambda rows: rows[:, :2].mean(axis=1), features, signal)
    groups = {"one": ["a"], "both": ["a", "b"], "other": ["c"]}
    found = permutation_importance(
        [fold], ("a", "b", "c"), loss=squared_losses, terms=Shuffling(), rng=rng, groups=groups
    )
    rises = {one.name: one.rise.value for one in found.features}
    assert rises["both"] == pytest.approx(2.0, rel=0.1)
    assert rises["one"] == pytest.approx(0.5, rel=0.1)
    assert rises["other"] == 0.0


def test_blocks_keep_the_likeness_of_neighbours() -> None:
    rows = shuffled_rows(1003, block=24, rng=np.random.default_rng(5))
    assert sorted(rows.tolist()) == list(range(1003))
    follows = (np.diff(rows) % 1003 == 1).mean()
    assert follows >= 1 - 42 / 1002  # 42 blocks: at most 41 seams
    assert not np.array_equal(rows, np.arange(1003))
    assert (np.diff(shuffled_rows(1003, block=1, rng=np.random.default_rng(5))) == 1).mean() < 0.02


def test_block_longer_than_a_fold_still_shuffles() -> None:
    assert measured(6, block=10_000).features[0].rise.value > 5


def test_same_seed_same_numbers_and_inputs_untouched() -> None:
    made = folds(7)
    before = [fold.features.copy() for fold in made]
    once, again = (
        permutation_importance(made, NAMES, loss=squared_losses, terms=Shuffling(), rng=np.random.default_rng(1))
        for _ in range(2)
    )
    assert once == again
    assert all(np.array_equal(fold.features, old) for fold, old in zip(made, before, strict=True))
    document = json.loads(json.dumps(once.to_dict(), allow_nan=False))
    assert document["features"][0]["name"] == "momentum"


def test_nonsense_is_refused() -> None:
    rng, terms = np.random.default_rng(0), Shuffling()
    with pytest.raises(BadInputError, match="folds of two rows"):
        permutation_importance([], NAMES, loss=squared_losses, terms=terms, rng=rng)
    wrong: list[dict[str, list[str]]] = [{"a": ["nobody"]}, {"a": []}, {}]
    for groups in wrong:
        with pytest.raises(BadInputError, match="a group must name features"):
            permutation_importance(folds(0), NAMES, loss=squared_losses, terms=terms, rng=rng, groups=groups)
    with pytest.raises(BadInputError, match="repeats must be at least one"):
        Shuffling(repeats=0)
