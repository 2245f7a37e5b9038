"""Whether forecasts know anything: how often that is said of those that do not, and how often it is found."""

from __future__ import annotations

import json

import numpy as np
import pytest
from numpy.typing import NDArray

from assay.domain.errors import BadInputError
from assay.evidence.dependence import DependenceEvidence, judge_dependence
from assay.evidence.selection import Contest
from tests.unit.evidence.panels import HOUR, MEMORIES, lasting

DAY = 24
Floats = NDArray[np.float64]


def market(rng: np.random.Generator, n: int, *, memory: float, knows: float = 0.0) -> tuple[Floats, Floats]:
    """Return whether a price rose within a day, and what a signal said of it, each hour: as in `panels`."""
    signal = lasting(rng, n + DAY, memory)
    price = np.concatenate(([0.0], np.cumsum(rng.standard_t(4, size=n + DAY) + knows * np.sqrt(2.0) * signal)))
    return (price[DAY:][:n] > price[:n]).astype(float), (signal[:n] > 0).astype(float)


def judged(actual: Floats, said: Floats, trials: int = 1) -> DependenceEvidence:
    return judge_dependence(actual, said, np.arange(actual.size) * HOUR, Contest(DAY, trials=trials))


def best_of(seed: int, n: int) -> DependenceEvidence:
    """Return what is found of the best of candidates that know nothing of one market."""
    rng = np.random.default_rng([31, seed])
    actual = market(rng, n, memory=0.0)[0]
    said = [(lasting(rng, n, memory) > 0).astype(float) for memory in MEMORIES]
    found = [judged(actual, one, trials=len(MEMORIES)) for one in said]
    return max(found, key=lambda one: one.selection.gain.value)


def test_gain_is_what_is_right_above_as_many_ups_at_random() -> None:
    rng = np.random.default_rng(1)
    actual, said = (rng.random(3000) < 0.6).astype(float), (rng.random(3000) < 0.7).astype(float)
    up, called = actual.mean(), said.mean()
    expected = (actual == said).mean() - (up * called + (1 - up) * (1 - called))
    found = judged(actual, said)
    assert found.selection.gain.value == pytest.approx(expected, abs=1e-12)
    assert found.sentence.startswith("Nothing found that it knows: right ")


def test_one_direction_alone_knows_nothing_however_often_it_is_right() -> None:
    actual = (np.random.default_rng(2).random(3000) < 0.7).astype(float)
    found = judged(actual, np.ones(3000))
    assert (found.is_found, found.selection.p_value) == (False, 1.0)


def test_a_day_ahead_a_little_knowledge_is_found() -> None:
    found = [judged(*market(np.random.default_rng([32, seed]), 20_000, memory=0.98, knows=0.0373)) for seed in range(5)]
    assert sum(one.is_found for one in found) >= 3
    assert "Knows something: right +" in max(found, key=lambda one: one.selection.gain.value).sentence


def test_few_rows_say_nothing_and_the_document_is_plain() -> None:
    found = judged(np.ones(100), np.ones(100))
    assert found.sentence == "Not enough data to say whether it knows anything (n = 100)"
    assert json.loads(json.dumps(found.to_dict(), allow_nan=False))["is_found"] is False


def test_nonsense_is_refused() -> None:
    with pytest.raises(BadInputError, match="direction is 0 or 1"):
        judged(np.full(10, 0.5), np.ones(10))


@pytest.mark.soak
@pytest.mark.parametrize("n", [5000, 1700])
def test_of_200_noise_panels_at_most_four_know_something(n: int) -> None:
    found = sum(best_of(seed, n).is_found for seed in range(200))
    print(f"{found} of 200 noise panels of {n} hours know something")
    assert found <= 4


@pytest.mark.soak
def test_planted_knowledge_is_found_a_day_ahead_in_90_of_100() -> None:
    # The effect of 55 in 100 of which the comparison with the base rate finds about every second one (test_selection).
    found = [
        judged(*market(np.random.default_rng([33, seed]), 20_000, memory=0.98, knows=0.0373)) for seed in range(100)
    ]
    count = sum(one.is_found for one in found)
    print(f"{count} of 100 planted effects were found a day ahead")
    assert count >= 90
