"""Backtests over the lake: a strategy, bars and costs meet, the trial is counted, and the result says what it is worth.

What is about to be tried is in the ledger before it runs, so a Sharpe ratio is deflated by all backtests of its series,
also by those that nobody liked. The same request on the same bars is the same trial.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime

import numpy as np

from assay.backtest.account import Account
from assay.backtest.engine import run, run_band
from assay.backtest.result import Band, Result
from assay.backtest.signals import Signals, Size
from assay.domain.errors import BadInputError, NoDataError
from assay.domain.instrument import Resolution
from assay.domain.model_key import ModelKey
from assay.lake.reads import EVERYTHING, Span
from assay.lake.sealed import Author, documents_of
from assay.lake.trial_ledger import count_trials, recorded
from assay.lake.trials import Configuration, Search
from assay.pipelines.backtest_finer import AUTO, check_finer, refined
from assay.pipelines.backtest_loop import loop_for
from assay.pipelines.backtest_making import Traded, make
from assay.pipelines.backtest_market import Terms, find_series, read_market
from assay.pipelines.backtest_report import BacktestReport, evidence_of, months_of
from assay.pipelines.backtest_several import read_several, series_of
from assay.pipelines.backtest_sizing import Sizing
from assay.pipelines.backtest_strategies import Made, ModelPlan, ObjectPlan, Plan
from assay.pipelines.workspace import Workspace

TASK = "backtest"
"""The task of all backtests in the ledger; with a series, the key of those that are held against each other."""


@dataclass(frozen=True, slots=True)
class BacktestRequest:
    """What to trade, how, and from whose point of view.

    Attributes
    ----------
    symbol : str or tuple of str
        Any spelling, or ``venue:market:SYMBOL``; several are traded from one account.
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
    max_positions : int, optional
        Symbols held at a time; where not all find room, those named first do.
    finer : str
        ``auto``: shorter bars decide what happened inside a bar, where the lake has them; ``none``: they do not.
    """

    symbol: str | tuple[str, ...]
    by: str
    plan: Plan
    interval: str = "1h"
    span: Span = EVERYTHING
    cash: float = 10_000.0
    sizing: Sizing = field(default_factory=Sizing)
    terms: Terms = field(default_factory=Terms)
    latency_bars: int = 0
    max_positions: int | None = None
    finer: str = AUTO

    @property
    def symbols(self) -> tuple[str, ...]:
        """What is asked for, in its order."""
        return (self.symbol,) if isinstance(self.symbol, str) else self.symbol


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
    request = resolved(workspace, request, found)
    plan = request.plan
    made = make(workspace, found, plan, request.sizing)
    configuration = configuration_of(workspace, request, found, made.feature_set, said=made.said)
    author = Author(request.by, workspace.clock.now())
    with recorded(documents_of(workspace.home), _search(configuration), author) as tried:
        try:
            band = band_of(workspace, made, found, account)
        except BaseException:
            # Its orders are not known to the end, and somebody has seen it trade until here.
            tried(_of_orders(configuration, "unfinished"), {})
            raise
        if plan.kind == ObjectPlan.kind:
            orders = hashlib.sha256(np.ascontiguousarray(band.pessimistic.tape).tobytes()).hexdigest()[:16]
            configuration = _of_orders(configuration, orders)
        tried(configuration, scores_of(band.pessimistic))
    return replace(report_of(workspace, found, made, account, band=band), trial=configuration.trial)


def prepare(workspace: Workspace, request: BacktestRequest) -> tuple[Traded, Account]:
    """Return what is traded, and with what; Raises as :func:`backtest`."""
    request.sizing.check()
    check_finer(request.finer)
    account = Account(cash=request.cash, latency_bars=request.latency_bars, max_positions=request.max_positions)
    if not request.symbols:
        raise BadInputError("nothing to trade", todo="name a symbol, like BTC-USDT")
    resolutions: list[Resolution] = []
    span = request.span
    for symbol in request.symbols:
        found, span = find_series(workspace, symbol, request.interval, span)
        resolutions.append(found)
    seen = [request.plan.not_before(workspace, one.series) for one in resolutions]
    span = _untouched(span, max((one for one in seen if one is not None), default=None))
    traded = _read(workspace, request, resolutions, span)
    return traded, replace(account, may_short=traded.may_short)


def resolved(workspace: Workspace, request: BacktestRequest, found: Traded) -> BacktestRequest:
    """Return the request with whole names: champions change, and a version may be called by its beginning."""
    if not isinstance(request.plan, ModelPlan):
        return request
    return replace(request, plan=request.plan.resolved(workspace, series_of(found)))


def read_from(workspace: Workspace, request: BacktestRequest, found: Traded, start: datetime) -> Traded:
    """Return the bars of the same series that open at `start` or later."""
    resolutions = [one.resolution for one in found.parts]
    return _read(workspace, request, resolutions, replace(found.span, start=start))


def _read(workspace: Workspace, request: BacktestRequest, resolutions: Sequence[Resolution], span: Span) -> Traded:
    found: Traded
    if len(resolutions) > 1:
        found = read_several(workspace, resolutions, span, request.terms)
    else:
        found = read_market(workspace, resolutions[0], span, request.terms)
    return refined(workspace, found) if request.finer == AUTO else found


def report_of(
    workspace: Workspace, found: Traded, made: Made, account: Account, *, band: Band | None = None
) -> BacktestReport:
    """Return the report of a strategy whose trial is counted already; without its band it is run."""
    band = band or band_of(workspace, made, found, account)
    trials = count_trials(documents_of(workspace.home)).of(ModelKey(TASK, found.source))
    evidence, hold = evidence_of(band.pessimistic, trials, workspace.settings), held(workspace, found, account)
    return BacktestReport(found, made, band, hold, evidence, months_of(band.pessimistic, hold))


def band_of(workspace: Workspace, made: Made, found: Traded, account: Account) -> Band:
    """Return what comes of a strategy on both paths."""
    loop = loop_for(workspace, found.market.bars_to_do)
    return run_band(made.strategy, found.market, account=account, costs=found.costs, loop=loop)


def configuration_of(
    workspace: Workspace, request: BacktestRequest, found: Traded, feature_set: str, *, said: str = ""
) -> Configuration:  # fmt: skip
    """Return the trial that a request is; `said` names what a model said that was taught for it."""
    own = _own_fees(workspace, request, found)
    terms = {name: getattr(request.terms, name) for name in ("fee_bps", "spread_bps", "slippage_bps")}
    parameters = {
        **request.plan.parameters(), **request.sizing.parameters(), **terms,
        "cash": request.cash, "latency_bars": request.latency_bars,
        # What is not said is not there: the same trial has the same name as before it could be said.
        **({} if request.max_positions is None else {"max_positions": request.max_positions}),
        **({} if request.finer == AUTO else {"finer": request.finer}),
        **({} if len(found.names) == 1 else {"series": ", ".join(found.names)}),
        **({"fees.own": own} if own else {}),
        **({"said": said} if said else {}),
    }  # fmt: skip
    span = f"{found.bars['open_time'][0].isoformat()} to {found.bars['close_time'][-1].isoformat()}"
    return Configuration(
        ModelKey(TASK, found.source), request.plan.kind, parameters, feature_set, found.data_version,
        workspace.settings.model.seed, span,
    )  # fmt: skip


def _own_fees(workspace: Workspace, request: BacktestRequest, found: Traded) -> str:
    """Return the settings' fees of the venues that are traded, where the request has none: other fees, other trial."""
    places = {one.series.place for one in found.parts}
    own = [text for text in workspace.settings.fees.own if text.partition("=")[0] in places]
    return ",".join(own) if request.terms.fee_bps is None else ""


def scores_of(result: Result) -> Mapping[str, float]:
    """Return what the ledger keeps of a backtest."""
    figures = result.performance
    return {name: getattr(figures, name) for name in ("total_return", "sharpe", "max_drawdown", "trades")}


def held(workspace: Workspace, found: Traded, account: Account) -> Result:
    """Return buying all at the first chance and holding it, at the same costs; of several symbols as much of each."""
    market = found.market
    entry = np.zeros(market.close.shape, dtype=np.bool_)
    firsts = np.argmax(~np.isnan(market.close), axis=0)
    entry[firsts, np.arange(firsts.size)] = True
    loop = loop_for(workspace, market.bars_to_do)
    all_of_them = replace(account, max_positions=None)
    bought = Signals(long_entry=entry, size=Size(1.0 / firsts.size))
    return run(bought, market, account=all_of_them, costs=found.costs, loop=loop)


def _of_orders(configuration: Configuration, orders: str) -> Configuration:
    """Return the trial of somebody's own code that ordered this; that of any other plan as it is."""
    if configuration.estimator != ObjectPlan.kind:
        return configuration
    return replace(configuration, parameters={**configuration.parameters, "orders": orders})


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
