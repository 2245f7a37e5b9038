"""Backtests kept in a home that has hourly bars of BTC-USDT: real runs of plain rules, of rules in doubt, of a sweep.

The second has a stop and a target that many a bar holds both of, so that its band is wide, and words that would run as
a script if a page let them.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

from assay.pipelines.backtest_keeping import finished, keep
from assay.pipelines.backtest_report import BacktestReport
from assay.pipelines.backtest_sizing import Sizing
from assay.pipelines.backtest_strategies import RulesPlan
from assay.pipelines.backtest_sweeping import SweepReport, sweep
from assay.pipelines.backtesting import BacktestRequest, backtest
from assay.pipelines.workspace import Workspace

SYMBOL = "BTC-USDT"
HOSTILE = '<script>alert("a strategy")</script>'
_RULES = RulesPlan(buy="close crosses above ema_12", sell="close crosses below ema_26")
_DOUBTFUL = RulesPlan(buy="close > open")
_SWEPT = RulesPlan(buy="close crosses above ema_{fast} and rsi_14 < {top}", sell="close crosses below ema_26")


@dataclass(frozen=True, slots=True)
class KeptBacktests:
    """Ids by what they are, in the order in which they were made."""

    rules: str
    hostile: str
    sweep: str


def keep_backtests(workspace: Workspace) -> KeptBacktests:
    """Make the backtests and keep them."""

    def kept(done: BacktestReport | SweepReport, by: str, words: tuple[str, ...] = ()) -> str:
        run = finished(done, by=by, at=workspace.clock.now())
        return keep(
            workspace, replace(run, summary=replace(run.summary, strategy=words or run.summary.strategy))
        ).summary.run

    plain = BacktestRequest(SYMBOL, "ada", _RULES)
    doubtful = BacktestRequest(SYMBOL, HOSTILE, _DOUBTFUL, sizing=Sizing(stop_loss=0.001, take_profit=0.001))
    swept = sweep(workspace, BacktestRequest(SYMBOL, "ada", _SWEPT), {"fast": ["5", "12", "20"], "top": ["60", "80"]})
    return KeptBacktests(
        kept(backtest(workspace, plain), "ada"),
        kept(backtest(workspace, doubtful), HOSTILE, (HOSTILE, "W" * 300)),
        kept(swept, "ada"),
    )
