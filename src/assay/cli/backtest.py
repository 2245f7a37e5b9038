"""``assay backtest``: what a strategy would have earned on bars of the lake, and what that is worth."""

from __future__ import annotations

import math
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from assay.cli.options import AsJson, AsOf, AvailableAt, author_of, moment_of, options_of
from assay.cli.progress import working
from assay.cli.render import emit, printable, table
from assay.cli.saving import about_to_save

if TYPE_CHECKING:
    from assay.lake.reads import Span
    from assay.measures.bootstrap import ConfidenceInterval
    from assay.measures.performance import Performance
    from assay.pipelines.backtest_report import BacktestReport
    from assay.pipelines.backtest_strategies import Plan
    from assay.pipelines.backtest_sweeping import SweepReport
    from assay.pipelines.backtesting import BacktestRequest

_Weights = Annotated[
    Path | None, typer.Option(metavar="FILE", help="Hold the weights of this file: close_time, weight.")
]
_Vary = Annotated[
    list[str] | None, typer.Option(metavar="NAME=A,B,C", help="Try all of these in the place of {NAME} in rules.")
]
_Save = Annotated[Path | None, typer.Option(metavar="DIR", help="Write equity, trades, fills and orders here.")]
_MONTHS_SHOWN = 24
_COMBINATIONS_SHOWN = 20


def backtest(
    context: typer.Context,
    symbol: Annotated[str, typer.Argument(metavar="SYMBOL", help="BTC-USD, BTCUSDT, binance:usdm:BTC-USDT.")],
    buy: Annotated[str, typer.Option(help='Enter long where this holds: "rsi_14 < 30".')] = "",
    sell: Annotated[str, typer.Option(help='Leave it where this holds: "close crosses above ema_26".')] = "",
    short: Annotated[str, typer.Option(help="Enter short where this holds; perpetuals only.")] = "",
    cover: Annotated[str, typer.Option(help="Leave a short position where this holds.")] = "",
    features: Annotated[str, typer.Option(help="Feature set whose columns the rules may name.")] = "",
    model: Annotated[str, typer.Option(metavar="VERSION|TASK", help="Trade a model; of a task its champion.")] = "",
    enter: Annotated[float | None, typer.Option(help="Of a model: enter from this probability or return on.")] = None,
    leave: Annotated[float | None, typer.Option(help="Of a model: leave below this probability or return.")] = None,
    weights: _Weights = None,
    vary: _Vary = None,
    start: Annotated[str, typer.Option(help="Trade bars from this open time on (UTC).")] = "",
    end: Annotated[str, typer.Option(help="Trade no bar that opens then or later.")] = "",
    interval: Annotated[str, typer.Option(help="Length of the bars: 1s to 1w.")] = "1h",
    cash: Annotated[float, typer.Option(help="Quote units at the start.")] = 10_000.0,
    size: Annotated[float, typer.Option(help="Part of the account that an entry puts in.")] = 1.0,
    stop_loss: Annotated[float | None, typer.Option(help="Leave this far below the entry: 0.02 is 2 %.")] = None,
    take_profit: Annotated[float | None, typer.Option(help="Leave this far above the entry.")] = None,
    trailing: Annotated[float | None, typer.Option(help="Leave this far below the best price since.")] = None,
    max_bars: Annotated[int, typer.Option(help="Leave after so many bars; 0: never.")] = 0,
    fee_bps: Annotated[float | None, typer.Option(help="Fee of makers and takers; else the venue's.")] = None,
    spread_bps: Annotated[float, typer.Option(help="Distance from bid to ask; who takes pays half.")] = 2.0,
    slippage_bps: Annotated[float, typer.Option(help="What who takes loses besides.")] = 1.0,
    latency_bars: Annotated[int, typer.Option(help="Orders arrive so many bars later.")] = 0,
    as_of: AsOf = "",
    available_at: AvailableAt = "",
    save: _Save = None,
    save_as: Annotated[str, typer.Option(help="csv or parquet.")] = "csv",
    by: Annotated[str, typer.Option(help="Who asks; else your login.")] = "",
    as_json: AsJson = False,
) -> None:
    """Trade rules, a model or target weights on bars of the lake; every run is a trial that counts."""
    from assay.pipelines.backtest_market import Terms  # noqa: PLC0415  # polars and scikit-learn cost a second
    from assay.pipelines.backtest_report import check_kind  # noqa: PLC0415
    from assay.pipelines.backtest_strategies import Sizing  # noqa: PLC0415
    from assay.pipelines.backtesting import BacktestRequest  # noqa: PLC0415

    check_kind(save_as)
    rules = {"buy": buy, "sell": sell, "short": short, "cover": cover, "features": features}
    plan = _plan(rules, model, weights, enter=enter, leave=leave)
    request = BacktestRequest(
        symbol, author_of(by), plan, interval, _span(start, end, as_of, available_at), cash,
        Sizing(size, stop_loss, take_profit, trailing, max_bars), Terms(fee_bps, spread_bps, slippage_bps),
        latency_bars,
    )  # fmt: skip
    report, swept = _run(context, request, _values(vary or []))
    _show(report, swept, save, save_as, as_json=as_json)


def _span(start: str, end: str, as_of: str, available_at: str) -> Span:
    from assay.lake.reads import Span  # noqa: PLC0415

    return Span(moment_of(start), moment_of(end), moment_of(as_of), moment_of(available_at))


def _run(
    context: typer.Context, request: BacktestRequest, values: dict[str, list[str]]
) -> tuple[BacktestReport, SweepReport | None]:
    """Return what came of it, and of a sweep all of its combinations."""
    from assay.pipelines.backtest_sweeping import sweep_rules  # noqa: PLC0415
    from assay.pipelines.backtesting import backtest  # noqa: PLC0415
    from assay.pipelines.workspace import open_workspace  # noqa: PLC0415

    with working("backtesting"):
        workspace = open_workspace(options_of(context).settings(), create=False)
        if not values:
            return backtest(workspace, request), None
        swept = sweep_rules(workspace, request, values)
        return swept.best, swept


def _show(
    report: BacktestReport, swept: SweepReport | None, save: Path | None, save_as: str, *, as_json: bool
) -> None:  # fmt: skip
    saved = about_to_save(save / "equity") if save else None
    paths = report.save(save, save_as) if save else ()
    document = (swept or report).to_dict() | ({"files": [str(path) for path in paths]} if save else {})
    emit(document, as_json=as_json, text=lambda: (_tried(swept) + "\n\n" if swept else "") + _text(report))
    if saved and not as_json:
        made = f", in the new folder {saved.new_folder}" if saved.new_folder else ""
        print(f"\nwritten: {', '.join(path.name for path in paths)} to {save}{made}")


def _plan(rules: dict[str, str], model: str, weights: Path | None, *, enter: float | None, leave: float | None) -> Plan:
    from assay.domain.errors import BadInputError  # noqa: PLC0415
    from assay.pipelines.backtest_strategies import ModelPlan, RulesPlan, Thresholds, WeightsPlan  # noqa: PLC0415

    given = [
        name for name, value in (("rules", any(rules.values())), ("--model", model), ("--weights", weights)) if value
    ]
    if len(given) != 1:
        todo = 'give rules (--buy "rsi_14 < 30" --sell "rsi_14 > 70"), --model or --weights'
        what = "several strategies at once" if given else "no strategy"
        raise BadInputError(what, value=" and ".join(given) or None, todo=todo)
    if not model and not (enter is None and leave is None):
        raise BadInputError("only a model has --enter and --leave", todo="leave them out, or give --model")
    if model:
        return ModelPlan(model, Thresholds(enter, leave))
    return WeightsPlan(weights) if weights else RulesPlan(**rules)


def _values(texts: list[str]) -> dict[str, list[str]]:
    from assay.domain.errors import BadInputError  # noqa: PLC0415

    found: dict[str, list[str]] = {}
    for text in texts:
        name, equals, rest = text.partition("=")
        values = [one.strip() for one in rest.split(",")]
        if not (name.strip() and equals and all(values)) or name.strip() in found:
            raise BadInputError("not values to try", value=text, todo="write --vary low=20,25,30, each name once")
        found[name.strip()] = values
    return found


def _tried(swept: SweepReport) -> str:
    """Return the best of the combinations as a table."""
    shown = swept.combinations[:_COMBINATIONS_SHOWN]
    rows = [
        (*one.values.values(), _number("total_return", one.total_return), _number("sharpe", one.sharpe),
         _number("max_drawdown", one.max_drawdown), one.trades)
        for one in shown
    ]  # fmt: skip
    told = table((*shown[0].values, "total return", "Sharpe ratio", "worst drawdown", "closed trades"), rows)
    more = f", the best {len(shown)} of them" if len(shown) < len(swept.combinations) else ""
    return f"{len(swept.combinations):,} combinations{more}; the first one in full below\n{told}"


def _text(report: BacktestReport) -> str:
    found = report.found
    first, last = found.bars["open_time"][0], found.bars["close_time"][-1]
    blocks = [
        "\n".join([
            f"series    {found.resolution}",
            f"period    {first:%Y-%m-%d %H:%M} to {last:%Y-%m-%d %H:%M} UTC, {found.bars.height:,} bars",
            *(f"strategy  {printable(told)}" for told in report.made.says),
            *(f"assumes   {printable(told)}" for told in report.says),
        ]),
        _figures(report),
        _worth(report),
        _months(report),
    ]  # fmt: skip
    return "\n\n".join(blocks)


def _worth(report: BacktestReport) -> str:
    evidence = report.evidence
    low, high = (f"{100 * one:+.2f} %" for one in report.band.total_return)
    doubt = (
        "the bars left no doubt" if report.band.is_exact else f"{low} to {high}, where bars do not tell what came first"
    )
    held = [f"held at the end: {one.quantity:.8g}, worth {one.value:,.2f}" for one in report.result.positions]
    return "\n".join([
        f"verdict   {evidence.sentence}",
        f"band      {doubt}",
        *(f"open      {one}" for one in held),
        f"as of     {_moment(report)}: --as-of this gives the same again",
    ])  # fmt: skip


def _moment(report: BacktestReport) -> str:
    moment = report.found.span.as_of
    return moment.isoformat() if moment else "-"


def _figures(report: BacktestReport) -> str:
    ours, theirs = report.result.performance, report.hold.performance
    intervals = report.evidence.intervals
    rows = [
        (words, _shown(name, ours), _interval(name, intervals.get(name)), _shown(name, theirs))
        for name, words in _NAMES.items()
    ]
    return table(("figure", "strategy", "95 % interval", "buy and hold"), rows)


_NAMES = {
    "total_return": "total return",
    "annual_return": "a year",
    "sharpe": "Sharpe ratio",
    "sortino": "Sortino ratio",
    "calmar": "Calmar ratio",
    "max_drawdown": "worst drawdown",
    "trades": "closed trades",
    "win_rate": "of them won",
    "average_trade_us": "mean duration",
    "turnover": "turnover a year",
    "fees": "fees",
    "exposure": "time invested",
}
_PERCENT = ("total_return", "annual_return", "max_drawdown", "win_rate", "exposure")
_HOUR_US = 3_600_000_000


def _shown(name: str, performance: Performance) -> str:
    return _number(name, float(getattr(performance, name)))


def _number(name: str, value: float) -> str:
    if not math.isfinite(value):
        return "-"
    if name in _PERCENT:
        return f"{100 * value:,.2f} %"
    if name == "average_trade_us":
        return f"{value / _HOUR_US:,.1f} h"
    return f"{value:,.0f}" if name == "trades" else f"{value:,.2f}"


def _interval(name: str, interval: ConfidenceInterval | None) -> str:
    if interval is None or not (math.isfinite(interval.low) and math.isfinite(interval.high)):
        return ""
    return f"{_number(name, interval.low)} to {_number(name, interval.high)}"


def _months(report: BacktestReport) -> str:
    months = report.months[-_MONTHS_SHOWN:]
    rows = [
        (one.month, _number("total_return", one.total_return), _number("total_return", one.hold_return))
        for one in months
    ]  # fmt: skip
    shown = table(("month (UTC)", "strategy", "buy and hold"), rows)
    left = len(report.months) - len(months)
    return shown + (f"\n{left} more before: --json has all months" if left else "")


def register(app: typer.Typer) -> None:
    """Add this command to the program."""
    app.command("backtest")(backtest)
