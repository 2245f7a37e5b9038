"""Situations of a market, by name, each worked out by hand."""

from __future__ import annotations

import dataclasses
import math

import numpy as np
import pytest

from assay.backtest.account import Account, Schedule
from assay.backtest.composed import Fixed
from assay.backtest.engine import StrategyError, View, run, run_band
from assay.backtest.layout import Floats
from assay.backtest.market import Market
from assay.backtest.orders import Order, tape_of
from assay.backtest.result import Result
from assay.backtest.signals import Exits, Signals, Size, TargetWeights
from assay.domain.errors import AssayError, BadInputError, NoDataError
from assay.measures.trading_costs import Costs
from tests.unit.backtest.made_markets import HOUR, NAN, Asked, Candles, Decided, Prepared, market_of

FLAT = (100.0, 100.0, 100.0, 100.0)
BTC = "BTC-USDT"


def trade(candles: Candles, orders: dict[int, list[Order]], **more: object) -> Result:
    """Run orders by their bars over candles, with 1,000 in cash and no costs unless told."""
    volume = more.pop("volume", None)
    market = market_of(candles, volume=volume, **more.pop("market", {}))  # type: ignore[arg-type]
    decided: Decided = [orders.get(row, []) for row in range(len(candles))]
    more.setdefault("account", Account(cash=1_000.0))
    return run(Prepared(decided), market, **more)  # type: ignore[arg-type]


def test_order_decided_at_a_close_is_filled_at_the_next_open() -> None:
    result = trade([FLAT, (101, 103, 101, 102), FLAT], {0: [Order(BTC, quantity=2.0)]})
    assert [(fill.row, fill.at, fill.price) for fill in result.fills] == [(1, "open", 101.0)]
    assert result.equity.tolist() == [1_000.0, 1_002.0, 998.0]
    assert result.says.startswith("market orders are filled at the next open; pessimistic path")


def test_same_close_and_latency_are_said_to_be_what_they_are() -> None:
    candles = [FLAT, (101, 103, 101, 102), (104, 104, 104, 104)]
    now = trade(candles, {1: [Order(BTC, quantity=1.0)]}, account=Account(cash=1_000.0, fill_at="same_close"))
    assert [(fill.row, fill.at, fill.price) for fill in now.fills] == [(1, "close", 102.0)]
    assert "the close at which they are decided" in now.says
    late = trade(candles, {0: [Order(BTC, quantity=1.0)]}, account=Account(cash=1_000.0, latency_bars=1))
    assert [(fill.row, fill.price) for fill in late.fills] == [(2, 104.0)]
    assert "1 bar later" in late.says


def test_stop_is_filled_at_the_open_when_price_gaps_through_it() -> None:
    candles = [FLAT, FLAT, (90.0, 92.0, 88.0, 91.0)]
    result = trade(candles, {0: [Order(BTC, quantity=1.0, stop_loss=0.05)]})
    assert [(fill.row, fill.at, fill.price, fill.reason) for fill in result.fills][1] == (2, "open", 90.0, "stop_loss")
    assert result.trades[0].pnl == -10.0
    assert not result.trades[0].is_ambiguous


def test_limit_fills_at_open_when_price_gaps_through() -> None:
    candles = [FLAT, FLAT, (90.0, 92.0, 88.0, 91.0)]
    result = trade(candles, {0: [Order(BTC, kind="limit", limit=95.0, quantity=1.0)]}, costs=Costs(taker_bps=10))
    assert [(fill.row, fill.price, fill.is_maker, fill.fee) for fill in result.fills] == [(2, 90.0, True, 0.0)]


def test_limit_beyond_the_market_takes_and_never_pays_more_than_its_limit() -> None:
    order = Order(BTC, kind="limit", limit=100.05, quantity=1.0)
    result = trade([FLAT, FLAT], {0: [order]}, costs=Costs(taker_bps=10, slippage_bps=50))
    assert [(fill.price, fill.is_maker) for fill in result.fills] == [(100.05, False)]


def test_stop_and_target_in_one_bar_are_a_band() -> None:
    candles = [FLAT, FLAT, (100.0, 106.0, 94.0, 101.0)]
    order = Order(BTC, quantity=1.0, stop_loss=0.05, take_profit=0.05)
    market = market_of(candles)
    band = run_band(Prepared([[order], [], []]), market, account=Account(cash=1_000.0))
    assert [one.trades[0].reason for one in (band.pessimistic, band.optimistic)] == ["stop_loss", "take_profit"]
    assert list(band.total_return) == pytest.approx([-0.005, 0.005])
    assert band.pessimistic.trades[0].is_ambiguous
    assert band.pessimistic.ambiguous == 1
    assert not band.is_exact


def test_stop_below_a_limit_that_was_just_filled_came_later() -> None:
    # From 100 down to 97 the price passed the limit at 99 first: the stop at 99 * 0.99 = 98.01 is sure on both paths.
    order = Order(BTC, kind="limit", limit=99.0, quantity=1.0, stop_loss=0.01, take_profit=0.05)
    market = market_of([FLAT, (100.0, 100.0, 97.0, 99.5)])
    band = run_band(Prepared([[order], []]), market, account=Account(cash=1_000.0))
    assert band.is_exact
    assert band.pessimistic.trades[0].exit_price == pytest.approx(98.01)


def test_target_above_a_limit_that_was_just_filled_is_in_doubt() -> None:
    # The high of 104 may lie before the fall to 99: at worst the position is still open at the close.
    order = Order(BTC, kind="limit", limit=99.0, quantity=1.0, take_profit=0.04)
    market = market_of([FLAT, (100.0, 104.0, 98.0, 100.0)])
    band = run_band(Prepared([[order], []]), market, account=Account(cash=1_000.0))
    assert band.pessimistic.trades == ()
    assert band.optimistic.trades[0].exit_price == pytest.approx(102.96)


def test_delisting_settles_a_position_at_the_last_close_and_takes_orders_off() -> None:
    orders = {0: [Order(BTC, quantity=1.0)], 1: [Order(BTC, kind="limit", limit=50.0, quantity=1.0)]}
    candles = [FLAT, (100.0, 100.0, 90.0, 90.0), FLAT, FLAT]
    result = trade(candles, orders, costs=Costs(taker_bps=10), market={"delisted_at": {BTC: 2 * HOUR}})
    assert [(fill.row, fill.price, fill.reason) for fill in result.fills][1] == (2, 90.0, "delisted")
    assert [order.fate for order in result.orders] == ["filled", "cancelled"]
    assert result.equity[2:].tolist() == [1_000.0 - 10.0 - 0.1 - 0.09] * 2


def test_nothing_is_filled_in_a_bar_without_volume() -> None:
    result = trade([FLAT, FLAT, FLAT], {0: [Order(BTC, quantity=1.0)]}, volume=[1.0, 0.0, 5.0])
    assert [fill.row for fill in result.fills] == [2]


def test_volume_is_shared_out_over_bars_and_the_stop_waits_for_it_too() -> None:
    order = Order(BTC, quantity=3.0, stop_loss=0.05)
    low = (90.0, 90.0, 90.0, 90.0)
    result = trade(
        [FLAT, FLAT, FLAT, low, low], {0: [order]}, volume=[9.0, 20.0, 20.0, 20.0, 20.0],
        account=Account(cash=1_000.0, participation=0.1),
    )  # fmt: skip
    assert [(fill.row, fill.quantity) for fill in result.fills] == [(1, 2.0), (2, 1.0), (3, -2.0), (4, -1.0)]
    assert result.trades[0].quantity == 3.0


def test_funding_is_paid_by_who_holds_at_the_boundary_and_not_by_who_buys_there() -> None:
    funding = np.array([NAN, 0.01, 0.01, 0.01])
    orders = {0: [Order(BTC, quantity=2.0)], 2: [Order(BTC, "sell")]}
    result = trade([FLAT, FLAT, FLAT, FLAT], orders, market={"funding": funding})
    # Bought at the open of bar 1, at the boundary of which nothing was held; sold at that of bar 3, after paying.
    assert result.funding_paid.tolist() == [0.0, 0.0, 2.0, 2.0]
    assert result.trades[0].funding == 4.0
    assert result.trades[0].pnl == -4.0


def test_short_gets_funding_and_may_be_forbidden() -> None:
    funding = np.array([NAN, NAN, 0.01])
    short = {0: [Order(BTC, "sell", quantity=1.0)]}
    assert trade([FLAT] * 3, short, market={"funding": funding}).equity[-1] == 1_001.0
    spot = trade([FLAT] * 3, short, account=Account(cash=1_000.0, may_short=False))
    assert [order.fate for order in spot.orders] == ["no short positions"]


def test_gap_in_the_data_keeps_the_last_value_and_orders_wait() -> None:
    nothing = (NAN, NAN, NAN, NAN)
    orders = {0: [Order(BTC, quantity=1.0, stop_loss=0.05)], 1: [Order(BTC, "sell")]}
    result = trade([FLAT, (100, 104, 99, 102), nothing, (97, 98, 96, 97)], orders)
    assert result.equity.tolist() == [1_000.0, 1_002.0, 1_002.0, 997.0]
    assert [(fill.row, fill.price) for fill in result.fills] == [(1, 100.0), (3, 97.0)]


def test_trailing_stop_follows_the_best_price() -> None:
    candles = [FLAT, (103, 107, 103, 107), (107, 111, 106, 107), (106, 106, 100, 101)]
    result = trade(candles, {0: [Order(BTC, quantity=1.0, trailing_stop=0.05)]})
    # 5 % below 107 is 101.65, below 111 it is 105.45: bars 1 and 2 stay above, bar 3 opens above and falls through it.
    assert result.trades[0].exit_row == 3
    assert result.trades[0].exit_price == pytest.approx(105.45)
    assert result.trades[0].reason == "trailing_stop"
    assert not result.trades[0].is_ambiguous


def test_trailing_stop_inside_one_bar_is_at_worst_at_the_low() -> None:
    market = market_of([FLAT, (100, 110, 99, 109)])
    order = Order(BTC, quantity=1.0, trailing_stop=0.05)
    band = run_band(Prepared([[order], []]), market, account=Account(cash=1_000.0))
    assert band.pessimistic.trades[0].exit_price == 99.0
    assert band.optimistic.trades == ()


def test_time_is_over_after_so_many_bars() -> None:
    result = trade([FLAT] * 5, {0: [Order(BTC, quantity=1.0, max_bars=2)]})
    assert [(t.entry_row, t.exit_row, t.reason) for t in result.trades] == [(1, 3, "time")]


def test_stop_limit_is_a_limit_once_its_stop_was_reached() -> None:
    order = Order(BTC, kind="stop_limit", stop=105.0, limit=103.0, quantity=1.0)
    result = trade([FLAT, (100, 106, 100, 106), (106, 106, 102, 104)], {0: [order]})
    assert [(fill.row, fill.price, fill.is_maker) for fill in result.fills] == [(2, 103.0, True)]


def test_cancel_and_expiry_take_orders_off() -> None:
    waiting = Order(BTC, kind="limit", limit=90.0, quantity=1.0)
    short_lived = Order(BTC, kind="limit", limit=90.0, quantity=1.0, good_for=1)
    orders = {0: [waiting, short_lived], 1: [Order(BTC, kind="cancel")]}
    result = trade([FLAT, FLAT, FLAT, (90, 90, 80, 80)], orders)
    assert [order.fate for order in result.orders] == ["cancelled", "expired", "filled"]
    assert result.fills == ()


def test_selling_frees_the_cash_for_buying_at_the_same_open() -> None:
    opened = np.arange(3, dtype=np.int64) * HOUR
    flat = np.full((3, 2), 100.0)
    market = Market(("BTC-USDT", "ETH-USDT"), opened, opened + HOUR, flat, flat, flat, flat)
    weights = np.array([[0.0, 1.0], [1.0, 0.0], [NAN, NAN]])
    result = run(TargetWeights(weights), market, account=Account(cash=1_000.0))
    assert [(fill.symbol, fill.quantity) for fill in result.fills] == [
        ("ETH-USDT", 10.0), ("ETH-USDT", -10.0), ("BTC-USDT", 10.0),
    ]  # fmt: skip


def test_only_so_many_positions_and_the_lowest_rank_first() -> None:
    opened = np.arange(2, dtype=np.int64) * HOUR
    flat = np.full((2, 3), 100.0)
    market = Market(("BTC-USDT", "ETH-USDT", "XRP-USDT"), opened, opened + HOUR, flat, flat, flat, flat)
    entry = np.array([[True] * 3, [False] * 3])
    signals = Signals(entry, size=Size(0.3), rank=np.array([[3.0, 1.0, 2.0], [0.0, 0.0, 0.0]]))
    result = run(signals, market, account=Account(cash=1_000.0, max_positions=2))
    assert [fill.symbol for fill in result.fills] == ["ETH-USDT", "XRP-USDT"]
    assert [order.fate for order in result.orders] == ["filled", "filled", "too many positions"]


def test_signals_that_turn_round_close_and_open_in_one_order() -> None:
    signals = Signals(
        long_entry=np.array([True, False, False]),
        short_entry=np.array([False, True, False]),
        size=Size(2.0, "quantity"),
    )
    result = run(signals, market_of([FLAT] * 3), account=Account(cash=1_000.0))
    assert [fill.quantity for fill in result.fills] == [2.0, -2.0, -2.0]
    assert [one.quantity for one in result.positions] == [-2.0]


def test_all_of_the_cash_buys_what_the_fee_leaves() -> None:
    result = trade([FLAT, FLAT], {0: [Order(BTC, fraction=1.0)]}, costs=Costs(taker_bps=10))
    assert result.fills[0].quantity == 1_000.0 / (100.0 * (1.0 + 0.001))
    assert result.equity[-1] == pytest.approx(1_000.0 / 1.001, rel=1e-12)


def test_ticks_lots_and_least_orders_are_those_of_the_date() -> None:
    early, late = Costs(tick=0.5, lot=0.1, min_notional=5.0), Costs(tick=5.0, lot=1.0, min_notional=500.0)
    schedules = [Schedule(early), Schedule(late, from_time=2 * HOUR)]
    price = (100.2, 100.2, 100.2, 100.2)
    orders = {0: [Order(BTC, quantity=1.27)], 1: [Order(BTC, quantity=2.9)], 2: [Order(BTC, quantity=5.5)]}
    result = trade([price] * 4, orders, costs=schedules, account=Account(cash=2_000.0))
    assert [(fill.row, fill.price) for fill in result.fills] == [(1, 100.5), (3, 105.0)]
    assert [fill.quantity for fill in result.fills] == pytest.approx([1.2, 5.0])
    assert [order.fate for order in result.orders] == ["filled", "too small", "filled"]


def test_account_that_is_worth_nothing_is_closed_there() -> None:
    account = Account(cash=1_000.0, max_leverage=5.0)
    orders = {0: [Order(BTC, fraction=5.0)], 2: [Order(BTC, quantity=1.0)]}
    result = trade([FLAT, FLAT, (100, 100, 70, 75), FLAT], orders, account=account)
    assert result.ruin_row == 2
    assert [fill.reason for fill in result.fills] == ["order", "ruined"]
    assert result.orders[-1].fate == "account ruined"
    assert result.equity.tolist() == [1_000.0, 1_000.0, -250.0, -250.0]
    assert result.performance.max_drawdown == -1.0
    assert math.isnan(result.performance.sharpe)
    # With no order to come the bars before are quiet ones, and this is not.
    alone = trade([FLAT, FLAT, (100, 100, 70, 75), FLAT], {0: orders[0]}, account=account)
    assert alone.equity.tobytes() == result.equity.tobytes()


def test_a_trade_lasts_from_its_first_fill_to_its_last() -> None:
    orders = {
        0: [Order(BTC, quantity=1.0)],  # bought at the open of bar 1, sold at that of bar 2
        1: [Order(BTC, "sell")],
        2: [Order(BTC, quantity=1.0, stop_loss=0.02)],  # bought at the open of bar 3, stopped inside bar 4
    }
    candles = [FLAT, FLAT, FLAT, FLAT, (100, 100, 97, 99), FLAT]
    assert trade(candles, orders).closed_trades.duration_us.tolist() == [HOUR, 2 * HOUR]
    at_close = Account(cash=1_000.0, fill_at="same_close")
    assert trade(candles, orders, account=at_close).closed_trades.duration_us.tolist() == [HOUR, 2 * HOUR]


def test_a_delisting_to_come_is_not_seen() -> None:
    seen = []

    class Looking:
        def decide(self, view: View) -> list[Order]:
            seen.append(dict(view.past.delisted_at))
            return []

    market = market_of([FLAT] * 4)
    gone = int(market.open_time[2])
    run(Looking(), dataclasses.replace(market, delisted_at={BTC: gone}))
    assert seen == [{}, {BTC: gone}, {BTC: gone}, {BTC: gone}]


def test_figures_of_a_hand_worked_account() -> None:
    day = [(100.0, 100.0, 100.0, 100.0), (100.0, 112.0, 100.0, 110.0), (110.0, 110.0, 99.0, 99.0), FLAT]
    orders = {0: [Order(BTC, quantity=5.0)], 1: [Order(BTC, "sell")]}
    result = trade(day, orders, costs=Costs(taker_bps=100))
    # Bought 5 at 100 (fee 5), sold at 110 (fee 5.5): 50 - 10.5 = 39.5 earned in one hour.
    found = result.performance
    assert found.total_return == pytest.approx(0.0395)
    assert (found.trades, found.win_rate) == (1, 1.0)
    assert found.fees == pytest.approx(10.5)
    assert found.average_trade_us == HOUR
    assert found.exposure == 0.25
    assert result.exposure.tolist() == pytest.approx([0.0, 550.0 / 1045.0, 0.0, 0.0])
    years = 4 / 8760
    assert found.turnover == pytest.approx(1050.0 / years / np.mean([1000, 1000, 1045, 1039.5, 1039.5]))


class Raises:
    def decide(self, view: View) -> list[Order]:
        return [] if view.row < 2 else [Order("BTC-USDT", quantity=1 / 0)]


class RaisesAtOnce:
    def tape(self, market: Market) -> Floats:
        return np.empty((len(market), 1 // 0))


class Peeks:
    """Notes what it is shown."""

    def __init__(self) -> None:
        self.seen: list[tuple[int, float, float]] = []

    def decide(self, view: View) -> list[Order]:
        self.seen.append((len(view.past), float(view.past.close[-1, 0]), view.equity))
        return [Order(BTC, quantity=1.0)] if view.row == 0 else []


def test_strategy_sees_the_past_and_its_account_and_nothing_later() -> None:
    strategy = Peeks()
    run(strategy, market_of([FLAT, (100, 105, 100, 104), (104, 104, 103, 103)]), account=Account(cash=1_000.0))
    assert strategy.seen == [(1, 100.0, 1_000.0), (2, 104.0, 1_004.0), (3, 103.0, 1_003.0)]


@pytest.mark.parametrize(
    ("error", "make", "words"),
    [
        (BadInputError, lambda: Account(cash=0.0), "an account needs cash: '0.0'"),
        (BadInputError, lambda: Account(cash=1e300), "1e+18 at most"),
        (BadInputError, lambda: Account(latency_bars=10**400), "no such latency"),
        (BadInputError, lambda: Exits(max_bars=10**23), "no such number of bars"),
        (BadInputError, lambda: Costs(taker_bps=1e4), "a fee takes the whole price: '10000 bps'"),
        (BadInputError, lambda: Costs(taker_bps=-1.0), "a cost cannot be that: taker_bps: '-1.0'"),
        (BadInputError, lambda: market_of([FLAT, (NAN, 1.0, 1.0, 1.0)]), "a bar lacks a price"),
        (BadInputError, lambda: market_of([(100, 99, 98, 99)]), "not a bar"),
        (NoDataError, lambda: market_of([(NAN, NAN, NAN, NAN)]), "every price is NaN"),
        (BadInputError, lambda: Order(BTC, quantity=-1.0), "an order cannot have that quantity"),
        (BadInputError, lambda: Order(BTC, kind="limit", quantity=1.0), "give it a limit price"),
        (BadInputError, lambda: Order(BTC, quantity=1.0, fraction=0.5), "several sizes"),
        (BadInputError, lambda: Order(BTC, "sell", quantity=1.0, take_profit=1.5), "take_profit"),
        (BadInputError, lambda: Exits(stop_loss=-0.1), "no such stop_loss"),
        (BadInputError, lambda: Size(0.0), "above zero"),
        (BadInputError, lambda: run(object(), market_of([FLAT])), "not a strategy: 'object'"),  # type: ignore[arg-type]
        (BadInputError, lambda: run(Fixed("x"), market_of([FLAT])), "not a tape of orders: 'str'"),  # type: ignore[arg-type]
        (BadInputError, lambda: run(Asked([[Order("ETH-USDT", quantity=1.0)]]), market_of([FLAT])), "unknown symbol"),
        (BadInputError, lambda: run(Asked([[]]), market_of([FLAT]), costs=Costs(impact_bps=5)), "participation"),
        (BadInputError, lambda: run(Asked([[]]), market_of([FLAT]), path="best"), "no such path"),
        (BadInputError, lambda: run(Signals(np.array([True])), market_of([FLAT] * 2)), "a row a bar"),
        (StrategyError, lambda: run(RaisesAtOnce(), market_of([FLAT])), "make its orders: 'ZeroDivisionError"),
        (StrategyError, lambda: run_band(RaisesAtOnce(), market_of([FLAT])), "make its orders: 'ZeroDivisionError"),
        (StrategyError, lambda: run(Raises(), market_of([FLAT] * 4)), "1970-01-01T03:00:00.000000Z (bar 2): 'Zero"),
    ],
)  # fmt: skip
def test_what_cannot_be_used_is_refused_in_words(error: type[AssayError], make: object, words: str) -> None:
    with pytest.raises(error) as caught:
        make()  # type: ignore[operator]
    assert words in str(caught.value)


def test_empty_period_is_no_data() -> None:
    nothing = np.empty(0)
    with pytest.raises(NoDataError, match="no bars to trade on"):
        Market((BTC,), nothing.astype(np.int64), nothing.astype(np.int64), nothing, nothing, nothing, nothing)


class Tape:
    """A strategy whose tape somebody wrote by hand."""

    def __init__(self, row: float, symbol: float) -> None:
        self.order = Order(BTC, quantity=1.0).row(0, 0)
        self.order[0], self.order[1] = row, symbol

    def tape(self, market: Market) -> Floats:
        return tape_of([self.order])


@pytest.mark.parametrize(("row", "symbol"), [(2.0, 0.0), (-1.0, 0.0), (NAN, 0.0), (0.0, 1.0), (0.0, -1.0), (0.0, 0.5)])
def test_tape_that_names_what_is_not_there_is_refused(row: float, symbol: float) -> None:
    with pytest.raises(BadInputError, match="that are not there"):
        run(Tape(row, symbol), market_of([FLAT, FLAT]))
