"""What is said of a backtest: figures with their intervals, what the search for it takes off, months, and tables."""

from __future__ import annotations

import dataclasses
import math
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import polars as pl

from assay.backtest.result import Band, Result
from assay.lake.trial_ledger import TrialCount
from assay.measures.bootstrap import ConfidenceInterval
from assay.measures.deflated_sharpe import deflated_sharpe
from assay.measures.performance import Performance
from assay.measures.performance_intervals import Drawing, performance_intervals
from assay.measures.sharpe import probabilistic_sharpe, sharpe_estimate
from assay.pipelines.backtest_making import Traded
from assay.pipelines.backtest_strategies import Made
from assay.pipelines.backtest_tables import moments, save_tables, tables_of, worth_of
from assay.settings import Settings

VERDICTS = ("holds_up", "may_be_luck", "nothing_earned", "not_enough_data", "ruined")
_SURE = 0.95


@dataclass(frozen=True, slots=True)
class BacktestEvidence:
    """What the figures are worth; of the pessimistic path.

    Attributes
    ----------
    intervals : mapping of str to ConfidenceInterval
        Of the figures that are estimates, by the names of :class:`~assay.measures.performance.Performance`.
    probabilistic_sharpe : float
        Probability that the true Sharpe ratio is above zero; NaN where it does not exist.
    deflated_sharpe : float
        The same of the best of as many trials.
    trials : TrialCount
        Backtests of this series that the ledger knows, this one included.
    block_bars, samples : int
        How the intervals were drawn.
    verdict : str
        One of :data:`VERDICTS`.
    sentence : str
        What may be quoted.
    """

    intervals: Mapping[str, ConfidenceInterval] = dataclasses.field(hash=False)
    probabilistic_sharpe: float
    deflated_sharpe: float
    trials: TrialCount
    block_bars: int
    samples: int
    verdict: str
    sentence: str


@dataclass(frozen=True, slots=True)
class Month:
    """What a month of UTC brought, and what holding brought in it, as fractions."""

    month: str
    total_return: float
    hold_return: float


@dataclass(frozen=True, slots=True, eq=False)
class BacktestReport:
    """A backtest over bars of the lake.

    Attributes
    ----------
    found : LakeMarket or SeveralMarkets
        What was traded.
    made : Made
        What was done.
    band : Band
        What came of it, on both paths.
    hold : Result
        Buying at the first chance and holding, at the same costs.
    evidence : BacktestEvidence
    months : tuple of Month
        Of the pessimistic path.
    trial : str
        The trial of the ledger that it is.
    """

    found: Traded
    made: Made
    band: Band
    hold: Result
    evidence: BacktestEvidence
    months: tuple[Month, ...]
    trial: str = ""

    @property
    def result(self) -> Result:
        """What came of it on the pessimistic path."""
        return self.band.pessimistic

    @property
    def says(self) -> tuple[str, ...]:
        """What it assumes, in words."""
        return (self.result.says, *self.found.says)

    def figures(self) -> dict[str, float]:
        """Return the figures of the pessimistic path and the probabilities, as plain numbers."""
        evidence = self.evidence
        return dataclasses.asdict(self.result.performance) | {
            "probabilistic_sharpe": evidence.probabilistic_sharpe,
            "deflated_sharpe": evidence.deflated_sharpe,
            "trials": evidence.trials.trials,
        }

    def to_dict(self) -> dict[str, object]:
        """Return it as plain values for JSON, without its tables; what is not a number becomes null there."""
        found, low, high = self.found, self.result.performance, self.band.optimistic.performance
        return {
            "series": ", ".join(found.names),
            "all_series": list(found.names),
            "is_stand_in": found.is_stand_in,
            "requested": found.requested,
            "start": found.bars["open_time"][0],
            "end": found.bars["close_time"][-1],
            "as_of": found.span.as_of,
            "available_at": found.span.available_at,
            "bars": found.bars.height,
            "strategy": list(self.made.says),
            "feature_set": self.made.feature_set,
            "data_version": found.data_version,
            "performance": dataclasses.asdict(low),
            "optimistic": dataclasses.asdict(high),
            "hold": dataclasses.asdict(self.hold.performance),
            "band": list(self.band.total_return),
            "is_exact": self.band.is_exact,
            "is_bound": self.band.is_bound,
            "band_says": self.band.says,
            "bars_in_doubt": self.band.bars_in_doubt,
            "bars_refined": self.result.refined,
            "intervals": self.evidence.intervals,
            "probabilistic_sharpe": self.evidence.probabilistic_sharpe,
            "deflated_sharpe": self.evidence.deflated_sharpe,
            "trials": self.evidence.trials,
            "block_bars": self.evidence.block_bars,
            "verdict": self.evidence.verdict,
            "sentence": self.evidence.sentence,
            "months": self.months,
            "says": list(self.says),
            "open_positions": [one._asdict() for one in self.result.positions],
        }

    def tables(self) -> dict[str, pl.DataFrame]:
        """Return equity, trades, fills and orders: see :func:`assay.pipelines.backtest_tables.tables_of`."""
        return tables_of(self)

    def save(self, folder: Path | str, kind: str = "csv") -> tuple[Path, ...]:
        """Write the tables into a folder, as CSV or Parquet.

        Raises
        ------
        BadInputError
            If the kind is neither.
        StorageError
            If the disk refuses.
        """
        about = {
            "series": ", ".join(self.found.names),
            "feature_set": self.made.feature_set,
            "as_of": self.found.span.as_of,
        }
        return save_tables(self.tables(), about, folder, kind)


def evidence_of(result: Result, trials: TrialCount, settings: Settings) -> BacktestEvidence:
    """Return what the figures of a result are worth, given how many were tried; the same input gives the same."""
    chosen, worth = settings.model, worth_of(result)
    drawing = Drawing(chosen.block_bars, chosen.bootstrap_samples, np.random.default_rng(chosen.seed))
    intervals = performance_intervals(
        worth, result.closed_trades, interval_us=result.market.interval_us, drawing=drawing
    )  # fmt: skip
    is_ruined = bool((worth <= 0).any())
    estimate = sharpe_estimate(worth[1:] / worth[:-1] - 1.0) if worth.size > 2 and not is_ruined else None
    alone = deflated = math.nan
    if estimate is not None and not math.isnan(estimate.ratio):
        alone = probabilistic_sharpe(estimate)
        deflated = deflated_sharpe(estimate, trials=max(1, trials.trials))
    said = _verdict(result.performance, deflated, trials.trials, is_ruined=is_ruined)
    return BacktestEvidence(intervals, alone, deflated, trials, chosen.block_bars, chosen.bootstrap_samples, *said)


def _verdict(performance: Performance, deflated: float, trials: int, *, is_ruined: bool) -> tuple[str, str]:
    """Return one of VERDICTS, and the sentence that says why."""
    tried = "the only trial" if trials == 1 else f"one of {trials:,} trials"
    if is_ruined:
        return "ruined", f"Ruined: the account was worth nothing ({tried})"
    if not performance.trades:
        return "not_enough_data", f"Not enough data: no position was closed ({tried})"
    if math.isnan(deflated):
        return "not_enough_data", f"Not enough data: nothing varied ({tried})"
    if performance.sharpe <= 0:
        return "nothing_earned", f"Nothing earned: the Sharpe ratio is {performance.sharpe:.2f} ({tried})"
    told = f"a Sharpe ratio above zero has a probability of {100 * deflated:.0f} %, as {tried} on this series"
    return ("holds_up", f"Holds up: {told}") if deflated >= _SURE else ("may_be_luck", f"May be luck: {told}")


def months_of(result: Result, hold: Result) -> tuple[Month, ...]:
    """Return the months in order; a bar belongs to the month in which it opens."""
    month = moments(result.market.open_time).dt.strftime("%Y-%m")
    last = np.flatnonzero(np.append(month.to_numpy()[1:] != month.to_numpy()[:-1], True))
    returns = []
    for one in (result, hold):
        worth = np.concatenate([[one.account.cash], one.equity[last]])
        # An account that is worth nothing has no return any more.
        grown = np.divide(worth[1:], worth[:-1], out=np.full(last.size, math.nan), where=worth[:-1] > 0)
        returns.append(grown - 1.0)
    names = month.gather(last).to_list()
    return tuple(Month(name, float(a), float(b)) for name, a, b in zip(names, *returns, strict=True))
