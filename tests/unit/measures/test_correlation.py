"""Rolling correlations against each window taken alone, in exact arithmetic and by NumPy."""

from __future__ import annotations

import math
from fractions import Fraction

import numpy as np
import pytest
from numpy.typing import NDArray

from assay.domain.errors import BadInputError
from assay.measures.correlation import rolling_correlation


def moves(rows: int, series: int, *, seed: int = 0) -> NDArray[np.float64]:
    """Returns with something in common, as those of coins have."""
    rng = np.random.default_rng(seed)
    return np.asarray(rng.normal(0.0, 0.02, (rows, series)) + rng.normal(0.0, 0.02, (rows, 1)))


def one_by_one(returns: NDArray[np.float64], window: int) -> NDArray[np.float64]:
    return np.array([np.corrcoef(returns[k : k + window].T) for k in range(len(returns) - window + 1)])


def exactly(x: NDArray[np.float64], y: NDArray[np.float64]) -> float:
    """Pearson's correlation by its definition; only the root and the last division are rounded."""
    one, other = [Fraction(value) for value in x.tolist()], [Fraction(value) for value in y.tolist()]
    mean, other_mean = sum(one) / len(one), sum(other) / len(other)
    both = sum((a - mean) * (b - other_mean) for a, b in zip(one, other, strict=True))
    spread = sum((a - mean) ** 2 for a in one) * sum((b - other_mean) ** 2 for b in other)
    return math.copysign(math.sqrt(both**2 / spread), both)


@pytest.mark.parametrize(
    ("rows", "series", "window"), [(200, 7, 30), (40, 1, 5), (9, 3, 9), (60, 40, 2), (300, 3, 250)]
)
def test_every_window_equals_what_numpy_says_of_it_alone(rows: int, series: int, window: int) -> None:
    returns = moves(rows, series)
    result = rolling_correlation(returns, window=window)
    expected = one_by_one(returns, window).reshape(rows - window + 1, series, series)
    np.testing.assert_allclose(result, expected, rtol=0.0, atol=1e-12)


def test_matrices_are_symmetric_with_ones_on_the_diagonal_and_nothing_beyond_one() -> None:
    returns = np.column_stack([moves(80, 4), 3.0 * moves(80, 4)[:, :1], -moves(80, 4)[:, :2]])
    result = rolling_correlation(returns, window=3)
    assert (result == result.transpose(0, 2, 1)).all()
    assert (result[:, np.arange(7), np.arange(7)] == 1.0).all()
    assert np.abs(result).max() <= 1.0


@pytest.mark.parametrize("seed", range(3))
def test_a_window_after_a_jump_is_as_exact_as_one_before_it(seed: int) -> None:
    returns = 1.0 + moves(60, 2, seed=seed)
    returns[20] = 1e12
    result = rolling_correlation(returns, window=10)
    for k in (0, 5, 21, 30, 50):
        expected = exactly(returns[k : k + 10, 0], returns[k : k + 10, 1])
        # The mean of ten numbers near 1 is off by some 2e-16; their distances from it are some 2e-2.
        assert result[k, 0, 1] == pytest.approx(expected, abs=1e-12)


def test_a_gap_blanks_its_series_in_its_windows_and_no_other() -> None:
    returns = moves(40, 3)
    whole = rolling_correlation(returns, window=6)
    returns[20, 1] = np.nan
    returns[30, 2] = np.inf
    result = rolling_correlation(returns, window=6)
    for k in range(35):
        broken = {number for number, row in ((1, 20), (2, 30)) if k <= row < k + 6}
        for i in range(3):
            for j in range(3):
                if broken & {i, j}:
                    assert np.isnan(result[k, i, j])
                else:
                    assert result[k, i, j] == pytest.approx(whole[k, i, j], abs=1e-14)


def test_a_series_that_stands_still_has_no_correlation() -> None:
    # Three times 0.1 is not 0.3: its mean is not 0.1, and what is left over correlates with anything.
    returns = np.column_stack([moves(10, 1)[:, 0], np.full(10, 0.1)])
    returns[8:, 1] = 0.2
    result = rolling_correlation(returns, window=3)
    assert np.isnan(result[:6, 0, 1]).all()
    assert np.isnan(result[:6, 1, 1]).all()
    assert (result[:, 0, 0] == 1.0).all()
    assert np.isfinite(result[6:, 0, 1]).all()


def test_numbers_whose_squares_are_no_floats_have_no_correlation() -> None:
    tiny, huge = moves(5, 1)[:, 0] * 1e-200, moves(5, 1)[:, 0] * 1e200
    result = rolling_correlation(np.column_stack([tiny, huge, moves(5, 1)[:, 0]]), window=5)
    assert np.isnan(result[0, :2]).all()
    assert result[0, 2, 2] == 1.0


def test_the_future_changes_nothing() -> None:
    returns = moves(50, 3)
    before = rolling_correlation(returns, window=8)
    returns[30:] *= -2.0
    after = rolling_correlation(returns, window=8)
    np.testing.assert_allclose(after[:23], before[:23], rtol=0.0, atol=1e-14)


def test_too_few_rows_make_no_matrix() -> None:
    assert rolling_correlation(moves(4, 3), window=5).shape == (0, 3, 3)
    assert rolling_correlation(np.empty((9, 0)), window=5).shape == (5, 0, 0)


@pytest.mark.parametrize(("returns", "window"), [(moves(9, 2), 1), (moves(9, 2)[:, 0], 3)])
def test_a_window_of_one_row_and_a_single_column_are_refused(returns: NDArray[np.float64], window: int) -> None:
    with pytest.raises(BadInputError):
        rolling_correlation(returns, window=window)
