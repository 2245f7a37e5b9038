"""The second verdict: what is left of a forecast when a trade on it has been paid for."""

from __future__ import annotations

import json
import math
from dataclasses import replace

import numpy as np
import pytest
from numpy.typing import NDArray

from assay.domain.errors import BadInputError, NoDataError
from assay.evidence.direction import Claim
from assay.evidence.edge import EdgeEvidence, Trades, judge_edge
from assay.evidence.verdict import EdgeVerdict, Estimate, decide_edge
from assay.measures.bootstrap import ConfidenceInterval
from assay.measures.deflated_sharpe import deflated_sharpe
from assay.measures.sharpe import probabilistic_sharpe, sharpe_estimate

HOUR = 3_600_000_000
FROM_MAY_2018 = 1_525_132_800_000_000
CLAIM = Claim("BTC-USDT 1h", "1 h", horizon_bars=1, folds=6)


def trades(n: int, mean: float, *, cost: float | NDArray[np.float64], seed: int = 1, acts: float = 1.0) -> Trades:
    """Return trades that earn `mean` before costs, on a part `acts` of the forecasts."""
    rng = np.random.default_rng(seed)
    position = rng.choice([-1.0, 1.0], size=n) * (rng.random(n) < acts)
    forward = position * mean + rng.normal(0.0, 0.01, size=n)
    return Trades(FROM_MAY_2018 + np.arange(n) * HOUR, position, forward, cost)


def judged(made: Trades, claim: Claim = CLAIM) -> EdgeEvidence:
    return judge_edge(made, claim, rng=np.random.default_rng(2), samples=500)


@pytest.mark.parametrize(
    ("low", "trades_made", "blocks", "expected"),
    [
        (0.0001, 30, 10, EdgeVerdict.EDGE),
        (0.0, 500, 90, EdgeVerdict.NO_EDGE),
        (-0.001, 500, 90, EdgeVerdict.NO_EDGE),
        (math.nan, 500, 90, EdgeVerdict.NO_EDGE),
        (0.0001, 29, 90, EdgeVerdict.NOT_ENOUGH_DATA),
        (0.0001, 500, 9.9, EdgeVerdict.NOT_ENOUGH_DATA),
    ],
)
def test_verdict_follows_the_interval(low: float, trades_made: int, blocks: float, expected: EdgeVerdict) -> None:
    net = Estimate(0.001, ConfidenceInterval(low, 0.003, 0.95))
    assert decide_edge(net, trades=trades_made, blocks=blocks) is expected


def test_costs_turn_an_edge_into_none_and_into_a_loss() -> None:
    # 10 bps a trade, standard error 1 bp: 5 bps of costs leave an edge, 10 leave chance, 20 a loss.
    found = {cost: judged(trades(10_000, 0.001, cost=cost)) for cost in (0.0005, 0.0010, 0.0020)}
    assert [one.verdict.value for one in found.values()] == ["edge", "no_edge", "no_edge"]
    assert "which lies above zero; the deflated Sharpe ratio is 1.00" in found[0.0005].sentence
    assert "after 10.0 bps of costs, which includes zero" in found[0.0010].sentence
    assert "after 20.0 bps of costs, which lies below zero" in found[0.0020].sentence
    assert len({one.gross for one in found.values()}) == 1  # what the market gave is the same


def test_net_is_gross_less_the_mean_cost_of_the_trades_made() -> None:
    cost = np.linspace(0.0, 0.004, 4000)
    made = trades(4000, 0.001, cost=cost, acts=0.3)
    evidence = judged(made)
    acted = made.position != 0
    assert evidence.trades == acted.sum()
    assert evidence.forecasts == 4000
    assert evidence.cost == pytest.approx(cost[acted].mean())
    assert evidence.gross.value == pytest.approx((made.position * made.forward_return)[acted].mean())
    assert evidence.net.value == pytest.approx(evidence.gross.value - evidence.cost)
    # 1,200 trades with a deviation of 100 bps: a standard error of 2.9 bps.
    error = 0.01 / math.sqrt(evidence.trades)
    assert (evidence.gross.interval.high - evidence.gross.interval.low) / 2 == pytest.approx(1.99 * error, rel=0.2)


def test_trials_take_an_edge_away() -> None:
    made = trades(10_000, 0.00035, cost=0.0)
    one, many = judged(made), judged(made, replace(CLAIM, trials=5000))
    assert (one.verdict, many.verdict) == (EdgeVerdict.EDGE, EdgeVerdict.NO_EDGE)
    assert many.net.interval.level == pytest.approx(1 - 0.05 / 5000)
    assert "corrected for the trials, which includes zero" in many.sentence
    assert many.sentence.endswith("10,000 trades of 1 h, 5,000 trials)")
    assert one.deflated_sharpe == one.probabilistic_sharpe
    assert many.probabilistic_sharpe == one.probabilistic_sharpe
    assert many.deflated_sharpe is not None
    assert one.deflated_sharpe is not None
    assert many.deflated_sharpe < one.deflated_sharpe


def test_trades_that_overlap_are_not_taken_for_independent_ones() -> None:
    # Every hour a trade of a day on one lasting opinion about a market without drift: 24 trades tell what one tells.
    wrong, by_rows = 0, 0
    for seed in range(20):
        rng = np.random.default_rng(seed)
        hourly = rng.normal(0.0, 0.01, size=2023)
        forward = np.convolve(hourly, np.ones(24), mode="valid")
        at = FROM_MAY_2018 + np.arange(2000) * HOUR
        made = Trades(at, np.ones(2000), forward, cost=0.0)
        claim = Claim("BTC-USDT 1h", "24 h", horizon_bars=24, folds=6)
        wrong += judge_edge(made, claim, rng=rng, samples=100).verdict is EdgeVerdict.EDGE
        independent = replace(claim, block_bars=1)
        by_rows += judge_edge(made, independent, rng=rng, samples=100).verdict is EdgeVerdict.EDGE
    # 2.5 % of 20 are 0.5; by rows the interval is five times too narrow: P(z > 0.4) = 0.34.
    assert wrong <= 2
    assert by_rows >= 4


def test_sharpe_ratio_is_that_of_blocks_of_an_account() -> None:
    made = trades(1680, 0.001, cost=0.0002)
    evidence = judged(made, replace(CLAIM, trials=3))
    net = made.position * made.forward_return - 0.0002
    expected = sharpe_estimate(net.reshape(10, 168).sum(axis=1))
    assert evidence.sharpe is not None
    assert evidence.sharpe.ratio == pytest.approx(expected.ratio, rel=1e-9)
    assert evidence.probabilistic_sharpe == pytest.approx(probabilistic_sharpe(expected), rel=1e-9)
    assert evidence.deflated_sharpe == pytest.approx(deflated_sharpe(expected, trials=3), rel=1e-9)


def test_too_little_is_said_to_be_too_little() -> None:
    short = judged(trades(1679, 0.01, cost=0.0))
    assert short.verdict is EdgeVerdict.NOT_ENOUGH_DATA
    assert short.sentence.startswith(
        "Not enough data: fewer than 10 blocks of 168 bars, or than 30 trades, say nothing; "
    )
    tiny = judged(trades(5, 0.01, cost=0.0))
    assert (tiny.verdict, tiny.sharpe) == (EdgeVerdict.NOT_ENOUGH_DATA, None)


def test_model_that_always_abstains_has_no_trades_and_no_verdict() -> None:
    evidence = judged(trades(3000, 0.01, cost=0.001, acts=0.0))
    assert (evidence.verdict, evidence.trades) == (EdgeVerdict.NOT_ENOUGH_DATA, 0)
    assert evidence.sentence == (
        "Not enough data: no forecast was acted on (BTC-USDT 1h, 2018-05 to 2018-09, 0 trades of 1 h, 1 trial)"
    )
    document = json.loads(json.dumps(evidence.to_dict(), allow_nan=False))
    assert (document["net"]["value"], document["cost"], document["deflated_sharpe"]) == (None, None, None)


def test_coins_of_one_moment_are_one_observation() -> None:
    one = trades(2000, 0.0006, cost=0.0)
    together = Trades(
        np.repeat(one.forecast_at, 20), np.repeat(one.position, 20), np.repeat(one.forward_return, 20), cost=0.0
    )
    alone, many = judged(one), judged(together)
    assert many.trades == 40_000
    assert many.net.value == pytest.approx(alone.net.value)
    assert many.net.interval.low == pytest.approx(alone.net.interval.low)


def test_document_is_plain_json() -> None:
    document = json.loads(json.dumps(judged(trades(3000, 0.001, cost=0.0005)).to_dict(), allow_nan=False))
    assert document["first_at"] == "2018-05-01T00:00:00+00:00"
    assert (document["trades"], document["trials"], document["block_bars"]) == (3000, 1, 168)
    assert document["cost"] == pytest.approx(0.0005)
    assert set(document["net"]) == {"value", "low", "high", "level"}


def test_nonsense_is_refused() -> None:
    good = trades(10, 0.0, cost=0.0)
    for change, text in (
        ({"position": np.ones(9)}, "differ in length"),
        ({"position": np.full(10, 0.5)}, "a position is -1, 0 or 1"),
        ({"cost": -0.1}, "a cost is a fraction, not negative"),
        ({"cost": math.nan}, "a cost is a fraction, not negative"),
        ({"forward_return": np.full(10, np.nan)}, "a return is not finite"),
        ({"forecast_at": good.forecast_at[::-1]}, "in order of time"),
    ):
        with pytest.raises(BadInputError, match=text):
            judged(replace(good, **change))
    none = np.zeros(0)
    with pytest.raises(NoDataError, match="no forecast to trade on"):
        judged(Trades(none.astype(np.int64), none, none, 0.0))
