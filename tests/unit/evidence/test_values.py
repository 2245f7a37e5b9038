"""Forecasts of values: scores by hand, a verdict on the paired difference, and each baseline."""

from __future__ import annotations

import json
import math
from dataclasses import replace

import numpy as np
import pytest
from numpy.typing import NDArray

from assay.domain.errors import BadInputError, NoDataError
from assay.evidence.baselines import against_baselines
from assay.evidence.direction import Claim
from assay.evidence.values import ValueEvidence, ValueForecasts, judge_values
from assay.evidence.verdict import Verdict
from assay.measures.diebold_mariano import diebold_mariano

HOUR = 3_600_000_000
FROM_MAY_2018 = 1_525_132_800_000_000
CLAIM = Claim("BTC-USDT 1h", "1 h", horizon_bars=1, folds=6)


def forecasts(n: int, knows: float, *, said: float = 1.0) -> ValueForecasts:
    """Return forecasts that know the part `knows` of what varies; the baseline is "no change"."""
    rng = np.random.default_rng(3)
    known, unknown = rng.normal(size=(2, n))
    actual = math.sqrt(knows) * known + math.sqrt(1 - knows) * unknown
    at = FROM_MAY_2018 + np.arange(n) * HOUR
    return ValueForecasts(at, actual, said * math.sqrt(max(knows, 0.01)) * known, np.zeros(n))


def judged(made: ValueForecasts, claim: Claim = CLAIM) -> ValueEvidence:
    return judge_values(made, claim, rng=np.random.default_rng(4), samples=400)


@pytest.mark.parametrize(
    ("knows", "said", "expected", "words"),
    [
        (0.05, 1.0, Verdict.SKILL, "Skill: 1 h value, skill +5."),
        (0.0, 0.3, Verdict.NO_SKILL, "No skill: "),
        (0.0, 3.0, Verdict.WORSE, "Worse than the baseline: "),
        (0.6, 1.0, Verdict.SUSPECT, "Too good to be true, look for a leak: "),
    ],
)
def test_verdict_follows_what_is_known(knows: float, said: float, expected: Verdict, words: str) -> None:
    evidence = judged(forecasts(8000, knows, said=said))
    assert evidence.verdict is expected
    assert evidence.sentence.startswith(words)


def test_numbers_are_those_of_the_closed_form() -> None:
    # A tenth of the variance is known: the skill is 0.1, the root of the mean square sqrt(0.9), the mean absolute
    # error of normal numbers sqrt(2 / pi) of it.
    made = forecasts(40_000, 0.1)
    evidence = judged(made)
    assert evidence.skill.value == pytest.approx(0.1, abs=0.01)
    assert 0.1 in evidence.skill.interval
    assert evidence.model.scores.rmse == pytest.approx(math.sqrt(0.9), rel=0.02)
    assert evidence.model.scores.mae == pytest.approx(math.sqrt(0.9 * 2 / math.pi), rel=0.02)
    assert evidence.model.rmse.low < evidence.model.scores.rmse < evidence.model.rmse.high
    assert evidence.baseline.mae.low < evidence.baseline.scores.mae < evidence.baseline.mae.high
    assert evidence.test is not None
    gain = made.actual**2 - (made.actual - made.predicted) ** 2
    assert evidence.test.p_value == diebold_mariano(gain, horizon=1).p_value


def test_trials_widen_the_interval() -> None:
    made = forecasts(3000, 0.012)
    one, many = judged(made), judged(made, replace(CLAIM, trials=10_000))
    assert (one.verdict, many.verdict) == (Verdict.SKILL, Verdict.NO_SKILL)
    assert one.skill.value == many.skill.value
    assert many.sentence.endswith("10,000 trials)")
    assert "corrected for the trials, includes zero" in many.sentence


def test_few_rows_say_nothing() -> None:
    few = judged(forecasts(1679, 0.5))
    assert few.verdict is Verdict.NOT_ENOUGH_DATA
    one = judged(forecasts(1, 0.5))
    assert (one.test, one.verdict) == (None, Verdict.NOT_ENOUGH_DATA)
    assert json.loads(json.dumps(one.to_dict(), allow_nan=False))["p_value"] is None


def test_price_that_never_moves_has_a_baseline_that_is_always_right() -> None:
    made = forecasts(2000, 0.0)
    evidence = judged(replace(made, actual=np.zeros(2000)))
    assert evidence.verdict is Verdict.NO_SKILL
    assert evidence.sentence.startswith("No skill: the baseline is always exactly right (BTC-USDT 1h, 2018-05 to ")
    assert json.loads(json.dumps(evidence.to_dict(), allow_nan=False))["skill"]["value"] is None


def test_each_baseline_is_compared_by_itself() -> None:
    rng = np.random.default_rng(5)
    losses = rng.random(2400)
    others = {"better": losses - 0.1, "same": losses.copy(), "worse": losses + rng.normal(0.1, 0.5, 2400)}
    at = np.arange(2400) * HOUR
    found = against_baselines(losses, others, at, claim=replace(CLAIM, trials=5), rng=rng, samples=300)
    assert [one.name for one in found] == ["better", "same", "worse"]
    better, same, worse = found
    assert better.gain.interval.high < 0
    assert (same.gain.value, same.skill, same.test.p_value) == (0.0, 0.0, 1.0)
    assert worse.gain.interval.low > 0
    assert worse.gain.interval.level == pytest.approx(0.99)
    assert worse.test.p_better < 0.01
    assert worse.skill == pytest.approx(1 - losses.mean() / others["worse"].mean())
    documents = json.loads(json.dumps([one.to_dict() for one in found], allow_nan=False))
    assert documents[1]["diebold_mariano"]["statistic"] is None


def test_nonsense_is_refused() -> None:
    good, rng = forecasts(10, 0.1), np.random.default_rng(0)
    changes: list[tuple[dict[str, NDArray[np.float64]], str]] = [
        ({"predicted": np.zeros(9)}, "differ in shape"),
        ({"actual": np.full(10, np.nan)}, "an outcome is not finite"),
    ]
    for change, text in changes:
        with pytest.raises(BadInputError, match=text):
            judged(replace(good, **change))  # type: ignore[arg-type]
    with pytest.raises(BadInputError, match="differ in length"):
        judged(replace(good, forecast_at=good.forecast_at[:5]))
    none = np.zeros(0)
    with pytest.raises(NoDataError, match="no forecast to score"):
        judged(ValueForecasts(none.astype(np.int64), none, none, none))
    with pytest.raises(BadInputError, match="of the same rows"):
        against_baselines(none, {}, none.astype(np.int64), claim=CLAIM, rng=rng)
    with pytest.raises(NoDataError, match="no forecast to compare"):
        against_baselines(none, {"a": none}, none.astype(np.int64), claim=CLAIM, rng=rng)
