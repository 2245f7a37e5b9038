"""Backtests in a notebook: a symbol, a period, a model or rules, and what that would have earned."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import KW_ONLY, dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any, Self

from assay.domain.errors import BadInputError
from assay.notebook.given import maybe, number, text, texts, values_to_try, whole
from assay.notebook.reading import Moment, _moment

if TYPE_CHECKING:
    from plotly.graph_objects import Figure

    from assay.lake.trials import Value
    from assay.pipelines.backtest_keeping import Done, FinishedRun
    from assay.pipelines.backtest_report import BacktestReport
    from assay.pipelines.backtest_strategies import Plan, Thresholds
    from assay.pipelines.backtest_sweeping import SweepReport
    from assay.pipelines.backtest_walking import WalkForwardReport
    from assay.pipelines.backtest_windows import Windows
    from assay.pipelines.backtesting import BacktestRequest
    from assay.pipelines.workspace import Workspace


@dataclass(eq=False)
class Backtester:
    """Trades a model, rules or a strategy's own code on bars of the lake.

    Parameters
    ----------
    symbol : str or sequence of str
        Any spelling (``BTC-USD``, ``BTCUSDT``), or ``venue:market:SYMBOL``; several are traded from one account.
    start_date, end_date : datetime or str, optional
        Bars that open in ``[start_date, end_date)``; text without a zone is UTC.
    interval : str, default "1h"
    cash : float, default 10_000
        Quote units at the start.
    size : float, default 1.0
        What an entry puts in: part of the account, or what `size_by` says.
    stop_loss, take_profit, trailing : float, optional
        Distances as fractions at which a position is closed by itself.
    max_bars : int, default 0
        Bars after which a position is closed; 0: never.
    size_by : str, default "fraction"
        ``fraction``, ``quote``, ``base``, or ``volatility`` (a year) of the last `volatility_bars` returns.
    max_positions : int, optional
        Symbols held at a time.
    finer : str, default "auto"
        Shorter bars of the lake decide what happened inside a bar; ``none``: they do not.
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

    symbol: str | Sequence[str]
    start_date: Moment = None
    end_date: Moment = None
    _: KW_ONLY
    interval: str = "1h"
    cash: float = 10_000.0
    size: float = 1.0
    stop_loss: float | None = None
    take_profit: float | None = None
    trailing: float | None = None
    max_bars: int = 0
    size_by: str = "fraction"
    volatility_bars: int = 100
    max_positions: int | None = None
    finer: str = "auto"
    fee_bps: float | None = None
    spread_bps: float = 2.0
    slippage_bps: float = 1.0
    features: str = "direction"
    label: str = "direction"
    enter: float | None = None
    leave: float | None = None
    as_of: Moment = None
    _report: BacktestReport | None = field(default=None, init=False, repr=False)
    _run: FinishedRun | None = field(default=None, init=False, repr=False)

    def run(self, model: object = None, **rules: str) -> Self:
        """Trade, count the trial in the ledger, and keep what came of it: in :attr:`result`, and in the home.

        Parameters
        ----------
        model : str or object, optional
            A classifier as scikit-learn has them: it is *not* asked as it is, since it does not say which rows it
            knows; a copy is taught anew before each part of the period, from outcomes that were known by then. A text
            is a registered version, or a task for its champion; of those the period must begin after what they have
            seen; or the name of an estimator of directions, which is taught so too. Or an object with
            ``tape(market)`` or ``decide(view)``, as :mod:`assay.backtest.engine` takes it.
        **rules : str
            ``buy``, ``sell``, ``short``, ``cover`` in place of a model: ``run(buy="rsi_14 < 30", sell="rsi_14 > 70")``.

        Raises
        ------
        AssayError
            If something is none of these, or the lake has no such bars; the message says what to do.
        """
        from assay.pipelines.backtesting import backtest  # noqa: PLC0415

        request = self._request(model, rules)
        with _workspace() as workspace:
            self._report = backtest(workspace, request)
            self._keep(workspace, self._report)
        return self

    def sweep(self, vary: Mapping[str, Sequence[object]], model: object = None, **rules: str) -> SweepReport:
        """Try every combination of some values; each is a trial, and the best is then the :attr:`result`.

        Parameters
        ----------
        vary : mapping of str to sequence
            ``{"low": [20, 30]}`` for rules like ``buy="rsi_14 < {low}"``; ``size``, ``stop_loss``, ``take_profit``,
            ``trailing`` (None: no such stop), ``max_bars``; of a model ``enter`` and ``leave``.
        model, **rules
            As of :meth:`run`.

        Raises
        ------
        AssayError
            As :meth:`run`, or if a name means nothing here, or there are more than 10,000 combinations.
        """
        from assay.pipelines.backtest_sweeping import sweep  # noqa: PLC0415

        request = self._request(model, rules)
        with _workspace() as workspace:
            done = sweep(workspace, request, values_to_try(vary))
            self._report = done.best
            self._keep(workspace, done)
        return done

    def walk_forward(
        self, vary: Mapping[str, Sequence[object]], model: object = None, *, windows: Windows | int = 5, **rules: str
    ) -> WalkForwardReport:
        """Choose among combinations on each window and trade the choice after it; all tests are the :attr:`result`.

        Parameters
        ----------
        vary : mapping of str to sequence
            As of :meth:`sweep`.
        model, **rules
            As of :meth:`run`.
        windows : int or Windows, default 5
            Number of tests; or :class:`~assay.pipelines.backtest_windows.Windows` with lengths of time.

        Raises
        ------
        AssayError
            As :meth:`sweep`, or if the period is too short for the windows.
        """
        from assay.pipelines.backtest_walking import walk_forward  # noqa: PLC0415
        from assay.pipelines.backtest_windows import Windows  # noqa: PLC0415

        request = self._request(model, rules)
        cut = windows if isinstance(windows, Windows) else Windows(parts=whole("windows", windows))
        with _workspace() as workspace:
            done = walk_forward(workspace, request, values_to_try(vary), cut)
            self._report = done.stitched
            self._keep(workspace, done)
        return done

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

    def plot_results(self, path: str | Path | None = None) -> Figure:
        """Return a Plotly figure of the last run: equity with its band and holding, drawdown, exposure, trades.

        Parameters
        ----------
        path : str or Path, optional
            Also write the tear sheet, one page of HTML with everything in it, to this file.

        Raises
        ------
        BadInputError
            If nothing was run.
        StorageError
            If the disk refuses.
        """
        from assay.lake.storage import write_atomically  # noqa: PLC0415
        from assay.selectors.tear_sheet import tear_sheet  # noqa: PLC0415
        from assay.selectors.tear_sheet.plot import plot  # noqa: PLC0415

        if self._run is None:
            raise BadInputError("nothing was run yet", todo="call run(model) first")
        if path is not None:
            write_atomically(Path(path), tear_sheet(self._run).encode())
        return plot(self._run)

    def _request(self, model: object, rules: dict[str, str]) -> BacktestRequest:
        from assay.lake.reads import Span  # noqa: PLC0415
        from assay.pipelines.backtest_market import Terms  # noqa: PLC0415
        from assay.pipelines.backtest_sizing import Sizing  # noqa: PLC0415
        from assay.pipelines.backtesting import BacktestRequest  # noqa: PLC0415

        return BacktestRequest(
            texts("symbol", self.symbol), "notebook", self._plan(model, rules), text("interval", self.interval),
            Span(_moment(self.start_date), _moment(self.end_date), _moment(self.as_of)), number("cash", self.cash),
            Sizing(
                number("size", self.size), maybe(number, "stop_loss", self.stop_loss),
                maybe(number, "take_profit", self.take_profit), maybe(number, "trailing", self.trailing),
                whole("max_bars", self.max_bars), text("size_by", self.size_by),
                whole("volatility_bars", self.volatility_bars),
            ),
            Terms(
                maybe(number, "fee_bps", self.fee_bps), number("spread_bps", self.spread_bps),
                number("slippage_bps", self.slippage_bps),
            ),
            max_positions=maybe(whole, "max_positions", self.max_positions), finer=text("finer", self.finer),
        )  # fmt: skip

    def _keep(self, workspace: Workspace, done: Done) -> None:
        from assay.pipelines.backtest_keeping import finished, keep  # noqa: PLC0415

        self._run = finished(done, by="notebook", at=workspace.clock.now())
        keep(workspace, self._run)

    def _plan(self, model: object, rules: dict[str, str]) -> Plan:
        from assay.backtest.engine import Strategy, VectorStrategy  # noqa: PLC0415
        from assay.pipelines.backtest_strategies import ObjectPlan, RulesPlan, Thresholds  # noqa: PLC0415

        todo = 'give a model, or rules: run(buy="rsi_14 < 30", sell="rsi_14 > 70")'
        unknown = rules.keys() - {"buy", "sell", "short", "cover"}
        if unknown or (model is None) == (not rules):
            value = ", ".join(sorted(unknown)) or ("nothing" if model is None else "a model and rules")
            raise BadInputError("not a strategy", value=value, todo=todo)
        for name in ("features", "label"):
            text(name, getattr(self, name))
        thresholds = Thresholds(*(maybe(number, name, getattr(self, name)) for name in ("enter", "leave")))
        if rules:
            return RulesPlan(**{side: text(side, rule) for side, rule in rules.items()}, features=self.features)
        if isinstance(model, str):
            return self._named(model, thresholds)
        if isinstance(model, type):
            raise BadInputError("a class is not a strategy", value=model.__name__, todo=f"make one: {model.__name__}()")
        if isinstance(model, VectorStrategy | Strategy):
            return ObjectPlan(model, type(model).__name__)
        if callable(getattr(model, "fit", None)) and callable(getattr(model, "predict_proba", None)):
            return self._taught(model, thresholds)
        raise BadInputError("not a strategy", value=type(model).__name__, todo=todo)

    def _named(self, model: str, thresholds: Thresholds) -> Plan:
        from assay.models.registry import known_estimators  # noqa: PLC0415
        from assay.pipelines.backtest_strategies import ModelPlan  # noqa: PLC0415
        from assay.pipelines.backtest_teaching import taught_estimator  # noqa: PLC0415

        if model in known_estimators("direction"):
            return taught_estimator(model, features=self.features, label=self.label, thresholds=thresholds)
        return ModelPlan(model, thresholds)

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


@contextmanager
def _workspace() -> Iterator[Workspace]:
    from assay.pipelines.workspace import open_workspace  # noqa: PLC0415
    from assay.settings import load_settings  # noqa: PLC0415

    with open_workspace(load_settings(), create=False).kept_open() as workspace:
        yield workspace


def _is_plain(value: object) -> bool:
    return value is None or isinstance(value, bool | int | str) or (isinstance(value, float) and math.isfinite(value))
