"""The range of what can have come of orders: by hand, and against markets whose every price is known."""

from __future__ import annotations

import dataclasses

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from assay.backtest import envelope, walking
from assay.backtest.account import Account
from assay.backtest.engine import run_band
from assay.backtest.finer import refine
from assay.backtest.layout import Floats
from assay.backtest.market import FinerBars, Market
from assay.backtest.orders import Order
from assay.measures.trading_costs import Costs
from tests.unit.backtest.made_markets import HOUR, Asked, Candles, Prepared, market_of, random_market, random_orders
from tests.unit.backtest.ticks import Day, Ticks, random_strategy

FLAT = (100.0, 100.0, 100.0, 100.0)
BTC = "BTC-USDT"
WIDE = (100.0, 106.0, 94.0, 100.0)
ENTRY = Order(BTC, quantity=1.0, stop_loss=0.05, take_profit=0.05, intent="enter")


def band_of(candles: Candles, orders: dict[int, list[Order]], **more: object):  # type: ignore[no-untyped-def]  # noqa: ANN201
    decided = [orders.get(row, []) for row in range(len(candles))]
    more.setdefault("account", Account(cash=1_000.0))
    return run_band(Prepared(decided), market_of(candles), **more)  # type: ignore[arg-type]


def test_each_doubt_has_both_answers_whatever_the_others_had() -> None:
    # Stopped out in one bar, target in the other: neither of the two paths does that.
    band = band_of([FLAT, WIDE, WIDE], {0: [ENTRY], 1: [ENTRY]})
    assert band.pessimistic.equity.tolist() == [1_000.0, 995.0, 990.0]
    assert band.optimistic.equity.tolist() == [1_000.0, 1_005.0, 1_010.0]
    assert band.followed is not None
    assert band.followed.rows_in_doubt == 2
    assert (band.lowest.tolist(), band.highest.tolist()) == ([1_000.0, 995.0, 990.0], [1_000.0, 1_005.0, 1_010.0])
    assert band.followed.trades == {(0, 1.0, 1): (-5.0, 5.0), (0, 1.0, 2): (-5.0, 5.0)}
    assert band.is_bound
    assert band.says == "2 bars did not tell what came first: every answer was followed"


def test_being_stopped_out_may_be_luck_and_the_range_knows() -> None:
    # Whoever was stopped out, or made the target, is out of the market when it falls. A limit entry that filled after
    # the high was seen is still in it: that is neither of what the two paths say.
    order = Order(BTC, kind="limit", limit=98.0, quantity=1.0, stop_loss=0.03, take_profit=0.03)
    candles = [FLAT, (100.0, 101.5, 95.0, 99.0), (70.0, 70.0, 70.0, 70.0)]
    band = band_of(candles, {0: [order]})
    outcomes = {one.equity[-1] for one in (band.pessimistic, band.optimistic)}
    # 98 * 0.97 = 95.06 was passed after the limit on the way down to 95: only the order of 95 and 98 * 1.03 is open.
    assert max(outcomes) <= band.highest[-1]
    assert band.lowest[-1] == pytest.approx(1_000.0 - 2.94)
    assert band.highest[-1] == pytest.approx(1_000.0 + 2.94)


def test_trailing_stop_may_be_hit_anywhere_or_not_at_all() -> None:
    order = Order(BTC, quantity=1.0, trailing_stop=0.05)
    band = band_of([FLAT, (100.0, 110.0, 99.0, 109.0), (50.0, 50.0, 50.0, 50.0)], {0: [order]})
    # At worst it is hit at the low, or it is not hit and the next bar opens far below; at best at 5 % below the high.
    assert band.lowest[-1] == 950.0
    assert band.highest[-1] == pytest.approx(1_000.0 + 110.0 * 0.95 - 100.0)
    assert band.pessimistic.equity[-1] == pytest.approx(999.0)
    assert band.optimistic.equity[-1] == 950.0


def test_orders_of_one_bar_may_be_reached_in_any_order() -> None:
    # The stop order opens at 103, the limit at 97 closes what is there: bought before sold, or the limit first and
    # with nothing to close.
    orders = [
        Order(BTC, kind="stop", stop=103.0, quantity=1.0),
        Order(BTC, "sell", kind="stop", stop=97.0, quantity=1.0, intent="reduce"),
    ]
    band = band_of([FLAT, (100.0, 104.0, 96.0, 100.0), (100.0, 100.0, 96.0, 96.0)], {0: orders})
    assert (band.lowest[1], band.highest[1]) == (994.0, 997.0)


def test_range_of_a_strategy_that_is_asked_is_no_bound_and_says_so() -> None:
    market = market_of([FLAT, WIDE, FLAT])
    band = run_band(Asked([[ENTRY], [], []]), market, account=Account(cash=1_000.0))
    assert not band.is_bound
    assert band.says == (
        "1 bar did not tell what came first: the range of two paths, and not a bound, since a strategy's own code is "
        "asked only on these"
    )


def test_more_answers_than_can_be_followed_are_said(monkeypatch: pytest.MonkeyPatch) -> None:
    # Each bar leaves behind who holds since then and who is out.
    entry = Order(BTC, quantity=1.0, stop_loss=0.05, take_profit=0.05)
    candles = [FLAT, *[(100.0, 106.0, 94.0, 100.0 + row % 3) for row in range(12)]]
    orders = {row: [entry, Order(BTC, kind="limit", limit=99.0 - row / 10, quantity=1.0)] for row in range(12)}
    whole = band_of(candles, orders)
    assert whole.is_bound
    monkeypatch.setattr(envelope, "MOST_STATES", 2)
    few = band_of(candles, orders)
    assert not few.is_bound
    assert "more answers than could be followed" in few.says
    assert whole.lowest[-1] <= few.lowest[-1] <= few.highest[-1] <= whole.highest[-1]
    monkeypatch.undo()
    monkeypatch.setattr(walking, "MOST_STEPS", 3)
    assert not band_of(candles, orders).is_bound
    monkeypatch.undo()
    monkeypatch.setattr(envelope, "MOST_WALKS", 3)
    short = band_of(candles, orders)
    assert not short.is_bound
    assert short.lowest[-1] == min(short.pessimistic.equity[-1], short.optimistic.equity[-1])


@settings(max_examples=30)
@given(seed=st.integers(0, 2**32 - 1))
def test_range_contains_what_every_price_of_a_market_says(seed: int) -> None:
    rng = np.random.default_rng(seed)
    day = made_day(rng, bars=14)
    strategy, account = random_strategy(rng, day.market), Account(cash=10_000.0)
    costs = Costs(maker_bps=2, taker_bps=5)
    band = run_band(strategy, day.market, account=account, costs=costs)
    truth = day.passing_all_prices(strategy.orders, account, costs)
    assert band.is_bound
    assert (band.lowest - 1e-6 <= truth.equity).all()
    assert (truth.equity <= band.highest + 1e-6).all()


@settings(max_examples=20)
@given(seed=st.integers(0, 2**32 - 1))
def test_range_holds_both_paths_of_one_symbol_or_several(seed: int) -> None:
    rng = np.random.default_rng(seed)
    market = random_market(rng, bars=15)
    band = run_band(Prepared(random_orders(rng, market)), market, account=Account(cash=1_000.0))
    assert (band.lowest <= band.highest).all()
    for path in (band.pessimistic, band.optimistic):
        assert (band.lowest <= path.equity).all()
        assert (path.equity <= band.highest).all()
    if band.followed is not None:
        assert np.isfinite(band.followed.lowest).all()
        assert np.isfinite(band.followed.highest).all()


@settings(max_examples=20)
@given(seed=st.integers(0, 2**32 - 1))
def test_range_of_a_market_with_finer_bars_contains_it_too(seed: int) -> None:
    rng = np.random.default_rng(seed)
    day = made_day(rng, bars=12)
    fine = bars_of(day.ticks.price, 6)
    market = refine(day.market, [fine])
    assert market.finer is not None
    assert market.finer.is_row_refined.all()
    market = dataclasses.replace(market, finer=without_some(market.finer, rng.random(12) < 0.3))
    strategy, account = random_strategy(rng, day.market), Account(cash=10_000.0)
    band = run_band(strategy, market, account=account)
    truth = day.passing_all_prices(strategy.orders, account, Costs())
    assert (band.lowest - 1e-6 <= truth.equity).all()
    assert (truth.equity <= band.highest + 1e-6).all()


def without_some(finer: FinerBars, are_out: np.ndarray) -> FinerBars:
    """Return finer bars of the other rows only."""
    kept = np.repeat(~are_out, np.diff(finer.first))
    columns = (getattr(finer, name)[kept] for name in ("open_time", "open", "high", "low", "close", "volume"))
    return FinerBars(np.concatenate([[0], np.cumsum(np.where(are_out, 0, np.diff(finer.first)))]), *columns)


def made_day(rng: np.random.Generator, *, bars: int) -> Day:
    """Return trades that move by small steps, and bars of them; some bars open beyond the close before.

    Every sixth trade is at the price of the one before: shorter bars of six open where those before closed.
    """
    trades = 18
    steps = rng.integers(-2, 3, bars * trades) * 0.25
    steps[::6] = 0.0
    steps[::trades] += np.where(rng.random(bars) < 0.3, rng.integers(-8, 9, bars) * 0.25, 0.0)
    price = 100.0 + np.cumsum(steps)
    time = np.arange(price.size, dtype=np.int64) * (HOUR // trades)
    return Day(bars_of(price, trades), Ticks(time, price, np.ones(price.size)))


def bars_of(price: Floats, trades: int) -> Market:
    """Return bars of so many trades each."""
    grid, step = price.reshape(-1, trades), trades * (HOUR // 18)
    opened = np.arange(len(grid)) * step
    first, high, low, last = grid[:, 0], grid.max(axis=1), grid.min(axis=1), grid[:, -1]
    return Market((BTC,), opened, opened + step, first, high, low, last, np.full(len(grid), float(trades)))
