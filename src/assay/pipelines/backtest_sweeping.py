"""Many combinations of the numbers in rules: every one is a trial, and the best is judged as the best of all of them.

All are in the ledger before the first one runs, so who stops half way has tried them too.
"""

from __future__ import annotations

import itertools
import math
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace

from assay.backtest.engine import run
from assay.domain.errors import BadInputError
from assay.lake.sealed import Author, documents_of
from assay.lake.trial_ledger import recorded
from assay.lake.trials import Search
from assay.pipelines.backtest_columns import columns_of
from assay.pipelines.backtest_report import BacktestReport
from assay.pipelines.backtest_strategies import Plan, RulesPlan
from assay.pipelines.backtesting import (
    BacktestRequest,
    configuration_of,
    loop_for,
    prepare,
    report_of,
    scores_of,
)
from assay.pipelines.workspace import Workspace

MOST = 10_000
_PLACE = re.compile(r"\{([A-Za-z_][A-Za-z0-9_]*)\}")


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
    """All combinations, the one of the highest Sharpe ratio first, and the whole report of that one."""

    combinations: tuple[Combination, ...]
    best: BacktestReport

    def to_dict(self) -> dict[str, object]:
        """Return it as plain values for JSON."""
        return {"best": self.best.to_dict(), "combinations": self.combinations}


def sweep_rules(workspace: Workspace, request: BacktestRequest, values: Mapping[str, Sequence[str]]) -> SweepReport:
    """Backtest rules with every combination of some numbers in them.

    Parameters
    ----------
    workspace : Workspace
    request : BacktestRequest
        Of rules with names in braces: ``rsi_14 < {low}``, also ``ema_{fast} crosses above ema_{slow}``.
    values : mapping of str to sequence of str
        What is put in the place of each name.

    Raises
    ------
    BadInputError
        If the request is not of rules, a name has no values or no place, or there are more than 10,000 combinations;
        and as :func:`assay.pipelines.backtesting.backtest`.
    """
    plans = list(_plans(request.plan, values))
    found, account = prepare(workspace, request)
    names = list(dict.fromkeys(name for _, plan in plans for name in plan.names))
    columns = columns_of(workspace, found, names, plans[0][1].features)
    plans[0][1].made(workspace, found, columns, sizing=request.sizing)  # what is wrong with one is wrong with all
    configurations = [
        configuration_of(workspace, replace(request, plan=plan), found, plan.feature_set(workspace, found))
        for _, plan in plans
    ]
    search = Search("sweep of rules", planned=tuple(configurations))
    loop = loop_for(workspace, len(found.market) * len(plans))
    rows: list[Combination] = []
    with recorded(documents_of(workspace.home), search, Author(request.by, workspace.clock.now())) as tried:
        for (chosen, plan), configuration in zip(plans, configurations, strict=True):
            one = plan.made(workspace, found, columns, sizing=request.sizing)
            result = run(one.strategy, found.market, account=account, costs=found.costs, loop=loop)
            tried(configuration, scores_of(result))
            figures = result.performance
            rows.append(Combination(chosen, figures.total_return, figures.sharpe, figures.max_drawdown, figures.trades))
    order = sorted(
        range(len(rows)), key=lambda at: (-rows[at].sharpe if math.isfinite(rows[at].sharpe) else math.inf, at)
    )
    best = order[0]
    best_made = plans[best][1].made(workspace, found, columns, sizing=request.sizing)
    report = report_of(workspace, found, best_made, account)
    return SweepReport(tuple(rows[at] for at in order), report)


def _plans(plan: Plan, values: Mapping[str, Sequence[str]]) -> Iterator[tuple[Mapping[str, str], RulesPlan]]:
    """Yield every combination of numbers, and the rules with them in place."""
    if not isinstance(plan, RulesPlan):
        raise BadInputError("only rules can be varied", value=plan.kind, todo='give --buy "rsi_14 < {low}"')
    texts = {name: getattr(plan, name) for name in ("buy", "sell", "short", "cover")}
    places = {place for text in texts.values() for place in _PLACE.findall(text)}
    if places != values.keys() or not all(values.values()):
        wrong = ", ".join(sorted(places ^ values.keys()) or sorted(name for name, some in values.items() if not some))
        todo = 'give each name in braces its values and each value a name: --buy "rsi_14 < {low}" --vary low=20,25,30'
        raise BadInputError("a name without values, or values without a name", value=wrong, todo=todo)
    count = math.prod(len(set(some)) for some in values.values())
    if count > MOST:
        raise BadInputError("too many combinations", value=f"{count:,}", todo=f"try {MOST:,} at most")
    for chosen in itertools.product(*(dict.fromkeys(some) for some in values.values())):
        numbers = dict(zip(values, chosen, strict=True))
        filled = {name: _PLACE.sub(lambda found: numbers[found[1]], text) for name, text in texts.items()}  # noqa: B023
        yield numbers, replace(plan, **filled)
