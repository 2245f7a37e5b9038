"""The block bootstrap against brute force, known variances and its own promise: the coverage of its intervals."""

from __future__ import annotations

import tracemalloc

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray

from assay.domain.errors import BadInputError
from assay.measures import bootstrap
from assay.measures.bootstrap import (
    ConfidenceInterval,
    block_indices,
    block_starts,
    bootstrap_interval,
    percentile_interval,
    resampled_sums,
    spread_interval,
)


def autoregressive(rng: np.random.Generator, paths: int, n: int, phi: float) -> NDArray[np.float64]:
    """Return AR(1) paths of mean zero in their stationary state, shape (paths, n)."""
    noise = rng.normal(size=(paths, n))
    values = np.empty((paths, n))
    values[:, 0] = noise[:, 0] / np.sqrt(1 - phi**2)
    for t in range(1, n):
        values[:, t] = phi * values[:, t - 1] + noise[:, t]
    return values


@given(n=st.integers(1, 40), data=st.data(), seed=st.integers(0, 2**32))
def test_sums_equal_those_of_the_samples_built_row_by_row(n: int, data: st.DataObject, seed: int) -> None:
    block = data.draw(st.integers(1, n))
    columns = np.random.default_rng(seed).integers(-5, 6, size=(n, 2)).astype(float)
    fast = resampled_sums(columns, block=block, samples=7, rng=np.random.default_rng(seed))
    rows = list(block_indices(n, block=block, samples=7, rng=np.random.default_rng(seed)))
    assert fast.tolist() == [columns[one].sum(axis=0).tolist() for one in rows]


@given(n=st.integers(1, 40), data=st.data(), seed=st.integers(0, 2**32))
def test_sample_is_made_of_whole_blocks_that_wrap_and_has_n_rows(n: int, data: st.DataObject, seed: int) -> None:
    block = data.draw(st.integers(1, n))
    rows = next(block_indices(n, block=block, samples=1, rng=np.random.default_rng(seed)))
    assert rows.shape == (n,)
    for begin in range(0, n, block):
        piece = rows[begin : begin + block]
        assert piece.tolist() == [(piece[0] + i) % n for i in range(piece.size)]


def test_every_row_is_drawn_equally_often() -> None:
    drawn = np.bincount(np.concatenate(list(block_indices(20, block=6, samples=8000, rng=np.random.default_rng(5)))))
    # A row is in each of three blocks with probability 6/20 and in the last, cut one with 2/20: once a sample,
    # variance 3 * 0.3 * 0.7 + 0.1 * 0.9 = 0.72. Over 8,000 samples: 8,000 times, standard deviation 76.
    assert np.all(np.abs(drawn - 8000) < 4 * 76)


def test_drawing_in_chunks_changes_no_sample(monkeypatch: pytest.MonkeyPatch) -> None:
    whole = np.concatenate(list(block_starts(50, block=7, samples=40, rng=np.random.default_rng(9))))
    monkeypatch.setattr(bootstrap, "_CHUNK_CELLS", 24)
    parts = list(block_starts(50, block=7, samples=40, rng=np.random.default_rng(9)))
    assert len(parts) > 1
    np.testing.assert_array_equal(np.concatenate(parts), whole)


def test_same_seed_same_samples_other_seed_others() -> None:
    values = np.random.default_rng(1).normal(size=(100, 1))

    def draw(seed: int) -> list[list[float]]:
        sums: list[list[float]] = resampled_sums(values, block=5, samples=50, rng=np.random.default_rng(seed)).tolist()
        return sums

    assert draw(7) == draw(7)
    assert draw(7) != draw(8)


def test_spread_of_the_mean_equals_the_closed_form_of_circular_blocks() -> None:
    # Var of a block mean over all n starts, divided by the number of blocks, is the variance of the resampled mean.
    values = autoregressive(np.random.default_rng(2), 1, 300, 0.7)[0]
    blocks = np.lib.stride_tricks.sliding_window_view(np.concatenate((values, values[:9])), 10).mean(axis=1)
    expected = blocks.var() / 30
    means = resampled_sums(values[:, None], block=10, samples=40_000, rng=np.random.default_rng(3))[:, 0] / 300
    # The relative standard error of a variance from 40,000 draws is sqrt(2 / 40000) = 0.7 %.
    assert means.var() == pytest.approx(expected, rel=0.03)
    assert means.mean() == pytest.approx(values.mean(), abs=5 * np.sqrt(expected / 40_000))


def test_interval_covers_the_true_mean_as_often_as_it_says_and_single_rows_would_not() -> None:
    paths = autoregressive(np.random.default_rng(11), 300, 600, 0.8)
    rng = np.random.default_rng(12)
    covered = {}
    for block in (1, 40):
        hits = 0
        for path in paths:
            means = resampled_sums(path[:, None], block=block, samples=400, rng=rng)[:, 0] / path.size
            hits += 0.0 in percentile_interval(means, level=0.9)
        covered[block] = hits / len(paths)
    # Theory: 15 blocks make the interval a little short, about 0.86 for 0.90 (standard error 0.02). Single rows
    # underestimate the variance of the mean (1 + 0.8) / (1 - 0.8) = 9 times: P(|z| < 1.645 / 3) = 0.42.
    assert 0.78 <= covered[40] <= 0.94
    assert 0.33 <= covered[1] <= 0.51


def test_any_statistic_of_pairs_is_drawn_together() -> None:
    rng = np.random.default_rng(4)
    first = rng.normal(size=400)
    interval = bootstrap_interval(
        lambda a, b: float(np.corrcoef(a, b)[0, 1]), (first, -2 * first), block=10, rng=rng, samples=50
    )
    assert (interval.low, interval.high) == pytest.approx((-1.0, -1.0), abs=1e-12)


def test_general_interval_equals_the_one_from_sums() -> None:
    values = np.random.default_rng(5).normal(size=200)
    general = bootstrap_interval(np.mean, (values,), block=8, rng=np.random.default_rng(6), samples=300)
    sums = resampled_sums(values[:, None], block=8, samples=300, rng=np.random.default_rng(6))
    special = percentile_interval(sums[:, 0] / 200)
    assert (general.low, general.high) == pytest.approx((special.low, special.high), abs=1e-12)


def test_interval_ignores_undefined_samples_and_is_nan_without_any() -> None:
    assert percentile_interval(np.array([1.0, np.nan, 1.0])) == ConfidenceInterval(1.0, 1.0, 0.95)
    assert np.isnan(percentile_interval(np.array([np.nan])).low)


def test_years_of_hours_take_little_memory() -> None:
    columns = np.random.default_rng(8).integers(0, 2, size=(30_000, 6)).astype(float)
    tracemalloc.start()
    resampled_sums(columns, block=168, samples=2000, rng=np.random.default_rng(8))
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert peak < 200e6


def test_nonsense_is_refused() -> None:
    rng = np.random.default_rng(0)
    ones = np.ones((5, 1))
    with pytest.raises(BadInputError, match="block must have"):
        resampled_sums(ones, block=6, samples=1, rng=rng)
    with pytest.raises(BadInputError, match="block must have"):
        resampled_sums(ones, block=0, samples=1, rng=rng)
    with pytest.raises(BadInputError, match="at least one sample"):
        resampled_sums(ones, block=1, samples=0, rng=rng)
    with pytest.raises(BadInputError, match="nothing to resample"):
        resampled_sums(np.ones((0, 1)), block=1, samples=1, rng=rng)
    with pytest.raises(BadInputError, match="must be finite"):
        resampled_sums(np.array([[np.nan]]), block=1, samples=1, rng=rng)
    with pytest.raises(BadInputError, match="one length"):
        bootstrap_interval(np.mean, (np.ones(3), np.ones(4)), block=1, rng=rng)
    with pytest.raises(BadInputError, match="confidence level"):
        percentile_interval(np.ones(3), level=1.0)


def test_interval_from_the_spread_is_that_of_a_mean_by_hand() -> None:
    # Independent normal values in single rows: the spread of the resampled means is s / sqrt(n), and the ends are
    # those of Student's t: 1.984 for 99 degrees of freedom.
    values = np.random.default_rng(9).normal(size=100)
    means = resampled_sums(values[:, None], block=1, samples=20_000, rng=np.random.default_rng(10))[:, 0] / 100
    interval = spread_interval(float(values.mean()), means, blocks=100)
    half = 1.984 * values.std() / 10
    assert interval.low == pytest.approx(values.mean() - half, abs=0.02 * half)
    assert interval.high == pytest.approx(values.mean() + half, abs=0.02 * half)


def test_interval_from_the_spread_reaches_farther_than_any_sample() -> None:
    means = np.random.default_rng(9).normal(size=2000)
    far = spread_interval(0.0, means, blocks=1000, level=1 - 1e-6)
    assert far.low < means.min()
    # Few blocks make it wider: t of 4 degrees of freedom instead of 999.
    few, many = (spread_interval(0.0, means, blocks=blocks) for blocks in (5, 1000))
    assert few.high / many.high == pytest.approx(2.776 / 1.962, rel=1e-3)


def test_interval_from_the_spread_of_nothing_is_nan() -> None:
    assert np.isnan(spread_interval(np.nan, np.ones(5), blocks=10).low)
    assert np.isnan(spread_interval(1.0, np.array([np.nan, 1.0]), blocks=10).high)
    with pytest.raises(BadInputError, match="confidence level"):
        spread_interval(1.0, np.ones(5), blocks=10, level=0.0)
