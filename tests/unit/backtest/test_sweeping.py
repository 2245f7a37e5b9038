"""The quick loop of sweeps against the loop that defines a backtest: the same bits."""

from __future__ import annotations

import dataclasses
import functools
import math

import numpy as np
import pytest

from assay.backtest.account import Account
from assay.backtest.engine import run
from assay.backtest.loop import advance
from assay.backtest.market import FinerBars, Market
from assay.backtest.result import Result
from assay.backtest.signal_loop import follow
from assay.backtest.signals import Exits, Signals, Size, TargetWeights
from assay.backtest.sweeping import Loops, Outcome, Setting, sweep
from assay.domain.errors import BadInputError
from assay.measures.trading_costs import Costs
from tests.unit.backtest.made_markets import (
    HOUR,
    market_of,
    random_account,
    random_costs,
    random_signals,
    random_whole_market,
)

UP = [(100.0, 103.0, 99.0, 102.0), (102.0, 104.0, 101.0, 103.0), (103.0, 108.0, 102.0, 107.0)]
ENTRY = np.array([True, False, False])
FINER = FinerBars(np.array([0, 0, 0, 0]), np.zeros(0, dtype=np.int64), *(np.zeros((0, 1)) for _ in range(5)))


def never(*_given: object) -> int:
    raise AssertionError("asked a loop that has no part in this")


@pytest.mark.parametrize("seed", range(8))
def test_quick_loop_gives_the_bits_of_the_general_one(seed: int) -> None:
    rng = np.random.default_rng(seed)
    for _ in range(40):
        market = random_whole_market(rng, bars=int(rng.integers(1, 60)))
        account = dataclasses.replace(random_account(rng), participation=None)
        costs, signals = random_costs(rng, account), random_signals(rng, len(market))
        setting = Setting(market, account, costs, Loops(never, follow))
        assert_same(setting.outcome(signals), run(signals, market, account=account, costs=costs))


@pytest.mark.parametrize(
    ("strategy", "market", "account"),
    [
        (Signals(ENTRY, rank=np.zeros(3)), market_of(UP), Account()),
        (TargetWeights(np.array([1.0, 0.5, 0.0])), market_of(UP), Account()),
        (Signals(ENTRY), market_of(UP), Account(participation=0.1)),
        (Signals(ENTRY), market_of(UP, funding=np.array([0.0, 0.001, 0.0])), Account()),
        (Signals(ENTRY), market_of(UP, delisted_at={"BTC-USDT": 2 * HOUR}), Account()),
        (Signals(ENTRY), market_of(UP, finer=FINER), Account()),
        (Signals(ENTRY), market_of([UP[0], (math.nan,) * 4, UP[2]]), Account()),
    ],
    ids=["rank", "weights", "participation", "funding", "delisted", "finer bars", "hole"],
)
def test_what_the_quick_loop_does_not_know_is_done_by_the_general_one(
    strategy: Signals | TargetWeights, market: Market, account: Account
) -> None:
    setting = Setting(market, account, loops=Loops(advance, never))
    assert_same(setting.outcome(strategy), run(strategy, market, account=account))


def test_quick_loop_was_asked_about_every_choice_there_is() -> None:
    """Whoever adds a choice has to say in Setting whether the quick loop knows it, and then here."""
    names = {field.name for kind in (Market, Account, Signals, Size, Exits) for field in dataclasses.fields(kind)}
    assert names == {
        "symbols", "open_time", "close_time", "open", "high", "low", "close", "volume", "funding", "delisted_at",
        "finer", "cash", "max_leverage", "max_positions", "may_short", "fill_at", "latency_bars", "participation",
        "one_fill_a_bar", "long_entry", "long_exit", "short_entry", "short_exit", "size", "exits", "rank",
        "amount", "unit", "stop_loss", "take_profit", "trailing_stop", "max_bars",
    }  # fmt: skip


def test_faults_are_those_of_the_engine() -> None:
    with pytest.raises(BadInputError, match="row a bar"):
        Setting(market_of(UP)).outcome(Signals(ENTRY[:2]))
    with pytest.raises(BadInputError, match="true or false"):
        Setting(market_of(UP)).outcome(Signals(ENTRY.astype(np.float64)))
    with pytest.raises(BadInputError, match="row a bar"):
        Setting(market_of(UP)).outcome(Signals(ENTRY, exits=Exits(stop_loss=np.array([0.1, 0.2]))))
    with pytest.raises(BadInputError, match="tick as large"):
        Setting(market_of(UP), costs=Costs(tick=500.0)).outcome(Signals(ENTRY))


@pytest.mark.parametrize("threads", [1, 3])
def test_sweep_gives_figures_in_the_order_of_the_strategies(threads: int) -> None:
    setting = Setting(market_of(UP), Account(cash=1_000.0))
    sizes = [number / 100 for number in range(1, 50)]
    makers = [functools.partial(Signals, ENTRY, size=Size(size)) for size in sizes]
    found = sweep(makers, setting, lambda outcome: outcome.final_equity, threads=threads)
    assert found == [setting.outcome(make()).final_equity for make in makers]
    assert found == sorted(found)
    assert found[0] < found[-1]


def test_sweep_raises_the_fault_of_the_first_strategy_that_has_one() -> None:
    makers = [functools.partial(Signals, ENTRY[:length]) for length in (3, 2, 1)]
    with pytest.raises(BadInputError, match=r"row a bar.*\(2, 1\)"):
        sweep(makers, Setting(market_of(UP)), lambda outcome: outcome.trades)


def test_flags_may_be_columns_read_only_or_strided() -> None:
    setting = Setting(market_of(UP))
    expected = setting.outcome(Signals(ENTRY)).equity.tolist()
    frozen, wide = ENTRY.copy(), np.zeros((3, 4), dtype=np.bool_)
    frozen.flags.writeable = False
    wide[:, 1] = ENTRY
    for flags in (ENTRY.reshape(-1, 1), frozen, wide[:, 1]):
        assert setting.outcome(Signals(flags)).equity.tolist() == expected


def assert_same(outcome: Outcome, result: Result) -> None:
    figures = result.performance
    assert outcome.equity.tobytes() == result.equity.tobytes()
    mine = outcome.final_equity, outcome.total_return, outcome.sharpe, outcome.max_drawdown, outcome.trades
    theirs = result.equity[-1], figures.total_return, figures.sharpe, figures.max_drawdown, figures.trades
    np.testing.assert_array_equal(mine, theirs)
