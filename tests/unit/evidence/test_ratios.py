"""Means over some of the rows: against the bootstrap that builds every sample, and by hand."""

from __future__ import annotations

import math

import numpy as np
import pytest

from assay.domain.errors import BadInputError
from assay.evidence.observations import block_means, by_moment
from assay.evidence.ratios import estimate_ratios
from assay.measures.bootstrap import block_indices, spread_interval


def test_interval_is_that_of_samples_built_row_by_row() -> None:
    rng = np.random.default_rng(1)
    weights = (rng.random(600) < 0.3).astype(float)
    tops = rng.normal(1.0, 2.0, size=600) * weights
    found = estimate_ratios(tops[:, None], weights, block=20, samples=300, levels=[0.9], rng=np.random.default_rng(2))[
        0
    ]
    rows = list(block_indices(600, block=20, samples=300, rng=np.random.default_rng(2)))
    plain = np.array([tops[one].sum() / weights[one].sum() for one in rows])
    # Weight is spread over 30 blocks, not quite evenly: the number of equal blocks that are worth as much (Kish).
    each = weights.reshape(30, 20).sum(axis=1)
    expected = spread_interval(found.value, plain, blocks=each.sum() ** 2 / (each**2).sum(), level=0.9)
    assert found.value == pytest.approx(tops.sum() / weights.sum())
    assert found.interval.low == pytest.approx(expected.low, rel=1e-9)
    assert found.interval.high == pytest.approx(expected.high, rel=1e-9)


def test_interval_covers_the_true_mean_about_as_often_as_it_says() -> None:
    rng, hits = np.random.default_rng(3), 0
    for _ in range(100):
        weights = np.repeat((rng.random(40) < 0.5).astype(float), 10)
        values = np.repeat(rng.normal(size=40), 10) + rng.normal(size=400)
        made = estimate_ratios((values * weights)[:, None], weights, block=20, samples=100, levels=[0.9], rng=rng)[0]
        hits += 0.0 in made.interval
    # 90 % of 100 are 90, standard deviation 3; blocks of 20 over likeness of 10 make it a little short.
    assert 78 <= hits <= 98


def test_weight_in_one_block_has_no_interval() -> None:
    weights = np.zeros(100)
    weights[3:6] = 1.0
    one = estimate_ratios(
        weights[:, None] * 2, weights, block=10, samples=50, levels=[0.9], rng=np.random.default_rng(0)
    )
    assert one[0].value == 2.0
    assert math.isnan(one[0].interval.low)


def test_no_weight_is_no_number() -> None:
    nothing = np.zeros(30)
    one = estimate_ratios(nothing[:, None], nothing, block=3, samples=9, levels=[0.9], rng=np.random.default_rng(0))
    assert math.isnan(one[0].value)


def test_moments_with_more_rows_weigh_more() -> None:
    values, at = np.array([1.0, 3.0, 5.0, 7.0, 9.0]), np.array([1, 1, 1, 2, 3])
    found = by_moment(values, at)
    assert found.tolist() == pytest.approx([9 * 0.6, 7 * 0.6, 9 * 0.6])
    assert found.mean() == pytest.approx(values.mean())


def test_blocks_leave_nothing_over() -> None:
    assert block_means(np.arange(10.0), block=4).tolist() == [2.0, 7.0]
    assert block_means(np.arange(3.0), block=3).tolist() == [1.0]
    with pytest.raises(BadInputError, match="1 to n rows"):
        block_means(np.arange(3.0), block=4)


def test_nonsense_is_refused() -> None:
    rng = np.random.default_rng(0)
    with pytest.raises(BadInputError, match="of the same rows"):
        estimate_ratios(np.ones((3, 1)), np.ones(4), block=1, samples=9, levels=[0.9], rng=rng)
    with pytest.raises(BadInputError, match="not negative"):
        estimate_ratios(np.ones((3, 1)), np.array([1.0, -1.0, 1.0]), block=1, samples=9, levels=[0.9], rng=rng)
    with pytest.raises(BadInputError, match="must be finite"):
        estimate_ratios(np.full((3, 1), np.nan), np.ones(3), block=1, samples=9, levels=[0.9], rng=rng)
