"""Selection at one in a hundred: how often it errs, how often it finds, and what it says."""

from __future__ import annotations

import json
import math
from dataclasses import replace

import numpy as np
import pytest
import scipy.special

from assay.domain.errors import BadInputError
from assay.evidence.observations import block_means
from assay.evidence.selection import Contest, Selection, select
from assay.measures.diebold_mariano import diebold_mariano
from tests.unit.evidence.panels import HOUR, MEMORIES, panel

NOISE = [
    pytest.param(24, 5000, MEMORIES, id="a day ahead, five candidates"),
    pytest.param(24, 1700, MEMORIES, id="a day ahead, ten weeks, five candidates"),
    pytest.param(1, 2000, MEMORIES, id="an hour ahead, five candidates"),
    pytest.param(24, 5000, (0.98,), id="a day ahead, one candidate"),
]
# How much of the signal is in the returns, so that "up" and "down" are right 55 times of 100 (in a million bars).
PLANTED = [
    pytest.param(1, 0.5, 0.1194, id="an hour ahead"),
    pytest.param(4, 0.9, 0.0823, id="four hours ahead, the signal lasts"),
]


def best_of(seed: int, n: int, *, horizon: int, memories: tuple[float, ...]) -> Selection:
    """Return what is decided on the best of candidates that know nothing."""
    made = panel(np.random.default_rng([seed, horizon]), n, horizon=horizon, memories=memories)
    best = int(made.gains.mean(axis=1).argmax())
    return select(made.gains[best], made.forecast_at, Contest(horizon, trials=len(memories)))


def planted(seed: int, *, horizon: int, memory: float, knows: float, trials: int = 1) -> tuple[float, Selection]:
    """Return the accuracy of a model that knows a little, of 20,000 rows, and what is decided on it."""
    rng = np.random.default_rng([5, seed, horizon])
    made = panel(rng, 20_000, horizon=horizon, memories=(memory,), knows=knows)
    return float(made.accuracy[0]), select(made.gains[0], made.forecast_at, Contest(horizon, trials=trials))


def test_best_of_candidates_that_know_nothing_is_not_selected() -> None:
    # The long form is in the soak tests; one in a hundred of 40 is 0.4.
    found = [best_of(seed, 2000, horizon=24, memories=MEMORIES) for seed in range(40)]
    assert sum(one.is_selected for one in found) <= 1
    # Not because it never could: without the correction for the trials the same candidates pass more often.
    assert sum(one.p_value < 0.05 for one in found) >= 2


@pytest.mark.parametrize("trials", [1, 1000])
def test_planted_effect_is_found(trials: int) -> None:
    found = [planted(seed, horizon=1, memory=0.5, knows=0.1194, trials=trials) for seed in range(10)]
    assert np.mean([accuracy for accuracy, _ in found]) == pytest.approx(0.55, abs=0.004)
    assert all(one.is_selected for _, one in found)


@pytest.mark.soak
@pytest.mark.parametrize(("horizon", "n", "memories"), NOISE)
def test_of_200_noise_panels_at_most_four_pass(horizon: int, n: int, memories: tuple[float, ...]) -> None:
    passed = sum(best_of(seed, n, horizon=horizon, memories=memories).is_selected for seed in range(200))
    print(f"{passed} of 200 noise panels passed")
    assert passed <= 4


@pytest.mark.soak
@pytest.mark.parametrize(("horizon", "memory", "knows"), PLANTED)
def test_planted_effect_is_found_in_90_of_100(horizon: int, memory: float, knows: float) -> None:
    found = [planted(seed, horizon=horizon, memory=memory, knows=knows) for seed in range(100)]
    assert np.mean([accuracy for accuracy, _ in found]) == pytest.approx(0.55, abs=0.003)
    selected = sum(one.is_selected for _, one in found)
    print(f"{selected} of 100 planted effects were found")
    assert selected >= 90


@pytest.mark.soak
def test_a_day_ahead_the_same_effect_is_found_as_often_as_can_be() -> None:
    # 20,000 rows that look a day ahead are worth 20,000 / 17.4 = 1,150 (the correlation of two signs that share k of
    # 24 bars is 2 / pi * arcsin(k / 24)). Where the signal lasts, the gain of 0.05 over a base rate that always says
    # the same has a standard error of sqrt(0.5 / 1150) = 0.021: 2.4 of them, and the test asks for 2.33. So no test
    # of this difference finds it in more than about half of all markets. Half of the variance is the base rate's luck:
    # whether the model knows anything at all can be told from the same rows (test_dependence).
    found = [planted(seed, horizon=24, memory=0.98, knows=0.0373) for seed in range(100)]
    selected = sum(one.is_selected for _, one in found)
    print(f"{selected} of 100 planted effects were found a day ahead")
    assert 35 <= selected <= 75


def test_less_favourable_of_the_two_tests_decides() -> None:
    # Luck that lasts for weeks: the overlap of one bar sees nothing of it, the blocks of a week do.
    n = 5040
    gains = np.repeat(np.tile([0.3, -0.3], 8)[:15], 336)
    gains += np.random.default_rng(5).normal(0.05, 1.0, size=n)
    overlap = diebold_mariano(gains, horizon=1)
    means = block_means(gains, block=168)
    t = means.mean() / (means.std(ddof=1) / math.sqrt(30))
    p_blocks = float(scipy.special.stdtr(29, -t))
    assert overlap.p_better < 0.01 < p_blocks
    selection = select(gains, np.arange(n) * HOUR, Contest(1))
    assert not selection.is_selected
    assert selection.p_value == pytest.approx(p_blocks, rel=1e-9)


def test_interval_lies_above_zero_exactly_where_the_model_is_selected() -> None:
    noise = np.random.default_rng(6).normal(size=3000)
    seen = set()
    for gain in np.linspace(0.0, 0.12, 25):
        selection = select(noise + gain, np.arange(3000) * HOUR, Contest(1, trials=7))
        assert selection.is_selected == (selection.gain.interval.low > 0) == (selection.p_corrected < 0.01)
        assert selection.p_corrected == pytest.approx(min(1.0, 7 * selection.p_value))
        assert selection.gain.interval.level == pytest.approx(1 - 2 * 0.01 / 7)
        seen.add(selection.is_selected)
    assert seen == {True, False}


def test_coins_of_one_moment_are_one_observation() -> None:
    # Thirty series that are right and wrong together: by rows thirty times as many, by moments no more than one.
    one = np.random.default_rng(7).choice([-1.0, 1.0], size=2000) + 0.05
    at = np.arange(2000) * HOUR
    alone = select(one, at, Contest(1))
    together = select(np.repeat(one, 30), np.repeat(at, 30), Contest(1))
    assert together.p_value == pytest.approx(alone.p_value, rel=1e-9)
    assert (together.rows, together.moments) == (60_000, 2000)
    as_if_independent = select(np.repeat(one, 30), np.arange(60_000) * HOUR, Contest(1, block_bars=1))
    assert as_if_independent.is_selected
    assert not together.is_selected


def test_a_model_that_says_what_the_baseline_says_is_not_selected() -> None:
    selection = select(np.zeros(2000), np.arange(2000) * HOUR, Contest(1))
    assert (selection.is_selected, selection.p_value) == (False, 1.0)
    assert selection.sentence == (
        "Not selected: mean gain +0.0000 [+0.0000, +0.0000] is no gain over the baseline (n = 2,000, 1 trial)"
    )


def test_ten_blocks_are_needed() -> None:
    gains, at = np.ones(1679), np.arange(1679) * HOUR
    few = select(gains, at, Contest(24))
    assert (few.is_selected, few.is_enough, few.p_corrected) == (False, False, 1.0)
    assert few.sentence == "Not enough data to select: 10 blocks of 168 moments are needed (n = 1,679, 1 trial)"
    assert json.loads(json.dumps(few.to_dict(), allow_nan=False))["gain"]["low"] is None
    assert select(np.ones(1680), np.arange(1680) * HOUR, Contest(24)).is_selected
    assert not select(np.zeros(0), np.zeros(0, dtype=np.int64), Contest(24)).is_enough


def test_numbers_are_in_the_sentence_and_in_the_document() -> None:
    gains = np.random.default_rng(8).normal(0.2, 1.0, size=4000)
    selection = select(gains, np.arange(4000) * HOUR, Contest(2, trials=1200))
    assert selection.sentence.startswith("Selected: mean gain +0.")
    assert "after correction for 1,200 trials is below 0.01 (n = 4,000, 1,200 trials)" in selection.sentence
    document = json.loads(json.dumps(selection.to_dict(), allow_nan=False))
    assert (document["is_selected"], document["trials"], document["alpha"]) == (True, 1200, 0.01)
    assert document["block_bars"] == 168
    assert document["gain"]["value"] == pytest.approx(gains.mean())


def test_nonsense_is_refused() -> None:
    two = np.zeros(2)
    with pytest.raises(BadInputError, match="gains must be finite"):
        select(np.array([np.nan, 0.0]), np.arange(2), Contest(1))
    with pytest.raises(BadInputError, match="every row needs a moment"):
        select(two, np.arange(3), Contest(1))
    with pytest.raises(BadInputError, match="in order of time"):
        select(two, np.array([1, 0]), Contest(1))
    for name, value in (("horizon_bars", 0), ("trials", 0), ("block_bars", 0), ("block_bars", -1)):
        with pytest.raises(BadInputError, match=f"{name} must be at least one"):
            replace(Contest(1), **{name: value})
    with pytest.raises(BadInputError, match="alpha lies between"):
        Contest(1, alpha=0.5)
