"""Average uniqueness against counting, moment by moment, which spans hold it."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from assay.domain.errors import BadInputError
from assay.measures.overlap import average_uniqueness, concurrency

SPANS = st.lists(st.tuples(st.integers(-20, 40), st.integers(1, 15)), min_size=1, max_size=25)


@given(SPANS)
def test_uniqueness_equals_counting_every_moment(spans: list[tuple[int, int]]) -> None:
    start = np.array([begin for begin, _ in spans])
    end = start + np.array([length for _, length in spans])
    holds = {moment: sum(a <= moment < b for a, b in zip(start, end, strict=True)) for moment in range(-20, 60)}
    expected = [np.mean([1 / holds[moment] for moment in range(a, b)]) for a, b in zip(start, end, strict=True)]
    np.testing.assert_allclose(average_uniqueness(start, end), expected, rtol=1e-12)
    piece_start, piece_end, count = concurrency(start, end)
    counted = {m: n for a, b, n in zip(piece_start, piece_end, count, strict=True) for m in range(a, b)}
    assert {moment: n for moment, n in holds.items() if n} == {moment: n for moment, n in counted.items() if n}


def test_a_day_ahead_every_hour_is_worth_a_twenty_fourth_each() -> None:
    hour = 3_600_000_000
    start = np.arange(24 * 400) * hour
    weight = average_uniqueness(start, start + 24 * hour)
    np.testing.assert_allclose(weight[24:-24], 1 / 24, rtol=1e-14)
    # The rows at the ends have fewer neighbours; all in all there are as many labels as days, and a little more.
    assert weight.sum() == pytest.approx(400, rel=0.02)


def test_spans_that_only_touch_share_nothing() -> None:
    assert average_uniqueness(np.array([0, 10]), np.array([10, 20])).tolist() == [1.0, 1.0]


def test_nothing_and_nonsense() -> None:
    assert average_uniqueness(np.empty(0, np.int64), np.empty(0, np.int64)).size == 0
    with pytest.raises(BadInputError, match="must end after it starts"):
        average_uniqueness(np.array([5]), np.array([5]))
    with pytest.raises(BadInputError, match="a start and an end"):
        average_uniqueness(np.array([5]), np.array([6, 7]))
