"""Days of the sandbox's market as single trades, coarse bars made of them, and orders to try on both."""

from __future__ import annotations

import dataclasses
import math
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from assay.backtest import layout as at
from assay.backtest.account import Account
from assay.backtest.layout import Floats, Ints
from assay.backtest.loop import load_costs, load_part
from assay.backtest.market import FinerBars, Market
from assay.backtest.orders import Order, tape_of
from assay.backtest.progress import Progress
from assay.backtest.walking import levels_in, stepped
from assay.measures.trading_costs import Costs
from assay.venues.sandbox.assets import DEFAULT_ASSETS
from assay.venues.sandbox.bars import DAY_US, MINUTE_US
from assay.venues.sandbox.tape import Tape
from assay.venues.sandbox.trades import join_trades

BTC = "BTC-USDT"


class Ticks(NamedTuple):
    """Trades in order of time, arrays of shape ``(n_trades,)``."""

    time: Ints
    price: Floats
    quantity: Floats


@dataclass(frozen=True)
class Day:
    """Bars of some length, and the trades that they are made of."""

    market: Market
    ticks: Ticks

    def by_trades(self) -> Market:
        """Return the same bars, made up of single trades, each a bar of one price."""
        return _made_up(self.market, self.ticks)

    def passing_all_prices(self, tape: Floats, account: Account, costs: Costs) -> Truth:
        """Return what comes of orders where the price passes all prices between two trades of a bar."""
        return _Passing(self, tape, account, costs).run()

    def as_rows(self, decided: Floats) -> tuple[Market, Floats]:
        """Return the trades as bars of their own, and a tape whose orders are decided at the last trade of each bar."""
        opened = np.arange(self.ticks.price.size, dtype=np.int64)
        price = self.ticks.price
        rows = Market((BTC,), opened, opened + 1, price, price, price, price, self.ticks.quantity)
        tape = decided.copy()
        stops = np.searchsorted(self.ticks.time, self.market.close_time) - 1
        tape[:, 0] = stops[decided[:, 0].astype(np.int64)]
        return rows, tape

    @property
    def jumps(self) -> Floats:
        """Largest move from one trade to the next within each bar, in quote units, shape ``(n_bars,)``."""
        moves = np.abs(np.diff(self.ticks.price, prepend=self.ticks.price[0]))
        first = np.searchsorted(self.ticks.time, self.market.open_time)
        largest: Floats = np.maximum.reduceat(moves, first)
        return largest


def day_of(number: int, *, day: int, minutes: int, bar_minutes: int) -> Day:
    """Return a part of a day of one of the sandbox's assets."""
    tape, start = Tape(seed=3), day * DAY_US
    trades = join_trades([
        tape.trades(DEFAULT_ASSETS[number], start + minute * MINUTE_US) for minute in range(minutes)
    ])  # fmt: skip
    price, quantity = trades.price / 100.0, trades.quantity.astype(np.float64)
    step = bar_minutes * MINUTE_US
    bars = trades.time // step
    first = np.flatnonzero(np.diff(bars, prepend=-1))
    last = np.append(first[1:], price.size) - 1
    market = Market(
        (BTC,), bars[first] * step, (bars[first] + 1) * step,
        price[first], np.maximum.reduceat(price, first), np.minimum.reduceat(price, first), price[last],
        np.add.reduceat(quantity, first),
    )  # fmt: skip
    return Day(market, Ticks(trades.time.astype(np.int64), price, quantity))


def random_strategy(rng: np.random.Generator, market: Market) -> Placed:
    """Return entries by market, limit and stop orders with stops, targets, trailing stops and times, and exits."""
    kind = str(rng.choice(["target", "stop", "trail", "limit", "stop_order", "mixed"]))
    spread = float(np.std(np.diff(np.log(market.close[:, 0]))))
    first = float(market.close[0, 0])
    size = {"fraction": 1.0} if rng.random() < 0.6 else {"quantity": 5_000.0 / first}
    rows: list[list[float]] = []

    def some(low: float, high: float) -> float:
        return float(rng.uniform(low, high)) * spread

    for row in range(len(market) - 1):
        close = float(market.close[row, 0])
        if rng.random() < 0.1:
            rows += [Order(BTC, "sell").row(row, 0), Order(BTC, "buy").row(row, 0)]
        if rng.random() >= 0.25:
            continue
        side, sign = ("buy", 1.0) if rng.random() < 0.7 else ("sell", -1.0)
        more: dict[str, object] = {}
        if kind in ("target", "mixed") or (kind in ("limit", "stop_order") and rng.random() < 0.7):
            more |= {"stop_loss": some(0.3, 1.5), "take_profit": some(0.3, 1.5)}
        if kind == "stop":
            more["stop_loss"] = some(0.3, 1.5)
        if kind == "trail" or (kind == "mixed" and rng.random() < 0.4):
            more["trailing_stop"] = some(0.3, 1.5)
        if rng.random() < 0.3:
            more["max_bars"] = int(rng.integers(1, 6))
        if kind == "limit" or (kind == "mixed" and rng.random() < 0.3):
            more |= {
                "kind": "limit",
                "limit": close * (1.0 - sign * some(0.2, 1.0)),
                "good_for": int(rng.integers(1, 4)),
            }
        elif kind == "stop_order":
            more |= {"kind": "stop", "stop": close * (1.0 + sign * some(0.2, 1.0)), "good_for": int(rng.integers(1, 4))}
        rows.append(Order(BTC, side, intent="enter", **size, **more).row(row, 0))  # type: ignore[arg-type]
    return Placed(tape_of(rows))


class Placed:
    """Orders that somebody placed."""

    def __init__(self, tape: Floats) -> None:
        self.orders = tape

    def tape(self, market: Market) -> Floats:
        return self.orders


class Truth(NamedTuple):
    """What came of some orders."""

    equity: Floats
    trades: list[list[float]]
    """As rows of the loop."""


class _Passing:
    """One account, from trade to trade; all that can happen happens at a price at which something waits."""

    def __init__(self, day: Day, tape: Floats, account: Account, costs: Costs) -> None:
        self.day = day
        self.progress = Progress(day.market, account, costs, path=at.PESSIMISTIC)
        self.progress.place(tape)
        self.progress.expect(len(tape))

    def run(self) -> Truth:
        world, memory = self.progress.world, self.progress.memory
        first = np.searchsorted(self.day.ticks.time, np.append(self.day.market.open_time, 2**62))
        for row in range(len(self.day.market)):
            memory[at.NOW] = row
            load_costs(memory, world.costs, world.starts)
            load_part(world, memory, row, 0)
            memory[:] = self.traded(memory.tolist(), self.day.ticks.price[first[row] : first[row + 1]].tolist())
            self.progress.go(row, row + 1, at.DECIDE_HALF)
            memory = self.progress.memory
        trades = self.progress.records(at.AT_TRADES, at.N_TRADES, at.N_TRADE).tolist()
        return Truth(self.progress.out.equity, trades)

    def traded(self, memory: list[float], prices: list[float]) -> list[float]:
        memory[at.IS_LAST_PART] = 0.0
        price = prices[0]
        memory = stepped(memory, 0, price)
        memory[at.PART] = 1.0
        levels = levels_in(memory, 0, 0.0, math.inf)
        for to in prices[1:]:
            while passed := [one for one in levels if min(price, to) <= one <= max(price, to) and one != price]:
                price = min(passed) if to > price else max(passed)
                memory = stepped(memory, 0, price)
                levels = levels_in(memory, 0, 0.0, math.inf)
            price = to
            if not math.isnan(memory[at.N_HEADER + at.KEEP]):
                memory = stepped(memory, 0, price)
                levels = levels_in(memory, 0, 0.0, math.inf)
        memory[at.IS_LAST_PART] = 1.0
        return stepped(memory, 0, price)


def _made_up(market: Market, ticks: Ticks) -> Market:
    first = np.searchsorted(ticks.time, np.append(market.open_time, market.close_time[-1]))
    price: NDArray[np.float64] = ticks.price.reshape(-1, 1)
    parts = FinerBars(first, ticks.time, price, price, price, price, ticks.quantity.reshape(-1, 1))
    return dataclasses.replace(market, finer=parts)
