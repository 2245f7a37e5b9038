"""What holds for every strategy on every market."""

from __future__ import annotations

import dataclasses

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from assay.backtest.engine import run, run_band
from assay.backtest.result import Result
from assay.measures.trading_costs import Costs
from tests.unit.backtest.made_markets import (
    Prepared,
    random_account,
    random_costs,
    random_market,
    random_orders,
)

SEEDS = st.integers(0, 2**32 - 1)


def random_run(seed: int, **changed: object) -> Result:
    rng = np.random.default_rng(seed)
    market, account = random_market(rng), random_account(rng)
    costs, decided = random_costs(rng, account), random_orders(rng, market)
    costs = dataclasses.replace(costs, **changed) if changed else costs  # type: ignore[arg-type]
    return run(Prepared(decided), market, account=account, costs=costs)


@settings(max_examples=60)
@given(seed=SEEDS)
def test_cash_and_positions_are_the_equity_at_each_bar(seed: int) -> None:
    result = random_run(seed)
    market = result.market
    cash, held = result.account.cash, np.zeros(len(market.symbols))
    last = np.full(len(market.symbols), np.nan)
    fills = list(result.fills)
    for row in range(len(market)):
        # Delisted symbols are settled at their last close; their bars count no more.
        listed = row < market.delisted_row
        cash -= result.funding_paid[row] if result.funding_paid.size else 0.0
        while fills and fills[0].row == row:
            fill = fills.pop(0)
            cash -= fill.quantity * fill.price + fill.fee
            held[market.place_of(fill.symbol)] += fill.quantity
        here = listed & ~np.isnan(market.close[row])
        last[here] = market.close[row][here]
        worth = cash + sum(units * price for units, price in zip(held, last, strict=True) if abs(units) > 1e-9)
        assert result.equity[row] == pytest.approx(worth, rel=1e-9, abs=1e-6)
    assert not fills


@settings(max_examples=60)
@given(seed=SEEDS)
def test_nothing_is_filled_outside_its_bar_or_better_than_the_market(seed: int) -> None:
    result = random_run(seed)
    market = result.market
    for fill in result.fills:
        column = market.place_of(fill.symbol)
        if fill.reason == "delisted":
            continue
        low, high = market.low[fill.row, column], market.high[fill.row, column]
        assert low <= fill.touched_price <= high
        assert market.volume[fill.row, column] > 0
        worse = np.sign(fill.quantity) * (fill.price - fill.touched_price)
        assert worse >= -1e-9
        if result.account.participation:
            same = [f.quantity for f in result.fills if (f.row, f.symbol) == (fill.row, fill.symbol)]
            assert sum(map(abs, same)) <= result.account.participation * market.volume[fill.row, column] + 1e-9


@settings(max_examples=40)
@given(seed=SEEDS, share=st.floats(0.1, 0.95))
def test_leaving_out_the_future_changes_nothing(seed: int, share: float) -> None:
    rng = np.random.default_rng(seed)
    market, account = random_market(rng), random_account(rng)
    costs, decided = random_costs(rng, account), random_orders(rng, market)
    stop = max(int(len(market) * share), 1)
    if np.isnan(market.close[:stop]).all():
        return
    whole = run(Prepared(decided), market, account=account, costs=dataclasses.replace(costs, tick=0.0))
    part = run(Prepared(decided), market.rows(0, stop), account=account, costs=dataclasses.replace(costs, tick=0.0))
    assert part.equity.tobytes() == whole.equity[:stop].tobytes()
    assert part.fills == tuple(fill for fill in whole.fills if fill.row < stop)
    assert part.trades == tuple(trade for trade in whole.trades if trade.exit_row < stop)


@settings(max_examples=40)
@given(seed=SEEDS, dearer=st.floats(0.1, 50.0))
def test_higher_fees_on_the_same_quantities_leave_less(seed: int, dearer: float) -> None:
    # Where all of what the account is worth is traded, a lost trade that grows smaller with its fee may be a gain.
    rng = np.random.default_rng(seed)
    market, account = random_market(rng), dataclasses.replace(random_account(rng), max_leverage=1e9, cash=1e6)
    decided = [
        [
            order
            for order in orders
            if order.fraction is None and order.target is None and order.notional is None and order.stop_loss is None
        ]
        for orders in random_orders(rng, market)
    ]
    cheap, dear = (
        run(Prepared(decided), market, account=account, costs=Costs(maker_bps=bps, taker_bps=bps))
        for bps in (1.0, 1.0 + dearer)
    )
    assert [fill[:5] for fill in dear.fills] == [fill[:5] for fill in cheap.fills]
    assert (dear.equity <= cheap.equity).all()
    assert (dear.equity[-1] < cheap.equity[-1]) == bool(cheap.fills)


@settings(max_examples=40)
@given(seed=SEEDS, most=st.integers(1, 3))
def test_all_symbols_share_the_cash_and_only_so_many_are_held(seed: int, most: int) -> None:
    rng = np.random.default_rng(seed)
    market = random_market(rng)
    account = dataclasses.replace(random_account(rng), max_positions=most, max_leverage=1.0, may_short=False)
    decided = random_orders(rng, market)
    result = run(Prepared(decided), market, account=account, costs=random_costs(rng, account))
    assert ((result.quantity != 0).sum(axis=1) <= most).all()
    assert (result.quantity >= -1e-9).all()
    cash, held = account.cash, np.zeros(len(market.symbols))
    # Funding is what is paid whether there is cash or not; a short position, which there is none of, would get it.
    slack = np.abs(result.funding_paid).sum() + 1e-6
    for fill in result.fills:
        cash -= fill.quantity * fill.price + fill.fee
        held[market.place_of(fill.symbol)] += fill.quantity
        assert (np.abs(held) > 1e-9).sum() <= most
        assert cash >= -slack


@settings(max_examples=40)
@given(seed=SEEDS)
def test_the_shortcut_over_quiet_bars_changes_no_bit(seed: int) -> None:
    rng = np.random.default_rng(seed)
    market, account = random_market(rng), random_account(rng)
    market = dataclasses.replace(
        market.rows(0, len(market)),
        symbols=market.symbols[:1], open=market.open[:, 0], high=market.high[:, 0], low=market.low[:, 0],
        close=market.close[:, 0], volume=market.volume[:, 0], funding=np.empty((0, 1)),
        delisted_at={name: at for name, at in market.delisted_at.items() if name == market.symbols[0]},
    )  # fmt: skip
    costs, decided = random_costs(rng, account), random_orders(rng, market)
    # A rate of funding that is nowhere known pays nothing, and forbids the shortcut.
    slow = dataclasses.replace(market, funding=np.full(len(market), np.nan))
    results = [run(Prepared(decided), one, account=account, costs=costs) for one in (market, slow)]
    assert results[0].equity.tobytes() == results[1].equity.tobytes()
    assert results[0].fills == results[1].fills
    assert results[0].trades == results[1].trades


@settings(max_examples=40)
@given(seed=SEEDS)
def test_figures_of_quantity_and_exposure_agree_with_the_positions_left(seed: int) -> None:
    result = random_run(seed)
    assert result.quantity[-1] == pytest.approx(result.held, abs=1e-9)
    assert {one.symbol: one.quantity for one in result.positions} == {
        symbol: units for symbol, units in zip(result.market.symbols, result.held.tolist(), strict=True) if units
    }


def test_where_no_bar_is_in_doubt_both_paths_are_one() -> None:
    rng = np.random.default_rng(5)
    market = random_market(rng)
    band = run_band(Prepared([[] for _ in range(len(market))]), market)
    assert band.is_exact
    assert band.total_return == (0.0, 0.0)
