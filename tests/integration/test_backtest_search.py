"""Searching among backtests: sweeps, walk-forward that cannot see its tests, several symbols in one account."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator
from datetime import timedelta
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
import pytest

import assay
from assay.backtest.account import Account
from assay.backtest.engine import run
from assay.backtest.signals import Exits, Signals, Size, TargetWeights
from assay.domain.errors import BadInputError, NoDataError
from assay.domain.model_key import ModelKey
from assay.lake.reads import Span
from assay.lake.sealed import documents_of
from assay.lake.trial_ledger import count_trials, read_searches, read_trials
from assay.pipelines import backtest_trying
from assay.pipelines.backtest_market import Terms
from assay.pipelines.backtest_report import BacktestReport
from assay.pipelines.backtest_several import SeveralMarkets
from assay.pipelines.backtest_sizing import Sizing
from assay.pipelines.backtest_strategies import ModelPlan, Plan, RulesPlan, Thresholds
from assay.pipelines.backtest_sweeping import sweep
from assay.pipelines.backtest_teaching import taught_estimator
from assay.pipelines.backtest_walking import WalkForwardReport, walk_forward
from assay.pipelines.backtest_weights import WeightsPlan
from assay.pipelines.backtest_windows import Windows
from assay.pipelines.backtesting import BacktestRequest, backtest, prepare
from assay.pipelines.building import build
from assay.pipelines.computing import ComputeRequest, compute_features
from assay.pipelines.workspace import Workspace
from tests.integration.command import Command, clone
from tests.integration.conftest import NOW, bring_in, open_frozen
from tests.integration.homes import made_once
from tests.integration.training_home import EFFECT, Learned, learned_home, opened
from tests.made_klines import HOUR, START, hourly, write_csv

BARS, FORK = 500, 350
ONE, OTHER, LATE, FOREIGN = "AAA-USDT", "BBB-USDT", "CCC-USDT", "DDD-USDC"
RULES = RulesPlan(buy="rsi_{n} < {low}", sell="rsi_{n} > 60")
VALUES = {"n": ["7", "14"], "low": ["30", "50"]}
SETTINGS = "model: {block_bars: 24, bootstrap_samples: 100, folds: 3}\nlake: {threads: 1}\n"
MONTH = Windows(train=timedelta(hours=150), test=timedelta(hours=100))


def _built(folder: Path) -> Path:
    """Make two series that are one until bar 350, one that begins later and has a hole, one of another currency."""
    workspace = open_frozen(folder / "home", NOW)
    rows, other = hourly(BARS, seed=3), hourly(BARS, seed=4)
    scale = rows[FORK - 1].close / other[FORK - 1].close
    forked = rows[:FORK] + [
        dataclasses.replace(
            row, **{name: round(getattr(row, name) * scale, 2) for name in ("open", "high", "low", "close")}
        )
        for row in other[FORK:]
    ]
    files = {
        ONE: rows,
        OTHER: forked,
        LATE: hourly(BARS, seed=5, holes=((0, 100), (200, 203), (400, BARS))),
        FOREIGN: hourly(50, seed=6),
    }
    for symbol, made in files.items():
        bring_in(workspace, write_csv(folder / f"{symbol}.csv", made), symbol, recorded_at=NOW)
    build(workspace)
    (workspace.home.root / "assay.yaml").write_text(SETTINGS, encoding="utf-8")
    return workspace.home.root


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return clone(made_once(tmp_path_factory, "forked", _built), tmp_path_factory.mktemp("search") / "home")


@pytest.fixture(scope="module")
def learned(tmp_path_factory: pytest.TempPathFactory) -> Learned:
    return learned_home(tmp_path_factory)


@pytest.fixture(scope="module")
def workspace(home: Path) -> Iterator[Workspace]:
    with opened(home).kept_open() as kept:
        yield kept


def asked(symbol: str | tuple[str, ...] = ONE, plan: Plan = RULES, **more: Any) -> BacktestRequest:  # noqa: ANN401
    return BacktestRequest(symbol, "ada", plan, **more)


def trials(workspace: Workspace, source: str = f"binance:spot:{ONE}:1h") -> int:
    return count_trials(documents_of(workspace.home)).of(ModelKey("backtest", source)).trials


def walked(workspace: Workspace, symbol: str, windows: Windows = MONTH, **more: Any) -> WalkForwardReport:  # noqa: ANN401
    return walk_forward(workspace, asked(symbol, **more), VALUES, windows)


# --- sweeps


def test_stops_and_sizes_are_varied_and_each_is_to_the_bit_as_it_is_alone(
    workspace: Workspace, monkeypatch: pytest.MonkeyPatch
) -> None:
    # With room for one column at a time every length of the indicator is computed by itself.
    monkeypatch.setattr(backtest_trying, "_FEWEST_COLUMNS", 1)
    monkeypatch.setattr(backtest_trying, "_COLUMN_BYTES", 1)
    values = {"n": ["7", "14"], "stop_loss": ["none", "0.004"], "size": ["0.5", "1"]}
    plan = RulesPlan(buy="rsi_{n} < 40", sell="rsi_{n} > 60")
    counted: list[tuple[int, int]] = []
    swept = sweep(workspace, asked(plan=plan), values, count=lambda done, to_do: counted.append((done, to_do)))
    assert [sum(pair) for pair in zip(*counted, strict=True)] == [8, 8]
    assert len(swept.combinations) == len(swept.trials) == len(set(swept.trials)) == 8
    for one in swept.combinations[::3]:
        chosen = one.values
        stop = None if chosen["stop_loss"] == "none" else float(chosen["stop_loss"])
        alone = backtest(
            workspace,
            asked(
                plan=RulesPlan(f"rsi_{chosen['n']} < 40", f"rsi_{chosen['n']} > 60"),
                sizing=Sizing(float(chosen["size"]), stop_loss=stop),
            ),
        )
        figures = alone.result.performance
        assert (figures.total_return, figures.max_drawdown, figures.trades) == (
            one.total_return, one.max_drawdown, one.trades,
        )  # fmt: skip
        assert figures.sharpe == one.sharpe
        assert alone.trial in swept.trials
    assert swept.best.trial in swept.trials
    assert swept.best.result.performance.sharpe == swept.combinations[0].sharpe


def test_a_sweep_that_is_interrupted_has_been_tried(
    home: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    workspace = opened(clone(home, tmp_path / "home"))
    before, done = trials(workspace), 0

    def stop(more_done: int, _to_do: int) -> None:
        nonlocal done
        done += more_done
        if done == 2:
            raise KeyboardInterrupt

    monkeypatch.setattr(backtest_trying, "_AT_ONCE", 2)
    plan = RulesPlan(buy="rsi_9 < {low}", sell="rsi_9 > 61")
    with pytest.raises(KeyboardInterrupt):
        sweep(workspace, asked(plan=plan), {"low": [str(one) for one in range(20, 50)]}, count=stop)
    assert trials(workspace) == before + 30
    known = [one.tried.values() for one in read_searches(documents_of(workspace.home)) if len(one.tried) == 30]
    assert [sum(bool(one.scores) for one in tried) for tried in known] == [1]  # the second was cut off


def test_thresholds_of_a_model_are_varied(learned: Learned, tmp_path: Path) -> None:
    workspace = opened(clone(learned.root, tmp_path / "home"))
    version = learned.effect.version.version
    request = asked(EFFECT, ModelPlan(version[:6]))
    swept = sweep(workspace, request, {"enter": ["0.5", "0.6"], "leave": ["0.4", "0.5"]})
    assert len({one.total_return for one in swept.combinations}) == 4
    for one in swept.combinations[:2]:
        thresholds = Thresholds(float(one.values["enter"]), float(one.values["leave"]))
        alone = backtest(workspace, asked(EFFECT, ModelPlan(version, thresholds)))
        assert alone.result.performance.sharpe == one.sharpe
        assert alone.trial in swept.trials  # the whole name of the version, however it was asked for


# --- walk-forward


def test_every_test_is_traded_by_what_was_best_before_it(workspace: Workspace) -> None:
    report = walked(workspace, ONE)
    edges = [(one.train_start, one.test_start, one.test_end) for one in report.folds]
    hours = [tuple(round((edge - START) / HOUR) for edge in one) for one in edges]
    assert hours == [(0, 150, 250), (100, 250, 350), (200, 350, 450), (300, 450, 500)]
    found, account = prepare(workspace, asked(ONE, RulesPlan(buy="close > 1")))
    columns = compute_features(workspace, ComputeRequest(ONE, "rsi:7,rsi:14")).frame
    for fold, (begin, stop, _) in zip(report.folds, hours, strict=True):
        alone = {}
        for n in VALUES["n"]:
            rsi = columns[f"rsi_{n}"].fill_null(np.nan).to_numpy()[begin:stop]
            for low in VALUES["low"]:
                signals = Signals(long_entry=rsi < float(low), long_exit=rsi > 60)
                there = found.market.rows(begin, stop)
                alone[n, low] = run(signals, there, account=account, costs=found.costs).performance
        best = max(alone, key=lambda chosen: alone[chosen].sharpe)
        assert fold.values == {"n": best[0], "low": best[1]}
        inside = fold.in_sample
        assert (inside.total_return, inside.sharpe) == (alone[best].total_return, alone[best].sharpe)
    known = {one.configuration.trial for one in read_trials(documents_of(workspace.home))}
    assert len({*report.trials}) == 5
    assert known >= {*report.trials}
    assert report.stitched.evidence.trials.trials >= 5


def test_the_tests_are_one_account_that_changes_its_numbers_at_the_seams(workspace: Workspace) -> None:
    report = walked(workspace, ONE)
    stitched = report.stitched
    assert (stitched.found.bars["open_time"][0], stitched.found.bars.height) == (START + 150 * HOUR, 350)
    table = compute_features(workspace, ComputeRequest(ONE, "rsi:7,rsi:14", span=Span(START + 150 * HOUR))).frame
    hour = np.arange(350)
    entry, leave = np.zeros(350, dtype=bool), np.zeros(350, dtype=bool)
    for at, fold in enumerate(report.folds):
        rsi = table[f"rsi_{fold.values['n']}"].fill_null(np.nan).to_numpy()
        is_in = (hour >= 100 * at) & (hour < 100 * at + 100)
        entry |= is_in & (rsi < float(fold.values["low"]))
        leave |= is_in & (rsi > 60)
    by_hand = Signals(long_entry=entry, long_exit=leave)
    costs = stitched.found.costs
    expected = run(by_hand, stitched.found.market, account=Account(may_short=False), costs=costs)
    assert stitched.result.equity.tobytes() == expected.equity.tobytes()
    assert len({tuple(fold.values.values()) for fold in report.folds}) > 1, "or nothing is switched"
    parts = [fold.out_of_sample.total_return for fold in report.folds]
    assert np.prod([1 + part for part in parts]) - 1 == pytest.approx(expected.performance.total_return, rel=1e-12)
    assert sum(fold.out_of_sample.trades for fold in report.folds) == expected.performance.trades
    inside = sum(np.log1p(fold.in_sample.total_return) for fold in report.folds) / (4 * 150)
    growth = np.log1p(expected.performance.total_return) / 350
    if inside > 0:
        assert report.efficiency == pytest.approx(growth / inside, rel=1e-9)
    else:
        assert np.isnan(report.efficiency)


@pytest.mark.parametrize("windows", [MONTH, Windows(parts=4)])
def test_another_future_changes_no_choice_and_no_number_before_it(workspace: Workspace, windows: Windows) -> None:
    one, other = (walked(workspace, symbol, windows) for symbol in (ONE, OTHER))
    assert one.stitched.found.data_version != other.stitched.found.data_version
    fork = START + FORK * HOUR
    for mine, yours in zip(one.folds, other.folds, strict=True):
        if mine.test_start <= fork:
            assert (mine.values, mine.in_sample) == (yours.values, yours.in_sample)
        if mine.test_end <= fork:
            assert str(mine.out_of_sample) == str(yours.out_of_sample)  # one without a trade has no Sharpe ratio
    assert sum(mine.test_start <= fork for mine in one.folds) >= 3
    same = int((one.stitched.found.market.open_time < int(fork.timestamp() * 1e6)).sum())
    equities = [report.stitched.result.equity for report in (one, other)]
    assert equities[0][:same].tobytes() == equities[1][:same].tobytes()
    assert equities[0][-1] != equities[1][-1]


def test_a_shorter_period_is_the_beginning_of_a_longer_one(workspace: Workspace) -> None:
    whole = walked(workspace, ONE)
    shorter = walked(workspace, ONE, span=Span(end=START + 350 * HOUR))
    assert shorter.folds == whole.folds[:2]
    assert shorter.stitched.result.equity.tobytes() == whole.stitched.result.equity[:200].tobytes()


def test_an_estimator_is_taught_before_each_part_and_its_thresholds_are_chosen_before_each_test(
    learned: Learned, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    workspace = opened(clone(learned.root, tmp_path / "home"))
    span = Span(START + 600 * HOUR, START + 1_400 * HOUR)
    plan = taught_estimator("logistic", label="direction_1h", parts=4)
    request = dataclasses.replace(asked(EFFECT, plan), span=span)
    assert "before each of 4 parts" in backtest(workspace, request).made.says[0]
    monkeypatch.setenv("ASSAY_HOME", str(workspace.home.root))
    tester = assay.Backtester(EFFECT, span.start, span.end, label="direction_1h")
    assert tester.run("logistic").result.made.says[0].startswith("logistic, taught direction_1h anew before each of 3")
    report = walk_forward(workspace, request, {"enter": ["0.5", "0.6"]}, Windows(parts=3))
    assert [one.values["enter"] in ("0.5", "0.6") for one in report.folds] == [True] * 3
    assert report.stitched.made.says[0].startswith("logistic, taught direction_1h")
    # The same estimator, spoken to as scikit-learn's, is taught and says the same.
    tester.run(assay.LogisticRegression())
    by_name = backtest(workspace, dataclasses.replace(request, plan=taught_estimator("logistic", label="direction_1h")))
    assert tester.result.result.equity.tobytes() == by_name.result.equity.tobytes()
    with pytest.raises(BadInputError, match="no estimator of a direction"):
        taught_estimator("ewma")


# --- several symbols


def several(workspace: Workspace, plan: Plan, **more: Any) -> BacktestReport:  # noqa: ANN401
    return backtest(workspace, asked((ONE, OTHER, LATE), plan, **more))


@pytest.mark.parametrize("most", [None, 1])
def test_several_symbols_are_the_engine_on_all_their_bars(workspace: Workspace, most: int | None) -> None:
    names = (ONE, OTHER, LATE)
    plan = RulesPlan(buy="rsi_14 < 40", sell="rsi_14 > 60")
    report = several(workspace, plan, sizing=Sizing(0.4, stop_loss=0.02), max_positions=most)
    market = report.found.market
    assert market.symbols == names
    assert np.isnan(market.close[:100, 2]).all()
    assert np.isnan(market.close[200:203, 2]).all()
    assert np.isnan(market.close[400:, 2]).all()
    rsi = np.full((BARS, 3), np.nan)
    for at, name in enumerate(names):
        table = compute_features(workspace, ComputeRequest(name, "rsi:14")).frame
        rows = [round((one - START) / HOUR) for one in table["open_time"]]
        rsi[rows, at] = table["rsi_14"].fill_null(np.nan).to_numpy()
    signals = Signals(long_entry=rsi < 40, long_exit=rsi > 60, size=Size(0.4), exits=Exits(stop_loss=0.02))
    account = Account(max_positions=most, may_short=False)
    expected = run(signals, market, account=account, costs=report.found.costs)
    assert report.result.equity.tobytes() == expected.equity.tobytes()
    assert {one.symbol for one in report.result.trades} == set(names)
    held = (report.result.quantity != 0).sum(axis=1)
    assert held.max() == (most or held.max())
    assert report.hold.performance.fees > 0
    assert {one.symbol for one in report.hold.fills} == set(names)


def test_the_same_symbols_in_another_order_are_held_against_each_other(workspace: Workspace) -> None:
    plan = RulesPlan(buy="rsi_14 < 33", sell="rsi_14 > 60")
    one = backtest(workspace, asked((ONE, LATE), plan))
    other = backtest(workspace, asked((LATE, ONE), plan))
    assert isinstance(one.found, SeveralMarkets)
    assert isinstance(other.found, SeveralMarkets)
    assert one.found.source == other.found.source
    assert (one.evidence.trials.trials, other.evidence.trials.trials) == (1, 2)
    key = ModelKey("backtest", one.found.source)
    kept = {one.configuration.parameters["series"] for one in read_trials(documents_of(workspace.home), key)}
    assert kept == {"binance:spot:AAA-USDT:1h, binance:spot:CCC-USDT:1h",
                    "binance:spot:CCC-USDT:1h, binance:spot:AAA-USDT:1h"}  # fmt: skip


def test_weights_of_several_symbols_are_held(
    home: Path, workspace: Workspace, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    file = tmp_path / "weights.csv"
    moments = [START + hours * HOUR for hours in (120, 300)]
    lines = [(moments[0], ONE, 0.5), (moments[0], LATE, 0.25), (moments[1], ONE, 0), (moments[1], LATE, 0.5)]
    text = "".join(f"{moment:%Y-%m-%dT%H:%M:%S},{symbol},{weight}\n" for moment, symbol, weight in lines)
    file.write_text(f"close_time,symbol,weight\n{text}", encoding="utf-8")
    run_ = Command(capsys, home)
    said = run_("backtest", ONE, LATE, "--weights", file, "--json", "--no-keep", "--fee-bps", "0")
    assert said.code == 0, said.err
    report = backtest(workspace, asked((ONE, LATE), WeightsPlan(file)))
    weights = np.full((BARS, 2), np.nan)
    weights[119], weights[299] = (0.5, 0.25), (0, 0.5)
    expected = run(
        TargetWeights(weights), report.found.market, account=Account(may_short=False), costs=report.found.costs
    )
    assert report.result.equity.tobytes() == expected.equity.tobytes()
    assert run_("backtest", ONE, "--weights", file).err.count("weights of other symbols") == 1
    assert run_("backtest", ONE, OTHER, "--weights", file).err.count("weights of other symbols: 'BBB-USDT, CCC") == 1
    file.write_text(f"close_time,weight\n{moments[0]:%Y-%m-%dT%H:%M:%S},1\n", encoding="utf-8")
    assert "do not say of which symbol" in run_("backtest", ONE, LATE, "--weights", file).err


# --- sizes


def test_sizes_are_in_what_they_are_said_to_be(workspace: Workspace) -> None:
    plan = RulesPlan(buy="rsi_14 < 40", sell="rsi_14 > 60")
    free = {"spread_bps": 0.0, "slippage_bps": 0.0, "fee_bps": 0.0}

    def entries(sizing: Sizing) -> list[Any]:
        report = backtest(workspace, asked(plan=plan, sizing=sizing, terms=Terms(**free)))
        return [one for one in report.result.fills if one.quantity > 0]

    assert {round(one.quantity * one.price, 6) for one in entries(Sizing(500.0, size_by="quote"))} == {500.0}
    assert {one.quantity for one in entries(Sizing(0.01, size_by="base"))} == {0.01}
    sizing = Sizing(0.2, size_by="volatility", volatility_bars=24)
    by_risk = entries(sizing)
    table = compute_features(workspace, ComputeRequest(ONE, "realised_volatility:24")).frame
    risk = table["realised_volatility_annualised_24"].fill_null(np.nan).to_numpy()
    first = by_risk[0]
    assert first.row - 1 >= 24  # none before a volatility is known
    assert first.quantity * first.price == pytest.approx(10_000 * min(0.2 / risk[first.row - 1], 1), rel=1e-9)


# --- in words


@pytest.mark.parametrize(
    ("words", "told"),
    [
        ((ONE, ONE), "a symbol twice in one account"),
        ((ONE, FOREIGN), "several quote currencies in one account: 'USDT, USDC'"),
        ((ONE, "NOPE-USDT"), "no series for the symbol"),
        ((ONE, OTHER, "--max-positions", "0"), "no such number of positions"),
        ((ONE, "--size-by", "risk"), "no such way to size: 'risk'"),
        ((ONE, "--size-by", "volatility", "--volatility-bars", "1"), "no such number of bars for a volatility"),
        ((ONE, "--size-by", "volatility", "--volatility-bars", "1000000000"), "give 2 to 1,000,000"),
        ((ONE, "--size", "2"), "an entry of more than the account: '2.0'"),
        ((ONE, "--size", "-0.5"), "a size must be above zero: '-0.5'"),
        ((ONE, "--vary", "stop_loss=0.01,much"), "not a number to try as stop_loss: 'much'"),
        ((ONE, "--vary", "stop_loss=0.01,2"), "no such stop_loss: '2.0'"),
        ((ONE, "--vary", "max_bars=1.5"), "no such number of bars"),
        ((ONE, "--vary", "enter=0.5"), "a name without values, or values without a name: 'enter'"),
        ((ONE, "--walk-forward", "3"), "a walk-forward without a choice"),
        ((ONE, "--anchored"), "anchored or rolling in a walk-forward only"),
        ((ONE, "--vary", "size=0.5,1", "--train", "90d"), "not the windows of a walk-forward"),
        ((ONE, "--vary", "size=0.5,1", "--train", "90", "--test", "1d"), "not a length of time"),
        ((ONE, "--vary", "size=0.5,1", "--train", "90d", "--test", "30d"), "too short for these windows"),
        ((ONE, "--vary", "size=0.5,1", "--walk-forward", "-1"), "no such number of parts"),
        ((ONE, "--vary", "size=0.5,1", "--walk-forward", "400"), "too short for these windows"),
        ((ONE, "--label", "direction_1h"), "only a model has --enter and --leave, and a --label"),
    ],
)
def test_bad_input_is_one_line_and_counts_as_no_trial(
    words: tuple[str, ...], told: str, home: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    before = count_trials(documents_of(opened(home).home)).total.trials
    said = Command(capsys, home)("backtest", *words, "--buy", "rsi_14 < 40", "--sell", "rsi_14 > 60")
    assert said.code in (1, 2)
    assert said.is_one_line(), said.err
    assert told in said.err
    assert count_trials(documents_of(opened(home).home)).total.trials == before


def test_a_model_takes_what_is_its_own(home: Path, capsys: pytest.CaptureFixture[str]) -> None:
    run_ = Command(capsys, home)
    for words, told in (
        (("--model", "abcdef", "--features", "direction"), "a registered model has its own features"),
        (("--model", "logistic", "--label", "return_1h"), "a classifier is taught a direction"),
        (("--model", "logistic", "--train", "9d", "--test", "3d"), "a walk-forward without a choice"),
        (("--model", "logistic", "--start", f"{START:%Y-%m-%d}"), "too few rows to teach a model"),
    ):
        said = run_("backtest", ONE, *words)
        assert (said.code in (1, 2), told in said.err) == (True, True), said.err


def test_command_tells_of_a_walk_forward_and_of_several_symbols(home: Path, capsys: pytest.CaptureFixture[str]) -> None:
    run_ = Command(capsys, home)
    words = ("backtest", ONE, LATE, "--buy", "rsi_14 < {low}", "--sell", "rsi_14 > 60", "--vary", "low=30,40")
    said = run_(*words, "--walk-forward", "3", "--rolling", "--max-positions", "1", "--no-keep")
    assert said.code == 0, said.err
    for told in (
        "walk-forward, 3 parts, rolling: 3 tests", "low=", "efficiency", "all tests as one account",
        "binance:spot:AAA-USDT:1h, binance:spot:CCC-USDT:1h", "buy where rsi_14 < {low}",
        "which series are traded was chosen by who asked",
    ):  # fmt: skip
        assert told in said.out, told
    document = run_(*words, "--walk-forward", "2", "--json").document
    assert [set(one["values"]) for one in document["folds"]] == [{"low"}] * 2
    assert {"in_sample_sharpe", "out_of_sample_sharpe", "train_end"} <= document["folds"][0].keys()
    assert [one["values"] for one in document["combinations"]] == [{"low": "30"}, {"low": "40"}]
    assert sum(one["chosen"] for one in document["combinations"]) == 2
    assert document["stitched"]["all_series"] == ["binance:spot:AAA-USDT:1h", "binance:spot:CCC-USDT:1h"]
    ends = [(one["test_start"], one["test_end"]) for one in document["folds"]]
    assert all(earlier[1] == later[0] for earlier, later in pairwise(ends))
    assert run_("backtests", "show", document["run"]).code == 0


def test_a_notebook_searches_as_the_command_does(
    workspace: Workspace, home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("ASSAY_HOME", str(home))
    tester = assay.Backtester([ONE, LATE], size=0.5, max_positions=1)
    vary: dict[str, list[object]] = {"low": [35, 40], "stop_loss": [None, 0.01]}
    rules = {"buy": "rsi_14 < {low}", "sell": "rsi_14 > 60"}
    swept = tester.sweep(vary, **rules)
    assert len(swept.combinations) == 4
    assert tester.metrics()["sharpe"] == swept.combinations[0].sharpe
    report = tester.walk_forward(vary, windows=2, **rules)
    assert [set(one.values) for one in report.folds] == [{"low", "stop_loss"}] * 2
    assert tester.result is report.stitched
    request = asked((ONE, LATE), RulesPlan(**rules, features="direction"), sizing=Sizing(0.5), max_positions=1)
    texts = {"low": ["35", "40"], "stop_loss": ["none", "0.01"]}
    again = walk_forward(workspace, request, texts, Windows(parts=2))
    assert again.trials == report.trials
    assert again.stitched.result.equity.tobytes() == report.stitched.result.equity.tobytes()


def test_too_few_bars_name_the_series(workspace: Workspace) -> None:
    with pytest.raises(NoDataError, match="CCC-USDT"):
        several(workspace, RULES, span=Span(end=START + 50 * HOUR))


def test_tables_of_several_symbols_tell_them_apart(workspace: Workspace) -> None:
    plan = RulesPlan(buy="rsi_14 < 40", sell="rsi_14 > 60")
    tables = several(workspace, plan, sizing=Sizing(0.3)).tables()
    assert set(tables["trades"]["symbol"]) == {ONE, OTHER, LATE}
    assert isinstance(tables["equity"], pl.DataFrame)
    assert {"close", "quantity"}.isdisjoint(tables["equity"].columns)
