"""Runs made up to be shown: what a strategy's author may write, and curves of which every figure is known."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import numpy as np
import polars as pl

from assay.lake.backtest_runs import RunSummary, run_id
from assay.pipelines.backtest_keeping import FinishedRun

HOSTILE = "</script><script>window.hacked = 1</script><img src=x onerror='window.hacked = 1'>\x1b[2J\"&"
START = datetime(2024, 1, 1, tzinfo=UTC)
HOUR = timedelta(hours=1)
CASH = 10_000.0
_TRADE: dict[str, Any] = {
    "symbol": pl.String, "side": pl.String, "entry_open_time": pl.Datetime("us", "UTC"),
    "exit_open_time": pl.Datetime("us", "UTC"), "quantity": pl.Float64, "entry_price": pl.Float64,
    "exit_price": pl.Float64, "fees": pl.Float64, "funding": pl.Float64, "pnl": pl.Float64, "reason": pl.String,
    "is_ambiguous": pl.Boolean, "return": pl.Float64,
}  # fmt: skip


def made_run(
    bars: int = 6_000,
    *,
    symbols: Sequence[str] = ("BTC-USDT",),
    trades: int = 40,
    **more: Any,  # noqa: ANN401
) -> FinishedRun:
    """Return a run over random prices; `more` goes into its report."""
    frames = _frames(bars, symbols, trades)
    table = frames["equity"]
    total, low = float(table["equity"][-1] / CASH - 1), float(table["drawdown"].to_numpy().min())
    series = tuple(f"binance:spot:{one}:1h" for one in symbols)
    summary = RunSummary(
        run=run_id(symbols), kind="backtest", by=HOSTILE, made_at=START, series=series, start=START,
        end=START + bars * HOUR, bars=bars, strategy=("buy where rsi_14 < 30", HOSTILE), feature_set=HOSTILE,
        data_version="a1", as_of=START, total_return=total, band=(total, total * 1.1), sharpe=1.5,
        deflated_sharpe=0.6, max_drawdown=low, trades=trades, hold_return=0.1, verdict="may_be_luck",
        sentence="May be luck: " + HOSTILE, is_exact=False,
    )  # fmt: skip
    figures = {
        "total_return": total,
        "sharpe": 1.5,
        "max_drawdown": low,
        "trades": trades,
        "win_rate": 0.5,
        "fees": 12.5,
    }
    report = {
        "performance": figures, "optimistic": figures, "hold": figures | {"sharpe": None},
        "intervals": {"sharpe": {"low": -0.5, "high": 3.5}}, "months": _months(table),
        "says": ["market orders are filled at the next open", HOSTILE], "trials": {"trials": 3}, "block_bars": 24,
        "probabilistic_sharpe": 0.8, "deflated_sharpe": 0.6, "open_positions": [], **more,
    }  # fmt: skip
    return FinishedRun(summary, report, frames)


def changed(run: FinishedRun, **summary: Any) -> FinishedRun:  # noqa: ANN401
    """Return a run with another summary."""
    return FinishedRun(replace(run.summary, **summary), run.report, run.frames)


def combinations(values: Mapping[str, Sequence[str]]) -> list[dict[str, Any]]:
    """Return a combination for each choice of values; the Sharpe ratio of the k-th is k, of the first none."""
    found: list[dict[str, Any]] = [{}]
    for name, some in values.items():
        found = [one | {name: value} for one in found for value in some]
    return [
        {
            "values": one,
            "sharpe": float(at) if at else None,
            "total_return": 0.01 * at,
            "max_drawdown": -0.1,
            "trades": at,
        }
        for at, one in enumerate(found)
    ]


def _frames(bars: int, symbols: Sequence[str], trades: int) -> dict[str, pl.DataFrame]:
    rng = np.random.default_rng(7)
    moves = rng.normal(0.0002, 0.004, (bars, len(symbols)))
    close = 100.0 * np.exp(np.cumsum(moves, axis=0))
    held = (np.arange(bars) // 50) % 2
    equity = CASH * np.exp(np.cumsum(moves[:, 0] * held))
    moments = pl.Series([START + HOUR * at for at in range(bars)])
    worth = np.concatenate([[CASH], equity])
    table = {
        "open_time": moments,
        "close_time": moments + HOUR,
        "exposure": held.astype(float),
        "equity": equity,
        "equity_optimistic": equity * np.linspace(1.0, 1.1, bars),
        "equity_lowest": equity * np.linspace(1.0, 0.95, bars),
        "equity_highest": equity * np.linspace(1.0, 1.2, bars),
        "equity_hold": CASH * close[:, 0] / 100.0,
        "drawdown": equity / np.maximum.accumulate(worth)[1:] - 1.0,
    }
    frames = {"trades": _trades(close, symbols, trades), "fills": _fills(trades)}
    if len(symbols) == 1:
        table |= {"close": close[:, 0], "quantity": held * 1.0}
    else:
        frames["positions"] = pl.concat(
            pl.DataFrame({"open_time": moments, "symbol": [one] * bars, "close": close[:, at], "quantity": held * 1.0})
            for at, one in enumerate(symbols)
        )
    return {"equity": pl.DataFrame(table), **frames}


def _trades(close: np.ndarray[Any, Any], symbols: Sequence[str], count: int) -> pl.DataFrame:
    rows = []
    for at in range(count):
        place, entry, left = at % len(symbols), 3 + at * 20, 13 + at * 20
        opened, closed, side = START + entry * HOUR, START + left * HOUR, "short" if at % 5 == 4 else "long"
        into, out, reason = float(close[entry, place]), float(close[left, place]), ("order", "stop_loss")[at % 2]
        earned = 2.0 * (out - into) - 0.75, reason, False, (out - into) / into - 0.001
        rows.append((symbols[place], side, opened, closed, 2.0, into, out, 0.5, 0.25, *earned))
    return pl.DataFrame(rows, schema=_TRADE, orient="row")


def _fills(count: int) -> pl.DataFrame:
    schema = {"quantity": pl.Float64, "price": pl.Float64, "touched_price": pl.Float64, "fee": pl.Float64}
    rows = [row for _ in range(count) for row in ((2.0, 100.5, 100.0, 0.25), (-2.0, 99.5, 100.0, 0.25))]
    return pl.DataFrame(rows, schema=schema, orient="row")


def _months(equity: pl.DataFrame) -> list[dict[str, Any]]:
    frame = equity.select(pl.col("open_time").dt.strftime("%Y-%m").alias("month"), "equity")
    last = frame.group_by("month", maintain_order=True).last()
    before = [CASH, *last["equity"][:-1]]
    return [
        {"month": name, "total_return": after / one - 1, "hold_return": None}
        for name, one, after in zip(last["month"], before, last["equity"], strict=True)
    ]
