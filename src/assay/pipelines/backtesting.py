"""Backtests over the lake: a strategy, bars and costs meet, the trial is counted, and the result says what it is worth.

What is about to be tried is in the ledger before it runs, so a Sharpe ratio is deflated by all backtests of its series,
also by those that nobody liked. The same request on the same bars is the same trial.
"""

from __future__ import annotations

import functools
import hashlib
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime
from pathlib import Path
from typing import cast

import numpy as np

from assay.backtest.account import Account
from assay.backtest.engine import Strategy, VectorStrategy, run, run_band
from assay.backtest.loop import advance
from assay.backtest.progress import Loop
from assay.backtest.result import Band, Result
from assay.backtest.signals import Signals
from assay.domain.errors import BadInputError, NoDataError
from assay.domain.instrument import SeriesId
from assay.domain.model_key import ModelKey
from assay.features.compile import compile_loop, use_cache_dir
from assay.lake.reads import EVERYTHING, Span
from assay.lake.sealed import Author, documents_of
from assay.lake.trial_ledger import count_trials, recorded
from assay.lake.trials import Configuration, Search, Value
from assay.pipelines.backtest_market import LakeMarket, Terms, find_series, read_market
from assay.pipelines.backtest_report import BacktestReport, evidence_of, months_of
from assay.pipelines.backtest_strategies import Made, ModelPlan, Plan, Sizing
from assay.pipelines.workspace import Workspace

TASK = "backtest"
"""The task of all backtests in the ledger; with a series, the key of those that are held against each other."""
_FEW_BARS = 30_000


@dataclass(frozen=True, slots=True)
class BacktestRequest:
    """What to trade, how, and from whose point of view.

    Attributes
    ----------
    symbol : str
        Any spelling, or ``venue:market:SYMBOL``.
    by : str
        Who asks.
    plan : Plan
        Rules, a model, target weights, or a strategy's own code.
    interval : str
    span : Span
        Bars that open in ``[start, end)``; features know those before, nothing knows those after.
    cash : float
        Quote units.
    sizing : Sizing
    terms : Terms
    latency_bars : int
        Bars by which orders arrive later than the next open.
    """

    symbol: str
    by: str
    plan: Plan
    interval: str = "1h"
    span: Span = EVERYTHING
    cash: float = 10_000.0
    sizing: Sizing = field(default_factory=Sizing)
    terms: Terms = field(default_factory=Terms)
    latency_bars: int = 0


@dataclass(frozen=True, slots=True, eq=False)
class ObjectPlan:
    """A strategy that somebody wrote: its orders name it, since nobody can read its mind."""

    strategy: VectorStrategy | Strategy
    name: str

    kind = "code"

    def parameters(self) -> dict[str, Value]:
        """Return its name; its orders are known when it has run."""
        return {"strategy": self.name}

    def not_before(self, workspace: Workspace, series: SeriesId) -> None:
        """Return nothing: its author knows what it has seen."""

    def make(self, workspace: Workspace, found: LakeMarket, sizing: Sizing) -> Made:  # noqa: ARG002
        """Return the strategy; BadInputError if it is to have a size or exits, which are in its own orders."""
        if sizing != Sizing():
            todo = "leave them out: its own orders say them"
            raise BadInputError("a strategy's own code with sizes or exits besides", value=self.name, todo=todo)
        return Made(self.strategy, "code", (f"{self.name}, a strategy's own code",))


def backtest(workspace: Workspace, request: BacktestRequest) -> BacktestReport:
    """Trade a strategy on bars of the lake, count the trial, and say what came of it.

    Parameters
    ----------
    workspace : Workspace
    request : BacktestRequest

    Returns
    -------
    BacktestReport
        The same lake, moment and request give the same numbers, but for the count of trials and what follows from it.

    Raises
    ------
    BadInputError
        If a symbol, rule, number or period is none, a rule names no column, or a model has seen the period.
    NoDataError
        If there is no such series or model, or no bar in the period.
    StrategyError
        If a strategy's own code fails.
    StorageError
        If the disk refuses the ledger.
    """
    found, account = prepare(workspace, request)
    plan = request.plan
    if isinstance(plan, ModelPlan):  # champions change, and a version may be called by its beginning
        plan = plan.resolved(workspace, found.series)
        request = replace(request, plan=plan)
    made = plan.make(workspace, found, request.sizing)
    configuration = configuration_of(workspace, request, found, made.feature_set)
    author = Author(request.by, workspace.clock.now())
    with recorded(documents_of(workspace.home), _search(configuration), author) as tried:
        band = _band(workspace, made, found, account)
        if plan.kind == ObjectPlan.kind:
            orders = hashlib.sha256(np.ascontiguousarray(band.pessimistic.tape).tobytes()).hexdigest()[:16]
            configuration = replace(configuration, parameters={**configuration.parameters, "orders": orders})
        tried(configuration, scores_of(band.pessimistic))
    return report_of(workspace, found, made, account, band=band)


def prepare(workspace: Workspace, request: BacktestRequest) -> tuple[LakeMarket, Account]:
    """Return what is traded, and with what; Raises as :func:`backtest`."""
    request.sizing.check()
    account = Account(cash=request.cash, latency_bars=request.latency_bars)
    resolution, span = find_series(workspace, request.symbol, request.interval, request.span)
    span = _untouched(span, request.plan.not_before(workspace, resolution.series))
    found = read_market(workspace, resolution, span, request.terms)
    return found, replace(account, may_short=found.may_short)


def report_of(
    workspace: Workspace, found: LakeMarket, made: Made, account: Account, *, band: Band | None = None
) -> BacktestReport:
    """Return the report of a strategy whose trial is counted already; without its band it is run."""
    band = band or _band(workspace, made, found, account)
    trials = count_trials(documents_of(workspace.home)).of(ModelKey(TASK, str(found.series)))
    evidence, hold = evidence_of(band.pessimistic, trials, workspace.settings), held(workspace, found, account)
    return BacktestReport(found, made, band, hold, evidence, months_of(band.pessimistic, hold))


def _band(workspace: Workspace, made: Made, found: LakeMarket, account: Account) -> Band:
    loop = loop_for(workspace, len(found.market))
    return run_band(made.strategy, found.market, account=account, costs=found.costs, loop=loop)


def configuration_of(
    workspace: Workspace, request: BacktestRequest, found: LakeMarket, feature_set: str
) -> Configuration:  # fmt: skip
    """Return the trial that a request is."""
    terms = {name: getattr(request.terms, name) for name in ("fee_bps", "spread_bps", "slippage_bps")}
    parameters = {
        **request.plan.parameters(), **request.sizing.parameters(), **terms,
        "cash": request.cash, "latency_bars": request.latency_bars,
    }  # fmt: skip
    span = f"{found.bars['open_time'][0].isoformat()} to {found.bars['close_time'][-1].isoformat()}"
    return Configuration(
        ModelKey(TASK, str(found.series)), request.plan.kind, parameters, feature_set, found.data_version,
        workspace.settings.model.seed, span,
    )  # fmt: skip


def scores_of(result: Result) -> Mapping[str, float]:
    """Return what the ledger keeps of a backtest."""
    figures = result.performance
    return {name: getattr(figures, name) for name in ("total_return", "sharpe", "max_drawdown", "trades")}


def held(workspace: Workspace, found: LakeMarket, account: Account) -> Result:
    """Return buying all at the first chance and holding it, at the same costs."""
    entry = np.zeros(len(found.market), dtype=np.bool_)
    entry[0] = True
    loop = loop_for(workspace, len(found.market))
    return run(Signals(long_entry=entry), found.market, account=account, costs=found.costs, loop=loop)


def loop_for(workspace: Workspace, bars: int) -> Loop:
    """Return the loop: compiled, unless so few bars are sooner done than it is compiled; the bits are the same."""
    return advance if bars <= _FEW_BARS else compiled_loop(workspace.home.cache / "numba")


def _search(configuration: Configuration) -> Search:
    if configuration.estimator != ObjectPlan.kind:
        return Search(f"backtest of {configuration.estimator}", planned=(configuration,))
    space = {
        "seed": configuration.seed, "data_version": configuration.data_version, "parameters": configuration.parameters
    }  # fmt: skip
    return Search(f"backtest of {configuration.estimator}", budget=1, keys=(configuration.key,), space=space)


def _untouched(span: Span, not_before: datetime | None) -> Span:
    """Return the span from the moment on that a model has not seen; BadInputError if more was asked for."""
    if not_before is None:
        return span
    if span.start is not None and span.start < not_before:
        what = f"the model has seen this period: bars until {not_before:%Y-%m-%d %H:%M} UTC made or chose it"
        todo = f"start at {not_before:%Y-%m-%dT%H:%M} or later, or train it on less"
        raise BadInputError(what, value=f"{span.start:%Y-%m-%d %H:%M}", todo=todo)
    if span.end is not None and span.end <= not_before:
        what = f"the model has seen all of this period: bars until {not_before:%Y-%m-%d %H:%M} UTC made or chose it"
        raise NoDataError(what, value=f"until {span.end:%Y-%m-%d %H:%M}", todo="choose a later period")
    return replace(span, start=span.start or not_before)


@functools.cache
def compiled_loop(cache: Path) -> Loop:
    """Return the loop of a backtest, compiled; some seconds at its first call, then kept below `cache`.

    It gives the bits that the plain one gives: no fastmath, and the same functions.
    """
    use_cache_dir(cache)
    return cast("Loop", compile_loop(advance, "backtest", {}, are_inlined=False))
