"""Is anything left when the costs are paid? What a trade on each forecast earned, less what it cost.

Trades overlap where forecasts do: a day ahead, every hour. So the interval of the mean is one over blocks of time, and
the Sharpe ratio is that of blocks: of an account that puts the same stake on each forecast. The interval is corrected
for the number of trials; the deflated Sharpe ratio counts them too. Each forecast is paid for as a trade of its own;
what a position that is kept would save is a question to a backtest.

>>> import numpy as np
>>> rng = np.random.default_rng(7)
>>> claim = Claim("BTC-USDT 1h", "1 h", horizon_bars=1, folds=6)
>>> hours = 1_600_000_000_000_000 + np.arange(5000) * 3_600_000_000
>>> chance = Trades(hours, rng.choice([-1.0, 1.0], size=5000), rng.normal(0, 0.01, 5000), cost=0.002)
>>> print(judge_edge(chance, claim, rng=rng, samples=200).sentence)
No edge: a trade earns ... bps [...] after 20.0 bps of costs, which lies below zero; ... (BTC-USDT 1h, 2020-09 to
2021-04, 5,000 trades of 1 h, 1 trial)
"""

from __future__ import annotations

import math
from dataclasses import dataclass, replace
from datetime import datetime

import numpy as np
from numpy.typing import NDArray

from assay.domain.errors import BadInputError, NoDataError
from assay.evidence.claim import Claim, period
from assay.evidence.observations import block_means, by_moment
from assay.evidence.ratios import estimate_ratios
from assay.evidence.verdict import MIN_BLOCKS, MIN_TRADES, EdgeVerdict, Estimate, decide_edge, signed
from assay.measures.deflated_sharpe import deflated_sharpe
from assay.measures.sharpe import SharpeEstimate, probabilistic_sharpe, sharpe_estimate


@dataclass(frozen=True, slots=True, eq=False)
class Trades:
    """What was done on each forecast and what the price did; out of sample, in order of time, shape (n,)."""

    forecast_at: NDArray[np.int64]
    """Microseconds."""
    position: NDArray[np.float64]
    """1 long, -1 short, 0 no trade (a forecast that abstains keeps its row)."""
    forward_return: NDArray[np.float64]
    """Simple return of the price from the forecast to the end of its horizon, as a fraction; NaN is refused."""
    cost: float | NDArray[np.float64]
    """Of getting in and out together, as a fraction of what is traded: fees, spread and slippage."""


@dataclass(frozen=True, slots=True)
class EdgeEvidence:
    """What trading on the forecasts would have earned, with the verdict and the sentence that may be quoted."""

    claim: Claim
    first_at: datetime
    last_at: datetime
    forecasts: int
    trades: int
    gross: Estimate
    """Mean return of a trade before costs, as a fraction; what a trade may cost before nothing is left."""
    net: Estimate
    """The same less costs; both intervals are corrected for the number of trials. NaN without a trade."""
    cost: float
    """Mean cost of a trade, as a fraction."""
    sharpe: SharpeEstimate | None
    """Per block, net of costs; none with fewer than two blocks."""
    probabilistic_sharpe: float | None
    """Probability that the true Sharpe ratio is above zero; none where it is not defined."""
    deflated_sharpe: float | None
    """The same, for the best of as many trials."""
    verdict: EdgeVerdict
    sentence: str

    def to_dict(self) -> dict[str, object]:
        """Return it as plain values for JSON; what is not a number becomes ``None``, times ISO 8601."""
        return {
            "verdict": self.verdict.value,
            "sentence": self.sentence,
            "series": self.claim.series,
            "horizon": self.claim.horizon,
            "first_at": self.first_at.isoformat(),
            "last_at": self.last_at.isoformat(),
            "forecasts": self.forecasts,
            "trades": self.trades,
            "trials": self.claim.trials,
            "gross": self.gross.to_dict(),
            "net": self.net.to_dict(),
            "cost": None if math.isnan(self.cost) else self.cost,
            "sharpe_per_block": None if self.probabilistic_sharpe is None or not self.sharpe else self.sharpe.ratio,
            "probabilistic_sharpe": self.probabilistic_sharpe,
            "deflated_sharpe": self.deflated_sharpe,
            "block_bars": self.claim.block,
        }


def judge_edge(
    trades: Trades,
    claim: Claim,
    *,
    rng: np.random.Generator,
    samples: int = 2000,
    sharpe_deviation: float | None = None,
) -> EdgeEvidence:
    """Say what a trade on each forecast earned net of costs, and whether that may be chance.

    Parameters
    ----------
    trades : Trades
        Rows of one moment, of several series, count as one observation.
    claim : Claim
        What was foretold, and how often it was tried.
    rng : numpy.random.Generator
        The same state gives the same evidence.
    samples : int, default 2000
        Bootstrap samples.
    sharpe_deviation : float, optional
        Standard deviation of the Sharpe ratios per block over the trials; by default that of chance.

    Raises
    ------
    NoDataError
        If there is no forecast.
    BadInputError
        If shapes differ, times decrease, a number is not finite, a position is not -1, 0 or 1, or a cost is negative.
    """
    cost = _check(trades)
    is_trade = np.abs(trades.position)
    gross_rows = trades.position * trades.forward_return
    rows = (gross_rows, gross_rows - is_trade * cost, is_trade)
    columns = np.stack([by_moment(column, trades.forecast_at) for column in rows], axis=1)
    n, count = len(columns), int(is_trade.sum())
    level = claim.corrected_level
    gross, net = estimate_ratios(
        columns[:, :2], columns[:, 2], block=claim.block, samples=samples, levels=(level, level), rng=rng
    )
    verdict = decide_edge(net, trades=count, blocks=n / claim.block)
    # Sums of blocks would do as well: a Sharpe ratio does not change with the size of the stake.
    sharpe = sharpe_estimate(block_means(columns[:, 1], block=claim.block)) if n >= 2 * claim.block else None
    is_defined = sharpe is not None and not math.isnan(sharpe.ratio)
    evidence = EdgeEvidence(
        claim, *period(trades.forecast_at), trades.position.size, count, gross, net,
        cost=float((is_trade * cost).sum() / count) if count else math.nan,
        sharpe=sharpe,
        probabilistic_sharpe=probabilistic_sharpe(sharpe) if sharpe and is_defined else None,
        deflated_sharpe=deflated_sharpe(sharpe, trials=claim.trials, deviation=sharpe_deviation)
        if sharpe and is_defined else None,
        verdict=verdict, sentence="",
    )  # fmt: skip
    return replace(evidence, sentence=_in_words(evidence))


def _in_words(evidence: EdgeEvidence) -> str:
    claim, net = evidence.claim, evidence.net
    rows = f"{evidence.trades:,} trades of {claim.horizon}"
    context = claim.context((evidence.first_at, evidence.last_at), rows)
    if not evidence.trades:
        return f"Not enough data: no forecast was acted on {context}"
    bps, low, high = (signed(1e4 * one, 1) for one in (net.value, net.interval.low, net.interval.high))
    numbers = f"a trade earns {bps} bps [{low}, {high}] after {1e4 * evidence.cost:.1f} bps of costs"
    corrected = ", corrected for the trials" if claim.trials > 1 else ""
    deflated = evidence.deflated_sharpe
    sharpe = "" if deflated is None else f"; the deflated Sharpe ratio is {deflated:.2f}"
    match evidence.verdict:
        case EdgeVerdict.EDGE:
            return f"Edge: {numbers}{corrected}, which lies above zero{sharpe} {context}"
        case EdgeVerdict.NO_EDGE:
            where = "lies below zero" if net.interval.high < 0 else "includes zero"
            return f"No edge: {numbers}{corrected}, which {where}{sharpe} {context}"
        case EdgeVerdict.NOT_ENOUGH_DATA:
            few = f"fewer than {MIN_BLOCKS} blocks of {claim.block} bars, or than {MIN_TRADES} trades, say nothing"
            return f"Not enough data: {few}; {numbers} {context}"


def _check(trades: Trades) -> NDArray[np.float64]:
    """Return the cost of each row."""
    n = trades.forecast_at.shape
    if {trades.position.shape, trades.forward_return.shape, n} != {n} or len(n) != 1:
        raise BadInputError("forecasts, positions and returns differ in length", value=n)
    if not trades.forecast_at.size:
        raise NoDataError("there is no forecast to trade on", todo="train on a longer period")
    if not np.all(np.isin(trades.position, (-1.0, 0.0, 1.0))):
        raise BadInputError("a position is -1, 0 or 1", todo="say how much a trade is elsewhere")
    cost = np.broadcast_to(np.asarray(trades.cost, dtype=np.float64), n)
    if not np.all(np.isfinite(cost) & (cost >= 0)):
        raise BadInputError("a cost is a fraction, not negative", todo="give 0.002 for 20 bps")
    if not np.all(np.isfinite(trades.forward_return)):
        raise BadInputError("a return is not finite", todo="drop rows whose outcome is not known")
    return cost
