"""Markets and orders made up for tests of the engine: few bars, many coincidences."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import ArrayLike

from assay.backtest.account import Account
from assay.backtest.engine import View
from assay.backtest.layout import Floats
from assay.backtest.market import Market
from assay.backtest.orders import Order, tape_of
from assay.backtest.signals import Exits, Flags, Signals, Size
from assay.measures.trading_costs import Costs

HOUR = 3_600_000_000
NAN = float("nan")

Candles = Sequence[tuple[float, float, float, float]]
Decided = list[list[Order]]


def market_of(candles: Candles, *, volume: Sequence[float] | None = None, **more: object) -> Market:
    """Return a market of one symbol with (open, high, low, close) an hour."""
    opened = np.arange(len(candles), dtype=np.int64) * HOUR
    columns = np.array(candles, dtype=np.float64).T
    volumes = np.full(len(candles), NAN) if volume is None else np.array(volume, dtype=np.float64)
    first, high, low, close = columns
    return Market(("BTC-USDT",), opened, opened + HOUR, first, high, low, close, volumes, **more)  # type: ignore[arg-type]


def random_market(rng: np.random.Generator, *, bars: int = 30) -> Market:
    """Return a market on a coarse grid of prices, with gaps, still bars, funding and a delisting now and then."""
    symbols = ("BTC-USDT", "ETH-USDT", "XRP-USDT")[: int(rng.integers(1, 4))]
    shape = bars, len(symbols)
    close: Floats = 100.0 + np.cumsum(rng.integers(-4, 5, shape).astype(np.float64), axis=0) * 0.5
    jump = np.where(rng.random(shape) < 0.2, rng.integers(-6, 7, shape) * 0.5, 0.0)
    opened: Floats = np.vstack([close[:1], close[:-1]]) + jump
    high = np.maximum(opened, close) + rng.integers(0, 5, shape) * 0.5
    low = np.minimum(opened, close) - rng.integers(0, 5, shape) * 0.5
    volume = np.where(rng.random(shape) < 0.1, 0.0, rng.integers(1, 60, shape) * 1.0)
    is_gap = rng.random(shape) < 0.08
    is_gap[0, 0] = False
    for column in (opened, high, low, close):
        column[is_gap] = NAN
    times = np.arange(bars, dtype=np.int64) * HOUR
    funding = np.where(rng.random(shape) < 0.2, rng.normal(0, 0.002, shape), NAN)
    delisted = {symbols[-1]: int(rng.integers(5, bars + 5)) * HOUR} if rng.random() < 0.3 else {}
    has_funding = rng.random() < 0.4
    return Market(
        symbols, times, times + HOUR, opened, high, low, close, volume,
        funding if has_funding else np.empty((0, shape[1])), delisted,
    )  # fmt: skip


def random_whole_market(rng: np.random.Generator, *, bars: int) -> Market:
    """Return one symbol without a hole, funding or a delisting; volumes are unknown, known, or at times nothing."""
    close: Floats = 100.0 + np.cumsum(rng.integers(-4, 5, bars).astype(np.float64)) * 0.5
    jump = np.where(rng.random(bars) < 0.2, rng.integers(-6, 7, bars) * 0.5, 0.0)
    opened: Floats = np.concatenate([close[:1], close[:-1]]) + jump
    high = np.maximum(opened, close) + rng.integers(0, 5, bars) * 0.5
    low = np.minimum(opened, close) - rng.integers(0, 5, bars) * 0.5
    volume = np.where(rng.random(bars) < rng.choice([0.0, 0.0, 0.1, 0.5]), 0.0, rng.choice([NAN, 1.0, 50.0]))
    times = np.arange(bars, dtype=np.int64) * HOUR
    return Market(("BTC-USDT",), times, times + HOUR, opened, high, low, close, volume)


def random_signals(rng: np.random.Generator, bars: int) -> Signals:
    """Return signals of any kind for one symbol, rare or all the time, with sizes and exits that change or do not."""

    def flags() -> Flags | None:
        return None if rng.random() < 0.3 else rng.random(bars) < rng.choice([0.02, 0.1, 0.4, 1.0])

    def distance(nearest: float) -> ArrayLike:
        some = np.where(rng.random(bars) < 0.3, NAN, nearest * rng.integers(1, 4, bars))
        return (NAN, nearest, some)[int(rng.integers(3))]

    unit = str(rng.choice(["fraction", "notional", "quantity"]))
    amount = {"fraction": 0.7, "notional": 400.0, "quantity": 3.0}[unit]
    sizes = np.where(rng.random(bars) < 0.2, NAN, amount * rng.integers(1, 4, bars))
    return Signals(
        flags(), flags(), flags(), flags(),
        size=Size(sizes if rng.random() < 0.3 else amount, unit),
        exits=Exits(distance(0.01), distance(0.01), distance(0.015), int(rng.choice([0, 0, 1, 4]))),
    )  # fmt: skip


def random_account(rng: np.random.Generator) -> Account:
    return Account(
        cash=1_000.0,
        max_leverage=float(rng.choice([1.0, 1.0, 3.0, 10.0])),
        max_positions=None if rng.random() < 0.6 else int(rng.integers(1, 3)),
        may_short=bool(rng.random() < 0.8),
        fill_at="same_close" if rng.random() < 0.3 else "next_open",
        latency_bars=int(rng.choice([0, 0, 0, 2])),
        participation=None if rng.random() < 0.5 else 0.1,
        one_fill_a_bar=bool(rng.random() < 0.2),
    )


def random_costs(rng: np.random.Generator, account: Account) -> Costs:
    return Costs(
        maker_bps=2.0, taker_bps=float(rng.choice([0.0, 10.0])), spread_bps=float(rng.choice([0.0, 4.0])),
        slippage_bps=float(rng.choice([0.0, 3.0])), impact_bps=50.0 if account.participation else 0.0,
        tick=float(rng.choice([0.0, 0.25])), lot=float(rng.choice([0.0, 0.5])), min_notional=float(rng.choice([0, 60])),
    )  # fmt: skip


def random_orders(rng: np.random.Generator, market: Market) -> Decided:
    return [
        [random_order(rng, market, row) for _ in range(int(rng.integers(1, 3)))] if rng.random() < 0.35 else []
        for row in range(len(market))
    ]


def random_order(rng: np.random.Generator, market: Market, row: int) -> Order:
    column = int(rng.integers(len(market.symbols)))
    known = market.close[: row + 1, column]
    known = known[~np.isnan(known)]
    price = float(known[-1]) if known.size else 100.0
    kind = str(rng.choice(["market", "market", "limit", "stop", "stop_limit", "cancel"]))
    size = str(rng.choice(["quantity", "notional", "fraction", "target", "close"]))
    if size == "target" and kind != "market":
        size = "fraction"
    amounts = {
        "quantity": float(rng.integers(1, 8)) / 2, "notional": float(rng.integers(50, 600)),
        "fraction": float(rng.choice([0.3, 1.0, 2.0])), "target": float(rng.choice([-0.5, 0.0, 0.4, 1.0])),
    }  # fmt: skip
    near = [price + float(step) * 0.5 for step in rng.integers(-6, 7, 2)]

    def maybe(value: float, chance: float = 0.4) -> float | None:
        return value if rng.random() < chance else None

    return Order(
        market.symbols[column],
        "buy" if rng.random() < 0.55 else "sell",
        kind,
        **({size: amounts[size]} if size != "close" else {}),
        limit=near[0] if kind in ("limit", "stop_limit") else None,
        stop=near[1] if kind in ("stop", "stop_limit") else None,
        good_for=int(rng.integers(1, 6)) if rng.random() < 0.4 else None,
        stop_loss=maybe(0.02),
        take_profit=maybe(0.02),
        trailing_stop=maybe(0.03, 0.3),
        max_bars=int(rng.integers(1, 8)) if rng.random() < 0.2 else None,
        intent=str(rng.choice(["any", "enter", "enter", "reduce"])),
    )


class Prepared:
    """All orders at once."""

    def __init__(self, decided: Decided) -> None:
        self.decided = decided

    def tape(self, market: Market) -> np.ndarray:
        rows = [
            order.row(row, market.place_of(order.symbol))
            for row, orders in enumerate(self.decided[: len(market)])
            for order in orders
        ]
        return tape_of(rows)


class Asked:
    """The same orders, given when they are asked for."""

    def __init__(self, decided: Decided) -> None:
        self.decided = decided

    def decide(self, view: View) -> list[Order]:
        return self.decided[view.row]
