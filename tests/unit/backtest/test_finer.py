"""Finer bars: which rows they make up, and that they decide what single bars would decide."""

from __future__ import annotations

import dataclasses

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from assay.backtest.account import Account
from assay.backtest.engine import run, run_band
from assay.backtest.finer import refine
from assay.backtest.layout import Floats
from assay.backtest.market import Market
from assay.backtest.orders import Order
from assay.backtest.session import Session
from assay.domain.errors import BadInputError
from assay.measures.trading_costs import Costs
from tests.unit.backtest.made_markets import HOUR, NAN, Prepared, random_account, random_costs, random_order
from tests.unit.backtest.ticks import Placed, day_of, random_strategy

BTC, ETH = "BTC-USDT", "ETH-USDT"
HALF = HOUR // 2


def market_of(step: int, symbols: tuple[str, ...], *bars: object, volume: object = None) -> Market:
    """Return a market of bars (open, high, low, close) of one symbol, or of lists of them."""
    columns = np.array(bars, dtype=np.float64).reshape(len(bars), len(symbols), 4)
    opened = np.arange(len(bars)) * step
    volumes = np.ones(columns.shape[:2]) if volume is None else np.array(volume, dtype=np.float64)
    first, high, low, close = (columns[:, :, place] for place in range(4))
    return Market(symbols, opened, opened + step, first, high, low, close, volumes)


COARSE = market_of(HOUR, (BTC,), (10, 12, 9, 11), (11, 11, 8, 9), volume=[[2], [2]])
FINE = market_of(HALF, (BTC,), (10, 12, 10, 12), (12, 12, 9, 11), (11, 11, 8, 8), (8, 9, 8, 9))


def test_rows_are_made_up_of_bars_that_tell_all_of_them() -> None:
    market = refine(COARSE, [FINE])
    assert market.finer is not None
    assert market.finer.first.tolist() == [0, 2, 4]
    assert market.finer.close[:, 0].tolist() == [12, 11, 8, 9]
    assert market.rows(1, 2).finer.close[:, 0].tolist() == [8, 9]  # type: ignore[union-attr]


@pytest.mark.parametrize(
    "fine",
    [
        market_of(HALF, (BTC,), (10, 11, 10, 11), (11, 11, 9, 11), (11, 11, 8, 8), (8, 9, 8, 9)),
        # One bar is missing, and so is its volume.
        dataclasses.replace(FINE.rows(1, 4)),
        market_of(HALF, (BTC,), (10, 12, 9, 11), (NAN,) * 4, (11, 11, 8, 8), (8, 9, 8, 9)),
    ],
    ids=["another high", "no first bar", "a bar without prices"],
)
def test_row_is_one_bar_where_finer_ones_say_something_else(fine: Market) -> None:
    market = refine(COARSE, [fine])
    assert market.finer is not None
    assert market.finer.is_row_refined.tolist() == [False, True]


def test_missing_finer_bar_without_volume_is_none_that_lacks() -> None:
    thirds = market_of(
        HOUR // 3, (BTC,), (10, 12, 10, 12), (NAN,) * 4, (12, 12, 9, 11), (11, 11, 8, 8), (NAN,) * 4, (8, 9, 8, 9),
        volume=[[1], [NAN], [1], [1.5], [NAN], [1]],
    )  # fmt: skip
    assert refine(COARSE, [thirds]).finer.is_row_refined.tolist() == [True, False]  # type: ignore[union-attr]


def test_first_that_tells_all_of_a_row_is_taken() -> None:
    spoilt = market_of(HALF, (BTC,), (10, 12, 10, 12), (12, 12, 9, 11), (11, 11, 8, 8), (8, 12, 8, 9))
    quarters = market_of(
        HOUR // 4, (BTC,), *[(10, 10, 10, 10)] * 4, (11, 11, 8, 8), (8, 8, 8, 8), (8, 8, 8, 8), (8, 9, 8, 9),
        volume=[[0.5]] * 8,
    )  # fmt: skip
    finer = refine(COARSE, [spoilt, quarters]).finer
    assert finer is not None
    assert finer.first.tolist() == [0, 2, 6]
    assert finer.open_time.tolist() == [0, HALF, HOUR, HOUR + HOUR // 4, HOUR + HALF, HOUR + 3 * HOUR // 4]


def test_row_is_refined_for_all_symbols_or_none() -> None:
    both = market_of(HOUR, (BTC, ETH), [(10, 12, 9, 11), (1, 2, 1, 2)], [(11, 11, 8, 9), (NAN,) * 4])
    fine = market_of(
        HALF, (BTC, ETH), [(10, 12, 10, 12), (1, 1, 1, 1)], [(12, 12, 9, 11), (NAN,) * 4],
        [(11, 11, 8, 8), (NAN,) * 4], [(8, 9, 8, 9), (NAN,) * 4], volume=[[0.5, 1], [0.5, NAN], [0.5, NAN], [0.5, NAN]],
    )  # fmt: skip
    finer = refine(both, [fine]).finer
    assert finer is not None
    assert finer.is_row_refined.tolist() == [False, True]
    with pytest.raises(BadInputError, match="other symbols"):
        refine(both, [FINE])


def test_stop_and_target_in_one_bar_are_decided_by_the_finer_ones() -> None:
    order = Order(BTC, quantity=1.0, stop_loss=0.05, take_profit=0.05)
    coarse = market_of(HOUR, (BTC,), *[(100, 100, 100, 100)] * 2, (100, 106, 94, 101), volume=[[2]] * 3)
    fine = market_of(HALF, (BTC,), *[(100, 100, 100, 100)] * 4, (100, 106, 100, 104), (104, 104, 94, 101))
    decided = Prepared([[order], [], []])
    assert not run_band(decided, coarse).is_exact
    band = run_band(decided, refine(coarse, [fine]))
    assert band.is_exact
    assert [(trade.reason, trade.exit_row, trade.exit_price) for trade in band.pessimistic.trades] == [
        ("take_profit", 2, 105.0)
    ]
    assert [fill.at for fill in band.pessimistic.fills] == ["open", "inside"]
    assert band.pessimistic.fill_times.tolist() == [HOUR, 2 * HOUR]
    assert "3 of 3 bars are decided by finer ones" in band.pessimistic.says
    assert band.says == "the bars left no doubt"


def test_bars_that_orders_count_are_those_of_the_strategy() -> None:
    flat = (100, 100, 100, 100)
    coarse, fine = market_of(HOUR, (BTC,), *[flat] * 6, volume=[[2]] * 6), market_of(HALF, (BTC,), *[flat] * 12)
    market = refine(coarse, [fine])
    late = Account(cash=1_000.0, latency_bars=1)
    held = run(Prepared([[Order(BTC, quantity=1.0, max_bars=2)]] + [[]] * 5), market, account=late)
    assert [(one.entry_row, one.exit_row, one.reason) for one in held.trades] == [(2, 4, "time")]
    waits = run(Prepared([[Order(BTC, kind="limit", limit=90.0, quantity=1.0, good_for=2)]] + [[]] * 5), market)
    assert [one.fate for one in waits.orders] == ["expired"]
    close = run(Prepared([[Order(BTC, quantity=1.0)]] + [[]] * 5), market, account=Account(fill_at="same_close"))
    assert [(fill.row, fill.at) for fill in close.fills] == [(0, "close")]
    assert close.fill_times.tolist() == [HALF]


def test_funding_is_due_once_a_row_and_volume_is_that_of_the_finer_bar() -> None:
    flat = (100, 100, 100, 100)
    coarse = market_of(HOUR, (BTC,), *[flat] * 3, volume=[[10]] * 3)
    coarse = dataclasses.replace(coarse, funding=np.array([[NAN], [0.01], [0.01]]))
    market = refine(coarse, [market_of(HALF, (BTC,), *[flat] * 6, volume=[[5]] * 6)])
    account = Account(cash=1_000.0, participation=0.2)
    result = run(Prepared([[Order(BTC, quantity=2.5)], [], []]), market, account=account)
    assert [(fill.row, fill.quantity) for fill in result.fills] == [(1, 1.0), (1, 1.0), (2, 0.5)]
    assert result.funding_paid.tolist() == [0.0, 0.0, 2.0]


@settings(max_examples=25)
@given(seed=st.integers(0, 2**32 - 1))
def test_single_trades_as_finer_bars_are_single_trades_as_bars(seed: int) -> None:
    # The engine that knows of no finer bars, on a row a trade: the same fills, and the same equity at each close.
    rng = np.random.default_rng(seed)
    day = day_of(int(rng.integers(8, 24)), day=20_000, minutes=60, bar_minutes=int(rng.choice([5, 15])))
    tape = random_strategy(rng, day.market).orders
    tape[:, [8, 12]] = 0.0  # lives and times are counted in bars
    costs = Costs(maker_bps=2, taker_bps=5)
    by_row, placed = day.as_rows(tape)
    finer = run(Placed(tape), day.by_trades(), costs=costs)
    rows = run(Placed(placed), by_row, costs=costs)
    closes = np.searchsorted(day.ticks.time, day.market.close_time) - 1
    assert finer.equity.tobytes() == rows.equity[closes].tobytes()
    assert [fill[3:9] for fill in finer.fills] == [fill[3:9] for fill in rows.fills]
    assert [trade[4:11] for trade in finer.trades] == [trade[4:11] for trade in rows.trades]


@settings(max_examples=25)
@given(seed=st.integers(0, 2**32 - 1))
def test_finer_bars_narrow_the_band_and_keep_the_invariants(seed: int) -> None:
    rng = np.random.default_rng(seed)
    fine = made_walk(rng, bars=48)
    market = refine(coarse_of(fine, 4), [fine])
    assert market.finer is not None
    assert market.finer.is_row_refined.all()
    account, decided = random_account(rng), made_orders(rng, market)
    costs = random_costs(rng, account)
    result = run(Prepared(decided), market, account=account, costs=costs)
    for fill in result.fills:
        assert market.low[fill.row, 0] <= fill.touched_price <= market.high[fill.row, 0]
    stop = int(rng.integers(1, len(market)))
    part = run(Prepared(decided), market.rows(0, stop), account=account, costs=costs)
    assert part.equity.tobytes() == result.equity[:stop].tobytes()
    session = Session(market.symbols, account=account, costs=costs)
    steps = [session.step(market.rows(row, row + 1), orders) for row, orders in enumerate(decided)]
    assert np.array([step.equity for step in steps]).tobytes() == result.equity.tobytes()
    assert tuple(fill for step in steps for fill in step.fills) == result.fills


def made_walk(rng: np.random.Generator, *, bars: int) -> Market:
    close: Floats = 100.0 + np.cumsum(rng.integers(-3, 4, bars).astype(np.float64)) * 0.5
    opened = np.append(100.0, close[:-1])
    high, low = np.maximum(opened, close) + rng.integers(0, 3, bars) * 0.5, np.minimum(opened, close) - 0.5
    times, volume = np.arange(bars) * HOUR, rng.integers(1, 60, bars).astype(np.float64)
    return Market((BTC,), times, times + HOUR, opened, high, low, close, volume)


def coarse_of(fine: Market, count: int) -> Market:
    shape = -1, count
    high, low, volume = (getattr(fine, name)[:, 0].reshape(shape) for name in ("high", "low", "volume"))
    return Market(
        fine.symbols, fine.open_time[::count], fine.close_time[count - 1 :: count],
        fine.open[::count], high.max(axis=1), low.min(axis=1), fine.close[count - 1 :: count], volume.sum(axis=1),
    )  # fmt: skip


def made_orders(rng: np.random.Generator, market: Market) -> list[list[Order]]:
    return [[random_order(rng, market, row)] if rng.random() < 0.5 else [] for row in range(len(market))]
