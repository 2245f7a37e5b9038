"""Signals as a tape: the orders that somebody would write one by one."""

from __future__ import annotations

import numpy as np
import pytest

from assay.backtest.market import Market
from assay.backtest.orders import Order, tape_of
from assay.backtest.signals import Exits, Signals, Size, crossed_above, crossed_below
from tests.unit.backtest.made_markets import HOUR, NAN

SYMBOLS = ("BTC-USDT", "ETH-USDT")
KINDS = (("long_exit", "sell"), ("short_exit", "buy"), ("long_entry", "buy"), ("short_entry", "sell"))


@pytest.mark.parametrize("symbols", [1, 2])
@pytest.mark.parametrize("has_rank", [False, True])
def test_tape_is_the_orders_one_by_one(symbols: int, has_rank: bool) -> None:
    rng = np.random.default_rng(symbols + 2 * has_rank)
    shape = 40, symbols
    flags = {name: rng.random(shape) < 0.3 for name, _ in KINDS}
    amount = np.where(rng.random(shape) < 0.2, NAN, 0.5)
    stop = rng.choice([0.01, 0.02], shape)
    rank = rng.permutation(shape[0] * symbols).reshape(shape).astype(float) if has_rank else None
    signals = Signals(**flags, size=Size(amount), exits=Exits(stop_loss=stop, take_profit=0.03, max_bars=4), rank=rank)
    rows = []
    for row in range(shape[0]):
        for is_entry in (False, True):
            for column in sorted(range(symbols), key=lambda one: one if rank is None else rank[row, one]):
                for name, side in KINDS:
                    if not flags[name][row, column] or name.endswith("entry") != is_entry:
                        continue
                    order = Order(SYMBOLS[column], side)
                    if is_entry and np.isnan(amount[row, column]):
                        continue
                    if is_entry:
                        order = Order(
                            SYMBOLS[column], side, fraction=0.5, stop_loss=float(stop[row, column]), take_profit=0.03,
                            max_bars=4, intent="enter",
                        )  # fmt: skip
                    rows.append(order.row(row, column))
    np.testing.assert_array_equal(signals.tape(market(shape)), tape_of(rows))


def test_crossing_needs_both_sides_of_both_bars() -> None:
    series, other = np.array([1.0, 2.0, NAN, 3.0, 1.0, 2.0, 1.0]), np.array([2.0, 2.0, 2.0, 2.0, 2.0, NAN, 2.0])
    assert np.flatnonzero(crossed_above(np.array([2.0, 3.0, 3.0, 1.0]), 2.0)).tolist() == [1]
    assert np.flatnonzero(crossed_above(series, other)).tolist() == []
    assert np.flatnonzero(crossed_below(series, other)).tolist() == [4]


def test_no_signal_is_no_order() -> None:
    assert Signals().tape(market((3, 1))).shape == (0, 14)
    nothing = Signals(long_entry=np.ones(3, dtype=bool), size=Size(NAN))
    assert nothing.tape(market((3, 1))).shape == (0, 14)


def market(shape: tuple[int, int]) -> Market:
    opened, price = np.arange(shape[0], dtype=np.int64) * HOUR, np.full(shape, 100.0)
    return Market(SYMBOLS[: shape[1]], opened, opened + HOUR, price, price, price, price)
