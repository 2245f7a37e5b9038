"""What a group of features adds, and how often it is said of one that adds nothing."""

from __future__ import annotations

import json

import numpy as np
import pytest

from assay.domain.errors import BadInputError, NoDataError
from assay.evidence.ablation import Answer, ablation, losses_without


def test_answers_follow_the_interval() -> None:
    rng = np.random.default_rng(1)
    complete = rng.random(3000)
    without = {
        name: complete + rng.normal(rise, 0.5, 3000) for name, rise in (("flow", 0.1), ("day", 0.0), ("bad", -0.1))
    }
    found = ablation(complete, without, block=24, rng=rng, samples=300)
    assert [(one.name, one.answer) for one in found] == [
        ("flow", Answer.ADDS), ("day", Answer.NOTHING_FOUND), ("bad", Answer.HARMS),
    ]  # fmt: skip
    assert found[0].rise.value == pytest.approx(0.1, abs=0.04)
    assert found[0].rise.interval.level == pytest.approx(1 - 0.05 / 3)
    assert json.loads(json.dumps(found[0].to_dict(), allow_nan=False))["answer"] == "adds"


def test_of_many_groups_that_add_nothing_seldom_any_is_said_to() -> None:
    # Ten groups at once, 40 times: with one interval each at 95 % every second time one of them would be wrong.
    rng, wrong = np.random.default_rng(2), 0
    for _ in range(40):
        complete = np.zeros(1200)
        without = {str(i): np.repeat(rng.normal(size=200), 6) for i in range(10)}
        found = ablation(complete, without, block=24, rng=rng, samples=100)
        wrong += any(one.answer is not Answer.NOTHING_FOUND for one in found)
    # 5 % of 40 are 2, standard deviation 1.4; blocks make it a little more.
    assert wrong <= 7


def test_fewer_than_ten_blocks_say_nothing() -> None:
    complete = np.zeros(100)
    assert ablation(complete, {"a": complete + 1}, block=11, rng=np.random.default_rng(0))[0].answer is (
        Answer.NOT_ENOUGH_DATA
    )


def test_each_group_is_left_out_by_its_columns() -> None:
    asked: list[tuple[int, ...]] = []

    def losses_of(kept: tuple[int, ...]) -> np.ndarray[tuple[int], np.dtype[np.float64]]:
        asked.append(kept)
        return np.zeros(3)

    losses_without({"first": ["a"], "rest": ["c", "b"]}, ("a", "b", "c"), losses_of)
    assert asked == [(1, 2), (0,)]


def test_nonsense_is_refused() -> None:
    rng, ones = np.random.default_rng(0), np.ones(3)
    for without in ({}, {"a": np.ones(4)}):
        with pytest.raises(BadInputError, match="of the same rows"):
            ablation(ones, without, block=1, rng=rng)
    with pytest.raises(NoDataError, match="no forecast to compare"):
        ablation(np.ones(0), {"a": np.ones(0)}, block=1, rng=rng)
    with pytest.raises(BadInputError, match="one row at least"):
        ablation(ones, {"a": ones}, block=0, rng=rng)
    for group in (["z"], [], ["a", "b"]):
        with pytest.raises(BadInputError, match="some of the features, not all"):
            losses_without({"g": group}, ("a", "b"), lambda kept: ones)
