"""Backtests that were made are kept: listed, shown, compared, handed on as a page, removed; and their trials stay."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import polars as pl
import pytest

import assay
from assay.domain.errors import AssayError
from assay.lake.backtest_runs import read_run
from assay.lake.sealed import LocalDocuments, documents_of
from assay.lake.trial_ledger import count_trials
from assay.pipelines.backing_up import back_up, restore
from assay.settings import Settings
from tests.integration.command import Command, clone
from tests.integration.training_home import EFFECT, NOISE, Learned, learned_home, opened

PERIOD = ("--start", "2024-01-05", "--end", "2024-02-10")
FIRST = ("backtest", EFFECT, "--buy", "rsi_14 < 40", "--sell", "rsi_14 > 60", *PERIOD)
SWEPT = ("backtest", EFFECT, "--buy", "rsi_14 < {low}", "--sell", "rsi_14 > 60", "--vary", "low=30,35,40", *PERIOD)
OTHER = ("backtest", NOISE, "--buy", "close > 1", "--end", "2024-01-20", "--fee-bps", "0")


@pytest.fixture(scope="module")
def learned(tmp_path_factory: pytest.TempPathFactory) -> Learned:
    return learned_home(tmp_path_factory)


@pytest.fixture
def home(learned: Learned, tmp_path: Path) -> Path:
    return clone(learned.root, tmp_path / "home")


@pytest.fixture
def command(home: Path, capsys: pytest.CaptureFixture[str]) -> Command:
    return Command(capsys, home)


def run_of(command: Command, *words: str) -> dict[str, Any]:
    said = command(*words, "--json")
    assert said.code == 0, said.err
    found: dict[str, Any] = said.document
    return found


def test_runs_are_listed_shown_compared_and_removed(command: Command, tmp_path: Path) -> None:
    first, swept, other = (run_of(command, *words) for words in (FIRST, SWEPT, OTHER))
    ids = [one["run"] for one in (first, swept, other)]
    found = run_of(command, "backtests", "list")
    assert [one["run"] for one in found["rows"]] == ids[::-1]
    assert [one["kind"] for one in found["rows"]] == ["backtest", "sweep", "backtest"]
    assert found["rows"][2]["total_return"] == first["performance"]["total_return"]
    assert [one["run"] for one in run_of(command, "backtests", "list", "--symbol", "ETH")["rows"]] == [ids[2]]
    shown = run_of(command, "backtests", "show", ids[1][:6])
    assert shown["combinations"] == 3
    assert shown["report"] == {name: swept[name] for name in ("best", "combinations")}
    text = command("backtests", "show", ids[0]).out
    assert f"verdict   {first['sentence']}" in text
    assert "2 others" in command("backtests", "list", "--limit", "1").out
    assert "none in this part of 3" in command("backtests", "list", "--offset", "9").out
    assert "no backtests of this symbol; there are those of" in command("backtests", "list", "--symbol", "NOPE").out
    # What else than the strategy differs is said.
    compared = run_of(command, "backtests", "compare", ids[0], ids[2])
    assert [one["brief"]["run"] for one in compared["runs"]] == [ids[0], ids[2]]
    for told in ("different periods", "different series", "different costs"):
        assert any(told in one for one in compared["warnings"]), told
    assert "not alike: they are of different periods" in command("backtests", "compare", ids[0], ids[2]).out
    # The same again is the same run, and once.
    assert run_of(command, *FIRST)["run"] == ids[0]
    assert [one["run"] for one in run_of(command, "backtests", "list")["rows"]] == [ids[0], ids[2], ids[1]]
    page = tmp_path / "new" / "page.html"
    said = command("backtests", "tearsheet", ids[1], "--to", page)
    assert said.out.strip() == f"written to {page}, in the new folder {page.parent}"
    assert page.read_text(encoding="utf-8").startswith("<!doctype html>")
    trials = count_trials(documents_of(opened(command.home).home)).total
    assert command("backtests", "remove", ids[0]).out.strip() == f"removed {ids[0]}; its trials stay counted"
    assert run_of(command, "backtests", "list")["found"] == 2
    assert count_trials(documents_of(opened(command.home).home)).total == trials
    for words, told in (
        (("show", ids[0]), "there is no such backtest"),
        (("show", "xyz"), "not the id of a backtest"),
        (("compare", ids[1]), "not as many backtests as can be compared"),
        (("compare", ids[1], ids[1]), "stands twice"),
        (("remove", "000000"), "there is no such backtest"),
        (("tearsheet", ids[1], "--to", str(tmp_path)), "a directory has this name"),
        (("tearsheet", ids[1], "--to", "x" * 300), "the name is too long for a file"),
        (("list", "--limit", "-1"), "no such part"),
    ):
        said = command("backtests", *words)
        assert said.is_one_line(), said.err
        assert told in said.err


def test_what_is_kept_is_what_was_said_and_saved(command: Command, tmp_path: Path) -> None:
    sheet = tmp_path / "sheet.html"
    said = run_of(command, *SWEPT, "--save", str(tmp_path / "out"), "--save-as", "parquet", "--tearsheet", str(sheet))
    names = ["equity", "trades", "fills", "orders", "combinations"]
    assert [Path(one).name for one in said["files"]] == [f"{name}.parquet" for name in names] + [
        "tearsheet.html", "sheet.html",
    ]  # fmt: skip
    stored = read_run(LocalDocuments(command.home), said["run"])
    assert stored.report == {name: said[name] for name in ("best", "combinations")}
    assert sorted(stored.tables) == sorted(names)
    for name in names:
        assert stored.table(name).equals(pl.read_parquet(tmp_path / "out" / f"{name}.parquet"), null_equal=True), name
    assert stored.table("combinations").columns == ["{low}", "total_return", "sharpe", "max_drawdown", "trades"]
    trades = stored.table("trades")
    entered = trades["quantity"] * trades["entry_price"]
    assert trades["return"].to_list() == pytest.approx((trades["pnl"] / entered).to_list())
    assert sheet.read_bytes() == (tmp_path / "out" / "tearsheet.html").read_bytes()
    assert json.dumps(said["best"]["strategy"][0])[1:-1].replace("<", "&lt;") in sheet.read_text(encoding="utf-8")
    # A place that cannot be written is found out when all is done: nothing is lost then.
    refused = command(*SWEPT, "--save", sheet / "below")
    assert (refused.code, refused.is_one_line()) == (3, True)
    assert f"the backtest is kept: assay backtests show {said['run']}" in refused.err


def test_run_that_is_not_to_be_kept_is_a_trial_all_the_same(command: Command) -> None:
    said = run_of(command, *FIRST, "--no-keep")
    assert said["run"] is None
    assert "no backtests" in command("backtests", "list").out
    assert count_trials(documents_of(opened(command.home).home)).total.trials > 0
    refused = command(*FIRST, "--tearsheet", command.home)
    assert "something else has this name" in refused.err


def test_notebook_keeps_its_runs_and_draws_them(
    home: Path, monkeypatch: pytest.MonkeyPatch, tmp_path: Path, command: Command
) -> None:
    monkeypatch.setenv("ASSAY_HOME", str(home))
    tester = assay.Backtester(EFFECT, "2024-01-05", "2024-02-10", stop_loss=0.01, max_bars=48)
    with pytest.raises(AssayError, match="nothing was run yet"):
        tester.plot_results()
    tester.run(buy="rsi_14 < 40", sell="rsi_14 > 60")
    figure = tester.plot_results(tmp_path / "sheet.html")
    line = next(one for one in figure.data if one.name == "Strategy")
    assert line.y[-1] == pytest.approx(tester.result.result.equity[-1], rel=1e-5)
    assert "stop loss 1 % from the entry" in (tmp_path / "sheet.html").read_text(encoding="utf-8")
    saved = tester.result.save(str(tmp_path / "out"), "parquet")  # a text as well as a Path
    assert {path.name for path in saved} == {f"{name}.parquet" for name in tester.result.tables()}
    (row,) = run_of(command, "backtests", "list")["rows"]
    assert (row["by"], row["trades"]) == ("notebook", tester.metrics()["trades"])


def test_backups_have_kept_backtests(command: Command, tmp_path: Path) -> None:
    run = run_of(command, *FIRST)["run"]
    workspace = opened(command.home)
    back_up(workspace, str(tmp_path / "backup"))
    restore(Settings(home=tmp_path / "again"), str(tmp_path / "backup"))
    one, other = (read_run(LocalDocuments(root), run) for root in (command.home, tmp_path / "again"))
    assert other.report == one.report
    assert other.table("equity").equals(one.table("equity"))
