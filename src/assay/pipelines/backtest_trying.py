"""Many combinations over the same bars: what they need in common is made once, and they run on all cores.

However many there are, memory holds the columns of a part of them, one run a core, and a few figures of each.
"""

from __future__ import annotations

import math
import os
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from typing import Any, NamedTuple, TypeVar

from assay.backtest.account import Account
from assay.backtest.engine import VectorStrategy
from assay.backtest.sweeping import INTERPRETED, Loops, Setting
from assay.lake.trials import Configuration
from assay.pipelines.backtest_choices import Choice
from assay.pipelines.backtest_columns import check_names, feature_set_of
from assay.pipelines.backtest_making import Traded, maker_of
from assay.pipelines.backtest_sizing import Sizing
from assay.pipelines.backtest_strategies import Made, RulesPlan
from assay.pipelines.backtesting import BacktestRequest, configuration_of
from assay.pipelines.workspace import Workspace

T = TypeVar("T")
Count = Callable[[int, int], None]
"""Is told how much more is done, and how much more there is to do."""
_COLUMN_BYTES, _FEWEST_COLUMNS, _AT_ONCE = 64_000_000, 16, 32


class Figures(NamedTuple):
    """What is kept of a combination: figures of the pessimistic path."""

    total_return: float
    sharpe: float
    max_drawdown: float
    trades: int

    def scores(self) -> Mapping[str, float]:
        """Return them as the ledger has them."""
        return self._asdict()


def not_counted(_more_done: int, _more_to_do: int) -> None:
    """Tell nobody."""


class Ground(NamedTuple):
    """What all combinations have in common."""

    found: Traded
    account: Account
    loops: Loops

    def setting(self, begin: int = 0, stop: int | None = None) -> Setting:
        """Return what they trade on the rows ``[begin, stop)``."""
        market = self.found.market
        return Setting(
            market.rows(begin, len(market) if stop is None else stop), self.account, self.found.costs, self.loops
        )


def figures_of(strategy: VectorStrategy, setting: Setting) -> Figures:
    """Return what a strategy earned; any thread may ask."""
    outcome = setting.outcome(strategy)
    return Figures(outcome.total_return, outcome.sharpe, outcome.max_drawdown, outcome.trades)


def configurations_of(
    workspace: Workspace, request: BacktestRequest, found: Traded, choices: Sequence[Choice]
) -> tuple[Configuration, ...]:
    """Return the trials that combinations are; BadInputError if one of them names no column, or cannot be made.

    All of them are looked at before the first is tried.
    """
    plan = choices[0].plan
    sets: dict[tuple[str, ...], str] = {}
    if isinstance(plan, RulesPlan):
        part = found.parts[0]
        check_names(part, [name for one in choices for name in one.names], plan.features)
        for names in {one.names for one in choices}:
            each = (feature_set_of(workspace, one, names, plan.features) for one in found.parts)
            sets[names] = " ".join(dict.fromkeys(each))
    # What a side or a period does not allow is wrong with all of them.
    first = maker_of(workspace, found, [plan], choices[0].sizing)(plan, choices[0].sizing)
    return tuple(
        configuration_of(
            workspace, replace(request, plan=one.plan, sizing=one.sizing), found,
            sets.get(one.names, first.feature_set), said=first.said,
        )
        for one in choices
    )  # fmt: skip


def tried(
    workspace: Workspace,
    ground: Ground,
    choices: Sequence[Choice],
    one: Callable[[Made], T],
    *,
    count: Count = not_counted,
) -> Iterator[tuple[int, T]]:
    """Yield the place of each combination and what `one` returned of its strategy, in no order that means anything.

    `one` is called by several threads: the compiled loop holds no lock. Whoever stops taking stops the work.
    """
    found = ground.found
    threads = 1 if ground.loops is INTERPRETED else _cores()
    count(0, len(choices))
    with ThreadPoolExecutor(threads) as pool:
        try:
            for block in _blocks(found, choices):
                make = maker_of(workspace, found, [choices[at].plan for at in block], choices[0].sizing)

                def answered(at: int, make: Callable[[Any, Sizing], Made] = make) -> T:
                    return one(make(choices[at].plan, choices[at].sizing))

                for some in (block[at : at + _AT_ONCE] for at in range(0, len(block), _AT_ONCE)):
                    for at, answer in zip(some, pool.map(answered, some), strict=True):
                        count(1, 0)
                        yield at, answer
        except BaseException:
            pool.shutdown(wait=False, cancel_futures=True)
            raise


def best_of(figures: Sequence[Figures]) -> list[int]:
    """Return their places, the highest Sharpe ratio first and those without one last."""
    return sorted(
        range(len(figures)), key=lambda at: (-figures[at].sharpe if math.isfinite(figures[at].sharpe) else math.inf, at)
    )


def _cores() -> int:
    """Return how many processors this process may use, or where a system does not tell, how many there are."""
    allowed = getattr(os, "sched_getaffinity", None)
    return len(allowed(0)) if allowed else os.cpu_count() or 1


def _blocks(found: Traded, choices: Sequence[Choice]) -> Iterator[list[int]]:
    """Yield the places of combinations whose columns fit into memory together, those of the same columns in one."""
    values = sum(one.bars.height for one in found.parts)
    most = max(_FEWEST_COLUMNS, _COLUMN_BYTES // (8 * values))
    block: list[int] = []
    columns: set[str] = set()
    for at in sorted(range(len(choices)), key=lambda at: (choices[at].names, at)):
        names = set(choices[at].names)
        if block and len(columns | names) > most:
            yield block
            block, columns = [], set()
        block.append(at)
        columns |= names
    yield block
