"""What is done on a forecast: the rule at its edges, and never anything on an unknown."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from assay.domain.errors import BadInputError
from assay.measures.signals import BUY, HOLD, SELL, decide, expected_moves, in_words

PROBABILITIES = arrays(np.float64, st.integers(0, 30), elements=st.floats(0, 1) | st.just(float("nan")))


def test_the_confidence_itself_is_enough_and_a_move_of_the_cost_is_not() -> None:
    likely = np.array([0.75, 0.7499, 0.25, 0.2501])
    assert decide(likely, 0.01, cost=0.002).tolist() == [BUY, HOLD, SELL, HOLD]
    assert decide(likely, 0.002, cost=0.002).tolist() == [HOLD] * 4
    assert decide(likely, 0.01, confidence=0.9, cost=0.002).tolist() == [HOLD] * 4


def test_a_move_counts_by_its_size() -> None:
    assert decide(np.array([0.9, 0.1]), np.array([-0.01, -0.01]), cost=0.002).tolist() == [BUY, SELL]


def test_what_is_missing_holds() -> None:
    nan = float("nan")
    assert decide(np.array([nan, 0.9]), np.array([0.1, nan]), cost=0.0).tolist() == [HOLD, HOLD]
    assert decide(np.array([]), 0.1, cost=0.0).tolist() == []


@given(PROBABILITIES, st.floats(0, 0.1), st.floats(0.51, 1.0), st.floats(0, 0.01))
def test_turning_the_market_round_turns_every_signal_round(
    likely: np.ndarray, usual: float, confidence: float, cost: float
) -> None:
    twice = 1.0 - (1.0 - likely)  # so that both have a complement without rounding
    one = decide(twice, expected_moves(twice, usual), confidence=confidence, cost=cost)
    other = decide(1.0 - twice, expected_moves(1.0 - twice, usual), confidence=confidence, cost=cost)
    assert (one == -other).all()
    assert set(in_words(one)) <= {"BUY", "SELL", "HOLD"}
    assert (decide(twice, expected_moves(twice, usual), confidence=confidence, cost=1.0) == HOLD).all()


@pytest.mark.parametrize(
    ("likely", "more", "words"),
    [
        ([1.2], {}, "between 0 and 1"),
        ([-0.1], {}, "between 0 and 1"),
        ([0.5], {"confidence": 0.5}, "above 0.5"),
        ([0.5], {"confidence": float("nan")}, "above 0.5"),
        ([0.5], {"confidence": 1.1}, "above 0.5"),
        ([0.5], {"cost": -0.1}, "not negative"),
        ([0.5], {"cost": np.array([0.1, 0.2])}, "one for all"),
    ],
)
def test_numbers_out_of_range_are_refused(likely: list[float], more: dict[str, float], words: str) -> None:
    with pytest.raises(BadInputError, match=words):
        decide(np.array(likely), 0.01, **{"cost": 0.002, **more})
