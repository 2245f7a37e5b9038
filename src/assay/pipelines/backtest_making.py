"""From plans to strategies: of one series, or of each of several on one account."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from assay.backtest.composed import Joined, OfSymbol
from assay.lake.sealed import identity
from assay.pipelines.backtest_market import LakeMarket
from assay.pipelines.backtest_several import SeveralMarkets, series_of
from assay.pipelines.backtest_sizing import Sizing
from assay.pipelines.backtest_strategies import Made, Maker, ObjectPlan, Plan
from assay.pipelines.backtest_weights import WeightsPlan
from assay.pipelines.workspace import Workspace

Traded = LakeMarket | SeveralMarkets


def make(workspace: Workspace, found: Traded, plan: Plan, sizing: Sizing) -> Made:
    """Return the strategy of a plan; BadInputError if a rule names no column, a side cannot be taken, and the like."""
    return maker_of(workspace, found, [plan], sizing)(plan, sizing)


def maker_of(
    workspace: Workspace, found: Traded, plans: Sequence[Plan], sizing: Sizing
) -> Callable[[Any, Sizing], Made]:
    """Return what makes the strategies of plans of one kind: what they have in common is read once.

    Parameters
    ----------
    workspace : Workspace
    found : LakeMarket or SeveralMarkets
    plans : sequence of Plan
        They differ in numbers alone.
    sizing : Sizing
        Those that are made with may differ in numbers, and not in what they are sized by.
    """
    plan = plans[0]
    if isinstance(plan, WeightsPlan):
        plan.check(series_of(found))
    if isinstance(plan, ObjectPlan):  # it sees all symbols at once
        of_object = plan.maker(workspace, found, [plan])
        return lambda one, chosen: of_object(one, chosen, None)
    makers = [_maker(workspace, part, plans, sizing) for part in found.parts]
    if isinstance(found, LakeMarket):
        return makers[0]

    def made(one: Any, chosen: Sizing) -> Made:  # noqa: ANN401  # a plan of that kind
        each = [maker(one, chosen) for maker in makers]
        parts = tuple(
            OfSymbol(of.strategy, part.market, rows)  # type: ignore[arg-type]  # only an object's may be another
            for of, part, rows in zip(each, found.parts, found.rows, strict=True)
        )
        sets = dict.fromkeys(of.feature_set for of in each)
        says = dict.fromkeys(told for of in each for told in of.says)
        said = [of.said for of in each if of.said]
        return Made(Joined(parts), " ".join(sets), tuple(says), identity(said) if said else "")

    return made


def _maker(
    workspace: Workspace, part: LakeMarket, plans: Sequence[Plan], sizing: Sizing
) -> Callable[[Any, Sizing], Made]:
    of_plans: Maker = plans[0].maker(workspace, part, plans)
    volatility = sizing.volatility(workspace, part)
    return lambda one, chosen: of_plans(one, chosen, volatility)
