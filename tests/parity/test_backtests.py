"""B: strategies on the bars of the lake. What is done of each row stands in README.md.

One home has a series whose moves go on, so that whoever sees the last one is right 62 times of 100, and its models.
"""

# ruff: noqa: N802  # the ids of the rows are written as in the scope

from __future__ import annotations

import json
import math
import re
from pathlib import Path

import numpy as np
import polars as pl
import pytest
from scipy.stats import kurtosis, norm, skew

from assay import Backtester, LogisticRegression
from tests.integration.command import clone
from tests.integration.training_home import Learned, learned_home
from tests.parity.conftest import assay, done

EULER = 0.5772156649015329
HOURS_A_YEAR = 365 * 24
RULES = ("--buy", "rsi_14 < 40", "--sell", "rsi_14 > 60")
PERIOD = ("--start", "2024-01-05", "--end", "2024-03-01")


@pytest.fixture(scope="module")
def learned(tmp_path_factory: pytest.TempPathFactory) -> Learned:
    return learned_home(tmp_path_factory)


@pytest.fixture(scope="module")
def home(learned: Learned, tmp_path_factory: pytest.TempPathFactory) -> Path:
    return clone(learned.root, tmp_path_factory.mktemp("backtests") / "home")


def test_B01_a_backtester_runs_a_model_a_version_and_rules_between_two_dates(
    home: Path, learned: Learned, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("ASSAY_HOME", str(home))
    tester = Backtester(symbol="BTC-USD", start_date="2024-02-01", end_date="2024-03-20", label="direction_1h")
    tester.fee_bps = tester.spread_bps = tester.slippage_bps = 0.0
    taught = tester.run(LogisticRegression()).result
    assert taught.found.is_stand_in
    # It may know how moves go on, and for nothing that is worth more than to hold.
    assert tester.metrics()["sharpe"] > taught.hold.performance.sharpe + 3
    assert tester.metrics()["trades"] > 50
    figure = tester.plot_results()
    drawn = next(one for one in figure.data if one.name == "Strategy")
    assert (drawn.y[-1], min(drawn.y)) == pytest.approx(
        (taught.result.equity[-1], taught.result.equity.min()), rel=1e-5
    )
    rules = tester.run(buy="rsi_14 < 40", sell="rsi_14 > 60").result
    assert rules.made.says == ("buy where rsi_14 < 40", "sell where rsi_14 > 60")
    version = learned.effect.version
    said = done(home, "backtest", "BTCUSDT", "--model", version.version[:8], "--fee-bps", "0")
    assert said["start"] == version.paper.seen_until.isoformat()
    early = assay(home, "backtest", "BTCUSDT", "--model", version.version, "--start", "2024-01-05")
    assert early.code != 0
    assert "has seen this period" in early.err


def test_B02_figures_are_those_of_the_equity_and_the_fills_that_are_saved(home: Path, tmp_path: Path) -> None:
    said = done(home, "backtest", "BTC-USDT", *RULES, *PERIOD, "--save", str(tmp_path))
    figures = said["performance"]
    equity, trades, fills = (
        pl.read_csv(tmp_path / f"{name}.csv", try_parse_dates=True) for name in ("equity", "trades", "fills")
    )
    worth = np.concatenate([[10_000.0], equity["equity"].to_numpy()])
    returns = worth[1:] / worth[:-1] - 1
    depth = (worth / np.maximum.accumulate(worth) - 1).min()
    years = returns.size / HOURS_A_YEAR
    annual = (worth[-1] / worth[0]) ** (1 / years) - 1
    left = fills.filter(pl.col("quantity") < 0)
    assert left["open_time"].to_list() == trades["exit_open_time"].to_list()
    hours = pl.Series([0 if at == "open" else 1 for at in left["at"]])  # inside a bar: at its close, at the latest
    lasted = (trades["exit_open_time"] - trades["entry_open_time"]).dt.total_microseconds() + hours * 3_600_000_000
    traded = (fills["quantity"].abs() * fills["price"]).sum()
    assert figures == pytest.approx(
        {
            "total_return": worth[-1] / worth[0] - 1,
            "annual_return": annual,
            "sharpe": returns.mean() / returns.std(ddof=1) * math.sqrt(HOURS_A_YEAR),
            "sortino": returns.mean() / np.sqrt((np.minimum(returns, 0) ** 2).mean()) * math.sqrt(HOURS_A_YEAR),
            "calmar": annual / -depth,
            "max_drawdown": depth,
            "trades": trades.height,
            "win_rate": (trades["pnl"] > 0).mean(),
            "average_trade_us": lasted.mean(),
            "turnover": traded / years / worth.mean(),
            "fees": fills["fee"].sum(),
            "exposure": (equity["quantity"] != 0).mean(),
        },
        rel=1e-9,
    )
    assert trades.height > 10
    for name, interval in said["intervals"].items():
        assert interval["low"] <= figures[name] <= interval["high"], name
    months = np.prod([1 + one["total_return"] for one in said["months"]]) - 1
    assert months == pytest.approx(figures["total_return"], rel=1e-12)


def test_B02_what_was_made_is_kept_compared_and_handed_on_as_one_page(home: Path, tmp_path: Path) -> None:
    sheet = tmp_path / "sheet.html"
    one = done(home, "backtest", "BTC-USDT", *RULES, *PERIOD, "--stop-loss", "0.02", "--tearsheet", str(sheet))
    other = done(home, "backtest", "BTC-USDT", *RULES, "--start", "2024-01-05", "--end", "2024-02-01")
    assert [each["run"] for each in done(home, "backtests", "list")["rows"]][:2] == [other["run"], one["run"]]
    shown = done(home, "backtests", "show", one["run"][:8])
    for name in ("performance", "intervals", "months", "deflated_sharpe"):
        assert shown["report"][name] == one[name], name
    compared = done(home, "backtests", "compare", one["run"], other["run"])
    assert any("different periods" in told for told in compared["warnings"])
    page = sheet.read_text(encoding="utf-8")
    charts = json.loads(re.findall(r'<script type="application/json" id="charts">(.*?)</script>', page)[0])
    drawn = {each["name"]: each for each in charts["equity"]["data"]}
    growth = drawn["Strategy"]["y"][-1] / 10_000 - 1
    assert growth == pytest.approx(one["performance"]["total_return"], abs=1e-5)
    assert min(drawn["Drawdown"]["y"]) == pytest.approx(one["performance"]["max_drawdown"], rel=1e-5)
    marks = [each for each in charts["trades-BTC-USDT"]["data"] if each["mode"] == "markers"]
    assert sum(len(each["x"]) for each in marks) == 2 * one["performance"]["trades"]
    assert one["sentence"].partition(": ")[2][1:] in page
    assert "://" not in page.replace(re.findall(r'id="plotly">(.*?)</script>', page)[0], "")


def test_B04_every_combination_of_a_sweep_deflates_the_best(home: Path, tmp_path: Path) -> None:
    words = ("backtest", "ETH-USDT", "--buy", "rsi_{n} < {low}", "--sell", "rsi_{n} > 60", *PERIOD)
    said = done(home, *words, "--vary", "n=7,14", "--vary", "low=25,30,35,40", "--save", str(tmp_path))
    best, trials = said["best"], said["best"]["trials"]["trials"]
    assert (len(said["combinations"]), trials) == (8, 8)
    assert best["performance"]["sharpe"] == max(one["sharpe"] for one in said["combinations"])
    worth = np.concatenate([[10_000.0], pl.read_csv(tmp_path / "equity.csv")["equity"].to_numpy()])
    returns = worth[1:] / worth[:-1] - 1
    ratio = returns.mean() / returns.std(ddof=1)
    spread = math.sqrt(1 - skew(returns) * ratio + (kurtosis(returns, fisher=False) - 1) / 4 * ratio**2)
    luck = (1 - EULER) * norm.ppf(1 - 1 / trials) + EULER * norm.ppf(1 - 1 / (trials * math.e))
    chance = 1 / math.sqrt(returns.size - 1)
    assert best["deflated_sharpe"] == pytest.approx(norm.cdf((ratio - luck * chance) / (spread * chance)), rel=1e-9)
    assert best["deflated_sharpe"] < best["probabilistic_sharpe"]


def test_B04_a_walk_forward_trades_what_was_best_until_then(home: Path) -> None:
    words = ("backtest", "ETH-USDT", "--sell", "rsi_14 > 60", "--no-keep")
    search = ("--buy", "rsi_14 < {low}", "--vary", "low=25,35", "--train", "30d", "--test", "12d")
    said = done(home, *words, *PERIOD, *search)
    assert len(said["folds"]) == 3
    for fold in said["folds"]:
        period = ("--start", fold["train_start"], "--end", fold["train_end"])
        alone = {
            low: done(home, *words, *period, "--buy", f"rsi_14 < {low}")["performance"]["sharpe"]
            for low in ("25", "35")
        }
        assert fold["values"]["low"] == max(alone, key=lambda low: alone[low])
        assert fold["in_sample_sharpe"] == max(alone.values())
    assert [one["test_start"] for one in said["folds"][1:]] == [one["test_end"] for one in said["folds"][:-1]]
    grown = np.prod([1 + one["out_of_sample_total_return"] for one in said["folds"]]) - 1
    stitched = said["stitched"]
    assert grown == pytest.approx(stitched["performance"]["total_return"], rel=1e-12)
    assert stitched["start"] == said["folds"][0]["test_start"]
    assert stitched["trials"]["trials"] >= 3
