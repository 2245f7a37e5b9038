"""Drawdowns against a brute-force second implementation and hand-worked paths."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray

from assay.domain.errors import BadInputError
from assay.measures.drawdown import Drawdown, drawdown, longest_drawdown, max_drawdown, worst_drawdown

paths = st.lists(st.floats(0.01, 1e6), min_size=1, max_size=40).map(np.array)


@given(paths)
def test_drawdown_equals_brute_force(equity: NDArray[np.float64]) -> None:
    expected = [equity[t] / max(equity[: t + 1]) - 1 for t in range(equity.size)]
    result = drawdown(equity)
    assert result.tolist() == expected
    assert np.all((result <= 0) & (result > -1))
    # The deepest fall is also the worst of all pairs of an earlier and a later moment.
    pairs = [equity[t] / equity[s] - 1 for t in range(equity.size) for s in range(t + 1)]
    assert max_drawdown(equity) == min(pairs)


@given(paths)
def test_worst_drawdown_points_at_its_own_depth(equity: NDArray[np.float64]) -> None:
    found = worst_drawdown(equity)
    assert found is not None
    assert found.peak <= found.trough
    assert found.depth == equity[found.trough] / equity[found.peak] - 1
    if found.recovery is None:
        assert max(equity[found.trough :]) < equity[found.peak]
    else:
        assert equity[found.recovery] >= equity[found.peak]
        assert all(equity[found.trough : found.recovery] < equity[found.peak])


def test_two_falls_the_deeper_later_one_is_the_worst() -> None:
    # 100 -> 80 is -20 %; 110 -> 77 is -30 %; 110 is reached again in row 6.
    equity = np.array([100.0, 80.0, 110.0, 99.0, 77.0, 100.0, 110.0])
    found = worst_drawdown(equity)
    assert found is not None
    assert found.depth == pytest.approx(-0.3)
    assert (found.peak, found.trough, found.recovery) == (2, 4, 6)
    assert longest_drawdown(equity) == 3


def test_peak_touched_twice_counts_from_the_last_touch() -> None:
    assert worst_drawdown(np.array([2.0, 2.0, 1.0])) == Drawdown(-0.5, 1, 2, None)


def test_rising_series_never_draws_down() -> None:
    equity = np.array([1.0, 2.0, 3.0])
    assert worst_drawdown(equity) == Drawdown(0.0, 0, 0, 0)
    assert longest_drawdown(equity) == 0


def test_unfinished_drawdown_counts_to_the_last_row() -> None:
    equity = np.array([4.0, 2.0, 3.0, 3.0])
    assert worst_drawdown(equity) == Drawdown(-0.5, 0, 1, None)
    assert longest_drawdown(equity) == 3


def test_nan_leaves_the_peak_alone_and_neither_ends_nor_lengthens_the_stretch() -> None:
    equity = np.array([np.nan, 10.0, 5.0, np.nan, 6.0, 10.0])
    np.testing.assert_array_equal(drawdown(equity), [np.nan, 0.0, -0.5, np.nan, 6.0 / 10 - 1, 0.0])
    assert longest_drawdown(equity) == 2
    assert worst_drawdown(equity) == Drawdown(-0.5, 1, 2, 5)


def test_no_value_has_no_drawdown() -> None:
    assert worst_drawdown(np.array([])) is None
    assert math.isnan(max_drawdown(np.array([np.nan])))
    assert longest_drawdown(np.array([])) == 0


@pytest.mark.parametrize("bad", [0.0, -1.0, np.inf])
def test_ruined_account_is_refused(bad: float) -> None:
    with pytest.raises(BadInputError, match="positive, finite"):
        drawdown(np.array([1.0, bad]))
