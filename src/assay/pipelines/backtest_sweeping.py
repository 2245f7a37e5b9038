"""Many combinations of what is a choice: every one is a trial, and the best is judged as the best of all of them.

All are in the ledger before the first one runs, so who stops half way has tried them too.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace

from assay.lake.sealed import Author, documents_of
from assay.lake.trial_ledger import recorded
from assay.lake.trials import Search
from assay.pipelines.backtest_choices import choices_of
from assay.pipelines.backtest_loop import loops_for
from assay.pipelines.backtest_making import make
from assay.pipelines.backtest_report import BacktestReport
from assay.pipelines.backtest_strategies import Made
from assay.pipelines.backtest_trying import (
    Count,
    Figures,
    Ground,
    best_of,
    configurations_of,
    figures_of,
    not_counted,
    tried,
)
from assay.pipelines.backtesting import BacktestRequest, prepare, report_of, resolved
from assay.pipelines.workspace import Workspace


@dataclass(frozen=True, slots=True)
class Combination:
    """One choice of numbers, and what it earned on the pessimistic path."""

    values: Mapping[str, str] = field(hash=False)
    total_return: float
    sharpe: float
    max_drawdown: float
    trades: int


@dataclass(frozen=True, slots=True, eq=False)
class SweepReport:
    """All combinations, the one of the highest Sharpe ratio first, and the whole report of that one.

    Attributes
    ----------
    combinations : tuple of Combination
    best : BacktestReport
    trials : tuple of str
        The trials of the ledger that they are, in the order in which they were planned.
    """

    combinations: tuple[Combination, ...]
    best: BacktestReport
    trials: tuple[str, ...] = ()

    def to_dict(self) -> dict[str, object]:
        """Return it as plain values for JSON."""
        return {"best": self.best.to_dict(), "combinations": self.combinations}


def sweep(
    workspace: Workspace, request: BacktestRequest, values: Mapping[str, Sequence[str]], *, count: Count = not_counted
) -> SweepReport:
    """Backtest every combination of some values.

    Parameters
    ----------
    workspace : Workspace
    request : BacktestRequest
        Of rules with names in braces (``rsi_14 < {low}``), or of anything whose stops, sizes or thresholds are varied.
    values : mapping of str to sequence of str
        What is put in the place of each name, as :func:`assay.pipelines.backtest_choices.choices_of` takes them.
    count : callable, optional
        Told how much is done.

    Returns
    -------
    SweepReport
        Each combination to the bit as it is alone.

    Raises
    ------
    BadInputError
        As there, and as :func:`assay.pipelines.backtesting.backtest`.
    """
    found, account = prepare(workspace, request)
    request = resolved(workspace, request, found)
    choices = choices_of(request.plan, request.sizing, values)
    configurations = configurations_of(workspace, request, found, choices)
    search = Search(f"sweep of {request.plan.kind}", planned=configurations)
    ground = Ground(found, account, loops_for(workspace, found.market.bars_to_do * len(choices)))
    setting = ground.setting()

    def one(made: Made) -> Figures:
        return figures_of(made.strategy, setting)  # type: ignore[arg-type]  # no object's

    rows: dict[int, Figures] = {}
    with recorded(documents_of(workspace.home), search, Author(request.by, workspace.clock.now())) as told:
        for at, figures in tried(workspace, ground, choices, one, count=count):
            told(configurations[at], figures.scores())
            rows[at] = figures
    order = best_of([rows[at] for at in range(len(choices))])
    best = choices[order[0]]
    report = report_of(workspace, found, make(workspace, found, best.plan, best.sizing), account)
    combinations = tuple(Combination(choices[at].values, *rows[at]) for at in order)
    trials = tuple(one.trial for one in configurations)
    return SweepReport(combinations, replace(report, trial=trials[order[0]]), trials)
