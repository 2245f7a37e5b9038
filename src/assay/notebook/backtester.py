"""Backtests in a notebook: a symbol, a period, a model or rules, and what that would have earned."""

from __future__ import annotations

import math
from dataclasses import KW_ONLY, dataclass, field
from typing import TYPE_CHECKING, Any, Self

from assay.domain.errors import BadInputError
from assay.notebook.reading import Moment, _moment

if TYPE_CHECKING:
    from assay.lake.trials import Value
    from assay.pipelines.backtest_report import BacktestReport
    from assay.pipelines.backtest_strategies import Plan, Thresholds


@dataclass(eq=False)
class Backtester:
    """Trades a model, rules or a strategy's own code on bars of the lake.

    Parameters
    ----------
    symbol : str
        Any spelling (``BTC-USD``, ``BTCUSDT``), or ``venue:market:SYMBOL``.
    start_date, end_date : datetime or str, optional
        Bars that open in ``[start_date, end_date)``; text without a zone is UTC.
    interval : str, default "1h"
    cash : float, default 10_000
        Quote units at the start.
    size : float, default 1.0
        Part of the account that an entry puts in.
    stop_loss, take_profit, trailing : float, optional
        Distances as fractions at which a position is closed by itself.
    fee_bps : float, optional
        In place of the venue's fees.
    spread_bps, slippage_bps : float
    features, label : str
        What a classifier is taught: a feature set, and a direction such as ``direction_24h``.
    enter, leave : float, optional
        Probabilities (returns, of a registered model of values) from which on a model's position is entered, and below
        which it is left.
    as_of : datetime or str, optional
        Only what had been received at that moment.
    """

    symbol: str
    start_date: Moment = None
    end_date: Moment = None
    _: KW_ONLY
    interval: str = "1h"
    cash: float = 10_000.0
    size: float = 1.0
    stop_loss: float | None = None
    take_profit: float | None = None
    trailing: float | None = None
    fee_bps: float | None = None
    spread_bps: float = 2.0
    slippage_bps: float = 1.0
    features: str = "direction"
    label: str = "direction"
    enter: float | None = None
    leave: float | None = None
    as_of: Moment = None
    _report: BacktestReport | None = field(default=None, init=False, repr=False)

    def run(self, model: object = None, **rules: str) -> Self:
        """Trade, count the trial in the ledger, and keep what came of it in :attr:`result`.

        Parameters
        ----------
        model : str or object, optional
            A classifier as scikit-learn has them: it is *not* asked as it is, since it does not say which rows it
            knows; a copy is taught anew before each part of the period, from outcomes that were known by then. A text
            is a registered version, or a task for its champion; of those the period must begin after what they have
            seen. Or an object with ``tape(market)`` or ``decide(view)``, as :mod:`assay.backtest.engine` takes it.
        **rules : str
            ``buy``, ``sell``, ``short``, ``cover`` in place of a model: ``run(buy="rsi_14 < 30", sell="rsi_14 > 70")``.

        Raises
        ------
        AssayError
            If something is none of these, or the lake has no such bars; the message says what to do.
        """
        from assay.lake.reads import Span  # noqa: PLC0415
        from assay.pipelines import backtesting  # noqa: PLC0415
        from assay.pipelines.backtest_market import Terms  # noqa: PLC0415
        from assay.pipelines.backtest_strategies import Sizing  # noqa: PLC0415
        from assay.pipelines.workspace import open_workspace  # noqa: PLC0415
        from assay.settings import load_settings  # noqa: PLC0415

        request = backtesting.BacktestRequest(
            self.symbol, "notebook", self._plan(model, rules), self.interval,
            Span(_moment(self.start_date), _moment(self.end_date), _moment(self.as_of)), self.cash,
            Sizing(self.size, self.stop_loss, self.take_profit, self.trailing),
            Terms(self.fee_bps, self.spread_bps, self.slippage_bps),
        )  # fmt: skip
        self._report = backtesting.backtest(open_workspace(load_settings(), create=False), request)
        return self

    @property
    def result(self) -> BacktestReport:
        """All of the last run: both paths, evidence, months, `tables()` as polars frames, `save(folder)`.

        Raises
        ------
        BadInputError
            If nothing was run.
        """
        if self._report is None:
            raise BadInputError("nothing was run yet", todo="call run(model) first")
        return self._report

    def metrics(self) -> dict[str, float]:
        """Return the figures of the last run on the pessimistic path; NaN where one does not exist."""
        return self.result.figures()

    def _plan(self, model: object, rules: dict[str, str]) -> Plan:
        from assay.backtest.engine import Strategy, VectorStrategy  # noqa: PLC0415
        from assay.pipelines.backtest_strategies import ModelPlan, RulesPlan, Thresholds  # noqa: PLC0415
        from assay.pipelines.backtesting import ObjectPlan  # noqa: PLC0415

        todo = 'give a model, or rules: run(buy="rsi_14 < 30", sell="rsi_14 > 70")'
        unknown = rules.keys() - {"buy", "sell", "short", "cover"}
        if unknown or (model is None) == (not rules):
            value = ", ".join(sorted(unknown)) or ("nothing" if model is None else "a model and rules")
            raise BadInputError("not a strategy", value=value, todo=todo)
        thresholds = Thresholds(self.enter, self.leave)
        if rules:
            return RulesPlan(**rules, features=self.features)
        if isinstance(model, str):
            return ModelPlan(model, thresholds)
        if isinstance(model, VectorStrategy | Strategy):
            return ObjectPlan(model, type(model).__name__)
        if callable(getattr(model, "fit", None)) and callable(getattr(model, "predict_proba", None)):
            return self._taught(model, thresholds)
        raise BadInputError("not a strategy", value=type(model).__name__, todo=todo)

    def _taught(self, model: Any, thresholds: Thresholds) -> Plan:  # noqa: ANN401  # whatever has fit and predict_proba
        import copy  # noqa: PLC0415

        from assay.pipelines.backtest_teaching import TaughtPlan  # noqa: PLC0415

        def untaught() -> Any:  # noqa: ANN401
            from sklearn.base import clone  # noqa: PLC0415

            return clone(model) if hasattr(model, "get_params") else copy.deepcopy(model)

        given = model.get_params() if hasattr(model, "get_params") else {}
        chosen: dict[str, Value] = {
            name: value if _is_plain(value) else str(value) for name, value in sorted(given.items())
        }  # fmt: skip
        return TaughtPlan(untaught, type(model).__name__, chosen, self.features, self.label, thresholds)


def _is_plain(value: object) -> bool:
    return value is None or isinstance(value, bool | int | str) or (isinstance(value, float) and math.isfinite(value))
