"""Strategies of strategies order what their parts order, in the order in which one strategy would."""

from __future__ import annotations

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from assay.backtest.account import Account
from assay.backtest.composed import Fixed, Joined, OfSymbol, Stretch, Switched, parts_of
from assay.backtest.engine import run
from assay.backtest.layout import Floats
from assay.backtest.market import Market
from assay.backtest.signals import Exits, Flags, Signals, Size
from assay.measures.trading_costs import Costs

HOUR = 3_600_000_000
COSTS = Costs(taker_bps=10, spread_bps=2)


def walked(seed: int, bars: int = 60) -> tuple[Floats, Floats, Floats, Floats]:
    rng = np.random.default_rng(seed)
    close = 100 * np.exp(np.cumsum(rng.normal(0, 0.02, bars)))
    opened = np.append(100.0, close[:-1])
    return opened, np.maximum(opened, close) * 1.01, np.minimum(opened, close) * 0.99, close


def flags(seed: int, shape: tuple[int, ...] = (60,)) -> Flags:
    return np.random.default_rng(seed).random(shape) < 0.15


@settings(max_examples=30)
@given(st.integers(0, 200), st.sampled_from([None, 1]))
def test_symbols_joined_are_the_same_as_one_strategy_of_all_symbols(seed: int, most: int | None) -> None:
    opens = np.arange(60) * HOUR
    columns = [walked(seed), walked(seed + 1_000)]
    names = ("BTC-USDT", "ETH-USDT")
    opened, high, low, close = (np.column_stack(pair) for pair in zip(*columns, strict=True))
    joint = Market(names, opens, opens + HOUR, opened, high, low, close)
    entry, leave = flags(seed, (60, 2)), flags(seed + 1, (60, 2))
    size, exits = Size(0.5), Exits(stop_loss=0.02, max_bars=9)
    whole = Signals(long_entry=entry, long_exit=leave, size=size, exits=exits)
    parts = tuple(
        OfSymbol(
            Signals(long_entry=entry[:, at], long_exit=leave[:, at], size=size, exits=exits),
            Market((name,), opens, opens + HOUR, *columns[at]),
            np.arange(60),
        )
        for at, name in enumerate(names)
    )
    account = Account(cash=1_000.0, max_positions=most)
    one, other = (run(made, joint, account=account, costs=COSTS) for made in (whole, Joined(parts)))
    assert one.tape.tobytes() == other.tape.tobytes()
    assert one.equity.tobytes() == other.equity.tobytes()


def test_a_symbol_with_fewer_bars_decides_at_its_own_ones() -> None:
    opens = np.arange(6) * HOUR
    price = np.full(6, 100.0)
    gone = np.array([False, True, False, False, True, False])
    holed = np.where(gone, np.nan, price)
    names = ("BTC-USDT", "ETH-USDT")
    both, left = np.column_stack([price, holed]), price[~gone]
    joint = Market(names, opens, opens + HOUR, both, both, both, both)
    alone = Market((names[1],), opens[~gone], opens[~gone] + HOUR, left, left, left, left)
    bought = Signals(long_entry=np.array([False, True, False, False]))
    joined = Joined((OfSymbol(bought, alone, np.flatnonzero(~gone)),))
    (fill,) = run(joined, joint, account=Account(cash=100.0)).fills
    # Decided at the close of its second bar, the third of all; bought at the next one that there is.
    assert (fill.symbol, fill.row) == ("ETH-USDT", 3)


@settings(max_examples=30)
@given(st.integers(0, 100), st.integers(1, 58))
def test_one_strategy_after_another_is_each_in_its_stretch(seed: int, seam: int) -> None:
    opens = np.arange(60) * HOUR
    market = Market(("BTC-USDT",), opens, opens + HOUR, *walked(seed))
    first, second = (
        Signals(long_entry=flags(seed + at), long_exit=flags(seed + at + 2), exits=Exits(max_bars=5 + at))
        for at in range(2)
    )
    switched = Switched(market, (Stretch(first, 0, seam), Stretch(second, seam, 60)))
    both = run(switched, market, costs=COSTS)
    alone = run(first, market, costs=COSTS)
    # Until the seam nothing is known of the second one: orders of the last close before it are filled after it.
    assert both.equity[:seam].tobytes() == alone.equity[:seam].tobytes()
    entries, leaves = ([flags(seed + at + more) for at in range(2)] for more in (0, 2))
    only = Signals(
        long_entry=np.where(np.arange(60) < seam, *entries), long_exit=np.where(np.arange(60) < seam, *leaves)
    )
    without_time = Switched(
        market,
        (
            Stretch(Signals(long_entry=entries[0], long_exit=leaves[0]), 0, seam),
            Stretch(Signals(long_entry=entries[1], long_exit=leaves[1]), seam, 60),
        ),
    )
    assert run(without_time, market, costs=COSTS).equity.tobytes() == run(only, market, costs=COSTS).equity.tobytes()


@settings(max_examples=30)
@given(st.integers(0, 100), st.integers(0, 30), st.integers(32, 60))
def test_a_part_of_the_bars_is_traded_as_if_there_were_no_others(seed: int, begin: int, stop: int) -> None:
    opens = np.arange(60) * HOUR
    market = Market(("BTC-USDT",), opens, opens + HOUR, *walked(seed))
    entry, leave = flags(seed), flags(seed + 1)
    size, exits = Size(np.linspace(0.2, 1.0, 60)), Exits(stop_loss=np.linspace(0.01, 0.03, 60), max_bars=9)
    whole = Signals(long_entry=entry, long_exit=leave, size=size, exits=exits)
    part = Switched(market, (Stretch(Fixed(whole.tape(market)), begin, stop),), first=begin)
    alone = parts_of(whole, market)(begin, stop)
    assert isinstance(alone, Signals)
    rows = market.rows(begin, stop)
    equity = run(part, rows, costs=COSTS).equity.tobytes()
    assert equity == run(alone, rows, costs=COSTS).equity.tobytes()
    cut = parts_of(Switched(market, (Stretch(whole, 0, 60),)), market)(begin, stop)
    assert equity == run(cut, rows, costs=COSTS).equity.tobytes()
