"""Regimes as they could be told at the time, and the scores inside of them."""

from __future__ import annotations

import json
import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from assay.domain.errors import BadInputError
from assay.evidence.regimes import TREND, UNKNOWN, VOLATILITY, judge_regimes, trends, volatility_terciles

series = st.lists(st.one_of(st.integers(0, 6).map(float), st.just(math.nan)), max_size=40)


@settings(max_examples=40)
@given(series)
def test_tercile_is_the_rank_among_all_values_before(values: list[float]) -> None:
    found = volatility_terciles(np.array(values), history=3)
    for row, value in enumerate(values):
        before = [one for one in values[:row] if not math.isnan(one)]
        if math.isnan(value) or len(before) < 3:
            assert found[row] == UNKNOWN
            continue
        below = sum(one < value for one in before) + sum(one == value for one in before) / 2
        assert found[row] == min(2, math.floor(3 * below / len(before) + 1e-9))


@settings(max_examples=40)
@given(series, st.integers(0, 40))
def test_what_comes_later_changes_nothing(values: list[float], cut: int) -> None:
    whole = volatility_terciles(np.array(values), history=2)
    assert volatility_terciles(np.array(values[:cut]), history=2).tolist() == whole[:cut].tolist()


def test_terciles_of_a_steady_series_are_thirds() -> None:
    found = volatility_terciles(np.random.default_rng(1).gamma(2.0, size=6000), history=1000)
    assert np.count_nonzero(found == UNKNOWN) == 1000
    shares = [(found == regime).sum() / 5000 for regime in range(3)]
    assert shares == pytest.approx([1 / 3] * 3, abs=0.03)


def test_scores_are_the_means_inside_and_the_gain_is_paired() -> None:
    rng = np.random.default_rng(2)
    regime = np.repeat(rng.integers(-1, 2, size=60), 50).astype(np.int8)
    noise = rng.random(3000)
    baseline = noise + 1.0
    model = noise + np.where(regime == 1, 0.5, 1.0)
    falling, rising = judge_regimes((model, baseline), regime, TREND, block=25, rng=rng, samples=200)
    assert falling.name == "falling"
    assert falling.rows == (regime == 0).sum()
    assert falling.share == falling.rows / 3000
    assert falling.model.value == pytest.approx(model[regime == 0].mean())
    assert falling.baseline.value == pytest.approx(baseline[regime == 0].mean())
    # The difference is the same in every row, so that nothing of the noise of the losses is left in its interval.
    assert falling.gain.interval.low == pytest.approx(0.0, abs=1e-9)
    assert (rising.gain.interval.low, rising.gain.interval.high) == pytest.approx((0.5, 0.5))
    assert rising.model.interval.low < rising.model.value < rising.model.interval.high
    assert rising.gain.interval.level == pytest.approx(0.975)
    assert rising.is_enough


def test_regime_without_rows_has_no_score() -> None:
    ones = np.ones(50)
    found = judge_regimes(
        (ones, ones), np.zeros(50, dtype=np.int8), VOLATILITY, block=5, rng=np.random.default_rng(0), samples=20
    )
    assert [one.rows for one in found] == [50, 0, 0]
    assert [one.is_enough for one in found] == [True, False, False]
    assert math.isnan(found[1].model.value)
    assert json.loads(json.dumps(found[1].to_dict(), allow_nan=False))["gain"]["value"] is None


def test_nonsense_is_refused() -> None:
    rng, ones, regime = np.random.default_rng(0), np.ones(3), np.zeros(3, dtype=np.int8)
    with pytest.raises(BadInputError, match="of the same rows"):
        judge_regimes((ones, ones[:2]), regime, TREND, block=1, rng=rng)
    for value in (2, -2):
        with pytest.raises(BadInputError, match="a regime has no name"):
            judge_regimes((ones, ones), regime + np.int8(value), TREND, block=1, rng=rng)
    with pytest.raises(BadInputError, match="history of two rows"):
        volatility_terciles(ones, history=1)
    assert trends(np.array([np.nan])).tolist() == [UNKNOWN]
