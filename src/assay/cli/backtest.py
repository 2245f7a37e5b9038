"""``assay backtest``: what a strategy would have earned on bars of the lake, and what that is worth."""

from __future__ import annotations

import functools
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from assay.cli.backtest_asked import Asked, BarsAsked, OfModel, Strategy, TermsAsked, Tried, values_of, windows_of
from assay.cli.backtest_outcome import Left, Wanted
from assay.cli.backtest_outcome import leave as leave_behind
from assay.cli.backtest_text import told
from assay.cli.options import AsJson, AsOf, AvailableAt, options_of
from assay.cli.progress import counting, working
from assay.cli.render import emit

if TYPE_CHECKING:
    from assay.pipelines.backtest_keeping import Done
    from assay.pipelines.backtesting import BacktestRequest

_Weights = Annotated[
    Path | None, typer.Option(metavar="FILE", help="Hold the weights of this file: close_time, weight; symbol.")
]
_Vary = Annotated[
    list[str] | None,
    typer.Option(metavar="NAME=A,B,C", help="Try all of these for {NAME} in rules, or stop_loss, size..."),
]
_Save = Annotated[Path | None, typer.Option(metavar="DIR", help="Write the tables and a tear sheet here.")]
_Tearsheet = Annotated[Path | None, typer.Option(metavar="FILE", help="Write all of it as one page of HTML.")]
_Keep = Annotated[bool, typer.Option("--keep/--no-keep", help="Keep it for `assay backtests` and the site.")]
_Symbols = Annotated[
    list[str],
    typer.Argument(metavar="SYMBOL...", help="BTC-USD, BTCUSDT, binance:usdm:BTC-USDT; several share the cash."),
]
_Model = Annotated[
    str,
    typer.Option(metavar="VERSION|TASK|ESTIMATOR", help="Trade a model; of a task its champion; teach an estimator."),
]
_WalkForward = Annotated[
    int,
    typer.Option(metavar="N", help="Choose among --vary before each of N tests; teach an estimator before each."),
]
_Anchored = Annotated[
    bool | None, typer.Option("--anchored/--rolling", help="Choose on all bars before a test, or on a window.")
]


def backtest(
    context: typer.Context,
    symbols: _Symbols,
    buy: Annotated[str, typer.Option(help='Enter long where this holds: "rsi_14 < 30".')] = "",
    sell: Annotated[str, typer.Option(help='Leave it where this holds: "close crosses above ema_26".')] = "",
    short: Annotated[str, typer.Option(help="Enter short where this holds; perpetuals only.")] = "",
    cover: Annotated[str, typer.Option(help="Leave a short position where this holds.")] = "",
    features: Annotated[str, typer.Option(help="Feature set: rules name its columns, an estimator learns it.")] = "",
    model: _Model = "",
    label: Annotated[str, typer.Option(help="What an estimator is taught: direction_24h.")] = "",
    enter: Annotated[float | None, typer.Option(help="Of a model: enter from this probability or return on.")] = None,
    leave: Annotated[float | None, typer.Option(help="Of a model: leave below this probability or return.")] = None,
    weights: _Weights = None,
    vary: _Vary = None,
    walk_forward: _WalkForward = 0,
    train: Annotated[str, typer.Option(help="Choose on windows so long (180d), in place of --walk-forward.")] = "",
    test: Annotated[str, typer.Option(help="Trade each choice for so long (30d).")] = "",
    anchored: _Anchored = None,
    start: Annotated[str, typer.Option(help="Trade bars from this open time on (UTC).")] = "",
    end: Annotated[str, typer.Option(help="Trade no bar that opens then or later.")] = "",
    interval: Annotated[str, typer.Option(help="Length of the bars: 1s to 1w.")] = "1h",
    cash: Annotated[float, typer.Option(help="Quote units at the start.")] = 10_000.0,
    size: Annotated[float, typer.Option(help="What an entry puts in, in what --size-by says.")] = 1.0,
    size_by: Annotated[str, typer.Option(help="fraction (of the account), quote, base, volatility.")] = "fraction",
    volatility_bars: Annotated[int, typer.Option(help="Returns that the volatility is of.")] = 100,
    max_positions: Annotated[int | None, typer.Option(help="Symbols held at a time.")] = None,
    stop_loss: Annotated[float | None, typer.Option(help="Leave this far below the entry: 0.02 is 2 %.")] = None,
    take_profit: Annotated[float | None, typer.Option(help="Leave this far above the entry.")] = None,
    trailing: Annotated[float | None, typer.Option(help="Leave this far below the best price since.")] = None,
    max_bars: Annotated[int, typer.Option(help="Leave after so many bars; 0: never.")] = 0,
    fee_bps: Annotated[float | None, typer.Option(help="Fee of makers and takers; else the venue's.")] = None,
    spread_bps: Annotated[float, typer.Option(help="Distance from bid to ask; who takes pays half.")] = 2.0,
    slippage_bps: Annotated[float, typer.Option(help="What who takes loses besides.")] = 1.0,
    latency_bars: Annotated[int, typer.Option(help="Orders arrive so many bars later.")] = 0,
    finer: Annotated[str, typer.Option(help="auto: shorter bars decide inside bars, where there are some.")] = "auto",
    as_of: AsOf = "",
    available_at: AvailableAt = "",
    save: _Save = None,
    save_as: Annotated[str, typer.Option(help="csv or parquet.")] = "csv",
    tearsheet: _Tearsheet = None,
    keep: _Keep = True,
    by: Annotated[str, typer.Option(help="Who asks; else your login.")] = "",
    as_json: AsJson = False,
) -> None:
    """Trade rules, a model or target weights on bars of the lake; every run is a trial that counts."""
    strategy = Strategy((buy, sell, short, cover), features, OfModel(model, enter, leave, label), weights)
    tried = Tried(values_of(vary or []), windows_of(walk_forward, train, test, anchored))
    bars = BarsAsked(tuple(symbols), interval, (start, end, as_of, available_at), finer)
    terms = TermsAsked(cash, fee_bps, spread_bps, slippage_bps, latency_bars, max_positions)
    sizes = (size, stop_loss, take_profit, trailing, max_bars, size_by, volatility_bars)
    _answer(context, Asked(strategy, tried, bars, terms, sizes, by), Wanted(keep, save, save_as, tearsheet), as_json)


def _answer(context: typer.Context, asked: Asked, wanted: Wanted, as_json: bool) -> None:
    done, left = _run(context, asked.request(), asked.tried, wanted)
    text = functools.partial(_text, done, left)
    emit(done.to_dict() | left.document(), as_json=as_json, text=text)


def _run(context: typer.Context, request: BacktestRequest, tried: Tried, wanted: Wanted) -> tuple[Done, Left]:
    """Return what came of it, and what is left of it."""
    from assay.pipelines.backtest_sweeping import sweep  # noqa: PLC0415
    from assay.pipelines.backtest_walking import walk_forward  # noqa: PLC0415
    from assay.pipelines.backtesting import backtest  # noqa: PLC0415
    from assay.pipelines.workspace import open_workspace  # noqa: PLC0415

    with open_workspace(options_of(context).settings(), create=False).kept_open() as workspace:
        done: Done
        if not tried.values:
            with working("backtesting"):
                done = backtest(workspace, request)
        else:
            with counting("combinations") as count:
                if tried.windows is None:
                    done = sweep(workspace, request, tried.values, count=count)
                else:
                    done = walk_forward(workspace, request, tried.values, tried.windows, count=count)
        with working("keeping it"):
            return done, leave_behind(workspace, done, request.by, wanted)


def _text(done: Done, left: Left) -> str:
    return "\n\n".join(one for one in (told(done), left.text()) if one)


def register(app: typer.Typer) -> None:
    """Add this command to the program."""
    app.command("backtest")(backtest)
