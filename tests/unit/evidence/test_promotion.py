"""Every reason for which a model is not promoted, and the one case in which it is."""

from __future__ import annotations

import json
import re
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import numpy as np
import pytest

from assay.domain.errors import BadInputError
from assay.evidence.causality import Certificate
from assay.evidence.promotion import (
    Circumstances,
    Contender,
    Decision,
    Features,
    Opponent,
    PairedTest,
    certificate_document,
    decide_promotion,
    read_certificate,
    wanted_level,
)
from assay.evidence.selection import Contest, select
from assay.evidence.verdict import Estimate
from assay.measures.bootstrap import ConfidenceInterval, percentile_interval, resampled_sums

DAY = timedelta(days=1)
NOW = datetime(2024, 7, 1, tzinfo=UTC)
FEATURES = Features("direction/1#00ff", code="ema(n=12)#0f", config="direction/1")
CERTIFICATE = Certificate.of(
    "direction", code=FEATURES.code, config=FEATURES.config, data_version="d0", checks=("stream",), density=1.0
)
CONTENDER = Contender("00aa", FEATURES.identity, datetime(2024, 1, 1, tzinfo=UTC), CERTIFICATE)
CHAMPION = Opponent("00bb", datetime(2023, 1, 1, tzinfo=UTC))
TEST = PairedTest(
    "00aa",
    "00bb",
    first_at=datetime(2024, 1, 1, tzinfo=UTC),
    until=NOW,
    data_version="d1",
    rows=4000,
    blocks=20.0,
    difference=Estimate(0.03, ConfidenceInterval(0.01, 0.05, wanted_level(1))),
    score=0.55,
    plausible_to=0.65,
)


def decide(
    contender: Contender = CONTENDER,
    opponent: Opponent = CHAMPION,
    test: PairedTest | None = TEST,
    *,
    features: Features = FEATURES,
    now: datetime = NOW,
    looks: int = 1,
) -> Decision:
    return decide_promotion(contender, opponent, test, Circumstances(features, now, looks))


def with_interval(low: float, high: float, level: float = wanted_level(1)) -> PairedTest:
    return replace(TEST, difference=Estimate(0.03, ConfidenceInterval(low, high, level)))


def test_a_certified_model_that_won_on_untouched_data_is_promoted() -> None:
    decision = decide()
    assert decision.is_promoted
    assert decision.reasons == ()
    assert decision.sentence == (
        "Promoted: 00aa beats 00bb by +0.03 [+0.01, +0.05] at 98 % "
        "(2024-01-01 00:00 UTC to 2024-07-01 00:00 UTC, n = 4,000)"
    )


def test_a_baseline_is_beaten_where_there_is_no_champion() -> None:
    assert decide(opponent=Opponent("base_rate"), test=replace(TEST, opponent="base_rate")).is_promoted


@pytest.mark.parametrize(
    ("changed", "reason"),
    [
        ({"contender": replace(CONTENDER, certificate=None)}, "its features have no certificate"),
        ({"features": replace(FEATURES, code="ema(n=12)#0e")}, "does not hold any more: the code has changed"),
        ({"features": replace(FEATURES, config="direction/2")}, "hold any more: the configuration has changed"),
        ({"contender": replace(CONTENDER, certificate=replace(CERTIFICATE, version=0))}, "the checks have changed"),
        ({"contender": replace(CONTENDER, certificate=replace(CERTIFICATE, density=0.0))}, "proves nothing"),
        ({"contender": replace(CONTENDER, certificate=replace(CERTIFICATE, checks=()))}, "proves nothing"),
        ({"features": replace(FEATURES, identity="direction/1#00fe")}, "on direction/1#00ff, and the features are"),
        ({"test": None}, "there is no paired test against 00bb"),
        ({"test": replace(TEST, challenger="00cc")}, "the paired test is of 00cc"),
        ({"test": replace(TEST, opponent="base_rate")}, "is against base_rate, and 00bb has to be beaten"),
        (
            {"contender": replace(CONTENDER, seen_until=TEST.first_at + timedelta(microseconds=1))},
            "not on untouched data: it begins 2024-01-01 00:00 UTC, and the model has seen until",
        ),
        ({"opponent": replace(CHAMPION, seen_until=NOW)}, "cannot be compared: the test begins .*00bb has seen until"),
        ({"now": NOW - timedelta(seconds=1)}, "the last outcome of the test is not known before 2024-07-01"),
        ({"test": replace(TEST, blocks=9.99)}, "not enough data: 4,000 rows are 10.0 blocks, and fewer than 10"),
        ({"test": replace(TEST, blocks=float("nan"))}, "not enough data"),
        ({"test": with_interval(0.01, 0.05, 0.95)}, "of 95 %, and of outcomes looked at once 98 % is needed"),
        ({"looks": 4}, "of 98 %, and of outcomes looked at 4 times 99.5 % is needed"),
        ({"test": with_interval(0.0, 0.05)}, "has not won: .* is not above zero"),
        ({"test": with_interval(float("nan"), float("nan"))}, "has not won"),
        ({"test": replace(TEST, score=0.651)}, "too good to be true, look for a leak: a score of 0.651"),
        ({"test": replace(TEST, score=float("nan"))}, "too good to be true"),
    ],
)  # fmt: skip
def test_each_thing_that_is_missing_keeps_it_where_it_is_and_is_said(changed: dict[str, object], reason: str) -> None:
    decision = decide(**changed)  # type: ignore[arg-type]
    assert not decision.is_promoted
    assert len(decision.reasons) == 1
    assert re.search(rf"^Kept: .*{reason}", decision.sentence)


def test_all_reasons_are_said_at_once() -> None:
    decision = decide(replace(CONTENDER, certificate=None), test=replace(TEST, challenger="00cc", blocks=1))
    assert len(decision.reasons) == 3
    assert decision.sentence == f"Kept: {'; '.join(decision.reasons)}"


def test_later_looks_at_the_same_outcomes_need_wider_intervals() -> None:
    assert [round(wanted_level(looks), 6) for looks in (1, 2, 10)] == [0.98, 0.99, 0.998]
    assert decide(test=with_interval(0.001, 0.06, wanted_level(4)), looks=4).is_promoted
    with pytest.raises(BadInputError, match="one look at least"):
        wanted_level(0)


def test_what_selection_selects_with_the_looks_as_trials_is_promoted_and_nothing_else() -> None:
    rng = np.random.default_rng(7)
    hours = 1_700_000_000_000_000 + np.arange(4000) * 3_600_000_000
    luck = rng.choice([-1.0, 0.0, 1.0], size=4000)
    for looks in (1, 3, 20):
        for gain in (-0.1, 0.0, 0.05, 0.2):
            found = select(luck + gain, hours, Contest(horizon_bars=24, trials=looks))
            assert found.gain.interval.level == pytest.approx(wanted_level(looks))
            test = replace(TEST, rows=found.rows, blocks=found.blocks, difference=found.gain)
            assert decide(test=test, looks=looks).is_promoted == found.is_selected
            assert not decide(test=test, looks=looks + 1).is_promoted


def test_of_models_that_are_no_better_about_one_in_a_hundred_wins_at_the_first_look() -> None:
    # The difference of two coins on the same rows, 500 times; the seed is fixed, so this either holds or does not.
    rng = np.random.default_rng(7)
    won = 0
    for _ in range(500):
        lead = (rng.integers(2, size=(400, 1)) - rng.integers(2, size=(400, 1))).astype(np.float64)
        draws = resampled_sums(lead, block=10, samples=500, rng=rng)[:, 0] / 400
        found = Estimate(float(lead.mean()), percentile_interval(draws, level=wanted_level(1)))
        won += decide(test=replace(TEST, difference=found)).is_promoted
    # 5 are expected, with a deviation of 2.2; blocks make intervals a little too narrow.
    assert 1 <= won <= 13


def test_a_certificate_comes_back_from_json_and_an_altered_one_does_not() -> None:
    dated = replace(CERTIFICATE, made_at=NOW)
    for one in (CERTIFICATE, dated):
        document = json.loads(json.dumps(certificate_document(one)))
        assert read_certificate(document) == one
        for name, value in (("density", 0.5), ("checks", ["fit"]), ("code_hash", "0" * 16), ("version", 2)):
            with pytest.raises(BadInputError, match="was altered"):
                read_certificate(document | {name: value})
        for wrong in (
            {},
            {"subject": "x"},
            document | {"more": 1},
            document | {"checks": 3},
            document | {"made_at": "x"},
        ):
            with pytest.raises(BadInputError, match="not a certificate"):
                read_certificate(wrong)
