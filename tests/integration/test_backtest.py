"""Backtests over the lake: against a loop by hand, counted, refused where a model has seen the period, and saved."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
import pytest

import assay
from assay.backtest.engine import StrategyError, View
from assay.backtest.orders import Order
from assay.domain.errors import BadInputError, NoDataError
from assay.domain.model_key import ModelKey
from assay.features.registry import use_own_steps
from assay.lake.reads import Span
from assay.lake.sealed import documents_of
from assay.lake.trial_ledger import count_trials, read_trials
from assay.pipelines.backtest_market import Terms
from assay.pipelines.backtest_report import BacktestReport
from assay.pipelines.backtest_strategies import ModelPlan, RulesPlan, Thresholds
from assay.pipelines.backtest_sweeping import sweep
from assay.pipelines.backtesting import BacktestRequest, backtest
from assay.pipelines.computing import ComputeRequest, compute_features
from assay.pipelines.workspace import Workspace
from tests.integration.command import Command, clone
from tests.integration.training_home import BARS, EFFECT, SHORT, Learned, learned_home, opened
from tests.made_klines import HOUR, START

KEY = ModelKey("backtest", f"binance:spot:{EFFECT}:1h")
RULES = RulesPlan(buy="rsi_14 < 35", sell="rsi_14 > 60 or close crosses below ema_26")
START_OF_TRADING, END = START + 100 * HOUR, START + 1_000 * HOUR
SOME = Span(START_OF_TRADING, END)


@pytest.fixture(scope="module")
def learned(tmp_path_factory: pytest.TempPathFactory) -> Learned:
    return learned_home(tmp_path_factory)


@pytest.fixture(scope="module")
def home(learned: Learned, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A copy of the home that the tests of this module write their trials into."""
    return clone(learned.root, tmp_path_factory.mktemp("backtest") / "home")


@pytest.fixture
def workspace(home: Path) -> Workspace:
    return opened(home)


@pytest.fixture
def in_notebook(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ASSAY_HOME", str(home))


@pytest.fixture(autouse=True)
def nothing_stays_known() -> Iterator[None]:
    yield
    use_own_steps({})


def asked(workspace: Workspace, plan: Any = RULES, /, **more: Any) -> BacktestReport:  # noqa: ANN401
    return backtest(workspace, BacktestRequest(EFFECT, "ada", plan, **{"span": SOME, **more}))


def test_rules_earn_what_a_loop_by_hand_earns(workspace: Workspace) -> None:
    report = asked(workspace)
    table = compute_features(workspace, ComputeRequest(EFFECT, "rsi:14,ema:26", span=Span(end=END))).frame
    bars = report.found.bars.join(table, on="open_time", how="left")
    rsi, ema = (bars[name].fill_null(np.nan).to_numpy() for name in ("rsi_14", "ema_26"))
    opened_at, close = bars["open"].cast(pl.Float64).to_list(), bars["close"].cast(pl.Float64).to_list()
    fee, slip = 10e-4, 2e-4  # the venue's fee; half a spread of 2 bps, and 1 bps of slippage
    cash, units, worth, entries, wanted = 10_000.0, 0.0, [], [], 0
    for row, (price, last) in enumerate(zip(opened_at, close, strict=True)):
        if wanted == 1 and not units:
            paid = price * (1 + slip)
            units = cash / (paid * (1 + fee))
            cash -= units * paid * (1 + fee)
            entries.append(row)
        elif wanted == -1 and units:
            cash, units = cash + units * price * (1 - slip) * (1 - fee), 0.0
        worth.append(cash + units * last)
        falls = row > 0 and last < ema[row] and close[row - 1] >= ema[row - 1]
        leaves, enters = rsi[row] > 60 or falls, rsi[row] < 35
        # Left first, entered after: at one close both end in a position.
        wanted = 1 if enters and not (leaves and units) else -1 if leaves and not enters else 0
        assert not (leaves and enters and units), "the bars are chosen so that this does not happen"
    assert [one.entry_row for one in report.result.trades] == entries[: len(report.result.trades)]
    assert len(entries) > 10
    assert report.result.equity.tolist() == pytest.approx(worth, rel=1e-9)
    assert report.says[0].startswith("market orders are filled at the next open; pessimistic path")
    assert report.says[1].startswith("fees 10/10 bps (maker/taker), spread 2 bps, slippage 1 bps")


def test_what_comes_later_changes_nothing_and_months_compound_to_the_whole(workspace: Workspace) -> None:
    report = asked(workspace)
    shorter = asked(workspace, span=Span(START_OF_TRADING, END - 200 * HOUR))
    assert shorter.result.equity.tobytes() == report.result.equity[:-200].tobytes()
    for whole, months in (
        (report.result.performance, [one.total_return for one in report.months]),
        (report.hold.performance, [one.hold_return for one in report.months]),
    ):
        assert np.prod(1 + np.array(months)) - 1 == pytest.approx(whole.total_return, rel=1e-12)
    assert [one.month for one in report.months] == ["2024-01", "2024-02"]
    assert report.hold.performance.trades == 0  # still held
    (fill,) = report.hold.fills
    assert (fill.row, fill.at) == (1, "open")


def test_every_run_is_a_trial_and_the_same_again_is_the_same_one(learned: Learned, tmp_path: Path) -> None:
    workspace = opened(clone(learned.root, tmp_path / "home"))
    first, again = asked(workspace), asked(workspace)
    assert first.to_dict() == again.to_dict()
    assert first.evidence.trials.trials == 1
    assert first.evidence.deflated_sharpe == first.evidence.probabilistic_sharpe
    others = [asked(workspace, RulesPlan(f"rsi_14 < {level}", "rsi_14 > 60")) for level in (30, 40)]
    others.append(asked(workspace, terms=Terms(fee_bps=0.0)))
    counts = count_trials(documents_of(workspace.home))
    assert counts.of(KEY).trials == others[-1].evidence.trials.trials == 4
    assert asked(workspace).evidence.deflated_sharpe < first.evidence.deflated_sharpe
    kept = {one.configuration.parameters["buy"]: one.scores for one in read_trials(documents_of(workspace.home), KEY)}
    assert kept["rsi_14 < 30"]["total_return"] == others[0].result.performance.total_return
    assert "one of 4 trials" in others[-1].evidence.sentence


def test_every_combination_of_a_sweep_is_a_trial_and_the_same_as_alone(learned: Learned, tmp_path: Path) -> None:
    workspace = opened(clone(learned.root, tmp_path / "home"))
    plan = RulesPlan(buy="rsi_{n} < {low}", sell="rsi_{n} > 60")
    request = BacktestRequest(EFFECT, "ada", plan, span=SOME)
    swept = sweep(workspace, request, {"n": ["7", "14"], "low": ["30", "35", "40"]})
    assert [one.sharpe for one in swept.combinations] == sorted(
        (one.sharpe for one in swept.combinations), reverse=True
    )
    assert len({(one.values["n"], one.values["low"]) for one in swept.combinations}) == 6
    assert swept.best.evidence.trials.trials == 6
    assert swept.best.evidence.deflated_sharpe < swept.best.evidence.probabilistic_sharpe
    for one in swept.combinations[:2]:
        n, low = one.values["n"], one.values["low"]
        alone = asked(workspace, RulesPlan(f"rsi_{n} < {low}", f"rsi_{n} > 60"))
        assert alone.result.performance.sharpe == one.sharpe
        assert alone.evidence.trials.trials == 6  # it was tried in the sweep
    for values in ({"n": ["7"]}, {"n": ["7"], "low": ["30"], "more": ["1"]}, {"n": [], "low": ["30"]}):
        with pytest.raises(BadInputError, match="without values"):
            sweep(workspace, request, values)
    with pytest.raises(BadInputError, match="too many combinations"):
        sweep(workspace, request, {"n": ["7"], "low": [str(one) for one in range(10_001)]})
    assert count_trials(documents_of(workspace.home)).of(KEY).trials == 6


def test_a_model_trades_only_what_it_has_not_seen(workspace: Workspace, learned: Learned) -> None:
    version = learned.effect.version
    seen = version.paper.seen_until
    free = Terms(fee_bps=0.0, spread_bps=0.0, slippage_bps=0.0)
    report = asked(workspace, ModelPlan(version.version), span=Span(), terms=free)
    assert report.found.bars["open_time"][0] == seen
    assert report.found.bars.height == (START + BARS * HOUR - seen) / HOUR
    # Moves go on by a third of themselves, and whoever trades that for nothing earns more than who holds.
    assert report.result.performance.sharpe > report.hold.performance.sharpe
    assert {one.row for one in report.result.orders if one.side == "buy"} & {0, 1, 2, 3}
    by_beginning = asked(workspace, ModelPlan(version.version[:6]), span=Span(), terms=free)
    assert by_beginning.evidence.trials == report.evidence.trials
    with pytest.raises(BadInputError, match=f"has seen this period.*{seen:%Y-%m-%d %H:%M}"):
        asked(workspace, ModelPlan(version.version), span=Span(seen - HOUR))
    with pytest.raises(NoDataError, match="has seen all of this period"):
        asked(workspace, ModelPlan(version.version), span=Span(end=seen))
    with pytest.raises(BadInputError, match="a model of something else"):
        asked(workspace, ModelPlan(learned.noise.version.version), span=Span())
    with pytest.raises(NoDataError, match="nothing is champion"):
        asked(workspace, ModelPlan("direction_1h"), span=Span())
    with pytest.raises(BadInputError, match="left where it is entered"):
        asked(workspace, ModelPlan(version.version, Thresholds(0.5, 0.6)), span=Span())


class Spy:
    """A classifier that keeps what it was taught and asked, and says that all prices rise."""

    seen: list[tuple[int, int]] = []  # noqa: RUF012  # copies share it

    def fit(self, X: pl.DataFrame, y: np.ndarray[Any, Any]) -> Spy:  # noqa: N803
        self.rows = X.height
        assert set(np.unique(y)) == {0, 1}
        return self

    def predict_proba(self, X: pl.DataFrame) -> np.ndarray[Any, Any]:  # noqa: N803
        self.seen.append((self.rows, X.height))
        return np.tile([0.2, 0.8], (X.height, 1))


@pytest.mark.usefixtures("in_notebook")
def test_a_classifier_is_taught_anew_by_what_was_known_before_each_part() -> None:
    Spy.seen.clear()
    begins = START + 500 * HOUR
    made = assay.Backtester(EFFECT, begins, END, label="direction_1h").run(Spy())
    asked_of = [count for _, count in Spy.seen]
    assert (len(asked_of), sum(asked_of)) == (3, 500)  # model.folds parts, which are all of the period
    # The first forecast is made an hour after the period begins, and answers of an hour wait for one more.
    unknown_before = 500 + 1 - 1 - 1
    warm = unknown_before + 1 - Spy.seen[0][0]
    assert 26 <= warm <= 60
    assert [count for count, _ in Spy.seen] == [500 - warm + sum(asked_of[:part]) for part in range(3)]
    with pytest.raises(NoDataError, match="too few rows to teach a model"):
        assay.Backtester(EFFECT, START, END, label="direction_1h").run(Spy())
    with pytest.raises(BadInputError, match="the classifier Short fails: '3 probabilities of"):
        assay.Backtester(EFFECT, begins, END, label="direction_1h").run(Short(1))
    with pytest.raises(BadInputError, match="a classifier is taught a direction"):
        assay.Backtester(EFFECT, begins, END, label="return_1h").run(Spy())
    assert made.metrics()["exposure"] > 0.99
    assert made.metrics()["trials"] >= 1


class Guess:
    """A classifier that draws its answers, and does not say from what."""

    def __init__(self, seed: int) -> None:
        self.seed = seed

    def fit(self, X: pl.DataFrame, y: np.ndarray[Any, Any]) -> Guess:  # noqa: N803
        return self

    def predict_proba(self, X: pl.DataFrame) -> np.ndarray[Any, Any]:  # noqa: N803
        up = np.random.default_rng(self.seed).random(X.height)
        return np.column_stack([1 - up, up])


class Short(Guess):
    """A classifier that does not answer for every row."""

    def predict_proba(self, X: pl.DataFrame) -> np.ndarray[Any, Any]:  # noqa: N803
        return super().predict_proba(X.head(3))


@pytest.mark.usefixtures("in_notebook")
def test_classifiers_of_one_name_are_as_many_trials_as_they_say_different_things(workspace: Workspace) -> None:
    tester = assay.Backtester(EFFECT, START + 500 * HOUR, START + 600 * HOUR, label="direction_1h")
    counts, named = [], set()
    for seed in (1, 2, 1):
        named.add(tester.run(Guess(seed)).result.trial)
        counts.append(count_trials(documents_of(workspace.home)).of(KEY).trials)
    assert len(named) == 2
    assert (counts[1], counts[2]) == (counts[0] + 1, counts[0] + 1)


def test_other_fees_of_the_settings_are_another_trial(workspace: Workspace) -> None:
    chosen = workspace.settings
    trials = []
    for own in ((), ("binance:spot=0/0",), ("coinbase:spot=0/0",)):
        fees = chosen.fees.model_copy(update={"own": own})
        there = replace(workspace, settings=chosen.model_copy(update={"fees": fees}))
        report = asked(there)
        trials.append((report.trial, report.result.performance.fees))
    assert trials[0] == trials[2]
    assert trials[1][0] != trials[0][0]
    assert trials[1][1] == 0 < trials[0][1]


class Turning:
    """Is long every other day; asked at each close."""

    def decide(self, view: View) -> list[Order]:
        if view.row % 24:
            return []
        return [Order(EFFECT, "buy", fraction=1.0)] if not view.position(EFFECT).quantity else [Order(EFFECT, "sell")]


class Failing:
    def decide(self, view: View) -> list[Order]:
        return [] if view.row < 7 else [1 / 0]  # type: ignore[list-item]


@pytest.mark.usefixtures("in_notebook")
def test_own_code_is_a_trial_by_its_orders_and_its_failure_is_told(workspace: Workspace) -> None:
    tester = assay.Backtester(EFFECT, START_OF_TRADING, END)
    with pytest.raises(BadInputError, match="nothing was run yet"):
        tester.metrics()
    assert len(tester.run(Turning()).result.result.trades) == 19
    before = count_trials(documents_of(workspace.home)).of(KEY).trials
    tester.run(Turning())
    assert count_trials(documents_of(workspace.home)).of(KEY).trials == before
    for _ in range(2):
        with pytest.raises(StrategyError, match=r"failed at the close of 2024-01-05T12:00.*ZeroDivisionError"):
            tester.run(Failing())
        # It was seen to trade until it failed; the same again is the same.
        assert count_trials(documents_of(workspace.home)).of(KEY).trials == before + 1
    with pytest.raises(BadInputError, match="sizes or exits besides"):
        assay.Backtester(EFFECT, START_OF_TRADING, END, stop_loss=0.1).run(Turning())
    for what in ({}, {"model": 7}, {"hold": "close > 1"}, {"model": "direction_1h", "buy": "close > 1"}):
        with pytest.raises(BadInputError, match="not a strategy"):
            tester.run(**what)
    by_rules = tester.run(buy=RULES.buy, sell=RULES.sell).result
    assert by_rules.result.equity.tobytes() == asked(workspace).result.equity.tobytes()


def test_weights_are_held_from_their_closes_on(workspace: Workspace, tmp_path: Path, home: Path,
                                               capsys: pytest.CaptureFixture[str]) -> None:  # fmt: skip
    file = tmp_path / "weights.csv"
    file.write_text(f"close_time,weight\n{moment(120)},0.5\n{moment(300)},0\n", encoding="utf-8")
    words = ("backtest", EFFECT, "--weights", file, "--start", moment(100), "--end", moment(400), "--fee-bps", "0")
    said = Command(capsys, home)(*words, "--save", tmp_path / "out", "--save-as", "parquet", "--json")
    assert said.code == 0, said.err
    equity, trades, fills, orders = (
        pl.read_parquet(tmp_path / "out" / f"{name}.parquet") for name in ("equity", "trades", "fills", "orders")
    )
    held = equity.filter(pl.col("quantity") > 0)["open_time"]
    assert (held[0], held[-1]) == (START + 120 * HOUR, START + 299 * HOUR)
    assert equity["exposure"].max() == pytest.approx(0.5, abs=0.1)
    assert trades["pnl"].sum() == pytest.approx(equity["equity"][-1] - 10_000)
    assert (fills.height, orders["fate"].to_list()) == (2, ["filled", "filled"])
    assert said.document["performance"]["fees"] == 0
    file.write_text(f"close_time,weight\n{moment(120)[:-6]}:30:00,0.5\n", encoding="utf-8")
    assert "at the close of no bar" in Command(capsys, home)(*words).err
    file.write_text(f"close_time,weight\n{moment(120)},0.5\n{moment(300)},\n", encoding="utf-8")
    assert "a weight is missing, or not finite" in Command(capsys, home)(*words).err


@pytest.mark.parametrize(
    ("words", "told"),
    [
        (("NOPE-USDT", "--buy", "close > 1"), "no series for the symbol"),
        ((EFFECT, "--buy", "close > 1", "--interval", "4h"), "no bars of 4h"),
        ((EFFECT, "--buy", "close > 1", "--start", "2024-02-01", "--end", "2024-02-01"), "the period is empty"),
        ((EFFECT, "--buy", "close > 1", "--start", "2031-01-01"), "no bars for this"),
        ((SHORT, "--buy", "close > 1", "--end", "2024-01-01T01:00"), "needs two bars"),
        ((EFFECT, "--buy", "close > 1", "--cash", "0"), "an account needs cash"),
        ((EFFECT, "--buy", "close > 1", "--fee-bps", "-1"), "a cost cannot be that"),
        ((EFFECT, "--buy", "close > 1", "--stop-loss", "2"), "no such stop_loss"),
        ((EFFECT, "--buy", "close > 1", "--size", "-1"), "a size must be above zero"),
        ((EFFECT, "--buy", "rsj_14 < 30"), "a rule names a column that neither bars nor indicators have: 'rsj_14'"),
        ((EFFECT, "--buy", "bollinger < 30"), "an indicator of several columns"),
        ((EFFECT, "--buy", "close is high"), "not a rule"),
        ((EFFECT, "--sell", "close > 1"), "no rule says when to buy"),
        ((EFFECT, "--buy", "close > 1", "--short", "close < 1"), "nothing can be sold short on a spot market"),
        ((EFFECT, "--buy", "close > {low}"), "not a rule"),
        ((EFFECT, "--buy", "close > {low}", "--vary", "high=1,2"), "values without a name: 'high, low'"),
        ((EFFECT, "--buy", "close > {low}", "--vary", "low="), "not values to try"),
        ((EFFECT,), "no strategy"),
        ((EFFECT, "--buy", "close > 1", "--model", "abc"), "several strategies at once"),
        ((EFFECT, "--buy", "close > 1", "--enter", "0.6"), "only a model has --enter"),
        ((EFFECT, "--model", "abcdef"), "there is no such model"),
        ((EFFECT, "--weights", "nowhere.csv"), "a table of weights cannot be read"),
        ((EFFECT, "--buy", "close > 1", "--save-as", "xml"), "unknown kind of file"),
    ],
)
def test_bad_input_is_one_line_and_counts_as_no_trial(
    words: tuple[str, ...], told: str, home: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    before = count_trials(documents_of(opened(home).home)).total.trials
    said = Command(capsys, home)("backtest", *words)
    assert said.code in (1, 2)
    assert said.is_one_line(), said.err
    assert told in said.err
    assert count_trials(documents_of(opened(home).home)).total.trials == before


def test_command_says_what_it_assumes_and_what_it_is_worth(home: Path, capsys: pytest.CaptureFixture[str]) -> None:
    words = ("backtest", EFFECT, "--buy", RULES.buy, "--sell", RULES.sell, "--stop-loss", "0.005", "--take-profit")
    said = Command(capsys, home)(*words, "0.005", "--start", moment(100), "--end", moment(400), "--max-bars", "48")
    assert said.code == 0, said.err
    for told in (
        "binance:spot:BTC-USDT:1h", "buy where rsi_14 < 35", "filled at the next open", "fees 10/10 bps",
        "buy and hold", "95 % interval", "trial", "2024-01", "--as-of",
    ):  # fmt: skip
        assert told in said.out, told


def test_command_shows_the_combinations_of_a_sweep(home: Path, capsys: pytest.CaptureFixture[str]) -> None:
    words = ("backtest", EFFECT, "--buy", "rsi_14 < {low}", "--sell", "rsi_14 > {high}", "--end", moment(400))
    said = Command(capsys, home)(*words, "--vary", "low=30,35", "--vary", "high=60,65")
    assert said.code == 0, said.err
    assert said.out.startswith("4 combinations; the first one in full below\nlow  high  total return")


def moment(hours: int) -> str:
    found: datetime = START + timedelta(hours=hours)
    return f"{found:%Y-%m-%dT%H:%M:%S}"
