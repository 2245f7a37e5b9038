"""The evidence of planted skill, planted leak, pure chance and too little data."""

from __future__ import annotations

import json
import math
from dataclasses import replace
from datetime import UTC, datetime

import numpy as np
import pytest
from numpy.typing import NDArray
from scipy import stats
from sklearn.metrics import accuracy_score, f1_score, precision_score, recall_score

from assay.domain.errors import BadInputError, NoDataError
from assay.evidence.direction import Claim, DirectionEvidence, Forecasts, judge_direction
from assay.evidence.verdict import Verdict
from assay.measures.bootstrap import block_indices

HOUR = 3_600_000_000
FROM_MAY_2018 = int(datetime(2018, 5, 1, tzinfo=UTC).timestamp()) * 1_000_000
CLAIM = Claim("BTC-USDT 1h", "24 h", horizon_bars=24, folds=6)


def overlapping_labels(n: int, rng: np.random.Generator) -> NDArray[np.int64]:
    """Return directions 24 steps ahead of a random walk: neighbours share 23 of their 24 steps, as hourly ones do."""
    path = np.cumsum(rng.normal(size=n + 24))
    return (path[24:] > path[:-24]).astype(np.int64)


def forecasts(actual: NDArray[np.int64], right: NDArray[np.bool_]) -> Forecasts:
    """Return forecasts that hit where `right` says, against "always up"."""
    times = FROM_MAY_2018 + np.arange(actual.size) * HOUR
    return Forecasts(times, actual, np.where(right, actual, 1 - actual), np.ones_like(actual))


def judged(n: int, share_right: float, claim: Claim = CLAIM) -> DirectionEvidence:
    rng = np.random.default_rng(7)
    actual = rng.integers(2, size=n)
    return judge_direction(forecasts(actual, rng.random(n) < share_right), claim, rng=rng, samples=1000)


def test_values_equal_scikit_learn_and_intervals_hold_them() -> None:
    rng = np.random.default_rng(1)
    actual = overlapping_labels(5000, rng)
    said = forecasts(actual, rng.random(5000) < 0.53)
    evidence = judge_direction(said, CLAIM, rng=rng, samples=1000)
    for scores, predicted in ((evidence.model, said.predicted), (evidence.baseline, said.baseline)):
        for estimate, theirs in (
            (scores.accuracy, accuracy_score),
            (scores.precision, precision_score),
            (scores.recall, recall_score),
            (scores.f1, f1_score),
        ):
            assert estimate.value == pytest.approx(theirs(actual, predicted), abs=1e-15)
            assert estimate.value in estimate.interval
    assert evidence.difference.value == evidence.model.accuracy.value - evidence.baseline.accuracy.value


def test_paired_interval_is_the_spread_of_the_general_bootstrap_of_hits() -> None:
    rng = np.random.default_rng(2)
    said = forecasts(overlapping_labels(2000, rng), rng.random(2000) < 0.5)
    evidence = judge_direction(said, CLAIM, rng=np.random.default_rng(3), samples=800)
    hits = (said.predicted == said.actual).astype(float), (said.baseline == said.actual).astype(float)
    drawn = block_indices(2000, block=168, rng=np.random.default_rng(3), samples=800)
    spread = float(np.std([hits[0][rows].mean() - hits[1][rows].mean() for rows in drawn], ddof=1))
    half = float(stats.t.ppf(0.975, 2000 / 168 - 1)) * spread
    found, value = evidence.difference.interval, evidence.difference.value
    assert (found.low, found.high) == pytest.approx((value - half, value + half), rel=1e-9)


def test_chance_gets_no_skill_and_says_so_in_one_sentence() -> None:
    evidence = judged(35_000, 0.5)
    assert evidence.verdict is Verdict.NO_SKILL
    assert evidence.sentence.startswith(
        f"No skill: 24 h direction accuracy {100 * evidence.model.accuracy.value:.1f} % ["
    )
    assert "for the base rate; the difference " in evidence.sentence
    assert evidence.sentence.endswith(
        "includes zero (BTC-USDT 1h, 2018-05 to 2022-04, n = 35,000, 1 trial)"  # 35,000 h are 1,458 days
    )


def test_chance_is_rarely_called_skill() -> None:
    # Labels overlap as real ones do, and the "model" is a coin that is kept for a day. The interval leaves 2.5 % above
    # it, so that of 100 useless models 9 or more look skilled with a probability of 0.1 %.
    rng = np.random.default_rng(5)
    found = []
    for _ in range(100):
        actual = overlapping_labels(5000, rng)
        coin = np.repeat(rng.integers(2, size=5000 // 24 + 1), 24)[:5000]
        said = Forecasts(FROM_MAY_2018 + np.arange(5000) * HOUR, actual, coin, np.ones_like(coin))
        found.append(judge_direction(said, CLAIM, rng=rng, samples=400).verdict)
    assert found.count(Verdict.SKILL) < 9
    assert found.count(Verdict.SUSPECT) == 0


def test_planted_skill_is_found() -> None:
    evidence = judged(20_000, 0.55)
    assert evidence.verdict is Verdict.SKILL
    assert evidence.sentence.startswith("Skill: ")
    assert "lies above zero" in evidence.sentence


def test_planted_leak_is_suspected() -> None:
    evidence = judged(20_000, 0.9)
    assert evidence.verdict is Verdict.SUSPECT
    assert evidence.sentence.startswith("Too good to be true, look for a leak: ")


def test_reversed_model_is_worse() -> None:
    evidence = judged(20_000, 0.4)
    assert evidence.verdict is Verdict.WORSE
    assert "lies below zero" in evidence.sentence


def test_ten_weeks_of_hours_are_needed_for_a_verdict() -> None:
    assert judged(1679, 0.9).verdict is Verdict.NOT_ENOUGH_DATA
    assert judged(1680, 0.9).verdict is Verdict.SUSPECT
    assert judged(5, 0.5).sentence.startswith("Not enough data: fewer than 10 blocks of 168 bars say nothing; ")


def test_more_trials_widen_the_interval_until_the_skill_is_gone() -> None:
    one = judged(6000, 0.522)
    many = judged(6000, 0.522, replace(CLAIM, trials=40))
    assert one.verdict is Verdict.SKILL
    assert many.verdict is Verdict.NO_SKILL
    assert many.difference.interval.low < one.difference.interval.low
    assert many.difference.interval.level == pytest.approx(1 - 0.05 / 40)
    assert "corrected for the trials, includes zero" in many.sentence
    assert many.sentence.endswith("40 trials)")


def test_block_is_a_week_or_two_horizons_unless_chosen() -> None:
    assert CLAIM.block == 168
    assert replace(CLAIM, horizon_bars=200).block == 400
    assert replace(CLAIM, block_bars=24).block == 24


def test_same_seed_same_evidence() -> None:
    assert judged(3000, 0.5) == judged(3000, 0.5)


def test_document_is_plain_json_with_none_for_what_is_undefined() -> None:
    rng = np.random.default_rng(7)
    actual = rng.integers(2, size=2000)
    never_up = Forecasts(FROM_MAY_2018 + np.arange(2000) * HOUR, actual, np.zeros_like(actual), np.ones_like(actual))
    evidence = judge_direction(never_up, CLAIM, rng=rng, samples=100)
    assert math.isnan(evidence.model.precision.value)
    document = json.loads(json.dumps(evidence.to_dict(), allow_nan=False))
    assert document["model"]["precision"] == {"value": None, "low": None, "high": None, "level": 0.95}
    assert document["model"]["false_down"] == int(actual.sum())
    assert document["verdict"] == evidence.verdict
    assert document["sentence"] == evidence.sentence
    assert document["first_at"] == "2018-05-01T00:00:00+00:00"
    assert (document["n"], document["trials"], document["folds"]) == (2000, 1, 6)


def test_nothing_to_judge_is_refused() -> None:
    none = np.zeros(0, dtype=np.int64)
    with pytest.raises(NoDataError, match="no forecast to judge"):
        judge_direction(Forecasts(none, none, none, none), CLAIM, rng=np.random.default_rng(0))


def test_nonsense_is_refused() -> None:
    two, rng = np.array([0, 1]), np.random.default_rng(0)
    with pytest.raises(BadInputError, match="differ in length"):
        judge_direction(Forecasts(two, two, two, two[:1]), CLAIM, rng=rng)
    with pytest.raises(BadInputError, match="order of time"):
        judge_direction(Forecasts(two[::-1], two, two, two), CLAIM, rng=rng)
    with pytest.raises(BadInputError, match="a direction is 0 or 1"):
        judge_direction(Forecasts(two, two + 1, two, two), CLAIM, rng=rng)
    with pytest.raises(BadInputError, match="trials must be at least one"):
        replace(CLAIM, trials=0)


def turned_market(n: int, rng: np.random.Generator) -> NDArray[np.int64]:
    """Return overlapping directions of a market that falls now, so that "always up" is wrong more often than not."""
    path = np.cumsum(rng.normal(-0.12, 1.0, size=n + 24))
    return (path[24:] > path[:-24]).astype(np.int64)


@pytest.mark.parametrize(("n", "candidates"), [(2000, 20), (8000, 40)])
def test_the_best_of_many_coins_is_no_skill_where_the_base_rate_is_wrong(n: int, candidates: int) -> None:
    # Any coin beats that base rate, so that nothing but the coin is left to be beaten, by each candidate in turn.
    rng = np.random.default_rng(4)
    claim = replace(CLAIM, trials=candidates)
    is_beaten, skilled = 0, 0
    for _ in range(8):
        actual = turned_market(n, rng)
        times, best = FROM_MAY_2018 + np.arange(n) * HOUR, np.zeros(n, dtype=np.int64)
        for _ in range(candidates):
            coin = (np.convolve(rng.normal(size=n + 47), np.ones(48), "valid") > 0).astype(np.int64)
            best = max(best, coin, key=lambda one: float((one == actual).mean()))
        said = Forecasts(times, actual, best, np.ones_like(best))
        found = judge_direction(said, claim, rng=rng, samples=400)
        is_beaten += found.difference.interval.low > 0
        skilled += found.verdict is Verdict.SKILL
    assert is_beaten >= 4
    assert skilled == 0


def test_many_trials_on_few_blocks_ask_for_students_t() -> None:
    # Ten blocks: at 0.05 / 40 / 2 Student's t with nine degrees of freedom lies at 4.6, the normal one at 3.2.
    found = judged(1680, 0.55, replace(CLAIM, trials=40)).difference
    once = judged(1680, 0.55).difference
    ratio = float(stats.t.ppf(1 - 0.05 / 40 / 2, 9) / stats.t.ppf(0.975, 9))
    assert found.value - found.interval.low == pytest.approx(ratio * (once.value - once.interval.low), rel=1e-9)


def test_many_series_that_move_together_prove_no_more_than_one() -> None:
    rng = np.random.default_rng(3)
    actual = overlapping_labels(3000, rng)
    alone = forecasts(actual, rng.random(3000) < 0.54)
    copies = 20
    together = Forecasts(
        np.repeat(alone.forecast_at, copies), np.repeat(actual, copies),
        np.repeat(alone.predicted, copies).astype(np.int8), np.repeat(alone.baseline, copies).astype(np.int8),
    )  # fmt: skip
    claim = replace(CLAIM, trials=30)
    one, many = (judge_direction(said, claim, rng=np.random.default_rng(5), samples=500) for said in (alone, together))
    assert many.n == copies * one.n
    assert many.model.counts.true_up == copies * one.model.counts.true_up
    assert many.difference.value == pytest.approx(one.difference.value)
    for ours, theirs in ((one.difference, many.difference), (one.model.f1, many.model.f1)):
        assert (theirs.interval.low, theirs.interval.high) == pytest.approx((ours.interval.low, ours.interval.high))
    assert many.verdict is one.verdict
    assert "n = 60,000 at 3,000 moments" in many.sentence


def test_series_that_begin_later_count_by_their_rows() -> None:
    at = FROM_MAY_2018 + np.repeat(np.arange(2000), [1] * 1000 + [3] * 1000) * HOUR
    actual = np.ones(4000, dtype=np.int64)
    right = np.r_[np.zeros(1000, dtype=bool), np.ones(3000, dtype=bool)]
    said = Forecasts(at, actual, right.astype(np.int64), np.zeros_like(actual))
    found = judge_direction(said, CLAIM, rng=np.random.default_rng(1), samples=500)
    assert found.model.accuracy.value == 0.75
    assert 0.75 in found.model.accuracy.interval
