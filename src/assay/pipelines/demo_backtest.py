"""The backtest that a demo home begins with: a plain rule on its market, counted and kept as anybody's would be.

It is made beside the site, after that has begun to serve, and changes no table of the lake.
"""

from __future__ import annotations

from assay.lake.backtest_runs import StoredRun, list_runs
from assay.lake.sealed import documents_of
from assay.pipelines.backtest_keeping import finished, keep
from assay.pipelines.backtest_strategies import RulesPlan
from assay.pipelines.backtesting import BacktestRequest, backtest
from assay.pipelines.workspace import Workspace

SYMBOL = "BTC-USDT"
RULES = RulesPlan(buy="ema_50 crosses above ema_200", sell="ema_50 crosses below ema_200")
"""The crossing of two averages that everybody knows. It was chosen before anybody looked at what it earns."""
BY = "demo"


def backtest_of_demo(workspace: Workspace) -> StoredRun | None:
    """Backtest the rules on the bars there are and keep that; None if a backtest is kept already.

    Raises
    ------
    AssayError
        As :func:`assay.pipelines.backtesting.backtest`.
    """
    if list_runs(documents_of(workspace.home), limit=1).runs:
        return None
    report = backtest(workspace, BacktestRequest(SYMBOL, BY, RULES))
    return keep(workspace, finished(report, by=BY, at=workspace.clock.now()))
